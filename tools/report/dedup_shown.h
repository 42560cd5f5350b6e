/*
 * dedup_shown.h - which members of a group are shown as pictures; the rest is listed by path.
 *
 * A picture is worth showing once or a few times: of files of equal bytes, and of those that are
 * equal in all they hold, only the first few are.
 */
#ifndef GLIMPSE_TOOLS_DEDUP_SHOWN_H
#define GLIMPSE_TOOLS_DEDUP_SHOWN_H

#include "dedup_report.h"

enum { DEDUP_SHOWN = 24, DEDUP_SHOWN_EQUAL = 3 };
typedef struct dedup_shown {
    size_t members[DEDUP_SHOWN]; /* [count] ascending, the keeper first */
    size_t count;
} dedup_shown;

dedup_shown dedup_shown_of(const glimpse_dedup_group *group);
/* 1 when one that is shown before the `i`th shown member has the same bytes. */
int dedup_shown_before(const glimpse_dedup_group *group, const dedup_shown *shown, size_t i);
/* The paths of all others, as links. */
void dedup_write_rest(FILE *to, const glimpse_dedup_group *group, const dedup_shown *shown);

#endif
