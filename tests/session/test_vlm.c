/*
 * test_vlm.c - questions, captions, comparisons and documents through a session: with the
 * demo VLM, and with an endpoint inside the test where a remote model is needed.
 */
#include "session_support.h"
#include "support/endpoint.h"

#include <glimpse/session_vlm.h>

#include <sys/stat.h>
#include <unistd.h>

#define DEMO     GLIMPSE_SOURCE_DIR "/data/demo/"
#define DEMO_VLM GLIMPSE_SOURCE_DIR "/data/models/demo-vlm/"

static int yes(void *user) {
    (void)user;
    return 1;
}

/*
 * Questions.
 */
typedef struct answers {
    size_t count;
    char paths[4][512], texts[4][128];
    glimpse_vlm_outcome outcomes[4];
    size_t stop_at; /* 0: never */
} answers;

static int keep_answer(void *user, const glimpse_vlm_request *request,
                       const glimpse_vlm_answer *answer) {
    answers *a = user;
    assert_true(a->count < 4);
    (void)snprintf(a->paths[a->count], sizeof a->paths[0], "%s", request->pictures[0].path);
    (void)snprintf(a->texts[a->count], sizeof a->texts[0], "%s", answer->text);
    a->outcomes[a->count++] = answer->outcome;
    return a->count == a->stop_at;
}

static void answers_come_in_the_order_of_the_pictures(void **state) {
    fixture *f = *state;
    const char *paths[] = {DEMO "shapes/circle-night-149.jpg", DEMO "nothing.jpg",
                           DEMO "shapes/circle-snow-131.png"};
    answers got = {0};
    glimpse_ask_report report = GLIMPSE_ASK_REPORT_INIT;
    open_own(f);
    assert_ok(glimpse_session_ask(&report, f->session, "what is in this picture?", paths, 3, NULL,
                                  keep_answer, &got));
    assert_int_equal(got.count, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(got.paths[i], paths[i]);
    assert_int_equal(got.outcomes[0], GLIMPSE_VLM_ANSWERED);
    assert_true(*got.texts[0]);
    assert_int_equal(got.outcomes[1], GLIMPSE_VLM_FAILED);
    assert_int_equal(got.outcomes[2], GLIMPSE_VLM_ANSWERED);
    assert_int_equal(report.vlm.totals.asked, 3);
    assert_int_equal(report.vlm.totals.failed, 1);
    assert_false(report.vlm.remote);
    assert_non_null(report.vlm.name);
    assert_non_null(strstr(f->notes[0], "using the demo model"));
}

static void a_question_is_stopped_and_refused_with_a_reason(void **state) {
    fixture *f = *state;
    const char *paths[] = {DEMO "shapes/circle-night-149.jpg", DEMO "shapes/circle-snow-131.png"};
    glimpse_ask_options options = GLIMPSE_ASK_OPTIONS_INIT;
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    answers got = {.stop_at = 1};
    open_own(f);
    assert_int_equal(
        glimpse_session_ask(NULL, f->session, "what?", paths, 2, NULL, keep_answer, &got),
        GLIMPSE_E_CANCELLED);
    assert_in_range(got.count, 1, 2);
    options.cancelled = yes;
    got = (answers){0};
    assert_int_equal(glimpse_session_ask(NULL, f->session, "where is it?", paths, 2, &options,
                                         keep_answer, &got),
                     GLIMPSE_E_CANCELLED);
    assert_int_equal(glimpse_session_ask(NULL, f->session, "", paths, 2, NULL, NULL, NULL),
                     GLIMPSE_E_INVALID);
    options.cancelled = NULL;
    options.vlm = &settings;
    settings.spec = "no-such-model";
    assert_int_equal(glimpse_session_ask(NULL, f->session, "what?", paths, 1, &options, NULL, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "there is no model no-such-model"));
    options.vlm = NULL;
    options.size = 1;
    assert_int_equal(glimpse_session_ask(NULL, f->session, "what?", paths, 1, &options, NULL, NULL),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "GLIMPSE_ASK_OPTIONS_INIT"));
}

static int refuse(void *user, const glimpse_vlm_request *request,
                  const glimpse_vlm_answer *answer) {
    size_t *calls = user;
    (void)request, (void)answer;
    ++*calls;
    return GLIMPSE_E_LIMIT;
}

