/*
 * cmd_write.c - glimpse write: what the library knows, into XMP sidecars or the picture files.
 */
#include "cli.h"
#include "json_out.h"
#include "progress.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <glimpse/session_write.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct request {
    session s;
    const char *what, *labelling, *undo;
    int sidecar, embedded, overwrite, apply, json;
} request;

static const char *const sidecars[] = {"digikam", "darktable", "lightroom", NULL};

/* Bits of --what; 0 after saying what is wrong. */
static unsigned what_of(const char *list) {
    unsigned bits = 0;
    for (const char *s = list; *s;) {
        const size_t length = strcspn(s, ",");
        unsigned bit = 0;
        const char *name;
        for (size_t i = 0; (name = glimpse_write_what_name(i)); i++) {
            if (strlen(name) == length && strncmp(name, s, length) == 0) bit = 1u << i;
        }
        if (bit == 0) break;
        bits |= bit;
        s += length;
        if (*s == ',' && s[1]) s++;
        if (!*s) return bits;
    }
    (void)cli_misuse(&cmd_write,
                     "--what is a list of labels, captions, metadata and tags, not \"%s\"", list);
    return 0;
}

/* What is printed of each picture. */
typedef struct teller {
    json_out *j;
    int apply;
    uint64_t told;
} teller;

static void print_picture(const glimpse_write_event *e, int apply) {
    char *near = NULL;
    char *target = text_display(text_near_path(e->target, &near));
    if (e->outcome != GLIMPSE_OUTCOME_DONE) {
        (void)printf("left alone (%s): %s: %s\n", glimpse_action_outcome_name(e->outcome), target,
                     e->message);
    } else {
        int writes = 0;
        for (size_t i = 0; i < e->change_count; i++)
            writes |= strcmp(e->changes[i].kind, "kept") != 0;
        const char *done = !writes     ? "nothing to write"
                           : e->is_new ? apply ? "made" : "would be made"
                           : apply     ? "written"
                                       : "would be written";
        (void)printf("%s: %s\n", done, target);
    }
    for (size_t i = 0; e->outcome == GLIMPSE_OUTCOME_DONE && i < e->change_count; i++) {
        const glimpse_write_change *c = &e->changes[i];
        static const char *const signs[][2] = {
            {"added", "+"}, {"removed", "-"}, {"replaced", "="}, {"kept", "?"}};
        const char *sign = "";
        for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
            if (strcmp(signs[k][0], c->kind) == 0) sign = signs[k][1];
        }
        char *text = text_display(c->text);
        (void)printf("  %s %s: %s%s\n", sign, c->field, text,
                     *sign == '?' ? " (not written: somebody else's is there, or it was removed)"
                                  : "");
        free(text);
    }
    free(target);
    free(near);
}

static void on_picture(void *user, const glimpse_write_event *e) {
    teller *t = user;
    t->told++;
    if (!t->j) {
        print_picture(e, t->apply);
        return;
    }
    jout_open(t->j, '{');
    jout_path(t->j, "path", e->path);
    jout_path(t->j, "target", e->target);
    jout_key(t->j, "is_new"), jout_bool(t->j, e->is_new);
    jout_key(t->j, "outcome"), jout_string(t->j, glimpse_action_outcome_name(e->outcome));
    jout_path(t->j, "message", e->message);
    jout_key(t->j, "changes"), jout_open(t->j, '[');
    for (size_t i = 0; i < e->change_count; i++) {
        jout_open(t->j, '{');
        jout_key(t->j, "kind"), jout_string(t->j, e->changes[i].kind);
        jout_key(t->j, "field"), jout_string(t->j, e->changes[i].field);
        jout_key(t->j, "text"), jout_string(t->j, e->changes[i].text);
        jout_close(t->j, '}');
    }
    jout_close(t->j, ']');
    jout_close(t->j, '}');
}

static void print_report(const request *r, const glimpse_write_report *report) {
    (void)printf("%s %s (%s new), %s with nothing to write, %s left alone\n",
                 text_counted(report->written, "file", "files"),
                 r->apply ? "written" : "would be written", text_count(report->made),
                 text_count(report->unchanged), text_count(report->left_alone));
    if (!r->apply) {
        if (report->written > 0) (void)printf("Nothing was changed. To do it, add --apply.\n");
        return;
    }
    if (report->run == 0) return;
    (void)printf("Run %lld. To take it back: glimpse write --undo %lld\n", (long long)report->run,
                 (long long)report->run);
    if (report->held_bytes > 0) {
        (void)printf("The versions before are held for that (%s); to let them go: glimpse dedup "
                     "--empty %lld --apply\n",
                     text_bytes(report->held_bytes), (long long)report->run);
    }
    tool_note("glimpse index brings the library up to date; nothing is encoded again for it");
}

