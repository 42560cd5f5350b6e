/*
 * Work does not depend on who reads what it prints: with a reader that went away and with a full
 * disk under standard output, everything is done that is done otherwise.
 */
#include "support/commands.h"

#include <sys/stat.h>
#include <unistd.h>

/* Every line is run in a directory of its own, with three pictures in `p`, of which a.jpg and b.jpg
 * are equal. $G is glimpse. */
typedef struct work {
    const char *before; /* a shell line, or NULL */
    const char *arguments[13];
    const char *after; /* succeeds when the work was done */
} work;

#define INDEXED "\"$G\" index -q p -l lib > indexed"
#define CLASSES "circle,square,star"

static const work works[] = {
    {NULL, {"dedup", "p", "--move", "moved", "--apply"}, "ls moved/p/*.jpg"},
    {NULL, {"dedup", "p", "--move", "moved", "--apply", "--json"}, "ls moved/p/*.jpg"},
    {NULL, {"dedup", "p", "--delete", "--apply"}, "test \"$(ls p | wc -l)\" = 2"},
    {NULL, {"dedup", "p", "--hardlink", "--apply"}, "test p/a.jpg -ef p/b.jpg"},
    {NULL,
     {"dedup", "p", "--html", "d.html", "--csv", "d.csv", "--symlink", "--apply"},
     "test -s d.html && test -s d.csv && { test -L p/a.jpg || test -L p/b.jpg; }"},
    {"\"$G\" dedup p --move moved --apply", {"dedup", "--undo"}, "ls p/a.jpg p/b.jpg"},
    {"\"$G\" dedup p --delete --apply",
     {"dedup", "--empty", "--apply", "--json"},
     "test \"$(ls state/glimpse/actions/held | wc -l)\" = 0"},
    {INDEXED,
     {"dedup", "--not-duplicates", "p/a.jpg", "p/c.png", "-l", "lib"},
     "\"$G\" dedup --decisions -l lib | grep not-duplicates"},
    {NULL, {"index", "p", "-l", "lib"}, "\"$G\" status -l lib --json | grep '\"files\":3,'"},
    {INDEXED,
     {"label", "--all", "-c", CLASSES, "--store", "shapes", "-l", "lib"},
     "\"$G\" label --stored -l lib | grep '^shapes: 2 '"},
    {INDEXED,
     {"label", "--all", "-c", "@coco80", "-k", "80", "--store", "shapes", "-l", "lib", "--json"},
     "\"$G\" label --stored -l lib | grep '^shapes: 2 '"},
    {NULL,
     {"label", "p", "-c", CLASSES, "--csv", "--report", "r.html", "--resume", "r"},
     "test -s r.html && test -s r"},
    {NULL,
     {"label", "p", "-c", CLASSES, "--format", "coco", "--output", "c.json"},
     "grep circle c.json"},
    {INDEXED,
     {"caption", "p", "--store", "--format", "jsonl", "-l", "lib"},
     "\"$G\" status -l lib --json | grep '\"captioned\":2'"},
    {INDEXED, {"caption", "p", "--out", "c.csv", "-l", "lib"}, "grep a.jpg c.csv"},
    {NULL, {"audit", "p", "--html", "a.html", "--csv", "a.csv"}, "test -s a.html && test -s a.csv"},
    {"\"$G\" label p -c " CLASSES " --csv > p.csv; mkdir t t/circle && cp p/* t/circle && "
     "sed -i s,p/,t/circle/, p.csv",
     {"evaluate", "labels", "p.csv", "--truth", "t", "--missing", "skip", "--report", "e.html"},
     "test -s e.html"},
    {INDEXED, {"search", "circle", "--html", "s.html", "-l", "lib"}, "test -s s.html"},
    {INDEXED "; rm p/a.jpg p/b.jpg; \"$G\" index -q p -l lib",
     {"prune", "-l", "lib"},
     "\"$G\" status -l lib --json | grep '\"files\":1,'"},
    {INDEXED "; rm lib/vectors*",
     {"reindex", "-l", "lib"},
     "ls lib/vectors* && \"$G\" verify -l lib"},
    {NULL, {"ask", "what is it?", "p/a.jpg", "p/b.jpg", "p/c.png"}, "true"},
    {NULL, {"preprocess", "--output", "pixels", "p/a.jpg"}, "test -s pixels"},
};

