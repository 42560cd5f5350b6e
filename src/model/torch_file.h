/*
 * model/torch_file.h - reading weights as PyTorch saves them.
 *
 *   zip        since 1.6: an archive (model/zip.h) with ROOT/data.pkl, a pickle (model/pickle.h) in
 *              which tensors refer to storages, the numbers of each in ROOT/data/KEY;
 *              ROOT/byteorder, which older writers leave out
 *   TorchScript  the same with ROOT/constants.pkl and code; data.pkl is an object, and a tensor's
 *              name is the path of attributes to it. The code is not looked at
 *   before 1.6 pickles in a row: a magic number, the protocol 1001, facts about the machine, the
 *              value, the keys of the storages; then of each storage its elements, 8 bytes, and
 *              the numbers
 *
 * Nothing of a file is run. What the value may be: a dictionary of tensors by name (a state_dict),
 * or one with such a dictionary under "state_dict", "model_state_dict" or "model", as training
 * leaves them; what else it holds is ignored. Where every name begins with "module." or
 * "_orig_mod.", which wrappers of training add, the names go without.
 *
 * Storages may be shared, and tensors may see parts of them, in any order: what lies one behind
 * the other is used in place, and everything else is copied. Every offset, stride and size is
 * checked. All tensors together may have 8 times the bytes of their file.
 */
#ifndef GLIMPSE_MODEL_TORCH_FILE_H
#define GLIMPSE_MODEL_TORCH_FILE_H

#include "model/tensor_list.h"

typedef struct glimpse_torch_file glimpse_torch_file;

/* Whether the bytes begin as such a file does, or as one of PyTorch's that is refused. */
int glimpse_torch_is_file(const uint8_t *data, size_t size);

/* Adds the tensors of the file whose bytes are `data`, and which stay theirs. *owner has their
 * names and what is not in `data`; free it, also after a failure. */
int glimpse_torch_read(glimpse_torch_file **owner, glimpse_tensor_list *list, const char *path,
                       const uint8_t *data, size_t size);
void glimpse_torch_free(glimpse_torch_file *file);

const char *glimpse_torch_format(const glimpse_torch_file *file); /* as glimpse_tensors_format() */
size_t glimpse_torch_memory(const glimpse_torch_file *file);      /* 0 for NULL */
/* As glimpse_tensors_check_sums(). */
int glimpse_torch_check_sums(const glimpse_torch_file *file);

#endif
