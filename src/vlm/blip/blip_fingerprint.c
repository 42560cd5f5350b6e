/*
 * vlm/blip/blip_fingerprint.c - what a BLIP model is: XXH3-128 over a version word, the
 * configuration in canonical form, the vocabulary, and every tensor in order of name. Sharding, the
 * order inside a file and how verbose config.json is do not change it.
 */
#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "vlm/blip/blip_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t most_vocabulary_bytes = 256u << 20;

static void add_number(glimpse_hasher *hasher, const char *name, double value) {
    char text[96];
    int length = snprintf(text, sizeof text, "%s=%.17g", name, value);
    glimpse_hasher_update(hasher, text, (size_t)length + 1);
}

static void add_tower(glimpse_hasher *hasher, const glimpse_tower_config *tower) {
    add_number(hasher, "width", (double)tower->width);
    add_number(hasher, "mlp", (double)tower->mlp);
    add_number(hasher, "layers", (double)tower->layers);
    add_number(hasher, "heads", (double)tower->heads);
    add_number(hasher, "eps", (double)tower->eps);
    add_number(hasher, "activation", (double)tower->activation);
}

/* Defaults of generation are not part of it: whoever stores a text stores how it was asked for. */
static void add_config(glimpse_hasher *hasher, const glimpse_blip_config *c) {
    const glimpse_preprocess *p = &c->preprocess;
    add_number(hasher, "kind", (double)c->kind);
    add_tower(hasher, &c->vision);
    add_tower(hasher, &c->text);
    add_number(hasher, "patch", (double)c->patch);
    add_number(hasher, "dec", (double)c->dec_id);
    add_number(hasher, "sep", (double)c->sep_id);
    add_number(hasher, "height", (double)p->height);
    add_number(hasher, "side", (double)p->width);
    add_number(hasher, "resample", (double)p->resample);
    add_number(hasher, "scale", (double)p->scale);
    add_number(hasher, "normalize", (double)p->normalize);
    for (size_t i = 0; i < 3; i++) {
        add_number(hasher, "mean", (double)p->mean[i]);
        add_number(hasher, "std", (double)p->std[i]);
    }
}

static void add_tensors(glimpse_hasher *hasher, const glimpse_tensors *tensors) {
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *tensor = glimpse_tensors_get(tensors, i);
        glimpse_hasher_update(hasher, tensor->name, strlen(tensor->name) + 1);
        glimpse_hasher_update(hasher, tensor->dtype, strlen(tensor->dtype) + 1);
        for (size_t d = 0; d < tensor->rank; d++)
            add_number(hasher, "dim", (double)tensor->dims[d]);
        glimpse_hasher_update(hasher, tensor->data, tensor->bytes);
    }
}

int glimpse_blip_fingerprint(char hex[33], const glimpse_blip *model) {
    static const char version[] = "glimpse blip fingerprint 1";
    void *vocabulary = NULL;
    size_t size = 0;
    hex[0] = '\0';
    char *path = glimpse_path_join(model->path, "vocab.txt");
    if (!path) return glimpse_fail_nomem(strlen(model->path), "a file name");
    int status = glimpse_file_read(&vocabulary, &size, path, most_vocabulary_bytes);
    free(path);
    if (status < 0) return status;
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (hasher) {
        glimpse_hasher_update(hasher, version, sizeof version);
        add_config(hasher, &model->config);
        glimpse_hasher_update(hasher, vocabulary, size);
        add_tensors(hasher, model->tensors);
        glimpse_hash hash = glimpse_hasher_finish(hasher);
        glimpse_hash_to_hex(&hash, hex);
    } else {
        status = glimpse_fail_nomem(0, "a hash");
    }
    free(vocabulary);
    return status;
}
