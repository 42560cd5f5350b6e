/*
 * label_out_support.h - pictures with hostile names, classes with hostile names, and labels for
 * them, put through an output.
 */
#ifndef GLIMPSE_TESTS_TOOLS_LABEL_OUT_SUPPORT_H
#define GLIMPSE_TESTS_TOOLS_LABEL_OUT_SUPPORT_H

#include "run.h"

#include "label_out.h"

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

extern const label_class sample_classes[CLASSES];
extern const char *const sample_paths[PICTURES];
extern const size_t sample_truth[PICTURES]; /* the class each picture gets; ABSTAINED */

/* Makes the pictures in the working folder. */
void sample_make(void);
label_set sample_set(int multi_label);

/* Puts all pictures and one that could not be used; what label_out_finish returned (CLI_RUN as 0).
 * With multi_label each picture gets its class and DOG. */
int sample_write(const label_out_options *o, const label_set *set, int complete);

/* A file in the working folder, parsed. */
json_t *json_file(const char *path);

#endif
