/*
 * metadata/statements.c - all that EXIF and IPTC say; XMP is in statements_xmp.c.
 *
 * Of EXIF the first directory, and those of EXIF and GPS that it points to: thumbnails and makers'
 * notes have others.
 */
#include "metadata/statements.h"

#include "core/utf8.h"
#include "metadata/blocks.h"
#include "metadata/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTE = 1, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL };
enum { FLOAT = 11, DOUBLE, IFD, UTF8 = 129 };
enum { MAX_TEXT = 1 << 20, MAX_NUMBERS = 16 };

typedef struct reader {
    glimpse_statement_fn visit;
    void *user;
    glimpse_statement_source source;
    int nomem;
} reader;

static void emit(reader *r, unsigned tag, const char *text, const uint8_t *data, size_t size) {
    const glimpse_statement statement = {r->source, tag, "", "", text, data, size};
    r->visit(r->user, &statement);
}

/* UTF-8, or else Latin-1. Bytes behind a NUL are another text. */
static void emit_text(reader *r, unsigned tag, const uint8_t *data, size_t size) {
    if (size > MAX_TEXT) {
        emit(r, tag, NULL, data, size);
        return;
    }
    const int is_latin = !glimpse_utf8_is_valid((const char *)data, size);
    char *text = malloc(2 * size + 1);
    size_t used = 0;
    if (!text) {
        r->nomem = 1;
        return;
    }
    for (size_t i = 0; i <= size; i++) {
        if (i == size || data[i] == 0) {
            text[used] = '\0';
            if (used > 0) emit(r, tag, text, NULL, 0);
            used = 0;
        } else if (is_latin && data[i] >= 0x80) {
            used += glimpse_utf8_encode(text + used, data[i]);
        } else {
            text[used++] = (char)data[i];
        }
    }
    free(text);
}

