/*
 * model/config_open_clip.c - open_clip_config.json.
 *
 * Absent keys take the defaults of open_clip's CLIPVisionCfg and CLIPTextCfg. What an image tower
 * is made of, the keys of vision_cfg say (a timm_model_name, layers that are a list); of a text
 * tower, those of text_cfg (an hf_model_name). Settings that would change the numbers and are not
 * implemented are refused, never ignored.
 */
#include "core/error.h"
#include "model/config_reader.h"

#include <string.h>

/* The keys of model_cfg, vision_cfg and text_cfg that are read, or that decide nothing about a
 * vector: what only training or another class uses, and what one kind of tower asks another for. */
static const char *const model_keys[] = {
    "embed_dim",       "vision_cfg",       "text_cfg",
    "quick_gelu",      "custom_text",      "multimodal_cfg",
    "init_logit_bias", "init_logit_scale", "nonscalar_logit_scale",
    "output_dict",     "cast_dtype",       NULL};
static const char *const vision_keys[] = {"image_size",
                                          "image_seq_len",
                                          "layers",
                                          "width",
                                          "head_width",
                                          "mlp_ratio",
                                          "patch_size",
                                          "patch_dropout",
                                          "output_tokens",
                                          "attentional_pool",
                                          "attn_pooler_queries",
                                          "attn_pooler_heads",
                                          "pos_embed_type",
                                          "ls_init_value",
                                          "no_ln_pre",
                                          "pool_type",
                                          "final_ln_after_pool",
                                          "act_kwargs",
                                          "norm_kwargs",
                                          "block_type",
                                          "qk_norm",
                                          "scaled_cosine_attn",
                                          "scale_heads",
                                          "scale_attn_inner",
                                          "scale_attn",
                                          "scale_fc",
                                          "timm_model_name",
                                          "timm_model_kwargs",
                                          "timm_model_pretrained",
                                          "timm_pool",
                                          "timm_proj",
                                          "timm_proj_bias",
                                          "timm_drop",
                                          "timm_drop_path",
                                          NULL};
static const char *const text_keys[] = {"context_length",
                                        "vocab_size",
                                        "width",
                                        "heads",
                                        "layers",
                                        "mlp_ratio",
                                        "pool_type",
                                        "proj_type",
                                        "proj_bias",
                                        "no_causal_mask",
                                        "act_kwargs",
                                        "norm_kwargs",
                                        "eos_id",
                                        "bos_id",
                                        "pad_id",
                                        "output_tokens",
                                        "variable_text",
                                        "final_ln_after_pool",
                                        "embed_cls",
                                        "ls_init_value",
                                        "block_type",
                                        "qk_norm",
                                        "scale_heads",
                                        "scaled_cosine_attn",
                                        "scale_attn_inner",
                                        "scale_attn",
                                        "scale_fc",
                                        "hf_tokenizer_name",
                                        "tokenizer_kwargs",
                                        "tokenizer_mode",
                                        "tokenizer_type",
                                        "tiktoken_name",
                                        "text_arch",
                                        "hf_model_name",
                                        "hf_model_config",
                                        "hf_model_pretrained",
                                        "hf_pooler_type",
                                        "hf_proj_type",
                                        "pooler_type",
                                        "proj",
                                        NULL};

/* Refuses each of the keys (ended by NULL) that is there and neither null nor false. */
static void refuse_keys(glimpse_config_reader *r, json_t *object, const char *const *keys) {
    for (; *keys; keys++) {
        json_t *value = glimpse_config_member(object, *keys);
        if (value && !json_is_false(value)) glimpse_config_refuse_value(r, *keys, value);
    }
}

/* A key of which one value alone is supported. */
static void require_text(glimpse_config_reader *r, json_t *object, const char *key,
                         const char *only) {
    const char *value = glimpse_config_text(r, object, key);
    if (value && strcmp(value, only) != 0) glimpse_config_refuse(r, key, value);
}

static size_t read_mlp(glimpse_config_reader *r, json_t *object, size_t width) {
    double ratio = glimpse_config_number(r, object, "mlp_ratio", 4.0, 0.01, 64.0);
    size_t mlp = (size_t)((double)width * ratio);
    if (mlp == 0) glimpse_config_refuse(r, "mlp_ratio", "so small a value");
    return mlp;
}

