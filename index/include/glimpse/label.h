/*
 * glimpse/label.h - classification without training: class names and prompts in, labels out.
 *
 * The short way:
 *     glimpse_classifier *classifier = NULL;
 *     const char *classes[] = {"dog", "cat"}, *templates[] = {"a photo of a {}."};
 *     glimpse_classifier_create(&classifier, encoder, model, classes, 2, templates, 1);
 *     glimpse_label best[2];
 *     glimpse_classifier_score(best, classifier, embedding, 2);
 *
 * With class files, a cache, many pictures at once and abstention:
 *     glimpse_classes *classes = NULL;
 *     glimpse_classes_load(&classes, "classes.json");
 *     glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
 *     options.classes = classes;
 *     glimpse_classifier_build(&classifier, encoder, model, &options);
 *     glimpse_label_rules rules = GLIMPSE_LABEL_RULES_INIT;
 *     rules.min_probability = 0.5;
 *     glimpse_classifier_label_many(labels, verdicts, classifier, &rules, embeddings, count, 5);
 *
 * Letters: K classes, E embedding dimension, N pictures.
 *
 * A class weight is the normalised mean of the unit embeddings of its filled-in templates
 * (Radford et al. 2021, section 3.1.4); a class with several words (synonyms) has the normalised
 * mean of the weights of its words.
 *
 * Probabilities follow the model (glimpse_model_scoring). With logit = logit scale x cosine + logit
 * bias, CLIP's is the softmax over the classes; SigLIP's is 1 / (1 + exp(-logit)) of each class
 * alone: a yes or no that does not depend on what else is on the list, and does not sum to 1.
 *
 * Threads: a classifier is immutable once it is built and its examples are added; share it then.
 */
#ifndef GLIMPSE_LABEL_H
#define GLIMPSE_LABEL_H

#include <glimpse/status.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lines of a text file: UTF-8, blank lines and lines that start with # left out, a byte order mark
 * and CR at line ends dropped, white space trimmed. GLIMPSE_E_FORMAT when none is left or one is
 * not UTF-8. */
typedef struct glimpse_lines glimpse_lines;
GLIMPSE_API int glimpse_lines_load(glimpse_lines **out, const char *path);
/* The same from one string separated by `separator`. */
GLIMPSE_API int glimpse_lines_split(glimpse_lines **out, const char *text, char separator);
GLIMPSE_API size_t glimpse_lines_count(const glimpse_lines *lines);
GLIMPSE_API const char *const *glimpse_lines_texts(const glimpse_lines *lines); /* [count] */
GLIMPSE_API void glimpse_lines_free(glimpse_lines *lines);

/*
 * Classes.
 *
 * A class list is a file whose name ends in
 *     .tsv   a header with the columns name and, in any order, id, synonyms, description, prompts,
 *            threshold; several synonyms or prompts are separated by |
 *     .json  an array, or an object with the array "classes"; each item a name, or an object with
 *            the same keys, synonyms and prompts being arrays of strings
 *     else   a name a line (glimpse_lines_load)
 * A name may be a place in a hierarchy: "animal/dog/terrier". Prompts then speak of a "terrier";
 * when another class ends in the same word, of a "terrier, a kind of dog".
 */
typedef struct glimpse_class {
    const char *id;           /* as given; else the name */
    const char *name;         /* as given */
    const char *description;  /* for people; "" when there is none */
    const char *const *words; /* [word_count], what {} becomes: the name's last part, synonyms */
    size_t word_count;
    const char *const *prompts; /* [prompt_count], used instead of the templates; {} is allowed */
    size_t prompt_count;
    double threshold; /* probability from which the class is claimed in multi-label work; -1 */
} glimpse_class;

typedef struct glimpse_classes glimpse_classes;

/* GLIMPSE_E_FORMAT, naming file and place, for what is not as above and for an empty list;
 * GLIMPSE_E_INVALID for duplicate names or ids. */
GLIMPSE_API int glimpse_classes_load(glimpse_classes **out, const char *path);
/* Names separated by commas. */
GLIMPSE_API int glimpse_classes_split(glimpse_classes **out, const char *text);
GLIMPSE_API int glimpse_classes_create(glimpse_classes **out, const char *const *names,
                                       size_t count);
GLIMPSE_API size_t glimpse_classes_count(const glimpse_classes *classes);
GLIMPSE_API const glimpse_class *glimpse_classes_get(const glimpse_classes *classes, size_t i);
/* The class with this id, else with this name, else the only one whose last part or synonym it is;
 * GLIMPSE_E_NOT_FOUND when there is none, GLIMPSE_E_INVALID when there are several. */
GLIMPSE_API int glimpse_classes_find(size_t *i, const glimpse_classes *classes, const char *text);
GLIMPSE_API void glimpse_classes_free(glimpse_classes *classes);

