/*
 * write_fiftyone.c - labels as FiftyOne imports them.
 *
 * A directory with labels.json and data.json of FiftyOneImageClassificationDataset. Pictures
 * stay where they are: data.json says where the picture of each key is. Keys are running numbers
 * without a dot, because FiftyOne drops what looks like a file ending.
 *
 * JSON has no way to hold a path that is not UTF-8, and a replacement character would name a file
 * that does not exist. So such a picture is left out, and told.
 */
#include "core/error.h"
#include "dataset_text.h"
#include "text/output/json_out.h"
#include "writer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct fiftyone {
    FILE *labels, *data;
    char *labels_temporary, *data_temporary, *labels_name, *data_name;
    size_t count;
} fiftyone;

static int fiftyone_open(glimpse_dataset_writer *w) {
    fiftyone *f = w->state = glimpse_zeroed(1, sizeof *f);
    if (!f) return GLIMPSE_E_NOMEM;
    const char *directory = w->o.output;
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        return glimpse_fail_errno("%s: cannot make the folder", directory);
    }
    f->labels_name = glimpse_formatted("%s/labels.json", directory);
    f->data_name = glimpse_formatted("%s/data.json", directory);
    if (!f->labels_name || !f->data_name) return GLIMPSE_E_NOMEM;
    int status = glimpse_output_open(&f->labels, &f->labels_temporary, f->labels_name);
    if (status == GLIMPSE_OK) {
        status = glimpse_output_open(&f->data, &f->data_temporary, f->data_name);
    }
    if (status < 0) return status;
    json_out j = {f->labels, 0};
    jout_open(&j, '{');
    jout_key(&j, "classes");
    jout_open(&j, '[');
    for (size_t i = 0; i < w->set->count; i++)
        jout_string(&j, w->set->classes[i].name);
    jout_close(&j, ']');
    (void)fputs(",\n\"labels\":{", f->labels);
    (void)fputc('{', f->data);
    return GLIMPSE_OK;
}

static void fiftyone_label(json_out *j, const glimpse_label *label) {
    jout_open(j, '{');
    jout_key(j, "label"), jout_uint(j, label->class_index);
    jout_key(j, "confidence"), jout_number(j, label->probability);
    jout_key(j, "attributes");
    jout_open(j, '{');
    jout_key(j, "score"), jout_number(j, label->score);
    jout_close(j, '}');
    jout_close(j, '}');
}

static int fiftyone_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    fiftyone *f = w->state;
    if (!glimpse_text_is_utf8(p->path)) {
        glimpse_dataset_leave_out(w, p->path, "FiftyOne cannot hold a name that is not UTF-8");
        return GLIMPSE_OK;
    }
    char *path = glimpse_path_resolved(p->path), key[24];
    if (!path) return GLIMPSE_E_NOMEM;
    if (!glimpse_text_is_utf8(path)) {
        glimpse_dataset_leave_out(w, p->path, "its folder has a name that is not UTF-8");
        free(path);
        return GLIMPSE_OK;
    }
    (void)snprintf(key, sizeof key, "%08zu", ++f->count);
    (void)fputs(f->count > 1 ? ",\n" : "\n", f->labels);
    (void)fputs(f->count > 1 ? ",\n" : "\n", f->data);
    json_out j = {f->labels, 0}, d = {f->data, 0};
    jout_key(&d, key);
    jout_string(&d, path);
    free(path);
    jout_key(&j, key);
    if (w->set->multi_label) jout_open(&j, '[');
    int found = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (!p->labels[i].accepted) continue;
        fiftyone_label(&j, &p->labels[i]);
        found = 1;
        if (!w->set->multi_label) break;
    }
    if (w->set->multi_label) {
        jout_close(&j, ']');
    } else if (!found) {
        jout_null(&j);
    }
    return GLIMPSE_OK;
}

static int fiftyone_finish(glimpse_dataset_writer *w) {
    fiftyone *f = w->state;
    (void)fputs("\n}}\n", f->labels);
    (void)fputs("\n}\n", f->data);
    int status = glimpse_output_commit(f->data, f->data_temporary, f->data_name);
    f->data = NULL, f->data_temporary = NULL;
    if (status == GLIMPSE_OK) {
        status = glimpse_output_commit(f->labels, f->labels_temporary, f->labels_name);
        f->labels = NULL, f->labels_temporary = NULL;
    }
    return status;
}

static void fiftyone_close(glimpse_dataset_writer *w) {
    fiftyone *f = w->state;
    if (!f) return;
    if (f->labels) glimpse_output_abandon(f->labels, f->labels_temporary);
    if (f->data) glimpse_output_abandon(f->data, f->data_temporary);
    free(f->labels_name);
    free(f->data_name);
    free(f);
}

const glimpse_dataset_kind glimpse_dataset_fiftyone = {
    .format = {"fiftyone", "", GLIMPSE_DATASET_DIRECTORY},
    .open = fiftyone_open,
    .add = fiftyone_add,
    .finish = fiftyone_finish,
    .close = fiftyone_close};
