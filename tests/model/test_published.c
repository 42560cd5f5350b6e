/*
 * test_published.c - every model of the table loads: a directory is made with the configuration
 * that data/models/catalog.json has of it, the sizes of towers scaled down, random weights under
 * the published names and a small tokenizer of its kind; then a picture and a text are embedded.
 *
 * Pictures keep their size, patches theirs, texts their length, heads and MLPs a proportion.
 */
#include "model/config.h"
#include "model_facts.h"
#include "support/json.h"
#include "support/pictures.h"
#include "support/random_blip.h"
#include "support/random_mobileclip.h"
#include "support/random_model.h"
#include "support/random_resnet.h"
#include "support/random_timm.h"
#include "support/temporary.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/model.h>

#include <math.h>

enum { LAYERS = 2, HEADS = 2, HEAD = 8, WIDTH = HEADS * HEAD, EMBEDDING = 24, BERT_HEAD = 64 };

static json_t *catalog;
static const char *name; /* of the entry at hand */
static char directory[1200];

static int load_catalog(void **state) {
    json_error_t error;
    catalog = json_load_file(source_path("data/models/catalog.json"), 0, &error);
    return catalog ? make_directory(state) : -1;
}

static int free_catalog(void **state) {
    json_decref(catalog);
    return remove_directory(state);
}

/*
 * Reading and changing configurations.
 */
static json_t *member(const json_t *object, const char *key) {
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(member(object, key));
    return text ? text : "";
}

static size_t size_of(const json_t *object, const char *key, size_t fallback) {
    const json_t *value = member(object, key);
    return value ? (size_t)json_integer_value(value) : fallback;
}

static void set(json_t *object, const char *key, size_t value) {
    assert_int_equal(json_object_set_new(object, key, json_integer((json_int_t)value)), 0);
}

static int has_file(const json_t *entry, const char *file) {
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(entry, "files"), i, item) {
        if (strcmp(json_string_value(item), file) == 0) return 1;
    }
    return 0;
}

/*
 * Scaling down.
 */
static void scale_hf_tower(json_t *tower) {
    size_t width = size_of(tower, "hidden_size", 0), mlp = size_of(tower, "intermediate_size", 0);
    if (width == 0 || mlp == 0) fail_msg("%s: a tower without sizes", name);
    set(tower, "hidden_size", WIDTH);
    set(tower, "intermediate_size", WIDTH * mlp / width);
    set(tower, "num_attention_heads", HEADS);
    set(tower, "num_hidden_layers", LAYERS);
}

static void scale_hf(json_t *root, size_t vocabulary) {
    json_t *text = json_object_get(root, "text_config");
    scale_hf_tower(text);
    scale_hf_tower(json_object_get(root, "vision_config"));
    set(text, "vocab_size", vocabulary);
    if (member(text, "projection_size")) set(text, "projection_size", WIDTH);
    if (member(root, "projection_dim")) set(root, "projection_dim", EMBEDDING);
}

static int is_siglip_tower(const json_t *vision) {
    return strstr(text_of(vision, "timm_model_name"), "siglip") != NULL;
}

static random_timm timm_of(const json_t *vision, size_t embedding) {
    random_timm m = random_timm_tiny(text_of(vision, "timm_model_name"));
    m.image_size = m.patch = m.reference = 0; /* those of the name */
    m.embedding = embedding;
    return m;
}

static int is_fastvit(const json_t *vision) {
    return strncmp(text_of(vision, "timm_model_name"), "fastvit", 7) == 0;
}

static random_mobileclip fastvit_of(const json_t *vision) {
    const char *tower = text_of(vision, "timm_model_name");
    const char last = tower[strlen(tower) - 1];
    random_mobileclip m = last >= '3' ? random_mobileclip_s3() : random_mobileclip_s0();
    m.name = tower;
    m.stem_scale = last < '3';
    m.folded = 0;
    for (size_t i = 0; i < m.stages; i++) {
        m.layers[i] = 1;
        m.widths[i] = (size_t)8 << i;
    }
    return m;
}

