/*
 * label.c - class lists, prompt templates and the zero-shot classifier made of them.
 *
 * Weights: for every class the templates are filled in and embedded; the unit embeddings are
 * averaged and the mean is scaled to unit length (w [K][E], K classes). A picture x scores
 * s = w x / |x| (cosine) and gets p = softmax(logit scale * s), computed with the largest exponent
 * subtracted and in double, so that a scale of 100 neither overflows nor loses the sum.
 */
#include "label_internal.h"

#include "core/error.h"
#include "core/file.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_LIST_BYTES = 64 << 20, /* a class list or template file */
    TEXTS_AT_ONCE = 64         /* prompts per encoder call */
};

struct glimpse_lines {
    char *text;         /* what the items point into */
    const char **items; /* [count] */
    size_t count;
};

struct glimpse_classifier {
    char **classes; /* [count] */
    float *weights; /* [count][width] */
    size_t count, width;
    double logit_scale;
};

/*
 * Lines.
 */
static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* Bytes of the UTF-8 sequence at s, 0 when it is not one (overlong, surrogate, out of range). */
static size_t utf8_sequence(const unsigned char *s, size_t left) {
    if (s[0] < 0x80) return 1;
    size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n > left) return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0u) != 0x80u) return 0;
    }
    if (s[0] == 0xE0 && s[1] < 0xA0) return 0;
    if (s[0] == 0xED && s[1] > 0x9F) return 0;
    if (s[0] == 0xF0 && s[1] < 0x90) return 0;
    if (s[0] == 0xF4 && s[1] > 0x8F) return 0;
    return n;
}

/* Takes over `text` (NUL-terminated, `size` bytes before that), also when it fails. */
static int split(glimpse_lines **out, char *text, size_t size, char separator, const char *name) {
    int status = GLIMPSE_OK;
    size_t items = 1, line_number = 1;
    glimpse_lines *lines = calloc(1, sizeof *lines);
    if (!lines) {
        free(text);
        return glimpse_fail_nomem(sizeof *lines, "a list");
    }
    lines->text = text;
    for (size_t i = 0; i < size; i++)
        items += text[i] == separator;
    lines->items = calloc(items, sizeof *lines->items);
    if (!lines->items) {
        status = glimpse_fail_nomem(items * sizeof *lines->items, "a list");
        goto done;
    }
    size_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (; at <= size; line_number++) {
        char *end = memchr(text + at, separator, size - at);
        size_t next = (end ? (size_t)(end - text) : size), start = at, stop = next;
        for (size_t i = at; i < next;) {
            size_t n = utf8_sequence((const unsigned char *)text + i, next - i);
            if (n == 0 || text[i] == '\0') {
                status = glimpse_fail(GLIMPSE_E_FORMAT, "%s, %s %zu: not UTF-8 text", name,
                                      separator == '\n' ? "line" : "item", line_number);
                goto done;
            }
            i += n;
        }
        while (start < stop && is_blank(text[start]))
            start++;
        while (stop > start && is_blank(text[stop - 1]))
            stop--;
        if (stop > start && text[start] != '#') {
            text[stop] = '\0';
            lines->items[lines->count++] = text + start;
        }
        at = next + 1;
    }
    if (lines->count == 0) status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: the list is empty", name);
done:
    if (status < 0) {
        glimpse_lines_free(lines);
        return status;
    }
    *out = lines;
    return GLIMPSE_OK;
}

int glimpse_lines_read(glimpse_lines **out, const char *path) {
    void *text = NULL;
    size_t size = 0;
    *out = NULL;
    int status = glimpse_file_read(&text, &size, path, MAX_LIST_BYTES);
    if (status < 0) return status;
    return split(out, text, size, '\n', path);
}

int glimpse_lines_split(glimpse_lines **out, const char *text, char separator) {
    *out = NULL;
    char *copy = strdup(text);
    if (!copy) return glimpse_fail_nomem(strlen(text) + 1, "a list");
    return split(out, copy, strlen(copy), separator, "list");
}

size_t glimpse_lines_count(const glimpse_lines *lines) {
    return lines ? lines->count : 0;
}

