/*
 * list.c - the pictures of a library without a query.
 *
 * The store gives the files that pass, in order; each picture is shown when the file comes that is
 * to show it.
 */
#include "core/error.h"
#include "core/options.h"
#include "dates.h"
#include "search_private.h"

#include <glimpse/listing.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct names {
    const char **items;
    size_t count, capacity;
} names;

typedef struct listing {
    glimpse_store *store;
    glimpse_filter *filter;
    glimpse_availability availability;
    glimpse_listed_fn visit;
    void *user;
    size_t shown, limit;
    names keywords, people, labels;
    int is_full; /* the limit was reached */
} listing;

/* Which of the files of a picture shows it, and how many there are. */
typedef struct choice {
    listing *l;
    int64_t file, wanted; /* 0: whichever it is */
    int rank;
    char *path; /* of `wanted` */
    int64_t mtime_ns;
    size_t online, all;
} choice;

static int choose(void *user, const glimpse_store_file *file) {
    choice *c = user;
    const int is_offline = glimpse_availability_is_offline(&c->l->availability, file->path);
    c->all++;
    c->online += !is_offline;
    if (!file->passes) return GLIMPSE_OK;
    const int is_best = !c->file || is_offline + 1 < c->rank;
    if (c->wanted ? file->id == c->wanted : is_best) {
        free(c->path);
        c->path = strdup(file->path);
        c->mtime_ns = file->mtime_ns;
        if (!c->path) return glimpse_fail_nomem(strlen(file->path), "a path");
    }
    if (!is_best) return GLIMPSE_OK;
    c->file = file->id;
    c->rank = is_offline + 1;
    return GLIMPSE_OK;
}

static int add_name(names *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0) return GLIMPSE_OK;
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 16;
        const char **grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "names");
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = name;
    return GLIMPSE_OK;
}

typedef struct labelling {
    listing *l;
    glimpse_strings *strings;
} labelling;

static int on_label(void *user, const glimpse_stored_label *label) {
    labelling *g = user;
    const char *name =
        glimpse_strings_add(g->strings, label->class_name, strlen(label->class_name));
    return name ? add_name(&g->l->labels, name) : glimpse_fail_nomem(64, "a label");
}

static const char *text_of(const json_t *fields, const char *key) {
    const char *text = json_string_value(json_object_get(fields, key));
    return text ? text : "";
}

static double number_of(const json_t *fields, const char *key) {
    const json_t *value = json_object_get(fields, key);
    return json_is_number(value) ? json_number_value(value) : 0;
}

/* What is in the JSON of `fields`, which goes on owning it. */
static int read_fields(glimpse_listed *out, listing *l, const json_t *fields) {
    size_t i;
    json_t *item;
    int status = GLIMPSE_OK;
    out->lens = text_of(fields, "lens");
    out->title = text_of(fields, "title");
    out->colour_label = text_of(fields, "label");
    out->iso = number_of(fields, "iso");
    out->aperture = number_of(fields, "aperture");
    out->exposure = number_of(fields, "exposure");
    out->focal_length = number_of(fields, "focal_length");
    const json_t *keywords = json_object_get(fields, "keywords");
    json_array_foreach(keywords, i, item) {
        if (status == GLIMPSE_OK && json_string_value(item)) {
            status = add_name(&l->keywords, json_string_value(item));
        }
    }
    const json_t *people = json_object_get(fields, "people");
    json_array_foreach(people, i, item) {
        const char *name = text_of(item, "name");
        if (status == GLIMPSE_OK && *name) status = add_name(&l->people, name);
    }
    return status;
}

