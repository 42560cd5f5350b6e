/*
 * What fails around a run: reads, the disk, the encoder, memory.
 *
 * malloc, calloc, realloc and strdup of the project's own code are wrapped by the linker, so that
 * the Nth allocation can be made to fail.
 */
#include "ingest_support.h"

#include "core/error.h"
#include "sqlite_store.h"

#include <errno.h>

/*
 * Allocations.
 */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static atomic_long allocations, failing_allocation; /* 0: none fails */

static int fails_now(void) {
    const long orientation = atomic_fetch_add(&allocations, 1) + 1;
    return orientation == atomic_load(&failing_allocation);
}

void *__wrap_malloc(size_t size) {
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return fails_now() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text) {
    return fails_now() ? NULL : __real_strdup(text);
}

/*
 * A slow walk: looking at names that begin with "slow" takes a while.
 */
int __real_fstatat(int directory, const char *name, struct stat *info, int flags);
int __wrap_fstatat(int directory, const char *name, struct stat *info, int flags);

int __wrap_fstatat(int directory, const char *name, struct stat *info, int flags) {
    if (strncmp(name, "slow", 4) == 0) (void)usleep(1500000);
    return __real_fstatat(directory, name, info, flags);
}

static int note_first_embedding(void *user, const glimpse_progress *p) {
    double *seconds = user;
    if (*seconds < 0 && p->embedded > 0 && !p->total_is_final) *seconds = p->seconds;
    return 0;
}

static void a_slow_walk_does_not_hold_up_what_was_found(void **state) {
    fixture *f = *state;
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/slow.ppm", 2);
    double seconds = -1;
    glimpse_ingest_options options = options_for(f);
    options.batch = 16; /* which does not fill */
    options.progress = note_first_embedding;
    options.user = &seconds;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 2, 0, 2, 0, 0, 0);
    assert_true(seconds > 0);
}

/*
 * Reads.
 */
static char watched[PATH_MAX]; /* part of a path */
static atomic_int reads_of_watched;
static const fixture *reading;

static int is_watched(int fd) {
    char link[64], path[PATH_MAX];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
    return watched[0] && strstr(path, watched) != NULL;
}

static ssize_t read_with_error(int fd, void *data, size_t size) {
    if (!is_watched(fd)) return read(fd, data, size);
    if (atomic_fetch_add(&reads_of_watched, 1) >= 1) {
        errno = EIO; /* the first block was fine */
        return -1;
    }
    return read(fd, data, size < 64 ? size : 64);
}

static ssize_t read_in_crumbs(int fd, void *data, size_t size) {
    static atomic_int orientation;
    const int now = atomic_fetch_add(&orientation, 1);
    if (now % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return read(fd, data, size < 7 ? size : 7);
}

/* Somebody writes to the file between the first block and the rest. */
static ssize_t read_while_written(int fd, void *data, size_t size) {
    const ssize_t got = read(fd, data, size);
    if (is_watched(fd) && atomic_fetch_add(&reads_of_watched, 1) == 0) {
        write_picture(reading, "pictures/changing.ppm", 77);
        touch_by(reading, "pictures/changing.ppm", 9);
    }
    return got;
}

static void watch_for(const fixture *f, const char *part) {
    (void)snprintf(watched, sizeof watched, "%s", part);
    atomic_store(&reads_of_watched, 0);
    reading = f;
}

static void a_read_error_is_quarantined_and_tried_again(void **state) {
    fixture *f = *state;
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/bad_sector.ppm", 2);
    write_picture(f, "pictures/c.ppm", 3);
    f->fake.engine.read = read_with_error;
    watch_for(f, "bad_sector");
    ingest(f);
    assert_report(f, 3, 0, 2, 0, 1, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "bad_sector.ppm 0 -3 cannot read the file: Input/output error"));
    free(dump);
    f->fake.engine.read = NULL;
    ingest(f);
    assert_report(f, 3, 2, 1, 0, 0, 0);
    assert_sound(f);
}

static void short_and_interrupted_reads_are_no_errors(void **state) {
    fixture *f = *state;
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    f->fake.engine.read = read_in_crumbs;
    ingest(f);
    assert_report(f, 2, 0, 2, 0, 0, 0);
    f->fake.engine.read = NULL;
    touch_by(f, "pictures/a.ppm", 5);
    ingest(f);
    assert_report(f, 2, 1, 0, 1, 0, 0); /* the same hash */
}

static void a_file_that_changes_while_read_is_looked_at_again(void **state) {
    fixture *f = *state;
    write_picture(f, "pictures/changing.ppm", 1);
    touch_by(f, "pictures/changing.ppm", -100);
    f->fake.engine.read = read_while_written;
    watch_for(f, "changing");
    ingest(f); /* whatever mixture was read */
    assert_int_equal(f->report.files, 1);
    f->fake.engine.read = NULL;
    ingest(f);
    assert_report(f, 1, 0, -1, -1, 0, 0); /* looked at again */
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_sound(f);
}

/*
 * The disk.
 */
static void many_pictures(fixture *f, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/a rather long folder name %u/%u.ppm", i % 9, i);
        write_picture(f, name, i);
    }
}

