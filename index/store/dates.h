/*
 * dates.h - moments as people write them and as the catalogue keeps them.
 *
 * Dates of pictures have no zone: they are compared as the strings they are,
 * "2021-05-30T14:03:59". Times of files are nanoseconds since 1970 (UTC), and compared as the local
 * time that they are.
 */
#ifndef GLIMPSE_INDEX_DATES_H
#define GLIMPSE_INDEX_DATES_H

#include <glimpse/sys/metadata.h>

#include <stdint.h>

enum { GLIMPSE_DATE_BYTES = 20 };

/* The first moment of "2020", "2020-05", "2020-05-30", or that with "T14", "T14:03" or "T14:03:59"
 * behind it (a blank instead of the T is fine), in both forms. GLIMPSE_E_INVALID, naming `what`,
 * for anything else: "2020-13", "2021-02-29". */
int glimpse_date_parse(const char *text, const char *what, char taken[GLIMPSE_DATE_BYTES],
                       int64_t *mtime_ns);

/* The whole of it, [first, end): of "2020-05" the month. `end` is "\x7f", behind every date, where
 * the calendar ends. GLIMPSE_E_INVALID as above. */
int glimpse_date_period(const char *text, const char *what, char first[GLIMPSE_DATE_BYTES],
                        char end[GLIMPSE_DATE_BYTES]);

/* Seconds since 1970 of "2021-05-30T14:03:59", a time of the local zone. */
int64_t glimpse_date_seconds(const char text[GLIMPSE_DATE_BYTES]);

/* When the picture of a file was taken, as far as anyone knows. */
typedef struct glimpse_file_date {
    char taken[GLIMPSE_DATE_BYTES];
    glimpse_taken_from from; /* never UNKNOWN */
    int has_offset, offset_minutes;
} glimpse_file_date;

/* `taken` when it is not empty (from `from`, its zone `offset` minutes from UTC or NULL),
 * else the date in the name of the file, else the time
 * of its last change, in local time. */
void glimpse_file_date_choose(glimpse_file_date *out, const char *taken, glimpse_taken_from from,
                              const int *offset, const char *path, int64_t mtime_ns);

/* "2021-05-30T14:03:59" in local time, as ls -l shows it; minutes of its zone from UTC, unless
 * `offset` is NULL. */
void glimpse_date_of_file(int64_t mtime_ns, char text[GLIMPSE_DATE_BYTES], int *offset);

/* "2021-05-30T14:03:59" in UTC. */
void glimpse_date_of_mtime(int64_t mtime_ns, char text[GLIMPSE_DATE_BYTES]);

#endif
