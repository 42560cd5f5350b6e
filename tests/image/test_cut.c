/*
 * Files that end too early, at every byte: a cut file is refused, or every pixel was there.
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
    if (status < 0 && status != GLIMPSE_E_FORMAT) {
        fail_msg("cut at %zu: %s", size, glimpse_last_error());
    }
    return image;
}

/* What the first `needed` bytes of `data` show is shown by every longer prefix, and nothing by a
 * shorter one. With needed 0, only that what is shown is right. */
static void check_cuts(const char *name, const uint8_t *data, size_t size, size_t needed) {
    glimpse_image *whole = decode(data, size);
    if (!whole) fail_msg("%s: %s", name, glimpse_last_error());
    const uint64_t hash = image_hash(whole);
    const uint32_t width = glimpse_image_width(whole), height = glimpse_image_height(whole);
    glimpse_image_free(whole);
    for (size_t length = 0; length < size; length++) {
        glimpse_image *image = decode(data, length);
        if (image && (image_hash(image) != hash || glimpse_image_width(image) != width ||
                      glimpse_image_height(image) != height)) {
            fail_msg("%s, cut at %zu of %zu: another picture", name, length, size);
        }
        if (image && length < needed)
            fail_msg("%s, cut at %zu of %zu: decoded", name, length, size);
        if (!image && needed && length >= needed) {
            fail_msg("%s, cut at %zu of %zu: %s", name, length, size, glimpse_last_error());
        }
        glimpse_image_free(image);
    }
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
        cmocka_unit_test(a_cut_tga_is_refused),
        cmocka_unit_test(a_cut_radiance_picture_is_refused),
        cmocka_unit_test(a_cut_softimage_picture_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
