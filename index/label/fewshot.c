/*
 * fewshot.c - a few examples a class: the cache term of Tip-Adapter, its weight chosen by leaving
 * examples out.
 *
 * For held-out example i the affinities to all others are one row of F F^T; the class of i loses i
 * itself, so its mean is over one fewer. For every beta of the grid the means are made once, and
 * every alpha tried on them. At most HELD_OUT examples are held out, evenly spread, so that the
 * time stays bounded for large sets.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/options.h"
#include "math/init.h"
#include "math/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_OUT = 2000, ALPHAS = 9, BETAS = 7, MAX_EXAMPLES = 1 << 20 };

/* Alpha as a share of the logit scale: with 1, an identical example weighs as much as a cosine of
 * 1 with the text. */
static const double alphas[ALPHAS] = {0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6};
static const double betas[BETAS] = {1, 2, 3.5, 5.5, 8, 12, 20};
static const double usual_alpha = 0.1, usual_beta = 5.5;

typedef struct trial {
    size_t right;
    double loss;
} trial;

/* Unit copies of the examples behind the rows there are. */
static int append_rows(glimpse_classifier *c, const float *embeddings, const size_t *classes,
                       size_t count) {
    size_t before = c->count + c->background, width = c->width;
    float *rows = realloc(c->rows, (before + count) * width * sizeof *rows);
    if (rows) c->rows = rows;
    c->example_class = malloc(count * sizeof *c->example_class);
    c->share = calloc(c->count, sizeof *c->share);
    if (!rows || !c->example_class || !c->share) {
        return glimpse_fail_nomem((before + count) * width * sizeof *rows, "examples");
    }
    for (size_t i = 0; i < count; i++) {
        const float *from = embeddings + i * width;
        double norm = 0;
        for (size_t j = 0; j < width; j++)
            norm += (double)from[j] * (double)from[j];
        norm = sqrt(norm);
        if (!(norm > 0) || !isfinite(norm)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "the embedding of an example is zero or not "
                                                   "finite");
        }
        for (size_t j = 0; j < width; j++)
            rows[(before + i) * width + j] = (float)((double)from[j] / norm);
        c->example_class[i] = classes[i];
        c->share[classes[i]] += 1;
    }
    return GLIMPSE_OK;
}

/* The log loss of logits text + alpha * means: of the softmax, or of the sigmoid's yes to the true
 * class and no to each other, which is what such a model was trained with. */
static double log_loss(glimpse_scoring scoring, const double *text, const double *means,
                       double alpha, size_t classes, size_t truth, double largest) {
    double sum = 0;
    for (size_t k = 0; k < classes; k++) {
        double z = text[k] + alpha * means[k];
        if (scoring == GLIMPSE_SCORING_SIGMOID) {
            sum += glimpse_softplus(k == truth ? -z : z);
        } else if (z - largest > -60) {
            sum += exp(z - largest);
        }
    }
    if (scoring == GLIMPSE_SCORING_SIGMOID) return sum;
    return log(sum) + largest - text[truth] - alpha * means[truth];
}

/* What example `i` would be with each alpha, given the text logits and the means of its classes. */
static void try_alphas(trial *trials, const glimpse_classifier *c, const double *text,
                       const double *means, size_t truth) {
    for (size_t a = 0; a < ALPHAS; a++) {
        size_t best = 0;
        double largest = -INFINITY, alpha = alphas[a] * c->logit_scale;
        for (size_t k = 0; k < c->count; k++) {
            double z = text[k] + alpha * means[k];
            if (z > largest) {
                largest = z;
                best = k;
            }
        }
        trials[a].right += best == truth;
        trials[a].loss += log_loss(c->scoring, text, means, alpha, c->count, truth, largest);
    }
}

/* Affinities of example `i` to all examples: [count]. */
static void affinities(const glimpse_classifier *c, const glimpse_math *math, size_t i,
                       size_t count, float *out) {
    const float *rows = c->rows + (c->count + c->background) * c->width;
    glimpse_gemm(math, 1, 1, count, c->width, 1.0f, rows + i * c->width, c->width, rows, c->width,
                 out, count);
}

