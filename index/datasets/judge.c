/*
 * judge.c - predictions beside the truth: which picture and which class is which, and the figures.
 */
#include "core/error.h"
#include "core/options.h"
#include "dataset_text.h"
#include "predictions.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the caller has, and behind it what it is made of. */
typedef struct held {
    glimpse_judgement j; /* first */
    glimpse_judge_options o;
    glimpse_predictions *p;
    glimpse_truth *truth;
    glimpse_label_report *report;
    const char *truth_name; /* for messages */
    size_t *of;             /* [truth->count] place in p->pictures, SIZE_MAX: none */
    size_t *classes;        /* [truth->class_count] place in p->classes */
} held;

static const glimpse_prediction *prediction_of(const held *h, size_t picture) {
    return h->of[picture] == SIZE_MAX ? NULL : &h->p->pictures[h->of[picture]];
}

/*
 * Pictures.
 */
static int match_by(held *h, int by_ending, size_t *found) {
    *found = 0;
    h->j.unjudged = 0;
    for (size_t i = 0; i < h->truth->count; i++)
        h->of[i] = SIZE_MAX;
    for (size_t i = 0; i < h->p->count; i++) {
        size_t at = 0;
        int known = glimpse_truth_find(&at, h->truth, h->p->pictures[i].path, by_ending);
        if (known < 0) return known;
        if (!known) {
            h->j.unjudged++;
            continue;
        }
        if (h->of[at] != SIZE_MAX) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "%s and %s are predictions for the same picture of the truth, %s",
                                h->p->pictures[h->of[at]].path, h->p->pictures[i].path,
                                h->truth->pictures[at].given);
        }
        h->of[at] = i;
        ++*found;
    }
    return GLIMPSE_OK;
}

static int match_pictures(held *h) {
    size_t found = 0;
    int status = match_by(h, 0, &found);
    if (status == GLIMPSE_OK && found == 0) {
        status = match_by(h, 1, &found);
        if (status == GLIMPSE_OK && found > 0) {
            glimpse_report_message(
                h->o.message, h->o.user, GLIMPSE_MESSAGE_NOTE,
                "%s: pictures were found by the ends of their paths, because none is "
                "where it says",
                h->truth_name);
        }
    }
    if (status == GLIMPSE_OK && found == 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s and the predictions have no picture in common: the truth begins "
                              "with %s, the predictions with %s (is %s right?)",
                              h->truth_name, h->truth->pictures[0].path, h->p->pictures[0].path,
                              glimpse_wording("options.root", NULL));
    }
    return status;
}

/*
 * Classes.
 */
typedef struct named {
    const char *name;
    size_t at;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* The entry of that name in a sorted list, or NULL; `only`: NULL as well when there are several. */
static const named *find(const named *list, size_t count, const char *name, int only) {
    named key = {name, 0};
    const named *found = count > 0 ? bsearch(&key, list, count, sizeof key, by_name) : NULL;
    if (!found || !only) return found;
    if (found > list && by_name(found - 1, &key) == 0) return NULL;
    return found + 1 < list + count && by_name(found + 1, &key) == 0 ? NULL : found;
}

/* The first few classes that no prediction has, for messages. */
enum { EXAMPLES = 5 };
typedef struct foreign {
    const char *names[EXAMPLES];
    size_t count;
} foreign;

static char *example_text(const foreign *f) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return NULL;
    for (size_t i = 0; i < f->count && i < EXAMPLES; i++)
        (void)fprintf(to, "%s%s", i > 0 ? ", " : "", f->names[i]);
    if (f->count > EXAMPLES) (void)fputs(", ...", to);
    if (fclose(to) == 0) return text;
    free(text);
    return NULL;
}

static int report_foreign(const held *h, const foreign *f, size_t known) {
    if (f->count == 0) return GLIMPSE_OK;
    char *examples = example_text(f);
    int status = examples ? GLIMPSE_OK : glimpse_fail_nomem(0, "a message");
    if (status == GLIMPSE_OK && f->count == h->truth->class_count && known > 0) {
        status =
            glimpse_fail(GLIMPSE_E_INVALID,
                         "%s: none of its %zu classes (%s) is among the %zu of the "
                         "predictions (%s, ...)",
                         h->truth_name, h->truth->class_count, examples, known, h->p->classes[0]);
    } else if (status == GLIMPSE_OK) {
        glimpse_report_message(
            h->o.message, h->o.user, GLIMPSE_MESSAGE_NOTE,
            "no prediction has these classes of the truth: %s; their pictures count as "
            "wrong",
            examples);
    }
    free(examples);
    return status;
}

