/*
 * session_hits.h - what a search of a session found, while it is put together.
 */
#ifndef GLIMPSE_SESSION_HITS_H
#define GLIMPSE_SESSION_HITS_H

#include "session_scores.h"

#include <glimpse/session_search.h>

struct glimpse_hits {
    glimpse_results *results; /* of the library, or NULL */
    glimpse_hit *items;       /* [count] */
    size_t count;
    glimpse_hits_summary summary;
    session_list strings;  /* char *, owned */
    const char **warnings; /* [summary.warning_count] */
    /* Of several models: what each found, and what is shown of it. */
    glimpse_results **several; /* [summary.model_count], or NULL */
    glimpse_hits_model *models;
    glimpse_result *shown;   /* [count] with the fused scores */
    glimpse_hit_rank *ranks; /* [count][summary.model_count] */
};

/* One hit a result, in their order; takes `results` over in any case. */
int glimpse_hits_of_results(glimpse_hits **out, glimpse_results *results);
/* One hit a path. */
int glimpse_hits_of_paths(glimpse_hits **out, const char *const *paths, size_t count);
/* What a summary has that is not 0 before anything is known. */
void glimpse_hits_summary_init(glimpse_hits_summary *summary);
/* A copy that lives as long as the hits; NULL: out of memory. */
int glimpse_hits_copy(const char **out, glimpse_hits *hits, const char *text);

/* As glimpse_session_note_within, and adds it to the warnings of the hits. */
int glimpse_hits_note_within(glimpse_hits *hits, glimpse_session *session, glimpse_library *library,
                             const char *const *within, size_t count);

/* Puts them in an order of glimpse/listing.h; GLIMPSE_SORT_NONE leaves them as they are. */
int glimpse_hits_sort(glimpse_hits *hits, glimpse_sort sort, int reverse);

/* Looks at the first `depth` hits again and puts them in order. */
int glimpse_hits_look_again(glimpse_hits *hits, const session_vlm *vlm, const char *text,
                            size_t depth, double weight, const session_control *control);

#endif
