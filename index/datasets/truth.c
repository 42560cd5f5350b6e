/*
 * truth.c - see truth.h.
 */
#include "truth.h"

#include "label_walk.h"
#include "table_in.h"
#include "text.h"
#include "tool.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Names of classes as names of folders.
 *
 * %XX replaces what a file system, a shell or another system would trip over: control characters
 * and DEL, / \ : * ? " < > | and %, a leading dot or blank and a trailing one. The empty name is
 * "%". A result of more than MOST_NAME bytes is cut and ends in "%~" and a hash, which cannot be
 * turned back.
 */
enum { MOST_NAME = 200, KEPT_NAME = 160 };

static int needs_escape(const char *name, size_t i, size_t length) {
    unsigned char c = (unsigned char)name[i];
    if (c < 0x20 || c == 0x7F || strchr("/\\:*?\"<>|%", c)) return 1;
    if (i == 0 && strcmp(name, TRUTH_NONE) == 0) return 1;
    return (i == 0 || i + 1 == length) && (c == '.' || c == ' ');
}

char *class_to_folder(const char *name) {
    size_t length = strlen(name), used = 0, kept = 0;
    if (length == 0) return xstrdup("%");
    char *folder = xmalloc(3 * length + 1);
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        /* A cut must not fall into a character. */
        if (((unsigned char)name[i] & 0xC0u) != 0x80u && used <= KEPT_NAME) kept = used;
        hash = (hash ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
        if (needs_escape(name, i, length)) {
            used += (size_t)sprintf(folder + used, "%%%02X", (unsigned)(unsigned char)name[i]);
        } else {
            folder[used++] = name[i];
        }
    }
    folder[used] = '\0';
    if (used <= MOST_NAME) return folder;
    char *cut = xprintf("%.*s%%~%016llx", (int)kept, folder, (unsigned long long)hash);
    free(folder);
    return cut;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

char *class_from_folder(const char *folder) {
    if (strcmp(folder, "%") == 0) return xstrdup("");
    char *name = xmalloc(strlen(folder) + 1), *to = name;
    for (; *folder; folder++) {
        int high = *folder == '%' ? hex_digit(folder[1]) : -1;
        int low = high >= 0 ? hex_digit(folder[2]) : -1;
        if (low >= 0 && (high | low) != 0) {
            *to++ = (char)(16 * high + low);
            folder += 2;
        } else {
            *to++ = *folder;
        }
    }
    *to = '\0';
    return name;
}

/*
 * Paths.
 */

/* Without empty parts, . and .. (as far as there is something to go up from). In place. */
static void clean_path(char *path) {
    int absolute = path[0] == '/';
    char *to = path + absolute, *from = to, *floor = to;
    while (*from) {
        size_t length = strcspn(from, "/");
        int dots = length == 2 && from[0] == '.' && from[1] == '.';
        if (length == 0 || (length == 1 && from[0] == '.')) {
            /* nothing */
        } else if (dots && to > floor) {
            to--; /* the slash behind the part that goes */
            while (to > floor && to[-1] != '/')
                to--;
        } else if (dots && absolute) {
            /* the root is its own parent */
        } else {
            memmove(to, from, length);
            to += length;
            *to++ = '/'; /* there is room: a slash or the end stood behind `from` */
            if (dots) floor = to;
        }
        from += length;
        if (*from == '/') from++;
    }
    if (to > path + absolute) to--;
    *to = '\0';
}

char *path_settle(const char *path) {
    char *real = realpath(path, NULL);
    if (real) return real;
    char *absolute = NULL;
    if (path[0] == '/') {
        absolute = xprintf("%s/", path);
    } else {
        char *here = getcwd(NULL, 0);
        absolute = xprintf("%s/%s/", here ? here : "", path);
        free(here);
    }
    clean_path(absolute);
    return absolute;
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
    size_t count, room;
} gathering;

static void gather(gathering *g, const char *path, const char *given, const char *class_name,
                   size_t length) {
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 256;
        g->entries = xrealloc(g->entries, g->room * sizeof *g->entries);
    }
    entry *e = &g->entries[g->count];
    e->path = path_settle(path);
    e->given = xstrdup(given);
    e->class_name = class_name ? xprintf("%.*s", (int)length, class_name) : NULL;
    e->order = g->count++;
}

static void forget(gathering *g) {
    for (size_t i = 0; i < g->count; i++) {
        free(g->entries[i].path);
        free(g->entries[i].given);
        free(g->entries[i].class_name);
    }
    free(g->entries);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
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
    truth_picture picture;
    size_t order;
} place;

