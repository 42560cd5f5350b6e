/*
 * label_many.c - labels of many pictures: one matrix product, softmax or sigmoid, best classes,
 * abstention.
 *
 *     scores [N][R] = x [N][E] * rows [R][E]^T        R = K classes + B background + F examples
 *
 * The product is cut into panels of PANEL pictures, so memory does not grow with N; the last panel
 * is filled up with zeros, so every picture goes through a product of the same shape. OpenBLAS sums
 * in an order that depends on a picture's place in its panel: scores move by an f32 rounding, below
 * 1e-6.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/options.h"
#include "math/init.h"
#include "math/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANEL = 128 };

typedef struct scorer {
    const glimpse_classifier *c;
    glimpse_math math;
    size_t rows;     /* R */
    float *pictures; /* [PANEL][E], unit length */
    float *scores;   /* [PANEL][R] */
    double *logits;  /* [K] of one picture */
} scorer;

static void scorer_free(scorer *s) {
    free(s->pictures);
    free(s->scores);
    free(s->logits);
}

static int scorer_init(scorer *s, const glimpse_classifier *c) {
    *s = (scorer){.c = c, .rows = c->count + c->background + c->examples};
    int status = glimpse_math_init(&s->math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_F32);
    if (status < 0) return status;
    if (s->rows > SIZE_MAX / sizeof(float) / PANEL) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "too many classes and examples");
    }
    s->pictures = calloc(PANEL * c->width, sizeof *s->pictures);
    s->scores = calloc(PANEL * s->rows, sizeof *s->scores);
    s->logits = calloc(c->count, sizeof *s->logits);
    if (s->pictures && s->scores && s->logits) return GLIMPSE_OK;
    scorer_free(s);
    *s = (scorer){0};
    return glimpse_fail_nomem(PANEL * s->rows * sizeof *s->scores, "scores");
}

/* Scores of `n` <= PANEL pictures. */
static int score_panel(scorer *s, const float *embeddings, size_t n) {
    size_t width = s->c->width;
    for (size_t i = 0; i < n; i++) {
        const float *from = embeddings + i * width;
        float *to = s->pictures + i * width;
        double norm = 0;
        for (size_t j = 0; j < width; j++)
            norm += (double)from[j] * (double)from[j];
        norm = sqrt(norm);
        if (!(norm > 0) || !isfinite(norm)) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the embedding to classify is zero or not finite");
        }
        for (size_t j = 0; j < width; j++)
            to[j] = (float)((double)from[j] / norm);
    }
    memset(s->pictures + n * width, 0, (PANEL - n) * width * sizeof *s->pictures);
    glimpse_gemm(&s->math, 1, PANEL, s->rows, width, 1.0f, s->pictures, width, s->c->rows, width,
                 s->scores, s->rows);
    return GLIMPSE_OK;
}

/* Fills s->logits from a row of scores; returns the background's logit, -INFINITY without one. */
static double make_logits(scorer *s, const float *scores) {
    const glimpse_classifier *c = s->c;
    double background = -INFINITY;
    memset(s->logits, 0, c->count * sizeof *s->logits);
    const float *examples = scores + c->count + c->background;
    for (size_t i = 0; i < c->examples; i++)
        s->logits[c->example_class[i]] += exp(-c->beta * (1.0 - (double)examples[i]));
    if (c->examples > 0) glimpse_examples_centre(s->logits, c->share, c->count);
    for (size_t k = 0; k < c->count; k++)
        s->logits[k] = c->logit_scale * (double)scores[k] + c->logit_bias + c->alpha * s->logits[k];
    for (size_t b = 0; b < c->background; b++) {
        double logit = c->logit_scale * (double)scores[c->count + b] + c->logit_bias;
        if (logit > background) background = logit;
    }
    return background;
}

/* The `top` classes of the largest logits, ties in class order; probability holds the logit. */
static size_t best_classes(const scorer *s, const float *scores, size_t top, glimpse_label *out) {
    size_t found = 0;
    for (size_t k = 0; k < s->c->count; k++) {
        double logit = s->logits[k];
        if (top == 0 || (found == top && logit <= out[found - 1].probability)) continue;
        size_t at = found < top ? found++ : found - 1;
        for (; at > 0 && out[at - 1].probability < logit; at--)
            out[at] = out[at - 1];
        out[at] = (glimpse_label){k, (double)scores[k], logit, 0};
    }
    return found;
}

