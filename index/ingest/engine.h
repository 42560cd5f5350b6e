/*
 * index/ingest/engine.h - what turns bytes into a vector: a model, or a test's stand-in.
 *
 * All calls but those that create and free come from several threads at once; an encoder stays in
 * one.
 */
#ifndef GLIMPSE_INDEX_ENGINE_H
#define GLIMPSE_INDEX_ENGINE_H

#include "library_private.h"

#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>
#include <glimpse/sys/signature.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct glimpse_ingest_engine {
    glimpse_model_key key;
    size_t input_bytes;  /* of one preprocessed picture at most, in a form of the engine's own */
    uint32_t short_side; /* that a reduced picture must keep; 0: never reduce */
    /* Decodes and preprocesses into `rgb` [input_bytes]; messages begin with "picture: ". */
    int (*decode)(const struct glimpse_ingest_engine *engine, const void *data, size_t size,
                  const glimpse_decode_options *options, uint8_t *rgb, glimpse_image_meta *meta);
    /* Preprocesses a picture that is decoded already. */
    int (*preprocess)(const struct glimpse_ingest_engine *engine, const glimpse_image *image,
                      uint8_t *rgb);
    /* The signature of the whole picture that `rgb` was prepared from; NULL: pictures have none. */
    void (*sign)(glimpse_signature *signature, const uint8_t *rgb);
    /* As `preprocess`, of a part of it alone; NULL: pictures have no tiles. */
    int (*crop)(const struct glimpse_ingest_engine *engine, const glimpse_image *image,
                const glimpse_box *box, uint8_t *rgb);
    int (*encoder_create)(const struct glimpse_ingest_engine *engine, void **out, size_t max_batch);
    void (*encoder_free)(void *encoder);
    /* `rgb` [count][input_bytes] -> `embeddings` [count][key.dim] */
    int (*encode)(void *encoder, const uint8_t *rgb, size_t count, float *embeddings);
    /* Bytes of the weights in memory and mapped, and of an encoder; 0 and NULL: not counted. */
    uint64_t model_bytes;
    uint64_t (*encoder_bytes)(const struct glimpse_ingest_engine *engine, size_t max_batch);
    const void *context;

    /* For tests; zero for the real thing. */
    ssize_t (*read)(int fd, void *data, size_t size); /* NULL: read(2) */
    uint64_t memory_limit;                            /* 0: see glimpse_pool_memory_limit */
} glimpse_ingest_engine;

/* The shortest side of a tile that shows more than the whole picture does: the model's input. */
uint32_t glimpse_engine_tile_side(const glimpse_ingest_engine *engine);

/* With the image tower of a model, which must outlive the engine. */
glimpse_ingest_engine glimpse_engine_of_model(const glimpse_model *model);

#endif
