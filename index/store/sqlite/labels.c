/*
 * labels.c - labels in the catalogue. A labelling's row is kept when it comes from the same model
 * and classifier as before; otherwise it goes with all its labels, and a new one comes.
 */
#include "labels.h"

#include "core/error.h"

#include <stdlib.h>

typedef struct writer {
    const glimpse_store_labelling *l;
    glimpse_db *db;
    int64_t labelling; /* row ids */
    int64_t *classes;  /* [class_count] 0: not asked for yet */
} writer;

static int write_labelling(writer *w) {
    int64_t model = 0;
    int status = glimpse_db_integer(w->db, &model, "SELECT id FROM model WHERE fingerprint = ?1",
                                    "t", w->l->fingerprint);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(status, "no picture was indexed with this model yet");
    }
    if (status < 0) return status;
    status = glimpse_db_run(w->db,
                            "DELETE FROM labelling WHERE name = ?1 AND"
                            " (model_id <> ?2 OR classifier <> ?3)",
                            "tit", w->l->name, model, w->l->classifier);
    if (status < 0) return status;
    status = glimpse_db_run(
        w->db,
        "INSERT INTO labelling (name, model_id, classifier, classes, settings, created, sum)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, glimpse_sum(?1, ?2, ?3, ?4, ?5, ?6))"
        " ON CONFLICT (name) DO UPDATE SET settings = excluded.settings,"
        " created = excluded.created, classes = excluded.classes, sum = excluded.sum",
        "tititt", w->l->name, model, w->l->classifier, (int64_t)w->l->class_count, w->l->settings,
        w->l->created);
    if (status < 0) return status;
    return glimpse_db_integer(w->db, &w->labelling, "SELECT id FROM labelling WHERE name = ?1", "t",
                              w->l->name);
}

static int class_row(writer *w, size_t k, int64_t *id) {
    if (w->classes[k] == 0) {
        const char *name = w->l->classes[k];
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

static int write_labels(writer *w) {
    int64_t picture = 0;
    int status = GLIMPSE_OK, present = 0;
    for (size_t i = 0; i < w->l->label_count && status == GLIMPSE_OK; i++) {
        const glimpse_store_label *e = &w->l->labels[i];
        int64_t class_id = 0;
        if (e->class_index == GLIMPSE_NO_CLASS) {
            status = glimpse_db_integer(w->db, &picture, GLIMPSE_PICTURE_OF_ID, "b",
                                        (const void *)e->hash.bytes, sizeof e->hash.bytes);
            present = status == GLIMPSE_OK;
            if (status == GLIMPSE_E_NOT_FOUND) status = GLIMPSE_OK; /* pruned meanwhile */
            if (status < 0 || !present) continue;
            status = glimpse_db_run(
                w->db,
                "DELETE FROM label WHERE picture_id = ?1 AND part = 0 AND class_id IN"
                " (SELECT id FROM label_class WHERE labelling_id = ?2)",
                "ii", picture, w->labelling);
        } else if (present) {
            status = class_row(w, (size_t)e->class_index, &class_id);
            if (status < 0) break;
            status = glimpse_db_run(
                w->db,
                "INSERT INTO label (picture_id, part, class_id, probability, score, sum)"
                " VALUES (?1, 0, ?2, ?3, ?4, glimpse_sum(?1, 0, ?2, ?3, ?4))",
                "iirr", picture, class_id, (double)e->probability, (double)e->score);
        }
    }
    return status;
}

int glimpse_labels_write(uint64_t *stored, glimpse_store *store,
                         const glimpse_store_labelling *labelling) {
    writer w = {labelling, glimpse_store_db(store), 0, NULL};
    int64_t count = 0;
    *stored = 0;
    w.classes = calloc(labelling->class_count + 1, sizeof *w.classes);
    if (!w.classes) return glimpse_fail_nomem(sizeof *w.classes, "labels");
    glimpse_db_enter(w.db);
    int status = glimpse_db_begin(w.db);
    if (status == GLIMPSE_OK) status = write_labelling(&w);
    if (status == GLIMPSE_OK) status = write_labels(&w);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_integer(w.db, &count,
                                    "SELECT count(DISTINCT l.picture_id) FROM label l"
                                    " JOIN label_class k ON k.id = l.class_id"
                                    " WHERE k.labelling_id = ?1",
                                    "i", w.labelling);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(w.db);
    glimpse_db_rollback(w.db);
    glimpse_db_leave(w.db);
    free(w.classes);
    if (status == GLIMPSE_OK) *stored = (uint64_t)count;
    return status;
}

int glimpse_labels_forget(glimpse_store *store, const char *name) {
    glimpse_db *db = glimpse_store_db(store);
    glimpse_db_enter(db);
    int status = glimpse_db_begin(db);
    if (status == GLIMPSE_OK) {
        status = glimpse_db_run(db, "DELETE FROM labelling WHERE name = ?1", "t", name);
    }
    if (status == GLIMPSE_OK && glimpse_db_changes(db) == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "there are no labels stored as \"%.80s\"", name);
    }
    if (status == GLIMPSE_OK) status = glimpse_db_commit(db);
    glimpse_db_rollback(db);
    glimpse_db_leave(db);
    return status;
}

int glimpse_labels_list(glimpse_store *store, glimpse_labelling_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT g.name, m.name, m.fingerprint, g.classifier, g.settings, g.created, g.classes,"
        " (SELECT count(DISTINCT l.picture_id) FROM label l JOIN label_class k"
        "  ON k.id = l.class_id WHERE k.labelling_id = g.id)"
        " FROM labelling g JOIN model m ON m.id = g.model_id ORDER BY g.name",
        "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_stored_labelling labelling = {glimpse_column_text(row, 0),
                                              glimpse_column_text(row, 1),
                                              glimpse_column_text(row, 2),
                                              glimpse_column_text(row, 3),
                                              glimpse_column_text(row, 4),
                                              glimpse_column_text(row, 5),
                                              (uint64_t)sqlite3_column_int64(row, 6),
                                              (uint64_t)sqlite3_column_int64(row, 7)};
        status = visit(user, &labelling);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_labels_names(glimpse_store *store, const char *label, glimpse_label_name_fn visit,
                         void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT DISTINCT k.name FROM label_class k"
                                  " WHERE EXISTS (SELECT 1 FROM label l WHERE l.class_id = k.id)"
                                  " AND (?1 = '' OR"
                                  "      instr('/' || k.name || '/', '/' || ?1 || '/') > 0)"
                                  " ORDER BY k.name",
                                  "t", label ? label : "");
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit(user, glimpse_column_text(row, 0));
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_labels_of_content(glimpse_store *store, int64_t content, glimpse_stored_label_fn visit,
                              void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT g.name, k.name, l.probability, l.score FROM label l"
                                  " JOIN label_class k ON k.id = l.class_id"
                                  " JOIN labelling g ON g.id = k.labelling_id"
                                  " WHERE l.picture_id = ?1"
                                  " ORDER BY g.name, l.probability DESC, k.name",
                                  "i", content);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        glimpse_stored_label label = {glimpse_column_text(row, 0), glimpse_column_text(row, 1),
                                      sqlite3_column_double(row, 2), sqlite3_column_double(row, 3)};
        status = visit(user, &label);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}
