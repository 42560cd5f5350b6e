/*
 * write_captions.c - captions as lines, JSON, JSON lines, CSV, alt texts for a web page, XMP
 * sidecars.
 */
#include "core/error.h"
#include "core/options.h"
#include "dataset_text.h"
#include "text/output/display.h"
#include "text/output/json_out.h"
#include "writer_internal.h"
#include "xmp.h"

#include <stdlib.h>
#include <string.h>

typedef glimpse_caption_write_options options;
typedef glimpse_caption_record record;

int glimpse_caption_format_of(const char *path) {
    static const struct {
        const char *ending;
        glimpse_caption_format format;
    } endings[] = {{".json", GLIMPSE_CAPTION_JSON},
                   {".jsonl", GLIMPSE_CAPTION_JSONL},
                   {".ndjson", GLIMPSE_CAPTION_JSONL},
                   {".csv", GLIMPSE_CAPTION_CSV},
                   {".txt", GLIMPSE_CAPTION_LINES}};
    const char *dot = !path ? NULL : strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(dot, endings[i].ending) == 0) return (int)endings[i].format;
    }
    return -1;
}

static int write_object(json_out *j, const options *o, const record *item, const char *path) {
    int status = GLIMPSE_OK;
    jout_open(j, '{');
    jout_path(j, "path", path);
    jout_text_or_null(j, "id", item->id);
    jout_pair(j, "style", glimpse_caption_style_name(o->style));
    jout_text_or_null(j, "caption", item->text);
    if (o->style == GLIMPSE_CAPTION_KEYWORDS && item->text) {
        char **words = NULL;
        size_t count = 0;
        status = glimpse_caption_keywords(&words, &count, item->text);
        jout_key(j, "keywords");
        jout_open(j, '[');
        for (size_t i = 0; i < count; i++)
            jout_string(j, words[i]);
        jout_close(j, ']');
        glimpse_caption_keywords_free(words, count);
    }
    jout_text_or_null(j, "model", item->model ? item->model : o->model);
    if (!item->text) jout_text_or_null(j, "error", item->problem);
    jout_close(j, '}');
    return status;
}

static void write_csv(FILE *to, const options *o, const record *item, const char *path) {
    const char *fields[] = {path,
                            item->id,
                            glimpse_caption_style_name(o->style),
                            item->text ? item->text : "",
                            item->model ? item->model : o->model,
                            item->text || !item->problem ? "" : item->problem};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i > 0) (void)fputc(',', to);
        glimpse_csv_field(to, fields[i] ? fields[i] : "");
    }
    (void)fputs("\r\n", to);
}

static int write_line(FILE *to, const record *item, const char *path) {
    char *shown = glimpse_text_display(path), *text = glimpse_text_display(item->text);
    int status = shown && text ? GLIMPSE_OK : glimpse_fail_nomem(0, "a caption");
    if (status == GLIMPSE_OK) (void)fprintf(to, "%s\t%s\n", shown, text);
    free(shown);
    free(text);
    return status;
}

/* {"images/a.jpg": "A dog in the snow.", ...}: what a web page looks its alt attributes up in. */
static int is_alt_map(const options *o) {
    return o->format == GLIMPSE_CAPTION_JSON && o->style == GLIMPSE_CAPTION_ALT;
}

static int write_one(FILE *to, json_out *j, const options *o, const record *item) {
    int status = GLIMPSE_OK;
    if (!item->text && (is_alt_map(o) || o->format == GLIMPSE_CAPTION_LINES)) return GLIMPSE_OK;
    char *path = glimpse_path_seen_from(o->relative_to, item->path, 1);
    if (!path) return GLIMPSE_E_NOMEM;
    if (is_alt_map(o)) {
        jout_pair(j, path, item->text);
    } else if (o->format == GLIMPSE_CAPTION_CSV) {
        write_csv(to, o, item, path);
    } else if (o->format == GLIMPSE_CAPTION_LINES) {
        status = write_line(to, item, path);
    } else {
        status = write_object(j, o, item, path);
        if (o->format == GLIMPSE_CAPTION_JSONL) jout_end(j);
    }
    free(path);
    return status;
}

static int write_all_records(FILE *to, const options *o, const record *items, size_t count) {
    json_out j = {to, 0};
    int status = GLIMPSE_OK;
    char open = is_alt_map(o) ? '{' : o->format == GLIMPSE_CAPTION_JSON ? '[' : '\0';
    if (open) jout_open(&j, open);
    if (o->format == GLIMPSE_CAPTION_CSV) (void)fputs("path,id,style,caption,model,error\r\n", to);
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++)
        status = write_one(to, &j, o, &items[i]);
    if (open) {
        jout_close(&j, open == '{' ? '}' : ']');
        jout_end(&j);
    }
    return status;
}

/*
 * Sidecars.
 */

