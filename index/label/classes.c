/*
 * classes.c - class lists: lines, TSV and (classes_json.c) JSON files, lists with commas.
 *
 * Whatever the file, a class is added through glimpse_classes_add, which checks and copies it, and
 * the list is finished by finish(), which looks at all of them together: duplicates, and names of
 * a hierarchy whose last parts are the same word.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_COLUMNS = 32, MAX_VALUES = 1024 };

struct glimpse_classes {
    glimpse_class *rows; /* [count]; their strings belong to the list */
    size_t count, room;
};

static void free_list(const char *const *list, size_t count) {
    for (size_t i = 0; list && i < count; i++)
        free((void *)(uintptr_t)list[i]);
    free((void *)(uintptr_t)list);
}

static void free_class(glimpse_class *c) {
    free((void *)(uintptr_t)c->id);
    free((void *)(uintptr_t)c->name);
    free((void *)(uintptr_t)c->description);
    free_list(c->words, c->word_count);
    free_list(c->prompts, c->prompt_count);
}

void glimpse_classes_free(glimpse_classes *classes) {
    if (!classes) return;
    for (size_t i = 0; i < classes->count; i++)
        free_class(&classes->rows[i]);
    free(classes->rows);
    free(classes);
}

size_t glimpse_classes_count(const glimpse_classes *classes) {
    return classes ? classes->count : 0;
}

const glimpse_class *glimpse_classes_get(const glimpse_classes *classes, size_t i) {
    return classes && i < classes->count ? &classes->rows[i] : NULL;
}

/* What stands behind the last slash. */
static const char *last_part(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Copies `from` into a new list that has room for one more in front. */
static const char **copy_list(const char *const *from, size_t count, size_t front) {
    const char **list = calloc(count + front + 1, sizeof *list);
    for (size_t i = 0; list && i < count; i++) {
        list[front + i] = strdup(from[i]);
        if (!list[front + i]) {
            free_list(list, count + front);
            return NULL;
        }
    }
    return list;
}

int glimpse_classes_add(glimpse_classes *classes, const glimpse_class_draft *draft,
                        const char *where) {
    size_t length = draft->name ? strlen(draft->name) : 0;
    if (length == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: no name", where);
    if (draft->name[0] == '/' || draft->name[length - 1] == '/' || strstr(draft->name, "//")) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: \"%.60s\" has an empty part; a hierarchy is written "
                            "animal/dog/terrier",
                            where, draft->name);
    }
    if (draft->threshold != -1 && !(draft->threshold >= 0 && draft->threshold <= 1)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: a threshold is a number from 0 to 1", where);
    }
    if (classes->count == classes->room) {
        size_t room = classes->room ? 2 * classes->room : 64;
        glimpse_class *grown = realloc(classes->rows, room * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(room * sizeof *grown, "classes");
        classes->rows = grown;
        classes->room = room;
    }
    glimpse_class *c = &classes->rows[classes->count];
    *c = (glimpse_class){.threshold = draft->threshold};
    c->id = strdup(draft->id && *draft->id ? draft->id : draft->name);
    c->name = strdup(draft->name);
    c->description = strdup(draft->description ? draft->description : "");
    const char **words = copy_list(draft->synonyms, draft->synonym_count, 1);
    c->words = words;
    c->prompts = copy_list(draft->prompts, draft->prompt_count, 0);
    c->prompt_count = c->prompts ? draft->prompt_count : 0;
    c->word_count = words ? draft->synonym_count + 1 : 0;
    if (words) words[0] = strdup(last_part(draft->name));
    if (!c->id || !c->name || !c->description || !words || !words[0] || !c->prompts) {
        free_class(c);
        return glimpse_fail_nomem(length, "a class");
    }
    classes->count++;
    return GLIMPSE_OK;
}

/*
 * All of them together.
 */
typedef struct key {
    const char *text;
    size_t i;
} key;

static int by_text(const void *a, const void *b) {
    const key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->i > y->i) - (x->i < y->i);
}

/* "terrier" of animal/dog/terrier becomes "terrier, a kind of dog". */
static int tell_apart(glimpse_class *c) {
    const char *last = last_part(c->name);
    if (last == c->name) return GLIMPSE_OK; /* it has no parent to name */
    const char *end = last - 1, *start = end;
    while (start > c->name && start[-1] != '/')
        start--;
    size_t size = strlen(last) + (size_t)(end - start) + 16;
    char *text = malloc(size);
    if (!text) return glimpse_fail_nomem(size, "a class");
    (void)snprintf(text, size, "%s, a kind of %.*s", last, (int)(end - start), start);
    const char **words = (const char **)(uintptr_t)c->words;
    free((void *)(uintptr_t)words[0]);
    words[0] = text;
    return GLIMPSE_OK;
}

