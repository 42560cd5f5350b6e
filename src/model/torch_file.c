/*
 * model/torch_file.c - finds the tensors in a file of PyTorch's and where their numbers are (the
 * formats: torch_file.h).
 */
#include "model/torch_file.h"

#include "core/error.h"
#include "core/utf8.h"
#include "model/pickle.h"
#include "model/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NAME = 255,
    MAX_DEPTH = 32,       /* of modules in modules */
    MAX_VISITS = 1 << 18, /* of attributes, on all paths */
    TIMES_FILE = 8,       /* what all tensors may have together */
    SPARE = 1 << 16
};
static const size_t max_pickle_bytes = 256u << 20;

typedef enum torch_format { FORMAT_ZIP, FORMAT_SCRIPT, FORMAT_OLD } torch_format;

struct glimpse_torch_file {
    char *path;
    torch_format format;
    const uint8_t *data;
    size_t size;
    glimpse_zip zip;
    size_t root_length; /* of ROOT, with the name of any entry before it */
    const char *root;
    int big_endian;
    void **owned; /* names and copies of tensors */
    size_t owned_count, owned_capacity;
    size_t copied, budget; /* bytes copied; bytes that tensors may still have */
    size_t visits;
};

typedef glimpse_torch_file torch_file;
typedef glimpse_pickle_value value;

static const uint8_t old_magic[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc,
                                    0x9c, 0x46, 0xf9, 0x20, 0x6a};

static int is_tar(const uint8_t *data, size_t size) {
    return size >= 512 && memcmp(data + 257, "ustar", 5) == 0;
}

int glimpse_torch_is_file(const uint8_t *data, size_t size) {
    if (size >= 4 && memcmp(data, "PK\3\4", 4) == 0) return 1;
    if (size >= 4 && memcmp(data, "PK\5\6", 4) == 0) return 1; /* an archive of nothing */
    if (is_tar(data, size)) return 1;
    /* A pickle; the length of a header of safetensors could be the same bytes. */
    return size > 8 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5 && data[8] != '{';
}

static int own(torch_file *file, void *memory) {
    if (memory && file->owned_count == file->owned_capacity) {
        size_t capacity = file->owned_capacity ? 2 * file->owned_capacity : 64;
        void **owned = realloc(file->owned, capacity * sizeof *owned);
        if (owned) {
            file->owned = owned;
            file->owned_capacity = capacity;
        } else {
            free(memory);
            memory = NULL;
        }
    }
    if (!memory) return glimpse_fail_nomem(file->owned_capacity, "weights");
    file->owned[file->owned_count++] = memory;
    return GLIMPSE_OK;
}

static int bad(const torch_file *file, const char *name, const char *what) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: tensor \"%s\": %s; the file is damaged", file->path,
                        name, what);
}

/*
 * Storages.
 */
static glimpse_zip_entry *find_entry(const torch_file *file, const char *middle, const char *name,
                                     size_t name_length) {
    char path[512];
    size_t middle_length = strlen(middle);
    size_t length = file->root_length + middle_length + name_length;
    if (length > sizeof path) return NULL;
    memcpy(path, file->root, file->root_length);
    memcpy(path + file->root_length, middle, middle_length);
    memcpy(path + file->root_length + middle_length, name, name_length);
    return glimpse_zip_find(&file->zip, path, length);
}

static int check_storage(const torch_file *file, const glimpse_pickle_storage *storage,
                         uint64_t bytes) {
    if (storage->count <= bytes / storage->element) return GLIMPSE_OK;
    char quoted[GLIMPSE_UTF8_QUOTED];
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s: the storage %s should have %llu numbers of %zu bytes, but there are "
                        "%llu bytes; the file is damaged or cut short",
                        file->path, glimpse_utf8_quote(quoted, storage->key, storage->key_length),
                        (unsigned long long)storage->count, storage->element,
                        (unsigned long long)bytes);
}

