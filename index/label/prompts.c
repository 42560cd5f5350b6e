/*
 * prompts.c - from class lists and templates to prompts, and from prompts to rows of weights.
 *
 * Prompts are listed in the order of rows (classes, then background prompts), inside a row in the
 * order of its words, so that sums can be kept while batches of them are embedded:
 *
 *     row     = unit(sum over words of unit(sum over the word's prompts of unit(embedding)))
 *
 * Synonyms are pooled by this mean, not by the best word: a class stays one row, so scoring stays
 * one product and a class does not gain by having more words than others.
 */
#include "label_internal.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXTS_AT_ONCE = 64 /* prompts per encoder call */ };

static const char *const plain_template[] = {"a photo of a {}."};

/* `template` with every {} replaced by `name`; malloc'ed, NULL when out of memory. */
static char *fill_in(const char *template, const char *name) {
    size_t places = 0, name_length = strlen(name), length = strlen(template);
    for (const char *s = template; (s = strstr(s, "{}")) != NULL; s += 2)
        places++;
    if (name_length > 0 && places > (SIZE_MAX - length - 1) / name_length) return NULL;
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

void glimpse_prompts_free(glimpse_prompts *prompts) {
    for (size_t i = 0; i < prompts->count; i++)
        free(prompts->items[i].text);
    free(prompts->items);
    *prompts = (glimpse_prompts){0};
}

static int push(glimpse_prompts *prompts, size_t *capacity, const char *template, const char *word,
                size_t row, size_t place) {
    if (prompts->count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 256;
        glimpse_prompt *grown = realloc(prompts->items, more * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(more * sizeof *grown, "prompts");
        prompts->items = grown;
        *capacity = more;
    }
    char *text = fill_in(template, word);
    if (!text) return glimpse_fail_nomem(strlen(template), "a prompt");
    prompts->items[prompts->count++] = (glimpse_prompt){text, row, place};
    return GLIMPSE_OK;
}

/* A class's own prompts take the place of the templates. One without {} says all there is to say:
 * it is used once, not once a word. */
static int push_class(glimpse_prompts *prompts, size_t *capacity, const glimpse_class *c,
                      size_t row, const char *const *templates, size_t template_count) {
    int own = c->prompt_count > 0, status = GLIMPSE_OK;
    const char *const *list = own ? c->prompts : templates;
    size_t count = own ? c->prompt_count : template_count;
    for (size_t w = 0; w < c->word_count; w++) {
        for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
            if (w > 0 && !strstr(list[i], "{}")) continue;
            status = push(prompts, capacity, list[i], c->words[w], row, w);
        }
    }
    return status;
}

/* Things of the background that are classes of their own here are no background. */
static int names_a_class(const glimpse_classes *classes, const char *text) {
    for (size_t k = 0; k < glimpse_classes_count(classes); k++) {
        const glimpse_class *c = glimpse_classes_get(classes, k);
        const char *slash = strrchr(c->name, '/');
        if (strcasecmp(c->name, text) == 0) return 1;
        if (slash && strcasecmp(slash + 1, text) == 0) return 1;
        for (size_t w = 0; w < c->word_count; w++) {
            if (strcasecmp(c->words[w], text) == 0) return 1;
        }
    }
    return 0;
}

static int is_whole_prompt(const char *text) {
    size_t length = strlen(text);
    return length > 0 && text[length - 1] == '.';
}

int glimpse_prompts_create(glimpse_prompts *out, const glimpse_classes *classes,
                           const char *const *templates, size_t template_count,
                           const char *const *background, size_t background_count) {
    size_t capacity = 0, count = glimpse_classes_count(classes);
    int status = GLIMPSE_OK;
    *out = (glimpse_prompts){.rows = count};
    if (template_count == 0) {
        templates = plain_template;
        template_count = 1;
    }
    for (size_t i = 0; i < template_count; i++) {
        if (!strstr(templates[i], "{}")) {
            return glimpse_fail(GLIMPSE_E_INVALID,
                                "the template \"%.80s\" has no {} where the class name goes",
                                templates[i]);
        }
    }
    for (size_t k = 0; k < count && status == GLIMPSE_OK; k++) {
        status = push_class(out, &capacity, glimpse_classes_get(classes, k), k, templates,
                            template_count);
    }
    for (size_t i = 0; i < background_count && status == GLIMPSE_OK; i++) {
        if (names_a_class(classes, background[i])) continue;
        if (is_whole_prompt(background[i])) {
            status = push(out, &capacity, background[i], "", out->rows, 0);
        } else {
            for (size_t t = 0; t < template_count && status == GLIMPSE_OK; t++)
                status = push(out, &capacity, templates[t], background[i], out->rows, 0);
        }
        out->rows++;
    }
    if (status < 0) glimpse_prompts_free(out);
    return status;
}

/* Scales `sum` to unit length into `unit`; 0 when it has no direction. */
static int to_unit(double *unit, const double *sum, size_t width) {
    double norm = 0;
    for (size_t j = 0; j < width; j++)
        norm += sum[j] * sum[j];
    norm = sqrt(norm);
    if (!(norm > 1e-6) || !isfinite(norm)) return 0;
    for (size_t j = 0; j < width; j++)
        unit[j] = sum[j] / norm;
    return 1;
}

/* The sums of one word and of one row while prompts go by. */
typedef struct sums {
    double *word, *row, *unit; /* [width] each */
    size_t width;
} sums;

/* Called with each prompt's unit embedding; `last_of_word`, `last_of_row` say what it ends. */
static int add_prompt(sums *s, const float *embedding, int last_of_word, int last_of_row,
                      float *out) {
    for (size_t j = 0; j < s->width; j++)
        s->word[j] += (double)embedding[j];
    if (last_of_word) {
        if (!to_unit(s->unit, s->word, s->width)) return 0;
        for (size_t j = 0; j < s->width; j++)
            s->row[j] += s->unit[j];
        memset(s->word, 0, s->width * sizeof *s->word);
    }
    if (last_of_row) {
        if (!to_unit(s->unit, s->row, s->width)) return 0;
        for (size_t j = 0; j < s->width; j++)
            out[j] = (float)s->unit[j];
        memset(s->row, 0, s->width * sizeof *s->row);
    }
    return 1;
}

int glimpse_prompts_embed(const glimpse_prompts *prompts, glimpse_encoder *encoder, size_t width,
                          const char *const *names, size_t class_count, float *rows) {
    const char *texts[TEXTS_AT_ONCE];
    int cut[TEXTS_AT_ONCE], status = GLIMPSE_OK;
    double *sum = calloc(3 * width, sizeof *sum);
    float *units = calloc(TEXTS_AT_ONCE * width, sizeof *units);
    if (!sum || !units) {
        status = glimpse_fail_nomem(TEXTS_AT_ONCE * width * sizeof *units, "prompts");
        goto done;
    }
    sums s = {sum, sum + width, sum + 2 * width, width};
    for (size_t first = 0; status == GLIMPSE_OK && first < prompts->count; first += TEXTS_AT_ONCE) {
        size_t left = prompts->count - first, n = left < TEXTS_AT_ONCE ? left : TEXTS_AT_ONCE;
        for (size_t i = 0; i < n; i++)
            texts[i] = prompts->items[first + i].text;
        memset(cut, 0, sizeof cut);
        status = glimpse_encoder_texts(units, cut, encoder, texts, n, 0);
        for (size_t i = 0; status == GLIMPSE_OK && i < n; i++) {
            const glimpse_prompt *p = &prompts->items[first + i];
            const glimpse_prompt *next = first + i + 1 < prompts->count ? p + 1 : NULL;
            int ends_row = !next || next->row != p->row;
            const char *name = p->row < class_count ? names[p->row] : "none of these";
            if (cut[i]) {
                status = glimpse_fail(GLIMPSE_E_LIMIT,
                                      "the prompt \"%.80s\" of the class \"%.60s\" is longer than "
                                      "the model can read",
                                      p->text, name);
            } else if (!add_prompt(&s, units + i * width, ends_row || next->word != p->word,
                                   ends_row, rows + p->row * width)) {
                status = glimpse_fail(GLIMPSE_E_INVALID,
                                      "the prompts of the class \"%.60s\" cancel out", name);
            }
        }
    }
done:
    free(units);
    free(sum);
    return status;
}
