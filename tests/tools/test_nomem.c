/*
 * Whatever allocation fails, in whatever library, a command does its work all the same or fails
 * with a message and exit code 4: not 1 (nothing found), not 2 (a mistake in the command line), not
 * a signal. The same where no thread can be started.
 *
 * In f32: oneDNN, which reduced precision may use, does not survive this; where it is used, room
 * for what it needs is made sure of instead (test_limits.c).
 */
#include "support/commands.h"
#include "support/loopback_hub.h"
#include "support/random_model.h"

#include <fcntl.h>
#include <sys/wait.h>

/* The library to load in front, by a name without a blank: LD_PRELOAD would end there. */
static char hook_directory[] = "/tmp/glimpse-hook-XXXXXX", hook[64];

static int make_hook(void) {
    if (!mkdtemp(hook_directory)) return -1;
    (void)snprintf(hook, sizeof hook, "%s/hook.so", hook_directory);
    return symlink(GLIMPSE_FAIL_ALLOCATION, hook);
}

static int remove_hook(void **state) {
    (void)unlink(hook);
    (void)rmdir(hook_directory);
    return run_teardown(state);
}

static int setup(void **state) {
    run_setup(state);
    if (make_hook() != 0) return -1;
    assert_int_equal(mkdir("pictures", 0777), 0);
    for (unsigned i = 0; i < 6; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        write_picture(name, 64 + 9 * i, 64, i);
    }
    write_text("classes.json",
               "{\"classes\": [{\"name\": \"red\", \"prompts\": [\"a red {}\"]}, \"blue\"]}");
    write_text("found.jsonl",
               "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":0.9}]}\n"
               "{\"path\":\"b.jpg\",\"labels\":[{\"class\":\"dog\",\"probability\":0.6},"
               "{\"class\":\"cat\",\"probability\":0.4}]}\n");
    write_text("truth.csv", "image,label\na.jpg,cat\nb.jpg,dog\n");
    run_result r;
    run(&r, "index", "pictures", "--library", "lib", "--precision", "f32", NULL);
    expect(&r, 0);
    run_free(&r);
    random_model other = random_model_tiny();
    assert_true(random_model_write(&other, "other"));
    write_text("queries.txt", "red\tpictures/1.ppm\nblue - square\n");
    run(&r, "index", "pictures", "--library", "lib", "--model", "./other", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

/* In front of the C library; 0 for `at`: nothing fails. The exit code, or 1000 + signal. */
static int run_failing(const char *const *arguments, long at, long count, int threads) {
    char *argv[16] = {strdup("glimpse")}, number[32], more[32];
    size_t used = 1;
    for (; arguments[used - 1]; used++)
        argv[used] = strdup(arguments[used - 1]);
    (void)snprintf(number, sizeof number, "%ld", at);
    (void)snprintf(more, sizeof more, "%ld", count);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int out = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        int err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        (void)dup2(out, 1);
        (void)dup2(err, 2);
        (void)setenv("LD_PRELOAD", hook, 1);
        (void)setenv("GLIMPSE_TEST_FAIL_AT", number, 1);
        (void)setenv("GLIMPSE_TEST_FAIL_FOR", more, 1);
        (void)setenv("GLIMPSE_TEST_COUNT", "count", 1);
        if (threads) (void)setenv("GLIMPSE_TEST_FAIL_THREADS", "1", 1);
        (void)alarm(60);
        (void)execv(GLIMPSE_PROGRAM, argv);
        _exit(127);
    }
    for (size_t i = 0; i < used; i++)
        free(argv[i]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Whether it failed. */
static int check(const char *const *arguments, int code, long at, long count) {
    char *err = read_whole_file("err", NULL);
    int fine = code == 0 || (code == 4 && *err && !strstr(err, "line -1"));
    if (!fine) {
        fail_msg("%s, allocation %ld and %ld more: exit code %d: %s", arguments[0], at, count - 1,
                 code, err);
    }
    free(err);
    return code != 0;
}

static void fail_each(const char *const *arguments, long runs) {
    assert_int_equal(run_failing(arguments, 0, 1, 0), 0);
    char *text = read_whole_file("count", NULL);
    const long total = strtol(text, NULL, 10);
    int failures = 0;
    free(text);
    assert_true(total > 100); /* the hook works */
    const long step = total / runs + 1;
    for (long at = 1, orientation = 0; at <= total; at += step, orientation++) {
        /* Alone, and with all that follow. */
        const long count = orientation % 2 ? 1 : 1000000000;
        failures += check(arguments, run_failing(arguments, at, count, 0), at, count);
    }
    print_message("%s: %ld allocations, %d runs failed\n", arguments[0], total, failures);
    assert_true(failures > runs / 4);
}

static void listing_and_choosing_models_says_so(void **state) {
    (void)state;
    const char *const list[] = {"models", "--library", "lib", "--json", NULL};
    const char *const choose[] = {"models", "--default", "demo", "--library", "lib", NULL};
    const char *const mine[] = {"models", "--default", "demo", "--user", NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(list, 40);
    fail_each(choose, 40);
    fail_each(mine, 40);
}

static void searching_says_so(void **state) {
    (void)state;
    const char *const search[] = {"search", "red",    "-",           "square", "--library",
                                  "lib",    "--json", "--precision", "f32",    NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(search, 50);
    /* Each of the first ones, where the query is read. */
    for (long at = 1; at < 40; at += 2)
        (void)check(search, run_failing(search, at, 1, 0), at, 1);
}

static void listing_says_so(void **state) {
    (void)state;
    const char *const list[] = {
        "list",
        "--library",
        "lib",
        "--where",
        "path ~ P and not (keyword = 'Straße' or iso > 100) and taken > 2000",
        "--json",
        NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(list, 50);
}

static void tagging_says_so(void **state) {
    (void)state;
    const char *const add[] = {"tag", "add",     "a/b",       "favourite", "--library",
                               "lib", "--where", "width > 0", NULL};
    const char *const list[] = {"tag", "list", "--json", "--library", "lib", NULL};
    const char *const show[] = {"album", "show", "album", "--json", "--library", "lib", NULL};
    run_result r;
    if (UNDER_SANITIZER) skip();
    run_shell(&r, "\"$G\" album create album --library lib; "
                  "\"$G\" album add album --library lib --where 'width > 0'");
    expect(&r, 0);
    run_free(&r);
    fail_each(add, 30);
    fail_each(list, 30);
    fail_each(show, 30);
}

static void several_models_say_so(void **state) {
    (void)state;
    const char *const search[] = {"search",       "red",    "--library",   "lib", "--model",
                                  "demo+./other", "--json", "--precision", "f32", NULL};
    const char *const compare[] = {"models",    "--compare",   "demo",      "./other",
                                   "--queries", "queries.txt", "--library", "lib",
                                   "--json",    "--precision", "f32",       NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(search, 50);
    fail_each(compare, 50);
}

static void labelling_says_so(void **state) {
    (void)state;
    const char *const label[] = {"label",  "pictures/1.ppm",
                                 "-c",     "classes.json",
                                 "--json", "--library",
                                 "lib",    "--precision",
                                 "f32",    NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(label, 60);
}

static void evaluating_says_so(void **state) {
    (void)state;
    const char *const evaluate[] = {"evaluate",  "labels", "found.jsonl", "--truth",
                                    "truth.csv", "--json", NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(evaluate, 90);
}

static void tokenizing_says_so(void **state) {
    (void)state;
    const char *const tokenize[] = {"tokenize", "--model", GLIMPSE_SOURCE_DIR "/data/models/demo",
                                    "hello", NULL};
    if (UNDER_SANITIZER) skip();
    fail_each(tokenize, 60);
}

static void pulling_says_so(void **state) {
    (void)state;
    enum { RUNS = 150 };
    const char *const pull[] = {"pull", "org/model", "--yes", "--json", NULL};
    if (UNDER_SANITIZER) skip();
    loopback_hub *hub = loopback_hub_start();
    loopback_hub_add_directory(hub, "org/model", GLIMPSE_SOURCE_DIR "/data/models/demo");
    (void)setenv("HF_ENDPOINT", loopback_hub_url(hub), 1);
    assert_int_equal(run_failing(pull, 0, 1, 0), 0);
    char *text = read_whole_file("count", NULL);
    const long total = strtol(text, NULL, 10);
    int failures = 0;
    free(text);
    for (long at = 1, number = 0; at <= total; at += total / RUNS + 1, number++) {
        const long count = number % 2 ? 1 : 1000000000;
        remove_tree("data");
        const int failed = check(pull, run_failing(pull, at, count, 0), at, count);
        failures += failed;
        if (failed) continue;
        assert_true(path_exists("data/glimpse/models/org/model/model.safetensors"));
    }
    print_message("pull: %ld allocations, %d runs failed\n", total, failures);
    assert_true(failures > RUNS / 4);
    (void)unsetenv("HF_ENDPOINT");
    loopback_hub_stop(hub);
}

static void a_machine_without_threads_is_no_empty_result(void **state) {
    (void)state;
    if (UNDER_SANITIZER) skip();
    const char *const commands[][8] = {
        {"index", "pictures", "--library", "other", "--precision", "f32", NULL},
        {"search", "red", "--library", "lib", "--precision", "f32", NULL},
        {"label", "pictures", "--classes", "red,blue", "--precision", "f32", NULL},
        {"dedup", "pictures", NULL},
        {"reindex", "--library", "lib", NULL},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        failures += check(commands[i], run_failing(commands[i], 0, 1, 1), 0, 1);
    assert_true(failures > 0);
}

static void a_library_that_ends_the_program_is_a_failure(void **state) {
    (void)state;
    static const char *const endings[] = {"exit", "abort"};
    const char *const search[] = {"search", "red", "--library", "lib", "--precision", "f32", NULL};
    if (UNDER_SANITIZER) skip();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(setenv("GLIMPSE_TEST_END_BY", endings[i], 1), 0);
        int code = run_failing(search, 1000, 1, 0);
        (void)unsetenv("GLIMPSE_TEST_END_BY");
        char *err = read_whole_file("err", NULL);
        assert_int_equal(code, 4);
        assert_non_null(strstr(err, "out of memory"));
        free(err);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_and_choosing_models_says_so),
        cmocka_unit_test(searching_says_so),
        cmocka_unit_test(listing_says_so),
        cmocka_unit_test(tagging_says_so),
        cmocka_unit_test(several_models_say_so),
        cmocka_unit_test(labelling_says_so),
        cmocka_unit_test(evaluating_says_so),
        cmocka_unit_test(tokenizing_says_so),
        cmocka_unit_test(pulling_says_so),
        cmocka_unit_test(a_library_that_ends_the_program_is_a_failure),
        cmocka_unit_test(a_machine_without_threads_is_no_empty_result),
    };
    return cmocka_run_group_tests(tests, setup, remove_hook);
}
