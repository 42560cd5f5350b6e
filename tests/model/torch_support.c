/*
 * torch_support.c - writes archives and pickles byte by byte.
 */
#include "torch_support.h"

#include "support/test.h"

#include <zlib.h>

random_model torch_model(void) {
    random_model m = random_model_tiny();
    m.image_size = 8, m.patch = 4;
    m.embedding = 12;
    m.vision_width = 16, m.vision_heads = 2, m.vision_mlp = 32, m.vision_layers = 1;
    m.text_width = 8, m.text_heads = 2, m.text_mlp = 16, m.text_layers = 1;
    m.seed = 16;
    return m;
}

typedef struct buffer {
    uint8_t *data;
    size_t size, capacity;
} buffer;

static void add(buffer *b, const void *data, size_t size) {
    if (b->size + size > b->capacity) {
        b->capacity = 2 * (b->size + size) + 256;
        b->data = realloc(b->data, b->capacity);
        assert_non_null(b->data);
    }
    if (size > 0) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void add_number(buffer *b, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(i < 8 ? number >> 8 * i : 0);
        add(b, &byte, 1);
    }
}

static uint8_t *deflated(size_t *size, const made_entry *entry) {
    uLong capacity = compressBound((uLong)entry->size) + 64;
    uint8_t *out = malloc(capacity);
    assert_non_null(out);
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)entry->data,
                       .avail_in = (uInt)entry->size,
                       .next_out = out,
                       .avail_out = (uInt)capacity};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *size = stream.total_out;
    (void)deflateEnd(&stream);
    return out;
}

/* Version to sizes: what both headers of an entry have alike. */
static void add_common(buffer *b, const made_entry *entry, size_t stored) {
    add_number(b, 20, 2);
    add_number(b, 0, 2);
    add_number(b, entry->deflated ? 8 : 0, 2);
    add_number(b, 0, 4);
    add_number(b, crc32(0, entry->data, (uInt)entry->size), 4);
    add_number(b, stored, 4);
    add_number(b, entry->size, 4);
    add_number(b, strlen(entry->name), 2);
    add_number(b, 0, 2);
}

uint8_t *make_zip(size_t *size, const made_entry *entries, size_t count) {
    buffer b = {NULL, 0, 0}, directory = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const made_entry *entry = &entries[i];
        size_t stored = entry->size, at = b.size;
        uint8_t *packed = entry->deflated ? deflated(&stored, entry) : NULL;
        add(&b, "PK\3\4", 4);
        add_common(&b, entry, stored);
        add(&b, entry->name, strlen(entry->name));
        add(&b, packed ? packed : entry->data, stored);
        free(packed);
        add(&directory, "PK\1\2\24\0", 6);
        add_common(&directory, entry, stored);
        add_number(&directory, 0, 10);
        add_number(&directory, at, 4);
        add(&directory, entry->name, strlen(entry->name));
    }
    size_t at = b.size;
    add(&b, directory.data, directory.size);
    add(&b, "PK\5\6\0\0\0\0", 8);
    add_number(&b, count, 2);
    add_number(&b, count, 2);
    add_number(&b, directory.size, 4);
    add_number(&b, at, 4);
    add_number(&b, 0, 2);
    free(directory.data);
    *size = b.size;
    return b.data;
}

static void add_text(buffer *b, const char *text) {
    add(b, "X", 1);
    add_number(b, strlen(text), 4);
    add(b, text, strlen(text));
}

static void add_long(buffer *b, int64_t number) {
    add(b, "\x8a\x08", 2);
    add_number(b, (uint64_t)number, 8);
}

static void add_tuple(buffer *b, size_t count, const int64_t *numbers) {
    add(b, "(", 1);
    for (size_t i = 0; i < count; i++)
        add_long(b, numbers[i]);
    add(b, "t", 1);
}

uint8_t *make_pickle(size_t *size, int64_t count, int64_t offset, size_t rank, const int64_t *dims,
                     const int64_t *strides, const void *middle, size_t middle_size) {
    static const char rebuild[] = "ctorch._utils\n_rebuild_tensor_v2\n((";
    static const char rest[] = "\x89"
                               "ccollections\nOrderedDict\n)RtRs.";
    buffer b = {NULL, 0, 0};
    add(&b, "\x80\x02}", 3);
    add(&b, middle, middle_size);
    add_text(&b, "w");
    add(&b, rebuild, sizeof rebuild - 1);
    add_text(&b, "storage");
    add(&b, "ctorch\nFloatStorage\n", 20);
    add_text(&b, "0");
    add_text(&b, "cpu");
    add_long(&b, count);
    add(&b, "tQ", 2);
    add_long(&b, offset);
    add_tuple(&b, rank, dims);
    add_tuple(&b, rank, strides);
    add(&b, rest, sizeof rest - 1);
    *size = b.size;
    return b.data;
}

static void add_tensor(buffer *b, const glimpse_tensor *tensor, const char *key) {
    static const char *const classes[][2] = {{"F32", "FloatStorage"},
                                             {"F16", "HalfStorage"},
                                             {"BF16", "BFloat16Storage"},
                                             {"I64", "LongStorage"}};
    static const char rebuild[] = "ctorch._utils\n_rebuild_tensor_v2\n((";
    static const char rest[] = "\x89"
                               "ccollections\nOrderedDict\n)RtRs";
    int64_t dims[GLIMPSE_TENSOR_DIMS], strides[GLIMPSE_TENSOR_DIMS], stride = 1;
    for (size_t i = tensor->rank; i-- > 0;) {
        dims[i] = (int64_t)tensor->dims[i];
        strides[i] = stride;
        stride *= dims[i];
    }
    add_text(b, tensor->name);
    add(b, rebuild, sizeof rebuild - 1);
    add_text(b, "storage");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i][0], tensor->dtype) != 0) continue;
        add(b, "ctorch\n", 7);
        add(b, classes[i][1], strlen(classes[i][1]));
        add(b, "\n", 1);
    }
    add_text(b, key);
    add_text(b, "cpu");
    add_long(b, (int64_t)tensor->count);
    add(b, "tQ", 2);
    add_long(b, 0);
    add_tuple(b, tensor->rank, dims);
    add_tuple(b, tensor->rank, strides);
    add(b, rest, sizeof rest - 1);
}

uint8_t *make_torch(size_t *size, const glimpse_tensors *tensors) {
    size_t count = glimpse_tensors_count(tensors);
    made_entry *entries = calloc(count + 1, sizeof *entries);
    char(*names)[32] = calloc(count, sizeof *names);
    buffer pickle = {NULL, 0, 0};
    assert_non_null(entries);
    assert_non_null(names);
    add(&pickle, "\x80\x02}", 3);
    for (size_t i = 0; i < count; i++) {
        const glimpse_tensor *tensor = glimpse_tensors_get(tensors, i);
        (void)snprintf(names[i], sizeof names[i], "archive/data/%zu", i);
        add_tensor(&pickle, tensor, names[i] + strlen("archive/data/"));
        entries[i + 1] = (made_entry){names[i], tensor->data, tensor->bytes, 0};
    }
    add(&pickle, ".", 1);
    entries[0] = (made_entry){"archive/data.pkl", pickle.data, pickle.size, 0};
    uint8_t *zip = make_zip(size, entries, count + 1);
    free(pickle.data);
    free(names);
    free(entries);
    return zip;
}
