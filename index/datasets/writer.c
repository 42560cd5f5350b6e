/*
 * writer.c - the table of formats, and the calls that work with any of them.
 */
#include "writer_internal.h"

#include "core/error.h"
#include "core/options.h"
#include "dataset_text.h"

#include <stdlib.h>
#include <string.h>

/* A row a format, in the order people read them. */
static const glimpse_dataset_kind *const kinds[] = {
    &glimpse_dataset_csv,         &glimpse_dataset_jsonl, &glimpse_dataset_coco,
    &glimpse_dataset_imagefolder, &glimpse_dataset_hf,    &glimpse_dataset_labelstudio,
    &glimpse_dataset_fiftyone,    &glimpse_dataset_xmp};
enum { KINDS = sizeof kinds / sizeof *kinds };

size_t glimpse_dataset_format_count(void) {
    return KINDS;
}

const glimpse_dataset_format *glimpse_dataset_format_get(size_t i) {
    return i < KINDS ? &kinds[i]->format : NULL;
}

static const glimpse_dataset_kind *find(const char *name) {
    for (size_t i = 0; name && i < KINDS; i++) {
        if (strcmp(kinds[i]->format.name, name) == 0) return kinds[i];
    }
    return NULL;
}

const glimpse_dataset_format *glimpse_dataset_format_find(const char *name) {
    const glimpse_dataset_kind *kind = find(name);
    return kind ? &kind->format : NULL;
}

/*
 * The run.
 */
static int check(const glimpse_dataset_writer *w) {
    const glimpse_dataset_format *f = &w->kind->format;
    if (w->o.output && !*w->o.output) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the output has an empty name");
    }
    if (!w->o.output && (f->needs & GLIMPSE_DATASET_STREAM) && !w->o.stream) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the format %s needs an output or a stream",
                            f->name);
    }
    if (!w->o.output && !(f->needs & (GLIMPSE_DATASET_STREAM | GLIMPSE_DATASET_BESIDE))) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the format %s needs an output", f->name);
    }
    if (!glimpse_dataset_place_name(w->o.place)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "there is no way %d to place pictures", w->o.place);
    }
    return GLIMPSE_OK;
}

int glimpse_dataset_writer_open(glimpse_dataset_writer **out, const glimpse_label_set *set,
                                const glimpse_dataset_options *options) {
    if (out) *out = NULL;
    if (!out || !options) return glimpse_fail_null(__func__);
    if (!set) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "no set of labels to write (a labeller has one after its fit)");
    }
    glimpse_dataset_writer *w = glimpse_zeroed(1, sizeof *w);
    if (!w) return GLIMPSE_E_NOMEM;
    w->o = GLIMPSE_DATASET_OPTIONS_INIT;
    w->set = set;
    int status = GLIMPSE_OPTIONS_LOAD(&w->o, options, glimpse_dataset_options, user);
    if (status < 0) {
        free(w);
        return status;
    }
    w->kind = find(w->o.format);
    if (!w->kind) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "there is no data set format \"%s\"",
                              w->o.format ? w->o.format : "");
        free(w);
        return status;
    }
    status = check(w);
    if (status == GLIMPSE_OK && w->kind->file && w->o.output) {
        status = glimpse_output_open(&w->to, &w->temporary, w->o.output);
    } else if (w->kind->file) {
        w->to = w->o.stream;
    }
    if (status == GLIMPSE_OK && w->kind->open) status = w->kind->open(w);
    if (status < 0) {
        glimpse_dataset_writer_close(w);
        return status;
    }
    *out = w;
    return GLIMPSE_OK;
}

int glimpse_dataset_writer_add(glimpse_dataset_writer *w, const glimpse_labelled *picture) {
    if (!w || !picture) return glimpse_fail_null(__func__);
    if (picture->problem && !w->kind->problems) return GLIMPSE_OK;
    const glimpse_kept_error before = glimpse_error_keep(); /* of a picture that is left out */
    int status = w->kind->add(w, picture);
    /* Not only at the end, hours later. */
    if (status >= 0 && w->temporary && ferror(w->to)) {
        status = glimpse_output_fail(w->to, w->o.output);
    }
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}

int glimpse_dataset_writer_finish(glimpse_dataset_writer *w, int complete) {
    int status = GLIMPSE_OK;
    if (!w) return glimpse_fail_null(__func__);
    if (!complete) {
        if (w->temporary || (!w->kind->file && !(w->kind->format.needs & GLIMPSE_DATASET_BESIDE))) {
            glimpse_report_message(w->o.message, w->o.user, GLIMPSE_MESSAGE_PROBLEM,
                                   "%s was not written, because the run is not complete",
                                   w->o.output);
        }
        return GLIMPSE_OK;
    }
    if (w->kind->finish) status = w->kind->finish(w);
    if (status == GLIMPSE_OK && w->temporary) {
        status = glimpse_output_commit(w->to, w->temporary, w->o.output);
        w->to = NULL;
        w->temporary = NULL;
    }
    return status;
}

size_t glimpse_dataset_writer_left_out(const glimpse_dataset_writer *w) {
    return w ? w->left_out : 0;
}

void glimpse_dataset_writer_close(glimpse_dataset_writer *w) {
    if (!w) return;
    if (w->kind->close) w->kind->close(w);
    if (w->temporary) glimpse_output_abandon(w->to, w->temporary);
    free(w);
}