/* Where the numbers of a storage are. In the old format that was looked up before. */
static int resolve_storage(torch_file *file, glimpse_pickle_storage *storage) {
    if (storage->data) return GLIMPSE_OK;
    glimpse_zip_entry *entry = file->format == FORMAT_OLD
                                   ? NULL
                                   : find_entry(file, "/data/", storage->key, storage->key_length);
    if (!entry) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: the storage %s is named, but is not there; the file is damaged or "
                            "cut short",
                            file->path,
                            glimpse_utf8_quote(quoted, storage->key, storage->key_length));
    }
    int status = check_storage(file, storage, entry->bytes);
    if (status == GLIMPSE_OK) status = glimpse_zip_read(&storage->data, &file->zip, entry);
    return status;
}

/*
 * Tensors.
 */

/* The product of the dimensions, and the element behind the last one that is used. */
static int measure(const glimpse_pickle_tensor *from, uint64_t *count, uint64_t *end) {
    uint64_t last = from->offset;
    *count = 1;
    *end = 0;
    for (size_t i = 0; i < from->rank; i++) {
        if (__builtin_mul_overflow(*count, from->dims[i], count)) return 0;
    }
    if (*count == 0) return 1;
    for (size_t i = 0; i < from->rank; i++) {
        uint64_t step;
        if (__builtin_mul_overflow(from->dims[i] - 1, from->strides[i], &step) ||
            __builtin_add_overflow(last, step, &last)) {
            return 0;
        }
    }
    return !__builtin_add_overflow(last, 1, end);
}

/* Whether the elements lie one behind the other, the last dimension fastest. */
static int is_contiguous(const glimpse_pickle_tensor *from) {
    uint64_t expected = 1;
    for (size_t i = from->rank; i-- > 0;) {
        if (from->dims[i] == 1) continue;
        if (from->strides[i] != expected) return 0;
        expected *= from->dims[i];
    }
    return 1;
}

static void copy_element(uint8_t *to, const uint8_t *from, size_t element, int swapped) {
    if (!swapped) {
        memcpy(to, from, element);
        return;
    }
    for (size_t i = 0; i < element; i++)
        to[i] = from[element - 1 - i];
}

/* The numbers in the order of a tensor's dimensions, little-endian. */
static void copy_numbers(uint8_t *to, const uint8_t *base, const glimpse_pickle_tensor *from,
                         size_t count, int swapped) {
    size_t element = from->storage->element;
    uint64_t at[GLIMPSE_TENSOR_DIMS] = {0}, offset = from->offset;
    for (size_t n = 0; n < count; n++, to += element) {
        copy_element(to, base + offset * element, element, swapped);
        for (size_t i = from->rank; i-- > 0;) {
            offset += from->strides[i];
            if (++at[i] < from->dims[i]) break;
            offset -= at[i] * from->strides[i];
            at[i] = 0;
        }
    }
}

static int spend(torch_file *file, const char *name, size_t bytes) {
    if (bytes <= file->budget) {
        file->budget -= bytes;
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_LIMIT,
                        "%s: tensor \"%s\": all tensors together have more than %d times the bytes "
                        "of the file, which no weights have",
                        file->path, name, TIMES_FILE);
}

static int find_data(torch_file *file, glimpse_tensor *tensor, const glimpse_pickle_tensor *from,
                     uint64_t end) {
    glimpse_pickle_storage *storage = from->storage;
    if (tensor->count == 0) {
        tensor->data = file->data;
        return GLIMPSE_OK;
    }
    int status = resolve_storage(file, storage);
    if (status < 0) return status;
    if (end > storage->view_count) return bad(file, tensor->name, "it lies outside its storage");
    const uint8_t *base = storage->data + storage->view_offset * storage->element;
    int swapped = file->big_endian && storage->element > 1;
    if (!swapped && is_contiguous(from)) {
        tensor->data = base + from->offset * storage->element;
        return GLIMPSE_OK;
    }
    uint8_t *copy = malloc(tensor->bytes);
    status = own(file, copy);
    if (status < 0) return status;
    copy_numbers(copy, base, from, tensor->count, swapped);
    file->copied += tensor->bytes;
    tensor->data = copy;
    return GLIMPSE_OK;
}

