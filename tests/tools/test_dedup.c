/*
 * glimpse dedup and glimpse audit: what is found, the stable output, exit codes, hostile names,
 * actions and undo, decisions, leakage, and the page in a real browser.
 */
#include "support/browser.h"
#include "support/commands.h"

#include <glimpse/sys/image.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOSTILE "<b>\"quo'te\"\n&amp; caf\xe9.png"

static void copy_demo(const char *name, const char *to) {
    char path[300];
    (void)snprintf(path, sizeof path, "data/demo/%s", name);
    copy_file(source_path(path), to);
}

/* set/: one picture three times, a pair of other size and format, one alone, one broken. */
static void make_set(const char *directory) {
    char path[300];
    static const char *const copies[][2] = {
        {"vehicles/helicopter-gray-092.png", "heli.png"},
        {"vehicles/helicopter-gray-092.png", "sub/" HOSTILE},
        {"vehicles/helicopter-gray-092.png", "sub/again.png"},
        {"food/cup-of-coffee-sea-076.png", "cup.png"},
        {"edited/brighter-03.jpg", "sub/brighter.jpg"},
        {"animals/cat-forest-169.jpg", "cat.jpg"},
    };
    remove_tree(directory);
    assert_int_equal(mkdir(directory, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/sub", directory);
    assert_int_equal(mkdir(path, 0755), 0);
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, copies[i][1]);
        copy_demo(copies[i][0], path);
    }
    (void)snprintf(path, sizeof path, "%s/broken.jpg", directory);
    write_file(path, "\xff\xd8\xff\xe0 not really", 16);
}

static size_t groups_of(const char *directory, const char *tiers) {
    run_result r;
    run(&r, "dedup", directory, "--json", "-q", "--tiers", tiers, NULL);
    json_t *root = run_json(&r);
    size_t count = json_array_size(at(root, "groups"));
    json_decref(root);
    run_free(&r);
    return count;
}

static void the_json_has_the_stable_keys(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    run(&r, "dedup", "set", "--json", NULL);
    expect(&r, 1);
    expect_err(&r, "unusable: ");
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "scanned"), 7);
    assert_int_equal(json_array_size(at(root, "failed")), 1);
    assert_non_null(strstr(text_at(root, "failed.0.path"), "set/broken.jpg"));
    assert_true(strlen(text_at(root, "failed.0.reason")) > 0);
    assert_null(strstr(text_at(root, "failed.0.reason"), "broken.jpg"));
    assert_int_equal(json_array_size(at(root, "groups")), 2);
    assert_string_equal(text_at(root, "groups.0.kind"), "exact");
    assert_string_equal(text_at(root, "groups.0.relation"), "identical");
    assert_int_equal(json_array_size(at(root, "groups.0.members")), 3);
    assert_string_equal(text_at(root, "groups.0.members.0.path"), text_at(root, "groups.0.keeper"));
    assert_int_equal(text_at(root, "groups.0.keeper")[0], '/');
    assert_string_equal(text_at(root, "groups.0.members.1.relation"), "identical");
    assert_true(number_at(root, "groups.0.members.1.score") > 0.9999);
    assert_string_equal(text_at(root, "groups.1.kind"), "perceptual");
    assert_string_equal(text_at(root, "groups.1.relation"), "edited");
    assert_true(strlen(text_at(root, "groups.1.reason")) > 0);
    assert_non_null(strstr(text_at(root, "groups.1.keeper"), "/set/cup.png"));
    json_decref(root);
    run_free(&r);
}

