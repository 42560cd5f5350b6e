/*
 * The original is kept, not what was made of it: recompressed and stripped copies, copies saved
 * again without loss, edits, files that were cut, copies of a directory; and what is called a near
 * shot shows most of the same.
 */
#include "support/files.h"
#include "support/scenes.h"
#include "support/temporary.h"
#include "support/test.h"

#include <glimpse/dedup.h>
#include <glimpse/sys/image.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int group_count;
static char kept[64], reason[600];

/* Searches in_directory("pictures"), and empties it. Of the first group: its keeper and why. */
static void search(const glimpse_dedup_keep_rule *rules, size_t count) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    char *directory = strdup(in_directory("pictures"));
    const char *const roots[] = {directory};
    options.roots = roots;
    options.root_count = 1;
    options.keep = rules;
    options.keep_count = count;
    assert_ok(glimpse_dedup_run(&report, &options));
    kept[0] = reason[0] = '\0';
    group_count = (int)report->group_count;
    if (group_count > 0) {
        const char *path = report->groups[0].members[0].picture->path;
        (void)snprintf(kept, sizeof kept, "%s", strrchr(path, '/') + 1);
        (void)snprintf(reason, sizeof reason, "%s", report->groups[0].reason);
    }
    glimpse_dedup_report_free(report);
    remove_tree(directory);
    free(directory);
}

static void expect(const char *keeper, const char *why) {
    if (group_count != 1 || strcmp(kept, keeper) != 0 || !strstr(reason, why))
        fail_msg("%d groups, %s: %s; not %s: %s", group_count, kept, reason, keeper, why);
}

static void write_picture_file(const char *name, const uint8_t *data, size_t size) {
    char path[96];
    (void)snprintf(path, sizeof path, "pictures/%s", name);
    make_parents(in_directory(path));
    write_in_directory(path, data, size);
}

static void set_time(const char *name, time_t seconds, long nanoseconds) {
    char path[96];
    const struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
    (void)snprintf(path, sizeof path, "pictures/%s", name);
    assert_int_equal(utimensat(AT_FDCWD, in_directory(path), times, 0), 0);
}

/* With a comment that only metadata make: a date in an EXIF segment. */
static uint8_t *with_date(const uint8_t *jpeg, size_t *size, const char *camera, const char *date) {
    enum { TIFF = 96, SEGMENT = 2 + 6 + TIFF };
    static const uint8_t entries[] = {
        'I',  'I',  42,   0,    8, 0, 0,  0, 2,  0,              /* two entries */
        0x10, 0x01, 2,    0,    8, 0, 0,  0, 60, 0, 0,  0,       /* Model */
        0x69, 0x87, 4,    0,    1, 0, 0,  0, 38, 0, 0,  0,       /* to the other directory */
        0,    0,    0,    0,                                     /* no second one */
        1,    0,    0x03, 0x90, 2, 0, 20, 0, 0,  0, 68, 0, 0, 0, /* DateTimeOriginal */
        0,    0,    0,    0};
    uint8_t *out = calloc(*size + SEGMENT + 2, 1);
    assert_non_null(out);
    const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xE1, 0, SEGMENT, 'E', 'x', 'i', 'f', 0, 0};
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, entries, sizeof entries);
    (void)snprintf((char *)out + sizeof head + 60, 8, "%-7.7s", camera);
    (void)snprintf((char *)out + sizeof head + 68, 20, "%s", date);
    memcpy(out + sizeof head + TIFF, jpeg + 2, *size - 2);
    *size += sizeof head + TIFF - 2;
    return out;
}

static void write_jpeg(const char *name, const scene *from, int quality, const char *date) {
    size_t size;
    uint8_t *plain = scene_jpeg(&size, from, quality);
    uint8_t *dated = date ? with_date(plain, &size, "ACME X1", date) : NULL;
    write_picture_file(name, dated ? dated : plain, size);
    free(dated);
    free(plain);
}

static void write_versions(const char *date) {
    const scene original = scene_draw(SCENE_DATE_STAMP, 3);
    write_jpeg("original.jpg", &original, 84, date);
    write_jpeg("a_stripped.jpg", &original, 84, NULL);
    write_jpeg("a_recompressed.jpg", &original, 30, date);
    free(original.rgb);
}

