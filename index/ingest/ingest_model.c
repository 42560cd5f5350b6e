/*
 * index/ingest_model.c - the pipeline with a real model.
 */
#include "ingest_internal.h"

#include "core/error.h"
#include "core/options.h"

#include <glimpse/sys/model.h>

static int decode_picture(const glimpse_ingest_engine *engine, const void *data, size_t size,
                          const glimpse_decode_options *options, uint8_t *rgb,
                          glimpse_image_meta *meta) {
    const glimpse_model *model = engine->context;
    glimpse_image *image = NULL;
    int status = glimpse_image_decode(&image, data, size, "picture", options);
    if (status < 0) return status;
    *meta = *glimpse_image_metadata(image);
    status = glimpse_preprocess_rgb(rgb, glimpse_model_preprocess(model), image);
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

int glimpse_library_ingest(glimpse_ingest_report *report, glimpse_library *library,
                           const glimpse_ingest_options *given) {
    glimpse_ingest_options own = GLIMPSE_INGEST_OPTIONS_INIT, *const options = &own;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_ingest_options, user);
    if (status < 0) return status;
    if (!options->model) {
        return glimpse_fail(GLIMPSE_E_INVALID, "indexing needs a model");
    }
    const glimpse_preprocess *rules = glimpse_model_preprocess(options->model);
    const glimpse_ingest_engine engine = {.key = glimpse_model_get_key(options->model),
                                          .input_bytes = (size_t)rules->width * rules->height * 3,
                                          .short_side = glimpse_preprocess_short_side(rules),
                                          .decode = decode_picture,
                                          .encoder_create = create_encoder,
                                          .encoder_free = free_encoder,
                                          .encode = encode_pictures,
                                          .context = options->model};
    return glimpse_ingest_run(report, library, options, &engine);
}
