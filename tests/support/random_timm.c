/*
 * random_timm.c - writes image towers of timm with random weights, in a scale that keeps
 * activations in the range of trained models.
 */
#include "support/random_timm.h"

#include "support/random_open_clip.h"

#include "model/timm_names.h"
#include "support/random_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

random_timm random_timm_tiny(const char *name) {
    const int siglip = strstr(name, "siglip") != NULL, stem = strstr(name, "mci") != NULL;
    random_timm m = {.name = name,
                     .image_size = stem ? 96 : 44, /* 6 x 6 patches; an edge is left over */
                     .patch = stem ? 16 : 7,
                     .width = 32,
                     .layers = 2,
                     .heads = 4,
                     .embedding = siglip ? 32 : 24,
                     .text_width = 40,
                     .text_layers = 2,
                     .text_heads = 5,
                     .vocabulary = siglip ? 288 : 514,
                     .context = siglip ? 64 : 24,
                     .dtype = "F32",
                     .seed = 5};
    if (strstr(name, "pe_core")) m.pool_heads = 2;
    if (strstr(name, "eva02_base") || strstr(name, "eva02_large")) m.reference = 2;
    return m;
}

random_timm random_timm_published(const char *name) {
    random_timm m = {.name = "vit_base_patch16_siglip_224",
                     .embedding = 768,
                     .text_width = 768,
                     .text_layers = 12,
                     .text_heads = 12,
                     .vocabulary = 288,
                     .context = 64,
                     .dtype = "F16",
                     .seed = 1};
    if (strcmp(name, "EVA02-B-16") == 0) {
        m.name = "eva02_base_patch16_clip_224";
        m.embedding = m.text_width = 512;
        m.text_heads = 8;
        m.vocabulary = 49408;
        m.context = 77;
    } else if (strcmp(name, "PE-Core-B-16") == 0) {
        m.name = "vit_pe_core_base_patch16_224";
        m.embedding = m.text_width = 1024;
        m.text_layers = 24;
        m.text_heads = 16;
        m.vocabulary = 49408;
        m.context = 32;
    }
    return m;
}

/* The tower that the model's name and its own sizes make. */
typedef struct shape {
    glimpse_timm_model sizes;
    glimpse_timm_config timm;
    size_t mlp;
} shape;

static shape shape_of(const random_timm *m) {
    shape s = {.sizes = *glimpse_timm_find(m->name)};
    if (m->image_size) s.sizes.image_size = m->image_size;
    if (m->patch) s.sizes.patch = m->patch;
    if (m->width) s.sizes.width = m->width;
    if (m->layers) s.sizes.layers = m->layers;
    if (m->heads) s.sizes.heads = m->heads;
    s.timm = glimpse_timm_describe(&s.sizes);
    s.mlp = (size_t)((double)s.sizes.width * s.sizes.mlp_ratio);
    return s;
}

static void add(random_writer *w, const char *stem, const char *name, size_t rank, size_t a,
                size_t b, size_t c, size_t d, float scale, float centre) {
    const size_t dims[4] = {a, b, c, d};
    char full[128];
    (void)snprintf(full, sizeof full, "%s%s", stem, name);
    random_writer_add(w, full, rank, dims, scale, centre);
}

static void add_qkv(random_writer *w, const char *stem, glimpse_timm_qkv form, size_t width) {
    float scale = 1.0f / sqrtf((float)width);
    if (form == GLIMPSE_TIMM_Q_K_V) {
        random_writer_pair(w, stem, "attn.q_proj", width, width, scale);
        add(w, stem, "attn.k_proj.weight", 2, width, width, 0, 0, scale, 0);
        random_writer_pair(w, stem, "attn.v_proj", width, width, scale);
        return;
    }
    add(w, stem, "attn.qkv.weight", 2, 3 * width, width, 0, 0, scale, 0);
    if (form == GLIMPSE_TIMM_QKV) {
        add(w, stem, "attn.qkv.bias", 1, 3 * width, 0, 0, 0, 0.1f, 0);
    } else {
        add(w, stem, "attn.q_bias", 1, width, 0, 0, 0, 0.1f, 0);
        add(w, stem, "attn.v_bias", 1, width, 0, 0, 0, 0.1f, 0);
    }
}

