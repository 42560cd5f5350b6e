/*
 * evaluate_retrieval.c - text to image and image to text: where the first fitting item stands.
 *
 * s(t, i) is the scalar product of unit rows. For a text t with fitting images P(t):
 *     best(t) = max over i in P(t) of s(t, i)
 *     rank(t) = 1 + number of i not in P(t) with s(t, i) >= best(t)
 * and the same with the roles exchanged. So a tie is lost to an item that does not fit.
 *
 * The matrix is never kept: `best` of both sides needs the pairs only, then one pass over all
 * products counts for both sides at once. A product is summed in an order that depends on nothing
 * but the two rows, so that equal rows get equal scores wherever they stand, which a blocked matrix
 * product does not promise.
 */
#include "evaluate_internal.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 16, FIGURES = 5 };

struct side {
    size_t count;
    float *best;   /* [count] */
    size_t *ranks; /* [count] */
};

typedef struct held {
    glimpse_retrieval_report report; /* first: what the caller has */
    struct side text, image;
} held;

static float product(const float *a, const float *b, size_t width) {
    float lanes[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        for (size_t k = 0; k < LANES; k++)
            lanes[k] += a[i + k] * b[i + k];
    }
    for (; i < width; i++)
        sum += a[i] * b[i];
    for (size_t k = 0; k < LANES; k++)
        sum += lanes[k];
    return sum;
}

static int by_text(const void *a, const void *b) {
    const glimpse_pair *x = a, *y = b;
    if (x->text != y->text) return x->text < y->text ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

static int prepare(held *h, const float *texts, size_t text_count, const float *images,
                   size_t image_count, size_t width, const glimpse_pair *pairs, size_t pair_count) {
    h->text.count = text_count;
    h->image.count = image_count;
    h->text.best = malloc(text_count * sizeof *h->text.best);
    h->image.best = malloc(image_count * sizeof *h->image.best);
    h->text.ranks = malloc(text_count * sizeof *h->text.ranks);
    h->image.ranks = malloc(image_count * sizeof *h->image.ranks);
    if (!h->text.best || !h->image.best || !h->text.ranks || !h->image.ranks) {
        return glimpse_fail_nomem((text_count + image_count) * (sizeof(float) + sizeof(size_t)),
                                  "ranks");
    }
    for (size_t i = 0; i < text_count; i++)
        h->text.best[i] = -INFINITY, h->text.ranks[i] = 1;
    for (size_t i = 0; i < image_count; i++)
        h->image.best[i] = -INFINITY, h->image.ranks[i] = 1;
    for (size_t p = 0; p < pair_count; p++) {
        size_t t = pairs[p].text, i = pairs[p].image;
        float s = product(texts + t * width, images + i * width, width);
        if (!isfinite(s)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "text %zu and image %zu: not finite", t, i);
        }
        if (s > h->text.best[t]) h->text.best[t] = s;
        if (s > h->image.best[i]) h->image.best[i] = s;
    }
    for (size_t i = 0; i < text_count; i++) {
        if (h->text.best[i] < -1e30f) {
            return glimpse_fail(GLIMPSE_E_INVALID, "text %zu fits no image", i);
        }
    }
    for (size_t i = 0; i < image_count; i++) {
        if (h->image.best[i] < -1e30f) {
            return glimpse_fail(GLIMPSE_E_INVALID, "image %zu fits no text", i);
        }
    }
    return GLIMPSE_OK;
}

/* `pairs` sorted by text, then image. */
static void count_better(held *h, const float *texts, const float *images, size_t width,
                         const glimpse_pair *pairs, size_t pair_count) {
    size_t next = 0;
    for (size_t t = 0; t < h->text.count; t++) {
        for (size_t i = 0; i < h->image.count; i++) {
            while (next < pair_count && pairs[next].text == t && pairs[next].image < i)
                next++;
            if (next < pair_count && pairs[next].text == t && pairs[next].image == i) continue;
            float s = product(texts + t * width, images + i * width, width);
            h->text.ranks[t] += s >= h->text.best[t];
            h->image.ranks[i] += s >= h->image.best[i];
        }
        while (next < pair_count && pairs[next].text == t)
            next++;
    }
}

typedef struct ranked {
    size_t *ranks; /* sorted copy */
    size_t *order; /* ranks[k] is that of query order[k] */
    size_t count;
} ranked;

