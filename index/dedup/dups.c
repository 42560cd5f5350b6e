/*
 * index/dedup/dups.c - a duplicate search from options to report; the steps are in dups_*.c
 * (dups_private.h names them).
 */
#include "dups_private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"
#include "dups_cache.h"
#include "file_paths.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check(glimpse_dups *dups, const glimpse_dedup_options *options) {
    const unsigned all = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_PERCEPTUAL | GLIMPSE_TIER_SEMANTIC;
    if (options->root_count == 0 && !options->library)
        return glimpse_fail(GLIMPSE_E_INVALID, "no folder and no library to look at");
    if ((options->root_count > 0 && !options->roots) ||
        (options->against_count > 0 && !options->against))
        return glimpse_fail(GLIMPSE_E_INVALID, "folders are announced and not given");
    if (options->tiers & ~all)
        return glimpse_fail(GLIMPSE_E_INVALID, "unknown tiers 0x%x", options->tiers & ~all);
    if ((options->tiers & GLIMPSE_TIER_SEMANTIC) && !options->model)
        return glimpse_fail(GLIMPSE_E_INVALID, "semantic duplicates need a model");
    if (options->embed && !options->model)
        return glimpse_fail(GLIMPSE_E_INVALID, "embeddings need a model");
    if (options->radius > 20)
        return glimpse_fail(GLIMPSE_E_INVALID, "a Hamming radius of %u; at most 20 make sense",
                            options->radius);
    if (!(options->min_similarity >= 0 && options->min_similarity <= 1))
        return glimpse_fail(GLIMPSE_E_INVALID, "a least similarity of %g; it is from 0 to 1",
                            options->min_similarity);
    if ((unsigned)options->keep > GLIMPSE_KEEP_IN)
        return glimpse_fail(GLIMPSE_E_INVALID, "an unknown rule for what to keep");
    if (options->keep == GLIMPSE_KEEP_IN && !options->keep_path)
        return glimpse_fail(GLIMPSE_E_INVALID, "no folder is given to keep files in");
    if (options->jobs > GLIMPSE_POOL_MAX_JOBS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%u jobs, at most %d make sense", options->jobs,
                            GLIMPSE_POOL_MAX_JOBS);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    memset(dups, 0, sizeof *dups);
    dups->options = options;
    dups->tiers = options->tiers;
    if (dups->tiers == 0) {
        dups->tiers = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_PERCEPTUAL;
        if (options->model) dups->tiers |= GLIMPSE_TIER_SEMANTIC;
    }
    dups->radius = options->radius;
    dups->min_similarity = options->min_similarity; /* 0: chosen when the embeddings are there */
    dups->jobs = options->jobs > 0 ? options->jobs : cores > 0 ? (unsigned)cores : 1;
    if (dups->jobs > 256) dups->jobs = 256;
    dups->thumb_bytes = GLIMPSE_DUPS_THUMB_BYTES;
    dups->embedding_size = 0;
    if (options->model && ((dups->tiers & GLIMPSE_TIER_SEMANTIC) || options->embed))
        dups->embedding_size = glimpse_model_embedding_size(options->model);
    dups->started = glimpse_now();
    if (options->keep != GLIMPSE_KEEP_IN) return GLIMPSE_OK;
    dups->keep_path = glimpse_path_real(options->keep_path);
    return dups->keep_path ? GLIMPSE_OK
                           : glimpse_path_absolute(&dups->keep_path, options->keep_path);
}

static int match(glimpse_dups *dups) {
    int status = GLIMPSE_OK;
    if (dups->tiers & GLIMPSE_TIER_PERCEPTUAL) status = glimpse_dups_perceptual(dups);
    if (status == GLIMPSE_OK && (dups->tiers & GLIMPSE_TIER_SEMANTIC))
        status = glimpse_dups_semantic(dups);
    if (status == GLIMPSE_OK) status = glimpse_dups_sort_hints(dups);
    if (status == GLIMPSE_OK) status = glimpse_dups_verify(dups);
    if (status < 0) return status;
    glimpse_dups_cache_put_thumbs(dups);
    return dups->options->against_count > 0 || dups->options->against_library
               ? glimpse_dups_group_against(dups)
               : glimpse_dups_group_all(dups);
}

/* What the run holds at its end, which is about the most: everything but pictures being read. */
static size_t bytes_held(const glimpse_dups *dups) {
    size_t bytes = dups->room * sizeof *dups->items + dups->hint_count * sizeof *dups->hints +
                   dups->edge_count * sizeof *dups->edges + dups->count * 13;
    for (size_t i = 0; i < dups->count; i++) {
        const glimpse_dups_item *item = &dups->items[i];
        bytes += item->picture.path ? strlen(item->picture.path) + 96 : 0;
        bytes += item->thumb ? sizeof *item->thumb : 0;
        bytes += item->picture.embedding ? dups->embedding_size * sizeof(float) : 0;
    }
    return bytes;
}

int glimpse_dedup_run(glimpse_dedup_report **out, const glimpse_dedup_options *given) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_dedup_options own = GLIMPSE_DEDUP_OPTIONS_INIT, *const options = &own;
    glimpse_dups dups = {0};
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the report");
    *out = NULL;
    if (!given) return glimpse_fail(GLIMPSE_E_INVALID, "no options");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_dedup_options, user);
    if (status < 0) return status;
    status = check(&dups, options);
    if (status == GLIMPSE_OK) status = glimpse_dups_list(&dups);
    if (status == GLIMPSE_OK) status = glimpse_dups_scan(&dups);
    double read = glimpse_now();
    if (status == GLIMPSE_OK) status = glimpse_dups_make_classes(&dups);
    if (status == GLIMPSE_OK && !options->no_matching) status = match(&dups);
    size_t bytes = bytes_held(&dups);
    double matched = glimpse_now();
    if (status == GLIMPSE_OK) status = glimpse_dups_make_report(&dups, out);
    if (status == GLIMPSE_OK) {
        (*out)->seconds_read = read - dups.started;
        (*out)->seconds_match = matched - read;
        (*out)->seconds = glimpse_now() - dups.started;
        (*out)->peak_bytes = bytes;
    }
    glimpse_dups_release(&dups);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