static void add_blocks(random_writer *w, const shape *s) {
    size_t width = s->sizes.width;
    float scale = 1.0f / sqrtf((float)width), down = 1.0f / sqrtf((float)s->mlp);
    for (size_t i = 0; i < s->sizes.layers; i++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "visual.trunk.blocks.%zu.", i);
        random_writer_norm(w, stem, "norm1", width);
        add_qkv(w, stem, s->timm.qkv, width);
        if (s->timm.sub_norms) random_writer_norm(w, stem, "attn.norm", width);
        random_writer_pair(w, stem, "attn.proj", width, width, scale);
        random_writer_norm(w, stem, "norm2", width);
        if (s->sizes.kind == GLIMPSE_TIMM_EVA02) {
            random_writer_pair(w, stem, "mlp.fc1_g", s->mlp, width, scale);
            random_writer_pair(w, stem, "mlp.fc1_x", s->mlp, width, scale);
            random_writer_norm(w, stem, "mlp.norm", s->mlp);
        } else {
            random_writer_pair(w, stem, "mlp.fc1", s->mlp, width, scale);
        }
        random_writer_pair(w, stem, "mlp.fc2", width, s->mlp, down);
    }
}

static void add_stem(random_writer *w, size_t width) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    size_t inner = width / 4;
    for (size_t i = 0; i < 3; i++) {
        size_t in = i ? inner : 3, kernel = i ? 2 : 4, out = i < 2 ? inner : width;
        char stem[80], name[32];
        (void)snprintf(stem, sizeof stem, "visual.trunk.patch_embed.backbone.%zu.", i);
        add(w, stem, "conv.weight", 4, out, in, kernel, kernel,
            1.0f / sqrtf((float)(in * kernel * kernel)), 0);
        if (i == 2) add(w, stem, "conv.bias", 1, out, 0, 0, 0, 0.1f, 0);
        for (size_t j = 0; i < 2 && j < 4; j++) {
            (void)snprintf(name, sizeof name, "bn.%s", parts[j]);
            add(w, stem, name, 1, out, 0, 0, 0, 0.1f, j % 3 == 0 ? 1.0f : 0.0f);
        }
    }
}

static void add_pooling(random_writer *w, size_t width, size_t mlp) {
    static const char stem[] = "visual.trunk.attn_pool.";
    float scale = 1.0f / sqrtf((float)width);
    add(w, stem, "latent", 3, 1, 1, width, 0, 1.0f, 0);
    random_writer_pair(w, stem, "q", width, width, scale);
    random_writer_pair(w, stem, "kv", 2 * width, width, scale);
    random_writer_pair(w, stem, "proj", width, width, scale);
    random_writer_norm(w, stem, "norm", width);
    random_writer_pair(w, stem, "mlp.fc1", mlp, width, scale);
    random_writer_pair(w, stem, "mlp.fc2", width, mlp, 1.0f / sqrtf((float)mlp));
}

static void add_image_tower(random_writer *w, const random_timm *m, const shape *s) {
    static const char trunk[] = "visual.trunk.";
    size_t width = s->sizes.width, patch = s->sizes.patch, grid = s->sizes.image_size / patch;
    size_t places = grid * grid + (s->timm.class_token && !s->timm.stem ? 1 : 0);
    if (s->timm.stem) {
        add_stem(w, width);
    } else {
        add(w, trunk, "patch_embed.proj.weight", 4, width, 3, patch, patch,
            1.0f / sqrtf(3.0f * (float)(patch * patch)), 0);
        if (!s->timm.first_norm) add(w, trunk, "patch_embed.proj.bias", 1, width, 0, 0, 0, 0.1f, 0);
    }
    if (s->timm.class_token) add(w, trunk, "cls_token", 3, 1, 1, width, 0, 0.3f, 0);
    add(w, trunk, "pos_embed", 3, 1, places, width, 0, 0.2f, 0);
    if (s->timm.first_norm) random_writer_norm(w, trunk, "norm_pre", width);
    add_blocks(w, s);
    random_writer_norm(w, trunk, "norm", width);
    if (s->timm.pool_heads) add_pooling(w, width, s->timm.pool_mlp);
    if (s->sizes.kind != GLIMPSE_TIMM_SIGLIP)
        random_writer_pair(w, trunk, "head", m->embedding, width, 1.0f / sqrtf((float)width));
}

void random_timm_add_image_tower(random_writer *w, const random_timm *m) {
    const shape s = shape_of(m);
    add_image_tower(w, m, &s);
}

