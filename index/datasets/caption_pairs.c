/*
 * caption_pairs.c - pictures and texts that describe them, read from tables and JSON.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "table.h"
#include "text/json_load.h"

#include <glimpse/datasets.h>

#include <jansson.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What was read, in order; `image` and `text` are owned. */
typedef struct row {
    char *image, *text;
} row;

typedef struct rows {
    row *items;
    size_t count, capacity, without;
    const char *file;
    char *directory;
} rows;

/* *wrong says what is wrong with it, or is NULL. */
static int add(const char **wrong, rows *r, const char *image, const char *text) {
    *wrong = !image || !*image ? "no image" : NULL;
    if (*wrong) return GLIMPSE_OK;
    if (!text || text[strspn(text, " \t\r\n")] == '\0') {
        r->without++;
        return GLIMPSE_OK;
    }
    if (!glimpse_text_is_utf8(text)) {
        *wrong = "the caption is not UTF-8 text";
        return GLIMPSE_OK;
    }
    row *items = glimpse_grown(r->items, &r->capacity, r->count, sizeof *items);
    if (!items) return GLIMPSE_E_NOMEM;
    r->items = items;
    row *made = &r->items[r->count++];
    made->image =
        image[0] == '/' ? glimpse_copied(image) : glimpse_formatted("%s/%s", r->directory, image);
    made->text = glimpse_copied(text);
    return made->image && made->text ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

static int read_table(rows *r) {
    glimpse_table *t = NULL;
    int status = glimpse_table_load(&t, r->file);
    if (status < 0) return status;
    int image = glimpse_table_column(t, "image|path|file|filename|file_name|filepath");
    int text = glimpse_table_column(t, "caption|captions|text|title");
    if (image < 0 || text < 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: no column %s; captions are a table with the columns image and "
                              "caption",
                              r->file, image < 0 ? "image" : "caption");
    }
    for (size_t i = 0; i < glimpse_table_rows(t) && status == GLIMPSE_OK; i++) {
        const char *wrong = NULL;
        status = add(&wrong, r, glimpse_table_cell(t, i, image), glimpse_table_cell(t, i, text));
        if (wrong) {
            status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: %s", r->file,
                                  glimpse_table_line(t, i), wrong);
        }
    }
    glimpse_table_free(t);
    return status;
}

/*
 * JSON.
 */
static const json_t *first_of(const json_t *object, const char *const *names) {
    for (; *names; names++) {
        const json_t *value = json_object_get(object, *names);
        if (value) return value;
    }
    return NULL;
}

static const char *const image_keys[] = {"image",     "path",     "file", "filename",
                                         "file_name", "filepath", NULL};
static const char *const text_keys[] = {"caption", "captions", "text", "title", NULL};

static int read_object(const char **wrong, rows *r, const json_t *object) {
    *wrong = json_is_object(object) ? NULL : "not an object";
    if (*wrong) return GLIMPSE_OK;
    const char *image = json_string_value(first_of(object, image_keys));
    const json_t *text = first_of(object, text_keys);
    if (json_is_string(text)) return add(wrong, r, image, json_string_value(text));
    if (json_is_null(text)) return add(wrong, r, image, NULL);
    if (!json_is_array(text)) {
        *wrong = text ? "the caption is no string" : "no caption";
        return GLIMPSE_OK;
    }
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < json_array_size(text) && status == GLIMPSE_OK && !*wrong; i++) {
        const json_t *one = json_array_get(text, i);
        if (json_is_string(one)) {
            status = add(wrong, r, image, json_string_value(one));
        } else {
            *wrong = "a caption is no string";
        }
    }
    return status;
}

typedef struct coco_image {
    json_int_t id;
    const char *name;
} coco_image;

static int by_id(const void *a, const void *b) {
    json_int_t x = ((const coco_image *)a)->id, y = ((const coco_image *)b)->id;
    return (x > y) - (x < y);
}

static int read_annotation(const char **wrong, rows *r, const json_t *note, const coco_image *list,
                           size_t count) {
    const json_t *id = json_object_get(note, "image_id");
    coco_image key = {json_integer_value(id), NULL};
    const coco_image *found =
        json_is_integer(id) && count > 0 ? bsearch(&key, list, count, sizeof key, by_id) : NULL;
    if (found)
        return add(wrong, r, found->name, json_string_value(json_object_get(note, "caption")));
    *wrong = "image_id is not among the images";
    return GLIMPSE_OK;
}