static json_t *numbers(const size_t *values, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

static void scale_image_tower(json_t *vision) {
    json_t *layers = json_object_get(vision, "layers");
    if (is_fastvit(vision)) {
        const random_mobileclip m = fastvit_of(vision);
        json_object_set_new(vision, "timm_model_kwargs",
                            json_pack("{s:o, s:o}", "layers", numbers(m.layers, m.stages),
                                      "embed_dims", numbers(m.widths, m.stages)));
    } else if (member(vision, "timm_model_name")) {
        const random_timm m = timm_of(vision, EMBEDDING);
        json_t *kwargs = json_object();
        set(kwargs, "embed_dim", m.width);
        set(kwargs, "depth", m.layers);
        set(kwargs, "num_heads", m.heads);
        if (m.pool_heads) set(kwargs, "attn_pool_num_heads", m.pool_heads);
        json_object_set_new(vision, "timm_model_kwargs", kwargs);
    } else if (json_is_array(layers)) {
        for (size_t i = 0; i < json_array_size(layers); i++)
            json_array_set_new(layers, i, json_integer(1));
        set(vision, "width", size_of(vision, "width", 0) / 8);
    } else {
        set(vision, "width", WIDTH);
        set(vision, "head_width", HEAD);
        set(vision, "layers", LAYERS);
    }
}

static void scale_hf_text(json_t *text, size_t vocabulary) {
    const int bert = strstr(text_of(text, "hf_model_name"), "xlm") != NULL;
    json_object_set_new(text, "hf_model_config",
                        json_pack("{s:i, s:i, s:i, s:i, s:i}", bert ? "hidden_size" : "d_model",
                                  WIDTH, bert ? "num_hidden_layers" : "encoder_layers", LAYERS,
                                  bert ? "num_attention_heads" : "encoder_attention_heads", HEADS,
                                  bert ? "intermediate_size" : "encoder_ffn_dim", 4 * WIDTH,
                                  "vocab_size", (int)vocabulary));
}

static void scale_open_clip(json_t *root, size_t vocabulary) {
    json_t *model = json_object_get(root, "model_cfg");
    json_t *vision = json_object_get(model, "vision_cfg"),
           *text = json_object_get(model, "text_cfg");
    set(model, "embed_dim", is_siglip_tower(vision) ? random_timm_tiny("siglip").width : EMBEDDING);
    scale_image_tower(vision);
    if (member(text, "hf_model_name")) {
        scale_hf_text(text, vocabulary);
    } else {
        set(text, "width", WIDTH);
        set(text, "heads", HEADS);
        set(text, "layers", LAYERS);
        set(text, "vocab_size", vocabulary);
    }
}

static void scale_m_clip(json_t *root) {
    set(root, "numDims", EMBEDDING);
    set(root, "transformerDimensions", BERT_HEAD);
}

static void scale_apple(json_t *root, size_t vocabulary) {
    json_t *text = json_object_get(root, "text_cfg");
    set(root, "embed_dim", EMBEDDING);
    set(text, "dim", WIDTH);
    set(text, "n_heads_per_layer", HEADS);
    set(text, "n_transformer_layers", LAYERS);
    set(text, "vocab_size", vocabulary);
}

/*
 * Weights, under the names that the classes give them.
 */
static void add(random_writer *w, const char *stem, const char *tensor, size_t rank, size_t a,
                size_t b, size_t c, size_t d, float scale, float centre) {
    const size_t dims[4] = {a, b, c, d};
    char full[160];
    (void)snprintf(full, sizeof full, "%.90s%.60s", stem, tensor);
    random_writer_add(w, full, rank, dims, scale, centre);
}

static const float around = 0.25f; /* 1 / sqrt(WIDTH) */

/* Blocks of openai/CLIP, pictures' and texts'. */
static void add_resblocks(random_writer *w, const char *prefix, size_t mlp) {
    for (size_t i = 0; i < LAYERS; i++) {
        char stem[96];
        (void)snprintf(stem, sizeof stem, "%stransformer.resblocks.%zu.", prefix, i);
        random_writer_norm(w, stem, "ln_1", WIDTH);
        add(w, stem, "attn.in_proj_weight", 2, 3 * WIDTH, WIDTH, 0, 0, around, 0);
        add(w, stem, "attn.in_proj_bias", 1, 3 * WIDTH, 0, 0, 0, 0.1f, 0);
        random_writer_pair(w, stem, "attn.out_proj", WIDTH, WIDTH, around);
        random_writer_norm(w, stem, "ln_2", WIDTH);
        random_writer_pair(w, stem, "mlp.c_fc", mlp, WIDTH, around);
        random_writer_pair(w, stem, "mlp.c_proj", WIDTH, mlp, around);
    }
}

static void add_open_clip_vit(random_writer *w, const json_t *vision) {
    const size_t patch = size_of(vision, "patch_size", 16);
    const size_t grid = size_of(vision, "image_size", 224) / patch;
    const double ratio =
        member(vision, "mlp_ratio") ? json_number_value(json_object_get(vision, "mlp_ratio")) : 4.0;
    add(w, "", "visual.conv1.weight", 4, WIDTH, 3, patch, patch, 0.05f, 0);
    add(w, "", "visual.class_embedding", 1, WIDTH, 0, 0, 0, 0.3f, 0);
    add(w, "", "visual.positional_embedding", 2, grid * grid + 1, WIDTH, 0, 0, 0.2f, 0);
    random_writer_norm(w, "visual.", "ln_pre", WIDTH);
    add_resblocks(w, "visual.", (size_t)(WIDTH * ratio));
    random_writer_norm(w, "visual.", "ln_post", WIDTH);
    add(w, "", "visual.proj", 2, WIDTH, EMBEDDING, 0, 0, around, 0);
}

static void add_native_text(random_writer *w, const char *prefix, const json_t *text,
                            size_t vocabulary) {
    add(w, prefix, "token_embedding.weight", 2, vocabulary, WIDTH, 0, 0, 0.2f, 0);
    add(w, prefix, "positional_embedding", 2, size_of(text, "context_length", 77), WIDTH, 0, 0,
        0.2f, 0);
    add_resblocks(w, prefix, 4 * WIDTH);
    random_writer_norm(w, prefix, "ln_final", WIDTH);
    add(w, prefix, "text_projection", 2, WIDTH, EMBEDDING, 0, 0, around, 0);
}

static void add_bert(random_writer *w, const char *prefix, size_t vocabulary, size_t positions,
                     size_t types, size_t width, size_t mlp) {
    char stem[96];
    (void)snprintf(stem, sizeof stem, "%sembeddings.", prefix);
    add(w, stem, "word_embeddings.weight", 2, vocabulary, width, 0, 0, 0.5f, 0);
    add(w, stem, "position_embeddings.weight", 2, positions, width, 0, 0, 0.2f, 0);
    add(w, stem, "token_type_embeddings.weight", 2, types, width, 0, 0, 0.2f, 0);
    random_writer_norm(w, stem, "LayerNorm", width);
    for (size_t i = 0; i < LAYERS; i++) {
        static const char *const parts[] = {"self.query", "self.key", "self.value", "output.dense"};
        (void)snprintf(stem, sizeof stem, "%sencoder.layer.%zu.", prefix, i);
        for (size_t p = 0; p < 4; p++) {
            char part[48];
            (void)snprintf(part, sizeof part, "attention.%s", parts[p]);
            random_writer_pair(w, stem, part, width, width, around);
        }
        random_writer_norm(w, stem, "attention.output.LayerNorm", width);
        random_writer_pair(w, stem, "intermediate.dense", mlp, width, around);
        random_writer_pair(w, stem, "output.dense", width, mlp, around);
        random_writer_norm(w, stem, "output.LayerNorm", width);
    }
}

static void add_nllb(random_writer *w, size_t vocabulary) {
    add(w, "text.transformer.", "embed_tokens.weight", 2, vocabulary, WIDTH, 0, 0, 0.2f, 0);
    for (size_t i = 0; i < LAYERS; i++) {
        static const char *const parts[] = {"self_attn.q_proj", "self_attn.k_proj",
                                            "self_attn.v_proj", "self_attn.out_proj"};
        char stem[96];
        (void)snprintf(stem, sizeof stem, "text.transformer.layers.%zu.", i);
        random_writer_norm(w, stem, "self_attn_layer_norm", WIDTH);
        for (size_t p = 0; p < 4; p++)
            random_writer_pair(w, stem, parts[p], WIDTH, WIDTH, around);
        random_writer_norm(w, stem, "final_layer_norm", WIDTH);
        random_writer_pair(w, stem, "fc1", 4 * WIDTH, WIDTH, around);
        random_writer_pair(w, stem, "fc2", WIDTH, 4 * WIDTH, around);
    }
    random_writer_norm(w, "text.transformer.", "layer_norm", WIDTH);
}

static void add_hf_vision(random_writer *w, const json_t *vision) {
    const size_t patch = size_of(vision, "patch_size", 0);
    const size_t grid = size_of(vision, "image_size", 0) / patch;
    const size_t mlp = size_of(vision, "intermediate_size", 0);
    add(w, "vision_model.", "embeddings.class_embedding", 1, WIDTH, 0, 0, 0, 0.3f, 0);
    add(w, "vision_model.", "embeddings.patch_embedding.weight", 4, WIDTH, 3, patch, patch, 0.05f,
        0);
    add(w, "vision_model.", "embeddings.position_embedding.weight", 2, grid * grid + 1, WIDTH, 0, 0,
        0.2f, 0);
    random_writer_norm(w, "vision_model.", "pre_layrnorm", WIDTH);
    for (size_t i = 0; i < LAYERS; i++) {
        static const char *const parts[] = {"self_attn.q_proj", "self_attn.k_proj",
                                            "self_attn.v_proj", "self_attn.out_proj"};
        char stem[96];
        (void)snprintf(stem, sizeof stem, "vision_model.encoder.layers.%zu.", i);
        random_writer_norm(w, stem, "layer_norm1", WIDTH);
        for (size_t p = 0; p < 4; p++)
            random_writer_pair(w, stem, parts[p], WIDTH, WIDTH, around);
        random_writer_norm(w, stem, "layer_norm2", WIDTH);
        random_writer_pair(w, stem, "mlp.fc1", mlp, WIDTH, around);
        random_writer_pair(w, stem, "mlp.fc2", WIDTH, mlp, around);
    }
    random_writer_norm(w, "vision_model.", "post_layernorm", WIDTH);
    add(w, "", "visual_projection.weight", 2, EMBEDDING, WIDTH, 0, 0, around, 0);
}

/* `in` gets them as `file`. */
static void finish(random_writer *w, const char *in, const char *file) {
    assert_true(random_writer_finish(w, in, "F32", 1));
    if (strcmp(file, "model.safetensors") != 0) {
        char from[1300], to[1300];
        (void)snprintf(from, sizeof from, "%s/model.safetensors", in);
        (void)snprintf(to, sizeof to, "%s/%s", in, file);
        assert_int_equal(rename(from, to), 0);
    }
}

static random_writer *begin(void) {
    random_writer *w = random_writer_create(11);
    assert_non_null(w);
    add(w, "", "logit_scale", 0, 0, 0, 0, 0, 0, 4.6052f);
    return w;
}

/* A whole model of a maker, of which the weights stay. */
static void keep_weights(const char *in, const char *file) {
    static const char *const others[] = {
        "config.json",    "preprocessor_config.json", "vocab.json",           "merges.txt",
        "tokenizer.json", "tokenizer_config.json",    "open_clip_config.json"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[1300];
        (void)snprintf(path, sizeof path, "%s/%s", in, others[i]);
        if (path_exists(path)) assert_int_equal(unlink(path), 0);
    }
    if (strcmp(file, "open_clip_model.safetensors") == 0) return;
    char path[1300];
    (void)snprintf(path, sizeof path, "%s/%s", in, file);
    assert_true(path_exists(path));
}

static void write_hf_weights(const json_t *root, const char *in) {
    const json_t *text = json_object_get(root, "text_config"),
                 *vision = json_object_get(root, "vision_config");
    if (strcmp(text_of(root, "model_type"), "chinese_clip") == 0) {
        random_writer *w = begin();
        add_hf_vision(w, vision);
        add_bert(w, "text_model.", size_of(text, "vocab_size", 0),
                 size_of(text, "max_position_embeddings", 0), size_of(text, "type_vocab_size", 0),
                 WIDTH, size_of(text, "intermediate_size", 0));
        add(w, "", "text_projection.weight", 2, EMBEDDING, WIDTH, 0, 0, around, 0);
        finish(w, in, "model.safetensors");
        return;
    }
    /* Of NaFlex, positions are those of a square of 256 patches. */
    const int siglip = strncmp(text_of(root, "model_type"), "siglip", 6) == 0,
              naflex = strcmp(text_of(root, "model_type"), "siglip2") == 0;
    const random_model m = {.image_size = size_of(vision, "image_size", 256),
                            .patch = size_of(vision, "patch_size", 0),
                            .embedding = siglip ? WIDTH : EMBEDDING,
                            .vision_width = WIDTH,
                            .vision_layers = LAYERS,
                            .vision_heads = HEADS,
                            .vision_mlp = size_of(vision, "intermediate_size", 0),
                            .text_width = WIDTH,
                            .text_layers = LAYERS,
                            .text_heads = HEADS,
                            .text_mlp = size_of(text, "intermediate_size", 0),
                            .vocabulary = size_of(text, "vocab_size", 0),
                            .context = size_of(text, "max_position_embeddings", siglip ? 64 : 77),
                            .dtype = "F32",
                            .activation = "gelu",
                            .shards = 1,
                            .seed = 7,
                            .siglip = siglip,
                            .max_patches = naflex ? 256 : 0};
    assert_true(random_model_write(&m, in));
    keep_weights(in, "model.safetensors");
}

static void write_native_timm(const json_t *vision, const json_t *text, size_t vocabulary,
                              const char *in) {
    random_timm m = timm_of(vision, EMBEDDING);
    m.text_width = WIDTH;
    m.text_layers = LAYERS;
    m.text_heads = HEADS;
    m.vocabulary = vocabulary;
    m.context = size_of(text, "context_length", 77);
    assert_true(random_timm_write(&m, in));
    keep_weights(in, "open_clip_model.safetensors");
}

static void write_native_fastvit(const json_t *vision, const json_t *text, size_t vocabulary,
                                 const char *in) {
    random_mobileclip m = fastvit_of(vision);
    m.embedding = EMBEDDING;
    m.text_width = WIDTH;
    m.text_layers = LAYERS;
    m.text_heads = HEADS;
    m.vocabulary = vocabulary;
    m.context = size_of(text, "context_length", 77);
    assert_true(random_mobileclip_write(&m, in));
    keep_weights(in, "open_clip_model.safetensors");
}

static void write_resnet(const json_t *vision, size_t vocabulary, const char *in) {
    const random_resnet m = {.image_size = size_of(vision, "image_size", 0),
                             .width = size_of(vision, "width", 0),
                             .layers = {1, 1, 1, 1},
                             .head_width = 64,
                             .embedding = EMBEDDING,
                             .text_width = WIDTH,
                             .text_layers = LAYERS,
                             .text_heads = HEADS,
                             .vocabulary = vocabulary,
                             .context = 77,
                             .dtype = "F32",
                             .seed = 7};
    assert_true(random_resnet_write(&m, in));
    keep_weights(in, "open_clip_model.safetensors");
}

static void write_open_clip_weights(const json_t *root, size_t vocabulary, const char *in) {
    const json_t *model = json_object_get(root, "model_cfg");
    const json_t *vision = json_object_get(model, "vision_cfg"),
                 *text = json_object_get(model, "text_cfg");
    const int borrowed = member(text, "hf_model_name") != NULL;
    if (is_fastvit(vision)) {
        write_native_fastvit(vision, text, vocabulary, in);
        return;
    }
    if (member(vision, "timm_model_name") && !borrowed) {
        write_native_timm(vision, text, vocabulary, in);
        return;
    }
    if (json_is_array(json_object_get(vision, "layers"))) {
        write_resnet(vision, vocabulary, in);
        return;
    }
    random_writer *w = begin();
    const size_t embedding = size_of(model, "embed_dim", 0);
    if (member(vision, "timm_model_name")) {
        const random_timm m = timm_of(vision, embedding);
        random_timm_add_image_tower(w, &m);
        add(w, "", "logit_bias", 0, 0, 0, 0, 0, 0, -10.0f);
    } else {
        add_open_clip_vit(w, vision);
    }
    if (!borrowed) {
        add_native_text(w, "", text, vocabulary);
    } else if (strstr(text_of(text, "hf_model_name"), "xlm")) {
        add_bert(w, "text.transformer.", vocabulary, 514, 1, WIDTH, 4 * WIDTH);
        add(w, "text.proj.", "0.weight", 2, (WIDTH + embedding) / 2, WIDTH, 0, 0, around, 0);
        add(w, "text.proj.", "2.weight", 2, embedding, (WIDTH + embedding) / 2, 0, 0, around, 0);
    } else {
        add_nllb(w, vocabulary);
        add(w, "text.proj.", "weight", 2, embedding, WIDTH, 0, 0, around, 0);
    }
    finish(w, in, "open_clip_model.safetensors");
}

static void write_m_clip_weights(size_t vocabulary) {
    random_writer *w = random_writer_create(13);
    assert_non_null(w);
    add_bert(w, "transformer.", vocabulary, 514, 1, BERT_HEAD, 4 * BERT_HEAD);
    random_writer_pair(w, "", "transformer.pooler.dense", BERT_HEAD, BERT_HEAD, 0.1f);
    random_writer_pair(w, "", "LinearTransformation", EMBEDDING, BERT_HEAD, 0.1f);
    finish(w, directory, "model.safetensors");
}

/*
 * MobileCLIP-S0 as Apple publishes it: names of its own, branches as they were trained.
 */
static void add_batch_norm(random_writer *w, const char *stem, const char *norm, size_t width) {
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    for (size_t i = 0; i < 4; i++) {
        char tensor[96];
        (void)snprintf(tensor, sizeof tensor, "%.60s.%s", norm, parts[i]);
        add(w, stem, tensor, 1, width, 0, 0, 0, 0.1f, i % 3 == 0 ? 1.0f : 0.0f);
    }
}

/* BRANCH.conv and BRANCH.bn; a kernel of `rows` x `side`. */
static void add_branch(random_writer *w, const char *stem, const char *branch, size_t out,
                       size_t in, size_t rows, size_t side) {
    char tensor[96];
    (void)snprintf(tensor, sizeof tensor, "%s.conv.weight", branch);
    add(w, stem, tensor, 4, out, in, rows, side, 1.0f / sqrtf((float)(in * rows * side)), 0);
    (void)snprintf(tensor, sizeof tensor, "%s.bn", branch);
    add_batch_norm(w, stem, tensor, out);
}

static void add_convolution(random_writer *w, const char *stem, const char *tensor, size_t out,
                            size_t in, size_t side) {
    char full[96];
    (void)snprintf(full, sizeof full, "%s.weight", tensor);
    add(w, stem, full, 4, out, in, side, side, 1.0f / sqrtf((float)(in * side * side)), 0);
    (void)snprintf(full, sizeof full, "%s.bias", tensor);
    add(w, stem, full, 1, out, 0, 0, 0, 0.05f, 0);
}

static void add_gamma(random_writer *w, const char *stem, const char *tensor, size_t width) {
    add(w, stem, tensor, 3, width, 1, 1, 0, 0.05f, 0.3f);
}

/* A token mixer of branches and the convolutional MLP behind it; kernels of `rows` x `side`. */
static void add_mixer(random_writer *w, const char *stem, size_t width, size_t rows, size_t side,
                      int scale) {
    add_branch(w, stem, "token_mixer.mixer.rbr_conv.0", width, 1, rows, side);
    if (scale) add_branch(w, stem, "token_mixer.mixer.rbr_scale", width, 1, 1, 1);
    add_batch_norm(w, stem, "token_mixer.mixer.rbr_skip", width);
    add_batch_norm(w, stem, "token_mixer.norm.rbr_skip", width);
    add_gamma(w, stem, "token_mixer.layer_scale", width);
    add_gamma(w, stem, "layer_scale", width);
}

static void add_mlp(random_writer *w, const char *stem, size_t width, size_t rows, size_t side,
                    size_t ratio) {
    add_branch(w, stem, "convffn.conv", width, 1, rows, side);
    add_convolution(w, stem, "convffn.fc1", ratio * width, width, 1);
    add_convolution(w, stem, "convffn.fc2", width, ratio * width, 1);
}

static void add_apple_pictures(random_writer *w) {
    enum { STAGES = 4, FIRST = 8 };
    static const char root[] = "image_encoder.model.";
    char stem[96];
    size_t width = FIRST;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(stem, sizeof stem, "%spatch_embed.%zu.", root, i);
        add_branch(w, stem, "rbr_conv.0", width,
                   i == 0   ? 3
                   : i == 1 ? 1
                            : width,
                   i < 2 ? 3 : 1, i < 2 ? 3 : 1);
        if (i < 2)
            add_branch(w, stem, "rbr_scale", width, i == 0 ? 3 : 1, 1, 1);
        else
            add_batch_norm(w, stem, "rbr_skip", width);
    }
    for (size_t stage = 0, at = 0; stage < STAGES; stage++) {
        if (stage > 0) {
            width *= 2;
            (void)snprintf(stem, sizeof stem, "%snetwork.%zu.proj.0.", root, at);
            add_branch(w, stem, "lkb_origin", width, 1, 7, 7);
            add_branch(w, stem, "small_conv", width, 1, 3, 3);
            if (stage >= 2) {
                add_convolution(w, stem, "se.fc1", width / 4, width, 1);
                add_convolution(w, stem, "se.fc2", width, width / 4, 1);
            }
            (void)snprintf(stem, sizeof stem, "%snetwork.%zu.proj.1.", root, at++);
            add_branch(w, stem, "rbr_conv.0", width, width, 1, 1);
            add_batch_norm(w, stem, "rbr_skip", width);
        }
        if (stage == STAGES - 1) {
            (void)snprintf(stem, sizeof stem, "%snetwork.%zu.", root, at++);
            add_convolution(w, stem, "pe", width, 1, 7);
        }
        (void)snprintf(stem, sizeof stem, "%snetwork.%zu.0.", root, at++);
        if (stage < STAGES - 1) {
            add_mixer(w, stem, width, 3, 3, 1);
        } else {
            add_batch_norm(w, stem, "norm", width);
            add(w, stem, "token_mixer.qkv.weight", 2, 3 * width, width, 0, 0, 0.1f, 0);
            random_writer_pair(w, stem, "token_mixer.proj", width, width, 0.1f);
            add_gamma(w, stem, "layer_scale_1", width);
            add_gamma(w, stem, "layer_scale_2", width);
        }
        add_mlp(w, stem, width, 7, 7, 3);
    }
    (void)snprintf(stem, sizeof stem, "%sconv_exp.", root);
    add_branch(w, stem, "rbr_conv.0", 2 * width, 1, 3, 3);
    add_branch(w, stem, "rbr_scale", 2 * width, 1, 1, 1);
    add_convolution(w, stem, "se.reduce", width / 8, 2 * width, 1);
    add_convolution(w, stem, "se.expand", 2 * width, width / 8, 1);
    add(w, root, "head.proj", 2, 2 * width, EMBEDDING, 0, 0, 0.1f, 0);
}

