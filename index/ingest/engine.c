/*
 * index/ingest/engine.c - the engine of a real model.
 */
#include "engine.h"

static int preprocess_picture(const glimpse_ingest_engine *engine, const glimpse_image *image,
                              uint8_t *rgb) {
    return glimpse_preprocess_rgb(rgb, glimpse_model_preprocess(engine->context), image);
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

static int create_encoder(const glimpse_ingest_engine *engine, void **out, size_t max_batch) {
    glimpse_encoder *encoder = NULL;
    int status = glimpse_encoder_create(&encoder, engine->context, max_batch);
    *out = encoder;
    return status;
}

static void free_encoder(void *encoder) {
    glimpse_encoder_free(encoder);
}

static int encode_pictures(void *encoder, const uint8_t *rgb, size_t count, float *embeddings) {
    return glimpse_encoder_rgb(embeddings, encoder, rgb, count, 0);
}

glimpse_ingest_engine glimpse_engine_of_model(const glimpse_model *model) {
    const glimpse_preprocess *rules = glimpse_model_preprocess(model);
    return (glimpse_ingest_engine){.key = glimpse_model_get_key(model),
                                   .input_bytes = (size_t)rules->width * rules->height * 3,
                                   .short_side = glimpse_preprocess_short_side(rules),
                                   .decode = decode_picture,
                                   .preprocess = preprocess_picture,
                                   .encoder_create = create_encoder,
                                   .encoder_free = free_encoder,
                                   .encode = encode_pictures,
                                   .context = model};
}
