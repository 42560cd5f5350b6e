/*
 * model/mct.h - the text towers of Apple's MobileCLIP: a transformer, in MobileCLIP-S0 ("mct")
 * between two blocks of convolutions.
 */
#ifndef GLIMPSE_MODEL_MCT_H
#define GLIMPSE_MODEL_MCT_H

#include "model/tower.h"

/* Of a text tower whose configuration is filled in. */
void glimpse_mct_load(glimpse_tower *tower, glimpse_loader *l, const glimpse_model_config *config);

#endif
