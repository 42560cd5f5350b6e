/*
 * label_out.c - writes what glimpse label found. Which options go together, the table for people,
 * and the report beside the library's formats.
 */
#include "label_out.h"

#include "label_report.h"
#include "memory.h"
#include "progress.h"
#include "table.h"
#include "text.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

struct label_out {
    const label_out_options *o;
    const glimpse_label_set *set;
    glimpse_dataset_writer *writer; /* NULL: the table */
    label_report *report;
};

const char *const label_out_places[] = {"symlink", "hardlink", "copy", "move", NULL};

enum { TABLE = 0, MAX_FORMATS = 64 };

const char *const *label_out_formats(void) {
    static const char *names[MAX_FORMATS] = {"table"};
    for (size_t i = 0; i < glimpse_dataset_format_count() && i + 2 < MAX_FORMATS; i++)
        names[i + 1] = glimpse_dataset_format_get(i)->name;
    return names;
}

/* NULL: the table. */
static const glimpse_dataset_format *format_of(const label_out_options *o) {
    return glimpse_dataset_format_find(label_out_formats()[o->format]);
}

static int choose(label_out_options *o, const char *name) {
    const char *const *names = label_out_formats();
    for (o->format = 0; strcmp(names[o->format], name) != 0; o->format++) {}
    return o->format;
}

/* "coco, labelstudio or xmp": the formats with this need. Free it. */
static char *names_with(unsigned need) {
    char *text = NULL;
    for (size_t i = glimpse_dataset_format_count(), found = 0; i-- > 0;) {
        const glimpse_dataset_format *f = glimpse_dataset_format_get(i);
        if (!(f->needs & need)) continue;
        char *more = xprintf("%s%s%s", f->name,
                             found == 0   ? ""
                             : found == 1 ? " or "
                                          : ", ",
                             text ? text : "");
        free(text);
        text = more;
        found++;
    }
    return text ? text : xstrdup("nothing");
}

static int misplaced(const cli_command *command, const char *option, unsigned need) {
    char *names = names_with(need);
    int code = cli_misuse(command, "%s goes with --format %s", option, names);
    free(names);
    return code;
}

int label_out_check(label_out_options *o, const cli_command *command) {
    if (o->csv + o->json + (o->format != TABLE) > 1) {
        return cli_misuse(command, "choose one of --csv, --json and --format");
    }
    if (o->csv) (void)choose(o, "csv");
    if (o->json) (void)choose(o, "jsonl");
    const glimpse_dataset_format *f = format_of(o);
    unsigned needs = f ? f->needs : GLIMPSE_DATASET_STREAM;
    if (o->output && !*o->output) return cli_misuse(command, "--output needs a name");
    if (o->report && !*o->report) return cli_misuse(command, "--report needs a file name");
    int dash = o->output && strcmp(o->output, "-") == 0;
    if (!f && o->output && !dash) {
        return cli_misuse(command, "--output needs a --format, such as csv or coco");
    }
    if (!(needs & (GLIMPSE_DATASET_STREAM | GLIMPSE_DATASET_BESIDE)) && (!o->output || dash)) {
        return cli_misuse(command, "--format %s needs --output PATH", f->name);
    }
    if ((needs & GLIMPSE_DATASET_BESIDE) && dash) {
        return cli_misuse(command, "--format %s writes files; --output is a folder for them",
                          f->name);
    }
    if (o->place != GLIMPSE_PLACE_SYMLINK && !(needs & GLIMPSE_DATASET_PLACES)) {
        return misplaced(command, "--place", GLIMPSE_DATASET_PLACES);
    }
    if (o->relative_to && !(needs & GLIMPSE_DATASET_RELATIVE)) {
        return misplaced(command, "--relative-to", GLIMPSE_DATASET_RELATIVE);
    }
    if (o->url_prefix && !(needs & GLIMPSE_DATASET_URLS)) {
        return misplaced(command, "--url-prefix", GLIMPSE_DATASET_URLS);
    }
    if (o->truth && !o->report) {
        return cli_misuse(command, "--truth is for the --report (figures come from glimpse "
                                   "evaluate labels)");
    }
    return CLI_RUN;
}

