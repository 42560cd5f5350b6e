/*
 * image/image.c - the life of an image: opened, decoded by the format's decoder, turned upright.
 */
#include <glimpse/sys/image.h>

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "core/options.h"
#include "image/depth.h"
#include "image/format.h"
#include "image/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char pointer_message[] =
    "a git-lfs pointer and not the picture; git lfs pull in its folder gets it";

static int not_a_picture(const glimpse_source *source) {
    if (source->size == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "the file is empty");
    if (source->size >= 4 && memcmp(source->data, "\0\5\x16\7", 4) == 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "macOS metadata of another file, not a picture");
    }
    if (glimpse_download_is_pointer(source->data, source->size))
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s", pointer_message);
    return glimpse_fail(GLIMPSE_E_FORMAT, "not a picture in a format known here");
}

static int read_options(glimpse_source *source, const glimpse_decode_options *options) {
    glimpse_decode_options own = GLIMPSE_DECODE_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_decode_options, max_pixels);
    source->max_pixels = own.max_pixels ? own.max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    source->short_side = own.short_side;
    source->ground = own.ground;
    source->composite = source->ground != GLIMPSE_GROUND_NONE;
    if (status == GLIMPSE_OK && (unsigned)own.ground > GLIMPSE_GROUND_KEEP) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "glimpse_decode_options: no ground %u",
                              (unsigned)own.ground);
    }
    return status;
}

static int fill_meta(glimpse_image_meta *meta, const void *data, size_t size) {
    glimpse_metadata *m = NULL;
    if (!glimpse_image_format_supported(meta->format)) return GLIMPSE_OK;
    int status = glimpse_metadata_read(&m, data, size);
    if (status < 0) return status;
    meta->orientation = m->orientation;
    memcpy(meta->taken, m->taken, sizeof meta->taken);
    memcpy(meta->subseconds, m->subseconds, sizeof meta->subseconds);
    meta->taken_from = m->taken_from;
    meta->taken_is_modification = m->taken_is_modification;
    meta->has_offset = m->has_offset;
    meta->offset_minutes = m->offset_minutes;
    meta->has_gps = m->has_gps;
    meta->latitude = m->latitude;
    meta->longitude = m->longitude;
    glimpse_camera_name(meta->camera, sizeof meta->camera, m->make, m->model);
    glimpse_metadata_free(m);
    return GLIMPSE_OK;
}

/* Before the picture is decoded: decoders turn it by what the file says. */
static int read_metadata(glimpse_image *picture, const glimpse_source *source) {
    int status = fill_meta(&picture->meta, source->data, source->size);
    picture->stated_orientation = picture->meta.orientation;
    picture->meta.orientation = 1;
    return status;
}

int glimpse_image_depth(unsigned *bits, glimpse_hash *samples, const void *data, size_t size,
                        uint64_t max_pixels) {
    glimpse_depth depth = {.hasher = glimpse_hasher_create()};
    const glimpse_source source = {.data = data,
                                   .size = size,
                                   .max_pixels =
                                       max_pixels ? max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS,
                                   .depth = &depth};
    glimpse_image *picture = calloc(1, sizeof *picture);
    *bits = 0;
    int status = picture && depth.hasher ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        picture->pending_orientation = picture->stated_orientation = 1;
        picture->meta.format = glimpse_image_sniff(data, size);
        status = picture->meta.format == GLIMPSE_FORMAT_UNKNOWN
                     ? GLIMPSE_E_FORMAT
                     : glimpse_format_decode(picture, &source);
    }
    if (status == GLIMPSE_OK && depth.carries) *bits = depth.bits;
    if (depth.hasher) *samples = glimpse_hasher_finish(depth.hasher);
    glimpse_image_free(picture);
    return status;
}

/* `identity` NULL: not asked for. */
static int decode_source(glimpse_image **out, glimpse_hash *identity, const glimpse_source *source,
                         const char *name) {
    int status;
    glimpse_image *picture = calloc(1, sizeof *picture);
    if (!picture) return glimpse_fail_nomem(sizeof *picture, "a picture");
    picture->pending_orientation = 1;
    picture->meta.orientation = picture->stated_orientation = 1;
    picture->meta.format = glimpse_image_sniff(source->data, source->size);

    status = read_metadata(picture, source);
    if (status < 0) goto done;
    status = picture->meta.format == GLIMPSE_FORMAT_UNKNOWN
                 ? not_a_picture(source)
                 : glimpse_format_decode(picture, source);
    if (status == GLIMPSE_OK && identity) status = glimpse_picture_identify(identity, picture);
    if (status < 0) goto done;
    glimpse_picture_lay(picture, source->ground);
    status = glimpse_picture_orient(picture, picture->pending_orientation);
    if (status < 0) goto done;
    picture->meta.width = picture->whole_width;
    picture->meta.height = picture->whole_height;
    *out = picture;
    picture = NULL;
done:
    if (status < 0) status = glimpse_fail_context(status, "%s", name);
    glimpse_image_free(picture);
    return status;
}

int glimpse_image_decode(glimpse_image **out, const void *data, size_t size, const char *name,
                         const glimpse_decode_options *options) {
    *out = NULL;
    glimpse_source source = {.data = data, .size = size};
    int status = read_options(&source, options);
    return status < 0 ? status : decode_source(out, NULL, &source, name ? name : "picture");
}

int glimpse_image_decode_identified(glimpse_image **out, glimpse_hash *identity,
                                    const uint8_t *data, size_t size, const char *name,
                                    const glimpse_decode_options *options) {
    *out = NULL;
    glimpse_source source = {.data = data, .size = size};
    int status = read_options(&source, options);
    source.composite = 1; /* the identity is that of what is seen */
    return status < 0 ? status : decode_source(out, identity, &source, name ? name : "picture");
}

