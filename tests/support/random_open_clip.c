/*
 * random_open_clip.c - writes the parts that random models in OpenCLIP's layout share.
 */
#include "support/random_open_clip.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const char *in_text(char *full, size_t size, const random_open_clip_text *t,
                           const char *name) {
    (void)snprintf(full, size, "%s%s", t->prefix, name);
    return full;
}

void random_open_clip_add_blocks(random_writer *w, const random_open_clip_text *t) {
    char full[128], stem[96];
    const size_t width = t->width, tokens[2] = {t->vocabulary, width};
    const size_t positions[2] = {t->context, width}, stacked[2] = {3 * width, width};
    const float scale = 1.0f / sqrtf((float)width);
    random_writer_add(w, "logit_scale", 0, tokens, 0, 4.6052f);
    random_writer_add(w, in_text(full, sizeof full, t, "token_embedding.weight"), 2, tokens, 0.2f,
                      0);
    random_writer_add(w, in_text(full, sizeof full, t, "positional_embedding"), 2, positions, 0.1f,
                      0);
    for (size_t i = 0; i < t->layers; i++) {
        (void)snprintf(stem, sizeof stem, "%stransformer.resblocks.%zu.", t->prefix, i);
        random_writer_norm(w, stem, "ln_1", width);
        (void)snprintf(full, sizeof full, "%sattn.in_proj_weight", stem);
        random_writer_add(w, full, 2, stacked, scale, 0);
        (void)snprintf(full, sizeof full, "%sattn.in_proj_bias", stem);
        random_writer_add(w, full, 1, stacked, 0.02f, 0);
        random_writer_pair(w, stem, "attn.out_proj", width, width, 0.5f * scale);
        random_writer_norm(w, stem, "ln_2", width);
        random_writer_pair(w, stem, "mlp.c_fc", 4 * width, width, scale);
        random_writer_pair(w, stem, "mlp.c_proj", width, 4 * width, 0.5f * scale);
    }
    random_writer_norm(w, t->prefix, "ln_final", width);
}

void random_open_clip_add_text(random_writer *w, const random_open_clip_text *t) {
    char full[128];
    const size_t projection[2] = {t->width, t->embedding};
    random_open_clip_add_blocks(w, t);
    random_writer_add(w, in_text(full, sizeof full, t, "text_projection"), 2, projection,
                      1.0f / sqrtf((float)t->width), 0);
}

int random_open_clip_path(char *path, size_t size, const char *directory, const char *name) {
    int length = snprintf(path, size, "%s/%s", directory, name);
    return length > 0 && (size_t)length < size;
}

int random_open_clip_write_tokenizer(const random_model *model, const char *directory) {
    static const char *const others[] = {"config.json", "preprocessor_config.json",
                                         "model.safetensors"};
    if (!random_model_write(model, directory)) return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[1200];
        if (!random_open_clip_path(path, sizeof path, directory, others[i]) || unlink(path) != 0)
            return 0;
    }
    return 1;
}

int random_open_clip_write_clip_tokenizer(size_t vocabulary, int merges, const char *directory) {
    random_model small = random_model_tiny();
    small.vocabulary = vocabulary;
    small.merges = merges;
    small.text_width = small.text_heads = small.text_mlp = 1;
    return random_open_clip_write_tokenizer(&small, directory);
}

int random_open_clip_finish(random_writer *w, const char *directory, const char *dtype) {
    char from[1200], to[1200];
    return random_writer_finish(w, directory, dtype, 1) &&
           random_open_clip_path(from, sizeof from, directory, "model.safetensors") &&
           random_open_clip_path(to, sizeof to, directory, "open_clip_model.safetensors") &&
           rename(from, to) == 0;
}
