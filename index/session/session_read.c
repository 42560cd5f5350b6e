/*
 * session_read.c - a question to a document (index/vlm), with the session's models and prompts.
 */
#include "session_internal.h"

#include "core/error.h"
#include "core/options.h"
#include "pages.h"

#include <stdlib.h>

enum { MAX_SPEC_BYTES = 4096 };

static int ask(glimpse_reading *reading, glimpse_session *session, const glimpse_document *document,
               const char *question, const glimpse_reading_options *o, glimpse_library *library) {
    const session_control control = {NULL, o->cancelled, o->user};
    session_vlm vlm = {0};
    char *prompt = NULL;
    int status = glimpse_session_acquire_vlm(&vlm, session, o->vlm, NULL, library, &control);
    if (status == GLIMPSE_OK && glimpse_vlm_is_remote(vlm.vlm)) {
        status = glimpse_session_prompt(&prompt, session, "read", question);
    }
    if (status == GLIMPSE_OK) {
        const glimpse_pages_asking asking = {vlm.vlm,
                                             &vlm.run,
                                             question,
                                             prompt,
                                             vlm.settings.samples,
                                             vlm.settings.keep_metadata,
                                             vlm.settings.max_tokens};
        status = glimpse_pages_ask(reading, document, &asking);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_session_keep_use_of(&reading->vlm, &vlm, reading->answer);
    }
    free(prompt);
    glimpse_session_release_vlm(&vlm);
    return status;
}

int glimpse_session_read(glimpse_reading **out, glimpse_session *session, const char *path,
                         const char *question, const glimpse_reading_options *options) {
    glimpse_reading_options own = GLIMPSE_READING_OPTIONS_INIT;
    glimpse_document *document = NULL;
    session_lease lease = {0};
    session_worker worker = {0};
    char buffer[MAX_SPEC_BYTES];
    if (out) *out = NULL;
    if (!out || !session || !path || !question) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_read: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_reading_options, user);
    if (status < 0) return status;
    if (own.max_pages < 1 || own.max_pages > GLIMPSE_READING_MAX_PAGES) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu pages to show: 1 to %d are possible",
                            own.max_pages, GLIMPSE_READING_MAX_PAGES);
    }
    status = glimpse_document_open(&document, path, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL, NULL);
    }
    if (status == GLIMPSE_OK && !own.text_only) {
        status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_BOTH,
                                                 GLIMPSE_PAGE_SQUARES, lease.library);
    }
    if (status == GLIMPSE_OK) status = glimpse_reading_create(out, document);
    if (status == GLIMPSE_OK) {
        status = glimpse_pages_find(*out, document, question, worker.encoder, worker.model, &own);
    }
    if (status == GLIMPSE_OK && !own.find_only) {
        (*out)->has_model =
            glimpse_session_vlm_is_chosen(NULL, buffer, sizeof buffer, session, own.vlm) > 0;
        if ((*out)->has_model && (*out)->count > 0) {
            status = ask(*out, session, document, question, &own, lease.library);
        }
    }
    if (status < 0) {
        glimpse_reading_free(*out);
        *out = NULL;
    }
    glimpse_session_release_encoder(&worker);
    glimpse_session_release_library(&lease);
    glimpse_document_close(document);
    return status;
}
