/*
 * results.c - result lists.
 *
 * A content may have many files. The one shown is the first, by path, of these:
 *   1. files whose root was reachable when last indexed and that exist now;
 *   2. files of roots that were offline, and that exist after all;
 *   3. files that do not exist now: of a reachable root first (deleted since), then of offline
 * ones.
 */
#include "results.h"

#include "core/error.h"
#include "dates.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct glimpse_results {
    glimpse_result *items;
    size_t count, capacity;
    size_t ranked_before;
    glimpse_strings strings;
    int has_next;
    glimpse_search_page next;
};

int glimpse_results_create(glimpse_results **out, size_t capacity, uint64_t ranked_before) {
    *out = calloc(1, sizeof **out);
    if (!*out) return glimpse_fail_nomem(sizeof **out, "results");
    (*out)->items = calloc(capacity ? capacity : 1, sizeof *(*out)->items);
    if (!(*out)->items) {
        free(*out);
        *out = NULL;
        return glimpse_fail_nomem(capacity * sizeof(glimpse_result), "results");
    }
    (*out)->capacity = capacity;
    (*out)->ranked_before = (size_t)ranked_before;
    return GLIMPSE_OK;
}

void glimpse_results_set_next_page(glimpse_results *results, const glimpse_search_page *next) {
    results->has_next = 1;
    results->next = *next;
}

const glimpse_search_page *glimpse_results_next_page(const glimpse_results *results) {
    return results && results->has_next ? &results->next : NULL;
}

size_t glimpse_results_count(const glimpse_results *results) {
    return results ? results->count : 0;
}

void glimpse_results_cut(glimpse_results *results, size_t count) {
    if (results->count > count) results->count = count;
}

const glimpse_result *glimpse_results_get(const glimpse_results *results, size_t i) {
    return results && i < results->count ? &results->items[i] : NULL;
}

void glimpse_results_free(glimpse_results *results) {
    if (!results) return;
    for (size_t i = 0; i < results->capacity; i++) {
        free((void *)(uintptr_t)results->items[i].tags);
        free((void *)(uintptr_t)results->items[i].albums);
    }
    glimpse_strings_free(&results->strings);
    for (size_t i = 0; i < results->capacity; i++)
        free((void *)(uintptr_t)results->items[i].others);
    free(results->items);
    free(results);
}

int glimpse_availability_init(glimpse_availability *availability, glimpse_store *store) {
    *availability = (glimpse_availability){.store = store};
    int status = store->ops->roots.list(&availability->roots, &availability->count, store);
    if (status < 0) return status;
    availability->looked =
        calloc(availability->count ? availability->count : 1, sizeof *availability->looked);
    if (!availability->looked) {
        glimpse_availability_free(availability);
        return glimpse_fail_nomem(availability->count * sizeof(int), "roots");
    }
    return GLIMPSE_OK;
}

void glimpse_availability_free(glimpse_availability *availability) {
    glimpse_roots_free(availability->roots, availability->count);
    free(availability->looked);
    *availability = (glimpse_availability){0};
}

int glimpse_availability_was_offline(const glimpse_availability *availability, const char *path) {
    const glimpse_root *root = glimpse_root_of(availability->roots, availability->count, path);
    return root && root->offline;
}

int glimpse_availability_is_offline(glimpse_availability *availability, const char *path) {
    const glimpse_root *root = glimpse_root_of(availability->roots, availability->count, path);
    if (!root) return 0;
    size_t i = (size_t)(root - availability->roots);
    if (availability->looked[i] == 0) {
        int reachable = 1;
        int status = glimpse_store_root_reachable(&reachable, availability->store, root->path);
        availability->looked[i] = status < 0 || reachable ? 1 : -1;
    }
    return availability->looked[i] < 0;
}

static int exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

/* The file to show, and how many there are. `path` is malloc'ed; NULL when no file passes. */
typedef struct choice {
    glimpse_availability *availability;
    char *path;
    int64_t mtime_ns, file;
    int rank; /* 1..4, in the order above */
    size_t online, all;
} choice;

static int choose(void *user, const glimpse_store_file *file) {
    choice *best = user;
    int was_offline = glimpse_availability_was_offline(best->availability, file->path);
    best->all++;
    best->online += !was_offline;
    if (!file->passes) return GLIMPSE_OK;
    /* No look at the disk for what could not win anyway. */
    int lowest = was_offline ? 2 : 1;
    if (lowest >= best->rank) return GLIMPSE_OK;
    int rank = exists(file->path) ? lowest : lowest + 2;
    if (rank >= best->rank) return GLIMPSE_OK;
    free(best->path);
    best->path = strdup(file->path);
    best->rank = rank;
    best->mtime_ns = file->mtime_ns;
    best->file = file->id;
    return best->path ? GLIMPSE_OK : glimpse_fail_nomem(strlen(file->path), "a path");
}

typedef struct own_names {
    glimpse_strings *strings;
    const char **items;
    size_t count, capacity;
} own_names;

