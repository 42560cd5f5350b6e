/*
 * image/holdings/found_film.c - boxes of ISO media files, and how long a film is.
 */
#include "image/holdings/found.h"

int glimpse_iso_next(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size) {
    if (*at > size || size - *at < 8) return 0;
    const uint8_t *p = data + *at;
    uint64_t length = glimpse_get32(p, 1);
    size_t head = 8;
    memcpy(box->name, p + 4, 4);
    if (length == 1) {
        if (size - *at < 16) return 0;
        length = glimpse_get64be(p + 8);
        head = 16;
    } else if (length == 0) {
        length = size - *at;
    }
    if (length < head || length > size - *at) return 0;
    box->body = p + head;
    box->size = (size_t)length - head;
    *at += (size_t)length;
    return 1;
}

int glimpse_iso_find(glimpse_iso_box *box, const char *name, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (glimpse_iso_next(box, &at, data, size)) {
        if (memcmp(box->name, name, 4) == 0) return 1;
    }
    return 0;
}

static double duration_of(const uint8_t *data, size_t size) {
    glimpse_iso_box moov, head;
    if (!glimpse_iso_find(&moov, "moov", data, size) ||
        !glimpse_iso_find(&head, "mvhd", moov.body, moov.size) || head.size < 20)
        return 0;
    const int wide = head.body[0] == 1;
    if (wide && head.size < 32) return 0;
    const uint32_t scale = glimpse_get32(head.body + (wide ? 20 : 12), 1);
    const uint64_t duration =
        wide ? glimpse_get64be(head.body + 24) : glimpse_get32(head.body + 16, 1);
    if (scale == 0 || duration == UINT32_MAX || duration == UINT64_MAX) return 0;
    return (double)duration / (double)scale;
}

void glimpse_found_film(glimpse_found *to, const uint8_t *data, size_t size) {
    glimpse_found_add(to, GLIMPSE_HOLDING_VIDEO, data, size);
    glimpse_found_count(to, GLIMPSE_HOLDING_VIDEO, duration_of(data, size));
}
