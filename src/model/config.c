/*
 * model/config.c - config.json, open_clip_config.json and preprocessor_config.json.
 *
 * Absent keys take the defaults of the classes that define them: transformers' CLIPTextConfig,
 * CLIPVisionConfig, CLIPConfig and CLIPImageProcessor; open_clip's CLIPVisionCfg and CLIPTextCfg.
 * An explicit null counts as absent. Settings that would change the numbers and are not
 * implemented are refused, never ignored.
 */
#include "model/config.h"

#include "core/error.h"
#include "core/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const size_t most_config_bytes = 16u << 20;

static const float clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
static const float clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};

typedef struct reader {
    const char *path; /* for messages */
    int status;       /* the first failure sticks */
} reader;

static json_t *member(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static size_t read_size(reader *r, json_t *object, const char *key, size_t fallback, size_t most) {
    json_t *value = member(object, key);
    if (!value) return fallback;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        (uint64_t)json_integer_value(value) > most) {
        if (r->status == GLIMPSE_OK) {
            r->status =
                glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be a whole number from 1 to %zu",
                             r->path, key, most);
        }
        return fallback;
    }
    return (size_t)json_integer_value(value);
}

static double read_number(reader *r, json_t *object, const char *key, double fallback, double least,
                          double most) {
    json_t *value = member(object, key);
    if (!value) return fallback;
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    if (!(number >= least && number <= most)) {
        if (r->status == GLIMPSE_OK) {
            r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be a number from %g to %g",
                                     r->path, key, least, most);
        }
        return fallback;
    }
    return number;
}

static int read_flag(reader *r, json_t *object, const char *key, int fallback) {
    json_t *value = member(object, key);
    if (!value) return fallback;
    if (!json_is_boolean(value) && r->status == GLIMPSE_OK) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be true or false", r->path, key);
    }
    return json_is_true(value);
}

static void refuse(reader *r, const char *key, const char *value) {
    if (r->status == GLIMPSE_OK) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: \"%s\": %s is not supported", r->path,
                                 key, value);
    }
}

static void read_triple(reader *r, json_t *object, const char *key, const float fallback[3],
                        float out[3]) {
    memcpy(out, fallback, 3 * sizeof *out);
    json_t *value = member(object, key);
    if (!value) return;
    int good = json_is_array(value) && json_array_size(value) == 3;
    for (size_t i = 0; good && i < 3; i++) {
        json_t *item = json_array_get(value, i);
        good = json_is_number(item) && isfinite(json_number_value(item));
        if (good) out[i] = (float)json_number_value(item);
    }
    if (!good && r->status == GLIMPSE_OK) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be three numbers", r->path, key);
    }
}

static void read_normalization(reader *r, json_t *object, const char *mean, const char *std,
                               glimpse_preprocess *p) {
    read_triple(r, object, mean, clip_mean, p->mean);
    read_triple(r, object, std, clip_std, p->std);
    for (size_t c = 0; c < 3; c++) {
        if (!(p->std[c] > 0) && r->status == GLIMPSE_OK) {
            r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be positive", r->path, std);
        }
    }
}

static int load_json(json_t **out, const char *path) {
    *out = NULL;
    void *text = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&text, &size, path, most_config_bytes);
    if (status < 0) return status;
    json_error_t error;
    json_t *root = json_loadb(text, size, 0, &error);
    free(text);
    if (!root) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: line %d: %s", path, error.line, error.text);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: must hold a JSON object", path);
    }
    *out = root;
    return GLIMPSE_OK;
}

/* Limits that keep every later product of sizes far from overflow; the largest published CLIP has
 * width 1664, 48 layers and 378 pixels. */
enum {
    MOST_WIDTH = 16384,
    MOST_LAYERS = 512,
    MOST_SIDE = 4096,
    MOST_CONTEXT = 4096,
    MOST_VOCABULARY = 10000000
};

static void check_tower(reader *r, const glimpse_tower_config *tower, const char *name) {
    if (r->status == GLIMPSE_OK && tower->width % tower->heads != 0) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: the %s width %zu is no multiple of its %zu heads",
                         r->path, name, tower->width, tower->heads);
    }
}

static glimpse_activation read_activation(reader *r, json_t *object) {
    json_t *value = member(object, "hidden_act");
    if (!value) return GLIMPSE_ACTIVATION_QUICK_GELU;
    const char *name = json_string_value(value);
    if (name && strcmp(name, "quick_gelu") == 0) return GLIMPSE_ACTIVATION_QUICK_GELU;
    if (name && strcmp(name, "gelu") == 0) return GLIMPSE_ACTIVATION_GELU;
    refuse(r, "hidden_act", name ? name : "a value that is no name");
    return GLIMPSE_ACTIVATION_QUICK_GELU;
}