/* openai/CLIP's vision transformer. */
static void read_vit(glimpse_config_reader *r, json_t *vision, glimpse_model_config *config) {
    static const char *const refused[] = {"attentional_pool",
                                          "ls_init_value",
                                          "no_ln_pre",
                                          "final_ln_after_pool",
                                          "act_kwargs",
                                          "norm_kwargs",
                                          "qk_norm",
                                          "scaled_cosine_attn",
                                          "scale_heads",
                                          "scale_attn",
                                          "scale_fc",
                                          "scale_attn_inner",
                                          NULL};
    glimpse_tower_config *v = &config->vision;
    refuse_keys(r, vision, refused);
    require_text(r, vision, "pool_type", "tok");
    require_text(r, vision, "pos_embed_type", "learnable");
    require_text(r, vision, "block_type", "default");
    config->image_architecture = GLIMPSE_IMAGE_VIT;
    config->patch = glimpse_config_size(r, vision, "patch_size", 16, MAX_SIDE);
    v->width = glimpse_config_size(r, vision, "width", 768, MAX_WIDTH);
    v->layers = glimpse_config_size(r, vision, "layers", 12, MAX_LAYERS);
    v->heads = v->width / glimpse_config_size(r, vision, "head_width", 64, MAX_WIDTH);
    if (v->heads == 0) v->heads = 1;
    v->mlp = read_mlp(r, vision, v->width);
    v->eps = 1e-5f;
}

/* The bottlenecks of each layer. */
static void read_resnet_layers(glimpse_config_reader *r, json_t *layers,
                               glimpse_model_config *config) {
    size_t total = 0;
    int good = json_array_size(layers) == GLIMPSE_RESNET_LAYERS;
    for (size_t i = 0; good && i < GLIMPSE_RESNET_LAYERS; i++) {
        const json_t *item = json_array_get(layers, i);
        json_int_t count = json_is_integer(item) ? json_integer_value(item) : 0;
        good = count >= 1 && count <= MAX_LAYERS - (json_int_t)total;
        config->resnet_layers[i] = good ? (size_t)count : 0;
        total += config->resnet_layers[i];
    }
    if (!good && r->status == GLIMPSE_OK) {
        r->status = glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s: \"layers\" of a ResNet must be %d whole numbers from 1 on, together at most %d",
            r->path, GLIMPSE_RESNET_LAYERS, MAX_LAYERS);
    }
    config->vision.layers = total;
}

/* openai/CLIP's residual networks. Keys of transformers are without effect, as in open_clip. */
static void read_resnet(glimpse_config_reader *r, json_t *vision, glimpse_model_config *config) {
    const size_t max_width = MAX_WIDTH / GLIMPSE_RESNET_REDUCTION;
    glimpse_tower_config *v = &config->vision;
    config->image_architecture = GLIMPSE_IMAGE_RESNET;
    config->patch = GLIMPSE_RESNET_REDUCTION;
    read_resnet_layers(r, glimpse_config_member(vision, "layers"), config);
    size_t width = glimpse_config_size(r, vision, "width", 64, max_width);
    size_t head = glimpse_config_size(r, vision, "head_width", 64, MAX_WIDTH);
    config->resnet_width = width;
    v->width = width * GLIMPSE_RESNET_REDUCTION;
    v->mlp = v->width; /* it has none */
    v->heads = v->width / head;
    v->activation = GLIMPSE_ACTIVATION_RELU;
    v->eps = 1e-5f;
    if (r->status < 0) return;
    if (width % 2 != 0) {
        r->status = glimpse_fail(
            GLIMPSE_E_FORMAT, "%s: \"width\" of a ResNet is %zu; it must be even", r->path, width);
    } else if (v->heads == 0 || v->width % v->heads != 0) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: \"head_width\" is %zu, which does not share the %zu channels "
                                 "of the last layer evenly",
                                 r->path, head, v->width);
    } else if (config->image_size % GLIMPSE_RESNET_REDUCTION != 0) {
        r->status = glimpse_fail(
            GLIMPSE_E_FORMAT, "%s: \"image_size\" of a ResNet is %zu; it must be a multiple of %d",
            r->path, config->image_size, GLIMPSE_RESNET_REDUCTION);
    }
}

static void read_vision(glimpse_config_reader *r, json_t *vision, glimpse_model_config *config) {
    const char *timm = json_string_value(glimpse_config_member(vision, "timm_model_name"));
    glimpse_config_refuse_others(r, vision, vision_keys);
    config->image_size = glimpse_config_size(r, vision, "image_size", 224, MAX_SIDE);
    if (timm && strncmp(timm, "fastvit_", 8) == 0) {
        glimpse_config_read_fastvit(r, vision, config);
    } else if (glimpse_config_member(vision, "timm_model_name")) {
        glimpse_config_read_timm(r, vision, config);
    } else if (json_is_array(glimpse_config_member(vision, "layers"))) {
        read_resnet(r, vision, config);
    } else {
        read_vit(r, vision, config);
    }
}

