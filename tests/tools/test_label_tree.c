/*
 * Trees of links and copies, and sidecars: what happens to files. Pictures are never moved, changed
 * or lost unless asked; every tree reads back as the labels it was made from.
 */
#include "label_out_support.h"

#include "table_in.h"
#include "tool.h"
#include "truth.h"

#include <limits.h>

static label_out_options to(int format, const char *output, int place) {
    label_out_options o = LABEL_OUT_OPTIONS_INIT;
    o.format = format;
    o.output = output;
    o.place = place;
    return o;
}

/* The tree, read as the truth, has each picture under its class. */
static void check_round_trip(const char *folder, int links) {
    truth_set *t = truth_read(folder, NULL);
    assert_non_null(t);
    assert_int_equal(t->count, PICTURES - 1);
    for (size_t i = 0; links && i < PICTURES - 1; i++) {
        char *path = path_settle(sample_paths[i]);
        truth_index *index = truth_index_make(t);
        size_t place = 0;
        assert_int_equal(truth_find(index, path, 0, &place), 1);
        assert_int_equal(t->pictures[place].class_count, 1);
        assert_string_equal(t->classes[t->pictures[place].classes[0]],
                            sample_classes[sample_truth[i]].name);
        truth_index_free(index);
        free(path);
    }
    truth_free(t);
}

static void image_folder_of_links_reads_back(void **state) {
    (void)state;
    label_out_options o = to(LABEL_OUT_IMAGEFOLDER, "tree", LABEL_PLACE_SYMLINK);
    label_set set = sample_set(0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    check_round_trip("tree", 1);
    char target[PATH_MAX] = "";
    assert_true(readlink("tree/dog/plain.ppm", target, sizeof target - 1) > 0);
    assert_true(target[0] == '/');
    /* Collisions, also of upper and lower case. */
    struct stat info;
    assert_int_equal(stat("tree/dog/plain-2.ppm", &info), 0);
    assert_int_equal(stat("tree/dog/PLAIN-3.ppm", &info), 0);
    /* Odd classes are plain folders inside the tree, and nothing is anywhere else. */
    assert_int_equal(stat("tree/%2E%2E/-\xE2\x80\xAE rtl.ppm", &info), 0);
    assert_int_equal(stat("tree/a%2Fb/caf_.ppm", &info), 0);
    assert_int_equal(stat("tree/animal%2Fdog%2Fterrier/comma, \"quote\".ppm", &info), 0);
    table_in *t = table_in_read("tree/labels.csv");
    assert_non_null(t);
    assert_int_equal(t->row_count, PICTURES);
    int file = table_in_column(t, "file"), class_name = table_in_column(t, "class");
    for (size_t i = 0; i < PICTURES; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "tree/%s", table_in_cell(t, i, file));
        assert_int_equal(stat(path, &info), 0);
        assert_string_equal(table_in_cell(t, i, class_name),
                            i == LAST ? "" : sample_classes[sample_truth[i]].name);
    }
    assert_string_equal(table_in_cell(t, LAST, file), "");
    table_in_free(t);
}

static void hard_links_are_the_same_file_and_copies_are_not(void **state) {
    (void)state;
    label_set set = sample_set(0);
    struct stat source, made;
    label_out_options o = to(LABEL_OUT_IMAGEFOLDER, "hard", LABEL_PLACE_HARDLINK);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    assert_int_equal(stat("plain.ppm", &source) | stat("hard/dog/plain.ppm", &made), 0);
    assert_true(source.st_ino == made.st_ino);
    o = to(LABEL_OUT_IMAGEFOLDER, "copied/", LABEL_PLACE_COPY);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    assert_int_equal(stat("plain.ppm", &source) | lstat("copied/dog/plain.ppm", &made), 0);
    assert_true(source.st_ino != made.st_ino && S_ISREG(made.st_mode));
    assert_true(source.st_mtime == made.st_mtime);
    size_t a = 0, b = 0;
    void *first = read_whole_file("plain.ppm", &a);
    void *second = read_whole_file("copied/dog/plain.ppm", &b);
    assert_int_equal(a, b);
    assert_memory_equal(first, second, a);
    free(first);
    free(second);
    check_round_trip("copied", 0);
}

