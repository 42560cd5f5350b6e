/*
 * bench_filter.c - filters of a large library: from indexes, as a ratio to looking at every file,
 * which answers the same question with the same check.
 *
 *     bench_filter [--cpu-time] [FILES]      (default: 1,000,000)
 *
 * The library is made up: twenty years, 30 cameras, 2,000 keywords (a few of them common), 300
 * labels, 60% with a place around one of 200 towns, 30% with a rating.
 */
#include "bench.h"

#include "facts.h"
#include "filter.h"
#include "library_private.h"

#include <glimpse/library.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[512];
static glimpse_library *library;
static glimpse_db *db;

static void run_sql(const char *format, long count) {
    char sql[4096];
    (void)snprintf(sql, sizeof sql, format, count);
    bench_check(glimpse_db_script(db, sql));
}

/* Rows are numbered; what a file says follows from its number. */
static const char rows[] =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %ld) ";

static void insert(const char *statement, long count) {
    char sql[8192];
    const int used = snprintf(sql, sizeof sql, rows, count);
    const char *select = strstr(statement, "SELECT");
    /* WITH goes between INSERT and SELECT. */
    char whole[16384];
    (void)snprintf(whole, sizeof whole, "%.*s %.*s %s", (int)(select - statement), statement, used,
                   sql, select);
    bench_check(glimpse_db_script(db, whole));
}

#define RANDOM(salt) "(i * (" #salt " * 7919 + 104729) % 16777213)"

static void fill(long count) {
    insert("INSERT INTO picture (id, hash, size, width, height, orientation, format, sum, added)"
           " SELECT i, CAST(printf('%016d', i) AS BLOB), i, 4000, 3000, 1, 'JPEG', 0,"
           " 1500000000 + i FROM n",
           count);
    insert(
        "INSERT INTO content (id, hash, size, picture_id, taken, camera, latitude, longitude, sum)"
        " SELECT i, CAST(printf('%016d', i) AS BLOB), i, i,"
        " strftime('%Y-%m-%dT%H:%M:%S', 1041379200 + " RANDOM(
            1) " * 37.6, 'unixepoch'),"
               " 'Maker Model ' || (" RANDOM(
                   2) " % 30),"
                      " CASE WHEN i % 5 < 3 THEN (" RANDOM(3) " % 200) * 0.6 - 50 + (" RANDOM(
                          4) " % 1000) / 2000.0 END,"
                             " CASE WHEN i % 5 < 3 THEN (" RANDOM(
                                 3) " % 200) * 1.7 - 170 + (" RANDOM(5) " % 1000) / 2000.0 END, "
                                                                        "0 FROM n",
        count);
    insert("INSERT INTO metadata (content_id, version, taken_from, fields, sum)"
           " SELECT i, 2, 1, json_object('iso', 100 * (1 << (" RANDOM(
               6) " % 7)), 'lens',"
                  " 'Lens ' || (" RANDOM(7) " % 40), 'exposure', 1.0 / (1 + " RANDOM(
                      8) " % 2000),"
                         " 'rating', CASE WHEN i % 10 < 3 THEN " RANDOM(
                             9) " % 6 END, 'keywords',"
                                " json_array('k' || (" RANDOM(10) " % 2000), 'k' || (" RANDOM(
                                    11) " % 200), 'k' ||"
                                        " (" RANDOM(12) " % 20))), 0 FROM n",
           count);
    insert(
        "INSERT INTO file (id, path, size, mtime_ns, inode, missing, picture_id, content_id, sum)"
        " SELECT i, CAST(printf('/pictures/%02d/%03d/IMG%07d.jpg', i % 20, i / 20 % 500, i)"
        " AS BLOB), i, 1500000000000000000 + i, i, 0, i, i, 0 FROM n",
        count);
    run_sql(
        "INSERT INTO labelling (id, name, model_id, classifier, classes, settings, created, sum)"
        " SELECT 1, 'l', id, printf('%%032d', 1), 300, '', '', 0 FROM model;",
        count);
    bench_check(glimpse_db_script(
        db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
            " INSERT INTO label_class (id, labelling_id, name, sum)"
            " SELECT i, 1, 'group' || (i % 17) || '/class' || i, 0 FROM n"));
    insert("INSERT INTO label (picture_id, part, class_id, probability, score, sum)"
           " SELECT i, 0, 1 + " RANDOM(13) " % 300, 0.5, 0.2, 0 FROM n WHERE i % 5 > 0",
           count);
}

