/*
 * glimpse evaluate: figures of the demo set recomputed here from the exported JSON in the plainest
 * way, every kind of input, and what is refused.
 */
#include "support/commands.h"

#include <math.h>

enum { MAX_COUNT = 1000 };

static char demo_labels[1024], demo_captions[1024], demo_directory[1024], demo_classes[1024];

/*
 * The demo set again. A prediction is (class, probability, score) for each class.
 */
typedef struct predicted {
    char path[1200], truth[64]; /* truth "": not in the table */
    const json_t *labels;
} predicted;

static predicted pictures[MAX_COUNT];
static size_t picture_count;

/* The truth of the demo set by a reader of its own: two columns, tabs, nothing quoted. */
static void find_truth(predicted *p) {
    FILE *file = fopen(demo_labels, "r");
    char line[1024];
    assert_non_null(file);
    p->truth[0] = '\0';
    while (fgets(line, sizeof line, file)) {
        char *tab = strchr(line, '\t'), *end = strchr(line, '\n'), path[2100];
        if (!tab || !end) continue;
        *tab = *end = '\0';
        (void)snprintf(path, sizeof path, "%s/%s", demo_directory, line);
        if (strcmp(path, p->path) == 0) (void)snprintf(p->truth, sizeof p->truth, "%s", tab + 1);
    }
    (void)fclose(file);
}

static double label_number(const predicted *p, const char *class_name, const char *key) {
    size_t i = 0;
    const json_t *label = NULL;
    json_array_foreach(p->labels, i, label) {
        if (strcmp(json_string_value(json_object_get(label, "class")), class_name) == 0) {
            return number_at(label, key);
        }
    }
    fail_msg("%s has no %s", p->path, class_name);
    return 0;
}

typedef struct figures {
    double top1, top5, recall, f1, map, ece;
} figures;

/* Straight from the definitions; the model's scores have no ties here (checked). */
static figures recompute(const json_t *classes) {
    figures f = {0};
    double judged = 0, with = 0, either = 0, confidence[15] = {0}, right[15] = {0};
    size_t c = 0;
    const json_t *name = NULL;
    for (size_t i = 0; i < picture_count; i++) {
        const predicted *p = &pictures[i];
        if (!*p->truth) continue;
        int better = 0;
        double own = label_number(p, p->truth, "score");
        for (size_t k = 0; k < json_array_size(p->labels); k++) {
            better += number_at(json_array_get(p->labels, k), "score") > own;
            if (k > 0) {
                assert_true(number_at(json_array_get(p->labels, k), "score") <
                            number_at(json_array_get(p->labels, k - 1), "score"));
            }
        }
        judged++;
        f.top1 += better == 0;
        f.top5 += better < 5;
        double certain = number_at(json_array_get(p->labels, 0), "probability");
        for (int b = 0; b < 15; b++) {
            if (certain > b / 15.0 && certain <= (b + 1) / 15.0) {
                confidence[b] += certain;
                right[b] += better == 0;
            }
        }
    }
    for (int b = 0; b < 15; b++)
        f.ece += fabs(confidence[b] - right[b]) / judged;
    json_array_foreach(classes, c, name) {
        const char *of = json_string_value(name);
        double is = 0, guessed = 0, both = 0, ap = 0;
        static double score[MAX_COUNT];
        for (size_t i = 0; i < picture_count; i++)
            score[i] = label_number(&pictures[i], of, "score");
        for (size_t i = 0; i < picture_count; i++) {
            const predicted *p = &pictures[i];
            if (!*p->truth) continue;
            int truth = strcmp(p->truth, of) == 0;
            int guess = strcmp(text_at(json_array_get(p->labels, 0), "class"), of) == 0;
            is += truth, guessed += guess, both += truth && guess;
            if (!truth) continue;
            double place = 1, own = 1;
            for (size_t k = 0; k < picture_count; k++) {
                if (!*pictures[k].truth || k == i) continue;
                int above = score[k] > score[i];
                place += above;
                own += above && strcmp(pictures[k].truth, of) == 0;
            }
            ap += own / place;
        }
        if (is > 0) f.recall += both / is, f.map += ap / is, with++;
        if (is + guessed > 0) f.f1 += 2 * both / (is + guessed), either++;
    }
    f.top1 /= judged, f.top5 /= judged, f.recall /= with, f.f1 /= either;
    f.map /= (double)json_array_size(classes);
    return f;
}

