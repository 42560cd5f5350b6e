/*
 * The catalogue: what goes in comes out, rules the database keeps by itself, versions of its
 * schema.
 */
#include "support/libraries.h"

#include "dates.h"
#include "file_paths.h"
#include "schema.h"
#include "upgrade.h"

#include <math.h>

static glimpse_store *catalog_of(world *w) {
    return glimpse_library_store(w->library);
}

static void absolute_paths_are_normalised_by_their_letters(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"/", "/"},
                                           {"//", "/"},
                                           {"/a", "/a"},
                                           {"/a/", "/a"},
                                           {"/a//b/./c/", "/a/b/c"},
                                           {"/a/../b", "/b"},
                                           {"/../../a", "/a"},
                                           {"/a/b/../../..", "/"},
                                           {"/...", "/..."},
                                           {"/a/..b/.c", "/a/..b/.c"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = NULL;
        assert_ok(glimpse_path_absolute(&path, cases[i][0]));
        assert_string_equal(path, cases[i][1]);
        free(path);
    }
    char *path = NULL, cwd[1024], expected[1100];
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_ok(glimpse_path_absolute(&path, "./x/../y"));
    (void)snprintf(expected, sizeof expected, "%s/y", strcmp(cwd, "/") == 0 ? "" : cwd);
    assert_string_equal(path, expected);
    free(path);
    assert_true(glimpse_path_is_below("/a/b", "/a"));
    assert_true(glimpse_path_is_below("/a", "/a"));
    assert_true(glimpse_path_is_below("/a", "/"));
    assert_false(glimpse_path_is_below("/ab", "/a"));
    assert_false(glimpse_path_is_below("/a", "/a/b"));
}

static void dates_stand_for_their_first_moment(void **state) {
    (void)state;
    static const struct {
        const char *text, *taken;
        int64_t seconds;
    } cases[] = {{"1970", "1970-01-01T00:00:00", 0},
                 {"2020", "2020-01-01T00:00:00", 1577836800},
                 {"2020-05", "2020-05-01T00:00:00", 1588291200},
                 {"2020-02-29", "2020-02-29T00:00:00", 1582934400},
                 {"2000-02-29 12", "2000-02-29T12:00:00", 951825600},
                 {"2021-05-30T14:03:59", "2021-05-30T14:03:59", 1622383439},
                 {"1969-12-31T23:59:59", "1969-12-31T23:59:59", -1},
                 {"1900-03-01", "1900-03-01T00:00:00", -2203891200}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char taken[GLIMPSE_DATE_BYTES], back[GLIMPSE_DATE_BYTES];
        int64_t ns = 1;
        assert_ok(glimpse_date_parse(cases[i].text, "after", taken, &ns));
        assert_string_equal(taken, cases[i].taken);
        assert_int_equal(ns, cases[i].seconds * 1000000000);
        glimpse_date_of_mtime(ns, back);
        assert_string_equal(back, taken);
        glimpse_date_of_mtime(ns + 999999999, back);
        assert_string_equal(back, taken);
    }
    /* Every day of the range, by counting. */
    int64_t day = -100000;
    char text[GLIMPSE_DATE_BYTES], before[GLIMPSE_DATE_BYTES] = "0000";
    for (; day < 100000; day++) {
        char taken[GLIMPSE_DATE_BYTES];
        int64_t ns = 0;
        glimpse_date_of_mtime(day * 86400 * 1000000000, text);
        assert_true(strcmp(before, text) < 0);
        memcpy(before, text, sizeof before);
        assert_ok(glimpse_date_parse(text, "day", taken, &ns));
        assert_int_equal(ns, day * 86400 * 1000000000);
    }
    glimpse_date_of_mtime(INT64_MIN, text);
    assert_string_equal(text, "1677-09-21T00:12:43");
    glimpse_date_of_mtime(INT64_MAX, text);
    assert_string_equal(text, "2262-04-11T23:47:16");
}