static void exit_codes_say_what_was_found(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    assert_int_equal(mkdir("one", 0755), 0);
    copy_demo("animals/cat-forest-169.jpg", "one/cat.jpg");
    run(&r, "dedup", "one", NULL);
    expect(&r, 0);
    expect_out(&r, "0 groups");
    expect_no_err(&r);
    run_free(&r);
    copy_file("set/broken.jpg", "one/broken.jpg");
    run(&r, "dedup", "one", NULL);
    expect(&r, 3);
    run_free(&r);
    run(&r, "audit", "one", "--checks", "dark", NULL);
    expect(&r, 3);
    run_free(&r);
    run(&r, "dedup", "nowhere", NULL);
    expect(&r, 4);
    expect_err(&r, "nowhere");
    run_free(&r);
    run(&r, "dedup", "set", "--html", "no/such/folder/x.html", NULL);
    expect(&r, 4);
    run_free(&r);
    run(&r, "dedup", NULL);
    expect(&r, 4);
    expect_err(&r, "no library");
    run_free(&r);
    static const char *const wrong[][8] = {
        {"dedup", "set", "--tiers", "exact,fuzzy"},
        {"dedup", "set", "--keep", "smallest"},
        {"dedup", "set", "--keep", "in:"},
        {"dedup", "set", "--keep", "in:nowhere"},
        {"dedup", "set", "--keep", "largest", "--keep", "prettiest"},
        {"dedup", "set", "--protect", "nowhere"},
        {"dedup", "set", "--trash", "--include", "similar"},
        {"dedup", "set", "--trash", "--include", "edited", "--include", "variant"},
        {"dedup", "set", "--against", "set"},
        {"dedup", "set", "--against", "set/../set"},
        {"dedup", "set", "--against", "set/sub"},
        {"dedup", "set/sub", "--against", "set"},
        {"dedup", "one", "--protect", "set", "--move", "set/sub/quarantine"},
        {"dedup", "set", "--apply"},
        {"dedup", "set", "--include", "identical"},
        {"dedup", "set", "--trash", "--include", "identcal"},
        {"dedup", "set", "--trash", "--delete"},
        {"dedup", "set", "--max-leak", "0.1"},
        {"dedup", "set", "--against", "one", "--max-leak", "1.5"},
        {"dedup", "set", "--move", "set/sub/quarantine"},
        {"dedup", "set", "--move", ""},
        {"dedup", "--undo", "--runs"},
        {"dedup", "--undo=latest"},
        {"dedup", "--undo", "1", "2"},
        {"dedup", "--not-duplicates", "set/cat.jpg"},
        {"dedup", "--keep-all"},
        {"dedup", "--forget", "0"},
        {"audit", "one", "--checks", "ugly"},
        {"audit", "one", "--disagreement", "2"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run_list(&r, wrong[i], "", 0);
        if (r.code != 2) print_error("case %zu: %s\n", i, wrong[i][2]);
        expect(&r, 2);
        assert_int_equal(r.out_size, 0);
        expect_err(&r, "--help");
        run_free(&r);
    }
    remove_tree("one");
}

static void small_files_are_left_out_when_asked(void **state) {
    (void)state;
    run_result r;
    struct stat heli, cup;
    char bytes[32];
    make_set("sizes");
    assert_int_equal(stat("sizes/heli.png", &heli), 0);
    assert_int_equal(stat("sizes/cup.png", &cup), 0);
    assert_true(heli.st_size != cup.st_size);
    off_t min = (heli.st_size < cup.st_size ? heli.st_size : cup.st_size) + 1;
    (void)snprintf(bytes, sizeof bytes, "%lld", (long long)min);
    run(&r, "dedup", "sizes", "--min-size", bytes, "--json", "-q", NULL);
    json_t *root = run_json(&r);
    size_t scanned = (size_t)json_integer_value(at(root, "scanned"));
    assert_true(scanned > 0 && scanned < 6);
    assert_int_equal(json_array_size(at(root, "failed")), 0); /* broken.jpg has 16 bytes */
    for (size_t g = 0; g < json_array_size(at(root, "groups")); g++) {
        const json_t *members = at(json_array_get(at(root, "groups"), g), "members");
        for (size_t m = 0; m < json_array_size(members); m++) {
            struct stat st;
            assert_int_equal(stat(text_at(json_array_get(members, m), "path"), &st), 0);
            assert_true(st.st_size >= min);
        }
    }
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "sizes", "--min-size", "100000000", "--json", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "sizes", "--min-size", "few", NULL);
    expect(&r, 2);
    run_free(&r);
    remove_tree("sizes");
}

