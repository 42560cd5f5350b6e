/*
 * scratch_file.c - files that are written for a moment.
 */
#include "core/error.h"
#include "writeback.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Nobody looks at it before it is whole, and it goes when the journal is opened again. */
int glimpse_writeback_write_file(const char *path, const void *bytes, size_t size) {
    FILE *to = fopen(path, "wbe");
    if (!to) return glimpse_fail_errno("%s: cannot write", path);
    errno = 0;
    const int bad = fwrite(bytes, 1, size, to) != size || fflush(to) != 0;
    int status = bad ? glimpse_fail_errno("%s: cannot write", path) : GLIMPSE_OK;
    if (fclose(to) != 0 && !bad) status = glimpse_fail_errno("%s: cannot write", path);
    if (status < 0) (void)unlink(path);
    return status;
}
