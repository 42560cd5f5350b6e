/*
 * prompt_scores.c - how good each template is on pictures whose classes are known.
 */
#include "sample.h"

#include "core/error.h"
#include "dataset_text.h"

#include <stdlib.h>

/* What the labels of the sample come to. */
static int count_hits(glimpse_prompt_score *out, const glimpse_label_sample *sample,
                      const glimpse_label *labels, size_t classes) {
    size_t seen = 0, right = 0;
    double *of_class = glimpse_zeroed(2 * classes, sizeof *of_class); /* pictures, right ones */
    if (!of_class) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < sample->count; i++) {
        size_t k = sample->classes[i];
        int hit = labels[i].class_index == k;
        of_class[2 * k] += 1;
        of_class[2 * k + 1] += hit;
        right += (size_t)hit;
    }
    out->top1 = (double)right / (double)sample->count;
    out->mean_per_class_recall = 0;
    for (size_t k = 0; k < classes; k++) {
        if (of_class[2 * k] == 0) continue;
        out->mean_per_class_recall += of_class[2 * k + 1] / of_class[2 * k];
        seen++;
    }
    out->mean_per_class_recall /= (double)seen;
    free(of_class);
    return GLIMPSE_OK;
}

static int score(glimpse_prompt_score *out, const glimpse_labeller *l,
                 const glimpse_label_sample *sample, const char *const *templates, size_t count) {
    glimpse_classifier *classifier = NULL;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    options.classes = l->classes;
    options.templates = templates;
    options.template_count = count;
    int status = glimpse_classifier_build(&classifier, l->encoder, l->model, &options);
    if (status < 0) return status;
    glimpse_label *labels = glimpse_zeroed(sample->count, sizeof *labels);
    glimpse_label_verdict *verdicts = glimpse_zeroed(sample->count, sizeof *verdicts);
    status = labels && verdicts
                 ? glimpse_classifier_label_many(labels, verdicts, classifier, &rules,
                                                 sample->embeddings, sample->count, 1)
                 : GLIMPSE_E_NOMEM;
    if (status >= 0) status = count_hits(out, sample, labels, glimpse_classes_count(l->classes));
    free(verdicts);
    free(labels);
    glimpse_classifier_free(classifier);
    return status;
}

int glimpse_labeller_score_prompts(glimpse_labeller *l, const char *path,
                                   glimpse_prompt_score_fn on_score, void *user) {
    static const char *const usual[] = {"a photo of a {}."};
    size_t count;
    const char *const *templates = glimpse_labeller_templates(l, &count);
    glimpse_label_sample sample;
    if (count == 0) {
        templates = usual;
        count = 1;
    }
    int status = glimpse_label_sample_load(&sample, l, path, 0, "sample");
    if (status < 0) return status;
    size_t rows = count > 1 ? count + 1 : count;
    for (size_t i = 0; i < rows && status == GLIMPSE_OK; i++) {
        int all = i == count;
        glimpse_prompt_score made = {.text = all ? NULL : templates[i],
                                     .templates = all ? count : 1};
        if (i > 0) status = glimpse_labeller_check_cancelled(l);
        if (status == GLIMPSE_OK) {
            status = score(&made, l, &sample, all ? templates : templates + i, made.templates);
        }
        if (status == GLIMPSE_OK) status = on_score(user, &made);
        if (status > 0) status = glimpse_fail(GLIMPSE_E_CANCELLED, "stopped");
    }
    glimpse_label_sample_free(&sample);
    return status;
}
