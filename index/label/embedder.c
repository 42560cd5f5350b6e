/*
 * index/label/embedder.c - see embedder.h.
 *
 * What needs decoding in a window is shared out among the workers in groups of AT_ONCE, each worker
 * with an encoder of its own. The caller's thread is the first worker.
 */
#include "embedder.h"

#include "core/error.h"
#include "embedding_journal.h"
#include "stored.h"

#include <glimpse/sys/image.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE = 8, CHUNKS_PER_JOB = 2, MAX_JOBS = 64 };

typedef struct worker {
    glimpse_embedder *crew;
    glimpse_encoder *encoder;
    int status;
    char *failure; /* of the encoder itself */
} worker;

struct glimpse_embedder {
    glimpse_library *library;
    const glimpse_model *model;
    glimpse_embedder_options options;
    glimpse_model_options model_options;
    glimpse_embedding_journal *journal;
    glimpse_model *opened; /* with the image tower; when the first picture needs it */
    worker workers[MAX_JOBS];
    size_t jobs, width, decoded;
    uint32_t short_side;
    /* The window that is being worked on. */
    glimpse_embedder_picture *pictures;
    float *embeddings;    /* [count][width] of the window */
    size_t *todo, needed; /* places in `pictures` that need decoding */
    atomic_size_t next;   /* in `todo` */
};

int glimpse_embedder_open(glimpse_embedder **out, glimpse_library *library,
                          const glimpse_model *model, const glimpse_embedder_options *options) {
    *out = NULL;
    glimpse_embedder *e = calloc(1, sizeof *e);
    if (!e) return glimpse_fail_nomem(sizeof *e, "embedding pictures");
    int status = GLIMPSE_OK;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    e->library = library;
    e->model = model;
    e->options = *options;
    e->model_options = GLIMPSE_MODEL_OPTIONS_INIT;
    if (options->model_options) e->model_options = *options->model_options;
    e->width = glimpse_model_embedding_size(model);
    e->jobs = options->jobs ? options->jobs : cores > 0 ? (size_t)cores : 1;
    if (e->jobs > MAX_JOBS) e->jobs = MAX_JOBS;
    if (!options->exact) {
        e->short_side = glimpse_preprocess_short_side(glimpse_model_preprocess(model));
    }
    e->todo = calloc(glimpse_embedder_window(e), sizeof *e->todo);
    if (!e->todo) status = glimpse_fail_nomem(sizeof *e->todo, "embedding pictures");
    if (status == GLIMPSE_OK && options->journal) {
        status =
            glimpse_embedding_journal_open(&e->journal, options->journal, model, e->short_side);
    }
    if (status < 0) {
        glimpse_embedder_close(e);
        return status;
    }
    *out = e;
    return GLIMPSE_OK;
}

void glimpse_embedder_close(glimpse_embedder *e) {
    if (!e) return;
    for (size_t i = 0; i < e->jobs; i++)
        glimpse_encoder_free(e->workers[i].encoder);
    glimpse_model_close(e->opened);
    glimpse_embedding_journal_close(e->journal);
    free(e->todo);
    free(e);
}

size_t glimpse_embedder_window(const glimpse_embedder *e) {
    return e->jobs * AT_ONCE * CHUNKS_PER_JOB;
}

size_t glimpse_embedder_decoded(const glimpse_embedder *e) {
    return e->decoded;
}

size_t glimpse_embedder_resumed(const glimpse_embedder *e) {
    return glimpse_embedding_journal_count(e->journal);
}

static void fail_worker(worker *w, int status) {
    w->status = status;
    w->failure = strdup(glimpse_last_error());
}

static void *work(void *user) {
    worker *w = user;
    glimpse_embedder *e = w->crew;
    glimpse_decode_options decoding = GLIMPSE_DECODE_OPTIONS_INIT;
    decoding.short_side = e->short_side;
    float *made = malloc(AT_ONCE * e->width * sizeof *made);
    if (!made) fail_worker(w, glimpse_fail_nomem(AT_ONCE * e->width * 4, "embeddings"));
    for (size_t first; !w->status && (first = atomic_fetch_add(&e->next, AT_ONCE)) < e->needed;) {
        glimpse_image *images[AT_ONCE];
        size_t of[AT_ONCE], n = 0;
        for (size_t i = first; i < e->needed && i < first + AT_ONCE; i++) {
            glimpse_embedder_picture *p = &e->pictures[e->todo[i]];
            struct stat info;
            if (glimpse_image_load(&images[n], p->path, &decoding) < 0) {
                p->problem = strdup(glimpse_last_error());
                continue;
            }
            const glimpse_image_meta *meta = glimpse_image_metadata(images[n]);
            p->width = meta->width;
            p->height = meta->height;
            p->bytes = stat(p->path, &info) == 0 ? (uint64_t)info.st_size : 0;
            of[n++] = e->todo[i];
        }
        if (n > 0) {
            int status = glimpse_encoder_images(made, w->encoder,
                                                (const glimpse_image *const *)images, n, 0);
            if (status < 0) fail_worker(w, status);
        }
        for (size_t i = 0; i < n; i++) {
            glimpse_image_free(images[i]);
            if (w->status) continue;
            memcpy(e->embeddings + of[i] * e->width, made + i * e->width, e->width * sizeof *made);
            e->pictures[of[i]].known = 1;
        }
        if (e->options.cancelled && e->options.cancelled(e->options.user)) {
            fail_worker(w, glimpse_fail(GLIMPSE_E_CANCELLED, "embedding was stopped"));
        }
    }
    free(made);
    return NULL;
}

