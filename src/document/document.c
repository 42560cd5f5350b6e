/*
 * document/document.c - PDF through Poppler's programs; single pictures as one page.
 */
#include <glimpse/sys/document.h>

#include "core/child.h"
#include "core/error.h"
#include "core/options.h"
#include "core/utf8.h"
#include "image/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    DEFAULT_PAGES = 10000,
    DEFAULT_SECONDS = 120,
    MAX_INFO = 1 << 20,
    MAX_TEXT = 256 << 20,
    MIN_SIDE = 16,
    MAX_SIDE = 8192
};

struct glimpse_document {
    char *path;
    int is_picture;
    size_t pages;
    char *text;        /* all of it, each page ended by a NUL */
    const char **page; /* [pages] */
    glimpse_document_options options;
    char *directory;
};

/* Runs one of Poppler's programs: PROGRAM ARGUMENTS... FILE [LAST]. */
static int poppler(const glimpse_document *d, const char *program, const char *const *arguments,
                   const char *last, size_t max, void **output, size_t *size) {
    const char *all[16] = {NULL};
    char *full = NULL;
    size_t count = 1;
    if (d->directory) {
        const size_t capacity = strlen(d->directory) + strlen(program) + 2;
        full = malloc(capacity);
        if (!full) return glimpse_fail_nomem(capacity, "a path");
        (void)snprintf(full, capacity, "%s/%s", d->directory, program);
    }
    all[0] = full ? full : program;
    for (; arguments[count - 1] && count < 14; count++)
        all[count] = arguments[count - 1];
    all[count] = d->path; /* absolute: never taken for an option */
    all[count + 1] = last;
    const glimpse_child child = {.arguments = all,
                                 .max_output = max,
                                 .cpu_seconds = d->options.seconds,
                                 .wall_seconds = 2 * d->options.seconds,
                                 .memory = d->options.memory};
    int status = glimpse_child_run(&child, output, size);
    free(full);
    if (status == GLIMPSE_E_NOT_FOUND) {
        return glimpse_fail(status,
                            "reading PDF needs Poppler's program %s; it is in the package "
                            "poppler-utils",
                            program);
    }
    return status < 0 ? glimpse_fail_context(status, "%s", d->path) : status;
}

/* "Pages:          10" among the lines of pdfinfo. */
static int read_page_count(glimpse_document *d) {
    static const char *const none[] = {NULL};
    void *output = NULL;
    size_t size = 0;
    int status = poppler(d, "pdfinfo", none, NULL, MAX_INFO, &output, &size);
    if (status < 0) return status;
    unsigned long long pages = 0;
    for (const char *line = output; line; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (strncmp(line, "Pages:", 6) == 0) {
            pages = strtoull(line + 6, NULL, 10);
            break;
        }
    }
    free(output);
    if (pages == 0) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: has no pages", d->path);
    if (pages > d->options.max_pages) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "%s: has %llu pages, more than the limit of %zu",
                            d->path, pages, d->options.max_pages);
    }
    d->pages = (size_t)pages;
    return GLIMPSE_OK;
}

/* What is no UTF-8 becomes '?', and a NUL, which would hide what follows it, a blank. */
static void make_clean(char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        uint32_t point;
        int valid = 1;
        const size_t took = glimpse_utf8_decode(&point, text + at, size - at, &valid);
        if (!valid) memset(text + at, '?', took);
        if (point == 0) text[at] = ' ';
        at += took;
    }
}

/* pdftotext ends every page with a form feed. */
static int read_text(glimpse_document *d) {
    static const char *const arguments[] = {"-q", "-enc", "UTF-8", NULL};
    void *output = NULL;
    size_t size = 0;
    int status = poppler(d, "pdftotext", arguments, "-", MAX_TEXT, &output, &size);
    if (status < 0) return status;
    make_clean(output, size);
    d->text = output;
    d->page = calloc(d->pages, sizeof *d->page);
    if (!d->page) return glimpse_fail_nomem(d->pages * sizeof *d->page, "pages");
    char *at = d->text, *end = d->text + size;
    for (size_t i = 0; i < d->pages; i++) {
        d->page[i] = at;
        char *feed = at < end ? memchr(at, '\f', (size_t)(end - at)) : NULL;
        if (feed) *feed = '\0';
        at = feed ? feed + 1 : end; /* the NUL behind the output */
    }
    return GLIMPSE_OK;
}

/* Whether it begins as a PDF does; readers allow some bytes in front. */
static int looks_like_pdf(const char *path, int *is_picture) {
    uint8_t head[1024];
    FILE *file = fopen(path, "rbe");
    if (!file) return 0;
    const size_t got = fread(head, 1, sizeof head, file);
    (void)fclose(file);
    *is_picture = 0;
    for (size_t i = 0; i + 5 <= got; i++) {
        if (memcmp(head + i, "%PDF-", 5) == 0) return 1;
    }
    *is_picture = glimpse_format_is_certain(glimpse_image_sniff(head, got));
    return 0;
}

