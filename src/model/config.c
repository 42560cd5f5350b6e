/*
 * model/config.c - which configuration a directory has; config.json and preprocessor_config.json.
 *
 * Absent keys take the defaults of the classes that define them: transformers' CLIPTextConfig,
 * CLIPVisionConfig, CLIPConfig and CLIPImageProcessor; those of SigLIP stand in config_siglip.c,
 * those of OpenCLIP in config_open_clip.c.
 * An explicit null counts as absent. Settings that would change the numbers and are not
 * implemented are refused, never ignored.
 */
#include "model/config.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "model/config_reader.h"
#include "model/weights_alone.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_tower(glimpse_config_reader *r, const glimpse_tower_config *tower,
                        const char *name) {
    if (r->status == GLIMPSE_OK && tower->width % tower->heads != 0) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: the %s width %zu is no multiple of its %zu heads",
                         r->path, name, tower->width, tower->heads);
    }
}

static void read_hf_vision(glimpse_config_reader *r, json_t *vision, glimpse_model_config *config) {
    static const glimpse_tower_config defaults = {.width = 768,
                                                  .mlp = 3072,
                                                  .layers = 12,
                                                  .heads = 12,
                                                  .eps = 1e-5f,
                                                  .activation = GLIMPSE_ACTIVATION_QUICK_GELU};
    glimpse_config_tower(r, vision, &config->vision, &defaults);
    config->image_size = glimpse_config_size(r, vision, "image_size", 224, MAX_SIDE);
    config->patch = glimpse_config_size(r, vision, "patch_size", 32, MAX_SIDE);
    if (glimpse_config_size(r, vision, "num_channels", 3, 1024) != 3)
        glimpse_config_refuse(r, "num_channels", "other than 3");
}

/* CLIP's image tower beside BERT, of which the class token becomes the embedding. Texts are cut as
 * by its authors' own program (cn_clip), to 52 tokens: the table of positions has 512 rows. */
static void read_chinese_clip(glimpse_config_reader *r, json_t *root,
                              glimpse_model_config *config) {
    enum { CONTEXT = 52 };
    static const glimpse_tower_config defaults = {.width = 768,
                                                  .mlp = 3072,
                                                  .layers = 12,
                                                  .heads = 12,
                                                  .eps = 1e-12f,
                                                  .activation = GLIMPSE_ACTIVATION_GELU,
                                                  .norms = GLIMPSE_NORM_POST};
    json_t *text = glimpse_config_section(r, root, "text_config", "text_config_dict");
    json_t *vision = glimpse_config_section(r, root, "vision_config", "vision_config_dict");
    config->layout = GLIMPSE_LAYOUT_HF;
    config->text_architecture = GLIMPSE_TEXT_BERT;
    config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
    glimpse_config_tower(r, text, &config->text, &defaults);
    const char *positions = glimpse_config_text(r, text, "position_embedding_type");
    if (glimpse_config_flag(r, text, "is_decoder", 0))
        glimpse_config_refuse(r, "is_decoder", "true");
    if (positions && strcmp(positions, "absolute") != 0)
        glimpse_config_refuse(r, "position_embedding_type", positions);
    config->positions = glimpse_config_size(r, text, "max_position_embeddings", 512, MAX_CONTEXT);
    config->context = config->positions < CONTEXT ? config->positions : CONTEXT;
    config->token_types = glimpse_config_size(r, text, "type_vocab_size", 2, MAX_WIDTH);
    config->vocabulary = glimpse_config_size(r, text, "vocab_size", 30522, MAX_VOCABULARY);
    config->text_pooling = GLIMPSE_TEXT_FIRST;
    config->end_id = -1;
    read_hf_vision(r, vision, config);
    config->embedding = glimpse_config_size(r, root, "projection_dim", 512, MAX_WIDTH);
}

