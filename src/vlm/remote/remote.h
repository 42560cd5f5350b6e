/*
 * remote.h - models behind HTTP: what the files remote_*.c share.
 *
 *     remote_openai.c, _anthropic.c, _gemini.c, _endpoint.c: the providers, each a row of the table
 *                      of kinds (vlm/vlm_kinds.h)
 *     remote.c         opening; one question: ask, have it repaired
 *     remote_send.c    one exchange: estimate, reserve, send with retries, account
 *     remote_errors.c  what a failure means, in words without a key
 *     remote_finish.c  how an answer ended, and its parts
 *     remote_address.c where requests go
 *     remote_http.c    one POST through libcurl
 *     remote_limits.c  slots, rates, pauses, circuit breaker, money
 *     remote_picture.c what leaves the machine of a picture
 *     remote_prices.c  the price table       remote_config.c  configuration and keys
 *     remote_json.c    parts of bodies
 *
 * Each of these may use those below it.
 */
#ifndef GLIMPSE_VLM_REMOTE_H
#define GLIMPSE_VLM_REMOTE_H

#include "http/http.h"
#include "vlm/vlm_kinds.h"

#include <jansson.h>

/*
 * Configuration and keys.
 */
typedef struct glimpse_remote_config {
    char *path;   /* for messages; NULL when there is none */
    char *model;  /* default spec or NULL */
    json_t *keys; /* {"openai": KEY, "http://localhost:8080": KEY}, or NULL */
} glimpse_remote_config;
/* `path` as in glimpse_vlm_options.config. */
int glimpse_remote_config_read(glimpse_remote_config *out, const char *path);
void glimpse_remote_config_free(glimpse_remote_config *config);
/* NULL when there is none; `name` is a dialect or an origin. */
const char *glimpse_remote_config_key(const glimpse_remote_config *config, const char *name);

/*
 * Addresses (remote_address.c).
 */
/* The @ in "MODEL@ADDRESS": before a scheme, else the last one; NULL: there is none. */
const char *glimpse_remote_find_address(const char *text);
/* "https://host:port" of a URL into `to`; checks scheme, host and that no name, password, or
 * fragment is in it. *loopback: the host is this machine. */
int glimpse_remote_origin(char *to, size_t capacity, const char *url, int *loopback);
/* GLIMPSE_E_INVALID for a name that cannot be that of a model at a provider's own service, or may
 * be an address. */
int glimpse_remote_check_model(const char *model, const char *spec, const char *example);

/*
 * Prices: per token; negative: not known.
 */
typedef struct glimpse_remote_price {
    double in, out;
    double picture_base, picture_tile; /* tokens of a picture; negative: the dialect's rule */
    double patch;                      /* tokens per 32x32 patch; negative: not counted so */
    char currency[8];
    char as_of[16]; /* "2025-10"; "" */
} glimpse_remote_price;
/* The entry for `identity`, a spec of that kind; own_base: the spec holds a server's address. */
int glimpse_remote_price_find(glimpse_remote_price *out, const glimpse_vlm_kind *kind,
                              const char *identity, int own_base,
                              const glimpse_vlm_options *options);
/* Whether `text` has the form: Y, M, D and # stand for digits (of a year, a month, a day), all else
 * for itself: "-YYYY-MM-DD". */
int glimpse_remote_is_version(const char *text, const char *form);

/*
 * Pictures.
 */
/* Decodes, turns, scales and encodes for `side`, once; `from` names it in messages. */
int glimpse_remote_picture(glimpse_vlm_loaded *picture, uint32_t side, int keep_metadata);
/* A JPEG's EXIF segment ("Exif\0\0" and TIFF), its orientation set to upright. 0 when none. */
size_t glimpse_remote_exif(const void *jpeg, size_t size, uint8_t **out, int *orientation);

/*
 * Limits. Times are seconds of any clock that does not go back.
 */
typedef struct glimpse_pace {
    double per_second; /* 0: no limit */
    double next;       /* when the next may go */
} glimpse_pace;
/* When `amount` may go, at `now` or later; the pace is booked up to there. */
double glimpse_pace_reserve(glimpse_pace *pace, double now, double amount);

