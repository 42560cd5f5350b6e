/*
 * blip_vlm.c - BLIP behind the one interface: a directory can match, caption or answer, one of
 * the three, about one picture at a time.
 */
#include "vlm/vlm_kinds.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"

#include <glimpse/sys/blip.h>

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST_TEXT = 512, FEWEST_BEAMS = 3 };

typedef struct native {
    pthread_mutex_t mutex;
    glimpse_blip *model;
    glimpse_blip_worker *worker; /* for up to `beams` beams */
    size_t beams, length;
} native;

/*
 * Identity: the bytes of everything in the directory that has to do with answers.
 */
static int counts(const struct dirent *entry) {
    static const char *const endings[] = {".safetensors", ".json", "vocab.txt"};
    size_t length = strlen(entry->d_name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && strcmp(entry->d_name + length - ending, endings[i]) == 0) return 1;
    }
    return 0;
}

static int add_file(glimpse_hasher *hasher, const char *directory, const char *name) {
    struct stat info;
    char *path = glimpse_path_join(directory, name);
    if (!path) return glimpse_fail_nomem(strlen(directory), "a path");
    int status = GLIMPSE_OK;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        glimpse_mapping mapping;
        status = glimpse_file_map(&mapping, path);
        if (status == GLIMPSE_OK) {
            glimpse_hasher_update(hasher, name, strlen(name) + 1);
            glimpse_hasher_update(hasher, mapping.data, mapping.size);
            glimpse_file_unmap(&mapping);
        }
    }
    free(path);
    return status;
}

static int identify(char hex[GLIMPSE_HASH_HEX], const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, counts, alphasort);
    if (count < 0) return glimpse_fail_errno("%s: cannot read the folder", path);
    glimpse_hasher *hasher = glimpse_hasher_create();
    int status = hasher ? GLIMPSE_OK : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a hash");
    for (int i = 0; i < count; i++) {
        if (status == GLIMPSE_OK) status = add_file(hasher, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (hasher) {
        glimpse_hash hash = glimpse_hasher_finish(hasher);
        glimpse_hash_to_hex(&hash, hex);
    }
    return status;
}

/*
 * The engine.
 */
static int can(const void *self, glimpse_vlm_operation operation) {
    const native *n = self;
    switch (glimpse_blip_kind_of(n->model)) {
    case GLIMPSE_BLIP_MATCH: return operation == GLIMPSE_VLM_SCORE;
    case GLIMPSE_BLIP_CAPTION: return operation == GLIMPSE_VLM_CAPTION;
    case GLIMPSE_BLIP_ANSWER: return operation == GLIMPSE_VLM_ASK;
    }
    return 0;
}

static int prompt(const void *self, const glimpse_vlm_request *request, char **out) {
    (void)self;
    if (request->picture_count != 1) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "a native model looks at one picture at a time, not at %zu",
                            request->picture_count);
    }
    if (request->schema != GLIMPSE_VLM_PLAIN && request->operation != GLIMPSE_VLM_SCORE) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "a native model does not write JSON (%s)",
                            glimpse_vlm_schema_name(request->schema));
    }
    *out = strdup(request->text ? request->text : "");
    return *out ? GLIMPSE_OK : glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a text");
}

/* A worker for that many beams; made again when more are wanted. */
static int want_worker(native *n, size_t beams) {
    if (n->worker && beams <= n->beams) return GLIMPSE_OK;
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.pictures = 1;
    limits.texts = 1;
    limits.beams = beams > FEWEST_BEAMS ? beams : FEWEST_BEAMS;
    size_t positions = glimpse_blip_text_positions(n->model);
    limits.length = positions < 128 ? positions : 128;
    glimpse_blip_worker_free(n->worker);
    n->worker = NULL;
    n->beams = limits.beams;
    n->length = limits.length;
    return glimpse_blip_worker_create(&n->worker, n->model, &limits);
}

