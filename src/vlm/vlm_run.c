/*
 * vlm_run.c - questions on their way: cache, samples, tiers, and many of them at once.
 *
 *     ask_question      one request: the first tier, and the second when it is not sure
 *       ask_tier        all samples of it
 *         ask_sample    cache, or the engine; then kept
 *
 * A question that another thread is asking right now is waited for, and then found in the cache.
 */
#include "vlm/vlm_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "core/options.h"
#include "core/pause.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 64, MAX_FILE = 0x7fffffff };

typedef struct run {
    glimpse_vlm *vlm;
    const glimpse_vlm_request *requests; /* see request_at() */
    size_t count, next;
    int paused; /* the process is to stop: nothing is asked before it went on */
    glimpse_vlm_run_options options;
    glimpse_vlm_cache cache; /* find is NULL: none */
    glimpse_vlm_answered_fn answered;
    void *user;
    pthread_mutex_t mutex;  /* next, status, busy */
    pthread_cond_t changed; /* busy */
    pthread_mutex_t cache_mutex, answered_mutex;
    char busy[MAX_THREADS][GLIMPSE_HASH_HEX]; /* keys under way; "" for none */
    int status;
    char message[1024];
    glimpse_vlm_totals totals; /* under answered_mutex */
} run;

const char *glimpse_vlm_picture_name(const glimpse_vlm_picture *picture) {
    if (picture->path) return picture->path;
    return picture->name ? picture->name : "picture";
}

int glimpse_vlm_load(glimpse_vlm_loaded *picture) {
    const glimpse_vlm_picture *from = picture->from;
    if (picture->bytes || !(from->path || from->bytes)) return GLIMPSE_OK;
    if (!from->path) {
        picture->bytes = from->bytes;
        picture->size = from->size;
        return GLIMPSE_OK;
    }
    int status = glimpse_file_read(&picture->owned, &picture->size, from->path, MAX_FILE);
    if (status == GLIMPSE_OK) picture->bytes = picture->owned;
    return status;
}

/* The content id, read if need be. Of pixels: of their bytes and size. */
static int identify_bytes(glimpse_vlm_loaded *picture) {
    const glimpse_vlm_picture *from = picture->from;
    if (from->id) {
        glimpse_hash hash;
        if (!glimpse_hash_from_hex(&hash, from->id)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%.40s\" is no content id", from->id);
        }
        glimpse_hash_to_hex(&hash, picture->id);
        return GLIMPSE_OK;
    }
    int status = glimpse_vlm_load(picture);
    if (status < 0) return status;
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for a hash");
    if (picture->bytes) {
        glimpse_hasher_update(hasher, picture->bytes, picture->size);
    } else {
        uint32_t sides[2] = {glimpse_image_width(from->image), glimpse_image_height(from->image)};
        glimpse_hasher_update(hasher, "pixels", 6);
        glimpse_hasher_update(hasher, sides, sizeof sides);
        glimpse_hasher_update(hasher, glimpse_image_pixels(from->image),
                              (size_t)sides[0] * sides[1] * 3);
    }
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, picture->id);
    return GLIMPSE_OK;
}

/* Where the metadata are sent too, the answer may be about them. */
static int identify(glimpse_vlm_loaded *picture, run *r, int with_metadata) {
    if (picture->id[0]) return GLIMPSE_OK;
    int status = identify_bytes(picture);
    if (status < 0 || !r->cache.picture_id || with_metadata) return status;
    (void)pthread_mutex_lock(&r->cache_mutex);
    status = r->cache.picture_id(r->cache.user, picture->id, picture->bytes, picture->size);
    (void)pthread_mutex_unlock(&r->cache_mutex);
    return status;
}

static void unload(glimpse_vlm_loaded *pictures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(pictures[i].owned);
        free(pictures[i].sent);
    }
}

/*
 * Questions and their keys.
 */
typedef struct question {
    glimpse_vlm_question shown;
    char key[GLIMPSE_HASH_HEX], parameters[256];
    char contents[GLIMPSE_VLM_MAX_PICTURES * GLIMPSE_HASH_HEX];
} question;