static int read_coco(rows *r, const json_t *images, const json_t *annotations) {
    size_t count = json_array_size(images), i = 0;
    coco_image *list = glimpse_zeroed(count, sizeof *list);
    if (!list) return GLIMPSE_E_NOMEM;
    const char *wrong = NULL, *part = "images";
    int status = GLIMPSE_OK;
    for (i = 0; i < count && !wrong; i++) {
        const json_t *image = json_array_get(images, i), *id = json_object_get(image, "id");
        list[i].name = json_string_value(json_object_get(image, "file_name"));
        list[i].id = json_integer_value(id);
        if (!json_is_integer(id) || !list[i].name) wrong = "no id or no file_name";
    }
    if (!wrong) {
        part = "annotations";
        if (count > 0) qsort(list, count, sizeof *list, by_id);
        for (i = 0; i < json_array_size(annotations) && status == GLIMPSE_OK && !wrong; i++)
            status = read_annotation(&wrong, r, json_array_get(annotations, i), list, count);
    }
    if (wrong) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, %s[%zu]: %s", r->file, part, i - 1, wrong);
    }
    free(list);
    return status;
}

static int read_array(rows *r, const json_t *items) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < json_array_size(items) && status == GLIMPSE_OK; i++) {
        const char *wrong = NULL;
        status = read_object(&wrong, r, json_array_get(items, i));
        if (wrong) status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, item %zu: %s", r->file, i, wrong);
    }
    return status;
}

static int read_line(void *user, const json_t *value, const char **wrong) {
    return read_object(wrong, user, value);
}

/* An object on every line; a single one is a list of one line. */
static int read_lines(rows *r, const char *text, size_t size) {
    return glimpse_json_lines(text, size, 0, r->file, read_line, r);
}

static int read_json(rows *r, const char *text, size_t size) {
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, 0, &error);
    if (!root && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, r->file);
    const json_t *images = json_object_get(root, "images");
    const json_t *annotations = json_object_get(root, "annotations");
    int status = json_is_array(root) ? read_array(r, root)
                 : json_is_array(images) && json_is_array(annotations)
                     ? read_coco(r, images, annotations)
                     : read_lines(r, text, size);
    json_decref(root);
    return status;
}

/*
 * Joining equal pictures and equal texts.
 */
typedef struct held {
    glimpse_caption_pairs c; /* first: what the caller has */
    char **images, **texts;
    glimpse_pair *pairs;
} held;

typedef struct word {
    const char *text;
    size_t order; /* of the row */
    size_t place; /* in the list of different ones */
} word;

static int by_text(const void *a, const void *b) {
    const word *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b) {
    const word *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The different texts in the order of their first rows (owned, [*count]), and for each row its
 * place. */
static int distinct(char ***list, size_t *places, size_t *count, const rows *r, int images) {
    word *words = glimpse_zeroed(r->count, sizeof *words);
    word *firsts = glimpse_zeroed(r->count, sizeof *firsts);
    size_t *group = glimpse_zeroed(r->count, sizeof *group);
    size_t *moved = glimpse_zeroed(r->count, sizeof *moved), used = 0;
    char **made = glimpse_zeroed(r->count, sizeof *made);
    int status = words && firsts && group && moved && made ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++)
        words[i] = (word){images ? r->items[i].image : r->items[i].text, i, 0};
    if (status == GLIMPSE_OK) qsort(words, r->count, sizeof *words, by_text);
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++) {
        if (i == 0 || strcmp(words[i].text, words[i - 1].text) != 0) {
            firsts[used] = (word){words[i].text, words[i].order, used};
            used++;
        }
        group[words[i].order] = used - 1;
    }
    if (used > 0) qsort(firsts, used, sizeof *firsts, by_order);
    for (size_t i = 0; i < used; i++) {
        made[i] = glimpse_copied(firsts[i].text);
        moved[firsts[i].place] = i;
        if (!made[i]) status = GLIMPSE_E_NOMEM;
    }
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++)
        places[i] = moved[group[i]];
    free(moved);
    free(group);
    free(firsts);
    free(words);
    *list = made;
    *count = used;
    return status;
}

