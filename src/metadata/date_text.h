/*
 * metadata/date_text.h - reading dates from text, a few bytes at a time. Private to this directory.
 */
#ifndef GLIMPSE_METADATA_DATE_TEXT_H
#define GLIMPSE_METADATA_DATE_TEXT_H

#include <string.h>

typedef struct glimpse_cursor {
    const char *at, *end;
} glimpse_cursor;

static inline int glimpse_cursor_is_digit(const glimpse_cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static inline void glimpse_cursor_skip_blanks(glimpse_cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r')))
        c->at++;
}

/* Up to `max` digits; how many there were. */
static inline int glimpse_cursor_read_digits(glimpse_cursor *c, int max, int *value) {
    int count = 0;
    *value = 0;
    while (count < max && glimpse_cursor_is_digit(c)) {
        *value = *value * 10 + (*c->at++ - '0');
        count++;
    }
    return count;
}

static inline int glimpse_cursor_skip_one_of(glimpse_cursor *c, const char *characters) {
    if (c->at >= c->end || *c->at == '\0' || !strchr(characters, *c->at)) return 0;
    c->at++;
    return 1;
}

/* "+05:30", "-0800", "Z". */
int glimpse_cursor_read_offset(glimpse_cursor *c, int *minutes);

int glimpse_is_date(int year, int month, int day);
/* Of 60 seconds: a leap second. */
int glimpse_is_time(int hour, int minute, int second);

/* "2019-07-04T10:15:02" of year, month, day, hour, minute and second. */
void glimpse_print_moment(char text[20], const int part[6]);

#endif
