/*
 * text/cleaning.h - what open_clip does to a text before a tokenizer of transformers gets it
 * (src/open_clip/tokenizer.py), ftfy left out.
 */
#ifndef GLIMPSE_TEXT_CLEANING_H
#define GLIMPSE_TEXT_CLEANING_H

#include "text/bytes.h"
#include "text/tokenizer_kinds.h"
#include "text/unicode.h"

/* Appends to `out`, which need not be empty. */
int glimpse_text_clean(glimpse_bytes *out, glimpse_cleaning how, const char *text, size_t length);
/* In place: runs of what Python calls white space become one space, none at the ends. */
void glimpse_text_collapse_spaces(glimpse_points *text);

#endif