static void write_apple_weights(const json_t *root, size_t vocabulary) {
    const json_t *text = json_object_get(root, "text_cfg");
    static const char tower[] = "text_encoder.";
    random_writer *w = begin();
    add_apple_pictures(w);
    add(w, tower, "embedding_layer.weight", 2, vocabulary, WIDTH, 0, 0, 0.3f, 0);
    add(w, tower, "positional_embedding.pos_embed.pos_embed", 4, 1, 1,
        size_of(text, "context_length", 0), WIDTH, 0.2f, 0);
    for (size_t i = 0; i < LAYERS + 2; i++) {
        char stem[96];
        (void)snprintf(stem, sizeof stem, "%stransformer.%zu.", tower, i);
        if (i == 0 || i == LAYERS + 1) {
            add_mixer(w, stem, WIDTH, 1, 11, 0);
            add_mlp(w, stem, WIDTH, 1, 11, 4);
            continue;
        }
        random_writer_norm(w, stem, "pre_norm_mha.0", WIDTH);
        random_writer_pair(w, stem, "pre_norm_mha.1.qkv_proj", 3 * WIDTH, WIDTH, around);
        random_writer_pair(w, stem, "pre_norm_mha.1.out_proj", WIDTH, WIDTH, around);
        random_writer_norm(w, stem, "pre_norm_ffn.0", WIDTH);
        random_writer_pair(w, stem, "pre_norm_ffn.1", 4 * WIDTH, WIDTH, around);
        random_writer_pair(w, stem, "pre_norm_ffn.4", WIDTH, 4 * WIDTH, around);
    }
    random_writer_norm(w, tower, "final_layer_norm", WIDTH);
    add(w, tower, "projection_layer", 2, WIDTH, EMBEDDING, 0, 0, around, 0);
    finish(w, directory, "model.safetensors");
}

