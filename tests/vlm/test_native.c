/*
 * test_native.c - BLIP behind the interface of all vision-language models promises what BLIP itself
 * says, outcomes instead of errors for broken pictures, and clear words for what it cannot do.
 */
#include "support/test.h"

#include "support/random_blip.h"

#include <glimpse/sys/vlm.h>

#include <math.h>

static const glimpse_blip_kind kinds[] = {GLIMPSE_BLIP_ANSWER, GLIMPSE_BLIP_CAPTION,
                                          GLIMPSE_BLIP_MATCH}; /* as glimpse_vlm_operation */

typedef struct world {
    char *directories[3];
    glimpse_vlm *vlms[3];
    glimpse_image *image;
    glimpse_vlm_picture picture;
} world;

static int set_up(void **state) {
    world *w = calloc(1, sizeof *w);
    uint8_t pixels[48 * 40 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 13 + i / 48);
    assert_ok(glimpse_image_create(&w->image, pixels, 48, 40));
    w->picture.image = w->image;
    for (size_t i = 0; i < 3; i++) {
        random_blip model = random_blip_tiny(kinds[i]);
        glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
        options.precision = GLIMPSE_PRECISION_F32;
        w->directories[i] = make_temp_directory();
        assert_int_equal(random_blip_write(&model, w->directories[i]), 1);
        assert_ok(glimpse_vlm_open(&w->vlms[i], w->directories[i], &options));
    }
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        glimpse_vlm_close(w->vlms[i]);
        remove_tree(w->directories[i]);
        free(w->directories[i]);
    }
    glimpse_image_free(w->image);
    free(w);
    return 0;
}

static glimpse_vlm_request request_of(world *w, size_t operation) {
    glimpse_vlm_request request = GLIMPSE_VLM_REQUEST_INIT;
    request.operation = (glimpse_vlm_operation)operation;
    request.pictures = &w->picture;
    request.picture_count = 1;
    request.text = operation == GLIMPSE_VLM_CAPTION ? NULL : "a red dog";
    return request;
}

static void a_directory_does_its_one_thing_and_says_what_it_cannot(void **state) {
    world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        assert_false(glimpse_vlm_is_remote(w->vlms[i]));
        assert_true(strncmp(glimpse_vlm_identity(w->vlms[i]), "blip:", 5) == 0);
        for (size_t k = 0; k < 3; k++) {
            glimpse_vlm_request request = request_of(w, k);
            glimpse_vlm_answer *answer = NULL;
            assert_int_equal(glimpse_vlm_can(w->vlms[i], request.operation), i == k);
            int status = glimpse_vlm_ask(&answer, w->vlms[i], &request, NULL);
            assert_int_equal(status, i == k ? GLIMPSE_OK : GLIMPSE_E_UNSUPPORTED);
            if (i == k)
                assert_string_equal(answer->model, glimpse_vlm_identity(w->vlms[i]));
            else
                assert_non_null(strstr(glimpse_last_error(), "cannot"));
            glimpse_vlm_answer_free(answer);
        }
    }
    glimpse_vlm_request request = request_of(w, GLIMPSE_VLM_ASK);
    glimpse_vlm_answer *answer = NULL;
    request.schema = GLIMPSE_VLM_JSON_ANSWER;
    assert_int_equal(glimpse_vlm_ask(&answer, w->vlms[0], &request, NULL), GLIMPSE_E_UNSUPPORTED);
    request.schema = GLIMPSE_VLM_PLAIN;
    glimpse_vlm_picture two[2] = {w->picture, w->picture};
    request.pictures = two;
    request.picture_count = 2;
    assert_int_equal(glimpse_vlm_ask(&answer, w->vlms[0], &request, NULL), GLIMPSE_E_UNSUPPORTED);
}

/* The text as ids of `role`. */
static glimpse_blip_text encode(const glimpse_blip *model, glimpse_blip_role role, const char *text,
                                int32_t *ids) {
    glimpse_tokens tokens = {ids, 64, 0, 0};
    assert_ok(glimpse_blip_encode(&tokens, model, role, text, strlen(text)));
    return (glimpse_blip_text){ids, tokens.count};
}

