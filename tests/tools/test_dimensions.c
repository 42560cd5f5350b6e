/*
 * Short embeddings of a Matryoshka model, and the language of texts: what the options promise.
 */
#include "support/commands.h"

enum { PICTURES = 12 };

static int setup(void **state) {
    run_setup(state);
    make_parents("pictures/x");
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/p%02u.ppm", i);
        write_picture(name, 40 + i, 40, i);
    }
    return 0;
}

static json_t *first_model(const char *library) {
    run_result r;
    run(&r, "status", "-l", library, "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static void a_library_of_short_vectors_is_asked_without_saying_so_again(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures", "-l", "short", "--model", "demo", "--dimensions", "48", "-q",
        NULL);
    expect(&r, 0);
    run_free(&r);
    json_t *root = first_model("short");
    assert_int_equal(
        json_integer_value(at(json_array_get(at(root, "models"), 0), "embedding_size")), 48);
    json_decref(root);
    run(&r, "search", "a red car", "-l", "short", "-k", "3", "--json", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "results")), 3);
    json_decref(root);
    run_free(&r);
    /* Nothing is encoded again when the directories are looked at again. */
    run(&r, "index", "-l", "short", "--json", "-q", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal(json_integer_value(at(root, "embedded")), 0);
    json_decref(root);
    run_free(&r);
    root = first_model("short");
    assert_int_equal(json_array_size(at(root, "models")), 1);
    json_decref(root);
}

static void another_length_is_another_model(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures", "-l", "both", "--model", "demo", "--dimensions", "48", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "embed", "--model", "demo", "--dimensions", "48", "--text", "a car", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "embedding")), 48);
    json_decref(root);
    run_free(&r);
    run(&r, "index", "pictures", "-l", "both", "--model", "demo", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    root = first_model("both");
    assert_int_equal(json_array_size(at(root, "models")), 2);
    json_decref(root);
    run(&r, "search", "a car", "-l", "both", "--model", "demo", "--dimensions", "4000", NULL);
    expect(&r, 4);
    expect_err(&r, "4000 dimensions; its embeddings have 128");
    run_free(&r);
}

/* Looking at directories again says nothing of pictures that would lack vectors; status tells the
 * lengths apart, and a sum of models says which length was asked for. */
static void lengths_are_told_apart(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "pictures", "-l", "told", "--model", "demo", "--dimensions", "48", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "index", "-l", "told", NULL);
    expect(&r, 0);
    assert_null(strstr(r.err, "covers"));
    run_free(&r);
    run(&r, "status", "-l", "told", NULL);
    expect(&r, 0);
    assert_non_null(strstr(r.out, "demo, 12 embedded"));
    run_free(&r);
    run(&r, "search", "a car", "-l", "told", "--model", "demo", NULL);
    expect(&r, 4);
    expect_err(&r, "demo yet, as vectors of 128 numbers; by this name there are some of 48");
    run_free(&r);
    run(&r, "index", "-l", "told", "--dimensions", "32", NULL);
    expect(&r, 0);
    expect_err(&r, "demo covers 0 of the library's 12 files");
    run_free(&r);
    run(&r, "status", "-l", "told", NULL);
    expect(&r, 0);
    assert_non_null(strstr(r.out, "demo (48 numbers), 12 embedded"));
    assert_non_null(strstr(r.out, "demo (32 numbers), 12 embedded"));
    run_free(&r);
    const char *other = shared_path_if_there("golden/families/eva02-clip");
    if (!other) {
        print_message("SKIPPED: a second model: ../shared is not there\n");
        return;
    }
    run(&r, "index", "-l", "told", "--model", other, "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    char *sum = malloc(strlen(other) + sizeof "demo+");
    assert_non_null(sum);
    (void)sprintf(sum, "demo+%s", other);
    run(&r, "search", "a car", "-l", "told", "--model", sum, "--dimensions", "16", NULL);
    expect(&r, 4);
    expect_err(&r, "demo yet, as vectors of 16 numbers; ");
    run_free(&r);
    free(sum);
}

static void a_language_is_for_models_that_ask(void **state) {
    (void)state;
    run_result r;
    run(&r, "embed", "--model", "demo", "--language", "de", "--text", "Katze", NULL);
    expect(&r, 4);
    expect_err(&r, "has no languages to choose from");
    run_free(&r);
    const char *nllb = shared_path_if_there("golden/families/nllb-clip");
    if (!nllb) {
        print_message("SKIPPED: a model with languages: ../shared is not there\n");
        return;
    }
    char *answers[3];
    static const char *const languages[3] = {"eng_Latn", "de", "deu_Latn"};
    for (size_t i = 0; i < 3; i++) {
        run(&r, "embed", "--model", nllb, "--language", languages[i], "--text", "a boat", NULL);
        expect(&r, 0);
        answers[i] = strdup(r.out);
        run_free(&r);
    }
    run(&r, "embed", "--model", nllb, "--text", "a boat", NULL);
    expect(&r, 0);
    assert_string_equal(r.out, answers[0]);
    run_free(&r);
    assert_string_equal(answers[1], answers[2]);
    assert_string_not_equal(answers[0], answers[1]);
    run(&r, "embed", "--model", nllb, "--language", "deu_Latin", "--text", "a boat", NULL);
    expect(&r, 4);
    expect_err(&r, "deu_Latn");
    run_free(&r);
    for (size_t i = 0; i < 3; i++)
        free(answers[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_of_short_vectors_is_asked_without_saying_so_again),
        cmocka_unit_test(another_length_is_another_model),
        cmocka_unit_test(lengths_are_told_apart),
        cmocka_unit_test(a_language_is_for_models_that_ask),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
