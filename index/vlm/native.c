/*
 * index/vlm/native.c - captions, matches and answers for picture files, through a BLIP model that
 * is open.
 *
 * A worker belongs to one run: it is cut to the number of pictures, texts and beams. Pictures are
 * decoded with all their pixels, as glimpse_image_load does without options.
 */
#include "native.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"

#include <glimpse/sys/image.h>

#include <math.h>
#include <stdlib.h>

/* Pictures that are described together: the decoder reads all its weights for every token, so a
 * few at a time cost little more than one. */
enum { TOGETHER = 4 };

static int stopped(void) {
    return glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
}

static int check_cancelled(const glimpse_native_run *run) {
    const glimpse_session_blip_options *o = run->options;
    return o->cancelled && o->cancelled(o->user) ? stopped() : GLIMPSE_OK;
}

static int report(const glimpse_native_run *run, const char *stage, size_t done, double start) {
    const glimpse_session_blip_options *o = run->options;
    glimpse_progress progress = {.stage = stage,
                                 .done = done,
                                 .total = run->count,
                                 .total_is_final = 1,
                                 .seconds = glimpse_now() - start};
    return o->progress && o->progress(o->user, &progress) ? stopped() : GLIMPSE_OK;
}

static int hand_out(const glimpse_native_run *run, const glimpse_blip_record *record) {
    return run->each && run->each(run->user, record) ? stopped() : GLIMPSE_OK;
}

/*
 * Texts as the model reads them.
 */
static int encode(glimpse_blip_text *out, int *truncated, const glimpse_native_run *run,
                  glimpse_blip_role role, const char *text) {
    const size_t capacity = glimpse_blip_text_positions(run->model);
    int32_t *ids = calloc(capacity, sizeof *ids);
    glimpse_tokens tokens = {ids, capacity, 0, 0};
    if (!ids) return glimpse_fail_nomem(capacity * sizeof *ids, "a text");
    int status = glimpse_blip_encode(&tokens, run->model, role, text, strlen(text));
    if (status < 0) {
        free(ids);
        return status;
    }
    *out = (glimpse_blip_text){ids, tokens.count};
    if (truncated) *truncated = tokens.truncated;
    return GLIMPSE_OK;
}

static void free_texts(glimpse_blip_text *texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++)
        free((void *)texts[i].ids);
    free(texts);
}

/* *out [count], to be freed also after a failure. */
static int encode_all(glimpse_blip_text **out, int *truncated, const glimpse_native_run *run,
                      glimpse_blip_role role, const char *const *texts, size_t count) {
    int status = GLIMPSE_OK;
    *out = calloc(count ? count : 1, sizeof **out);
    if (!*out) return glimpse_fail_nomem(count * sizeof **out, "texts");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = encode(&(*out)[i], truncated ? &truncated[i] : NULL, run, role, texts[i]);
    return status;
}

/*
 * Pictures.
 */
static int open_worker(glimpse_blip_worker **out, const glimpse_native_run *run, size_t pictures,
                       size_t texts, const glimpse_blip_generation *how) {
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.pictures = pictures;
    if (texts < limits.texts) limits.texts = texts;
    if (how) {
        limits.beams = how->beams;
        limits.length = how->max_length;
    }
    return glimpse_blip_worker_create(out, run->model, &limits);
}

/* *image is NULL, and *record says why, when the file cannot be used; that is no failure. The
 * record's problem is then malloc'ed. */
static int look(glimpse_blip_image **image, glimpse_blip_record *record,
                glimpse_blip_worker *worker, const glimpse_native_run *run, size_t index) {
    glimpse_image *decoded = NULL;
    *image = NULL;
    *record = (glimpse_blip_record){.picture = index, .path = run->paths[index]};
    record->status = glimpse_image_load(&decoded, record->path, NULL);
    if (record->status == GLIMPSE_E_NOMEM) return record->status; /* not the file's fault */
    if (record->status < 0) {
        record->problem = strdup(glimpse_without_path(glimpse_last_error(), record->path));
        return record->problem ? GLIMPSE_OK : glimpse_fail_nomem(1, "a reason");
    }
    const int status = glimpse_blip_image_create(image, worker, decoded);
    glimpse_image_free(decoded);
    return status;
}

static int load_generation(glimpse_blip_generation *out, const glimpse_native_run *run) {
    const glimpse_blip_generation *given = run->options->generation;
    *out = GLIMPSE_BLIP_GENERATION_INIT;
    return given ? GLIMPSE_OPTIONS_LOAD(out, given, glimpse_blip_generation, flags)
                 : glimpse_blip_generation_defaults(out, run->model);
}

/*
 * Captions.
 */