/*
 * The classifier.
 */
typedef struct glimpse_classifier glimpse_classifier;
typedef struct glimpse_label {
    size_t class_index;
    double score;       /* cosine with the class's text weight */
    double probability; /* CLIP: sums to 1 over all classes (and background); SigLIP: of this class
                           alone; see glimpse_label_rules */
    int accepted;       /* set by glimpse_classifier_label_many; 0 from glimpse_classifier_score */
} glimpse_label;

typedef struct glimpse_classifier_options {
    size_t size; /* GLIMPSE_CLASSIFIER_OPTIONS_INIT sets it */
    const glimpse_classes *classes;
    /* Each holds {} where the class name goes (every {} is filled in). Count 0:
     * "a photo of a {}." */
    const char *const *templates;
    size_t template_count;
    /* What else a picture may show, for "none of these": names of things, put into the same
     * templates as the classes; an item that ends in a full stop is a whole prompt. Things that are
     * classes themselves are left out, and so is the tenth that is nearest to a class. The item
     * that fits a picture best is its background. Count 0: no background. */
    const char *const *background;
    size_t background_count;
    /* Directory that keeps computed weights, made when it is not there; NULL: none. Files in it are
     * checked before use and may be deleted at any time. Failing to write one is no failure. */
    const char *cache_directory;
} glimpse_classifier_options;

