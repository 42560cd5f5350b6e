/*
 * label_store.c - labels in the catalogue; glimpse/stored_labels.h says what they mean.
 *
 * What a labelling adds is kept in memory (24 bytes a label) and written by the commit in one
 * transaction, because labels are made while the library is being read, and so that a run that
 * dies leaves the former labels as they were.
 */
#include <glimpse/stored_labels.h>

#include "catalog_private.h"
#include "core/error.h"
#include "file_paths.h"
#include "label_internal.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NO_CLASS = -1 };

typedef struct entry {
    glimpse_hash hash;
    int32_t class_index; /* NO_CLASS begins a picture; its labels follow */
    float probability, score;
} entry;

struct glimpse_labelling {
    glimpse_library *library;
    const glimpse_classifier *classifier;
    char *name, *settings, fingerprint[33];
    entry *entries;
    size_t count, room;
};

int glimpse_labelling_create(glimpse_labelling **out, glimpse_library *library,
                             const glimpse_model *model, const glimpse_classifier *classifier,
                             const char *name, const char *settings) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the labelling");
    *out = NULL;
    if (!library || !model || !classifier || !name || !*name) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a labelling needs a library, a classifier and a "
                                               "name");
    }
    glimpse_labelling *l = calloc(1, sizeof *l);
    if (!l) return glimpse_fail_nomem(sizeof *l, "a labelling");
    l->library = library;
    l->classifier = classifier;
    l->name = strdup(name);
    l->settings = strdup(settings ? settings : "");
    memcpy(l->fingerprint, glimpse_model_fingerprint(model), sizeof l->fingerprint);
    l->fingerprint[32] = '\0';
    if (!l->name || !l->settings) {
        glimpse_labelling_free(l);
        return glimpse_fail_nomem(strlen(name), "a labelling");
    }
    *out = l;
    return GLIMPSE_OK;
}

void glimpse_labelling_free(glimpse_labelling *labelling) {
    if (!labelling) return;
    free(labelling->name);
    free(labelling->settings);
    free(labelling->entries);
    free(labelling);
}

static int push(glimpse_labelling *l, entry e) {
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 1024;
        entry *grown = realloc(l->entries, room * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(room * sizeof *grown, "labels");
        l->entries = grown;
        l->room = room;
    }
    l->entries[l->count++] = e;
    return GLIMPSE_OK;
}

int glimpse_labelling_add(glimpse_labelling *labelling, const char *id, const glimpse_label *labels,
                          size_t count) {
    entry e = {.class_index = NO_CLASS};
    if (!labelling || !id || (count > 0 && !labels) || !glimpse_hash_from_hex(&e.hash, id)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no content id to keep labels of");
    }
    int status = push(labelling, e);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (!labels[i].accepted) continue;
        if (labels[i].class_index >= glimpse_classifier_count(labelling->classifier)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "a label of a class that is not there");
        }
        e.class_index = (int32_t)labels[i].class_index;
        e.probability = (float)labels[i].probability;
        e.score = (float)labels[i].score;
        status = push(labelling, e);
    }
    return status;
}

/*
 * Writing.
 */
typedef struct writer {
    glimpse_labelling *l;
    glimpse_db *db;
    int64_t labelling; /* row ids */
    int64_t *classes;  /* [K] 0: not asked for yet */
} writer;

/* The labelling's row: kept when it comes from the same model and classifier, else new. */
static int put_labelling(writer *w) {
    int64_t model = 0;
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    int status = glimpse_db_integer(w->db, &model, "SELECT id FROM model WHERE fingerprint = ?1",
                                    "t", w->l->fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(status, "no picture was indexed with this model yet");
    }
    if (status < 0) return status;
    if (!gmtime_r(&now, &utc) ||
        strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        created[0] = '\0';
    }
    const char *classifier = glimpse_classifier_id(w->l->classifier);
    status = glimpse_db_run(w->db,
                            "DELETE FROM labelling WHERE name = ?1 AND"
                            " (model_id <> ?2 OR classifier <> ?3)",
                            "tit", w->l->name, model, classifier);
    if (status < 0) return status;
    status = glimpse_db_run(
        w->db,
        "INSERT INTO labelling (name, model_id, classifier, classes, settings, created, sum)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, glimpse_sum(?1, ?2, ?3, ?4, ?5, ?6))"
        " ON CONFLICT (name) DO UPDATE SET settings = excluded.settings,"
        " created = excluded.created, classes = excluded.classes, sum = excluded.sum",
        "tititt", w->l->name, model, classifier,
        (int64_t)glimpse_classifier_count(w->l->classifier), w->l->settings, created);
    if (status < 0) return status;
    return glimpse_db_integer(w->db, &w->labelling, "SELECT id FROM labelling WHERE name = ?1", "t",
                              w->l->name);
}

