/*
 * cli.h - one option table per command: it feeds the parser and the help.
 *
 *     int json = 0;
 *     const char *model = NULL;
 *     const cli_option options[] = {
 *         CLI_TEXT("model", 'm', &model, "DIR", "the model"),
 *         CLI_FLAG("json", 0, &json, "print JSON"),
 *         CLI_END,
 *     };
 *     cli_arguments arguments = {0};
 *     int code = cli_parse(&cmd_search, options, argc, argv, &arguments);
 *     if (code != CLI_RUN) return code;
 *
 * Accepted: --name VALUE, --name=VALUE, -x VALUE, -xVALUE, flags in one word (-0v), options before
 * and after positionals, `--` to end options. A lone `-` is a positional. --help (-h) is known to
 * every command, and so is --color (terminal.h).
 */
#ifndef GLIMPSE_TOOLS_CLI_H
#define GLIMPSE_TOOLS_CLI_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_command {
    const char *name;
    const char *arguments; /* what follows the options in the usage line */
    const char *summary;   /* one line for the list of commands */
    const char *about;     /* paragraphs for its own help */
    const char *examples;  /* lines "  glimpse ..." */
    int (*run)(int argc, char **argv);
} cli_command;

typedef enum cli_kind {
    CLI_KIND_END = 0,
    CLI_KIND_HEADING,  /* only in the help */
    CLI_KIND_FLAG,     /* int: set to 1 */
    CLI_KIND_TEXT,     /* const char * */
    CLI_KIND_OPTIONAL, /* const char *: "" without =VALUE */
    CLI_KIND_SIZE,     /* uint64_t, between min and max */
    CLI_KIND_NUMBER,   /* double, finite */
    CLI_KIND_CHOICE,   /* int: place in `choices` */
    CLI_KIND_LIST      /* cli_list: may be repeated */
} cli_kind;

typedef struct cli_option {
    cli_kind kind;
    const char *name; /* without -- */
    char letter;      /* 0: none */
    void *target;
    const char *value; /* how the help calls the value */
    const char *help;
    const char *const *choices; /* NULL-terminated */
    uint64_t min, max;
} cli_option;

#define CLI_HEADING(text) \
 { CLI_KIND_HEADING, NULL, 0, NULL, NULL, text, NULL, 0, 0 }
#define CLI_FLAG(name, letter, target, help) \
 { CLI_KIND_FLAG, name, letter, target, NULL, help, NULL, 0, 0 }
#define CLI_TEXT(name, letter, target, value, help) \
 { CLI_KIND_TEXT, name, letter, target, value, help, NULL, 0, 0 }
#define CLI_OPTIONAL(name, letter, target, value, help) \
 { CLI_KIND_OPTIONAL, name, letter, target, value, help, NULL, 0, 0 }
#define CLI_SIZE(name, letter, target, value, help, min, max) \
 { CLI_KIND_SIZE, name, letter, target, value, help, NULL, min, max }
#define CLI_NUMBER(name, letter, target, value, help) \
 { CLI_KIND_NUMBER, name, letter, target, value, help, NULL, 0, 0 }
#define CLI_CHOICE(name, letter, target, value, help, choices) \
 { CLI_KIND_CHOICE, name, letter, target, value, help, choices, 0, 0 }
#define CLI_LIST(name, letter, target, value, help) \
 { CLI_KIND_LIST, name, letter, target, value, help, NULL, 0, 0 }
#define CLI_END \
 { CLI_KIND_END, NULL, 0, NULL, NULL, NULL, NULL, 0, 0 }

/* What repeated options collected, in the order of the command line; several options may share
 * one list and are told apart by `name`. */
typedef struct cli_list {
    const char **names;  /* [count] of the option */
    const char **values; /* [count] */
    size_t count;
} cli_list;

typedef struct cli_arguments {
    const char **words; /* [count] positionals, borrowed from argv */
    size_t count;
    size_t before_end; /* of them: in front of `--`; all without one */
    int has_end;       /* there was one */
} cli_arguments;

enum { CLI_RUN = -1 };

/* CLI_RUN, or the exit code after help was printed or a mistake was explained. */
int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv,
              cli_arguments *arguments);
void cli_arguments_free(cli_arguments *arguments);
void cli_list_free(cli_list *list);

/* Explains a mistake in the command line, points to the help, returns EXIT_USAGE. */
int cli_misuse(const cli_command *command, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/* Of a command that takes no arguments besides options: CLI_RUN, or EXIT_USAGE after saying so. */
int cli_expect_no_words(const cli_command *command, const cli_arguments *arguments);

/* The same with the library's last error, when it refused a value; out of memory is no such
 * mistake, but EXIT_FAILED. */
int cli_refused(const cli_command *command, int status);

extern const cli_command cmd_index, cmd_search, cmd_similar, cmd_list, cmd_label, cmd_evaluate,
    cmd_dedup, cmd_audit, cmd_status, cmd_verify, cmd_reindex, cmd_prune, cmd_models, cmd_pull,
    cmd_doctor, cmd_embed, cmd_tokenize, cmd_preprocess, cmd_itm, cmd_caption, cmd_vqa, cmd_ask,
    cmd_compare, cmd_read, cmd_rerank;
extern const cli_command cmd_tag, cmd_album, cmd_write;

#endif
