/*
 * remote_picture.c - what leaves the machine of a picture: its upright pixels, scaled down, as a
 * new JPEG. Metadata cannot slip through because nothing of the file is copied, unless it is asked
 * for.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"
#include "image/format.h"
#include "image/output/jpeg_out.h"

#include <math.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

/*
 * EXIF, when it is to go along.
 */
static uint32_t number(const uint8_t *p, int size, int big) {
    uint32_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | p[big ? i : size - 1 - i];
    return value;
}

/* Finds the orientation (tag 0x0112, a SHORT) in IFD0 and sets it to 1. Returns what it was. */
static int make_upright(uint8_t *tiff, size_t size) {
    if (size < 8) return 1;
    int big = tiff[0] == 'M';
    size_t ifd = number(tiff + 4, 4, big);
    if (ifd > size - 2 || ifd < 8) return 1;
    size_t count = number(tiff + ifd, 2, big);
    for (size_t i = 0; i < count && ifd + 2 + 12 * (i + 1) <= size; i++) {
        uint8_t *entry = tiff + ifd + 2 + 12 * i;
        if (number(entry, 2, big) != 0x0112 || number(entry + 2, 2, big) != 3) continue;
        int was = (int)number(entry + 8, 2, big);
        entry[8] = big ? 0 : 1;
        entry[9] = big ? 1 : 0;
        return was;
    }
    return 1;
}

size_t glimpse_remote_exif(const void *jpeg, size_t size, uint8_t **out, int *orientation) {
    const uint8_t *p = jpeg;
    *out = NULL;
    *orientation = 1;
    if (size < 4 || p[0] != 0xff || p[1] != 0xd8) return 0;
    for (size_t at = 2; at + 4 <= size && p[at] == 0xff && p[at + 1] != 0xda;) {
        size_t length = (size_t)p[at + 2] << 8 | p[at + 3];
        if (length < 2 || length > size - at - 2) return 0;
        if (p[at + 1] == 0xe1 && length > 16 && memcmp(p + at + 4, "Exif\0\0", 6) == 0) {
            *out = malloc(length - 2);
            if (!*out) return 0;
            memcpy(*out, p + at + 4, length - 2);
            *orientation = make_upright(*out + 6, length - 8);
            return length - 2;
        }
        at += 2 + length;
    }
    return 0;
}

/* A decoded picture may take gigabytes: only so many at once, however many requests there are. */
enum { DECODING_AT_ONCE = 4 };
static sem_t decoding;
static pthread_once_t decoding_once = PTHREAD_ONCE_INIT;
static void make_decoding(void) {
    (void)sem_init(&decoding, 0, DECODING_AT_ONCE);
}

static int scale_down(glimpse_image **out, const glimpse_image *image, uint32_t side) {
    uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    uint32_t longest = width > height ? width : height;
    double by = (double)side / longest;
    uint32_t w = (uint32_t)fmax(1.0, round(width * by)),
             h = (uint32_t)fmax(1.0, round(height * by));
    return glimpse_image_resize(out, image, w, h, GLIMPSE_RESAMPLE_BICUBIC);
}

/* 1 when the file can go out as it is, metadata and all. */
static int fits_as_it_is(const glimpse_vlm_loaded *picture, const glimpse_image *image,
                         const char **media_type) {
    const char *known = glimpse_format_media_type(glimpse_image_metadata(image)->format);
    /* What is transparent would be laid over whatever a server likes, often black over black. */
    if (!known || glimpse_image_was_transparent(image)) return 0;
    *media_type = known;
    /* A server may or may not turn pictures: only upright ones are sure to be understood. */
    return picture->bytes && picture->size <= (size_t)4 << 20 &&
           glimpse_image_metadata(image)->orientation == 1 &&
           glimpse_image_width(image) <= picture->side &&
           glimpse_image_height(image) <= picture->side;
}

static int make_sent(glimpse_vlm_loaded *picture, const glimpse_image *image) {
    const char *media_type = "image/jpeg";
    picture->media_type = media_type;
    if (picture->keep_metadata && fits_as_it_is(picture, image, &media_type)) {
        picture->sent = malloc(picture->size ? picture->size : 1);
        if (!picture->sent) return glimpse_fail_nomem(picture->size, "a picture");
        memcpy(picture->sent, picture->bytes, picture->size);
        picture->sent_size = picture->size;
        picture->media_type = media_type;
        picture->width = glimpse_image_width(image);
        picture->height = glimpse_image_height(image);
        return GLIMPSE_OK;
    }
    glimpse_image *small = NULL;
    uint8_t *exif = NULL;
    size_t exif_size = 0;
    int orientation = 1, status = GLIMPSE_OK;
    if (glimpse_image_width(image) > picture->side || glimpse_image_height(image) > picture->side) {
        status = scale_down(&small, image, picture->side);
        if (status < 0) return status;
        image = small;
    }
    if (picture->keep_metadata && picture->bytes) {
        exif_size = glimpse_remote_exif(picture->bytes, picture->size, &exif, &orientation);
    }
    picture->width = glimpse_image_width(image);
    picture->height = glimpse_image_height(image);
    int quality = picture->side > 1024 ? 92 : 88; /* small print suffers first */
    status = glimpse_jpeg_encode(&picture->sent, &picture->sent_size, glimpse_image_pixels(image),
                                 picture->width, picture->height, quality, exif, exif_size);
    free(exif);
    glimpse_image_free(small);
    return status;
}

int glimpse_remote_picture(glimpse_vlm_loaded *picture, uint32_t side, int keep_metadata) {
    if (picture->sent && picture->side == side && picture->keep_metadata == keep_metadata) {
        return GLIMPSE_OK;
    }
    free(picture->sent);
    picture->sent = NULL;
    picture->side = side;
    picture->keep_metadata = keep_metadata;
    int status = glimpse_vlm_load(picture);
    if (status < 0) return status;
    (void)pthread_once(&decoding_once, make_decoding);
    while (sem_wait(&decoding) != 0) /* EINTR */
        ;
    glimpse_image *decoded = NULL;
    const glimpse_image *image = picture->from->image;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.ground = GLIMPSE_GROUND_VISIBLE;
    if (picture->bytes) {
        status = glimpse_image_decode(&decoded, picture->bytes, picture->size,
                                      glimpse_vlm_picture_name(picture->from), &options);
        image = decoded;
    }
    if (status == GLIMPSE_OK) status = make_sent(picture, image);
    glimpse_image_free(decoded);
    (void)sem_post(&decoding);
    return status;
}