static void a_file_remembers_what_it_was_told(void **state) {
    (void)state;
    world w;
    world_open(&w, 1);
    glimpse_store *catalog = catalog_of(&w);
    glimpse_file_row row;
    glimpse_file_stamp stamp = {UINT64_C(123456789012), -5, UINT64_MAX, 0};
    assert_int_equal(catalog->ops->files.find(&row, catalog, "/p/a.jpg", w.model),
                     GLIMPSE_E_NOT_FOUND);
    size_t content = world_add_content(&w, NULL, "");
    int64_t id = w.contents[content].id;
    assert_ok(catalog->ops->files.bind(catalog, "/p/a.jpg", &stamp, &w.contents[content].hash,
                                       w.contents[content].size));
    assert_ok(catalog->ops->files.find(&row, catalog, "/p/a.jpg", w.model));
    assert_int_equal(row.state, GLIMPSE_FILE_OK);
    assert_int_equal(row.picture, id);
    assert_int_equal(row.stamp.size, stamp.size);
    assert_int_equal(row.stamp.mtime_ns, stamp.mtime_ns);
    assert_int_equal(row.stamp.inode, stamp.inode);
    assert_int_equal(row.embedded, 1);
    assert_true(glimpse_file_row_fresh(&row, &stamp));
    glimpse_file_stamp other = stamp;
    other.inode = 1;
    assert_true(glimpse_file_row_fresh(&row, &other)); /* remounted */
    other.mtime_ns++;
    assert_false(glimpse_file_row_fresh(&row, &other));
    assert_ok(catalog->ops->files.find(&row, catalog, "/p/a.jpg", w.model + 1));
    assert_int_equal(row.embedded, 0); /* another model */

    /* It breaks, and is mended. */
    char reason[3000];
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    assert_ok(
        catalog->ops->files.quarantine(catalog, "/p/a.jpg", &stamp, GLIMPSE_E_FORMAT, reason));
    assert_ok(catalog->ops->files.find(&row, catalog, "/p/a.jpg", w.model));
    assert_int_equal(row.state, GLIMPSE_FILE_QUARANTINED);
    assert_int_equal(row.code, GLIMPSE_E_FORMAT);
    assert_int_equal(row.picture, 0);
    assert_false(glimpse_file_row_fresh(&row, &stamp));
    assert_ok(catalog->ops->files.bind(catalog, "/p/a.jpg", &stamp, &w.contents[content].hash,
                                       w.contents[content].size));
    assert_ok(catalog->ops->files.find(&row, catalog, "/p/a.jpg", w.model));
    assert_int_equal(row.state, GLIMPSE_FILE_OK);

    /* A content that is not there is refused, and nothing is changed. */
    const glimpse_hash nothing = {{0}};
    assert_int_equal(catalog->ops->files.bind(catalog, "/p/b.jpg", &stamp, &nothing, 5),
                     GLIMPSE_E_INVALID);
    assert_int_equal(catalog->ops->files.find(&row, catalog, "/p/b.jpg", w.model),
                     GLIMPSE_E_NOT_FOUND);
    world_close(&w);
}

enum { KNOWN = 40 };

/* files[] are numbers of rows; 0: none has it. */
static void assert_known(world *w, const glimpse_file_table *table, const size_t *files,
                         size_t count) {
    glimpse_store *catalog = catalog_of(w);
    glimpse_known_file known[KNOWN];
    int64_t ids[KNOWN];
    for (size_t i = 0; i < count; i++)
        ids[i] = files[i] ? glimpse_file_table_id(table, files[i] - 1) : 1 << 20;
    assert_ok(catalog->ops->files.known(known, catalog, ids, count));
    for (size_t i = 0; i < count; i++) {
        const world_content *c = &w->contents[files[i] ? files[i] - 1 : 0];
        const int is_known = files[i] && files[i] % 10;
        assert_int_equal(known[i].content != 0, is_known);
        if (!is_known) continue;
        assert_memory_equal(&known[i].hash, &c->hash, sizeof c->hash);
        assert_int_equal(known[i].size, c->size);
        assert_int_equal(known[i].has_identity, 0);
    }
}

