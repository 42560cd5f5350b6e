/*
 * totals.h - adding up what several runs of a vision-language model came to.
 */
#ifndef GLIMPSE_INDEX_VLM_TOTALS_H
#define GLIMPSE_INDEX_VLM_TOTALS_H

#include <glimpse/sys/vlm.h>

/* Every count and the cost of `more` onto `sum`. */
void glimpse_vlm_totals_add(glimpse_vlm_totals *sum, const glimpse_vlm_totals *more);

#endif