static void a_recompressed_copy_is_no_better_for_the_stripped_one_beside_it(void **state) {
    (void)state;
    static const glimpse_dedup_keep_rule largest = {GLIMPSE_KEEP_LARGEST, NULL},
                                         richest = {GLIMPSE_KEEP_RICHEST, NULL};
    static const char date[] = "2019:05:01 10:00:10";
    write_versions(date);
    search(NULL, 0);
    expect("original.jpg", "quality 84 instead of JPEG quality 30");
    write_versions(date);
    search(&largest, 1);
    expect("original.jpg", "kept because");
    write_versions(date);
    search(&richest, 1);
    expect("original.jpg", "kept because");
}

/* The pixels of a JPEG in a file without loss. */
static void write_resaved(const char *name, const uint8_t *jpeg, size_t size) {
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_decode(&image, jpeg, size, "jpeg", &decode));
    scene pixels = {0};
    pixels.width = glimpse_image_width(image);
    pixels.height = glimpse_image_height(image);
    pixels.rgb = (uint8_t *)(uintptr_t)glimpse_image_pixels(image);
    size_t written;
    uint8_t *ppm = scene_ppm(&written, &pixels);
    write_picture_file(name, ppm, written);
    free(ppm);
    glimpse_image_free(image);
}

static void a_copy_saved_again_without_loss_is_no_better_than_its_source(void **state) {
    (void)state;
    const scene original = scene_draw(SCENE_DATE_STAMP, 2);
    size_t size, other_size;
    uint8_t *jpeg = scene_jpeg(&size, &original, 80);
    write_picture_file("original.jpg", jpeg, size);
    write_resaved("a.ppm", jpeg, size);
    search(NULL, 0);
    expect("original.jpg", "saved again, with the same pixels");
    /* Nor than a better version of that, but better than a poorer one. */
    uint8_t *poorer = scene_jpeg(&other_size, &original, 60);
    write_picture_file("z.jpg", jpeg, size);
    write_picture_file("poor.jpg", poorer, other_size);
    write_resaved("a.ppm", poorer, other_size);
    search(NULL, 0);
    expect("z.jpg", "quality is better: JPEG quality 80 instead of");
    /* Without its source it is what it says. */
    write_picture_file("b.jpg", poorer, other_size);
    write_resaved("z.ppm", jpeg, size);
    search(NULL, 0);
    expect("z.ppm", "lossless");
    free(jpeg), free(poorer), free(original.rgb);
}

static void a_file_whose_end_is_missing_loses_to_the_whole_one(void **state) {
    (void)state;
    const scene original = scene_draw(SCENE_DATE_STAMP, 2);
    size_t size;
    uint8_t *jpeg = scene_jpeg(&size, &original, 80);
    write_picture_file("whole, with a long name.jpg", jpeg, size);
    write_picture_file("a.jpg", jpeg, size - 2);
    set_time("a.jpg", 1000000000, 0);
    search(NULL, 0);
    expect("whole, with a long name.jpg", "the end of the other file is missing");
    free(jpeg), free(original.rgb);
    uint8_t *png = read_whole_file(source_path("data/demo/food/cup-of-coffee-sea-076.png"), &size);
    write_picture_file("whole, with a long name.png", png, size);
    write_picture_file("a.png", png, size - 12);
    set_time("a.png", 1000000000, 0);
    search(NULL, 0);
    expect("whole, with a long name.png", "the end of the other file is missing");
    free(png);
    /* The first frame of 2 x 2 pixels, and the mark that ends the file. */
    static const uint8_t gif[] = {'G', 'I', 'F', '8', '9', 'a', 2,   0,    2,    0,    0x80, 0,
                                  0,   0,   0,   0,   255, 255, 255, 0x2C, 0,    0,    0,    0,
                                  2,   0,   2,   0,   0,   2,   3,   0x44, 0x34, 0x05, 0,    0x3B};
    write_picture_file("whole, with a long name.gif", gif, sizeof gif);
    write_picture_file("a.gif", gif, sizeof gif - 1);
    set_time("a.gif", 1000000000, 0);
    search(NULL, 0);
    expect("whole, with a long name.gif", "the end of the other file is missing");
}