typedef struct key {
    double logit;
    size_t k;
} key;

static int by_logit(const void *a, const void *b) {
    const key *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return (x->k > y->k) - (x->k < y->k);
}

/* The same by sorting: for a `top` that insertion would be slow for. */
static int sorted_classes(const scorer *s, const float *scores, size_t top, glimpse_label *out) {
    key *keys = malloc(s->c->count * sizeof *keys);
    if (!keys) return glimpse_fail_nomem(s->c->count * sizeof *keys, "labels");
    for (size_t k = 0; k < s->c->count; k++)
        keys[k] = (key){s->logits[k], k};
    qsort(keys, s->c->count, sizeof *keys, by_logit);
    for (size_t i = 0; i < top; i++)
        out[i] = (glimpse_label){keys[i].k, (double)scores[keys[i].k], keys[i].logit, 0};
    free(keys);
    return GLIMPSE_OK;
}

/* Classes that do not compete: from the logits in `labels` to the probability of each. */
static void each_alone(const scorer *s, const glimpse_label_rules *rules, double background,
                       glimpse_label *labels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double logit = labels[i].probability;
        labels[i].probability = s->c->scoring == GLIMPSE_SCORING_SIGMOID
                                    ? glimpse_logistic(logit / rules->temperature + rules->offset)
                                    : glimpse_logistic((logit - background) / rules->temperature);
    }
}

/* One picture. `labels` has room for `top`, of which at least one is filled; `first` [2] are its
 * two best, also when `top` is 0 or 1. */
static void judge(const scorer *s, const glimpse_label_rules *rules, double background,
                  glimpse_label *labels, size_t top, glimpse_label *first, size_t first_count,
                  glimpse_label_verdict *verdict) {
    const glimpse_classifier *c = s->c;
    double t = rules->temperature, best = first[0].probability, largest = best, sum = 0;
    int against = background > -INFINITY && !rules->ignore_background;
    *verdict = (glimpse_label_verdict){GLIMPSE_CLAIMED, 0, -1};
    if (rules->multi_label || c->scoring == GLIMPSE_SCORING_SIGMOID) {
        each_alone(s, rules, background, labels, top);
        each_alone(s, rules, background, first, first_count);
        if (against && !rules->multi_label)
            verdict->background = glimpse_logistic((background - best) / t);
    } else {
        if (against && background > largest) largest = background;
        for (size_t k = 0; k < c->count; k++) {
            double z = (s->logits[k] - largest) / t;
            if (z > -60) sum += exp(z); /* the rest are below 1e-26 of the sum */
        }
        if (against) {
            sum += exp((background - largest) / t);
            verdict->background = exp((background - largest) / t) / sum;
        }
        for (size_t i = 0; i < top; i++)
            labels[i].probability = exp((labels[i].probability - largest) / t) / sum;
        for (size_t i = 0; i < first_count; i++)
            first[i].probability = exp((first[i].probability - largest) / t) / sum;
    }
    verdict->margin = first[0].probability - (first_count > 1 ? first[1].probability : 0);
    if (rules->multi_label) {
        int some = 0;
        double usual = rules->min_probability >= 0 ? rules->min_probability : 0.5;
        for (size_t i = 0; i < top; i++) {
            double own =
                rules->class_thresholds ? rules->class_thresholds[labels[i].class_index] : -1;
            labels[i].accepted = labels[i].probability >= (own >= 0 ? own : usual);
            some |= labels[i].accepted;
        }
        if (!some) verdict->reason = GLIMPSE_ABSTAINED_THRESHOLD;
        return;
    }
    if (against && background > best) {
        verdict->reason = GLIMPSE_ABSTAINED_BACKGROUND;
    } else if (first[0].probability < rules->min_probability) {
        verdict->reason = GLIMPSE_ABSTAINED_PROBABILITY;
    } else if (verdict->margin < rules->min_margin) {
        verdict->reason = GLIMPSE_ABSTAINED_MARGIN;
    }
    if (top > 0) labels[0].accepted = verdict->reason == GLIMPSE_CLAIMED;
}