#define near(a, b)                                                                    \
 do {                                                                                 \
  if (fabs((a) - (b)) > 2e-8) fail_msg("%s: %.12g, but %s: %.12g", #a, (a), #b, (b)); \
 } while (0)

static void figures_of_the_demo_labels_equal_a_recomputation(void **state) {
    (void)state;
    run_result label, evaluate;
    run(&label, "label", demo_directory, "--classes", demo_classes, "--json", "--top", "1000", "-q",
        NULL);
    expect(&label, 3); /* two of the demo files are no pictures */
    write_file("labels.jsonl", label.out, label.out_size);
    json_t *lines = run_json_lines(&label), *classes = json_array();
    size_t i = 0, k = 0;
    const json_t *line = NULL, *one = NULL;
    json_array_foreach(lines, i, line) {
        if (json_object_get(line, "error")) continue;
        predicted *p = &pictures[picture_count++];
        assert_true(picture_count < MAX_COUNT);
        (void)snprintf(p->path, sizeof p->path, "%s", text_at(line, "path"));
        p->labels = at(line, "labels");
        find_truth(p);
        if (picture_count > 1) continue;
        json_array_foreach(p->labels, k, one) {
            (void)json_array_append(classes, json_object_get(one, "class"));
        }
    }
    figures f = recompute(classes);
    run(&evaluate, "evaluate", "labels", "labels.jsonl", "--truth", demo_labels, "--json", "-q",
        NULL);
    expect(&evaluate, 0);
    json_t *r = run_json(&evaluate);
    assert_int_equal(number_at(r, "pictures"), 149);
    near(number_at(r, "top1"), f.top1);
    near(number_at(r, "top5"), f.top5);
    near(number_at(r, "mean_per_class_recall"), f.recall);
    near(number_at(r, "macro_f1"), f.f1);
    near(number_at(r, "map"), f.map);
    near(number_at(r, "ece"), f.ece);
    static const char *const keys[] = {"top1",     "top5", "mean_per_class_recall",
                                       "macro_f1", "map",  "ece"};
    for (i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *interval = at(at(r, "intervals"), keys[i]);
        assert_true(number_at(interval, "0") <= number_at(interval, "1"));
        /* Samples are biased for the others (docs/evaluation.md); these surround their figure. */
        if (i > 2) continue;
        assert_true(number_at(interval, "0") <= number_at(r, keys[i]) + 1e-9);
        assert_true(number_at(interval, "1") >= number_at(r, keys[i]) - 1e-9);
    }
    double pictures_in_cells = 0;
    json_array_foreach(at(r, "confusion"), i, one) pictures_in_cells += number_at(one, "pictures");
    assert_int_equal(pictures_in_cells, 149);
    /* The same again is the same byte for byte. */
    run_result again;
    run(&again, "evaluate", "labels", "labels.jsonl", "--truth", demo_labels, "--json", "-q", NULL);
    assert_string_equal(again.out, evaluate.out);
    run_free(&again);
    json_decref(r);
    json_decref(classes);
    json_decref(lines);
    run_free(&label);
    run_free(&evaluate);
}

static void csv_and_directory_say_the_same_as_json_lines(void **state) {
    (void)state;
    run_result r;
    run_shell(&r, "\"$G\" label \"$DEMO/vehicles\" -c \"$DEMO/classes.txt\" -q --json > v.jsonl && "
                  "\"$G\" label \"$DEMO/vehicles\" -c \"$DEMO/classes.txt\" -q --csv > v.csv && "
                  "\"$G\" label \"$DEMO/vehicles\" -c \"$DEMO/classes.txt\" -q -f imagefolder -o v "
                  "&& grep -e '^file' -e '^vehicles/' \"$DEMO/labels.tsv\" > v.tsv");
    expect(&r, 0);
    run_free(&r);
    static const char *const sources[] = {"v.jsonl", "v.csv", "v"};
    double top1[3], recall[3];
    for (size_t i = 0; i < 3; i++) {
        run(&r, "evaluate", "labels", sources[i], "--truth", "v.tsv", "--root", demo_directory,
            "--json", "-q", "--samples", "0", NULL);
        expect(&r, 0);
        json_t *json = run_json(&r);
        top1[i] = number_at(json, "top1");
        recall[i] = number_at(json, "mean_per_class_recall");
        assert_true(json_is_null(at(json, "top5"))); /* one label each */
        assert_true(json_is_null(at(json, "map")));
        assert_int_equal(json_object_size(at(json, "intervals")), 0);
        json_decref(json);
        run_free(&r);
    }
    assert_true(top1[0] == top1[1] && top1[0] == top1[2]);
    assert_true(recall[0] == recall[1] && recall[0] == recall[2]);
}

/*
 * Small cases.
 */
static const char small_truth[] = "image,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\n";

/* Evaluates `predictions` (a file of that name with the text) against a truth. */
static void judge(run_result *r, const char *name, const char *text, const char *truth,
                  const char *option, const char *value) {
    write_text(name, text);
    write_text("truth.csv", truth);
    run(r, "evaluate", "labels", name, "--truth", "truth.csv", "--json", option ? option : "-q",
        value ? value : "-q", NULL);
}

static void tables_of_other_tools_are_judged(void **state) {
    (void)state;
    run_result r;
    judge(&r, "p.csv", "path,class,confidence\na.jpg,cat,.9\nb.jpg,cat,.8\nc.jpg,cat,.7\n",
          small_truth, NULL, NULL);
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_true(fabs(number_at(json, "top1") - 2.0 / 3) < 1e-8);
    assert_true(fabs(number_at(json, "mean_per_class_recall") - 0.5) < 1e-8);
    assert_true(fabs(number_at(json, "macro_f1") - 0.4) < 1e-8); /* 2 x 2 / 5 and 0 */
    json_decref(json);
    run_free(&r);
    /* Without any number, and rows in no order. */
    judge(&r, "p.csv", "class,path\ncat,c.jpg\ncat,a.jpg\ndog,b.jpg\n", small_truth, NULL, NULL);
    expect(&r, 0);
    json = run_json(&r);
    assert_true(number_at(json, "top1") >= 1);
    assert_true(json_is_null(at(json, "ece")));
    json_decref(json);
    run_free(&r);
    /* Ties between two classes are lost. */
    judge(&r, "p.csv", "path,class,score\na.jpg,cat,.5\na.jpg,dog,.5\nb.jpg,dog,.5\nc.jpg,cat,.5\n",
          small_truth, NULL, NULL);
    expect(&r, 0);
    json = run_json(&r);
    assert_true(fabs(number_at(json, "top1") - 2.0 / 3) < 1e-8);
    json_decref(json);
    run_free(&r);
}

static void missing_predictions_are_never_passed_over(void **state) {
    (void)state;
    static const char two[] = "path,class,probability\na.jpg,cat,.9\nb.jpg,dog,.8\n";
    run_result r;
    judge(&r, "p.csv", two, small_truth, NULL, NULL);
    expect(&r, 4);
    expect_err(&r, "1 of the 3 pictures");
    expect_err(&r, "c.jpg");
    assert_string_equal(r.out, "");
    run_free(&r);
    judge(&r, "p.csv", two, small_truth, "--missing", "wrong");
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_true(fabs(number_at(json, "top1") - 2.0 / 3) < 1e-8);
    assert_int_equal(number_at(json, "missing"), 1);
    json_decref(json);
    run_free(&r);
    judge(&r, "p.csv", two, small_truth, "--missing", "skip");
    expect(&r, 3);
    json = run_json(&r);
    assert_true(number_at(json, "top1") >= 1);
    assert_int_equal(number_at(json, "pictures"), 2);
    json_decref(json);
    run_free(&r);
    /* A picture that could not be labelled has no prediction either. */
    judge(&r, "p.jsonl",
          "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":1}]}\n"
          "{\"path\":\"b.jpg\",\"labels\":[{\"class\":\"dog\",\"probability\":1}]}\n"
          "{\"path\":\"c.jpg\",\"error\":\"broken\"}\n",
          small_truth, NULL, NULL);
    expect(&r, 4);
    expect_err(&r, "1 of them could not be labelled");
    run_free(&r);
}

