/*
 * glimpse/stored_labels.h - labels kept in a library, with where they come from.
 *
 *     glimpse_labelling *labelling = NULL;
 *     glimpse_labelling_create(&labelling, library, model, classifier, "animals", "{}");
 *     glimpse_labelling_add(labelling, file->id, labels, count);   // for each picture
 *     glimpse_labelling_commit(&stored, labelling);
 *     glimpse_labelling_free(labelling);
 *
 * A *labelling* is a named set of labels, made by one model and one classifier. Labels belong to
 * contents (pictures), not to files, so copies and moved files have them as well. Only accepted
 * labels are kept. glimpse_search_options.labels searches them.
 *
 * Threads: as the library they belong to.
 */
#ifndef GLIMPSE_STORED_LABELS_H
#define GLIMPSE_STORED_LABELS_H

#include <glimpse/label.h>
#include <glimpse/library.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_labelling glimpse_labelling;

/* Nothing is written before the commit. `settings` is a text that is kept with it (thresholds and
 * the like). Library and classifier must outlive it. */
GLIMPSE_API int glimpse_labelling_create(glimpse_labelling **out, glimpse_library *library,
                                         const glimpse_model *model,
                                         const glimpse_classifier *classifier, const char *name,
                                         const char *settings);
/* What a picture (content id, 32 hexadecimal digits) is labelled as now; those of `labels` [count]
 * that are accepted. None accepted: it has no label. */
GLIMPSE_API int glimpse_labelling_add(glimpse_labelling *labelling, const char *id,
                                      const glimpse_label *labels, size_t count);
/* Writes everything in one transaction. Pictures that were added lose their former labels of this
 * name; when the name was last used with another model or classifier, all of its labels go first,
 * so a name never mixes origins. *stored (may be NULL): pictures that have labels of this name now.
 * GLIMPSE_E_BUSY when another process is writing. */
GLIMPSE_API int glimpse_labelling_commit(uint64_t *stored, glimpse_labelling *labelling);
GLIMPSE_API void glimpse_labelling_free(glimpse_labelling *labelling);

typedef struct glimpse_stored_labelling {
    const char *name, *model, *fingerprint, *classifier, *settings;
    const char *created; /* "2021-05-30T14:03:59", UTC */
    uint64_t classes, pictures;
} glimpse_stored_labelling;

typedef struct glimpse_stored_label {
    const char *labelling, *class_name;
    double probability, score;
} glimpse_stored_label;

/* These call `visit` in the order of names (labels of one labelling: most probable first); a
 * non-zero return stops and is returned. */
typedef int (*glimpse_labelling_fn)(void *user, const glimpse_stored_labelling *labelling);
GLIMPSE_API int glimpse_library_labellings(glimpse_library *library, glimpse_labelling_fn visit,
                                           void *user);
/* The names of the classes that pictures are labelled as, each once; with `label` not NULL those
 * that it means in glimpse_search_options.labels. */
typedef int (*glimpse_label_name_fn)(void *user, const char *class_name);
GLIMPSE_API int glimpse_library_label_names(glimpse_library *library, const char *label,
                                            glimpse_label_name_fn visit, void *user);
typedef int (*glimpse_stored_label_fn)(void *user, const glimpse_stored_label *label);
/* `path_or_id` as for glimpse_library_embedding. */
GLIMPSE_API int glimpse_library_labels(glimpse_library *library, const char *path_or_id,
                                       glimpse_stored_label_fn visit, void *user);

/* Forgets a labelling. GLIMPSE_E_NOT_FOUND when there is none of that name. */
GLIMPSE_API int glimpse_library_forget_labelling(glimpse_library *library, const char *name);

#ifdef __cplusplus
}
#endif
#endif