/*
 * A directory of a model.
 */
static const char *below(const char *file) {
    return path_in(directory, file);
}

static void copy_fixture(const char *from, const char *to) {
    char relative[256];
    (void)snprintf(relative, sizeof relative, "tests/text/fixtures/%s", from);
    copy_file(source_path(relative), below(to));
}

/* As the repository has them, where the kind of file says it, else as the family has them. */
static void write_tokenizer(const json_t *entry) {
    const char *family = text_of(entry, "family");
    const int nllb = strcmp(family, "NLLB-CLIP") == 0;
    char from[128];
    if (has_file(entry, "vocab.json") || json_object_get(entry, "parts")) {
        /* MobileCLIP-S0's comes from another repository. */
        if (strcmp(family, "M-CLIP") != 0) {
            copy_fixture("vocab.json", "vocab.json");
            copy_fixture("merges.txt", "merges.txt");
            return;
        }
    }
    if (has_file(entry, "spiece.model")) {
        copy_fixture("siglip/spiece.model", "spiece.model");
        copy_fixture("siglip/tokenizer_config.json", "tokenizer_config.json");
    } else if (has_file(entry, "sentencepiece.bpe.model")) {
        (void)snprintf(from, sizeof from, "%s/sentencepiece.bpe.model", nllb ? "nllb" : "xlmr");
        copy_fixture(from, "sentencepiece.bpe.model");
        (void)snprintf(from, sizeof from, "%s/tokenizer_config.json", nllb ? "nllb" : "xlmr");
        copy_fixture(from, "tokenizer_config.json");
    } else if (has_file(entry, "vocab.txt")) {
        copy_fixture("wordpiece/vocab.txt", "vocab.txt");
    } else if (strncmp(family, "SigLIP 2", 8) == 0) {
        copy_fixture("gemma/tokenizer.json", "tokenizer.json");
    } else if (has_file(entry, "tokenizer.json")) {
        copy_fixture("xlmr/json/tokenizer.json", "tokenizer.json");
    } else {
        fail_msg("%s: no tokenizer among its files", name);
    }
}

