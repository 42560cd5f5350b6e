/*
 * cmd_verify.c - glimpse verify: does everything in a library fit together?
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct problems {
    char **texts;
    size_t count;
} problems;

static void on_problem(void *user, const char *problem) {
    problems *all = user;
    all->texts = xrealloc(all->texts, (all->count + 1) * sizeof *all->texts);
    all->texts[all->count++] = xstrdup(problem);
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0;
    const cli_option options[] = {
        OPTION_JSON(json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_NICE_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_verify, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    problems found = {0};
    uint64_t checked = 0;
    if ((code = cli_expect_no_words(&cmd_verify, &arguments)) != CLI_RUN) goto done;
    if ((code = session_begin(&s, GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE)) != CLI_RUN)
        goto done;
    /* A catalogue that cannot even be opened is a failure, not a list of problems. */
    tool_catch_stop();
    int opened = glimpse_session_has_library(s.base);
    if (opened == GLIMPSE_E_NOT_FOUND) opened = 0;
    int status = opened < 0 ? opened : glimpse_session_verify(&checked, s.base, on_problem, &found);
    if (status == GLIMPSE_E_CANCELLED) {
        tool_print("stopped after %s; %s found by then",
                   text_counted(checked, "embedding", "embeddings"),
                   found.count == 0 ? "no problem was" : "problems were");
        code = EXIT_STOPPED;
        goto done;
    }
    if (opened < 0 || (status < 0 && status != GLIMPSE_E_CORRUPT)) {
        code = tool_fail_last();
        goto done;
    }
    if (status == GLIMPSE_E_CORRUPT && found.count == 0) on_problem(&found, glimpse_last_error());
    code = found.count > 0 ? EXIT_NOTHING : EXIT_FOUND;
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_path(&j, "library", glimpse_session_library_path(s.base));
        jout_key(&j, "ok"), jout_bool(&j, found.count == 0);
        jout_key(&j, "checked"), jout_uint(&j, checked);
        jout_key(&j, "problems");
        jout_open(&j, '[');
        for (size_t i = 0; i < found.count; i++)
            jout_string(&j, found.texts[i]);
        jout_close(&j, ']');
        jout_close(&j, '}');
        jout_end(&j);
        goto done;
    }
    for (size_t i = 0; i < found.count; i++) {
        char *shown = text_display(found.texts[i]);
        (void)printf("%s\n", shown);
        free(shown);
    }
    if (found.count == 0) {
        (void)printf("All is well: %s checked.\n",
                     text_counted(checked, "embedding", "embeddings"));
    } else {
        (void)printf("%s. `glimpse reindex` writes the vector index and the captions' text "
                     "index anew; for anything else, "
                     "index into a new library.\n",
                     text_counted(found.count, "problem", "problems"));
    }
done:
    for (size_t i = 0; i < found.count; i++)
        free(found.texts[i]);
    free(found.texts);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_verify = {
    "verify",
    "",
    "check that catalogue, embeddings and vector index fit together",
    "Checks the catalogue, every stored embedding, the vector index and the captions' text index "
    "against each other, and "
    "prints each problem. Nothing is changed.\n\n"
    "Exit code 1 when there is a problem, 4 when the catalogue cannot be opened at all.",
    "  glimpse verify\n"
    "  glimpse verify --library work.glimpse --json\n",
    run,
};
