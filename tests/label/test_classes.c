/*
 * Class lists in every form, and what a classifier makes of synonyms, own prompts and the cache.
 */
#include "support/temporary.h"

#include "label_internal.h"
#include "support/fake_model.h"

#include <dirent.h>

static const char *write_list(const char *name, const char *text) {
    const char *path = path_in(temp_directory, name);
    write_text(path, text);
    return path;
}

static void check_full_list(const glimpse_classes *classes) {
    assert_int_equal(glimpse_classes_count(classes), 3);
    const glimpse_class *c = glimpse_classes_get(classes, 0);
    assert_string_equal(c->id, "n01");
    assert_string_equal(c->name, "animal/dog");
    assert_string_equal(c->description, "a friend, of people");
    assert_int_equal(c->word_count, 3);
    assert_string_equal(c->words[0], "dog");
    assert_string_equal(c->words[1], "hound");
    assert_string_equal(c->words[2], "puppy");
    assert_int_equal(c->prompt_count, 2);
    assert_string_equal(c->prompts[1], "my {}");
    assert_float_equal(c->threshold, 0.25, 0);
    c = glimpse_classes_get(classes, 1);
    assert_string_equal(c->id, "cat");
    assert_int_equal(c->word_count, 1);
    assert_int_equal(c->prompt_count, 0);
    assert_float_equal(c->threshold, -1, 0);
    assert_null(glimpse_classes_get(classes, 3));
}

static void tsv_and_json_say_the_same(void **state) {
    (void)state;
    glimpse_classes *classes = NULL;
    assert_ok(glimpse_classes_load(
        &classes, write_list("a.tsv", "\xEF\xBB\xBF# comment\n"
                                      "id\tNAME\tsynonyms\tdescription\tprompts\tthreshold\r\n"
                                      "n01\tanimal/dog\thound | puppy\ta friend, of people\t"
                                      "a dog|my {}\t0.25\r\n\n\tcat\n\tbird\t\t\t\t\n")));
    check_full_list(classes);
    glimpse_classes_free(classes);
    assert_ok(glimpse_classes_load(
        &classes, write_list("a.json", "{\"classes\": [{\"id\": \"n01\", \"name\": \"animal/dog\","
                                       "\"synonyms\": [\"hound\", \"puppy\"], \"threshold\": 0.25,"
                                       "\"description\": \"a friend, of people\","
                                       "\"prompts\": [\"a dog\", \"my {}\"]}, \"cat\","
                                       "{\"name\": \"bird\", \"synonyms\": null}]}")));
    check_full_list(classes);
    glimpse_classes_free(classes);
    glimpse_classes_free(NULL);
}

static void equal_last_parts_are_told_apart_by_their_parents(void **state) {
    (void)state;
    static const char *const names[] = {"bird/crane", "cat", "machine/crane", "dog/terrier"};
    glimpse_classes *classes = NULL;
    size_t i = 9;
    assert_ok(glimpse_classes_create(&classes, names, 4));
    assert_string_equal(glimpse_classes_get(classes, 0)->words[0], "crane, a kind of bird");
    assert_string_equal(glimpse_classes_get(classes, 2)->words[0], "crane, a kind of machine");
    assert_string_equal(glimpse_classes_get(classes, 3)->words[0], "terrier");
    assert_ok(glimpse_classes_find(&i, classes, "machine/crane"));
    assert_int_equal(i, 2);
    assert_ok(glimpse_classes_find(&i, classes, "terrier"));
    assert_int_equal(i, 3);
    assert_int_equal(glimpse_classes_find(&i, classes, "crane"), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_classes_find(&i, classes, "horse"), GLIMPSE_E_NOT_FOUND);
    glimpse_classes_free(classes);
}

