/*
 * model/config_timm.c - image towers that vision_cfg of open_clip_config.json names as timm's.
 *
 * The name decides (timm_names.c). "timm_model_kwargs", which stand in no published file, override
 * sizes as open_clip hands them on; any other of timm's arguments is refused.
 */
#include "core/error.h"
#include "model/config_reader.h"
#include "model/patch_stem.h"
#include "model/timm_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse_name(glimpse_config_reader *r, const char *name) {
    const glimpse_timm_model *nearest = glimpse_timm_nearest(name);
    if (r->status < 0) return;
    r->status = glimpse_fail(
        GLIMPSE_E_UNSUPPORTED,
        "%s: \"timm_model_name\": %s is not supported; the nearest that works is %s%s%s", r->path,
        name, nearest ? "\"" : "a SigLIP, EVA02-CLIP or PE-Core", nearest ? nearest->name : "",
        nearest ? "\"" : "");
}

/* One number of patches per side, written as two. */
static size_t read_reference(glimpse_config_reader *r, json_t *kwargs, size_t fallback) {
    json_t *value = glimpse_config_member(kwargs, "ref_feat_shape");
    if (!value) return fallback;
    json_int_t rows = json_integer_value(json_array_get(value, 0)),
               columns = json_integer_value(json_array_get(value, 1));
    if (json_array_size(value) != 2 || rows < 1 || rows > MAX_SIDE || rows != columns) {
        glimpse_config_refuse_value(r, "ref_feat_shape", value);
        return fallback;
    }
    return (size_t)rows;
}

/* `model` with what the arguments say in place of what the name says. */
static void read_sizes(glimpse_config_reader *r, json_t *kwargs, glimpse_timm_model *model) {
    static const char *const known[] = {"img_size",
                                        "patch_size",
                                        "embed_dim",
                                        "depth",
                                        "num_heads",
                                        "mlp_ratio",
                                        "ref_feat_shape",
                                        "attn_pool_num_heads",
                                        "attn_pool_mlp_ratio",
                                        NULL};
    glimpse_config_refuse_unknown(r, kwargs, known);
    model->image_size = glimpse_config_size(r, kwargs, "img_size", model->image_size, MAX_SIDE);
    model->patch = glimpse_config_size(r, kwargs, "patch_size", model->patch, MAX_SIDE);
    model->width = glimpse_config_size(r, kwargs, "embed_dim", model->width, MAX_WIDTH);
    model->layers = glimpse_config_size(r, kwargs, "depth", model->layers, MAX_LAYERS);
    model->heads = glimpse_config_size(r, kwargs, "num_heads", model->heads, MAX_WIDTH);
    model->mlp_ratio = glimpse_config_number(r, kwargs, "mlp_ratio", model->mlp_ratio, 0.01, 64.0);
}

static void read_pooling(glimpse_config_reader *r, json_t *vision, json_t *kwargs,
                         const glimpse_timm_model *model, glimpse_timm_config *t) {
    const char *pool = glimpse_config_text(r, vision, "timm_pool");
    const char *own = t->pool_heads ? "map" : "token";
    if (!pool || strcmp(pool, own) != 0) {
        char what[128];
        (void)snprintf(what, sizeof what, "%s, where %s has \"%s\",",
                       pool ? pool : "the pooling that is taken without it", model->name, own);
        glimpse_config_refuse(r, "timm_pool", what);
    }
    if (model->kind == GLIMPSE_TIMM_PE || model->kind == GLIMPSE_TIMM_PE_NO_CLASS) {
        double ratio =
            glimpse_config_number(r, kwargs, "attn_pool_mlp_ratio",
                                  (double)t->pool_mlp / (double)model->width, 0.01, 64.0);
        t->pool_heads =
            glimpse_config_size(r, kwargs, "attn_pool_num_heads", t->pool_heads, MAX_WIDTH);
        t->pool_mlp = (size_t)((double)model->width * ratio);
    } else {
        static const char *const none[] = {"attn_pool_mlp_ratio", "attn_pool_num_heads"};
        for (size_t i = 0; i < 2; i++) {
            json_t *value = glimpse_config_member(kwargs, none[i]);
            if (value) glimpse_config_refuse_value(r, none[i], value);
        }
    }
}

