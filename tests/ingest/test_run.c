/*
 * What a run does with files: embed, leave alone, bind, quarantine; and that how many workers do
 * it makes no difference.
 */
#include "ingest_support.h"

#include "sqlite_store.h"

#include <jansson.h>

#include <fcntl.h>
#include <time.h>

static fixture *of(void **state) {
    return *state;
}

static void forget_metadata(fixture *f) {
    glimpse_db *db = glimpse_store_db(glimpse_library_store(f->library));
    assert_ok(glimpse_db_script(db, "DELETE FROM metadata;"));
}

typedef struct wanted {
    const char *path, *taken, *from;
    int seen;
} wanted;

static int check_taken(void *user, const glimpse_library_file *file) {
    wanted *w = user;
    if (strcmp(file->path, w->path) != 0) return 0;
    if (w->taken) assert_string_equal(file->taken, w->taken);
    assert_string_equal(file->taken_from, w->from);
    w->seen++;
    return 0;
}

static void expect_taken(fixture *f, const char *relative, const char *taken, const char *from) {
    wanted w = {at(f, relative), taken, from, 0};
    assert_ok(glimpse_library_visit_files(f->library, check_taken, &w));
    assert_int_equal(w.seen, 1);
}

static void new_files_are_embedded_and_unchanged_ones_not_opened(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    write_text_file(f, "pictures/notes.txt", "not a picture");
    write_text_file(f, "pictures/list.csv", "a,b\n");
    ingest(f);
    assert_report(f, 2, 0, 2, 0, 0, 0);
    assert_sound(f);

    char *before = dump_catalog(f, 1);
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    char *after = dump_catalog(f, 1);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_touched_file_is_bound_again_not_embedded(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    touch_by(f, "pictures/a.ppm", 100);
    ingest(f);
    assert_report(f, 1, 0, 0, 1, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 0);
}

/* As in a library of an earlier version: nothing is known of what files say. */
static void files_that_were_never_asked_are_read_once_more_and_not_embedded(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    write_picture(f, "pictures/copy.ppm", 2);
    ingest(f);
    char *before = dump_catalog(f, 1);
    write_text_file(f, "pictures/a.xmp",
                    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                    "<rdf:Description xmlns:p='http://ns.adobe.com/photoshop/1.0/' "
                    "p:DateCreated='2019-07-04'/></rdf:RDF>");
    forget_metadata(f);
    ingest(f);
    assert_report(f, 3, 3, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    char *after = dump_catalog(f, 1);
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_sound(f);
    expect_taken(f, "pictures/a.ppm", "2019-07-04T00:00:00", "xmp");
}

static void write_dated_sidecar(fixture *f, const char *relative, const char *date) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
                   "<rdf:Description xmlns:p='http://ns.adobe.com/photoshop/1.0/' "
                   "p:DateCreated='%s'/></rdf:RDF>",
                   date);
    write_text_file(f, relative, text);
}

static void a_sidecar_that_comes_changes_or_goes_is_noticed(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/sub/a.ppm", 1);
    write_picture(f, "pictures/sub/b.ppm", 2);
    ingest(f);
    write_dated_sidecar(f, "pictures/sub/a.xmp", "2019-07-04");
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    expect_taken(f, "pictures/sub/a.ppm", "2019-07-04T00:00:00", "xmp");
    write_dated_sidecar(f, "pictures/sub/a.xmp", "2018-11-12");
    touch_by(f, "pictures/sub/a.xmp", 5);
    ingest(f);
    expect_taken(f, "pictures/sub/a.ppm", "2018-11-12T00:00:00", "xmp");
    write_dated_sidecar(f, "pictures/sub/a.ppm.xmp", "2017-01-02");
    ingest(f);
    expect_taken(f, "pictures/sub/a.ppm", "2017-01-02T00:00:00", "xmp");
    /* Nothing new: nothing is read. */
    char *before = dump_catalog(f, 1);
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    char *after = dump_catalog(f, 1);
    assert_string_equal(before, after);
    free(before);
    free(after);
    remove_file(f, "pictures/sub/a.ppm.xmp");
    ingest(f);
    expect_taken(f, "pictures/sub/a.ppm", "2018-11-12T00:00:00", "xmp");
    rename_to(f, "pictures/sub/a.xmp", "pictures/sub/b.XMP"); /* the last one of its directory */
    ingest(f);
    expect_taken(f, "pictures/sub/b.ppm", "2018-11-12T00:00:00", "xmp");
    wanted w = {at(f, "pictures/sub/a.ppm"), NULL, "file", 0};
    assert_ok(glimpse_library_visit_files(f->library, check_taken, &w));
    assert_int_equal(w.seen, 1);
    assert_sound(f);
}

