/*
 * image/holdings/found_chunks.c - of PNG, WebP and GIF: frames, profiles, texts, and what is behind
 * their end.
 */
#include "image/holdings/found.h"

#include "core/hash.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum { MAX_INFLATED = 4 << 20, MAX_FRAMES = 65536 };

/* malloc'ed; NULL when it is damaged, or more than MAX_INFLATED. */
static uint8_t *inflated(glimpse_found *to, size_t *size, const uint8_t *data, size_t length) {
    uLongf bytes = MAX_INFLATED;
    uint8_t *plain = malloc(MAX_INFLATED);
    if (!plain) {
        to->nomem = 1;
        return NULL;
    }
    if (length > UINT32_MAX || uncompress(plain, &bytes, data, (uLong)length) != Z_OK) {
        free(plain);
        return NULL;
    }
    *size = bytes;
    return plain;
}

/*
 * PNG.
 */
/* What programs write of themselves, of the file, and of metadata that stand elsewhere. */
static int is_program_text(const uint8_t *data, size_t length) {
    static const char *const begins[] = {"Software",
                                         "Raw profile type ",
                                         "XML:com.adobe.xmp",
                                         "date:",
                                         "exif:",
                                         "icc:",
                                         "png:",
                                         "tiff:",
                                         "xmp:",
                                         "jpeg:",
                                         "Thumb::",
                                         "signature",
                                         "dct:",
                                         "photoshop:",
                                         "pdf:"};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        if (glimpse_begins(data, length, begins[i])) return 1;
    }
    return 0;
}

/* A keyword, then text: which kind it is; -1: nothing that counts. */
static int kind_of_text(const uint8_t *data, size_t length) {
    static const struct {
        const char *word;
        glimpse_holding_kind kind;
    } words[] = {{"Title", GLIMPSE_HOLDING_TITLE},         {"Author", GLIMPSE_HOLDING_CREATOR},
                 {"Copyright", GLIMPSE_HOLDING_COPYRIGHT}, {"Description", GLIMPSE_HOLDING_CAPTION},
                 {"Comment", GLIMPSE_HOLDING_CAPTION},     {"parameters", GLIMPSE_HOLDING_CAPTION},
                 {"prompt", GLIMPSE_HOLDING_CAPTION},      {"workflow", GLIMPSE_HOLDING_CAPTION},
                 {"Creation Time", GLIMPSE_HOLDING_DATE}};
    if (is_program_text(data, length)) return -1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t size = strlen(words[i].word);
        if (length > size && memcmp(data, words[i].word, size + 1) == 0) return (int)words[i].kind;
    }
    return GLIMPSE_HOLDING_METADATA;
}

static void add_png_text(glimpse_found *to, const uint8_t *chunk, const uint8_t *data,
                         size_t length) {
    const int kind = kind_of_text(data, length);
    const uint8_t *end = kind >= 0 ? memchr(data, 0, length) : NULL;
    if (!end) return;
    size_t at = (size_t)(end - data) + 1, size = 0;
    int packed = memcmp(chunk, "zTXt", 4) == 0;
    if (packed) at++; /* the method */
    if (memcmp(chunk, "iTXt", 4) == 0) {
        if (length - at < 2) return;
        packed = data[at] != 0;
        at += 2;
        for (int texts = 0; texts < 2; texts++) { /* language, translated keyword */
            const uint8_t *stop = at < length ? memchr(data + at, 0, length - at) : NULL;
            if (!stop) return;
            at = (size_t)(stop - data) + 1;
        }
    }
    if (at >= length) return;
    uint8_t *plain = packed ? inflated(to, &size, data + at, length - at) : NULL;
    const uint8_t *text = packed ? plain : data + at;
    if (!packed) size = length - at;
    if (!text) return;
    if (kind == GLIMPSE_HOLDING_CAPTION) {
        glimpse_found_comment(to, text, size);
    } else if (size > 0) {
        char *copy = malloc(size + 1);
        if (copy) {
            memcpy(copy, text, size);
            copy[size] = '\0';
            if (kind == GLIMPSE_HOLDING_DATE) {
                glimpse_found_date(to, copy);
            } else {
                glimpse_found_add_text(to, (glimpse_holding_kind)kind, copy);
            }
        } else {
            to->nomem = 1;
        }
        free(copy);
    }
    free(plain);
}

