/*
 * model/safetensors.c - reads the header of a safetensors file (the format: safetensors.h).
 */
#include "model/safetensors.h"

#include "core/error.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

static const size_t max_header_bytes = 8u << 20;

static int bad(const char *path, const char *name, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\": %s", path, name, what);
}

static int read_tensor(glimpse_tensor *tensor, const char *path, const char *name, json_t *entry,
                       const uint8_t *data, size_t data_bytes) {
    memset(tensor, 0, sizeof *tensor);
    tensor->name = name;
    json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape");
    json_t *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2) {
        return bad(path, name, "needs a dtype, a shape and two data_offsets");
    }
    tensor->dtype = json_string_value(dtype);
    size_t element = glimpse_tensors_element(tensor->dtype);
    if (element == 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: tensor \"%s\": dtype \"%s\" is not known",
                            path, name, tensor->dtype);
    }
    tensor->rank = json_array_size(shape);
    if (tensor->rank > GLIMPSE_TENSOR_DIMS) return bad(path, name, "too many dimensions");
    tensor->count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) {
            return bad(path, name, "a dimension is not a whole number");
        }
        tensor->dims[i] = (size_t)json_integer_value(dim);
        if (__builtin_mul_overflow(tensor->count, tensor->dims[i], &tensor->count)) {
            return bad(path, name, "the product of its dimensions overflows");
        }
    }
    if (__builtin_mul_overflow(tensor->count, element, &tensor->bytes)) {
        return bad(path, name, "its size overflows");
    }
    json_t *begin_value = json_array_get(offsets, 0), *end_value = json_array_get(offsets, 1);
    if (!json_is_integer(begin_value) || !json_is_integer(end_value) ||
        json_integer_value(begin_value) < 0 || json_integer_value(end_value) < 0) {
        return bad(path, name, "a data offset is not a whole number");
    }
    uint64_t begin = (uint64_t)json_integer_value(begin_value);
    uint64_t end = (uint64_t)json_integer_value(end_value);
    if (begin > end || end > data_bytes) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: tensor \"%s\": data offsets %llu..%llu lie outside the %zu bytes "
                            "of data; the file is damaged or cut short",
                            path, name, (unsigned long long)begin, (unsigned long long)end,
                            data_bytes);
    }
    if (end - begin != tensor->bytes) {
        return glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s: tensor \"%s\": %llu bytes of data, but its shape and dtype need %zu", path, name,
            (unsigned long long)(end - begin), tensor->bytes);
    }
    tensor->data = data + begin;
    return GLIMPSE_OK;
}

static int by_place(const void *a, const void *b) {
    const glimpse_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* As in the reference, the tensors of a file lie one behind the other: no byte belongs to two of
 * them or to none. Sorts them by place. */
static int check_cover(const char *path, glimpse_tensor *items, size_t count, const uint8_t *data,
                       size_t data_bytes) {
    if (count > 1) qsort(items, count, sizeof *items, by_place);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = (size_t)(items[i].data - data);
        if (begin < end) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: tensor \"%s\": its data_offsets %zu..%zu overlap those of "
                                "\"%s\"; the file is damaged",
                                path, items[i].name, begin, begin + items[i].bytes,
                                items[i - 1].name);
        }
        if (begin > end) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: tensor \"%s\": its data_offsets %zu..%zu leave the bytes from "
                                "%zu on to no tensor; the file is damaged",
                                path, items[i].name, begin, begin + items[i].bytes, end);
        }
        end = begin + items[i].bytes;
    }
    if (end != data_bytes) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the tensors end at byte %zu of %zu bytes of data; the file is "
                            "damaged",
                            path, end, data_bytes);
    }
    return GLIMPSE_OK;
}

int glimpse_safetensors_read(json_t **owner, glimpse_tensor_list *list, const char *path,
                             const uint8_t *bytes, size_t size) {
    if (size < 8) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %zu bytes are too few for a safetensors file",
                            path, size);
    }
    uint64_t header = 0;
    for (size_t i = 8; i-- > 0;)
        header = header << 8 | bytes[i];
    if (header > size - 8) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a header of %llu bytes does not fit the file of %zu bytes; not a "
                            "safetensors file, or cut short",
                            path, (unsigned long long)header, size);
    }
    if (header > max_header_bytes) {
        return glimpse_fail(GLIMPSE_E_LIMIT,
                            "%s: a header of %llu bytes, more than the %zu of any "
                            "model that can be used",
                            path, (unsigned long long)header, max_header_bytes);
    }
    json_error_t error;
    json_t *root = glimpse_json_load(bytes + 8, (size_t)header, JSON_REJECT_DUPLICATES, &error);
    if (!root && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, path);
    if (!root) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the header is not JSON: %s (byte %d)", path,
                            glimpse_foreign_message(error.text, "damaged"), error.position);
    }
    *owner = root;
    if (!json_is_object(root)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the header is not an object", path);
    }
    size_t first = list->count;
    int status = glimpse_tensor_list_reserve(list, path, json_object_size(root));
    if (status < 0) return status;
    const uint8_t *data = bytes + 8 + header;
    size_t data_bytes = size - 8 - (size_t)header;
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        if (!json_is_object(entry)) return bad(path, name, "is not described by an object");
        status = read_tensor(&list->items[list->count], path, name, entry, data, data_bytes);
        if (status < 0) return status;
        list->count++;
    }
    return check_cover(path, list->items + first, list->count - first, data, data_bytes);
}
