/*
 * relevance.c - measures a background, and judges queries by it.
 */
#include "relevance.h"

#include "core/error.h"
#include "math/half.h"
#include "numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The constants, fixed on one half of the demo's concepts (docs/relevance.md).
 */
static const double text_offset = -2.05, text_size = 0.75, text_height = 4.0, text_place = 0.6;
static const double text_explained = 0.3;
static const double picture_offset = -0.5, picture_size = 0.4, picture_height = 4.0;
static const double picture_place = 2.0;
static const double typical_share = 0.75; /* of the reference that a best score is held against */
static const double slope = 3.5;          /* from the best picture down, for each width */
enum {
    SHARPNESS = 6,  /* how much the prompts that explain a picture best count */
    EXPLAINERS = 10 /* so many prompts explain a picture better than what is typical of it */
};

/* Where all pictures are alike deviations come to nothing. */
static const double min_width = 0.005;
/* A picture that is as near as this to another is the same one, edited. */
static const double same_picture = 0.98;
enum { CANDIDATES = 16, SAMPLE_ROWS = 2 * GLIMPSE_BACKGROUND_SAMPLE };

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

static int is_near(uint64_t now, uint64_t then) {
    const uint64_t change = now > then ? now - then : then - now;
    return change <= then / 10;
}

int glimpse_background_is_current(const glimpse_background *background, uint64_t pictures,
                                  uint64_t parts) {
    return background->pictures > 0 && is_near(pictures, background->pictures) &&
           is_near(parts, background->parts);
}

/*
 * Measuring.
 */
typedef struct sample {
    float *rows;   /* [row_count][dim] */
    size_t *first; /* [count + 1] a picture's rows: its own, then those of its parts */
    size_t count, row_count, row_capacity, dim;
    double doublings; /* how many times the library is as large as the sample, as a power of 2 */
} sample;

static void free_sample(sample *s) {
    free(s->rows);
    free(s->first);
}

static int create_sample(sample *s, size_t count, size_t dim) {
    *s = (sample){.rows = malloc((count + 1) * dim * sizeof(float)),
                  .first = calloc(count + 1, sizeof(size_t)),
                  .row_capacity = count + 1,
                  .dim = dim};
    if (s->rows && s->first) return GLIMPSE_OK;
    free_sample(s);
    *s = (sample){0};
    return glimpse_fail_nomem(count * dim * sizeof(float), "a sample");
}

static int add_row(sample *s, const glimpse_store_ops *ops, const glimpse_vectors *vectors,
                   int64_t row) {
    if (s->row_count == s->row_capacity) {
        const size_t capacity = 2 * s->row_capacity;
        float *grown = realloc(s->rows, capacity * s->dim * sizeof *grown);
        if (!grown) return glimpse_fail_nomem(capacity * s->dim * sizeof *grown, "a sample");
        s->rows = grown;
        s->row_capacity = capacity;
    }
    return ops->vectors.row(s->rows + s->row_count++ * s->dim, vectors, row);
}

static void end_picture(sample *s) {
    s->first[++s->count] = s->row_count;
}

/* Spread evenly over the rows, which are in the order in which pictures came. */
static int load_wholes(sample *s, const glimpse_searched *in, size_t dim) {
    const size_t total = in->ops->vectors.count(in->wholes);
    size_t count = total < GLIMPSE_BACKGROUND_SAMPLE ? total : GLIMPSE_BACKGROUND_SAMPLE;
    int status = create_sample(s, count, dim);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        status = add_row(s, in->ops, in->wholes, (int64_t)((uint64_t)i * total / count));
        end_picture(s);
    }
    return status;
}

typedef struct id_list {
    int64_t *ids;
    size_t count, capacity;
} id_list;

static int add_id(void *user, const glimpse_store_parts *picture) {
    id_list *list = user;
    if (list->count < list->capacity) list->ids[list->count++] = picture->picture;
    return GLIMPSE_OK;
}

