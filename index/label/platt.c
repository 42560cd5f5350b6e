/*
 * platt.c - a straight line through the logits of a sigmoid: p = 1 / (1 + exp(-(z / T + b))).
 *
 * Platt 1999, "Probabilistic outputs for support vector machines": T and b of the least log loss,
 * with his targets (n+ + 1) / (n+ + 2) and 1 / (n- + 2) in place of 1 and 0, so that a sample on
 * which everything is right does not ask for T = 0. The loss is convex in (1 / T, b): damped Newton
 * steps find its only valley.
 */
#include "calibrate_internal.h"

#include "label_internal.h"

#include <math.h>

enum { STEPS = 100 };
/* Temperatures from 0.02 to 50, as for a softmax. */
static const double min_slope = 0.02, max_slope = 50.0;

typedef struct line {
    double slope, offset; /* slope = 1 / T */
} line;

static double loss_of(const glimpse_platt_pair *pairs, size_t count, double yes, double no,
                      line at) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double z = at.slope * pairs[i].logit + at.offset, target = pairs[i].right ? yes : no;
        sum += glimpse_softplus(z) - target * z;
    }
    return sum;
}

/* One step from `at` with the slope free or held; 0 when the valley's bottom is reached. */
static int step(const glimpse_platt_pair *pairs, size_t count, double yes, double no, int held,
                line *at) {
    double gs = 0, go = 0, ss = 1e-12, so = 0, oo = 1e-12; /* gradient, second derivatives */
    for (size_t i = 0; i < count; i++) {
        double x = pairs[i].logit, p = glimpse_logistic(at->slope * x + at->offset);
        double d = p - (pairs[i].right ? yes : no), w = p * (1 - p);
        gs += d * x, go += d;
        ss += w * x * x, so += w * x, oo += w;
    }
    double determinant = ss * oo - so * so;
    int both = !held && determinant > 1e-12 * ss * oo;
    line by = {both ? (oo * gs - so * go) / determinant : 0,
               both ? (ss * go - so * gs) / determinant : go / oo};
    double now = loss_of(pairs, count, yes, no, *at), gain = by.slope * gs + by.offset * go;
    double size = 1;
    for (int halvings = 0; halvings < 34; halvings++) {
        line next = {at->slope - size * by.slope, at->offset - size * by.offset};
        if (loss_of(pairs, count, yes, no, next) <= now - 1e-4 * size * gain) {
            *at = next;
            return gain > 1e-12 * (double)count;
        }
        size /= 2;
    }
    return 0;
}

void glimpse_platt_fit(const glimpse_platt_pair *pairs, size_t count, double *temperature,
                       double *offset) {
    double right = 0, mean = 0;
    for (size_t i = 0; i < count; i++) {
        right += pairs[i].right != 0;
        mean += pairs[i].logit / (double)count;
    }
    double yes = (right + 1) / (right + 2), no = 1 / ((double)count - right + 2);
    /* From the base rate, where no probability is so near to 0 or 1 that a step has no measure. */
    double odds = log((right + 1) / ((double)count - right + 1));
    line at = {0, odds};
    for (int i = 0; i < STEPS && count > 0; i++) {
        if (!step(pairs, count, yes, no, 0, &at)) break;
    }
    if (!(at.slope >= min_slope && at.slope <= max_slope)) {
        /* Scores that say nothing, or the opposite: keep their order, and make little of it. */
        at.slope = at.slope > max_slope ? max_slope : min_slope;
        at.offset = odds - at.slope * mean;
        for (int i = 0; i < STEPS; i++) {
            if (!step(pairs, count, yes, no, 1, &at)) break;
        }
    }
    *temperature = 1 / at.slope;
    *offset = at.offset;
}
