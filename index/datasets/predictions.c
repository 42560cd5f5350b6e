/*
 * predictions.c - labels that were written before, read for judging them.
 */
#include "predictions.h"

#include "core/error.h"
#include "dataset_text.h"
#include "table.h"
#include "text/json_load.h"

#include <jansson.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* What the caller has, and behind it what owns the memory. While reading, a picture's guesses are
 * known by where they begin; the pointers are set when all are there. */
typedef struct held {
    glimpse_predictions p; /* first */
    glimpse_prediction *pictures;
    size_t *begins; /* [count] in `guesses` */
    glimpse_guess *guesses;
    char **classes;
    size_t guess_count;
    size_t capacity, begin_capacity, guess_capacity, class_capacity;
    size_t *slots, slot_count; /* classes by hash: place + 1, or 0 */
} held;

static held *held_of(glimpse_predictions *p) {
    return (held *)(void *)p;
}

static size_t *slot_of(const held *h, const char *name) {
    uint64_t hash = glimpse_fnv1a(name);
    size_t at = (size_t)(hash ^ (hash >> 32)) & (h->slot_count - 1);
    while (h->slots[at] && strcmp(h->classes[h->slots[at] - 1], name) != 0)
        at = (at + 1) & (h->slot_count - 1);
    return &h->slots[at];
}

static int grow_slots(held *h) {
    size_t count = h->slot_count ? 2 * h->slot_count : 256;
    size_t *slots = glimpse_zeroed(count, sizeof *slots);
    if (!slots) return GLIMPSE_E_NOMEM;
    free(h->slots);
    h->slots = slots;
    h->slot_count = count;
    for (size_t i = 0; i < h->p.class_count; i++)
        *slot_of(h, h->classes[i]) = i + 1;
    return GLIMPSE_OK;
}

int glimpse_predictions_add_class(size_t *at, glimpse_predictions *predictions, const char *name) {
    held *h = held_of(predictions);
    if (2 * (h->p.class_count + 1) > h->slot_count && grow_slots(h) < 0) return GLIMPSE_E_NOMEM;
    size_t *slot = slot_of(h, name);
    if (!*slot) {
        char **classes =
            glimpse_grown(h->classes, &h->class_capacity, h->p.class_count, sizeof *classes);
        if (!classes) return GLIMPSE_E_NOMEM;
        h->classes = classes;
        h->p.classes = (const char *const *)classes;
        if (!(classes[h->p.class_count] = glimpse_copied(name))) return GLIMPSE_E_NOMEM;
        *slot = ++h->p.class_count;
    }
    *at = *slot - 1;
    return GLIMPSE_OK;
}

/* Takes `path` over, which is NULL when there was no memory for it. Borrowed until the next. */
static int add_picture(glimpse_prediction **out, held *h, char *path) {
    size_t n = h->p.count;
    glimpse_prediction *pictures =
        path ? glimpse_grown(h->pictures, &h->capacity, n, sizeof *pictures) : NULL;
    if (pictures) h->pictures = pictures;
    size_t *begins =
        pictures ? glimpse_grown(h->begins, &h->begin_capacity, n, sizeof *begins) : NULL;
    if (!begins) {
        free(path);
        return GLIMPSE_E_NOMEM;
    }
    h->begins = begins;
    h->begins[n] = h->guess_count;
    h->pictures[n] = (glimpse_prediction){path, NULL, 0, 0, 0, NAN, NAN};
    h->p.count++;
    *out = &h->pictures[n];
    return GLIMPSE_OK;
}

/* A guess for the picture that was added last. Borrowed until the next. */
static int add_guess(glimpse_guess **out, held *h, glimpse_prediction *of, const char *name) {
    glimpse_guess *guesses =
        glimpse_grown(h->guesses, &h->guess_capacity, h->guess_count, sizeof *guesses);
    if (!guesses) return GLIMPSE_E_NOMEM;
    h->guesses = guesses;
    *out = &h->guesses[h->guess_count];
    **out = (glimpse_guess){0, NAN, NAN, 0};
    int status = glimpse_predictions_add_class(&(*out)->class_index, &h->p, name);
    if (status < 0) return status;
    h->guess_count++;
    of->count++;
    return GLIMPSE_OK;
}

