/*
 * glimpse/label.h - zero-shot classification: class names and prompt templates in, labels out.
 *
 *     glimpse_classifier *classifier = NULL;
 *     const char *classes[] = {"dog", "cat"}, *templates[] = {"a photo of a {}."};
 *     glimpse_classifier_create(&classifier, encoder, model, classes, 2, templates, 1);
 *     glimpse_label best[2];
 *     glimpse_classifier_score(classifier, embedding, best, 2);
 *
 * A class weight is the normalised mean of the unit embeddings of its filled-in templates
 * (Radford et al. 2021, section 3.1.4). The probability is the softmax over classes of
 * logit scale x cosine.
 *
 * Threads: immutable after creation; share it.
 */
#ifndef GLIMPSE_LABEL_H
#define GLIMPSE_LABEL_H

#include <glimpse/model.h>
#include <glimpse/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lines of a text file: UTF-8, blank lines and lines that start with # left out, a byte order mark
 * and CR at line ends dropped, white space trimmed. GLIMPSE_E_FORMAT when none is left or one is
 * not UTF-8. */
typedef struct glimpse_lines glimpse_lines;
GLIMPSE_API int glimpse_lines_read(glimpse_lines **out, const char *path);
/* The same from one string separated by `separator`. */
GLIMPSE_API int glimpse_lines_split(glimpse_lines **out, const char *text, char separator);
GLIMPSE_API size_t glimpse_lines_count(const glimpse_lines *lines);
GLIMPSE_API const char *const *glimpse_lines_get(const glimpse_lines *lines); /* [count] */
GLIMPSE_API void glimpse_lines_free(glimpse_lines *lines);

typedef struct glimpse_classifier glimpse_classifier;
typedef struct glimpse_label {
    size_t class_index;
    double score;       /* cosine */
    double probability; /* sums to 1 over all classes */
} glimpse_label;

/* `templates`: each holds {} where the class name goes (every {} is filled in); a template without
 * it is GLIMPSE_E_INVALID. No templates (count 0): "a photo of a {}.". No classes and duplicate
 * classes are GLIMPSE_E_INVALID; a prompt longer than the model's text context is GLIMPSE_E_LIMIT,
 * naming the class. Class names are copied; neither `encoder` nor `model` is kept. */
GLIMPSE_API int glimpse_classifier_create(glimpse_classifier **out, glimpse_encoder *encoder,
                                          const glimpse_model *model, const char *const *classes,
                                          size_t class_count, const char *const *templates,
                                          size_t template_count);
GLIMPSE_API void glimpse_classifier_free(glimpse_classifier *classifier);
GLIMPSE_API size_t glimpse_classifier_count(const glimpse_classifier *classifier);
GLIMPSE_API const char *glimpse_classifier_class(const glimpse_classifier *classifier, size_t i);
/* [classes][E], rows of unit length; borrowed. */
GLIMPSE_API const float *glimpse_classifier_weights(const glimpse_classifier *classifier);

/* The `top` best classes (at most the number of classes; the rest of `labels` is left alone) for
 * `embedding` [E] of any length > 0, best first, ties in class order. Returns how many, or a
 * negative status. */
GLIMPSE_API int glimpse_classifier_score(const glimpse_classifier *classifier,
                                         const float *embedding, glimpse_label *labels, size_t top);

#ifdef __cplusplus
}
#endif
#endif
