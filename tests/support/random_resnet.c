/*
 * random_resnet.c - writes CLIP ResNets with random weights, in a scale that keeps activations in
 * the range of trained models however many layers there are.
 */
#include "support/random_resnet.h"

#include "support/random_open_clip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static int write_config(const random_resnet *m, const char *directory) {
    char path[1200];
    if (!random_open_clip_path(path, sizeof path, directory, "open_clip_config.json")) return 0;
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
    random_writer *w = random_writer_create(m->seed);
    int good = w && random_open_clip_write_clip_tokenizer(m->vocabulary, m->merges, directory) &&
               write_config(m, directory);
    if (w) {
        add_image_tower(w, m);
        const random_open_clip_text text = {
            "", m->text_width, m->text_layers, m->vocabulary, m->context, m->embedding};
        random_open_clip_add_text(w, &text);
        good = random_open_clip_finish(w, directory, m->dtype) && good;
    }
    if (!good) (void)fprintf(stderr, "%s: cannot write the random model\n", directory);
    return good;
}
