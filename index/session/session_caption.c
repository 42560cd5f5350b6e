/*
 * session_caption.c - captions for directories and the library (index/vlm), with the session's
 * library, model and prompts.
 */
#include "session_internal.h"

#include "captioning.h"
#include "core/error.h"
#include "core/options.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>

/* What the run calls back with. */
typedef struct storing {
    glimpse_session *session;
    session_control control;
} storing;

/* The library is a writer's only while captions are stored: asking takes hours. */
static int store(void *user, size_t *stored, const glimpse_caption *captions, size_t count) {
    const storing *s = user;
    session_lease lease = {0};
    int status = glimpse_session_acquire_library(&lease, s->session, SESSION_WRITE, &s->control);
    if (status == GLIMPSE_OK) {
        status = glimpse_library_store_captions(stored, lease.library, captions, count);
    }
    glimpse_session_release_library(&lease);
    return status;
}

static void note(void *user, const char *text) {
    const storing *s = user;
    glimpse_session_note(s->session, "%s", text);
}

static int open_model(session_vlm *vlm, char **prompt, glimpse_session *session,
                      const glimpse_caption_options *o, glimpse_library *library,
                      const session_control *control) {
    static const char *const prompts[] = {
        [GLIMPSE_CAPTION_SHORT] = "caption-short",
        [GLIMPSE_CAPTION_DETAILED] = "caption-detailed",
        [GLIMPSE_CAPTION_KEYWORDS] = "keywords",
        [GLIMPSE_CAPTION_ALT] = "alt-text",
    };
    int status = glimpse_session_acquire_vlm(vlm, session, o->vlm, "caption", library, control);
    if (status < 0) return status;
    if (!glimpse_vlm_can(vlm->vlm, GLIMPSE_VLM_CAPTION)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s does not describe pictures; captions need a BLIP model for "
                            "conditional generation, or a remote model",
                            glimpse_vlm_name(vlm->vlm));
    }
    if (!glimpse_vlm_is_remote(vlm->vlm)) return GLIMPSE_OK;
    return glimpse_session_prompt(prompt, session, prompts[o->style], o->begin ? o->begin : "");
}

/* What is true of the whole list. */
static int summarize(glimpse_captioning *list, const session_vlm *vlm) {
    glimpse_captioning_finish(list);
    if (!vlm->vlm) return GLIMPSE_OK;
    const glimpse_vlm_totals totals = list->summary.vlm.totals;
    list->model = strdup(glimpse_vlm_identity(vlm->vlm));
    list->summary.model = list->model;
    if (!list->model) return glimpse_fail_nomem(1, "the name of a model");
    return glimpse_session_keep_use(&list->summary.vlm, vlm, &totals);
}

int glimpse_session_caption(glimpse_captioning **out, glimpse_session *session,
                            const char *const *paths, size_t count,
                            const glimpse_caption_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_caption_options own = GLIMPSE_CAPTION_OPTIONS_INIT;
    session_lease lease = {0};
    session_vlm vlm = {0};
    char *prompt = NULL;
    if (out) *out = NULL;
    if (!out || !session || (count > 0 && !paths)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_caption: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_caption_options, user);
    if (status < 0) return status;
    if ((unsigned)own.style >= GLIMPSE_CAPTION_STYLES) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%d is no style of captions", (int)own.style);
    }
    storing s = {session, {own.progress, own.cancelled, own.user}};
    int needed = own.store || own.missing || own.stored || count == 0;
    status = glimpse_session_acquire_library(
        &lease, session, needed ? SESSION_READ : SESSION_OPTIONAL | SESSION_NAMED, NULL);
    if (status == GLIMPSE_OK && !own.stored) {
        status = open_model(&vlm, &prompt, session, &own, lease.library, &s.control);
    }
    if (status == GLIMPSE_OK && own.store && !own.stored && !vlm.settings.dry_run) {
        status = glimpse_library_check_writable(lease.library); /* nothing is paid for in vain */
    }
    if (status == GLIMPSE_OK) status = glimpse_captioning_create(out);
    if (status == GLIMPSE_OK) {
        const glimpse_caption_run run = {.options = &own,
                                         .library = lease.library,
                                         .vlm = vlm.vlm,
                                         .asking = &vlm.run,
                                         .prompt = prompt,
                                         .samples = vlm.settings.samples,
                                         .max_tokens = vlm.settings.max_tokens,
                                         .keep_metadata = vlm.settings.keep_metadata,
                                         .store = store,
                                         .note = note,
                                         .user = &s};
        if (count == 0) {
            status =
                glimpse_session_note_within(session, lease.library, own.within, own.within_count);
        }
        if (status == GLIMPSE_OK) status = glimpse_caption_gather(*out, &run, paths, count);
        if (status == GLIMPSE_OK && !own.stored) status = glimpse_caption_ask(*out, &run);
        int summarized = summarize(*out, &vlm);
        if (status == GLIMPSE_OK) status = summarized;
    }
    free(prompt);
    glimpse_session_release_vlm(&vlm);
    glimpse_session_release_library(&lease);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
