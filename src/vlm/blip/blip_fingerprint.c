/*
 * vlm/blip/blip_fingerprint.c - what a BLIP model is: XXH3-128 over a version word, the
 * configuration in canonical form, the vocabulary, and every tensor in order of name. Sharding, the
 * order inside a file and how verbose config.json is do not change it.
 */
#include "core/error.h"
#include "model/fingerprint_parts.h"
#include "vlm/blip/blip_internal.h"

/* Defaults of generation are not part of it: whoever stores a text stores how it was asked for. */
static void add_config(glimpse_hasher *hasher, const glimpse_blip_config *c) {
    const glimpse_preprocess *p = &c->preprocess;
    glimpse_fingerprint_add_number(hasher, "kind", (double)c->kind);
    glimpse_fingerprint_add_tower(hasher, &c->vision);
    glimpse_fingerprint_add_tower(hasher, &c->text);
    glimpse_fingerprint_add_number(hasher, "patch", (double)c->patch);
    glimpse_fingerprint_add_number(hasher, "dec", (double)c->dec_id);
    glimpse_fingerprint_add_number(hasher, "sep", (double)c->sep_id);
    glimpse_fingerprint_add_number(hasher, "height", (double)p->height);
    glimpse_fingerprint_add_number(hasher, "side", (double)p->width);
    glimpse_fingerprint_add_number(hasher, "resample", (double)p->resample);
    glimpse_fingerprint_add_scaling(hasher, p);
}

int glimpse_blip_fingerprint(char hex[33], const glimpse_blip *model) {
    hex[0] = '\0';
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(0, "a hash");
    glimpse_fingerprint_add_text(hasher, "glimpse blip fingerprint 1");
    add_config(hasher, &model->config);
    int status = glimpse_fingerprint_add_file(hasher, model->path, "vocab.txt", 0);
    if (status == GLIMPSE_OK) status = glimpse_tensors_check_sums(model->tensors);
    if (status == GLIMPSE_OK) glimpse_fingerprint_add_tensors(hasher, model->tensors);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    if (status == GLIMPSE_OK) glimpse_hash_to_hex(&hash, hex);
    return status;
}