static const char from_indexes[] = "SELECT count(*) FROM file f WHERE f.missing = 0"
                                   " AND " GLIMPSE_FILTER_ALL;
static const char full_scan[] = "SELECT count(*) FROM file f WHERE f.missing = 0"
                                " AND " GLIMPSE_FILTER_CHECK;

typedef struct question {
    const char *where, *statement;
    long long found;
} question;

/* Opened anew each time, as a command does. */
static int ask(void *user) {
    question *q = user;
    glimpse_where *where = NULL;
    glimpse_where_sql *sql = NULL;
    sqlite3_stmt *row = NULL;
    int status = glimpse_where_parse(&where, q->where);
    if (status == GLIMPSE_OK) status = glimpse_where_sql_create(&sql, db, where);
    if (status == GLIMPSE_OK) status = glimpse_where_sql_query(sql, db, &row, q->statement, 1);
    if (status == GLIMPSE_OK) status = glimpse_db_step(db, row);
    if (status > 0) q->found = (long long)sqlite3_column_int64(row, 0);
    glimpse_db_reset(row);
    if (sql) glimpse_where_sql_free(sql, db);
    glimpse_where_free(where);
    return status < 0 ? status : 0;
}

int main(int argc, char **argv) {
    static const char *const wheres[] = {
        "camera = 'Maker Model 7'",
        "camera ~ 'model 29'",
        "taken = 2015-05-17",
        "taken >= 2022-06",
        "rating = 5",
        "rating = 4.. and taken = 2019",
        "keyword = k1234",
        "keyword = k3",
        "path = '/pictures/07/123'",
        "label = class42",
        "near(-19.8, -84.8, 20)",
        "near(-19.8, -84.8, 20) and camera ~ 'model 3' and not keyword = k3",
        "camera ~ 'model 3' and iso > 800 and not keyword = k1",
        "not keyword = k1",
    };
    if (argc > 1 && strcmp(argv[1], "--cpu-time") == 0) {
        bench_clock = CLOCK_THREAD_CPUTIME_ID;
        argc--;
        argv++;
    }
    const long count = argc > 1 ? atol(argv[1]) : 1000000;
    char path[600], command[700];
    const char *place = getenv("TMPDIR");
    (void)snprintf(directory, sizeof directory, "%s/bench-filter-XXXXXX", place ? place : "/tmp");
    if (!mkdtemp(directory)) return 1;
    (void)snprintf(path, sizeof path, "%s/library", directory);
    bench_check(glimpse_library_open(&library, path, GLIMPSE_LIBRARY_CREATE));
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_model_key key = {"00112233445566778899aabbccddeeff", "m", "/m", 16};
    int64_t model = 0;
    db = glimpse_store_db(store);
    bench_check(store->ops->models.use(&model, store, &key));
    bench_check(glimpse_db_begin(db));
    fill(count);
    const double start = bench_now();
    bench_check(glimpse_facts_refresh_all(db));
    const double made = bench_now() - start;
    bench_check(glimpse_db_commit(db));
    (void)printf("%s\n%ld files; columns for filters made in %.1f s (%.1f us a file)\n\n",
                 bench_cpu(), count, made, 1e6 * made / (double)count);
    (void)printf("%-66s %9s %12s %12s %8s\n", "where", "found", "scan, ms", "filter, ms", "ratio");
    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++) {
        question scan = {wheres[i], full_scan, -1}, filter = {wheres[i], from_indexes, -2};
        const bench_time slow = bench_run(ask, &scan, 3, 3.0);
        const bench_time quick = bench_run(ask, &filter, 20, 1.0);
        if (scan.found != filter.found) {
            (void)fprintf(stderr, "%s: %lld and %lld\n", wheres[i], scan.found, filter.found);
            return 1;
        }
        (void)printf("%-66s %9lld %12.1f %12.2f %7.0fx\n", wheres[i], filter.found,
                     1e3 * slow.median, 1e3 * quick.median, slow.median / quick.median);
    }
    glimpse_library_close(library);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? 0 : 1;
}