static void make_key(question *q, const glimpse_vlm_job *job) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return; /* the key stays empty: no cache */
    const char *parts[] = {q->contents, q->shown.model, q->shown.prompt, q->parameters};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        glimpse_hasher_update(hasher, parts[i], strlen(parts[i]) + 1);
    for (size_t i = 0; i < job->request->picture_count; i++) {
        const char *label = job->pictures[i].from->label;
        glimpse_hasher_update(hasher, label ? label : "", label ? strlen(label) + 1 : 1);
    }
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, q->key);
}

/* Failures are those of pictures. */
static int make_question(question *q, run *of, const glimpse_vlm *vlm, const glimpse_vlm_job *job,
                         unsigned sample) {
    static const char *const operations[] = {"ask", "caption", "score"};
    const glimpse_vlm_request *r = job->request;
    char *end = q->contents;
    q->key[0] = '\0';
    for (size_t i = 0; i < r->picture_count; i++) {
        int status = identify(&job->pictures[i], of, r->keep_metadata);
        if (status < 0) return status;
        if (i > 0) *end++ = ' ';
        memcpy(end, job->pictures[i].id, GLIMPSE_HASH_HEX);
        end += GLIMPSE_HASH_HEX - 1;
    }
    (void)snprintf(q->parameters, sizeof q->parameters,
                   "%s %s %u max %u min %u beams %u t %.9g seed %llu sample %u metadata %d",
                   operations[r->operation], glimpse_vlm_schema_name(r->schema),
                   vlm->remote ? glimpse_vlm_task_side(r->task) : 0, r->max_tokens, r->min_tokens,
                   r->beams, job->temperature, (unsigned long long)job->seed, sample,
                   r->keep_metadata != 0);
    q->shown =
        (glimpse_vlm_question){q->key, q->contents, vlm->identity, job->prompt, q->parameters};
    make_key(q, job);
    return GLIMPSE_OK;
}

/* Waits until nobody else asks it, and books it. Returns the place. */
static size_t book(run *r, const char *key) {
    size_t place = 0;
    (void)pthread_mutex_lock(&r->mutex);
    for (size_t i = 0; i < MAX_THREADS;) {
        if (strcmp(r->busy[i], key) == 0) {
            (void)pthread_cond_wait(&r->changed, &r->mutex);
            i = 0;
        } else {
            i++;
        }
    }
    /* A thread books one question at a time, so there is a free place. */
    while (r->busy[place][0])
        place++;
    memcpy(r->busy[place], key, GLIMPSE_HASH_HEX);
    (void)pthread_mutex_unlock(&r->mutex);
    return place;
}

static void unbook(run *r, size_t place) {
    (void)pthread_mutex_lock(&r->mutex);
    r->busy[place][0] = '\0';
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->mutex);
}

static int find(run *r, const question *q, glimpse_vlm_answer **out) {
    const glimpse_vlm_cache *cache = &r->cache;
    if (!cache->find || r->options.refresh || !q->key[0]) return 0;
    (void)pthread_mutex_lock(&r->cache_mutex);
    int found = cache->find(cache->user, out, &q->shown);
    (void)pthread_mutex_unlock(&r->cache_mutex);
    if (found <= 0) return found;
    (*out)->cached = 1;
    (*out)->cost = 0.0;
    (*out)->requests = 0;
    (*out)->latency = 0.0;
    return 1;
}

static int keep(run *r, const question *q, const glimpse_vlm_answer *answer) {
    const glimpse_vlm_cache *cache = &r->cache;
    if (!cache->keep || !q->key[0] || answer->outcome > GLIMPSE_VLM_CANNOT_TELL ||
        answer->incomplete) {
        return GLIMPSE_OK;
    }
    (void)pthread_mutex_lock(&r->cache_mutex);
    int status = cache->keep(cache->user, &q->shown, answer);
    (void)pthread_mutex_unlock(&r->cache_mutex);
    return status;
}

