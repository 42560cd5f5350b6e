/*
 * run.c - the work of labelling: from paths, or a library, to a record for each picture.
 *
 * Files are taken in order, a window of them at a time: the embedder gets their embeddings, one
 * call labels them all, and each goes to the callback in its turn. Pictures of the library come in
 * blocks of LIBRARY_BLOCK rows, without their files being touched.
 */
#include "labeller_internal.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"
#include "dataset_text.h"
#include "picture_list.h"
#include "stored.h"

#include <stdlib.h>
#include <string.h>

enum { LIBRARY_BLOCK = 512 };

/* One call: what it works with, and room for the labels of a window. */
typedef struct run {
    glimpse_labeller *l;
    glimpse_labelled_fn on_picture;
    void *user;
    glimpse_label_totals totals;
    size_t top;            /* labels a picture; 0: those that are claimed, at least one */
    size_t window, asked;  /* pictures at once; labels asked for of each */
    glimpse_label *labels; /* [window][asked] */
    glimpse_label_verdict *verdicts;
    float *embeddings;         /* [window][E] */
    glimpse_kept_error before; /* a picture that cannot be used is no failure of the call */
} run;

/* A record goes to the caller, whose answer is a status, or to stop. */
static int give(run *r, const glimpse_labelled *picture) {
    int answer = r->on_picture ? r->on_picture(r->user, picture) : 0;
    return answer > 0 ? glimpse_fail(GLIMPSE_E_CANCELLED, "stopped") : answer;
}

static int give_problem(run *r, const char *path, const char *problem) {
    glimpse_labelled picture = {
        .set = &r->l->set, .path = path, .problem = problem, .id = "", .background = -1};
    r->totals.failed++;
    return give(r, &picture);
}

/* How many of the labels are given. */
static size_t shown_labels(const run *r, const glimpse_label *labels) {
    size_t claimed = 0;
    if (r->top > 0) return r->top < r->asked ? r->top : r->asked;
    for (size_t i = 0; i < r->asked; i++)
        if (labels[i].accepted) claimed = i + 1;
    return claimed > 0 ? claimed : 1;
}

/* Picture i of the window. */
static int give_labels(run *r, size_t i, const char *path, const glimpse_stored_file *file) {
    const glimpse_label *labels = r->labels + i * r->asked;
    const glimpse_label_verdict *verdict = &r->verdicts[i];
    glimpse_labelled picture = {.set = &r->l->set,
                                .path = path,
                                .id = file->id,
                                .width = file->width,
                                .height = file->height,
                                .bytes = file->bytes,
                                .labels = labels,
                                .count = shown_labels(r, labels),
                                .abstained = verdict->reason != GLIMPSE_CLAIMED,
                                .reason = verdict->reason,
                                .margin = verdict->margin,
                                .background = verdict->background};
    r->totals.labelled++;
    r->totals.abstained += picture.abstained != 0;
    if (r->l->stored && file->id[0]) {
        int status = glimpse_labelling_add(r->l->stored, file->id, labels, r->asked);
        if (status < 0) return status;
    } else if (r->l->stored) {
        r->totals.not_in_library++;
    }
    return give(r, &picture);
}

/* Labels the first `count` embeddings of the window. */
static int classify(run *r, size_t count) {
    int status = glimpse_classifier_label_many(r->labels, r->verdicts, r->l->classifier,
                                               &r->l->rules, r->embeddings, count, r->asked);
    return status < 0 ? status : GLIMPSE_OK;
}

/*
 * A call's beginning and end.
 */
static int begin(run *r, size_t window) {
    glimpse_labeller *l = r->l;
    r->totals = GLIMPSE_LABEL_TOTALS_INIT;
    int status = glimpse_labeller_fit(l);
    if (status == GLIMPSE_OK) status = glimpse_labeller_open_stored(l);
    if (status < 0) return status;
    glimpse_labeller_report_calibration(l);
    size_t count = glimpse_classifier_count(l->classifier);
    r->top = l->o.top ? l->o.top : l->o.multi_label ? 0 : 1;
    /* With several labels a picture any class may be claimed. */
    r->asked = l->o.multi_label || r->top > count ? count : r->top ? r->top : 1;
    r->window = window;
    r->labels = glimpse_zeroed(window, r->asked * sizeof *r->labels);
    r->verdicts = glimpse_zeroed(window, sizeof *r->verdicts);
    r->embeddings = glimpse_zeroed(window, l->width * sizeof *r->embeddings);
    return r->labels && r->verdicts && r->embeddings ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
}

