/*
 * relevance.c - measures a background, and judges queries by it.
 */
#include "relevance.h"

#include "core/error.h"
#include "math/half.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The constants, fixed on one half of the demo's concepts (docs/relevance.md).
 */
static const double text_offset = -5.8, text_top = 1.7, text_place = 1.1, text_explained = 0.17;
static const double picture_offset = 0.0, picture_top = 0.8, picture_place = 0.5;
enum { SHARPNESS = 6 }; /* how much the prompts that explain a picture best count */

/* Where all pictures are alike deviations come to nothing. */
static const double min_spread = 0.005;
/* A picture that is as near as this to a reference is the same one, edited. */
static const double same_picture = 0.98;

static double dot(const float *a, const float *b, size_t n) {
    float sums[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        for (size_t j = 0; j < 8; j++)
            sums[j] += a[i + j] * b[i + j];
    }
    for (; i < n; i++)
        sums[i % 8] += a[i] * b[i];
    return (double)(((sums[0] + sums[4]) + (sums[1] + sums[5])) +
                    ((sums[2] + sums[6]) + (sums[3] + sums[7])));
}

int glimpse_background_create(glimpse_background **out, size_t dim, size_t prompt_count) {
    glimpse_background *b = calloc(1, sizeof *b);
    *out = NULL;
    if (b) {
        b->dim = dim;
        b->prompt_count = prompt_count;
        b->prompts = calloc(prompt_count + 1, dim * sizeof *b->prompts);
        b->scores = calloc(prompt_count + 1, sizeof *b->scores);
        b->mean = calloc(dim + 1, sizeof *b->mean);
    }
    if (!b || !b->prompts || !b->scores || !b->mean) {
        glimpse_background_free(b);
        return glimpse_fail_nomem(prompt_count * dim * sizeof(float), "a background");
    }
    *out = b;
    return GLIMPSE_OK;
}

void glimpse_background_free(glimpse_background *background) {
    if (!background) return;
    free(background->prompts);
    free(background->scores);
    free(background->mean);
    free(background);
}

int glimpse_background_is_current(const glimpse_background *background, uint64_t pictures) {
    const uint64_t then = background->pictures;
    const uint64_t change = pictures > then ? pictures - then : then - pictures;
    return then > 0 && change <= then / 10;
}

/*
 * Measuring.
 */
typedef struct sample {
    float *rows; /* [count][dim] */
    size_t count, dim;
    double doublings; /* how many times the library is as large as the sample, as a power of 2 */
} sample;

/* Spread evenly over the rows, which are in the order in which pictures came. */
static int load_sample(sample *out, const glimpse_store_ops *ops, const glimpse_vectors *vectors,
                       size_t dim) {
    const size_t total = ops->vectors.count(vectors);
    size_t count = total < GLIMPSE_BACKGROUND_SAMPLE ? total : GLIMPSE_BACKGROUND_SAMPLE;
    int status = GLIMPSE_OK;
    *out = (sample){malloc((count + 1) * dim * sizeof(float)), count, dim, 0};
    if (!out->rows) return glimpse_fail_nomem(count * dim * sizeof(float), "a sample");
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status =
            ops->vectors.row(out->rows + i * dim, vectors, (int64_t)((uint64_t)i * total / count));
    if (count > 0) out->doublings = log2((double)total / (double)count);
    return status;
}

/* Sums over queries, for a scale. */
typedef struct tally {
    double squares, tops, top_squares, growth;
    size_t count;
} tally;

/* One query's scores over the sample. The best of twice as many pictures is better by as much as
 * the best of all is better than those of the halves: so the best of the whole library is told
 * from a sample. */
static void add_query(tally *t, glimpse_prompt_scores *scores, const sample *s, const float *query,
                      size_t itself) {
    double sum = 0, squares = 0, tops[2] = {-1, -1};
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (i == itself) continue;
        double score = dot(query, s->rows + i * s->dim, s->dim);
        if (itself < s->count && score > same_picture) continue;
        sum += score;
        squares += score * score;
        if (score > tops[i % 2]) tops[i % 2] = score;
        count++;
    }
    if (count == 0) return;
    const double mean = sum / (double)count, top = fmax(tops[0], tops[1]);
    const double variance = fmax(squares / (double)count - mean * mean, 0.0);
    t->squares += variance;
    t->tops += top;
    t->top_squares += top * top;
    t->growth += top - (tops[0] + tops[1]) / 2;
    t->count++;
    if (scores) *scores = (glimpse_prompt_scores){(float)mean, (float)sqrt(variance), (float)top};
}