static void add_text_tower(random_writer *w, const random_timm *m, int siglip) {
    size_t width = m->text_width;
    float scale = 1.0f / sqrtf((float)width);
    const random_open_clip_text text = {"text.",       width,      m->text_layers,
                                        m->vocabulary, m->context, m->embedding};
    random_open_clip_add_blocks(w, &text);
    if (siglip) add(w, "", "logit_bias", 0, 0, 0, 0, 0, 0, -10.0f);
    if (siglip && m->no_projection) return;
    if (siglip) {
        random_writer_pair(w, "text.", "text_projection", m->embedding, width, scale);
    } else {
        add(w, "text.", "text_projection", 2, width, m->embedding, 0, 0, scale, 0);
    }
}

static void write_argument(FILE *file, const char *key, size_t value, int *count) {
    if (value) (void)fprintf(file, "%s\"%s\": %zu", (*count)++ ? ", " : "", key, value);
}

static void write_vision(FILE *file, const random_timm *m, const shape *s) {
    int count = 0;
    (void)fprintf(file,
                  " \"vision_cfg\": {\"image_size\": %zu, \"timm_model_name\": \"%s\", "
                  "\"timm_model_pretrained\": false, \"timm_pool\": \"%s\", \"timm_proj\": %s, "
                  "\"timm_model_kwargs\": {",
                  s->sizes.image_size, m->name, s->timm.pool_heads ? "map" : "token",
                  s->sizes.kind == GLIMPSE_TIMM_SIGLIP ? "\"none\"" : "null");
    write_argument(file, "img_size", m->image_size, &count);
    write_argument(file, "patch_size", m->patch, &count);
    write_argument(file, "embed_dim", m->width, &count);
    write_argument(file, "depth", m->layers, &count);
    write_argument(file, "num_heads", m->heads, &count);
    write_argument(file, "attn_pool_num_heads", m->pool_heads, &count);
    if (m->reference) {
        (void)fprintf(file, "%s\"ref_feat_shape\": [%zu, %zu]", count ? ", " : "", m->reference,
                      m->reference);
    }
    (void)fprintf(file, "}},\n");
}

static int write_config(const random_timm *m, const shape *s, const char *directory) {
    int siglip = s->sizes.kind == GLIMPSE_TIMM_SIGLIP;
    char path[1200];
    if (!random_open_clip_path(path, sizeof path, directory, "open_clip_config.json")) return 0;
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    (void)fprintf(file, "{\"model_cfg\": {\"embed_dim\": %zu, \"custom_text\": true,%s\n",
                  m->embedding, siglip ? " \"init_logit_bias\": -10," : "");
    write_vision(file, m, s);
    (void)fprintf(file,
                  " \"text_cfg\": {\"context_length\": %zu, \"vocab_size\": %zu, \"width\": %zu, "
                  "\"heads\": %zu, \"layers\": %zu%s%s}},\n",
                  m->context, m->vocabulary, m->text_width, m->text_heads, m->text_layers,
                  siglip ? ", \"hf_tokenizer_name\": \"timm/ViT-B-16-SigLIP2\", "
                           "\"tokenizer_kwargs\": {\"clean\": \"canonicalize\"}, "
                           "\"no_causal_mask\": true, \"proj_bias\": true, \"pool_type\": "
                           "\"last\", \"norm_kwargs\": {\"eps\": 1e-6}, \"act_kwargs\": "
                           "{\"approximate\": \"tanh\"}"
                         : "",
                  m->no_projection ? ", \"proj_type\": \"none\"" : "");
    (void)fprintf(file, " \"preprocess_cfg\": {\"mean\": [0.5, 0.5, 0.5], \"std\": [0.5, 0.5, "
                        "0.5], \"interpolation\": \"bicubic\", \"resize_mode\": \"squash\"}}\n");
    return fclose(file) == 0;
}

int random_timm_write(const random_timm *m, const char *directory) {
    shape s = shape_of(m);
    int siglip = s.sizes.kind == GLIMPSE_TIMM_SIGLIP;
    random_writer *w = random_writer_create(m->seed);
    const random_model tiny = random_model_tiny_siglip();
    int good =
        w &&
        (siglip ? random_open_clip_write_tokenizer(&tiny, directory)
                : random_open_clip_write_clip_tokenizer(m->vocabulary, m->merges, directory)) &&
        write_config(m, &s, directory);
    if (w) {
        add_image_tower(w, m, &s);
        add_text_tower(w, m, siglip);
        good = random_open_clip_finish(w, directory, m->dtype) && good;
    }
    if (!good) (void)fprintf(stderr, "%s: cannot write the random model\n", directory);
    return good;
}
