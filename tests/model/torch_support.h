/*
 * torch_support.h - zip archives and pickles that no PyTorch would write, byte by byte, and the
 * small model whose weights PyTorch wrote into tests/fixtures/pytorch.
 */
#ifndef GLIMPSE_TESTS_TORCH_SUPPORT_H
#define GLIMPSE_TESTS_TORCH_SUPPORT_H

#include "model/tensors.h"
#include "support/random_model.h"

#include <stddef.h>
#include <stdint.h>

/* What tests/fixtures/pytorch/make.py was given. */
random_model torch_model(void);

typedef struct made_entry {
    const char *name;
    const void *data;
    size_t size;
    int deflated;
} made_entry;

/* An archive of these entries; malloc'ed. */
uint8_t *make_zip(size_t *size, const made_entry *entries, size_t count);

/* A pickle of protocol 2 whose value is {"w": a tensor of `count` F32 of storage "0"} with these
 * dimensions and strides, or with `middle` put in front of it. malloc'ed. */
uint8_t *make_pickle(size_t *size, int64_t count, int64_t offset, size_t rank, const int64_t *dims,
                     const int64_t *strides, const void *middle, size_t middle_size);

/* A file of weights as torch.save would write it, of these tensors; malloc'ed. */
uint8_t *make_torch(size_t *size, const glimpse_tensors *tensors);

#endif