static void hostile_names_are_shown_safely_everywhere(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    run(&r, "dedup", "set", "--tiers", "exact", "--csv", "out.csv", "--html", "out.html", "--keep",
        "in:set/sub", NULL);
    expect(&r, 1);
    expect_out(&r, "set/sub/<b>\"quo'te\"\\n&amp; caf\\xe9.png");
    run_free(&r);
    size_t size = 0;
    char *csv = read_whole_file("out.csv", &size);
    assert_non_null(strstr(csv, "/set/sub/<b>\"\"quo'te\"\"\n&amp; caf\xe9.png\","));
    assert_memory_equal(csv, "group,kind,relation,role,path,", 30);
    free(csv);
    char *html = read_whole_file("out.html", &size);
    assert_non_null(strstr(html, "&lt;b&gt;&quot;quo&#39;te&quot;\xe2\x90\x8a&amp;amp; caf"));
    assert_null(strstr(html, "<b>"));
    assert_null(strstr(html, "<script"));
    assert_non_null(strstr(html, "default-src 'none'"));
    assert_non_null(strstr(html, "loading=\"lazy\""));
    assert_non_null(strstr(html, "sub/%3Cb%3E%22quo%27te%22%0A%26amp%3B%20caf%E9.png\""));
    free(html);
    run(&r, "dedup", "set", "--tiers", "exact", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    int found = 0;
    for (size_t i = 0; i < 3; i++) {
        const json_t *m = json_array_get(at(root, "groups.0.members"), i);
        const json_t *bytes = json_object_get(m, "path_bytes");
        if (bytes) found += strstr(json_string_value(bytes), "636166e92e706e67") != NULL;
    }
    assert_int_equal(found, 1);
    json_decref(root);
    run_free(&r);
}

static void nothing_happens_without_apply_and_undo_takes_it_back(void **state) {
    (void)state;
    static const char *const actions[] = {"--move=away", "--trash", "--delete", "--hardlink",
                                          "--symlink"};
    run_result r;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        make_set("set");
        assert_int_equal(unlink("set/broken.jpg"), 0);
        run(&r, "dedup", "set", "--tiers", "exact", actions[i], NULL);
        expect(&r, 0);
        expect_out(&r, "Nothing was changed");
        assert_int_equal(groups_of("set", "exact"), 1);
        assert_false(path_exists("away"));
        run_free(&r);
        run(&r, "dedup", "set", "--tiers", "exact", actions[i], "--apply", "--json", "-q", NULL);
        expect(&r, 0);
        json_t *root = run_json(&r);
        assert_true(json_is_true(at(root, "action.applied")));
        assert_int_equal(number_at(root, "action.done"), 2);
        assert_int_equal(number_at(root, "action.left_alone"), 0);
        assert_string_equal(text_at(root, "action.files.0.outcome"), "done");
        char number[32];
        (void)snprintf(number, sizeof number, "%.0f", number_at(root, "action.run"));
        json_decref(root);
        run_free(&r);
        if (i < 3) {
            assert_true(path_exists("set/heli.png") + path_exists("set/sub/again.png") +
                            path_exists("set/sub/" HOSTILE) ==
                        1);
        }
        if (i == 0) assert_true(path_exists("away/set/sub/again.png"));
        run(&r, "dedup", "--runs", NULL);
        expect(&r, 0);
        run_free(&r);
        run(&r, "dedup", "--undo", number, NULL);
        expect(&r, 0);
        expect_out(&r, "2 files put back");
        run_free(&r);
        assert_int_equal(groups_of("set", "exact"), 1);
        assert_true(path_exists("set/heli.png") && path_exists("set/sub/again.png"));
        run(&r, "dedup", "--undo", number, NULL);
        expect(&r, 1);
        expect_err(&r, "nothing to undo");
        run_free(&r);
        remove_tree("away");
    }
}

static void only_included_relations_are_acted_on(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    run(&r, "dedup", "set", "--move", "away", "--apply", "-q", NULL);
    expect(&r, 3); /* done; but the broken file could not be looked at */
    assert_true(path_exists("set/sub/brighter.jpg"));
    assert_false(path_exists("away/set/sub/brighter.jpg"));
    run_free(&r);
    run(&r, "dedup", "set", "--move", "away", "--include", "edited", "--apply", "-q", NULL);
    expect(&r, 3);
    assert_false(path_exists("set/sub/brighter.jpg"));
    assert_true(path_exists("away/set/sub/brighter.jpg"));
    run_free(&r);
    remove_tree("away");
}

/* Two files of equal bytes and a better, edited version: they differ from it, and are found as
 * equal to each other all the same when that is what is acted on. */
static void equal_files_do_not_hide_behind_an_edited_keeper(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("trio", 0755), 0);
    copy_demo("food/cup-of-coffee-sea-076.png", "trio/cup.png");
    copy_demo("edited/brighter-03.jpg", "trio/b1.jpg");
    copy_demo("edited/brighter-03.jpg", "trio/b2.jpg");
    run(&r, "dedup", "trio", "--json", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    assert_string_equal(text_at(root, "groups.0.relation"), "edited");
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "trio", "--json", "--trash", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    assert_string_equal(text_at(root, "groups.0.relation"), "identical");
    assert_int_equal(number_at(root, "action.done"), 1);
    json_decref(root);
    run_free(&r);
    remove_tree("trio");
}

static void deleted_files_are_held_until_emptied(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    run(&r, "dedup", "set", "--tiers", "exact", "--delete", "--apply", "-q", NULL);
    expect(&r, 3);
    expect_out(&r, "--empty");
    char number[16];
    (void)snprintf(number, sizeof number, "--undo=%d", atoi(strstr(r.out, "Run ") + 4));
    run_free(&r);
    run(&r, "dedup", "--empty", NULL);
    expect(&r, 0);
    expect_out(&r, "2 held files would be gone for good");
    run_free(&r);
    run(&r, "dedup", "--empty", "--apply", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "done"), 2);
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", number, NULL);
    expect(&r, 1);
    run_free(&r);
}