int glimpse_document_open(glimpse_document **out, const char *path,
                          const glimpse_document_options *options) {
    *out = NULL;
    glimpse_document *d = calloc(1, sizeof *d);
    if (!d) return glimpse_fail_nomem(sizeof *d, "a document");
    d->options = GLIMPSE_DOCUMENT_OPTIONS_INIT;
    int status = GLIMPSE_OPTIONS_LOAD(&d->options, options, glimpse_document_options, directory);
    if (status < 0) goto done;
    if (d->options.max_pages == 0) d->options.max_pages = DEFAULT_PAGES;
    if (d->options.seconds == 0) d->options.seconds = DEFAULT_SECONDS;
    if (d->options.memory == 0) d->options.memory = UINT64_C(2) << 30;
    d->path = realpath(path, NULL);
    if (!d->path) {
        status = glimpse_fail_errno("%s", path);
        goto done;
    }
    if (d->options.directory) {
        d->directory = strdup(d->options.directory);
        if (!d->directory) {
            status = glimpse_fail_nomem(strlen(d->options.directory), "a path");
            goto done;
        }
        d->options.directory = NULL;
    }
    if (access(d->path, R_OK) != 0) {
        status = glimpse_fail_errno("%s", path);
        goto done;
    }
    if (looks_like_pdf(d->path, &d->is_picture)) {
        status = read_page_count(d);
        if (status == GLIMPSE_OK) status = read_text(d);
    } else if (d->is_picture) {
        d->pages = 1;
    } else {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: neither a PDF document nor a picture", path);
    }
    if (status < 0) goto done;
    *out = d;
    d = NULL;
done:
    glimpse_document_close(d);
    return status;
}

void glimpse_document_close(glimpse_document *document) {
    if (!document) return;
    free(document->page);
    free(document->text);
    free(document->directory);
    free(document->path);
    free(document);
}

const char *glimpse_document_path(const glimpse_document *document) {
    return document->path;
}

size_t glimpse_document_page_count(const glimpse_document *document) {
    return document->pages;
}

const char *glimpse_document_text(const glimpse_document *document, size_t page) {
    if (page < 1 || page > document->pages || !document->page) return "";
    return document->page[page - 1];
}

/* A picture, scaled down when it is larger. */
static int render_picture(const glimpse_document *d, uint32_t long_side, glimpse_image **out) {
    glimpse_image *image = NULL;
    /* Black print on a transparent ground is to be read, not black on black. */
    glimpse_decode_options decode = GLIMPSE_DECODE_OPTIONS_INIT;
    decode.ground = GLIMPSE_GROUND_VISIBLE;
    int status = glimpse_image_load(&image, d->path, &decode);
    if (status < 0) return status;
    const uint32_t width = glimpse_image_width(image), height = glimpse_image_height(image);
    const uint32_t longer = width > height ? width : height;
    if (longer <= long_side) {
        *out = image;
        return GLIMPSE_OK;
    }
    const double scale = (double)long_side / longer;
    const uint32_t w = (uint32_t)(width * scale + 0.5), h = (uint32_t)(height * scale + 0.5);
    status = glimpse_image_resize(out, image, w ? w : 1, h ? h : 1, GLIMPSE_RESAMPLE_BICUBIC);
    glimpse_image_free(image);
    return status;
}

int glimpse_document_render(glimpse_image **out, const glimpse_document *document, size_t page,
                            uint32_t long_side) {
    *out = NULL;
    if (page < 1 || page > document->pages) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s: has no page %zu, only %zu", document->path,
                            page, document->pages);
    }
    if (long_side < MIN_SIDE || long_side > MAX_SIDE) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a page of %u pixels; %d to %d are possible",
                            long_side, MIN_SIDE, MAX_SIDE);
    }
    if (document->is_picture) return render_picture(document, long_side, out);
    char number[24], side[16];
    (void)snprintf(number, sizeof number, "%zu", page);
    (void)snprintf(side, sizeof side, "%u", long_side);
    const char *const arguments[] = {"-q", "-f", number, "-l", number, "-scale-to", side, NULL};
    const size_t max = (size_t)long_side * long_side * 3 + 1024;
    void *data = NULL;
    size_t size = 0;
    int status = poppler(document, "pdftoppm", arguments, NULL, max, &data, &size);
    if (status < 0) return status;
    char name[64];
    (void)snprintf(name, sizeof name, "page %zu", page);
    status = glimpse_image_decode(out, data, size, name, NULL);
    free(data);
    return status < 0 ? glimpse_fail_context(status, "%s", document->path) : status;
}
