/*
 * calibrate.c - temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks")
 * and thresholds for a wanted precision.
 *
 * The mean log loss is convex in 1 / T, so as a function of log T it has one valley: golden section
 * finds it without derivatives. A sample on which everything is right has its valley at T = 0, one
 * on which everything is wrong at infinity: what the search finds at its limits is no fit, and
 * neither is one to a handful of mistakes. Then the model's own scale is kept.
 *
 * A sigmoid's probability says of the best class alone whether it is right: that is a line through
 * one number a picture (platt.c).
 */
#include <glimpse/calibrate.h>

#include "calibrate_internal.h"
#include "core/error.h"
#include "core/options.h"
#include "label_internal.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { BINS = 15, FOLDS = 5, STEPS = 80 };
static const double coldest = 0.02, hottest = 50.0;

/* From logits to probabilities: p of logit / temperature + offset. */
typedef struct mapping {
    double temperature, offset;
} mapping;

typedef struct sample {
    const double *logits; /* [count][classes + 1] */
    const size_t *truth;
    size_t count, classes;
    int has_background, sigmoid;
    size_t fold; /* FOLDS: all; else every picture but those with i % FOLDS == fold */
} sample;

/* log of the sum of exp(logit / t) over what competes. */
static double log_sum(const sample *s, size_t i, double t) {
    const double *z = s->logits + i * (s->classes + 1);
    size_t n = s->classes + (s->has_background ? 1 : 0);
    double largest = z[0], sum = 0;
    for (size_t k = 1; k < n; k++) {
        if (z[k] > largest) largest = z[k];
    }
    for (size_t k = 0; k < n; k++)
        sum += exp((z[k] - largest) / t);
    return largest / t + log(sum);
}

/* The best class and its probability. */
static size_t best(const sample *s, size_t i, mapping m, double *probability) {
    const double *z = s->logits + i * (s->classes + 1);
    size_t k = 0;
    for (size_t c = 1; c < s->classes; c++) {
        if (z[c] > z[k]) k = c;
    }
    *probability = s->sigmoid ? glimpse_logistic(z[k] / m.temperature + m.offset)
                              : exp(z[k] / m.temperature - log_sum(s, i, m.temperature));
    return k;
}

/* A picture that the background wins is abstained on whatever the threshold. */
static int background_wins(const sample *s, size_t i, size_t k) {
    const double *z = s->logits + i * (s->classes + 1);
    return s->has_background && z[s->classes] > z[k];
}

/* Of yes or no to the best class. */
static double sigmoid_log_loss(const sample *s, mapping m) {
    double sum = 0, unused;
    for (size_t i = 0; i < s->count; i++) {
        size_t k = best(s, i, m, &unused);
        double z = s->logits[i * (s->classes + 1) + k] / m.temperature + m.offset;
        sum += glimpse_softplus(s->truth[i] == k ? -z : z);
    }
    return sum / (double)s->count;
}

static double log_loss(const sample *s, double t) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        size_t truth = s->truth[i];
        if (i % FOLDS == s->fold) continue;
        if (truth == GLIMPSE_NONE_OF_THESE) {
            if (!s->has_background) continue;
            truth = s->classes;
        }
        sum += log_sum(s, i, t) - s->logits[i * (s->classes + 1) + truth] / t;
        n++;
    }
    return n > 0 ? sum / (double)n : 0;
}

static int fit_sigmoid(mapping *out, const sample *s) {
    const mapping own = {1, 0};
    size_t n = 0;
    glimpse_platt_pair *pairs = malloc(s->count * sizeof *pairs);
    if (!pairs) return glimpse_fail_nomem(s->count * sizeof *pairs, "a calibration");
    for (size_t i = 0; i < s->count; i++) {
        double unused;
        if (i % FOLDS == s->fold) continue;
        size_t k = best(s, i, own, &unused);
        pairs[n++] = (glimpse_platt_pair){s->logits[i * (s->classes + 1) + k], s->truth[i] == k};
    }
    glimpse_platt_fit(pairs, n, &out->temperature, &out->offset);
    free(pairs);
    return GLIMPSE_OK;
}

static double fit_softmax(const sample *s) {
    const double golden = 0.6180339887498949;
    double low = log(coldest), high = log(hottest);
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double at_a = log_loss(s, exp(a)), at_b = log_loss(s, exp(b));
    for (int step = 0; step < STEPS && high - low > 1e-7; step++) {
        if (at_a <= at_b) {
            high = b, b = a, at_b = at_a;
            a = high - golden * (high - low);
            at_a = log_loss(s, exp(a));
        } else {
            low = a, a = b, at_a = at_b;
            b = low + golden * (high - low);
            at_b = log_loss(s, exp(b));
        }
    }
    return exp((low + high) / 2);
}

static int fit(mapping *out, const sample *s) {
    if (s->sigmoid) return fit_sigmoid(out, s);
    *out = (mapping){fit_softmax(s), 0};
    return GLIMPSE_OK;
}

