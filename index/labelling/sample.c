/*
 * sample.c - loads pictures whose classes are known, as embeddings.
 */
#include "sample.h"

#include "core/clock.h"
#include "core/error.h"
#include "dataset_text.h"

#include <glimpse/datasets.h>

#include <stdlib.h>
#include <string.h>

void glimpse_label_sample_free(glimpse_label_sample *sample) {
    free(sample->embeddings);
    free(sample->classes);
    *sample = (glimpse_label_sample){NULL, NULL, 0, 0};
}

/* Where messages say that a sample comes from. */
typedef struct source {
    const char *option, *path;
    int allow_none;
} source;

static const char *named(const source *from) {
    return glimpse_wording(from->option, from->path);
}

/* The class list's place for each class of the truth. */
static int map_classes(size_t *places, const glimpse_truth *truth, const glimpse_classes *classes,
                       const source *from) {
    for (size_t i = 0; i < truth->class_count; i++) {
        const char *name = truth->classes[i];
        if (strcmp(name, GLIMPSE_NO_CLASS_DIRECTORY) == 0) {
            places[i] = GLIMPSE_NONE_OF_THESE;
            if (!from->allow_none) {
                return glimpse_fail(GLIMPSE_E_INVALID,
                                    "%s: pictures of none of the classes (_none) are no "
                                    "examples",
                                    named(from));
            }
            continue;
        }
        int status = glimpse_classes_find(&places[i], classes, name);
        if (status < 0) {
            char *reason = glimpse_copied(glimpse_last_error());
            status = glimpse_fail(status, "%s: %s among those of %s", named(from),
                                  reason ? reason : name, glimpse_wording("options.classes", NULL));
            free(reason);
            return status;
        }
    }
    return GLIMPSE_OK;
}

/* One class a picture. */
static int check_pictures(const glimpse_truth *truth, const source *from) {
    for (size_t i = 0; i < truth->count; i++) {
        const glimpse_truth_picture *p = &truth->pictures[i];
        if (p->class_count > 1) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "%s: %s has %zu classes; one a picture is wanted", named(from),
                                p->given, p->class_count);
        }
        if (p->class_count == 0 && !from->allow_none) {
            return glimpse_fail(GLIMPSE_E_INVALID, "%s: %s has no class", named(from), p->given);
        }
    }
    return GLIMPSE_OK;
}

/* One window of pictures, into what the sample has so far. */
static int embed_window(glimpse_label_sample *out, const glimpse_labeller *l, const size_t *places,
                        const glimpse_truth_picture *truth, size_t count,
                        glimpse_embedder_picture *pictures, float *made) {
    for (size_t i = 0; i < count; i++)
        pictures[i] = (glimpse_embedder_picture){.path = truth[i].path};
    int status = glimpse_embedder_embed(made, l->embedder, pictures, count);
    for (size_t i = 0; i < count; i++) {
        if (pictures[i].problem) {
            glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_PROBLEM, "%s: %s",
                                   pictures[i].path, pictures[i].problem);
            out->unusable++;
        } else if (status == GLIMPSE_OK) {
            memcpy(out->embeddings + out->count * l->width, made + i * l->width,
                   l->width * sizeof *made);
            out->classes[out->count++] =
                truth[i].class_count ? places[truth[i].classes[0]] : GLIMPSE_NONE_OF_THESE;
        }
    }
    glimpse_embedder_release(pictures, count);
    return status;
}

static int embed_all(glimpse_label_sample *out, const glimpse_labeller *l,
                     const glimpse_truth *truth, const size_t *places) {
    size_t window = glimpse_embedder_window(l->embedder);
    glimpse_embedder_picture *pictures = glimpse_zeroed(window, sizeof *pictures);
    float *made = glimpse_zeroed(window * l->width, sizeof *made);
    out->embeddings = glimpse_zeroed(truth->count * l->width, sizeof *out->embeddings);
    out->classes = glimpse_zeroed(truth->count, sizeof *out->classes);
    double start = glimpse_now();
    int status = pictures && made && out->embeddings && out->classes ? GLIMPSE_OK : GLIMPSE_E_NOMEM;
    for (size_t first = 0; first < truth->count && status == GLIMPSE_OK; first += window) {
        size_t n = truth->count - first < window ? truth->count - first : window;
        status = embed_window(out, l, places, truth->pictures + first, n, pictures, made);
        if (status == GLIMPSE_OK) {
            status = glimpse_labeller_progress(l, "reading known pictures", first + n, truth->count,
                                               start);
        }
    }
    free(pictures);
    free(made);
    return status;
}

int glimpse_label_sample_load(glimpse_label_sample *out, const glimpse_labeller *l,
                              const char *path, int allow_none, const char *option) {
    const source from = {option, path, allow_none};
    glimpse_truth *truth = NULL;
    *out = (glimpse_label_sample){NULL, NULL, 0, 0};
    int status = glimpse_truth_load(&truth, path, NULL);
    if (status < 0) return status;
    size_t *places = glimpse_zeroed(truth->class_count, sizeof *places);
    status = places ? map_classes(places, truth, l->classes, &from) : GLIMPSE_E_NOMEM;
    if (status == GLIMPSE_OK) status = check_pictures(truth, &from);
    if (status == GLIMPSE_OK) status = embed_all(out, l, truth, places);
    if (status == GLIMPSE_OK && out->count == 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "%s: no usable pictures", named(&from));
    } else if (status == GLIMPSE_OK && out->unusable > 0) {
        char count[GLIMPSE_COUNT_TEXT];
        glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
                               "%s: %s pictures could not be used", named(&from),
                               glimpse_count_text(count, out->unusable));
    }
    glimpse_truth_free(truth);
    free(places);
    if (status < 0) glimpse_label_sample_free(out);
    return status;
}
