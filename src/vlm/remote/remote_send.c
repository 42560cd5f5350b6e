/*
 * remote_send.c - one exchange with a server: estimate, reserve, send, try again, read, account.
 */
#include "vlm/remote/remote.h"

#include "core/clock.h"
#include "core/error.h"
#include "text/json_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Estimates.
 */
double glimpse_remote_estimate(glimpse_remote *remote, const glimpse_asking *asking) {
    const glimpse_vlm_job *job = asking->job;
    double tokens = 16.0 + (double)strlen(asking->prompt) / 2.5;
    for (size_t i = 0; i < job->request->picture_count; i++) {
        const glimpse_vlm_loaded *picture = &job->pictures[i];
        const glimpse_remote_price *price = &remote->price;
        if (price->patch >= 0.0) {
            tokens += price->patch *
                      fmin(1536.0, ceil(picture->width / 32.0) * ceil(picture->height / 32.0));
        } else if (price->picture_base >= 0.0 && price->picture_tile >= 0.0) {
            /* 512-pixel tiles, as in remote_openai.c. */
            double shorter = fmin(picture->width, picture->height);
            double by = shorter > 768.0 ? 768.0 / shorter : 1.0;
            tokens += price->picture_base + price->picture_tile *
                                                ceil(picture->width * by / 512.0) *
                                                ceil(picture->height * by / 512.0);
        } else {
            tokens += remote->dialect->picture_tokens(picture->width, picture->height);
        }
        if (picture->from->label) tokens += 4.0 + (double)strlen(picture->from->label) / 2.5;
    }
    (void)pthread_mutex_lock(&remote->mutex);
    tokens *= remote->underestimate;
    (void)pthread_mutex_unlock(&remote->mutex);
    return ceil(tokens);
}

static void learn(glimpse_remote *remote, double estimated, double actual) {
    if (!(actual > estimated) || estimated <= 0.0) return;
    (void)pthread_mutex_lock(&remote->mutex);
    remote->underestimate = fmin(100.0, remote->underestimate * actual / estimated);
    (void)pthread_mutex_unlock(&remote->mutex);
}

double glimpse_remote_cost(const glimpse_remote *remote, double in, double out) {
    if (remote->price.in < 0.0) return -1.0;
    return in * remote->price.in + out * remote->price.out;
}

/*
 * Sending.
 */
typedef struct sending {
    glimpse_remote *remote;
    const glimpse_asking *asking;
    glimpse_vlm_answer *answer;
    char *url, *shown; /* shown: for messages */
    int versioned;
    int only_odd; /* the base alone answers, but nothing of the dialect */
    char headers[3][1024];
    const char *lines[5];
    double deadline;
    double tokens, cost; /* estimates; cost 0 when not known */
    json_t *root;        /* the body of the answer, which `reply` borrows from */
    glimpse_reply reply;
} sending;

typedef enum verdict {
    GOOD,
    AGAIN,       /* may work later */
    DIFFERENTLY, /* a parameter was left out, or another address is tried: now */
    BAD,         /* this request will never work */
    DOWN,        /* nobody is there, which counts for the breaker; not worth trying again */
    HOPELESS,    /* no request will: a bad key */
    UNWANTED,    /* the provider's filter: a refusal */
    STOPPED
} verdict;

static void free_urls(sending *s) {
    free(s->url);
    free(s->shown);
    s->url = s->shown = NULL;
}

static int set_url(sending *s) {
    char *url = s->remote->dialect->url(s->remote, s->versioned);
    char *shown = url ? glimpse_remote_shown_url(url) : NULL;
    if (!shown) {
        free(url);
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    }
    free_urls(s);
    s->url = url;
    s->shown = shown;
    return GLIMPSE_OK;
}

/* A base without its "/v1": there is nothing at the address, so the one with it is tried, once. 1:
 * try again. */
