/*
 * Looking after a library: its numbers, verify, reindex, prune.
 */
#include "support/libraries.h"

static glimpse_library_status *status_of(world *w) {
    glimpse_library_status *s = NULL;
    assert_ok(glimpse_library_load_status(&s, w->library));
    assert_int_equal(s->files, s->embedded + s->duplicates + s->quarantined_count + s->pending);
    return s;
}

/* Row counts of file, content and embedding. */
static void count_rows(world *w, int64_t counts[3]) {
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w->library));
    assert_ok(glimpse_db_integer(db, &counts[0], "SELECT count(*) FROM file", ""));
    assert_ok(glimpse_db_integer(db, &counts[1], "SELECT count(*) FROM content", ""));
    assert_ok(glimpse_db_integer(db, &counts[2], "SELECT count(*) FROM embedding", ""));
}

static void the_numbers_add_up(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        world w;
        world_open(&w, seed);
        glimpse_library_status *s = status_of(&w);
        assert_int_equal(s->files, 0);
        assert_string_equal(s->models[0].index_state, "ok"); /* nothing to index */
        glimpse_library_status_free(s);
        world_populate(&w, 200);
        /* Some contents without an embedding: another model was to come. */
        glimpse_store *catalog = glimpse_library_store(w.library);
        for (uint64_t i = 0; i < 7; i++) {
            char path[1100];
            int64_t content = 0;
            glimpse_content_meta meta = {.hash = glimpse_hash_bytes(&i, sizeof i), .size = i};
            glimpse_file_stamp stamp = {i, 0, 0, 0};
            assert_ok(catalog->ops->contents.write(&content, catalog, &meta));
            (void)snprintf(path, sizeof path, "%s/pending %d.jpg", w.pictures, (int)i);
            assert_ok(catalog->ops->files.bind(catalog, path, &stamp, &meta.hash, meta.size));
        }
        uint64_t present = 7, missing = 0, quarantined = 0, ok = 0, different = 0;
        for (size_t i = 0; i < w.file_count; i++) {
            const world_file *f = &w.files[i];
            missing += (uint64_t)f->missing;
            present += !f->missing;
            quarantined += !f->missing && f->content == SIZE_MAX;
            ok += !f->missing && f->content != SIZE_MAX;
        }
        for (size_t c = 0; c < w.content_count; c++) {
            int has = 0;
            for (size_t i = 0; i < w.file_count; i++) {
                has |= !w.files[i].missing && w.files[i].content == c;
            }
            different += (uint64_t)has;
        }
        s = status_of(&w);
        assert_string_equal(s->library, w.library_path);
        assert_int_equal(s->files, present);
        assert_int_equal(s->missing, missing);
        assert_int_equal(s->quarantined_count, quarantined);
        assert_int_equal(s->embedded, different);
        assert_int_equal(s->duplicates, ok - different);
        assert_int_equal(s->pending, 7);
        assert_int_equal(s->model_count, 1);
        assert_int_equal(s->models[0].embedded, w.content_count);
        assert_int_equal(s->models[0].embedding_size, WORLD_DIM);
        assert_string_equal(s->models[0].name, "small");
        assert_string_equal(s->models[0].index_state, "missing");
        assert_int_equal(s->root_count, 1);
        assert_true(s->catalog_bytes > 0);
        for (size_t i = 0; i < s->quarantined_count; i++) {
            assert_string_equal(s->quarantined[i].reason, "it is broken");
            assert_non_null(strstr(s->quarantined[i].path, "broken"));
        }
        /* The root is empty on the disk: everything is away, and still there. */
        assert_int_equal(s->root_offline[0], 1);
        assert_int_equal(s->offline, present);
        const uint64_t embedded = s->embedded;
        glimpse_library_status_free(s);

        int64_t other = 0; /* a new model: all is pending */
        assert_ok(catalog->ops->models.use(&other, catalog, &world_other_key));
        s = status_of(&w); /* which is not the one that is asked yet */
        assert_int_equal(s->embedded, embedded);
        assert_false(s->models[0].is_default);
        assert_true(s->models[1].is_default && s->models[1].is_chosen);
        glimpse_library_status_free(s);
        assert_ok(catalog->ops->models.set_default(catalog, &world_other_key, 0));
        s = status_of(&w);
        assert_true(s->models[0].is_default && !s->models[0].is_chosen);
        assert_false(s->models[1].is_default);
        assert_int_equal(s->pending, ok + 7);
        assert_int_equal(s->embedded, 0);
        assert_int_equal(s->model_count, 2);
        glimpse_library_status_free(s);
        world_close(&w);
    }
}

