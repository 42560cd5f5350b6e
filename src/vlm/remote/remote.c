/*
 * remote.c - one question to a server: estimate, reserve, send, try again, read, have it repaired.
 */
#include "vlm/remote/remote.h"

#include "core/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEFAULT_MAX_TOKENS = 512, KEY_BYTES = 900 };

/*
 * Opening.
 */
static const glimpse_dialect *dialect_of(const char *spec) {
    static const glimpse_dialect *const all[] = {
        &glimpse_dialect_openai, &glimpse_dialect_anthropic, &glimpse_dialect_gemini,
        &glimpse_dialect_endpoint};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t length = strlen(all[i]->name);
        if (strncmp(spec, all[i]->name, length) == 0 && spec[length] == ':') return all[i];
    }
    return NULL;
}

/* Splits "NAME:MODEL@URL". */
static int take_spec(glimpse_remote *remote, const char *spec) {
    const char *model = strchr(spec, ':') + 1, *base = NULL;
    if (!remote->dialect->takes_model) {
        base = model;
        model = "";
    } else {
        const char *secure = strstr(model, "@https://"), *plain = strstr(model, "@http://");
        base = secure ? secure : plain;
    }
    size_t length = remote->dialect->takes_model && base ? (size_t)(base - model) : strlen(model);
    remote->own_base = base != NULL;
    if (base && *base == '@') base++;
    if (!base) base = remote->dialect->base;
    if (remote->dialect->takes_model && length == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: which model? As in %sMODEL", spec,
                            spec[0] == 'o'   ? "openai:"
                            : spec[0] == 'a' ? "anthropic:"
                                             : "gemini:");
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)model[i];
        int in_url = remote->dialect == &glimpse_dialect_gemini;
        if (c <= ' ' || c == 127 || (in_url && strchr("/?#%&@\\\"", c))) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" is not the name of a model", spec);
        }
    }
    remote->model = strndup(model, length);
    remote->base = strdup(base);
    remote->identity = strdup(spec);
    if (!remote->model || !remote->base || !remote->identity) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a model");
    }
    size_t end = strlen(remote->base);
    while (remote->dialect->takes_model && end > 0 && remote->base[end - 1] == '/')
        remote->base[--end] = '\0';
    return GLIMPSE_OK;
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The key for where the requests go, and for nowhere else. */
static int take_key(glimpse_remote *remote, const char *config_path, int dry_run) {
    glimpse_remote_config config;
    char origin[512];
    int status = glimpse_remote_origin(origin, sizeof origin, remote->base, &remote->loopback);
    if (status == GLIMPSE_OK) status = glimpse_remote_config_read(&config, config_path);
    if (status < 0) return status;
    const char *key = NULL;
    if (remote->own_base) {
        key = glimpse_remote_config_key(&config, origin);
        if (!key) key = variable("GLIMPSE_VLM_KEY");
        (void)snprintf(remote->key_hint, sizeof remote->key_hint,
                       "GLIMPSE_VLM_KEY, or \"keys\": {\"%.80s\": ...} in the configuration file",
                       origin);
    } else {
        key = variable(remote->dialect->variable);
        if (!key) key = glimpse_remote_config_key(&config, remote->dialect->name);
        (void)snprintf(remote->key_hint, sizeof remote->key_hint,
                       "%s, or \"keys\": {\"%s\": ...} in %.80s", remote->dialect->variable,
                       remote->dialect->name, config.path ? config.path : "the configuration file");
    }
    remote->key = strdup(key ? key : "");
    glimpse_remote_config_free(&config);
    if (!remote->key) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a key");
    remote->keyless = dry_run && !key && !remote->own_base;
    if (!key && !remote->own_base && !dry_run) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s needs a key: set %s", remote->identity,
                            remote->key_hint);
    }
    for (const char *p = remote->key; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the key for %s has a blank or another bad character in it",
                                remote->identity);
        }
    }
    if (strlen(remote->key) > KEY_BYTES) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "the key for %s is longer than %d bytes",
                            remote->identity, KEY_BYTES);
    }
    return GLIMPSE_OK;
}