static int try_version(sending *s, long status) {
    int version = glimpse_remote_version(s->remote);
    int missing = status == 404 || status == 405 || status == 501;
    if (s->versioned && missing && s->only_odd) { /* it was the right one, then */
        s->only_odd = s->versioned = 0;
        glimpse_remote_set_version(s->remote, GLIMPSE_VERSION_GIVEN);
        return set_url(s) == GLIMPSE_OK;
    }
    if (s->versioned || !missing) {
        if (version == GLIMPSE_VERSION_UNKNOWN) {
            glimpse_remote_set_version(s->remote, s->versioned && !missing ? GLIMPSE_VERSION_NEEDED
                                                                           : GLIMPSE_VERSION_GIVEN);
        }
        return 0;
    }
    if (version == GLIMPSE_VERSION_GIVEN) return 0;
    s->versioned = 1;
    return set_url(s) == GLIMPSE_OK;
}

/* Servers there are that answer 200 with an error to a path that they do not have. 1: try again. */
static int try_version_instead(sending *s) {
    if (s->versioned || glimpse_remote_version(s->remote) != GLIMPSE_VERSION_UNKNOWN) return 0;
    s->versioned = s->only_odd = 1;
    return set_url(s) == GLIMPSE_OK;
}

static verdict judge_error(sending *s, const glimpse_http *http, const json_t *body,
                           double *after) {
    glimpse_remote_fault fault = {.retry_after = -1.0};
    s->remote->dialect->read_fault(body, &fault);
    if (!fault.message) glimpse_remote_read_page(http->answer, http->answer_size, &fault);
    *after = http->retry_after >= 0.0 ? http->retry_after : fault.retry_after;
    long status = http->status;
    if (status >= 300 && status < 400) {
        s->answer->code = glimpse_remote_fail(
            s->remote, GLIMPSE_E_IO,
            "%ld: the server sends us elsewhere (%s), and no key is sent along; give the "
            "right address yourself (asked %.300s)",
            status, http->location[0] ? http->location : "it does not say where", s->shown);
        return HOPELESS;
    }
    if (status == 400 && fault.filtered) {
        s->answer->outcome = GLIMPSE_VLM_REFUSED;
        return UNWANTED;
    }
    if (try_version(s, status)) return DIFFERENTLY;
    int is_new = 0;
    if (status == 400 && glimpse_remote_leave_out(s->remote, &fault, &is_new) &&
        /* Another thread may have found out while this one was under way. */
        (is_new || s->answer->requests < 4)) {
        return DIFFERENTLY;
    }
    const char *hint = "";
    if (status == 401 && !*s->remote->key)
        hint = "; no key was sent: set ";
    else if (status == 401)
        hint = "; check ";
    s->answer->code = glimpse_remote_fail(
        s->remote, GLIMPSE_E_IO, "%ld: %s%s%s%s%.400s (asked %.300s)", status,
        glimpse_remote_status_meaning(status), hint, *hint ? s->remote->key_hint : "",
        fault.message ? ": " : "", fault.message ? fault.message : "", s->shown);
    if (status == 401 || status == 402 || status == 404) return HOPELESS;
    if (status == 429 && fault.no_money) return HOPELESS;
    if (status == 501) return BAD;
    if (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500) {
        return AGAIN;
    }
    return BAD;
}

static verdict judge_body(sending *s, const glimpse_http *http) {
    json_error_t error;
    const char *text = http->answer ? http->answer : "";
    s->root = glimpse_json_load(text, http->answer_size, 0, &error);
    if (!s->root) { /* a count beyond all integers is no reason to pay for the answer again */
        json_error_t second;
        s->root = glimpse_json_load(text, http->answer_size, JSON_DECODE_INT_AS_REAL, &second);
    }
    s->reply = (glimpse_reply){.cost = -1.0};
    if (s->root && s->remote->dialect->read(s->root, &s->reply)) {
        (void)try_version(s, http->status);
        return GOOD;
    }
    glimpse_remote_fault fault = {.retry_after = -1.0};
    s->remote->dialect->read_fault(s->root, &fault);
    if (!fault.message) glimpse_remote_read_page(http->answer, http->answer_size, &fault);
    free(s->reply.joined);
    s->reply = (glimpse_reply){.cost = -1.0};
    if (try_version_instead(s)) {
        json_decref(s->root);
        s->root = NULL;
        return DIFFERENTLY;
    }
    if (!s->root) {
        s->answer->code = glimpse_remote_fail(
            s->remote, GLIMPSE_E_FORMAT,
            "the server's answer is not JSON (%zu bytes, line %d)%s%.300s (asked %.300s)",
            http->answer_size, error.line, fault.message ? ": " : "",
            fault.message ? fault.message : "", s->shown);
    } else {
        s->answer->code =
            glimpse_remote_fail(s->remote, GLIMPSE_E_FORMAT,
                                "the server's answer is not one of %s%s%.400s (asked %.300s)",
                                s->remote->kind->provider.name, fault.message ? ": " : "",
                                fault.message ? fault.message : "", s->shown);
    }
    json_decref(s->root);
    s->root = NULL;
    return AGAIN;
}