static void a_failure_of_the_answers_callback_is_the_call_s(void **state) {
    fixture *f = *state;
    const char *paths[] = {DEMO "shapes/circle-night-149.jpg", DEMO "shapes/circle-snow-131.png",
                           DEMO "shapes/circle-night-149.jpg"};
    size_t calls = 0;
    open_own(f);
    assert_int_equal(glimpse_session_ask(NULL, f->session, "what?", paths, 3, NULL, refuse, &calls),
                     GLIMPSE_E_LIMIT);
    assert_int_equal(calls, 1);
}

/*
 * Captions.
 */
static void count_caption(void *user, const glimpse_captioned *picture) {
    assert_true(picture->text || picture->problem);
    ++*(size_t *)user;
}

static void captions_are_stored_and_not_asked_for_again(void **state) {
    fixture *f = *state;
    glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;
    glimpse_captioning *captions = NULL;
    size_t came = 0;
    open_own(f);
    index_demo(f, "night");
    options.store = 1;
    options.each = count_caption;
    options.user = &came;
    assert_ok(glimpse_session_caption(&captions, f->session, NULL, 0, &options));
    const size_t count = glimpse_captioning_count(captions);
    const glimpse_captioning_summary *s = glimpse_captioning_summarize(captions);
    assert_true(count > 3);
    assert_int_equal(came, count);
    assert_int_equal(s->asked, count);
    assert_int_equal(s->reused, 0);
    assert_int_equal(s->without, 0);
    assert_int_equal(s->vlm.totals.answered, count);
    assert_non_null(strstr(s->model, "blip:"));
    const glimpse_captioned *first = glimpse_captioning_get(captions, 0);
    assert_int_equal(strlen(first->id), 32);
    assert_true(first->text && *first->text && !first->was_stored && !first->problem);
    char text[256], path[1024];
    (void)snprintf(text, sizeof text, "%s", first->text);
    (void)snprintf(path, sizeof path, "%s", first->path);
    glimpse_captioning_free(captions);
    came = 0;
    assert_ok(glimpse_session_caption(&captions, f->session, NULL, 0, &options));
    s = glimpse_captioning_summarize(captions);
    assert_int_equal(s->reused, count);
    assert_int_equal(s->asked, 0);
    assert_int_equal(came, 0);
    assert_string_equal(glimpse_captioning_get(captions, 0)->text, text);
    glimpse_captioning_free(captions);
    /* They are in the library: found by their words, and written without a model. */
    options.store = 0;
    options.stored = 1;
    const char *const part[] = {path};
    options.within = part;
    options.within_count = 1;
    assert_ok(glimpse_session_caption(&captions, f->session, NULL, 0, &options));
    assert_true(glimpse_captioning_count(captions) < count);
    assert_null(glimpse_captioning_summarize(captions)->model);
    for (size_t i = 0; i < glimpse_captioning_count(captions); i++)
        assert_true(glimpse_captioning_get(captions, i)->was_stored);
    glimpse_captioning_free(captions);
    options.style = GLIMPSE_CAPTION_ALT;
    options.within_count = 0;
    assert_ok(glimpse_session_caption(&captions, f->session, NULL, 0, &options));
    assert_int_equal(glimpse_captioning_summarize(captions)->without, count);
    assert_string_equal(glimpse_captioning_get(captions, 0)->problem,
                        "no caption of this style is stored");
    glimpse_captioning_free(captions);
}

static void directories_have_captions_without_a_library(void **state) {
    fixture *f = *state;
    const char *paths[] = {DEMO "night", "/nowhere/at/all.jpg"};
    glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;
    glimpse_captioning *captions = NULL;
    open_own(f);
    options.style = GLIMPSE_CAPTION_KEYWORDS;
    assert_ok(glimpse_session_caption(&captions, f->session, paths, 2, &options));
    const glimpse_captioning_summary *s = glimpse_captioning_summarize(captions);
    const size_t count = glimpse_captioning_count(captions);
    assert_int_equal(s->without, 1);
    const glimpse_captioned *last = glimpse_captioning_get(captions, count - 1);
    assert_string_equal(last->path, "/nowhere/at/all.jpg");
    assert_non_null(last->problem);
    assert_null(strstr(last->problem, last->path));
    assert_null(last->text);
    for (size_t i = 0; i + 1 < count; i++) {
        const char *words = glimpse_captioning_get(captions, i)->text;
        assert_non_null(words);
        assert_null(strstr(words, " a ")); /* the little ones are left out */
    }
    assert_int_equal(access(f->library, F_OK), -1);
    glimpse_captioning_free(captions);
    options.missing = 1;
    assert_int_equal(glimpse_session_caption(&captions, f->session, paths, 1, &options),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "there is no library at"));
    assert_null(captions);
}

