/*
 * model_facts.h - what can be said about a model without preparing its weights.
 */
#ifndef GLIMPSE_SESSION_MODEL_FACTS_H
#define GLIMPSE_SESSION_MODEL_FACTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct session_model_facts {
    char fingerprint[33]; /* "" of one that makes no embeddings, or is damaged */
    char problem[1024];   /* "" when it can be used */
    const char *family;   /* static; NULL: not known */
    int is_blip;
    double parameters;              /* millions; NaN: not known */
    unsigned dimension, resolution; /* 0: not known */
    uint64_t bytes;
} session_model_facts;

/* `directory` as it is, with the thread's last error left alone. Reads all weights, unless their
 * fingerprint is remembered. Fails only without memory. */
int glimpse_session_read_facts(session_model_facts *out, const char *directory);
/* 1 when its configuration is that of a model with embeddings which is read here. */
int glimpse_session_is_encoder(const char *directory);
/* malloc'ed member "repository", "licence", ... of what a pull left in it; NULL: nothing. */
char *glimpse_session_read_record(const char *directory, const char *key);

#endif
