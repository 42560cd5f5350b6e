/*
 * caption_out.c - see caption_out.h.
 */
#include "caption_out.h"

#include "json_out.h"
#include "label_out_internal.h"
#include "text.h"
#include "tool.h"
#include "truth.h"
#include "xmp_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const caption_formats[] = {"lines", "json", "jsonl", "csv", NULL};

int caption_format_of(const char *file) {
    static const struct {
        const char *ending;
        caption_format format;
    } endings[] = {{".json", CAPTION_JSON},
                   {".jsonl", CAPTION_JSONL},
                   {".ndjson", CAPTION_JSONL},
                   {".csv", CAPTION_CSV},
                   {".txt", CAPTION_LINES}};
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(dot, endings[i].ending) == 0) return (int)endings[i].format;
    }
    return -1;
}

char **caption_keywords(const char *text, size_t *count) {
    char **words = NULL;
    *count = 0;
    while (*text) {
        size_t length = strcspn(text, ",;\n"), end = length;
        const char *start = text;
        while (end > 0 && (*start == ' ' || *start == '\t'))
            start++, end--;
        while (end > 0 && (start[end - 1] == ' ' || start[end - 1] == '\r'))
            end--;
        if (end > 0) {
            words = xrealloc(words, (*count + 1) * sizeof *words);
            words[(*count)++] = xprintf("%.*s", (int)end, start);
        }
        text += length;
        if (*text) text++;
    }
    return words;
}

void caption_keywords_free(char **words, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(words[i]);
    free(words);
}

/* Free it. */
static char *shown_path(const caption_output *o, const char *path) {
    if (!o->relative_to) return xstrdup(path);
    char *folder = path_settle(o->relative_to), *full = path_settle(path);
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    int inside = strncmp(full, folder, length) == 0 && full[length] == '/';
    char *seen = xstrdup(inside ? full + length + 1 : path);
    free(folder);
    free(full);
    return seen;
}

static void put_object(json_out *j, const caption_output *o, const caption_item *item,
                       const char *path) {
    jout_open(j, '{');
    jout_path(j, "path", path);
    jout_text_or_null(j, "id", item->id);
    jout_key(j, "style"), jout_string(j, glimpse_caption_style_name(o->style));
    jout_text_or_null(j, "caption", item->text);
    if (o->style == GLIMPSE_CAPTION_KEYWORDS && item->text) {
        size_t count = 0;
        char **words = caption_keywords(item->text, &count);
        jout_key(j, "keywords");
        jout_open(j, '[');
        for (size_t i = 0; i < count; i++)
            jout_string(j, words[i]);
        jout_close(j, ']');
        caption_keywords_free(words, count);
    }
    jout_text_or_null(j, "model", item->model ? item->model : o->model);
    if (!item->text) jout_text_or_null(j, "error", item->problem);
    jout_close(j, '}');
}

/* {"images/a.jpg": "A dog in the snow.", ...}: what a web page looks its alt attributes up in. */
static void put_alt_map(json_out *j, const caption_output *o, const caption_item *items,
                        size_t count) {
    jout_open(j, '{');
    for (size_t i = 0; i < count; i++) {
        if (!items[i].text) continue;
        char *path = shown_path(o, items[i].path);
        jout_key(j, path), jout_string(j, items[i].text);
        free(path);
    }
    jout_close(j, '}');
    jout_end(j);
}

static void put_csv(FILE *to, const caption_output *o, const caption_item *item, const char *path) {
    const char *fields[] = {path,
                            item->id,
                            glimpse_caption_style_name(o->style),
                            item->text ? item->text : "",
                            item->model ? item->model : o->model,
                            item->text || !item->problem ? "" : item->problem};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (i > 0) (void)fputc(',', to);
        csv_field(to, fields[i] ? fields[i] : "");
    }
    (void)fputs("\r\n", to);
}

