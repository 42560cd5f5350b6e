/*
 * vlm/blip/blip_config.c - config.json and preprocessor_config.json of a BLIP directory.
 *
 * Both forms are read: the verbose one of early versions and the sparse one that leaves out what
 * equals the default. Settings that would change the numbers and are not implemented are refused.
 */
#include "vlm/blip/blip_config.h"

#include "core/error.h"
#include "core/file.h"
#include "model/config_reader.h"
#include "model/weights_alone.h"

#include <stdlib.h>
#include <string.h>

typedef glimpse_config_reader reader;

static void read_tower(reader *r, json_t *object, glimpse_tower_config *tower, size_t heads,
                       double eps) {
    const glimpse_tower_config defaults = {.width = 768,
                                           .mlp = 3072,
                                           .layers = 12,
                                           .heads = heads,
                                           .eps = (float)eps,
                                           .activation = GLIMPSE_ACTIVATION_GELU};
    glimpse_config_tower(r, object, tower, &defaults);
    if (r->status == GLIMPSE_OK && tower->width % tower->heads != 0) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: the width %zu is no multiple of its %zu heads",
                         r->path, tower->width, tower->heads);
    }
}

static glimpse_blip_kind read_kind(json_t *root) {
    static const char *const names[] = {"BlipForImageTextRetrieval", "BlipForConditionalGeneration",
                                        "BlipForQuestionAnswering"};
    json_t *list = glimpse_config_member(root, "architectures");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        for (size_t k = 0; name && k < 3; k++) {
            if (strcmp(name, names[k]) == 0) return (glimpse_blip_kind)(GLIMPSE_BLIP_MATCH + k);
        }
    }
    return (glimpse_blip_kind)0;
}

/* Zero is a length here, unlike for everything else that is counted. */
static size_t read_length(reader *r, json_t *text, const char *key, size_t fallback) {
    return (size_t)glimpse_config_number(r, text, key, (double)fallback, 0, 1e6);
}

static void read_text(reader *r, json_t *text, glimpse_blip_config *c) {
    read_tower(r, text, &c->text, 8, 1e-12);
    c->context = glimpse_config_size(r, text, "max_position_embeddings", 512, MAX_CONTEXT);
    c->vocabulary = glimpse_config_size(r, text, "vocab_size", 30524, MAX_VOCABULARY);
    c->dec_id = glimpse_config_id(r, text, "bos_token_id", 30522, c->vocabulary);
    c->sep_id = glimpse_config_id(r, text, "sep_token_id", 102, c->vocabulary);
    (void)glimpse_config_id(r, text, "eos_token_id", 2, c->vocabulary);
    (void)glimpse_config_id(r, text, "pad_token_id", 0, c->vocabulary);
    const char *positions =
        json_string_value(glimpse_config_member(text, "position_embedding_type"));
    if (positions && strcmp(positions, "absolute") != 0) {
        glimpse_config_refuse(r, "position_embedding_type", positions);
    }
    /* Generation settings live in the text part because its decoder is what generates. */
    c->beams = glimpse_config_size(r, text, "num_beams", 1, 1000);
    c->max_length = glimpse_config_size(r, text, "max_length", 20, 1000000);
    c->min_length = read_length(r, text, "min_length", 0);
    c->length_penalty = glimpse_config_number(r, text, "length_penalty", 1.0, -100.0, 100.0);
}