static void expect_from(fixture *f, const char *relative, const char *from) {
    wanted w = {at(f, relative), NULL, from, 0};
    assert_ok(glimpse_library_visit_files(f->library, check_taken, &w));
    assert_int_equal(w.seen, 1);
}

/* Two files of the same bytes, one with a sidecar. */
static void write_copies(fixture *f) {
    write_picture(f, "pictures/a/x.ppm", 1);
    write_picture(f, "pictures/b/x.ppm", 1);
    write_dated_sidecar(f, "pictures/a/x.ppm.xmp", "2019-07-04");
    ingest(f);
    assert_report(f, 2, 0, 1, 1, 0, 0);
}

static void copies_say_what_their_own_sidecars_say(void **state) {
    fixture *f = of(state);
    write_copies(f);
    for (int round = 0; round < 3; round++) {
        expect_taken(f, "pictures/a/x.ppm", "2019-07-04T00:00:00", "xmp");
        expect_from(f, "pictures/b/x.ppm", "file");
        touch_by(f, round ? "pictures/a/x.ppm" : "pictures/b/x.ppm", 10 + round);
        ingest(f);
        assert_report(f, 2, 1, 0, 1, 0, 0);
    }
    write_dated_sidecar(f, "pictures/b/x.xmp", "2016-05-06");
    remove_file(f, "pictures/a/x.ppm.xmp");
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    expect_from(f, "pictures/a/x.ppm", "file");
    expect_taken(f, "pictures/b/x.ppm", "2016-05-06T00:00:00", "xmp");
    assert_sound(f);
}

/* Before schema 12 what a sidecar says was kept with the bytes. */
static void what_sidecars_said_of_copies_is_taken_apart_in_an_old_library(void **state) {
    fixture *f = of(state);
    for (int gone = 0; gone < 2; gone++) {
        if (gone == 0) write_copies(f);
        glimpse_db *db = glimpse_store_db(glimpse_library_store(f->library));
        assert_ok(glimpse_db_script(
            db, "UPDATE content SET taken = '2019-07-04T00:00:00';"
                "UPDATE content SET sum = " GLIMPSE_CONTENT_SUM ";"
                "UPDATE metadata SET taken_from = 2;"
                "UPDATE metadata SET sum = " GLIMPSE_METADATA_SUM ";"
                "CREATE TABLE old (file_id INTEGER PRIMARY KEY REFERENCES file (id)"
                " ON DELETE CASCADE, stamp INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
                "INSERT INTO old SELECT file_id, stamp, glimpse_sum(file_id, stamp) FROM sidecar;"
                "DROP TABLE sidecar; ALTER TABLE old RENAME TO sidecar;"
                "ALTER TABLE model DROP COLUMN is_default; "
                "ALTER TABLE file DROP COLUMN ctime_ns; ALTER TABLE file DROP COLUMN left_out;"
                "DROP TRIGGER part_added; DROP TRIGGER part_removed;"
                "ALTER TABLE root_options DROP COLUMN tiles; ALTER TABLE model DROP COLUMN parts;"
                "ALTER TABLE model DROP COLUMN parts_generation;"
                "ALTER TABLE model DROP COLUMN parts_digest; DROP TABLE background;"
                "DROP TABLE signature;"
                "DROP TABLE collection_picture; DROP TABLE collection;"
                "DROP TABLE fact_word; DROP TABLE fact; DROP TABLE fact_text;"
                "DROP INDEX picture_added; ALTER TABLE picture DROP COLUMN added;"
                "PRAGMA user_version = 11"));
        glimpse_library_close(f->library);
        if (gone) remove_file(f, "pictures/a/x.ppm.xmp");
        assert_ok(glimpse_library_open(&f->library, at(f, "library"), 0));
        assert_sound(f);
        ingest(f);
        assert_report(f, 2, 2, 0, 0, 0, 0);
        if (gone) {
            expect_from(f, "pictures/a/x.ppm", "file");
        } else {
            expect_taken(f, "pictures/a/x.ppm", "2019-07-04T00:00:00", "xmp");
        }
        expect_from(f, "pictures/b/x.ppm", "file");
        assert_sound(f);
    }
}

