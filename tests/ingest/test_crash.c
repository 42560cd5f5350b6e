/*
 * SIGKILL at any moment: the library stays sound, what was committed stays, and in the end it is
 * as if nothing had happened.
 *
 * The program runs itself as the victim:  test_ingest_crash --victim LIBRARY ROOT [MODEL]
 * Moments are drawn from a fixed seed, over the time that an undisturbed run takes, so that they
 * fall into creating the library, walking, embedding, committing and writing the vector index.
 */
#include "ingest_support.h"

#include "core/clock.h"

#include <glimpse/sys/model.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { KILLS = 50, KILLS_WITH_MODEL = 8 };

static char self[PATH_MAX];

static int victim(int count, char **arguments) {
    glimpse_library *library = NULL;
    glimpse_model *model = NULL;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    const char *root = arguments[1];
    options.roots = &root;
    options.root_count = 1;
    options.jobs = 2;
    options.batch = 8;
    int status = glimpse_library_open(&library, arguments[0], GLIMPSE_LIBRARY_CREATE);
    if (status == GLIMPSE_OK && count > 2) {
        glimpse_model_options choice = GLIMPSE_MODEL_OPTIONS_INIT;
        choice.towers = GLIMPSE_TOWER_IMAGE;
        choice.precision = GLIMPSE_PRECISION_F32;
        status = glimpse_model_open(&model, arguments[2], &choice);
        options.model = model;
        if (status == GLIMPSE_OK) status = glimpse_library_ingest(NULL, library, &options);
    } else if (status == GLIMPSE_OK) {
        fake_model *fake = malloc(sizeof *fake);
        fake_model_init(fake);
        fake->decode_us = 300;
        fake->encode_us = 300;
        status = glimpse_ingest_run(NULL, library, &options, &fake->engine);
        free(fake);
    }
    if (status < 0) fprintf(stderr, "victim: %s\n", glimpse_last_error());
    glimpse_model_close(model);
    glimpse_library_close(library);
    return status < 0 ? 9 : 0;
}

static double seconds(void) {
    return glimpse_now();
}

/* Runs a victim and kills it after `delay` seconds (negative: never). 1 when it ended by itself. */
static int run_victim(const fixture *f, const char *root, const char *model, double delay) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(self, self, "--victim", f->library_path, root, model, (char *)NULL);
        _exit(8);
    }
    if (delay >= 0) {
        const struct timespec rest = {(time_t)delay, (long)((delay - (double)(time_t)delay) * 1e9)};
        (void)nanosleep(&rest, NULL);
        (void)kill(child, SIGKILL);
    }
    int outcome = 0;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    if (WIFSIGNALED(outcome)) {
        assert_int_equal(WTERMSIG(outcome), SIGKILL);
        return 0;
    }
    assert_true(WIFEXITED(outcome));
    assert_int_equal(WEXITSTATUS(outcome), 0);
    return 1;
}

static uint64_t count_embedded(fixture *f) {
    glimpse_library_status *status = NULL;
    assert_ok(glimpse_library_load_status(&status, f->library));
    const uint64_t embedded = status->embedded;
    glimpse_library_status_free(status);
    return embedded;
}

static void print_problem(void *user, const char *problem) {
    (void)user;
    print_message("verify: %s\n", problem);
}

/* Kills, verifies, goes on, and starts over when a run gets through, until `kills` hit, one of them
 * between the first commit and the last: where machines are quick that is a short time, so that up
 * to ten times as many are tried. Moments are drawn from the part of a run between `early` and
 * `late`. */
static void kill_and_go_on(fixture *f, const char *root, const char *model, int kills, double early,
                           double late, void (*compare)(fixture *, const char *),
                           const char *expected) {
    double start = seconds();
    fixture_close_library(f);
    remove_tree(f->library_path);
    assert_true(run_victim(f, root, model, -1.0));
    const double whole = seconds() - start;

    uint64_t random = 20240731, before = 0;
    int killed = 0, complete = 0, partly = 0;
    remove_tree(f->library_path);
    start = seconds();
    while (killed < kills || complete == 0 || (partly == 0 && killed < 10 * kills)) {
        const int is_to_die = killed < kills || (partly == 0 && killed < 10 * kills);
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const double share = (double)(random >> 40) / (double)(1 << 24);
        const int ended =
            run_victim(f, root, model, is_to_die ? (early + (late - early) * share) * whole : -1.0);
        fixture_open_library(f);
        uint64_t checked = 0;
        assert_ok(glimpse_library_verify(&checked, f->library, print_problem, NULL));
        const uint64_t embedded = count_embedded(f);
        assert_true(embedded >= before); /* what was committed stays */
        before = embedded;
        if (ended) {
            compare(f, expected);
            complete++;
            before = 0;
        } else {
            killed++;
            if (embedded > 0) partly++;
        }
        fixture_close_library(f);
        if (ended) remove_tree(f->library_path);
    }
    print_message(
        "%d kills over runs of %.0f ms in %.1f s: %d left a library partly filled, %d runs "
        "got through and equal an undisturbed one\n",
        killed, whole * 1e3, seconds() - start, partly, complete);
    assert_true(partly > 0);
    fixture_open_library(f);
}

