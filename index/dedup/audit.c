/*
 * index/dedup/audit.c - what is odd about the pictures of a data set.
 *
 * Single pictures are held against fixed limits of their measures. Sizes are held against the rest
 * of the set, by the median and the median absolute deviation (x 1.4826 it estimates the standard
 * deviation of a normal distribution), which a few outliers do not move. Embeddings are held
 * against their k nearest neighbours by cosine: a picture whose neighbours agree on another label
 * is a suspect, one that is far from all is an outlier. Labels are looked at only when the caller
 * says that directories are classes: in a photo library every holiday would be one.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "core/options.h"
#include "store.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NEIGHBOURS = 100, MIN_FOR_SIZES = 20 };

typedef struct audit {
    glimpse_audit public;
    glimpse_audit_finding *findings;
    size_t count, capacity;
} audit;

const char *glimpse_audit_kind_name(glimpse_audit_kind kind) {
    static const char *const names[GLIMPSE_AUDIT_COUNT] = {
        "dark",       "bright", "blurred",  "low-information", "near-constant",
        "odd-aspect", "small",  "odd-size", "mislabelled",     "outlier"};
    return (unsigned)kind < GLIMPSE_AUDIT_COUNT ? names[kind] : "?";
}

/* Whether a check is about what the pixels look like, which for a transparent picture depends on
 * what is behind it. */
static int is_about_looks(glimpse_audit_kind kind) {
    return kind <= GLIMPSE_AUDIT_NEAR_CONSTANT;
}

static int add(audit *a, const glimpse_dedup_picture *picture, glimpse_audit_kind kind,
               double value, double limit, const char *suggestion, const char *format, ...)
    GLIMPSE_PRINTF(7, 8);
static int add(audit *a, const glimpse_dedup_picture *picture, glimpse_audit_kind kind,
               double value, double limit, const char *suggestion, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (picture->is_transparent && is_about_looks(kind) && n >= 0 && (size_t)n < sizeof text)
        (void)snprintf(text + n, sizeof text - (size_t)n, " (transparent; judged as seen)");
    if (a->count == a->capacity) {
        size_t capacity = a->capacity ? a->capacity * 2 : 64;
        glimpse_audit_finding *findings = realloc(a->findings, capacity * sizeof *findings);
        if (!findings) return glimpse_fail_nomem(capacity * sizeof *findings, "findings");
        a->findings = findings;
        a->capacity = capacity;
    }
    glimpse_audit_finding *f = &a->findings[a->count];
    *f = (glimpse_audit_finding){.picture = picture,
                                 .kind = kind,
                                 .value = value,
                                 .limit = limit,
                                 .text = strdup(text),
                                 .suggestion = strdup(suggestion)};
    a->count++;
    return f->text && f->suggestion ? GLIMPSE_OK : glimpse_fail_nomem(64, "a finding");
}

static int wanted(const glimpse_audit_limits *limits, glimpse_audit_kind kind) {
    return limits->kinds == 0 || (limits->kinds & 1U << kind) != 0;
}

static int look_at(audit *a, const glimpse_dedup_picture *p, const glimpse_audit_limits *l) {
    const glimpse_picture_measures *m = &p->measures;
    unsigned shortest = p->width < p->height ? p->width : p->height;
    int status = GLIMPSE_OK;
    if (wanted(l, GLIMPSE_AUDIT_DARK) && m->high < l->dark) {
        status =
            add(a, p, GLIMPSE_AUDIT_DARK, m->high, l->dark, "",
                "nearly all of it is dark (99%% of the picture is at most %.0f of 255)", m->high);
    }
    /* What is bright of a transparent picture is the white behind it: bright ones lie on grey. */
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_BRIGHT) && m->low > l->bright &&
        !p->is_transparent) {
        status =
            add(a, p, GLIMPSE_AUDIT_BRIGHT, m->low, l->bright, "",
                "nearly all of it is bright (99%% of the picture is at least %.0f of 255)", m->low);
    }
    int constant = m->deviation < l->deviation;
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_NEAR_CONSTANT) && constant) {
        status = add(a, p, GLIMPSE_AUDIT_NEAR_CONSTANT, m->deviation, l->deviation, "",
                     "almost one colour (grey values deviate by %.1f of 255)", m->deviation);
    }
    /* What is nearly one colour is blurred and empty as well; once is enough. */
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_BLURRED) && !constant &&
        m->sharpness < l->sharpness) {
        status = add(a, p, GLIMPSE_AUDIT_BLURRED, m->sharpness, l->sharpness, "",
                     "hardly any edges (variance of the Laplacian %.1f, below %.0f)", m->sharpness,
                     l->sharpness);
    }
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_LOW_INFORMATION) && !constant &&
        m->entropy < l->entropy) {
        status = add(a, p, GLIMPSE_AUDIT_LOW_INFORMATION, m->entropy, l->entropy, "",
                     "few greys (they carry %.1f of 8 bits)", m->entropy);
    }
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_ODD_ASPECT) && m->aspect > l->aspect) {
        status = add(a, p, GLIMPSE_AUDIT_ODD_ASPECT, m->aspect, l->aspect, "",
                     "%ux%u: one side is %.1f times the other", p->width, p->height, m->aspect);
    }
    if (status == GLIMPSE_OK && wanted(l, GLIMPSE_AUDIT_SMALL) && shortest < l->min_side) {
        status =
            add(a, p, GLIMPSE_AUDIT_SMALL, shortest, l->min_side, "", "%ux%u", p->width, p->height);
    }
    return status;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median and spread (1.4826 MAD) of `values`, which get sorted. */
