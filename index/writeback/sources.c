/*
 * sources.c - what the library knows of a picture, as items of an edit.
 */
#include "core/error.h"
#include "writeback.h"

#include <glimpse/captions.h>
#include <glimpse/stored_labels.h>
#include <glimpse/tags.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct loading {
    writeback_picture *picture;
    glimpse_library *library;
    const glimpse_write_options *options;
    json_t *metadata;
    int style_of_description; /* of captions; -1: none yet */
} loading;

typedef struct source {
    const char *name; /* in files: it stays */
    unsigned bit;
    int (*load)(loading *l);
} source;

void glimpse_writeback_picture_free(writeback_picture *picture) {
    writeback_texts *const lists[] = {&picture->texts, &picture->keywords, &picture->hierarchical};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (size_t k = 0; k < lists[i]->count; k++)
            free(lists[i]->items[k]);
        free(lists[i]->items);
    }
    free(picture->items);
    free(picture->path);
    free(picture->metadata);
    *picture = (writeback_picture){0};
}

static const char *keep(writeback_texts *list, const char *text) {
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 16;
        char **grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) return NULL;
        list->items = grown;
        list->capacity = capacity;
    }
    char *copy = strdup(text);
    if (copy) list->items[list->count++] = copy;
    return copy;
}

static int add(loading *l, const char *name, glimpse_xmp_field field, const char *text) {
    writeback_picture *p = l->picture;
    if (!*text) return GLIMPSE_OK;
    if (p->item_count == p->item_capacity) {
        const size_t capacity = p->item_capacity ? 2 * p->item_capacity : 16;
        glimpse_xmp_item *grown = realloc(p->items, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "what is written");
        p->items = grown;
        p->item_capacity = capacity;
    }
    const char *copy = keep(&p->texts, text);
    if (!copy) return glimpse_fail_nomem(strlen(text), "what is written");
    p->items[p->item_count++] = (glimpse_xmp_item){name, field, copy};
    return GLIMPSE_OK;
}

/*
 * Metadata, first: what a person wrote counts before what a model wrote.
 */
static const char *text_in(const loading *l, const char *key) {
    const char *text = json_string_value(json_object_get(l->metadata, key));
    return text ? text : "";
}

static int load_metadata(loading *l) {
    static const char name[] = "metadata";
    const writeback_picture *p = l->picture;
    char number[64];
    int status = add(l, name, GLIMPSE_XMP_TITLE, p->title);
    if (status == GLIMPSE_OK) status = add(l, name, GLIMPSE_XMP_DESCRIPTION, p->description);
    if (status == GLIMPSE_OK) status = add(l, name, GLIMPSE_XMP_LABEL, text_in(l, "label"));
    const json_t *rating = json_object_get(l->metadata, "rating");
    if (status == GLIMPSE_OK && json_is_number(rating)) {
        (void)snprintf(number, sizeof number, "%g", json_number_value(rating));
        status = add(l, name, GLIMPSE_XMP_RATING, number);
    }
    if (status == GLIMPSE_OK && p->has_gps) {
        (void)snprintf(number, sizeof number, "%.8f %.8f", p->latitude, p->longitude);
        status = add(l, name, GLIMPSE_XMP_PLACE, number);
    }
    for (size_t i = 0; i < p->hierarchical.count && status == GLIMPSE_OK; i++)
        status = add(l, name, GLIMPSE_XMP_KEYWORD, p->hierarchical.items[i]);
    for (size_t i = 0; i < p->keywords.count && status == GLIMPSE_OK; i++)
        status = add(l, name, GLIMPSE_XMP_KEYWORD, p->keywords.items[i]);
    return status;
}

static int on_label(void *user, const glimpse_stored_label *label) {
    loading *l = user;
    const char *wanted = l->options->labelling;
    if (wanted && strcmp(wanted, label->labelling) != 0) return 0;
    return add(l, "labels", GLIMPSE_XMP_KEYWORD, label->class_name);
}

static int load_labels(loading *l) {
    return glimpse_library_labels(l->library, l->picture->path, on_label, l);
}

