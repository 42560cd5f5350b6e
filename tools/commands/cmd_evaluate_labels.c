/*
 * cmd_evaluate_labels.c - glimpse evaluate labels: predictions beside the truth
 * (glimpse_judgement_create), printed.
 */
#include "evaluate_out.h"
#include "label_report.h"
#include "text.h"
#include "tool.h"

#include <glimpse/datasets.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const missing_sources[] = {"refuse", "wrong", "skip",
                                              NULL}; /* glimpse_missing */

typedef struct named {
    const char *name;
    size_t at;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/*
 * Output.
 */
enum { FIGURES = 8 };

static size_t list_figures(const glimpse_label_report *r, named_figure figures[FIGURES]) {
    const named_figure all[FIGURES] = {
        {"top1", "top-1 accuracy", r->top1, 1},
        {"top5", "top-5 accuracy", r->top5, 1},
        {"mean_per_class_recall", "mean per-class recall", r->mean_per_class_recall, 1},
        {"macro_f1", "macro F1", r->macro_f1, 0},
        {"map", "mAP", r->map, 0},
        {"ece", "calibration error (ECE)", r->ece, 0},
        {"coverage", "answered", r->coverage, 1},
        {"selective_accuracy", "right among the answered", r->selective_accuracy, 1},
    };
    memcpy(figures, all, sizeof all);
    return FIGURES;
}

/* Places of the classes in the order of their names; free it. */
static size_t *name_order(const glimpse_judgement *m) {
    size_t count = m->class_count, *order = xcalloc(count, sizeof *order);
    named *names = xcalloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = (named){m->classes[i], i};
    if (count > 0) qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++)
        order[i] = names[i].at;
    free(names);
    return order;
}

static void json_class(json_out *j, const char *name, const glimpse_class_report *c) {
    jout_open(j, '{');
    jout_key(j, "class"), jout_string(j, name);
    jout_key(j, "pictures"), jout_uint(j, c->pictures);
    jout_key(j, "guessed"), jout_uint(j, c->guessed);
    jout_key(j, "right"), jout_uint(j, c->right);
    evaluate_key(j, "recall", c->recall);
    evaluate_key(j, "precision", c->precision);
    evaluate_key(j, "f1", c->f1);
    evaluate_key(j, "average_precision", c->average_precision);
    jout_close(j, '}');
}

static void json_confusion(json_out *j, const glimpse_judgement *m) {
    const glimpse_label_report *r = m->report;
    jout_key(j, "confusion");
    if (!r->confusion) {
        jout_null(j);
        return;
    }
    size_t classes = r->class_count;
    jout_open(j, '[');
    for (size_t t = 0; t < classes; t++) {
        for (size_t g = 0; g <= classes; g++) {
            size_t count = r->confusion[t * (classes + 1) + g];
            if (count == 0) continue;
            jout_open(j, '{');
            jout_key(j, "truth"), jout_string(j, m->classes[t]);
            jout_key(j, "guess");
            if (g < classes) {
                jout_string(j, m->classes[g]);
            } else {
                jout_null(j);
            }
            jout_key(j, "pictures"), jout_uint(j, count);
            jout_close(j, '}');
        }
    }
    jout_close(j, ']');
}

