/*
 * glimpse/filters.h - what a camera and a person wrote down, asked for in one expression:
 *
 *     search.where = "camera ~ 'R5' and iso > 800 and not keyword = 'draft'";
 *
 * docs/filters.md has the grammar. A file passes or does not, and a picture passes when one of its
 * files that are not missing does; the file that is shown passes.
 *
 * Of a field that a file has nothing of every comparison is false: `iso > 800` and `iso <= 800`
 * both leave out a file without an ISO speed, `not iso > 800` lets it through, and `!=` is `not ...
 * =`.
 *
 * Texts are compared in Unicode's full case folding, `=` all of it, `~` any part. Numbers with a
 * fraction are equal when they differ by less than a hundred-thousandth. Of dates `=` is the whole
 * of what was written: a year, a month, a day, an hour, a minute or a second; so `taken > 2020` is
 * from 2021 on.
 */
#ifndef GLIMPSE_FILTERS_H
#define GLIMPSE_FILTERS_H

#include <glimpse/status.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    GLIMPSE_WHERE_MAX_BYTES = 16384,
    GLIMPSE_WHERE_MAX_DEPTH = 64,       /* of parentheses and of not */
    GLIMPSE_WHERE_MAX_CONDITIONS = 400, /* each value of a list is one */
    GLIMPSE_WHERE_NEAR_KM = 25          /* of near("a place") without a distance */
};

/* GLIMPSE_OK, or GLIMPSE_E_INVALID with the place of what is wrong: "where, character 12: ...",
 * counted in characters from 1. GLIMPSE_E_NOT_FOUND for near("a place") that no list of places has,
 * GLIMPSE_E_UNSUPPORTED where there is no list of places. */
GLIMPSE_API int glimpse_where_check(const char *where);

/* What can be asked for. */
typedef struct glimpse_where_field_info {
    const char *name;
    const char *about;
    const char *example; /* a condition */
    int can_be_missing;  /* has(NAME) is a condition */
    int is_available;    /* 0: a library has none of it so far, and naming it is an error */
} glimpse_where_field_info;
/* NULL behind the last. */
GLIMPSE_API const glimpse_where_field_info *glimpse_where_field_get(size_t i);

/* Where near("a place") looks names up: a list in the form of GeoNames' cities files or of lines
 * "NAME<TAB>LATITUDE<TAB>LONGITUDE" that $GLIMPSE_PLACES names, else the one of libgweather, else
 * the cities of the time zones. *source, a path, lives as long as the program; *count: how many
 * names. GLIMPSE_E_UNSUPPORTED when there is no list, naming those that were looked for. */
GLIMPSE_API int glimpse_places_describe(const char **source, size_t *count);

#ifdef __cplusplus
}
#endif
#endif
