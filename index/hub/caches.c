/*
 * caches.c - models that other programs downloaded.
 */
#include "caches.h"

#include "core/error.h"
#include "core/file.h"
#include "hub.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

char *glimpse_hub_cache_directory(void) {
    const char *path = environment("HF_HUB_CACHE");
    if (!path) path = environment("HUGGINGFACE_HUB_CACHE");
    if (path) return glimpse_hub_expand(path);
    const char *home = environment("HF_HOME");
    if (home) {
        char *base = glimpse_hub_expand(home);
        char *joined = base ? glimpse_hub_format("%s/hub", base) : NULL;
        free(base);
        return joined;
    }
    const char *cache = environment("XDG_CACHE_HOME"), *user = environment("HOME");
    if (cache) return glimpse_hub_format("%s/huggingface/hub", cache);
    return user ? glimpse_hub_format("%s/.cache/huggingface/hub", user) : NULL;
}

char *glimpse_clip_cache_directory(void) {
    const char *user = environment("HOME");
    return user ? glimpse_hub_format("%s/.cache/clip", user) : NULL;
}

static int is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The commit that refs/REVISION names, or REVISION when it is one; "" when neither. */
static void read_commit(char commit[41], const char *repository, const char *revision) {
    char text[64] = "";
    commit[0] = '\0';
    char *path = glimpse_hub_format("%s/refs/%s", repository, revision);
    FILE *file = path ? fopen(path, "rbe") : NULL;
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) (void)fclose(file);
    free(path);
    text[got] = '\0';
    text[strcspn(text, " \r\n")] = '\0';
    if (glimpse_hub_is_commit(text)) {
        memcpy(commit, text, 41);
    } else if (glimpse_hub_is_commit(revision)) {
        memcpy(commit, revision, 41);
    }
}

/* The name of the snapshot that was made last; "" when there is none. */
static void find_newest(char commit[41], const char *snapshots) {
    struct timespec newest = {0};
    DIR *dir = opendir(snapshots);
    commit[0] = '\0';
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat info;
        if (!glimpse_hub_is_commit(entry->d_name)) continue;
        if (fstatat(dirfd(dir), entry->d_name, &info, 0) != 0 || !S_ISDIR(info.st_mode)) continue;
        const int is_newer =
            info.st_mtim.tv_sec > newest.tv_sec ||
            (info.st_mtim.tv_sec == newest.tv_sec && info.st_mtim.tv_nsec > newest.tv_nsec);
        if (*commit && !is_newer) continue;
        newest = info.st_mtim;
        memcpy(commit, entry->d_name, 41);
    }
    (void)closedir(dir);
}

/* `repository` is CACHE/models--ORG--NAME. */
static int find_snapshot(char **out, const char *repository, const char *revision) {
    char commit[41];
    *out = NULL;
    read_commit(commit, repository, revision ? revision : "main");
    if (*commit) {
        *out = glimpse_hub_format("%s/snapshots/%s", repository, commit);
        if (!*out) return glimpse_fail_nomem(64, "a path");
        if (is_directory(*out)) return GLIMPSE_OK;
        free(*out);
        *out = NULL;
    }
    if (revision) return GLIMPSE_OK;
    char *snapshots = glimpse_hub_format("%s/snapshots", repository);
    if (!snapshots) return glimpse_fail_nomem(64, "a path");
    find_newest(commit, snapshots);
    if (*commit) *out = glimpse_hub_format("%s/%s", snapshots, commit);
    free(snapshots);
    return *commit && !*out ? glimpse_fail_nomem(64, "a path") : GLIMPSE_OK;
}

int glimpse_hub_cache_snapshot(char **out, const char *repository) {
    return find_snapshot(out, repository, NULL);
}

int glimpse_hub_cache_find(char **out, const char *cache, const char *name) {
    const char *at = strchr(name, '@'), *slash = strchr(name, '/');
    const size_t length = at ? (size_t)(at - name) : strlen(name);
    *out = NULL;
    if (!glimpse_hub_is_repository(name, length)) return GLIMPSE_OK;
    if (at && !glimpse_hub_is_revision(at + 1)) return GLIMPSE_OK;
    char *path = glimpse_hub_format("%s/models--%.*s--%.*s", cache, (int)(slash - name), name,
                                    (int)(name + length - slash - 1), slash + 1);
    if (!path) return glimpse_fail_nomem(64, "a path");
    int status = find_snapshot(out, path, at ? at + 1 : NULL);
    free(path);
    return status;
}

