/*
 * output.c - see output.h.
 */
#include "output.h"

#include "json_out.h"
#include "preview.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const unsigned long MOST_OPENED = 100;

int output_check(const output_options *o, const cli_command *command) {
    if (o->json + o->tsv + (o->paths || o->nul) > 1) {
        return cli_misuse(command, "choose one of --json, --tsv and --paths");
    }
    if (o->html && !*o->html) return cli_misuse(command, "--html needs a file name");
    if (o->open && *o->open) {
        char *end = NULL;
        unsigned long n = strtoul(o->open, &end, 10);
        if (*end || o->open[0] < '0' || o->open[0] > '9' || n == 0 || n > MOST_OPENED) {
            return cli_misuse(command, "--open=N needs a number from 1 to %lu, not \"%s\"",
                              MOST_OPENED, o->open);
        }
    }
    if (o->preview && preview_choose(o->preview) == PREVIEW_NONE) {
        if (*o->preview) {
            return cli_misuse(command, "--preview is kitty, iterm or sixel, not \"%s\"",
                              o->preview);
        }
        return cli_misuse(command, "cannot tell how this terminal shows pictures; say "
                                   "--preview=kitty, --preview=iterm or --preview=sixel");
    }
    if (o->preview && (o->json || o->tsv || o->paths || o->nul)) {
        return cli_misuse(command, "--preview goes with the table only");
    }
    return CLI_RUN;
}

/*
 * For programs.
 */
static void print_json(const char *query, const glimpse_model *model,
                       const glimpse_results *results) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "query", query);
    jout_path(&j, "model", glimpse_model_name(model));
    jout_key(&j, "fingerprint");
    jout_string(&j, glimpse_model_fingerprint(model));
    jout_key(&j, "results");
    jout_open(&j, '[');
    for (size_t i = 0; i < glimpse_results_count(results); i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        jout_open(&j, '{');
        jout_key(&j, "rank"), jout_uint(&j, r->rank);
        jout_key(&j, "score"), jout_number(&j, r->score);
        jout_path(&j, "path", r->path);
        jout_key(&j, "id"), jout_string(&j, r->id);
        jout_key(&j, "width"), jout_uint(&j, r->width);
        jout_key(&j, "height"), jout_uint(&j, r->height);
        jout_text_or_null(&j, "taken", r->taken);
        jout_text_or_null(&j, "modified", r->modified);
        jout_key(&j, "bytes"), jout_uint(&j, r->bytes);
        jout_text_or_null(&j, "format", r->format);
        jout_key(&j, "copies"), jout_uint(&j, r->copies);
        jout_key(&j, "offline"), jout_bool(&j, r->offline);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_tsv_field(const char *bytes) {
    for (; *bytes; bytes++) {
        switch (*bytes) {
        case '\t': (void)fputs("\\t", stdout); break;
        case '\n': (void)fputs("\\n", stdout); break;
        case '\r': (void)fputs("\\r", stdout); break;
        case '\\': (void)fputs("\\\\", stdout); break;
        default: (void)putchar(*bytes);
        }
    }
}

static void print_tsv(const glimpse_results *results) {
    for (size_t i = 0; i < glimpse_results_count(results); i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        (void)printf("%zu\t%.6f\t", r->rank, r->score);
        print_tsv_field(r->path);
        (void)printf("\t%u\t%u\t%s\t%s\n", (unsigned)r->width, (unsigned)r->height, r->taken,
                     r->id);
    }
}

/* The exact bytes; on a terminal, where nobody reads them back, made harmless. */
static void print_paths(const glimpse_results *results, char end) {
    int terminal = end == '\n' && isatty(STDOUT_FILENO);
    for (size_t i = 0; i < glimpse_results_count(results); i++) {
        const char *path = glimpse_results_get(results, i)->path;
        char *shown = terminal ? text_display(path) : NULL;
        (void)fputs(shown ? shown : path, stdout);
        (void)putchar(end);
        free(shown);
    }
}

/*
 * For people.
 */
static char *shown_path(const glimpse_result *r) {
    char *storage = NULL;
    char *shown = text_display(text_near_path(r->path, &storage));
    free(storage);
    if (r->copies > 1) {
        char *more =
            xprintf("%s (+%zu %s)", shown, r->copies - 1, r->copies == 2 ? "copy" : "copies");
        free(shown);
        shown = more;
    }
    if (r->offline) {
        char *more = xprintf("%s (offline)", shown);
        free(shown);
        shown = more;
    }
    return shown;
}

static void print_row(const glimpse_result *r, const char *path, size_t path_columns) {
    const char *date = r->taken && *r->taken ? r->taken : r->modified ? r->modified : "";
    char size[24], day[18];
    (void)snprintf(size, sizeof size, "%ux%u", (unsigned)r->width, (unsigned)r->height);
    (void)snprintf(day, sizeof day, "%.16s", date);
    if (strlen(day) > 10 && day[10] == 'T') day[10] = ' ';
    (void)printf("%6.3f  ", r->score);
    text_print_padded(path, path_columns);
    (void)printf("  %-11s %s\n", size, day);
}

static void print_table(const glimpse_results *results, preview_protocol preview) {
    enum { OTHER_COLUMNS = 6 + 2 + 2 + 11 + 1 + 16 };
    size_t count = glimpse_results_count(results), widest = 4;
    char **paths = xcalloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++) {
        paths[i] = shown_path(glimpse_results_get(results, i));
        size_t width = text_width(paths[i]);
        if (width > widest) widest = width;
    }
    size_t columns = text_terminal_columns(STDOUT_FILENO);
    if (columns > 0) {
        size_t room = columns > OTHER_COLUMNS + 16 ? columns - OTHER_COLUMNS : 16;
        if (widest > room) widest = room;
    }
    if (count > 0) {
        (void)printf(" score  ");
        text_print_padded("path", widest);
        (void)printf("  %-11s %s\n", "size", "date");
    }
    for (size_t i = 0; i < count; i++) {
        const glimpse_result *r = glimpse_results_get(results, i);
        char *path = columns > 0 ? text_fit(paths[i], widest) : xstrdup(paths[i]);
        print_row(r, path, widest);
        if (preview != PREVIEW_NONE) {
            (void)fflush(stdout);
            if (preview_print(preview, r->path) < 0) tool_note("%s", glimpse_last_error());
        }
        free(path);
        free(paths[i]);
    }
    free(paths);
}