static int check_options(const glimpse_vlm_options *o) {
    const struct {
        const char *name;
        double value, most;
    } numbers[] = {{"requests a minute", o->requests_per_minute, 1e6},
                   {"tokens a minute", o->tokens_per_minute, 1e12},
                   {"seconds of an attempt", o->timeout, 1e6},
                   {"seconds of a request", o->total_timeout, 1e7},
                   {"the scale of waits", o->backoff_scale, 1e3}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!(numbers[i].value >= 0.0 && numbers[i].value <= numbers[i].most)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: %g is out of range (0 to %g)",
                                numbers[i].name, numbers[i].value, numbers[i].most);
        }
    }
    if (o->concurrency > 64) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%u requests at once; 64 are the most",
                            o->concurrency);
    }
    if (o->retries > 100) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%d retries; 100 are the most", o->retries);
    }
    if (isnan(o->max_cost)) return glimpse_fail(GLIMPSE_E_INVALID, "the cost limit is no number");
    return GLIMPSE_OK;
}

static int take_price(glimpse_remote *remote, const glimpse_vlm_options *options) {
    int status =
        glimpse_remote_price_find(&remote->price, remote->identity, remote->own_base, options);
    if (status < 0) return status;
    if (remote->price.in < 0.0 && remote->own_base && remote->loopback) {
        remote->price.in = remote->price.out = 0.0; /* this machine sends no bills */
    }
    if (options->max_cost >= 0.0 && remote->price.in < 0.0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a cost limit needs a price, and there is none for %s; put one into %s",
                            remote->identity,
                            options->own_prices && *options->own_prices ? options->own_prices
                                                                        : "the price table");
    }
    return GLIMPSE_OK;
}

static const glimpse_vlm_engine remote_engine;

static void close_remote(void *self) {
    glimpse_remote *remote = self;
    glimpse_http_pool_free(remote->pool);
    glimpse_limits_destroy(&remote->limits);
    (void)pthread_mutex_destroy(&remote->mutex);
    if (remote->key) explicit_bzero(remote->key, strlen(remote->key));
    free(remote->key);
    free(remote->identity);
    free(remote->model);
    free(remote->base);
    free(remote);
}

int glimpse_vlm_open_remote(glimpse_vlm *vlm, const char *spec,
                            const glimpse_vlm_options *options) {
    int status = check_options(options);
    if (status < 0) return status;
    glimpse_remote *remote = calloc(1, sizeof *remote);
    if (!remote) return glimpse_fail_nomem(sizeof *remote, "a model");
    status = glimpse_limits_init(&remote->limits, options);
    if (status < 0) {
        free(remote);
        return status;
    }
    (void)pthread_mutex_init(&remote->mutex, NULL);
    vlm->engine = &remote_engine;
    vlm->self = remote;
    vlm->concurrency = remote->limits.concurrency;
    remote->dialect = dialect_of(spec);
    remote->underestimate = 1.0;
    remote->timeout = options->timeout > 0.0 ? options->timeout : 120.0;
    remote->total_timeout = options->total_timeout > 0.0 ? options->total_timeout : 600.0;
    remote->retries = options->retries < 0 ? 0 : options->retries ? options->retries : 5;
    remote->max_answer_bytes =
        options->max_answer_bytes ? options->max_answer_bytes : (size_t)4 << 20;
    status = take_spec(remote, spec);
    if (status == GLIMPSE_OK) status = take_key(remote, options->config, options->dry_run);
    if (status == GLIMPSE_OK) status = take_price(remote, options);
    if (status == GLIMPSE_OK) status = glimpse_http_pool_create(&remote->pool);
    if (status < 0) return status;
    memcpy(vlm->currency, remote->price.currency, sizeof vlm->currency);
    vlm->identity = strdup(spec);
    vlm->name = strdup(spec);
    if (!vlm->identity || !vlm->name) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a name");
    }
    return GLIMPSE_OK;
}

static int can(const void *self, glimpse_vlm_operation operation) {
    (void)self;
    return operation == GLIMPSE_VLM_ASK || operation == GLIMPSE_VLM_CAPTION ||
           operation == GLIMPSE_VLM_SCORE;
}

