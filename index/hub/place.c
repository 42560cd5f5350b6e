/*
 * place.c - where a model goes.
 *
 *     MODELS/ORG/NAME/              what is installed, with pulled.json, its record
 *     MODELS/.pull/ORG--NAME.lock   flock() of who pulls
 *     MODELS/.pull/ORG--NAME/       what came so far:
 *         DIGEST.part, .part.etag   a file of that digest, as far as it came
 *         DIGEST                    whole and checked
 *         new/                      is renamed to MODELS/ORG/NAME once it has everything, that of
 *                                   image/ (M-CLIP's pictures) included
 *
 * Files are named by what the hub says they contain, so that a pull goes on where another one
 * stopped even when the branch has moved meanwhile.
 */
#include "hub.h"

#include "core/error.h"
#include "core/file.h"
#include "text/json_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MAX_RECORD = 4 << 20 };

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a path");
}

int glimpse_hub_place_init(hub_place *out, const char *models, const char *repository) {
    const char *slash = strchr(repository, '/');
    const int first = (int)(slash - repository);
    *out = (hub_place){.models = strdup(models), .lock = -1};
    out->target = glimpse_hub_format("%s/%s", models, repository);
    out->work = glimpse_hub_format("%s/.pull/%.*s--%s", models, first, repository, slash + 1);
    out->lock_path =
        glimpse_hub_format("%s/.pull/%.*s--%s.lock", models, first, repository, slash + 1);
    if (out->models && out->target && out->work && out->lock_path) return GLIMPSE_OK;
    glimpse_hub_place_free(out);
    return no_memory();
}

void glimpse_hub_place_free(hub_place *place) {
    glimpse_hub_place_unlock(place);
    free(place->models);
    free(place->target);
    free(place->work);
    free(place->lock_path);
    *place = (hub_place){.lock = -1};
}

/*
 * What is installed.
 */
int glimpse_hub_place_load_record(json_t **record, const hub_place *place) {
    glimpse_kept_error before = glimpse_error_keep();
    char *path = glimpse_hub_format("%s/" HUB_RECORD, place->target);
    *record = NULL;
    if (!path) return no_memory();
    int status = glimpse_json_object_load(record, path, MAX_RECORD, 0);
    free(path);
    if (status < 0 && status != GLIMPSE_E_NOMEM) { /* none, or one that says nothing */
        glimpse_error_restore(&before);
        status = GLIMPSE_OK;
    }
    return status;
}

static int has_size(const char *directory, const char *name, uint64_t size) {
    struct stat info;
    char *path = glimpse_hub_format("%s/%s", directory, name);
    int fits =
        path && stat(path, &info) == 0 && S_ISREG(info.st_mode) && (uint64_t)info.st_size == size;
    free(path);
    return fits;
}

int glimpse_hub_place_is_whole(const hub_place *place, const json_t *record) {
    const json_t *files = json_object_get(record, "files"), *file;
    size_t i;
    json_array_foreach(files, i, file) {
        const char *path = json_string_value(json_object_get(file, "path"));
        json_int_t size = json_integer_value(json_object_get(file, "bytes"));
        if (!path || !glimpse_hub_is_placed_name(path) || size < 0) return 0;
        if (!has_size(place->target, path, (uint64_t)size)) return 0;
    }
    return json_array_size(files) > 0;
}

/*
 * The lock, and what was interrupted.
 */
/* A directory that was not made by a pull holds what is somebody's own. */
static int check_target(const hub_place *place) {
    struct stat info;
    if (lstat(place->target, &info) != 0) return GLIMPSE_OK;
    if (S_ISDIR(info.st_mode)) {
        char *path = glimpse_hub_format("%s/" HUB_RECORD, place->target);
        int is_ours = path && access(path, F_OK) == 0;
        free(path);
        if (is_ours || rmdir(place->target) == 0) return GLIMPSE_OK; /* or it was empty */
    }
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "%s is there already and does not come from a hub; move it away, or choose "
                        "it by its path",
                        place->target);
}

/* The lock of a file that was removed meanwhile locks nothing. */
static int acquire_lock(hub_place *place) {
    for (;;) {
        struct stat ours, there;
        int fd = open(place->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) return glimpse_fail_errno("%s: cannot be made", place->lock_path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int is_busy = errno == EWOULDBLOCK;
            int status =
                is_busy
                    ? glimpse_fail(GLIMPSE_E_BUSY,
                                   "another process is pulling this model into %s; wait until it "
                                   "is through",
                                   place->target)
                    : glimpse_fail_errno("%s: cannot be locked", place->lock_path);
            (void)close(fd);
            return status;
        }
        if (fstat(fd, &ours) == 0 && stat(place->lock_path, &there) == 0 &&
            ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
            place->lock = fd;
            return GLIMPSE_OK;
        }
        (void)close(fd);
    }
}