const char *const *glimpse_lines_get(const glimpse_lines *lines) {
    return lines ? lines->items : NULL;
}

void glimpse_lines_free(glimpse_lines *lines) {
    if (!lines) return;
    free(lines->text);
    free(lines->items);
    free(lines);
}

/*
 * The classifier.
 */
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

/* Names copied, weights reserved and left at zero. */
static int allocate(glimpse_classifier **out, const char *const *classes, size_t count,
                    size_t width, double logit_scale) {
    *out = NULL;
    int status = check_classes(classes, count);
    if (status < 0) return status;
    if (width == 0 || count > SIZE_MAX / sizeof(float) / width) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a classifier of %zu x %zu weights", count, width);
    }
    glimpse_classifier *classifier = calloc(1, sizeof *classifier);
    if (!classifier) return glimpse_fail_nomem(sizeof *classifier, "a classifier");
    classifier->classes = calloc(count, sizeof *classifier->classes);
    classifier->weights = calloc(count * width, sizeof *classifier->weights);
    classifier->width = width;
    classifier->logit_scale = logit_scale;
    int complete = classifier->classes && classifier->weights;
    for (size_t i = 0; complete && i < count; i++) {
        classifier->classes[i] = strdup(classes[i]);
        complete = classifier->classes[i] != NULL;
        classifier->count = i + 1;
    }
    if (!complete) {
        glimpse_classifier_free(classifier);
        return glimpse_fail_nomem(count * (width * sizeof(float) + 32), "a classifier");
    }
    *out = classifier;
    return GLIMPSE_OK;
}

int glimpse_classifier_from_weights(glimpse_classifier **out, const char *const *classes,
                                    size_t count, const float *weights, size_t width,
                                    double logit_scale) {
    int status = allocate(out, classes, count, width, logit_scale);
    if (status == GLIMPSE_OK) memcpy((*out)->weights, weights, count * width * sizeof *weights);
    return status;
}

