/*
 * evaluate_labels.c - figures of labels: accuracy, recall, F1, average precision, calibration.
 *
 * Letters: N pictures evaluated, K classes. Guesses are kept sorted, best first, picture after
 * picture. What a picture says of itself (its rank, what it was taken for, how certain that was) is
 * worked out once; every figure is then a weighted sum over pictures, which serves both the figures
 * themselves (weights 1) and each bootstrap sample.
 *
 * Ties are lost. A true class that shares the first place has rank 2 or more, and the picture
 * counts as taken for one of the classes it shares it with, so that recall and F1 agree with top-1.
 * In the list that average precision walks through, the pictures of equal score come with all those
 * that are not of the class first.
 */
#include "evaluate_internal.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLASSES = 1 << 24, MOST_CONFUSED = 4096, CURVE_STEPS = 50 };

/* Intervals of mAP walk through N x K scores for every sample; beyond this there are none. */
static const double MAX_AP_STEPS = 4e9;

enum { TOP1, TOP5, RECALL, F1, MAP, ECE, COVERAGE, SELECTIVE, FIGURES };

typedef struct picture {
    size_t truth, truth_count; /* place in `truths`, how many */
    size_t guess, guess_count; /* place in `guesses`, how many */
    int abstained;
    double margin; /* as told; NaN when it was not */
} picture;

struct glimpse_label_eval {
    size_t class_count;
    picture *pictures;
    size_t count, capacity;
    size_t *truths;
    size_t truth_count, truth_capacity;
    glimpse_guess *guesses;
    size_t guess_count, guess_capacity;
    size_t several, none; /* pictures with more than one true class, with none */
    unsigned char *seen;  /* [class_count] scratch, all 0 between calls */
};

int glimpse_label_eval_create(glimpse_label_eval **out, size_t class_count) {
    if (out) *out = NULL;
    if (!out) return glimpse_fail_null(__func__);
    if (class_count == 0 || class_count > MAX_CLASSES) {
        return glimpse_fail(GLIMPSE_E_INVALID, "an evaluation over %zu classes", class_count);
    }
    glimpse_label_eval *e = calloc(1, sizeof *e);
    if (!e || !(e->seen = calloc(class_count, 1))) {
        free(e);
        return glimpse_fail_nomem(class_count, "an evaluation");
    }
    e->class_count = class_count;
    *out = e;
    return GLIMPSE_OK;
}

void glimpse_label_eval_free(glimpse_label_eval *e) {
    if (!e) return;
    free(e->pictures);
    free(e->truths);
    free(e->guesses);
    free(e->seen);
    free(e);
}

/* Room for `more` behind `count`; 0 when out of memory. */
static int reserve(void **items, size_t *capacity, size_t count, size_t more, size_t size) {
    if (more <= *capacity - count) return 1;
    size_t wanted = *capacity ? *capacity : 64;
    while (wanted - count < more) {
        if (wanted > SIZE_MAX / 2 / size) return 0;
        wanted *= 2;
    }
    void *grown = realloc(*items, wanted * size);
    if (!grown) return 0;
    *items = grown;
    *capacity = wanted;
    return 1;
}

/* Best first; 0 for a tie. A number that is missing is the least. */
static int compare_guesses(const glimpse_guess *a, const glimpse_guess *b) {
    double p = isnan(a->probability) ? -INFINITY : a->probability;
    double q = isnan(b->probability) ? -INFINITY : b->probability;
    if (p > q || p < q) return p > q ? -1 : 1;
    p = isnan(a->score) ? -INFINITY : a->score;
    q = isnan(b->score) ? -INFINITY : b->score;
    return p > q ? -1 : p < q;
}

static int by_rank(const void *a, const void *b) {
    const glimpse_guess *x = a, *y = b;
    int order = compare_guesses(x, y);
    return order != 0 ? order
                      : (x->class_index > y->class_index) - (x->class_index < y->class_index);
}

/* What is wrong with a list of classes, NULL when nothing is. Marks them in `seen`. */
static const char *mark(glimpse_label_eval *e, size_t class_index) {
    if (class_index >= e->class_count) return "is out of range";
    if (e->seen[class_index]) return "is given twice";
    e->seen[class_index] = 1;
    return NULL;
}

