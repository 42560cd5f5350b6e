/*
 * What people see on a terminal: lists of files that fit into any width with every path whole,
 * colours and links only where they are wanted and known, dates of the locale, pictures made of
 * characters.
 */
#include "support/commands.h"

#include <locale.h>
#include <time.h>
#include <utime.h>
#include <wchar.h>

#define LONG_NAME                                                                                \
 "a rather long name that does not fit beside anything else into a narrow terminal, and not at " \
 "all"
#define WIDE_NAME \
 "\xE7\x8C\xAB\xE3\x81\xA8\xE7\x8A\xAC \xF0\x9F\x90\xB1\xF0\x9F\x90\xB6" /* cat, dog */

/* The pictures by their names, as bytes and as they are shown. */
static const struct name {
    const char *bytes, *shown;
} names[] = {
    {"plain.ppm", "plain.ppm"},
    {LONG_NAME ".ppm", LONG_NAME ".ppm"},
    {WIDE_NAME ".ppm", WIDE_NAME ".ppm"},
    {"line\nend\033]0;x\a\xC2\x9B"
     "2J.ppm",
     "line\\nend\\x1b]0;x\\x07\\u009b2J.ppm"},
    {"bytes\xFF.ppm", "bytes\\xff.ppm"},
    {"100% #1?.ppm", "100% #1?.ppm"},
};
enum { NAMES = sizeof names / sizeof *names, CHANGED = 1622383439 }; /* 2021-05-30 14:03:59 UTC */

static int setup(void **state) {
    run_setup(state);
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    (void)setenv("TZ", "UTC", 1);
    assert_int_equal(mkdir("p", 0777), 0);
    for (size_t i = 0; i < NAMES; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "p/%s", names[i].bytes);
        write_picture(path, i == 0 ? 300 : 60, i == 0 ? 200 : 50, (unsigned)i);
        const struct utimbuf times = {CHANGED, CHANGED};
        assert_int_equal(utime(path, &times), 0);
    }
    run_result r;
    run(&r, "index", "p", "--model", "demo", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

/* What is left of a line without colours and links; fails unless each of them ends in it. */
static void strip_line(char *out, const char *line, size_t length, size_t *links) {
    int styled = 0, linked = 0;
    const char *end = line + length;
    while (line < end) {
        if (*line != '\033') {
            if ((unsigned char)*line < 0x20 || *line == 0x7F)
                fail_msg("a control character, %02x", (unsigned)(unsigned char)*line);
            *out++ = *line++;
            continue;
        }
        if (line[1] == '[') {
            size_t digits = strspn(line + 2, "0123456789;");
            assert_int_equal(line[2 + digits], 'm');
            styled = !(digits == 1 && line[2] == '0');
            line += 3 + digits;
        } else {
            assert_int_equal(strncmp(line, "\033]8;;", 5), 0);
            line += 5;
            const char *stop = strstr(line, "\033\\");
            assert_true(stop && stop < end);
            assert_int_not_equal(linked, stop > line); /* none within another */
            linked = stop > line;
            *links += (size_t)linked;
            line = stop + 2;
        }
    }
    *out = '\0';
    assert_false(styled || linked);
}

static size_t columns_of(const char *text) {
    size_t columns = 0;
    mbstate_t state;
    memset(&state, 0, sizeof state);
    for (size_t left = strlen(text); left > 0;) {
        wchar_t c;
        size_t length = mbrtowc(&c, text, left, &state);
        assert_true(length > 0 && length <= left);
        int width = wcwidth(c);
        assert_true(width >= 0);
        columns += (size_t)width;
        text += length;
        left -= length;
    }
    return columns;
}

/* Nothing is wider than the terminal but a path that is so by itself. Returns the text without
 * colours and links, and counts links. */
static char *expect_to_fit(const char *text, unsigned columns, size_t *links) {
    char *plain = calloc(strlen(text) + 1, 1), *to = plain;
    assert_non_null(plain);
    *links = 0;
    for (const char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        assert_non_null(end);
        strip_line(to, line, (size_t)(end - line), links);
        int is_path = 0;
        for (size_t i = 0; i < NAMES; i++) {
            const char *shown = names[i].shown;
            is_path |= strncmp(to, "p/", 2) == 0 && strcmp(to + 2, shown) == 0;
        }
        if (columns_of(to) > columns && !is_path)
            fail_msg("%zu columns of %u: %s", columns_of(to), columns, to);
        to += strlen(to);
        *to++ = '\n';
    }
    return plain;
}

static void expect_paths(const char *plain) {
    for (size_t i = 0; i < NAMES; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "p/%s", names[i].shown);
        if (!strstr(plain, path)) fail_msg("%s is not whole in:\n%s", path, plain);
    }
}

