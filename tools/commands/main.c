/*
 * main.c - glimpse COMMAND: finds the command and hands over.
 */
#include "cli.h"
#include "text.h"
#include "tool.h"

#include <glimpse/glimpse.h>

#include <stdio.h>
#include <string.h>

static const struct {
    const char *title;
    const cli_command *commands[6];
} groups[] = {
    {"Find pictures",
     {&cmd_index, &cmd_search, &cmd_similar, &cmd_list, &cmd_label, &cmd_evaluate}},
    {"Look after pictures", {&cmd_tag, &cmd_album, &cmd_dedup, &cmd_audit, &cmd_write}},
    {"Look after a library", {&cmd_status, &cmd_verify, &cmd_reindex, &cmd_prune}},
    {"Look closer, with a vision-language model",
     {&cmd_rerank, &cmd_caption, &cmd_ask, &cmd_compare, &cmd_read}},
    {"Models and this machine", {&cmd_pull, &cmd_models, &cmd_doctor}},
    {"For scripts: JSON out, stable",
     {&cmd_embed, &cmd_tokenize, &cmd_preprocess, &cmd_itm, &cmd_vqa}},
};

enum { GROUPS = sizeof groups / sizeof *groups, MAX_COMMANDS = 6 * GROUPS };

static const cli_command *find_command(const char *name) {
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i < 6 && groups[g].commands[i]; i++) {
            if (strcmp(groups[g].commands[i]->name, name) == 0) return groups[g].commands[i];
        }
    }
    return NULL;
}

static void print_overview(FILE *to) {
    (void)fputs("glimpse finds pictures by what is in them.\n\n"
                "Usage: glimpse COMMAND [options] ...\n",
                to);
    for (size_t g = 0; g < GROUPS; g++) {
        (void)fprintf(to, "\n%s:\n", groups[g].title);
        for (size_t i = 0; i < 6 && groups[g].commands[i]; i++) {
            (void)fprintf(to, "  %-12s %s\n", groups[g].commands[i]->name,
                          groups[g].commands[i]->summary);
        }
    }
    (void)fputs("\nExamples:\n"
                "  glimpse index ~/Pictures\n"
                "  glimpse search two parrots on a branch\n"
                "  glimpse search horse + stripes -k 20 --html found.html\n"
                "  glimpse label ~/Pictures --classes cat,dog,bird --csv\n"
                "\n`glimpse help COMMAND` says more about each.\n"
                "Library: --library DIR, else $GLIMPSE_LIBRARY, else a folder of your own.\n"
                "Model: --model DIR-or-name, else $GLIMPSE_MODEL, else the library's, else your\n"
                "default, else the small demo model that ships with glimpse.\n"
                "Exit codes: 0 found or done, 1 nothing found or differences reported, 2 usage,\n"
                "3 done except for unusable files, 4 failure, 130 stopped by Ctrl-C.\n",
                to);
}

static int unknown_command(const char *word) {
    if (word[0] == '-') {
        return cli_misuse(NULL,
                          "there is no option %s here; options come after the command, as in "
                          "glimpse search --json horse",
                          word);
    }
    const char *names[MAX_COMMANDS + 2];
    size_t count = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i < 6 && groups[g].commands[i]; i++)
            names[count++] = groups[g].commands[i]->name;
    }
    names[count++] = "help";
    names[count] = NULL;
    const char *closest = text_closest(word, names);
    if (closest) {
        return cli_misuse(NULL, "there is no command %s; did you mean %s?", word, closest);
    }
    return cli_misuse(NULL, "there is no command %s", word);
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 || strcmp(word, "version") == 0) {
        (void)printf("glimpse %s\n", glimpse_version());
        return EXIT_FOUND;
    }
    int wants_help = strcmp(word, "help") == 0;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (wants_help && argc == 2)) {
        print_overview(stdout);
        return EXIT_FOUND;
    }
    if (wants_help) word = argv[2];
    const cli_command *command = find_command(word);
    if (!command && wants_help && strcmp(word, "help") == 0) {
        print_overview(stdout);
        return EXIT_FOUND;
    }
    if (!command) return unknown_command(word);
    if (wants_help) {
        char name[32], help[] = "--help";
        (void)snprintf(name, sizeof name, "%s", command->name);
        /* The parts of a command have help of their own: glimpse help evaluate labels. */
        if ((command == &cmd_evaluate || command == &cmd_tag || command == &cmd_album) &&
            argc > 3) {
            return command->run(3, (char *[]){name, argv[3], help, NULL});
        }
        return command->run(2, (char *[]){name, help, NULL});
    }
    return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv) {
    tool_start();
    return tool_finish(run(argc, argv));
}