/* `template` with every {} replaced by `name`; malloc'ed, NULL when out of memory. */
static char *fill_in(const char *template, const char *name) {
    size_t places = 0, name_length = strlen(name), length = strlen(template);
    for (const char *s = template; (s = strstr(s, "{}")) != NULL; s += 2)
        places++;
    char *text = malloc(length + places * name_length + 1), *to = text;
    if (!text) return NULL;
    for (const char *s = template; *s;) {
        if (s[0] == '{' && s[1] == '}') {
            memcpy(to, name, name_length);
            to += name_length;
            s += 2;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
    return text;
}

/* Scales a sum of unit vectors to unit length. */
static int to_unit(float *weights, const double *sum, size_t width, const char *class_name) {
    double norm = 0;
    for (size_t j = 0; j < width; j++)
        norm += sum[j] * sum[j];
    norm = sqrt(norm);
    if (!(norm > 1e-6) || !isfinite(norm)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the prompts of the class \"%s\" cancel out",
                            class_name);
    }
    for (size_t j = 0; j < width; j++)
        weights[j] = (float)(sum[j] / norm);
    return GLIMPSE_OK;
}

/* Fills in prompts `first` .. `first + n - 1`, counted through all classes and their templates. */
static int make_prompts(char **texts, size_t first, size_t n, const char *const *classes,
                        const char *const *templates, size_t template_count) {
    for (size_t i = 0; i < n; i++) {
        size_t prompt = first + i;
        texts[i] = fill_in(templates[prompt % template_count], classes[prompt / template_count]);
        if (!texts[i]) return glimpse_fail_nomem(1, "a prompt");
    }
    return GLIMPSE_OK;
}

static int embed_prompts(glimpse_classifier *classifier, glimpse_encoder *encoder,
                         const char *const *templates, size_t template_count) {
    size_t width = classifier->width, total = classifier->count * template_count;
    char *texts[TEXTS_AT_ONCE] = {NULL};
    int cut[TEXTS_AT_ONCE], status = GLIMPSE_OK;
    double *sum = calloc(width, sizeof *sum);
    float *units = calloc(TEXTS_AT_ONCE * width, sizeof *units);
    if (!sum || !units) {
        status = glimpse_fail_nomem(TEXTS_AT_ONCE * width * sizeof *units, "prompts");
    }
    for (size_t first = 0; status == GLIMPSE_OK && first < total; first += TEXTS_AT_ONCE) {
        size_t n = total - first < TEXTS_AT_ONCE ? total - first : TEXTS_AT_ONCE;
        status = make_prompts(texts, first, n, (const char *const *)classifier->classes, templates,
                              template_count);
        if (status == GLIMPSE_OK) {
            memset(cut, 0, sizeof cut);
            status = glimpse_encoder_texts(encoder, (const char *const *)texts, n, units, 0, cut);
        }
        for (size_t i = 0; status == GLIMPSE_OK && i < n; i++) {
            size_t prompt = first + i, k = prompt / template_count;
            if (cut[i]) {
                status = glimpse_fail(GLIMPSE_E_LIMIT,
                                      "the class \"%.60s\" with the template \"%.60s\" is longer "
                                      "than the model can read",
                                      classifier->classes[k], templates[prompt % template_count]);
                break;
            }
            for (size_t j = 0; j < width; j++)
                sum[j] += (double)units[i * width + j];
            if ((prompt + 1) % template_count == 0) {
                status =
                    to_unit(classifier->weights + k * width, sum, width, classifier->classes[k]);
                memset(sum, 0, width * sizeof *sum);
            }
        }
        for (size_t i = 0; i < TEXTS_AT_ONCE; i++) {
            free(texts[i]);
            texts[i] = NULL;
        }
    }
    free(units);
    free(sum);
    return status;
}

int glimpse_classifier_create(glimpse_classifier **out, glimpse_encoder *encoder,
                              const glimpse_model *model, const char *const *classes,
                              size_t class_count, const char *const *templates,
                              size_t template_count) {
    static const char *const plain[] = {"a photo of a {}."};
    if (!out) return glimpse_fail(GLIMPSE_E_INVALID, "no place for the classifier");
    *out = NULL;
    if (!encoder || !model || (class_count > 0 && !classes)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a classifier needs a model and classes");
    }
    if (template_count == 0) {
        templates = plain;
        template_count = 1;
    }
    for (size_t i = 0; i < template_count; i++) {
        if (!strstr(templates[i], "{}")) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the template \"%s\" has no {} where the class name goes",
                                templates[i]);
        }
    }
    if (class_count > SIZE_MAX / template_count) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "too many classes and templates");
    }
    glimpse_classifier *classifier = NULL;
    int status = allocate(&classifier, classes, class_count, glimpse_model_embedding_size(model),
                          (double)glimpse_model_logit_scale(model));
    if (status == GLIMPSE_OK) {
        status = embed_prompts(classifier, encoder, templates, template_count);
    }
    if (status < 0) {
        glimpse_classifier_free(classifier);
        return status;
    }
    *out = classifier;
    return GLIMPSE_OK;
}

void glimpse_classifier_free(glimpse_classifier *classifier) {
    if (!classifier) return;
    for (size_t i = 0; classifier->classes && i < classifier->count; i++)
        free(classifier->classes[i]);
    free(classifier->classes);
    free(classifier->weights);
    free(classifier);
}

size_t glimpse_classifier_count(const glimpse_classifier *classifier) {
    return classifier ? classifier->count : 0;
}

const char *glimpse_classifier_class(const glimpse_classifier *classifier, size_t i) {
    return classifier && i < classifier->count ? classifier->classes[i] : NULL;
}

const float *glimpse_classifier_weights(const glimpse_classifier *classifier) {
    return classifier ? classifier->weights : NULL;
}

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

int glimpse_classifier_score(const glimpse_classifier *classifier, const float *embedding,
                             glimpse_label *labels, size_t top) {
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
        double score = dot(classifier->weights + k * width, embedding, width) / norm;
        double logit = classifier->logit_scale * score;
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
        labels[at] = (glimpse_label){k, score, logit};
    }
    for (size_t i = 0; i < found; i++)
        labels[i].probability = exp(labels[i].probability - largest) / sum;
    return (int)found;
}
