/*
 * random_model.c - writes CLIP and SigLIP directories with random weights, for tests and
 * benchmarks. Weights follow CLIP's own initialisation in scale, so that activations stay in the
 * range that trained models have.
 */
#include "support/random_model.h"

#include "math/half.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

random_model random_model_tiny(void) {
    return (random_model){.image_size = 32,
                          .patch = 8,
                          .embedding = 24,
                          .vision_width = 48,
                          .vision_layers = 2,
                          .vision_heads = 4,
                          .vision_mlp = 96,
                          .text_width = 40,
                          .text_layers = 2,
                          .text_heads = 5,
                          .text_mlp = 100,
                          .vocabulary = 514,
                          .context = 24,
                          .dtype = "F32",
                          .activation = "quick_gelu",
                          .shards = 1,
                          .seed = 1};
}

random_model random_model_tiny_siglip(void) {
    random_model m = random_model_tiny();
    m.siglip = 1;
    m.vocabulary = 288; /* what its tokenizer has */
    m.context = 64;     /* a letter is a token */
    m.image_size = 34;
    m.embedding = m.vision_width;
    m.activation = "gelu_pytorch_tanh";
    return m;
}

random_model random_model_tiny_naflex(void) {
    random_model m = random_model_tiny_siglip();
    m.image_size = 40; /* 5 x 5 positions */
    m.max_patches = 30;
    return m;
}

random_model random_model_vit_b32(void) {
    return (random_model){224,  32,    512, 768,   12,           12, 3072, 512, 12, 8,
                          2048, 49408, 77,  "F16", "quick_gelu", 1,  1,    0,   0,  0};
}

random_model random_model_vit_l14(void) {
    return (random_model){224,  14,    768, 1024,  24,           16, 4096, 768, 12, 12,
                          3072, 49408, 77,  "F16", "quick_gelu", 1,  1,    0,   0,  0};
}

static int close_both(FILE *a, FILE *b) {
    const int failed_a = fclose(a), failed_b = fclose(b);
    return failed_a == 0 && failed_b == 0;
}

typedef struct tensor {
    char name[96];
    size_t dims[4], rank, count;
    float scale, centre;
} tensor;

enum { MAX_TENSORS = 1200 };

typedef struct writer {
    tensor tensors[MAX_TENSORS];
    size_t count;
    uint64_t state;
} writer;

/* Roughly normal: the sum of four uniform numbers has variance 4/12. */
static float noise(uint64_t *state) {
    float sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (float)(*state >> 40) / 16777216.0f - 0.5f;
    }
    return sum * 1.7320508f;
}

static void add(writer *w, const char *name, size_t rank, size_t a, size_t b, size_t c, size_t d,
                float scale, float centre) {
    tensor *t = &w->tensors[w->count++];
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->rank = rank;
    t->dims[0] = a, t->dims[1] = b, t->dims[2] = c, t->dims[3] = d;
    t->count = 1;
    for (size_t i = 0; i < rank; i++)
        t->count *= t->dims[i];
    t->scale = scale;
    t->centre = centre;
}

static void add_pair(writer *w, const char *stem, const char *name, size_t out, size_t in,
                     float scale) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s%s.weight", stem, name);
    add(w, full, 2, out, in, 0, 0, scale, 0.0f);
    (void)snprintf(full, sizeof full, "%s%s.bias", stem, name);
    add(w, full, 1, out, 0, 0, 0, 0.02f, 0.0f);
}

static void add_norm(writer *w, const char *stem, const char *name, size_t width) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s%s.weight", stem, name);
    add(w, full, 1, width, 0, 0, 0, 0.1f, 1.0f);
    (void)snprintf(full, sizeof full, "%s%s.bias", stem, name);
    add(w, full, 1, width, 0, 0, 0, 0.05f, 0.0f);
}

static void add_tower(writer *w, const char *prefix, size_t width, size_t layers, size_t mlp) {
    float attention = 1.0f / sqrtf((float)width), deep = attention / sqrtf(2.0f * (float)layers);
    for (size_t i = 0; i < layers; i++) {
        char stem[64];
        (void)snprintf(stem, sizeof stem, "%s.encoder.layers.%zu.", prefix, i);
        add_norm(w, stem, "layer_norm1", width);
        add_pair(w, stem, "self_attn.q_proj", width, width, attention);
        add_pair(w, stem, "self_attn.k_proj", width, width, attention);
        add_pair(w, stem, "self_attn.v_proj", width, width, attention);
        add_pair(w, stem, "self_attn.out_proj", width, width, deep);
        add_norm(w, stem, "layer_norm2", width);
        add_pair(w, stem, "mlp.fc1", mlp, width, attention);
        add_pair(w, stem, "mlp.fc2", width, mlp, 1.0f / sqrtf((float)mlp));
    }
}

