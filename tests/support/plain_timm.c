/*
 * plain_timm.c - timm's vision transformers, step by step.
 */
#include "support/plain_timm.h"

#include "model/tensors.h"
#include "support/test.h"

#include <math.h>

static const glimpse_tensors *tensors;

/* The numbers of a tensor by name, in double. */
static double *load(const char *stem, const char *name) {
    char full[256];
    (void)snprintf(full, sizeof full, "visual.trunk.%s%s", stem, name);
    const glimpse_tensor *t = glimpse_tensors_find(tensors, full);
    if (!t) fail_msg("no tensor %s", full);
    glimpse_numbers numbers;
    assert_ok(glimpse_tensors_load(&numbers, tensors, full, t->rank, t->dims));
    double *out = malloc(t->count * sizeof *out);
    float *single = malloc(t->count * sizeof *single);
    assert_non_null(out);
    assert_non_null(single);
    glimpse_numbers_to_f32(single, &numbers);
    for (size_t i = 0; i < t->count; i++)
        out[i] = (double)single[i];
    free(single);
    return out;
}

static double *zeros(size_t count) {
    double *out = calloc(count, sizeof *out);
    assert_non_null(out);
    return out;
}

/* x [rows][in] W^T + b, W [out][in] from row `first` on. */
static double *multiply(const double *x, size_t rows, size_t in, size_t out, const char *stem,
                        const char *name, size_t first, int bias) {
    char full[128];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    double *w = load(stem, full), *y = zeros(rows * out), *b = NULL;
    (void)snprintf(full, sizeof full, "%s.bias", name);
    if (bias) b = load(stem, full);
    for (size_t i = 0; i < rows; i++) {
        for (size_t o = 0; o < out; o++) {
            double sum = b ? b[first + o] : 0;
            for (size_t k = 0; k < in; k++)
                sum += x[i * in + k] * w[(first + o) * in + k];
            y[i * out + o] = sum;
        }
    }
    free(w), free(b);
    return y;
}

static double *norm(const double *x, size_t rows, size_t width, const char *stem, const char *name,
                    double eps) {
    char full[128];
    (void)snprintf(full, sizeof full, "%s.weight", name);
    double *gamma = load(stem, full), *y = zeros(rows * width);
    (void)snprintf(full, sizeof full, "%s.bias", name);
    double *beta = load(stem, full);
    for (size_t i = 0; i < rows; i++) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < width; j++)
            mean += x[i * width + j] / (double)width;
        for (size_t j = 0; j < width; j++)
            variance += pow(x[i * width + j] - mean, 2) / (double)width;
        for (size_t j = 0; j < width; j++) {
            y[i * width + j] =
                (x[i * width + j] - mean) / sqrt(variance + eps) * gamma[j] + beta[j];
        }
    }
    free(gamma), free(beta);
    return y;
}

static void add_to(double *x, double *y, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
    free(y);
}

static double activated(double x, int activation) {
    const double pi = 3.14159265358979323846;
    if (activation == 2) return x / (1 + exp(-1.702 * x));
    if (activation == 1) return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * pow(x, 3))));
    return 0.5 * x * erfc(-x / sqrt(2.0));
}

/* out [queries][width] = softmax(q k^T / sqrt(head)) v, by heads. */
static double *attend(const double *q, size_t queries, const double *k, const double *v,
                      size_t keys, size_t width, size_t heads) {
    size_t head = width / heads;
    double *out = zeros(queries * width), *scores = zeros(keys);
    for (size_t h = 0; h < heads; h++) {
        for (size_t i = 0; i < queries; i++) {
            double sum = 0;
            for (size_t j = 0; j < keys; j++) {
                double dot = 0;
                for (size_t d = h * head; d < (h + 1) * head; d++)
                    dot += q[i * width + d] * k[j * width + d];
                sum += scores[j] = exp(dot / sqrt((double)head));
            }
            for (size_t j = 0; j < keys; j++) {
                for (size_t d = h * head; d < (h + 1) * head; d++)
                    out[i * width + d] += scores[j] / sum * v[j * width + d];
            }
        }
    }
    free(scores);
    return out;
}

/* Each pair of neighbours of each head of each patch turns by its angle. */
static void rotate(const plain_timm *m, double *x, size_t tokens) {
    size_t head = m->width / m->heads, grid = m->side / m->patch;
    for (size_t t = m->class_token ? 1 : 0; t < tokens; t++) {
        size_t patch = t - (m->class_token ? 1 : 0);
        double row = ((double)(patch / grid) + m->offset) / (double)grid * m->reference;
        double column = ((double)(patch % grid) + m->offset) / (double)grid * m->reference;
        for (size_t d = 0; d < m->width; d += 2) {
            size_t pair = d % head / 2, quarter = head / 4;
            double coordinate = (pair < quarter) == (m->rotary == 1) ? row : column;
            double angle = coordinate / pow(10000, (double)(pair % quarter) / (double)quarter);
            double *a = x + t * m->width + d, before[2] = {a[0], a[1]};
            a[0] = before[0] * cos(angle) - before[1] * sin(angle);
            a[1] = before[1] * cos(angle) + before[0] * sin(angle);
        }
    }
}