static void decisions_are_honoured_after_files_moved(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    assert_int_equal(groups_of("set", "exact,perceptual"), 2);
    run(&r, "dedup", "--not-duplicates", "set/cup.png", "set/sub/brighter.jpg", NULL);
    expect(&r, 0);
    expect_out(&r, "decision 1");
    run_free(&r);
    assert_int_equal(groups_of("set", "exact,perceptual"), 1);
    assert_int_equal(rename("set/cup.png", "set/sub/renamed.png"), 0);
    assert_int_equal(rename("set", "set2"), 0);
    assert_int_equal(groups_of("set2", "exact,perceptual"), 1);
    run(&r, "dedup", "--keep-all", "set2/heli.png", "--json", NULL);
    expect(&r, 0);
    run_free(&r);
    assert_int_equal(groups_of("set2", "exact,perceptual"), 0);
    run(&r, "dedup", "--decisions", "--json", NULL);
    expect(&r, 0);
    json_t *root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "decisions")), 2);
    assert_string_equal(text_at(root, "decisions.0.kind"), "not-duplicates");
    assert_string_equal(text_at(root, "decisions.1.kind"), "keep-all");
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "--forget", "1", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "--forget", "1", NULL);
    expect(&r, 4);
    run_free(&r);
    assert_int_equal(groups_of("set2", "exact,perceptual"), 1);
    run(&r, "dedup", "--forget", "2", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "--decisions", NULL);
    expect(&r, 1);
    run_free(&r);
    remove_tree("set2");
}

static void leakage_between_sets_decides_the_exit_code(void **state) {
    (void)state;
    run_result r;
    static const char *const directories[] = {"train", "train/cat", "train/cup",
                                              "test",  "test/cat",  "test/mug"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        assert_int_equal(mkdir(directories[i], 0755), 0);
    copy_demo("animals/cat-forest-169.jpg", "train/cat/a.jpg");
    copy_demo("animals/cat-sky-022.jpg", "train/cat/b.jpg");
    copy_demo("food/cup-of-coffee-sea-076.png", "train/cup/c.png");
    copy_demo("animals/owl-city-034.webp", "train/cup/d.webp");
    copy_demo("food/cup-of-coffee-sea-076.png", "test/mug/c.png");
    run(&r, "dedup", "train", "--against", "test", "--json", "--html", "leaks.html", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "leak.pictures"), 4);
    assert_int_equal(number_at(root, "leak.leaked"), 1);
    assert_int_equal(number_at(root, "leak.conflicting"), 1);
    assert_true(number_at(root, "leak.rate") == 0.25);
    assert_int_equal(json_array_size(at(root, "leak_by_label")), 2);
    assert_non_null(strstr(text_at(root, "groups.0.keeper"), "/test/mug/c.png"));
    json_decref(root);
    run_free(&r);
    char *page = read_whole_file("leaks.html", NULL);
    assert_non_null(strstr(page, "<h1>Pictures of train that are in test</h1>"));
    assert_non_null(strstr(page, "<span class=\"tag\">in test</span>"));
    free(page);
    run(&r, "dedup", "train", "--against", "test", "--max-leak", "0.25", NULL);
    expect(&r, 0);
    expect_out(&r, "is within");
    run_free(&r);
    run(&r, "dedup", "train", "--against", "test", "--max-leak=0.2", NULL);
    expect(&r, 1);
    expect_out(&r, "exceeds");
    run_free(&r);
    /* The same against a library. */
    run(&r, "index", "test", "--library", "testlib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "train", "--against", "testlib", "--max-leak=0", NULL);
    expect(&r, 1);
    run_free(&r);
    run(&r, "dedup", "train", "test", "--conflicts", "--json", NULL);
    expect(&r, 1);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "groups")), 1);
    assert_true(json_is_true(at(root, "groups.0.labels_differ")));
    json_decref(root);
    run_free(&r);
    remove_tree("train");
    remove_tree("test");
}

/* Other bytes, the same size, time and inode: who reads them finds no picture. */
static void spoil(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    int file = open(path, O_WRONLY);
    assert_true(file >= 0);
    for (off_t i = 0; i < info.st_size; i++)
        assert_int_equal(write(file, "x", 1), 1);
    struct timespec times[2] = {info.st_atim, info.st_mtim};
    assert_int_equal(futimens(file, times), 0);
    assert_int_equal(close(file), 0);
}

static json_t *groups_in(const char *library, const char *tiers, unsigned cached, unsigned failed) {
    run_result r;
    run(&r, "dedup", "--library", library, "--json", "-q", "--tiers", tiers, NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "cached"), cached);
    assert_int_equal(json_array_size(at(root, "failed")), failed);
    json_t *groups = json_deep_copy(at(root, "groups"));
    json_decref(root);
    run_free(&r);
    return groups;
}

