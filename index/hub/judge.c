/*
 * judge.c - what an answer means: go on, wait and ask again, or fail with what to do.
 */
#include "hub.h"

#include "core/clock.h"
#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Failures in a row, doubling pauses between them: half a minute in all. Where nobody has answered
 * yet, the address or the network is wrong as a rule, and waiting is in vain. */
enum { MAX_FAILURES = 5, MAX_FIRST_FAILURES = 2, MAX_PAUSES = 20 };
/* A server that asks for more than that is left for another day. */
static const double LONGEST_PAUSE = 600.0;

int glimpse_hub_check_cancelled(const hub_client *client) {
    const glimpse_pull_options *o = &client->options;
    if (o->cancelled && o->cancelled(o->user)) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "pulling %s was stopped", client->repository);
    }
    return GLIMPSE_OK;
}

int glimpse_hub_pause(const hub_client *client, double seconds) {
    const double scale = client->options.backoff_scale > 0.0 ? client->options.backoff_scale : 1.0;
    const double until = glimpse_now() + seconds * scale;
    for (;;) {
        int status = glimpse_hub_check_cancelled(client);
        const double left = until - glimpse_now();
        if (status < 0 || left <= 0.0) return status;
        const double step = fmin(left, 0.1);
        const struct timespec pause = {0, (long)(step * 1e9) + 1};
        (void)nanosleep(&pause, NULL);
    }
}

static void send_note(const hub_client *client, char *text) {
    const glimpse_pull_options *o = &client->options;
    if (text && o->message) o->message(o->user, GLIMPSE_MESSAGE_NOTE, text);
    free(text);
}

/* "reason" of the server, short and without line ends, behind `before`; "" when there is none. */
static void copy_reason(char *to, size_t size, const hub_exchange *x, const char *before) {
    char *said = glimpse_http_get_header(&x->get, "X-Error-Message");
    *to = '\0';
    if (said && *said) (void)snprintf(to, size, "%s%.300s", before, said);
    free(said);
}

static int code_is(const char *code, const char *name) {
    return code && strcmp(code, name) == 0;
}

static int fail_gated(const hub_client *c) {
    const hub_settings *s = &c->settings;
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "%s is gated: its publisher wants to know who uses it. Accept the terms at "
                        "%s/%s with an account there, then %s",
                        c->repository, s->endpoint, c->repository,
                        s->token ? "pull again; the token (HF_TOKEN) must be of that account and "
                                   "may read gated models"
                                 : "make a token of it and set HF_TOKEN to that");
}

static int fail_unauthorized(const hub_client *c, const char *code, const char *said) {
    const hub_settings *s = &c->settings;
    if (c->token_is_withheld) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s wants a token for %s (401), and HF_TOKEN was not sent: %s is not "
                            "encrypted. Use an https:// address as HF_ENDPOINT",
                            s->origin.address.host, c->repository, s->endpoint);
    }
    if (s->token && !code_is(code, "RepoNotFound")) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s does not take the token for %s (401%s): make a new one at "
                            "%s/settings/tokens and set HF_TOKEN to that, or unset it",
                            s->origin.address.host, c->repository, said, s->endpoint);
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "%s has no model %s for everybody (401): check the name; if it is private "
                        "or gated, set HF_TOKEN to a token that may read it",
                        s->endpoint, c->repository);
}

static int fail_missing(const hub_client *c, long answer, const char *code, const char *what) {
    if (code_is(code, "RevisionNotFound")) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s has no revision %s; %s/%s/commits/main shows those it has",
                            c->repository, c->revision, c->settings.endpoint, c->repository);
    }
    if (code_is(code, "RepoNotFound")) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s has no model %s; check the name",
                            c->settings.endpoint, c->repository);
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                        "%s has no %s of %s at revision %s (%ld): check name and revision",
                        c->settings.endpoint, what, c->repository, c->revision, answer);
}

/* An answer that will be the same next time. */
static int fail_for_good(const hub_client *c, const hub_exchange *x, const char *what) {
    char said[400], *code = glimpse_http_get_header(&x->get, "X-Error-Code");
    copy_reason(said, sizeof said, x, ": ");
    int status;
    if (code_is(code, "GatedRepo")) {
        status = fail_gated(c);
    } else if (x->status == 401) {
        status = fail_unauthorized(c, code, said);
    } else if (x->status == 403 && strstr(said, "resource is disabled")) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s has closed %s to everybody (403%s)", x->host,
                              c->repository, said);
    } else if (x->status == 403) {
        status =
            glimpse_fail(GLIMPSE_E_NOT_FOUND,
                         "%s refuses %s of %s (403%s): it may be gated; accept its terms at "
                         "%s/%s, and set HF_TOKEN to a token that may read it",
                         x->host, what, c->repository, said, c->settings.endpoint, c->repository);
    } else if (x->status == 404 || x->status == 410) {
        status = fail_missing(c, x->status, code, what);
    } else {
        status = glimpse_fail(GLIMPSE_E_IO, "%s answers a request for %s of %s with status %ld%s",
                              x->host, what, c->repository, x->status, said);
    }
    free(code);
    return status;
}

/*
 * Waiting.
 */
