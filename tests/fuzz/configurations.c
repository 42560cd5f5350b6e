/*
 * configurations.c - what the JSON files of a model directory say of its shape: CLIP, OpenCLIP,
 * SigLIP and BLIP. Each part is a file.
 */
#include "fuzz.h"

#include "model/config.h"
#include "vlm/blip/blip_config.h"

#include <math.h>
#include <stddef.h>

static const char *const files[] = {
    "config.json",           "preprocessor_config.json",    "processor_config.json",
    "open_clip_config.json", "open_clip_model.safetensors", NULL};

static void check_tower(const glimpse_tower_config *tower) {
    PROMISE(tower->width > 0 && tower->width <= 1 << 14);
    PROMISE(tower->heads > 0 && tower->width % tower->heads == 0);
    PROMISE(tower->layers > 0 && tower->layers <= 512);
    PROMISE(tower->mlp > 0 && isfinite(tower->eps));
}

static void check_preprocess(const glimpse_preprocess *p) {
    PROMISE(p->width > 0 && p->height > 0 && isfinite(p->scale));
    for (int c = 0; c < 3; c++)
        PROMISE(isfinite(p->mean[c]) && isfinite(p->std[c]) && !(p->normalize && p->std[c] <= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    fuzz_remove(files);
    if (count == 0) fuzz_write(files[0], data, size);
    fuzz_write_parts(parts, count, files);
    glimpse_model_config model;
    if (fuzz_fine(glimpse_model_config_read(&model, fuzz_directory()))) {
        check_tower(&model.vision);
        check_tower(&model.text);
        check_preprocess(&model.preprocess);
        PROMISE(model.patch > 0 && model.patch <= model.image_size);
        if (model.image_architecture == GLIMPSE_IMAGE_NAFLEX) {
            glimpse_preprocess own;
            PROMISE(model.position_grid > 0);
            PROMISE(glimpse_preprocess_for(&own, &model.preprocess, 640, 480) == GLIMPSE_OK);
            PROMISE((size_t)own.width * own.height * 3 <=
                    glimpse_preprocess_max_bytes(&model.preprocess));
        }
        PROMISE(model.context > 0 && model.vocabulary > 0 && model.embedding > 0);
    }
    glimpse_blip_config blip;
    if (fuzz_fine(glimpse_blip_config_read(&blip, fuzz_directory()))) {
        check_tower(&blip.vision);
        check_tower(&blip.text);
        check_preprocess(&blip.preprocess);
        PROMISE(blip.patch > 0 && blip.patch <= blip.image_size);
        PROMISE(blip.context > 0 && blip.vocabulary > 0 && blip.beams > 0);
    }
    return 0;
}
