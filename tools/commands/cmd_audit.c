/*
 * cmd_audit.c - glimpse audit: what is odd about the pictures of a data set.
 */
#include "audit_report.h"
#include "cli.h"
#include "dedup_act.h"
#include "dedup_report.h"
#include "progress.h"
#include "session.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* Bits of --checks; 0 after saying what is wrong. */
static unsigned kinds_of(const char *list) {
    unsigned bits = 0;
    for (const char *s = list; *s;) {
        size_t length = strcspn(s, ",");
        int found = 0;
        for (int kind = 0; kind < GLIMPSE_AUDIT_COUNT && !found; kind++) {
            const char *name = glimpse_audit_kind_name((glimpse_audit_kind)kind);
            found = strlen(name) == length && strncmp(name, s, length) == 0;
            if (found) bits |= 1u << kind;
        }
        if (!found) {
            char names[400] = "";
            for (int kind = 0; kind < GLIMPSE_AUDIT_COUNT; kind++) {
                size_t used = strlen(names);
                (void)snprintf(names + used, sizeof names - used, "%s%s", kind > 0 ? ", " : "",
                               glimpse_audit_kind_name((glimpse_audit_kind)kind));
            }
            (void)cli_misuse(&cmd_audit, "--checks is a list of %s; not \"%.*s\"", names,
                             (int)length, s);
            return 0;
        }
        s += length;
        if (*s == ',') s++;
    }
    if (bits == 0) (void)cli_misuse(&cmd_audit, "--checks needs at least one check");
    return bits;
}

static int report(const audit_view *view, int json, const char *csv, const char *html) {
    const glimpse_dedup_report *r = view->report;
    int code = view->audit->count > 0 ? EXIT_NOTHING
               : r->failed_count > 0  ? EXIT_PARTIAL
                                      : EXIT_FOUND;
    dedup_report_failures(r);
    if (csv && audit_write_csv(view, csv) < 0) code = EXIT_FAILED;
    if (csv && code != EXIT_FAILED) tool_note("written to %s", csv);
    if (html && code != EXIT_FAILED) {
        if (audit_write_html(view, html) < 0) {
            code = EXIT_FAILED;
        } else {
            tool_note("report written to %s", html);
        }
    }
    if (json) {
        audit_print_json(view);
    } else {
        audit_print_table(view);
    }
    return tool_stopped() && code != EXIT_FAILED ? EXIT_STOPPED : code;
}

