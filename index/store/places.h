/*
 * places.h - lists of places, for places.c, which looks names up in them.
 */
#ifndef GLIMPSE_INDEX_PLACES_H
#define GLIMPSE_INDEX_PLACES_H

#include <stdio.h>

typedef struct glimpse_place {
    const char *name, *ascii;           /* the second may be NULL */
    const char *others;                 /* further names with commas between them, or NULL */
    const char *state, *country, *code; /* what it lies in, or NULL; code: "PT" */
    double latitude, longitude;
    double people; /* 0: not known */
} glimpse_place;
/* Non-zero ends the reading. What it is given goes away with the call. */
typedef int (*glimpse_place_fn)(void *user, const glimpse_place *place);

/* Each reads a file that is open, passes over what it cannot read, and returns what `visit` did, or
 * a status. */
int glimpse_places_read_lines(FILE *file, const char *path, glimpse_place_fn visit, void *user);
int glimpse_places_read_zones(FILE *file, const char *path, glimpse_place_fn visit, void *user);
int glimpse_places_read_gweather(FILE *file, const char *path, glimpse_place_fn visit, void *user);

#endif
