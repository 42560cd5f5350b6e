/*
 * header.c - lines of the headers of answers.
 */
#include "http/curl.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int glimpse_http_header_value(char *to, size_t capacity, const char *line, size_t length,
                              const char *name) {
    size_t skipped = strlen(name);
    if (length <= skipped || strncasecmp(line, name, skipped) != 0 || line[skipped] != ':')
        return 0;
    line += skipped + 1;
    length -= skipped + 1;
    while (length > 0 && isspace((unsigned char)*line)) {
        line++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    (void)snprintf(to, capacity, "%.*s", (int)(length < capacity ? length : capacity - 1), line);
    return 1;
}

double glimpse_http_retry_after(const char *value) {
    char *end = NULL;
    double seconds = strtod(value, &end);
    if (end != value && *end == '\0') {
        return seconds >= 0.0 ? fmin(seconds, GLIMPSE_LONGEST_PAUSE) : -1.0;
    }
    time_t now = time(NULL), when = glimpse_curl.getdate(value, &now);
    if (when == (time_t)-1) return -1.0;
    return when > now ? fmin((double)(when - now), GLIMPSE_LONGEST_PAUSE) : 0.0;
}
