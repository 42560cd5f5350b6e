/*
 * cmd_dedup.c - glimpse dedup: duplicates found, shown, decided on and, when asked, acted on.
 */
#include "cli.h"
#include "dedup_act.h"
#include "dedup_report.h"
#include "filters.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct request {
    filters filters;
    session s;
    const char *tiers, *csv, *html;
    cli_list against, exclude, keep, protect, include, allow_loss;
    uint64_t radius, jobs, forget, min_size;
    double min_similarity, max_leak;
    int rotations, same_picture, conflicts, follow_links, include_nomedia, exact, json;
    /* actions */
    const char *move, *undo, *empty;
    int trash, delete, hardlink, symlink, reflink, apply, skip_read_only, runs, recover;
    /* decisions */
    int not_duplicates, keep_all, decisions;
} request;

static const double NOT_SET = -1;

/* Bits of --tiers; 0 after saying what is wrong. */
static unsigned tiers_of(const char *list) {
    static const char *const names[] = {"exact", "perceptual", "semantic"};
    static const unsigned bits[] = {GLIMPSE_TIER_EXACT, GLIMPSE_TIER_PERCEPTUAL,
                                    GLIMPSE_TIER_SEMANTIC};
    unsigned tiers = 0;
    for (const char *s = list; *s;) {
        size_t length = strcspn(s, ","), found = 3;
        for (size_t i = 0; i < 3; i++) {
            if (strlen(names[i]) == length && strncmp(names[i], s, length) == 0) found = i;
        }
        if (found == 3) break;
        tiers |= bits[found];
        s += length;
        if (*s == ',' && s[1]) s++;
        if (!*s) return tiers;
    }
    (void)cli_misuse(&cmd_dedup, "--tiers is a list of exact, perceptual and semantic, not \"%s\"",
                     list);
    return 0;
}

#define REPEATED "; several rules are several --keep, not joined by commas"

/* *rules [r->keep.count], malloc'ed. */
static int keep_rules(const request *r, glimpse_dedup_keep_rule **rules) {
    static const struct {
        const char *name;
        glimpse_dedup_keep rule;
    } known[] = {{"largest", GLIMPSE_KEEP_LARGEST},
                 {"deepest", GLIMPSE_KEEP_DEEPEST},
                 {"best-quality", GLIMPSE_KEEP_BEST_QUALITY},
                 {"richest", GLIMPSE_KEEP_RICHEST},
                 {"oldest", GLIMPSE_KEEP_OLDEST},
                 {"newest", GLIMPSE_KEEP_NEWEST}};
    enum { KNOWN = sizeof known / sizeof *known };
    *rules = xcalloc(r->keep.count + 1, sizeof **rules);
    for (size_t i = 0; i < r->keep.count; i++) {
        const char *word = r->keep.values[i];
        glimpse_dedup_keep_rule *rule = &(*rules)[i];
        size_t k = 0;
        while (k < KNOWN && strcmp(word, known[k].name) != 0)
            k++;
        if (k < KNOWN) {
            rule->rule = known[k].rule;
        } else if (strncmp(word, "in:", 3) == 0 && word[3]) {
            *rule = (glimpse_dedup_keep_rule){GLIMPSE_KEEP_IN, word + 3};
            if (access(rule->directory, F_OK) != 0)
                return cli_misuse(&cmd_dedup, "--keep %s: there is no such folder%s", word,
                                  strchr(word, ',') ? REPEATED : "");
        } else {
            return cli_misuse(
                &cmd_dedup,
                "--keep is largest, deepest, best-quality, richest, oldest, newest or "
                "in:FOLDER, not \"%s\"%s",
                word, strchr(word, ',') ? REPEATED : "");
        }
    }
    return CLI_RUN;
}

static int check_protect(const request *r) {
    for (size_t i = 0; i < r->protect.count; i++) {
        if (access(r->protect.values[i], F_OK) != 0) {
            return cli_misuse(&cmd_dedup, "--protect %s: there is no such folder",
                              r->protect.values[i]);
        }
    }
    return CLI_RUN;
}

