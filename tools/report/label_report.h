/*
 * label_report.h - labels to look at: one HTML file with pictures inside.
 *
 *     label_report *report = label_report_make("labels.html", &set, "labels.csv" or NULL);
 *     for each picture: label_report_add(report, &picture);
 *     code = label_report_write(report, &totals);
 *     label_report_free(report);
 *
 * For each class a contact sheet of its most certain pictures; the most and the least certain of
 * all; those abstained on; and, when the truth is known, figures, the confusion matrix and the most
 * certain mistakes. Nothing is loaded from elsewhere, and there is no script.
 */
#ifndef GLIMPSE_TOOLS_LABEL_REPORT_H
#define GLIMPSE_TOOLS_LABEL_REPORT_H

#include <glimpse/labelling.h>

typedef struct label_report label_report;

/* NULL after saying why. `file` and `set` must outlive the report. */
label_report *label_report_make(const char *file, const glimpse_label_set *set, const char *truth);
void label_report_add(label_report *report, const glimpse_labelled *picture);
/* CLI_RUN or an exit code after saying why; the file appears when it is whole. */
int label_report_write(label_report *report, const glimpse_label_totals *totals);
void label_report_free(label_report *report);

#endif
