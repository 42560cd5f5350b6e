/*
 * where_values.c - the numbers of filters and their units.
 */
#include "where.h"

#include <math.h>
#include <string.h>
#include <strings.h>

/* Digits with a fraction; the locale has no part in it. Exact to the last bit for up to 15 digits.
 */
static int decimal(double *value, const char **text) {
    const char *p = *text;
    double digits = 0, scale = 1;
    int negative = 0, count = 0;
    if (*p == '-' || *p == '+') negative = *p++ == '-';
    for (; *p >= '0' && *p <= '9'; p++, count++)
        digits = 10 * digits + (*p - '0');
    if (*p == '.' && p[1] != '.') {
        for (p++; *p >= '0' && *p <= '9'; p++, count++) {
            digits = 10 * digits + (*p - '0');
            scale *= 10;
        }
    }
    if (count == 0 || count > 15) return 0;
    *value = digits / scale;
    if (negative) *value = -*value;
    *text = p;
    return 1;
}

typedef struct unit {
    const char *name;
    double factor;
} unit;

static const unit of_sizes[] = {
    {"", 1},      {"B", 1},       {"kB", 1e3},       {"MB", 1e6},          {"GB", 1e9},
    {"TB", 1e12}, {"KiB", 1024.}, {"MiB", 1048576.}, {"GiB", 1073741824.}, {NULL, 0}};
static const unit of_seconds[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {NULL, 0}};
static const unit of_lengths[] = {{"", 1}, {"mm", 1}, {NULL, 0}};
static const unit of_distances[] = {{"", 1}, {"km", 1}, {"m", 1e-3}, {"mi", 1.609344}, {NULL, 0}};
static const unit of_none[] = {{"", 1}, {NULL, 0}};

static int scaled(double *value, const char *text, const unit *units) {
    for (; units->name; units++) {
        if (strcasecmp(units->name, text) != 0) continue;
        *value *= units->factor;
        return 1;
    }
    return 0;
}

int glimpse_where_number(double *value, glimpse_where_type type, const char *text) {
    double below = 0;
    const char *p = text;
    if (type == GLIMPSE_WHERE_F_NUMBER && (p[0] == 'f' || p[0] == 'F')) p += p[1] == '/' ? 2 : 1;
    if (!decimal(value, &p)) return 0;
    switch (type) {
    case GLIMPSE_WHERE_SIZE: return scaled(value, p, of_sizes);
    case GLIMPSE_WHERE_LENGTH: return scaled(value, p, of_lengths);
    case GLIMPSE_WHERE_SECONDS:
        if (*p == '/') {
            p++;
            if (!decimal(&below, &p) || !(below > 0)) return 0;
            *value /= below;
        }
        return scaled(value, p, of_seconds);
    default: return scaled(value, p, of_none);
    }
}

int glimpse_where_kilometres(double *value, const char *text) {
    return decimal(value, &text) && scaled(value, text, of_distances) && *value >= 0;
}
