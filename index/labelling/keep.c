/*
 * keep.c - labels that are kept in the library (glimpse/stored_labels.h) while they are made.
 */
#include "labeller_internal.h"

#include "core/error.h"
#include "dataset_text.h"
#include "text/output/json_out.h"

#include <stdlib.h>

/* The rules in force, as JSON, to be kept with the labels. Free it. */
static char *settings_text(const glimpse_label_set *set, const char *classes) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) return NULL;
    json_out j = {to, 0};
    jout_open(&j, '{');
    jout_pair(&j, "classes", classes);
    jout_key(&j, "multi_label"), jout_bool(&j, set->multi_label);
    jout_key(&j, "temperature"), jout_number(&j, set->temperature);
    if (set->offset != 0) jout_key(&j, "offset"), jout_number(&j, set->offset);
    if (set->min_probability >= 0) {
        jout_key(&j, "min_probability"), jout_number(&j, set->min_probability);
    }
    if (set->min_margin >= 0) jout_key(&j, "min_margin"), jout_number(&j, set->min_margin);
    jout_close(&j, '}');
    if (fclose(to) == 0) return text;
    free(text);
    return NULL;
}

int glimpse_labeller_open_stored(glimpse_labeller *l) {
    if (!l->o.store || l->stored) return GLIMPSE_OK;
    if (!l->library) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no library to store labels in");
    }
    char *settings = settings_text(&l->set, l->o.classes);
    int status = settings ? glimpse_labelling_create(&l->stored, l->library, l->model,
                                                     l->classifier, l->o.store, settings)
                          : glimpse_fail_nomem(0, "the settings");
    free(settings);
    return status;
}

int glimpse_labeller_commit_stored(glimpse_label_totals *totals, glimpse_labeller *l) {
    char count[GLIMPSE_COUNT_TEXT];
    if (!l->stored) return GLIMPSE_OK;
    int status = glimpse_labelling_commit(&totals->stored, l->stored);
    glimpse_labelling_free(l->stored);
    l->stored = NULL;
    if (status < 0) return status;
    glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
                           "stored as \"%s\": %s %s labels", l->o.store,
                           glimpse_count_text(count, totals->stored),
                           totals->stored == 1 ? "picture has" : "pictures have");
    if (totals->not_in_library > 0) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
            "%s %s not in the library, so without stored labels; glimpse index adds what is "
            "missing",
            glimpse_count_text(count, totals->not_in_library),
            totals->not_in_library == 1 ? "picture is" : "pictures are");
    }
    return GLIMPSE_OK;
}