static const char *const search[] = {"search", "x", "-q", "--no-collapse", NULL};
static const char *const uncolored[] = {"search",  "x",     "-q", "--no-collapse",
                                        "--color", "never", NULL};
static const char *const similar[] = {"similar", "p/plain.ppm",   "--with-self",
                                      "-q",      "--no-collapse", NULL};
static const char *const rerank[] = {"rerank",
                                     "a red ball",
                                     "-q",
                                     "--weight",
                                     "0.5",
                                     "p/plain.ppm",
                                     "p/" LONG_NAME ".ppm",
                                     "p/" WIDE_NAME ".ppm",
                                     "p/line\nend\033]0;x\a\xC2\x9B"
                                     "2J.ppm",
                                     "p/bytes\xFF.ppm",
                                     "p/100% #1?.ppm",
                                     NULL};

static void results_fit_terminals_of_any_width_with_every_path_whole(void **state) {
    (void)state;
    static const char *const colored[] = {"TERM=xterm-256color", NULL};
    static const char *const refused[] = {"TERM=xterm-256color", "NO_COLOR=1", NULL};
    static const char *const dumb[] = {"TERM=dumb", NULL};
    static const struct {
        const char *const *environment, *const *arguments;
        unsigned columns;
        int has_color;
    } cases[] = {{colored, search, 60, 1},    {colored, search, 80, 1}, {colored, search, 200, 1},
                 {refused, search, 60, 0},    {refused, search, 80, 0}, {refused, search, 200, 0},
                 {colored, uncolored, 80, 0}, {dumb, search, 60, 0},    {colored, similar, 60, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned columns = cases[i].columns;
        char *text = run_on_terminal(columns, cases[i].environment, cases[i].arguments);
        size_t links = 0, lines = 0;
        char *plain = expect_to_fit(text, columns, &links);
        expect_paths(plain);
        assert_int_equal(strchr(text, '\033') != NULL, cases[i].has_color);
        assert_int_equal(links, cases[i].has_color ? NAMES : 0);
        /* Where all fits, a result is a line. */
        for (const char *s = plain; *s; s++)
            lines += *s == '\n';
        assert_int_equal(lines, columns == 200 ? 1 + NAMES : 1 + 2 * NAMES);
        free(plain);
        free(text);
    }
}

static void wide_characters_count_as_the_two_columns_they_fill(void **state) {
    (void)state;
    char *text = run_on_terminal(200, NULL, search), *date = NULL;
    size_t links = 0, at = 0;
    char *plain = expect_to_fit(text, 200, &links);
    for (char *line = strtok_r(plain, "\n", &date); line; line = strtok_r(NULL, "\n", &date)) {
        char *size = strstr(line, strstr(line, "size  ") ? "size  " : "0x");
        while (size > line && size[-1] != ' ')
            size--;
        *size = '\0';
        if (at == 0) at = columns_of(line);
        assert_int_equal(columns_of(line), at);
    }
    free(plain);
    free(text);
}

/* Beyond searches the same holds for paths, colours and links; sentences may be longer. */
static void other_lists_show_paths_whole_and_end_what_they_begin(void **state) {
    (void)state;
    static const char *const audit[] = {"audit", "p", "-q", NULL};
    static const char *const label[] = {"label", "p", "--classes", "cat,dog", "-q", NULL};
    static const char *const status[] = {"status", "--files", NULL};
    static const char *const paths[] = {"search", "x", "-q", "--paths", "--no-collapse", NULL};
    static const char *const *const lists[] = {rerank, label, status, paths, audit};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t links = 0;
        char *text = run_on_terminal(60, NULL, lists[i]);
        char *plain = expect_to_fit(text, i == 0 ? 60 : 400, &links);
        /* The audit finds fault with small ones only. */
        const size_t first = lists[i] == audit ? 1 : 0;
        for (size_t k = first; k < NAMES; k++)
            if (!strstr(plain, names[k].shown)) fail_msg("%s: %s", names[k].shown, plain);
        assert_true(links >= NAMES - first);
        free(plain);
        free(text);
    }
}

