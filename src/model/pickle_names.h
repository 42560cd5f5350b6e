/*
 * model/pickle_names.h - the names of Python that a pickle of weights may use, and the names of all
 * instructions, for messages.
 */
#ifndef GLIMPSE_MODEL_PICKLE_NAMES_H
#define GLIMPSE_MODEL_PICKLE_NAMES_H

#include <stddef.h>
#include <stdint.h>

typedef enum glimpse_pickle_global {
    GLIMPSE_GLOBAL_UNKNOWN,
    GLIMPSE_GLOBAL_ORDERED_DICT,
    GLIMPSE_GLOBAL_SET,
    GLIMPSE_GLOBAL_REBUILD_TENSOR,
    GLIMPSE_GLOBAL_REBUILD_PARAMETER,
    GLIMPSE_GLOBAL_SIZE,
    GLIMPSE_GLOBAL_DEVICE,
    GLIMPSE_GLOBAL_DTYPE,   /* a value, not called */
    GLIMPSE_GLOBAL_STORAGE, /* a value, not called */
    GLIMPSE_GLOBAL_JIT,     /* of torch.jit._pickle: its first argument is what it stands for */
    GLIMPSE_GLOBAL_CLASS    /* __torch__.* */
} glimpse_pickle_global;

typedef struct glimpse_pickle_name {
    const char *module, *name;
    glimpse_pickle_global global;
    const char *dtype; /* of a storage */
    size_t element;
} glimpse_pickle_name;

/* NULL when it is none of the known names. */
const glimpse_pickle_name *glimpse_pickle_find_name(const char *module, size_t module_length,
                                                    const char *name, size_t name_length);
size_t glimpse_pickle_name_index(const glimpse_pickle_name *name);
const glimpse_pickle_name *glimpse_pickle_name_at(size_t index);

/* "REDUCE"; NULL when no version of Python has such an instruction. */
const char *glimpse_pickle_opcode_name(uint8_t opcode);

#endif
