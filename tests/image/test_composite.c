/*
 * test_composite.c - what is transparent is laid over white, over grey where white would hide it,
 * and only where that was asked for: embeddings see what they always saw.
 */
#include "support/test.h"

#include <glimpse/sys/image.h>

#include <zlib.h>

static void put32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t write_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t size) {
    put32(to, (uint32_t)size);
    memcpy(to + 4, type, 4);
    if (size > 0) memcpy(to + 8, data, size);
    put32(to + 8 + size, (uint32_t)crc32(0, to + 4, (uInt)(size + 4)));
    return size + 12;
}

/* A PNG of one row of `count` pixels R,G,B,A. */
static size_t make_png(uint8_t to[1024], const uint8_t *rgba, size_t count) {
    static const uint8_t head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t ihdr[13] = {[8] = 8, [9] = 6}, raw[256] = {0}, packed[512];
    uLongf packed_size = sizeof packed;
    put32(ihdr, (uint32_t)count);
    put32(ihdr + 4, 1);
    memcpy(raw + 1, rgba, 4 * count);
    assert_int_equal(compress(packed, &packed_size, raw, 4 * count + 1), Z_OK);
    size_t used = sizeof head;
    memcpy(to, head, used);
    used += write_chunk(to + used, "IHDR", ihdr, sizeof ihdr);
    used += write_chunk(to + used, "IDAT", packed, packed_size);
    return used + write_chunk(to + used, "IEND", NULL, 0);
}

static glimpse_image *decode(const void *data, size_t size, glimpse_ground ground) {
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    options.ground = ground;
    assert_ok(glimpse_image_decode(&image, data, size, "test", &options));
    return image;
}

static void expect_pixels(const uint8_t *rgba, size_t count, glimpse_ground ground,
                          const uint8_t *rgb) {
    uint8_t png[1024];
    glimpse_image *image = decode(png, make_png(png, rgba, count), ground);
    assert_memory_equal(glimpse_image_pixels(image), rgb, 3 * count);
    glimpse_image_free(image);
}

static void transparency_is_laid_over_white_or_grey(void **state) {
    (void)state;
    /* A black drawing on nothing, the case of most line art: black on black without. */
    static const uint8_t ink[] = {0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128};
    expect_pixels(ink, 3, 1, (const uint8_t[]){0, 0, 0, 255, 255, 255, 127, 127, 127});
    expect_pixels(ink, 3, 0, (const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0});
    /* A white one; what is not seen does not count. */
    static const uint8_t chalk[] = {255, 255, 255, 255, 0, 0, 0, 0, 250, 250, 250, 255};
    expect_pixels(chalk, 3, 1, (const uint8_t[]){255, 255, 255, 128, 128, 128, 250, 250, 250});
    /* 0.8 of 255 is 204: from there on. */
    static const uint8_t light[] = {204, 204, 204, 255, 9, 9, 9, 0};
    expect_pixels(light, 2, 1, (const uint8_t[]){204, 204, 204, 255, 255, 255});
    static const uint8_t lighter[] = {205, 205, 205, 255, 9, 9, 9, 0};
    expect_pixels(lighter, 2, 1, (const uint8_t[]){205, 205, 205, 128, 128, 128});
    /* Nothing is seen; all is. */
    static const uint8_t nothing[] = {7, 7, 7, 0};
    expect_pixels(nothing, 1, 1, (const uint8_t[]){255, 255, 255});
    static const uint8_t all[] = {255, 250, 245, 255};
    expect_pixels(all, 1, 1, (const uint8_t[]){255, 250, 245});
}

/* A row of `width` pixels of one colour, with opacities of 255 and 0 in turns of `run` pixels. */
static glimpse_image *stripes(unsigned tone, size_t width, size_t run, uint8_t *rgba) {
    uint8_t png[1024];
    for (size_t i = 0; i < width; i++) {
        memset(rgba + 4 * i, (int)tone, 3);
        rgba[4 * i + 3] = i / run % 2 ? 0 : 255;
    }
    return decode(png, make_png(png, rgba, width), GLIMPSE_GROUND_CHECKERED);
}