typedef struct glimpse_limits {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned concurrency, active;
    glimpse_pace requests, tokens;
    double paused_until;
    double scale; /* of all waits */
    /* Circuit breaker. */
    unsigned threshold, in_a_row, opened;
    double open_until;
    int trying;       /* one request finds out whether the model is back */
    int dead;         /* nothing will ever come: a bad key */
    char reason[512]; /* of the last failure */
    /* Money. */
    double max_cost, spent, reserved, at_risk;
} glimpse_limits;

int glimpse_limits_init(glimpse_limits *limits, const glimpse_vlm_options *options);
void glimpse_limits_destroy(glimpse_limits *limits);

typedef enum glimpse_entry {
    GLIMPSE_ENTRY_OK = 0,
    GLIMPSE_ENTRY_NO_MONEY,
    GLIMPSE_ENTRY_DOWN, /* the breaker is open */
    GLIMPSE_ENTRY_LATE, /* the deadline comes first */
    GLIMPSE_ENTRY_STOPPED
} glimpse_entry;
/* Waits for a slot and for the rates, and reserves `cost`. */
glimpse_entry glimpse_limits_enter(glimpse_limits *limits, double tokens, double cost,
                                   double deadline, const glimpse_vlm_job *job);
/* Gives the slot back. `cost` becomes `spent`; `risk` is what may have been charged for nothing. */
void glimpse_limits_leave(glimpse_limits *limits, double tokens, double actual_tokens, double cost,
                          double spent, double risk);
void glimpse_limits_pause(glimpse_limits *limits, double seconds);
/* How a question ended: 1 answered, 0 failed, -1 failed for good. `why` only for failures. */
void glimpse_limits_result(glimpse_limits *limits, int result, const char *why);
void glimpse_limits_reason(glimpse_limits *limits, char *to, size_t capacity);
/* Waits; 0 when stopped. */
int glimpse_limits_wait(const glimpse_vlm_job *job, double seconds);

/*
 * HTTP.
 */
typedef struct glimpse_http {
    /* In. */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated */
    const char *body;
    size_t body_size;
    double connect_timeout, timeout;
    size_t max_bytes;
    int loopback; /* never through a proxy */
    const glimpse_vlm_job *job;
    /* Out. */
    long status;
    char *answer; /* malloc'ed, with a NUL */
    size_t answer_size;
    double retry_after; /* seconds, at most GLIMPSE_LONGEST_PAUSE; negative: not said */
    char location[256]; /* of a redirect */
    char error[320];    /* what libcurl says; no headers, no key */
} glimpse_http;

typedef struct glimpse_http_pool glimpse_http_pool;
/* Loads libcurl: GLIMPSE_E_UNSUPPORTED when it is not there. */
int glimpse_http_pool_create(glimpse_http_pool **out);
void glimpse_http_pool_free(glimpse_http_pool *pool);
/* GLIMPSE_OK with *end, or GLIMPSE_E_NOMEM. */
int glimpse_http_post(glimpse_http_pool *pool, glimpse_http *http, glimpse_http_end *end);
/* What a line of an answer's header says, into retry_after and location. A pool must be there. */
void glimpse_http_read_header(glimpse_http *http, const char *line, size_t length);

/*
 * Dialects.
 */
typedef struct glimpse_remote glimpse_remote;

typedef enum glimpse_reply_end {
    GLIMPSE_REPLY_WHOLE = 0,
    GLIMPSE_REPLY_CUT,   /* at max_tokens, or where the context was full */
    GLIMPSE_REPLY_BROKEN /* an error, a pause, a tool it wanted to use: `why` */
} glimpse_reply_end;

/* What a dialect finds in the body of a 200; strings are borrowed from it. */
typedef struct glimpse_reply {
    const char *text; /* NULL: none */
    char *joined;     /* malloc'ed, when `text` had to be put together */
    const char *model;
    glimpse_reply_end end;
    int refused;
    int filtered;    /* refused, and by a filter: what text there is stopped in the middle */
    const char *why; /* of a refusal or a broken end; may be NULL */
    int cannot_tell;
    int thought; /* beside the text */
    int tokens_known;
    uint64_t tokens_in, tokens_out;
    double cost; /* negative: not said */
} glimpse_reply;

