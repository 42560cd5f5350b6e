/*
 * model/fingerprint_parts.c - hashes names and values in the order in which they are given.
 */
#include "model/fingerprint_parts.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t max_tokenizer_bytes = 256u << 20;

void glimpse_fingerprint_add_text(glimpse_hasher *hasher, const char *text) {
    glimpse_hasher_update(hasher, text, strlen(text) + 1);
}

void glimpse_fingerprint_add_number(glimpse_hasher *hasher, const char *name, double value) {
    char text[96];
    (void)snprintf(text, sizeof text, "%s=%.17g", name, value);
    glimpse_fingerprint_add_text(hasher, text);
}

void glimpse_fingerprint_add_tower(glimpse_hasher *hasher, const glimpse_tower_config *tower) {
    glimpse_fingerprint_add_number(hasher, "width", (double)tower->width);
    glimpse_fingerprint_add_number(hasher, "mlp", (double)tower->mlp);
    glimpse_fingerprint_add_number(hasher, "layers", (double)tower->layers);
    glimpse_fingerprint_add_number(hasher, "heads", (double)tower->heads);
    glimpse_fingerprint_add_number(hasher, "eps", (double)tower->eps);
    glimpse_fingerprint_add_number(hasher, "activation", (double)tower->activation);
}

void glimpse_fingerprint_add_scaling(glimpse_hasher *hasher, const glimpse_preprocess *preprocess) {
    glimpse_fingerprint_add_number(hasher, "scale", (double)preprocess->scale);
    glimpse_fingerprint_add_number(hasher, "normalize", (double)preprocess->normalize);
    for (size_t c = 0; c < 3; c++) {
        glimpse_fingerprint_add_number(hasher, "mean", (double)preprocess->mean[c]);
        glimpse_fingerprint_add_number(hasher, "std", (double)preprocess->std[c]);
    }
}

int glimpse_fingerprint_add_file(glimpse_hasher *hasher, const char *directory, const char *name,
                                 int with_name) {
    char *path = glimpse_path_join(directory, name);
    if (!path) return glimpse_fail_nomem(strlen(directory), "a file name");
    void *data = NULL;
    size_t size = 0;
    int status = glimpse_download_read(&data, &size, path, max_tokenizer_bytes);
    free(path);
    if (status < 0) return status;
    if (with_name) glimpse_fingerprint_add_text(hasher, name);
    glimpse_hasher_update(hasher, data, size);
    free(data);
    return GLIMPSE_OK;
}

void glimpse_fingerprint_add_tensors(glimpse_hasher *hasher, const glimpse_tensors *tensors) {
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *tensor = glimpse_tensors_get(tensors, i);
        glimpse_fingerprint_add_text(hasher, tensor->name);
        glimpse_fingerprint_add_text(hasher, tensor->dtype);
        for (size_t d = 0; d < tensor->rank; d++)
            glimpse_fingerprint_add_number(hasher, "dim", (double)tensor->dims[d]);
        glimpse_hasher_update(hasher, tensor->data, tensor->bytes);
        glimpse_tensors_pass(tensors, tensor);
    }
}