static void retone(scene *picture, double gain, double bias) {
    for (size_t i = 0; i < (size_t)picture->width * picture->height * 3; i++) {
        const double value = picture->rgb[i] * gain + bias;
        picture->rgb[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
    }
}

static void an_edit_with_other_tones_loses_though_its_quality_is_better(void **state) {
    (void)state;
    static const double tones[][2] = {{0.7, 0}, {1.4, -51}, {1.4, 0}, {0.6, 51}};
    for (unsigned seed = 1; seed <= 3; seed++) {
        for (size_t i = 0; i < sizeof tones / sizeof *tones; i++) {
            scene picture = scene_draw(SCENE_DATE_STAMP, seed);
            /* Up to white and down to black, as a camera exposes: whatever is more is lost. */
            retone(&picture, 1.25, -20);
            write_jpeg("z_original.jpg", &picture, 80, NULL);
            retone(&picture, tones[i][0], tones[i][1]);
            write_jpeg("a_edit.jpg", &picture, 90, NULL);
            free(picture.rgb);
            search(NULL, 0);
            expect("z_original.jpg", "seems to be made of it");
        }
    }
}

static void file_times_of_one_copying_decide_nothing(void **state) {
    (void)state;
    static const glimpse_dedup_keep_rule oldest = {GLIMPSE_KEEP_OLDEST, NULL};
    const scene original = scene_draw(SCENE_DATE_STAMP, 2);
    for (int seconds = 0; seconds <= 3; seconds += 3) {
        for (int rule = 0; rule < 2; rule++) {
            write_jpeg("a.jpg", &original, 80, NULL);
            write_jpeg("bb.jpg", &original, 80, NULL);
            set_time("bb.jpg", 1600000000, 900000000);
            set_time("a.jpg", 1600000002 + seconds, 100000000);
            search(&oldest, (size_t)rule);
            if (seconds == 0) {
                expect("a.jpg", "its path is shorter; nothing else tells them apart");
            } else {
                expect("bb.jpg",
                       "older: modified 2020-09-13T12:26:40 instead of 2020-09-13T12:26:45");
            }
        }
    }
    free(original.rgb);
}

static void dates_are_named_without_repeating_what_they_are(void **state) {
    (void)state;
    const scene original = scene_draw(SCENE_DATE_STAMP, 2);
    const glimpse_dedup_keep_rule oldest = {GLIMPSE_KEEP_OLDEST, NULL};
    write_jpeg("a.jpg", &original, 80, "2019:05:01 11:00:10");
    write_jpeg("b.jpg", &original, 80, "2019:05:01 10:00:10");
    search(&oldest, 1);
    expect("b.jpg", "older: taken 2019-05-01T10:00:10 instead of 2019-05-01T11:00:10");
    free(original.rgb);
}

/* Two things before one background. */
static void draw_things(scene *to, int which) {
    const int width = (int)to->width, height = (int)to->height;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *p = to->rgb + 3 * (y * width + x);
            const int dx = x - width / 2, dy = y - height / 2, r = height / 4;
            const int inside = which ? dx * dx + dy * dy < r * r && (dx / 6 + dy / 9) % 2
                                     : abs(dx) < r && abs(dy) < r && (dx * dy / 40) % 3 == 0;
            if (inside) p[0] = p[1] = p[2] = which ? 240 : 20;
        }
    }
}

static void two_things_before_one_background_are_no_near_shots(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        for (int i = 0; i < 2; i++) {
            scene picture = scene_draw(SCENE_BURST, seed);
            draw_things(&picture, i);
            write_jpeg(i ? "b.jpg" : "a.jpg", &picture, 85, NULL);
            free(picture.rgb);
        }
        search(NULL, 0);
        if (group_count > 0) fail_msg("seed %u: %s", seed, reason);
    }
    /* Nor are those of the demo: a snail and a crab, a candle and a drum, a tent and a car. */
    static const char *const pairs[][2] = {
        {"animals/snail-room-037.jpg", "animals/crab-room-042.jpg"},
        {"things/candle-sea-116.jpg", "things/drum-sea-104.jpg"},
        {"things/guitar-sunset-103.jpg", "places/view-sunset-276.jpg"},
        {"things/tent-room-128.webp", "vehicles/car-room-080.png"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        for (int k = 0; k < 2; k++) {
            char path[128];
            size_t size;
            (void)snprintf(path, sizeof path, "data/demo/%s", pairs[i][k]);
            uint8_t *data = read_whole_file(source_path(path), &size);
            write_picture_file(k ? "b" : "a", data, size);
            free(data);
        }
        search(NULL, 0);
        if (group_count > 0) fail_msg("%s and %s: %s", pairs[i][0], pairs[i][1], reason);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recompressed_copy_is_no_better_for_the_stripped_one_beside_it),
        cmocka_unit_test(a_copy_saved_again_without_loss_is_no_better_than_its_source),
        cmocka_unit_test(a_file_whose_end_is_missing_loses_to_the_whole_one),
        cmocka_unit_test(an_edit_with_other_tones_loses_though_its_quality_is_better),
        cmocka_unit_test(file_times_of_one_copying_decide_nothing),
        cmocka_unit_test(dates_are_named_without_repeating_what_they_are),
        cmocka_unit_test(two_things_before_one_background_are_no_near_shots),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