static void print_json(const glimpse_judgement *m, uint64_t samples, uint64_t seed) {
    const glimpse_label_report *r = m->report;
    json_out j = {stdout, 0};
    named_figure figures[FIGURES];
    size_t count = list_figures(r, figures);
    jout_open(&j, '{');
    jout_key(&j, "pictures"), jout_uint(&j, r->pictures);
    jout_key(&j, "classes"), jout_uint(&j, r->class_count);
    jout_key(&j, "multi_label"), jout_bool(&j, r->multi_label);
    evaluate_json_figures(&j, figures, count);
    jout_key(&j, "abstained"), jout_uint(&j, r->abstained);
    jout_key(&j, "missing"), jout_uint(&j, m->missing);
    jout_key(&j, "unjudged"), jout_uint(&j, m->unjudged);
    jout_key(&j, "unknowns"), jout_uint(&j, r->unknowns);
    jout_key(&j, "unknowns_abstained"), jout_uint(&j, r->unknowns_abstained);
    evaluate_key(&j, "auroc_probability", r->auroc_probability);
    evaluate_key(&j, "auroc_margin", r->auroc_margin);
    evaluate_key(&j, "auroc_background", r->unknowns > 0 ? m->auroc_background : NAN);
    jout_key(&j, "samples"), jout_uint(&j, samples);
    jout_key(&j, "seed"), jout_uint(&j, seed);
    jout_key(&j, "per_class");
    jout_open(&j, '[');
    size_t *order = name_order(m);
    for (size_t i = 0; i < r->class_count; i++)
        json_class(&j, m->classes[order[i]], &r->classes[order[i]]);
    free(order);
    jout_close(&j, ']');
    json_confusion(&j, m);
    jout_key(&j, "curve");
    jout_open(&j, '[');
    for (size_t i = 0; i < r->curve_count; i++) {
        jout_open(&j, '{');
        evaluate_key(&j, "coverage", r->curve[i].coverage);
        evaluate_key(&j, "accuracy", r->curve[i].accuracy);
        evaluate_key(&j, "threshold", r->curve[i].threshold);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "calibration");
    jout_open(&j, '[');
    for (size_t i = 0; i < GLIMPSE_ECE_BINS; i++) {
        jout_open(&j, '{');
        jout_key(&j, "pictures"), jout_uint(&j, r->bins[i].pictures);
        evaluate_key(&j, "accuracy", r->bins[i].accuracy);
        evaluate_key(&j, "confidence", r->bins[i].confidence);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_classes(const glimpse_judgement *m) {
    const glimpse_label_report *r = m->report;
    size_t widest = 5, *order = name_order(m);
    for (size_t i = 0; i < r->class_count; i++) {
        size_t width = text_width(m->classes[i]);
        if (width > widest && width <= 40) widest = width;
    }
    (void)putchar('\n');
    text_print_padded("class", widest);
    (void)puts("  pictures  guessed  right   recall  precision     F1");
    for (size_t i = 0; i < r->class_count; i++) {
        const glimpse_class_report *c = &r->classes[order[i]];
        char *name = text_display(m->classes[order[i]]);
        if (c->pictures + c->guessed > 0) {
            text_print_padded(name, widest);
            (void)printf("  %8zu %8zu %6zu", c->pictures, c->guessed, c->right);
            (void)printf(isnan(c->recall) ? "        -" : "  %6.1f%%", 100 * c->recall);
            (void)printf(isnan(c->precision) ? "          -" : "    %6.1f%%", 100 * c->precision);
            (void)printf("  %5.3f\n", c->f1);
        }
        free(name);
    }
    free(order);
}

static void print_confused(const glimpse_judgement *m) {
    const glimpse_label_report *r = m->report;
    enum { SHOWN = 10 };
    size_t classes = r->class_count, count;
    evaluate_confused *list = evaluate_list_confused(r->confusion, classes, &count);
    if (count > 0) (void)puts("\nmost frequent mistakes");
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        char *truth = text_display(m->classes[list[i].truth]);
        char *guess = text_display(list[i].guess < classes ? m->classes[list[i].guess] : "nothing");
        (void)printf("%6zu  %s taken for %s\n", list[i].count, truth, guess);
        free(truth);
        free(guess);
    }
    free(list);
}

static void print_curve(const glimpse_label_report *r) {
    static const double steps[] = {0.1, 0.25, 0.5, 0.75, 0.9, 1.0};
    size_t at = 0;
    if (r->curve_count == 0) return;
    (void)puts("\nanswering only the most certain\n  answered  right    probability at least");
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        size_t before = at;
        while (at < r->curve_count && r->curve[at].coverage < steps[s] - 1e-9)
            at++;
        if (at == r->curve_count) at--;
        if (s > 0 && at == before) continue;
        (void)printf("  %6.1f%%  %6.1f%%  %.4f\n", 100 * r->curve[at].coverage,
                     100 * r->curve[at].accuracy, r->curve[at].threshold);
    }
}

static void print_table(const glimpse_judgement *m, int per_class) {
    const glimpse_label_report *r = m->report;
    named_figure figures[FIGURES];
    size_t count = list_figures(r, figures);
    if (r->abstained == 0 && r->unguessed == 0) count -= 2;
    (void)printf("%s, %s%s\n\n", text_counted(r->pictures, "picture", "pictures"),
                 text_counted(r->class_count, "class", "classes"),
                 r->multi_label ? ", several for a picture" : "");
    evaluate_print_figures(figures, count);
    if (r->unknowns > 0) {
        double background = m->auroc_background;
        (void)printf("\n%s pictures of none of the classes, %s abstained on; telling them apart "
                     "(AUROC)\n",
                     text_count(r->unknowns), text_count(r->unknowns_abstained));
        if (!isnan(r->auroc_probability)) {
            (void)printf("  by the highest probability  %.4f\n", r->auroc_probability);
        }
        if (!isnan(r->auroc_margin)) {
            (void)printf("  by the margin               %.4f\n", r->auroc_margin);
        }
        if (!isnan(background)) (void)printf("  by the background           %.4f\n", background);
    }
    print_curve(r);
    print_confused(m);
    if (per_class) print_classes(m);
}

/*
 * The report, from predictions.
 */
static int by_probability(const void *a, const void *b) {
    const glimpse_label *x = a, *y = b;
    if (x->probability > y->probability || x->probability < y->probability) {
        return x->probability > y->probability ? -1 : 1;
    }
    return x->score > y->score ? -1 : x->score < y->score;
}

