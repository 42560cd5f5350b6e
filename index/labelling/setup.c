/*
 * setup.c - from options to a classifier and the rules of its labels.
 */
#include "sample.h"

#include "core/error.h"
#include "core/options.h"
#include "dataset_text.h"
#include "library_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Options that do not go together.
 */
static int is_share(double value) {
    return value >= 0 && value <= 1;
}

static int check(const glimpse_labeller_options *o) {
    const char *wrong = NULL;
    if (!o->classes || !*o->classes) wrong = "no classes were given";
    if (o->template_file && o->template_count > 0) {
        wrong = "templates and a file of templates do not go together";
    }
    if (o->min_probability != -1 && !is_share(o->min_probability)) {
        wrong = "min_probability is a number from 0 to 1, or -1";
    }
    if (o->min_margin != -1 && !is_share(o->min_margin)) {
        wrong = "min_margin is a number from 0 to 1, or -1";
    }
    if (o->min_margin != -1 && o->multi_label) {
        wrong = "min_margin makes no sense with multi_label: classes do not compete";
    }
    if (o->calibrate && o->calibration) wrong = "calibrate and calibration do not go together";
    if (!o->calibrate && (o->save_calibration || o->precision_target != 0)) {
        wrong = "save_calibration and precision_target go with calibrate";
    }
    if (!is_share(o->precision_target)) wrong = "precision_target is a number from 0 to 1";
    if (o->store && !*o->store) wrong = "labels are stored under a name that is not empty";
    return wrong ? glimpse_fail(GLIMPSE_E_INVALID, "%s", wrong) : GLIMPSE_OK;
}

static int load_prompts(glimpse_labeller *l) {
    const glimpse_labeller_options *o = &l->o;
    int status = GLIMPSE_OK;
    if (o->template_file) {
        status =
            glimpse_labeller_load_lines(&l->template_lines, l, o->template_file, "template file");
        if (status < 0) return status;
    }
    if (o->multi_label && glimpse_model_scoring(l->model) == GLIMPSE_SCORING_SIGMOID) {
        /* Each class is a yes or no of its own: there is nothing to compare with. */
        if (o->background) {
            glimpse_report_message(
                l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
                "%s plays no part: with %s this model answers yes or no to each class "
                "alone",
                glimpse_wording("options.background", NULL),
                glimpse_wording("options.multi_label", NULL));
        }
        return GLIMPSE_OK;
    }
    if (!o->background && !o->multi_label && !o->abstain) return GLIMPSE_OK;
    const char *name = o->background && *o->background ? o->background : "background";
    return glimpse_labeller_load_lines(&l->background_lines, l, name, "list of other things");
}

const char *const *glimpse_labeller_templates(const glimpse_labeller *l, size_t *count) {
    *count = l->o.template_file ? glimpse_lines_count(l->template_lines) : l->o.template_count;
    return l->o.template_file ? glimpse_lines_texts(l->template_lines) : l->o.templates;
}

static int build_classifier(glimpse_labeller *l) {
    char *cache = l->o.no_cache ? NULL : glimpse_classifier_default_cache();
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    options.classes = l->classes;
    options.templates = glimpse_labeller_templates(l, &options.template_count);
    options.background = glimpse_lines_texts(l->background_lines);
    options.background_count = glimpse_lines_count(l->background_lines);
    options.cache_directory = cache;
    int status = glimpse_classifier_build(&l->classifier, l->encoder, l->model, &options);
    glimpse_free(cache);
    return status;
}

static int open_embedder(glimpse_labeller *l) {
    glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
    options.jobs = l->o.jobs;
    options.journal = l->o.journal;
    options.exact = l->o.exact_decode;
    options.model_options = l->o.model_options;
    options.cancelled = l->o.cancelled;
    options.user = l->o.user;
    int status = glimpse_embedder_open(&l->embedder, l->library, l->model, &options);
    if (status < 0) return status;
    size_t resumed = glimpse_embedder_resumed(l->embedder);
    if (resumed > 0) {
        char count[GLIMPSE_COUNT_TEXT];
        glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
                               "%s: %s embeddings from before", l->o.journal,
                               glimpse_count_text(count, resumed));
    }
    return GLIMPSE_OK;
}

/* Whether labels could be stored, before any are made. */
static int check_store(const glimpse_library *library) {
    return library ? glimpse_library_check_writable(library)
                   : glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no library to store labels in");
}