static int choose(glimpse_classifier *c, size_t count, glimpse_examples_report *report) {
    trial trials[BETAS][ALPHAS] = {{{0, 0}}};
    glimpse_math math;
    size_t eligible = 0, seen = 0;
    for (size_t i = 0; i < count; i++)
        eligible += c->share[c->example_class[i]] >= 2;
    if (eligible == 0) return GLIMPSE_OK;
    int status = glimpse_math_init(&math, GLIMPSE_BACKEND_AUTO, GLIMPSE_PRECISION_F32);
    float *row = malloc(count * sizeof *row);
    double *means = calloc(2 * c->count, sizeof *means);
    double *share = means ? means + c->count : NULL; /* 1 / number of examples but for i */
    double *text = malloc((c->count + 1) * sizeof *text);
    if (status == GLIMPSE_OK && (!row || !means || !text)) {
        status = glimpse_fail_nomem(count * sizeof *row, "examples");
    }
    size_t step = (eligible + HELD_OUT - 1) / HELD_OUT;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        size_t truth = c->example_class[i];
        if (c->share[truth] < 2 || seen++ % step != 0) continue;
        const float *x = c->rows + (c->count + c->background + i) * c->width;
        status = glimpse_classifier_logits(text, c, x, 1); /* c->examples is still 0 */
        affinities(c, &math, i, count, row);
        for (size_t b = 0; b < BETAS && status == GLIMPSE_OK; b++) {
            memset(means, 0, c->count * sizeof *means);
            for (size_t j = 0; j < count; j++) {
                if (j != i) means[c->example_class[j]] += exp(-betas[b] * (1 - (double)row[j]));
            }
            for (size_t k = 0; k < c->count; k++) {
                double n = c->share[k] - (k == truth ? 1 : 0);
                share[k] = n > 0 ? 1 / n : 0;
            }
            glimpse_examples_centre(means, share, c->count);
            try_alphas(trials[b], c, text, means, truth);
        }
        report->held_out++;
    }
    size_t best_b = 0, best_a = 0;
    for (size_t a = 0; a < ALPHAS; a++) {
        for (size_t b = 0; b < BETAS; b++) {
            const trial *t = &trials[b][a], *best = &trials[best_b][best_a];
            if (t->right > best->right ||
                (t->right == best->right && t->loss < best->loss - 1e-9 * fabs(best->loss))) {
                best_b = b;
                best_a = a;
            }
        }
    }
    if (status == GLIMPSE_OK) {
        report->chosen = 1;
        report->alpha = alphas[best_a] * c->logit_scale;
        report->beta = betas[best_b];
        report->right_before = trials[0][0].right;
        report->right_after = trials[best_b][best_a].right;
    }
    free(row);
    free(means);
    free(text);
    return status;
}

/* The old id, the examples and what was chosen for them. */
static int extend_id(glimpse_classifier *c) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(64, "a classifier");
    double chosen[2] = {c->alpha, c->beta};
    glimpse_hasher_update(hasher, c->id, sizeof c->id);
    glimpse_hasher_update(hasher, c->rows + (c->count + c->background) * c->width,
                          c->examples * c->width * sizeof *c->rows);
    for (size_t i = 0; i < c->examples; i++) {
        uint64_t k = c->example_class[i];
        glimpse_hasher_update(hasher, &k, sizeof k);
    }
    glimpse_hasher_update(hasher, chosen, sizeof chosen);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, c->id);
    return GLIMPSE_OK;
}

int glimpse_classifier_add_examples(glimpse_examples_report *report, glimpse_classifier *classifier,
                                    const float *embeddings, const size_t *classes, size_t count) {
    glimpse_examples_report own = GLIMPSE_EXAMPLES_REPORT_INIT, *const r = &own;
    int status = GLIMPSE_REPORT_CHECK(report, glimpse_examples_report, right_after);
    if (status < 0) return status;
    GLIMPSE_REPORT_STORE(report, &own);
    if (!classifier || !embeddings || !classes || count == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no examples");
    }
    if (classifier->examples > 0 || classifier->share) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the classifier has its examples already");
    }
    if (count > MAX_EXAMPLES) return glimpse_fail(GLIMPSE_E_LIMIT, "more than a million examples");
    for (size_t i = 0; i < count; i++) {
        if (classes[i] >= classifier->count) {
            return glimpse_fail(GLIMPSE_E_INVALID, "an example of a class that is not there");
        }
    }
    r->alpha = usual_alpha * classifier->logit_scale;
    r->beta = usual_beta;
    status = append_rows(classifier, embeddings, classes, count);
    if (status == GLIMPSE_OK) status = choose(classifier, count, r);
    if (status < 0) {
        free(classifier->example_class);
        free(classifier->share);
        classifier->example_class = NULL;
        classifier->share = NULL;
        return status;
    }
    GLIMPSE_REPORT_STORE(report, &own);
    for (size_t k = 0; k < classifier->count; k++)
        classifier->share[k] = classifier->share[k] > 0 ? 1 / classifier->share[k] : 0;
    classifier->examples = count;
    classifier->alpha = r->alpha;
    classifier->beta = r->beta;
    return extend_id(classifier);
}
