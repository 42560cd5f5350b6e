/*
 * core/file.c - reading, mapping and atomic replacement of files.
 */
#include "core/file.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a regular file for reading; devices, pipes and directories are refused before a read could
 * block on them. */
static int open_regular(int *out, struct stat *info, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return glimpse_fail_errno("%s: cannot open", path);
    if (fstat(fd, info) != 0) {
        int status = glimpse_fail_errno("%s: cannot stat", path);
        (void)close(fd);
        return status;
    }
    if (!S_ISREG(info->st_mode)) {
        (void)close(fd);
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: not a regular file", path);
    }
    *out = fd;
    return GLIMPSE_OK;
}

int glimpse_file_read(void **out, size_t *size, const char *path, size_t limit) {
    *out = NULL;
    *size = 0;
    int fd = -1;
    struct stat info;
    int status = open_regular(&fd, &info, path);
    if (status < 0) return status;

    uint8_t *data = NULL;
    if ((uint64_t)info.st_size > limit) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: %lld bytes, more than the limit of %zu", path,
                              (long long)info.st_size, limit);
        goto done;
    }
    size_t expected = (size_t)info.st_size;
    data = malloc(expected + 1);
    if (!data) {
        status = glimpse_fail_nomem(expected, path);
        goto done;
    }
    size_t used = 0;
    while (used < expected) {
        ssize_t got = read(fd, data + used, expected - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = glimpse_fail_errno("%s: cannot read", path);
            goto done;
        }
        if (got == 0) break; /* shrank meanwhile: what is there is what counts */
        used += (size_t)got;
    }
    data[used] = '\0';
    *out = data;
    *size = used;
    data = NULL;
done:
    free(data);
    (void)close(fd);
    return status;
}

int glimpse_file_map(glimpse_mapping *out, const char *path) {
    *out = (glimpse_mapping){NULL, 0};
    int fd = -1;
    struct stat info;
    int status = open_regular(&fd, &info, path);
    if (status < 0) return status;
    if (info.st_size == 0) {
        out->data = (const uint8_t *)"";
    } else {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            status = glimpse_fail_errno("%s: cannot map %lld bytes", path, (long long)info.st_size);
        } else {
            out->data = data;
            out->size = (size_t)info.st_size;
        }
    }
    (void)close(fd);
    return status;
}

void glimpse_file_drop_pages(const glimpse_mapping *mapping) {
    if (mapping->size > 0) (void)madvise((void *)mapping->data, mapping->size, MADV_DONTNEED);
}

void glimpse_file_unmap(glimpse_mapping *mapping) {
    if (mapping->size) (void)munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (glimpse_mapping){NULL, 0};
}

int glimpse_new_file_open(glimpse_new_file *out, const char *path) {
    *out = (glimpse_new_file){NULL, NULL, NULL};
    size_t length = strlen(path);
    enum { SUFFIX_BYTES = 48 };
    out->path = malloc(length + 1);
    char *temporary = malloc(length + SUFFIX_BYTES);
    if (!out->path || !temporary) {
        free(temporary);
        glimpse_new_file_abandon(out);
        return glimpse_fail_nomem(2 * length, "a file name");
    }
    memcpy(out->path, path, length + 1);
    memcpy(temporary, path, length);
    /* Not mkstemp: it makes 0600, and a library is as readable as its directory and the umask say.
     */
    static atomic_uint serial;
    int fd = -1;
    for (int attempt = 0; attempt < 100 && fd < 0; attempt++) {
        (void)snprintf(temporary + length, SUFFIX_BYTES, ".tmp-%ld-%u", (long)getpid(),
                       atomic_fetch_add(&serial, 1u));
        fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) {
        int status = glimpse_fail_errno("%s: cannot create", path);
        free(temporary);
        glimpse_new_file_abandon(out);
        return status;
    }
    out->temporary = temporary;
    out->stream = fdopen(fd, "w+b");
    if (!out->stream) {
        int status = glimpse_fail_errno("%s: cannot open", out->temporary);
        (void)close(fd);
        glimpse_new_file_abandon(out);
        return status;
    }
    return GLIMPSE_OK;
}

