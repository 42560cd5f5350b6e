/*
 * model/config_siglip.c - what config.json and preprocessor_config.json mean for SigLIP and the
 * fixed-resolution SigLIP 2, which share transformers' class SiglipModel; and for SigLIP 2 of
 * flexible resolution (NaFlex), of class Siglip2Model.
 *
 * Absent keys take the defaults of SiglipTextConfig, SiglipVisionConfig and SiglipImageProcessor:
 * both towers of width 768, MLP 3072, 12 layers, 12 heads, eps 1e-6 and gelu_pytorch_tanh; texts of
 * 64 tokens out of 32000; pictures of 224 pixels in patches of 16, squashed to the square. NaFlex:
 * 256 positions, and pictures of up to 256 patches of 16 pixels, bilinear (Siglip2VisionConfig,
 * Siglip2ImageProcessor).
 */
#include "core/error.h"
#include "model/config_reader.h"

#include <string.h>

/* Of a square of at most `count` patches. */
static size_t largest_side(size_t count) {
    size_t side = 1;
    while ((side + 1) * (side + 1) <= count)
        side++;
    return side;
}

static const glimpse_tower_config defaults = {.width = 768,
                                              .mlp = 3072,
                                              .layers = 12,
                                              .heads = 12,
                                              .eps = 1e-6f,
                                              .activation = GLIMPSE_ACTIVATION_GELU_TANH};

void glimpse_config_read_siglip(glimpse_config_reader *r, json_t *root,
                                glimpse_model_config *config) {
    json_t *text = glimpse_config_section(r, root, "text_config", "text_config_dict");
    json_t *vision = glimpse_config_section(r, root, "vision_config", "vision_config_dict");
    config->layout = GLIMPSE_LAYOUT_SIGLIP;
    config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
    glimpse_config_tower(r, text, &config->text, &defaults);
    glimpse_config_tower(r, vision, &config->vision, &defaults);
    config->context = glimpse_config_size(r, text, "max_position_embeddings", 64, MAX_CONTEXT);
    config->vocabulary = glimpse_config_size(r, text, "vocab_size", 32000, MAX_VOCABULARY);
    config->image_size = glimpse_config_size(r, vision, "image_size", 224, MAX_SIDE);
    config->patch = glimpse_config_size(r, vision, "patch_size", 16, MAX_SIDE);
    if (glimpse_config_size(r, vision, "num_channels", 3, 1024) != 3)
        glimpse_config_refuse(r, "num_channels", "other than 3");
    if (!glimpse_config_flag(r, vision, "vision_use_head", 1))
        glimpse_config_refuse(r, "vision_use_head", "a tower without its pooling head");
    /* Nobody uses these: the tokenizer's own hold. SiglipTextConfig copied the defaults of CLIP,
     * which lie beyond its vocabulary, and so they stand in published files. */
    size_t ids = config->vocabulary > 49408 ? config->vocabulary : 49408;
    (void)glimpse_config_id(r, text, "bos_token_id", 0, ids);
    (void)glimpse_config_id(r, text, "eos_token_id", 0, ids);
    (void)glimpse_config_id(r, text, "pad_token_id", 0, ids);
    config->end_id = -1;
    config->text_pooling = GLIMPSE_TEXT_LAST;
    config->padding = GLIMPSE_PADDING_TOKENIZER;
    config->sigmoid = 1;
    /* Pictures come out of the pooling head as wide as their tower is. */
    config->embedding = config->vision.width;
    size_t projection =
        glimpse_config_size(r, text, "projection_size", config->text.width, MAX_WIDTH);
    if (r->status == GLIMPSE_OK && projection != config->embedding) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: texts become vectors of %zu numbers (\"projection_size\"), "
                                 "pictures of %zu (\"hidden_size\" of the vision_config)",
                                 r->path, projection, config->embedding);
    }
}

