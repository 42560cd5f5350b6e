/*
 * memory.h - memory that is there. A program this size has no use for running on without it: these
 * report and exit with EXIT_FAILED. For the command alone; the library returns GLIMPSE_E_NOMEM.
 */
#ifndef GLIMPSE_TOOLS_MEMORY_H
#define GLIMPSE_TOOLS_MEMORY_H

#include <glimpse/status.h>

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* What a call of the library gave, which is NULL only without memory. */
void *xcheck(void *memory);
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) GLIMPSE_PRINTF(1, 2);

#endif