/* Pictures that are known by their pixels are asked about twice, and say what they say once. */
static void what_an_upgrade_reads_is_what_indexing_reads(void **state) {
    fixture *f = of(state);
    write_copies(f);
    char *before = dump_catalog(f, 1);
    glimpse_db *db = glimpse_store_db(glimpse_library_store(f->library));
    assert_ok(glimpse_db_script(
        db, "UPDATE picture SET identity = NULL,"
            " sum = glimpse_sum(hash, size, NULL, width, height, orientation, format);"
            "DELETE FROM metadata; DELETE FROM sidecar;"
            "INSERT INTO unfinished VALUES ('identities')"));
    assert_ok(glimpse_library_identify(f->library, 0, NULL, NULL));
    char *after = dump_catalog(f, 1);
    assert_string_equal(before, after);
    free(before);
    free(after);
    expect_taken(f, "pictures/a/x.ppm", "2019-07-04T00:00:00", "xmp");
    expect_from(f, "pictures/b/x.ppm", "file");
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    assert_sound(f);
}

static void a_changed_file_is_embedded_anew(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    write_picture(f, "pictures/a.ppm", 2); /* same size */
    touch_by(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_sound(f);
}

/* exiftool -P, and two files that change places. */
static void a_changed_file_of_the_same_size_and_mtime_is_seen(void **state) {
    fixture *f = of(state);
    struct stat before;
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_int_equal(stat(at(f, "pictures/a.ppm"), &before), 0);
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    write_picture(f, "pictures/a.ppm", 2);
    assert_int_equal(utimensat(AT_FDCWD, at(f, "pictures/a.ppm"), times, 0), 0);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    /* Other permissions: read once, and unchanged. */
    assert_int_equal(chmod(at(f, "pictures/a.ppm"), 0600), 0);
    for (int round = 0; round < 2; round++) {
        ingest(f);
        assert_report(f, 1, 1, 0, 0, 0, 0);
    }
    assert_sound(f);
}

/* It counts as found once it turned out to be a picture, also where nothing changed. */
static void a_file_without_an_ending_is_counted_when_only_its_permissions_changed(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/noname", 1);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_int_equal(chmod(at(f, "pictures/noname"), 0600), 0);
    for (int round = 0; round < 2; round++) {
        ingest(f);
        assert_report(f, 1, 1, 0, 0, 0, 0);
    }
    assert_sound(f);
}

static void reading_a_file_leaves_its_access_time_alone(void **state) {
    const struct timespec times[2] = {{1000000000, 5}, {1100000000, 0}}; /* due for a new one */
    fixture *f = *state;
    struct stat info;
    write_picture(f, "pictures/a.ppm", 1);
    assert_int_equal(utimensat(AT_FDCWD, at(f, "pictures/a.ppm"), times, 0), 0);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
    assert_int_equal(stat(at(f, "pictures/a.ppm"), &info), 0);
    assert_int_equal(info.st_atim.tv_sec, times[0].tv_sec);
    assert_int_equal(info.st_atim.tv_nsec, times[0].tv_nsec);
}

/* PPM has no walker that would tell pixels from comments. */
static void write_commented(const fixture *f, const char *relative, unsigned char grey,
                            const char *comment) {
    char text[64];
    (void)snprintf(text, sizeof text, "P2\n#%s\n2 1 255\n%u 7\n", comment, grey);
    write_text_file(f, relative, text);
}

/* How many prune would forget. */
static uint64_t bytes_without_a_file(const fixture *f) {
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    options.dry_run = 1;
    assert_ok(glimpse_library_prune(&report, f->library, &options));
    return report.contents;
}

static void edit(fixture *f, const char *name, const char *comment, uint64_t edited,
                 uint64_t without_a_file) {
    write_commented(f, name, 50, comment);
    ingest(f);
    assert_int_equal(f->report.bound, 1);
    assert_int_equal(f->report.embedded, 0);
    assert_int_equal(f->report.edited, edited);
    assert_int_equal(bytes_without_a_file(f), without_a_file);
    assert_sound(f);
}

static void bytes_that_nothing_shows_any_more_give_way_to_the_edited_ones(void **state) {
    fixture *f = *state;
    write_commented(f, "pictures/a.pgm", 50, "first");
    write_commented(f, "pictures/copy.pgm", 50, "first");
    ingest(f);
    edit(f, "pictures/a.pgm", "rated 4", 1, 0); /* the copy shows the first */
    edit(f, "pictures/a.pgm", "rated 5, and longer", 1, 0);
    edit(f, "pictures/copy.pgm", "rated 5, and longer", 0, 1); /* known: the first are left */
    edit(f, "pictures/copy.pgm", "rated 3", 1, 1);
    edit(f, "pictures/a.pgm", "first", 0, 1); /* known as well: now 5 are left */
}

static void a_picture_known_by_its_pixels_is_decoded_once_and_not_encoded_again(void **state) {
    fixture *f = *state;
    write_commented(f, "pictures/a.pgm", 50, "first");
    write_commented(f, "pictures/b.pgm", 60, "first");
    write_commented(f, "pictures/copy.pgm", 50, "of another comment");
    ingest(f);
    assert_report(f, 3, 0, 2, 1, 0, 0);
    assert_int_equal(f->report.edited, 1);
    assert_int_equal(atomic_load(&f->fake.decoded), 2);
    assert_int_equal(atomic_load(&f->fake.from_bytes), 0);

    write_commented(f, "pictures/a.pgm", 50, "rated 4");
    write_commented(f, "pictures/moved.pgm", 60, "rated 5");
    remove_file(f, "pictures/b.pgm");
    ingest(f);
    assert_report(f, 3, 1, 0, 2, 0, 1);
    assert_int_equal(f->report.edited, 2);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);

    write_commented(f, "pictures/a.pgm", 51, "rated 4");
    ingest(f);
    assert_report(f, 3, 2, 1, 0, 0, 1);

    write_dated_sidecar(f, "pictures/a.xmp", "2019-07-04");
    write_commented(f, "pictures/a.pgm", 51, "rated 5");
    ingest(f);
    assert_report(f, 3, 2, 0, 1, 0, 1);
    expect_taken(f, "pictures/a.pgm", "2019-07-04T00:00:00", "xmp");
    assert_sound(f);
}