static void plan_siglip(writer *w, const random_model *m) {
    size_t grid = m->image_size / m->patch, width = m->vision_width;
    float attention = 1.0f / sqrtf((float)width);
    add(w, "logit_scale", 1, 1, 0, 0, 0, 0.0f, 2.302585f);
    add(w, "logit_bias", 1, 1, 0, 0, 0, 0.0f, -1.0f);
    size_t values = 3 * m->patch * m->patch;
    if (m->max_patches) {
        add(w, "vision_model.embeddings.patch_embedding.weight", 2, width, values, 0, 0,
            1.0f / sqrtf((float)values), 0.0f);
    } else {
        add(w, "vision_model.embeddings.patch_embedding.weight", 4, width, 3, m->patch, m->patch,
            1.0f / sqrtf((float)values), 0.0f);
    }
    add(w, "vision_model.embeddings.patch_embedding.bias", 1, width, 0, 0, 0, 0.02f, 0.0f);
    add(w, "vision_model.embeddings.position_embedding.weight", 2, grid * grid, width, 0, 0, 0.1f,
        0.0f);
    add_tower(w, "vision_model", width, m->vision_layers, m->vision_mlp);
    add_norm(w, "", "vision_model.post_layernorm", width);
    add(w, "vision_model.head.probe", 3, 1, 1, width, 0, 1.0f, 0.0f);
    add(w, "vision_model.head.attention.in_proj_weight", 2, 3 * width, width, 0, 0, attention,
        0.0f);
    add(w, "vision_model.head.attention.in_proj_bias", 1, 3 * width, 0, 0, 0, 0.02f, 0.0f);
    add_pair(w, "vision_model.head.", "attention.out_proj", width, width, attention);
    add_norm(w, "vision_model.head.", "layernorm", width);
    add_pair(w, "vision_model.head.", "mlp.fc1", m->vision_mlp, width, attention);
    add_pair(w, "vision_model.head.", "mlp.fc2", width, m->vision_mlp,
             1.0f / sqrtf((float)m->vision_mlp));
    add(w, "text_model.embeddings.token_embedding.weight", 2, m->vocabulary, m->text_width, 0, 0,
        0.2f, 0.0f);
    add(w, "text_model.embeddings.position_embedding.weight", 2, m->context, m->text_width, 0, 0,
        0.1f, 0.0f);
    add_tower(w, "text_model", m->text_width, m->text_layers, m->text_mlp);
    add_norm(w, "", "text_model.final_layer_norm", m->text_width);
    add_pair(w, "text_model.", "head", m->embedding, m->text_width,
             1.0f / sqrtf((float)m->text_width));
}

static void plan(writer *w, const random_model *m) {
    if (m->siglip) {
        plan_siglip(w, m);
        return;
    }
    size_t grid = m->image_size / m->patch;
    add(w, "logit_scale", 0, 0, 0, 0, 0, 0.0f, 4.6052f);
    add(w, "vision_model.embeddings.class_embedding", 1, m->vision_width, 0, 0, 0, 0.1f, 0.0f);
    add(w, "vision_model.embeddings.patch_embedding.weight", 4, m->vision_width, 3, m->patch,
        m->patch, 1.0f / sqrtf(3.0f * (float)(m->patch * m->patch)), 0.0f);
    add(w, "vision_model.embeddings.position_embedding.weight", 2, grid * grid + 1, m->vision_width,
        0, 0, 0.1f, 0.0f);
    add_norm(w, "", "vision_model.pre_layrnorm", m->vision_width);
    add_tower(w, "vision_model", m->vision_width, m->vision_layers, m->vision_mlp);
    add_norm(w, "", "vision_model.post_layernorm", m->vision_width);
    add(w, "visual_projection.weight", 2, m->embedding, m->vision_width, 0, 0,
        1.0f / sqrtf((float)m->vision_width), 0.0f);
    add(w, "text_model.embeddings.token_embedding.weight", 2, m->vocabulary, m->text_width, 0, 0,
        0.2f, 0.0f);
    add(w, "text_model.embeddings.position_embedding.weight", 2, m->context, m->text_width, 0, 0,
        0.1f, 0.0f);
    add_tower(w, "text_model", m->text_width, m->text_layers, m->text_mlp);
    add_norm(w, "", "text_model.final_layer_norm", m->text_width);
    add(w, "text_projection.weight", 2, m->embedding, m->text_width, 0, 0,
        1.0f / sqrtf((float)m->text_width), 0.0f);
}