int glimpse_image_page_hash(glimpse_hash *identity, uint64_t *pixels, const void *data, size_t size,
                            uint32_t page, uint64_t max_pixels) {
    const glimpse_source source = {.data = data,
                                   .size = size,
                                   .max_pixels =
                                       max_pixels ? max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS,
                                   .composite = 1,
                                   .ground = GLIMPSE_GROUND_KEEP,
                                   .page = page};
    glimpse_image *image = NULL;
    int status = decode_source(&image, NULL, &source, "picture");
    if (status < 0) return status;
    glimpse_hasher *hasher = glimpse_hasher_create();
    *pixels = (uint64_t)image->width * image->height;
    if (hasher) {
        glimpse_hasher_update(hasher, &image->width, sizeof image->width);
        glimpse_hasher_update(hasher, image->pixels, (size_t)*pixels * 3);
        if (image->alpha) glimpse_hasher_update(hasher, image->alpha, (size_t)*pixels);
        *identity = glimpse_hasher_finish(hasher);
    }
    glimpse_image_free(image);
    return hasher ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

/* A directory scan meets films and archives with picture names: look at the first bytes before
 * reading gigabytes. Says nothing about files it cannot read; the full read will. */
static int looks_like_a_picture(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return 1;
    FILE *file = fopen(path, "rbe");
    if (!file) return 1;
    uint8_t head[GLIMPSE_SNIFF_BYTES];
    size_t got = fread(head, 1, sizeof head, file);
    int failed = ferror(file);
    (void)fclose(file);
    return failed || glimpse_image_sniff(head, got) != GLIMPSE_FORMAT_UNKNOWN;
}

int glimpse_image_load(glimpse_image **out, const char *path,
                       const glimpse_decode_options *options) {
    *out = NULL;
    glimpse_source source = {0};
    int status = read_options(&source, options);
    if (status < 0) return status;
    const uint64_t max_pixels = source.max_pixels;
    if (!looks_like_a_picture(path)) {
        struct stat info;
        if (stat(path, &info) == 0 && info.st_size == 0) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the file is empty", path);
        }
        char head[64];
        FILE *file = fopen(path, "rbe");
        size_t got = file ? fread(head, 1, sizeof head, file) : 0;
        if (file) (void)fclose(file);
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s", path,
                            glimpse_download_is_pointer(head, got)
                                ? pointer_message
                                : "not a picture in a format known here");
    }
    /* Room for 16-bit RGBA stored plainly, and for metadata; more cannot be one picture within
     * the pixel limit. */
    uint64_t limit = (max_pixels > SIZE_MAX / 16 ? SIZE_MAX / 2 : max_pixels * 8) + (64u << 20);
    void *data = NULL;
    size_t size = 0;
    status = glimpse_file_read(&data, &size, path, (size_t)limit);
    if (status < 0) return status;
    status = glimpse_image_decode(out, data, size, path, options);
    free(data);
    return status;
}

int glimpse_image_create(glimpse_image **out, const uint8_t *rgb, uint32_t width, uint32_t height) {
    *out = NULL;
    const glimpse_source any = {.max_pixels = UINT64_MAX};
    glimpse_image *picture = calloc(1, sizeof *picture);
    if (!picture) return glimpse_fail_nomem(sizeof *picture, "a picture");
    if (width == 0 || height == 0) {
        free(picture);
        return glimpse_fail(GLIMPSE_E_INVALID, "a picture of %u x %u has no pixels", width, height);
    }
    int status = glimpse_picture_reserve(picture, &any, width, height);
    if (status < 0) {
        glimpse_image_free(picture);
        return status;
    }
    memcpy(picture->pixels, rgb, (size_t)width * height * 3);
    picture->pending_orientation = 1;
    picture->meta.orientation = 1;
    picture->meta.width = width;
    picture->meta.height = height;
    *out = picture;
    return GLIMPSE_OK;
}

void glimpse_image_free(glimpse_image *image) {
    if (!image) return;
    free(image->pixels);
    free(image->alpha);
    free(image);
}

const uint8_t *glimpse_image_alpha(const glimpse_image *image) {
    return image->alpha;
}

int glimpse_image_on_ground(glimpse_image **out, const glimpse_image *image,
                            glimpse_ground ground) {
    *out = NULL;
    if (!image || (unsigned)ground >= GLIMPSE_GROUND_KEEP) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_image_on_ground: no picture or no ground");
    }
    const size_t count = (size_t)image->width * image->height;
    glimpse_image *picture = malloc(sizeof *picture);
    if (!picture) return glimpse_fail_nomem(sizeof *picture, "a picture");
    *picture = *image;
    picture->alpha = NULL;
    picture->pixels = malloc(count * 3);
    if (picture->pixels && image->alpha) picture->alpha = malloc(count);
    if (!picture->pixels || (image->alpha && !picture->alpha)) {
        glimpse_image_free(picture);
        return glimpse_fail_nomem(count * 4, "a picture");
    }
    memcpy(picture->pixels, image->pixels, count * 3);
    if (image->alpha) memcpy(picture->alpha, image->alpha, count);
    glimpse_picture_lay(picture, ground);
    *out = picture;
    return GLIMPSE_OK;
}

int glimpse_image_was_transparent(const glimpse_image *image) {
    return image->was_transparent;
}

uint32_t glimpse_image_width(const glimpse_image *image) {
    return image->width;
}

uint32_t glimpse_image_height(const glimpse_image *image) {
    return image->height;
}

const uint8_t *glimpse_image_pixels(const glimpse_image *image) {
    return image->pixels;
}

const glimpse_image_meta *glimpse_image_metadata(const glimpse_image *image) {
    return &image->meta;
}