static int end(run *r, glimpse_label_totals *totals, int status) {
    free(r->labels);
    free(r->verdicts);
    free(r->embeddings);
    if (status == GLIMPSE_OK || status == GLIMPSE_E_CANCELLED) {
        int stored = glimpse_labeller_commit_stored(&r->totals, r->l);
        if (stored < 0) status = stored;
    }
    /* Without a commit nothing is kept: the next call begins anew. */
    glimpse_labelling_free(r->l->stored);
    r->l->stored = NULL;
    GLIMPSE_REPORT_STORE(totals, &r->totals);
    if (status >= 0) glimpse_error_restore(&r->before);
    return status;
}

/*
 * Paths.
 */

/* One window: problems and labels in the order of the pictures. */
static int label_window(run *r, char *const *paths, size_t count,
                        glimpse_embedder_picture *pictures) {
    size_t width = r->l->width, known = 0;
    for (size_t i = 0; i < count; i++)
        pictures[i] = (glimpse_embedder_picture){.path = paths[i]};
    int status = glimpse_embedder_embed(r->embeddings, r->l->embedder, pictures, count);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) { /* without gaps */
        if (!pictures[i].known) continue;
        if (known < i) {
            memcpy(r->embeddings + known * width, r->embeddings + i * width,
                   width * sizeof *r->embeddings);
        }
        known++;
    }
    if (status == GLIMPSE_OK) status = classify(r, known);
    for (size_t i = 0, k = 0; i < count && status == GLIMPSE_OK; i++) {
        const glimpse_embedder_picture *p = &pictures[i];
        if (!p->known) {
            status = give_problem(r, p->path, p->problem);
        } else {
            glimpse_stored_file file = {"", p->width, p->height, p->bytes};
            memcpy(file.id, p->id, sizeof file.id);
            status = give_labels(r, k++, p->path, &file);
        }
    }
    glimpse_embedder_release(pictures, count);
    return status;
}

static void report_stopped(const run *r, size_t done, size_t total) {
    char some[GLIMPSE_COUNT_TEXT], all[GLIMPSE_COUNT_TEXT];
    glimpse_report_message(r->l->o.message, r->l->o.user, GLIMPSE_MESSAGE_PROBLEM,
                           "stopped: %s of %s files are done", glimpse_count_text(some, done),
                           glimpse_count_text(all, total));
}

static int label_list(run *r, const glimpse_picture_list *list) {
    glimpse_embedder_picture *pictures = glimpse_zeroed(r->window, sizeof *pictures);
    double start = glimpse_now();
    size_t done = 0;
    int status = pictures ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < list->problem_count && status == GLIMPSE_OK; i++)
        status = give_problem(r, list->problems[i].path, list->problems[i].reason);
    while (done < list->count && status == GLIMPSE_OK) {
        size_t n = list->count - done < r->window ? list->count - done : r->window;
        status = label_window(r, list->paths + done, n, pictures);
        if (status == GLIMPSE_OK) {
            done += n;
            status = glimpse_labeller_progress(r->l, "labelling", done, list->count, start);
        }
    }
    free(pictures);
    if (status == GLIMPSE_E_CANCELLED) report_stopped(r, done, list->count);
    return status;
}

