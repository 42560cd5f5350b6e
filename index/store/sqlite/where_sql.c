/*
 * where_sql.c - what each condition of a filter is in SQL: as a check of a file, and as the ids
 * that an index has for it.
 */
#include "where_sql.h"

#include "core/error.h"
#include "distance.h"
#include "facts.h"
#include "file_paths.h"

#include <glimpse/tags.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_PARAMETER = 8, /* ?1 to ?7 belong to the statement */
    MAX_KEPT = 12,
    MAX_COUNTED = 100000,
    FEW_ENOUGH = 100 /* nothing better is looked for */
};

typedef struct parameter {
    enum { PARAMETER_NUMBER, PARAMETER_INTEGER, PARAMETER_TEXT, PARAMETER_BLOB } type;
    double number;
    int64_t integer;
    char *bytes;
    size_t size;
} parameter;

struct glimpse_where_sql {
    char *check, *cover; /* cover: NULL when there is none */
    size_t max_files;
    parameter *parameters;
    size_t parameter_count, parameter_capacity;
    struct {
        const char *statement;
        sqlite3_stmt *prepared;
    } kept[MAX_KEPT];
    size_t kept_count;
};

/* A text that grows; what fails is remembered. */
typedef struct text {
    char *bytes;
    size_t length, capacity;
    int status;
} text;

static void add(text *t, const char *format, ...) GLIMPSE_PRINTF(2, 3);
static void add(text *t, const char *format, ...) {
    va_list args;
    if (t->status < 0) return;
    for (;;) {
        va_start(args, format);
        const int length = vsnprintf(t->bytes ? t->bytes + t->length : NULL,
                                     t->capacity - t->length, format, args);
        va_end(args);
        if (length < 0) {
            t->status = glimpse_fail(GLIMPSE_E_INTERNAL, "a filter that cannot be printed");
            return;
        }
        if (t->length + (size_t)length < t->capacity) {
            t->length += (size_t)length;
            return;
        }
        const size_t capacity = 2 * (t->length + (size_t)length) + 256;
        char *grown = realloc(t->bytes, capacity);
        if (!grown) {
            t->status = glimpse_fail_nomem(capacity, "a filter");
            return;
        }
        t->bytes = grown;
        t->capacity = capacity;
    }
}

/*
 * Values: each returns its number in the statement.
 */
typedef struct compiler {
    glimpse_where_sql *sql;
    glimpse_db *db;
    const glimpse_where *where;
    int status;
} compiler;

static int bind(compiler *c, const parameter *value) {
    glimpse_where_sql *sql = c->sql;
    if (c->status < 0) return FIRST_PARAMETER;
    if (sql->parameter_count == sql->parameter_capacity) {
        const size_t capacity = sql->parameter_capacity ? 2 * sql->parameter_capacity : 16;
        parameter *grown = realloc(sql->parameters, capacity * sizeof *grown);
        if (!grown) {
            c->status = glimpse_fail_nomem(capacity * sizeof *grown, "a filter");
            return FIRST_PARAMETER;
        }
        sql->parameters = grown;
        sql->parameter_capacity = capacity;
    }
    sql->parameters[sql->parameter_count++] = *value;
    return FIRST_PARAMETER + (int)sql->parameter_count - 1;
}

static int number(compiler *c, double value) {
    return bind(c, &(parameter){.type = PARAMETER_NUMBER, .number = value});
}

static int integer(compiler *c, int64_t value) {
    return bind(c, &(parameter){.type = PARAMETER_INTEGER, .integer = value});
}

static int bytes(compiler *c, int is_blob, const char *value, size_t size) {
    if (c->status < 0) return FIRST_PARAMETER;
    char *copy = malloc(size + 1);
    if (!copy) {
        c->status = glimpse_fail_nomem(size + 1, "a filter");
        return FIRST_PARAMETER;
    }
    memcpy(copy, value, size);
    copy[size] = '\0';
    const int place = bind(c, &(parameter){.type = is_blob ? PARAMETER_BLOB : PARAMETER_TEXT,
                                           .bytes = copy,
                                           .size = size});
    if (c->status < 0) free(copy);
    return place;
}

static int string(compiler *c, const char *value) {
    return bytes(c, 0, value, strlen(value));
}

