/*
 * glimpse/evaluate.h - how good labels and searches are: the usual figures, with intervals.
 *
 *     glimpse_label_eval *eval = NULL;
 *     glimpse_label_eval_create(&eval, class_count);
 *     for each picture whose classes are known:
 *         glimpse_label_eval_add(eval, truth, truth_count, guesses, guess_count, 0);
 *     glimpse_label_report *report = NULL;
 *     glimpse_label_eval_report(&report, eval, NULL);
 *     printf("top-1 %.3f (%.3f to %.3f)\n", report->top1.value, report->top1.low,
 *            report->top1.high);
 *
 * Definitions are those of CLIP_benchmark (and of scikit-learn where it calls that):
 *
 *     rank              1 + the number of other classes scored at least as high as the true one
 *     top-k             share of pictures with rank <= k
 *     mean per-class recall  mean over the classes that occur in the truth of
 *                       pictures of the class guessed right / pictures of the class
 *     macro F1          mean over the classes that occur in the truth or among the guesses of
 *                       2 TP / (2 TP + FP + FN)
 *     AP of a class     mean over its pictures of (its pictures so far / pictures so far), the
 *                       pictures taken by falling score; 0 for a class without pictures
 *     mAP               mean of AP over all classes
 *     ECE               sum over 15 bins (lo, hi] of confidence of
 *                       (pictures in the bin / pictures) |accuracy - mean confidence| (Guo et al.
 *                       2017); confidence is the probability of the best guess
 *     R@k               share of queries with at least one fitting item among the first k
 *     median rank       median of the rank of the best fitting item
 *
 * Ties never flatter: what is scored alike is put in the worst order, the wrong before the right.
 * A model that answers the same for everything gets top-1 0, not 1. (CLIP_benchmark leaves ties to
 * the order torch.topk happens to return; without ties the figures are the same.) A picture without
 * any guess counts as wrong everywhere; it has no confidence, so it is not part of ECE.
 *
 * Intervals are the 2.5% and 97.5% percentiles of the figure over bootstrap samples of the pictures
 * (or queries), drawn with a fixed seed: same input, same interval.
 *
 * A figure that the input does not determine is NaN: top-5 with fewer than 5 classes or when fewer
 * guesses were given, mAP when not every class was scored for every picture, single-label figures
 * for pictures with several classes.
 *
 * Threads: an evaluation belongs to one thread at a time.
 */
#ifndef GLIMPSE_EVALUATE_H
#define GLIMPSE_EVALUATE_H

#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A figure and its 95% interval; low and high are NaN when no interval was computed. */
typedef struct glimpse_figure {
    double value, low, high;
} glimpse_figure;

typedef struct glimpse_eval_options {
    size_t size;      /* GLIMPSE_EVAL_OPTIONS_INIT sets it */
    unsigned samples; /* bootstrap samples; 0: no intervals */
    uint64_t seed;
} glimpse_eval_options;

static inline glimpse_eval_options glimpse_eval_options_init(void) {
    glimpse_eval_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.samples = 1000;
    options.seed = 2026;
    return options;
}
#define GLIMPSE_EVAL_OPTIONS_INIT glimpse_eval_options_init()

/*
 * Labels.
 */
typedef struct glimpse_guess {
    size_t class_index;
    double probability; /* of the class, 0 to 1; NaN when not known */
    double score;       /* the larger, the more likely (cosine); NaN when not known */
    int accepted;       /* claimed as a label; used for pictures with several classes only */
} glimpse_guess;

typedef struct glimpse_label_eval glimpse_label_eval;

/* `class_count` > 0. */
GLIMPSE_API int glimpse_label_eval_create(glimpse_label_eval **out, size_t class_count);
GLIMPSE_API void glimpse_label_eval_free(glimpse_label_eval *eval);

/* One picture: its true classes [truth_count], none twice (none at all: it shows none of the
 * classes), and what was guessed [guess_count] in any order, no class twice. Within a picture the
 * guesses are ranked by probability, and by score where that is equal or missing. `abstained`: the
 * labeller would rather not say; its guesses count all the same, except in `coverage` and
 * `selective_accuracy`. GLIMPSE_E_INVALID for a class out of range or given twice, or a guess with
 * neither number. */
GLIMPSE_API int glimpse_label_eval_add(glimpse_label_eval *eval, const size_t *truth,
                                       size_t truth_count, const glimpse_guess *guesses,
                                       size_t guess_count, int abstained);

