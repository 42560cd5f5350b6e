/*
 * random_blip.c - writes BLIP directories with random weights, for tests and benchmarks.
 */
#include "support/random_blip.h"

#include "support/random_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

random_blip random_blip_tiny(glimpse_blip_kind kind) {
    return (random_blip){.kind = kind,
                         .image_size = 32,
                         .patch = 8,
                         .vision_width = 48,
                         .vision_layers = 2,
                         .vision_heads = 4,
                         .vision_mlp = 96,
                         .text_width = 48,
                         .text_layers = 2,
                         .text_heads = 6,
                         .text_mlp = 80,
                         .vocabulary = 100,
                         .context = 40,
                         .joint = 24,
                         .dtype = "F32",
                         .shards = 1,
                         .seed = 1};
}

random_blip random_blip_base(glimpse_blip_kind kind) {
    return (random_blip){.kind = kind,
                         .image_size = 384,
                         .patch = 16,
                         .vision_width = 768,
                         .vision_layers = 12,
                         .vision_heads = 12,
                         .vision_mlp = 3072,
                         .text_width = 768,
                         .text_layers = 12,
                         .text_heads = 12,
                         .text_mlp = 3072,
                         .vocabulary = 30524,
                         .context = 512,
                         .joint = 256,
                         .dtype = "F16",
                         .shards = 1,
                         .seed = 1};
}

static float root(size_t width) {
    return 1.0f / sqrtf((float)width);
}

static float word_scale(const random_blip *m) {
    return (m->sharpness > 0 ? m->sharpness : 2.0f) * root(m->text_width);
}

static void add_vision(random_writer *w, const random_blip *m) {
    size_t grid = m->image_size / m->patch, width = m->vision_width;
    size_t kernel[4] = {width, 3, m->patch, m->patch}, one[3] = {1, 1, width};
    size_t all[3] = {1, grid * grid + 1, width};
    random_writer_add(w, "vision_model.embeddings.class_embedding", 3, one, 0.1f, 0.0f);
    random_writer_add(w, "vision_model.embeddings.position_embedding", 3, all, 0.1f, 0.0f);
    random_writer_add(w, "vision_model.embeddings.patch_embedding.weight", 4, kernel,
                      root(3 * m->patch * m->patch), 0.0f);
    random_writer_add(w, "vision_model.embeddings.patch_embedding.bias", 1, &width, 0.1f, 0.0f);
    for (size_t i = 0; i < m->vision_layers; i++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "vision_model.encoder.layers.%zu.", i);
        random_writer_norm(w, stem, "layer_norm1", width);
        random_writer_pair(w, stem, "self_attn.qkv", 3 * width, width, root(width));
        random_writer_pair(w, stem, "self_attn.projection", width, width, root(width));
        random_writer_norm(w, stem, "layer_norm2", width);
        random_writer_pair(w, stem, "mlp.fc1", m->vision_mlp, width, root(width));
        random_writer_pair(w, stem, "mlp.fc2", width, m->vision_mlp, root(m->vision_mlp));
    }
    random_writer_norm(w, "", "vision_model.post_layernorm", width);
}

static void add_text(random_writer *w, const random_blip *m, const char *prefix) {
    size_t width = m->text_width, words[2] = {m->vocabulary, width}, at[2] = {m->context, width};
    char name[96];
    (void)snprintf(name, sizeof name, "%sembeddings.word_embeddings.weight", prefix);
    random_writer_add(w, name, 2, words, m->tied ? word_scale(m) : 0.3f, 0.0f);
    (void)snprintf(name, sizeof name, "%sembeddings.position_embeddings.weight", prefix);
    random_writer_add(w, name, 2, at, 0.2f, 0.0f);
    random_writer_norm(w, prefix, "embeddings.LayerNorm", width);
    for (size_t i = 0; i < m->text_layers; i++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "%sencoder.layer.%zu.", prefix, i);
        static const char *const attentions[] = {"attention", "crossattention"};
        static const char *const inputs[] = {"self.query", "self.key", "self.value"};
        for (size_t a = 0; a < 2; a++) {
            for (size_t p = 0; p < 3; p++) {
                size_t in = a == 1 && p > 0 ? m->vision_width : width;
                (void)snprintf(name, sizeof name, "%s.%s", attentions[a], inputs[p]);
                random_writer_pair(w, stem, name, width, in, 1.5f * root(in));
            }
            (void)snprintf(name, sizeof name, "%s.output.dense", attentions[a]);
            random_writer_pair(w, stem, name, width, width, root(width));
            (void)snprintf(name, sizeof name, "%s.output.LayerNorm", attentions[a]);
            random_writer_norm(w, stem, name, width);
        }
        random_writer_pair(w, stem, "intermediate.dense", m->text_mlp, width, root(width));
        random_writer_pair(w, stem, "output.dense", width, m->text_mlp, root(m->text_mlp));
        random_writer_norm(w, stem, "output.LayerNorm", width);
    }
}

