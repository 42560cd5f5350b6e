/*
 * predictions.c - see predictions.h.
 */
#include "predictions.h"

#include "table_in.h"
#include "text.h"
#include "tool.h"
#include "truth.h"

#include <jansson.h>

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct builder {
    predictions *p;
    size_t room, label_room, class_room;
    size_t *slots, slot_count; /* classes by hash: place + 1, or 0 */
} builder;

/* A builder belongs to the predictions it makes; it stays behind them for predictions_class. */
typedef struct held {
    predictions p; /* first: what the caller has */
    builder b;
} held;

static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash ^ (hash >> 32);
}

static size_t *slot_of(builder *b, const char *name) {
    size_t at = (size_t)hash_text(name) & (b->slot_count - 1);
    while (b->slots[at] && strcmp(b->p->classes[b->slots[at] - 1], name) != 0)
        at = (at + 1) & (b->slot_count - 1);
    return &b->slots[at];
}

static size_t add_class(builder *b, const char *name) {
    predictions *p = b->p;
    if (2 * (p->class_count + 1) > b->slot_count) {
        b->slot_count = b->slot_count ? 2 * b->slot_count : 256;
        free(b->slots);
        b->slots = xcalloc(b->slot_count, sizeof *b->slots);
        for (size_t i = 0; i < p->class_count; i++)
            *slot_of(b, p->classes[i]) = i + 1;
    }
    size_t *slot = slot_of(b, name);
    if (*slot) return *slot - 1;
    if (p->class_count == b->class_room) {
        b->class_room = b->class_room ? 2 * b->class_room : 128;
        p->classes = xrealloc(p->classes, b->class_room * sizeof *p->classes);
    }
    p->classes[p->class_count++] = xstrdup(name);
    *slot = p->class_count;
    return p->class_count - 1;
}

size_t predictions_class(predictions *p, const char *name) {
    return add_class(&((held *)(void *)p)->b, name);
}

static prediction *add_picture(builder *b, char *path) {
    predictions *p = b->p;
    if (p->count == b->room) {
        b->room = b->room ? 2 * b->room : 256;
        p->pictures = xrealloc(p->pictures, b->room * sizeof *p->pictures);
    }
    prediction *made = &p->pictures[p->count++];
    *made = (prediction){path, p->label_count, 0, 0, 0, NAN, NAN};
    return made;
}

static predicted_label *add_label(builder *b, prediction *of) {
    predictions *p = b->p;
    if (p->label_count == b->label_room) {
        b->label_room = b->label_room ? 2 * b->label_room : 1024;
        p->labels = xrealloc(p->labels, b->label_room * sizeof *p->labels);
    }
    of->count++;
    predicted_label *made = &p->labels[p->label_count++];
    *made = (predicted_label){0, NAN, NAN, 0};
    return made;
}

void predictions_free(predictions *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++)
        free(p->pictures[i].path);
    for (size_t i = 0; i < p->class_count; i++)
        free(p->classes[i]);
    free(p->pictures);
    free(p->labels);
    free(p->classes);
    free(((held *)(void *)p)->b.slots);
    free(p);
}

/* A class twice for one picture is damage: each has one probability. */
static int check_repeats(builder *b, const char *source) {
    predictions *p = b->p;
    size_t *seen = xcalloc(p->class_count, sizeof *seen);
    int failed = 0;
    for (size_t i = 0; i < p->count && !failed; i++) {
        for (size_t k = 0; k < p->pictures[i].count && !failed; k++) {
            size_t c = p->labels[p->pictures[i].first + k].class_index;
            if (seen[c] == i + 1) {
                (void)tool_fail("%s: %s has the class \"%s\" twice", source, p->pictures[i].path,
                                p->classes[c]);
                failed = -1;
            }
            seen[c] = i + 1;
        }
    }
    free(seen);
    return failed;
}

/*
 * JSON lines.
 */

/* The exact bytes: of path_bytes when that is there. NULL when there is no path. */
static char *json_path(const json_t *object) {
    const char *hex = json_string_value(json_object_get(object, "path_bytes"));
    const char *path = json_string_value(json_object_get(object, "path"));
    if (!hex) return path ? xstrdup(path) : NULL;
    size_t length = strlen(hex);
    if (length % 2 != 0 || strspn(hex, "0123456789abcdefABCDEF") != length) return NULL;
    char *bytes = xmalloc(length / 2 + 1), pair[3] = {0};
    for (size_t i = 0; i < length / 2; i++) {
        pair[0] = hex[2 * i], pair[1] = hex[2 * i + 1];
        bytes[i] = (char)strtol(pair, NULL, 16);
    }
    bytes[length / 2] = '\0';
    return bytes;
}

