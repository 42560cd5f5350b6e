/*
 * html_text.h - bytes from outside (paths, names) as text and links of an HTML page.
 */
#ifndef GLIMPSE_TOOLS_HTML_TEXT_H
#define GLIMPSE_TOOLS_HTML_TEXT_H

#include <stdio.h>

/* Every byte as text: markup characters as references, control characters as their pictures,
 * characters that turn the direction dropped to U+FFFD like invalid ones. */
void html_text(FILE *to, const char *bytes);

/* The same for paths and names of files, which may be broken behind a slash or an underscore. */
void html_path(FILE *to, const char *bytes);

/* file:// with everything but the plainest characters as %XX: exact for any bytes. */
void html_file_link(FILE *to, const char *path);

#endif