int glimpse_labeller_label_paths(glimpse_label_totals *totals, glimpse_labeller *l,
                                 const char *const *paths, size_t count,
                                 glimpse_labelled_fn on_picture, void *user) {
    run r = {.l = l, .on_picture = on_picture, .user = user, .before = glimpse_error_keep()};
    glimpse_picture_list list = {0};
    if (!l || (count > 0 && !paths)) return glimpse_fail_null(__func__);
    int status = GLIMPSE_REPORT_CHECK(totals, glimpse_label_totals, stored);
    if (status < 0) return status;
    status = begin(&r, glimpse_embedder_window(l->embedder));
    const glimpse_walk_rules rules = {.follow_links = l->o.follow_links,
                                      .exclude = l->o.exclude,
                                      .exclude_count = l->o.exclude_count,
                                      .include_nomedia = l->o.include_nomedia};
    if (status == GLIMPSE_OK) {
        status = glimpse_picture_list_add(&list, paths, count, &rules, NULL, NULL);
    }
    if (status == GLIMPSE_OK) status = label_list(&r, &list);
    r.totals.nomedia = list.marked;
    glimpse_picture_list_free(&list);
    return end(&r, totals, status);
}

/*
 * The library.
 */
typedef struct visit {
    run *r;
    size_t count;
    char *paths[LIBRARY_BLOCK];
    glimpse_stored_file files[LIBRARY_BLOCK];
    int status;
} visit;

static void flush(visit *v) {
    if (v->status == GLIMPSE_OK && v->count > 0) v->status = classify(v->r, v->count);
    for (size_t i = 0; i < v->count; i++) {
        if (v->status == GLIMPSE_OK) v->status = give_labels(v->r, i, v->paths[i], &v->files[i]);
        free(v->paths[i]);
    }
    v->count = 0;
}

static int on_visit(void *user, const glimpse_result *file, const float *embedding) {
    visit *v = user;
    size_t i = v->count, width = v->r->l->width;
    v->paths[i] = glimpse_copied(file->path);
    if (!v->paths[i]) {
        v->status = GLIMPSE_E_NOMEM;
        return 1;
    }
    v->count++;
    v->files[i] = (glimpse_stored_file){"", file->width, file->height, file->bytes};
    (void)snprintf(v->files[i].id, sizeof v->files[i].id, "%s", file->id);
    memcpy(v->r->embeddings + i * width, embedding, width * sizeof *embedding);
    if (v->count == LIBRARY_BLOCK) flush(v);
    if (v->status == GLIMPSE_OK && glimpse_labeller_check_cancelled(v->r->l) < 0) {
        flush(v);
        if (v->status == GLIMPSE_OK) v->status = glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    return v->status != GLIMPSE_OK;
}

/* Places without a file are named. */
static int report_places(const glimpse_labeller *l, const char *const *within, size_t count) {
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        char *problem = NULL;
        status = glimpse_library_check_within(&problem, l->library, within[i]);
        if (problem)
            glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE, "%s", problem);
        free(problem);
    }
    return status;
}

int glimpse_labeller_label_library(glimpse_label_totals *totals, glimpse_labeller *l,
                                   const char *const *within, size_t within_count,
                                   glimpse_labelled_fn on_picture, void *user) {
    run r = {.l = l, .on_picture = on_picture, .user = user, .before = glimpse_error_keep()};
    if (!l) return glimpse_fail_null(__func__);
    int status = GLIMPSE_REPORT_CHECK(totals, glimpse_label_totals, stored);
    if (status < 0) return status;
    visit *v = glimpse_zeroed(1, sizeof *v);
    status = v ? begin(&r, LIBRARY_BLOCK) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK && !l->library) {
        status = glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no library to label");
    }
    if (status == GLIMPSE_OK) {
        v->r = &r;
        status = report_places(l, within, within_count);
    }
    if (status == GLIMPSE_OK) {
        glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
        int visited =
            GLIMPSE_OPTIONS_LOAD(&filter, l->o.filter, glimpse_search_options, exclude_id);
        if (within_count > 0) {
            filter.within = within;
            filter.within_count = within_count;
        }
        if (visited == GLIMPSE_OK) {
            visited = glimpse_library_visit_filtered(l->library, l->model, &filter, on_visit, v);
        }
        flush(v);
        status = v->status == GLIMPSE_OK && visited < 0 ? visited : v->status;
    }
    free(v);
    if (status == GLIMPSE_E_CANCELLED) {
        char count[GLIMPSE_COUNT_TEXT];
        glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_PROBLEM,
                               "stopped: %s pictures are done",
                               glimpse_count_text(count, r.totals.labelled));
    }
    return end(&r, totals, status);
}
