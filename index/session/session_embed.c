/*
 * session_embed.c - embeddings of texts and pictures.
 */
#include "embedder.h"
#include "session_private.h"

#include "core/error.h"

#include <glimpse/sys/image.h>

enum { TEXTS_AT_ONCE = 64 };

static int check_flags(const char *call, unsigned flags) {
    const unsigned known = GLIMPSE_ENCODE_RAW | GLIMPSE_ENCODE_EXACT;
    if ((flags & ~known) == 0) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: flags %u make no sense here", call, flags);
}

int glimpse_session_embed_texts(float *embeddings, int *truncated, glimpse_session *session,
                                const char *const *texts, size_t count, unsigned flags) {
    session_worker worker = {0};
    if (!session || (count > 0 && (!embeddings || !texts))) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_embed_texts: a NULL argument");
    }
    int status = check_flags("glimpse_session_embed_texts", flags);
    if (status < 0 || count == 0) return status;
    size_t batch = count < TEXTS_AT_ONCE ? count : TEXTS_AT_ONCE;
    status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_TEXT, batch, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_texts(embeddings, truncated, worker.encoder, texts, count, flags);
    }
    glimpse_session_release_encoder(&worker);
    return status;
}

int glimpse_session_encode_picture(float *embedding, int *unusable, glimpse_session *session,
                                   const char *path, unsigned flags, glimpse_library *library) {
    session_worker worker = {0};
    glimpse_image *image = NULL;
    *unusable = 0;
    int status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_IMAGE, 1, library);
    if (status == GLIMPSE_OK) {
        glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
        if (!(flags & GLIMPSE_ENCODE_EXACT)) {
            decode.short_side =
                glimpse_preprocess_short_side(glimpse_model_preprocess(worker.model));
        }
        status = glimpse_image_load(&image, path, &decode);
        *unusable = status < 0 && status != GLIMPSE_E_NOMEM;
    }
    if (status == GLIMPSE_OK) {
        const glimpse_image *const one[] = {image};
        status = glimpse_encoder_images(embedding, worker.encoder, one, 1,
                                        flags & ~(unsigned)GLIMPSE_ENCODE_EXACT);
    }
    glimpse_image_free(image);
    glimpse_session_release_encoder(&worker);
    return status;
}

int glimpse_session_embed_picture(float *embedding, int *unusable, glimpse_session *session,
                                  const char *path, unsigned flags) {
    int ignored;
    if (!embedding || !session || !path) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_embed_picture: a NULL argument");
    }
    if (unusable) *unusable = 0;
    int status = check_flags("glimpse_session_embed_picture", flags);
    if (status < 0) return status;
    return glimpse_session_encode_picture(embedding, unusable ? unusable : &ignored, session, path,
                                          flags, NULL);
}

int glimpse_session_open_embedder(struct glimpse_embedder **out, glimpse_session *session,
                                  glimpse_library *library, const glimpse_model *model,
                                  unsigned jobs, int exact, const char *journal,
                                  const session_control *control) {
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    glimpse_model_options model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    model_options.precision = session->precision;
    model_options.backend = session->backend;
    if (session->no_weights_cache) model_options.flags |= GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    options.jobs = glimpse_session_jobs(session, jobs);
    options.exact = exact;
    options.journal = journal;
    options.model_options = &model_options;
    if (control) {
        options.cancelled = control->cancelled;
        options.user = control->user;
    }
    return glimpse_embedder_open(out, library, model, &options);
}
