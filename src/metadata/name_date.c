/*
 * metadata/name_date.c - the date in a file's name, as cameras, telephones and programs that take
 * pictures of screens write it.
 *
 * A name is no field: it may be anything, and digits that could be a date are often a number, a
 * part of a hash or a version. So eight digits in a row need boundaries: they begin the name or
 * follow letters alone (IMG20190704), and no more letters and digits follow than a time has. What
 * stands between date and time may be a word or two of any language: "at", "um", "a la(s)".
 */
#include "metadata/date_text.h"
#include "metadata/moment.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* How many bytes a blank at `at` has, 0: it is none. Screen shots of macOS have a narrow one. */
static size_t blank_bytes(const glimpse_cursor *c) {
    static const char *const wide[] = {"\xc2\xa0",     "\xe2\x80\xaf", "\xe2\x80\x89",
                                       "\xe3\x80\x80", "\xe2\x80\x8e", "\xe2\x80\x8f"};
    if (c->at >= c->end) return 0;
    if (*c->at == ' ' || *c->at == '\t') return 1;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        const size_t length = strlen(wide[i]);
        if ((size_t)(c->end - c->at) >= length && memcmp(c->at, wide[i], length) == 0)
            return length;
    }
    return 0;
}

static void skip_blanks(glimpse_cursor *c) {
    for (size_t bytes; (bytes = blank_bytes(c)) > 0;)
        c->at += bytes;
}

static int is_letter_or_digit(char c) {
    return isalnum((unsigned char)c) != 0 && (c & 0x80) == 0;
}

static int is_hex(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!isxdigit((unsigned char)text[i])) return 0;
    }
    return 1;
}

typedef enum half_day { NO_HALF, BEFORE_NOON, AFTER_NOON } half_day;

/* "AM", "p.m.", "p. m.", and no word that begins so. */
static half_day read_half(glimpse_cursor *c) {
    glimpse_cursor t = *c;
    (void)glimpse_cursor_skip_one_of(&t, "_-");
    skip_blanks(&t);
    if (t.at >= t.end || !strchr("aApP", *t.at)) return NO_HALF;
    const half_day half = *t.at == 'a' || *t.at == 'A' ? BEFORE_NOON : AFTER_NOON;
    t.at++;
    if (glimpse_cursor_skip_one_of(&t, ".")) skip_blanks(&t);
    if (!glimpse_cursor_skip_one_of(&t, "mM")) return NO_HALF;
    if (t.at < t.end && is_letter_or_digit(*t.at)) return NO_HALF;
    *c = t;
    return half;
}

/* The same in front of the time, in Chinese, Japanese and Korean. */
static half_day half_of_word(const char *word, size_t length) {
    static const struct {
        const char *text;
        half_day half;
    } words[] = {{"上午", BEFORE_NOON}, {"下午", AFTER_NOON},  {"午前", BEFORE_NOON},
                 {"午後", AFTER_NOON},  {"오전", BEFORE_NOON}, {"오후", AFTER_NOON}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].text) == length && memcmp(word, words[i].text, length) == 0)
            return words[i].half;
    }
    return NO_HALF;
}

/* Up to three short words, each with a blank (or what stands for one) behind it. How many. */
static int skip_words(glimpse_cursor *c, half_day *half) {
    enum { MAX_WORDS = 3, MAX_WORD = 16 };
    int count = 0;
    while (count < MAX_WORDS) {
        glimpse_cursor t = *c;
        const char *word = t.at;
        while (t.at < t.end && !blank_bytes(&t) &&
               (isalpha((unsigned char)*t.at) || (*t.at & 0x80) ||
                (t.at > word && (*t.at == '(' || *t.at == ')'))))
            t.at++;
        const size_t length = (size_t)(t.at - word);
        if (length == 0 || length > MAX_WORD) break;
        const int is_wide = (t.at[-1] & 0x80) != 0;
        (void)glimpse_cursor_skip_one_of(&t, ".");
        const char *behind = t.at;
        skip_blanks(&t);
        if (t.at == behind && !glimpse_cursor_skip_one_of(&t, "_-") &&
            !(is_wide && glimpse_cursor_is_digit(&t)))
            break;
        if (half_of_word(word, length) != NO_HALF) *half = half_of_word(word, length);
        *c = t;
        count++;
    }
    return count;
}