static int add_name(void *user, const char *name) {
    own_names *n = user;
    if (n->count == n->capacity) {
        const size_t capacity = n->capacity ? 2 * n->capacity : 4;
        const char **grown = realloc(n->items, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "names");
        n->items = grown;
        n->capacity = capacity;
    }
    n->items[n->count] = glimpse_strings_add(n->strings, name, strlen(name));
    return n->items[n->count++] ? GLIMPSE_OK : glimpse_fail_nomem(strlen(name), "a name");
}

int glimpse_results_add_names(glimpse_result *item, glimpse_store *store, glimpse_strings *strings,
                              int64_t content) {
    own_names tags = {.strings = strings}, albums = {.strings = strings};
    int status =
        store->ops->collections.of_picture(store, GLIMPSE_COLLECTION_TAG, content, add_name, &tags);
    if (status == GLIMPSE_OK) {
        status = store->ops->collections.of_picture(store, GLIMPSE_COLLECTION_ALBUM, content,
                                                    add_name, &albums);
    }
    item->tags = tags.items;
    item->tag_count = tags.count;
    item->albums = albums.items;
    item->album_count = albums.count;
    return status;
}

int glimpse_results_append(glimpse_results *results, glimpse_store *store,
                           glimpse_availability *availability, const glimpse_filter *filter,
                           const glimpse_ranked *ranked) {
    const glimpse_store_ops *ops = store->ops;
    int64_t content = ranked->candidate.content;
    glimpse_content_meta meta;
    choice shown = {.availability = availability, .rank = 5};
    int status = ops->files.of_content(store, filter, content, choose, &shown);
    if (status < 0 || !shown.path || results->count == results->capacity) goto done;
    glimpse_strings *strings = &results->strings;
    status = ops->contents.describe(&meta, store, strings, content, shown.file);
    if (status == GLIMPSE_E_NOT_FOUND) { /* gone: there is nothing to show */
        status = GLIMPSE_OK;
        goto done;
    }
    if (status < 0) goto done;

    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    glimpse_file_date date;
    glimpse_hash_to_hex(&meta.hash, hex);
    glimpse_date_of_file(shown.mtime_ns, modified, NULL);
    glimpse_file_date_choose(&date, meta.taken, meta.taken_from,
                             meta.has_offset ? &meta.offset_minutes : NULL, shown.path,
                             shown.mtime_ns);
    glimpse_result *item = &results->items[results->count];
    *item = (glimpse_result){
        .rank = results->ranked_before + results->count + 1,
        .score = ranked->candidate.score,
        .path = glimpse_strings_add(strings, shown.path, strlen(shown.path)),
        .id = glimpse_strings_add(strings, hex, strlen(hex)),
        .width = meta.width,
        .height = meta.height,
        .bytes = meta.size,
        .taken = glimpse_strings_add(strings, date.taken, strlen(date.taken)),
        .modified = glimpse_strings_add(strings, modified, strlen(modified)),
        .format = meta.format,
        .offline = shown.rank >= 3 && (glimpse_availability_was_offline(availability, shown.path) ||
                                       glimpse_availability_is_offline(availability, shown.path)),
        /* What is away counts only where nothing else is left. */
        .copies = shown.online > 0 ? shown.online : shown.all,
        .collapsed = ranked->collapsed,
        .fused = ranked->fused,
        .caption_score = ranked->caption_score,
        .vector_rank = ranked->vector_rank,
        .caption_rank = ranked->caption_rank,
        .taken_from = glimpse_taken_from_name(date.from),
        .has_taken_offset = date.has_offset,
        .taken_offset = date.offset_minutes,
        .has_rating = meta.has_rating,
        .rating = meta.rating,
        .added = meta.added,
    };
    if (!item->path || !item->id || !item->modified || !item->taken) {
        status = glimpse_fail_nomem(256, "a result");
        goto done;
    }
    (void)glimpse_tile_box(&item->tile, ranked->candidate.part, meta.width, meta.height);
    status = glimpse_results_add_names(item, store, strings, content);
    if (status == GLIMPSE_OK && ranked->caption) {
        status = ops->captions.text(&item->caption, store, strings, ranked->caption);
    }
    if (status == GLIMPSE_OK) results->count++;
done:
    free(shown.path);
    return status;
}

int glimpse_results_add_other(glimpse_results *results, glimpse_store *store,
                              glimpse_availability *availability, const glimpse_filter *filter,
                              int64_t content) {
    glimpse_result *item = &results->items[results->count - 1];
    const char **paths = (const char **)(uintptr_t)item->others;
    choice shown = {.availability = availability, .rank = 5};
    if (item->other_count == GLIMPSE_OTHERS_MAX) return GLIMPSE_OK;
    if (!paths) {
        paths = calloc(GLIMPSE_OTHERS_MAX, sizeof *paths);
        if (!paths) return glimpse_fail_nomem(GLIMPSE_OTHERS_MAX * sizeof *paths, "results");
        item->others = paths;
    }
    int status = store->ops->files.of_content(store, filter, content, choose, &shown);
    if (status == GLIMPSE_OK && shown.path) {
        const char *path = glimpse_strings_add(&results->strings, shown.path, strlen(shown.path));
        if (!path) status = glimpse_fail_nomem(strlen(shown.path), "a path");
        if (path) paths[item->other_count++] = path;
    }
    free(shown.path);
    return status;
}
