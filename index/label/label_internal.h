/*
 * label_internal.h - what the files of the labelling engine share: the classifier's inside, and a
 * classifier from given weights for tests that know the answer by hand. Private.
 *
 * All rows that pictures are multiplied with lie in one matrix, so that scoring is one product:
 *
 *     rows [K + B + F][E]     K class weights | B background prompts | F examples
 *
 * every row of unit length.
 */
#ifndef GLIMPSE_INDEX_LABEL_INTERNAL_H
#define GLIMPSE_INDEX_LABEL_INTERNAL_H

#include <glimpse/label.h>

#include <math.h>
#include <stdint.h>

struct glimpse_classifier {
    char **classes; /* [count] names */
    float *rows;    /* [count + background + examples][width] */
    size_t count, background, examples, width;
    glimpse_scoring scoring;
    double logit_scale, logit_bias; /* the bias is 0 unless sigmoid */
    char id[33];
    size_t prompts_embedded;
    /* Examples: the class of each, and how many each class has. */
    size_t *example_class; /* [examples] */
    double *share;         /* [count] 1 / number of examples, 0 without any */
    double alpha, beta;
};

/* An empty classifier: names copied and checked, rows at zero, the id over names and `seed`. */
int glimpse_classifier_allocate(glimpse_classifier **out, const char *const *classes, size_t count,
                                size_t background, size_t width, double logit_scale);

/* `weights` [count + background][width], unit rows, copied. Checks class names as
 * glimpse_classifier_create. */
int glimpse_classifier_from_rows(glimpse_classifier **out, const char *const *classes, size_t count,
                                 size_t background, const float *weights, size_t width,
                                 double logit_scale);
int glimpse_classifier_from_weights(glimpse_classifier **out, const char *const *classes,
                                    size_t count, const float *weights, size_t width,
                                    double logit_scale);

/* 1 / (1 + exp(-z)) without overflow, and log(1 + exp(z)), the log loss of a probability. */
static inline double glimpse_logistic(double z) {
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}
static inline double glimpse_softplus(double z) {
    return (z > 0 ? z : 0) + log1p(exp(-fabs(z)));
}

/* examples.c: from sums over each class's examples to means (`share` [classes] is 1 / their number,
 * 0 without any) less the average of all means, so that a class without examples is neither
 * favoured nor punished for that. */
void glimpse_examples_centre(double *sums, const double *share, size_t classes);

/* prompts.c: all prompts of a class list, in order. Prompt i belongs to word `word` of row `row`:
 * the mean over a word's prompts, at unit length, then the mean over a row's words. */
typedef struct glimpse_prompt {
    char *text;
    size_t row, word;
} glimpse_prompt;
typedef struct glimpse_prompts {
    glimpse_prompt *items; /* [count], ordered by row, then word */
    size_t count, rows;
} glimpse_prompts;
int glimpse_prompts_create(glimpse_prompts *out, const glimpse_classes *classes,
                           const char *const *templates, size_t template_count,
                           const char *const *background, size_t background_count);
void glimpse_prompts_free(glimpse_prompts *prompts);
/* rows [prompts->rows][width]; `names` [class_count] for messages, rows behind are background. */
int glimpse_prompts_embed(const glimpse_prompts *prompts, glimpse_encoder *encoder, size_t width,
                          const char *const *names, size_t class_count, float *rows);

/* label_cache.c: rows kept on disk. */
typedef struct glimpse_label_key {
    char hex[33];
} glimpse_label_key;
glimpse_label_key glimpse_label_cache_key(const glimpse_model *model,
                                          const glimpse_prompts *prompts);
/* 1 when read, 0 when there is none that is whole. */
int glimpse_label_cache_read(const char *directory, const glimpse_label_key *key, float *rows,
                             size_t count, size_t width);
void glimpse_label_cache_write(const char *directory, const glimpse_label_key *key,
                               const float *rows, size_t count, size_t width);

/* classes.c, for those that read lists: an empty one (*out is NULL meanwhile), and the end, which
 * checks all of it together, or frees it when `status` or a check is a failure. */
int glimpse_classes_start(glimpse_classes **out, glimpse_classes **classes);
int glimpse_classes_hand_over(glimpse_classes **out, glimpse_classes *classes, const char *name,
                              int status);
/* `words` and the others are copied; NULL and counts of 0 are fine.
 * `where` ("classes.json, class 3") is for messages. */
typedef struct glimpse_class_draft {
    const char *id, *name, *description;
    const char *const *synonyms;
    size_t synonym_count;
    const char *const *prompts;
    size_t prompt_count;
    double threshold; /* -1: none */
} glimpse_class_draft;
int glimpse_classes_add(glimpse_classes *classes, const glimpse_class_draft *draft,
                        const char *where);
int glimpse_classes_read_json(glimpse_classes *classes, const char *text, size_t size,
                              const char *path);

#endif
