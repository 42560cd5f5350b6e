/*
 * choose.c - which files of a repository are needed.
 *
 * One configuration, the tokenizer's files, and the weights once: in the first of these forms that
 * is there whole. What else is in a repository (ONNX, TensorFlow, flax, training states) is not.
 */
#include "hub.h"

#include "core/error.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_INDEX = 16 << 20, MAX_SHARDS = 1000 };

static const struct {
    const char *configuration, *weights;
    int is_index;
} forms[] = {
    {"config.json", "model.safetensors", 0},
    {"config.json", "model.safetensors.index.json", 1},
    {"open_clip_config.json", "open_clip_model.safetensors", 0},
    {"open_clip_config.json", "open_clip_model.safetensors.index.json", 1},
    {"open_clip_config.json", "model.safetensors", 0},
    {"open_clip_config.json", "open_clip_pytorch_model.safetensors", 0},
    {"config.json", "pytorch_model.bin", 0},
    {"config.json", "pytorch_model.bin.index.json", 1},
    {"open_clip_config.json", "open_clip_pytorch_model.bin", 0},
    {"mobileclip_s0.json", "mobileclip_s0.pt", 0},
};

/* What comes along where it is there. */
static const char *const others[] = {"config.json",
                                     "open_clip_config.json",
                                     "preprocessor_config.json",
                                     "processor_config.json",
                                     "tokenizer.json",
                                     "tokenizer_config.json",
                                     "special_tokens_map.json",
                                     "added_tokens.json",
                                     "vocab.json",
                                     "merges.txt",
                                     "vocab.txt",
                                     "spiece.model",
                                     "sentencepiece.bpe.model",
                                     "tokenizer.model",
                                     "generation_config.json",
                                     "LICENSE",
                                     "LICENSE.txt",
                                     "LICENSE.md",
                                     "LICENCE",
                                     "NOTICE"};

/* Where nothing above is there: what a repository has instead, for the message. */
static const char *const endings[] = {".onnx", ".h5",   ".msgpack", ".gguf",       ".tflite",
                                      ".pt",   ".ckpt", ".bin",     ".safetensors"};

typedef struct chosen {
    hub_file *files;
    size_t count, capacity;
} chosen;

void glimpse_hub_files_free(hub_file *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        glimpse_hub_file_free(&files[i]);
    free(files);
}

static int add(chosen *c, const hub_file *file, int is_weights) {
    if (c->count == c->capacity) {
        size_t capacity = 2 * c->capacity + 16;
        hub_file *grown = realloc(c->files, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "a list of files");
        c->files = grown;
        c->capacity = capacity;
    }
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->files[i].path, file->path) == 0) return GLIMPSE_OK;
    int status = glimpse_hub_file_copy(&c->files[c->count], file);
    if (status < 0) return status;
    c->files[c->count++].is_weights = is_weights;
    return GLIMPSE_OK;
}

/* Whether a shard is called as the weights are that an index ("model.safetensors.index.json") is
 * of. */
static int has_ending(const char *shard, const char *index) {
    const char *dot = strrchr(shard, '.'), *of_index = strchr(index, '.');
    return dot && of_index && strncmp(of_index, dot, strlen(dot)) == 0;
}

