/*
 * report_file.c - an output file that appears under its name only when it is complete.
 */
#include "report_file.h"

#include "memory.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int report_file_open(report_file *file, const char *name) {
    *file = (report_file){NULL, xstrdup(name), xprintf("%s.%ld.tmp", name, (long)getpid())};
    file->to = fopen(file->temporary, "wb");
    if (file->to) return 0;
    (void)tool_fail("%s: cannot write: %s", name, strerror(errno));
    free(file->name);
    free(file->temporary);
    return -1;
}

int report_file_close(report_file *file) {
    int failed = -1;
    errno = 0;
    int bad = ferror(file->to) || fflush(file->to) != 0 || fsync(fileno(file->to)) != 0;
    if (fclose(file->to) != 0 || bad || rename(file->temporary, file->name) != 0) {
        (void)tool_fail("%s: cannot write: %s", file->name, strerror(errno));
        (void)unlink(file->temporary);
    } else {
        failed = 0;
    }
    free(file->name);
    free(file->temporary);
    return failed;
}
