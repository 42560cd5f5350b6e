/*
 * glimpse/sys/vlm.h - one interface to vision-language models: BLIP in this process, or any server.
 *
 *     glimpse_vlm *vlm = NULL;
 *     if (glimpse_vlm_open(&vlm, "openai:gpt-4o-mini", NULL) < 0) ...
 *     glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
 *     picture.path = "party.jpg";
 *     glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
 *     request.operation = GLIMPSE_VLM_ASK;
 *     request.pictures = &picture, request.picture_count = 1;
 *     request.text = "How many people are there?";
 *     glimpse_vlm_answer *answer = NULL;
 *     if (glimpse_vlm_ask(&answer, vlm, &request, NULL) < 0) ...
 *     if (answer->outcome == GLIMPSE_VLM_ANSWERED) puts(answer->text);
 *     glimpse_vlm_answer_free(answer);
 *     glimpse_vlm_close(vlm);
 *
 * A model is named by a spec:
 *     DIR                      a native BLIP model directory
 *     openai:MODEL             OpenAI chat completions, and every server that speaks them
 *                              (llama-server, Ollama, vLLM, LM Studio)
 *     anthropic:MODEL          Anthropic messages
 *     gemini:MODEL             Gemini generateContent
 *     endpoint:URL             an endpoint of one's own; docs/remote.md has its JSON
 * A base URL of one's own goes behind an @: openai:MODEL@http://localhost:8080/v1. Without a scheme
 * it is http for this machine and private addresses (openai:MODEL@127.0.0.1:8080), and an error for
 * all else. Where no address is given the model's name must not look like one: no request leaves
 * for a host that was not named.
 *
 * Keys come from OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, GLIMPSE_VLM_KEY (endpoint:), or
 * from the configuration file, which nobody else may be able to read; they appear in no message. A
 * key for a provider's own service is never sent to another host: with a base URL of one's own the
 * key is the one the configuration file has for it, else GLIMPSE_VLM_KEY, else none.
 *
 * What leaves the machine: pictures are decoded, turned upright, scaled down to the side of the
 * task and encoded anew as JPEG, so that EXIF and GPS stay here, unless `keep_metadata` is set.
 * What is transparent is laid over white, or over grey where the picture itself is nearly white.
 *
 * Threads: a glimpse_vlm may be used from several threads; limits, money and the circuit breaker
 * are kept for all of them together. glimpse_vlm_run makes its own threads. A native model answers
 * one at a time.
 */
#ifndef GLIMPSE_VLM_H
#define GLIMPSE_VLM_H

#include <glimpse/compute.h>
#include <glimpse/status.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_vlm glimpse_vlm;

/*
 * Opening.
 */
typedef struct glimpse_vlm_options {
    size_t size; /* GLIMPSE_VLM_OPTIONS_INIT sets it */
    /* Files. NULL: ${XDG_CONFIG_HOME:-~/.config}/glimpse/vlm.json, which need not exist. A named
     * one must; "" reads none. */
    const char *config;
    /* The price table; NULL: no prices, so costs are unknown unless the model says them. */
    const char *prices;
    /* Another price table whose entries go before those of `prices`; need not exist. */
    const char *own_prices;
    /* Remote models. 0 means the default in brackets. */
    unsigned concurrency;       /* requests at once (4), at most 64 */
    double requests_per_minute; /* (no limit) */
    double tokens_per_minute;   /* (no limit) estimated before, corrected after each answer */
    double timeout;             /* seconds for one attempt (120) */
    double total_timeout;       /* seconds for one request with its retries (600) */
    int retries;                /* further attempts after the first; negative means none (5) */
    unsigned breaker;           /* failed requests in a row after which the model counts as down
                                   and nothing more is sent for a while (10) */
    double backoff_scale;       /* waiting times times this (1); tests make it small */
    size_t max_answer_bytes;    /* larger answers are refused (4 MiB) */
    double max_cost;            /* money for all requests together; negative: no limit */
    int dry_run;                /* 1: only dry runs will be asked for, so no key is needed */
    /* Native models. */
    glimpse_precision precision;
    glimpse_backend backend;
} glimpse_vlm_options;

static inline glimpse_vlm_options glimpse_vlm_options_init(void) {
    glimpse_vlm_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.max_cost = -1.0;
    return options;
}
#define GLIMPSE_VLM_OPTIONS_INIT glimpse_vlm_options_init()

