/*
 * embed, tokenize and preprocess against the reference data: what scripts rely on.
 */
#include "support/commands.h"

#include <glimpse/compute.h>

#include <math.h>

static const char *const model_directories[] = {"clip-hf-quickgelu", "clip-hf-gelu-f16",
                                                "clip-hf-gelu-bf16", "sharded"};

/* Row `row` of [rows][width] floats in a file. */
static const float *golden_row(const char *directory, const char *file, size_t row, size_t width) {
    static float values[4096];
    size_t size = 0;
    float *all = read_whole_file(path_in(directory, file), &size);
    assert_true(width <= 4096 && (row + 1) * width * sizeof(float) <= size);
    memcpy(values, all + row * width, width * sizeof(float));
    free(all);
    return values;
}

static void check_embedding(const json_t *object, const float *expected, size_t width,
                            double tolerance) {
    const json_t *embedding = at(object, "embedding");
    assert_int_equal(json_array_size(embedding), width);
    double worst = 0, dot = 0, a = 0, b = 0;
    for (size_t i = 0; i < width; i++) {
        double value = json_number_value(json_array_get(embedding, i));
        double other = (double)expected[i];
        if (fabs(value - other) > worst) worst = fabs(value - other);
        dot += value * other, a += value * value, b += other * other;
    }
    if (worst > tolerance) fail_msg("%s is %g off", text_at(object, "input"), worst);
    if (dot / sqrt(a * b) < 0.999999) fail_msg("cosine %.9f", dot / sqrt(a * b));
}

/* Every text and picture file of a reference directory in one call, mixed. */
static void embed_and_compare(const char *model, const char *data, int raw) {
    char path[64];
    json_t *expected = json_file(path_in(data, "expected.json"));
    const char *arguments[48] = {"embed", "--model", model, "--precision", "f32"};
    char *owned[48];
    size_t count = 5, owned_count = 0, texts = json_array_size(at(expected, "texts"));
    size_t rows[24], inputs = 0, images = json_array_size(at(expected, "images"));
    size_t width = (size_t)number_at(expected, "arrays.image_embeds.shape.1");
    int is_text[24];
    if (raw) arguments[count++] = "--raw";
    for (size_t i = 0; i < texts || i < images; i++) {
        if (i < texts) {
            (void)snprintf(path, sizeof path, "texts.%zu.text", i);
            arguments[count++] = "--text";
            arguments[count++] = text_at(expected, path);
            is_text[inputs] = 1, rows[inputs++] = i;
        }
        if (i < images) {
            (void)snprintf(path, sizeof path, "images.%zu", i);
            const json_t *file = json_object_get(at(expected, path), "file");
            if (!file) continue; /* noise that is no file */
            const char *image = path_in(data, json_string_value(file));
            size_t capacity = strlen(image) + sizeof "--image=";
            owned[owned_count] = malloc(capacity);
            assert_non_null(owned[owned_count]);
            (void)snprintf(owned[owned_count], capacity, "--image=%s", image);
            arguments[count++] = owned[owned_count++];
            is_text[inputs] = 0, rows[inputs++] = i;
        }
    }
    run_result r;
    run_list(&r, arguments, "", 0);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), inputs);
    for (size_t i = 0; i < inputs; i++) {
        const json_t *object = json_array_get(lines, i);
        assert_string_equal(text_at(object, "kind"), is_text[i] ? "text" : "image");
        (void)snprintf(path, sizeof path, "%s_embeds%s.f32", is_text[i] ? "text" : "image",
                       raw ? "" : "_norm");
        check_embedding(object, golden_row(data, path, rows[i], width), width, raw ? 2e-4 : 2e-5);
    }
    json_decref(lines);
    run_free(&r);
    while (owned_count > 0)
        free(owned[--owned_count]);
    json_decref(expected);
}

