/*
 * session_retrieval.c - how well a model finds pictures by their captions: pictures and texts
 * embedded, ranked against each other, and a second stage measured beside it.
 */
#include "embedder.h"
#include "retrieval_private.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_AT_ONCE = 64 };

static int copy_set(retrieval *r, const glimpse_retrieval_set *set) {
    if (set->image_count == 0 || set->text_count == 0 || set->pair_count == 0 || !set->images ||
        !set->texts || !set->pairs) {
        return glimpse_fail(GLIMPSE_E_INVALID, "nothing to evaluate: pictures, texts and which "
                                               "fits which are needed");
    }
    for (size_t i = 0; i < set->pair_count; i++) {
        if (set->pairs[i].image < set->image_count && set->pairs[i].text < set->text_count)
            continue;
        return glimpse_fail(GLIMPSE_E_INVALID, "pair %zu is of a picture or text that is not there",
                            i);
    }
    r->images = calloc(set->image_count, sizeof *r->images);
    r->texts = calloc(set->text_count, sizeof *r->texts);
    r->image_places = calloc(set->image_count, sizeof *r->image_places);
    r->text_places = calloc(set->text_count, sizeof *r->text_places);
    r->pairs = calloc(set->pair_count, sizeof *r->pairs);
    if (!r->images || !r->texts || !r->image_places || !r->text_places || !r->pairs) {
        return glimpse_fail_nomem(set->pair_count * sizeof *r->pairs, "a set of pictures");
    }
    for (size_t i = 0; i < set->image_count; i++)
        r->images[i] = set->images[i], r->image_places[i] = i;
    for (size_t i = 0; i < set->text_count; i++)
        r->texts[i] = set->texts[i], r->text_places[i] = i;
    memcpy(r->pairs, set->pairs, set->pair_count * sizeof *r->pairs);
    r->image_count = set->image_count;
    r->text_count = set->text_count;
    r->pair_count = set->pair_count;
    return GLIMPSE_OK;
}

/* Keeps the items with keep[i], and notes where each has gone. */
static size_t pack(const char **items, size_t *places, size_t count, const unsigned char *keep,
                   size_t *moved) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        moved[i] = used;
        if (!keep[i]) continue;
        items[used] = items[i];
        places[used++] = places[i];
    }
    return used;
}

/* Leaves out the pictures with keep[i] == 0, and texts that then fit none. */
static int leave_out(retrieval *r, const unsigned char *keep) {
    unsigned char *texts = calloc(r->text_count, 1);
    size_t *image = calloc(r->image_count, sizeof *image), used = 0;
    size_t *text = calloc(r->text_count, sizeof *text);
    int status = GLIMPSE_OK;
    if (!texts || !image || !text) {
        status = glimpse_fail_nomem(r->text_count * sizeof *text, "a set of pictures");
        goto done;
    }
    for (size_t i = 0; i < r->pair_count; i++) {
        if (!keep[r->pairs[i].image]) continue;
        texts[r->pairs[i].text] = 1;
        r->pairs[used++] = r->pairs[i];
    }
    r->pair_count = used;
    r->image_count = pack(r->images, r->image_places, r->image_count, keep, image);
    r->text_count = pack(r->texts, r->text_places, r->text_count, texts, text);
    for (size_t i = 0; i < used; i++)
        r->pairs[i] = (glimpse_pair){text[r->pairs[i].text], image[r->pairs[i].image]};
done:
    free(texts);
    free(image);
    free(text);
    return status;
}

/* Stored embeddings are half floats: not quite of unit length. */
static void make_unit(float *rows, size_t count, size_t width) {
    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t k = 0; k < width; k++)
            sum += (double)rows[i * width + k] * (double)rows[i * width + k];
        double scale = sum > 0 ? 1 / sqrt(sum) : 0;
        for (size_t k = 0; k < width; k++)
            rows[i * width + k] = (float)(rows[i * width + k] * scale);
    }
}