static void a_second_search_of_a_library_decodes_nothing(void **state) {
    (void)state;
    static const char *const files[] = {"kept/heli.png", "kept/cup.png", "kept/sub/brighter.jpg",
                                        "kept/cat.jpg"};
    run_result r;
    make_set("kept");
    run(&r, "index", "kept", "--library", "keptlib", "-q", NULL);
    expect(&r, 3); /* the broken one */
    run_free(&r);
    /* Three files of the same bytes: the second and third of them may be known already. */
    run(&r, "dedup", "--library", "keptlib", "--json", NULL);
    json_t *root = run_json(&r), *first = json_deep_copy(at(root, "groups"));
    assert_int_equal(json_array_size(first), 2);
    json_decref(root);
    run_free(&r);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        spoil(files[i]);
    json_t *second = groups_in("keptlib", "exact,perceptual,semantic", 6, 0);
    assert_true(json_equal(first, second));
    json_decref(second);
    /* Which of them were looked at does not matter to another search. */
    json_decref(groups_in("keptlib", "exact", 6, 0));
    run(&r, "verify", "--library", "keptlib", NULL);
    expect(&r, 0);
    run_free(&r);
    /* An action trusts nothing: it reads the bytes again. */
    run(&r, "dedup", "--library", "keptlib", "--delete", "--apply", "--json", NULL);
    root = run_json(&r);
    int changed = 0;
    for (size_t i = 0; i < json_array_size(at(root, "action.files")); i++) {
        const json_t *file = json_array_get(at(root, "action.files"), i);
        changed += strcmp(text_at(file, "outcome"), "done") != 0;
    }
    assert_true(changed > 0);
    assert_true(path_exists("kept/heli.png"));
    json_decref(root);
    run_free(&r);
    /* Another time: it is read, and found to be no picture any more. */
    struct timespec times[2] = {{1, 0}, {1, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "kept/cat.jpg", times, 0), 0);
    run(&r, "dedup", "--library", "keptlib", "--json", "-q", NULL);
    root = run_json(&r);
    assert_int_equal(json_array_size(at(root, "failed")), 1);
    assert_non_null(strstr(text_at(root, "failed.0.path"), "/kept/cat.jpg"));
    json_decref(root);
    run_free(&r);
    json_decref(first);
    remove_tree("kept");
}

/* What a library knows of a file's content says nothing about where the file lies. */
static void files_that_a_library_knows_are_protected_like_others(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("album", 0755), 0);
    assert_int_equal(mkdir("album/archive", 0755), 0);
    copy_demo("animals/cat-forest-169.jpg", "album/archive/b.jpg");
    copy_demo("animals/cat-forest-169.jpg", "album/archive/c.jpg");
    copy_demo("animals/cat-forest-169.jpg", "album/newest.jpg");
    const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, "album/archive/b.jpg", old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, "album/archive/c.jpg", old, 0), 0);
    run(&r, "index", "album", "--library", "albumlib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    json_decref(groups_in("albumlib", "exact", 0, 0));
    json_decref(groups_in("albumlib", "exact", 3, 0));
    run(&r, "dedup", "album", "--library", "albumlib", "--protect", "album/archive", "--keep",
        "newest", "--delete", "--apply", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "cached"), 3);
    assert_non_null(strstr(text_at(root, "groups.0.keeper"), "/album/archive/"));
    json_decref(root);
    run_free(&r);
    assert_true(path_exists("album/archive/b.jpg") && path_exists("album/archive/c.jpg"));
    assert_false(path_exists("album/newest.jpg"));
    remove_tree("album");
}

/* The left and the right of a picture exchanged: hashes do not see it without --rotations. */
static void write_mirrored(const char *from, const char *to) {
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_load(&image, from, NULL));
    const uint32_t w = glimpse_image_width(image), h = glimpse_image_height(image);
    const uint8_t *rgb = glimpse_image_pixels(image);
    uint8_t *mirrored = malloc((size_t)w * h * 3);
    assert_non_null(mirrored);
    for (size_t y = 0; y < h; y++) {
        for (size_t x = 0; x < w; x++)
            memcpy(mirrored + 3 * (y * w + x), rgb + 3 * (y * w + w - 1 - x), 3);
    }
    write_ppm(to, w, h, mirrored);
    free(mirrored);
    glimpse_image_free(image);
}

