/*
 * image/decode/identity_chunks.c - formats that are a row of named blocks: PNG, WebP, GIF, and the
 * resources of Photoshop files.
 */
#include "image/decode/identity.h"

static int is_one_of(const uint8_t *name, const char *names) {
    for (; *names; names += 4) {
        if (memcmp(name, names, 4) == 0) return 1;
    }
    return 0;
}

/* With their checksums, which decide whether the picture is taken for whole. */
int glimpse_identify_png(glimpse_identifier *to, const uint8_t *data, size_t size) {
    static const char left_out[] = "tEXtzTXtiTXteXIftIMEpHYs";
    for (size_t at = 8; size >= at && size - at >= 12;) {
        const uint8_t *chunk = data + at, *name = chunk + 4;
        const size_t length = glimpse_u32be(chunk);
        if (length > size - at - 12) return 0;
        if (!is_one_of(name, left_out)) glimpse_identify_bytes(to, chunk, length + 12);
        if (memcmp(name, "IEND", 4) == 0) return 1;
        at += length + 12;
    }
    return 0;
}

static uint32_t u24le(const uint8_t *p) {
    return glimpse_u16le(p) | (uint32_t)p[2] << 16;
}

enum { WEBP_ICC = 0x20, WEBP_ALPHA = 0x10, WEBP_ANIMATION = 0x02 };

/* Writers add the header of extended files (VP8X) when metadata comes, so what it says is told in
 * either case: the size of the canvas, and its flags but those of metadata and of opacity. */
static void identify_canvas(glimpse_identifier *to, const uint8_t *first, size_t length) {
    uint32_t width = 0, height = 0, flags = 0;
    const uint8_t *p = first + 8;
    if (memcmp(first, "VP8X", 4) == 0 && length >= 10) {
        flags = p[0] & (WEBP_ICC | WEBP_ANIMATION);
        width = u24le(p + 4) + 1;
        height = u24le(p + 7) + 1;
    } else if (memcmp(first, "VP8L", 4) == 0 && length >= 5) {
        const uint32_t bits = glimpse_u32le(p + 1);
        width = (bits & 0x3fff) + 1;
        height = (bits >> 14 & 0x3fff) + 1;
    } else if (memcmp(first, "VP8 ", 4) == 0 && length >= 10) {
        width = glimpse_u16le(p + 6) & 0x3fff;
        height = glimpse_u16le(p + 8) & 0x3fff;
    }
    glimpse_identify_number(to, width);
    glimpse_identify_number(to, height);
    glimpse_identify_number(to, flags);
}

/* libwebp asks the flag of opacity only when opacities have a chunk of their own: that of lossless
 * pictures is in their bits, and some writers leave the flag out. */
static int needs_alpha_flag(const uint8_t *name) {
    return is_one_of(name, "ALPHANMF");
}

int glimpse_identify_webp(glimpse_identifier *to, const uint8_t *data, size_t size) {
    static const char left_out[] = "VP8XEXIFXMP ";
    int flag = 0, is_flag_needed = 0;
    if (size < 20) return 0;
    const size_t inside = glimpse_u32le(data + 4);
    if (inside < 12 || inside > size - 8) return 0;
    const size_t end = 8 + inside;
    for (size_t at = 12; at < end;) {
        if (end - at < 8) return 0;
        const uint8_t *chunk = data + at;
        const size_t length = glimpse_u32le(chunk + 4);
        if (length > end - at - 8) return 0;
        if (at == 12) identify_canvas(to, chunk, length);
        if (at == 12 && memcmp(chunk, "VP8X", 4) == 0 && length > 0) flag = chunk[8] & WEBP_ALPHA;
        is_flag_needed |= needs_alpha_flag(chunk);
        if (!is_one_of(chunk, left_out)) glimpse_identify_bytes(to, chunk, length + 8);
        at += 8 + length + (length & 1);
    }
    glimpse_identify_number(to, is_flag_needed && flag);
    return 1;
}

/* Behind *at: sub-blocks, up to and with the empty one. */
static int skip_blocks(size_t *at, const uint8_t *data, size_t size) {
    while (*at < size && data[*at] != 0)
        *at += 1u + data[*at];
    return (*at)++ < size;
}

static size_t table_bytes(unsigned packed) {
    return packed & 0x80 ? (size_t)3 << ((packed & 7) + 1) : 0;
}

/* Comments and the extensions of applications are metadata, but for those that loop an animation or
 * hold a profile. So is the version in the signature, which goes up with the first comment. */
static int is_gif_metadata(const uint8_t *block, size_t left) {
    static const char *const kept[] = {"NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"};
    if (left < 14 || block[1] == 0xfe) return block[1] == 0xfe;
    if (block[1] != 0xff || block[2] != 11) return 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (memcmp(block + 3, kept[i], 11) == 0) return 0;
    }
    return 1;
}

int glimpse_identify_gif(glimpse_identifier *to, const uint8_t *data, size_t size) {
    if (size < 13) return 0;
    const size_t table = table_bytes(data[10]);
    if (table > size - 13) return 0;
    glimpse_identify_bytes(to, data + 6, 7 + table);
    for (size_t at = 13 + table; at < size;) {
        const size_t begin = at;
        if (data[at] == 0x3b) {
            glimpse_identify_number(to, 0x3b);
            return 1;
        }
        if (data[at] == 0x2c) {
            if (size - at < 11) return 0;
            const size_t local = table_bytes(data[at + 9]);
            if (local > size - at - 11) return 0;
            at += 11 + local; /* behind the size of the codes */
        } else if (data[at] == 0x21) {
            if (size - at < 3) return 0;
            at += 2;
        } else {
            return 0;
        }
        if (!skip_blocks(&at, data, size)) return 0;
        if (data[begin] == 0x21 && is_gif_metadata(data + begin, at - begin)) continue;
        glimpse_identify_bytes(to, data + begin, at - begin);
    }
    return 0;
}

/* IPTC, a caption's digest, EXIF, XMP; address, copyright mark, thumbnails. */
static int is_psd_metadata(unsigned id) {
    static const unsigned ids[] = {1028, 1061, 1058, 1059, 1060, 1035, 1034, 1033, 1036};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (ids[i] == id) return 1;
    }
    return 0;
}

/* Name: "8BIM", number, a padded Pascal string, length, padded data. */
static int identify_resources(glimpse_identifier *to, const uint8_t *data, size_t size) {
    for (size_t at = 0; at < size;) {
        const size_t begin = at;
        if (size - at < 12) return 0;
        at += 6;
        at += ((size_t)data[at] + 2) & ~(size_t)1;
        if (size < at || size - at < 4) return 0;
        const size_t length = glimpse_u32be(data + at);
        at += 4;
        if (length > size - at) return 0;
        at += length;
        if (length & 1 && at < size) at++;
        if (memcmp(data + begin, "8BIM", 4) == 0 &&
            is_psd_metadata(glimpse_u16be(data + begin + 4))) {
            continue;
        }
        glimpse_identify_bytes(to, data + begin, at - begin);
    }
    return 1;
}

int glimpse_identify_psd(glimpse_identifier *to, const uint8_t *data, size_t size) {
    if (size < 34) return 0;
    const size_t palette = glimpse_u32be(data + 26);
    if (palette > size - 34) return 0;
    const size_t at = 30 + palette, resources = glimpse_u32be(data + at);
    if (resources > size - at - 4) return 0;
    glimpse_identify_bytes(to, data, at);
    if (!identify_resources(to, data + at + 4, resources)) return 0;
    glimpse_identify_bytes(to, data + at + 4 + resources, size - at - 4 - resources);
    return 1;
}
