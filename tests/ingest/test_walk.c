/*
 * What a walk finds, and what it leaves out.
 */
#include "support/test.h"

#include "walk.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/types.h>

typedef struct found {
    char *paths[20000];
    int status[20000], is_directory[20000], must_sniff[20000];
    const char *marks[20000];
    size_t count, stop_after;
} found;

static char *directory; /* resolved, of each test */
static found *seen;

static int note(void *user, const glimpse_walk_entry *entry) {
    found *f = user;
    assert_true(f->count < sizeof f->paths / sizeof f->paths[0]);
    assert_true(entry->status == 0 || (entry->reason && *entry->reason));
    f->status[f->count] = entry->status;
    f->is_directory[f->count] = entry->is_directory;
    f->must_sniff[f->count] = entry->must_sniff;
    f->marks[f->count] = entry->mark;
    f->paths[f->count++] = strdup(entry->path);
    return f->stop_after && f->count >= f->stop_after ? 7 : 0;
}

static void forget(void) {
    for (size_t i = 0; i < seen->count; i++)
        free(seen->paths[i]);
    memset(seen, 0, sizeof *seen);
}

static int begin(void **state) {
    (void)state;
    directory = make_resolved_temp_directory();
    seen = calloc(1, sizeof *seen);
    return directory && seen ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    forget();
    free(seen);
    remove_tree(directory);
    free(directory);
    return 0;
}

/* Makes `relative` with its directories. */
static void add_file(const char *relative) {
    const char *path = path_in(directory, relative);
    make_parents(path);
    write_text(path, "x");
}

static void link_to(const char *target, const char *relative) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", directory, relative);
    assert_int_equal(symlink(target, path), 0);
}

static glimpse_walk_summary walk(const glimpse_walk_rules *rules) {
    glimpse_walk_summary summary;
    forget();
    assert_int_equal(glimpse_walk(directory, rules, note, seen, &summary), 0);
    return summary;
}

/* The paths found, relative to the directory, joined by "|". */
static const char *listing(void) {
    static char text[8192];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < seen->count; i++) {
        const char *path = seen->paths[i];
        assert_memory_equal(path, directory, strlen(directory));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? "|" : "",
                                 path[strlen(directory)] ? path + strlen(directory) + 1 : ".");
        assert_true(used < sizeof text);
    }
    return text;
}

static void files_come_sorted_before_directories(void **state) {
    (void)state;
    add_file("b.jpg");
    add_file("a/z.png");
    add_file("a/b/c.gif");
    add_file("c.JPG");
    add_file("a/a.webp");
    add_file("B.jpg");
    glimpse_walk_summary summary = walk(NULL);
    assert_string_equal(listing(), "B.jpg|b.jpg|c.JPG|a/a.webp|a/z.png|a/b/c.gif");
    assert_int_equal(summary.directories, 3);
    assert_int_equal(summary.root_entries, 4);
    assert_int_equal(summary.root_status, 0);
}

static void hidden_and_unwanted_places_are_left_out(void **state) {
    (void)state;
    add_file(".hidden.jpg");
    add_file(".git/a.jpg");
    add_file("@eaDir/a.jpg");
    add_file("node_modules/a.jpg");
    add_file("#recycle/a.jpg");
    add_file("lost+found/a.jpg");
    add_file("x.lrdata/a.jpg");
    add_file("library/catalog.db");
    add_file("library/lock");
    add_file("library/a.jpg");
    add_file("catalogs/catalog.db"); /* somebody else's */
    add_file("catalogs/a.jpg");
    add_file("keep/._a.jpg");
    add_file("keep/a.jpg");
    walk(NULL);
    assert_string_equal(listing(), "catalogs/a.jpg|keep/a.jpg");
}

