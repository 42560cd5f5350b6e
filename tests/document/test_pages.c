/*
 * Documents: their pages, texts and pictures; which pages a question is about; files that are no
 * documents, and programs that misbehave.
 */
#include "core/child.h"
#include "support/pdf_writer.h"
#include "support/pictures.h"
#include "support/temporary.h"

#include <glimpse/sys/document.h>

#include <math.h>
#include <sys/stat.h>

static void need_poppler(void) {
    if (system("pdfinfo -v >/dev/null 2>&1 && pdftotext -v >/dev/null 2>&1 && "
               "pdftoppm -v >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: poppler-utils is not installed\n");
        skip();
    }
}

static const pdf_page three_pages[] = {
    {.text = "The harbour office opens at nine.\nBoats are let by the hour."},
    {.rgb = (const uint8_t *)"\377\0\0\0\377\0\0\0\377\377\377\0", .width = 2, .height = 2},
    {.text = "Fares: a child pays four crowns, an adult (over 15) seven.\nDogs travel free."},
};

static glimpse_document *open_three(void) {
    need_poppler();
    glimpse_document *document = NULL;
    assert_true(pdf_write(in_directory("three pages.pdf"), three_pages, 3));
    assert_ok(glimpse_document_open(&document, in_directory("three pages.pdf"), NULL));
    return document;
}

static void pages_have_their_text_and_scans_have_none(void **state) {
    (void)state;
    glimpse_document *d = open_three();
    assert_int_equal(glimpse_document_page_count(d), 3);
    assert_non_null(strstr(glimpse_document_text(d, 1), "harbour office"));
    assert_null(strstr(glimpse_document_text(d, 1), "Fares"));
    assert_int_equal(strspn(glimpse_document_text(d, 2), " \n"),
                     strlen(glimpse_document_text(d, 2)));
    assert_non_null(strstr(glimpse_document_text(d, 3), "an adult (over 15) seven"));
    assert_string_equal(glimpse_document_text(d, 0), "");
    assert_string_equal(glimpse_document_text(d, 4), "");
    glimpse_document_close(d);
}

static void a_page_is_rendered_at_the_wanted_size(void **state) {
    (void)state;
    glimpse_document *d = open_three();
    glimpse_image *image = NULL;
    assert_ok(glimpse_document_render(&image, d, 2, 400));
    assert_int_equal(glimpse_image_height(image), 400);
    assert_in_range(glimpse_image_width(image), 280, 285);
    /* The scanned picture fills the middle: red on its upper left. */
    const uint8_t *p = glimpse_image_pixels(image) + (150u * glimpse_image_width(image) + 20u) * 3;
    assert_true(p[0] > 200 && p[1] < 100 && p[2] < 100);
    glimpse_image_free(image);
    assert_int_equal(glimpse_document_render(&image, d, 4, 400), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "no page 4"));
    assert_int_equal(glimpse_document_render(&image, d, 0, 400), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_document_render(&image, d, 1, 9000), GLIMPSE_E_INVALID);
    glimpse_document_close(d);
}

static void a_picture_is_a_document_of_one_page(void **state) {
    (void)state;
    static const char ppm[] = "P6 4 2 255\n012345678901234567890123";
    write_in_directory("scan.ppm", ppm, sizeof ppm - 1);
    glimpse_document *d = NULL;
    assert_ok(glimpse_document_open(&d, in_directory("scan.ppm"), NULL));
    assert_int_equal(glimpse_document_page_count(d), 1);
    assert_string_equal(glimpse_document_text(d, 1), "");
    glimpse_image *image = NULL;
    assert_ok(glimpse_document_render(&image, d, 1, 100));
    assert_int_equal(glimpse_image_width(image), 4); /* never enlarged */
    glimpse_image_free(image);
    glimpse_document_close(d);
}

