/*
 * glimpse/tags.h - what a person says of pictures: tags, favourites and albums.
 *
 *     const char *const names[] = {"people/Ann"};
 *     glimpse_collect_options which = GLIMPSE_COLLECT_OPTIONS_INIT;
 *     which.pictures = paths, which.picture_count = count;
 *     glimpse_session_collect(&report, session, GLIMPSE_COLLECTION_TAG, names, 1, &which);
 *     ...
 *     search.where = "tag = people and not album = 'Norway 2024'";     // glimpse/filters.h
 *
 * Both are collections of pictures under a name: a tag is there while a picture has it, an album
 * from when it is created until it is deleted, and its pictures are in an order. A picture is in a
 * collection once, and in as many as one likes. A favourite is a picture with the tag
 * GLIMPSE_TAG_FAVOURITE.
 *
 * They belong to the picture, as labels and captions do: whatever is moved, renamed, copied or
 * tagged anew, every file of it has them. A picture whose pixels were edited is another one. What a
 * person said cannot be made again: a picture that is in a collection stays known when its files
 * are forgotten (glimpse_library_prune), and has its tags again when a file of it comes back.
 *
 * A name is UTF-8 without control characters, at most GLIMPSE_COLLECTION_NAME_MAX bytes. Blanks
 * around it and around its parts are left out, upper and lower case are kept; two that differ in
 * case alone are one. Slashes make a hierarchy: a filter for "people" or "Ann" finds "people/Ann".
 *
 * Every call that writes is one transaction with the lock of the library: GLIMPSE_E_BUSY names who
 * has it. Where nothing changes nothing is written.
 */
#ifndef GLIMPSE_TAGS_H
#define GLIMPSE_TAGS_H

#include <glimpse/library.h>
#include <glimpse/session.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_collection_kind {
    GLIMPSE_COLLECTION_TAG = 1,
    GLIMPSE_COLLECTION_ALBUM = 2
} glimpse_collection_kind;

enum { GLIMPSE_COLLECTION_NAME_MAX = 255 };
#define GLIMPSE_TAG_FAVOURITE "favourite"

/* GLIMPSE_OK, or GLIMPSE_E_INVALID with what is wrong with the name. */
GLIMPSE_API int glimpse_collection_name_check(const char *name);

/*
 * Putting pictures in, taking them out.
 */
/* Told of each picture that is not in the library; a non-zero return stops, nothing is changed, and
 * is returned. */
typedef int (*glimpse_collect_unknown_fn)(void *user, const char *path_or_id);

typedef struct glimpse_collect_options {
    size_t size;                 /* GLIMPSE_COLLECT_OPTIONS_INIT sets it */
    const char *const *pictures; /* [picture_count] paths of files, or ids */
    size_t picture_count;
    /* And all that pass: within, after, before, labels and where of it. NULL: no more. */
    const glimpse_search_options *filter;
    glimpse_collect_unknown_fn unknown; /* NULL: they are only counted */
    void *user;                         /* of `unknown` */
    /* Of an album: the first of them becomes its so many-th, from 1, and those that are in it
     * already move there; 0: they are added behind the last, and those that are in it stay. */
    size_t position;
    int dry_run; /* only report; the numbers are those of the real thing */
} glimpse_collect_options;

