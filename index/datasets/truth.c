/*
 * truth.c - pictures whose classes are known: read from a tree of directories or a table, and found
 * again by path.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "picture_list.h"

#include <glimpse/datasets.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A path in one of the sorted lists that pictures are found by. */
typedef struct key {
    const char *text;
    size_t at;
} key;

/* What the caller has, and behind it what owns the memory. */
typedef struct held {
    glimpse_truth truth;             /* first */
    glimpse_truth_picture *pictures; /* [count] */
    char **classes;                  /* [class_count] */
    key *paths, *given;              /* [count], [given_count], sorted */
    char **cleaned;                  /* [given_count] what `given` points to */
    size_t given_count;
} held;

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * Gathering: one entry for each picture and class, then sorted and joined.
 */
typedef struct entry {
    char *path;
    char *given;
    char *class_name; /* NULL: the picture has none */
    size_t order;
} entry;

typedef struct gathering {
    entry *entries;
    size_t count, capacity;
} gathering;

static int gather(gathering *g, const char *path, const char *given, const char *class_name,
                  size_t length) {
    entry *entries = glimpse_grown(g->entries, &g->capacity, g->count, sizeof *entries);
    if (!entries) return GLIMPSE_E_NOMEM;
    g->entries = entries;
    entry *e = &g->entries[g->count];
    e->order = g->count++;
    e->path = glimpse_path_resolved(path);
    e->given = glimpse_copied(given);
    e->class_name = class_name ? glimpse_formatted("%.*s", (int)length, class_name) : NULL;
    return e->path && e->given && (e->class_name || !class_name) ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

static void forget(gathering *g) {
    for (size_t i = 0; i < g->count; i++) {
        free(g->entries[i].path);
        free(g->entries[i].given);
        free(g->entries[i].class_name);
    }
    free(g->entries);
}

static int by_path(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_size(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Where pictures stood first, to give them back in their order. */
typedef struct place {
    glimpse_truth_picture picture;
    size_t order;
} place;

static int by_order(const void *a, const void *b) {
    const place *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static int list_classes(held *h, const gathering *g) {
    char **names = glimpse_zeroed(g->count, sizeof *names);
    size_t count = 0, used = 0;
    h->classes = glimpse_zeroed(g->count, sizeof *h->classes);
    int status = names && h->classes ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < g->count && status == GLIMPSE_OK; i++) {
        if (g->entries[i].class_name) names[count++] = g->entries[i].class_name;
    }
    if (count > 0) qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (i > 0 && strcmp(names[i - 1], names[i]) == 0) continue;
        h->classes[used] = glimpse_copied(names[i]);
        if (!h->classes[used++]) status = GLIMPSE_E_NOMEM;
    }
    h->truth.classes = (const char *const *)h->classes;
    h->truth.class_count = used;
    free(names);
    return status;
}

static size_t class_place(const held *h, const char *name) {
    char **found = bsearch(&name, h->classes, h->truth.class_count, sizeof *h->classes, by_text);
    return (size_t)(found - h->classes);
}

/* Entries [first, end) are one picture. */
static int join_one(place *p, const held *h, const gathering *g, size_t first, size_t end) {
    size_t used = 0, *classes = glimpse_zeroed(end - first, sizeof *classes);
    p->order = g->entries[first].order;
    p->picture.classes = classes;
    p->picture.path = glimpse_copied(g->entries[first].path);
    p->picture.given = glimpse_copied(g->entries[first].given);
    if (!classes || !p->picture.path || !p->picture.given) return GLIMPSE_E_NOMEM;
    for (size_t i = first; i < end; i++) {
        if (g->entries[i].class_name) classes[used++] = class_place(h, g->entries[i].class_name);
    }
    if (used > 0) qsort(classes, used, sizeof *classes, by_size);
    for (size_t k = 0; k < used; k++) {
        size_t n = p->picture.class_count;
        if (n == 0 || classes[n - 1] != classes[k]) classes[p->picture.class_count++] = classes[k];
    }
    return GLIMPSE_OK;
}

static int join(held *h, gathering *g) {
    int status = list_classes(h, g);
    if (status < 0) return status;
    if (g->count > 0) qsort(g->entries, g->count, sizeof *g->entries, by_path);
    place *places = glimpse_zeroed(g->count, sizeof *places);
    h->pictures = places ? glimpse_zeroed(g->count, sizeof *h->pictures) : NULL;
    if (!h->pictures) {
        free(places);
        return GLIMPSE_E_NOMEM;
    }
    glimpse_truth *t = &h->truth;
    for (size_t i = 0, end; i < g->count && status == GLIMPSE_OK; i = end) {
        for (end = i + 1; end < g->count; end++) {
            if (strcmp(g->entries[end].path, g->entries[i].path) != 0) break;
        }
        place *p = &places[t->count++];
        status = join_one(p, h, g, i, end);
        t->several += p->picture.class_count > 1;
        t->none += p->picture.class_count == 0;
    }
    if (t->count > 0) qsort(places, t->count, sizeof *places, by_order);
    for (size_t i = 0; i < t->count; i++)
        h->pictures[i] = places[i].picture;
    t->pictures = h->pictures;
    free(places);
    return status;
}

/*
 * Finding.
 */
static int by_key(const void *a, const void *b) {
    return strcmp(((const key *)a)->text, ((const key *)b)->text);
}

static int make_keys(held *h) {
    size_t count = h->truth.count;
    h->paths = glimpse_zeroed(count, sizeof *h->paths);
    h->given = glimpse_zeroed(count, sizeof *h->given);
    h->cleaned = glimpse_zeroed(count, sizeof *h->cleaned);
    if (!h->paths || !h->given || !h->cleaned) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        h->paths[i] = (key){h->pictures[i].path, i};
        if (h->pictures[i].given[0] == '/') continue;
        char *copy = glimpse_formatted("%s/", h->pictures[i].given);
        if (!copy) return GLIMPSE_E_NOMEM;
        glimpse_path_clean(copy);
        h->cleaned[h->given_count] = copy;
        h->given[h->given_count++] = (key){copy, i};
    }
    if (count > 0) qsort(h->paths, count, sizeof *h->paths, by_key);
    if (h->given_count > 0) qsort(h->given, h->given_count, sizeof *h->given, by_key);
    return GLIMPSE_OK;
}

int glimpse_truth_find(size_t *at, const glimpse_truth *truth, const char *path, int by_ending) {
    const held *h = (const held *)(const void *)truth;
    if (!at || !truth || !path) return glimpse_fail_null(__func__);
    char *resolved = glimpse_path_resolved(path);
    if (!resolved) return GLIMPSE_E_NOMEM;
    key wanted = {resolved, 0}, *found = NULL;
    if (truth->count > 0) {
        found = bsearch(&wanted, h->paths, truth->count, sizeof *h->paths, by_key);
    }
    for (const char *rest = resolved; !found && by_ending && h->given_count > 0;) {
        while (*rest == '/')
            rest++;
        if (!*rest) break;
        wanted.text = rest;
        found = bsearch(&wanted, h->given, h->given_count, sizeof *h->given, by_key);
        rest += strcspn(rest, "/");
    }
    if (found) *at = found->at;
    free(resolved);
    return found != NULL;
}

/*
 * Reading.
 */
/* A picture of the tree whose root's name has `length` bytes. */
static int gather_picture(gathering *g, const char *path, size_t length) {
    const char *rest = path + length;
    while (*rest == '/')
        rest++;
    const char *slash = strchr(rest, '/');
    if (!slash) return GLIMPSE_OK; /* beside the class directories: belongs to none */
    char *name = glimpse_formatted("%.*s", (int)(slash - rest), rest), *class_name = NULL;
    int status = name ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    int none = name && strcmp(name, GLIMPSE_NO_CLASS_DIRECTORY) == 0;
    if (name && !none && !(class_name = glimpse_class_from_directory(name))) {
        status = GLIMPSE_E_NOMEM;
    }
    if (status == GLIMPSE_OK) {
        status = gather(g, path, rest, class_name, class_name ? strlen(class_name) : 0);
    }
    free(class_name);
    free(name);
    return status;
}

static int gather_directory(gathering *g, const char *directory) {
    glimpse_picture_list list = {0};
    int status = glimpse_picture_list_add(&list, &directory, 1, NULL, NULL, NULL);
    if (status == GLIMPSE_OK && list.problem_count > 0) {
        status = glimpse_fail(GLIMPSE_E_IO, "%s", list.problems[0].text);
    }
    size_t length = strlen(directory);
    while (length > 0 && directory[length - 1] == '/')
        length--;
    for (size_t i = 0; i < list.count && status == GLIMPSE_OK; i++)
        status = gather_picture(g, list.paths[i], length);
    glimpse_picture_list_free(&list);
    if (status == GLIMPSE_OK && g->count == 0) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                              "%s: no pictures in folders; the truth is one folder for each class, "
                              "with its pictures in it",
                              directory);
    }
    return status;
}

