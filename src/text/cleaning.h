/*
 * text/cleaning.h - what open_clip does to a text before a tokenizer of transformers gets it
 * (src/open_clip/tokenizer.py), ftfy left out.
 */
#ifndef GLIMPSE_TEXT_CLEANING_H
#define GLIMPSE_TEXT_CLEANING_H

#include "text/bytes.h"
#include "text/tokenizer_kinds.h"

/* Appends to `out`, which need not be empty. */
int glimpse_text_clean(glimpse_bytes *out, glimpse_cleaning how, const char *text, size_t length);

#endif
