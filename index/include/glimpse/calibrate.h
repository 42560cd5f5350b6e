/*
 * glimpse/calibrate.h - from scores to probabilities that mean what they say, and from them to a
 * threshold for a wanted precision.
 *
 *     double *logits = ...;                                   // [N][K + 1]
 *     glimpse_classifier_logits(logits, classifier, embeddings, count);
 *     glimpse_calibration calibration = GLIMPSE_CALIBRATION_INIT;
 *     glimpse_calibrate(&calibration, glimpse_classifier_scoring(classifier), logits, truth, count,
 *                       classes, 0.95);
 *     rules.temperature = calibration.temperature;
 *     rules.offset = calibration.offset;
 *     rules.min_probability = calibration.threshold;
 *
 * Letters: N labelled pictures, K classes.
 *
 * Threads: everything here works on the caller's data alone.
 */
#ifndef GLIMPSE_CALIBRATE_H
#define GLIMPSE_CALIBRATE_H

#include <glimpse/label.h>
#include <glimpse/status.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The truth of a picture that shows none of the classes. */
#define GLIMPSE_NONE_OF_THESE ((size_t)-1)

/* Whose scale the probabilities have. A fit that would turn the sample's luck into certainty is not
 * made: then temperature is 1 and offset 0, as without a calibration. */
typedef enum glimpse_calibration_scale {
    GLIMPSE_SCALE_FITTED = 0,
    GLIMPSE_SCALE_TOO_FEW, /* fewer than GLIMPSE_CALIBRATION_MIN right or wrong answers */
    GLIMPSE_SCALE_AT_LIMIT /* the best temperature is at an end of the range */
} glimpse_calibration_scale;
enum { GLIMPSE_CALIBRATION_MIN = 5 };

typedef struct glimpse_calibration {
    size_t size;             /* GLIMPSE_CALIBRATION_INIT sets it */
    double temperature;      /* least log loss; between 0.02 and 50, both excluded */
    double offset;           /* of a sigmoid; 0 for a softmax */
    size_t samples, unknown; /* pictures; of these, those that show none of the classes */
    double accuracy;         /* of the best class, over all samples */
    /* Mean log loss before (temperature 1, offset 0) and after: of the true class for a softmax,
     * of yes or no to the best class for a sigmoid. */
    double nll_before, nll_after;
    /* Expected calibration error of the best class's probability, 15 bins of equal width (Guo et
     * al. 2017), before and after. The second is cross-fitted: each fifth of the pictures with what
     * fits the other four, so that it is no flattery. */
    double ece_before, ece_after;
    double precision_target; /* 0: none was asked for; then the threshold is -1 */
    int target_met;          /* 0: no threshold reaches it on these pictures; threshold is -1 */
    double threshold;        /* probability from which labels are claimed */
    double precision;        /* of the claimed ones among these pictures, */
    double precision_low;    /* the lower end of its 95% interval (Wilson), */
    double coverage;         /* and the share that is claimed */
    size_t mistakes;         /* of the answers that the scale was to be fitted to */
    glimpse_calibration_scale scale;
} glimpse_calibration;

static inline glimpse_calibration glimpse_calibration_init(void) {
    glimpse_calibration calibration;
    memset(&calibration, 0, sizeof calibration);
    calibration.size = sizeof calibration;
    calibration.temperature = 1.0;
    calibration.threshold = -1.0;
    return calibration;
}
#define GLIMPSE_CALIBRATION_INIT glimpse_calibration_init()

/* `logits` [N][K + 1] as glimpse_classifier_logits gives them, `truth` [N] class indices or
 * GLIMPSE_NONE_OF_THESE. A softmax gets a temperature (Guo et al. 2017). A sigmoid gets temperature
 * and offset of p = 1 / (1 + exp(-(logit / temperature + offset))), fitted to the best class of
 * each picture and whether it was right (Platt 1999, with his targets, so that a sample without
 * mistakes does not become certainty). Pictures of none of the classes count as wrong whenever they
 * are claimed; for a softmax's temperature they count only when there is a background.
 * `precision_target` 0 to 1; 0: none. GLIMPSE_E_INVALID when no picture shows a class. */
GLIMPSE_API int glimpse_calibrate(glimpse_calibration *out, glimpse_scoring scoring,
                                  const double *logits, const size_t *truth, size_t count,
                                  size_t classes, double precision_target);

/* Thresholds of a multi-label run, one a class: `thresholds` [K]. With a target the lowest one
 * whose precision on these pictures reaches it (1.01, never claimed, when none does); with 0 the
 * one of the best F1. They are for probabilities without temperature and offset. A class that no
 * picture shows gets -1: the usual threshold. */
GLIMPSE_API int glimpse_calibrate_thresholds(double *thresholds, glimpse_scoring scoring,
                                             const double *logits, const size_t *truth,
                                             size_t count, size_t classes, double precision_target);

/* Why the model's own scale was kept, for people; NULL when one was fitted. Static storage. */
GLIMPSE_API const char *glimpse_calibration_kept(const glimpse_calibration *calibration);

/* As JSON, replaced atomically. `thresholds` [K] may be NULL. */
GLIMPSE_API int glimpse_calibration_write(const glimpse_calibration *calibration,
                                          const glimpse_classifier *classifier,
                                          const double *thresholds, const char *path);
/* GLIMPSE_E_INVALID when it was made with another classifier (other classes, prompts, model,
 * background or examples). `thresholds` [K] is filled with -1 where there is none; may be NULL. */
GLIMPSE_API int glimpse_calibration_read(glimpse_calibration *out, double *thresholds,
                                         const glimpse_classifier *classifier, const char *path);

#ifdef __cplusplus
}
#endif
#endif