/* Black print whose paper is transparent, as scanners' software exports it. */
static void print_on_a_transparent_page_can_be_read(void **state) {
    (void)state;
    const uint8_t rgba[] = {0, 0, 0, 255, 0, 0, 0, 0};
    write_rgba(in_directory("clear.png"), 2, 1, rgba);
    glimpse_document *d = NULL;
    glimpse_image *image = NULL;
    assert_ok(glimpse_document_open(&d, in_directory("clear.png"), NULL));
    assert_ok(glimpse_document_render(&image, d, 1, 100));
    assert_memory_equal(glimpse_image_pixels(image), ((uint8_t[]){0, 0, 0, 255, 255, 255}), 6);
    glimpse_image_free(image);
    glimpse_document_close(d);
}

static void what_is_no_document_is_refused_with_its_name(void **state) {
    (void)state;
    need_poppler();
    glimpse_document *d = NULL;
    assert_int_equal(glimpse_document_open(&d, in_directory("nowhere.pdf"), NULL),
                     GLIMPSE_E_NOT_FOUND);
    write_text_in_directory("words.txt", "only words");
    assert_int_equal(glimpse_document_open(&d, in_directory("words.txt"), NULL), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "words.txt"));
    assert_true(pdf_write(in_directory("whole.pdf"), three_pages, 3));
    size_t size = 0;
    char *whole = (char *)read_whole_file(in_directory("whole.pdf"), &size);
    for (size_t keep = 5; keep < size; keep = keep * 3 + 1) {
        write_in_directory("cut.pdf", whole, keep);
        const int status = glimpse_document_open(&d, in_directory("cut.pdf"), NULL);
        assert_null(status < 0 ? d : NULL);
        if (status < 0) assert_non_null(strstr(glimpse_last_error(), "cut.pdf"));
        glimpse_document_close(d);
    }
    free(whole);
    const glimpse_document_options few = {.size = sizeof few, .max_pages = 2};
    assert_int_equal(glimpse_document_open(&d, in_directory("whole.pdf"), &few), GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), "3 pages"));
}

static void a_missing_program_is_named_with_its_package(void **state) {
    (void)state;
    assert_true(pdf_write(in_directory("p.pdf"), three_pages, 3));
    glimpse_document *d = NULL;
    const glimpse_document_options elsewhere = {.size = sizeof elsewhere,
                                                .directory = temp_directory};
    assert_int_equal(glimpse_document_open(&d, in_directory("p.pdf"), &elsewhere),
                     GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "poppler-utils"));
}

static void words_find_their_pages(void **state) {
    (void)state;
    glimpse_document *d = open_three();
    double scores[3];
    assert_ok(glimpse_document_match(scores, d, "What does an ADULT pay?"));
    assert_true(scores[2] > 0.3 && scores[0] == 0.0 && scores[1] == 0.0);
    assert_ok(glimpse_document_match(scores, d, "When does the harbour office open, and boat?"));
    assert_true(scores[0] > scores[2] && scores[0] <= 1.0); /* "boat" finds "Boats" */
    assert_ok(glimpse_document_match(scores, d, "zebras"));
    assert_true(scores[0] == 0.0 && scores[1] == 0.0 && scores[2] == 0.0);
    assert_ok(glimpse_document_match(scores, d, ""));
    assert_true(scores[0] == 0.0);
    char passage[64];
    assert_ok(glimpse_document_passage(passage, sizeof passage, d, 3, "dog travel"));
    assert_non_null(strstr(passage, "Dogs travel free."));
    assert_ok(glimpse_document_passage(passage, 12, d, 3, "adult"));
    assert_true(strlen(passage) < 12);
    assert_ok(glimpse_document_passage(passage, sizeof passage, d, 2, "adult"));
    assert_string_equal(passage, "");
    glimpse_document_close(d);
}

