/*
 * Formats of data sets that are files: each is read back, or held to the rules of its kind.
 * Names of pictures and classes are as hostile as file systems and people allow.
 */
#include "support/label_samples.h"

#include <glimpse/datasets.h>

#include <math.h>

/* NULL when it is refused. */
static glimpse_table *load_table(const char *path) {
    glimpse_table *table = NULL;
    int status = glimpse_table_load(&table, path);
    assert_true((status == GLIMPSE_OK) == (table != NULL));
    return table;
}

static glimpse_dataset_options to_file(const char *format, const char *output) {
    glimpse_dataset_options o = GLIMPSE_DATASET_OPTIONS_INIT;
    o.format = format;
    o.output = output;
    return o;
}

static void csv_reads_back_byte_for_byte(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("csv", "labels.csv");
    glimpse_label_set set = sample_set(0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    glimpse_table *t = load_table("labels.csv");
    assert_non_null(t);
    assert_int_equal(glimpse_table_columns(t), 6);
    assert_int_equal(glimpse_table_rows(t), 2 * (PICTURES - 1) + 1);
    for (size_t i = 0; i + 1 < PICTURES; i++) {
        assert_string_equal(glimpse_table_cell(t, 2 * i, 0), sample_paths[i]);
        assert_string_equal(glimpse_table_cell(t, 2 * i, 1), "1");
        assert_string_equal(glimpse_table_cell(t, 2 * i, 2), sample_classes[sample_truth[i]].name);
        assert_true(fabs(atof(glimpse_table_cell(t, 2 * i, 3)) - (0.75 - (double)i / 100)) < 1e-9);
        assert_string_equal(glimpse_table_cell(t, 2 * i, 5), "false");
        assert_string_equal(glimpse_table_cell(t, 2 * i + 1, 1), "2");
    }
    size_t last = 2 * (PICTURES - 1);
    assert_string_equal(glimpse_table_cell(t, last, 0), "unsure.ppm");
    assert_string_equal(glimpse_table_cell(t, last, 2), "");
    assert_string_equal(glimpse_table_cell(t, last, 5), "true");
    glimpse_table_free(t);
    /* And as RFC 4180 wants it, spelled out. */
    char *text = read_whole_file("labels.csv", NULL);
    assert_non_null(strstr(text, "\n\"comma, \"\"quote\"\".ppm\",1,animal/dog/terrier,0.74,0.3,"
                                 "false\n"));
    assert_non_null(strstr(text, "\n\"new\nline.ppm\",1,\"comma, \"\"quoted\"\"\nline\",0.73,"));
    free(text);
}

static void jsonl_has_the_promised_keys_and_the_exact_bytes(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("jsonl", "labels.jsonl");
    glimpse_label_set set = sample_set(0);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    char *text = read_whole_file("labels.jsonl", NULL);
    run_result lines = {0, text, NULL, strlen(text), 0};
    json_t *all = run_json_lines(&lines);
    assert_int_equal(json_array_size(all), PICTURES + 1);
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *line = json_array_get(all, i);
        assert_int_equal(json_array_size(at(line, "labels")), 2);
        assert_true(json_is_boolean(at(line, "abstained")));
        assert_int_equal(json_is_true(at(line, "abstained")), i == LAST);
        assert_true(number_at(line, "labels.0.score") > 0.29);
        assert_true(number_at(line, "labels.0.probability") > 0.5);
        if (i < LAST) {
            assert_string_equal(text_at(line, "labels.0.class"),
                                sample_classes[sample_truth[i]].name);
        }
        if (i == LATIN1) {
            assert_string_equal(text_at(line, "path_bytes"), "636166e92e70706d");
        } else {
            assert_string_equal(text_at(line, "path"), sample_paths[i]);
            assert_null(json_object_get(line, "path_bytes"));
        }
    }
    assert_string_equal(text_at(json_array_get(all, PICTURES), "error"), "broken.jpg: no picture");
    json_decref(all);
    free(text);
}

