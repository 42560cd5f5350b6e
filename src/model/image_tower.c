/*
 * model/image_tower.c - the architectures of image towers.
 */
#include "model/image_tower.h"

#include "model/fastvit.h"
#include "model/naflex.h"
#include "model/resnet.h"
#include "model/timm_vit.h"
#include "model/vit.h"

static const glimpse_image_ops *const architectures[] = {
    [GLIMPSE_IMAGE_VIT] = &glimpse_image_vit,
    [GLIMPSE_IMAGE_TIMM_VIT] = &glimpse_image_timm_vit,
    [GLIMPSE_IMAGE_FASTVIT] = &glimpse_image_fastvit,
    [GLIMPSE_IMAGE_RESNET] = &glimpse_image_resnet,
    [GLIMPSE_IMAGE_NAFLEX] = &glimpse_image_naflex,
};
enum { ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

const glimpse_image_ops *glimpse_image_ops_of(glimpse_image_architecture architecture) {
    return (unsigned)architecture < ARCHITECTURES ? architectures[architecture] : NULL;
}

static int open_tower(glimpse_image_tower *tower, glimpse_loader l,
                      const glimpse_model_config *config) {
    tower->tower = NULL;
    tower->ops = glimpse_image_ops_of(config->image_architecture);
    if (!tower->ops) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: no image tower of architecture %d",
                            glimpse_tensors_path(l.tensors), (int)config->image_architecture);
    }
    return tower->ops->open(&tower->tower, &l, config);
}

int glimpse_image_tower_open(glimpse_image_tower *tower, const glimpse_math *math,
                             const glimpse_model_config *config, const glimpse_tensors *tensors,
                             glimpse_prepared_weights *prepared) {
    return open_tower(
        tower, (glimpse_loader){.math = math, .tensors = tensors, .prepared = prepared}, config);
}

int glimpse_image_tower_check(const glimpse_math *math, const glimpse_model_config *config,
                              const glimpse_tensors *tensors) {
    glimpse_image_tower nothing;
    int status = open_tower(
        &nothing, (glimpse_loader){.math = math, .tensors = tensors, .check_only = 1}, config);
    glimpse_image_tower_close(&nothing);
    return status;
}

void glimpse_image_tower_close(glimpse_image_tower *tower) {
    if (tower->tower) tower->ops->close(tower->tower);
    tower->tower = NULL;
}

size_t glimpse_image_tower_memory(const glimpse_image_tower *tower) {
    return tower->tower ? tower->ops->memory(tower->tower) : 0;
}
