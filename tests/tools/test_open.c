/*
 * glimpse search --open: what is handed to the desktop, and what is left behind.
 */
#include "support/commands.h"

#include <dirent.h>

enum { PICTURES = 4, KEPT = 10 };
#define BASE "cache/glimpse/open"

static int setup(void **state) {
    static const char viewer[] = "#!/bin/sh\nprintf '%s\\n' \"$#\" \"$1\" >> opened\n"
                                 "ls \"$1\" >/dev/null || exit 1\necho noise\n";
    run_setup(state);
    char cache[1100];
    (void)snprintf(cache, sizeof cache, "%s/cache", run_directory);
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    make_parents("p/b/x");
    write_picture("p/one.ppm", 60, 50, 1);
    write_picture("p/two.ppm", 60, 50, 2);
    write_picture("p/b/one.ppm", 60, 50, 3);
    write_picture("p/$(touch bad) `touch bad`;\n.ppm", 60, 50, 4);
    write_file("viewer", viewer, sizeof viewer - 1);
    assert_int_equal(chmod("viewer", 0755), 0);
    run_result r;
    run(&r, "index", "p", "--model", "demo", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    return 0;
}

/* What the viewer was called with, once; free it. */
static char *opened(void) {
    char *text = read_whole_file("opened", NULL);
    assert_int_equal(unlink("opened"), 0);
    assert_int_equal(strncmp(text, "1\n", 2), 0);
    char *path = strdup(text + 2);
    path[strlen(path) - 1] = '\0';
    free(text);
    return path;
}

static size_t count_entries(const char *path) {
    DIR *directory = opendir(path);
    assert_non_null(directory);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

static void one_result_is_opened_itself(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "GLIMPSE_OPENER=./viewer \"$G\" search x -q --no-collapse -p --open=1");
    expect(&r, 0);
    assert_null(strstr(r.out, "noise"));
    char *path = opened();
    assert_int_equal(strncmp(r.out, path, strlen(path)), 0);
    assert_false(path_exists(BASE));
    free(path);
    run_free(&r);
}

static void several_are_a_folder_of_links_in_their_order(void **state) {
    (void)state;
    run_result r, json;
    run(&json, "search", "x", "-q", "--no-collapse", "--json", NULL);
    json_t *root = run_json(&json);
    run_shell(&r, "GLIMPSE_OPENER=./viewer \"$G\" search x -q --no-collapse -p --open");
    expect(&r, 0);
    char *path = opened();
    assert_non_null(strstr(path, "/" BASE "/x-"));
    assert_int_equal(count_entries(path), PICTURES);
    for (size_t i = 0; i < PICTURES; i++) {
        char link[2400], target[2400] = "", key[32];
        (void)snprintf(key, sizeof key, "results.%zu.path", i);
        const char *expected = text_at(root, key), *slash = strrchr(expected, '/');
        (void)snprintf(link, sizeof link, "%s/%zu %s", path, i + 1, slash + 1);
        assert_true(readlink(link, target, sizeof target - 1) > 0);
        assert_string_equal(target, expected);
    }
    /* Nobody else sees what was searched for. */
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    assert_false(path_exists("bad"));
    free(path);
    json_decref(root);
    run_free(&r);
    run_free(&json);
    run_shell(&r, "GLIMPSE_OPENER=./viewer \"$G\" search x -q --no-collapse -p --open=2");
    expect(&r, 0);
    path = opened();
    assert_int_equal(count_entries(path), 2);
    free(path);
    run_free(&r);
}

static void a_contact_sheet_is_opened_when_there_is_one(void **state) {
    (void)state;
    run_result r;
    run_shell(
        &r, "GLIMPSE_OPENER=./viewer \"$G\" search x -q --no-collapse -p --html sheet.html --open");
    expect(&r, 0);
    char *path = opened();
    assert_string_equal(path, "sheet.html");
    free(path);
    run_free(&r);
}

static void old_folders_go_but_nothing_that_is_not_a_link(void **state) {
    (void)state;
    run_result r;
    remove_tree(BASE);
    make_parents(BASE "/mine/x");
    write_file(BASE "/mine/notes.txt", "x", 1);
    assert_int_equal(symlink("/nowhere", BASE "/mine/1 gone.ppm"), 0);
    for (int i = 0; i < KEPT + 2; i++) {
        run_shell(&r, "GLIMPSE_OPENER=./viewer \"$G\" search x -q --no-collapse -p --open");
        expect(&r, 0);
        run_free(&r);
    }
    assert_in_range(count_entries(BASE), KEPT, KEPT + 1);
    assert_true(path_exists(BASE "/mine/notes.txt"));
    assert_int_equal(unlink("opened"), 0);
    for (size_t i = 0; i < 2; i++)
        assert_true(path_exists(i == 0 ? "p/one.ppm" : "p/b/one.ppm"));
}

static void files_that_are_gone_are_left_out(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(rename("p/two.ppm", "away.ppm"), 0);
    run_shell(&r, "GLIMPSE_OPENER=./viewer \"$G\" search x --no-collapse -p --open");
    expect(&r, 0);
    expect_err(&r, "1 of the pictures are not there");
    char *path = opened();
    assert_int_equal(count_entries(path), PICTURES - 1);
    free(path);
    run_free(&r);
    assert_int_equal(rename("away.ppm", "p/two.ppm"), 0);
}

static void a_missing_opener_is_an_error_that_says_what_to_do(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "GLIMPSE_OPENER=./no-viewer \"$G\" search x -q --no-collapse -p --open");
    expect(&r, 4);
    expect_err(&r, "cannot run ./no-viewer");
    run_free(&r);
    run_shell(&r, "PATH=/nowhere \"$G\" search x -q --no-collapse -p --open=1");
    expect(&r, 4);
    expect_err(&r, "there is no xdg-open here; install xdg-utils");
    run_free(&r);
    /* One that is found in PATH is used. */
    run_shell(&r, "mkdir bin && ln -s ../viewer bin/xdg-open && PATH=\"$PWD/bin:$PATH\" \"$G\" "
                  "search x -q --no-collapse -p --open=1");
    expect(&r, 0);
    free(opened());
    run_free(&r);
    run(&r, "search", "x", "--open=0", NULL);
    expect(&r, 2);
    expect_err(&r, "--open=N needs a number from 1 to 1000");
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_result_is_opened_itself),
        cmocka_unit_test(several_are_a_folder_of_links_in_their_order),
        cmocka_unit_test(a_contact_sheet_is_opened_when_there_is_one),
        cmocka_unit_test(old_folders_go_but_nothing_that_is_not_a_link),
        cmocka_unit_test(files_that_are_gone_are_left_out),
        cmocka_unit_test(a_missing_opener_is_an_error_that_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, setup, run_teardown);
}
