/*
 * text/spiece_json.h - a SentencePiece model as tokenizer.json has it: what transformers'
 * converters make of the .model file.
 *
 * Ids are those of tokenizer.json. The file says the same model in the terms of another library;
 * texts are cut as SentencePiece does, so that both files give the same ids. What the converters
 * do not write is refused.
 */
#ifndef GLIMPSE_TEXT_SPIECE_JSON_H
#define GLIMPSE_TEXT_SPIECE_JSON_H

#include "text/added_tokens.h"
#include "text/spiece_model.h"

/* `added` gets the added tokens, unsorted; NULL: they are not wanted. On failure the model is
 * released. */
int glimpse_spiece_json_read(glimpse_spiece_model *model, glimpse_added_tokens *added,
                             const char *path);

#endif
