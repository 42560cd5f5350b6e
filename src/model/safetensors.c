/*
 * model/safetensors.c - opens weights in safetensors, in one file or in shards (the format:
 * safetensors.h).
 */
#include "model/safetensors.h"

#include "core/error.h"
#include "core/file.h"
#include "text/json_load.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The largest models of these families have 2000 tensors in a handful of files, described by 300
 * kB. What is far beyond that is no such model, and is refused before the time to parse it is
 * spent. */
enum { MAX_SHARDS = 1024, MAX_TENSORS = 32768 };
static const size_t max_header_bytes = 8u << 20;
static const size_t max_index_bytes = 8u << 20;

typedef struct shard {
    char *name; /* within the directory */
    char *path;
    glimpse_mapping mapping;
} shard;

struct glimpse_tensors {
    char *path;
    shard *shards;
    size_t shard_count;
    glimpse_tensor *items; /* sorted by name */
    size_t count;
    json_t **headers;     /* [shard_count]; own the names and dtypes */
    unsigned char *taken; /* [count] by place in `items`: handed out by glimpse_tensors_load() */
};

static size_t dtype_bytes(const char *dtype) {
    static const struct {
        const char *name;
        size_t bytes;
    } table[] = {{"F64", 8},  {"F32", 4},     {"F16", 2},     {"BF16", 2}, {"I64", 8}, {"I32", 4},
                 {"I16", 2},  {"I8", 1},      {"U64", 8},     {"U32", 4},  {"U16", 2}, {"U8", 1},
                 {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"C64", 8}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].name, dtype) == 0) return table[i].bytes;
    }
    return 0;
}

static int bad(const char *path, const char *name, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\": %s", path, name, what);
}

static int read_tensor(glimpse_tensor *tensor, const char *path, const char *name, json_t *entry,
                       const uint8_t *data, size_t data_bytes) {
    memset(tensor, 0, sizeof *tensor);
    tensor->name = name;
    json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape");
    json_t *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2) {
        return bad(path, name, "needs a dtype, a shape and two data_offsets");
    }
    tensor->dtype = json_string_value(dtype);
    size_t element = dtype_bytes(tensor->dtype);
    if (element == 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: tensor \"%s\": dtype \"%s\" is not known",
                            path, name, tensor->dtype);
    }
    tensor->rank = json_array_size(shape);
    if (tensor->rank > GLIMPSE_TENSOR_DIMS) return bad(path, name, "too many dimensions");
    tensor->count = 1;
    for (size_t i = 0; i < tensor->rank; i++) {
        json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) {
            return bad(path, name, "a dimension is not a whole number");
        }
        tensor->dims[i] = (size_t)json_integer_value(dim);
        if (__builtin_mul_overflow(tensor->count, tensor->dims[i], &tensor->count)) {
            return bad(path, name, "the product of its dimensions overflows");
        }
    }
    if (__builtin_mul_overflow(tensor->count, element, &tensor->bytes)) {
        return bad(path, name, "its size overflows");
    }
    json_t *begin_value = json_array_get(offsets, 0), *end_value = json_array_get(offsets, 1);
    if (!json_is_integer(begin_value) || !json_is_integer(end_value) ||
        json_integer_value(begin_value) < 0 || json_integer_value(end_value) < 0) {
        return bad(path, name, "a data offset is not a whole number");
    }
    uint64_t begin = (uint64_t)json_integer_value(begin_value);
    uint64_t end = (uint64_t)json_integer_value(end_value);
    if (begin > end || end > data_bytes) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: tensor \"%s\": data offsets %llu..%llu lie outside the %zu bytes "
                            "of data; the file is damaged or cut short",
                            path, name, (unsigned long long)begin, (unsigned long long)end,
                            data_bytes);
    }
    if (end - begin != tensor->bytes) {
        return glimpse_fail(
            GLIMPSE_E_FORMAT,
            "%s: tensor \"%s\": %llu bytes of data, but its shape and dtype need %zu", path, name,
            (unsigned long long)(end - begin), tensor->bytes);
    }
    tensor->data = data + begin;
    return GLIMPSE_OK;
}

