/*
 * image/decode/stb.c - stb_image, compiled for three formats and read through callbacks.
 *
 * What stb_image 2.27 does with too little data, and what is done about it here:
 *
 *   - It fills a buffer of its own, 128 bytes at a time, and large reads go past the buffer. A
 *     short read into the buffer is how a file ends. A read of nothing, or a short one anywhere
 *     else, means that more is wanted than there is: that is noted, and the picture refused.
 *     The buffer is known by its address, to which the first read of a decoding goes.
 *   - It does not stop there. It goes on with zeros, and in a Radiance row zeros are runs of
 *     length 0, for ever. So what lies behind the end are bytes of 255 here, with which every
 *     loop ends.
 *   - When a PIC is damaged and is to be converted from RGBA to RGB, it converts a null pointer.
 *     So PIC is asked for as RGBA.
 *
 * Threads: stb_image's message of a failure is thread-local, checked below, and its settings are
 * never changed.
 */
#include "image/decode/stb.h"

#include "core/error.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* stb_image's memory comes from malloc(), and no single piece is larger than the size that was
 * checked calls for. Set before each decoding; the hooks of stb_image have no argument for it. */
static _Thread_local struct { size_t max, failed; } allocation;

static void *allocate(size_t size) {
    void *memory = size <= allocation.max ? malloc(size) : NULL;
    if (!memory) allocation.failed = size;
    return memory;
}

#define STBI_MALLOC(size)       allocate(size)
#define STBI_REALLOC(old, size) realloc(old, size) /* the three formats have no use for it */
#define STBI_FREE(memory)       free(memory)
#define STBI_ASSERT(condition)  ((void)0) /* a damaged file ends in an error, not the process */
#define STBI_MAX_DIMENSIONS     ((int)GLIMPSE_MAX_SIDE)
#define STBI_FAILURE_USERMSG
#define STBI_NO_SIMD
#define STBI_NO_STDIO
#define STBI_ONLY_HDR
#define STBI_ONLY_PIC
#define STBI_ONLY_TGA
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#ifndef STBI_THREAD_LOCAL
# error "this stb_image keeps the message of a failure in one place for all threads"
#endif

typedef struct reader {
    const glimpse_stb_stream *stream;
    const uint8_t *at, *end; /* what is left of a piece */
    int piece;               /* pieces taken so far; 2: next comes from stream->next */
    int only_header;         /* stream->next is not asked */
    const char *buffer;      /* stb_image's own; NULL before the first read */
    int cut;                 /* more was wanted than there is */
} reader;

static int has_more(reader *r) {
    const glimpse_stb_stream *s = r->stream;
    while (r->at == r->end) {
        if (r->piece == 0) {
            r->at = s->head;
            r->end = s->head_size ? s->head + s->head_size : s->head;
            r->piece = 1;
        } else if (r->piece == 1) {
            r->at = s->rest;
            r->end = s->rest_size ? s->rest + s->rest_size : s->rest;
            r->piece = 2;
        } else {
            const uint8_t *piece = NULL;
            const size_t size = s->next && !r->only_header ? s->next(s->user, &piece) : 0;
            if (size == 0) return 0;
            r->at = piece;
            r->end = piece + size;
        }
    }
    return 1;
}

static int read_bytes(void *user, char *to, int size) {
    reader *r = user;
    const size_t wanted = size > 0 ? (size_t)size : 0;
    size_t got = 0;
    if (!r->buffer) r->buffer = to;
    while (got < wanted && has_more(r)) {
        const size_t here = (size_t)(r->end - r->at);
        const size_t count = here < wanted - got ? here : wanted - got;
        memcpy(to + got, r->at, count);
        r->at += count;
        got += count;
    }
    if (got == wanted || (got > 0 && to == r->buffer)) return (int)got;
    r->cut = 1;
    memset(to + got, 0xff, wanted - got);
    return size;
}

static void skip_bytes(void *user, int size) {
    reader *r = user;
    size_t left = size > 0 ? (size_t)size : 0;
    while (left > 0 && has_more(r)) {
        const size_t here = (size_t)(r->end - r->at);
        const size_t count = here < left ? here : left;
        r->at += count;
        left -= count;
    }
    if (left > 0) r->cut = 1;
}

/* Only once something was read that is not there: until then stb_image shall try. */
static int at_end(void *user) {
    const reader *r = user;
    return r->cut;
}

static const stbi_io_callbacks callbacks = {read_bytes, skip_bytes, at_end};

int glimpse_stb_cut(const char *name) {
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the file ends before the picture does", name);
}