/*
 * Asking.
 */
static int ask_engine(glimpse_vlm *vlm, const glimpse_vlm_job *job, glimpse_vlm_answer **out) {
    int status = glimpse_vlm_answer_new(out, vlm->identity);
    if (status < 0) return status;
    (*out)->samples = 1;
    status = vlm->engine->answer(vlm->self, job, *out);
    if (status < 0) {
        glimpse_vlm_answer_free(*out);
        *out = NULL;
    }
    return status;
}

static int ask_sample(run *r, glimpse_vlm *vlm, const glimpse_vlm_job *job, unsigned sample,
                      glimpse_vlm_answer **out) {
    question q;
    *out = NULL;
    int status = make_question(&q, r, vlm, job, sample);
    if (status == GLIMPSE_E_NOMEM || status == GLIMPSE_E_INVALID) {
        /* A path that is no regular file is the picture's fault, a bad id the caller's. */
        if (status == GLIMPSE_E_NOMEM || job->pictures[0].from->id) return status;
    }
    if (status < 0) {
        int code = status;
        status = glimpse_vlm_answer_new(out, vlm->identity);
        return status < 0 ? status : glimpse_vlm_set_failed(*out, code);
    }
    int booked = q.key[0] && r->options.cache && !job->dry_run;
    size_t place = booked ? book(r, q.key) : 0;
    status = find(r, &q, out);
    if (status == 0) {
        status = ask_engine(vlm, job, out);
        if (status == GLIMPSE_OK) status = keep(r, &q, *out);
    } else if (status > 0) {
        status = GLIMPSE_OK;
    }
    if (booked) unbook(r, place);
    if (status < 0) {
        glimpse_vlm_answer_free(*out);
        *out = NULL;
    }
    return status;
}

static int ask_tier(run *r, glimpse_vlm *vlm, const glimpse_vlm_request *request,
                    glimpse_vlm_loaded *pictures, glimpse_vlm_answer **out) {
    glimpse_vlm_answer *answers[GLIMPSE_VLM_MAX_SAMPLES] = {NULL};
    size_t count = request->samples > 1 ? request->samples : 1, used = 0;
    char *prompt = NULL;
    *out = NULL;
    int status = vlm->engine->prompt(vlm->self, request, &prompt);
    if (status != GLIMPSE_OK) return status;
    for (; used < count && status == GLIMPSE_OK; used++) {
        glimpse_vlm_job job = {request,
                               pictures,
                               prompt,
                               request->temperature,
                               request->seed,
                               r->options.dry_run,
                               r->options.cancelled,
                               r->options.user};
        if (count > 1) {
            if (job.temperature <= 0.0) job.temperature = 0.7;
            job.seed += used;
        }
        status = ask_sample(r, vlm, &job, (unsigned)used, &answers[used]);
        if (status < 0) break;
    }
    free(prompt);
    if (status == GLIMPSE_OK && count > 1 && !r->options.dry_run) {
        status = glimpse_vlm_join_samples(answers, used, request->schema);
    } else if (status == GLIMPSE_OK && count > 1) {
        glimpse_vlm_answer *first = answers[0]; /* one text stands for all that would be sent */
        for (size_t i = 1; i < used; i++) {
            first->tokens_in += answers[i]->tokens_in;
            first->tokens_out += answers[i]->tokens_out;
            first->cost = first->cost < 0.0 ? -1.0 : first->cost + fmax(0.0, answers[i]->cost);
            glimpse_vlm_answer_free(answers[i]);
            answers[i] = NULL;
        }
    }
    if (status != GLIMPSE_OK) {
        for (size_t i = 0; i < count; i++)
            glimpse_vlm_answer_free(answers[i]);
        return status;
    }
    *out = answers[0];
    return GLIMPSE_OK;
}

