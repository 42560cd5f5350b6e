/*
 * label.c - the zero-shot classifier: building it, and scoring one picture with plain loops.
 *
 * A picture x scores s = w x / |x| (cosine) with each class weight w and gets
 * p = softmax(logit scale * s), computed with the largest exponent subtracted and in double, so
 * that a scale of 100 neither overflows nor loses the sum; or, by a model trained that way, the
 * logistic function of logit scale * s + logit bias. label_many.c does the same for many pictures
 * with one matrix product.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sixteen sums in turn, so that the compiler may use vectors; joined in double. */
static double dot(const float *a, const float *b, size_t n) {
    float lane[16] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (size_t j = 0; j < 16; j++)
            lane[j] += a[i + j] * b[i + j];
    }
    double sum = 0;
    for (; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    for (size_t j = 0; j < 16; j++)
        sum += (double)lane[j];
    return sum;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_classes(const char *const *classes, size_t count) {
    if (count == 0) return glimpse_fail(GLIMPSE_E_INVALID, "no classes to choose from");
    const char **sorted = malloc(count * sizeof *sorted);
    if (!sorted) return glimpse_fail_nomem(count * sizeof *sorted, "class names");
    memcpy(sorted, classes, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_names);
    int status = GLIMPSE_OK;
    for (size_t i = 1; i < count && status == GLIMPSE_OK; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            status = glimpse_fail(GLIMPSE_E_INVALID, "the class \"%s\" is listed twice", sorted[i]);
        }
    }
    free(sorted);
    return status;
}

int glimpse_classifier_allocate(glimpse_classifier **out, const char *const *classes, size_t count,
                                size_t background, size_t width, double logit_scale) {
    *out = NULL;
    int status = check_classes(classes, count);
    if (status < 0) return status;
    size_t rows = count + background;
    if (width == 0 || rows < count || rows > SIZE_MAX / sizeof(float) / width) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a classifier of %zu x %zu weights", rows, width);
    }
    glimpse_classifier *classifier = calloc(1, sizeof *classifier);
    if (!classifier) return glimpse_fail_nomem(sizeof *classifier, "a classifier");
    classifier->classes = calloc(count, sizeof *classifier->classes);
    classifier->rows = calloc(rows * width, sizeof *classifier->rows);
    classifier->width = width;
    classifier->logit_scale = logit_scale;
    classifier->background = background;
    int complete = classifier->classes && classifier->rows;
    for (size_t i = 0; complete && i < count; i++) {
        classifier->classes[i] = strdup(classes[i]);
        complete = classifier->classes[i] != NULL;
        classifier->count = i + 1;
    }
    if (!complete) {
        glimpse_classifier_free(classifier);
        return glimpse_fail_nomem(rows * (width * sizeof(float) + 32), "a classifier");
    }
    *out = classifier;
    return GLIMPSE_OK;
}

/* The id: over the names, where the rows come from, and the rows' own sum when that is unknown. */
static int set_id(glimpse_classifier *classifier, const char *seed) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) return glimpse_fail_nomem(64, "a classifier");
    glimpse_hasher_update(hasher, seed, strlen(seed) + 1);
    for (size_t i = 0; i < classifier->count; i++)
        glimpse_hasher_update(hasher, classifier->classes[i], strlen(classifier->classes[i]) + 1);
    glimpse_hash hash = glimpse_hasher_finish(hasher);
    glimpse_hash_to_hex(&hash, classifier->id);
    return GLIMPSE_OK;
}

int glimpse_classifier_from_rows(glimpse_classifier **out, const char *const *classes, size_t count,
                                 size_t background, const float *weights, size_t width,
                                 double logit_scale) {
    int status = glimpse_classifier_allocate(out, classes, count, background, width, logit_scale);
    if (status < 0) return status;
    size_t size = (count + background) * width * sizeof *weights;
    char seed[33];
    glimpse_hash hash = glimpse_hash_bytes(weights, size);
    memcpy((*out)->rows, weights, size);
    glimpse_hash_to_hex(&hash, seed);
    status = set_id(*out, seed);
    if (status < 0) {
        glimpse_classifier_free(*out);
        *out = NULL;
    }
    return status;
}

