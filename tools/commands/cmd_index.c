/*
 * cmd_index.c - glimpse index DIR...: bring a library up to date with directories of pictures.
 *
 * Ctrl-C stops at the next opportunity, with everything embedded so far committed (exit code 130);
 * a second one kills, and even that loses no more than the batch in flight.
 */
#include "cli.h"
#include "embed_rest.h"
#include "json_out.h"
#include "offer.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int on_progress(void *user, const glimpse_progress *p) {
    (void)user;
    char detail[96] = "";
    if (p->quarantined > 0) {
        (void)snprintf(detail, sizeof detail, "%s unusable", text_count(p->quarantined));
    }
    progress_show(tool_stopped() ? "stopping" : p->stage, p->done, p->total, p->total_is_final,
                  p->seconds, detail);
    return tool_stopped();
}

/* Thread-seconds in which workers had nothing to do. */
static double waiting(const glimpse_ingest_report *r) {
    double rest = r->jobs * r->pipeline_seconds - r->busy_read - r->busy_decode - r->busy_encode;
    return rest > 0.0 ? rest : 0.0;
}

static void print_json(const char *library, const char *model, const glimpse_ingest_report *r,
                       int stopped) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "library", library);
    jout_path(&j, "model", model);
    jout_key(&j, "files"), jout_uint(&j, r->files);
    jout_key(&j, "embedded"), jout_uint(&j, r->embedded);
    jout_key(&j, "unchanged"), jout_uint(&j, r->unchanged);
    jout_key(&j, "bound"), jout_uint(&j, r->bound);
    jout_key(&j, "edited"), jout_uint(&j, r->edited);
    jout_key(&j, "quarantined"), jout_uint(&j, r->quarantined);
    jout_key(&j, "newly_quarantined"), jout_uint(&j, r->newly_quarantined);
    jout_key(&j, "missing"), jout_uint(&j, r->missing);
    jout_key(&j, "offline_roots"), jout_uint(&j, r->offline_roots);
    jout_key(&j, "refused_roots"), jout_uint(&j, r->refused_roots);
    jout_key(&j, "nomedia"), jout_uint(&j, r->nomedia);
    jout_key(&j, "left_out"), jout_uint(&j, r->left_out);
    jout_key(&j, "replaced_options"), jout_uint(&j, r->replaced_options);
    jout_key(&j, "tiles"), jout_uint(&j, r->tiles);
    jout_key(&j, "tiled"), jout_uint(&j, r->tiled);
    jout_key(&j, "seconds"), jout_number(&j, r->seconds);
    jout_key(&j, "busy");
    jout_open(&j, '{');
    jout_key(&j, "read"), jout_number(&j, r->busy_read);
    jout_key(&j, "decode"), jout_number(&j, r->busy_decode);
    jout_key(&j, "encode"), jout_number(&j, r->busy_encode);
    jout_key(&j, "commit"), jout_number(&j, r->busy_commit);
    jout_key(&j, "wait"), jout_number(&j, waiting(r));
    jout_close(&j, '}');
    jout_key(&j, "jobs"), jout_uint(&j, r->jobs);
    jout_key(&j, "pipeline_seconds"), jout_number(&j, r->pipeline_seconds);
    jout_key(&j, "peak_bytes"), jout_uint(&j, r->peak_bytes);
    jout_key(&j, "stopped"), jout_bool(&j, stopped);
    jout_close(&j, '}');
    jout_end(&j);
}

/* Where the workers' time went. */
static void print_utilisation(const glimpse_ingest_report *r) {
    const double all = r->jobs * r->pipeline_seconds;
    if (r->embedded + r->tiled == 0 || all <= 0.0) return;
    (void)printf("%s: read %.0f%%, decode %.0f%%, encode %.0f%%, wait %.0f%%; "
                 "catalogue and vector index %s beside them\n",
                 text_counted(r->jobs, "worker", "workers"), 100.0 * r->busy_read / all,
                 100.0 * r->busy_decode / all, 100.0 * r->busy_encode / all,
                 100.0 * waiting(r) / all, text_duration(r->busy_commit));
}

