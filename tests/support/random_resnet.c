/*
 * random_resnet.c - writes CLIP ResNets with random weights, in a scale that keeps activations in
 * the range of trained models however many layers there are.
 */
#include "support/random_resnet.h"

#include "support/random_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

random_resnet random_resnet_tiny(void) {
    return (random_resnet){.image_size = 64,
                           .width = 6,
                           .layers = {1, 2, 1, 1},
                           .head_width = 32,
                           .embedding = 24,
                           .text_width = 40,
                           .text_layers = 2,
                           .text_heads = 5,
                           .vocabulary = 514,
                           .context = 24,
                           .dtype = "F32",
                           .seed = 3};
}

random_resnet random_resnet_rn50(void) {
    return (random_resnet){.image_size = 224,
                           .width = 64,
                           .layers = {3, 4, 6, 3},
                           .head_width = 64,
                           .embedding = 1024,
                           .text_width = 512,
                           .text_layers = 12,
                           .text_heads = 8,
                           .vocabulary = 49408,
                           .context = 77,
                           .dtype = "F16",
                           .seed = 1};
}

random_resnet random_resnet_rn50x64(void) {
    random_resnet m = random_resnet_rn50();
    m.image_size = 448;
    m.width = 128;
    m.layers[1] = 15, m.layers[2] = 36, m.layers[3] = 10;
    m.text_width = 1024;
    m.text_heads = 16;
    return m;
}

static void add_convolution(random_writer *w, const char *stem, const char *name, const char *norm,
                            size_t out, size_t in, size_t kernel, float gain) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    const size_t dims[4] = {out, in, kernel, kernel};
    char full[96];
    (void)snprintf(full, sizeof full, "%s%s.weight", stem, name);
    random_writer_add(w, full, 4, dims, gain * sqrtf(2.0f / (float)(in * kernel * kernel)), 0);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(full, sizeof full, "%s%s.%s", stem, norm, parts[i]);
        random_writer_add(w, full, 1, dims, 0.1f, i % 3 == 0 ? 1.0f : 0.0f);
    }
}

static void add_image_tower(random_writer *w, const random_resnet *m) {
    const float small = 0.3f; /* what a bottleneck adds to its input */
    size_t width = m->width, channels = width, pooled = 32 * width, grid = m->image_size / 32;
    float scale = 1.0f / sqrtf((float)pooled);
    add_convolution(w, "visual.", "conv1", "bn1", width / 2, 3, 3, 1);
    add_convolution(w, "visual.", "conv2", "bn2", width / 2, width / 2, 3, 1);
    add_convolution(w, "visual.", "conv3", "bn3", width, width / 2, 3, 1);
    for (size_t layer = 0; layer < 4; layer++) {
        size_t inner = width << layer;
        for (size_t i = 0; i < m->layers[layer]; i++) {
            char stem[64];
            (void)snprintf(stem, sizeof stem, "visual.layer%zu.%zu.", layer + 1, i);
            add_convolution(w, stem, "conv1", "bn1", inner, channels, 1, 1);
            add_convolution(w, stem, "conv2", "bn2", inner, inner, 3, 1);
            add_convolution(w, stem, "conv3", "bn3", 4 * inner, inner, 1, small);
            if (i == 0) {
                add_convolution(w, stem, "downsample.0", "downsample.1", 4 * inner, channels, 1,
                                0.7f);
            }
            channels = 4 * inner;
        }
    }
    const size_t positions[2] = {grid * grid + 1, pooled};
    random_writer_add(w, "visual.attnpool.positional_embedding", 2, positions, 0.1f, 0);
    random_writer_pair(w, "visual.attnpool.", "q_proj", pooled, pooled, scale);
    random_writer_pair(w, "visual.attnpool.", "k_proj", pooled, pooled, scale);
    random_writer_pair(w, "visual.attnpool.", "v_proj", pooled, pooled, scale);
    random_writer_pair(w, "visual.attnpool.", "c_proj", m->embedding, pooled, scale);
}

static void add_text_tower(random_writer *w, const random_resnet *m) {
    size_t width = m->text_width;
    const size_t tokens[2] = {m->vocabulary, width}, positions[2] = {m->context, width};
    const size_t stacked[2] = {3 * width, width}, projection[2] = {width, m->embedding};
    float scale = 1.0f / sqrtf((float)width);
    random_writer_add(w, "logit_scale", 0, NULL, 0, 4.6052f);
    random_writer_add(w, "token_embedding.weight", 2, tokens, 0.2f, 0);
    random_writer_add(w, "positional_embedding", 2, positions, 0.1f, 0);
    for (size_t i = 0; i < m->text_layers; i++) {
        char stem[64], full[96];
        (void)snprintf(stem, sizeof stem, "transformer.resblocks.%zu.", i);
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
    random_writer_norm(w, "", "ln_final", width);
    random_writer_add(w, "text_projection", 2, projection, scale, 0);
}

static int in_directory_of(char *path, size_t size, const char *directory, const char *name) {
    int length = snprintf(path, size, "%s/%s", directory, name);
    return length > 0 && (size_t)length < size;
}

/* The tokenizer of a model of the same vocabulary, whose other files go. */
static int write_tokenizer(const random_resnet *m, const char *directory) {
    static const char *const others[] = {"config.json", "preprocessor_config.json",
                                         "model.safetensors"};
    random_model small = random_model_tiny();
    small.vocabulary = m->vocabulary;
    small.merges = m->merges;
    small.text_width = small.text_heads = small.text_mlp = 1;
    if (!random_model_write(&small, directory)) return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[1200];
        if (!in_directory_of(path, sizeof path, directory, others[i]) || unlink(path) != 0)
            return 0;
    }
    return 1;
}

static int write_config(const random_resnet *m, const char *directory) {
    char path[1200];
    if (!in_directory_of(path, sizeof path, directory, "open_clip_config.json")) return 0;
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    (void)fprintf(file,
                  "{\"model_cfg\": {\"embed_dim\": %zu, \"quick_gelu\": true,\n \"vision_cfg\": "
                  "{\"image_size\": %zu, \"layers\": [%zu, %zu, %zu, %zu], \"width\": %zu, "
                  "\"head_width\": %zu, \"patch_size\": null},\n \"text_cfg\": "
                  "{\"context_length\": %zu, \"vocab_size\": %zu, \"width\": %zu, \"heads\": %zu, "
                  "\"layers\": %zu}},\n \"preprocess_cfg\": {}}\n",
                  m->embedding, m->image_size, m->layers[0], m->layers[1], m->layers[2],
                  m->layers[3], m->width, m->head_width, m->context, m->vocabulary, m->text_width,
                  m->text_heads, m->text_layers);
    return fclose(file) == 0;
}

int random_resnet_write(const random_resnet *m, const char *directory) {
    char from[1200], to[1200];
    random_writer *w = random_writer_create(m->seed);
    int good = w && write_tokenizer(m, directory) && write_config(m, directory);
    if (w) {
        add_image_tower(w, m);
        add_text_tower(w, m);
        good = random_writer_finish(w, directory, m->dtype, 1) && good;
    }
    good = good && in_directory_of(from, sizeof from, directory, "model.safetensors") &&
           in_directory_of(to, sizeof to, directory, "open_clip_model.safetensors") &&
           rename(from, to) == 0;
    if (!good) (void)fprintf(stderr, "%s: cannot write the random model\n", directory);
    return good;
}
