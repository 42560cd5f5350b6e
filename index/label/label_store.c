/*
 * label_store.c - labels in the catalogue; glimpse/stored_labels.h says what they mean.
 *
 * What a labelling adds is kept in memory (24 bytes a label) and written by the commit in one
 * transaction, because labels are made while the library is being read, and so that a run that
 * dies leaves the former labels as they were.
 */
#include <glimpse/stored_labels.h>

#include "core/error.h"
#include "label_internal.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct glimpse_labelling {
    glimpse_library *library;
    const glimpse_classifier *classifier;
    char *name, *settings, fingerprint[33];
    glimpse_store_label *entries;
    size_t count, capacity;
};

int glimpse_labelling_create(glimpse_labelling **out, glimpse_library *library,
                             const glimpse_model *model, const glimpse_classifier *classifier,
                             const char *name, const char *settings) {
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the labelling");
    *out = NULL;
    if (!library || !model || !classifier || !name || !*name) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a labelling needs a library, a classifier and a "
                                               "name");
    }
    glimpse_labelling *l = calloc(1, sizeof *l);
    if (!l) return glimpse_fail_nomem(sizeof *l, "a labelling");
    l->library = library;
    l->classifier = classifier;
    l->name = strdup(name);
    l->settings = strdup(settings ? settings : "");
    memcpy(l->fingerprint, glimpse_model_fingerprint(model), sizeof l->fingerprint);
    l->fingerprint[32] = '\0';
    if (!l->name || !l->settings) {
        glimpse_labelling_free(l);
        return glimpse_fail_nomem(strlen(name), "a labelling");
    }
    *out = l;
    return GLIMPSE_OK;
}

void glimpse_labelling_free(glimpse_labelling *labelling) {
    if (!labelling) return;
    free(labelling->name);
    free(labelling->settings);
    free(labelling->entries);
    free(labelling);
}

static int push(glimpse_labelling *l, glimpse_store_label e) {
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 1024;
        glimpse_store_label *grown = realloc(l->entries, capacity * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * sizeof *grown, "labels");
        l->entries = grown;
        l->capacity = capacity;
    }
    l->entries[l->count++] = e;
    return GLIMPSE_OK;
}

int glimpse_labelling_add(glimpse_labelling *labelling, const char *id, const glimpse_label *labels,
                          size_t count) {
    glimpse_store_label e = {.class_index = GLIMPSE_NO_CLASS};
    if (!labelling || !id || (count > 0 && !labels) || !glimpse_hash_from_hex(&e.hash, id)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no content id to keep labels of");
    }
    int status = push(labelling, e);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        if (!labels[i].accepted) continue;
        if (labels[i].class_index >= glimpse_classifier_count(labelling->classifier)) {
            return glimpse_fail(GLIMPSE_E_INVALID, "a label of a class that is not there");
        }
        e.class_index = (int32_t)labels[i].class_index;
        e.probability = (float)labels[i].probability;
        e.score = (float)labels[i].score;
        status = push(labelling, e);
    }
    return status;
}

int glimpse_labelling_commit(uint64_t *stored, glimpse_labelling *labelling) {
    uint64_t pictures = 0;
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    if (stored) *stored = 0;
    if (!labelling) return glimpse_fail(GLIMPSE_E_INVALID, "no labelling");
    glimpse_store *store = glimpse_library_store(labelling->library);
    size_t count = glimpse_classifier_count(labelling->classifier);
    if (!gmtime_r(&now, &utc) ||
        strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%S", &utc) == 0) {
        created[0] = '\0';
    }
    const char **classes = calloc(count + 1, sizeof *classes);
    if (!classes) return glimpse_fail_nomem(count * sizeof *classes, "labels");
    for (size_t k = 0; k < count; k++)
        classes[k] = glimpse_classifier_class(labelling->classifier, k);
    const glimpse_store_labelling all = {.name = labelling->name,
                                         .fingerprint = labelling->fingerprint,
                                         .classifier = glimpse_classifier_id(labelling->classifier),
                                         .settings = labelling->settings,
                                         .created = created,
                                         .classes = classes,
                                         .class_count = count,
                                         .labels = labelling->entries,
                                         .label_count = labelling->count};
    int status = store->ops->lock(store, "labelling");
    if (status == GLIMPSE_OK) {
        status = store->ops->labels.write(&pictures, store, &all);
        store->ops->unlock(store);
    }
    free(classes);
    if (status == GLIMPSE_OK) {
        labelling->count = 0;
        if (stored) *stored = pictures;
    }
    return status;
}

int glimpse_library_forget_labelling(glimpse_library *library, const char *name) {
    if (!library || !name) return glimpse_fail(GLIMPSE_E_INVALID, "which labelling?");
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->lock(store, "labelling");
    if (status < 0) return status;
    status = store->ops->labels.forget(store, name);
    store->ops->unlock(store);
    return status;
}

/*
 * Reading.
 */
int glimpse_library_labellings(glimpse_library *library, glimpse_labelling_fn visit, void *user) {
    if (!library || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_store *store = glimpse_library_store(library);
    return store->ops->labels.list(store, visit, user);
}

int glimpse_library_label_names(glimpse_library *library, const char *label,
                                glimpse_label_name_fn visit, void *user) {
    if (!library || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no library");
    glimpse_store *store = glimpse_library_store(library);
    return store->ops->labels.names(store, label, visit, user);
}

int glimpse_library_labels(glimpse_library *library, const char *path_or_id,
                           glimpse_stored_label_fn visit, void *user) {
    if (!library || !path_or_id || !visit) return glimpse_fail(GLIMPSE_E_INVALID, "no picture");
    glimpse_store *store = glimpse_library_store(library);
    int64_t content = 0;
    int status = store->ops->begin_read(store);
    if (status < 0) return status;
    status = glimpse_store_content_of(&content, store, path_or_id);
    if (status == GLIMPSE_E_NOT_FOUND) {
        status = glimpse_fail(status, "%s: not in the library", path_or_id);
    }
    if (status == GLIMPSE_OK) status = store->ops->labels.of_content(store, content, visit, user);
    store->ops->end_read(store);
    return status;
}
