/*
 * glimpse read: the pages of a document that answer a question are found by what is written on them
 * and, where they were scanned, by how they look, without any model but the demo CLIP.
 */
#include "support/commands.h"
#include "support/pdf_writer.h"
#include "support/server.h"

#include <glimpse/sys/image.h>

static const char *const texts[] = {
    "Annual report of the harbour of Lindholm\nThe board thanks all members.",
    ("Boats\nIn 2024 the harbour counted 412 guest boats, most of them from Denmark.\n"
     "The longest stay was nine nights."),
    "Money\nIncome from mooring fees was 81,400 crowns. Repairs of the jetty cost 23,950 crowns.",
    "Weather\nThe storm of 19 October damaged the northern breakwater. No boat was lost.",
    "People\nHarbour master is Ingrid Solberg. Her deputy is Tomas Lind.",
    "Plans\nA crane for boats of up to eight tonnes will be bought in the spring.",
};

/* Scanned pages between the written ones: pictures of the demo. */
static const char *const scans[] = {"animals/whale-orange-045.webp", "winter/penguin-snow-003.jpg",
                                    "vehicles/sailboat-sunset-006.jpg",
                                    "night/rocket-night-002.png"};

typedef struct question {
    const char *text;
    unsigned page;
} question;

/* Pages: 1 text, 2 text, 3 scan 0, 4 text, 5 scan 1, 6 text, 7 scan 2, 8 text, 9 scan 3, 10 text.
 */
static const question questions[] = {
    {"How many guest boats came in 2024?", 2}, {"What did the repairs of the jetty cost?", 4},
    {"Who is the harbour master?", 8},         {"three penguins in the snow", 5},
    {"a rocket in the night sky", 9},
};
enum { QUESTIONS = sizeof questions / sizeof questions[0], PAGES = 10 };

static int make_document(void **state) {
    (void)unsetenv("XDG_CONFIG_HOME");
    (void)unsetenv("XDG_CACHE_HOME");
    (void)unsetenv("GLIMPSE_VLM");
    (void)unsetenv("GLIMPSE_LIBRARY");
    if (run_setup(state) != 0) return -1;
    if (system("pdfinfo -v >/dev/null 2>&1") != 0) return 0;
    glimpse_image *images[4] = {NULL};
    pdf_page pages[PAGES] = {{0}};
    static const int plan[PAGES] = {0, 1, -1, 2, -2, 3, -3, 4, -4, 5};
    for (size_t i = 0; i < PAGES; i++) {
        if (plan[i] >= 0) {
            pages[i].text = texts[plan[i]];
            continue;
        }
        const size_t which = (size_t)(-plan[i] - 1);
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/data/demo/%s", GLIMPSE_SOURCE_DIR, scans[which]);
        if (glimpse_image_load(&images[which], path, NULL) < 0) return -1;
        pages[i].rgb = glimpse_image_pixels(images[which]);
        pages[i].width = glimpse_image_width(images[which]);
        pages[i].height = glimpse_image_height(images[which]);
    }
    const int good = pdf_write("report of the harbour.pdf", pages, PAGES);
    for (size_t i = 0; i < 4; i++)
        glimpse_image_free(images[i]);
    return good ? 0 : -1;
}

static void need_document(void) {
    if (access("report of the harbour.pdf", R_OK) == 0) return;
    print_message("SKIPPED: poppler-utils is not installed\n");
    skip();
}

static void the_right_page_is_found_first(void **state) {
    (void)state;
    need_document();
    for (size_t i = 0; i < QUESTIONS; i++) {
        run_result r;
        run(&r, "read", "report of the harbour.pdf", questions[i].text, "--find", "--json", "-q",
            NULL);
        expect(&r, 0);
        json_t *found = run_json(&r);
        print_message("%s: page %.0f, %.2f\n", questions[i].text, number_at(found, "pages.0.page"),
                      number_at(found, "pages.0.score"));
        assert_int_equal((int)number_at(found, "pages.0.page"), questions[i].page);
        assert_int_equal((int)number_at(found, "page_count"), PAGES);
        assert_true(json_is_null(at(found, "answer")));
        json_decref(found);
        run_free(&r);
    }
}

static void a_written_page_shows_what_stands_there(void **state) {
    (void)state;
    need_document();
    run_result r;
    run(&r, "read", "report of the harbour.pdf", "who", "is", "the", "harbour", "master?",
        "--text-only", NULL);
    expect(&r, 0);
    expect_out(&r, "page 8");
    expect_out(&r, "Harbour master is Ingrid Solberg.");
    expect_err(&r, "nobody was asked");
    run_free(&r);
}