static void people_see_a_drawing_of_any_tone_on_its_squares(void **state) {
    (void)state;
    uint8_t rgba[4 * 48];
    for (unsigned tone = 0; tone < 256; tone += 5) {
        glimpse_image *image = stripes(tone, 48, 6, rgba);
        const uint8_t *pixels = glimpse_image_pixels(image);
        unsigned seen[256] = {0};
        double apart = 0, holes = 0;
        for (size_t i = 0; i < 48; i++) {
            const uint8_t *p = pixels + 3 * i;
            assert_true(p[0] == p[1] && p[1] == p[2]);
            if (rgba[4 * i + 3]) {
                assert_int_equal(p[0], tone); /* what is opaque is as it was */
            } else {
                seen[p[0]]++;
                holes++;
                apart += abs((int)p[0] - (int)tone);
            }
        }
        unsigned tones = 0;
        for (unsigned t = 0; t < 256; t++)
            tones += seen[t] > 0;
        assert_int_equal(tones, 2); /* squares, which no drawing has */
        if (!(apart / holes >= 15)) fail_msg("%u is hidden: %g", tone, apart / holes);
        glimpse_image_free(image);
    }
    /* All of it opaque: nothing is laid under. */
    static const uint8_t all[] = {255, 250, 245, 255, 0, 0, 0, 255};
    expect_pixels(all, 2, GLIMPSE_GROUND_CHECKERED, (const uint8_t[]){255, 250, 245, 0, 0, 0});
    /* Half of black is between it and the squares. */
    static const uint8_t half[] = {0, 0, 0, 128, 0, 0, 0, 255};
    expect_pixels(half, 2, GLIMPSE_GROUND_CHECKERED, (const uint8_t[]){118, 118, 118, 0, 0, 0});
}

static void write_tag(uint8_t *to, unsigned tag, unsigned type, unsigned count, unsigned value) {
    const uint8_t entry[12] = {(uint8_t)tag,
                               (uint8_t)(tag >> 8),
                               (uint8_t)type,
                               0,
                               (uint8_t)count,
                               0,
                               0,
                               0,
                               (uint8_t)value,
                               (uint8_t)(value >> 8),
                               0,
                               0};
    memcpy(to, entry, sizeof entry);
}

/* A TIFF of one row: `samples` of 8 bits a pixel, the last of them of this kind (1: opacity that
 * the colours are multiplied by, 2: opacity, 0: something else). */
static size_t make_tiff(uint8_t to[512], const uint8_t *row, size_t width, unsigned samples,
                        unsigned kind) {
    enum { ROW = 400, BITS = 390, TAGS = 10 };
    const unsigned tags[TAGS][4] = {{256, 3, 1, (unsigned)width},
                                    {257, 3, 1, 1},
                                    {258, 3, samples, samples > 2 ? BITS : 0x0808},
                                    {259, 3, 1, 1},
                                    {262, 3, 1, samples > 2 ? 2 : 1},
                                    {273, 4, 1, ROW},
                                    {277, 3, 1, samples},
                                    {278, 3, 1, 1},
                                    {279, 4, 1, (unsigned)width * samples},
                                    {338, 3, 1, kind}};
    memset(to, 0, 512);
    memcpy(to, "II*\0\010\0\0\0", 8);
    to[8] = TAGS;
    for (size_t i = 0; i < TAGS; i++)
        write_tag(to + 10 + 12 * i, tags[i][0], tags[i][1], tags[i][2], tags[i][3]);
    if (samples == 2) { /* two SHORTs fit into the entry */
        to[10 + 12 * 2 + 8] = to[10 + 12 * 2 + 10] = 8;
        to[10 + 12 * 2 + 9] = 0;
    }
    for (size_t i = 0; i < samples; i++)
        to[BITS + 2 * i] = 8;
    memcpy(to + ROW, row, width * samples);
    return ROW + width * samples;
}

