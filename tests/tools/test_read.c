/*
 * glimpse read: the pages of a document that answer a question are found by what is written on them
 * and, where they were scanned, by how they look, without any model but the demo CLIP.
 */
#include "document/pdf_writer.h"
#include "run.h"

#include <glimpse/image.h>

static const char *const texts[] = {
    "Annual report of the harbour of Lindholm\nThe board thanks all members.",
    "Boats\nIn 2024 the harbour counted 412 guest boats, most of them from Denmark.\n"
    "The longest stay was nine nights.",
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

/* Pages: 1 text, 2 text, 3 scan 0, 4 text, 5 scan 1, 6 text, 7 scan 2, 8 text, 9 scan 3, 10 text. */
static const question questions[] = {
    {"How many guest boats came in 2024?", 2},
    {"What did the repairs of the jetty cost?", 4},
    {"Who is the harbour master?", 8},
    {"three penguins in the snow", 5},
    {"a rocket in the night sky", 9},
};
enum { QUESTIONS = sizeof questions / sizeof questions[0], PAGES = 10 };

static int make_document(void **state) {
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
        if (glimpse_image_open(&images[which], path, NULL) < 0) return -1;
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
        print_message("%s: page %.0f, %.2f\n", questions[i].text,
                      number_at(found, "pages.0.page"), number_at(found, "pages.0.score"));
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
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests_name("glimpse read", tests, make_document, run_teardown);
}
