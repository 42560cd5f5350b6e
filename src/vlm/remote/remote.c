/*
 * remote.c - a model behind a server: opening it, and one question: ask, have the answer repaired.
 */
#include "vlm/remote/remote.h"

#include "core/clock.h"
#include "core/error.h"
#include "text/json_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES = 900, THINKING_FACTOR = 8, MAX_TOKENS = 16384 };

/*
 * Opening.
 */
/* The spec with the address as it is understood, so that equal ones have equal answers: as it was
 * written when that was a whole address. */
static char *make_identity(const glimpse_remote *remote, const char *spec, const char *address) {
    size_t before = address ? (size_t)(address - spec) : strlen(spec);
    const char *base = address ? remote->base : "", *query = address ? remote->query : "";
    size_t scheme = strncmp(base, "https", 5) == 0 ? 8 : 7;
    if (!address || strncmp(address, base, scheme) == 0) return strdup(spec);
    size_t size = before + strlen(base) + strlen(query) + 1;
    char *identity = malloc(size);
    if (identity) (void)snprintf(identity, size, "%.*s%s%s", (int)before, spec, base, query);
    return identity;
}

/* Splits "NAME:MODEL@ADDRESS", or "NAME:ADDRESS" where there are no models. */
static int read_spec(glimpse_remote *remote, const char *spec) {
    const glimpse_dialect *dialect = remote->dialect;
    const char *example = remote->kind->provider.spec;
    const char *model = strchr(spec, ':') + 1, *address = model;
    size_t length = 0;
    /* Google's documentation names its models with the part of the path that comes before. */
    if (dialect->model_in_url && strncmp(model, dialect->path + 1, strlen(dialect->path + 1)) == 0)
        model += strlen(dialect->path + 1);
    remote->own_base = 1;
    if (dialect->base) {
        const char *at = glimpse_remote_find_address(model);
        length = at ? (size_t)(at - model) : strlen(model);
        remote->own_base = at != NULL;
        address = at ? at + 1 : dialect->base;
        if (length == 0) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: which model? As in %s", spec, example);
        }
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)model[i];
        if (c <= ' ' || c == 127 || (dialect->model_in_url && strchr("/?#%&@\\\"", c))) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%s\" is not the name of a model", spec);
        }
    }
    int status = remote->own_base ? GLIMPSE_OK : glimpse_remote_check_model(model, spec, example);
    if (status == GLIMPSE_OK) status = glimpse_remote_parse_base(remote, address, spec);
    if (status != GLIMPSE_OK) return status;
    remote->model = strndup(model, length);
    remote->identity = make_identity(remote, spec, remote->own_base ? address : NULL);
    if (!remote->model || !remote->identity) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a model");
    }
    return GLIMPSE_OK;
}

static const char *variable(const char *name) {
    const char *value = name ? getenv(name) : NULL;
    return value && *value ? value : NULL;
}