/* `name` becomes the file's. */
static int add_tensor(torch_file *file, glimpse_tensor_list *list, char *name,
                      const glimpse_pickle_tensor *from) {
    int status = own(file, name);
    if (status == GLIMPSE_OK) status = glimpse_tensor_list_reserve(list, file->path, 1);
    if (status < 0) return status;
    uint64_t count, end;
    if (!measure(from, &count, &end) || count > SIZE_MAX / from->storage->element) {
        return bad(file, name, "the product of its dimensions overflows");
    }
    glimpse_tensor tensor = {.name = name,
                             .dtype = from->storage->dtype,
                             .count = (size_t)count,
                             .bytes = (size_t)count * from->storage->element,
                             .rank = from->rank};
    for (size_t i = 0; i < from->rank; i++)
        tensor.dims[i] = (size_t)from->dims[i];
    status = spend(file, name, tensor.bytes);
    if (status == GLIMPSE_OK) status = find_data(file, &tensor, from, end);
    if (status == GLIMPSE_OK) list->items[list->count++] = tensor;
    return status;
}

/* STEM NAME, malloc'ed; a message when it cannot be the name of a tensor. */
static int make_name(char **out, const torch_file *file, const char *stem, const value *name) {
    size_t stem_length = strlen(stem);
    int good = name->length > 0 && stem_length + name->length <= MAX_NAME &&
               glimpse_utf8_is_valid(name->text, name->length);
    for (size_t i = 0; good && i < name->length; i++)
        good = (unsigned char)name->text[i] >= ' ' && name->text[i] != 0x7f;
    *out = NULL;
    if (!good) {
        char quoted[GLIMPSE_UTF8_QUOTED];
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s%s cannot be the name of a tensor", file->path,
                            stem, glimpse_utf8_quote(quoted, name->text, name->length));
    }
    *out = malloc(stem_length + name->length + 1);
    if (!*out) return glimpse_fail_nomem(stem_length + name->length, "a name");
    memcpy(*out, stem, stem_length);
    memcpy(*out + stem_length, name->text, name->length);
    (*out)[stem_length + name->length] = '\0';
    return GLIMPSE_OK;
}

/*
 * A state_dict.
 */
static size_t count_tensors(const value *dict) {
    size_t count = 0;
    if (dict->type != GLIMPSE_PICKLE_DICT) return 0;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        count += dict->items[i]->type == GLIMPSE_PICKLE_TEXT &&
                 dict->items[i + 1]->type == GLIMPSE_PICKLE_TENSOR;
    }
    return count;
}

static const value *find_state(const value *root) {
    static const char *const keys[] = {"state_dict", "model_state_dict", "model"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const value *inner = glimpse_pickle_get(root, keys[i]);
        if (inner && count_tensors(inner) > 0) return inner;
    }
    return count_tensors(root) > 0 ? root : NULL;
}

/* Bytes at the beginning of every name that training has put there. */
static size_t wrapper_length(const value *dict) {
    static const char *const wrappers[] = {"module.", "_orig_mod."};
    size_t skipped = 0;
    for (size_t w = 0; w < 4; w++) { /* either may be around the other */
        const char *wrapper = wrappers[w % 2];
        size_t length = strlen(wrapper);
        int all = 1;
        for (size_t i = 0; i + 1 < dict->count && all; i += 2) {
            const value *key = dict->items[i];
            if (key->type != GLIMPSE_PICKLE_TEXT ||
                dict->items[i + 1]->type != GLIMPSE_PICKLE_TENSOR) {
                continue;
            }
            all =
                key->length > skipped + length && memcmp(key->text + skipped, wrapper, length) == 0;
        }
        if (all) skipped += length;
    }
    return skipped;
}

static int add_state(torch_file *file, glimpse_tensor_list *list, const value *root) {
    const value *dict = root->type == GLIMPSE_PICKLE_DICT ? find_state(root) : NULL;
    if (!dict) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: no weights in it: neither tensors by name nor a \"state_dict\" of "
                            "them",
                            file->path);
    }
    int status = glimpse_tensor_list_reserve(list, file->path, count_tensors(dict));
    size_t skipped = wrapper_length(dict);
    for (size_t i = 0; i + 1 < dict->count && status == GLIMPSE_OK; i += 2) {
        value name = *dict->items[i];
        const value *tensor = dict->items[i + 1];
        if (name.type != GLIMPSE_PICKLE_TEXT || tensor->type != GLIMPSE_PICKLE_TENSOR) continue;
        name.text += skipped;
        name.length -= skipped;
        char *copy;
        status = make_name(&copy, file, "", &name);
        if (status == GLIMPSE_OK) status = add_tensor(file, list, copy, tensor->tensor);
    }
    return status;
}