static int check(const glimpse_classifier *classifier, const glimpse_label_rules *rules) {
    if (!(rules->temperature > 0) || !isfinite(rules->temperature)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a temperature of %g", rules->temperature);
    }
    if (!isfinite(rules->offset) ||
        (rules->offset != 0 && classifier->scoring != GLIMPSE_SCORING_SIGMOID)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "an offset of %g; only the probabilities of a sigmoid have one",
                            rules->offset);
    }
    if (rules->multi_label && classifier->background == 0 &&
        classifier->scoring != GLIMPSE_SCORING_SIGMOID) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "several labels a picture need reference prompts to compare with");
    }
    return GLIMPSE_OK;
}

int glimpse_classifier_label_many(glimpse_label *labels, glimpse_label_verdict *verdicts,
                                  const glimpse_classifier *classifier,
                                  const glimpse_label_rules *given, const float *embeddings,
                                  size_t count, size_t top) {
    enum { INSERTION = 64 };
    glimpse_label_rules own = GLIMPSE_LABEL_RULES_INIT, *const rules = &own;
    scorer s = {0};
    if (!classifier || !given || (count > 0 && (!embeddings || !verdicts)) ||
        (top > 0 && count > 0 && !labels)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "nothing to classify");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_label_rules, class_thresholds);
    if (status == GLIMPSE_OK) status = check(classifier, rules);
    if (status == GLIMPSE_OK) status = scorer_init(&s, classifier);
    if (status < 0) return status;
    size_t kept = top < classifier->count ? top : classifier->count;
    for (size_t done = 0; done < count && status == GLIMPSE_OK; done += PANEL) {
        size_t n = count - done < PANEL ? count - done : PANEL;
        status = score_panel(&s, embeddings + done * classifier->width, n);
        for (size_t i = 0; i < n && status == GLIMPSE_OK; i++) {
            const float *scores = s.scores + i * s.rows;
            glimpse_label *out = top > 0 ? labels + (done + i) * top : NULL, first[2] = {{0}};
            double background = make_logits(&s, scores);
            size_t first_count = best_classes(&s, scores, 2, first);
            if (kept <= INSERTION) {
                (void)best_classes(&s, scores, kept, out);
            } else {
                status = sorted_classes(&s, scores, kept, out);
            }
            if (status == GLIMPSE_OK) {
                judge(&s, rules, background, out, kept, first, first_count, &verdicts[done + i]);
            }
        }
    }
    scorer_free(&s);
    return status;
}

int glimpse_classifier_logits(double *logits, const glimpse_classifier *classifier,
                              const float *embeddings, size_t count) {
    scorer s = {0};
    if (!classifier || (count > 0 && (!embeddings || !logits))) {
        return glimpse_fail(GLIMPSE_E_INVALID, "nothing to classify");
    }
    int status = scorer_init(&s, classifier);
    if (status < 0) return status;
    for (size_t done = 0; done < count && status == GLIMPSE_OK; done += PANEL) {
        size_t n = count - done < PANEL ? count - done : PANEL;
        status = score_panel(&s, embeddings + done * classifier->width, n);
        for (size_t i = 0; i < n && status == GLIMPSE_OK; i++) {
            double *to = logits + (done + i) * (classifier->count + 1);
            to[classifier->count] = make_logits(&s, s.scores + i * s.rows);
            memcpy(to, s.logits, classifier->count * sizeof *to);
        }
    }
    scorer_free(&s);
    return status;
}

const char *glimpse_abstention_name(glimpse_abstention reason) {
    switch (reason) {
    case GLIMPSE_CLAIMED: return NULL;
    case GLIMPSE_ABSTAINED_PROBABILITY: return "probability";
    case GLIMPSE_ABSTAINED_MARGIN: return "margin";
    case GLIMPSE_ABSTAINED_BACKGROUND: return "background";
    case GLIMPSE_ABSTAINED_THRESHOLD: return "threshold";
    }
    return NULL;
}
