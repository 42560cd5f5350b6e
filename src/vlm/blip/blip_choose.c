/*
 * vlm/blip/blip_choose.c - chooses the next token from logits: the best, a drawn one, or the best
 * of several beams.
 */
#include "vlm/blip/blip_choose.h"

#include <math.h>
#include <stdlib.h>

int glimpse_blip_log_total(const float *logits, size_t count, double *total) {
    float largest = logits[0];
    for (size_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += exp((double)logits[i] - (double)largest);
    *total = (double)largest + log(sum);
    return isfinite(*total);
}

int32_t glimpse_blip_highest(const float *logits, size_t count, int32_t forbidden) {
    int32_t best = -1;
    for (size_t i = 0; i < count; i++) {
        if ((int32_t)i == forbidden) continue;
        if (best < 0 || logits[i] > logits[best]) best = (int32_t)i;
    }
    return best;
}

size_t glimpse_blip_offer(glimpse_blip_choice *best, size_t have, size_t capacity,
                          const float *logits, size_t count, int32_t forbidden, size_t beam,
                          double offset) {
    for (size_t i = 0; i < count; i++) {
        double value = offset + (double)logits[i];
        if (have == capacity && !(value > best[capacity - 1].value)) continue;
        if ((int32_t)i == forbidden) continue;
        size_t place = have < capacity ? have++ : capacity - 1;
        for (; place > 0 && value > best[place - 1].value; place--)
            best[place] = best[place - 1];
        best[place] = (glimpse_blip_choice){value, beam, (int32_t)i};
    }
    return have;
}

/* splitmix64 (Steele et al. 2014), as a number in [0, 1). */
static double draw_uniform(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static int compare_choices(const void *a, const void *b) {
    const glimpse_blip_choice *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return (x->token > y->token) - (x->token < y->token);
}

int32_t glimpse_blip_draw(const float *logits, size_t count, int32_t forbidden,
                          const glimpse_blip_generation *generation, uint64_t *random,
                          glimpse_blip_choice *scratch) {
    /* A few are picked out of many by insertion, all of them sorted. */
    const size_t few = 256;
    size_t kept = 0, capacity = generation->top_k;
    if (capacity > 0 && capacity <= few && capacity < count) {
        kept = glimpse_blip_offer(scratch, 0, capacity, logits, count, forbidden, 0, 0.0);
    } else {
        for (size_t i = 0; i < count; i++) {
            if ((int32_t)i == forbidden) continue;
            scratch[kept++] = (glimpse_blip_choice){(double)logits[i], 0, (int32_t)i};
        }
        qsort(scratch, kept, sizeof *scratch, compare_choices);
        if (capacity > 0 && capacity < kept) kept = capacity;
    }
    double top = scratch[0].value, total = 0, nucleus = 0;
    for (size_t i = 0; i < kept; i++) {
        scratch[i].value = exp((scratch[i].value - top) / generation->temperature);
        total += scratch[i].value;
    }
    size_t in = 0;
    while (in < kept && (in == 0 || nucleus < generation->top_p * total))
        nucleus += scratch[in++].value;
    double at = draw_uniform(random) * nucleus;
    for (size_t i = 0; i + 1 < in; i++) {
        at -= scratch[i].value;
        if (at < 0) return scratch[i].token;
    }
    return scratch[in - 1].token;
}
