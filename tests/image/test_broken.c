/*
 * Broken and hostile files: each is decoded in a child with a limit on memory and time. None may
 * crash or hang, and what Pillow refuses is refused, with a reason; the differences are listed.
 */
#include "image_support.h"

#define MEMORY_LIMIT ((size_t)1 << 30)
enum { SECONDS = UNDER_SANITIZER ? 60 : 6 };

/* Where a user is served better by doing differently from Pillow. */
static const struct difference {
    const char *file;
    int status; /* ours */
    const char *why;
} differences[] = {
    {"png_decompression_dos.png", GLIMPSE_OK, "the bomb is in text chunks, which we never inflate"},
    {"unknown_compression_method.png", GLIMPSE_OK, "only its colour profile is unreadable"},
    {"psd-oob-write.psd", GLIMPSE_OK, "a layer is damaged, the merged picture is whole"},
    {"truncated_end_chunk.png", GLIMPSE_OK, "every pixel is there"},
    {"truncated_jpeg.jpg", GLIMPSE_OK, "every pixel is there, in ten scans"},
    {"thousand_scans_6000x6000.jpg", GLIMPSE_E_LIMIT, "20 seconds of work for one picture"},
};

static const char *broken(const char *file) {
    char path[512];
    (void)snprintf(path, sizeof path, "images/broken/%s", file);
    return shared_path(path);
}

static int pillow_cannot_judge(const char *path) {
    /* Pillow 9.4 reads no HEIF and AVIF. */
    size_t size;
    uint8_t *data = read_whole_file(path, &size);
    const glimpse_image_format format = glimpse_image_sniff(data, size);
    free(data);
    if (format == GLIMPSE_FORMAT_TIFF && !glimpse_image_format_supported(format)) return 1;
    return format == GLIMPSE_FORMAT_HEIF || format == GLIMPSE_FORMAT_AVIF;
}

static void no_broken_file_crashes_hangs_or_passes_unnoticed(void **state) {
    (void)state;
    table t = table_open(broken("broken.csv"), ',');
    int bad = 0, seen = 0, decoded = 0;
    double slowest = 0;
    long largest = 0;
    while (table_next(&t)) {
        const char *file = table_get(&t, "file");
        const verdict v = decode_guarded(broken(file), MEMORY_LIMIT, SECONDS);
        seen++;
        if (v.seconds > slowest) slowest = v.seconds;
        if (v.peak_kb > largest) largest = v.peak_kb;
        if (v.crashed) {
            print_error("%s: killed by signal %d after %.1f s\n", file, v.signal, v.seconds);
            bad++;
            continue;
        }
        if (v.printed) {
            print_error("%s: printed %ld bytes\n", file, v.printed);
            bad++;
        }
        const struct difference *d = NULL;
        for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
            if (strcmp(differences[i].file, file) == 0) d = &differences[i];
        }
        const int opens = strcmp(table_get(&t, "pil_opens"), "yes") == 0;
        if (v.status == GLIMPSE_OK) decoded++;
        if (d ? v.status != d->status
              : (v.status == GLIMPSE_OK) != opens && !pillow_cannot_judge(broken(file))) {
            print_error("%s: %s (%s); Pillow %s: %s\n", file, glimpse_status_name(v.status),
                        v.status < 0 ? v.message : "decoded", opens ? "opens it" : "refuses it",
                        table_get(&t, "what_is_wrong"));
            bad++;
        }
        if (v.status < 0 && strlen(v.message) < strlen(file) + 10) {
            print_error("%s: no reason given: '%s'\n", file, v.message);
            bad++;
        }
    }
    table_close(&t);
    print_message("%d files, %d decoded; slowest %.2f s, largest %ld KB\n", seen, decoded, slowest,
                  largest);
    assert_int_equal(bad, 0);
    assert_int_equal(seen, 150);
}

/* A header that declares much costs nothing: 64 MB of address space beyond what the process has
 * would not do if memory were taken first. */
static void declared_sizes_are_refused_before_memory_is_taken(void **state) {
    (void)state;
    static const char *const names[] = {
        "jpeg_declares_65000.jpg", "png_declares_50000.png", "gif_declares_65535.gif",
        "bmp_declares_2g.bmp",     "pnm_declares_99999.ppm", "psd_declares_30000.psd",
        "tga_declares_65535.tga",  "hdr_declares_99999.hdr", "pic_declares_65535.pic"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char relative[128];
        (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", names[i]);
        const verdict v = decode_guarded(source_path(relative), (size_t)256 << 20, SECONDS);
        if (v.crashed || v.status != GLIMPSE_E_LIMIT) {
            fail_msg("%s: %d %s %s", names[i], v.crashed, glimpse_status_name(v.status), v.message);
        }
    }
}

/* Codings that libjpeg does not decode are no damage, and the reason names them. */
static void a_jpeg_of_another_process_is_unsupported(void **state) {
    (void)state;
    static const struct {
        uint8_t marker, precision;
        const char *reason;
    } cases[] = {{0xc3, 8, "SOF type 0xc3"},    {0xc5, 8, "SOF type 0xc5"},
                 {0xcb, 8, "SOF type 0xcb"},    {0xc1, 12, "precision 12"},
                 {0xf7, 8, "coded as JPEG-LS"}, {0xde, 8, "hierarchical"}};
    size_t size = 0, frame = 0;
    uint8_t *data = read_whole_file(source_path("tests/image/fixtures/jpeg_420.jpg"), &size);
    while (frame + 1 < size && !(data[frame] == 0xff && data[frame + 1] == 0xc0))
        frame++;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_image *image = NULL;
        data[frame + 1] = cases[i].marker;
        data[frame + 4] = cases[i].precision;
        const int status = glimpse_image_decode(&image, data, size, "x", NULL);
        if (status != GLIMPSE_E_UNSUPPORTED || !strstr(glimpse_last_error(), cases[i].reason)) {
            fail_msg("%#x: %s, %s", cases[i].marker, glimpse_status_name(status),
                     glimpse_last_error());
        }
    }
    free(data);
}

static void a_picture_beyond_memory_is_an_error_not_a_crash(void **state) {
    (void)state;
    if (UNDER_SANITIZER) skip();
    /* 190 megapixels are within the pixel limit, but 570 MB are not within 300 MB. */
    char *directory = make_temp_directory(), path[1200];
    (void)snprintf(path, sizeof path, "%s/large.ppm", directory);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fputs("P4\n19000 10000\n", file);
    for (int i = 0; i < 19000 * 10000 / 8 / 1000; i++) {
        static const char zeros[1000];
        assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    }
    (void)fclose(file);
    const verdict v = decode_guarded(path, (size_t)300 << 20, SECONDS);
    assert_false(v.crashed);
    assert_int_equal(v.status, GLIMPSE_E_NOMEM);
    remove_tree(directory);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_broken_file_crashes_hangs_or_passes_unnoticed),
        cmocka_unit_test(declared_sizes_are_refused_before_memory_is_taken),
        cmocka_unit_test(a_jpeg_of_another_process_is_unsupported),
        cmocka_unit_test(a_picture_beyond_memory_is_an_error_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