static void write_configurations(const json_t *configurations) {
    const char *file;
    json_t *content;
    json_object_foreach((json_t *)configurations, file, content) {
        make_parents(below(file));
        char *text = json_dumps(content, JSON_INDENT(1));
        assert_non_null(text);
        write_text(below(file), text);
        free(text);
    }
}

static size_t vocabulary_of(const json_t *entry) {
    glimpse_tokenizer *tokenizer = NULL;
    write_tokenizer(entry);
    if (glimpse_tokenizer_load(&tokenizer, directory, GLIMPSE_TOKENIZER_AUTO) < 0)
        fail_msg("%s: %s", name, glimpse_last_error());
    size_t size = glimpse_tokenizer_vocab_size(tokenizer);
    glimpse_tokenizer_free(tokenizer);
    return size;
}

static json_t *begin_directory(const json_t *entry) {
    name = text_of(entry, "name");
    (void)snprintf(directory, sizeof directory, "%s/%s", temp_directory, name);
    make_parents(below("x"));
    json_t *configurations = json_deep_copy(json_object_get(entry, "configuration"));
    if (json_object_size(configurations) == 0) fail_msg("%s has no configuration", name);
    return configurations;
}

static void write_model(const json_t *entry, json_t *configurations) {
    write_configurations(configurations);
    const size_t vocabulary = vocabulary_of(entry);
    json_t *hf = json_object_get(configurations, "config.json"),
           *open_clip = json_object_get(configurations, "open_clip_config.json"),
           *apple = json_object_get(configurations, "mobileclip_s0.json");
    const int m_clip = strcmp(text_of(hf, "model_type"), "M-CLIP") == 0;
    if (m_clip) {
        json_t *image = json_object_get(configurations, "image/config.json"),
               *other = json_object_get(configurations, "image/open_clip_config.json");
        char in[1250];
        (void)snprintf(in, sizeof in, "%s/image", directory);
        scale_m_clip(hf);
        write_m_clip_weights(vocabulary);
        if (image) {
            scale_hf(image, 514);
            write_hf_weights(image, in);
        } else {
            scale_open_clip(other, 514);
            write_open_clip_weights(other, 514, in);
        }
    } else if (hf) {
        scale_hf(hf, vocabulary);
        write_hf_weights(hf, directory);
    } else if (open_clip) {
        scale_open_clip(open_clip, vocabulary);
        write_open_clip_weights(open_clip, vocabulary, directory);
    } else if (apple) {
        scale_apple(apple, vocabulary);
        write_apple_weights(apple, vocabulary);
    }
    /* Makers bring tokenizers and configurations of their own. */
    write_configurations(configurations);
    write_tokenizer(entry);
}