/* Absolute, with a slash behind a directory, so that /a is not /ab; malloc'ed. NULL after saying
 * what is wrong. */
static char *prefix_of(const char *word) {
    struct stat info;
    char *real = realpath(word, NULL);
    if (!real || stat(real, &info) != 0) {
        (void)tool_fail("%s: %s", word, strerror(errno));
        free(real);
        return NULL;
    }
    if (!S_ISDIR(info.st_mode) || strcmp(real, "/") == 0) return real;
    char *out = xmalloc(strlen(real) + 2);
    (void)stpcpy(stpcpy(out, real), "/");
    free(real);
    return out;
}

static int write_pictures(request *r, const cli_arguments *arguments) {
    glimpse_write_options options = GLIMPSE_WRITE_OPTIONS_INIT;
    glimpse_write_report report = GLIMPSE_WRITE_REPORT_INIT;
    json_out j = {stdout, 0};
    teller t = {.j = r->json ? &j : NULL, .apply = r->apply};
    if (!r->what) {
        return cli_misuse(&cmd_write,
                          "what should be written? --what labels,captions,metadata,tags");
    }
    if (r->embedded == (r->sidecar >= 0)) {
        return cli_misuse(&cmd_write, r->embedded
                                          ? "--sidecar or --write-embedded, not both"
                                          : "where to? --sidecar digikam, darktable or lightroom, "
                                            "or --write-embedded");
    }
    if (!(options.what = what_of(r->what))) return EXIT_USAGE;
    int code = session_begin(&r->s, 0);
    if (code != CLI_RUN) return code;
    char **prefixes = xmalloc((arguments->count + 1) * sizeof *prefixes);
    size_t count = 0;
    for (size_t i = 0; i < arguments->count && code == CLI_RUN; i++) {
        prefixes[count] = prefix_of(arguments->words[i]);
        if (prefixes[count]) {
            count++;
        } else {
            code = EXIT_FAILED;
        }
    }
    if (code != CLI_RUN) goto done;
    options.target = r->embedded ? GLIMPSE_WRITE_EMBEDDED : (glimpse_write_target)r->sidecar;
    options.prefixes = (const char *const *)prefixes;
    options.prefix_count = count;
    options.labelling = r->labelling;
    options.overwrite = r->overwrite;
    options.apply = r->apply;
    options.cancelled = session_cancelled;
    tool_catch_stop();
    if (t.j) {
        jout_open(&j, '{');
        jout_key(&j, "applied"), jout_bool(&j, r->apply);
        jout_key(&j, "files"), jout_open(&j, '[');
    }
    const int status = glimpse_session_write_metadata(&report, r->s.base, &options, on_picture, &t);
    if (t.j) {
        jout_close(&j, ']');
        jout_key(&j, "run");
        if (report.run) {
            jout_int(&j, report.run);
        } else {
            jout_null(&j);
        }
        jout_key(&j, "pictures"), jout_uint(&j, report.pictures);
        jout_key(&j, "written"), jout_uint(&j, report.written);
        jout_key(&j, "made"), jout_uint(&j, report.made);
        jout_key(&j, "unchanged"), jout_uint(&j, report.unchanged);
        jout_key(&j, "left_alone"), jout_uint(&j, report.left_alone);
        jout_key(&j, "held_bytes"), jout_uint(&j, report.held_bytes);
        jout_key(&j, "stopped"), jout_bool(&j, report.cancelled);
        jout_close(&j, '}');
        jout_end(&j);
    } else if (status == GLIMPSE_OK || report.written > 0) {
        print_report(r, &report);
    }
    code = status < 0              ? session_fail(status)
           : report.cancelled      ? EXIT_STOPPED
           : report.left_alone > 0 ? EXIT_PARTIAL
           : report.written == 0   ? EXIT_NOTHING
                                   : EXIT_FOUND;
    if (status == GLIMPSE_OK && report.cancelled)
        tool_print("stopped; the same command goes on with the rest");
done:
    for (size_t i = 0; i < count; i++)
        free(prefixes[i]);
    free(prefixes);
    return code;
}

static void on_undone(void *user, const glimpse_action_event *e) {
    teller *t = user;
    if (t->j) {
        jout_open(t->j, '{');
        jout_path(t->j, "path", e->path);
        jout_key(t->j, "outcome"), jout_string(t->j, glimpse_action_outcome_name(e->outcome));
        jout_path(t->j, "message", e->message);
        jout_close(t->j, '}');
        return;
    }
    char *near = NULL;
    char *path = text_display(text_near_path(e->path, &near));
    if (e->outcome == GLIMPSE_OUTCOME_DONE) {
        (void)printf("as it was: %s\n", path);
    } else {
        (void)printf("left alone (%s): %s: %s\n", glimpse_action_outcome_name(e->outcome), path,
                     e->message);
    }
    free(path);
    free(near);
}