static void a_rename_binds_and_the_old_name_is_missing(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/keep.ppm", 2);
    ingest(f);
    rename_to(f, "pictures/a.ppm", "pictures/z.ppm");
    ingest(f);
    assert_report(f, 2, 1, 0, 1, 0, 1);
    assert_int_equal(atomic_load(&f->fake.encoded), 0);
    assert_sound(f);
}

static void equal_files_are_embedded_once(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < 40; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02u.ppm", i);
        write_picture(f, name, i % 3);
    }
    f->fake.decode_us = 2000; /* so that copies meet the first one in flight */
    ingest(f);
    assert_report(f, 40, 0, 3, 37, 0, 0);
    assert_int_equal(atomic_load(&f->fake.encoded), 3);
    assert_int_equal(atomic_load(&f->fake.decoded), 3);
    assert_sound(f);
    write_picture(f, "pictures/new copy.ppm", 1);
    ingest(f);
    assert_report(f, 41, 40, 0, 1, 0, 0);
}

static void a_deleted_file_is_missing_and_comes_back_without_embedding(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    ingest(f);
    rename_to(f, "pictures/a.ppm", "away.ppm");
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 1);
    ingest(f); /* still missing, not missing twice */
    assert_report(f, 1, 1, 0, 0, 0, 1);
    rename_to(f, "away.ppm", "pictures/a.ppm");
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    char *dump = dump_catalog(f, 0);
    assert_null(strstr(dump, "a.ppm 1"));
    free(dump);
}

static void a_moved_directory_is_bound_by_content(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < 20; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/d%u/%u.ppm", i % 4, i);
        write_picture(f, name, i);
    }
    ingest(f);
    rename_to(f, "pictures", "moved");
    char *moved = strdup(at(f, "moved"));
    glimpse_ingest_options options = options_for(f);
    options.roots = (const char *const *)&moved;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 20, 0, 0, 20, 0, 0);
    assert_int_equal(atomic_load(&f->fake.encoded), 0);
    assert_sound(f);
    free(moved);
}