/* The second tier's answer, with what both cost; or the first again when the second has none. */
static void merge_tiers(glimpse_vlm_answer **first, glimpse_vlm_answer *second) {
    glimpse_vlm_answer *chosen = second, *other = *first;
    if (second->outcome >= GLIMPSE_VLM_FAILED || second->incomplete) {
        chosen = *first;
        other = second;
        (void)glimpse_vlm_set(&chosen->reason, second->reason);
    }
    chosen->escalated = 1;
    chosen->tokens_in += other->tokens_in;
    chosen->tokens_out += other->tokens_out;
    chosen->tokens_known = chosen->tokens_known && other->tokens_known;
    chosen->cost = chosen->cost < 0.0 || other->cost < 0.0 ? -1.0 : chosen->cost + other->cost;
    chosen->latency += other->latency;
    chosen->requests += other->requests;
    chosen->cached = chosen->cached && other->cached;
    glimpse_vlm_answer_free(other);
    *first = chosen;
}

static int check_request(const glimpse_vlm *vlm, const glimpse_vlm_request *r) {
    static const char *const needs[] = {"answer questions", "write captions", "score texts"};
    if ((unsigned)r->operation > GLIMPSE_VLM_SCORE || (unsigned)r->task > GLIMPSE_VLM_CLASSIFY ||
        (unsigned)r->schema > GLIMPSE_VLM_JSON_PAGES) {
        return glimpse_fail(GLIMPSE_E_INVALID, "there is no such operation, task or schema");
    }
    if (!vlm->engine->can(vlm->self, r->operation)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s cannot %s", vlm->name, needs[r->operation]);
    }
    if (r->picture_count < 1 || r->picture_count > GLIMPSE_VLM_MAX_PICTURES || !r->pictures) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a request has 1 to %d pictures, not %zu",
                            GLIMPSE_VLM_MAX_PICTURES, r->picture_count);
    }
    for (size_t i = 0; i < r->picture_count; i++) {
        const glimpse_vlm_picture *p = &r->pictures[i];
        if (!p->path && !p->bytes && !p->image) {
            return glimpse_fail(GLIMPSE_E_INVALID, "picture %zu of the request is empty", i);
        }
    }
    if (r->operation != GLIMPSE_VLM_CAPTION && !(r->text && *r->text) &&
        !(vlm->remote && r->prompt && *r->prompt)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the request has no text");
    }
    if (r->operation == GLIMPSE_VLM_SCORE && r->picture_count != 1) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a text is scored against one picture");
    }
    if (!(r->temperature >= 0.0 && r->temperature <= 2.0) || r->max_tokens > 1000000 ||
        r->samples > GLIMPSE_VLM_MAX_SAMPLES) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "out of range: temperature %g (0 to 2), %u tokens (1000000 at most), "
                            "%u samples (%d at most)",
                            r->temperature, r->max_tokens, r->samples, GLIMPSE_VLM_MAX_SAMPLES);
    }
    return GLIMPSE_OK;
}

/* Who asked about one picture knows which. */
static int leave_path_out(glimpse_vlm_answer *answer, const char *path) {
    const char *rest = glimpse_without_path(answer->reason, path);
    char *copy = rest == answer->reason ? NULL : strdup(rest);
    if (rest == answer->reason) return GLIMPSE_OK;
    if (!copy) return glimpse_fail_nomem(strlen(rest) + 1, "a reason");
    int status = glimpse_vlm_set(&answer->reason, copy);
    free(copy);
    return status;
}

