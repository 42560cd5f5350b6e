/*
 * model/text_mixer.c - a text is a picture of one row, so that the convolutions of MobileCLIP's
 * text tower are those of its image tower.
 */
#include "model/text_mixer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void glimpse_text_mixer_load(glimpse_text_mixer *m, glimpse_loader *l,
                             const glimpse_tower_config *c, size_t number, const char *prefix) {
    char name[GLIMPSE_TENSOR_NAME_BYTES], stem[64];
    const glimpse_mobile_names *n = &glimpse_mobile_apple;
    glimpse_fold fold = {.weights = NULL};
    (void)snprintf(stem, sizeof stem, "%stransformer.%zu", prefix, number);
    (void)snprintf(name, sizeof name, "%s.token_mixer", stem);
    glimpse_mobile_mixer(&fold, l, n, name);
    glimpse_mobile_depthwise(&m->mixer, l, &fold, name, c->width, 1, 1);
    glimpse_mobile_mlp_conv(&m->mlp_conv, l, n, c->width, stem);
    float *gamma = glimpse_mobile_gamma(l, n, c->width, stem, ".layer_scale");
    (void)snprintf(name, sizeof name, "%s.%s", stem, n->mlp);
    glimpse_mobile_mlp_load(&m->mlp, l, c->width, name, gamma);
    glimpse_mobile_check(l, name, "hidden channels", m->mlp.hidden, c->mlp);
    free(gamma);
    if (l->status == GLIMPSE_OK && (m->mixer.kernel_rows != 1 || m->mlp_conv.kernel_rows != 1)) {
        l->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: the kernels below \"%s\" have more than one row",
                         glimpse_tensors_path(l->tensors), stem);
    }
}

void glimpse_text_mixers_release(glimpse_tower *tower) {
    for (size_t i = 0; tower->mixers && i < 2; i++) {
        glimpse_depthwise_release(&tower->mixers[i].mixer);
        glimpse_depthwise_release(&tower->mixers[i].mlp_conv);
        glimpse_mobile_mlp_release(&tower->mixers[i].mlp);
    }
    free(tower->mixers);
    tower->mixers = NULL;
}

size_t glimpse_text_mixers_memory(const glimpse_tower *tower) {
    size_t bytes = 0;
    for (size_t i = 0; tower->mixers && i < 2; i++) {
        const glimpse_text_mixer *m = &tower->mixers[i];
        bytes += sizeof *m + glimpse_depthwise_memory(&m->mixer) +
                 glimpse_depthwise_memory(&m->mlp_conv) + glimpse_mobile_mlp_memory(&m->mlp);
    }
    return bytes;
}

size_t glimpse_text_mixers_scratch(const glimpse_tower *tower) {
    size_t floats = 0;
    for (size_t i = 0; tower->mixers && i < 2; i++) {
        size_t a = glimpse_depthwise_scratch(&tower->mixers[i].mixer, tower->tokens);
        size_t b = glimpse_depthwise_scratch(&tower->mixers[i].mlp_conv, tower->tokens);
        floats = floats > a ? floats : a;
        floats = floats > b ? floats : b;
    }
    return floats;
}

int glimpse_text_mixer_run(const glimpse_pass *pass, size_t i, size_t sequences) {
    const glimpse_tower *tower = pass->tower;
    const glimpse_math *math = tower->math;
    const glimpse_text_mixer *m = &tower->mixers[i];
    size_t width = tower->config.width, rows = pass->starts[sequences];
    for (size_t s = 0; s < sequences; s++) {
        size_t at = pass->starts[s] * width, length = pass->starts[s + 1] - pass->starts[s];
        /* Not in place: its neighbours are still to be read. */
        glimpse_depthwise_run(&m->mixer, math->kernels, pass->x + at, 1, length, pass->mixed + at,
                              GLIMPSE_ELEMENT_F32, GLIMPSE_ACTIVATION_NONE, pass->scratch);
        memcpy(pass->x + at, pass->mixed + at, length * width * sizeof(float));
        glimpse_depthwise_run(&m->mlp_conv, math->kernels, pass->x + at, 1, length,
                              (uint8_t *)pass->h + at * glimpse_element_size(math->element),
                              math->element, GLIMPSE_ACTIVATION_NONE, pass->scratch);
    }
    int status = glimpse_linear_run(m->mlp.up, pass->workspace, pass->h, rows, pass->mlp);
    if (status < 0) return status;
    return glimpse_linear_run(m->mlp.down.product, pass->workspace, pass->mlp, rows, pass->x);
}