/*
 * Where a field is.
 */
/* What `f.taken` would be if file had it: of files whose date is that of the file, in local time.
 */
#define TAKEN "CASE x.source WHEN 2 THEN glimpse_file_time(f.mtime_ns) ELSE x.taken END"

static const char *column_of(glimpse_where_field field) {
    switch (field) {
    case GLIMPSE_WHERE_CAMERA: return "x.camera";
    case GLIMPSE_WHERE_LENS: return "x.lens";
    case GLIMPSE_WHERE_COLOUR_LABEL: return "x.colour";
    case GLIMPSE_WHERE_ISO: return "x.iso";
    case GLIMPSE_WHERE_APERTURE: return "x.aperture";
    case GLIMPSE_WHERE_EXPOSURE: return "x.exposure";
    case GLIMPSE_WHERE_FOCAL: return "x.focal";
    case GLIMPSE_WHERE_RATING: return "x.rating";
    case GLIMPSE_WHERE_GPS: return "x.latitude";
    case GLIMPSE_WHERE_TITLE: return "x.title";
    case GLIMPSE_WHERE_WIDTH: return "y.width";
    case GLIMPSE_WHERE_HEIGHT: return "y.height";
    case GLIMPSE_WHERE_BYTES: return "f.size";
    case GLIMPSE_WHERE_ADDED: return "y.added";
    case GLIMPSE_WHERE_FORMAT: return "glimpse_fold(y.format)";
    case GLIMPSE_WHERE_MONTH:
        return "CASE WHEN x.precision < 3 THEN CAST(substr(" TAKEN ", 6, 2) AS INTEGER) END";
    case GLIMPSE_WHERE_HOUR:
        return "CASE WHEN x.precision = 0 THEN CAST(substr(" TAKEN ", 12, 2) AS INTEGER) END";
    case GLIMPSE_WHERE_ORIENTATION:
        return "CASE WHEN y.width > y.height THEN 'landscape' WHEN y.width < y.height"
               " THEN 'portrait' ELSE 'square' END";
    case GLIMPSE_WHERE_TAKEN: return TAKEN;
    default: return "NULL";
    }
}

/* Of the texts that are kept once each. */
static int kind_of(glimpse_where_field field) {
    switch (field) {
    case GLIMPSE_WHERE_CAMERA: return GLIMPSE_FACT_CAMERA;
    case GLIMPSE_WHERE_LENS: return GLIMPSE_FACT_LENS;
    case GLIMPSE_WHERE_COLOUR_LABEL: return GLIMPSE_FACT_COLOUR;
    case GLIMPSE_WHERE_KEYWORD: return GLIMPSE_FACT_KEYWORD;
    case GLIMPSE_WHERE_PERSON: return GLIMPSE_FACT_PERSON;
    default: return 0;
    }
}

static int is_word(glimpse_where_field field) {
    return field == GLIMPSE_WHERE_KEYWORD || field == GLIMPSE_WHERE_PERSON;
}

/* glimpse_collection_kind, 0: none */
static int collection_of(glimpse_where_field field) {
    switch (field) {
    case GLIMPSE_WHERE_TAG:
    case GLIMPSE_WHERE_FAVOURITE: return GLIMPSE_COLLECTION_TAG;
    case GLIMPSE_WHERE_ALBUM: return GLIMPSE_COLLECTION_ALBUM;
    default: return 0;
    }
}

/* The limits of a range as they are compared: what was rounded when it was written is equal. */
typedef struct limits {
    int has_low, has_high;
    double low, high;
    const char *above, *below; /* operators */
} limits;

static limits limits_of(const glimpse_where_node *n) {
    const glimpse_where_type type = glimpse_where_row_of(n->field)->type;
    const int is_rounded = type == GLIMPSE_WHERE_F_NUMBER || type == GLIMPSE_WHERE_SECONDS ||
                           type == GLIMPSE_WHERE_LENGTH;
    const double part = is_rounded ? 1e-5 : 0;
    limits l = {.has_low = n->low > -HUGE_VAL,
                .has_high = n->high < HUGE_VAL,
                .above = n->low_open ? ">" : ">=",
                .below = n->high_open ? "<" : "<="};
    if (l.has_low) l.low = n->low + (n->low_open ? part : -part) * fabs(n->low);
    if (l.has_high) l.high = n->high + (n->high_open ? -part : part) * fabs(n->high);
    return l;
}

