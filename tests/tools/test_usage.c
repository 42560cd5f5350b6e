/*
 * Help, mistakes in the command line, and what happens when the output cannot be written.
 */
#include "support/commands.h"

#include <glimpse/compute.h>

static const char *const commands[] = {"index",  "search",   "similar",    "label",  "status",
                                       "verify", "reindex",  "prune",      "models", "doctor",
                                       "embed",  "tokenize", "preprocess", "dedup",  "audit",
                                       "itm",    "caption",  "vqa",        "pull"};

typedef struct usage_case {
    const char *arguments[10];
    int code;
    const char *out, *err; /* parts; NULL: must be empty */
} usage_case;

static const usage_case cases[] = {
    {{NULL}, 2, NULL, "Usage: glimpse COMMAND"},
    {{"--help"}, 0, "Usage: glimpse COMMAND", NULL},
    {{"-h"}, 0, "Usage: glimpse COMMAND", NULL},
    {{"help"}, 0, "Exit codes: 0 found", NULL},
    {{"--version"}, 0, "glimpse 0.", NULL},
    {{"help", "search"}, 0, "Usage: glimpse search", NULL},
    {{"help", "sarch"}, 2, NULL, "did you mean search?"},
    {{"serach"}, 2, NULL, "there is no command serach; did you mean search?"},
    {{"frobnicate"}, 2, NULL, "there is no command frobnicate\n"},
    {{"--json", "search"}, 2, NULL, "options come after the command"},
    {{"search", "--jsn", "x"}, 2, NULL, "there is no option --jsn; did you mean --json?"},
    {{"search", "--library"}, 2, NULL, "--library needs a value"},
    {{"search", "--json=1", "x"}, 2, NULL, "--json takes no value"},
    {{"search", "x", "-k", "none"}, 2, NULL, "-k needs a whole number from 1 to 1000000"},
    {{"search", "x", "-k0"}, 2, NULL, "not \"0\""},
    {{"search", "x", "--count=-3"}, 2, NULL, "--count needs a whole number"},
    {{"search", "x", "--count", "99999999999999999999999"}, 2, NULL, "whole number"},
    {{"search", "x", "--min-score", "high"}, 2, NULL, "--min-score needs a number"},
    {{"search", "x", "--min-score", "nan"}, 2, NULL, "--min-score needs a number"},
    {{"search", "x", "--precision", "f16"}, 2, NULL, "--precision is auto, f32, bf16 or int8"},
    {{"search", "horse", "-fruit"}, 2, NULL, "glimpse search horse - fruit"},
    {{"search", "horse", "-json"}, 2, NULL, "did you mean --json?"},
    {{"search"}, 2, NULL, "what should be searched for?"},
    {{"search", ""}, 2, NULL, "the query is empty"},
    {{"search", "-"}, 2, NULL, "nothing after the -"},
    {{"search", "a", "+"}, 2, NULL, "query, character 3: nothing after the +"},
    {{"search", "--json", "--tsv", "a"}, 2, NULL, "choose one of --json, --tsv and --paths"},
    {{"search", "--open=none", "a"}, 2, NULL, "--open=N needs a number"},
    {{"search", "--preview=gif", "a"}, 2, NULL, "--preview is kitty, iterm, sixel or blocks"},
    {{"search", "--preview", "a"}, 2, NULL, "into a pipe or file say how"},
    {{"search", "--preview=kitty", "--json", "a"}, 2, NULL, "with the table only"},
    {{"similar"}, 2, NULL, "similar to which picture?"},
    {{"similar", "a.jpg", "b.jpg"}, 2, NULL, "one picture at a time"},
    {{"index"}, 4, NULL, "make one with: glimpse index FOLDER"},
    {{"label", "x"}, 2, NULL, "which classes?"},
    {{"label", "--classes", "a,b"}, 2, NULL, "which pictures?"},
    {{"label", "--all", "x", "--classes", "a,b"}, 2, NULL, "--all is the whole library"},
    {{"label", "x", "-c", "a,b", "--csv", "--json"}, 2, NULL, "choose one of --csv, --json"},
    {{"label", "x", "-c", "a", "--min-margin", "-1.5"}, 2, NULL, "a number from 0 to 1"},
    {{"label", "x", "-c", "a", "--precision-target", "0.9"}, 2, NULL, "goes with --calibrate"},
    {{"label", "x", "-c", "a,b", "--in", "y"}, 2, NULL, "--in goes with --all"},
    {{"label", "x", "-c", "a,b", "--prompt-report", "y"}, 2, NULL, "its own pictures only"},
    {{"label", "--stored", "x"}, 2, NULL, "stand alone"},
    {{"label", "x", "-c", "a", "--min-probability", "2"}, 2, NULL, "a number from 0 to 1"},
    {{"label", "x", "-c", "a", "--template", "{}", "--templates", "single"},
     2,
     NULL,
     "choose one of --template and --templates"},
    {{"status", "x"}, 2, NULL, "takes no arguments"},
    {{"verify", "x"}, 2, NULL, "takes no arguments"},
    {{"reindex", "/pictures"}, 2, NULL, "glimpse index /pictures"},
    {{"prune", "/pictures"}, 2, NULL, "--root /pictures"},
    {{"models", "x"}, 2, NULL, "takes no arguments"},
    {{"models", "--user"}, 2, NULL, "--user goes with --default"},
    {{"models", "--yes"}, 2, NULL, "--yes goes with --remove"},
    {{"models", "--remove", "x", "--default", "y"}, 2, NULL, "at a time"},
    {{"models", "--remove", "x", "--compare", "y", "z"}, 2, NULL, "at a time"},
    {{"doctor", "x"}, 2, NULL, "takes no arguments"},
    {{"embed"}, 2, NULL, "nothing to embed"},
    {{"embed", "word"}, 2, NULL, "--text \"word\""},
    {{"tokenize"}, 2, NULL, "which text?"},
    {{"tokenize", "--stdin", "--stdin0"}, 2, NULL, "choose one of --stdin and --stdin0"},
    {{"preprocess", "--output", "x"}, 2, NULL, "which picture?"},
    {{"preprocess", "x.jpg"}, 2, NULL, "--output FILE"},
    {{"itm", "--text", "x"}, 2, NULL, "which picture?"},
    {{"itm", "--image", "x"}, 2, NULL, "which text?"},
    {{"itm", "--image", "x", "y", "--first-token", "sep"}, 2, NULL, "--first-token is cls or enc"},
    {{"caption"}, 2, NULL, "which pictures?"},
    {{"caption", "x", "--beams", "0"}, 2, NULL, "--beams"},
    {{"caption", "x"}, 3, NULL, "using the demo model"},
    {{"caption", "x", "-m", "./nowhere"}, 4, NULL, "no model folder ./nowhere"},
    {{"vqa", "--question", "x"}, 2, NULL, "which picture?"},
    {{"vqa", "--image", "x"}, 2, NULL, "which question?"},
    {{"preprocess", "--crop", "middle", "x"}, 2, NULL, "--crop is model, hf or torchvision"},
    /* Failures that are no usage errors. */
    {{"search", "x"}, 4, NULL, "there is no library at"},
    {{"status"}, 4, NULL, "glimpse index FOLDER"},
    {{"search", "x", "--library", "nowhere"},
     4,
     NULL,
     "there is no library at nowhere yet; make one with: glimpse index FOLDER --library nowhere\n"},
    {{"search", "x", "--library", ""}, 4, NULL, "--library needs the path of a folder"},
    {{"embed", "--text", "x", "--model", ""}, 4, NULL, "--model is empty"},
    {{"embed", "--text", "x", "--model", "."}, 4, NULL, ". is no model: it has no config.json"},
    {{"caption", "x", "-m", "."}, 4, NULL, ". is no model: it has no config.json"},
    {{"ask", "/dev/null", "what is it?"}, 2, NULL, "/dev/null is a file; the question comes first"},
    {{"ask", "what is it?", "absent.png"}, 4, NULL, "\nglimpse: absent.png: cannot open"},
    {{"ask", "x", "y", "--escalate-below", "0.5"},
     4,
     NULL,
     "--escalate-below needs the model to ask then: --escalate MODEL"},
    {{"embed", "--text", "x", "--model", "./nowhere"}, 4, NULL, "no model folder ./nowhere"},
    {{"embed", "--text", "x", "--model", "nobody/nothing"},
     4,
     NULL,
     "there is no model nobody/nothing"},
    {{"embed", "--text", "x", "--model", "ViT-B-32-opneai"},
     4,
     NULL,
     "; did you mean ViT-B-32-openai?"},
    {{"embed", "--text", "x", "--model", "."}, 4, NULL, "config.json"},
    {{"index", "nowhere"}, 4, NULL, "nowhere: No such file"},
};

