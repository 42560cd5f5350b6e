/*
 * calibrate_json.c - a calibration as a file.
 *
 *     {"format": "glimpse-calibration", "version": 1, "classifier": "32 hex digits",
 *      "temperature": 1.7, "threshold": 0.42, "class_thresholds": {"dog": 0.6}, ...}
 *
 * The classifier's id is checked on reading: a temperature fitted for other prompts means nothing.
 */
#include <glimpse/calibrate.h>

#include "core/error.h"
#include "core/file.h"
#include "core/options.h"
#include "text/json_load.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 64 << 20 };

static int set_number(json_t *to, const char *name, double value) {
    return isfinite(value) ? json_object_set_new(to, name, json_real(value)) : 0;
}

int glimpse_calibration_write(const glimpse_calibration *calibration,
                              const glimpse_classifier *classifier, const double *thresholds,
                              const char *path) {
    glimpse_calibration full = GLIMPSE_CALIBRATION_INIT, *const c = &full;
    glimpse_new_file file = {0};
    if (!calibration || !classifier || !path) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&full, calibration, glimpse_calibration, coverage);
    if (status < 0) return status;
    json_t *root = json_object(), *own = thresholds ? json_object() : NULL;
    int failed = !root || (thresholds && !own);
    failed |= json_object_set_new(root, "format", json_string("glimpse-calibration"));
    failed |= json_object_set_new(root, "version", json_integer(1));
    failed |=
        json_object_set_new(root, "classifier", json_string(glimpse_classifier_id(classifier)));
    failed |= set_number(root, "temperature", c->temperature);
    if (c->offset != 0) failed |= set_number(root, "offset", c->offset);
    if (c->threshold >= 0) failed |= set_number(root, "threshold", c->threshold);
    if (c->precision_target > 0) {
        failed |= set_number(root, "precision_target", c->precision_target);
        failed |= json_object_set_new(root, "target_met", json_boolean(c->target_met));
        failed |= set_number(root, "precision", c->precision);
        failed |= set_number(root, "precision_low", c->precision_low);
        failed |= set_number(root, "coverage", c->coverage);
    }
    const char *kept = glimpse_calibration_kept(c);
    if (kept) failed |= json_object_set_new(root, "uncalibrated", json_string(kept));
    failed |= json_object_set_new(root, "mistakes", json_integer((json_int_t)c->mistakes));
    failed |= json_object_set_new(root, "samples", json_integer((json_int_t)c->samples));
    failed |= json_object_set_new(root, "unknown", json_integer((json_int_t)c->unknown));
    failed |=
        set_number(root, "accuracy", c->accuracy) | set_number(root, "nll_before", c->nll_before);
    failed |=
        set_number(root, "nll_after", c->nll_after) | set_number(root, "ece_before", c->ece_before);
    failed |= set_number(root, "ece_after", c->ece_after);
    for (size_t k = 0; own && k < glimpse_classifier_count(classifier); k++) {
        if (thresholds[k] >= 0)
            failed |= set_number(own, glimpse_classifier_class(classifier, k), thresholds[k]);
    }
    if (own) failed |= json_object_set_new(root, "class_thresholds", own);
    status = failed ? glimpse_fail_nomem(1024, "a calibration") : GLIMPSE_OK;
    if (status == GLIMPSE_OK) status = glimpse_new_file_open(&file, path);
    if (status == GLIMPSE_OK &&
        (json_dumpf(root, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) != 0 ||
         fputc('\n', file.stream) == EOF)) {
        status = glimpse_new_file_fail(&file);
    }
    if (status == GLIMPSE_OK) status = glimpse_new_file_commit(&file);
    glimpse_new_file_abandon(&file);
    json_decref(root);
    return status;
}

/* A number between `least` and `most`; `usual` when it is not there. */
static int get(const json_t *root, const char *name, double min, double max, double usual,
               double *out, const char *path) {
    const json_t *value = json_object_get(root, name);
    *out = usual;
    if (!value) return GLIMPSE_OK;
    *out = json_number_value(value);
    if (json_is_number(value) && *out >= min && *out <= max) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\" is no number from %g to %g", path, name, min,
                        max);
}

