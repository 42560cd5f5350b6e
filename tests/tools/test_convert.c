/*
 * glimpse models --convert, and what the command says of weights that cannot be used.
 */
#include "support/commands.h"

#include "support/random_model.h"

static void weights_of_an_installed_model_are_converted(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "mkdir -p data/glimpse/models/acme && cp -R \"" GLIMPSE_SOURCE_DIR
                  "/data/models/demo\" data/glimpse/models/acme/one && cp \"" GLIMPSE_SOURCE_DIR
                  "/tests/fixtures/pytorch/zip_f32.bin\" data/glimpse/models/acme/one/"
                  "pytorch_model.bin && cd data/glimpse/models/acme/one && rm model.safetensors");
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", "--convert", "acme/one", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "format"), "PyTorch (zip)");
    assert_true(number_at(root, "tensors") == 46);
    assert_non_null(strstr(text_at(root, "source"), "/acme/one/pytorch_model.bin"));
    assert_non_null(strstr(text_at(root, "output"), "/acme/one/model.safetensors"));
    assert_true(path_exists("data/glimpse/models/acme/one/model.safetensors"));
    json_decref(root);
    run_free(&r);
    run(&r, "models", "--convert", "acme/one", NULL);
    expect(&r, 4);
    expect_err(&r, "is there already; remove it, or choose another file with --output FILE");
    run_free(&r);
    run(&r, "models", "--convert", source_path("tests/fixtures/pytorch/script_f16.pt"), "-o",
        "written.safetensors", NULL);
    expect(&r, 0);
    expect_out(&r, "written.safetensors: 46 tensors, ");
    expect_out(&r, ", from TorchScript\n");
    run_free(&r);
}

static void a_program_is_refused_and_not_run(void **state) {
    (void)state;
    run_result r;
    run(&r, "models", "--convert", source_path("tests/fixtures/pytorch/system.bin"), "-o",
        "system.safetensors", NULL);
    expect(&r, 4);
    expect_err(&r, "posix.system is not something weights need; the file was not run");
    run_free(&r);
    assert_false(path_exists("system.safetensors"));
    assert_false(path_exists("glimpse-was-here"));
}

static void what_stands_in_place_of_weights_is_named_with_what_to_do(void **state) {
    (void)state;
    run_result r;
    random_model tiny = random_model_tiny();
    assert_true(random_model_write(&tiny, "clone"));
    write_text("clone/model.safetensors", "version https://git-lfs.github.com/spec/v1\n"
                                          "oid sha256:0\nsize 605247071\n");
    run(&r, "embed", "--model", "./clone", "--text", "a", NULL);
    expect(&r, 4);
    expect_err(&r, "clone/model.safetensors: a git-lfs pointer and not the file itself");
    expect_err(&r, "lfs pull gets it, or glimpse pull ORG/NAME the whole model");
    run_free(&r);
}

static void output_without_convert_is_a_misuse(void **state) {
    (void)state;
    run_result r;
    run(&r, "models", "-o", "x", NULL);
    expect(&r, 2);
    expect_err(&r, "--output goes with --convert");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_of_an_installed_model_are_converted),
        cmocka_unit_test(a_program_is_refused_and_not_run),
        cmocka_unit_test(what_stands_in_place_of_weights_is_named_with_what_to_do),
        cmocka_unit_test(output_without_convert_is_a_misuse),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