static void captions_are_stopped_with_what_there_is(void **state) {
    fixture *f = *state;
    const char *paths[] = {DEMO "night"};
    glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    glimpse_captioning *captions = NULL;
    open_own(f);
    options.cancelled = yes;
    assert_int_equal(glimpse_session_caption(&captions, f->session, paths, 1, &options),
                     GLIMPSE_E_CANCELLED);
    assert_non_null(captions);
    assert_int_equal(glimpse_captioning_summarize(captions)->asked, 0);
    glimpse_captioning_free(captions);
    options.cancelled = NULL;
    options.vlm = &settings;
    settings.spec = DEMO_VLM "itm";
    assert_int_equal(glimpse_session_caption(&captions, f->session, paths, 1, &options),
                     GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "does not describe pictures"));
}

static void captions_that_could_not_be_stored_are_not_asked_for(void **state) {
    fixture *f = *state;
    glimpse_session_options options = options_for(f);
    glimpse_caption_options caption = GLIMPSE_CAPTION_OPTIONS_INIT;
    glimpse_captioning *captions = NULL;
    size_t came = 0;
    open_session(f, NULL);
    index_demo(f, "night");
    glimpse_session_close(f->session);
    f->session = NULL;
    options.library_flags = GLIMPSE_LIBRARY_READ_ONLY;
    open_session(f, &options);
    caption.store = 1;
    caption.each = count_caption;
    caption.user = &came;
    assert_int_equal(glimpse_session_caption(&captions, f->session, NULL, 0, &caption),
                     GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), "was opened for reading only"));
    assert_null(captions);
    assert_int_equal(came, 0);
}

/*
 * Two pictures.
 */
static void pictures_are_compared_without_a_network(void **state) {
    fixture *f = *state;
    const char *a = DEMO "shapes/circle-night-149.jpg", *b = DEMO "shapes/circle-snow-131.png";
    glimpse_compared_pair *pair = NULL;
    open_own(f);
    assert_ok(glimpse_session_compare(&pair, f->session, a, a, NULL));
    assert_true(pair->same_bytes);
    assert_int_equal(pair->pixels.verdict, GLIMPSE_VERDICT_REENCODED);
    assert_int_equal(pair->orientation, 1);
    assert_true(pair->cosine > 0.9999);
    assert_string_equal(pair->pictures[0].format, "JPEG");
    assert_true(pair->pictures[0].width > 0);
    assert_null(pair->answer);
    assert_non_null(strstr(pair->not_asked, "no vision-language model was chosen"));
    glimpse_compared_pair_free(pair);
    assert_ok(glimpse_session_compare(&pair, f->session, a, b, NULL));
    assert_false(pair->same_bytes);
    assert_int_equal(pair->pixels.verdict, GLIMPSE_VERDICT_DIFFERENT);
    assert_true(pair->cosine < 0.99);
    glimpse_compared_pair_free(pair);
    assert_int_equal(glimpse_session_compare(&pair, f->session, a, "/nowhere.jpg", NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "/nowhere.jpg"));
    assert_null(pair);
}

static void reply_to_compare(const endpoint_question *question, endpoint_reply *reply) {
    (void)question;
    (void)snprintf(reply->body, sizeof reply->body,
                   "{\"json\":{\"similarities\":[\"both have a circle\"],"
                   "\"differences\":[],\"same\":\"no\"}}");
}

