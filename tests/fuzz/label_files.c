/*
 * label_files.c - class lists of each form, and a calibration. Parts: "classes.txt", "classes.tsv",
 * "classes.json", "calibration.json".
 */
#include "fuzz.h"

#include "label_internal.h"

#include <glimpse/calibrate.h>
#include <glimpse/label.h>
#include <glimpse/status.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"classes.txt", "classes.tsv", "classes.json",
                                    "calibration.json", NULL};
enum { CALIBRATION = 3, CLASSES = 2, WIDTH = 2 };

static void look_at(const glimpse_classes *classes) {
    const size_t count = glimpse_classes_count(classes);
    PROMISE(count > 0);
    for (size_t i = 0; i < count; i++) {
        const glimpse_class *one = glimpse_classes_get(classes, i);
        size_t found = count;
        PROMISE(*one->id && *one->name && one->description);
        PROMISE(one->threshold == -1 || (one->threshold >= 0 && one->threshold <= 1));
        for (size_t k = 0; k < one->word_count; k++)
            PROMISE(one->words[k] != NULL);
        PROMISE(glimpse_classes_find(&found, classes, one->id) == GLIMPSE_OK && found == i);
    }
    const char *const templates[] = {"a photo of a {}.", "{}"}, *const background[] = {"a wall"};
    glimpse_prompts prompts;
    if (fuzz_fine(glimpse_prompts_create(&prompts, classes, templates, 2, background, 1))) {
        PROMISE(prompts.rows >= count);
        glimpse_prompts_free(&prompts);
    }
}

static void calibrate(const char *path) {
    static const char *const names[CLASSES] = {"cat", "dog"};
    static const float weights[CLASSES * WIDTH] = {1, 0, 0, 1};
    glimpse_classifier *classifier = NULL;
    PROMISE(glimpse_classifier_from_weights(&classifier, names, CLASSES, weights, WIDTH, 100) ==
            GLIMPSE_OK);
    glimpse_calibration calibration = GLIMPSE_CALIBRATION_INIT;
    double thresholds[CLASSES];
    if (fuzz_fine(glimpse_calibration_read(&calibration, thresholds, classifier, path))) {
        PROMISE(isfinite(calibration.temperature) && calibration.temperature > 0);
        for (size_t i = 0; i < CLASSES; i++)
            PROMISE(isfinite(thresholds[i]));
    }
    glimpse_classifier_free(classifier);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    const size_t count = fuzz_split(parts, data, size);
    for (size_t i = 0; i < count; i++) {
        for (size_t f = 0; files[f]; f++) {
            if (!fuzz_is(&parts[i], files[f])) continue;
            char *path = fuzz_path(files[f]);
            fuzz_write(files[f], parts[i].data, parts[i].size);
            glimpse_classes *classes = NULL;
            if (f == CALIBRATION) {
                calibrate(path);
            } else if (fuzz_fine(glimpse_classes_load(&classes, path))) {
                look_at(classes);
            }
            glimpse_classes_free(classes);
            free(path);
        }
    }
    return 0;
}