static verdict judge(sending *s, glimpse_http *http, glimpse_http_end end, double *after) {
    *after = -1.0;
    switch (end) {
    case GLIMPSE_HTTP_STOPPED: return STOPPED;
    case GLIMPSE_HTTP_TOO_LARGE:
        s->answer->code = glimpse_remote_fail(s->remote, GLIMPSE_E_LIMIT,
                                              "the answer is larger than %zu bytes (asked %.300s)",
                                              s->remote->max_answer_bytes, s->shown);
        return BAD;
    case GLIMPSE_HTTP_ENDLESS:
        s->answer->code =
            glimpse_remote_fail(s->remote, GLIMPSE_E_LIMIT,
                                "the answer has a header without an end (asked %.300s)", s->shown);
        return BAD;
    case GLIMPSE_HTTP_NOBODY:
        s->answer->code =
            glimpse_remote_fail(s->remote, GLIMPSE_E_IO,
                                "nothing listens there; is the server running? %s (asked "
                                "%.300s)",
                                http->error, s->shown);
        return DOWN;
    case GLIMPSE_HTTP_REFUSED:
    case GLIMPSE_HTTP_TIMEOUT:
    case GLIMPSE_HTTP_BROKEN:
        s->answer->code = glimpse_remote_fail(s->remote, GLIMPSE_E_IO, "%s (asked %.300s)",
                                              http->error, s->shown);
        return end == GLIMPSE_HTTP_REFUSED ? HOPELESS : AGAIN;
    case GLIMPSE_HTTP_DONE: break;
    }
    if (http->status >= 200 && http->status < 300) return judge_body(s, http);
    json_error_t error;
    json_t *body =
        glimpse_json_load(http->answer ? http->answer : "", http->answer_size, 0, &error);
    verdict found = judge_error(s, http, body, after);
    json_decref(body);
    return found;
}

/* Adds up what a good answer cost. Returns the money. */
static double account(sending *s) {
    glimpse_vlm_answer *answer = s->answer;
    double in = (double)s->reply.tokens_in, out = (double)s->reply.tokens_out;
    if (s->reply.tokens_known) {
        learn(s->remote, s->tokens, in);
    } else {
        in = s->tokens;
        out = s->reply.text ? (double)strlen(s->reply.text) / 3.0 : 0.0;
    }
    double cost = s->reply.cost >= 0.0 ? s->reply.cost : glimpse_remote_cost(s->remote, in, out);
    answer->tokens_in += (uint64_t)in;
    answer->tokens_out += (uint64_t)out;
    answer->tokens_known = s->reply.tokens_known && (answer->requests == 1 || answer->tokens_known);
    answer->cost = cost < 0.0 || answer->cost < 0.0 ? -1.0 : answer->cost + cost;
    return fmax(0.0, cost);
}

