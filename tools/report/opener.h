/*
 * opener.h - hands files to the programs of the desktop.
 */
#ifndef GLIMPSE_TOOLS_OPENER_H
#define GLIMPSE_TOOLS_OPENER_H

#include <stddef.h>

/* Opens a file or a directory with the program named by GLIMPSE_OPENER, else xdg-open (open on
 * macOS), without a shell. EXIT_FOUND, or EXIT_FAILED after saying why. */
int opener_open(const char *path);

/* Opens one picture itself; of several a directory of links to them, "01 name.jpg" being the first,
 * in ${XDG_CACHE_HOME:-~/.cache}/glimpse/open. It is called after `query`; the last ten such
 * directories are kept. Files that are not there are left out, with a note. */
int opener_open_pictures(const char *query, const char *const *paths, size_t count);

#endif
