/*
 * wording.h - options and calls as the command's users know them, for messages of the library.
 */
#ifndef GLIMPSE_TOOLS_WORDING_H
#define GLIMPSE_TOOLS_WORDING_H

#include <stddef.h>

/* glimpse_wording_fn: "options.model" with "DIR" is "--model DIR", "glimpse_library_reindex" is
 * "glimpse reindex". */
void wording_of_command(char *text, size_t size, const char *name, const char *value);

#endif
