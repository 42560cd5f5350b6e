/*
 * BLIP gives the numbers and the tokens of the reference implementation, on every backend, with
 * and without the cache of keys and values.
 */
#include "support/json.h"

#include "math/init.h"
#include "vlm/blip/blip_internal.h"

#include <math.h>

enum { IMAGES = 4, MAX_COUNT = 64 };

typedef struct golden {
    char directory[1100];
    const char *mode;
    json_t *expected;
    glimpse_blip *model;
    glimpse_blip_worker *worker;
    glimpse_blip_image *images[IMAGES];
    size_t image_count;
} golden;

static json_t *need(json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    if (!value) fail_msg("the reference has no \"%s\"", key);
    return value;
}

static json_t *item(json_t *object, const char *key, size_t i) {
    json_t *value = json_array_get(need(object, key), i);
    if (!value) fail_msg("the reference has no \"%s\" %zu", key, i);
    return value;
}

static size_t size_of(json_t *object, const char *key) {
    return (size_t)json_integer_value(need(object, key));
}

static float *load(const golden *g, json_t *object, const char *key, size_t count) {
    size_t size = 0;
    float *data =
        read_whole_file(path_in(g->directory, json_string_value(need(object, key))), &size);
    if (size != count * sizeof(float)) fail_msg("%s: %zu bytes for %zu floats", key, size, count);
    return data;
}