static void unknown_pictures_and_abstaining_are_reported(void **state) {
    (void)state;
    run_result r;
    judge(&r, "p.jsonl",
          "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":0.9},{\"class\":"
          "\"dog\",\"probability\":0.1}],\"abstained\":false,\"background\":0.1}\n"
          "{\"path\":\"b.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":0.6},{\"class\":"
          "\"dog\",\"probability\":0.4}],\"abstained\":true,\"background\":0.8}\n"
          "{\"path\":\"c.jpg\",\"labels\":[{\"class\":\"dog\",\"probability\":0.7},{\"class\":"
          "\"cat\",\"probability\":0.3}],\"abstained\":true,\"background\":0.9}\n",
          "path,class\na.jpg,cat\nb.jpg,dog\nc.jpg,\n", NULL, NULL);
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_int_equal(number_at(json, "pictures"), 2);
    assert_int_equal(number_at(json, "unknowns"), 1);
    assert_int_equal(number_at(json, "unknowns_abstained"), 1);
    assert_true(fabs(number_at(json, "coverage") - 0.5) < 1e-9);
    assert_true(number_at(json, "selective_accuracy") >= 1);
    assert_true(fabs(number_at(json, "auroc_probability") - 0.5) < 1e-9);
    assert_true(number_at(json, "auroc_background") >= 1);
    json_decref(json);
    run_free(&r);
}