static void usage_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        run_list(&r, cases[i].arguments, "", 0);
        expect(&r, cases[i].code);
        if (cases[i].out) {
            expect_out(&r, cases[i].out);
        } else {
            assert_string_equal(r.out, "");
        }
        if (cases[i].err) {
            expect_err(&r, cases[i].err);
        } else {
            expect_no_err(&r);
        }
        run_free(&r);
    }
}

static void help_of_every_command_has_an_example_and_fits(void **state) {
    (void)state;
    run_result overview, by_help, by_option;
    run(&overview, "--help", NULL);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "\n  %s ", commands[i]);
        expect_out(&overview, text);
        run(&by_help, "help", commands[i], NULL);
        run(&by_option, commands[i], "--help", NULL);
        expect(&by_help, 0);
        expect(&by_option, 0);
        expect_no_err(&by_option);
        assert_string_equal(by_help.out, by_option.out);
        (void)snprintf(text, sizeof text, "Usage: glimpse %s ", commands[i]);
        expect_out(&by_help, text);
        (void)snprintf(text, sizeof text, "Examples:\n  glimpse %s", commands[i]);
        expect_out(&by_help, text);
        expect_out(&by_help, "--help");
        for (const char *line = by_help.out; *line; line = strchr(line, '\n') + 1) {
            if (strcspn(line, "\n") > 80) fail_msg("wider than 80: %.120s", line);
        }
        run_free(&by_help);
        run_free(&by_option);
    }
    run_free(&overview);
}