/* A limit of a date in seconds since 1970; those beyond every date stay so. */
static int64_t seconds_of(const char *date) {
    return *date == '\0' ? INT64_MIN : *date == '\x7f' ? INT64_MAX : glimpse_date_seconds(date);
}

/*
 * Checks.
 */
static void check_range(compiler *c, text *t, const glimpse_where_node *n) {
    const limits l = limits_of(n);
    const char *column = column_of(n->field);
    add(t, "ifnull(");
    if (l.has_low) add(t, "%s %s ?%d", column, l.above, number(c, l.low));
    if (l.has_low && l.has_high) add(t, " AND ");
    if (l.has_high) add(t, "%s %s ?%d", column, l.below, number(c, l.high));
    add(t, ", 0)");
}

static void check_time(compiler *c, text *t, const glimpse_where_node *n) {
    if (n->field == GLIMPSE_WHERE_ADDED) {
        add(t, "ifnull(y.added >= ?%d AND y.added < ?%d, 0)", integer(c, seconds_of(n->first)),
            integer(c, seconds_of(n->end)));
        return;
    }
    add(t, "(" TAKEN " >= ?%d AND " TAKEN " < ?%d)", string(c, n->first), string(c, n->end));
}

/* "animal/dog" is any part of the hierarchy "animal/dog/terrier". */
#define LABEL_IS(name) "instr('/' || " name " || '/', '/' || ?%d || '/') > 0"

static void check_label(compiler *c, text *t, const glimpse_where_node *n) {
    const int value = string(c, n->text);
    add(t, "EXISTS (SELECT 1 FROM label l JOIN label_class k ON k.id = l.class_id"
           " WHERE l.picture_id = f.picture_id AND ");
    if (n->kind == GLIMPSE_WHERE_PART) {
        add(t, "instr(glimpse_fold(k.name), ?%d) > 0", value);
    } else if (n->is_exact) {
        add(t, LABEL_IS("k.name"), value);
    } else {
        add(t, LABEL_IS("glimpse_fold(k.name)"), value);
    }
    add(t, ")");
}

/* Which collections `k` a condition is about: few, whatever the library. */
static void add_collections(compiler *c, text *t, const glimpse_where_node *n) {
    add(t, "k.kind = %d", collection_of(n->field));
    if (n->field == GLIMPSE_WHERE_FAVOURITE) {
        add(t, " AND k.folded = '" GLIMPSE_TAG_FAVOURITE "'");
    } else if (n->kind == GLIMPSE_WHERE_PART) {
        add(t, " AND instr(k.folded, ?%d) > 0", string(c, n->text));
    } else if (n->kind == GLIMPSE_WHERE_IS) {
        add(t, " AND " LABEL_IS("k.folded"), string(c, n->text));
    }
}

static void check_collection(compiler *c, text *t, const glimpse_where_node *n) {
    add(t, "EXISTS (SELECT 1 FROM collection_picture m JOIN collection k ON k.id = m.collection_id"
           " WHERE m.picture_id = f.picture_id AND ");
    add_collections(c, t, n);
    add(t, ")");
}

static void cover_collection(compiler *c, text *t, const glimpse_where_node *n) {
    add(t, "SELECT id FROM file INDEXED BY file_picture WHERE picture_id IN (SELECT picture_id FROM"
           " collection_picture WHERE collection_id IN (SELECT k.id FROM collection k WHERE ");
    add_collections(c, t, n);
    add(t, "))");
}

/* Places of the three limits of a path: [first, end) or equal. */
typedef struct path_limits {
    int first, end, exact;
} path_limits;

static path_limits bind_path(compiler *c, const char *path) {
    path_limits p = {FIRST_PARAMETER, FIRST_PARAMETER, FIRST_PARAMETER};
    char *first = NULL, *end = NULL;
    size_t length = 0;
    if (c->status < 0) return p;
    c->status = glimpse_path_range_below(&first, &end, &length, path);
    if (c->status == GLIMPSE_OK) {
        p.first = bytes(c, 1, first, length);
        p.end = bytes(c, 1, end, length);
        p.exact = bytes(c, 1, path, strlen(path));
    }
    free(first);
    free(end);
    return p;
}