static void files_are_known_in_whatever_order_they_are_asked_for(void **state) {
    (void)state;
    static const size_t few[] = {KNOWN, 1, 0, 10, 17}, two[] = {23, 22};
    const glimpse_file_stamp stamp = {1, 2, 3, 4};
    size_t all[KNOWN];
    world w;
    world_open(&w, 1);
    glimpse_store *catalog = catalog_of(&w);
    glimpse_file_table *table = NULL;
    for (size_t i = 0; i < KNOWN; i++) {
        char path[32];
        const size_t content = world_add_content(&w, NULL, "");
        const world_content *c = &w.contents[content];
        (void)snprintf(path, sizeof path, "/p/%02zu.jpg", i);
        assert_ok(
            (i + 1) % 10 == 0
                ? catalog->ops->files.quarantine(catalog, path, &stamp, GLIMPSE_E_FORMAT, "broken")
                : catalog->ops->files.bind(catalog, path, &stamp, &c->hash, c->size));
        all[i] = KNOWN - i;
    }
    assert_ok(catalog->ops->files.load(&table, catalog, "/p", w.model));
    assert_int_equal(glimpse_file_table_count(table), KNOWN);
    assert_known(&w, table, all, KNOWN);
    assert_known(&w, table, few, sizeof few / sizeof *few);
    assert_known(&w, table, two, 2);
    assert_known(&w, table, two, 1);
    assert_known(&w, table, two, 0);
    glimpse_file_table_free(table);
    world_close(&w);
}

static void contents_are_known_by_hash_and_size(void **state) {
    (void)state;
    world w;
    world_open(&w, 2);
    glimpse_store *catalog = catalog_of(&w);
    glimpse_content_meta meta = {.hash = glimpse_hash_bytes("x", 1),
                                 .size = 10,
                                 .width = 3,
                                 .height = 4,
                                 .orientation = 6,
                                 .format = "PNG",
                                 .taken = "",
                                 .camera = "Box",
                                 .has_gps = 1,
                                 .latitude = -1.5,
                                 .longitude = 100.25};
    int64_t a = 0, b = 0, again = 0;
    int embedded = 7;
    assert_int_equal(catalog->ops->contents.find(&a, &embedded, catalog, &meta.hash, 10, w.model),
                     GLIMPSE_E_NOT_FOUND);
    assert_int_equal(embedded, 0);
    assert_ok(catalog->ops->contents.write(&a, catalog, &meta));
    meta.size = 11; /* the same hash with another size is another content */
    assert_ok(catalog->ops->contents.write(&b, catalog, &meta));
    assert_int_not_equal(a, b);
    meta.size = 10;
    meta.has_gps = 0;
    assert_ok(catalog->ops->contents.write(&again, catalog, &meta));
    assert_int_equal(again, a);
    int64_t without = 0;
    assert_ok(glimpse_db_integer(glimpse_store_db(catalog), &without,
                                 "SELECT count(*) FROM content WHERE latitude IS NULL", ""));
    assert_int_equal(without, 1);
    assert_ok(catalog->ops->contents.find(&again, &embedded, catalog, &meta.hash, 10, w.model));
    assert_int_equal(embedded, 0);
    float v[WORLD_DIM];
    world_vector(&w, v);
    assert_ok(catalog->ops->contents.write_embedding(catalog, w.model, a, v, WORLD_DIM));
    assert_ok(catalog->ops->contents.find(&again, &embedded, catalog, &meta.hash, 10, w.model));
    assert_int_equal(embedded, 1);
    char text[500];
    assert_ok(world_verify(&w, text, sizeof text)); /* row sums follow every change */
    world_close(&w);
}