static int encode(const native *n, glimpse_blip_role role, const char *text, int32_t *ids,
                  glimpse_blip_text *out) {
    glimpse_tokens tokens = {ids, LONGEST_TEXT, 0, 0};
    int status = glimpse_blip_encode(&tokens, n->model, role, text, strlen(text));
    *out = (glimpse_blip_text){ids, tokens.count};
    return status;
}

static int score(native *n, const glimpse_blip_image *image, const char *text,
                 glimpse_vlm_answer *answer) {
    int32_t ids[LONGEST_TEXT];
    glimpse_blip_text words;
    float logits[2];
    int status = encode(n, GLIMPSE_BLIP_TEXT_CLS, text, ids, &words);
    if (status == GLIMPSE_OK) status = glimpse_blip_match(logits, n->worker, &image, 1, &words, 1);
    size_t joint = glimpse_blip_joint_width(n->model);
    float *feature = calloc(joint + 1, sizeof *feature);
    if (status == GLIMPSE_OK && !feature) status = glimpse_fail_nomem(joint, "a vector");
    if (status == GLIMPSE_OK) {
        status = glimpse_blip_text_features(feature, n->worker, &words, 1);
    }
    if (status == GLIMPSE_OK) {
        char number[32];
        const float *other = glimpse_blip_image_feature(image);
        answer->probability = glimpse_blip_probability(logits);
        answer->confidence = fmax(answer->probability, 1.0 - answer->probability);
        answer->cosine = 0.0;
        for (size_t i = 0; i < joint; i++)
            answer->cosine += (double)feature[i] * (double)other[i];
        (void)snprintf(number, sizeof number, "%.6g", answer->probability);
        status = glimpse_vlm_set(&answer->text, number);
    }
    free(feature);
    return status;
}

static int set_sequence(glimpse_vlm_answer *answer, const glimpse_blip_sequence *sequence) {
    size_t made = sequence->count - sequence->prompt;
    int32_t *ids = malloc((sequence->count + 1) * sizeof *ids);
    if (!ids) return glimpse_fail_nomem(sequence->count * sizeof *ids, "an answer");
    memcpy(ids, sequence->ids, sequence->count * sizeof *ids);
    answer->ids = ids;
    answer->id_count = sequence->count;
    answer->log_probability = sequence->score;
    if (made > 0) answer->confidence = exp(sequence->sum / (double)made);
    answer->tokens_out = made;
    answer->tokens_known = 1;
    int status = glimpse_vlm_set(&answer->text, sequence->text);
    if (status < 0 || *answer->text) return status;
    answer->outcome = GLIMPSE_VLM_FAILED;
    answer->code = GLIMPSE_E_FORMAT;
    return glimpse_vlm_set(&answer->reason, "the answer is empty");
}

static int generate(native *n, const glimpse_vlm_job *job, const glimpse_blip_image *image,
                    glimpse_vlm_answer *answer) {
    const glimpse_vlm_request *r = job->request;
    glimpse_blip_generation how = GLIMPSE_BLIP_GENERATION_INIT;
    (void)glimpse_blip_generation_defaults(&how, n->model); /* fails only without that INIT */
    how.beams = r->beams > 1 ? r->beams : 1;
    if (r->max_tokens > 0) how.max_length = r->max_tokens;
    if (r->min_tokens > 0) how.min_length = r->min_tokens;
    if (how.max_length > n->length) how.max_length = n->length;
    if (job->temperature > 0.0) {
        how.sample = 1;
        how.beams = 1;
        how.temperature = job->temperature;
        how.seed = job->seed;
    }
    int32_t ids[LONGEST_TEXT];
    glimpse_blip_text words;
    glimpse_blip_result *result = NULL;
    int captioning = r->operation == GLIMPSE_VLM_CAPTION;
    int status = encode(n, captioning ? GLIMPSE_BLIP_TEXT_PROMPT : GLIMPSE_BLIP_TEXT_CLS,
                        job->prompt, ids, &words);
    if (status < 0) return status;
    status = captioning ? glimpse_blip_caption(&result, n->worker, &image, 1, &words, &how)
                        : glimpse_blip_answer(&result, n->worker, &image, &words, 1, &how);
    if (status == GLIMPSE_OK) status = set_sequence(answer, glimpse_blip_result_get(result, 0));
    glimpse_blip_result_free(result);
    return status;
}