static int ask_question(run *r, const glimpse_vlm_request *asked, glimpse_vlm_answer **out) {
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&request, asked, glimpse_vlm_request, tag);
    if (status == GLIMPSE_OK) status = check_request(r->vlm, &request);
    glimpse_vlm *second = r->options.second;
    if (status == GLIMPSE_OK && second) status = check_request(second, &request);
    if (status != GLIMPSE_OK) return status;
    if (request.operation == GLIMPSE_VLM_SCORE) request.schema = GLIMPSE_VLM_JSON_SCORE;
    glimpse_vlm_loaded *pictures = calloc(request.picture_count, sizeof *pictures);
    if (!pictures) {
        return glimpse_fail_nomem(request.picture_count * sizeof *pictures, "pictures");
    }
    for (size_t i = 0; i < request.picture_count; i++)
        pictures[i].from = &request.pictures[i];
    status = ask_tier(r, r->vlm, &request, pictures, out);
    if (status == GLIMPSE_OK && second && (*out)->outcome <= GLIMPSE_VLM_CANNOT_TELL &&
        (*out)->outcome != GLIMPSE_VLM_REFUSED && !(*out)->incomplete &&
        (*out)->confidence >= 0.0 && (*out)->confidence < r->options.escalate_below) {
        glimpse_vlm_answer *better = NULL;
        status = ask_tier(r, second, &request, pictures, &better);
        if (status == GLIMPSE_OK) merge_tiers(out, better);
    }
    unload(pictures, request.picture_count);
    free(pictures);
    if (status == GLIMPSE_OK && request.picture_count == 1) {
        status = leave_path_out(*out, request.pictures[0].path);
    }
    if (status < 0) {
        glimpse_vlm_answer_free(*out);
        *out = NULL;
    }
    return status;
}

/*
 * One, and many.
 */
static int start(run *r, glimpse_vlm *vlm, const glimpse_vlm_run_options *options) {
    if (!vlm) return glimpse_fail(GLIMPSE_E_INVALID, "no model");
    memset(r, 0, sizeof *r);
    r->vlm = vlm;
    r->options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
    r->cache = GLIMPSE_VLM_CACHE_INIT;
    r->totals = GLIMPSE_VLM_TOTALS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&r->options, options, glimpse_vlm_run_options, user);
    if (status == GLIMPSE_OK) {
        status = GLIMPSE_OPTIONS_LOAD(&r->cache, r->options.cache, glimpse_vlm_cache, user);
    }
    if (status < 0) return status;
    if (r->options.cache && (!r->cache.find || !r->cache.keep)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a response cache needs both find and keep");
    }
    (void)pthread_mutex_init(&r->mutex, NULL);
    (void)pthread_mutex_init(&r->cache_mutex, NULL);
    (void)pthread_mutex_init(&r->answered_mutex, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    return GLIMPSE_OK;
}

static void finish(run *r) {
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->answered_mutex);
    (void)pthread_mutex_destroy(&r->cache_mutex);
    (void)pthread_mutex_destroy(&r->mutex);
}

int glimpse_vlm_ask(glimpse_vlm_answer **out, glimpse_vlm *vlm, const glimpse_vlm_request *request,
                    const glimpse_vlm_run_options *options) {
    run r;
    if (out) *out = NULL;
    if (!out || !request) return glimpse_fail(GLIMPSE_E_INVALID, "no request");
    int status = start(&r, vlm, options);
    if (status < 0) return status;
    status = ask_question(&r, request, out);
    finish(&r);
    return status;
}

static void count_answer(glimpse_vlm_totals *t, const glimpse_vlm_answer *answer) {
    uint64_t *const counters[] = {[GLIMPSE_VLM_ANSWERED] = &t->answered,
                                  [GLIMPSE_VLM_REFUSED] = &t->refused,
                                  [GLIMPSE_VLM_CANNOT_TELL] = &t->cannot_tell,
                                  [GLIMPSE_VLM_FAILED] = &t->failed,
                                  [GLIMPSE_VLM_NOT_SENT] = &t->not_sent};
    t->asked++;
    (*counters[answer->outcome])++;
    t->cached += answer->cached != 0;
    t->incomplete += answer->incomplete != 0;
    t->escalated += answer->escalated != 0;
    t->requests += answer->requests;
    if (!answer->cached) {
        t->tokens_in += answer->tokens_in;
        t->tokens_out += answer->tokens_out;
    }
    if (answer->cost >= 0.0)
        t->cost += answer->cost;
    else
        t->unpriced++;
}

static void stop_with(run *r, int status) {
    (void)pthread_mutex_lock(&r->mutex);
    if (r->status == GLIMPSE_OK) {
        r->status = status;
        (void)snprintf(r->message, sizeof r->message, "%s", glimpse_last_error());
    }
    (void)pthread_mutex_unlock(&r->mutex);
}

