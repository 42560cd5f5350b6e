/*
 * label_setup.h - from the options of glimpse label to a classifier and the rules of its labels.
 */
#ifndef GLIMPSE_TOOLS_LABEL_SETUP_H
#define GLIMPSE_TOOLS_LABEL_SETUP_H

#include "embedder.h"
#include "label_result.h"
#include "session.h"

#include <glimpse/calibrate.h>
#include <glimpse/label.h>

typedef struct label_setup {
    /* From the command line. */
    const char *classes_text, *template_file, *background_file;
    cli_list template_list;
    int no_cache, multi_label, abstain;
    double min_probability, min_margin; /* -1: not given */
    const char *examples, *calibrate, *calibration, *save_calibration;
    double precision_target; /* 0: not given */
    int json;                /* reports on stdout are JSON */
    int calibrate_only;      /* the calibration is the result, and told by the caller */
    /* Filled by the calls below. */
    glimpse_classes *classes;
    glimpse_lines *template_lines, *background_lines;
    glimpse_classifier *classifier;
    double *thresholds;         /* [K] */
    glimpse_calibration fitted; /* by --calibrate */
    glimpse_label_rules rules;
    label_class *shown; /* [K] */
    label_set set;
} label_setup;

#define LABEL_SETUP_OPTIONS(u)                                                                    \
 CLI_TEXT("classes", 'c', &(u).classes_text, "FILE|A,B,C",                                        \
          "the classes: a file (a name a line, .tsv or .json), a list with commas, or a shipped " \
          "@cifar10, @cifar100, @coco80, @scenes (required)"),                                    \
     CLI_LIST("template", 0, &(u).template_list, "TEXT",                                          \
              "a prompt with {} for the class (default: \"a photo of a {}.\"); several are "      \
              "averaged"),                                                                        \
     CLI_TEXT("templates", 0, &(u).template_file, "FILE",                                         \
              "prompts from a file, or the shipped single, ensemble-7, ensemble-80"),             \
     CLI_OPTIONAL("background", 0, &(u).background_file, "FILE",                                  \
                  "abstain when something else fits better: a shipped list of common things, or " \
                  "a file of them"),                                                              \
     CLI_TEXT("examples", 'e', &(u).examples, "DIR|CSV",                                          \
              "a few pictures of each class (a folder a class), to help the words"),              \
     CLI_FLAG("no-cache", 0, &(u).no_cache, "neither read nor keep computed class weights")

#define LABEL_RULE_OPTIONS(u)                                                                \
 CLI_HEADING("Which labels to claim"),                                                       \
     CLI_FLAG("multi-label", 0, &(u).multi_label,                                            \
              "any number of classes a picture, each against the background"),               \
     CLI_FLAG("abstain", 0, &(u).abstain,                                                    \
              "abstain on pictures of none of the classes, in the way that measured best "   \
              "(--background)"),                                                             \
     CLI_NUMBER("min-probability", 0, &(u).min_probability, "P",                             \
                "abstain when the best class is less probable than this"),                   \
     CLI_NUMBER("min-margin", 0, &(u).min_margin, "P",                                       \
                "abstain when the best two are closer than this"),                           \
     CLI_TEXT("calibrate", 0, &(u).calibrate, "DIR|CSV",                                     \
              "fit temperature and threshold to pictures whose classes are known"),          \
     CLI_NUMBER("precision-target", 0, &(u).precision_target, "P",                           \
                "with --calibrate: the lowest threshold that is right this often (0.95)"),   \
     CLI_TEXT("save-calibration", 0, &(u).save_calibration, "FILE", "keep the calibration"), \
     CLI_TEXT("calibration", 0, &(u).calibration, "FILE", "use one that was kept")

/* Each returns CLI_RUN, or an exit code after saying what is wrong. */
int label_setup_check(label_setup *u, const cli_command *command);
/* Classes, prompts, weights: from the cache or from the session's encoder. */
int label_setup_classifier(label_setup *u, session *s);
/* --examples, --calibrate, --calibration; then `rules` and `set` are whole. */
int label_setup_rules(label_setup *u, session *s, glimpse_embedder *e);
void label_setup_free(label_setup *u);

/* The templates in force: [*count], borrowed; NULL and 0 for the default. */
const char *const *label_setup_templates(const label_setup *u, size_t *count);

/* --prompt-report: how good each template is on pictures whose classes are known. Prints to stdout;
 * EXIT_FOUND or another exit code. */
int label_prompt_report(label_setup *u, session *s, glimpse_embedder *e, const char *sample);

#endif
