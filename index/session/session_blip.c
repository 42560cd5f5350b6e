/*
 * session_blip.c - BLIP models on picture files (index/vlm/native.h), with the session's choice of
 * a model, precision and backend.
 */
#include "session_private.h"

#include "core/error.h"
#include "core/options.h"
#include "native.h"

#include <glimpse/session_blip.h>

#include <stdlib.h>
#include <string.h>

typedef struct session_blip_entry {
    char *path;
    glimpse_blip *model;
} session_blip_entry;

static const char *kind_name(glimpse_blip_kind kind) {
    switch (kind) {
    case GLIMPSE_BLIP_MATCH: return "a BlipForImageTextRetrieval";
    case GLIMPSE_BLIP_CAPTION: return "a BlipForConditionalGeneration";
    case GLIMPSE_BLIP_ANSWER: return "a BlipForQuestionAnswering";
    }
    return "another";
}

/* Of the demo VLM. */
static const char *part_name(glimpse_blip_kind kind) {
    return kind == GLIMPSE_BLIP_MATCH ? "itm" : kind == GLIMPSE_BLIP_CAPTION ? "caption" : "vqa";
}

static void free_entry(session_blip_entry *entry) {
    if (!entry) return;
    glimpse_blip_close(entry->model);
    free(entry->path);
    free(entry);
}

static session_blip_entry *find(glimpse_session *session, const char *path) {
    session_blip_entry *found = NULL;
    (void)pthread_mutex_lock(&session->lock);
    for (size_t i = 0; i < session->blips.count && !found; i++) {
        session_blip_entry *entry = session->blips.items[i];
        if (strcmp(entry->path, path) == 0) found = entry;
    }
    (void)pthread_mutex_unlock(&session->lock);
    return found;
}

static int wrong_kind(const char *path, glimpse_blip_kind is, glimpse_blip_kind wanted) {
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: %s model; this needs %s one", path,
                        kind_name(is), kind_name(wanted));
}

/* With `vlm_opening` held. Takes over `path`. */
static int open_entry(session_blip_entry **out, glimpse_session *session, char *path,
                      glimpse_blip_kind kind) {
    session_blip_entry *entry = calloc(1, sizeof *entry);
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    *out = NULL;
    if (!entry) {
        free(path);
        return glimpse_fail_nomem(sizeof *entry, "a model");
    }
    entry->path = path;
    options.precision = session->precision;
    options.backend = session->backend;
    int status = glimpse_blip_open(&entry->model, path, &options);
    /* One of another kind is of no use to anybody: it does not stay. */
    if (status == GLIMPSE_OK && glimpse_blip_kind_of(entry->model) != kind) {
        status = wrong_kind(path, glimpse_blip_kind_of(entry->model), kind);
    }
    if (status == GLIMPSE_OK) {
        (void)pthread_mutex_lock(&session->lock);
        status = glimpse_session_list_add(&session->blips, entry);
        (void)pthread_mutex_unlock(&session->lock);
    }
    if (status != GLIMPSE_OK) {
        free_entry(entry);
        return status;
    }
    *out = entry;
    return GLIMPSE_OK;
}

/* With `vlm_opening` held. */
static int open_once(session_blip_entry **out, glimpse_session *session, const char *chosen,
                     glimpse_blip_kind kind) {
    char *path = NULL;
    *out = NULL;
    int status = glimpse_session_choose_vlm(&path, session, chosen, part_name(kind));
    if (status != GLIMPSE_OK) return status;
    if (glimpse_vlm_spec_is_remote(path)) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s is a remote model; this needs %s one: %s",
                              path, kind_name(kind), glimpse_wording("options.model", "DIR"));
        free(path);
        return status;
    }
    *out = find(session, path);
    if (!*out) return open_entry(out, session, path, kind);
    if (glimpse_blip_kind_of((*out)->model) != kind) {
        status = wrong_kind(path, glimpse_blip_kind_of((*out)->model), kind);
    }
    free(path);
    return status;
}

int glimpse_session_blip(const glimpse_blip **model, glimpse_session *session, const char *chosen,
                         glimpse_blip_kind kind) {
    session_blip_entry *entry = NULL;
    if (model) *model = NULL;
    if (!model || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_blip: a NULL argument");
    }
    (void)pthread_mutex_lock(&session->vlm_opening);
    int status = open_once(&entry, session, chosen, kind);
    (void)pthread_mutex_unlock(&session->vlm_opening);
    if (status == GLIMPSE_OK) *model = entry->model;
    return status;
}

void glimpse_session_close_blips(glimpse_session *session) {
    for (size_t i = 0; i < session->blips.count; i++)
        free_entry(session->blips.items[i]);
    free(session->blips.items);
    session->blips = (session_list){0};
}

/*
 * The calls.
 */
/* `run` has pictures, texts and the callback. */
static int begin(glimpse_native_run *run, glimpse_session_blip_options *own,
                 glimpse_session *session, const glimpse_session_blip_options *options,
                 glimpse_blip_kind kind) {
    *own = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    if (!session || (run->count > 0 && !run->paths)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a session and pictures are needed");
    }
    if (kind != GLIMPSE_BLIP_CAPTION && (run->text_count == 0 || !run->texts)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a text is needed");
    }
    int status = GLIMPSE_OPTIONS_LOAD(own, options, glimpse_session_blip_options, user);
    if (status != GLIMPSE_OK) return status;
    if (own->role != GLIMPSE_BLIP_TEXT_CLS && own->role != GLIMPSE_BLIP_TEXT_ENC) {
        return glimpse_fail(GLIMPSE_E_INVALID, "role %d: a text begins with [CLS] or [ENC]",
                            (int)own->role);
    }
    if (own->candidate_count > 0 && !own->candidates) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu candidates are NULL", own->candidate_count);
    }
    run->options = own;
    return glimpse_session_blip(&run->model, session, own->model, kind);
}

int glimpse_session_blip_caption(glimpse_session *session, const char *const *paths, size_t count,
                                 const glimpse_session_blip_options *options,
                                 glimpse_blip_record_fn each, void *user) {
    glimpse_session_blip_options own;
    glimpse_native_run run = {.paths = paths, .count = count, .each = each, .user = user};
    int status = begin(&run, &own, session, options, GLIMPSE_BLIP_CAPTION);
    return status < 0 || count == 0 ? status : glimpse_native_caption(&run);
}

int glimpse_session_blip_match(glimpse_session *session, const char *const *paths, size_t count,
                               const char *const *texts, size_t text_count,
                               const glimpse_session_blip_options *options,
                               glimpse_blip_record_fn each, void *user) {
    glimpse_session_blip_options own;
    glimpse_native_run run = {.paths = paths,
                              .count = count,
                              .texts = texts,
                              .text_count = text_count,
                              .each = each,
                              .user = user};
    int status = begin(&run, &own, session, options, GLIMPSE_BLIP_MATCH);
    return status < 0 ? status : glimpse_native_match(&run);
}

int glimpse_session_blip_answer(glimpse_session *session, const char *const *paths, size_t count,
                                const char *const *questions, size_t question_count,
                                const glimpse_session_blip_options *options,
                                glimpse_blip_record_fn each, void *user) {
    glimpse_session_blip_options own;
    glimpse_native_run run = {.paths = paths,
                              .count = count,
                              .texts = questions,
                              .text_count = question_count,
                              .each = each,
                              .user = user};
    int status = begin(&run, &own, session, options, GLIMPSE_BLIP_ANSWER);
    return status < 0 ? status : glimpse_native_answer(&run);
}