static void the_semantic_tier_follows_the_model(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("alike", 0755), 0);
    write_mirrored(source_path("data/demo/shapes/square-forest-150.webp"), "alike/mirrored.ppm");
    run(&r, "index", source_path("data/demo/shapes"), "alike", "--library", "alikelib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "dedup", "--library", "alikelib", "--json", "-q", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    double limit = number_at(root, "min_similarity");
    assert_true(limit > 0.8 && limit < 0.999 && (limit < 0.9599 || limit > 0.9601));
    int found = 0;
    for (size_t g = 0; g < json_array_size(at(root, "groups")); g++) {
        const json_t *group = json_array_get(at(root, "groups"), g);
        if (strcmp(text_at(group, "kind"), "semantic") != 0) continue;
        assert_string_equal(text_at(group, "relation"), "similar");
        for (size_t m = 1; m < json_array_size(at(group, "members")); m++)
            assert_true(number_at(json_array_get(at(group, "members"), m), "score") >= limit);
        char *text = json_dumps(group, 0);
        found += strstr(text, "/mirrored.ppm") && strstr(text, "/square-forest-150.webp");
        free(text);
    }
    assert_int_equal(found, 1);
    json_decref(root);
    run_free(&r);
    /* A limit given is the limit. */
    run(&r, "dedup", "--library", "alikelib", "--tiers", "semantic", "--json", "-q",
        "--min-similarity", "0.99999", NULL);
    expect(&r, 0);
    root = run_json(&r);
    assert_true(number_at(root, "min_similarity") == 0.99999);
    assert_int_equal(json_array_size(at(root, "groups")), 0);
    json_decref(root);
    run_free(&r);
    remove_tree("alike");
}

static void copy_directory(const char *name) {
    char path[300], from[300];
    (void)snprintf(from, sizeof from, "data/demo/%s", name);
    (void)snprintf(path, sizeof path, "classes/%s", name);
    assert_int_equal(mkdir(path, 0755), 0);
    run_result r;
    char command[1200];
    (void)snprintf(command, sizeof command, "cp '%s'/* '%s'", source_path(from), path);
    run_shell(&r, command);
    expect(&r, 0);
    run_free(&r);
}

/* How many findings there are of a kind, and whether `name` is one, with that suggestion. */
static size_t findings_of(const json_t *root, const char *kind, const char *name,
                          const char *suggestion, int *found) {
    size_t count = 0;
    *found = 0;
    for (size_t i = 0; i < json_array_size(at(root, "findings")); i++) {
        const json_t *f = json_array_get(at(root, "findings"), i);
        if (strcmp(text_at(f, "kind"), kind) != 0) continue;
        count++;
        if (!strstr(text_at(f, "path"), name)) continue;
        *found = !suggestion || strcmp(text_at(f, "suggestion"), suggestion) == 0;
    }
    return count;
}

