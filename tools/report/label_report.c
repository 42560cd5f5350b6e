/*
 * label_report.c - the HTML page of labels. Keeps of each picture what the page can show, and
 * judges the pictures by the truth at the end, when all their paths are known.
 */
#include "label_report_internal.h"

#include "cli.h"
#include "report_file.h"
#include "tool.h"

#include <glimpse/datasets.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

label_report *label_report_make(const char *file, const glimpse_label_set *set, const char *truth) {
    label_report *report = xcalloc(1, sizeof *report);
    report->file = file;
    report->set = set;
    report->truth_file = truth;
    if (truth) {
        /* What is wrong with it should be known before an hour of labelling, not after. */
        glimpse_truth *known = NULL;
        if (glimpse_truth_load(&known, truth, NULL) < 0) {
            (void)tool_fail_last();
            free(report);
            return NULL;
        }
        glimpse_truth_free(known);
    }
    return report;
}

void label_report_add(label_report *report, const glimpse_labelled *r) {
    if (r->problem || r->count == 0) return;
    if (report->count == report->capacity) {
        report->capacity = report->capacity ? 2 * report->capacity : 256;
        report->entries = xrealloc(report->entries, report->capacity * sizeof *report->entries);
    }
    report_entry *e = &report->entries[report->count++];
    *e = (report_entry){0};
    e->path = xstrdup(r->path);
    e->choice_count = (unsigned char)(r->count < REPORT_CHOICES ? r->count : REPORT_CHOICES);
    memcpy(e->choices, r->labels, e->choice_count * sizeof *e->choices);
    e->abstained = r->abstained != 0;
    e->reason = r->reason;
    e->margin = r->margin;
}

/*
 * Judging.
 */
typedef struct named {
    const char *name;
    size_t at;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* Of a hierarchical name. */
static const char *last_part(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

/* The only entry of that name in a sorted list, or NULL. */
static const named *find_only(const named *list, size_t count, const char *name) {
    named key = {name, 0};
    const named *found = count > 0 ? bsearch(&key, list, count, sizeof *list, by_name) : NULL;
    if (!found) return NULL;
    if (found > list && strcmp(found[-1].name, name) == 0) return NULL;
    if (found + 1 < list + count && strcmp(found[1].name, name) == 0) return NULL;
    return found;
}

/* For each class of the truth its place among the report's classes, which grow by those that the
 * labels do not know. Classes are known by name, by id and by the last part of the name. */
static size_t *match_classes(label_report *report, const glimpse_truth *truth) {
    const glimpse_label_set *set = report->set;
    named *figures[3];
    size_t *places = xcalloc(truth->class_count, sizeof *places);
    report->classes = xcalloc(set->count + truth->class_count, sizeof *report->classes);
    report->class_count = set->count;
    for (int k = 0; k < 3; k++) {
        figures[k] = xcalloc(set->count, sizeof *figures[k]);
        for (size_t i = 0; i < set->count; i++) {
            const glimpse_label_class *c = &set->classes[i];
            const char *name = k == 0 ? c->name : k == 1 ? c->id : last_part(c->name);
            figures[k][i] = (named){name, i};
        }
        qsort(figures[k], set->count, sizeof *figures[k], by_name);
    }
    for (size_t i = 0; i < set->count; i++)
        report->classes[i] = xstrdup(set->classes[i].name);
    for (size_t i = 0; i < truth->class_count; i++) {
        const named *found = NULL;
        for (int k = 0; k < 3 && !found; k++)
            found = find_only(figures[k], set->count, truth->classes[i]);
        places[i] = found ? found->at : report->class_count++;
        if (!found) report->classes[places[i]] = xstrdup(truth->classes[i]);
    }
    for (int k = 0; k < 3; k++)
        free(figures[k]);
    return places;
}

static size_t judge_by(label_report *report, const glimpse_truth *truth, const size_t *places,
                       int by_ending) {
    size_t judged = 0;
    for (size_t i = 0; i < report->count; i++) {
        report_entry *e = &report->entries[i];
        size_t at = 0;
        if (glimpse_truth_find(&at, truth, e->path, by_ending) <= 0) continue;
        const glimpse_truth_picture *p = &truth->pictures[at];
        e->judged = 1;
        e->truth_count = p->class_count;
        e->truth = xcalloc(p->class_count, sizeof *e->truth);
        for (size_t k = 0; k < p->class_count; k++)
            e->truth[k] = places[p->classes[k]];
        judged++;
    }
    return judged;
}

static int evaluate(label_report *report) {
    glimpse_label_eval *eval = NULL;
    int code = CLI_RUN;
    if (glimpse_label_eval_create(&eval, report->class_count) < 0) return tool_fail_last();
    for (size_t i = 0; i < report->count && code == CLI_RUN; i++) {
        report_entry *e = &report->entries[i];
        glimpse_guess guesses[REPORT_CHOICES];
        if (!e->judged) continue;
        for (size_t k = 0; k < e->choice_count; k++) {
            guesses[k] = (glimpse_guess){e->choices[k].class_index, e->choices[k].probability,
                                         e->choices[k].score, e->choices[k].accepted};
        }
        for (size_t k = 0; k < e->truth_count; k++)
            e->right |= e->truth[k] == e->choices[0].class_index;
        if (glimpse_label_eval_add(eval, e->truth, e->truth_count, guesses, e->choice_count,
                                   e->abstained) < 0 ||
            glimpse_label_eval_margin(eval, e->margin) < 0) {
            code = tool_fail_last();
        }
    }
    if (code == CLI_RUN && glimpse_label_eval_report(&report->figures, eval, NULL) < 0) {
        code = tool_fail_last();
    }
    glimpse_label_eval_free(eval);
    return code;
}

static int judge(label_report *report) {
    glimpse_truth *truth = NULL;
    if (glimpse_truth_load(&truth, report->truth_file, NULL) < 0) return tool_fail_last();
    size_t *places = match_classes(report, truth);
    int code = CLI_RUN;
    if (judge_by(report, truth, places, 0) == 0) {
        if (judge_by(report, truth, places, 1) == 0) {
            code =
                tool_fail("%s: none of the %zu pictures it names is among the %zu that were "
                          "labelled (the first is %s)",
                          report->truth_file, truth->count, report->count, truth->pictures[0].path);
            goto done;
        }
        tool_note("%s: the pictures were found by the ends of their paths", report->truth_file);
    }
    code = evaluate(report);
done:
    free(places);
    glimpse_truth_free(truth);
    return code;
}

int label_report_write(label_report *report, const glimpse_label_totals *totals) {
    int code = report->truth_file ? judge(report) : CLI_RUN;
    if (code != CLI_RUN) return code;
    if (!report->classes) {
        report->classes = xcalloc(report->set->count, sizeof *report->classes);
        report->class_count = report->set->count;
        for (size_t i = 0; i < report->class_count; i++)
            report->classes[i] = xstrdup(report->set->classes[i].name);
    }
    report_file file;
    if (report_file_open_text(&file, report->file) < 0) return EXIT_FAILED;
    report_html(file.to, report, totals);
    if (report_file_close(&file) < 0) return EXIT_FAILED;
    tool_note("report written to %s", report->file);
    return CLI_RUN;
}

void label_report_free(label_report *report) {
    if (!report) return;
    for (size_t i = 0; i < report->count; i++) {
        free(report->entries[i].path);
        free(report->entries[i].truth);
        free(report->entries[i].jpeg);
    }
    for (size_t i = 0; i < report->class_count; i++)
        free(report->classes[i]);
    free(report->classes);
    free(report->entries);
    glimpse_label_report_free(report->figures);
    free(report);
}
