/*
 * vlm_internal.h - what the parts of src/vlm share: the model behind the interface, questions on
 * their way through it.
 *
 *     vlm.c            specs, opening           vlm_run.c        cache, tiers, threads
 *     vlm_kinds.h      the kinds of models      vlm_samples.c    several answers to one question
 *     blip/            BLIP                     vlm_structure.c  JSON answers: validating
 *     remote/          servers                  vlm_words.c      thinking, tokens, quotation marks
 *                                              vlm_refusals.c   refusals, "cannot tell"
 *
 * An engine answers one question once; everything above it (samples, cache, tiers) is the same for
 * all.
 */
#ifndef GLIMPSE_VLM_INTERNAL_H
#define GLIMPSE_VLM_INTERNAL_H

#include "core/hash.h"

#include <glimpse/sys/vlm.h>

#include <pthread.h>

/* A picture of a question. `bytes` is read when it is first needed. */
typedef struct glimpse_vlm_loaded {
    const glimpse_vlm_picture *from;
    void *owned; /* what was read from ->path */
    const void *bytes;
    size_t size;
    char id[GLIMPSE_HASH_HEX]; /* "" until known */
    /* As sent; made by glimpse_remote_picture for one side and metadata rule. */
    uint32_t side;
    int keep_metadata;
    uint8_t *sent;
    size_t sent_size;
    const char *media_type;
    uint32_t width, height;
} glimpse_vlm_loaded;

/* One way through an engine. */
typedef struct glimpse_vlm_job {
    const glimpse_vlm_request *request;
    glimpse_vlm_loaded *pictures; /* [request->picture_count] */
    const char *prompt;           /* as the engine wrote it, see prompt() */
    double temperature;
    uint64_t seed;
    int dry_run;
    int (*cancelled)(void *user);
    void *user;
} glimpse_vlm_job;

static inline int glimpse_vlm_job_stopped(const glimpse_vlm_job *job) {
    return job->cancelled && job->cancelled(job->user);
}

typedef struct glimpse_vlm_engine {
    int (*can)(const void *self, glimpse_vlm_operation operation);
    /* The text that identifies the question: malloc'ed into *out. */
    int (*prompt)(const void *self, const glimpse_vlm_request *request, char **out);
    /* Fills `answer` (zeroed but for the defaults of glimpse_vlm_answer_new); strings malloc'ed. */
    int (*answer)(void *self, const glimpse_vlm_job *job, glimpse_vlm_answer *answer);
    void (*close)(void *self);
} glimpse_vlm_engine;

struct glimpse_vlm {
    char *identity, *name;
    int remote;
    unsigned concurrency;
    char currency[8];      /* of its prices; "" when there are none */
    char prices_as_of[16]; /* "2025-10"; "" when not known */
    char *address;         /* of a remote one: the URL it asks, without its query; NULL */
    const glimpse_vlm_engine *engine;
    void *self;
};

/* vlm_answer.c. Texts are copied; NULL becomes "". */
int glimpse_vlm_answer_new(glimpse_vlm_answer **out, const char *model);
int glimpse_vlm_set(const char **field, const char *text);
int glimpse_vlm_set_n(const char **field, const char *text, size_t size);
/* Sets outcome FAILED with the thread's last error as the reason. */
int glimpse_vlm_set_failed(glimpse_vlm_answer *answer, int code);

/* vlm_run.c: bytes of a picture that has a path, once. Its failures are outcomes. */
int glimpse_vlm_load(glimpse_vlm_loaded *picture);
const char *glimpse_vlm_picture_name(const glimpse_vlm_picture *picture);

/* vlm_samples.c: joins answers[0..count), all of one question, into answers[0]; the others are
 * freed. */
int glimpse_vlm_join_samples(glimpse_vlm_answer **answers, size_t count, glimpse_vlm_schema schema);

/* vlm_words.c. Each cuts `text` [*size] down in place (its bytes may move). */
/* Thinking: from an opening tag to its closing one, to the end where that is missing, from the
 * beginning where only the closing one is there. 1: there was some. */
int glimpse_vlm_drop_thinking(char *text, size_t *size);
/* White space at both ends, the special tokens of tokenizers, the quotation marks around the
 * whole. */
void glimpse_vlm_tidy(char *text, size_t *size);
/* vlm_refusals.c. The whole is a way to say that the picture does not show it; it declines. */
int glimpse_vlm_is_cannot_tell(const char *text, size_t size);
int glimpse_vlm_declines(const char *text, size_t size);

/* vlm_structure.c */
/* The line that asks for the schema, "" for PLAIN. */
const char *glimpse_vlm_schema_line(glimpse_vlm_schema schema);
const char *glimpse_vlm_schema_name(glimpse_vlm_schema schema);
/* Reads the model's text: sets outcome, text, json, probability, confidence. 0: it is not of the
 * schema and answer->reason says why (the outcome is FAILED); 1: fine; negative: a status. */
int glimpse_vlm_read_text(glimpse_vlm_answer *answer, const char *text, glimpse_vlm_schema schema);

#endif