static void broken_files_are_quarantined_with_their_reason(void **state) {
    fixture *f = of(state);
    write_text_file(f, "pictures/text.png", "this is text\n");
    write_text_file(f, "pictures/empty.jpg", "");
    write_bytes_file(f, "pictures/cut.ppm", "P6\n800 600\n255\nabc", 18);
    write_bytes_file(f, "pictures/huge.ppm", "P6\n80000 60000\n255\nabc", 22);
    write_picture(f, "pictures/good.ppm", 1);
    ingest(f);
    assert_report(f, 5, 0, 1, 0, 4, 0);
    assert_int_equal(f->report.newly_quarantined, 4);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "pictures/text.png 0 -4 not a picture in a format known here"));
    assert_non_null(strstr(dump, "pictures/empty.jpg 0 -4 the file is empty"));
    assert_non_null(strstr(dump, "pictures/cut.ppm 0 -4 "));
    assert_non_null(strstr(dump, "pictures/huge.ppm 0 -6 "));
    assert_null(strstr(dump, "picture: "));
    free(dump);
    assert_sound(f);

    /* Left alone while unchanged, */
    ingest(f);
    assert_report(f, 5, 1, 0, 0, 4, 0);
    assert_int_equal(f->report.newly_quarantined, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 0);
    /* looked at again when asked, */
    glimpse_ingest_options options = options_for(f);
    options.retry_quarantined = 1;
    options.max_pixels = 4; /* and the good one is not */
    assert_ok(ingest_with(f, &options));
    assert_report(f, 5, 1, 0, 0, 4, 0);
    /* and when mended. */
    write_picture(f, "pictures/text.png", 7);
    touch_by(f, "pictures/text.png", 5);
    ingest(f);
    assert_report(f, 5, 1, 1, 0, 3, 0);
    assert_sound(f);
}

static void a_good_file_that_breaks_is_quarantined_and_mends(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    write_text_file(f, "pictures/a.ppm", "oops");
    ingest(f);
    assert_report(f, 1, 0, 0, 0, 1, 0);
    assert_sound(f);
    write_picture(f, "pictures/a.ppm", 1);
    ingest(f);
    assert_report(f, 1, 0, 0, 1, 0, 0); /* its content is still known */
    assert_sound(f);
}

static void copies_of_a_broken_file_share_its_fate(void **state) {
    fixture *f = of(state);
    for (int i = 0; i < 12; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02d.ppm", i);
        write_bytes_file(f, name, "P6\n800 600\n255\nabc", 18);
    }
    f->fake.decode_us = 3000;
    ingest(f);
    assert_report(f, 12, 0, 0, 0, 12, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "contents 0, embeddings 0"));
    free(dump);
}

static void names_without_a_known_ending_are_told_by_their_bytes(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/no_ending", 1);
    write_picture(f, "pictures/photo.backup1", 2);
    write_text_file(f, "pictures/README", "words");
    write_text_file(f, "pictures/data.xyz", "words");
    write_text_file(f, "pictures/empty", "");
    static const unsigned char tga[32] = {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0};
    write_bytes_file(f, "pictures/maybe_tga", tga,
                     sizeof tga); /* no signature: not worth a guess */
    ingest(f);
    assert_report(f, 2, 0, 2, 0, 0, 0);
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    write_text_file(f, "pictures/no_ending", "became words");
    ingest(f);
    assert_report(f, 1, 1, 0, 0, 0, 1);
}

static void excluded_files_are_left_out_and_leave(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/raw/b.ppm", 2);
    write_picture(f, "pictures/a_small.ppm", 3);
    const char *patterns[] = {"raw", "*_small.*"};
    glimpse_ingest_options options = options_for(f);
    options.exclude = patterns;
    options.exclude_count = 2;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 1, 0, 1, 0, 0, 0);
    glimpse_ingest_options anew = options_for(f);
    anew.forget_options = 1;
    assert_ok(ingest_with(f, &anew));
    assert_report(f, 3, 1, 2, 0, 0, 0);
    assert_ok(ingest_with(f, &options)); /* excluded later: no longer among the pictures */
    assert_report(f, 1, 1, 0, 0, 0, 0);
    assert_int_equal(f->report.left_out, 2);
    assert_ok(ingest_with(f, &anew));
    assert_report(f, 3, 3, 0, 0, 0, 0);
}

static void another_model_embeds_again_beside_the_first(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_picture(f, "pictures/copy.ppm", 1);
    ingest(f);
    f->fake.engine.key.fingerprint = "ffffffffffffffffffffffffffffffff";
    ingest(f);
    assert_report(f, 2, 0, 1, 1, 0, 0);
    ingest(f);
    assert_report(f, 2, 2, 0, 0, 0, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "contents 1, embeddings 2"));
    free(dump);
    assert_sound(f);
}