static int by_pair(const void *a, const void *b) {
    const glimpse_pair *x = a, *y = b;
    if (x->text != y->text) return x->text < y->text ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static void show(held *h) {
    h->c.images = (const char *const *)h->images;
    h->c.texts = (const char *const *)h->texts;
    h->c.pairs = h->pairs;
}

static int join(held *h, const rows *r) {
    size_t *image = glimpse_zeroed(r->count, sizeof *image);
    size_t *text = glimpse_zeroed(r->count, sizeof *text);
    h->pairs = glimpse_zeroed(r->count, sizeof *h->pairs);
    int status = image && text && h->pairs ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) status = distinct(&h->images, image, &h->c.image_count, r, 1);
    if (status == GLIMPSE_OK) status = distinct(&h->texts, text, &h->c.text_count, r, 0);
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++)
        h->pairs[i] = (glimpse_pair){text[i], image[i]};
    if (status == GLIMPSE_OK) qsort(h->pairs, r->count, sizeof *h->pairs, by_pair);
    for (size_t i = 0; i < r->count && status == GLIMPSE_OK; i++) {
        if (i > 0 && by_pair(&h->pairs[h->c.pair_count - 1], &h->pairs[i]) == 0) continue;
        h->pairs[h->c.pair_count++] = h->pairs[i];
    }
    h->c.without = r->without;
    free(image);
    free(text);
    show(h);
    return status;
}

static int read_file(rows *r, const char *directory) {
    const char *slash = strrchr(r->file, '/');
    r->directory =
        directory ? glimpse_copied(directory)
        : slash ? glimpse_formatted("%.*s", slash == r->file ? 1 : (int)(slash - r->file), r->file)
                : glimpse_copied(".");
    if (!r->directory) return GLIMPSE_E_NOMEM;
    size_t size = 0;
    char *text = NULL;
    int status = glimpse_text_file_read(&text, &size, r->file);
    if (status < 0) return status;
    char start = text[strspn(text, " \t\r\n")];
    status = start == '{' || start == '[' ? read_json(r, text, size) : read_table(r);
    free(text);
    if (status == GLIMPSE_OK && r->count == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: no captions in it", r->file);
    }
    return status;
}

int glimpse_caption_pairs_load(glimpse_caption_pairs **out, const char *path,
                               const char *directory) {
    rows r = {.file = path};
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    held *h = glimpse_zeroed(1, sizeof *h);
    if (!h) return GLIMPSE_E_NOMEM;
    int status = read_file(&r, directory);
    if (status == GLIMPSE_OK) status = join(h, &r);
    for (size_t i = 0; i < r.count; i++) {
        free(r.items[i].image);
        free(r.items[i].text);
    }
    free(r.items);
    free(r.directory);
    if (status < 0) {
        glimpse_caption_pairs_free(&h->c);
        return status;
    }
    *out = &h->c;
    return GLIMPSE_OK;
}

void glimpse_caption_pairs_free(glimpse_caption_pairs *pairs) {
    held *h = (held *)(void *)pairs;
    if (!h) return;
    for (size_t i = 0; h->images && i < h->c.image_count; i++)
        free(h->images[i]);
    for (size_t i = 0; h->texts && i < h->c.text_count; i++)
        free(h->texts[i]);
    free(h->images);
    free(h->texts);
    free(h->pairs);
    free(h);
}

/* Keeps the items with keep[i], and notes where each has gone. */
static size_t pack(char **items, size_t count, const unsigned char *keep, size_t *moved) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        moved[i] = used;
        if (keep[i]) {
            items[used++] = items[i];
        } else {
            free(items[i]);
        }
    }
    return used;
}

int glimpse_caption_pairs_drop(glimpse_caption_pairs *pairs, const unsigned char *drop) {
    if (!pairs || !drop) return glimpse_fail_null(__func__);
    held *h = (held *)(void *)pairs;
    glimpse_caption_pairs *c = &h->c;
    unsigned char *images = glimpse_zeroed(c->image_count, 1);
    unsigned char *texts = glimpse_zeroed(c->text_count, 1);
    size_t *image = glimpse_zeroed(c->image_count, sizeof *image);
    size_t *text = glimpse_zeroed(c->text_count, sizeof *text), used = 0;
    int status = images && texts && image && text ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) {
        for (size_t i = 0; i < c->image_count; i++)
            images[i] = !drop[i];
        for (size_t i = 0; i < c->pair_count; i++) {
            if (!images[h->pairs[i].image]) continue;
            texts[h->pairs[i].text] = 1;
            h->pairs[used++] = h->pairs[i];
        }
        c->pair_count = used;
        c->image_count = pack(h->images, c->image_count, images, image);
        c->text_count = pack(h->texts, c->text_count, texts, text);
        for (size_t i = 0; i < used; i++)
            h->pairs[i] = (glimpse_pair){text[h->pairs[i].text], image[h->pairs[i].image]};
    }
    free(image);
    free(text);
    free(images);
    free(texts);
    return status;
}
