/*
 * image/decode/decode_heif.c - HEIC and AVIF through libheif, loaded when the first such picture
 * comes.
 *
 * libheif draws in several video codecs; linking it would cost every start of the command about
 * 7 ms, for a format many libraries do not hold. So it is loaded on first use. The
 * prototypes come from its header, the version from its soname.
 *
 * Rotation, mirroring and cropping that the container describes are applied by libheif. The EXIF
 * orientation of these files repeats that rotation and must not be applied again; it is only
 * reported.
 */
#include "image/decode/decoder.h"
#include "image/decode/identity.h"
#include "image/decode/iso_media.h"

#ifdef GLIMPSE_HAVE_HEIF

# include "core/dynlib.h"
# include "core/error.h"
# include "image/depth.h"

# include <stdlib.h>

# include <libheif/heif.h>

# define FUNCTIONS(X)                           \
  X(heif_context_alloc)                         \
  X(heif_context_free)                          \
  X(heif_context_read_from_memory_without_copy) \
  X(heif_context_get_primary_image_handle)      \
  X(heif_image_handle_get_width)                \
  X(heif_image_handle_get_height)               \
  X(heif_image_handle_has_alpha_channel)        \
  X(heif_image_handle_get_luma_bits_per_pixel)  \
  X(heif_image_handle_release)                  \
  X(heif_decoding_options_alloc)                \
  X(heif_decoding_options_free)                 \
  X(heif_decode_image)                          \
  X(heif_image_get_width)                       \
  X(heif_image_get_height)                      \
  X(heif_image_get_plane_readonly)              \
  X(heif_image_release)                         \
  X(heif_have_decoder_for_format)               \
  X(heif_get_version_number_major)              \
  X(heif_get_version_number_minor)              \
  X(heif_get_version_number_maintenance)

static struct libheif {
# define DECLARE(name) __typeof__(name) *name;
    FUNCTIONS(DECLARE)
# undef DECLARE
    struct heif_error (*heif_init)(void *);
} lib;

static void version(unsigned found[3]) {
    found[0] = (unsigned)lib.heif_get_version_number_major();
    found[1] = (unsigned)lib.heif_get_version_number_minor();
    found[2] = (unsigned)lib.heif_get_version_number_maintenance();
}

/* From 1.13 on: loads codecs that are packaged apart. Never undone: it lasts for the process. */
static const char *start(void) {
    if (lib.heif_init) (void)lib.heif_init(NULL);
    return NULL;
}

static const glimpse_dynlib_symbol symbols[] = {
# define SYMBOL(name) GLIMPSE_DYNLIB_SYMBOL(# name, lib.name),
    FUNCTIONS(SYMBOL)
# undef SYMBOL
        GLIMPSE_DYNLIB_OPTIONAL("heif_init", lib.heif_init),
    {0},
};
static glimpse_dynlib library = {
    .name = "libheif",
    .package = "libheif1",
    .files = {"libheif.so.1"},
    .symbols = symbols,
    .version = version,
    .min_version = {1, 10, 0},
    .start = start,
    .mutex = PTHREAD_MUTEX_INITIALIZER,
};

/* 1 when libheif can be loaded and has a decoder. */
static int available(enum heif_compression_format codec) {
    return glimpse_dynlib_load(&library) && lib.heif_have_decoder_for_format(codec);
}

static int heif_available(void) {
    return available(heif_compression_HEVC);
}

static int avif_available(void) {
    return available(heif_compression_AV1);
}

static int heif_fail(struct heif_error error) {
    int status = GLIMPSE_E_FORMAT;
    if (error.code == heif_error_Unsupported_feature ||
        error.code == heif_error_Unsupported_filetype) {
        status = GLIMPSE_E_UNSUPPORTED;
    } else if (error.code == heif_error_Memory_allocation_error) {
        status = GLIMPSE_E_LIMIT; /* libheif's own size limits report themselves so */
    }
    return glimpse_fail(status, "HEIF: %s",
                        glimpse_foreign_message(error.message, "cannot be decoded"));
}

/* Samples of more than eight bits, as they are. */
static int read_depth(const glimpse_source *source, struct heif_image_handle *handle) {
    const int bits = lib.heif_image_handle_get_luma_bits_per_pixel(handle);
    struct heif_image *image = NULL;
    if (bits <= 8 || bits > 16) return GLIMPSE_OK;
    struct heif_error error = lib.heif_decode_image(handle, &image, heif_colorspace_RGB,
                                                    heif_chroma_interleaved_RRGGBB_LE, NULL);
    if (error.code != heif_error_Ok) return heif_fail(error);
    const int width = lib.heif_image_get_width(image, heif_channel_interleaved);
    const int height = lib.heif_image_get_height(image, heif_channel_interleaved);
    int stride = 0;
    const uint8_t *plane =
        lib.heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    for (int y = 0; plane && stride / 6 >= width && y < height; y++) {
        const uint8_t *row = plane + (size_t)y * (size_t)stride;
        for (size_t i = 0; i < (size_t)width * 3; i++) {
            const uint16_t sample = (uint16_t)glimpse_u16le(row + 2 * i);
            glimpse_depth_add(source->depth, &sample, 1, (unsigned)bits);
        }
    }
    lib.heif_image_release(image);
    return GLIMPSE_OK;
}

