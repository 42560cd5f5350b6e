/*
 * label_sample.h - pictures whose classes are known, as embeddings: for examples, calibration and
 * the report on prompts.
 */
#ifndef GLIMPSE_TOOLS_LABEL_SAMPLE_H
#define GLIMPSE_TOOLS_LABEL_SAMPLE_H

#include "embedder.h"

#include <glimpse/label.h>

typedef struct label_sample {
    float *embeddings; /* [count][E] */
    size_t *classes;   /* [count] place in the class list, or GLIMPSE_NONE_OF_THESE */
    size_t count;
    size_t unusable; /* pictures that could not be read; they were named on stderr */
} label_sample;

/* Reads an ImageFolder or a table (truth.h) and embeds its pictures. Classes are found by id, name,
 * or last part of the name; a class that the list does not have ends it. A picture with an empty
 * class, or in a folder _none, shows none of the classes: with `allow_none` 0 that ends it too.
 * CLI_RUN, or an exit code after saying what is wrong. `option` ("--calibrate") is for messages. */
int label_sample_read(label_sample *out, glimpse_embedder *e, size_t width,
                      const glimpse_classes *classes, const char *path, int allow_none,
                      const char *option);
void label_sample_free(label_sample *sample);

#endif