/* "models--ORG--NAME" as ORG/NAME, malloc'ed; NULL when it is none. */
static char *read_name(const char *directory) {
    static const char before[] = "models--";
    if (strncmp(directory, before, sizeof before - 1) != 0) return NULL;
    const char *organisation = directory + sizeof before - 1;
    const char *between = strstr(organisation, "--");
    if (!between) return NULL;
    char *name =
        glimpse_hub_format("%.*s/%s", (int)(between - organisation), organisation, between + 2);
    if (name && glimpse_hub_is_repository(name, strlen(name))) return name;
    free(name);
    return NULL;
}

int glimpse_hub_cache_name(char **out, const char *cache, const char *path) {
    const char *below = path + strlen(cache);
    *out = NULL;
    while (*below == '/')
        below++;
    char *directory = strndup(below, strcspn(below, "/"));
    if (!directory) return glimpse_fail_nomem(strlen(below), "a name");
    *out = read_name(directory);
    free(directory);
    return GLIMPSE_OK;
}

int glimpse_hub_cache_visit(const char *cache, glimpse_hub_cached_fn visit, void *user) {
    int status = GLIMPSE_OK;
    DIR *dir = opendir(cache);
    if (!dir) return GLIMPSE_OK;
    for (const struct dirent *entry; status >= 0 && (entry = readdir(dir)) != NULL;) {
        char *path = NULL, *name = read_name(entry->d_name);
        if (name) status = glimpse_hub_cache_find(&path, cache, name);
        if (status >= 0 && path) status = visit(user, name, path);
        free(path);
        free(name);
    }
    (void)closedir(dir);
    return status;
}

/* The lock of pulls is taken for names that pulls have. */
static int lock(hub_place *place, const char *models, const char *name) {
    *place = (hub_place){.lock = -1};
    if (!glimpse_hub_is_repository(name, strlen(name))) return GLIMPSE_OK;
    int status = glimpse_hub_place_init(place, models, name);
    if (status == GLIMPSE_OK) status = glimpse_hub_place_lock_alone(place);
    return status;
}

/* Moves `from` into BASE/.removed, and deletes that. 1: BASE is on another disk. */
static int remove_through(const char *base, const char *from) {
    char *parent = glimpse_hub_format("%s/.removed", base);
    char *to = glimpse_hub_format("%s/.removed/%ld", base, (long)getpid());
    int status = parent && to ? glimpse_make_directories(parent) : glimpse_fail_nomem(64, "a path");
    if (status == GLIMPSE_OK) {
        glimpse_hub_remove_tree(to); /* of one that was killed */
        if (rename(from, to) != 0) {
            status = errno == EXDEV ? 1 : glimpse_fail_errno("%s: cannot be removed", from);
            (void)rmdir(parent);
        }
    }
    if (status == GLIMPSE_OK) glimpse_hub_remove_tree(parent);
    free(parent);
    free(to);
    return status;
}

int glimpse_hub_remove_installed(const char *models, const char *name) {
    hub_place place;
    char *from = glimpse_hub_format("%s/%s", models, name);
    int status = from ? GLIMPSE_OK : glimpse_fail_nomem(64, "a path");
    if (status < 0) return status;
    status = lock(&place, models, name);
    if (status == GLIMPSE_OK) status = remove_through(models, from);
    if (status == 1) { /* ORG is a link to there */
        char *slash = strrchr(from, '/');
        char *base = strndup(from, (size_t)(slash - from));
        status = base ? remove_through(base, from) : glimpse_fail_nomem(64, "a path");
        free(base);
    }
    if (status == GLIMPSE_OK) {
        char *slash = strrchr(from, '/');
        *slash = '\0';
        /* ORG, when this was its last; a link to where it is stays. */
        if (strchr(name, '/')) (void)rmdir(from);
    }
    glimpse_hub_place_free(&place);
    free(from);
    return status;
}