static void embeddings_move_generation_count_and_digest(void **state) {
    (void)state;
    world w;
    world_open(&w, 3);
    glimpse_store *catalog = catalog_of(&w);
    glimpse_db *db = glimpse_store_db(catalog);
    glimpse_model_info start, one, two, after;
    assert_ok(catalog->ops->models.find(&start, catalog, w.key.fingerprint));
    assert_int_equal(start.embedded, 0);
    size_t content = world_add_content(&w, NULL, "");
    assert_ok(catalog->ops->models.find(&one, catalog, w.key.fingerprint));
    assert_int_equal(one.embedded, 1);
    assert_true(one.generation > start.generation && one.digest != start.digest);

    /* The same again changes nothing; a changed one is refused by the database itself. */
    assert_ok(catalog->ops->contents.write_embedding(catalog, w.model, w.contents[content].id,
                                                     w.contents[content].vector, WORLD_DIM));
    assert_ok(catalog->ops->models.find(&after, catalog, w.key.fingerprint));
    assert_memory_equal(&after, &one, sizeof one);
    assert_int_equal(glimpse_db_run(db, "UPDATE embedding SET sum = 1", ""), GLIMPSE_E_INVALID);

    world_add_content(&w, NULL, "");
    assert_ok(catalog->ops->models.find(&two, catalog, w.key.fingerprint));
    assert_ok(
        glimpse_db_run(db, "DELETE FROM embedding WHERE picture_id = ?1", "i", w.contents[1].id));
    assert_ok(catalog->ops->models.find(&after, catalog, w.key.fingerprint));
    assert_int_equal(after.embedded, 1);
    assert_true(after.generation > two.generation && after.digest == one.digest);

    float v[WORLD_DIM] = {0};
    int64_t id = w.contents[1].id;
    assert_int_equal(catalog->ops->contents.write_embedding(catalog, w.model, id, v, WORLD_DIM),
                     GLIMPSE_E_INVALID);
    v[3] = INFINITY;
    assert_int_equal(catalog->ops->contents.write_embedding(catalog, w.model, id, v, WORLD_DIM),
                     GLIMPSE_E_INVALID);
    v[3] = 1e-38f; /* short, but a direction */
    assert_ok(catalog->ops->contents.write_embedding(catalog, w.model, id, v, WORLD_DIM));
    v[3] = 1.0f;
    assert_int_equal(catalog->ops->contents.write_embedding(catalog, w.model, id, v, WORLD_DIM - 1),
                     GLIMPSE_E_INVALID);
    assert_int_equal(catalog->ops->contents.write_embedding(catalog, 12345, id, v, WORLD_DIM),
                     GLIMPSE_E_INVALID);
    assert_int_equal(catalog->ops->contents.write_embedding(catalog, w.model, 12345, v, WORLD_DIM),
                     GLIMPSE_E_INVALID);
    world_close(&w);
}

static void models_are_known_by_fingerprint(void **state) {
    (void)state;
    world w;
    world_open(&w, 4);
    glimpse_store *catalog = catalog_of(&w);
    int64_t other = 0, again = 0;
    assert_ok(catalog->ops->models.use(&other, catalog, &world_other_key));
    assert_int_not_equal(other, w.model);
    glimpse_model_key moved = w.key;
    moved.path = "/elsewhere";
    assert_ok(catalog->ops->models.use(&again, catalog, &moved));
    assert_int_equal(again, w.model);
    glimpse_library_status *s = NULL;
    assert_ok(glimpse_library_load_status(&s, w.library));
    assert_int_equal(s->model_count, 2);
    assert_string_equal(s->models[0].fingerprint, w.key.fingerprint); /* used last */
    assert_string_equal(s->models[0].path, "/elsewhere");
    glimpse_library_status_free(s);
    moved.dim = 3;
    assert_int_equal(catalog->ops->models.use(&again, catalog, &moved), GLIMPSE_E_CORRUPT);
    world_close(&w);
}

