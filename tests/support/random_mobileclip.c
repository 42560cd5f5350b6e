/*
 * random_mobileclip.c - writes MobileCLIP models with random weights, in a scale that keeps
 * activations in the range of trained models however many layers there are.
 */
#include "support/random_mobileclip.h"

#include "support/random_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

random_mobileclip random_mobileclip_tiny(void) {
    return (random_mobileclip){.name = "fastvit_mci0",
                               .image_size = 72, /* 36, 18, 9, 5: odd sides occur */
                               .embedding = 20,
                               .stages = 3,
                               .layers = {1, 2, 1},
                               .widths = {8, 16, 32},
                               .mlp = 3,
                               .attends = 2,
                               .excites = 2,
                               .stem_scale = 1,
                               .text_width = 40,
                               .text_layers = 2,
                               .text_heads = 5,
                               .vocabulary = 514,
                               .context = 24,
                               .dtype = "F32",
                               .seed = 3};
}

random_mobileclip random_mobileclip_s0(void) {
    return (random_mobileclip){.name = "fastvit_mci0",
                               .image_size = 256,
                               .embedding = 512,
                               .stages = 4,
                               .layers = {2, 6, 10, 2},
                               .widths = {64, 128, 256, 512},
                               .mlp = 3,
                               .attends = 3,
                               .excites = 2,
                               .folded = 1,
                               .text_width = 512,
                               .text_layers = 12,
                               .text_heads = 8,
                               .vocabulary = 49408,
                               .context = 77,
                               .dtype = "F32",
                               .seed = 1};
}

random_mobileclip random_mobileclip_s2(void) {
    random_mobileclip m = random_mobileclip_s0();
    static const size_t layers[] = {4, 12, 24, 4}, widths[] = {80, 160, 320, 640};
    m.name = "fastvit_mci2";
    memcpy(m.layers, layers, sizeof layers);
    memcpy(m.widths, widths, sizeof widths);
    return m;
}

random_mobileclip random_mobileclip_s3(void) {
    random_mobileclip m = random_mobileclip_s0();
    static const size_t layers[] = {2, 12, 24, 4, 2}, widths[] = {96, 192, 384, 768, 1536};
    m.name = "fastvit_mci3";
    m.stages = 5;
    memcpy(m.layers, layers, sizeof layers);
    memcpy(m.widths, widths, sizeof widths);
    m.mlp = 4;
    m.excites = 5;
    m.layer_norm = 1;
    m.embedding = m.text_width = 768;
    m.text_heads = 12;
    return m;
}

static void add_kernel(random_writer *w, const char *name, size_t out, size_t in, size_t kernel,
                       float gain) {
    const size_t dims[4] = {out, in, kernel, kernel};
    char full[128];
    (void)snprintf(full, sizeof full, "%.80s.weight", name);
    random_writer_add(w, full, 4, dims, gain / sqrtf((float)(in * kernel * kernel)), 0);
}

static void add_vector(random_writer *w, const char *name, size_t width, float scale,
                       float centre) {
    random_writer_add(w, name, 1, &width, scale, centre);
}

static void add_batch_norm(random_writer *w, const char *name, size_t width) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    char full[128];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(full, sizeof full, "%.80s.%s", name, parts[i]);
        add_vector(w, full, width, 0.1f, i % 3 == 0 ? 1.0f : 0.0f);
    }
}

/* NAME.conv and NAME.bn. */
static void add_branch(random_writer *w, const char *name, size_t out, size_t in, size_t kernel,
                       float gain) {
    char full[128];
    (void)snprintf(full, sizeof full, "%.80s.conv", name);
    add_kernel(w, full, out, in, kernel, gain);
    (void)snprintf(full, sizeof full, "%.80s.bn", name);
    add_batch_norm(w, full, out);
}

/* A kernel with a bias. */
static void add_whole(random_writer *w, const char *name, size_t out, size_t in, size_t kernel,
                      float gain) {
    char full[128];
    add_kernel(w, name, out, in, kernel, gain);
    (void)snprintf(full, sizeof full, "%.80s.bias", name);
    add_vector(w, full, out, 0.05f, 0);
}