/* `ids` holds MAX_COUNT. */
static glimpse_blip_text load_ids(json_t *object, const char *key, int32_t *ids) {
    json_t *list = need(object, key);
    size_t count = json_array_size(list);
    assert_in_range(count, 1, MAX_COUNT);
    for (size_t i = 0; i < count; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return (glimpse_blip_text){ids, count};
}

static void close_to(const golden *g, const char *what, size_t i, const float *got,
                     const float *wanted, size_t count, double tolerance) {
    for (size_t j = 0; j < count; j++) {
        double off = fabs((double)got[j] - (double)wanted[j]);
        if (!(off <= tolerance)) {
            fail_msg("%s, %s: %s %zu, number %zu: %.9g instead of %.9g", g->directory, g->mode,
                     what, i, j, (double)got[j], (double)wanted[j]);
        }
    }
}

static void close_to_list(const golden *g, const char *what, size_t i, const float *got,
                          json_t *wanted, double tolerance) {
    for (size_t j = 0; j < json_array_size(wanted); j++) {
        float value = (float)json_number_value(json_array_get(wanted, j));
        close_to(g, what, i, &got[j], &value, 1, tolerance);
    }
}

static void open_golden(golden *g, const char *directory, glimpse_backend backend) {
    memset(g, 0, sizeof *g);
    char relative[64];
    (void)snprintf(relative, sizeof relative, "golden/%s", directory);
    (void)snprintf(g->directory, sizeof g->directory, "%s", shared_path(relative));
    g->mode = glimpse_backend_names()[backend];
    g->expected = json_file(path_in(g->directory, "expected.json"));
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    options.backend = backend;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_ok(glimpse_blip_open(&g->model, g->directory, &options));
    glimpse_blip_limits limits = GLIMPSE_BLIP_LIMITS_INIT;
    limits.beams = 8;
    assert_ok(glimpse_blip_worker_create(&g->worker, g->model, &limits));
    g->image_count = json_array_size(need(g->expected, "images"));
    assert_in_range(g->image_count, 1, IMAGES);
    size_t tokens = glimpse_blip_image_tokens(g->model), width = glimpse_blip_image_width(g->model);
    for (size_t i = 0; i < g->image_count; i++) {
        json_t *image = item(g->expected, "images", i);
        size_t side = (size_t)json_integer_value(json_array_get(need(image, "shape"), 1));
        float *pixels = load(g, image, "pixel_values", 3 * side * side);
        float *states = load(g, image, "vision_last_hidden_state", tokens * width);
        assert_ok(glimpse_blip_image_from_pixels(&g->images[i], g->worker, pixels));
        close_to(g, "image states", i, glimpse_blip_image_states(g->images[i]), states,
                 tokens * width, 5e-5);
        free(pixels);
        free(states);
    }
}

static void close_golden(golden *g) {
    for (size_t i = 0; i < g->image_count; i++)
        glimpse_blip_image_free(g->images[i]);
    glimpse_blip_worker_free(g->worker);
    glimpse_blip_close(g->model);
    json_decref(g->expected);
}

static int skip_backend(glimpse_backend backend) {
    glimpse_math math;
    if (glimpse_math_init(&math, backend, GLIMPSE_PRECISION_F32) == GLIMPSE_OK) return 0;
    print_message("SKIPPED: %s: %s\n", glimpse_backend_names()[backend], glimpse_last_error());
    return 1;
}

/*
 * Matching.
 */
static void check_features(golden *g, const glimpse_blip_text *texts, size_t count) {
    size_t joint = glimpse_blip_joint_width(g->model);
    float *features = calloc(count * joint, sizeof *features);
    assert_non_null(features);
    assert_ok(glimpse_blip_text_features(features, g->worker, texts, count));
    for (size_t i = 0; i < count; i++) {
        close_to_list(g, "text feature", i, features + i * joint,
                      need(item(g->expected, "captions", i), "itc_text_feature"), 1e-5);
    }
    for (size_t i = 0; i < g->image_count; i++) {
        close_to_list(g, "image feature", i, glimpse_blip_image_feature(g->images[i]),
                      need(item(g->expected, "images", i), "itc_image_feature"), 1e-5);
    }
    for (size_t p = 0; p < json_array_size(need(g->expected, "pairs")); p++) {
        json_t *pair = item(g->expected, "pairs", p);
        const float *image = glimpse_blip_image_feature(g->images[size_of(pair, "image")]);
        const float *text = features + size_of(pair, "caption") * joint;
        double dot = 0;
        for (size_t j = 0; j < joint; j++)
            dot += (double)image[j] * (double)text[j];
        assert_true(fabs(dot - json_number_value(need(pair, "cosine"))) < 1e-5);
    }
    free(features);
}

static void check_pairs(golden *g, const glimpse_blip_text *texts, size_t count, const char *key) {
    float *logits = calloc(g->image_count * count * 2, sizeof *logits);
    assert_non_null(logits);
    assert_ok(glimpse_blip_match(logits, g->worker, (const glimpse_blip_image *const *)g->images,
                                 g->image_count, texts, count));
    for (size_t p = 0; p < json_array_size(need(g->expected, "pairs")); p++) {
        json_t *pair = item(g->expected, "pairs", p);
        size_t image = size_of(pair, "image"), text = size_of(pair, "caption");
        const float *got = logits + (image * count + text) * 2;
        close_to_list(g, key, p, got, need(pair, key), 5e-5);
        if (strcmp(key, "itm_logits") != 0) continue;
        double match = json_number_value(json_array_get(need(pair, "itm_softmax"), 1));
        assert_true(fabs(glimpse_blip_probability(got) - match) < 5e-5);
        /* The pair alone gives the same as in the batch. */
        const glimpse_blip_image *one = g->images[image];
        float alone[2];
        assert_ok(glimpse_blip_match(alone, g->worker, &one, 1, &texts[text], 1));
        close_to(g, "a pair alone", p, alone, got, 2, 1e-5);
    }
    free(logits);
}

static void check_states(golden *g, const glimpse_blip_text *text) {
    size_t count = text->count * glimpse_blip_text_width(g->model);
    float *states = calloc(count, sizeof *states);
    float *alone = load(g, item(g->expected, "captions", 0), "text_last_hidden_state", count);
    float *both = load(g, item(g->expected, "pairs", 0), "multimodal_last_hidden_state", count);
    assert_non_null(states);
    assert_ok(glimpse_blip_text_states(states, g->worker, NULL, text));
    close_to(g, "text states", 0, states, alone, count, 5e-5);
    assert_ok(glimpse_blip_text_states(states, g->worker, g->images[0], text));
    close_to(g, "multimodal states", 0, states, both, count, 5e-5);
    free(states);
    free(alone);
    free(both);
}

static void matching_agrees(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        if (skip_backend((glimpse_backend)b)) continue;
        golden g;
        open_golden(&g, "blip-itm", (glimpse_backend)b);
        assert_int_equal(glimpse_blip_kind_of(g.model), GLIMPSE_BLIP_MATCH);
        size_t count = json_array_size(need(g.expected, "captions"));
        int32_t ids[16][MAX_COUNT];
        glimpse_blip_text texts[16];
        assert_in_range(count, 1, 16);
        for (size_t i = 0; i < count; i++)
            texts[i] = load_ids(item(g.expected, "captions", i), "input_ids", ids[i]);
        check_features(&g, texts, count);
        check_pairs(&g, texts, count, "itm_logits");
        check_states(&g, &texts[0]);
        json_t *special = need(need(g.expected, "tokenizer"), "special_ids");
        for (size_t i = 0; i < count; i++)
            ids[i][0] = (int32_t)size_of(special, "enc");
        check_pairs(&g, texts, count, "itm_logits_enc_token");
        close_golden(&g);
    }
}