/* Chunks that say how the picture is stored, or that are read elsewhere. */
static int is_known_chunk(const uint8_t *name) {
    static const char known[] =
        "IHDRPLTEIDATIENDtRNScHRMgAMAiCCPsBITsRGBbKGDhISTpHYssPLTeXIftIMEacTL"
        "fcTLfdATtEXtzTXtiTXtcICPmDCVmDCvcLLIcLLivpAgiDOTorNToFFscaNv";
    for (const char *k = known; *k; k += 4) {
        if (memcmp(name, k, 4) == 0) return 1;
    }
    return 0;
}

/* What makes the picture brighter than white, or of more colours. */
static void add_png_range(glimpse_found *to, const uint8_t *name, const uint8_t *body,
                          size_t length) {
    const int is_plain = memcmp(name, "cICP", 4) == 0 && length == 4 && body[0] == 1 &&
                         (body[1] == 13 || body[1] == 1 || body[1] == 6);
    if (!is_plain) glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, name, length + 4);
}

typedef struct png_colours {
    int has_profile, is_srgb, has_gamma, has_primaries;
    const uint8_t *gamma, *primaries;
} png_colours;

static void add_png_colours(glimpse_found *to, const png_colours *c) {
    static const uint32_t srgb[8] = {31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000};
    if (c->has_profile || c->is_srgb) return;
    if (c->gamma && fabs((double)glimpse_get32(c->gamma, 1) - 45455.0) > 1000)
        glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, c->gamma, 4);
    for (int i = 0; c->primaries && i < 8; i++) {
        if (fabs((double)glimpse_get32(c->primaries + 4 * i, 1) - srgb[i]) <= 1000) continue;
        glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, c->primaries, 32);
        break;
    }
}

/* Frames of an APNG: those but the one that is the first picture. */
typedef struct png_frames {
    int have_pixels, own_first; /* the first picture is a frame */
    unsigned count;
    size_t begin; /* of the frame that is read, 0: none */
} png_frames;

static void end_frame(glimpse_found *to, png_frames *f, const uint8_t *data, size_t at) {
    if (f->begin > 0 && at > f->begin) {
        glimpse_found_add(to, GLIMPSE_HOLDING_FRAMES, data + f->begin, at - f->begin);
        glimpse_found_count(to, GLIMPSE_HOLDING_FRAMES, 1);
    }
    f->begin = 0;
}

static void add_png_profile(glimpse_found *to, const uint8_t *data, size_t length) {
    const uint8_t *end = memchr(data, 0, length);
    size_t size = 0;
    if (!end || (size_t)(end - data) + 2 > length) return;
    const size_t at = (size_t)(end - data) + 2;
    uint8_t *icc = inflated(to, &size, data + at, length - at);
    if (icc) glimpse_found_profile(to, icc, size);
    free(icc);
}

