/*
 * What is said beside the results: progress on a terminal that can redraw, nothing of it anywhere
 * else, and with --quiet nothing at all but errors.
 */
#include "support/commands.h"

#include <unistd.h>

#define REDRAW "\033[K"

/* Each works in a directory of pictures `p`, with a library `lib`. */
static const char *const commands[][14] = {
    {"index", "p", "-l", "lib"},
    {"search", "circle", "-l", "lib"},
    {"search", "circle", "--json", "-l", "lib"},
    {"search", "circle", "--html", "s.html", "-l", "lib"},
    {"search", "circle", "--rerank", "-l", "lib"},
    {"similar", "p/a.jpg", "-l", "lib"},
    {"label", "p", "-c", "circle,square"},
    {"label", "p", "-c", "circle,square", "--json"},
    {"label", "p", "-c", "circle,square", "--csv", "--report", "r.html"},
    {"label", "p", "-c", "circle,square", "--format", "coco", "--output", "c.json"},
    {"label", "--all", "-c", "circle,square", "--store", "shapes", "-l", "lib"},
    {"dedup", "p", "--html", "d.html", "--csv", "d.csv"},
    {"dedup", "p", "--json"},
    {"dedup", "p", "--move", "moved"},
    {"dedup", "-l", "lib"},
    {"dedup", "--runs"},
    {"dedup", "--decisions", "-l", "lib"},
    {"audit", "p", "--html", "a.html", "--embed"},
    {"status", "-l", "lib"},
    {"verify", "-l", "lib"},
    {"reindex", "-l", "lib"},
    {"prune", "-l", "lib"},
    {"rerank", "circle", "p/a.jpg", "p/c.png"},
    {"caption", "p/a.jpg", "p/c.png"},
    {"caption", "p/a.jpg", "p/c.png", "--json"},
    {"caption", "p", "--store", "-l", "lib"},
    {"ask", "what is it?", "p/a.jpg", "p/c.png"},
    {"compare", "p/a.jpg", "p/c.png"},
    {"models"},
    {"doctor"},
    {"embed", "--image", "p/a.jpg", "--text", "a"},
    {"tokenize", "a"},
    {"preprocess", "--output", "pixels", "p/a.jpg"},
    {"itm", "--image", "p/a.jpg", "--text", "a circle"},
    {"vqa", "--image", "p/a.jpg", "what is it?"},
    {"evaluate", "labels", "labels.csv", "--truth", "truth.csv", "--report", "e.html"},
    {"evaluate", "retrieval", "--captions", "captions.csv"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void run_with(run_result *r, size_t i, run_place place, const char *option) {
    const char *arguments[16] = {NULL};
    size_t count = 0;
    for (; commands[i][count]; count++)
        arguments[count] = commands[i][count];
    arguments[count] = option;
    run_onto(r, place, arguments);
}

static void check_lacks(const run_result *r, size_t i, const char *part) {
    if (!strstr(r->err, part)) return;
    fail_msg("%s %s: %s", commands[i][0], commands[i][1] ? commands[i][1] : "", r->err);
}

static void quiet_says_nothing_on_a_terminal(void **state) {
    (void)state;
    (void)setenv("TERM", "xterm", 1);
    for (size_t i = 0; i < COMMANDS; i++) {
        run_result r;
        run_with(&r, i, RUN_TERMINAL, i % 2 ? "-q" : "--quiet");
        if (r.code > 1 || r.err_size > 0) {
            fail_msg("%s %s: code %d: %s", commands[i][0], commands[i][1] ? commands[i][1] : "",
                     r.code, r.err);
        }
        run_free(&r);
    }
}

/* And nothing but progress: there are no colours to leave out for NO_COLOR. */
static void progress_is_drawn_on_a_terminal_and_only_there(void **state) {
    (void)state;
    size_t drawn = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        run_result r;
        (void)setenv("TERM", "xterm", 1);
        run_with(&r, i, RUN_PIPES, NULL);
        check_lacks(&r, i, REDRAW);
        run_free(&r);
        run_with(&r, i, RUN_TERMINAL, NULL);
        drawn += strstr(r.err, REDRAW) != NULL;
        check_lacks(&r, i, "\033[0");
        check_lacks(&r, i, "\033[1");
        check_lacks(&r, i, "\033[3");
        /* It never goes to where the results go. */
        assert_null(strchr(r.out, '\033'));
        run_free(&r);
        (void)setenv("TERM", "dumb", 1);
        run_with(&r, i, RUN_TERMINAL, NULL);
        check_lacks(&r, i, "\033");
        run_free(&r);
    }
    assert_true(drawn >= 10);
}

static void an_error_is_said_in_spite_of_quiet(void **state) {
    (void)state;
    const char *const lines[][4] = {{"search", "-q", "a"},
                                    {"index", "-q", "nowhere"},
                                    {"verify", "-q", "too much"},
                                    {"dedup", "-q", "nowhere"}};
    (void)setenv("TERM", "xterm", 1);
    for (size_t i = 0; i < 4; i++) {
        run_result r;
        run_onto(&r, RUN_TERMINAL, lines[i]);
        assert_true(r.code >= 2);
        expect_err(&r, "glimpse: ");
        run_free(&r);
    }
}

static void every_command_can_be_quiet(void **state) {
    (void)state;
    run_result r;
    run_shell(&r,
              "for c in $(\"$G\" --help | sed -n '/^Examples:/q; s/^  \\([a-z]*\\) .*/\\1/p'); do "
              "case $c in evaluate|tag|album) parts=$(\"$G\" help $c | sed -n "
              "'s/^Usage: glimpse [a-z]* \\[options\\] \\([a-z|]*\\).*/\\1/p' | tr '|' ' ');; "
              "*) parts='';; esac; "
              "case $c-$parts in evaluate-|tag-|album-) echo $c has no parts;; esac; "
              "for p in ${parts:---help}; do "
              "\"$G\" $c $p --help | grep -q -e --quiet || echo $c $p; done; done");
    expect(&r, 0);
    assert_string_equal(r.out, "");
    run_free(&r);
}

static int set_up(void **state) {
    run_result r;
    (void)setenv("DEMO", source_path("data/demo/shapes"), 1);
    if (run_setup(state) != 0) return -1;
    run_shell(&r, "mkdir p && cp \"$DEMO/circle-night-149.jpg\" p/a.jpg && cp p/a.jpg p/b.jpg && "
                  "cp \"$DEMO/circle-snow-131.png\" p/c.png && \"$G\" index p -l lib && "
                  "\"$G\" label p -c circle,square --csv > labels.csv && "
                  "printf 'path,class\\np/a.jpg,circle\\np/b.jpg,circle\\np/c.png,circle\\n' > "
                  "truth.csv && "
                  "printf 'image,caption\\np/a.jpg,a circle\\np/c.png,snow\\n' > captions.csv");
    const int code = r.code;
    if (code != 0) print_error("%s\n", r.err);
    run_free(&r);
    return code;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_says_nothing_on_a_terminal),
        cmocka_unit_test(progress_is_drawn_on_a_terminal_and_only_there),
        cmocka_unit_test(an_error_is_said_in_spite_of_quiet),
        cmocka_unit_test(every_command_can_be_quiet),
    };
    return cmocka_run_group_tests(tests, set_up, run_teardown);
}
