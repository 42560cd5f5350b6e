/*
 * model/model.c - opening a model directory, and what there is to know about one.
 */
#include "model/model_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/options.h"
#include "math/init.h"
#include "model/fingerprint.h"
#include "model/text_tower.h"
#include "text/tokenizer_kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const *weight_names(const glimpse_model_config *config) {
    if (config->layout == GLIMPSE_LAYOUT_MOBILECLIP) return glimpse_tensors_mobileclip;
    return config->layout == GLIMPSE_LAYOUT_HF || config->layout == GLIMPSE_LAYOUT_SIGLIP
               ? glimpse_tensors_transformers
               : glimpse_tensors_open_clip;
}

/* *image is that of the pictures where it is another one than that of the texts, else NULL. Both
 * are the caller's, after a failure as well. */
static int open_weights(glimpse_tensors **out, glimpse_tensors **image, const char *path,
                        const glimpse_model_config *config) {
    *image = NULL;
    if (!config->m_clip) return glimpse_tensors_open(out, path, weight_names(config));
    char *below = glimpse_path_join(path, "image");
    if (!below) return glimpse_fail_nomem(strlen(path), "a file name");
    int status = glimpse_tensors_open(image, below, weight_names(config));
    free(below);
    return status < 0 ? status : glimpse_tensors_open(out, path, glimpse_tensors_transformers);
}

static const glimpse_tensors *image_tensors(const glimpse_model *model) {
    return model->image_tensors ? model->image_tensors : model->tensors;
}

/* The last part of the path, for people: "clip-vit-base-patch32". */
static char *name_of(const char *path) {
    char *real = realpath(path, NULL);
    if (!real) return strdup(path);
    /* In the hub's cache that is a commit: models--ORG--NAME/snapshots/COMMIT. */
    char *snapshots = strstr(real, "/snapshots/");
    if (snapshots && !strchr(snapshots + strlen("/snapshots/"), '/')) {
        *snapshots = '\0';
        char *last = strrchr(real, '/');
        if (last && strncmp(last + 1, "models--", 8) == 0) {
            char *between = strstr(last + 9, "--");
            if (between) memmove(last + 1, between + 2, strlen(between + 2) + 1);
        } else {
            *snapshots = '/';
        }
    }
    const char *slash = strrchr(real, '/');
    char *name = strdup(slash && slash[1] ? slash + 1 : real);
    free(real);
    return name;
}

/* One number, as a scalar or as a vector of one. */
static int read_scalar(float *out, const glimpse_tensors *tensors, const char *name) {
    const glimpse_tensor *tensor = glimpse_tensors_find(tensors, name);
    size_t one = 1;
    glimpse_numbers numbers;
    int status =
        glimpse_tensors_load(&numbers, tensors, name, tensor && tensor->rank ? 1 : 0, &one);
    if (status == GLIMPSE_OK) glimpse_numbers_to_f32(out, &numbers);
    return status;
}

static int read_logits(glimpse_model *model) {
    float scale = 0;
    int status = read_scalar(&scale, image_tensors(model), "logit_scale");
    if (status < 0) return status;
    model->logit_scale = expf(scale);
    if (model->config.sigmoid) {
        status = read_scalar(&model->logit_bias, image_tensors(model), "logit_bias");
        if (status < 0) return status;
    } else if (glimpse_tensors_find(image_tensors(model), "logit_bias")) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: has a logit_bias, but the configuration says no "
                            "\"init_logit_bias\": whether scores go through a sigmoid is unclear",
                            glimpse_tensors_path(image_tensors(model)));
    }
    /* Trained ones are 10 to 120, and -17. Written so that what is no number fails as well. */
    if (!(model->logit_scale >= 2.0f && model->logit_scale <= 1e5f) ||
        !(fabsf(model->logit_bias) <= 1e4f)) {
        return glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s: logit_scale %g (its exponential is the scale) and logit_bias %g are "
            "not those of a trained model",
            glimpse_tensors_path(image_tensors(model)), (double)scale, (double)model->logit_bias);
    }
    return GLIMPSE_OK;
}

/* Layouts of CLIP have one tokenizer each. Others have several, which the directory tells apart by
 * all but open_clip_config.json: that may lie there as well. */