/* The arguments of a layer, of which `known` alone is supported. */
static json_t *read_arguments(glimpse_config_reader *r, json_t *text, const char *section,
                              const char *known) {
    json_t *arguments = glimpse_config_object(r, text, section);
    if (json_object_size(arguments) > (json_object_get(arguments, known) ? 1 : 0))
        glimpse_config_refuse_value(r, section, arguments);
    return arguments;
}

/* What the layers of the text tower compute with. */
static void read_text_numbers(glimpse_config_reader *r, json_t *text, glimpse_tower_config *t) {
    json_t *norm = read_arguments(r, text, "norm_kwargs", "eps"),
           *activation = read_arguments(r, text, "act_kwargs", "approximate");
    t->eps = (float)glimpse_config_number(r, norm, "eps", 1e-5, 1e-20, 1e-2);
    const char *gelu = glimpse_config_text(r, activation, "approximate");
    if (gelu && strcmp(gelu, "tanh") == 0 && t->activation == GLIMPSE_ACTIVATION_GELU) {
        t->activation = GLIMPSE_ACTIVATION_GELU_TANH;
    } else if (gelu && strcmp(gelu, "none") != 0) {
        glimpse_config_refuse(r, "approximate", gelu);
    }
}

static void read_text_projection(glimpse_config_reader *r, json_t *text,
                                 glimpse_model_config *config) {
    const char *projection = glimpse_config_text(r, text, "proj_type");
    int bias = glimpse_config_flag(r, text, "proj_bias", 0);
    config->text_projection = bias ? GLIMPSE_PROJECTION_LINEAR : GLIMPSE_PROJECTION_MATRIX;
    if (!projection || strcmp(projection, "linear") == 0) return;
    if (strcmp(projection, "none") != 0) {
        glimpse_config_refuse(r, "proj_type", projection);
        return;
    }
    config->text_projection = GLIMPSE_PROJECTION_NONE;
    if (r->status == GLIMPSE_OK && config->text.width != config->embedding) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT,
                         "%s: \"embed_dim\" is %zu, but texts become vectors of %zu numbers "
                         "(\"width\"): \"proj_type\" is none",
                         r->path, config->embedding, config->text.width);
    }
}

/* Which place is read, which places it sees, and what makes the ids. */
static void read_text_pooling(glimpse_config_reader *r, json_t *text,
                              glimpse_model_config *config) {
    const char *pool = glimpse_config_text(r, text, "pool_type");
    int own_tokenizer = glimpse_config_member(text, "hf_tokenizer_name") != NULL;
    if (own_tokenizer) config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
    if (pool && strcmp(pool, "last") == 0) {
        config->text_pooling = GLIMPSE_TEXT_LAST;
    } else if (pool && strcmp(pool, "eos") == 0) {
        config->text_pooling = GLIMPSE_TEXT_END;
        config->end_id = glimpse_config_id(r, text, "eos_id", 2, MAX_VOCABULARY);
    } else if (pool && strcmp(pool, "argmax") != 0) {
        glimpse_config_refuse(r, "pool_type", pool);
    }
    config->causal = !glimpse_config_flag(r, text, "no_causal_mask", 0);
    /* The last place is one of padding; without a mask, all places see it. */
    if (config->text_pooling == GLIMPSE_TEXT_LAST || !config->causal) {
        config->padding = own_tokenizer ? GLIMPSE_PADDING_TOKENIZER : GLIMPSE_PADDING_ZERO;
    }
}

/* open_clip's own text transformer. */
static void read_native_text(glimpse_config_reader *r, json_t *text, glimpse_model_config *config) {
    static const char *const refused[] = {"embed_cls",          "ls_init_value",    "qk_norm",
                                          "scaled_cosine_attn", "scale_heads",      "scale_attn",
                                          "scale_fc",           "scale_attn_inner", NULL};
    glimpse_tower_config *t = &config->text;
    refuse_keys(r, text, refused);
    require_text(r, text, "block_type", "default");
    config->text_architecture = GLIMPSE_TEXT_CLIP;
    config->tokenizer = GLIMPSE_TOKENIZER_CLIP_OPENCLIP;
    t->width = glimpse_config_size(r, text, "width", 512, MAX_WIDTH);
    t->layers = glimpse_config_size(r, text, "layers", 12, MAX_LAYERS);
    t->heads = glimpse_config_size(r, text, "heads", 8, MAX_WIDTH);
    t->mlp = read_mlp(r, text, t->width);
    config->text_pooling = GLIMPSE_TEXT_HIGHEST;
    config->end_id = -1;
    config->vocabulary = glimpse_config_size(r, text, "vocab_size", 49408, MAX_VOCABULARY);
    read_text_numbers(r, text, t);
    read_text_projection(r, text, config);
    read_text_pooling(r, text, config);
}

