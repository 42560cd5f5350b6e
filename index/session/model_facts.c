/*
 * model_facts.c - what can be said about a model from its files.
 */
#include "model_facts.h"

#include "core/error.h"
#include "core/file.h"
#include "model/config.h"
#include "model/config_reader.h"
#include "model/tensors.h"
#include "places.h"
#include "text/json_load.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/model.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_RECORD = 4 << 20, SIGLIP2_VOCABULARY = 256000 };

/* Of a directory the files right in it, links followed. */
static uint64_t bytes_of(const char *path) {
    struct stat info;
    uint64_t bytes = 0;
    DIR *dir = opendir(path);
    if (!dir) return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (fstatat(dirfd(dir), entry->d_name, &info, 0) == 0 && S_ISREG(info.st_mode))
            bytes += (uint64_t)info.st_size;
    }
    (void)closedir(dir);
    return bytes;
}

/* Of texts that are not CLIP's or SigLIP's own. */
static const char *text_family_of(const glimpse_model_config *config) {
    if (config->m_clip) return "M-CLIP";
    if (config->text_architecture == GLIMPSE_TEXT_M2M) return "NLLB-CLIP";
    if (config->text_architecture == GLIMPSE_TEXT_BERT)
        return config->layout == GLIMPSE_LAYOUT_HF ? "Chinese-CLIP" : "XLM-R CLIP";
    if (config->text_architecture == GLIMPSE_TEXT_CLIP && config->causal && config->end_id == 2 &&
        config->text_pooling == GLIMPSE_TEXT_END)
        return "MetaCLIP 2";
    return NULL;
}

static const char *family_of(const glimpse_model_config *config) {
    const char *texts = text_family_of(config);
    if (texts) return texts;
    if (config->image_architecture == GLIMPSE_IMAGE_RESNET) return "CLIP ResNet";
    int siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    if (config->image_architecture == GLIMPSE_IMAGE_FASTVIT) return "MobileCLIP";
    if (config->image_architecture == GLIMPSE_IMAGE_NAFLEX) return "SigLIP 2 NaFlex";
    if (config->image_architecture == GLIMPSE_IMAGE_TIMM_VIT) {
        siglip = config->text_pooling == GLIMPSE_TEXT_LAST;
        if (!siglip) return config->timm.family;
    }
    if (!siglip) return "CLIP";
    return config->vocabulary >= SIGLIP2_VOCABULARY ? "SigLIP 2" : "SigLIP";
}

static int has_file(const char *directory, const char *name) {
    struct stat info;
    char *path = glimpse_session_format("%s/%s", directory, name);
    const int found = path && stat(path, &info) == 0;
    free(path);
    return found;
}

/* Of the numbers; ids of positions are none. */
static int count_parameters(double *millions, const char *directory) {
    glimpse_tensors *tensors = NULL;
    double count = 0.0;
    int status = glimpse_tensors_open(&tensors, directory, glimpse_tensors_transformers);
    if (status == GLIMPSE_E_NOT_FOUND && has_file(directory, "open_clip_config.json")) {
        status = glimpse_tensors_open(&tensors, directory, glimpse_tensors_open_clip);
    }
    /* Without one of its files, the message is about those that were looked for first. */
    for (size_t i = 0; status == GLIMPSE_E_NOT_FOUND && glimpse_tensors_mobileclip[i]; i++) {
        const char *name = glimpse_tensors_mobileclip[i];
        if (strncmp(name, "mobileclip_", 11) == 0 && has_file(directory, name))
            status = glimpse_tensors_open(&tensors, directory, glimpse_tensors_mobileclip);
    }
    if (status < 0) return status;
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *tensor = glimpse_tensors_get(tensors, i);
        if (tensor->dtype[0] == 'F' || tensor->dtype[0] == 'B') count += (double)tensor->count;
    }
    glimpse_tensors_free(tensors);
    *millions = count / 1e6;
    return GLIMPSE_OK;
}

/* M-CLIP's pictures are those of the model in image/. */
static int add_image_model(session_model_facts *facts, const char *directory) {
    double millions = 0.0;
    char *path = glimpse_session_format("%s/image", directory);
    if (!path) return glimpse_fail_nomem(64, "a path");
    int status = count_parameters(&millions, path);
    facts->parameters += millions;
    facts->bytes += bytes_of(path);
    free(path);
    return status;
}

static int read_blip(session_model_facts *facts, const char *directory) {
    glimpse_preprocess rules;
    facts->family = "BLIP";
    int status = glimpse_blip_read_preprocess(&rules, directory);
    if (status < 0) return status;
    facts->resolution = rules.width;
    return count_parameters(&facts->parameters, directory);
}

/* Whether it is there: a cache may have the rest of a model only. What is in it shows when it is
 * opened. */
static int check_vocabulary(const char *directory, const glimpse_model_config *config) {
    const int is_siglip = config->layout == GLIMPSE_LAYOUT_SIGLIP;
    static const char *const alone[] = {"tokenizer.json", "sentencepiece.bpe.model", "vocab.txt"};
    for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
        if (glimpse_config_has(directory, alone[i])) return GLIMPSE_OK;
    if (is_siglip ? glimpse_config_has(directory, "spiece.model")
                  : glimpse_config_has(directory, "vocab.json") &&
                        glimpse_config_has(directory, "merges.txt")) {
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no vocabulary (%s or tokenizer.json); %s gets it",
                        directory, is_siglip ? "spiece.model" : "vocab.json and merges.txt",
                        glimpse_wording("glimpse_session_open_pull", "ORG/NAME"));
}

static int read_encoder(session_model_facts *facts, const char *directory) {
    glimpse_model_config config;
    int status = glimpse_model_config_read(&config, directory);
    if (status < 0) return status;
    facts->family = family_of(&config);
    facts->dimension = (unsigned)config.embedding;
    facts->resolution = (unsigned)config.image_size;
    status = count_parameters(&facts->parameters, directory);
    if (status == GLIMPSE_OK && config.m_clip) status = add_image_model(facts, directory);
    if (status == GLIMPSE_OK) status = check_vocabulary(directory, &config);
    if (status == GLIMPSE_OK) {
        status = glimpse_model_read_fingerprint(facts->fingerprint, directory);
    }
    if (status < 0) facts->fingerprint[0] = '\0';
    return status;
}

int glimpse_session_read_facts(session_model_facts *out, const char *directory) {
    const glimpse_kept_error before = glimpse_error_keep();
    *out = (session_model_facts){.parameters = (double)NAN, .bytes = bytes_of(directory)};
    out->is_blip = glimpse_blip_is_model(directory);
    int status = out->is_blip ? read_blip(out, directory) : read_encoder(out, directory);
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0) {
        (void)snprintf(out->problem, sizeof out->problem, "%s",
                       glimpse_without_path(glimpse_last_error(), directory));
    }
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_session_is_encoder(const char *directory) {
    glimpse_model_config config;
    return glimpse_model_config_read(&config, directory) == GLIMPSE_OK;
}

char *glimpse_session_read_record(const char *directory, const char *key) {
    const glimpse_kept_error before = glimpse_error_keep();
    json_t *record = NULL;
    char *path = glimpse_session_format("%s/pulled.json", directory), *value = NULL;
    if (path && glimpse_json_object_load(&record, path, MAX_RECORD, 0) == GLIMPSE_OK) {
        const char *text = json_string_value(json_object_get(record, key));
        value = text ? strdup(text) : NULL;
    }
    json_decref(record);
    free(path);
    glimpse_error_restore(&before);
    return value;
}
