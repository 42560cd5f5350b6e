/*
 * cmd_pull.c - glimpse pull: a model from a hub, or the table of those worth having.
 */
#include "cli.h"
#include "json_out.h"
#include "offer.h"
#include "progress.h"
#include "pull_table.h"
#include "question.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pull_run {
    session session;
    const char *language;
    int yes, json, dry_run;
} pull_run;

static void print_json(const glimpse_pull *pull, int was_installed, uint64_t downloaded) {
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_pair(&j, "name", plan->name);
    jout_pair(&j, "repository", plan->repository);
    jout_pair(&j, "revision", plan->revision);
    jout_pair(&j, "commit", plan->commit);
    jout_pair(&j, "endpoint", plan->endpoint);
    jout_path(&j, "path", plan->directory);
    jout_text_or_null(&j, "licence", plan->licence);
    jout_pair(&j, "licence_page", plan->page);
    jout_key(&j, "gated"), jout_bool(&j, plan->is_gated);
    jout_key(&j, "installed"), jout_bool(&j, plan->is_installed);
    jout_key(&j, "was_installed"), jout_bool(&j, was_installed);
    jout_key(&j, "bytes"), jout_uint(&j, plan->bytes);
    jout_key(&j, "missing_bytes"), jout_uint(&j, plan->missing_bytes);
    jout_key(&j, "downloaded_bytes"), jout_uint(&j, downloaded);
    jout_key(&j, "files");
    jout_open(&j, '[');
    for (size_t i = 0; i < plan->file_count; i++) {
        const glimpse_pull_file *f = glimpse_pull_get_file(pull, i);
        jout_open(&j, '{');
        jout_pair(&j, "path", f->path);
        jout_key(&j, "bytes"), jout_uint(&j, f->bytes);
        jout_text_or_null(&j, "sha256", f->sha256);
        jout_text_or_null(&j, "git_sha1", f->git_sha1);
        jout_pair(&j, "revision", f->revision);
        jout_text_or_null(&j, "repository", f->repository);
        jout_key(&j, "weights"), jout_bool(&j, f->is_weights);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static int is_own(const glimpse_pull *pull, const glimpse_pull_file *f) {
    return f->repository && strcmp(f->repository, glimpse_pull_describe(pull)->repository) == 0;
}

/* What comes from elsewhere than the repository whose licence is shown. */
static void report_parts(const glimpse_pull *pull) {
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    const char *last = "";
    for (size_t i = 0; i < plan->file_count; i++) {
        const glimpse_pull_file *f = glimpse_pull_get_file(pull, i);
        if (is_own(pull, f)) continue;
        if (!f->repository) {
            tool_note("%s has no %s; it is written from the table of models", plan->repository,
                      f->path);
        } else if (strcmp(f->repository, last) != 0) {
            tool_note("a part of this model (%s%s) is that of %s, under the licence there", f->path,
                      i + 1 < plan->file_count ? " and others" : "", f->repository);
            last = f->repository;
        }
    }
}

static void print_plan(const glimpse_pull *pull) {
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    char *directory = text_display(plan->directory);
    (void)printf("%s %s at %s\n", plan->name, plan->repository, plan->commit);
    for (size_t i = 0; i < plan->file_count; i++) {
        const glimpse_pull_file *f = glimpse_pull_get_file(pull, i);
        (void)printf("  %8s  %s%s%s\n", text_bytes(f->bytes), f->path,
                     is_own(pull, f) ? "" : " from ",
                     is_own(pull, f) ? ""
                     : f->repository ? f->repository
                                     : "the table of models");
    }
    (void)printf("%s, %s of them to download into %s\n", text_bytes(plan->bytes),
                 text_bytes(plan->missing_bytes), directory);
    (void)printf("Licence: %s (%s)\n", plan->licence ? plan->licence : "none declared", plan->page);
    free(directory);
}

/* What the terms are, and whether they are accepted: CLI_RUN, or an exit code. */
static int ask(const pull_run *run, const glimpse_pull *pull) {
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    const char *licence = plan->licence ? plan->licence : "none declared";
    char line[64] = "";
    report_parts(pull);
    if (run->yes) {
        tool_note("%s: %s to download; licence: %s (%s)", plan->repository,
                  text_bytes(plan->missing_bytes), licence, plan->page);
        return CLI_RUN;
    }
    if (!question_can_be_asked()) {
        tool_print("%s has the licence %s (%s), and nobody can be asked here whether that is fine: "
                   "--yes accepts it, %s are to be downloaded",
                   plan->repository, licence, plan->page, text_bytes(plan->missing_bytes));
        return EXIT_USAGE;
    }
    char *name = text_display(plan->repository), *terms = text_display(licence);
    char *page = text_display(plan->page), *directory = text_display(plan->directory);
    (void)fprintf(stderr, "%s: %s to download into %s\nLicence: %s (%s)\nPull it? [y/N] ", name,
                  text_bytes(plan->missing_bytes), directory, terms, page);
    (void)fflush(stderr);
    free(name);
    free(terms);
    free(page);
    free(directory);
    if (!question_read(line, sizeof line)) {
        (void)fputc('\n', stderr);
        if (tool_stopped()) return EXIT_STOPPED;
    }
    if (line[0] == 'y' || line[0] == 'Y') return CLI_RUN;
    tool_print("nothing was pulled");
    return EXIT_NOTHING;
}

static int pull_model(pull_run *run, const char *name) {
    glimpse_pull *pull = NULL;
    glimpse_pull_options options = GLIMPSE_PULL_OPTIONS_INIT;
    options.progress = offer_show_progress;
    options.cancelled = session_cancelled;
    options.message = tool_message;
    tool_catch_stop();
    int status = glimpse_session_open_pull(&pull, run->session.base, name, &options);
    if (status < 0) return session_stopped(status, "nothing was changed");
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    const int was_installed = plan->is_installed;
    const uint64_t missing = plan->missing_bytes;
    int code = CLI_RUN;
    if (was_installed && plan->is_offline) {
        tool_note("offline: whether there is a newer %s was not asked", plan->repository);
    }
    if (!was_installed && !run->dry_run) code = ask(run, pull);
    if (code == CLI_RUN && !was_installed && !run->dry_run) {
        status = glimpse_pull_run(pull);
        progress_clear();
        if (status < 0) code = session_stopped(status, "what came is kept; pull again to go on");
    }
    if (code == CLI_RUN) {
        if (run->json) {
            print_json(pull, was_installed, was_installed || run->dry_run ? 0 : missing);
        } else if (run->dry_run && !was_installed) {
            print_plan(pull);
        } else {
            char *directory = text_display(plan->directory);
            (void)printf("%s is installed%s: %s\n", plan->name, was_installed ? " already" : "",
                         directory);
            free(directory);
            if (!was_installed) tool_note("choose it with --model %s", plan->name);
        }
        code = EXIT_FOUND;
    }
    glimpse_pull_free(pull);
    return code;
}

static int run(int argc, char **argv) {
    pull_run r = {0};
    const cli_option options[] = {
        CLI_FLAG("yes", 'y', &r.yes, "accept the licence without being asked"),
        CLI_FLAG("dry-run", 'n', &r.dry_run, "show what would be downloaded, and do not"),
        CLI_TEXT("language", 0, &r.language, "LL",
                 "of the texts you search with, for the recommendation (default: the locale's)"),
        OPTION_JSON(r.json, "print one JSON object"),
        SESSION_QUIET_OPTION(r.session),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_pull, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(r.session.quiet);
    if (arguments.count > 1) {
        code = cli_misuse(&cmd_pull, "one model at a time, not also %s", arguments.words[1]);
        goto done;
    }
    if (arguments.count == 0 && (r.yes || r.dry_run)) {
        code = cli_misuse(&cmd_pull, "which model? glimpse pull alone lists some");
        goto done;
    }
    if ((code = session_begin_without_library(&r.session)) != CLI_RUN) goto done;
    code = arguments.count == 0 ? pull_table_print(r.session.base, r.language, r.json)
                                : pull_model(&r, arguments.words[0]);
done:
    session_close(&r.session);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_pull = {
    "pull",
    "[NAME | ORG/NAME[@REVISION]]",
    "installs a model from Hugging Face or a mirror; alone it lists those worth having",
    "Downloads the files of a model that glimpse needs (its configuration, its tokenizer and the "
    "weights in one format) into ${XDG_DATA_HOME:-~/.local/share}/glimpse/models/ORG/NAME, checks "
    "their sizes and digests, and installs them at once: an older installation stays until the new "
    "one is complete. It shows the licence and asks once. What was stopped goes on where it "
    "was.\n\n"
    "Without a name it shows the table of models worth having, what others measured with them, and "
    "which of them fits this machine and your language.\n\n"
    "Environment: HF_ENDPOINT is another hub or a mirror; HF_TOKEN the token for models that are "
    "not for everybody, which goes to no other host; HF_HUB_OFFLINE=1 asks nobody; https_proxy.",
    "  glimpse pull\n"
    "  glimpse pull ViT-B-16-SigLIP2-256\n"
    "  glimpse pull openai/clip-vit-large-patch14 --yes\n"
    "  HF_ENDPOINT=https://hub.example.org glimpse pull ORG/NAME@v1.0 --yes --json\n",
    run,
};
