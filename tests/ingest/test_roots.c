/*
 * Unreachable is not deleted; directories in directories; directories that may not be read.
 */
#include "ingest_support.h"

#include <fcntl.h>

static fixture *of(void **state) {
    return *state;
}

static int run_on(fixture *f, const char *const *relative, size_t count,
                  glimpse_ingest_options options) {
    char *paths[8] = {NULL};
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        paths[i] = strdup(at(f, relative[i]));
    options.roots = (const char *const *)paths;
    options.root_count = count;
    int status = ingest_with(f, &options);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    return status;
}

static int ingest_one(fixture *f, const char *relative) {
    return run_on(f, &relative, 1, options_for(f));
}

static void three_pictures(fixture *f) {
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    write_picture(f, "pictures/sub/deep/c.ppm", 3);
    ingest(f);
    assert_report(f, 3, 0, 3, 0, 0, 0);
}

static void assert_all_present(const fixture *f, int files) {
    char *dump = dump_catalog(f, 0);
    int count = 0;
    for (char *line = dump; *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "contents", 8) == 0) break;
        char *end = strchr(line, '\n');
        *end = '\0';
        if (strstr(line, ".ppm 1 ")) fail_msg("missing: %s", line);
        *end = '\n';
        count++;
    }
    free(dump);
    assert_int_equal(count, files);
}

static void a_root_that_is_gone_is_offline(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    rename_to(f, "pictures", "unplugged");
    ingest(f);
    assert_report(f, 0, 0, 0, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 3);
    rename_to(f, "unplugged", "pictures");
    ingest(f);
    assert_report(f, 3, 3, 0, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    assert_sound(f);
}

static void a_root_that_shows_nothing_is_offline(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    rename_to(f, "pictures", "volume");
    assert_int_equal(mkdir(at(f, "pictures"), 0777), 0); /* the bare mount point */
    ingest(f);
    assert_report(f, 0, 0, 0, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 3);
    write_text_file(f, "pictures/.not_mounted", ""); /* as some people mark them */
    ingest(f);
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 3);
    /* A directory with other things in it is no bare mount point: the pictures are gone. */
    write_text_file(f, "pictures/readme.txt", "moved away");
    ingest(f);
    assert_report(f, 0, 0, 0, 0, 0, 3);
    assert_int_equal(f->report.offline_roots, 0);
}

static void a_root_never_indexed_must_exist(void **state) {
    fixture *f = of(state);
    assert_int_equal(ingest_one(f, "nowhere"), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "nowhere"));
    const char *both[] = {"nowhere", "not/there.jpg"};
    assert_int_equal(run_on(f, both, 2, options_for(f)), GLIMPSE_E_NOT_FOUND);
    char *dump = dump_catalog(f, 0);
    assert_string_equal(dump, "contents 0, embeddings 0\n");
    free(dump);
}

static void note_refused(void *user, const glimpse_left_out *what) {
    char *text = user;
    assert_int_equal(what->is_root, 1);
    assert_int_equal(what->known, 0);
    assert_int_equal(what->status, GLIMPSE_E_NOT_FOUND);
    assert_string_equal(what->reason, "cannot be indexed: No such file or directory");
    (void)strcat(strcat(text, strrchr(what->path, '/') + 1), " ");
}

static void what_is_not_there_keeps_nothing_else_from_being_indexed(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "more/b.ppm", 2);
    static const char *const orders[][4] = {{"nowhere", "pictures", "none.jpg", "more/b.ppm"},
                                            {"pictures", "more/b.ppm", "nowhere", "none.jpg"},
                                            {"nowhere", "none.jpg", "more/b.ppm", "pictures"}};
    for (size_t i = 0; i < 3; i++) {
        char text[64] = "";
        glimpse_ingest_options options = options_for(f);
        options.left_out = note_refused;
        options.user = text;
        assert_ok(run_on(f, orders[i], 4, options));
        assert_report(f, 2, i ? 2 : 0, i ? 0 : 2, 0, 0, 0);
        assert_int_equal(f->report.refused_roots, 2);
        assert_string_equal(text, "nowhere none.jpg ");
        glimpse_library_status *status = NULL;
        assert_ok(glimpse_library_load_status(&status, f->library));
        assert_int_equal(status->root_count, 1);
        assert_int_equal(status->single_files, 1);
        glimpse_library_status_free(status);
    }
    assert_sound(f);
}

