/*
 * text/output/display.h - bytes from outside (paths, messages) made fit for people to see.
 */
#ifndef GLIMPSE_TEXT_DISPLAY_H
#define GLIMPSE_TEXT_DISPLAY_H

/* Control characters, invalid bytes and characters that turn the writing direction are written as
 * \n, \t, \x1b, \u202e. NULL when out of memory. Free it. */
char *glimpse_text_display(const char *bytes);

#endif