static void the_margin_is_judged_with_one_label_a_picture(void **state) {
    (void)state;
    run_result r;
    judge(
        &r, "p.jsonl",
        "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":0.6}],\"margin\":0.3}\n"
        "{\"path\":\"b.jpg\",\"labels\":[{\"class\":\"dog\",\"probability\":0.7}],\"margin\":0.5}\n"
        "{\"path\":\"c.jpg\",\"labels\":[{\"class\":\"dog\",\"probability\":0.8}],\"margin\":0.4}"
        "\n",
        "path,class\na.jpg,cat\nb.jpg,dog\nc.jpg,\n", NULL, NULL);
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_true(fabs(number_at(json, "auroc_probability")) < 1e-9);
    assert_true(fabs(number_at(json, "auroc_margin") - 0.5) < 1e-9);
    json_decref(json);
    run_free(&r);
}

static void a_directory_of_directories_is_a_truth(void **state) {
    (void)state;
    run_result r;
    static const char predictions[] = "path,class,probability\n./tree/a%2Fb/1.ppm,a/b,.9\n"
                                      "tree/dog/deep/2.ppm,a/b,.6\ntree/_none/3.ppm,dog,.2\n";
    run_shell(&r, "mkdir -p tree/a%2Fb tree/dog/deep tree/_none");
    run_free(&r);
    write_picture("tree/a%2Fb/1.ppm", 8, 8, 1);
    write_picture("tree/dog/deep/2.ppm", 8, 8, 2);
    write_picture("tree/_none/3.ppm", 8, 8, 3);
    write_text("p.csv", predictions);
    run(&r, "evaluate", "labels", "p.csv", "--truth", "tree", "--json", NULL);
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_true(fabs(number_at(json, "top1") - 0.5) < 1e-9);
    assert_int_equal(number_at(json, "pictures"), 2);
    assert_int_equal(number_at(json, "unknowns"), 1);
    assert_true(number_at(json, "auroc_probability") >= 1);
    json_decref(json);
    run_free(&r);
    run_shell(&r, "\"$G\" help evaluate labels");
    expect_out(&r, "--missing");
    run_free(&r);
}

static void several_classes_are_judged_by_map(void **state) {
    (void)state;
    run_result r;
    judge(&r, "p.csv",
          "path,class,probability,accepted\na.jpg,x,.9,true\na.jpg,y,.8,true\nb.jpg,x,.2,false\n"
          "b.jpg,y,.9,true\nc.jpg,x,.5,true\nc.jpg,y,.1,false\n",
          "path,classes\na.jpg,x|y\nb.jpg,x\nc.jpg,\n", NULL, NULL);
    expect(&r, 0);
    json_t *json = run_json(&r);
    assert_true(json_is_true(at(json, "multi_label")));
    assert_true(json_is_null(at(json, "top1")));
    /* x: a, c, b in order: (1 + 2/3) / 2; y: b, a, c: 1/2. */
    assert_true(fabs(number_at(json, "map") - (5.0 / 6 + 0.5) / 2) < 1e-8);
    json_decref(json);
    run_free(&r);
}

