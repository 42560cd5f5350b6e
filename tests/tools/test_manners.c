/*
 * A long job beside other work: --nice is that of every thread, --max-memory holds.
 */
#include "support/commands.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SMALL = 60, LARGE = 6 };

static int setup(void **state) {
    run_setup(state);
    assert_int_equal(mkdir("small", 0777), 0);
    assert_int_equal(mkdir("large", 0777), 0);
    for (unsigned i = 0; i < SMALL + LARGE; i++) {
        char name[64];
        const unsigned side = i < SMALL ? 96 : 2600; /* 20 MB */
        (void)snprintf(name, sizeof name, "%s/%03u.ppm", i < SMALL ? "small" : "large", i);
        write_picture(name, side + i % 40, side, i);
    }
    return 0;
}

/* Nice and policy of a thread. */
static void read_priority(const char *thread, long *nice, long *policy) {
    size_t size = 0;
    char *stat = read_whole_file(thread, &size);
    char *at = strrchr(stat, ')');
    assert_non_null(at);
    at++;
    for (int field = 3; field <= 41; field++) { /* proc(5) */
        const long value = strtol(at + 1, NULL, 10);
        if (field == 19) *nice = value;
        if (field == 41) *policy = value;
        at = strchr(at + 1, ' ');
        assert_non_null(at);
    }
    free(stat);
}

static void nice_is_that_of_every_thread(void **state) {
    (void)state;
    char directory[64], library[16];
    pid_t child = 0;
    size_t threads = 0;
    /* Until it is met while a worker runs: it may be through before this process gets its turn. */
    for (int attempt = 0; attempt < 10 && threads < 3; attempt++) {
        int ended = 0;
        (void)snprintf(library, sizeof library, "lib%d", attempt);
        child = run_start("out", "err", "index", "large", "small", "--jobs", "2", "--nice",
                          "--library", library, NULL);
        (void)snprintf(directory, sizeof directory, "/proc/%ld/task", (long)child);
        while (threads < 3 && !ended) {
            threads = 0;
            DIR *dir = opendir(directory);
            for (struct dirent *entry; dir && (entry = readdir(dir));)
                threads += entry->d_name[0] != '.';
            if (dir) (void)closedir(dir);
            ended = threads < 3 && waitpid(child, NULL, WNOHANG) == child;
        }
    }
    assert_true(threads >= 3);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[400];
        long nice = 0, policy = 0;
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s/stat", directory, entry->d_name);
        read_priority(path, &nice, &policy);
        assert_int_equal(nice, 19);
        assert_int_equal(policy, SCHED_IDLE);
    }
    (void)closedir(dir);
    (void)kill(child, SIGCONT);
    assert_int_equal(run_wait(child), 0);
}

/* Indexes both directories into `library`; the most that it had resident. */
static long index_with(const char *library, const char *max_memory, int code) {
    struct rusage usage;
    int status = 0;
    pid_t child = max_memory ? run_start("out", "err", "index", "small", "large", "--jobs", "2",
                                         "--max-memory", max_memory, "--library", library, NULL)
                             : run_start("out", "err", "index", "small", "large", "--jobs", "2",
                                         "--library", library, NULL);
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != code) {
        fail_msg("exit code %d: %s", WEXITSTATUS(status), read_whole_file("err", NULL));
    }
    return usage.ru_maxrss;
}

static json_t *search(const char *library) {
    run_result r;
    run(&r, "search", "x", "--all-scores", "--no-collapse", "-k", "100", "--json", "--library",
        library, NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static void max_memory_holds_and_changes_no_result(void **state) {
    (void)state;
    const long limited = index_with("limited", "250M", 0);
    (void)index_with("free", NULL, 0);
    if (!UNDER_SANITIZER) assert_in_range(limited, 1, 250 * 1024);
    json_t *a = search("limited"), *b = search("free");
    assert_int_equal(json_array_size(at(a, "results")), SMALL + LARGE);
    assert_int_equal(json_array_size(at(b, "results")), SMALL + LARGE);
    json_decref(a);
    json_decref(b);
    /* A search that may not load the index reads the catalogue, and finds the same. */
    run_result loaded, read;
    run(&loaded, "search", "x", "--all-scores", "--no-collapse", "-k", "20", "--paths", "--library",
        "free", NULL);
    run(&read, "search", "x", "--all-scores", "--no-collapse", "-k", "20", "--paths", "--library",
        "free", "--max-memory", UNDER_SANITIZER ? "4G" : "200M", NULL);
    expect(&loaded, 0);
    expect(&read, 0);
    assert_string_equal(loaded.out, read.out);
    run_free(&loaded);
    run_free(&read);
}

static void what_does_not_fit_says_how_much_it_takes(void **state) {
    (void)state;
    run_result r;
    run(&r, "index", "small", "--library", "none", "--max-memory", "20M", NULL);
    expect(&r, 4);
    expect_err(&r, "the limit is 20 MB (--max-memory)");
    run_free(&r);
    static const char *const bad[] = {"", "x", "12X", "-1G", "0", "1e99G", "2GG"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        run(&r, "index", "small", "--library", "none", "--max-memory", bad[i], NULL);
        expect(&r, 2);
        expect_err(&r, "--max-memory is a size such as 800M or 2G");
        run_free(&r);
    }
    if (UNDER_SANITIZER) return; /* which has more resident than that at first */
    /* One picture that is too large is no reason to stop; without the limit it is taken in. */
    assert_int_equal(mkdir("huge", 0777), 0);
    write_picture("huge/1.ppm", 6000, 5000, 1);
    write_picture("huge/2.ppm", 60, 50, 2);
    run(&r, "index", "huge", "--library", "huge.lib", "--max-memory", "130M", NULL);
    expect(&r, 3);
    expect_err(&r, "huge/1.ppm: decoding it takes up to ");
    expect_err(&r, " MB are left for that (--max-memory)");
    run_free(&r);
    run(&r, "index", "huge", "--library", "huge.lib", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "search", "x", "--all-scores", "--no-collapse", "--library", "huge.lib", "--paths",
        NULL);
    expect_out(&r, "huge/1.ppm");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nice_is_that_of_every_thread),
        cmocka_unit_test(max_memory_holds_and_changes_no_result),
        cmocka_unit_test(what_does_not_fit_says_how_much_it_takes),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
