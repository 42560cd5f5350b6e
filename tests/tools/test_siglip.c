/*
 * SigLIP models through the command: the plumbing against the reference data, and everything else
 * with a random model, whose probabilities are worked out again from the embeddings it prints.
 */
#include "support/commands.h"
#include "support/random_model.h"

#include <glimpse/compute.h>

#include <math.h>

static const char *const fixtures[] = {"golden/siglip", "golden/siglip2"};

static json_t *load_expected(char *model, size_t capacity, size_t fixture) {
    (void)snprintf(model, capacity, "%s", shared_path(fixtures[fixture]));
    return json_file(path_in(model, "expected.json"));
}

static void check_vector(const json_t *got, const json_t *wanted, double tolerance,
                         const char *what) {
    assert_true(json_array_size(got) > 0);
    assert_int_equal(json_array_size(got), json_array_size(wanted));
    for (size_t i = 0; i < json_array_size(got); i++) {
        double a = json_number_value(json_array_get(got, i));
        double b = json_number_value(json_array_get(wanted, i));
        if (!(fabs(a - b) <= tolerance)) fail_msg("%s: number %zu is %g off", what, i, a - b);
    }
}

/* All texts and picture files of the fixture in one call. 0 when the backend is not there. */
static int check_embed(const char *model, const json_t *expected, const char *backend, int raw) {
    const char *arguments[64] = {"embed", "--model",   model,   "--precision",
                                 "f32",   "--backend", backend, raw ? "--raw" : "--quiet"};
    const json_t *wanted[32], *entry;
    size_t count = 8, inputs = 0, i;
    const char *key = raw ? "pooler_output" : NULL;
    json_array_foreach(at(expected, "texts"), i, entry) {
        arguments[count++] = "--text";
        arguments[count++] = text_at(entry, "text");
        wanted[inputs++] = at(entry, key ? key : "text_embed");
    }
    json_array_foreach(at(expected, "images"), i, entry) {
        const char *png = json_string_value(json_object_get(entry, "png"));
        if (!png) continue;
        arguments[count++] = "--image";
        arguments[count++] = path_in(model, png);
        wanted[inputs++] = at(entry, key ? key : "image_embed");
    }
    assert_true(count < 64 && inputs < 32);
    run_result r;
    run_list(&r, arguments, "", 0);
    int there = !(r.code == 4 && strstr(r.err, "use the openblas backend"));
    if (there) {
        expect(&r, 0);
        expect_no_err(&r);
        json_t *lines = run_json_lines(&r);
        assert_int_equal(json_array_size(lines), inputs);
        for (i = 0; i < inputs; i++) {
            check_vector(at(json_array_get(lines, i), "embedding"), wanted[i], raw ? 5e-5 : 1e-5,
                         text_at(json_array_get(lines, i), "input"));
        }
        json_decref(lines);
    }
    run_free(&r);
    return there;
}

static void embed_matches_the_reference_on_every_backend(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char model[1200];
        json_t *expected = load_expected(model, sizeof model, f);
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            const char *name = glimpse_backend_names()[b];
            int there = check_embed(model, expected, name, 0);
            assert_true(there || b > GLIMPSE_BACKEND_OPENBLAS);
            if (there) assert_true(check_embed(model, expected, name, 1));
        }
        json_decref(expected);
    }
}