static int write_data(FILE *file, writer *w, const tensor *t, const char *dtype) {
    enum { PIECE = 4096 };
    static float f32[PIECE];
    static uint16_t half[PIECE];
    for (size_t done = 0; done < t->count;) {
        size_t n = t->count - done < PIECE ? t->count - done : PIECE;
        for (size_t i = 0; i < n; i++) {
            f32[i] = t->centre + (t->scale > 0 ? t->scale * noise(&w->state) : 0.0f);
            half[i] = strcmp(dtype, "F16") == 0 ? glimpse_f32_to_f16(f32[i])
                                                : glimpse_f32_to_bf16(f32[i]);
        }
        int whole = strcmp(dtype, "F32") == 0;
        if (fwrite(whole ? (void *)f32 : (void *)half, whole ? 4 : 2, n, file) != n) return 0;
        done += n;
    }
    return 1;
}

/* Tensors first, first + step, ... of the list as one file. */
static int write_shard(writer *w, const char *path, size_t first, size_t step, const char *dtype) {
    size_t element = strcmp(dtype, "F32") == 0 ? 4 : 2, offset = 0, capacity = 1 << 20, used = 0;
    char *header = malloc(capacity);
    FILE *file = header ? fopen(path, "wb") : NULL;
    if (!file) {
        free(header);
        return 0;
    }
    used += (size_t)snprintf(header, capacity, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = first; i < w->count; i += step) {
        const tensor *t = &w->tensors[i];
        used += (size_t)snprintf(header + used, capacity - used,
                                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t->name, dtype);
        for (size_t d = 0; d < t->rank; d++) {
            used +=
                (size_t)snprintf(header + used, capacity - used, d ? ",%zu" : "%zu", t->dims[d]);
        }
        used += (size_t)snprintf(header + used, capacity - used, "],\"data_offsets\":[%zu,%zu]}",
                                 offset, offset + t->count * element);
        offset += t->count * element;
    }
    header[used++] = '}';
    while (used % 8)
        header[used++] = ' ';
    uint8_t length[8];
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)(used >> 8 * i);
    int good = fwrite(length, 1, 8, file) == 8 && fwrite(header, 1, used, file) == used;
    for (size_t i = first; i < w->count && good; i += step) {
        good = write_data(file, w, &w->tensors[i], dtype);
    }
    free(header);
    return fclose(file) == 0 && good;
}

static FILE *create(const char *directory, const char *name) {
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return fopen(path, "wb");
}

/* The `index`-th string of two letters, of three, ... as BPE would have merged it: everything but
 * its last letter, and that letter. */
static void lettered(size_t index, char *left, char *last) {
    size_t length = 2, of_length = 26 * 26;
    while (index >= of_length)
        index -= of_length, of_length *= 26, length++;
    *last = (char)('a' + index % 26);
    index /= 26;
    for (size_t i = length - 1; i-- > 0; index /= 26)
        left[i] = (char)('a' + index % 26);
    left[length - 1] = '\0';
}

/* Merges that make words of lower-case letters as short in tokens as real vocabularies do: strings
 * of letters, each inside a word and at its end, in order of length. */
static void write_merges(const random_model *m, FILE *vocab, FILE *merges) {
    for (size_t id = 512; id < m->vocabulary - 2; id++) {
        char left[16], last;
        lettered((id - 512) / 2, left, &last);
        const char *end = id % 2 ? "</w>" : "";
        (void)fprintf(vocab, "\"%s%c%s\": %zu, ", left, last, end, id);
        (void)fprintf(merges, "%s %c%s\n", left, last, end);
    }
}

/* The byte-level alphabet of CLIP's BPE: printable Latin-1 bytes stand for themselves, the others
 * for U+0100 and up; each also with the end-of-word mark; no merges unless they are asked for. */
