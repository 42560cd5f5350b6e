/*
 * Trees of links and copies, and sidecars: what happens to files. Pictures are never moved, changed
 * or lost unless asked; every tree reads back as the labels it was made from.
 */
#include "support/label_samples.h"

#include "dataset_text.h"

#include <glimpse/datasets.h>

#include <limits.h>

static glimpse_dataset_options to(const char *format, const char *output, int place) {
    glimpse_dataset_options o = GLIMPSE_DATASET_OPTIONS_INIT;
    o.format = format;
    o.output = output;
    o.place = place;
    return o;
}

/* The tree, read as the truth, has each picture under its class. */
static void check_round_trip(const char *directory, int links) {
    glimpse_truth *t = NULL;
    assert_int_equal(glimpse_truth_load(&t, directory, NULL), GLIMPSE_OK);
    assert_int_equal(t->count, PICTURES - 1);
    for (size_t i = 0; links && i < PICTURES - 1; i++) {
        char *path = glimpse_path_resolved(sample_paths[i]);
        size_t place = 0;
        assert_int_equal(glimpse_truth_find(&place, t, path, 0), 1);
        assert_int_equal(t->pictures[place].class_count, 1);
        assert_string_equal(t->classes[t->pictures[place].classes[0]],
                            sample_classes[sample_truth[i]].name);
        free(path);
    }
    glimpse_truth_free(t);
}

static void image_directory_of_links_reads_back(void **state) {
    (void)state;
    glimpse_dataset_options o = to("imagefolder", "tree", GLIMPSE_PLACE_SYMLINK);
    glimpse_label_set set = sample_set(0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    check_round_trip("tree", 1);
    char target[PATH_MAX] = "";
    assert_true(readlink("tree/dog/plain.ppm", target, sizeof target - 1) > 0);
    assert_true(target[0] == '/');
    /* Collisions, also of upper and lower case. */
    struct stat info;
    assert_int_equal(stat("tree/dog/plain-2.ppm", &info), 0);
    assert_int_equal(stat("tree/dog/PLAIN-3.ppm", &info), 0);
    /* Odd classes are plain directories inside the tree, and nothing is anywhere else. */
    assert_int_equal(stat("tree/%2E%2E/-\xE2\x80\xAE rtl.ppm", &info), 0);
    assert_int_equal(stat("tree/a%2Fb/caf_.ppm", &info), 0);
    assert_int_equal(stat("tree/animal%2Fdog%2Fterrier/comma, \"quote\".ppm", &info), 0);
    glimpse_table *t = NULL;
    assert_int_equal(glimpse_table_load(&t, "tree/labels.csv"), GLIMPSE_OK);
    assert_int_equal(glimpse_table_rows(t), PICTURES);
    int file = glimpse_table_column(t, "file"), class_name = glimpse_table_column(t, "class");
    for (size_t i = 0; i < PICTURES; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof path, "tree/%s", glimpse_table_cell(t, i, file));
        assert_int_equal(stat(path, &info), 0);
        assert_string_equal(glimpse_table_cell(t, i, class_name),
                            i == LAST ? "" : sample_classes[sample_truth[i]].name);
    }
    assert_string_equal(glimpse_table_cell(t, LAST, file), "");
    glimpse_table_free(t);
}

static void hard_links_are_the_same_file_and_copies_are_not(void **state) {
    (void)state;
    glimpse_label_set set = sample_set(0);
    struct stat source, made;
    glimpse_dataset_options o = to("imagefolder", "hard", GLIMPSE_PLACE_HARDLINK);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    assert_int_equal(stat("plain.ppm", &source) | stat("hard/dog/plain.ppm", &made), 0);
    assert_true(source.st_ino == made.st_ino);
    o = to("imagefolder", "copied/", GLIMPSE_PLACE_COPY);
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
    glimpse_label_set set = sample_set(0);
    struct stat info;
    glimpse_dataset_options o = to("imagefolder", "moved", GLIMPSE_PLACE_MOVE);
    /* One of them cannot be moved: nothing is. */
    assert_int_equal(rename("sub/plain.ppm", "sub/away"), 0);
    assert_true(sample_write(&o, &set, 1) < 0);
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
    glimpse_label_set set = sample_set(0);
    struct stat info;
    glimpse_dataset_options o = to("imagefolder", "gone", GLIMPSE_PLACE_MOVE);
    glimpse_dataset_writer *writer = NULL;
    assert_int_equal(glimpse_dataset_writer_open(&writer, &set, &o), GLIMPSE_OK);
    /* The same picture twice: the second time it is no longer there. */
    static const char *const paths[] = {"plain.ppm", "sub/plain.ppm", "plain.ppm"};
    for (size_t i = 0; i < 3; i++) {
        const glimpse_label label = {
            .class_index = DOG, .probability = 0.5, .score = 0.2, .accepted = 1};
        glimpse_labelled p = {0};
        p.path = paths[i];
        p.labels = &label;
        p.count = 1;
        p.background = -1;
        assert_int_equal(glimpse_dataset_writer_add(writer, &p), GLIMPSE_OK);
    }
    assert_true(glimpse_dataset_writer_finish(writer, 1) < 0);
    assert_non_null(strstr(glimpse_last_error(), "plain.ppm: cannot move"));
    glimpse_dataset_writer_close(writer);
    assert_int_equal(stat("plain.ppm", &info) | stat("sub/plain.ppm", &info), 0);
    run_result r;
    run_shell(&r, "ls | grep gone");
    assert_string_equal(r.out, "");
    run_free(&r);
}

