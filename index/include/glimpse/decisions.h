/*
 * glimpse/decisions.h - what a person decided about duplicates, remembered in a library.
 *
 *     const char *ids[] = {id_of_a, id_of_b};
 *     glimpse_decision_add(&number, library, GLIMPSE_DECISION_NOT_DUPLICATES, ids, paths, 2);
 *
 *     glimpse_decisions *decisions = NULL;
 *     glimpse_decisions_load(&decisions, library);
 *     glimpse_decisions_ask(decisions, id_of_a, id_of_b); // GLIMPSE_DECISION_NOT_DUPLICATES
 *
 * A decision is about contents, named by their ids (32 hexadecimal digits, <glimpse/library.h>) and
 * not by their paths: it survives moving, renaming, re-indexing and edits of their metadata, and
 * holds for files that the library itself never indexed. The paths given along are shown in lists;
 * files that are not indexed are read there, to be recognised when they were edited.
 *
 * A decision about several contents holds for every two of them:
 *     NOT_DUPLICATES  the two are different pictures
 *     KEEP_ALL        they may be the same picture; all are wanted. With one id alone: all files
 *                     with these bytes are wanted;
 *                     so too, in a longer list, for an id that is named twice.
 * When both hold for a pair, the one made last counts.
 *
 * Threads: as the library. A loaded glimpse_decisions is immutable: share it.
 */
#ifndef GLIMPSE_DECISIONS_H
#define GLIMPSE_DECISIONS_H

#include <glimpse/library.h>
#include <glimpse/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum glimpse_decision_kind {
    GLIMPSE_DECISION_NOTHING = 0, /* the numbers are stored, and those of <glimpse/dedup.h> */
    GLIMPSE_DECISION_NOT_DUPLICATES = 1,
    GLIMPSE_DECISION_KEEP_ALL = 2
} glimpse_decision_kind;
GLIMPSE_API const char *glimpse_decision_kind_name(glimpse_decision_kind kind); /* "keep-all" */

/* The content id of a file, for the calls below. Links are followed. */
GLIMPSE_API int glimpse_content_id(char *id /* [33] */, const char *path);

/* NOT_DUPLICATES needs two different ids, KEEP_ALL one; at most 10,000. An
 * equal decision (kind and ids) is made anew rather than doubled. GLIMPSE_E_BUSY when another
 * process is writing. `paths` [count] and `number` may be NULL. */
GLIMPSE_API int glimpse_decision_add(int64_t *number, glimpse_library *library,
                                     glimpse_decision_kind kind, const char *const *ids,
                                     const char *const *paths, size_t count);
/* Forgets one by its number: GLIMPSE_E_NOT_FOUND when there is none. */
GLIMPSE_API int glimpse_decision_forget(glimpse_library *library, int64_t number);

typedef struct glimpse_decision {
    int64_t number;
    glimpse_decision_kind kind;
    const char *made;         /* "2021-05-30T14:03:59", UTC */
    const char *const *ids;   /* [count], sorted */
    const char *const *paths; /* [count]: of a present file of the library with that content, else
                                 the one given when the decision was made, else "" */
    size_t count;
} glimpse_decision;

typedef struct glimpse_decisions glimpse_decisions;
GLIMPSE_API int glimpse_decisions_load(glimpse_decisions **out, glimpse_library *library);
GLIMPSE_API void glimpse_decisions_free(glimpse_decisions *decisions);
GLIMPSE_API size_t glimpse_decisions_count(const glimpse_decisions *decisions);
/* In the order they were made. */
GLIMPSE_API const glimpse_decision *glimpse_decisions_get(const glimpse_decisions *decisions,
                                                          size_t i);
/* A glimpse_decision_kind; `decisions` NULL: nothing was decided. Order does not matter; equal ids
 * ask about files of equal bytes. */
GLIMPSE_API int glimpse_decisions_ask(const glimpse_decisions *decisions, const char *a,
                                      const char *b);

#ifdef __cplusplus
}
#endif
#endif
