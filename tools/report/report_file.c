/*
 * report_file.c - an output file that appears under its name only when it is complete.
 */
#include "report_file.h"

#include "memory.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <glimpse/sys/image.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *name, int error) {
    char advice[TOOL_ADVICE_BYTES];
    return tool_fail("%s: cannot write: %s%s", name, strerror(error),
                     tool_errno_advice(advice, sizeof advice, error));
}

int report_file_open(report_file *file, const char *name) {
    struct stat info;
    /* A pipe or a device is written itself: nothing may take its name. */
    const int direct = stat(name, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
    char *temporary = direct ? NULL : xprintf("%s.%ld.tmp", name, (long)getpid());
    *file = (report_file){.name = xstrdup(name), .temporary = temporary};
    file->to = fopen(direct ? name : file->temporary, "wb");
    if (file->to) return 0;
    (void)fail(name, errno);
    free(file->name);
    free(file->temporary);
    return -1;
}

/* TGA has no signature, and is told by what other files may begin with as well. */
static int is_picture(const char *name) {
    unsigned char head[GLIMPSE_SNIFF_BYTES];
    const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    const int regular = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const ssize_t size = regular ? read(fd, head, sizeof head) : 0;
    if (fd >= 0) (void)close(fd);
    const glimpse_image_format format =
        size > 0 ? glimpse_image_sniff(head, (size_t)size) : GLIMPSE_FORMAT_UNKNOWN;
    return format != GLIMPSE_FORMAT_UNKNOWN && format != GLIMPSE_FORMAT_TGA;
}

int report_file_open_text(report_file *file, const char *name) {
    if (is_picture(name)) {
        (void)tool_fail("%s: is a picture, and is not overwritten; choose another name", name);
        return -1;
    }
    return report_file_open(file, name);
}

/* A failed write leaves its mark on the stream, but not its reason: the disk is asked again. */
static int reason_of(FILE *to) {
    static const char block[1 << 16];
    ssize_t written = 0;
    errno = 0;
    for (int i = 0; i < 16 && written >= 0; i++)
        written = write(fileno(to), block, sizeof block);
    return errno ? errno : EIO;
}

/* So that a power cut does not take the name away; some file systems have no such call. */
static int sync_directory_of(const char *name) {
    const char *slash = strrchr(name, '/');
    char *directory = !slash          ? xstrdup(".")
                      : slash == name ? xstrdup("/")
                                      : xprintf("%.*s", (int)(slash - name), name);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = fd >= 0 && fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) (void)close(fd);
    free(directory);
    return error == EINVAL || error == ENOTSUP || error == ENOSYS || error == EROFS ? 0 : error;
}

int report_file_close(report_file *file) {
    int error = 0;
    errno = 0;
    if (fflush(file->to) != 0 || ferror(file->to)) {
        error = file->error       ? file->error
                : file->temporary ? reason_of(file->to)
                : errno           ? errno
                                  : EIO;
    } else if (fsync(fileno(file->to)) != 0 && errno != EINVAL && errno != ENOTSUP) {
        error = errno;
    }
    if (fclose(file->to) != 0 && !error) error = errno;
    if (!error && file->temporary && rename(file->temporary, file->name) != 0) error = errno;
    if (error && file->temporary) {
        (void)unlink(file->temporary);
    } else if (!error && file->temporary) {
        error = sync_directory_of(file->name);
    }
    if (error) (void)fail(file->name, error);
    free(file->name);
    free(file->temporary);
    return error ? -1 : 0;
}
