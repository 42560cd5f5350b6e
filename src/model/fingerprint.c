/*
 * model/fingerprint.c - XXH3-128 over, in this order: a version word, the configuration in
 * canonical form (sizes, eps, activation, where the text is read, preprocessing), the tokenizer's
 * files (of SigLIP's settings only those that are read), and every tensor in order of name (name,
 * dtype, shape, bytes). Sharding, the order inside a file and keys without effect do not change it.
 *
 * Reading 600 MB of weights at every start would cost more than the search it is for, so the
 * result is remembered in the user's cache directory under a key made of the identities of the
 * files. That every weight is a finite number is looked at in the same go, so a remembered one says
 * that, too. The cache is a convenience: a file in it that is not exactly 32 digits is ignored, and
 * failing to write it is no failure.
 */
#include "model/fingerprint.h"

#include "core/error.h"
#include "core/file.h"
#include "model/fingerprint_parts.h"
#include "text/json_load.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const tokenizer_files[] = {"vocab.json", "merges.txt", "tokenizer.json", NULL};
static const char *const siglip_files[] = {
    "spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", NULL};

static const char *const *files_of(const glimpse_model_config *config) {
    return config->tokenizer == GLIMPSE_TOKENIZER_AUTO ? siglip_files : tokenizer_files;
}

/* Whether the layout says all there is to say, as it does for CLIP and SigLIP: libraries that were
 * made before there were others know those by their fingerprint. */
static int is_implied(const glimpse_model_config *c) {
    int siglip = c->layout == GLIMPSE_LAYOUT_SIGLIP;
    return c->image_architecture == GLIMPSE_IMAGE_VIT &&
           c->text_architecture == GLIMPSE_TEXT_CLIP && c->causal == !siglip &&
           c->text_projection == GLIMPSE_PROJECTION_MATRIX &&
           (c->padding == (siglip ? GLIMPSE_PADDING_TOKENIZER : GLIMPSE_PADDING_NONE)) &&
           (siglip
                ? c->text_pooling == GLIMPSE_TEXT_LAST
                : c->text_pooling == GLIMPSE_TEXT_HIGHEST || c->text_pooling == GLIMPSE_TEXT_END);
}

/* Sizes and activation are the tower's; the reference grid is what else a name can change. */
static void add_timm(glimpse_hasher *hasher, const glimpse_model_config *config) {
    const glimpse_timm_config *t = &config->timm;
    if (config->image_architecture != GLIMPSE_IMAGE_TIMM_VIT) return;
    glimpse_fingerprint_add_text(hasher, t->family);
    glimpse_fingerprint_add_number(hasher, "norms", (double)config->vision.norms);
    glimpse_fingerprint_add_number(hasher, "gated", (double)config->vision.gated);
    glimpse_fingerprint_add_number(hasher, "class_token", (double)t->class_token);
    glimpse_fingerprint_add_number(hasher, "rotary", (double)t->rotary);
    glimpse_fingerprint_add_number(hasher, "reference", (double)t->rotary_reference);
    glimpse_fingerprint_add_number(hasher, "offset", (double)t->rotary_offset);
    glimpse_fingerprint_add_number(hasher, "pool_heads", (double)t->pool_heads);
    glimpse_fingerprint_add_number(hasher, "head", (double)t->head);
}

static void add_config(glimpse_hasher *hasher, const glimpse_model_config *config) {
    const glimpse_preprocess *p = &config->preprocess;
    glimpse_fingerprint_add_number(hasher, "layout", (double)config->layout);
    glimpse_fingerprint_add_text(hasher, "vision");
    glimpse_fingerprint_add_tower(hasher, &config->vision);
    glimpse_fingerprint_add_text(hasher, "text");
    glimpse_fingerprint_add_tower(hasher, &config->text);
    glimpse_fingerprint_add_number(hasher, "image_size", (double)config->image_size);
    glimpse_fingerprint_add_number(hasher, "patch", (double)config->patch);
    glimpse_fingerprint_add_number(hasher, "context", (double)config->context);
    glimpse_fingerprint_add_number(hasher, "embedding", (double)config->embedding);
    glimpse_fingerprint_add_number(
        hasher, "end",
        config->text_pooling == GLIMPSE_TEXT_HIGHEST ? -1.0 : (double)config->end_id);
    glimpse_fingerprint_add_number(hasher, "resize", (double)p->resize);
    glimpse_fingerprint_add_number(hasher, "resize_width", (double)p->resize_width);
    glimpse_fingerprint_add_number(hasher, "resize_height", (double)p->resize_height);
    glimpse_fingerprint_add_number(hasher, "resample", (double)p->resample);
    glimpse_fingerprint_add_number(hasher, "center_crop", (double)p->center_crop);
    glimpse_fingerprint_add_number(hasher, "crop_rule", (double)p->crop_rule);
    glimpse_fingerprint_add_scaling(hasher, p);
    if (!is_implied(config)) {
        glimpse_fingerprint_add_number(hasher, "image", (double)config->image_architecture);
        glimpse_fingerprint_add_number(hasher, "text", (double)config->text_architecture);
        glimpse_fingerprint_add_number(hasher, "pooling", (double)config->text_pooling);
        glimpse_fingerprint_add_number(hasher, "padding", (double)config->padding);
        glimpse_fingerprint_add_number(hasher, "causal", (double)config->causal);
        glimpse_fingerprint_add_number(hasher, "first_position", (double)config->first_position);
        glimpse_fingerprint_add_number(hasher, "norms", (double)config->text.norms);
        glimpse_fingerprint_add_number(hasher, "projection", (double)config->text_projection);
        add_timm(hasher, config);
    }
    if (config->image_architecture == GLIMPSE_IMAGE_NAFLEX) {
        glimpse_fingerprint_add_number(hasher, "position_grid", (double)config->position_grid);
        glimpse_fingerprint_add_number(hasher, "max_patches", (double)p->max_patches);
    }
}