/* The residual stream of the image tower after every layer. */
typedef struct stages {
    golden *g;
    float *expected;
    size_t seen;
} stages;

static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    close_to(s->g, "image layer", stage, x, s->expected + stage * rows * width, rows * width, 5e-5);
    s->seen++;
}

static void image_layers_agree(void **unused) {
    (void)unused;
    golden g;
    open_golden(&g, "blip-itm", GLIMPSE_BACKEND_PLAIN);
    json_t *image = item(g.expected, "images", 0);
    json_t *shape = need(image, "vision_hidden_states_shape");
    size_t count = 1, side = (size_t)json_integer_value(json_array_get(need(image, "shape"), 1));
    for (size_t i = 0; i < 3; i++)
        count *= (size_t)json_integer_value(json_array_get(shape, i));
    stages s = {&g, load(&g, image, "vision_hidden_states", count), 0};
    float *pixels = load(&g, image, "pixel_values", 3 * side * side);
    g.worker->vision.trace = check_stage;
    g.worker->vision.trace_user = &s;
    glimpse_blip_image *seen = NULL;
    assert_ok(glimpse_blip_image_from_pixels(&seen, g.worker, pixels));
    assert_int_equal(s.seen, json_integer_value(json_array_get(shape, 0)));
    glimpse_blip_image_free(seen);
    free(pixels);
    free(s.expected);
    close_golden(&g);
}

/*
 * Generating.
 */
typedef struct steps {
    golden *g;
    const float *expected;
    size_t prompt, count, seen;
} steps;

static void check_step(void *user, size_t which, size_t beam, size_t length, const float *logits) {
    steps *s = user;
    size_t vocabulary = glimpse_blip_vocabulary(s->g->model), step = length - s->prompt;
    assert_int_equal(which + beam, 0);
    assert_true(step < s->count);
    close_to(s->g, "step", step, logits, s->expected + step * vocabulary, vocabulary, 5e-4);
    s->seen++;
}

static void same_ids(const golden *g, size_t which, const glimpse_blip_sequence *got,
                     json_t *wanted) {
    int same = got->count == json_array_size(wanted);
    for (size_t i = 0; same && i < got->count; i++)
        same = got->ids[i] == json_integer_value(json_array_get(wanted, i));
    if (!same) fail_msg("%s, %s: case %zu: other ids", g->directory, g->mode, which);
}

