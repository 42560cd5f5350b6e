/*
 * glimpse dedup and links: names of one file are one file, a real copy beside them is acted on and
 * comes back, and sets that share a directory under any name are refused.
 */
#include "support/commands.h"

#include <sys/stat.h>
#include <unistd.h>

static void copy_demo(const char *name, const char *to) {
    char path[300];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    copy_file(source_path(path), to);
}

static void make(const char *path) {
    assert_int_equal(mkdir(path, 0755), 0);
}

/* links/: one file with a hard link, a symbolic link and a linked directory. */
static void make_links(void) {
    remove_tree("links");
    make("links");
    make("links/sub");
    copy_demo("animals/cat-forest-169.jpg", "links/cat.jpg");
    copy_demo("animals/owl-city-034.webp", "links/sub/owl.webp");
    assert_int_equal(link("links/cat.jpg", "links/sub/hard.jpg"), 0);
    assert_int_equal(symlink("cat.jpg", "links/soft.jpg"), 0);
    assert_int_equal(symlink("sub", "links/again"), 0);
}

static json_t *search(const char *option, const char *more, int code) {
    run_result r;
    run(&r, "dedup", "links", "--json", "-q", option, more, NULL);
    expect(&r, code);
    json_t *root = run_json(&r);
    run_free(&r);
    return root;
}

static void names_of_one_file_are_no_duplicates(void **state) {
    (void)state;
    make_links();
    json_t *root = search(NULL, NULL, 0);
    assert_int_equal(number_at(root, "scanned"), 2);
    assert_int_equal(number_at(root, "other_names"), 2);
    assert_int_equal(json_array_size(at(root, "groups")), 0);
    json_decref(root);
    root = search("--follow-links", NULL, 0);
    assert_int_equal(number_at(root, "scanned"), 2);
    assert_int_equal(number_at(root, "other_names"), 2); /* the walk went through it once */
    json_decref(root);
}

static void a_copy_beside_links_is_acted_on_and_comes_back(void **state) {
    (void)state;
    static const char *const actions[] = {"--move=away", "--trash", "--delete"};
    run_result r;
    for (size_t i = 0; i < 3; i++) {
        make_links();
        copy_demo("animals/cat-forest-169.jpg", "links/a copy.jpg");
        run(&r, "dedup", "links", actions[i], "--apply", "--json", "-q", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_int_equal(json_array_size(at(root, "groups")), 1);
        assert_non_null(strstr(text_at(root, "groups.0.keeper"), "/links/cat.jpg"));
        assert_string_equal(text_at(root, "groups.0.reason"), "kept because a link leads to it");
        assert_int_equal(json_array_size(at(root, "groups.0.members")), 2);
        assert_int_equal(json_array_size(at(root, "groups.0.members.0.names")), 2);
        assert_int_equal(number_at(root, "action.done"), 1);
        json_decref(root);
        run_free(&r);
        assert_false(path_exists("links/a copy.jpg"));
        assert_true(path_exists("links/cat.jpg") && path_exists("links/sub/hard.jpg") &&
                    path_exists("links/soft.jpg"));
        run(&r, "dedup", "--undo", NULL);
        expect(&r, 0);
        run_free(&r);
        assert_true(path_exists("links/a copy.jpg"));
        remove_tree("away");
    }
}

/* One of two hard links frees nothing: both go, and both come back as one file. */
static void all_hard_links_to_a_copy_go_together(void **state) {
    (void)state;
    run_result r;
    struct stat one, two;
    make_links();
    assert_int_equal(unlink("links/soft.jpg"), 0);
    make("links/best");
    copy_demo("animals/cat-forest-169.jpg", "links/best/cat.jpg");
    assert_int_equal(stat("links/best/cat.jpg", &one), 0);
    run(&r, "dedup", "links", "--keep", "in:links/best", "--delete", "--apply", "--json", "-q",
        NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "action.done"), 2);
    assert_int_equal(number_at(root, "action.bytes"), one.st_size); /* not twice */
    assert_int_equal(number_at(root, "action.links_elsewhere"), 0);
    json_decref(root);
    run_free(&r);
    assert_false(path_exists("links/cat.jpg") || path_exists("links/sub/hard.jpg"));
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(stat("links/cat.jpg", &one), 0);
    assert_int_equal(stat("links/sub/hard.jpg", &two), 0);
    assert_int_equal(one.st_ino, two.st_ino);
    /* A name that was not searched holds the bytes, and it is said. */
    run(&r, "dedup", "links/best", "links/sub", "--keep", "in:links/best", "--delete", NULL);
    expect(&r, 0);
    expect_out(&r, "1 file with hard links outside the search: no room is freed by them");
    expect_out(&r, "and 1 hard link outside the search");
    expect_out(&r, "(0 B)");
    run_free(&r);
}