/* By name, else as the last part of exactly one hierarchical name. Classes that only the truth has
 * are added: they are classes that were never guessed. */
static int match_classes(held *h) {
    size_t known = h->p->class_count;
    named *whole = glimpse_zeroed(known, sizeof *whole);
    named *leaves = glimpse_zeroed(known, sizeof *leaves);
    foreign none = {{NULL}, 0};
    h->classes = glimpse_zeroed(h->truth->class_count, sizeof *h->classes);
    int status = whole && leaves && h->classes ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < known && status == GLIMPSE_OK; i++) {
        whole[i] = (named){h->p->classes[i], i};
        leaves[i] = (named){glimpse_class_leaf(h->p->classes[i]), i};
    }
    if (known > 0 && status == GLIMPSE_OK) {
        qsort(whole, known, sizeof *whole, by_name);
        qsort(leaves, known, sizeof *leaves, by_name);
    }
    for (size_t i = 0; i < h->truth->class_count && status == GLIMPSE_OK; i++) {
        const char *name = h->truth->classes[i];
        const named *found = find(whole, known, name, 0);
        if (!found) found = find(leaves, known, name, 1);
        h->classes[i] = found ? found->at : SIZE_MAX;
        if (found) continue;
        if (none.count < EXAMPLES) none.names[none.count] = name;
        none.count++;
    }
    free(whole);
    free(leaves);
    if (status == GLIMPSE_OK) status = report_foreign(h, &none, known);
    for (size_t i = 0; i < h->truth->class_count && status == GLIMPSE_OK; i++) {
        if (h->classes[i] != SIZE_MAX) continue;
        status = glimpse_predictions_add_class(&h->classes[i], h->p, h->truth->classes[i]);
    }
    return status;
}

/*
 * Pictures of the truth without a prediction.
 */
static int check_missing(held *h) {
    const char *first = NULL;
    char missing[GLIMPSE_COUNT_TEXT], all[GLIMPSE_COUNT_TEXT], failed[GLIMPSE_COUNT_TEXT];
    for (size_t i = 0; i < h->truth->count; i++) {
        const glimpse_prediction *p = prediction_of(h, i);
        if (p && !p->failed) continue;
        h->j.missing++;
        h->j.failed += p != NULL;
        if (!first) first = h->truth->pictures[i].given;
    }
    if (h->j.missing == 0) return GLIMPSE_OK;
    (void)glimpse_count_text(missing, h->j.missing);
    (void)glimpse_count_text(all, h->truth->count);
    (void)glimpse_count_text(failed, h->j.failed);
    if (h->o.missing == GLIMPSE_MISSING_REFUSE) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s of the %s pictures of the truth have no prediction (%s of them "
                            "could not be labelled; the first is %s); count them as wrong with "
                            "%s, or leave them out with %s",
                            missing, all, failed, first,
                            glimpse_wording("options.missing", "wrong"),
                            glimpse_wording("options.missing", "skip"));
    }
    glimpse_report_message(
        h->o.message, h->o.user, GLIMPSE_MESSAGE_NOTE,
        "%s of the %s pictures of the truth have no prediction and %s", missing, all,
        h->o.missing == GLIMPSE_MISSING_WRONG ? "count as wrong" : "are left out");
    return GLIMPSE_OK;
}

/*
 * The figures.
 */
static int add_pictures(const held *h, glimpse_label_eval *eval) {
    size_t *truth = glimpse_zeroed(h->truth->class_count, sizeof *truth);
    int status = truth ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < h->truth->count && status == GLIMPSE_OK; i++) {
        const glimpse_truth_picture *t = &h->truth->pictures[i];
        const glimpse_prediction *p = prediction_of(h, i);
        int usable = p && !p->failed;
        if (h->o.missing == GLIMPSE_MISSING_SKIP && !usable) continue;
        for (size_t k = 0; k < t->class_count; k++)
            truth[k] = h->classes[t->classes[k]];
        status = glimpse_label_eval_add(eval, truth, t->class_count, usable ? p->guesses : NULL,
                                        usable ? p->count : 0, p && p->abstained);
        if (status >= 0 && p) status = glimpse_label_eval_margin(eval, p->margin);
    }
    free(truth);
    return status;
}