int glimpse_labeller_open(glimpse_labeller **out, glimpse_library *library,
                          const glimpse_model *model, glimpse_encoder *encoder,
                          const glimpse_labeller_options *options) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (out) *out = NULL;
    if (!out || !model || !encoder || !options) return glimpse_fail_null(__func__);
    glimpse_labeller *l = glimpse_zeroed(1, sizeof *l);
    if (!l) return GLIMPSE_E_NOMEM;
    l->o = GLIMPSE_LABELLER_OPTIONS_INIT;
    l->library = library;
    l->model = model;
    l->encoder = encoder;
    l->width = glimpse_model_embedding_size(model);
    int status = GLIMPSE_OPTIONS_LOAD(&l->o, options, glimpse_labeller_options, user);
    if (status == GLIMPSE_OK) status = check(&l->o);
    if (status == GLIMPSE_OK && l->o.store) status = check_store(library);
    if (status == GLIMPSE_OK) status = glimpse_labeller_load_classes(l);
    if (status == GLIMPSE_OK) status = load_prompts(l);
    if (status == GLIMPSE_OK) status = build_classifier(l);
    if (status == GLIMPSE_OK) status = open_embedder(l);
    if (status < 0) {
        glimpse_labeller_close(l);
        return status;
    }
    *out = l;
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

void glimpse_labeller_close(glimpse_labeller *l) {
    if (!l) return;
    glimpse_labelling_free(l->stored);
    glimpse_embedder_close(l->embedder);
    glimpse_classifier_free(l->classifier);
    glimpse_classes_free(l->classes);
    glimpse_lines_free(l->template_lines);
    glimpse_lines_free(l->background_lines);
    free(l->thresholds);
    free(l->shown);
    if (l->release) l->release(l->owner);
    free(l);
}

const glimpse_label_set *glimpse_labeller_set(const glimpse_labeller *l) {
    return l && l->fitted ? &l->set : NULL;
}

const glimpse_calibration *glimpse_labeller_calibration(const glimpse_labeller *l) {
    return l && l->calibrated ? &l->calibration : NULL;
}

/*
 * The fit.
 */
static int add_examples(glimpse_labeller *l) {
    glimpse_label_sample sample;
    glimpse_examples_report report = GLIMPSE_EXAMPLES_REPORT_INIT;
    int status = glimpse_label_sample_load(&sample, l, l->o.examples, 0, "options.examples");
    if (status < 0) return status;
    status = glimpse_classifier_add_examples(&report, l->classifier, sample.embeddings,
                                             sample.classes, sample.count);
    char count[GLIMPSE_COUNT_TEXT];
    (void)glimpse_count_text(count, sample.count);
    if (status >= 0 && report.chosen) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
            "%s examples: alpha %.3g, beta %.3g; held-out ones right: %zu of %zu with "
            "words alone, %zu with examples",
            count, report.alpha, report.beta, report.right_before, report.held_out,
            report.right_after);
    } else if (status >= 0) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
            "%s examples: no class has two, so none could be held out; alpha %.3g, beta "
            "%.3g",
            count, report.alpha, report.beta);
    }
    glimpse_label_sample_free(&sample);
    return status;
}

void glimpse_labeller_report_calibration(glimpse_labeller *l) {
    const glimpse_calibration *c = &l->calibration;
    if (!l->calibrated || l->told) return;
    l->told = 1;
    char offset[48] = "", samples[GLIMPSE_COUNT_TEXT], unknown[GLIMPSE_COUNT_TEXT];
    if (c->offset != 0) (void)snprintf(offset, sizeof offset, ", offset %.3f", c->offset);
    glimpse_report_message(l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
                           "calibrated on %s pictures (%s of none of the classes): accuracy %.3f, "
                           "temperature %.3f%s, log loss %.3f -> %.3f, ECE %.3f -> %.3f",
                           glimpse_count_text(samples, c->samples),
                           glimpse_count_text(unknown, c->unknown), c->accuracy, c->temperature,
                           offset, c->nll_before, c->nll_after, c->ece_before, c->ece_after);
    const char *kept = glimpse_calibration_kept(c);
    if (kept) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_PROBLEM,
            "the model's own probabilities are kept: %s (%s of %s pictures were mistakes; "
            "more pictures, and such as it gets wrong, would help)",
            kept, glimpse_count_text(unknown, c->mistakes),
            glimpse_count_text(samples, c->samples));
    }
    if (c->target_met) {
        glimpse_report_message(
            l->o.message, l->o.user, GLIMPSE_MESSAGE_NOTE,
            "threshold %.4f: precision %.3f (95%% interval from %.3f), expected coverage "
            "%.3f",
            c->threshold, c->precision, c->precision_low, c->coverage);
    }
}

static int fit_to_sample(glimpse_labeller *l, const glimpse_label_sample *sample) {
    size_t count = glimpse_classifier_count(l->classifier);
    glimpse_scoring scoring = glimpse_classifier_scoring(l->classifier);
    glimpse_calibration *c = &l->calibration;
    double *logits = glimpse_zeroed(sample->count, (count + 1) * sizeof *logits);
    if (!logits) return GLIMPSE_E_NOMEM;
    int status =
        glimpse_classifier_logits(logits, l->classifier, sample->embeddings, sample->count);
    if (status == GLIMPSE_OK) {
        status = glimpse_calibrate(c, scoring, logits, sample->classes, sample->count, count,
                                   l->o.multi_label ? 0 : l->o.precision_target);
    }
    if (status == GLIMPSE_OK && l->o.multi_label) {
        status = glimpse_calibrate_thresholds(l->thresholds, scoring, logits, sample->classes,
                                              sample->count, count, l->o.precision_target);
        c->temperature = 1; /* fitted to the best class alone, which is not what is asked here */
        c->offset = 0;
        c->scale = GLIMPSE_SCALE_FITTED;
    }
    free(logits);
    return status;
}