typedef struct name_time {
    int hour, minute, second;
} name_time;

/* `words`: how many stood before it, which makes less likely that it is a time at all. */
static int read_clock(name_time *out, glimpse_cursor *c, int words, half_day half) {
    glimpse_cursor t = *c;
    *out = (name_time){0, 0, 0};
    const int digits = glimpse_cursor_read_digits(&t, 2, &out->hour);
    const int packed = digits == 2 && glimpse_cursor_is_digit(&t);
    int has_second = 0, rest = 0;
    if (digits == 0 || (packed && words > 0)) return 0;
    if (!packed && !glimpse_cursor_skip_one_of(&t, ".:-_h")) return 0;
    if (glimpse_cursor_read_digits(&t, 2, &out->minute) != 2) return 0;
    const char *before = t.at;
    if (packed ? glimpse_cursor_is_digit(&t) : glimpse_cursor_skip_one_of(&t, ".:-_m")) {
        has_second = glimpse_cursor_read_digits(&t, 2, &out->second) == 2;
        if (!has_second) {
            out->second = 0;
            t.at = before;
        }
    }
    /* Digits behind them are thousandths, as some phones write; more would be another number. */
    if (glimpse_cursor_read_digits(&t, 3, &rest) != 0 && glimpse_cursor_is_digit(&t)) return 0;
    const half_day said = read_half(&t);
    if (said != NO_HALF) half = said;
    if ((digits == 1 || words > 0) && !has_second && half == NO_HALF) return 0;
    /* "1920x1080" and "1200px" are sizes. */
    if (packed && !has_second && said == NO_HALF && t.at < t.end && is_letter_or_digit(*t.at) &&
        *t.at != 'Z')
        return 0;
    if (half != NO_HALF) {
        if (out->hour < 1 || out->hour > 12) return 0;
        out->hour = out->hour % 12 + (half == AFTER_NOON ? 12 : 0);
    }
    *c = t;
    return out->second < 60 && glimpse_is_time(out->hour, out->minute, out->second);
}

/* *utc: it says so ("20190704T101502Z"). */
static int read_time(glimpse_cursor *c, int part[6], int *utc) {
    glimpse_cursor t = *c;
    half_day half = NO_HALF;
    name_time time;
    int words = 0;
    if (t.end - t.at >= 2 && (*t.at == 'T' || *t.at == 't') && isdigit((unsigned char)t.at[1])) {
        t.at++;
    } else {
        (void)glimpse_cursor_skip_one_of(&t, ",");
        skip_blanks(&t);
        (void)glimpse_cursor_skip_one_of(&t, "_-.");
        skip_blanks(&t);
        words = skip_words(&t, &half);
    }
    if (!read_clock(&time, &t, half == NO_HALF ? words : 0, half)) return 0;
    *utc = t.at < t.end && *t.at == 'Z' && (t.at + 1 == t.end || !is_letter_or_digit(t.at[1]));
    if (*utc) t.at++;
    part[3] = time.hour;
    part[4] = time.minute;
    part[5] = time.second;
    *c = t;
    return 1;
}

static int read_date(glimpse_cursor *c, int part[6], int *is_packed) {
    if (glimpse_cursor_read_digits(c, 4, &part[0]) != 4) return 0;
    const int packed = glimpse_cursor_is_digit(c);
    const char separator = packed || c->at >= c->end ? '\0' : *c->at;
    *is_packed = packed;
    if (!packed && !glimpse_cursor_skip_one_of(c, "-._")) return 0;
    if (glimpse_cursor_read_digits(c, 2, &part[1]) != 2) return 0;
    if (!packed && (c->at >= c->end || *c->at++ != separator)) return 0;
    if (glimpse_cursor_read_digits(c, 2, &part[2]) != 2) return 0;
    /* "20190704101502" goes on with a time; other longer numbers are no dates. */
    if (glimpse_cursor_is_digit(c) && !packed) return 0;
    /* Eight digits may be any number: only years in which cameras wrote such names. */
    const int first = packed ? 1970 : 1800;
    return part[0] >= first && part[0] <= 2099 && glimpse_is_date(part[0], part[1], part[2]);
}

