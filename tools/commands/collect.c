/*
 * collect.c - putting pictures into tags and albums, taking them out, listing them.
 */
#include "collect.h"

#include "filters.h"
#include "json_out.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *noun(glimpse_collection_kind kind) {
    return kind == GLIMPSE_COLLECTION_TAG ? "tag" : "album";
}

int collect_dispatch(const cli_command *command, const cli_command *const *parts, size_t count,
                     int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; word && i < count; i++) {
        if (strcmp(word, strchr(parts[i]->name, ' ') + 1) == 0) {
            return parts[i]->run(argc - 1, argv + 1);
        }
    }
    const cli_option options[] = {CLI_END};
    cli_arguments arguments = {0};
    int code = cli_parse(command, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    code = arguments.count == 0
               ? cli_misuse(command, "%s what? It is one of %s", command->name, command->arguments)
               : cli_misuse(command, "there is no %s %s; it is one of %s", command->name,
                            arguments.words[0], command->arguments);
    cli_arguments_free(&arguments);
    return code;
}

/*
 * Paths on standard input.
 */
typedef struct path_list {
    char **paths;
    size_t count, capacity;
} path_list;

static void add_path(path_list *list, char *path) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 64;
        list->paths = xrealloc(list->paths, list->capacity * sizeof *list->paths);
    }
    list->paths[list->count++] = path;
}

static int read_paths(path_list *list, int end) {
    char *record = NULL;
    size_t capacity = 0;
    ssize_t length = 0;
    errno = 0;
    while ((length = getdelim(&record, &capacity, end, stdin)) >= 0) {
        if (length > 0 && record[length - 1] == (char)end) record[--length] = '\0';
        if (length > 0) add_path(list, xstrdup(record));
    }
    free(record);
    return ferror(stdin) ? tool_fail("cannot read standard input: %s", strerror(errno)) : CLI_RUN;
}

static void free_paths(path_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
}

/*
 * In and out.
 */
typedef struct change {
    const cli_command *command;
    glimpse_collection_kind kind;
    int removes, json;
    const char *const *names, *const *files;
    size_t name_count, file_count;
    path_list unknown;
} change;

static int on_unknown(void *user, const char *path_or_id) {
    change *c = user;
    tool_print("%s: not in the library", path_or_id);
    add_path(&c->unknown, xstrdup(path_or_id));
    return 0;
}

/* Which words are names and which are files. */
static int split_words(change *c, const cli_arguments *words, int from_elsewhere) {
    const char *what = noun(c->kind);
    const char *const *all = words->words;
    if (words->has_end && from_elsewhere) {
        return cli_misuse(c->command,
                          "files behind --, or filters, or standard input: one of them");
    }
    c->names = all;
    c->name_count = words->count;
    if (words->has_end) c->name_count = words->before_end;
    if (!words->has_end && !from_elsewhere && words->count > 0) c->name_count = 1;
    c->files = all + c->name_count;
    c->file_count = words->count - c->name_count;
    if (c->name_count == 0) return cli_misuse(c->command, "which %s?", what);
    if (c->kind == GLIMPSE_COLLECTION_ALBUM && c->name_count > 1) {
        return cli_misuse(c->command,
                          "one album, not also \"%s\"; files and filters do not go "
                          "together",
                          c->names[1]);
    }
    if (c->file_count == 0 && !from_elsewhere) {
        return cli_misuse(c->command, "which pictures? Name files behind the %s, or say --where",
                          what);
    }
    for (size_t i = 0; i < c->name_count; i++) {
        const int status = glimpse_collection_name_check(c->names[i]);
        if (status < 0) return cli_refused(c->command, status);
    }
    return CLI_RUN;
}

static void print_json(const change *c, const glimpse_collect_report *report, int dry_run) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_names(&j, c->kind == GLIMPSE_COLLECTION_TAG ? "tags" : "albums", c->names, c->name_count);
    jout_key(&j, "pictures"), jout_uint(&j, report->pictures);
    jout_key(&j, "changed"), jout_uint(&j, report->changed);
    jout_key(&j, "unknown");
    jout_open(&j, '[');
    for (size_t i = 0; i < c->unknown.count; i++)
        jout_string(&j, c->unknown.paths[i]);
    jout_close(&j, ']');
    jout_key(&j, "dry_run"), jout_bool(&j, dry_run);
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_report(const change *c, const glimpse_collect_report *report, int dry_run) {
    const uint64_t same = report->pictures - report->changed;
    char already[64] = "";
    if (same > 0) {
        (void)snprintf(already, sizeof already, "; %llu %s %s", (unsigned long long)same,
                       same == 1 ? "was" : "were", c->removes ? "not in it" : "there already");
    }
    (void)printf("%s%s%s%s\n", dry_run ? "Would be " : "",
                 c->removes ? (dry_run ? "taken out: " : "Taken out: ")
                            : (dry_run ? "added: " : "Added: "),
                 text_counted(report->changed, "picture", "pictures"), already);
}

