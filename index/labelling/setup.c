/*
 * label_setup.c - see label_setup.h.
 */
#include "label_setup.h"

#include "json_out.h"
#include "label_sample.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

int label_setup_check(label_setup *u, const cli_command *command) {
    if (!u->classes_text || !*u->classes_text) {
        return cli_misuse(command, "which classes? --classes FILE or --classes cat,dog,bird");
    }
    if (u->template_file && u->template_list.count > 0) {
        return cli_misuse(command, "choose one of --template and --templates");
    }
    if (u->min_probability != -1 && (u->min_probability < 0 || u->min_probability > 1)) {
        return cli_misuse(command, "--min-probability is a number from 0 to 1");
    }
    if (u->min_margin != -1 && (u->min_margin < 0 || u->min_margin > 1)) {
        return cli_misuse(command, "--min-margin is a number from 0 to 1");
    }
    if (u->min_margin != -1 && u->multi_label) {
        return cli_misuse(command, "--min-margin makes no sense with --multi-label: classes do not "
                                   "compete");
    }
    if (u->calibrate && u->calibration) {
        return cli_misuse(command, "choose one of --calibrate and --calibration");
    }
    if (!u->calibrate && (u->save_calibration || u->precision_target != 0)) {
        return cli_misuse(command, "%s goes with --calibrate",
                          u->save_calibration ? "--save-calibration" : "--precision-target");
    }
    if (u->precision_target < 0 || u->precision_target > 1) {
        return cli_misuse(command, "--precision-target is a number from 0 to 1");
    }
    return CLI_RUN;
}

/* A list: the file of that name, or the one that ships with glimpse as KIND/NAME.txt. NULL when
 * there is neither; *code is then CLI_RUN, or EXIT_FAILED after saying why it cannot be read. */
static glimpse_lines *read_list(const char *kind, const char *name, int *code) {
    glimpse_lines *lines = NULL;
    char *shipped = NULL;
    *code = CLI_RUN;
    if (!is_file(name)) {
        shipped = session_shipped_file(kind, name);
        if (!shipped) return NULL;
    }
    if (glimpse_lines_load(&lines, shipped ? shipped : name) < 0) *code = tool_fail_last();
    free(shipped);
    return lines;
}

static int read_classes(glimpse_classes **out, const char *text) {
    const char *name = text[0] == '@' && !is_file(text) ? text + 1 : text;
    char *shipped = is_file(name) ? NULL : session_shipped_file("classes", name);
    if (shipped || is_file(name)) {
        int status = glimpse_classes_load(out, shipped ? shipped : name);
        free(shipped);
        return status < 0 ? tool_fail_last() : CLI_RUN;
    }
    if (text[0] == '@' || strchr(text, '/')) {
        /* A list of places in a hierarchy has slashes as well. */
        if (text[0] == '@' || !strchr(text, ',')) {
            return tool_fail("there is no class list %s", text);
        }
    }
    if (glimpse_classes_split(out, text) < 0) return tool_fail_last();
    if (glimpse_classes_count(*out) == 1) {
        tool_note("only one class, \"%s\", and no file of that name: every picture will get it",
                  glimpse_classes_get(*out, 0)->name);
    }
    return CLI_RUN;
}

static int read_prompts(label_setup *u, const session *s) {
    int code = CLI_RUN;
    int sigmoid = glimpse_model_scoring(s->model) == GLIMPSE_SCORING_SIGMOID;
    if (u->template_file) {
        u->template_lines = read_list("templates", u->template_file, &code);
        if (!u->template_lines) {
            return code == CLI_RUN ? tool_fail("there is no template file %s", u->template_file)
                                   : code;
        }
    }
    if (u->multi_label && sigmoid) {
        /* Each class is a yes or no of its own: there is nothing to compare with. */
        if (u->background_file) {
            tool_note("--background plays no part: with --multi-label this model answers yes or no "
                      "to each class alone");
        }
        return CLI_RUN;
    }
    if (!u->background_file && !u->multi_label && !u->abstain) return CLI_RUN;
    const char *name =
        u->background_file && *u->background_file ? u->background_file : "background";
    u->background_lines = read_list("templates", name, &code);
    if (!u->background_lines && code == CLI_RUN) {
        code = tool_fail("there is no list of other things %s", name);
    }
    return code;
}