static int run_case(golden *g, json_t *one, const glimpse_blip_generation *how,
                    glimpse_blip_result **result) {
    int32_t ids[MAX_COUNT];
    const glimpse_blip_image *image = g->images[size_of(one, "image")];
    if (glimpse_blip_kind_of(g->model) == GLIMPSE_BLIP_ANSWER) {
        glimpse_blip_text question = load_ids(one, "input_ids", ids);
        return glimpse_blip_answer(result, g->worker, &image, &question, 1, how);
    }
    json_t *prompts = item(g->expected, "prompts", size_of(one, "prompt"));
    glimpse_blip_text prompt = load_ids(prompts, "input_ids", ids);
    return glimpse_blip_caption(result, g->worker, &image, 1, &prompt, how);
}

static void check_question(golden *g, json_t *one, size_t which) {
    int32_t ids[MAX_COUNT];
    glimpse_blip_text question = load_ids(one, "input_ids", ids);
    size_t count = question.count * glimpse_blip_text_width(g->model);
    float *wanted = load(g, one, "question_embeds", count);
    float *states = calloc(count, sizeof *states);
    assert_non_null(states);
    assert_ok(
        glimpse_blip_text_states(states, g->worker, g->images[size_of(one, "image")], &question));
    close_to(g, "question", which, states, wanted, count, 5e-5);
    free(states);
    free(wanted);
}

static void check_greedy(golden *g, json_t *one, size_t which, const glimpse_blip_generation *how) {
    size_t vocabulary = glimpse_blip_vocabulary(g->model);
    size_t count = (size_t)json_integer_value(json_array_get(need(one, "step_logits_shape"), 0));
    float *logits = load(g, one, "step_logits", count * vocabulary);
    steps s = {g, logits, json_array_size(need(one, "ids")) - count, count, 0};
    glimpse_blip_result *result = NULL;
    glimpse_blip_worker_set_trace(g->worker, check_step, &s);
    assert_ok(run_case(g, one, how, &result));
    glimpse_blip_worker_set_trace(g->worker, NULL, NULL);
    assert_int_equal(s.seen, count);
    assert_int_equal(glimpse_blip_result_count(result), 1);
    const glimpse_blip_sequence *got = glimpse_blip_result_get(result, 0);
    same_ids(g, which, got, need(one, "ids"));
    assert_string_equal(got->text, json_string_value(need(one, "text")));
    assert_int_equal(got->prompt, s.prompt);
    double sum = 0, total;
    for (size_t i = 0; i < count; i++) {
        assert_true(glimpse_blip_log_total(logits + i * vocabulary, vocabulary, &total));
        sum += (double)logits[i * vocabulary + (size_t)got->ids[s.prompt + i]] - total;
    }
    assert_true(fabs(got->sum - sum) < 1e-3);
    assert_true(fabs(got->score - sum / (double)count) < 1e-4);
    glimpse_blip_result_free(result);
    free(logits);
}

static void check_beams(golden *g, json_t *one, size_t which, const glimpse_blip_generation *how) {
    glimpse_blip_result *result = NULL;
    assert_ok(run_case(g, one, how, &result));
    assert_int_equal(glimpse_blip_result_count(result), json_array_size(need(one, "beams")));
    for (size_t i = 0; i < glimpse_blip_result_count(result); i++) {
        json_t *beam = item(one, "beams", i);
        const glimpse_blip_sequence *got = glimpse_blip_result_get(result, i);
        same_ids(g, which, got, need(beam, "ids"));
        assert_string_equal(got->text, json_string_value(need(beam, "text")));
        assert_true(fabs(got->sum - json_number_value(need(beam, "sum_logprob"))) < 1e-3);
        assert_true(fabs(got->score - json_number_value(need(beam, "score"))) < 1e-4);
    }
    glimpse_blip_result_free(result);
}

