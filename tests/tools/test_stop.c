/*
 * Ctrl-C: indexing stops with everything done so far kept, and the next run continues.
 */
#include "support/commands.h"

#include <signal.h>
#include <time.h>

enum { PICTURES = 300 };

static void wait_milliseconds(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static double embedded(const char *library) {
    run_result r;
    run(&r, "status", "--json", "--library", library, NULL);
    if (r.code != 0) { /* stopped before there was one */
        run_free(&r);
        return 0;
    }
    json_t *root = run_json(&r);
    double count = number_at(root, "embedded");
    json_decref(root);
    run_free(&r);
    return count;
}

/* The same pictures with the same scores; batches may round the last digit differently. */
static void compare_results(const run_result *a, const run_result *b) {
    expect(a, 0);
    expect(b, 0);
    json_t *roots[2] = {run_json(a), run_json(b)}, *scores = json_object();
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *result = json_array_get(at(roots[0], "results"), i);
        assert_int_equal(
            json_object_set(scores, text_at(result, "path"), json_object_get(result, "score")), 0);
    }
    assert_int_equal(json_object_size(scores), PICTURES);
    assert_int_equal(json_array_size(at(roots[1], "results")), PICTURES);
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *result = json_array_get(at(roots[1], "results"), i);
        const json_t *other = json_object_get(scores, text_at(result, "path"));
        assert_non_null(other);
        double difference = json_number_value(other) - number_at(result, "score");
        assert_true(difference < 1e-4 && difference > -1e-4);
    }
    json_decref(scores);
    json_decref(roots[0]);
    json_decref(roots[1]);
}

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("pictures", 0777), 0);
    for (unsigned i = 0; i < PICTURES; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%03u.ppm", i);
        write_picture(name, 96 + i % 40, 96, i);
    }
    return 0;
}

static void an_interrupted_index_keeps_its_work_and_continues(void **state) {
    (void)state;
    int stopped = 0;
    double before = 0;
    for (int attempt = 0; attempt < 6; attempt++) {
        pid_t child = run_start("out", "err", "index", "pictures", "--jobs", "1", "--batch", "4",
                                "--library", "lib", NULL);
        wait_milliseconds(60 + 60 * attempt);
        (void)kill(child, attempt % 2 ? SIGTERM : SIGINT);
        int code = run_wait(child);
        char *err = read_whole_file("err", NULL);
        /* Before it listens, a signal simply ends it; behind the end it comes too late. */
        if (code != 130 && code != 0 && code != 1000 + SIGINT && code != 1000 + SIGTERM) {
            fail_msg("exit code %d: %s", code, err);
        }
        if (code == 130) {
            assert_non_null(strstr(err, "run the same command again to continue"));
            stopped++;
        }
        free(err);
        double now = embedded("lib");
        assert_true(now >= before);
        before = now;
    }
    assert_true(stopped > 0);
    run_result r, whole, part;
    run(&r, "index", "pictures", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "verify", "--library", "lib", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_true(embedded("lib") == PICTURES);
    /* As if it had never been interrupted. */
    run(&r, "index", "pictures", "--library", "straight", "--json", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&part, "search", "x", "--no-collapse", "-k", "300", "--all-scores", "--json", "--library",
        "lib", NULL);
    run(&whole, "search", "x", "--no-collapse", "-k", "300", "--all-scores", "--json", "--library",
        "straight", NULL);
    compare_results(&part, &whole);
    run_free(&part);
    run_free(&whole);
}

static void two_writers_do_not_meet(void **state) {
    (void)state;
    pid_t child = run_start("out", "err", "index", "pictures", "--jobs", "1", "--batch", "1",
                            "--library", "busy", NULL);
    int seen = 0;
    for (int i = 0; i < 40 && !seen; i++) {
        run_result r;
        wait_milliseconds(20);
        run(&r, "index", "pictures", "--library", "busy", NULL);
        if (r.code == 4) {
            expect_err(&r, "glimpse: ");
            seen = 1;
        } else {
            expect(&r, 0);
        }
        run_free(&r);
    }
    int code = run_wait(child);
    assert_true(code == 0 || code == 4);
    assert_true(embedded("busy") == PICTURES);
}

/* Files below `directory`, as the shell counts them. */
static long count_files(const char *directory) {
    char line[200];
    run_result r;
    (void)snprintf(line, sizeof line, "find %s -type f 2>/dev/null | wc -l", directory);
    run_shell(&r, line);
    const long count = strtol(r.out, NULL, 10);
    run_free(&r);
    return count;
}

/* Enough copies that the first of them is seen long before the last one's turn. */
static void an_interrupted_undo_goes_on_with_the_rest(void **state) {
    (void)state;
    enum { COPIES = 150 };
    run_result r;
    char name[64];
    assert_int_equal(mkdir("same", 0777), 0);
    for (int i = 0; i < COPIES; i++) {
        (void)snprintf(name, sizeof name, "same/%03d.ppm", i);
        write_picture(name, 64, 48, 7);
    }
    run(&r, "dedup", "same", "--move", "moved", "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(count_files("same"), 1);
    pid_t child = run_start("out", "err", "dedup", "--undo", NULL);
    for (int i = 0; i < 60000 && count_files("same") < 2; i++)
        wait_milliseconds(1);
    (void)kill(child, SIGINT);
    assert_int_equal(run_wait(child), 130);
    const long back = count_files("same");
    assert_true(back > 1 && back < COPIES);
    assert_int_equal(back + count_files("moved/same"), COPIES);
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(count_files("same"), COPIES);
}

/* Whatever is looked for when the signal comes, a line says that it was stopped. */
static void a_stop_is_never_without_a_word(void **state) {
    (void)state;
    static const char *const commands[] = {"dedup", "audit"};
    for (size_t i = 0; i < 2; i++) {
        int stopped = 0;
        for (int attempt = 0; attempt < 40 && !stopped; attempt++) {
            pid_t child = run_start("out", "err", commands[i], "pictures", "--jobs", "1", NULL);
            wait_milliseconds(10 + 10 * attempt);
            (void)kill(child, attempt % 2 ? SIGTERM : SIGINT);
            if (run_wait(child) != 130) continue;
            char *err = read_whole_file("err", NULL);
            if (!strstr(err, "glimpse: stopped")) fail_msg("%s: %s", commands[i], err);
            stopped = 1;
            free(err);
        }
        assert_true(stopped);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupted_index_keeps_its_work_and_continues),
        cmocka_unit_test(two_writers_do_not_meet),
        cmocka_unit_test(an_interrupted_undo_goes_on_with_the_rest),
        cmocka_unit_test(a_stop_is_never_without_a_word),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
