/*
 * index/dedup/dedup_measure.c - what a decoded picture and its bytes say: size, origin, quality,
 * measures, the identity of its pixels, thumbnail and hashes.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "core/hash.h"
#include "image/format.h"

#include <stdlib.h>
#include <string.h>

static const char *copy_text(const char *text) {
    return strdup(text ? text : "");
}

/* Colours with their opacities; those that nobody sees count as none. */
static void hash_seen(glimpse_hasher *hasher, const glimpse_image *image) {
    enum { AT_ONCE = 1024 };
    const uint8_t *pixels = glimpse_image_pixels(image), *alpha = glimpse_image_alpha(image);
    const size_t count = (size_t)glimpse_image_width(image) * glimpse_image_height(image);
    uint8_t seen[AT_ONCE * 4];
    glimpse_hasher_update(hasher, "alpha", 5);
    for (size_t first = 0; first < count; first += AT_ONCE) {
        const size_t last = count - first < AT_ONCE ? count : first + AT_ONCE;
        for (size_t i = first; i < last; i++) {
            uint8_t *to = seen + 4 * (i - first);
            memset(to, 0, 4);
            if (alpha[i] > 0) memcpy(to, pixels + 3 * i, 3);
            to[3] = alpha[i];
        }
        glimpse_hasher_update(hasher, seen, 4 * (last - first));
    }
}

/* A picture of which nothing is seen: then its opacities are no transparency, and all counts. */
static int is_invisible(const glimpse_image *image) {
    const uint8_t *alpha = glimpse_image_alpha(image);
    const size_t count = (size_t)glimpse_image_width(image) * glimpse_image_height(image);
    for (size_t i = 0; i < count; i++) {
        if (alpha[i]) return 0;
    }
    return 1;
}

/* Size and pixels, so that 2x8 and 4x4 differ. */
static int hash_pixels(const glimpse_image *image, char hex[33]) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(64, "a hash");
    uint32_t w = glimpse_image_width(image), h = glimpse_image_height(image);
    uint8_t size[8];
    for (int i = 0; i < 4; i++) {
        size[i] = (uint8_t)(w >> 8 * i);
        size[4 + i] = (uint8_t)(h >> 8 * i);
    }
    glimpse_hasher_update(hasher, size, sizeof size);
    const int transparent = glimpse_image_alpha(image) != NULL;
    if (transparent) hash_seen(hasher, image);
    if (!transparent || is_invisible(image))
        glimpse_hasher_update(hasher, glimpse_image_pixels(image), (size_t)w * h * 3);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, hex);
    return GLIMPSE_OK;
}

/* 101 for files that lose nothing, 0 where it cannot be told. */
static int estimate_quality(glimpse_image_format format, const uint8_t *data, size_t size) {
    if (glimpse_format_is_lossless(format, data, size)) return 101;
    return glimpse_jpeg_quality(data, size); /* 0 for what is no JPEG */
}

const char *glimpse_dedup_label(const glimpse_dedup *dedup, const char *path) {
    const char *name = strrchr(path, '/');
    size_t length = name ? (size_t)(name - path) : 0, start = length;
    for (size_t i = 0; i < dedup->root_count; i++) {
        if (strlen(dedup->roots[i]) == length && strncmp(dedup->roots[i], path, length) == 0)
            return copy_text("");
        if (strcmp(dedup->roots[i], path) == 0) return copy_text(""); /* a root that is a file */
    }
    while (start > 0 && path[start - 1] != '/')
        start--;
    return strndup(path + start, length - start);
}

/* "250" is a quarter of a second. */
static double fraction_of(const char *digits) {
    double value = 0, unit = 0.1;
    if (!*digits) return -1;
    for (; *digits >= '0' && *digits <= '9'; digits++, unit /= 10)
        value += unit * (*digits - '0');
    return value;
}

static int count_statements(const glimpse_dedup_picture *p, int has_gps, int orientation) {
    return (p->taken[0] != '\0') + (p->camera[0] != '\0') + (has_gps != 0) + (orientation > 1);
}

