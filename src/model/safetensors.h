/*
 * model/safetensors.h - reading a file of weights in safetensors.
 *
 * The format (huggingface/safetensors):
 *     8 bytes   header length N, little-endian
 *     N bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]},
 *               ..., "__metadata__": {...}}, may be padded with spaces
 *     the rest  the data; offsets count from its first byte
 *
 * Everything is checked against the file before it is believed: N, every offset, every product of
 * dimensions, begin <= end, size = product x element size, no tensor twice, every byte of the data
 * belonging to one tensor.
 */
#ifndef GLIMPSE_MODEL_SAFETENSORS_H
#define GLIMPSE_MODEL_SAFETENSORS_H

#include "model/tensor_list.h"

#include <jansson.h>

/* Adds the tensors of the file whose bytes are `bytes`, and which stay theirs. *owner has their
 * names and dtypes: release it with json_decref(), also after a failure. */
int glimpse_safetensors_read(json_t **owner, glimpse_tensor_list *list, const char *path,
                             const uint8_t *bytes, size_t size);

#endif
