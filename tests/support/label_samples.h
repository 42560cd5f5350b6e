/*
 * label_samples.h - pictures with hostile names, classes with hostile names, and labels for
 * them, put through a writer.
 */
#ifndef GLIMPSE_TESTS_LABEL_SAMPLES_H
#define GLIMPSE_TESTS_LABEL_SAMPLES_H

#include "support/commands.h"

#include <glimpse/dataset_writer.h>

enum {
    DOG,
    TERRIER,
    QUOTED,
    DOTS,
    EMPTY,
    MARKUP,
    SLASH,
    CLASSES, /* of sample_classes */
    ABSTAINED = CLASSES,
    PICTURES = 9,
    LATIN1 = 5,         /* the picture whose name is not UTF-8 */
    LAST = PICTURES - 1 /* the picture that was abstained on */
};

extern const glimpse_label_class sample_classes[CLASSES];
extern const char *const sample_paths[PICTURES];
extern const size_t sample_truth[PICTURES]; /* the class each picture gets; ABSTAINED */

/* Makes the pictures in the working directory. */
void sample_make(void);
glimpse_label_set sample_set(int multi_label);

/* All pictures, and one that could not be used, to `give`, until it returns a status < 0; that, or
 * GLIMPSE_OK. With multi_label each picture gets its class and DOG. */
int sample_give(const glimpse_label_set *set,
                int (*give)(void *to, const glimpse_labelled *picture), void *to);
/* The same through a writer: a status < 0, or how many pictures a complete output left out. */
int sample_write(const glimpse_dataset_options *o, const glimpse_label_set *set, int complete);

#endif