static void check_text(compiler *c, text *t, const glimpse_where_node *n) {
    const int is_part = n->kind == GLIMPSE_WHERE_PART, kind = kind_of(n->field);
    if (n->field == GLIMPSE_WHERE_LABEL) {
        check_label(c, t, n);
    } else if (n->field == GLIMPSE_WHERE_PATH && !is_part) {
        const path_limits p = bind_path(c, n->text);
        add(t, "((f.path >= ?%d AND f.path < ?%d) OR f.path = ?%d)", p.first, p.end, p.exact);
    } else if (n->field == GLIMPSE_WHERE_PATH) {
        add(t, "instr(glimpse_fold(f.path), ?%d) > 0", string(c, n->text));
    } else if (n->field == GLIMPSE_WHERE_CAPTION) {
        add(t,
            is_part ? "EXISTS (SELECT 1 FROM caption k WHERE k.picture_id = f.picture_id"
                      " AND instr(glimpse_fold(k.text), ?%d) > 0)"
                    : "EXISTS (SELECT 1 FROM caption k WHERE k.picture_id = f.picture_id"
                      " AND glimpse_fold(k.text) = ?%d)",
            string(c, n->text));
    } else if (is_word(n->field)) {
        add(t,
            is_part ? "EXISTS (SELECT 1 FROM fact_word w JOIN fact_text t ON t.id = w.text_id"
                      " WHERE w.file_id = f.id AND t.kind = %d AND instr(t.text, ?%d) > 0)"
                    : "EXISTS (SELECT 1 FROM fact_word w JOIN fact_text t ON t.id = w.text_id"
                      " WHERE w.file_id = f.id AND t.kind = %d AND t.text = ?%d)",
            kind, string(c, n->text));
    } else if (kind) {
        add(t,
            is_part ? "ifnull((SELECT instr(t.text, ?%d) > 0 FROM fact_text t WHERE t.id = %s), 0)"
                    : "ifnull((SELECT t.text = ?%d FROM fact_text t WHERE t.id = %s), 0)",
            string(c, n->text), column_of(n->field));
    } else if (is_part) {
        add(t, "ifnull(instr(%s, ?%d) > 0, 0)", column_of(n->field), string(c, n->text));
    } else {
        add(t, "ifnull(%s = ?%d, 0)", column_of(n->field), string(c, n->text));
    }
}

static void check_has(text *t, const glimpse_where_node *n) {
    if (is_word(n->field)) {
        add(t,
            "EXISTS (SELECT 1 FROM fact_word w JOIN fact_text t ON t.id = w.text_id"
            " WHERE w.file_id = f.id AND t.kind = %d)",
            kind_of(n->field));
    } else if (n->field == GLIMPSE_WHERE_LABEL) {
        add(t, "EXISTS (SELECT 1 FROM label l WHERE l.picture_id = f.picture_id)");
    } else if (n->field == GLIMPSE_WHERE_CAPTION) {
        add(t, "EXISTS (SELECT 1 FROM caption k WHERE k.picture_id = f.picture_id)");
    } else if (n->field == GLIMPSE_WHERE_TAKEN) {
        add(t, "x.source < %d", GLIMPSE_FACT_FILE);
    } else {
        add(t, "%s IS NOT NULL", column_of(n->field));
    }
}

static void check_node(compiler *c, text *t, size_t i) {
    const glimpse_where_node *n = &c->where->nodes[i];
    if (n->kind >= GLIMPSE_WHERE_HAS && collection_of(n->field)) {
        check_collection(c, t, n);
        return;
    }
    switch (n->kind) {
    case GLIMPSE_WHERE_ALL:
    case GLIMPSE_WHERE_ANY:
        add(t, "(");
        for (size_t child = n->child; child; child = c->where->nodes[child].next) {
            if (child != n->child) add(t, n->kind == GLIMPSE_WHERE_ALL ? " AND " : " OR ");
            check_node(c, t, child);
        }
        add(t, ")");
        break;
    case GLIMPSE_WHERE_NOT:
        add(t, "NOT (");
        check_node(c, t, n->child);
        add(t, ")");
        break;
    case GLIMPSE_WHERE_HAS: check_has(t, n); break;
    case GLIMPSE_WHERE_IS:
    case GLIMPSE_WHERE_PART: check_text(c, t, n); break;
    case GLIMPSE_WHERE_RANGE: check_range(c, t, n); break;
    case GLIMPSE_WHERE_TIME: check_time(c, t, n); break;
    case GLIMPSE_WHERE_NEAR:
        add(t, "ifnull(glimpse_km(x.latitude, x.longitude, ?%d, ?%d) <= ?%d, 0)",
            number(c, n->latitude), number(c, n->longitude), number(c, n->high));
        break;
    }
}

