/*
 * math/kernels/plain.c - the oracle: what each kernel means, in double and with libm.
 */
#include "math/half.h"
#include "math/kernels/kernels.h"

#include <math.h>
#include <string.h>

static void store(void *out, glimpse_element element, size_t index, float value) {
    switch (element) {
    case GLIMPSE_ELEMENT_F32: ((float *)out)[index] = value; break;
    case GLIMPSE_ELEMENT_BF16: ((uint16_t *)out)[index] = glimpse_f32_to_bf16(value); break;
    case GLIMPSE_ELEMENT_F32_BF: ((float *)out)[index] = glimpse_round_to_bf16(value); break;
    }
}

static void layer_norm(void *out, glimpse_element element, const float *x, const float *gamma,
                       const float *beta, float eps, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++, x += width) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < width; j++)
            mean += (double)x[j];
        mean /= (double)width;
        for (size_t j = 0; j < width; j++) {
            variance += ((double)x[j] - mean) * ((double)x[j] - mean);
        }
        double scale = 1.0 / sqrt(variance / (double)width + (double)eps);
        for (size_t j = 0; j < width; j++) {
            double y = ((double)x[j] - mean) * scale * (double)gamma[j] + (double)beta[j];
            store(out, element, i * width + j, (float)y);
        }
    }
}

static void softmax(float *x, size_t rows, size_t width, size_t stride, ptrdiff_t causal_first) {
    for (size_t i = 0; i < rows; i++, x += stride) {
        size_t seen = width;
        if (causal_first >= 0 && (size_t)causal_first + i + 1 < width) {
            seen = (size_t)causal_first + i + 1;
        }
        double largest = -INFINITY, sum = 0;
        for (size_t j = 0; j < seen; j++)
            largest = fmax(largest, (double)x[j]);
        for (size_t j = 0; j < seen; j++)
            sum += exp((double)x[j] - largest);
        for (size_t j = 0; j < seen; j++)
            x[j] = (float)(exp((double)x[j] - largest) / sum);
        for (size_t j = seen; j < width; j++)
            x[j] = 0.0f;
    }
}

static double activate(double x, glimpse_activation activation) {
    switch (activation) {
    case GLIMPSE_ACTIVATION_QUICK_GELU: return x / (1.0 + exp(-1.702 * x));
    case GLIMPSE_ACTIVATION_GELU: return 0.5 * x * (1.0 + erf(x * 0.70710678118654752440));
    case GLIMPSE_ACTIVATION_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case GLIMPSE_ACTIVATION_RELU: return x < 0.0 ? 0.0 : x;
    case GLIMPSE_ACTIVATION_NONE: break;
    }
    return x;
}

static void bias_activation(void *out, glimpse_element element, const float *x, const float *bias,
                            glimpse_activation activation, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++) {
            double value = (double)x[i * width + j] + (bias ? (double)bias[j] : 0.0);
            store(out, element, i * width + j, (float)activate(value, activation));
        }
    }
}

static void convert(void *out, glimpse_element element, const float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        store(out, element, i, x[i]);
}

static void convert_rows(void *out, size_t out_stride, glimpse_element element, const float *x,
                         size_t x_stride, size_t rows, size_t width, size_t padded) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < padded; j++)
            store(out, element, i * out_stride + j, j < width ? x[i * x_stride + j] : 0.0f);
    }
}

static float weight(const void *weights, glimpse_dtype dtype, size_t i) {
    if (dtype == GLIMPSE_DTYPE_F32) return ((const float *)weights)[i];
    uint16_t half;
    memcpy(&half, (const uint8_t *)weights + 2 * i, sizeof half);
    return dtype == GLIMPSE_DTYPE_F16 ? glimpse_f16_to_f32(half) : glimpse_bf16_to_f32(half);
}

static void few_rows(float *y, size_t ldy, const float *x, size_t rows, size_t in,
                     const void *weights, glimpse_dtype dtype, size_t out, int accumulate) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t o = 0; o < out; o++) {
            double sum = accumulate ? (double)y[i * ldy + o] : 0;
            for (size_t k = 0; k < in; k++)
                sum += (double)x[i * in + k] * (double)weight(weights, dtype, o * in + k);
            y[i * ldy + o] = (float)sum;
        }
    }
}

