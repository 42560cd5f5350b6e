/*
 * libraries.c - a library with known contents for the tests of the store, and a search that
 * looks at everything to compare with.
 */
#include "support/libraries.h"

#include "math/half.h"

#include "dates.h"

#include <math.h>

const glimpse_model_key world_key = {"00112233445566778899aabbccddeeff", "small", "/models/small",
                                     WORLD_DIM};
const glimpse_model_key world_other_key = {"ffeeddccbbaa99887766554433221100", "other",
                                           "/models/other", 24};

void world_open(world *w, uint64_t seed) {
    *w = (world){.random = seed * 2 + 1, .key = world_key};
    w->directory = make_resolved_temp_directory();
    (void)snprintf(w->library_path, sizeof w->library_path, "%s/lib", w->directory);
    (void)snprintf(w->pictures, sizeof w->pictures, "%s/pictures", w->directory);
    assert_int_equal(mkdir(w->pictures, 0777), 0);
    assert_ok(glimpse_library_open(&w->library, w->library_path, GLIMPSE_LIBRARY_CREATE));
    glimpse_store *catalog = glimpse_library_store(w->library);
    assert_ok(catalog->ops->models.use(&w->model, catalog, &w->key));
    assert_ok(catalog->ops->roots.write(catalog, w->pictures, 1, 0));
}

void world_close(world *w) {
    glimpse_library_close(w->library);
    remove_tree(w->directory);
    free(w->directory);
    free(w->contents);
    free(w->files);
    *w = (world){0};
}

void world_reopen(world *w, unsigned flags) {
    glimpse_library_close(w->library);
    w->library = NULL;
    assert_ok(glimpse_library_open(&w->library, w->library_path, flags));
}

/* 7 -> 8, of libraries in which every picture has one content. */
static const char without_pictures[] =
    "CREATE TABLE old_content (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL,"
    " size INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
    " orientation INTEGER NOT NULL, format TEXT NOT NULL, taken TEXT NOT NULL,"
    " camera TEXT NOT NULL, latitude REAL, longitude REAL, sum INTEGER NOT NULL,"
    " UNIQUE (hash, size)) STRICT;"
    "INSERT INTO old_content SELECT p.id, c.hash, c.size, width, height, orientation, format, "
    "taken,"
    " camera, latitude, longitude, glimpse_sum(c.hash, c.size, width, height, orientation, format,"
    " taken, camera, latitude, longitude) FROM picture p JOIN content c ON c.picture_id = p.id;"
    "CREATE TABLE old_file (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE,"
    " size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " missing INTEGER NOT NULL, content_id INTEGER REFERENCES old_content (id), code INTEGER,"
    " reason TEXT, sum INTEGER NOT NULL) STRICT;"
    "INSERT INTO old_file SELECT id, path, size, mtime_ns, inode, missing, picture_id, code, "
    "reason,"
    " glimpse_sum(path, size, mtime_ns, inode, missing, picture_id, code, reason) FROM file;"
    "CREATE TABLE old_embedding (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " model_id INTEGER NOT NULL REFERENCES model (id),"
    " content_id INTEGER NOT NULL REFERENCES old_content (id), vector BLOB NOT NULL,"
    " sum INTEGER NOT NULL, UNIQUE (content_id, model_id)) STRICT;"
    "INSERT INTO old_embedding SELECT id, model_id, picture_id, vector, sum FROM embedding;"
    "CREATE TABLE old_label (content_id INTEGER NOT NULL REFERENCES old_content (id),"
    " class_id INTEGER NOT NULL REFERENCES label_class (id), probability REAL NOT NULL,"
    " score REAL NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (content_id, class_id))"
    " STRICT, WITHOUT ROWID;"
    "INSERT INTO old_label SELECT picture_id, class_id, probability, score,"
    " glimpse_sum(picture_id, class_id, probability, score) FROM label;"
    "DROP TABLE caption_text; DROP TABLE caption; DROP TABLE fingerprint; DROP TABLE thumbnail;"
    "DROP TABLE label; DROP TABLE embedding; DROP TABLE file; DROP TABLE content;"
    "DROP TABLE picture;"
    "ALTER TABLE old_content RENAME TO content; ALTER TABLE old_file RENAME TO file;"
    "ALTER TABLE old_embedding RENAME TO embedding; ALTER TABLE old_label RENAME TO label;"
    "CREATE TABLE caption (id INTEGER PRIMARY KEY AUTOINCREMENT, content_id INTEGER NOT NULL,"
    " style INTEGER, model TEXT, prompt TEXT, text TEXT, created TEXT, sum INTEGER);"
    "CREATE VIRTUAL TABLE caption_text USING fts5 (text, content = 'caption', content_rowid = 'id',"
    " tokenize = 'porter unicode61 remove_diacritics 2');"
    "CREATE TABLE fingerprint (content_id INTEGER PRIMARY KEY, version INTEGER, data BLOB,"
    " sum INTEGER);"
    "CREATE TABLE thumbnail (content_id INTEGER PRIMARY KEY, version INTEGER, pixels BLOB,"
    " sum INTEGER);";