static void pictures_move_only_when_asked_and_all_or_none(void **state) {
    (void)state;
    label_set set = sample_set(0);
    struct stat info;
    label_out_options o = to(LABEL_OUT_IMAGEFOLDER, "moved", LABEL_PLACE_MOVE);
    /* One of them cannot be moved: nothing is. */
    assert_int_equal(rename("sub/plain.ppm", "sub/away"), 0);
    assert_int_equal(sample_write(&o, &set, 1), EXIT_FAILED);
    assert_int_not_equal(stat("moved", &info), 0);
    assert_int_equal(stat("plain.ppm", &info), 0);
    assert_int_equal(rename("sub/away", "sub/plain.ppm"), 0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    assert_int_not_equal(stat("plain.ppm", &info), 0);
    assert_int_equal(stat("moved/dog/plain.ppm", &info), 0);
    assert_int_equal(stat("unsure.ppm", &info), 0); /* no label, no place */
    check_round_trip("moved", 0);
    sample_make();
}

static void a_move_that_fails_half_way_brings_everything_back(void **state) {
    (void)state;
    label_set set = sample_set(0);
    struct stat info;
    label_out_options o = to(LABEL_OUT_IMAGEFOLDER, "gone", LABEL_PLACE_MOVE);
    label_out *out = NULL;
    assert_int_equal(label_out_open(&out, &o, &set), CLI_RUN);
    /* The same picture twice: the second time it is no longer there. */
    static const char *const paths[] = {"plain.ppm", "sub/plain.ppm", "plain.ppm"};
    for (size_t i = 0; i < 3; i++) {
        const label_choice label = {DOG, 0.5, 0.2, 1};
        label_result r = {0};
        r.path = paths[i];
        r.labels = &label;
        r.count = 1;
        r.background = -1;
        assert_int_equal(label_out_put(out, &r), CLI_RUN);
    }
    const label_totals totals = {3, 0, 0, 1};
    assert_int_equal(label_out_finish(out, &totals), EXIT_FAILED);
    label_out_free(out);
    assert_int_equal(stat("plain.ppm", &info) | stat("sub/plain.ppm", &info), 0);
    run_result r;
    run_shell(&r, "ls | grep gone");
    assert_string_equal(r.out, "");
    run_free(&r);
}

static void a_tree_is_never_mixed_with_what_is_there(void **state) {
    (void)state;
    label_set set = sample_set(0);
    label_out_options o = to(LABEL_OUT_IMAGEFOLDER, "sub", LABEL_PLACE_SYMLINK);
    assert_int_equal(sample_write(&o, &set, 1), EXIT_FAILED);
    o.output = "plain.ppm";
    assert_int_equal(sample_write(&o, &set, 1), EXIT_FAILED);
    assert_int_equal(mkdir("empty", 0777), 0);
    o.output = "empty";
    assert_int_equal(sample_write(&o, &set, 1), 0);
    check_round_trip("empty", 1);
}

static void hugging_face_metadata_names_every_picture(void **state) {
    (void)state;
    label_set set = sample_set(0);
    label_out_options o = to(LABEL_OUT_HF, "hf", LABEL_PLACE_COPY);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    char *text = read_whole_file("hf/metadata.jsonl", NULL);
    run_result lines = {0, text, NULL, strlen(text), 0};
    json_t *all = run_json_lines(&lines);
    assert_int_equal(json_array_size(all), PICTURES);
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *line = json_array_get(all, i);
        struct stat info;
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "hf/%s", text_at(line, "file_name"));
        assert_int_equal(stat(path, &info), 0);
        if (i == LAST) {
            assert_true(json_is_null(at(line, "label")));
        } else {
            assert_string_equal(text_at(line, "label"), sample_classes[sample_truth[i]].name);
        }
    }
    assert_string_equal(text_at(all, "3.file_name"), "images/plain-2.ppm");
    json_decref(all);
    free(text);
    set = sample_set(1);
    o.output = "hf-multi";
    assert_int_equal(sample_write(&o, &set, 1), 0);
    text = read_whole_file("hf-multi/metadata.jsonl", NULL);
    assert_non_null(strstr(text, "\"labels\":[\"animal/dog/terrier\",\"dog\"]"));
    free(text);
}

static void class_names_and_folder_names_turn_into_each_other(void **state) {
    (void)state;
    static const char *const names[] = {
        "dog",       "a/b",         "..",  ".",   "",    "100%",  "%41",    "CON:", " x ",
        "tab\there", "caf\xC3\xA9", "-rf", "a.b", "x|y", "_none", "_nones", "%"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *folder = class_to_folder(names[i]), *name = class_from_folder(folder);
        assert_string_equal(name, names[i]);
        assert_null(strchr(folder, '/'));
        assert_true(*folder != '\0' && folder[0] != '.');
        free(folder);
        free(name);
    }
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    char *first = class_to_folder(longer);
    longer[sizeof longer - 2] = 'y';
    char *second = class_to_folder(longer);
    assert_true(strlen(first) < 255 && strcmp(first, second) != 0);
    free(first);
    free(second);
    char *foreign = class_from_folder("50%off"); /* of a folder that glimpse did not name */
    assert_string_equal(foreign, "50%off");
    free(foreign);
}

/*
 * Sidecars.
 */
static int have_exiftool(void) {
    return system("exiftool -ver >/dev/null 2>&1") == 0;
}