void glimpse_found_in_png(glimpse_found *to, const uint8_t *data, size_t size) {
    png_colours colours = {0};
    png_frames frames = {0};
    for (size_t at = 8; size >= at && size - at >= 12;) {
        const uint8_t *name = data + at + 4, *body = data + at + 8;
        const size_t length = glimpse_get32(data + at, 1);
        if (length > size - at - 12) return;
        if (memcmp(name, "IHDR", 4) == 0 && length >= 13) {
            to->may_be_deep = body[8] == 16;
            to->may_be_transparent = (body[9] & 4) != 0;
        } else if (memcmp(name, "tRNS", 4) == 0) {
            to->may_be_transparent = 1;
        } else if (memcmp(name, "iCCP", 4) == 0) {
            colours.has_profile = 1;
            add_png_profile(to, body, length);
        } else if (memcmp(name, "sRGB", 4) == 0) {
            colours.is_srgb = 1;
        } else if (memcmp(name, "gAMA", 4) == 0 && length >= 4) {
            colours.gamma = body;
        } else if (memcmp(name, "cHRM", 4) == 0 && length >= 32) {
            colours.primaries = body;
        } else if (memcmp(name + 1, "TXt", 3) == 0 || memcmp(name, "tEXt", 4) == 0) {
            add_png_text(to, name, body, length);
        } else if (memcmp(name, "cICP", 4) == 0 || memcmp(name, "mDCV", 4) == 0 ||
                   memcmp(name, "mDCv", 4) == 0 || memcmp(name, "cLLI", 4) == 0 ||
                   memcmp(name, "cLLi", 4) == 0) {
            add_png_range(to, name, body, length);
        } else if (!is_known_chunk(name)) {
            glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, name, length + 4);
        } else if (memcmp(name, "acTL", 4) == 0 && length >= 8) {
            glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, body + 4, 4); /* how often it runs */
        } else if (memcmp(name, "IDAT", 4) == 0) {
            frames.have_pixels = 1;
            frames.begin = 0;
        } else if (memcmp(name, "fcTL", 4) == 0) {
            if (frames.have_pixels) {
                end_frame(to, &frames, data, at);
            } else if (length >= 26) { /* the time of the first frame, and what becomes of it */
                glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, body + 20, 6);
            }
            if (frames.have_pixels) frames.begin = at + 12; /* behind its number */
        }
        at += length + 12;
        if (memcmp(name, "IEND", 4) == 0) {
            end_frame(to, &frames, data, at);
            add_png_colours(to, &colours);
            glimpse_found_behind(to, data + at, size - at);
            return;
        }
    }
    add_png_colours(to, &colours);
}

/*
 * WebP.
 */
static int is_known_riff(const uint8_t *chunk) {
    static const char known[] = "VP8 VP8LVP8XALPHANIMANMFICCPEXIFXMP ";
    for (const char *k = known; *k; k += 4) {
        if (memcmp(chunk, k, 4) == 0) return 1;
    }
    return 0;
}

void glimpse_found_in_webp(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 20) return;
    const size_t inside = glimpse_get32(data + 4, 0);
    const size_t end = inside <= size - 8 ? 8 + inside : size;
    unsigned frames = 0;
    for (size_t at = 12; at < end && end - at >= 8;) {
        const uint8_t *chunk = data + at, *body = chunk + 8;
        size_t length = glimpse_get32(chunk + 4, 0);
        if (length > end - at - 8) length = end - at - 8;
        if (memcmp(chunk, "VP8X", 4) == 0 && length >= 10) {
            if (body[0] & 0x10) to->may_be_transparent = 1;
        } else if (memcmp(chunk, "VP8L", 4) == 0 && length >= 5) {
            if (body[4] & 0x10) to->may_be_transparent = 1;
        } else if (memcmp(chunk, "ICCP", 4) == 0) {
            glimpse_found_profile(to, body, length);
        } else if (memcmp(chunk, "ANIM", 4) == 0 && length >= 6) {
            glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, body + 4, 2); /* how often it runs */
        } else if (memcmp(chunk, "ANMF", 4) == 0 && frames++ > 0) {
            glimpse_found_add(to, GLIMPSE_HOLDING_FRAMES, body, length);
            glimpse_found_count(to, GLIMPSE_HOLDING_FRAMES, 1);
        } else if (memcmp(chunk, "ANMF", 4) == 0 && length >= 16) {
            glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, body + 12,
                                3); /* the first one's time */
        } else if (!is_known_riff(chunk)) {
            glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, body, length);
        }
        at += 8 + length;
        if (length & 1 && at < end) at++;
    }
    if (inside <= size - 8) glimpse_found_behind(to, data + end, size - end);
}

