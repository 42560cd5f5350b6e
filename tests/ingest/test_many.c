/*
 * 10,000 files: that an unchanged directory costs next to nothing. Times are printed, not judged:
 * the machine may be busy. What is judged is that nothing was opened or decoded. Few and many
 * edited files are told from new ones. And 10,000 files in one directory, and one file below 1,900
 * directories, are walked.
 */
#include "ingest_support.h"
#include "support/temporary.h"
#include "walk.h"

#include <fcntl.h>

enum { FILES = 10000 };

static atomic_uint reads;

static ssize_t counting_read(int fd, void *data, size_t size) {
    (void)atomic_fetch_add(&reads, 1);
    return read(fd, data, size);
}

static void ten_thousand_unchanged_files_are_not_opened(void **state) {
    fixture *f = *state;
    for (unsigned i = 0; i < FILES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/year %u/%05u.ppm", 1990 + i % 30, i);
        write_picture(f, name, i);
    }
    f->fake.engine.read = counting_read;
    glimpse_ingest_options options = options_for(f);
    options.jobs = 0;
    options.batch = 0;
    assert_ok(ingest_with(f, &options));
    assert_report(f, FILES, 0, FILES, 0, 0, 0);
    assert_true(atomic_load(&reads) >= FILES);
    const glimpse_ingest_report *r = &f->report;
    print_message("%d new files of 155 bytes: %.2f s (read %.2f, decode %.2f, encode %.2f, commit "
                  "%.2f thread-seconds)\n",
                  FILES, r->seconds, r->busy_read, r->busy_decode, r->busy_encode, r->busy_commit);
    for (int run = 0; run < 3; run++) {
        atomic_store(&reads, 0);
        fixture_close_library(f);
        fixture_open_library(f);
        assert_ok(ingest_with(f, &options));
        assert_report(f, FILES, FILES, 0, 0, 0, 0);
        assert_int_equal(atomic_load(&reads), 0);
        assert_int_equal(atomic_load(&f->fake.decoded), 0);
        print_message("%d unchanged files: %.0f ms (%.1f ms per 1,000)\n", FILES, r->seconds * 1e3,
                      r->seconds * 1e6 / FILES);
    }
    /* A renamed directory: read and hashed again, nothing decoded. */
    rename_to(f, "pictures", "moved");
    char *moved = strdup(at(f, "moved"));
    options.roots = (const char *const *)&moved;
    assert_ok(ingest_with(f, &options));
    assert_report(f, FILES, 0, 0, FILES, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    print_message("%d moved files: %.2f s\n", FILES, r->seconds);
    free(moved);
}

enum { EDITED = 2400 };

/* Files come before the directories beside them in a walk, and among them in the catalogue. */
static void write_rated(const fixture *f, unsigned i, unsigned rating) {
    char name[64], text[64];
    (void)snprintf(name, sizeof name, i % 3 ? "pictures/%02u/%04u.pgm" : "pictures/%02u/%04u/a.pgm",
                   i % 20, i);
    (void)snprintf(text, sizeof text, "P2\n#%u\n2 1 255\n%u %u\n", rating, 10 + i % 200, i / 200);
    write_text_file(f, name, text);
}

/* Edited bytes took the place of the old ones, which takes knowing what these were. */
static void assert_nothing_left_behind(const fixture *f) {
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    options.dry_run = 1;
    assert_ok(glimpse_library_prune(&report, f->library, &options));
    assert_int_equal(report.contents, 0);
}

static void edited_files_are_recognised_wherever_they_lie_among_others(void **state) {
    static const unsigned one_in[] = {1, 700, 1, 2, 41, 3};
    fixture *f = *state;
    for (unsigned i = 0; i < EDITED; i++)
        write_rated(f, i, 0);
    ingest(f);
    assert_report(f, EDITED, 0, EDITED, 0, 0, 0);
    for (unsigned round = 0; round < sizeof one_in / sizeof *one_in; round++) {
        unsigned edited = 0;
        for (unsigned i = 0; i < EDITED; i += one_in[round], edited++)
            write_rated(f, i, 1 + round);
        ingest(f);
        assert_report(f, EDITED, (int)(EDITED - edited), 0, (int)edited, 0, 0);
        assert_int_equal(f->report.edited, edited);
        assert_nothing_left_behind(f);
        assert_sound(f);
    }
}

typedef struct walked {
    size_t count;
    char last[64]; /* name of the last file, to see that they come in order */
} walked;

static int note(void *user, const glimpse_walk_entry *entry) {
    walked *w = user;
    const char *name = strrchr(entry->path, '/') + 1;
    assert_int_equal(entry->status, 0);
    assert_true(strcmp(w->last, name) < 0);
    (void)snprintf(w->last, sizeof w->last, "%s", name);
    w->count++;
    return 0;
}

static void ten_thousand_files_in_one_directory(void **state) {
    (void)state;
    walked seen = {0};
    glimpse_walk_summary summary;
    for (int i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%05d.jpg", FILES - 1 - i);
        write_text_in_directory(name, "x");
    }
    assert_int_equal(glimpse_walk(temp_directory, NULL, note, &seen, &summary), 0);
    assert_int_equal(seen.count, FILES);
}

static void two_thousand_levels_are_walked(void **state) {
    (void)state;
    walked seen = {0};
    glimpse_walk_summary summary;
    char *back = getcwd(NULL, 0);
    assert_int_equal(chdir(temp_directory), 0);
    for (int i = 0; i < 1900; i++) {
        assert_int_equal(mkdir("d", 0777), 0);
        assert_int_equal(chdir("d"), 0);
    }
    int fd = open("deep.jpg", O_CREAT | O_WRONLY, 0666);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(chdir(back), 0);
    free(back);
    assert_int_equal(glimpse_walk(temp_directory, NULL, note, &seen, &summary), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(summary.directories, 1901);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_thousand_unchanged_files_are_not_opened, fixture_begin,
                                        fixture_end),
        cmocka_unit_test_setup_teardown(edited_files_are_recognised_wherever_they_lie_among_others,
                                        fixture_begin, fixture_end),
        cmocka_unit_test_setup_teardown(two_thousand_levels_are_walked, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(ten_thousand_files_in_one_directory, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests_name("many files", tests, NULL, NULL);
}
