/*
 * collections.c - a person's own tags and albums in the catalogue.
 *
 * Rows refer to the picture itself and not to its files, so that they survive whatever happens to
 * these. A tag is there while a picture has it; an album until it is deleted.
 */
#include "collections.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

const char glimpse_collections_step[] =
    "CREATE TABLE collection ("
    "  id INTEGER PRIMARY KEY,"
    "  kind INTEGER NOT NULL CHECK (kind IN (1, 2))," /* glimpse_collection_kind */
    "  name TEXT NOT NULL CHECK (name <> ''),"
    "  folded TEXT NOT NULL,"
    "  created TEXT NOT NULL,"
    "  sum INTEGER NOT NULL,"
    "  UNIQUE (kind, folded)"
    ") STRICT;"
    "CREATE TABLE collection_picture ("
    "  collection_id INTEGER NOT NULL REFERENCES collection (id),"
    "  picture_id INTEGER NOT NULL REFERENCES picture (id),"
    "  position INTEGER NOT NULL," /* of a tag 0 */
    "  sum INTEGER NOT NULL,"
    "  PRIMARY KEY (collection_id, picture_id)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX collection_picture_of ON collection_picture (picture_id);";

#define WITHOUT_A_FILE                                                            \
 "NOT EXISTS (SELECT 1 FROM file INDEXED BY file_picture WHERE file.picture_id =" \
 " collection_picture.picture_id)"

static const char *kind_name(glimpse_collection_kind kind) {
    return kind == GLIMPSE_COLLECTION_TAG ? "tag" : "album";
}

static int fail_unknown(glimpse_collection_kind kind, const char *name) {
    if (kind == GLIMPSE_COLLECTION_ALBUM) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no album \"%s\" (%s makes one)", name,
                            glimpse_wording("glimpse_library_create_album", NULL));
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no %s \"%s\"", kind_name(kind), name);
}

/* GLIMPSE_E_NOT_FOUND, without a message. */
static int find(glimpse_db *db, int64_t *id, glimpse_collection_kind kind, const char *name) {
    return glimpse_db_integer(db, id,
                              "SELECT id FROM collection WHERE kind = ?1 AND folded ="
                              " glimpse_fold(?2)",
                              "it", (int64_t)kind, name);
}

static int find_known(glimpse_db *db, int64_t *id, glimpse_collection_kind kind, const char *name) {
    const int status = find(db, id, kind, name);
    return status == GLIMPSE_E_NOT_FOUND ? fail_unknown(kind, name) : status;
}

static int insert(glimpse_db *db, int64_t *id, glimpse_collection_kind kind, const char *name) {
    int status = glimpse_db_run(
        db,
        "INSERT INTO collection (kind, name, folded, created, sum)"
        " SELECT ?1, ?2, folded, created, glimpse_sum(?1, ?2, folded, created) FROM"
        " (SELECT glimpse_fold(?2) AS folded, strftime('%Y-%m-%dT%H:%M:%S', 'now') AS created)",
        "it", (int64_t)kind, name);
    if (status == GLIMPSE_OK) *id = glimpse_db_inserted(db);
    return status;
}

/* Tags that no picture has any more. */
static int forget_unused_tags(glimpse_db *db) {
    return glimpse_db_run(db,
                          "DELETE FROM collection WHERE kind = 1 AND NOT EXISTS"
                          " (SELECT 1 FROM collection_picture m WHERE m.collection_id ="
                          "  collection.id)",
                          "");
}

int glimpse_collections_create(glimpse_store *store, glimpse_collection_kind kind,
                               const char *name) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = find(db, &id, kind, name);
    if (status == GLIMPSE_OK) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "there is the %s \"%s\" already", kind_name(kind),
                              name);
    } else if (status == GLIMPSE_E_NOT_FOUND) {
        status = insert(db, &id, kind, name);
    }
    glimpse_db_leave(db);
    return status;
}

/*
 * Pictures of a collection.
 */
static int append(glimpse_db *db, unsigned char *touched, int64_t id, int is_ordered,
                  const int64_t *pictures, size_t count) {
    int64_t last = 0;
    int status = GLIMPSE_OK;
    if (is_ordered) {
        status = glimpse_db_integer(db, &last,
                                    "SELECT coalesce(max(position), 0) FROM collection_picture"
                                    " WHERE collection_id = ?1",
                                    "i", id);
    }
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const int64_t position = is_ordered ? last + 1 : 0;
        status = glimpse_db_run(
            db,
            "INSERT INTO collection_picture (collection_id, picture_id, position, sum)"
            " VALUES (?1, ?2, ?3, glimpse_sum(?1, ?2, ?3))"
            " ON CONFLICT (collection_id, picture_id) DO NOTHING",
            "iii", id, pictures[i], position);
        if (status < 0 || glimpse_db_changes(db) == 0) continue;
        touched[i] = 1;
        last = position;
    }
    return status;
}

