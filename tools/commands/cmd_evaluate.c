/*
 * cmd_evaluate.c - glimpse evaluate: chooses between labels and retrieval.
 */
#include "evaluate_out.h"

#include "tool.h"

#include <stdio.h>
#include <string.h>

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