static void verify_is_clean_after_honest_work(void **state) {
    (void)state;
    world w;
    char text[2000];
    world_open(&w, 11);
    assert_ok(world_verify(&w, text, sizeof text));
    world_populate(&w, 300);
    assert_ok(world_verify(&w, text, sizeof text)); /* no vector file yet */
    (void)world_answers(&w, 1);
    assert_ok(world_verify(&w, text, sizeof text));
    world_populate(&w, 30);
    assert_ok(world_verify(&w, text, sizeof text)); /* a stale one */
    uint64_t checked = 0;
    assert_ok(glimpse_library_verify(&checked, w.library, NULL, NULL));
    assert_int_equal(checked, w.content_count);
    world_close(&w);
}

/* Where the bytes of a content's stored vector are in the file of the catalogue. */
static long find_vector(world *w, size_t content, const char *path) {
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w->library));
    sqlite3_stmt *row = NULL;
    uint8_t vector[2 * WORLD_DIM];
    assert_ok(glimpse_db_query(db, &row, "SELECT vector FROM embedding WHERE picture_id = ?1", "i",
                               w->contents[content].id));
    assert_int_equal(glimpse_db_step(db, row), 1);
    memcpy(vector, sqlite3_column_blob(row, 0), sizeof vector);
    glimpse_db_reset(row);
    glimpse_library_close(w->library); /* moves the log into the file */
    w->library = NULL;
    size_t size = 0;
    uint8_t *bytes = read_whole_file(path, &size);
    void *at = memmem(bytes, size, vector, sizeof vector);
    assert_non_null(at);
    long offset = (long)((uint8_t *)at - bytes);
    free(bytes);
    return offset;
}

static void one_flipped_bit_in_a_stored_vector_is_found_and_never_used(void **state) {
    (void)state;
    world w;
    char path[700], text[2000];
    world_open(&w, 12);
    world_populate(&w, 100);
    size_t victim = world_add_content(&w, NULL, ""); /* unlike every other */
    world_add_file(&w, "victim.jpg", victim, 0, 0);
    (void)world_answers(&w, 1);
    (void)snprintf(path, sizeof path, "%s/catalog.db", w.library_path);
    long offset = find_vector(&w, victim, path) + 2 * 17;
    uint8_t bit = 0;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fread(&bit, 1, 1, file), 1);
    (void)fclose(file);
    bit ^= 1; /* the least of the mantissa: length and page are as sound as before */
    world_overwrite(path, offset, &bit, 1);
    world_reopen(&w, 0);
    assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(text, "checksum"));
    /* Not used for a new index, nor handed out, and nothing is written any more. */
    char *vectors = world_vectors_path(&w, &w.key);
    assert_int_equal(glimpse_library_reindex(w.library), GLIMPSE_E_CORRUPT);
    assert_true(path_exists(vectors)); /* the old one is kept until there is a new one */
    free(vectors);
    char hex[GLIMPSE_HASH_HEX];
    float v[WORLD_DIM];
    glimpse_hash_to_hex(&w.contents[victim].hash, hex);
    assert_int_equal(glimpse_library_embedding_key(v, NULL, w.library, &w.key, hex),
                     GLIMPSE_E_CORRUPT);
    assert_int_equal(glimpse_library_store(w.library)->ops->begin(glimpse_library_store(w.library)),
                     GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(glimpse_last_error(), "backup"));
    world_close(&w);
}