/*
 * Covers.
 */
typedef struct cover {
    char *sql; /* NULL: there is none */
    size_t count;
} cover;

static void cover_range(compiler *c, text *t, const char *index, const char *column,
                        const glimpse_where_node *n) {
    const limits l = limits_of(n);
    add(t, "SELECT file_id FROM fact INDEXED BY %s WHERE", index);
    if (l.has_low) add(t, " %s %s ?%d", column, l.above, number(c, l.low));
    if (l.has_low && l.has_high) add(t, " AND");
    if (l.has_high) add(t, " %s %s ?%d", column, l.below, number(c, l.high));
}

/* Those whose date is that of the file are kept in UTC: no zone is a day away from it. */
static void day_around(char out[GLIMPSE_DATE_BYTES], const char *date, int64_t days,
                       const char *limit) {
    static const int64_t DAY = INT64_C(86400000000000);
    char unused[GLIMPSE_DATE_BYTES];
    const glimpse_kept_error before = glimpse_error_keep();
    int64_t mtime_ns = 0;
    const int status = *date && *date != '\x7f' ? glimpse_date_parse(date, "", unused, &mtime_ns)
                                                : GLIMPSE_E_INVALID;
    glimpse_error_restore(&before);
    /* Beyond what nanoseconds reach, in the direction that is asked for, everything. */
    if (status < 0 || (days < 0 && mtime_ns <= INT64_MIN + DAY) ||
        (days > 0 && mtime_ns >= INT64_MAX - DAY)) {
        (void)snprintf(out, GLIMPSE_DATE_BYTES, "%s", limit);
        return;
    }
    glimpse_date_of_mtime(mtime_ns + days * DAY, out);
}

static void cover_time(compiler *c, text *t, const glimpse_where_node *n) {
    char first[GLIMPSE_DATE_BYTES], end[GLIMPSE_DATE_BYTES];
    if (n->field == GLIMPSE_WHERE_ADDED) {
        add(t,
            "SELECT id FROM file INDEXED BY file_picture WHERE picture_id IN (SELECT id FROM"
            " picture INDEXED BY picture_added WHERE added >= ?%d AND added < ?%d)",
            integer(c, seconds_of(n->first)), integer(c, seconds_of(n->end)));
        return;
    }
    day_around(first, n->first, -1, "");
    day_around(end, n->end, 1, "\x7f");
    add(t, "SELECT file_id FROM fact INDEXED BY fact_taken WHERE taken >= ?%d AND taken < ?%d",
        string(c, first), string(c, end));
}

static void cover_near(compiler *c, text *t, const glimpse_where_node *n) {
    const glimpse_around a = glimpse_around_place(n->latitude, n->longitude, n->high);
    const int south = number(c, a.south), north = number(c, a.north);
    for (int i = 0; i < a.count; i++) {
        if (i > 0) add(t, " UNION ALL ");
        add(t,
            "SELECT file_id FROM fact INDEXED BY fact_place WHERE latitude >= ?%d"
            " AND latitude <= ?%d AND longitude >= ?%d AND longitude <= ?%d",
            south, north, number(c, a.west[i]), number(c, a.east[i]));
    }
}