/* For the picture that was added last: the probability of its best class less that of the second
 * best, where the only guess given cannot show it. NaN: not known, as without this call. */
GLIMPSE_API int glimpse_label_eval_margin(glimpse_label_eval *eval, double margin);

typedef struct glimpse_class_report {
    size_t pictures; /* of this class in the truth */
    size_t guessed;  /* pictures this was the best guess for (several classes: accepted for) */
    size_t right;    /* both */
    double recall, precision, f1, average_precision; /* NaN when not determined */
} glimpse_class_report;

/* The most certain share of the pictures, and how many of those are right. Equally certain ones
 * are taken in together. */
typedef struct glimpse_coverage_point {
    double coverage, accuracy, threshold; /* confidence >= threshold */
} glimpse_coverage_point;

typedef struct glimpse_ece_bin {
    size_t pictures;
    double accuracy, confidence; /* means; NaN in an empty bin */
} glimpse_ece_bin;

enum { GLIMPSE_ECE_BINS = 15 };

typedef struct glimpse_label_report {
    size_t pictures;  /* evaluated: those with a true class, and all when multi_label */
    size_t unguessed; /* of them, without any guess */
    size_t abstained; /* of them */
    size_t unknowns;  /* pictures without a true class, when not multi_label */
    size_t unknowns_abstained;
    int multi_label; /* 1 when a picture has several true classes */
    glimpse_figure top1, top5, mean_per_class_recall, macro_f1, map, ece;
    /* Answered pictures / pictures, and the right ones among the answered. */
    glimpse_figure coverage, selective_accuracy;
    /* How well the confidence (probability of the best guess; best minus second) tells pictures
     * with a true class from unknowns: area under the ROC curve; NaN without unknowns, and
     * when one of them is not known of a picture. */
    double auroc_probability, auroc_margin;
    size_t class_count;
    const glimpse_class_report *classes; /* [class_count] */
    /* [class_count][class_count + 1]: true class by guessed class, the last column for no guess;
     * NULL when multi_label, and with more than 4,096 classes. */
    const size_t *confusion;
    const glimpse_coverage_point *curve; /* [curve_count], rising coverage */
    size_t curve_count;
    glimpse_ece_bin bins[GLIMPSE_ECE_BINS];
} glimpse_label_report;

/* `options` may be NULL. GLIMPSE_E_INVALID when there is no picture to evaluate. */
GLIMPSE_API int glimpse_label_eval_report(glimpse_label_report **out,
                                          const glimpse_label_eval *eval,
                                          const glimpse_eval_options *options);
GLIMPSE_API void glimpse_label_report_free(glimpse_label_report *report);

/* Area under the ROC curve of `values` [count] for telling those with `positive` != 0 (they should
 * be larger) from the others; pairs of equal value count half. NaN without both kinds or with a
 * NaN among the values. */
GLIMPSE_API double glimpse_auroc(const double *values, const unsigned char *positive, size_t count);

/*
 * Retrieval.
 */
typedef struct glimpse_pair {
    size_t text, image;
} glimpse_pair;

typedef struct glimpse_recall_report {
    size_t queries, items;
    glimpse_figure recall_at_1, recall_at_5, recall_at_10, median_rank, mean_rank;
} glimpse_recall_report;

typedef struct glimpse_retrieval_report {
    glimpse_recall_report text_to_image, image_to_text;
    const size_t *text_ranks;  /* [texts] of the best fitting image, from 1 */
    const size_t *image_ranks; /* [images] of the best fitting text */
} glimpse_retrieval_report;

/* `texts` [text_count][width] and `images` [image_count][width], unit rows; `pairs` [pair_count]
 * say what fits what, every text and every image at least once (GLIMPSE_E_INVALID otherwise).
 * Time is text_count x image_count x width, twice; memory does not grow with the product. Equal
 * rows get equal scores, so that pictures stored twice are ties. */
GLIMPSE_API int glimpse_retrieval_evaluate(glimpse_retrieval_report **out, const float *texts,
                                           size_t text_count, const float *images,
                                           size_t image_count, size_t width,
                                           const glimpse_pair *pairs, size_t pair_count,
                                           const glimpse_eval_options *options);
GLIMPSE_API void glimpse_retrieval_report_free(glimpse_retrieval_report *report);

#ifdef __cplusplus
}
#endif
#endif
