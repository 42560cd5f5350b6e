/*
 * write_lines.c - labels line by line: CSV and JSON lines.
 */
#include "dataset_text.h"
#include "text/output/json_out.h"
#include "writer_internal.h"

/*
 * CSV: a row for each label; one without a class for a picture that was abstained on.
 */
static int csv_open(glimpse_dataset_writer *w) {
    (void)fprintf(w->to, "path,rank,class,probability,score,abstained%s\n",
                  w->set->multi_label ? ",accepted" : "");
    return GLIMPSE_OK;
}

static int csv_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    FILE *to = w->to;
    for (size_t i = 0; i < (p->abstained ? (p->count > 0) : p->count); i++) {
        glimpse_csv_field(to, p->path);
        (void)fprintf(to, ",%zu,", i + 1);
        if (!p->abstained) glimpse_csv_field(to, w->set->classes[p->labels[i].class_index].name);
        (void)fprintf(to, ",%.9g,%.9g,%s", p->labels[i].probability, p->labels[i].score,
                      p->abstained ? "true" : "false");
        if (w->set->multi_label) {
            (void)fprintf(to, ",%s", p->labels[i].accepted ? "true" : "false");
        }
        (void)fputc('\n', to);
    }
    return GLIMPSE_OK;
}

const glimpse_dataset_kind glimpse_dataset_csv = {
    .format = {"csv", ".csv", GLIMPSE_DATASET_STREAM}, .open = csv_open, .add = csv_add, .file = 1};

/*
 * JSON lines.
 */
static int jsonl_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    json_out j = {w->to, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", p->path);
    if (p->problem) {
        jout_key(&j, "error"), jout_string(&j, p->problem);
        jout_close(&j, '}');
        jout_end(&j);
        return GLIMPSE_OK;
    }
    jout_key(&j, "labels");
    jout_open(&j, '[');
    for (size_t i = 0; i < p->count; i++) {
        jout_open(&j, '{');
        jout_key(&j, "class"), jout_string(&j, w->set->classes[p->labels[i].class_index].name);
        jout_key(&j, "probability"), jout_number(&j, p->labels[i].probability);
        jout_key(&j, "score"), jout_number(&j, p->labels[i].score);
        if (w->set->multi_label) {
            jout_key(&j, "accepted"), jout_bool(&j, p->labels[i].accepted);
        }
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "abstained"), jout_bool(&j, p->abstained);
    if (p->abstained) jout_text_or_null(&j, "reason", glimpse_abstention_name(p->reason));
    jout_key(&j, "margin"), jout_number(&j, p->margin);
    if (p->background >= 0) jout_key(&j, "background"), jout_number(&j, p->background);
    jout_close(&j, '}');
    jout_end(&j);
    return GLIMPSE_OK;
}

const glimpse_dataset_kind glimpse_dataset_jsonl = {
    .format = {"jsonl", ".jsonl", GLIMPSE_DATASET_STREAM},
    .add = jsonl_add,
    .problems = 1,
    .file = 1};