static double *query_key_or_value(const plain_timm *m, const double *x, size_t tokens,
                                  const char *stem, size_t which) {
    static const char *const apart[] = {"attn.q_proj", "attn.k_proj", "attn.v_proj"};
    size_t width = m->width;
    if (!m->fused) return multiply(x, tokens, width, width, stem, apart[which], 0, which != 1);
    double *y = multiply(x, tokens, width, width, stem, "attn.qkv", which * width, m->key_bias);
    if (m->key_bias || which == 1) return y;
    double *b = load(stem, which == 0 ? "attn.q_bias" : "attn.v_bias");
    for (size_t i = 0; i < tokens * width; i++)
        y[i] += b[i % width];
    free(b);
    return y;
}

static double *attention(const plain_timm *m, const double *x, size_t tokens, const char *stem) {
    double *parts[3];
    for (size_t i = 0; i < 3; i++) {
        parts[i] = query_key_or_value(m, x, tokens, stem, i);
        if (m->rotary && i < 2) rotate(m, parts[i], tokens);
    }
    double *mixed = attend(parts[0], tokens, parts[1], parts[2], tokens, m->width, m->heads);
    if (m->sub_norms) {
        double *normed = norm(mixed, tokens, m->width, stem, "attn.norm", m->eps);
        free(mixed);
        mixed = normed;
    }
    double *out = multiply(mixed, tokens, m->width, m->width, stem, "attn.proj", 0, 1);
    free(parts[0]), free(parts[1]), free(parts[2]), free(mixed);
    return out;
}

static double *mlp(const plain_timm *m, const double *x, size_t tokens, const char *stem) {
    size_t count = tokens * m->mlp;
    double *up =
        multiply(x, tokens, m->width, m->mlp, stem, m->gated ? "mlp.fc1_x" : "mlp.fc1", 0, 1);
    if (m->gated) {
        double *g = multiply(x, tokens, m->width, m->mlp, stem, "mlp.fc1_g", 0, 1);
        for (size_t i = 0; i < count; i++)
            up[i] *= g[i] / (1 + exp(-g[i]));
        free(g);
    } else {
        for (size_t i = 0; i < count; i++)
            up[i] = activated(up[i], m->activation);
    }
    if (m->sub_norms) {
        double *normed = norm(up, tokens, m->mlp, stem, "mlp.norm", m->eps);
        free(up);
        up = normed;
    }
    double *out = multiply(up, tokens, m->mlp, m->width, stem, "mlp.fc2", 0, 1);
    free(up);
    return out;
}

typedef double *(*half)(const plain_timm *m, const double *x, size_t tokens, const char *stem);

static void run_half(const plain_timm *m, double *x, size_t tokens, const char *stem, half run,
                     const char *norm_name) {
    double *before = m->post_norm ? NULL : norm(x, tokens, m->width, stem, norm_name, m->eps);
    double *y = run(m, before ? before : x, tokens, stem);
    if (m->post_norm) {
        double *normed = norm(y, tokens, m->width, stem, norm_name, m->eps);
        free(y);
        y = normed;
    }
    add_to(x, y, tokens * m->width);
    free(before);
}

/* Any convolution without overlap: [in][side][side] to [out][side / k][side / k]. */
static double *convolve(const double *x, size_t in, size_t side, size_t out, size_t k,
                        const double *w, const double *b) {
    size_t to = side / k;
    double *y = zeros(out * to * to);
    for (size_t o = 0; o < out; o++) {
        for (size_t p = 0; p < to * to; p++) {
            double sum = b ? b[o] : 0;
            for (size_t c = 0; c < in; c++) {
                for (size_t i = 0; i < k * k; i++) {
                    size_t row = p / to * k + i / k, column = p % to * k + i % k;
                    sum += x[(c * side + row) * side + column] * w[(o * in + c) * k * k + i];
                }
            }
            y[o * to * to + p] = sum;
        }
    }
    return y;
}

