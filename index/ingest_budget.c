/*
 * index/ingest_budget.c - the gate, and what a picture will cost judged by its header.
 *
 * The header readers here decide nothing about a picture: they only size a reservation. Wrong
 * ones make the bound on memory looser or a run slower, never a picture different.
 */
#include "ingest_budget.h"

#include "core/error.h"

#include <glimpse/image.h>

#include <string.h>

int glimpse_gate_init(glimpse_gate *gate, uint64_t limit) {
    memset(gate, 0, sizeof *gate);
    gate->limit = limit;
    if (pthread_mutex_init(&gate->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a lock");
    }
    if (pthread_cond_init(&gate->moved, NULL) != 0) {
        (void)pthread_mutex_destroy(&gate->mutex);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot set up a condition variable");
    }
    gate->ready = 1;
    return GLIMPSE_OK;
}

void glimpse_gate_destroy(glimpse_gate *gate) {
    if (!gate->ready) return;
    (void)pthread_cond_destroy(&gate->moved);
    (void)pthread_mutex_destroy(&gate->mutex);
    gate->ready = 0;
}

void glimpse_gate_enter(glimpse_gate *gate, uint64_t bytes) {
    (void)pthread_mutex_lock(&gate->mutex);
    const uint64_t ticket = gate->next_ticket++;
    while (ticket != gate->now_serving ||
           (gate->inside > 0 && (bytes > gate->limit || gate->inside > gate->limit - bytes))) {
        (void)pthread_cond_wait(&gate->moved, &gate->mutex);
    }
    gate->now_serving++;
    gate->inside += bytes;
    (void)pthread_cond_broadcast(&gate->moved);
    (void)pthread_mutex_unlock(&gate->mutex);
}

void glimpse_gate_leave(glimpse_gate *gate, uint64_t bytes) {
    (void)pthread_mutex_lock(&gate->mutex);
    gate->inside -= bytes;
    (void)pthread_cond_broadcast(&gate->moved);
    (void)pthread_mutex_unlock(&gate->mutex);
}

/*
 * Declared sizes.
 */
typedef struct declared {
    uint64_t width, height; /* 0: not found */
    unsigned bytes_per_pixel;
} declared;

static uint32_t be16(const uint8_t *p) {
    return (uint32_t)p[0] << 8 | p[1];
}
static uint32_t be32(const uint8_t *p) {
    return be16(p) << 16 | be16(p + 2);
}
static uint32_t le16(const uint8_t *p) {
    return (uint32_t)p[1] << 8 | p[0];
}
static uint32_t le24(const uint8_t *p) {
    return (uint32_t)p[2] << 16 | le16(p);
}
static uint32_t le32(const uint8_t *p) {
    return le16(p + 2) << 16 | le16(p);
}

/* Pixels and a turned copy; progressive files keep all coefficients as well (2 bytes each, and up
 * to four components). */
static declared jpeg_size(const uint8_t *p, size_t size) {
    size_t at = 2;
    while (at + 4 <= size) {
        if (p[at] != 0xff) {
            at++;
            continue;
        }
        const unsigned marker = p[at + 1];
        if (marker == 0xff) {
            at++;
            continue;
        }
        if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
            continue;
        }
        const int is_frame =
            marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (is_frame) {
            if (at + 9 > size) break;
            const int sequential = marker == 0xc0 || marker == 0xc1;
            return (declared){be16(p + at + 7), be16(p + at + 5), sequential ? 6 : 14};
        }
        if (marker == 0xd9 || marker == 0xda) break;
        at += 2 + (size_t)be16(p + at + 2);
    }
    return (declared){0, 0, 6};
}

static declared webp_size(const uint8_t *p, size_t size) {
    if (size < 30) return (declared){0, 0, 8};
    if (memcmp(p + 12, "VP8X", 4) == 0) return (declared){le24(p + 24) + 1, le24(p + 27) + 1, 12};
    if (memcmp(p + 12, "VP8L", 4) == 0) {
        const uint32_t bits = le32(p + 21);
        return (declared){(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, 12};
    }
    if (memcmp(p + 12, "VP8 ", 4) == 0) {
        return (declared){le16(p + 26) & 0x3fff, le16(p + 28) & 0x3fff, 8};
    }
    return (declared){0, 0, 8};
}

/* The first two numbers behind "P6", past comments. */
static declared pnm_size(const uint8_t *p, size_t size) {
    uint64_t numbers[2] = {0, 0};
    size_t at = 2;
    for (int i = 0; i < 2; i++) {
        while (at < size && (p[at] <= ' ' || p[at] == '#')) {
            if (p[at] == '#') {
                while (at < size && p[at] != '\n')
                    at++;
            } else {
                at++;
            }
        }
        while (at < size && p[at] >= '0' && p[at] <= '9' && numbers[i] < 1000000000) {
            numbers[i] = numbers[i] * 10 + (p[at++] - (unsigned)'0');
        }
    }
    return (declared){numbers[0], numbers[1], 15};
}

/* HEIF and AVIF: the largest "ispe" property near the front; tiles and thumbnails have their own.
 */
static declared iso_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 13};
    const size_t end = size < (1u << 20) ? size : 1u << 20;
    for (size_t at = 4; at + 16 <= end; at++) {
        if (p[at] != 'i' || memcmp(p + at, "ispe", 4) != 0) continue;
        const uint64_t width = be32(p + at + 8), height = be32(p + at + 12);
        if (found.width == 0 || width * height > found.width * found.height) {
            found.width = width;
            found.height = height;
        }
    }
    return found;
}