/* The formula of the header, by hand: one word, on one of two pages with text. */
static void the_score_is_what_the_header_says(void **state) {
    (void)state;
    need_poppler();
    static const pdf_page pages[] = {{.text = "alpha beta gamma alpha"}, {.text = "delta"}};
    assert_true(pdf_write(in_directory("two.pdf"), pages, 2));
    glimpse_document *d = NULL;
    assert_ok(glimpse_document_open(&d, in_directory("two.pdf"), NULL));
    double scores[2];
    assert_ok(glimpse_document_match(scores, d, "alpha omega"));
    const double idf_alpha = log(1.0 + 1.5 / 1.5), idf_omega = log(1.0 + 1.5 / 1.5);
    const double saturated = 2.0 / (2.0 + 0.3 * (0.25 + 0.75 * 4.0 / 2.5));
    assert_true(fabs(scores[0] - (idf_alpha * saturated / (idf_alpha + idf_omega))) < 1e-12);
    assert_true(fabs(scores[1] - (0.0)) < 1e-12);
    glimpse_document_close(d);
}

static void looks_decide_what_text_leaves_open(void **state) {
    (void)state;
    const double none[3] = {0, 0, 0}, sure[3] = {0.9, 0.1, 0}, looks[3] = {0.1, 0.1, 0.3};
    double scores[3];
    glimpse_document_blend(scores, 3, none, looks, 100.0);
    assert_true(scores[2] > 0.99 && scores[0] < 0.01);
    glimpse_document_blend(scores, 3, sure, looks, 100.0);
    assert_true(scores[0] > scores[2] && scores[2] > scores[1] - 0.01);
    double sum = scores[0] + scores[1] + scores[2];
    assert_true(fabs(sum - (1.0 + 0.1)) < 1e-9); /* the softmax shares what is left of 1 */
}

/* core/child.h */
static int run_program(const char *script, size_t max, unsigned seconds, void **out, size_t *size) {
    const char *const arguments[] = {"sh", "-c", script, NULL};
    const glimpse_child child = {arguments, max, 5, seconds, UINT64_C(4) << 30};
    return glimpse_child_run(&child, out, size);
}

static void a_program_is_bounded_in_everything(void **state) {
    (void)state;
    void *out = NULL;
    size_t size = 0;
    assert_ok(run_program("printf 'a\\0b'; echo noise >&2", 100, 10, &out, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(out, "a\0b\0", 4);
    free(out);
    assert_ok(run_program("cat", 100, 10, &out, &size)); /* an empty stdin */
    assert_int_equal(size, 0);
    free(out);
    assert_int_equal(run_program("yes", 1000, 10, &out, &size), GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), "1000 bytes"));
    assert_int_equal(run_program("sleep 60", 1000, 1, &out, &size), GLIMPSE_E_LIMIT);
    assert_int_equal(run_program("exec >&- 2>&-; sleep 60", 1000, 1, &out, &size), GLIMPSE_E_LIMIT);
    assert_int_equal(
        run_program("echo first >&2; echo last words >&2; exit 3", 1000, 10, &out, &size),
        GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "last words"));
    assert_null(strstr(glimpse_last_error(), "first"));
    assert_int_equal(run_program("kill -SEGV $$", 1000, 10, &out, &size), GLIMPSE_E_FORMAT);
    const char *const missing[] = {"no such program", NULL};
    const glimpse_child child = {missing, 10, 1, 1, 1 << 30};
    assert_int_equal(glimpse_child_run(&child, &out, &size), GLIMPSE_E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_have_their_text_and_scans_have_none),
        cmocka_unit_test(a_page_is_rendered_at_the_wanted_size),
        cmocka_unit_test(a_picture_is_a_document_of_one_page),
        cmocka_unit_test(print_on_a_transparent_page_can_be_read),
        cmocka_unit_test(what_is_no_document_is_refused_with_its_name),
        cmocka_unit_test(a_missing_program_is_named_with_its_package),
        cmocka_unit_test(words_find_their_pages),
        cmocka_unit_test(the_score_is_what_the_header_says),
        cmocka_unit_test(looks_decide_what_text_leaves_open),
        cmocka_unit_test(a_program_is_bounded_in_everything),
    };
    return cmocka_run_group_tests_name("documents", tests, make_directory, remove_directory);
}