static int choose_tokenizer(glimpse_tokenizer_kind *out, const glimpse_model *model) {
    *out = model->config.tokenizer;
    if (*out != GLIMPSE_TOKENIZER_AUTO) return GLIMPSE_OK;
    return glimpse_tokenizer_recognise(out, model->path, GLIMPSE_SIGN_CLASS);
}

static int open_tokenizer(glimpse_model *model, const char *language) {
    glimpse_tokenizer_kind kind;
    /* transformers does not clean, whatever open_clip's configuration beside its own says. */
    glimpse_tokenizer_cleaning cleaning = {.text = GLIMPSE_CLEANING_NONE};
    int status = choose_tokenizer(&kind, model);
    int open_clip = model->config.layout == GLIMPSE_LAYOUT_OPENCLIP ||
                    model->config.layout == GLIMPSE_LAYOUT_OPENCLIP_CUSTOM;
    if (status == GLIMPSE_OK && open_clip && !model->config.m_clip)
        status = glimpse_tokenizer_cleaning_read(&cleaning, model->path);
    if (status == GLIMPSE_OK) {
        status = glimpse_tokenizer_load_cleaned(&model->tokenizer, model->path, kind, &cleaning);
    }
    model->language = -1;
    if (status == GLIMPSE_OK && language)
        status = glimpse_tokenizer_language(&model->language, model->tokenizer, language);
    if (status < 0) return status;
    if (model->config.padding == GLIMPSE_PADDING_TOKENIZER &&
        glimpse_tokenizer_pad_id(model->tokenizer) < 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the tokenizer has no padding token",
                            model->path);
    }
    status = glimpse_tokenizer_check(model->tokenizer, model->path, model->config.vocabulary);
    if (status < 0) return status;
    /* Published files have 0, which transformers once put there, or the tokenizer's. */
    int32_t start = model->tokenizer->start_id;
    if (model->config.layout == GLIMPSE_LAYOUT_HF && model->config.start_id > 2 &&
        model->config.start_id != start) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s/config.json: \"bos_token_id\" is %d, but the tokenizer begins "
                            "texts with %d",
                            model->path, (int)model->config.start_id, (int)start);
    }
    /* CLIP's embedding of a text is read at the end token: one that no text has would give all
     * texts the embedding of their first. */
    int32_t end = glimpse_tokenizer_end_id(model->tokenizer);
    if (model->config.text_pooling == GLIMPSE_TEXT_END && model->config.end_id != end) {
        int hf = model->config.layout == GLIMPSE_LAYOUT_HF;
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s/%s: \"%s\" is %d, but the tokenizer ends texts with %d",
                            model->path, hf ? "config.json" : "open_clip_config.json",
                            hf ? "eos_token_id" : "eos_id", (int)model->config.end_id, (int)end);
    }
    return GLIMPSE_OK;
}

/* Of what is not prepared: a library that was indexed with it must be one that can be searched. */
static int check_rest(glimpse_model *model, const char *language) {
    int status = open_tokenizer(model, language);
    if (status == GLIMPSE_OK && !(model->towers & GLIMPSE_TOWER_TEXT)) {
        glimpse_tokenizer_free(model->tokenizer);
        model->tokenizer = NULL;
        status = glimpse_text_tower_check(&model->math, &model->config, model->tensors);
    }
    if (status == GLIMPSE_OK && !(model->towers & GLIMPSE_TOWER_IMAGE)) {
        status = glimpse_image_tower_check(&model->math, &model->config, image_tensors(model));
    }
    return status;
}

static size_t mapped_bytes(const glimpse_model *model) {
    size_t bytes = glimpse_tensors_mapped(model->tensors);
    if (model->image_tensors) bytes += glimpse_tensors_mapped(model->image_tensors);
    return bytes;
}

/* Whether a tower can be opened below the limit of the process. What was prepared before is mapped;
 * else weights are read and, which may take half as much, prepared. */