int glimpse_label_eval_add(glimpse_label_eval *e, const size_t *truth, size_t truth_count,
                           const glimpse_guess *guesses, size_t guess_count, int abstained) {
    const char *wrong = NULL;
    size_t i = 0, done = 0, bad = 0;
    if (!e || (truth_count > 0 && !truth) || (guess_count > 0 && !guesses)) {
        return glimpse_fail_null(__func__);
    }
    for (i = 0; i < truth_count && !wrong; i++)
        wrong = mark(e, bad = truth[i]);
    done = wrong ? i - 1 : i;
    for (size_t k = 0; k < done; k++)
        e->seen[truth[k]] = 0;
    for (i = 0; i < guess_count && !wrong; i++)
        wrong = mark(e, bad = guesses[i].class_index);
    done = wrong && i > 0 ? i - 1 : i;
    for (size_t k = 0; k < done; k++)
        e->seen[guesses[k].class_index] = 0;
    if (wrong) return glimpse_fail(GLIMPSE_E_INVALID, "class %zu %s", bad, wrong);
    for (i = 0; i < guess_count; i++) {
        if (isnan(guesses[i].probability) && isnan(guesses[i].score)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "class %zu is guessed without a number",
                                guesses[i].class_index);
        }
    }
    if (!reserve((void **)&e->pictures, &e->capacity, e->count, 1, sizeof *e->pictures) ||
        !reserve((void **)&e->truths, &e->truth_capacity, e->truth_count, truth_count,
                 sizeof *e->truths) ||
        !reserve((void **)&e->guesses, &e->guess_capacity, e->guess_count, guess_count,
                 sizeof *e->guesses)) {
        return glimpse_fail_nomem(guess_count * sizeof *guesses, "an evaluation");
    }
    picture *p = &e->pictures[e->count++];
    *p = (picture){e->truth_count, truth_count, e->guess_count, guess_count, abstained != 0, NAN};
    if (truth_count > 0) memcpy(e->truths + p->truth, truth, truth_count * sizeof *truth);
    if (guess_count > 0) {
        memcpy(e->guesses + p->guess, guesses, guess_count * sizeof *guesses);
        qsort(e->guesses + p->guess, guess_count, sizeof *guesses, by_rank);
    }
    e->truth_count += truth_count;
    e->guess_count += guess_count;
    e->several += truth_count > 1;
    e->none += truth_count == 0;
    return GLIMPSE_OK;
}

int glimpse_label_eval_margin(glimpse_label_eval *e, double margin) {
    if (!e) return glimpse_fail_null(__func__);
    if (e->count == 0) return glimpse_fail(GLIMPSE_E_INVALID, "no picture to tell a margin of");
    e->pictures[e->count - 1].margin = margin;
    return GLIMPSE_OK;
}

/*
 * What each picture says.
 */
typedef struct answer {
    const picture *of;
    size_t rank;               /* of its one true class; behind all guesses when not among them */
    size_t guessed;            /* class it was taken for; class_count: none */
    double confidence, margin; /* NaN when not known */
} answer;

/* The scores of one class over all pictures, sorted for average precision. */
typedef struct ap_item {
    double value;
    uint32_t picture;
    unsigned char positive;
} ap_item;

typedef struct evaluation {
    const glimpse_label_eval *e;
    answer *answers; /* [count] those that are evaluated */
    size_t count;
    int multi_label;
    int has_top5, has_ece;
    ap_item *ap;                       /* [class_count][count], NULL when mAP is not determined */
    int ap_only_once;                  /* too much work for samples */
    int first;                         /* the figures themselves, not a sample */
    double share;                      /* of the classes, those that have pictures */
    double *support, *guessed, *right; /* [class_count] scratch */
    glimpse_label_report *report;      /* receives what only the first call works out */
    glimpse_class_report *classes;
} evaluation;