static inline glimpse_collect_options glimpse_collect_options_init(void) {
    glimpse_collect_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_COLLECT_OPTIONS_INIT glimpse_collect_options_init()

typedef struct glimpse_collect_report {
    size_t size;       /* GLIMPSE_COLLECT_REPORT_INIT sets it */
    uint64_t pictures; /* different ones that were meant; several files of one are one */
    uint64_t changed;  /* of them: for which something changed */
    uint64_t unknown;  /* paths and ids that are not in the library */
} glimpse_collect_report;

static inline glimpse_collect_report glimpse_collect_report_init(void) {
    glimpse_collect_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_COLLECT_REPORT_INIT glimpse_collect_report_init()

/* Puts the pictures into every one of `names` [count]. Tags are made; an album has to be there:
 * GLIMPSE_E_NOT_FOUND. `report` may be NULL. */
GLIMPSE_API int glimpse_library_collect(glimpse_collect_report *report, glimpse_library *library,
                                        glimpse_collection_kind kind, const char *const *names,
                                        size_t count, const glimpse_collect_options *options);
/* Takes them out. GLIMPSE_E_NOT_FOUND for a name that is not there. */
GLIMPSE_API int glimpse_library_uncollect(glimpse_collect_report *report, glimpse_library *library,
                                          glimpse_collection_kind kind, const char *const *names,
                                          size_t count, const glimpse_collect_options *options);

/*
 * Collections as a whole.
 */
typedef struct glimpse_collection {
    glimpse_collection_kind kind;
    const char *name;
    const char *created; /* "2021-05-30T14:03:59", UTC */
    uint64_t pictures;
    uint64_t missing; /* of them: no file shows them any more */
} glimpse_collection;

/* What they are given goes away with the call; a non-zero return stops and is returned. They must
 * not write to the library through this handle, nor call the session. */
typedef int (*glimpse_collection_fn)(void *user, const glimpse_collection *collection);
typedef int (*glimpse_collection_name_fn)(void *user, const char *name);

/* All of a kind, by name. */
GLIMPSE_API int glimpse_library_collections(glimpse_library *library, glimpse_collection_kind kind,
                                            glimpse_collection_fn visit, void *user);
/* Those that a picture is in, by name. GLIMPSE_E_NOT_FOUND for one that is not in the library. */
GLIMPSE_API int glimpse_library_collections_of(glimpse_library *library,
                                               glimpse_collection_kind kind, const char *path_or_id,
                                               glimpse_collection_name_fn visit, void *user);
/* An album without pictures. GLIMPSE_E_INVALID when there is one of this name. What is in it:
 * glimpse/listing.h. */
GLIMPSE_API int glimpse_library_create_album(glimpse_library *library, const char *name);
/* Also what is below it: "people" to "family" makes "family/Ann" of "people/Ann". *renamed (NULL is
 * fine) counts them. GLIMPSE_E_INVALID when a new name is taken, GLIMPSE_E_NOT_FOUND for a name
 * that is not there. */
GLIMPSE_API int glimpse_library_rename_collection(uint64_t *renamed, glimpse_library *library,
                                                  glimpse_collection_kind kind, const char *from,
                                                  const char *to);
/* The collection, never its pictures. GLIMPSE_E_NOT_FOUND for a name that is not there. */
GLIMPSE_API int glimpse_library_delete_collection(glimpse_library *library,
                                                  glimpse_collection_kind kind, const char *name);

/*
 * The same of the library of a session. GLIMPSE_E_NOT_FOUND when there is none.
 */
GLIMPSE_API int glimpse_session_collect(glimpse_collect_report *report, glimpse_session *session,
                                        glimpse_collection_kind kind, const char *const *names,
                                        size_t count, const glimpse_collect_options *options);
GLIMPSE_API int glimpse_session_uncollect(glimpse_collect_report *report, glimpse_session *session,
                                          glimpse_collection_kind kind, const char *const *names,
                                          size_t count, const glimpse_collect_options *options);
GLIMPSE_API int glimpse_session_collections(glimpse_session *session, glimpse_collection_kind kind,
                                            glimpse_collection_fn visit, void *user);
GLIMPSE_API int glimpse_session_collections_of(glimpse_session *session,
                                               glimpse_collection_kind kind, const char *path_or_id,
                                               glimpse_collection_name_fn visit, void *user);
GLIMPSE_API int glimpse_session_create_album(glimpse_session *session, const char *name);
GLIMPSE_API int glimpse_session_rename_collection(uint64_t *renamed, glimpse_session *session,
                                                  glimpse_collection_kind kind, const char *from,
                                                  const char *to);
GLIMPSE_API int glimpse_session_delete_collection(glimpse_session *session,
                                                  glimpse_collection_kind kind, const char *name);

#ifdef __cplusplus
}
#endif
#endif