static void multi_label_says_which_are_claimed(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("csv", "multi.csv");
    glimpse_label_set set = sample_set(1);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    glimpse_table *t = load_table("multi.csv");
    assert_non_null(t);
    int accepted = glimpse_table_column(t, "accepted");
    assert_int_equal(accepted, 6);
    assert_string_equal(glimpse_table_cell(t, 0, accepted), "true");
    assert_string_equal(glimpse_table_cell(t, 1, accepted), "false");
    assert_string_equal(glimpse_table_cell(t, 3, accepted), "true");
    glimpse_table_free(t);
}

/* The rules of the COCO format for object annotations, as its page and pycocotools have them. */
static void check_coco(const json_t *root, size_t images, size_t annotations) {
    size_t i = 0;
    const json_t *item = NULL;
    assert_true(json_is_object(at(root, "info")));
    assert_true(json_is_array(at(root, "licenses")));
    assert_int_equal(json_array_size(at(root, "images")), images);
    assert_int_equal(json_array_size(at(root, "annotations")), annotations);
    assert_int_equal(json_array_size(at(root, "categories")), CLASSES);
    json_array_foreach(at(root, "categories"), i, item) {
        assert_int_equal(number_at(item, "id"), i + 1);
        assert_string_equal(text_at(item, "name"), sample_classes[i].name);
        (void)text_at(item, "supercategory");
    }
    json_array_foreach(at(root, "images"), i, item) {
        assert_int_equal(number_at(item, "id"), i + 1);
        assert_true(json_is_integer(at(item, "width")) && json_is_integer(at(item, "height")));
        assert_true(number_at(item, "width") > 0 && number_at(item, "height") > 0);
        (void)text_at(item, "file_name");
    }
    json_array_foreach(at(root, "annotations"), i, item) {
        assert_int_equal(number_at(item, "id"), i + 1);
        size_t image = (size_t)number_at(item, "image_id");
        size_t category = (size_t)number_at(item, "category_id");
        assert_true(image >= 1 && image <= images && category >= 1 && category <= CLASSES);
        const json_t *of = json_array_get(at(root, "images"), image - 1);
        assert_int_equal(number_at(item, "bbox.0"), 0);
        assert_int_equal(number_at(item, "bbox.1"), 0);
        assert_int_equal(number_at(item, "bbox.2"), number_at(of, "width"));
        assert_int_equal(number_at(item, "bbox.3"), number_at(of, "height"));
        assert_int_equal(number_at(item, "area"), number_at(of, "width") * number_at(of, "height"));
        assert_int_equal(number_at(item, "iscrowd"), 0);
        assert_true(json_is_array(at(item, "segmentation")));
        assert_true(number_at(item, "score") >= 0 && number_at(item, "score") <= 1);
    }
}

static void coco_keeps_the_rules_of_its_fields(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("coco", "coco.json");
    glimpse_label_set set = sample_set(0);
    /* One name is not UTF-8: left out and told, the rest is whole. */
    assert_true(sample_write(&o, &set, 1) > 0);
    json_t *root = json_file("coco.json");
    check_coco(root, PICTURES - 1, PICTURES - 2);
    assert_string_equal(text_at(root, "images.0.file_name"), "plain.ppm");
    assert_int_equal(number_at(root, "images.0.width"), 40);
    assert_int_equal(number_at(root, "annotations.1.category_id"), TERRIER + 1);
    assert_string_equal(text_at(root, "categories.1.supercategory"), "animal/dog");
    json_decref(root);
    set = sample_set(1);
    o.relative_to = "sub";
    assert_true(sample_write(&o, &set, 1) > 0);
    root = json_file("coco.json");
    check_coco(root, PICTURES - 1, 3 + 2 * (PICTURES - 5));
    assert_string_equal(text_at(root, "images.3.file_name"), "plain.ppm");
    assert_true(text_at(root, "images.0.file_name")[0] == '/');
    json_decref(root);
}