static inline glimpse_classifier_options glimpse_classifier_options_init(void) {
    glimpse_classifier_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_CLASSIFIER_OPTIONS_INIT glimpse_classifier_options_init()

/* A template without {} and no classes are GLIMPSE_E_INVALID; a prompt longer than the model's
 * text context is GLIMPSE_E_LIMIT, naming the class. Everything is copied. `encoder` may be NULL
 * for what is in the cache; otherwise GLIMPSE_E_NOT_FOUND. */
GLIMPSE_API int glimpse_classifier_build(glimpse_classifier **out, glimpse_encoder *encoder,
                                         const glimpse_model *model,
                                         const glimpse_classifier_options *options);
/* The same from plain names, without cache and background. Duplicate classes are
 * GLIMPSE_E_INVALID. */
GLIMPSE_API int glimpse_classifier_create(glimpse_classifier **out, glimpse_encoder *encoder,
                                          const glimpse_model *model, const char *const *classes,
                                          size_t class_count, const char *const *templates,
                                          size_t template_count);
GLIMPSE_API void glimpse_classifier_free(glimpse_classifier *classifier);
GLIMPSE_API size_t glimpse_classifier_count(const glimpse_classifier *classifier);
GLIMPSE_API const char *glimpse_classifier_class(const glimpse_classifier *classifier, size_t i);
/* [classes][E], rows of unit length; borrowed. */
GLIMPSE_API const float *glimpse_classifier_weights(const glimpse_classifier *classifier);
/* 32 hexadecimal digits over model, class names, prompts, background and examples: labels of
 * equal ids come from the same classifier. */
GLIMPSE_API const char *glimpse_classifier_id(const glimpse_classifier *classifier);
/* The model's; SOFTMAX for a classifier that was not built from a model. */
GLIMPSE_API glimpse_scoring glimpse_classifier_scoring(const glimpse_classifier *classifier);
GLIMPSE_API int glimpse_classifier_has_background(const glimpse_classifier *classifier);
/* How many prompts were embedded to build it; 0: all came from the cache. */
GLIMPSE_API size_t glimpse_classifier_prompts_embedded(const glimpse_classifier *classifier);
/* ${XDG_CACHE_HOME:-~/.cache}/glimpse/classifiers, the caller's: glimpse_free(). NULL when the
 * environment does not say. */
GLIMPSE_API char *glimpse_classifier_default_cache(void);

/* The `top` best classes (at most the number of classes; the rest of `labels` is left alone) for
 * `embedding` [E] of any length > 0, best first, ties in class order. Returns how many, or a
 * negative status. Knows only the text weights: no background, no examples. The plain reference
 * of glimpse_classifier_label_many. */
GLIMPSE_API int glimpse_classifier_score(glimpse_label *labels,
                                         const glimpse_classifier *classifier,
                                         const float *embedding, size_t top);

/*
 * Labels of many pictures: one matrix product, then probabilities, best classes and abstention.
 */
typedef struct glimpse_label_rules {
    size_t size;        /* GLIMPSE_LABEL_RULES_INIT sets it */
    double temperature; /* logits are divided by it (Guo et al. 2017); 1: the model's own scale */
    double offset;      /* sigmoid only: added to logits after that (Platt 1999); 0: the model's own
                           bias. GLIMPSE_E_INVALID when not 0 for a softmax */
    double min_probability; /* abstain when the best class has less; -1: no limit */
    double min_margin;      /* abstain when best minus second best is less; -1: no limit */
    int ignore_background;  /* leave the background out of it */
    /* Multi-label: classes do not compete. CLIP's probability of class k is
     * 1 / (1 + exp(-(logit k - background logit))), the two-way softmax of the class against the
     * reference prompts; GLIMPSE_E_INVALID when the classifier has no background. SigLIP's is what
     * it is without multi-label, and a background plays no part. A class is accepted from
     * class_thresholds[k] on (NULL or below 0: min_probability; if that is not set, 0.5). Only the
     * `top` classes are looked at: ask for K. */
    int multi_label;
    const double *class_thresholds; /* [K] or NULL */
} glimpse_label_rules;

static inline glimpse_label_rules glimpse_label_rules_init(void) {
    glimpse_label_rules rules;
    memset(&rules, 0, sizeof rules);
    rules.size = sizeof rules;
    rules.temperature = 1.0;
    rules.min_probability = -1.0;
    rules.min_margin = -1.0;
    return rules;
}
#define GLIMPSE_LABEL_RULES_INIT glimpse_label_rules_init()

typedef enum glimpse_abstention {
    GLIMPSE_CLAIMED = 0,
    GLIMPSE_ABSTAINED_PROBABILITY,
    GLIMPSE_ABSTAINED_MARGIN,
    GLIMPSE_ABSTAINED_BACKGROUND, /* "none of these" is more probable than the best class */
    GLIMPSE_ABSTAINED_THRESHOLD   /* multi-label: no class reached its threshold */
} glimpse_abstention;

/* "probability", "margin", "background", "threshold"; NULL for GLIMPSE_CLAIMED. */
GLIMPSE_API const char *glimpse_abstention_name(glimpse_abstention reason);

typedef struct glimpse_label_verdict {
    glimpse_abstention reason;
    double margin; /* probability of the best class minus that of the next (0 if none) */
    /* Probability of "none of these": in CLIP's softmax beside the classes; with SigLIP of the
     * background against the best class, 1 / (1 + exp(-(background logit - best logit))). -1 when
     * no background took part. */
    double background;
} glimpse_label_verdict;

/* `embeddings` [N][E], each of any length > 0; `labels` [N][top], the min(top, K) best of each
 * picture, best first, ties in class order; `verdicts` [N]. Memory beyond these does not grow with
 * N. Scores do not depend on N nor on the place of a picture in the call, within 1e-6. */
GLIMPSE_API int glimpse_classifier_label_many(glimpse_label *labels,
                                              glimpse_label_verdict *verdicts,
                                              const glimpse_classifier *classifier,
                                              const glimpse_label_rules *rules,
                                              const float *embeddings, size_t count, size_t top);
/* The numbers before the softmax or the sigmoid, for calibration: `logits` [N][K + 1]; the last
 * column is the background's, -infinity without one. Temperature and offset are not applied. */
GLIMPSE_API int glimpse_classifier_logits(double *logits, const glimpse_classifier *classifier,
                                          const float *embeddings, size_t count);

/*
 * A few examples a class, in the manner of Tip-Adapter (Zhang et al. 2022, arXiv:2111.03930,
 * without training). For a picture x and the examples f of class k (unit vectors)
 *     logit k = scale * cosine k + alpha * (m k - mean of m),  m k = mean over f of
 *                                                               exp(-beta * (1 - x f))
 * The mean over f (not the sum) makes classes with different numbers of examples comparable; taking
 * off the mean of m leaves a class without any, whose term is 0, where its words put it. SigLIP's
 * logit bias is added to that as to any logit.
 */
typedef struct glimpse_examples_report {
    size_t size; /* GLIMPSE_EXAMPLES_REPORT_INIT sets it */
    double alpha, beta;
    int chosen;          /* 1: on held-out examples; 0: the defaults, because no class has two */
    size_t held_out;     /* examples that were classified without themselves */
    size_t right_before; /* of these, right with text alone */
    size_t right_after;  /* of these, right with alpha and beta */
} glimpse_examples_report;

static inline glimpse_examples_report glimpse_examples_report_init(void) {
    glimpse_examples_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_EXAMPLES_REPORT_INIT glimpse_examples_report_init()

/* `embeddings` [count][E], `classes` [count] class indices. Alpha and beta are chosen by leaving
 * each example out in turn: most right, then least log loss, then smallest alpha and beta, from a
 * fixed grid, so the same examples give the same classifier. Only once per classifier. */
GLIMPSE_API int glimpse_classifier_add_examples(glimpse_examples_report *report,
                                                glimpse_classifier *classifier,
                                                const float *embeddings, const size_t *classes,
                                                size_t count);

#ifdef __cplusplus
}
#endif
#endif