static void the_opacity_of_a_tiff_counts_where_it_is_one(void **state) {
    (void)state;
    static const uint8_t ink[] = {0, 0, 0, 255, 0, 0, 0, 0, 64, 0, 0, 128}, grey[] = {0, 255, 9, 0};
    static const struct {
        unsigned kind;
        glimpse_ground ground;
        uint8_t rgb[9];
    } cases[] = {
        {2, 1, {0, 0, 0, 255, 255, 255, 159, 127, 127}},
        {1, 1, {0, 0, 0, 255, 255, 255, 191, 127, 127}}, /* 64 was 127 before it was multiplied */
        {0, 1, {0, 0, 0, 0, 0, 0, 64, 0, 0}},
        {2, 0, {0, 0, 0, 0, 0, 0, 64, 0, 0}},
    };
    uint8_t tiff[512];
    if (!glimpse_image_format_supported(GLIMPSE_FORMAT_TIFF)) skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_image *image =
            decode(tiff, make_tiff(tiff, ink, 3, 4, cases[i].kind), cases[i].ground);
        assert_memory_equal(glimpse_image_pixels(image), cases[i].rgb, 9);
        glimpse_image_free(image);
    }
    glimpse_image *image = decode(tiff, make_tiff(tiff, grey, 2, 2, 2), 1);
    assert_memory_equal(glimpse_image_pixels(image), ((uint8_t[]){0, 0, 0, 255, 255, 255}), 6);
    glimpse_image_free(image);
}

/* One row of opaque red, nothing, and half of black: over white, and as before. */
static void expect_row(const void *file, size_t size, int opaque) {
    static const uint8_t over_white[] = {255, 0, 0, 255, 255, 255, 127, 127, 127};
    glimpse_image *with = decode(file, size, 1), *without = decode(file, size, 0);
    assert_int_equal(glimpse_image_width(with), 3);
    if (opaque) {
        assert_memory_equal(glimpse_image_pixels(with), glimpse_image_pixels(without), 9);
    } else {
        assert_memory_equal(glimpse_image_pixels(with), over_white, 9);
        assert_int_not_equal(memcmp(glimpse_image_pixels(without), over_white, 9), 0);
    }
    glimpse_image_free(with);
    glimpse_image_free(without);
}

static const uint8_t bgra[] = {0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 128};

static void the_opacity_of_a_tga_counts_where_its_header_has_one(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        /* 0: declared; 1: not; 2: declared and left at 0; 3: stored from right to left. */
        uint8_t file[18 + sizeof bgra] = {[2] = 2, [12] = 3, [14] = 1, [16] = 32, [17] = 0x28};
        memcpy(file + 18, bgra, sizeof bgra);
        if (kind == 1) file[17] = 0x20;
        for (int i = 0; kind == 2 && i < 3; i++)
            file[18 + 4 * i + 3] = 0;
        for (size_t i = 0; kind == 3 && i < 3; i++)
            memcpy(file + 18 + 4 * i, bgra + 4 * (2 - i), 4);
        if (kind == 3) file[17] |= 0x10;
        expect_row(file, sizeof file, kind == 1 || kind == 2);
    }
}

/* Opaque white, and black that is not there: what is behind white is grey. */
static void expect_no_black(const uint8_t *file, size_t size, size_t pixels) {
    glimpse_image *with = decode(file, size, 1), *without = decode(file, size, 0);
    int black = 0;
    for (size_t i = 0; i < 3 * pixels; i++) {
        assert_true(glimpse_image_pixels(with)[i] >= 128);
        black += glimpse_image_pixels(without)[i] == 0;
    }
    assert_true(black > 0);
    glimpse_image_free(with);
    glimpse_image_free(without);
}

static void the_opacity_of_a_tga_may_be_in_its_palette_or_its_grey(void **state) {
    (void)state;
    const uint8_t palettes[2][18 + 8 + 3] = {
        {[1] = 1,
         [2] = 1,
         [5] = 2,
         [7] = 32,
         [12] = 3,
         [14] = 1,
         [16] = 8,
         [17] = 0x28,
         [18] = 0,
         0,
         0,
         0,
         255,
         255,
         255,
         255,
         0,
         1,
         0},
        {[1] = 1,
         [2] = 1,
         [5] = 2,
         [7] = 16,
         [12] = 3,
         [14] = 1,
         [16] = 8,
         [17] = 0x21,
         [18] = 0,
         0,
         0xff,
         0xff,
         0,
         1,
         0},
    };
    const uint8_t grey[18 + 6] = {[2] = 3, [12] = 3, [14] = 1, [16] = 16, [17] = 0x28, [18] = 255,
                                  255,     0,        0,        255,       255};
    expect_no_black(palettes[0], 29, 3);
    expect_no_black(palettes[1], 25, 3);
    expect_no_black(grey, sizeof grey, 3);
}

