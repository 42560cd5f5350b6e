/*
 * The report of glimpse label: whatever names contain comes out as text, and figures are those of
 * the truth. Names of pictures and classes are as hostile as file systems and people allow.
 */
#include "support/commands.h"

#include "cli.h"
#include "label_report.h"
#include "support/label_samples.h"
#include "tool.h"

static int add(void *to, const glimpse_labelled *picture) {
    label_report_add(to, picture);
    return GLIMPSE_OK;
}

/* The samples as a report; CLI_RUN as 0, else the exit code. */
static int write_report(const char *file, const char *truth) {
    glimpse_label_set set = sample_set(0);
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    label_report *report = label_report_make(file, &set, truth);
    if (!report) return EXIT_FAILED;
    totals.labelled = PICTURES;
    totals.abstained = totals.failed = 1;
    assert_int_equal(sample_give(&set, add, report), GLIMPSE_OK);
    int code = label_report_write(report, &totals);
    label_report_free(report);
    return code == CLI_RUN ? 0 : code;
}

static void the_report_shows_hostile_names_as_text(void **state) {
    (void)state;
    assert_int_equal(write_report("report.html", NULL), 0);
    char *page = read_whole_file("report.html", NULL);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b onload"));
    assert_null(strstr(page, "\xE2\x80\xAE")); /* turns the writing direction */
    assert_null(strstr(page, "\xE9.ppm"));
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_non_null(strstr(page, "default-src 'none'; img-src data:"));
    assert_non_null(strstr(page, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;"));
    assert_non_null(strstr(page, "&lt;b onload=x&gt;&amp;.ppm"));
    assert_non_null(strstr(page, "src=\"data:image/jpeg;base64,"));
    assert_non_null(strstr(page, "(no name)"));
    assert_non_null(strstr(page, "Without a label"));
    assert_null(strstr(page, "How good they are"));
    free(page);
}

static void the_report_has_figures_and_confusions_when_the_truth_is_known(void **state) {
    (void)state;
    static const char truth[] = "path,class\nplain.ppm,dog\n\"comma, \"\"quote\"\".ppm\",terrier\n"
                                "sub/plain.ppm,a/b\nsub2/PLAIN.ppm,never guessed\n";
    write_file("truth.csv", truth, strlen(truth));
    assert_int_equal(write_report("judged.html", "truth.csv"), 0);
    char *page = read_whole_file("judged.html", NULL);
    assert_non_null(strstr(page, "<b>50.0%</b>top-1 accuracy"));
    assert_non_null(strstr(page, "From 4 pictures whose classes are known"));
    assert_non_null(strstr(page, "<tr><th>a/b</th><th>dog</th><td>1</td></tr>"));
    assert_non_null(strstr(page, "never guessed"));
    assert_non_null(strstr(page, "Most certain mistakes"));
    free(page);
    /* A truth about other pictures is told, before anything is written under the name. */
    write_file("truth.csv", "path,class\nelsewhere.ppm,dog\n", 29);
    assert_int_equal(write_report("foreign.html", "truth.csv"), EXIT_FAILED);
    struct stat info;
    assert_int_not_equal(stat("foreign.html", &info), 0);
    assert_int_equal(write_report("foreign.html", "missing.csv"), EXIT_FAILED);
}

static int make_all(void **state) {
    int failed = run_setup(state);
    if (!failed) sample_make();
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_shows_hostile_names_as_text),
        cmocka_unit_test(the_report_has_figures_and_confusions_when_the_truth_is_known),
    };
    return cmocka_run_group_tests(tests, make_all, run_teardown);
}