static int calibrate(glimpse_labeller *l) {
    const glimpse_calibration *c = &l->calibration;
    glimpse_label_sample sample;
    int status = glimpse_label_sample_load(&sample, l, l->o.calibrate, 1, "options.calibrate");
    if (status < 0) return status;
    status = fit_to_sample(l, &sample);
    glimpse_label_sample_free(&sample);
    if (status < 0) return status;
    if (!l->o.multi_label && l->o.precision_target > 0 && !c->target_met) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: no threshold is right %g%% of the time on these "
                            "pictures (accuracy without one: %.3f)",
                            glimpse_wording("options.calibrate", l->o.calibrate),
                            100 * l->o.precision_target, c->accuracy);
    }
    l->calibrated = 1;
    if (!l->o.save_calibration) return GLIMPSE_OK;
    return glimpse_calibration_write(c, l->classifier, l->o.multi_label ? l->thresholds : NULL,
                                     l->o.save_calibration);
}

static void set_rules(glimpse_labeller *l) {
    const glimpse_labeller_options *o = &l->o;
    size_t count = glimpse_classifier_count(l->classifier);
    l->rules = GLIMPSE_LABEL_RULES_INIT;
    l->rules.temperature = o->multi_label ? 1 : l->calibration.temperature;
    l->rules.offset = o->multi_label ? 0 : l->calibration.offset;
    l->rules.min_probability =
        o->min_probability >= 0 || o->multi_label ? o->min_probability : l->calibration.threshold;
    l->rules.min_margin = o->min_margin;
    l->rules.multi_label = o->multi_label;
    l->rules.class_thresholds = l->thresholds;
    for (size_t i = 0; o->multi_label && i < count; i++) { /* what is in force, for the outputs */
        if (l->thresholds[i] >= 0) continue;
        l->thresholds[i] = o->min_probability >= 0 ? o->min_probability : 0.5;
    }
}

static int describe(glimpse_labeller *l) {
    size_t count = glimpse_classifier_count(l->classifier);
    l->shown = glimpse_zeroed(count, sizeof *l->shown);
    if (!l->shown) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const glimpse_class *c = glimpse_classes_get(l->classes, i);
        l->shown[i] = (glimpse_label_class){c->id, c->name, c->description};
    }
    l->set = (glimpse_label_set){.classes = l->shown,
                                 .count = count,
                                 .multi_label = l->o.multi_label,
                                 .each_alone = glimpse_classifier_scoring(l->classifier) ==
                                               GLIMPSE_SCORING_SIGMOID,
                                 .model_name = glimpse_model_name(l->model),
                                 .model_fingerprint = glimpse_model_fingerprint(l->model),
                                 .classifier_id = glimpse_classifier_id(l->classifier),
                                 .temperature = l->rules.temperature,
                                 .offset = l->rules.offset,
                                 .min_probability = l->rules.min_probability,
                                 .min_margin = l->rules.min_margin,
                                 .class_thresholds = l->o.multi_label ? l->thresholds : NULL};
    return GLIMPSE_OK;
}

int glimpse_labeller_fit(glimpse_labeller *l) {
    const glimpse_kept_error before = glimpse_error_keep();
    if (!l) return glimpse_fail_null(__func__);
    size_t count = glimpse_classifier_count(l->classifier);
    int status = GLIMPSE_OK;
    if (l->fitted) return GLIMPSE_OK;
    free(l->thresholds); /* of a fit that failed */
    free(l->shown);
    l->shown = NULL;
    l->calibration = GLIMPSE_CALIBRATION_INIT;
    l->thresholds = glimpse_zeroed(count, sizeof *l->thresholds);
    if (!l->thresholds) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        l->thresholds[i] = glimpse_classes_get(l->classes, i)->threshold;
    if (l->o.examples) status = add_examples(l);
    if (status == GLIMPSE_OK && l->o.calibrate) status = calibrate(l);
    if (status == GLIMPSE_OK && l->o.calibration) {
        status = glimpse_calibration_read(&l->calibration, l->thresholds, l->classifier,
                                          l->o.calibration);
    }
    if (status < 0) return status;
    set_rules(l);
    status = describe(l);
    if (status == GLIMPSE_OK) status = glimpse_labeller_open_stored(l);
    l->fitted = status == GLIMPSE_OK;
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