void glimpse_predictions_free(glimpse_predictions *predictions) {
    if (!predictions) return;
    held *h = held_of(predictions);
    for (size_t i = 0; i < h->p.count; i++)
        free((char *)h->pictures[i].path);
    for (size_t i = 0; i < h->p.class_count; i++)
        free(h->classes[i]);
    free(h->pictures);
    free(h->begins);
    free(h->guesses);
    free(h->classes);
    free(h->slots);
    free(h);
}

/* A class twice for one picture is damage: each has one probability. */
static int check_repeats(const held *h, const char *source) {
    size_t *seen = glimpse_zeroed(h->p.class_count, sizeof *seen);
    if (!seen) return GLIMPSE_E_NOMEM;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < h->p.count && status == GLIMPSE_OK; i++) {
        const glimpse_prediction *p = &h->pictures[i];
        for (size_t k = 0; k < p->count && status == GLIMPSE_OK; k++) {
            size_t c = h->guesses[h->begins[i] + k].class_index;
            if (seen[c] == i + 1) {
                status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s has the class \"%s\" twice", source,
                                      p->path, h->classes[c]);
            }
            seen[c] = i + 1;
        }
    }
    free(seen);
    return status;
}

/*
 * JSON lines.
 */

/* The exact bytes: of path_bytes when that is there. *path is NULL when there is none. */
static int json_path(char **path, const json_t *object) {
    const char *hex = json_string_value(json_object_get(object, "path_bytes"));
    const char *text = json_string_value(json_object_get(object, "path"));
    *path = NULL;
    if (!hex) return !text || (*path = glimpse_copied(text)) ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    size_t length = strlen(hex);
    if (length % 2 != 0 || strspn(hex, "0123456789abcdefABCDEF") != length) return GLIMPSE_OK;
    char *bytes = glimpse_zeroed(length / 2 + 1, 1), pair[3] = {0};
    if (!bytes) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < length / 2; i++) {
        pair[0] = hex[2 * i], pair[1] = hex[2 * i + 1];
        bytes[i] = (char)strtol(pair, NULL, 16);
    }
    *path = bytes;
    return GLIMPSE_OK;
}

static double number_or_nan(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* NaN: there is none. What rounding made of 0 or 1 becomes that again. */
static int is_probability(double *value) {
    static const double rounding = 1e-6;
    if (isnan(*value)) return 1;
    if (!(*value >= -rounding && *value <= 1 + rounding)) return 0;
    *value = fmin(fmax(*value, 0), 1);
    return 1;
}

/* There, but no number: what NaN and infinity become in JSON, too. */
static int is_no_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value) && !json_is_number(value);
}

/* *wrong says what is wrong with the object, or is NULL. */
static int read_label(const char **wrong, held *h, glimpse_prediction *of, const json_t *label,
                      int is_first) {
    const char *name = json_string_value(json_object_get(label, "class"));
    glimpse_guess *made = NULL;
    if (!name) {
        *wrong = "a label without a class";
        return GLIMPSE_OK;
    }
    int status = add_guess(&made, h, of, name);
    if (status < 0) return status;
    made->probability = number_or_nan(label, "probability");
    made->score = number_or_nan(label, "score");
    if (isnan(made->probability) && isnan(made->score)) {
        *wrong = "a label without probability and score";
    } else if (!is_probability(&made->probability) || is_no_number(label, "probability")) {
        *wrong = "a probability outside 0 to 1";
    }
    const json_t *accepted = json_object_get(label, "accepted");
    if (accepted) h->p.has_accepted = 1;
    made->accepted = !of->abstained && (accepted ? json_is_true(accepted) : is_first);
    return GLIMPSE_OK;
}

static int read_object(const char **wrong, held *h, const json_t *object) {
    char *path = NULL;
    glimpse_prediction *of = NULL;
    *wrong = json_is_object(object) ? NULL : "not an object";
    if (*wrong) return GLIMPSE_OK;
    int status = json_path(&path, object);
    if (status == GLIMPSE_OK && !path) {
        *wrong = "no path";
        return GLIMPSE_OK;
    }
    if (status == GLIMPSE_OK) status = add_picture(&of, h, path);
    if (status != GLIMPSE_OK) return status;
    if (json_object_get(object, "error")) {
        of->failed = 1;
        h->p.failed++;
        return GLIMPSE_OK;
    }
    const json_t *labels = json_object_get(object, "labels");
    if (!json_is_array(labels)) {
        *wrong = "no labels";
        return GLIMPSE_OK;
    }
    of->abstained = json_is_true(json_object_get(object, "abstained"));
    of->background = number_or_nan(object, "background");
    of->margin = number_or_nan(object, "margin");
    if (!is_probability(&of->background)) *wrong = "a background outside 0 to 1";
    for (size_t i = 0; i < json_array_size(labels) && status == GLIMPSE_OK && !*wrong; i++)
        status = read_label(wrong, h, of, json_array_get(labels, i), i == 0);
    return status;
}

