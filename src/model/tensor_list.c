/*
 * model/tensor_list.c - what the readers of all formats share.
 */
#include "model/tensor_list.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

size_t glimpse_tensors_element(const char *dtype) {
    static const struct {
        const char *name;
        size_t bytes;
    } table[] = {{"F64", 8},  {"F32", 4},     {"F16", 2},     {"BF16", 2}, {"I64", 8}, {"I32", 4},
                 {"I16", 2},  {"I8", 1},      {"U64", 8},     {"U32", 4},  {"U16", 2}, {"U8", 1},
                 {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"C64", 8}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, dtype) == 0) return table[i].bytes;
    }
    return 0;
}

int glimpse_tensor_list_reserve(glimpse_tensor_list *list, const char *path, size_t more) {
    if (more > GLIMPSE_MAX_TENSORS || list->count + more > GLIMPSE_MAX_TENSORS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d tensors", path, GLIMPSE_MAX_TENSORS);
    }
    if (list->items && list->count + more <= list->capacity) return GLIMPSE_OK;
    size_t capacity = list->count + more + 1;
    glimpse_tensor *items = realloc(list->items, capacity * sizeof *items);
    if (!items) return glimpse_fail_nomem(capacity * sizeof *items, "a list of tensors");
    list->items = items;
    list->capacity = capacity;
    return GLIMPSE_OK;
}