static size_t find_class(const glimpse_classifier *classifier, const char *name) {
    size_t k = 0;
    while (k < glimpse_classifier_count(classifier) &&
           strcmp(glimpse_classifier_class(classifier, k), name) != 0)
        k++;
    return k;
}

static int read_thresholds(json_t *own, const glimpse_classifier *classifier, double *thresholds,
                           const char *path) {
    for (void *at = json_object_iter(own); at; at = json_object_iter_next(own, at)) {
        const char *name = json_object_iter_key(at);
        size_t k = find_class(classifier, name);
        if (k == glimpse_classifier_count(classifier)) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: there is no class \"%.60s\"", path, name);
        }
        int status = get(own, name, 0, 2, -1, &thresholds[k], path);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

static int read_calibration(glimpse_calibration *out, double *thresholds,
                            const glimpse_classifier *classifier, const char *path) {
    void *text = NULL;
    size_t size = 0;
    json_error_t error;
    int status = glimpse_file_read(&text, &size, path, MAX_BYTES);
    if (status < 0) return status;
    json_t *root = glimpse_json_load(text, size, JSON_REJECT_DUPLICATES, &error);
    free(text);
    if (!root && glimpse_json_is_nomem(&error)) return glimpse_json_failed(&error, path);
    if (!root) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s, line %d: %s", path, error.line,
                            glimpse_foreign_message(error.text, "not JSON"));
    }
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *id = json_string_value(json_object_get(root, "classifier"));
    if (!format || strcmp(format, "glimpse-calibration") != 0 || !id) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: not a calibration of glimpse label", path);
    } else if (json_integer_value(json_object_get(root, "version")) != 1) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: written by a newer glimpse", path);
    } else if (strcmp(id, glimpse_classifier_id(classifier)) != 0) {
        status = glimpse_fail(GLIMPSE_E_INVALID,
                              "%s: made with other classes, prompts, examples, another model or "
                              "%s; calibrate again",
                              path, glimpse_wording("options.precision", NULL));
    }
    if (status == GLIMPSE_OK) {
        status = get(root, "temperature", 1e-3, 1e3, 1, &out->temperature, path);
    }
    if (status == GLIMPSE_OK) status = get(root, "offset", -1e6, 1e6, 0, &out->offset, path);
    if (status == GLIMPSE_OK && out->offset != 0 &&
        glimpse_classifier_scoring(classifier) != GLIMPSE_SCORING_SIGMOID) {
        status = glimpse_fail(GLIMPSE_E_FORMAT,
                              "%s: \"offset\" is for a model with sigmoid "
                              "probabilities",
                              path);
    }
    if (status == GLIMPSE_OK) status = get(root, "threshold", 0, 2, -1, &out->threshold, path);
    if (status == GLIMPSE_OK) {
        status = get(root, "precision_target", 0, 1, 0, &out->precision_target, path);
    }
    out->target_met = json_is_true(json_object_get(root, "target_met"));
    for (size_t k = 0; thresholds && k < glimpse_classifier_count(classifier); k++)
        thresholds[k] = -1;
    if (status == GLIMPSE_OK && thresholds) {
        status = read_thresholds(json_object_get(root, "class_thresholds"), classifier, thresholds,
                                 path);
    }
    json_decref(root);
    return status;
}

int glimpse_calibration_read(glimpse_calibration *out, double *thresholds,
                             const glimpse_classifier *classifier, const char *path) {
    glimpse_calibration own = GLIMPSE_CALIBRATION_INIT;
    if (!out || !classifier || !path) return glimpse_fail_null(__func__);
    int status = GLIMPSE_REPORT_CHECK(out, glimpse_calibration, coverage);
    if (status < 0) return status;
    status = read_calibration(&own, thresholds, classifier, path);
    GLIMPSE_REPORT_STORE(out, &own);
    return status;
}