/* What an installation that was interrupted had moved into new/ goes back. */
static void recover(const hub_place *place, const hub_file *files, size_t count) {
    char *directory = glimpse_hub_format("%s/new", place->work),
         *old = glimpse_hub_format("%s/old", place->work);
    struct stat info;
    if (!directory || !old) goto done;
    /* Killed between the two renames of file systems that cannot exchange. */
    if (lstat(old, &info) == 0 && lstat(place->target, &info) != 0) {
        (void)rename(old, place->target);
    }
    for (size_t i = 0; i < count && lstat(directory, &info) == 0; i++) {
        char *from = glimpse_hub_format("%s/%s", directory, files[i].path);
        char *to = glimpse_hub_place_staged(place, files, i, "");
        if (from && to && has_size(directory, files[i].path, files[i].bytes)) {
            (void)rename(from, to);
        }
        free(from);
        free(to);
    }
    glimpse_hub_remove_tree(directory);
    glimpse_hub_remove_tree(old);
done:
    free(directory);
    free(old);
}

/* What was downloaded is renamed to where it goes, which leads to no other file system. Better said
 * before gigabytes came. */
static int check_device(const hub_place *place, const char *parent) {
    struct stat to, from;
    if (stat(parent, &to) != 0 || stat(place->work, &from) != 0 || to.st_dev == from.st_dev) {
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "%s is on another disk than %s, and models are moved there in one step: "
                        "put all of %s on one disk (it may be a link), or the models elsewhere "
                        "with XDG_DATA_HOME",
                        parent, place->models, place->models);
}

int glimpse_hub_place_lock(hub_place *place, const hub_file *files, size_t count) {
    char *parent = strdup(place->target);
    if (!parent) return no_memory();
    *strrchr(parent, '/') = '\0';
    int status = glimpse_make_directories(parent);
    if (status == GLIMPSE_OK) status = glimpse_make_directories(place->work);
    if (status == GLIMPSE_OK) status = check_device(place, parent);
    free(parent);
    if (status == GLIMPSE_OK) status = acquire_lock(place);
    if (status == GLIMPSE_OK) status = glimpse_make_directories(place->work);
    if (status == GLIMPSE_OK) recover(place, files, count);
    return status == GLIMPSE_OK ? check_target(place) : status;
}

int glimpse_hub_place_lock_alone(hub_place *place) {
    int status = glimpse_make_directories(place->work);
    return status == GLIMPSE_OK ? acquire_lock(place) : status;
}

void glimpse_hub_place_unlock(hub_place *place) {
    if (place->lock < 0 || !place->work || !place->lock_path) return;
    /* Directories stay where something is in them. */
    if (rmdir(place->work) == 0 || errno == ENOENT) {
        (void)unlink(place->lock_path);
        char *parent = glimpse_hub_format("%s/.pull", place->models);
        if (parent) (void)rmdir(parent);
        free(parent);
    }
    (void)close(place->lock);
    place->lock = -1;
}

/*
 * What came so far.
 */
char *glimpse_hub_place_staged(const hub_place *place, const hub_file *files, size_t i,
                               const char *ending) {
    const char *digest = files[i].digest;
    size_t same = 0;
    if (!*digest) { /* the hub does not say what is in it: of one commit it is one thing */
        const char *slash = strchr(files[i].path, '/');
        return glimpse_hub_format(
            "%s/%s%s--%.40s%s", place->work, slash ? HUB_IMAGE "--" : "",
            slash ? slash + 1 : files[i].path,
            glimpse_hub_is_commit(files[i].revision) ? files[i].revision : "branch", ending);
    }
    for (size_t k = 0; k < i; k++)
        if (strcmp(files[k].digest, digest) == 0) same++;
    return same ? glimpse_hub_format("%s/%s-%zu%s", place->work, digest, same, ending)
                : glimpse_hub_format("%s/%s%s", place->work, digest, ending);
}

uint64_t glimpse_hub_place_have(const hub_place *place, const hub_file *files, size_t i) {
    static const char *const endings[] = {"", ".part"};
    for (size_t k = 0; k < 2; k++) {
        struct stat info;
        char *path = glimpse_hub_place_staged(place, files, i, endings[k]);
        int found = path && lstat(path, &info) == 0 && S_ISREG(info.st_mode);
        free(path);
        if (found)
            return (uint64_t)info.st_size < files[i].bytes ? (uint64_t)info.st_size
                                                           : files[i].bytes;
    }
    return 0;
}

/* The name of an installed file with this digest; NULL: there is none. */
static const char *installed_as(const json_t *record, const hub_file *file) {
    const json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(record, "files"), i, entry) {
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
        const char *sha1 = json_string_value(json_object_get(entry, "git_sha1"));
        if (!path || !glimpse_hub_is_placed_name(path)) continue;
        if (file->sha256[0] && sha256 && strcmp(file->sha256, sha256) == 0) return path;
        if (!file->sha256[0] && file->sha1[0] && sha1 && strcmp(file->sha1, sha1) == 0) return path;
    }
    return NULL;
}

/* malloc'ed path of the installed file that is the same; NULL. */
static char *find_installed(const hub_place *place, const json_t *record, const hub_file *file) {
    const char *name = record ? installed_as(record, file) : NULL;
    if (!name || !has_size(place->target, name, file->bytes)) return NULL;
    return glimpse_hub_format("%s/%s", place->target, name);
}