/* The shards that an index names. */
static int add_shards(chosen *c, hub_client *client, const char *repository,
                      const hub_listing *weights, const hub_file *index) {
    char *text = NULL;
    size_t size = 0, added = 0;
    json_error_t error;
    json_t *root = NULL;
    const char *tensor;
    const json_t *name;
    int status = glimpse_hub_read_file(&text, &size, client, repository, index, MAX_INDEX);
    if (status < 0) return status;
    root = glimpse_json_load(text, size, 0, &error);
    free(text);
    if (!root) return glimpse_json_failed(&error, index->path);
    json_object_foreach(json_object_get(root, "weight_map"), tensor, name) {
        const char *shard = json_string_value(name);
        const hub_file *file = shard ? glimpse_hub_listing_find(weights, shard) : NULL;
        if (status < 0) continue;
        if (!shard || !glimpse_hub_is_file_name(shard) || !has_ending(shard, index->path)) {
            status = glimpse_fail(GLIMPSE_E_FORMAT,
                                  "%s: %s names \"%.100s\", which is no name of a file in a model",
                                  repository, index->path, shard ? shard : "");
        } else if (!file) {
            status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                                  "%s: %s names %.100s, which the repository does not have",
                                  repository, index->path, shard);
        } else if (++added > 0 && c->count < MAX_SHARDS) {
            status = add(c, file, 1);
        } else {
            status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d files of weights", repository,
                                  MAX_SHARDS);
        }
    }
    json_decref(root);
    if (status == GLIMPSE_OK && added == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s names no files", repository, index->path);
    }
    return status;
}

static int fail_nothing(const hub_listing *listing, const char *repository) {
    char found[300] = "";
    size_t used = 0;
    for (size_t i = 0; i < listing->count; i++) {
        const char *path = listing->files[i].path;
        const char *ending = strrchr(path, '.');
        for (size_t k = 0; ending && k < sizeof endings / sizeof *endings; k++) {
            if (strcmp(ending, endings[k]) != 0 || used + strlen(path) + 3 > sizeof found) continue;
            used +=
                (size_t)snprintf(found + used, sizeof found - used, "%s%s", used ? ", " : "", path);
        }
    }
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s has no weights that are read here: %s%s; needed is config.json with "
                        "model.safetensors or pytorch_model.bin, or open_clip_config.json with "
                        "open_clip_model.safetensors or open_clip_pytorch_model.bin",
                        repository, used ? "it has " : "it has none right in its directory", found);
}

/* The configuration of the other form, whose weights stay away. */
static int is_left_out(const char *name, const char *configuration) {
    return strcmp(name, configuration) != 0 &&
           (strcmp(name, "config.json") == 0 || strcmp(name, "open_clip_config.json") == 0);
}

/* The first form whose weights and configuration are there; `configurations` are not looked at when
 * NULL. The number of forms: none is. */
static size_t find_form(const hub_listing *listing, const hub_listing *weights,
                        const json_t *configurations) {
    size_t form = 0;
    for (; form < sizeof forms / sizeof *forms; form++) {
        const char *name = forms[form].configuration;
        if (!glimpse_hub_listing_find(weights, forms[form].weights)) continue;
        if (glimpse_hub_listing_find(listing, name) || json_object_get(configurations, name)) break;
    }
    return form;
}

int glimpse_hub_choose(hub_file **files, size_t *count, const char **missing, hub_client *client,
                       const char *repository, const hub_listing *listing,
                       const hub_listing *weights, const json_t *configurations) {
    const size_t none = sizeof forms / sizeof *forms;
    chosen c = {0};
    int status = GLIMPSE_OK;
    *files = NULL;
    *count = 0;
    *missing = NULL;
    size_t form = find_form(listing, weights, NULL);
    if (form == none && configurations) {
        form = find_form(listing, weights, configurations);
        if (form < none) *missing = forms[form].configuration;
    }
    if (form == none) return fail_nothing(weights, repository);
    const hub_file *found = glimpse_hub_listing_find(weights, forms[form].weights);
    for (size_t i = 0; i < sizeof others / sizeof *others && status == GLIMPSE_OK; i++) {
        const hub_file *file = glimpse_hub_listing_find(listing, others[i]);
        if (!file || is_left_out(others[i], forms[form].configuration)) continue;
        status = add(&c, file, 0);
    }
    if (status == GLIMPSE_OK) status = add(&c, found, !forms[form].is_index);
    if (status == GLIMPSE_OK && forms[form].is_index) {
        status = add_shards(&c, client, repository, weights, found);
    }
    if (status < 0) {
        glimpse_hub_files_free(c.files, c.count);
        return status;
    }
    *files = c.files;
    *count = c.count;
    return GLIMPSE_OK;
}
