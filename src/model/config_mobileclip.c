/*
 * model/config_mobileclip.c - MobileCLIP: the FastViT of OpenCLIP's configurations, and Apple's own
 * configurations (mobileclip_s0.json and its like).
 *
 * A FastViT's name says what its tensors do not: the activations, and where they stand. How many
 * stages, blocks and channels there are, the tensors say.
 */
#include "core/error.h"
#include "model/config_reader.h"

#include <math.h>
#include <string.h>

static void set_fastvit(glimpse_model_config *config) {
    config->image_architecture = GLIMPSE_IMAGE_FASTVIT;
    config->patch = 1;
    /* A head of attention in its late stages. The sizes of the rest are in the tensors. */
    config->vision = (glimpse_tower_config){.width = 32,
                                            .mlp = 32,
                                            .layers = 1,
                                            .heads = 1,
                                            .eps = 1e-5f,
                                            .activation = GLIMPSE_ACTIVATION_GELU};
}

void glimpse_config_read_fastvit(glimpse_config_reader *r, json_t *vision,
                                 glimpse_model_config *config) {
    static const char *const names[] = {"fastvit_mci0", "fastvit_mci1", "fastvit_mci2",
                                        "fastvit_mci3", "fastvit_mci4", NULL};
    static const char *const settings[] = {"layers", "embed_dims", NULL};
    const char *name = json_string_value(glimpse_config_member(vision, "timm_model_name"));
    if (!glimpse_config_is_one_of(name, names)) {
        glimpse_config_refuse(r, "timm_model_name", name ? name : "this value");
        return;
    }
    const char *pool = json_string_value(glimpse_config_member(vision, "timm_pool"));
    if (pool && strcmp(pool, "avg") != 0) glimpse_config_refuse(r, "timm_pool", pool);
    /* Null means the network's own head, and absence a further matrix. */
    json_t *projection = json_object_get(vision, "timm_proj");
    const char *kind = json_string_value(projection);
    if (!json_is_null(projection) && !(kind && !*kind))
        glimpse_config_refuse(r, "timm_proj", kind ? kind : "\"linear\", its default,");
    glimpse_config_refuse_others(r, glimpse_config_member(vision, "timm_model_kwargs"), settings);
    set_fastvit(config);
}

const char *glimpse_config_mobileclip_file(const char *directory) {
    static const char *const names[] = {"mobileclip_s0.json", "mobileclip_s1.json",
                                        "mobileclip_s2.json", "mobileclip_b.json", NULL};
    for (size_t i = 0; names[i]; i++)
        if (glimpse_config_has(directory, names[i])) return names[i];
    return NULL;
}

static void read_text(glimpse_config_reader *r, json_t *text, glimpse_model_config *config) {
    static const char *const known[] = {"context_length",
                                        "vocab_size",
                                        "dim",
                                        "ffn_multiplier_per_layer",
                                        "n_heads_per_layer",
                                        "n_transformer_layers",
                                        "norm_layer",
                                        "causal_masking",
                                        "model_name",
                                        NULL};
    glimpse_tower_config *t = &config->text;
    glimpse_config_refuse_others(r, text, known);
    const char *name = json_string_value(glimpse_config_member(text, "model_name"));
    config->text_mixers = name && strcmp(name, "mct") == 0;
    if (!config->text_mixers && (!name || strcmp(name, "base") != 0))
        glimpse_config_refuse(r, "model_name", name ? name : "other than \"mct\" and \"base\"");
    const char *norm = json_string_value(glimpse_config_member(text, "norm_layer"));
    if (norm && strcmp(norm, "layer_norm_fp32") != 0 && strcmp(norm, "layer_norm") != 0)
        glimpse_config_refuse(r, "norm_layer", norm);
    config->text_architecture = GLIMPSE_TEXT_MCT;
    config->tokenizer = GLIMPSE_TOKENIZER_CLIP_OPENCLIP;
    config->context = glimpse_config_size(r, text, "context_length", 77, MAX_CONTEXT);
    config->vocabulary = glimpse_config_size(r, text, "vocab_size", 49408, MAX_VOCABULARY);
    config->text_pooling = GLIMPSE_TEXT_HIGHEST;
    config->end_id = -1;
    config->causal = glimpse_config_flag(r, text, "causal_masking", 0);
    config->padding = config->causal ? GLIMPSE_PADDING_NONE : GLIMPSE_PADDING_ZERO;
    if (config->causal && config->text_mixers)
        glimpse_config_refuse(r, "causal_masking",
                              "true, with convolutions that see what follows,");
    t->width = glimpse_config_size(r, text, "dim", 512, MAX_WIDTH);
    t->heads = glimpse_config_size(r, text, "n_heads_per_layer", 8, MAX_WIDTH);
    t->layers = glimpse_config_size(r, text, "n_transformer_layers", 12, MAX_LAYERS);
    double ratio = glimpse_config_number(r, text, "ffn_multiplier_per_layer", 4.0, 0.01, 64.0);
    t->mlp = (size_t)(ceil((double)t->width * ratio / 16.0) * 16.0);
    t->eps = 1e-5f;
    t->activation = GLIMPSE_ACTIVATION_GELU;
}

void glimpse_config_read_mobileclip(glimpse_config_reader *r, json_t *root,
                                    glimpse_model_config *config) {
    static const char *const names[] = {"mci0", "mci1", "mci2", NULL};
    json_t *image = glimpse_config_member(root, "image_cfg"),
           *text = glimpse_config_member(root, "text_cfg");
    if (!json_is_object(image) || !json_is_object(text)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: needs image_cfg and text_cfg", r->path);
        return;
    }
    const char *name = json_string_value(glimpse_config_member(image, "model_name"));
    if (!glimpse_config_is_one_of(name, names)) {
        glimpse_config_refuse(r, "model_name", name ? name : "other than \"mci0\" to \"mci2\"");
        return;
    }
    config->layout = GLIMPSE_LAYOUT_MOBILECLIP;
    config->embedding = glimpse_config_size(r, root, "embed_dim", 512, MAX_WIDTH);
    config->image_size = glimpse_config_size(r, image, "image_size", 256, MAX_SIDE);
    set_fastvit(config);
    read_text(r, text, config);
    /* Pixels as values from 0 to 1. */
    glimpse_preprocess *p = &config->preprocess;
    memset(p, 0, sizeof *p);
    p->width = p->height = (uint32_t)config->image_size;
    p->resize_width = p->resize_height = (uint32_t)config->image_size;
    p->resize = GLIMPSE_RESIZE_SHORTEST;
    p->resample = GLIMPSE_RESAMPLE_BILINEAR;
    p->center_crop = 1;
    p->crop_rule = GLIMPSE_CROP_TORCHVISION;
    p->scale = 1.0f / 255.0f;
    p->normalize = 1;
    for (size_t i = 0; i < 3; i++)
        p->std[i] = 1.0f;
}
