/*
 * metadata/moment.c - dates as cameras, editors and file names write them.
 *
 * EXIF says "2021:05:30 14:03:59". Seen are also other separators, blanks for leading zeros, no
 * seconds, no time, fractions and zones behind the time, all digits in a row, and padding.
 */
#include "metadata/moment.h"
#include "metadata/date_text.h"

#include <stdio.h>
#include <string.h>

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

int glimpse_is_date(int year, int month, int day) {
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* 60 seconds: a leap second. */
int glimpse_is_time(int hour, int minute, int second) {
    return hour <= 23 && minute <= 59 && second <= 60;
}

void glimpse_print_moment(char text[20], const int part[6]) {
    /* The remainders tell the compiler what the parts are: every one is in its range. */
    (void)snprintf(text, 20, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)part[0] % 10000,
                   (unsigned)part[1] % 100, (unsigned)part[2] % 100, (unsigned)part[3] % 100,
                   (unsigned)part[4] % 100, (unsigned)part[5] % 100);
}

int glimpse_cursor_read_offset(glimpse_cursor *c, int *minutes) {
    int hour = 0, minute = 0;
    if (glimpse_cursor_skip_one_of(c, "Zz")) {
        *minutes = 0;
        return 1;
    }
    if (c->at >= c->end || (*c->at != '+' && *c->at != '-')) return 0;
    const int sign = *c->at++ == '-' ? -1 : 1;
    if (glimpse_cursor_read_digits(c, 2, &hour) == 0) return 0;
    (void)glimpse_cursor_skip_one_of(c, ":");
    if (glimpse_cursor_is_digit(c) && glimpse_cursor_read_digits(c, 2, &minute) != 2) return 0;
    if (hour > 15 || minute > 59) return 0;
    *minutes = sign * (hour * 60 + minute);
    return 1;
}

static size_t length_of(const char *text, size_t length) {
    const char *end = length > 0 ? memchr(text, '\0', length) : NULL;
    return end ? (size_t)(end - text) : length;
}

int glimpse_moment_offset(int *minutes, const char *text, size_t length) {
    glimpse_cursor c = {text, text + length_of(text, length)};
    glimpse_cursor_skip_blanks(&c);
    if (!glimpse_cursor_read_offset(&c, minutes)) return 0;
    glimpse_cursor_skip_blanks(&c);
    return c.at == c.end;
}

void glimpse_moment_subseconds(char out[12], const char *text, size_t length) {
    glimpse_cursor c = {text, text + length_of(text, length)};
    size_t used = 0;
    glimpse_cursor_skip_blanks(&c);
    while (used < 9 && glimpse_cursor_is_digit(&c))
        out[used++] = *c.at++;
    out[used] = '\0';
}

/* A field of two digits, or of one behind a blank or alone. `packed`: always two. */
static int read_field(glimpse_cursor *c, int packed, int *value) {
    if (!packed) glimpse_cursor_skip_blanks(c);
    const int count = glimpse_cursor_read_digits(c, 2, value);
    return packed ? count == 2 : count > 0;
}

/* Hour, minute and what follows, behind a date. 0: what is there is no time; -1: an impossible
 * one. */
static int read_time(glimpse_moment *out, glimpse_cursor *c, int part[6]) {
    const int packed = c->end - c->at >= 4 && glimpse_cursor_is_digit(c) && c->at[1] >= '0' &&
                       c->at[1] <= '9' && c->at[2] >= '0' && c->at[2] <= '9';
    if (!read_field(c, packed, &part[3])) return 0;
    if (!packed && !glimpse_cursor_skip_one_of(c, ":.-")) return 0;
    if (!read_field(c, packed, &part[4])) return 0;
    out->precision = GLIMPSE_PRECISION_MINUTE;
    const char *before = c->at;
    if ((packed || glimpse_cursor_skip_one_of(c, ":.-")) && read_field(c, packed, &part[5])) {
        out->precision = GLIMPSE_PRECISION_SECOND;
        const char *fraction = c->at;
        if (glimpse_cursor_skip_one_of(c, ".,") && glimpse_cursor_is_digit(c)) {
            glimpse_moment_subseconds(out->subseconds, c->at, (size_t)(c->end - c->at));
            while (glimpse_cursor_is_digit(c))
                c->at++;
        } else {
            c->at = fraction;
        }
    } else {
        part[5] = 0;
        c->at = before; /* "14:03-08:00" has a zone there */
    }
    return glimpse_is_time(part[3], part[4], part[5]) ? 1 : -1;
}

int glimpse_moment_parse(glimpse_moment *out, const char *text, size_t length, int partial) {
    glimpse_cursor c = {text, text + length_of(text, length)};
    int part[6] = {0, 1, 1, 0, 0, 0};
    *out = (glimpse_moment){.precision = GLIMPSE_PRECISION_YEAR};
    glimpse_cursor_skip_blanks(&c);
    if (glimpse_cursor_read_digits(&c, 4, &part[0]) != 4) return 0;
    const int packed = glimpse_cursor_is_digit(&c);
    if (packed || glimpse_cursor_skip_one_of(&c, ":-/.")) {
        if (!read_field(&c, packed, &part[1])) return 0;
        out->precision = GLIMPSE_PRECISION_MONTH;
        if (packed || glimpse_cursor_skip_one_of(&c, ":-/.")) {
            if (!read_field(&c, packed, &part[2])) return 0;
            out->precision = GLIMPSE_PRECISION_DAY;
        }
    }
    if (out->precision > GLIMPSE_PRECISION_DAY && !partial) return 0;
    if (!glimpse_is_date(part[0], part[1], part[2])) return 0;
    const int goes_on =
        glimpse_cursor_is_digit(&c); /* "20190704101502", or a longer number: no date */
    if (goes_on && !packed) return 0;
    if (out->precision == GLIMPSE_PRECISION_DAY) {
        (void)glimpse_cursor_skip_one_of(&c, "Tt:");
        glimpse_cursor_skip_blanks(&c);
        const int time = read_time(out, &c, part);
        if (time < 0 || (time == 0 && goes_on)) return 0;
        if (time == 0) {
            part[3] = part[4] = part[5] = 0;
            out->precision = GLIMPSE_PRECISION_DAY;
        } else {
            glimpse_cursor_skip_blanks(&c);
            out->has_offset = glimpse_cursor_read_offset(&c, &out->offset_minutes);
        }
    }
    glimpse_print_moment(out->text, part);
    return 1;
}

void glimpse_offset_text(char text[8], int minutes) {
    const int size = minutes < 0 ? -minutes : minutes;
    (void)snprintf(text, 8, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60 % 24, size % 60);
}

const char *glimpse_taken_from_name(glimpse_taken_from from) {
    switch (from) {
    case GLIMPSE_TAKEN_EXIF: return "exif";
    case GLIMPSE_TAKEN_XMP: return "xmp";
    case GLIMPSE_TAKEN_NAME: return "name";
    case GLIMPSE_TAKEN_FILE: return "file";
    case GLIMPSE_TAKEN_UNKNOWN: break;
    }
    return "";
}