static void a_tree_is_never_mixed_with_what_is_there(void **state) {
    (void)state;
    glimpse_label_set set = sample_set(0);
    glimpse_dataset_options o = to("imagefolder", "sub", GLIMPSE_PLACE_SYMLINK);
    assert_true(sample_write(&o, &set, 1) < 0);
    o.output = "plain.ppm";
    assert_true(sample_write(&o, &set, 1) < 0);
    assert_int_equal(mkdir("empty", 0777), 0);
    o.output = "empty";
    assert_int_equal(sample_write(&o, &set, 1), 0);
    check_round_trip("empty", 1);
}

static void hugging_face_metadata_names_every_picture(void **state) {
    (void)state;
    glimpse_label_set set = sample_set(0);
    glimpse_dataset_options o = to("hf", "hf", GLIMPSE_PLACE_COPY);
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

static void class_names_and_directory_names_turn_into_each_other(void **state) {
    (void)state;
    static const char *const names[] = {
        "dog",       "a/b",         "..",  ".",   "",    "100%",  "%41",    "CON:", " x ",
        "tab\there", "caf\xC3\xA9", "-rf", "a.b", "x|y", "_none", "_nones", "%"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *directory = glimpse_class_to_directory(names[i]),
             *name = glimpse_class_from_directory(directory);
        assert_string_equal(name, names[i]);
        assert_null(strchr(directory, '/'));
        assert_true(*directory != '\0' && directory[0] != '.');
        free(directory);
        free(name);
    }
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    char *first = glimpse_class_to_directory(longer);
    longer[sizeof longer - 2] = 'y';
    char *second = glimpse_class_to_directory(longer);
    assert_true(strlen(first) < 255 && strcmp(first, second) != 0);
    free(first);
    free(second);
    char *foreign =
        glimpse_class_from_directory("50%off"); /* of a directory that glimpse did not name */
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
    glimpse_label_set set = sample_set(1);
    glimpse_dataset_options o = to("xmp", NULL, GLIMPSE_PLACE_SYMLINK);
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
    glimpse_label_set set = sample_set(0);
    glimpse_dataset_options o = to("xmp", NULL, GLIMPSE_PLACE_SYMLINK);
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
    assert_true(sample_write(&o, &set, 1) > 0);
    again = read_whole_file("plain.ppm.xmp", NULL);
    assert_string_equal(changed, again);
    free(again);
    again = read_whole_file("sub/plain.ppm.xmp", NULL);
    assert_string_equal(foreign, again);
    free(again);
    free(changed);
    /* Ours of an earlier run goes when there is no label any more; theirs does not. */
    write_file("unsure.ppm.xmp", own, size);
    assert_true(sample_write(&o, &set, 1) > 0);
    struct stat info;
    assert_int_not_equal(stat("unsure.ppm.xmp", &info), 0);
    write_file("unsure.ppm.xmp", foreign, strlen(foreign));
    assert_true(sample_write(&o, &set, 1) > 0);
    assert_int_equal(stat("unsure.ppm.xmp", &info), 0);
    free(own);
}

static void sidecars_can_live_in_a_directory_of_their_own(void **state) {
    (void)state;
    glimpse_label_set set = sample_set(0);
    glimpse_dataset_options o = to("xmp", "sidecars/here", GLIMPSE_PLACE_SYMLINK);
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
        cmocka_unit_test(image_directory_of_links_reads_back),
        cmocka_unit_test(hard_links_are_the_same_file_and_copies_are_not),
        cmocka_unit_test(pictures_move_only_when_asked_and_all_or_none),
        cmocka_unit_test(a_move_that_fails_half_way_brings_everything_back),
        cmocka_unit_test(a_tree_is_never_mixed_with_what_is_there),
        cmocka_unit_test(hugging_face_metadata_names_every_picture),
        cmocka_unit_test(class_names_and_directory_names_turn_into_each_other),
        cmocka_unit_test(sidecars_are_read_by_exiftool),
        cmocka_unit_test(sidecars_of_others_are_left_as_they_are),
        cmocka_unit_test(sidecars_can_live_in_a_directory_of_their_own),
    };
    return cmocka_run_group_tests(tests, make_all, run_teardown);
}
