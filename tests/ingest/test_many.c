/*
 * 10,000 files: that an unchanged directory costs next to nothing. Times are printed, not judged:
 * the machine may be busy. What is judged is that nothing was opened or decoded. And 10,000 files
 * in one directory, and one file below 1,900 directories, are walked.
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
        cmocka_unit_test_setup_teardown(two_thousand_levels_are_walked, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(ten_thousand_files_in_one_directory, make_directory,
                                        remove_directory),
    };
    return cmocka_run_group_tests_name("many files", tests, NULL, NULL);
}
