/*
 * torch.c - weights as PyTorch saves them: whole files, and pickles.
 *
 * An input that begins with "pickle\n" is the data.pkl of an archive that is made around it, once
 * of a state_dict and once of TorchScript, with storages "0" to "15" of 128 bytes: sums that do not
 * agree would keep damaged pickles from being read. Everything else is a file.
 */
#include "fuzz.h"

#include "core/download.h"
#include "model/torch_file.h"

#include <glimpse/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void look_at(const glimpse_tensor_list *list, size_t size) {
    volatile uint8_t seen = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < list->count; i++) {
        const glimpse_tensor *t = &list->items[i];
        size_t count = 1;
        PROMISE(t->rank <= GLIMPSE_TENSOR_DIMS);
        PROMISE(*t->name != '\0' && strlen(t->name) < 256);
        for (size_t d = 0; d < t->rank; d++)
            count *= t->dims[d];
        PROMISE(t->count == count);
        PROMISE(t->bytes == t->count * glimpse_tensors_element(t->dtype));
        bytes += t->bytes;
        for (size_t b = 0; b < t->bytes; b += 1 + t->bytes / 64)
            seen = (uint8_t)(seen + t->data[b]);
        if (t->bytes > 0) seen = (uint8_t)(seen + t->data[t->bytes - 1]);
    }
    PROMISE(bytes <= 8 * size + (1 << 16));
    (void)seen;
}

static void read_file(const uint8_t *data, size_t size) {
    glimpse_torch_file *owner = NULL;
    glimpse_tensor_list list = {NULL, 0, 0};
    (void)fuzz_fine(glimpse_download_check_weights("input", data, size));
    if (!glimpse_torch_is_file(data, size)) return;
    if (fuzz_fine(glimpse_torch_read(&owner, &list, "input", data, size))) {
        look_at(&list, size);
        (void)fuzz_fine(glimpse_torch_check_sums(owner));
    }
    free(list.items);
    glimpse_torch_free(owner);
}

static uint8_t *write_number(uint8_t *at, size_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        *at++ = (uint8_t)(i < 8 ? number >> 8 * i : 0);
    return at;
}

/* What both headers of a stored entry have alike, from the version to the length of its name. */
static uint8_t *write_common(uint8_t *at, const char *name, const uint8_t *data, size_t size) {
    at = write_number(at, 20, 10);
    at = write_number(at, crc32(0, data, (uInt)size), 4);
    at = write_number(at, size, 4);
    at = write_number(at, size, 4);
    at = write_number(at, strlen(name), 2);
    return write_number(at, 0, 2);
}

static void read_pickle(const uint8_t *data, size_t size, int script) {
    static const uint8_t numbers[128] = {1, 2, 3};
    size_t capacity = size + 8192, count = 0;
    uint8_t *zip = malloc(capacity), *at = zip, directory[2048], *record = directory;
    if (!zip) abort();
    for (int i = script ? -2 : -1; i < 16; i++, count++) {
        char name[32];
        const uint8_t *bytes = i == -1 ? data : numbers;
        size_t length = i == -1 ? size : i == -2 ? 0 : sizeof numbers;
        (void)snprintf(name, sizeof name,
                       i == -2   ? "a/constants.pkl"
                       : i == -1 ? "a/data.pkl"
                                 : "a/data/%d",
                       i);
        size_t offset = (size_t)(at - zip);
        memcpy(at, "PK\3\4", 4);
        at = write_common(at + 4, name, bytes, length);
        memcpy(at, name, strlen(name));
        at += strlen(name);
        if (length > 0) memcpy(at, bytes, length);
        at += length;
        memcpy(record, "PK\1\2\24\0", 6);
        record = write_common(record + 6, name, bytes, length);
        record = write_number(record, 0, 10);
        record = write_number(record, offset, 4);
        memcpy(record, name, strlen(name));
        record += strlen(name);
    }
    size_t start = (size_t)(at - zip), length = (size_t)(record - directory);
    memcpy(at, directory, length);
    at += length;
    memcpy(at, "PK\5\6\0\0\0\0", 8);
    at = write_number(at + 8, count, 2);
    at = write_number(at, count, 2);
    at = write_number(at, length, 4);
    at = write_number(at, start, 4);
    at = write_number(at, 0, 2);
    size_t whole = (size_t)(at - zip);
    zip = realloc(zip, whole); /* its own size, so that reads behind the end are seen */
    if (!zip) abort();
    read_file(zip, whole);
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char mark[] = "pickle\n";
    const size_t length = sizeof mark - 1;
    if (size >= length && memcmp(data, mark, length) == 0) {
        read_pickle(data + length, size - length, 0);
        read_pickle(data + length, size - length, 1);
    } else {
        read_file(data, size);
    }
    return 0;
}
