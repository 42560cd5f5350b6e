/*
 * model/fingerprint.c - XXH3-128 over, in this order: a version word, the configuration in
 * canonical form (sizes, eps, activation, where the text is read, preprocessing), the tokenizer's
 * files (of SigLIP's settings only those that are read), and every tensor in order of name (name,
 * dtype, shape, bytes). Sharding, the order inside a file and keys without effect do not change it.
 *
 * Reading 600 MB of weights at every start would cost more than the search it is for, so the
 * result is remembered in the user's cache folder under a key made of the identities of the
 * files. The cache is a convenience: a file in it that is not exactly 32 digits is ignored, and
 * failing to write it is no failure.
 */
#include "model/fingerprint.h"

#include "core/error.h"
#include "core/file.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const tokenizer_files[] = {"vocab.json", "merges.txt", "tokenizer.json", NULL};
static const char *const siglip_files[] = {
    "spiece.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", NULL};
static const size_t most_tokenizer_bytes = 256u << 20;

static const char *const *files_of(const glimpse_model_config *config) {
    return config->layout == GLIMPSE_LAYOUT_SIGLIP ? siglip_files : tokenizer_files;
}

static void add_text(glimpse_hasher *hasher, const char *text) {
    glimpse_hasher_update(hasher, text, strlen(text) + 1);
}

static void add_number(glimpse_hasher *hasher, const char *name, double value) {
    char text[96];
    (void)snprintf(text, sizeof text, "%s=%.17g", name, value);
    add_text(hasher, text);
}

static void add_tower(glimpse_hasher *hasher, const char *name, const glimpse_tower_config *tower) {
    add_text(hasher, name);
    add_number(hasher, "width", (double)tower->width);
    add_number(hasher, "mlp", (double)tower->mlp);
    add_number(hasher, "layers", (double)tower->layers);
    add_number(hasher, "heads", (double)tower->heads);
    add_number(hasher, "eps", (double)tower->eps);
    add_number(hasher, "activation", (double)tower->activation);
}

static void add_config(glimpse_hasher *hasher, const glimpse_model_config *config) {
    const glimpse_preprocess *p = &config->preprocess;
    add_number(hasher, "layout", (double)config->layout);
    add_tower(hasher, "vision", &config->vision);
    add_tower(hasher, "text", &config->text);
    add_number(hasher, "image_size", (double)config->image_size);
    add_number(hasher, "patch", (double)config->patch);
    add_number(hasher, "context", (double)config->context);
    add_number(hasher, "embedding", (double)config->embedding);
    add_number(hasher, "end", config->end_is_highest ? -1.0 : (double)config->end_id);
    add_number(hasher, "resize", (double)p->resize);
    add_number(hasher, "resize_width", (double)p->resize_width);
    add_number(hasher, "resize_height", (double)p->resize_height);
    add_number(hasher, "resample", (double)p->resample);
    add_number(hasher, "center_crop", (double)p->center_crop);
    add_number(hasher, "crop_rule", (double)p->crop_rule);
    add_number(hasher, "scale", (double)p->scale);
    add_number(hasher, "normalize", (double)p->normalize);
    for (size_t c = 0; c < 3; c++) {
        add_number(hasher, "mean", (double)p->mean[c]);
        add_number(hasher, "std", (double)p->std[c]);
    }
}

/* Files of the directory's tokenizer besides those above, NULL when there are none. Layouts of CLIP
 * have one tokenizer each, see model.c. */
static int own_files(const char *const **out, const char *folder,
                     const glimpse_model_config *config) {
    *out = NULL;
    glimpse_tokenizer_kind kind;
    if (config->layout != GLIMPSE_LAYOUT_SIGLIP) return GLIMPSE_OK;
    int status = glimpse_tokenizer_recognise(&kind, folder, GLIMPSE_SIGN_CLASS);
    if (status == GLIMPSE_OK) *out = glimpse_tokenizer_type_of(kind)->files;
    return status;
}

/* 1: hashed, 0: not there. */
static int add_file(glimpse_hasher *hasher, const char *folder, const char *name) {
    char *path = glimpse_path_join(folder, name);
    if (!path) return glimpse_fail_nomem(strlen(folder), "a file name");
    void *data = NULL;
    size_t size = 0;
    int status = glimpse_file_read(&data, &size, path, most_tokenizer_bytes);
    free(path);
    if (status == GLIMPSE_E_NOT_FOUND) return 0;
    if (status < 0) return status;
    add_text(hasher, name);
    glimpse_hasher_update(hasher, data, size);
    free(data);
    return 1;
}

/* The settings that decide ids, each in one form whatever its file looks like. */
static int add_settings(glimpse_hasher *hasher, const char *folder) {
    static const char *const keys[] = {
        "tokenizer_class", "do_lower_case", "add_bos_token",        "bos_token", "eos_token",
        "pad_token",       "unk_token",     "added_tokens_decoder", NULL};
    glimpse_tokenizer_settings settings;
    int status = glimpse_tokenizer_settings_read(&settings, folder);
    const json_t *files[2] = {settings.own, settings.map};
    for (size_t f = 0; status == GLIMPSE_OK && f < 2; f++) {
        for (size_t i = 0; status == GLIMPSE_OK && keys[i]; i++) {
            const json_t *value = json_object_get(files[f], keys[i]);
            if (!value) continue;
            char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
            if (!text) status = glimpse_fail_nomem(1024, "settings");
            add_text(hasher, keys[i]);
            if (text) add_text(hasher, text);
            free(text);
        }
    }
    glimpse_tokenizer_settings_release(&settings);
    return status;
}

