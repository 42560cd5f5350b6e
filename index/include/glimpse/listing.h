/*
 * glimpse/listing.h - the pictures of a library without a query: all, or those that pass filters,
 * in an order, one after the other.
 *
 *     glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
 *     glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
 *     filter.where = "rating = 4.. and near('Lisbon')";
 *     options.filter = &filter, options.sort = GLIMPSE_SORT_TAKEN;
 *     glimpse_session_list(session, &options, on_picture, user);
 *
 * No model is needed. Nothing is kept of what was visited: memory does not grow with the library
 * when the order is that of paths and nothing filters; else it is about 100 bytes for each file
 * that passes.
 */
#ifndef GLIMPSE_LISTING_H
#define GLIMPSE_LISTING_H

#include <glimpse/library.h>
#include <glimpse/session.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Equal ones are ordered by path, and what has no such thing comes last, also when it is reversed.
 */
typedef enum glimpse_sort {
    GLIMPSE_SORT_NONE,  /* of a list the paths, of hits their scores */
    GLIMPSE_SORT_TAKEN, /* the latest first */
    GLIMPSE_SORT_ADDED, /* the latest first */
    GLIMPSE_SORT_BYTES, /* the largest first */
    GLIMPSE_SORT_PATH,
    GLIMPSE_SORT_RATING /* the best first */
} glimpse_sort;

typedef struct glimpse_list_options {
    size_t size; /* GLIMPSE_LIST_OPTIONS_INIT sets it */
    /* within, after, before, labels and where of it; NULL: everything. The rest is for
     * rankings and not looked at. */
    const glimpse_search_options *filter;
    glimpse_sort sort;
    int reverse;
    size_t limit; /* so many at most; 0: all */
    /* Only the pictures of this album (glimpse/tags.h), in its order; `sort` and `reverse` are not
     * looked at. GLIMPSE_E_NOT_FOUND when there is none. NULL: all. */
    const char *album;
} glimpse_list_options;

static inline glimpse_list_options glimpse_list_options_init(void) {
    glimpse_list_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_LIST_OPTIONS_INIT glimpse_list_options_init()

/* A picture, by the best of its files that pass, as in a search: one whose root can be reached when
 * there is any, then the first path. Strings are never NULL. */
typedef struct glimpse_listed {
    glimpse_result file; /* scores are 0; file.offline is that of its root, now */
    const char *camera, *lens, *title, *colour_label; /* or "" */
    double iso, aperture, exposure, focal_length;     /* 0: not known */
    int has_gps;
    double latitude, longitude;
    const char *const *keywords, *const *people; /* [keyword_count], [person_count] */
    const char *const *labels;                   /* [label_count] stored labels, each once */
    size_t keyword_count, person_count, label_count;
    const char *metadata; /* all that the file says, a JSON object (docs/metadata.md), or "" */
} glimpse_listed;

/* Goes away with the call; a non-zero return stops and is returned. It must not write to the
 * library through this handle, nor call the session. */
typedef int (*glimpse_listed_fn)(void *user, const glimpse_listed *picture);

/* GLIMPSE_E_INVALID for options that make no sense, `where` among them (glimpse/filters.h).
 * `options` may be NULL. Missing files are not listed, unusable ones neither. */
GLIMPSE_API int glimpse_library_list(glimpse_library *library, const glimpse_list_options *options,
                                     glimpse_listed_fn visit, void *user);
/* The same. GLIMPSE_E_NOT_FOUND when there is no library. */
GLIMPSE_API int glimpse_session_list(glimpse_session *session, const glimpse_list_options *options,
                                     glimpse_listed_fn visit, void *user);

#ifdef __cplusplus
}
#endif
#endif