static void an_empty_directory_is_fine(void **state) {
    fixture *f = of(state);
    ingest(f);
    assert_report(f, 0, 0, 0, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 0);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
}

static void one_offline_root_does_not_keep_others_from_being_indexed(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    write_picture(f, "more/d.ppm", 4);
    rename_to(f, "pictures", "unplugged");
    const char *both[] = {"pictures", "more"};
    assert_ok(run_on(f, both, 2, options_for(f)));
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 4);
}

static void a_directory_below_a_root_is_looked_at_alone(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    remove_file(f, "pictures/a.ppm");
    remove_file(f, "pictures/sub/b.ppm");
    write_picture(f, "pictures/new.ppm", 9);
    assert_ok(ingest_one(f, "pictures/sub"));
    assert_report(f, 1, 1, 0, 0, 0, 1); /* b only */
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, f->library));
    assert_int_equal(status->root_count, 1);
    glimpse_library_status_free(status);
    ingest(f);
    assert_report(f, 2, 1, 1, 0, 0, 2);
    assert_sound(f);
}

static void a_deleted_directory_below_a_root_is_missing_with_its_root(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    rename_to(f, "pictures/sub", "sub");
    assert_ok(ingest_one(f, "pictures/sub")); /* asked alone it cannot be told from unplugged */
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 3);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 2);
}

static void roots_that_overlap_are_walked_once(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    const char *three[] = {"pictures/sub", "pictures", "pictures/../pictures"};
    assert_ok(run_on(f, three, 3, options_for(f)));
    assert_report(f, 2, 0, 2, 0, 0, 0);
    assert_ok(run_on(f, three, 3, options_for(f)));
    assert_report(f, 2, 2, 0, 0, 0, 0);
}

static void a_hidden_root_looks_after_itself(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/.private/b.ppm", 2);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    const char *both[] = {"pictures", "pictures/.private"};
    assert_ok(run_on(f, both, 2, options_for(f)));
    assert_report(f, 2, 1, 1, 0, 0, 0);
    ingest(f); /* the walk does not come by, which says nothing */
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_all_present(f, 2);
    remove_file(f, "pictures/.private/b.ppm");
    write_picture(f, "pictures/.private/c.ppm", 3);
    assert_ok(ingest_one(f, "pictures/.private"));
    assert_report(f, 1, 0, 1, 0, 0, 1);
}

static void a_volume_unplugged_inside_a_root_is_offline(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/usb/b.ppm", 2);
    assert_ok(ingest_one(f, "pictures/usb"));
    ingest(f);
    assert_report(f, 2, 1, 1, 0, 0, 0);
    rename_to(f, "pictures/usb", "usb");
    assert_int_equal(mkdir(at(f, "pictures/usb"), 0777), 0);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_int_equal(f->report.offline_roots, 1);
    assert_all_present(f, 2);
}

static glimpse_library_status *status_of(const fixture *f) {
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, f->library));
    return status;
}

static int ingest_all(fixture *f) {
    glimpse_ingest_options options = options_for(f);
    options.roots = NULL;
    options.root_count = 0;
    return ingest_with(f, &options);
}

static void files_given_one_by_one_are_no_roots(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_picture(f, "elsewhere/c.ppm", 3);
    const char *const files[] = {"pictures/a.ppm", "pictures/b.ppm", "elsewhere/c.ppm"};
    assert_ok(run_on(f, files, 3, options_for(f)));
    assert_report(f, 3, 0, 3, 0, 0, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_count, 0);
    assert_int_equal(status->single_files, 3);
    assert_int_equal(status->offline, 0);
    glimpse_library_status_free(status);
    /* Refreshed like everything else, and missed when they are gone. */
    write_picture(f, "pictures/b.ppm", 4);
    touch_by(f, "pictures/b.ppm", 10);
    remove_file(f, "pictures/a.ppm");
    assert_ok(ingest_all(f));
    assert_report(f, 2, 1, 1, 0, 0, 1);
    assert_int_equal(f->report.offline_roots, 0);
    /* Their directory becomes a root: then they are files of it. */
    assert_ok(ingest_one(f, "pictures"));
    assert_report(f, 1, 1, 0, 0, 0, 1);
    status = status_of(f);
    assert_int_equal(status->root_count, 1);
    assert_int_equal(status->single_files, 1);
    glimpse_library_status_free(status);
    assert_sound(f);
}

