/*
 * model/tensor_list.h - tensors being collected, file by file, by the readers of each format.
 */
#ifndef GLIMPSE_MODEL_TENSOR_LIST_H
#define GLIMPSE_MODEL_TENSOR_LIST_H

#include "model/tensors.h"

/* The largest models of these families have 2000. */
enum { GLIMPSE_MAX_TENSORS = 32768 };

typedef struct glimpse_tensor_list {
    glimpse_tensor *items;
    size_t count, capacity;
} glimpse_tensor_list;

/* Capacity for `more` tensors of the file at `path`. GLIMPSE_E_LIMIT when those are more than any
 * model has. */
int glimpse_tensor_list_reserve(glimpse_tensor_list *list, const char *path, size_t more);

#endif