static glimpse_background_scale scale_of(const tally *t, double doublings) {
    glimpse_background_scale scale = {1.0, 1.0, 1.0};
    if (t->count == 0) return scale;
    const double n = (double)t->count, mean = t->tops / n;
    scale.top = mean + doublings * t->growth / n;
    scale.spread = fmax(sqrt(fmax(t->top_squares / n - mean * mean, 0.0)), min_spread);
    scale.width = fmax(sqrt(t->squares / n), scale.spread);
    return scale;
}

int glimpse_background_measure(glimpse_background *b, glimpse_store *store,
                               const glimpse_vectors *vectors) {
    sample s;
    tally texts = {0}, references = {0};
    int status = load_sample(&s, store->ops, vectors, b->dim);
    if (status == GLIMPSE_OK) {
        memset(b->mean, 0, b->dim * sizeof *b->mean);
        for (size_t i = 0; i < s.count; i++) {
            for (size_t k = 0; k < b->dim; k++)
                b->mean[k] += s.rows[i * b->dim + k] / (float)s.count;
        }
        for (size_t p = 0; p < b->prompt_count; p++)
            add_query(&texts, &b->scores[p], &s, b->prompts + p * b->dim, SIZE_MAX);
        const size_t count =
            s.count < GLIMPSE_BACKGROUND_REFERENCES ? s.count : GLIMPSE_BACKGROUND_REFERENCES;
        for (size_t i = 0; i < count; i++) {
            const size_t row = i * s.count / count;
            add_query(&references, NULL, &s, s.rows + row * b->dim, row);
        }
        b->texts = scale_of(&texts, s.doublings);
        b->references = scale_of(&references, s.doublings);
        b->pictures = store->ops->vectors.count(vectors);
    }
    free(s.rows);
    return status;
}

/*
 * As bytes, little-endian: version, dim, prompt_count (u32 each), pictures (u64), the two scales
 * (f64), mean (f32), reach (f32), prompts (f16).
 */
enum { PACK_VERSION = 1, PACK_HEAD = 3 * 4 + 8 + 6 * 8 };

static uint8_t *write_number(uint8_t *to, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

static const uint8_t *read_number(uint64_t *value, const uint8_t *from, size_t bytes) {
    *value = 0;
    for (size_t i = 0; i < bytes; i++)
        *value |= (uint64_t)*from++ << 8 * i;
    return from;
}

static uint8_t *write_floats(uint8_t *to, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        to = write_number(to, glimpse_bits_of_float(values[i]), 4);
    return to;
}

static const uint8_t *read_floats(float *values, const uint8_t *from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        from = read_number(&bits, from, 4);
        values[i] = glimpse_float_from_bits((uint32_t)bits);
    }
    return from;
}

static size_t packed_size(size_t dim, size_t prompt_count) {
    return PACK_HEAD + 4 * dim + prompt_count * (3 * 4 + 2 * dim);
}

int glimpse_background_pack(void **data, size_t *size, const glimpse_background *b) {
    const double scales[6] = {b->texts.width,      b->texts.top,      b->texts.spread,
                              b->references.width, b->references.top, b->references.spread};
    *size = packed_size(b->dim, b->prompt_count);
    uint8_t *to = *data = malloc(*size);
    if (!to) return glimpse_fail_nomem(*size, "a background");
    to = write_number(to, PACK_VERSION, 4);
    to = write_number(to, b->dim, 4);
    to = write_number(to, b->prompt_count, 4);
    to = write_number(to, b->pictures, 8);
    for (size_t i = 0; i < 6; i++) {
        uint64_t bits = 0;
        memcpy(&bits, &scales[i], sizeof bits);
        to = write_number(to, bits, 8);
    }
    to = write_floats(to, b->mean, b->dim);
    for (size_t p = 0; p < b->prompt_count; p++) {
        const float scores[3] = {b->scores[p].mean, b->scores[p].deviation, b->scores[p].top};
        to = write_floats(to, scores, 3);
    }
    glimpse_f16_store(to, b->prompts, b->prompt_count * b->dim);
    return GLIMPSE_OK;
}