static void a_full_disk_stops_the_run_and_it_resumes(void **state) {
    fixture *f = *state;
    many_pictures(f, 1500);
    glimpse_db *db = glimpse_store_db(glimpse_library_store(f->library));
    /* More than an empty catalogue has, less than this one needs. */
    int64_t pages = 0;
    char limit[64];
    assert_ok(glimpse_db_integer(db, &pages, "SELECT page_count FROM pragma_page_count()", ""));
    (void)snprintf(limit, sizeof limit, "PRAGMA max_page_count = %lld", (long long)pages + 40);
    assert_ok(glimpse_db_script(db, limit));
    const glimpse_ingest_options options = options_for(f);
    const int status = ingest_with(f, &options);
    assert_int_equal(status, GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), "No space left"));
    const uint64_t embedded = f->report.embedded;
    assert_in_range(embedded, 1, 1499);
    assert_sound(f);
    assert_ok(glimpse_db_script(db, "PRAGMA max_page_count = 1000000"));
    ingest(f);
    assert_int_equal(f->report.files, 1500);
    assert_int_equal(f->report.embedded + f->report.unchanged, 1500);
    assert_true(f->report.unchanged > 0); /* earlier commits were kept */
    assert_sound(f);
}

/*
 * The encoder.
 */
static void an_encoder_that_cannot_be_made_stops_the_run(void **state) {
    fixture *f = *state;
    many_pictures(f, 50);
    f->fake.fail_creating = 1;
    const glimpse_ingest_options options = options_for(f);
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_NOMEM);
    assert_non_null(strstr(glimpse_last_error(), "no memory for an encoder"));
    assert_int_equal(f->report.missing, 0);
    assert_sound(f);
    f->fake.fail_creating = 0;
    ingest(f);
    assert_report(f, 50, 0, 50, 0, 0, 0);
    ingest(f); /* none needed for what is known */
    f->fake.fail_creating = 1;
    ingest(f);
    assert_report(f, 50, 50, 0, 0, 0, 0);
}

static void an_encoder_that_breaks_down_stops_the_run_and_keeps_what_was_done(void **state) {
    fixture *f = *state;
    many_pictures(f, 100);
    f->fake.fail_encoding_after = 10;
    const glimpse_ingest_options options = options_for(f);
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_INTERNAL);
    assert_non_null(strstr(glimpse_last_error(), "the encoder broke down"));
    assert_sound(f);
    f->fake.fail_encoding_after = 0;
    ingest(f);
    assert_int_equal(f->report.embedded + f->report.unchanged, 100);
    assert_in_range(f->report.unchanged, 20, 40); /* up to ten batches of four */
    assert_sound(f);
}

/*
 * Memory.
 */
static void pictures_beyond_the_limit_pass_one_at_a_time(void **state) {
    fixture *f = *state;
    many_pictures(f, 60);
    f->fake.engine.memory_limit = 100; /* each picture is estimated at more */
    f->fake.decode_us = 500;
    glimpse_ingest_options options = options_for(f);
    options.jobs = 8;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 60, 0, 60, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.max_decoding), 1);
    assert_in_range(f->report.peak_bytes, 100, 2 << 20);

    for (unsigned i = 0; i < 60; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/more %u.ppm", i);
        write_picture(f, name, 1000 + i);
    }
    f->fake.engine.memory_limit = 0;
    f->fake.decode_us = 5000;
    assert_ok(ingest_with(f, &options));
    assert_true(atomic_load(&f->fake.max_decoding) >= 2);
}

static void any_allocation_may_fail(void **state) {
    fixture *f = *state;
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/copy of a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    write_text_file(f, "pictures/sub/broken.png", "words");
    glimpse_ingest_options options = options_for(f);
    options.tiles = 1;
    options.jobs = 1;
    long runs = 0, failed = 0, last = 0, quarantined = 0;
    for (long n = 1;; n += 1 + n / 60) {
        fixture_close_library(f);
        remove_tree(f->library_path);
        fixture_open_library(f);
        atomic_store(&allocations, 0);
        atomic_store(&failing_allocation, n);
        const int status = ingest_with(f, &options);
        atomic_store(&failing_allocation, 0);
        const long used = atomic_load(&allocations);
        runs++;
        if (status < 0) {
            failed++;
            if (status != GLIMPSE_E_NOMEM) {
                fail_msg("allocation %ld: %s: %s", n, glimpse_status_name(status),
                         glimpse_last_error());
            }
        } else if (f->report.quarantined > 1) {
            quarantined++;
        }
        /* Whatever happened, it mends. */
        fixture_close_library(f);
        fixture_open_library(f);
        assert_sound(f);
        assert_ok(ingest_with(f, &options));
        assert_int_equal(f->report.files, 4);
        assert_int_equal(f->report.quarantined, 1);
        assert_sound(f);
        last = used;
        if (n > used) break;
    }
    print_message(
        "%ld runs of about %ld allocations: %ld failed as out of memory, %ld went on with "
        "a quarantined file\n",
        runs, last, failed, quarantined);
    assert_true(failed > 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(a_read_error_is_quarantined_and_tried_again),
        T(short_and_interrupted_reads_are_no_errors),
        T(a_file_that_changes_while_read_is_looked_at_again),
        T(a_slow_walk_does_not_hold_up_what_was_found),
        T(a_full_disk_stops_the_run_and_it_resumes),
        T(an_encoder_that_cannot_be_made_stops_the_run),
        T(an_encoder_that_breaks_down_stops_the_run_and_keeps_what_was_done),
        T(pictures_beyond_the_limit_pass_one_at_a_time),
        T(any_allocation_may_fail),
    };
#undef T
    return cmocka_run_group_tests_name("ingest, faults", tests, NULL, NULL);
}