/*
 * GIF.
 */
static size_t table_bytes(unsigned packed) {
    return packed & 0x80 ? (size_t)3 << ((packed & 7) + 1) : 0;
}

static void add_gif_frame(glimpse_found *to, const uint8_t *frame, size_t length,
                          const uint8_t time[3]) {
    const glimpse_hash hash = glimpse_hash_bytes(frame, length);
    uint8_t both[sizeof hash.bytes + 3];
    memcpy(both, hash.bytes, sizeof hash.bytes);
    memcpy(both + sizeof hash.bytes, time, 3);
    glimpse_found_add(to, GLIMPSE_HOLDING_FRAMES, both, sizeof both);
    glimpse_found_count(to, GLIMPSE_HOLDING_FRAMES, 1);
}

/* A comment's sub-blocks, one after the other. */
static void add_gif_comment(glimpse_found *to, const uint8_t *block, size_t size) {
    uint8_t *text = malloc(size + 1);
    size_t used = 0;
    if (!text) {
        to->nomem = 1;
        return;
    }
    for (size_t at = 2; at < size && block[at] != 0 && block[at] < size - at;
         at += 1u + block[at]) {
        memcpy(text + used, block + at + 1, block[at]);
        used += block[at];
    }
    glimpse_found_comment(to, text, used);
    free(text);
}

/* An application's block: loops, metadata that are read elsewhere, or something of its own. */
static void add_gif_application(glimpse_found *to, const uint8_t *block, size_t length) {
    if (length < 14) return;
    const uint8_t *name = block + 3;
    if (memcmp(name, "NETSCAPE2.0", 11) == 0 || memcmp(name, "ANIMEXTS1.0", 11) == 0) {
        glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, block + 14, length - 14);
    } else if (memcmp(name, "XMP DataXMP", 11) != 0 && memcmp(name, "ImageMagick", 11) != 0) {
        glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, block, length);
    }
}

void glimpse_found_in_gif(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 13) return;
    unsigned frames = 0;
    uint8_t time[3] = {0, 0, 0}; /* of the frame that follows, and what becomes of it */
    for (size_t at = 13 + table_bytes(data[10]); at < size;) {
        const size_t begin = at;
        if (data[at] == 0x3b) {
            glimpse_found_behind(to, data + at + 1, size - at - 1);
            return;
        }
        if (data[at] == 0x2c && size - at >= 11) {
            at += 11 + table_bytes(data[at + 9]);
        } else if (data[at] == 0x21 && size - at >= 3) {
            at += 2;
        } else {
            return;
        }
        while (at < size && data[at] != 0)
            at += 1u + data[at];
        at++;
        const size_t length = (at < size ? at : size) - begin;
        if (data[begin] == 0x2c) {
            if (frames++ > 0) {
                add_gif_frame(to, data + begin, length, time);
            } else {
                glimpse_found_order(to, GLIMPSE_HOLDING_FRAMES, time, sizeof time);
            }
            memset(time, 0, sizeof time);
        } else if (data[begin] == 0x21 && data[begin + 1] == 0xfe) {
            add_gif_comment(to, data + begin, length);
        } else if (data[begin] == 0x21 && data[begin + 1] == 0xf9 && length > 3) {
            if (data[begin + 3] & 1) to->may_be_transparent = 1;
            if (length >= 6) memcpy(time, data + begin + 3, sizeof time);
        } else if (data[begin] == 0x21 && data[begin + 1] == 0xff) {
            add_gif_application(to, data + begin, length);
        } else if (data[begin] == 0x21 && data[begin + 1] == 0x01) {
            glimpse_found_add(to, GLIMPSE_HOLDING_ATTACHMENT, data + begin, length);
        }
    }
}