static void a_remote_model_tells_pictures_apart_in_words(void **state) {
    fixture *f = *state;
    const char *a = DEMO "shapes/circle-night-149.jpg", *b = DEMO "shapes/circle-snow-131.png";
    glimpse_compare_options options = GLIMPSE_COMPARE_OPTIONS_INIT;
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    glimpse_compared_pair *pair = NULL;
    open_own(f);
    endpoint_start(reply_to_compare);
    settings.spec = endpoint_spec;
    options.vlm = &settings;
    assert_ok(glimpse_session_compare(&pair, f->session, a, b, &options));
    assert_non_null(pair->answer);
    assert_int_equal(pair->answer->outcome, GLIMPSE_VLM_ANSWERED);
    assert_non_null(strstr(pair->answer->json, "both have a circle"));
    assert_int_equal(pair->similarity_count, 1);
    assert_string_equal(pair->similarities[0], "both have a circle");
    assert_int_equal(pair->difference_count, 0);
    assert_string_equal(pair->same, "no");
    assert_true(pair->vlm.remote);
    assert_int_equal(pair->vlm.totals.requests, 1);
    glimpse_compared_pair_free(pair);
    options.offline = 1;
    assert_ok(glimpse_session_compare(&pair, f->session, a, b, &options));
    assert_null(pair->answer);
    assert_int_equal(pair->similarity_count + pair->difference_count, 0);
    assert_int_equal(endpoint_count(), 1);
    glimpse_compared_pair_free(pair);
    endpoint_stop();
    options.offline = 0;
    settings.spec = DEMO_VLM "vqa";
    assert_int_equal(glimpse_session_compare(&pair, f->session, a, b, &options),
                     GLIMPSE_E_UNSUPPORTED);
    assert_non_null(strstr(glimpse_last_error(), "one picture at a time"));
}

/*
 * Documents. (A picture is a document of one page; tests/tools/test_read.c has PDF files.)
 */
static void a_page_is_found_by_its_looks_and_asked_about(void **state) {
    fixture *f = *state;
    const char *path = DEMO "shapes/circle-night-149.jpg";
    glimpse_reading_options options = GLIMPSE_READING_OPTIONS_INIT;
    glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
    glimpse_reading *reading = NULL;
    open_own(f);
    assert_ok(glimpse_session_read(&reading, f->session, path, "a circle at night", NULL));
    assert_int_equal(reading->page_count, 1);
    assert_int_equal(reading->count, 1);
    assert_int_equal(reading->pages[0].page, 1);
    assert_true(reading->looked);
    assert_true(reading->pages[0].cosine > -1.0);
    assert_string_equal(reading->pages[0].passage, "");
    assert_false(reading->has_model);
    assert_null(reading->answer);
    glimpse_reading_free(reading);
    settings.spec = DEMO_VLM "vqa";
    options.vlm = &settings;
    assert_ok(glimpse_session_read(&reading, f->session, path, "what is this?", &options));
    assert_true(reading->has_model);
    assert_non_null(reading->answer);
    assert_int_equal(reading->answer->outcome, GLIMPSE_VLM_ANSWERED);
    assert_int_equal(reading->answer_page_count, 1);
    assert_int_equal(reading->answer_pages[0], 1);
    assert_int_equal(reading->vlm.totals.asked, 1);
    glimpse_reading_free(reading);
    /* Its text alone says nothing: there is none. */
    options.text_only = 1;
    assert_ok(glimpse_session_read(&reading, f->session, path, "what is this?", &options));
    assert_int_equal(reading->count, 0);
    assert_null(reading->answer);
    glimpse_reading_free(reading);
}

static void reading_is_stopped_and_refused_with_a_reason(void **state) {
    fixture *f = *state;
    glimpse_reading_options options = GLIMPSE_READING_OPTIONS_INIT;
    glimpse_reading *reading = NULL;
    open_own(f);
    options.cancelled = yes;
    assert_int_equal(glimpse_session_read(&reading, f->session, DEMO "shapes/circle-night-149.jpg",
                                          "a circle", &options),
                     GLIMPSE_E_CANCELLED);
    assert_null(reading);
    options.cancelled = NULL;
    assert_int_equal(
        glimpse_session_read(&reading, f->session, "/nowhere.pdf", "a circle", &options),
        GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "/nowhere.pdf"));
    options.max_pages = 99;
    assert_int_equal(
        glimpse_session_read(&reading, f->session, "/nowhere.pdf", "a circle", &options),
        GLIMPSE_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(answers_come_in_the_order_of_the_pictures),
        TEST(a_question_is_stopped_and_refused_with_a_reason),
        TEST(a_failure_of_the_answers_callback_is_the_call_s),
        TEST(captions_are_stored_and_not_asked_for_again),
        TEST(directories_have_captions_without_a_library),
        TEST(captions_are_stopped_with_what_there_is),
        TEST(captions_that_could_not_be_stored_are_not_asked_for),
        TEST(pictures_are_compared_without_a_network),
        TEST(a_remote_model_tells_pictures_apart_in_words),
        TEST(a_page_is_found_by_its_looks_and_asked_about),
        TEST(reading_is_stopped_and_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