static void quantize(void *out, size_t bytes, float *scales, const float *x, size_t rows,
                     size_t width, size_t padded) {
    for (size_t i = 0; i < rows; i++) {
        float top = 0;
        int finite = 1;
        for (size_t j = 0; j < width; j++) {
            top = fmaxf(top, fabsf(x[i * width + j]));
            finite = finite && isfinite(x[i * width + j]);
        }
        int something = finite && top > 1e-30f;
        scales[i] = something ? top / 127.0f : finite ? 0.0f : NAN;
        for (size_t j = 0; j < padded; j++) {
            float value = something && j < width ? x[i * width + j] * (127.0f / top) : 0.0f;
            if (bytes == 1) {
                ((int8_t *)out)[i * padded + j] = (int8_t)rintf(value);
            } else {
                ((int16_t *)out)[i * padded + j] = (int16_t)rintf(value);
            }
        }
    }
}

static void int8_finish(float *y, const int32_t *sums, const float *row_scales, size_t rows,
                        const float *scales, const float *bias, size_t out,
                        glimpse_activation activation, int accumulate) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t o = 0; o < out; o++) {
            float value = (float)sums[i * out + o] * (scales[o] * row_scales[i]) + bias[o];
            value = (float)activate((double)value, activation);
            y[i * out + o] = accumulate ? y[i * out + o] + value : value;
        }
    }
}

static void int8_rows(float *y, size_t ldy, const int16_t *x, const float *row_scales, size_t rows,
                      size_t padded, const int8_t *panels, const float *scales, const float *bias,
                      size_t out, int accumulate) {
    size_t panel = glimpse_kernels_plain.panel;
    for (size_t i = 0; i < rows; i++) {
        for (size_t o = 0; o < out; o++) {
            const int8_t *w = panels + o / panel * panel * padded + o % panel * 2;
            int32_t sum = 0;
            for (size_t k = 0; k < padded; k++)
                sum += x[i * padded + k] * w[k / 2 * panel * 2 + k % 2];
            float value = (float)sum * (scales[o] * row_scales[i]) + bias[o];
            y[i * ldy + o] = accumulate ? y[i * ldy + o] + value : value;
        }
    }
}

static void attention(float *out, size_t out_stride, const float *q, const float *k, const float *v,
                      size_t stride, size_t queries, size_t keys, size_t head, float scale,
                      ptrdiff_t causal_first, float *scores) {
    for (size_t i = 0; i < queries; i++) {
        for (size_t j = 0; j < keys; j++) {
            double sum = 0;
            for (size_t d = 0; d < head; d++)
                sum += (double)q[i * stride + d] * (double)k[j * stride + d];
            scores[j] = (float)(sum * (double)scale);
        }
        softmax(scores, 1, keys, keys, causal_first < 0 ? -1 : causal_first + (ptrdiff_t)i);
        for (size_t d = 0; d < head; d++) {
            double sum = 0;
            for (size_t j = 0; j < keys; j++)
                sum += (double)scores[j] * (double)v[j * stride + d];
            out[i * out_stride + d] = (float)sum;
        }
    }
}

static void swiglu(void *out, glimpse_element element, const float *x, size_t rows, size_t width) {
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++) {
            double g = (double)x[2 * i * width + j], u = (double)x[(2 * i + 1) * width + j];
            store(out, element, i * width + j, (float)(g / (1.0 + exp(-g)) * u));
        }
    }
}

static void depthwise(float *out, size_t out_stride, const glimpse_depthwise_row *row) {
    size_t channels = row->channels;
    for (size_t i = 0; i < row->columns; i++) {
        for (size_t c = 0; c < channels; c++) {
            double sum = (double)row->bias[c];
            for (size_t r = 0; r < row->taps; r++) {
                for (size_t k = 0; k < row->kernel; k++) {
                    sum += (double)row->rows[r][(i * row->stride + k) * channels + c] *
                           (double)row->weights[r][k * channels + c];
                }
            }
            out[i * out_stride + c] = (float)sum;
        }
    }
}

const glimpse_kernels glimpse_kernels_plain = {.name = "plain",
                                               .panel = 2,
                                               .layer_norm = layer_norm,
                                               .softmax = softmax,
                                               .bias_activation = bias_activation,
                                               .convert = convert,
                                               .convert_rows = convert_rows,
                                               .few_rows = few_rows,
                                               .quantize = quantize,
                                               .int8_rows = int8_rows,
                                               .int8_finish = int8_finish,
                                               .attention = attention,
                                               .swiglu = swiglu,
                                               .depthwise = depthwise};

int glimpse_normalize(float *x, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    if (!(sum > 0) || !isfinite(sum)) return 0;
    double scale = 1.0 / sqrt(sum);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)((double)x[i] * scale);
    return 1;
}
