/*
 * model/tensors.c - opens the files of a model's weights, each through the reader of its format,
 * and hands out tensors by name.
 */
#include "model/tensors.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"
#include "model/safetensors.h"
#include "model/torch_file.h"
#include "text/json_load.h"

#include <glimpse/process.h>

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest models of these families have a handful of files, described by 300 kB. What is far
 * beyond that is no such model, and is refused before the time to parse it is spent. */
enum { MAX_SHARDS = 1024 };
static const size_t max_index_bytes = 8u << 20;

typedef struct shard {
    char *name; /* within the directory */
    char *path;
    glimpse_mapping mapping;
    json_t *header;            /* of safetensors; owns names and dtypes */
    glimpse_torch_file *torch; /* of PyTorch; owns names, and data that is not in the mapping */
} shard;

struct glimpse_tensors {
    char *path;
    shard *shards;
    size_t shard_count;
    glimpse_tensor_list list; /* sorted by name */
    unsigned char *taken;     /* by place in the list: handed out by glimpse_tensors_load() */
};

/* Safetensors first: they are checked the best, and nothing else is in them. OPEN_CLIP_PYTORCH is
 * what the converter of the hub makes of open_clip_pytorch_model.bin. */
#define OPEN_CLIP            "open_clip_model.safetensors"
#define OPEN_CLIP_PYTORCH    "open_clip_pytorch_model"
#define TRANSFORMERS         "model.safetensors"
#define TRANSFORMERS_PYTORCH "pytorch_model.bin"
#define WITH_INDEX(name)     name, name ".index.json"
const char *const glimpse_tensors_transformers[] = {WITH_INDEX(TRANSFORMERS),
                                                    WITH_INDEX(TRANSFORMERS_PYTORCH), NULL};
const char *const glimpse_tensors_open_clip[] = {WITH_INDEX(OPEN_CLIP), TRANSFORMERS,
                                                 OPEN_CLIP_PYTORCH ".safetensors",
                                                 WITH_INDEX(OPEN_CLIP_PYTORCH ".bin"), NULL};
const char *const glimpse_tensors_mobileclip[] = {TRANSFORMERS, "mobileclip_s0.pt",
                                                  "mobileclip_s1.pt", "mobileclip_s2.pt", NULL};

static int bad(const char *path, const char *name, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\": %s", path, name, what);
}

/* Adds the tensors of shard `index` to the set. */
static int read_shard(glimpse_tensors *set, size_t index) {
    shard *file = &set->shards[index];
    int status = glimpse_file_map(&file->mapping, file->path);
    if (status < 0) return status;
    const uint8_t *bytes = file->mapping.data;
    size_t size = file->mapping.size, first = set->list.count;
    status = glimpse_download_check_weights(file->path, bytes, size);
    if (status < 0) return status;
    if (glimpse_torch_is_file(bytes, size)) {
        status = glimpse_torch_read(&file->torch, &set->list, file->path, bytes, size);
    } else {
        status = glimpse_safetensors_read(&file->header, &set->list, file->path, bytes, size);
    }
    for (size_t i = first; i < set->list.count; i++)
        set->list.items[i].file = index;
    return status;
}

/* shard_count when it is none of them. */
static size_t find_shard(const glimpse_tensors *set, const char *name) {
    size_t i = 0;
    while (i < set->shard_count && strcmp(set->shards[i].name, name) != 0)
        i++;
    return i;
}

static int add_shard(glimpse_tensors *set, const char *directory, const char *name) {
    if (find_shard(set, name) < set->shard_count) return GLIMPSE_OK;
    if (set->shard_count == MAX_SHARDS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d files of weights", set->path,
                            MAX_SHARDS);
    }
    shard *shards = realloc(set->shards, (set->shard_count + 1) * sizeof *shards);
    if (!shards) return glimpse_fail_nomem(sizeof *shards, "a list of files");
    set->shards = shards;
    shards[set->shard_count] =
        (shard){.name = strdup(name), .path = glimpse_path_join(directory, name)};
    set->shard_count++;
    if (!shards[set->shard_count - 1].name || !shards[set->shard_count - 1].path) {
        return glimpse_fail_nomem(strlen(name), "a file name");
    }
    return GLIMPSE_OK;
}

/* The files that an index names; the names must stay inside the directory. *map_owner is the
 * caller's.
 */
