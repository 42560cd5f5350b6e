/*
 * text/fold.h - texts made equal that differ in case alone.
 */
#ifndef GLIMPSE_TEXT_FOLD_H
#define GLIMPSE_TEXT_FOLD_H

#include <stddef.h>

/* *out: malloc'ed, `text` [length] with Unicode's full case folding (Unicode 3.13: "Straße" becomes
 * "strasse") and in normalisation form C. What is not UTF-8, a path as a rule, has its ASCII
 * letters folded and is otherwise as it was. GLIMPSE_E_NOMEM. */
int glimpse_text_fold(char **out, const char *text, size_t length);

#endif