static void cover_label(compiler *c, text *t, const glimpse_where_node *n) {
    const int value = string(c, n->text);
    add(t, "SELECT id FROM file INDEXED BY file_picture WHERE picture_id IN (SELECT picture_id FROM"
           " label INDEXED BY label_of_class WHERE class_id IN (SELECT id FROM label_class WHERE ");
    if (n->kind == GLIMPSE_WHERE_PART) {
        add(t, "instr(glimpse_fold(name), ?%d) > 0", value);
    } else if (n->is_exact) {
        add(t, LABEL_IS("name"), value);
    } else {
        add(t, LABEL_IS("glimpse_fold(name)"), value);
    }
    add(t, "))");
}

/* Which texts: few, whatever the library. */
static void add_text_ids(compiler *c, text *t, const glimpse_where_node *n) {
    add(t,
        n->kind == GLIMPSE_WHERE_PART
            ? "(SELECT id FROM fact_text WHERE kind = %d AND instr(text, ?%d) > 0)"
            : "(SELECT id FROM fact_text WHERE kind = %d AND text = ?%d)",
        kind_of(n->field), string(c, n->text));
}

static void cover_text(compiler *c, text *t, const glimpse_where_node *n) {
    static const char *const columns[][2] = {[GLIMPSE_FACT_CAMERA] = {"camera", "fact_camera"},
                                             [GLIMPSE_FACT_LENS] = {"lens", "fact_lens"},
                                             [GLIMPSE_FACT_COLOUR] = {"colour", "fact_colour"}};
    if (n->field == GLIMPSE_WHERE_LABEL) {
        cover_label(c, t, n);
    } else if (is_word(n->field)) {
        add(t, "SELECT file_id FROM fact_word WHERE text_id IN ");
        add_text_ids(c, t, n);
    } else if (kind_of(n->field)) {
        const char *const *column = columns[kind_of(n->field)];
        add(t, "SELECT file_id FROM fact INDEXED BY %s WHERE %s IN ", column[1], column[0]);
        add_text_ids(c, t, n);
    } else if (n->field == GLIMPSE_WHERE_PATH && n->kind == GLIMPSE_WHERE_IS) {
        const path_limits p = bind_path(c, n->text);
        add(t,
            "SELECT id FROM file WHERE path >= ?%d AND path < ?%d"
            " UNION ALL SELECT id FROM file WHERE path = ?%d",
            p.first, p.end, p.exact);
    }
}

static void cover_has(text *t, const glimpse_where_node *n) {
    switch (n->field) {
    case GLIMPSE_WHERE_GPS:
        add(t, "SELECT file_id FROM fact INDEXED BY fact_place WHERE latitude >= -1000");
        break;
    case GLIMPSE_WHERE_RATING:
        add(t, "SELECT file_id FROM fact INDEXED BY fact_rating WHERE rating >= -1000");
        break;
    case GLIMPSE_WHERE_LENS:
        add(t, "SELECT file_id FROM fact INDEXED BY fact_lens WHERE lens > 0");
        break;
    case GLIMPSE_WHERE_COLOUR_LABEL:
        add(t, "SELECT file_id FROM fact INDEXED BY fact_colour WHERE colour > 0");
        break;
    case GLIMPSE_WHERE_KEYWORD:
    case GLIMPSE_WHERE_PERSON:
        add(t,
            "SELECT file_id FROM fact_word WHERE text_id IN (SELECT id FROM fact_text"
            " WHERE kind = %d)",
            kind_of(n->field));
        break;
    default: break;
    }
}

static void cover_leaf(compiler *c, text *t, const glimpse_where_node *n) {
    if (collection_of(n->field)) {
        cover_collection(c, t, n);
        return;
    }
    switch (n->kind) {
    case GLIMPSE_WHERE_HAS: cover_has(t, n); break;
    case GLIMPSE_WHERE_IS:
    case GLIMPSE_WHERE_PART: cover_text(c, t, n); break;
    case GLIMPSE_WHERE_TIME: cover_time(c, t, n); break;
    case GLIMPSE_WHERE_NEAR: cover_near(c, t, n); break;
    case GLIMPSE_WHERE_RANGE:
        if (n->field == GLIMPSE_WHERE_RATING) cover_range(c, t, "fact_rating", "rating", n);
        if (n->field == GLIMPSE_WHERE_ISO) cover_range(c, t, "fact_iso", "iso", n);
        break;
    default: break;
    }
}

