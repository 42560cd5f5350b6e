/*
 * cmd_reindex.c - glimpse reindex: the vector index written anew from the catalogue.
 */
#include "cli.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

static int run(int argc, char **argv) {
    session s = {0};
    const cli_option options[] = {SESSION_LIBRARY_OPTION(s), SESSION_NICE_OPTION(s),
                                  SESSION_QUIET_OPTION(s), CLI_END};
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_reindex, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_library_status *status = NULL;
    tool_set_quiet(s.quiet);
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_reindex,
                          "reindex takes no arguments, not \"%s\"; to look for new "
                          "pictures: glimpse index %s",
                          arguments.words[0], arguments.words[0]);
        goto done;
    }
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    tool_catch_stop();
    int written = glimpse_session_reindex(s.base);
    if (written == GLIMPSE_E_CANCELLED) {
        tool_print(
            "stopped; every index is whole, old or new; run the same command again to continue");
        code = EXIT_STOPPED;
        goto done;
    }
    if (written < 0 || glimpse_session_load_model_status(&status, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    for (size_t i = 0; i < status->model_count; i++) {
        char *name = text_display(status->models[i].name);
        (void)printf("%s: %s\n", name,
                     text_counted(status->models[i].embedded, "vector", "vectors"));
        free(name);
    }
    code = EXIT_FOUND;
done:
    glimpse_library_status_free(status);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_reindex = {
    "reindex",
    "",
    "write the vector index anew from the catalogue",
    "Writes the vector index of every model anew from the embeddings in the catalogue. Nothing is "
    "embedded. It is hardly ever needed: a missing, stale or damaged index is rebuilt by itself.",
    "  glimpse reindex\n"
    "  glimpse reindex --library work.glimpse\n",
    run,
};
