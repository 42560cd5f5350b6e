/*
 * dedup_report.h - what glimpse dedup found, in every form it knows; and the pieces that glimpse
 * audit shares with it.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_REPORT_H
#define GLIMPSE_TOOLS_DEDUP_REPORT_H

#include "json_out.h"
#include "picture_out.h"
#include "report_file.h"

#include <glimpse/actions.h>
#include <glimpse/dedup.h>

#include <stdio.h>

typedef struct dedup_view {
    const glimpse_dedup_report *report;
    const glimpse_dedup_group *const *groups; /* [count]: those that are reported */
    size_t count;
    int against;              /* the report is about two sets */
    int classes;              /* say where classes differ */
    const char *what;         /* what was looked at, for titles */
    const char *against_what; /* the second set, with `against` */
    unsigned jobs;            /* threads for thumbnails; 0: one per core */
    uint64_t freed;           /* what deleting what may be acted on would free */
    int acts;                 /* an action was asked for: `freed` is about that one */
} dedup_view;

/* What became of files that were acted on, or would become: rows of the table. */
typedef struct dedup_outcome {
    char *path;
    char *other; /* where it went or would go, "": nowhere */
    char *keeper;
    char *companion_of;  /* NULL: a picture */
    const char *outcome; /* "done", "would-be-done", "held-back", ... */
} dedup_outcome;
typedef struct dedup_outcomes {
    const char *action; /* "move", or NULL: none was asked for */
    int applied;
    dedup_outcome *items; /* [count] */
    size_t count, capacity;
} dedup_outcomes;
void dedup_outcomes_free(dedup_outcomes *outcomes);

/* For people, on stdout. */
void dedup_print_table(const dedup_view *view);
/* The stable keys, on stdout; the object is left open for what a caller adds: close it. */
void dedup_print_json(const dedup_view *view, json_out *j);
/* 0, or -1 after saying why. */
int dedup_write_csv(const dedup_view *view, dedup_outcomes *outcomes, const char *file);
int dedup_write_html(const dedup_view *view, const char *file);

/* Files that could not be used: all in the report, the first few here, on stderr. */
void dedup_report_failures(const glimpse_dedup_report *report);
void dedup_json_failures(const glimpse_dedup_report *report, json_out *j);
/* The date taken as the locale writes it, else that of the last change, with "(file)" behind it.
 * Free it. */
char *dedup_date(const glimpse_dedup_picture *picture);
void dedup_modified(const glimpse_dedup_picture *picture, char out[32]); /* ISO, UTC */
/* Bytes that would be free without the members that may be acted on: not those of other pictures,
 * of files that hold more or have names elsewhere, of links, and of what is protected. */
uint64_t dedup_spare_bytes(const dedup_view *view);
size_t dedup_spare_count(const dedup_view *view);

/*
 * The HTML page (dedup_page.c): head, escaping; and thumbnails made by several threads in order
 * (page_thumbs.c).
 */
void page_begin(FILE *to, const char *title);
void page_end(FILE *to);
void page_text(FILE *to, const char *bytes);
/* A sentence, in which dates and times stay on one line: "2021-05-30 14:03", with seconds where
 * they tell two of them apart. */
void page_sentence(FILE *to, const char *text);
void page_file_link(FILE *to, const char *path);
/* Of more than `capacity` columns, shortened in the middle: the last `end` characters stay, and the
 * whole is the title, and on paper. `class`: of the element, beside its own. */
enum { PAGE_CROP_NAME = 40, PAGE_NAME_END = 11 };
void page_short(FILE *to, const char *class, const char *text, size_t capacity, size_t end);
/* The name of a file, and below it its directory, whole, and broken behind a slash where there is
 * one. */
void page_path(FILE *to, const char *path);

/* Parts are shown so many pixels wide, and enlarged so many times at most. */
enum { PAGE_PART_WIDTH = 360, PAGE_PART_SCALE = 4 };
/* A picture of the page; with part.width above 0 a part of it. */
typedef struct page_picture {
    const char *path;
    picture_part part;
} page_picture;
/* In fractions of the sides of what is shown. */
typedef struct page_box {
    double x, y, width, height;
} page_box;

/* `pictures` in the order in which they will be asked for; they must outlive the thumbnails. */
typedef struct page_thumbs page_thumbs;
page_thumbs *page_thumbs_start(const page_picture *pictures, size_t count, unsigned jobs);
/* Writes the next one as <img ... loading="lazy"> with frames around `boxes`, or a note that it
 * cannot be shown. */
void page_thumbs_write(page_thumbs *thumbs, FILE *to, const page_box *boxes, size_t box_count);
void page_thumbs_free(page_thumbs *thumbs);

#endif
