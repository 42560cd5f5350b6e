/*
 * pictures.c - the pictures of a library as a list.
 */
#include "core/error.h"
#include "search_private.h"

typedef struct listing {
    glimpse_store *store;
    glimpse_results *results;
    glimpse_availability availability;
    glimpse_filter *filter;
} listing;

static int append(void *user, int64_t content) {
    listing *l = user;
    const glimpse_ranked one = {.candidate.content = content};
    return glimpse_results_append(l->results, l->store, &l->availability, l->filter, &one);
}

int glimpse_library_pictures_filtered(glimpse_results **out, glimpse_library *library,
                                      const glimpse_search_options *filter) {
    if (out) *out = NULL;
    if (!library || !out) {
        return glimpse_fail_null(__func__);
    }
    glimpse_store *store = glimpse_library_store(library);
    const glimpse_store_ops *ops = store->ops;
    listing l = {.store = store};
    size_t count = 0;
    int status = ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_search_open_filter(&l.filter, store, filter);
    if (status == GLIMPSE_OK) status = glimpse_availability_init(&l.availability, store);
    if (status == GLIMPSE_OK) status = ops->filters.count_pictures(&count, store, l.filter);
    if (status == GLIMPSE_OK) status = glimpse_results_create(&l.results, count, 0);
    if (status == GLIMPSE_OK) status = ops->filters.pictures(store, l.filter, append, &l);
    ops->end_read(store);
    glimpse_availability_free(&l.availability);
    ops->filters.close(l.filter);
    if (status < 0) {
        glimpse_results_free(l.results);
        return status;
    }
    *out = l.results;
    return GLIMPSE_OK;
}

int glimpse_library_pictures(glimpse_results **out, glimpse_library *library,
                             const char *const *within, size_t within_count) {
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    filter.within = within;
    filter.within_count = within_count;
    return glimpse_library_pictures_filtered(out, library, &filter);
}
