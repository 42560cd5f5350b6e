/*
 * cmd_list.c - glimpse list: the pictures of a library without a query.
 */
#include "cli.h"
#include "filters.h"
#include "list_out.h"
#include "output.h"
#include "session.h"
#include "tool.h"

#include <glimpse/filters.h>
#include <glimpse/listing.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct printing {
    list_out form;
    uint64_t count;
    const char *html; /* NULL: no contact sheet, and nothing is kept */
    glimpse_result *kept;
    size_t kept_count, capacity;
} printing;

/* What a contact sheet shows of a picture. */
static void keep(printing *p, const glimpse_result *file) {
    if (p->kept_count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : 64;
        p->kept = xrealloc(p->kept, p->capacity * sizeof *p->kept);
    }
    glimpse_result *copy = &p->kept[p->kept_count++];
    *copy = *file;
    copy->path = xstrdup(file->path);
    copy->taken = xstrdup(file->taken);
    copy->modified = copy->id = copy->format = copy->taken_from = NULL;
}

static int write_html(printing *p) {
    output_list list = {.query = "Pictures",
                        .results = xcalloc(p->kept_count, sizeof *list.results),
                        .count = p->kept_count,
                        .has_no_scores = 1};
    for (size_t i = 0; i < p->kept_count; i++)
        list.results[i] = &p->kept[i];
    const int status = html_write(p->html, &list);
    if (status >= 0) tool_note("contact sheet written to %s", p->html);
    free(list.results);
    return status;
}

static void forget(printing *p) {
    for (size_t i = 0; i < p->kept_count; i++) {
        free((char *)(uintptr_t)p->kept[i].path);
        free((char *)(uintptr_t)p->kept[i].taken);
    }
    free(p->kept);
}

static int print_one(void *user, const glimpse_listed *picture) {
    printing *p = user;
    if (tool_stopped()) return GLIMPSE_E_CANCELLED;
    if (p->html) {
        keep(p, &picture->file);
    } else {
        list_out_print(&p->form, picture);
    }
    p->count++;
    return 0;
}

static int print_fields(void) {
    for (size_t i = 0; glimpse_where_field_get(i); i++) {
        const glimpse_where_field_info *field = glimpse_where_field_get(i);
        if (!field->is_available) continue;
        (void)printf("%-13s %-58s %s\n", field->name, field->about, field->example);
    }
    return EXIT_FOUND;
}

static int list(session *s, const glimpse_list_options *options, printing *p) {
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    tool_catch_stop();
    if (!p->html) tool_only_prints();
    const int status = glimpse_session_list(s->base, options, print_one, p);
    tool_flush();
    if (status == GLIMPSE_E_CANCELLED) return session_stopped(status, "the list is not complete");
    if (status < 0) return tool_fail_last();
    if (p->count == 0) tool_note("nothing found");
    if (p->html && p->count > 0 && write_html(p) < 0) return EXIT_FAILED;
    return p->count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

static int run(int argc, char **argv) {
    session s = {0};
    filters f = {0};
    printing p = {0};
    int sort = 0, reverse = 0, fields = 0;
    uint64_t count = 0;
    const cli_option options[] = {
        OPTION_COUNT(count, "how many pictures (default: all)"),
        OPTIONS_SORT(sort, reverse, "the latest, largest or best first; usual is path"),
        CLI_FLAG("fields", 0, &fields, "list what --where can ask for, and nothing else"),
        FILTER_OPTIONS(f),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(p.form.json, "one JSON object a picture, one a line"),
        CLI_FLAG("tsv", 0, &p.form.tsv,
                 "path, width, height, bytes, taken, camera, rating, keywords, id; with tabs, \\t "
                 "\\n \\r \\\\ escaped"),
        CLI_FLAG("paths", 'p', &p.form.paths, "only paths, one a line"),
        CLI_FLAG("print0", '0', &p.form.nul, "only paths, each ended by a NUL byte"),
        CLI_TEXT("html", 0, &p.html, "FILE", "a contact sheet as one HTML file instead"),
        CLI_HEADING("Library"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_list, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    glimpse_list_options wanted = GLIMPSE_LIST_OPTIONS_INIT;
    tool_set_quiet(s.quiet);
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_list, "list takes no words; to look for \"%s\" use glimpse search",
                          arguments.words[0]);
    } else if (p.form.json + p.form.tsv + (p.form.paths || p.form.nul) + (p.html != NULL) > 1) {
        code = cli_misuse(&cmd_list, "choose one of --json, --tsv, --paths and --html");
    } else if (p.html && !*p.html) {
        code = cli_misuse(&cmd_list, "--html needs a file name");
    } else if (fields) {
        code = print_fields();
    } else {
        code = filters_read(&f, &filter, &cmd_list);
    }
    if (code == CLI_RUN) {
        wanted.filter = &filter;
        wanted.sort = (glimpse_sort)sort;
        wanted.reverse = reverse;
        wanted.limit = (size_t)count;
        code = list(&s, &wanted, &p);
    }
    session_close(&s);
    filters_free(&f);
    forget(&p);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_list = {
    "list",
    "",
    "list pictures by what is known of them: camera, place, rating, ...",
    "Lists the pictures of the library, or those that the filters let through, without a query and "
    "without a model. A picture of which there are several files is listed once.\n\n"
    "--where takes an expression: fields with =, !=, <, <=, >, >= and ~ (a part of a text), "
    "ranges, "
    "lists, and, or, not and parentheses. Of what a picture does not say every comparison is "
    "false. "
    "The shortcuts are conditions like it, and all of them have to hold.\n\n"
    "Exit code 1 when nothing is found.",
    "  glimpse list --where \"camera ~ 'R5' and iso > 800 and not keyword = draft\"\n"
    "  glimpse list --near Lisbon --rating 4.. --sort taken\n"
    "  glimpse list --where \"taken = 2019..2020-05 and month = 6..8 and hour >= 20\"\n"
    "  glimpse list --where \"bytes > 20MB or exposure >= 1\" --sort bytes -k 20\n"
    "  glimpse list --person Anna --portrait -0 | xargs -0 ls -l\n"
    "  glimpse list --has gps --json\n",
    run,
};
