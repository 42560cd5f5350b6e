/*
 * vlm/blip/blip_model.c - opening a BLIP directory, and what there is to know about one.
 */
#include "core/error.h"
#include "core/options.h"
#include "math/init.h"
#include "vlm/blip/blip_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last part of the path, for people: "blip-vqa-base". */
static char *name_of(const char *path) {
    char *real = realpath(path, NULL);
    if (!real) return strdup(path);
    const char *slash = strrchr(real, '/');
    char *name = strdup(slash && slash[1] ? slash + 1 : real);
    free(real);
    return name;
}

static int has_prefix(const glimpse_tensors *tensors, const char *prefix) {
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        if (strncmp(glimpse_tensors_get(tensors, i)->name, prefix, strlen(prefix)) == 0) return 1;
    }
    return 0;
}

/* "architectures" decides; a configuration without it is told by its tensors. */
static int find_kind(glimpse_blip *model) {
    if (model->config.kind) return GLIMPSE_OK;
    int encoder = has_prefix(model->tensors, "text_encoder.");
    int decoder = has_prefix(model->tensors, "text_decoder.");
    if (encoder && glimpse_tensors_find(model->tensors, "itm_head.weight")) {
        model->config.kind = GLIMPSE_BLIP_MATCH;
    } else if (decoder) {
        model->config.kind = encoder ? GLIMPSE_BLIP_ANSWER : GLIMPSE_BLIP_CAPTION;
    } else {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: a BLIP model without ITM head and without decoder; what can be "
                            "used are BlipForImageTextRetrieval, BlipForConditionalGeneration and "
                            "BlipForQuestionAnswering",
                            model->path);
    }
    return GLIMPSE_OK;
}

static int load_features(glimpse_blip *model) {
    const glimpse_blip_config *c = &model->config;
    glimpse_loader l = {.math = &model->math, .tensors = model->tensors};
    model->vision_feature = glimpse_load_linear(&l, c->joint, c->vision.width, "", "vision_proj",
                                                GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    model->text_feature = glimpse_load_linear(&l, c->joint, c->text.width, "", "text_proj",
                                              GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    model->match = glimpse_load_linear(&l, 2, c->text.width, "", "itm_head",
                                       GLIMPSE_ACTIVATION_NONE, 0, GLIMPSE_ELEMENT_F32);
    return l.status;
}

static int load_weights(glimpse_blip *model) {
    const glimpse_blip_config *c = &model->config;
    int status = glimpse_blip_load_vision(&model->vision, &model->math, c, model->tensors);
    if (status < 0) return status;
    if (c->kind != GLIMPSE_BLIP_CAPTION) {
        status = glimpse_blip_load_stack(&model->encoder, &model->math, c, model->tensors,
                                         "text_encoder.", 0);
        if (status < 0) return status;
    }
    if (c->kind == GLIMPSE_BLIP_MATCH) return load_features(model);
    if (c->kind == GLIMPSE_BLIP_ANSWER && c->text.width != c->vision.width) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the decoder reads rows of the image tower's width %zu, but the "
                            "encoded question has %zu",
                            model->path, c->vision.width, c->text.width);
    }
    status = glimpse_blip_load_stack(&model->decoder, &model->math, c, model->tensors,
                                     "text_decoder.bert.", 1);
    if (status < 0) return status;
    return glimpse_blip_load_head(&model->head, &model->decoder, model->tensors);
}

int glimpse_blip_open(glimpse_blip **out, const char *path, const glimpse_blip_options *options) {
    *out = NULL;
    glimpse_blip_options settings = GLIMPSE_BLIP_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&settings, options, glimpse_blip_options, backend);
    if (status < 0) return status;
    glimpse_blip *model = calloc(1, sizeof *model);
    if (!model) return glimpse_fail_nomem(sizeof *model, "a model");
    model->path = strdup(path);
    model->name = name_of(path);
    if (!model->path || !model->name) {
        status = glimpse_fail_nomem(strlen(path), "a file name");
        goto done;
    }
    status = glimpse_math_init(&model->math, settings.backend, settings.precision);
    if (status < 0) goto done;
    status = glimpse_blip_config_read(&model->config, path);
    if (status < 0) goto done;
    status = glimpse_tensors_open(&model->tensors, path, glimpse_tensors_transformers);
    if (status < 0) goto done;
    status = find_kind(model);
    if (status < 0) goto done;
    status = glimpse_blip_open_tokenizer(model);
    if (status < 0) goto done;
    status = load_weights(model);
    if (status < 0) goto done;
    glimpse_math_describe(model->backend, sizeof model->backend, &model->math);
    *out = model;
    model = NULL;
