/*
 * model/config_reader.c - reads values out of a JSON configuration and checks each of them.
 */
#include "model/config_reader.h"

#include "core/error.h"
#include "core/file.h"
#include "model/weights_alone.h"
#include "text/json_load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const size_t max_config_bytes = 16u << 20;

const float glimpse_clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
const float glimpse_clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};

json_t *glimpse_config_member(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

size_t glimpse_config_size(glimpse_config_reader *r, json_t *object, const char *key,
                           size_t fallback, size_t max) {
    json_t *value = glimpse_config_member(object, key);
    if (!value) return fallback;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        (uint64_t)json_integer_value(value) > max) {
        if (r->status == GLIMPSE_OK) {
            r->status =
                glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be a whole number from 1 to %zu",
                             r->path, key, max);
        }
        return fallback;
    }
    return (size_t)json_integer_value(value);
}

double glimpse_config_number(glimpse_config_reader *r, json_t *object, const char *key,
                             double fallback, double min, double max) {
    json_t *value = glimpse_config_member(object, key);
    if (!value) return fallback;
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    if (!(number >= min && number <= max)) {
        if (r->status == GLIMPSE_OK) {
            r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be a number from %g to %g",
                                     r->path, key, min, max);
        }
        return fallback;
    }
    return number;
}

int32_t glimpse_config_id(glimpse_config_reader *r, json_t *object, const char *key,
                          int32_t fallback, size_t vocabulary) {
    json_t *value = glimpse_config_member(object, key);
    if (!value || r->status < 0) return fallback;
    if (!json_is_integer(value)) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be a whole number", r->path, key);
        return fallback;
    }
    long long id = (long long)json_integer_value(value);
    if (id < 0 || (unsigned long long)id >= vocabulary || id > INT32_MAX) {
        r->status = glimpse_fail(
            GLIMPSE_E_FORMAT, "%s: \"%s\" %lld is no token of a vocabulary of %zu (\"vocab_size\")",
            r->path, key, id, vocabulary);
        return fallback;
    }
    return (int32_t)id;
}

float glimpse_config_eps(glimpse_config_reader *r, json_t *object, double fallback) {
    return (float)glimpse_config_number(r, object, "layer_norm_eps", fallback, 1e-20, 1e-2);
}

int glimpse_config_flag(glimpse_config_reader *r, json_t *object, const char *key, int fallback) {
    json_t *value = glimpse_config_member(object, key);
    if (!value) return fallback;
    if (!json_is_boolean(value) && r->status == GLIMPSE_OK) {
        r->status =
            glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be true or false", r->path, key);
    }
    return json_is_true(value);
}

void glimpse_config_refuse(glimpse_config_reader *r, const char *key, const char *value) {
    if (r->status == GLIMPSE_OK) {
        r->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: \"%s\": %s is not supported", r->path,
                                 key, value);
    }
}

void glimpse_config_refuse_value(glimpse_config_reader *r, const char *key, const json_t *value) {
    enum { MAX_SHOWN = 120 };
    char *text = value ? glimpse_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY |
                                                      JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9))
                       : NULL;
    if (text && strlen(text) > MAX_SHOWN) memcpy(text + MAX_SHOWN - 3, "...", sizeof "...");
    glimpse_config_refuse(r, key, text ? text : "this value");
    free(text);
}

const char *glimpse_config_text(glimpse_config_reader *r, json_t *object, const char *key) {
    json_t *value = glimpse_config_member(object, key);
    if (value && !json_is_string(value)) glimpse_config_refuse_value(r, key, value);
    return json_string_value(value);
}

json_t *glimpse_config_object(glimpse_config_reader *r, json_t *object, const char *key) {
    json_t *value = glimpse_config_member(object, key);
    if (value && !json_is_object(value)) glimpse_config_refuse_value(r, key, value);
    return json_is_object(value) ? value : NULL;
}