static void what_cannot_be_judged_is_refused_with_the_reason(void **state) {
    (void)state;
    static const struct {
        const char *name, *predictions, *truth, *reason;
    } cases[] = {
        {"p.csv", "path,class\nz.jpg,cat\n", small_truth, "no picture in common"},
        {"p.csv", "path,class\na.jpg,bird\nb.jpg,fish\nc.jpg,cow\n", small_truth,
         "none of its 2 classes"},
        {"p.csv", "path,class\na.jpg,cat\na.jpg,cat\n", small_truth, "several classes"},
        {"p.csv", "path,class,score\na.jpg,cat,1\na.jpg,cat,2\n", small_truth, "twice"},
        {"p.csv", "path,class\na.jpg,cat\n./a.jpg,cat\n", small_truth, "same picture"},
        {"p.csv", "path,class,score\na.jpg,cat,many\n", small_truth, "is no number"},
        {"p.csv", "path,class,probability\na.jpg,cat,0x1\n", small_truth,
         "line 2: \"0x1\" is no number"},
        {"p.csv", "path,class,probability\na.jpg,cat,1.00001\n", small_truth,
         "line 2: the probability 1.00001 is outside 0 to 1"},
        {"p.csv", "path,class,probability,score\na.jpg,cat,0.5,1\nb.jpg,dog,,1\n", small_truth,
         "line 3: there is no probability, which other lines have"},
        {"p.csv", "path,what\na.jpg,cat\n", small_truth, "no column class"},
        {"p.csv", "path,class,probability\na.jpg,cat,.5\nb.jpg,cat,74\n", small_truth,
         "line 3: the probability 74 is outside 0 to 1"},
        {"p.csv", "path,class,confidence\na.jpg,cat,-0.1\n", small_truth,
         "line 2: the probability -0.1 is outside 0 to 1"},
        {"p.csv", "path,class,probability\na.jpg,cat,nan\n", small_truth, "line 2: \"nan\""},
        {"p.jsonl",
         "{\"path\":\"b.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":1}]}\n"
         "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":1.01}]}\n",
         small_truth, "line 2: a probability outside 0 to 1"},
        {"p.jsonl",
         "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":\"NaN\",\"score\":1}]}"
         "\n",
         small_truth, "line 1: a probability outside 0 to 1"},
        {"p.jsonl",
         "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\",\"probability\":1}],\"background\":2}"
         "\n",
         small_truth, "line 1: a background outside 0 to 1"},
        {"p.csv", "path,class\n", small_truth, "no predictions"},
        {"p.csv", "path,class\n,cat\n", small_truth, "no path"},
        {"p.jsonl", "{\"path\":\"a.jpg\"}\n", small_truth, "line 1: no labels"},
        {"p.jsonl", "{\"path\":\"a.jpg\",\"labels\":[{}]}\n", small_truth, "without a class"},
        {"p.jsonl", "{\"path\":\"a.jpg\",\"labels\":[{\"class\":\"cat\"}]}\n", small_truth,
         "without probability"},
        {"p.jsonl", "{\"labels\":[]}\n", small_truth, "no path"},
        {"p.jsonl", "{\"path\":\"a.jpg\",\n", small_truth, "line 1"},
        {"p.jsonl", "[1]\n", small_truth, "JSON array"},
        {"p.csv", "path,class\na.jpg,cat\n", "path,class\n", "no rows"},
        {"p.csv", "path,class\na.jpg,cat\n", "a,b\nc,d\n", "no column path"},
        {"p.csv", "path,class\na.jpg,cat\n", "path,class\na.jpg,\xFF\n", "not UTF-8"},
        {"p.csv", "path,class\na.jpg,cat\n", "path,class\na.jpg,\n",
         "no picture with a known class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        run_result r;
        judge(&r, cases[i].name, cases[i].predictions, cases[i].truth, NULL, NULL);
        if (r.code != 4) fail_msg("case %zu: exit code %d: %s", i, r.code, r.err);
        expect_err(&r, cases[i].reason);
        assert_string_equal(r.out, "");
        run_free(&r);
    }
    run_result r;
    run(&r, "evaluate", "labels", "p.csv", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "evaluate", "labels", "--truth", "truth.csv", NULL);
    expect(&r, 2);
    run_free(&r);
    run(&r, "evaluate", "nothing", NULL);
    expect(&r, 2);
    expect_err(&r, "labels or retrieval");
    run_free(&r);
    run(&r, "evaluate", "labels", "absent.csv", "--truth", "truth.csv", NULL);
    expect(&r, 4);
    run_free(&r);
}

