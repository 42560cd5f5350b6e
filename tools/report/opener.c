/*
 * opener.c - hands files to the programs of the desktop.
 *
 * Many pictures are opened as a directory of symbolic links, which every file manager and most
 * viewers show as thumbnails, in order. It has to outlive this program, which nobody tells when it
 * is looked at no longer: old ones go when the next is made. Only links are removed, and only
 * directories that are then empty, so nothing is lost that somebody put there.
 */
#include "opener.h"

#include "memory.h"
#include "tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 10, NAME_BYTES = 40 };

static const char *opener_name(void) {
    const char *own = getenv("GLIMPSE_OPENER");
    if (own && *own) return own;
#ifdef __APPLE__
    return "open";
#else
    return "xdg-open";
#endif
}

static int cannot_run(const char *opener, int error) {
    if (error == ENOENT && strcmp(opener, "xdg-open") == 0) {
        return tool_fail("cannot open anything: there is no xdg-open here; install xdg-utils, or "
                         "name a viewer or file manager in GLIMPSE_OPENER");
    }
    return tool_fail("cannot run %s: %s%s", opener, strerror(error),
                     getenv("GLIMPSE_OPENER") ? " (it is named by GLIMPSE_OPENER: one program, "
                                                "without arguments)"
                                              : "");
}

int opener_open(const char *path) {
    const char *opener = opener_name();
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return tool_fail("out of memory");
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    /* What a viewer prints must not mix with the results. */
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    /* A name that begins with - is no option. */
    char *argv[] = {xstrdup(opener), xprintf("%s%s", path[0] == '-' ? "./" : "", path), NULL};
    pid_t child = 0;
    int error = posix_spawnp(&child, opener, &actions, NULL, argv, environ), state = 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    free(argv[0]);
    free(argv[1]);
    if (error != 0) return cannot_run(opener, error);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127) return cannot_run(opener, ENOENT);
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        return tool_fail("%s could not open %s", opener, path);
    }
    return EXIT_FOUND;
}

/*
 * Directories of links.
 */
static char *cache_directory(void) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') return xprintf("%s/glimpse/open", cache);
    return home && home[0] == '/' ? xprintf("%s/.cache/glimpse/open", home) : NULL;
}

/* With all above it; others than the user have no business there. 0, or -1 with errno. */
static int make_directories(const char *path) {
    char *part = xstrdup(path);
    int status = 0;
    for (char *s = part + 1; status == 0; s++) {
        if (*s != '/' && *s != '\0') continue;
        const char end = *s;
        *s = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) status = -1;
        *s = end;
        if (end == '\0') break;
    }
    free(part);
    return status;
}

/* Links, then the directory, unless something else is in it. */
static void remove_links(const char *path) {
    DIR *directory = opendir(path);
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat info;
        if (fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(info.st_mode)) {
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
        }
    }
    (void)closedir(directory);
    (void)rmdir(path);
}

typedef struct made {
    char *path;
    struct timespec when;
} made;

static int compare_made(const void *a, const void *b) {
    const made *x = a, *y = b;
    if (x->when.tv_sec != y->when.tv_sec) return x->when.tv_sec < y->when.tv_sec ? 1 : -1;
    if (x->when.tv_nsec != y->when.tv_nsec) return x->when.tv_nsec < y->when.tv_nsec ? 1 : -1;
    return strcmp(x->path, y->path);
}

/* All but the newest, one of which is about to be made. */
static void remove_old(const char *base) {
    DIR *directory = opendir(base);
    if (!directory) return;
    made *all = NULL;
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct stat info;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISDIR(info.st_mode)) {
            continue;
        }
        all = xrealloc(all, (count + 1) * sizeof *all);
        all[count++] = (made){xprintf("%s/%s", base, entry->d_name), info.st_mtim};
    }
    (void)closedir(directory);
    if (count > 0) qsort(all, count, sizeof *all, compare_made);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 >= KEPT) remove_links(all[i].path);
        free(all[i].path);
    }
    free(all);
}

/* The query as the name of a directory: its letters and digits. */
static void name_of(char out[NAME_BYTES + 1], const char *query) {
    size_t used = 0;
    for (const unsigned char *s = (const unsigned char *)query; *s && used < NAME_BYTES; s++) {
        int plain =
            (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');
        if (plain) {
            out[used++] = (char)*s;
        } else if (used > 0 && out[used - 1] != '-') {
            out[used++] = '-';
        }
    }
    while (used > 0 && out[used - 1] == '-')
        used--;
    out[used] = '\0';
}

/* "007 name.jpg", as many digits as the last one has; a long name loses its beginning. */
static char *link_name(const char *path, size_t number, size_t count) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int digits = snprintf(NULL, 0, "%zu", count);
    size_t length = strlen(name), limit = 255 - (size_t)digits - 1;
    return xprintf("%0*zu %s", digits, number, name + (length > limit ? length - limit : 0));
}

static char *absolute(const char *path) {
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = here ? xprintf("%s/%s", here, path) : xstrdup(path);
    free(here);
    return whole;
}

static int make_links(const char *directory, const char *const *paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *name = link_name(paths[i], i + 1, count), *target = absolute(paths[i]);
        char *link = xprintf("%s/%s", directory, name);
        int status = symlink(target, link), error = errno;
        free(link);
        free(target);
        free(name);
        if (status != 0) return tool_fail("%s: cannot link: %s", directory, strerror(error));
    }
    return EXIT_FOUND;
}

static int open_links(const char *query, const char *const *paths, size_t count) {
    char name[NAME_BYTES + 1], *base = cache_directory();
    if (!base) {
        return tool_fail("no place for a folder of results: neither XDG_CACHE_HOME nor HOME is "
                         "set");
    }
    name_of(name, query);
    remove_old(base);
    char *directory = xprintf("%s/%s-XXXXXX", base, *name ? name : "pictures");
    int code = EXIT_FOUND;
    if (make_directories(base) != 0 || !mkdtemp(directory)) {
        code = tool_fail("%s: cannot make a folder: %s", base, strerror(errno));
    } else if ((code = make_links(directory, paths, count)) == EXIT_FOUND) {
        code = opener_open(directory);
    }
    free(directory);
    free(base);
    return code;
}

int opener_open_pictures(const char *query, const char *const *paths, size_t count) {
    const char **there = xcalloc(count, sizeof *there);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (access(paths[i], F_OK) == 0) there[found++] = paths[i];
    if (found < count) tool_note("%zu of the pictures are not there to be opened", count - found);
    int code = found == 0   ? EXIT_FAILED
               : found == 1 ? opener_open(there[0])
                            : open_links(query, there, found);
    free(there);
    return code;
}