/* Where the table's columns are. */
typedef struct columns {
    int path, one, many;
} columns;

static int gather_row(gathering *g, const glimpse_table *t, const columns *c, size_t row,
                      const char *directory, const char *file) {
    const char *given = glimpse_table_cell(t, row, c->path);
    const char *names = glimpse_table_cell(t, row, c->one >= 0 ? c->one : c->many);
    if (!*given) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: no path", file,
                            glimpse_table_line(t, row));
    }
    if (!glimpse_text_is_utf8(names)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %zu: the class is not UTF-8 text", file,
                            glimpse_table_line(t, row));
    }
    char *full =
        given[0] == '/' ? glimpse_copied(given) : glimpse_formatted("%s/%s", directory, given);
    int status = full ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK && !*names) status = gather(g, full, given, NULL, 0);
    while (*names && status == GLIMPSE_OK) {
        size_t length = c->many >= 0 ? strcspn(names, "|") : strlen(names);
        if (length > 0) status = gather(g, full, given, names, length);
        names += length;
        if (*names) names++;
    }
    free(full);
    return status;
}

static int gather_table(gathering *g, const char *file, const char *root) {
    glimpse_table *t = NULL;
    int status = glimpse_table_load(&t, file);
    if (status < 0) return status;
    columns c = {glimpse_table_column(t, "path|file|filename|file_name|image"),
                 glimpse_table_column(t, "class|label|category"), -1};
    if (c.one < 0) c.many = glimpse_table_column(t, "classes|labels|categories");
    const char *slash = strrchr(file, '/');
    char *directory = root    ? glimpse_copied(root)
                      : slash ? glimpse_formatted("%.*s", (int)(slash - file) + 1, file)
                              : glimpse_copied(".");
    if (!directory) {
        status = GLIMPSE_E_NOMEM;
    } else if (c.path < 0 || (c.one < 0 && c.many < 0)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: no column %s; the truth has a column path (or file, image) and "
                              "a column class (or label)",
                              file, c.path < 0 ? "path" : "class");
    }
    for (size_t i = 0; i < glimpse_table_rows(t) && status == GLIMPSE_OK; i++)
        status = gather_row(g, t, &c, i, directory, file);
    if (status == GLIMPSE_OK && g->count == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: no rows behind the header", file);
    }
    free(directory);
    glimpse_table_free(t);
    return status;
}