static void the_table_is_for_people_and_the_report_has_pictures(void **state) {
    (void)state;
    run_result r;
    run(&r, "evaluate", "labels", "labels.jsonl", "--truth", demo_labels, "--per-class", "--report",
        "report.html", NULL);
    expect(&r, 0);
    expect_out(&r, "top-1 accuracy");
    expect_out(&r, "most frequent mistakes");
    expect_out(&r, "precision");
    run_free(&r);
    char *page = read_whole_file("report.html", NULL);
    assert_non_null(strstr(page, "What is taken for what"));
    assert_non_null(strstr(page, "data:image/jpeg"));
    free(page);
}

/*
 * Retrieval.
 */
static double rank_of(const double *scores, const unsigned char *fits, size_t count) {
    double best = -2;
    size_t rank = 1;
    for (size_t i = 0; i < count; i++) {
        if (fits[i] && scores[i] > best) best = scores[i];
    }
    for (size_t i = 0; i < count; i++)
        rank += !fits[i] && scores[i] >= best;
    return (double)rank;
}

/* Embeddings as glimpse embed prints them, [count][E]; `count` lines. */
static double *embeddings(const json_t *lines, size_t *width) {
    size_t count = json_array_size(lines);
    *width = json_array_size(at(json_array_get(lines, 0), "embedding"));
    double *rows = calloc(count * *width, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = at(json_array_get(lines, i), "embedding");
        for (size_t k = 0; k < *width; k++)
            rows[i * *width + k] = json_number_value(json_array_get(row, k));
    }
    return rows;
}

static void int8_finds_as_much_as_f32_within_a_point(void **state) {
    (void)state;
    static const char *const recalls[] = {"t2i_recall@1", "t2i_recall@5", "i2t_recall@1",
                                          "i2t_recall@5"};
    json_t *reports[2];
    for (int i = 0; i < 2; i++) {
        run_result r;
        run(&r, "evaluate", "retrieval", "--captions", demo_captions, "--json", "-q", "--precision",
            i ? "int8" : "f32", NULL);
        expect(&r, 0);
        reports[i] = run_json(&r);
        run_free(&r);
    }
    for (size_t i = 0; i < sizeof recalls / sizeof recalls[0]; i++) {
        double f32 = number_at(reports[0], recalls[i]), int8 = number_at(reports[1], recalls[i]);
        assert_true(f32 > 0.5 && fabs(f32 - int8) <= 0.01);
    }
    json_decref(reports[0]);
    json_decref(reports[1]);
}