static int run(int argc, char **argv) {
    session s = {0};
    const char *checks = NULL, *csv = NULL, *html = NULL;
    cli_list exclude = {0};
    uint64_t jobs = 0, min_side = 0, neighbours = 0;
    int embed = 0, json = 0, follow_links = 0, include_nomedia = 0, exact = 0;
    glimpse_audit_limits limits = GLIMPSE_AUDIT_LIMITS_INIT;
    const cli_option options[] = {
        CLI_TEXT("checks", 0, &checks, "LIST",
                 "dark, bright, blurred, low-information, near-constant, odd-aspect, small, "
                 "odd-size, mislabelled, outlier, with commas (default: all)"),
        CLI_FLAG("class-dirs", 0, &limits.class_directories,
                 "folders are classes: look for pictures that lie in the wrong one (mislabelled)"),
        CLI_FLAG("embed", 0, &embed,
                 "embed pictures that the library does not know, for mislabelled and outlier"),
        OPTIONS_WALK(exclude, follow_links, include_nomedia),
        OPTION_DECODE(exact),
        OPTION_JOBS(jobs, 64),
        CLI_HEADING("Limits"),
        CLI_NUMBER("dark", 0, &limits.dark, "GREY",
                   "dark: 99% of the pixels below this of 255 (default: 60)"),
        CLI_NUMBER("bright", 0, &limits.bright, "GREY", "bright: 99% above this (default: 200)"),
        CLI_NUMBER("sharpness", 0, &limits.sharpness, "V",
                   "blurred: variance of the Laplacian below this (default: 30)"),
        CLI_NUMBER("entropy", 0, &limits.entropy, "BITS",
                   "low information: entropy of grey below this (default: 3.5)"),
        CLI_NUMBER("deviation", 0, &limits.deviation, "GREY",
                   "near constant: deviation of grey below this (default: 4)"),
        CLI_NUMBER("aspect", 0, &limits.aspect, "RATIO",
                   "odd aspect: long side over short side above this (default: 4)"),
        CLI_SIZE("min-side", 0, &min_side, "PIXELS", "small: short side below this (default: 64)",
                 1, 1000000),
        CLI_SIZE("neighbours", 0, &neighbours, "K",
                 "nearest pictures that mislabelled and outlier look at (default: 10)", 1, 1000),
        CLI_NUMBER("disagreement", 0, &limits.disagreement, "SHARE",
                   "mislabelled: share of them with one other label (default: 0.8)"),
        CLI_NUMBER("outlier-deviations", 0, &limits.outlier_deviations, "D",
                   "outlier: so many robust deviations farther from them than usual (default: 5)"),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(json, "one JSON object"),
        CLI_TEXT("csv", 0, &csv, "FILE", "also write a table, one finding a row"),
        CLI_TEXT("html", 0, &html, "FILE", "also write a page with the pictures"),
        SESSION_OPTIONS(s),
        SESSION_MANNERS_OPTIONS(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_audit, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_dedup_options pictures = GLIMPSE_DEDUP_OPTIONS_INIT;
    glimpse_dedup_report *found = NULL;
    glimpse_audit *audit = NULL;
    char *what = NULL;
    tool_set_quiet(s.quiet);
    if (checks && (limits.kinds = kinds_of(checks)) == 0) {
        code = EXIT_USAGE;
    } else if ((limits.kinds & 1u << GLIMPSE_AUDIT_MISLABELLED) && !limits.class_directories) {
        code = cli_misuse(&cmd_audit, "mislabelled needs classes: --class-dirs takes the folders "
                                      "that pictures lie in for them");
    } else if ((csv && !*csv) || (html && !*html)) {
        code = cli_misuse(&cmd_audit, "--csv and --html need a file name");
    } else if (limits.disagreement <= 0 || limits.disagreement > 1) {
        code = cli_misuse(&cmd_audit, "--disagreement is a share above 0 and at most 1");
    } else if (!(limits.outlier_deviations > 0)) {
        code = cli_misuse(&cmd_audit, "--outlier-deviations is a number above 0");
    }
    if (code != CLI_RUN) goto done;
    if (min_side > 0) limits.min_side = (unsigned)min_side;
    if (neighbours > 0) limits.neighbours = (unsigned)neighbours;
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    pictures.roots = arguments.words;
    pictures.root_count = arguments.count;
    pictures.exclude = exclude.values;
    pictures.exclude_count = exclude.count;
    pictures.follow_links = follow_links;
    pictures.include_nomedia = include_nomedia;
    pictures.exact_decode = exact;
    pictures.jobs = (unsigned)jobs;
    pictures.embed = embed;
    pictures.progress = dedup_show_progress;
    tool_catch_stop();
    int status = glimpse_session_audit(&audit, &found, s.base, &pictures, &limits);
    progress_clear();
    if (status < 0) {
        code = session_stopped(status, "nothing was changed");
        goto done;
    }
    tool_note_nomedia(found->nomedia);
    what = dedup_title(&s, arguments.words, arguments.count);
    const audit_view view = {audit, found, what, (unsigned)jobs, limits.class_directories};
    code = report(&view, json, csv, html);
done:
    free(what);
    glimpse_audit_free(audit);
    glimpse_dedup_report_free(found);
    session_close(&s);
    cli_list_free(&exclude);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_audit = {
    "audit",
    "[DIR...]",
    "find what is odd in a data set: dark, blurred, mislabelled, ...",
    "Measures every picture of the folders, or of the library when none is given, and lists what "
    "is odd: too dark or bright, blurred, with little in it, of odd shape or size; and, with "
    "embeddings, pictures unlike all others and, when the folders are classes (--class-dirs), "
    "those "
    "whose neighbours are of another class. A finding is a reason to look, not a verdict.\n\n"
    "Exit codes: 0 nothing odd, 1 findings reported, 2 usage, 3 nothing odd but some files could "
    "not be used, 4 failure.",
    "  glimpse audit train --html audit.html\n"
    "  glimpse audit train --embed --class-dirs --checks mislabelled,outlier --json\n"
    "  glimpse audit --library photos.glimpse --csv audit.csv\n",
    run,
};