static int bind_all(const glimpse_where_sql *sql, glimpse_db *db, sqlite3_stmt *statement) {
    const int last = sqlite3_bind_parameter_count(statement);
    for (size_t i = 0; i < sql->parameter_count; i++) {
        const parameter *p = &sql->parameters[i];
        const int place = FIRST_PARAMETER + (int)i;
        int code = SQLITE_OK;
        if (place > last) break;
        switch (p->type) {
        case PARAMETER_NUMBER: code = sqlite3_bind_double(statement, place, p->number); break;
        case PARAMETER_INTEGER: code = sqlite3_bind_int64(statement, place, p->integer); break;
        case PARAMETER_TEXT:
            code = sqlite3_bind_text(statement, place, p->bytes, (int)p->size, SQLITE_STATIC);
            break;
        case PARAMETER_BLOB:
            code = sqlite3_bind_blob64(statement, place, p->bytes, p->size, SQLITE_STATIC);
            break;
        }
        if (code != SQLITE_OK) return glimpse_db_status(db, code);
    }
    return GLIMPSE_OK;
}

/* How many ids a cover has, up to one more than MAX_COUNTED. */
static int count_cover(compiler *c, cover *found) {
    text t = {0};
    sqlite3_stmt *row = NULL;
    add(&t, "SELECT count(*) FROM (SELECT 1 FROM (%s) LIMIT %d)", found->sql, MAX_COUNTED + 1);
    int status = t.status;
    if (status == GLIMPSE_OK) status = glimpse_db_prepare(c->db, &row, t.bytes);
    if (status == GLIMPSE_OK) status = bind_all(c->sql, c->db, row);
    if (status == GLIMPSE_OK) status = glimpse_db_step(c->db, row);
    if (status > 0) {
        const sqlite3_int64 count = sqlite3_column_int64(row, 0);
        found->count = count > MAX_COUNTED ? SIZE_MAX : (size_t)count;
        status = GLIMPSE_OK;
    }
    (void)sqlite3_finalize(row);
    free(t.bytes);
    return status;
}

static cover find_cover(compiler *c, size_t i, int negated);

/* Of several that all have to hold the one with the fewest. */
static cover fewest(compiler *c, size_t child, int negated) {
    cover best = {0};
    for (; child && c->status == GLIMPSE_OK; child = c->where->nodes[child].next) {
        cover one = find_cover(c, child, negated);
        if (one.sql && (!best.sql || one.count < best.count)) {
            free(best.sql);
            best = one;
        } else {
            free(one.sql);
        }
        if (best.sql && best.count <= FEW_ENOUGH) break;
    }
    return best;
}

/* Of several of which one is enough all together. */
static cover together(compiler *c, size_t child, int negated) {
    text all = {0};
    size_t count = 0;
    for (; child && c->status == GLIMPSE_OK; child = c->where->nodes[child].next) {
        cover one = find_cover(c, child, negated);
        if (!one.sql) {
            free(all.bytes);
            return (cover){0};
        }
        add(&all, "%s%s", all.length ? " UNION ALL " : "", one.sql);
        count = one.count > SIZE_MAX - count ? SIZE_MAX : count + one.count;
        free(one.sql);
    }
    if (c->status == GLIMPSE_OK) c->status = all.status;
    return (cover){all.bytes, count};
}

static cover find_cover(compiler *c, size_t i, int negated) {
    const glimpse_where_node *n = &c->where->nodes[i];
    text t = {0};
    cover one = {0};
    if (n->kind == GLIMPSE_WHERE_NOT) return find_cover(c, n->child, !negated);
    if (n->kind == GLIMPSE_WHERE_ALL || n->kind == GLIMPSE_WHERE_ANY) {
        return (n->kind == GLIMPSE_WHERE_ALL) != negated ? fewest(c, n->child, negated)
                                                         : together(c, n->child, negated);
    }
    if (negated) return one;
    cover_leaf(c, &t, n);
    if (c->status == GLIMPSE_OK) c->status = t.status;
    one.sql = t.bytes;
    if (one.sql && c->status == GLIMPSE_OK) c->status = count_cover(c, &one);
    return one;
}

/*
 * The whole.
 */