static void figures_of_the_demo_captions_equal_a_recomputation(void **state) {
    (void)state;
    run_result r;
    run(&r, "evaluate", "retrieval", "--captions", demo_captions, "--json", "--ranks", "-q", NULL);
    expect(&r, 0);
    json_t *report = run_json(&r);
    run_free(&r);
    /* Embedded again, one by one, from the table by another reader (awk). */
    run_shell(&r, "awk -F'\\t' 'NR > 1 && $2 != \"\" { print $1 > \"files\"; "
                  "print $2 > \"said\" }' \"$DEMO/captions.tsv\" && "
                  "sed \"s|^|--image=$DEMO/|\" files | tr '\\n' '\\0' | "
                  "xargs -0 -n 50 \"$G\" embed > images.jsonl && "
                  "LC_ALL=C sort -u said | sed 's|^|--text=|' | tr '\\n' '\\0' | "
                  "xargs -0 -n 50 \"$G\" embed > texts.jsonl");
    expect(&r, 0);
    run_free(&r);
    run_shell(&r, "cat images.jsonl");
    json_t *image_lines = run_json_lines(&r);
    run_free(&r);
    run_shell(&r, "cat texts.jsonl");
    json_t *text_lines = run_json_lines(&r);
    run_free(&r);
    size_t width = 0, images = json_array_size(image_lines), texts = json_array_size(text_lines);
    double *image = embeddings(image_lines, &width), *text = embeddings(text_lines, &width);
    assert_int_equal(number_at(report, "images"), images);
    assert_int_equal(number_at(report, "texts"), texts);
    assert_true(images < MAX_COUNT && texts < MAX_COUNT);
    static char said[MAX_COUNT][256];
    FILE *file = fopen("said", "r");
    assert_non_null(file);
    for (size_t i = 0; i < images; i++) {
        assert_non_null(fgets(said[i], sizeof said[i], file));
        said[i][strcspn(said[i], "\n")] = '\0';
    }
    (void)fclose(file);
    static double scores[MAX_COUNT];
    static unsigned char fits[MAX_COUNT];
    double t2i[3] = {0}, i2t[3] = {0};
    static const double limits[3] = {1, 5, 10};
    for (int mode = 0; mode < 2; mode++) {
        size_t queries = mode == 0 ? texts : images, items = mode == 0 ? images : texts;
        for (size_t q = 0; q < queries; q++) {
            for (size_t i = 0; i < items; i++) {
                size_t t = mode == 0 ? q : i, p = mode == 0 ? i : q;
                scores[i] = 0;
                for (size_t k = 0; k < width; k++)
                    scores[i] += text[t * width + k] * image[p * width + k];
                fits[i] = strcmp(text_at(json_array_get(text_lines, t), "input"), said[p]) == 0;
            }
            double rank = rank_of(scores, fits, items);
            for (int l = 0; l < 3; l++)
                (mode == 0 ? t2i : i2t)[l] += rank <= limits[l] ? 1.0 / (double)queries : 0;
        }
    }
    /* Other batches may turn a rank where two scores differ by rounding: one query at most. */
    double slack = 1.5 / (double)texts;
    assert_true(fabs(number_at(report, "t2i_recall@1") - t2i[0]) < slack);
    assert_true(fabs(number_at(report, "t2i_recall@5") - t2i[1]) < slack);
    assert_true(fabs(number_at(report, "t2i_recall@10") - t2i[2]) < slack);
    assert_true(fabs(number_at(report, "i2t_recall@1") - i2t[0]) < slack);
    assert_true(fabs(number_at(report, "i2t_recall@5") - i2t[1]) < slack);
    assert_true(fabs(number_at(report, "i2t_recall@10") - i2t[2]) < slack);
    assert_int_equal(json_array_size(at(report, "text_ranks")), texts);
    free(image);
    free(text);
    json_decref(image_lines);
    json_decref(text_lines);
    json_decref(report);
}

static void captions_of_every_form_give_the_same_figures(void **state) {
    (void)state;
    static const struct {
        const char *name, *text;
    } forms[] = {
        {"c.csv", "image,caption\na.ppm,\"red, round\"\na.ppm,a ball\nb.ppm,a house\n"},
        {"c.tsv", "file\tcaption\na.ppm\tred, round\na.ppm\ta ball\nb.ppm\ta house\n"},
        {"c.json", "[{\"image\":\"a.ppm\",\"captions\":[\"red, round\",\"a ball\"]},"
                   "{\"file_name\":\"b.ppm\",\"caption\":\"a house\"}]"},
        {"c.jsonl", "{\"path\":\"a.ppm\",\"caption\":[\"red, round\",\"a ball\"]}\n"
                    "{\"path\":\"b.ppm\",\"text\":\"a house\"}\n"},
        {"coco.json", "{\"images\":[{\"id\":7,\"file_name\":\"a.ppm\"},{\"id\":3,\"file_name\":"
                      "\"b.ppm\"}],\"annotations\":[{\"image_id\":7,\"caption\":\"red, round\"},"
                      "{\"image_id\":7,\"caption\":\"a ball\"},{\"image_id\":3,\"caption\":"
                      "\"a house\"}]}"},
    };
    write_picture("a.ppm", 64, 64, 1);
    write_picture("b.ppm", 64, 64, 90);
    char *first = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        run_result r;
        write_text(forms[i].name, forms[i].text);
        run(&r, "evaluate", "retrieval", "--captions", forms[i].name, "--json", "-q", NULL);
        expect(&r, 0);
        if (!first) first = strdup(r.out);
        assert_string_equal(r.out, first);
        run_free(&r);
    }
    json_error_t error;
    json_t *json = json_loads(first, 0, &error);
    assert_int_equal(number_at(json, "images"), 2);
    assert_int_equal(number_at(json, "texts"), 3);
    json_decref(json);
    free(first);
}