static void robust(double *values, size_t n, double *median, double *spread) {
    qsort(values, n, sizeof *values, compare_doubles);
    *median = n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
    for (size_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - *median);
    qsort(values, n, sizeof *values, compare_doubles);
    *spread = 1.4826 * (n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]));
}

static int look_at_sizes(audit *a, const glimpse_dedup_report *report,
                         const glimpse_audit_limits *l) {
    size_t n = report->picture_count;
    double median, spread;
    int status = GLIMPSE_OK;
    if (!wanted(l, GLIMPSE_AUDIT_ODD_SIZE) || n < MIN_FOR_SIZES) return GLIMPSE_OK;
    double *values = malloc(n * sizeof *values);
    if (!values) return glimpse_fail_nomem(n * sizeof *values, "sizes");
    for (size_t i = 0; i < n; i++) {
        values[i] = log((double)report->pictures[i].width * (double)report->pictures[i].height);
    }
    robust(values, n, &median, &spread);
    if (spread < 0.1) spread = 0.1; /* most of one size: ten per cent more is nothing odd */
    for (size_t i = 0; i < n && status == GLIMPSE_OK; i++) {
        const glimpse_dedup_picture *p = &report->pictures[i];
        double off = fabs(log((double)p->width * (double)p->height) - median) / spread;
        if (off <= l->size_deviations) continue;
        status = add(a, p, GLIMPSE_AUDIT_ODD_SIZE, off, l->size_deviations, "",
                     "%ux%u, where half the pictures have about %.1f megapixels", p->width,
                     p->height, exp(median) / 1e6);
    }
    free(values);
    return status;
}

/*
 * Embeddings.
 */
typedef struct neighbours {
    audit *audit;
    const glimpse_dedup_picture **pictures; /* [count] those with an embedding */
    const float **rows;
    double *distances; /* [count] mean 1 - cosine to the neighbours */
    size_t count, k;
    const glimpse_audit_limits *limits;
    int labels;
} neighbours;

/* The label that most of the neighbours have. */
static const char *majority(const neighbours *n, const size_t *near, size_t count, size_t *votes) {
    const char *best = "";
    *votes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < count; j++)
            same += strcmp(n->pictures[near[i]]->label, n->pictures[near[j]]->label) == 0;
        if (same > *votes) *votes = same, best = n->pictures[near[i]]->label;
    }
    return best;
}

static int visit(void *user, size_t query, const float *scores, const int64_t *found) {
    neighbours *n = user;
    const glimpse_dedup_picture *p = n->pictures[query];
    size_t near[MAX_NEIGHBOURS + 1], count = 0;
    double sum = 0;
    /* One more than k was asked for, because the picture finds itself. */
    for (size_t i = 0; i < n->k && count + 1 < n->k; i++) {
        if (found[i] < 0 || (size_t)found[i] == query) continue;
        /* A copy says nothing about the label: it has the same, or is a conflict of its own. */
        if (strcmp(n->pictures[found[i]]->pixels, p->pixels) == 0) continue;
        near[count++] = (size_t)found[i];
        sum += 1 - (double)scores[i];
    }
    n->distances[query] = count > 0 ? sum / (double)count : -1;
    if (!n->labels || count < 3 || !p->label[0] || !wanted(n->limits, GLIMPSE_AUDIT_MISLABELLED))
        return GLIMPSE_OK;
    size_t votes;
    const char *label = majority(n, near, count, &votes);
    double share = (double)votes / (double)count;
    if (strcmp(label, p->label) == 0 || share < n->limits->disagreement) return GLIMPSE_OK;
    return add(n->audit, p, GLIMPSE_AUDIT_MISLABELLED, share, n->limits->disagreement, label,
               "%zu of its %zu nearest neighbours are \"%.100s\", not \"%.100s\"", votes, count,
               label, p->label);
}

static int find_outliers(neighbours *n) {
    double median, spread;
    size_t count = 0;
    int status = GLIMPSE_OK;
    double *values = malloc((n->count + 1) * sizeof *values);
    if (!values) return glimpse_fail_nomem(n->count * sizeof *values, "distances");
    for (size_t i = 0; i < n->count; i++) {
        if (n->distances[i] >= 0) values[count++] = n->distances[i];
    }
    if (count >= MIN_FOR_SIZES && wanted(n->limits, GLIMPSE_AUDIT_OUTLIER)) {
        robust(values, count, &median, &spread);
        if (spread < 1e-4) spread = 1e-4;
        for (size_t i = 0; i < n->count && status == GLIMPSE_OK; i++) {
            double off = (n->distances[i] - median) / spread;
            if (n->distances[i] < 0 || off <= n->limits->outlier_deviations) continue;
            status = add(n->audit, n->pictures[i], GLIMPSE_AUDIT_OUTLIER, off,
                         n->limits->outlier_deviations, "",
                         "its nearest neighbours have a cosine of %.3f, where %.3f is usual",
                         1 - n->distances[i], 1 - median);
        }
    }
    free(values);
    return status;
}