static void bad_lists_are_refused_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *message;
    } bad[] = {
        {"b.tsv", "", "the list is empty"},
        {"b.tsv", "name\n# nothing\n", "the list is empty"},
        {"b.tsv", "id\tsynonyms\nx\ty\n", "no column \"name\""},
        {"b.tsv", "name\tsynonym\ndog\thound\n", "line 1: there is no column \"synonym\""},
        {"b.tsv", "name\tname\n", "twice"},
        {"b.tsv", "name\nx\ty\n", "line 2: more columns"},
        {"b.tsv", "id\tname\nx\t\n", "line 2: no name"},
        {"b.tsv", "name\tthreshold\nx\t2\n", "line 2: a threshold"},
        {"b.tsv", "name\tthreshold\nx\tlow\n", "line 2: a threshold"},
        {"b.tsv", "name\na//b\n", "empty part"},
        {"b.tsv", "name\n/b\n", "empty part"},
        {"b.tsv", "name\ndog\ncat\ndog\n", "\"dog\" is listed twice"},
        {"b.tsv", "id\tname\n1\tdog\n1\tcat\n", "class id \"1\" is listed twice"},
        {"b.tsv", "name\ncaf\xE9\n", "not UTF-8"},
        {"b.json", "[\"dog\", ", "line 1"},
        {"b.json", "[]", "the list is empty"},
        {"b.json", "{\"names\": [\"dog\"]}", "neither an array"},
        {"b.json", "[\"dog\", 7]", "class 2: neither a name"},
        {"b.json", "[{\"nmae\": \"dog\"}]", "class 1: there is no key \"nmae\""},
        {"b.json", "[{\"id\": \"x\"}]", "class 1: no name"},
        {"b.json", "[{\"name\": \"x\", \"synonyms\": \"y\"}]", "no array"},
        {"b.json", "[{\"name\": \"x\", \"synonyms\": [1]}]", "no text"},
        {"b.json", "[{\"name\": \"x\", \"threshold\": -0.5}]", "a threshold"},
        {"b.json", "[{\"name\": \"x\", \"threshold\": true}]", "no number"},
        {"b.json", "[{\"name\": \"x\", \"name\": \"y\"}]", "uplicate"},
        {"b.txt", "dog\ndog\n", "\"dog\" is listed twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        glimpse_classes *classes = (void *)1;
        int status = glimpse_classes_load(&classes, write_list(bad[i].name, bad[i].text));
        if (status >= 0 || !strstr(glimpse_last_error(), bad[i].message)) {
            fail_msg("%s gave %d, %s", bad[i].text, status, glimpse_last_error());
        }
        assert_null(classes);
        assert_non_null(strstr(glimpse_last_error(), bad[i].name));
    }
    glimpse_classes *classes = NULL;
    assert_int_equal(glimpse_classes_load(&classes, path_in(temp_directory, "absent.json")),
                     GLIMPSE_E_NOT_FOUND);
}

static glimpse_classifier *build(const glimpse_classes *classes, const char *const *templates,
                                 size_t count, const char *cache) {
    glimpse_classifier *classifier = NULL;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    options.classes = classes;
    options.templates = templates;
    options.template_count = count;
    options.cache_directory = cache;
    assert_ok(glimpse_classifier_build(&classifier, &fake_encoder, &fake_model, &options));
    return classifier;
}

static void synonyms_are_pooled_as_unit_vectors(void **state) {
    (void)state;
    glimpse_classes *classes = NULL;
    static const char *const templates[] = {"{}"};
    assert_ok(glimpse_classes_load(&classes, write_list("s.tsv", "name\tsynonyms\nx\tyyyy\nz\n")));
    glimpse_classifier *c = build(classes, templates, 1, NULL);
    const float *w = glimpse_classifier_weights(c);
    /* However many letters the synonym has, each word weighs the same. */
    assert_float_equal(w[0], 0.7071068, 1e-6);
    assert_float_equal(w[1], 0.7071068, 1e-6);
    assert_float_equal(w[5], 1.0, 1e-6);
    glimpse_classifier_free(c);
    glimpse_classes_free(classes);
}

static void own_prompts_take_the_place_of_templates(void **state) {
    (void)state;
    glimpse_classes *classes = NULL;
    static const char *const templates[] = {"{} z"};
    assert_ok(glimpse_classes_load(&classes,
                                   write_list("p.json", "[{\"name\": \"x\", \"prompts\": [\"y\"]},"
                                                        "{\"name\": \"a\", \"synonyms\": [\"x\"],"
                                                        " \"prompts\": [\"y {}\"]}, \"y\"]")));
    glimpse_classifier *c = build(classes, templates, 1, NULL);
    const float *w = glimpse_classifier_weights(c);
    assert_float_equal(w[1], 1.0, 1e-6); /* "y" */
    /* "y a" is (0,1,0), "y x" is (1,1,0)/sqrt(2): their sum at unit length. */
    assert_float_equal(w[3], 0.3826834, 1e-6);
    assert_float_equal(w[4], 0.9238795, 1e-6);
    assert_float_equal(w[7], 0.7071068, 1e-6); /* "y z" */
    assert_float_equal(w[8], 0.7071068, 1e-6);
    glimpse_classifier_free(c);
    glimpse_classes_free(classes);
}

/* The one file in the cache. */
static const char *cached_file(const char *cache) {
    DIR *dir = opendir(cache);
    assert_non_null(dir);
    const char *path = NULL;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        assert_null(path);
        path = path_in(cache, entry->d_name);
    }
    (void)closedir(dir);
    return path;
}