/* Describes up to TOGETHER pictures and hands them out in order. */
static int caption_some(const glimpse_native_run *run, glimpse_blip_worker *worker, size_t first,
                        size_t count, const glimpse_blip_text *prompt,
                        const glimpse_blip_generation *how) {
    glimpse_blip_record records[TOGETHER] = {{0}};
    glimpse_blip_image *images[TOGETHER] = {NULL};
    const glimpse_blip_image *good[TOGETHER];
    glimpse_blip_result *results[TOGETHER] = {NULL};
    size_t good_count = 0;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = look(&images[i], &records[i], worker, run, first + i);
        if (images[i]) good[good_count++] = images[i];
    }
    if (status == GLIMPSE_OK && good_count > 0) {
        status = glimpse_blip_caption(results, worker, good, good_count, prompt, how);
    }
    for (size_t i = 0, next = 0; i < count && status == GLIMPSE_OK; i++) {
        if (images[i]) records[i].result = results[next++];
        status = hand_out(run, &records[i]);
    }
    for (size_t i = 0; i < count; i++) {
        glimpse_blip_image_free(images[i]);
        glimpse_blip_result_free(results[i]);
        free((char *)records[i].problem);
    }
    return status;
}

int glimpse_native_caption(const glimpse_native_run *run) {
    const char *words = run->options->prompt;
    glimpse_blip_generation how;
    glimpse_blip_text prompt = {NULL, 0};
    glimpse_blip_worker *worker = NULL;
    const double start = glimpse_now();
    int status = load_generation(&how, run);
    if (status == GLIMPSE_OK && words) {
        status = encode(&prompt, NULL, run, GLIMPSE_BLIP_TEXT_PROMPT, words);
    }
    if (status == GLIMPSE_OK && prompt.count >= how.max_length && words) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "the prompt is %zu tokens, which leaves nothing to write within %zu",
                              prompt.count, how.max_length);
    }
    if (status == GLIMPSE_OK) {
        status = open_worker(&worker, run, run->count < TOGETHER ? run->count : TOGETHER, 1, &how);
    }
    for (size_t done = 0; done < run->count && status == GLIMPSE_OK;) {
        const size_t batch = run->count - done < TOGETHER ? run->count - done : TOGETHER;
        status = caption_some(run, worker, done, batch, prompt.ids ? &prompt : NULL, &how);
        done += batch;
        if (status == GLIMPSE_OK) status = check_cancelled(run);
        if (status == GLIMPSE_OK && done < run->count) {
            status = report(run, "pictures described", done, start);
        }
    }
    glimpse_blip_worker_free(worker);
    free((void *)prompt.ids);
    return status;
}

/*
 * Matches.
 */
typedef struct matching {
    glimpse_blip_text *plain;   /* from [CLS], as the reference does for ITC */
    glimpse_blip_text *matched; /* as chosen */
    int *truncated;
    float *features; /* [text_count][E] */
    float *logits;   /* [text_count][2] */
} matching;

static int prepare_texts(matching *m, const glimpse_native_run *run, glimpse_blip_worker *worker) {
    const size_t count = run->text_count, joint = glimpse_blip_joint_width(run->model);
    m->truncated = calloc(count, sizeof *m->truncated);
    m->features = calloc(count * joint, sizeof *m->features);
    m->logits = calloc(count * 2, sizeof *m->logits);
    if (!m->truncated || !m->features || !m->logits) {
        return glimpse_fail_nomem(count * (joint + 2) * sizeof(float), "texts");
    }
    int status = encode_all(&m->plain, m->truncated, run, GLIMPSE_BLIP_TEXT_CLS, run->texts, count);
    /* One by one: what a text has for a feature does not hang on its neighbours. */
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = glimpse_blip_text_features(m->features + i * joint, worker, &m->plain[i], 1);
    if (status < 0) return status;
    return encode_all(&m->matched, NULL, run, run->options->role, run->texts, count);
}

