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

static char *write_date(const char *iso, int with_time) {
    struct tm when = {.tm_isdst = -1};
    int read = 0;
    if (sscanf(iso, "%4d-%2d-%2dT%2d:%2d%n", &when.tm_year, &when.tm_mon, &when.tm_mday,
               &when.tm_hour, &when.tm_min, &read) != 5 ||
        read != 16) {
        return xstrdup(iso);
    }
    char *plain = xprintf("%.10s%s%.5s", iso, with_time ? " " : "", with_time ? iso + 11 : "");
    locale_t locale = locale_of_dates();
    if (!locale) return plain;
    struct tm noon = {.tm_year = when.tm_year - 1900,
                      .tm_mon = when.tm_mon - 1,
                      .tm_mday = when.tm_mday,
                      .tm_hour = 12,
                      .tm_isdst = -1};
    if (mktime(&noon) != (time_t)-1) { /* the day of the week, for locales that show it */
        when.tm_wday = noon.tm_wday;
        when.tm_yday = noon.tm_yday;
    }
    when.tm_year -= 1900;
    when.tm_mon -= 1;
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
