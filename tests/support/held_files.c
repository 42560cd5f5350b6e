/*
 * held_files.c - the pairs, a row each; every format is written by hand, as plainly as it can be.
 */
#include "support/held_files.h"

#include "../metadata/made.h"
#include "image/output/jpeg_out.h"
#include "support/test.h"

#include <webp/encode.h>
#include <zlib.h>

enum { W = 96, H = 64, PIXELS = W * H };

typedef struct blob {
    uint8_t *data;
    size_t size, capacity;
} blob;

static void add(blob *b, const void *data, size_t size) {
    if (b->size + size > b->capacity) {
        b->capacity = 2 * (b->size + size) + 64;
        b->data = realloc(b->data, b->capacity);
        assert_non_null(b->data);
    }
    if (size > 0) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void add_text(blob *b, const char *text) {
    add(b, text, strlen(text));
}

static void add_number(blob *b, uint32_t value, int bytes, int big) {
    uint8_t out[4];
    for (int i = 0; i < bytes; i++)
        out[big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
    add(b, out, (size_t)bytes);
}

static void add_blob(blob *to, blob from) {
    add(to, from.data, from.size);
    free(from.data);
}

static void add_noise(blob *b, size_t size, uint32_t seed) {
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525U + 1013904223U;
        const uint8_t byte = (uint8_t)(seed >> 24 | 1);
        add(b, &byte, 1);
    }
}

static void save(blob b, const char *stem, const char *ending) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s%s", stem, ending);
    write_file(path, b.data, b.size);
    free(b.data);
}

/* Coarse random colours, smoothly joined: pictures of other seeds are not alike. */
static void paint(uint8_t rgb[PIXELS * 3], uint32_t seed) {
    enum { COLUMNS = 9, ROWS = 7 };
    uint8_t knots[ROWS][COLUMNS][3];
    seed = seed * 2654435761U + 12345;
    for (size_t i = 0; i < sizeof knots; i++) {
        seed = seed * 1664525U + 1013904223U;
        knots[i / 3 / COLUMNS][i / 3 % COLUMNS][i % 3] = (uint8_t)(seed >> 24);
    }
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            const int u = x * (COLUMNS - 1) * 16 / W, v = y * (ROWS - 1) * 16 / H;
            const int s = u & 15, t = v & 15, i = u >> 4, k = v >> 4;
            for (int c = 0; c < 3; c++) {
                const int top = knots[k][i][c] * (16 - s) + knots[k][i + 1][c] * s;
                const int low = knots[k + 1][i][c] * (16 - s) + knots[k + 1][i + 1][c] * s;
                rgb[(y * W + x) * 3 + c] = (uint8_t)((top * (16 - t) + low * t) / 256);
            }
        }
    }
}

/*
 * JPEG.
 */
static blob jpeg(uint32_t seed) {
    uint8_t rgb[PIXELS * 3];
    blob b = {0};
    paint(rgb, seed);
    assert_ok(glimpse_jpeg_encode(&b.data, &b.size, rgb, W, H, 90, NULL, 0));
    b.capacity = b.size;
    return b;
}

/* With the segments of `segments` (which has SOI and EOI as well) behind SOI. */
static blob jpeg_with(uint32_t seed, const uint8_t *segments, size_t size) {
    blob plain = jpeg(seed), b = {0};
    add(&b, plain.data, 2);
    if (size > 4) add(&b, segments + 2, size - 4);
    add(&b, plain.data + 2, plain.size - 2);
    free(plain.data);
    return b;
}

static void add_segment(blob *b, unsigned marker, const void *data, size_t size) {
    add_number(b, 0xff00U | marker, 2, 1);
    add_number(b, (uint32_t)size + 2, 2, 1);
    add(b, data, size);
}

static blob jpeg_segment(uint32_t seed, unsigned marker, blob content) {
    blob all = {0};
    add(&all, "\xff\xd8", 2);
    add_segment(&all, marker, content.data, content.size);
    add(&all, "\xff\xd9", 2);
    blob b = jpeg_with(seed, all.data, all.size);
    free(all.data);
    free(content.data);
    return b;
}

/*
 * Things behind a picture.
 */
static blob film(unsigned seconds, uint32_t seed) {
    blob b = {0};
    add_number(&b, 20, 4, 1), add_text(&b, "ftypisom"), add_number(&b, 0, 4, 1),
        add_text(&b, "isom");
    add_number(&b, 8 + 28, 4, 1), add_text(&b, "moov");
    add_number(&b, 28, 4, 1), add_text(&b, "mvhd"), add_number(&b, 0, 4, 1);
    add_number(&b, 0, 4, 1), add_number(&b, 0, 4, 1);
    add_number(&b, 1000, 4, 1), add_number(&b, 1000 * seconds, 4, 1);
    add_number(&b, 8 + 3000, 4, 1), add_text(&b, "mdat"), add_noise(&b, 3000, seed);
    return b;
}

static blob sound(uint32_t seed) {
    blob b = {0};
    add_text(&b, "RIFF"), add_number(&b, 4 + 8 + 2000, 4, 0), add_text(&b, "WAVE");
    add_text(&b, "data"), add_number(&b, 2000, 4, 0), add_noise(&b, 2000, seed);
    return b;
}

/* Samsung's trailer with one block. */
static blob samsung(const char *name, blob content) {
    blob b = {0};
    add_number(&b, 0x0a300000, 4, 0);
    add_number(&b, (uint32_t)strlen(name), 4, 0), add_text(&b, name);
    add_blob(&b, content);
    const uint32_t block = (uint32_t)b.size;
    add_text(&b, "SEFH"), add_number(&b, 106, 4, 0), add_number(&b, 1, 4, 0);
    add_number(&b, 0x0a300000, 4, 0), add_number(&b, block, 4, 0), add_number(&b, block, 4, 0);
    add_number(&b, 24, 4, 0), add_text(&b, "SEFT");
    return b;
}

static blob noise(size_t size, uint32_t seed) {
    blob b = {0};
    add_noise(&b, size, seed);
    return b;
}

static blob zeros(size_t size, blob then) {
    blob b = {0};
    for (size_t i = 0; i < size; i++)
        add(&b, "", 1);
    add_blob(&b, then);
    return b;
}

static blob view(uint32_t seed, const char *xmp) {
    if (!*xmp) return jpeg(seed);
    const made segments = made_jpeg(NULL, xmp, NULL);
    return jpeg_with(seed, segments.bytes, segments.size);
}

enum behind_kind {
    A_FILM,
    SAMSUNG_FILM,
    PADDED_FILM,
    A_SOUND,
    SAMSUNG_SOUND,
    PADDED_SOUND,
    A_VIEW,
    TWO_VIEWS,
    PADDED_VIEW,
    APPLE_GAIN,
    GOOGLE_GAIN,
    ISO_GAIN,
    SAMSUNG_DEPTH,
    APPLE_DEPTH,
    PORTRAIT,
    SOMETHING
};