static int write_tokenizer(const random_model *m, const char *directory) {
    FILE *vocab = create(directory, "vocab.json"), *merges = create(directory, "merges.txt");
    if (!vocab || !merges) {
        if (vocab) (void)fclose(vocab);
        if (merges) (void)fclose(merges);
        return 0;
    }
    (void)fprintf(vocab, "{");
    for (unsigned end = 0, id = 0; end < 2; end++) {
        unsigned next = 256, order[256], count = 0;
        for (unsigned b = '!'; b <= '~'; b++)
            order[count++] = b;
        for (unsigned b = 0xa1; b <= 0xac; b++)
            order[count++] = b;
        for (unsigned b = 0xae; b <= 0xff; b++)
            order[count++] = b;
        for (unsigned b = 0; b < 256; b++) {
            int printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
            if (!printable) order[count++] = next++;
        }
        for (unsigned i = 0; i < count; i++, id++) {
            (void)fprintf(vocab, "\"\\u%04x%s\": %u, ", order[i], end ? "</w>" : "", id);
        }
    }
    (void)fprintf(merges, "#version: 0.2\n");
    if (m->merges) write_merges(m, vocab, merges);
    (void)fprintf(vocab, "\"<|startoftext|>\": %zu, \"<|endoftext|>\": %zu}\n", m->vocabulary - 2,
                  m->vocabulary - 1);
    return close_both(vocab, merges);
}

/* Gemma's: special tokens, the 256 bytes to fall back on, U+2581 for a space, lower-case letters;
 * one merge. */
static int write_siglip_tokenizer(const char *directory) {
    static const char *const special[] = {"<pad>", "<eos>", "<bos>", "<unk>"};
    FILE *file = create(directory, "tokenizer.json"),
         *own = create(directory, "tokenizer_config.json");
    if (!file || !own) {
        if (file) (void)fclose(file);
        if (own) (void)fclose(own);
        return 0;
    }
    unsigned id = 0;
    (void)fprintf(file, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, "
                        "\"added_tokens\": [");
    for (unsigned i = 0; i < 4; i++) {
        (void)fprintf(file,
                      "%s{\"id\": %u, \"content\": \"%s\", \"single_word\": false, "
                      "\"lstrip\": false, \"rstrip\": false, \"normalized\": false, "
                      "\"special\": true}",
                      i ? ", " : "", i, special[i]);
    }
    (void)fprintf(file, "],\n \"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": "
                        "\" \"}, \"content\": \"\\u2581\"},\n \"pre_tokenizer\": null, "
                        "\"post_processor\": null, \"decoder\": null,\n \"model\": {\"type\": "
                        "\"BPE\", \"dropout\": null, \"unk_token\": \"<unk>\", \"fuse_unk\": true, "
                        "\"byte_fallback\": true, \"vocab\": {");
    for (; id < 4; id++)
        (void)fprintf(file, "\"%s\": %u, ", special[id], id);
    for (unsigned b = 0; b < 256; b++, id++)
        (void)fprintf(file, "\"<0x%02X>\": %u, ", b, id);
    for (unsigned c = 'a'; c <= 'z'; c++, id++)
        (void)fprintf(file, "\"%c\": %u, ", (int)c, id);
    (void)fprintf(file,
                  "\"\\u2581\": %u, \"\\u2581a\": %u}, \"merges\": [[\"\\u2581\", \"a\"]]}}\n", id,
                  id + 1);
    (void)fprintf(own, "{\"tokenizer_class\": \"GemmaTokenizer\", \"add_bos_token\": false, "
                       "\"add_eos_token\": true, \"do_lower_case\": true, \"pad_token\": "
                       "\"<pad>\", \"eos_token\": \"<eos>\"}\n");
    return close_both(file, own);
}

