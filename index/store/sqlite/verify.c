/*
 * verify.c - reading everything once and comparing it with everything it should agree with.
 *
 * Checked: SQLite's pages, indexes and constraints; references; every row's checksum; every
 * embedding's finiteness and length; every model's count and digest; every vector file that claims
 * to be up to date, row by row; the captions' text index, word by word. A vector file that is
 * missing or older than the catalogue is no problem: the next search makes it anew, which is what
 * happens after an indexing run was killed.
 */
#include "captions_private.h"
#include "collections.h"
#include "core/error.h"
#include "facts.h"
#include "math/half.h"
#include "upkeep.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A component is off by at most 2^-11 of itself, so a length is too; twice that is allowed. */
#define LENGTH_TOLERANCE (1.0 / 1024.0)

typedef struct verification {
    glimpse_store *store;
    glimpse_db *db;
    glimpse_problem_fn report;
    void *user;
    uint64_t problems, checked;
} verification;

static void problem(verification *v, const char *format, ...) GLIMPSE_PRINTF(2, 3);
static void problem(verification *v, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    v->problems++;
    if (v->report) v->report(v->user, text);
}

/* Damage that stopped a check is a problem like others; the next check goes on. Once something is
 * known to be damaged, other failures (a row that cannot be found by its key) are signs of it. */
static int absorb(verification *v, int status) {
    if (status >= 0 || status == GLIMPSE_E_NOMEM || status == GLIMPSE_E_CANCELLED) return status;
    if (status != GLIMPSE_E_CORRUPT && v->problems == 0) return status;
    problem(v, "%s", glimpse_last_error());
    return GLIMPSE_OK;
}

static int check_pages(verification *v) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(v->db, &row, "PRAGMA integrity_check(100)", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
        status = GLIMPSE_OK;
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (text && strcmp(text, "ok") == 0) continue;
        (void)glimpse_db_damaged(v->db, "%s", text ? text : "it fails its integrity check");
        problem(v, "catalogue: %s", text ? text : "it fails its integrity check");
    }
    glimpse_db_reset(row);
    return absorb(v, status);
}

static int check_references(verification *v) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(v->db, &row, "PRAGMA foreign_key_check", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
        status = GLIMPSE_OK;
        problem(v, "catalogue: row %lld of the table %s refers to a row of %s that is not there",
                (long long)sqlite3_column_int64(row, 1), (const char *)sqlite3_column_text(row, 0),
                (const char *)sqlite3_column_text(row, 2));
    }
    glimpse_db_reset(row);
    if (status < 0) return absorb(v, status);
    status = glimpse_db_query(v->db, &row,
                              "SELECT path FROM file WHERE substr(path, 1, 1) <> x'2f'"
                              " OR instr(path, x'00') > 0"
                              " UNION ALL SELECT path FROM root WHERE substr(path, 1, 1) <> x'2f'",
                              "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
        status = GLIMPSE_OK;
        problem(v, "catalogue: '%.*s' is no absolute path", sqlite3_column_bytes(row, 0),
                (const char *)sqlite3_column_blob(row, 0));
    }
    glimpse_db_reset(row);
    return absorb(v, status);
}