int glimpse_config_is_one_of(const char *key, const char *const *known) {
    while (*known && strcmp(*known, key) != 0)
        known++;
    return *known != NULL;
}

void glimpse_config_refuse_unknown(glimpse_config_reader *r, json_t *object,
                                   const char *const *known) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (!glimpse_config_is_one_of(key, known)) glimpse_config_refuse_value(r, key, value);
    }
}

void glimpse_config_refuse_others(glimpse_config_reader *r, json_t *object,
                                  const char *const *known) {
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        if (!glimpse_config_is_one_of(key, known) && !json_is_null(value) && !json_is_false(value))
            glimpse_config_refuse_value(r, key, value);
    }
}

void glimpse_config_triple(glimpse_config_reader *r, json_t *object, const char *key,
                           const float fallback[3], float out[3]) {
    memcpy(out, fallback, 3 * sizeof *out);
    json_t *value = glimpse_config_member(object, key);
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

int glimpse_config_load(json_t **out, const char *path) {
    return glimpse_json_object_load(out, path, max_config_bytes, 0);
}

int glimpse_config_has(const char *directory, const char *name) {
    char *path = glimpse_path_join(directory, name);
    struct stat info;
    int found = path && stat(path, &info) == 0;
    free(path);
    return found;
}

int glimpse_config_check_directory(const char *directory) {
    struct stat info;
    if (stat(directory, &info) != 0) return glimpse_fail_errno("%s: no such model", directory);
    if (S_ISDIR(info.st_mode)) return GLIMPSE_OK;
    uint8_t bytes[256];
    FILE *file = S_ISREG(info.st_mode) ? fopen(directory, "rbe") : NULL;
    size_t got = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) (void)fclose(file);
    return glimpse_weights_fail_file(directory, bytes, got);
}

json_t *glimpse_config_picture_rules(glimpse_config_reader *r, json_t **file, char **path,
                                     const char *directory) {
    /* Newer versions of transformers put what all processors say into one file. */
    static const char apart[] = "preprocessor_config.json", together[] = "processor_config.json";
    const char *name = glimpse_config_has(directory, apart)      ? apart
                       : glimpse_config_has(directory, together) ? together
                                                                 : NULL;
    if (r->status < 0 || !name) return NULL;
    *path = glimpse_path_join(directory, name);
    if (!*path) {
        r->status = glimpse_fail_nomem(strlen(directory), "a file name");
        return NULL;
    }
    r->path = *path;
    r->status = glimpse_config_load(file, *path);
    if (r->status < 0) return NULL;
    return name == together ? glimpse_config_section(r, *file, "image_processor", "") : *file;
}

glimpse_activation glimpse_config_activation(glimpse_config_reader *r, json_t *object,
                                             glimpse_activation fallback) {
    static const struct {
        const char *name;
        glimpse_activation activation;
    } known[] = {
        {"quick_gelu", GLIMPSE_ACTIVATION_QUICK_GELU},
        {"gelu", GLIMPSE_ACTIVATION_GELU},
        /* transformers writes the same formula in three ways. */
        {"gelu_pytorch_tanh", GLIMPSE_ACTIVATION_GELU_TANH},
        {"gelu_new", GLIMPSE_ACTIVATION_GELU_TANH},
        {"gelu_fast", GLIMPSE_ACTIVATION_GELU_TANH},
    };
    json_t *value = json_object_get(object, "hidden_act"); /* transformers takes no null here */
    if (!value) return fallback;
    const char *name = json_string_value(value);
    for (size_t i = 0; name && i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(name, known[i].name) == 0) return known[i].activation;
    }
    glimpse_config_refuse(r, "hidden_act",
                          name                  ? name
                          : json_is_null(value) ? "null"
                                                : "a value that is no name");
    return fallback;
}

