/*
 * actions_companions.c - files that belong to a picture by their names: sidecars, the RAW beside a
 * JPEG, the video of a live photo.
 *
 * Of a pair of JPEG and RAW the JPEG leads: it is what a search looks at, and the RAW follows it. A
 * RAW never takes a JPEG along. What belongs to several (a.xmp to a.jpg and a.png) goes with the
 * last of them.
 */
#include "companions.h"

#include "actions_internal.h"

#include "core/companions.h"
#include "core/error.h"
#include "core/file.h"

#include <glimpse/sys/image.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Cameras write these together with a RAW. */
static const char *const leaders[] = {"jpg", "jpeg", "jpe", "heic", "heif", "hif"};
/* Other pictures, which share sidecars with one of the same stem. */
static const char *const pictures[] = {"png", "tif",  "tiff",  "webp", "avif", "gif", "bmp",
                                       "psd", "jxl",  "jp2",   "j2k",  "tga",  "ppm", "pgm",
                                       "pnm", "jfif", "heics", "mpo",  "exr",  "hdr", "svg"};

#define IS_ONE_OF(ending, list) is_one_of((ending), (list), sizeof(list) / sizeof *(list))
static int is_one_of(const char *ending, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(ending, list[i]) == 0) return 1;
    }
    return 0;
}

static companion_kind kind_of(const char *ending) {
    switch (glimpse_companion_role_of(ending)) {
    case GLIMPSE_COMPANION_NONE: return COMPANION_NONE;
    case GLIMPSE_COMPANION_RAW: return COMPANION_RAW;
    case GLIMPSE_COMPANION_VIDEO: return COMPANION_VIDEO;
    case GLIMPSE_COMPANION_THUMBNAIL: return COMPANION_THUMBNAIL;
    default: return COMPANION_SIDECAR;
    }
}

int glimpse_action_is_raw(const char *path) {
    return kind_of(glimpse_name_ending(strrchr(path, '/') ? strrchr(path, '/') + 1 : path)) ==
           COMPANION_RAW;
}

int glimpse_action_is_pair(const char *a, const char *b) {
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
    if (!x || !y || x - a != y - b || strncmp(a, b, (size_t)(x - a)) != 0) return 0;
    const size_t length = glimpse_name_stem(x + 1);
    return length == glimpse_name_stem(y + 1) && strncmp(x, y, length + 1) == 0 &&
           glimpse_action_is_raw(a) != glimpse_action_is_raw(b);
}

/* "NAME.xmp" of the file NAME itself. */
static companion_kind own_sidecar(const char *name, const char *candidate) {
    const companion_kind kind = kind_of(glimpse_name_ending(candidate));
    return kind != COMPANION_RAW && glimpse_companion_shared(name, candidate) == strlen(name)
               ? kind
               : COMPANION_NONE;
}

/* A RAW follows the JPEG that the camera wrote with it, a video any picture. */
static int leads_to(const char *name, companion_kind kind) {
    const char *ending = glimpse_name_ending(name);
    return IS_ONE_OF(ending, leaders) || (kind == COMPANION_VIDEO && IS_ONE_OF(ending, pictures));
}

