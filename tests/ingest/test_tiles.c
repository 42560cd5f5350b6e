/*
 * Tiles: which are made, that they are made once, who remembers them, and that nothing else is
 * other than without them. The stand-in's pictures have all 13, however small.
 */
#include "ingest_support.h"

#include "tiles.h"

enum { TILES = GLIMPSE_TILES, MANY = 40 };

static fixture *of(void **state) {
    return *state;
}

static void run_tiles(fixture *f, int tiles) {
    glimpse_ingest_options options = options_for(f);
    options.tiles = tiles;
    assert_ok(ingest_with(f, &options));
}

static void assert_tiles(const fixture *f, uint64_t tiles, uint64_t tiled) {
    assert_int_equal(f->report.tiles, tiles);
    assert_int_equal(f->report.tiled, tiled);
    assert_int_equal(atomic_load(&f->fake.cropped), tiles);
}

static glimpse_library_status *status_of(const fixture *f) {
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, f->library));
    return status;
}

static void assert_stored(const fixture *f, uint64_t tiles, uint64_t tiled) {
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->tiles, tiles);
    assert_int_equal(status->tiled, tiled);
    glimpse_library_status_free(status);
}

/* The same pixels in other bytes. */
static void write_commented(const fixture *f, const char *relative, const char *from) {
    uint8_t data[4096], edited[4200];
    FILE *file = fopen(at(f, from), "rb");
    assert_non_null(file);
    const size_t size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    assert_memory_equal(data, "P6", 2);
    memcpy(edited, "P6\n# five stars", 15);
    memcpy(edited + 15, data + 2, size - 2);
    write_bytes_file(f, relative, edited, size + 13);
}

static void tiles_come_with_pictures_and_change_nothing_else(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_picture(f, "pictures/copy.ppm", 2);
    ingest(f);
    assert_tiles(f, 0, 0);
    char *without = dump_catalog(f, 1);
    fixture_close_library(f);
    rename_to(f, "library", "first");
    fixture_open_library(f);
    run_tiles(f, 1);
    assert_report(f, 3, 0, 2, 1, 0, 0);
    assert_tiles(f, 2 * TILES, 2);
    assert_stored(f, 2 * TILES, 2);
    assert_int_equal(atomic_load(&f->fake.encoded), 2 * (TILES + 1));
    assert_int_equal(atomic_load(&f->fake.decoded), 2);
    /* Every line of the library without tiles is one of this. */
    char *with = dump_catalog(f, 1), *rest = NULL;
    for (char *line = strtok_r(without, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "pictures/", 9) == 0) assert_non_null(strstr(with, line));
    }
    free(with);
    free(without);
    assert_sound(f);
}

static void what_is_known_gets_its_tiles_alone(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_picture(f, "pictures/copy.ppm", 2);
    write_text_file(f, "pictures/broken.ppm", "P6 no");
    ingest(f);
    run_tiles(f, 1);
    assert_report(f, 4, 3, 0, 0, 1, 0);
    assert_tiles(f, 2 * TILES, 2);
    assert_int_equal(atomic_load(&f->fake.encoded), 2 * TILES);
    write_picture(f, "pictures/new.ppm", 3);
    run_tiles(f, 1);
    assert_report(f, 5, 3, 1, 0, 1, 0);
    assert_tiles(f, TILES, 1);
    run_tiles(f, 1);
    assert_report(f, 5, 4, 0, 0, 1, 0);
    assert_tiles(f, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    assert_stored(f, 3 * TILES, 3);
    assert_sound(f);
}

static void at_once_or_later_tiles_are_the_same(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < 6; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        write_picture(f, name, i + 1);
    }
    run_tiles(f, 1);
    char *at_once = dump_catalog(f, 1);
    fixture_close_library(f);
    rename_to(f, "library", "first");
    fixture_open_library(f);
    ingest(f);
    glimpse_ingest_options options = options_for(f);
    options.tiles = 1;
    options.jobs = 1;
    options.batch = 1;
    assert_ok(ingest_with(f, &options));
    char *later = dump_catalog(f, 1);
    assert_string_equal(later, at_once);
    free(later);
    free(at_once);
}

