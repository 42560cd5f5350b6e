/*
 * session_compare.c - two pictures side by side: as files, as pixels, as the CLIP model sees them,
 * and as a vision-language model tells it.
 */
#include "session_internal.h"

#include "core/error.h"
#include "core/options.h"
#include "pair.h"
#include "text/json_load.h"

#include <glimpse/decisions.h>
#include <glimpse/sys/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SPEC_BYTES = 4096 };

/* A pair with what its strings are borrowed from. */
typedef struct told_pair {
    glimpse_compared_pair pair; /* first: the caller has its address */
    json_t *words;
    const char **similarities, **differences;
} told_pair;

typedef struct comparing {
    glimpse_session *session;
    glimpse_compared_pair *pair;
    glimpse_image *images[2];
    glimpse_compare_options options;
} comparing;

static int keep(const char **out, const char *string) {
    *out = strdup(string ? string : "");
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(1, "a string");
}

static int load(comparing *c, int i, const char *path) {
    glimpse_compared *picture = &c->pair->pictures[i];
    int status = glimpse_image_load(&c->images[i], path, NULL);
    if (status == GLIMPSE_OK) status = glimpse_content_id(picture->id, path);
    if (status < 0) return status;
    const glimpse_image_meta *meta = glimpse_image_metadata(c->images[i]);
    picture->width = meta->width;
    picture->height = meta->height;
    status = keep(&picture->path, path);
    if (status == GLIMPSE_OK) {
        status = keep(&picture->format, glimpse_image_format_name(meta->format));
    }
    return status == GLIMPSE_OK ? keep(&picture->taken, meta->taken) : status;
}

static int compare_embeddings(comparing *c, glimpse_library *library) {
    session_worker worker = {0};
    float *vectors = NULL;
    int status =
        glimpse_session_acquire_encoder(&worker, c->session, GLIMPSE_TOWER_IMAGE, 2, library);
    if (status < 0) return status;
    const size_t size = glimpse_model_embedding_size(worker.model);
    const glimpse_image *const images[] = {c->images[0], c->images[1]};
    vectors = malloc(2 * size * sizeof *vectors);
    status = vectors ? glimpse_encoder_images(vectors, worker.encoder, images, 2, 0)
                     : glimpse_fail_nomem(2 * size * sizeof *vectors, "embeddings");
    for (size_t i = 0; i < size && status == GLIMPSE_OK; i++)
        c->pair->cosine += (double)vectors[i] * (double)vectors[size + i];
    if (status == GLIMPSE_OK) status = keep(&c->pair->model, glimpse_model_name(worker.model));
    free(vectors);
    glimpse_session_release_encoder(&worker);
    return status;
}

static int ask(comparing *c, const session_vlm *vlm) {
    glimpse_vlm_answer *answer = NULL;
    char *prompt = NULL;
    glimpse_vlm_picture pictures[2] = {GLIMPSE_VLM_PICTURE_INIT, GLIMPSE_VLM_PICTURE_INIT};
    int status = glimpse_session_prompt(&prompt, c->session, "compare", "");
    for (int i = 0; i < 2; i++) {
        pictures[i].path = c->pair->pictures[i].path;
        pictures[i].label = i == 0 ? "Picture A:" : "Picture B:";
    }
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    request.pictures = pictures;
    request.picture_count = 2;
    request.text = "compare";
    request.prompt = prompt;
    request.schema = GLIMPSE_VLM_JSON_COMPARE;
    request.samples = vlm->settings.samples;
    request.max_tokens = vlm->settings.max_tokens;
    request.keep_metadata = vlm->settings.keep_metadata;
    if (status == GLIMPSE_OK) status = glimpse_vlm_ask(&answer, vlm->vlm, &request, &vlm->run);
    c->pair->answer = answer;
    free(prompt);
    if (status < 0) return status;
    return glimpse_session_keep_use_of(&c->pair->vlm, vlm, answer);
}

/* The strings of the array `name`. */
static int list_words(const char ***out, size_t *count, const json_t *words, const char *name) {
    const json_t *list = json_object_get(words, name), *item;
    size_t i;
    const char **texts = calloc(json_array_size(list) + 1, sizeof *texts);
    if (!texts) return glimpse_fail_nomem(json_array_size(list) * sizeof *texts, "an answer");
    json_array_foreach(list, i, item) if (json_is_string(item)) texts[(*count)++] =
        json_string_value(item);
    *out = texts;
    return GLIMPSE_OK;
}