static void print_tiles(const glimpse_ingest_report *r) {
    char *pictures = xstrdup(text_counted(r->tiled, "picture", "pictures"));
    (void)printf(", %s of %s", text_counted(r->tiles, "tile", "tiles"), pictures);
    free(pictures);
}

static void print_summary(const char *library, const glimpse_ingest_report *r) {
    (void)printf("%s: %s embedded", text_counted(r->files, "picture", "pictures"),
                 text_count(r->embedded));
    if (r->bound > r->edited) {
        (void)printf(", %s known by content", text_count(r->bound - r->edited));
    }
    if (r->edited > 0) (void)printf(", %s with edited metadata", text_count(r->edited));
    if (r->unchanged > 0) (void)printf(", %s unchanged", text_count(r->unchanged));
    if (r->quarantined > 0) (void)printf(", %s unusable", text_count(r->quarantined));
    if (r->tiles > 0) print_tiles(r);
    (void)printf(", in %s", text_duration(r->seconds));
    if (r->embedded > 0 && r->seconds > 0) {
        (void)printf(" (%.1f pictures/s)", (double)r->embedded / r->seconds);
    }
    (void)putchar('\n');
    print_utilisation(r);
    if (r->missing > 0) {
        (void)printf("%s no longer there (glimpse prune forgets them)\n",
                     text_counted(r->missing, "known file is", "known files are"));
    }
    if (r->left_out > 0) {
        (void)printf("%s left out now, and no longer found (%s kept; glimpse prune --left-out "
                     "forgets %s)\n",
                     text_counted(r->left_out, "known file is", "known files are"),
                     r->left_out == 1 ? "it is" : "they are", r->left_out == 1 ? "it" : "them");
    }
    if (r->nomedia > 0) {
        (void)printf("%s left out for a .nomedia or .noimage file (--include-nomedia goes in)\n",
                     text_counted(r->nomedia, "folder", "folders"));
    }
    if (r->offline_roots > 0) {
        (void)printf("%s cannot be reached now; %s pictures are kept\n",
                     text_counted(r->offline_roots, "indexed folder", "indexed folders"),
                     r->offline_roots == 1 ? "its" : "their");
    }
    char *shown = text_display(library);
    (void)printf("Library: %s\n", shown);
    free(shown);
}

/* What a run left out, kept for after the summary. */
enum { SHOWN_LEFT_OUT = 5 };
typedef struct left_out_list {
    char *lines[SHOWN_LEFT_OUT];
    size_t count;
} left_out_list;
typedef struct left_out {
    left_out_list refused, unusable, marked;
} left_out;

static void on_left_out(void *user, const glimpse_left_out *what) {
    left_out *all = user;
    left_out_list *list = what->is_root      ? &all->refused
                          : what->status < 0 ? &all->unusable
                                             : &all->marked;
    if (what->known || list->count++ >= SHOWN_LEFT_OUT) return;
    list->lines[list->count - 1] =
        xprintf(what->status < 0 ? "%s: %s" : "%s: has a file %s", what->path, what->reason);
}

static void free_left_out(left_out_list *list) {
    for (size_t i = 0; i < SHOWN_LEFT_OUT; i++)
        free(list->lines[i]);
}

/* On stderr, like other messages; with --quiet only what is wrong. */
static void print_left_out(const left_out *all) {
    for (size_t i = 0; i < all->refused.count && i < SHOWN_LEFT_OUT; i++)
        tool_print("%s", all->refused.lines[i]);
    if (all->refused.count > SHOWN_LEFT_OUT) {
        tool_print("... and %s more that cannot be indexed",
                   text_count(all->refused.count - SHOWN_LEFT_OUT));
    }
    for (size_t i = 0; i < all->unusable.count && i < SHOWN_LEFT_OUT; i++)
        tool_print("unusable: %s", all->unusable.lines[i]);
    if (all->unusable.count > SHOWN_LEFT_OUT) {
        tool_print("... and %s more; glimpse status shows all",
                   text_count(all->unusable.count - SHOWN_LEFT_OUT));
    }
    for (size_t i = 0; i < all->marked.count && i < SHOWN_LEFT_OUT; i++)
        tool_note("left out: %s", all->marked.lines[i]);
    if (all->marked.count > SHOWN_LEFT_OUT) {
        tool_note("... and %s", text_counted(all->marked.count - SHOWN_LEFT_OUT, "more such folder",
                                             "more such folders"));
    }
}