static void read_hf(glimpse_config_reader *r, json_t *root, glimpse_model_config *config) {
    static const glimpse_tower_config defaults = {.width = 512,
                                                  .mlp = 2048,
                                                  .layers = 12,
                                                  .heads = 8,
                                                  .eps = 1e-5f,
                                                  .activation = GLIMPSE_ACTIVATION_QUICK_GELU};
    const char *type = json_string_value(glimpse_config_member(root, "model_type"));
    if (type && strcmp(type, "siglip") == 0) {
        glimpse_config_read_siglip(r, root, config);
        return;
    }
    if (type && strcmp(type, "siglip2") == 0) {
        glimpse_config_read_naflex(r, root, config);
        return;
    }
    if (type && strcmp(type, "chinese_clip") == 0) {
        read_chinese_clip(r, root, config);
        return;
    }
    if (type && strcmp(type, "blip") == 0) {
        glimpse_config_refuse(r, "model_type",
                              "blip, a vision-language model, which re-ranks, captions and answers "
                              "and has no embeddings to search with,");
        return;
    }
    int metaclip2 = type && strcmp(type, "metaclip_2") == 0;
    if (type && !metaclip2 && strcmp(type, "clip") != 0) {
        glimpse_config_refuse(r, "model_type", type);
        return;
    }
    json_t *text = glimpse_config_section(r, root, "text_config", "text_config_dict");
    json_t *vision = glimpse_config_section(r, root, "vision_config", "vision_config_dict");
    if (!text && !vision && !type) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                 "%s: not the configuration of a CLIP or SigLIP model", r->path);
        return;
    }
    config->layout = GLIMPSE_LAYOUT_HF;
    config->tokenizer = GLIMPSE_TOKENIZER_CLIP_HF;
    glimpse_config_tower(r, text, &config->text, &defaults);
    read_hf_vision(r, vision, config);
    config->embedding = glimpse_config_size(r, root, "projection_dim", 512, MAX_WIDTH);
    config->context = glimpse_config_size(r, text, "max_position_embeddings", 77, MAX_CONTEXT);
    config->vocabulary = glimpse_config_size(r, text, "vocab_size", 49408, MAX_VOCABULARY);
    config->start_id = glimpse_config_id(r, text, "bos_token_id", 0, config->vocabulary);
    (void)glimpse_config_id(r, text, "pad_token_id", 0, config->vocabulary);
    config->causal = 1;
    config->end_id = glimpse_config_id(r, text, "eos_token_id", 49407, config->vocabulary);
    /* Old configurations of CLIP name a wrong id, for which transformers looks for the highest;
     * that of MetaCLIP 2's tokenizer is 2 indeed. */
    config->text_pooling =
        config->end_id == 2 && !metaclip2 ? GLIMPSE_TEXT_HIGHEST : GLIMPSE_TEXT_END;
    if (metaclip2) config->tokenizer = GLIMPSE_TOKENIZER_AUTO;
}

/* An int, or an object with one of the usual sets of keys. */
static void read_hf_resize(glimpse_config_reader *r, json_t *root, glimpse_preprocess *p,
                           size_t fallback) {
    json_t *size = glimpse_config_member(root, "size");
    p->resize = GLIMPSE_RESIZE_SHORTEST;
    if (!size || json_is_integer(size)) {
        p->resize_width = (uint32_t)glimpse_config_size(r, root, "size", fallback, MAX_SIDE);
    } else if (json_is_object(size) && glimpse_config_member(size, "shortest_edge")) {
        p->resize_width =
            (uint32_t)glimpse_config_size(r, size, "shortest_edge", fallback, MAX_SIDE);
        if (glimpse_config_member(size, "longest_edge"))
            glimpse_config_refuse(r, "size", "a longest_edge");
    } else if (json_is_object(size) && glimpse_config_member(size, "height") &&
               glimpse_config_member(size, "width")) {
        p->resize = GLIMPSE_RESIZE_EXACT;
        p->resize_width = (uint32_t)glimpse_config_size(r, size, "width", fallback, MAX_SIDE);
        p->resize_height = (uint32_t)glimpse_config_size(r, size, "height", fallback, MAX_SIDE);
    } else {
        glimpse_config_refuse(r, "size", "this form");
    }
}

static void read_hf_preprocess(glimpse_config_reader *r, json_t *root, glimpse_preprocess *p,
                               size_t image_size) {
    memset(p, 0, sizeof *p);
    /* Without the file: CLIP's rules at the model's own size. With it: its class's defaults. */
    size_t fallback = root ? 224 : image_size;
    read_hf_resize(r, root, p, fallback);
    if (!glimpse_config_flag(r, root, "do_resize", 1)) p->resize = GLIMPSE_RESIZE_NONE;
    p->crop_rule = GLIMPSE_CROP_HF;
    p->center_crop = glimpse_config_flag(r, root, "do_center_crop", 1);
    json_t *crop = glimpse_config_member(root, "crop_size");
    if (json_is_object(crop)) {
        p->height = (uint32_t)glimpse_config_size(r, crop, "height", fallback, MAX_SIDE);
        p->width = (uint32_t)glimpse_config_size(r, crop, "width", fallback, MAX_SIDE);
    } else {
        p->width = (uint32_t)glimpse_config_size(r, root, "crop_size", fallback, MAX_SIDE);
        p->height = p->width;
    }
    if (!p->center_crop && p->resize == GLIMPSE_RESIZE_EXACT) {
        p->width = p->resize_width;
        p->height = p->resize_height;
    }
    glimpse_config_read_values(r, root, glimpse_clip_mean, glimpse_clip_std, p);
}

/* The class of the image processor decides; it is named in the file, or is the model's own. */
static void read_pictures(glimpse_config_reader *r, json_t *root, glimpse_model_config *config) {
    const char *name = json_string_value(glimpse_config_member(root, "image_processor_type"));
    if (!name) name = json_string_value(glimpse_config_member(root, "feature_extractor_type"));
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    if (config->image_architecture == GLIMPSE_IMAGE_NAFLEX) {
        if (name && strncmp(name, "Siglip2ImageProcessor", 21) != 0) {
            glimpse_config_refuse(r, "image_processor_type", name);
            return;
        }
        glimpse_config_read_naflex_pictures(r, root, config);
        return;
    }
    if (name) siglip = strncmp(name, "Siglip", 6) == 0 || (siglip && strncmp(name, "CLIP", 4) != 0);
    if (siglip) {
        glimpse_config_read_siglip_pictures(r, root, config->image_size, &config->preprocess);
    } else {
        read_hf_preprocess(r, root, &config->preprocess, config->image_size);
    }
}