static void read_text(glimpse_config_reader *r, json_t *text, glimpse_model_config *config) {
    require_text(r, text, "text_arch", "clip");
    glimpse_config_refuse_others(r, text, text_keys);
    /* How texts become ids, besides what "tokenizer_kwargs" says. */
    require_text(r, text, "tokenizer_mode", "");
    require_text(r, text, "tokenizer_type", "");
    (void)glimpse_config_text(r, text, "hf_tokenizer_name");
    config->context = glimpse_config_size(r, text, "context_length", 77, MAX_CONTEXT);
    if (glimpse_config_member(text, "hf_model_name")) {
        glimpse_config_read_hf_text(r, text, config);
    } else {
        read_native_text(r, text, config);
    }
}

static void read_pictures(glimpse_config_reader *r, json_t *pictures,
                          const glimpse_model_config *config, glimpse_preprocess *p) {
    memset(p, 0, sizeof *p);
    p->width = p->height = (uint32_t)config->image_size;
    p->resize_width = p->resize_height = (uint32_t)config->image_size;
    p->resize = GLIMPSE_RESIZE_SHORTEST;
    p->center_crop = 1;
    p->crop_rule = GLIMPSE_CROP_TORCHVISION;
    p->resample = GLIMPSE_RESAMPLE_BICUBIC;
    const char *mode = glimpse_config_text(r, pictures, "resize_mode");
    require_text(r, pictures, "mode", "RGB");
    if (mode && strcmp(mode, "squash") == 0) {
        p->resize = GLIMPSE_RESIZE_EXACT;
        p->center_crop = 0;
    } else if (mode && strcmp(mode, "shortest") != 0) {
        glimpse_config_refuse(r, "resize_mode", mode);
    }
    const char *interpolation = glimpse_config_text(r, pictures, "interpolation");
    if (interpolation && strcmp(interpolation, "bilinear") == 0) {
        p->resample = GLIMPSE_RESAMPLE_BILINEAR;
    } else if (interpolation && strcmp(interpolation, "bicubic") != 0 &&
               strcmp(interpolation, "random") != 0) {
        glimpse_config_refuse(r, "interpolation", interpolation);
    }
    p->scale = 1.0f / 255.0f;
    p->normalize = 1;
    glimpse_config_normalization(r, pictures, "mean", "std", glimpse_clip_mean, glimpse_clip_std,
                                 p);
    glimpse_config_check_values(r, p, 1);
}

void glimpse_config_read_open_clip(glimpse_config_reader *r, json_t *root,
                                   glimpse_model_config *config) {
    json_t *model = glimpse_config_member(root, "model_cfg");
    json_t *vision = glimpse_config_member(model, "vision_cfg"),
           *text = glimpse_config_member(model, "text_cfg");
    if (!json_is_object(vision) || !json_is_object(text)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: needs model_cfg with vision_cfg and text_cfg", r->path);
        return;
    }
    if (glimpse_config_member(model, "multimodal_cfg"))
        glimpse_config_refuse(r, "multimodal_cfg", "CoCa");
    glimpse_config_refuse_others(r, model, model_keys);
    config->layout = glimpse_config_flag(r, model, "custom_text", 0)
                         ? GLIMPSE_LAYOUT_OPENCLIP_CUSTOM
                         : GLIMPSE_LAYOUT_OPENCLIP;
    /* Of open_clip's own towers, whatever they are made of; those of others ignore it. */
    config->vision.activation = config->text.activation =
        glimpse_config_flag(r, model, "quick_gelu", 0) ? GLIMPSE_ACTIVATION_QUICK_GELU
                                                       : GLIMPSE_ACTIVATION_GELU;
    config->embedding = glimpse_config_size(r, model, "embed_dim", 512, MAX_WIDTH);
    config->sigmoid = glimpse_config_member(model, "init_logit_bias") != NULL;
    read_vision(r, vision, config);
    read_text(r, text, config);
    read_pictures(r, glimpse_config_member(root, "preprocess_cfg"), config, &config->preprocess);
}