static void a_row_that_vanished_is_found_by_the_digest(void **state) {
    (void)state;
    world w;
    char text[2000];
    world_open(&w, 13);
    world_populate(&w, 50);
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
    assert_ok(glimpse_db_script(db, "DROP TRIGGER embedding_removed;"
                                    "DELETE FROM embedding WHERE id = 7;"));
    assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
    float query[WORLD_DIM] = {1.0f};
    glimpse_results *results = NULL;
    assert_int_equal(glimpse_library_search_key(&results, w.library, &w.key, query, NULL),
                     GLIMPSE_E_CORRUPT);
    world_close(&w);
}

static void two_defaults_are_a_problem(void **state) {
    (void)state;
    world w;
    char text[2000];
    world_open(&w, 12);
    world_populate(&w, 5);
    glimpse_store *store = glimpse_library_store(w.library);
    int64_t other = 0;
    assert_ok(store->ops->models.use(&other, store, &world_other_key));
    assert_ok(world_verify(&w, text, sizeof text));
    assert_ok(glimpse_db_script(glimpse_store_db(store), "UPDATE model SET is_default = 1"));
    assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
    assert_non_null(strstr(text, "2 models are the default"));
    world_close(&w);
}

/* Labels from before rows of labels had checksums get them; changes behind the library's back are
 * found in each of the three tables. */
static void labels_have_checksums_old_ones_too(void **state) {
    (void)state;
    static const struct {
        const char *change, *message;
    } damage[] = {
        {"UPDATE label SET probability = 0.75", "labels of picture"},
        {"UPDATE label SET class_id = class_id + 1 WHERE class_id = 1", "labels of picture"},
        {"UPDATE label_class SET name = 'dog' WHERE id = 1", "label class 1 (dog)"},
        {"UPDATE labelling SET created = ''", "labelling 1 (kinds)"},
    };
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        world w;
        char text[2000];
        world_open(&w, 40 + i);
        world_populate(&w, 5);
        glimpse_db *db = glimpse_store_db(glimpse_library_store(w.library));
        world_rewind(&w, 3);
        assert_ok(glimpse_db_script(
            db, "INSERT INTO labelling VALUES (1, 'kinds', (SELECT max(id) FROM model),"
                " '0123456789abcdef0123456789abcdef', 2, '{}', '2026-01-02T03:04:05');"
                "INSERT INTO label_class VALUES (1, 1, 'cat'), (2, 1, 'bird');"
                "INSERT INTO label SELECT id, 1, 0.5, 0.25 FROM content;"));
        world_reopen(&w, 0);
        assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_OK);
        db = glimpse_store_db(glimpse_library_store(w.library));
        assert_ok(glimpse_db_script(db, damage[i].change));
        assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
        assert_non_null(strstr(text, damage[i].message));
        assert_non_null(strstr(text, "checksum"));
        world_close(&w);
    }
}

static void verify_compares_the_vector_file_row_by_row(void **state) {
    (void)state;
    /* A file that is sound and claims to be up to date, but is not: its digest is a lie. */
    world w;
    char text[4000];
    world_open(&w, 14);
    world_populate(&w, 40);
    (void)world_answers(&w, 1);
    char *path = world_vectors_path(&w, &w.key);
    glimpse_store *catalog = glimpse_library_store(w.library);
    float v[WORLD_DIM];
    world_vector(&w, v);
    int64_t changed = w.contents[3].id, gone = w.contents[4].id, added = 0;
    assert_ok(glimpse_db_run(glimpse_store_db(catalog),
                             "DELETE FROM embedding WHERE picture_id IN (?1, ?2)", "ii", changed,
                             gone));
    assert_ok(catalog->ops->contents.write_embedding(catalog, w.model, changed, v, WORLD_DIM));
    size_t last = world_add_content(&w, NULL, "");
    added = w.contents[last].id;
    glimpse_model_info model;
    assert_ok(catalog->ops->models.find(&model, catalog, w.key.fingerprint));
    size_t size = 0;
    uint8_t *header = read_whole_file(path, &size);
    for (int i = 0; i < 8; i++)
        header[56 + i] = (uint8_t)(model.digest >> (8 * i));
    glimpse_hash own = glimpse_hash_bytes(header, 112);
    memcpy(header + 112, own.bytes, sizeof own.bytes);
    world_overwrite(path, 0, header, 128);
    free(header);
    glimpse_library_status *s = status_of(&w);
    assert_string_equal(s->models[0].index_state, "ok");
    glimpse_library_status_free(s);
    assert_int_equal(world_verify(&w, text, sizeof text), GLIMPSE_E_CORRUPT);
    char expected[100];
    (void)snprintf(expected, sizeof expected, "picture %d has another vector", (int)changed);
    assert_non_null(strstr(text, expected));
    (void)snprintf(expected, sizeof expected, "picture %d is not in it", (int)added);
    assert_non_null(strstr(text, expected));
    assert_ok(glimpse_library_reindex(w.library));
    assert_ok(world_verify(&w, text, sizeof text));
    free(path);
    world_close(&w);
}