static int decode(glimpse_image *picture, const glimpse_source *source,
                  struct heif_context *context) {
    int status = GLIMPSE_OK;
    struct heif_image_handle *handle = NULL;
    struct heif_image *image = NULL;
    struct heif_decoding_options *options = NULL;
    struct heif_error error =
        lib.heif_context_read_from_memory_without_copy(context, source->data, source->size, NULL);
    if (error.code == heif_error_Ok) {
        error = lib.heif_context_get_primary_image_handle(context, &handle);
    }
    if (error.code != heif_error_Ok) {
        status = heif_fail(error);
        goto done;
    }
    const int width = lib.heif_image_handle_get_width(handle);
    const int height = lib.heif_image_handle_get_height(handle);
    status = glimpse_picture_check_size(source, width > 0 ? (uint64_t)width : 0,
                                        height > 0 ? (uint64_t)height : 0);
    if (status < 0) goto done;
    picture->meta.orientation = picture->stated_orientation; /* done already by libheif */
    if (source->depth) {
        status = read_depth(source, handle);
        goto done;
    }

    options = lib.heif_decoding_options_alloc();
    if (!options) {
        status = glimpse_fail_nomem(0, "a HEIF decoder");
        goto done;
    }
    options->convert_hdr_to_8bit = 1;
    const int with_alpha =
        source->composite && lib.heif_image_handle_has_alpha_channel(handle) != 0;
    const int samples = with_alpha ? 4 : 3;
    error = lib.heif_decode_image(
        handle, &image, heif_colorspace_RGB,
        with_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options);
    if (error.code != heif_error_Ok) {
        status = heif_fail(error);
        goto done;
    }
    /* What was decoded counts, not what the container announced. */
    const int real_w = lib.heif_image_get_width(image, heif_channel_interleaved);
    const int real_h = lib.heif_image_get_height(image, heif_channel_interleaved);
    int stride = 0;
    const uint8_t *plane =
        lib.heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    if (!plane || real_w <= 0 || real_h <= 0 || stride / samples < real_w) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "HEIF: no pixels in the decoded picture");
        goto done;
    }
    status = glimpse_picture_reserve(picture, source, (uint64_t)real_w, (uint64_t)real_h);
    if (status == GLIMPSE_OK && with_alpha) status = glimpse_picture_reserve_alpha(picture);
    if (status < 0) goto done;
    const size_t row = (size_t)real_w * 3;
    for (size_t y = 0; y < (size_t)real_h && with_alpha; y++) {
        glimpse_picture_split(picture, y * (size_t)real_w, plane + y * (size_t)stride,
                              (size_t)real_w);
    }
    for (size_t y = 0; y < (size_t)real_h && !with_alpha; y++) {
        memcpy(picture->pixels + y * row, plane + y * (size_t)stride, row);
    }
done:
    if (options) lib.heif_decoding_options_free(options);
    if (image) lib.heif_image_release(image);
    if (handle) lib.heif_image_handle_release(handle);
    return status;
}

static int decode_heif(glimpse_image *picture, const glimpse_source *source) {
    if (!glimpse_dynlib_load(&library)) {
        return glimpse_dynlib_fail(&library, picture->meta.format == GLIMPSE_FORMAT_AVIF
                                                 ? "AVIF pictures need"
                                                 : "HEIF pictures need");
    }
    struct heif_context *context = lib.heif_context_alloc();
    if (!context) return glimpse_fail_nomem(0, "a HEIF decoder");
    int status = decode(picture, source, context);
    lib.heif_context_free(context);
    return status;
}

#endif /* GLIMPSE_HAVE_HEIF */

static unsigned sniff_heif(const uint8_t *p, size_t size) {
    return glimpse_iso_media_kind(p, size) == GLIMPSE_ISO_HEIF ? GLIMPSE_ISO_PROOF : 0;
}

const glimpse_format glimpse_format_heif = {
    .name = "HEIF",
    .endings = "heic heics heif heifs hif",
    .sniff = sniff_heif,
#ifdef GLIMPSE_HAVE_HEIF
    .decode = decode_heif,
    .available = heif_available,
#endif
    .declared = glimpse_iso_media_declared,
    .identify = glimpse_identify_iso,
};

static unsigned sniff_avif(const uint8_t *p, size_t size) {
    return glimpse_iso_media_kind(p, size) == GLIMPSE_ISO_AVIF ? GLIMPSE_ISO_PROOF : 0;
}

const glimpse_format glimpse_format_avif = {
    .name = "AVIF",
    .endings = "avif avifs",
    .sniff = sniff_avif,
#ifdef GLIMPSE_HAVE_HEIF
    .decode = decode_heif,
    .available = avif_available,
#endif
    .declared = glimpse_iso_media_declared,
    .identify = glimpse_identify_iso,
};