static void tokenize_matches_the_reference(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char model[1200];
        json_t *expected = load_expected(model, sizeof model, f), *entry;
        const json_t *cases = at(expected, "tokenizer.cases");
        size_t i, used = 0, count = 0, capacity = 1 << 20;
        char *input = malloc(capacity);
        const json_t *wanted[512];
        assert_non_null(input);
        json_array_foreach((json_t *)(uintptr_t)cases, i, entry) {
            const json_t *text = at(entry, "text");
            size_t length = json_string_length(text);
            if (json_is_true(json_object_get(entry, "special_token_text"))) continue;
            assert_true(used + length + 1 < capacity && count < 512);
            memcpy(input + used, json_string_value(text), length + 1);
            used += length + 1;
            wanted[count++] = at(entry, "ids_64");
        }
        run_result r;
        const char *arguments[] = {"tokenize", "--model", model, "--stdin0", NULL};
        run_list(&r, arguments, input, used);
        expect(&r, 0);
        json_t *lines = run_json_lines(&r);
        assert_int_equal(json_array_size(lines), count);
        json_int_t pad = (json_int_t)number_at(expected, "tokenizer.pad_id");
        for (i = 0; i < count; i++) {
            const json_t *ids = at(json_array_get(lines, i), "ids");
            for (size_t t = 0; t < 64; t++) {
                json_int_t id =
                    t < json_array_size(ids) ? json_integer_value(json_array_get(ids, t)) : pad;
                if (id != json_integer_value(json_array_get(wanted[i], t))) {
                    fail_msg("%s: case %zu, token %zu", model, i, t);
                }
            }
        }
        assert_true(count > 50);
        json_decref(lines);
        run_free(&r);
        free(input);
        json_decref(expected);
    }
}

static void preprocess_matches_the_reference(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char model[1200];
        json_t *expected = load_expected(model, sizeof model, f), *entry;
        size_t i, seen = 0;
        json_array_foreach((json_t *)(uintptr_t)at(expected, "images"), i, entry) {
            const char *png = json_string_value(json_object_get(entry, "png"));
            if (!png) continue;
            run_result r;
            run(&r, "preprocess", "--model", model, "--output", "out.rgb", path_in(model, png),
                NULL);
            expect(&r, 0);
            run_free(&r);
            size_t size, wanted_size;
            void *got = read_whole_file("out.rgb", &size);
            void *wanted =
                read_whole_file(path_in(model, text_at(entry, "resized_rgb_u8")), &wanted_size);
            assert_int_equal(size, wanted_size);
            assert_memory_equal(got, wanted, size);
            free(got);
            free(wanted);
            seen++;
        }
        assert_true(seen > 0);
        json_decref(expected);
    }
}

static void label_gives_the_references_probabilities(void **state) {
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        char model[1200], classes[1200] = "";
        json_t *expected = load_expected(model, sizeof model, f), *entry;
        const json_t *texts = at(expected, "texts");
        size_t count = json_array_size(texts), i, index = 0;
        /* A class per text, which is its only prompt: numbers as names, because texts may be
         * anything. */
        json_t *list = json_array();
        for (i = 0; i < count; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "%zu", i);
            const char *text = text_at(json_array_get(texts, i), "text");
            const json_t *ids = at(json_array_get(texts, i), "input_ids");
            int whole = json_integer_value(json_array_get(ids, 62)) ==
                        (json_int_t)number_at(expected, "tokenizer.pad_id");
            if (!*text || !whole) continue; /* what is cut is refused as a prompt */
            assert_int_equal(json_array_append_new(
                                 list, json_pack("{s:s,s:[s]}", "name", name, "prompts", text)),
                             0);
        }
        (void)snprintf(classes, sizeof classes, "classes%zu.json", f);
        assert_int_equal(json_dump_file(list, classes, 0), 0);
        json_array_foreach((json_t *)(uintptr_t)at(expected, "images"), index, entry) {
            const char *png = json_string_value(json_object_get(entry, "png"));
            if (!png) continue;
            for (int several = 0; several < 2; several++) {
                run_result r;
                run(&r, "label", path_in(model, png), "--model", model, "--precision", "f32",
                    "--classes", classes, "--top", "100", "--json", "--no-cache", "--quiet",
                    several ? "--multi-label" : NULL, NULL);
                expect(&r, 0);
                json_t *line = run_json(&r);
                const json_t *labels = at(line, "labels");
                const json_t *probs = json_array_get(at(expected, "probs"), index);
                assert_int_equal(json_array_size(labels), json_array_size(list));
                for (i = 0; i < json_array_size(labels); i++) {
                    const json_t *label = json_array_get(labels, i);
                    long k = strtol(text_at(label, "class"), NULL, 10);
                    double wanted = json_number_value(json_array_get(probs, (size_t)k));
                    assert_true(fabs(number_at(label, "probability") - wanted) < 5e-5);
                    if (several) {
                        assert_int_equal(json_is_true(at(label, "accepted")), wanted >= 0.5);
                    }
                }
                json_decref(line);
                run_free(&r);
            }
        }
        json_decref(list);
        json_decref(expected);
    }
}

