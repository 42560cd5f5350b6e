/*
 * index/vlm/caption_gather.c - which pictures a run of captions is about, and which of them have
 * theirs already.
 */
#include "captioning.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/options.h"
#include "library_private.h"
#include "picture_list.h"
#include "sure_id.h"

#include <glimpse/decisions.h>

#include <stdio.h>
#include <stdlib.h>

/*
 * Which pictures.
 */
static int gather_library(glimpse_captioning *list, const glimpse_caption_run *run) {
    glimpse_results *pictures = NULL;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    int status =
        GLIMPSE_OPTIONS_LOAD(&filter, run->options->filter, glimpse_search_options, exclude_id);
    if (run->options->within_count > 0) {
        filter.within = run->options->within;
        filter.within_count = run->options->within_count;
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_library_pictures_filtered(&pictures, run->library, &filter);
    }
    for (size_t i = 0; i < glimpse_results_count(pictures) && status == GLIMPSE_OK; i++) {
        const glimpse_result *p = glimpse_results_get(pictures, i);
        /* What is stored can be written without the file. */
        const char *id = run->options->stored ? p->id : glimpse_sure_id(p);
        char changed[160];
        (void)snprintf(changed, sizeof changed,
                       "it changed or went since it was indexed; %s brings the library up to date",
                       glimpse_wording("glimpse_library_ingest", NULL));
        const char *problem = id ? NULL : p->offline ? "it is offline" : changed;
        status = glimpse_captioning_add(list, p->path, id, problem);
    }
    glimpse_results_free(pictures);
    return status;
}

static int visited(void *user, const char *path) {
    const glimpse_caption_options *o = user;
    (void)path;
    return o->cancelled && o->cancelled(o->user);
}

/* Of a file that the library may know. */
static int picture_id(char *id, glimpse_library *library, const char *path) {
    glimpse_store *store = glimpse_library_store(library);
    glimpse_hash bytes, picture, identity;
    int known = 0, status = glimpse_content_id(id, path);
    if (status < 0 || !glimpse_hash_from_hex(&bytes, id)) return status;
    status = glimpse_store_id_of_file(&picture, &known, &identity, store, path, &bytes);
    if (status == GLIMPSE_OK) glimpse_hash_to_hex(&picture, id);
    return status;
}

static int gather_paths(glimpse_captioning *list, const glimpse_caption_run *run,
                        const char *const *paths, size_t count) {
    glimpse_caption_options options = *run->options;
    glimpse_picture_list found = {0};
    const glimpse_walk_rules rules = {.follow_links = options.follow_links,
                                      .exclude = options.exclude,
                                      .exclude_count = options.exclude_count,
                                      .include_nomedia = options.include_nomedia};
    int status = glimpse_picture_list_add(&found, paths, count, &rules, visited, &options);
    int stopped = status == GLIMPSE_E_CANCELLED;
    if (stopped) status = GLIMPSE_OK;
    for (size_t i = 0; i < found.problem_count && status == GLIMPSE_OK; i++) {
        status =
            glimpse_captioning_add(list, found.problems[i].path, NULL, found.problems[i].reason);
    }
    for (size_t i = 0; i < found.count && status == GLIMPSE_OK; i++) {
        char id[33] = "";
        /* Only a library has a use for it; without one the model's side reads the file. */
        int failed = !stopped && run->library && picture_id(id, run->library, found.paths[i]) < 0;
        status =
            glimpse_captioning_add(list, found.paths[i], id, failed ? glimpse_last_error() : NULL);
        if (status == GLIMPSE_OK && !stopped) {
            stopped = glimpse_caption_check_cancelled(run) < 0;
        }
    }
    list->summary.nomedia = found.marked;
    glimpse_picture_list_free(&found);
    if (status == GLIMPSE_OK && stopped) return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    return status;
}

/*
 * What is there already.
 */
static int first_caption(void *user, const glimpse_caption *caption) {
    glimpse_captioned *picture = user;
    picture->text = strdup(caption->text);
    picture->model = strdup(caption->model);
    if (!picture->text || !picture->model) return glimpse_fail_nomem(1, "a caption");
    picture->was_stored = 1;
    return 1;
}

static int reuse(glimpse_captioning *list, const glimpse_caption_run *run) {
    const glimpse_caption_options *o = run->options;
    for (size_t i = 0; run->library && i < list->count; i++) {
        glimpse_captioned *picture = &list->items[i]->shown;
        if (!*picture->id || picture->problem) continue;
        glimpse_caption_filter filter = GLIMPSE_CAPTION_FILTER_INIT;
        filter.path_or_id = picture->id;
        filter.style = (int)o->style;
        if (!o->missing && !o->stored) {
            if (run->asking->refresh) continue;
            filter.model = glimpse_vlm_identity(run->vlm);
            filter.prompt = glimpse_caption_asked_with(run);
        }
        int status = glimpse_library_captions(run->library, &filter, first_caption, picture);
        if (status < 0 && status != GLIMPSE_E_NOT_FOUND) return status;
        list->summary.reused += picture->text != NULL;
    }
    return GLIMPSE_OK;
}

static int choose(glimpse_captioning *list, const glimpse_caption_run *run) {
    list->todo = calloc(list->count + 1, sizeof *list->todo);
    if (!list->todo) return glimpse_fail_nomem(list->count * sizeof *list->todo, "a list");
    for (size_t i = 0; i < list->count; i++) {
        glimpse_captioned *picture = &list->items[i]->shown;
        if (picture->text || picture->problem) continue;
        if (!run->options->stored) {
            list->todo[list->todo_count++] = i;
            continue;
        }
        picture->problem = strdup("no caption of this style is stored");
        if (!picture->problem) return glimpse_fail_nomem(1, "a reason");
    }
    return GLIMPSE_OK;
}

int glimpse_caption_gather(glimpse_captioning *list, const glimpse_caption_run *run,
                           const char *const *paths, size_t count) {
    int status = count == 0 ? gather_library(list, run) : gather_paths(list, run, paths, count);
    if (status == GLIMPSE_OK) status = reuse(list, run);
    if (status == GLIMPSE_OK) status = choose(list, run);
    return status;
}
