/*
 * cli.c - parses a command line by its table of options, and prints help from the same table.
 */
#include "cli.h"

#include "known.h"
#include "terminal.h"
#include "text.h"
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_misuse(const cli_command *command, const char *format, ...) {
    char message[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    tool_print("%s", message);
    if (command) {
        (void)fprintf(stderr, "Try: glimpse %s --help\n", command->name);
    } else {
        (void)fputs("Try: glimpse --help\n", stderr);
    }
    return EXIT_USAGE;
}

int cli_expect_no_words(const cli_command *command, const cli_arguments *arguments) {
    if (arguments->count == 0) return CLI_RUN;
    return cli_misuse(command, "%s takes no arguments, not \"%s\"", command->name,
                      arguments->words[0]);
}

int cli_refused(const cli_command *command, int status) {
    if (status == GLIMPSE_E_NOMEM) return tool_fail_last();
    return cli_misuse(command, "%s", glimpse_last_error());
}

/*
 * Help.
 */
static void print_wrapped(const char *words, size_t indent, size_t column, size_t width) {
    char *filled = known_fill(words);
    const char *text = filled;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (column > indent && column + 1 + length > width) {
            (void)printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)length, text);
        column += length;
        text += length;
        if (*text == '\n') {
            (void)printf("\n%*s", (int)indent, "");
            column = indent;
        }
        if (*text) text++;
    }
    (void)putchar('\n');
    free(filled);
}

static void print_option(const cli_option *option, size_t width) {
    enum { INDENT = 27 };
    if (option->kind == CLI_KIND_HEADING) {
        (void)printf("\n%s:\n", option->help);
        return;
    }
    char left[192], choices[80] = "";
    const char *value = option->value;
    if (option->kind == CLI_KIND_CHOICE) {
        for (const char *const *c = option->choices; *c; c++) {
            size_t used = strlen(choices);
            (void)snprintf(choices + used, sizeof choices - used, "%s%s", used ? "|" : "", *c);
        }
        value = choices;
    }
    char letter[8] = "    ";
    if (option->letter)
        (void)snprintf(letter, sizeof letter, "-%c%s", option->letter, option->name ? ", " : "");
    const char *before = !value ? "" : option->kind == CLI_KIND_OPTIONAL ? "[=" : " ";
    (void)snprintf(left, sizeof left, "  %s%s%s%s%s%s", letter, option->name ? "--" : "",
                   option->name ? option->name : "", before, value ? value : "",
                   option->kind == CLI_KIND_OPTIONAL ? "]" : "");
    if (strlen(left) + 2 > INDENT) {
        (void)printf("%s\n%*s", left, INDENT, "");
    } else {
        (void)printf("%-*s", INDENT, left);
    }
    print_wrapped(option->help, INDENT, INDENT, width);
}

/* What every command has. */
static int color;
static const cli_option common[] = {
    CLI_CHOICE("color", 0, &color, NULL,
               "colours and links on standard output; auto: on a terminal, without NO_COLOR",
               terminal_colors),
    CLI_FLAG("help", 'h', NULL, "show this help"),
    CLI_END,
};

static void print_help(const cli_command *command, const cli_option *options) {
    size_t width = text_terminal_columns(STDOUT_FILENO);
    if (width == 0 || width > 100) width = width ? 100 : 80;
    (void)printf("Usage: glimpse %s [options]%s%s\n\n", command->name,
                 *command->arguments ? " " : "", command->arguments);
    print_wrapped(command->about, 0, 0, width);
    (void)printf("\nExamples:\n%s", command->examples);
    if (options[0].kind != CLI_KIND_HEADING) (void)printf("\nOptions:\n");
    for (; options->kind != CLI_KIND_END; options++)
        print_option(options, width);
    for (options = common; options->kind != CLI_KIND_END; options++)
        print_option(options, width);
}

/*
 * Parsing.
 */
static int misspelt(const cli_command *command, const cli_option *options, const char *word) {
    const char *names[128];
    size_t count = 0;
    for (const cli_option *o = options; o->kind != CLI_KIND_END && count < 124; o++) {
        if (o->name) names[count++] = o->name;
    }
    for (const cli_option *o = common; o->kind != CLI_KIND_END; o++)
        names[count++] = o->name;
    names[count] = NULL;
    char plain[64];
    const char *start = word + strspn(word, "-");
    (void)snprintf(plain, sizeof plain, "%.*s", (int)strcspn(start, "="), start);
    const char *closest = text_closest(plain, names);
    if (closest) {
        return cli_misuse(command, "there is no option %s; did you mean --%s?", word, closest);
    }
    if (strcmp(command->name, "search") == 0) {
        return cli_misuse(
            command,
            "there is no option %s; to subtract, put spaces around the minus (glimpse "
            "search horse - %s); to search for the word itself, put -- before the "
            "query",
            word, *start ? start : "fruit");
    }
    return cli_misuse(command, "there is no option %s", word);
}

/* "--name" or "-x", for messages. */
static const char *call(const cli_option *option, int by_letter, char storage[64]) {
    if (by_letter || !option->name) {
        (void)snprintf(storage, 64, "-%c", option->letter);
    } else {
        (void)snprintf(storage, 64, "--%s", option->name);
    }
    return storage;
}

static int set_size(const cli_command *command, const cli_option *option, const char *name,
                    const char *value) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno || number < option->min ||
        number > option->max) {
        if (option->max == UINT64_MAX) {
            return cli_misuse(command, "%s needs a whole number from %llu, not \"%s\"", name,
                              (unsigned long long)option->min, value);
        }
        return cli_misuse(command, "%s needs a whole number from %llu to %llu, not \"%s\"", name,
                          (unsigned long long)option->min, (unsigned long long)option->max, value);
    }
    *(uint64_t *)option->target = number;
    return CLI_RUN;
}