static void check_cases(golden *g) {
    size_t count = json_array_size(need(g->expected, "cases"));
    for (size_t i = 0; i < count; i++) {
        json_t *one = item(g->expected, "cases", i);
        glimpse_blip_generation how = GLIMPSE_BLIP_GENERATION_INIT;
        assert_ok(glimpse_blip_generation_defaults(&how, g->model));
        how.beams = size_of(one, "num_beams");
        how.max_length = size_of(one, "max_length");
        how.min_length = size_of(one, "min_length");
        if (json_object_get(one, "question_embeds")) check_question(g, one, i);
        /* Every step anew takes the plain loops too long for all cases. */
        unsigned passes = strcmp(g->mode, "plain") == 0 && i >= 3 ? 1 : 2;
        for (unsigned pass = 0; pass < passes; pass++) {
            how.flags = pass ? GLIMPSE_BLIP_NO_CACHE : 0;
            if (how.beams == 1) {
                check_greedy(g, one, i, &how);
            } else {
                check_beams(g, one, i, &how);
            }
        }
    }
}

static void check_forward(golden *g) {
    json_t *forward = need(g->expected, "forward");
    int32_t ids[MAX_COUNT];
    glimpse_blip_text text = load_ids(forward, "input_ids", ids);
    size_t vocabulary = glimpse_blip_vocabulary(g->model), count = text.count * vocabulary;
    float *wanted = load(g, forward, "logits", count), *logits = calloc(count, sizeof *logits);
    assert_non_null(logits);
    const glimpse_blip_image *image = g->images[size_of(forward, "image")];
    assert_ok(glimpse_blip_logits(logits, g->worker, image, NULL, &text));
    close_to(g, "forward", 0, logits, wanted, count, 5e-4);
    double sum = 0, total, sums[3];
    for (size_t i = 0; i + 1 < text.count; i++) {
        assert_true(glimpse_blip_log_total(wanted + i * vocabulary, vocabulary, &total));
        sum += (double)wanted[i * vocabulary + (size_t)ids[i + 1]] - total;
    }
    glimpse_blip_text texts[3] = {text, {ids, 2}, text};
    assert_ok(glimpse_blip_rate(sums, g->worker, image, NULL, texts, 3));
    assert_true(fabs(sums[0] - sum) < 1e-3 && fabs(sums[2] - sum) < 1e-3);
    free(logits);
    free(wanted);
}

static void captions_agree(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        if (skip_backend((glimpse_backend)b)) continue;
        golden g;
        open_golden(&g, "blip-caption", (glimpse_backend)b);
        assert_int_equal(glimpse_blip_kind_of(g.model), GLIMPSE_BLIP_CAPTION);
        check_forward(&g);
        check_cases(&g);
        close_golden(&g);
    }
}

static void answers_agree(void **unused) {
    (void)unused;
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        if (skip_backend((glimpse_backend)b)) continue;
        golden g;
        open_golden(&g, "blip-vqa", (glimpse_backend)b);
        assert_int_equal(glimpse_blip_kind_of(g.model), GLIMPSE_BLIP_ANSWER);
        check_cases(&g);
        close_golden(&g);
    }
}

static void check_picture_files(const char *directory) {
    golden g;
    open_golden(&g, directory, GLIMPSE_BACKEND_OPENBLAS);
    const glimpse_preprocess *rules = glimpse_blip_preprocess(g.model);
    size_t pixels = (size_t)rules->width * rules->height, checked = 0;
    uint8_t *rgb = malloc(3 * pixels);
    float *values = malloc(3 * pixels * sizeof *values);
    assert_true(rgb && values);
    for (size_t i = 0; i < g.image_count; i++) {
        json_t *image = item(g.expected, "images", i);
        json_t *png = json_object_get(image, "png");
        if (!png) continue;
        glimpse_image *picture = NULL;
        assert_ok(glimpse_image_load(&picture, path_in(g.directory, json_string_value(png)), NULL));
        assert_ok(glimpse_preprocess_rgb(rgb, rules, picture));
        size_t size = 0;
        uint8_t *bytes = read_whole_file(
            path_in(g.directory, json_string_value(need(image, "resized_rgb_u8"))), &size);
        assert_int_equal(size, 3 * pixels);
        assert_memory_equal(rgb, bytes, size);
        free(bytes);
        float *wanted = load(&g, image, "pixel_values", 3 * pixels);
        glimpse_preprocess_normalize(values, rules, rgb);
        close_to(&g, "pixels", i, values, wanted, 3 * pixels, 1e-6);
        free(wanted);
        glimpse_blip_image *seen = NULL;
        assert_ok(glimpse_blip_image_create(&seen, g.worker, picture));
        close_to(&g, "states from a file", i, glimpse_blip_image_states(seen),
                 glimpse_blip_image_states(g.images[i]),
                 glimpse_blip_image_tokens(g.model) * glimpse_blip_image_width(g.model), 5e-5);
        glimpse_blip_image_free(seen);
        glimpse_image_free(picture);
        checked++;
    }
    assert_true(checked > 0);
    free(rgb);
    free(values);
    close_golden(&g);
}

