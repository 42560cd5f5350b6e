/*
 * bf16 and int8 stay close to f32: cosine above 0.999 and 0.99 on a model of ViT-B/32's size, on
 * every backend that this machine has. Sanitizer builds take a smaller model; the promise is
 * checked in full by the optimised build.
 */
#include "support/numbers.h"
#include "support/temporary.h"

#include "support/random_model.h"

#include <glimpse/sys/model.h>
#include <math.h>

enum { E = 512, PICTURES = 2, TEXTS = 3 };
static const char *const texts[TEXTS] = {"a photo of a dog", "two parrots on a branch", "x"};

static int make_model(void **unused) {
    (void)make_directory(unused);
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1); /* nothing of this into the user's cache */
    random_model model = random_model_vit_b32();
    model.vocabulary = 514; /* the tokenizer that goes with it knows bytes only */
    if (UNDER_SANITIZER) model.vision_layers = model.text_layers = 3;
    return random_model_write(&model, temp_directory) ? 0 : -1;
}

/* 0 when this machine cannot. */
static int embed(glimpse_backend backend, glimpse_precision precision, float *out) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = backend;
    options.precision = precision;
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    int status = glimpse_model_open(&model, temp_directory, &options);
    if (status == GLIMPSE_E_UNSUPPORTED) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        return 0;
    }
    assert_ok(status);
    assert_int_equal(glimpse_model_precision(model), precision);
    assert_ok(glimpse_encoder_create(&encoder, model, PICTURES));
    size_t area = 224 * 224;
    uint8_t *rgb = malloc(PICTURES * 3 * area);
    assert_non_null(rgb);
    for (size_t i = 0; i < PICTURES * area; i++) {
        size_t x = i % 224, y = i / 224 % 224;
        rgb[3 * i] = (uint8_t)(128 + 100 * sin((double)x / (7.0 + (double)(i / area))));
        rgb[3 * i + 1] = (uint8_t)(y * x >> 4);
        rgb[3 * i + 2] = (uint8_t)(i / area * 90 + y);
    }
    assert_ok(glimpse_encoder_rgb(out, encoder, rgb, PICTURES, 0));
    assert_ok(glimpse_encoder_texts(out + PICTURES * E, NULL, encoder, texts, TEXTS, 0));
    free(rgb);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    return 1;
}

static void bf16_keeps_cosine_above_0_999(void **unused) {
    (void)unused;
    static float f32[(PICTURES + TEXTS) * E], bf16[(PICTURES + TEXTS) * E];
    assert_true(embed(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, f32));
    for (int b = GLIMPSE_BACKEND_PLAIN + 1; glimpse_backend_names()[b]; b++) {
        if (!embed((glimpse_backend)b, GLIMPSE_PRECISION_BF16, bf16)) continue;
        double worst = 1, different = 0;
        for (size_t i = 0; i < PICTURES + TEXTS; i++) {
            double dot = 0;
            for (size_t j = 0; j < E; j++) {
                dot += (double)f32[i * E + j] * (double)bf16[i * E + j];
                different += f32[i * E + j] != bf16[i * E + j];
            }
            if (dot < worst) worst = dot;
        }
        print_message("%s: least cosine of bf16 to f32 is %.6f\n", glimpse_backend_names()[b],
                      worst);
        assert_true(worst > 0.999);
        assert_true(different > 0); /* it was bf16 indeed */
    }
}

static void int8_keeps_cosine_above_0_99(void **unused) {
    (void)unused;
    static float f32[(PICTURES + TEXTS) * E], int8[(PICTURES + TEXTS) * E];
    assert_true(embed(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, f32));
    for (int b = GLIMPSE_BACKEND_PLAIN + 1; glimpse_backend_names()[b]; b++) {
        if (!embed((glimpse_backend)b, GLIMPSE_PRECISION_INT8, int8)) continue;
        double worst = min_dot(f32, int8, PICTURES + TEXTS, E);
        print_message("%s: least cosine of int8 to f32 is %.6f\n", glimpse_backend_names()[b],
                      worst);
        assert_true(worst > 0.99);
        assert_true(worst < 0.999999); /* it was int8 indeed */
    }
}

static void every_backend_equals_openblas_in_f32_at_full_size(void **unused) {
    (void)unused;
    static float openblas[(PICTURES + TEXTS) * E], other[(PICTURES + TEXTS) * E];
    assert_true(embed(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32, openblas));
    for (int b = GLIMPSE_BACKEND_OPENBLAS + 1; glimpse_backend_names()[b]; b++) {
        if (!embed((glimpse_backend)b, GLIMPSE_PRECISION_F32, other)) continue;
        for (size_t i = 0; i < (PICTURES + TEXTS) * E; i++)
            assert_true(fabsf(openblas[i] - other[i]) < 2e-5f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bf16_keeps_cosine_above_0_999),
        cmocka_unit_test(int8_keeps_cosine_above_0_99),
        cmocka_unit_test(every_backend_equals_openblas_in_f32_at_full_size),
    };
    return cmocka_run_group_tests(tests, make_model, remove_directory);
}
