/*
 * predictions.h - labels that were written before, to be judged.
 *
 * Read from: JSON lines of glimpse label --json; its CSV; any CSV or TSV with the columns path (or
 * file, filename, file_name, image) and class (or label, category), and probability (or score,
 * confidence) if there is one; or an ImageFolder, as --format imagefolder writes it (its labels.csv
 * says where the pictures came from; without that, the pictures in the folders are the pictures).
 */
#ifndef GLIMPSE_TOOLS_PREDICTIONS_H
#define GLIMPSE_TOOLS_PREDICTIONS_H

#include <stddef.h>

typedef struct predicted_label {
    size_t class_index;        /* in predictions.classes */
    double probability, score; /* NaN when not given */
    int accepted;              /* claimed; without a word about it the first one is */
} predicted_label;

typedef struct prediction {
    char *path;
    size_t first, count; /* in predictions.labels, as given */
    int abstained;
    int failed;                /* the line is about a picture that could not be labelled */
    double background, margin; /* NaN when not given */
} prediction;

typedef struct predictions {
    prediction *pictures; /* [count] in order */
    size_t count;
    predicted_label *labels;
    size_t label_count;
    char **classes; /* [class_count] in order of their first mention */
    size_t class_count;
    size_t failed;    /* of count */
    int has_accepted; /* it is said which labels are claimed */
} predictions;

/* NULL after saying why. "-" is stdin. */
predictions *predictions_read(const char *source);
void predictions_free(predictions *p);
/* The place of a class, added when it is new. */
size_t predictions_class(predictions *p, const char *name);

#endif