/* What is wrong, or NULL. */
static const char *read_object(builder *b, const json_t *object) {
    if (!json_is_object(object)) return "not an object";
    char *path = json_path(object);
    if (!path) return "no path";
    prediction *of = add_picture(b, path);
    if (json_object_get(object, "error")) {
        of->failed = 1;
        b->p->failed++;
        return NULL;
    }
    const json_t *labels = json_object_get(object, "labels"), *label = NULL, *value = NULL;
    if (!json_is_array(labels)) return "no labels";
    of->abstained = json_is_true(json_object_get(object, "abstained"));
    value = json_object_get(object, "background");
    if (json_is_number(value)) of->background = json_number_value(value);
    value = json_object_get(object, "margin");
    if (json_is_number(value)) of->margin = json_number_value(value);
    for (size_t i = 0; i < json_array_size(labels); i++) {
        label = json_array_get(labels, i);
        const char *name = json_string_value(json_object_get(label, "class"));
        if (!name) return "a label without a class";
        predicted_label *made = add_label(b, of);
        made->class_index = add_class(b, name);
        value = json_object_get(label, "probability");
        if (json_is_number(value)) made->probability = json_number_value(value);
        value = json_object_get(label, "score");
        if (json_is_number(value)) made->score = json_number_value(value);
        if (isnan(made->probability) && isnan(made->score)) {
            return "a label without probability and score";
        }
        value = json_object_get(label, "accepted");
        if (value) b->p->has_accepted = 1;
        made->accepted = !of->abstained && (value ? json_is_true(value) : i == 0);
    }
    return NULL;
}

static int read_jsonl(builder *b, const char *source, const char *text, size_t size) {
    size_t number = 1;
    for (const char *line = text, *end = text + size; line < end; number++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        json_error_t error;
        if (strspn(line, " \t\r\n") < length) {
            json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
            const char *wrong = object ? read_object(b, object) : error.text;
            if (wrong) {
                (void)tool_fail("%s, line %zu: %s", source, number, wrong);
                json_decref(object);
                return -1;
            }
            json_decref(object);
        }
        line += length + 1;
    }
    return 0;
}

/*
 * Tables: the rows of a picture may stand anywhere, its first one gives the place.
 */
typedef struct row_key {
    const char *path;
    size_t row;
} row_key;

