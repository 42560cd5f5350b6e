/*
 * metadata/iso_boxes.c - the boxes of an ISO media file.
 */
#include "metadata/iso_boxes.h"

#include "metadata/bytes.h"

/* `cut`: of a box that goes on behind the end, what is there. */
static int next_box(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size, int cut) {
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
    if (length < head || (length > size - *at && !cut)) return 0;
    if (length > size - *at) length = size - *at;
    box->body = p + head;
    box->size = (size_t)length - head;
    *at += (size_t)length;
    return 1;
}

int glimpse_iso_next(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size) {
    return next_box(box, at, data, size, 0);
}

int glimpse_iso_next_cut(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size) {
    return next_box(box, at, data, size, 1);
}

int glimpse_iso_find(glimpse_iso_box *box, const char *name, const uint8_t *data, size_t size) {
    size_t at = 0;
    while (glimpse_iso_next(box, &at, data, size)) {
        if (memcmp(box->name, name, 4) == 0) return 1;
    }
    return 0;
}

uint64_t glimpse_iso_read(glimpse_iso_cursor *c, unsigned bytes) {
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < bytes) {
        c->failed = 1;
        c->at = c->end;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | *c->at++;
    return value;
}