static void embed_matches_the_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof model_directories / sizeof *model_directories; i++) {
        char model[1200], data[1200];
        (void)snprintf(model, sizeof model, "%s", shared_path("golden"));
        (void)snprintf(model + strlen(model), 64, "/%s", model_directories[i]);
        /* The shards hold the weights of the first directory. */
        (void)snprintf(data, sizeof data, "%s/%s/expected", shared_path("golden"),
                       strcmp(model_directories[i], "sharded") == 0 ? model_directories[0]
                                                                    : model_directories[i]);
        embed_and_compare(model, data, 0);
        embed_and_compare(model, data, 1);
    }
}

static void embed_reports_cut_texts_and_unusable_pictures(void **state) {
    (void)state;
    const char *model = source_path("data/models/demo");
    char *longest = malloc(4001);
    assert_non_null(longest);
    for (int i = 0; i < 1000; i++)
        memcpy(longest + 4 * i, "car ", 4);
    longest[4000] = '\0';
    write_file("notes.png", "no picture", 10);
    write_picture("a.ppm", 40, 30, 1);
    run_result r;
    run(&r, "embed", "--model", model, "--image", "notes.png", "--text", longest, "-i", "a.ppm",
        "-i", "absent.png", "-t", "", NULL);
    expect(&r, 3);
    expect_err(&r, "glimpse: notes.png: ");
    expect_err(&r, "glimpse: absent.png: ");
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 3);
    assert_true(json_is_true(at(lines, "0.truncated")));
    assert_null(json_object_get(json_array_get(lines, 1), "truncated"));
    assert_string_equal(text_at(lines, "1.input"), "a.ppm");
    assert_string_equal(text_at(lines, "2.input"), "");
    json_decref(lines);
    run_free(&r);
    free(longest);
}

static void embed_is_close_in_bf16_and_on_every_backend(void **state) {
    (void)state;
    const char *model = source_path("data/models/demo");
    write_picture("a.ppm", 200, 130, 7);
    json_t *first = NULL;
    /* f32 on each backend, then what auto chooses in bf16 and without a precision. */
    size_t backends = 0;
    while (glimpse_backend_names()[backends + 1])
        backends++;
    for (size_t i = 0; i < backends + 2; i++) {
        run_result r;
        run(&r, "embed", "--model", model, "--precision",
            i < backends    ? "f32"
            : i == backends ? "bf16"
                            : "auto",
            "--backend", i < backends ? glimpse_backend_names()[i + 1] : "auto", "--image", "a.ppm",
            "--text", "a red car", NULL);
        if (r.code == 4 && i < backends && i + 1 > GLIMPSE_BACKEND_OPENBLAS) { /* not here */
            expect_err(&r, "use the openblas backend");
            run_free(&r);
            continue;
        }
        expect(&r, 0);
        json_t *lines = run_json_lines(&r);
        if (!first) first = json_incref(lines);
        for (size_t input = 0; input < 2; input++) {
            double dot = 0, length = 0;
            const json_t *a = json_object_get(json_array_get(first, input), "embedding");
            const json_t *b = json_object_get(json_array_get(lines, input), "embedding");
            for (size_t j = 0; j < json_array_size(a); j++) {
                double value = json_number_value(json_array_get(b, j));
                dot += json_number_value(json_array_get(a, j)) * value;
                length += value * value;
            }
            assert_true(fabs(length - 1) < 1e-4);
            assert_true(dot > (i < backends ? 0.999999 : 0.999));
        }
        json_decref(lines);
        run_free(&r);
    }
    json_decref(first);
}