static int finish(glimpse_classes *classes, const char *name) {
    size_t count = classes->count;
    if (count == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the list is empty", name);
    key *keys = malloc(count * sizeof *keys);
    if (!keys) return glimpse_fail_nomem(count * sizeof *keys, "classes");
    int status = GLIMPSE_OK;
    for (int pass = 0; pass < 3 && status == GLIMPSE_OK; pass++) {
        for (size_t i = 0; i < count; i++) {
            const glimpse_class *c = &classes->rows[i];
            keys[i] = (key){pass == 0 ? c->name : pass == 1 ? c->id : last_part(c->name), i};
        }
        qsort(keys, count, sizeof *keys, by_text);
        for (size_t i = 1; i < count && status == GLIMPSE_OK; i++) {
            if (strcmp(keys[i - 1].text, keys[i].text) != 0) continue;
            if (pass < 2) {
                status =
                    glimpse_fail(GLIMPSE_E_INVALID, "%s: the class%s \"%.80s\" is listed twice",
                                 name, pass == 0 ? "" : " id", keys[i].text);
                break;
            }
            if (i == 1 || strcmp(keys[i - 2].text, keys[i - 1].text) != 0) {
                status = tell_apart(&classes->rows[keys[i - 1].i]);
            }
            if (status == GLIMPSE_OK) status = tell_apart(&classes->rows[keys[i].i]);
        }
    }
    free(keys);
    return status;
}

/*
 * TSV.
 */
enum {
    COLUMN_NAME,
    COLUMN_ID,
    COLUMN_SYNONYMS,
    COLUMN_DESCRIPTION,
    COLUMN_PROMPTS,
    COLUMN_THRESHOLD,
    COLUMN_COUNT
};
static const char *const column_names[COLUMN_COUNT] = {"name",        "id",      "synonyms",
                                                       "description", "prompts", "threshold"};

static char *trim(char *text) {
    while (*text == ' ' || *text == '\r')
        text++;
    size_t length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\r'))
        text[--length] = '\0';
    return text;
}

/* Cuts `text` at each `separator`; at most `room` parts, or -1. Empty ones only when `empty`. */
static int cut(char *text, char separator, int empty, const char **parts, int room) {
    int count = 0;
    for (char *next = text; next;) {
        char *start = next;
        next = strchr(start, separator);
        if (next) *next++ = '\0';
        start = trim(start);
        if (!*start && !empty) continue;
        if (count == room) return -1;
        parts[count++] = start;
    }
    return count;
}

static int read_header(char *line, int *columns, int *count, const char *where) {
    const char *parts[MAX_COLUMNS];
    int seen = 0;
    *count = cut(line, '\t', 1, parts, MAX_COLUMNS);
    if (*count < 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: too many columns", where);
    for (int i = 0; i < *count; i++) {
        int k = 0;
        while (k < COLUMN_COUNT && strcasecmp(parts[i], column_names[k]) != 0)
            k++;
        if (k == COLUMN_COUNT) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: there is no column \"%.40s\"; the header has name and, as "
                                "needed, id, synonyms, description, prompts, threshold",
                                where, parts[i]);
        }
        if (seen & (1 << k)) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the column %s is there twice", where,
                                column_names[k]);
        }
        seen |= 1 << k;
        columns[i] = k;
    }
    if (!(seen & 1)) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: no column \"name\"", where);
    return GLIMPSE_OK;
}

static int read_row(glimpse_classes *classes, char *line, const int *columns, int column_count,
                    const char *where) {
    const char *parts[MAX_COLUMNS], *synonyms[MAX_VALUES], *prompts[MAX_VALUES];
    const char *of[COLUMN_COUNT] = {NULL};
    int count = cut(line, '\t', 1, parts, MAX_COLUMNS);
    if (count < 0 || count > column_count) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: more columns than the header has", where);
    }
    for (int i = 0; i < count; i++)
        of[columns[i]] = parts[i];
    glimpse_class_draft draft = {
        of[COLUMN_ID], of[COLUMN_NAME], of[COLUMN_DESCRIPTION], synonyms, 0, prompts, 0, -1};
    int n = of[COLUMN_SYNONYMS]
                ? cut((char *)(uintptr_t)of[COLUMN_SYNONYMS], '|', 0, synonyms, MAX_VALUES)
                : 0;
    int p = of[COLUMN_PROMPTS]
                ? cut((char *)(uintptr_t)of[COLUMN_PROMPTS], '|', 0, prompts, MAX_VALUES)
                : 0;
    if (n < 0 || p < 0) return glimpse_fail(GLIMPSE_E_LIMIT, "%s: too many values", where);
    draft.synonym_count = (size_t)n;
    draft.prompt_count = (size_t)p;
    if (of[COLUMN_THRESHOLD] && *of[COLUMN_THRESHOLD]) {
        char *end = NULL;
        draft.threshold = strtod(of[COLUMN_THRESHOLD], &end);
        if (*end || !isfinite(draft.threshold) || draft.threshold < 0) draft.threshold = NAN;
    }
    return glimpse_classes_add(classes, &draft, where);
}