void glimpse_where_sql_free(glimpse_where_sql *sql, glimpse_db *db) {
    if (!sql) return;
    glimpse_db_enter(db);
    for (size_t i = 0; i < sql->kept_count; i++)
        (void)sqlite3_finalize(sql->kept[i].prepared);
    glimpse_db_leave(db);
    for (size_t i = 0; i < sql->parameter_count; i++)
        free(sql->parameters[i].bytes);
    free(sql->parameters);
    free(sql->check);
    free(sql->cover);
    free(sql);
}

int glimpse_where_sql_create(glimpse_where_sql **out, glimpse_db *db, const glimpse_where *where) {
    glimpse_where_sql *sql = calloc(1, sizeof *sql);
    text check = {0}, ids = {0};
    *out = NULL;
    if (!sql) return glimpse_fail_nomem(sizeof *sql, "a filter");
    compiler c = {sql, db, where, GLIMPSE_OK};
    add(&check, "EXISTS (SELECT 1 FROM fact x CROSS JOIN picture y ON y.id = f.picture_id"
                " WHERE x.file_id = f.id AND ");
    check_node(&c, &check, where->root);
    add(&check, ")");
    sql->check = check.bytes;
    if (c.status == GLIMPSE_OK) c.status = check.status;
    sql->max_files = SIZE_MAX;
    if (c.status == GLIMPSE_OK) {
        const cover found = find_cover(&c, where->root, 0);
        if (found.sql) {
            sql->max_files = found.count;
            add(&ids, "f.id IN (%s)", found.sql);
        }
        free(found.sql);
        sql->cover = ids.bytes;
        if (c.status == GLIMPSE_OK) c.status = ids.status;
    }
    if (c.status < 0) {
        glimpse_where_sql_free(sql, db);
        return c.status;
    }
    *out = sql;
    return GLIMPSE_OK;
}

size_t glimpse_where_sql_max_files(const glimpse_where_sql *sql) {
    return sql->max_files;
}

int glimpse_where_sql_expand(char **out, const glimpse_where_sql *sql, const char *statement,
                             int has_path) {
    enum { MARKS = 4 };
    const char *const marks[MARKS] = {GLIMPSE_FILTER_CHECK, GLIMPSE_FILTER_COVER,
                                      GLIMPSE_FILTER_FILES, GLIMPSE_FILTER_PATH};
    const char *const path = has_path ? GLIMPSE_FILTER_PATH : "1";
    const char *const instead[MARKS] = {sql->check, sql->cover ? sql->cover : "1",
                                        sql->cover ? "file f" : GLIMPSE_FILTER_FILES, path};
    text t = {0};
    *out = NULL;
    while (*statement) {
        const char *at = NULL;
        size_t mark = 0;
        for (size_t i = 0; i < MARKS; i++) {
            const char *found = strstr(statement, marks[i]);
            if (!found || (at && found > at)) continue;
            at = found;
            mark = i;
        }
        const size_t before = at ? (size_t)(at - statement) : strlen(statement);
        add(&t, "%.*s%s", (int)before, statement, at ? instead[mark] : "");
        if (at && mark == 1 && sql->cover && has_path) add(&t, " AND %s", path);
        statement += before + (at ? strlen(marks[mark]) : 0);
    }
    if (t.status < 0) {
        free(t.bytes);
        return t.status;
    }
    *out = t.bytes;
    return GLIMPSE_OK;
}

int glimpse_where_sql_query(glimpse_where_sql *sql, glimpse_db *db, sqlite3_stmt **out,
                            const char *statement, int has_path) {
    char *expanded = NULL;
    *out = NULL;
    for (size_t i = 0; i < sql->kept_count && !*out; i++)
        if (sql->kept[i].statement == statement) *out = sql->kept[i].prepared;
    if (!*out) {
        if (sql->kept_count == MAX_KEPT) {
            return glimpse_fail(GLIMPSE_E_INTERNAL, "more than %d filtered statements", MAX_KEPT);
        }
        int status = glimpse_where_sql_expand(&expanded, sql, statement, has_path);
        if (status == GLIMPSE_OK) status = glimpse_db_prepare(db, out, expanded);
        free(expanded);
        if (status < 0) return status;
        sql->kept[sql->kept_count].statement = statement;
        sql->kept[sql->kept_count++].prepared = *out;
    }
    return bind_all(sql, db, *out);
}
