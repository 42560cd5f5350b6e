/*
 * label_report_internal.h - what was gathered for the report (label_report.c) and how it is
 * written (label_report_html.c).
 */
#ifndef GLIMPSE_TOOLS_LABEL_REPORT_INTERNAL_H
#define GLIMPSE_TOOLS_LABEL_REPORT_INTERNAL_H

#include "label_report.h"

#include <glimpse/evaluate.h>

#include <stdint.h>
#include <stdio.h>

enum { REPORT_CHOICES = 5, REPORT_NO_CLASS = -1 };

typedef struct report_entry {
    char *path;
    glimpse_label choices[REPORT_CHOICES]; /* best first */
    unsigned char choice_count;
    unsigned char abstained, judged, right; /* judged: its classes are known */
    glimpse_abstention reason;
    double margin;
    size_t *truth; /* [truth_count] when judged; owned */
    size_t truth_count;
    /* The thumbnail, made when it is first shown. */
    uint8_t *jpeg;
    size_t jpeg_size;
    uint32_t width, height;
    unsigned char tried;
} report_entry;

struct label_report {
    const char *file, *truth_file;
    const glimpse_label_set *set;
    report_entry *entries;
    size_t count, capacity;
    /* Worked out by label_report_write. */
    char **classes; /* [class_count]: those of the set, then those only the truth has */
    size_t class_count;
    glimpse_label_report *figures; /* NULL without a truth */
};

/* Writes the page. Nothing is said about write errors: they stay in the stream. */
void report_html(FILE *to, label_report *report, const glimpse_label_totals *totals);

#endif