static void nothing_about_it_is_exit_code_1(void **state) {
    (void)state;
    need_document();
    run_result r;
    run(&r, "read", "report of the harbour.pdf", "xylophones", "--text-only", NULL);
    expect(&r, 1);
    expect_err(&r, "no page is about that");
    run_free(&r);
}

/* A server that answers with `text`, whatever it is asked. */
static void reply_with(void *context, const server_request *request, server_reply *reply) {
    (void)request;
    server_reply_with(reply, 200, server_openai(context, 100, 10));
}

static void refuse(void *context, const server_request *request, server_reply *reply) {
    (void)context;
    (void)request;
    server_reply_with(reply, 404, strdup("{\"error\":{\"message\":\"no such model\"}}"));
}

static void the_answer_names_pages_it_was_shown(void **state) {
    (void)state;
    need_document();
    static char answer[] = "{\"answer\": \"412\", \"confidence\": 0.9, \"pages\": [2, 77]}";
    test_server *it = server_start(reply_with, answer);
    char spec[128];
    (void)snprintf(spec, sizeof spec, "openai:test@%s/v1", server_url(it));
    run_result r;
    run(&r, "read", "report of the harbour.pdf", "How many guest boats came in 2024?", "--json",
        "--text-only", "--vlm", spec, "-q", NULL);
    expect(&r, 0);
    json_t *found = run_json(&r);
    assert_string_equal(text_at(found, "answer"), "412");
    assert_int_equal(json_array_size(at(found, "answer_pages")), 1); /* 77 was not shown */
    assert_int_equal((int)number_at(found, "answer_pages.0"), 2);
    assert_string_equal(text_at(found, "outcome"), "answered");
    json_decref(found);
    run_free(&r);
    assert_int_equal(server_count(it), 1);
    char *sent = server_texts(server_get(it, 0));
    assert_non_null(strstr(sent, "How many guest boats came in 2024?"));
    assert_non_null(strstr(sent, "Page 2, whose text is:"));
    assert_non_null(strstr(sent, "412 guest boats"));
    free(sent);
    size_t size = 0;
    void *look = server_picture(server_get(it, 0), 0, &size);
    assert_non_null(look);
    free(look);

    /* The same question about the same pages is not paid for twice. */
    run(&r, "read", "report of the harbour.pdf", "How many guest boats came in 2024?",
        "--text-only", "--vlm", spec, NULL);
    expect(&r, 0);
    expect_out(&r, "412 (page 2)");
    run_free(&r);
    assert_int_equal(server_count(it), 1);
    server_stop(it);
}

static void who_cannot_tell_or_cannot_be_asked_is_said(void **state) {
    (void)state;
    need_document();
    static char null[] = "{\"answer\": null, \"confidence\": null, \"pages\": []}";
    test_server *it = server_start(reply_with, null);
    char spec[128];
    (void)snprintf(spec, sizeof spec, "openai:test@%s/v1", server_url(it));
    run_result r;
    run(&r, "read", "report of the harbour.pdf", "what is the harbour master's shoe size",
        "--text-only", "--vlm", spec, NULL);
    expect(&r, 1);
    expect_out(&r, "cannot tell");
    expect_out(&r, "page 8");
    run_free(&r);
    server_stop(it);
    it = server_start(refuse, NULL);
    (void)snprintf(spec, sizeof spec, "openai:test@%s/v1", server_url(it));
    run(&r, "read", "report of the harbour.pdf", "who is harbour master in 2025", "--text-only",
        "--vlm", spec, NULL);
    expect(&r, 3);
    expect_err(&r, "no such model");
    expect_out(&r, "page 8"); /* what was found is still of use */
    run_free(&r);
    run(&r, "read", "report of the harbour.pdf", "who is harbour master", "--text-only", "--vlm",
        spec, "--dry-run", NULL);
    expect(&r, 0);
    expect_out(&r, "page 8");
    run_free(&r);
    server_stop(it);
}

static void mistakes_are_explained(void **state) {
    (void)state;
    run_result r;
    run(&r, "read", NULL);
    expect(&r, 2);
    expect_err(&r, "which document");
    run_free(&r);
    run(&r, "read", "x.pdf", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "read", "nowhere.pdf", "what?", "--text-only", NULL);
    expect(&r, 4);
    expect_err(&r, "nowhere.pdf");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_page_is_found_first),
        cmocka_unit_test(a_written_page_shows_what_stands_there),
        cmocka_unit_test(nothing_about_it_is_exit_code_1),
        cmocka_unit_test(the_answer_names_pages_it_was_shown),
        cmocka_unit_test(who_cannot_tell_or_cannot_be_asked_is_said),
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests_name("glimpse read", tests, make_document, run_teardown);
}
