/*
 * progress.h - one line on stderr that is redrawn: rate and time left. Nothing at all when stderr
 * is not a terminal, or one that cannot redraw (TERM=dumb), or with --quiet.
 */
#ifndef GLIMPSE_TOOLS_PROGRESS_H
#define GLIMPSE_TOOLS_PROGRESS_H

#include <glimpse/library.h>

#include <stdint.h>

void progress_set_quiet(int quiet);
/* `detail` may be NULL. Draws at most ten times a second. `total_is_final` 0: no time left is
 * guessed. */
void progress_show(const char *what, uint64_t done, uint64_t total, int total_is_final,
                   double seconds, const char *detail);
/* The same of bytes; a rate of 0 is not known yet. */
void progress_show_bytes(const char *what, uint64_t done, uint64_t total, double bytes_a_second,
                         const char *detail);
/* As progress_show, for the library's options (glimpse_progress_fn); never stops anything. */
int progress_report(void *user, const glimpse_progress *progress);
/* Removes the line, before something else is printed. */
void progress_clear(void);
/* The same for a process that stops now, in a handler of signals: the next line is drawn anew. */
void progress_erase(void);
/* Seconds of a clock that never jumps. */
double progress_now(void);

#endif
