/*
 * captions.c - see captions.h.
 */
#include "captions.h"

#include "table_in.h"
#include "text.h"
#include "tool.h"

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
    size_t count, room, without;
    const char *file;
    char *folder;
} rows;

/* What is wrong, or NULL. */
static const char *add(rows *r, const char *image, const char *text) {
    if (!image || !*image) return "no image";
    if (!text || text[strspn(text, " \t\r\n")] == '\0') {
        r->without++;
        return NULL;
    }
    if (!text_is_utf8(text)) return "the caption is not UTF-8 text";
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        r->items = xrealloc(r->items, r->room * sizeof *r->items);
    }
    r->items[r->count++] =
        (row){image[0] == '/' ? xstrdup(image) : xprintf("%s/%s", r->folder, image), xstrdup(text)};
    return NULL;
}

static int read_table(rows *r) {
    table_in *t = table_in_read(r->file);
    if (!t) return -1;
    int image = table_in_column(t, "image|path|file|filename|file_name|filepath"), failed = 0;
    int text = table_in_column(t, "caption|captions|text|title");
    if (image < 0 || text < 0) {
        (void)tool_fail("%s: no column %s; captions are a table with the columns image and caption",
                        r->file, image < 0 ? "image" : "caption");
        failed = -1;
    }
    for (size_t i = 0; i < t->row_count && !failed; i++) {
        const char *wrong = add(r, table_in_cell(t, i, image), table_in_cell(t, i, text));
        if (!wrong) continue;
        (void)tool_fail("%s, line %zu: %s", r->file, t->lines[i], wrong);
        failed = -1;
    }
    table_in_free(t);
    return failed;
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

static const char *read_object(rows *r, const json_t *object) {
    if (!json_is_object(object)) return "not an object";
    const char *image = json_string_value(first_of(object, image_keys)), *wrong = NULL;
    const json_t *text = first_of(object, text_keys);
    if (!text) return "no caption";
    if (json_is_string(text)) return add(r, image, json_string_value(text));
    if (json_is_null(text)) return add(r, image, NULL);
    if (!json_is_array(text)) return "the caption is no string";
    for (size_t i = 0; i < json_array_size(text) && !wrong; i++) {
        const json_t *one = json_array_get(text, i);
        wrong =
            json_is_string(one) ? add(r, image, json_string_value(one)) : "a caption is no string";
    }
    return wrong;
}

typedef struct coco_image {
    json_int_t id;
    const char *name;
} coco_image;

static int by_id(const void *a, const void *b) {
    json_int_t x = ((const coco_image *)a)->id, y = ((const coco_image *)b)->id;
    return (x > y) - (x < y);
}

static int read_coco(rows *r, const json_t *images, const json_t *annotations) {
    size_t count = json_array_size(images), i = 0;
    coco_image *list = xcalloc(count, sizeof *list);
    const char *wrong = NULL, *part = "images";
    for (i = 0; i < count && !wrong; i++) {
        const json_t *image = json_array_get(images, i), *id = json_object_get(image, "id");
        list[i].name = json_string_value(json_object_get(image, "file_name"));
        list[i].id = json_integer_value(id);
        if (!json_is_integer(id) || !list[i].name) wrong = "no id or no file_name";
    }
    if (!wrong) {
        part = "annotations";
        if (count > 0) qsort(list, count, sizeof *list, by_id);
        for (i = 0; i < json_array_size(annotations) && !wrong; i++) {
            const json_t *note = json_array_get(annotations, i);
            const json_t *id = json_object_get(note, "image_id");
            coco_image key = {json_integer_value(id), NULL};
            const coco_image *found = json_is_integer(id) && count > 0
                                          ? bsearch(&key, list, count, sizeof key, by_id)
                                          : NULL;
            wrong = found ? add(r, found->name, json_string_value(json_object_get(note, "caption")))
                          : "image_id is not among the images";
        }
    }
    if (wrong) (void)tool_fail("%s, %s[%zu]: %s", r->file, part, i - 1, wrong);
    free(list);
    return wrong ? -1 : 0;
}

static int read_json(rows *r, const char *text, size_t size) {
    json_error_t error;
    json_t *root = json_loadb(text, size, 0, &error);
    int failed = -1;
    if (json_is_array(root)) {
        failed = 0;
        for (size_t i = 0; i < json_array_size(root) && !failed; i++) {
            const char *wrong = read_object(r, json_array_get(root, i));
            if (!wrong) continue;
            (void)tool_fail("%s, item %zu: %s", r->file, i, wrong);
            failed = -1;
        }
    } else if (json_is_object(root) && json_is_array(json_object_get(root, "images")) &&
               json_is_array(json_object_get(root, "annotations"))) {
        failed =
            read_coco(r, json_object_get(root, "images"), json_object_get(root, "annotations"));
    } else {
        /* An object on every line; a single one is a list of one line. */
        size_t number = 1;
        failed = 0;
        for (const char *line = text, *end = text + size; line < end && !failed; number++) {
            const char *stop = memchr(line, '\n', (size_t)(end - line));
            size_t length = (size_t)((stop ? stop : end) - line);
            if (strspn(line, " \t\r\n") < length) {
                json_t *object = json_loadb(line, length, 0, &error);
                const char *wrong = object ? read_object(r, object) : error.text;
                if (wrong) failed = tool_fail("%s, line %zu: %s", r->file, number, wrong);
                json_decref(object);
            }
            line += length + 1;
        }
    }
    json_decref(root);
    return failed ? -1 : 0;
}

/*
 * Joining equal pictures and equal texts.
 */
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

/* The different texts in the order of their first rows (owned), and for each row its place. */
static char **distinct(const rows *r, int images, size_t *places, size_t *count) {
    word *words = xcalloc(r->count, sizeof *words), *firsts = xcalloc(r->count, sizeof *firsts);
    size_t *group = xcalloc(r->count, sizeof *group), used = 0;
    for (size_t i = 0; i < r->count; i++)
        words[i] = (word){images ? r->items[i].image : r->items[i].text, i, 0};
    qsort(words, r->count, sizeof *words, by_text);
    for (size_t i = 0; i < r->count; i++) {
        int same = i > 0 && strcmp(words[i].text, words[i - 1].text) == 0;
        if (!same) {
            firsts[used] = (word){words[i].text, words[i].order, used};
            used++;
        }
        group[words[i].order] = used - 1;
    }
    qsort(firsts, used, sizeof *firsts, by_order);
    char **list = xcalloc(used, sizeof *list);
    size_t *moved = xcalloc(used, sizeof *moved);
    for (size_t i = 0; i < used; i++) {
        list[i] = xstrdup(firsts[i].text);
        moved[firsts[i].place] = i;
    }
    for (size_t i = 0; i < r->count; i++)
        places[i] = moved[group[i]];
    free(moved);
    free(group);
    free(firsts);
    free(words);
    *count = used;
    return list;
}

static int by_pair(const void *a, const void *b) {
    const glimpse_pair *x = a, *y = b;
    if (x->text != y->text) return x->text < y->text ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static captions *join(const rows *r) {
    captions *c = xcalloc(1, sizeof *c);
    size_t *image = xcalloc(r->count, sizeof *image), *text = xcalloc(r->count, sizeof *text);
    c->images = distinct(r, 1, image, &c->image_count);
    c->texts = distinct(r, 0, text, &c->text_count);
    c->pairs = xcalloc(r->count, sizeof *c->pairs);
    for (size_t i = 0; i < r->count; i++)
        c->pairs[i] = (glimpse_pair){text[i], image[i]};
    qsort(c->pairs, r->count, sizeof *c->pairs, by_pair);
    for (size_t i = 0; i < r->count; i++) {
        if (i > 0 && by_pair(&c->pairs[c->pair_count - 1], &c->pairs[i]) == 0) continue;
        c->pairs[c->pair_count++] = c->pairs[i];
    }
    c->without = r->without;
    free(image);
    free(text);
    return c;
}

captions *captions_read(const char *file, const char *folder) {
    rows r = {0};
    const char *slash = strrchr(file, '/');
    r.file = file;
    r.folder = folder  ? xstrdup(folder)
               : slash ? xprintf("%.*s", slash == file ? 1 : (int)(slash - file), file)
                       : xstrdup(".");
    size_t size = 0;
    char *text = text_file_read(file, &size);
    captions *c = NULL;
    int failed = -1;
    if (text) {
        char start = text[strspn(text, " \t\r\n")];
        failed = start == '{' || start == '[' ? read_json(&r, text, size) : read_table(&r);
    }
    if (!failed && r.count == 0) {
        (void)tool_fail("%s: no captions in it", file);
    } else if (!failed) {
        c = join(&r);
    }
    for (size_t i = 0; i < r.count; i++) {
        free(r.items[i].image);
        free(r.items[i].text);
    }
    free(r.items);
    free(r.folder);
    free(text);
    return c;
}

void captions_free(captions *c) {
    if (!c) return;
    for (size_t i = 0; i < c->image_count; i++)
        free(c->images[i]);
    for (size_t i = 0; i < c->text_count; i++)
        free(c->texts[i]);
    free(c->images);
    free(c->texts);
    free(c->pairs);
    free(c);
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

void captions_drop(captions *c, const unsigned char *drop) {
    unsigned char *images = xcalloc(c->image_count, 1), *texts = xcalloc(c->text_count, 1);
    size_t *image = xcalloc(c->image_count, sizeof *image);
    size_t *text = xcalloc(c->text_count, sizeof *text), used = 0;
    for (size_t i = 0; i < c->image_count; i++)
        images[i] = !drop[i];
    for (size_t i = 0; i < c->pair_count; i++) {
        if (!images[c->pairs[i].image]) continue;
        texts[c->pairs[i].text] = 1;
        c->pairs[used++] = c->pairs[i];
    }
    c->pair_count = used;
    c->image_count = pack(c->images, c->image_count, images, image);
    c->text_count = pack(c->texts, c->text_count, texts, text);
    for (size_t i = 0; i < used; i++)
        c->pairs[i] = (glimpse_pair){text[c->pairs[i].text], image[c->pairs[i].image]};
    free(image);
    free(text);
    free(images);
    free(texts);
}
