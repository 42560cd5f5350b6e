/*
 * image/holdings/found_behind.c - what follows the end of a picture: films of motion photos, sound,
 * other pictures, what Samsung's phones keep there, or anything else.
 *
 * Samsung's trailer ends in a directory: "SEFH", version, count, then for each block 2 bytes, its
 * type (2), how far before "SEFH" it begins (4) and its length (4); the length of the directory;
 * "SEFT". A block: 2 bytes, type (2), length of its name (4), the name, the data.
 */
#include "image/holdings/found.h"

enum { MAX_PICTURES = 256, SMALL_BLOCK = 4096, MAX_BLOCKS = 256 };

static int is_padding(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0 && data[i] != 0xff && data[i] != '\n' && data[i] != '\r' &&
            data[i] != ' ' && data[i] != '\t')
            return 0;
    }
    return 1;
}

static int is_film(const uint8_t *data, size_t size) {
    return size >= 16 && memcmp(data + 4, "ftyp", 4) == 0;
}

static int contains(const char *text, size_t length, const char *word) {
    const size_t size = strlen(word);
    for (size_t i = 0; i + size <= length; i++) {
        if (memcmp(text + i, word, size) == 0) return 1;
    }
    return 0;
}

/* Names that say what the camera did, and copies in other sizes, are history. */
static void add_block(glimpse_found *to, const char *name, size_t length, const uint8_t *data,
                      size_t size) {
    if (contains(name, length, "MotionPhoto_Data") && is_film(data, size)) {
        glimpse_found_film(to, data, size);
    } else if (contains(name, length, "Depth")) {
        if (size > SMALL_BLOCK) glimpse_found_add(to, GLIMPSE_HOLDING_DEPTH_MAP, data, size);
    } else if (contains(name, length, "Sound") || contains(name, length, "Audio")) {
        if (size > SMALL_BLOCK) glimpse_found_add(to, GLIMPSE_HOLDING_AUDIO, data, size);
    } else if (size > SMALL_BLOCK) {
        glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, data, size);
    }
}

/* What is left of `size` when Samsung's trailer is taken off. */
static size_t without_samsung(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 24 || memcmp(data + size - 4, "SEFT", 4) != 0) return size;
    const size_t length = glimpse_get32(data + size - 8, 0);
    if (length < 12 || length > size - 8) return size;
    const size_t at = size - 8 - length;
    const uint8_t *directory = data + at;
    if (memcmp(directory, "SEFH", 4) != 0) return size;
    size_t count = glimpse_get32(directory + 8, 0), left = at;
    if (count > (length - 12) / 12) count = (length - 12) / 12;
    for (size_t i = 0; i < count && i < MAX_BLOCKS; i++) {
        const uint8_t *entry = directory + 12 + 12 * i;
        const size_t before = glimpse_get32(entry + 4, 0), bytes = glimpse_get32(entry + 8, 0);
        if (before > at || bytes > before || bytes < 8) continue;
        const uint8_t *block = data + at - before;
        const size_t name = glimpse_get32(block + 4, 0);
        if (name > bytes - 8) continue;
        add_block(to, (const char *)block + 8, name, block + 8 + name, bytes - 8 - name);
        if (at - before < left) left = at - before;
    }
    return left;
}

/* Of a picture behind the first one. */
static void add_picture(glimpse_found *to, const uint8_t *data, size_t size) {
    enum { HEAD = 64 << 10 };
    const char *head = (const char *)data;
    const size_t length = size < HEAD ? size : HEAD;
    if (contains(head, length, "hdrgainmap") || contains(head, length, "hdr-gain-map") ||
        contains(head, length, "/hdr-gain") || contains(head, length, "hdrgm:")) {
        glimpse_found_add(to, GLIMPSE_HOLDING_GAIN_MAP, data, size);
    } else if (contains(head, length, "aux:depth") || contains(head, length, "aux:disparity") ||
               contains(head, length, "matte") || contains(head, length, "DepthMap")) {
        glimpse_found_add(to, GLIMPSE_HOLDING_DEPTH_MAP, data, size);
    } else {
        glimpse_found_add(to, GLIMPSE_HOLDING_VIEWS, data, size);
        glimpse_found_count(to, GLIMPSE_HOLDING_VIEWS, 1);
    }
}

void glimpse_found_behind(glimpse_found *to, const uint8_t *data, size_t size) {
    size = without_samsung(to, data, size);
    size_t at = 0;
    for (unsigned pictures = 0; at < size; at++) {
        const uint8_t *here = data + at;
        const size_t left = size - at;
        if (is_film(here, left)) {
            glimpse_found_film(to, here, left);
            return;
        }
        const size_t picture = pictures < MAX_PICTURES ? glimpse_jpeg_length(here, left) : 0;
        if (picture > 0) {
            add_picture(to, here, picture);
            pictures++;
            at += picture - 1;
        } else if (!is_padding(here, 1)) {
            break;
        }
    }
    const uint8_t *rest = data + at;
    size -= at;
    if (size == 0) return;
    if (size >= 12 && glimpse_begins(rest, size, "RIFF") && memcmp(rest + 8, "WAVE", 4) == 0) {
        glimpse_found_add(to, GLIMPSE_HOLDING_AUDIO, rest, size);
    } else {
        glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, rest, size);
        glimpse_found_count(to, GLIMPSE_HOLDING_ATTACHMENT, (double)size);
    }
}