static int compare_ids(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

typedef struct part_rows {
    sample *sample;
    const glimpse_searched *in;
} part_rows;

static int add_part_row(void *user, uint32_t part, int64_t row) {
    part_rows *p = user;
    (void)part;
    return add_row(p->sample, p->in->ops, p->in->parts, row);
}

/* Likewise over the pictures, with their parts: as many as have a number of rows in all. */
static int load_with_parts(sample *s, const glimpse_searched *in, size_t dim) {
    const size_t total = in->ops->vectors.count(in->wholes);
    const size_t rows = total + in->ops->vectors.count(in->parts);
    size_t count = rows <= SAMPLE_ROWS ? total : (size_t)((uint64_t)total * SAMPLE_ROWS / rows);
    id_list list = {malloc((total + 1) * sizeof *list.ids), 0, total};
    if (!list.ids) return glimpse_fail_nomem(total * sizeof *list.ids, "a sample");
    int status = in->ops->picture_parts.list(in->store, in->model, add_id, &list);
    if (count > list.count) count = list.count;
    if (status == GLIMPSE_OK) status = create_sample(s, count, dim);
    if (status == GLIMPSE_OK && list.count > 0) {
        qsort(list.ids, list.count, sizeof *list.ids, compare_ids);
    }
    part_rows parts = {s, in};
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const int64_t id = list.ids[(uint64_t)i * list.count / count];
        int64_t row = -1;
        status = in->ops->vectors.find(&row, in->wholes, id);
        if (status < 0 || row < 0) continue;
        status = add_row(s, in->ops, in->wholes, row);
        if (status == GLIMPSE_OK) {
            status = in->ops->picture_parts.rows(in->parts, id, add_part_row, &parts);
        }
        end_picture(s);
    }
    free(list.ids);
    return status;
}

static int load_sample(sample *s, const glimpse_searched *in, size_t dim) {
    *s = (sample){0};
    int status = in->parts ? load_with_parts(s, in, dim) : load_wholes(s, in, dim);
    if (status == GLIMPSE_OK && s->count > 0) {
        s->doublings = log2((double)in->ops->vectors.count(in->wholes) / (double)s->count);
    }
    return status;
}

/* As a search scores a picture. */
static double part_score(double part, double whole) {
    return whole + (1.0 - GLIMPSE_TILE_CONTEXT) * (part - whole);
}

static double sample_score(double *whole, const sample *s, size_t picture, const float *query) {
    const size_t first = s->first[picture];
    double best = *whole = dot(query, s->rows + first * s->dim, s->dim);
    for (size_t i = first + 1; i < s->first[picture + 1]; i++)
        best = fmax(best, part_score(dot(query, s->rows + i * s->dim, s->dim), *whole));
    return best;
}

/* Sums over queries, for a scale. */
typedef struct tally {
    double squares, growth, lift;
    float *tops; /* [count] */
    size_t count;
} tally;

/* The scores of the prompts that explain a picture best, best first. */
typedef struct explainers {
    float scores[EXPLAINERS];
} explainers;

static void add_explainer(explainers *e, float score) {
    size_t at = EXPLAINERS;
    for (; at > 0 && e->scores[at - 1] < score; at--) {
        if (at < EXPLAINERS) e->scores[at] = e->scores[at - 1];
    }
    if (at < EXPLAINERS) e->scores[at] = score;
}

/* One query's scores over the sample. The best of twice as many pictures is better by as much as
 * the best of all is better than those of the halves: so the best of the whole library is told
 * from a sample. `itself` is the picture that the query is, SIZE_MAX: none. `explained` [s->count]
 * may be NULL. */
static void add_query(tally *t, glimpse_prompt_scores *scores, explainers *explained,
                      const sample *s, const float *query, size_t itself) {
    double sum = 0, squares = 0, lift = 0, tops[2] = {-1, -1};
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (i == itself) continue;
        double whole = 0, score = sample_score(&whole, s, i, query);
        if (itself < s->count && whole > same_picture) continue;
        if (explained) add_explainer(&explained[i], (float)score);
        sum += score;
        squares += score * score;
        lift += score - whole;
        if (score > tops[i % 2]) tops[i % 2] = score;
        count++;
    }
    if (count == 0) return;
    const double mean = sum / (double)count, top = fmax(tops[0], tops[1]);
    const double variance = fmax(squares / (double)count - mean * mean, 0.0);
    t->squares += variance;
    t->lift += lift / (double)count;
    t->growth += top - (tops[0] + tops[1]) / 2;
    t->tops[t->count++] = (float)top;
    if (scores) *scores = (glimpse_prompt_scores){(float)mean, (float)sqrt(variance), (float)top};
}

static int compare_floats(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Sorts. A median, not a mean: some of the prompts are in the library, and count no more than the
 * others. */
static double median(float *values, size_t count) {
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, compare_floats);
    return ((double)values[(count - 1) / 2] + (double)values[count / 2]) / 2;
}

