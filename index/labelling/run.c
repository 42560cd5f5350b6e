/*
 * label_run.c - see label_run.h.
 *
 * Files are taken in order, a window of them at a time: the embedder gets their embeddings, one
 * call labels them all, and each goes to the outputs in its turn. Pictures of the library come in
 * blocks of LIBRARY_BLOCK rows, without their files being touched.
 */
#include "label_run.h"

#include "label_walk.h"
#include "progress.h"
#include "stored.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIBRARY_BLOCK = 512 };

const char *label_abstention_name(label_abstention reason) {
    switch (reason) {
    case LABEL_CLAIMED: return NULL;
    case LABEL_LOW_PROBABILITY: return "probability";
    case LABEL_SMALL_MARGIN: return "margin";
    case LABEL_BACKGROUND: return "background";
    case LABEL_NONE_MET: return "threshold";
    }
    return NULL;
}

static label_abstention reason_of(glimpse_abstention reason) {
    switch (reason) {
    case GLIMPSE_CLAIMED: return LABEL_CLAIMED;
    case GLIMPSE_ABSTAINED_PROBABILITY: return LABEL_LOW_PROBABILITY;
    case GLIMPSE_ABSTAINED_MARGIN: return LABEL_SMALL_MARGIN;
    case GLIMPSE_ABSTAINED_BACKGROUND: return LABEL_BACKGROUND;
    case GLIMPSE_ABSTAINED_THRESHOLD: return LABEL_NONE_MET;
    }
    return LABEL_CLAIMED;
}

/* Room for the labels of a window. */
typedef struct bench {
    size_t room, asked;    /* pictures; labels asked for of each */
    glimpse_label *labels; /* [room][asked] */
    glimpse_label_verdict *verdicts;
    label_choice *choices; /* [asked] */
    float *compact;        /* [room][E] */
} bench;

static bench bench_make(const label_run *run, size_t room) {
    size_t count = glimpse_classifier_count(run->setup->classifier);
    size_t width = glimpse_model_embedding_size(run->session->model);
    bench b = {.room = room};
    /* With several labels a picture any class may be claimed. */
    b.asked = run->setup->multi_label || run->top > count ? count : run->top ? run->top : 1;
    b.labels = xcalloc(room, b.asked * sizeof *b.labels);
    b.verdicts = xcalloc(room, sizeof *b.verdicts);
    b.choices = xcalloc(b.asked, sizeof *b.choices);
    b.compact = xmalloc(room * width * sizeof *b.compact);
    return b;
}

static void bench_free(bench *b) {
    free(b->labels);
    free(b->verdicts);
    free(b->choices);
    free(b->compact);
}

static int put_problem(label_run *run, const char *path, const char *problem) {
    label_result result = {.path = path, .problem = problem, .id = "", .background = -1};
    run->totals.failed++;
    tool_say("%s", problem);
    return label_out_put(run->out, &result);
}

/* How many of the labels are given to the outputs. */
static size_t shown_labels(const label_run *run, const bench *b, const glimpse_label *labels) {
    size_t claimed = 0;
    if (run->top > 0) return run->top < b->asked ? run->top : b->asked;
    for (size_t i = 0; i < b->asked; i++)
        if (labels[i].accepted) claimed = i + 1;
    return claimed > 0 ? claimed : 1;
}

static int put_labels(label_run *run, const bench *b, const char *path,
                      const glimpse_stored_file *file, const glimpse_label *labels,
                      const glimpse_label_verdict *verdict) {
    label_result result = {.path = path,
                           .id = file->id,
                           .width = file->width,
                           .height = file->height,
                           .bytes = file->bytes,
                           .labels = b->choices,
                           .count = shown_labels(run, b, labels),
                           .abstained = verdict->reason != GLIMPSE_CLAIMED,
                           .reason = reason_of(verdict->reason),
                           .margin = verdict->margin,
                           .background = verdict->background};
    for (size_t i = 0; i < result.count; i++) {
        b->choices[i] = (label_choice){labels[i].class_index, labels[i].probability,
                                       labels[i].score, labels[i].accepted};
    }
    run->totals.labelled++;
    run->totals.abstained += result.abstained != 0;
    if (run->stored && file->id[0]) {
        if (glimpse_labelling_add(run->stored, file->id, labels, b->asked) < 0) {
            return tool_fail_last();
        }
    } else if (run->stored) {
        run->not_in_library++;
    }
    return label_out_put(run->out, &result);
}

/* Labels `count` pictures whose embeddings stand one after the other. */
static int classify(const label_run *run, bench *b, const float *embeddings, size_t count) {
    if (glimpse_classifier_label_many(b->labels, b->verdicts, run->setup->classifier,
                                      &run->setup->rules, embeddings, count, b->asked) < 0) {
        return tool_fail_last();
    }
    return CLI_RUN;
}