/*
 * With a random model.
 */
static double scale = 10, bias = -1; /* random_model_tiny_siglip */

static void write_model(void) {
    random_model tiny = random_model_tiny_siglip();
    assert_true(random_model_write(&tiny, "siglip"));
}

static double cosine_of(const char *text, const char *picture) {
    run_result r;
    run(&r, "embed", "-m", "./siglip", "--precision", "f32", "--text", text, "--image", picture,
        NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    const json_t *a = at(lines, "0.embedding"), *b = at(lines, "1.embedding");
    double dot = 0;
    for (size_t i = 0; i < json_array_size(a); i++)
        dot += json_number_value(json_array_get(a, i)) * json_number_value(json_array_get(b, i));
    json_decref(lines);
    run_free(&r);
    return dot;
}

static void probabilities_follow_from_the_embeddings(void **state) {
    (void)state;
    static const char *const classes[] = {"cat", "red car", "tree"};
    run_result r;
    double wanted[3];
    write_model();
    write_picture("a.ppm", 60, 40, 3);
    for (int k = 0; k < 3; k++) {
        char prompt[64];
        (void)snprintf(prompt, sizeof prompt, "a photo of a %s.", classes[k]);
        wanted[k] = 1 / (1 + exp(-(scale * cosine_of(prompt, "a.ppm") + bias)));
    }
    for (int several = 0; several < 2; several++) {
        run(&r, "label", "a.ppm", "-m", "./siglip", "--precision", "f32", "-c", "cat,red car,tree",
            "--top", "3", "--json", "--no-cache", several ? "--multi-label" : NULL, NULL);
        expect(&r, 0);
        json_t *line = run_json(&r);
        assert_int_equal(json_array_size(at(line, "labels")), 3);
        assert_null(json_object_get(line, "background"));
        for (size_t i = 0; i < 3; i++) {
            const json_t *label = json_array_get(at(line, "labels"), i);
            int k = 0;
            while (strcmp(classes[k], text_at(label, "class")) != 0)
                k++;
            assert_true(fabs(number_at(label, "probability") - wanted[k]) < 1e-5);
        }
        json_decref(line);
        run_free(&r);
    }
    /* A background abstains, and takes nothing from the probabilities. */
    run(&r, "label", "a.ppm", "-m", "./siglip", "--precision", "f32", "-c", "cat", "--abstain",
        "--json", "--no-cache", NULL);
    expect(&r, 0);
    json_t *line = run_json(&r);
    double background = number_at(line, "background");
    assert_true(background > 0 && background < 1);
    assert_int_equal(json_is_true(at(line, "abstained")), background > 0.5);
    assert_true(fabs(number_at(line, "labels.0.probability") - wanted[0]) < 1e-5);
    json_decref(line);
    run_free(&r);
    run(&r, "label", "a.ppm", "-m", "./siglip", "-c", "cat,dog", "--multi-label", "--background",
        "--json", "--no-cache", NULL);
    expect(&r, 0);
    expect_err(&r, "--background plays no part");
    run_free(&r);
}

enum { KNOWN = 18 };

/* Pictures of flat/ become known ones that a calibration can learn from: the surer the model is of
 * its best class, the likelier it is right. */
static void make_known(void) {
    run_result r, moved;
    double scores[KNOWN];
    run(&r, "label", "flat", "-m", "./siglip", "-c", "one,two", "--no-cache", "--json",
        "--precision", "f32", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), KNOWN);
    for (size_t i = 0; i < KNOWN; i++)
        scores[i] = number_at(json_array_get(lines, i), "labels.0.score");
    for (size_t i = 0; i < KNOWN; i++) {
        const json_t *line = json_array_get(lines, i);
        size_t surer = 0;
        for (size_t k = 0; k < KNOWN; k++)
            surer += scores[k] > scores[i];
        /* By rank: mostly right, mostly wrong. */
        int right = surer < 9 ? surer != 3 && surer != 7 : surer == 11 || surer == 15;
        const char *class = text_at(line, "labels.0.class");
        const char *directory = right             ? class
                                : surer % 3 == 0  ? "_none"
                                : class[0] == 'o' ? "two"
                                                  : "one";
        char command[256];
        (void)snprintf(command, sizeof command, "cp '%s' known/%s/", text_at(line, "path"),
                       directory);
        run_shell(&moved, command);
        expect(&moved, 0);
        run_free(&moved);
    }
    json_decref(lines);
    run_free(&r);
}