static void emit_wide_text(reader *r, unsigned tag, const uint8_t *data, size_t size, int big) {
    if (size > MAX_TEXT) {
        emit(r, tag, NULL, data, size);
        return;
    }
    char *text = malloc(size * 2 + 4);
    size_t used = 0;
    if (!text) {
        r->nomem = 1;
        return;
    }
    for (size_t i = 0; i + 1 < size; i += 2) {
        uint32_t c = glimpse_get16(data + i, big);
        if (c == 0) break;
        if (c >= 0xd800 && c < 0xdc00 && i + 3 < size) {
            const uint32_t low = glimpse_get16(data + i + 2, big);
            if (low >= 0xdc00 && low < 0xe000) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        used += glimpse_utf8_encode(text + used, c);
    }
    text[used] = '\0';
    if (used > 0) emit(r, tag, text, NULL, 0);
    free(text);
}

/* Eight bytes say how the text behind them is written; the order of UTF-16 is not told. */
static void emit_comment(reader *r, unsigned tag, const uint8_t *data, size_t size, int big) {
    if (size <= 8) return;
    const uint8_t *text = data + 8;
    size -= 8;
    if (memcmp(data, "UNICODE", 7) != 0) {
        emit_text(r, tag, text, size);
        return;
    }
    size_t zeros[2] = {0, 0};
    for (size_t i = 0; i < size; i++)
        zeros[i & 1] += text[i] == 0;
    if (zeros[0] != zeros[1]) big = zeros[0] > zeros[1];
    emit_wide_text(r, tag, text, size, big);
}

static double real_number(const uint8_t *p, unsigned type, int big) {
    if (type == FLOAT) {
        const uint32_t bits = glimpse_get32(p, big);
        float value = 0;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    const uint64_t high = glimpse_get32(p + (big ? 0 : 4), big);
    const uint64_t bits = high << 32 | glimpse_get32(p + (big ? 4 : 0), big);
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void emit_number(reader *r, unsigned tag, const uint8_t *p, unsigned type, int big) {
    char text[40];
    double value = 0;
    switch (type) {
    case BYTE:
    case UNDEFINED: value = p[0]; break;
    case SBYTE: value = (int8_t)p[0]; break;
    case SHORT: value = glimpse_get16(p, big); break;
    case SSHORT: value = (int16_t)glimpse_get16(p, big); break;
    case LONG:
    case IFD: value = glimpse_get32(p, big); break;
    case SLONG: value = (int32_t)glimpse_get32(p, big); break;
    case FLOAT:
    case DOUBLE: value = real_number(p, type, big); break;
    default: {
        const uint32_t over = glimpse_get32(p, big), under = glimpse_get32(p + 4, big);
        if (under == 0) return; /* unknown, or without end */
        value = type == RATIONAL ? (double)over / under : (double)(int32_t)over / (int32_t)under;
        break;
    }
    }
    (void)snprintf(text, sizeof text, "%.10g", value);
    emit(r, tag, text, NULL, 0);
}

typedef struct block {
    const uint8_t *data;
    size_t size;
    int big;
} block;

typedef struct pointers {
    uint32_t exif, gps;
} pointers;

/* Texts that are not of type ASCII. */
static int is_wide(unsigned tag) {
    return tag >= 0x9c9b && tag <= 0x9c9f;
}
static int is_comment(const reader *r, unsigned tag) {
    return r->source == GLIMPSE_STATEMENT_GPS ? tag == 0x1b || tag == 0x1c : tag == 0x9286;
}

static void read_entry(reader *r, const block *b, const uint8_t *entry, pointers *to) {
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    const unsigned tag = glimpse_get16(entry, b->big);
    unsigned type = glimpse_get16(entry + 2, b->big);
    if (type == UTF8) type = ASCII;
    if (type == 0 || type >= sizeof sizes) return;
    const uint32_t count = glimpse_get32(entry + 4, b->big);
    const uint64_t size = (uint64_t)count * sizes[type];
    const uint8_t *data = entry + 8;
    if (count == 0) return;
    if (size > 4) {
        const uint32_t offset = glimpse_get32(entry + 8, b->big);
        if (offset > b->size || size > b->size - offset) return;
        data = b->data + offset;
    }
    if (r->source == GLIMPSE_STATEMENT_EXIF && (tag == 0x8769 || tag == 0x8825) && size >= 4) {
        if (tag == 0x8769) to->exif = glimpse_get32(data, b->big);
        if (tag == 0x8825) to->gps = glimpse_get32(data, b->big);
        return;
    }
    if (is_wide(tag) && (type == BYTE || type == UNDEFINED)) {
        emit_wide_text(r, tag, data, (size_t)size, 0);
    } else if (is_comment(r, tag) && (type == UNDEFINED || type == BYTE)) {
        emit_comment(r, tag, data, (size_t)size, b->big);
    } else if (type == ASCII) {
        emit_text(r, tag, data, (size_t)size);
    } else if (count > MAX_NUMBERS || (type == UNDEFINED && count > 1)) {
        emit(r, tag, NULL, data, (size_t)size);
    } else {
        for (uint32_t i = 0; i < count; i++)
            emit_number(r, tag, data + (size_t)i * sizes[type], type, b->big);
    }
}

static void read_directory(reader *r, const block *b, uint32_t offset, pointers *to) {
    if (offset < 8 || offset > b->size || b->size - offset < 2) return;
    size_t count = glimpse_get16(b->data + offset, b->big);
    const size_t fit = (b->size - offset - 2) / 12;
    if (count > fit) count = fit;
    for (size_t i = 0; i < count; i++)
        read_entry(r, b, b->data + offset + 2 + 12 * i, to);
}

static void read_exif(reader *r, const glimpse_block *from) {
    if (from->size < 8) return;
    const block b = {from->data, from->size, from->data[0] == 'M'};
    const uint32_t first = glimpse_get32(b.data + 4, b.big);
    pointers below = {0, 0}, none = {0, 0};
    r->source = from->kind == GLIMPSE_TIFF_GPS ? GLIMPSE_STATEMENT_GPS : GLIMPSE_STATEMENT_EXIF;
    read_directory(r, &b, first, &below);
    r->source = GLIMPSE_STATEMENT_EXIF;
    if (below.exif) read_directory(r, &b, below.exif, &none);
    if (!below.gps) below.gps = none.gps;
    r->source = GLIMPSE_STATEMENT_GPS;
    if (below.gps) read_directory(r, &b, below.gps, &none);
}

static void read_iptc(reader *r, const glimpse_block *from) {
    const uint8_t *data = from->data;
    r->source = GLIMPSE_STATEMENT_IPTC;
    for (size_t at = 0; at + 5 <= from->size && data[at] == 0x1c;) {
        const unsigned record = data[at + 1], set = data[at + 2];
        size_t length = glimpse_get16(data + at + 3, 1);
        at += 5;
        if (length & 0x8000) { /* so many bytes of a longer length follow */
            const size_t bytes = length & 0x7fff;
            if (bytes > 4 || bytes > from->size - at) return;
            length = 0;
            for (size_t i = 0; i < bytes; i++)
                length = length << 8 | data[at++];
        }
        if (length > from->size - at) return;
        emit_text(r, record << 8 | set, data + at, length);
        at += length;
    }
}

int glimpse_statements_visit(const uint8_t *data, size_t size, glimpse_statement_fn visit,
                             void *user) {
    reader r = {.visit = visit, .user = user};
    glimpse_blocks blocks;
    glimpse_blocks_find(&blocks, data, size);
    for (size_t i = 0; i < blocks.exif.count; i++)
        read_exif(&r, &blocks.exif.items[i]);
    for (size_t i = 0; i < blocks.iptc.count; i++)
        read_iptc(&r, &blocks.iptc.items[i]);
    for (size_t i = 0; i < blocks.xmp.count; i++)
        r.nomem |= glimpse_statements_visit_xmp(blocks.xmp.items[i].data, blocks.xmp.items[i].size,
                                                visit, user);
    r.nomem |= blocks.nomem;
    glimpse_blocks_free(&blocks);
    return r.nomem;
}
