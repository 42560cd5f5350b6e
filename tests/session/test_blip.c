/*
 * test_blip.c - captions, matches and answers of BLIP models on picture files through a
 * session, with the demo VLM.
 */
#include "session_support.h"

#include <glimpse/session_blip.h>
#include <glimpse/session_vlm.h>

#include <math.h>

#define DEMO     GLIMPSE_SOURCE_DIR "/data/demo/"
#define DEMO_VLM GLIMPSE_SOURCE_DIR "/data/models/demo-vlm/"

enum { MAX_COUNT = 16 };

typedef struct records {
    size_t count, stop_at; /* stop_at 0: never */
    glimpse_blip_record all[MAX_COUNT];
    char texts[MAX_COUNT][256]; /* what was written, the likeliest candidate, or the problem */
    size_t ids[MAX_COUNT];
    double sums[MAX_COUNT];
} records;

static int keep(void *user, const glimpse_blip_record *r) {
    records *k = user;
    assert_true(k->count < MAX_COUNT);
    const size_t i = k->count++;
    const char *text = r->problem ? r->problem : "";
    if (r->result) {
        const glimpse_blip_sequence *best = glimpse_blip_result_get(r->result, 0);
        text = best->text;
        k->ids[i] = best->count;
        k->sums[i] = best->sum;
    } else if (r->ratings) {
        text = r->ratings[0].text;
        double total = 0;
        for (size_t n = 0; n < r->rating_count; n++) {
            total += r->ratings[n].probability;
            if (n > 0) assert_true(r->ratings[n].sum <= r->ratings[n - 1].sum);
        }
        assert_true(fabs(total - 1) < 1e-9);
    }
    k->all[i] = *r;
    (void)snprintf(k->texts[i], sizeof k->texts[i], "%s", text);
    return k->count == k->stop_at;
}

static const char *const paths[] = {
    DEMO "shapes/circle-night-149.jpg", DEMO "nothing.jpg",
    DEMO "shapes/circle-snow-131.png",  DEMO "vehicles/bus-red-081.jpg",
    DEMO "vehicles/bus-city-010.jpg",   DEMO "vehicles/bus-pink-167.jpg",
};
enum { PATHS = sizeof paths / sizeof paths[0] };

static void open_plain(fixture *f) {
    glimpse_session_options options = options_for(f);
    open_session(f, &options);
}

static int yes(void *user) {
    (void)user;
    return 1;
}

static int count_progress(void *user, const glimpse_progress *progress) {
    assert_int_equal(progress->total, PATHS);
    ++*(int *)user;
    return 0;
}

static void captions_come_in_order_and_a_bad_file_stops_none(void **state) {
    fixture *f = *state;
    records k = {0}, one = {0};
    int reports = 0;
    glimpse_session_blip_options options = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    options.progress = count_progress;
    options.user = &reports;
    open_plain(f);
    assert_ok(glimpse_session_blip_caption(f->session, paths, PATHS, &options, keep, &k));
    assert_int_equal(k.count, PATHS);
    assert_int_equal(reports, 1); /* four, then the rest */
    for (size_t i = 0; i < PATHS; i++) {
        assert_int_equal(k.all[i].picture, i);
        assert_string_equal(k.all[i].path, paths[i]);
        assert_int_equal(k.all[i].status, i == 1 ? GLIMPSE_E_NOT_FOUND : GLIMPSE_OK);
        assert_true(i == 1 || (k.ids[i] > 2 && k.sums[i] < 0));
    }
    assert_null(strstr(k.texts[1], "nothing.jpg"));
    assert_true(k.texts[1][0] != '\0');
    assert_non_null(strstr(k.texts[0], "circle"));
    assert_non_null(strstr(k.texts[3], "bus"));
    /* Alone as together. */
    assert_ok(glimpse_session_blip_caption(f->session, paths + 3, 1, NULL, keep, &one));
    assert_string_equal(one.texts[0], k.texts[3]);
    assert_true(fabs(one.sums[0] - k.sums[3]) < 1e-4);
    assert_ok(glimpse_session_blip_caption(f->session, NULL, 0, NULL, keep, &one));
}

static void a_caption_begins_and_ends_as_told(void **state) {
    fixture *f = *state;
    records k = {0};
    glimpse_blip_generation how = GLIMPSE_BLIP_GENERATION_INIT;
    glimpse_session_blip_options options = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    how.max_length = 5;
    options.generation = &how;
    options.prompt = "a red";
    open_plain(f);
    assert_ok(glimpse_session_blip_caption(f->session, paths + 3, 1, &options, keep, &k));
    assert_int_equal(strncmp(k.texts[0], "a red", 5), 0);
    assert_true(k.ids[0] <= 5);
    how.max_length = 3;
    assert_int_equal(glimpse_session_blip_caption(f->session, paths + 3, 1, &options, keep, &k),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "the prompt is"));
    assert_int_equal(k.count, 1);
}