done:
    glimpse_blip_close(model);
    return status;
}

void glimpse_blip_close(glimpse_blip *model) {
    if (!model) return;
    glimpse_tower_close(&model->vision);
    glimpse_blip_stack_close(&model->encoder);
    glimpse_blip_stack_close(&model->decoder);
    glimpse_blip_head_close(&model->head);
    glimpse_linear_free(model->vision_feature);
    glimpse_linear_free(model->text_feature);
    glimpse_linear_free(model->match);
    glimpse_tokenizer_free(model->tokenizer);
    glimpse_tensors_free(model->tensors);
    free(model->path);
    free(model->name);
    free(model);
}

int glimpse_blip_needs(const glimpse_blip *model, glimpse_blip_kind one, glimpse_blip_kind other) {
    static const char *const names[] = {"", "BlipForImageTextRetrieval",
                                        "BlipForConditionalGeneration", "BlipForQuestionAnswering"};
    if (model->config.kind == one || model->config.kind == other) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: a %s model; this needs a %s%s%s one", model->path,
                        names[model->config.kind], names[one], one == other ? "" : " or a ",
                        one == other ? "" : names[other]);
}

glimpse_blip_kind glimpse_blip_kind_of(const glimpse_blip *model) {
    return model->config.kind;
}

const char *glimpse_blip_path(const glimpse_blip *model) {
    return model->path;
}

const char *glimpse_blip_name(const glimpse_blip *model) {
    return model->name;
}

const char *glimpse_blip_backend_name(const glimpse_blip *model) {
    return model->backend;
}

glimpse_precision glimpse_blip_precision(const glimpse_blip *model) {
    return model->math.precision;
}

const glimpse_preprocess *glimpse_blip_preprocess(const glimpse_blip *model) {
    return &model->config.preprocess;
}

const glimpse_tokenizer *glimpse_blip_tokenizer(const glimpse_blip *model) {
    return model->tokenizer;
}

size_t glimpse_blip_image_tokens(const glimpse_blip *model) {
    return model->vision.tokens;
}

size_t glimpse_blip_image_width(const glimpse_blip *model) {
    return model->config.vision.width;
}

size_t glimpse_blip_text_width(const glimpse_blip *model) {
    return model->config.text.width;
}

size_t glimpse_blip_joint_width(const glimpse_blip *model) {
    return model->match ? model->config.joint : 0;
}

size_t glimpse_blip_vocabulary(const glimpse_blip *model) {
    return model->config.vocabulary;
}

size_t glimpse_blip_text_positions(const glimpse_blip *model) {
    return model->config.context;
}

size_t glimpse_blip_memory(const glimpse_blip *model) {
    return glimpse_tensors_mapped(model->tensors) + glimpse_tower_memory(&model->vision) +
           glimpse_blip_stack_memory(&model->encoder) + glimpse_blip_stack_memory(&model->decoder) +
           glimpse_blip_head_memory(&model->head) + glimpse_linear_memory(model->vision_feature) +
           glimpse_linear_memory(model->text_feature) + glimpse_linear_memory(model->match);
}

int glimpse_blip_read_preprocess(glimpse_preprocess *out, const char *path) {
    glimpse_blip_config config;
    int status = glimpse_blip_config_read(&config, path);
    memset(out, 0, sizeof *out);
    if (status == GLIMPSE_OK) *out = config.preprocess;
    return status;
}

int glimpse_blip_generation_defaults(glimpse_blip_generation *out, const glimpse_blip *model) {
    const glimpse_blip_config *c = &model->config;
    glimpse_blip_generation own = GLIMPSE_BLIP_GENERATION_INIT;
    int status = GLIMPSE_REPORT_CHECK(out, glimpse_blip_generation, flags);
    if (status < 0) return status;
    own.beams = c->beams;
    own.max_length = c->max_length < c->context ? c->max_length : c->context;
    own.min_length = c->min_length;
    own.length_penalty = c->length_penalty;
    GLIMPSE_REPORT_STORE(out, &own);
    return GLIMPSE_OK;
}