static int read_line(void *user, const json_t *value, const char **wrong) {
    return read_object(wrong, user, value);
}

static int read_jsonl(held *h, const char *source, const char *text, size_t size) {
    return glimpse_json_lines(text, size, JSON_REJECT_DUPLICATES, source, read_line, h);
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

/* A table, and which columns it has. */
typedef struct sheet {
    const glimpse_table *t;
    const char *file;
    int path, name, probability, score, abstained, accepted;
    int has_probabilities; /* in one row at least */
} sheet;

static int read_number(double *value, const sheet *s, size_t row, int column) {
    const char *cell = glimpse_table_cell(s->t, row, column);
    char *end = NULL;
    *value = NAN;
    if (!*cell) return GLIMPSE_OK;
    *value = strtod(cell, &end);
    /* strtod() takes hexadecimal numbers as well, which no table of labels has. */
    if (!*end && isfinite(*value) && strspn(cell, "0123456789+-.eE") == strlen(cell)) {
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: \"%s\" is no number", s->file,
                        glimpse_table_line(s->t, row), cell);
}

static int is_true(const sheet *s, size_t row, int column) {
    return strcasecmp(glimpse_table_cell(s->t, row, column), "true") == 0;
}

static int read_row(held *h, const sheet *s, size_t row, glimpse_prediction *of) {
    const char *name = glimpse_table_cell(s->t, row, s->name);
    double probability, score;
    glimpse_guess *made = NULL;
    of->abstained |= is_true(s, row, s->abstained);
    if (!*name) return GLIMPSE_OK; /* abstained: no class is told */
    int status = read_number(&probability, s, row, s->probability);
    if (status == GLIMPSE_OK && !is_probability(&probability)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: the probability %g is outside 0 to 1",
                            s->file, glimpse_table_line(s->t, row), probability);
    }
    if (status == GLIMPSE_OK && isnan(probability) && s->has_probabilities) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s, line %zu: there is no probability, which other lines have",
                            s->file, glimpse_table_line(s->t, row));
    }
    if (status == GLIMPSE_OK) status = read_number(&score, s, row, s->score);
    if (status == GLIMPSE_OK) status = add_guess(&made, h, of, name);
    if (status != GLIMPSE_OK) return status;
    made->probability = probability;
    made->score = score;
    made->accepted = s->accepted < 0 ? of->count == 1 : is_true(s, row, s->accepted);
    if (isnan(probability) && isnan(score)) {
        /* Only one can be meant when nothing ranks them. */
        if (of->count > 1) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s, line %zu: several classes of %s, but no column probability or "
                                "score",
                                s->file, glimpse_table_line(s->t, row), of->path);
        }
        made->score = 1;
    }
    return GLIMPSE_OK;
}

/* Labels of one picture must stand together: pictures in the order of their first rows, and the
 * rows of each in order. `keys` are sorted by path, so each group is one stretch of them. */
static int read_groups(held *h, const sheet *s, const row_key *keys) {
    size_t rows = glimpse_table_rows(s->t);
    size_t *first = glimpse_zeroed(rows, sizeof *first); /* row: the first of its picture */
    size_t *place = glimpse_zeroed(rows, sizeof *place); /* row: where it is in keys */
    int status = first && place ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < rows && status == GLIMPSE_OK; i++) {
        int same = i > 0 && strcmp(keys[i].path, keys[i - 1].path) == 0;
        first[keys[i].row] = same ? first[keys[i - 1].row] : keys[i].row;
        place[keys[i].row] = i;
    }
    for (size_t i = 0; i < rows && status == GLIMPSE_OK; i++) {
        glimpse_prediction *of = NULL;
        if (first[i] != i) continue;
        if (!*keys[place[i]].path) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: no path", s->file,
                                  glimpse_table_line(s->t, i));
        } else {
            status = add_picture(&of, h, glimpse_copied(keys[place[i]].path));
        }
        for (size_t k = place[i]; k < rows && status == GLIMPSE_OK; k++) {
            if (first[keys[k].row] != i) break;
            status = read_row(h, s, keys[k].row, of);
        }
    }
    free(place);
    free(first);
    return status;
}