static void an_audit_of_a_library_names_the_mislabelled_and_outliers(void **state) {
    (void)state;
    run_result r;
    int found;
    assert_int_equal(mkdir("classes", 0755), 0);
    copy_directory("animals");
    copy_directory("shapes");
    /* One of each among the others. */
    assert_int_equal(
        rename("classes/animals/owl-city-034.webp", "classes/shapes/owl-city-034.webp"), 0);
    assert_int_equal(
        rename("classes/shapes/ring-gray-146.jpg", "classes/animals/ring-gray-146.jpg"), 0);
    run(&r, "index", "classes", "--library", "classeslib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "audit", "--library", "classeslib", "--class-dirs", "--checks", "mislabelled,outlier",
        "--neighbours", "3", "--outlier-deviations", "3.5", "--json", "-q", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_true(json_is_true(at(root, "embeddings")));
    assert_true(json_is_true(at(root, "class_dirs")));
    assert_true(json_is_true(at(root, "labels")));
    size_t suspects = findings_of(root, "mislabelled", "/owl-city-034.webp", "animals", &found);
    assert_true(found);
    (void)findings_of(root, "mislabelled", "/ring-gray-146.jpg", "shapes", &found);
    assert_true(found);
    assert_true(suspects < 10); /* of 96 */
    size_t outliers = findings_of(root, "outlier", "/triangle-cross-orange-251.png", NULL, &found);
    assert_true(found && outliers <= 3);
    json_decref(root);
    run_free(&r);
    /* No embeddings, no such findings, and it says so. */
    run(&r, "audit", "classes", "--library", "none", "--class-dirs", "--checks",
        "mislabelled,outlier", "--json", "-q", NULL);
    if (r.code == 0) {
        root = run_json(&r);
        assert_true(json_is_false(at(root, "embeddings")));
        json_decref(root);
    }
    run_free(&r);
    run(&r, "audit", "classes", "--outlier-deviations", "0", NULL);
    expect(&r, 2);
    run_free(&r);
    remove_tree("classes");
}

/* Directories of a photo library are holidays and months: the owl beside the circles is no mistake.
 */
static void an_audit_of_photos_takes_no_folder_for_a_class_unless_asked(void **state) {
    (void)state;
    run_result r;
    int found;
    assert_int_equal(mkdir("classes", 0755), 0);
    copy_directory("animals");
    copy_directory("shapes");
    assert_int_equal(rename("classes/animals", "classes/2019-07 Lofoten"), 0);
    assert_int_equal(rename("classes/shapes", "classes/2021-05 Roma"), 0);
    assert_int_equal(rename("classes/2019-07 Lofoten/owl-city-034.webp",
                            "classes/2021-05 Roma/owl-city-034.webp"),
                     0);
    run(&r, "index", "classes", "--library", "photolib", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    run(&r, "audit", "--library", "photolib", "--neighbours", "3", "--json", "-q", NULL);
    json_t *root = run_json(&r);
    assert_true(json_is_true(at(root, "embeddings")));
    assert_true(json_is_false(at(root, "class_dirs")));
    assert_true(json_is_false(at(root, "labels")));
    assert_int_equal(number_at(root, "counts.mislabelled"), 0);
    json_decref(root);
    run_free(&r);
    run(&r, "audit", "--library", "photolib", "--neighbours", "3", NULL);
    expect_out(&r, "Folders were not taken for classes (--class-dirs)\n");
    assert_null(strstr(r.out, "wrong class"));
    run_free(&r);
    /* Asked for, it is one. */
    run(&r, "audit", "--library", "photolib", "--neighbours", "3", "--class-dirs", "--html",
        "classes.html", "--json", "-q", NULL);
    expect(&r, 1);
    root = run_json(&r);
    assert_true(json_is_true(at(root, "labels")));
    (void)findings_of(root, "mislabelled", "/owl-city-034.webp", "2019-07 Lofoten", &found);
    assert_true(found);
    json_decref(root);
    run_free(&r);
    /* The check alone says what it needs. */
    run(&r, "audit", "--library", "photolib", "--checks", "mislabelled", NULL);
    expect(&r, 2);
    expect_err(&r, "--class-dirs");
    run_free(&r);
    remove_tree("classes");
}

/* Members are related to the keeper itself: what is only alike by way of a third is no leak. */
static void leakage_counts_each_picture_once_and_by_its_best_match(void **state) {
    (void)state;
    run_result r;
    static const char *const directories[] = {"tr", "tr/a", "te", "te/b"};
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        assert_int_equal(mkdir(directories[i], 0755), 0);
    copy_demo("food/cup-of-coffee-sea-076.png", "tr/direct.png"); /* directly in the root */
    copy_demo("edited/brighter-03.jpg", "tr/a/brighter.jpg");
    copy_demo("animals/cat-forest-169.jpg", "tr/a/cat.jpg");
    copy_demo("food/cup-of-coffee-sea-076.png", "te/b/one.png");
    copy_demo("food/cup-of-coffee-sea-076.png", "te/b/two.png");
    copy_demo("edited/brighter-03.jpg", "te/brighter.jpg");
    run(&r, "dedup", "tr", "--against", "te", "--json", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    assert_int_equal(number_at(root, "leak.pictures"), 3);
    assert_int_equal(number_at(root, "leak.leaked"), 2);
    assert_int_equal(number_at(root, "leak.identical"), 2); /* not edited: the copy counts */
    assert_int_equal(json_array_size(at(root, "leak_by_label")), 2);
    assert_string_equal(text_at(root, "leak_by_label.0.label"), ""); /* in no class directory */
    assert_int_equal(number_at(root, "leak_by_label.0.leaked"), 1);
    assert_string_equal(text_at(root, "leak_by_label.1.label"), "a");
    assert_int_equal(number_at(root, "leak_by_label.1.pictures"), 2);
    size_t members = 0;
    for (size_t g = 0; g < json_array_size(at(root, "groups")); g++) {
        const json_t *group = json_array_get(at(root, "groups"), g);
        assert_non_null(strstr(text_at(group, "keeper"), "/te/"));
        members += json_array_size(at(group, "members")) - 1;
    }
    assert_int_equal(members, 2);
    json_decref(root);
    run_free(&r);
    run(&r, "dedup", "tr", "--against", "te", "--max-leak", "0.66", "-q", NULL);
    expect(&r, 1);
    expect_out(&r, "(no folder)");
    run_free(&r);
    run(&r, "dedup", "tr", "--against", "te", "--max-leak", "0.67", "-q", NULL);
    expect(&r, 0);
    run_free(&r);
    remove_tree("tr");
    remove_tree("te");
}

static void an_audit_finds_what_is_dark_and_empty(void **state) {
    (void)state;
    run_result r;
    assert_int_equal(mkdir("data set", 0755), 0);
    copy_demo("animals/cat-forest-169.jpg", "data set/cat.jpg");
    char black[15 + 100 * 100 * 3] = "P6\n100 100\n255\n";
    write_file("data set/black <i>.ppm", black, sizeof black);
    run(&r, "audit", "data set", "--json", "--html", "audit.html", "--csv", "audit.csv", NULL);
    expect(&r, 1);
    json_t *root = run_json(&r);
    int dark = 0, constant = 0;
    for (size_t i = 0; i < json_array_size(at(root, "findings")); i++) {
        const json_t *f = json_array_get(at(root, "findings"), i);
        if (!strstr(text_at(f, "path"), "black <i>.ppm")) continue;
        dark += strcmp(text_at(f, "kind"), "dark") == 0;
        constant += strcmp(text_at(f, "kind"), "near-constant") == 0;
    }
    assert_int_equal(dark, 1);
    assert_int_equal(constant, 1);
    assert_int_equal(number_at(root, "counts.dark"), 1);
    assert_int_equal(number_at(root, "scanned"), 2);
    json_decref(root);
    run_free(&r);
    char *html = read_whole_file("audit.html", NULL);
    assert_non_null(strstr(html, "black &lt;i&gt;.ppm"));
    /* Kinds with few findings share a line, and each heading is over its first picture. */
    assert_non_null(strstr(html, "<figure><h2>Too dark (1)</h2><a class=\"frame\""));
    assert_non_null(strstr(html, "<figure><h2>Nearly one colour (1)</h2><a class=\"frame\""));
    assert_null(strstr(html, "<section"));
    free(html);
    run(&r, "audit", "data set", "--checks", "dark", NULL);
    expect(&r, 1);
    expect_out(&r, "Too dark (1)\n  data set/black <i>.ppm: ");
    expect_out(&r, "\n1 finding in 2 pictures\n");
    run_free(&r);
    run(&r, "audit", "data set", "--checks", "odd-aspect", NULL);
    expect(&r, 0);
    run_free(&r);
}

/* Counts different colours in a rectangle of the screenshot. */
static size_t colours_of(const char *png) {
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_load(&image, png, NULL));
    static uint8_t seen[1 << 15];
    memset(seen, 0, sizeof seen);
    size_t count = 0;
    const uint8_t *rgb = glimpse_image_pixels(image);
    size_t pixels = (size_t)glimpse_image_width(image) * glimpse_image_height(image);
    for (size_t i = 0; i < pixels; i++, rgb += 3) {
        size_t colour = (size_t)(rgb[0] >> 3) << 10 | (size_t)(rgb[1] >> 3) << 5 | rgb[2] >> 3;
        count += !seen[colour];
        seen[colour] = 1;
    }
    glimpse_image_free(image);
    return count;
}

static void the_page_opens_in_a_browser(void **state) {
    (void)state;
    run_result r;
    make_set("set");
    run(&r, "dedup", "set", "--html", "page.html", "-q", NULL);
    expect(&r, 1);
    run_free(&r);
    if (!browser_screenshot("page.html", "page.png", 1200, 1000)) skip();
    /* Text and frames alone have a few dozen; pictures have many. */
    assert_true(colours_of("page.png") > 150);
    /* As the browser understood it: a picture for every file, and none of the names became markup.
     */
    char *dom = browser_dom("page.html");
    size_t pictures = 0;
    assert_non_null(dom);
    for (const char *s = dom; (s = strstr(s, "<img ")); s++)
        pictures++;
    assert_int_equal(pictures, 5);
    assert_null(strstr(dom, "<b>"));
    free(dom);
    const char *keep = getenv("GLIMPSE_KEEP_SCREENSHOT");
    if (keep) copy_file("page.png", keep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_has_the_stable_keys),
        cmocka_unit_test(exit_codes_say_what_was_found),
        cmocka_unit_test(small_files_are_left_out_when_asked),
        cmocka_unit_test(hostile_names_are_shown_safely_everywhere),
        cmocka_unit_test(nothing_happens_without_apply_and_undo_takes_it_back),
        cmocka_unit_test(only_included_relations_are_acted_on),
        cmocka_unit_test(equal_files_do_not_hide_behind_an_edited_keeper),
        cmocka_unit_test(deleted_files_are_held_until_emptied),
        cmocka_unit_test(decisions_are_honoured_after_files_moved),
        cmocka_unit_test(leakage_between_sets_decides_the_exit_code),
        cmocka_unit_test(leakage_counts_each_picture_once_and_by_its_best_match),
        cmocka_unit_test(a_second_search_of_a_library_decodes_nothing),
        cmocka_unit_test(files_that_a_library_knows_are_protected_like_others),
        cmocka_unit_test(the_semantic_tier_follows_the_model),
        cmocka_unit_test(an_audit_finds_what_is_dark_and_empty),
        cmocka_unit_test(an_audit_of_a_library_names_the_mislabelled_and_outliers),
        cmocka_unit_test(an_audit_of_photos_takes_no_folder_for_a_class_unless_asked),
        cmocka_unit_test(the_page_opens_in_a_browser),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