void glimpse_config_read_siglip_pictures(glimpse_config_reader *r, json_t *root, size_t image_size,
                                         glimpse_preprocess *p) {
    static const float half[3] = {0.5f, 0.5f, 0.5f};
    /* Without the file: the rules at the model's own size. With it: its class's defaults. */
    size_t fallback = root ? 224 : image_size;
    json_t *size = glimpse_config_member(root, "size");
    memset(p, 0, sizeof *p);
    p->resize = GLIMPSE_RESIZE_EXACT;
    if (!size || json_is_integer(size)) {
        p->width = (uint32_t)glimpse_config_size(r, root, "size", fallback, MAX_SIDE);
        p->height = p->width;
    } else if (glimpse_config_member(size, "height") && glimpse_config_member(size, "width")) {
        p->width = (uint32_t)glimpse_config_size(r, size, "width", fallback, MAX_SIDE);
        p->height = (uint32_t)glimpse_config_size(r, size, "height", fallback, MAX_SIDE);
    } else {
        glimpse_config_refuse(r, "size", "anything but a height and a width");
    }
    p->resize_width = p->width;
    p->resize_height = p->height;
    if (!glimpse_config_flag(r, root, "do_resize", 1)) p->resize = GLIMPSE_RESIZE_NONE;
    p->crop_rule = GLIMPSE_CROP_HF;
    glimpse_config_read_values(r, root, half, half, p);
}

void glimpse_config_read_naflex(glimpse_config_reader *r, json_t *root,
                                glimpse_model_config *config) {
    enum { MAX_POSITIONS = 65536 };
    json_t *vision = glimpse_config_section(r, root, "vision_config", "vision_config_dict");
    glimpse_config_read_siglip(r, root, config);
    config->image_architecture = GLIMPSE_IMAGE_NAFLEX;
    size_t positions = glimpse_config_size(r, vision, "num_patches", 256, MAX_POSITIONS);
    config->position_grid = largest_side(positions);
    if (r->status == GLIMPSE_OK && config->position_grid * config->position_grid != positions) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: %zu positions (\"num_patches\") are no square table", r->path,
                                 positions);
    }
}

void glimpse_config_read_naflex_pictures(glimpse_config_reader *r, json_t *root,
                                         glimpse_model_config *config) {
    enum { MAX_PATCHES = 4096, MAX_LENGTH = 65536 };
    static const float half[3] = {0.5f, 0.5f, 0.5f};
    glimpse_preprocess *p = &config->preprocess;
    /* Without the file: the rules at the model's own patches. With it: its class's defaults. */
    size_t patch = glimpse_config_size(r, root, "patch_size", root ? 16 : config->patch, MAX_SIDE);
    size_t patches = glimpse_config_size(r, root, "max_num_patches", 256, MAX_PATCHES);
    memset(p, 0, sizeof *p);
    p->resize = GLIMPSE_RESIZE_PATCHES;
    if (!glimpse_config_flag(r, root, "do_resize", 1))
        glimpse_config_refuse(r, "do_resize", "false");
    if (r->status == GLIMPSE_OK && patch != config->patch) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: pictures are cut into patches of %zu pixels, the model takes "
                                 "patches of %zu",
                                 r->path, patch, config->patch);
    }
    if (r->status == GLIMPSE_OK && patch * patches > MAX_LENGTH) {
        r->status = glimpse_fail(GLIMPSE_E_LIMIT,
                                 "%s: a row of %zu patches (\"max_num_patches\") of %zu pixels is "
                                 "longer than the %d pixels that a picture may have",
                                 r->path, patches, patch, MAX_LENGTH);
    }
    p->patch = (uint32_t)patch;
    p->max_patches = (uint32_t)patches;
    config->image_size = patch * largest_side(patches);
    p->width = p->height = (uint32_t)config->image_size;
    glimpse_config_read_values(r, root, half, half, p);
    if (!glimpse_config_member(root, "resample")) p->resample = GLIMPSE_RESAMPLE_BILINEAR;
}