/* null: timm's own classifier projects; absent: open_clip's does. */
static void read_head(glimpse_config_reader *r, json_t *vision, const glimpse_timm_model *model,
                      const glimpse_model_config *config, glimpse_timm_config *t) {
    json_t *value = json_object_get(vision, "timm_proj");
    const char *projection = value ? json_string_value(value) : "linear";
    int bias = glimpse_config_flag(r, vision, "timm_proj_bias", 0);
    if (json_is_null(value) || (projection && !*projection)) {
        t->head = GLIMPSE_TIMM_HEAD_TRUNK;
    } else if (projection && strcmp(projection, "linear") == 0) {
        t->head = bias ? GLIMPSE_TIMM_HEAD_LINEAR_BIAS : GLIMPSE_TIMM_HEAD_LINEAR;
    } else if (projection && strcmp(projection, "none") == 0) {
        t->head = GLIMPSE_TIMM_HEAD_NONE;
        if (r->status == GLIMPSE_OK && config->embedding != model->width) {
            r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                     "%s: \"embed_dim\" is %zu, but pictures become vectors of %zu "
                                     "numbers: \"timm_proj\" is none",
                                     r->path, config->embedding, model->width);
        }
    } else {
        glimpse_config_refuse_value(r, "timm_proj", value);
    }
}

static void check_sizes(glimpse_config_reader *r, const glimpse_timm_model *model,
                        const glimpse_model_config *config) {
    const glimpse_timm_config *t = &config->timm;
    if (r->status < 0) return;
    if (config->image_size != model->image_size) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                 "%s: \"image_size\" %zu is not supported: %s takes pictures of "
                                 "%zu pixels, and positions are not resized",
                                 r->path, config->image_size, model->name, model->image_size);
    } else if (t->stem && (model->patch != GLIMPSE_STEM_PATCH || model->width % 4 != 0)) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                 "%s: \"patch_size\" %zu and \"embed_dim\" %zu of %s are not "
                                 "supported: patches of 16 and a multiple of 4 are",
                                 r->path, model->patch, model->width, model->name);
    } else if (config->vision.mlp == 0) {
        glimpse_config_refuse(r, "mlp_ratio", "so small a value");
    } else if (t->pool_heads && (t->pool_mlp == 0 || model->width % t->pool_heads != 0)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: the pooling of a width of %zu cannot have %zu heads "
                                 "(\"attn_pool_num_heads\") and an MLP of %zu",
                                 r->path, model->width, t->pool_heads, t->pool_mlp);
    } else if (t->rotary && model->width % (4 * model->heads) != 0) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: rotary positions need heads whose width is a multiple of 4, "
                                 "not %zu heads (\"num_heads\") of a width of %zu (\"embed_dim\")",
                                 r->path, model->heads, model->width);
    }
}

void glimpse_config_read_timm(glimpse_config_reader *r, json_t *vision,
                              glimpse_model_config *config) {
    const char *name = json_string_value(glimpse_config_member(vision, "timm_model_name"));
    json_t *kwargs = glimpse_config_object(r, vision, "timm_model_kwargs");
    const glimpse_timm_model *known = name ? glimpse_timm_find(name) : NULL;
    glimpse_tower_config *v = &config->vision;
    if (!known) {
        refuse_name(r, name ? name : "a value that is no name");
        return;
    }
    glimpse_timm_model model = *known;
    read_sizes(r, kwargs, &model);
    glimpse_timm_config t = glimpse_timm_describe(&model);
    size_t reference = read_reference(r, kwargs, known->image_size / known->patch);
    if (model.kind != GLIMPSE_TIMM_EVA02 || glimpse_config_member(kwargs, "ref_feat_shape"))
        t.rotary_reference = reference;
    read_pooling(r, vision, kwargs, &model, &t);
    read_head(r, vision, &model, config, &t);
    config->image_architecture = GLIMPSE_IMAGE_TIMM_VIT;
    config->patch = model.patch;
    v->width = model.width;
    v->layers = model.layers;
    v->heads = model.heads;
    v->mlp = (size_t)((double)model.width * model.mlp_ratio);
    v->eps = glimpse_timm_eps(model.kind);
    v->activation = model.activation;
    v->gated = model.kind == GLIMPSE_TIMM_EVA02;
    v->norms =
        model.kind == GLIMPSE_TIMM_EVA02_POST ? GLIMPSE_NORM_RESIDUAL_POST : GLIMPSE_NORM_PRE;
    config->timm = t;
    check_sizes(r, &model, config);
}