static dedup_action action_of(const request *r, const cli_arguments *arguments) {
    dedup_action action = {.include = r->include.values,
                           .include_count = r->include.count,
                           .protect = r->protect.values,
                           .protect_count = r->protect.count,
                           .apply = r->apply,
                           .skip_read_only = r->skip_read_only,
                           .conflicts_only = r->conflicts,
                           .roots = arguments->words,
                           .root_count = arguments->count};
    if (r->move) action.kind = GLIMPSE_ACTION_MOVE;
    if (r->trash) action.kind = GLIMPSE_ACTION_TRASH;
    if (r->delete) action.kind = GLIMPSE_ACTION_DELETE;
    if (r->hardlink) action.kind = GLIMPSE_ACTION_HARDLINK;
    if (r->symlink) action.kind = GLIMPSE_ACTION_SYMLINK;
    if (r->reflink) action.kind = GLIMPSE_ACTION_REFLINK;
    action.directory = r->move;
    return action;
}

/* What is neither looking nor acting: CLI_RUN when it was not asked for. */
static int other_modes(request *r, const cli_arguments *arguments) {
    int modes = (r->undo != NULL) + (r->empty != NULL) + r->runs + r->recover + r->decisions +
                r->not_duplicates + r->keep_all + (r->forget > 0);
    int acts = (r->move != NULL) + r->trash + r->delete + r->hardlink + r->symlink + r->reflink;
    if (modes + acts > 1) {
        return cli_misuse(&cmd_dedup, "one thing at a time: actions, --undo, --runs, --empty and "
                                      "decisions exclude each other");
    }
    if (modes == 0) return CLI_RUN;
    const char *run = r->undo ? r->undo : r->empty;
    size_t count = arguments->count;
    if (run && !*run && count == 1) {
        run = arguments->words[0];
        count = 0;
    }
    if (r->not_duplicates) {
        return dedup_decide(&r->s, GLIMPSE_DECISION_NOT_DUPLICATES, arguments->words,
                            arguments->count, r->json, &cmd_dedup);
    }
    if (r->keep_all) {
        return dedup_decide(&r->s, GLIMPSE_DECISION_KEEP_ALL, arguments->words, arguments->count,
                            r->json, &cmd_dedup);
    }
    if (count > 0) {
        return cli_misuse(&cmd_dedup, "no folders or files go with this option, not \"%s\"",
                          arguments->words[0]);
    }
    if (r->decisions) return dedup_decisions(&r->s, r->json);
    if (r->forget > 0) return dedup_forget(&r->s, r->forget, r->json);
    if (r->undo) return dedup_undo(&r->s, run, r->json, &cmd_dedup);
    if (r->empty) return dedup_empty(&r->s, run, r->apply, r->json, &cmd_dedup);
    return dedup_runs(&r->s, r->json);
}

/* The second set: directories, or one library, whose own directories the search looks at. */
static int check_against(const request *r, const cli_arguments *arguments) {
    for (size_t i = 0; i < r->against.count; i++) {
        char *catalog = xprintf("%s/catalog.db", r->against.values[i]);
        int is_library = access(catalog, F_OK) == 0;
        free(catalog);
        if (is_library && r->against.count > 1)
            return cli_misuse(&cmd_dedup, "--against takes one library or several folders");
        if (is_library) return CLI_RUN;
    }
    int status = glimpse_dedup_check_sets(arguments->words, arguments->count, r->against.values,
                                          r->against.count);
    return status < 0 ? cli_refused(&cmd_dedup, status) : CLI_RUN;
}

static int check(const request *r) {
    if (r->max_leak > NOT_SET && r->against.count == 0) {
        return cli_misuse(&cmd_dedup, "--max-leak goes with --against");
    }
    if (r->max_leak > 1 || (r->max_leak < 0 && r->max_leak > NOT_SET) || r->max_leak < NOT_SET) {
        return cli_misuse(&cmd_dedup, "--max-leak is a rate from 0 to 1");
    }
    if (r->min_similarity < -1 || r->min_similarity > 1) {
        return cli_misuse(&cmd_dedup, "--min-similarity is a cosine from -1 to 1");
    }
    if ((r->csv && !*r->csv) || (r->html && !*r->html)) {
        return cli_misuse(&cmd_dedup, "--csv and --html need a file name");
    }
    return CLI_RUN;
}

/* Behind what was done, for the exit code is about them too. */
static void print_unusable(const glimpse_dedup_report *found) {
    enum { SHOWN = 3 };
    if (found->failed_count == 0) return;
    (void)printf("%s could not be used, and nothing was done to %s: ",
                 text_counted(found->failed_count, "file", "files"),
                 found->failed_count == 1 ? "it" : "them");
    for (size_t i = 0; i < found->failed_count && i < SHOWN; i++) {
        char *storage = NULL;
        char *path = text_display(text_near_path(found->failed[i].path, &storage));
        (void)printf("%s%s", i > 0 ? ", " : "", path);
        free(path);
        free(storage);
    }
    if (found->failed_count > SHOWN)
        (void)printf(" and %s more", text_count(found->failed_count - SHOWN));
    (void)putchar('\n');
}

