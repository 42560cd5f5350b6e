/*
 * label_out.c - see label_out.h. Choosing the format, files that are whole or not there, and the
 * formats of lines: table, CSV, JSON lines.
 */
#include "label_out_internal.h"

#include "json_out.h"
#include "text.h"
#include "tool.h"
#include "truth.h"

#include <glimpse/sys/image.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const label_out_formats[] = {"table", "csv",         "jsonl",    "coco", "imagefolder",
                                         "hf",    "labelstudio", "fiftyone", "xmp",  NULL};
const char *const label_out_places[] = {"symlink", "hardlink", "copy", "move", NULL};

int label_out_check(label_out_options *o, const cli_command *command) {
    if (o->csv + o->json + (o->format != LABEL_OUT_TABLE) > 1) {
        return cli_misuse(command, "choose one of --csv, --json and --format");
    }
    if (o->csv) o->format = LABEL_OUT_CSV;
    if (o->json) o->format = LABEL_OUT_JSONL;
    const char *name = label_out_formats[o->format];
    if (o->output && !*o->output) return cli_misuse(command, "--output needs a name");
    if (o->report && !*o->report) return cli_misuse(command, "--report needs a file name");
    int dash = o->output && strcmp(o->output, "-") == 0;
    int lines =
        o->format == LABEL_OUT_TABLE || o->format == LABEL_OUT_CSV || o->format == LABEL_OUT_JSONL;
    if (o->format == LABEL_OUT_TABLE && o->output && !dash) {
        return cli_misuse(command, "--output needs a --format, such as csv or coco");
    }
    if (!lines && o->format != LABEL_OUT_XMP && (!o->output || dash)) {
        return cli_misuse(command, "--format %s needs --output PATH", name);
    }
    if (o->format == LABEL_OUT_XMP && dash) {
        return cli_misuse(command, "--format xmp writes files; --output is a folder for them");
    }
    if (o->place != LABEL_PLACE_SYMLINK && o->format != LABEL_OUT_IMAGEFOLDER &&
        o->format != LABEL_OUT_HF) {
        return cli_misuse(command, "--place goes with --format imagefolder or hf");
    }
    if (o->relative_to && o->format != LABEL_OUT_COCO && o->format != LABEL_OUT_LABELSTUDIO &&
        o->format != LABEL_OUT_XMP) {
        return cli_misuse(command, "--relative-to goes with --format coco, labelstudio or xmp");
    }
    if (o->url_prefix && o->format != LABEL_OUT_LABELSTUDIO) {
        return cli_misuse(command, "--url-prefix goes with --format labelstudio");
    }
    if (o->truth && !o->report) {
        return cli_misuse(command, "--truth is for the --report (figures come from glimpse "
                                   "evaluate labels)");
    }
    return CLI_RUN;
}

int label_out_goes_to_stdout(const label_out_options *o) {
    return o->format <= LABEL_OUT_JSONL && (!o->output || strcmp(o->output, "-") == 0);
}

/*
 * Shared by the formats.
 */
