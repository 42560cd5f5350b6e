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

#include <glimpse/sys/blip.h>
#include <glimpse/sys/model.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pull_run {
    session session;
    const char *language;
    int yes, json, dry_run;
} pull_run;

/* Whether what was installed can be used: any repository can be pulled, and not every one is of a
 * kind that is read. Malloc'ed: why not; NULL: it can. */
static char *find_problem(const char *directory) {
    glimpse_model *model = NULL;
    glimpse_blip *blip = NULL;
    int status;
    if (glimpse_blip_is_model(directory)) {
        glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
        options.precision = GLIMPSE_PRECISION_F32; /* nothing is computed, so nothing converted */
        status = glimpse_blip_open(&blip, directory, &options);
    } else {
        glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
        options.precision = GLIMPSE_PRECISION_F32;
        options.towers = GLIMPSE_TOWER_TEXT;
        status = glimpse_model_open(&model, directory, &options);
    }
    glimpse_blip_close(blip);
    glimpse_model_close(model);
    return status < 0 ? xstrdup(glimpse_last_error()) : NULL;
}

static void print_json(const glimpse_pull *pull, int was_installed, uint64_t downloaded,
                       const char *problem) {
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
    jout_text_or_null(&j, "problem", problem);
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
    const int has_name = strcmp(plan->name, plan->repository) != 0;
    (void)printf("%s%s%s at %s\n", has_name ? plan->name : "", has_name ? ", " : "",
                 plan->repository, plan->commit);
    for (size_t i = 0; i < plan->file_count; i++) {
        const glimpse_pull_file *f = glimpse_pull_get_file(pull, i);
        (void)printf("  %8s  %s%s%s\n", text_bytes(f->bytes), f->path,
                     is_own(pull, f) ? "" : " from ",
                     is_own(pull, f) ? ""
                     : f->repository ? f->repository
                                     : "the table of models");
    }
    if (plan->missing_bytes < plan->bytes) {
        (void)printf("%s, of which %s are here; %s to download into %s\n", text_bytes(plan->bytes),
                     text_bytes(plan->bytes - plan->missing_bytes), text_bytes(plan->missing_bytes),
                     directory);
    } else {
        (void)printf("%s to download into %s\n", text_bytes(plan->bytes), directory);
    }
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
        tool_print("%s, licence %s (%s): %s to download, and nobody can be asked here whether that "
                   "is fine; --yes accepts it",
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
        if (tool_stopped()) {
            tool_print("stopped; nothing was pulled");
            return EXIT_STOPPED;
        }
    }
    if (line[0] == 'y' || line[0] == 'Y') return CLI_RUN;
    tool_print("nothing was pulled");
    return EXIT_NOTHING;
}

/* Behind a name that is none: what may have been meant. */
static void suggest(const pull_run *run, const char *name) {
    const glimpse_catalog *catalog = NULL;
    if (strcmp(name, "demo") == 0) {
        tool_note("the demo model ships with glimpse: --model demo");
        return;
    }
    if (strchr(name, '/') || glimpse_session_catalog(&catalog, run->session.base) < 0) return;
    const size_t count = glimpse_catalog_count(catalog);
    const char **names = xcalloc(count + 1, sizeof *names);
    char *alike = xstrdup("");
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        names[i] = glimpse_catalog_get(catalog, i)->name;
        if (!*name || !strcasestr(names[i], name) || ++found > 4) continue;
        char *longer = xprintf("%s%s%s", alike, *alike ? ", " : "", names[i]);
        free(alike);
        alike = longer;
    }
    const char *closest = found > 0 ? NULL : text_closest(name, names);
    if (closest) {
        tool_note("did you mean %s? glimpse pull alone shows the table", closest);
    } else if (found > 0) {
        tool_note("there are %s%s; glimpse pull alone shows the table", alike,
                  found > 4 ? ", ..." : "");
    } else {
        tool_note("glimpse pull alone shows the table");
    }
    free(alike);
    free(names);
}

/* It may be on this machine without having been pulled. */
static void note_cached(const glimpse_pull_plan *plan) {
    session other = {.model_option = plan->repository, .quiet = 1};
    const char *path = NULL;
    if (session_begin_without_library(&other) == CLI_RUN &&
        glimpse_session_model_path(&path, other.base) == GLIMPSE_OK) {
        tool_note("%s is on this machine already, in %s: --model %s uses it where it lies",
                  plan->repository, path, plan->name);
    }
    session_close(&other);
}