static int by_place(const void *a, const void *b) {
    const glimpse_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* As in the reference, the tensors of a file lie one behind the other: no byte belongs to two of
 * them or to none. Sorts them by place. */
static int check_cover(const char *path, glimpse_tensor *items, size_t count, const uint8_t *data,
                       size_t data_bytes) {
    if (count > 1) qsort(items, count, sizeof *items, by_place);
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        size_t begin = (size_t)(items[i].data - data);
        if (begin < end) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: tensor \"%s\": its data_offsets %zu..%zu overlap those of "
                                "\"%s\"; the file is damaged",
                                path, items[i].name, begin, begin + items[i].bytes,
                                items[i - 1].name);
        }
        if (begin > end) {
            return glimpse_fail(GLIMPSE_E_FORMAT,
                                "%s: tensor \"%s\": its data_offsets %zu..%zu leave the bytes from "
                                "%zu on to no tensor; the file is damaged",
                                path, items[i].name, begin, begin + items[i].bytes, end);
        }
        end = begin + items[i].bytes;
    }
    if (end != data_bytes) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the tensors end at byte %zu of %zu bytes of data; the file is "
                            "damaged",
                            path, end, data_bytes);
    }
    return GLIMPSE_OK;
}

/* Adds the tensors of shard `index` to the set. */
static int read_shard(glimpse_tensors *set, size_t index) {
    shard *file = &set->shards[index];
    int status = glimpse_file_map(&file->mapping, file->path);
    if (status < 0) return status;
    const uint8_t *bytes = file->mapping.data;
    size_t size = file->mapping.size;
    if (size < 8) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %zu bytes are too few for a safetensors file",
                            file->path, size);
    }
    uint64_t header = 0;
    for (size_t i = 8; i-- > 0;)
        header = header << 8 | bytes[i];
    if (header > size - 8) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a header of %llu bytes does not fit the file of %zu bytes; not a "
                            "safetensors file, or cut short",
                            file->path, (unsigned long long)header, size);
    }
    if (header > max_header_bytes) {
        return glimpse_fail(GLIMPSE_E_LIMIT,
                            "%s: a header of %llu bytes, more than the %zu of any "
                            "model that can be used",
                            file->path, (unsigned long long)header, max_header_bytes);
    }
    json_error_t error;
    json_t *root = glimpse_json_load(bytes + 8, (size_t)header, JSON_REJECT_DUPLICATES, &error);
    if (!root && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, file->path);
    if (!root) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the header is not JSON: %s (byte %d)",
                            file->path, error.text, error.position);
    }
    set->headers[index] = root;
    if (!json_is_object(root)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the header is not an object", file->path);
    }
    size_t more = json_object_size(root);
    if (more > MAX_TENSORS || set->count + more > MAX_TENSORS) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d tensors", file->path, MAX_TENSORS);
    }
    glimpse_tensor *items = realloc(set->items, (set->count + more + 1) * sizeof *items);
    if (!items) return glimpse_fail_nomem((set->count + more) * sizeof *items, "a list of tensors");
    set->items = items;
    const uint8_t *data = bytes + 8 + header;
    size_t data_bytes = size - 8 - (size_t)header, first = set->count;
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        if (!json_is_object(entry)) return bad(file->path, name, "is not described by an object");
        status = read_tensor(&set->items[set->count], file->path, name, entry, data, data_bytes);
        if (status < 0) return status;
        set->items[set->count++].file = index;
    }
    return check_cover(file->path, set->items + first, set->count - first, data, data_bytes);
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
    shards[set->shard_count] = (shard){strdup(name), glimpse_path_join(directory, name), {NULL, 0}};
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
    int status = glimpse_file_read(&text, &size, set->path, max_index_bytes);
    if (status < 0) return status;
    json_error_t error;
    json_t *root = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root) return glimpse_json_failed(&error, set->path);
    *map_owner = root;
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no weight_map", set->path);
    } else if (json_object_size(map) > MAX_TENSORS) {
        status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: more than %d tensors", set->path, MAX_TENSORS);
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

int glimpse_tensors_open(glimpse_tensors **out, const char *directory, const char *const *names) {
    *out = NULL;
    int status = GLIMPSE_OK;
    json_t *index = NULL;
    glimpse_tensors *set = calloc(1, sizeof *set);
    if (!set) return glimpse_fail_nomem(sizeof *set, "a list of tensors");
    const char *found = NULL;
    for (size_t i = 0; names[i] && !found; i++) {
        free(set->path);
        set->path = glimpse_path_join(directory, names[i]);
        struct stat info;
        if (!set->path) {
            status = glimpse_fail_nomem(strlen(directory), "a file name");
            goto done;
        }
        if (stat(set->path, &info) == 0) found = names[i];
    }
    if (!found) {
        status =
            glimpse_fail(GLIMPSE_E_NOT_FOUND,
                         "%s: no weights (looked for %s). PyTorch .bin files are not read: get "
                         "the model in safetensors form",
                         directory, names[0]);
        goto done;
    }
    status = ends_with(found, ".json") ? read_index(&index, set, directory)
                                       : add_shard(set, directory, found);
    if (status < 0) goto done;
    set->headers = calloc(set->shard_count, sizeof(json_t *));
    if (!set->headers) {
        status = glimpse_fail_nomem(set->shard_count * sizeof(json_t *), "headers");
        goto done;
    }
    for (size_t i = 0; i < set->shard_count && status == GLIMPSE_OK; i++)
        status = read_shard(set, i);
    if (status < 0) goto done;
    if (set->count > 1) qsort(set->items, set->count, sizeof *set->items, by_name);
    for (size_t i = 1; i < set->count; i++) {
        if (strcmp(set->items[i - 1].name, set->items[i].name) == 0) {
            status = bad(set->path, set->items[i].name, "is in two files");
            goto done;
        }
    }
    status = index ? check_index(set, index) : GLIMPSE_OK;
    if (status < 0) goto done;
    set->taken = calloc(set->count + 1, 1);
    if (!set->taken) {
        status = glimpse_fail_nomem(set->count, "a list of tensors");
        goto done;
    }
    *out = set;
    set = NULL;
done:
    json_decref(index);
    glimpse_tensors_free(set);
    return status;
}

void glimpse_tensors_free(glimpse_tensors *set) {
    if (!set) return;
    for (size_t i = 0; i < set->shard_count; i++) {
        glimpse_file_unmap(&set->shards[i].mapping);
        if (set->headers) json_decref(set->headers[i]);
        free(set->shards[i].name);
        free(set->shards[i].path);
    }
    free(set->headers);
    free(set->shards);
    free(set->items);
    free(set->taken);
    free(set->path);
    free(set);
}

size_t glimpse_tensors_count(const glimpse_tensors *set) {
    return set->count;
}

const glimpse_tensor *glimpse_tensors_get(const glimpse_tensors *set, size_t i) {
    return i < set->count ? &set->items[i] : NULL;
}

const glimpse_tensor *glimpse_tensors_find(const glimpse_tensors *set, const char *name) {
    if (set->count == 0) return NULL;
    glimpse_tensor key = {.name = name};
    return bsearch(&key, set->items, set->count, sizeof key, by_name);
}

const char *glimpse_tensors_path(const glimpse_tensors *set) {
    return set->path;
}

size_t glimpse_tensors_mapped(const glimpse_tensors *set) {
    size_t bytes = 0;
    for (size_t i = 0; i < set->shard_count; i++)
        bytes += set->shards[i].mapping.size;
    return bytes;
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
    set->taken[tensor - set->items] = 1;
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
    return ends_with(name, "position_ids") || ends_with(name, "attn_mask");
}

const char *glimpse_tensors_left(const glimpse_tensors *set, const char *prefix) {
    size_t length = strlen(prefix), low = 0, high = set->count;
    while (low < high) { /* the first name that is not before the prefix */
        size_t middle = low + (high - low) / 2;
        if (strcmp(set->items[middle].name, prefix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < set->count && strncmp(set->items[low].name, prefix, length) == 0; low++) {
        if (!set->taken[low] && !is_no_weight(set->items[low].name)) return set->items[low].name;
    }
    return NULL;
}

int glimpse_tensors_check_finite(const glimpse_tensors *set) {
    for (size_t i = 0; i < set->count; i++) {
        const glimpse_tensor *tensor = &set->items[i];
        int bad_number = 0;
        if (is_no_weight(tensor->name)) continue; /* masks are made of infinity */
        if (strcmp(tensor->dtype, "F32") == 0) {
            bad_number = not_finite_32(tensor->data, tensor->count);
        } else if (strcmp(tensor->dtype, "F16") == 0) {
            bad_number = not_finite_16(tensor->data, tensor->count, 0x7c00);
        } else if (strcmp(tensor->dtype, "BF16") == 0) {
            bad_number = not_finite_16(tensor->data, tensor->count, 0x7f80);
        }
        if (!bad_number) continue;
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: tensor \"%s\" has a number that is infinite or none at all: the "
                            "file is damaged; get the model again",
                            set->path, tensor->name);
    }
    return GLIMPSE_OK;
}