/* 1 when `path` is one of the directories (or files) that were given, or below one. */
static int was_given(const cli_arguments *given, const char *path) {
    for (size_t i = 0; i < given->count; i++) {
        char *root = realpath(given->words[i], NULL);
        size_t length = root ? strlen(root) : 0;
        int below = root && strncmp(path, root, length) == 0 &&
                    (path[length] == '/' || path[length] == '\0' || strcmp(root, "/") == 0);
        free(root);
        if (below) return 1;
    }
    return given->count == 0;
}

/* 0: there is nothing to make embeddings of, which indexing says. */
static int are_there(const cli_arguments *given) {
    for (size_t i = 0; i < given->count; i++)
        if (access(given->words[i], F_OK) != 0) return 0;
    return 1;
}

/* All files that could not be used, known ones too. */
static void list_quarantined(session *s, const cli_arguments *given) {
    glimpse_library_status *status = NULL;
    if (glimpse_session_load_status(&status, s->base) < 0) return;
    for (size_t i = 0; i < status->quarantined_count; i++) {
        const glimpse_quarantined *q = &status->quarantined[i];
        if (was_given(given, q->path)) tool_print("unusable: %s: %s", q->path, q->reason);
    }
    glimpse_library_status_free(status);
}

static int run(int argc, char **argv) {
    session s = {0};
    uint64_t jobs = 0, batch = 0, max_pixels = 0;
    int tiles = 0, no_tiles = 0, retry = 0, follow = 0, nomedia = 0, forget = 0, list = 0, json = 0,
        exact = 0;
    const char *profile = NULL;
    cli_list exclude = {0};
    const cli_option options[] = {
        OPTIONS_WALK(exclude, follow, nomedia),
        CLI_FLAG(
            "forget-options", 0, &forget,
            "walk folders as if those three had never been given, and no longer remember them"),
        CLI_FLAG(
            "tiles", 0, &tiles,
            "embed pictures in tiles as well, so that small things in them are found (14 times "
            "the work)"),
        CLI_FLAG("no-tiles", 0, &no_tiles,
                 "no longer do so; tiles that there are stay until glimpse prune --tiles"),
        CLI_FLAG("retry", 0, &retry, "look again at unusable files that did not change"),
        CLI_FLAG("list-unusable", 0, &list, "list all unusable files, also those that were known"),
        CLI_SIZE("max-pixels", 0, &max_pixels, "N",
                 "refuse pictures of more pixels (default: 200000000)", 1, UINT64_MAX),
        OPTION_JOBS(jobs, 1024),
        CLI_SIZE("batch", 0, &batch, "N", "pictures encoded at once (default: 16)", 1, 4096),
        OPTION_DECODE(exact),
        CLI_TEXT("profile", 0, &profile, "FILE",
                 "write what each thread did when, for chrome://tracing or ui.perfetto.dev"),
        OPTION_JSON(json, "print the summary as JSON"),
        SESSION_OPTIONS(s),
        SESSION_MANNERS_OPTIONS(s),
        CLI_END,
    };
    left_out left = {0};
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_index, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;

    tool_set_quiet(s.quiet);
    if (tiles && no_tiles) {
        code = cli_misuse(&cmd_index, "choose one of --tiles and --no-tiles");
        goto done;
    }
    tool_catch_stop();
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    if (are_there(&arguments) && (code = offer_model(&s, 1)) != CLI_RUN) goto done;
    glimpse_ingest_options ingest = GLIMPSE_INGEST_OPTIONS_INIT;
    ingest.roots = arguments.words;
    ingest.root_count = arguments.count;
    ingest.jobs = (unsigned)jobs;
    ingest.batch = (unsigned)batch;
    ingest.max_pixels = max_pixels;
    ingest.retry_quarantined = retry;
    ingest.follow_links = follow;
    ingest.include_nomedia = nomedia;
    ingest.forget_options = forget;
    ingest.tiles = tiles - no_tiles;
    ingest.left_out = on_left_out;
    ingest.user = &left;
    ingest.exclude = exclude.values;
    ingest.exclude_count = exclude.count;
    ingest.progress = on_progress;
    ingest.exact_decode = exact;
    ingest.profile = profile;
    glimpse_ingest_report report = GLIMPSE_INGEST_REPORT_INIT;
    const glimpse_model *model = NULL;
    embed_rest_announce(&s, arguments.count > 0);
    int status = glimpse_session_index(&report, s.base, &ingest);
    progress_clear();
    int stopped = status == GLIMPSE_E_CANCELLED;
    if (status == GLIMPSE_OK || stopped) {
        status = glimpse_session_model(&model, s.base, GLIMPSE_TOWER_IMAGE);
    }
    if (status < 0) {
        code = tool_fail_last();
        goto done;
    }
    const char *library = glimpse_session_library_path(s.base);
    if (json) {
        print_json(library, glimpse_model_name(model), &report, stopped);
    } else if (!stopped && !s.quiet) {
        print_summary(library, &report);
    }
    tool_flush();
    if (report.replaced_options > 0) {
        tool_note("the options given replace those that %s remembered",
                  text_counted(report.replaced_options, "folder", "folders"));
    }
    if (no_tiles) {
        tool_note(
            "tiles that there are stay, and are searched; glimpse prune --tiles forgets them");
    }
    if (stopped) {
        tool_print("stopped after %s, which are kept; run the same command again to continue",
                   text_counted(report.embedded, "new picture", "new pictures"));
        code = EXIT_STOPPED;
        goto done;
    }
    if (list) {
        list_quarantined(&s, &arguments);
        left.unusable.count = 0;
    }
    print_left_out(&left);
    code = report.newly_quarantined + report.refused_roots > 0 ? EXIT_PARTIAL : EXIT_FOUND;
done:
    free_left_out(&left.refused);
    free_left_out(&left.unusable);
    free_left_out(&left.marked);
    session_close(&s);
    cli_list_free(&exclude);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_index = {
    "index",
    "[DIR...]",
    "bring a library up to date with folders of pictures",
    "Looks through the folders (or single files), embeds every picture that the library does not "
    "know yet, and remembers where it is. Without arguments it does so again for all folders and "
    "files that were given before. Running it again is cheap: unchanged files are not opened, "
    "moved "
    "and renamed ones not embedded again. Files that cannot be used are listed with the reason and "
    "tried again when they change.\n\n"
    "Each folder remembers --exclude, --follow-links and --include-nomedia: without any of them it "
    "is looked through as the last time. When one of them is given, all three are remembered anew; "
    "--forget-options alone goes back to none.\n\n"
    "With --tiles each picture is embedded whole and in up to 13 overlapping squares (2 x 2 and "
    "3 x 3 of them), where these have as many pixels as the model looks at; a search then finds "
    "what is small in a large picture. Pictures that are known get what they lack. A folder "
    "remembers it until --no-tiles or --forget-options.\n\n"
    "With --model another model than the library was made with, everything is embedded again with "
    "that one, beside what is there; without arguments all of the library.\n\n"
    "Exit code 3 when files were unusable that were not so before, or have changed since, or were "
    "fine and cannot be read now, or when "
    "one of several folders is not there (the others are indexed), 130 when stopped by Ctrl-C "
    "(what was done is kept; run the same command again to continue). Ctrl-Z pauses, with what was "
    "done kept. With "
    "--quiet nothing is printed but what went wrong.",
    "  glimpse index ~/Pictures\n"
    "  glimpse index /mnt/nas/photos --exclude '@eaDir' --exclude '*.tmp.jpg'\n"
    "  glimpse index\n"
    "  glimpse index ~/Pictures/panoramas --tiles\n"
    "  glimpse index ~/Pictures -l work.glimpse -m ./clip-vit-base-patch32\n",
    run,
};
