/*
 * actions_place.c - where an original is put: a quarantine directory, the desktop's trash, or a
 * holding directory. All but the quarantine directory are on the file's own file system, so that
 * putting it there is a rename.
 *
 * Trash: "The FreeDesktop.org Trash specification", version 1.0. Files on the file system of the
 * home trash go to $XDG_DATA_HOME/Trash; others to TOP/.Trash/UID when the administrator made
 * TOP/.Trash (sticky, no link), else to TOP/.Trash-UID. files/NAME is the file, info/NAME.trashinfo
 * says where it was; creating the latter with O_EXCL reserves the name.
 */
#include "actions_internal.h"
#include "core/error.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_NAMES = 10000 };

void glimpse_place_free(action_place *place) {
    free(place->other);
    free(place->info);
    *place = (action_place){0};
}

static int no_memory(action_verdict *verdict) {
    return glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "out of memory");
}

/* A file can be renamed within a mount only: two mounts of one device (bind mounts) are two. */
typedef struct mount_point {
    dev_t device;
    uint64_t number; /* 0: the system does not say */
} mount_point;

static int device_of(const char *directory, mount_point *device) {
    struct stat info;
    if (stat(directory, &info) != 0) return errno;
    *device = (mount_point){info.st_dev, 0};
#ifdef STATX_MNT_ID
    struct statx s;
    if (statx(AT_FDCWD, directory, AT_NO_AUTOMOUNT, STATX_MNT_ID, &s) == 0 &&
        (s.stx_mask & STATX_MNT_ID)) {
        device->number = s.stx_mnt_id;
    }
#endif
    return 0;
}

static int same_device(mount_point a, mount_point b) {
    return a.device == b.device && a.number == b.number;
}

/* Of the directory or, while that is not there yet, of what it will be made in. */
static int future_device(const char *directory, mount_point *device) {
    char *at = strdup(directory);
    int error = at ? ENOENT : ENOMEM;
    while (at && (error = device_of(at, device)) == ENOENT) {
        char *up = glimpse_action_directory_of(at);
        int top = !up || strcmp(up, at) == 0;
        free(at);
        at = up;
        if (top) break;
    }
    free(at);
    return error;
}

/* The directory at the top of the file system that `directory` is on. */
static char *top_of(const char *directory) {
    char *at = realpath(directory, NULL);
    mount_point device = {0}, above = {0};
    if (!at || device_of(at, &device) != 0) {
        free(at);
        return NULL;
    }
    while (strcmp(at, "/") != 0) {
        char *up = glimpse_action_directory_of(at);
        if (!up || device_of(up, &above) != 0 || !same_device(above, device)) {
            free(up);
            break;
        }
        free(at);
        at = up;
    }
    return at;
}

/* A directory of ours, 0700; one that others could have prepared is refused. */
static int make_private(const char *directory) {
    struct stat info;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) return errno;
    if (lstat(directory, &info) != 0) return errno;
    return S_ISDIR(info.st_mode) && info.st_uid == geteuid() ? 0 : EPERM;
}

/* "NAME", "NAME (2)", ... before the ending: the first that is not in `directory` (and, for the
 * trash, not in `infos`). NULL when out of memory or names. */
static char *free_name(const char *directory, const char *name, const char *infos) {
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    size_t capacity = strlen(directory) + strlen(name) + (infos ? strlen(infos) : 0) + 64;
    char *path = malloc(capacity), *info = malloc(capacity);
    struct stat s;
    int found = 0;
    for (int i = 1; path && info && i <= MAX_NAMES && !found; i++) {
        char number[24] = "";
        if (i > 1) (void)snprintf(number, sizeof number, " (%d)", i);
        (void)snprintf(path, capacity, "%s/%.*s%s%s", directory, (int)stem, name, number,
                       name + stem);
        found = lstat(path, &s) != 0 && errno == ENOENT;
        if (found && infos) {
            (void)snprintf(info, capacity, "%s/%.*s%s%s.trashinfo", infos, (int)stem, name, number,
                           name + stem);
            found = lstat(info, &s) != 0 && errno == ENOENT;
        }
    }
    free(info);
    if (!found) {
        free(path);
        path = NULL;
    }
    return path;
}

/*
 * Quarantine.
 */
static char *wanted_target(const glimpse_action_options *options, const glimpse_action_item *item) {
    const char *below = strrchr(item->path, '/') + 1;
    size_t base = item->relative_to ? strlen(item->relative_to) : 0;
    while (base > 1 && item->relative_to[base - 1] == '/')
        base--;
    if (base > 0 && strncmp(item->path, item->relative_to, base) == 0 &&
        (item->path[base] == '/' || base == 1)) {
        below = item->path + base + (item->path[base] == '/');
    }
    char *directory = item->under ? glimpse_path_join(options->directory, item->under)
                                  : strdup(options->directory);
    char *target = directory ? glimpse_path_join(directory, below) : NULL;
    free(directory);
    return target;
}