static void pruning_forgets_single_files_that_were_deleted(void **state) {
    fixture *f = of(state);
    write_picture(f, "one/a.ppm", 1);
    write_picture(f, "one/b.ppm", 2);
    write_picture(f, "two/alone.ppm", 3);
    write_picture(f, "away/day/c.ppm", 4);
    write_picture(f, "three/deep/d.ppm", 5);
    write_picture(f, "four/e.ppm", 6);
    const char *const files[] = {"one/a.ppm",      "one/b.ppm",        "two/alone.ppm",
                                 "away/day/c.ppm", "three/deep/d.ppm", "four/e.ppm"};
    assert_ok(run_on(f, files, 6, options_for(f)));
    remove_file(f, "one/a.ppm");
    remove_file(f, "two/alone.ppm");
    remove_tree(at(f, "three")); /* with the directories it was in */
    remove_tree(at(f, "four"));
    write_text_file(f, "four", "no directory any more");
    rename_to(f, "away", "moved"); /* as a medium that was taken out */
    assert_int_equal(mkdir(at(f, "away"), 0777), 0);
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    prune.dry_run = 1;
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_int_equal(report.files, 4);
    prune.dry_run = 0;
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_int_equal(report.files, 4);
    assert_int_equal(report.embeddings, 4);
    char *dump = dump_catalog(f, 0);
    assert_null(strstr(dump, "one/a.ppm"));
    assert_null(strstr(dump, "alone.ppm"));
    assert_non_null(strstr(dump, "one/b.ppm"));
    assert_non_null(strstr(dump, "away/day/c.ppm"));
    assert_null(strstr(dump, "d.ppm"));
    assert_null(strstr(dump, "e.ppm"));
    free(dump);
    assert_sound(f);
}

static void a_single_file_whose_directory_is_gone_is_missed_by_the_next_run(void **state) {
    fixture *f = of(state);
    write_picture(f, "one/deep/a.ppm", 1);
    write_picture(f, "away/day/b.ppm", 2);
    const char *const files[] = {"one/deep/a.ppm", "away/day/b.ppm"};
    assert_ok(run_on(f, files, 2, options_for(f)));
    remove_tree(at(f, "one"));
    rename_to(f, "away", "moved");
    assert_int_equal(mkdir(at(f, "away"), 0777), 0);
    assert_ok(ingest_all(f));
    assert_report(f, 0, 0, 0, 0, 0, 1);
    assert_int_equal(f->report.offline_roots, 1);
    assert_sound(f);
}

/*
 * Left out is not gone.
 */
static void expect_counts(const fixture *f, uint64_t files, uint64_t missing, uint64_t left_out) {
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->files, files);
    assert_int_equal(status->missing, missing);
    assert_int_equal(status->left_out, left_out);
    glimpse_library_status_free(status);
}

static uint64_t pruned(fixture *f, int left_out) {
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    prune.left_out = left_out;
    assert_ok(glimpse_library_prune(&report, f->library, &prune));
    assert_sound(f);
    return report.files;
}

static void what_a_walk_leaves_out_is_kept_until_asked_for(void **state) {
    fixture *f = of(state);
    static const char *const marks[] = {"pictures/sub/.nomedia", "pictures/sub/.noimage"};
    three_pictures(f);
    for (size_t i = 0; i < 2; i++) {
        write_text_file(f, marks[i], "");
        for (int round = 0; round < 2; round++) {
            ingest(f);
            assert_report(f, 1, 1, 0, 0, 0, 0);
            assert_int_equal(f->report.left_out, 2);
            expect_counts(f, 1, 0, 2);
            assert_int_equal(pruned(f, 0), 0);
        }
        remove_file(f, marks[i]);
        ingest(f);
        assert_report(f, 3, 3, 0, 0, 0, 0);
        assert_int_equal(f->report.left_out, 0);
        assert_int_equal(atomic_load(&f->fake.decoded), 0);
        expect_counts(f, 3, 0, 0);
        assert_sound(f);
    }
    /* One that is deleted meanwhile is gone like any other. */
    write_text_file(f, marks[0], "");
    remove_file(f, "pictures/sub/deep/c.ppm");
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 1);
    expect_counts(f, 1, 1, 1);
    assert_int_equal(pruned(f, 0), 1);
    expect_counts(f, 1, 0, 1);
    assert_int_equal(pruned(f, 1), 1);
    expect_counts(f, 1, 0, 0);
}