/* Sixteen bits, of which the highest is the opacity: from the top and from the bottom, run-length
 * coded (a run over the end of a row, and pixels) and plain, from right to left. */
static void the_opacity_of_a_tga_may_be_one_bit(void **state) {
    (void)state;
    enum { LEFT = 0x10, TOP = 0x20 };
    static const uint8_t plain[] = {0xff, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t runs[] = {0, 0xff, 0xff, 0x82, 0, 0, 1, 0xff, 0xff, 0xff, 0xff};
    for (unsigned k = 0; k < 8; k++) {
        uint8_t file[18 + 12] = {[2] = 2, [12] = 3, [14] = 2, [16] = 16, [17] = 1};
        if (k & 1) file[2] = 10;
        if (k & 2) file[17] |= TOP;
        if (k & 4) file[17] |= LEFT;
        const size_t size = k & 1 ? sizeof runs : sizeof plain;
        memcpy(file + 18, k & 1 ? runs : plain, size);
        expect_no_black(file, 18 + size, 6);
        /* A red that nothing shows through is where it was, whichever end comes first. */
        file[18 + (k & 1)] = 0;
        file[19 + (k & 1)] = 0xfc;
        glimpse_image *image = decode(file, 18 + size, 1);
        const size_t row = k & 2 ? 0 : 1, column = k & 4 ? 2 : 0;
        assert_memory_equal(glimpse_image_pixels(image) + 3 * (3 * row + column),
                            ((uint8_t[]){255, 0, 0}), 3);
        glimpse_image_free(image);
        /* Without the bit in the header it means nothing. */
        file[17] &= 0xf0;
        glimpse_image *with = decode(file, 18 + size, 1), *without = decode(file, 18 + size, 0);
        assert_memory_equal(glimpse_image_pixels(with), glimpse_image_pixels(without), 18);
        glimpse_image_free(with);
        glimpse_image_free(without);
    }
}

static void write_le32(uint8_t *to, uint32_t value) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static void the_opacity_of_a_bmp_counts_where_a_mask_has_it(void **state) {
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        /* 0: a header of 124 bytes; 1: of 40, and four masks; 2: no mask; 3: plain, so that the
         * byte means nothing; 4: a mask, and all of it left at 0. */
        const size_t head = kind == 1 ? 40 : 124, masks = kind == 1 ? 16 : 0;
        uint8_t file[14 + 124 + 16 + sizeof bgra] = {'B', 'M'};
        const size_t at = 14 + head + masks;
        write_le32(file + 2, (uint32_t)(at + sizeof bgra));
        write_le32(file + 10, (uint32_t)at);
        write_le32(file + 14, (uint32_t)head);
        write_le32(file + 18, 3);
        write_le32(file + 22, 1);
        file[26] = 1;
        file[28] = 32;
        file[30] = kind == 1 ? 6 : kind == 3 ? 0 : 3;
        write_le32(file + 54, 0xff0000);
        write_le32(file + 58, 0xff00);
        write_le32(file + 62, 0xff);
        write_le32(file + 66, kind == 2 ? 0 : 0xff000000);
        memcpy(file + at, bgra, sizeof bgra);
        for (size_t i = 0; kind == 4 && i < 3; i++)
            file[at + 4 * i + 3] = 0;
        expect_row(file, at + sizeof bgra, kind >= 2);
    }
}