/* Rows whose bytes are not those that were written. */
static int check_sums(verification *v) {
    static const char *const queries[][2] = {
        {"root", "SELECT 0, path FROM root WHERE sum <> " GLIMPSE_ROOT_SUM},
        {"options of root",
         "SELECT 0, path FROM root_options WHERE sum <> " GLIMPSE_ROOT_OPTIONS_SUM},
        {"file", "SELECT id, path FROM file WHERE sum <> " GLIMPSE_FILE_SUM},
        {"picture", "SELECT id, format FROM picture WHERE sum <> " GLIMPSE_PICTURE_SUM},
        {"content", "SELECT id, taken FROM content WHERE sum <> " GLIMPSE_CONTENT_SUM},
        {"metadata of content",
         "SELECT content_id, fields FROM metadata WHERE sum <> " GLIMPSE_METADATA_SUM},
        {"sidecars of file", "SELECT file_id, 'read again by glimpse index' FROM sidecar WHERE sum "
                             "<> " GLIMPSE_SIDECAR_SUM},
        {"labelling", "SELECT id, name FROM labelling WHERE sum <> " GLIMPSE_LABELLING_SUM},
        {"label class", "SELECT id, name FROM label_class WHERE sum <> " GLIMPSE_LABEL_CLASS_SUM},
        {"labels of picture",
         "SELECT picture_id, (SELECT name FROM label_class WHERE id = class_id) FROM label"
         " WHERE sum <> " GLIMPSE_LABEL_SUM},
        {"tag or album", "SELECT id, name FROM collection WHERE sum <> " GLIMPSE_COLLECTION_SUM
                         " OR folded <> glimpse_fold(name)"},
        {"tags of picture",
         "SELECT picture_id, (SELECT name FROM collection WHERE id = collection_id) FROM"
         " collection_picture WHERE sum <> " GLIMPSE_COLLECTION_PICTURE_SUM},
        {"answer",
         "SELECT 0, lower(hex(key)) FROM vlm_answer WHERE sum <> " GLIMPSE_VLM_ANSWER_SUM},
        {"picture that is not indexed",
         "SELECT 0, lower(hex(hash)) FROM unindexed WHERE sum <> " GLIMPSE_UNINDEXED_SUM},
        {"background of model", "SELECT model_id, 'made again by glimpse index' FROM background "
                                "WHERE sum <> " GLIMPSE_BACKGROUND_SUM},
        {"fingerprint of picture", "SELECT picture_id, 'made again by glimpse dedup' FROM "
                                   "fingerprint WHERE sum <> " GLIMPSE_FINGERPRINT_SUM},
        {"thumbnail of picture", "SELECT picture_id, 'made again by glimpse dedup' FROM thumbnail "
                                 "WHERE sum <> " GLIMPSE_THUMBNAIL_SUM},
        {"signature of picture",
         "SELECT picture_id, 'of no use' FROM signature WHERE sum <> " GLIMPSE_SIGNATURE_SUM}};
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0] && status == GLIMPSE_OK; i++) {
        sqlite3_stmt *row = NULL;
        status = glimpse_db_query(v->db, &row, queries[i][1], "");
        while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
            status = GLIMPSE_OK;
            (void)glimpse_db_damaged(v->db, "a row does not match its checksum");
            problem(v, "catalogue: %s %lld (%.*s) does not match its checksum", queries[i][0],
                    (long long)sqlite3_column_int64(row, 0), sqlite3_column_bytes(row, 1),
                    (const char *)sqlite3_column_blob(row, 1));
        }
        glimpse_db_reset(row);
        status = absorb(v, status);
    }
    return status;
}

static int check_facts(verification *v) {
    char *path = NULL;
    int status = glimpse_facts_verify(&path, v->db);
    if (path) {
        problem(v,
                "catalogue: what filters know of %s is not what it says (made anew by glimpse "
                "reindex)",
                path);
    }
    free(path);
    return absorb(v, status);
}

/* Compares a stored row with the index's row of the same content. */
static int check_indexed(verification *v, const glimpse_vectors *vectors, int64_t content,
                         uint32_t part, const float *stored, float *row) {
    int64_t position = -1;
    int status =
        glimpse_vectors_find(&position, vectors, part ? glimpse_part_key(content, part) : content);
    if (status < 0) return status;
    if (position < 0) {
        problem(v, "vector index: picture %lld is not in it", (long long)content);
        return GLIMPSE_OK;
    }
    status = glimpse_vectors_row(row, vectors, position);
    if (status < 0) return status;
    if (memcmp(row, stored, glimpse_vectors_dim(vectors) * sizeof *row) != 0) {
        problem(v, "vector index: picture %lld has another vector than in the catalogue",
                (long long)content);
    }
    return GLIMPSE_OK;
}

