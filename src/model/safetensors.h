/*
 * model/safetensors.h - reading weights: one safetensors file, or shards with an index.
 *
 * The format (huggingface/safetensors):
 *     8 bytes   header length N, little-endian
 *     N bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]},
 *               ..., "__metadata__": {...}}, may be padded with spaces
 *     the rest  the data; offsets count from its first byte
 *
 * Everything is checked against the file before it is believed: N, every offset, every product of
 * dimensions, begin <= end, size = product x element size, no tensor twice, every byte of the data
 * belonging to one tensor. Files are mapped; tensor data points into the mapping, at any alignment.
 */
#ifndef GLIMPSE_MODEL_SAFETENSORS_H
#define GLIMPSE_MODEL_SAFETENSORS_H

#include "math/linear.h"

#include <stddef.h>
#include <stdint.h>

enum { GLIMPSE_TENSOR_DIMS = 8 };

typedef struct glimpse_tensor {
    const char *name;
    const char *dtype; /* as the file says: "F32", "F16", "BF16", "I64", ... */
    const uint8_t *data;
    size_t bytes;
    size_t count; /* product of dims; 1 for a scalar */
    size_t dims[GLIMPSE_TENSOR_DIMS];
    size_t rank;
    size_t file; /* as in glimpse_tensors_file() */
} glimpse_tensor;

typedef struct glimpse_tensors glimpse_tensors;

/* Opens the weights in `directory`: the first of `names` (ended by NULL) that exists, each either a
 * .safetensors file or an index (.json with a "weight_map" from tensor to file name). */
int glimpse_tensors_open(glimpse_tensors **out, const char *directory, const char *const *names);
void glimpse_tensors_free(glimpse_tensors *tensors);

size_t glimpse_tensors_count(const glimpse_tensors *tensors);
/* In order of name. */
const glimpse_tensor *glimpse_tensors_get(const glimpse_tensors *tensors, size_t i);
/* NULL when there is none. */
const glimpse_tensor *glimpse_tensors_find(const glimpse_tensors *tensors, const char *name);
/* The file that was opened (the index when sharded), and how many bytes are mapped. */
const char *glimpse_tensors_path(const glimpse_tensors *tensors);
size_t glimpse_tensors_mapped(const glimpse_tensors *tensors);
/* The files with the data, for whoever wants to stat them. */
size_t glimpse_tensors_file_count(const glimpse_tensors *tensors);
const char *glimpse_tensors_file(const glimpse_tensors *tensors, size_t i);

/* The tensor `name` as numbers, checked to be floating point with exactly these dimensions;
 * trailing arguments `rank` dimensions of type size_t. GLIMPSE_E_FORMAT names the file, the tensor
 * and both shapes. */
int glimpse_tensors_load(glimpse_numbers *out, const glimpse_tensors *tensors, const char *name,
                         size_t rank, const size_t *dims);

/* Every weight is a finite number. Reads all of them: 4 to 10 GB a second when they are in memory.
 */
int glimpse_tensors_check_finite(const glimpse_tensors *tensors);

/* The first tensor, in order of name, that begins with `prefix` and that glimpse_tensors_load() has
 * not handed out: a weight that nobody uses, so that what was taken is not the whole model. NULL
 * when there is none. Ids of positions and masks, which are no weights, do not count. */
const char *glimpse_tensors_left(const glimpse_tensors *tensors, const char *prefix);

#endif
