/*
 * core/download.c - recognises what stands in place of a model's file.
 */
#include "core/download.h"

#include "core/error.h"
#include "core/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int begins(const uint8_t *data, size_t size, const void *with, size_t length) {
    return size >= length && memcmp(data, with, length) == 0;
}

#define BEGINS(data, size, literal) begins((data), (size), (literal), sizeof(literal) - 1)

/* A web page, or the XML in which object stores say what went wrong. */
static int is_page(const uint8_t *data, size_t size) {
    static const char *const beginnings[] = {"<!doctype html", "<html", "<head", "<?xml", "<error"};
    if (BEGINS(data, size, "\xef\xbb\xbf")) data += 3, size -= 3;
    while (size > 0 && (*data == ' ' || *data == '\t' || *data == '\r' || *data == '\n'))
        data++, size--;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        size_t length = strlen(beginnings[i]);
        if (size >= length && strncasecmp((const char *)data, beginnings[i], length) == 0) return 1;
    }
    return 0;
}

/* The size that a pointer names; 0 when it names none. */
static unsigned long long pointer_size(const uint8_t *data, size_t size) {
    char text[1024];
    size_t length = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, length);
    text[length] = '\0';
    const char *line = strstr(text, "\nsize ");
    return line ? strtoull(line + 6, NULL, 10) : 0;
}

const char *glimpse_download_advice(void) {
    static _Thread_local char text[192];
    (void)snprintf(text, sizeof text,
                   "get the model as safetensors or as PyTorch wrote it, for example with %s",
                   glimpse_wording("glimpse_session_open_pull", "ORG/NAME"));
    return text;
}

int glimpse_download_is_pointer(const void *data, size_t size) {
    return BEGINS((const uint8_t *)data, size, "version https://git-lfs.github.com/spec/");
}

int glimpse_download_check(const char *path, const void *data, size_t size) {
    if (glimpse_download_is_pointer(data, size)) {
        const char *slash = strrchr(path, '/');
        int length = slash ? (int)(slash - path) : 1;
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a git-lfs pointer and not the file itself, which has %llu bytes; "
                            "git -C \"%.*s\" lfs pull gets it, or %s the whole model",
                            path, pointer_size(data, size), length, slash ? path : ".",
                            glimpse_wording("glimpse_session_open_pull", "ORG/NAME"));
    }
    if (is_page(data, size)) {
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: a web page and not the file, which was not downloaded (was there "
                            "a page that asked to log in?); get it again, or the whole model with "
                            "%s",
                            path, glimpse_wording("glimpse_session_open_pull", "ORG/NAME"));
    }
    return GLIMPSE_OK;
}

/* Flax: a map of MessagePack whose first key is a short text. */
static int is_msgpack(const uint8_t *data, size_t size) {
    size_t at = 0;
    if (size < 8) return 0;
    if (data[0] >= 0x81 && data[0] <= 0x8f) {
        at = 1;
    } else if (data[0] == 0xde) {
        at = 3;
    } else if (data[0] == 0xdf) {
        at = 5;
    } else {
        return 0;
    }
    size_t length = 0;
    if (data[at] >= 0xa1 && data[at] <= 0xbf) {
        length = data[at] & 0x1f;
        at++;
    } else if (data[at] == 0xd9) {
        length = data[at + 1];
        at += 2;
    }
    if (length < 2 || length > size - at) return 0;
    for (size_t i = 0; i < length; i++) {
        if (data[at + i] < ' ' || data[at + i] > '~') return 0;
    }
    return 1;
}

/* ONNX and Core ML are messages of protobuf that begin with a version (field 1); field 2 is ONNX's
 * name of the program that wrote it, and Core ML's description, a message. */
static const char *protobuf_format(const uint8_t *data, size_t size) {
    if (size < 8 || data[0] != 0x08 || data[1] == 0 || data[1] > 0x1f || data[3] == 0) return NULL;
    if (data[2] == 0x3a) return "ONNX"; /* the graph at once */
    if (data[2] != 0x12) return NULL;
    size_t at = 3;
    while (at < 7 && data[at] & 0x80)
        at++;
    uint8_t first = data[at + 1 < size ? at + 1 : at];
    if (first == 0x0a || first == 0x52 || first == 0xa2) return "Core ML";
    return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') ? "ONNX" : NULL;
}

const char *glimpse_download_format(const void *bytes, size_t size) {
    const uint8_t *data = bytes;
    if (BEGINS(data, size, "GGUF")) return "GGUF";
    if (BEGINS(data, size, "\x89HDF\r\n\x1a\n")) return "HDF5 (Keras, TensorFlow)";
    if (size >= 8 && memcmp(data + 4, "TFL3", 4) == 0) return "TFLite";
    if (is_msgpack(data, size)) return "MessagePack (Flax)";
    return protobuf_format(data, size);
}

int glimpse_download_check_weights(const char *path, const void *data, size_t size) {
    int status = glimpse_download_check(path, data, size);
    if (status < 0) return status;
    const char *format = glimpse_download_format(data, size);
    if (!format) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: %s, which is not read; %s", path, format,
                        glimpse_download_advice());
}

int glimpse_download_read(void **out, size_t *size, const char *path, size_t limit) {
    int status = glimpse_file_read(out, size, path, limit);
    if (status == GLIMPSE_OK) status = glimpse_download_check(path, *out, *size);
    if (status < 0) {
        free(*out);
        *out = NULL;
        *size = 0;
    }
    return status;
}
