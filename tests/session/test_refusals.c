/*
 * test_refusals.c - what makes no sense in a call of a session is refused.
 */
#include "session_support.h"

#include <glimpse/session_dedup.h>
#include <glimpse/session_vlm.h>

#include <unistd.h>

static void more_workers_than_make_sense_are_refused(void **state) {
    fixture *f = *state;
    const char *root = path_in(GLIMPSE_SOURCE_DIR "/data/demo", "shapes");
    glimpse_dedup_report *report = NULL;
    glimpse_dedup_options dedup = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    open_session(f, NULL);
    dedup.roots = ingest.roots = &root;
    dedup.root_count = ingest.root_count = 1;
    dedup.jobs = ingest.jobs = 4000000000u;
    assert_int_equal(glimpse_session_index(NULL, f->session, &ingest), GLIMPSE_E_LIMIT);
    remove_tree(f->library);
    glimpse_session_close(f->session);
    f->session = NULL;
    glimpse_session_options options = options_for(f);
    options.no_library = 1;
    open_session(f, &options);
    assert_int_equal(glimpse_session_dedup(&report, f->session, &dedup), GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), "4000000000 jobs, at most 1024"));
    assert_null(report);
    dedup.jobs = 1024;
    assert_ok(glimpse_session_dedup(&report, f->session, &dedup));
    glimpse_dedup_report_free(report);
}

static void flags_that_are_not_known_are_refused(void **state) {
    fixture *f = *state;
    const char *words[] = {"a red circle"};
    const char *picture = GLIMPSE_SOURCE_DIR "/data/demo/captions.tsv";
    float embedding[4096];
    int unusable = 9;
    open_session(f, NULL);
    assert_int_equal(glimpse_session_embed_texts(embedding, NULL, f->session, words, 1, 4),
                     GLIMPSE_E_INVALID);
    assert_int_equal(
        glimpse_session_embed_picture(embedding, &unusable, f->session, picture, 0x80000000u),
        GLIMPSE_E_INVALID);
    assert_int_equal(unusable, 0);
    assert_ok(glimpse_session_embed_texts(embedding, NULL, f->session, words, 1,
                                          GLIMPSE_ENCODE_RAW | GLIMPSE_ENCODE_EXACT));
}

static void names_do_not_lead_out_of_what_ships(void **state) {
    static const char *const leaving[] = {"../data/prices.json", "classes/../prices.json", "..",
                                          "/etc/passwd", "classes/.."};
    static const char *const prompts[] = {"../prompts/ask", "", "..", "/ask", "./ask"};
    fixture *f = *state;
    char *text = NULL;
    open_session(f, NULL);
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++)
        assert_null(glimpse_session_shipped(f->session, leaving[i]));
    assert_non_null(glimpse_session_shipped(f->session, "prices.json"));
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        assert_int_equal(glimpse_session_prompt(&text, f->session, prompts[i], "what?"),
                         GLIMPSE_E_INVALID);
        assert_null(text);
    }
    assert_ok(glimpse_session_prompt(&text, f->session, "ask", "what?"));
    glimpse_free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(more_workers_than_make_sense_are_refused),
        TEST(flags_that_are_not_known_are_refused),
        TEST(names_do_not_lead_out_of_what_ships),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
