/*
 * index/dedup/dedup_depth.c - bits a sample, from the header of a file: PNG, JPEG, TIFF, HEIF and
 * AVIF, Netpbm, PSD. Nothing is decoded.
 */
#include "dedup_private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 256 << 10, MAX_FIELDS = 4096 };

static unsigned big16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t big32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The precision in the first frame header. */
static unsigned depth_of_jpeg(const uint8_t *data, size_t size) {
    for (size_t at = 2; at + 5 < size && data[at] == 0xFF;) {
        const uint8_t marker = data[at + 1];
        if (marker == 0xFF) { /* a fill byte */
            at++;
            continue;
        }
        if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC)
            return data[at + 4];
        at += 2 + (size_t)big16(data + at + 2);
    }
    return 0;
}

static uint64_t number(const uint8_t *p, unsigned bytes, int little) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[little ? bytes - 1 - i : i];
    return value;
}

/* BitsPerSample (258) of the first directory, which may lie anywhere. */
static unsigned depth_of_tiff(int fd, const uint8_t *head) {
    enum { BITS_PER_SAMPLE = 258, TYPE_SHORT = 3, FIELD = 12 };
    const int little = head[0] == 'I';
    const uint64_t directory = number(head + 4, 4, little);
    uint8_t bytes[FIELD];
    if (number(head + 2, 2, little) != 42 || pread(fd, bytes, 2, (off_t)directory) != 2) return 0;
    const uint64_t count = number(bytes, 2, little);
    for (uint64_t i = 0; i < count && i < MAX_FIELDS; i++) {
        if (pread(fd, bytes, FIELD, (off_t)(directory + 2 + i * FIELD)) != FIELD) return 0;
        if (number(bytes, 2, little) != BITS_PER_SAMPLE) continue;
        if (number(bytes + 2, 2, little) != TYPE_SHORT) return 0;
        if (number(bytes + 4, 4, little) <= 2) return (unsigned)number(bytes + 8, 2, little);
        const uint64_t at = number(bytes + 8, 4, little);
        return pread(fd, bytes, 2, (off_t)at) == 2 ? (unsigned)number(bytes, 2, little) : 0;
    }
    return 1; /* what the format says of a directory without the field */
}

/* The deepest "pixi" box: that of an alpha plane or a thumbnail is no deeper than the picture's. */
static unsigned depth_of_heif(const uint8_t *data, size_t size) {
    unsigned depth = 0;
    for (size_t i = 4; i + 10 < size; i++) {
        if (memcmp(data + i, "pixi", 4) != 0 || big32(data + i - 4) < 14) continue;
        for (unsigned c = 0; c < data[i + 8] && c < 4 && i + 9 + c < size; c++) {
            if (data[i + 9 + c] > depth && data[i + 9 + c] <= 32) depth = data[i + 9 + c];
        }
    }
    return depth;
}

/* The largest value, the third number behind the magic one. */
static unsigned depth_of_netpbm(const uint8_t *data, size_t size) {
    unsigned value = 0, numbers = 0, bits = 0;
    for (size_t i = 2; i < size && numbers < 3; i++) {
        if (data[i] == '#') {
            while (i < size && data[i] != '\n')
                i++;
        } else if (data[i] >= '0' && data[i] <= '9') {
            value = value > 99999 ? value : value * 10 + (unsigned)(data[i] - '0');
            if (i + 1 == size || data[i + 1] < '0' || data[i + 1] > '9') {
                numbers++;
                if (numbers < 3) value = 0;
            }
        }
    }
    while (numbers == 3 && value >> bits)
        bits++;
    return bits;
}

static unsigned depth_of(int fd, const uint8_t *data, size_t size) {
    if (size < 32) return 0;
    if (memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0) return data[24];
    if (data[0] == 0xFF && data[1] == 0xD8) return depth_of_jpeg(data, size);
    if (memcmp(data, "II", 2) == 0 || memcmp(data, "MM", 2) == 0) return depth_of_tiff(fd, data);
    if (memcmp(data + 4, "ftyp", 4) == 0) return depth_of_heif(data, size);
    if (data[0] == 'P' && (data[1] == '5' || data[1] == '6')) return depth_of_netpbm(data, size);
    if (memcmp(data, "8BPS", 4) == 0) return big16(data + 22);
    return 0;
}

unsigned glimpse_dedup_read_depth(const char *path) {
    static _Thread_local uint8_t head[HEAD_BYTES];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return 0;
    const ssize_t got = pread(fd, head, sizeof head, 0);
    const unsigned depth = got > 0 ? depth_of(fd, head, (size_t)got) : 0;
    (void)close(fd);
    return depth;
}
