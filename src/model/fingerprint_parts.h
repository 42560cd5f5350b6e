/*
 * model/fingerprint_parts.h - what fingerprints of models are made of: XXH3-128 over names and
 * values, each ended by a NUL. Which of them, and in which order, says the fingerprint of the kind
 * of model; neither may change, because libraries on disk know their models by the result.
 */
#ifndef GLIMPSE_MODEL_FINGERPRINT_PARTS_H
#define GLIMPSE_MODEL_FINGERPRINT_PARTS_H

#include "core/hash.h"
#include "model/config.h"
#include "model/tensors.h"

void glimpse_fingerprint_add_text(glimpse_hasher *hasher, const char *text);
/* "NAME=VALUE" */
void glimpse_fingerprint_add_number(glimpse_hasher *hasher, const char *name, double value);
void glimpse_fingerprint_add_tower(glimpse_hasher *hasher, const glimpse_tower_config *tower);
/* What is done to pixels behind resizing and cropping: scale, mean and deviation. */
void glimpse_fingerprint_add_scaling(glimpse_hasher *hasher, const glimpse_preprocess *preprocess);
/* The bytes of a file of the tokenizer. GLIMPSE_E_NOT_FOUND when there is none; adds nothing
 * then. `with_name`: the name is added before them. */
int glimpse_fingerprint_add_file(glimpse_hasher *hasher, const char *directory, const char *name,
                                 int with_name);
/* Every tensor in order of name: name, dtype, shape, bytes. */
void glimpse_fingerprint_add_tensors(glimpse_hasher *hasher, const glimpse_tensors *tensors);

#endif