/* Nothing is sent. GLIMPSE_E_INVALID for a spec that makes no sense, for settings out of range and
 * for a configuration file others can read; GLIMPSE_E_NOT_FOUND for a missing directory or key;
 * GLIMPSE_E_FORMAT for a damaged file; GLIMPSE_E_UNSUPPORTED for another kind of model. */
GLIMPSE_API int glimpse_vlm_open(glimpse_vlm **out, const char *spec,
                                 const glimpse_vlm_options *options);
/* No call on it may be running. */
GLIMPSE_API void glimpse_vlm_close(glimpse_vlm *vlm);

/* The kinds of models that this library knows, for help texts and choices: the list above. */
typedef struct glimpse_vlm_provider {
    const char *name;  /* "openai"; specs of a remote one begin with it and a colon */
    const char *spec;  /* how to write one: "openai:MODEL", "endpoint:URL", "DIR" */
    const char *about; /* "Anthropic messages" */
    const char *key;   /* the environment variable of its key: "OPENAI_API_KEY"; NULL: none */
    int remote;        /* 1: pictures leave the machine */
} glimpse_vlm_provider;
GLIMPSE_API size_t glimpse_vlm_provider_count(void);
/* Borrowed, static storage; NULL from `count` on. */
GLIMPSE_API const glimpse_vlm_provider *glimpse_vlm_provider_get(size_t i);

/* 1 when `spec` names a remote model (one of the prefixes above), so that no directory is looked
 * for. */
GLIMPSE_API int glimpse_vlm_spec_is_remote(const char *spec);
/* The default model of the configuration file ("model": SPEC) into `spec`, "" when there is none.
 * `config` as in the options. GLIMPSE_E_LIMIT when it does not fit. */
GLIMPSE_API int glimpse_vlm_default_spec(char *spec, size_t size, const char *config);

/* Identity for cache keys: equal for models that answer alike, with no key in it. For a native one
 * "blip:FINGERPRINT/PRECISION", for remote ones the spec, with the scheme that was understood.
 * Borrowed. */
GLIMPSE_API const char *glimpse_vlm_identity(const glimpse_vlm *vlm);
/* For people: the spec, or the directory's last part. Borrowed. */
GLIMPSE_API const char *glimpse_vlm_name(const glimpse_vlm *vlm);
/* What its costs are counted in, as the price table says ("USD"); "" when it has no price. */
GLIMPSE_API const char *glimpse_vlm_currency(const glimpse_vlm *vlm);
GLIMPSE_API int glimpse_vlm_is_remote(const glimpse_vlm *vlm);
/* The URL that it asks first, without a query; "" for a native one. Borrowed. */
GLIMPSE_API const char *glimpse_vlm_address(const glimpse_vlm *vlm);
/* The month or day that its price is of, as the price table says ("2025-10"); "" when it has no
 * price or the table no date. *old (may be NULL): more than a year ago. */
GLIMPSE_API const char *glimpse_vlm_prices_as_of(const glimpse_vlm *vlm, int *old);

/*
 * Asking.
 */
typedef enum glimpse_vlm_operation {
    GLIMPSE_VLM_ASK = 0, /* a question about the pictures */
    GLIMPSE_VLM_CAPTION, /* a description of one picture */
    GLIMPSE_VLM_SCORE    /* the probability that `text` describes the one picture */
} glimpse_vlm_operation;
/* 1 when the model can do it. A native directory holds one of the three, remote models do all. An
 * operation that a model cannot do is GLIMPSE_E_UNSUPPORTED. */
GLIMPSE_API int glimpse_vlm_can(const glimpse_vlm *vlm, glimpse_vlm_operation operation);

typedef enum glimpse_vlm_task { /* how much of a picture is needed: the long side when sent */
                                GLIMPSE_VLM_GENERAL = 0, /* 1024 */
                                GLIMPSE_VLM_TEXT = 1,    /* 2048: reading */
                                GLIMPSE_VLM_CLASSIFY = 2 /* 512: judging the whole */
} glimpse_vlm_task;
GLIMPSE_API uint32_t glimpse_vlm_task_side(glimpse_vlm_task task);

/* What the answer must look like. All but PLAIN are JSON objects; an answer that is not one is
 * repaired (code fences and words around it cut off), else asked for once more, else FAILED.
 * answer->json then has exactly the members below, and answer->text the words in them. A null where
 * "or null" stands is the model's way to say that it cannot tell. */
