/*
 * manners.h - a long job beside other work: --nice and --max-memory.
 */
#ifndef GLIMPSE_TOOLS_MANNERS_H
#define GLIMPSE_TOOLS_MANNERS_H

/* For the process, before its work begins; `max_memory` may be NULL. CLI_RUN, or an exit code after
 * saying what is wrong. */
int manners_apply(int nice, const char *max_memory);

#endif