static size_t from_hex(const char *hex, char *out) {
    size_t size = 0;
    for (unsigned byte; hex[0] && hex[1] && sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[size++] = (char)byte;
    return size;
}

/* All recorded strings in two processes: those without a newline as lines (NUL bytes included),
 * the others ended by NUL bytes. */
static void tokenize_matches_the_reference(void **state) {
    (void)state;
    char model[1200];
    (void)snprintf(model, sizeof model, "%s", shared_path("golden/clip-hf-quickgelu"));
    size_t size = 0, compared = 0;
    char *cases = read_whole_file(shared_path("golden/tokenizer/clip_bpe_cases.tsv"), &size);
    char *copy = malloc(size + 1), *input = malloc(size + 1), *text = malloc(size + 1);
    assert_true(copy && input && text);
    for (int pass = 0; pass < 2; pass++) {
        char *expected[1000];
        size_t used = 0, count = 0;
        memcpy(copy, cases, size + 1);
        for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
            char *fields[7], *s = line;
            size_t n = 0;
            while (n < 7 && s)
                fields[n++] = strsep(&s, "\t");
            if (line[0] == '#' || n < 7 || strcmp(fields[6], "-") == 0) continue;
            size_t length = strcmp(fields[3], "-") == 0 ? 0 : from_hex(fields[3], text);
            if ((memchr(text, '\n', length) != NULL) != (pass == 1)) continue;
            memcpy(input + used, text, length);
            used += length;
            input[used++] = pass == 0 ? '\n' : '\0';
            expected[count++] = strcmp(fields[6], "=") == 0 ? fields[4] : fields[6];
        }
        assert_true(count > 0);
        run_result r;
        const char *arguments[] = {"tokenize", "--model", model, pass ? "--stdin0" : "--stdin",
                                   NULL};
        run_list(&r, arguments, input, used);
        expect(&r, 0);
        expect_no_err(&r);
        json_t *lines = run_json_lines(&r);
        assert_int_equal(json_array_size(lines), count);
        for (size_t i = 0; i < count; i++) {
            const json_t *ids = at(json_array_get(lines, i), "ids");
            int cut = json_is_true(at(json_array_get(lines, i), "truncated"));
            char *s = expected[i];
            size_t n = json_array_size(ids);
            assert_true(n <= 77);
            for (size_t j = 0; j < n; j++) {
                long id = strtol(s, &s, 10);
                if (cut && j + 1 == n) id = 49407;
                if (json_integer_value(json_array_get(ids, j)) != id) {
                    fail_msg("case %zu of pass %d, token %zu", i, pass, j);
                }
            }
            if (!cut) assert_true(*s == '\0');
            if (cut) assert_true(n == 77 && *s != '\0');
            compared++;
        }
        json_decref(lines);
        run_free(&r);
    }
    assert_true(compared > 600);
    free(text);
    free(input);
    free(copy);
    free(cases);
}

static void tokenize_needs_only_tokenizer_files(void **state) {
    (void)state;
    assert_int_equal(mkdir("words", 0777), 0);
    copy_file(source_path("data/models/demo/vocab.json"), "words/vocab.json");
    copy_file(source_path("data/models/demo/merges.txt"), "words/merges.txt");
    run_result alone, whole;
    run(&alone, "tokenize", "--model", "./words", "a red car", "in the snow", NULL);
    run(&whole, "tokenize", "--model", source_path("data/models/demo"), "a red car", "in the snow",
        NULL);
    expect(&alone, 0);
    expect(&whole, 0);
    assert_string_equal(alone.out, whole.out);
    expect_out(&alone, "{\"text\":\"a red car\",\"ids\":[");
    expect_out(&alone, "],\"truncated\":false}\n");
    run_free(&alone);
    run_free(&whole);
}

static void tokenize_prints_invalid_text_as_valid_json(void **state) {
    (void)state;
    run_result r;
    run(&r, "tokenize", "--model", source_path("data/models/demo"), "a\xFF\"\\\x01\xE2\x82z", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "text"), "a\xEF\xBF\xBD\"\\\x01\xEF\xBF\xBDz");
    json_decref(root);
    run_free(&r);
}

static void check_preprocess(const char *image, const char *crop, const char *expected) {
    run_result r;
    size_t size = 0, expected_size = 0;
    run(&r, "preprocess", "--model", "./vision", "--crop", crop, "--output", "crop.rgb", image,
        NULL);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *root = run_json(&r);
    assert_string_equal(text_at(root, "path"), image);
    assert_string_equal(text_at(root, "output"), "crop.rgb");
    assert_true(number_at(root, "width") == 224 && number_at(root, "height") == 224);
    assert_true(number_at(root, "channels") == 3);
    json_decref(root);
    unsigned char *got = read_whole_file("crop.rgb", &size);
    unsigned char *wanted = read_whole_file(expected, &expected_size);
    assert_int_equal(size, 224 * 224 * 3);
    assert_int_equal(expected_size, size);
    if (memcmp(got, wanted, size) != 0) fail_msg("%s (%s): other pixels", image, crop);
    free(got);
    free(wanted);
    run_free(&r);
}