static answer look_at(const glimpse_label_eval *e, const picture *p) {
    answer a = {p, p->guess_count > 0 ? p->guess_count + 1 : SIZE_MAX, e->class_count, NAN, NAN};
    const glimpse_guess *g = e->guesses + p->guess;
    if (p->guess_count == 0) return a;
    a.guessed = g[0].class_index;
    a.confidence = g[0].probability;
    if (p->guess_count > 1) {
        a.margin = g[0].probability - g[1].probability;
    } else if (e->class_count == 1) {
        a.margin = g[0].probability;
    } else {
        a.margin = p->margin;
    }
    if (p->truth_count != 1) return a;
    size_t truth = e->truths[p->truth], at = 0;
    while (at < p->guess_count && g[at].class_index != truth)
        at++;
    if (at == p->guess_count) return a;
    size_t last = at;
    while (last + 1 < p->guess_count && compare_guesses(&g[last + 1], &g[at]) == 0)
        last++;
    a.rank = last + 1;
    if (a.rank > 1 && a.guessed == truth) a.guessed = g[1].class_index;
    return a;
}

static int by_ap_order(const void *a, const void *b) {
    const ap_item *x = a, *y = b;
    if (x->value > y->value || x->value < y->value) return x->value > y->value ? -1 : 1;
    return (x->positive > y->positive) - (x->positive < y->positive);
}

/* Fills v->ap when every picture with guesses has a number for every class. */
static int prepare_ap(evaluation *v) {
    const glimpse_label_eval *e = v->e;
    int scores = 1, probabilities = 1, answered = 0;
    for (size_t i = 0; i < v->count; i++) {
        const picture *p = v->answers[i].of;
        if (p->guess_count == 0) continue;
        answered = 1;
        if (p->guess_count < e->class_count) return GLIMPSE_OK;
        for (size_t k = 0; k < p->guess_count; k++) {
            scores &= !isnan(e->guesses[p->guess + k].score);
            probabilities &= !isnan(e->guesses[p->guess + k].probability);
        }
    }
    if (!answered || (!scores && !probabilities)) return GLIMPSE_OK;
    if (v->count > SIZE_MAX / sizeof *v->ap / e->class_count) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%zu pictures x %zu classes", v->count,
                            e->class_count);
    }
    size_t total = v->count * e->class_count;
    v->ap = malloc(total * sizeof *v->ap);
    if (!v->ap) return glimpse_fail_nomem(total * sizeof *v->ap, "average precision");
    for (size_t i = 0; i < v->count; i++) {
        const picture *p = v->answers[i].of;
        for (size_t c = 0; c < e->class_count; c++)
            v->ap[c * v->count + i] = (ap_item){-INFINITY, (uint32_t)i, 0};
        for (size_t k = 0; k < p->guess_count; k++) {
            const glimpse_guess *g = &e->guesses[p->guess + k];
            v->ap[g->class_index * v->count + i].value = scores ? g->score : g->probability;
        }
        for (size_t k = 0; k < p->truth_count; k++)
            v->ap[e->truths[p->truth + k] * v->count + i].positive = 1;
    }
    for (size_t c = 0; c < e->class_count; c++)
        qsort(v->ap + c * v->count, v->count, sizeof *v->ap, by_ap_order);
    return GLIMPSE_OK;
}

/*
 * Figures.
 */
static double average_precision(const ap_item *items, size_t count, const uint32_t *weights) {
    double seen = 0, right = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t weight = weights[items[i].picture];
        if (!items[i].positive) {
            seen += weight;
            continue;
        }
        for (; weight > 0; weight--)
            sum += ++right / ++seen;
    }
    return right > 0 ? sum / right : 0;
}

/* A class without pictures has AP 0. Those that a sample happens to miss would pull its mean down,
 * so a sample has the mean over the classes it has, times the share of classes that have pictures:
 * for the pictures themselves that is the plain mean over all classes. */
static double mean_average_precision(evaluation *v, const uint32_t *weights) {
    if (!v->ap || (v->ap_only_once && !v->first)) return NAN;
    double sum = 0, classes = 0;
    for (size_t c = 0; c < v->e->class_count; c++) {
        double ap =
            v->support[c] > 0 ? average_precision(v->ap + c * v->count, v->count, weights) : 0;
        if (v->first) v->classes[c].average_precision = ap;
        classes += v->support[c] > 0;
        sum += ap;
    }
    if (v->first) v->share = classes / (double)v->e->class_count;
    return classes > 0 ? sum / classes * v->share : 0;
}

