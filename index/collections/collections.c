/*
 * collections.c - tags and albums of a library; glimpse/tags.h says what they mean.
 */
#include "collection_names.h"
#include "core/error.h"
#include "core/options.h"
#include "library_private.h"
#include "search_private.h"

#include <stdlib.h>
#include <string.h>

static const char purpose[] = "tagging";

static int check_kind(glimpse_collection_kind kind) {
    if (kind == GLIMPSE_COLLECTION_TAG || kind == GLIMPSE_COLLECTION_ALBUM) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "there is no collection of the kind %d", (int)kind);
}

/*
 * Which pictures.
 */
typedef struct gathering {
    glimpse_store *store;
    int64_t *pictures; /* [count] in the order they were named */
    size_t count, capacity;
    glimpse_collect_report report;
} gathering;

static int push(void *user, int64_t picture) {
    gathering *g = user;
    if (g->count == g->capacity) {
        const size_t capacity = g->capacity ? 2 * g->capacity : 256;
        int64_t *grown = realloc(g->pictures, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "pictures");
        g->pictures = grown;
        g->capacity = capacity;
    }
    g->pictures[g->count++] = picture;
    return GLIMPSE_OK;
}

static int gather_named(gathering *g, const glimpse_collect_options *o) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < o->picture_count && status == GLIMPSE_OK; i++) {
        int64_t picture = 0;
        status = glimpse_store_content_of(&picture, g->store, o->pictures[i]);
        if (status == GLIMPSE_OK) {
            status = push(g, picture);
        } else if (status == GLIMPSE_E_NOT_FOUND) {
            g->report.unknown++;
            status = o->unknown ? o->unknown(o->user, o->pictures[i]) : GLIMPSE_OK;
        }
    }
    return status;
}

static int gather_filtered(gathering *g, const glimpse_search_options *options) {
    glimpse_filter *filter = NULL;
    int status = glimpse_search_open_filter(&filter, g->store, options);
    if (status == GLIMPSE_OK) {
        status = g->store->ops->filters.pictures(g->store, filter, push, g);
    }
    g->store->ops->filters.close(filter);
    return status;
}

typedef struct numbered {
    int64_t picture;
    size_t at;
} numbered;

static int compare_numbered(const void *a, const void *b) {
    const numbered *x = a, *y = b;
    if (x->picture != y->picture) return x->picture < y->picture ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Each once, where it was first. */
static int drop_repeated(gathering *g) {
    numbered *all = calloc(g->count + 1, sizeof *all);
    unsigned char *again = calloc(g->count + 1, 1);
    size_t kept = 0;
    int status = GLIMPSE_OK;
    if (all && again) {
        for (size_t i = 0; i < g->count; i++)
            all[i] = (numbered){g->pictures[i], i};
        qsort(all, g->count, sizeof *all, compare_numbered);
        for (size_t i = 1; i < g->count; i++)
            if (all[i].picture == all[i - 1].picture) again[all[i].at] = 1;
        for (size_t i = 0; i < g->count; i++)
            if (!again[i]) g->pictures[kept++] = g->pictures[i];
        g->count = kept;
    } else {
        status = glimpse_fail_nomem(g->count * sizeof *all, "pictures");
    }
    free(again);
    free(all);
    return status;
}

static int gather(gathering *g, const glimpse_collect_options *o) {
    int status = gather_named(g, o);
    if (status == GLIMPSE_OK && o->filter) status = gather_filtered(g, o->filter);
    if (status == GLIMPSE_OK) status = drop_repeated(g);
    g->report.pictures = g->count;
    return status;
}

/*
 * In and out.
 */
typedef struct names {
    char (*clean)[GLIMPSE_COLLECTION_NAME_MAX + 1]; /* [count] */
    size_t count;
} names;

static int clean_names(names *out, const char *const *given, size_t count) {
    *out = (names){calloc(count + 1, sizeof *out->clean), count};
    if (!out->clean) return glimpse_fail_nomem(count * sizeof *out->clean, "names");
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_collection_name_clean(out->clean[i], given[i]);
    return status;
}

static int write_all(gathering *g, glimpse_collection_kind kind, const names *all, int removes,
                     size_t position) {
    const glimpse_store_ops *ops = g->store->ops;
    unsigned char *touched = calloc(g->count + 1, 1);
    int status = touched ? GLIMPSE_OK : glimpse_fail_nomem(g->count, "pictures");
    for (size_t i = 0; i < all->count && status == GLIMPSE_OK; i++) {
        status = removes ? ops->collections.remove(touched, g->store, kind, all->clean[i],
                                                   g->pictures, g->count)
                         : ops->collections.add(touched, g->store, kind, all->clean[i], g->pictures,
                                                g->count, position);
    }
    for (size_t i = 0; touched && i < g->count; i++)
        g->report.changed += touched[i];
    free(touched);
    return status;
}

static int change(glimpse_collect_report *report, glimpse_library *library,
                  glimpse_collection_kind kind, const char *const *given, size_t count,
                  const glimpse_collect_options *given_options, int removes) {
    glimpse_collect_options o = GLIMPSE_COLLECT_OPTIONS_INIT;
    gathering g = {.report = GLIMPSE_COLLECT_REPORT_INIT};
    names all = {0};
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_collect_report, unknown);
    if (status < 0) return status;
    GLIMPSE_REPORT_STORE(report, &g.report);
    if (!library || (count > 0 && !given)) return glimpse_fail_null("glimpse_library_collect");
    status = GLIMPSE_OPTIONS_LOAD(&o, given_options, glimpse_collect_options, dry_run);
    if (status == GLIMPSE_OK) status = check_kind(kind);
    if (status == GLIMPSE_OK && count == 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "no tag or album is named");
    }
    if (status == GLIMPSE_OK) status = clean_names(&all, given, count);
    g.store = glimpse_library_store(library);
    const glimpse_store_ops *ops = g.store->ops;
    if (status == GLIMPSE_OK) status = ops->lock(g.store, purpose);
    if (status < 0) goto done;
    status = ops->begin(g.store);
    if (status == GLIMPSE_OK) status = gather(&g, &o);
    if (status == GLIMPSE_OK) status = write_all(&g, kind, &all, removes, o.position);
    /* Positions that only close a gap are no change. */
    if (status == GLIMPSE_OK && !o.dry_run && g.report.changed > 0) status = ops->commit(g.store);
    ops->rollback(g.store);
    ops->unlock(g.store);
    if (status == GLIMPSE_OK) GLIMPSE_REPORT_STORE(report, &g.report);