/* Planes of red, green, blue and opacity; the colours as they look over white. */
static void the_opacity_of_a_psd_counts_where_its_layers_say_so(void **state) {
    (void)state;
    static const uint8_t planes[4][3] = {
        {255, 255, 127}, {0, 255, 127}, {0, 255, 127}, {255, 0, 128}};
    for (int kind = 0; kind < 4; kind++) {
        /* 0: -1 layers; 1: 1 layer, so the channel is something else; 2: no layers; 3: -1 layers
         * and no opacity left in the file. */
        uint8_t file[128] = {
            '8', 'B', 'P', 'S', 0, 1, [13] = 4, [17] = 1, [21] = 3, [23] = 8, [25] = 3};
        size_t at = 26 + 4 + 4;
        if (kind == 2) {
            at += 4;
        } else {
            file[at + 3] = 6; /* the section: the length of what is about layers, their number */
            file[at + 7] = 2;
            file[at + 8] = file[at + 9] = 0xff;
            if (kind == 1) file[at + 8] = 0, file[at + 9] = 1;
            at += 10;
        }
        at += 2; /* plain */
        memcpy(file + at, planes, sizeof planes);
        at += sizeof planes;
        if (kind == 3) {
            glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
            glimpse_image *image = NULL;
            options.ground = GLIMPSE_GROUND_VISIBLE;
            assert_int_equal(glimpse_image_decode(&image, file, at - 1, "cut", &options),
                             GLIMPSE_E_FORMAT);
            continue;
        }
        glimpse_image *with = decode(file, at, 1), *without = decode(file, at, 0);
        const uint8_t *pixels = glimpse_image_pixels(with);
        /* Red, nothing, half of black over white. */
        static const uint8_t expected[] = {255, 0, 0, 255, 255, 255, 127, 127, 127};
        assert_memory_equal(pixels, expected, sizeof expected);
        assert_memory_equal(glimpse_image_pixels(without), expected, sizeof expected);
        glimpse_image_free(with);
        glimpse_image_free(without);
    }
    /* White on nothing shows only over grey: what lay over white is taken off it. */
    uint8_t chalk[128] = {
        '8', 'B', 'P', 'S', 0, 1, [13] = 4, [17] = 1, [21] = 3, [23] = 8, [25] = 3};
    memset(chalk + 40, 255, 9);
    chalk[49] = 255;
    glimpse_image *image = decode(chalk, 52, 1);
    static const uint8_t expected[] = {255, 255, 255, 128, 128, 128, 128, 128, 128};
    assert_memory_equal(glimpse_image_pixels(image), expected, sizeof expected);
    glimpse_image_free(image);
}

static uint64_t sum_of(const glimpse_image *image) {
    const uint8_t *pixels = glimpse_image_pixels(image);
    size_t size = (size_t)glimpse_image_width(image) * glimpse_image_height(image) * 3;
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += pixels[i];
    return sum;
}

static void every_way_to_be_transparent_is_seen(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int transparent;
    } cases[] = {{"png_rgba.png", 1},
                 {"png_grey_alpha.png", 1},
                 {"png_grey_transparent.png", 1},
                 {"png_palette_transparent.png", 1},
                 {"heif_alpha.avif", 1},
                 {"webp_alpha.webp", 1},
                 {"gif_transparent.gif", 1},
                 {"pic_alpha.pic", 1},
                 {"bmp_32.bmp", 0},
                 {"jpeg_420.jpg", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[128];
        size_t size = 0;
        (void)snprintf(path, sizeof path, "tests/image/fixtures/%s", cases[i].name);
        char *file = read_whole_file(source_path(path), &size);
        if (!glimpse_image_format_supported(glimpse_image_sniff(file, size))) {
            free(file); /* an optional one */
            continue;
        }
        glimpse_image *without = decode(file, size, 0), *with = decode(file, size, 1);
        assert_int_equal(glimpse_image_width(with), glimpse_image_width(without));
        assert_int_equal(glimpse_image_height(with), glimpse_image_height(without));
        if ((sum_of(with) != sum_of(without)) != cases[i].transparent) {
            fail_msg("%s: %llu and %llu", cases[i].name, (unsigned long long)sum_of(without),
                     (unsigned long long)sum_of(with));
        }
        glimpse_image_free(with);
        glimpse_image_free(without);
        free(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transparency_is_laid_over_white_or_grey),
        cmocka_unit_test(people_see_a_drawing_of_any_tone_on_its_squares),
        cmocka_unit_test(the_opacity_of_a_tiff_counts_where_it_is_one),
        cmocka_unit_test(the_opacity_of_a_tga_counts_where_its_header_has_one),
        cmocka_unit_test(the_opacity_of_a_tga_may_be_in_its_palette_or_its_grey),
        cmocka_unit_test(the_opacity_of_a_tga_may_be_one_bit),
        cmocka_unit_test(the_opacity_of_a_bmp_counts_where_a_mask_has_it),
        cmocka_unit_test(the_opacity_of_a_psd_counts_where_its_layers_say_so),
        cmocka_unit_test(every_way_to_be_transparent_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