/* Undoes %XX. */
static char *decode(const char *text) {
    char *plain = strdup(text), *to = plain;
    assert_non_null(plain);
    for (; *text; text++) {
        if (*text == '%') {
            char digits[3] = {text[1], text[2], 0};
            *to++ = (char)strtol(digits, NULL, 16);
            text += 2;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
    return plain;
}

static void label_studio_tasks_have_the_documented_shape(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("labelstudio", "tasks.json");
    glimpse_label_set set = sample_set(0);
    o.relative_to = ".";
    o.url_prefix = "https://example.org/data?d=";
    assert_int_equal(sample_write(&o, &set, 1), 0);
    json_t *root = json_file("tasks.json");
    char *config = read_whole_file("tasks-config.xml", NULL);
    assert_non_null(strstr(config, "<Image name=\"image\" value=\"$image\"/>"));
    assert_non_null(strstr(config, "<Choices name=\"label\" toName=\"image\" choice=\"single\">"));
    assert_non_null(strstr(config, "<Choice value=\"&lt;script&gt;alert('1')&lt;/script&gt;"
                                   "&amp;amp;\"/>"));
    assert_non_null(strstr(config, "<Choice value=\"comma, &quot;quoted&quot;&#10;line\"/>"));
    assert_int_equal(json_array_size(root), PICTURES);
    for (size_t i = 0; i < PICTURES; i++) {
        const json_t *task = json_array_get(root, i), *predictions = at(task, "predictions");
        const char *url = text_at(task, "data.image");
        assert_memory_equal(url, o.url_prefix, strlen(o.url_prefix));
        assert_int_equal(strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789:/?=%-_.~"),
                         strlen(url));
        char *path = decode(url + strlen(o.url_prefix));
        assert_string_equal(path, sample_paths[i]);
        free(path);
        if (i == LAST) {
            assert_int_equal(json_array_size(predictions), 0);
            continue;
        }
        const json_t *p = json_array_get(predictions, 0);
        assert_string_equal(text_at(p, "model_version"), "a \"model\"");
        assert_true(fabs(number_at(p, "score") - (0.75 - (double)i / 100)) < 1e-9);
        assert_int_equal(json_array_size(at(p, "result")), 1);
        assert_string_equal(text_at(p, "result.0.from_name"), "label");
        assert_string_equal(text_at(p, "result.0.to_name"), "image");
        assert_string_equal(text_at(p, "result.0.type"), "choices");
        assert_true(*text_at(p, "result.0.id") != '\0');
        assert_int_equal(json_array_size(at(p, "result.0.value.choices")), 1);
        assert_string_equal(text_at(p, "result.0.value.choices.0"),
                            sample_classes[sample_truth[i]].name);
    }
    json_decref(root);
    free(config);
}

static void label_studio_multi_label_has_all_choices_and_the_least_score(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("labelstudio", "multi-tasks.json");
    glimpse_label_set set = sample_set(1);
    assert_int_equal(sample_write(&o, &set, 1), 0);
    json_t *root = json_file("multi-tasks.json");
    assert_int_equal(json_array_size(at(root, "1.predictions.0.result.0.value.choices")), 2);
    assert_true(fabs(number_at(root, "1.predictions.0.score") - 0.125) < 1e-9);
    char *config = read_whole_file("multi-tasks-config.xml", NULL);
    assert_non_null(strstr(config, "choice=\"multiple\""));
    free(config);
    json_decref(root);
}

static void fiftyone_keys_lead_to_pictures_and_targets_to_classes(void **state) {
    (void)state;
    glimpse_dataset_options o = to_file("fiftyone", "fiftyone");
    glimpse_label_set set = sample_set(0);
    assert_true(sample_write(&o, &set, 1) > 0);
    json_t *labels = json_file("fiftyone/labels.json"), *data = json_file("fiftyone/data.json");
    const char *key = NULL;
    json_t *value = NULL;
    size_t count = 0, unlabelled = 0;
    assert_int_equal(json_array_size(at(labels, "classes")), CLASSES);
    assert_string_equal(text_at(labels, "classes.6"), "a/b");
    json_object_foreach(json_object_get(labels, "labels"), key, value) {
        struct stat info;
        const char *path = text_at(data, key);
        assert_true(path[0] == '/' && stat(path, &info) == 0);
        assert_null(strchr(key, '.'));
        count++;
        if (json_is_null(value)) {
            unlabelled++;
            continue;
        }
        assert_true(json_is_integer(at(value, "label")));
        assert_true(number_at(value, "label") >= 0 && number_at(value, "label") < CLASSES);
        assert_true(number_at(value, "confidence") > 0.5);
    }
    assert_int_equal(count, PICTURES - 1);
    assert_int_equal(json_object_size(data), count);
    assert_int_equal(unlabelled, 1);
    assert_int_equal(number_at(labels, "labels.00000002.label"), TERRIER);
    json_decref(labels);
    json_decref(data);
}

static void nothing_incomplete_looks_whole(void **state) {
    (void)state;
    static const char *const formats[] = {"csv",         "jsonl", "coco",
                                          "imagefolder", "hf",    "labelstudio"};
    glimpse_label_set set = sample_set(0);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        glimpse_dataset_options o = to_file(formats[i], "half");
        struct stat info;
        assert_int_equal(sample_write(&o, &set, 0), 0);
        assert_int_not_equal(stat("half", &info), 0);
        assert_int_not_equal(stat("half-config.xml", &info), 0);
    }
    glimpse_dataset_options o = to_file("fiftyone", "half-fiftyone");
    assert_int_equal(sample_write(&o, &set, 0), 0);
    run_result r;
    run_shell(&r, "ls -A half-fiftyone; ls -A | grep tmp");
    assert_string_equal(r.out, "");
    run_free(&r);
}

static void a_file_that_cannot_be_written_is_a_failure(void **state) {
    (void)state;
    glimpse_label_set set = sample_set(0);
    glimpse_dataset_options o = to_file("csv", "no/such/folder.csv");
    assert_true(sample_write(&o, &set, 1) < 0);
    o = to_file("fiftyone", "no/such/folder");
    assert_true(sample_write(&o, &set, 1) < 0);
    o = to_file("coco", "sub"); /* a directory */
    assert_true(sample_write(&o, &set, 1) < 0);
}

/*
 * Tables that come in.
 */
static void tables_are_read_or_refused_with_the_line(void **state) {
    (void)state;
    static const struct {
        const char *name, *text;
        size_t rows; /* 99: refused */
    } cases[] = {
        {"a.csv", "path,class\r\nx,y\r\n\r\nz,\"w\"\r\n", 2},
        {"a.csv", "\xEF\xBB\xBFpath,class\nx", 1},
        {"a.csv", "path,class\nx,\n,", 2},
        {"a.tsv", "path\tclass\n\"x\ty\"\n", 1},
        {"a.csv", "path,class\n\"x,y\n", 99},
        {"a.csv", "path,class\n\"x\"y,z\n", 99},
        {"a.csv", "path,class\nx,y,z\n", 99},
        {"a.csv", "", 99},
        {"a.csv", "\n\n", 99},
        {"a.csv", "path,class\n\"x\"\rz\n", 99},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(cases[i].name, cases[i].text, strlen(cases[i].text));
        glimpse_table *t = load_table(cases[i].name);
        if ((t ? glimpse_table_rows(t) : (size_t)99) != cases[i].rows) fail_msg("case %zu", i);
        if (t) assert_int_equal(glimpse_table_column(t, "class"), 1);
        glimpse_table_free(t);
    }
    write_file("nul.csv", "path,class\nx\0y,z\n", 17);
    assert_null(load_table("nul.csv"));
    assert_null(load_table("not there.csv"));
    assert_null(load_table("sub"));
    /* Every prefix of a tricky table ends one way or the other. */
    static const char tricky[] = "path,class\r\n\"a\"\"b\",\"c\r\nd\"\r\n\"\",\"\"\r\n";
    for (size_t n = 0; n < sizeof tricky; n++) {
        write_file("prefix.csv", tricky, n);
        glimpse_table_free(load_table("prefix.csv"));
    }
}

static int make_all(void **state) {
    int failed = run_setup(state);
    if (!failed) sample_make();
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_reads_back_byte_for_byte),
        cmocka_unit_test(jsonl_has_the_promised_keys_and_the_exact_bytes),
        cmocka_unit_test(multi_label_says_which_are_claimed),
        cmocka_unit_test(coco_keeps_the_rules_of_its_fields),
        cmocka_unit_test(label_studio_tasks_have_the_documented_shape),
        cmocka_unit_test(label_studio_multi_label_has_all_choices_and_the_least_score),
        cmocka_unit_test(fiftyone_keys_lead_to_pictures_and_targets_to_classes),
        cmocka_unit_test(nothing_incomplete_looks_whole),
        cmocka_unit_test(a_file_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(tables_are_read_or_refused_with_the_line),
    };
    return cmocka_run_group_tests(tests, make_all, run_teardown);
}