/* Rows of pictures that can be used, packed; keep[i] for those. */
static int embed_window(retrieval *r, glimpse_embedder *embedder,
                        glimpse_embedder_picture *pictures, float *embeddings, size_t first,
                        size_t count, unsigned char *keep, size_t *used,
                        const glimpse_retrieval_options *options) {
    char text[4096 + 1024];
    for (size_t i = 0; i < count; i++)
        pictures[i] = (glimpse_embedder_picture){.path = r->images[first + i]};
    int status = glimpse_embedder_embed(embeddings, embedder, pictures, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const glimpse_embedder_picture *p = &pictures[i];
        keep[first + i] = p->known != 0;
        if (p->known) {
            memcpy(r->image_rows + (*used)++ * r->width, embeddings + i * r->width,
                   r->width * sizeof *embeddings);
            continue;
        }
        r->result.unusable++;
        if (options->unusable) {
            (void)snprintf(text, sizeof text, "%s: %s", p->path, p->problem ? p->problem : "");
            options->unusable(options->user, text);
        }
    }
    glimpse_embedder_release(pictures, count);
    return status;
}

static int embed_images(retrieval *r, glimpse_embedder *embedder, unsigned char *keep,
                        const glimpse_retrieval_options *options, const session_control *control) {
    size_t window = glimpse_embedder_window(embedder), used = 0;
    glimpse_embedder_picture *pictures = calloc(window, sizeof *pictures);
    float *embeddings = malloc(window * r->width * sizeof *embeddings);
    double start = glimpse_now();
    int status = GLIMPSE_OK;
    if (!pictures || !embeddings) {
        status = glimpse_fail_nomem(window * r->width * sizeof *embeddings, "embeddings");
    }
    for (size_t first = 0; first < r->image_count && status == GLIMPSE_OK; first += window) {
        size_t n = r->image_count - first < window ? r->image_count - first : window;
        status = embed_window(r, embedder, pictures, embeddings, first, n, keep, &used, options);
        if (status == GLIMPSE_OK) {
            status = glimpse_session_report_progress(control, "pictures", first + n, r->image_count,
                                                     glimpse_now() - start);
        }
        if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(control);
    }
    free(embeddings);
    free(pictures);
    return status;
}

static int embed_texts(retrieval *r, glimpse_encoder *encoder, const session_control *control) {
    double start = glimpse_now();
    for (size_t first = 0; first < r->text_count; first += TEXTS_AT_ONCE) {
        size_t n = r->text_count - first < TEXTS_AT_ONCE ? r->text_count - first : TEXTS_AT_ONCE;
        int truncated[TEXTS_AT_ONCE] = {0};
        int status = glimpse_encoder_texts(r->text_rows + first * r->width, truncated, encoder,
                                           r->texts + first, n, 0);
        if (status < 0) return status;
        for (size_t i = 0; i < n; i++)
            r->result.truncated += truncated[i] != 0;
        status = glimpse_session_report_progress(control, "captions", first + n, r->text_count,
                                                 glimpse_now() - start);
        if (status == GLIMPSE_OK) status = glimpse_session_check_cancelled(control);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int rows(float **out, size_t count, size_t width) {
    *out = calloc(count, width * sizeof **out);
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(count * width * sizeof **out, "embeddings");
}

/* All embeddings. */
static int embed(retrieval *r, glimpse_session *session, const session_worker *worker,
                 glimpse_library *library, const glimpse_retrieval_options *options,
                 const session_control *control) {
    glimpse_embedder *embedder = NULL;
    size_t wanted = r->image_count;
    unsigned char *keep = calloc(wanted, 1);
    int status = keep ? rows(&r->image_rows, wanted, r->width)
                      : glimpse_fail_nomem(wanted, "a set of pictures");
    if (status == GLIMPSE_OK) {
        status = glimpse_session_open_embedder(&embedder, session, library, worker->model,
                                               options->jobs, options->exact_decode, NULL, control);
    }
    if (status == GLIMPSE_OK) status = embed_images(r, embedder, keep, options, control);
    if (status < 0) goto done;
    if (r->result.unusable > 0 && !options->skip_unusable) {
        status =
            glimpse_fail(GLIMPSE_E_FORMAT,
                         "%zu of %zu pictures could not be used; leave them and their captions "
                         "out with %s",
                         r->result.unusable, wanted,
                         glimpse_wording("glimpse_retrieval_options.skip_unusable", NULL));
        goto done;
    }
    status = leave_out(r, keep);
    if (status == GLIMPSE_OK && r->image_count == 0) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "no picture could be used");
    }
    if (status == GLIMPSE_OK) status = rows(&r->text_rows, r->text_count, r->width);
    if (status == GLIMPSE_OK) status = embed_texts(r, worker->encoder, control);
    if (status < 0) goto done;
    make_unit(r->image_rows, r->image_count, r->width);
    make_unit(r->text_rows, r->text_count, r->width);
done:
    glimpse_embedder_close(embedder);
    free(keep);
    return status;
}

