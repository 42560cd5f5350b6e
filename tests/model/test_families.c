/*
 * Every further family of dual encoders equals the code of its authors on recorded inputs and
 * outputs, from strings and files to embeddings, in every precision and on every backend.
 */
#include "golden.h"

/* Below golden/families. */
static const char *const families[] = {"chinese-clip", "metaclip2", "metaclip2-openclip",
                                       "xlm-roberta-clip", "nllb-clip"};
enum { FAMILIES = sizeof families / sizeof families[0] };

typedef void (*golden_check)(golden *g);

static int open_family(golden *g, const char *name, int backend, glimpse_precision precision) {
    char model[256], expected[280];
    (void)snprintf(model, sizeof model, "golden/families/%s", name);
    (void)snprintf(expected, sizeof expected, "%s/expected", model);
    fixture f = {model, expected};
    if (!open_golden_as(g, &f, (glimpse_backend)backend, precision)) return 0;
    print_message("%s\n", name);
    return 1;
}

static void for_all(golden_check check, glimpse_precision precision, int only) {
    for (size_t f = 0; f < FAMILIES; f++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            golden g;
            if (only && b != only) continue;
            if (!open_family(&g, families[f], b, precision)) continue;
            check(&g);
            close_golden(&g);
        }
    }
}

static void embeddings_logits_and_probabilities_match(void **unused) {
    (void)unused;
    for_all(check_embeddings, GLIMPSE_PRECISION_F32, 0);
}

static void texts_go_from_string_to_embedding(void **unused) {
    (void)unused;
    for_all(check_texts, GLIMPSE_PRECISION_F32, GLIMPSE_BACKEND_OPENBLAS);
}

static void pictures_go_from_file_to_embedding(void **unused) {
    (void)unused;
    for_all(check_pictures, GLIMPSE_PRECISION_F32, GLIMPSE_BACKEND_OPENBLAS);
}

static void keeps_0_999(golden *g) {
    double of_images, of_texts;
    least_cosines(g, &of_images, &of_texts);
    assert_true(of_images > 0.999 && of_texts > 0.999);
}

static void keeps_0_99(golden *g) {
    double of_images, of_texts;
    least_cosines(g, &of_images, &of_texts);
    assert_true(of_images > 0.99 && of_texts > 0.99);
}

static void bf16_keeps_cosine_above_0_999(void **unused) {
    (void)unused;
    for_all(keeps_0_999, GLIMPSE_PRECISION_BF16, 0);
}

static void int8_keeps_cosine_above_0_99(void **unused) {
    (void)unused;
    for_all(keeps_0_99, GLIMPSE_PRECISION_INT8, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_logits_and_probabilities_match),
        cmocka_unit_test(texts_go_from_string_to_embedding),
        cmocka_unit_test(pictures_go_from_file_to_embedding),
        cmocka_unit_test(bf16_keeps_cosine_above_0_999),
        cmocka_unit_test(int8_keeps_cosine_above_0_99),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