/* Files of the directory's tokenizer besides those above, NULL when there are none. Layouts of CLIP
 * have one tokenizer each. */
static int own_files(const char *const **out, const char *directory,
                     const glimpse_model_config *config) {
    *out = NULL;
    glimpse_tokenizer_kind kind;
    if (config->tokenizer != GLIMPSE_TOKENIZER_AUTO) return GLIMPSE_OK;
    int status = glimpse_tokenizer_recognise(&kind, directory, GLIMPSE_SIGN_CLASS);
    if (status == GLIMPSE_OK) *out = glimpse_tokenizer_type_of(kind)->files;
    return status;
}

/* What open_clip does to texts first, where that is more than its own tokenizer does. */
static int add_cleaning(glimpse_hasher *hasher, const char *directory,
                        const glimpse_model_config *config) {
    glimpse_tokenizer_cleaning cleaning;
    if (config->m_clip) return GLIMPSE_OK;
    if (config->layout != GLIMPSE_LAYOUT_OPENCLIP &&
        config->layout != GLIMPSE_LAYOUT_OPENCLIP_CUSTOM) {
        return GLIMPSE_OK;
    }
    int status = glimpse_tokenizer_cleaning_read(&cleaning, directory);
    if (status < 0) return status;
    if (!cleaning.text && !cleaning.strip_end && !*cleaning.language) return GLIMPSE_OK;
    glimpse_fingerprint_add_number(hasher, "cleaning", (double)cleaning.text);
    glimpse_fingerprint_add_number(hasher, "strip_end", (double)cleaning.strip_end);
    glimpse_fingerprint_add_text(hasher, cleaning.language);
    return GLIMPSE_OK;
}

/* 1: hashed, 0: not there. */
static int add_file(glimpse_hasher *hasher, const char *directory, const char *name) {
    int status = glimpse_fingerprint_add_file(hasher, directory, name, 1);
    return status == GLIMPSE_E_NOT_FOUND ? 0 : status < 0 ? status : 1;
}