static void what_patterns_and_links_leave_out_is_kept_as_well(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/raw/deep/b.ppm", 2);
    write_picture(f, "pictures/b_small.ppm", 3);
    write_picture(f, "linked/c.ppm", 4);
    assert_int_equal(symlink("../linked", at(f, "pictures/link")), 0);
    glimpse_ingest_options options = options_for(f);
    options.follow_links = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 4, 0, 4, 0, 0, 0);
    const char *const patterns[] = {"raw/", "*_small.*"};
    options.exclude = patterns;
    options.exclude_count = 2;
    options.follow_links = 0;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_int_equal(f->report.left_out, 3);
    assert_int_equal(pruned(f, 0), 0);
    assert_ok(ingest_all(f)); /* as remembered */
    assert_int_equal(f->report.left_out, 3);
    options = options_for(f);
    options.follow_links = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 4, 4, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    expect_counts(f, 4, 0, 0);
}

/* A file that was named, where a walk does not go. */
static void a_single_file_in_a_hidden_directory_is_kept_by_walks_around_it(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/.hidden/b.ppm", 2);
    assert_ok(ingest_one(f, "pictures/.hidden/b.ppm"));
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_int_equal(pruned(f, 0), 0);
    expect_counts(f, 1, 0, 1);
}

static void what_is_no_picture_any_more_is_gone_and_not_left_out(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/noname", 2);
    ingest(f);
    assert_report(f, 2, 0, 2, 0, 0, 0);
    write_text_file(f, "pictures/noname", "only words");
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 1);
    expect_counts(f, 1, 1, 0);
}

/* Nothing is present, and still it is no empty directory that was taken out. */
static void a_volume_with_nothing_but_left_out_files_can_be_offline(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/sub/b.ppm", 2);
    ingest(f);
    write_text_file(f, "pictures/sub/.nomedia", "");
    ingest(f);
    expect_counts(f, 0, 0, 1);
    rename_to(f, "pictures", "volume");
    assert_int_equal(mkdir(at(f, "pictures"), 0777), 0);
    for (int hidden = 0; hidden < 2; hidden++) {
        ingest(f);
        assert_int_equal(f->report.offline_roots, 1);
        expect_counts(f, 0, 0, 1);
        assert_int_equal(pruned(f, 0), 0);
        write_text_file(f, "pictures/.not_mounted", "");
    }
}

/*
 * What a root remembers.
 */
static int ingest_excluding(fixture *f, const char *root, const char *pattern) {
    glimpse_ingest_options options = options_for(f);
    options.exclude = &pattern;
    options.exclude_count = 1;
    return run_on(f, &root, 1, options);
}

static void a_root_is_walked_again_as_the_last_time(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/raw/b.ppm", 2);
    write_picture(f, "linked/c.ppm", 3);
    assert_int_equal(symlink("../linked", at(f, "pictures/link")), 0);
    glimpse_ingest_options options = options_for(f);
    const char *pattern = "/raw";
    options.exclude = &pattern;
    options.exclude_count = 1;
    options.follow_links = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 2, 0, 2, 0, 0, 0);
    fixture_close_library(f);
    fixture_open_library(f);
    assert_ok(ingest_all(f));
    assert_report(f, 2, 2, 0, 0, 0, 0);
    ingest(f); /* named, without options */
    assert_report(f, 2, 2, 0, 0, 0, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_count, 1);
    assert_int_equal(status->root_settings[0].follow_links, 1);
    assert_int_equal(status->root_settings[0].include_nomedia, 0);
    assert_int_equal(status->root_settings[0].exclude_count, 1);
    assert_string_equal(status->root_settings[0].exclude[0], "/raw");
    glimpse_library_status_free(status);
    /* Other options take their place, all of them. */
    assert_ok(ingest_excluding(f, "pictures", "a.*"));
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_int_equal(f->report.left_out, 2);
    assert_int_equal(f->report.replaced_options, 1);
    assert_ok(ingest_excluding(f, "pictures", "a.*"));
    assert_int_equal(f->report.replaced_options, 0);
    assert_ok(ingest_all(f));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    options = options_for(f);
    options.forget_options = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 2, 2, 0, 0, 0, 0);
    assert_int_equal(f->report.left_out, 1);
    assert_int_equal(f->report.replaced_options, 1);
    status = status_of(f);
    assert_int_equal(status->root_settings[0].exclude_count, 0);
    glimpse_library_status_free(status);
    assert_sound(f);
}

