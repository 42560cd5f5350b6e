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
#include <string.h>

/* The fingerprint in the library that `name` means: a fingerprint, the beginning of one (at least
 * four digits), or a model's name. NULL after saying why there is none. Free with free(). */
static char *find_fingerprint(glimpse_library *library, const char *name) {
    glimpse_library_status *status = NULL;
    if (glimpse_library_load_models(&status, library) < 0) {
        (void)tool_fail_last();
        return NULL;
    }
    const char *found = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < status->model_count; i++) {
        const glimpse_library_model *m = &status->models[i];
        int starts = strlen(name) >= 4 && strncmp(m->fingerprint, name, strlen(name)) == 0;
        if (starts || strcmp(m->name, name) == 0) {
            found = m->fingerprint;
            matches++;
        }
    }
    char *result = NULL;
    if (matches == 1) {
        result = xstrdup(found);
    } else if (matches == 0) {
        (void)tool_fail("the library has no model %s (glimpse status lists them)", name);
    } else {
        (void)tool_fail("%s means several models of the library; give the fingerprint (glimpse "
                        "status --json)",
                        name);
    }
    glimpse_library_status_free(status);
    return result;
}

static int run(int argc, char **argv) {
    session s = {0};
    glimpse_prune_options prune = GLIMPSE_PRUNE_OPTIONS_INIT;
    const char *model = NULL;
    char *fingerprint = NULL;
    int json = 0;
    const cli_option options[] = {
        CLI_FLAG("dry-run", 'n', &prune.dry_run, "only say what would be forgotten"),
        CLI_TEXT("root", 0, &prune.root, "DIR", "also forget everything below this indexed folder"),
        CLI_TEXT("model", 'm', &model, "NAME",
                 "also forget the embeddings of this model (name or fingerprint)"),
        CLI_FLAG("json", 'j', &json, "print JSON"),
        SESSION_LIBRARY_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_prune, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_prune,
                          "prune takes no arguments, not \"%s\"; to forget a folder: --root %s",
                          arguments.words[0], arguments.words[0]);
        goto done;
    }
    if ((code = session_open_library(&s, 0)) != CLI_RUN) goto done;
    if (model) {
        fingerprint = find_fingerprint(s.library, model);
        if (!fingerprint) {
            code = EXIT_FAILED;
            goto done;
        }
        prune.model = fingerprint;
    }
    glimpse_prune_report report = GLIMPSE_PRUNE_REPORT_INIT;
    if (glimpse_library_prune(&report, s.library, &prune) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (json) {
        json_out j = {stdout, 0};
        jout_open(&j, '{');
        jout_path(&j, "library", glimpse_library_path(s.library));
        jout_key(&j, "dry_run"), jout_bool(&j, prune.dry_run);
        jout_key(&j, "files"), jout_uint(&j, report.files);
        jout_key(&j, "contents"), jout_uint(&j, report.contents);
        jout_key(&j, "embeddings"), jout_uint(&j, report.embeddings);
        jout_key(&j, "captions"), jout_uint(&j, report.captions);
        jout_close(&j, '}');
        jout_end(&j);
    } else {
        (void)printf("%s: %s files, %s contents, %s embeddings",
                     prune.dry_run ? "Would be forgotten" : "Forgotten", text_count(report.files),
                     text_count(report.contents), text_count(report.embeddings));
        if (report.captions > 0) (void)printf(", %s captions", text_count(report.captions));
        (void)putchar('\n');
    }
    code = EXIT_FOUND;
done:
    free(fingerprint);
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
    "--root. Picture files are never touched.",
    "  glimpse prune --dry-run\n"
    "  glimpse prune --root /mnt/old-disk\n"
    "  glimpse prune --model clip-vit-base-patch32\n",
    run,
};