static int choose_quarantine(action_place *out, const glimpse_actions *actions, int64_t run,
                             const glimpse_action_options *options, const glimpse_action_item *item,
                             const char *wanted, action_verdict *verdict) {
    char *target = wanted ? strdup(wanted) : wanted_target(options, item);
    char *directory = target ? glimpse_action_directory_of(target) : NULL;
    char *from = glimpse_action_directory_of(item->path);
    mount_point here = {0}, there = {0};
    int result = -1, error = 0;
    if (!directory || !from) {
        (void)no_memory(verdict);
        goto done;
    }
    if (actions && (glimpse_journal_note_directories(actions, run, directory) < 0 ||
                    glimpse_make_directories(directory) < 0)) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "%s", glimpse_last_error());
        goto done;
    }
    error = device_of(from, &here);
    if (!error) error = future_device(directory, &there);
    if (error) {
        (void)glimpse_verdict_errno(verdict, error, "%s", directory);
        goto done;
    }
    out->crossing = !same_device(here, there);
    out->other = free_name(directory, strrchr(target, '/') + 1, NULL);
    if (!out->other) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "no free name in %s", directory);
        goto done;
    }
    result = 0;
done:
    free(target);
    free(directory);
    free(from);
    return result;
}

/*
 * Trash.
 */
static char *home_trash(void) {
    char *data = NULL;
    const char *set = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (set && set[0] == '/') {
        data = glimpse_path_join(set, "Trash");
    } else if (home && *home) {
        data = glimpse_path_join(home, ".local/share/Trash");
    }
    return data;
}

/* The trash directory for files in `directory`, and in *top what its paths are relative to (NULL
 * for the home trash). NULL with a verdict. */
static char *trash_for(const char *directory, int make, char **top, action_verdict *verdict) {
    mount_point here = {0}, there = {0};
    char *trash = home_trash();
    *top = NULL;
    int error = device_of(directory, &here);
    if (error) {
        (void)glimpse_verdict_errno(verdict, error, "%s", directory);
        free(trash);
        return NULL;
    }
    if (trash && future_device(trash, &there) == 0 && same_device(here, there)) {
        if (make && (glimpse_make_directories(trash) < 0 || make_private(trash) != 0)) {
            (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED,
                                  "the trash %s cannot be used", trash);
            free(trash);
            return NULL;
        }
        return trash;
    }
    free(trash);
    trash = NULL;
    char *mount = top_of(directory);
    size_t capacity = mount ? strlen(mount) + 64 : 0;
    char *shared = mount ? malloc(capacity) : NULL;
    trash = mount ? malloc(capacity) : NULL;
    if (!mount || !shared || !trash) goto fail;
    const char *base = strcmp(mount, "/") == 0 ? "" : mount;
    struct stat info;
    (void)snprintf(shared, capacity, "%s/.Trash", base);
    if (lstat(shared, &info) == 0 && S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX)) {
        (void)snprintf(trash, capacity, "%s/.Trash/%lu", base, (unsigned long)geteuid());
        if (!make || make_private(trash) == 0) goto found;
    }
    (void)snprintf(trash, capacity, "%s/.Trash-%lu", base, (unsigned long)geteuid());
    if (make && make_private(trash) != 0) goto fail;
found:
    *top = mount;
    free(shared);
    return trash;
fail:
    (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED,
                          "there is no trash on the file system of %s, and none can be made",
                          directory);
    free(mount);
    free(shared);
    free(trash);
    return NULL;
}

static int choose_trash(action_place *out, int make, const char *path, action_verdict *verdict) {
    char *directory = glimpse_action_directory_of(path), *top = NULL, *files = NULL, *infos = NULL;
    char *trash = directory ? trash_for(directory, make, &top, verdict) : NULL;
    int result = -1;
    if (!trash) goto done;
    files = glimpse_path_join(trash, "files");
    infos = glimpse_path_join(trash, "info");
    if (!files || !infos) {
        (void)no_memory(verdict);
        goto done;
    }
    if (make && (make_private(files) != 0 || make_private(infos) != 0)) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED, "the trash %s cannot be used",
                              trash);
        goto done;
    }
    out->other = free_name(files, strrchr(path, '/') + 1, infos);
    if (out->other) {
        const char *name = strrchr(out->other, '/') + 1;
        size_t capacity = strlen(infos) + strlen(name) + 16;
        out->info = malloc(capacity);
        if (out->info) (void)snprintf(out->info, capacity, "%s/%s.trashinfo", infos, name);
    }
    if (!out->other || !out->info) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "no free name in %s", trash);
        goto done;
    }
    result = 0;
done:
    free(directory);
    free(top);
    free(files);
    free(infos);
    free(trash);
    return result;
}