static int undo(request *r, const char *run) {
    glimpse_action_report report = GLIMPSE_ACTION_REPORT_INIT;
    json_out j = {stdout, 0};
    teller t = {.j = r->json ? &j : NULL};
    long long number = 0;
    if (*run) {
        char *end = NULL;
        errno = 0;
        number = strtoll(run, &end, 10);
        if (errno || *end || number < 1) {
            return cli_misuse(
                &cmd_write, "a run is a number (glimpse dedup --runs lists them), not \"%s\"", run);
        }
    }
    int code = session_begin(&r->s, 0);
    if (code != CLI_RUN) return code;
    tool_catch_stop();
    if (t.j) {
        jout_open(&j, '{');
        jout_key(&j, "files"), jout_open(&j, '[');
    }
    const int status = glimpse_session_undo_write(&report, r->s.base, number, on_undone, &t);
    if (t.j) {
        jout_close(&j, ']');
        jout_key(&j, "run"), jout_int(&j, report.run);
        jout_key(&j, "done"), jout_uint(&j, report.done);
        jout_key(&j, "left_alone"), jout_uint(&j, report.left_alone);
        jout_key(&j, "stopped"), jout_bool(&j, report.cancelled);
        jout_close(&j, '}');
        jout_end(&j);
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        if (!t.j) tool_note("%s", glimpse_last_error());
        return EXIT_NOTHING;
    }
    if (status < 0) return tool_fail_last();
    if (!t.j) {
        (void)printf("Run %lld: %s as before, %s left alone\n", (long long)report.run,
                     text_counted(report.done, "file", "files"), text_count(report.left_alone));
    }
    if (report.cancelled) {
        tool_print("stopped; the same command goes on with the rest");
        return EXIT_STOPPED;
    }
    return report.left_alone > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

static int run(int argc, char **argv) {
    request r = {.sidecar = -1};
    const cli_option options[] = {
        CLI_TEXT("what", 0, &r.what, "LIST",
                 "labels (as keywords), captions (as descriptions), metadata (what indexing read), "
                 "tags (of yours, as keywords); several with commas"),
        CLI_TEXT("labelling", 0, &r.labelling, "NAME", "only labels stored under this name"),
        CLI_HEADING("Where to"),
        CLI_CHOICE("sidecar", 0, &r.sidecar, "PROGRAM",
                   "into XMP files beside the pictures, named as digikam, darktable or lightroom "
                   "expects; one that is there is used under either name",
                   sidecars),
        CLI_FLAG("write-embedded", 0, &r.embedded,
                 "into the picture files: JPEG, PNG, WebP, TIFF, HEIC, AVIF (needs exiftool)"),
        CLI_FLAG("overwrite", 0, &r.overwrite,
                 "replace descriptions, titles, ratings, labels and places of others as well"),
        CLI_FLAG("apply", 0, &r.apply, "do it; without, only says what it would do"),
        CLI_OPTIONAL("undo", 0, &r.undo, "RUN",
                     "put the files of a run (the latest that wrote) back as they were"),
        OPTION_OUTPUT_HEADING,
        OPTION_JSON(r.json, "one JSON object"),
        CLI_HEADING("Library"),
        SESSION_LIBRARY_OPTION(r.s),
        SESSION_QUIET_OPTION(r.s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_write, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(r.s.quiet);
    if (r.undo) {
        const int is_word = !*r.undo && arguments.count == 1;
        if (r.what || r.sidecar >= 0 || r.embedded || r.apply ||
            arguments.count > (size_t)is_word) {
            code = cli_misuse(&cmd_write, "--undo goes with a run alone");
        } else {
            code = undo(&r, is_word ? arguments.words[0] : r.undo);
        }
    } else {
        code = write_pictures(&r, &arguments);
    }
    session_close(&r.s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_write = {
    "write",
    "[FOLDER|FILE...]",
    "write labels, captions and ratings into XMP sidecars or picture files",
    "Writes what the library knows of its pictures (those below the folders, or all) where other "
    "programs read it. Nothing of others is replaced: keywords are added to those that are there, "
    "a description is written where there is none. What was written is marked, so that the next "
    "run brings its own up to date and touches nothing else; what a person removed is not written "
    "again. All else in a sidecar or file (histories, faces, EXIF, the picture) stays as it is.\n\n"
    "Without --apply it only says what it would do. Each file is replaced in one step, the version "
    "before is held, and --undo brings back the same bytes, unless the file was changed since. "
    "Exit "
    "code 1 when there is nothing to write, 3 when files were left alone.",
    "  glimpse write --what labels,captions --sidecar digikam\n"
    "  glimpse write ~/Pictures/2024 --what labels --sidecar darktable --apply\n"
    "  glimpse write --what metadata --write-embedded --apply\n"
    "  glimpse write --undo\n",
    run,
};