int glimpse_hub_place_can_reuse(const hub_place *place, const json_t *record,
                                const hub_file *file) {
    char *path = find_installed(place, record, file);
    free(path);
    return path != NULL;
}

void glimpse_hub_place_reuse(const hub_place *place, const json_t *record, const hub_file *files,
                             size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *from = find_installed(place, record, &files[i]);
        char *to = from ? glimpse_hub_place_staged(place, files, i, "") : NULL;
        /* Where a file system has no links, it is downloaded again. Of a symbolic link it is the
         * file behind it: nothing else can be gone on with. */
        if (to) (void)linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW);
        free(from);
        free(to);
    }
}

static int is_wanted(const hub_place *place, const hub_file *files, size_t count,
                     const char *name) {
    static const char *const endings[] = {"", ".part", ".part.etag"};
    int found = 0;
    for (size_t i = 0; i < count && !found; i++) {
        for (size_t k = 0; k < 3 && !found; k++) {
            char *path = glimpse_hub_place_staged(place, files, i, endings[k]);
            found = !path || strcmp(strrchr(path, '/') + 1, name) == 0;
            free(path);
        }
    }
    return found;
}

void glimpse_hub_place_clean(const hub_place *place, const hub_file *files, size_t count) {
    DIR *dir = opendir(place->work);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.' || is_wanted(place, files, count, entry->d_name)) continue;
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    (void)closedir(dir);
}

uint64_t glimpse_hub_place_free_bytes(const hub_place *place) {
    char *path = strdup(place->work);
    uint64_t bytes = UINT64_MAX; /* not known: the disk will tell */
    while (path) {
        struct statvfs disk;
        char *slash = strrchr(path, '/');
        if (statvfs(path, &disk) == 0) {
            bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
            break;
        }
        if (!slash || slash == path) break;
        *slash = '\0'; /* not made yet */
    }
    free(path);
    return bytes;
}

/*
 * Installing.
 */
/* The directory of the pictures' model, where a file belongs into it. */
static int make_parent(const char *path) {
    char *parent = strdup(path);
    if (!parent) return no_memory();
    *strrchr(parent, '/') = '\0';
    int status = glimpse_make_directories(parent);
    free(parent);
    return status;
}

static int move_files(const hub_place *place, const char *directory, const hub_file *files,
                      size_t count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        char *from = glimpse_hub_place_staged(place, files, i, "");
        char *to = glimpse_hub_format("%s/%s", directory, files[i].path);
        status = from && to ? make_parent(to) : no_memory();
        if (status == GLIMPSE_OK && rename(from, to) != 0) {
            status = glimpse_fail_errno("%s: cannot be moved to %s", from, to);
        }
        free(from);
        free(to);
    }
    return status;
}

/* `from` becomes `target`; what was there is removed after that. */
static int replace(const hub_place *place, const char *from) {
    char *old = glimpse_hub_format("%s/old", place->work);
    struct stat info;
    int status = GLIMPSE_OK;
    if (!old) return no_memory();
    if (lstat(place->target, &info) != 0) {
        if (rename(from, place->target) != 0) {
            status = glimpse_fail_errno("%s: cannot be moved to %s", from, place->target);
        }
    } else if (renameat2(AT_FDCWD, from, AT_FDCWD, place->target, RENAME_EXCHANGE) == 0) {
        glimpse_hub_remove_tree(from);
    } else if (rename(place->target, old) != 0) {
        status = glimpse_fail_errno("%s: cannot be replaced", place->target);
    } else if (rename(from, place->target) != 0) {
        status = glimpse_fail_errno("%s: cannot be moved to %s", from, place->target);
        (void)rename(old, place->target);
    }
    if (status == GLIMPSE_OK) glimpse_hub_remove_tree(old);
    free(old);
    return status;
}

int glimpse_hub_place_install(const hub_place *place, const json_t *record, const hub_file *files,
                              size_t count) {
    char *directory = glimpse_hub_format("%s/new", place->work), *text = NULL, *path = NULL;
    int status = directory ? GLIMPSE_OK : no_memory();
    if (status == GLIMPSE_OK) {
        glimpse_hub_remove_tree(directory);
        status = glimpse_make_directories(directory);
    }
    if (status == GLIMPSE_OK) status = move_files(place, directory, files, count);
    if (status == GLIMPSE_OK) {
        text = glimpse_json_dump(record, JSON_INDENT(1));
        path = glimpse_hub_format("%s/" HUB_RECORD, directory);
        status = text && path ? glimpse_hub_write_whole(path, text) : no_memory();
    }
    if (status == GLIMPSE_OK) status = replace(place, directory);
    if (status == GLIMPSE_OK) {
        (void)glimpse_sync_directory_of(place->target);
        glimpse_hub_place_clean(place, NULL, 0);
    }
    free(directory);
    free(text);
    free(path);
    return status;
}
