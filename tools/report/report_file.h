/*
 * report_file.h - an output file that appears under its name only when it is complete.
 */
#ifndef GLIMPSE_TOOLS_REPORT_FILE_H
#define GLIMPSE_TOOLS_REPORT_FILE_H

#include <stdio.h>

typedef struct report_file {
    FILE *to;
    char *name, *temporary; /* NULL: a device or a pipe, which is written itself */
    int error;              /* the errno of a write that failed, from who knows it */
} report_file;

int report_file_open(report_file *file, const char *name); /* 0, or -1 after saying why */
/* The same for pages and tables, which no picture is to be lost for: a name that a picture has is
 * refused. */
int report_file_open_text(report_file *file, const char *name);
/* The same. Nothing is left behind on failure, and what had the name before is still there. */
int report_file_close(report_file *file);

#endif
