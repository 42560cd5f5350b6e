/*
 * safetensors.c - weights: one file, shards with an index, and the header by itself.
 *
 * Parts: "model.safetensors", "model.safetensors.index.json", "a.safetensors", "b.safetensors" are
 * files; "header" is the JSON of a model.safetensors, whose length is put before it and data behind
 * it. An input without parts is a model.safetensors.
 */
#include "fuzz.h"

#include "math/weights.h"
#include "model/tensors.h"

#include <glimpse/status.h>

#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"model.safetensors", "model.safetensors.index.json",
                                    "a.safetensors", "b.safetensors", NULL};
static const char *const wanted[] = {"model.safetensors", "model.safetensors.index.json", NULL};

static void write_header(const uint8_t *header, size_t size) {
    enum { DATA = 64 };
    uint8_t *file = calloc(8 + size + DATA, 1);
    if (!file) abort();
    for (size_t i = 0; i < 8; i++)
        file[i] = (uint8_t)(size >> 8 * i);
    if (size > 0) memcpy(file + 8, header, size);
    fuzz_write("model.safetensors", file, 8 + size + DATA);
    free(file);
}

static void look_at(const glimpse_tensors *tensors) {
    volatile uint8_t seen = 0;
    const size_t mapped = glimpse_tensors_mapped(tensors);
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *t = glimpse_tensors_get(tensors, i);
        PROMISE(t->rank <= GLIMPSE_TENSOR_DIMS);
        PROMISE(t->bytes <= mapped);
        PROMISE(t->file < glimpse_tensors_file_count(tensors));
        PROMISE(glimpse_tensors_find(tensors, t->name) == t);
        if (t->bytes > 0) seen = (uint8_t)(seen + t->data[0] + t->data[t->bytes - 1]);
        glimpse_numbers numbers;
        if (fuzz_fine(glimpse_tensors_load(&numbers, tensors, t->name, t->rank, t->dims))) {
            PROMISE(t->count == 0 || t->bytes / t->count >= 2);
        }
    }
    const char *left = glimpse_tensors_left(tensors, "");
    PROMISE(!left || glimpse_tensors_find(tensors, left) != NULL);
    (void)seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    fuzz_remove(files);
    if (count == 0) fuzz_write(files[0], data, size);
    fuzz_write_parts(parts, count, files);
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "header")) write_header(parts[i].data, parts[i].size);
    }
    glimpse_tensors *tensors = NULL;
    if (fuzz_fine(glimpse_tensors_open(&tensors, fuzz_directory(), wanted))) look_at(tensors);
    glimpse_tensors_free(tensors);
    return 0;
}
