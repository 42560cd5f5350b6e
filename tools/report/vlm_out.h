/*
 * vlm_out.h - answers of vision-language models, as JSON and for people.
 */
#ifndef GLIMPSE_TOOLS_VLM_OUT_H
#define GLIMPSE_TOOLS_VLM_OUT_H

#include "json_out.h"

#include <glimpse/sys/vlm.h>

/* "path": ... for one picture, "paths": [...] for several. Inside an object. */
void vlm_print_pictures(json_out *j, const glimpse_vlm_request *request);
/* "outcome", "answer" (null unless there is one) and everything else about it. Inside an object. */
void vlm_print_answer(json_out *j, const glimpse_vlm_answer *answer);
/* What a dry run has to show: sizes, the text that would go along, an estimate. On stdout. */
void vlm_print_plan(const glimpse_vlm_request *request, const glimpse_vlm_answer *answer);

#endif