static int read_index(json_t **map_owner, glimpse_tensors *set, const char *directory) {
    void *text = NULL;
    size_t size = 0;
    int status = glimpse_download_read(&text, &size, set->path, max_index_bytes);
    if (status < 0) return status;
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root) return glimpse_json_failed(&error, set->path);
    *map_owner = root;
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no weight_map", set->path);
    } else if (json_object_size(map) > GLIMPSE_MAX_TENSORS) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d tensors", set->path,
                              GLIMPSE_MAX_TENSORS);
    }
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value) {
        if (status < 0) break;
        const char *file = json_string_value(value);
        if (!file || !*file || strchr(file, '/') || strcmp(file, "..") == 0) {
            status =
                glimpse_fail(GLIMPSE_E_FORMAT, "%s: the file of \"%s\" is not a plain file name",
                             set->path, name);
            break;
        }
        status = add_shard(set, directory, file);
    }
    return status;
}

/* Every tensor of an index is in the file that the index says. */
static int check_index(const glimpse_tensors *set, json_t *root) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(root, "weight_map"), name, value) {
        const glimpse_tensor *tensor = glimpse_tensors_find(set, name);
        if (tensor && tensor->file == find_shard(set, json_string_value(value))) continue;
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\" is not in %s", set->path, name,
                            json_string_value(value));
    }
    return GLIMPSE_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const glimpse_tensor *)a)->name, ((const glimpse_tensor *)b)->name);
}

static int ends_with(const char *text, const char *ending) {
    size_t a = strlen(text), b = strlen(ending);
    return a >= b && strcmp(text + a - b, ending) == 0;
}

/* Weights of other programs that lie in the directory, and where, as messages say it; "" when there
 * are none. Looked for only when there are no others. */
static void find_others(char *text, size_t size, const char *directory) {
    static const char *const below[] = {"", "visual", "onnx"}; /* immich's, transformers' */
    text[0] = '\0';
    for (size_t i = 0; i < sizeof below / sizeof *below && !*text; i++) {
        char *place = i == 0 ? strdup(directory) : glimpse_path_join(directory, below[i]);
        DIR *dir = place ? opendir(place) : NULL;
        for (struct dirent *entry; dir && !*text && (entry = readdir(dir));) {
            uint8_t bytes[64];
            int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
            struct stat info;
            ssize_t got = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
                              ? read(fd, bytes, sizeof bytes)
                              : -1;
            if (fd >= 0) (void)close(fd);
            const char *format = got > 0 ? glimpse_download_format(bytes, (size_t)got) : NULL;
            if (!format) continue;
            (void)snprintf(text, size, "; %s%s%s is %s, which is not read", below[i],
                           i > 0 ? "/" : "", entry->d_name, format);
        }
        if (dir) (void)closedir(dir);
        free(place);
    }
}

static int fail_without_weights(const char *directory, const char *const *names) {
    char looked[512] = "", others[400];
    size_t used = 0;
    for (size_t i = 0; names[i] && used < sizeof looked; i++) {
        if (i > 0 && strncmp(names[i], names[i - 1], strlen(names[i - 1])) == 0) continue;
        int wrote =
            snprintf(looked + used, sizeof looked - used, "%s%s", used ? ", " : "", names[i]);
        if (wrote > 0) used += (size_t)wrote;
    }
    find_others(others, sizeof others, directory);
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: no weights (looked for %s)%s; %s", directory,
                        looked, others, glimpse_download_advice());
}

static int finish_open(glimpse_tensors *set, json_t *index) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < set->shard_count && status == GLIMPSE_OK; i++)
        status = read_shard(set, i);
    if (status < 0) return status;
    glimpse_tensor *items = set->list.items;
    size_t count = set->list.count;
    if (count > 1) qsort(items, count, sizeof *items, by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(items[i - 1].name, items[i].name) == 0) {
            return bad(set->path, items[i].name,
                       items[i - 1].file == items[i].file ? "is there twice" : "is in two files");
        }
    }
    if (index) status = check_index(set, index);
    if (status < 0) return status;
    set->taken = calloc(count + 1, 1);
    return set->taken ? GLIMPSE_OK : glimpse_fail_nomem(count, "a list of tensors");
}

