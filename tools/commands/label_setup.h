/*
 * label_setup.h - the options of glimpse label that make a labeller (glimpse/labelling.h).
 */
#ifndef GLIMPSE_TOOLS_LABEL_SETUP_H
#define GLIMPSE_TOOLS_LABEL_SETUP_H

#include "cli.h"

#include <glimpse/labelling.h>

typedef struct label_setup {
    glimpse_labeller_options o;
    cli_list templates;
} label_setup;

#define LABEL_SETUP_INIT           \
 {                                 \
  GLIMPSE_LABELLER_OPTIONS_INIT, { \
   0                               \
  }                                \
 }

#define LABEL_SETUP_OPTIONS(u)                                                                    \
 CLI_TEXT("classes", 'c', &(u).o.classes, "FILE|A,B,C",                                           \
          "the classes: a file (a name a line, .tsv or .json), a list with commas, or a shipped " \
          "@cifar10, @cifar100, @coco80, @scenes (required)"),                                    \
     CLI_LIST("template", 0, &(u).templates, "TEXT",                                              \
              "a prompt with {} for the class (default: \"a photo of a {}.\"); several are "      \
              "averaged"),                                                                        \
     CLI_TEXT("templates", 0, &(u).o.template_file, "FILE",                                       \
              "prompts from a file, or the shipped single, ensemble-7, ensemble-80"),             \
     CLI_OPTIONAL("background", 0, &(u).o.background, "FILE",                                     \
                  "abstain when something else fits better: a shipped list of common things, or " \
                  "a file of them"),                                                              \
     CLI_TEXT("examples", 'e', &(u).o.examples, "DIR|CSV",                                        \
              "a few pictures of each class (a folder a class), to help the words"),              \
     CLI_FLAG("no-cache", 0, &(u).o.no_cache, "neither read nor keep computed class weights")

#define LABEL_RULE_OPTIONS(u)                                                                  \
 CLI_HEADING("Which labels to claim"),                                                         \
     CLI_FLAG("multi-label", 0, &(u).o.multi_label,                                            \
              "any number of classes a picture, each against the background"),                 \
     CLI_FLAG("abstain", 0, &(u).o.abstain,                                                    \
              "abstain on pictures of none of the classes, in the way that measured best "     \
              "(--background)"),                                                               \
     CLI_NUMBER("min-probability", 0, &(u).o.min_probability, "P",                             \
                "abstain when the best class is less probable than this"),                     \
     CLI_NUMBER("min-margin", 0, &(u).o.min_margin, "P",                                       \
                "abstain when the best two are closer than this"),                             \
     CLI_TEXT("calibrate", 0, &(u).o.calibrate, "DIR|CSV",                                     \
              "fit temperature and threshold to pictures whose classes are known"),            \
     CLI_NUMBER("precision-target", 0, &(u).o.precision_target, "P",                           \
                "with --calibrate: the lowest threshold that is right this often (0.95)"),     \
     CLI_TEXT("save-calibration", 0, &(u).o.save_calibration, "FILE", "keep the calibration"), \
     CLI_TEXT("calibration", 0, &(u).o.calibration, "FILE", "use one that was kept")

/* After parsing: CLI_RUN, or an exit code after saying what does not go together. */
int label_setup_check(label_setup *setup, const cli_command *command);
void label_setup_free(label_setup *setup);

#endif