static int show(listing *l, const choice *c, int64_t picture, glimpse_strings *strings) {
    const glimpse_store_ops *ops = l->store->ops;
    glimpse_content_meta meta;
    char hex[GLIMPSE_HASH_HEX], modified[GLIMPSE_DATE_BYTES];
    glimpse_file_date date;
    labelling labels = {l, strings};
    l->keywords.count = l->people.count = l->labels.count = 0;
    int status = ops->contents.describe(&meta, l->store, strings, picture, c->file);
    if (status == GLIMPSE_OK) status = ops->labels.of_content(l->store, picture, on_label, &labels);
    if (status != GLIMPSE_OK) return status == GLIMPSE_E_NOT_FOUND ? GLIMPSE_OK : status;
    glimpse_hash_to_hex(&meta.hash, hex);
    glimpse_date_of_file(c->mtime_ns, modified, NULL);
    glimpse_file_date_choose(&date, meta.taken, meta.taken_from,
                             meta.has_offset ? &meta.offset_minutes : NULL, c->path, c->mtime_ns);
    glimpse_listed listed = {
        .file = {.rank = l->shown + 1,
                 .path = c->path,
                 .id = hex,
                 .width = meta.width,
                 .height = meta.height,
                 .bytes = meta.size,
                 .taken = date.taken,
                 .modified = modified,
                 .format = meta.format,
                 .offline = c->rank > 1,
                 .copies = c->online > 0 ? c->online : c->all,
                 .taken_from = glimpse_taken_from_name(date.from),
                 .has_taken_offset = date.has_offset,
                 .taken_offset = date.offset_minutes,
                 .has_rating = meta.has_rating,
                 .rating = meta.rating,
                 .added = meta.added},
        .camera = meta.camera,
        .has_gps = meta.has_gps,
        .latitude = meta.latitude,
        .longitude = meta.longitude,
        .metadata = meta.fields ? meta.fields : "",
    };
    json_t *fields = meta.fields ? json_loads(meta.fields, 0, NULL) : NULL;
    status = read_fields(&listed, l, fields);
    listed.keywords = l->keywords.items;
    listed.keyword_count = l->keywords.count;
    listed.people = l->people.items;
    listed.person_count = l->people.count;
    listed.labels = l->labels.items;
    listed.label_count = l->labels.count;
    if (status == GLIMPSE_OK) {
        status = glimpse_results_add_names(&listed.file, l->store, strings, picture);
    }
    if (status == GLIMPSE_OK) {
        l->shown++;
        status = l->visit(l->user, &listed);
    }
    free((void *)(uintptr_t)listed.file.tags);
    free((void *)(uintptr_t)listed.file.albums);
    json_decref(fields);
    return status;
}

static int on_file(void *user, int64_t file, int64_t picture) {
    listing *l = user;
    choice c = {.l = l, .wanted = file};
    glimpse_strings strings = {0};
    int status = l->store->ops->files.of_content(l->store, l->filter, picture, choose, &c);
    if (status == GLIMPSE_OK && (!file || c.file == file) && c.path)
        status = show(l, &c, picture, &strings);
    glimpse_strings_free(&strings);
    free(c.path);
    if (status == GLIMPSE_OK && l->limit > 0 && l->shown >= l->limit) {
        l->is_full = 1;
        return 1;
    }
    return status;
}

/* A picture of an album. */
static int on_picture(void *user, int64_t picture) {
    return on_file(user, 0, picture);
}

int glimpse_library_list(glimpse_library *library, const glimpse_list_options *given,
                         glimpse_listed_fn visit, void *user) {
    glimpse_list_options options = GLIMPSE_LIST_OPTIONS_INIT;
    if (!library || !visit) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&options, given, glimpse_list_options, limit);
    if (status == GLIMPSE_OK &&
        (options.sort < GLIMPSE_SORT_NONE || options.sort > GLIMPSE_SORT_RATING)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "an order of %d", (int)options.sort);
    }
    if (status < 0) return status;
    listing l = {.store = glimpse_library_store(library),
                 .visit = visit,
                 .user = user,
                 .limit = options.limit};
    const glimpse_store_ops *ops = l.store->ops;
    status = ops->begin_read(l.store);
    if (status < 0) return status;
    status = glimpse_search_open_filter(&l.filter, l.store, options.filter);
    if (status == GLIMPSE_OK) status = glimpse_availability_init(&l.availability, l.store);
    if (status == GLIMPSE_OK && options.album) {
        status = ops->collections.pictures(l.store, GLIMPSE_COLLECTION_ALBUM, options.album,
                                           on_picture, &l);
    } else if (status == GLIMPSE_OK) {
        status =
            ops->filters.list(l.store, l.filter, options.sort, options.reverse != 0, on_file, &l);
    }
    ops->end_read(l.store);
    glimpse_availability_free(&l.availability);
    ops->filters.close(l.filter);
    free(l.keywords.items);
    free(l.people.items);
    free(l.labels.items);
    return l.is_full && status == 1 ? GLIMPSE_OK : status;
}
