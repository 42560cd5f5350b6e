/*
 * Files that end too early, at every byte: a cut in bytes that no pixel needs is not noticed, every
 * other one is refused, for the reason that it is.
 */
#include "image_support.h"

static glimpse_image *decode(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size ? size : 1); /* the sanitizers see reads behind the end */
    assert_non_null(exact);
    memcpy(exact, data, size);
    glimpse_image *image;
    const int status = glimpse_image_decode(&image, exact, size, "cut", NULL);
    free(exact);
    assert_true((status == GLIMPSE_OK) == (image != NULL));
    /* A reason is a line, whichever library gives it. */
    const char *reason = glimpse_last_error();
    if (status < 0 && (reason[strcspn(reason, "\n\r\t")] || reason[strlen(reason) - 1] == ' ')) {
        fail_msg("\"%s\"", reason);
    }
    if (status < 0 && status != GLIMPSE_E_FORMAT) {
        fail_msg("cut at %zu: %s", size, glimpse_last_error());
    }
    return image;
}

static void expect_same(const char *name, const glimpse_image *image, const glimpse_image *whole) {
    if (glimpse_image_width(image) != glimpse_image_width(whole) ||
        glimpse_image_height(image) != glimpse_image_height(whole) ||
        image_hash(image) != image_hash(whole)) {
        fail_msg("%s: another picture", name);
    }
}

/* Some prefix of `data` shows what all of it shows, and so does every longer one; no shorter one
 * shows anything, and is refused for being short. `needed`: the length of that prefix, or 0 when
 * the caller does not know it. Returns it. */
static size_t check_cuts(const char *name, const uint8_t *data, size_t size, size_t needed) {
    glimpse_image *whole = decode(data, size);
    if (!whole) fail_msg("%s: %s", name, glimpse_last_error());
    size_t first = size;
    for (size_t length = 0; length < size; length++) {
        char what[256];
        (void)snprintf(what, sizeof what, "%s, cut at %zu of %zu", name, length, size);
        glimpse_image *image = decode(data, length);
        if (!image && (first < size || (needed && length >= needed))) {
            fail_msg("%s: %s", what, glimpse_last_error());
        }
        if (!image) continue;
        expect_same(what, image, whole);
        if (length < first) first = length;
        if (length < needed) fail_msg("%s: decoded", what);
        glimpse_image_free(image);
    }
    glimpse_image_free(whole);
    return first;
}

static int ends_in(const char *name, const char *ending) {
    const size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcmp(name + length - tail, ending) == 0;
}