static void weights_are_cached_and_damage_is_noticed(void **state) {
    (void)state;
    static const char *const names[] = {"x", "xy", "z"}, *const more[] = {"{} y", "{}"};
    glimpse_classes *classes = NULL;
    char cache[4096];
    (void)snprintf(cache, sizeof cache, "%s/not/there/yet", temp_directory);
    assert_ok(glimpse_classes_create(&classes, names, 3));
    glimpse_classifier *first = build(classes, more, 2, cache),
                       *again = build(classes, more, 2, cache);
    assert_int_equal(glimpse_classifier_prompts_embedded(first), 6);
    assert_int_equal(glimpse_classifier_prompts_embedded(again), 0);
    assert_memory_equal(glimpse_classifier_weights(first), glimpse_classifier_weights(again),
                        9 * sizeof(float));
    assert_string_equal(glimpse_classifier_id(first), glimpse_classifier_id(again));
    glimpse_classifier_free(again);
    /* Other templates are another classifier. */
    again = build(classes, more, 1, NULL);
    assert_string_not_equal(glimpse_classifier_id(first), glimpse_classifier_id(again));
    glimpse_classifier_free(again);
    /* Every byte counts: whichever is wrong, the weights are computed again, and kept again. */
    const char *path = cached_file(cache);
    size_t size = 0;
    uint8_t *good = read_whole_file(path, &size);
    assert_int_equal(size, 64 + 9 * sizeof(float));
    for (size_t i = 0; i <= size; i++) {
        good[i % size] ^= 1;
        write_file(path, good, i < size ? size : size - 1);
        good[i % size] ^= 1;
        again = build(classes, more, 2, cache);
        assert_int_equal(glimpse_classifier_prompts_embedded(again), 6);
        assert_memory_equal(glimpse_classifier_weights(first), glimpse_classifier_weights(again),
                            9 * sizeof(float));
        glimpse_classifier_free(again);
    }
    free(good);
    /* Without an encoder only the cache helps. */
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    options.classes = classes, options.templates = more, options.template_count = 2;
    assert_int_equal(glimpse_classifier_build(&again, NULL, &fake_model, &options),
                     GLIMPSE_E_NOT_FOUND);
    options.cache_directory = cache;
    assert_ok(glimpse_classifier_build(&again, NULL, &fake_model, &options));
    glimpse_classifier_free(again);
    /* A cache that cannot be written is no failure. */
    options.cache_directory = "/proc/none";
    assert_ok(glimpse_classifier_build(&again, &fake_encoder, &fake_model, &options));
    glimpse_classifier_free(again);
    glimpse_classifier_free(first);
    glimpse_classes_free(classes);
}

static void background_leaves_out_classes_and_what_is_nearest(void **state) {
    (void)state;
    static const char *const names[] = {"x", "animal/y"};
    static const char *const things[] = {"X",   "y",   "z",  "xz",  "zz",   "xxy",
                                         "zzx", "zzy", "yz", "zzz", "zzzy", "a z."};
    glimpse_classes *classes = NULL;
    glimpse_classifier *c = NULL;
    glimpse_classifier_options options = GLIMPSE_CLASSIFIER_OPTIONS_INIT;
    assert_ok(glimpse_classes_create(&classes, names, 2));
    options.classes = classes;
    options.background = things;
    options.background_count = 12;
    assert_ok(glimpse_classifier_build(&c, &fake_encoder, &fake_model, &options));
    assert_true(glimpse_classifier_has_background(c));
    /* Two are classes; of the ten that are left "xxy" is nearest to one. */
    assert_int_equal(c->background, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_true(fabs((double)c->rows[(2 + i) * 3] - 2 / sqrt(5)) > 1e-6);
    }
    assert_float_equal(c->rows[2 * 3 + 2], 1.0, 1e-6);  /* "z", still the first */
    assert_float_equal(c->rows[10 * 3 + 2], 1.0, 1e-6); /* "a z.", the last */
    glimpse_classifier_free(c);
    glimpse_classes_free(classes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv_and_json_say_the_same),
        cmocka_unit_test(equal_last_parts_are_told_apart_by_their_parents),
        cmocka_unit_test(bad_lists_are_refused_with_their_place),
        cmocka_unit_test(synonyms_are_pooled_as_unit_vectors),
        cmocka_unit_test(own_prompts_take_the_place_of_templates),
        cmocka_unit_test(weights_are_cached_and_damage_is_noticed),
        cmocka_unit_test(background_leaves_out_classes_and_what_is_nearest),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
