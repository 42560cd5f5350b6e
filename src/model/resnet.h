/*
 * model/resnet.h - the image towers of openai/CLIP's RN50 to RN50x64.
 */
#ifndef GLIMPSE_MODEL_RESNET_H
#define GLIMPSE_MODEL_RESNET_H

#include "model/image_tower.h"

extern const glimpse_image_ops glimpse_image_resnet;

#endif