static glimpse_background_scale scale_of(const tally *t, double doublings) {
    glimpse_background_scale scale = {.width = 1.0, .top = 1.0, .typical = 1.0};
    if (t->count == 0) return scale;
    const double n = (double)t->count;
    scale.top = median(t->tops, t->count) + doublings * t->growth / n;
    scale.typical = scale.top;
    scale.width = fmax(sqrt(t->squares / n), min_width);
    scale.lift = t->lift / n;
    return scale;
}

static void measure_texts(glimpse_background *b, const sample *s, tally *t, explainers *explained,
                          float *typical) {
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < EXPLAINERS; k++)
            explained[i].scores[k] = -1;
    }
    for (size_t p = 0; p < b->prompt_count; p++)
        add_query(t, &b->scores[p], explained, s, b->prompts + p * b->dim, SIZE_MAX);
    b->texts = scale_of(t, s->doublings);
    if (b->prompt_count == 0) return;
    const size_t last = (b->prompt_count < EXPLAINERS ? b->prompt_count : EXPLAINERS) - 1;
    for (size_t i = 0; i < s->count; i++)
        typical[i] = explained[i].scores[last];
    b->texts.typical = median(typical, s->count);
}

static void measure_references(glimpse_background *b, const sample *s, tally *t) {
    const size_t count =
        s->count < GLIMPSE_BACKGROUND_REFERENCES ? s->count : GLIMPSE_BACKGROUND_REFERENCES;
    for (size_t i = 0; i < count; i++) {
        const size_t picture = i * s->count / count;
        add_query(t, NULL, NULL, s, s->rows + s->first[picture] * s->dim, picture);
    }
    b->references = scale_of(t, s->doublings);
}

int glimpse_background_measure(glimpse_background *b, const glimpse_searched *in) {
    sample s;
    tally texts = {0}, references = {0};
    explainers *explained = NULL;
    float *typical = NULL;
    int status = load_sample(&s, in, b->dim);
    if (status == GLIMPSE_OK) {
        texts.tops = malloc((b->prompt_count + 1) * sizeof *texts.tops);
        references.tops = malloc((s.count + 1) * sizeof *references.tops);
        explained = malloc((s.count + 1) * sizeof *explained);
        typical = malloc((s.count + 1) * sizeof *typical);
        if (!texts.tops || !references.tops || !explained || !typical) {
            status = glimpse_fail_nomem(s.count * sizeof *explained, "a background");
        }
    }
    if (status == GLIMPSE_OK) {
        memset(b->mean, 0, b->dim * sizeof *b->mean);
        for (size_t i = 0; i < s.count; i++) {
            for (size_t k = 0; k < b->dim; k++)
                b->mean[k] += s.rows[s.first[i] * b->dim + k] / (float)s.count;
        }
        measure_texts(b, &s, &texts, explained, typical);
        measure_references(b, &s, &references);
        b->pictures = in->ops->vectors.count(in->wholes);
        b->parts = in->parts ? in->ops->vectors.count(in->parts) : 0;
    }
    free(texts.tops);
    free(references.tops);
    free(explained);
    free(typical);
    free_sample(&s);
    return status;
}

/*
 * As bytes, little-endian: version, dim, prompt_count (u32 each), pictures, parts (u64), the two
 * scales (f64), mean (f32), scores of the prompts (f32), prompts (f16).
 */
enum { PACK_VERSION = 2, SCALES = 8, PACK_HEAD = 3 * 4 + 2 * 8 + SCALES * 8 };

static uint8_t *write_floats(uint8_t *to, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        to = glimpse_number_write(to, glimpse_bits_of_float(values[i]), 4);
    return to;
}

static const uint8_t *read_floats(float *values, const uint8_t *from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        from = glimpse_number_read(&bits, from, 4);
        values[i] = glimpse_float_from_bits((uint32_t)bits);
    }
    return from;
}

static size_t packed_size(size_t dim, size_t prompt_count) {
    return PACK_HEAD + 4 * dim + prompt_count * (3 * 4 + 2 * dim);
}

