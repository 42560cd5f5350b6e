/*
 * image/decode/format.c - the table of formats, and what is asked about it.
 *
 * Only the bytes decide how a file is decoded. Names decide which files of a directory are worth
 * looking at.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/identity.h"

#include <strings.h>

#define ROW(VALUE, name) [GLIMPSE_FORMAT_##VALUE] = &glimpse_format_##name,
static const glimpse_format *const formats[GLIMPSE_FORMAT_COUNT] = {GLIMPSE_IMAGE_FORMATS(ROW)};
#undef ROW

/* NULL for GLIMPSE_FORMAT_UNKNOWN and what is no format. */
static const glimpse_format *row_of(glimpse_image_format format) {
    const unsigned at = (unsigned)format;
    return at < GLIMPSE_FORMAT_COUNT ? formats[at] : NULL;
}

glimpse_image_format glimpse_image_sniff(const void *data, size_t size) {
    unsigned max = 0;
    glimpse_image_format found = GLIMPSE_FORMAT_UNKNOWN;
    for (unsigned f = 0; f < GLIMPSE_FORMAT_COUNT; f++) {
        const unsigned proof = formats[f] ? formats[f]->sniff(data, size) : 0;
        if (proof > max) {
            max = proof;
            found = (glimpse_image_format)f;
        }
    }
    return found;
}

const char *glimpse_image_format_name(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row ? row->name : "unknown";
}

int glimpse_image_format_supported(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row && row->decode && (!row->available || row->available());
}

/* 1 when `ending` is one of the words of `endings`, in any case. */
static int is_among(const char *ending, const char *endings) {
    const size_t length = strlen(ending);
    while (*endings) {
        const size_t word = strcspn(endings, " ");
        if (word == length && strncasecmp(ending, endings, length) == 0) return 1;
        endings += word;
        endings += strspn(endings, " ");
    }
    return 0;
}

int glimpse_image_name_is_picture(const char *name) {
    /* No format of ours, but pictures all the same: better named as unusable than passed over. */
    static const char others[] = "ico cur qoi exr dds sgi pcx";
    const char *slash = strrchr(name, '/');
    if (slash) name = slash + 1;
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) return 0; /* ".jpg" is a hidden file without an ending */
    for (size_t i = 0; i < GLIMPSE_FORMAT_COUNT; i++) {
        if (formats[i] && is_among(dot + 1, formats[i]->endings)) return 1;
    }
    return is_among(dot + 1, others);
}

int glimpse_format_is_certain(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row && !row->only_plausible;
}

int glimpse_format_is_lossless(glimpse_image_format format, const uint8_t *data, size_t size) {
    const glimpse_format *row = row_of(format);
    return row && row->lossless && row->lossless(data, size);
}

int glimpse_format_is_whole(glimpse_image_format format, const uint8_t *data, size_t size) {
    const glimpse_format *row = row_of(format);
    if (!row || !row->has_end) return 1;
    glimpse_identifier nothing = {.hasher = glimpse_hasher_create()}; /* room for no byte */
    const int whole = !nothing.hasher || row->identify(&nothing, data, size);
    if (nothing.hasher) (void)glimpse_hasher_finish(nothing.hasher);
    return whole;
}

int glimpse_format_is_reducible(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row && row->reducible;
}

const char *glimpse_format_media_type(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row ? row->media_type : NULL;
}

glimpse_declared glimpse_format_declared(const uint8_t *data, size_t size) {
    const glimpse_format *row = row_of(glimpse_image_sniff(data, size));
    if (row && row->declared) return row->declared(data, size);
    return (glimpse_declared){.bytes_per_pixel = 8, .unknown = 1};
}

int glimpse_format_is_identified_by_pixels(glimpse_image_format format) {
    const glimpse_format *row = row_of(format);
    return row && row->decode && !row->identify;
}

int glimpse_format_identify(glimpse_image_format format, glimpse_identifier *to,
                            const uint8_t *data, size_t size) {
    const glimpse_format *row = row_of(format);
    return row && row->identify && row->identify(to, data, size);
}

int glimpse_format_decode(glimpse_image *picture, const glimpse_source *source) {
    const glimpse_format *row = row_of(picture->meta.format);
    if (row && row->decode) return row->decode(picture, source);
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s pictures cannot be decoded by this build",
                        glimpse_image_format_name(picture->meta.format));
}