/* Runs one, and returns its exit code; *printed: how much came to standard output. */
static int work_onto(const work *w, run_place place, size_t *printed) {
    char state[1200], before[1000];
    run_result r;
    assert_int_equal(mkdir("case", 0777), 0);
    assert_int_equal(chdir("case"), 0);
    (void)snprintf(state, sizeof state, "%s/case/state", run_directory);
    (void)setenv("XDG_STATE_HOME", state, 1);
    (void)snprintf(before, sizeof before,
                   "mkdir p && cp \"$DEMO/circle-night-149.jpg\" p/a.jpg && cp p/a.jpg p/b.jpg && "
                   "cp \"$DEMO/circle-snow-131.png\" p/c.png; %s",
                   w->before ? w->before : "true");
    run_shell(&r, before);
    run_free(&r);
    run_onto(&r, place, w->arguments);
    const int code = r.code;
    *printed = r.out_size;
    if (code == 4 && place == RUN_FULL) expect_err(&r, "cannot write to standard output: ");
    if (place == RUN_NO_READER && strstr(r.err, "cannot write")) {
        fail_msg("%s %s: %s", w->arguments[0], w->arguments[1], r.err);
    }
    run_result after;
    run_shell(&after, w->after);
    if (after.code != 0) {
        fail_msg("%s %s: not done with place %d (code %d): %s", w->arguments[0], w->arguments[1],
                 place, code, r.err);
    }
    run_free(&after);
    run_free(&r);
    assert_int_equal(chdir(".."), 0);
    remove_tree("case");
    return code;
}

enum { WORKS = sizeof works / sizeof *works };

/* With a reader, for both tests. */
static struct { int code, printed; } usual[WORKS];

static int do_works(void **state) {
    for (size_t i = 0; i < WORKS; i++) {
        size_t printed = 0;
        usual[i].code = work_onto(&works[i], RUN_PIPES, &printed);
        usual[i].printed = printed > 0;
    }
    return state ? 0 : -1;
}

static void check_works(run_place place, int failure) {
    for (size_t i = 0; i < WORKS; i++) {
        size_t printed = 0;
        const int expected = failure && usual[i].printed ? failure : usual[i].code;
        const int code = work_onto(&works[i], place, &printed);
        if (code == expected) continue;
        fail_msg("%s %s: %d, not %d", works[i].arguments[0], works[i].arguments[1], code, expected);
    }
}

static void work_is_done_without_a_reader_and_ends_with_its_own_code(void **state) {
    (void)state;
    check_works(RUN_NO_READER, 0);
}

static void work_is_done_and_the_full_disk_reported_under_standard_output(void **state) {
    (void)state;
    check_works(RUN_FULL, 4);
}

/* What only prints need not go on: no figures for nobody. */
static void a_run_that_only_prints_ends_with_its_reader(void **state) {
    (void)state;
    char picture[1200];
    (void)snprintf(picture, sizeof picture, "%s/circle-night-149.jpg", getenv("DEMO"));
    const char *const embed[] = {"embed", "-q", "--image", picture, "--image", picture, NULL};
    const char *const tokenize[] = {"tokenize", "-q", "a", "b", NULL};
    const char *const label[] = {"label", "-q", picture, "-c", CLASSES, "--json", NULL};
    const char *const *lines[] = {embed, tokenize, label};
    for (size_t i = 0; i < 3; i++) {
        run_result r;
        run_onto(&r, RUN_NO_READER, lines[i]);
        expect(&r, 1000 + 13); /* SIGPIPE */
        expect_no_err(&r);
        run_free(&r);
    }
}

static int set_up(void **state) {
    (void)setenv("DEMO", source_path("data/demo/shapes"), 1);
    return run_setup(state) == 0 ? do_works(state) : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_done_without_a_reader_and_ends_with_its_own_code),
        cmocka_unit_test(work_is_done_and_the_full_disk_reported_under_standard_output),
        cmocka_unit_test(a_run_that_only_prints_ends_with_its_reader),
    };
    return cmocka_run_group_tests(tests, set_up, run_teardown);
}