/* `is_tree`: labels.csv of an ImageFolder, which says where the pictures came from. */
static int read_table(held *h, const char *file, int is_tree) {
    glimpse_table *t = NULL;
    int status = glimpse_table_load(&t, file);
    if (status < 0) return status;
    size_t rows = glimpse_table_rows(t);
    sheet s = {.t = t, .file = file};
    s.path = is_tree ? glimpse_table_column(t, "source") : -1;
    if (s.path < 0) s.path = glimpse_table_column(t, "path|file|filename|file_name|image");
    s.name = glimpse_table_column(t, "class|label|category");
    s.probability = glimpse_table_column(t, "probability|confidence");
    s.score = glimpse_table_column(t, "score");
    s.abstained = glimpse_table_column(t, "abstained");
    s.accepted = glimpse_table_column(t, "accepted");
    row_key *keys = glimpse_zeroed(rows, sizeof *keys);
    if (!keys) {
        status = GLIMPSE_E_NOMEM;
    } else if (s.path < 0 || s.name < 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: no column %s; predictions are what glimpse label writes as JSON "
                              "or CSV, or a table with the columns path and class",
                              file, s.path < 0 ? "path" : "class");
    } else {
        h->p.has_accepted = s.accepted >= 0;
        for (size_t i = 0; i < rows; i++) {
            keys[i] = (row_key){glimpse_table_cell(t, i, s.path), i};
            s.has_probabilities |=
                *glimpse_table_cell(t, i, s.name) && *glimpse_table_cell(t, i, s.probability);
        }
        if (rows > 0) qsort(keys, rows, sizeof *keys, by_row_path);
        status = read_groups(h, &s, keys);
    }
    free(keys);
    glimpse_table_free(t);
    return status;
}

/* The pictures in the directories are the pictures. */
static int read_tree(held *h, const char *source) {
    glimpse_truth *tree = NULL;
    int status = glimpse_truth_load(&tree, source, NULL);
    for (size_t i = 0; status == GLIMPSE_OK && i < tree->count; i++) {
        const glimpse_truth_picture *p = &tree->pictures[i];
        glimpse_prediction *of = NULL;
        status = add_picture(&of, h, glimpse_copied(p->path));
        for (size_t k = 0; k < p->class_count && status == GLIMPSE_OK; k++) {
            glimpse_guess *made = NULL;
            status = add_guess(&made, h, of, tree->classes[p->classes[k]]);
            if (status == GLIMPSE_OK) made->score = made->accepted = 1;
        }
    }
    glimpse_truth_free(tree);
    return status;
}

static int read_directory(held *h, const char *source) {
    char *notes = glimpse_formatted("%s/labels.csv", source);
    struct stat info;
    if (!notes) return GLIMPSE_E_NOMEM;
    int status = stat(notes, &info) == 0 ? read_table(h, notes, 1) : read_tree(h, source);
    free(notes);
    return status;
}

static int read_file(held *h, const char *source) {
    size_t size = 0;
    char *text = NULL;
    int status = glimpse_text_file_read(&text, &size, source);
    if (status < 0) return status;
    const char *start = text + strspn(text, " \t\r\n");
    if (*start == '{') {
        status = read_jsonl(h, source, text, size);
    } else if (strcmp(source, "-") == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "standard input: not JSON lines (a table must be a file)");
    } else if (*start == '[') {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: a JSON array; predictions are JSON lines as glimpse label "
                              "writes them, or CSV",
                              source);
    } else {
        status = read_table(h, source, 0);
    }
    free(text);
    return status;
}

int glimpse_predictions_load(glimpse_predictions **out, const char *path) {
    struct stat info;
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    held *h = glimpse_zeroed(1, sizeof *h);
    if (!h) return GLIMPSE_E_NOMEM;
    int is_directory = strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    int status = is_directory ? read_directory(h, path) : read_file(h, path);
    if (status == GLIMPSE_OK && h->p.count == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: no predictions in it", path);
    }
    if (status == GLIMPSE_OK) status = check_repeats(h, path);
    if (status < 0) {
        glimpse_predictions_free(&h->p);
        return status;
    }
    for (size_t i = 0; i < h->p.count; i++)
        h->pictures[i].guesses = h->guesses ? h->guesses + h->begins[i] : NULL;
    h->p.pictures = h->pictures;
    *out = &h->p;
    return GLIMPSE_OK;
}