/* `text_config`, or the historic `text_config_dict`, which wins when it is there. */
static json_t *section(reader *r, json_t *root, const char *key, const char *old_key) {
    json_t *value = member(root, old_key);
    if (!value) value = member(root, key);
    if (value && !json_is_object(value) && r->status == GLIMPSE_OK) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be an object", r->path, key);
    }
    return value;
}

static void read_hf_tower(reader *r, json_t *object, glimpse_tower_config *tower, size_t width,
                          size_t mlp, size_t heads) {
    tower->width = read_size(r, object, "hidden_size", width, MOST_WIDTH);
    tower->mlp = read_size(r, object, "intermediate_size", mlp, 8 * MOST_WIDTH);
    tower->layers = read_size(r, object, "num_hidden_layers", 12, MOST_LAYERS);
    tower->heads = read_size(r, object, "num_attention_heads", heads, MOST_WIDTH);
    tower->eps = (float)read_number(r, object, "layer_norm_eps", 1e-5, 0.0, 1.0);
    tower->activation = read_activation(r, object);
}

static void read_hf(reader *r, json_t *root, glimpse_model_config *config) {
    const char *type = json_string_value(member(root, "model_type"));
    if (type && strcmp(type, "clip") != 0) {
        refuse(r, "model_type", type);
        return;
    }
    json_t *text = section(r, root, "text_config", "text_config_dict");
    json_t *vision = section(r, root, "vision_config", "vision_config_dict");
    if (!text && !vision && !type) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: not the configuration of a CLIP model",
                                 r->path);
        return;
    }
    config->layout = GLIMPSE_LAYOUT_HF;
    read_hf_tower(r, text, &config->text, 512, 2048, 8);
    read_hf_tower(r, vision, &config->vision, 768, 3072, 12);
    config->embedding = read_size(r, root, "projection_dim", 512, MOST_WIDTH);
    config->context = read_size(r, text, "max_position_embeddings", 77, MOST_CONTEXT);
    config->vocabulary = read_size(r, text, "vocab_size", 49408, MOST_VOCABULARY);
    config->image_size = read_size(r, vision, "image_size", 224, MOST_SIDE);
    config->patch = read_size(r, vision, "patch_size", 32, MOST_SIDE);
    if (read_size(r, vision, "num_channels", 3, 1024) != 3)
        refuse(r, "num_channels", "other than 3");
    config->end_id = (int32_t)read_number(r, text, "eos_token_id", 49407, 0, MOST_VOCABULARY);
    config->end_is_highest = config->end_id == 2;
}

/* An int, or an object with one of the usual sets of keys. */
static void read_hf_resize(reader *r, json_t *root, glimpse_preprocess *p, size_t fallback) {
    json_t *size = member(root, "size");
    p->resize = GLIMPSE_RESIZE_SHORTEST;
    if (!size || json_is_integer(size)) {
        p->resize_width = (uint32_t)read_size(r, root, "size", fallback, MOST_SIDE);
    } else if (json_is_object(size) && member(size, "shortest_edge")) {
        p->resize_width = (uint32_t)read_size(r, size, "shortest_edge", fallback, MOST_SIDE);
        if (member(size, "longest_edge")) refuse(r, "size", "a longest_edge");
    } else if (json_is_object(size) && member(size, "height") && member(size, "width")) {
        p->resize = GLIMPSE_RESIZE_EXACT;
        p->resize_width = (uint32_t)read_size(r, size, "width", fallback, MOST_SIDE);
        p->resize_height = (uint32_t)read_size(r, size, "height", fallback, MOST_SIDE);
    } else {
        refuse(r, "size", "this form");
    }
}

static void read_hf_preprocess(reader *r, json_t *root, glimpse_preprocess *p, size_t image_size) {
    memset(p, 0, sizeof *p);
    /* Without the file: CLIP's rules at the model's own size. With it: its class's defaults. */
    size_t fallback = root ? 224 : image_size;
    read_hf_resize(r, root, p, fallback);
    if (!read_flag(r, root, "do_resize", 1)) p->resize = GLIMPSE_RESIZE_NONE;
    p->resample =
        (glimpse_resample)read_number(r, root, "resample", GLIMPSE_RESAMPLE_BICUBIC, 0, 5);
    if (p->resample != GLIMPSE_RESAMPLE_BICUBIC && p->resample != GLIMPSE_RESAMPLE_BILINEAR) {
        refuse(r, "resample", "other than 2 (bilinear) and 3 (bicubic)");
    }
    p->crop_rule = GLIMPSE_CROP_HF;
    p->center_crop = read_flag(r, root, "do_center_crop", 1);
    json_t *crop = member(root, "crop_size");
    if (json_is_object(crop)) {
        p->height = (uint32_t)read_size(r, crop, "height", fallback, MOST_SIDE);
        p->width = (uint32_t)read_size(r, crop, "width", fallback, MOST_SIDE);
    } else {
        p->width = (uint32_t)read_size(r, root, "crop_size", fallback, MOST_SIDE);
        p->height = p->width;
    }
    if (!p->center_crop && p->resize == GLIMPSE_RESIZE_EXACT) {
        p->width = p->resize_width;
        p->height = p->resize_height;
    }
    p->scale = 1.0f;
    if (read_flag(r, root, "do_rescale", 1)) {
        p->scale = (float)read_number(r, root, "rescale_factor", 1.0 / 255.0, 0.0, 1e6);
    }
    p->normalize = read_flag(r, root, "do_normalize", 1);
    read_normalization(r, root, "image_mean", "image_std", p);
}

