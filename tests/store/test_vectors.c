/*
 * Vector files: derived from the catalogue, rebuilt whenever they are not right, with the same
 * answers every time.
 */
#include "support/libraries.h"

#include <dirent.h>

static void populate(world *w, uint64_t seed, size_t contents) {
    world_open(w, seed);
    world_populate(w, contents);
    assert_ok(glimpse_library_lock(w->library, "test"));
    assert_ok(glimpse_indexes_update(glimpse_library_store(w->library), w->key.fingerprint));
    glimpse_library_unlock(w->library);
    world_reopen(w, 0);
}

static void same_answers(world *w, const glimpse_hash *expected) {
    glimpse_hash now = world_answers(w, 20);
    assert_memory_equal(now.bytes, expected->bytes, GLIMPSE_HASH_BYTES);
}

static const char *index_state(world *w) {
    static char text[32];
    glimpse_library_status *s = NULL;
    assert_ok(glimpse_library_load_status(&s, w->library));
    (void)snprintf(text, sizeof text, "%s", s->models[0].index_state);
    glimpse_library_status_free(s);
    return text;
}

static void a_missing_file_is_rebuilt_with_the_same_answers(void **state) {
    (void)state;
    world w;
    populate(&w, 1, 400);
    assert_string_equal(index_state(&w), "ok");
    char *path = world_vectors_path(&w, &w.key);
    glimpse_hash expected = world_answers(&w, 20);
    size_t size = 0, again = 0;
    void *bytes = read_whole_file(path, &size);
    assert_int_equal(unlink(path), 0);
    world_reopen(&w, 0);
    assert_string_equal(index_state(&w), "missing");
    same_answers(&w, &expected);
    assert_string_equal(index_state(&w), "ok");
    void *rebuilt = read_whole_file(path, &again);
    assert_int_equal(size, again);
    assert_memory_equal(bytes, rebuilt, size); /* down to the bytes */
    free(bytes);
    free(rebuilt);
    free(path);
    world_close(&w);
}

static void damage_anywhere_is_noticed_and_repaired(void **state) {
    (void)state;
    world w;
    populate(&w, 2, 300);
    char *path = world_vectors_path(&w, &w.key), text[2000];
    glimpse_hash expected = world_answers(&w, 20);
    size_t size = 0;
    uint8_t *good = read_whole_file(path, &size);
    for (int i = 0; i < 120; i++) {
        /* Every byte of the header in turn and then anywhere: one bit, or a few bytes. */
        size_t at = i < 60 ? (size_t)i * 128 / 60 : world_below(&w, size);
        size_t length = 1 + (i % 3 ? 0 : world_below(&w, 16));
        uint8_t bytes[16];
        if (at + length > size) length = size - at;
        memcpy(bytes, good + at, length);
        for (size_t j = 0; j < length; j++)
            bytes[j] ^= (uint8_t)(1u << world_below(&w, 8));
        world_reopen(&w, 0);
        world_overwrite(path, (long)at, bytes, length);
        if (i % 10 == 0) {
            assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
            assert_non_null(strstr(text, "vector index"));
        }
        same_answers(&w, &expected);
        size_t now = 0;
        uint8_t *repaired = read_whole_file(path, &now);
        assert_int_equal(now, size);
        assert_memory_equal(repaired, good, size);
        free(repaired);
        assert_ok(world_verify(&w, text, sizeof text));
    }
    free(good);
    free(path);
    world_close(&w);
}