/* Lossless cases with a crop of 224: bytes must be equal. */
static void preprocess_matches_the_reference(void **state) {
    (void)state;
    char directory[1000], *rest = NULL;
    (void)snprintf(directory, sizeof directory, "%s", shared_path("golden/preprocess"));
    assert_int_equal(mkdir("vision", 0777), 0);
    static const char config[] = "{\"model_type\":\"clip\",\"text_config\":{},"
                                 "\"vision_config\":{\"image_size\":224}}";
    write_file("vision/config.json", config, sizeof config - 1);
    static const char rules[] =
        "{\"do_resize\":true,\"size\":{\"shortest_edge\":224},\"resample\":3,"
        "\"do_center_crop\":true,\"crop_size\":{\"height\":224,\"width\":224},"
        "\"do_normalize\":true,\"image_mean\":[0.5,0.5,0.5],"
        "\"image_std\":[0.5,0.5,0.5]}";
    write_file("vision/preprocessor_config.json", rules, sizeof rules - 1);
    char *cases = read_whole_file(path_in(directory, "manifest.tsv"), NULL);
    size_t checked = 0, torchvision = 0;
    for (char *line = strtok_r(cases, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *fields[10], *s = line, image[1200], expected[1200];
        size_t n = 0;
        while (n < 10 && s)
            fields[n++] = strsep(&s, "\t");
        if (line[0] == '#' || n < 10 || strcmp(fields[2], "1") != 0 ||
            strcmp(fields[3], "224") != 0 || strcmp(fields[9], "-") != 0) {
            continue;
        }
        int has_other = strcmp(fields[8], "-") != 0;
        if (checked >= 12 && (!has_other || torchvision >= 4)) continue;
        (void)snprintf(image, sizeof image, "%s/%s", directory, fields[1]);
        (void)snprintf(expected, sizeof expected, "%s/%s", directory, fields[7]);
        check_preprocess(image, "hf", expected);
        if (has_other) {
            (void)snprintf(expected, sizeof expected, "%s/%s", directory, fields[8]);
            torchvision++;
        }
        check_preprocess(image, "torchvision", expected);
        checked++;
    }
    assert_true(checked >= 12 && torchvision >= 2);
    free(cases);
}

static void preprocess_reports_failures(void **state) {
    (void)state;
    const char *model = source_path("data/models/demo");
    run_result r;
    write_file("notes.png", "no picture", 10);
    write_picture("a.ppm", 40, 30, 1);
    run(&r, "preprocess", "--model", model, "--output", "x.rgb", "notes.png", NULL);
    expect(&r, 4);
    expect_err(&r, "glimpse: notes.png: ");
    assert_string_equal(r.out, "");
    run_free(&r);
    run(&r, "preprocess", "--model", model, "--output", "nowhere/x.rgb", "a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "nowhere/x.rgb: cannot write: No such file or directory");
    run_free(&r);
    run(&r, "preprocess", "--model", model, "--output", "/dev/full", "a.ppm", NULL);
    expect(&r, 4);
    expect_err(&r, "No space left");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embed_matches_the_reference),
        cmocka_unit_test(embed_reports_cut_texts_and_unusable_pictures),
        cmocka_unit_test(embed_is_close_in_bf16_and_on_every_backend),
        cmocka_unit_test(tokenize_matches_the_reference),
        cmocka_unit_test(tokenize_needs_only_tokenizer_files),
        cmocka_unit_test(tokenize_prints_invalid_text_as_valid_json),
        cmocka_unit_test(preprocess_matches_the_reference),
        cmocka_unit_test(preprocess_reports_failures),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