/* One attempt, its slot already held. */
static int attempt(sending *s, verdict *found, double *after) {
    glimpse_remote *remote = s->remote;
    glimpse_http http = {.url = s->url, .headers = s->lines, .connect_timeout = 15.0};
    json_t *body = remote->dialect->body(remote, s->asking);
    char *text = body ? glimpse_json_dump(body, JSON_COMPACT) : NULL;
    json_decref(body);
    int status = text ? GLIMPSE_OK : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    double spent = 0.0, risk = 0.0, actual = 0.0;
    if (status == GLIMPSE_OK) {
        glimpse_http_end end = GLIMPSE_HTTP_BROKEN;
        http.body = text;
        http.body_size = strlen(text);
        http.timeout = fmin(remote->timeout, s->deadline - glimpse_now());
        http.max_bytes = remote->max_answer_bytes;
        http.loopback = remote->loopback;
        http.job = s->asking->job;
        s->answer->requests++;
        status = glimpse_http_post(remote->pool, &http, &end);
        s->answer->http_status = (int)http.status;
        if (status == GLIMPSE_OK) {
            glimpse_remote_hide_key(http.answer, http.answer_size, remote->key);
            *found = judge(s, &http, end, after);
        }
        if (status == GLIMPSE_OK && *found == GOOD) {
            spent = account(s);
            actual = (double)(s->reply.tokens_in + s->reply.tokens_out);
            if (!s->reply.tokens_known) actual = s->tokens;
        } else if (http.status / 100 == 2 || end == GLIMPSE_HTTP_TIMEOUT ||
                   end == GLIMPSE_HTTP_STOPPED) {
            risk = s->cost; /* it may have been worked on, and charged */
        }
    }
    glimpse_limits_leave(&remote->limits, s->tokens, actual, s->cost, spent, risk);
    free(http.answer);
    free(text);
    return status;
}