void world_rewind(world *w, int version) {
    static const char *const undo[] = {
        "DROP TABLE decision_member; DROP TABLE decision;", /* 2 -> 3 */
        ("ALTER TABLE labelling DROP COLUMN sum; ALTER TABLE label_class DROP COLUMN sum;"
         "ALTER TABLE label DROP COLUMN sum;"),          /* 3 -> 4 */
        "DROP TABLE vlm_answer;",                        /* 4 -> 5 */
        "DROP TABLE fingerprint; DROP TABLE thumbnail;", /* 5 -> 6 */
        "DROP TABLE caption_text; DROP TABLE caption;",  /* 6 -> 7 */
        without_pictures,                                /* 7 -> 8 */
        "DROP TABLE root_options;",                      /* 8 -> 9 */
        "DROP TABLE metadata; DROP TABLE sidecar;",      /* 9 -> 10 */
        "DROP TABLE unindexed; DROP TABLE unfinished;",  /* 10 -> 11 */
        ("CREATE TABLE old (file_id INTEGER PRIMARY KEY REFERENCES file (id) ON DELETE CASCADE,"
         " stamp INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
         "INSERT INTO old SELECT file_id, stamp, glimpse_sum(file_id, stamp) FROM sidecar;"
         "DROP TABLE sidecar; ALTER TABLE old RENAME TO sidecar;"), /* 11 -> 12 */
        "ALTER TABLE model DROP COLUMN is_default;",                /* 12 -> 13 */
        "ALTER TABLE file DROP COLUMN ctime_ns;",                   /* 13 -> 14 */
        "ALTER TABLE file DROP COLUMN left_out;",                   /* 14 -> 15 */
        ("DROP TRIGGER part_added; DROP TRIGGER part_removed;"
         "ALTER TABLE root_options DROP COLUMN tiles; ALTER TABLE model DROP COLUMN parts;"
         "ALTER TABLE model DROP COLUMN parts_generation;"
         "ALTER TABLE model DROP COLUMN parts_digest;"), /* 15 -> 16 */
        "DROP TABLE background;",                        /* 16 -> 17 */
        "DROP TABLE signature;",                         /* 17 -> 18 */
        ("DROP TABLE fact_word; DROP TABLE fact; DROP TABLE fact_text;"
         "DROP INDEX picture_added; ALTER TABLE picture DROP COLUMN added;"), /* 18 -> 19 */
        "DROP TABLE collection_picture; DROP TABLE collection;",              /* 19 -> 20 */
    };
    enum { FIRST = 2, STEPS = sizeof undo / sizeof undo[0] };
    glimpse_db *db = glimpse_store_db(glimpse_library_store(w->library));
    int64_t now = 0;
    assert_ok(glimpse_db_integer(db, &now, "PRAGMA user_version", ""));
    assert_int_equal(now, FIRST + STEPS); /* or a step has no entry above */
    for (int step = STEPS - 1; FIRST + step >= version; step--)
        assert_ok(glimpse_db_script(db, undo[step]));
    char sql[64];
    (void)snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    assert_ok(glimpse_db_script(db, sql));
}