static int add_caption_keywords(loading *l, const char *text) {
    char **words = NULL;
    size_t count = 0;
    int status = glimpse_caption_keywords(&words, &count, text);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = add(l, "captions", GLIMPSE_XMP_KEYWORD, words[i]);
    glimpse_caption_keywords_free(words, count);
    return status;
}

/* By style, short before detailed; of one style the latest first. */
static int on_caption(void *user, const glimpse_caption *caption) {
    loading *l = user;
    switch (caption->style) {
    case GLIMPSE_CAPTION_SHORT:
    case GLIMPSE_CAPTION_DETAILED:
        if (l->style_of_description >= 0) return 0;
        l->style_of_description = (int)caption->style;
        return add(l, "captions", GLIMPSE_XMP_DESCRIPTION, caption->text);
    case GLIMPSE_CAPTION_KEYWORDS: return add_caption_keywords(l, caption->text);
    case GLIMPSE_CAPTION_ALT: break;
    }
    return 0;
}

static int load_captions(loading *l) {
    glimpse_caption_filter filter = GLIMPSE_CAPTION_FILTER_INIT;
    filter.path_or_id = l->picture->path;
    return glimpse_library_captions(l->library, &filter, on_caption, l);
}

/* Levels are divided as programs divide those of keywords. */
static int on_tag(void *user, const char *tag) {
    loading *l = user;
    char *keyword = strdup(tag);
    if (!keyword) return glimpse_fail_nomem(strlen(tag), "what is written");
    for (char *s = strchr(keyword, '/'); s; s = strchr(s, '/'))
        *s = '|';
    int status = add(l, "tags", GLIMPSE_XMP_KEYWORD, keyword);
    free(keyword);
    return status;
}

static int load_tags(loading *l) {
    return glimpse_library_collections_of(l->library, GLIMPSE_COLLECTION_TAG, l->picture->path,
                                          on_tag, l);
}

/* In the order in which they count. */
static const source sources[] = {
    {"metadata", GLIMPSE_WRITE_METADATA, load_metadata},
    {"tags", GLIMPSE_WRITE_TAGS, load_tags},
    {"labels", GLIMPSE_WRITE_LABELS, load_labels},
    {"captions", GLIMPSE_WRITE_CAPTIONS, load_captions},
};
enum { SOURCES = sizeof sources / sizeof *sources };

const char *glimpse_write_what_name(size_t i) {
    for (size_t k = 0; k < SOURCES; k++) {
        if (sources[k].bit == 1u << i) return sources[k].name;
    }
    return NULL;
}

const char *const *glimpse_writeback_sources(size_t *count, const char *names[8], unsigned what) {
    *count = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        if (what & sources[i].bit) names[(*count)++] = sources[i].name;
    }
    return names;
}

static int load_list(writeback_texts *to, const json_t *list) {
    size_t i;
    const json_t *item;
    json_array_foreach(list, i, item) {
        const char *text = json_string_value(item);
        if (text && *text && !keep(to, text))
            return glimpse_fail_nomem(strlen(text), "what is written");
    }
    return GLIMPSE_OK;
}

int glimpse_writeback_load(writeback_picture *picture, glimpse_library *library,
                           const glimpse_write_options *options) {
    loading l = {picture, library, options, NULL, -1};
    l.metadata = json_loads(picture->metadata, 0, NULL);
    int status = load_list(&picture->keywords, json_object_get(l.metadata, "keywords"));
    if (status == GLIMPSE_OK) {
        status =
            load_list(&picture->hierarchical, json_object_get(l.metadata, "hierarchical_keywords"));
    }
    if (status == GLIMPSE_OK) {
        picture->description = keep(&picture->texts, text_in(&l, "description"));
        picture->title = keep(&picture->texts, text_in(&l, "title"));
        if (!picture->description || !picture->title)
            status = glimpse_fail_nomem(256, "what is written");
    }
    for (size_t i = 0; i < SOURCES && status == GLIMPSE_OK; i++) {
        if (options->what & sources[i].bit) status = sources[i].load(&l);
    }
    json_decref(l.metadata);
    return status;
}