static void a_file_that_a_symbolic_link_leads_to_is_not_taken_from_it(void **state) {
    (void)state;
    run_result r;
    make_links();
    make("links/best");
    copy_demo("animals/cat-forest-169.jpg", "links/best/cat.jpg");
    run(&r, "dedup", "links", "--keep", "in:links/best", "--trash", "--apply", "-q", NULL);
    expect(&r, 3);
    expect_out(&r, "left alone (linked)");
    expect_out(&r, "soft.jpg leads to it");
    run_free(&r);
    assert_true(path_exists("links/cat.jpg") && path_exists("links/sub/hard.jpg"));
    /* What keeps the name keeps the link. */
    run(&r, "dedup", "links", "--keep", "in:links/best", "--hardlink", "--apply", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    struct stat soft, best;
    assert_int_equal(stat("links/soft.jpg", &soft), 0);
    assert_int_equal(stat("links/best/cat.jpg", &best), 0);
    assert_int_equal(soft.st_ino, best.st_ino);
    run(&r, "dedup", "--undo", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(stat("links/soft.jpg", &soft), 0);
    assert_int_not_equal(soft.st_ino, best.st_ino);
}

/* What lies outside is not the search's to keep or to take. */
static void a_link_to_a_file_elsewhere_is_neither_kept_nor_acted_on(void **state) {
    (void)state;
    run_result r;
    remove_tree("links");
    make("links");
    make("store");
    copy_demo("animals/cat-forest-169.jpg", "store/cat.jpg");
    copy_demo("animals/cat-forest-169.jpg", "links/z copy.jpg");
    assert_int_equal(symlink("../store/cat.jpg", "links/a.jpg"), 0);
    run(&r, "dedup", "links", "--trash", "--apply", NULL);
    expect(&r, 0);
    expect_out(&r, "only a link");
    expect_out(&r, "1 only links to files: not touched");
    run_free(&r);
    assert_true(path_exists("links/z copy.jpg") && path_exists("links/a.jpg"));
    remove_tree("store");
}

static void links_with_other_classes_are_conflicts(void **state) {
    (void)state;
    run_result r;
    remove_tree("links");
    make("links");
    make("links/cat");
    make("links/dog");
    copy_demo("animals/cat-forest-169.jpg", "links/cat/a.jpg");
    assert_int_equal(symlink("../cat/a.jpg", "links/dog/a.jpg"), 0);
    run(&r, "dedup", "links", "--conflicts", "--json", "-q", "--trash", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    assert_int_equal(number_at(root, "action.links"), 1);
    assert_int_equal(number_at(root, "action.done"), 0);
    json_decref(root);
    run_free(&r);
}

/* A picture that both sets have by way of a link has leaked. */
static void links_from_one_set_to_the_other_are_leaks(void **state) {
    (void)state;
    run_result r;
    make("train");
    make("test");
    copy_demo("animals/cat-forest-169.jpg", "test/cat.jpg");
    copy_demo("animals/owl-city-034.webp", "test/owl.webp");
    assert_int_equal(symlink("../test/cat.jpg", "train/soft.jpg"), 0);
    assert_int_equal(link("test/owl.webp", "train/hard.webp"), 0);
    run(&r, "dedup", "train", "--against", "test", "--max-leak", "0", "--delete", "--json", "-q",
        NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "leak.leaked"), 2);
    assert_int_equal(number_at(root, "action.links"), 2);
    for (size_t i = 0; i < json_array_size(at(root, "action.files")); i++) /* named, and left */
        assert_string_equal(text_at(json_array_get(at(root, "action.files"), i), "outcome"),
                            "link");
    json_decref(root);
    run_free(&r);
    remove_tree("train");
    remove_tree("test");
}

static void refused(const char *set, const char *against, const char *words) {
    run_result r;
    run(&r, "dedup", set, "--against", against, "--max-leak", "0", NULL);
    if (r.code != 2) print_error("%s against %s\n", set, against);
    expect(&r, 2);
    expect_err(&r, "the sets overlap");
    expect_err(&r, words);
    run_free(&r);
}

static void sets_that_overlap_are_refused_under_any_name(void **state) {
    (void)state;
    run_result r;
    make_links();
    assert_int_equal(symlink("links", "alias"), 0);
    assert_int_equal(symlink("links/sub", "alias of sub"), 0);
    refused("links", "links", "compared with itself");
    refused("links", "./links/", "are the same");
    refused("links/sub/..", "links", "are the same");
    refused("links", "alias", "links and alias are the same");
    refused("links/sub", "alias", "links/sub lies in alias");
    refused("alias", "links/sub", "links/sub lies in alias");
    refused("links", "alias of sub", "alias of sub lies in links");
    /* What matters of a library is where its pictures are. */
    copy_demo("animals/cat-forest-169.jpg", "outside.jpg");
    run(&r, "index", "outside.jpg", "--library", "links/lib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "links", "--against", "links/lib", "--json", "-q", NULL);
    expect(&r, 1);
    run_free(&r);
    remove_tree("links/lib");
    refused("links/cat.jpg", "links", "links/cat.jpg lies in links");
    /* A library and its own directories, either way around. */
    run(&r, "index", "links/sub", "--library", "subs", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "--library", "subs", "--against", "links", NULL);
    expect(&r, 4);
    expect_err(&r, "the sets overlap");
    run_free(&r);
    run(&r, "dedup", "links", "--against", "subs", NULL);
    expect(&r, 4);
    expect_err(&r, "/links/sub lies in");
    run_free(&r);
    run(&r, "dedup", "--library", "subs", "--against", "subs", NULL);
    expect(&r, 4);
    expect_err(&r, "compared with itself");
    run_free(&r);
    assert_int_equal(unlink("alias"), 0);
    assert_int_equal(unlink("alias of sub"), 0);
}

/* A shell of its own mount namespace. */
static void run_mounted(run_result *r, const char *script) {
    char command[2000];
    run_shell(r, "unshare -m -r true");
    const int allowed = r->code == 0;
    run_free(r);
    if (!allowed) {
        print_message("SKIPPED: no mount namespace may be made here\n");
        skip();
    }
    (void)snprintf(command, sizeof command, "unshare -m -r sh -ec '%s'", script);
    run_shell(r, command);
}

static void a_folder_that_is_mounted_twice_is_one(void **state) {
    (void)state;
    run_result r;
    make_links();
    assert_int_equal(unlink("links/soft.jpg"), 0);
    assert_int_equal(unlink("links/sub/hard.jpg"), 0);
    copy_demo("animals/cat-forest-169.jpg", "links/sub/copy.jpg");
    remove_tree("bound");
    make("bound");
    run_mounted(&r, "mount --bind links bound; code=0; "
                    "\"$G\" dedup links --against bound --max-leak 0 || code=$?; test $code = 2; "
                    "\"$G\" dedup links --against bound/sub || code=$?; test $code = 2; "
                    "umount bound; mount --bind links/sub bound; "
                    "\"$G\" dedup bound --against links || code=$?; test $code = 4; "
                    "\"$G\" dedup links bound --delete --apply -q; "
                    "test -e links/cat.jpg; test ! -e links/sub/copy.jpg; "
                    "\"$G\" dedup --undo -q");
    expect(&r, 0);
    expect_err(&r, "are one file, by a mount");
    expect_out(&r, "1 file deleted");
    assert_true(path_exists("links/cat.jpg") && path_exists("links/sub/copy.jpg"));
    run_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_one_file_are_no_duplicates),
        cmocka_unit_test(a_copy_beside_links_is_acted_on_and_comes_back),
        cmocka_unit_test(all_hard_links_to_a_copy_go_together),
        cmocka_unit_test(a_file_that_a_symbolic_link_leads_to_is_not_taken_from_it),
        cmocka_unit_test(a_link_to_a_file_elsewhere_is_neither_kept_nor_acted_on),
        cmocka_unit_test(links_with_other_classes_are_conflicts),
        cmocka_unit_test(links_from_one_set_to_the_other_are_leaks),
        cmocka_unit_test(sets_that_overlap_are_refused_under_any_name),
        cmocka_unit_test(a_folder_that_is_mounted_twice_is_one),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
