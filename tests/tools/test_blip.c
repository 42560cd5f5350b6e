/*
 * itm, caption and vqa: what scripts rely on.
 */
#include "support/commands.h"

#include "support/random_blip.h"

#include <math.h>

static int setup(void **state) {
    int code = run_setup(state);
    random_blip m = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    assert_true(random_blip_write(&m, "match"));
    m = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_blip_write(&m, "caption"));
    m = random_blip_tiny(GLIMPSE_BLIP_ANSWER);
    assert_true(random_blip_write(&m, "answer"));
    for (unsigned i = 0; i < 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "p%u.ppm", i);
        write_picture(name, 40 + i, 30, i);
    }
    write_file("notes.png", "no picture", 10);
    return code;
}

static void itm_prints_one_object_per_text(void **state) {
    (void)state;
    run_result r, same, enc;
    run(&r, "itm", "--model", "./match", "--image", "p0.ppm", "--text", "a red square", "--text",
        "dog", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text_at(lines, "0.text"), "a red square");
    assert_string_equal(text_at(lines, "1.text"), "dog");
    for (size_t i = 0; i < 2; i++) {
        json_t *one = json_array_get(lines, i);
        assert_int_equal(json_object_size(one), 4);
        double no = number_at(one, "itm_logits.0"), yes = number_at(one, "itm_logits.1");
        assert_true(fabs(number_at(one, "itm_probability") - 1 / (1 + exp(no - yes))) < 1e-7);
        assert_true(fabs(number_at(one, "itc_cosine")) <= 1);
    }
    /* Texts may stand alone, and --json changes nothing. */
    run(&same, "itm", "-m", "./match", "-i", "p0.ppm", "--json", "a red square", "dog", NULL);
    expect(&same, 0);
    assert_string_equal(same.out, r.out);
    run(&enc, "itm", "-m", "./match", "-i", "p0.ppm", "--first-token", "enc", "a red square", NULL);
    expect(&enc, 0);
    json_t *other = run_json(&enc);
    assert_true(fabs(number_at(other, "itm_logits.0") - number_at(lines, "0.itm_logits.0")) > 1e-4);
    assert_true(fabs(number_at(other, "itc_cosine") - number_at(lines, "0.itc_cosine")) < 1e-6);
    json_decref(other);
    json_decref(lines);
    run_free(&r);
    run_free(&same);
    run_free(&enc);
}

static void itm_goes_on_behind_an_unusable_picture(void **state) {
    (void)state;
    run_result r;
    run(&r, "itm", "-m", "./match", "-i", "notes.png", "-i", "p1.ppm", "-i", "p2.ppm", "dog", NULL);
    expect(&r, 3);
    expect_err(&r, "glimpse: notes.png: ");
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text_at(lines, "0.image"), "p1.ppm");
    assert_string_equal(text_at(lines, "1.image"), "p2.ppm");
    json_decref(lines);
    run_free(&r);
}

