/*
 * metadata/moment_words.c - dates with names of months, as e-mail (RFC 1123), ctime() and
 * strftime("%c") write them: "Thu, 04 Jul 2019 10:15:02 GMT", "Thu Jul  4 10:15:02 2019".
 *
 * Words and numbers come in any order that leaves no doubt: a month by its name, a year of four
 * digits (or of two behind the month), a day, a time with colons. All in digits with slashes is no
 * date: nobody knows whether the day or the month comes first.
 */
#include "metadata/date_text.h"
#include "metadata/moment.h"

#include <string.h>
#include <strings.h>

typedef struct found {
    int part[6];
    int has_year, has_month, has_day, has_time, has_second;
    int twelve; /* 1: before noon, 2: after it, as the text says */
    int has_offset, offset_minutes;
} found;

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_word(const char *word, size_t length, const char *expected) {
    return strlen(expected) == length && strncasecmp(word, expected, length) == 0;
}

static int read_month(found *f, const char *word, size_t length) {
    static const char *const names[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
    for (int i = 0; i < 12; i++) {
        if (length < 3 || length > strlen(names[i]) || strncasecmp(word, names[i], length) != 0)
            continue;
        if (f->has_month) return 0;
        f->has_month = 1;
        f->part[1] = i + 1;
        return 1;
    }
    return 0;
}

static int is_weekday(const char *word, size_t length) {
    static const char *const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (length >= 3 && length <= strlen(names[i]) && strncasecmp(word, names[i], length) == 0)
            return 1;
    }
    return 0;
}

/* Those that RFC 822 knows. Others are somebody's: which one, their letters do not tell. */
static int read_zone(found *f, const char *word, size_t length) {
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"gmt", 0},  {"utc", 0},  {"ut", 0},   {"z", 0},    {"est", -5}, {"edt", -4},
                 {"cst", -6}, {"cdt", -5}, {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (!is_word(word, length, zones[i].name)) continue;
        f->has_offset = 1;
        f->offset_minutes = zones[i].hours * 60;
        return 1;
    }
    return 0;
}

static int read_word(found *f, glimpse_cursor *c) {
    const char *word = c->at;
    while (c->at < c->end && is_letter(*c->at))
        c->at++;
    const size_t length = (size_t)(c->at - word);
    if (is_word(word, length, "am") || is_word(word, length, "pm")) {
        f->twelve = *word == 'a' || *word == 'A' ? 1 : 2;
        return f->has_time;
    }
    if (read_month(f, word, length) || is_weekday(word, length)) return 1;
    if (!f->has_time) return is_word(word, length, "at");
    if (!read_zone(f, word, length)) f->has_offset = 0;
    return 1;
}

/* A time, a year or a day. */
static int read_number(found *f, glimpse_cursor *c) {
    int value = 0, second = 0;
    const int digits = glimpse_cursor_read_digits(c, 4, &value);
    if (glimpse_cursor_is_digit(c)) return 0;
    if (glimpse_cursor_skip_one_of(c, ":")) {
        if (f->has_time || digits > 2) return 0;
        f->has_time = 1;
        f->part[3] = value;
        if (glimpse_cursor_read_digits(c, 2, &f->part[4]) != 2) return 0;
        if (glimpse_cursor_skip_one_of(c, ":")) {
            if (glimpse_cursor_read_digits(c, 2, &second) != 2) return 0;
            f->has_second = 1;
            f->part[5] = second;
        }
        return !glimpse_cursor_is_digit(c);
    }
    if (digits == 4) {
        if (f->has_year) return 0;
        f->has_year = 1;
        f->part[0] = value;
        return 1;
    }
    if (digits > 2) return 0;
    if (!f->has_day) {
        f->has_day = 1;
        f->part[2] = value;
        return 1;
    }
    if (f->has_year || !f->has_month || digits != 2) return 0;
    f->has_year = 1;
    f->part[0] = value + (value < 50 ? 2000 : 1900); /* RFC 2822 */
    return 1;
}

static int read_part(found *f, glimpse_cursor *c) {
    if (is_letter(*c->at)) return read_word(f, c);
    if (f->has_time && (*c->at == '+' || (*c->at == '-' && c->end - c->at >= 5))) {
        f->has_offset = glimpse_cursor_read_offset(c, &f->offset_minutes);
        return f->has_offset;
    }
    if (glimpse_cursor_is_digit(c)) return read_number(f, c);
    if ((*c->at & 0x80) == 0) return glimpse_cursor_skip_one_of(c, " \t\r\n,-.()/");
    c->at++; /* blanks of other widths */
    return 1;
}

int glimpse_moment_parse_words(glimpse_moment *out, const char *text, size_t length) {
    if (glimpse_moment_parse(out, text, length, 0)) return 1;
    const char *end = length > 0 ? memchr(text, '\0', length) : NULL;
    glimpse_cursor c = {text, end ? end : text + length};
    found f = {.has_year = 0};
    *out = (glimpse_moment){.precision = GLIMPSE_PRECISION_DAY};
    while (c.at < c.end) {
        if (!read_part(&f, &c)) return 0;
    }
    if (!f.has_year || !f.has_month || !f.has_day) return 0;
    if (!glimpse_is_date(f.part[0], f.part[1], f.part[2])) return 0;
    if (f.twelve && (f.part[3] < 1 || f.part[3] > 12)) return 0;
    if (f.twelve) f.part[3] = f.part[3] % 12 + (f.twelve == 2 ? 12 : 0);
    if (!glimpse_is_time(f.part[3], f.part[4], f.part[5])) return 0;
    if (f.has_time) {
        out->precision = f.has_second ? GLIMPSE_PRECISION_SECOND : GLIMPSE_PRECISION_MINUTE;
        out->has_offset = f.has_offset;
        out->offset_minutes = f.has_offset ? f.offset_minutes : 0;
    }
    glimpse_print_moment(out->text, f.part);
    return 1;
}