static void pictures_without_a_usable_vector_are_quarantined(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    write_marked_picture(f, "pictures/nomem.ppm", 2, FIRST_PIXEL_NOMEM);
    write_marked_picture(f, "pictures/zero.ppm", 3, FIRST_PIXEL_ZERO_VECTOR);
    write_marked_picture(f, "pictures/nan.ppm", 4, FIRST_PIXEL_NAN);
    ingest(f);
    assert_report(f, 4, 0, 1, 0, 3, 0);
    char *dump = dump_catalog(f, 0);
    assert_non_null(strstr(dump, "nomem.ppm 0 -7 out of memory"));
    assert_non_null(strstr(dump, "contents 1, embeddings 1"));
    free(dump);
    /* Memory may be there next time: tried again without being asked, the others not. */
    write_marked_picture(f, "dummy.ppm", 1, 1);
    ingest(f);
    assert_report(f, 4, 1, 0, 0, 3, 0);
    assert_int_equal(f->report.newly_quarantined, 0);
    assert_int_equal(atomic_load(&f->fake.decoded), 1);
    assert_sound(f);
}

static void a_mixed_tree(fixture *f) {
    for (unsigned i = 0; i < 150; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u/%u.ppm", i % 7, i);
        if (i % 10 == 9)
            write_text_file(f, name, i % 20 == 9 ? "broken" : "P6\n99 99\n255\n");
        else
            write_picture(f, name, i % 60);
    }
    write_picture(f, "pictures/plain", 1000);
    write_text_file(f, "pictures/readme", "words");
}

static void jobs_and_batches_make_no_difference(void **state) {
    fixture *f = of(state);
    a_mixed_tree(f);
    static const struct {
        unsigned jobs, batch;
    } modes[] = {{1, 1}, {1, 16}, {2, 3}, {8, 5}, {16, 64}};
    char *expected = NULL;
    glimpse_ingest_report first = GLIMPSE_INGEST_REPORT_INIT;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        glimpse_ingest_options options = options_for(f);
        options.jobs = modes[i].jobs;
        options.batch = modes[i].batch;
        assert_ok(ingest_with(f, &options));
        assert_sound(f);
        char *dump = dump_catalog(f, 1);
        if (!expected) {
            expected = dump;
            first = f->report;
            assert_report(f, 151, 0, -1, -1, 15, 0);
        } else {
            assert_string_equal(dump, expected);
            free(dump);
            assert_int_equal(f->report.files, first.files);
            assert_int_equal(f->report.embedded, first.embedded);
            assert_int_equal(f->report.bound, first.bound);
            assert_int_equal(f->report.quarantined, first.quarantined);
        }
        assert_in_range(atomic_load(&f->fake.largest_batch), 1, modes[i].batch);
        fixture_close_library(f);
        remove_tree(f->library_path);
        fixture_open_library(f);
    }
    free(expected);
}

typedef struct watch {
    unsigned calls, stop_at;
    uint64_t last_done, last_total, stop_after_embedded;
    double last_seconds;
    int final_seen, wrong;
} watch;

static int look(void *user, const glimpse_progress *p) {
    watch *w = user;
    w->calls++;
    if (p->done < w->last_done || p->done > p->total || p->seconds < w->last_seconds) w->wrong = 1;
    if (!p->path || !p->stage) w->wrong = 1;
    if (p->embedded + p->unchanged + p->bound + p->quarantined > p->total) w->wrong = 1;
    w->last_done = p->done;
    w->last_total = p->total;
    w->last_seconds = p->seconds;
    if (p->total_is_final && strcmp(p->stage, "done") == 0) w->final_seen = 1;
    if (w->stop_after_embedded && p->embedded >= w->stop_after_embedded) return 1;
    return w->stop_at && w->calls >= w->stop_at;
}

static void progress_is_told_and_adds_up(void **state) {
    fixture *f = of(state);
    a_mixed_tree(f);
    watch w = {0};
    f->fake.decode_us = 5000;
    glimpse_ingest_options options = options_for(f);
    options.progress = look;
    options.user = &w;
    assert_ok(ingest_with(f, &options));
    assert_true(w.calls >= 2);
    assert_false(w.wrong);
    assert_true(w.final_seen);
    assert_int_equal(w.last_done, w.last_total);
    assert_int_equal(w.last_total, f->report.files);
    assert_true(w.calls <= 12 + f->report.seconds * 11);
    const glimpse_ingest_report *r = &f->report;
    assert_int_equal(r->files, r->unchanged + r->embedded + r->bound + r->quarantined);
    assert_true(r->busy_decode > 0 && r->busy_commit > 0 && r->seconds > 0);
    assert_true(r->peak_bytes > 0);
}