static void what_lies_below_a_root_goes_by_its_patterns(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/sub/a.ppm", 1);
    write_picture(f, "pictures/sub/raw/b.ppm", 2);
    assert_ok(ingest_excluding(f, "pictures", "/sub/raw"));
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_ok(ingest_one(f, "pictures/sub"));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_count, 1);
    glimpse_library_status_free(status);
}

/* Whoever is walked, the same files are there afterwards. */
static void a_root_inside_another_keeps_to_its_own_options(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/x.ppm", 2);
    write_picture(f, "pictures/sub/b.ppm", 3);
    write_picture(f, "pictures/sub/x.ppm", 4);
    ingest(f);
    assert_report(f, 4, 0, 4, 0, 0, 0);
    assert_ok(ingest_excluding(f, "pictures/sub", "x.*"));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_count, 2);
    glimpse_library_status_free(status);
    ingest(f);
    assert_int_equal(f->report.files, 3);
    assert_ok(ingest_one(f, "pictures/sub"));
    assert_int_equal(f->report.files, 1);
    write_picture(f, "pictures/sub/new.ppm", 5);
    ingest(f); /* which looks into it as well */
    assert_int_equal(f->report.files, 4);
    assert_int_equal(f->report.embedded, 1);
    assert_ok(ingest_all(f));
    assert_int_equal(f->report.files, 4);
    const char *const both[] = {"pictures", "pictures/sub"};
    assert_ok(run_on(f, both, 2, options_for(f)));
    assert_int_equal(f->report.files, 4);
    status = status_of(f);
    assert_int_equal(status->files, 4);
    assert_int_equal(status->missing, 0);
    assert_int_equal(status->left_out, 1);
    glimpse_library_status_free(status);
    assert_sound(f);
}

static void a_missing_file_of_a_root_inside_another_counts_once(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    write_picture(f, "pictures/sub/c.ppm", 3);
    ingest(f);
    assert_ok(ingest_excluding(f, "pictures/sub", "x.*"));
    remove_file(f, "pictures/sub/c.ppm");
    for (int round = 0; round < 3; round++) {
        ingest(f);
        assert_int_equal(f->report.missing, 1);
    }
    assert_ok(ingest_all(f));
    assert_int_equal(f->report.missing, 1);
    write_picture(f, "pictures/sub/c.ppm", 3);
    ingest(f);
    assert_int_equal(f->report.missing, 0);
    assert_sound(f);
}

static void senseless_refreshes_are_refused(void **state) {
    fixture *f = of(state);
    assert_int_equal(ingest_all(f), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "no folder was indexed yet"));
}

/*
 * .nomedia and .noimage.
 */
typedef struct told {
    size_t count;
    char text[2048];
} told;

static void note_left_out(void *user, const glimpse_left_out *what) {
    told *t = user;
    const size_t used = strlen(t->text);
    const char *slash = strrchr(what->path, '/');
    t->count++;
    (void)snprintf(t->text + used, sizeof t->text - used, "%s %s %d %d|", slash + 1,
                   what->status < 0 ? "unusable" : what->reason, what->status < 0, what->known);
}

static void marked_directories_are_left_out_and_told(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    write_picture(f, "pictures/other/d.ppm", 4);
    ingest(f);
    write_text_file(f, "pictures/sub/.nomedia", "");
    write_text_file(f, "pictures/other/.noimage", "");
    told t = {0};
    glimpse_ingest_options options = options_for(f);
    options.left_out = note_left_out;
    options.user = &t;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 1, 1, 0, 0, 0, 0); /* no longer among the pictures, and kept */
    assert_int_equal(f->report.left_out, 3);
    assert_int_equal(f->report.nomedia, 2);
    assert_string_equal(t.text, "other .noimage 0 0|sub .nomedia 0 0|");
    options.include_nomedia = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 4, 4, 0, 0, 0, 0);
    assert_int_equal(f->report.nomedia, 0);
    assert_ok(ingest_all(f)); /* it is remembered */
    assert_report(f, 4, 4, 0, 0, 0, 0);
    assert_sound(f);
}