static void moved_and_edited_files_keep_their_tiles(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    run_tiles(f, 1);
    rename_to(f, "pictures/a.ppm", "pictures/moved.ppm");
    write_commented(f, "pictures/b.ppm", "pictures/b.ppm");
    touch_by(f, "pictures/b.ppm", 10);
    ingest(f);
    assert_report(f, 2, 0, 0, 2, 0, 1);
    assert_tiles(f, 0, 0);
    assert_int_equal(atomic_load(&f->fake.encoded), 0);
    assert_stored(f, 2 * TILES, 2);
    assert_ok(glimpse_library_prune(NULL, f->library, NULL));
    assert_stored(f, 2 * TILES, 2);
    assert_sound(f);
}

static void edited_files_that_lack_tiles_get_them_and_are_bound(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    write_commented(f, "pictures/a.ppm", "pictures/a.ppm");
    touch_by(f, "pictures/a.ppm", 10);
    run_tiles(f, 1);
    assert_report(f, 1, 0, 0, 1, 0, 0);
    assert_int_equal(f->report.edited, 1);
    assert_tiles(f, TILES, 1);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_sound(f);
}

static void a_root_remembers_its_tiles_beside_its_other_options(void **state) {
    fixture *f = of(state);
    const char *const patterns[] = {"raw/"};
    glimpse_ingest_options options = options_for(f);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/raw/b.ppm", 2);
    options.exclude = patterns;
    options.exclude_count = 1;
    assert_ok(ingest_with(f, &options));
    run_tiles(f, 1); /* what it leaves out stays */
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_int_equal(f->report.replaced_options, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_settings[0].tiles, 1);
    assert_int_equal(status->root_settings[0].exclude_count, 1);
    glimpse_library_status_free(status);
    fixture_close_library(f);
    fixture_open_library(f);
    write_picture(f, "pictures/c.ppm", 3);
    options = options_for(f);
    options.root_count = 0; /* all that are known */
    assert_ok(ingest_with(f, &options));
    assert_tiles(f, TILES, 1);
    options = options_for(f);
    options.include_nomedia = 1; /* another set */
    write_picture(f, "pictures/d.ppm", 4);
    assert_ok(ingest_with(f, &options));
    assert_tiles(f, 2 * TILES, 2);
    options = options_for(f);
    options.forget_options = 1;
    write_picture(f, "pictures/e.ppm", 5);
    assert_ok(ingest_with(f, &options));
    assert_tiles(f, 0, 0);
    status = status_of(f);
    assert_int_equal(status->root_settings[0].tiles, 0);
    glimpse_library_status_free(status);
}

static void without_tiles_from_now_on_they_stay_until_they_are_pruned(void **state) {
    fixture *f = of(state);
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_picture(f, "tiled/b.ppm", 2);
    write_picture(f, "tiled/c.ppm", 3);
    run_tiles(f, 1);
    const char *other = at(f, "tiled");
    glimpse_ingest_options options = options_for(f);
    options.roots = &other;
    options.tiles = 1;
    assert_ok(ingest_with(f, &options));
    run_tiles(f, -1);
    write_picture(f, "pictures/new.ppm", 4);
    ingest(f);
    assert_tiles(f, 0, 0);
    assert_stored(f, 3 * TILES, 3);
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_int_equal(report.embeddings, 0);
    prune.tiles = 1;
    prune.dry_run = 1;
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_int_equal(report.embeddings, TILES);
    assert_stored(f, 3 * TILES, 3);
    prune.dry_run = 0;
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_int_equal(report.embeddings,
                     TILES); /* b has a file in a tiled root, and keeps its own */
    assert_stored(f, 2 * TILES, 2);
    assert_sound(f);
    run_tiles(f, 1);
    assert_tiles(f, 2 * TILES, 2);
}