static void calibration_examples_and_evaluation_work(void **state) {
    (void)state;
    run_result r;
    write_model();
    run_shell(&r, "mkdir -p flat known/one known/two known/_none");
    expect(&r, 0);
    run_free(&r);
    for (unsigned i = 0; i < KNOWN; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "flat/%u.ppm", i);
        write_picture(path, 40 + 7 * (i % 3), 30, i + 1);
    }
    make_known();
    run(&r, "label", "-m", "./siglip", "-c", "one,two", "--no-cache", "--calibrate", "known",
        "--save-calibration", "c.json", "--json", "--precision", "f32", NULL);
    expect(&r, 0);
    json_t *line = run_json(&r);
    double temperature = number_at(line, "temperature"), offset = number_at(line, "offset");
    assert_true(temperature != 1 && offset != 0);
    assert_int_equal(number_at(line, "samples"), KNOWN);
    assert_int_equal(number_at(line, "mistakes"), 9);
    assert_true(number_at(line, "nll_after") <= number_at(line, "nll_before"));
    json_decref(line);
    run_free(&r);
    /* In force: the same cosine, another probability. */
    run(&r, "label", "flat", "-m", "./siglip", "-c", "one,two", "--no-cache", "--json",
        "--precision", "f32", "--calibration", "c.json", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), KNOWN);
    for (size_t i = 0; i < KNOWN; i++) {
        const json_t *label = json_array_get(at(json_array_get(lines, i), "labels"), 0);
        double z = (scale * number_at(label, "score") + bias) / temperature + offset;
        assert_true(fabs(number_at(label, "probability") - 1 / (1 + exp(-z))) < 1e-5);
    }
    json_decref(lines);
    run_free(&r);
    run(&r, "label", "known/one", "known/two", "-m", "./siglip", "-c", "one,two", "--no-cache",
        "--examples", "known", "--json", "--top", "2", "--output", "labels.jsonl", "--report",
        "report.html", NULL);
    expect(&r, 4); /* _none is no class to have examples of */
    run_free(&r);
    run_shell(&r, "mkdir few && cp -r known/one known/two few");
    expect(&r, 0);
    run_free(&r);
    run(&r, "label", "known/one", "known/two", "-m", "./siglip", "-c", "one,two", "--no-cache",
        "--examples", "few", "--json", "--top", "2", "--output", "labels.jsonl", "--report",
        "report.html", NULL);
    expect(&r, 0);
    run_free(&r);
    char *page = read_whole_file("report.html", NULL);
    assert_non_null(strstr(page, "model siglip"));
    assert_non_null(strstr(page, "probabilities of each class alone"));
    free(page);
    run(&r, "evaluate", "labels", "labels.jsonl", "--truth", "few", "--json", NULL);
    expect(&r, 0);
    line = run_json(&r);
    assert_int_equal(number_at(line, "pictures"), KNOWN - 3); /* without _none */
    assert_true(number_at(line, "ece") >= 0 && number_at(line, "map") > 0);
    json_decref(line);
    run_free(&r);
}