static void marked_directories_are_told_and_not_entered(void **state) {
    (void)state;
    add_file("a.jpg");
    add_file(".nomedia"); /* the root is exempt */
    add_file("one/.nomedia");
    add_file("one/b.jpg");
    add_file("one/deep/c.jpg");
    add_file("two/in/.noimage");
    add_file("two/in/d.jpg");
    add_file("two/e.jpg");
    add_file("three/.nomedia.jpg"); /* another name */
    add_file("three/f.jpg");
    walk(NULL);
    assert_string_equal(listing(), "a.jpg|one|three/f.jpg|two/e.jpg|two/in");
    assert_int_equal(seen->is_directory[1], 1);
    assert_int_equal(seen->status[1], 0);
    assert_string_equal(seen->marks[1], ".nomedia");
    assert_string_equal(seen->marks[4], ".noimage");
    assert_null(seen->marks[0]);
    glimpse_walk_rules rules = {.include_nomedia = 1};
    walk(&rules);
    assert_string_equal(listing(),
                        "a.jpg|one/b.jpg|one/deep/c.jpg|three/f.jpg|two/e.jpg|two/in/d.jpg");
    char inside[PATH_MAX];
    (void)snprintf(inside, sizeof inside, "%s/two/in", directory);
    assert_int_equal(glimpse_walk_passes_by(&rules, directory, inside), 0);
    rules.include_nomedia = 0;
    assert_int_equal(glimpse_walk_passes_by(&rules, directory, inside), 1);
    const char *pattern = "in";
    rules.exclude = &pattern;
    rules.exclude_count = 1;
    walk(&rules);
    assert_string_equal(listing(), "a.jpg|one|three/f.jpg|two/e.jpg");
}

static void directories_of_others_are_not_entered(void **state) {
    (void)state;
    add_file("a/b.jpg");
    add_file("a/own/c.jpg");
    add_file("a/own.d/d.jpg");
    char apart[PATH_MAX];
    (void)snprintf(apart, sizeof apart, "%s/a/own", directory);
    const char *list = apart;
    glimpse_walk_rules rules = {.apart = &list, .apart_count = 1};
    walk(&rules);
    assert_string_equal(listing(), "a/b.jpg|a/own.d/d.jpg");
}

static void half_of_a_macos_pair_is_told_only_when_the_other_half_is_gone(void **state) {
    (void)state;
    add_file("._a.jpg");
    add_file("a.jpg");
    add_file("._gone.jpg");
    add_file("._notes.txt");
    add_file("._.DS_Store");
    walk(NULL);
    assert_string_equal(listing(), "._gone.jpg|a.jpg");
}

static void a_hidden_root_is_walked(void **state) {
    (void)state;
    add_file(".hidden/a.jpg");
    char root[PATH_MAX];
    (void)snprintf(root, sizeof root, "%s/.hidden", directory);
    glimpse_walk_summary summary;
    assert_int_equal(glimpse_walk(root, NULL, note, seen, &summary), 0);
    assert_string_equal(listing(), ".hidden/a.jpg");
}

static void only_unknown_endings_must_be_looked_into(void **state) {
    (void)state;
    add_file("a.jpg");
    add_file("b.txt");
    add_file("c.csv");
    add_file("d.MP4");
    add_file("e.json");
    add_file("f");
    add_file("g.crash");
    add_file("h.md");
    add_file("i.db-wal");
    walk(NULL);
    assert_string_equal(listing(), "a.jpg|f|g.crash");
    assert_int_equal(seen->must_sniff[0], 0);
    assert_int_equal(seen->must_sniff[1], 1);
    assert_int_equal(seen->must_sniff[2], 1);
}