/*
 * What is expected, as the configuration says it.
 */
static size_t expected_context(const json_t *configurations) {
    const json_t *hf = json_object_get(configurations, "config.json"),
                 *text = json_object_get(hf, "text_config");
    const char *type = text_of(hf, "model_type");
    if (strcmp(type, "M-CLIP") == 0) return 512;
    if (strcmp(type, "chinese_clip") == 0) return 52;
    if (hf) return size_of(text, "max_position_embeddings", strncmp(type, "siglip", 6) ? 77 : 64);
    const json_t *model =
        json_object_get(json_object_get(configurations, "open_clip_config.json"), "model_cfg");
    return size_of(json_object_get(model, "text_cfg"), "context_length", 77);
}

static const json_t *pictures_of(const json_t *configurations, const char *where) {
    char file[64];
    (void)snprintf(file, sizeof file, "%sopen_clip_config.json", where);
    const json_t *own = json_object_get(configurations, file);
    if (own) return json_object_get(own, "preprocess_cfg");
    (void)snprintf(file, sizeof file, "%spreprocessor_config.json", where);
    return json_object_get(configurations, file);
}

static void check_pictures(const glimpse_preprocess *rules, const json_t *entry,
                           const json_t *configurations) {
    const char *where = strcmp(text_of(entry, "family"), "M-CLIP") == 0 ? "image/" : "";
    const json_t *own = pictures_of(configurations, where);
    if (!own) { /* Apple's configuration does not say them: its program's */
        assert_int_equal(rules->width, size_of(entry, "resolution", 0));
        assert_int_equal(rules->resample, GLIMPSE_RESAMPLE_BILINEAR);
        assert_float_equal(rules->mean[0], 0.0, 0.0);
        assert_float_equal(rules->std[0], 1.0, 0.0);
        return;
    }
    const json_t *mean = json_object_get(own, "mean") ? json_object_get(own, "mean")
                                                      : json_object_get(own, "image_mean");
    const int bilinear =
        strcmp(text_of(own, "interpolation"), "bilinear") == 0 || size_of(own, "resample", 3) == 2;
    const int squash = strcmp(text_of(own, "resize_mode"), "squash") == 0 ||
                       member(json_object_get(own, "size"), "height") != NULL;
    assert_int_equal(rules->width, size_of(entry, "resolution", 0));
    assert_int_equal(rules->height, rules->width);
    assert_int_equal(rules->resample,
                     bilinear ? GLIMPSE_RESAMPLE_BILINEAR : GLIMPSE_RESAMPLE_BICUBIC);
    const glimpse_resize_rule resize = member(own, "max_num_patches") ? GLIMPSE_RESIZE_PATCHES
                                       : squash                       ? GLIMPSE_RESIZE_EXACT
                                                                      : GLIMPSE_RESIZE_SHORTEST;
    assert_int_equal(rules->resize, resize);
    for (size_t i = 0; i < 3; i++) {
        assert_float_equal(rules->mean[i], json_number_value(json_array_get(mean, i)), 1e-6);
    }
}