static double *run_stem(const plain_timm *m, double *x) {
    size_t side = m->side, in = 3;
    for (size_t i = 0; i < 3; i++) {
        size_t k = i ? 2 : 4, out = i < 2 ? m->width / 4 : m->width;
        char stem[64];
        (void)snprintf(stem, sizeof stem, "patch_embed.backbone.%zu.", i);
        double *w = load(stem, "conv.weight"), *b = i == 2 ? load(stem, "conv.bias") : NULL;
        double *y = convolve(x, in, side, out, k, w, b);
        side /= k, in = out;
        free(x), free(w), free(b);
        x = y;
        if (i == 2) continue;
        double *gamma = load(stem, "bn.weight"), *beta = load(stem, "bn.bias");
        double *mean = load(stem, "bn.running_mean"), *variance = load(stem, "bn.running_var");
        for (size_t j = 0; j < out * side * side; j++) {
            size_t c = j / (side * side);
            x[j] = activated((x[j] - mean[c]) / sqrt(variance[c] + 1e-5) * gamma[c] + beta[c], 0);
        }
        free(gamma), free(beta), free(mean), free(variance);
    }
    return x;
}

/* [tokens][width] */
static double *embed(const plain_timm *m, const float *pixels, size_t tokens) {
    size_t grid = m->side / m->patch, before = m->class_token ? 1 : 0;
    double *picture = zeros(3 * m->side * m->side), *x = zeros(tokens * m->width), *patches;
    for (size_t i = 0; i < 3 * m->side * m->side; i++)
        picture[i] = (double)pixels[i];
    if (m->stem) {
        patches = run_stem(m, picture);
    } else {
        double *w = load("", "patch_embed.proj.weight");
        double *b = m->first_norm ? NULL : load("", "patch_embed.proj.bias");
        patches = convolve(picture, 3, m->side, m->width, m->patch, w, b);
        free(w), free(b), free(picture);
    }
    double *class_token = before ? load("", "cls_token") : NULL, *places = load("", "pos_embed");
    for (size_t t = 0; t < tokens; t++) {
        for (size_t j = 0; j < m->width; j++) {
            double *at = x + t * m->width + j;
            *at = t < before ? class_token[j] : patches[j * grid * grid + t - before];
            if (!m->stem) *at += places[t * m->width + j];
            if (m->stem && t >= before) *at += places[(t - before) * m->width + j];
        }
    }
    free(patches), free(class_token), free(places);
    return x;
}

static double *pool(const plain_timm *m, const double *x, size_t tokens) {
    static const char stem[] = "attn_pool.";
    size_t width = m->width;
    double *latent = load(stem, "latent");
    double *q = multiply(latent, 1, width, width, stem, "q", 0, 1);
    double *k = multiply(x, tokens, width, width, stem, "kv", 0, 1);
    double *v = multiply(x, tokens, width, width, stem, "kv", width, 1);
    double *mixed = attend(q, 1, k, v, tokens, width, m->pool_heads);
    double *out = multiply(mixed, 1, width, width, stem, "proj", 0, 1);
    double *normed = norm(out, 1, width, stem, "norm", m->eps);
    double *up = multiply(normed, 1, width, m->pool_mlp, stem, "mlp.fc1", 0, 1);
    for (size_t i = 0; i < m->pool_mlp; i++)
        up[i] = activated(up[i], m->activation);
    add_to(out, multiply(up, 1, m->pool_mlp, width, stem, "mlp.fc2", 0, 1), width);
    free(latent), free(q), free(k), free(v), free(mixed), free(normed), free(up);
    return out;
}

void plain_timm_encode(double *embedding, const plain_timm *m, const char *directory,
                       const float *pixels) {
    glimpse_tensors *opened = NULL;
    size_t grid = m->side / m->patch, tokens = grid * grid + (m->class_token ? 1 : 0);
    assert_ok(glimpse_tensors_open(&opened, directory, glimpse_tensors_open_clip));
    tensors = opened;
    double *x = embed(m, pixels, tokens);
    if (m->first_norm) {
        double *normed = norm(x, tokens, m->width, "", "norm_pre", m->eps);
        free(x);
        x = normed;
    }
    for (size_t i = 0; i < m->layers; i++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "blocks.%zu.", i);
        run_half(m, x, tokens, stem, attention, "norm1");
        run_half(m, x, tokens, stem, mlp, "norm2");
    }
    double *last = norm(x, tokens, m->width, "", "norm", m->eps);
    double *pooled = m->pool_heads ? pool(m, last, tokens) : last;
    double *out = m->head ? multiply(pooled, 1, m->width, m->embedding, "", "head", 0, 1) : pooled;
    memcpy(embedding, out, m->embedding * sizeof *embedding);
    if (out != pooled) free(out);
    if (pooled != last) free(pooled);
    free(last), free(x);
    glimpse_tensors_free(opened);
}
