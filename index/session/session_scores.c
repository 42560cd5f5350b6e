/*
 * session_scores.c - asks a vision-language model about the best pictures of a list, and makes
 * scores of its answers.
 */
#include "session_scores.h"

#include "core/clock.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond this a probability is as good as 0 or 1: exp(-30) is 1e-13. */
static const double MAX_LOGIT = 30.0;

static double logit(double probability) {
    double value = log(probability / (1.0 - probability));
    return value > MAX_LOGIT ? MAX_LOGIT : value < -MAX_LOGIT ? -MAX_LOGIT : value;
}

typedef struct looking {
    const session_vlm *vlm;
    session_scores *out;
    const session_control *control;
    size_t done;
    double started;
} looking;

static int answered(void *user, size_t i, const glimpse_vlm_request *request,
                    glimpse_vlm_answer **answer) {
    looking *l = user;
    const glimpse_vlm_answer *a = *answer;
    (void)request;
    if (a->outcome == GLIMPSE_VLM_ANSWERED && !a->incomplete && a->probability >= 0.0 &&
        a->probability <= 1.0) {
        l->out->probabilities[i] = a->probability;
        l->out->scores[i] =
            glimpse_vlm_is_remote(l->vlm->vlm) ? a->probability : logit(a->probability);
    } else {
        const char *what = a->outcome == GLIMPSE_VLM_REFUSED       ? "the model declined"
                           : a->outcome == GLIMPSE_VLM_CANNOT_TELL ? "the model cannot tell"
                                                                   : "no score";
        l->out->reasons[i] = strdup(a->reason && *a->reason ? a->reason : what);
        if (!l->out->reasons[i]) return glimpse_fail_nomem(strlen(what), "a reason");
        l->out->failed++;
    }
    return glimpse_session_report_progress(l->control, "looked at again", ++l->done, l->out->count,
                                           glimpse_now() - l->started);
}

static int prepare(session_scores *out, size_t count) {
    size_t capacity = count > 0 ? count : 1;
    *out = (session_scores){.count = count,
                            .probabilities = malloc(capacity * sizeof *out->probabilities),
                            .scores = malloc(capacity * sizeof *out->scores),
                            .reasons = calloc(capacity, sizeof *out->reasons),
                            .totals = GLIMPSE_VLM_TOTALS_INIT};
    if (!out->probabilities || !out->scores || !out->reasons) {
        return glimpse_fail_nomem(count * sizeof *out->scores, "scores");
    }
    for (size_t i = 0; i < count; i++)
        out->probabilities[i] = out->scores[i] = NAN;
    return GLIMPSE_OK;
}

int glimpse_session_score_pictures(session_scores *out, const session_vlm *vlm, const char *text,
                                   const session_scores_picture *pictures, size_t count,
                                   const session_control *control) {
    char *prompt = NULL;
    glimpse_vlm_picture *seen = calloc(count + 1, sizeof *seen);
    glimpse_vlm_request *requests = calloc(count + 1, sizeof *requests);
    int status = prepare(out, count);
    if (status < 0) goto done;
    if (!seen || !requests) {
        status = glimpse_fail_nomem(count * sizeof *requests, "questions");
        goto done;
    }
    if (!glimpse_vlm_can(vlm->vlm, GLIMPSE_VLM_SCORE)) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                              "%s does not judge whether a text fits a picture; re-ranking needs a "
                              "BLIP model for image-text retrieval, or a remote model",
                              glimpse_vlm_name(vlm->vlm));
        goto done;
    }
    if (glimpse_vlm_is_remote(vlm->vlm)) {
        status = glimpse_session_prompt(&prompt, vlm->session, "rerank", text);
        if (status < 0) goto done;
    }
    for (size_t i = 0; i < count; i++) {
        seen[i] = GLIMPSE_VLM_PICTURE_INIT;
        seen[i].path = pictures[i].path;
        seen[i].id = pictures[i].id;
        requests[i] = GLIMPSE_VLM_REQUEST_INIT;
        requests[i].operation = GLIMPSE_VLM_SCORE;
        requests[i].pictures = &seen[i];
        requests[i].picture_count = 1;
        requests[i].text = text;
        requests[i].prompt = prompt;
        requests[i].task = GLIMPSE_VLM_CLASSIFY;
        requests[i].keep_metadata = vlm->settings.keep_metadata;
        requests[i].samples = vlm->settings.samples;
        requests[i].max_tokens = vlm->settings.max_tokens;
    }
    looking l = {vlm, out, control, 0, glimpse_now()};
    status = glimpse_vlm_run(&out->totals, vlm->vlm, requests, count, &vlm->run, answered, &l);
done:
    free(requests);
    free(seen);
    glimpse_free(prompt);
    return status;
}

void glimpse_session_scores_free(session_scores *look) {
    for (size_t i = 0; look->reasons && i < look->count; i++)
        free(look->reasons[i]);
    free(look->probabilities);
    free(look->scores);
    free(look->reasons);
    *look = (session_scores){0};
}