static int apply(change *c, session *s, const glimpse_collect_options *options) {
    glimpse_collect_report report = GLIMPSE_COLLECT_REPORT_INIT;
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    const int status = (c->removes ? glimpse_session_uncollect : glimpse_session_collect)(
        &report, s->base, c->kind, c->names, c->name_count, options);
    if (status < 0) return tool_fail_last();
    if (c->json) {
        print_json(c, &report, options->dry_run);
    } else if (report.pictures > 0) {
        print_report(c, &report, options->dry_run);
    }
    if (report.unknown > 0) return EXIT_PARTIAL;
    if (report.pictures == 0) tool_note("no picture was found");
    return report.pictures > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

int collect_change(const cli_command *command, glimpse_collection_kind kind, int removes, int argc,
                   char **argv) {
    session s = {0};
    filters f = {0};
    change c = {.command = command, .kind = kind, .removes = removes};
    glimpse_collect_options o = GLIMPSE_COLLECT_OPTIONS_INIT;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    int lines = 0, records = 0;
    uint64_t position = 0;
    path_list given = {0};
    const cli_option at = CLI_SIZE("at", 0, &position, "N",
                                   "as the so many-th of the album, from 1; those that are in it "
                                   "already move there (default: behind the last)",
                                   1, 1000000000);
    const int has_position = kind == GLIMPSE_COLLECTION_ALBUM && !removes;
    const cli_option end = CLI_END;
    const cli_option options[] = {
        CLI_FLAG("stdin", 0, &lines, "the pictures are on standard input, a path or id a line"),
        CLI_FLAG("stdin0", 0, &records, "the same, each ended by a NUL byte"),
        CLI_FLAG("dry-run", 'n', &o.dry_run, "only say what would change"),
        OPTION_JSON(c.json, "print JSON"),
        FILTER_OPTIONS(f),
        CLI_HEADING("Library"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        has_position ? at : end,
        end,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(command, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    const int is_filtered = filters_are_given(&f);
    if (lines + records + is_filtered > 1) {
        code = cli_misuse(command, "choose one of filters, --stdin and --stdin0");
    } else {
        code = split_words(&c, &arguments, lines + records + is_filtered > 0);
    }
    if (code == CLI_RUN && is_filtered) code = filters_read(&f, &filter, command);
    if (code == CLI_RUN && lines + records > 0) code = read_paths(&given, lines ? '\n' : '\0');
    if (code == CLI_RUN) {
        const int from_input = lines + records > 0;
        o.pictures = from_input ? (const char *const *)given.paths : c.files;
        o.picture_count = from_input ? given.count : c.file_count;
        o.filter = is_filtered ? &filter : NULL;
        o.unknown = on_unknown;
        o.user = &c;
        o.position = (size_t)position;
        code = apply(&c, &s, &o);
    }
    session_close(&s);
    filters_free(&f);
    free_paths(&given);
    free_paths(&c.unknown);
    cli_arguments_free(&arguments);
    return code;
}

/*
 * Lists.
 */
typedef struct listing {
    json_out j;
    int json;
    const char *key; /* "tags" */
    uint64_t count;
} listing;

/* Once, when it is sure that there is an answer. */
static void begin_json(listing *l) {
    jout_open(&l->j, '{');
    jout_key(&l->j, l->key);
    jout_open(&l->j, '[');
}

static int print_collection(void *user, const glimpse_collection *k) {
    listing *l = user;
    if (l->json && l->count == 0) begin_json(l);
    l->count++;
    if (l->json) {
        jout_open(&l->j, '{');
        jout_pair(&l->j, "name", k->name);
        jout_key(&l->j, "pictures"), jout_uint(&l->j, k->pictures);
        jout_key(&l->j, "missing"), jout_uint(&l->j, k->missing);
        jout_pair(&l->j, "created", k->created);
        jout_close(&l->j, '}');
        return 0;
    }
    (void)printf("%8llu  %s", (unsigned long long)k->pictures, k->name);
    if (k->missing > 0) {
        (void)printf(" (%llu of them in no file now)", (unsigned long long)k->missing);
    }
    (void)putchar('\n');
    return 0;
}

static int list_all(listing *l, session *s, glimpse_collection_kind kind) {
    const int is_tag = kind == GLIMPSE_COLLECTION_TAG;
    l->key = is_tag ? "tags" : "albums";
    const int status = glimpse_session_collections(s->base, kind, print_collection, l);
    if (l->json && status == GLIMPSE_OK && l->count == 0) begin_json(l);
    if (l->json && (status == GLIMPSE_OK || l->count > 0)) {
        jout_close(&l->j, ']');
        jout_close(&l->j, '}');
        jout_end(&l->j);
    }
    if (status < 0) return tool_fail_last();
    if (l->count == 0) tool_note("there are no %s yet", is_tag ? "tags" : "albums");
    return l->count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

static int add_name(void *user, const char *name) {
    add_path(user, xstrdup(name));
    return 0;
}

static int list_file(listing *l, session *s, glimpse_collection_kind kind, const char *path) {
    path_list names = {0};
    const int status = glimpse_session_collections_of(s->base, kind, path, add_name, &names);
    if (status == GLIMPSE_OK && l->json) {
        jout_open(&l->j, '{');
        jout_path(&l->j, "path", path);
        jout_names(&l->j, kind == GLIMPSE_COLLECTION_TAG ? "tags" : "albums",
                   (const char *const *)names.paths, names.count);
        jout_close(&l->j, '}');
        jout_end(&l->j);
    } else if (status == GLIMPSE_OK) {
        char *shown = text_display(path);
        (void)printf("%s:", shown);
        for (size_t i = 0; i < names.count; i++)
            (void)printf("%s %s", i > 0 ? "," : "", names.paths[i]);
        (void)putchar('\n');
        free(shown);
    }
    l->count += names.count;
    free_paths(&names);
    return status;
}

/* Files that are not known are named, and the others go on. */
static int list_files(listing *l, session *s, glimpse_collection_kind kind,
                      const cli_arguments *files) {
    int unknown = 0;
    for (size_t i = 0; i < files->count; i++) {
        const int status = list_file(l, s, kind, files->words[i]);
        if (status == GLIMPSE_OK) continue;
        const int code = tool_fail_last();
        if (status != GLIMPSE_E_NOT_FOUND) return code;
        unknown = 1;
    }
    if (unknown) return EXIT_PARTIAL;
    return l->count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

int collect_list(const cli_command *command, glimpse_collection_kind kind, int argc, char **argv) {
    session s = {0};
    listing l = {.j = {stdout, 0}};
    const cli_option options[] = {
        OPTION_JSON(l.json, "print JSON: one object, or of files one a line"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(command, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    code = session_begin(&s, 0);
    if (code == CLI_RUN) {
        code = arguments.count > 0 ? list_files(&l, &s, kind, &arguments) : list_all(&l, &s, kind);
    }
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

/*
 * Names.
 */
/* Of a command with so many names and no options of its own. */
static int read_names(cli_arguments *arguments, session *s, const cli_command *command,
                      size_t count, int argc, char **argv) {
    const cli_option options[] = {SESSION_LIBRARY_OPTION(*s), SESSION_QUIET_OPTION(*s), CLI_END};
    int code = cli_parse(command, options, argc, argv, arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s->quiet);
    if (arguments->count != count) {
        code = cli_misuse(command, "it takes %s, in quotes when there are blanks in %s",
                          count == 1 ? "one name" : "the old name and the new one",
                          count == 1 ? "it" : "them");
    }
    for (size_t i = 0; i < arguments->count && code == CLI_RUN; i++) {
        const int status = glimpse_collection_name_check(arguments->words[i]);
        if (status < 0) code = cli_refused(command, status);
    }
    return code == CLI_RUN ? session_begin(s, 0) : code;
}

int collect_rename(const cli_command *command, glimpse_collection_kind kind, int argc,
                   char **argv) {
    session s = {0};
    cli_arguments arguments = {0};
    uint64_t renamed = 0;
    int code = read_names(&arguments, &s, command, 2, argc, argv);
    if (code == CLI_RUN) {
        const int status = glimpse_session_rename_collection(
            &renamed, s.base, kind, arguments.words[0], arguments.words[1]);
        code = status < 0 ? tool_fail_last() : EXIT_FOUND;
        if (status == GLIMPSE_OK) {
            (void)printf("Renamed: %s\n", kind == GLIMPSE_COLLECTION_TAG
                                              ? text_counted(renamed, "tag", "tags")
                                              : text_counted(renamed, "album", "albums"));
        }
    }
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

int collect_one(const cli_command *command, glimpse_collection_kind kind, int create, int argc,
                char **argv) {
    session s = {0};
    cli_arguments arguments = {0};
    int code = read_names(&arguments, &s, command, 1, argc, argv);
    if (code == CLI_RUN) {
        const char *name = arguments.words[0];
        const int status = create ? glimpse_session_create_album(s.base, name)
                                  : glimpse_session_delete_collection(s.base, kind, name);
        code = status < 0 ? tool_fail_last() : EXIT_FOUND;
        if (status == GLIMPSE_OK) {
            (void)printf("%s: the %s \"%s\"\n", create ? "Created" : "Deleted", noun(kind), name);
        }
    }
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}