static int class_row(writer *w, size_t k, int64_t *id) {
    if (w->classes[k] == 0) {
        const char *name = glimpse_classifier_class(w->l->classifier, k);
        int status = glimpse_db_run(w->db,
                                    "INSERT OR IGNORE INTO label_class (labelling_id, name, sum)"
                                    " VALUES (?1, ?2, glimpse_sum(?1, ?2))",
                                    "it", w->labelling, name);
        if (status == GLIMPSE_OK) {
            status = glimpse_db_integer(
                w->db, &w->classes[k],
                "SELECT id FROM label_class WHERE labelling_id = ?1 AND name = ?2", "it",
                w->labelling, name);
        }
        if (status < 0) return status;
    }
    *id = w->classes[k];
    return GLIMPSE_OK;
}

static int put_entries(writer *w) {
    int64_t content = 0;
    int status = GLIMPSE_OK, present = 0;
    for (size_t i = 0; i < w->l->count && status == GLIMPSE_OK; i++) {
        const entry *e = &w->l->entries[i];
        int64_t class_id = 0;
        if (e->class_index == NO_CLASS) {
            status = glimpse_db_integer(w->db, &content, "SELECT id FROM content WHERE hash = ?1",
                                        "b", (const void *)e->hash.bytes, sizeof e->hash.bytes);
            present = status == GLIMPSE_OK;
            if (status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK; /* pruned meanwhile */
            if (status < 0 || !present) continue;
            status = glimpse_db_run(w->db,
                                    "DELETE FROM label WHERE content_id = ?1 AND class_id IN"
                                    " (SELECT id FROM label_class WHERE labelling_id = ?2)",
                                    "ii", content, w->labelling);
        } else if (present) {
            status = class_row(w, (size_t)e->class_index, &class_id);
            if (status < 0) break;
            status =
                glimpse_db_run(w->db,
                               "INSERT INTO label (content_id, class_id, probability, score, sum)"
                               " VALUES (?1, ?2, ?3, ?4, glimpse_sum(?1, ?2, ?3, ?4))",
                               "iirr", content, class_id, (double)e->probability, (double)e->score);
        }
    }
    return status;
}

int glimpse_labelling_commit(uint64_t *stored, glimpse_labelling *labelling) {
    if (stored) *stored = 0;
    if (!labelling) return glimpse_fail(GLIMPSE_E_INVALID, "no labelling");
    glimpse_library *library = labelling->library;
    writer w = {labelling, glimpse_library_catalog(library)->db, 0, NULL};
    int64_t count = 0;
    w.classes = calloc(glimpse_classifier_count(labelling->classifier), sizeof *w.classes);
    if (!w.classes) return glimpse_fail_nomem(sizeof *w.classes, "labels");
    int status = glimpse_library_lock(library, "labelling");
    if (status < 0) {
        free(w.classes);
        return status;
    }
    glimpse_db_enter(w.db);
    status = glimpse_db_begin(w.db);
    if (status == GLIMPSE_OK) status = put_labelling(&w);
    if (status == GLIMPSE_OK) status = put_entries(&w);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(w.db, &count,
                                    "SELECT count(DISTINCT l.content_id) FROM label l"
                                    " JOIN label_class k ON k.id = l.class_id"
                                    " WHERE k.labelling_id = ?1",
                                    "i", w.labelling);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(w.db);
    glimpse_db_rollback(w.db);
    glimpse_db_leave(w.db);
    glimpse_library_unlock(library);
    free(w.classes);
    if (status == GLIMPSE_OK) {
        labelling->count = 0;
        if (stored) *stored = (uint64_t)count;
    }
    return status;
}

int glimpse_library_forget_labelling(glimpse_library *library, const char *name) {
    if (!library || !name) return glimpse_fail(GLIMPSE_E_INVALID, "which labelling?");
    glimpse_db *db = glimpse_library_catalog(library)->db;
    int status = glimpse_library_lock(library, "labelling");
    if (status < 0) return status;
    glimpse_db_enter(db);
    status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM labelling WHERE name = ?1", "t", name);
    }
    if (status == GLIMPSE_OK && glimpse_db_changes(db) == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "there are no labels stored as \"%.80s\"", name);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    glimpse_library_unlock(library);
    return status;
}