int glimpse_background_pack(void **data, size_t *size, const glimpse_background *b) {
    const double scales[SCALES] = {b->texts.width,        b->texts.top,        b->texts.typical,
                                   b->texts.lift,         b->references.width, b->references.top,
                                   b->references.typical, b->references.lift};
    *size = packed_size(b->dim, b->prompt_count);
    uint8_t *to = *data = malloc(*size);
    if (!to) return glimpse_fail_nomem(*size, "a background");
    to = glimpse_number_write(to, PACK_VERSION, 4);
    to = glimpse_number_write(to, b->dim, 4);
    to = glimpse_number_write(to, b->prompt_count, 4);
    to = glimpse_number_write(to, b->pictures, 8);
    to = glimpse_number_write(to, b->parts, 8);
    for (size_t i = 0; i < SCALES; i++) {
        uint64_t bits = 0;
        memcpy(&bits, &scales[i], sizeof bits);
        to = glimpse_number_write(to, bits, 8);
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
    uint64_t version = 0, width = 0, prompts = 0, pictures = 0, parts = 0;
    double scales[SCALES];
    int status = GLIMPSE_E_FORMAT, sound = 1;
    *out = NULL;
    if (size < PACK_HEAD) return glimpse_fail(status, "a background that is cut off");
    from = glimpse_number_read(&version, from, 4);
    from = glimpse_number_read(&width, from, 4);
    from = glimpse_number_read(&prompts, from, 4);
    from = glimpse_number_read(&pictures, from, 8);
    from = glimpse_number_read(&parts, from, 8);
    if (version != PACK_VERSION || width != dim || prompts > size ||
        size != packed_size(dim, (size_t)prompts)) {
        return glimpse_fail(status, "a background of another version, or of another model");
    }
    for (size_t i = 0; i < SCALES; i++) {
        uint64_t bits = 0;
        from = glimpse_number_read(&bits, from, 8);
        memcpy(&scales[i], &bits, sizeof bits);
        sound = sound && isfinite(scales[i]) && (i % 4 > 0 || scales[i] > 0);
    }
    if (!sound) return glimpse_fail(status, "a background of numbers that cannot be");
    status = glimpse_background_create(out, dim, (size_t)prompts);
    if (status < 0) return status;
    glimpse_background *b = *out;
    b->pictures = pictures;
    b->parts = parts;
    b->texts = (glimpse_background_scale){scales[0], scales[1], scales[2], scales[3]};
    b->references = (glimpse_background_scale){scales[4], scales[5], scales[6], scales[7]};
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
 * does, in widths: well below 0 where none does. */
static double explained(const glimpse_background *b, const float *vector, const float *whole,
                        double score) {
    double sum = 0;
    for (size_t p = 0; p < b->prompt_count; p++) {
        const float *prompt = b->prompts + p * b->dim;
        double cosine = fmax(dot(prompt, vector, b->dim), dot(prompt, whole, b->dim));
        double better = (cosine - score) / b->texts.width;
        sum += exp(fmin(SHARPNESS * better, 60.0));
    }
    return log(fmax(sum / (double)b->prompt_count, 1e-30));
}

/* The cosine with a picture of the prompts that explain the query best: it in words. */
static double in_words(const glimpse_background *b, const float *query, const float *picture) {
    double top = -1, weights = 0, sum = 0;
    for (size_t p = 0; p < b->prompt_count; p++)
        top = fmax(top, dot(b->prompts + p * b->dim, query, b->dim));
    for (size_t p = 0; p < b->prompt_count; p++) {
        const float *prompt = b->prompts + p * b->dim;
        const double weight = exp(SHARPNESS * (dot(prompt, query, b->dim) - top) / b->texts.width);
        weights += weight;
        sum += weight * dot(prompt, picture, b->dim);
    }
    return weights > 0 ? sum / weights : 0;
}

/* The picture of the library that scores best, as the vector whose product with the query is that
 * score: its own embedding, or for the greater part that of a tile. */
typedef struct best_picture {
    const glimpse_searched *in;
    const float *query;
    size_t dim;
    int64_t excluded;                   /* no picture: 0 */
    int without_copies;                 /* of the picture that the query is */
    double score;                       /* -INFINITY: none yet */
    float *vector, *whole, *row, *part; /* [dim] each */
} best_picture;

static int try_picture(best_picture *best, int64_t content, int64_t row, int64_t part_row) {
    const glimpse_store_ops *ops = best->in->ops;
    int status = GLIMPSE_OK;
    if (best->excluded && content == best->excluded) return GLIMPSE_OK;
    if (row < 0) status = ops->vectors.find(&row, best->in->wholes, content);
    if (status < 0 || row < 0) return status;
    status = ops->vectors.row(best->row, best->in->wholes, row);
    if (status < 0) return status;
    const double whole = dot(best->query, best->row, best->dim);
    if (best->without_copies && whole > same_picture) return GLIMPSE_OK;
    double score = whole;
    if (part_row >= 0) {
        status = ops->vectors.row(best->part, best->in->parts, part_row);
        if (status < 0) return status;
        score = part_score(dot(best->query, best->part, best->dim), whole);
    }
    if (score <= best->score) return GLIMPSE_OK;
    best->score = score;
    memcpy(best->whole, best->row, best->dim * sizeof *best->whole);
    for (size_t k = 0; k < best->dim; k++) {
        best->vector[k] = part_row < 0
                              ? best->row[k]
                              : (float)part_score((double)best->part[k], (double)best->row[k]);
    }
    return GLIMPSE_OK;
}

/* Among the nearest pictures and the nearest tiles. */
static int find_best(best_picture *best) {
    const glimpse_store_ops *ops = best->in->ops;
    glimpse_vector_hit hits[CANDIDATES];
    const glimpse_vectors *const sets[2] = {best->in->wholes, best->in->parts};
    int status = GLIMPSE_OK;
    best->score = -INFINITY;
    for (size_t set = 0; set < 2 && sets[set] && status == GLIMPSE_OK; set++) {
        const size_t total = ops->vectors.count(sets[set]);
        const size_t count = total < CANDIDATES ? total : CANDIDATES;
        if (count > 0) status = ops->vectors.search(hits, sets[set], best->query, count);
        for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
            status = set == 0 ? try_picture(best, hits[i].content, hits[i].row, -1)
                              : try_picture(best, glimpse_part_key_picture(hits[i].content), -1,
                                            hits[i].row);
        }
    }
    return status;
}

/* The logit of the best picture: of words, then of a picture. */
static double judge_text(const glimpse_background *b, const best_picture *best,
                         const float *wordings) {
    const glimpse_background_scale *t = &b->texts;
    const double reference = typical_share * t->typical + (1 - typical_share) * t->top;
    const double mean = dot(best->query, b->mean, b->dim) + t->lift;
    const double score = dot(wordings, best->vector, b->dim);
    return text_offset - text_size * log((double)b->pictures) +
           text_height * (score - reference) / t->width + text_place * (score - mean) / t->width -
           text_explained * explained(b, best->vector, best->whole, score);
}

static double judge_picture(const glimpse_background *b, const best_picture *best) {
    const glimpse_background_scale *t = &b->texts, *r = &b->references;
    const double reference = typical_share * t->typical + (1 - typical_share) * t->top;
    const double mean = dot(best->query, b->mean, b->dim) + r->lift;
    return picture_offset - picture_size * log((double)b->pictures) +
           picture_height * (in_words(b, best->query, best->vector) - reference) / t->width +
           picture_place * (best->score - (r->top + mean) / 2) / r->width;
}

int glimpse_relevance_judge(glimpse_relevance *out, const glimpse_background *b,
                            const glimpse_searched *in, const glimpse_relevance_query *query) {
    const double pictures = query->pictures;
    best_picture best = {.in = in,
                         .query = query->vector,
                         .dim = b->dim,
                         .excluded = query->excluded,
                         .without_copies = pictures > 0};
    *out = (glimpse_relevance){0};
    float *rows = calloc(4, b->dim * sizeof *rows);
    if (!rows) return glimpse_fail_nomem(4 * b->dim * sizeof *rows, "a picture's embedding");
    best.vector = rows;
    best.row = rows + b->dim;
    best.part = rows + 2 * b->dim;
    best.whole = rows + 3 * b->dim;
    int status = find_best(&best);
    if (status == GLIMPSE_OK && !isfinite(best.score)) { /* nothing but copies */
        best.score = 0;
    }
    if (status == GLIMPSE_OK && pictures < 1.0) {
        const double down = slope / b->texts.width;
        out->slope += (1 - pictures) * down;
        out->offset += (1 - pictures) * (judge_text(b, &best, query->wordings) - down * best.score);
    }
    if (status == GLIMPSE_OK && pictures > 0.0) {
        const double down = slope / b->references.width;
        out->slope += pictures * down;
        out->offset += pictures * (judge_picture(b, &best) - down * best.score);
    }
    free(rows);
    return status;
}

double glimpse_relevance_of(const glimpse_relevance *relevance, double score) {
    return 1.0 / (1.0 + exp(-(relevance->offset + relevance->slope * score)));
}

double glimpse_relevance_score(const glimpse_relevance *relevance, double cutoff) {
    if (cutoff <= 0.0) return -2.0;
    if (cutoff >= 1.0) return 2.0;
    return (log(cutoff / (1.0 - cutoff)) - relevance->offset) / relevance->slope;
}
