/*
 * golden.h - recorded inputs and outputs of the original code, and how far ours may be from them.
 */
#ifndef GLIMPSE_TESTS_GOLDEN_H
#define GLIMPSE_TESTS_GOLDEN_H

#include "support/json.h"
#include "support/numbers.h"

#include <glimpse/sys/model.h>

/* Directories below ../shared. */
typedef struct fixture {
    const char *model, *expected;
} fixture;

typedef struct array {
    void *data; /* malloc'ed */
    size_t dims[4];
} array;

typedef struct golden {
    json_t *json;
    char directory[1024];
    glimpse_model *model;
    glimpse_encoder *encoder;
} golden;

/* 0 when the backend is not in this build; the first two always are. */
int open_golden_as(golden *g, const fixture *f, glimpse_backend backend,
                   glimpse_precision precision);
void close_golden(golden *g);
array load(const golden *g, const char *name);
double tolerance(const golden *g, const char *name);
void compare(const golden *g, const char *what, const float *got, const float *expected,
             size_t count, double allowed);
void compare_cosines(const float *got, const float *expected, size_t rows, size_t width);

/* Raw and normalised embeddings of the recorded pixels and ids, logits and probabilities. */
void check_embeddings(golden *g);
/* From strings to ids and embeddings; from files to pixels and embeddings. */
void check_texts(golden *g);
void check_pictures(golden *g);
/* Least cosine of an embedding with the recorded one. */
void min_cosines(const golden *g, double *of_images, double *of_texts);

#endif
