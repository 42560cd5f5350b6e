/*
 * index/ingest/engine.c - the engine of a real model.
 *
 * What the pool carries of a picture is its signature, its size and then its R,G,B: a model of
 * flexible resolution makes each picture as large as its aspect asks for.
 */
#include "engine.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

typedef struct input_head {
    uint32_t width, height;
    glimpse_signature signature; /* of whole pictures */
} input_head;

typedef struct engine_encoder {
    glimpse_encoder *encoder;
    size_t stride;                  /* bytes of an input */
    glimpse_encoder_input inputs[]; /* [max_batch] */
} engine_encoder;

static int preprocess_picture(const glimpse_ingest_engine *engine, const glimpse_image *image,
                              uint8_t *rgb) {
    const glimpse_image_meta *meta = glimpse_image_metadata(image);
    glimpse_preprocess own;
    int status = glimpse_preprocess_for(&own, glimpse_model_preprocess(engine->context),
                                        meta->width, meta->height);
    if (status < 0) return status;
    input_head head = {.width = own.width, .height = own.height};
    glimpse_signature_make(&head.signature, image);
    memcpy(rgb, &head, sizeof head);
    return glimpse_preprocess_rgb(rgb + sizeof head, &own, image);
}

static int decode_picture(const glimpse_ingest_engine *engine, const void *data, size_t size,
                          const glimpse_decode_options *options, uint8_t *rgb,
                          glimpse_image_meta *meta) {
    glimpse_image *image = NULL;
    int status = glimpse_image_decode(&image, data, size, "picture", options);
    if (status < 0) return status;
    *meta = *glimpse_image_metadata(image);
    status = preprocess_picture(engine, image, rgb);
    glimpse_image_free(image);
    return status;
}

static int crop_picture(const glimpse_ingest_engine *engine, const glimpse_image *image,
                        const glimpse_box *box, uint8_t *rgb) {
    glimpse_preprocess own;
    int status = glimpse_preprocess_for(&own, glimpse_model_preprocess(engine->context), box->width,
                                        box->height);
    if (status < 0) return status;
    const input_head head = {.width = own.width, .height = own.height};
    memcpy(rgb, &head, sizeof head);
    return glimpse_preprocess_box_rgb(rgb + sizeof head, &own, image, box);
}

static void sign_picture(glimpse_signature *signature, const uint8_t *rgb) {
    input_head head;
    memcpy(&head, rgb, sizeof head);
    *signature = head.signature;
}

static int create_encoder(const glimpse_ingest_engine *engine, void **out, size_t max_batch) {
    *out = NULL;
    engine_encoder *e = NULL;
    const size_t bytes = sizeof *e + max_batch * sizeof *e->inputs;
    e = calloc(1, bytes);
    if (!e) return glimpse_fail_nomem(bytes, "an encoder");
    e->stride = engine->input_bytes;
    int status = glimpse_encoder_create(&e->encoder, engine->context, max_batch);
    if (status < 0) {
        free(e);
        return status;
    }
    *out = e;
    return GLIMPSE_OK;
}

static uint64_t encoder_bytes(const glimpse_ingest_engine *engine, size_t max_batch) {
    return glimpse_encoder_plan_memory(engine->context, max_batch);
}

static void free_encoder(void *encoder) {
    engine_encoder *e = encoder;
    if (e) glimpse_encoder_free(e->encoder);
    free(e);
}

/* A batch of the pool is never larger than max_batch. */
static int encode_pictures(void *encoder, const uint8_t *rgb, size_t count, float *embeddings) {
    engine_encoder *e = encoder;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *input = rgb + i * e->stride;
        input_head head;
        memcpy(&head, input, sizeof head);
        e->inputs[i] = (glimpse_encoder_input){
            .rgb = input + sizeof head, .width = head.width, .height = head.height};
    }
    return glimpse_encoder_inputs(embeddings, e->encoder, e->inputs, count, 0);
}

uint32_t glimpse_engine_tile_side(const glimpse_ingest_engine *engine) {
    return engine->short_side / 2;
}

glimpse_ingest_engine glimpse_engine_of_model(const glimpse_model *model) {
    const glimpse_preprocess *rules = glimpse_model_preprocess(model);
    return (glimpse_ingest_engine){.key = glimpse_model_get_key(model),
                                   .input_bytes =
                                       sizeof(input_head) + glimpse_preprocess_max_bytes(rules),
                                   .short_side = glimpse_preprocess_short_side(rules),
                                   .decode = decode_picture,
                                   .preprocess = preprocess_picture,
                                   .sign = sign_picture,
                                   .crop = crop_picture,
                                   .encoder_create = create_encoder,
                                   .encoder_free = free_encoder,
                                   .encode = encode_pictures,
                                   .model_bytes = glimpse_model_working_memory(model),
                                   .encoder_bytes = encoder_bytes,
                                   .context = model};
}