static int read_tsv(glimpse_classes *classes, char *text, const char *path) {
    int columns[MAX_COLUMNS], column_count = 0, status = GLIMPSE_OK;
    size_t number = 0;
    for (char *next = text; next && status == GLIMPSE_OK;) {
        char *line = next, where[512];
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        number++;
        (void)snprintf(where, sizeof where, "%s, line %zu", path, number);
        if (line[0] == '#' || line[strspn(line, " \t\r")] == '\0') continue;
        status = column_count == 0 ? read_header(line, columns, &column_count, where)
                                   : read_row(classes, line, columns, column_count, where);
    }
    return status;
}

/*
 * Reading.
 */
static int ends_with(const char *path, const char *ending) {
    size_t length = strlen(path), n = strlen(ending);
    return length >= n && strcasecmp(path + length - n, ending) == 0;
}

static int read_file(glimpse_classes *classes, const char *path) {
    void *data = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&data, &size, path, MAX_FILE_BYTES);
    if (status < 0) return status;
    char *text = data;
    if (memchr(text, '\0', size) || !glimpse_utf8_is_valid(text, size)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: not UTF-8 text", path);
    } else {
        size_t skip = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        status = ends_with(path, ".json")
                     ? glimpse_classes_read_json(classes, text + skip, size - skip, path)
                     : read_tsv(classes, text + skip, path);
    }
    free(data);
    return status;
}

static int add_lines(glimpse_classes *classes, const glimpse_lines *lines, const char *name) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < glimpse_lines_count(lines) && status == GLIMPSE_OK; i++) {
        glimpse_class_draft draft = {.name = glimpse_lines_texts(lines)[i], .threshold = -1};
        status = glimpse_classes_add(classes, &draft, name);
    }
    return status;
}

static int start(glimpse_classes **out, glimpse_classes **classes) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the classes");
    *out = NULL;
    *classes = calloc(1, sizeof **classes);
    return *classes ? GLIMPSE_OK : glimpse_fail_nomem(sizeof **classes, "classes");
}

static int hand_over(glimpse_classes **out, glimpse_classes *classes, const char *name,
                     int status) {
    if (status == GLIMPSE_OK) status = finish(classes, name);
    if (status < 0) {
        glimpse_classes_free(classes);
    } else {
        *out = classes;
    }
    return status;
}

int glimpse_classes_load(glimpse_classes **out, const char *path) {
    glimpse_classes *classes = NULL;
    glimpse_lines *lines = NULL;
    int status = start(out, &classes);
    if (status < 0) return status;
    if (ends_with(path, ".tsv") || ends_with(path, ".json")) {
        status = read_file(classes, path);
    } else {
        status = glimpse_lines_load(&lines, path);
        if (status == GLIMPSE_OK) status = add_lines(classes, lines, path);
        glimpse_lines_free(lines);
    }
    return hand_over(out, classes, path, status);
}

int glimpse_classes_split(glimpse_classes **out, const char *text) {
    glimpse_classes *classes = NULL;
    glimpse_lines *lines = NULL;
    int status = start(out, &classes);
    if (status < 0) return status;
    status = glimpse_lines_split(&lines, text, ',');
    if (status == GLIMPSE_OK) status = add_lines(classes, lines, "list");
    glimpse_lines_free(lines);
    return hand_over(out, classes, "list", status);
}

int glimpse_classes_create(glimpse_classes **out, const char *const *names, size_t count) {
    glimpse_classes *classes = NULL;
    int status = start(out, &classes);
    if (status < 0) return status;
    if (count == 0 || !names) status = glimpse_fail(GLIMPSE_E_INVALID, "no classes to choose from");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        glimpse_class_draft draft = {.name = names[i], .threshold = -1};
        status = glimpse_classes_add(classes, &draft, "list");
    }
    return hand_over(out, classes, "list", status);
}

int glimpse_classes_find(size_t *out, const glimpse_classes *classes, const char *text) {
    size_t found = SIZE_MAX, matches = 0;
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < glimpse_classes_count(classes); i++) {
            const glimpse_class *c = &classes->rows[i];
            int same = pass == 0   ? strcmp(c->id, text) == 0
                       : pass == 1 ? strcmp(c->name, text) == 0
                                   : strcmp(last_part(c->name), text) == 0;
            for (size_t w = 1; pass == 2 && !same && w < c->word_count; w++)
                same = strcmp(c->words[w], text) == 0;
            if (!same) continue;
            found = i;
            matches++;
        }
        if (matches == 1) {
            *out = found;
            return GLIMPSE_OK;
        }
        if (matches > 1) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%.80s\" may be any of %zu classes", text,
                                matches);
        }
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no class \"%.80s\"", text);
}
