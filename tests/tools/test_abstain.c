/*
 * Abstention on pictures of none of the classes, measured on the demo pictures: half of the classes
 * are withheld, so that their pictures are unknowns. Prints the area under the ROC curve (the
 * chance that a known picture is surer than an unknown one, ties count half) of three ways to tell:
 *
 *     probability   the best class's, without a background
 *     margin        best minus second best, without a background
 *     background    1 - probability of "none of these" (--background)
 *
 * and promises that the background, which the documentation recommends, is the best of them. With a
 * model that knows too little for that to mean something (the first weights of a training), it only
 * prints.
 */
#include "support/commands.h"

enum { MAX_COUNT = 400, TRIALS = 4 };

typedef struct known_picture {
    char path[600], class_name[64];
} known_picture;

static known_picture truth[MAX_COUNT];
static size_t truth_count;
static char classes[MAX_COUNT][64];
static size_t class_count;

static void read_truth(void) {
    char *text = read_whole_file(source_path("data/demo/labels.tsv"), NULL), *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *tab = strchr(line, '\t');
        if (!tab || strncmp(line, "file\t", 5) == 0 || truth_count == MAX_COUNT) continue;
        *tab = '\0';
        known_picture *p = &truth[truth_count++];
        (void)snprintf(p->path, sizeof p->path, "%s/data/demo/%s", GLIMPSE_SOURCE_DIR, line);
        (void)snprintf(p->class_name, sizeof p->class_name, "%s", tab + 1);
        size_t k = 0;
        while (k < class_count && strcmp(classes[k], p->class_name) != 0)
            k++;
        if (k == class_count) (void)strcpy(classes[class_count++], p->class_name);
    }
    free(text);
}

static const known_picture *find(const char *path) {
    for (size_t i = 0; i < truth_count; i++) {
        if (strcmp(truth[i].path, path) == 0) return &truth[i];
    }
    return NULL;
}

/* Which classes are known in a trial: a fixed half of them. */
static int is_known(const char *name, unsigned trial) {
    for (size_t k = 0; k < class_count; k++) {
        if (strcmp(classes[k], name) != 0) continue;
        uint32_t h = (uint32_t)(k + 1) * 2654435761u ^ (trial + 1) * 0x9e3779b9u;
        h ^= h >> 15;
        return (int)(h * 2246822519u >> 31);
    }
    return 0;
}

static double area(const double *known, size_t n, const double *unknown, size_t m) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < m; j++)
            sum += known[i] > unknown[j] ? 1 : known[i] == unknown[j] ? 0.5 : 0;
    }
    return sum / (double)n / (double)m;
}

typedef struct trial_areas {
    double probability, margin, background, accuracy;
} trial_areas;

static void measure(trial_areas *out, unsigned trial, int with_background) {
    double score[3][2][MAX_COUNT];
    size_t count[2] = {0, 0}, right = 0;
    run_result r;
    run(&r, "label", "--all", "-c", "known.txt", "--top", "2", "--json", "-q",
        with_background ? "--background" : NULL, NULL);
    expect(&r, 0);
    json_t *lines = run_json_lines(&r);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        const known_picture *p = find(text_at(line, "path"));
        if (!p) continue;
        int unknown = !is_known(p->class_name, trial);
        size_t at_place = count[unknown]++;
        score[0][unknown][at_place] = number_at(line, "labels.0.probability");
        score[1][unknown][at_place] = number_at(line, "margin");
        score[2][unknown][at_place] = with_background ? 1 - number_at(line, "background") : 0;
        right += !unknown && strcmp(text_at(line, "labels.0.class"), p->class_name) == 0;
    }
    json_decref(lines);
    run_free(&r);
    assert_true(count[0] > 20 && count[1] > 20);
    if (with_background) {
        out->background += area(score[2][0], count[0], score[2][1], count[1]) / TRIALS;
    } else {
        out->probability += area(score[0][0], count[0], score[0][1], count[1]) / TRIALS;
        out->margin += area(score[1][0], count[0], score[1][1], count[1]) / TRIALS;
        out->accuracy += (double)right / (double)count[0] / TRIALS;
    }
}

static void background_is_the_best_way_to_tell_unknowns(void **state) {
    (void)state;
    trial_areas areas = {0, 0, 0, 0};
    run_result r;
    const char *model = getenv("GLIMPSE_TEST_MODEL"); /* another one than the demo model */
    if (model) assert_int_equal(setenv("GLIMPSE_MODEL", model, 1), 0);
    read_truth();
    assert_true(class_count > 50);
    run(&r, "index", source_path("data/demo"), NULL);
    assert_true(r.code == 0 || r.code == 3);
    run_free(&r);
    for (unsigned trial = 0; trial < TRIALS; trial++) {
        FILE *file = fopen("known.txt", "w");
        assert_non_null(file);
        for (size_t k = 0; k < class_count; k++) {
            if (is_known(classes[k], trial)) (void)fprintf(file, "%s\n", classes[k]);
        }
        assert_int_equal(fclose(file), 0);
        measure(&areas, trial, 0);
        measure(&areas, trial, 1);
    }
    print_message(
        "AUROC: probability %.3f, margin %.3f, background %.3f (accuracy on known %.3f)\n",
        areas.probability, areas.margin, areas.background, areas.accuracy);
    if (areas.accuracy < 0.6) {
        print_message("SKIPPED: the model knows too little for these figures to mean something\n");
        skip();
    }
    assert_true(areas.background > areas.probability);
    assert_true(areas.background > areas.margin);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(background_is_the_best_way_to_tell_unknowns),
    };
    return cmocka_run_group_tests(tests, run_setup, run_teardown);
}
