/*
 * cmd_prune.c - glimpse prune: forget what is gone. The only command that forgets anything.
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

static int run(int argc, char **argv) {
    session s = {0};
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    int json = 0;
    const cli_option options[] = {
        CLI_FLAG("dry-run", 'n', &prune.dry_run, "only say what would be forgotten"),
        CLI_TEXT("root", 0, &prune.root, "DIR", "also forget everything below this indexed folder"),
        CLI_TEXT("model", 'm', &prune.model, "NAME",
                 "also forget the embeddings of this model (name or fingerprint)"),
        CLI_FLAG("left-out", 0, &prune.left_out,
                 "also forget files that are there, and that .nomedia or --exclude leaves out"),
        CLI_FLAG("tiles", 0, &prune.tiles,
                 "also forget the tiles of pictures in folders that are indexed without them"),
        CLI_FLAG("tagged", 0, &prune.collected,
                 "also forget tags and albums of pictures that no file shows any more"),
        OPTION_JSON(json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_NICE_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_prune, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_prune,
                          "prune takes no arguments, not \"%s\"; to forget a folder: --root %s",
                          arguments.words[0], arguments.words[0]);
        goto done;
    }
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    tool_catch_stop();
    prune.cancelled = session_cancelled;
    int status = glimpse_session_prune(&report, s.base, &prune);
    if (status < 0) {
        code = session_stopped(status, "nothing was forgotten");
        goto done;
    }
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_path(&j, "library", glimpse_session_library_path(s.base));
        jout_key(&j, "dry_run"), jout_bool(&j, prune.dry_run);
        jout_key(&j, "files"), jout_uint(&j, report.files);
        jout_key(&j, "contents"), jout_uint(&j, report.contents);
        jout_key(&j, "embeddings"), jout_uint(&j, report.embeddings);
        jout_key(&j, "captions"), jout_uint(&j, report.captions);
        jout_key(&j, "tagged"), jout_uint(&j, report.collected);
        jout_key(&j, "kept"), jout_uint(&j, report.kept);
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        (void)printf("%s: %s, %s, %s", prune.dry_run ? "Would be forgotten" : "Forgotten",
                     text_counted(report.files, "file", "files"),
                     text_counted(report.contents, "content", "contents"),
                     text_counted(report.embeddings, "embedding", "embeddings"));
        if (report.captions > 0) {
            (void)printf(", %s", text_counted(report.captions, "caption", "captions"));
        }
        if (report.collected > 0) {
            (void)printf(", tags and albums of %s",
                         text_counted(report.collected, "picture", "pictures"));
        }
        (void)putchar('\n');
        if (report.kept > 0) {
            tool_note("%s without a file %s tags or albums, which are kept; --tagged forgets them",
                      text_counted(report.kept, "picture", "pictures"),
                      report.kept == 1 ? "has" : "have");
        }
    }
    code = EXIT_FOUND;
done:
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_prune = {
    "prune",
    "",
    "forget files that are gone, or whole folders or models",
    "Forgets files that are no longer there, and what was known about contents that no file has "
    "any more. Folders that cannot be reached at the moment are left alone unless named with "
    "--root, and so are files that are there, but left out by .nomedia or --exclude, without "
    "--left-out. Tiles that were made before glimpse index --no-tiles stay without --tiles. "
    "Tags and albums of yours are kept, also of pictures that are gone, until --tagged. "
    "Picture files are never touched.",
    "  glimpse prune --dry-run\n"
    "  glimpse prune --root /mnt/old-disk\n"
    "  glimpse prune --model clip-vit-base-patch32\n",
    run,
};