static void add_head(random_writer *w, const random_blip *m) {
    static const char stem[] = "text_decoder.cls.predictions.";
    size_t width = m->text_width, words[2] = {m->vocabulary, width};
    random_writer_pair(w, stem, "transform.dense", width, width, root(width));
    random_writer_norm(w, stem, "transform.LayerNorm", width);
    if (!m->tied) {
        random_writer_add(w, "text_decoder.cls.predictions.decoder.weight", 2, words, word_scale(m),
                          0.0f);
    }
    random_writer_add(w, "text_decoder.cls.predictions.bias", 1, &m->vocabulary, 0.2f, 0.0f);
}

static FILE *create(const char *directory, const char *name) {
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return fopen(path, "wb");
}

static int write_vocabulary(const random_blip *m, const char *directory) {
    static const char *const first[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    static const char *const words[] = {"red", "blue", "square", "circle",
                                        "dog", "how",  "many",   "what"};
    FILE *file = create(directory, "vocab.txt");
    if (!file) return 0;
    for (size_t i = 0; i + 2 < m->vocabulary; i++) {
        if (i < 5) {
            (void)fprintf(file, "%s\n", first[i]);
        } else if (i < 57) {
            (void)fprintf(file, "%s%c\n", i < 31 ? "" : "##", (int)('a' + (i - 5) % 26));
        } else if (i < 65) {
            (void)fprintf(file, "%s\n", words[i - 57]);
        } else {
            (void)fprintf(file, "word%zu\n", i);
        }
    }
    return fclose(file) == 0;
}

static int write_config(const random_blip *m, const char *directory) {
    static const char *const names[] = {"", "BlipForImageTextRetrieval",
                                        "BlipForConditionalGeneration", "BlipForQuestionAnswering"};
    FILE *file = create(directory, "config.json"), *pictures = NULL;
    if (!file) return 0;
    (void)fprintf(file, "{\"model_type\": \"blip\", \"image_text_hidden_size\": %zu,\n", m->joint);
    if (!m->unnamed) (void)fprintf(file, " \"architectures\": [\"%s\"],\n", names[m->kind]);
    (void)fprintf(file,
                  " \"text_config\": {\"hidden_size\": %zu, \"intermediate_size\": %zu, "
                  "\"num_hidden_layers\": %zu, \"num_attention_heads\": %zu, "
                  "\"max_position_embeddings\": %zu, \"vocab_size\": %zu, \"bos_token_id\": %zu, "
                  "\"sep_token_id\": 3},\n"
                  " \"vision_config\": {\"hidden_size\": %zu, \"intermediate_size\": %zu, "
                  "\"num_hidden_layers\": %zu, \"num_attention_heads\": %zu, \"image_size\": %zu, "
                  "\"patch_size\": %zu}}\n",
                  m->text_width, m->text_mlp, m->text_layers, m->text_heads, m->context,
                  m->vocabulary, m->vocabulary - 2, m->vision_width, m->vision_mlp,
                  m->vision_layers, m->vision_heads, m->image_size, m->patch);
    if (fclose(file) != 0 || !(pictures = create(directory, "preprocessor_config.json"))) return 0;
    (void)fprintf(pictures, "{\"size\": {\"height\": %zu, \"width\": %zu}}\n", m->image_size,
                  m->image_size);
    return fclose(pictures) == 0;
}

int random_blip_write(const random_blip *m, const char *directory) {
    random_writer *w = random_writer_create(m->seed);
    if (!w) return 0;
    (void)mkdir(directory, 0777);
    add_vision(w, m);
    if (m->kind != GLIMPSE_BLIP_CAPTION) add_text(w, m, "text_encoder.");
    if (m->kind != GLIMPSE_BLIP_MATCH) {
        add_text(w, m, "text_decoder.bert.");
        add_head(w, m);
    } else {
        random_writer_pair(w, "", "vision_proj", m->joint, m->vision_width, root(m->vision_width));
        random_writer_pair(w, "", "text_proj", m->joint, m->text_width, root(m->text_width));
        random_writer_pair(w, "", "itm_head", 2, m->text_width, root(m->text_width));
    }
    int good = random_writer_finish(w, directory, m->dtype, m->shards);
    good = good && write_config(m, directory) && write_vocabulary(m, directory);
    if (!good) (void)fprintf(stderr, "%s: cannot write the random model\n", directory);
    return good;
}
