/*
 * Which of several files is kept: each rule, two in either order, what decides when the rules do
 * not, and that the reason names what decided.
 */
#include "support/pictures.h"
#include "support/test.h"

#include <glimpse/dedup.h>

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *directory;

enum { SIDE = 96 };

static const char *at(const char *name) {
    return path_in(directory, name);
}

/* A picture of soft shapes, `scale` times SIDE wide, with `max` as its largest value. */
static void draw(const char *name, unsigned scale, unsigned max) {
    FILE *file = fopen(at(name), "wb");
    const unsigned side = SIDE * scale;
    assert_non_null(file);
    assert_true(fprintf(file, "P6\n%u %u\n%u\n", side, side, max) > 0);
    for (unsigned y = 0; y < side; y++) {
        for (unsigned x = 0; x < side; x++) {
            const double u = x / (double)side, v = y / (double)side;
            const double value[3] = {0.5 + 0.3 * sin(9 * u + 2 * v) * cos(7 * v),
                                     0.5 + 0.4 * sin(5 * u - 8 * v), u * v};
            for (int c = 0; c < 3; c++) {
                const unsigned sample = (unsigned)lround(value[c] * 255) * (max > 255 ? 257 : 1);
                if (max > 255) assert_int_not_equal(fputc((int)(sample >> 8), file), EOF);
                assert_int_not_equal(fputc((int)(sample & 255), file), EOF);
            }
        }
    }
    assert_int_equal(fclose(file), 0);
}

static void set_time(const char *name, time_t when) {
    const struct timespec times[2] = {{when, 0}, {when, 0}};
    assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
}

static int start(void **state) {
    (void)state;
    directory = make_temp_directory();
    return 0;
}

static int stop(void **state) {
    (void)state;
    remove_tree(directory);
    free(directory);
    return 0;
}

/* The keeper of the only group. */
static void expect(const glimpse_dedup_keep_rule *rules, size_t count, const char *keeper,
                   const char *reason) {
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    const char *const roots[] = {directory};
    options.roots = roots;
    options.root_count = 1;
    options.keep = rules;
    options.keep_count = count;
    assert_ok(glimpse_dedup_run(&report, &options));
    assert_int_equal(report->group_count, 1);
    const glimpse_dedup_group *group = &report->groups[0];
    if (strcmp(group->members[0].picture->path, at(keeper)) != 0 ||
        !strstr(group->reason, reason)) {
        fail_msg("%s: %s", group->members[0].picture->path, group->reason);
    }
    assert_memory_equal(group->reason, "kept because ", 13);
    glimpse_dedup_report_free(report);
}

static const glimpse_dedup_keep_rule largest = {GLIMPSE_KEEP_LARGEST, NULL},
                                     oldest = {GLIMPSE_KEEP_OLDEST, NULL},
                                     newest = {GLIMPSE_KEEP_NEWEST, NULL},
                                     quality = {GLIMPSE_KEEP_BEST_QUALITY, NULL},
                                     deepest = {GLIMPSE_KEEP_DEEPEST, NULL},
                                     richest = {GLIMPSE_KEEP_RICHEST, NULL};

static void each_rule_decides_by_what_it_names(void **state) {
    (void)state;
    draw("large.ppm", 2, 255);
    draw("deep.ppm", 1, 65535);
    set_time("large.ppm", 1500000000);
    set_time("deep.ppm", 1400000000);
    expect(NULL, 0, "large.ppm", "it is larger: 192x192 instead of 96x96");
    expect(&largest, 1, "large.ppm", "it is larger: 192x192 instead of 96x96");
    expect(&deepest, 1, "deep.ppm", "it is deeper: 16 bits a sample instead of 8");
    expect(&oldest, 1, "deep.ppm", "it is older: modified 2014-05-13T16:53:20 instead of");
    expect(&newest, 1, "large.ppm", "it is newer: modified 2017");
    /* Those that see no difference leave it to the others. */
    expect(&quality, 1, "large.ppm", "it is larger");
    expect(&richest, 1, "large.ppm", "it is larger");
    const glimpse_dedup_keep_rule in = {GLIMPSE_KEEP_IN, at("deep.ppm")};
    expect(&in, 1, "deep.ppm", "deep.ppm, which options.keep names");
}

static void the_first_rule_that_sees_a_difference_decides(void **state) {
    (void)state;
    draw("large.ppm", 2, 255);
    draw("deep.ppm", 1, 65535);
    set_time("large.ppm", 1500000000);
    set_time("deep.ppm", 1400000000);
    const glimpse_dedup_keep_rule *both[][2] = {{&deepest, &largest}, {&largest, &deepest},
                                                {&oldest, &newest},   {&newest, &oldest},
                                                {&quality, &deepest}, {&richest, &newest}};
    static const char *const keepers[] = {"deep.ppm",  "large.ppm", "deep.ppm",
                                          "large.ppm", "deep.ppm",  "large.ppm"};
    static const char *const reasons[] = {"deeper", "larger", "older", "newer", "deeper", "newer"};
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        const glimpse_dedup_keep_rule rules[] = {*both[i][0], *both[i][1]};
        expect(rules, 2, keepers[i], reasons[i]);
    }
}

static void what_the_rules_leave_open_is_decided_by_names_then_age(void **state) {
    (void)state;
    draw("b.ppm", 1, 255);
    draw("a (1).ppm", 1, 255);
    set_time("b.ppm", 1500000000);
    set_time("a (1).ppm", 1400000000);
    expect(&largest, 1, "b.ppm", "named like a copy");
    assert_int_equal(rename(at("a (1).ppm"), at("aaa.ppm")), 0);
    expect(&largest, 1, "aaa.ppm", "older");
    set_time("aaa.ppm", 1500000000);
    expect(&largest, 1, "b.ppm", "its path is shorter; nothing else");
    assert_int_equal(rename(at("aaa.ppm"), at("a.ppm")), 0);
    expect(&largest, 1, "a.ppm", "its path comes first; nothing else");
    /* What belongs to a file is a reason to keep it. */
    write_file(at("b.xmp"), "<x/>", 4);
    expect(&largest, 1, "b.ppm", "files that belong to it");
}

static void what_makes_no_sense_is_refused(void **state) {
    (void)state;
    glimpse_dedup_options options = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *report = NULL;
    const char *const roots[] = {directory};
    options.roots = roots;
    options.root_count = 1;
    glimpse_dedup_keep_rule rule = {(glimpse_dedup_keep)77, NULL};
    options.keep = &rule;
    options.keep_count = 1;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_INVALID);
    rule.rule = GLIMPSE_KEEP_IN;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_INVALID);
    rule.directory = at("nowhere");
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "options.keep"));
    options.keep_count = 0;
    const char *const protect[] = {directory, "/no/such/folder"};
    options.protect = protect;
    options.protect_count = 2;
    assert_int_equal(glimpse_dedup_run(&report, &options), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "options.protect"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_rule_decides_by_what_it_names, start, stop),
        cmocka_unit_test_setup_teardown(the_first_rule_that_sees_a_difference_decides, start, stop),
        cmocka_unit_test_setup_teardown(what_the_rules_leave_open_is_decided_by_names_then_age,
                                        start, stop),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
