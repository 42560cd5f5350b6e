/*
 * local_date.c - puts dates into the form of the locale, without setting the locale of the program:
 * what it prints for programs must not depend on it.
 */
#include "local_date.h"

#include "memory.h"
#include "text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FORMAT_BYTES = 64, TEXT_BYTES = 128 };

/* The name of the locale of dates, NULL: none, or the one of programs. */
static const char *locale_name(void) {
    static const char *const names[] = {"LC_ALL", "LC_TIME", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        int is_plain =
            strcmp(value, "C") == 0 || strncmp(value, "C.", 2) == 0 || strcmp(value, "POSIX") == 0;
        return is_plain ? NULL : value;
    }
    return NULL;
}

/* Loaded once; (locale_t)0: none. */
static locale_t locale_of_dates(void) {
    static locale_t loaded;
    static int tried;
    if (!tried) {
        const char *name = locale_name();
        if (name) loaded = newlocale(LC_TIME_MASK, name, (locale_t)0);
        tried = 1;
    }
    return loaded;
}

/* The locale's form of a date, all digits of the year shown, and of the time without seconds. */
static void read_format(char out[FORMAT_BYTES], locale_t locale, int with_time) {
    const char *date = nl_langinfo_l(D_FMT, locale), *hour = nl_langinfo_l(T_FMT, locale);
    size_t used = 0;
    for (; *date && used + 12 < FORMAT_BYTES; date++) {
        if (date[0] == '%' && date[1] == 'D') {
            used += (size_t)snprintf(out + used, FORMAT_BYTES - used, "%%m/%%d/%%Y");
            date++;
        } else if (date[0] == '%' && date[1] != '\0') {
            out[used++] = *date++;
            out[used++] = *date == 'y' ? 'Y' : *date;
        } else {
            out[used++] = *date;
        }
    }
    out[used] = '\0';
    if (!with_time) return;
    int halves = strstr(hour, "%r") || strstr(hour, "%I") || strstr(hour, "%p");
    (void)snprintf(out + used, FORMAT_BYTES - used, halves ? " %%I:%%M %%p" : " %%H:%%M");
}

/* What the locale makes of it can be shown: no other character set than the terminal's. */
static int can_be_shown(const char *text) {
    int ascii = 1;
    for (const char *s = text; *s; s++)
        ascii &= (unsigned char)*s < 0x80;
    char *shown = text_display(text);
    int same = strcmp(shown, text) == 0;
    free(shown);
    return same && (ascii || text_terminal_is_utf8());
}

/* The number at text[at..at + digits). */
static int number_at(const char *text, size_t at, size_t digits) {
    int number = 0;
    for (size_t i = 0; i < digits; i++)
        number = 10 * number + (text[at + i] - '0');
    return number;
}

/* "2021-05-30T14:03" and more; 0 when it is something else. */
static int read_date(struct tm *out, const char *iso) {
    static const char pattern[] = "0000-00-00T00:00";
    for (size_t i = 0; pattern[i]; i++) {
        const int digit = iso[i] >= '0' && iso[i] <= '9';
        if (pattern[i] == '0' ? !digit : iso[i] != pattern[i]) return 0;
    }
    out->tm_year = number_at(iso, 0, 4) - 1900;
    out->tm_mon = number_at(iso, 5, 2) - 1;
    out->tm_mday = number_at(iso, 8, 2);
    out->tm_hour = number_at(iso, 11, 2);
    out->tm_min = number_at(iso, 14, 2);
    return out->tm_mon >= 0 && out->tm_mon < 12; /* what names of months are asked for */
}

static char *write_date(const char *iso, int with_time) {
    struct tm when = {.tm_isdst = -1};
    if (!read_date(&when, iso)) return xstrdup(iso);
    char *plain = xprintf("%.10s%s%.5s", iso, with_time ? " " : "", with_time ? iso + 11 : "");
    locale_t locale = locale_of_dates();
    if (!locale) return plain;
    struct tm noon = when;
    noon.tm_hour = 12;
    if (mktime(&noon) != (time_t)-1) { /* the day of the week, for locales that show it */
        when.tm_wday = noon.tm_wday;
        when.tm_yday = noon.tm_yday;
    }
    char format[FORMAT_BYTES], text[TEXT_BYTES];
    read_format(format, locale, with_time);
    if (strftime_l(text, sizeof text, format, &when, locale) == 0 || !can_be_shown(text)) {
        return plain;
    }
    free(plain);
    return xstrdup(text);
}

char *local_moment(const char *iso) {
    return write_date(iso, 1);
}

char *local_day(const char *iso) {
    return write_date(iso, 0);
}