/* Of a model: [0] of whole pictures, [1] of their parts. An index is NULL when there is none to
 * compare with. */
typedef struct checked_vectors {
    glimpse_model_info model[2]; /* with the numbers of each */
    glimpse_vectors *indexes[2];
} checked_vectors;

static void check_totals(verification *v, const glimpse_model_info *model, int of_parts,
                         uint64_t count, uint64_t digest) {
    if (count == model->embedded && digest == model->digest) return;
    (void)glimpse_db_damaged(v->db, "model %s has other embeddings than it should",
                             model->fingerprint);
    problem(v, "catalogue: model %s has %llu embeddings%s, its row says %llu%s", model->fingerprint,
            (unsigned long long)count, of_parts ? " of parts of pictures" : "",
            (unsigned long long)model->embedded,
            count == model->embedded ? " with another digest" : "");
}

static int check_embeddings(verification *v, const checked_vectors *all) {
    const glimpse_model_info *model = &all->model[0];
    sqlite3_stmt *row = NULL;
    uint64_t counts[2] = {0}, digests[2] = {0};
    float *values = malloc(2 * model->dim * sizeof *values);
    if (!values) return glimpse_fail_nomem(2 * model->dim * sizeof *values, "an embedding");
    int status = glimpse_db_query(v->db, &row,
                                  "SELECT picture_id, vector, sum, part FROM embedding"
                                  " WHERE model_id = ?1 ORDER BY id",
                                  "i", model->id);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
        int64_t content = 0;
        const uint8_t *bytes = NULL;
        const uint32_t part = (uint32_t)sqlite3_column_int64(row, 3);
        const int of_parts = part != 0;
        counts[of_parts]++;
        v->checked++;
        digests[of_parts] ^= (uint64_t)sqlite3_column_int64(row, 2);
        status = absorb(v, glimpse_embedding_read(v->db, row, 0, model->id, part, model->dim,
                                                  &content, &bytes));
        if (status < 0) break;
        if ((size_t)sqlite3_column_bytes(row, 1) != 2 * model->dim) continue;
        glimpse_f16_load(values, bytes, model->dim);
        double square = 0.0;
        for (size_t i = 0; i < model->dim; i++)
            square += (double)values[i] * (double)values[i];
        if (!(fabs(sqrt(square) - 1.0) <= LENGTH_TOLERANCE)) { /* also when it is not a number */
            problem(v, "catalogue: the embedding of picture %lld has length %g", (long long)content,
                    sqrt(square));
        }
        if (all->indexes[of_parts]) {
            status = check_indexed(v, all->indexes[of_parts], content, part, values,
                                   values + model->dim);
        }
    }
    glimpse_db_reset(row);
    free(values);
    if (status < 0) return absorb(v, status);
    for (int of_parts = 0; of_parts < 2; of_parts++)
        check_totals(v, &all->model[of_parts], of_parts, counts[of_parts], digests[of_parts]);
    return GLIMPSE_OK;
}

/* NULL: there is none, or one that is not used. Takes over `path`. */
static int load_index(verification *v, glimpse_vectors **out, const glimpse_model_info *model,
                      char *path) {
    glimpse_vectors *vectors = NULL;
    glimpse_vectors_state state = GLIMPSE_VECTORS_MISSING;
    char wrong[1200];
    int status = glimpse_vectors_load(&vectors, path, model->fingerprint, model->dim, &state, wrong,
                                      sizeof wrong);
    if (status < 0 && status != GLIMPSE_E_NOMEM) {
        problem(v, "vector index: %s", glimpse_last_error());
        status = GLIMPSE_OK;
    } else if (state == GLIMPSE_VECTORS_DAMAGED) {
        problem(v, "vector index: %s (it is not used; %s writes it anew)", wrong,
                glimpse_wording("glimpse_library_reindex", NULL));
    }
    free(path);
    if (status < 0) return status;
    if (vectors && !glimpse_vectors_current(vectors, model)) {
        glimpse_vectors_release(vectors); /* stale: to be rebuilt, nothing to compare */
        vectors = NULL;
    }
    *out = vectors;
    return GLIMPSE_OK;
}