static int evaluate(held *h) {
    glimpse_label_eval *eval = NULL;
    glimpse_eval_options how = GLIMPSE_EVAL_OPTIONS_INIT;
    if (h->p->class_count == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "neither predictions nor truth have a class");
    }
    how.samples = h->o.samples;
    how.seed = h->o.seed;
    int status = glimpse_label_eval_create(&eval, h->p->class_count);
    if (status >= 0) status = add_pictures(h, eval);
    if (status >= 0) status = glimpse_label_eval_report(&h->report, eval, &how);
    glimpse_label_eval_free(eval);
    return status;
}

/* NaN unless the background was always given. */
static int auroc_background(held *h) {
    double *values = glimpse_zeroed(h->truth->count, sizeof *values);
    unsigned char *known = glimpse_zeroed(h->truth->count, 1);
    int status = values && known ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    size_t count = 0;
    h->j.auroc_background = NAN;
    for (size_t i = 0; i < h->truth->count && status == GLIMPSE_OK; i++) {
        const glimpse_prediction *p = prediction_of(h, i);
        if (!p || p->failed) continue;
        values[count] = 1 - p->background;
        known[count++] = h->truth->pictures[i].class_count > 0;
    }
    if (status == GLIMPSE_OK && h->truth->several == 0) {
        h->j.auroc_background = glimpse_auroc(values, known, count);
    }
    free(values);
    free(known);
    return status;
}

static int judge(held *h, const char *predictions) {
    int status = glimpse_predictions_load(&h->p, predictions);
    if (status == GLIMPSE_OK) status = glimpse_truth_load(&h->truth, h->truth_name, h->o.root);
    if (status < 0) return status;
    h->of = glimpse_zeroed(h->truth->count, sizeof *h->of);
    if (!h->of) return GLIMPSE_E_NOMEM;
    status = match_pictures(h);
    if (status == GLIMPSE_OK) status = match_classes(h);
    if (status == GLIMPSE_OK) status = check_missing(h);
    if (status == GLIMPSE_OK && h->j.unjudged > 0) {
        char count[GLIMPSE_COUNT_TEXT];
        glimpse_report_message(
            h->o.message, h->o.user, GLIMPSE_MESSAGE_NOTE,
            "%s predictions are for pictures that the truth does not have; they are not "
            "judged",
            glimpse_count_text(count, h->j.unjudged));
    }
    if (status == GLIMPSE_OK) status = evaluate(h);
    if (status == GLIMPSE_OK) status = auroc_background(h);
    return status;
}

int glimpse_judgement_create(glimpse_judgement **out, const char *predictions, const char *truth,
                             const glimpse_judge_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (out) *out = NULL;
    if (!out || !predictions || !truth) return glimpse_fail_null(__func__);
    held *h = glimpse_zeroed(1, sizeof *h);
    if (!h) return GLIMPSE_E_NOMEM;
    h->o = GLIMPSE_JUDGE_OPTIONS_INIT;
    h->truth_name = truth;
    int status = GLIMPSE_OPTIONS_LOAD(&h->o, options, glimpse_judge_options, user);
    if (status == GLIMPSE_OK) status = judge(h, predictions);
    if (status < 0) {
        glimpse_judgement_free(&h->j);
        return status;
    }
    h->j.predictions = h->p;
    h->j.truth = h->truth;
    h->j.report = h->report;
    h->j.classes = h->p->classes;
    h->j.class_count = h->p->class_count;
    *out = &h->j;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

void glimpse_judgement_free(glimpse_judgement *judgement) {
    held *h = (held *)(void *)judgement;
    if (!h) return;
    glimpse_label_report_free(h->report);
    glimpse_truth_free(h->truth);
    glimpse_predictions_free(h->p);
    free(h->of);
    free(h->classes);
    free(h);
}
