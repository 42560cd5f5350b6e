/*
 * metadata/moment.c - dates as cameras, editors and file names write them.
 *
 * EXIF says "2021:05:30 14:03:59". Seen are also other separators, blanks for leading zeros, no
 * seconds, no time, fractions and zones behind the time, all digits in a row, and padding.
 */
#include "metadata/moment.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct cursor {
    const char *at, *end;
} cursor;

static int is_digit(const cursor *c) {
    return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static void skip_blanks(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || (*c->at >= '\t' && *c->at <= '\r')))
        c->at++;
}

/* Up to `max` digits; how many there were. */
static int read_digits(cursor *c, int max, int *value) {
    int count = 0;
    *value = 0;
    while (count < max && is_digit(c)) {
        *value = *value * 10 + (*c->at++ - '0');
        count++;
    }
    return count;
}

static int skip_one_of(cursor *c, const char *characters) {
    if (c->at >= c->end || *c->at == '\0' || !strchr(characters, *c->at)) return 0;
    c->at++;
    return 1;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int is_date(int year, int month, int day) {
    return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* 60 seconds: a leap second. */
static int is_time(int hour, int minute, int second) {
    return hour <= 23 && minute <= 59 && second <= 60;
}

static void print(char text[20], const int part[6]) {
    /* The remainders tell the compiler what the parts are: every one is in its range. */
    (void)snprintf(text, 20, "%04u-%02u-%02uT%02u:%02u:%02u", (unsigned)part[0] % 10000,
                   (unsigned)part[1] % 100, (unsigned)part[2] % 100, (unsigned)part[3] % 100,
                   (unsigned)part[4] % 100, (unsigned)part[5] % 100);
}

static int read_offset(cursor *c, int *minutes) {
    int hour = 0, minute = 0;
    if (skip_one_of(c, "Zz")) {
        *minutes = 0;
        return 1;
    }
    if (c->at >= c->end || (*c->at != '+' && *c->at != '-')) return 0;
    const int sign = *c->at++ == '-' ? -1 : 1;
    if (read_digits(c, 2, &hour) == 0) return 0;
    (void)skip_one_of(c, ":");
    if (is_digit(c) && read_digits(c, 2, &minute) != 2) return 0;
    if (hour > 15 || minute > 59) return 0;
    *minutes = sign * (hour * 60 + minute);
    return 1;
}

static size_t length_of(const char *text, size_t length) {
    const char *end = length > 0 ? memchr(text, '\0', length) : NULL;
    return end ? (size_t)(end - text) : length;
}

int glimpse_moment_offset(int *minutes, const char *text, size_t length) {
    cursor c = {text, text + length_of(text, length)};
    skip_blanks(&c);
    if (!read_offset(&c, minutes)) return 0;
    skip_blanks(&c);
    return c.at == c.end;
}

void glimpse_moment_subseconds(char out[12], const char *text, size_t length) {
    cursor c = {text, text + length_of(text, length)};
    size_t used = 0;
    skip_blanks(&c);
    while (used < 9 && is_digit(&c))
        out[used++] = *c.at++;
    out[used] = '\0';
}

/* A field of two digits, or of one behind a blank or alone. `packed`: always two. */
static int read_field(cursor *c, int packed, int *value) {
    if (!packed) skip_blanks(c);
    const int count = read_digits(c, 2, value);
    return packed ? count == 2 : count > 0;
}

/* Hour, minute and what follows, behind a date. 0: what is there is no time; -1: an impossible
 * one. */
static int read_time(glimpse_moment *out, cursor *c, int part[6]) {
    const int packed = c->end - c->at >= 4 && is_digit(c) && c->at[1] >= '0' && c->at[1] <= '9' &&
                       c->at[2] >= '0' && c->at[2] <= '9';
    if (!read_field(c, packed, &part[3])) return 0;
    if (!packed && !skip_one_of(c, ":.-")) return 0;
    if (!read_field(c, packed, &part[4])) return 0;
    out->precision = GLIMPSE_PRECISION_MINUTE;
    const char *before = c->at;
    if ((packed || skip_one_of(c, ":.-")) && read_field(c, packed, &part[5])) {
        out->precision = GLIMPSE_PRECISION_SECOND;
        const char *fraction = c->at;
        if (skip_one_of(c, ".,") && is_digit(c)) {
            glimpse_moment_subseconds(out->subseconds, c->at, (size_t)(c->end - c->at));
            while (is_digit(c))
                c->at++;
        } else {
            c->at = fraction;
        }
    } else {
        part[5] = 0;
        c->at = before; /* "14:03-08:00" has a zone there */
    }
    return is_time(part[3], part[4], part[5]) ? 1 : -1;
}

int glimpse_moment_parse(glimpse_moment *out, const char *text, size_t length, int partial) {
    cursor c = {text, text + length_of(text, length)};
    int part[6] = {0, 1, 1, 0, 0, 0};
    *out = (glimpse_moment){.precision = GLIMPSE_PRECISION_YEAR};
    skip_blanks(&c);
    if (read_digits(&c, 4, &part[0]) != 4) return 0;
    const int packed = is_digit(&c);
    if (packed || skip_one_of(&c, ":-/.")) {
        if (!read_field(&c, packed, &part[1])) return 0;
        out->precision = GLIMPSE_PRECISION_MONTH;
        if (packed || skip_one_of(&c, ":-/.")) {
            if (!read_field(&c, packed, &part[2])) return 0;
            out->precision = GLIMPSE_PRECISION_DAY;
        }
    }
    if (out->precision > GLIMPSE_PRECISION_DAY && !partial) return 0;
    if (!is_date(part[0], part[1], part[2])) return 0;
    const int goes_on = is_digit(&c); /* "20190704101502", or a longer number: no date */
    if (goes_on && !packed) return 0;
    if (out->precision == GLIMPSE_PRECISION_DAY) {
        (void)skip_one_of(&c, "Tt:");
        skip_blanks(&c);
        const int time = read_time(out, &c, part);
        if (time < 0 || (time == 0 && goes_on)) return 0;
        if (time == 0) {
            part[3] = part[4] = part[5] = 0;
            out->precision = GLIMPSE_PRECISION_DAY;
        } else {
            skip_blanks(&c);
            out->has_offset = read_offset(&c, &out->offset_minutes);
        }
    }
    print(out->text, part);
    return 1;
}

/*
 * Names of files.
 */
static int parse_name_time(cursor *c, int part[6]) {
    cursor t = *c;
    /* What stands between date and time: "_", "-", ".", " ", "T", " at ", ", ". */
    (void)skip_one_of(&t, ",");
    skip_blanks(&t);
    if (t.end - t.at >= 3 && strncasecmp(t.at, "at ", 3) == 0)
        t.at += 3;
    else
        (void)skip_one_of(&t, "_-.T");
    int hour = 0, minute = 0, second = 0;
    if (read_digits(&t, 2, &hour) != 2) return 0;
    const int packed = is_digit(&t);
    if (!packed && !skip_one_of(&t, ".:-_h")) return 0;
    if (read_digits(&t, 2, &minute) != 2) return 0;
    const char *before = t.at;
    if ((packed ? is_digit(&t) : skip_one_of(&t, ".:-_m")) && read_digits(&t, 2, &second) != 2) {
        second = 0;
        t.at = before;
    }
    /* Digits behind them are thousandths, as some phones write; more would be another number. */
    int rest = 0;
    if (read_digits(&t, 3, &rest) != 0 && is_digit(&t)) return 0;
    skip_blanks(&t);
    if (t.end - t.at >= 2 && strncasecmp(t.at + 1, "m", 1) == 0 && hour >= 1 && hour <= 12) {
        if (*t.at == 'P' || *t.at == 'p')
            hour = hour % 12 + 12;
        else if (*t.at == 'A' || *t.at == 'a')
            hour %= 12;
    }
    if (!is_time(hour, minute, second)) return 0;
    part[3] = hour;
    part[4] = minute;
    part[5] = second;
    return 1;
}

static int parse_name_date(cursor *c, int part[6]) {
    if (read_digits(c, 4, &part[0]) != 4) return 0;
    const int packed = is_digit(c);
    const char separator = packed || c->at >= c->end ? '\0' : *c->at;
    if (!packed && !skip_one_of(c, "-._")) return 0;
    if (read_digits(c, 2, &part[1]) != 2) return 0;
    if (!packed && (c->at >= c->end || *c->at++ != separator)) return 0;
    if (read_digits(c, 2, &part[2]) != 2) return 0;
    /* "20190704101502" goes on with a time; other longer numbers are no dates. */
    if (is_digit(c) && !packed) return 0;
    /* Eight digits may be any number: only years in which cameras wrote such names. */
    const int first = packed ? 1970 : 1800;
    return part[0] >= first && part[0] <= 2099 && is_date(part[0], part[1], part[2]);
}

int glimpse_date_of_name(char taken[32], const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *end = name + strlen(name);
    for (const char *at = name; end - at >= 8; at++) {
        if (*at < '0' || *at > '9' || (at > name && at[-1] >= '0' && at[-1] <= '9')) continue;
        cursor c = {at, end};
        int part[6] = {0};
        if (!parse_name_date(&c, part)) continue;
        if (!parse_name_time(&c, part) && is_digit(&c)) continue;
        char text[20];
        print(text, part);
        memcpy(taken, text, sizeof text);
        return 1;
    }
    taken[0] = '\0';
    return 0;
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