static int measure(retrieval *r, glimpse_session *session, const glimpse_retrieval_options *options,
                   const session_control *control) {
    session_lease lease = {0};
    session_worker worker = {0};
    session_vlm vlm = {0};
    glimpse_eval_options how = GLIMPSE_EVAL_OPTIONS_INIT;
    how.samples = options->samples;
    how.seed = options->seed;
    int status =
        glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED, NULL);
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_TEXT,
                                                 TEXTS_AT_ONCE, lease.library);
    }
    if (status == GLIMPSE_OK && options->captions && !lease.library) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s searches a library, and there is none",
                              glimpse_wording("glimpse_retrieval_options.captions", NULL));
    }
    if (status == GLIMPSE_OK && options->rerank) {
        status =
            glimpse_session_acquire_vlm(&vlm, session, options->vlm, "itm", lease.library, control);
        /* Only what is paid for is worth keeping here: thousands of looks, each a transaction. */
        if (status == GLIMPSE_OK && !glimpse_vlm_is_remote(vlm.vlm)) vlm.run.cache = NULL;
    }
    if (status < 0) goto done;
    r->width = glimpse_model_embedding_size(worker.model);
    status = embed(r, session, &worker, lease.library, options, control);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_retrieval_evaluate(&r->report, r->text_rows, r->text_count, r->image_rows,
                                       r->image_count, r->width, r->pairs, r->pair_count, &how);
    }
    if (status == GLIMPSE_OK && options->rerank) {
        status = glimpse_retrieval_rerank(r, &vlm, options, control);
    }
    if (status == GLIMPSE_OK && options->captions) {
        status = glimpse_session_note_within(session, lease.library, options->within,
                                             options->within_count);
    }
    if (status == GLIMPSE_OK && options->captions) {
        status = glimpse_retrieval_captions(r, lease.library, worker.model, options, control);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_retrieval_keep(&r->result.model, r, glimpse_model_name(worker.model));
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_retrieval_keep(&r->result.fingerprint, r,
                                        glimpse_model_fingerprint(worker.model));
    }
done:
    glimpse_session_release_vlm(&vlm);
    glimpse_session_release_encoder(&worker);
    glimpse_session_release_library(&lease);
    return status;
}

int glimpse_session_evaluate_retrieval(glimpse_retrieval_evaluation **out, glimpse_session *session,
                                       const glimpse_retrieval_set *set,
                                       const glimpse_retrieval_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_retrieval_options own = GLIMPSE_RETRIEVAL_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out || !session || !set) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_evaluate_retrieval: a NULL "
                                               "argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_retrieval_options, user);
    if (status < 0) return status;
    retrieval *r = calloc(1, sizeof *r);
    if (!r) return glimpse_fail_nomem(sizeof *r, "an evaluation");
    const session_control control = {own.progress, own.cancelled, own.user};
    status = copy_set(r, set);
    if (status == GLIMPSE_OK) status = measure(r, session, &own, &control);
    if (status < 0) {
        glimpse_retrieval_evaluation_free(&r->result);
        return status;
    }
    r->result.report = r->report;
    r->result.images = r->image_places;
    r->result.texts = r->text_places;
    r->result.image_count = r->image_count;
    r->result.text_count = r->text_count;
    r->result.pair_count = r->pair_count;
    r->result.rerank = own.rerank ? &r->rerank : NULL;
    r->result.captions = own.captions ? &r->captions : NULL;
    *out = &r->result;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

void glimpse_retrieval_evaluation_free(glimpse_retrieval_evaluation *evaluation) {
    retrieval *r = (retrieval *)evaluation;
    if (!r) return;
    for (size_t i = 0; i < r->strings.count; i++)
        free(r->strings.items[i]);
    free(r->strings.items);
    glimpse_retrieval_report_free(r->report);
    free(r->images);
    free(r->texts);
    free(r->image_places);
    free(r->text_places);
    free(r->pairs);
    free(r->image_rows);
    free(r->text_rows);
    free(r);
}