const char *const *label_setup_templates(const label_setup *u, size_t *count) {
    *count = u->template_file ? glimpse_lines_count(u->template_lines) : u->template_list.count;
    return u->template_file ? glimpse_lines_texts(u->template_lines) : u->template_list.values;
}

int label_setup_classifier(label_setup *u, session *s) {
    int code = read_classes(&u->classes, u->classes_text);
    if (code == CLI_RUN) code = read_prompts(u, s);
    if (code != CLI_RUN) return code;
    char *cache = u->no_cache ? NULL : glimpse_classifier_default_cache();
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    options.classes = u->classes;
    options.templates = label_setup_templates(u, &options.template_count);
    options.background = glimpse_lines_texts(u->background_lines);
    options.background_count = glimpse_lines_count(u->background_lines);
    options.cache_folder = cache;
    int status = glimpse_classifier_build(&u->classifier, s->encoder, s->model, &options);
    free(cache);
    return status < 0 ? tool_fail_last() : CLI_RUN;
}

static int add_examples(label_setup *u, session *s, glimpse_embedder *e) {
    label_sample sample;
    glimpse_examples_report report;
    int code = label_sample_read(&sample, e, glimpse_model_embedding_size(s->model), u->classes,
                                 u->examples, 0, "--examples");
    if (code != CLI_RUN) return code;
    if (glimpse_classifier_add_examples(&report, u->classifier, sample.embeddings, sample.classes,
                                        sample.count) < 0) {
        code = tool_fail_last();
    } else if (report.chosen) {
        tool_note("%s examples: alpha %.3g, beta %.3g; held-out ones right: %zu of %zu with words "
                  "alone, %zu with examples",
                  text_count(sample.count), report.alpha, report.beta, report.right_before,
                  report.held_out, report.right_after);
    } else {
        tool_note("%s examples: no class has two, so none could be held out; alpha %.3g, beta %.3g",
                  text_count(sample.count), report.alpha, report.beta);
    }
    label_sample_free(&sample);
    return code;
}

static void tell_calibration(const label_setup *u, const glimpse_calibration *c) {
    char offset[48] = "";
    if (u->calibrate_only) return;
    if (c->offset != 0) (void)snprintf(offset, sizeof offset, ", offset %.3f", c->offset);
    tool_note("calibrated on %s pictures (%s of none of the classes): accuracy %.3f, temperature "
              "%.3f%s, log loss %.3f -> %.3f, ECE %.3f -> %.3f",
              text_count(c->samples), text_count(c->unknown), c->accuracy, c->temperature, offset,
              c->nll_before, c->nll_after, c->ece_before, c->ece_after);
    if (c->target_met) {
        tool_note("threshold %.4f: precision %.3f (95%% interval from %.3f), expected coverage "
                  "%.3f",
                  c->threshold, c->precision, c->precision_low, c->coverage);
    }
}