uint64_t world_random(world *w) {
    /* splitmix64 */
    uint64_t z = w->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

size_t world_below(world *w, size_t end) {
    return (size_t)(world_random(w) % end);
}

void world_vector(world *w, float *vector) {
    for (size_t i = 0; i < WORLD_DIM; i++) {
        vector[i] = (float)((double)(world_random(w) >> 40) / 8388608.0 - 1.0);
    }
}

size_t world_add_content(world *w, const float *vector, const char *taken) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    world_content c = {.size = 1000 + world_below(w, 1000000)};
    float own[WORLD_DIM], unit[WORLD_DIM];
    uint64_t salt = world_random(w);
    c.hash = glimpse_hash_bytes(&salt, sizeof salt);
    (void)snprintf(c.taken, sizeof c.taken, "%s", taken);
    if (!vector) {
        world_vector(w, own);
        vector = own;
    }
    glimpse_content_meta meta = {.hash = c.hash,
                                 .size = c.size,
                                 .width = 640,
                                 .height = 480,
                                 .orientation = 1,
                                 .format = "JPEG",
                                 .taken = taken};
    assert_ok(catalog->ops->contents.write(&c.id, catalog, &meta));
    assert_ok(catalog->ops->contents.write_embedding(catalog, w->model, c.id, vector, WORLD_DIM));
    double square = 0.0;
    for (size_t i = 0; i < WORLD_DIM; i++)
        square += (double)vector[i] * (double)vector[i];
    for (size_t i = 0; i < WORLD_DIM; i++) {
        unit[i] = (float)((double)vector[i] * (1.0 / sqrt(square)));
        c.vector[i] = glimpse_f16_to_f32(glimpse_f32_to_f16(unit[i]));
    }
    w->contents = realloc(w->contents, (w->content_count + 1) * sizeof *w->contents);
    assert_non_null(w->contents);
    w->contents[w->content_count] = c;
    return w->content_count++;
}

size_t world_add_file(world *w, const char *name, size_t content, int64_t mtime_ns, int on_disk) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    world_file f = {.mtime_ns = mtime_ns, .content = content};
    (void)snprintf(f.path, sizeof f.path, "%s/%s", w->pictures, name);
    glimpse_file_stamp stamp = {5, mtime_ns, 7, 0};
    if (content == SIZE_MAX) {
        assert_ok(catalog->ops->files.quarantine(catalog, f.path, &stamp, GLIMPSE_E_FORMAT,
                                                 "it is broken"));
    } else {
        stamp.size = w->contents[content].size;
        assert_ok(catalog->ops->files.bind(catalog, f.path, &stamp, &w->contents[content].hash,
                                           w->contents[content].size));
    }
    if (on_disk) {
        for (char *slash = f.path + strlen(w->pictures) + 1; (slash = strchr(slash, '/'));
             slash++) {
            *slash = '\0';
            (void)mkdir(f.path, 0777);
            *slash = '/';
        }
        FILE *file = fopen(f.path, "wb");
        assert_non_null(file);
        (void)fclose(file);
    }
    w->files = realloc(w->files, (w->file_count + 1) * sizeof *w->files);
    assert_non_null(w->files);
    w->files[w->file_count] = f;
    return w->file_count++;
}

void world_lose_files(world *w, const size_t *indexes, size_t count) {
    glimpse_store *catalog = glimpse_library_store(w->library);
    glimpse_file_table *table = NULL;
    assert_ok(catalog->ops->files.load(&table, catalog, w->pictures, w->model));
    for (size_t i = 0; i < count; i++)
        w->files[indexes[i]].missing = 1;
    for (size_t i = 0; i < w->file_count; i++) {
        glimpse_file_row *row = glimpse_file_table_find(table, w->files[i].path);
        assert_non_null(row);
        row->seen = !w->files[i].missing;
    }
    assert_ok(glimpse_store_finish_scan(NULL, NULL, catalog, w->pictures, table));
    glimpse_file_table_free(table);
}