static void add_mobile_one(random_writer *w, const random_mobileclip *m, const char *stem,
                           size_t out, size_t in, size_t kernel, int scale, int identity) {
    char full[128];
    if (m->folded) {
        (void)snprintf(full, sizeof full, "%.80s.reparam_conv", stem);
        add_whole(w, full, out, in, kernel, 1.2f);
        return;
    }
    /* Two kernels, as timm can have. */
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(full, sizeof full, "%.80s.conv_kxk.%zu", stem, i);
        add_branch(w, full, out, in, kernel, 0.7f);
    }
    (void)snprintf(full, sizeof full, "%.80s.conv_scale", stem);
    if (scale) add_branch(w, full, out, in, 1, 0.5f);
    (void)snprintf(full, sizeof full, "%.80s.identity", stem);
    if (identity) add_batch_norm(w, full, out);
}

static void add_gamma(random_writer *w, const char *stem, const char *name, size_t width) {
    const size_t dims[3] = {width, 1, 1};
    char full[128];
    (void)snprintf(full, sizeof full, "%.80s.%s.gamma", stem, name);
    random_writer_add(w, full, 3, dims, 0.05f, 0.3f);
}

static void add_excitation(random_writer *w, const char *stem, size_t width, size_t hidden) {
    char full[128];
    (void)snprintf(full, sizeof full, "%.80s.se.fc1", stem);
    add_whole(w, full, hidden, width, 1, 1);
    (void)snprintf(full, sizeof full, "%.80s.se.fc2", stem);
    add_whole(w, full, width, hidden, 1, 1);
}

static void add_block(random_writer *w, const random_mobileclip *m, const char *stem, size_t width,
                      int attends) {
    char full[128];
    if (attends) {
        const size_t dims[2] = {3 * width, width};
        (void)snprintf(full, sizeof full, "%s.", stem);
        if (m->layer_norm) random_writer_norm(w, full, "norm", width);
        random_writer_pair(w, full, "token_mixer.proj", width, width, 1 / sqrtf((float)width));
        (void)snprintf(full, sizeof full, "%.80s.norm", stem);
        if (!m->layer_norm) add_batch_norm(w, full, width);
        (void)snprintf(full, sizeof full, "%.80s.token_mixer.qkv.weight", stem);
        random_writer_add(w, full, 2, dims, 1 / sqrtf((float)width), 0);
        add_gamma(w, stem, "layer_scale_1", width);
    } else if (m->folded) {
        (void)snprintf(full, sizeof full, "%.80s.token_mixer.reparam_conv", stem);
        add_whole(w, full, width, 1, 3, 1);
    } else {
        (void)snprintf(full, sizeof full, "%.80s.token_mixer.mixer", stem);
        add_mobile_one(w, m, full, width, 1, 3, 1, 1);
        (void)snprintf(full, sizeof full, "%.80s.token_mixer.norm.identity", stem);
        add_batch_norm(w, full, width);
        add_gamma(w, stem, "token_mixer.layer_scale", width);
    }
    (void)snprintf(full, sizeof full, "%.80s.mlp.conv", stem);
    add_branch(w, full, width, 1, 7, 1);
    (void)snprintf(full, sizeof full, "%.80s.mlp.fc1", stem);
    add_whole(w, full, m->mlp * width, width, 1, 1);
    (void)snprintf(full, sizeof full, "%.80s.mlp.fc2", stem);
    add_whole(w, full, width, m->mlp * width, 1, 1);
    add_gamma(w, stem, attends ? "layer_scale_2" : "layer_scale", width);
}

