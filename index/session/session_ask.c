/*
 * session_ask.c - a question about pictures.
 *
 * Answers come as they come and are handed out in the order of the pictures: one that came out of
 * turn waits.
 */
#include "session_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>

typedef struct asking {
    const session_control *control;
    glimpse_ask_fn each;
    void *user;
    const glimpse_vlm_request *requests; /* [total] */
    glimpse_vlm_answer **waiting;        /* [total]; NULL where none is */
    size_t done, handed_out, total;
    int stopped; /* by `each`, which is then not called again */
    double started;
} asking;

static int hand_out(asking *a, size_t i) {
    int answer = a->each && !a->stopped ? a->each(a->user, &a->requests[i], a->waiting[i]) : 0;
    glimpse_vlm_answer_free(a->waiting[i]);
    a->waiting[i] = NULL;
    a->stopped |= answer != 0;
    return answer > 0 ? glimpse_fail(GLIMPSE_E_CANCELLED, "stopped") : answer;
}

static int answered(void *user, size_t i, const glimpse_vlm_request *request,
                    glimpse_vlm_answer **answer) {
    asking *a = user;
    (void)request;
    a->waiting[i] = *answer;
    *answer = NULL;
    a->done++;
    while (a->handed_out < a->total && a->waiting[a->handed_out]) {
        int status = hand_out(a, a->handed_out++);
        if (status < 0) return status;
    }
    return glimpse_session_report_progress(a->control, "asking", a->done, a->total,
                                           glimpse_now() - a->started);
}

/* One request for each picture, or one for all. */
static int ask(asking *a, glimpse_vlm_totals *totals, const session_vlm *vlm, const char *question,
               const char *prompt, const char *const *paths, size_t count, int together) {
    glimpse_vlm_picture *pictures = calloc(count, sizeof *pictures);
    glimpse_vlm_request *requests = calloc(count, sizeof *requests);
    int status = GLIMPSE_OK;
    a->total = together ? 1 : count;
    a->requests = requests;
    a->waiting = calloc(a->total, sizeof(glimpse_vlm_answer *));
    a->started = glimpse_now();
    if (!pictures || !requests || !a->waiting) {
        status = glimpse_fail_nomem(count * sizeof *requests, "questions");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        pictures[i] = GLIMPSE_VLM_PICTURE_INIT;
        pictures[i].path = paths[i];
    }
    for (size_t i = 0; i < a->total; i++) {
        requests[i] = GLIMPSE_VLM_REQUEST_INIT;
        requests[i].pictures = pictures + i;
        requests[i].picture_count = together ? count : 1;
        requests[i].text = question;
        requests[i].prompt = prompt;
        requests[i].samples = vlm->settings.samples;
        requests[i].max_tokens = vlm->settings.max_tokens;
        requests[i].keep_metadata = vlm->settings.keep_metadata;
        /* How sure it is, for the second model to be asked where it is not. */
        if (vlm->second && vlm->settings.samples < 2) requests[i].schema = GLIMPSE_VLM_JSON_ANSWER;
    }
    status = glimpse_vlm_run(totals, vlm->vlm, requests, a->total, &vlm->run, answered, a);
    /* Stopped in between: what came out of turn was paid for. */
    for (size_t i = a->handed_out; i < a->total; i++) {
        if (a->waiting[i]) (void)hand_out(a, i);
    }
done:
    free(a->waiting);
    free(requests);
    free(pictures);
    return status;
}

int glimpse_session_ask(glimpse_ask_report *report, glimpse_session *session, const char *question,
                        const char *const *paths, size_t count, const glimpse_ask_options *options,
                        glimpse_ask_fn each, void *user) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_ask_options own = GLIMPSE_ASK_OPTIONS_INIT;
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    glimpse_ask_report asked = GLIMPSE_ASK_REPORT_INIT;
    session_lease lease = {0};
    session_vlm vlm = {0};
    char *prompt = NULL;
    if (!session || !question || !*question || (count > 0 && !paths)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "glimpse_session_ask: a question and pictures are needed");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_ask_options, user);
    if (status == GLIMPSE_OK) status = GLIMPSE_REPORT_CHECK(report, glimpse_ask_report, vlm);
    if (status < 0) return status;
    if (count == 0 || (own.together && count > GLIMPSE_VLM_MAX_PICTURES)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu pictures: %s", count,
                            count == 0 ? "none to ask about" : "32 at most go together");
    }
    const session_control control = {own.progress, own.cancelled, own.user};
    asking a = {.control = &control, .each = each, .user = user};
    /* The library has the cache; without one the user's own serves. */
    status =
        glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED, NULL);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_session_acquire_vlm(&vlm, session, own.vlm, "vqa", lease.library, &control);
    }
    if (status == GLIMPSE_OK && glimpse_vlm_is_remote(vlm.vlm)) {
        status = glimpse_session_prompt(&prompt, session, "ask", question);
    }
    if (status == GLIMPSE_OK) {
        status = ask(&a, &totals, &vlm, question, prompt, paths, count, own.together);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_session_keep_use(&asked.vlm, &vlm, &totals);
    }
    GLIMPSE_REPORT_STORE(report, &asked);
    free(prompt);
    glimpse_session_release_vlm(&vlm);
    glimpse_session_release_library(&lease);
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