static void matches_are_told_pair_by_pair(void **state) {
    fixture *f = *state;
    const char *texts[] = {"a red bus", "a circle"};
    records k = {0};
    open_plain(f);
    assert_ok(glimpse_session_blip_match(f->session, paths, 4, texts, 2, NULL, keep, &k));
    assert_int_equal(k.count, 7);
    assert_int_equal(k.all[2].status, GLIMPSE_E_NOT_FOUND);
    assert_null(k.all[2].text);
    for (size_t i = 0; i < k.count; i++) {
        const glimpse_blip_record *r = &k.all[i];
        if (r->status < 0) continue;
        assert_string_equal(r->text, texts[r->text_index]);
        const double odds = exp((double)r->logits[0] - (double)r->logits[1]);
        assert_true(fabs(r->probability - 1 / (1 + odds)) < 1e-6);
        assert_true(fabs(r->cosine) <= 1.0001);
        assert_false(r->truncated);
    }
    /* A circle, and a bus. */
    assert_true(k.all[1].probability > k.all[0].probability);
    assert_int_equal(k.all[5].picture, 3);
    assert_true(k.all[5].probability > k.all[6].probability);
}

static void answers_are_written_or_chosen(void **state) {
    fixture *f = *state;
    const char *questions[] = {"what is in this picture?", "what color is the bus?"};
    const char *candidates[] = {"blue", "red", "green"};
    records k = {0}, rated = {0};
    glimpse_session_blip_options options = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    open_plain(f);
    assert_ok(glimpse_session_blip_answer(f->session, paths + 1, 3, questions, 2, NULL, keep, &k));
    assert_int_equal(k.count, 5);
    assert_int_equal(k.all[0].status, GLIMPSE_E_NOT_FOUND);
    assert_string_equal(k.all[4].text, questions[1]);
    assert_non_null(strstr(k.texts[3], "bus"));
    options.candidates = candidates;
    options.candidate_count = 3;
    assert_ok(glimpse_session_blip_answer(f->session, paths + 3, 1, questions + 1, 1, &options,
                                          keep, &rated));
    assert_int_equal(rated.count, 1);
    assert_int_equal(rated.all[0].rating_count, 3);
    assert_null(rated.all[0].result);
    assert_string_equal(rated.texts[0], "green"); /* before a red ground */
}

static void runs_are_stopped(void **state) {
    fixture *f = *state;
    const char *texts[] = {"a bus"};
    records k = {.stop_at = 2};
    glimpse_session_blip_options options = GLIMPSE_SESSION_BLIP_OPTIONS_INIT;
    open_plain(f);
    assert_int_equal(glimpse_session_blip_caption(f->session, paths, PATHS, NULL, keep, &k),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(k.count, 2);
    options.cancelled = yes;
    k = (records){0};
    assert_int_equal(glimpse_session_blip_caption(f->session, paths, PATHS, &options, keep, &k),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(k.count, 4); /* what was described together is told */
    k = (records){0};
    assert_int_equal(
        glimpse_session_blip_match(f->session, paths, PATHS, texts, 1, &options, keep, &k),
        GLIMPSE_E_CANCELLED);
    assert_int_equal(k.count, 1);
    k = (records){0};
    assert_int_equal(
        glimpse_session_blip_answer(f->session, paths, PATHS, texts, 1, &options, keep, &k),
        GLIMPSE_E_CANCELLED);
    assert_true(k.count <= 2);
}

static void a_model_is_opened_once_and_is_of_the_right_kind(void **state) {
    fixture *f = *state;
    const glimpse_blip *model = NULL, *again = NULL;
    open_plain(f);
    assert_ok(glimpse_session_blip(&model, f->session, NULL, GLIMPSE_BLIP_CAPTION));
    assert_ok(glimpse_session_blip(&again, f->session, NULL, GLIMPSE_BLIP_CAPTION));
    assert_ptr_equal(model, again);
    assert_int_equal(glimpse_blip_kind_of(model), GLIMPSE_BLIP_CAPTION);
    assert_int_equal(glimpse_session_blip(&model, f->session, DEMO_VLM "vqa", GLIMPSE_BLIP_CAPTION),
                     GLIMPSE_E_UNSUPPORTED);
    assert_null(model);
    assert_non_null(strstr(glimpse_last_error(), "BlipForQuestionAnswering"));
    assert_ok(glimpse_session_blip(&model, f->session, DEMO_VLM "vqa", GLIMPSE_BLIP_ANSWER));
    assert_int_equal(glimpse_session_blip(&model, f->session, DEMO_VLM "vqa", GLIMPSE_BLIP_CAPTION),
                     GLIMPSE_E_UNSUPPORTED);
    assert_int_equal(glimpse_session_blip(&model, f->session, "openai:x", GLIMPSE_BLIP_MATCH),
                     GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "remote"));
    assert_int_equal(glimpse_session_blip(&model, f->session, "/nowhere", GLIMPSE_BLIP_MATCH),
                     GLIMPSE_E_NOT_FOUND);
    assert_int_equal(glimpse_session_blip_match(f->session, paths, 1, NULL, 0, NULL, keep, NULL),
                     GLIMPSE_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(captions_come_in_order_and_a_bad_file_stops_none),
        TEST(a_caption_begins_and_ends_as_told),
        TEST(matches_are_told_pair_by_pair),
        TEST(answers_are_written_or_chosen),
        TEST(runs_are_stopped),
        TEST(a_model_is_opened_once_and_is_of_the_right_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