static void check_length(const float *embedding, size_t count, const char *what) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)embedding[i] * (double)embedding[i];
    if (!(fabs(sum - 1.0) < 1e-4)) fail_msg("%s: %s have length %g", name, what, sqrt(sum));
}

static void check_encoder(const json_t *entry, const json_t *configurations) {
    enum { MAX = 64 };
    float pictures[2][MAX], texts[2][MAX];
    static const char *const words[] = {"a red kite", "bb"};
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.precision = GLIMPSE_PRECISION_F32;
    options.flags = GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    if (glimpse_model_open(&model, directory, &options) < 0)
        fail_msg("%s: %s", name, glimpse_last_error());
    const size_t size = glimpse_model_embedding_size(model);
    const json_t *model_cfg =
        json_object_get(json_object_get(configurations, "open_clip_config.json"), "model_cfg");
    const int siglip = strstr(text_of(entry, "family"), "SigLIP") != NULL;
    assert_int_equal(size, size_of(model_cfg, "embed_dim", siglip ? WIDTH : EMBEDDING));
    assert_int_equal(glimpse_model_context_length(model), expected_context(configurations));
    check_pictures(glimpse_model_preprocess(model), entry, configurations);
    assert_true(size <= MAX);
    assert_ok(glimpse_encoder_create(&encoder, model, 1));
    for (unsigned i = 0; i < 2; i++) {
        write_picture(in_directory("picture.ppm"), 80, 60, i + 1);
        assert_ok(glimpse_encoder_file(pictures[i], encoder, in_directory("picture.ppm"), 0));
        assert_ok(glimpse_encoder_texts(texts[i], NULL, encoder, &words[i], 1, 0));
        check_length(pictures[i], size, "pictures");
        check_length(texts[i], size, "texts");
    }
    if (memcmp(pictures[0], pictures[1], size * sizeof(float)) == 0 ||
        memcmp(texts[0], texts[1], size * sizeof(float)) == 0)
        fail_msg("%s embeds different things as one", name);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

/* What `glimpse models` says of it. A tiny vocabulary does not tell SigLIP 2 from SigLIP. */
static void check_facts(const json_t *entry) {
    static const char *const own[] = {"SigLIP",     "MetaCLIP 2",     "XLM-R CLIP",  "NLLB-CLIP",
                                      "EVA02-CLIP", "Chinese-CLIP",   "CLIP ResNet", "PE-Core",
                                      "MobileCLIP", "SigLIP 2 NaFlex"};
    const char *family = text_of(entry, "family"), *wanted = "CLIP";
    session_model_facts facts;
    assert_ok(glimpse_session_read_facts(&facts, directory));
    if (facts.problem[0]) fail_msg("%s: %s", name, facts.problem);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strncmp(family, own[i], strlen(own[i])) == 0) wanted = own[i];
    if (strcmp(family, "M-CLIP") == 0) wanted = family;
    if (strcmp(name, "MobileCLIP2-L-14") == 0) wanted = "CLIP"; /* its image tower is CLIP's */
    assert_string_equal(facts.family, wanted);
    assert_int_equal(facts.resolution, size_of(entry, "resolution", 0));
    assert_true(facts.parameters > 0.0);
}