static int next_request(run *r, size_t *i) {
    int cancelled = r->options.cancelled && r->options.cancelled(r->options.user);
    (void)pthread_mutex_lock(&r->mutex);
    if (glimpse_pause_is_wanted()) r->paused = 1;
    int more = r->status == GLIMPSE_OK && r->next < r->count && !r->paused;
    if (cancelled && r->status == GLIMPSE_OK && r->next < r->count) {
        r->status = GLIMPSE_E_CANCELLED;
        (void)snprintf(r->message, sizeof r->message, "stopped");
        more = 0;
    }
    if (more) *i = r->next++;
    (void)pthread_mutex_unlock(&r->mutex);
    return more;
}

/* The caller's structs may be smaller or larger than ours: their size is how far they are apart. */
static const glimpse_vlm_request *request_at(const run *r, size_t i) {
    return (const void *)((const char *)r->requests + i * r->requests->size);
}

static void *work(void *user) {
    run *r = user;
    for (size_t i; next_request(r, &i);) {
        glimpse_vlm_answer *answer = NULL;
        const glimpse_vlm_request *request = request_at(r, i);
        int status = request->size == r->requests->size
                         ? ask_question(r, request, &answer)
                         : glimpse_fail(GLIMPSE_E_INVALID,
                                        "request %zu has a size of %zu bytes, the first one %zu: "
                                        "set each to GLIMPSE_VLM_REQUEST_INIT first",
                                        i, request->size, r->requests->size);
        if (status == GLIMPSE_OK) {
            (void)pthread_mutex_lock(&r->answered_mutex);
            count_answer(&r->totals, answer);
            status = r->answered(r->user, i, request, &answer);
            if (status > 0) status = glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
            (void)pthread_mutex_unlock(&r->answered_mutex);
            glimpse_vlm_answer_free(answer);
        }
        if (status < 0) stop_with(r, status);
    }
    return NULL;
}

/* Asks until all is answered, something failed, or the process is to pause. */
static void ask_all(run *r) {
    pthread_t threads[MAX_THREADS];
    const size_t left = r->count - r->next, concurrency = r->vlm->concurrency;
    size_t wanted = concurrency < left ? concurrency : left, made = 0;
    /* One of them is this thread. Fewer than wanted is slower, and no failure. */
    while (made + 1 < wanted && pthread_create(&threads[made], NULL, work, r) == 0)
        made++;
    (void)work(r);
    for (size_t i = 0; i < made; i++)
        (void)pthread_join(threads[i], NULL);
}

int glimpse_vlm_run(glimpse_vlm_totals *totals, glimpse_vlm *vlm,
                    const glimpse_vlm_request *requests, size_t count,
                    const glimpse_vlm_run_options *options, glimpse_vlm_answered_fn answered,
                    void *user) {
    const glimpse_vlm_totals none = GLIMPSE_VLM_TOTALS_INIT;
    run r;
    int status = GLIMPSE_REPORT_CHECK(totals, glimpse_vlm_totals, unpriced);
    if (status < 0) return status;
    GLIMPSE_REPORT_STORE(totals, &none);
    if (!answered || (count > 0 && !requests)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no requests, or nobody to answer to");
    }
    status = start(&r, vlm, options);
    if (status < 0) return status;
    r.requests = requests;
    r.count = count;
    r.answered = answered;
    r.user = user;
    /* What is paid for is waited for, and kept, before the process stops. */
    glimpse_pause_begin();
    do {
        r.paused = 0;
        ask_all(&r);
        glimpse_pause_here();
    } while (r.status == GLIMPSE_OK && r.next < r.count);
    glimpse_pause_end();
    GLIMPSE_REPORT_STORE(totals, &r.totals);
    status = r.status;
    if (status < 0) status = glimpse_fail(status, "%s", r.message);
    finish(&r);
    return status;
}