static void a_library_works_with_it(void **state) {
    (void)state;
    run_result r;
    write_model();
    run_shell(&r, "mkdir -p pictures");
    expect(&r, 0);
    run_free(&r);
    for (unsigned i = 0; i < 5; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "pictures/%u.ppm", i);
        write_picture(path, 50, 40 + 3 * i, i + 1);
    }
    run(&r, "index", "pictures", "-m", "./siglip", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "a red car", "-m", "./siglip", "--library", "lib", "--json", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_int_equal(json_array_size(at(found, "results")), 5);
    assert_true(fabs(number_at(found, "results.0.score") -
                     cosine_of("a red car", text_at(found, "results.0.path"))) < 2e-3);
    json_decref(found);
    run_free(&r);
    run(&r, "label", "--all", "-m", "./siglip", "--library", "lib", "-c", "cat,dog", "--store",
        "kinds", "--no-cache", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "models", "--library", "lib", "--json", NULL);
    expect(&r, 0);
    expect_out(
        &r,
        "/siglip\",\"short_name\":null,\"path\":"); /* by its path: it is in no place for models */
    run_free(&r);
    run(&r, "doctor", "-m", "./siglip", "--library", "lib", "--json", NULL);
    expect(&r, 0);
    run_free(&r);
}

static void naflex_pictures_have_a_size_of_their_own(void **state) {
    (void)state;
    static const struct {
        const char *name, *size;
        size_t bytes;
    } pictures[] = {{"scene_120x70", "\"width\":72,\"height\":40", 72 * 40 * 3},
                    {"plasma_50x130", "\"width\":32,\"height\":88", 32 * 88 * 3},
                    {"plasma_200x20", "\"width\":160,\"height\":16", 160 * 16 * 3}};
    char model[1200], file[1300], path[128];
    run_result r;
    (void)snprintf(model, sizeof model, "%s", shared_path("golden/families/siglip2-naflex"));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "expected/images/%s.png", pictures[i].name);
        (void)snprintf(file, sizeof file, "%s", path_in(model, path));
        run(&r, "preprocess", "--model", model, "--output", "out.rgb", file, NULL);
        expect(&r, 0);
        expect_out(&r, pictures[i].size);
        run_free(&r);
        size_t size = 0;
        free(read_whole_file("out.rgb", &size));
        assert_int_equal(size, pictures[i].bytes);
        run(&r, "embed", "-m", model, "--image", file, NULL);
        expect(&r, 0);
        run_free(&r);
    }
    run(&r, "embed", "-m", model, "--text", "a photo", NULL);
    expect(&r, 0);
    run_free(&r);
    /* Where Hugging Face's programs keep models. */
    static const char snapshots[] = "hub/models--org--naflex/snapshots/";
    char link[256];
    (void)snprintf(link, sizeof link, "%s%040d", snapshots, 7);
    make_parents(link);
    assert_int_equal(symlink(model, link), 0);
    run_shell(&r, "HF_HUB_CACHE=\"$PWD/hub\" \"$G\" models --json");
    expect(&r, 0);
    expect_out(&r, "\"family\":\"SigLIP 2 NaFlex\"");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embed_matches_the_reference_on_every_backend),
        cmocka_unit_test(tokenize_matches_the_reference),
        cmocka_unit_test(preprocess_matches_the_reference),
        cmocka_unit_test(label_gives_the_references_probabilities),
        cmocka_unit_test(probabilities_follow_from_the_embeddings),
        cmocka_unit_test(calibration_examples_and_evaluation_work),
        cmocka_unit_test(a_library_works_with_it),
        cmocka_unit_test(naflex_pictures_have_a_size_of_their_own),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