/* The bytes of a URI; free it. */
static char *unescape(const char *uri, size_t length) {
    char *out = calloc(length + 1, 1), *to = out;
    assert_non_null(out);
    for (size_t i = 0; i < length; i++) {
        unsigned byte = (unsigned char)uri[i];
        assert_true(byte > 0x20 && byte < 0x7F);
        if (byte == '%') {
            assert_int_equal(sscanf(uri + i + 1, "%2x", &byte), 1);
            i += 2;
        }
        *to++ = (char)byte;
    }
    return out;
}

static void links_name_the_machine_and_the_exact_bytes_of_the_path(void **state) {
    (void)state;
    char host[256] = "", expected[1600];
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    char *text = run_on_terminal(80, NULL, search);
    for (size_t i = 0; i < NAMES; i++) {
        (void)snprintf(expected, sizeof expected, "file://%s%s/p/%s", host, run_directory,
                       names[i].bytes);
        int found = 0;
        for (const char *s = text; !found && (s = strstr(s, "\033]8;;")) != NULL; s += 5) {
            char *uri = unescape(s + 5, strcspn(s + 5, "\033"));
            found = strcmp(uri, expected) == 0;
            free(uri);
        }
        if (!found) fail_msg("no link to %s", names[i].shown);
    }
    free(text);
}

static void links_are_for_terminals_that_know_them(void **state) {
    (void)state;
    static const struct {
        const char *environment[4];
        int links;
    } cases[] = {
        {{"TERM=xterm-kitty"}, 1},
        {{"TERM=linux"}, 0},
        {{"TERM=screen-256color"}, 0},
        {{"TERM=xterm-256color", "VTE_VERSION=4600"}, 0},
        {{"TERM=xterm-256color", "VTE_VERSION=7200"}, 1},
        {{"TERM=xterm-256color", "TERM_PROGRAM=Apple_Terminal"}, 0},
        {{"TMUX=/tmp/x,1,0", "TERM_PROGRAM=tmux", "TERM_PROGRAM_VERSION=3.3a"}, 0},
        {{"TMUX=/tmp/x,1,0", "TERM_PROGRAM=tmux", "TERM_PROGRAM_VERSION=3.4"}, 1},
    };
    static const char *const files[] = {"status", "--files", NULL};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = run_on_terminal(80, cases[i].environment, files);
        if ((strstr(text, "\033]8;") != NULL) != cases[i].links)
            fail_msg("%s: %.300s", cases[i].environment[0], text);
        free(text);
    }
}

