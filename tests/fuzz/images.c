/*
 * images.c - files of pictures: what they are told to be, what they announce, their identity, their
 * pixels, whole, over a background, and reduced. HEIC and AVIF, which a library decodes that is
 * neither instrumented nor free of leaks on damaged files, are only recognised.
 */
#include "fuzz.h"

#include "image/format.h"

#include <glimpse/status.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/metadata.h>

#include <string.h>

enum { MAX_PIXELS = 1 << 14 };

static void decode(const uint8_t *data, size_t size, const glimpse_decode_options *options) {
    glimpse_image *image = NULL;
    const int status = glimpse_image_decode(&image, data, size, "a picture", options);
    if (fuzz_fine(status)) {
        const uint64_t width = glimpse_image_width(image), height = glimpse_image_height(image);
        const glimpse_image_meta *meta = glimpse_image_metadata(image);
        const uint8_t *pixels = glimpse_image_pixels(image);
        PROMISE(width > 0 && height > 0 && width * height <= MAX_PIXELS);
        PROMISE(meta->width >= width && meta->height >= height);
        PROMISE(meta->orientation >= 1 && meta->orientation <= 8);
        PROMISE(memchr(meta->taken, '\0', sizeof meta->taken));
        PROMISE(memchr(meta->camera, '\0', sizeof meta->camera));
        volatile unsigned sum = 0; /* reads each byte, so that none is without a value */
        for (uint64_t i = 0; i < width * height * 3; i++)
            sum += pixels[i];
        (void)sum;
    } else {
        PROMISE(!image && strncmp(glimpse_last_error(), "a picture", 9) == 0);
    }
    glimpse_image_free(image);
}

static void identify(const uint8_t *data, size_t size) {
    glimpse_hash identity, again;
    glimpse_metadata *metadata = NULL;
    if (glimpse_image_identity_decodes(data, size)) { /* with a limit that suits a fuzzer */
        glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
        glimpse_image *image = NULL;
        options.max_pixels = MAX_PIXELS;
        (void)fuzz_fine(
            glimpse_image_decode_identified(&image, &identity, data, size, NULL, &options));
        glimpse_image_free(image);
        PROMISE(glimpse_image_identity_of_bytes(&identity, data, size) == GLIMPSE_OK);
        return;
    }
    const int coded = glimpse_image_identity(&identity, NULL, data, size);
    PROMISE(coded == 0 || coded == 1);
    PROMISE(glimpse_metadata_read(&metadata, data, size) == GLIMPSE_OK);
    PROMISE(metadata->orientation >= 1 && metadata->orientation <= 8);
    PROMISE(memchr(metadata->taken, '\0', sizeof metadata->taken));
    PROMISE(glimpse_image_identity(&again, metadata, data, size) == coded);
    glimpse_metadata_free(metadata);
    PROMISE(memcmp(&identity, &again, sizeof identity) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const glimpse_image_format format =
        glimpse_image_sniff(data, size < GLIMPSE_SNIFF_BYTES ? size : GLIMPSE_SNIFF_BYTES);
    PROMISE(format == GLIMPSE_FORMAT_UNKNOWN || glimpse_image_format_name(format) != NULL);
    (void)glimpse_format_declared(data, size);
    (void)glimpse_format_is_lossless(format, data, size);
    identify(data, size);
    if (format == GLIMPSE_FORMAT_HEIF || format == GLIMPSE_FORMAT_AVIF) return 0;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.max_pixels = MAX_PIXELS;
    decode(data, size, &options);
    options.ground = size % 2 ? GLIMPSE_GROUND_VISIBLE : GLIMPSE_GROUND_CHECKERED;
    decode(data, size, &options);
    options.ground = GLIMPSE_GROUND_NONE;
    options.short_side = 3;
    decode(data, size, &options);
    return 0;
}