static int is_at_limit(mapping m) {
    return !(m.temperature > coldest * 1.001 && m.temperature < hottest / 1.001) ||
           !isfinite(m.offset);
}

/* Right and wrong answers among what is fitted to. */
static void count_answers(const sample *s, size_t *right, size_t *wrong) {
    double unused;
    *right = *wrong = 0;
    for (size_t i = 0; i < s->count; i++) {
        /* A softmax without a background cannot learn from a picture of none of the classes. */
        int unknown = s->truth[i] == GLIMPSE_NONE_OF_THESE;
        if (unknown && !s->sigmoid && !s->has_background) continue;
        size_t k = best(s, i, (mapping){1, 0}, &unused);
        int good = unknown ? !s->sigmoid && background_wins(s, i, k)
                           : s->truth[i] == k && (s->sigmoid || !background_wins(s, i, k));
        ++*(good ? right : wrong);
    }
}

/* With `mappings` [FOLDS], the one of each picture's fold. */
static double calibration_error(const sample *s, const mapping *mappings) {
    double right[BINS] = {0}, sum[BINS] = {0}, error = 0;
    for (size_t i = 0; i < s->count; i++) {
        double p;
        size_t k = best(s, i, mappings[i % FOLDS], &p);
        int bin = (int)ceil(p * BINS) - 1; /* (lo, hi] */
        if (bin < 0) bin = 0;
        if (bin >= BINS) bin = BINS - 1;
        sum[bin] += p;
        right[bin] += s->truth[i] == k;
    }
    for (int b = 0; b < BINS; b++)
        error += fabs(right[b] - sum[b]);
    return error / (double)s->count;
}

/* The lower end of Wilson's 95% interval. */
static double wilson_low(double right, double n) {
    const double z = 1.959963984540054;
    if (n <= 0) return 0;
    double p = right / n, middle = p + z * z / (2 * n);
    return (middle - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n);
}

typedef struct claim {
    double probability;
    int right;
} claim;

static int surest_first(const void *a, const void *b) {
    const claim *x = a, *y = b;
    return (x->probability < y->probability) - (x->probability > y->probability);
}

/* Between what is claimed last and what is not any more, so that the last bits do not matter. */
static double between(const claim *claims, size_t count, size_t taken) {
    double last = claims[taken - 1].probability;
    return taken < count ? (last + claims[taken].probability) / 2 : last * (1 - 1e-6);
}

static int choose_threshold(glimpse_calibration *out, const sample *s) {
    claim *claims = malloc(s->count * sizeof *claims);
    if (!claims) return glimpse_fail_nomem(s->count * sizeof *claims, "a calibration");
    size_t n = 0, right = 0;
    for (size_t i = 0; i < s->count; i++) {
        double p;
        size_t k = best(s, i, (mapping){out->temperature, out->offset}, &p);
        if (!background_wins(s, i, k)) claims[n++] = (claim){p, s->truth[i] == k};
    }
    if (n > 0) qsort(claims, n, sizeof *claims, surest_first);
    for (size_t i = 0; i < n; i++) {
        right += (size_t)claims[i].right;
        if (i + 1 < n && claims[i + 1].probability == claims[i].probability) continue;
        double precision = (double)right / (double)(i + 1);
        if (precision < out->precision_target) continue;
        out->target_met = 1;
        out->threshold = between(claims, n, i + 1);
        out->precision = precision;
        out->precision_low = wilson_low((double)right, (double)(i + 1));
        out->coverage = (double)(i + 1) / (double)s->count;
    }
    free(claims);
    return GLIMPSE_OK;
}

static int check(const double *logits, const size_t *truth, size_t count, size_t classes,
                 double target) {
    size_t known = 0;
    if (!logits || !truth || classes == 0 || !(target >= 0 && target <= 1)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "nothing to calibrate with");
    }
    for (size_t i = 0; i < count; i++) {
        if (truth[i] == GLIMPSE_NONE_OF_THESE) continue;
        if (truth[i] >= classes) return glimpse_fail(GLIMPSE_E_INVALID, "a truth out of range");
        known++;
    }
    if (known == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "no labelled picture shows one of the classes: nothing to calibrate "
                            "with");
    }
    return GLIMPSE_OK;
}

