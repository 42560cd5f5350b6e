/*
 * compare_models_report.h - what a comparison of models says, for people, programs and browsers.
 */
#ifndef GLIMPSE_TOOLS_COMPARE_MODELS_REPORT_H
#define GLIMPSE_TOOLS_COMPARE_MODELS_REPORT_H

#include <glimpse/session_compare_models.h>

void compare_models_print(const glimpse_model_comparison *comparison);
void compare_models_json(const glimpse_model_comparison *comparison);
/* 0, or -1 after saying why. */
int compare_models_html(const char *file, const glimpse_model_comparison *comparison);

/* 1 when the picture with this id is one that the query should find. */
int compare_models_fits(const glimpse_compared_query *query, const char *id);

#endif