static int is_gone(const action_gone *gone, const char *directory, const char *name) {
    const size_t length = strlen(directory);
    for (size_t i = 0; gone && i < gone->count; i++) {
        const char *path = gone->paths[i], *slash = strrchr(path, '/');
        const size_t before = slash == path ? 1 : (size_t)(slash - path);
        if (before == length && strncmp(path, directory, length) == 0 &&
            strcmp(slash + 1, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static int add(action_companions *to, const char *directory, const char *name, companion_kind kind,
               size_t shared) {
    struct stat info;
    char *path = glimpse_path_join(directory, name);
    if (path && (lstat(path, &info) != 0 || !S_ISREG(info.st_mode))) {
        free(path);
        return 0;
    }
    action_companion *items = path ? realloc(to->items, (to->count + 1) * sizeof *items) : NULL;
    if (!items) {
        free(path);
        return ENOMEM;
    }
    to->items = items;
    to->items[to->count++] = (action_companion){path, kind, shared};
    return 0;
}

static int compare(const void *a, const void *b) {
    const action_companion *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* The names in a directory that have the stem of another one, or belong to it. */
typedef struct name_list {
    char **names;
    size_t count;
} name_list;

static void free_names(name_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
}

static int list_names(name_list *out, const char *directory, const char *name) {
    const size_t length = glimpse_name_stem(name);
    DIR *open = opendir(directory);
    int error = open ? 0 : errno;
    *out = (name_list){0};
    for (const struct dirent *e; open && !error && (e = readdir(open));) {
        if (strncasecmp(e->d_name, name, length) != 0) continue;
        if (e->d_name[length] != '.' && glimpse_companion_shared(name, e->d_name) == 0) continue;
        char **names = realloc(out->names, (out->count + 1) * sizeof *names);
        if (names) out->names = names;
        char *copy = names ? strdup(e->d_name) : NULL;
        if (copy) {
            out->names[out->count++] = copy;
        } else {
            error = ENOMEM;
        }
    }
    if (open) (void)closedir(open);
    return error;
}

static int find_in(action_companions *out, const char *directory, const char *name,
                   const action_gone *gone) {
    const size_t stem = glimpse_name_stem(name);
    size_t owners = 0; /* others of this stem that stay */
    name_list list;
    int error = list_names(&list, directory, name);
    for (size_t i = 0; i < list.count; i++) {
        const char *other = list.names[i];
        const companion_kind kind = kind_of(glimpse_name_ending(other));
        if (glimpse_name_stem(other) != stem || strcmp(other, name) == 0) continue;
        if (is_gone(gone, directory, other)) continue;
        if (kind == COMPANION_RAW || kind == COMPANION_VIDEO) {
            owners += !leads_to(name, kind);
        } else {
            owners += IS_ONE_OF(glimpse_name_ending(other), leaders) ||
                      IS_ONE_OF(glimpse_name_ending(other), pictures);
        }
    }
    for (size_t i = 0; i < list.count && !error; i++) {
        const char *other = list.names[i];
        const companion_kind own = own_sidecar(name, other),
                             kind = kind_of(glimpse_name_ending(other));
        if (strcmp(other, name) == 0 || is_gone(gone, directory, other)) continue;
        if (own != COMPANION_NONE) {
            error = add(out, directory, other, own, strlen(name));
        } else if (owners == 0 && glimpse_companion_shared(name, other) == stem) {
            error = add(out, directory, other, kind, stem);
        }
    }
    /* What belongs to the RAW or the video itself. */
    for (size_t c = 0, found = out->count; c < found && !error; c++) {
        const char *media = strrchr(out->items[c].path, '/') + 1;
        if (out->items[c].kind >= COMPANION_SIDECAR) continue;
        for (size_t i = 0; i < list.count && !error; i++) {
            const companion_kind own = own_sidecar(media, list.names[i]);
            if (own == COMPANION_NONE || is_gone(gone, directory, list.names[i])) continue;
            error = add(out, directory, list.names[i], own, stem);
            media = strrchr(out->items[c].path, '/') + 1;
        }
    }
    free_names(&list);
    if (out->count > 1) qsort(out->items, out->count, sizeof *out->items, compare);
    return error;
}

int glimpse_companions_find(action_companions *out, const char *path, const action_gone *gone) {
    *out = (action_companions){0};
    char *directory = glimpse_action_directory_of(path);
    int error = directory ? find_in(out, directory, strrchr(path, '/') + 1, gone) : ENOMEM;
    free(directory);
    if (error) glimpse_companions_free(out);
    return error;
}

void glimpse_companions_free(action_companions *companions) {
    for (size_t i = 0; i < companions->count; i++)
        free(companions->items[i].path);
    free(companions->items);
    *companions = (action_companions){0};
}

static int has_equal(const action_companions *beside, const action_companion *companion) {
    for (size_t i = 0; i < beside->count; i++) {
        int same = 0;
        if (beside->items[i].kind == companion->kind &&
            glimpse_action_compare(beside->items[i].path, companion->path, &same) == 0 && same) {
            return 1;
        }
    }
    return 0;
}

int glimpse_companions_check(const action_companions *companions, const char *keeper,
                             action_verdict *verdict) {
    static const char *const names[] = {[COMPANION_RAW] = "RAW file",
                                        [COMPANION_VIDEO] = "video",
                                        [COMPANION_SIDECAR] = "sidecar",
                                        [COMPANION_THUMBNAIL] = "thumbnail"};
    action_companions beside = {0};
    int result = 0;
    for (size_t i = 0; i < companions->count && result == 0; i++) {
        const action_companion *c = &companions->items[i];
        if (!beside.items && glimpse_companions_find(&beside, keeper, NULL) != 0)
            beside = (action_companions){0};
        if (has_equal(&beside, c)) continue;
        result =
            glimpse_verdict(verdict, GLIMPSE_OUTCOME_COMPANION,
                            "its %s %s is not beside its keeper, and would go with it; %s "
                            "takes it along",
                            names[c->kind], c->path, glimpse_wording("GLIMPSE_ACTION_MOVE", NULL));
    }
    glimpse_companions_free(&beside);
    return result;
}

int glimpse_companion_is_beside(const char *keeper, const char *path) {
    char *directory = glimpse_action_directory_of(keeper);
    const char *name = strrchr(keeper, '/') + 1;
    name_list list = {0};
    int found = 0;
    if (directory) (void)list_names(&list, directory, name);
    for (size_t i = 0; i < list.count && !found; i++) {
        if (kind_of(glimpse_name_ending(list.names[i])) == COMPANION_NONE) continue;
        char *other = glimpse_path_join(directory, list.names[i]);
        if (other) (void)glimpse_action_compare(other, path, &found);
        free(other);
    }
    free_names(&list);
    free(directory);
    return found;
}

char *glimpse_companion_target(const action_companion *companion, const char *path,
                               const char *other) {
    /* The picture may have got another name ("a (2).jpg"), whose companions are named after it. */
    const char *name = strrchr(companion->path, '/') + 1, *slash = strrchr(other, '/');
    const char *picture = strrchr(path, '/') + 1;
    const size_t kept =
        companion->shared == strlen(picture) ? strlen(slash + 1) : glimpse_name_stem(slash + 1);
    const size_t size = strlen(other) + strlen(name) + 2;
    char *target = malloc(size);
    if (target) {
        (void)snprintf(target, size, "%.*s%s", (int)((size_t)(slash + 1 - other) + kept), other,
                       name + companion->shared);
    }
    return target;
}

/*
 * Many pictures of a directory at once.
 */
static int compare_names(const void *a, const void *b) {
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

int glimpse_companion_names_load(glimpse_companion_names *out, const char *directory) {
    DIR *open = opendir(directory);
    size_t capacity = 0;
    int error = 0;
    *out = (glimpse_companion_names){0};
    for (const struct dirent *e; open && !error && (e = readdir(open));) {
        const companion_kind kind = kind_of(glimpse_name_ending(e->d_name));
        if (kind == COMPANION_NONE || kind == COMPANION_THUMBNAIL) continue;
        if (out->count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            char **names = realloc(out->names, capacity * sizeof *names);
            if (names) out->names = names;
            error = names ? 0 : ENOMEM;
        }
        if (!error && !(out->names[out->count] = strdup(e->d_name))) error = ENOMEM;
        out->count += (size_t)!error;
    }
    if (open) (void)closedir(open);
    if (out->count > 1) qsort(out->names, out->count, sizeof *out->names, compare_names);
    return error;
}

void glimpse_companion_names_free(glimpse_companion_names *names) {
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (glimpse_companion_names){0};
}

unsigned glimpse_companion_names_of(const glimpse_companion_names *names, const char *name) {
    const size_t stem = glimpse_name_stem(name);
    size_t low = 0, high = names->count;
    unsigned count = 0;
    while (low < high) { /* the first that begins with the stem, or comes behind it */
        const size_t middle = low + (high - low) / 2;
        if (strncasecmp(names->names[middle], name, stem) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < names->count && strncasecmp(names->names[low], name, stem) == 0; low++) {
        const char *other = names->names[low];
        const companion_kind kind = kind_of(glimpse_name_ending(other));
        const int is_media = kind < COMPANION_SIDECAR;
        if (strcmp(other, name) == 0) continue;
        count +=
            own_sidecar(name, other) != COMPANION_NONE ||
            (glimpse_companion_shared(name, other) == stem && (!is_media || leads_to(name, kind)));
    }
    return count;
}
