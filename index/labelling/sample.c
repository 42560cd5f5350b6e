/*
 * label_sample.c - see label_sample.h.
 */
#include "label_sample.h"

#include "cli.h"
#include "progress.h"
#include "text.h"
#include "tool.h"
#include "truth.h"

#include <glimpse/calibrate.h>

#include <stdlib.h>
#include <string.h>

void label_sample_free(label_sample *sample) {
    free(sample->embeddings);
    free(sample->classes);
    *sample = (label_sample){0};
}

/* The class list's place for each class of the truth; CLI_RUN or an exit code. */
static int map_classes(size_t *places, const truth_set *truth, const glimpse_classes *classes,
                       const char *path, int allow_none, const char *option) {
    for (size_t i = 0; i < truth->class_count; i++) {
        const char *name = truth->classes[i];
        if (strcmp(name, "_none") == 0) {
            places[i] = GLIMPSE_NONE_OF_THESE;
            if (!allow_none) {
                return tool_fail("%s %s: pictures of none of the classes (_none) are no examples",
                                 option, path);
            }
        } else if (glimpse_classes_find(&places[i], classes, name) < 0) {
            return tool_fail("%s %s: %s among those of --classes", option, path,
                             glimpse_last_error());
        }
    }
    return CLI_RUN;
}

/* One class a picture. */
static int check_pictures(const truth_set *truth, const char *path, int allow_none,
                          const char *option) {
    for (size_t i = 0; i < truth->count; i++) {
        const truth_picture *p = &truth->pictures[i];
        if (p->class_count > 1) {
            return tool_fail("%s %s: %s has %zu classes; one a picture is wanted", option, path,
                             p->given, p->class_count);
        }
        if (p->class_count == 0 && !allow_none) {
            return tool_fail("%s %s: %s has no class", option, path, p->given);
        }
    }
    return CLI_RUN;
}

int label_sample_read(label_sample *out, glimpse_embedder *e, size_t width,
                      const glimpse_classes *classes, const char *path, int allow_none,
                      const char *option) {
    *out = (label_sample){0};
    truth_set *truth = truth_read(path, NULL);
    if (!truth) return EXIT_FAILED;
    size_t window = glimpse_embedder_window(e);
    size_t *places = xcalloc(truth->class_count + 1, sizeof *places);
    glimpse_embedder_picture *pictures = xcalloc(window, sizeof *pictures);
    float *made = xmalloc(window * width * sizeof *made);
    double start = progress_now();
    int code = map_classes(places, truth, classes, path, allow_none, option);
    if (code == CLI_RUN) code = check_pictures(truth, path, allow_none, option);
    out->embeddings = xmalloc((truth->count + 1) * width * sizeof *out->embeddings);
    out->classes = xcalloc(truth->count + 1, sizeof *out->classes);
    for (size_t first = 0; first < truth->count && code == CLI_RUN; first += window) {
        size_t n = truth->count - first < window ? truth->count - first : window;
        for (size_t i = 0; i < n; i++)
            pictures[i].path = truth->pictures[first + i].path;
        if (glimpse_embedder_embed(made, e, pictures, n) < 0) code = tool_fail_last();
        for (size_t i = 0; i < n; i++) {
            const truth_picture *p = &truth->pictures[first + i];
            if (pictures[i].problem) {
                progress_clear();
                tool_say("%s", pictures[i].problem);
                out->unusable++;
            } else if (code == CLI_RUN) {
                memcpy(out->embeddings + out->count * width, made + i * width,
                       width * sizeof *made);
                out->classes[out->count++] =
                    p->class_count ? places[p->classes[0]] : GLIMPSE_NONE_OF_THESE;
            }
        }
        glimpse_embedder_release(pictures, n);
        progress_show("reading known pictures", first + n, truth->count, 1, progress_now() - start,
                      NULL);
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
    }
    progress_clear();
    if (code == CLI_RUN && out->count == 0) {
        code = tool_fail("%s %s: no usable pictures", option, path);
    } else if (code == CLI_RUN && out->unusable > 0) {
        tool_note("%s %s: %s pictures could not be used", option, path, text_count(out->unusable));
    }
    truth_free(truth);
    free(places);
    free(pictures);
    free(made);
    if (code != CLI_RUN) label_sample_free(out);
    return code;
}
