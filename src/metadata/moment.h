/*
 * metadata/moment.h - dates as cameras, editors and file names write them.
 */
#ifndef GLIMPSE_METADATA_MOMENT_H
#define GLIMPSE_METADATA_MOMENT_H

#include <glimpse/sys/metadata.h>

#include <stddef.h>

typedef struct glimpse_moment {
    char text[20]; /* "2021-05-30T14:03:59" */
    glimpse_taken_precision precision;
    int has_offset, offset_minutes;
    char subseconds[12];
} glimpse_moment;

/* 1 when the `length` bytes at `text` (or those before a NUL) are a date of at least a year, month
 * and day, or with `partial`, as XMP allows, of a year alone. */
int glimpse_moment_parse(glimpse_moment *out, const char *text, size_t length, int partial);

/* The same, or a date with the name of its month (RFC 1123, ctime()). */
int glimpse_moment_parse_words(glimpse_moment *out, const char *text, size_t length);

/* "+05:30", "-08:00", "Z". 1 or 0. */
int glimpse_moment_offset(int *minutes, const char *text, size_t length);

/* The digits at the beginning of `text`, blanks skipped; the rest is cut. */
void glimpse_moment_subseconds(char out[12], const char *text, size_t length);

#endif
