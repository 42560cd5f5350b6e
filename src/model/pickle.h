/*
 * model/pickle.h - reads what PyTorch pickles of weights, and executes nothing.
 *
 * A pickle is a program for a small machine with a stack, one of whose instructions calls any
 * function of Python by name. This is not that machine: it knows the instructions that build
 * numbers, texts and containers, and of functions a fixed list of names, which stand for values
 * here and are never called. Every other instruction and every other name ends the reading with a
 * message that names it. The known names:
 *
 *   collections.OrderedDict, builtins.set                  containers
 *   torch.{Float,Half,BFloat16,Double,Long,Int,Short,Char,Byte,Bool}Storage
 *   torch._utils._rebuild_tensor, _rebuild_tensor_v2, _rebuild_parameter
 *   torch.Size, torch.device, torch.float32 and other element types
 *   __torch__.* and torch.jit._pickle.{build_*list, restore_type_tag}, where classes are allowed:
 *   instances become plain tables of their attributes
 *
 * Bounded are the values, their memory, the stack and the memo. Values live as long as the
 * glimpse_pickle they came from, in its memory; texts point into the bytes that were read. A value
 * may contain itself: whoever walks through values limits the depth.
 */
#ifndef GLIMPSE_MODEL_PICKLE_H
#define GLIMPSE_MODEL_PICKLE_H

#include "model/tensors.h"

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_pickle_type {
    GLIMPSE_PICKLE_NONE,
    GLIMPSE_PICKLE_BOOL,  /* number */
    GLIMPSE_PICKLE_INT,   /* number */
    GLIMPSE_PICKLE_LONG,  /* one beyond 64 bits: text, length */
    GLIMPSE_PICKLE_FLOAT, /* its value is not needed */
    GLIMPSE_PICKLE_TEXT,  /* text, length; not ended by NUL */
    GLIMPSE_PICKLE_BYTES, /* text, length */
    GLIMPSE_PICKLE_TUPLE, /* items, count */
    GLIMPSE_PICKLE_LIST,  /* items, count */
    GLIMPSE_PICKLE_SET,   /* items, count */
    GLIMPSE_PICKLE_DICT,  /* items, count: key, value, key, value, ...; count is twice the pairs */
    GLIMPSE_PICKLE_GLOBAL,
    GLIMPSE_PICKLE_STORAGE, /* storage */
    GLIMPSE_PICKLE_TENSOR,  /* tensor */
    GLIMPSE_PICKLE_OBJECT,  /* items, count: its attributes, as of a dict */
    GLIMPSE_PICKLE_OTHER    /* a device, a type: nothing that weights need to know */
} glimpse_pickle_type;

typedef struct glimpse_pickle_storage {
    struct glimpse_pickle_storage *next; /* the one that was read before */
    const char *dtype;                   /* as glimpse_tensor has it */
    size_t element;                      /* bytes */
    const char *key;
    size_t key_length;
    uint64_t count;                   /* elements of the storage */
    uint64_t view_offset, view_count; /* the part of it that tensors see: 0 and all of it, but
                                         in the old format */
    const uint8_t *data;              /* for whoever resolves it; NULL at first */
} glimpse_pickle_storage;

typedef struct glimpse_pickle_tensor {
    glimpse_pickle_storage *storage;
    uint64_t offset; /* elements */
    uint64_t dims[GLIMPSE_TENSOR_DIMS], strides[GLIMPSE_TENSOR_DIMS];
    size_t rank;
} glimpse_pickle_tensor;

typedef struct glimpse_pickle_value glimpse_pickle_value;
struct glimpse_pickle_value {
    uint8_t type;
    uint8_t global; /* which */
    uint32_t count, capacity;
    union {
        int64_t number;
        size_t length;
        glimpse_pickle_value **items;
        glimpse_pickle_storage *storage;
        glimpse_pickle_tensor *tensor;
    };
    const char *text;
};

typedef struct glimpse_pickle glimpse_pickle;

enum { GLIMPSE_PICKLE_CLASSES = 1 /* those of __torch__ are allowed: a TorchScript archive */ };

/* `path` is for messages. */
int glimpse_pickle_create(glimpse_pickle **out, const char *path, unsigned flags);
void glimpse_pickle_free(glimpse_pickle *pickle);

/* Reads one pickle from the beginning of `data`: *root is its value, *used its bytes (may be NULL).
 * GLIMPSE_E_FORMAT, GLIMPSE_E_UNSUPPORTED for what is refused by name, GLIMPSE_E_LIMIT. */
int glimpse_pickle_run(const glimpse_pickle_value **root, size_t *used, glimpse_pickle *pickle,
                       const uint8_t *data, size_t size);

/* All storages that were named so far, linked by `next`. */
glimpse_pickle_storage *glimpse_pickle_storages(const glimpse_pickle *pickle);

/* The value of a text key in a dict or an object; NULL when there is none. The last one counts. */
const glimpse_pickle_value *glimpse_pickle_get(const glimpse_pickle_value *dict, const char *key);
int glimpse_pickle_is_text(const glimpse_pickle_value *value, const char *text);

#endif