static void figures_of_ranks(void *user, const uint32_t *weights, double *figures) {
    const ranked *r = user;
    double all = 0, hits[3] = {0}, sum = 0, seen = 0, low = NAN, high = NAN;
    static const size_t limits[3] = {1, 5, 10};
    for (size_t k = 0; k < r->count; k++)
        all += weights[r->order[k]];
    for (size_t k = 0; k < r->count; k++) {
        double weight = weights[r->order[k]], rank = (double)r->ranks[k];
        if (weight <= 0) continue;
        for (size_t l = 0; l < 3; l++) {
            if (r->ranks[k] <= limits[l]) hits[l] += weight;
        }
        sum += weight * rank;
        seen += weight;
        /* The middle one, or the mean of the middle two. */
        if (isnan(low) && seen >= all / 2) low = rank;
        if (isnan(high) && seen > all / 2) high = rank;
    }
    for (size_t l = 0; l < 3; l++)
        figures[l] = hits[l] / all;
    figures[3] = (low + high) / 2;
    figures[4] = sum / all;
}

typedef struct rank_place {
    size_t rank, query;
} rank_place;

static int by_rank(const void *a, const void *b) {
    const rank_place *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

int glimpse_recall_of_ranks(glimpse_recall_report *out, const size_t *ranks, size_t count,
                            size_t items, const glimpse_eval_options *options) {
    int status = GLIMPSE_OK;
    glimpse_figure figures[FIGURES];
    ranked r = {malloc(count * sizeof *r.ranks), malloc(count * sizeof *r.order), count};
    rank_place *places = malloc(count * sizeof *places);
    if (!r.ranks || !r.order || !places) {
        status = glimpse_fail_nomem(count * sizeof *places, "ranks");
        goto done;
    }
    for (size_t k = 0; k < count; k++)
        places[k] = (rank_place){ranks[k], k};
    qsort(places, count, sizeof *places, by_rank);
    for (size_t k = 0; k < count; k++)
        r.ranks[k] = places[k].rank, r.order[k] = places[k].query;
    status = glimpse_bootstrap(figures, FIGURES, count, options, figures_of_ranks, &r);
    if (status < 0) goto done;
    out->queries = count;
    out->items = items;
    out->recall_at_1 = figures[0];
    out->recall_at_5 = figures[1];
    out->recall_at_10 = figures[2];
    out->median_rank = figures[3];
    out->mean_rank = figures[4];
done:
    free(r.ranks);
    free(r.order);
    free(places);
    return status;
}

int glimpse_retrieval_evaluate(glimpse_retrieval_report **out, const float *texts,
                               size_t text_count, const float *images, size_t image_count,
                               size_t width, const glimpse_pair *pairs, size_t pair_count,
                               const glimpse_eval_options *options) {
    if (out) *out = NULL;
    if (!out || !texts || !images || !pairs) return glimpse_fail_null(__func__);
    if (text_count == 0 || image_count == 0 || width == 0 || pair_count == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "nothing to evaluate: %zu texts, %zu images, %zu "
                            "pairs",
                            text_count, image_count, pair_count);
    }
    for (size_t p = 0; p < pair_count; p++) {
        if (pairs[p].text >= text_count || pairs[p].image >= image_count) {
            return glimpse_fail(GLIMPSE_E_INVALID, "pair %zu: text %zu of %zu, image %zu of %zu", p,
                                pairs[p].text, text_count, pairs[p].image, image_count);
        }
    }
    if (pair_count > SIZE_MAX / sizeof(glimpse_pair)) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%zu pairs are too many", pair_count);
    }
    int status = GLIMPSE_OK;
    held *h = calloc(1, sizeof *h);
    glimpse_pair *sorted = malloc(pair_count * sizeof *sorted);
    if (!h || !sorted) {
        status = glimpse_fail_nomem(pair_count * sizeof *sorted, "pairs");
        goto done;
    }
    memcpy(sorted, pairs, pair_count * sizeof *sorted);
    qsort(sorted, pair_count, sizeof *sorted, by_text);
    status = prepare(h, texts, text_count, images, image_count, width, sorted, pair_count);
    if (status < 0) goto done;
    count_better(h, texts, images, width, sorted, pair_count);
    status = glimpse_recall_of_ranks(&h->report.text_to_image, h->text.ranks, text_count,
                                     image_count, options);
    if (status < 0) goto done;
    status = glimpse_recall_of_ranks(&h->report.image_to_text, h->image.ranks, image_count,
                                     text_count, options);
    if (status < 0) goto done;
    h->report.text_ranks = h->text.ranks;
    h->report.image_ranks = h->image.ranks;
    *out = &h->report;
    h = NULL;
done:
    free(sorted);
    if (h) glimpse_retrieval_report_free(&h->report);
    return status;
}

void glimpse_retrieval_report_free(glimpse_retrieval_report *report) {
    if (!report) return;
    held *h = (held *)(void *)report;
    free(h->text.best);
    free(h->text.ranks);
    free(h->image.best);
    free(h->image.ranks);
    free(h);
}