static void a_cut_fixture_is_refused_or_whole(void **state) {
    (void)state;
    table t = table_open(source_path("tests/image/fixtures/manifest.tsv"), '\t');
    int seen = 0;
    while (table_next(&t)) {
        const char *name = table_get(&t, "file");
        if (strcmp(table_get(&t, "outcome"), "ok") != 0) continue;
        if (strcmp(name, "pnm_3.ppm") == 0 || strcmp(name, "pnm_2_max100.pgm") == 0) {
            continue; /* text: "20" may be all there was, or the beginning of "200" */
        }
        if (strcmp(name, "png_exif_late.png") == 0) {
            continue; /* a_picture_is_not_shown_unturned_where_that_can_be_told */
        }
        /* TGA, HDR and PIC end with their last pixel, so any cut loses one. The other formats have
         * ends of their own; of those, the ones with small files. */
        const int to_the_end =
            ends_in(name, ".tga") || ends_in(name, ".hdr") || ends_in(name, ".pic");
        char relative[256];
        (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", name);
        size_t size;
        uint8_t *data = read_whole_file(source_path(relative), &size);
        if (glimpse_image_format_supported(glimpse_image_sniff(data, size)) && size < 2000) {
            check_cuts(name, data, size, to_the_end ? size : 0);
            seen += to_the_end;
        }
        free(data);
    }
    table_close(&t);
    assert_true(seen >= 20);
}

/*
 * Complete pictures without their last bytes.
 */
static uint8_t *fixture(const char *name, size_t *size) {
    char relative[256];
    (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", name);
    return read_whole_file(source_path(relative), size);
}

/* The first `keep` bytes of the fixture, `more` behind them, show what the fixture shows. */
static void expect_picture(const char *name, const char *what, size_t keep, const void *more,
                           size_t more_size) {
    char full[256];
    (void)snprintf(full, sizeof full, "%s with %s", name, what);
    size_t size;
    uint8_t *data = fixture(name, &size);
    assert_true(keep <= size);
    uint8_t *changed = malloc(keep + more_size);
    assert_non_null(changed);
    memcpy(changed, data, keep);
    if (more_size) memcpy(changed + keep, more, more_size);
    glimpse_image *whole = decode(data, size), *image = decode(changed, keep + more_size);
    assert_non_null(whole);
    if (!image) fail_msg("%s: %s", full, glimpse_last_error());
    expect_same(full, image, whole);
    glimpse_image_free(image);
    glimpse_image_free(whole);
    free(changed);
    free(data);
}

static size_t size_of(const char *name) {
    size_t size;
    free(fixture(name, &size));
    return size;
}

static void a_png_needs_nothing_behind_its_pixels(void **state) {
    (void)state;
    static const char *const names[] = {
        "png_rgb.png",   "png_interlaced.png",          "png_rgba.png",
        "png_grey1.png", "png_palette_transparent.png", "png_palette4_interlaced.png",
        "png_rgb16.png", "png_grey_transparent.png"};
    static const uint8_t wrong_sum[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 1, 2, 3, 4};
    static const uint8_t with_body[] = {0, 0, 0, 1, 'I', 'E', 'N', 'D', 9, 1, 2, 3, 4};
    static const uint8_t too_long[] = {0xff, 0xff, 0xff, 0xff, 'I', 'E', 'N', 'D', 1, 2, 3, 4};
    static const uint8_t other_name[] = {0, 0, 0, 0, 'I', 'E', 'N', 'E', 1, 2, 3, 4};
    static const uint8_t behind[] = {0,    0,    0,    0,   'I', 'E', 'N', 'D', 0xae,
                                     0x42, 0x60, 0x82, 'm', 'o', 'r', 'e', 0,   1,
                                     2,    3,    4,    5,   6,   7,   8,   9};
    static const uint8_t text[] = {0, 0, 0, 9, 't', 'E', 'X', 't', 'a', 0, 'b'};
    static const uint8_t zeros[40];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *name = names[i];
        const size_t end = size_of(name) - 12;
        expect_picture(name, "no IEND", end, NULL, 0);
        expect_picture(name, "half an IEND", end + 6, NULL, 0);
        expect_picture(name, "a wrong checksum of IEND", end, wrong_sum, sizeof wrong_sum);
        expect_picture(name, "an IEND that is not empty", end, with_body, sizeof with_body);
        expect_picture(name, "an IEND that is too long", end, too_long, sizeof too_long);
        expect_picture(name, "another name for IEND", end, other_name, sizeof other_name);
        expect_picture(name, "something behind IEND", end, behind, sizeof behind);
        expect_picture(name, "half a text instead of IEND", end, text, sizeof text);
        expect_picture(name, "zeros instead of IEND", end, zeros, sizeof zeros);
        expect_picture(name, "no checksum of its pixels' chunk", end - 4, NULL, 0);
        if (strstr(name, "palette")) continue; /* libpng wants a byte behind a run at the end */
        expect_picture(name, "no checksum of its pixels", end - 8, NULL, 0);
    }
}

static void a_gif_needs_nothing_behind_its_first_frame(void **state) {
    (void)state;
    static const char *const names[] = {"gif_plain.gif", "gif_interlaced.gif",
                                        "gif_transparent.gif", "gif_frame_inside.gif",
                                        "gif_frame_beyond.gif"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t size = size_of(names[i]);
        expect_picture(names[i], "no trailer", size - 1, NULL, 0);
        expect_picture(names[i], "neither trailer nor end of its data", size - 2, NULL, 0);
        expect_picture(names[i], "another trailer", size - 1, "x", 1);
        expect_picture(names[i], "something behind the trailer", size, "more;,!", 7);
    }
    const size_t size = size_of("gif_animated.gif");
    expect_picture("gif_animated.gif", "no trailer", size - 1, NULL, 0);
    expect_picture("gif_animated.gif", "half a second frame", size - 100, NULL, 0);
}

static void a_jpeg_needs_no_end_mark(void **state) {
    (void)state;
    static const char *const names[] = {
        "jpeg_420.jpg", "jpeg_444.jpg",      "jpeg_grey.jpg",        "jpeg_cmyk.jpg",
        "jpeg_1x1.jpg", "jpeg_restarts.jpg", "jpeg_progressive.jpg", "jpeg_turned_6.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t size = size_of(names[i]);
        expect_picture(names[i], "no end mark", size - 2, NULL, 0);
        expect_picture(names[i], "half an end mark", size - 1, NULL, 0);
        expect_picture(names[i], "something behind the end mark", size, "\xff\xd8more", 6);
    }
}

/* Cut between two scans a progressive file decodes without a complaint of libjpeg, and is still not
 * the picture. */
static void a_progressive_jpeg_that_lacks_scans_is_refused(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = fixture("jpeg_progressive.jpg", &size);
    int scans = 0;
    for (size_t at = 2; at + 1 < size; at++) {
        if (data[at] != 0xff || data[at + 1] != 0xda) continue;
        if (scans++ == 0) continue;
        assert_null(decode(data, at));
        assert_non_null(strstr(glimpse_last_error(), "ends before the picture does"));
    }
    free(data);
    assert_true(scans > 3);
}

static void a_webp_needs_nothing_behind_its_first_frame(void **state) {
    (void)state;
    const size_t size = size_of("webp_animated.webp");
    expect_picture("webp_animated.webp", "half a second frame", size - 20, NULL, 0);
    expect_picture("webp_lossy.webp", "something behind", size_of("webp_lossy.webp"), "more", 4);
    expect_picture("webp_lossless.webp", "something behind", size_of("webp_lossless.webp"), "more",
                   4);
}

static void a_bitmap_needs_no_padding_of_its_last_row(void **state) {
    (void)state;
    expect_picture("bmp_24.bmp", "no padding", size_of("bmp_24.bmp") - 1, NULL, 0);
    expect_picture("bmp_16.bmp", "no padding", size_of("bmp_16.bmp") - 2, NULL, 0);
    expect_picture("bmp_palette8.bmp", "no padding", size_of("bmp_palette8.bmp") - 3, NULL, 0);
}

/* EXIF behind the pixels says how to turn them. */
static void a_picture_is_not_shown_unturned_where_that_can_be_told(void **state) {
    (void)state;
    static const char *const names[] = {"png_exif_late.png", "webp_exif.webp"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        uint8_t *data = fixture(names[i], &size);
        size_t exif = 0;
        for (size_t at = 0; at + 4 < size; at++) {
            if (memcmp(data + at, i ? "EXIF" : "eXIf", 4) == 0) exif = at;
        }
        assert_true(exif > 0);
        for (size_t length = exif + 4; length < size - 12 - 4; length++) {
            glimpse_image *image = decode(data, length);
            if (image) fail_msg("%s, cut at %zu of %zu: decoded", names[i], length, size);
            assert_non_null(strstr(glimpse_last_error(), "EXIF"));
        }
        free(data);
    }
}

/* What a file that is cut is told: nothing that its bytes do not say. */
static void a_cut_file_is_refused_for_being_short(void **state) {
    (void)state;
    static const char *const names[] = {
        "jpeg_420.jpg",       "jpeg_progressive.jpg", "png_rgb.png",
        "png_interlaced.png", "gif_interlaced.gif",   "bmp_24.bmp",
        "webp_lossless.webp", "webp_lossy.webp",      "psd_rgb.psd"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size;
        uint8_t *data = fixture(names[i], &size);
        /* With fewer bytes than these there is no saying what it was. */
        for (size_t length = 12; length < size; length++) {
            glimpse_image *image = decode(data, length);
            if (image) {
                glimpse_image_free(image);
                break;
            }
            if (!strstr(glimpse_last_error(), "ends before the picture does")) {
                fail_msg("%s, cut at %zu of %zu: %s", names[i], length, size, glimpse_last_error());
            }
        }
        free(data);
    }
}

/* zlib's checksum over the pixels, where it is there, is believed. */
static void a_png_with_damaged_pixels_and_no_end_is_refused(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = fixture("png_rgb.png", &size);
    data[size - 12 - 5] ^= 1; /* the last byte of that checksum */
    for (size_t cut = 0; cut <= 16; cut++) {
        assert_null(decode(data, size - cut));
        assert_non_null(strstr(glimpse_last_error(), "incorrect data check"));
    }
    free(data);
}

static void the_ends_others_left_off_are_not_missed(void **state) {
    (void)state;
    char *whole_path = strdup(shared_path("cases/ends/control.png"));
    glimpse_image *whole, *image;
    assert_int_equal(glimpse_image_load(&whole, whole_path, NULL), GLIMPSE_OK);
    assert_int_equal(glimpse_image_load(&image, shared_path("cases/ends/no_iend.png"), NULL),
                     GLIMPSE_OK);
    expect_same("no_iend.png", image, whole);
    glimpse_image_free(image);
    glimpse_image_free(whole);
    free(whole_path);
    static const struct {
        const char *file, *end;
        size_t end_size;
    } others[] = {{"cases/ends/no_trailer.gif", ";", 1},
                  {"cases/ends/baseline_no_eoi.jpg", "\xff\xd9", 2}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t size;
        uint8_t *data = read_whole_file(shared_path(others[i].file), &size);
        uint8_t *mended = malloc(size + others[i].end_size);
        assert_non_null(mended);
        memcpy(mended, data, size);
        memcpy(mended + size, others[i].end, others[i].end_size);
        image = decode(data, size);
        whole = decode(mended, size + others[i].end_size);
        assert_non_null(image);
        assert_non_null(whole);
        expect_same(others[i].file, image, whole);
        glimpse_image_free(image);
        glimpse_image_free(whole);
        free(mended);
        free(data);
    }
}

/* Files made here, of sizes that put their ends and the ends of their rows everywhere relative to
 * the buffers of a decoder. */
enum { CAPACITY = 1 << 16, TRAILING = 150 };
static uint8_t file[CAPACITY];
static size_t used;
static uint64_t random_state = 11;

static void append(unsigned value) {
    assert_true(used < CAPACITY);
    file[used++] = (uint8_t)value;
}

/* Bytes from 3 to 250: none that means something in a row of plain Radiance pixels. */
static void write_random(size_t count) {
    for (size_t i = 0; i < count; i++)
        append(3 + (unsigned)((next_random(&random_state) >> 40) % 248));
}

/* The file as it stands, and with more behind it than the picture needs. */
static void check_made(const char *name, unsigned width, unsigned height) {
    char what[128];
    (void)snprintf(what, sizeof what, "%s of %u x %u", name, width, height);
    const size_t needed = used;
    write_random(TRAILING);
    check_cuts(what, file, used, needed);
}

static void start_tga(unsigned kind, unsigned depth, unsigned width, unsigned height) {
    used = 0;
    append(0);
    append(kind % 8 == 1);
    append(kind);
    append(0);
    append(0);
    append(kind % 8 == 1 ? 20 : 0); /* colours */
    append(0);
    append(kind % 8 == 1 ? 24 : 0);
    for (int i = 0; i < 4; i++)
        append(0);
    append(width & 255);
    append(width >> 8);
    append(height & 255);
    append(height >> 8);
    append(depth);
    append(0);
    if (kind % 8 == 1) write_random(20 * 3);
}

static void a_cut_tga_is_refused(void **state) {
    (void)state;
    static const struct kind {
        const char *name;
        unsigned kind, depth;
    } kinds[] = {{"TGA, 24 bits", 2, 24},
                 {"TGA, 32 bits", 2, 32},
                 {"TGA, grey", 3, 8},
                 {"TGA, 16 bits", 2, 16},
                 {"TGA, palette", 1, 8}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (unsigned width = 1; width < 150; width += width < 50 ? 1 : 9) {
            const unsigned height = width < 50 ? 3 : 2;
            start_tga(kinds[k].kind, kinds[k].depth, width, height);
            write_random((size_t)width * height * (kinds[k].depth / 8));
            check_made(kinds[k].name, width, height);
            /* Packets of up to 30 pixels, runs and others in turn. */
            start_tga(kinds[k].kind + 8, kinds[k].depth, width, height);
            int run = 0;
            for (unsigned left = width * height; left > 0; run = !run) {
                const unsigned count = left < 30 ? left : 30;
                append((run ? 128 : 0) + count - 1);
                write_random((run ? 1 : count) * (kinds[k].depth / 8));
                left -= count;
            }
            check_made(kinds[k].name, width, height);
        }
    }
}

static void start_hdr(unsigned width, unsigned height) {
    used = (size_t)snprintf((char *)file, CAPACITY,
                            "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %u +X %u\n", height, width);
}

static void write_planes(unsigned width) {
    append(2);
    append(2);
    append(0);
    append(width);
    for (int plane = 0; plane < 4; plane++) {
        int run = plane & 1;
        for (unsigned left = width; left > 0; run = !run) {
            const unsigned count = left < 20 ? left : 20;
            append((run ? 128 : 0) + count);
            write_random(run ? 1 : count);
            left -= count;
        }
    }
}

static void a_cut_radiance_picture_is_refused(void **state) {
    (void)state;
    for (unsigned width = 1; width < 128; width += width < 40 ? 1 : 9) {
        start_hdr(width, 3);
        write_random((size_t)width * 3 * 4);
        check_made("HDR, plain", width, 3);
        start_hdr(width, 2); /* the first pixel of each row, repeated */
        for (int y = 0; y < 2; y++) {
            write_random(4);
            for (int i = 0; i < 3; i++)
                append(1);
            append(width);
        }
        if (width > 1) check_made("HDR, repeated", width, 2);
        if (width < 8) continue;
        start_hdr(width, 3);
        for (int y = 0; y < 3; y++)
            write_planes(width);
        check_made("HDR, planes", width, 3);
        start_hdr(width, 3);
        write_planes(width);
        write_random((size_t)width * 4);
        write_planes(width);
        check_made("HDR, mixed", width, 3);
    }
}

/* `packets`: coding and channels, up to a 0 for the channels. */
static void start_pic(unsigned width, unsigned height, const uint8_t (*packets)[2]) {
    used = 0;
    append(0x53);
    append(0x80);
    append(0xf6);
    append(0x34);
    for (int i = 0; i < 84; i++)
        append(0);
    for (int i = 0; i < 4; i++)
        append((unsigned)"PICT"[i]);
    append(width >> 8);
    append(width & 255);
    append(height >> 8);
    append(height & 255);
    for (int i = 0; i < 8; i++)
        append(0);
    for (; (*packets)[1]; packets++) {
        append(packets[1][1] != 0);
        append(8);
        append((*packets)[0]);
        append((*packets)[1]);
    }
}

static void write_pic_rows(unsigned width, unsigned height, const uint8_t (*packets)[2]) {
    for (unsigned y = 0; y < height; y++) {
        for (const uint8_t(*p)[2] = packets; (*p)[1]; p++) {
            size_t bytes = 0;
            for (unsigned bits = (*p)[1]; bits; bits &= bits - 1)
                bytes++;
            int run = (int)y & 1;
            for (unsigned left = width; left > 0; run = !run) {
                const unsigned count = left < 25 ? left : 25;
                if (count == 1) run = 0; /* 128 is the mark of a long run */
                if ((*p)[0] == 0) {
                    write_random(left * bytes);
                    break;
                }
                if ((*p)[0] == 1) {
                    append(count);
                    write_random(bytes);
                } else if (run && left > 40) { /* with a length of 16 bits */
                    append(128);
                    append(0);
                    append(count);
                    write_random(bytes);
                } else {
                    append(run ? 127 + count : count - 1);
                    write_random((run ? 1 : count) * bytes);
                }
                left -= count;
            }
        }
    }
}

static void a_cut_softimage_picture_is_refused(void **state) {
    (void)state;
    static const struct kind {
        const char *name;
        uint8_t packets[4][2];
    } kinds[] = {{"PIC, plain", {{0, 0xe0}}},
                 {"PIC, runs", {{1, 0xe0}}},
                 {"PIC, mixed", {{2, 0xe0}}},
                 {"PIC, mixed with alpha", {{2, 0xe0}, {2, 0x10}}},
                 {"PIC, planes", {{1, 0x80}, {0, 0x40}, {2, 0x20}}}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (unsigned width = 1; width < 150; width += width < 45 ? 1 : 9) {
            start_pic(width, 3, kinds[k].packets);
            write_pic_rows(width, 3, kinds[k].packets);
            check_made(kinds[k].name, width, 3);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_fixture_is_refused_or_whole),
        cmocka_unit_test(a_png_needs_nothing_behind_its_pixels),
        cmocka_unit_test(a_gif_needs_nothing_behind_its_first_frame),
        cmocka_unit_test(a_jpeg_needs_no_end_mark),
        cmocka_unit_test(a_progressive_jpeg_that_lacks_scans_is_refused),
        cmocka_unit_test(a_webp_needs_nothing_behind_its_first_frame),
        cmocka_unit_test(a_bitmap_needs_no_padding_of_its_last_row),
        cmocka_unit_test(a_picture_is_not_shown_unturned_where_that_can_be_told),
        cmocka_unit_test(a_cut_file_is_refused_for_being_short),
        cmocka_unit_test(a_png_with_damaged_pixels_and_no_end_is_refused),
        cmocka_unit_test(the_ends_others_left_off_are_not_missed),
        cmocka_unit_test(a_cut_tga_is_refused),
        cmocka_unit_test(a_cut_radiance_picture_is_refused),
        cmocka_unit_test(a_cut_softimage_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
