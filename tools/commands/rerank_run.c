/*
 * rerank_run.c - see rerank_run.h.
 */
#include "rerank_run.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Beyond this a probability is as good as 0 or 1: exp(-30) is 1e-13. */
static const double MOST_LOGIT = 30.0;

const char *rerank_sure_id(const glimpse_result *result) {
    struct stat info;
    struct tm utc;
    char modified[32];
    if (stat(result->path, &info) != 0 || (uint64_t)info.st_size != result->bytes) return NULL;
    time_t changed = info.st_mtime;
    if (!gmtime_r(&changed, &utc)) return NULL;
    (void)strftime(modified, sizeof modified, "%Y-%m-%dT%H:%M:%S", &utc);
    return strcmp(modified, result->modified) == 0 ? result->id : NULL;
}

static double logit(double probability) {
    double value = log(probability / (1.0 - probability));
    return value > MOST_LOGIT ? MOST_LOGIT : value < -MOST_LOGIT ? -MOST_LOGIT : value;
}

typedef struct looking {
    const vlm_session *v;
    reranking *out;
    size_t done;
    double started;
} looking;

static int answered(void *user, size_t i, const glimpse_vlm_request *request,
                    glimpse_vlm_answer **answer) {
    looking *l = user;
    const glimpse_vlm_answer *a = *answer;
    (void)request;
    if (a->outcome == GLIMPSE_VLM_ANSWERED && a->probability >= 0.0 && a->probability <= 1.0) {
        l->out->probabilities[i] = a->probability;
        l->out->scores[i] =
            glimpse_vlm_is_remote(l->v->vlm) ? a->probability : logit(a->probability);
    } else {
        const char *what = a->outcome == GLIMPSE_VLM_REFUSED       ? "the model declined"
                           : a->outcome == GLIMPSE_VLM_CANNOT_TELL ? "the model cannot tell"
                                                                   : "no score";
        l->out->reasons[i] = a->reason && *a->reason ? xstrdup(a->reason) : xstrdup(what);
        l->out->failed++;
    }
    progress_show("looked at again", ++l->done, l->out->count, 1, progress_now() - l->started,
                  NULL);
    return GLIMPSE_OK;
}

int rerank_look(const vlm_session *v, const char *text, const rerank_picture *pictures,
                size_t count, reranking *out) {
    *out = (reranking){.count = count,
                       .probabilities = xcalloc(count, sizeof *out->probabilities),
                       .scores = xcalloc(count, sizeof *out->scores),
                       .reasons = xcalloc(count, sizeof *out->reasons)};
    for (size_t i = 0; i < count; i++)
        out->probabilities[i] = out->scores[i] = NAN;
    if (!glimpse_vlm_can(v->vlm, GLIMPSE_VLM_SCORE)) {
        return tool_fail("%s does not judge whether a text fits a picture; re-ranking needs a "
                         "BLIP model for image-text retrieval, or a remote model",
                         glimpse_vlm_name(v->vlm));
    }
    char *prompt = NULL;
    if (glimpse_vlm_is_remote(v->vlm) && !(prompt = vlm_session_prompt("rerank", text))) {
        return EXIT_FAILED;
    }
    glimpse_vlm_picture *seen = xcalloc(count, sizeof *seen);
    glimpse_vlm_request *requests = xcalloc(count, sizeof *requests);
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
        requests[i].keep_metadata = v->keep_metadata;
        requests[i].samples = (unsigned)v->samples;
    }
    looking l = {v, out, 0, progress_now()};
    glimpse_vlm_totals totals = GLIMPSE_VLM_TOTALS_INIT;
    int status = glimpse_vlm_run(&totals, v->vlm, requests, count, &v->run, answered, &l);
    progress_clear();
    int code = CLI_RUN;
    if (status == GLIMPSE_E_CANCELLED) {
        tool_say("stopped; what was answered is kept");
        code = EXIT_STOPPED;
    } else if (status < 0) {
        code = tool_fail_last();
    } else if (glimpse_vlm_is_remote(v->vlm)) {
        vlm_session_note_totals(v, &totals);
    }
    free(requests);
    free(seen);
    free(prompt);
    return code;
}

void rerank_free(reranking *r) {
    for (size_t i = 0; r->reasons && i < r->count; i++)
        free(r->reasons[i]);
    free(r->probabilities);
    free(r->scores);
    free(r->reasons);
    *r = (reranking){0};
}
