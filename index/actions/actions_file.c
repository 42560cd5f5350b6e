/*
 * actions_file.c - the disk: looking at files without touching them, copying one exactly, renaming
 * without overwriting, exchanging two names.
 */
#include "actions_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { CHUNK = 1 << 17, MAX_ATTRIBUTE_BYTES = 1 << 20 };

/* For reading, a regular file, without changing its time of access where that is allowed. Links
 * are not followed: a name that became one is not the file that was seen. */
int glimpse_action_open(const char *path, struct stat *info, int *fd) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    *info = (struct stat){0};
    *fd = open(path, flags | O_NOATIME);
    if (*fd < 0 && errno == EPERM) *fd = open(path, flags);
    if (*fd < 0) return errno;
    int error = fstat(*fd, info) != 0 ? errno : S_ISREG(info->st_mode) ? 0 : EINVAL;
    if (error) (void)close(*fd);
    return error;
}

static int read_some(int fd, uint8_t *buffer, size_t *size) {
    *size = 0;
    while (*size < CHUNK) {
        ssize_t got = read(fd, buffer + *size, CHUNK - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) break;
        *size += (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return written < 0 ? errno : EIO;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

int glimpse_action_hash_open(int fd, char *hex) {
    int error = 0;
    glimpse_hasher *hasher = glimpse_hasher_create();
    uint8_t *buffer = malloc(CHUNK);
    size_t size = 0;
    if (!hasher || !buffer) error = ENOMEM;
    while (!error) {
        error = read_some(fd, buffer, &size);
        if (error || size == 0) break;
        glimpse_hasher_update(hasher, buffer, size);
    }
    if (hasher) {
        glimpse_hash hash = glimpse_hasher_finish(hasher);
        glimpse_hash_to_hex(&hash, hex);
    }
    free(buffer);
    return error;
}

int glimpse_action_hash(const char *path, struct stat *info, char *hex) {
    int fd = -1, error = glimpse_action_open(path, info, &fd);
    if (error) return error;
    error = glimpse_action_hash_open(fd, hex);
    (void)close(fd);
    return error;
}

int glimpse_action_compare(const char *a, const char *b, int *same) {
    int fds[2] = {-1, -1};
    struct stat info[2];
    uint8_t *buffers = NULL;
    *same = 0;
    int error = glimpse_action_open(a, &info[0], &fds[0]);
    if (error) return error;
    error = glimpse_action_open(b, &info[1], &fds[1]);
    if (error) {
        (void)close(fds[0]);
        return error;
    }
    buffers = malloc((size_t)CHUNK * 2);
    if (!buffers) error = ENOMEM;
    size_t sizes[2] = {0, 0};
    int equal = info[0].st_size == info[1].st_size;
    while (equal && !error) {
        error = read_some(fds[0], buffers, &sizes[0]);
        if (!error) error = read_some(fds[1], buffers + CHUNK, &sizes[1]);
        if (error) break;
        equal = sizes[0] == sizes[1] && memcmp(buffers, buffers + CHUNK, sizes[0]) == 0;
        if (sizes[0] < CHUNK) break;
    }
    *same = equal && !error;
    free(buffers);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return error;
}

/* Attributes the target cannot hold are left behind: they are no reason to refuse. */
static void copy_attributes(int to, int from) {
    ssize_t capacity = flistxattr(from, NULL, 0);
    if (capacity <= 0 || capacity > MAX_ATTRIBUTE_BYTES) return;
    char *names = malloc((size_t)capacity), *value = malloc(MAX_ATTRIBUTE_BYTES);
    ssize_t used = names && value ? flistxattr(from, names, (size_t)capacity) : -1;
    for (ssize_t i = 0; i < used; i += (ssize_t)strlen(names + i) + 1) {
        ssize_t size = fgetxattr(from, names + i, value, MAX_ATTRIBUTE_BYTES);
        if (size >= 0) (void)fsetxattr(to, names + i, value, (size_t)size, 0);
    }
    free(names);
    free(value);
}

int glimpse_action_copy_metadata(int to, int from, const struct stat *info) {
    copy_attributes(to, from);
    struct stat now;
    if (fstat(to, &now) != 0) return errno;
    if (now.st_uid != info->st_uid || now.st_gid != info->st_gid) {
        /* Only root may give files away. */
        if (fchown(to, info->st_uid, info->st_gid) != 0 && errno != EPERM) return errno;
    }
    /* FAT and its kin have no permissions to set. */
    if (fchmod(to, info->st_mode & 07777) != 0 && errno != EPERM) return errno;
    const struct timespec times[2] = {info->st_atim, info->st_mtim};
    return futimens(to, times) != 0 ? errno : 0;
}

int glimpse_action_copy(const char *from, const char *to) {
    struct stat info, after;
    int in = -1, out = -1, error = glimpse_action_open(from, &info, &in);
    if (error) return error;
    uint8_t *buffer = malloc(CHUNK);
    size_t size = 0;
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) error = errno;
    if (!error && !buffer) error = ENOMEM;
    while (!error) {
        error = read_some(in, buffer, &size);
        if (error || size == 0) break;
        error = write_all(out, buffer, size);
    }
    if (!error) error = glimpse_action_copy_metadata(out, in, &info);
    if (!error && fsync(out) != 0) error = errno;
    if (!error && fstat(in, &after) != 0) error = errno;
    if (!error && (after.st_size != info.st_size ||
                   glimpse_action_mtime(&after) != glimpse_action_mtime(&info))) {
        error = EBUSY;
    }
    if (out >= 0) {
        if (close(out) != 0 && !error) error = errno;
        if (error) (void)unlink(to);
    }
    free(buffer);
    (void)close(in);
    return error;
}

int glimpse_action_rename(const char *from, const char *to) {
#ifdef RENAME_NOREPLACE
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
#endif
    /* File systems that cannot promise it: a look first. The names are ours, nobody races. */
    struct stat info;
    if (lstat(to, &info) == 0) return EEXIST;
    if (errno != ENOENT) return errno;
    return rename(from, to) != 0 ? errno : 0;
}

int glimpse_action_exchange(const char *a, const char *b) {
#ifdef RENAME_EXCHANGE
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0) return 0;
    return errno == EINVAL || errno == ENOSYS ? ENOTSUP : errno;
#else
    (void)a;
    (void)b;
    return ENOTSUP;
#endif
}

int glimpse_action_restore_facts(const char *path, unsigned mode, int64_t mtime_ns) {
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
    times[1].tv_sec = (time_t)(mtime_ns / 1000000000);
    times[1].tv_nsec = (long)(mtime_ns % 1000000000);
    if (times[1].tv_nsec < 0) { /* before 1970 */
        times[1].tv_sec--;
        times[1].tv_nsec += 1000000000;
    }
    if (chmod(path, (mode_t)mode) != 0) return errno;
    return utimensat(AT_FDCWD, path, times, 0) != 0 ? errno : 0;
}

char *glimpse_action_with_ending(const char *path, const char *ending) {
    const size_t capacity = strlen(path) + strlen(ending) + 1;
    char *name = malloc(capacity);
    if (name) (void)snprintf(name, capacity, "%s%s", path, ending);
    return name;
}

char *glimpse_action_directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    char *directory = malloc(length + 1);
    if (!directory) return NULL;
    memcpy(directory, slash ? path : ".", length);
    directory[length] = '\0';
    return directory;
}

int64_t glimpse_action_mtime(const struct stat *info) {
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}