static void captions_that_make_no_sense_are_refused_with_the_reason(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *reason;
    } cases[] = {
        {"x.csv", "image,caption\n", "no captions"},
        {"x.csv", "image,words\na.ppm,x\n", "no column caption"},
        {"x.csv", "image,caption\n,x\n", "line 2: no image"},
        {"x.json", "[1]", "not an object"},
        {"x.json", "[{\"image\":\"a.ppm\"}]", "no caption"},
        {"x.json", "{\"images\":[{}],\"annotations\":[]}", "no id"},
        {"x.json", "{\"images\":[],\"annotations\":[{\"image_id\":1,\"caption\":\"x\"}]}",
         "not among the images"},
        {"x.json", "{\"image\":\n", "line 1"},
        {"x.csv", "image,caption\nabsent.ppm,x\n", "could not be used"},
    };
    run_result r;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(cases[i].name, cases[i].text);
        run(&r, "evaluate", "retrieval", "--captions", cases[i].name, "--json", NULL);
        if (r.code != 4) fail_msg("case %zu: exit code %d: %s", i, r.code, r.err);
        expect_err(&r, cases[i].reason);
        assert_string_equal(r.out, "");
        run_free(&r);
    }
    write_text("x.csv", "image,caption\nabsent.ppm,x\na.ppm,y\nb.ppm,z\n");
    run(&r, "evaluate", "retrieval", "--captions", "x.csv", "--json", "--missing", "skip", NULL);
    expect(&r, 3);
    json_t *json = run_json(&r);
    assert_int_equal(number_at(json, "images"), 2);
    assert_int_equal(number_at(json, "texts"), 2);
    assert_int_equal(number_at(json, "unreadable"), 1);
    json_decref(json);
    run_free(&r);
    run(&r, "evaluate", "retrieval", NULL);
    expect(&r, 2);
    run_free(&r);
}

static int set_up(void **state) {
    (void)snprintf(demo_directory, sizeof demo_directory, "%s", source_path("data/demo"));
    (void)snprintf(demo_labels, sizeof demo_labels, "%s", source_path("data/demo/labels.tsv"));
    (void)snprintf(demo_captions, sizeof demo_captions, "%s",
                   source_path("data/demo/captions.tsv"));
    (void)snprintf(demo_classes, sizeof demo_classes, "%s", source_path("data/demo/classes.txt"));
    int failed = run_setup(state);
    (void)setenv("DEMO", demo_directory, 1);
    (void)setenv("GLIMPSE_MODEL", "demo", 1);
    return failed;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_the_demo_labels_equal_a_recomputation),
        cmocka_unit_test(csv_and_directory_say_the_same_as_json_lines),
        cmocka_unit_test(tables_of_other_tools_are_judged),
        cmocka_unit_test(missing_predictions_are_never_passed_over),
        cmocka_unit_test(unknown_pictures_and_abstaining_are_reported),
        cmocka_unit_test(the_margin_is_judged_with_one_label_a_picture),
        cmocka_unit_test(a_directory_of_directories_is_a_truth),
        cmocka_unit_test(several_classes_are_judged_by_map),
        cmocka_unit_test(what_cannot_be_judged_is_refused_with_the_reason),
        cmocka_unit_test(the_table_is_for_people_and_the_report_has_pictures),
        cmocka_unit_test(int8_finds_as_much_as_f32_within_a_point),
        cmocka_unit_test(figures_of_the_demo_captions_equal_a_recomputation),
        cmocka_unit_test(captions_of_every_form_give_the_same_figures),
        cmocka_unit_test(captions_that_make_no_sense_are_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, set_up, run_teardown);
}
