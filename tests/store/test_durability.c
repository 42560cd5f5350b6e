/*
 * What must survive: kill -9 while writing, two processes at once, damage of the catalogue.
 */
#include "support/libraries.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static void pause_ms(long milliseconds) {
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Content and file number i, always the same. */
static void write_record(glimpse_store *catalog, int64_t model, const char *directory, uint64_t i) {
    char path[1100];
    float v[WORLD_DIM];
    int64_t content = 0;
    for (size_t j = 0; j < WORLD_DIM; j++)
        v[j] = (float)((i * 37 + j * j * 11) % 101) - 50.0f;
    glimpse_content_meta meta = {.hash = glimpse_hash_bytes(&i, sizeof i), .size = i};
    glimpse_file_stamp stamp = {i, (int64_t)i, i, 0};
    (void)snprintf(path, sizeof path, "%s/%06d.jpg", directory, (int)i);
    if (catalog->ops->contents.write(&content, catalog, &meta) < 0 ||
        catalog->ops->contents.write_embedding(catalog, model, content, v, WORLD_DIM) < 0 ||
        catalog->ops->files.bind(catalog, path, &stamp, &meta.hash, meta.size) < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        _exit(3);
    }
}

/* In a child: writes pictures from `first` on, in batches of 8, up to `end`. Vector files are left
 * to the parent, which must not be killed inside another process's threads. */
static void write_from(const char *library_path, const char *directory, uint64_t first,
                       uint64_t end, long rest_ms) {
    glimpse_library *library = NULL;
    int64_t model = 0;
    if (glimpse_library_open(&library, library_path, 0) < 0 ||
        glimpse_library_lock(library, "testing") < 0) {
        (void)fprintf(stderr, "%s\n", glimpse_last_error());
        _exit(2);
    }
    glimpse_store *catalog = glimpse_library_store(library);
    if (catalog->ops->models.use(&model, catalog, &world_key) < 0) _exit(3);
    for (uint64_t i = first; i < end; i += 8) {
        if (catalog->ops->begin(catalog) < 0) _exit(3);
        for (uint64_t j = i; j < i + 8 && j < end; j++)
            write_record(catalog, model, directory, j);
        if (catalog->ops->commit(catalog) < 0) _exit(3);
        if (rest_ms > 0) pause_ms(rest_ms);
    }
    _exit(0);
}

static int64_t known_files(world *w) {
    int64_t files = 0;
    assert_ok(glimpse_db_integer(glimpse_store_db(glimpse_library_store(w->library)), &files,
                                 "SELECT count(*) FROM file", ""));
    return files;
}

static void a_kill_loses_at_most_the_batch_in_flight(void **state) {
    (void)state;
    enum { PICTURES = 4000, KILLS = 40 };
    world w;
    char text[2000];
    world_open(&w, 1);
    int64_t before = 0;
    int killed = 0;
    for (int round = 0; round < KILLS; round++) {
        glimpse_library_close(w.library);
        w.library = NULL;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) write_from(w.library_path, w.pictures, (uint64_t)before, PICTURES, 0);
        pause_ms(5 + (long)world_below(&w, 60));
        (void)kill(child, SIGKILL);
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
        killed += WIFSIGNALED(how);
        world_reopen(&w, 0);
        int status = world_verify(&w, text, sizeof text);
        if (status < 0) fail_msg("after kill %d: %s", round, text);
        int64_t now = known_files(&w);
        assert_true(now >= before && now % 8 == 0); /* whole batches, none lost */
        glimpse_library_status *s = NULL;
        assert_ok(glimpse_library_load_status(&s, w.library));
        assert_int_equal(s->embedded, now);
        assert_int_equal(s->pending, 0);
        glimpse_library_status_free(s);
        before = now < PICTURES ? now : 0;
        if (now == PICTURES) break;
    }
    assert_true(killed > 0);
    /* The rest in peace; then everything is as if nothing had happened. */
    glimpse_store *catalog = glimpse_library_store(w.library);
    assert_ok(catalog->ops->begin(catalog));
    for (uint64_t i = 0; i < PICTURES; i++)
        write_record(catalog, w.model, w.pictures, i);
    assert_ok(catalog->ops->commit(catalog));
    world peace;
    world_open(&peace, 2);
    glimpse_store *other = glimpse_library_store(peace.library);
    assert_ok(other->ops->begin(other));
    for (uint64_t i = 0; i < PICTURES; i++)
        write_record(other, peace.model, w.pictures, i);
    assert_ok(other->ops->commit(other));
    glimpse_hash a = world_answers(&w, 20), b = world_answers(&peace, 20);
    assert_memory_equal(a.bytes, b.bytes, GLIMPSE_HASH_BYTES);
    assert_ok(world_verify(&w, text, sizeof text));
    world_close(&peace);
    world_close(&w);
}