static double calibration_error(evaluation *v, const uint32_t *weights) {
    double all[GLIMPSE_ECE_BINS] = {0}, right[GLIMPSE_ECE_BINS] = {0},
           certain[GLIMPSE_ECE_BINS] = {0}, total = 0, error = 0;
    if (!v->has_ece) return NAN;
    for (size_t i = 0; i < v->count; i++) {
        const answer *a = &v->answers[i];
        if (weights[i] == 0 || a->of->guess_count == 0) continue;
        double place = ceil(a->confidence * GLIMPSE_ECE_BINS) - 1;
        int bin = place < 0 ? 0 : place >= GLIMPSE_ECE_BINS ? GLIMPSE_ECE_BINS - 1 : (int)place;
        double weight = weights[i];
        all[bin] += weight;
        certain[bin] += weight * a->confidence;
        if (a->rank == 1) right[bin] += weight;
        total += weight;
    }
    for (int b = 0; b < GLIMPSE_ECE_BINS; b++) {
        error += fabs(right[b] - certain[b]);
        if (!v->first) continue;
        v->report->bins[b] =
            (glimpse_ece_bin){(size_t)all[b], right[b] / all[b], certain[b] / all[b]};
    }
    return total > 0 ? error / total : NAN;
}

/* Adds up classes: support (true), guessed, right (both). */
static void count_classes(evaluation *v, const uint32_t *weights) {
    const glimpse_label_eval *e = v->e;
    size_t bytes = e->class_count * sizeof *v->support;
    memset(v->support, 0, bytes);
    memset(v->guessed, 0, bytes);
    memset(v->right, 0, bytes);
    for (size_t i = 0; i < v->count; i++) {
        const answer *a = &v->answers[i];
        double weight = weights[i];
        if (weight <= 0) continue;
        for (size_t k = 0; k < a->of->truth_count; k++)
            v->support[e->truths[a->of->truth + k]] += weight;
        if (!v->multi_label) {
            if (a->guessed == e->class_count) continue;
            v->guessed[a->guessed] += weight;
            if (a->rank == 1) v->right[a->guessed] += weight;
            continue;
        }
        for (size_t k = 0; k < a->of->guess_count; k++) {
            const glimpse_guess *g = &e->guesses[a->of->guess + k];
            if (!g->accepted) continue;
            v->guessed[g->class_index] += weight;
            for (size_t t = 0; t < a->of->truth_count; t++) {
                if (e->truths[a->of->truth + t] == g->class_index) {
                    v->right[g->class_index] += weight;
                }
            }
        }
    }
}

static void class_figures(evaluation *v, double *figures) {
    double recall = 0, f1 = 0, classes = 0, either = 0;
    for (size_t c = 0; c < v->e->class_count; c++) {
        double support = v->support[c], guessed = v->guessed[c], right = v->right[c];
        if (support > 0) {
            recall += right / support;
            classes++;
        }
        if (support + guessed > 0) {
            f1 += 2 * right / (support + guessed);
            either++;
        }
        if (!v->first) continue;
        glimpse_class_report *r = &v->classes[c];
        r->pictures = (size_t)support;
        r->guessed = (size_t)guessed;
        r->right = (size_t)right;
        r->recall = right / support; /* NaN for 0 / 0 */
        r->precision = right / guessed;
        r->f1 = 2 * right / (support + guessed);
    }
    figures[RECALL] = recall / classes;
    figures[F1] = f1 / either;
}