static blob behind(enum behind_kind kind, uint32_t seed) {
    const uint32_t other = seed + 5000;
    blob b = {0};
    switch (kind) {
    case A_FILM: return film(3, other);
    case SAMSUNG_FILM: return samsung("MotionPhoto_Data", film(2, other));
    case PADDED_FILM: return zeros(100, film(1, other));
    case A_SOUND: return sound(other);
    case SAMSUNG_SOUND: return samsung("SoundShot_000", noise(5000, other));
    case PADDED_SOUND: return zeros(64, sound(other));
    case A_VIEW: return jpeg(other);
    case TWO_VIEWS:
        add_blob(&b, jpeg(other));
        add_blob(&b, jpeg(other + 1));
        return b;
    case PADDED_VIEW: return zeros(512, jpeg(other));
    case APPLE_GAIN:
        return view(other, made_xmp("exif:x='urn:com:apple:photo:2020:aux:hdrgainmap'", ""));
    case GOOGLE_GAIN: return view(other, made_xmp("exif:hdrgm='hdrgm:Version'", ""));
    case ISO_GAIN: return view(other, made_xmp("exif:x='urn:iso:std:/hdr-gain-map'", ""));
    case SAMSUNG_DEPTH: return samsung("DualShot_DepthMap_1", noise(6000, other));
    case APPLE_DEPTH: return view(other, made_xmp("exif:x='apple:aux:depth'", ""));
    case PORTRAIT: return view(other, made_xmp("exif:x='apple:aux:portraiteffectsmatte'", ""));
    case SOMETHING: return noise(900, other);
    }
    return b;
}

/*
 * Profiles.
 */
static void add_fixed(blob *b, double value) {
    add_number(b, (uint32_t)(int32_t)(value * 65536), 4, 1);
}

/* Three primaries and a gamma; `wide` is none of sRGB. */
static blob profile(int wide) {
    static const double srgb[9] = {0.4361, 0.2225, 0.0139, 0.3851, 0.7169,
                                   0.0971, 0.1431, 0.0606, 0.7141};
    static const double p3[9] = {0.5151, 0.2412, -0.0011, 0.2920, 0.6922,
                                 0.0419, 0.1571, 0.0666,  0.7841};
    static const char *const names[] = {"rXYZ", "gXYZ", "bXYZ", "rTRC"};
    blob b = {0};
    for (int i = 0; i < 128; i++)
        add(&b, i == 16 ? "RGB XYZ " : "", i == 16 ? 8 : i > 16 && i < 24 ? 0 : 1);
    add_number(&b, 4, 4, 1);
    for (uint32_t i = 0; i < 4; i++) {
        add_text(&b, names[i]);
        add_number(&b, 132 + 48 + 20 * i, 4, 1), add_number(&b, i < 3 ? 20 : 14, 4, 1);
    }
    for (int i = 0; i < 3; i++) {
        add_text(&b, "XYZ "), add_number(&b, 0, 4, 1);
        for (int k = 0; k < 3; k++)
            add_fixed(&b, (wide ? p3 : srgb)[3 * i + k]);
    }
    add_text(&b, "curv"), add_number(&b, 0, 4, 1), add_number(&b, 1, 4, 1);
    add_number(&b, 0x0233, 2, 1); /* 2.2 */
    return b;
}

static blob jpeg_profile(uint32_t seed, int wide) {
    blob content = {0};
    add(&content, "ICC_PROFILE\0\1\1", 14);
    add_blob(&content, profile(wide));
    return jpeg_segment(seed, 0xe2, content);
}

/*
 * PNG.
 */
static void add_chunk(blob *b, const char *type, const void *data, size_t size) {
    add_number(b, (uint32_t)size, 4, 1);
    const size_t at = b->size;
    add(b, type, 4);
    add(b, data, size);
    add_number(b, (uint32_t)crc32(0, b->data + at, (uInt)(size + 4)), 4, 1);
}

static blob packed(const uint8_t *data, size_t size) {
    uLongf used = compressBound(size);
    blob b = {malloc(used), 0, used};
    assert_non_null(b.data);
    assert_int_equal(compress(b.data, &used, data, size), Z_OK);
    b.size = used;
    return b;
}

enum png_kind { PNG_RGB, PNG_RGB16, PNG_WIDENED, PNG_GREY, PNG_GREY16, PNG_RGBA };

static blob png_rows(uint32_t seed, enum png_kind kind) {
    uint8_t rgb[PIXELS * 3];
    uint32_t low = seed;
    blob rows = {0};
    paint(rgb, seed);
    for (size_t i = 0; i < PIXELS; i++) {
        const int grey = kind == PNG_GREY || kind == PNG_GREY16;
        if (i % W == 0) add(&rows, "", 1);
        for (size_t c = 0; c < (grey ? 1 : 3); c++) {
            add(&rows, rgb + 3 * i + c, 1);
            low = low * 1664525U + 1013904223U;
            const uint8_t fine = kind == PNG_WIDENED ? rgb[3 * i + c] : (uint8_t)(low >> 24);
            if (kind == PNG_RGB16 || kind == PNG_GREY16 || kind == PNG_WIDENED)
                add(&rows, &fine, 1);
        }
        const uint8_t opacity = i % W < 3 ? 40 : 255;
        if (kind == PNG_RGBA) add(&rows, &opacity, 1);
    }
    blob data = packed(rows.data, rows.size);
    free(rows.data);
    return data;
}

static blob png_head(enum png_kind kind) {
    blob b = {0}, ihdr = {0};
    const int deep = kind == PNG_RGB16 || kind == PNG_GREY16 || kind == PNG_WIDENED;
    add(&b, "\x89PNG\r\n\x1a\n", 8);
    add_number(&ihdr, W, 4, 1), add_number(&ihdr, H, 4, 1);
    const uint8_t rest[5] = {deep ? 16 : 8, kind == PNG_RGBA                         ? 6
                                            : kind == PNG_GREY || kind == PNG_GREY16 ? 0
                                                                                     : 2};
    add(&ihdr, rest, 5);
    add_chunk(&b, "IHDR", ihdr.data, ihdr.size);
    free(ihdr.data);
    return b;
}

static void add_pixels(blob *b, uint32_t seed, enum png_kind kind) {
    blob data = png_rows(seed, kind);
    add_chunk(b, "IDAT", data.data, data.size);
    free(data.data);
}

static blob png(uint32_t seed, enum png_kind kind, const char *chunk, const void *content,
                size_t size) {
    blob b = png_head(kind);
    if (chunk) add_chunk(&b, chunk, content, size);
    add_pixels(&b, seed, kind);
    add_chunk(&b, "IEND", NULL, 0);
    return b;
}

static blob png_profile(uint32_t seed) {
    blob icc = profile(1), data = packed(icc.data, icc.size), content = {0};
    add(&content, "made\0\0", 6);
    add_blob(&content, data);
    blob b = png(seed, PNG_RGB, "iCCP", content.data, content.size);
    free(icc.data);
    free(content.data);
    return b;
}

static void add_control(blob *b, uint32_t number) {
    blob c = {0};
    add_number(&c, number, 4, 1), add_number(&c, W, 4, 1), add_number(&c, H, 4, 1);
    add_number(&c, 0, 4, 1), add_number(&c, 0, 4, 1), add(&c, "\0\1\0\12\0\0", 6);
    add_chunk(b, "fcTL", c.data, c.size);
    free(c.data);
}