static void check(glimpse_config_reader *r, const glimpse_model_config *c) {
    if (r->status < 0) return;
    check_tower(r, &c->vision, "vision");
    check_tower(r, &c->text, "text");
    const glimpse_preprocess *p = &c->preprocess;
    if (r->status == GLIMPSE_OK && c->patch > c->image_size) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: patches of %zu pixels in a picture of %zu",
                                 r->path, c->patch, c->image_size);
    }
    int ends_there =
        p->center_crop || p->resize == GLIMPSE_RESIZE_EXACT || p->resize == GLIMPSE_RESIZE_PATCHES;
    if (r->status == GLIMPSE_OK &&
        (!ends_there || p->width != c->image_size || p->height != c->image_size)) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT,
                         "%s: the preprocessing does not end at the %zu x %zu pixels that the "
                         "model takes",
                         r->path, c->image_size, c->image_size);
    }
}

/* Of a directory that has both configurations: whether the weights that count are OpenCLIP's. */
static int prefers_open_clip(const char *directory) {
    static const struct {
        const char *name;
        int open_clip;
    } weights[] = {{"open_clip_model.safetensors", 1},
                   {"model.safetensors", 0},
                   {"model.safetensors.index.json", 0},
                   {"open_clip_pytorch_model.safetensors", 1},
                   {"pytorch_model.bin", 0},
                   {"pytorch_model.bin.index.json", 0},
                   {"open_clip_pytorch_model.bin", 1}};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
        if (glimpse_config_has(directory, weights[i].name)) return weights[i].open_clip;
    }
    return 0;
}

/* immich's names of models are known to the table: ViT-B-32__openai. */
static int fail_immich(const char *directory) {
    size_t end = strlen(directory);
    while (end > 1 && directory[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && directory[start - 1] != '/')
        start--;
    char name[128];
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - start), directory + start);
    if (!strstr(name, "__")) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: a model as immich keeps it, in ONNX, which is not read; %s",
                            directory, glimpse_download_advice());
    }
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: a model as immich keeps it, in ONNX, which is not read; %s gets the "
                        "same model in a form that is",
                        directory, glimpse_wording("glimpse_session_open_pull", name));
}

/* `alone`: the model below another, which must have pictures of its own. */
static int read_directory(glimpse_model_config *out, const char *directory, int alone) {
    memset(out, 0, sizeof *out);
    int status = glimpse_config_check_directory(directory);
    if (status < 0) return status;
    if (glimpse_config_has(directory, "visual/model.onnx") &&
        glimpse_config_has(directory, "textual/model.onnx")) {
        return fail_immich(directory);
    }
    const char *apple = glimpse_config_mobileclip_file(directory);
    if (!glimpse_config_has(directory, "config.json") && !apple &&
        !glimpse_config_has(directory, "open_clip_config.json")) {
        return glimpse_weights_fail_directory(directory);
    }
    int open_clip = glimpse_config_has(directory, "open_clip_config.json") &&
                    (!glimpse_config_has(directory, "config.json") || prefers_open_clip(directory));
    const char *name = open_clip ? "open_clip_config.json" : apple ? apple : "config.json";
    char *path = glimpse_path_join(directory, name);
    char *pictures_path = NULL;
    json_t *root = NULL, *pictures = NULL;
    glimpse_config_reader r = {path, GLIMPSE_OK};
    if (!path) {
        status = glimpse_fail_nomem(strlen(directory), "a file name");
        goto done;
    }
    status = glimpse_config_load(&root, path);
    if (status < 0) goto done;
    const char *type = json_string_value(glimpse_config_member(root, "model_type"));
    if (open_clip) {
        glimpse_config_read_open_clip(&r, root, out);
    } else if (apple || glimpse_config_member(root, "image_cfg")) {
        glimpse_config_read_mobileclip(&r, root, out);
    } else if (type && strcmp(type, "M-CLIP") == 0) {
        char *image = NULL;
        glimpse_config_m_clip_image(&r, root, directory, &image);
        if (r.status == GLIMPSE_OK && alone) {
            r.status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no pictures of its own", directory);
        } else if (r.status == GLIMPSE_OK) {
            r.status = read_directory(out, image, 1);
        }
        free(image);
        if (r.status == GLIMPSE_OK) glimpse_config_read_m_clip(&r, root, directory, out);
    } else {
        read_hf(&r, root, out);
        json_t *rules = glimpse_config_picture_rules(&r, &pictures, &pictures_path, directory);
        if (r.status == GLIMPSE_OK) read_pictures(&r, rules, out);
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

int glimpse_model_config_read(glimpse_model_config *out, const char *directory) {
    return read_directory(out, directory, 0);
}