typedef struct order {
    int64_t *pictures; /* [count] */
    size_t count, capacity;
} order;

static int push(order *o, int64_t picture) {
    if (o->count == o->capacity) {
        const size_t capacity = o->capacity ? 2 * o->capacity : 64;
        int64_t *grown = realloc(o->pictures, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "an album");
        o->pictures = grown;
        o->capacity = capacity;
    }
    o->pictures[o->count++] = picture;
    return GLIMPSE_OK;
}

static int compare_ids(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The pictures of an album in their order, without those in `but` [count], which is sorted. */
static int load_order(order *o, glimpse_db *db, int64_t id, const int64_t *but, size_t count) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(db, &row,
                                  "SELECT picture_id FROM collection_picture WHERE collection_id ="
                                  " ?1 ORDER BY position, picture_id",
                                  "i", id);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const int64_t picture = sqlite3_column_int64(row, 0);
        status = count > 0 && bsearch(&picture, but, count, sizeof *but, compare_ids)
                     ? GLIMPSE_OK
                     : push(o, picture);
    }
    glimpse_db_reset(row);
    return status;
}

static int set_position(glimpse_db *db, int64_t id, int64_t picture, size_t position) {
    return glimpse_db_run(
        db,
        "INSERT INTO collection_picture (collection_id, picture_id, position, sum)"
        " VALUES (?1, ?2, ?3, glimpse_sum(?1, ?2, ?3))"
        " ON CONFLICT (collection_id, picture_id) DO UPDATE SET position = excluded.position,"
        " sum = excluded.sum WHERE position <> excluded.position",
        "iii", id, picture, (int64_t)position);
}

/* Puts the pictures, in their order and each once, before the one that is at `position` of those
 * that stay. */
static int insert_at(glimpse_db *db, unsigned char *touched, int64_t id, const int64_t *pictures,
                     size_t count, size_t position) {
    order rest = {0};
    size_t now = 0;
    int64_t *moved = malloc((count + 1) * sizeof *moved);
    if (!moved) return glimpse_fail_nomem(count * sizeof *moved, "an album");
    memcpy(moved, pictures, count * sizeof *moved);
    qsort(moved, count, sizeof *moved, compare_ids);
    int status = load_order(&rest, db, id, moved, count);
    const size_t before = position - 1 < rest.count ? position - 1 : rest.count;
    for (size_t i = 0; i < before && status == GLIMPSE_OK; i++)
        status = set_position(db, id, rest.pictures[i], ++now);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = set_position(db, id, pictures[i], ++now);
        if (status == GLIMPSE_OK && glimpse_db_changes(db) > 0) touched[i] = 1;
    }
    for (size_t i = before; i < rest.count && status == GLIMPSE_OK; i++)
        status = set_position(db, id, rest.pictures[i], ++now);
    free(rest.pictures);
    free(moved);
    return status;
}

int glimpse_collections_add(unsigned char *touched, glimpse_store *store,
                            glimpse_collection_kind kind, const char *name, const int64_t *pictures,
                            size_t count, size_t position) {
    glimpse_db *db = glimpse_store_db(store);
    const int is_ordered = kind == GLIMPSE_COLLECTION_ALBUM;
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = find(db, &id, kind, name);
    if (status == GLIMPSE_E_NOT_FOUND) {
        if (is_ordered) {
            status = fail_unknown(kind, name);
        } else {
            status = count > 0 ? insert(db, &id, kind, name) : GLIMPSE_OK;
        }
    }
    if (status == GLIMPSE_OK && count > 0) {
        status = is_ordered && position > 0 ? insert_at(db, touched, id, pictures, count, position)
                                            : append(db, touched, id, is_ordered, pictures, count);
    }
    glimpse_db_leave(db);
    return status;
}