int glimpse_truth_load(glimpse_truth **out, const char *directory_or_table, const char *root) {
    struct stat info;
    gathering g = {NULL, 0, 0};
    if (out) *out = NULL;
    if (!out || !directory_or_table) return glimpse_fail_null(__func__);
    held *h = glimpse_zeroed(1, sizeof *h);
    if (!h) return GLIMPSE_E_NOMEM;
    int is_directory = stat(directory_or_table, &info) == 0 && S_ISDIR(info.st_mode);
    int status = is_directory ? gather_directory(&g, directory_or_table)
                              : gather_table(&g, directory_or_table, root);
    if (status == GLIMPSE_OK) status = join(h, &g);
    if (status == GLIMPSE_OK) status = make_keys(h);
    forget(&g);
    if (status < 0) {
        glimpse_truth_free(&h->truth);
        return status;
    }
    *out = &h->truth;
    return GLIMPSE_OK;
}

void glimpse_truth_free(glimpse_truth *truth) {
    held *h = (held *)(void *)truth;
    if (!h) return;
    for (size_t i = 0; h->pictures && i < truth->count; i++) {
        free((char *)h->pictures[i].given);
        free((char *)h->pictures[i].path);
        free((size_t *)h->pictures[i].classes);
    }
    for (size_t i = 0; i < truth->class_count; i++)
        free(h->classes[i]);
    for (size_t i = 0; i < h->given_count; i++)
        free(h->cleaned[i]);
    free(h->pictures);
    free(h->classes);
    free(h->paths);
    free(h->given);
    free(h->cleaned);
    free(h);
}