static int check_model(verification *v, const char *fingerprint) {
    checked_vectors all = {.indexes = {NULL, NULL}};
    char *paths[2] = {NULL, NULL};
    int status = glimpse_catalog_find_model(&all.model[0], v->store, fingerprint);
    if (status < 0) return absorb(v, status);
    all.model[1] = glimpse_indexes_parts_model(&all.model[0]);
    status = glimpse_indexes_path(&paths[0], v->store, fingerprint);
    if (status == GLIMPSE_OK) {
        status = glimpse_indexes_parts_path(&paths[1], v->store, fingerprint);
        if (status < 0) free(paths[0]);
    }
    if (status < 0) return status;
    status = load_index(v, &all.indexes[0], &all.model[0], paths[0]);
    if (status == GLIMPSE_OK) {
        status = load_index(v, &all.indexes[1], &all.model[1], paths[1]);
    } else {
        free(paths[1]);
    }
    if (status == GLIMPSE_OK) status = check_embeddings(v, &all);
    for (int i = 0; i < 2; i++)
        glimpse_vectors_release(all.indexes[i]);
    return status;
}

/* The fingerprints first: a statement must not stay open while others run into damage. */
static int check_models(verification *v) {
    char(*list)[33] = NULL;
    int64_t count = 0, defaults = 0;
    size_t used = 0;
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_integer(v->db, &count, "SELECT count(*) FROM model", "");
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(v->db, &defaults,
                                    "SELECT count(*) FROM model WHERE is_default > 0", "");
    }
    if (status < 0) return absorb(v, status);
    if (defaults > 1) problem(v, "%lld models are the default, and not one", (long long)defaults);
    list = calloc((size_t)count + 1, sizeof *list);
    if (!list) return glimpse_fail_nomem((size_t)count * sizeof *list, "models");
    status = glimpse_db_query(v->db, &row, "SELECT fingerprint FROM model ORDER BY id", "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(v->db, row)) > 0) {
        status = GLIMPSE_OK;
        const char *text = (const char *)sqlite3_column_text(row, 0);
        if (used < (size_t)count && text) {
            (void)snprintf(list[used++], sizeof list[0], "%.32s", text);
        }
    }
    glimpse_db_reset(row);
    status = absorb(v, status);
    for (size_t i = 0; i < used && status == GLIMPSE_OK; i++)
        status = check_model(v, list[i]);
    free(list);
    return status;
}

static void caption_problem(void *user, const char *text) {
    problem(user, "%s", text);
}

int glimpse_upkeep_verify(uint64_t *checked, uint64_t *problems, glimpse_store *store,
                          glimpse_problem_fn report, void *user) {
    verification v = {
        .store = store, .db = glimpse_store_db(store), .report = report, .user = user};
    if (store->cancelled && store->cancelled(store->cancelled_user)) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    glimpse_db_enter(v.db);
    glimpse_db_set_cancelled(v.db, store->cancelled, store->cancelled_user);
    int status = absorb(&v, glimpse_db_begin_read(v.db));
    if (status == GLIMPSE_OK && v.problems == 0) {
        status = check_pages(&v);
        if (status == GLIMPSE_OK) status = check_references(&v);
        if (status == GLIMPSE_OK) status = check_sums(&v);
        if (status == GLIMPSE_OK) status = check_facts(&v);
        if (status == GLIMPSE_OK) {
            status = absorb(&v, glimpse_captions_check(v.db, caption_problem, &v));
        }
        if (status == GLIMPSE_OK) status = check_models(&v);
        glimpse_db_set_cancelled(v.db, NULL, NULL);
        glimpse_db_end_read(v.db);
    }
    glimpse_db_set_cancelled(v.db, NULL, NULL);
    glimpse_db_leave(v.db);
    *checked = v.checked;
    *problems = v.problems;
    return status;
}