/* Writes and prints what was found; then acts. */
static int report(request *r, const glimpse_dedup_report *found, const dedup_action *action,
                  const char *what, const char *against_what) {
    const glimpse_dedup_group **groups = xcalloc(found->group_count, sizeof *groups);
    dedup_view view = {.report = found,
                       .groups = groups,
                       .against = r->against.count > 0,
                       .classes = r->conflicts || r->against.count > 0,
                       .what = what,
                       .against_what = against_what,
                       .jobs = (unsigned)r->jobs,
                       .freed = dedup_freed(action, found),
                       .acts = action->kind != 0};
    dedup_outcomes outcomes = {0};
    for (size_t g = 0; g < found->group_count; g++) {
        if (!r->conflicts || found->groups[g].labels_differ)
            groups[view.count++] = &found->groups[g];
    }
    int code = view.count > 0 ? EXIT_NOTHING : found->failed_count > 0 ? EXIT_PARTIAL : EXIT_FOUND;
    if (r->max_leak > NOT_SET) {
        code = found->leak.rate > r->max_leak ? EXIT_NOTHING
               : found->failed_count > 0      ? EXIT_PARTIAL
                                              : EXIT_FOUND;
    }
    dedup_report_failures(found);
    /* The pictures are shown before anything is done to them; the table has what was done. */
    if (r->html && code != EXIT_FAILED) {
        if (dedup_write_html(&view, r->html) < 0) {
            code = EXIT_FAILED;
        } else {
            tool_note("report written to %s", r->html);
        }
    }
    json_out j = {stdout, 0};
    if (r->json) {
        dedup_print_json(&view, &j);
    } else {
        dedup_print_table(&view);
    }
    if (r->max_leak > NOT_SET && !r->json) {
        (void)printf("Leakage of %.4f %s the %.4f allowed\n", found->leak.rate,
                     found->leak.rate > r->max_leak ? "exceeds" : "is within", r->max_leak);
    }
    tool_flush();
    if (action->kind && code != EXIT_FAILED && !tool_stopped()) {
        code = dedup_act(action, &r->s, &view, r->json ? &j : NULL, &outcomes);
        if (code == EXIT_FOUND && found->failed_count > 0) code = EXIT_PARTIAL;
        if (!r->json) print_unusable(found);
    }
    if (r->json) {
        jout_close(&j, '}');
        jout_end(&j);
    }
    if (r->csv && dedup_write_csv(&view, &outcomes, r->csv) < 0) {
        code = EXIT_FAILED;
    } else if (r->csv) {
        tool_note("written to %s", r->csv);
    }
    if (tool_stopped() && code != EXIT_FAILED) code = EXIT_STOPPED;
    dedup_outcomes_free(&outcomes);
    free(groups);
    return code;
}

