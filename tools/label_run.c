/*
 * label_run.c - see label_run.h.
 *
 * Files are taken in order, a window of them at a time. Those the library knows unchanged need no
 * decoding; the others of the window are shared out among the workers, each with an encoder of its
 * own. Then the window is printed, in order, and the next one begins.
 */
#include "label_run.h"

#include "json_out.h"
#include "label_walk.h"
#include "progress.h"
#include "stored.h"
#include "text.h"
#include "tool.h"

#include <glimpse/image.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_ONCE = 8, CHUNKS_PER_JOB = 2, MOST_JOBS = 64 };

typedef struct item {
    const char *path;
    float *embedding;
    char *problem; /* why there is no embedding */
    int known;     /* embedding is there */
} item;

/*
 * Printing.
 */
static void print_json(const label_run *run, const char *path, const glimpse_label *labels,
                       size_t count, int abstained) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", path);
    jout_key(&j, "labels");
    jout_open(&j, '[');
    for (size_t i = 0; i < count; i++) {
        jout_open(&j, '{');
        jout_key(&j, "class");
        jout_string(&j, glimpse_classifier_class(run->classifier, labels[i].class_index));
        jout_key(&j, "probability"), jout_number(&j, labels[i].probability);
        jout_key(&j, "score"), jout_number(&j, labels[i].score);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "abstained"), jout_bool(&j, abstained);
    jout_close(&j, '}');
    jout_end(&j);
}

/* RFC 4180: quoted where needed, quotes doubled. */
static void print_csv_field(const char *text) {
    if (!strpbrk(text, ",\"\r\n") && *text != ' ' && *text != '#') {
        (void)fputs(text, stdout);
        return;
    }
    (void)putchar('"');
    for (; *text; text++) {
        if (*text == '"') (void)putchar('"');
        (void)putchar(*text);
    }
    (void)putchar('"');
}

static void print_csv(const label_run *run, const char *path, const glimpse_label *labels,
                      size_t count, int abstained) {
    for (size_t i = 0; i < (abstained ? 1 : count); i++) {
        print_csv_field(path);
        (void)printf(",%zu,", i + 1);
        if (!abstained) {
            print_csv_field(glimpse_classifier_class(run->classifier, labels[i].class_index));
        }
        (void)printf(",%.6f,%.6f,%s\n", labels[i].probability, labels[i].score,
                     abstained ? "true" : "false");
    }
}

static void print_row(const label_run *run, const char *path, const glimpse_label *labels,
                      size_t count, int abstained) {
    char *shown = text_display(path);
    for (size_t i = 0; i < (abstained ? 1 : count); i++) {
        if (i > 0) (void)fputs("  ", stdout);
        char *name = text_display(
            abstained ? "-" : glimpse_classifier_class(run->classifier, labels[i].class_index));
        text_print_padded(name, run->name_columns);
        (void)printf(" %5.1f%%", 100 * labels[i].probability);
        free(name);
    }
    (void)printf("  %s\n", shown);
    free(shown);
}

static void print_problem(label_run *run, const char *path, const char *problem) {
    run->failed++;
    tool_say("%s", problem);
    if (run->format != LABEL_JSON) return;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", path);
    jout_key(&j, "error"), jout_string(&j, problem);
    jout_close(&j, '}');
    jout_end(&j);
}

static int print_labels(label_run *run, const char *path, const float *embedding,
                        glimpse_label *labels) {
    int count = glimpse_classifier_score(run->classifier, embedding, labels, run->top);
    if (count < 0) return tool_fail_last();
    int abstained = labels[0].probability < run->min_probability;
    switch (run->format) {
    case LABEL_JSON: print_json(run, path, labels, (size_t)count, abstained); break;
    case LABEL_CSV: print_csv(run, path, labels, (size_t)count, abstained); break;
    case LABEL_TABLE: print_row(run, path, labels, (size_t)count, abstained); break;
    }
    run->labelled++;
    return CLI_RUN;
}