static void a_scan_tells_missing_files_from_unseen_ones(void **state) {
    (void)state;
    world w;
    world_open(&w, 5);
    glimpse_store *catalog = catalog_of(&w);
    static const char *const names[] = {"a.jpg",        "a/1.jpg",    "a/2.jpg",   "a b/3.jpg",
                                        "closed/4.jpg", "disk/5.jpg", "broken.jpg"};
    char path[1200];
    for (size_t i = 0; i < 7; i++) {
        world_add_file(&w, names[i], i == 6 ? SIZE_MAX : world_add_content(&w, NULL, ""), 0, 0);
    }
    (void)snprintf(path, sizeof path, "%s/disk", w.pictures);
    assert_ok(catalog->ops->roots.write(catalog, path, 1, 1)); /* nested and offline */

    glimpse_file_table *table = NULL;
    assert_ok(catalog->ops->files.load(&table, catalog, w.pictures, w.model));
    assert_int_equal(glimpse_file_table_count(table), 7);
    for (size_t i = 1; i < 7; i++) {
        assert_true(strcmp(glimpse_file_table_get(table, i - 1)->path,
                           glimpse_file_table_get(table, i)->path) < 0);
    }
    assert_null(glimpse_file_table_find(table, "/nowhere"));
    assert_null(glimpse_file_table_find(table, w.pictures));
    /* Only a/1.jpg is seen; "closed" could not be read. */
    glimpse_file_row *row = glimpse_file_table_find(table, w.files[1].path);
    assert_non_null(row);
    assert_int_equal(row->embedded, 1);
    row->seen = 1;
    (void)snprintf(path, sizeof path, "%s/closed", w.pictures);
    glimpse_file_table_keep(table, path);
    uint64_t missing = 0;
    assert_ok(glimpse_store_finish_scan(&missing, NULL, catalog, w.pictures, table));
    assert_int_equal(missing, 4); /* a.jpg, a/2.jpg, "a b/3.jpg", broken.jpg */
    static const int expected[] = {1, 0, 1, 1, 0, 0, 1};
    for (size_t i = 0; i < 7; i++) {
        glimpse_file_row now;
        assert_ok(catalog->ops->files.find(&now, catalog, w.files[i].path, w.model));
        assert_int_equal(now.missing, expected[i]);
        assert_int_equal(now.state, i == 6);
    }
    /* Everything is back; one transaction is open already. */
    for (size_t i = 0; i < 7; i++)
        glimpse_file_table_get(table, i)->seen = 1;
    assert_ok(catalog->ops->begin(catalog));
    assert_ok(glimpse_store_finish_scan(&missing, NULL, catalog, w.pictures, table));
    assert_ok(catalog->ops->commit(catalog));
    assert_int_equal(missing, 0);
    glimpse_file_table_free(table);
    (void)snprintf(path, sizeof path, "%s/a", w.pictures);
    assert_ok(catalog->ops->files.load(&table, catalog, path, w.model));
    assert_int_equal(glimpse_file_table_count(table), 2); /* neither a.jpg nor "a b" */
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(glimpse_file_table_get(table, i)->missing, 0);
    glimpse_file_table_free(table);
    assert_ok(catalog->ops->files.load(&table, catalog, "/", w.model));
    assert_int_equal(glimpse_file_table_count(table), 7);
    glimpse_file_table_free(table);
    world_close(&w);
}