static void prune_forgets_what_is_gone_and_nothing_else(void **state) {
    (void)state;
    world w;
    char text[1000];
    world_open(&w, 15);
    world_populate(&w, 300);
    glimpse_hash before = world_answers(&w, 20);
    uint64_t missing = 0, orphans = 0;
    for (size_t i = 0; i < w.file_count; i++)
        missing += (uint64_t)w.files[i].missing;
    for (size_t c = 0; c < w.content_count; c++) {
        int has = 0;
        for (size_t i = 0; i < w.file_count; i++) {
            has |= !w.files[i].missing && w.files[i].content == c;
        }
        orphans += !has;
    }
    assert_true(missing > 0 && orphans > 0);
    int64_t rows[3], now[3];
    count_rows(&w, rows);
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report dry = GLIMPSE_PRUNE_REPORT_INIT, wet = GLIMPSE_PRUNE_REPORT_INIT;
    options.dry_run = 1;
    assert_ok(glimpse_library_prune(&dry, w.library, &options));
    count_rows(&w, now);
    assert_memory_equal(now, rows, sizeof rows);
    assert_int_equal(dry.files, missing);
    assert_int_equal(dry.contents, orphans);
    assert_int_equal(dry.embeddings, orphans);
    assert_ok(glimpse_library_prune(&wet, w.library, NULL));
    assert_memory_equal(&wet, &dry, sizeof dry);
    count_rows(&w, now);
    assert_int_equal(now[0], rows[0] - (int64_t)missing);
    assert_int_equal(now[1], rows[1] - (int64_t)orphans);
    assert_int_equal(now[2], rows[2] - (int64_t)orphans);
    glimpse_hash after = world_answers(&w, 20);
    assert_memory_equal(after.bytes, before.bytes, GLIMPSE_HASH_BYTES);
    assert_ok(world_verify(&w, text, sizeof text));
    glimpse_library_status *s = status_of(&w);
    assert_string_equal(s->models[0].index_state, "ok");
    assert_int_equal(s->missing, 0);
    glimpse_library_status_free(s);
    assert_ok(glimpse_library_prune(&wet, w.library, NULL)); /* nothing is left to do */
    assert_int_equal(wet.files + wet.contents + wet.embeddings, 0);
    world_reopen(&w, 0);
    after = world_answers(&w, 20);
    assert_memory_equal(after.bytes, before.bytes, GLIMPSE_HASH_BYTES);
    world_close(&w);
}