static int look(request *r, const cli_arguments *arguments) {
    dedup_action action = action_of(r, arguments);
    glimpse_dedup_options o = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *found = NULL;
    glimpse_search_options filter = GLIMPSE_SEARCH_OPTIONS_INIT;
    if (r->tiers) {
        if ((o.tiers = tiers_of(r->tiers)) == 0) return EXIT_USAGE;
    } else if (r->hardlink || r->symlink || r->reflink) {
        /* Links need equal bytes: the other tiers would only join files of equal bytes to others.
         */
        o.tiers = GLIMPSE_TIER_EXACT;
    } else if (action.kind) {
        o.tiers = GLIMPSE_TIER_EXACT | GLIMPSE_TIER_PERCEPTUAL;
    }
    int code = check(r);
    if (code == CLI_RUN) code = dedup_allow_loss(&action.allow_loss, &r->allow_loss, &cmd_dedup);
    if (code == CLI_RUN && !action.kind && r->allow_loss.count > 0)
        code = cli_misuse(&cmd_dedup, "--allow-loss goes with an action such as --move DIR");
    if (code == CLI_RUN) code = dedup_action_check(&action, &cmd_dedup);
    glimpse_dedup_keep_rule *rules = NULL;
    if (code == CLI_RUN) code = keep_rules(r, &rules);
    if (code == CLI_RUN) code = check_protect(r);
    if (code == CLI_RUN) code = check_against(r, arguments);
    if (code == CLI_RUN && filters_are_given(&r->filters) && arguments->count > 0) {
        code = cli_misuse(&cmd_dedup, "--in and all filters are about the library; leave out the "
                                      "folders");
    }
    if (code == CLI_RUN) code = filters_read(&r->filters, &filter, &cmd_dedup);
    if (code == CLI_RUN) code = session_begin(&r->s, 0);
    if (code != CLI_RUN) {
        free(rules);
        return code;
    }
    o.keep = rules;
    o.keep_count = r->keep.count;
    o.protect = r->protect.values;
    o.protect_count = r->protect.count;
    /* Where classes are made of links, a link is what has the wrong class. */
    o.names_apart = r->conflicts;
    if (filters_are_given(&r->filters)) o.filter = &filter;
    o.roots = arguments->words;
    o.root_count = arguments->count;
    o.against = r->against.values;
    o.against_count = r->against.count;
    o.exclude = r->exclude.values;
    o.exclude_count = r->exclude.count;
    o.follow_links = r->follow_links;
    o.include_nomedia = r->include_nomedia;
    o.exact_decode = r->exact;
    o.min_bytes = r->min_size;
    o.radius = (unsigned)r->radius;
    o.min_similarity = r->min_similarity;
    o.rotations = r->rotations;
    o.same_picture_only = r->same_picture || r->conflicts;
    if (action.kind) o.weakest = glimpse_dedup_weakest(dedup_action_relations(&action));
    o.jobs = (unsigned)r->jobs;
    o.progress = dedup_show_progress;
    tool_catch_stop();
    int status = glimpse_session_dedup(&found, r->s.base, &o);
    progress_clear();
    free(rules);
    if (status == GLIMPSE_E_NOT_FOUND && arguments->count == 0 && r->against.count > 0 &&
        access(r->against.values[0], F_OK) == 0) {
        return cli_misuse(&cmd_dedup,
                          "which folder is to be compared with %s? glimpse dedup FOLDER "
                          "--against %s",
                          r->against.values[0], r->against.values[0]);
    }
    if (status < 0) return session_stopped(status, "nothing was changed");
    tool_note_nomedia(found->nomedia);
    char *what = dedup_title(&r->s, arguments->words, arguments->count);
    char *against =
        r->against.count > 0 ? dedup_title(&r->s, r->against.values, r->against.count) : NULL;
    code = report(r, found, &action, what, against);
    free(what);
    free(against);
    glimpse_dedup_report_free(found);
    return code;
}