static void an_empty_mount_point_is_not_reachable(void **state) {
    (void)state;
    world w;
    world_open(&w, 6);
    glimpse_store *catalog = catalog_of(&w);
    int reachable = 0;
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, w.pictures));
    assert_int_equal(reachable, 1); /* empty, and nothing known below it */
    size_t file = world_add_file(&w, "a.jpg", world_add_content(&w, NULL, ""), 0, 1);
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, w.pictures));
    assert_int_equal(reachable, 1);
    assert_int_equal(unlink(w.files[file].path), 0);
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, w.pictures));
    assert_int_equal(reachable, 0);
    assert_int_equal(rmdir(w.pictures), 0);
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, w.pictures));
    assert_int_equal(reachable, 0);
    /* A single file: the directory that is left of those that it was in counts. */
    char path[700];
    (void)snprintf(path, sizeof path, "%s/single.jpg", w.directory);
    assert_ok(catalog->ops->roots.write(catalog, path, 0, 0));
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, path));
    assert_int_equal(reachable, 1); /* deleted, not away */
    (void)snprintf(path, sizeof path, "%s/gone/single.jpg", w.directory);
    assert_ok(catalog->ops->roots.write(catalog, path, 0, 0));
    assert_ok(glimpse_store_root_reachable(&reachable, catalog, path));
    assert_int_equal(reachable, 1); /* deleted with it */
    assert_int_equal(mkdir(w.pictures, 0777), 0);
    (void)snprintf(path, sizeof path, "%s/gone/single.jpg", w.pictures);
    assert_int_equal(glimpse_store_file_reachable(path, 0), 0); /* a bare mount point */
    (void)snprintf(path, sizeof path, "%s/single.jpg", w.pictures);
    assert_int_equal(glimpse_store_file_reachable(path, 0), 1);
    /* An empty directory that nothing was deleted from since the file was there is another one. */
    struct stat info;
    assert_int_equal(stat(w.pictures, &info), 0);
    const int64_t later = ((int64_t)info.st_ctim.tv_sec + 1) * 1000000000;
    assert_int_equal(glimpse_store_file_reachable(path, later), 0);
    world_close(&w);
}

static void a_file_on_a_medium_that_is_not_mounted_is_not_gone(void **state) {
    (void)state;
    static const char *const paths[] = {"/media/nobody-here/no-such-stick/day/a.jpg",
                                        "/mnt/no-such-disk/a.jpg",
                                        "/run/media/nobody-here/no-such-stick/a.jpg",
                                        "/Volumes/no-such-disk/a.jpg",
                                        "/net/no-such-host/photos/a.jpg",
                                        "/no-such-directory-at-the-top/a.jpg",
                                        "/run/user/4242/gvfs/no-such-share/a.jpg"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (glimpse_store_file_reachable(paths[i], 0)) fail_msg("%s: gone", paths[i]);
    }
}

static void what_is_rolled_back_never_was(void **state) {
    (void)state;
    world w;
    world_open(&w, 7);
    glimpse_store *catalog = catalog_of(&w);
    glimpse_model_info before, after;
    assert_ok(catalog->ops->models.find(&before, catalog, w.key.fingerprint));
    assert_ok(catalog->ops->begin(catalog));
    assert_int_equal(catalog->ops->begin(catalog), GLIMPSE_E_INVALID);
    world_add_content(&w, NULL, "");
    catalog->ops->rollback(catalog);
    catalog->ops->rollback(catalog);
    assert_int_equal(catalog->ops->commit(catalog), GLIMPSE_E_INVALID);
    assert_ok(catalog->ops->models.find(&after, catalog, w.key.fingerprint));
    assert_memory_equal(&after, &before, sizeof before);
    world_close(&w);
}

static void set_version(world *w, int version) {
    char path[600], sql[64];
    sqlite3 *handle = NULL;
    glimpse_library_close(w->library);
    w->library = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.db", w->library_path);
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void a_newer_schema_is_refused(void **state) {
    (void)state;
    world w;
    world_open(&w, 8);
    set_version(&w, glimpse_schema_version() + 1);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, 0), GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "newer"));
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_E_UNSUPPORTED);
    set_version(&w, 0);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, 0), GLIMPSE_E_CORRUPT);
    set_version(&w, glimpse_schema_version());
    world_reopen(&w, 0);
    world_close(&w);
}

