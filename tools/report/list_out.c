/*
 * list_out.c - writes pictures of a list as they come.
 */
#include "list_out.h"

#include "json_out.h"
#include "memory.h"
#include "text.h"

#include <glimpse/sys/metadata.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds since 1970 as "2021-05-30T14:03:59" in local time; "" for 0. */
static const char *local_time(char out[32], int64_t seconds) {
    const time_t at = (time_t)seconds;
    struct tm local;
    out[0] = '\0';
    if (seconds != 0 && localtime_r(&at, &local)) {
        (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &local);
    }
    return out;
}

static void write_number(json_out *j, const char *key, double value) {
    jout_key(j, key);
    if (value > 0) {
        jout_number(j, value);
    } else {
        jout_null(j);
    }
}

static void write_place(json_out *j, const glimpse_listed *p) {
    jout_key(j, "gps");
    if (!p->has_gps) {
        jout_null(j);
        return;
    }
    jout_open(j, '[');
    jout_number(j, p->latitude);
    jout_number(j, p->longitude);
    jout_close(j, ']');
}

static void print_json(const glimpse_listed *p) {
    const glimpse_result *r = &p->file;
    json_out j = {stdout, 0};
    char offset[8] = "", added[32];
    if (r->has_taken_offset) glimpse_offset_text(offset, r->taken_offset);
    jout_open(&j, '{');
    jout_path(&j, "path", r->path);
    jout_pair(&j, "id", r->id);
    jout_key(&j, "width"), jout_uint(&j, r->width);
    jout_key(&j, "height"), jout_uint(&j, r->height);
    jout_key(&j, "bytes"), jout_uint(&j, r->bytes);
    jout_text_or_null(&j, "format", r->format);
    jout_text_or_null(&j, "taken", r->taken);
    jout_text_or_null(&j, "taken_from", r->taken_from);
    jout_text_or_null(&j, "taken_offset", offset);
    jout_text_or_null(&j, "modified", r->modified);
    jout_text_or_null(&j, "added", local_time(added, r->added));
    jout_text_or_null(&j, "camera", p->camera);
    jout_text_or_null(&j, "lens", p->lens);
    write_number(&j, "iso", p->iso);
    write_number(&j, "aperture", p->aperture);
    write_number(&j, "exposure", p->exposure);
    write_number(&j, "focal_length", p->focal_length);
    write_place(&j, p);
    jout_key(&j, "rating");
    if (r->has_rating) {
        jout_number(&j, r->rating);
    } else {
        jout_null(&j);
    }
    jout_text_or_null(&j, "colour_label", p->colour_label);
    jout_text_or_null(&j, "title", p->title);
    jout_names(&j, "keywords", p->keywords, p->keyword_count);
    jout_names(&j, "people", p->people, p->person_count);
    jout_names(&j, "labels", p->labels, p->label_count);
    jout_names(&j, "tags", r->tags, r->tag_count);
    jout_names(&j, "albums", r->albums, r->album_count);
    jout_key(&j, "part"), jout_null(&j);
    jout_key(&j, "copies"), jout_uint(&j, r->copies);
    jout_key(&j, "offline"), jout_bool(&j, r->offline);
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_field(const char *bytes) {
    for (; *bytes; bytes++) {
        switch (*bytes) {
        case '\t': (void)fputs("\\t", stdout); break;
        case '\n': (void)fputs("\\n", stdout); break;
        case '\r': (void)fputs("\\r", stdout); break;
        case '\\': (void)fputs("\\\\", stdout); break;
        default: (void)putchar(*bytes);
        }
    }
}

static void print_tsv(const glimpse_listed *p) {
    const glimpse_result *r = &p->file;
    print_field(r->path);
    (void)printf("\t%u\t%u\t%llu\t%s\t", (unsigned)r->width, (unsigned)r->height,
                 (unsigned long long)r->bytes, r->taken);
    print_field(p->camera);
    (void)putchar('\t');
    if (r->has_rating) (void)printf("%g", r->rating);
    (void)putchar('\t');
    for (size_t i = 0; i < p->keyword_count; i++) {
        if (i > 0) (void)fputs(", ", stdout);
        print_field(p->keywords[i]);
    }
    (void)printf("\t%s\n", r->id);
}

/* Paths last: what comes next is not known, so nothing is fitted to it. */
static void print_row(const glimpse_listed *p) {
    const glimpse_result *r = &p->file;
    char size[24], day[18], rating[32] = "";
    char *storage = NULL, *path = text_display(text_near_path(r->path, &storage));
    (void)snprintf(size, sizeof size, "%ux%u", (unsigned)r->width, (unsigned)r->height);
    (void)snprintf(day, sizeof day, "%.16s", r->taken);
    if (strlen(day) > 10 && day[10] == 'T') day[10] = ' ';
    if (r->has_rating) (void)snprintf(rating, sizeof rating, "%g", r->rating);
    (void)printf("%-16s  %-11s %2s  %s", day, size, rating, path);
    if (r->copies > 1) {
        (void)printf(" (+%zu %s)", r->copies - 1, r->copies == 2 ? "copy" : "copies");
    }
    (void)fputs(r->offline ? " (offline)\n" : "\n", stdout);
    free(path);
    free(storage);
}

void list_out_print(const list_out *o, const glimpse_listed *picture) {
    const char *path = picture->file.path;
    if (o->json) {
        print_json(picture);
    } else if (o->tsv) {
        print_tsv(picture);
    } else if (o->nul) {
        (void)fputs(path, stdout);
        (void)putchar('\0');
    } else if (o->paths) {
        /* The exact bytes; on a terminal, where nobody reads them back, made harmless. */
        char *shown = isatty(STDOUT_FILENO) ? text_display(path) : NULL;
        (void)puts(shown ? shown : path);
        free(shown);
    } else {
        print_row(picture);
    }
}