static double random_share(void) {
    static _Thread_local uint64_t state;
    if (state == 0) state = (uint64_t)(glimpse_now() * 1e9) ^ (uint64_t)(uintptr_t)&state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* How long to wait before attempt n + 1: full jitter below 1, 2, 4 ... 60 seconds, but at least
 * what the server asks for, and a little more, so that not all come back at once. */
static double back_off(int n, double after) {
    double max = fmin(60.0, exp2(n));
    if (after >= 0.0) return after + random_share() * fmin(max, 0.1 * after + 0.5);
    return max * (0.25 + 0.75 * random_share());
}

static int not_sent(sending *s, const char *reason) {
    s->answer->outcome = GLIMPSE_VLM_NOT_SENT;
    return glimpse_vlm_set(&s->answer->reason, reason);
}

static int no_entry(sending *s, glimpse_entry entry) {
    char reason[700];
    switch (entry) {
    case GLIMPSE_ENTRY_NO_MONEY:
        (void)snprintf(reason, sizeof reason,
                       "not sent: about %.6f more would exceed the cost limit of %.6f", s->cost,
                       s->remote->limits.max_cost);
        return not_sent(s, reason);
    case GLIMPSE_ENTRY_DOWN:
        glimpse_limits_reason(&s->remote->limits, reason, sizeof reason);
        return not_sent(s, reason);
    case GLIMPSE_ENTRY_STOPPED: return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    case GLIMPSE_ENTRY_LATE:
    case GLIMPSE_ENTRY_OK: break;
    }
    if (s->answer->requests == 0) {
        s->answer->code =
            glimpse_remote_fail(s->remote, GLIMPSE_E_IO,
                                "no turn came within %.0f s (rate limits, or a pause the server "
                                "asked for)",
                                s->remote->total_timeout);
    }
    return glimpse_vlm_set_failed(s->answer, s->answer->code);
}

/* Waits between attempts. 1: go on; 0: no time left; or a status. */
static int pause_before_next(sending *s, int n, double after) {
    glimpse_remote *remote = s->remote;
    double wait = back_off(n, after) * remote->limits.scale;
    if (glimpse_now() + wait >= s->deadline) {
        if (after >= 0.0) {
            char before[512], wanted[64] = "ten years or more";
            (void)snprintf(before, sizeof before, "%s", glimpse_last_error());
            if (after < GLIMPSE_LONGEST_PAUSE)
                (void)snprintf(wanted, sizeof wanted, "%.0f s", after);
            s->answer->code = glimpse_fail(
                GLIMPSE_E_IO, "%s (it asks to wait %s, longer than this request may take)", before,
                wanted);
        }
        return 0;
    }
    if (after > 0.0) glimpse_limits_pause(&remote->limits, after);
    if (!glimpse_limits_wait(s->asking->job, wait)) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    return 1;
}

/* 1: s->reply is there; 0: the answer's outcome is set; or a status. */
static int send_with_retries(sending *s) {
    glimpse_limits *limits = &s->remote->limits;
    for (int n = 0;;) {
        verdict found = BAD;
        double after = -1.0;
        glimpse_entry entry =
            glimpse_limits_enter(limits, s->tokens, s->cost, s->deadline, s->asking->job);
        if (entry != GLIMPSE_ENTRY_OK) return no_entry(s, entry);
        int status = attempt(s, &found, &after);
        if (status < 0 || found == STOPPED) {
            glimpse_limits_result(limits, 0, "stopped");
            return status < 0 ? status : glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
        }
        if (found == GOOD) {
            glimpse_limits_result(limits, 1, "");
            return 1;
        }
        if (found == DIFFERENTLY) {
            glimpse_limits_result(limits, 1, ""); /* it answers */
            continue;
        }
        if (found == UNWANTED) {
            glimpse_limits_result(limits, 1, "");
            status =
                glimpse_vlm_set(&s->answer->reason, "refused by the provider's content filter");
            return status;
        }
        if (found == AGAIN && n < s->remote->retries) {
            status = pause_before_next(s, n++, after);
            if (status < 0) return status;
            if (status > 0) continue;
        }
        glimpse_limits_result(limits,
                              found == HOPELESS                 ? -1
                              : found == AGAIN || found == DOWN ? 0
                                                                : 1,
                              glimpse_last_error());
        return glimpse_vlm_set_failed(s->answer, s->answer->code);
    }
}

/* What the reply says, as an answer. Of a broken end the reason is its `why`. */
static int read_reply(glimpse_vlm_answer *answer, const glimpse_reply *reply,
                      glimpse_vlm_schema schema) {
    const char *text = reply->text ? reply->text : "";
    int status = glimpse_vlm_set(&answer->answered_by, reply->model);
    if (status < 0) return status;
    if (reply->cannot_tell) {
        answer->outcome = GLIMPSE_VLM_CANNOT_TELL;
        answer->confidence = 0.0;
        return 1;
    }
    if (reply->refused) {
        answer->outcome = GLIMPSE_VLM_REFUSED;
        /* A model's own refusal is its words; a filter stops it in the middle of others. */
        answer->incomplete = reply->filtered && *text != '\0';
        status = glimpse_vlm_set(&answer->text, text);
        if (status == GLIMPSE_OK) {
            status =
                glimpse_vlm_set(&answer->reason, reply->why ? reply->why : "the model declined");
        }
        return status < 0 ? status : 1;
    }
    status = glimpse_vlm_read_text(answer, text, schema);
    if (status < 0 || reply->end != GLIMPSE_REPLY_BROKEN) return status;
    int set = glimpse_vlm_set(&answer->reason, reply->why);
    return set < 0 ? set : status;
}

static int has_thinking(const char *text) {
    size_t size = text ? strlen(text) : 0;
    char *copy = text ? strdup(text) : NULL;
    int found = copy && glimpse_vlm_drop_thinking(copy, &size);
    free(copy);
    return found;
}

int glimpse_remote_exchange(glimpse_remote *remote, const glimpse_asking *asking, double deadline,
                            glimpse_vlm_answer *answer, glimpse_reply_end *end, int *thought) {
    sending s = {.remote = remote, .asking = asking, .answer = answer, .deadline = deadline};
    s.tokens = glimpse_remote_estimate(remote, asking);
    s.cost = fmax(0.0, glimpse_remote_cost(remote, s.tokens, asking->max_tokens));
    s.tokens += asking->max_tokens;
    s.versioned = glimpse_remote_version(remote) == GLIMPSE_VERSION_NEEDED;
    *end = GLIMPSE_REPLY_WHOLE;
    *thought = 0;
    answer->incomplete = 0;
    if (set_url(&s) < 0) {
        free_urls(&s);
        return GLIMPSE_E_NOMEM;
    }
    remote->dialect->headers(remote, s.headers);
    size_t used = 0;
    s.lines[used++] = "Content-Type: application/json";
    for (size_t i = 0; i < 3; i++) {
        if (s.headers[i][0]) s.lines[used++] = s.headers[i];
    }
    int status = send_with_retries(&s);
    if (status == 1) {
        *end = s.reply.end;
        *thought = s.reply.thought || has_thinking(s.reply.text);
        status = read_reply(answer, &s.reply, asking->job->request->schema);
    } else if (status == 0) {
        status = 1;
    }
    explicit_bzero(s.headers, sizeof s.headers);
    free(s.reply.joined);
    json_decref(s.root);
    free_urls(&s);
    return status;
}
