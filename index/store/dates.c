/*
 * dates.c - parsing and printing of moments, in the proleptic Gregorian calendar.
 */
#include "dates.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01. */
static int64_t days_of_date(int64_t year, int month, int day) {
    int64_t before = year - 1;
    int64_t days = 365 * before + before / 4 - before / 100 + before / 400 - 719162;
    for (int m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days + day - 1;
}

/* Exactly `digits` digits at *text, which is moved on; -1 when they are not there. */
static int number(const char **text, int digits) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*text)[i];
        if (c < '0' || c > '9') return -1;
        value = 10 * value + (c - '0');
    }
    *text += digits;
    return value;
}

/* The remainders only tell the compiler that it fits. */
static void print(char text[GLIMPSE_DATE_BYTES], const int parts[6]) {
    (void)snprintf(text, GLIMPSE_DATE_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u",
                   (unsigned)parts[0] % 10000u, (unsigned)parts[1] % 100u,
                   (unsigned)parts[2] % 100u, (unsigned)parts[3] % 100u, (unsigned)parts[4] % 100u,
                   (unsigned)parts[5] % 100u);
}

int glimpse_date_parse(const char *text, const char *what, char taken[GLIMPSE_DATE_BYTES],
                       int64_t *mtime_ns) {
    /* year, month, day, hour, minute, second: the separator before each, and its range. */
    static const char separators[] = "\0--T::";
    static const int lowest[] = {1, 1, 1, 0, 0, 0}, highest[] = {9999, 12, 31, 23, 59, 59};
    int parts[6] = {1, 1, 1, 0, 0, 0};
    const char *p = text;
    int ok = 1;
    for (int i = 0; i < 6 && ok && (i == 0 || *p); i++) {
        if (i > 0) {
            ok = *p == separators[i] || (i == 3 && *p == ' ');
            p++;
        }
        if (ok) parts[i] = number(&p, i == 0 ? 4 : 2);
        ok = ok && parts[i] >= lowest[i] && parts[i] <= highest[i];
    }
    if (ok) ok = *p == '\0' && parts[2] <= days_in_month(parts[0], parts[1]);
    if (!ok) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: '%s' is not a date such as 2020, 2020-05, 2020-05-30 or "
                            "2020-05-30T14:00",
                            what, text);
    }
    print(taken, parts);
    int64_t seconds = days_of_date(parts[0], parts[1], parts[2]) * 86400 + parts[3] * 3600 +
                      parts[4] * 60 + parts[5];
    /* 64 bits of nanoseconds reach from 1677 to 2262. */
    if (seconds > INT64_MAX / 1000000000) {
        *mtime_ns = INT64_MAX;
    } else if (seconds < INT64_MIN / 1000000000) {
        *mtime_ns = INT64_MIN;
    } else {
        *mtime_ns = seconds * 1000000000;
    }
    return GLIMPSE_OK;
}

int glimpse_date_period(const char *text, const char *what, char first[GLIMPSE_DATE_BYTES],
                        char end[GLIMPSE_DATE_BYTES]) {
    /* Which part the text ends with, by its length; how far that part goes in a year, ... */
    static const size_t lengths[] = {4, 7, 10, 13, 16, 19};
    static const int limits[] = {9999, 12, 0, 23, 59, 59}, lowest[] = {1, 1, 1, 0, 0, 0};
    int64_t unused;
    int parts[6], last = 0;
    int status = glimpse_date_parse(text, what, first, &unused);
    if (status != GLIMPSE_OK) return status;
    const char *p = first;
    for (int i = 0; i < 6; i++) {
        parts[i] = number(&p, i == 0 ? 4 : 2);
        if (*p) p++;
        if (strlen(text) == lengths[i]) last = i;
    }
    /* The next one, and the next of what is around it where there is none. */
    for (int i = last; i >= 0; i--) {
        const int limit = i == 2 ? days_in_month(parts[0], parts[1]) : limits[i];
        if (parts[i] < limit) {
            parts[i]++;
            print(end, parts);
            return GLIMPSE_OK;
        }
        parts[i] = lowest[i];
    }
    memcpy(end, "\x7f", 2);
    return GLIMPSE_OK;
}

int64_t glimpse_date_seconds(const char text[GLIMPSE_DATE_BYTES]) {
    int parts[6];
    const char *p = text;
    for (int i = 0; i < 6; i++) {
        parts[i] = number(&p, i == 0 ? 4 : 2);
        if (*p) p++;
    }
    struct tm local = {.tm_year = parts[0] - 1900,
                       .tm_mon = parts[1] - 1,
                       .tm_mday = parts[2],
                       .tm_hour = parts[3],
                       .tm_min = parts[4],
                       .tm_sec = parts[5],
                       .tm_isdst = -1};
    return (int64_t)mktime(&local);
}

void glimpse_date_of_mtime(int64_t mtime_ns, char text[GLIMPSE_DATE_BYTES]) {
    int64_t seconds = mtime_ns / 1000000000;
    if (mtime_ns % 1000000000 < 0) seconds--;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) rest += 86400, days--;
    /* Nanoseconds keep the year between 1677 and 2262: a close guess, then steps. */
    int64_t year = 1970 + days / 366;
    if (days < 0) year = 1970 + days / 365 - 1;
    while (days_of_date(year + 1, 1, 1) <= days)
        year++;
    int64_t day = days - days_of_date(year, 1, 1);
    int month = 1;
    while (day >= days_in_month(year, month))
        day -= days_in_month(year, month++);
    const int parts[6] = {
        (int)year,       month, (int)day + 1, (int)(rest / 3600), (int)(rest / 60 % 60),
        (int)(rest % 60)};
    print(text, parts);
}

void glimpse_date_of_file(int64_t mtime_ns, char text[GLIMPSE_DATE_BYTES], int *offset) {
    time_t seconds = (time_t)(mtime_ns / 1000000000);
    if (mtime_ns % 1000000000 < 0) seconds--;
    struct tm local;
    if (!localtime_r(&seconds, &local)) { /* for years beyond any file's */
        glimpse_date_of_mtime(mtime_ns, text);
        if (offset) *offset = 0;
        return;
    }
    const int parts[6] = {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                          local.tm_hour,        local.tm_min,     local.tm_sec};
    print(text, parts);
    if (offset) *offset = (int)(local.tm_gmtoff / 60);
}

void glimpse_file_date_choose(glimpse_file_date *out, const char *taken, glimpse_taken_from from,
                              const int *offset, const char *path, int64_t mtime_ns) {
    char named[32];
    *out = (glimpse_file_date){.from = from};
    if (taken && strlen(taken) == GLIMPSE_DATE_BYTES - 1) {
        memcpy(out->taken, taken, GLIMPSE_DATE_BYTES);
        out->has_offset = offset != NULL;
        out->offset_minutes = offset ? *offset : 0;
    } else if (glimpse_date_of_name(named, path)) {
        memcpy(out->taken, named, GLIMPSE_DATE_BYTES);
        out->from = GLIMPSE_TAKEN_NAME;
        out->has_offset = glimpse_offset_of_name(&out->offset_minutes, path);
    } else {
        glimpse_date_of_file(mtime_ns, out->taken, &out->offset_minutes);
        out->from = GLIMPSE_TAKEN_FILE;
        out->has_offset = 1;
    }
}
