/*
 * model/convert.c - writes weights as safetensors.
 */
#include <glimpse/sys/weights.h>

#include "core/error.h"
#include "core/file.h"
#include "core/options.h"
#include "model/tensors.h"
#include "text/json_load.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_directory(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/*
 * Names.
 */
static int open_source(glimpse_tensors **out, const char *path) {
    static const char *const pytorch[] = {"pytorch_model.bin", "pytorch_model.bin.index.json",
                                          "open_clip_pytorch_model.bin",
                                          "open_clip_pytorch_model.bin.index.json", NULL};
    return is_directory(path) ? glimpse_tensors_open(out, path, pytorch)
                              : glimpse_tensors_open_file(out, path);
}

/* What the weights in `source` are called in safetensors; malloc'ed. */
static char *name_of_output(const char *source) {
    const char *slash = strrchr(source, '/'), *name = slash ? slash + 1 : source;
    size_t length = strcspn(name, "/");
    static const char *const endings[] = {".index.json", ".bin", ".pt", ".pth", ".ckpt"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && memcmp(name + length - ending, endings[i], ending) == 0)
            length -= ending;
    }
    static const char *const known[][2] = {{"pytorch_model", "model"},
                                           {"open_clip_pytorch_model", "open_clip_model"}};
    for (size_t i = 0; i < 2; i++) {
        if (strlen(known[i][0]) == length && memcmp(name, known[i][0], length) == 0) {
            name = known[i][1];
            length = strlen(name);
        }
    }
    char *out = malloc(length + sizeof ".safetensors");
    if (!out) return NULL;
    memcpy(out, name, length);
    memcpy(out + length, ".safetensors", sizeof ".safetensors");
    return out;
}

static int choose_output(char **out, const char *source, const char *wanted) {
    *out = NULL;
    if (wanted && !is_directory(wanted)) {
        *out = strdup(wanted);
    } else {
        const char *slash = strrchr(source, '/');
        char *name = name_of_output(source);
        char *directory =
            wanted ? strdup(wanted) : strndup(source, slash ? (size_t)(slash - source) + 1 : 0);
        if (name && directory) *out = glimpse_path_join(directory, name);
        free(name);
        free(directory);
    }
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(strlen(source), "a file name");
}

/*
 * Writing.
 */

/* Wider numbers first, so that all lie at multiples of their size; then by name. */
static int by_element(const void *a, const void *b) {
    const glimpse_tensor *x = *(const glimpse_tensor *const *)a;
    const glimpse_tensor *y = *(const glimpse_tensor *const *)b;
    size_t wide_x = glimpse_tensors_element(x->dtype), wide_y = glimpse_tensors_element(y->dtype);
    if (wide_x != wide_y) return wide_x > wide_y ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int describe(json_t *root, const glimpse_tensor *tensor, uint64_t offset) {
    json_t *entry = json_object(), *shape = json_array(), *offsets = json_array();
    int good = entry && shape && offsets;
    for (size_t i = 0; i < tensor->rank && good; i++)
        good = json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i])) == 0;
    good = good && json_array_append_new(offsets, json_integer((json_int_t)offset)) == 0 &&
           json_array_append_new(offsets, json_integer((json_int_t)(offset + tensor->bytes))) == 0;
    good = good && json_object_set_new(entry, "dtype", json_string(tensor->dtype)) == 0 &&
           json_object_set(entry, "shape", shape) == 0 &&
           json_object_set(entry, "data_offsets", offsets) == 0 &&
           json_object_set(root, tensor->name, entry) == 0;
    json_decref(entry);
    json_decref(shape);
    json_decref(offsets);
    return good;
}

/* The header, padded to a multiple of 8; malloc'ed, NULL when out of memory. */
static char *make_header(size_t *length, const glimpse_tensor *const *sorted, size_t count) {
    json_t *root = json_object();
    uint64_t offset = 0;
    int good =
        root && json_object_set_new(root, "__metadata__", json_pack("{s:s}", "format", "pt")) == 0;
    for (size_t i = 0; i < count && good; i++) {
        good = describe(root, sorted[i], offset);
        offset += sorted[i]->bytes;
    }
    char *text = good ? glimpse_json_dump(root, JSON_COMPACT) : NULL;
    json_decref(root);
    if (!text) return NULL;
    *length = (strlen(text) + 7) / 8 * 8;
    char *padded = realloc(text, *length + 1);
    if (!padded) {
        free(text);
        return NULL;
    }
    memset(padded + strlen(padded), ' ', *length - strlen(padded));
    padded[*length] = '\0';
    return padded;
}