typedef enum glimpse_vlm_schema {
    GLIMPSE_VLM_PLAIN = 0,
    GLIMPSE_VLM_JSON_SCORE,   /* {"score": 0..1 or null} */
    GLIMPSE_VLM_JSON_ANSWER,  /* {"answer": text or null, "confidence": 0..1 or null} */
    GLIMPSE_VLM_JSON_LIST,    /* {"items": [text, ...]}; text: joined by ", " */
    GLIMPSE_VLM_JSON_COMPARE, /* {"similarities": [text, ...], "differences": [text, ...],
                                  "same": "yes", "no" or null} */
    GLIMPSE_VLM_JSON_PAGES    /* {"answer": text or null, "confidence": 0..1 or null,
                                  "pages": [number, ...]} */
} glimpse_vlm_schema;

/* One of path, bytes and image is used, the first that is set. All are borrowed. */
typedef struct glimpse_vlm_picture {
    const char *path;  /* read when its turn comes */
    const void *bytes; /* [size] of a picture file */
    size_t size;
    const glimpse_image *image; /* decoded; has no metadata to keep */
    const char *name;           /* in messages, for bytes and image; NULL: "picture" */
    const char *label;          /* text sent in front of the picture ("Page 3:"); NULL: none */
    const char *id; /* content id (32 hexadecimal digits) for the cache when it is known,
                       so that a cached answer needs no reading; NULL: worked out */
} glimpse_vlm_picture;

static inline glimpse_vlm_picture glimpse_vlm_picture_init(void) {
    glimpse_vlm_picture picture;
    memset(&picture, 0, sizeof picture);
    return picture;
}
#define GLIMPSE_VLM_PICTURE_INIT glimpse_vlm_picture_init()

typedef struct glimpse_vlm_request {
    size_t size; /* GLIMPSE_VLM_REQUEST_INIT sets it */
    glimpse_vlm_operation operation;
    const glimpse_vlm_picture *pictures; /* [picture_count]: 1..GLIMPSE_VLM_MAX_PICTURES */
    size_t picture_count;
    /* The bare subject: the question, the text to score, or how the caption begins (may be NULL).
     * This is what a native model gets. */
    const char *text;
    /* The whole instruction a remote model gets (see glimpse_vlm_fill); NULL: `text`, or a plain
     * built-in instruction where the operation needs one. */
    const char *prompt;
    glimpse_vlm_task task;
    glimpse_vlm_schema schema; /* SCORE sets JSON_SCORE by itself */
    /* Of the answer, thinking included. 0: by the task (1024 for TEXT, 256 for scores, else 512),
     * and eight times that, once, for a model that thought until it. */
    unsigned max_tokens;
    double temperature;  /* 0: the most likely answer */
    uint64_t seed;       /* for temperature > 0, where the model takes one */
    unsigned beams;      /* native captions; 0 or 1: greedy */
    unsigned min_tokens; /* native captions */
    int keep_metadata;   /* 1: a JPEG, PNG or WebP within the size goes out as it is; else a
                            JPEG's EXIF is copied into the smaller one */
    /* Ask this many times (0: once) with temperature 0.7 unless set, and take the answer that most
     * agree on; answer->agreement is their share. Scores: the mean; agreement is 1 - 2 * their
     * standard deviation. Remote models, and native captions with a temperature. */
    unsigned samples;
    void *tag; /* the caller's */
} glimpse_vlm_request;

static inline glimpse_vlm_request glimpse_vlm_request_init(void) {
    glimpse_vlm_request request;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    return request;
}
#define GLIMPSE_VLM_REQUEST_INIT glimpse_vlm_request_init()
enum { GLIMPSE_VLM_MAX_PICTURES = 32, GLIMPSE_VLM_MAX_SAMPLES = 32 };

typedef enum glimpse_vlm_outcome {
    GLIMPSE_VLM_ANSWERED = 0,
    GLIMPSE_VLM_REFUSED,     /* the model declined; text holds its words, if any */
    GLIMPSE_VLM_CANNOT_TELL, /* it said that the picture does not show it */
    GLIMPSE_VLM_FAILED,      /* no usable answer; `code` and `reason` say why */
    GLIMPSE_VLM_NOT_SENT     /* dry run, the cost limit, or an open circuit breaker */
} glimpse_vlm_outcome;
GLIMPSE_API const char *glimpse_vlm_outcome_name(glimpse_vlm_outcome outcome); /* "cannot-tell" */