/* `path` is that of `name` in `directory`, malloc'ed; it becomes the set's. */
static int open_weights(glimpse_tensors **out, char *path, const char *directory,
                        const char *name) {
    json_t *index = NULL;
    glimpse_tensors *set = calloc(1, sizeof *set);
    if (!set) {
        free(path);
        return glimpse_fail_nomem(sizeof *set, "a list of tensors");
    }
    set->path = path;
    int status = ends_with(name, ".json") ? read_index(&index, set, directory)
                                          : add_shard(set, directory, name);
    if (status == GLIMPSE_OK) status = finish_open(set, index);
    json_decref(index);
    if (status == GLIMPSE_OK) {
        *out = set;
    } else {
        glimpse_tensors_free(set);
    }
    return status;
}

/* As a cache leaves it whose files were deleted. */
static int fail_dangling(char *path) {
    int status =
        glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s: a link, and what it leads to is not there; %s", path,
                     glimpse_download_advice());
    free(path);
    return status;
}

int glimpse_tensors_open(glimpse_tensors **out, const char *directory, const char *const *names) {
    *out = NULL;
    for (size_t i = 0; names[i]; i++) {
        struct stat info;
        char *path = glimpse_path_join(directory, names[i]);
        if (!path) return glimpse_fail_nomem(strlen(directory), "a file name");
        if (stat(path, &info) == 0) return open_weights(out, path, directory, names[i]);
        if (lstat(path, &info) == 0) return fail_dangling(path);
        free(path);
    }
    return fail_without_weights(directory, names);
}

int glimpse_tensors_open_file(glimpse_tensors **out, const char *path) {
    *out = NULL;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *copy = strdup(path);
    char *directory = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
    int status = GLIMPSE_OK;
    if (!copy || !directory) {
        free(copy);
        status = glimpse_fail_nomem(strlen(path), "a file name");
    } else {
        status = open_weights(out, copy, directory, name);
    }
    free(directory);
    return status;
}

void glimpse_tensors_free(glimpse_tensors *set) {
    if (!set) return;
    for (size_t i = 0; i < set->shard_count; i++) {
        json_decref(set->shards[i].header);
        glimpse_torch_free(set->shards[i].torch);
        glimpse_file_unmap(&set->shards[i].mapping);
        free(set->shards[i].name);
        free(set->shards[i].path);
    }
    free(set->shards);
    free(set->list.items);
    free(set->taken);
    free(set->path);
    free(set);
}

size_t glimpse_tensors_count(const glimpse_tensors *set) {
    return set->list.count;
}

const glimpse_tensor *glimpse_tensors_get(const glimpse_tensors *set, size_t i) {
    return i < set->list.count ? &set->list.items[i] : NULL;
}

const glimpse_tensor *glimpse_tensors_find(const glimpse_tensors *set, const char *name) {
    if (set->list.count == 0) return NULL;
    glimpse_tensor key = {.name = name};
    return bsearch(&key, set->list.items, set->list.count, sizeof key, by_name);
}

const char *glimpse_tensors_path(const glimpse_tensors *set) {
    return set->path;
}

void glimpse_tensors_drop_pages(const glimpse_tensors *set) {
    for (size_t i = 0; i < set->shard_count; i++)
        glimpse_file_drop_pages(&set->shards[i].mapping);
}

void glimpse_tensors_pass(const glimpse_tensors *set, const glimpse_tensor *tensor) {
    enum { LARGE = 1 << 20 };
    if (tensor->bytes >= LARGE && glimpse_max_memory() != UINT64_MAX)
        glimpse_tensors_drop_pages(set);
}

size_t glimpse_tensors_mapped(const glimpse_tensors *set) {
    size_t bytes = 0;
    for (size_t i = 0; i < set->shard_count; i++)
        bytes += set->shards[i].mapping.size + glimpse_torch_memory(set->shards[i].torch);
    return bytes;
}

const char *glimpse_tensors_format(const glimpse_tensors *set) {
    const glimpse_torch_file *torch = set->shard_count > 0 ? set->shards[0].torch : NULL;
    return torch ? glimpse_torch_format(torch) : "safetensors";
}

int glimpse_tensors_check_sums(const glimpse_tensors *set) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < set->shard_count && status == GLIMPSE_OK; i++) {
        if (set->shards[i].torch) status = glimpse_torch_check_sums(set->shards[i].torch);
    }
    return status;
}

size_t glimpse_tensors_file_count(const glimpse_tensors *set) {
    return set->shard_count;
}

const char *glimpse_tensors_file(const glimpse_tensors *set, size_t i) {
    return i < set->shard_count ? set->shards[i].path : NULL;
}