done:
    free(g.pictures);
    free(all.clean);
    return status;
}

int glimpse_library_collect(glimpse_collect_report *report, glimpse_library *library,
                            glimpse_collection_kind kind, const char *const *names_given,
                            size_t count, const glimpse_collect_options *options) {
    return change(report, library, kind, names_given, count, options, 0);
}

int glimpse_library_uncollect(glimpse_collect_report *report, glimpse_library *library,
                              glimpse_collection_kind kind, const char *const *names_given,
                              size_t count, const glimpse_collect_options *options) {
    return change(report, library, kind, names_given, count, options, 1);
}

/*
 * Collections as a whole.
 */
int glimpse_library_create_album(glimpse_library *library, const char *name) {
    char clean[GLIMPSE_COLLECTION_NAME_MAX + 1];
    if (!library) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    int status = glimpse_collection_name_clean(clean, name);
    if (status == GLIMPSE_OK) status = store->ops->lock(store, purpose);
    if (status < 0) return status;
    status = store->ops->begin(store);
    if (status == GLIMPSE_OK) {
        status = store->ops->collections.create(store, GLIMPSE_COLLECTION_ALBUM, clean);
    }
    if (status == GLIMPSE_OK) status = store->ops->commit(store);
    store->ops->rollback(store);
    store->ops->unlock(store);
    return status;
}

int glimpse_library_rename_collection(uint64_t *renamed, glimpse_library *library,
                                      glimpse_collection_kind kind, const char *from,
                                      const char *to) {
    char old[GLIMPSE_COLLECTION_NAME_MAX + 1], new[GLIMPSE_COLLECTION_NAME_MAX + 1];
    uint64_t count = 0;
    if (renamed) *renamed = 0;
    if (!library) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    int status = check_kind(kind);
    if (status == GLIMPSE_OK) status = glimpse_collection_name_clean(old, from);
    if (status == GLIMPSE_OK) status = glimpse_collection_name_clean(new, to);
    if (status == GLIMPSE_OK) status = store->ops->lock(store, purpose);
    if (status < 0) return status;
    status = store->ops->begin(store);
    if (status == GLIMPSE_OK) {
        status = store->ops->collections.rename(&count, store, kind, old, new);
    }
    if (status == GLIMPSE_OK && count > 0) status = store->ops->commit(store);
    store->ops->rollback(store);
    store->ops->unlock(store);
    if (status == GLIMPSE_OK && renamed) *renamed = count;
    return status;
}

int glimpse_library_delete_collection(glimpse_library *library, glimpse_collection_kind kind,
                                      const char *name) {
    char clean[GLIMPSE_COLLECTION_NAME_MAX + 1];
    if (!library) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    int status = check_kind(kind);
    if (status == GLIMPSE_OK) status = glimpse_collection_name_clean(clean, name);
    if (status == GLIMPSE_OK) status = store->ops->lock(store, purpose);
    if (status < 0) return status;
    status = store->ops->begin(store);
    if (status == GLIMPSE_OK) status = store->ops->collections.forget(store, kind, clean);
    if (status == GLIMPSE_OK) status = store->ops->commit(store);
    store->ops->rollback(store);
    store->ops->unlock(store);
    return status;
}

/*
 * Reading.
 */
int glimpse_library_collections(glimpse_library *library, glimpse_collection_kind kind,
                                glimpse_collection_fn visit, void *user) {
    if (!library || !visit) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    const int status = check_kind(kind);
    return status < 0 ? status : store->ops->collections.list(store, kind, visit, user);
}

int glimpse_library_collections_of(glimpse_library *library, glimpse_collection_kind kind,
                                   const char *path_or_id, glimpse_collection_name_fn visit,
                                   void *user) {
    int64_t picture = 0;
    if (!library || !path_or_id || !visit) return glimpse_fail_null(__func__);
    glimpse_store *store = glimpse_library_store(library);
    int status = check_kind(kind);
    if (status == GLIMPSE_OK) status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_store_content_of(&picture, store, path_or_id);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(status, "%s: not in the library", path_or_id);
    }
    if (status == GLIMPSE_OK) {
        status = store->ops->collections.of_picture(store, kind, picture, visit, user);
    }
    store->ops->end_read(store);
    return status;
}
