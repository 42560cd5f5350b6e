/*
 * family_golden.h - a recorded model of ../shared/golden/families against the engine: every
 * backend and precision, from pixels, pictures, ids and texts to embeddings.
 */
#ifndef GLIMPSE_TESTS_FAMILY_GOLDEN_H
#define GLIMPSE_TESTS_FAMILY_GOLDEN_H

#include "support/json.h"
#include "support/numbers.h"

#include <glimpse/sys/model.h>

typedef struct family_array {
    float *data; /* or int32_t; malloc'ed */
    size_t dims[4], rank, count;
} family_array;

typedef struct family {
    json_t *json;
    char directory[1024]; /* of the expected values */
    glimpse_model *model;
    glimpse_encoder *encoder; /* two pictures at a time: whole and partial batches occur */
} family;

/* 1, or 0 where the build or the CPU lacks the backend in this precision. Skips the test where the
 * recorded models are not there. */
int open_family(family *f, const char *name, glimpse_backend backend, glimpse_precision precision);
void close_family(family *f);
family_array load_family_array(const family *f, const char *name);
/* "tolerance_max_abs" of what is recorded under this name. */
double family_tolerance(const family *f, const char *name);

/* Embeddings of the recorded pixels and ids: in f32 at the recorded tolerances, in bf16 a cosine of
 * 0.999 and in int8 of 0.99, on every backend. */
void family_embeddings_match(const char *name);
/* The same where the recorded "pixel_values" are not what glimpse_encoder_pixels() takes. */
typedef int (*family_encode_fn)(float *embeddings, glimpse_encoder *encoder, const void *inputs,
                                size_t count, unsigned flags);
void family_embeddings_match_by(const char *name, family_encode_fn encode_pictures);
/* Texts, through the tokenizer, in f32. */
void family_texts_match(const family *f);
/* Texts and picture files, through the tokenizer and the preprocessing, in f32. */
void family_texts_and_pictures_match(const char *name);

#endif