/*
 * The desktop viewer.
 */
static int open_one(const char *path) {
#ifdef __APPLE__
    const char *opener = "open";
#else
    const char *opener = "xdg-open";
#endif
    const char *own = getenv("GLIMPSE_OPENER");
    if (own && *own) opener = own;
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return tool_fail("out of memory");
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    /* What a viewer prints must not mix with the results. */
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    char *argv[] = {xstrdup(opener), xstrdup(path), NULL};
    pid_t child = 0;
    int error = posix_spawnp(&child, opener, &actions, NULL, argv, environ), state = 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    free(argv[0]);
    free(argv[1]);
    if (error != 0) return tool_fail("cannot run %s: %s", opener, strerror(error));
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {}
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        return tool_fail("%s could not open %s", opener, path);
    }
    return EXIT_FOUND;
}

static int print_results(const output_options *o, const char *query, const glimpse_model *model,
                         const glimpse_results *results) {
    size_t count = glimpse_results_count(results);
    int code = count > 0 ? EXIT_FOUND : EXIT_NOTHING;
    if (o->json) {
        print_json(query, model, results);
    } else if (o->tsv) {
        print_tsv(results);
    } else if (o->paths || o->nul) {
        print_paths(results, o->nul ? '\0' : '\n');
    } else {
        print_table(results, o->preview ? preview_choose(o->preview) : PREVIEW_NONE);
    }
    (void)fflush(stdout);
    if (count == 0) tool_note("nothing found");
    if (o->html) {
        if (html_write(o->html, query, glimpse_model_name(model), results) < 0) return EXIT_FAILED;
        tool_note("contact sheet written to %s", o->html);
    }
    if (o->open) {
        size_t wanted = *o->open ? strtoul(o->open, NULL, 10) : 5;
        for (size_t i = 0; i < count && i < wanted; i++) {
            if (open_one(glimpse_results_get(results, i)->path) != EXIT_FOUND) return EXIT_FAILED;
        }
    }
    return code;
}

int output_search(const output_options *o, const cli_command *command, const char *query,
                  glimpse_library *library, const glimpse_model *model, const float *vector,
                  const glimpse_search_options *search) {
    glimpse_results *results = NULL;
    int status = glimpse_library_search(library, model, vector, search, &results);
    if (status == GLIMPSE_E_INVALID) return cli_misuse(command, "%s", glimpse_last_error());
    if (status < 0) return tool_fail_last();
    int code = print_results(o, query, model, results);
    glimpse_results_free(results);
    return code;
}