static int check_memory(const glimpse_model *model, const glimpse_weights_cache *prepared) {
    const uint64_t max = glimpse_max_memory();
    if (max == UINT64_MAX) return GLIMPSE_OK;
    const uint64_t mapped = mapped_bytes(model), used = glimpse_memory_resident();
    const uint64_t needed = prepared->mapping.size ? prepared->mapping.size : mapped + mapped / 2;
    /* What is mapped was checked byte for byte, and is in memory. */
    const uint64_t others = used - (prepared->mapping.size < used ? prepared->mapping.size : used);
    if (needed <= max && others <= max - needed) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_NOMEM,
                        "%s: its weights take %llu MB%s beside the %llu MB that are in use, and "
                        "the limit is %llu MB (%s); a smaller model needs less",
                        model->path, (unsigned long long)((needed >> 20) + 1),
                        prepared->mapping.size ? "" : " until they are prepared",
                        (unsigned long long)(others >> 20), (unsigned long long)(max >> 20),
                        glimpse_wording("glimpse_set_max_memory", NULL));
}

/* Under a limit: what fingerprint and preparation read of the files is given back. */
static void drop_pages(const glimpse_model *model) {
    if (glimpse_max_memory() == UINT64_MAX) return;
    glimpse_tensors_drop_pages(model->tensors);
    if (model->image_tensors) glimpse_tensors_drop_pages(model->image_tensors);
}

int glimpse_model_open(glimpse_model **out, const char *path,
                       const glimpse_model_options *options) {
    *out = NULL;
    glimpse_model_options settings = GLIMPSE_MODEL_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&settings, options, glimpse_model_options, towers);
    if (status < 0) return status;
    if (settings.towers == 0) settings.towers = GLIMPSE_TOWER_BOTH;
    glimpse_model *model = calloc(1, sizeof *model);
    if (!model) return glimpse_fail_nomem(sizeof *model, "a model");
    model->towers = settings.towers & GLIMPSE_TOWER_BOTH;
    model->path = strdup(path);
    model->name = name_of(path);
    if (!model->path || !model->name) {
        status = glimpse_fail_nomem(strlen(path), "a file name");
        goto done;
    }
    status = glimpse_math_init(&model->math, settings.backend, settings.precision);
    if (status < 0) goto done;
    status = glimpse_model_config_read(&model->config, path);
    if (status < 0) goto done;
    status = open_weights(&model->tensors, &model->image_tensors, path, &model->config);
    if (status < 0) goto done;
    status = read_logits(model);
    if (status < 0) goto done;
    status = glimpse_fingerprint(model->fingerprint, path, &model->config, model->tensors,
                                 model->image_tensors);
    if (status < 0) goto done;
    status = check_rest(model, settings.language);
    if (status < 0) goto done;
    model->dimensions = settings.dimensions ? settings.dimensions : model->config.embedding;
    if (model->dimensions > model->config.embedding) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s: %zu dimensions; its embeddings have %zu",
                              path, model->dimensions, model->config.embedding);
        goto done;
    }
    drop_pages(model);
    int use_cache = !(settings.flags & GLIMPSE_MODEL_NO_WEIGHTS_CACHE);
    if (model->towers & GLIMPSE_TOWER_TEXT) {
        if (use_cache) {
            glimpse_weights_open(&model->text_weights, model->fingerprint, "text", &model->math);
        }
        status = check_memory(model, &model->text_weights);
        if (status < 0) goto done;
        status = glimpse_text_tower_open(&model->text, &model->math, &model->config, model->tensors,
                                         &model->text_weights.prepared);
        if (status < 0) goto done;
        glimpse_weights_store(&model->text_weights);
        drop_pages(model);
    }
    if (model->towers & GLIMPSE_TOWER_IMAGE) {
        if (use_cache) {
            glimpse_weights_open(&model->image_weights, model->fingerprint, "image", &model->math);
        }
        status = check_memory(model, &model->image_weights);
        if (status < 0) goto done;
        status = glimpse_image_tower_open(&model->image, &model->math, &model->config,
                                          image_tensors(model), &model->image_weights.prepared);
        if (status < 0) goto done;
        glimpse_weights_store(&model->image_weights);
        drop_pages(model);
    }
    /* Weights are prepared once, whatever is kept of what they give. */
    if (model->dimensions < model->config.embedding) {
        status = glimpse_model_shortened_fingerprint(model->fingerprint, model->fingerprint,
                                                     model->dimensions);
        if (status < 0) goto done;
    }
    glimpse_math_describe(model->backend, sizeof model->backend, &model->math);
    *out = model;
    model = NULL;
done:
    glimpse_model_close(model);
    return status;
}