static void a_file_cut_short_or_made_longer_is_rebuilt(void **state) {
    (void)state;
    world w;
    populate(&w, 3, 100);
    char *path = world_vectors_path(&w, &w.key);
    glimpse_hash expected = world_answers(&w, 20);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    const off_t sizes[] = {0, 1, 7, 127, 128, 129, info.st_size / 2, info.st_size - 1};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        world_reopen(&w, 0);
        assert_int_equal(truncate(path, sizes[i]), 0);
        assert_string_equal(index_state(&w), "damaged");
        same_answers(&w, &expected);
        assert_string_equal(index_state(&w), "ok");
    }
    world_reopen(&w, 0);
    world_overwrite(path, -1, "more", 4);
    assert_string_equal(index_state(&w), "damaged");
    same_answers(&w, &expected);
    /* A directory in its place cannot be replaced; the answers do not depend on it. */
    world_reopen(&w, 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0777), 0);
    same_answers(&w, &expected);
    assert_string_equal(index_state(&w), "damaged");
    assert_int_equal(rmdir(path), 0);
    free(path);
    world_close(&w);
}

static void an_older_file_is_brought_up_to_date(void **state) {
    (void)state;
    world w;
    populate(&w, 4, 200);
    char *path = world_vectors_path(&w, &w.key), *kept = NULL;
    size_t size = 0;
    kept = read_whole_file(path, &size);

    world_populate(&w, 150); /* more came: the rest is appended */
    assert_string_equal(index_state(&w), "stale");
    glimpse_hash expected = world_answers(&w, 20);
    assert_string_equal(index_state(&w), "ok");
    size_t appended = 0, rebuilt = 0;
    void *a = read_whole_file(path, &appended);
    assert_ok(glimpse_library_reindex(w.library));
    void *b = read_whole_file(path, &rebuilt);
    assert_int_equal(appended, rebuilt);
    assert_memory_equal(a, b, appended);
    same_answers(&w, &expected);
    free(a);
    free(b);

    /* The old one put back, as by a restored backup: the same. */
    world_reopen(&w, 0);
    assert_int_equal(truncate(path, 0), 0);
    world_overwrite(path, 0, kept, size);
    assert_string_equal(index_state(&w), "stale");
    same_answers(&w, &expected);
    free(kept);
    free(path);
    world_close(&w);
}

static void an_index_newer_than_the_catalogue_is_not_believed(void **state) {
    (void)state;
    /* A catalogue restored from a backup goes on and reaches the same counts and row ids with other
     * pictures. Only the digest tells. */
    world w;
    populate(&w, 5, 50);
    char command[2600], text[1000];
    (void)snprintf(command, sizeof command, "cp '%s/catalog.db' '%s/backup.db'", w.library_path,
                   w.directory);
    glimpse_library_close(w.library);
    w.library = NULL;
    assert_int_equal(system(command), 0);
    world_reopen(&w, 0);
    size_t contents = w.content_count, files = w.file_count;
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "new/%zu.jpg", i);
        world_add_file(&w, text, world_add_content(&w, NULL, ""), 0, 0);
    }
    glimpse_hash first = world_answers(&w, 20);
    glimpse_library_close(w.library);
    w.library = NULL;
    (void)snprintf(command, sizeof command, "cp '%s/backup.db' '%s/catalog.db'", w.directory,
                   w.library_path);
    assert_int_equal(system(command), 0);
    w.content_count = contents;
    w.file_count = files;
    world_reopen(&w, 0);
    for (size_t i = 0; i < 20; i++) {
        (void)snprintf(text, sizeof text, "other/%zu.jpg", i);
        world_add_file(&w, text, world_add_content(&w, NULL, ""), 0, 0);
    }
    assert_string_equal(index_state(&w), "stale");
    float query[WORLD_DIM];
    glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
    for (int i = 0; i < 20; i++) {
        world_vector(&w, query);
        world_check_search(&w, query, &options);
    }
    glimpse_hash second = world_answers(&w, 20);
    assert_memory_not_equal(first.bytes, second.bytes, GLIMPSE_HASH_BYTES);
    assert_ok(world_verify(&w, text, sizeof text));
    world_close(&w);
}