/* `frames` in all; `apart`: the first picture is none of them. */
static blob apng(uint32_t seed, unsigned frames, int apart) {
    blob b = png_head(PNG_RGB), head = {0};
    uint32_t number = 0;
    add_number(&head, frames, 4, 1), add_number(&head, 0, 4, 1);
    add_chunk(&b, "acTL", head.data, head.size);
    free(head.data);
    if (!apart) add_control(&b, number++);
    add_pixels(&b, seed, PNG_RGB);
    for (unsigned i = apart ? 0 : 1; i < frames; i++) {
        blob data = {0};
        add_control(&b, number++);
        add_number(&data, number++, 4, 1);
        add_blob(&data, png_rows(seed + 7000 + i, PNG_RGB));
        add_chunk(&b, "fdAT", data.data, data.size);
        free(data.data);
    }
    add_chunk(&b, "IEND", NULL, 0);
    return b;
}

/*
 * GIF: 128 greys, as codes of eight bits, cleared before they grow.
 */
static blob gif(uint32_t seed, unsigned frames, int with_comment) {
    blob b = {0};
    add_text(&b, "GIF89a"), add_number(&b, W, 2, 0), add_number(&b, H, 2, 0);
    add(&b, "\xf6\0\0", 3);
    for (int i = 0; i < 128; i++) {
        const uint8_t grey[3] = {(uint8_t)(2 * i), (uint8_t)(2 * i), (uint8_t)(2 * i)};
        add(&b, grey, 3);
    }
    if (with_comment)
        add(&b,
            "\x21\xfe\x0c"
            "Aunt Matilda\0",
            16);
    for (unsigned f = 0; f < frames; f++) {
        uint8_t rgb[PIXELS * 3];
        paint(rgb, seed + 9000 * f);
        add(&b, "\x21\xf9\4\0\x0a\0\0\0", 8);
        add(&b, "\x2c\0\0\0\0", 5), add_number(&b, W, 2, 0), add_number(&b, H, 2, 0);
        add(&b, "\0\7", 2);
        blob codes = {0};
        for (size_t i = 0; i < PIXELS; i++) {
            const uint8_t code = rgb[3 * i] / 2;
            if (i % 100 == 0) add(&codes, "\x80", 1);
            add(&codes, &code, 1);
        }
        add(&codes, "\x81", 1);
        for (size_t i = 0; i < codes.size; i += 255) {
            const size_t left = codes.size - i < 255 ? codes.size - i : 255;
            add_number(&b, (uint32_t)left, 1, 0), add(&b, codes.data + i, left);
        }
        free(codes.data);
        add(&b, "", 1);
    }
    add(&b, "\x3b", 1);
    return b;
}

/*
 * WebP.
 */
static void add_riff(blob *b, const char *name, const void *data, size_t size) {
    add(b, name, 4), add_number(b, (uint32_t)size, 4, 0), add(b, data, size);
    if (size & 1) add(b, "", 1);
}

/* The chunk of pixels of a still picture, with its head. */
static blob webp_pixels(uint32_t seed) {
    uint8_t rgb[PIXELS * 3], *out = NULL;
    blob b = {0};
    paint(rgb, seed);
    const size_t size = WebPEncodeLosslessRGB(rgb, W, H, W * 3, &out);
    assert_true(size > 12);
    add(&b, out + 12, size - 12);
    WebPFree(out);
    return b;
}

static blob webp(uint32_t seed, unsigned frames, int wide) {
    blob inside = {0}, b = {0};
    uint8_t head[10] = {
        (uint8_t)((frames > 1 ? 2 : 0) | (wide ? 0x20 : 0)), 0, 0, 0, W - 1, 0, 0, H - 1};
    add_text(&inside, "WEBP");
    add_riff(&inside, "VP8X", head, sizeof head);
    if (wide) {
        blob icc = profile(1);
        add_riff(&inside, "ICCP", icc.data, icc.size);
        free(icc.data);
    }
    if (frames > 1) add_riff(&inside, "ANIM", "\0\0\0\0\0\0", 6);
    for (unsigned f = 0; f < frames; f++) {
        blob pixels = webp_pixels(seed + 9000 * f);
        if (frames > 1) {
            const uint8_t frame[16] = {0, 0, 0, 0, 0, 0, W - 1, 0, 0, H - 1, 0, 0, 100};
            blob body = {0};
            add(&body, frame, sizeof frame);
            add_blob(&body, pixels);
            add_riff(&inside, "ANMF", body.data, body.size);
            free(body.data);
        } else {
            add_blob(&inside, pixels);
        }
    }
    add_text(&b, "RIFF"), add_number(&b, (uint32_t)inside.size, 4, 0);
    add_blob(&b, inside);
    return b;
}

/*
 * TIFF: uncompressed strips.
 */
static void add_entry(blob *b, unsigned tag, unsigned type, uint32_t count, uint32_t value) {
    add_number(b, tag, 2, 0), add_number(b, type, 2, 0), add_number(b, count, 4, 0);
    add_number(b, value, 4, 0);
}

static blob document(uint32_t seed, uint32_t inside, unsigned pages, int deep, int layered,
                     int reversed) {
    blob b = {0};
    size_t link = 4;
    add(&b, "II*\0", 4), add_number(&b, 0, 4, 0);
    for (unsigned p = 0; p < pages; p++) {
        uint8_t rgb[PIXELS * 3];
        uint32_t low = seed;
        paint(rgb, p == 0 ? seed : inside + 9000 * (reversed ? pages - p : p));
        const uint32_t pixels = (uint32_t)b.size;
        for (size_t i = 0; i < sizeof rgb; i++) {
            low = low * 1664525U + 1013904223U;
            const uint8_t sample[2] = {(uint8_t)(low >> 24), rgb[i]};
            add(&b, deep ? sample : rgb + i, deep ? 2 : 1);
        }
        const uint32_t bits = (uint32_t)b.size;
        for (int c = 0; c < 3; c++)
            add_number(&b, deep ? 16 : 8, 2, 0);
        const uint32_t layers = (uint32_t)b.size;
        add_text(&b, "Adobe Photoshop Document Data Block and more");
        if (b.size & 1) add(&b, "", 1);
        const uint32_t at = (uint32_t)b.size;
        memcpy(b.data + link, &at, 4); /* on machines whose low byte comes first */
        add_number(&b, layered ? 10 : 9, 2, 0);
        add_entry(&b, 256, 3, 1, W), add_entry(&b, 257, 3, 1, H), add_entry(&b, 258, 3, 3, bits);
        add_entry(&b, 259, 3, 1, 1), add_entry(&b, 262, 3, 1, 2), add_entry(&b, 273, 4, 1, pixels);
        add_entry(&b, 277, 3, 1, 3), add_entry(&b, 278, 3, 1, H);
        add_entry(&b, 279, 4, 1, PIXELS * (deep ? 6 : 3));
        if (layered) add_entry(&b, 37724, 7, 44, layers);
        link = b.size;
        add_number(&b, 0, 4, 0);
    }
    return b;
}

static blob tiff(uint32_t seed, unsigned pages, int deep, int layered) {
    return document(seed, seed, pages, deep, layered, 0);
}

/*
 * PSD and PNM.
 */