typedef struct glimpse_asking {
    const glimpse_vlm_job *job;
    const char *prompt; /* the whole */
    unsigned max_tokens;
    int without_data; /* for showing: pictures left out */
} glimpse_asking;

/* remote_finish.c: what a finish or stop reason means. NULL and null: it is not said, which is
 * whole; what is no text says nothing of the kind, and is not. */
void glimpse_reply_finish(glimpse_reply *reply, const json_t *finish);
/* An "error" beside or inside an answer makes it a broken one. NULL and null are none. */
void glimpse_reply_error(glimpse_reply *reply, const json_t *error);
/* The text of a message: a string, or all text parts of a list, joined; nothing of thinking. A part
 * that is a refusal makes the whole one, one that is an error a broken answer. 0 when out of
 * memory. */
int glimpse_reply_join(glimpse_reply *reply, const json_t *content);

/* What the body of an error says; `parameter` is borrowed from it. */
typedef struct glimpse_remote_fault {
    const char *message; /* `words`; NULL: nothing */
    char words[400];
    const char *parameter; /* the one that the server does not take; NULL: it does not say */
    double retry_after;    /* seconds; negative: not said */
    int filtered;          /* refused by the provider's content filter */
    int no_money;          /* the account is empty: trying again is in vain */
} glimpse_remote_fault;

/* A parameter of requests that is left out from the moment a server names it in a 400. */
typedef struct glimpse_remote_parameter {
    const char *name;
    unsigned bit; /* in glimpse_remote.lacks */
} glimpse_remote_parameter;
enum {
    GLIMPSE_LACKS_TEMPERATURE = 1,
    GLIMPSE_LACKS_SEED = 2,
    GLIMPSE_LACKS_FORMAT = 4,
    GLIMPSE_LACKS_MAX_TOKENS = 8,
    GLIMPSE_LACKS_MAX_COMPLETION_TOKENS = 16
};

typedef struct glimpse_dialect {
    /* Of the provider's own service, without a slash at its end. A spec is then NAME:MODEL or
     * NAME:MODEL@URL. NULL: it is NAME:URL, and there is no model. */
    const char *base;
    int model_in_url; /* so that its name must need no escaping */
    /* What is appended to a base: "/chat/completions"; with the model in the URL the part before
     * it. `version`, "/v1", comes before it when a base without one answers that there is nothing.
     * NULL: the URL is the base. */
    const char *path, *version;
    /* Ended by a NULL name; one that is part of another's name comes after it. NULL: none. */
    const glimpse_remote_parameter *optional;
    /* What may follow a name of the price table in a model's name: forms as of
     * glimpse_remote_is_version(), ended by NULL. NULL: nothing. */
    const char *const *versions;

    /* malloc'ed; versioned: with `version` behind the base. */
    char *(*url)(const glimpse_remote *remote, int versioned);
    /* A new reference; NULL: out of memory. */
    json_t *(*body)(glimpse_remote *remote, const glimpse_asking *asking);
    /* At most 3 headers of `room` bytes. */
    void (*headers)(const glimpse_remote *remote, char headers[3][1024]);
    /* 0: not the documented shape. */
    int (*read)(const json_t *body, glimpse_reply *reply);
    /* `body` may be NULL: it was no JSON. */
    void (*read_fault)(const json_t *body, glimpse_remote_fault *fault);
    double (*picture_tokens)(uint32_t width, uint32_t height); /* an estimate */
} glimpse_dialect;

/* Whether the dialect's version goes behind a base of the user's. */
enum {
    GLIMPSE_VERSION_GIVEN = 0, /* it does not */
    GLIMPSE_VERSION_UNKNOWN,   /* tried when there is nothing at the base alone */
    GLIMPSE_VERSION_NEEDED
};