static void pipes_have_no_colours_unless_told_so(void **state) {
    (void)state;
    static const struct {
        const char *line;
        int has_color;
    } cases[] = {
        {"\"$G\" search x -q", 0},
        {"\"$G\" search x -q --color=always", 1},
        {"\"$G\" dedup p -q --color always", 1},
        {"\"$G\" audit p -q --color always", 1},
        {"CLICOLOR_FORCE=1 \"$G\" search x -q", 1},
        {"CLICOLOR_FORCE=0 \"$G\" search x -q", 0},
        {"CLICOLOR_FORCE=1 NO_COLOR=1 \"$G\" search x -q", 0},
        {"NO_COLOR=1 \"$G\" search x -q --color always", 1},
        {"\"$G\" search x -q --color always --tsv", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        run_shell(&r, cases[i].line);
        int is_tsv = strstr(cases[i].line, "--tsv") != NULL; /* the exact bytes of a name */
        if ((strstr(r.out, "\033[") != NULL) != cases[i].has_color)
            fail_msg("%s: %.300s", cases[i].line, r.out);
        if (!is_tsv) assert_null(strstr(r.out, "\033]"));
        run_free(&r);
    }
    run_result r;
    run(&r, "search", "x", "--color", "sometimes", NULL);
    expect(&r, 2);
    expect_err(&r, "--color is auto, always or never, not \"sometimes\"");
    run_free(&r);
}

/*
 * Dates.
 */
static void dates_are_those_of_the_locale_for_people_alone(void **state) {
    (void)state;
    static const struct {
        const char *name, *date;
    } locales[] = {{"de_DE", "30.05.2021 14:03"},
                   {"en_US", "05/30/2021 02:03 PM"},
                   {"en_GB", "30/05/2021 14:03"}};
    run_result r;
    run(&r, "search", "x", "-k", "1", "-q", NULL); /* C.UTF-8 */
    expect_out(&r, "2021-05-30 14:03\n");
    run_free(&r);
    run_shell(&r, "LC_ALL=xx_XX.UTF-8 \"$G\" search x -k 1 -q"); /* there is none */
    expect_out(&r, "2021-05-30 14:03\n");
    run_free(&r);
    /* Their dates alone, which is quick; localedef warns of what is left out. */
    run_shell(&r, "mkdir -p locales && for l in de_DE en_US en_GB; do "
                  "printf 'LC_TIME\\ncopy \"%s\"\\nEND LC_TIME\\n' $l > $l; "
                  "localedef -c -i ./$l -f UTF-8 \"$PWD/locales/$l.UTF-8\"; "
                  "test -f locales/$l.UTF-8/LC_TIME || exit 1; done");
    int made = r.code == 0;
    run_free(&r);
    if (!made) {
        print_message("SKIPPED: localedef cannot make locales (Debian: the package locales)\n");
        skip();
    }
    for (size_t i = 0; i < 3; i++) {
        char line[400];
        (void)snprintf(line, sizeof line,
                       "export LOCPATH=\"$PWD/locales\" LC_ALL= LANG=C.UTF-8 LC_TIME=%s.UTF-8; "
                       "\"$G\" search x -k 1 -q; \"$G\" search x -k 1 -q --json; "
                       "\"$G\" search x -k 1 -q --tsv",
                       locales[i].name);
        run_shell(&r, line);
        expect(&r, 0);
        expect_out(&r, locales[i].date);
        expect_out(&r, "\"taken\":\"2021-05-30T14:03:59\"");
        expect_out(&r, "\t2021-05-30T14:03:59\t");
        run_free(&r);
    }
}

/*
 * Previews.
 */
static const char *const preview[] = {"search", "./p/plain.ppm", "-k", "1",
                                      "-q",     "--preview",     NULL};

/* Two pixels a cell: red grows to the right and green downwards. */
static void previews_of_blocks_show_the_picture_in_its_shape(void **state) {
    (void)state;
    static const char *const direct[] = {"TERM=xterm-256color", "COLORTERM=truecolor", NULL};
    char *text = run_on_terminal(80, direct, preview);
    const char *s = strstr(text, "\033[38;2;");
    assert_non_null(s);
    /* 300 x 200 as 60 x 40 halves of cells. */
    for (unsigned row = 0; row < 20; row++) {
        unsigned top[3] = {0}, bottom[3] = {0};
        for (unsigned column = 0; column < 60; column++) {
            if (*s == '\033') {
                int length = 0;
                assert_int_equal(sscanf(s, "\033[38;2;%u;%u;%u;48;2;%u;%u;%um%n", &top[0], &top[1],
                                        &top[2], &bottom[0], &bottom[1], &bottom[2], &length),
                                 6);
                s += length;
            }
            assert_int_equal(strncmp(s, "\xE2\x96\x80", 3), 0);
            s += 3;
            assert_in_range(top[0] + 6, column * 255 / 60 + 2, column * 255 / 60 + 10);
            assert_in_range(top[1] + 8, row * 255 / 20, row * 255 / 20 + 14);
            assert_true(bottom[1] > top[1]);
        }
        assert_int_equal(strncmp(s, "\033[0m\n", 5), 0);
        s += 5;
        s += strspn(s, " ");
    }
    assert_string_equal(s, "");
    free(text);
    /* No wider than the terminal. */
    size_t links = 0;
    text = run_on_terminal(30, direct, preview);
    char *plain = expect_to_fit(text, 30, &links);
    free(plain);
    free(text);
    static const char *const few[] = {"TERM=xterm-256color", NULL};
    text = run_on_terminal(80, few, preview);
    assert_non_null(strstr(text, "\033[38;5;"));
    assert_null(strstr(text, ";2;"));
    free(text);
}

static void what_is_transparent_keeps_the_ground_of_the_terminal(void **state) {
    (void)state;
    /* The left half is nothing, the lower right quarter as well. */
    static uint8_t rgba[4 * 4 * 4];
    for (size_t i = 0; i < 16; i++) {
        const uint8_t opaque = i % 4 >= 2 && i / 4 % 2 == 1 ? 255 : 0;
        memcpy(rgba + 4 * i, (uint8_t[4]){200, 100, 50, opaque}, 4);
    }
    assert_int_equal(mkdir("alpha", 0777), 0);
    write_rgba("alpha/half.png", 4, 4, rgba);
    run_result r;
    run(&r, "index", "alpha", "--model", "demo", "-l", "alpha.library", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run_shell(&r, "TERM=xterm COLORTERM=truecolor \"$G\" search x -l alpha.library -q "
                  "--preview=blocks");
    expect(&r, 0);
    /* Lower halves in the colour of the text; small pictures stay small. */
    expect_out(&r, "\n  \033[39;49m  \033[38;2;200;100;50;49m\xE2\x96\x84\xE2\x96\x84\033[0m\n"
                   "  \033[39;49m  \033[38;2;200;100;50;49m\xE2\x96\x84\xE2\x96\x84\033[0m\n");
    run_free(&r);
}

static void previews_are_of_what_the_terminal_can_show(void **state) {
    (void)state;
    static const char *const inside[] = {"TMUX=x", "TERM=screen-256color", "KITTY_WINDOW_ID=1",
                                         NULL};
    char *text = run_on_terminal(80, inside, preview);
    assert_null(strstr(text, "\033_G"));
    assert_non_null(strstr(text, "\xE2\x96\x80"));
    free(text);
    static const struct {
        const char *line, *message;
    } refused[] = {
        {"\"$G\" search x --preview", "into a pipe or file say how"},
        {"LC_ALL=C \"$G\" search x --preview=blocks", "UTF-8 locale"},
        {"TMUX=x \"$G\" search x --preview=kitty", "tmux lets no pictures"},
        {"\"$G\" search x --preview=braille", "is kitty, iterm, sixel or blocks"},
        {"\"$G\" search x --preview=blocks --json", "goes with the table only"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        run_result r;
        run_shell(&r, refused[i].line);
        expect(&r, 2);
        expect_err(&r, refused[i].message);
        run_free(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_fit_terminals_of_any_width_with_every_path_whole),
        cmocka_unit_test(wide_characters_count_as_the_two_columns_they_fill),
        cmocka_unit_test(other_lists_show_paths_whole_and_end_what_they_begin),
        cmocka_unit_test(links_name_the_machine_and_the_exact_bytes_of_the_path),
        cmocka_unit_test(links_are_for_terminals_that_know_them),
        cmocka_unit_test(pipes_have_no_colours_unless_told_so),
        cmocka_unit_test(dates_are_those_of_the_locale_for_people_alone),
        cmocka_unit_test(previews_of_blocks_show_the_picture_in_its_shape),
        cmocka_unit_test(what_is_transparent_keeps_the_ground_of_the_terminal),
        cmocka_unit_test(previews_are_of_what_the_terminal_can_show),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
