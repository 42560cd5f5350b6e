/*
 * dates.h - moments as people write them and as the catalogue keeps them.
 *
 * EXIF dates have no zone: they are compared as the strings they are, "2021-05-30T14:03:59". Times
 * of files are nanoseconds since 1970 (UTC).
 */
#ifndef GLIMPSE_INDEX_DATES_H
#define GLIMPSE_INDEX_DATES_H

#include <stdint.h>

enum { GLIMPSE_DATE_BYTES = 20 };

/* The first moment of "2020", "2020-05", "2020-05-30", or that with "T14", "T14:03" or "T14:03:59"
 * behind it (a blank instead of the T is fine), in both forms. GLIMPSE_E_INVALID, naming `what`,
 * for anything else: "2020-13", "2021-02-29". */
int glimpse_date_parse(const char *text, const char *what, char taken[GLIMPSE_DATE_BYTES],
                       int64_t *mtime_ns);

/* "2021-05-30T14:03:59" in UTC. */
void glimpse_date_of_mtime(int64_t mtime_ns, char text[GLIMPSE_DATE_BYTES]);

#endif
