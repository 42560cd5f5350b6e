/*
 * audit_report.h - what glimpse audit found, in every form it knows.
 */
#ifndef GLIMPSE_TOOLS_AUDIT_REPORT_H
#define GLIMPSE_TOOLS_AUDIT_REPORT_H

#include <glimpse/dedup.h>

typedef struct audit_view {
    const glimpse_audit *audit;
    const glimpse_dedup_report *report;
    const char *what; /* what was looked at */
    unsigned jobs;
    int class_directories; /* directories were taken for classes */
} audit_view;

void audit_print_table(const audit_view *view);
void audit_print_json(const audit_view *view);
int audit_write_csv(const audit_view *view, const char *file);  /* 0, or -1 after saying why */
int audit_write_html(const audit_view *view, const char *file); /* the same */

#endif