typedef struct glimpse_vlm_answer {
    size_t size; /* GLIMPSE_VLM_ANSWER_INIT sets it */
    glimpse_vlm_outcome outcome;
    const char *text;   /* UTF-8, trimmed; "" when there is none. A dry run: the JSON that would
                           be sent, pictures left out */
    const char *json;   /* the validated object for JSON schemas, else NULL */
    double probability; /* SCORE: 0..1; negative: no score */
    double confidence;  /* 0..1 how sure the model is: of a score max(p, 1 - p), of JSON_ANSWER and
                           _PAGES what it says, of samples their agreement, 0 for CANNOT_TELL;
                           native captions: exp(mean log probability); negative: not known */
    double agreement;   /* of the samples; negative with only one */
    unsigned samples;   /* how many were answered */
    const char *model;  /* identity of the model that answered, or was to */
    const char *answered_by;        /* as the server calls it, such as a dated version; "" */
    const char *reason;             /* FAILED, NOT_SENT, REFUSED, `incomplete`: a sentence, without
                                       the path when the request has one picture; else "" */
    int code;                       /* FAILED: the status (glimpse/status.h); else GLIMPSE_OK */
    int http_status;                /* of the last attempt, 0 when none */
    uint64_t tokens_in, tokens_out; /* as the provider counts them, of all requests it took */
    int tokens_known;   /* 0: the provider did not say, or nothing was sent (then estimates) */
    double cost;        /* money spent (dry run: estimated); negative: price not known */
    double latency;     /* seconds, all attempts and waits */
    unsigned requests;  /* HTTP requests this took; 0 for a cached answer */
    int cached;         /* all of it came from the cache; cost is 0 */
    int escalated;      /* the second tier was asked */
    const int32_t *ids; /* [id_count] native captions: the tokens */
    size_t id_count;
    double log_probability;           /* native captions: the score of the sequence; remote: 0 */
    double cosine;                    /* native SCORE: the ITC cosine; -2 when there is none */
    uint32_t sent_width, sent_height; /* of the first picture as sent; 0 when native */
    uint64_t sent_bytes;              /* of all pictures as sent */
    /* 1: what the model said was cut off (max_tokens) or broke off, and `text` is the part that
     * came; `reason` says how. ANSWERED, or REFUSED by a filter in the middle. Such an answer is
     * not kept in the cache, has no vote among samples and is not taken over a whole one. */
    int incomplete;
    int reserved;
    const char *address; /* remote, dry run: the URL that would be asked, without its query; "" */
} glimpse_vlm_answer;

static inline glimpse_vlm_answer glimpse_vlm_answer_init(void) {
    glimpse_vlm_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.probability = -1.0;
    answer.confidence = -1.0;
    answer.agreement = -1.0;
    answer.cosine = -2.0;
    return answer;
}
#define GLIMPSE_VLM_ANSWER_INIT glimpse_vlm_answer_init()

GLIMPSE_API void glimpse_vlm_answer_free(glimpse_vlm_answer *answer);

/*
 * The response cache, as the engine sees it; <glimpse/response_cache.h> makes one, and a program
 * may fill in one of its own. Only ANSWERED, REFUSED and CANNOT_TELL are kept, and only when they
 * are whole. Calls come one at a time, from any thread.
 */
typedef struct glimpse_vlm_question {
    const char *key;        /* 32 hexadecimal digits over all that follows */
    const char *contents;   /* ids of the pictures, 32 digits each, separated by a blank */
    const char *model;      /* identity */
    const char *prompt;     /* as sent, or as a native model gets it */
    const char *parameters; /* "ask general 1024 json-score max 512 t 0 ..." */
} glimpse_vlm_question;

typedef struct glimpse_vlm_cache {
    size_t size; /* GLIMPSE_VLM_CACHE_INIT sets it */
    /* 1 and an answer; 0: not there; or a status. */
    int (*find)(void *user, glimpse_vlm_answer **out, const glimpse_vlm_question *question);
    /* Durable when it returns. */
    int (*keep)(void *user, const glimpse_vlm_question *question, const glimpse_vlm_answer *answer);
    void *user;
    /* NULL, or: puts the id of the picture in the place of `id`, which is that of the bytes of a
     * file, so that answers outlive edits of its metadata. `bytes` are NULL where the file was not
     * read. What it does not know it leaves. */
    int (*picture_id)(void *user, char *id /* [33] */, const void *bytes, size_t byte_count);
} glimpse_vlm_cache;

static inline glimpse_vlm_cache glimpse_vlm_cache_init(void) {
    glimpse_vlm_cache cache;
    memset(&cache, 0, sizeof cache);
    cache.size = sizeof cache;
    return cache;
}
#define GLIMPSE_VLM_CACHE_INIT glimpse_vlm_cache_init()

