/*
 * label_result.h - what a labelled picture is: what the labelling run hands to every output.
 *
 * The run makes one label_set (what all its pictures share), then gives each picture in turn, in
 * order, as a label_result, and says at the end how it went (label_totals). Everything is borrowed
 * and valid during the call only, the label_set for the whole run.
 *
 * Which labels a picture has: `labels` holds the best `count` classes, best first. An output that
 * wants only what is claimed takes labels[i].accepted; a picture with `abstained` has none that is.
 * With one label per picture (softmax) only labels[0] can be accepted; with `multi_label` any of
 * them.
 */
#ifndef GLIMPSE_TOOLS_LABEL_RESULT_H
#define GLIMPSE_TOOLS_LABEL_RESULT_H

#include <stddef.h>
#include <stdint.h>

typedef struct label_class {
    const char *id;          /* stable key: as given in the class file, else the name */
    const char *name;        /* "dog", or with its place in a hierarchy "animal/dog/terrier" */
    const char *description; /* "" when there is none */
} label_class;

typedef struct label_set {
    const label_class *classes; /* [count] */
    size_t count;
    int multi_label;
    int each_alone; /* probabilities do not sum to 1: the model's are sigmoids */
    const char *model_name, *model_fingerprint; /* NULL: not known */
    const char *classifier_id; /* 32 hex digits over model, classes, prompts, examples */
    double temperature;        /* logits are divided by it; 1 when not calibrated */
    double offset;             /* and it is added, by a sigmoid; 0 when not calibrated */
    /* Limits in force; a limit that is not is -1 (probability, margin) or NULL. */
    double min_probability, min_margin;
    const double *class_thresholds; /* [count] of multi_label, on `probability` */
} label_set;

typedef struct label_choice {
    size_t class_index;
    double probability; /* softmax over the classes (and background), or of this class alone; see
                           glimpse/label.h */
    double score;       /* cosine */
    int accepted;       /* claimed: above its thresholds, and the picture is not abstained on */
} label_choice;

typedef enum label_abstention {
    LABEL_CLAIMED = 0,
    LABEL_LOW_PROBABILITY, /* the best class is below min_probability */
    LABEL_SMALL_MARGIN,    /* the best two are closer than min_margin */
    LABEL_BACKGROUND,      /* "none of these" is more probable than any class */
    LABEL_NONE_MET         /* multi_label: no class is above its threshold */
} label_abstention;

/* "probability", "margin", "background", "threshold"; NULL for LABEL_CLAIMED. */
const char *label_abstention_name(label_abstention reason);

typedef struct label_result {
    const char *path;
    const char *problem;    /* not NULL: why it could not be labelled; then nothing below is set */
    const char *id;         /* content id, 32 hex digits; "" when the library does not know it */
    uint32_t width, height; /* upright; 0 when not known */
    uint64_t bytes;         /* 0 when not known */
    const label_choice *labels; /* [count] best first */
    size_t count;
    int abstained;
    label_abstention reason;
    double margin;     /* probability of the best minus that of the second best; 1 with one class */
    double background; /* probability of "none of these"; -1 when it is not part of the run */
} label_result;

typedef struct label_totals {
    size_t labelled; /* pictures with labels, those abstained on included */
    size_t abstained;
    size_t failed; /* pictures that could not be used */
    int complete;  /* 0: stopped, or failed half-way; an output that would look whole must not */
} label_totals;

/*
 * The outputs (label_out.h) implement:
 *     int  label_out_open(label_out **out, const label_out_options *o, const label_set *set);
 *     int  label_out_put(label_out *out, const label_result *result);
 *     int  label_out_finish(label_out *out, const label_totals *totals);
 *     void label_out_free(label_out *out);
 * each int CLI_RUN or an exit code after saying why; and LABEL_OUT_OPTIONS(o), rows of the option
 * table of glimpse label, with label_out_check(o, command) after parsing.
 */

#endif
