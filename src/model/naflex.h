/*
 * model/naflex.h - the image tower of SigLIP 2 of flexible resolution (Tschannen et al. 2025, after
 * Dehghani et al. 2023, "Patch n' Pack: NaViT").
 */
#ifndef GLIMPSE_MODEL_NAFLEX_H
#define GLIMPSE_MODEL_NAFLEX_H

#include "model/image_tower.h"

extern const glimpse_image_ops glimpse_image_naflex;

#endif