static void a_folder_inside_goes_by_the_root_around_it_but_for_its_own(void **state) {
    fixture *f = of(state);
    const char *const patterns[] = {"/sub/raw"};
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    write_picture(f, "pictures/sub/raw/c.ppm", 3);
    glimpse_ingest_options options = options_for(f);
    options.exclude = patterns;
    options.exclude_count = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 2, 0, 2, 0, 0, 0);
    const char *sub = at(f, "pictures/sub");
    options = options_for(f);
    options.roots = &sub;
    options.tiles = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_tiles(f, TILES, 1);
    /* By itself, with what the root around it leaves out, and as a part of that. */
    for (int all = 0; all < 2; all++) {
        options = options_for(f);
        if (!all) options.roots = &sub;
        assert_ok(ingest_with(f, &options));
        assert_report(f, all ? 2 : 1, all ? 2 : 1, 0, 0, 0, 0);
        assert_tiles(f, 0, 0);
    }
    assert_stored(f, TILES, 1);
}

static int stop_half_way(void *user, const glimpse_progress *progress) {
    return progress->done >= *(const uint64_t *)user;
}

static void a_run_that_was_stopped_is_gone_on_with(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < MANY; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02u.ppm", i);
        write_picture(f, name, i + 1);
    }
    ingest(f);
    uint64_t stop_at = MANY + 1;
    uint64_t made = 0;
    glimpse_ingest_options options = options_for(f);
    options.tiles = 1;
    options.progress = stop_half_way;
    options.user = &stop_at;
    f->fake.encode_us = 400;
    for (int run = 0; run < 200; run++) {
        stop_at = (uint64_t)run * 3;
        const int status = ingest_with(f, &options);
        made += f->report.tiles;
        assert_int_equal(f->report.tiles, f->report.tiled * TILES); /* of a picture all or none */
        if (status == GLIMPSE_OK) break;
        assert_int_equal(status, GLIMPSE_E_CANCELLED);
    }
    f->fake.encode_us = 0;
    assert_int_equal(made, MANY * TILES);
    assert_stored(f, MANY * TILES, MANY);
    run_tiles(f, 0);
    assert_tiles(f, 0, 0);
    assert_sound(f);
}

static void a_picture_whose_vector_is_of_no_use_has_no_tiles_either(void **state) {
    fixture *f = of(state);
    write_marked_picture(f, "pictures/a.ppm", 1, FIRST_PIXEL_NAN);
    write_picture(f, "pictures/b.ppm", 2);
    run_tiles(f, 1);
    assert_report(f, 2, 0, 1, 0, 1, 0);
    assert_stored(f, TILES, 1);
    assert_sound(f);
}

static void an_encoder_that_fails_leaves_whole_pictures_with_all_tiles(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < MANY; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02u.ppm", i);
        write_picture(f, name, i + 1);
    }
    glimpse_ingest_options options = options_for(f);
    options.tiles = 1;
    f->fake.fail_encoding_after = 50;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_INTERNAL);
    f->fake.fail_encoding_after = 0;
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->tiles, status->tiled * TILES);
    glimpse_library_status_free(status);
    assert_ok(ingest_with(f, &options));
    assert_stored(f, MANY * TILES, MANY);
    assert_sound(f);
}

#define T(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(tiles_come_with_pictures_and_change_nothing_else),
        T(what_is_known_gets_its_tiles_alone),
        T(at_once_or_later_tiles_are_the_same),
        T(moved_and_edited_files_keep_their_tiles),
        T(edited_files_that_lack_tiles_get_them_and_are_bound),
        T(a_root_remembers_its_tiles_beside_its_other_options),
        T(without_tiles_from_now_on_they_stay_until_they_are_pruned),
        T(a_folder_inside_goes_by_the_root_around_it_but_for_its_own),
        T(a_run_that_was_stopped_is_gone_on_with),
        T(a_picture_whose_vector_is_of_no_use_has_no_tiles_either),
        T(an_encoder_that_fails_leaves_whole_pictures_with_all_tiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