/* The long name behind "  -x, --", up to where it ends. */
static int names_letter(const char *line, char *letter, char name[32]) {
    return sscanf(line, "  -%c, --%31[a-z0-9-]", letter, name) == 2;
}

static void a_letter_means_the_same_in_every_command(void **state) {
    (void)state;
    static const char *const others[][2] = {{"ask"},
                                            {"compare"},
                                            {"read"},
                                            {"rerank"},
                                            {"evaluate", "labels"},
                                            {"evaluate", "retrieval"},
                                            {"tag", "add"},
                                            {"album", "add"},
                                            {"album", "show"}};
    /* Two options each that differ in what they count or write, not in what they do. */
    static const char *const names_of_one[][2] = {{"count", "top"}, {"output", "out"}};
    enum { COMMANDS = sizeof commands / sizeof *commands, ALL = COMMANDS + 9 };
    char meanings[128][32] = {{0}};
    size_t letters = 0;
    for (size_t i = 0; i < ALL; i++) {
        run_result r;
        const char *const command[2] = {i < COMMANDS ? commands[i] : others[i - COMMANDS][0],
                                        i < COMMANDS ? NULL : others[i - COMMANDS][1]};
        if (command[1])
            run(&r, command[0], command[1], "--help", NULL);
        else
            run(&r, command[0], "--help", NULL);
        expect(&r, 0);
        for (const char *line = r.out; *line; line = strchr(line, '\n') + 1) {
            char letter, name[32];
            if (!names_letter(line, &letter, name)) continue;
            for (size_t k = 0; k < 2; k++)
                if (strcmp(name, names_of_one[k][1]) == 0) (void)strcpy(name, names_of_one[k][0]);
            char *meaning = meanings[(unsigned char)letter & 127];
            if (!*meaning) (void)strcpy(meaning, name);
            if (strcmp(meaning, name) != 0) fail_msg("-%c is --%s and --%s", letter, meaning, name);
            letters++;
        }
        run_free(&r);
    }
    assert_true(letters > 60);
}