static void sidecars_are_read_by_exiftool(void **state) {
    (void)state;
    label_set set = sample_set(1);
    label_out_options o = to(LABEL_OUT_XMP, NULL, 0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    struct stat info;
    assert_int_equal(stat("plain.ppm.xmp", &info), 0);
    assert_int_not_equal(stat("unsure.ppm.xmp", &info), 0);
    char *text = read_whole_file("<b onload=x>&.ppm.xmp", NULL);
    assert_non_null(strstr(text, "<rdf:li>&lt;script&gt;alert('1')&lt;</rdf:li>"));
    free(text);
    if (!have_exiftool()) {
        print_message("SKIPPED: exiftool is not installed\n");
        return;
    }
    run_result r;
    run_shell(&r, "exiftool -j -struct -XMP:Subject -XMP:HierarchicalSubject "
                  "'comma, \"quote\".ppm.xmp'; exiftool -warning -error -validate -s3 ./*.xmp");
    assert_non_null(strstr(r.out, "\"Subject\": [\"animal\",\"dog\",\"terrier\"]"));
    assert_non_null(strstr(r.out, "\"HierarchicalSubject\": [\"animal|dog|terrier\"]"));
    assert_null(strstr(r.out, "Error"));
    assert_null(strstr(r.out, "Warning"));
    run_free(&r);
    run_shell(&r, "exiftool -j -XMP:Subject plain.ppm.xmp");
    assert_non_null(strstr(r.out, "\"Subject\": \"dog\""));
    run_free(&r);
}

static void sidecars_of_others_are_left_as_they_are(void **state) {
    (void)state;
    static const char foreign[] = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>\n";
    label_set set = sample_set(0);
    label_out_options o = to(LABEL_OUT_XMP, NULL, 0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    size_t size = 0;
    char *own = read_whole_file("plain.ppm.xmp", &size);
    /* Ours, again: the same. */
    assert_int_equal(sample_write(&o, &set, 1), 0);
    char *again = read_whole_file("plain.ppm.xmp", NULL);
    assert_string_equal(own, again);
    free(again);
    /* Somebody rated the picture in ours: it is theirs now. */
    char *changed = strdup(own);
    *strstr(changed, "dog") = 'D';
    write_file("plain.ppm.xmp", changed, size);
    write_file("sub/plain.ppm.xmp", foreign, strlen(foreign));
    write_file("sub2/PLAIN.ppm.xmp", "", 0);
    assert_int_equal(sample_write(&o, &set, 1), EXIT_PARTIAL);
    again = read_whole_file("plain.ppm.xmp", NULL);
    assert_string_equal(changed, again);
    free(again);
    again = read_whole_file("sub/plain.ppm.xmp", NULL);
    assert_string_equal(foreign, again);
    free(again);
    free(changed);
    /* Ours of an earlier run goes when there is no label any more; theirs does not. */
    write_file("unsure.ppm.xmp", own, size);
    assert_int_equal(sample_write(&o, &set, 1), EXIT_PARTIAL);
    struct stat info;
    assert_int_not_equal(stat("unsure.ppm.xmp", &info), 0);
    write_file("unsure.ppm.xmp", foreign, strlen(foreign));
    assert_int_equal(sample_write(&o, &set, 1), EXIT_PARTIAL);
    assert_int_equal(stat("unsure.ppm.xmp", &info), 0);
    free(own);
}

static void sidecars_can_live_in_a_folder_of_their_own(void **state) {
    (void)state;
    label_set set = sample_set(0);
    label_out_options o = to(LABEL_OUT_XMP, "sidecars/here", 0);
    struct stat info;
    o.relative_to = ".";
    assert_int_equal(sample_write(&o, &set, 1), 0);
    assert_int_equal(stat("sidecars/here/sub/plain.ppm.xmp", &info), 0);
    assert_int_equal(stat("sidecars/here/caf\xE9.ppm.xmp", &info), 0);
}

static int make_all(void **state) {
    int failed = run_setup(state);
    if (!failed) sample_make();
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_folder_of_links_reads_back),
        cmocka_unit_test(hard_links_are_the_same_file_and_copies_are_not),
        cmocka_unit_test(pictures_move_only_when_asked_and_all_or_none),
        cmocka_unit_test(a_move_that_fails_half_way_brings_everything_back),
        cmocka_unit_test(a_tree_is_never_mixed_with_what_is_there),
        cmocka_unit_test(hugging_face_metadata_names_every_picture),
        cmocka_unit_test(class_names_and_folder_names_turn_into_each_other),
        cmocka_unit_test(sidecars_are_read_by_exiftool),
        cmocka_unit_test(sidecars_of_others_are_left_as_they_are),
        cmocka_unit_test(sidecars_can_live_in_a_folder_of_their_own),
    };
    return cmocka_run_group_tests(tests, make_all, run_teardown);
}
