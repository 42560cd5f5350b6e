/*
 * metadata/iso_boxes.h - the boxes of an ISO media file, and numbers read from left to right.
 */
#ifndef GLIMPSE_METADATA_ISO_BOXES_H
#define GLIMPSE_METADATA_ISO_BOXES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct glimpse_iso_box {
    uint8_t name[4];
    const uint8_t *body;
    size_t size; /* of the body */
} glimpse_iso_box;

/* The box at *at, which moves behind it; 0 at the end or at damage. */
int glimpse_iso_next(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size);
/* The same in a file that may be cut: of the last box then, what is there. */
int glimpse_iso_next_cut(glimpse_iso_box *box, size_t *at, const uint8_t *data, size_t size);
/* The first one of that name; 0: there is none. */
int glimpse_iso_find(glimpse_iso_box *box, const char *name, const uint8_t *data, size_t size);

static inline int glimpse_iso_is(const glimpse_iso_box *box, const char *name) {
    return memcmp(box->name, name, 4) == 0;
}

/* Past the end everything is 0 and `failed`. */
typedef struct glimpse_iso_cursor {
    const uint8_t *at, *end;
    int failed;
} glimpse_iso_cursor;

static inline glimpse_iso_cursor glimpse_iso_over(const glimpse_iso_box *box) {
    return (glimpse_iso_cursor){box->body, box->body + box->size, 0};
}

/* The high byte first; of more than 8 bytes the last 8 count. */
uint64_t glimpse_iso_read(glimpse_iso_cursor *c, unsigned bytes);

#endif