static void a_text_that_was_cut_says_so(void **state) {
    (void)state;
    char longest[400] = "";
    for (int i = 0; i < 60; i++)
        (void)strcat(longest, "dog ");
    run_result r;
    run(&r, "itm", "-m", "./match", "-i", "p1.ppm", longest, "dog", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_true(json_is_true(at(lines, "0.truncated")));
    assert_null(json_object_get(json_array_get(lines, 1), "truncated"));
    json_decref(lines);
    run_free(&r);
}

static void caption_prints_every_picture_in_order(void **state) {
    (void)state;
    run_result lines, json;
    run(&json, "caption", "-m", "./caption", "--json", "p0.ppm", "p1.ppm", "notes.png", "p2.ppm",
        "p3.ppm", "p4.ppm", "absent.jpg", "p5.ppm", NULL);
    expect(&json, 3);
    expect_err(&json, "glimpse: notes.png: ");
    expect_err(&json, "glimpse: absent.jpg: ");
    json_t *found = run_json_lines(&json);
    static const char *const order[] = {"p0.ppm", "p1.ppm", "notes.png",  "p2.ppm",
                                        "p3.ppm", "p4.ppm", "absent.jpg", "p5.ppm"};
    assert_int_equal(json_array_size(found), 8);
    char expected[8192] = "";
    for (size_t i = 0; i < 8; i++) {
        json_t *one = json_array_get(found, i);
        assert_string_equal(text_at(one, "path"), order[i]);
        if (i == 2 || i == 6) {
            assert_true(json_is_null(at(one, "caption")));
            /* The path is a member of its own, and not said again. */
            assert_true(strlen(text_at(one, "error")) > 10);
            assert_null(strstr(text_at(one, "error"), order[i]));
            continue;
        }
        assert_null(json_object_get(one, "error"));
        const json_t *ids = at(one, "ids");
        size_t count = json_array_size(ids);
        assert_in_range(count, 2, 20);
        assert_int_equal(json_integer_value(json_array_get(ids, 0)), 98);
        double tokens = (double)(count - 1);
        assert_true(fabs(number_at(one, "score") - number_at(one, "sum_logprob") / tokens) < 1e-6);
        size_t used = strlen(expected);
        (void)snprintf(expected + used, sizeof expected - used, "%s\t%s\n", order[i],
                       text_at(one, "caption"));
    }
    json_decref(found);
    run(&lines, "caption", "-m", "./caption", "p0.ppm", "p1.ppm", "notes.png", "p2.ppm", "p3.ppm",
        "p4.ppm", "absent.jpg", "p5.ppm", NULL);
    expect(&lines, 3);
    assert_string_equal(lines.out, expected);
    run_free(&lines);
    run_free(&json);
}

static json_t *caption_with(const char *a, const char *b, const char *c, const char *d) {
    run_result r;
    const char *arguments[] = {"caption", "-m", "./caption", "--json", "p0.ppm", a, b, c, d, NULL};
    run_list(&r, arguments, "", 0);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *one = run_json(&r);
    run_free(&r);
    return one;
}

static void caption_options_do_what_they_say(void **state) {
    (void)state;
    json_t *prompt = caption_with("--prompt", "red dog", NULL, NULL);
    assert_int_equal(strncmp(text_at(prompt, "caption"), "red dog", 7), 0);
    json_t *beams = caption_with("--beams", "3", "--all", NULL);
    assert_int_equal(json_array_size(at(beams, "beams")), 3);
    assert_true(json_equal(at(beams, "beams.0.ids"), at(beams, "ids")));
    assert_true(number_at(beams, "beams.0.score") >= number_at(beams, "beams.1.score"));
    json_t *bounded = caption_with("--min-length", "7", "--max-length", "9");
    assert_in_range(json_array_size(at(bounded, "ids")), 8, 9);
    json_t *drawn = caption_with("--sample", "--seed=3", "--top-k=0", "--temperature=1.5");
    json_t *again = caption_with("--sample", "--seed=3", "--top-k=0", "--temperature=1.5");
    json_t *other = caption_with("--sample", "--seed=4", "--top-k=0", "--temperature=1.5");
    assert_true(json_equal(drawn, again));
    assert_false(json_equal(drawn, other));
    json_decref(prompt);
    json_decref(beams);
    json_decref(bounded);
    json_decref(drawn);
    json_decref(again);
    json_decref(other);
}

static void vqa_writes_or_chooses_an_answer(void **state) {
    (void)state;
    run_result r;
    run(&r, "vqa", "-m", "./answer", "-i", "p0.ppm", "--question", "how many dogs?", "what",
        "--beams", "2", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text_at(lines, "0.question"), "how many dogs?");
    assert_string_equal(text_at(lines, "1.question"), "what");
    assert_int_equal(number_at(lines, "0.ids.0"), 98);
    (void)text_at(lines, "0.answer");
    (void)number_at(lines, "0.score");
    json_decref(lines);
    run_free(&r);
    run(&r, "vqa", "-m", "./answer", "-i", "p0.ppm", "how many", "--answer", "red", "--answer",
        "a blue dog", "--answer", "circle", NULL);
    expect(&r, 0);
    json_t *one = run_json(&r);
    double total = 0, last = 1;
    for (size_t i = 0; i < 3; i++) {
        char path[48];
        (void)snprintf(path, sizeof path, "answers.%zu.probability", i);
        total += number_at(one, path);
        assert_true(number_at(one, path) <= last);
        last = number_at(one, path);
    }
    assert_true(fabs(total - 1) < 1e-6);
    assert_string_equal(text_at(one, "answer"), text_at(one, "answers.0.answer"));
    json_decref(one);
    run_free(&r);
}

static void mistakes_are_explained(void **state) {
    (void)state;
    static const struct {
        const char *arguments[12];
        int code;
        const char *err;
    } mistakes[] = {
        {{"caption", "-m", "./match", "p0.ppm"}, 4, "needs a BlipForConditionalGeneration"},
        {{"itm", "-m", "./caption", "-i", "p0.ppm", "x"}, 4, "needs a BlipForImageTextRetrieval"},
        {{"vqa", "-m", "./match", "-i", "p0.ppm", "x"}, 4, "needs a BlipForQuestionAnswering"},
        {{"caption", "-m", "./nowhere", "p0.ppm"}, 4, "no model folder ./nowhere"},
        {{"caption", "-m", "./caption", "p0.ppm", "--top-p", "0.5"}, 2, "need --sample"},
        {{"caption", "-m", "./caption", "p0.ppm", "--sample", "--beams", "2"}, 2, "choose one"},
        {{"caption", "-m", "./caption", "p0.ppm", "--sample", "--top-p", "2"}, 2, "up to 1"},
        {{"caption", "-m", "./caption", "p0.ppm", "--max-length", "41"}, 2, "at most 40"},
        {{"caption", "-m", "./caption", "p0.ppm", "--max-length", "3", "--prompt", "red dog"},
         2,
         "leaves nothing"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        run_result r;
        run_list(&r, mistakes[i].arguments, "", 0);
        expect(&r, mistakes[i].code);
        expect_err(&r, mistakes[i].err);
        assert_string_equal(r.out, "");
        run_free(&r);
    }
}

static void preprocess_and_tokenize_know_blip(void **state) {
    (void)state;
    run_result r;
    run(&r, "preprocess", "--model", "./match", "--output", "out.rgb", "p0.ppm", NULL);
    expect(&r, 0);
    size_t size = 0;
    free(read_whole_file("out.rgb", &size));
    assert_int_equal(size, 3 * 32 * 32);
    run_free(&r);
    run(&r, "tokenize", "--model", "./match", "a red dog", NULL);
    expect(&r, 0);
    expect_out(&r, "\"ids\":[2,5,57,61,3]");
    run_free(&r);
}

/* The reference data through the command. */
static void check_ids(const json_t *got, const json_t *wanted) {
    if (!json_equal(got, wanted)) fail_msg("other ids");
}

static void captions_match_the_reference(void **state) {
    (void)state;
    char model[1200];
    (void)snprintf(model, sizeof model, "%s", shared_path("golden/blip-caption"));
    json_t *expected = json_file(path_in(model, "expected.json"));
    size_t checked = 0;
    for (size_t i = 0; i < json_array_size(at(expected, "cases")); i++) {
        const json_t *one = json_array_get(at(expected, "cases"), i);
        char path[64], beams[8], max[8], min[8];
        (void)snprintf(path, sizeof path, "images.%d", (int)number_at(one, "image"));
        const json_t *png = json_object_get(at(expected, path), "png");
        if (!png) continue;
        (void)snprintf(path, sizeof path, "prompts.%d.text", (int)number_at(one, "prompt"));
        const json_t *prompt = at(expected, path);
        (void)snprintf(beams, sizeof beams, "%d", (int)number_at(one, "num_beams"));
        (void)snprintf(max, sizeof max, "%d", (int)number_at(one, "max_length"));
        (void)snprintf(min, sizeof min, "%d", (int)number_at(one, "min_length"));
        run_result r;
        run(&r, "caption", "-m", model, "--json", "--precision", "f32", "--beams", beams,
            "--max-length", max, "--min-length", min, path_in(model, json_string_value(png)),
            json_is_null(prompt) ? NULL : "--prompt", json_string_value(prompt), NULL);
        expect(&r, 0);
        json_t *got = run_json(&r);
        int greedy = json_object_get(one, "beams") == NULL;
        check_ids(at(got, "ids"), at(one, greedy ? "ids" : "beams.0.ids"));
        assert_string_equal(text_at(got, "caption"),
                            text_at(one, greedy ? "text" : "beams.0.text"));
        if (!greedy) {
            assert_true(fabs(number_at(got, "score") - number_at(one, "beams.0.score")) < 1e-4);
        }
        json_decref(got);
        run_free(&r);
        checked++;
    }
    assert_true(checked > 5);
    json_decref(expected);
}

static void matches_and_answers_match_the_reference(void **state) {
    (void)state;
    char model[1200];
    (void)snprintf(model, sizeof model, "%s", shared_path("golden/blip-itm"));
    json_t *expected = json_file(path_in(model, "expected.json"));
    const char *arguments[32] = {"itm",
                                 "-m",
                                 model,
                                 "--precision",
                                 "f32",
                                 "--image",
                                 path_in(model, text_at(expected, "images.0.png"))};
    size_t count = 7;
    for (size_t i = 0; i < json_array_size(at(expected, "captions")); i++) {
        char path[48];
        (void)snprintf(path, sizeof path, "captions.%zu.text", i);
        arguments[count++] = text_at(expected, path);
    }
    run_result r;
    run_list(&r, arguments, "", 0);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    size_t checked = 0;
    for (size_t i = 0; i < json_array_size(at(expected, "pairs")); i++) {
        const json_t *pair = json_array_get(at(expected, "pairs"), i);
        if (number_at(pair, "image") != 0) continue;
        const json_t *got = json_array_get(lines, (size_t)number_at(pair, "caption"));
        for (size_t j = 0; j < 2; j++) {
            const char *path = j ? "itm_logits.1" : "itm_logits.0";
            assert_true(fabs(number_at(got, path) - number_at(pair, path)) < 5e-5);
        }
        assert_true(fabs(number_at(got, "itc_cosine") - number_at(pair, "cosine")) < 1e-5);
        assert_true(fabs(number_at(got, "itm_probability") - number_at(pair, "itm_softmax.1")) <
                    5e-5);
        checked++;
    }
    assert_int_equal(checked, json_array_size(lines));
    json_decref(lines);
    json_decref(expected);
    run_free(&r);

    (void)snprintf(model, sizeof model, "%s", shared_path("golden/blip-vqa"));
    expected = json_file(path_in(model, "expected.json"));
    for (size_t i = 0; i < json_array_size(at(expected, "cases")); i++) {
        const json_t *one = json_array_get(at(expected, "cases"), i);
        if (number_at(one, "image") != 0) continue;
        char beams[8], max[8], min[8];
        (void)snprintf(beams, sizeof beams, "%d", (int)number_at(one, "num_beams"));
        (void)snprintf(max, sizeof max, "%d", (int)number_at(one, "max_length"));
        (void)snprintf(min, sizeof min, "%d", (int)number_at(one, "min_length"));
        run(&r, "vqa", "-m", model, "--precision", "f32", "--image",
            path_in(model, text_at(expected, "images.0.png")), "--question",
            text_at(one, "question"), "--first-token", text_at(one, "first_token"), "--beams",
            beams, "--max-length", max, "--min-length", min, NULL);
        expect(&r, 0);
        json_t *got = run_json(&r);
        int greedy = json_object_get(one, "beams") == NULL;
        check_ids(at(got, "ids"), at(one, greedy ? "ids" : "beams.0.ids"));
        assert_string_equal(text_at(got, "answer"), text_at(one, greedy ? "text" : "beams.0.text"));
        json_decref(got);
        run_free(&r);
    }
    json_decref(expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(itm_prints_one_object_per_text),
        cmocka_unit_test(itm_goes_on_behind_an_unusable_picture),
        cmocka_unit_test(a_text_that_was_cut_says_so),
        cmocka_unit_test(caption_prints_every_picture_in_order),
        cmocka_unit_test(caption_options_do_what_they_say),
        cmocka_unit_test(vqa_writes_or_chooses_an_answer),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(preprocess_and_tokenize_know_blip),
        cmocka_unit_test(captions_match_the_reference),
        cmocka_unit_test(matches_and_answers_match_the_reference),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
