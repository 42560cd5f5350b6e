/*
 * core/pause.h - where a process that is to be stopped for a while stops: glimpse/process.h.
 *
 *     glimpse_pause_begin();             somebody looks at it from now on
 *     ...                                glimpse_pause_is_wanted(): finish what is under way,
 * commit glimpse_pause_here();
 *     ...
 *     glimpse_pause_end();               pauses when that is still wanted
 */
#ifndef GLIMPSE_CORE_PAUSE_H
#define GLIMPSE_CORE_PAUSE_H

#include <glimpse/process.h>

/* Any thread. */
int glimpse_pause_is_wanted(void);
/* Stops now, when that is wanted: nothing may be half done. Any thread. */
void glimpse_pause_here(void);

/* Around what looks at glimpse_pause_is_wanted(); they nest. */
void glimpse_pause_begin(void);
void glimpse_pause_end(void);

#endif