int glimpse_dedup_read_statements(glimpse_dedup_item *item, const void *data, size_t size) {
    glimpse_dedup_picture *p = &item->picture;
    glimpse_metadata *m = NULL;
    char camera[128];
    const int status = glimpse_metadata_read(&m, data, size);
    if (status < 0) return status;
    glimpse_camera_name(camera, sizeof camera, m->make, m->model);
    free((char *)p->taken);
    free((char *)p->camera);
    p->taken = copy_text(m->taken);
    p->camera = copy_text(camera);
    p->taken_is_modification = m->taken_is_modification;
    item->subseconds = fraction_of(m->subseconds);
    if (p->taken && p->camera) p->exif = count_statements(p, m->has_gps, m->orientation);
    glimpse_metadata_free(m);
    return p->taken && p->camera ? GLIMPSE_OK : glimpse_fail_nomem(64, "what a file says");
}

static int fill_in(glimpse_dedup *dedup, glimpse_dedup_item *item, const glimpse_image *image,
                   const uint8_t *data, size_t size, const glimpse_hash *hash) {
    glimpse_dedup_picture *p = &item->picture;
    const glimpse_image_meta *meta = glimpse_image_metadata(image);
    p->format = copy_text(glimpse_image_format_name(meta->format));
    p->taken = copy_text(meta->taken);
    p->camera = copy_text(meta->camera);
    p->taken_is_modification = meta->taken_is_modification;
    item->subseconds = fraction_of(meta->subseconds);
    p->label = glimpse_dedup_label(dedup, p->path);
    if (!p->format || !p->taken || !p->camera || !p->label)
        return glimpse_fail_nomem(64, "what a file says");
    p->width = glimpse_image_width(image);
    p->height = glimpse_image_height(image);
    p->is_transparent = glimpse_image_was_transparent(image);
    p->bytes = size;
    p->exif = count_statements(p, meta->has_gps, meta->orientation);
    p->quality = estimate_quality(meta->format, data, size);
    item->is_cut = !glimpse_format_is_whole(meta->format, data, size);
    glimpse_hash_to_hex(hash, p->id);
    return hash_pixels(image, p->pixels);
}

static void make_mini(glimpse_dedup_item *item, const glimpse_thumb *thumb) {
    enum { STEP = GLIMPSE_THUMB_SIDE / GLIMPSE_DEDUP_MINI };
    for (int y = 0; y < GLIMPSE_DEDUP_MINI; y++) {
        for (int x = 0; x < GLIMPSE_DEDUP_MINI; x++) {
            unsigned sum = 0;
            for (int v = 0; v < STEP; v++) {
                for (int u = 0; u < STEP; u++)
                    sum += thumb->grey[(y * STEP + v) * GLIMPSE_THUMB_SIDE + x * STEP + u];
            }
            item->mini[y * GLIMPSE_DEDUP_MINI + x] = (uint8_t)(sum / (STEP * STEP));
        }
    }
}

static int make_hashes(glimpse_dedup_item *item, const glimpse_image *image, int keep) {
    glimpse_thumb *thumb = malloc(sizeof *thumb);
    if (!thumb) return glimpse_fail_nomem(sizeof *thumb, "a thumbnail");
    int status = glimpse_picture_measure(&item->picture.measures, image);
    if (status == GLIMPSE_OK) status = glimpse_thumb_make(thumb, image);
    if (status < 0) {
        free(thumb);
        return status;
    }
    item->content = thumb->content;
    for (int w = 0; w < GLIMPSE_WINDOW_COUNT; w++)
        item->windows[w] = glimpse_phash(w == 1 ? &item->weak_content : NULL, thumb,
                                         w == 1 ? &thumb->content : &glimpse_windows[w]);
    glimpse_phash_orientations(item->orientations, item->weak_orientations, thumb);
    make_mini(item, thumb);
    item->picture.phash = item->windows[0];
    item->picture.dhash = glimpse_dhash(&item->weak_dhash, thumb);
    item->plain = glimpse_dedup_is_plain(&item->picture);
    item->effective = (double)item->picture.width * (double)item->picture.height;
    if (keep) {
        item->thumb = thumb;
    } else {
        free(thumb);
    }
    return GLIMPSE_OK;
}

int glimpse_dedup_measure(glimpse_dedup *dedup, glimpse_dedup_item *item,
                          const glimpse_image *image, const uint8_t *data, size_t size,
                          const glimpse_hash *hash, int keep) {
    int status = fill_in(dedup, item, image, data, size, hash);
    glimpse_image *seen = NULL;
    if (status == GLIMPSE_OK && glimpse_image_alpha(image)) {
        status = glimpse_image_on_ground(&seen, image, GLIMPSE_GROUND_VISIBLE);
        image = seen;
    }
    if (status == GLIMPSE_OK) status = make_hashes(item, image, keep);
    glimpse_image_free(seen);
    return status;
}