static void put_all(FILE *to, const caption_output *o, const caption_item *items, size_t count) {
    json_out j = {to, 0};
    if (o->format == CAPTION_JSON && o->style == GLIMPSE_CAPTION_ALT) {
        put_alt_map(&j, o, items, count);
        return;
    }
    if (o->format == CAPTION_JSON) jout_open(&j, '[');
    if (o->format == CAPTION_CSV) (void)fputs("path,id,style,caption,model,error\r\n", to);
    for (size_t i = 0; i < count; i++) {
        char *path = shown_path(o, items[i].path);
        if (o->format == CAPTION_CSV) {
            put_csv(to, o, &items[i], path);
        } else if (o->format != CAPTION_LINES) {
            put_object(&j, o, &items[i], path);
            if (o->format == CAPTION_JSONL) jout_end(&j);
        } else if (items[i].text) {
            char *shown = text_display(path), *text = text_display(items[i].text);
            (void)fprintf(to, "%s\t%s\n", shown, text);
            free(shown);
            free(text);
        }
        free(path);
    }
    if (o->format == CAPTION_JSON) {
        jout_close(&j, ']');
        jout_end(&j);
    }
}

/*
 * Sidecars.
 */
static char *sidecar_path(const caption_output *o, const char *picture) {
    if (!*o->xmp) return xprintf("%s.xmp", picture);
    char *seen = o->relative_to ? shown_path(o, picture) : path_settle(picture);
    const char *from = seen;
    while (*from == '/')
        from++;
    char *path = xprintf("%s/%s.xmp", o->xmp, from);
    free(seen);
    return path;
}

/* Keywords join those that are there; a text replaces the one that is there. */
static void set_caption(xmp_parts *parts, const caption_output *o, const char *text) {
    if (o->style != GLIMPSE_CAPTION_KEYWORDS) {
        xmp_property property = o->style == GLIMPSE_CAPTION_ALT ? XMP_ALT_TEXT : XMP_DESCRIPTION;
        xmp_parts_set(parts, property, &text, 1);
        return;
    }
    size_t count = 0, more = 0;
    char **words = xmp_parts_keywords(parts, &count), **added = caption_keywords(text, &more);
    words = xrealloc(words, (count + more + 1) * sizeof *words);
    for (size_t i = 0; i < more; i++) {
        int known = 0;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(words[k], added[i]) == 0;
        if (known) {
            free(added[i]);
        } else {
            words[count++] = added[i];
        }
    }
    free(added);
    xmp_parts_set(parts, XMP_SUBJECT, (const char *const *)words, count);
    caption_keywords_free(words, count);
}

static int write_sidecars(const caption_output *o, const caption_item *items, size_t count) {
    int code = CLI_RUN;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].text) continue;
        char *path = sidecar_path(o, items[i].path), *text = NULL;
        if (xmp_look_at(path, &text) == XMP_FOREIGN) {
            tool_say("%s: it has a sidecar that glimpse did not write; it is left as it is",
                     items[i].path);
            code = EXIT_PARTIAL;
        } else {
            xmp_parts parts;
            xmp_parts_read(&parts, text);
            set_caption(&parts, o, items[i].text);
            if (xmp_write(path, &parts) != 0) {
                tool_say("%s: cannot write: %s", path, strerror(errno));
                code = EXIT_PARTIAL;
            }
            xmp_parts_free(&parts);
        }
        free(text);
        free(path);
    }
    return code;
}

int caption_write(const caption_output *o, const caption_item *items, size_t count) {
    int sidecars = o->xmp ? write_sidecars(o, items, count) : CLI_RUN;
    int to_file = o->file && strcmp(o->file, "-") != 0;
    /* Sidecars alone are asked for to be written, not to be read here. */
    if (o->xmp && !o->file && o->format == CAPTION_LINES) return sidecars;
    if (!to_file) {
        put_all(stdout, o, items, count);
        return sidecars;
    }
    char *temporary = NULL;
    FILE *to = new_file_open(o->file, &temporary);
    if (!to) return EXIT_FAILED;
    put_all(to, o, items, count);
    int code = new_file_commit(to, temporary, o->file);
    return code == CLI_RUN ? sidecars : code;
}