static int look_at_neighbours(audit *a, const glimpse_dedup_report *report,
                              const glimpse_audit_limits *l) {
    size_t total = report->picture_count;
    neighbours n = {.audit = a, .limits = l, .labels = a->public.has_labels};
    int status = GLIMPSE_OK;
    n.pictures = malloc((total + 1) * sizeof *n.pictures);
    n.rows = malloc((total + 1) * sizeof *n.rows);
    n.distances = malloc((total + 1) * sizeof *n.distances);
    if (!n.pictures || !n.rows || !n.distances) {
        status = glimpse_fail_nomem(total * 24, "embeddings");
        goto done;
    }
    for (size_t i = 0; i < total; i++) {
        if (!report->pictures[i].embedding) continue;
        n.pictures[n.count] = &report->pictures[i];
        n.rows[n.count] = report->pictures[i].embedding;
        n.distances[n.count++] = -1;
    }
    n.k = (l->neighbours < 1                ? 1
           : l->neighbours > MAX_NEIGHBOURS ? MAX_NEIGHBOURS
                                            : l->neighbours) +
          (size_t)1;
    if (n.k > n.count) n.k = n.count;
    if (n.count < 4) goto done;
    glimpse_nearest_job job = {.base = n.rows,
                               .queries = n.rows,
                               .base_count = n.count,
                               .query_count = n.count,
                               .width = report->embedding_size,
                               .k = n.k,
                               .visit = visit,
                               .user = &n};
    status = glimpse_store_backend(NULL)->vectors.nearest(&job);
    if (status == GLIMPSE_OK) status = find_outliers(&n);
done:
    free((void *)n.pictures);
    free((void *)n.rows);
    free(n.distances);
    return status;
}

/* Worst first: how far beyond its limit a finding is. */
static double badness(const glimpse_audit_finding *f) {
    switch (f->kind) {
    case GLIMPSE_AUDIT_DARK:
    case GLIMPSE_AUDIT_BLURRED:
    case GLIMPSE_AUDIT_LOW_INFORMATION:
    case GLIMPSE_AUDIT_NEAR_CONSTANT:
    case GLIMPSE_AUDIT_SMALL: return -f->value;
    default: return f->value;
    }
}

static int compare_findings(const void *a, const void *b) {
    const glimpse_audit_finding *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    double p = badness(x), q = badness(y);
    if (p > q || p < q) return p > q ? -1 : 1;
    return strcmp(x->picture->path, y->picture->path);
}

static int has_several_labels(const glimpse_dedup_report *report) {
    for (size_t i = 1; i < report->picture_count; i++) {
        if (strcmp(report->pictures[i].label, report->pictures[0].label) != 0) return 1;
    }
    return 0;
}

int glimpse_audit_run(glimpse_audit **out, const glimpse_dedup_report *report,
                      const glimpse_audit_limits *given) {
    glimpse_audit_limits own = GLIMPSE_AUDIT_LIMITS_INIT, *const limits = &own;
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the audit");
    *out = NULL;
    if (!report) return glimpse_fail(GLIMPSE_E_INVALID, "no pictures to audit");
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_audit_limits, kinds);
    if (status < 0) return status;
    audit *a = calloc(1, sizeof *a);
    if (!a) return glimpse_fail_nomem(sizeof *a, "an audit");
    a->public.has_labels = limits->class_directories && has_several_labels(report);
    for (size_t i = 0; i < report->picture_count && status == GLIMPSE_OK; i++) {
        a->public.has_embeddings |= report->pictures[i].embedding != NULL;
        status = look_at(a, &report->pictures[i], limits);
    }
    if (status == GLIMPSE_OK) status = look_at_sizes(a, report, limits);
    if (status == GLIMPSE_OK && a->public.has_embeddings)
        status = look_at_neighbours(a, report, limits);
    if (a->count > 0) qsort(a->findings, a->count, sizeof *a->findings, compare_findings);
    a->public.findings = a->findings;
    a->public.count = a->count;
    for (size_t i = 0; i < a->count; i++)
        a->public.counts[a->findings[i].kind]++;
    if (status < 0) {
        glimpse_audit_free(&a->public);
        return status;
    }
    *out = &a->public;
    return GLIMPSE_OK;
}

void glimpse_audit_free(glimpse_audit *handle) {
    if (!handle) return;
    audit *a = (audit *)handle;
    for (size_t i = 0; i < a->count; i++) {
        free((char *)a->findings[i].text);
        free((char *)a->findings[i].suggestion);
    }
    free(a->findings);
    free(a);
}