FILE *new_file_open(const char *path, char **temporary) {
    *temporary = xprintf("%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(*temporary, "wb");
    if (file) return file;
    (void)tool_fail("%s: cannot write: %s", path, strerror(errno));
    free(*temporary);
    *temporary = NULL;
    return NULL;
}

int new_file_commit(FILE *file, char *temporary, const char *path) {
    int code = CLI_RUN;
    errno = 0;
    int bad = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0;
    if (fclose(file) != 0 || bad || rename(temporary, path) != 0) {
        code = tool_fail("%s: cannot write: %s", path, strerror(errno));
        (void)unlink(temporary);
    }
    free(temporary);
    return code;
}

void new_file_abandon(FILE *file, char *temporary) {
    if (file) (void)fclose(file);
    if (temporary) (void)unlink(temporary);
    free(temporary);
}

void label_out_leave_out(label_out *out, const char *path, const char *why) {
    out->left_out++;
    tool_say("%s: not in the output: %s", path, why);
}

int label_out_size(const label_result *result, uint32_t *width, uint32_t *height) {
    *width = result->width;
    *height = result->height;
    if (*width > 0 && *height > 0) return 0;
    glimpse_image *image = NULL;
    if (glimpse_image_load(&image, result->path, NULL) < 0) return -1;
    *width = glimpse_image_width(image);
    *height = glimpse_image_height(image);
    glimpse_image_free(image);
    return 0;
}

char *label_out_path(const label_out *out, const char *path) {
    if (!out->o->relative_to) return xstrdup(path);
    char *folder = path_settle(out->o->relative_to), *full = path_settle(path);
    size_t length = strlen(folder);
    if (strcmp(folder, "/") == 0) length = 0;
    int inside = strncmp(full, folder, length) == 0 && full[length] == '/';
    char *seen = xstrdup(inside ? full + length + 1 : full);
    free(folder);
    free(full);
    return seen;
}

const char *class_leaf(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

char *class_parent(const char *name) {
    const char *leaf = class_leaf(name);
    return leaf == name ? NULL : xprintf("%.*s", (int)(leaf - name) - 1, name);
}

void csv_field(FILE *to, const char *text) {
    if (!strpbrk(text, ",\"\r\n") && *text != ' ' && *text != '#') {
        (void)fputs(text, to);
        return;
    }
    (void)fputc('"', to);
    for (; *text; text++) {
        if (*text == '"') (void)fputc('"', to);
        (void)fputc(*text, to);
    }
    (void)fputc('"', to);
}

/*
 * A table, for people.
 */
static int put_row(label_out *out, const label_result *r) {
    const label_set *set = out->set;
    char *path = text_display(r->path);
    size_t widest = 1, shown = 0;
    for (size_t i = 0; i < set->count && i < 10000; i++) {
        size_t width = text_width(set->classes[i].name);
        if (width > widest && width <= 24) widest = width;
    }
    for (size_t i = 0; i < (r->abstained ? (r->count > 0) : r->count); i++) {
        if (set->multi_label && !r->abstained && !r->labels[i].accepted) continue;
        if (shown++ > 0) (void)fputs("  ", out->to);
        char *name = text_display(r->abstained ? "-" : set->classes[r->labels[i].class_index].name);
        size_t width = text_width(name);
        (void)fputs(name, out->to);
        (void)fprintf(out->to, "%*s %5.1f%%", width < widest ? (int)(widest - width) : 0, "",
                      100 * r->labels[i].probability);
        free(name);
    }
    (void)fprintf(out->to, "  %s\n", path);
    free(path);
    return CLI_RUN;
}

static const label_writer table_writer = {.put = put_row, .file = 1, .standard = 1};

/*
 * CSV: a row for each label; one without a class for a picture that was abstained on.
 */
static int open_csv(label_out *out) {
    (void)fprintf(out->to, "path,rank,class,probability,score,abstained%s\n",
                  out->set->multi_label ? ",accepted" : "");
    return CLI_RUN;
}

static int put_csv(label_out *out, const label_result *r) {
    FILE *to = out->to;
    for (size_t i = 0; i < (r->abstained ? (r->count > 0) : r->count); i++) {
        csv_field(to, r->path);
        (void)fprintf(to, ",%zu,", i + 1);
        if (!r->abstained) csv_field(to, out->set->classes[r->labels[i].class_index].name);
        (void)fprintf(to, ",%.9g,%.9g,%s", r->labels[i].probability, r->labels[i].score,
                      r->abstained ? "true" : "false");
        if (out->set->multi_label) {
            (void)fprintf(to, ",%s", r->labels[i].accepted ? "true" : "false");
        }
        (void)fputc('\n', to);
    }
    return CLI_RUN;
}

static const label_writer csv_writer = {.open = open_csv, .put = put_csv, .file = 1, .standard = 1};

/*
 * JSON lines.
 */
static int put_jsonl(label_out *out, const label_result *r) {
    json_out j = {out->to, 0};
    jout_open(&j, '{');
    jout_path(&j, "path", r->path);
    if (r->problem) {
        jout_key(&j, "error"), jout_string(&j, r->problem);
        jout_close(&j, '}');
        jout_end(&j);
        return CLI_RUN;
    }
    jout_key(&j, "labels");
    jout_open(&j, '[');
    for (size_t i = 0; i < r->count; i++) {
        jout_open(&j, '{');
        jout_key(&j, "class"), jout_string(&j, out->set->classes[r->labels[i].class_index].name);
        jout_key(&j, "probability"), jout_number(&j, r->labels[i].probability);
        jout_key(&j, "score"), jout_number(&j, r->labels[i].score);
        if (out->set->multi_label) {
            jout_key(&j, "accepted"), jout_bool(&j, r->labels[i].accepted);
        }
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_key(&j, "abstained"), jout_bool(&j, r->abstained);
    if (r->abstained) jout_text_or_null(&j, "reason", label_abstention_name(r->reason));
    jout_key(&j, "margin"), jout_number(&j, r->margin);
    if (r->background >= 0) jout_key(&j, "background"), jout_number(&j, r->background);
    jout_close(&j, '}');
    jout_end(&j);
    return CLI_RUN;
}

static const label_writer jsonl_writer = {
    .put = put_jsonl, .problems = 1, .file = 1, .standard = 1};

/*
 * The run.
 */
static const label_writer *const writers[] = {
    &table_writer,          &csv_writer,   &jsonl_writer,          &label_out_coco,
    &label_out_imagefolder, &label_out_hf, &label_out_labelstudio, &label_out_fiftyone,
    &label_out_xmp};

int label_out_open(label_out **out_pointer, const label_out_options *o, const label_set *set) {
    label_out *out = xcalloc(1, sizeof *out);
    int code = CLI_RUN;
    *out_pointer = NULL;
    out->o = o;
    out->set = set;
    out->writer = writers[o->format];
    if (o->report && !(out->report = label_report_make(o->report, set, o->truth))) {
        code = EXIT_FAILED;
        goto done;
    }
    if (out->writer->file && label_out_goes_to_stdout(o)) {
        out->to = stdout;
    } else if (out->writer->file && !(out->to = new_file_open(o->output, &out->temporary))) {
        code = EXIT_FAILED;
        goto done;
    }
    if (out->writer->open) code = out->writer->open(out);
done:
    if (code != CLI_RUN) {
        label_out_free(out);
        return code;
    }
    *out_pointer = out;
    return CLI_RUN;
}

int label_out_put(label_out *out, const label_result *result) {
    int code = CLI_RUN;
    if (!result->problem || out->writer->problems) code = out->writer->put(out, result);
    if (code == CLI_RUN && out->report) label_report_add(out->report, result);
    return code;
}

int label_out_finish(label_out *out, const label_totals *totals) {
    int code = CLI_RUN;
    const char *where = out->o->output;
    if (!totals->complete) {
        if (out->temporary || (!out->writer->file && out->o->format != LABEL_OUT_XMP)) {
            tool_say("%s was not written, because the run is not complete", where);
        }
        return CLI_RUN;
    }
    if (out->writer->finish) code = out->writer->finish(out);
    if (code == CLI_RUN && out->temporary) {
        code = new_file_commit(out->to, out->temporary, where);
        out->to = NULL;
        out->temporary = NULL;
    }
    if (code == CLI_RUN && out->report) code = label_report_write(out->report, totals);
    if (code == CLI_RUN && out->left_out > 0) {
        tool_say("%s could not be written as %s", text_count(out->left_out),
                 label_out_formats[out->o->format]);
        code = EXIT_PARTIAL;
    }
    return code;
}

void label_out_free(label_out *out) {
    if (!out) return;
    if (out->writer->close) out->writer->close(out);
    if (out->temporary) new_file_abandon(out->to, out->temporary);
    label_report_free(out->report);
    free(out);
}