/* A TorchScript module: its tensors, and those of the modules in it. */
static int add_module(torch_file *file, glimpse_tensor_list *list, const value *object,
                      const char *stem, size_t depth) {
    /* Numbers that OpenAI's models carry among their weights: their shapes say the same. */
    static const char *const sizes[] = {"input_resolution", "context_length", "vocab_size"};
    int status = GLIMPSE_OK;
    for (size_t i = 0; i + 1 < object->count && status == GLIMPSE_OK; i += 2) {
        const value *name = object->items[i], *inner = object->items[i + 1];
        if (++file->visits > MAX_VISITS || depth > MAX_DEPTH) {
            return glimpse_fail(GLIMPSE_E_LIMIT, "%s: more modules in modules than any model has",
                                file->path);
        }
        int is_module = inner->type == GLIMPSE_PICKLE_OBJECT;
        if (name->type != GLIMPSE_PICKLE_TEXT ||
            (!is_module && inner->type != GLIMPSE_PICKLE_TENSOR)) {
            continue;
        }
        int is_size = 0;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes && depth == 0; s++)
            is_size = is_size || glimpse_pickle_is_text(name, sizes[s]);
        if (is_size) continue;
        char *full;
        status = make_name(&full, file, stem, name);
        if (status < 0) return status;
        if (!is_module) {
            status = add_tensor(file, list, full, inner->tensor);
            continue;
        }
        char inner_stem[MAX_NAME + 2];
        (void)snprintf(inner_stem, sizeof inner_stem, "%s.", full);
        free(full);
        status = add_module(file, list, inner, inner_stem, depth + 1);
    }
    return status;
}

/*
 * The zip format.
 */
static int find_root(torch_file *file) {
    static const char pickle[] = "/data.pkl";
    const size_t length = sizeof pickle - 1;
    int numpy = 0;
    for (size_t i = 0; i < file->zip.count; i++) {
        const glimpse_zip_entry *entry = &file->zip.entries[i];
        size_t n = entry->name_length;
        numpy = numpy || (n > 4 && memcmp(entry->name + n - 4, ".npy", 4) == 0);
        if (n <= length || memcmp(entry->name + n - length, pickle, length) != 0 ||
            memchr(entry->name, '/', n - length)) {
            continue;
        }
        file->root = entry->name;
        file->root_length = n - length;
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: %s, not a file that torch.save wrote (it has no data.pkl)", file->path,
                        numpy ? "an archive of NumPy arrays (.npz)" : "a zip archive");
}

static int read_byte_order(torch_file *file) {
    glimpse_zip_entry *entry = find_entry(file, "/", "byteorder", 9);
    const uint8_t *text = NULL;
    if (!entry) return GLIMPSE_OK;
    int status = entry->bytes > 16 ? GLIMPSE_OK : glimpse_zip_read(&text, &file->zip, entry);
    if (status < 0) return status;
    if (text && entry->bytes == 6 && memcmp(text, "little", 6) == 0) return GLIMPSE_OK;
    if (text && entry->bytes == 3 && memcmp(text, "big", 3) == 0) {
        file->big_endian = 1;
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: its byteorder is neither little nor big",
                        file->path);
}