void label_begin(label_run *run) {
    enum { WIDEST_NAME = 24 };
    for (size_t i = 0; i < glimpse_classifier_count(run->classifier); i++) {
        size_t width = text_width(glimpse_classifier_class(run->classifier, i));
        if (width > run->name_columns && width <= WIDEST_NAME) run->name_columns = width;
    }
    if (run->format == LABEL_CSV) {
        (void)puts("path,rank,class,probability,score,abstained");
    }
}

/*
 * Encoding.
 */
typedef struct crew {
    item *items; /* those of the window that need encoding come through `todo` */
    size_t *todo, count;
    atomic_size_t next; /* in `todo` */
    size_t width;
} crew;

typedef struct worker {
    crew *crew;
    glimpse_encoder *encoder;
    char *failure; /* of the encoder itself */
} worker;

static void *work(void *user) {
    worker *w = user;
    crew *c = w->crew;
    float *embeddings = xmalloc(AT_ONCE * c->width * sizeof *embeddings);
    for (size_t first; (first = atomic_fetch_add(&c->next, AT_ONCE)) < c->count;) {
        glimpse_image *images[AT_ONCE];
        item *of[AT_ONCE];
        size_t n = 0;
        for (size_t i = first; i < c->count && i < first + AT_ONCE; i++) {
            item *it = &c->items[c->todo[i]];
            if (glimpse_image_open(&images[n], it->path, NULL) < 0) {
                it->problem = xstrdup(glimpse_last_error());
            } else {
                of[n++] = it;
            }
        }
        if (n > 0 && glimpse_encoder_images(w->encoder, (const glimpse_image *const *)images, n,
                                            embeddings, 0) < 0) {
            w->failure = xstrdup(glimpse_last_error());
        }
        for (size_t i = 0; i < n; i++) {
            glimpse_image_free(images[i]);
            if (w->failure) continue;
            memcpy(of[i]->embedding, embeddings + i * c->width, c->width * sizeof *embeddings);
            of[i]->known = 1;
        }
        if (w->failure) break;
    }
    free(embeddings);
    return NULL;
}

typedef struct hall {
    worker workers[MOST_JOBS];
    size_t jobs;
    glimpse_model *model; /* with the image tower; opened when the first picture needs it */
} hall;

static int open_hall(hall *h, const label_run *run) {
    session *s = run->session;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = (glimpse_precision)s->precision;
    options.backend = (glimpse_backend)s->backend;
    options.towers = GLIMPSE_TOWER_IMAGE;
    if (glimpse_model_open(&h->model, s->model_path, &options) < 0) return tool_fail_last();
    if (strcmp(glimpse_model_fingerprint(h->model), glimpse_model_fingerprint(s->model)) != 0) {
        return tool_fail("%s changed while it was being used", s->model_path);
    }
    for (size_t i = 0; i < h->jobs; i++) {
        if (glimpse_encoder_create(&h->workers[i].encoder, h->model, AT_ONCE) < 0) {
            return tool_fail_last();
        }
    }
    return CLI_RUN;
}

static void close_hall(hall *h) {
    for (size_t i = 0; i < h->jobs; i++)
        glimpse_encoder_free(h->workers[i].encoder);
    glimpse_model_free(h->model);
}

static int encode(hall *h, const label_run *run, item *items, size_t *todo, size_t count) {
    if (count == 0) return CLI_RUN;
    if (!h->model) {
        int code = open_hall(h, run);
        if (code != CLI_RUN) return code;
    }
    crew c = {items, todo, count, 0, glimpse_model_embedding_size(h->model)};
    pthread_t threads[MOST_JOBS];
    size_t started = 0, wanted = (count + AT_ONCE - 1) / AT_ONCE;
    if (wanted > h->jobs) wanted = h->jobs;
    for (size_t i = 0; i < wanted; i++)
        h->workers[i].crew = &c;
    /* This thread is the first worker; a thread that cannot be had is done without. */
    while (started + 1 < wanted &&
           pthread_create(&threads[started], NULL, work, &h->workers[started + 1]) == 0)
        started++;
    (void)work(&h->workers[0]);
    int code = CLI_RUN;
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < wanted; i++) {
        if (h->workers[i].failure && code == CLI_RUN) code = tool_fail("%s", h->workers[i].failure);
        free(h->workers[i].failure);
        h->workers[i].failure = NULL;
    }
    return code;
}