static void read_open_clip(reader *r, json_t *root, glimpse_model_config *config) {
    json_t *model = member(root, "model_cfg");
    json_t *vision = member(model, "vision_cfg"), *text = member(model, "text_cfg");
    if (!json_is_object(vision) || !json_is_object(text)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: needs model_cfg with vision_cfg and text_cfg", r->path);
        return;
    }
    static const char *const vision_refused[] = {"timm_model_name",
                                                 "attentional_pool",
                                                 "attn_pooler_queries",
                                                 "pos_embed_type",
                                                 "ls_init_value",
                                                 "no_ln_pre",
                                                 "final_ln_after_pool",
                                                 "act_kwargs",
                                                 "norm_kwargs",
                                                 "block_type",
                                                 "qk_norm",
                                                 "scaled_cosine_attn",
                                                 NULL};
    static const char *const text_refused[] = {"hf_model_name",
                                               "hf_tokenizer_name",
                                               "tokenizer_kwargs",
                                               "embed_cls",
                                               "ls_init_value",
                                               "proj_bias",
                                               "no_causal_mask",
                                               "act_kwargs",
                                               "norm_kwargs",
                                               "block_type",
                                               "qk_norm",
                                               "scaled_cosine_attn",
                                               NULL};
    for (size_t i = 0; vision_refused[i]; i++) {
        json_t *value = member(vision, vision_refused[i]);
        if (value && !json_is_false(value))
            refuse(r, vision_refused[i], "this setting of vision_cfg");
    }
    for (size_t i = 0; text_refused[i]; i++) {
        json_t *value = member(text, text_refused[i]);
        if (value && !json_is_false(value)) refuse(r, text_refused[i], "this setting of text_cfg");
    }
    const char *vision_pool = json_string_value(member(vision, "pool_type"));
    const char *text_pool = json_string_value(member(text, "pool_type"));
    if (vision_pool && strcmp(vision_pool, "tok") != 0) refuse(r, "pool_type", vision_pool);
    if (text_pool && strcmp(text_pool, "argmax") != 0) refuse(r, "pool_type", text_pool);
    const char *text_proj = json_string_value(member(text, "proj_type"));
    if (text_proj && strcmp(text_proj, "linear") != 0) refuse(r, "proj_type", text_proj);
    if (json_is_array(member(vision, "layers"))) refuse(r, "layers", "a ResNet");
    if (member(model, "multimodal_cfg")) refuse(r, "multimodal_cfg", "CoCa");

    config->layout = read_flag(r, model, "custom_text", 0) ? GLIMPSE_LAYOUT_OPENCLIP_CUSTOM
                                                           : GLIMPSE_LAYOUT_OPENCLIP;
    glimpse_activation activation = read_flag(r, model, "quick_gelu", 0)
                                        ? GLIMPSE_ACTIVATION_QUICK_GELU
                                        : GLIMPSE_ACTIVATION_GELU;
    config->embedding = read_size(r, model, "embed_dim", 512, MOST_WIDTH);
    config->image_size = read_size(r, vision, "image_size", 224, MOST_SIDE);
    config->patch = read_size(r, vision, "patch_size", 16, MOST_SIDE);
    glimpse_tower_config *v = &config->vision, *t = &config->text;
    v->width = read_size(r, vision, "width", 768, MOST_WIDTH);
    v->layers = json_is_array(member(vision, "layers"))
                    ? 12
                    : read_size(r, vision, "layers", 12, MOST_LAYERS);
    size_t head_width = read_size(r, vision, "head_width", 64, MOST_WIDTH);
    v->heads = v->width / head_width;
    if (v->heads == 0) v->heads = 1;
    v->mlp = (size_t)((double)v->width * read_number(r, vision, "mlp_ratio", 4.0, 0.01, 64.0));
    t->width = read_size(r, text, "width", 512, MOST_WIDTH);
    t->layers = read_size(r, text, "layers", 12, MOST_LAYERS);
    t->heads = read_size(r, text, "heads", 8, MOST_WIDTH);
    t->mlp = (size_t)((double)t->width * read_number(r, text, "mlp_ratio", 4.0, 0.01, 64.0));
    if (v->mlp == 0 || t->mlp == 0) refuse(r, "mlp_ratio", "so small a value");
    v->eps = t->eps = 1e-5f;
    v->activation = t->activation = activation;
    config->context = read_size(r, text, "context_length", 77, MOST_CONTEXT);
    config->vocabulary = read_size(r, text, "vocab_size", 49408, MOST_VOCABULARY);
    config->end_is_highest = 1;
    config->end_id = -1;

    json_t *pictures = member(root, "preprocess_cfg");
    glimpse_preprocess *p = &config->preprocess;
    memset(p, 0, sizeof *p);
    p->width = p->height = (uint32_t)config->image_size;
    p->resize_width = p->resize_height = (uint32_t)config->image_size;
    p->resize = GLIMPSE_RESIZE_SHORTEST;
    p->center_crop = 1;
    p->crop_rule = GLIMPSE_CROP_TORCHVISION;
    p->resample = GLIMPSE_RESAMPLE_BICUBIC;
    const char *mode = json_string_value(member(pictures, "resize_mode"));
    if (mode && strcmp(mode, "squash") == 0) {
        p->resize = GLIMPSE_RESIZE_EXACT;
        p->center_crop = 0;
    } else if (mode && strcmp(mode, "shortest") != 0) {
        refuse(r, "resize_mode", mode);
    }
    const char *interpolation = json_string_value(member(pictures, "interpolation"));
    if (interpolation && strcmp(interpolation, "bilinear") == 0) {
        p->resample = GLIMPSE_RESAMPLE_BILINEAR;
    } else if (interpolation && strcmp(interpolation, "bicubic") != 0 &&
               strcmp(interpolation, "random") != 0) {
        refuse(r, "interpolation", interpolation);
    }
    p->scale = 1.0f / 255.0f;
    p->normalize = 1;
    read_normalization(r, pictures, "mean", "std", p);
}

