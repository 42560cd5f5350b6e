/*
 * index/vlm/captioning.c - the pictures of a run of captions, and what came of each.
 */
#include "captioning.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>

int glimpse_captioning_create(glimpse_captioning **out) {
    *out = calloc(1, sizeof **out);
    if (!*out) return glimpse_fail_nomem(sizeof **out, "a list of captions");
    (*out)->summary.vlm.totals = GLIMPSE_VLM_TOTALS_INIT;
    return GLIMPSE_OK;
}

static void free_item(glimpse_caption_item *item) {
    if (!item) return;
    free((char *)item->shown.path);
    free((char *)item->shown.text);
    free((char *)item->shown.model);
    free((char *)item->shown.problem);
    free(item);
}

int glimpse_captioning_add(glimpse_captioning *list, const char *path, const char *id,
                           const char *problem) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        glimpse_caption_item **items = realloc(list->items, capacity * sizeof *items);
        if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "a list of captions");
        list->items = items;
        list->capacity = capacity;
    }
    glimpse_caption_item *item = calloc(1, sizeof *item);
    if (!item) return glimpse_fail_nomem(sizeof *item, "a caption");
    item->shown.path = strdup(path);
    item->shown.problem = problem ? strdup(glimpse_without_path(problem, path)) : NULL;
    if (!item->shown.path || (problem && !item->shown.problem)) {
        free_item(item);
        return glimpse_fail_nomem(strlen(path), "a path");
    }
    if (id) (void)snprintf(item->id, sizeof item->id, "%s", id);
    item->shown.id = item->id;
    list->items[list->count++] = item;
    return GLIMPSE_OK;
}

void glimpse_captioning_finish(glimpse_captioning *list) {
    list->summary.without = 0;
    for (size_t i = 0; i < list->count; i++)
        list->summary.without += list->items[i]->shown.text == NULL;
}

const char *glimpse_caption_asked_with(const glimpse_caption_run *run) {
    if (run->prompt) return run->prompt;
    return run->options->begin ? run->options->begin : "";
}

int glimpse_caption_check_cancelled(const glimpse_caption_run *run) {
    const glimpse_caption_options *o = run->options;
    if (!o->cancelled || !o->cancelled(o->user)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

size_t glimpse_captioning_count(const glimpse_captioning *captioning) {
    return captioning ? captioning->count : 0;
}

const glimpse_captioned *glimpse_captioning_get(const glimpse_captioning *captioning, size_t i) {
    return captioning && i < captioning->count ? &captioning->items[i]->shown : NULL;
}

const glimpse_captioning_summary *glimpse_captioning_summarize(
    const glimpse_captioning *captioning) {
    return captioning ? &captioning->summary : NULL;
}

void glimpse_captioning_free(glimpse_captioning *captioning) {
    if (!captioning) return;
    for (size_t i = 0; i < captioning->count; i++)
        free_item(captioning->items[i]);
    free(captioning->items);
    free(captioning->todo);
    free(captioning->model);
    free(captioning);
}