/* Percent-encoding of the specification (RFC 2396): exact for any bytes. */
static void write_encoded(FILE *to, const char *path) {
    for (const unsigned char *s = (const unsigned char *)path; *s; s++) {
        int plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
                    (*s >= '0' && *s <= '9') || strchr("/-_.~", *s) != NULL;
        (void)fprintf(to, plain ? "%c" : "%%%02X", *s);
    }
}

int glimpse_place_reserve(const action_place *place, const char *path, action_verdict *verdict) {
    int fd = open(place->info, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return glimpse_verdict_errno(verdict, errno, "%s", place->info);
    FILE *to = fdopen(fd, "w");
    if (!to) {
        (void)close(fd);
        return no_memory(verdict);
    }
    /* Relative to the top directory, unless it is the home trash. */
    const char *shown = path;
    char *home = home_trash(), *top = NULL, *directory = glimpse_action_directory_of(path),
         *real = NULL;
    int in_home = home && strncmp(place->info, home, strlen(home)) == 0;
    if (!in_home && directory && (top = top_of(directory)) && (real = realpath(directory, NULL))) {
        size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
        char *full = glimpse_path_join(real, strrchr(path, '/') + 1);
        free(real);
        real = full;
        if (real && strncmp(real, top, length) == 0) shown = real + length + 1;
    }
    time_t now = time(NULL);
    struct tm local;
    char date[32] = "1970-01-01T00:00:00";
    if (localtime_r(&now, &local)) (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &local);
    (void)fputs("[Trash Info]\nPath=", to);
    write_encoded(to, shown);
    (void)fprintf(to, "\nDeletionDate=%s\n", date);
    errno = 0;
    int bad = ferror(to) || fflush(to) != 0 || fsync(fd) != 0;
    if (fclose(to) != 0) bad = 1;
    int error = bad ? errno ? errno : EIO : glimpse_sync_directory_of(place->info);
    free(home);
    free(top);
    free(directory);
    free(real);
    if (error) {
        (void)unlink(place->info);
        return glimpse_verdict_errno(verdict, error, "%s: cannot write", place->info);
    }
    return 0;
}

/*
 * Holding.
 */
static int choose_held(action_place *out, const glimpse_actions *actions, const char *path,
                       int64_t run, uint64_t serial, action_verdict *verdict) {
    if (!actions) return 0; /* its name depends on the run */
    char *directory = glimpse_action_directory_of(path), *held = NULL, *top = NULL, *name = NULL;
    mount_point here = {0}, there = {0};
    int result = -1, error = directory ? device_of(directory, &here) : ENOMEM;
    if (!error) error = device_of(actions->directory, &there);
    if (error) {
        (void)glimpse_verdict_errno(verdict, error, "%s", path);
        goto done;
    }
    if (same_device(here, there)) {
        held = glimpse_path_join(actions->directory, "held");
    } else if ((top = top_of(directory))) {
        char below[64];
        (void)snprintf(below, sizeof below, ".glimpse-held-%lu", (unsigned long)geteuid());
        held = glimpse_path_join(top, below);
    }
    error = held ? make_private(held) : ENOMEM;
    if (error) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_UNSUPPORTED,
                              "the file could not be held for undo: %s: %s; %s needs no such place",
                              held ? held : directory, strerror(error),
                              glimpse_wording("GLIMPSE_ACTION_MOVE", NULL));
        goto done;
    }
    /* The name is for a person who finds the directory without the journal. */
    const char *base = strrchr(path, '/') + 1;
    size_t length = strlen(base), skip = length > 200 ? length - 200 : 0;
    name = malloc(length + 64);
    if (!name) {
        (void)no_memory(verdict);
        goto done;
    }
    (void)snprintf(name, length + 64, "%lld-%llu-%s", (long long)run, (unsigned long long)serial,
                   base + skip);
    out->other = free_name(held, name, NULL);
    if (!out->other) {
        (void)glimpse_verdict(verdict, GLIMPSE_OUTCOME_FAILED, "no free name in %s", held);
        goto done;
    }
    result = 0;
done:
    free(directory);
    free(held);
    free(top);
    free(name);
    return result;
}

int glimpse_place_choose(action_place *out, const glimpse_actions *actions,
                         const glimpse_action_options *options, const glimpse_action_item *item,
                         const char *target, int64_t run, uint64_t serial,
                         action_verdict *verdict) {
    *out = (action_place){0};
    int result;
    switch (options->kind) {
    case GLIMPSE_ACTION_MOVE:
        result = choose_quarantine(out, actions, run, options, item, target, verdict);
        break;
    case GLIMPSE_ACTION_TRASH:
        result = choose_trash(out, actions != NULL, item->path, verdict);
        break;
    default: result = choose_held(out, actions, item->path, run, serial, verdict);
    }
    if (result < 0) glimpse_place_free(out);
    return result;
}