int glimpse_collections_remove(unsigned char *touched, glimpse_store *store,
                               glimpse_collection_kind kind, const char *name,
                               const int64_t *pictures, size_t count) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = find_known(db, &id, kind, name);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_run(
            db, "DELETE FROM collection_picture WHERE collection_id = ?1 AND picture_id = ?2", "ii",
            id, pictures[i]);
        if (status == GLIMPSE_OK && glimpse_db_changes(db) > 0) touched[i] = 1;
    }
    if (status == GLIMPSE_OK) status = forget_unused_tags(db);
    glimpse_db_leave(db);
    return status;
}

/*
 * Collections as a whole.
 */
static int forget(glimpse_db *db, int64_t id) {
    int status =
        glimpse_db_run(db, "DELETE FROM collection_picture WHERE collection_id = ?1", "i", id);
    return status < 0 ? status
                      : glimpse_db_run(db, "DELETE FROM collection WHERE id = ?1", "i", id);
}

int glimpse_collections_forget(glimpse_store *store, glimpse_collection_kind kind,
                               const char *name) {
    glimpse_db *db = glimpse_store_db(store);
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = find_known(db, &id, kind, name);
    if (status == GLIMPSE_OK) status = forget(db, id);
    glimpse_db_leave(db);
    return status;
}

/* What is behind the first `parts` parts of a name, with its slash. */
static const char *behind(const char *name, size_t parts) {
    while (*name && parts > 0) {
        name += strcspn(name, "/");
        if (--parts > 0 && *name) name++;
    }
    return name;
}

static size_t count_parts(const char *name) {
    size_t parts = 1;
    for (; *name; name++)
        parts += *name == '/';
    return parts;
}

typedef struct renaming {
    int64_t *ids;                  /* [count] */
    char **names;                  /* the new ones */
    size_t count, capacity, found; /* found: also those that are called so already */
} renaming;

/* `old` gets another name: `to` with `rest`. */
static int push_name(renaming *r, int64_t id, const char *old, const char *to, const char *rest) {
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 16;
        int64_t *ids = realloc(r->ids, capacity * sizeof *ids);
        if (ids) r->ids = ids;
        char **names = realloc(r->names, capacity * sizeof *names);
        if (names) r->names = names;
        if (!ids || !names) return glimpse_fail_nomem(capacity * sizeof *ids, "names");
        r->capacity = capacity;
    }
    const size_t size = strlen(to) + strlen(rest) + 1;
    char *name = malloc(size);
    r->found++;
    if (!name) return glimpse_fail_nomem(size, "a name");
    (void)sqlite3_snprintf((int)size, name, "%s%s", to, rest);
    if (strcmp(name, old) == 0) {
        free(name);
        return GLIMPSE_OK;
    }
    r->ids[r->count] = id;
    r->names[r->count++] = name;
    return GLIMPSE_OK;
}

/* The one that is called so, and what is below it. */
static int collect_renamed(renaming *r, glimpse_db *db, glimpse_collection_kind kind,
                           const char *from, const char *to) {
    sqlite3_stmt *row = NULL;
    int status = glimpse_db_query(
        db, &row,
        "SELECT id, name FROM collection WHERE kind = ?1 AND (folded = glimpse_fold(?2) OR"
        " substr(folded, 1, length(glimpse_fold(?2)) + 1) = glimpse_fold(?2) || '/') ORDER BY id",
        "it", (int64_t)kind, from);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const char *old = glimpse_column_text(row, 1);
        status =
            push_name(r, sqlite3_column_int64(row, 0), old, to, behind(old, count_parts(from)));
    }
    glimpse_db_reset(row);
    return status;
}

static int apply_names(const renaming *r, glimpse_db *db, glimpse_collection_kind kind) {
    int status = GLIMPSE_OK;
    /* First away from all old names: "a" to "a/b" may need one that is still taken. */
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++) {
        status = glimpse_db_run(db, "UPDATE collection SET folded = char(1) || id WHERE id = ?1",
                                "i", r->ids[i]);
    }
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++) {
        int64_t other = 0;
        status = find(db, &other, kind, r->names[i]);
        if (status == GLIMPSE_OK) {
            return glimpse_fail(GLIMPSE_E_INVALID, "there is the %s \"%s\" already",
                                kind_name(kind), r->names[i]);
        }
        if (status != GLIMPSE_E_NOT_FOUND) return status;
        status =
            glimpse_db_run(db,
                           "UPDATE collection SET name = ?2, folded = glimpse_fold(?2),"
                           " sum = glimpse_sum(kind, ?2, glimpse_fold(?2), created) WHERE id = ?1",
                           "it", r->ids[i], r->names[i]);
    }
    return status;
}