int glimpse_classifier_from_weights(glimpse_classifier **out, const char *const *classes,
                                    size_t count, const float *weights, size_t width,
                                    double logit_scale) {
    return glimpse_classifier_from_rows(out, classes, count, 0, weights, width, logit_scale);
}

/* Rows from the cache, else from the encoder and into the cache. */
static int get_rows(glimpse_classifier *classifier, const glimpse_prompts *prompts,
                    const glimpse_label_key *key, glimpse_encoder *encoder,
                    const char *cache_directory) {
    size_t width = classifier->width;
    if (glimpse_label_cache_read(cache_directory, key, classifier->rows, prompts->rows, width)) {
        return GLIMPSE_OK;
    }
    if (!encoder) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "the classifier is not in the cache");
    }
    int status =
        glimpse_prompts_embed(prompts, encoder, width, (const char *const *)classifier->classes,
                              classifier->count, classifier->rows);
    if (status < 0) return status;
    classifier->prompts_embedded = prompts->count;
    glimpse_label_cache_write(cache_directory, key, classifier->rows, prompts->rows, width);
    return GLIMPSE_OK;
}

typedef struct nearness {
    double score;
    size_t row;
} nearness;

static int nearest_first(const void *a, const void *b) {
    const nearness *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static int by_row(const void *a, const void *b) {
    const nearness *x = a, *y = b;
    return (x->row > y->row) - (x->row < y->row);
}

/* Leaves out the tenth of the background that lies nearest to a class: likely the same thing in
 * other words ("puppy" beside the class "dog"), which would take pictures away from the class.
 * After the "negative mining" of Jiang et al. 2024 (arXiv:2403.20078). */
static int drop_nearest(glimpse_classifier *c) {
    size_t dropped = c->background / 10, width = c->width;
    if (dropped == 0) return GLIMPSE_OK;
    nearness *near = malloc(c->background * sizeof *near);
    if (!near) return glimpse_fail_nomem(c->background * sizeof *near, "a classifier");
    float *rows = c->rows + c->count * width;
    for (size_t i = 0; i < c->background; i++) {
        near[i] = (nearness){-2, i};
        for (size_t k = 0; k < c->count; k++) {
            double score = dot(rows + i * width, c->rows + k * width, width);
            if (score > near[i].score) near[i].score = score;
        }
    }
    qsort(near, c->background, sizeof *near, nearest_first);
    c->background -= dropped;
    qsort(near + dropped, c->background, sizeof *near, by_row);
    for (size_t i = 0; i < c->background; i++)
        memmove(rows + i * width, rows + near[dropped + i].row * width, width * sizeof *rows);
    free(near);
    return GLIMPSE_OK;
}

int glimpse_classifier_build(glimpse_classifier **out, glimpse_encoder *encoder,
                             const glimpse_model *model, const glimpse_classifier_options *given) {
    glimpse_classifier_options own = GLIMPSE_CLASSIFIER_OPTIONS_INIT, *const options = &own;
    glimpse_prompts prompts = {0};
    glimpse_classifier *classifier = NULL;
    const char **names = NULL;
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the classifier");
    *out = NULL;
    int status = GLIMPSE_OPTIONS_LOAD(&own, given, glimpse_classifier_options, cache_directory);
    if (status < 0) return status;
    if (!model || (options->template_count > 0 && !options->templates) ||
        (options->background_count > 0 && !options->background)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a classifier needs a model and classes");
    }
    size_t count = glimpse_classes_count(options->classes);
    if (count == 0) return glimpse_fail(GLIMPSE_E_INVALID, "no classes to choose from");
    status = glimpse_prompts_create(&prompts, options->classes, options->templates,
                                    options->template_count, options->background,
                                    options->background_count);
    if (status < 0) return status;
    names = calloc(count, sizeof *names);
    if (!names) {
        status = glimpse_fail_nomem(count * sizeof *names, "class names");
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        names[i] = glimpse_classes_get(options->classes, i)->name;
    status = glimpse_classifier_allocate(&classifier, names, count, prompts.rows - count,
                                         glimpse_model_embedding_size(model),
                                         (double)glimpse_model_logit_scale(model));
    if (status < 0) goto done;
    classifier->scoring = glimpse_model_scoring(model);
    classifier->logit_bias = (double)glimpse_model_logit_bias(model);
    glimpse_label_key key = glimpse_label_cache_key(model, &prompts);
    status = get_rows(classifier, &prompts, &key, encoder, options->cache_directory);
    if (status == GLIMPSE_OK) status = drop_nearest(classifier);
    if (status == GLIMPSE_OK) status = set_id(classifier, key.hex);
done:
    free(names);
    glimpse_prompts_free(&prompts);
    if (status < 0) {
        glimpse_classifier_free(classifier);
    } else {
        *out = classifier;
    }
    return status;
}

int glimpse_classifier_create(glimpse_classifier **out, glimpse_encoder *encoder,
                              const glimpse_model *model, const char *const *classes,
                              size_t class_count, const char *const *templates,
                              size_t template_count) {
    glimpse_classes *list = NULL;
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the classifier");
    *out = NULL;
    if (!encoder || !model || (class_count > 0 && !classes)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a classifier needs a model and classes");
    }
    int status = glimpse_classes_create(&list, classes, class_count);
    if (status < 0) return status;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    options.classes = list;
    options.templates = templates;
    options.template_count = template_count;
    status = glimpse_classifier_build(out, encoder, model, &options);
    glimpse_classes_free(list);
    return status;
}

void glimpse_classifier_free(glimpse_classifier *classifier) {
    if (!classifier) return;
    for (size_t i = 0; classifier->classes && i < classifier->count; i++)
        free(classifier->classes[i]);
    free(classifier->classes);
    free(classifier->rows);
    free(classifier->example_class);
    free(classifier->share);
    free(classifier);
}

size_t glimpse_classifier_count(const glimpse_classifier *classifier) {
    return classifier ? classifier->count : 0;
}

const char *glimpse_classifier_class(const glimpse_classifier *classifier, size_t i) {
    return classifier && i < classifier->count ? classifier->classes[i] : NULL;
}

const float *glimpse_classifier_weights(const glimpse_classifier *classifier) {
    return classifier ? classifier->rows : NULL;
}

const char *glimpse_classifier_id(const glimpse_classifier *classifier) {
    return classifier ? classifier->id : "";
}

glimpse_scoring glimpse_classifier_scoring(const glimpse_classifier *classifier) {
    return classifier ? classifier->scoring : GLIMPSE_SCORING_SOFTMAX;
}

int glimpse_classifier_has_background(const glimpse_classifier *classifier) {
    return classifier && classifier->background > 0;
}

size_t glimpse_classifier_prompts_embedded(const glimpse_classifier *classifier) {
    return classifier ? classifier->prompts_embedded : 0;
}

int glimpse_classifier_score(glimpse_label *labels, const glimpse_classifier *classifier,
                             const float *embedding, size_t top) {
    if (!classifier || !embedding || (top > 0 && !labels)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "nothing to classify");
    }
    size_t count = classifier->count, width = classifier->width, found = 0;
    double norm = sqrt(dot(embedding, embedding, width));
    if (!(norm > 0) || !isfinite(norm)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the embedding to classify is zero or not finite");
    }
    if (top > count) top = count;
    /* The sum of exponentials relative to the largest so far; rescaled when a larger one comes. */
    double largest = -INFINITY, sum = 0;
    for (size_t k = 0; k < count; k++) {
        double score = dot(classifier->rows + k * width, embedding, width) / norm;
        double logit = classifier->logit_scale * score + classifier->logit_bias;
        if (logit > largest) {
            sum = sum * exp(largest - logit) + 1;
            largest = logit;
        } else {
            sum += exp(logit - largest);
        }
        if (top == 0 || (found == top && score <= labels[found - 1].score)) continue;
        size_t at = found < top ? found++ : found - 1;
        for (; at > 0 && labels[at - 1].score < score; at--)
            labels[at] = labels[at - 1];
        labels[at] = (glimpse_label){k, score, logit, 0};
    }
    for (size_t i = 0; i < found; i++) {
        labels[i].probability = classifier->scoring == GLIMPSE_SCORING_SIGMOID
                                    ? glimpse_logistic(labels[i].probability)
                                    : exp(labels[i].probability - largest) / sum;
    }
    return (int)found;
}