static int calibrate(label_setup *u, session *s, glimpse_embedder *e, glimpse_calibration *c) {
    size_t count = glimpse_classifier_count(u->classifier);
    glimpse_scoring scoring = glimpse_classifier_scoring(u->classifier);
    label_sample sample;
    int code = label_sample_read(&sample, e, glimpse_model_embedding_size(s->model), u->classes,
                                 u->calibrate, 1, "--calibrate");
    if (code != CLI_RUN) return code;
    double *logits = xcalloc(sample.count, (count + 1) * sizeof *logits);
    int status = glimpse_classifier_logits(logits, u->classifier, sample.embeddings, sample.count);
    if (status == GLIMPSE_OK) {
        status = glimpse_calibrate(c, scoring, logits, sample.classes, sample.count, count,
                                   u->multi_label ? 0 : u->precision_target);
    }
    if (status == GLIMPSE_OK && u->multi_label) {
        status = glimpse_calibrate_thresholds(u->thresholds, scoring, logits, sample.classes,
                                              sample.count, count, u->precision_target);
        c->temperature = 1; /* fitted to the best class alone, which is not what is asked here */
        c->offset = 0;
    }
    if (status < 0) {
        code = tool_fail_last();
    } else if (!u->multi_label && u->precision_target > 0 && !c->target_met) {
        code = tool_fail("--calibrate %s: no threshold is right %g%% of the time on these pictures "
                         "(accuracy without one: %.3f)",
                         u->calibrate, 100 * u->precision_target, c->accuracy);
    } else {
        tell_calibration(u, c);
        if (u->save_calibration &&
            glimpse_calibration_write(c, u->classifier, u->multi_label ? u->thresholds : NULL,
                                      u->save_calibration) < 0) {
            code = tool_fail_last();
        }
    }
    free(logits);
    label_sample_free(&sample);
    return code;
}

static void describe(label_setup *u, session *s) {
    size_t count = glimpse_classifier_count(u->classifier);
    u->shown = xcalloc(count, sizeof *u->shown);
    for (size_t i = 0; i < count; i++) {
        const glimpse_class *c = glimpse_classes_get(u->classes, i);
        u->shown[i] = (label_class){c->id, c->name, c->description};
    }
    u->set = (label_set){.classes = u->shown,
                         .count = count,
                         .multi_label = u->multi_label,
                         .each_alone =
                             glimpse_classifier_scoring(u->classifier) == GLIMPSE_SCORING_SIGMOID,
                         .model_name = glimpse_model_name(s->model),
                         .model_fingerprint = glimpse_model_fingerprint(s->model),
                         .classifier_id = glimpse_classifier_id(u->classifier),
                         .temperature = u->rules.temperature,
                         .offset = u->rules.offset,
                         .min_probability = u->rules.min_probability,
                         .min_margin = u->rules.min_margin,
                         .class_thresholds = u->multi_label ? u->thresholds : NULL};
}

int label_setup_rules(label_setup *u, session *s, glimpse_embedder *e) {
    size_t count = glimpse_classifier_count(u->classifier);
    glimpse_calibration calibration = {.temperature = 1, .threshold = -1};
    int code = CLI_RUN;
    u->thresholds = xcalloc(count, sizeof *u->thresholds);
    for (size_t i = 0; i < count; i++)
        u->thresholds[i] = glimpse_classes_get(u->classes, i)->threshold;
    if (u->examples) code = add_examples(u, s, e);
    if (code == CLI_RUN && u->calibrate) code = calibrate(u, s, e, &calibration);
    if (code == CLI_RUN && u->calibration &&
        glimpse_calibration_read(&calibration, u->thresholds, u->classifier, u->calibration) < 0) {
        code = tool_fail_last();
    }
    if (code != CLI_RUN) return code;
    u->fitted = calibration;
    u->rules = (glimpse_label_rules)GLIMPSE_LABEL_RULES_INIT;
    u->rules.temperature = u->multi_label ? 1 : calibration.temperature;
    u->rules.offset = u->multi_label ? 0 : calibration.offset;
    u->rules.min_probability =
        u->min_probability >= 0 || u->multi_label ? u->min_probability : calibration.threshold;
    u->rules.min_margin = u->min_margin;
    u->rules.multi_label = u->multi_label;
    u->rules.class_thresholds = u->thresholds;
    if (u->multi_label) { /* what is in force, for the outputs */
        for (size_t i = 0; i < count; i++) {
            if (u->thresholds[i] >= 0) continue;
            u->thresholds[i] = u->min_probability >= 0 ? u->min_probability : 0.5;
        }
    }
    describe(u, s);
    return CLI_RUN;
}

void label_setup_free(label_setup *u) {
    glimpse_classifier_free(u->classifier);
    glimpse_classes_free(u->classes);
    glimpse_lines_free(u->template_lines);
    glimpse_lines_free(u->background_lines);
    cli_list_free(&u->template_list);
    free(u->thresholds);
    free(u->shown);
}