int label_paths(label_run *run, const char *const *paths, size_t count) {
    session *s = run->session;
    size_t width = glimpse_model_embedding_size(s->model);
    hall h = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    h.jobs = run->jobs ? run->jobs : cores > 0 ? (size_t)cores : 1;
    if (h.jobs > MOST_JOBS) h.jobs = MOST_JOBS;
    size_t window = h.jobs * AT_ONCE * CHUNKS_PER_JOB;
    picture_list list = {0};
    item *items = xcalloc(window, sizeof *items);
    size_t *todo = xcalloc(window, sizeof *todo);
    float *embeddings = xmalloc(window * width * sizeof *embeddings);
    glimpse_label *labels = xcalloc(run->top, sizeof *labels);
    double start = progress_now();
    int code = CLI_RUN, shows = !isatty(STDOUT_FILENO);
    for (size_t i = 0; i < count; i++)
        picture_list_add(&list, paths[i]);
    for (size_t i = 0; i < list.problem_count; i++)
        print_problem(run, list.problem_paths[i], list.problems[i]);
    for (size_t first = 0; first < list.count && code == CLI_RUN; first += window) {
        size_t n = list.count - first < window ? list.count - first : window, needed = 0;
        for (size_t i = 0; i < n; i++) {
            items[i] = (item){list.paths[first + i], embeddings + i * width, NULL, 0};
            items[i].known =
                stored_embedding(s->library, s->model, items[i].path, items[i].embedding, NULL);
            if (!items[i].known) todo[needed++] = i;
        }
        code = encode(&h, run, items, todo, needed);
        for (size_t i = 0; i < n; i++) {
            if (code == CLI_RUN && items[i].problem) {
                print_problem(run, items[i].path, items[i].problem);
            } else if (code == CLI_RUN) {
                if (shows) progress_clear();
                code = print_labels(run, items[i].path, items[i].embedding, labels);
            }
            free(items[i].problem);
        }
        if (shows) {
            progress_show("labelling", first + n, list.count, 1, progress_now() - start, NULL);
        }
        if (code == CLI_RUN && tool_stopped()) {
            tool_say("stopped: %s of %s files are done", text_count(first + n),
                     text_count(list.count));
            code = EXIT_STOPPED;
        }
    }
    progress_clear();
    close_hall(&h);
    free(labels);
    free(embeddings);
    free(todo);
    free(items);
    picture_list_free(&list);
    return code;
}

typedef struct visit {
    label_run *run;
    glimpse_label *labels;
    int code;
} visit;

static int on_visit(void *user, const glimpse_result *file, const float *embedding) {
    visit *v = user;
    v->code = print_labels(v->run, file->path, embedding, v->labels);
    if (v->code == CLI_RUN && tool_stopped()) v->code = EXIT_STOPPED;
    return v->code != CLI_RUN;
}

int label_library(label_run *run) {
    session *s = run->session;
    visit v = {run, xcalloc(run->top, sizeof(glimpse_label)), CLI_RUN};
    int status = glimpse_library_visit(s->library, s->model, NULL, on_visit, &v);
    if (v.code == EXIT_STOPPED) {
        tool_say("stopped: %s pictures are done", text_count(run->labelled));
    } else if (v.code == CLI_RUN && status < 0) {
        v.code = tool_fail_last();
    }
    free(v.labels);
    return v.code;
}