static int read_zip(torch_file *file, glimpse_tensor_list *list) {
    glimpse_pickle *pickle = NULL;
    const uint8_t *bytes = NULL;
    const value *root = NULL;
    int status = glimpse_zip_open(&file->zip, file->path, file->data, file->size, file->budget);
    if (status == GLIMPSE_OK) status = find_root(file);
    if (status == GLIMPSE_OK) status = read_byte_order(file);
    if (status < 0) return status;
    if (find_entry(file, "/", "constants.pkl", 13)) file->format = FORMAT_SCRIPT;
    glimpse_zip_entry *entry = find_entry(file, "/", "data.pkl", 8);
    if (!entry || entry->bytes > max_pickle_bytes) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: its pickle has more than %zu bytes", file->path,
                            max_pickle_bytes);
    }
    status = glimpse_zip_read(&bytes, &file->zip, entry);
    if (status == GLIMPSE_OK) status = glimpse_zip_check_sum(&file->zip, entry);
    if (status < 0) return status;
    int script = file->format == FORMAT_SCRIPT;
    status = glimpse_pickle_create(&pickle, file->path, script ? GLIMPSE_PICKLE_CLASSES : 0);
    if (status < 0) return status;
    status = glimpse_pickle_run(&root, NULL, pickle, bytes, entry->bytes);
    if (status == GLIMPSE_OK) {
        status = root->type == GLIMPSE_PICKLE_OBJECT ? add_module(file, list, root, "", 0)
                                                     : add_state(file, list, root);
    }
    glimpse_pickle_free(pickle);
    return status;
}

/*
 * The old format.
 */
static int by_key(const void *a, const void *b) {
    const glimpse_pickle_storage *x = *(glimpse_pickle_storage *const *)a;
    const glimpse_pickle_storage *y = *(glimpse_pickle_storage *const *)b;
    size_t shorter = x->key_length < y->key_length ? x->key_length : y->key_length;
    int order = memcmp(x->key, y->key, shorter);
    return order ? order : (x->key_length > y->key_length) - (x->key_length < y->key_length);
}

static int damaged(const torch_file *file) {
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s: not as PyTorch before 1.6 wrote its files; the file is damaged",
                        file->path);
}

/* Of one storage what stands at *at: how many elements, and the numbers. All that were named by its
 * key are told where they are. */
static int read_old_storage(torch_file *file, const value *key, glimpse_pickle_storage **sorted,
                            size_t count, size_t *at) {
    glimpse_pickle_storage wanted = {.key = key->text, .key_length = key->length};
    const glimpse_pickle_storage *pointer = &wanted;
    size_t low = 0, high = count;
    while (low < high) { /* the first of that key */
        size_t middle = low + (high - low) / 2;
        if (by_key(&sorted[middle], &pointer) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || by_key(&sorted[low], &pointer) != 0 || sorted[low]->data)
        return damaged(file);
    size_t rest = file->size - *at, element = sorted[low]->element;
    if (rest < 8) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: ends before its last storage; cut short",
                            file->path);
    }
    uint64_t elements = 0;
    for (size_t i = 8; i-- > 0;)
        elements = elements << 8 | file->data[*at + i];
    if (elements > (rest - 8) / element) {
        sorted[low]->count = elements;
        return check_storage(file, sorted[low], rest - 8);
    }
    for (size_t i = low; i < count && by_key(&sorted[i], &pointer) == 0; i++) {
        if (sorted[i]->element != element) return damaged(file);
        int status = check_storage(file, sorted[i], elements * element);
        if (status < 0) return status;
        sorted[i]->data = file->data + *at + 8;
    }
    *at += 8 + (size_t)elements * element;
    return GLIMPSE_OK;
}

static int read_old_storages(torch_file *file, glimpse_pickle *pickle, const value *keys,
                             size_t at) {
    size_t count = 0;
    for (const glimpse_pickle_storage *s = glimpse_pickle_storages(pickle); s; s = s->next)
        count++;
    glimpse_pickle_storage **sorted = malloc((count + 1) * sizeof(*sorted));
    if (!sorted) return glimpse_fail_nomem(count * sizeof *sorted, "a list of storages");
    count = 0;
    for (glimpse_pickle_storage *s = glimpse_pickle_storages(pickle); s; s = s->next)
        sorted[count++] = s;
    if (count > 1) qsort(sorted, count, sizeof(*sorted), by_key);
    int status = keys->type == GLIMPSE_PICKLE_LIST ? GLIMPSE_OK : damaged(file);
    for (size_t i = 0; i < keys->count && status == GLIMPSE_OK; i++) {
        status = keys->items[i]->type == GLIMPSE_PICKLE_TEXT
                     ? read_old_storage(file, keys->items[i], sorted, count, &at)
                     : damaged(file);
    }
    free(sorted);
    return status;
}

