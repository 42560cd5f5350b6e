/*
 * where.h - an expression of glimpse/filters.h as a tree, for the store that is to answer it.
 */
#ifndef GLIMPSE_INDEX_WHERE_H
#define GLIMPSE_INDEX_WHERE_H

#include "dates.h"

#include <glimpse/filters.h>

#include <stddef.h>

typedef enum glimpse_where_field {
    GLIMPSE_WHERE_CAMERA,
    GLIMPSE_WHERE_LENS,
    GLIMPSE_WHERE_ISO,
    GLIMPSE_WHERE_APERTURE,
    GLIMPSE_WHERE_EXPOSURE,
    GLIMPSE_WHERE_FOCAL,
    GLIMPSE_WHERE_TAKEN,
    GLIMPSE_WHERE_MONTH,
    GLIMPSE_WHERE_HOUR,
    GLIMPSE_WHERE_GPS, /* near(...) and has(gps) */
    GLIMPSE_WHERE_RATING,
    GLIMPSE_WHERE_COLOUR_LABEL,
    GLIMPSE_WHERE_KEYWORD,
    GLIMPSE_WHERE_PERSON,
    GLIMPSE_WHERE_TITLE,
    GLIMPSE_WHERE_PATH,
    GLIMPSE_WHERE_FORMAT,
    GLIMPSE_WHERE_WIDTH,
    GLIMPSE_WHERE_HEIGHT,
    GLIMPSE_WHERE_BYTES,
    GLIMPSE_WHERE_ORIENTATION,
    GLIMPSE_WHERE_LABEL,
    GLIMPSE_WHERE_TAG,
    GLIMPSE_WHERE_ALBUM,
    GLIMPSE_WHERE_FAVOURITE,
    GLIMPSE_WHERE_CAPTION,
    GLIMPSE_WHERE_ADDED
} glimpse_where_field;

typedef enum glimpse_where_kind {
    GLIMPSE_WHERE_ALL,   /* of the children */
    GLIMPSE_WHERE_ANY,   /* of the children */
    GLIMPSE_WHERE_NOT,   /* the one child */
    GLIMPSE_WHERE_HAS,   /* the field has something */
    GLIMPSE_WHERE_IS,    /* the field is `text`, or one of those that it has is */
    GLIMPSE_WHERE_PART,  /* `text` is a part of it */
    GLIMPSE_WHERE_RANGE, /* a number from low to high */
    GLIMPSE_WHERE_TIME,  /* a date in [first, end) */
    GLIMPSE_WHERE_NEAR   /* at most `high` km from a place */
} glimpse_where_kind;

typedef struct glimpse_where_node {
    glimpse_where_kind kind;
    glimpse_where_field field;
    size_t child, next;      /* of the first child, of the next sibling; 0: none */
    char *text;              /* folded; a path is absolute and as it was written */
    double low, high;        /* both inclusive; -HUGE_VAL, HUGE_VAL: no limit */
    int low_open, high_open; /* the limit itself is outside */
    char first[GLIMPSE_DATE_BYTES], end[GLIMPSE_DATE_BYTES]; /* "", "\x7f": no limit */
    double latitude, longitude;
    int is_exact; /* a label: upper and lower case differ */
} glimpse_where_node;

typedef struct glimpse_where {
    glimpse_where_node *nodes; /* [count]; 0 is not used */
    size_t count, capacity;
    size_t root;
} glimpse_where;

/* As glimpse_where_check says. *out is NULL when it fails. */
int glimpse_where_parse(glimpse_where **out, const char *text);
/* What else a search asks for, all of which has to hold: dates in [after, before) and labels, as in
 * glimpse_search_options. *where may be NULL before, and is where there is nothing to add. */
int glimpse_where_add_dates(glimpse_where **where, const char *after, const char *before);
int glimpse_where_add_labels(glimpse_where **where, const char *const *labels, size_t count);
void glimpse_where_free(glimpse_where *where); /* NULL is fine */

/*
 * where_fields.c
 */
typedef enum glimpse_where_type {
    GLIMPSE_WHERE_TEXT,
    GLIMPSE_WHERE_NUMBER,
    GLIMPSE_WHERE_SIZE,     /* a number of bytes */
    GLIMPSE_WHERE_SECONDS,  /* 1/250 */
    GLIMPSE_WHERE_F_NUMBER, /* f/2.8 */
    GLIMPSE_WHERE_LENGTH,   /* 50mm */
    GLIMPSE_WHERE_DATE,
    GLIMPSE_WHERE_SHAPE, /* landscape, portrait, square */
    GLIMPSE_WHERE_PLACE, /* no comparisons */
    GLIMPSE_WHERE_FLAG   /* likewise: it is there or not */
} glimpse_where_type;

typedef struct glimpse_where_row {
    glimpse_where_field_info info;
    const char *alias; /* another name, or NULL */
    glimpse_where_type type;
    const char *none; /* instead of an answer: why nothing has it yet; NULL */
} glimpse_where_row;
/* By its number; the name that is wanted; NULL when there is none. */
const glimpse_where_row *glimpse_where_row_of(glimpse_where_field field);
const glimpse_where_row *glimpse_where_row_find(glimpse_where_field *field, const char *name,
                                                size_t length);
/* "; did you mean camera?" or the list of all: to go behind a message. */
const char *glimpse_where_row_suggest(char *out, size_t size, const char *name, size_t length);

/*
 * where_values.c: each is 1, or 0 when `text` is no such value.
 */
int glimpse_where_number(double *value, glimpse_where_type type, const char *text);
int glimpse_where_kilometres(double *value, const char *text);

/*
 * places.c
 */
/* The place of a name: "Lisbon" or "Lisbon, Portugal". */
int glimpse_place_find(double *latitude, double *longitude, const char *name);

#endif