static void one_process_writes_at_a_time(void **state) {
    (void)state;
    world w;
    world_open(&w, 3);
    int go[2], ready[2];
    char byte = 0;
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        glimpse_library *library = NULL;
        if (glimpse_library_open(&library, w.library_path, 0) < 0) _exit(1);
        if (glimpse_library_lock(library, "holding on") < 0) _exit(2);
        if (write(ready[1], "x", 1) != 1) _exit(3);
        if (read(go[0], &byte, 1) != 1) _exit(4);
        pause_ms(10000); /* until killed */
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    char pid[32];
    (void)snprintf(pid, sizeof pid, "%ld", (long)child);
    assert_int_equal(glimpse_library_lock(w.library, "test"), GLIMPSE_E_BUSY);
    assert_non_null(strstr(glimpse_last_error(), pid));
    assert_non_null(strstr(glimpse_last_error(), "holding on"));
    assert_int_equal(glimpse_library_reindex(w.library), GLIMPSE_E_BUSY);
    assert_int_equal(glimpse_library_prune(NULL, w.library, NULL), GLIMPSE_E_BUSY);
    /* Reading goes on, and saves nothing meanwhile. */
    world_populate(&w, 20);
    glimpse_hash busy = world_answers(&w, 5);
    char *path = world_vectors_path(&w, &w.key);
    assert_false(path_exists(path));
    /* The lock goes with its process. */
    assert_int_equal(write(go[1], "x", 1), 1);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_ok(glimpse_library_lock(w.library, "test"));
    glimpse_library *second = NULL;
    assert_ok(glimpse_library_open(&second, w.library_path, 0));
    assert_int_equal(glimpse_library_lock(second, "test"), GLIMPSE_E_BUSY); /* same process */
    glimpse_library_close(second);
    glimpse_library_unlock(w.library);
    glimpse_library_unlock(w.library);
    world_reopen(&w, 0);
    glimpse_hash alone = world_answers(&w, 5);
    assert_true(path_exists(path));
    assert_memory_equal(busy.bytes, alone.bytes, GLIMPSE_HASH_BYTES);
    free(path);
    for (int i = 0; i < 2; i++)
        (void)close(go[i]), (void)close(ready[i]);
    world_close(&w);
}

static void readers_see_whole_batches_while_another_process_writes(void **state) {
    (void)state;
    enum { PICTURES = 1600 };
    world w;
    world_open(&w, 4);
    glimpse_library_close(w.library);
    w.library = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) write_from(w.library_path, w.pictures, 0, PICTURES, 2);
    world_reopen(&w, 0);
    int how = 0, over = 0;
    size_t last = 0, rounds = 0, moved = 0;
    glimpse_search_options all = GLIMPSE_SEARCH_OPTIONS_INIT;
    all.k = PICTURES + 1;
    float query[WORLD_DIM];
    while (!over) {
        over = waitpid(child, &how, WNOHANG) == child; /* and one last look */
        glimpse_results *results = NULL;
        world_vector(&w, query);
        assert_ok(glimpse_library_search_key(&results, w.library, &w.key, query, &all));
        size_t count = glimpse_results_count(results);
        assert_true(count >= last && count % 8 == 0);
        for (size_t i = 1; i < count; i++) {
            assert_true(glimpse_results_get(results, i - 1)->score >=
                        glimpse_results_get(results, i)->score);
        }
        glimpse_results_free(results);
        moved += count != last;
        last = count;
        rounds++;
    }
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_int_equal(last, PICTURES);
    assert_true(moved > 1);
    print_message("%zu searches, %zu of them saw more than the one before\n", rounds, moved);
    world_close(&w);
}