int label_out_goes_to_stdout(const label_out_options *o) {
    const glimpse_dataset_format *f = format_of(o);
    int streams = !f || (f->needs & GLIMPSE_DATASET_STREAM);
    return streams && (!o->output || strcmp(o->output, "-") == 0);
}

int label_out_is_json(const label_out_options *o) {
    return strcmp(label_out_formats()[o->format], "jsonl") == 0;
}

/*
 * The table.
 */
static void print_row(const glimpse_label_set *set, const glimpse_labelled *p) {
    size_t widest = 1, shown = 0, used = 0;
    for (size_t i = 0; i < set->count && i < 10000; i++) {
        size_t width = text_width(set->classes[i].name);
        if (width > widest && width <= 24) widest = width;
    }
    for (size_t i = 0; i < (p->abstained ? (p->count > 0) : p->count); i++) {
        if (set->multi_label && !p->abstained && !p->labels[i].accepted) continue;
        if (shown++ > 0) used += (size_t)printf("  ");
        char *name = text_display(p->abstained ? "-" : set->classes[p->labels[i].class_index].name);
        size_t width = text_width(name);
        (void)printf("%s%s%s", terminal_begin(TERMINAL_STRONG), name,
                     terminal_end(TERMINAL_STRONG));
        used += width + (size_t)printf("%*s %5.1f%%", width < widest ? (int)(widest - width) : 0,
                                       "", 100 * p->labels[i].probability);
        free(name);
    }
    char *path = text_display(p->path);
    (void)fputs(table_fits(used + 2 + text_width(path)) ? "  " : "\n  ", stdout);
    terminal_print_link(p->path, path);
    (void)putchar('\n');
    free(path);
}

/*
 * The run.
 */
static int open_writer(label_out *out, const char *format) {
    const label_out_options *o = out->o;
    int stdout_too = label_out_goes_to_stdout(o);
    glimpse_dataset_options options = GLIMPSE_DATASET_OPTIONS_INIT;
    options.format = format;
    options.output = stdout_too ? NULL : o->output;
    options.stream = stdout_too ? stdout : NULL;
    options.place = o->place;
    options.relative_to = o->relative_to;
    options.url_prefix = o->url_prefix;
    options.message = tool_message;
    options.progress = progress_report;
    return glimpse_dataset_writer_open(&out->writer, out->set, &options) < 0 ? tool_fail_last()
                                                                             : CLI_RUN;
}

int label_out_open(label_out **out_pointer, const label_out_options *o,
                   const glimpse_label_set *set) {
    label_out *out = xcalloc(1, sizeof *out);
    const glimpse_dataset_format *f = format_of(o);
    int code = CLI_RUN;
    *out_pointer = NULL;
    out->o = o;
    out->set = set;
    if (o->report && !(out->report = label_report_make(o->report, set, o->truth))) {
        code = EXIT_FAILED;
    }
    if (code == CLI_RUN && f) code = open_writer(out, f->name);
    if (code != CLI_RUN) {
        label_out_free(out);
        return code;
    }
    *out_pointer = out;
    return CLI_RUN;
}

int label_out_add(label_out *out, const glimpse_labelled *picture) {
    int status = GLIMPSE_OK;
    if (out->writer) {
        status = glimpse_dataset_writer_add(out->writer, picture);
    } else if (!picture->problem) {
        print_row(out->set, picture);
    }
    if (status == GLIMPSE_OK && out->report) label_report_add(out->report, picture);
    return status;
}

int label_out_finish(label_out *out, const glimpse_label_totals *totals, int complete) {
    int code = CLI_RUN;
    if (out->writer && glimpse_dataset_writer_finish(out->writer, complete) < 0) {
        code = tool_fail_last();
    }
    progress_clear();
    if (!complete) return code;
    if (code == CLI_RUN && out->report) code = label_report_write(out->report, totals);
    size_t left_out = out->writer ? glimpse_dataset_writer_left_out(out->writer) : 0;
    if (code == CLI_RUN && left_out > 0) {
        tool_print("%s could not be written as %s", text_count(left_out),
                   label_out_formats()[out->o->format]);
        code = EXIT_PARTIAL;
    }
    return code;
}

void label_out_free(label_out *out) {
    if (!out) return;
    glimpse_dataset_writer_close(out->writer);
    label_report_free(out->report);
    free(out);
}
