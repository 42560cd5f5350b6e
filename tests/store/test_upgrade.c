/*
 * A library of glimpse 0.1 becomes one of today: killed (SIGKILL) at many points of it, it goes on,
 * and nothing that people put into it is lost.
 */
#include "support/libraries.h"

#include "schema.h"
#include "sqlite_store.h"

#include <signal.h>
#include <sys/wait.h>

enum { POINTS = 24 };

static char directory[1100], catalog[1200], copy[1300];

static int teardown(void **state) {
    (void)state;
    remove_tree(directory);
    return 0;
}

typedef struct fuse {
    long left, passed;
} fuse;
static fuse *lit;

/* Asked by every connection's SQLite after so many instructions of its machine. */
enum { INSTRUCTIONS = 50 };

static int burn(void *user) {
    (void)user;
    if (!lit) return 0;
    lit->passed++;
    if (lit->left >= 0 && lit->left-- == 0) (void)kill(getpid(), SIGKILL);
    return 0;
}

static int watch(sqlite3 *connection, char **error, const void *calls) {
    (void)error;
    (void)calls;
    sqlite3_progress_handler(connection, INSTRUCTIONS, burn, NULL);
    return SQLITE_OK;
}

static int upgrade(fuse *f) {
    glimpse_db *db = NULL;
    lit = f;
    int status = glimpse_db_open(&db, catalog, 0);
    if (status == GLIMPSE_OK) status = glimpse_schema_open(db);
    glimpse_db_close(db);
    lit = NULL;
    return status;
}

static int setup(void **state) {
    char *made = make_temp_directory(), command[4096];
    (void)state;
    (void)sqlite3_auto_extension((void (*)(void))watch);
    (void)snprintf(directory, sizeof directory, "%s", made);
    (void)snprintf(catalog, sizeof catalog, "%s/library/catalog.db", made);
    (void)snprintf(copy, sizeof copy, "%s.before-%d", catalog, glimpse_schema_version());
    (void)snprintf(command, sizeof command, "cp -R '%s' '%s/library' && chmod -R u+w '%s/library'",
                   source_path("tests/fixtures/library-schema-7"), made, made);
    free(made);
    return system(command);
}

static int64_t number_of(const char *sql) {
    int64_t value = -1;
    glimpse_db *db = NULL;
    assert_ok(glimpse_db_open(&db, catalog, 0));
    assert_ok(glimpse_db_integer(db, &value, sql, ""));
    glimpse_db_close(db);
    return value;
}

/* What there was, row by row: independent of the schema. */
static int64_t stored_sum(int upgraded) {
    return number_of(
        upgraded
            ? "SELECT glimpse_sum((SELECT group_concat(text) FROM (SELECT hex(hash) || size ||"
              " width || format || taken AS text FROM picture p JOIN content c USING (hash, size)"
              " ORDER BY hash)), (SELECT group_concat(hex(path) || coalesce(hex(hash), reason))"
              " FROM (SELECT f.path, c.hash, f.reason FROM file f LEFT JOIN content c"
              " ON c.id = f.content_id ORDER BY f.path)),"
              " (SELECT group_concat(id || hex(vector) || sum) FROM embedding),"
              " (SELECT group_concat(picture_id || name || probability) FROM (SELECT * FROM label"
              " JOIN label_class k ON k.id = class_id ORDER BY picture_id, class_id)),"
              " (SELECT group_concat(id || picture_id || text || created) FROM caption),"
              " (SELECT group_concat(hex(key) || answer) FROM vlm_answer),"
              " (SELECT group_concat(hex(hash) || copies) FROM decision_member),"
              " (SELECT group_concat(picture_id || hex(data)) FROM fingerprint))"
            : "SELECT glimpse_sum((SELECT group_concat(text) FROM (SELECT hex(hash) || size ||"
              " width || format || taken AS text FROM content ORDER BY hash)),"
              " (SELECT group_concat(hex(path) || coalesce(hex(hash), reason))"
              " FROM (SELECT f.path, c.hash, f.reason FROM file f LEFT JOIN content c"
              " ON c.id = f.content_id ORDER BY f.path)),"
              " (SELECT group_concat(id || hex(vector) || sum) FROM embedding),"
              " (SELECT group_concat(content_id || name || probability) FROM (SELECT * FROM label"
              " JOIN label_class k ON k.id = class_id ORDER BY content_id, class_id)),"
              " (SELECT group_concat(id || content_id || text || created) FROM caption),"
              " (SELECT group_concat(hex(key) || answer) FROM vlm_answer),"
              " (SELECT group_concat(hex(hash) || copies) FROM decision_member),"
              " (SELECT group_concat(content_id || hex(data)) FROM fingerprint))");
}

