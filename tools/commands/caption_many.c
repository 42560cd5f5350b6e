/*
 * caption_many.c - glimpse caption for directories and libraries.
 */
#include "caption_many.h"

#include "progress.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const caption_many_styles[] = {"short", "detailed", "keywords", "alt", NULL};
const char *const caption_many_formats[] = {"auto", "lines", "json", "jsonl", "csv", NULL};

int caption_many_check(const caption_request *o, const cli_command *command, size_t paths) {
    if (paths > 0 && o->whole) {
        return cli_misuse(command, "either paths or the library; --in DIR takes a part of it");
    }
    if (paths == 0 && !o->whole) return cli_misuse(command, "which pictures?");
    if (filters_are_given(&o->filters) && !o->whole) {
        return cli_misuse(command, "--in goes with --library, as do all filters");
    }
    if (o->stored && o->store) {
        return cli_misuse(command, "--stored asks for nothing that --store could keep");
    }
    if (o->out && !*o->out) return cli_misuse(command, "--out needs a file name");
    if (o->out && strcmp(o->out, "-") != 0 && o->format == 0 &&
        glimpse_caption_format_of(o->out) < 0) {
        return cli_misuse(command,
                          "%s: its ending says no format; end it with .json, .jsonl, .csv "
                          "or .txt, or say --format",
                          o->out);
    }
    return CLI_RUN;
}

/* Every failure by name; what was not sent at all as one line. */
static void report_problems(const caption_request *o, const glimpse_captioning *captions) {
    size_t unsent = 0;
    const char *why = NULL;
    for (size_t i = 0; i < glimpse_captioning_count(captions); i++) {
        const glimpse_captioned *picture = glimpse_captioning_get(captions, i);
        if (picture->text) continue;
        if (picture->unsent || o->stored) {
            why = picture->problem;
            unsent++;
        } else if (picture->problem) {
            tool_print("%s: %s", picture->path, picture->problem);
        }
    }
    if (unsent > 0)
        tool_print("%s without a caption: %s", text_counted(unsent, "picture", "pictures"), why);
}

static const char *only_directory(const caption_request *o, const char *const *paths,
                                  size_t count) {
    struct stat info;
    if (o->style != GLIMPSE_CAPTION_ALT || count != 1) return NULL;
    return stat(paths[0], &info) == 0 && S_ISDIR(info.st_mode) ? paths[0] : NULL;
}

static int write_out(const caption_request *o, const glimpse_captioning *captions,
                     const char *const *paths, size_t count) {
    const glimpse_captioning_summary *summary = glimpse_captioning_summarize(captions);
    const size_t total = glimpse_captioning_count(captions);
    glimpse_caption_write_options options = GLIMPSE_CAPTION_WRITE_OPTIONS_INIT;
    int to_file = o->out && strcmp(o->out, "-") != 0, format = o->format - 1;
    if (format < 0) format = o->out ? glimpse_caption_format_of(o->out) : -1;
    if (format < 0) format = GLIMPSE_CAPTION_LINES;
    /* Keeping captions is enough to do; they need not run over the screen as well. */
    if (o->store && !o->out && !o->xmp && o->format == 0) return CLI_RUN;
    /* Sidecars alone are asked for to be written, not to be read here. */
    int only_sidecars = o->xmp && !o->out && format == GLIMPSE_CAPTION_LINES;
    options.format = format;
    options.style = o->style;
    options.output = to_file ? o->out : NULL;
    options.stream = to_file || only_sidecars ? NULL : stdout;
    options.relative_to = o->relative_to ? o->relative_to : only_directory(o, paths, count);
    options.xmp = o->xmp;
    options.model = summary->model;
    options.message = tool_message;
    glimpse_caption_record *records = xcalloc(total, sizeof *records);
    size_t left_out = 0;
    for (size_t i = 0; i < total; i++) {
        const glimpse_captioned *picture = glimpse_captioning_get(captions, i);
        records[i] = (glimpse_caption_record){picture->path, picture->id, picture->text,
                                              picture->model, picture->problem};
    }
    int status = glimpse_captions_write(&left_out, records, total, &options);
    free(records);
    if (status < 0) return tool_fail_last();
    return left_out > 0 ? EXIT_PARTIAL : CLI_RUN;
}

/* What became of it; an exit code. */
static int report(const caption_request *o, int dry_run, int status,
                  const glimpse_captioning *captions, const char *const *paths, size_t count) {
    const glimpse_captioning_summary *s = glimpse_captioning_summarize(captions);
    const size_t total = glimpse_captioning_count(captions);
    if (status < 0 && status != GLIMPSE_E_CANCELLED) (void)tool_fail_last();
    if (!captions) return status == GLIMPSE_E_CANCELLED ? EXIT_STOPPED : EXIT_FAILED;
    tool_note_nomedia(s->nomedia);
    if (s->store_failed) {
        (void)tool_fail("the captions are not stored; the answers are kept, so the same command "
                        "stores them without asking again");
    }
    if (status == GLIMPSE_OK && total == 0) {
        tool_note("no pictures");
        return EXIT_NOTHING;
    }
    if (s->vlm.totals.asked > 0) vlm_note_use(&s->vlm);
    if (status == GLIMPSE_E_CANCELLED) {
        tool_print("stopped with %s of %s; the same command goes on from there",
                   text_count(s->reused + s->asked), text_counted(total, "caption", "captions"));
        return EXIT_STOPPED;
    }
    if (status < 0) return EXIT_FAILED;
    report_problems(o, captions);
    int code = dry_run ? CLI_RUN : write_out(o, captions, paths, count);
    if (code != CLI_RUN) return code;
    tool_note("%s: %s new, %s stored before%s%s",
              text_counted(total - s->without, "caption", "captions"),
              text_count(total - s->without - s->reused), text_count(s->reused),
              s->without ? "; without one: " : "", s->without ? text_count(s->without) : "");
    return s->without > 0 ? EXIT_PARTIAL : EXIT_FOUND;
}

int caption_many(const caption_request *o, session *s, const vlm_session *v,
                 const char *const *paths, size_t count) {
    glimpse_caption_options options = GLIMPSE_CAPTION_OPTIONS_INIT;
    const glimpse_vlm_settings settings = vlm_session_settings(v);
    glimpse_captioning *captions = NULL;
    int code = session_begin(s, 0);
    if (code != CLI_RUN) return code;
    options.style = (glimpse_caption_style)o->style;
    options.begin = o->begin;
    options.vlm = &settings;
    options.store = o->store;
    options.missing = o->missing;
    options.stored = o->stored;
    options.within = o->filter.within;
    options.within_count = o->filter.within_count;
    options.filter = &o->filter;
    options.exclude = o->exclude.values;
    options.exclude_count = o->exclude.count;
    options.follow_links = o->follow_links;
    options.include_nomedia = o->include_nomedia;
    options.beams = (unsigned)o->beams;
    options.min_tokens = (unsigned)o->min_tokens;
    options.max_tokens = (unsigned)o->max_tokens;
    options.progress = session_show_progress;
    options.cancelled = session_cancelled;
    tool_catch_stop();
    int status = glimpse_session_caption(&captions, s->base, paths, count, &options);
    progress_clear();
    code = report(o, v->dry_run, status, captions, paths, count);
    glimpse_captioning_free(captions);
    return code;
}