static int by_order(const void *a, const void *b) {
    const place *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static truth_set *join(gathering *g) {
    truth_set *t = xcalloc(1, sizeof *t);
    t->classes = xcalloc(g->count, sizeof *t->classes);
    size_t names = 0;
    for (size_t i = 0; i < g->count; i++) {
        if (g->entries[i].class_name) t->classes[names++] = g->entries[i].class_name;
    }
    if (names > 0) qsort(t->classes, names, sizeof *t->classes, by_text);
    for (size_t i = 0; i < names; i++) {
        if (i > 0 && strcmp(t->classes[t->class_count - 1], t->classes[i]) == 0) continue;
        t->classes[t->class_count++] = t->classes[i];
    }
    for (size_t i = 0; i < t->class_count; i++)
        t->classes[i] = xstrdup(t->classes[i]);
    if (g->count > 0) qsort(g->entries, g->count, sizeof *g->entries, by_path);
    place *places = xcalloc(g->count, sizeof *places);
    for (size_t i = 0; i < g->count;) {
        size_t end = i + 1, used = 0;
        while (end < g->count && strcmp(g->entries[end].path, g->entries[i].path) == 0)
            end++;
        place *p = &places[t->count++];
        p->order = g->entries[i].order;
        p->picture.path = xstrdup(g->entries[i].path);
        p->picture.given = xstrdup(g->entries[i].given);
        p->picture.classes = xcalloc(end - i, sizeof *p->picture.classes);
        for (; i < end; i++) {
            if (!g->entries[i].class_name) continue;
            p->picture.classes[used++] = truth_class(t, g->entries[i].class_name);
        }
        if (used > 0) qsort(p->picture.classes, used, sizeof *p->picture.classes, by_size);
        for (size_t k = 0; k < used; k++) {
            size_t n = p->picture.class_count, value = p->picture.classes[k];
            if (n > 0 && p->picture.classes[n - 1] == value) continue;
            p->picture.classes[p->picture.class_count++] = value;
        }
        t->several += p->picture.class_count > 1;
        t->none += p->picture.class_count == 0;
    }
    if (t->count > 0) qsort(places, t->count, sizeof *places, by_order);
    t->pictures = xcalloc(t->count, sizeof *t->pictures);
    for (size_t i = 0; i < t->count; i++)
        t->pictures[i] = places[i].picture;
    free(places);
    return t;
}

/*
 * Reading.
 */
static int gather_folder(gathering *g, const char *folder) {
    picture_list list = {0};
    picture_list_add(&list, folder);
    int failed = list.problem_count > 0;
    if (failed) (void)tool_fail("%s", list.problems[0]);
    size_t length = strlen(folder);
    while (length > 0 && folder[length - 1] == '/')
        length--;
    for (size_t i = 0; i < list.count && !failed; i++) {
        const char *rest = list.paths[i] + length;
        while (*rest == '/')
            rest++;
        const char *slash = strchr(rest, '/');
        if (!slash) continue; /* beside the class folders: belongs to none */
        char *name = xprintf("%.*s", (int)(slash - rest), rest);
        char *class_name = strcmp(name, TRUTH_NONE) == 0 ? NULL : class_from_folder(name);
        gather(g, list.paths[i], rest, class_name, class_name ? strlen(class_name) : 0);
        free(class_name);
        free(name);
    }
    picture_list_free(&list);
    if (!failed && g->count == 0) {
        (void)tool_fail("%s: no pictures in folders; the truth is one folder for each class, with "
                        "its pictures in it",
                        folder);
        failed = 1;
    }
    return failed ? -1 : 0;
}

static int gather_table(gathering *g, const char *file, const char *root) {
    table_in *t = table_in_read(file);
    if (!t) return -1;
    int failed = -1;
    int path = table_in_column(t, "path|file|filename|file_name|image");
    int one = table_in_column(t, "class|label|category");
    int many = one < 0 ? table_in_column(t, "classes|labels|categories") : -1;
    char *folder = NULL;
    if (path < 0 || (one < 0 && many < 0)) {
        (void)tool_fail("%s: no column %s; the truth has a column path (or file, image) and a "
                        "column class (or label)",
                        file, path < 0 ? "path" : "class");
        goto done;
    }
    const char *slash = strrchr(file, '/');
    folder = root    ? xstrdup(root)
             : slash ? xprintf("%.*s", (int)(slash - file) + 1, file)
                     : xstrdup(".");
    for (size_t i = 0; i < t->row_count; i++) {
        const char *given = table_in_cell(t, i, path);
        const char *names = table_in_cell(t, i, one >= 0 ? one : many);
        if (!*given) {
            (void)tool_fail("%s, line %zu: no path", file, t->lines[i]);
            goto done;
        }
        if (!text_is_utf8(names)) {
            (void)tool_fail("%s, line %zu: the class is not UTF-8 text", file, t->lines[i]);
            goto done;
        }
        char *full = given[0] == '/' ? xstrdup(given) : xprintf("%s/%s", folder, given);
        if (!*names) gather(g, full, given, NULL, 0);
        while (*names) {
            size_t length = many >= 0 ? strcspn(names, "|") : strlen(names);
            if (length > 0) gather(g, full, given, names, length);
            names += length;
            if (*names) names++;
        }
        free(full);
    }
    if (g->count == 0) {
        (void)tool_fail("%s: no rows behind the header", file);
        goto done;
    }
    failed = 0;
done:
    free(folder);
    table_in_free(t);
    return failed;
}

truth_set *truth_read(const char *folder_or_table, const char *root) {
    struct stat info;
    gathering g = {0};
    int is_folder = stat(folder_or_table, &info) == 0 && S_ISDIR(info.st_mode);
    int failed =
        is_folder ? gather_folder(&g, folder_or_table) : gather_table(&g, folder_or_table, root);
    truth_set *t = failed ? NULL : join(&g);
    forget(&g);
    return t;
}

void truth_free(truth_set *t) {
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) {
        free(t->pictures[i].given);
        free(t->pictures[i].path);
        free(t->pictures[i].classes);
    }
    for (size_t i = 0; i < t->class_count; i++)
        free(t->classes[i]);
    free(t->pictures);
    free(t->classes);
    free(t);
}