/* A new answer with copies of the strings (NULL: ""), for caches; `from` begins as
 * GLIMPSE_VLM_ANSWER_INIT. */
GLIMPSE_API int glimpse_vlm_answer_copy(glimpse_vlm_answer **out, const glimpse_vlm_answer *from);

/*
 * One question, on the calling thread.
 *
 * GLIMPSE_OK with an answer, whatever its outcome: an unreadable picture, a server that is down and
 * a refusal are outcomes. Negative without one: GLIMPSE_E_INVALID (a request that makes no sense),
 * GLIMPSE_E_UNSUPPORTED (an operation this model cannot do, several pictures for a native one),
 * GLIMPSE_E_NOMEM, GLIMPSE_E_CANCELLED, or the status of the cache.
 */
typedef struct glimpse_vlm_run_options {
    size_t size;                    /* GLIMPSE_VLM_RUN_OPTIONS_INIT sets it */
    const glimpse_vlm_cache *cache; /* NULL: none */
    int refresh;                    /* 1: do not look into the cache, only keep there */
    glimpse_vlm *second;            /* the second tier, or NULL */
    double escalate_below;          /* asks `second` when confidence is known and below this */
    int dry_run;                    /* nothing is sent: NOT_SENT, with sizes, text and estimates */
    /* Asked about ten times a second, from any thread, several at once and beside `answered`;
     * non-zero stops, and the call returns
     * GLIMPSE_E_CANCELLED. NULL: never. */
    int (*cancelled)(void *user);
    void *user; /* for `cancelled` */
} glimpse_vlm_run_options;

static inline glimpse_vlm_run_options glimpse_vlm_run_options_init(void) {
    glimpse_vlm_run_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_VLM_RUN_OPTIONS_INIT glimpse_vlm_run_options_init()

GLIMPSE_API int glimpse_vlm_ask(glimpse_vlm_answer **out, glimpse_vlm *vlm,
                                const glimpse_vlm_request *request,
                                const glimpse_vlm_run_options *options);

/*
 * Many questions, `concurrency` at a time: captions for a directory, scores for a shortlist.
 *
 * `answered` gets every request once, one call at a time, in the order answers come (not that of
 * the list), on some thread; the answer is freed after it unless it was taken (*answer = NULL). A
 * negative return stops the run and is what the run returns, one above 0 stops it with
 * GLIMPSE_E_CANCELLED; so does a request that cannot be asked, with its status. Answers are in the
 * cache before `answered` sees them: a run that was killed asks nothing twice when it is started
 * again. Equal questions within a run are sent once where there is a cache.
 *
 * `requests` [count] all have the same `size`, that of the program's struct, which is also how far
 * they are apart: GLIMPSE_E_INVALID for others.
 */
typedef int (*glimpse_vlm_answered_fn)(void *user, size_t i, const glimpse_vlm_request *request,
                                       glimpse_vlm_answer **answer);

typedef struct glimpse_vlm_totals {
    size_t size;    /* GLIMPSE_VLM_TOTALS_INIT sets it */
    uint64_t asked; /* handed to `answered` */
    uint64_t answered, refused, cannot_tell, failed, not_sent, cached, escalated;
    uint64_t requests; /* HTTP requests, or runs of the native model */
    uint64_t tokens_in, tokens_out;
    double cost;         /* of what has a known price */
    uint64_t unpriced;   /* answers whose price is not known */
    uint64_t incomplete; /* of `answered` and `refused`: those that were cut or broke off */
} glimpse_vlm_totals;

static inline glimpse_vlm_totals glimpse_vlm_totals_init(void) {
    glimpse_vlm_totals totals;
    memset(&totals, 0, sizeof totals);
    totals.size = sizeof totals;
    return totals;
}
#define GLIMPSE_VLM_TOTALS_INIT glimpse_vlm_totals_init()

/* `totals` may be NULL. GLIMPSE_OK also when answers failed. */
GLIMPSE_API int glimpse_vlm_run(glimpse_vlm_totals *totals, glimpse_vlm *vlm,
                                const glimpse_vlm_request *requests, size_t count,
                                const glimpse_vlm_run_options *options,
                                glimpse_vlm_answered_fn answered, void *user);

/* Prompt files: `{}` becomes `text` (every one of them), `{{` and `}}` a brace; lines that begin
 * with # are left out, white space at both ends too. A `text` that no {} takes follows on a line of
 * its own. The text is the caller's: glimpse_free(). */
GLIMPSE_API int glimpse_vlm_fill(char **out, const char *prompt, const char *text);

#ifdef __cplusplus
}
#endif
#endif