static void a_cancelled_run_keeps_what_it_did_and_resumes(void **state) {
    fixture *f = of(state);
    for (unsigned i = 0; i < 200; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        write_picture(f, name, i);
    }
    watch w = {.stop_after_embedded = 30};
    f->fake.encode_us = 5000;
    glimpse_ingest_options options = options_for(f);
    options.progress = look;
    options.user = &w;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_CANCELLED);
    const uint64_t embedded = f->report.embedded;
    assert_in_range(embedded, 30, 190);
    assert_int_equal(f->report.missing, 0);
    assert_sound(f);
    f->fake.encode_us = 0;
    ingest(f);
    assert_report(f, 200, (int)embedded, 200 - (int)embedded, 0, 0, 0);
    assert_sound(f);
}

static void cancelling_at_once_is_clean(void **state) {
    fixture *f = of(state);
    a_mixed_tree(f);
    for (unsigned stop = 1; stop < 4; stop++) {
        watch w = {.stop_at = stop};
        f->fake.decode_us = 2000;
        glimpse_ingest_options options = options_for(f);
        options.progress = look;
        options.user = &w;
        (void)ingest_with(f, &options);
        assert_sound(f);
    }
    ingest(f);
    assert_report(f, 151, -1, -1, -1, 15, 0);
}

static void only_one_writer_at_a_time(void **state) {
    fixture *f = of(state);
    write_picture(f, "pictures/a.ppm", 1);
    glimpse_library *other = NULL;
    assert_ok(glimpse_library_open(&other, f->library_path, 0));
    assert_ok(glimpse_library_lock(other, "testing"));
    const glimpse_ingest_options options = options_for(f);
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_BUSY);
    glimpse_library_unlock(other);
    glimpse_library_close(other);
    ingest(f);
    assert_report(f, 1, 0, 1, 0, 0, 0);
}

static void senseless_options_are_refused(void **state) {
    fixture *f = of(state);
    glimpse_ingest_options options = options_for(f);
    options.size = 0;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_INVALID);
    options = options_for(f);
    options.root_count = 0;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_INVALID);
    options = options_for(f);
    options.jobs = 1000000;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_LIMIT);
}

static void odd_names_go_through(void **state) {
    fixture *f = of(state);
    static const char *const names[] = {"pictures/new\nline.ppm", "pictures/\xff\xfe.ppm",
                                        "pictures/it's \"quoted\" 100%s.ppm",
                                        "pictures/ leading and trailing .ppm", "pictures/;--.ppm"};
    for (unsigned i = 0; i < 5; i++)
        write_picture(f, names[i], i);
    ingest(f);
    assert_report(f, 5, 0, 5, 0, 0, 0);
    ingest(f);
    assert_report(f, 5, 5, 0, 0, 0, 0);
    assert_sound(f);
}

static void links_to_files_are_files_of_their_own(void **state) {
    fixture *f = of(state);
    write_picture(f, "elsewhere/a.ppm", 1);
    write_picture(f, "pictures/b.ppm", 2);
    assert_int_equal(symlink("../elsewhere/a.ppm", at(f, "pictures/link.ppm")), 0);
    assert_int_equal(symlink("nowhere.ppm", at(f, "pictures/broken.ppm")), 0);
    assert_int_equal(symlink("../elsewhere", at(f, "pictures/folder")), 0);
    ingest(f);
    assert_report(f, 3, 0, 2, 0, 1, 0);
    ingest(f); /* a broken link is tried at each run */
    assert_report(f, 3, 2, 0, 0, 1, 0);
    assert_int_equal(f->report.newly_quarantined, 0);
    write_picture(f, "pictures/nowhere.ppm", 3);
    ingest(f);
    assert_report(f, 4, 2, 1, 1, 0, 0);
    /* The target of a link that was fine goes: missing. */
    rename_to(f, "elsewhere", "gone");
    ingest(f);
    assert_report(f, 3, 3, 0, 0, 0, 1);
    rename_to(f, "gone", "elsewhere");
    glimpse_ingest_options options = options_for(f);
    options.follow_links = 1;
    assert_ok(ingest_with(f, &options));
    assert_report(f, 5, 4, 0, 1, 0, 0);
    assert_sound(f);
}