static int add_siglip_tokenizer(glimpse_hasher *hasher, const char *folder,
                                const char *const *own) {
    int status = add_file(hasher, folder, "spiece.model");
    if (status == 0) status = add_file(hasher, folder, "tokenizer.json");
    for (; status >= 0 && own && *own; own++)
        status = add_file(hasher, folder, *own);
    return status < 0 ? status : add_settings(hasher, folder);
}

/* tokenizer.json counts only where it is what the tokenizer reads. */
static int add_tokenizer(glimpse_hasher *hasher, const char *folder) {
    int found = 0;
    for (size_t i = 0; tokenizer_files[i]; i++) {
        if (i == 2 && found) break;
        int status = add_file(hasher, folder, tokenizer_files[i]);
        if (status < 0) return status;
        found = found || status > 0;
    }
    return GLIMPSE_OK;
}

static void add_tensors(glimpse_hasher *hasher, const glimpse_tensors *tensors) {
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *tensor = glimpse_tensors_get(tensors, i);
        add_text(hasher, tensor->name);
        add_text(hasher, tensor->dtype);
        for (size_t d = 0; d < tensor->rank; d++)
            add_number(hasher, "dim", (double)tensor->dims[d]);
        glimpse_hasher_update(hasher, tensor->data, tensor->bytes);
    }
}

static int add_identity(glimpse_hasher *hasher, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) return 0;
    char text[256];
    (void)snprintf(text, sizeof text, "%llu %llu %lld %lld.%09ld %lld.%09ld",
                   (unsigned long long)info.st_dev, (unsigned long long)info.st_ino,
                   (long long)info.st_size, (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                   (long long)info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
    add_text(hasher, path);
    add_text(hasher, text);
    return 1;
}

/* Of those that are there; 0 when out of memory. */
static int add_identities(glimpse_hasher *hasher, const char *folder, const char *const *names) {
    for (; names && *names; names++) {
        char *file = glimpse_path_join(folder, *names);
        if (!file) return 0;
        (void)add_identity(hasher, file);
        free(file);
    }
    return 1;
}

/* Where the fingerprint of these very files would be remembered; NULL when nowhere. */
static char *cache_path(const char *folder, const glimpse_model_config *config,
                        const glimpse_tensors *tensors, const char *const *own) {
    char *cache = glimpse_user_cache_folder();
    if (!cache) return NULL;
    char *path = NULL;
    char *real = realpath(folder, NULL);
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!real || !hasher) {
        if (hasher) (void)glimpse_hasher_finish(hasher);
        goto done;
    }
    add_text(hasher, "glimpse fingerprint key 1");
    add_text(hasher, real);
    add_config(hasher, config);
    int complete = 1;
    for (size_t i = 0; i < glimpse_tensors_file_count(tensors); i++) {
        complete = add_identity(hasher, glimpse_tensors_file(tensors, i)) && complete;
    }
    complete = add_identities(hasher, real, files_of(config)) && complete;
    complete = add_identities(hasher, real, own) && complete;
    glimpse_hash key = glimpse_hasher_finish(hasher);
    char hex[GLIMPSE_HASH_HEX];
    glimpse_hash_to_hex(&key, hex);
    char *shelf = complete ? glimpse_path_join(cache, "fingerprints") : NULL;
    if (shelf) path = glimpse_path_join(shelf, hex);
    free(shelf);
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
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) {
        *slash = '\0';
        glimpse_new_file file;
        if (glimpse_make_folders(folder) == GLIMPSE_OK &&
            glimpse_new_file_open(&file, path) == GLIMPSE_OK) {
            (void)fprintf(file.stream, "%s\n", hex);
            (void)glimpse_new_file_commit(&file);
        }
    }
    free(folder);
}

int glimpse_fingerprint(char *hex, const char *folder, const glimpse_model_config *config,
                        const glimpse_tensors *tensors) {
    /* Small models are hashed faster than a cache is asked. */
    const size_t worth_caching = 8u << 20;
    const char *const *own;
    int status = own_files(&own, folder, config);
    if (status < 0) return status;
    char *path = glimpse_tensors_mapped(tensors) >= worth_caching
                     ? cache_path(folder, config, tensors, own)
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
    add_text(hasher, "glimpse fingerprint 1");
    add_config(hasher, config);
    status = config->layout == GLIMPSE_LAYOUT_SIGLIP ? add_siglip_tokenizer(hasher, folder, own)
                                                     : add_tokenizer(hasher, folder);
    if (status == GLIMPSE_OK) add_tensors(hasher, tensors);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    if (status < 0) goto done;
    glimpse_hash_to_hex(&hash, hex);
    if (path) remember(hex, path);
done:
    free(path);
    return status;
}
