/*
 * index/search/fuse_models.h - the rankings of several models made one.
 */
#ifndef GLIMPSE_INDEX_FUSE_MODELS_H
#define GLIMPSE_INDEX_FUSE_MODELS_H

#include <glimpse/library.h>

/* What one model makes of a picture: rank 0 and a score of NaN when it is not in its ranking. */
typedef struct glimpse_fused_rank {
    size_t rank;
    double score;
} glimpse_fused_rank;

typedef struct glimpse_fused {
    const glimpse_result *result;    /* of the first ranking that has the picture; borrowed */
    double score;                    /* sum of 1 / (GLIMPSE_FUSION_K + rank) */
    const glimpse_fused_rank *ranks; /* [list_count], in memory of the same block: see below */
} glimpse_fused;

/*
 * Reciprocal rank fusion (Cormack, Clarke and Buettcher 2009) of `lists` [list_count], each best
 * first, with 1 <= list_count <= GLIMPSE_MAX_MODELS. A picture's rank is 1 + the number of pictures
 * of that list scored strictly better; pictures are the same when their ids are. The order: by the
 * sum, then by the ranks in the order of the lists (a picture without one last), then by id.
 * *out [*count] is one block of memory, the ranks in it too: free() it.
 */
int glimpse_fuse_models(glimpse_fused **out, size_t *count, const glimpse_results *const *lists,
                        size_t list_count);

#endif