/* One window: problems and labels in the order of the pictures. */
static int finish_window(label_run *run, bench *b, const glimpse_embedder_picture *pictures,
                         size_t count, const float *embeddings) {
    size_t width = glimpse_model_embedding_size(run->session->model), known = 0;
    for (size_t i = 0; i < count; i++) {
        if (!pictures[i].known) continue;
        memcpy(b->compact + known++ * width, embeddings + i * width, width * sizeof *embeddings);
    }
    int code = classify(run, b, b->compact, known);
    for (size_t i = 0, k = 0; i < count && code == CLI_RUN; i++) {
        if (!pictures[i].known) {
            code = put_problem(run, pictures[i].path, pictures[i].problem);
        } else {
            glimpse_stored_file file = {"", pictures[i].width, pictures[i].height,
                                        pictures[i].bytes};
            memcpy(file.id, pictures[i].id, sizeof file.id);
            code = put_labels(run, b, pictures[i].path, &file, b->labels + k * b->asked,
                              &b->verdicts[k]);
            k++;
        }
    }
    return code;
}

int label_paths(label_run *run, const char *const *paths, size_t count) {
    size_t width = glimpse_model_embedding_size(run->session->model);
    size_t window = glimpse_embedder_window(run->embedder);
    picture_list list = {0};
    glimpse_embedder_picture *pictures = xcalloc(window, sizeof *pictures);
    float *embeddings = xmalloc(window * width * sizeof *embeddings);
    bench b = bench_make(run, window);
    double start = progress_now();
    int code = CLI_RUN;
    for (size_t i = 0; i < count; i++)
        picture_list_add(&list, paths[i]);
    for (size_t i = 0; i < list.problem_count && code == CLI_RUN; i++)
        code = put_problem(run, list.problem_paths[i], list.problems[i]);
    for (size_t first = 0; first < list.count && code == CLI_RUN; first += window) {
        size_t n = list.count - first < window ? list.count - first : window;
        for (size_t i = 0; i < n; i++)
            pictures[i] = (glimpse_embedder_picture){.path = list.paths[first + i]};
        if (glimpse_embedder_embed(embeddings, run->embedder, pictures, n) < 0) {
            code = tool_fail_last();
        }
        if (run->shows_progress) progress_clear();
        if (code == CLI_RUN) code = finish_window(run, &b, pictures, n, embeddings);
        glimpse_embedder_release(pictures, n);
        if (run->shows_progress) {
            progress_show("labelling", first + n, list.count, 1, progress_now() - start, NULL);
        }
        if (code == CLI_RUN && first + n < list.count && tool_stopped()) {
            progress_clear();
            tool_say("stopped: %s of %s files are done", text_count(first + n),
                     text_count(list.count));
            code = EXIT_STOPPED;
        }
    }
    progress_clear();
    bench_free(&b);
    free(embeddings);
    free(pictures);
    picture_list_free(&list);
    return code;
}

/*
 * The library.
 */
typedef struct visit {
    label_run *run;
    bench bench;
    size_t width, count;
    float *embeddings; /* [LIBRARY_BLOCK][width] */
    char *paths[LIBRARY_BLOCK];
    glimpse_stored_file files[LIBRARY_BLOCK];
    int code;
} visit;

static void flush(visit *v) {
    if (v->code == CLI_RUN && v->count > 0) {
        v->code = classify(v->run, &v->bench, v->embeddings, v->count);
    }
    for (size_t i = 0; i < v->count; i++) {
        if (v->code == CLI_RUN) {
            v->code = put_labels(v->run, &v->bench, v->paths[i], &v->files[i],
                                 v->bench.labels + i * v->bench.asked, &v->bench.verdicts[i]);
        }
        free(v->paths[i]);
    }
    v->count = 0;
}

static int on_visit(void *user, const glimpse_result *file, const float *embedding) {
    visit *v = user;
    size_t i = v->count++;
    v->paths[i] = xstrdup(file->path);
    v->files[i] = (glimpse_stored_file){"", file->width, file->height, file->bytes};
    (void)snprintf(v->files[i].id, sizeof v->files[i].id, "%s", file->id);
    memcpy(v->embeddings + i * v->width, embedding, v->width * sizeof *embedding);
    if (v->count == LIBRARY_BLOCK) flush(v);
    if (v->code == CLI_RUN && tool_stopped()) {
        flush(v);
        if (v->code == CLI_RUN) v->code = EXIT_STOPPED;
    }
    return v->code != CLI_RUN;
}

int label_library(label_run *run, const char *prefix) {
    session *s = run->session;
    visit *v = xcalloc(1, sizeof *v);
    v->run = run;
    v->code = CLI_RUN;
    v->bench = bench_make(run, LIBRARY_BLOCK);
    v->width = glimpse_model_embedding_size(s->model);
    v->embeddings = xmalloc(LIBRARY_BLOCK * v->width * sizeof *v->embeddings);
    int status = glimpse_library_visit(s->library, s->model, prefix, on_visit, v);
    flush(v);
    int code = v->code;
    if (code == EXIT_STOPPED) {
        tool_say("stopped: %s pictures are done", text_count(run->totals.labelled));
    } else if (code == CLI_RUN && status < 0) {
        code = tool_fail_last();
    }
    bench_free(&v->bench);
    free(v->embeddings);
    free(v);
    return code;
}