void glimpse_model_close(glimpse_model *model) {
    if (!model) return;
    glimpse_image_tower_close(&model->image);
    glimpse_tower_close(&model->text);
    glimpse_weights_close(&model->image_weights);
    glimpse_weights_close(&model->text_weights);
    glimpse_tokenizer_free(model->tokenizer);
    glimpse_tensors_free(model->tensors);
    glimpse_tensors_free(model->image_tensors);
    free(model->path);
    free(model->name);
    free(model);
}

const char *glimpse_model_path(const glimpse_model *model) {
    return model->path;
}

const char *glimpse_model_name(const glimpse_model *model) {
    return model->name;
}

const char *glimpse_model_fingerprint(const glimpse_model *model) {
    return model->fingerprint;
}

unsigned glimpse_model_towers(const glimpse_model *model) {
    return model->towers;
}

size_t glimpse_model_embedding_size(const glimpse_model *model) {
    return model->dimensions;
}

size_t glimpse_model_context_length(const glimpse_model *model) {
    return model->config.context;
}

float glimpse_model_logit_scale(const glimpse_model *model) {
    return model->logit_scale;
}

float glimpse_model_logit_bias(const glimpse_model *model) {
    return model->logit_bias;
}

glimpse_scoring glimpse_model_scoring(const glimpse_model *model) {
    return model->config.sigmoid ? GLIMPSE_SCORING_SIGMOID : GLIMPSE_SCORING_SOFTMAX;
}

glimpse_precision glimpse_model_precision(const glimpse_model *model) {
    return model->math.precision;
}

const char *glimpse_model_backend_name(const glimpse_model *model) {
    return model->backend;
}

const glimpse_preprocess *glimpse_model_preprocess(const glimpse_model *model) {
    return &model->config.preprocess;
}

const glimpse_tokenizer *glimpse_model_tokenizer(const glimpse_model *model) {
    return model->tokenizer;
}

/* Converted, or mapped from the cache of these. */
static size_t prepared_bytes(const glimpse_model *model) {
    size_t bytes = model->image_weights.mapping.size + model->text_weights.mapping.size;
    if (model->towers & GLIMPSE_TOWER_IMAGE) bytes += glimpse_image_tower_memory(&model->image);
    if (model->towers & GLIMPSE_TOWER_TEXT) bytes += glimpse_tower_memory(&model->text);
    return bytes;
}

size_t glimpse_model_memory(const glimpse_model *model) {
    return mapped_bytes(model) + prepared_bytes(model);
}

size_t glimpse_model_working_memory(const glimpse_model *model) {
    /* Where a backend prepares weights, little of the files is read again: norms, tables. */
    const size_t prepared = prepared_bytes(model), mapped = mapped_bytes(model);
    return prepared > mapped / 8 ? prepared + mapped / 16 : prepared + mapped;
}

int glimpse_model_read_preprocess(glimpse_preprocess *out, const char *path) {
    glimpse_model_config config;
    int status = glimpse_model_config_read(&config, path);
    if (status < 0) {
        memset(out, 0, sizeof *out);
        return status;
    }
    *out = config.preprocess;
    return GLIMPSE_OK;
}

int glimpse_model_read_context_length(size_t *out, const char *path) {
    glimpse_model_config config;
    int status = glimpse_model_config_read(&config, path);
    *out = status < 0 ? 0 : config.context;
    return status;
}

int glimpse_model_read_fingerprint(char hex[33], const char *path) {
    hex[0] = '\0';
    glimpse_model_config config;
    glimpse_tensors *tensors = NULL, *image = NULL;
    int status = glimpse_model_config_read(&config, path);
    if (status == GLIMPSE_OK) status = open_weights(&tensors, &image, path, &config);
    if (status == GLIMPSE_OK) status = glimpse_fingerprint(hex, path, &config, tensors, image);
    glimpse_tensors_free(tensors);
    glimpse_tensors_free(image);
    return status;
}

int glimpse_model_shortened_fingerprint(char hex[33], const char whole[33], size_t dimensions) {
    if (dimensions == 0) {
        memmove(hex, whole, GLIMPSE_HASH_HEX);
        return GLIMPSE_OK;
    }
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(0, "a hash");
    char text[96];
    (void)snprintf(text, sizeof text, "%.32s, the first %zu", whole, dimensions);
    glimpse_hasher_update(hasher, text, strlen(text));
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, hex);
    return GLIMPSE_OK;
}