static int read_answer(glimpse_compared_pair *pair) {
    told_pair *told = (told_pair *)pair;
    json_error_t error;
    if (!pair->answer || !pair->answer->json) return GLIMPSE_OK;
    told->words = glimpse_json_load(pair->answer->json, strlen(pair->answer->json), 0, &error);
    if (!told->words) return glimpse_json_failed(&error, "the answer");
    int status =
        list_words(&told->similarities, &pair->similarity_count, told->words, "similarities");
    if (status == GLIMPSE_OK) {
        status =
            list_words(&told->differences, &pair->difference_count, told->words, "differences");
    }
    pair->similarities = told->similarities;
    pair->differences = told->differences;
    pair->same = json_string_value(json_object_get(told->words, "same"));
    return status;
}

/* Asks a model when one was chosen that can look at two pictures. */
static int ask_model(comparing *c, glimpse_library *library) {
    char buffer[MAX_SPEC_BYTES] = "";
    const char *spec = NULL;
    const glimpse_vlm_settings *settings = c->options.vlm;
    const session_control control = {NULL, c->options.cancelled, c->options.user};
    session_vlm vlm = {0};
    if (c->options.offline) {
        return keep(&c->pair->not_asked, "nobody was to be asked");
    }
    int chosen = glimpse_session_vlm_is_chosen(&spec, buffer, sizeof buffer, c->session, settings);
    if (chosen < 0) return chosen;
    if (!chosen) {
        char why[128];
        (void)snprintf(why, sizeof why, "no vision-language model was chosen (%s)",
                       glimpse_wording("settings.spec", "MODEL"));
        return keep(&c->pair->not_asked, why);
    }
    if (!glimpse_vlm_spec_is_remote(spec)) {
        if (settings && settings->spec) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "%s: a native model looks at one picture at a time", spec);
        }
        return keep(&c->pair->not_asked,
                    "the chosen vision-language model looks at one picture at a time");
    }
    int status = glimpse_session_acquire_vlm(&vlm, c->session, settings, "vqa", library, &control);
    if (status == GLIMPSE_OK) status = ask(c, &vlm);
    if (status == GLIMPSE_OK) status = read_answer(c->pair);
    glimpse_session_release_vlm(&vlm);
    return status;
}

int glimpse_session_compare(glimpse_compared_pair **out, glimpse_session *session, const char *a,
                            const char *b, const glimpse_compare_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    comparing c = {.session = session, .options = GLIMPSE_COMPARE_OPTIONS_INIT};
    session_lease lease = {0};
    if (out) *out = NULL;
    if (!out || !session || !a || !b) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_compare: a NULL argument");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&c.options, options, glimpse_compare_options, user);
    if (status < 0) return status;
    told_pair *told = calloc(1, sizeof *told);
    if (told) c.pair = &told->pair;
    if (!c.pair) return glimpse_fail_nomem(sizeof(told_pair), "a comparison");
    status = load(&c, 0, a);
    if (status == GLIMPSE_OK) status = load(&c, 1, b);
    if (status == GLIMPSE_OK) {
        c.pair->same_bytes = strcmp(c.pair->pictures[0].id, c.pair->pictures[1].id) == 0;
        status = glimpse_pair_compare(&c.pair->pixels, &c.pair->detail, &c.pair->orientation,
                                      c.images[0], c.images[1]);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED,
                                                 NULL);
    }
    if (status == GLIMPSE_OK) status = compare_embeddings(&c, lease.library);
    if (status == GLIMPSE_OK) status = ask_model(&c, lease.library);
    glimpse_session_release_library(&lease);
    glimpse_image_free(c.images[0]);
    glimpse_image_free(c.images[1]);
    if (status < 0) {
        glimpse_compared_pair_free(c.pair);
        return status;
    }
    *out = c.pair;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

void glimpse_compared_pair_free(glimpse_compared_pair *pair) {
    told_pair *told = (told_pair *)pair;
    if (!pair) return;
    json_decref(told->words);
    free(told->similarities);
    free(told->differences);
    for (int i = 0; i < 2; i++) {
        free((char *)pair->pictures[i].path);
        free((char *)pair->pictures[i].format);
        free((char *)pair->pictures[i].taken);
    }
    free((char *)pair->model);
    free((char *)pair->not_asked);
    glimpse_vlm_answer_free((glimpse_vlm_answer *)pair->answer);
    free(pair);
}