static void a_killed_upgrade_goes_on_and_loses_nothing(void **state) {
    (void)state;
    const int64_t before = stored_sum(0);
    int killed = 0;
    /* How many points there are, from one that nobody kills, of another copy. */
    char command[8192];
    (void)snprintf(command, sizeof command, "cp '%s' '%s.kept'", catalog, catalog);
    assert_int_equal(system(command), 0);
    fuse whole = {-1, 0};
    assert_ok(upgrade(&whole));
    assert_int_equal(stored_sum(1), before);
    (void)snprintf(command, sizeof command, "rm -f '%s' '%s'-wal '%s'-shm && mv '%s.kept' '%s'",
                   catalog, catalog, catalog, catalog, catalog);
    assert_int_equal(system(command), 0);
    assert_true(whole.passed > POINTS);
    for (int i = 0; i < POINTS; i++) {
        (void)fflush(NULL);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            fuse f = {whole.passed * i / POINTS, 0};
            _exit(upgrade(&f) < 0 ? 12 : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (WIFSIGNALED(status)) {
            killed++;
            assert_int_equal(number_of("PRAGMA user_version"), 7);
            assert_int_equal(stored_sum(0), before);
        } else {
            assert_int_equal(WEXITSTATUS(status), 0);
        }
    }
    assert_true(killed >= 20);
    fuse last = {-1, 0};
    assert_ok(upgrade(&last));
    assert_int_equal(number_of("PRAGMA user_version"), glimpse_schema_version());
    assert_int_equal(stored_sum(1), before);
    assert_false(path_exists(copy));
    glimpse_library *library = NULL;
    uint64_t checked = 0;
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/library", directory);
    assert_ok(glimpse_library_open(&library, path, 0));
    assert_ok(glimpse_library_verify(&checked, library, NULL, NULL));
    assert_int_equal(checked, 12);
    glimpse_library_close(library);
}

/* Killed between the commit and the removal of the copy: the next one that writes removes it. */
static void a_copy_that_was_left_goes(void **state) {
    (void)state;
    write_text(copy, "a catalogue");
    fuse f = {-1, 0};
    assert_ok(upgrade(&f));
    assert_false(path_exists(copy));
}

/* Whoever promised not to write does not; whoever may have it upgraded first, and only then. */
static void reading_upgrades_only_when_it_may(void **state) {
    (void)state;
    char command[8192], path[1200];
    glimpse_library *library = NULL;
    (void)snprintf(path, sizeof path, "%s/older", directory);
    (void)snprintf(command, sizeof command, "cp -R '%s' '%s' && chmod -R u+w '%s'",
                   source_path("tests/fixtures/library-schema-7"), path, path);
    assert_int_equal(system(command), 0);
    assert_int_equal(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_READ_ONLY),
                     GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "written by an older glimpse (schema 7)"));
    assert_non_null(strstr(glimpse_last_error(), "open it once for writing to upgrade it"));
    assert_ok(
        glimpse_library_open(&library, path, GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE));
    assert_ok(glimpse_library_verify(NULL, library, NULL, NULL));
    assert_int_equal(glimpse_library_prune(NULL, library, NULL), GLIMPSE_E_IO); /* reads only */
    glimpse_library_close(library);
    /* A newer one stays what it is. */
    (void)snprintf(command, sizeof command, "%s/catalog.db", path);
    glimpse_db *db = NULL;
    assert_ok(glimpse_db_open(&db, command, 0));
    assert_ok(glimpse_db_script(db, "PRAGMA user_version = 999"));
    glimpse_db_close(db);
    assert_int_equal(
        glimpse_library_open(&library, path, GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE),
        GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "written by a newer glimpse (schema 999"));
}

/* As who does not own the library sees it: what is told can be done. */
static int open_as_nobody(const char *path) {
    glimpse_library *library = NULL;
    if (setgid(65534) != 0 || setuid(65534) != 0) return 77;
    if (glimpse_library_open(&library, path, 0) != GLIMPSE_E_UNSUPPORTED) return 1;
    const char *said = glimpse_last_error();
    return !strstr(said, "written by an older glimpse (schema 7)") ||
           !strstr(said, "you may not write to it") || strstr(said, "open it once for writing");
}

static void a_library_of_somebody_else_is_refused_with_what_can_be_done(void **state) {
    (void)state;
    char command[8192], path[1200];
    int status = 0;
    if (geteuid() != 0) skip(); /* only root may become somebody else */
    (void)snprintf(path, sizeof path, "%s/others", directory);
    (void)snprintf(command, sizeof command,
                   "cp -R '%s' '%s' && chmod -R go-w,a+rX '%s' && "
                   "chmod a+x '%s'",
                   source_path("tests/fixtures/library-schema-7"), path, path, directory);
    assert_int_equal(system(command), 0);
    const pid_t child = fork();
    if (child == 0) _exit(open_as_nobody(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_page_names_the_copy_and_the_schema(void **state) {
    (void)state;
    char name[64], said[64];
    char *page = read_whole_file(source_path("docs/library.md"), NULL);
    (void)snprintf(name, sizeof name, "`catalog.db.before-%d`", glimpse_schema_version());
    (void)snprintf(said, sizeof said, "(schema %d, this one knows 7)", glimpse_schema_version());
    const char *first = strstr(page, name);
    assert_non_null(first);
    assert_non_null(strstr(first + 1, name));
    assert_non_null(strstr(page, said));
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_upgrade_goes_on_and_loses_nothing),
        cmocka_unit_test(a_copy_that_was_left_goes),
        cmocka_unit_test(reading_upgrades_only_when_it_may),
        cmocka_unit_test(a_library_of_somebody_else_is_refused_with_what_can_be_done),
        cmocka_unit_test(the_page_names_the_copy_and_the_schema),
    };
    return cmocka_run_group_tests_name("upgrade", tests, setup, teardown);
}
