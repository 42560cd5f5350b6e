/*
 * index/ingest/budget.c - the gate, and what a picture will cost judged by its header.
 *
 * The header readers here decide nothing about a picture: they only size a reservation. Wrong
 * ones make the bound on memory looser or a run slower, never a picture different.
 */
#include "budget.h"

#include "core/error.h"

#include <glimpse/sys/image.h>

#include <string.h>

enum { DECODER_BYTES = 1 << 20 };

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
    uint64_t width, height;
    unsigned bytes_per_pixel;
    int unknown; /* no size was found where this code looks */
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
            return (declared){be16(p + at + 7), be16(p + at + 5), sequential ? 6 : 14, 0};
        }
        if (marker == 0xd9 || marker == 0xda) break;
        at += 2 + (size_t)be16(p + at + 2);
    }
    return (declared){0, 0, 6, 0}; /* no frame: nothing to decode */
}

static declared webp_size(const uint8_t *p, size_t size) {
    if (size < 30) return (declared){0, 0, 8, 0};
    if (memcmp(p + 12, "VP8X", 4) == 0)
        return (declared){le24(p + 24) + 1, le24(p + 27) + 1, 12, 0};
    if (memcmp(p + 12, "VP8L", 4) == 0) {
        const uint32_t bits = le32(p + 21);
        return (declared){(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, 12, 0};
    }
    if (memcmp(p + 12, "VP8 ", 4) == 0) {
        return (declared){le16(p + 26) & 0x3fff, le16(p + 28) & 0x3fff, 8, 0};
    }
    return (declared){0, 0, 8, 0};
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
    return (declared){numbers[0], numbers[1], 15, 0};
}

/* HEIF and AVIF: the largest "ispe" property near the front; tiles and thumbnails have their own.
 */
static declared iso_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 16, 1};
    const size_t end = size < (1u << 20) ? size : 1u << 20;
    for (size_t at = 4; at + 16 <= end; at++) {
        if (p[at] != 'i' || memcmp(p + at, "ispe", 4) != 0) continue;
        const uint64_t width = be32(p + at + 8), height = be32(p + at + 12);
        found.unknown = 0;
        if (found.width == 0 || width * height > found.width * found.height) {
            found.width = width;
            found.height = height;
        }
    }
    return found;
}

/* Numbers in a TIFF, either way around. */
static uint64_t tiff_number(const uint8_t *p, unsigned bytes, int big) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

/* Width and height of the first directory. BigTIFF has wider counts, offsets and entries. */
static declared tiff_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 12, 1};
    if (size < 16) return found;
    const int big = p[0] == 'M', wide = tiff_number(p + 2, 2, big) == 43;
    const unsigned count_bytes = wide ? 8 : 2, entry_bytes = wide ? 20 : 12;
    const unsigned value_at = wide ? 12 : 8;
    const uint64_t start = wide ? tiff_number(p + 8, 8, big) : tiff_number(p + 4, 4, big);
    if (start > size || size - start < count_bytes) return found;
    const uint64_t count = tiff_number(p + start, count_bytes, big);
    const uint64_t room = (size - start - count_bytes) / entry_bytes;
    for (uint64_t i = 0; i < count && i < room; i++) {
        const uint8_t *entry = p + start + count_bytes + i * entry_bytes;
        const uint64_t tag = tiff_number(entry, 2, big), type = tiff_number(entry + 2, 2, big);
        if (tag != 256 && tag != 257) continue;
        const unsigned bytes = type == 3 ? 2 : type == 16 && wide ? 8 : 4;
        const uint64_t value = tiff_number(entry + value_at, bytes, big);
        if (tag == 256) found.width = value;
        if (tag == 257) found.height = value;
        found.unknown = 0;
    }
    return found;
}

/* The line "-Y 480 +X 640" and its seven sisters, after the blank line. */
static declared hdr_size(const uint8_t *p, size_t size) {
    declared found = {0, 0, 19, 1};
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
        found.unknown = 0;
        break;
    }
    return found;
}

static declared declared_size(const uint8_t *p, size_t size) {
    static const declared nothing = {0, 0, 8, 0}; /* too short for a header: too short for all */
    switch (glimpse_image_sniff(p, size < 64 ? size : 64)) {
    case GLIMPSE_FORMAT_JPEG: return jpeg_size(p, size);
    case GLIMPSE_FORMAT_PNG:
        if (size < 26) return nothing;
        return (declared){be32(p + 16), be32(p + 20), p[24] == 16 ? 19 : 11, 0};
    case GLIMPSE_FORMAT_GIF:
        if (size < 10) return nothing;
        return (declared){le16(p + 6), le16(p + 8), 13, 0};
    case GLIMPSE_FORMAT_BMP: {
        if (size < 26) return nothing;
        if (le32(p + 14) == 12) return (declared){le16(p + 18), le16(p + 20), 11, 0};
        const uint32_t height = le32(p + 22);
        return (declared){le32(p + 18), height >> 31 ? -height : height, 11, 0};
    }
    case GLIMPSE_FORMAT_PSD:
        if (size < 24) return nothing;
        return (declared){be32(p + 18), be32(p + 14), 15, 0};
    case GLIMPSE_FORMAT_TGA:
        if (size < 18) return nothing;
        return (declared){le16(p + 12), le16(p + 14), 11, 0};
    case GLIMPSE_FORMAT_PNM: return pnm_size(p, size);
    case GLIMPSE_FORMAT_HDR: return hdr_size(p, size);
    case GLIMPSE_FORMAT_WEBP: return webp_size(p, size);
    case GLIMPSE_FORMAT_HEIF:
    case GLIMPSE_FORMAT_AVIF: return iso_size(p, size);
    case GLIMPSE_FORMAT_TIFF: return tiff_size(p, size);
    default: return (declared){0, 0, 8, 1};
    }
}

uint64_t glimpse_estimate_decoding(const void *data, size_t size, uint64_t max_pixels,
                                   int *certain) {
    const declared found = declared_size(data, size);
    /* No product can wrap: `max_pixels` is capped and compared by division. */
    const uint64_t most = max_pixels < (UINT64_C(1) << 56) ? max_pixels : UINT64_C(1) << 56;
    *certain = !found.unknown;
    if (found.unknown) return most * found.bytes_per_pixel;
    if (found.width == 0 || found.height > most / found.width) return 0;
    /* And what decoders hold whatever the size. */
    return found.width * found.height * found.bytes_per_pixel + DECODER_BYTES;
}