static void answers_are_those_of_blip_itself(void **state) {
    world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        glimpse_blip *model = NULL;
        glimpse_blip_worker *worker = NULL;
        glimpse_blip_image *seen = NULL;
        glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
        options.precision = GLIMPSE_PRECISION_F32;
        assert_ok(glimpse_blip_open(&model, w->directories[i], &options));
        assert_ok(glimpse_blip_worker_create(&worker, model, NULL));
        assert_ok(glimpse_blip_image_create(&seen, worker, w->image));
        const glimpse_blip_image *one = seen;
        int32_t ids[64];
        glimpse_vlm_request request = request_of(w, i);
        glimpse_vlm_answer *answer = NULL;
        assert_ok(glimpse_vlm_ask(&answer, w->vlms[i], &request, NULL));
        if (i == GLIMPSE_VLM_SCORE) {
            float logits[2];
            glimpse_blip_text text = encode(model, GLIMPSE_BLIP_TEXT_CLS, request.text, ids);
            assert_ok(glimpse_blip_match(logits, worker, &one, 1, &text, 1));
            assert_true(fabs(answer->probability - glimpse_blip_probability(logits)) < 1e-5);
            assert_true(answer->confidence >= 0.5 && answer->cosine >= -1.0001 &&
                        answer->cosine <= 1.0001);
        } else {
            glimpse_blip_result *result = NULL;
            if (i == GLIMPSE_VLM_CAPTION) {
                assert_ok(glimpse_blip_caption(&result, worker, &one, 1, NULL, NULL));
            } else {
                glimpse_blip_text text = encode(model, GLIMPSE_BLIP_TEXT_CLS, request.text, ids);
                assert_ok(glimpse_blip_answer(&result, worker, &one, &text, 1, NULL));
            }
            const glimpse_blip_sequence *best = glimpse_blip_result_get(result, 0);
            assert_string_equal(answer->text, best->text);
            assert_int_equal(answer->id_count, best->count);
            assert_memory_equal(answer->ids, best->ids, best->count * sizeof *best->ids);
            assert_true(fabs(answer->log_probability - best->score) < 1e-4);
            glimpse_blip_result_free(result);
        }
        glimpse_vlm_answer_free(answer);
        glimpse_blip_image_free(seen);
        glimpse_blip_worker_free(worker);
        glimpse_blip_close(model);
    }
}

static void beams_and_seeds_are_passed_on(void **state) {
    world *w = *state;
    glimpse_vlm_request request = request_of(w, GLIMPSE_VLM_CAPTION);
    glimpse_vlm_answer *greedy = NULL, *wide = NULL, *drawn = NULL, *again = NULL;
    request.min_tokens = 6;
    request.max_tokens = 12;
    assert_ok(glimpse_vlm_ask(&greedy, w->vlms[1], &request, NULL));
    assert_in_range(greedy->id_count, 6, 12);
    request.beams = 5; /* more than the first worker had room for */
    assert_ok(glimpse_vlm_ask(&wide, w->vlms[1], &request, NULL));
    assert_true(wide->log_probability >= greedy->log_probability - 0.5);
    request.temperature = 1.5;
    request.seed = 7;
    assert_ok(glimpse_vlm_ask(&drawn, w->vlms[1], &request, NULL));
    assert_ok(glimpse_vlm_ask(&again, w->vlms[1], &request, NULL));
    assert_string_equal(drawn->text, again->text);
    glimpse_vlm_answer_free(greedy);
    glimpse_vlm_answer_free(wide);
    glimpse_vlm_answer_free(drawn);
    glimpse_vlm_answer_free(again);
}

static void a_broken_picture_is_an_outcome(void **state) {
    world *w = *state;
    glimpse_vlm_request request = request_of(w, GLIMPSE_VLM_SCORE);
    glimpse_vlm_picture picture = GLIMPSE_VLM_PICTURE_INIT;
    glimpse_vlm_answer *answer = NULL;
    picture.path = source_path("tests/image/fixtures/jpeg_cut.jpg");
    request.pictures = &picture;
    assert_ok(glimpse_vlm_ask(&answer, w->vlms[2], &request, NULL));
    assert_int_equal(answer->outcome, GLIMPSE_VLM_FAILED);
    assert_true(*answer->reason && !strstr(answer->reason, "jpeg_cut.jpg"));
    assert_true(answer->probability < 0);
    glimpse_vlm_answer_free(answer);
    glimpse_vlm *vlm = NULL;
    assert_int_equal(glimpse_vlm_open(&vlm, "no-such-folder", NULL), GLIMPSE_E_NOT_FOUND);
}

static void identity_follows_the_weights(void **state) {
    world *w = *state;
    random_blip model = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    char *directory = make_temp_directory();
    glimpse_vlm *same = NULL, *other = NULL;
    glimpse_vlm_options options = GLIMPSE_VLM_OPTIONS_INIT;
    options.precision = GLIMPSE_PRECISION_F32;
    assert_int_equal(random_blip_write(&model, directory), 1);
    assert_ok(glimpse_vlm_open(&same, directory, &options));
    assert_string_equal(glimpse_vlm_identity(same), glimpse_vlm_identity(w->vlms[2]));
    glimpse_vlm_close(same);
    model.seed++;
    assert_int_equal(random_blip_write(&model, directory), 1);
    assert_ok(glimpse_vlm_open(&other, directory, &options));
    assert_string_not_equal(glimpse_vlm_identity(other), glimpse_vlm_identity(w->vlms[2]));
    glimpse_vlm_close(other);
    remove_tree(directory);
    free(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_does_its_one_thing_and_says_what_it_cannot),
        cmocka_unit_test(answers_are_those_of_blip_itself),
        cmocka_unit_test(beams_and_seeds_are_passed_on),
        cmocka_unit_test(a_broken_picture_is_an_outcome),
        cmocka_unit_test(identity_follows_the_weights),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
