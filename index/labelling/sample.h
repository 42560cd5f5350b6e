/*
 * sample.h - pictures whose classes are known, as embeddings: for examples, calibration and scores
 * of prompts. Private.
 */
#ifndef GLIMPSE_INDEX_LABELLING_SAMPLE_H
#define GLIMPSE_INDEX_LABELLING_SAMPLE_H

#include "labeller_internal.h"

typedef struct glimpse_label_sample {
    float *embeddings; /* [count][E] */
    size_t *classes;   /* [count] place in the class list, or GLIMPSE_NONE_OF_THESE */
    size_t count;
    size_t unusable; /* pictures that could not be read; each was told */
} glimpse_label_sample;

/* Reads an ImageFolder or a table (glimpse_truth_load) and embeds its pictures. Classes are found
 * by id, name, or last part of the name; a class that the list does not have ends it. A picture
 * with an empty class, or in a directory _none, shows none of the classes: with `allow_none` 0 that
 * ends it too. `option` ("options.calibrate") is for messages. */
int glimpse_label_sample_load(glimpse_label_sample *out, const glimpse_labeller *labeller,
                              const char *path, int allow_none, const char *option);
void glimpse_label_sample_free(glimpse_label_sample *sample);

#endif