/* The settings that decide ids, each in one form whatever its file looks like. */
static int add_settings(glimpse_hasher *hasher, const char *directory) {
    static const char *const keys[] = {
        "tokenizer_class", "do_lower_case", "add_bos_token",        "bos_token", "eos_token",
        "pad_token",       "unk_token",     "added_tokens_decoder", NULL};
    glimpse_tokenizer_settings settings;
    int status = glimpse_tokenizer_settings_read(&settings, directory);
    const json_t *files[2] = {settings.own, settings.map};
    for (size_t f = 0; status == GLIMPSE_OK && f < 2; f++) {
        for (size_t i = 0; status == GLIMPSE_OK && keys[i]; i++) {
            const json_t *value = json_object_get(files[f], keys[i]);
            if (!value) continue;
            char *text = glimpse_json_dump(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
            if (!text) status = glimpse_fail_nomem(1024, "settings");
            glimpse_fingerprint_add_text(hasher, keys[i]);
            if (text) glimpse_fingerprint_add_text(hasher, text);
            free(text);
        }
    }
    glimpse_tokenizer_settings_release(&settings);
    return status;
}

static int add_siglip_tokenizer(glimpse_hasher *hasher, const char *directory,
                                const char *const *own) {
    int status = add_file(hasher, directory, "spiece.model");
    if (status == 0) status = add_file(hasher, directory, "tokenizer.json");
    for (; status >= 0 && own && *own; own++)
        status = add_file(hasher, directory, *own);
    return status < 0 ? status : add_settings(hasher, directory);
}

/* tokenizer.json counts only where it is what the tokenizer reads. */
static int add_tokenizer(glimpse_hasher *hasher, const char *directory) {
    int found = 0;
    for (size_t i = 0; tokenizer_files[i]; i++) {
        if (i == 2 && found) break;
        int status = add_file(hasher, directory, tokenizer_files[i]);
        if (status < 0) return status;
        found = found || status > 0;
    }
    return GLIMPSE_OK;
}

static int add_identity(glimpse_hasher *hasher, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) return 0;
    char text[256];
    (void)snprintf(text, sizeof text, "%llu %llu %lld %lld.%09ld %lld.%09ld",
                   (unsigned long long)info.st_dev, (unsigned long long)info.st_ino,
                   (long long)info.st_size, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                   (long long)info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
    glimpse_fingerprint_add_text(hasher, path);
    glimpse_fingerprint_add_text(hasher, text);
    return 1;
}

/* Of those that are there; 0 when out of memory. */
static int add_identities(glimpse_hasher *hasher, const char *directory, const char *const *names) {
    for (; names && *names; names++) {
        char *file = glimpse_path_join(directory, *names);
        if (!file) return 0;
        (void)add_identity(hasher, file);
        free(file);
    }
    return 1;
}

/* Where the fingerprint of these very files would be remembered; NULL when nowhere. */
static char *cache_path(const char *directory, const glimpse_model_config *config,
                        const glimpse_tensors *const *sets, const char *const *own) {
    char *cache = glimpse_user_cache_directory();
    if (!cache) return NULL;
    char *path = NULL;
    char *real = realpath(directory, NULL);
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!real || !hasher) {
        if (hasher) (void)glimpse_hasher_finish(hasher);
        goto done;
    }
    glimpse_fingerprint_add_text(hasher, "glimpse fingerprint key 2");
    glimpse_fingerprint_add_text(hasher, real);
    add_config(hasher, config);
    int complete = add_cleaning(hasher, real, config) == GLIMPSE_OK;
    for (; *sets; sets++) {
        for (size_t i = 0; i < glimpse_tensors_file_count(*sets); i++)
            complete = add_identity(hasher, glimpse_tensors_file(*sets, i)) && complete;
    }
    complete = add_identities(hasher, real, files_of(config)) && complete;
    complete = add_identities(hasher, real, own) && complete;
    glimpse_hash key = glimpse_hasher_finish(hasher);
    char hex[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&key, hex);
    char *prepared = complete ? glimpse_path_join(cache, "fingerprints") : NULL;
    if (prepared) path = glimpse_path_join(prepared, hex);
    free(prepared);
done:
    free(real);
    free(cache);
    return path;
}

static int recall(char *hex, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    char text[GLIMPSE_HASH_HEX + 1] = {0};
    size_t got = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    if (got != GLIMPSE_HASH_HEX || text[GLIMPSE_HASH_HEX - 1] != '\n') return 0;
    text[GLIMPSE_HASH_HEX - 1] = '\0';
    glimpse_hash hash;
    if (!glimpse_hash_from_hex(&hash, text)) return 0;
    memcpy(hex, text, GLIMPSE_HASH_HEX);
    return 1;
}

static void remember(const char *hex, const char *path) {
    char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    if (slash) {
        *slash = '\0';
        glimpse_new_file file;
        if (glimpse_make_directories(directory) == GLIMPSE_OK &&
            glimpse_new_file_open(&file, path) == GLIMPSE_OK) {
            (void)fprintf(file.stream, "%s\n", hex);
            (void)glimpse_new_file_commit(&file);
        }
    }
    free(directory);
}

int glimpse_fingerprint(char *hex, const char *directory, const glimpse_model_config *config,
                        const glimpse_tensors *tensors, const glimpse_tensors *image) {
    const glimpse_tensors *sets[] = {tensors, image, NULL};
    /* Small models are hashed faster than a cache is asked. */
    const size_t worth_caching = 8u << 20;
    const char *const *own;
    int status = own_files(&own, directory, config);
    if (status < 0) return status;
    char *path = glimpse_tensors_mapped(tensors) >= worth_caching
                     ? cache_path(directory, config, sets, own)
                     : NULL;
    if (path && recall(hex, path)) {
        free(path);
        return GLIMPSE_OK;
    }
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) {
        status = glimpse_fail_nomem(0, "a hash");
        goto done;
    }
    glimpse_fingerprint_add_text(hasher, "glimpse fingerprint 1");
    add_config(hasher, config);
    status = add_cleaning(hasher, directory, config);
    if (status == GLIMPSE_OK) {
        status = config->tokenizer == GLIMPSE_TOKENIZER_AUTO
                     ? add_siglip_tokenizer(hasher, directory, own)
                     : add_tokenizer(hasher, directory);
    }
    for (size_t i = 0; sets[i] && status == GLIMPSE_OK; i++) {
        status = glimpse_tensors_check_sums(sets[i]);
        if (status == GLIMPSE_OK) glimpse_fingerprint_add_tensors(hasher, sets[i]);
        if (status == GLIMPSE_OK) status = glimpse_tensors_check_finite(sets[i]);
    }
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    if (status < 0) goto done;
    glimpse_hash_to_hex(&hash, hex);
    if (path) remember(hex, path);
done:
    free(path);
    return status;
}