static void a_marked_directory_that_is_named_is_a_root_of_its_own(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    write_text_file(f, "pictures/sub/.nomedia", "");
    assert_ok(ingest_one(f, "pictures/sub"));
    assert_report(f, 2, 2, 0, 0, 0, 0);
    glimpse_library_status *status = status_of(f);
    assert_int_equal(status->root_count, 2);
    glimpse_library_status_free(status);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0); /* the walk around it says nothing about them */
    assert_all_present(f, 3);
    assert_ok(ingest_all(f));
    assert_report(f, 3, 3, 0, 0, 0, 0);
}

static void only_new_troubles_are_told(void **state) {
    fixture *f = of(state);
    write_text_file(f, "pictures/bad.png", "no picture");
    told t = {0};
    glimpse_ingest_options options = options_for(f);
    options.left_out = note_left_out;
    options.user = &t;
    assert_ok(ingest_with(f, &options));
    assert_string_equal(t.text, "bad.png unusable 1 0|");
    assert_int_equal(f->report.newly_quarantined, 1);
    t.text[0] = '\0';
    assert_ok(ingest_with(f, &options));
    assert_string_equal(t.text, "");
    assert_int_equal(f->report.quarantined, 1);
    assert_int_equal(f->report.newly_quarantined, 0);
    options.retry_quarantined = 1;
    assert_ok(ingest_with(f, &options));
    assert_string_equal(t.text, "bad.png unusable 1 1|");
    assert_int_equal(f->report.newly_quarantined, 0);
    options.retry_quarantined = 0;
    t.text[0] = '\0';
    write_text_file(f, "pictures/bad.png", "still no picture");
    assert_ok(ingest_with(f, &options));
    assert_string_equal(t.text, "bad.png unusable 1 0|");
    assert_int_equal(f->report.newly_quarantined, 1);
}

static void a_single_file_is_taken_whatever_its_name(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_text_file(f, "pictures/odd.txt", "words");
    assert_ok(ingest_one(f, "pictures/a.ppm"));
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_ok(ingest_one(f, "pictures/a.ppm"));
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_ok(ingest_one(f, "pictures/odd.txt")); /* asked for by name: not ignored in silence */
    assert_report(f, 1, 0, 0, 0, 1, 0);
    remove_file(f, "pictures/a.ppm");
    assert_ok(ingest_one(f, "pictures/a.ppm"));
    assert_report(f, 0, 0, 0, 0, 0, 1);
    assert_sound(f);
}

static void a_root_through_a_link_is_the_same_root(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    assert_int_equal(symlink("pictures", at(f, "also")), 0);
    assert_ok(ingest_one(f, "also"));
    assert_report(f, 3, 3, 0, 0, 0, 0);
    assert_all_present(f, 3);
}

static void a_library_among_the_pictures_is_no_picture(void **state) {
    fixture *f = of(state);
    fixture_close_library(f);
    remove_tree(f->library_path);
    free(f->library_path);
    f->library_path = strdup(at(f, "pictures/.glimpse"));
    fixture_open_library(f);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);

    fixture_close_library(f);
    remove_tree(f->library_path);
    free(f->library_path);
    f->library_path = strdup(f->pictures); /* even in the directory itself, when it came first */
    assert_int_equal(glimpse_library_open(&f->library, f->library_path, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "not a library, and not empty (it has a.ppm)"));
    assert_int_equal(access(at(f, "pictures/lock"), F_OK), -1);
    assert_int_equal(unlink(at(f, "pictures/a.ppm")), 0);
    fixture_open_library(f);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0);
}