/* The model to encode with, and an encoder for each worker. */
static int prepare(glimpse_embedder *e) {
    const glimpse_model *model = e->model;
    int status = GLIMPSE_OK;
    if (e->workers[0].encoder) return GLIMPSE_OK;
    if (!(glimpse_model_towers(model) & GLIMPSE_TOWER_IMAGE)) {
        glimpse_model_options options = e->model_options;
        options.towers = GLIMPSE_TOWER_IMAGE;
        status = glimpse_model_open(&e->opened, glimpse_model_path(model), &options);
        if (status < 0) return status;
        if (strcmp(glimpse_model_fingerprint(e->opened), glimpse_model_fingerprint(model)) != 0) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: changed while it was being used",
                                glimpse_model_path(model));
        }
        model = e->opened;
    }
    for (size_t i = 0; i < e->jobs && status == GLIMPSE_OK; i++) {
        e->workers[i].crew = e;
        status = glimpse_encoder_create(&e->workers[i].encoder, model, AT_ONCE);
    }
    return status;
}

static int decode_and_encode(glimpse_embedder *e) {
    pthread_t threads[MAX_JOBS];
    size_t started = 0, wanted = (e->needed + AT_ONCE - 1) / AT_ONCE;
    int status = prepare(e);
    if (status < 0) return status;
    if (wanted > e->jobs) wanted = e->jobs;
    atomic_store(&e->next, 0);
    /* A thread that cannot be had is done without. */
    while (started + 1 < wanted &&
           pthread_create(&threads[started], NULL, work, &e->workers[started + 1]) == 0)
        started++;
    (void)work(&e->workers[0]);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < wanted; i++) {
        worker *w = &e->workers[i];
        if (w->status < 0 && status == GLIMPSE_OK) {
            status = glimpse_fail(w->status, "%s", w->failure ? w->failure : "out of memory");
        }
        free(w->failure);
        w->failure = NULL;
        w->status = GLIMPSE_OK;
    }
    for (size_t i = 0; i < e->needed; i++) {
        const glimpse_embedder_picture *p = &e->pictures[e->todo[i]];
        if (!p->known) continue;
        e->decoded++;
        if (!e->journal || (status < 0 && status != GLIMPSE_E_CANCELLED)) continue;
        const glimpse_stored_file file = {"", p->width, p->height, p->bytes};
        int kept = glimpse_embedding_journal_add(e->journal, p->path,
                                                 e->embeddings + e->todo[i] * e->width, &file);
        if (kept < 0) status = kept;
    }
    return status;
}

int glimpse_embedder_embed(float *embeddings, glimpse_embedder *e,
                           glimpse_embedder_picture *pictures, size_t count) {
    e->pictures = pictures;
    e->embeddings = embeddings;
    e->needed = 0;
    for (size_t i = 0; i < count; i++) {
        glimpse_embedder_picture *p = &pictures[i];
        float *embedding = embeddings + i * e->width;
        glimpse_stored_file file = {"", 0, 0, 0};
        p->problem = NULL;
        p->known = glimpse_stored_picture(embedding, &file, e->library, e->model, p->path) ||
                   glimpse_embedding_journal_find(embedding, &file, e->journal, p->path);
        memcpy(p->id, file.id, sizeof p->id);
        p->width = file.width;
        p->height = file.height;
        p->bytes = file.bytes;
        if (!p->known) e->todo[e->needed++] = i;
    }
    return e->needed > 0 ? decode_and_encode(e) : GLIMPSE_OK;
}

void glimpse_embedder_release(glimpse_embedder_picture *pictures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(pictures[i].problem);
        pictures[i].problem = NULL;
    }
}
