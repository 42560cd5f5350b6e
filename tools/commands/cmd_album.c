/*
 * cmd_album.c - glimpse album: pictures in an order of one's own.
 */
#include "collect.h"
#include "filters.h"
#include "list_out.h"
#include "session.h"
#include "tool.h"

#include <glimpse/listing.h>

static const cli_command album_create, album_add, album_remove, album_list, album_show,
    album_rename, album_delete;

static int run_create(int argc, char **argv) {
    return collect_one(&album_create, GLIMPSE_COLLECTION_ALBUM, 1, argc, argv);
}
static const cli_command album_create = {
    "album create",
    "NAME",
    "make an album without pictures",
    "Makes an album without pictures. Names are unique but for upper and lower case.",
    "  glimpse album create 'Norway 2024'\n",
    run_create,
};

static int run_add(int argc, char **argv) {
    return collect_change(&album_add, GLIMPSE_COLLECTION_ALBUM, 0, argc, argv);
}
static const cli_command album_add = {
    "album add",
    "NAME FILE... | NAME --where EXPR",
    "put pictures into an album",
    "Puts the pictures behind the last one of the album, in the order in which they are named; "
    "those of a filter by path. A picture is in an album once: one that is in it stays where it "
    "is, unless --at says where to put it. Exit code 3 when some of the files are not in the "
    "library; the others are added.",
    "  glimpse album add 'Norway 2024' a.jpg b.jpg\n"
    "  glimpse album add 'Norway 2024' cover.jpg --at 1\n"
    "  glimpse list --tag norway --sort taken --reverse -0 | glimpse album add 'Norway 2024' "
    "--stdin0\n",
    run_add,
};

static int run_remove(int argc, char **argv) {
    return collect_change(&album_remove, GLIMPSE_COLLECTION_ALBUM, 1, argc, argv);
}
static const cli_command album_remove = {
    "album remove",
    "NAME FILE... | NAME --where EXPR",
    "take pictures out of an album",
    "Takes the pictures out of the album. The others keep their order.",
    "  glimpse album remove 'Norway 2024' b.jpg\n",
    run_remove,
};

static int run_list(int argc, char **argv) {
    return collect_list(&album_list, GLIMPSE_COLLECTION_ALBUM, argc, argv);
}
static const cli_command album_list = {
    "album list",
    "[FILE...]",
    "list albums",
    "Lists all albums with how many pictures are in them, or those of each file. Exit code 1 when "
    "there are none, 3 when some of the files are not in the library.",
    "  glimpse album list\n",
    run_list,
};

typedef struct showing {
    list_out form;
    uint64_t count;
} showing;

static int print_one(void *user, const glimpse_listed *picture) {
    showing *p = user;
    if (tool_stopped()) return GLIMPSE_E_CANCELLED;
    list_out_print(&p->form, picture);
    p->count++;
    return 0;
}

static int show(showing *p, session *s, const char *name, const glimpse_search_options *filter) {
    glimpse_list_options wanted = GLIMPSE_LIST_OPTIONS_INIT;
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    wanted.album = name;
    wanted.filter = filter;
    tool_catch_stop();
    tool_only_prints();
    const int status = glimpse_session_list(s->base, &wanted, print_one, p);
    tool_flush();
    if (status == GLIMPSE_E_CANCELLED) return session_stopped(status, "the list is not complete");
    if (status < 0) return tool_fail_last();
    if (p->count == 0) tool_note("nothing found");
    return p->count > 0 ? EXIT_FOUND : EXIT_NOTHING;
}

static int run_show(int argc, char **argv) {
    session s = {0};
    filters f = {0};
    showing p = {0};
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    const cli_option options[] = {
        FILTER_OPTIONS(f),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(p.form.json, "one JSON object a picture, one a line, as glimpse list"),
        CLI_FLAG("tsv", 0, &p.form.tsv, "fields with tabs between them, as glimpse list"),
        CLI_FLAG("paths", 'p', &p.form.paths, "only paths, one a line"),
        CLI_FLAG("print0", '0', &p.form.nul, "only paths, each ended by a NUL byte"),
        CLI_HEADING("Library"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&album_show, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (arguments.count != 1) {
        code = cli_misuse(&album_show, "it takes one name, in quotes when there are blanks in it");
    } else if (p.form.json + p.form.tsv + (p.form.paths || p.form.nul) > 1) {
        code = cli_misuse(&album_show, "choose one of --json, --tsv and --paths");
    } else {
        code = filters_read(&f, &filter, &album_show);
    }
    if (code == CLI_RUN) code = show(&p, &s, arguments.words[0], &filter);
    session_close(&s);
    filters_free(&f);
    cli_arguments_free(&arguments);
    return code;
}
static const cli_command album_show = {
    "album show",
    "NAME",
    "list the pictures of an album in its order",
    "Lists the pictures of the album in its order, or those that the filters let through. "
    "glimpse list --album NAME lists them in any other. Exit code 1 when nothing is found.",
    "  glimpse album show 'Norway 2024'\n"
    "  glimpse album show 'Norway 2024' -0 | xargs -0 cp -t /media/frame\n",
    run_show,
};

static int run_rename(int argc, char **argv) {
    return collect_rename(&album_rename, GLIMPSE_COLLECTION_ALBUM, argc, argv);
}
static const cli_command album_rename = {
    "album rename",
    "OLD NEW",
    "give an album another name",
    "Renames the album and those below it: trips to travel makes travel/Norway of trips/Norway. "
    "Refused when there is an album of that name already.",
    "  glimpse album rename 'Norway 2024' 'trips/Norway 2024'\n",
    run_rename,
};

static int run_delete(int argc, char **argv) {
    return collect_one(&album_delete, GLIMPSE_COLLECTION_ALBUM, 0, argc, argv);
}
static const cli_command album_delete = {
    "album delete",
    "NAME",
    "delete an album, never its pictures",
    "Deletes the album. Its pictures stay, with all that is kept of them.",
    "  glimpse album delete 'Norway 2024'\n",
    run_delete,
};

static int run(int argc, char **argv) {
    static const cli_command *const parts[] = {&album_create, &album_add,  &album_remove,
                                               &album_list,   &album_show, &album_rename,
                                               &album_delete};
    return collect_dispatch(&cmd_album, parts, sizeof parts / sizeof parts[0], argc, argv);
}

const cli_command cmd_album = {
    "album",
    "create|add|remove|list|show|rename|delete ...",
    "put pictures into albums, in an order of your own",
    "An album is an ordered list of pictures; a picture may be in several. It is kept by picture, "
    "as tags are. A filter asks for it: --album NAME, album = NAME, has(album). Each part has its "
    "own --help.",
    "  glimpse album create 'Norway 2024'\n"
    "  glimpse album add 'Norway 2024' a.jpg b.jpg\n"
    "  glimpse album show 'Norway 2024'\n",
    run,
};
