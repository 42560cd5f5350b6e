/*
 * cmd_evaluate.c - glimpse evaluate: chooses between labels and retrieval, and prints figures.
 */
#include "evaluate_out.h"

#include "tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void evaluate_key(json_out *j, const char *name, double value) {
    jout_key(j, name);
    jout_number(j, value);
}

void evaluate_json_figures(json_out *j, const named_figure *figures, size_t count) {
    for (size_t i = 0; i < count; i++)
        evaluate_key(j, figures[i].key, figures[i].figure.value);
    jout_key(j, "intervals");
    jout_open(j, '{');
    for (size_t i = 0; i < count; i++) {
        if (isnan(figures[i].figure.low)) continue;
        jout_key(j, figures[i].key);
        jout_open(j, '[');
        jout_number(j, figures[i].figure.low);
        jout_number(j, figures[i].figure.high);
        jout_close(j, ']');
    }
    jout_close(j, '}');
}

void evaluate_print_figures(const named_figure *figures, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const named_figure *f = &figures[i];
        double scale = f->percent ? 100 : 1;
        int digits = f->percent ? 2 : 4;
        if (isnan(f->figure.value)) continue;
        (void)printf("%-28s %9.*f%s", f->name, digits, scale * f->figure.value,
                     f->percent ? "%" : " ");
        if (!isnan(f->figure.low)) {
            (void)printf("   %.*f to %.*f", digits, scale * f->figure.low, digits,
                         scale * f->figure.high);
        }
        (void)putchar('\n');
    }
}

static int run(int argc, char **argv) {
    const cli_command *parts[] = {&evaluate_labels, &evaluate_retrieval};
    const char *word = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; word && i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(word, strchr(parts[i]->name, ' ') + 1) == 0) {
            return parts[i]->run(argc - 1, argv + 1);
        }
    }
    const cli_option options[] = {CLI_END};
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_evaluate, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    code = arguments.count == 0
               ? cli_misuse(&cmd_evaluate, "evaluate what? glimpse evaluate labels, or glimpse "
                                           "evaluate retrieval")
               : cli_misuse(&cmd_evaluate, "there is no evaluate %s; it is labels or retrieval",
                            arguments.words[0]);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_evaluate = {
    "evaluate",
    "labels|retrieval ...",
    "say how good labels and searches are, from pictures whose truth is known",
    "glimpse evaluate labels judges what glimpse label wrote; glimpse evaluate retrieval searches "
    "captioned pictures by their captions and captions by their pictures. Each has its own --help. "
    "Figures are defined as CLIP_benchmark defines them, ties count against the model, and each "
    "has a 95% bootstrap interval.",
    "  glimpse evaluate labels labels.jsonl --truth truth.csv\n"
    "  glimpse evaluate labels labels.jsonl --truth photos/ --json\n"
    "  glimpse evaluate retrieval --captions captions.csv\n",
    run,
};