static void options_may_follow_positionals_and_end_with_two_dashes(void **state) {
    (void)state;
    char *model = strdup(source_path("data/models/demo"));
    run_result r, s;
    run(&r, "tokenize", "a", "--model", model, "--", "-b", "--c", NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    assert_int_equal(json_array_size(lines), 3);
    assert_string_equal(text_at(lines, "1.text"), "-b");
    assert_string_equal(text_at(lines, "2.text"), "--c");
    json_decref(lines);
    char *joined = malloc(strlen(model) + 16);
    (void)sprintf(joined, "--model=%s", model);
    run(&s, "tokenize", joined, "a", "--", "-b", "--c", NULL);
    assert_string_equal(s.out, r.out);
    run_free(&s);
    (void)sprintf(joined, "-m%s", model);
    run(&s, "tokenize", joined, "a", "--", "-b", "--c", NULL);
    assert_string_equal(s.out, r.out);
    run_free(&s);
    run_free(&r);
    free(joined);
    free(model);
}

static void output_that_cannot_be_written_is_a_failure(void **state) {
    (void)state;
    static const char *const lines[] = {"\"$G\" --help > /dev/full",
                                        "\"$G\" help search > /dev/full",
                                        "\"$G\" doctor --json > /dev/full", "\"$G\" --help >&-"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        run_result r;
        run_shell(&r, lines[i]);
        expect(&r, 4);
        expect_err(&r, "cannot write to standard output");
        run_free(&r);
    }
}

static void a_reader_that_goes_away_ends_it_quietly(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "i=0; while [ $i -lt 20 ]; do \"$G\" --help; i=$((i+1)); done | head -n 1");
    expect(&r, 0);
    expect_no_err(&r);
    assert_string_equal(r.out, "glimpse finds pictures by what is in them.\n");
    run_free(&r);
}

static void messages_show_control_characters(void **state) {
    (void)state;
    run_result r;
    run(&r, "tokenize", "--model", "./a\033[31m\nb\xFF", "x", NULL);
    expect(&r, 4);
    expect_err(&r, "./a\\x1b[31m\\nb\\xff");
    assert_null(strchr(r.err, '\033'));
    run_free(&r);
}

static void doctor_says_what_there_is(void **state) {
    (void)state;
    run_result r;
    run(&r, "doctor", "--json", NULL);
    expect(&r, 0);
    expect_no_err(&r);
    json_t *root = run_json(&r);
    assert_true(json_is_true(at(root, "formats.JPEG")));
    assert_true(strlen(text_at(root, "parts.SQLite")) > 0);
    assert_non_null(strstr(text_at(root, "backends.openblas"), "f32"));
    assert_non_null(strstr(text_at(root, "backends.plain"), "f32"));
    size_t backends = 0;
    for (; glimpse_backend_names()[backends + 1]; backends++) { /* a place for each, maybe null */
        const char *name = glimpse_backend_names()[backends + 1];
        assert_non_null(json_object_get(at(root, "backends"), name));
    }
    assert_int_equal(json_object_size(at(root, "backends")), backends);
    assert_true(strcmp(text_at(root, "auto_precision"), "f32") == 0 ||
                strcmp(text_at(root, "auto_precision"), "bf16") == 0);
    assert_true(json_is_false(at(root, "library_exists")));
    assert_non_null(strstr(text_at(root, "library"), "/with a space/data/glimpse/library"));
    char parts[4][300];
    (void)snprintf(parts[0], sizeof parts[0], "\nSQLite         %s\n",
                   text_at(root, "parts.SQLite"));
    (void)snprintf(parts[1], sizeof parts[1], "\n--precision auto %s on %s\n",
                   text_at(root, "auto_precision"), text_at(root, "auto_backend"));
    (void)snprintf(parts[2], sizeof parts[2], "\nBackends       plain     %s\n",
                   text_at(root, "backends.plain"));
    (void)snprintf(parts[3], sizeof parts[3], " openblas  %s\n",
                   text_at(root, "backends.openblas"));
    json_decref(root);
    run_free(&r);
    run(&r, "doctor", NULL);
    expect(&r, 0);
    for (size_t i = 0; i < 4; i++)
        expect_out(&r, parts[i]);
    expect_out(&r, "\nFormats        JPEG PNG ");
    expect_out(&r, "/with a space/data/glimpse/library (not made yet)\n");
    expect_out(&r, "/with a space/data/glimpse/models (not there)\n");
    expect_out(&r, "/data/models/demo\n");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_cases),
        cmocka_unit_test(help_of_every_command_has_an_example_and_fits),
        cmocka_unit_test(a_letter_means_the_same_in_every_command),
        cmocka_unit_test(options_may_follow_positionals_and_end_with_two_dashes),
        cmocka_unit_test(output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(a_reader_that_goes_away_ends_it_quietly),
        cmocka_unit_test(messages_show_control_characters),
        cmocka_unit_test(doctor_says_what_there_is),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