static void add_image_tower(random_writer *w, const random_mobileclip *m) {
    static const char root[] = "visual.trunk.";
    char full[128], stem[96];
    size_t width = m->widths[0];
    (void)snprintf(full, sizeof full, "%sstem.0", root);
    add_mobile_one(w, m, full, width, 3, 3, m->stem_scale, 0);
    (void)snprintf(full, sizeof full, "%sstem.1", root);
    add_mobile_one(w, m, full, width, 1, 3, m->stem_scale, 0);
    (void)snprintf(full, sizeof full, "%sstem.2", root);
    add_mobile_one(w, m, full, width, width, 1, 0, 1);
    for (size_t s = 0; s < m->stages; s++) {
        if (s > 0) {
            (void)snprintf(stem, sizeof stem, "%sstages.%zu.downsample.proj.0", root, s);
            (void)snprintf(full, sizeof full, m->folded ? "%.80s.reparam_conv" : "%.80s.large_conv",
                           stem);
            if (m->folded) {
                add_whole(w, full, m->widths[s], 1, 7, 1.2f);
            } else {
                add_branch(w, full, m->widths[s], 1, 7, 1);
                (void)snprintf(full, sizeof full, "%.80s.small_conv", stem);
                add_branch(w, full, m->widths[s], 1, 3, 0.7f);
            }
            if (s >= m->excites) add_excitation(w, stem, m->widths[s], m->widths[s] / 4);
            (void)snprintf(stem, sizeof stem, "%sstages.%zu.downsample.proj.1", root, s);
            add_mobile_one(w, m, stem, m->widths[s], m->widths[s], 1, 0, 1);
        }
        if (s >= m->attends) {
            (void)snprintf(full, sizeof full, "%sstages.%zu.pos_emb.%s", root, s,
                           m->folded ? "reparam_conv" : "pos_enc");
            add_whole(w, full, m->widths[s], 1, 7, 0.5f);
        }
        for (size_t i = 0; i < m->layers[s]; i++) {
            (void)snprintf(stem, sizeof stem, "%sstages.%zu.blocks.%zu", root, s, i);
            add_block(w, m, stem, m->widths[s], s >= m->attends);
        }
    }
    width = m->widths[m->stages - 1];
    (void)snprintf(full, sizeof full, "%sfinal_conv", root);
    add_mobile_one(w, m, full, 2 * width, 1, 3, 1, 0);
    add_excitation(w, full, 2 * width, width / 8);
    random_writer_pair(w, root, "head.fc", m->embedding, 2 * width, 1 / sqrtf(2.0f * (float)width));
}

static void add_text_tower(random_writer *w, const random_mobileclip *m) {
    size_t width = m->text_width;
    const size_t tokens[2] = {m->vocabulary, width}, positions[2] = {m->context, width};
    const size_t stacked[2] = {3 * width, width}, projection[2] = {width, m->embedding};
    float scale = 1.0f / sqrtf((float)width);
    random_writer_add(w, "logit_scale", 0, tokens, 0, 4.6052f);
    random_writer_add(w, "text.token_embedding.weight", 2, tokens, 0.2f, 0);
    random_writer_add(w, "text.positional_embedding", 2, positions, 0.1f, 0);
    for (size_t i = 0; i < m->text_layers; i++) {
        char stem[64], full[96];
        (void)snprintf(stem, sizeof stem, "text.transformer.resblocks.%zu.", i);
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
    random_writer_norm(w, "text.", "ln_final", width);
    random_writer_add(w, "text.text_projection", 2, projection, scale, 0);
}

static int in_directory_of(char *path, size_t size, const char *directory, const char *name) {
    int length = snprintf(path, size, "%s/%s", directory, name);
    return length > 0 && (size_t)length < size;
}

/* The tokenizer of a model of the same vocabulary, whose other files go. */
static int write_tokenizer(const random_mobileclip *m, const char *directory) {
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

static int write_config(const random_mobileclip *m, const char *directory) {
    char path[1200];
    if (!in_directory_of(path, sizeof path, directory, "open_clip_config.json")) return 0;
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    (void)fprintf(file,
                  "{\"model_cfg\": {\"embed_dim\": %zu,\n \"vision_cfg\": {\"timm_model_name\": "
                  "\"%s\", \"timm_model_pretrained\": false, \"timm_pool\": \"avg\", "
                  "\"timm_proj\": null, \"timm_drop\": 0.0, \"image_size\": %zu},\n \"text_cfg\": "
                  "{\"context_length\": %zu, \"vocab_size\": %zu, \"width\": %zu, \"heads\": %zu, "
                  "\"layers\": %zu, \"no_causal_mask\": true},\n \"custom_text\": true},\n "
                  "\"preprocess_cfg\": {\"mean\": [0, 0, 0], \"std\": [1, 1, 1], "
                  "\"interpolation\": \"bilinear\", \"resize_mode\": \"shortest\"}}\n",
                  m->embedding, m->name, m->image_size, m->context, m->vocabulary, m->text_width,
                  m->text_heads, m->text_layers);
    return fclose(file) == 0;
}

int random_mobileclip_write(const random_mobileclip *m, const char *directory) {
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
