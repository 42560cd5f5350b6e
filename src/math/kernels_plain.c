/*
 * math/kernels_plain.c - the oracle: what each kernel means, in double and with libm.
 */
#include "math/half.h"
#include "math/kernels.h"

#include <math.h>

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

const glimpse_kernels glimpse_kernels_plain = {"plain", layer_norm, softmax, bias_activation,
                                               convert};

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