void glimpse_config_tower(glimpse_config_reader *r, json_t *object, glimpse_tower_config *tower,
                          const glimpse_tower_config *defaults) {
    tower->width = glimpse_config_size(r, object, "hidden_size", defaults->width, MAX_WIDTH);
    tower->mlp = glimpse_config_size(r, object, "intermediate_size", defaults->mlp, 8 * MAX_WIDTH);
    tower->layers =
        glimpse_config_size(r, object, "num_hidden_layers", defaults->layers, MAX_LAYERS);
    tower->heads =
        glimpse_config_size(r, object, "num_attention_heads", defaults->heads, MAX_WIDTH);
    tower->eps = glimpse_config_eps(r, object, (double)defaults->eps);
    tower->activation = glimpse_config_activation(r, object, defaults->activation);
    tower->norms = defaults->norms;
}

/* `text_config`, or the historic `text_config_dict`, which wins when it is there. */
json_t *glimpse_config_section(glimpse_config_reader *r, json_t *root, const char *key,
                               const char *old_key) {
    json_t *value = glimpse_config_member(root, old_key);
    if (!value) value = glimpse_config_member(root, key);
    if (value && !json_is_object(value) && r->status == GLIMPSE_OK) {
        r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" must be an object", r->path, key);
    }
    return value;
}

void glimpse_config_normalization(glimpse_config_reader *r, json_t *object, const char *mean,
                                  const char *std, const float usual_mean[3],
                                  const float usual_std[3], glimpse_preprocess *p) {
    glimpse_config_triple(r, object, mean, usual_mean, p->mean);
    glimpse_config_triple(r, object, std, usual_std, p->std);
    for (size_t c = 0; c < 3; c++) {
        if (!(p->std[c] > 0) && r->status == GLIMPSE_OK) {
            r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" %g must be positive", r->path,
                                     std, (double)p->std[c]);
        }
    }
}

void glimpse_config_check_values(glimpse_config_reader *r, const glimpse_preprocess *p,
                                 int rescaled) {
    /* CLIP's own rules bring white and black 3.7 apart, SigLIP's 2, those of a mean of 0 and a
     * deviation of 1 bring them 1 apart. Without rescaling it is 255 or what a deviation makes of
     * that: a picture may be meant that was scaled before. */
    const double min_apart = rescaled ? 0.1 : 1e-2, max = rescaled ? 10.0 : 1e5;
    for (size_t c = 0; c < 3 && r->status == GLIMPSE_OK; c++) {
        double mean = p->normalize ? (double)p->mean[c] : 0.0;
        double std = p->normalize ? (double)p->std[c] : 1.0;
        double black = -mean / std, white = (255.0 * (double)p->scale - mean) / std;
        if (white - black >= min_apart && fabs(black) <= max && fabs(white) <= max) continue;
        r->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: black would become %g and white %g (\"rescale_factor\" %g, "
                                 "mean %g, standard deviation %g): no model was trained so",
                                 r->path, black, white, (double)p->scale, mean, std);
    }
}

void glimpse_config_read_values(glimpse_config_reader *r, json_t *root, const float mean[3],
                                const float std[3], glimpse_preprocess *p) {
    p->resample = (glimpse_resample)glimpse_config_number(r, root, "resample",
                                                          GLIMPSE_RESAMPLE_BICUBIC, 0, 5);
    if (p->resample != GLIMPSE_RESAMPLE_BICUBIC && p->resample != GLIMPSE_RESAMPLE_BILINEAR) {
        glimpse_config_refuse(r, "resample", "other than 2 (bilinear) and 3 (bicubic)");
    }
    p->scale = 1.0f;
    int rescaled = glimpse_config_flag(r, root, "do_rescale", 1);
    if (rescaled) {
        p->scale = (float)glimpse_config_number(r, root, "rescale_factor", 1.0 / 255.0, 1e-9, 1e6);
    }
    p->normalize = glimpse_config_flag(r, root, "do_normalize", 1);
    glimpse_config_normalization(r, root, "image_mean", "image_std", mean, std, p);
    glimpse_config_check_values(r, p, rescaled);
}
