/*
 * label_embed.c - see label_embed.h.
 *
 * What needs decoding in a window is shared out among the workers in groups of AT_ONCE, each worker
 * with an encoder of its own. The caller's thread is the first worker.
 */
#include "label_embed.h"

#include "tool.h"

#include <glimpse/sys/image.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE = 8, CHUNKS_PER_JOB = 2, MOST_JOBS = 64 };

typedef struct worker {
    label_embedder *crew;
    glimpse_encoder *encoder;
    char *failure; /* of the encoder itself */
} worker;

struct label_embedder {
    session *session;
    label_journal *journal;
    glimpse_model *model; /* with the image tower; opened when the first picture needs it */
    worker workers[MOST_JOBS];
    size_t jobs, width, decoded;
    /* The window that is being worked on. */
    label_picture *pictures;
    float *embeddings;    /* [count][width] of the window */
    size_t *todo, needed; /* places in `pictures` that need decoding */
    atomic_size_t next;   /* in `todo` */
};

label_embedder *label_embedder_open(session *s, unsigned jobs, label_journal *journal) {
    label_embedder *e = xcalloc(1, sizeof *e);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    e->session = s;
    e->journal = journal;
    e->width = glimpse_model_embedding_size(s->model);
    e->jobs = jobs ? jobs : cores > 0 ? (size_t)cores : 1;
    if (e->jobs > MOST_JOBS) e->jobs = MOST_JOBS;
    e->todo = xcalloc(label_embedder_window(e), sizeof *e->todo);
    return e;
}

void label_embedder_close(label_embedder *e) {
    if (!e) return;
    for (size_t i = 0; i < e->jobs; i++)
        glimpse_encoder_free(e->workers[i].encoder);
    glimpse_model_close(e->model);
    free(e->todo);
    free(e);
}

size_t label_embedder_window(const label_embedder *e) {
    return e->jobs * AT_ONCE * CHUNKS_PER_JOB;
}

size_t label_embedder_decoded(const label_embedder *e) {
    return e->decoded;
}

static void *work(void *user) {
    worker *w = user;
    label_embedder *e = w->crew;
    float *made = xmalloc(AT_ONCE * e->width * sizeof *made);
    for (size_t first; (first = atomic_fetch_add(&e->next, AT_ONCE)) < e->needed;) {
        glimpse_image *images[AT_ONCE];
        size_t of[AT_ONCE], n = 0;
        for (size_t i = first; i < e->needed && i < first + AT_ONCE; i++) {
            label_picture *p = &e->pictures[e->todo[i]];
            struct stat info;
            if (glimpse_image_load(&images[n], p->path, NULL) < 0) {
                p->problem = xstrdup(glimpse_last_error());
                continue;
            }
            p->file =
                (stored_file){"", glimpse_image_width(images[n]), glimpse_image_height(images[n]),
                              stat(p->path, &info) == 0 ? (uint64_t)info.st_size : 0};
            of[n++] = e->todo[i];
        }
        if (n > 0 && glimpse_encoder_images(made, w->encoder, (const glimpse_image *const *)images,
                                            n, 0) < 0) {
            w->failure = xstrdup(glimpse_last_error());
        }
        for (size_t i = 0; i < n; i++) {
            glimpse_image_free(images[i]);
            if (w->failure) continue;
            memcpy(e->embeddings + of[i] * e->width, made + i * e->width, e->width * sizeof *made);
            e->pictures[of[i]].known = 1;
        }
        if (w->failure) break;
    }
    free(made);
    return NULL;
}

static int open_model(label_embedder *e) {
    session *s = e->session;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    options.towers = GLIMPSE_TOWER_IMAGE;
    if (glimpse_model_open(&e->model, s->model_path, &options) < 0) return tool_fail_last();
    if (strcmp(glimpse_model_fingerprint(e->model), glimpse_model_fingerprint(s->model)) != 0) {
        return tool_fail("%s changed while it was being used", s->model_path);
    }
    for (size_t i = 0; i < e->jobs; i++) {
        e->workers[i].crew = e;
        if (glimpse_encoder_create(&e->workers[i].encoder, e->model, AT_ONCE) < 0) {
            return tool_fail_last();
        }
    }
    return CLI_RUN;
}

static int decode_and_encode(label_embedder *e) {
    pthread_t threads[MOST_JOBS];
    size_t started = 0, wanted = (e->needed + AT_ONCE - 1) / AT_ONCE;
    int code = e->model ? CLI_RUN : open_model(e);
    if (code != CLI_RUN) return code;
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
        if (e->workers[i].failure && code == CLI_RUN) code = tool_fail("%s", e->workers[i].failure);
        free(e->workers[i].failure);
        e->workers[i].failure = NULL;
    }
    for (size_t i = 0; code == CLI_RUN && i < e->needed; i++) {
        const label_picture *p = &e->pictures[e->todo[i]];
        if (!p->known) continue;
        e->decoded++;
        if (e->journal && label_journal_add(e->journal, p->path,
                                            e->embeddings + e->todo[i] * e->width, &p->file) < 0) {
            code = EXIT_FAILED;
        }
    }
    return code;
}

int label_embed(label_embedder *e, label_picture *pictures, size_t count, float *embeddings) {
    session *s = e->session;
    e->pictures = pictures;
    e->embeddings = embeddings;
    e->needed = 0;
    for (size_t i = 0; i < count; i++) {
        label_picture *p = &pictures[i];
        float *embedding = embeddings + i * e->width;
        p->problem = NULL;
        p->file = (stored_file){"", 0, 0, 0};
        p->known = stored_picture(s->library, s->model, p->path, embedding, &p->file) ||
                   label_journal_find(e->journal, p->path, embedding, &p->file);
        if (!p->known) e->todo[e->needed++] = i;
    }
    return e->needed > 0 ? decode_and_encode(e) : CLI_RUN;
}