static void read_model(reader *r, json_t *root, glimpse_blip_config *c) {
    const char *type = json_string_value(glimpse_config_member(root, "model_type"));
    c->kind = read_kind(root);
    if (type ? strcmp(type, "blip") != 0 : c->kind == 0) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                 "%s: not the configuration of a BLIP model (\"model_type\" is %s)",
                                 r->path, type ? type : "missing");
        return;
    }
    json_t *text = glimpse_config_section(r, root, "text_config", "text_config_dict");
    json_t *vision = glimpse_config_section(r, root, "vision_config", "vision_config_dict");
    read_text(r, text, c);
    read_tower(r, vision, &c->vision, 12, 1e-5);
    c->image_size = glimpse_config_size(r, vision, "image_size", 384, MAX_SIDE);
    c->patch = glimpse_config_size(r, vision, "patch_size", 16, MAX_SIDE);
    if (glimpse_config_size(r, vision, "num_channels", 3, 1024) != 3)
        glimpse_config_refuse(r, "num_channels", "other than 3");
    c->joint = glimpse_config_size(r, root, "image_text_hidden_size", 256, MAX_WIDTH);
    if (r->status < 0) return;
    if (c->patch > c->image_size) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: patches of %zu pixels in a picture of %zu",
                                 r->path, c->patch, c->image_size);
    } else if (c->kind != GLIMPSE_BLIP_MATCH &&
               ((size_t)c->dec_id >= c->vocabulary || (size_t)c->sep_id >= c->vocabulary)) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: \"bos_token_id\" %d and \"sep_token_id\" %d must be below "
                                 "\"vocab_size\" %zu",
                                 r->path, (int)c->dec_id, (int)c->sep_id, c->vocabulary);
    }
}

/* BlipImageProcessor squashes to a square; an int, or an object with height and width. */
static void read_pictures(reader *r, json_t *root, glimpse_blip_config *c) {
    glimpse_preprocess *p = &c->preprocess;
    size_t fallback = root ? 384 : c->image_size;
    json_t *size = glimpse_config_member(root, "size");
    memset(p, 0, sizeof *p);
    p->resize = GLIMPSE_RESIZE_EXACT;
    if (json_is_object(size)) {
        if (!glimpse_config_member(size, "height") || !glimpse_config_member(size, "width"))
            glimpse_config_refuse(r, "size", "without height and width");
        p->resize_height = (uint32_t)glimpse_config_size(r, size, "height", fallback, MAX_SIDE);
        p->resize_width = (uint32_t)glimpse_config_size(r, size, "width", fallback, MAX_SIDE);
    } else {
        p->resize_width = (uint32_t)glimpse_config_size(r, root, "size", fallback, MAX_SIDE);
        p->resize_height = p->resize_width;
    }
    p->width = p->resize_width;
    p->height = p->resize_height;
    if (!glimpse_config_flag(r, root, "do_resize", 1))
        glimpse_config_refuse(r, "do_resize", "false");
    if (glimpse_config_flag(r, root, "do_center_crop", 0))
        glimpse_config_refuse(r, "do_center_crop", "true");
    p->crop_rule = GLIMPSE_CROP_HF;
    glimpse_config_read_values(r, root, glimpse_clip_mean, glimpse_clip_std, p);
    if (r->status < 0) return;
    if (p->width != c->image_size || p->height != c->image_size) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: pictures are made %u x %u pixels, but the model takes "
                                 "%zu x %zu",
                                 r->path, p->width, p->height, c->image_size, c->image_size);
    }
}

int glimpse_blip_config_read(glimpse_blip_config *out, const char *directory) {
    memset(out, 0, sizeof *out);
    int status = glimpse_config_check_directory(directory);
    if (status < 0) return status;
    if (!glimpse_config_has(directory, "config.json")) {
        return glimpse_weights_fail_directory(directory);
    }
    char *path = glimpse_path_join(directory, "config.json");
    char *pictures_path = NULL;
    json_t *root = NULL, *pictures = NULL;
    reader r = {path, GLIMPSE_OK};
    if (!path) {
        status = glimpse_fail_nomem(strlen(directory), "a file name");
        goto done;
    }
    status = glimpse_config_load(&root, path);
    if (status < 0) goto done;
    read_model(&r, root, out);
    json_t *rules = glimpse_config_picture_rules(&r, &pictures, &pictures_path, directory);
    if (r.status == GLIMPSE_OK) read_pictures(&r, rules, out);
    status = r.status;
done:
    json_decref(root);
    json_decref(pictures);
    free(path);
    free(pictures_path);
    return status;
}

int glimpse_blip_is_model(const char *path) {
    char *file = glimpse_path_join(path, "config.json");
    json_t *root = NULL;
    int found = 0;
    if (file && glimpse_config_load(&root, file) == GLIMPSE_OK) {
        const char *type = json_string_value(glimpse_config_member(root, "model_type"));
        found = type ? strcmp(type, "blip") == 0 : read_kind(root) != 0;
    }
    json_decref(root);
    free(file);
    return found;
}
