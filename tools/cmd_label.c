/*
 * cmd_label.c - glimpse label: class names in, labels out, no training.
 */
#include "cli.h"
#include "label_run.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/label.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

/* A list: the file of that name, or the one that ships with glimpse as KIND/NAME.txt. NULL when
 * there is neither; *code is then CLI_RUN, or EXIT_FAILED after saying why it cannot be read. */
static glimpse_lines *read_list(const char *kind, const char *name, int *code) {
    glimpse_lines *lines = NULL;
    char *shipped = NULL;
    *code = CLI_RUN;
    if (!is_file(name)) {
        shipped = session_shipped_file(kind, name);
        if (!shipped) return NULL;
    }
    if (glimpse_lines_read(&lines, shipped ? shipped : name) < 0) *code = tool_fail_last();
    free(shipped);
    return lines;
}

static int read_classes(glimpse_lines **out, const char *text) {
    int code;
    *out = read_list("classes", text[0] == '@' && !is_file(text) ? text + 1 : text, &code);
    if (*out || code != CLI_RUN) return code;
    if (text[0] == '@' || strchr(text, '/')) {
        return tool_fail("there is no class list %s", text);
    }
    if (glimpse_lines_split(out, text, ',') < 0) return tool_fail_last();
    if (glimpse_lines_count(*out) == 1) {
        tool_note("only one class, \"%s\", and no file of that name: every picture will get it",
                  glimpse_lines_get(*out)[0]);
    }
    return CLI_RUN;
}

static int make_classifier(glimpse_classifier **out, session *s, const char *classes,
                           const char *template_file, const cli_list *templates) {
    glimpse_lines *names = NULL, *prompts = NULL;
    int code = read_classes(&names, classes);
    const char *const *list = templates->values;
    size_t count = templates->count;
    if (code != CLI_RUN) goto done;
    if (template_file) {
        prompts = read_list("templates", template_file, &code);
        if (!prompts) {
            if (code == CLI_RUN) code = tool_fail("there is no template file %s", template_file);
            goto done;
        }
        list = glimpse_lines_get(prompts);
        count = glimpse_lines_count(prompts);
    }
    if (glimpse_classifier_create(out, s->encoder, s->model, glimpse_lines_get(names),
                                  glimpse_lines_count(names), list, count) < 0) {
        code = tool_fail_last();
    }
done:
    glimpse_lines_free(names);
    glimpse_lines_free(prompts);
    return code;
}

static int run(int argc, char **argv) {
    session s = {0};
    const char *classes = NULL, *template_file = NULL;
    cli_list templates = {0};
    uint64_t top = 1, jobs = 0;
    int csv = 0, json = 0, all = 0;
    double min_probability = 0;
    const cli_option options[] = {
        CLI_TEXT("classes", 'c', &classes, "FILE|A,B,C",
                 "the classes: a file with one a line, a list with commas, or @cifar10, @coco80 "
                 "(required)"),
        CLI_LIST("template", 0, &templates, "TEXT",
                 "a prompt with {} for the class (default: \"a photo of a {}.\"); several are "
                 "averaged"),
        CLI_TEXT("templates", 0, &template_file, "FILE",
                 "prompts from a file, or the shipped single, ensemble-7"),
        CLI_SIZE("top", 'k', &top, "K", "labels per picture (default: 1)", 1, 100000),
        CLI_NUMBER("min-probability", 0, &min_probability, "P",
                   "abstain when the best class is less probable than this"),
        CLI_FLAG("all", 'a', &all, "label every picture of the library"),
        CLI_SIZE("jobs", 0, &jobs, "N", "worker threads (default: one per core)", 1, 64),
        CLI_HEADING("Output (a table when none is chosen)"),
        CLI_FLAG("csv", 0, &csv, "path,rank,class,probability,score,abstained"),
        CLI_FLAG("json", 'j', &json, "one JSON object a line"),
        CLI_HEADING("Library and model"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_label, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_classifier *classifier = NULL;
    tool_set_quiet(s.quiet);
    if (!classes || !*classes) {
        code = cli_misuse(&cmd_label, "which classes? --classes FILE or --classes cat,dog,bird");
    } else if (all == (arguments.count > 0)) {
        code = cli_misuse(&cmd_label, all ? "--all is the whole library; give paths or --all"
                                          : "which pictures? give folders or files, or --all");
    } else if (csv && json) {
        code = cli_misuse(&cmd_label, "choose one of --csv and --json");
    } else if (template_file && templates.count > 0) {
        code = cli_misuse(&cmd_label, "choose one of --template and --templates");
    } else if (min_probability < 0 || min_probability > 1) {
        code = cli_misuse(&cmd_label, "--min-probability is a number from 0 to 1");
    }
    if (code != CLI_RUN) goto done;
    code = all ? session_open_library(&s, 0) : session_open_library_if_any(&s, 1);
    if (code != CLI_RUN) goto done;
    if ((code = session_open_model(&s, GLIMPSE_TOWER_TEXT, 64)) != CLI_RUN) goto done;
    code = make_classifier(&classifier, &s, classes, template_file, &templates);
    if (code != CLI_RUN) goto done;

    size_t count = glimpse_classifier_count(classifier);
    label_run work = {0};
    work.session = &s;
    work.classifier = classifier;
    work.top = top < count ? (size_t)top : count;
    work.min_probability = min_probability;
    work.format = json ? LABEL_JSON : csv ? LABEL_CSV : LABEL_TABLE;
    work.jobs = (unsigned)jobs;
    tool_catch_stop();
    label_begin(&work);
    code = all ? label_library(&work) : label_paths(&work, arguments.words, arguments.count);
    if (code != CLI_RUN) goto done;
    if (work.failed > 0) {
        tool_say("%s could not be labelled", text_count(work.failed));
        code = EXIT_PARTIAL;
    } else if (work.labelled == 0) {
        tool_note("no pictures found");
        code = EXIT_NOTHING;
    } else {
        code = EXIT_FOUND;
    }
done:
    glimpse_classifier_free(classifier);
    session_close(&s);
    cli_list_free(&templates);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_label = {
    "label",
    "PATH...",
    "sort pictures into classes you name, without training",
    "Gives every picture the most probable of the classes. Pictures that the library knows are not "
    "decoded again. Probabilities are over the given classes only: name all that can occur, or use "
    "--min-probability.\n\n"
    "Exit code 3 when some pictures could not be used: they are named on stderr, and with --json "
    "as {\"path\":...,\"error\":...}. Exit code 1 when there are no pictures.",
    "  glimpse label ~/Pictures --classes cat,dog,bird\n"
    "  glimpse label shots -c classes.txt --templates ensemble-7 --csv > labels.csv\n"
    "  glimpse label --all --classes @coco80 --top 3 --min-probability 0.5\n",
    run,
};