static void exclude_patterns_match_names_and_paths(void **state) {
    (void)state;
    add_file("a.jpg");
    add_file("a_small.jpg");
    add_file("raw/a.jpg");
    add_file("2019/raw/b.jpg");
    add_file("2019/trip/c.jpg");
    add_file("2020/trip/d.jpg");
    add_file("raw.jpg");
    struct {
        const char *pattern, *left;
    } cases[] = {
        {"*_small.jpg", "a.jpg|raw.jpg|2019/raw/b.jpg|2019/trip/c.jpg|2020/trip/d.jpg|raw/a.jpg"},
        {"raw", "a.jpg|a_small.jpg|raw.jpg|2019/trip/c.jpg|2020/trip/d.jpg"},
        {"raw*/", "a.jpg|a_small.jpg|raw.jpg|2019/trip/c.jpg|2020/trip/d.jpg"},
        {"/raw", "a.jpg|a_small.jpg|raw.jpg|2019/raw/b.jpg|2019/trip/c.jpg|2020/trip/d.jpg"},
        {"20*/trip", "a.jpg|a_small.jpg|raw.jpg|2019/raw/b.jpg|raw/a.jpg"},
        {"2019/*", "a.jpg|a_small.jpg|raw.jpg|2020/trip/d.jpg|raw/a.jpg"},
        {"*", ""},
        {"[", "a.jpg|a_small.jpg|raw.jpg|2019/raw/b.jpg|2019/trip/c.jpg|2020/trip/d.jpg|raw/a.jpg"},
        {"", "a.jpg|a_small.jpg|raw.jpg|2019/raw/b.jpg|2019/trip/c.jpg|2020/trip/d.jpg|raw/a.jpg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        glimpse_walk_rules rules = {.exclude = &cases[i].pattern, .exclude_count = 1};
        walk(&rules);
        assert_string_equal(listing(), cases[i].left);
    }
    char whole[PATH_MAX];
    (void)snprintf(whole, sizeof whole, "%s/2019", directory);
    const char *pattern = whole;
    glimpse_walk_rules rules = {.exclude = &pattern, .exclude_count = 1};
    walk(&rules);
    assert_string_equal(listing(), "a.jpg|a_small.jpg|raw.jpg|2020/trip/d.jpg|raw/a.jpg");
}

static void links_to_files_are_followed_and_to_directories_when_asked(void **state) {
    (void)state;
    add_file("real/a.jpg");
    link_to("real/a.jpg", "link.jpg");
    link_to("real", "also");
    walk(NULL);
    assert_string_equal(listing(), "link.jpg|real/a.jpg");
    glimpse_walk_rules rules = {.follow_links = 1};
    walk(&rules); /* the directory once, under its own name although "also" sorts before it */
    assert_string_equal(listing(), "link.jpg|real/a.jpg");

    char *other = make_temp_directory();
    char inside[1100];
    (void)snprintf(inside, sizeof inside, "%s/far.jpg", other);
    write_text(inside, "");
    link_to(other, "elsewhere");
    walk(&rules);
    assert_string_equal(listing(), "link.jpg|real/a.jpg|elsewhere/far.jpg");
    walk(NULL);
    assert_string_equal(listing(), "link.jpg|real/a.jpg");
    remove_tree(other);
    free(other);
}

static void loops_of_links_end(void **state) {
    (void)state;
    add_file("a/1.jpg");
    add_file("b/2.jpg");
    link_to("..", "a/up");
    link_to("../b", "a/to_b");
    link_to("../a", "b/to_a");
    link_to(".", "self");
    link_to("loop", "loop");
    link_to("ring2.jpg", "ring1.jpg");
    link_to("ring1.jpg", "ring2.jpg");
    glimpse_walk_rules rules = {.follow_links = 1};
    walk(&rules);
    assert_string_equal(listing(), "ring1.jpg|ring2.jpg|a/1.jpg|b/2.jpg");
    assert_int_equal(seen->status[0], GLIMPSE_E_NOT_FOUND);
}

static void a_broken_link_with_a_pictures_name_is_told(void **state) {
    (void)state;
    link_to("nowhere", "a.jpg");
    link_to("nowhere", "readme");
    walk(NULL);
    assert_string_equal(listing(), "a.jpg");
    assert_int_equal(seen->status[0], GLIMPSE_E_NOT_FOUND);
    assert_int_equal(seen->is_directory[0], 0);
}

static void odd_names_are_bytes(void **state) {
    (void)state;
    add_file("new\nline.jpg");
    add_file("quote'\"`.jpg");
    add_file("\xff\xfe\x80.jpg");
    add_file("sp ace/ (1) #&%s.png");
    add_file("-rf.jpg");
    add_file("*.jpg");
    add_file("\xd0\x9a\xd0\xbe\xd1\x82.jpg");
    walk(NULL);
    assert_string_equal(listing(), "*.jpg|-rf.jpg|new\nline.jpg|quote'\"`.jpg|"
                                   "\xd0\x9a\xd0\xbe\xd1\x82.jpg|\xff\xfe\x80.jpg|"
                                   "sp ace/ (1) #&%s.png");
}

static void devices_pipes_and_sockets_are_skipped(void **state) {
    (void)state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/pipe.jpg", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    link_to("/dev/zero", "zero.jpg");
    add_file("a.jpg");
    walk(NULL); /* comes back at all */
    assert_string_equal(listing(), "a.jpg");
}

/* Goes down with chdir, past PATH_MAX, one directory of 200 bytes at a time. */
static void trees_deeper_than_a_path_are_told_not_died_of(void **state) {
    (void)state;
    char name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    char *back = getcwd(NULL, 0);
    assert_int_equal(chdir(directory), 0);
    for (int i = 0; i < 30; i++) {
        int fd = open("a.jpg", O_CREAT | O_WRONLY, 0666);
        assert_true(fd >= 0);
        (void)close(fd);
        assert_int_equal(mkdir(name, 0777), 0);
        assert_int_equal(chdir(name), 0);
    }
    assert_int_equal(chdir(back), 0);
    free(back);
    glimpse_walk_summary summary = walk(NULL);
    size_t files = 0, trouble = 0;
    for (size_t i = 0; i < seen->count; i++) {
        assert_true(strlen(seen->paths[i]) < PATH_MAX);
        if (seen->status[i] == 0) files++;
        if (seen->status[i] == GLIMPSE_E_LIMIT && seen->is_directory[i]) trouble++;
    }
    assert_true(files >= 19 && files <= 21);
    assert_int_equal(trouble, 1);
    assert_int_equal(files + trouble, seen->count);
    assert_true(summary.directories >= 20);
}

static void a_directory_without_permission_is_told(void **state) {
    (void)state;
    add_file("open/a.jpg");
    add_file("shut/b.jpg");
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/shut", directory);
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(directory, 0755), 0);
    const int privileged = geteuid() == 0;
    if (privileged && seteuid(65534) != 0) skip();
    int usable = access(directory, X_OK) == 0;
    if (usable) walk(NULL);
    if (privileged) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(path, 0755), 0);
    if (!usable) skip();
    assert_string_equal(listing(), "open/a.jpg|shut");
    assert_int_equal(seen->status[1], GLIMPSE_E_IO);
    assert_int_equal(seen->is_directory[1], 1);
}