static void note_use(const pull_run *run, const glimpse_pull_plan *plan) {
    const glimpse_catalog *catalog = NULL;
    const glimpse_catalog_model *m = NULL;
    const char *name = plan->name;
    if (!glimpse_blip_is_model(plan->directory)) {
        tool_note("use it with --model %s; glimpse models --default %s --user makes it the one "
                  "that new libraries are made with",
                  name, name);
        return;
    }
    if (glimpse_session_catalog(&catalog, run->session.base) == GLIMPSE_OK) {
        m = glimpse_catalog_find(catalog, plan->repository);
    }
    if (m && strcmp(m->purpose, "match") == 0) {
        tool_note("use it with glimpse search --rerank=%s", name);
    } else if (m && strcmp(m->purpose, "caption") == 0) {
        tool_note("use it with glimpse caption --model %s", name);
    } else if (m && strcmp(m->purpose, "answer") == 0) {
        tool_note("use it with glimpse vqa --model %s", name);
    } else {
        tool_note("a BLIP model: give it to glimpse search --rerank=%s, or to --model of caption, "
                  "itm or vqa, whichever it was trained for",
                  name);
    }
}

static int pull_model(pull_run *run, const char *name) {
    glimpse_pull *pull = NULL;
    glimpse_pull_options options = GLIMPSE_PULL_OPTIONS_INIT;
    options.progress = offer_show_progress;
    options.cancelled = offer_is_cancelled;
    options.message = tool_message;
    tool_catch_stop();
    int status = glimpse_session_open_pull(&pull, run->session.base, name, &options);
    if (status == GLIMPSE_E_NOT_FOUND) {
        const int code = tool_fail_last();
        suggest(run, name);
        return code;
    }
    if (status < 0) return session_stopped(status, "nothing was changed");
    const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
    const int was_installed = plan->is_installed;
    const uint64_t missing = plan->missing_bytes;
    int code = CLI_RUN;
    if (was_installed && plan->is_offline) {
        tool_note("offline: whether there is a newer %s was not asked", plan->repository);
    }
    if (!was_installed) note_cached(plan);
    if (!was_installed && !run->dry_run) code = ask(run, pull);
    if (code == CLI_RUN && !was_installed && !run->dry_run) {
        status = glimpse_pull_run(pull);
        progress_clear();
        if (status < 0) code = session_stopped(status, "what came is kept; pull again to go on");
    }
    if (code == CLI_RUN) {
        char *problem = plan->is_installed ? find_problem(plan->directory) : NULL;
        if (run->json) {
            print_json(pull, was_installed, was_installed || run->dry_run ? 0 : missing, problem);
        } else if (run->dry_run && !was_installed) {
            print_plan(pull);
        } else {
            char *directory = text_display(plan->directory);
            (void)printf("%s is installed%s: %s\n", plan->name, was_installed ? " already" : "",
                         directory);
            free(directory);
        }
        tool_flush();
        if (problem) {
            tool_print("%s cannot be used: %s (glimpse models --remove %s deletes it)", plan->name,
                       problem, plan->name);
        } else if (!was_installed && !run->dry_run && !run->json) {
            note_use(run, plan);
        }
        code = problem ? EXIT_FAILED : EXIT_FOUND;
        free(problem);
    }
    glimpse_pull_free(pull);
    return code;
}

/* "de", "de_DE.UTF-8", "yue": two or three letters. */
static int is_language(const char *text) {
    const size_t length = strcspn(text, "_-.@");
    return (length == 2 || length == 3) && strspn(text, "abcdefghijklmnopqrstuvwxyz") == length;
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
    if (r.language && !is_language(r.language)) {
        code = cli_misuse(&cmd_pull, "--language wants a code such as en, de or zh, not \"%s\"",
                          r.language);
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
    "Pulling changes no default: give the name to --model, or to glimpse models --default. Exit "
    "code 1 "
    "when the answer was no, 2 when nobody could be asked, 4 also when what was pulled cannot be "
    "used.\n\n"
    "Without a name it shows the table of models worth having, what others measured with them, and "
    "which of them fits this machine and your language.\n\n"
    "Environment: HF_ENDPOINT is another hub or a mirror; HF_TOKEN the token for models that are "
    "not for everybody, which goes to no other host; HF_HUB_OFFLINE=1 asks nobody; https_proxy.",
    "  glimpse pull\n"
    "  glimpse pull ViT-B-16-SigLIP2\n"
    "  glimpse pull openai/clip-vit-large-patch14 --yes\n"
    "  HF_ENDPOINT=https://hub.example.org glimpse pull ORG/NAME@v1.0 --yes --json\n",
    run,
};