static int run(int argc, char **argv) {
    request r = {.max_leak = NOT_SET};
    const cli_option options[] = {
        CLI_HEADING("What counts as a duplicate"),
        CLI_TEXT("tiers", 0, &r.tiers, "LIST",
                 "exact, perceptual, semantic, with commas (default: the first two; all three "
                 "for a library, or with --model)"),
        CLI_FLAG(
            "same-picture", 's', &r.same_picture,
            "only identical, re-encoded, holds-more and edited: no near shots, nothing similar"),
        CLI_FLAG("rotations", 0, &r.rotations, "find turned and mirrored pictures as well"),
        CLI_SIZE("radius", 0, &r.radius, "BITS",
                 "how far hashes of candidates may differ (default: 12 of 64)", 1, 20),
        CLI_NUMBER("min-similarity", 0, &r.min_similarity, "C",
                   "cosine from which pictures are similar (default: follows the model)"),
        OPTIONS_WALK(r.exclude, r.follow_links, r.include_nomedia),
        OPTION_DECODE(r.exact),
        OPTION_JOBS(r.jobs, 64),
        CLI_SIZE("min-size", 0, &r.min_size, "BYTES", "leave out files smaller than this", 1,
                 INT64_MAX),
        CLI_HEADING("Of the library, without DIR"),
        FILTER_ROWS(r.filters),
        CLI_HEADING("Which to keep"),
        CLI_LIST("keep", 0, &r.keep, "RULE",
                 "largest, deepest (bits), best-quality, richest (metadata), oldest, newest or "
                 "in:FOLDER; several apply in their order (default: largest, then quality, ...)"),
        CLI_LIST("protect", 0, &r.protect, "DIR",
                 "folder of reference: searched as well, always kept, never touched (repeatable)"),
        CLI_HEADING("Sets and classes"),
        CLI_LIST("against", 0, &r.against, "DIR",
                 "pictures that are also in this library or folder (repeatable)"),
        CLI_NUMBER("max-leak", 0, &r.max_leak, "RATE",
                   "with --against: exit code 1 only when a larger share leaked"),
        CLI_FLAG("conflicts", 0, &r.conflicts,
                 "only the same picture under different classes (folder names)"),
        CLI_HEADING("Actions on the files beside the keepers (nothing happens without --apply)"),
        CLI_TEXT("move", 0, &r.move, "DIR",
                 "move them below this folder, with a list of them in it"),
        CLI_FLAG("trash", 0, &r.trash, "put them into the desktop's trash"),
        CLI_FLAG("delete", 0, &r.delete, "delete them; held for --undo until --empty"),
        CLI_FLAG("hardlink", 0, &r.hardlink, "replace equal bytes by hard links to the keeper"),
        CLI_FLAG("symlink", 0, &r.symlink, "replace equal bytes by symbolic links"),
        CLI_FLAG("reflink", 0, &r.reflink, "let equal bytes share their blocks (Btrfs, XFS)"),
        CLI_LIST("include", 0, &r.include, "LIST",
                 "act on these relations as well as on identical and re-encoded: holds-more, "
                 "edited, near-shot"),
        CLI_LIST("allow-loss", 0, &r.allow_loss, "KIND",
                 "act also where the keeper lacks such: caption, video, ... or all (repeatable)"),
        CLI_FLAG("skip-read-only", 0, &r.skip_read_only,
                 "leave files without write permission alone"),
        CLI_FLAG("apply", 0, &r.apply, "really do it"),
        CLI_OPTIONAL("undo", 0, &r.undo, "RUN", "put the files of a run (the latest) back"),
        CLI_FLAG("runs", 0, &r.runs, "list the runs"),
        CLI_OPTIONAL("empty", 0, &r.empty, "RUN",
                     "let go of what runs (all) hold: frees room, ends undo"),
        CLI_FLAG("recover", 0, &r.recover,
                 "recover what an interrupted run left in doubt (every action does so first)"),
        CLI_HEADING("Decisions, remembered in the library"),
        CLI_FLAG("not-duplicates", 0, &r.not_duplicates, "the given files are different pictures"),
        CLI_FLAG("keep-all", 0, &r.keep_all, "all given files are wanted"),
        CLI_FLAG("decisions", 0, &r.decisions, "list them"),
        CLI_SIZE("forget", 0, &r.forget, "N", "forget one", 1, INT64_MAX),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(r.json, "one JSON object"),
        CLI_TEXT("csv", 0, &r.csv, "FILE", "also write a table, one file a row"),
        CLI_TEXT("html", 0, &r.html, "FILE", "also write a page with the pictures side by side"),
        SESSION_OPTIONS(r.s),
        SESSION_MANNERS_OPTIONS(r.s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_dedup, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(r.s.quiet);
    code = other_modes(&r, &arguments);
    if (code == CLI_RUN) code = look(&r, &arguments);
    session_close(&r.s);
    filters_free(&r.filters);
    cli_list_free(&r.against);
    cli_list_free(&r.exclude);
    cli_list_free(&r.allow_loss);
    cli_list_free(&r.keep);
    cli_list_free(&r.protect);
    cli_list_free(&r.include);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_dedup = {
    "dedup",
    "[DIR...]",
    "find duplicates: exact, perceptual, semantic; act on them safely",
    "Finds groups of pictures that are the same or alike, in folders or, without any, in the "
    "library. Each group has a keeper, with the reason, and every other file in it was compared "
    "with that keeper itself. Nothing is changed unless an action is given together with --apply, "
    "and --undo takes every action back. What belongs to a picture (.xmp, .aae, .thm, the RAW "
    "beside a JPEG, the video of a live photo) goes and comes back with it.\n\n"
    "Links to one file are one file; --against refuses sets that overlap.\n\n"
    "--not-duplicates A B and --keep-all A B... are remembered by content in the library and "
    "honoured from then on, wherever the files go.\n\n"
    "Exit codes: 0 no duplicates, or the action was done; 1 duplicates reported (with --max-leak: "
    "more leaked than allowed); 2 usage; 3 none found but some files could not be used, or an "
    "action left files alone; 4 failure. Duplicates reported outweigh unusable files.",
    "  glimpse dedup ~/Pictures\n"
    "  glimpse dedup ~/Pictures --same-picture --html duplicates.html\n"
    "  glimpse dedup ~/Pictures --move ~/duplicates --apply\n"
    "  glimpse dedup /media/card --protect ~/Pictures --keep oldest\n"
    "  glimpse dedup --in ~/Pictures/2024 --where \"format = heic, jpeg\"\n"
    "  glimpse dedup --undo\n"
    "  glimpse dedup train --against test --max-leak 0.001 --json\n"
    "  glimpse dedup --not-duplicates a.jpg b.jpg\n",
    run,
};