static int prompt(const void *self, const glimpse_vlm_request *request, char **out) {
    static const char *const plain[] = {
        [GLIMPSE_VLM_ASK] = "{}",
        [GLIMPSE_VLM_CAPTION] = "Describe this picture in one sentence. {}",
        [GLIMPSE_VLM_SCORE] = "How likely is it that this text describes the picture, with every "
                              "thing, attribute, number and place in it?\nText: {}",
    };
    (void)self;
    char *words = NULL;
    int status = GLIMPSE_OK;
    if (request->prompt) {
        words = strdup(request->prompt);
        if (!words) status = glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a prompt");
    } else {
        status =
            glimpse_vlm_fill(&words, plain[request->operation], request->text ? request->text : "");
    }
    if (status < 0) return status;
    const char *line = glimpse_vlm_schema_line(request->schema);
    size_t size = strlen(words) + strlen(line) + 3;
    char *whole = malloc(size);
    if (whole) (void)snprintf(whole, size, "%s%s%s", words, *line ? "\n\n" : "", line);
    free(words);
    if (!whole) return glimpse_fail_nomem(size, "a prompt");
    *out = whole;
    return GLIMPSE_OK;
}

/*
 * Estimates: on the safe side, for what is reserved must cover what is charged.
 */
static double estimate_in(glimpse_remote *remote, const glimpse_asking *asking) {
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

static double price_of(const glimpse_remote *remote, double in, double out) {
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
    char *url;
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
    DIFFERENTLY, /* a parameter was left out: now */
    BAD,         /* this request will never work */
    HOPELESS,    /* no request will: a bad key */
    UNWANTED,    /* the provider's filter: a refusal */
    STOPPED
} verdict;

/* Copies without what may be a key: the key itself, and words that begin as keys do. */
static void redact(char *text, const char *key) {
    size_t length = strlen(key);
    for (char *p = text; length >= 4 && (p = strstr(p, key));)
        memset(p, '*', length);
    static const char *const starts[] = {"sk-", "AIza", "Bearer "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        for (char *p = text; (p = strstr(p, starts[i]));) {
            p += strlen(starts[i]);
            size_t more = strcspn(p, " \t\r\n\"'<>,;)");
            if (more >= 8) memset(p, '*', more);
            p += more;
        }
    }
}

/* What a server sends back is shown, logged and kept: the key must not be in it. */
static void hide_key(char *body, size_t size, const char *key) {
    size_t length = strlen(key);
    if (!body || length < 8) return;
    for (char *p = body; (p = memmem(p, size - (size_t)(p - body), key, length));)
        memset(p, '*', length);
}

static void fail_with(sending *s, int status, const char *format, ...) GLIMPSE_PRINTF(3, 4);
static void fail_with(sending *s, int status, const char *format, ...) {
    char text[900];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    redact(text, s->remote->key);
    for (char *p = text; *p; p++) { /* servers send what they like */
        if ((unsigned char)*p < ' ' || *p == 127) *p = ' ';
    }
    s->answer->code = glimpse_fail(status, "%s: %s", s->remote->identity, text);
}

static const char *meaning(long status) {
    switch (status) {
    case 400: return "the server does not understand the request";
    case 401: return "the key is not accepted";
    case 402: return "the account has no money left";
    case 403: return "not allowed";
    case 404: return "there is no such model or address";
    case 408: return "the server waited too long for the request";
    case 413: return "the request is too large";
    case 429: return "too many requests";
    case 500: return "the server failed";
    case 502:
    case 503: return "the server is not available";
    case 504: return "the server's server did not answer";
    case 529: return "the server is overloaded";
    default: return "unexpected status";
    }
}

/* "34s" in a Gemini error: RetryInfo.retryDelay. */
static double retry_delay(const json_t *body) {
    const json_t *details = glimpse_json_at(body, (const char *const[]){"error", "details", NULL});
    size_t i;
    json_t *detail;
    json_array_foreach(details, i, detail) {
        const char *delay = json_string_value(json_object_get(detail, "retryDelay"));
        char *end = NULL;
        double seconds = delay ? strtod(delay, &end) : -1.0;
        if (delay && end != delay && strcmp(end, "s") == 0 && seconds >= 0.0 && seconds < 1e9) {
            return seconds;
        }
    }
    return -1.0;
}

/* Whether a 400 names a parameter that can be left out; it is, from now on. */
static int leave_out(sending *s, const json_t *body) {
    static const struct {
        const char *name;
        unsigned bit;
    } all[] = {{"max_completion_tokens", GLIMPSE_LACKS_MAX_COMPLETION_TOKENS},
               {"max_tokens", GLIMPSE_LACKS_MAX_TOKENS},
               {"temperature", GLIMPSE_LACKS_TEMPERATURE},
               {"response_format", GLIMPSE_LACKS_FORMAT},
               {"seed", GLIMPSE_LACKS_SEED}};
    const json_t *error = json_object_get(body, "error");
    const char *name = json_string_value(json_object_get(error, "param"));
    const char *message = glimpse_json_error(body);
    if (s->remote->dialect != &glimpse_dialect_openai &&
        s->remote->dialect != &glimpse_dialect_anthropic) {
        return 0;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int named =
            name ? strcmp(name, all[i].name) == 0 : message && strstr(message, all[i].name) != NULL;
        if (!named) continue;
        (void)pthread_mutex_lock(&s->remote->mutex);
        int is_new = !(s->remote->lacks & all[i].bit);
        s->remote->lacks |= all[i].bit;
        (void)pthread_mutex_unlock(&s->remote->mutex);
        /* Another thread may have found out while this one was under way. */
        return is_new || s->answer->requests < 4;
    }
    return 0;
}

static int is_filter(const json_t *body) {
    const char *code =
        json_string_value(glimpse_json_at(body, (const char *const[]){"error", "code", NULL}));
    return code &&
           (strcmp(code, "content_policy_violation") == 0 || strcmp(code, "content_filter") == 0);
}

static verdict judge_error(sending *s, const glimpse_http *http, const json_t *body,
                           double *after) {
    const char *said = glimpse_json_error(body);
    const char *code =
        json_string_value(glimpse_json_at(body, (const char *const[]){"error", "code", NULL}));
    *after = http->retry_after >= 0.0 ? http->retry_after : retry_delay(body);
    long status = http->status;
    if (status >= 300 && status < 400) {
        fail_with(s, GLIMPSE_E_IO,
                  "%ld: the server sends us elsewhere (%s), and no key is sent along; give the "
                  "right address yourself",
                  status, http->location[0] ? http->location : "it does not say where");
        return HOPELESS;
    }
    if (status == 400 && is_filter(body)) {
        s->answer->outcome = GLIMPSE_VLM_REFUSED;
        return UNWANTED;
    }
    if (status == 400 && leave_out(s, body)) return DIFFERENTLY;
    const char *hint = "";
    if (status == 401 && !*s->remote->key)
        hint = "; no key was sent: set ";
    else if (status == 401)
        hint = "; check ";
    fail_with(s, GLIMPSE_E_IO, "%ld: %s%s%s%.400s%s", status, meaning(status), hint,
              *hint ? s->remote->key_hint : "", said ? ": " : "", said ? said : "");
    if (status == 401 || status == 402 || status == 404) return HOPELESS;
    if (status == 429 && code && strcmp(code, "insufficient_quota") == 0) return HOPELESS;
    if (status == 408 || status == 409 || status == 425 || status == 429 || status >= 500) {
        return AGAIN;
    }
    return BAD;
}

static verdict judge_body(sending *s, const glimpse_http *http) {
    json_error_t error;
    s->root = json_loadb(http->answer ? http->answer : "", http->answer_size, 0, &error);
    s->reply = (glimpse_reply){.cost = -1.0};
    if (s->root && s->remote->dialect->read(s->root, &s->reply)) return GOOD;
    const char *said = glimpse_json_error(s->root);
    free(s->reply.joined);
    s->reply = (glimpse_reply){.cost = -1.0};
    if (!s->root) {
        fail_with(s, GLIMPSE_E_FORMAT, "the server's answer is not JSON (%zu bytes, line %d)",
                  http->answer_size, error.line);
    } else {
        fail_with(s, GLIMPSE_E_FORMAT, "the server's answer is not one of %s%s%.400s",
                  s->remote->dialect->name, said ? ": " : "", said ? said : "");
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
        fail_with(s, GLIMPSE_E_LIMIT, "the answer is larger than %zu bytes",
                  s->remote->max_answer_bytes);
        return BAD;
    case GLIMPSE_HTTP_REFUSED: fail_with(s, GLIMPSE_E_IO, "%s", http->error); return HOPELESS;
    case GLIMPSE_HTTP_TIMEOUT:
    case GLIMPSE_HTTP_BROKEN: fail_with(s, GLIMPSE_E_IO, "%s", http->error); return AGAIN;
    case GLIMPSE_HTTP_DONE: break;
    }
    if (http->status >= 200 && http->status < 300) return judge_body(s, http);
    json_t *body = json_loadb(http->answer ? http->answer : "", http->answer_size, 0, NULL);
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
    double cost = s->reply.cost >= 0.0 ? s->reply.cost : price_of(s->remote, in, out);
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
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    int status = text ? GLIMPSE_OK : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    double spent = 0.0, risk = 0.0, actual = 0.0;
    if (status == GLIMPSE_OK) {
        glimpse_http_end end = GLIMPSE_HTTP_BROKEN;
        http.body = text;
        http.body_size = strlen(text);
        http.timeout = fmin(remote->timeout, s->deadline - glimpse_vlm_now());
        http.max_bytes = remote->max_answer_bytes;
        http.loopback = remote->loopback;
        http.job = s->asking->job;
        s->answer->requests++;
        status = glimpse_http_post(remote->pool, &http, &end);
        s->answer->http_status = (int)http.status;
        if (status == GLIMPSE_OK) {
            hide_key(http.answer, http.answer_size, remote->key);
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
    if (state == 0) state = (uint64_t)(glimpse_vlm_now() * 1e9) ^ (uint64_t)(uintptr_t)&state;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

/* How long to wait before attempt n + 1: full jitter below 1, 2, 4 ... 60 seconds, but at least
 * what the server asks for, and a little more, so that not all come back at once. */
static double back_off(int n, double after) {
    double most = fmin(60.0, exp2(n));
    if (after >= 0.0) return after + random_share() * fmin(most, 0.1 * after + 0.5);
    return most * (0.25 + 0.75 * random_share());
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
        fail_with(s, GLIMPSE_E_IO,
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
    if (glimpse_vlm_now() + wait >= s->deadline) {
        if (after >= 0.0) {
            char before[512];
            (void)snprintf(before, sizeof before, "%s", glimpse_last_error());
            s->answer->code = glimpse_fail(
                GLIMPSE_E_IO, "%s (it asks to wait %.0f s, longer than this request may take)",
                before, after);
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
                              found == HOPELESS ? -1
                              : found == AGAIN  ? 0
                                                : 1,
                              glimpse_last_error());
        return glimpse_vlm_set_failed(s->answer, s->answer->code);
    }
}

/* One exchange: asks with `prompt`, sets the answer from what comes. 1: of the schema, or no
 * answer for a reason; 0: not of the schema; or a status. */
static int exchange(glimpse_remote *remote, const glimpse_asking *asking, double deadline,
                    glimpse_vlm_answer *answer, int *cut) {
    sending s = {.remote = remote, .asking = asking, .answer = answer, .deadline = deadline};
    s.tokens = estimate_in(remote, asking);
    s.cost = fmax(0.0, price_of(remote, s.tokens, asking->max_tokens));
    s.tokens += asking->max_tokens;
    s.url = remote->dialect->url(remote);
    if (!s.url) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    remote->dialect->headers(remote, s.headers);
    size_t used = 0;
    s.lines[used++] = "Content-Type: application/json";
    for (size_t i = 0; i < 3; i++) {
        if (s.headers[i][0]) s.lines[used++] = s.headers[i];
    }
    *cut = 0;
    int status = send_with_retries(&s);
    if (status == 1) {
        status = glimpse_vlm_set(&answer->answered_by, s.reply.model);
        *cut = s.reply.cut;
        if (status == GLIMPSE_OK && s.reply.cannot_tell) {
            answer->outcome = GLIMPSE_VLM_CANNOT_TELL;
            answer->confidence = 0.0;
            status = 1;
        } else if (status == GLIMPSE_OK && s.reply.refused) {
            answer->outcome = GLIMPSE_VLM_REFUSED;
            status = glimpse_vlm_set(&answer->text, s.reply.text);
            if (status == GLIMPSE_OK) {
                status = glimpse_vlm_set(&answer->reason,
                                         s.reply.why ? s.reply.why : "the model declined");
            }
            if (status == GLIMPSE_OK) status = 1;
        } else if (status == GLIMPSE_OK) {
            status = glimpse_vlm_take_text(answer, s.reply.text ? s.reply.text : "",
                                           asking->job->request->schema);
        }
    } else if (status == 0) {
        status = 1;
    }
    explicit_bzero(s.headers, sizeof s.headers);
    free(s.reply.joined);
    json_decref(s.root);
    free(s.url);
    return status;
}

/* Asks once more, for the JSON that did not come. */
static int repair(glimpse_remote *remote, glimpse_asking asking, double deadline,
                  glimpse_vlm_answer *answer, int *cut) {
    static const char words[] = "%s\n\nYour answer before was not usable, because %s. It "
                                "began:\n%.1000s\n\nAnswer again. %s";
    const char *line = glimpse_vlm_schema_line(asking.job->request->schema);
    size_t size = strlen(asking.prompt) + strlen(answer->reason) + strlen(line) + 1200;
    char *prompt_again = malloc(size);
    if (!prompt_again) return glimpse_fail_nomem(size, "a prompt");
    (void)snprintf(prompt_again, size, words, asking.prompt, answer->reason, answer->text, line);
    asking.prompt = prompt_again;
    if (*cut && asking.max_tokens < 8192) asking.max_tokens *= 2;
    int status = exchange(remote, &asking, deadline, answer, cut);
    free(prompt_again);
    return status;
}

static int plan(glimpse_remote *remote, const glimpse_asking *asking, glimpse_vlm_answer *answer) {
    glimpse_asking shown = *asking;
    shown.without_data = 1;
    json_t *body = remote->dialect->body(remote, &shown);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    double in = estimate_in(remote, asking);
    answer->outcome = GLIMPSE_VLM_NOT_SENT;
    answer->tokens_in = (uint64_t)in;
    answer->tokens_out = asking->max_tokens;
    answer->cost = price_of(remote, in, asking->max_tokens);
    int status = glimpse_vlm_set(&answer->text, text);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->reason, "dry run");
    free(text);
    return status;
}

static int answer_remote(void *self, const glimpse_vlm_job *job, glimpse_vlm_answer *answer) {
    glimpse_remote *remote = self;
    const glimpse_vlm_request *request = job->request;
    uint32_t side = glimpse_vlm_task_side(request->task);
    for (size_t i = 0; i < request->picture_count; i++) {
        int status = glimpse_remote_picture(&job->pictures[i], side, request->keep_metadata);
        if (status == GLIMPSE_E_NOMEM) return status;
        if (status < 0) return glimpse_vlm_set_failed(answer, status);
        answer->sent_bytes += job->pictures[i].sent_size;
    }
    answer->sent_width = job->pictures[0].width;
    answer->sent_height = job->pictures[0].height;
    glimpse_asking asking = {job, job->prompt,
                             request->max_tokens ? request->max_tokens : DEFAULT_MAX_TOKENS, 0};
    if (job->dry_run) return plan(remote, &asking, answer);
    if (remote->keyless) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s was opened for dry runs, without a key",
                            remote->identity);
    }

    int cut = 0;
    double start = glimpse_vlm_now(), deadline = start + remote->total_timeout;
    int status = exchange(remote, &asking, deadline, answer, &cut);
    if (status == 0 && request->schema != GLIMPSE_VLM_PLAIN) {
        status = repair(remote, asking, deadline, answer, &cut);
    }
    answer->latency = glimpse_vlm_now() - start;
    if (status >= 0 && cut && answer->outcome <= GLIMPSE_VLM_FAILED) {
        char reason[128];
        (void)snprintf(reason, sizeof reason, "the answer was cut off at %u tokens",
                       asking.max_tokens);
        if (answer->outcome == GLIMPSE_VLM_ANSWERED || answer->outcome == GLIMPSE_VLM_FAILED) {
            status = glimpse_vlm_set(&answer->reason, reason);
        }
    }
    return status < 0 ? status : GLIMPSE_OK;
}

static const glimpse_vlm_engine remote_engine = {can, prompt, answer_remote, close_remote};