static void migration_applies_each_missing_step_once_or_none(void **state) {
    (void)state;
    static const char *const steps[] = {"CREATE TABLE t (a); INSERT INTO t VALUES (1);",
                                        "ALTER TABLE t ADD COLUMN b DEFAULT 2;",
                                        "UPDATE t SET a = a + 10;"};
    static const char *const failing[] = {"", "", "", "UPDATE t SET a = 100;", "nonsense"};
    char *directory = make_temp_directory(), path[1100];
    (void)snprintf(path, sizeof path, "%s/m.db", directory);
    glimpse_db *db = NULL;
    int64_t value = 0;
    assert_ok(glimpse_db_open(&db, path, GLIMPSE_DB_CREATE));
    assert_ok(glimpse_upgrade_migrate(db, steps, 1));
    assert_ok(glimpse_upgrade_migrate(db, steps, 3));
    assert_ok(glimpse_upgrade_migrate(db, steps, 3));
    assert_ok(glimpse_db_integer(db, &value, "SELECT a * 100 + b FROM t", ""));
    assert_int_equal(value, 1102);
    assert_true(glimpse_upgrade_migrate(db, failing, 5) < 0);
    assert_ok(glimpse_db_integer(db, &value, "SELECT a FROM t", ""));
    assert_int_equal(value, 11); /* all of it, or nothing */
    assert_ok(glimpse_db_integer(db, &value, "PRAGMA user_version", ""));
    assert_int_equal(value, 3);
    glimpse_db_close(db);
    remove_tree(directory);
    free(directory);
}

/* Each file that was indexed by itself was a root once. */
static void files_are_no_roots_any_more(void **state) {
    (void)state;
    world w;
    world_open(&w, 6);
    const size_t file = world_add_file(&w, "a.jpg", world_add_content(&w, NULL, ""), 0, 1);
    assert_ok(catalog_of(&w)->ops->roots.write(catalog_of(&w), w.files[file].path, 0, 1));
    world_rewind(&w, 7);
    world_reopen(&w, 0);
    glimpse_root *roots = NULL;
    size_t count = 0;
    assert_ok(catalog_of(&w)->ops->roots.list(&roots, &count, catalog_of(&w)));
    assert_int_equal(count, 1);
    assert_string_equal(roots[0].path, w.pictures);
    glimpse_roots_free(roots, count);
    glimpse_file_row row;
    assert_ok(catalog_of(&w)->ops->files.find(&row, catalog_of(&w), w.files[file].path, 0));
    assert_int_equal(row.missing, 0);
    glimpse_file_table *table = NULL;
    assert_ok(catalog_of(&w)->ops->files.load(&table, catalog_of(&w), w.pictures, 0));
    assert_ok(catalog_of(&w)->ops->files.set_missing(
        catalog_of(&w), glimpse_file_table_id(table, 0), GLIMPSE_FILE_LEFT_OUT));
    glimpse_file_table_free(table);
    assert_ok(catalog_of(&w)->ops->files.find(&row, catalog_of(&w), w.files[file].path, 0));
    assert_int_equal(row.missing, GLIMPSE_FILE_LEFT_OUT);
    assert_ok(glimpse_library_verify(NULL, w.library, NULL, NULL));
    world_close(&w);
}