static int write_report(const glimpse_judgement *m, const char *file, const char *truth) {
    const glimpse_predictions *p = m->predictions;
    glimpse_label_class *classes = xcalloc(m->class_count, sizeof *classes);
    glimpse_label *labels = xcalloc(m->class_count, sizeof *labels);
    for (size_t i = 0; i < m->class_count; i++)
        classes[i] = (glimpse_label_class){m->classes[i], m->classes[i], ""};
    glimpse_label_set set = {0};
    set.classes = classes;
    set.count = m->class_count;
    set.multi_label = m->truth->several > 0;
    glimpse_label_totals totals = GLIMPSE_LABEL_TOTALS_INIT;
    int code = EXIT_FAILED;
    label_report *report = label_report_make(file, &set, truth);
    if (!report) goto done;
    for (size_t i = 0; i < p->count; i++) {
        const glimpse_prediction *of = &p->pictures[i];
        glimpse_labelled r = {0};
        totals.failed += of->failed != 0;
        if (of->failed) continue;
        for (size_t k = 0; k < of->count; k++) {
            const glimpse_guess *g = &of->guesses[k];
            labels[k] = (glimpse_label){.class_index = g->class_index,
                                        .probability = isnan(g->probability) ? 1 : g->probability,
                                        .score = g->score,
                                        .accepted = g->accepted};
        }
        if (of->count > 0) qsort(labels, of->count, sizeof *labels, by_probability);
        r.path = of->path;
        r.labels = labels;
        r.count = of->count;
        r.abstained = of->abstained;
        label_report_add(report, &r);
        totals.labelled++;
        totals.abstained += of->abstained != 0;
    }
    code = label_report_write(report, &totals);
done:
    label_report_free(report);
    free(labels);
    free(classes);
    return code;
}

static int run(int argc, char **argv) {
    const char *truth = NULL, *root = NULL, *report_file = NULL;
    uint64_t samples = 1000, seed = 2026;
    int json = 0, per_class = 0, missing = GLIMPSE_MISSING_REFUSE, quiet = 0;
    const cli_option options[] = {
        CLI_TEXT("truth", 0, &truth, "DIR|CSV",
                 "what is right: one folder a class, or a table with the columns path and class "
                 "(required)"),
        CLI_TEXT("root", 0, &root, "DIR",
                 "where relative paths of a table begin (default: beside the table)"),
        CLI_CHOICE("missing", 0, &missing, NULL,
                   "what to do about pictures of the truth that have no prediction",
                   missing_sources),
        EVALUATE_SAMPLE_OPTIONS(samples, seed),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(json, "one JSON object"),
        CLI_FLAG("per-class", 0, &per_class, "also a row for each class"),
        CLI_TEXT("report", 0, &report_file, "FILE.html", "also a report with pictures"),
        OPTION_QUIET(quiet),
        CLI_END,
    };
    cli_arguments arguments = {0};
    glimpse_judgement *m = NULL;
    int code = cli_parse(&evaluate_labels, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(quiet);
    if (arguments.count != 1) {
        code = cli_misuse(&evaluate_labels, "which predictions? one file of glimpse label --json "
                                            "or --csv, or the folder of --format imagefolder");
    } else if (!truth || !*truth) {
        code = cli_misuse(&evaluate_labels, "what is right? --truth DIR or --truth FILE.csv");
    } else if (json && per_class) {
        code = cli_misuse(&evaluate_labels, "--json has the classes already");
    }
    if (code != CLI_RUN) goto done;
    glimpse_judge_options how = GLIMPSE_JUDGE_OPTIONS_INIT;
    how.missing = missing;
    how.samples = (unsigned)samples;
    how.seed = seed;
    how.root = root;
    how.message = tool_message;
    if (glimpse_judgement_create(&m, arguments.words[0], truth, &how) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (report_file) code = write_report(m, report_file, truth);
    if (json) {
        print_json(m, samples, seed);
    } else {
        print_table(m, per_class);
    }
    if (code != CLI_RUN) goto done;
    code = missing == GLIMPSE_MISSING_SKIP && m->missing > 0 ? EXIT_PARTIAL : EXIT_FOUND;
done:
    glimpse_judgement_free(m);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command evaluate_labels = {
    "evaluate labels",
    "PREDICTIONS",
    "how good labels are, from pictures whose classes are known",
    "PREDICTIONS are what glimpse label --json or --csv wrote (- for JSON on standard input), any "
    "table with the columns path, class and probability, or a folder of --format imagefolder. "
    "Label with --top 5 for top-5, and with --top 100000 for mAP, which needs a score for every "
    "class. A picture whose class is empty in the truth shows none of the classes: it tells how "
    "well the labels know when to abstain.\n\n"
    "Exit code 3 when pictures were left out with --missing skip.",
    "  glimpse label shots --classes classes.txt --json --top 5 > labels.jsonl\n"
    "  glimpse evaluate labels labels.jsonl --truth truth.csv\n"
    "  glimpse evaluate labels labels.jsonl --truth shots-by-class/ --json --report report.html\n",
    run,
};
