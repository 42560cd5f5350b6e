/*
 * random_open_clip.h - what random models in OpenCLIP's layout share, whatever their image tower
 * is: its own text tower, a tokenizer, and where the weights go.
 */
#ifndef GLIMPSE_TESTS_RANDOM_OPEN_CLIP_H
#define GLIMPSE_TESTS_RANDOM_OPEN_CLIP_H

#include "support/random_model.h"

typedef struct random_open_clip_text {
    const char *prefix; /* "" or "text." */
    size_t width, layers, vocabulary, context, embedding;
} random_open_clip_text;

/* All up to the last norm, and the logit scale. */
void random_open_clip_add_blocks(random_writer *writer, const random_open_clip_text *text);
/* The same with the projection, a matrix without a bias. */
void random_open_clip_add_text(random_writer *writer, const random_open_clip_text *text);

/* The tokenizer of `model` in `directory`, which is made; its other files go. 1 on success. */
int random_open_clip_write_tokenizer(const random_model *model, const char *directory);
/* The same of a tiny CLIP of so many tokens; `merges` as in random_model. */
int random_open_clip_write_clip_tokenizer(size_t vocabulary, int merges, const char *directory);
/* directory/NAME into `path`; 0: it does not fit. */
int random_open_clip_path(char *path, size_t size, const char *directory, const char *name);
/* Writes the tensors and frees the writer; the file is called as OpenCLIP calls it. */
int random_open_clip_finish(random_writer *writer, const char *directory, const char *dtype);

#endif