/*
 * The report on prompts.
 */
typedef struct prompt_score {
    double top1, recall; /* recall: mean per class */
} prompt_score;

static int score_prompts(const label_setup *u, session *s, const label_sample *sample,
                         const char *const *templates, size_t count, prompt_score *out) {
    size_t classes = glimpse_classes_count(u->classes), seen_classes = 0, right = 0;
    glimpse_classifier *classifier = NULL;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
    options.classes = u->classes;
    options.templates = templates;
    options.template_count = count;
    if (glimpse_classifier_build(&classifier, s->encoder, s->model, &options) < 0) {
        return tool_fail_last();
    }
    glimpse_label *labels = xcalloc(sample->count, sizeof *labels);
    glimpse_label_verdict *verdicts = xcalloc(sample->count, sizeof *verdicts);
    double *of_class = xcalloc(2 * classes, sizeof *of_class); /* pictures, right ones */
    int code = CLI_RUN;
    if (glimpse_classifier_label_many(labels, verdicts, classifier, &rules, sample->embeddings,
                                      sample->count, 1) < 0) {
        code = tool_fail_last();
    }
    for (size_t i = 0; i < sample->count; i++) {
        size_t k = sample->classes[i];
        int hit = labels[i].class_index == k;
        of_class[2 * k] += 1;
        of_class[2 * k + 1] += hit;
        right += (size_t)hit;
    }
    out->top1 = (double)right / (double)sample->count;
    out->recall = 0;
    for (size_t k = 0; k < classes; k++) {
        if (of_class[2 * k] == 0) continue;
        out->recall += of_class[2 * k + 1] / of_class[2 * k];
        seen_classes++;
    }
    out->recall /= (double)seen_classes;
    free(of_class);
    free(verdicts);
    free(labels);
    glimpse_classifier_free(classifier);
    return code;
}

static void print_prompt_score(const label_setup *u, const char *template, size_t count,
                               const prompt_score *score) {
    if (!u->json) {
        char *shown = template ? text_display(template) : NULL;
        (void)printf("%6.2f%%  %6.2f%%  ", 100 * score->top1, 100 * score->recall);
        if (shown)
            (void)printf("%s\n", shown);
        else
            (void)printf("all %zu together\n", count);
        free(shown);
        return;
    }
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_text_or_null(&j, "template", template);
    jout_key(&j, "templates"), jout_uint(&j, count);
    jout_key(&j, "top1"), jout_number(&j, score->top1);
    jout_key(&j, "mean_per_class_recall"), jout_number(&j, score->recall);
    jout_close(&j, '}');
    jout_end(&j);
}

int label_prompt_report(label_setup *u, session *s, glimpse_embedder *e, const char *path) {
    static const char *const usual[] = {"a photo of a {}."};
    size_t count;
    const char *const *templates = label_setup_templates(u, &count);
    label_sample sample;
    prompt_score score;
    if (count == 0) {
        templates = usual;
        count = 1;
    }
    int code = label_sample_read(&sample, e, glimpse_model_embedding_size(s->model), u->classes,
                                 path, 0, "--prompt-report");
    if (code != CLI_RUN) return code;
    if (!u->json) (void)puts("top-1    recall   template");
    for (size_t i = 0; i < count && code == CLI_RUN; i++) {
        code = score_prompts(u, s, &sample, &templates[i], 1, &score);
        if (code == CLI_RUN) print_prompt_score(u, templates[i], 1, &score);
        if (code == CLI_RUN && tool_stopped()) code = EXIT_STOPPED;
    }
    if (code == CLI_RUN && count > 1) {
        code = score_prompts(u, s, &sample, templates, count, &score);
        if (code == CLI_RUN) print_prompt_score(u, NULL, count, &score);
    }
    label_sample_free(&sample);
    return code == CLI_RUN ? EXIT_FOUND : code;
}