static int stb_fail(const reader *r, const char *name) {
    if (r->cut) return glimpse_stb_cut(name);
    if (allocation.failed) return glimpse_fail_nomem(allocation.failed, "pixels");
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s", name,
                        glimpse_foreign_message(stbi_failure_reason(), "damaged"));
}

/* RGBA to RGB, in place. */
static void drop_alpha(uint8_t *pixels, size_t count) {
    for (size_t i = 0; i < count; i++)
        memmove(pixels + i * 3, pixels + i * 4, 3);
}

static uint8_t *copy_alpha(const uint8_t *pixels, size_t count) {
    uint8_t *alpha = malloc(count);
    for (size_t i = 0; alpha && i < count; i++)
        alpha[i] = pixels[i * 4 + 3];
    return alpha;
}

/* Floats of linear light to bytes, in place. Light from RGBE is a byte times a power of two: all of
 * it is in the upper half of the float, so a table serves. */
static int render_light(uint8_t *pixels, size_t count) {
    enum { BLACK = 105 << 7, WHITE = 127 << 7, ENTRIES = 1 << 15 }; /* below 2^-22; 1 and above */
    uint8_t *table = malloc(ENTRIES);
    if (!table) return glimpse_fail_nomem(ENTRIES, "a table of light");
    memset(table, 0, BLACK);
    for (uint32_t i = BLACK; i < WHITE; i++) {
        const uint32_t bits = i << 16;
        float light;
        memcpy(&light, &bits, sizeof light);
        table[i] = (uint8_t)(pow((double)light, 1.0 / 2.2) * 255.0 + 0.5);
    }
    memset(table + WHITE, 255, ENTRIES - WHITE);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, pixels + i * sizeof bits, sizeof bits);
        pixels[i] = table[bits >> 16 & (ENTRIES - 1)];
    }
    free(table);
    return GLIMPSE_OK;
}

int glimpse_stb_decode(glimpse_image *picture, const glimpse_source *source, const char *name,
                       const glimpse_stb_stream *stream, glimpse_stb_samples samples) {
    int width = 0, height = 0, channels = 0;
    reader r = {.stream = stream, .only_header = 1};
    allocation.failed = 0;
    if (!stbi_info_from_callbacks(&callbacks, &r, &width, &height, &channels) || r.cut) {
        return stb_fail(&r, name);
    }
    const uint64_t w = width > 0 ? (uint64_t)width : 0, h = height > 0 ? (uint64_t)height : 0;
    int status = glimpse_picture_check_size(source, w, h);
    if (status < 0) return status;
    const unsigned pixel_bytes = samples == GLIMPSE_STB_LIGHT ? 12 : 4;
    const uint64_t max = (uint64_t)INT_MAX / pixel_bytes; /* stb_image counts bytes in an int */
    if (w * h > max) {
        return glimpse_fail(GLIMPSE_E_LIMIT,
                            "%s: declares %d x %d pixels, and no more than %llu can be decoded",
                            name, width, height, (unsigned long long)max);
    }

    allocation.max = (size_t)(w * h) * pixel_bytes + 4096;
    r = (reader){.stream = stream};
    int real_w = 0, real_h = 0;
    void *loaded;
    uint8_t *alpha = NULL;
    if (samples == GLIMPSE_STB_LIGHT) {
        loaded = stbi_loadf_from_callbacks(&callbacks, &r, &real_w, &real_h, &channels, 3);
    } else {
        loaded = stbi_load_from_callbacks(&callbacks, &r, &real_w, &real_h, &channels,
                                          samples == GLIMPSE_STB_RGBA ? 4 : 3);
    }
    if (!loaded || r.cut) {
        status = stb_fail(&r, name);
    } else if (real_w != width || real_h != height) {
        status = glimpse_fail(GLIMPSE_E_INTERNAL, "%s: %d x %d pixels announced, %d x %d decoded",
                              name, width, height, real_w, real_h);
    } else if (samples == GLIMPSE_STB_LIGHT) {
        status = render_light(loaded, (size_t)(w * h * 3));
    } else if (samples == GLIMPSE_STB_RGBA) {
        if (source->composite) alpha = copy_alpha(loaded, (size_t)(w * h));
        if (source->composite && !alpha) status = glimpse_fail_nomem((size_t)(w * h), "pixels");
        drop_alpha(loaded, (size_t)(w * h));
    }
    if (status < 0) {
        free(loaded);
        return status;
    }
    picture->alpha = alpha;
    uint8_t *pixels = realloc(loaded, (size_t)(w * h * 3)); /* gives back what is not needed */
    glimpse_picture_adopt(picture, pixels ? pixels : loaded, (uint32_t)w, (uint32_t)h);
    return GLIMPSE_OK;
}