static void compare_whole(fixture *f, const char *expected) {
    char *dump = dump_catalog(f, 1);
    assert_string_equal(dump, expected);
    free(dump);
}

static void fifty_kills_change_nothing(void **state) {
    fixture *f = *state;
    for (unsigned i = 0; i < 300; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u/%u.ppm", i % 5, i);
        if (i % 30 == 7)
            write_text_file(f, name, "broken");
        else
            write_picture(f, name, i % 250);
    }
    ingest(f);
    assert_report(f, 300, 0, -1, -1, 10, 0);
    char *expected = dump_catalog(f, 1);
    kill_and_go_on(f, f->pictures, NULL, KILLS, 0.0, 0.6, compare_whole, expected);
    free(expected);
}

static void kills_while_changes_are_taken_in(void **state) {
    fixture *f = *state;
    for (unsigned i = 0; i < 200; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        write_picture(f, name, i);
    }
    ingest(f);
    /* Some touched, some changed, some gone, some new, some broken now. */
    for (unsigned i = 0; i < 200; i++) {
        char name[64], other[64];
        (void)snprintf(name, sizeof name, "pictures/%u.ppm", i);
        (void)snprintf(other, sizeof other, "pictures/new/%u.ppm", i);
        if (i % 5 == 0) touch_by(f, name, 10);
        if (i % 5 == 1) write_picture(f, name, i + 1000), touch_by(f, name, 3);
        if (i % 5 == 2) remove_file(f, name);
        if (i % 5 == 3) write_picture(f, other, i + 2000);
        if (i % 50 == 4) write_text_file(f, name, "broken");
    }
    /* What an undisturbed library makes of it. */
    char *kept = strdup(f->library_path);
    char command[2 * PATH_MAX];
    fixture_close_library(f);
    (void)snprintf(command, sizeof command, "cp -r '%s' '%s/calm'", kept, f->directory);
    assert_int_equal(system(command), 0);
    free(f->library_path);
    f->library_path = strdup(at(f, "calm"));
    fixture_open_library(f);
    ingest(f);
    assert_report(f, 200, -1, 80, 40, 4, 40);
    char *expected = dump_catalog(f, 1);
    fixture_close_library(f);
    free(f->library_path);
    f->library_path = kept;

    double delay = 0.02;
    int ended = 0, killed = 0;
    while (!ended) {
        ended = run_victim(f, f->pictures, NULL, delay);
        delay *= 1.25;
        if (!ended) killed++;
        fixture_open_library(f);
        assert_sound(f);
        fixture_close_library(f);
    }
    fixture_open_library(f);
    char *dump = dump_catalog(f, 1);
    assert_string_equal(dump, expected);
    print_message("%d kills\n", killed);
    free(dump);
    free(expected);
}

/* With a real model, a batch of another make-up may move the last bit of a half: compare all but
 * the vectors, and let verify look at those. */
static void blank_vectors(char *dump) {
    for (char *line = dump; *line; line = strchr(line, '\n') + 1) {
        char *end = strchr(line, '\n');
        for (char *c = line; c < end; c++) {
            if (strspn(c, "0123456789ABCDEF") > 100) {
                for (; c < end && *c != ' '; c++)
                    *c = '.';
            }
        }
    }
}

static void compare_without_vectors(fixture *f, const char *expected) {
    char *dump = dump_catalog(f, 1);
    blank_vectors(dump);
    assert_string_equal(dump, expected);
    free(dump);
}

static void kills_with_a_real_model(void **state) {
    fixture *f = *state;
    const char *model = source_path("data/models/demo"), *pictures = source_path("data/demo");
    if (access(model, R_OK) != 0 || access(pictures, R_OK) != 0) {
        print_message("SKIPPED: no demo model\n");
        skip();
    }
    /* A part of them: the test is about interruptions. */
    char command[3 * PATH_MAX];
    (void)snprintf(command, sizeof command,
                   "find '%s' -type f -size -60k | sort | head -n 120 |"
                   " while read -r name; do cp \"$name\" '%s'; done",
                   pictures, f->pictures);
    assert_int_equal(system(command), 0);
    fixture_close_library(f);
    assert_true(run_victim(f, f->pictures, model, -1.0));
    char *expected = dump_catalog(f, 1);
    blank_vectors(expected);
    assert_non_null(strstr(expected, "...."));
    fixture_open_library(f);
    /* Opening the model takes much of a run. */
    kill_and_go_on(f, f->pictures, model, KILLS_WITH_MODEL, 0.3, 1.0, compare_without_vectors,
                   expected);
    free(expected);
}

int main(int count, char **arguments) {
    if (count >= 4 && strcmp(arguments[1], "--victim") == 0) {
        return victim(count - 2, arguments + 2);
    }
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return 77;
    self[length] = '\0';
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(fifty_kills_change_nothing),
        T(kills_while_changes_are_taken_in),
        T(kills_with_a_real_model),
    };
#undef T
    return cmocka_run_group_tests_name("ingest, killed", tests, NULL, NULL);
}