/* Pictures are read and decoded by all threads at once; the model looks at one at a time. */
static int look(native *n, const glimpse_vlm_job *job, glimpse_vlm_answer *answer) {
    glimpse_vlm_loaded *picture = &job->pictures[0];
    glimpse_image *decoded = NULL;
    const glimpse_image *image = picture->from->image;
    int status = glimpse_vlm_load(picture);
    if (status == GLIMPSE_OK && picture->bytes) {
        status = glimpse_image_decode(&decoded, picture->bytes, picture->size,
                                      glimpse_vlm_picture_name(picture->from), NULL);
        image = decoded;
    }
    if (status < 0)
        return status == GLIMPSE_E_NOMEM ? status : glimpse_vlm_set_failed(answer, status);
    glimpse_blip_image *seen = NULL;
    (void)pthread_mutex_lock(&n->mutex);
    status = want_worker(n, job->request->beams);
    if (status == GLIMPSE_OK) status = glimpse_blip_image_create(&seen, n->worker, image);
    glimpse_image_free(decoded);
    if (status == GLIMPSE_OK) {
        status = job->request->operation == GLIMPSE_VLM_SCORE ? score(n, seen, job->prompt, answer)
                                                              : generate(n, job, seen, answer);
    }
    glimpse_blip_image_free(seen);
    (void)pthread_mutex_unlock(&n->mutex);
    return status;
}

static int answer_native(void *self, const glimpse_vlm_job *job, glimpse_vlm_answer *answer) {
    native *n = self;
    if (glimpse_vlm_job_stopped(job)) return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    if (job->dry_run) {
        answer->outcome = GLIMPSE_VLM_NOT_SENT;
        return glimpse_vlm_set(&answer->reason, "dry run: the model is on this machine and nothing "
                                                "would be sent");
    }
    double start = glimpse_now();
    int status = look(n, job, answer);
    answer->latency = glimpse_now() - start;
    answer->requests = 1;
    return status;
}

static void close_native(void *self) {
    native *n = self;
    glimpse_blip_worker_free(n->worker);
    glimpse_blip_close(n->model);
    (void)pthread_mutex_destroy(&n->mutex);
    free(n);
}

static const glimpse_vlm_engine native_engine = {can, prompt, answer_native, close_native};

static int open_native(glimpse_vlm *vlm, const glimpse_vlm_kind *kind, const char *path,
                       const glimpse_vlm_options *options) {
    (void)kind;
    char hex[GLIMPSE_HASH_HEX], identity[GLIMPSE_HASH_HEX + 16];
    native *n = calloc(1, sizeof *n);
    if (!n) return glimpse_fail_nomem(sizeof *n, "a model");
    (void)pthread_mutex_init(&n->mutex, NULL);
    vlm->engine = &native_engine;
    vlm->self = n;
    glimpse_blip_options blip = GLIMPSE_BLIP_OPTIONS_INIT;
    blip.precision = options->precision;
    blip.backend = options->backend;
    int status = glimpse_blip_open(&n->model, path, &blip);
    if (status == GLIMPSE_OK) status = identify(hex, path);
    if (status < 0) return status;
    /* bf16 may choose another word than f32 does. */
    (void)snprintf(identity, sizeof identity, "blip:%s/%s", hex,
                   glimpse_blip_precision(n->model) == GLIMPSE_PRECISION_BF16 ? "bf16" : "f32");
    vlm->identity = strdup(identity);
    vlm->name = strdup(glimpse_blip_name(n->model));
    if (!vlm->identity || !vlm->name) {
        return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a name");
    }
    return GLIMPSE_OK;
}

const glimpse_vlm_kind glimpse_vlm_kind_blip = {
    .provider = {.name = "blip",
                 .spec = "DIR",
                 .about = "a native BLIP model directory; nothing leaves the machine"},
    .is_model = glimpse_blip_is_model,
    .open = open_native,
};