static void the_visitor_can_stop(void **state) {
    (void)state;
    add_file("a.jpg");
    add_file("b/c.jpg");
    add_file("d.jpg");
    glimpse_walk_summary summary;
    seen->stop_after = 2;
    assert_int_equal(glimpse_walk(directory, NULL, note, seen, &summary), 7);
    assert_int_equal(seen->count, 2);
}

static void a_root_that_is_gone_or_empty_shows_in_the_summary(void **state) {
    (void)state;
    glimpse_walk_summary summary = walk(NULL);
    assert_int_equal(summary.root_entries, 0);
    assert_int_equal(summary.root_status, 0);
    char root[PATH_MAX];
    (void)snprintf(root, sizeof root, "%s/gone", directory);
    assert_int_equal(glimpse_walk(root, NULL, note, seen, &summary), 0);
    assert_int_equal(summary.root_status, GLIMPSE_E_NOT_FOUND);
    assert_int_equal(seen->count, 0);
    add_file("notes.txt");
    (void)snprintf(root, sizeof root, "%s/notes.txt", directory);
    assert_int_equal(glimpse_walk(root, NULL, note, seen, &summary), 0);
    assert_int_equal(seen->count, 1); /* asked for by name */
    assert_int_equal(seen->must_sniff[0], 0);
}

static void passing_by_is_told_from_names(void **state) {
    (void)state;
    const char *pattern = "raw";
    glimpse_walk_rules rules = {.exclude = &pattern, .exclude_count = 1};
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a", "/a/b/c"), 0);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a", "/a/.b/c"), 1);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a/.b", "/a/.b/c"), 0);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a", "/a/c/raw"), 1);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a", "/a/raw/c"), 1);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/a", "/ab/raw/c"), 0);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/", "/b/node_modules"), 1);
    assert_int_equal(glimpse_walk_passes_by(&rules, "/", "/b"), 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(files_come_sorted_before_directories),
        T(hidden_and_unwanted_places_are_left_out),
        T(half_of_a_macos_pair_is_told_only_when_the_other_half_is_gone),
        T(marked_directories_are_told_and_not_entered),
        T(directories_of_others_are_not_entered),
        T(a_hidden_root_is_walked),
        T(only_unknown_endings_must_be_looked_into),
        T(exclude_patterns_match_names_and_paths),
        T(links_to_files_are_followed_and_to_directories_when_asked),
        T(loops_of_links_end),
        T(a_broken_link_with_a_pictures_name_is_told),
        T(odd_names_are_bytes),
        T(devices_pipes_and_sockets_are_skipped),
        T(trees_deeper_than_a_path_are_told_not_died_of),
        T(a_directory_without_permission_is_told),
        T(the_visitor_can_stop),
        T(a_root_that_is_gone_or_empty_shows_in_the_summary),
        T(passing_by_is_told_from_names),
    };
#undef T
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