/* Runs `f` on its pictures as somebody without rights, when the test has them. 0: cannot. */
static int ingest_unprivileged(fixture *f) {
    const int privileged = geteuid() == 0;
    int status = GLIMPSE_OK;
    if (!privileged) {
        ingest(f);
        return 1;
    }
    if (chmod(f->directory, 0777) != 0) return 0;
    char command[PATH_MAX + 64];
    (void)snprintf(command, sizeof command, "chown -R 65534 '%s'", f->library_path);
    if (system(command) != 0) return 0;
    /* SQLite's temporary rights check the real owner of a directory as well: reopen as that user.
     */
    fixture_close_library(f);
    if (seteuid(65534) != 0) return 0;
    const int usable = access(f->directory, X_OK) == 0;
    if (usable) {
        status = glimpse_library_open(&f->library, f->library_path, 0);
        if (status == GLIMPSE_OK) {
            const glimpse_ingest_options options = options_for(f);
            status = ingest_with(f, &options);
        }
        fixture_close_library(f);
    }
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, GLIMPSE_OK);
    fixture_open_library(f);
    return usable;
}

static void a_directory_that_may_not_be_read_is_listed_and_its_files_kept(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    assert_int_equal(chmod(at(f, "pictures/sub"), 0), 0);
    const int usable = ingest_unprivileged(f);
    assert_int_equal(chmod(at(f, "pictures/sub"), 0755), 0);
    if (!usable) skip();
    assert_report(f, 2, 1, 0, 0, 1, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "pictures/sub 0 -3 cannot open the folder: Permission denied"));
    assert_non_null(strstr(dump, "pictures/sub/b.ppm 0 0 "));
    assert_non_null(strstr(dump, "pictures/sub/deep/c.ppm 0 0 "));
    free(dump);
    assert_sound(f);
    ingest(f); /* readable again: no longer listed */
    assert_report(f, 3, 3, 0, 0, 0, 0);
    dump = dump_catalog(f, 0);
    assert_null(strstr(dump, "pictures/sub 0"));
    assert_null(strstr(dump, "pictures/sub 1"));
    free(dump);
}

static void a_missing_file_in_a_directory_that_may_not_be_read_stays_missing(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    remove_file(f, "pictures/sub/b.ppm");
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 1);
    assert_int_equal(chmod(at(f, "pictures/sub"), 0), 0);
    const int usable = ingest_unprivileged(f);
    assert_int_equal(chmod(at(f, "pictures/sub"), 0755), 0);
    if (!usable) skip();
    assert_report(f, 2, 1, 0, 0, 1, 1);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "pictures/sub/b.ppm 1 0 "));
    free(dump);
}

static void a_file_that_may_not_be_read_is_tried_at_each_run(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/shut.ppm", 2);
    assert_int_equal(chmod(at(f, "pictures/shut.ppm"), 0), 0);
    const int usable = ingest_unprivileged(f);
    assert_int_equal(chmod(at(f, "pictures/shut.ppm"), 0644), 0); /* mtime stays */
    if (!usable) skip();
    assert_report(f, 2, 0, 1, 0, 1, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "shut.ppm 0 -3 cannot open the file: Permission denied"));
    free(dump);
    ingest(f);
    assert_report(f, 2, 1, 1, 0, 0, 0);
}

static void keeps_its_picture(fixture *f, const char *name) {
    for (int missing = 0; missing < 2; missing++) {
        write_picture(f, "pictures/a.ppm", 1);
        write_picture(f, name, 2);
        ingest(f);
        if (missing) { /* it was gone for a while */
            rename_to(f, name, "away.ppm");
            ingest(f);
            rename_to(f, "away.ppm", name);
        }
        assert_int_equal(chmod(at(f, name), 0), 0); /* its ctime is new */
        int usable = ingest_unprivileged(f);
        if (usable) assert_report(f, 2, 1, 0, 0, 1, 0);
        if (usable) usable = ingest_unprivileged(f); /* named until it can be read */
        if (usable) assert_report(f, 2, 1, 0, 0, 1, 0);
        glimpse_prune_report pruned = GLIMPSE_PRUNE_REPORT_INIT;
        assert_ok(glimpse_library_prune(&pruned, f->library, NULL));
        assert_int_equal(chmod(at(f, name), 0644), 0);
        if (!usable) skip();
        assert_int_equal(pruned.files + pruned.contents + pruned.embeddings, 0);
        char line[64];
        (void)snprintf(line, sizeof line, "%s 0 0 ", name);
        char *dump = dump_catalog(f, 0);
        assert_non_null(strstr(dump, line));
        free(dump);
        ingest(f);
        assert_report(f, 2, 2, 0, 0, 0, 0);
        assert_sound(f);
    }
}

