/*
 * model/tensors.h - the weights of a model: tensors by name, out of one file or of shards with an
 * index. The files are safetensors (model/safetensors.h) or what PyTorch saves
 * (model/torch_file.h); which of them, the bytes decide and not the name.
 *
 * Files are mapped, and tensor data points into the mapping, at any alignment. Only what does not
 * lie there as it is needed is held in memory: of PyTorch's files entries that are deflated,
 * numbers of the other byte order, and views that skip numbers of their storage.
 */
#ifndef GLIMPSE_MODEL_TENSORS_H
#define GLIMPSE_MODEL_TENSORS_H

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

/* What the weights of a model published by transformers, and of one by OpenCLIP, are called: names
 * to look for, in this order. */
extern const char *const glimpse_tensors_transformers[];
extern const char *const glimpse_tensors_open_clip[];
extern const char *const glimpse_tensors_mobileclip[]; /* Apple's */

/* Opens the weights in `directory`: the first of `names` (ended by NULL) that exists, each either a
 * file or an index (.json with a "weight_map" from tensor to file name). */
int glimpse_tensors_open(glimpse_tensors **out, const char *directory, const char *const *names);
/* The file or index at `path`. */
int glimpse_tensors_open_file(glimpse_tensors **out, const char *path);
void glimpse_tensors_free(glimpse_tensors *tensors);

size_t glimpse_tensors_count(const glimpse_tensors *tensors);
/* In order of name. */
const glimpse_tensor *glimpse_tensors_get(const glimpse_tensors *tensors, size_t i);
/* NULL when there is none. */
const glimpse_tensor *glimpse_tensors_find(const glimpse_tensors *tensors, const char *name);
/* Bytes of an element of a dtype; 0 when it is not known. */
size_t glimpse_tensors_element(const char *dtype);
/* "safetensors", "PyTorch (zip)", "PyTorch (before 1.6)" or "TorchScript": of the first file. */
const char *glimpse_tensors_format(const glimpse_tensors *tensors);
/* The file that was opened (the index when sharded), and how many bytes are mapped or, where they
 * could not be used as they lie there, held in memory. */
const char *glimpse_tensors_path(const glimpse_tensors *tensors);
size_t glimpse_tensors_mapped(const glimpse_tensors *tensors);
/* What was read of mapped files leaves memory until it is used again. */
void glimpse_tensors_drop_pages(const glimpse_tensors *tensors);
/* The same after a tensor was read in passing, where the process has a limit of memory. */
void glimpse_tensors_pass(const glimpse_tensors *tensors, const glimpse_tensor *tensor);
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

/* Whether the data agrees with the sums that the files have of it, where they have any. Reads all
 * that is not read yet: 1 to 4 GB a second. */
int glimpse_tensors_check_sums(const glimpse_tensors *tensors);

/* The first tensor, in order of name, that begins with `prefix` and that glimpse_tensors_load() has
 * not handed out: a weight that nobody uses, so that what was taken is not the whole model. NULL
 * when there is none. Ids of positions and masks, which are no weights, do not count. */
const char *glimpse_tensors_left(const glimpse_tensors *tensors, const char *prefix);

#endif