static int set_choice(const cli_command *command, const cli_option *option, const char *name,
                      const char *value) {
    char list[160] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *(int *)option->target = i;
            return CLI_RUN;
        }
        size_t used = strlen(list);
        const char *between = i == 0 ? "" : option->choices[i + 1] ? ", " : " or ";
        (void)snprintf(list + used, sizeof list - used, "%s%s", between, option->choices[i]);
    }
    return cli_misuse(command, "%s is %s, not \"%s\"", name, list, value);
}

static int set_value(const cli_command *command, const cli_option *option, int by_letter,
                     const char *value) {
    char storage[64];
    const char *name = call(option, by_letter, storage);
    switch (option->kind) {
    case CLI_KIND_TEXT:
    case CLI_KIND_OPTIONAL: *(const char **)option->target = value; return CLI_RUN;
    case CLI_KIND_SIZE: return set_size(command, option, name, value);
    case CLI_KIND_NUMBER: {
        char *end = NULL;
        double number = strtod(value, &end);
        if (end == value || *end || !isfinite(number)) {
            return cli_misuse(command, "%s needs a number, not \"%s\"", name, value);
        }
        *(double *)option->target = number;
        return CLI_RUN;
    }
    case CLI_KIND_CHOICE: return set_choice(command, option, name, value);
    case CLI_KIND_LIST: {
        cli_list *list = option->target;
        list->names = xrealloc(list->names, (list->count + 1) * sizeof *list->names);
        list->values = xrealloc(list->values, (list->count + 1) * sizeof *list->values);
        list->names[list->count] = option->name;
        list->values[list->count++] = value;
        return CLI_RUN;
    }
    default: return CLI_RUN;
    }
}

static const cli_option *find_long(const cli_option *options, const char *name, size_t length) {
    for (; options->kind != CLI_KIND_END; options++) {
        if (options->name && strlen(options->name) == length &&
            strncmp(options->name, name, length) == 0) {
            return options;
        }
    }
    return NULL;
}

static const cli_option *find_short(const cli_option *options, char letter) {
    for (; options->kind != CLI_KIND_END; options++) {
        if (options->letter && options->letter == letter) return options;
    }
    return NULL;
}

/* One word that starts with --; *next is the word behind it, NULL at the end. */
static int parse_long(const cli_command *command, const cli_option *options, const char *word,
                      const char *next, int *used_next) {
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    if (length == 4 && strncmp(name, "help", 4) == 0 && !equals) {
        print_help(command, options);
        return EXIT_FOUND;
    }
    const cli_option *option = find_long(options, name, length);
    if (!option) option = find_long(common, name, length);
    if (!option) return misspelt(command, options, word);
    if (option->kind == CLI_KIND_FLAG) {
        if (equals) return cli_misuse(command, "--%s takes no value", option->name);
        *(int *)option->target = 1;
        return CLI_RUN;
    }
    if (equals) return set_value(command, option, 0, equals + 1);
    if (option->kind == CLI_KIND_OPTIONAL) return set_value(command, option, 0, "");
    if (!next) return cli_misuse(command, "--%s needs a value: %s", option->name, option->value);
    *used_next = 1;
    return set_value(command, option, 0, next);
}

static int parse_short(const cli_command *command, const cli_option *options, const char *word,
                       const char *next, int *used_next) {
    for (const char *s = word + 1; *s; s++) {
        if (*s == 'h') {
            if (s == word + 1 && s[1] == '\0') {
                print_help(command, options);
                return EXIT_FOUND;
            }
        }
        const cli_option *option = find_short(options, *s);
        if (!option) return misspelt(command, options, word);
        if (option->kind == CLI_KIND_FLAG) {
            /* -json is a slip for --json and not five flags. */
            if (s == word + 1 && s[1] && !find_short(options, s[1])) {
                return misspelt(command, options, word);
            }
            *(int *)option->target = 1;
            continue;
        }
        if (s[1]) {
            const char *value = s[1] == '=' ? s + 2 : s + 1;
            return set_value(command, option, 1, value);
        }
        if (!next) return cli_misuse(command, "-%c needs a value: %s", *s, option->value);
        *used_next = 1;
        return set_value(command, option, 1, next);
    }
    return CLI_RUN;
}

static void free_lists(const cli_option *options) {
    for (; options->kind != CLI_KIND_END; options++)
        if (options->kind == CLI_KIND_LIST) cli_list_free(options->target);
}

int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv,
              cli_arguments *arguments) {
    arguments->words = xcalloc((size_t)argc + 1, sizeof *arguments->words);
    arguments->count = 0;
    arguments->has_end = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (arguments->has_end || word[0] != '-' || word[1] == '\0') {
            arguments->words[arguments->count++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            arguments->before_end = arguments->count;
            arguments->has_end = 1;
            continue;
        }
        int used_next = 0;
        int code = word[1] == '-' ? parse_long(command, options, word, next, &used_next)
                                  : parse_short(command, options, word, next, &used_next);
        if (code != CLI_RUN) {
            free_lists(options);
            cli_arguments_free(arguments);
            return code;
        }
        i += used_next;
    }
    terminal_set_color((terminal_color)color);
    if (!arguments->has_end) arguments->before_end = arguments->count;
    return CLI_RUN;
}

void cli_arguments_free(cli_arguments *arguments) {
    free(arguments->words);
    arguments->words = NULL;
    arguments->count = 0;
}

void cli_list_free(cli_list *list) {
    free(list->names);
    free(list->values);
    *list = (cli_list){0};
}