static void options_of_roots_are_kept_and_go_with_them(void **state) {
    (void)state;
    world w;
    world_open(&w, 6);
    const char *const patterns[] = {"*.tmp.jpg", "", "caf\xe9/"};
    const glimpse_root_options options = {1, 0, patterns, 3, 1}, none = {0};
    glimpse_root *roots = NULL;
    size_t count = 0;
    assert_ok(catalog_of(&w)->ops->roots.write_options(catalog_of(&w), w.pictures, &options));
    assert_ok(catalog_of(&w)->ops->roots.list(&roots, &count, catalog_of(&w)));
    assert_int_equal(count, 1);
    assert_int_equal(roots[0].options.follow_links, 1);
    assert_int_equal(roots[0].options.include_nomedia, 0);
    assert_int_equal(roots[0].options.exclude_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(roots[0].options.exclude[i], patterns[i]);
    glimpse_roots_free(roots, count);
    assert_ok(glimpse_library_verify(NULL, w.library, NULL, NULL));
    glimpse_db *db = glimpse_store_db(catalog_of(&w));
    assert_ok(glimpse_db_script(db, "UPDATE root_options SET follow_links = 0"));
    assert_int_equal(glimpse_library_verify(NULL, w.library, NULL, NULL), GLIMPSE_E_CORRUPT);
    world_reopen(&w, 0);
    assert_ok(catalog_of(&w)->ops->roots.write_options(catalog_of(&w), w.pictures, &none));
    assert_ok(glimpse_library_verify(NULL, w.library, NULL, NULL));
    assert_ok(catalog_of(&w)->ops->roots.write_options(catalog_of(&w), w.pictures, &options));
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    prune.root = w.pictures;
    assert_ok(glimpse_library_prune(NULL, w.library, &prune));
    int64_t rows = 1;
    assert_ok(glimpse_db_integer(glimpse_store_db(catalog_of(&w)), &rows,
                                 "SELECT count(*) FROM root_options", ""));
    assert_int_equal(rows, 0);
    world_close(&w);
}

static void opening_says_what_is_wrong(void **state) {
    (void)state;
    char *directory = make_temp_directory(), path[1100];
    glimpse_library *library = (glimpse_library *)directory;
    assert_int_equal(glimpse_library_open(&library, directory, 0), GLIMPSE_E_NOT_FOUND);
    assert_null(library);
    (void)snprintf(path, sizeof path, "%s/none", directory);
    assert_int_equal(glimpse_library_open(&library, path, 0), GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_READ_ONLY),
                     GLIMPSE_E_NOT_FOUND);
    assert_false(path_exists(path));
    write_text(path, "");
    assert_int_equal(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open(NULL, path, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open(&library, NULL, 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open(&library, "", 0), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open(&library, directory, 64), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_open(&library, directory, 3), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_load_status(NULL, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_verify(NULL, NULL, NULL, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_reindex(NULL), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_library_prune(NULL, NULL, NULL), GLIMPSE_E_INVALID);
    glimpse_library_close(NULL);
    glimpse_library_status_free(NULL);
    (void)snprintf(path, sizeof path, "%s/deep/er/lib", directory);
    assert_ok(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    assert_string_equal(glimpse_library_path(library), path);
    glimpse_library_close(library);
    assert_ok(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE)); /* it is there */
    glimpse_library_close(library);
    remove_tree(directory);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absolute_paths_are_normalised_by_their_letters),
        cmocka_unit_test(dates_stand_for_their_first_moment),
        cmocka_unit_test(a_file_remembers_what_it_was_told),
        cmocka_unit_test(files_are_known_in_whatever_order_they_are_asked_for),
        cmocka_unit_test(contents_are_known_by_hash_and_size),
        cmocka_unit_test(embeddings_move_generation_count_and_digest),
        cmocka_unit_test(models_are_known_by_fingerprint),
        cmocka_unit_test(a_scan_tells_missing_files_from_unseen_ones),
        cmocka_unit_test(an_empty_mount_point_is_not_reachable),
        cmocka_unit_test(a_file_on_a_medium_that_is_not_mounted_is_not_gone),
        cmocka_unit_test(what_is_rolled_back_never_was),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(migration_applies_each_missing_step_once_or_none),
        cmocka_unit_test(files_are_no_roots_any_more),
        cmocka_unit_test(options_of_roots_are_kept_and_go_with_them),
        cmocka_unit_test(opening_says_what_is_wrong),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