int glimpse_sync_directory_of(const char *path) {
    char directory[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof directory) return ENAMETOOLONG;
    if (!slash) {
        memcpy(directory, ".", 2);
    } else {
        memcpy(directory, path, length);
        directory[length] = '\0';
        if (length == 0) memcpy(directory, "/", 2);
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES || errno == EPERM ? 0 : errno;
    int error = fsync(fd) != 0 ? errno : 0;
    (void)close(fd); /* nothing was written through it */
    return error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EROFS ? 0 : error;
}

int glimpse_new_file_fail(const glimpse_new_file *file) {
    /* A failed write leaves its mark on the stream, but not its reason, and what comes behind it
     * may fit. So the disk is asked again, with more than the rest of a block can hold. */
    static const char block[1 << 16];
    ssize_t written = 0;
    errno = 0;
    for (int i = 0; i < 16 && written >= 0; i++)
        written = write(fileno(file->stream), block, sizeof block);
    if (errno == 0) errno = EIO;
    return glimpse_fail_errno("%s: cannot write", file->path);
}

static int finish_file(glimpse_new_file *file, int durable) {
    int status = GLIMPSE_OK, error = 0;
    if (fflush(file->stream) != 0 || ferror(file->stream)) {
        status = glimpse_new_file_fail(file);
    } else if (durable && fsync(fileno(file->stream)) != 0) {
        status = glimpse_fail_errno("%s: cannot write", file->path);
    }
    if (fclose(file->stream) != 0 && status == GLIMPSE_OK) {
        status = glimpse_fail_errno("%s: cannot write", file->path);
    }
    file->stream = NULL;
    if (status == GLIMPSE_OK && rename(file->temporary, file->path) != 0) {
        status = glimpse_fail_errno("%s: cannot rename from %s", file->path, file->temporary);
    }
    if (status == GLIMPSE_OK) {
        free(file->temporary);
        file->temporary = NULL;
        if (durable) error = glimpse_sync_directory_of(file->path);
    }
    if (error) {
        errno = error;
        status = glimpse_fail_errno("%s: written, but its name is not known to be on the disk",
                                    file->path);
    }
    glimpse_new_file_abandon(file);
    return status;
}

int glimpse_new_file_commit(glimpse_new_file *file) {
    return finish_file(file, 1);
}

int glimpse_new_file_publish(glimpse_new_file *file) {
    return finish_file(file, 0);
}

void glimpse_new_file_abandon(glimpse_new_file *file) {
    if (file->stream) (void)fclose(file->stream);
    if (file->temporary) (void)unlink(file->temporary);
    free(file->temporary);
    free(file->path);
    *file = (glimpse_new_file){NULL, NULL, NULL};
}

int glimpse_make_directories(const char *path) {
    size_t length = strlen(path);
    char *copy = malloc(length + 1);
    if (!copy) return glimpse_fail_nomem(length + 1, "a folder name");
    memcpy(copy, path, length + 1);
    int status = GLIMPSE_OK;
    for (size_t i = 1; i <= length; i++) {
        if (copy[i] != '/' && copy[i] != '\0') continue;
        char kept = copy[i];
        copy[i] = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            status = glimpse_fail_errno("%s: cannot make the folder", copy);
            break;
        }
        copy[i] = kept;
    }
    if (status == GLIMPSE_OK) {
        struct stat info;
        if (stat(path, &info) != 0) {
            status = glimpse_fail_errno("%s: cannot make the folder", path);
        } else if (!S_ISDIR(info.st_mode)) {
            status = glimpse_fail(GLIMPSE_E_IO, "%s: exists and is not a folder", path);
        }
    }
    free(copy);
    return status;
}

char *glimpse_path_join(const char *directory, const char *name) {
    size_t a = strlen(directory), b = strlen(name);
    int slash = a > 0 && directory[a - 1] != '/';
    char *path = malloc(a + b + 2);
    if (!path) return NULL;
    memcpy(path, directory, a);
    if (slash) path[a++] = '/';
    memcpy(path + a, name, b + 1);
    return path;
}

static char *user_directory(const char *variable, const char *below_home) {
    const char *base = getenv(variable);
    if (base && base[0] == '/') return glimpse_path_join(base, "glimpse");
    const char *home = getenv("HOME");
    if (!home || !*home) return NULL;
    return glimpse_path_join(home, below_home);
}

char *glimpse_user_cache_directory(void) {
    return user_directory("XDG_CACHE_HOME", ".cache/glimpse");
}

char *glimpse_user_data_directory(void) {
    return user_directory("XDG_DATA_HOME", ".local/share/glimpse");
}
