/*
 * text/html.h - Python's html.unescape(): the HTML 5 character references, named ones without a
 * semicolon included, and numeric ones with the corrections browsers make.
 */
#ifndef GLIMPSE_TEXT_HTML_H
#define GLIMPSE_TEXT_HTML_H

#include "text/unicode.h"

/* In place: no reference is shorter than what it stands for. Cannot fail. */
void glimpse_html_unescape(glimpse_points *text);

#endif