static void compute(void *user, const uint32_t *weights, double *figures) {
    evaluation *v = user;
    double all = 0, first = 0, five = 0, answered = 0, answered_right = 0;
    for (size_t i = 0; i < v->count; i++) {
        const answer *a = &v->answers[i];
        double weight = weights[i];
        all += weight;
        if (a->rank == 1) first += weight;
        if (a->rank <= 5 && a->rank <= a->of->guess_count) five += weight;
        if (a->of->abstained || a->of->guess_count == 0) continue;
        answered += weight;
        if (a->rank == 1) answered_right += weight;
    }
    count_classes(v, weights);
    class_figures(v, figures);
    figures[TOP1] = v->multi_label ? NAN : first / all;
    figures[TOP5] = v->multi_label || !v->has_top5 ? NAN : five / all;
    figures[ECE] = v->multi_label ? NAN : calibration_error(v, weights);
    figures[COVERAGE] = answered / all;
    figures[SELECTIVE] = v->multi_label ? NAN : answered_right / answered;
    figures[MAP] = mean_average_precision(v, weights);
    v->first = 0;
}

/*
 * The report.
 */
typedef struct held {
    glimpse_label_report report; /* first: what the caller has */
    glimpse_class_report *classes;
    size_t *confusion;
    glimpse_coverage_point *curve;
} held;

void glimpse_label_report_free(glimpse_label_report *report) {
    if (!report) return;
    held *h = (held *)(void *)report;
    free(h->classes);
    free(h->confusion);
    free(h->curve);
    free(h);
}

static int by_confidence(const void *a, const void *b) {
    const answer *x = *(const answer *const *)a, *y = *(const answer *const *)b;
    return x->confidence > y->confidence ? -1 : x->confidence < y->confidence;
}

/* Points at the ends of groups of equal confidence, at most about CURVE_STEPS of them. */
static int draw_curve(held *h, const evaluation *v) {
    size_t answered = 0, used = 0;
    double right = 0, next = 0;
    const answer **order = malloc(v->count * sizeof *order);
    h->curve = calloc(CURVE_STEPS + 1, sizeof *h->curve);
    if (!order || !h->curve) {
        free(order);
        return glimpse_fail_nomem(v->count * sizeof *order, "a coverage curve");
    }
    for (size_t i = 0; i < v->count; i++) {
        if (v->answers[i].of->guess_count > 0) order[answered++] = &v->answers[i];
    }
    qsort(order, answered, sizeof *order, by_confidence);
    for (size_t i = 0; i < answered; i++) {
        right += order[i]->rank == 1;
        int last = i + 1 == answered;
        if (!last && order[i + 1]->confidence >= order[i]->confidence) continue;
        double coverage = (double)(i + 1) / (double)v->count;
        if (!last && coverage < next) continue;
        if (used < CURVE_STEPS + 1) {
            h->curve[used++] =
                (glimpse_coverage_point){coverage, right / (double)(i + 1), order[i]->confidence};
        }
        next = (floor(coverage * CURVE_STEPS) + 1) / CURVE_STEPS;
    }
    free(order);
    h->report.curve = h->curve;
    h->report.curve_count = used;
    return GLIMPSE_OK;
}

static void fill_confusion(held *h, const evaluation *v) {
    const glimpse_label_eval *e = v->e;
    for (size_t i = 0; i < v->count; i++) {
        const answer *a = &v->answers[i];
        h->confusion[e->truths[a->of->truth] * (e->class_count + 1) + a->guessed]++;
    }
    h->report.confusion = h->confusion;
}

/* How well confidence tells pictures of the classes from pictures of none of them. */
static int measure_unknowns(glimpse_label_report *r, const evaluation *v) {
    const glimpse_label_eval *e = v->e;
    size_t count = 0;
    double *confidence = malloc(e->count * sizeof *confidence);
    double *margin = malloc(e->count * sizeof *margin);
    unsigned char *known = malloc(e->count);
    if (confidence && margin && known) {
        for (size_t i = 0; i < e->count; i++) {
            const picture *p = &e->pictures[i];
            if (p->guess_count == 0) continue;
            answer a = look_at(e, p);
            confidence[count] = a.confidence;
            margin[count] = a.margin;
            known[count++] = p->truth_count > 0;
            r->unknowns_abstained += p->truth_count == 0 && p->abstained != 0;
        }
        r->auroc_probability = glimpse_auroc(confidence, known, count);
        r->auroc_margin = glimpse_auroc(margin, known, count);
    }
    int status = confidence && margin && known
                     ? GLIMPSE_OK
                     : glimpse_fail_nomem(e->count * 2 * sizeof(double), "confidences");
    free(confidence);
    free(margin);
    free(known);
    return status;
}

