/*
 * lists.c - class lists and prompts that are files, ship with glimpse, or stand in the option; and
 * which one was meant by a name that is none of these.
 */
#include "labeller_internal.h"

#include "core/error.h"
#include "core/spelling.h"
#include "dataset_text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { NAME_BYTES = 256, NAMES_BYTES = 400 };

static int is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

/* *path is `name` when it is a file, else the list of that name that ships as KIND/NAME.txt, else
 * NULL. Free it. */
static int find_list(char **path, const glimpse_labeller *l, const char *kind, const char *name) {
    *path = NULL;
    if (is_file(name)) return (*path = glimpse_copied(name)) ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    if (!l->o.shipped || !*name || *name == '.' || strpbrk(name, "/,")) return GLIMPSE_OK;
    char *relative = glimpse_formatted("%s/%s.txt", kind, name);
    if (!relative) return GLIMPSE_E_NOMEM;
    const char *found = l->o.shipped(l->o.shipped_user, relative);
    free(relative);
    return !found || (*path = glimpse_copied(found)) ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

/*
 * Slips.
 */
/* The endings of lists, whoever made them. */
static int has_ending(const char *text) {
    static const char *const endings[] = {".txt", ".tsv", ".csv",  ".json",  ".jsonl",   ".yaml",
                                          ".yml", ".xml", ".list", ".names", ".classes", ".labels"};
    const char *dot = strrchr(text, '.');
    for (size_t i = 0; dot && dot > text && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return 1;
    return 0;
}

/* What was meant by a name, and all there is, in the order of their names. */
typedef struct meant {
    char name[NAME_BYTES]; /* "": none is near */
    char all[NAMES_BYTES]; /* "a, b and c" */
} meant;

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void join(char all[NAMES_BYTES], char *const *names, size_t count) {
    size_t used = 0;
    for (size_t i = 0; i < count && used < NAMES_BYTES; i++) {
        const char *between = i == 0 ? "" : i + 1 < count ? ", " : " and ";
        used += (size_t)snprintf(all + used, NAMES_BYTES - used, "%s%s", between, names[i]);
    }
}

/* Of the names of files in a directory, those that end in `ending`, without it. */
static void find_meant(meant *m, const char *directory, const char *ending, const char *word) {
    char **names = NULL;
    size_t count = 0;
    DIR *dir = opendir(directory);
    *m = (meant){{0}, {0}};
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        const size_t length = strlen(entry->d_name), end = strlen(ending);
        if (length <= end || length >= NAME_BYTES || entry->d_name[0] == '.') continue;
        if (strcmp(entry->d_name + length - end, ending) != 0) continue;
        char **more = realloc(names, (count + 1) * sizeof *names);
        char *name = strndup(entry->d_name, length - end);
        if (more) names = more;
        if (more && name) {
            names[count++] = name;
        } else {
            free(name);
        }
    }
    if (dir) (void)closedir(dir);
    if (count > 0) qsort(names, count, sizeof *names, by_name);
    const char *nearest = glimpse_spelling_nearest(word, (const char *const *)(void *)names, count);
    if (nearest) (void)snprintf(m->name, sizeof m->name, "%s", nearest);
    join(m->all, names, count);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* Which of the lists that ship as KIND/NAME.txt is meant by `text`, a name or a path. */
static void find_shipped(meant *m, const glimpse_labeller *l, const char *kind, const char *text) {
    const char *directory = l->o.shipped ? l->o.shipped(l->o.shipped_user, kind) : NULL;
    const char *slash = strrchr(text, '/');
    char word[NAME_BYTES];
    (void)snprintf(word, sizeof word, "%s", slash ? slash + 1 : text);
    if (has_ending(word)) *strrchr(word, '.') = '\0';
    *m = (meant){{0}, {0}};
    if (directory) find_meant(m, directory, ".txt", word[0] == '@' ? word + 1 : word);
}

/* The file that is meant by the path of one that is not there, in its own directory. */
static void find_file(meant *m, const char *text) {
    const char *slash = strrchr(text, '/');
    const size_t length = slash ? (size_t)(slash - text) + 1 : 0;
    char directory[4096];
    (void)snprintf(directory, sizeof directory, "%.*s", (int)length, text);
    find_meant(m, length ? directory : ".", "", text + length);
    if (!*m->name) return;
    char path[sizeof directory + NAME_BYTES];
    (void)snprintf(path, sizeof path, "%s%s", directory, m->name);
    const size_t size = strlen(path) + 1;
    if (is_file(path) && size <= sizeof m->name) {
        memcpy(m->name, path, size);
    } else {
        m->name[0] = '\0';
    }
}

/* There is no such list; `behind` is added to the message. */
static int fail_no_list(const glimpse_labeller *l, const char *what, const char *kind,
                        const char *text, const char *behind) {
    meant file, shipped;
    find_file(&file, text);
    find_shipped(&shipped, l, kind, text);
    const char *name = *file.name ? file.name : shipped.name;
    if (*name) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no %s %s; did you mean %s?%s", what,
                            text, name, behind);
    }
    if (*shipped.all) {
        const int is_path = strchr(text, '/') != NULL || has_ending(text);
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is %sno %s %s; those that ship are %s%s",
                            is_path ? "no such file, and " : "", what, text, shipped.all, behind);
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no %s %s%s", what, text, behind);
}

int glimpse_labeller_load_lines(glimpse_lines **out, const glimpse_labeller *l, const char *name,
                                const char *what) {
    char *path = NULL;
    int status = find_list(&path, l, "templates", name);
    if (status == GLIMPSE_OK) {
        status =
            path ? glimpse_lines_load(out, path) : fail_no_list(l, what, "templates", name, "");
    }
    free(path);
    return status;
}

/* Classes that stand in the option itself. */
static int split_classes(glimpse_labeller *l) {
    int status = glimpse_classes_split(&l->classes, l->o.classes);
    if (status >= 0 && glimpse_classes_count(l->classes) == 1) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
            "only one class, \"%s\", and no file of that name: every picture will get it",
            glimpse_classes_get(l->classes, 0)->name);
    }
    return status;
}

/* A lone word that is no list: a slip, or one class. A list of places in a hierarchy has slashes as
 * well, and a class may be called "Node.js", so one comma makes it a list of classes. */
static int load_word(glimpse_labeller *l) {
    const char *text = l->o.classes;
    meant shipped;
    if (text[0] == '@' || strchr(text, '/') || has_ending(text)) {
        char as_class[NAME_BYTES + 64] = "";
        if (text[0] != '@' && text[0] != '.') {
            (void)snprintf(as_class, sizeof as_class, " (\"%.*s,\" is one class of that name)",
                           NAME_BYTES, text);
        }
        return fail_no_list(l, "class list", "classes", text, as_class);
    }
    find_shipped(&shipped, l, "classes", text);
    if (!*shipped.name) return split_classes(l);
    char behind[NAME_BYTES + 64];
    (void)snprintf(behind, sizeof behind, " (\"%.*s,\" is one class of that name)", NAME_BYTES,
                   text);
    return fail_no_list(l, "class list", "classes", text, behind);
}

int glimpse_labeller_load_classes(glimpse_labeller *l) {
    const char *text = l->o.classes;
    const char *name = text[0] == '@' && !is_file(text) ? text + 1 : text;
    char *path = NULL;
    int status = find_list(&path, l, "classes", name);
    if (status == GLIMPSE_OK && path) {
        status = glimpse_classes_load(&l->classes, path);
    } else if (status == GLIMPSE_OK) {
        status = strchr(text, ',') && text[0] != '@' ? split_classes(l) : load_word(l);
    }
    free(path);
    return status;
}
