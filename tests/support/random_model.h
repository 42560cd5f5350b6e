/*
 * random_model.h - writes model directories with random weights, in the published layout: for
 * tests that need a shape (ViT-B/32) and for benchmarks, where real weights cannot be shipped.
 */
#ifndef GLIMPSE_TESTS_RANDOM_MODEL_H
#define GLIMPSE_TESTS_RANDOM_MODEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct random_model {
    size_t image_size, patch, embedding;
    size_t vision_width, vision_layers, vision_heads, vision_mlp;
    size_t text_width, text_layers, text_heads, text_mlp;
    size_t vocabulary, context;
    const char *dtype;      /* "F32", "F16" or "BF16" */
    const char *activation; /* "quick_gelu" or "gelu" */
    size_t shards;          /* 1: model.safetensors; more: an index and that many files */
    uint64_t seed;
    int merges; /* 1: the whole vocabulary is filled with merges, as in a real one; else bytes only
                 */
    int siglip; /* a SiglipModel with SigLIP 2's kind of tokenizer; embedding is vision_width */
    size_t max_patches; /* of a picture: a Siglip2Model, `siglip` too; image_size is what the table
                           of positions is for. 0: another model */
} random_model;

/* A model of a few kilobytes whose tokenizer knows the 256 bytes and nothing more. */
random_model random_model_tiny(void);
/* The same of SigLIP; 34 pixels in patches of 8 leave an edge unused. */
random_model random_model_tiny_siglip(void);
/* The same of flexible resolution. */
random_model random_model_tiny_naflex(void);
/* The shapes of openai/clip-vit-base-patch32 and -large-patch14. */
random_model random_model_vit_b32(void);
random_model random_model_vit_l14(void);

/* Makes `directory` and the files in it. 1 on success, 0 with a line on stderr. */
int random_model_write(const random_model *model, const char *directory);

/* Weights of other classes of models, tensor by tensor; finish writes and frees. Numbers are about
 * normal, with standard deviation `scale` around `centre`. */
typedef struct random_writer random_writer;
random_writer *random_writer_create(uint64_t seed);
void random_writer_add(random_writer *writer, const char *name, size_t rank, const size_t *dims,
                       float scale, float centre);
/* STEM NAME.weight [out][in] and .bias [out]; a norm's .weight and .bias [width]. */
void random_writer_pair(random_writer *writer, const char *stem, const char *name, size_t out,
                        size_t in, float scale);
void random_writer_norm(random_writer *writer, const char *stem, const char *name, size_t width);
int random_writer_finish(random_writer *writer, const char *directory, const char *dtype,
                         size_t shards);

#endif