static int write_all(const glimpse_new_file *file, uint64_t *bytes,
                     const glimpse_tensor *const *sorted, size_t count) {
    size_t length = 0;
    char *header = make_header(&length, sorted, count);
    if (!header) return glimpse_fail_nomem(256 * count, "a header");
    uint8_t begin[8];
    for (size_t i = 0; i < 8; i++)
        begin[i] = (uint8_t)((uint64_t)length >> 8 * i);
    int good =
        fwrite(begin, 1, 8, file->stream) == 8 && fwrite(header, 1, length, file->stream) == length;
    free(header);
    *bytes = 8 + length;
    for (size_t i = 0; i < count && good; i++) {
        size_t size = sorted[i]->bytes;
        good = size == 0 || fwrite(sorted[i]->data, 1, size, file->stream) == size;
        *bytes += size;
    }
    return good && fflush(file->stream) == 0 ? GLIMPSE_OK : glimpse_new_file_fail(file);
}

static int same(const glimpse_tensor *a, const glimpse_tensor *b) {
    int equal = strcmp(a->name, b->name) == 0 && strcmp(a->dtype, b->dtype) == 0 &&
                a->rank == b->rank && a->bytes == b->bytes;
    for (size_t i = 0; i < a->rank && equal; i++)
        equal = a->dims[i] == b->dims[i];
    return equal && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

/* What was written is what was read. */
static int verify(const char *written, const char *output, const glimpse_tensors *tensors) {
    glimpse_tensors *again = NULL;
    int status = glimpse_tensors_open_file(&again, written);
    if (status < 0) return status;
    size_t count = glimpse_tensors_count(tensors);
    int equal = glimpse_tensors_count(again) == count;
    for (size_t i = 0; i < count && equal; i++)
        equal = same(glimpse_tensors_get(again, i), glimpse_tensors_get(tensors, i));
    glimpse_tensors_free(again);
    if (equal) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_IO,
                        "%s: what was written is not what is read back: is the disk "
                        "damaged?",
                        output);
}

static int write_output(const char *output, uint64_t *bytes, const glimpse_tensors *tensors) {
    size_t count = glimpse_tensors_count(tensors);
    const glimpse_tensor **sorted = malloc((count + 1) * sizeof(*sorted));
    if (!sorted) return glimpse_fail_nomem(count * sizeof *sorted, "a list of tensors");
    for (size_t i = 0; i < count; i++)
        sorted[i] = glimpse_tensors_get(tensors, i);
    if (count > 1) qsort(sorted, count, sizeof(*sorted), by_element);
    glimpse_new_file file;
    int status = glimpse_new_file_open(&file, output);
    if (status == GLIMPSE_OK) {
        status = write_all(&file, bytes, sorted, count);
        if (status == GLIMPSE_OK) status = verify(file.temporary, output, tensors);
        if (status == GLIMPSE_OK) {
            status = glimpse_new_file_commit(&file);
        } else {
            glimpse_new_file_abandon(&file);
        }
    }
    free(sorted);
    return status;
}

static int convert(glimpse_convert_report *report, const glimpse_tensors *tensors,
                   const glimpse_convert_options *options) {
    const char *source = glimpse_tensors_path(tensors);
    char *output = NULL;
    report->format = glimpse_tensors_format(tensors);
    report->tensors = glimpse_tensors_count(tensors);
    if (strcmp(report->format, "safetensors") == 0) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: safetensors already; nothing to convert",
                            source);
    }
    int status = choose_output(&output, source, options->output);
    if (status == GLIMPSE_OK && !(options->flags & GLIMPSE_CONVERT_OVERWRITE) && exists(output)) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s: is there already; remove it, or choose another file with %s",
                              output, glimpse_wording("glimpse_convert_options.output", "FILE"));
    }
    if (status == GLIMPSE_OK) status = glimpse_tensors_check_sums(tensors);
    if (status == GLIMPSE_OK) status = write_output(output, &report->bytes, tensors);
    (void)snprintf(report->source, sizeof report->source, "%s", source);
    (void)snprintf(report->output, sizeof report->output, "%s", output ? output : "");
    free(output);
    return status;
}

int glimpse_weights_convert(const char *path, const glimpse_convert_options *options,
                            glimpse_convert_report *report) {
    if (!path) return glimpse_fail_null(__func__);
    glimpse_convert_options settings = GLIMPSE_CONVERT_OPTIONS_INIT;
    glimpse_convert_report own = GLIMPSE_CONVERT_REPORT_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&settings, options, glimpse_convert_options, flags);
    if (status == GLIMPSE_OK) status = GLIMPSE_REPORT_CHECK(report, glimpse_convert_report, bytes);
    if (status < 0) return status;
    if (settings.flags & ~(unsigned)GLIMPSE_CONVERT_OVERWRITE) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_convert_options.flags: %u is not known",
                            settings.flags);
    }
    glimpse_tensors *tensors = NULL;
    status = open_source(&tensors, path);
    if (status == GLIMPSE_OK) status = convert(&own, tensors, &settings);
    glimpse_tensors_free(tensors);
    if (status == GLIMPSE_OK && report) GLIMPSE_REPORT_STORE(report, &own);
    return status;
}