static void prune_forgets_a_root_and_a_model_when_asked(void **state) {
    (void)state;
    world w;
    char directory[700], text[1000];
    world_open(&w, 16);
    world_populate(&w, 200);
    glimpse_store *catalog = glimpse_library_store(w.library);
    int64_t other = 0, rows[3];
    assert_ok(catalog->ops->models.use(&other, catalog, &world_other_key));
    float v[24] = {0.5f, 0.5f};
    for (size_t i = 0; i < 10; i++) {
        assert_ok(catalog->ops->contents.write_embedding(catalog, other, w.contents[i].id, v, 24));
    }
    glimpse_results *results = NULL;
    assert_ok(glimpse_library_search_key(&results, w.library, &world_other_key, v, NULL));
    glimpse_results_free(results);
    char *path = world_vectors_path(&w, &world_other_key);
    assert_true(path_exists(path));

    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    options.model = "no such fingerprint";
    assert_int_equal(glimpse_library_prune(&report, w.library, &options), GLIMPSE_E_NOT_FOUND);
    options.model = world_other_key.fingerprint;
    assert_ok(glimpse_library_prune(&report, w.library, &options));
    assert_true(report.embeddings >= 10);
    assert_false(path_exists(path));
    glimpse_library_status *s = status_of(&w);
    assert_int_equal(s->model_count, 1);
    glimpse_library_status_free(s);
    free(path);

    options.model = NULL;
    options.root = "/not/indexed";
    assert_int_equal(glimpse_library_prune(&report, w.library, &options), GLIMPSE_E_NOT_FOUND);
    (void)snprintf(directory, sizeof directory, "%s/a", w.pictures); /* part of a root */
    options.root = directory;
    assert_ok(glimpse_library_prune(&report, w.library, &options));
    assert_true(report.files > 0);
    for (size_t i = 0; i < w.file_count; i++) {
        if (glimpse_path_is_below(w.files[i].path, directory)) w.files[i].missing = 1;
    }
    glimpse_search_options all = GLIMPSE_SEARCH_OPTIONS_INIT;
    all.k = 1000;
    world_check_search(&w, w.contents[0].vector, &all);
    options.root = w.pictures;
    assert_ok(glimpse_library_prune(&report, w.library, &options));
    count_rows(&w, rows);
    assert_int_equal(rows[0] + rows[1] + rows[2], 0);
    s = status_of(&w);
    assert_int_equal(s->root_count, 0);
    glimpse_library_status_free(s);
    assert_ok(world_verify(&w, text, sizeof text));
    world_close(&w);
}

static void pruning_gives_the_space_back(void **state) {
    (void)state;
    world w;
    world_open(&w, 17);
    world_populate(&w, 3000);
    glimpse_library_status *s = NULL;
    world_reopen(&w, 0);
    assert_ok(glimpse_library_load_status(&s, w.library));
    uint64_t before = s->catalog_bytes;
    glimpse_library_status_free(s);
    glimpse_prune_options options = GLIMPSE_PRUNE_OPTIONS_INIT;
    options.root = w.pictures;
    assert_ok(glimpse_library_prune(NULL, w.library, &options));
    assert_ok(glimpse_library_load_status(&s, w.library));
    assert_true(s->catalog_bytes < before / 2);
    glimpse_library_status_free(s);
    world_close(&w);
}

static void reindex_removes_files_of_forgotten_models(void **state) {
    (void)state;
    world w;
    char stranger[700], other[700];
    world_open(&w, 18);
    world_populate(&w, 30);
    (void)snprintf(stranger, sizeof stranger, "%s/vectors-%s.faiss", w.library_path,
                   world_other_key.fingerprint);
    (void)snprintf(other, sizeof other, "%s/notes.txt", w.library_path);
    write_text(stranger, "");
    write_text(other, "");
    assert_ok(glimpse_library_reindex(w.library));
    assert_false(path_exists(stranger));
    assert_true(path_exists(other));
    char *path = world_vectors_path(&w, &w.key);
    assert_true(path_exists(path));
    free(path);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numbers_add_up),
        cmocka_unit_test(verify_is_clean_after_honest_work),
        cmocka_unit_test(two_defaults_are_a_problem),
        cmocka_unit_test(one_flipped_bit_in_a_stored_vector_is_found_and_never_used),
        cmocka_unit_test(a_row_that_vanished_is_found_by_the_digest),
        cmocka_unit_test(labels_have_checksums_old_ones_too),
        cmocka_unit_test(verify_compares_the_vector_file_row_by_row),
        cmocka_unit_test(prune_forgets_what_is_gone_and_nothing_else),
        cmocka_unit_test(prune_forgets_a_root_and_a_model_when_asked),
        cmocka_unit_test(pruning_gives_the_space_back),
        cmocka_unit_test(reindex_removes_files_of_forgotten_models),
    };
    return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