static void a_file_that_may_not_be_read_any_more_keeps_its_picture(void **state) {
    keeps_its_picture(of(state), "pictures/shut.ppm");
}

/* Only its bytes say that it is a picture, and nobody sees them. */
static void so_does_one_without_an_ending(void **state) {
    keeps_its_picture(of(state), "pictures/shut");
}

typedef struct unplug {
    fixture *f;
    int done;
} unplug;

static int unplug_meanwhile(void *user, const glimpse_progress *p) {
    unplug *u = user;
    if (!u->done && p->embedded >= 1) {
        rename_to(u->f, "pictures", "unplugged");
        u->done = 1;
    }
    return 0;
}

static void a_root_unplugged_during_the_run_loses_nothing(void **state) {
    fixture *f = of(state);
    three_pictures(f);
    for (unsigned i = 0; i < 200; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/many/%u.ppm", 100 + i);
        write_picture(f, name, 100 + i);
    }
    unplug u = {f, 0};
    glimpse_ingest_options options = options_for(f);
    options.progress = unplug_meanwhile;
    options.user = &u;
    options.jobs = 1;
    f->fake.decode_us = 3000;
    assert_ok(ingest_with(f, &options));
    assert_true(u.done);
    assert_int_equal(f->report.missing, 0);
    assert_int_equal(f->report.offline_roots, 1);
    assert_int_equal(f->report.quarantined, 0); /* gone files are no broken files */
    assert_sound(f);
    rename_to(f, "unplugged", "pictures");
    f->fake.decode_us = 0;
    ingest(f);
    assert_report(f, 203, -1, -1, 0, 0, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(a_root_that_is_gone_is_offline),
        T(a_root_that_shows_nothing_is_offline),
        T(a_root_never_indexed_must_exist),
        T(what_is_not_there_keeps_nothing_else_from_being_indexed),
        T(an_empty_directory_is_fine),
        T(one_offline_root_does_not_keep_others_from_being_indexed),
        T(a_directory_below_a_root_is_looked_at_alone),
        T(a_deleted_directory_below_a_root_is_missing_with_its_root),
        T(roots_that_overlap_are_walked_once),
        T(a_hidden_root_looks_after_itself),
        T(a_volume_unplugged_inside_a_root_is_offline),
        T(files_given_one_by_one_are_no_roots),
        T(pruning_forgets_single_files_that_were_deleted),
        T(a_single_file_whose_directory_is_gone_is_missed_by_the_next_run),
        T(what_a_walk_leaves_out_is_kept_until_asked_for),
        T(what_patterns_and_links_leave_out_is_kept_as_well),
        T(a_single_file_in_a_hidden_directory_is_kept_by_walks_around_it),
        T(what_is_no_picture_any_more_is_gone_and_not_left_out),
        T(a_volume_with_nothing_but_left_out_files_can_be_offline),
        T(a_root_is_walked_again_as_the_last_time),
        T(what_lies_below_a_root_goes_by_its_patterns),
        T(a_root_inside_another_keeps_to_its_own_options),
        T(a_missing_file_of_a_root_inside_another_counts_once),
        T(senseless_refreshes_are_refused),
        T(marked_directories_are_left_out_and_told),
        T(a_marked_directory_that_is_named_is_a_root_of_its_own),
        T(only_new_troubles_are_told),
        T(a_single_file_is_taken_whatever_its_name),
        T(a_root_through_a_link_is_the_same_root),
        T(a_library_among_the_pictures_is_no_picture),
        T(a_directory_that_may_not_be_read_is_listed_and_its_files_kept),
        T(a_missing_file_in_a_directory_that_may_not_be_read_stays_missing),
        T(a_file_that_may_not_be_read_is_tried_at_each_run),
        T(a_file_that_may_not_be_read_any_more_keeps_its_picture),
        T(so_does_one_without_an_ending),
        T(a_root_unplugged_during_the_run_loses_nothing),
    };
#undef T
    return cmocka_run_group_tests_name("ingest roots", tests, NULL, NULL);
}