/*
 * Reading.
 */
static const char *text_of(sqlite3_stmt *row, int column) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

int glimpse_library_labellings(glimpse_library *library, glimpse_labelling_fn visit, void *user) {
    if (!library || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_db *db = glimpse_library_catalog(library)->db;
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT g.name, m.name, m.fingerprint, g.classifier, g.settings, g.created, g.classes,"
        " (SELECT count(DISTINCT l.content_id) FROM label l JOIN label_class k"
        "  ON k.id = l.class_id WHERE k.labelling_id = g.id)"
        " FROM labelling g JOIN model m ON m.id = g.model_id ORDER BY g.name",
        "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_stored_labelling labelling = {text_of(row, 0),
                                              text_of(row, 1),
                                              text_of(row, 2),
                                              text_of(row, 3),
                                              text_of(row, 4),
                                              text_of(row, 5),
                                              (uint64_t)sqlite3_column_int64(row, 6),
                                              (uint64_t)sqlite3_column_int64(row, 7)};
        status = visit(user, &labelling);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

/* The hash of a picture that is given by its path or its content id. */
static int find_content(glimpse_db *db, const char *path_or_id, int64_t *content) {
    glimpse_hash hash;
    char *absolute = NULL;
    if (glimpse_hash_from_hex(&hash, path_or_id)) {
        return glimpse_db_integer(db, content, "SELECT id FROM content WHERE hash = ?1", "b",
                                  (const void *)hash.bytes, sizeof hash.bytes);
    }
    int status = glimpse_path_absolute(&absolute, path_or_id);
    for (int pass = 0; pass < 2 && status == GLIMPSE_OK; pass++) {
        char *real = pass ? glimpse_path_real(absolute) : NULL;
        if (pass && !real) break;
        status = glimpse_db_integer(db, content,
                                    "SELECT content_id FROM file WHERE path = ?1"
                                    " AND content_id IS NOT NULL",
                                    "p", real ? real : absolute);
        free(real);
        if (status == GLIMPSE_OK) break;
        if (status == GLIMPSE_E_NOT_FOUND && pass == 0) status = GLIMPSE_OK;
        *content = 0;
    }
    free(absolute);
    return status == GLIMPSE_OK && *content == 0 ? GLIMPSE_E_NOT_FOUND : status;
}

int glimpse_library_labels(glimpse_library *library, const char *path_or_id,
                           glimpse_stored_label_fn visit, void *user) {
    if (!library || !path_or_id || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no picture");
    glimpse_db *db = glimpse_library_catalog(library)->db;
    sqlite3_stmt *row = NULL;
    int64_t content = 0;
    glimpse_db_enter(db);
    int status = find_content(db, path_or_id, &content);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(status, "%s: not in the library", path_or_id);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_db_query(db, &row,
                                  "SELECT g.name, k.name, l.probability, l.score FROM label l"
                                  " JOIN label_class k ON k.id = l.class_id"
                                  " JOIN labelling g ON g.id = k.labelling_id"
                                  " WHERE l.content_id = ?1"
                                  " ORDER BY g.name, l.probability DESC, k.name",
                                  "i", content);
    }
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_stored_label label = {text_of(row, 0), text_of(row, 1),
                                      sqlite3_column_double(row, 2), sqlite3_column_double(row, 3)};
        status = visit(user, &label);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
