/*
 * Timm's image towers in OpenCLIP's layout (SigLIP 2, EVA02-CLIP, EVA02-E, PE-Core) equal their
 * recorded models.
 */
#include "family_golden.h"

#include "model/model_internal.h"

#include <math.h>

static const char *const names[] = {"siglip2-openclip", "eva02-clip", "eva02-e-clip", "pe-core"};
enum { FAMILIES = sizeof names / sizeof *names };

static void recorded_models_are_matched_in_every_precision(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++)
        family_embeddings_match(names[i]);
}

static void texts_and_picture_files_become_the_recorded_embeddings(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++)
        family_texts_and_pictures_match(names[i]);
}

typedef struct stages {
    const family *f;
    const char *tower; /* "vision" */
    size_t seen;
} stages;

/* Stage 0 is what goes into the blocks, which is not recorded. */
static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    char name[64];
    s->seen++;
    if (stage == 0) return;
    (void)snprintf(name, sizeof name, "%s_block%zu", s->tower, stage - 1);
    family_array expected = load_family_array(s->f, name);
    assert_true(rows <= expected.dims[0]);
    assert_int_equal(width, expected.dims[1]);
    double largest = 0;
    for (size_t i = 0; i < expected.count; i++)
        largest = fmax(largest, fabs((double)expected.data[i]));
    assert_floats_near(x, expected.data, rows * width, 2e-4 * fmax(1.0, largest / 10));
    free(expected.data);
}

static void every_block_leaves_what_is_recorded(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            family f;
            float embedding[64];
            if (!open_family(&f, names[i], (glimpse_backend)b, GLIMPSE_PRECISION_F32)) continue;
            family_array pixels = load_family_array(&f, "pixel_values");
            family_array ids = load_family_array(&f, "text_ids");
            stages s = {&f, "vision", 0};
            glimpse_encoder_set_trace(f.encoder, check_stage, &s);
            assert_ok(glimpse_encoder_pixels(embedding, f.encoder, pixels.data, 1, 0));
            assert_int_equal(s.seen, f.model->config.vision.layers + 1);
            s = (stages){&f, "text", 0};
            assert_ok(glimpse_encoder_tokens(embedding, f.encoder, (const void *)ids.data, 1, 0));
            assert_int_equal(s.seen, f.model->config.text.layers + 1);
            free(pixels.data), free(ids.data);
            close_family(&f);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_models_are_matched_in_every_precision),
        cmocka_unit_test(texts_and_picture_files_become_the_recorded_embeddings),
        cmocka_unit_test(every_block_leaves_what_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