struct glimpse_remote {
    const glimpse_vlm_kind *kind;
    const glimpse_dialect *dialect; /* kind->dialect */
    char *identity;
    char *model, *base; /* base: without a slash at its end, and without its query */
    char *query;        /* "?api-version=..." of the base; "" */
    int own_base, loopback;
    char *key;          /* "" when none */
    int keyless;        /* opened for dry runs: nothing can be sent */
    char key_hint[200]; /* where a key could be put, for messages */
    glimpse_remote_price price;
    glimpse_limits limits;
    glimpse_http_pool *pool;
    pthread_mutex_t mutex; /* of what follows */
    unsigned lacks;
    int version;          /* one of those below */
    double underestimate; /* largest tokens in / estimate seen, at least 1 */
    double timeout, total_timeout;
    int retries;
    size_t max_answer_bytes;
};

/* remote_address.c. Sets base, query, loopback and version from what was written as the address. */
int glimpse_remote_parse_base(glimpse_remote *remote, const char *text, const char *spec);
/* Base, version where it is wanted, path and the base's query; malloc'ed. */
char *glimpse_remote_url(const glimpse_remote *remote, int versioned, const char *path);
/* For people: without the values of its query, which may hold a key. malloc'ed. */
char *glimpse_remote_shown_url(const char *url);

/* remote.c: the `open` of every remote kind. */
int glimpse_remote_open(glimpse_vlm *vlm, const glimpse_vlm_kind *kind, const char *spec,
                        const glimpse_vlm_options *options);

/* remote_send.c */
/* Tokens of a question, on the safe side, for what is reserved must cover what is charged. */
double glimpse_remote_estimate(glimpse_remote *remote, const glimpse_asking *asking);
/* Money; negative: the price is not known. */
double glimpse_remote_cost(const glimpse_remote *remote, double in, double out);
/* Asks, and sets the answer from what comes; *end: how the answer ended; *thought: whether the
 * model thought before it. 1: of the schema, or no answer for a reason; 0: not of the schema; or a
 * status. */
int glimpse_remote_exchange(glimpse_remote *remote, const glimpse_asking *asking, double deadline,
                            glimpse_vlm_answer *answer, glimpse_reply_end *end, int *thought);

/* remote_errors.c */
/* glimpse_fail() with the identity in front and nothing in the text that may be a key. */
int glimpse_remote_fail(const glimpse_remote *remote, int status, const char *format, ...)
    GLIMPSE_PRINTF(3, 4);
/* What a server sends back is shown, logged and kept: the key must not be in it. */
void glimpse_remote_hide_key(char *body, size_t size, const char *key);
/* "too many requests" */
const char *glimpse_remote_status_meaning(long status);
/* A dialect's read_fault: the shapes that OpenAI, Anthropic and Google document, which servers of
 * one's own imitate. */
void glimpse_remote_read_fault(const json_t *body, glimpse_remote_fault *fault);
/* The message of a body that is no JSON: plain text, or the title of a page. */
void glimpse_remote_read_page(const char *text, size_t size, glimpse_remote_fault *fault);
/* Whether a 400 names a parameter that can be left out and was not yet (*is_new), or was. */
int glimpse_remote_leave_out(glimpse_remote *remote, const glimpse_remote_fault *fault,
                             int *is_new);
unsigned glimpse_remote_lacks(glimpse_remote *remote);
int glimpse_remote_version(glimpse_remote *remote); /* GLIMPSE_VERSION_... */
void glimpse_remote_set_version(glimpse_remote *remote, int version);

/* remote_json.c: parts of bodies. Each returns a new reference, NULL when out of memory. */
json_t *glimpse_remote_data(const glimpse_asking *asking, size_t i, const char *prefix);
json_t *glimpse_remote_media_type(const glimpse_asking *asking, size_t i);
/* Appends, taking the reference; 0 when out of memory. */
int glimpse_json_add(json_t *array, json_t *value);
int glimpse_json_set(json_t *object, const char *name, json_t *value);
json_t *glimpse_json_text(const char *text); /* invalid UTF-8 replaced */
const json_t *glimpse_json_at(const json_t *from, const char *const *path); /* "a", "0", NULL */
uint64_t glimpse_json_count(const json_t *value); /* 0 for what is no count */

#endif