/* The key for where the requests go, and for nowhere else. */
static int read_key(glimpse_remote *remote, const char *config_path, int dry_run) {
    const glimpse_vlm_provider *provider = &remote->kind->provider;
    glimpse_remote_config config;
    char origin[512];
    int status = glimpse_remote_origin(origin, sizeof origin, remote->base, &remote->loopback);
    if (status == GLIMPSE_OK) status = glimpse_remote_config_read(&config, config_path);
    if (status != GLIMPSE_OK) return status;
    const char *key = NULL;
    if (remote->own_base) {
        key = glimpse_remote_config_key(&config, origin);
        if (!key) key = variable("GLIMPSE_VLM_KEY");
        (void)snprintf(remote->key_hint, sizeof remote->key_hint,
                       "GLIMPSE_VLM_KEY, or \"keys\": {\"%.80s\": ...} in the configuration file",
                       origin);
    } else {
        key = variable(provider->key);
        if (!key) key = glimpse_remote_config_key(&config, provider->name);
        (void)snprintf(remote->key_hint, sizeof remote->key_hint,
                       "%s, or \"keys\": {\"%s\": ...} in %.80s",
                       provider->key ? provider->key : "", provider->name,
                       config.path ? config.path : "the configuration file");
    }
    remote->key = strdup(key ? key : "");
    glimpse_remote_config_free(&config);
    if (!remote->key) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a key");
    int needed = provider->key && !remote->own_base;
    remote->keyless = dry_run && !key && needed;
    if (!key && needed && !dry_run) {
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
        double value, max;
    } numbers[] = {{"requests a minute", o->requests_per_minute, 1e6},
                   {"tokens a minute", o->tokens_per_minute, 1e12},
                   {"seconds of an attempt", o->timeout, 1e6},
                   {"seconds of a request", o->total_timeout, 1e7},
                   {"the scale of waits", o->backoff_scale, 1e3}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!(numbers[i].value >= 0.0 && numbers[i].value <= numbers[i].max)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: %g is out of range (0 to %g)",
                                numbers[i].name, numbers[i].value, numbers[i].max);
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

static int read_price(glimpse_remote *remote, const glimpse_vlm_options *options) {
    int status = glimpse_remote_price_find(&remote->price, remote->kind, remote->identity,
                                           remote->own_base, options);
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
    free(remote->query);
    free(remote);
}

int glimpse_remote_open(glimpse_vlm *vlm, const glimpse_vlm_kind *kind, const char *spec,
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
    remote->kind = kind;
    remote->dialect = kind->dialect;
    remote->underestimate = 1.0;
    remote->timeout = options->timeout > 0.0 ? options->timeout : 120.0;
    remote->total_timeout = options->total_timeout > 0.0 ? options->total_timeout : 600.0;
    remote->retries = options->retries < 0 ? 0 : options->retries ? options->retries : 5;
    remote->max_answer_bytes =
        options->max_answer_bytes ? options->max_answer_bytes : (size_t)4 << 20;
    status = read_spec(remote, spec);
    if (status == GLIMPSE_OK) status = read_key(remote, options->config, options->dry_run);
    if (status == GLIMPSE_OK) status = read_price(remote, options);
    if (status == GLIMPSE_OK) status = glimpse_http_pool_create(&remote->pool);
    if (status < 0) return status;
    memcpy(vlm->currency, remote->price.currency, sizeof vlm->currency);
    memcpy(vlm->prices_as_of, remote->price.as_of, sizeof vlm->prices_as_of);
    vlm->identity = strdup(remote->identity);
    vlm->name = strdup(spec);
    char *url = remote->dialect->url(remote, 0);
    vlm->address = url ? glimpse_remote_shown_url(url) : NULL;
    free(url);
    if (!vlm->identity || !vlm->name || !vlm->address) {
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
        [GLIMPSE_VLM_SCORE] = ("How likely is it that this text describes the picture, with every "
                               "thing, attribute, number and place in it?\nText: {}"),
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

static unsigned default_max_tokens(const glimpse_vlm_request *request) {
    if (request->operation == GLIMPSE_VLM_SCORE) return 256;
    return request->task == GLIMPSE_VLM_TEXT ? 1024 : 512;
}

/* Asks once more, for the JSON that did not come. */
static int repair(glimpse_remote *remote, const glimpse_asking *asking, double deadline,
                  glimpse_vlm_answer *answer, glimpse_reply_end *end) {
    int thought = 0;
    static const char words[] = "%s\n\nYour answer before was not usable, because %s. It "
                                "began:\n%.1000s\n\nAnswer again. %s";
    const char *line = glimpse_vlm_schema_line(asking->job->request->schema);
    size_t size = strlen(asking->prompt) + strlen(answer->reason) + strlen(line) + 1200;
    char *prompt_again = malloc(size);
    if (!prompt_again) return glimpse_fail_nomem(size, "a prompt");
    (void)snprintf(prompt_again, size, words, asking->prompt, answer->reason, answer->text, line);
    glimpse_asking again = *asking;
    again.prompt = prompt_again;
    int status = glimpse_remote_exchange(remote, &again, deadline, answer, end, &thought);
    free(prompt_again);
    return status;
}

/* A model that thinks used up all that it may write before it had said what was asked for: asks
 * once more, with tokens for both. */
static int ask_with_more_tokens(glimpse_remote *remote, glimpse_asking *asking, double deadline,
                                glimpse_vlm_answer *answer, glimpse_reply_end *end) {
    int thought = 0;
    asking->max_tokens *= THINKING_FACTOR;
    if (asking->max_tokens > MAX_TOKENS) asking->max_tokens = MAX_TOKENS;
    return glimpse_remote_exchange(remote, asking, deadline, answer, end, &thought);
}

/* Says of an answer that is not whole how it ended. */
static int mark_end(glimpse_vlm_answer *answer, glimpse_reply_end end, unsigned max_tokens) {
    char reason[512];
    if (end == GLIMPSE_REPLY_WHOLE || answer->outcome == GLIMPSE_VLM_NOT_SENT) return GLIMPSE_OK;
    answer->incomplete = answer->outcome <= GLIMPSE_VLM_CANNOT_TELL;
    if (end == GLIMPSE_REPLY_CUT) {
        (void)snprintf(reason, sizeof reason,
                       *answer->text ? "the answer was cut off: it may have %u tokens, or the "
                                       "model's context was full (%s)"
                                     : "all %u tokens that it may have went before the first word "
                                       "of an answer (%s)",
                       max_tokens, glimpse_wording("settings.max_tokens", "N"));
    } else {
        (void)snprintf(reason, sizeof reason, "the answer broke off: %.400s", answer->reason);
    }
    return glimpse_vlm_set(&answer->reason, reason);
}

static int plan(glimpse_remote *remote, const glimpse_asking *asking, glimpse_vlm_answer *answer) {
    glimpse_asking shown = *asking;
    shown.without_data = 1;
    json_t *body = remote->dialect->body(remote, &shown);
    char *text = body ? glimpse_json_dump(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
    double in = glimpse_remote_estimate(remote, asking);
    answer->outcome = GLIMPSE_VLM_NOT_SENT;
    answer->tokens_in = (uint64_t)in;
    answer->tokens_out = asking->max_tokens;
    answer->cost = glimpse_remote_cost(remote, in, asking->max_tokens);
    int status = glimpse_vlm_set(&answer->text, text);
    if (status == GLIMPSE_OK) status = glimpse_vlm_set(&answer->reason, "dry run");
    if (status == GLIMPSE_OK) {
        char *url = remote->dialect->url(remote, remote->version == GLIMPSE_VERSION_NEEDED);
        char *address = url ? glimpse_remote_shown_url(url) : NULL;
        status = address ? glimpse_vlm_set(&answer->address, address)
                         : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a request");
        free(address);
        free(url);
    }
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
    glimpse_asking asking = {
        job, job->prompt, request->max_tokens ? request->max_tokens : default_max_tokens(request),
        0};
    if (job->dry_run) return plan(remote, &asking, answer);
    if (remote->keyless) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s was opened for dry runs, without a key",
                            remote->identity);
    }

    glimpse_reply_end end = GLIMPSE_REPLY_WHOLE;
    double start = glimpse_now(), deadline = start + remote->total_timeout;
    int thought = 0, raised = 0;
    int status = glimpse_remote_exchange(remote, &asking, deadline, answer, &end, &thought);
    /* A limit that the user set is not ours to raise: it is money. Who was cut before the first
     * word has thought, though not all servers tell. */
    if (status == 0 && end == GLIMPSE_REPLY_CUT && (thought || !*answer->text) &&
        !request->max_tokens) {
        status = ask_with_more_tokens(remote, &asking, deadline, answer, &end);
        raised = 1;
    }
    if (status == 0 && request->schema != GLIMPSE_VLM_PLAIN &&
        !(raised && end == GLIMPSE_REPLY_CUT)) {
        status = repair(remote, &asking, deadline, answer, &end);
    }
    answer->latency = glimpse_now() - start;
    if (status >= 0) status = mark_end(answer, end, asking.max_tokens);
    return status < 0 ? status : GLIMPSE_OK;
}

static const glimpse_vlm_engine remote_engine = {can, prompt, answer_remote, close_remote};