static blob psd(uint32_t seed, unsigned layers) {
    uint8_t rgb[PIXELS * 3];
    blob b = {0};
    paint(rgb, seed);
    add_text(&b, "8BPS"), add_number(&b, 1, 2, 1), add_number(&b, 0, 4, 1), add_number(&b, 0, 2, 1);
    add_number(&b, 3, 2, 1), add_number(&b, H, 4, 1), add_number(&b, W, 4, 1);
    add_number(&b, 8, 2, 1), add_number(&b, 3, 2, 1);
    add_number(&b, 0, 4, 1), add_number(&b, 0, 4, 1);
    const uint32_t inner = 2 + 34 * layers + 200;
    add_number(&b, layers ? 4 + inner : 0, 4, 1);
    if (layers) {
        add_number(&b, inner, 4, 1), add_number(&b, layers, 2, 1);
        for (unsigned i = 0; i < layers; i++) { /* a rectangle, no channels, how it is blended */
            for (uint32_t k = 0; k < 4; k++)
                add_number(&b, k < 2 ? 0 : 8 + i, 4, 1);
            add_number(&b, 0, 2, 1), add_text(&b, "8BIMnorm");
            add_number(&b, 0xff000000, 4, 1), add_number(&b, 0, 4, 1);
        }
        add_noise(&b, 200, seed);
    }
    add_number(&b, 0, 2, 1);
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < PIXELS; i++)
            add(&b, rgb + 3 * i + c, 1);
    }
    return b;
}

static blob pnm(uint32_t seed, int deep) {
    uint8_t rgb[PIXELS * 3];
    uint32_t low = seed;
    char head[64];
    blob b = {0};
    paint(rgb, seed);
    (void)snprintf(head, sizeof head, "P6\n%d %d\n%d\n", W, H, deep ? 65535 : 255);
    add_text(&b, head);
    for (size_t i = 0; i < sizeof rgb; i++) {
        low = low * 1664525U + 1013904223U;
        const int value = rgb[i] * 257 + (int)(low >> 24) % 200 - 100;
        if (deep) {
            add_number(&b, (uint32_t)(value < 0 ? 0 : value > 65535 ? 65535 : value), 2, 1);
        } else {
            add(&b, rgb + i, 1);
        }
    }
    return b;
}

/*
 * The pairs.
 */
typedef struct text_of {
    const char *attributes, *elements; /* of XMP */
    unsigned iptc;
    const char *iptc_text;
    made_tag tags[3];
    unsigned tag_count;
} text_of;

enum mode { TEXTS, BEHIND, BESIDE, FORMAT };

typedef struct recipe {
    enum mode mode;
    text_of more, less;                                  /* TEXTS */
    enum behind_kind behind;                             /* BEHIND */
    const char *beside;                                  /* BESIDE: the ending of the file */
    int whole_name;                                      /* a.jpg.xmp */
    void (*make)(uint32_t seed, blob *more, blob *less); /* FORMAT; what BEHIND is behind of */
} recipe;

static void two_jpegs(uint32_t seed, blob *more, blob *less) {
    *more = jpeg(seed), *less = jpeg(seed);
}
static void two_pngs(uint32_t seed, blob *more, blob *less) {
    *more = png(seed, PNG_RGB, NULL, NULL, 0), *less = png(seed, PNG_RGB, NULL, NULL, 0);
}
static void two_gifs(uint32_t seed, blob *more, blob *less) {
    *more = gif(seed, 1, 0), *less = gif(seed, 1, 0);
}
#define MAKE(name, of_more, of_less)                       \
 static void name(uint32_t seed, blob *more, blob *less) { \
  *more = of_more;                                         \
  *less = of_less;                                         \
 }
