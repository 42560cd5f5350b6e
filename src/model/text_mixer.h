/*
 * model/text_mixer.h - blocks of one-dimensional convolutions in front of a text transformer and
 * behind it, as MobileCLIP-S0 has them.
 */
#ifndef GLIMPSE_MODEL_TEXT_MIXER_H
#define GLIMPSE_MODEL_TEXT_MIXER_H

#include "model/mobileclip.h"
#include "model/model_internal.h"

/* x = mixer(x); x += gamma fc2(gelu(fc1(mlp_conv(x)))), along the places of one text. */
typedef struct glimpse_text_mixer {
    glimpse_depthwise mixer, mlp_conv;
    glimpse_mobile_mlp mlp;
} glimpse_text_mixer;

/* Under Apple's names, as PREFIX "transformer." and the number. */
void glimpse_text_mixer_load(glimpse_text_mixer *m, glimpse_loader *l,
                             const glimpse_tower_config *c, size_t number, const char *prefix);
/* Of tower->mixers, which may be NULL. */
void glimpse_text_mixers_release(glimpse_tower *tower);
size_t glimpse_text_mixers_memory(const glimpse_tower *tower);
size_t glimpse_text_mixers_scratch(const glimpse_tower *tower); /* floats */
/* Number `i` of the mixers over the sequences of the pass. */
int glimpse_text_mixer_run(const glimpse_pass *pass, size_t i, size_t sequences);

#endif