static double dot(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static int match_picture(const glimpse_native_run *run, const matching *m,
                         glimpse_blip_worker *worker, size_t index) {
    const size_t joint = glimpse_blip_joint_width(run->model);
    glimpse_blip_image *image = NULL;
    glimpse_blip_record record;
    int status = look(&image, &record, worker, run, index);
    if (status == GLIMPSE_OK && !image) status = hand_out(run, &record);
    if (status == GLIMPSE_OK && image) {
        const glimpse_blip_image *one = image;
        status = glimpse_blip_match(m->logits, worker, &one, 1, m->matched, run->text_count);
    }
    for (size_t i = 0; image && i < run->text_count && status == GLIMPSE_OK; i++) {
        record.text_index = i;
        record.text = run->texts[i];
        record.truncated = m->truncated[i];
        memcpy(record.logits, m->logits + 2 * i, sizeof record.logits);
        record.probability = glimpse_blip_probability(record.logits);
        record.cosine = dot(glimpse_blip_image_feature(image), m->features + i * joint, joint);
        status = hand_out(run, &record);
    }
    glimpse_blip_image_free(image);
    free((char *)record.problem);
    return status;
}

int glimpse_native_match(const glimpse_native_run *run) {
    glimpse_blip_worker *worker = NULL;
    matching m = {0};
    const double start = glimpse_now();
    int status = open_worker(&worker, run, 1, run->text_count, NULL);
    if (status == GLIMPSE_OK) status = prepare_texts(&m, run, worker);
    for (size_t i = 0; i < run->count && status == GLIMPSE_OK; i++) {
        status = match_picture(run, &m, worker, i);
        if (status == GLIMPSE_OK) status = check_cancelled(run);
        if (status == GLIMPSE_OK && i + 1 < run->count) {
            status = report(run, "pictures matched", i + 1, start);
        }
    }
    free_texts(m.plain, run->text_count);
    free_texts(m.matched, run->text_count);
    free(m.truncated);
    free(m.features);
    free(m.logits);
    glimpse_blip_worker_free(worker);
    return status;
}

/*
 * Answers.
 */
typedef struct answering {
    glimpse_blip_generation how;
    glimpse_blip_worker *worker;
    glimpse_blip_text *questions, *candidates;
    int *truncated;
    glimpse_blip_rating *ratings; /* [candidate_count] */
    double *sums;                 /* [candidate_count] */
} answering;

/* The candidates from the likeliest to the least, equal ones as they were given. */
static int rate(const glimpse_native_run *run, const answering *a, const glimpse_blip_image *image,
                size_t question) {
    const glimpse_session_blip_options *o = run->options;
    const size_t count = o->candidate_count;
    double total = 0;
    int status =
        glimpse_blip_rate(a->sums, a->worker, image, &a->questions[question], a->candidates, count);
    if (status < 0) return status;
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        for (; place > 0 && a->sums[i] > a->ratings[place - 1].sum; place--)
            a->ratings[place] = a->ratings[place - 1];
        a->ratings[place] = (glimpse_blip_rating){o->candidates[i], a->sums[i], 0};
    }
    for (size_t i = 0; i < count; i++)
        total += exp(a->ratings[i].sum - a->ratings[0].sum);
    for (size_t i = 0; i < count; i++)
        a->ratings[i].probability = exp(a->ratings[i].sum - a->ratings[0].sum) / total;
    return GLIMPSE_OK;
}

static int answer_picture(const glimpse_native_run *run, const answering *a, size_t index) {
    glimpse_blip_image *image = NULL;
    glimpse_blip_record record;
    int status = look(&image, &record, a->worker, run, index);
    if (status == GLIMPSE_OK && !image) status = hand_out(run, &record);
    for (size_t i = 0; image && i < run->text_count && status == GLIMPSE_OK; i++) {
        const glimpse_blip_image *one = image;
        glimpse_blip_result *result = NULL;
        record.text_index = i;
        record.text = run->texts[i];
        record.truncated = a->truncated[i];
        if (run->options->candidate_count > 0) {
            status = rate(run, a, image, i);
            record.ratings = a->ratings;
            record.rating_count = run->options->candidate_count;
        } else {
            status = glimpse_blip_answer(&result, a->worker, &one, &a->questions[i], 1, &a->how);
            record.result = result;
        }
        if (status == GLIMPSE_OK) status = hand_out(run, &record);
        glimpse_blip_result_free(result);
        if (status == GLIMPSE_OK) status = check_cancelled(run);
    }
    glimpse_blip_image_free(image);
    free((char *)record.problem);
    return status;
}

int glimpse_native_answer(const glimpse_native_run *run) {
    const glimpse_session_blip_options *o = run->options;
    const size_t candidates = o->candidate_count ? o->candidate_count : 1;
    answering a = {.truncated = calloc(run->text_count, sizeof *a.truncated),
                   .ratings = calloc(candidates, sizeof *a.ratings),
                   .sums = calloc(candidates, sizeof *a.sums)};
    const double start = glimpse_now();
    int status = GLIMPSE_OK;
    if (!a.truncated || !a.ratings || !a.sums) {
        status = glimpse_fail_nomem(candidates * sizeof *a.ratings, "answers");
    }
    if (status == GLIMPSE_OK) status = load_generation(&a.how, run);
    if (status == GLIMPSE_OK) {
        status = encode_all(&a.candidates, NULL, run, GLIMPSE_BLIP_TEXT_OUTPUT, o->candidates,
                            o->candidate_count);
    }
    if (status == GLIMPSE_OK) {
        status = encode_all(&a.questions, a.truncated, run, o->role, run->texts, run->text_count);
    }
    if (status == GLIMPSE_OK) status = open_worker(&a.worker, run, 1, SIZE_MAX, &a.how);
    for (size_t i = 0; i < run->count && status == GLIMPSE_OK; i++) {
        status = answer_picture(run, &a, i);
        if (status == GLIMPSE_OK && i + 1 < run->count) {
            status = report(run, "pictures asked about", i + 1, start);
        }
    }
    glimpse_blip_worker_free(a.worker);
    free_texts(a.questions, run->text_count);
    free_texts(a.candidates, o->candidate_count);
    free(a.truncated);
    free(a.ratings);
    free(a.sums);
    return status;
}