/* "v2019.07.04", "ver20190704". */
static int is_version(const char *before, size_t length) {
    static const char *const words[] = {"v", "ver", "version", "rev", "r", "release", "build"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == length && strncasecmp(before, words[i], length) == 0) return 1;
    }
    return 0;
}

/* 550e8400-e29b-41d4-a716-446655440000, with `at` in it. */
static int is_in_uuid(const char *name, const char *end, const char *at) {
    static const size_t groups[] = {8, 4, 4, 4, 12};
    enum { BYTES = 36 };
    const char *start = at - name >= BYTES ? at - BYTES + 1 : name;
    for (; start <= at && end - start >= BYTES; start++) {
        const char *p = start;
        size_t i = 0;
        while (i < 5 && is_hex(p, groups[i]) && (i == 4 || p[groups[i]] == '-'))
            p += groups[i++] + 1;
        if (i == 5) return 1;
    }
    return 0;
}

/* Whether what is around [from, to) leaves it a date: a row of letters and digits around one is
 * more likely a name of its own. */
static int has_boundaries(const char *name, const char *end, const char *from, const char *to,
                          int is_packed, int has_time) {
    const char *begin = from, *after = to;
    while (begin > name && is_letter_or_digit(begin[-1]))
        begin--;
    while (after < end && is_letter_or_digit(*after))
        after++;
    const size_t before = (size_t)(from - begin), behind = (size_t)(after - to);
    for (const char *p = begin; p < from; p++) {
        if (isdigit((unsigned char)*p)) return 0;
    }
    for (const char *p = to; p < after && is_packed; p++) {
        if (isdigit((unsigned char)*p)) return 0;
    }
    if (!has_time && is_version(begin, before)) return 0;
    /* A longer version, "1.2019.07.04". */
    if (!is_packed && from - name >= 2 && from[-1] == '.' && isdigit((unsigned char)from[-2]) &&
        to > from && from[4] == '.')
        return 0;
    if (!is_packed || has_time) return 1;
    /* As a hash is written, and as tools name what they found on a damaged disk (f12345678.jpg). */
    const size_t row = (size_t)(after - begin);
    if (is_hex(begin, row) && (row >= 16 || behind >= 2)) return 0;
    return !(before == 1 && begin == name && strchr("fbt", *begin));
}

/* Names of Pixel telephones are in UTC. */
static int is_of_pixel(const char *name, const char *from) {
    return from - name >= 4 && strncmp(from - 4, "PXL_", 4) == 0;
}

static int moment_of_name(glimpse_moment *out, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *end = name + strlen(name);
    *out = (glimpse_moment){.precision = GLIMPSE_PRECISION_DAY};
    for (const char *at = name; end - at >= 8; at++) {
        if (*at < '0' || *at > '9' || (at > name && at[-1] >= '0' && at[-1] <= '9')) continue;
        glimpse_cursor c = {at, end};
        int part[6] = {0}, is_packed = 0, utc = 0;
        if (!read_date(&c, part, &is_packed)) continue;
        const int has_time = read_time(&c, part, &utc);
        if (!has_time && glimpse_cursor_is_digit(&c)) continue;
        if (!has_boundaries(name, end, at, c.at, is_packed, has_time)) continue;
        if (is_in_uuid(name, end, at)) continue;
        glimpse_print_moment(out->text, part);
        if (has_time) out->precision = GLIMPSE_PRECISION_SECOND;
        out->has_offset = utc || (has_time && is_of_pixel(name, at));
        return 1;
    }
    return 0;
}

int glimpse_date_of_name(char taken[32], const char *path) {
    glimpse_moment moment;
    const int found = moment_of_name(&moment, path);
    taken[0] = '\0';
    if (found) memcpy(taken, moment.text, sizeof moment.text);
    return found;
}

int glimpse_offset_of_name(int *minutes, const char *path) {
    glimpse_moment moment;
    *minutes = 0;
    return moment_of_name(&moment, path) && moment.has_offset;
}