static int calibrate(glimpse_calibration *out, glimpse_scoring scoring, const double *logits,
                     const size_t *truth, size_t count, size_t classes, double precision_target) {
    const mapping own = {1, 0};
    int status = check(logits, truth, count, classes, precision_target);
    if (status < 0) return status;
    int sigmoid = scoring == GLIMPSE_SCORING_SIGMOID;
    sample s = {logits, truth, count, classes, logits[classes] > -INFINITY, sigmoid, FOLDS};
    mapping same[FOLDS], fitted[FOLDS], all;
    size_t right = 0;
    out->samples = count;
    out->precision_target = precision_target;
    status = fit(&all, &s);
    if (status < 0) return status;
    size_t good = 0;
    count_answers(&s, &good, &out->mistakes);
    if (is_at_limit(all)) out->scale = GLIMPSE_SCALE_AT_LIMIT;
    if (good < GLIMPSE_CALIBRATION_MIN || out->mistakes < GLIMPSE_CALIBRATION_MIN) {
        out->scale = GLIMPSE_SCALE_TOO_FEW;
    }
    if (out->scale != GLIMPSE_SCALE_FITTED) all = own;
    out->temperature = all.temperature;
    out->offset = all.offset;
    out->nll_before = sigmoid ? sigmoid_log_loss(&s, own) : log_loss(&s, 1);
    out->nll_after = sigmoid ? sigmoid_log_loss(&s, all) : log_loss(&s, all.temperature);
    for (size_t i = 0; i < count; i++) {
        double p;
        right += best(&s, i, own, &p) == truth[i];
        out->unknown += truth[i] == GLIMPSE_NONE_OF_THESE;
    }
    out->accuracy = (double)right / (double)count;
    for (size_t f = 0; f < FOLDS && status == GLIMPSE_OK; f++) {
        same[f] = own;
        s.fold = count >= 2 * FOLDS ? f : FOLDS;
        status = fit(&fitted[f], &s);
        if (out->scale != GLIMPSE_SCALE_FITTED || is_at_limit(fitted[f])) fitted[f] = own;
    }
    if (status < 0) return status;
    s.fold = FOLDS;
    out->ece_before = calibration_error(&s, same);
    out->ece_after = calibration_error(&s, fitted);
    if (precision_target > 0) status = choose_threshold(out, &s);
    return status;
}

int glimpse_calibrate(glimpse_calibration *out, glimpse_scoring scoring, const double *logits,
                      const size_t *truth, size_t count, size_t classes, double precision_target) {
    glimpse_calibration own = GLIMPSE_CALIBRATION_INIT;
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the calibration");
    int status = GLIMPSE_REPORT_CHECK(out, glimpse_calibration, coverage);
    if (status < 0) return status;
    status = calibrate(&own, scoring, logits, truth, count, classes, precision_target);
    GLIMPSE_REPORT_STORE(out, &own);
    return status;
}

const char *glimpse_calibration_kept(const glimpse_calibration *calibration) {
    glimpse_calibration c = GLIMPSE_CALIBRATION_INIT;
    if (GLIMPSE_OPTIONS_LOAD(&c, calibration, glimpse_calibration, coverage) < 0) return NULL;
    switch (c.scale) {
    case GLIMPSE_SCALE_TOO_FEW: return "too few right or wrong answers to learn a scale from";
    case GLIMPSE_SCALE_AT_LIMIT: return "the best temperature is at the limit of its range";
    case GLIMPSE_SCALE_FITTED: break;
    }
    return NULL;
}

/*
 * Multi-label.
 */
static double threshold_of(const claim *claims, size_t count, size_t positives, double target) {
    size_t right = 0;
    double chosen = target > 0 ? 1.01 : -1, best_f1 = -1;
    for (size_t i = 0; i < count; i++) {
        right += (size_t)claims[i].right;
        if (i + 1 < count && claims[i + 1].probability == claims[i].probability) continue;
        double precision = (double)right / (double)(i + 1);
        double f1 = 2.0 * (double)right / (double)(i + 1 + positives);
        if (target > 0 ? right > 0 && precision >= target : f1 > best_f1) {
            chosen = between(claims, count, i + 1);
            best_f1 = f1;
        }
    }
    return chosen;
}

int glimpse_calibrate_thresholds(double *thresholds, glimpse_scoring scoring, const double *logits,
                                 const size_t *truth, size_t count, size_t classes,
                                 double precision_target) {
    int sigmoid = scoring == GLIMPSE_SCORING_SIGMOID;
    int status = check(logits, truth, count, classes, precision_target);
    if (status < 0) return status;
    if (!thresholds || (!sigmoid && !(logits[classes] > -INFINITY))) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "several labels a picture need reference prompts to compare with");
    }
    claim *claims = malloc(count * sizeof *claims);
    if (!claims) return glimpse_fail_nomem(count * sizeof *claims, "a calibration");
    for (size_t k = 0; k < classes; k++) {
        size_t positives = 0;
        for (size_t i = 0; i < count; i++) {
            const double *z = logits + i * (classes + 1);
            double against = sigmoid ? 0 : z[classes];
            claims[i] = (claim){glimpse_logistic(z[k] - against), truth[i] == k};
            positives += truth[i] == k;
        }
        qsort(claims, count, sizeof *claims, surest_first);
        thresholds[k] =
            positives > 0 ? threshold_of(claims, count, positives, precision_target) : -1;
    }
    free(claims);
    return GLIMPSE_OK;
}