static void check(reader *r, const glimpse_model_config *c) {
    if (r->status < 0) return;
    check_tower(r, &c->vision, "vision");
    check_tower(r, &c->text, "text");
    const glimpse_preprocess *p = &c->preprocess;
    if (r->status == GLIMPSE_OK && c->patch > c->image_size) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: patches of %zu pixels in a picture of %zu",
                                 r->path, c->patch, c->image_size);
    }
    int ends_there = p->center_crop || p->resize == GLIMPSE_RESIZE_EXACT;
    if (r->status == GLIMPSE_OK &&
        (!ends_there || p->width != c->image_size || p->height != c->image_size)) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT,
                         "%s: the preprocessing does not end at the %zu x %zu pixels that the "
                         "model takes",
                         r->path, c->image_size, c->image_size);
    }
}

static int exists(const char *folder, const char *name) {
    char *path = glimpse_path_join(folder, name);
    struct stat info;
    int found = path && stat(path, &info) == 0;
    free(path);
    return found;
}

int glimpse_model_config_read(glimpse_model_config *out, const char *folder) {
    memset(out, 0, sizeof *out);
    struct stat info;
    if (stat(folder, &info) != 0) return glimpse_fail_errno("%s: no such model", folder);
    if (!S_ISDIR(info.st_mode)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: a model is a folder; this is a file", folder);
    }
    int open_clip =
        exists(folder, "open_clip_config.json") &&
        (!exists(folder, "config.json") || exists(folder, "open_clip_model.safetensors"));
    char *path = glimpse_path_join(folder, open_clip ? "open_clip_config.json" : "config.json");
    char *pictures_path = glimpse_path_join(folder, "preprocessor_config.json");
    json_t *root = NULL, *pictures = NULL;
    reader r = {path, GLIMPSE_OK};
    int status = GLIMPSE_OK;
    if (!path || !pictures_path) {
        status = glimpse_fail_nomem(strlen(folder), "a file name");
        goto done;
    }
    status = load_json(&root, path);
    if (status < 0) goto done;
    if (open_clip) {
        read_open_clip(&r, root, out);
    } else {
        read_hf(&r, root, out);
        if (r.status == GLIMPSE_OK && exists(folder, "preprocessor_config.json")) {
            r.path = pictures_path;
            status = load_json(&pictures, pictures_path);
            if (status < 0) goto done;
        }
        if (r.status == GLIMPSE_OK)
            read_hf_preprocess(&r, pictures, &out->preprocess, out->image_size);
    }
    check(&r, out);
    status = r.status;
done:
    json_decref(root);
    json_decref(pictures);
    free(path);
    free(pictures_path);
    return status;
}