void world_populate(world *w, size_t contents) {
    static const char *const directories[] = {"a", "a/b", "a-b", "holiday 2020",
                                              "holiday 2021/beach"};
    static const char *const dates[] = {"", "2019-12-31T23:59:59", "2020-05-30T14:03:59",
                                        "2020-06-01T00:00:00", "2021-01-01T00:00:00"};
    glimpse_store *catalog = glimpse_library_store(w->library);
    size_t first_file = w->file_count;
    assert_ok(catalog->ops->begin(catalog));
    for (size_t i = 0; i < contents; i++) {
        const float *same = NULL; /* now and then the same vector under another content: a tie */
        if (w->content_count > 0 && world_below(w, 10) == 0) {
            same = w->contents[world_below(w, w->content_count)].vector;
        }
        float copy[WORLD_DIM];
        if (same) memcpy(copy, same, sizeof copy);
        size_t content = world_add_content(w, same ? copy : NULL, dates[world_below(w, 5)]);
        size_t copies =
            1u + (world_below(w, 4) == 0 ? 1u : 0u) + (world_below(w, 10) == 0 ? 1u : 0u);
        for (size_t j = 0; j < copies; j++) {
            char name[200];
            (void)snprintf(name, sizeof name, "%s/%zu-%zu.jpg", directories[world_below(w, 5)],
                           w->file_count, j);
            /* 2018 to 2022 */
            int64_t mtime = (1514764800 + (int64_t)world_below(w, 4 * 365 * 86400)) * 1000000000;
            world_add_file(w, name, content, mtime, 0);
        }
        if (world_below(w, 30) == 0) {
            char name[200];
            (void)snprintf(name, sizeof name, "a/broken %zu.jpg", w->file_count);
            world_add_file(w, name, SIZE_MAX, 1, 0);
        }
    }
    assert_ok(catalog->ops->commit(catalog));
    size_t *lost = calloc(w->file_count, sizeof *lost), count = 0;
    for (size_t i = first_file; i < w->file_count; i++) {
        if (world_below(w, 8) == 0) lost[count++] = i;
    }
    world_lose_files(w, lost, count);
    free(lost);
}

/*
 * The search that looks at everything.
 */
typedef struct answer {
    double score;
    const world_content *content;
} answer;

static int compare_answers(const void *a, const void *b) {
    const answer *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return memcmp(x->content->hash.bytes, y->content->hash.bytes, GLIMPSE_HASH_BYTES);
}

static int passes(const world *w, const world_file *f, const glimpse_search_options *o) {
    if (f->missing || f->content == SIZE_MAX) return 0;
    int within = o->within_count == 0;
    for (size_t i = 0; i < o->within_count && !within; i++)
        within = glimpse_path_is_below(f->path, o->within[i]);
    if (!within) return 0;
    char when[GLIMPSE_DATE_BYTES];
    glimpse_date_of_file(f->mtime_ns, when, NULL);
    const char *taken = w->contents[f->content].taken;
    if (!*taken) taken = when;
    /* Dates are prefixes of the full form, so that comparing them as strings is right. */
    if (o->after && strcmp(taken, o->after) < 0) return 0;
    if (o->before && strcmp(taken, o->before) >= 0) return 0;
    return 1;
}

static size_t look_at_everything(const world *w, const float *query,
                                 const glimpse_search_options *o, answer *answers) {
    size_t count = 0;
    double square = 0.0;
    for (size_t i = 0; i < WORLD_DIM; i++)
        square += (double)query[i] * (double)query[i];
    for (size_t i = 0; i < w->content_count; i++) {
        const world_content *c = &w->contents[i];
        int wanted = 0;
        for (size_t j = 0; j < w->file_count && !wanted; j++) {
            wanted = w->files[j].content == i && passes(w, &w->files[j], o);
        }
        double score = 0.0;
        for (size_t j = 0; j < WORLD_DIM; j++) {
            float unit = (float)((double)query[j] * (1.0 / sqrt(square)));
            score += (double)unit * (double)c->vector[j];
        }
        if (score > 1.0) score = 1.0;
        char hex[GLIMPSE_HASH_HEX];
        glimpse_hash_to_hex(&c->hash, hex);
        if (o->exclude_id && strcmp(hex, o->exclude_id) == 0) wanted = 0;
        if (wanted && score >= o->min_score) answers[count++] = (answer){score, c};
    }
    qsort(answers, count, sizeof *answers, compare_answers);
    return count < o->k ? count : o->k;
}

