/*
 * index/dedup/dedup.c - a duplicate search from options to report; the steps are in the files
 * beside it (dedup_private.h names them).
 */
#include "dedup_private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"
#include "dedup_cache.h"
#include "dedup_holdings.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check(glimpse_dedup *dedup, const glimpse_dedup_options *options) {
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
    if (options->jobs > GLIMPSE_POOL_MAX_JOBS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%u jobs, at most %d make sense", options->jobs,
                            GLIMPSE_POOL_MAX_JOBS);
    }
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    memset(dedup, 0, sizeof *dedup);
    dedup->options = options;
    dedup->tiers = options->tiers;
    if (dedup->tiers == 0) {
        dedup->tiers = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_PERCEPTUAL;
        if (options->model) dedup->tiers |= GLIMPSE_TIER_SEMANTIC;
    }
    dedup->radius = options->radius;
    dedup->min_similarity = options->min_similarity; /* 0: chosen when the embeddings are there */
    dedup->jobs = options->jobs > 0 ? options->jobs : cores > 0 ? (unsigned)cores : 1;
    if (dedup->jobs > 256) dedup->jobs = 256;
    dedup->thumb_bytes = GLIMPSE_DEDUP_THUMB_BYTES;
    dedup->embedding_size = 0;
    if (options->model && ((dedup->tiers & GLIMPSE_TIER_SEMANTIC) || options->embed))
        dedup->embedding_size = glimpse_model_embedding_size(options->model);
    dedup->started = glimpse_now();
    return glimpse_dedup_load_rules(dedup);
}

static int match(glimpse_dedup *dedup) {
    int status = glimpse_dedup_find_sources(dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_split_classes(dedup);
    if (status == GLIMPSE_OK && (dedup->tiers & GLIMPSE_TIER_PERCEPTUAL))
        status = glimpse_dedup_perceptual(dedup);
    if (status == GLIMPSE_OK && (dedup->tiers & GLIMPSE_TIER_SEMANTIC))
        status = glimpse_dedup_semantic(dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_sort_hints(dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_verify(dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_weigh_all(dedup);
    if (status < 0) return status;
    glimpse_dedup_cache_write_thumbs(dedup);
    status = glimpse_dedup_measure_for_rules(dedup);
    if (status < 0) return status;
    status = dedup->options->against_count > 0 || dedup->options->against_library
                 ? glimpse_dedup_group_against(dedup)
                 : glimpse_dedup_group_all(dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_count_weak(dedup);
    return status < 0 ? status : glimpse_dedup_read_members(dedup);
}

/* What the run holds at its end, which is about the most: everything but pictures being read. */
static size_t bytes_held(const glimpse_dedup *dedup) {
    size_t bytes = dedup->capacity * sizeof *dedup->items +
                   dedup->hint_count * sizeof *dedup->hints +
                   dedup->edge_count * sizeof *dedup->edges + dedup->count * 13;
    for (size_t i = 0; i < dedup->count; i++) {
        const glimpse_dedup_item *item = &dedup->items[i];
        bytes += item->picture.path ? strlen(item->picture.path) + 96 : 0;
        bytes += item->thumb ? sizeof *item->thumb : 0;
        bytes += item->picture.embedding ? dedup->embedding_size * sizeof(float) : 0;
    }
    return bytes;
}

int glimpse_dedup_run(glimpse_dedup_report **out, const glimpse_dedup_options *given) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_dedup_options own = GLIMPSE_DEDUP_OPTIONS_INIT, *const options = &own;
    glimpse_dedup dedup = {0};
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the report");
    *out = NULL;
    if (!given) return glimpse_fail(GLIMPSE_E_INVALID, "no options");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_dedup_options, user);
    if (status < 0) return status;
    status = check(&dedup, options);
    if (status == GLIMPSE_OK) status = glimpse_dedup_list(&dedup);
    if (status == GLIMPSE_OK) status = glimpse_dedup_scan(&dedup);
    double read = glimpse_now();
    if (status == GLIMPSE_OK) status = glimpse_dedup_make_classes(&dedup);
    if (status == GLIMPSE_OK && !options->no_matching) status = match(&dedup);
    size_t bytes = bytes_held(&dedup);
    double matched = glimpse_now();
    if (status == GLIMPSE_OK) status = glimpse_dedup_make_report(&dedup, out);
    if (status == GLIMPSE_OK) {
        (*out)->seconds_read = read - dedup.started;
        (*out)->seconds_match = matched - read;
        (*out)->seconds = glimpse_now() - dedup.started;
        (*out)->peak_bytes = bytes;
    }
    glimpse_dedup_release(&dedup);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