static void select_pictures(evaluation *v) {
    const glimpse_label_eval *e = v->e;
    size_t wanted = e->class_count < 5 ? e->class_count : 5;
    v->has_top5 = e->class_count >= 5;
    v->has_ece = 1;
    for (size_t i = 0; i < e->count; i++) {
        const picture *p = &e->pictures[i];
        if (!v->multi_label && p->truth_count == 0) continue;
        answer a = look_at(e, p);
        if (p->guess_count > 0) {
            if (p->guess_count < wanted) v->has_top5 = 0;
            if (isnan(a.confidence)) v->has_ece = 0;
        }
        v->report->unguessed += p->guess_count == 0;
        v->report->abstained += p->abstained != 0;
        v->answers[v->count++] = a;
    }
}

int glimpse_label_eval_report(glimpse_label_report **out, const glimpse_label_eval *e,
                              const glimpse_eval_options *options) {
    if (out) *out = NULL;
    if (!out || !e) return glimpse_fail_null(__func__);
    evaluation v = {0};
    glimpse_figure figures[FIGURES];
    int status = GLIMPSE_OK;
    v.e = e;
    v.multi_label = e->several > 0;
    if (e->count == 0 || (!v.multi_label && e->none == e->count)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no picture with a known class to evaluate");
    }
    size_t classes = e->class_count;
    int confused = !v.multi_label && classes <= MOST_CONFUSED;
    held *h = calloc(1, sizeof *h);
    v.answers = malloc(e->count * sizeof *v.answers);
    v.support = malloc(classes * sizeof *v.support);
    v.guessed = malloc(classes * sizeof *v.guessed);
    v.right = malloc(classes * sizeof *v.right);
    if (h) {
        h->classes = calloc(classes, sizeof *h->classes);
        h->confusion = confused ? calloc(classes * (classes + 1), sizeof *h->confusion) : NULL;
    }
    if (!h || !v.answers || !v.support || !v.guessed || !v.right || !h->classes ||
        (confused && !h->confusion)) {
        status = glimpse_fail_nomem(e->count * sizeof *v.answers, "an evaluation");
        goto done;
    }
    glimpse_label_report *r = &h->report;
    v.report = r;
    v.classes = h->classes;
    v.first = 1;
    for (size_t c = 0; c < classes; c++)
        h->classes[c].average_precision = NAN;
    r->auroc_probability = r->auroc_margin = NAN;
    r->class_count = classes;
    r->classes = h->classes;
    r->multi_label = v.multi_label;
    select_pictures(&v);
    r->pictures = v.count;
    status = prepare_ap(&v);
    if (status < 0) goto done;
    unsigned samples = options ? options->samples : 1000;
    v.ap_only_once = (double)v.count * (double)classes * samples > MAX_AP_STEPS;
    for (int b = 0; b < GLIMPSE_ECE_BINS; b++)
        r->bins[b] = (glimpse_ece_bin){0, NAN, NAN};
    status = glimpse_bootstrap(figures, FIGURES, v.count, options, compute, &v);
    if (status < 0) goto done;
    r->top1 = figures[TOP1];
    r->top5 = figures[TOP5];
    r->mean_per_class_recall = figures[RECALL];
    r->macro_f1 = figures[F1];
    r->map = figures[MAP];
    r->ece = figures[ECE];
    r->coverage = figures[COVERAGE];
    r->selective_accuracy = figures[SELECTIVE];
    if (confused) fill_confusion(h, &v);
    if (!v.multi_label && v.has_ece) status = draw_curve(h, &v);
    if (status == GLIMPSE_OK && !v.multi_label) {
        r->unknowns = e->none;
        status = e->none > 0 ? measure_unknowns(r, &v) : GLIMPSE_OK;
    }
    if (status < 0) goto done;
    *out = r;
    h = NULL;
done:
    free(v.answers);
    free(v.ap);
    free(v.support);
    free(v.guessed);
    free(v.right);
    if (h) glimpse_label_report_free(&h->report);
    return status;
}