int glimpse_collections_rename(uint64_t *renamed, glimpse_store *store,
                               glimpse_collection_kind kind, const char *from, const char *to) {
    glimpse_db *db = glimpse_store_db(store);
    renaming r = {0};
    *renamed = 0;
    glimpse_db_enter(db);
    int status = collect_renamed(&r, db, kind, from, to);
    if (status == GLIMPSE_OK && r.found == 0) status = fail_unknown(kind, from);
    for (size_t i = 0; i < r.count && status == GLIMPSE_OK; i++) {
        if (strlen(r.names[i]) > GLIMPSE_COLLECTION_NAME_MAX) {
            status = glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" would be longer than %d bytes",
                                  r.names[i], GLIMPSE_COLLECTION_NAME_MAX);
        }
    }
    if (status == GLIMPSE_OK) status = apply_names(&r, db, kind);
    if (status == GLIMPSE_OK) *renamed = r.count;
    for (size_t i = 0; i < r.count; i++)
        free(r.names[i]);
    free(r.names);
    free(r.ids);
    glimpse_db_leave(db);
    return status;
}

/*
 * Reading.
 */
int glimpse_collections_list(glimpse_store *store, glimpse_collection_kind kind,
                             glimpse_collection_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(
        db, &row,
        "SELECT k.name, k.created, count(m.picture_id), count(m.picture_id) FILTER (WHERE NOT"
        " EXISTS (SELECT 1 FROM file f WHERE f.picture_id = m.picture_id AND f.missing = 0))"
        " FROM collection k LEFT JOIN collection_picture m ON m.collection_id = k.id"
        " WHERE k.kind = ?1 GROUP BY k.id ORDER BY k.folded",
        "i", (int64_t)kind);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0) {
        const glimpse_collection collection = {.kind = kind,
                                               .name = glimpse_column_text(row, 0),
                                               .created = glimpse_column_text(row, 1),
                                               .pictures = (uint64_t)sqlite3_column_int64(row, 2),
                                               .missing = (uint64_t)sqlite3_column_int64(row, 3)};
        status = visit(user, &collection);
    }
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_collections_of_picture(glimpse_store *store, glimpse_collection_kind kind,
                                   int64_t picture, glimpse_collection_name_fn visit, void *user) {
    glimpse_db *db = glimpse_store_db(store);
    sqlite3_stmt *row = NULL;
    glimpse_db_enter(db);
    int status = glimpse_db_query(db, &row,
                                  "SELECT k.name FROM collection_picture m JOIN collection k"
                                  " ON k.id = m.collection_id WHERE m.picture_id = ?1"
                                  " AND k.kind = ?2 ORDER BY k.folded",
                                  "ii", picture, (int64_t)kind);
    while (status == GLIMPSE_OK && (status = glimpse_db_step(db, row)) > 0)
        status = visit(user, glimpse_column_text(row, 0));
    glimpse_db_reset(row);
    glimpse_db_leave(db);
    return status;
}

int glimpse_collections_pictures(glimpse_store *store, glimpse_collection_kind kind,
                                 const char *name, int (*visit)(void *user, int64_t picture),
                                 void *user) {
    glimpse_db *db = glimpse_store_db(store);
    order all = {0};
    int64_t id = 0;
    glimpse_db_enter(db);
    int status = find_known(db, &id, kind, name);
    /* Ids first: what is done with one of them may read others. */
    if (status == GLIMPSE_OK) status = load_order(&all, db, id, NULL, 0);
    for (size_t i = 0; i < all.count && status == GLIMPSE_OK; i++)
        status = visit(user, all.pictures[i]);
    glimpse_db_leave(db);
    free(all.pictures);
    return status;
}

/*
 * Upkeep.
 */
int glimpse_collections_prune(uint64_t *kept, uint64_t *forgotten, glimpse_db *db, int forget_too) {
    int64_t count = 0;
    *kept = *forgotten = 0;
    int status = glimpse_db_integer(db, &count,
                                    "SELECT count(DISTINCT picture_id) FROM collection_picture"
                                    " WHERE " WITHOUT_A_FILE,
                                    "");
    if (status < 0) return status;
    *(forget_too ? forgotten : kept) = (uint64_t)count;
    if (!forget_too) return GLIMPSE_OK;
    status = glimpse_db_run(db, "DELETE FROM collection_picture WHERE " WITHOUT_A_FILE, "");
    return status < 0 ? status : forget_unused_tags(db);
}