static void a_damaged_catalogue_is_reported_and_left_alone(void **state) {
    (void)state;
    world w;
    char path[700], kept[700], shm[710], wal[710], text[4000];
    world_open(&w, 5);
    world_populate(&w, 400);
    glimpse_hash expected = world_answers(&w, 5);
    glimpse_library_close(w.library);
    w.library = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.db", w.library_path);
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    (void)snprintf(shm, sizeof shm, "%s-shm", path);
    (void)snprintf(kept, sizeof kept, "%s/kept.db", w.directory);
    copy_file(path, kept);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    size_t size = (size_t)info.st_size;
    int at_open = 0, by_verify = 0, harmless = 0;
    for (int round = 0; round < 150; round++) {
        /* The header, the schema, or any page: a few bytes or a whole sector of rubbish. */
        uint8_t rubbish[512];
        size_t length = round % 3 == 0 ? 512 : 4 + world_below(&w, 60);
        size_t at = round % 5 == 0 ? world_below(&w, 100)
                                   : world_below(&w, round % 5 == 1 ? 8192 : size - length);
        for (size_t i = 0; i < length; i++)
            rubbish[i] = (uint8_t)world_random(&w);
        copy_file(kept, path);
        world_overwrite(path, (long)at, rubbish, length);
        glimpse_hash before = {{0}}, after = {{0}};
        size_t bytes = 0;
        void *data = read_whole_file(path, &bytes);
        before = glimpse_hash_bytes(data, bytes);
        free(data);

        int status = glimpse_library_open(&w.library, w.library_path,
                                          round % 2 ? GLIMPSE_LIBRARY_CREATE : 0);
        if (status < 0) {
            at_open++;
            if (status != GLIMPSE_E_CORRUPT && status != GLIMPSE_E_UNSUPPORTED) {
                fail_msg("round %d, %zu bytes at %zu: %s", round, length, at, glimpse_last_error());
            }
            assert_null(w.library);
        } else {
            status = world_verify(&w, text, sizeof text);
            if (status == GLIMPSE_OK) {
                /* Bytes that mean nothing (free space), or a number that no answer uses. */
                harmless++;
                glimpse_hash now = world_answers(&w, 5);
                assert_memory_equal(now.bytes, expected.bytes, GLIMPSE_HASH_BYTES);
            } else {
                by_verify++;
                if (status != GLIMPSE_E_CORRUPT) fail_msg("round %d: %s", round, text);
            }
            glimpse_library_close(w.library);
            w.library = NULL;
        }
        data = read_whole_file(path, &bytes);
        after = glimpse_hash_bytes(data, bytes);
        free(data);
        assert_memory_equal(after.bytes, before.bytes, GLIMPSE_HASH_BYTES);
        (void)unlink(wal);
        (void)unlink(shm);
    }
    print_message("150 damages: %d seen at open, %d by verify, %d without meaning\n", at_open,
                  by_verify, harmless);
    assert_true(at_open > 10 && by_verify > 10);
    copy_file(kept, path);
    world_reopen(&w, 0);
    glimpse_hash now = world_answers(&w, 5);
    assert_memory_equal(now.bytes, expected.bytes, GLIMPSE_HASH_BYTES);
    world_close(&w);
}

static void a_catalogue_cut_short_emptied_or_replaced_is_reported(void **state) {
    (void)state;
    world w;
    char path[700], text[4000];
    world_open(&w, 6);
    world_populate(&w, 200);
    glimpse_library_close(w.library);
    w.library = NULL;
    (void)snprintf(path, sizeof path, "%s/catalog.db", w.library_path);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    const off_t sizes[] = {info.st_size - 1, info.st_size / 2, 8192, 100, 1, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(truncate(path, sizes[i]), 0);
        int status = glimpse_library_open(&w.library, w.library_path, GLIMPSE_LIBRARY_CREATE);
        if (status == GLIMPSE_OK) {
            status = world_verify(&w, text, sizeof text);
            glimpse_library_close(w.library);
            w.library = NULL;
        }
        assert_int_equal(status, GLIMPSE_E_CORRUPT);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_size, sizes[i]);
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (int i = 0; i < 2000; i++)
        (void)fputs("not a database at all\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(glimpse_last_error(), path));
    /* Somebody else's database. */
    sqlite3 *other = NULL;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, 0), GLIMPSE_E_CORRUPT);
    /* The catalogue gone while its log is there: a new one would be mixed with it. */
    char wal[710];
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    assert_int_equal(rename(path, wal), 0);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, 0), GLIMPSE_E_CORRUPT);
    assert_int_equal(glimpse_library_open(&w.library, w.library_path, GLIMPSE_LIBRARY_CREATE),
                     GLIMPSE_E_CORRUPT);
    assert_false(path_exists(path));
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* Those that fork come first: FAISS has no threads yet. */
        cmocka_unit_test(a_kill_loses_at_most_the_batch_in_flight),
        cmocka_unit_test(one_process_writes_at_a_time),
        cmocka_unit_test(readers_see_whole_batches_while_another_process_writes),
        cmocka_unit_test(a_damaged_catalogue_is_reported_and_left_alone),
        cmocka_unit_test(a_catalogue_cut_short_emptied_or_replaced_is_reported),
    };
    return cmocka_run_group_tests_name("durability", tests, NULL, NULL);
}