static void a_file_of_another_model_is_not_used(void **state) {
    (void)state;
    world w;
    populate(&w, 6, 100);
    glimpse_store *catalog = glimpse_library_store(w.library);
    glimpse_model_key reference = w.key; /* as wide, so that only the fingerprint differs */
    reference.fingerprint = "0123456789abcdef0123456789abcdef";
    int64_t id = 0;
    assert_ok(catalog->ops->models.use(&id, catalog, &reference));
    for (size_t i = 0; i < w.content_count; i++) {
        float v[WORLD_DIM];
        world_vector(&w, v);
        assert_ok(
            catalog->ops->contents.write_embedding(catalog, id, w.contents[i].id, v, WORLD_DIM));
    }
    glimpse_hash expected = world_answers(&w, 20);
    glimpse_results *results = NULL;
    assert_ok(
        glimpse_library_search_key(&results, w.library, &reference, w.contents[0].vector, NULL));
    glimpse_results_free(results);
    char *ours = world_vectors_path(&w, &w.key), *theirs = world_vectors_path(&w, &reference);
    assert_true(path_exists(theirs));
    assert_int_equal(rename(theirs, ours), 0);
    world_reopen(&w, 0);
    same_answers(&w, &expected);
    free(ours);
    free(theirs);
    world_close(&w);
}

static size_t files_in(const char *directory) {
    size_t count = 0;
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

static void a_read_only_library_writes_no_vector_file(void **state) {
    (void)state;
    world w;
    populate(&w, 7, 100);
    char *path = world_vectors_path(&w, &w.key);
    glimpse_hash expected = world_answers(&w, 20);
    assert_int_equal(unlink(path), 0);
    world_reopen(&w, GLIMPSE_LIBRARY_READ_ONLY);
    same_answers(&w, &expected);
    assert_false(path_exists(path));
    assert_int_equal(glimpse_library_reindex(w.library), GLIMPSE_E_IO);
    assert_int_equal(glimpse_library_prune(NULL, w.library, NULL), GLIMPSE_E_IO);
    assert_int_equal(glimpse_library_lock(w.library, "test"), GLIMPSE_E_IO);
    char text[500];
    assert_ok(world_verify(&w, text, sizeof text));
    free(path);
    world_close(&w);
}

static void a_library_in_a_directory_without_write_permission_can_be_searched(void **state) {
    (void)state;
    if (geteuid() == 0) {
        print_message("SKIPPED: root may write everywhere\n");
        skip();
    }
    world w;
    populate(&w, 8, 50);
    glimpse_hash expected = world_answers(&w, 20);
    glimpse_library_close(w.library);
    w.library = NULL;
    assert_int_equal(chmod(w.library_path, 0555), 0);
    world_reopen(&w, 0);
    same_answers(&w, &expected);
    assert_int_equal(glimpse_library_lock(w.library, "test"), GLIMPSE_E_IO);
    assert_int_equal(chmod(w.library_path, 0777), 0);
    world_close(&w);
}

static void saving_leaves_no_temporary_behind(void **state) {
    (void)state;
    world w;
    populate(&w, 9, 50);
    size_t before = files_in(w.library_path);
    char stale[700];
    (void)snprintf(stale, sizeof stale, "%s/vectors-x.faiss.tmp-123-0", w.library_path);
    write_text(stale, ""); /* of a writer that was killed */
    assert_ok(glimpse_library_reindex(w.library));
    assert_int_equal(files_in(w.library_path), before);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_rebuilt_with_the_same_answers),
        cmocka_unit_test(damage_anywhere_is_noticed_and_repaired),
        cmocka_unit_test(a_file_cut_short_or_made_longer_is_rebuilt),
        cmocka_unit_test(an_older_file_is_brought_up_to_date),
        cmocka_unit_test(an_index_newer_than_the_catalogue_is_not_believed),
        cmocka_unit_test(a_file_of_another_model_is_not_used),
        cmocka_unit_test(a_read_only_library_writes_no_vector_file),
        cmocka_unit_test(a_library_in_a_directory_without_write_permission_can_be_searched),
        cmocka_unit_test(saving_leaves_no_temporary_behind),
    };
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