int glimpse_background_unpack(glimpse_background **out, const void *data, size_t size, size_t dim) {
    const uint8_t *from = data;
    uint64_t version = 0, width = 0, prompts = 0, pictures = 0;
    double scales[6];
    int status = GLIMPSE_E_FORMAT, sound = 1;
    *out = NULL;
    if (size < PACK_HEAD) return glimpse_fail(status, "a background that is cut off");
    from = read_number(&version, from, 4);
    from = read_number(&width, from, 4);
    from = read_number(&prompts, from, 4);
    from = read_number(&pictures, from, 8);
    if (version != PACK_VERSION || width != dim || prompts > size ||
        size != packed_size(dim, (size_t)prompts)) {
        return glimpse_fail(status, "a background of another version, or of another model");
    }
    for (size_t i = 0; i < 6; i++) {
        uint64_t bits = 0;
        from = read_number(&bits, from, 8);
        memcpy(&scales[i], &bits, sizeof bits);
        sound = sound && isfinite(scales[i]) && (i % 3 == 1 || scales[i] > 0);
    }
    if (!sound) return glimpse_fail(status, "a background of numbers that cannot be");
    status = glimpse_background_create(out, dim, (size_t)prompts);
    if (status < 0) return status;
    glimpse_background *b = *out;
    b->pictures = pictures;
    b->texts = (glimpse_background_scale){scales[0], scales[1], scales[2]};
    b->references = (glimpse_background_scale){scales[3], scales[4], scales[5]};
    from = read_floats(b->mean, from, dim);
    for (size_t p = 0; p < b->prompt_count; p++) {
        float scores[3];
        from = read_floats(scores, from, 3);
        b->scores[p] = (glimpse_prompt_scores){scores[0], scores[1], scores[2]};
    }
    glimpse_f16_load(b->prompts, from, b->prompt_count * dim);
    return GLIMPSE_OK;
}

/*
 * Judging.
 */
/* The log of the mean over the prompts of how much better each explains the picture than the query
 * does, in widths: well below 0 where none does. `row` is the picture's. */
static double explained(const glimpse_background *b, const float *row, double score) {
    double sum = 0;
    for (size_t p = 0; p < b->prompt_count; p++) {
        double better = (dot(b->prompts + p * b->dim, row, b->dim) - score) / b->texts.width;
        sum += exp(fmin(SHARPNESS * better, 60.0));
    }
    return log(fmax(sum / (double)b->prompt_count, 1e-30));
}

static int best_picture(double *score, float *row, const glimpse_background *b,
                        const glimpse_store_ops *ops, const glimpse_vectors *vectors,
                        const float *query) {
    glimpse_vector_hit hit;
    int status = ops->vectors.search(&hit, vectors, query, 1);
    if (status == GLIMPSE_OK) status = ops->vectors.row(row, vectors, hit.row);
    if (status == GLIMPSE_OK) *score = dot(query, row, b->dim);
    return status;
}

int glimpse_relevance_judge(glimpse_relevance *out, const glimpse_background *b,
                            glimpse_store *store, const glimpse_vectors *vectors,
                            const float *query, double pictures) {
    const glimpse_background_scale *t = &b->texts, *r = &b->references;
    const double mean = dot(query, b->mean, b->dim);
    *out = (glimpse_relevance){0};
    if (pictures < 1.0) {
        double score = 0;
        float *row = malloc(b->dim * sizeof *row);
        if (!row) return glimpse_fail_nomem(b->dim * sizeof *row, "a picture's embedding");
        int status = best_picture(&score, row, b, store->ops, vectors, query);
        const double e = status == GLIMPSE_OK ? explained(b, row, score) : 0;
        free(row);
        if (status < 0) return status;
        out->slope += (1 - pictures) * (text_top / t->spread + text_place / t->width);
        out->offset += (1 - pictures) * (text_offset - text_top * t->top / t->spread -
                                         text_place * mean / t->width - text_explained * e);
    }
    if (pictures > 0.0) {
        out->slope += pictures * (picture_top / r->spread + picture_place / r->width);
        out->offset += pictures * (picture_offset - picture_top * r->top / r->spread -
                                   picture_place * mean / r->width);
    }
    return GLIMPSE_OK;
}

double glimpse_relevance_of(const glimpse_relevance *relevance, double score) {
    return 1.0 / (1.0 + exp(-(relevance->offset + relevance->slope * score)));
}

double glimpse_relevance_score(const glimpse_relevance *relevance, double cutoff) {
    if (cutoff <= 0.0) return -2.0;
    if (cutoff >= 1.0) return 2.0;
    return (log(cutoff / (1.0 - cutoff)) - relevance->offset) / relevance->slope;
}
