/*
 * model/timm_vit.h - image towers that are timm's vision transformers, as OpenCLIP publishes them:
 * SigLIP and SigLIP 2, EVA-CLIP, EVA02-CLIP, PE-Core.
 */
#ifndef GLIMPSE_MODEL_TIMM_VIT_H
#define GLIMPSE_MODEL_TIMM_VIT_H

#include "model/image_tower.h"

extern const glimpse_image_ops glimpse_image_timm_vit;

#endif