static int is_for_search(const json_t *entry) {
    return strcmp(text_of(entry, "purpose"), "search") == 0;
}

static void every_model_to_search_with_loads_with_its_published_configuration(void **state) {
    (void)state;
    const json_t *entry;
    size_t i, count = 0;
    json_array_foreach(json_object_get(catalog, "models"), i, entry) {
        if (!is_for_search(entry)) continue;
        json_t *configurations = begin_directory(entry);
        write_model(entry, configurations);
        check_encoder(entry, configurations);
        check_facts(entry);
        json_decref(configurations);
        remove_tree(directory);
        count++;
    }
    assert_true(count > 80);
}

/* At its own sizes, before there are weights. */
static void the_configurations_say_the_sizes_of_the_table(void **state) {
    (void)state;
    const json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(catalog, "models"), i, entry) {
        glimpse_model_config config;
        json_t *configurations = begin_directory(entry);
        const int m_clip = strcmp(text_of(entry, "family"), "M-CLIP") == 0;
        write_configurations(configurations);
        if (is_for_search(entry)) {
            /* M-CLIP's own sizes are those of its weights. */
            const char *at = m_clip ? below("image") : directory;
            if (glimpse_model_config_read(&config, at) < 0)
                fail_msg("%s: %s", name, glimpse_last_error());
            assert_int_equal(config.embedding, size_of(entry, "dimension", 0));
            assert_int_equal(config.image_size, size_of(entry, "resolution", 0));
            if (member(entry, "patch")) assert_int_equal(config.patch, size_of(entry, "patch", 0));
        }
        json_decref(configurations);
        remove_tree(directory);
    }
}

static glimpse_blip_kind blip_kind(const json_t *entry) {
    const char *purpose = text_of(entry, "purpose");
    if (strcmp(purpose, "caption") == 0) return GLIMPSE_BLIP_CAPTION;
    return strcmp(purpose, "match") == 0 ? GLIMPSE_BLIP_MATCH : GLIMPSE_BLIP_ANSWER;
}

static void every_blip_loads_with_its_published_configuration(void **state) {
    (void)state;
    const json_t *entry;
    size_t i, count = 0;
    json_array_foreach(json_object_get(catalog, "models"), i, entry) {
        if (is_for_search(entry)) continue;
        json_t *configurations = begin_directory(entry);
        json_t *root = json_object_get(configurations, "config.json");
        json_t *text = json_object_get(root, "text_config"),
               *vision = json_object_get(root, "vision_config");
        random_blip m = random_blip_tiny(blip_kind(entry));
        scale_hf_tower(vision);
        scale_hf_tower(text);
        m.image_size = size_of(vision, "image_size", 0);
        m.patch = size_of(vision, "patch_size", 0);
        m.vision_width = m.text_width = WIDTH;
        m.vision_layers = m.text_layers = LAYERS;
        m.vision_heads = m.text_heads = HEADS;
        m.vision_mlp = size_of(vision, "intermediate_size", 0);
        m.text_mlp = size_of(text, "intermediate_size", 0);
        m.context = size_of(text, "max_position_embeddings", 0);
        set(text, "vocab_size", m.vocabulary);
        set(text, "bos_token_id", m.vocabulary - 2);
        set(text, "sep_token_id", 3);
        set(root, "image_text_hidden_size", m.joint);
        assert_true(random_blip_write(&m, directory));
        write_configurations(configurations);
        glimpse_blip *blip = NULL;
        if (glimpse_blip_open(&blip, directory, NULL) < 0)
            fail_msg("%s: %s", name, glimpse_last_error());
        assert_int_equal(glimpse_blip_kind_of(blip), m.kind);
        glimpse_blip_close(blip);
        json_decref(configurations);
        remove_tree(directory);
        count++;
    }
    assert_int_equal(count, 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configurations_say_the_sizes_of_the_table),
        cmocka_unit_test(every_model_to_search_with_loads_with_its_published_configuration),
        cmocka_unit_test(every_blip_loads_with_its_published_configuration),
    };
    return cmocka_run_group_tests(tests, load_catalog, free_catalog);
}