static int write_config(const random_model *m, const char *directory) {
    FILE *config = create(directory, "config.json"),
         *pictures = create(directory, "preprocessor_config.json");
    if (!config || !pictures) {
        if (config) (void)fclose(config);
        if (pictures) (void)fclose(pictures);
        return 0;
    }
    char projection[64], end[64];
    size_t grid = m->image_size / m->patch;
    (void)snprintf(projection, sizeof projection, "\"projection_dim\": %zu,", m->embedding);
    (void)snprintf(end, sizeof end,
                   m->siglip ? "\"projection_size\": %zu" : "\"eos_token_id\": %zu",
                   m->siglip ? m->embedding : m->vocabulary - 1);
    (void)fprintf(config,
                  "{\"model_type\": \"%s\", %s\n"
                  " \"text_config\": {\"hidden_size\": %zu, \"intermediate_size\": %zu, "
                  "\"num_hidden_layers\": %zu, \"num_attention_heads\": %zu, "
                  "\"max_position_embeddings\": %zu, \"vocab_size\": %zu, %s, "
                  "\"hidden_act\": \"%s\"},\n"
                  " \"vision_config\": {\"hidden_size\": %zu, \"intermediate_size\": %zu, "
                  "\"num_hidden_layers\": %zu, \"num_attention_heads\": %zu, \"%s\": %zu, "
                  "\"patch_size\": %zu, \"hidden_act\": \"%s\"}}\n",
                  m->max_patches ? "siglip2"
                  : m->siglip    ? "siglip"
                                 : "clip",
                  m->siglip ? "" : projection, m->text_width, m->text_mlp, m->text_layers,
                  m->text_heads, m->context, m->vocabulary, end, m->activation, m->vision_width,
                  m->vision_mlp, m->vision_layers, m->vision_heads,
                  m->max_patches ? "num_patches" : "image_size",
                  m->max_patches ? grid * grid : m->image_size, m->patch, m->activation);
    if (m->max_patches) {
        (void)fprintf(pictures,
                      "{\"image_processor_type\": \"Siglip2ImageProcessor\", \"patch_size\": "
                      "%zu, \"max_num_patches\": %zu, \"resample\": 2}\n",
                      m->patch, m->max_patches);
    } else if (m->siglip) {
        (void)fprintf(pictures,
                      "{\"image_processor_type\": \"SiglipImageProcessor\", \"size\": "
                      "{\"height\": %zu, \"width\": %zu}, \"resample\": 2}\n",
                      m->image_size, m->image_size);
    } else {
        (void)fprintf(pictures, "{\"size\": {\"shortest_edge\": %zu}, \"crop_size\": %zu}\n",
                      m->image_size, m->image_size);
    }
    return close_both(config, pictures);
}

static int write_weights(writer *w, const random_model *m, const char *directory) {
    char path[1200];
    if (m->shards <= 1) {
        (void)snprintf(path, sizeof path, "%s/model.safetensors", directory);
        return write_shard(w, path, 0, 1, m->dtype);
    }
    FILE *index = create(directory, "model.safetensors.index.json");
    if (!index) return 0;
    (void)fprintf(index, "{\"metadata\": {}, \"weight_map\": {");
    for (size_t i = 0; i < w->count; i++) {
        (void)fprintf(index, "%s\"%s\": \"model-%zu.safetensors\"", i ? ", " : "",
                      w->tensors[i].name, i % m->shards);
    }
    (void)fprintf(index, "}}\n");
    int good = fclose(index) == 0;
    for (size_t s = 0; s < m->shards && good; s++) {
        (void)snprintf(path, sizeof path, "%s/model-%zu.safetensors", directory, s);
        good = write_shard(w, path, s, m->shards, m->dtype);
    }
    return good;
}

int random_model_write(const random_model *model, const char *directory) {
    writer *w = calloc(1, sizeof *w);
    if (!w) return 0;
    w->state = model->seed;
    plan(w, model);
    (void)mkdir(directory, 0777);
    int good =
        write_config(model, directory) &&
        (model->siglip ? write_siglip_tokenizer(directory) : write_tokenizer(model, directory)) &&
        write_weights(w, model, directory);
    if (!good) (void)fprintf(stderr, "%s: cannot write the random model\n", directory);
    free(w);
    return good;
}

/*
 * For models of other classes (random_blip.c).
 */
struct random_writer {
    writer tensors;
};

random_writer *random_writer_create(uint64_t seed) {
    random_writer *w = calloc(1, sizeof *w);
    if (w) w->tensors.state = seed;
    return w;
}

void random_writer_add(random_writer *w, const char *name, size_t rank, const size_t *dims,
                       float scale, float centre) {
    size_t d[4] = {0};
    for (size_t i = 0; i < rank; i++)
        d[i] = dims[i];
    add(&w->tensors, name, rank, d[0], d[1], d[2], d[3], scale, centre);
}

void random_writer_pair(random_writer *w, const char *stem, const char *name, size_t out, size_t in,
                        float scale) {
    add_pair(&w->tensors, stem, name, out, in, scale);
}

void random_writer_norm(random_writer *w, const char *stem, const char *name, size_t width) {
    add_norm(&w->tensors, stem, name, width);
}

int random_writer_finish(random_writer *w, const char *directory, const char *dtype,
                         size_t shards) {
    random_model how = {.dtype = dtype, .shards = shards};
    int good = write_weights(&w->tensors, &how, directory);
    free(w);
    return good;
}