MAKE(two_pages, tiff(seed, 2, 0, 0), tiff(seed, 1, 0, 0))
MAKE(three_pages, tiff(seed, 3, 0, 0), tiff(seed, 1, 0, 0))
MAKE(one_page_more, tiff(seed, 3, 0, 0), tiff(seed, 2, 0, 0))
MAKE(gif_frames, gif(seed, 3, 0), gif(seed, 1, 0))
MAKE(gif_one_more, gif(seed, 3, 0), gif(seed, 2, 0))
MAKE(gif_comment, gif(seed, 1, 1), gif(seed, 1, 0))
MAKE(png_frames, apng(seed, 3, 0), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_frames_apart, apng(seed, 2, 1), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(webp_frames, webp(seed, 3, 0), webp(seed, 1, 0))
MAKE(webp_one_more, webp(seed, 3, 0), webp(seed, 2, 0))
MAKE(deep_png, png(seed, PNG_RGB16, NULL, NULL, 0), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(deep_grey, png(seed, PNG_GREY16, NULL, NULL, 0), png(seed, PNG_GREY, NULL, NULL, 0))
MAKE(deep_tiff, tiff(seed, 1, 1, 0), tiff(seed, 1, 0, 0))
MAKE(deep_pnm, pnm(seed, 1), pnm(seed, 0))
MAKE(deep_and_widened, png(seed, PNG_RGB16, NULL, NULL, 0), png(seed, PNG_WIDENED, NULL, NULL, 0))
MAKE(wide_jpeg, jpeg_profile(seed, 1), jpeg(seed))
MAKE(wide_and_srgb, jpeg_profile(seed, 1), jpeg_profile(seed, 0))
MAKE(wide_png, png_profile(seed), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(linear_png, png(seed, PNG_RGB, "gAMA", "\0\1\x86\xa0", 4), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(wide_webp, webp(seed, 1, 1), webp(seed, 1, 0))
MAKE(psd_layers, psd(seed, 2), psd(seed, 0))
MAKE(psd_more_layers, psd(seed, 5), psd(seed, 1))
MAKE(tiff_layers, tiff(seed, 1, 0, 1), tiff(seed, 1, 0, 0))
MAKE(png_alpha, png(seed, PNG_RGBA, NULL, NULL, 0), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_title, png(seed, PNG_RGB, "tEXt", "Title\0The pond", 14),
     png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_caption, png(seed, PNG_RGB, "tEXt", "Description\0Ducks at the pond", 29),
     png(seed, PNG_RGB, NULL, NULL, 0))

MAKE(png_source, png(seed, PNG_RGB, "tEXt", "Source\0The attic of the mill", 28),
     png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_other_words, png(seed, PNG_RGB, "iTXt", "Beschreibung\0\0\0de\0\0Die alte Mühle", 34),
     png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_time,
     png(seed, PNG_RGB, "tEXt",
         "Creation Time\0"
         "2019:05:05 10:10:10",
         33),
     png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_range, png(seed, PNG_RGB, "cICP", "\x09\x10\0\1", 4), png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_claims, png(seed, PNG_RGB, "caBX", "who made it, and how", 20),
     png(seed, PNG_RGB, NULL, NULL, 0))
MAKE(png_fireworks, png(seed, PNG_RGB, "mkBF", "vectors and texts", 17),
     png(seed, PNG_RGB, NULL, NULL, 0))

static blob segment_of(uint32_t seed, unsigned marker, const void *data, size_t size) {
    blob content = {0};
    add(&content, data, size);
    return jpeg_segment(seed, marker, content);
}
MAKE(flir, segment_of(seed, 0xe1, "FLIR\0\1\0\0temperatures", 20), jpeg(seed))
MAKE(flashpix_sound, segment_of(seed, 0xe2, "FPXR\0\0\2\0\0RIFFsound", 18), jpeg(seed))
MAKE(jumbf, segment_of(seed, 0xeb, "JP\0\1\0\0\0\1jumbf claims", 20), jpeg(seed))
MAKE(unknown_segment, segment_of(seed, 0xe7, "something", 9), jpeg(seed))
MAKE(clipping_path,
     segment_of(seed, 0xed,
                "Photoshop 3.0\0"
                "8BIM\x07\xd0\0\0\0\0\0\x08"
                "a path..",
                34),
     jpeg(seed))
MAKE(copyright_flag,
     segment_of(seed, 0xed,
                "Photoshop 3.0\0"
                "8BIM\x04\x0a\0\0\0\0\0\1\1\0",
                28),
     jpeg(seed))

static void jpeg_comment(uint32_t seed, blob *more, blob *less) {
    blob text = {0};
    add_text(&text, "Summer of 1979, by the lake");
    *more = jpeg_segment(seed, 0xfe, text);
    *less = jpeg(seed);
}

#define BAG(name, items) "<" name "><rdf:Bag>" items "</rdf:Bag></" name ">"
#define SEQ(name, items) "<" name "><rdf:Seq>" items "</rdf:Seq></" name ">"
#define ALT(name, text) \
 "<" name "><rdf:Alt><rdf:li xml:lang='x-default'>" text "</rdf:li></rdf:Alt></" name ">"
#define LI(text) "<rdf:li>" text "</rdf:li>"
#define XMP(a, e) \
 { .attributes = (a), .elements = (e) }
#define IPTC(set, text) \
 { .iptc = (set), .iptc_text = (text) }
#define TAG(w, t, s) \
 { .where = (w), .tag = (t), .text = (s) }
#define ONE_TAG(w, t, s) \
 { .tags = {TAG(w, t, s)}, .tag_count = 1 }
#define DATED TAG(IN_EXIF, 0x9003, "2019:07:04 10:15:02")

static const uint32_t latitude[] = {48, 1, 51, 1, 30, 1}, aperture[] = {28, 10};

#define TEXT_ROW(name, k, m, l)                           \
 {                                                        \
  {name, GLIMPSE_HOLDING_##k, ".jpg", ".jpg", 0, NULL}, { \
   .mode = TEXTS, .more = m, .less = l                    \
  }                                                       \
 }
#define BEHIND_ROW(name, k, ending, maker, b)             \
 {                                                        \
  {name, GLIMPSE_HOLDING_##k, ending, ending, 0, NULL}, { \
   .mode = BEHIND, .behind = b, .make = maker             \
  }                                                       \
 }
#define BESIDE_ROW(name, k, with, whole, m)                       \
 {                                                                \
  {name, GLIMPSE_HOLDING_##k, ".jpg", ".jpg", 0, NULL}, {         \
   .mode = BESIDE, .beside = with, .whole_name = whole, .more = m \
  }                                                               \
 }
#define FORMAT_ROW(name, k, ending, maker)                \
 {                                                        \
  {name, GLIMPSE_HOLDING_##k, ending, ending, 0, NULL}, { \
   .mode = FORMAT, .make = maker                          \
  }                                                       \
 }
#define NONE \
 { 0 }
/* Braces with commas, through the macros above. */
#define M(...) __VA_ARGS__

typedef struct row {
    held_pair pair;
    recipe how;
} row;

#define DEPTHS   "xmlns:GDepth='http://ns.google.com/photos/1.0/depthmap/' "
#define PANORAMA "xmlns:GPano='http://ns.google.com/photos/1.0/panorama/' "
#define CORE     "xmlns:Iptc4xmpCore='http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/' "
#define RIGHTS   "xmlns:xmpRights='http://ns.adobe.com/xap/1.0/rights/' "
#define CC       "xmlns:cc='http://creativecommons.org/ns#' "
#define MS       "xmlns:MicrosoftPhoto='http://ns.microsoft.com/photo/1.0/' "
#define MEDIAPRO "xmlns:mediapro='http://ns.iview-multimedia.com/mediapro/1.0/' "

static const row rows[] = {
    FORMAT_ROW("any text of a PNG", METADATA, ".png", png_source),
    FORMAT_ROW("a PNG's text in another language", METADATA, ".png", png_other_words),
    FORMAT_ROW("a PNG's time of creation", DATE, ".png", png_time),
    FORMAT_ROW("a PNG's range beyond white", PROFILE, ".png", png_range),
    FORMAT_ROW("claims in a PNG", ATTACHMENT, ".png", png_claims),
    FORMAT_ROW("an editor's data in a PNG", ATTACHMENT, ".png", png_fireworks),
    FORMAT_ROW("temperatures", ATTACHMENT, ".jpg", flir),
    FORMAT_ROW("sound in segments", AUDIO, ".jpg", flashpix_sound),
    FORMAT_ROW("claims in a JPEG", ATTACHMENT, ".jpg", jumbf),
    FORMAT_ROW("an unknown segment", ATTACHMENT, ".jpg", unknown_segment),
    FORMAT_ROW("a path of Photoshop's", ATTACHMENT, ".jpg", clipping_path),
    FORMAT_ROW("a flag of copyright", COPYRIGHT, ".jpg", copyright_flag),
    TEXT_ROW("distances in XMP", DEPTH_MAP, M(XMP(DEPTHS "GDepth:Data='aGVsbG8='", "")), M(NONE)),
    TEXT_ROW("a panorama", METADATA, M(XMP(PANORAMA "GPano:ProjectionType='equirectangular'", "")),
             M(NONE)),
    TEXT_ROW("a comment of EXIF", CAPTION, M(ONE_TAG(IN_EXIF, 0x9286, "ASCII...The old mill")),
             M(NONE)),
    TEXT_ROW("a comment of EXIF in XMP", CAPTION,
             M(XMP("", ALT("exif:UserComment", "The old mill"))), M(NONE)),
    TEXT_ROW("a caption in a second language", CAPTION,
             M(XMP("", "<dc:description><rdf:Alt><rdf:li xml:lang='x-default'>The mill</rdf:li>"
                       "<rdf:li xml:lang='de'>Die Mühle</rdf:li></rdf:Alt></dc:description>")),
             M(XMP("", ALT("dc:description", "The mill")))),
    TEXT_ROW("a text for those who cannot see", CAPTION,
             M(XMP(CORE, ALT("Iptc4xmpCore:AltTextAccessibility", "A mill"))), M(NONE)),
    TEXT_ROW("a headline in XMP", TITLE, M(XMP("photoshop:Headline='Mill sold'", "")), M(NONE)),
    TEXT_ROW("a headline in IPTC", TITLE, M(IPTC(105, "Mill sold")), M(NONE)),
    TEXT_ROW("instructions in XMP", METADATA, M(XMP("photoshop:Instructions='Do not crop'", "")),
             M(NONE)),
    TEXT_ROW("instructions in IPTC", METADATA, M(IPTC(40, "Do not crop")), M(NONE)),
    TEXT_ROW("a city in XMP", PLACE, M(XMP("photoshop:City='Rome'", "")), M(NONE)),
    TEXT_ROW("a city in IPTC", PLACE, M(IPTC(90, "Rome")), M(NONE)),
    TEXT_ROW("a part of a city", PLACE, M(IPTC(92, "Trastevere")), M(NONE)),
    TEXT_ROW("a place that is shown", PLACE,
             M(XMP("", BAG("Iptc4xmpExt:LocationShown",
                           "<rdf:li rdf:parseType='Resource'>"
                           "<Iptc4xmpExt:City>Rome</Iptc4xmpExt:City></rdf:li>"))),
             M(NONE)),
    TEXT_ROW("a direction", PLACE,
             M({.tags = {{.where = IN_GPS, .tag = 17, .rationals = aperture, .count = 1}},
                .tag_count = 1}),
             M(NONE)),
    TEXT_ROW("a day in IPTC", DATE, M(IPTC(55, "20190505")), M(NONE)),
    TEXT_ROW("a day in Dublin Core", DATE, M(XMP("", SEQ("dc:date", LI("2019-05-05")))), M(NONE)),
    TEXT_ROW("terms of use", COPYRIGHT, M(XMP(RIGHTS, ALT("xmpRights:UsageTerms", "None at all"))),
             M(NONE)),
    TEXT_ROW("a mark of rights", COPYRIGHT, M(XMP(RIGHTS "xmpRights:Marked='True'", "")), M(NONE)),
    TEXT_ROW("a licence", COPYRIGHT,
             M(XMP(CC, "<cc:license rdf:resource='http://creativecommons.org/licenses/by/4.0/'/>")),
             M(NONE)),
    TEXT_ROW("a credit", COPYRIGHT, M(IPTC(110, "The Mill Archive")), M(NONE)),
    TEXT_ROW("a contributor", CREATOR, M(XMP("", BAG("dc:contributor", LI("Grace")))), M(NONE)),
    TEXT_ROW("stars in percent", RATING, M(XMP(MS "MicrosoftPhoto:Rating='99'", "")), M(NONE)),
    TEXT_ROW("people in a catalogue", PEOPLE, M(XMP(MEDIAPRO, BAG("mediapro:People", LI("Ada")))),
             M(NONE)),
    TEXT_ROW("a flag of digiKam's", LABEL, M(XMP("digiKam:PickLabel='3'", "")),
             M(XMP("digiKam:PickLabel='0'", ""))),
    TEXT_ROW("more categories", KEYWORDS, M(IPTC(20, "Sports")), M(NONE)),
    TEXT_ROW("an urgency", METADATA, M(XMP("photoshop:Urgency='1'", "")), M(NONE)),
    TEXT_ROW("an event", METADATA, M(XMP("", ALT("Iptc4xmpExt:Event", "A wedding"))), M(NONE)),
    TEXT_ROW("what nobody has heard of", METADATA,
             M(XMP("xmlns:x1='http://example.org/1/' x1:Boxes='third from the left'", "")),
             M(NONE)),
    TEXT_ROW("a tag that nobody has heard of", METADATA,
             M(ONE_TAG(IN_IFD0, 0xfde8, "third from the left")), M(NONE)),
    BESIDE_ROW("the film of a live photo in another codec", VIDEO, "_HEVC.MOV", 0, M(NONE)),
    BESIDE_ROW("the film of a live photo by its whole name", VIDEO, ".MOV", 1, M(NONE)),
    BESIDE_ROW("a film of an old telephone", VIDEO, ".3gp", 0, M(NONE)),
    BESIDE_ROW("a film of an old camera", VIDEO, ".mpg", 0, M(NONE)),
    BESIDE_ROW("edits of the original", EDITS, "O.AAE", 0, M(NONE)),
    BESIDE_ROW("settings of RawTherapee", EDITS, ".pp3", 1, M(NONE)),
    BESIDE_ROW("settings of DxO", EDITS, ".dop", 1, M(NONE)),
    BESIDE_ROW("settings of ON1", EDITS, ".on1", 0, M(NONE)),
    BESIDE_ROW("what was said to it", AUDIO, ".WAV", 0, M(NONE)),
    BESIDE_ROW("notes in JSON", METADATA, ".json", 1, M(NONE)),
    BESIDE_ROW("notes of a takeout", METADATA, ".supplemental-metadata.json", 1, M(NONE)),
    BESIDE_ROW("notes in a text", METADATA, ".txt", 0, M(NONE)),
    BESIDE_ROW("a caption in a sidecar in capitals", CAPTION, ".XMP", 0,
               M(XMP("", ALT("dc:description", "By the sea")))),
    FORMAT_ROW("a second page", PAGES, ".tif", two_pages),
    FORMAT_ROW("two more pages", PAGES, ".tif", three_pages),
    FORMAT_ROW("the last of three pages", PAGES, ".tif", one_page_more),
    FORMAT_ROW("frames of a GIF", FRAMES, ".gif", gif_frames),
    FORMAT_ROW("the last frame of a GIF", FRAMES, ".gif", gif_one_more),
    FORMAT_ROW("frames of an APNG", FRAMES, ".png", png_frames),
    FORMAT_ROW("frames of an APNG apart from its picture", FRAMES, ".png", png_frames_apart),
    FORMAT_ROW("frames of a WebP", FRAMES, ".webp", webp_frames),
    FORMAT_ROW("the last frame of a WebP", FRAMES, ".webp", webp_one_more),
    BEHIND_ROW("a film behind a JPEG", VIDEO, ".jpg", two_jpegs, A_FILM),
    BEHIND_ROW("a film as Samsung keeps it", VIDEO, ".jpg", two_jpegs, SAMSUNG_FILM),
    BEHIND_ROW("a film behind zeros", VIDEO, ".jpg", two_jpegs, PADDED_FILM),
    BEHIND_ROW("a film behind a PNG", VIDEO, ".png", two_pngs, A_FILM),
    BESIDE_ROW("the film of a live photo", VIDEO, ".mov", 0, M(NONE)),
    BESIDE_ROW("the film of a live photo in capitals", VIDEO, ".MOV", 0, M(NONE)),
    BEHIND_ROW("sound", AUDIO, ".jpg", two_jpegs, A_SOUND),
    BEHIND_ROW("sound as Samsung keeps it", AUDIO, ".jpg", two_jpegs, SAMSUNG_SOUND),
    BEHIND_ROW("sound behind zeros", AUDIO, ".jpg", two_jpegs, PADDED_SOUND),
    {{"opacities", GLIMPSE_HOLDING_ALPHA, ".png", ".png", 1, NULL},
     {.mode = FORMAT, .make = png_alpha}},
    FORMAT_ROW("16 bits of colour", DEPTH, ".png", deep_png),
    FORMAT_ROW("16 bits of grey", DEPTH, ".png", deep_grey),
    FORMAT_ROW("16 bits of a TIFF", DEPTH, ".tif", deep_tiff),
    FORMAT_ROW("16 bits of a PNM", DEPTH, ".ppm", deep_pnm),
    FORMAT_ROW("16 bits that are more than 8 made wider", DEPTH, ".png", deep_and_widened),
    FORMAT_ROW("a profile of a JPEG", PROFILE, ".jpg", wide_jpeg),
    FORMAT_ROW("a profile other than sRGB", PROFILE, ".jpg", wide_and_srgb),
    FORMAT_ROW("a profile of a PNG", PROFILE, ".png", wide_png),
    FORMAT_ROW("a gamma of a PNG", PROFILE, ".png", linear_png),
    FORMAT_ROW("a profile of a WebP", PROFILE, ".webp", wide_webp),
    BEHIND_ROW("another view", VIEWS, ".jpg", two_jpegs, A_VIEW),
    BEHIND_ROW("two other views", VIEWS, ".jpg", two_jpegs, TWO_VIEWS),
    BEHIND_ROW("another view behind zeros", VIEWS, ".jpg", two_jpegs, PADDED_VIEW),
    BEHIND_ROW("a gain map of Apple's", GAIN_MAP, ".jpg", two_jpegs, APPLE_GAIN),
    BEHIND_ROW("a gain map of Google's", GAIN_MAP, ".jpg", two_jpegs, GOOGLE_GAIN),
    BEHIND_ROW("a gain map of ISO's", GAIN_MAP, ".jpg", two_jpegs, ISO_GAIN),
    BEHIND_ROW("distances as Samsung keeps them", DEPTH_MAP, ".jpg", two_jpegs, SAMSUNG_DEPTH),
    BEHIND_ROW("distances of Apple's", DEPTH_MAP, ".jpg", two_jpegs, APPLE_DEPTH),
    BEHIND_ROW("the matte of a portrait", DEPTH_MAP, ".jpg", two_jpegs, PORTRAIT),
    FORMAT_ROW("layers of a PSD", LAYERS, ".psd", psd_layers),
    FORMAT_ROW("more layers than the background", LAYERS, ".psd", psd_more_layers),
    FORMAT_ROW("layers of a TIFF", LAYERS, ".tif", tiff_layers),
    BEHIND_ROW("something behind a JPEG", ATTACHMENT, ".jpg", two_jpegs, SOMETHING),
    BEHIND_ROW("something behind a PNG", ATTACHMENT, ".png", two_pngs, SOMETHING),
    BEHIND_ROW("something behind a GIF", ATTACHMENT, ".gif", two_gifs, SOMETHING),
    BESIDE_ROW("edits", EDITS, ".aae", 0, M(NONE)),
    BESIDE_ROW("edits in capitals", EDITS, ".AAE", 0, M(NONE)),
    TEXT_ROW("a caption in XMP", CAPTION, M(XMP("", ALT("dc:description", "The old mill"))),
             M(NONE)),
    TEXT_ROW("a caption in IPTC", CAPTION, M(IPTC(120, "The old mill")), M(NONE)),
    TEXT_ROW("a caption in EXIF", CAPTION, M(ONE_TAG(IN_IFD0, 0x10e, "The old mill")), M(NONE)),
    BESIDE_ROW("a caption in a sidecar", CAPTION, ".xmp", 0,
               M(XMP("", ALT("dc:description", "By the sea")))),
    BESIDE_ROW("a caption in the other sidecar", CAPTION, ".xmp", 1,
               M(XMP("", ALT("dc:description", "By the sea")))),
    FORMAT_ROW("a caption of a PNG", CAPTION, ".png", png_caption),
    FORMAT_ROW("a comment of a JPEG", CAPTION, ".jpg", jpeg_comment),
    FORMAT_ROW("a comment of a GIF", CAPTION, ".gif", gif_comment),
    TEXT_ROW("a title in XMP", TITLE, M(XMP("", ALT("dc:title", "Mill"))), M(NONE)),
    TEXT_ROW("a title in IPTC", TITLE, M(IPTC(5, "Mill")), M(NONE)),
    FORMAT_ROW("a title of a PNG", TITLE, ".png", png_title),
    TEXT_ROW("keywords in XMP", KEYWORDS, M(XMP("", BAG("dc:subject", LI("mill") LI("sea")))),
             M(NONE)),
    TEXT_ROW("one keyword more", KEYWORDS, M(XMP("", BAG("dc:subject", LI("mill") LI("sea")))),
             M(XMP("", BAG("dc:subject", LI("mill"))))),
    TEXT_ROW("a keyword in IPTC", KEYWORDS, M(IPTC(25, "mill")), M(NONE)),
    TEXT_ROW("levels of keywords", KEYWORDS,
             M(XMP("", BAG("lr:hierarchicalSubject", LI("place|mill")))), M(NONE)),
    TEXT_ROW("a person", PEOPLE, M(XMP("", BAG("Iptc4xmpExt:PersonInImage", LI("Ada")))), M(NONE)),
    TEXT_ROW("two persons", PEOPLE,
             M(XMP("", BAG("Iptc4xmpExt:PersonInImage", LI("Ada") LI("Grace")))), M(NONE)),
    TEXT_ROW("one person more", PEOPLE,
             M(XMP("", BAG("Iptc4xmpExt:PersonInImage", LI("Ada") LI("Grace")))),
             M(XMP("", BAG("Iptc4xmpExt:PersonInImage", LI("Ada"))))),
    TEXT_ROW("five stars", RATING, M(XMP("xmp:Rating='5'", "")), M(NONE)),
    TEXT_ROW("a star beside none", RATING, M(XMP("xmp:Rating='1'", "")),
             M(XMP("xmp:Rating='0'", ""))),
    TEXT_ROW("a rejection", RATING, M(XMP("xmp:Rating='-1'", "")), M(NONE)),
    TEXT_ROW("a red label", LABEL, M(XMP("xmp:Label='Red'", "")), M(NONE)),
    TEXT_ROW("a green label", LABEL, M(XMP("xmp:Label='Green'", "")), M(NONE)),
    TEXT_ROW("a label beside an empty one", LABEL, M(XMP("xmp:Label='Blue'", "")),
             M(XMP("xmp:Label=''", ""))),
    TEXT_ROW("a place in EXIF", PLACE,
             M({.tags = {TAG(IN_GPS, 1, "N"),
                         {.where = IN_GPS, .tag = 2, .rationals = latitude, .count = 3},
                         TAG(IN_GPS, 3, "E")},
                .tag_count = 3,
                .attributes = "exif:GPSLatitude='48,51.5N' exif:GPSLongitude='2,21.1E'"}),
             M(NONE)),
    TEXT_ROW("a place in XMP", PLACE,
             M(XMP("exif:GPSLatitude='48,51.5N' exif:GPSLongitude='2,21.1E'", "")), M(NONE)),
    TEXT_ROW("an altitude", PLACE,
             M(XMP("exif:GPSLatitude='48,51.5N' exif:GPSLongitude='2,21.1E' "
                   "exif:GPSAltitude='350/1' exif:GPSAltitudeRef='0'",
                   "")),
             M(XMP("exif:GPSLatitude='48,51.5N' exif:GPSLongitude='2,21.1E'", ""))),
    TEXT_ROW("a date in EXIF", DATE, M({.tags = {DATED}, .tag_count = 1}), M(NONE)),
    TEXT_ROW("a date in XMP", DATE, M(XMP("exif:DateTimeOriginal='2018-03-02T11:12:13'", "")),
             M(NONE)),
    TEXT_ROW("parts of a second", DATE,
             M({.tags = {DATED, TAG(IN_EXIF, 0x9291, "37")}, .tag_count = 2}),
             M({.tags = {DATED}, .tag_count = 1})),
    TEXT_ROW("an offset from UTC", DATE,
             M({.tags = {DATED, TAG(IN_EXIF, 0x9011, "+05:30")}, .tag_count = 2}),
             M({.tags = {DATED}, .tag_count = 1})),
    TEXT_ROW("the date of a change beside none", DATE,
             M(ONE_TAG(IN_IFD0, 0x132, "2017:01:02 03:04:05")), M(NONE)),
    TEXT_ROW("a creator in XMP", CREATOR, M(XMP("", SEQ("dc:creator", LI("Ada")))), M(NONE)),
    TEXT_ROW("a creator in IPTC", CREATOR, M(IPTC(80, "Ada")), M(NONE)),
    TEXT_ROW("a creator in EXIF", CREATOR, M(ONE_TAG(IN_IFD0, 0x13b, "Ada")), M(NONE)),
    TEXT_ROW("a copyright in XMP", COPYRIGHT, M(XMP("", ALT("dc:rights", "(c) Ada"))), M(NONE)),
    TEXT_ROW("a copyright in IPTC", COPYRIGHT, M(IPTC(116, "(c) Ada")), M(NONE)),
    TEXT_ROW("a copyright in EXIF", COPYRIGHT, M(ONE_TAG(IN_IFD0, 0x8298, "(c) Ada")), M(NONE)),
    TEXT_ROW("a camera", CAMERA, M(ONE_TAG(IN_IFD0, 0x110, "Kodak No. 2")), M(NONE)),
    TEXT_ROW("a lens", CAMERA, M(ONE_TAG(IN_EXIF, 0xa434, "Tessar 50")), M(NONE)),
    TEXT_ROW("an aperture", CAMERA,
             M({.tags = {{.where = IN_EXIF, .tag = 0x829d, .rationals = aperture, .count = 1}},
                .tag_count = 1}),
             M(NONE)),
};

size_t held_pair_count(void) {
    return sizeof rows / sizeof *rows;
}

const held_pair *held_pair_at(size_t i) {
    return &rows[i].pair;
}

static blob jpeg_of_text(uint32_t seed, const text_of *text) {
    made exif = made_exif(text->tags, text->tag_count, 1), iptc = {.size = 0};
    if (text->iptc) made_add_iptc(&iptc, text->iptc, text->iptc_text);
    const char *xmp = NULL;
    if (text->attributes || text->elements) {
        xmp = made_xmp(text->attributes ? text->attributes : "",
                       text->elements ? text->elements : "");
    }
    const made segments = made_jpeg(text->tag_count ? &exif : NULL, xmp, text->iptc ? &iptc : NULL);
    return jpeg_with(seed, segments.bytes, segments.size);
}

static void write_beside(const recipe *how, uint32_t seed, const char *stem) {
    blob b = {0};
    if (how->more.elements) {
        add_text(&b, made_xmp(how->more.attributes, how->more.elements));
    } else if (strstr(how->beside, ".m") || strstr(how->beside, ".M") ||
               strstr(how->beside, ".3gp")) {
        b = film(3, seed);
    } else {
        add_text(&b, "<plist><dict><key>adjustmentBaseVersion</key></dict></plist>");
        add_noise(&b, 40, seed);
    }
    char name[300];
    (void)snprintf(name, sizeof name, "%s%s", stem, how->whole_name ? ".jpg" : "");
    save(b, name, how->beside);
}

void held_pair_write(size_t i, const char *more_stem, const char *less_stem) {
    const row *r = &rows[i];
    const uint32_t seed = 100 + (uint32_t)i;
    blob more = {0}, less = {0};
    switch (r->how.mode) {
    case TEXTS:
        more = jpeg_of_text(seed, &r->how.more);
        less = jpeg_of_text(seed, &r->how.less);
        break;
    case BEHIND:
        r->how.make(seed, &more, &less);
        add_blob(&more, behind(r->how.behind, seed));
        break;
    case BESIDE:
        two_jpegs(seed, &more, &less);
        write_beside(&r->how, seed, more_stem);
        break;
    case FORMAT: r->how.make(seed, &more, &less); break;
    }
    save(more, more_stem, r->pair.more_ending);
    save(less, less_stem, r->pair.less_ending);
}

/*
 * Drawings.
 */
static int is_drawn(int shape, int x, int y) {
    const int dx = x - W / 2, dy = y - H / 2, square = dx * dx + dy * dy;
    switch (shape) {
    case 0: return square < 26 * 26;
    case 1: return square < 28 * 28 && square > 17 * 17;
    case 2: return abs(dx) < 6 || abs(dy) < 6;
    default: return (x + y) / 11 % 2 == 0;
    }
}

void held_drawing_write(const char *path, int shape, int grey, int behind) {
    blob raw = {0};
    for (int i = 0; i < PIXELS; i++) {
        const int drawn = is_drawn(shape, i % W, i / W);
        const uint8_t value = (uint8_t)(drawn || behind < 0 ? grey : behind);
        const uint8_t pixel[4] = {value, value, value, drawn || behind >= 0 ? 255 : 0};
        if (i % W == 0) add(&raw, "", 1);
        add(&raw, pixel, 4);
    }
    blob b = png_head(PNG_RGBA), data = packed(raw.data, raw.size);
    add_chunk(&b, "IDAT", data.data, data.size);
    add_chunk(&b, "IEND", NULL, 0);
    free(raw.data);
    free(data.data);
    save(b, path, "");
}

void held_document_write(const char *path, unsigned cover, unsigned inside, unsigned pages) {
    save(document(cover, inside, pages, 0, 0, 0), path, "");
}

void held_document_reversed_write(const char *path, unsigned cover, unsigned inside,
                                  unsigned pages) {
    save(document(cover, inside, pages, 0, 0, 1), path, "");
}

void held_colours_write(const char *path, unsigned seed) {
    save(pnm(seed, 0), path, "");
}

void held_large_grey_write(const char *path, unsigned seed) {
    uint8_t rgb[PIXELS * 3];
    char head[64];
    blob b = {0};
    paint(rgb, seed);
    (void)snprintf(head, sizeof head, "P5\n%d %d\n255\n", 3 * W, 3 * H);
    add_text(&b, head);
    for (int i = 0; i < 9 * PIXELS; i++) {
        const uint8_t *from = rgb + 3 * (i / (3 * W) / 3 * W + i % (3 * W) / 3);
        const uint8_t grey = (uint8_t)((299 * from[0] + 587 * from[1] + 114 * from[2]) / 1000);
        add(&b, &grey, 1);
    }
    save(b, path, "");
}

void held_shot_write(const char *path, unsigned seed, const char *subseconds) {
    const text_of text = {
        .tags = {TAG(IN_IFD0, 0x110, "Kodak No. 2"), DATED, TAG(IN_EXIF, 0x9291, subseconds)},
        .tag_count = 3};
    save(jpeg_of_text(seed, &text), path, "");
}