/* t of `RateLimit: "resolvers";r=0;t=55`; negative: it does not ask for a pause. */
static double rate_limit(const hub_exchange *x) {
    char *line = glimpse_http_get_header(&x->get, "RateLimit");
    const char *left = line ? strstr(line, ";r=") : NULL, *time = line ? strstr(line, ";t=") : NULL;
    double seconds = -1.0;
    if (left && time && strtod(left + 3, NULL) <= 0.0) seconds = strtod(time + 3, NULL) + 1.0;
    free(line);
    return seconds >= 0.0 && isfinite(seconds) ? fmin(seconds, GLIMPSE_LONGEST_PAUSE) : -1.0;
}

static double asked_pause(const hub_exchange *x) {
    char *line = glimpse_http_get_header(&x->get, "Retry-After");
    double seconds = line ? glimpse_http_retry_after(line) : -1.0;
    free(line);
    return seconds >= 0.0 ? seconds : rate_limit(x);
}

static int pause_as_asked(hub_client *c, const hub_exchange *x, hub_patience *p) {
    double seconds = asked_pause(x);
    if (seconds < 0.0) seconds = fmin(5.0 * pow(2.0, p->pauses), 120.0);
    if (seconds > LONGEST_PAUSE || ++p->pauses > MAX_PAUSES) {
        return glimpse_fail(GLIMPSE_E_IO,
                            "%s has had too many requests (%ld) and wants a pause of %.0f s; pull "
                            "again then, what came is kept%s",
                            x->host, x->status, seconds,
                            c->settings.token ? "" : ". With a token (HF_TOKEN) more are allowed");
    }
    send_note(c, glimpse_hub_format("%s has had too many requests and wants a pause of %.0f s",
                                    x->host, seconds));
    int status = glimpse_hub_pause(c, seconds);
    return status < 0 ? status : 1;
}

static int is_certificate(const hub_exchange *x) {
    return x->end == GLIMPSE_HTTP_REFUSED;
}

static int fail_network(const hub_client *c, const hub_exchange *x, const char *what,
                        unsigned times) {
    char why[400];
    if (x->end == GLIMPSE_HTTP_DONE) {
        (void)snprintf(why, sizeof why, "status %ld", x->status);
    } else if (x->end == GLIMPSE_HTTP_NOBODY) {
        (void)snprintf(why, sizeof why, "nobody answers there");
    } else {
        (void)snprintf(why, sizeof why, "%s",
                       x->get.error[0] ? x->get.error : "the connection broke");
    }
    if (is_certificate(x)) {
        return glimpse_fail(GLIMPSE_E_IO,
                            "%s cannot be asked for %s of %s: %s. Where the network signs "
                            "connections itself, set SSL_CERT_FILE to its certificate",
                            x->host, what, c->repository, why);
    }
    return glimpse_fail(GLIMPSE_E_IO, "%s of %s could not be had from %s, tried %u times: %s. %s",
                        what, c->repository, x->host, times, why,
                        c->has_connected
                            ? "Pull again later; what came is kept"
                            : "Is there a network? Behind a proxy, set https_proxy; for a mirror, "
                              "HF_ENDPOINT");
}

static int pause_after_failure(hub_client *c, const hub_exchange *x, hub_patience *p,
                               const char *what) {
    const unsigned limit = c->has_connected ? MAX_FAILURES : MAX_FIRST_FAILURES;
    if (++p->failures > limit || is_certificate(x)) {
        return fail_network(c, x, what, p->failures);
    }
    double seconds = pow(2.0, p->failures - 1),
           asked = x->end == GLIMPSE_HTTP_DONE && x->status >= 500 ? asked_pause(x) : -1.0;
    if (asked >= 0.0) seconds = fmin(asked, 60.0);
    if (x->end == GLIMPSE_HTTP_DONE) {
        send_note(c, glimpse_hub_format("%s answers with status %ld; asking again in %.0f s",
                                        x->host, x->status, seconds));
    } else {
        send_note(c, glimpse_hub_format("%s: %s; asking again in %.0f s", x->host,
                                        x->get.error[0] ? x->get.error : "the connection broke",
                                        seconds));
    }
    int status = glimpse_hub_pause(c, seconds);
    return status < 0 ? status : 1;
}

int glimpse_hub_judge(hub_client *client, const hub_exchange *x, hub_patience *patience,
                      const char *what) {
    if (x->is_cancelled) {
        return glimpse_fail(GLIMPSE_E_CANCELLED, "pulling %s was stopped", client->repository);
    }
    if (x->end != GLIMPSE_HTTP_DONE) return pause_after_failure(client, x, patience, what);
    switch (x->status) {
    case 200:
    case 206: return 0;
    case 429: return pause_as_asked(client, x, patience);
    case 408:
    case 416: return pause_after_failure(client, x, patience, what);
    default: break;
    }
    if (x->status >= 500) return pause_after_failure(client, x, patience, what);
    /* A signed address that has expired: the hub gives a new one. */
    if (x->is_elsewhere && (x->status == 401 || x->status == 403) && patience->failures < 2) {
        return pause_after_failure(client, x, patience, what);
    }
    return fail_for_good(client, x, what);
}