static int read_old(torch_file *file, glimpse_tensor_list *list) {
    enum { MAGIC, PROTOCOL, MACHINE, VALUE, KEYS, PICKLES };
    const value *roots[PICKLES] = {NULL};
    glimpse_pickle *pickle = NULL;
    size_t at = 0;
    file->format = FORMAT_OLD;
    int status = glimpse_pickle_create(&pickle, file->path, 0);
    if (status < 0) return status;
    for (size_t i = 0; i < PICKLES && status == GLIMPSE_OK; i++) {
        size_t used = 0, rest = file->size - at;
        if (rest > max_pickle_bytes) rest = max_pickle_bytes;
        status = glimpse_pickle_run(&roots[i], &used, pickle, file->data + at, rest);
        at += used;
    }
    if (status == GLIMPSE_OK) {
        const value *little = glimpse_pickle_get(roots[MACHINE], "little_endian");
        if (roots[PROTOCOL]->type != GLIMPSE_PICKLE_INT || roots[PROTOCOL]->number != 1001) {
            status = damaged(file);
        } else if (little && (little->type != GLIMPSE_PICKLE_BOOL || !little->number)) {
            status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                  "%s: written by PyTorch before 1.6 on a big-endian machine",
                                  file->path);
        }
    }
    if (status == GLIMPSE_OK) status = read_old_storages(file, pickle, roots[KEYS], at);
    if (status == GLIMPSE_OK) status = add_state(file, list, roots[VALUE]);
    glimpse_pickle_free(pickle);
    return status;
}

/* A pickle by itself: run as far as it goes, so that what it names is named. */
static int refuse_pickle(const torch_file *file) {
    glimpse_pickle *pickle = NULL;
    const value *root = NULL;
    int status = glimpse_pickle_create(&pickle, file->path, 0);
    if (status < 0) return status;
    size_t size = file->size < max_pickle_bytes ? file->size : max_pickle_bytes;
    status = glimpse_pickle_run(&root, NULL, pickle, file->data, size);
    glimpse_pickle_free(pickle);
    if (status < 0) return status;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "%s: a pickle that torch.save did not write; weights in it are not read",
                        file->path);
}

int glimpse_torch_read(glimpse_torch_file **owner, glimpse_tensor_list *list, const char *path,
                       const uint8_t *data, size_t size) {
    *owner = NULL;
    torch_file *file = calloc(1, sizeof *file);
    if (!file) return glimpse_fail_nomem(sizeof *file, "weights");
    *owner = file;
    file->data = data;
    file->size = size;
    file->budget = size > (SIZE_MAX - SPARE) / TIMES_FILE ? SIZE_MAX : TIMES_FILE * size + SPARE;
    file->path = strdup(path);
    if (!file->path) return glimpse_fail_nomem(strlen(path), "a file name");
    if (is_tar(data, size)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: a tar archive, as PyTorch before 0.1.10 wrote; save the weights "
                            "again with a newer version",
                            path);
    }
    if (size >= sizeof old_magic && memcmp(data, old_magic, sizeof old_magic) == 0)
        return read_old(file, list);
    return data[0] == 'P' ? read_zip(file, list) : refuse_pickle(file);
}

void glimpse_torch_free(glimpse_torch_file *file) {
    if (!file) return;
    for (size_t i = 0; i < file->owned_count; i++)
        free(file->owned[i]);
    free(file->owned);
    glimpse_zip_close(&file->zip);
    free(file->path);
    free(file);
}

const char *glimpse_torch_format(const glimpse_torch_file *file) {
    static const char *const names[] = {"PyTorch (zip)", "TorchScript", "PyTorch (before 1.6)"};
    return names[file->format];
}

size_t glimpse_torch_memory(const glimpse_torch_file *file) {
    if (!file) return 0;
    size_t bytes = file->copied;
    for (size_t i = 0; i < file->zip.count; i++)
        if (file->zip.entries[i].inflated) bytes += file->zip.entries[i].bytes;
    return bytes;
}

int glimpse_torch_check_sums(const glimpse_torch_file *file) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < file->zip.count && status == GLIMPSE_OK; i++)
        status = glimpse_zip_check_sum(&file->zip, &file->zip.entries[i]);
    return status;
}