static int by_row_path(const void *a, const void *b) {
    const row_key *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static int read_number(const table_in *t, size_t row, int column, double *value) {
    const char *cell = table_in_cell(t, row, column);
    char *end = NULL;
    *value = NAN;
    if (!*cell) return 0;
    *value = strtod(cell, &end);
    if (*end || !isfinite(*value)) {
        return tool_fail("%s, line %zu: \"%s\" is no number", t->file, t->lines[row], cell);
    }
    return 0;
}

typedef struct columns {
    int path, name, probability, score, abstained, accepted;
} columns;

static int read_row(builder *b, const table_in *t, const columns *c, size_t row, prediction *of) {
    const char *name = table_in_cell(t, row, c->name);
    double probability, score;
    of->abstained |= strcasecmp(table_in_cell(t, row, c->abstained), "true") == 0;
    if (!*name) return 0; /* abstained: no class is told */
    if (read_number(t, row, c->probability, &probability) != 0 ||
        read_number(t, row, c->score, &score) != 0) {
        return -1;
    }
    predicted_label *made = add_label(b, of);
    made->class_index = add_class(b, name);
    made->probability = probability;
    made->score = score;
    made->accepted = c->accepted < 0 ? of->count == 1
                                     : strcasecmp(table_in_cell(t, row, c->accepted), "true") == 0;
    if (isnan(probability) && isnan(score)) {
        /* Only one can be meant when nothing ranks them. */
        if (of->count > 1) {
            return tool_fail("%s, line %zu: several classes of %s, but no column probability or "
                             "score",
                             t->file, t->lines[row], of->path);
        }
        made->score = 1;
    }
    return 0;
}

static int read_table(builder *b, const char *source, const char *root) {
    table_in *t = table_in_read(source);
    if (!t) return -1;
    int failed = -1;
    row_key *keys = xcalloc(t->row_count, sizeof *keys);
    size_t *first = xcalloc(t->row_count, sizeof *first), *place = NULL;
    columns c;
    c.path = root ? table_in_column(t, "source") : -1;
    if (c.path < 0) c.path = table_in_column(t, "path|file|filename|file_name|image");
    c.name = table_in_column(t, "class|label|category");
    c.probability = table_in_column(t, "probability|confidence");
    c.score = table_in_column(t, "score");
    c.abstained = table_in_column(t, "abstained");
    c.accepted = table_in_column(t, "accepted");
    if (c.path < 0 || c.name < 0) {
        (void)tool_fail("%s: no column %s; predictions are what glimpse label --json or --csv "
                        "writes, or a table with the columns path and class",
                        source, c.path < 0 ? "path" : "class");
        goto done;
    }
    b->p->has_accepted = c.accepted >= 0;
    for (size_t i = 0; i < t->row_count; i++)
        keys[i] = (row_key){table_in_cell(t, i, c.path), i};
    if (t->row_count > 0) qsort(keys, t->row_count, sizeof *keys, by_row_path);
    place = xcalloc(t->row_count, sizeof *place);
    for (size_t i = 0; i < t->row_count; i++) {
        int same = i > 0 && strcmp(keys[i].path, keys[i - 1].path) == 0;
        first[keys[i].row] = same ? first[keys[i - 1].row] : keys[i].row;
    }
    /* Labels of one picture must stand together: pictures in the order of their first rows, and
     * the rows of each in order. Rows are sorted by path now, so each group is one stretch. */
    for (size_t i = 0; i < t->row_count; i++)
        place[keys[i].row] = i;
    for (size_t i = 0; i < t->row_count; i++) {
        if (first[i] != i) continue;
        if (!*keys[place[i]].path) {
            (void)tool_fail("%s, line %zu: no path", source, t->lines[i]);
            goto done;
        }
        prediction *of = add_picture(b, xstrdup(keys[place[i]].path));
        for (size_t k = place[i]; k < t->row_count && first[keys[k].row] == i; k++) {
            if (read_row(b, t, &c, keys[k].row, of) != 0) goto done;
        }
    }
    failed = 0;
done:
    free(place);
    free(first);
    free(keys);
    table_in_free(t);
    return failed;
}

static int read_folder(builder *b, const char *source) {
    char *notes = xprintf("%s/labels.csv", source);
    struct stat info;
    int failed = -1;
    if (stat(notes, &info) == 0) {
        failed = read_table(b, notes, source);
    } else {
        truth_set *tree = truth_read(source, NULL);
        for (size_t i = 0; tree && i < tree->count; i++) {
            prediction *of = add_picture(b, xstrdup(tree->pictures[i].path));
            for (size_t k = 0; k < tree->pictures[i].class_count; k++) {
                predicted_label *made = add_label(b, of);
                made->class_index = add_class(b, tree->classes[tree->pictures[i].classes[k]]);
                made->score = 1;
                made->accepted = 1;
            }
        }
        failed = tree ? 0 : -1;
        truth_free(tree);
    }
    free(notes);
    return failed;
}

predictions *predictions_read(const char *source) {
    held *h = xcalloc(1, sizeof *h);
    h->b.p = &h->p;
    struct stat info;
    int failed = -1;
    if (strcmp(source, "-") != 0 && stat(source, &info) == 0 && S_ISDIR(info.st_mode)) {
        failed = read_folder(&h->b, source);
    } else {
        size_t size = 0;
        char *text = text_file_read(source, &size);
        const char *start = text ? text + strspn(text, " \t\r\n") : NULL;
        if (!text) {
            /* told already */
        } else if (*start == '{') {
            failed = read_jsonl(&h->b, source, text, size);
        } else if (strcmp(source, "-") == 0) {
            (void)tool_fail("standard input: not JSON lines (a table must be a file)");
        } else if (*start == '[') {
            (void)tool_fail("%s: a JSON array; predictions are JSON lines as glimpse label --json "
                            "writes them, or CSV",
                            source);
        } else {
            failed = read_table(&h->b, source, NULL);
        }
        free(text);
    }
    if (!failed && h->p.count == 0) {
        (void)tool_fail("%s: no predictions in it", source);
        failed = -1;
    }
    if (!failed) failed = check_repeats(&h->b, source);
    if (!failed) return &h->p;
    predictions_free(&h->p);
    return NULL;
}