static void a_profile_has_a_span_for_everything_that_was_done(void **state) {
    fixture *f = *state;
    for (unsigned i = 0; i < 20; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/a \"quoted\" \x01\xff %02u.ppm", i);
        write_picture(f, name, i);
    }
    glimpse_ingest_options options = options_for(f);
    char *profile = strdup(at(f, "trace.json"));
    options.profile = profile;
    options.jobs = 2;
    assert_ok(ingest_with(f, &options));
    json_error_t trouble;
    json_t *trace = json_load_file(profile, 0, &trouble);
    if (!trace) fail_msg("%s:%d: %s", profile, trouble.line, trouble.text);
    size_t decoded = 0, read = 0, encoded = 0, commits = 0, names = 0;
    for (size_t i = 0; i < json_array_size(trace); i++) {
        const json_t *event = json_array_get(trace, i);
        const char *name = json_string_value(json_object_get(event, "name"));
        assert_non_null(name);
        if (strcmp(name, "thread_name") == 0) {
            names++;
            continue;
        }
        assert_true(json_integer_value(json_object_get(event, "ts")) >= 0);
        assert_true(json_integer_value(json_object_get(event, "dur")) >= 0);
        decoded += strcmp(name, "decode") == 0;
        read += strcmp(name, "read and hash") == 0;
        encoded += strcmp(name, "encode") == 0;
        commits += strcmp(name, "commit") == 0;
    }
    assert_int_equal(decoded, 20);
    assert_int_equal(read, 20);
    assert_true(encoded >= 1 && commits >= 1);
    assert_int_equal(names, 4); /* catalogue, walk, two workers */
    json_decref(trace);

    /* A place that cannot be written is said before anything is done. */
    free(profile);
    profile = strdup(at(f, "no/such/folder/trace.json"));
    options.profile = profile;
    assert_int_equal(ingest_with(f, &options), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "trace.json"));
    free(profile);
}

static void worker_time_is_accounted_for(void **state) {
    fixture *f = *state;
    f->fake.decode_us = 2000;
    for (unsigned i = 0; i < 30; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%02u.ppm", i);
        write_picture(f, name, i);
    }
    glimpse_ingest_options options = options_for(f);
    options.jobs = 2;
    assert_ok(ingest_with(f, &options));
    const glimpse_ingest_report *r = &f->report;
    assert_int_equal(r->jobs, 2);
    assert_true(r->busy_decode >= 30 * 0.002);
    assert_true(r->pipeline_seconds <= r->seconds);
    assert_true(r->busy_read + r->busy_decode + r->busy_encode <= 2.0 * r->pipeline_seconds);
    f->fake.decode_us = 0;
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(new_files_are_embedded_and_unchanged_ones_not_opened),
        T(a_touched_file_is_bound_again_not_embedded),
        T(files_that_were_never_asked_are_read_once_more_and_not_embedded),
        T(a_sidecar_that_comes_changes_or_goes_is_noticed),
        T(copies_say_what_their_own_sidecars_say),
        T(what_sidecars_said_of_copies_is_taken_apart_in_an_old_library),
        T(what_an_upgrade_reads_is_what_indexing_reads),
        T(a_changed_file_is_embedded_anew),
        T(reading_a_file_leaves_its_access_time_alone),
        T(bytes_that_nothing_shows_any_more_give_way_to_the_edited_ones),
        T(a_changed_file_of_the_same_size_and_mtime_is_seen),
        T(a_file_without_an_ending_is_counted_when_only_its_permissions_changed),
        T(a_picture_known_by_its_pixels_is_decoded_once_and_not_encoded_again),
        T(a_rename_binds_and_the_old_name_is_missing),
        T(equal_files_are_embedded_once),
        T(a_deleted_file_is_missing_and_comes_back_without_embedding),
        T(a_moved_directory_is_bound_by_content),
        T(broken_files_are_quarantined_with_their_reason),
        T(a_good_file_that_breaks_is_quarantined_and_mends),
        T(copies_of_a_broken_file_share_its_fate),
        T(names_without_a_known_ending_are_told_by_their_bytes),
        T(excluded_files_are_left_out_and_leave),
        T(another_model_embeds_again_beside_the_first),
        T(pictures_without_a_usable_vector_are_quarantined),
        T(jobs_and_batches_make_no_difference),
        T(progress_is_told_and_adds_up),
        T(a_cancelled_run_keeps_what_it_did_and_resumes),
        T(cancelling_at_once_is_clean),
        T(only_one_writer_at_a_time),
        T(senseless_options_are_refused),
        T(odd_names_go_through),
        T(links_to_files_are_files_of_their_own),
        T(a_profile_has_a_span_for_everything_that_was_done),
        T(worker_time_is_accounted_for),
    };
#undef T
    return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
