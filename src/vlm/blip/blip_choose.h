/*
 * vlm/blip/blip_choose.h - from logits to the next token: the highest, a drawn one, or the best
 * continuations of a set of beams. Ties go to the lower beam, then the lower id.
 */
#ifndef GLIMPSE_VLM_BLIP_CHOOSE_H
#define GLIMPSE_VLM_BLIP_CHOOSE_H

#include <glimpse/sys/blip.h>

typedef struct glimpse_blip_choice {
    double value; /* a sum of log-probabilities, or a logit */
    size_t beam;
    int32_t token;
} glimpse_blip_choice;

/* log(sum(exp(logits))), so that logit - total is a log-probability. 0 when that is not finite. */
int glimpse_blip_log_total(const float *logits, size_t count, double *total);

/* `forbidden` is a token that must not be chosen, or -1. */
int32_t glimpse_blip_highest(const float *logits, size_t count, int32_t forbidden);

/* Adds the continuations of a beam to the `room` best ones in `best`, highest first; returns how
 * many there are. */
size_t glimpse_blip_offer(glimpse_blip_choice *best, size_t have, size_t capacity,
                          const float *logits, size_t count, int32_t forbidden, size_t beam,
                          double offset);

/* Draws by temperature, top_k and top_p (in that order, as transformers does). `scratch` [count];
 * `random` is the state of a generator. */
int32_t glimpse_blip_draw(const float *logits, size_t count, int32_t forbidden,
                          const glimpse_blip_generation *generation, uint64_t *random,
                          glimpse_blip_choice *scratch);

#endif
