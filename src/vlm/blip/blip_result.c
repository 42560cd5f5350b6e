/*
 * vlm/blip/blip_result.c - captions and answers: the calls around generation, and what they hand
 * out.
 */
#include "core/error.h"
#include "core/options.h"
#include "vlm/blip/blip_internal.h"

#include <stdlib.h>
#include <string.h>

struct glimpse_blip_result {
    size_t count;
    glimpse_blip_sequence *sequences; /* [count], ids and text owned */
};

static int copy_sequence(glimpse_blip_sequence *out, const glimpse_blip *model,
                         const glimpse_blip_item *item, size_t rank) {
    const glimpse_blip_beam *beam = &item->finished[rank];
    int32_t *ids = malloc(beam->count * sizeof *ids);
    if (!ids) return glimpse_fail_nomem(beam->count * sizeof *ids, "a sequence");
    memcpy(ids, beam->ids, beam->count * sizeof *ids);
    *out = (glimpse_blip_sequence){.ids = ids,
                                   .count = beam->count,
                                   .prompt = item->prompt,
                                   .sum = beam->sum,
                                   .score = item->scores[rank]};
    char *text = NULL;
    int status = glimpse_blip_decode(model, ids, beam->count, &text);
    out->text = text;
    return status;
}

int glimpse_blip_result_create(glimpse_blip_result **out, const glimpse_blip *model,
                               const glimpse_blip_item *item) {
    *out = NULL;
    glimpse_blip_result *result = calloc(1, sizeof *result);
    if (!result) return glimpse_fail_nomem(sizeof *result, "a result");
    int status = GLIMPSE_OK;
    result->sequences = calloc(item->finished_count, sizeof *result->sequences);
    if (!result->sequences) {
        status = glimpse_fail_nomem(item->finished_count * sizeof *result->sequences, "a result");
        goto done;
    }
    result->count = item->finished_count;
    for (size_t i = 0; i < result->count && status == GLIMPSE_OK; i++)
        status = copy_sequence(&result->sequences[i], model, item, i);
    if (status < 0) goto done;
    *out = result;
    result = NULL;
done:
    glimpse_blip_result_free(result);
    return status;
}

void glimpse_blip_result_free(glimpse_blip_result *result) {
    if (!result) return;
    for (size_t i = 0; i < result->count; i++) {
        free((void *)result->sequences[i].ids);
        free((void *)result->sequences[i].text);
    }
    free(result->sequences);
    free(result);
}

size_t glimpse_blip_result_count(const glimpse_blip_result *result) {
    return result->count;
}

const glimpse_blip_sequence *glimpse_blip_result_get(const glimpse_blip_result *result,
                                                     size_t rank) {
    return rank < result->count ? &result->sequences[rank] : NULL;
}

/* Captions and answers differ only in what the decoder looks at. */
static int generate_all(glimpse_blip_worker *w, const glimpse_blip_image *const *images,
                        const glimpse_blip_text *questions, size_t count,
                        const glimpse_blip_text *prompt, const glimpse_blip_generation *generation,
                        glimpse_blip_result **results) {
    for (size_t done = 0; done < count;) {
        size_t batch = count - done < w->limits.pictures ? count - done : w->limits.pictures;
        int status = GLIMPSE_OK;
        for (size_t i = 0; i < batch && status == GLIMPSE_OK; i++) {
            status = glimpse_blip_decoder_source(w, images[done + i],
                                                 questions ? &questions[done + i] : NULL, i,
                                                 &w->items[i].source);
        }
        if (status == GLIMPSE_OK)
            status = glimpse_blip_generate(w, prompt, batch, done, generation);
        for (size_t i = 0; i < batch && status == GLIMPSE_OK; i++)
            status = glimpse_blip_result_create(&results[done + i], w->model, &w->items[i]);
        glimpse_blip_release(w);
        if (status < 0) return status;
        done += batch;
    }
    return GLIMPSE_OK;
}

static int generate(glimpse_blip_worker *w, const glimpse_blip_image *const *images,
                    const glimpse_blip_text *questions, size_t count,
                    const glimpse_blip_text *prompt, const glimpse_blip_generation *generation,
                    glimpse_blip_result **results) {
    glimpse_blip_text begin = {&w->model->config.dec_id, 1};
    glimpse_blip_generation settings = GLIMPSE_BLIP_GENERATION_INIT;
    int status = generation
                     ? GLIMPSE_OPTIONS_LOAD(&settings, generation, glimpse_blip_generation, flags)
                     : glimpse_blip_generation_defaults(&settings, w->model);
    if (status < 0) return status;
    if (!prompt) prompt = &begin;
    if (prompt->count == 0) return glimpse_fail(GLIMPSE_E_INVALID, "a prompt without a token");
    status = glimpse_blip_check_generation(w, prompt, &settings);
    if (status < 0) return status;
    status = generate_all(w, images, questions, count, prompt, &settings, results);
    for (size_t i = 0; i < count && status < 0; i++) {
        glimpse_blip_result_free(results[i]);
        results[i] = NULL;
    }
    return status;
}

int glimpse_blip_caption(glimpse_blip_result **results, glimpse_blip_worker *worker,
                         const glimpse_blip_image *const *images, size_t count,
                         const glimpse_blip_text *prompt,
                         const glimpse_blip_generation *generation) {
    for (size_t i = 0; i < count; i++)
        results[i] = NULL;
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_CAPTION, GLIMPSE_BLIP_CAPTION);
    if (status < 0) return status;
    return generate(worker, images, NULL, count, prompt, generation, results);
}

int glimpse_blip_answer(glimpse_blip_result **results, glimpse_blip_worker *worker,
                        const glimpse_blip_image *const *images, const glimpse_blip_text *questions,
                        size_t count, const glimpse_blip_generation *generation) {
    for (size_t i = 0; i < count; i++)
        results[i] = NULL;
    int status = glimpse_blip_needs(worker->model, GLIMPSE_BLIP_ANSWER, GLIMPSE_BLIP_ANSWER);
    if (status < 0) return status;
    return generate(worker, images, questions, count, NULL, generation, results);
}