/* Width and height of the first directory, classic TIFF. */
static declared tiff_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 12};
    if (size < 8) return found;
    const int big = p[0] == 'M';
    const uint64_t start = big ? be32(p + 4) : le32(p + 4);
    if ((big ? be16(p + 2) : le16(p + 2)) != 42 || start + 2 > size) return found;
    const uint32_t count = big ? be16(p + start) : le16(p + start);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t at = start + 2 + (uint64_t)i * 12;
        if (at + 12 > size) break;
        const uint8_t *entry = p + at;
        const uint32_t tag = big ? be16(entry) : le16(entry);
        if (tag != 256 && tag != 257) continue;
        const uint32_t type = big ? be16(entry + 2) : le16(entry + 2);
        uint32_t value = type == 3 ? (big ? be16(entry + 8) : le16(entry + 8))
                                   : (big ? be32(entry + 8) : le32(entry + 8));
        if (tag == 256) found.width = value;
        if (tag == 257) found.height = value;
    }
    return found;
}

/* The line "-Y 480 +X 640" and its seven sisters, after the blank line. */
static declared hdr_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 19};
    const size_t end = size < 65536 ? size : 65536;
    for (size_t at = 1; at + 1 < end; at++) {
        if (p[at] != '\n' || p[at - 1] != '\n') continue;
        uint64_t numbers[2] = {0, 0};
        int which = -1;
        for (size_t i = at + 1; i < end && p[i] != '\n'; i++) {
            if (p[i] == 'X' || p[i] == 'Y') which++;
            if (which > 1) break;
            if (which >= 0 && p[i] >= '0' && p[i] <= '9' && numbers[which] < 1000000000) {
                numbers[which] = numbers[which] * 10 + (p[i] - (unsigned)'0');
            }
        }
        found.width = numbers[0];
        found.height = numbers[1];
        break;
    }
    return found;
}

static declared declared_size(const uint8_t *p, size_t size) {
    const declared nothing = {0, 0, 8};
    switch (glimpse_image_sniff(p, size < 64 ? size : 64)) {
    case GLIMPSE_FORMAT_JPEG: return jpeg_size(p, size);
    case GLIMPSE_FORMAT_PNG:
        if (size < 26) return nothing;
        return (declared){be32(p + 16), be32(p + 20), p[24] == 16 ? 19 : 11};
    case GLIMPSE_FORMAT_GIF:
        if (size < 10) return nothing;
        return (declared){le16(p + 6), le16(p + 8), 13};
    case GLIMPSE_FORMAT_BMP: {
        if (size < 26) return nothing;
        if (le32(p + 14) == 12) return (declared){le16(p + 18), le16(p + 20), 11};
        const uint32_t height = le32(p + 22);
        return (declared){le32(p + 18), height >> 31 ? -height : height, 11};
    }
    case GLIMPSE_FORMAT_PSD:
        if (size < 24) return nothing;
        return (declared){be32(p + 18), be32(p + 14), 15};
    case GLIMPSE_FORMAT_TGA:
        if (size < 18) return nothing;
        return (declared){le16(p + 12), le16(p + 14), 11};
    case GLIMPSE_FORMAT_PNM: return pnm_size(p, size);
    case GLIMPSE_FORMAT_HDR: return hdr_size(p, size);
    case GLIMPSE_FORMAT_WEBP: return webp_size(p, size);
    case GLIMPSE_FORMAT_HEIF:
    case GLIMPSE_FORMAT_AVIF: return iso_size(p, size);
    case GLIMPSE_FORMAT_TIFF: return tiff_size(p, size);
    default: return nothing;
    }
}

uint64_t glimpse_estimate_decoding(const void *data, size_t size, uint64_t max_pixels) {
    const declared found = declared_size(data, size);
    /* Neither product can wrap: sides are below 2^32 and `max_pixels` is capped. */
    const uint64_t most = max_pixels < (UINT64_C(1) << 56) ? max_pixels : UINT64_C(1) << 56;
    if (found.width == 0 || found.height == 0) return most * found.bytes_per_pixel;
    if (found.height > most / found.width) return 0;
    return found.width * found.height * found.bytes_per_pixel;
}