static void picture_files_become_the_same_pixels(void **unused) {
    (void)unused;
    check_picture_files("blip-itm");
    check_picture_files("blip-caption");
    check_picture_files("blip-vqa");
}

/* Texts reach the ids that the cases above were fed. */
static void check_text(golden *g, glimpse_blip_role role, const char *text, json_t *object,
                       const char *key) {
    int32_t ids[MAX_COUNT], wanted[MAX_COUNT];
    glimpse_tokens tokens = {ids, MAX_COUNT, 0, 0};
    glimpse_blip_text expected = load_ids(object, key, wanted);
    assert_ok(glimpse_blip_encode(&tokens, g->model, role, text, strlen(text)));
    assert_int_equal(tokens.count, expected.count);
    assert_memory_equal(ids, wanted, expected.count * sizeof *ids);
}

static void texts_become_the_ids_of_their_role(void **unused) {
    (void)unused;
    golden g;
    open_golden(&g, "blip-itm", GLIMPSE_BACKEND_OPENBLAS);
    for (size_t i = 0; i < json_array_size(need(g.expected, "captions")); i++) {
        json_t *caption = item(g.expected, "captions", i);
        const char *text = json_string_value(need(caption, "text"));
        int32_t ids[MAX_COUNT];
        glimpse_tokens tokens = {ids, MAX_COUNT, 0, 0};
        check_text(&g, GLIMPSE_BLIP_TEXT_CLS, text, caption, "input_ids");
        assert_ok(glimpse_blip_encode(&tokens, g.model, GLIMPSE_BLIP_TEXT_ENC, text, strlen(text)));
        json_t *special = need(need(g.expected, "tokenizer"), "special_ids");
        assert_int_equal(ids[0], size_of(special, "enc"));
    }
    close_golden(&g);
    open_golden(&g, "blip-caption", GLIMPSE_BACKEND_OPENBLAS);
    for (size_t i = 0; i < json_array_size(need(g.expected, "prompts")); i++) {
        json_t *prompt = item(g.expected, "prompts", i), *text = need(prompt, "text");
        check_text(&g, GLIMPSE_BLIP_TEXT_PROMPT, json_is_null(text) ? "" : json_string_value(text),
                   prompt, "input_ids");
    }
    json_t *forward = need(g.expected, "forward");
    check_text(&g, GLIMPSE_BLIP_TEXT_OUTPUT, json_string_value(need(forward, "text")), forward,
               "input_ids");
    close_golden(&g);
    open_golden(&g, "blip-vqa", GLIMPSE_BACKEND_OPENBLAS);
    for (size_t i = 0; i < json_array_size(need(g.expected, "cases")); i++) {
        json_t *one = item(g.expected, "cases", i);
        int enc = strcmp(json_string_value(need(one, "first_token")), "enc") == 0;
        check_text(&g, enc ? GLIMPSE_BLIP_TEXT_ENC : GLIMPSE_BLIP_TEXT_CLS,
                   json_string_value(need(one, "question")), one, "input_ids");
    }
    close_golden(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching_agrees),
        cmocka_unit_test(image_layers_agree),
        cmocka_unit_test(captions_agree),
        cmocka_unit_test(answers_agree),
        cmocka_unit_test(picture_files_become_the_same_pixels),
        cmocka_unit_test(texts_become_the_ids_of_their_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