void world_check_search(world *w, const float *query, const glimpse_search_options *options) {
    answer *expected = calloc(w->content_count + 1, sizeof *expected);
    assert_non_null(expected);
    size_t count = look_at_everything(w, query, options, expected);
    glimpse_results *results = NULL;
    assert_ok(glimpse_library_search_key(&results, w->library, &w->key, query, options));
    assert_int_equal(glimpse_results_count(results), count);
    for (size_t i = 0; i < count; i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        char hex[GLIMPSE_HASH_HEX];
        glimpse_hash_to_hex(&expected[i].content->hash, hex);
        if (strcmp(r->id, hex) != 0 || fabs(r->score - expected[i].score) > 1e-12) {
            fail_msg("rank %zu of %zu: %s %.15f instead of %s %.15f", i + 1, count, r->id, r->score,
                     hex, expected[i].score);
        }
        assert_int_equal(r->rank, i + 1);
        /* The file shown is one of the content's that passes. */
        int good = 0;
        for (size_t j = 0; j < w->file_count && !good; j++) {
            good = strcmp(w->files[j].path, r->path) == 0 && passes(w, &w->files[j], options) &&
                   &w->contents[w->files[j].content] == expected[i].content;
        }
        if (!good) fail_msg("rank %zu shows %s", i + 1, r->path);
    }
    glimpse_results_free(results);
    free(expected);
}

glimpse_hash world_answers(world *w, size_t queries) {
    uint64_t kept = w->random;
    glimpse_hasher *hasher = glimpse_hasher_create();
    assert_non_null(hasher);
    w->random = 4711;
    for (size_t q = 0; q < queries; q++) {
        float query[WORLD_DIM];
        glimpse_results *results = NULL;
        glimpse_search_options options = GLIMPSE_SEARCH_OPTIONS_INIT;
        options.k = 1 + world_below(w, 20);
        world_vector(w, query);
        assert_ok(glimpse_library_search_key(&results, w->library, &w->key, query, &options));
        for (size_t i = 0; i < glimpse_results_count(results); i++) {
            const glimpse_result *r = glimpse_results_get(results, i);
            glimpse_hasher_update(hasher, r->path, strlen(r->path));
            glimpse_hasher_update(hasher, r->id, strlen(r->id));
            glimpse_hasher_update(hasher, &r->score, sizeof r->score);
        }
        glimpse_results_free(results);
    }
    w->random = kept;
    return glimpse_hasher_finish(hasher);
}

typedef struct problems {
    char *text;
    size_t size, used;
} problems;

static void keep_problem(void *user, const char *text) {
    problems *p = user;
    int written = snprintf(p->text + p->used, p->size - p->used, "%s\n", text);
    if (written > 0) p->used += (size_t)written;
    if (p->used >= p->size) p->used = p->size - 1;
}

int world_verify(world *w, char *text, size_t size) {
    problems p = {text, size, 0};
    text[0] = '\0';
    return glimpse_library_verify(NULL, w->library, keep_problem, &p);
}

char *world_vectors_path(world *w, const glimpse_model_key *key) {
    char *path = NULL;
    assert_ok(glimpse_indexes_path(&path, glimpse_library_store(w->library), key->fingerprint));
    return path;
}

void world_overwrite(const char *path, long offset, const void *bytes, size_t size) {
    FILE *file = fopen(path, "r+b");
    if (!file) fail_msg("%s: cannot open", path);
    assert_int_equal(fseek(file, offset < 0 ? 0 : offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}