static void format_shape(char *text, size_t capacity, size_t rank, const size_t *dims) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < rank && used < capacity; i++) {
        int wrote = snprintf(text + used, capacity - used, i ? " x %zu" : "%zu", dims[i]);
        if (wrote < 0) return;
        used += (size_t)wrote;
    }
    if (rank == 0) (void)snprintf(text, capacity, "a single number");
}

int glimpse_tensors_load(glimpse_numbers *out, const glimpse_tensors *set, const char *name,
                         size_t rank, const size_t *dims) {
    *out = (glimpse_numbers){NULL, GLIMPSE_DTYPE_F32, 0};
    const glimpse_tensor *tensor = glimpse_tensors_find(set, name);
    if (!tensor) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\" is missing", set->path, name);
    }
    int same = tensor->rank == rank;
    for (size_t i = 0; same && i < rank; i++)
        same = tensor->dims[i] == dims[i];
    /* A scalar may also be stored as a vector of one. */
    if (!same && rank == 0) same = tensor->count == 1;
    if (!same) {
        char is[128], should[128];
        format_shape(is, sizeof is, tensor->rank, tensor->dims);
        format_shape(should, sizeof should, rank, dims);
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\" is %s, the configuration says %s",
                            set->path, name, is, should);
    }
    if (strcmp(tensor->dtype, "F32") == 0) {
        out->dtype = GLIMPSE_DTYPE_F32;
    } else if (strcmp(tensor->dtype, "F16") == 0) {
        out->dtype = GLIMPSE_DTYPE_F16;
    } else if (strcmp(tensor->dtype, "BF16") == 0) {
        out->dtype = GLIMPSE_DTYPE_BF16;
    } else {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: tensor \"%s\" has dtype %s; F32, F16 and BF16 are read", set->path,
                            name, tensor->dtype);
    }
    out->data = tensor->data;
    out->count = tensor->count;
    set->taken[tensor - set->list.items] = 1;
    return GLIMPSE_OK;
}

/* 1 when one of the numbers has the exponent that infinity and NaN have. At
 * any alignment; written so that a compiler makes it vectors. */
static int not_finite_16(const uint8_t *data, size_t count, uint16_t exponent) {
    uint16_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, data + 2 * i, sizeof bits);
        found = (uint16_t)(found | ((bits & exponent) == exponent));
    }
    return found;
}

static int not_finite_32(const uint8_t *data, size_t count) {
    const uint32_t exponent = 0x7f800000u;
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, data + 4 * i, sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return found != 0;
}

/* Numbers that a class of models keeps beside its weights and can make anew. */
static int is_no_weight(const char *name) {
    return ends_with(name, "position_ids") || ends_with(name, "attn_mask") ||
           ends_with(name, "embed_positions.weights") || /* sinusoids */
           ends_with(name, "num_batches_tracked");
}

const char *glimpse_tensors_left(const glimpse_tensors *set, const char *prefix) {
    size_t length = strlen(prefix), low = 0, high = set->list.count;
    while (low < high) { /* the first name that is not before the prefix */
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->list.items[middle].name, prefix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < set->list.count && strncmp(set->list.items[low].name, prefix, length) == 0;
         low++) {
        if (!set->taken[low] && !is_no_weight(set->list.items[low].name))
            return set->list.items[low].name;
    }
    return NULL;
}

int glimpse_tensors_check_finite(const glimpse_tensors *set) {
    for (size_t i = 0; i < set->list.count; i++) {
        const glimpse_tensor *tensor = &set->list.items[i];
        int bad_number = 0;
        if (is_no_weight(tensor->name)) continue; /* masks are made of infinity */
        if (strcmp(tensor->dtype, "F32") == 0) {
            bad_number = not_finite_32(tensor->data, tensor->count);
        } else if (strcmp(tensor->dtype, "F16") == 0) {
            bad_number = not_finite_16(tensor->data, tensor->count, 0x7c00);
        } else if (strcmp(tensor->dtype, "BF16") == 0) {
            bad_number = not_finite_16(tensor->data, tensor->count, 0x7f80);
        }
        glimpse_tensors_pass(set, tensor);
        if (!bad_number) continue;
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: tensor \"%s\" has a number that is infinite or none at all: the "
                            "file is damaged; get the model again",
                            set->path, tensor->name);
    }
    return GLIMPSE_OK;
}