/* `added` [more], without those that are there already. Takes the texts out of it. */
static int join_keywords(char ***words, size_t *count, size_t *capacity, char **added,
                         size_t more) {
    for (size_t i = 0; i < more; i++) {
        int known = 0;
        for (size_t k = 0; k < *count && !known; k++)
            known = strcmp((*words)[k], added[i]) == 0;
        if (known) continue;
        char **grown = glimpse_grown(*words, capacity, *count, sizeof *grown);
        if (!grown) return GLIMPSE_E_NOMEM;
        *words = grown;
        grown[(*count)++] = added[i];
        added[i] = NULL;
    }
    return GLIMPSE_OK;
}

static int set_keywords(glimpse_xmp_parts *parts, const char *text) {
    char **words = NULL, **added = NULL;
    size_t count = 0, capacity = 0, more = 0;
    int status = glimpse_xmp_parts_keywords(&words, &count, &capacity, parts);
    if (status == GLIMPSE_OK) status = glimpse_caption_keywords(&added, &more, text);
    if (status == GLIMPSE_OK) status = join_keywords(&words, &count, &capacity, added, more);
    if (status == GLIMPSE_OK) {
        status =
            glimpse_xmp_parts_set(parts, GLIMPSE_XMP_SUBJECT, (const char *const *)words, count);
    }
    glimpse_caption_keywords_free(words, count);
    glimpse_caption_keywords_free(added, more);
    return status;
}

/* Keywords join those that are there; a text replaces the one that is there. */
static int set_caption(glimpse_xmp_parts *parts, const options *o, const char *text) {
    if (o->style == GLIMPSE_CAPTION_KEYWORDS) return set_keywords(parts, text);
    glimpse_xmp_property property =
        o->style == GLIMPSE_CAPTION_ALT ? GLIMPSE_XMP_ALT_TEXT : GLIMPSE_XMP_DESCRIPTION;
    return glimpse_xmp_parts_set(parts, property, &text, 1);
}

static int write_sidecar(size_t *left_out, const options *o, const record *item) {
    char *path = glimpse_xmp_path(*o->xmp ? o->xmp : NULL, o->relative_to, item->path, 1);
    char *text = NULL;
    if (!path) return GLIMPSE_E_NOMEM;
    const glimpse_kept_error before = glimpse_error_keep();
    int status = glimpse_xmp_look_at(&text, path);
    if (status == GLIMPSE_XMP_FOREIGN) {
        glimpse_report_message(
            o->message, o->user, GLIMPSE_MESSAGE_PROBLEM,
            "%s: it has a sidecar that glimpse did not write; it is left as it is", item->path);
        ++*left_out;
        status = GLIMPSE_OK;
    } else if (status >= 0) {
        glimpse_xmp_parts parts;
        status = glimpse_xmp_parts_read(&parts, text);
        if (status == GLIMPSE_OK) status = set_caption(&parts, o, item->text);
        if (status == GLIMPSE_OK && glimpse_xmp_write(path, &parts) < 0) {
            glimpse_report_message(o->message, o->user, GLIMPSE_MESSAGE_PROBLEM, "%s",
                                   glimpse_last_error());
            glimpse_error_restore(&before);
            ++*left_out;
        }
        glimpse_xmp_parts_free(&parts);
    }
    free(text);
    free(path);
    return status;
}

static int write_file(const options *o, const record *items, size_t count) {
    char *temporary = NULL;
    FILE *to = NULL;
    int status = glimpse_output_open(&to, &temporary, o->output);
    if (status < 0) return status;
    status = write_all_records(to, o, items, count);
    if (status == GLIMPSE_OK) return glimpse_output_commit(to, temporary, o->output);
    glimpse_output_abandon(to, temporary);
    return status;
}

int glimpse_captions_write(size_t *left_out, const record *records, size_t count,
                           const options *given) {
    const glimpse_kept_error before = glimpse_error_keep();
    options o = GLIMPSE_CAPTION_WRITE_OPTIONS_INIT;
    size_t others = 0;
    if (left_out) *left_out = 0;
    if (!given || (count > 0 && !records)) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&o, given, glimpse_caption_write_options, user);
    if (status == GLIMPSE_OK && !glimpse_caption_style_name(o.style)) {
        status = glimpse_fail(GLIMPSE_E_INVALID, "there is no caption style %d", o.style);
    }
    for (size_t i = 0; o.xmp && i < count && status == GLIMPSE_OK; i++) {
        if (records[i].text) status = write_sidecar(&others, &o, &records[i]);
    }
    if (status == GLIMPSE_OK && o.output) {
        status = write_file(&o, records, count);
    } else if (status == GLIMPSE_OK && o.stream) {
        status = write_all_records(o.stream, &o, records, count);
    }
    if (left_out) *left_out = others;
    if (status >= 0) glimpse_error_restore(&before);
    return status;
}