size_t truth_class(const truth_set *t, const char *name) {
    char **found = t->class_count == 0
                       ? NULL
                       : bsearch(&name, t->classes, t->class_count, sizeof *t->classes, by_text);
    return found ? (size_t)(found - t->classes) : SIZE_MAX;
}

/*
 * Finding.
 */
typedef struct key {
    const char *text;
    size_t at;
} key;

struct truth_index {
    key *paths;  /* [count] sorted */
    key *given;  /* [count] sorted; cleaned copies of relative paths only */
    char **kept; /* the copies */
    size_t count, given_count;
};

static int by_key(const void *a, const void *b) {
    return strcmp(((const key *)a)->text, ((const key *)b)->text);
}

truth_index *truth_index_make(const truth_set *t) {
    truth_index *index = xcalloc(1, sizeof *index);
    index->count = t->count;
    index->paths = xcalloc(t->count, sizeof *index->paths);
    index->given = xcalloc(t->count, sizeof *index->given);
    index->kept = xcalloc(t->count, sizeof *index->kept);
    for (size_t i = 0; i < t->count; i++) {
        index->paths[i] = (key){t->pictures[i].path, i};
        if (t->pictures[i].given[0] == '/') continue;
        char *copy = xprintf("%s/", t->pictures[i].given);
        clean_path(copy);
        index->kept[index->given_count] = copy;
        index->given[index->given_count++] = (key){copy, i};
    }
    if (index->count > 0) qsort(index->paths, index->count, sizeof *index->paths, by_key);
    if (index->given_count > 0) {
        qsort(index->given, index->given_count, sizeof *index->given, by_key);
    }
    return index;
}

void truth_index_free(truth_index *index) {
    if (!index) return;
    for (size_t i = 0; i < index->given_count; i++)
        free(index->kept[i]);
    free(index->kept);
    free(index->given);
    free(index->paths);
    free(index);
}

int truth_find(const truth_index *index, const char *path, int by_ending, size_t *at) {
    char *settled = path_settle(path);
    key wanted = {settled, 0}, *found = NULL;
    if (index->count > 0) {
        found = bsearch(&wanted, index->paths, index->count, sizeof *index->paths, by_key);
    }
    for (const char *rest = settled; !found && by_ending && index->given_count > 0;) {
        while (*rest == '/')
            rest++;
        if (!*rest) break;
        wanted.text = rest;
        found = bsearch(&wanted, index->given, index->given_count, sizeof *index->given, by_key);
        rest += strcspn(rest, "/");
    }
    if (found) *at = found->at;
    free(settled);
    return found != NULL;
}
