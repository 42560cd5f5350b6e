/*
 * Timm's image towers in OpenCLIP's layout (SigLIP, EVA-CLIP, EVA02-CLIP, PE-Core, CLIP's ViT,
 * MobileCLIP-B) equal recorded models and, with random weights, what their authors write down; and
 * what is not one of them is refused by the key that says so.
 */
#include "family_golden.h"
#include "support/opened_model.h"
#include "support/plain_timm.h"
#include "support/random_timm.h"
#include "support/temporary.h"

#include "model/model_internal.h"
#include "model/timm_names.h"

#include <math.h>

static const char *const names[] = {"siglip2-openclip", "eva02-clip", "eva02-e-clip", "pe-core"};
enum { FAMILIES = sizeof names / sizeof *names };

static void recorded_models_are_matched_in_every_precision(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++)
        family_embeddings_match(names[i]);
}

static void texts_and_picture_files_become_the_recorded_embeddings(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++)
        family_texts_and_pictures_match(names[i]);
}

typedef struct stages {
    const family *f;
    const char *tower; /* "vision" */
    size_t seen;
} stages;

/* Stage 0 is what goes into the blocks, which is not recorded. */
static void check_stage(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    stages *s = user;
    char name[64];
    s->seen++;
    if (stage == 0) return;
    (void)snprintf(name, sizeof name, "%s_block%zu", s->tower, stage - 1);
    family_array expected = load_family_array(s->f, name);
    assert_true(rows <= expected.dims[0]);
    assert_int_equal(width, expected.dims[1]);
    double largest = 0;
    for (size_t i = 0; i < expected.count; i++)
        largest = fmax(largest, fabs((double)expected.data[i]));
    assert_floats_near(x, expected.data, rows * width, 2e-4 * fmax(1.0, largest / 10));
    free(expected.data);
}

static void every_block_leaves_what_is_recorded(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FAMILIES; i++) {
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            family f;
            float embedding[64];
            if (!open_family(&f, names[i], (glimpse_backend)b, GLIMPSE_PRECISION_F32)) continue;
            family_array pixels = load_family_array(&f, "pixel_values");
            family_array ids = load_family_array(&f, "text_ids");
            stages s = {&f, "vision", 0};
            glimpse_encoder_set_trace(f.encoder, check_stage, &s);
            assert_ok(glimpse_encoder_pixels(embedding, f.encoder, pixels.data, 1, 0));
            assert_int_equal(s.seen, f.model->config.vision.layers + 1);
            s = (stages){&f, "text", 0};
            assert_ok(glimpse_encoder_tokens(embedding, f.encoder, (const void *)ids.data, 1, 0));
            assert_int_equal(s.seen, f.model->config.text.layers + 1);
            free(pixels.data), free(ids.data);
            close_family(&f);
        }
    }
}

/* One of each kind, and what its authors say of it beyond the sizes of the tiny one. */
enum { SIDE = 44, STEM_SIDE = 96, PICTURES = 5, MAX_WIDTH_HERE = 32 };

static const struct {
    const char *name;
    plain_timm plain;
} kinds[] = {
    {"vit_base_patch16_siglip_224",
     {.fused = 1, .key_bias = 1, .pool_heads = 4, .pool_mlp = 128, .mlp = 128, .eps = 1e-6}},
    {"vit_base_patch32_siglip_256",
     {.fused = 1,
      .key_bias = 1,
      .pool_heads = 4,
      .pool_mlp = 128,
      .mlp = 128,
      .eps = 1e-6,
      .activation = 1}},
    {"vit_large_patch14_clip_224",
     {.class_token = 1,
      .first_norm = 1,
      .fused = 1,
      .key_bias = 1,
      .mlp = 128,
      .eps = 1e-5,
      .head = 1}},
    {"vit_base_patch32_clip_quickgelu_224",
     {.class_token = 1,
      .first_norm = 1,
      .fused = 1,
      .key_bias = 1,
      .mlp = 128,
      .eps = 1e-5,
      .activation = 2,
      .head = 1}},
    /* 32 * 6144 / 1408 = 139.6 */
    {"eva_giant_patch14_clip_224",
     {.class_token = 1, .fused = 1, .mlp = 139, .eps = 1e-6, .head = 1}},
    /* 32 * 8 / 3 = 85.3; reference grid 2 */
    {"eva02_base_patch16_clip_224",
     {.class_token = 1,
      .sub_norms = 1,
      .gated = 1,
      .rotary = 1,
      .reference = 2,
      .mlp = 85,
      .eps = 1e-6,
      .head = 1}},
    /* 32 * 15360 / 1792 = 274.3 */
    {"eva02_enormous_patch14_clip_224",
     {.class_token = 1, .fused = 1, .post_norm = 1, .mlp = 274, .eps = 1e-6, .head = 1}},
    /* reference: 224 / 16 */
    {"vit_pe_core_base_patch16_224",
     {.class_token = 1,
      .first_norm = 1,
      .fused = 1,
      .key_bias = 1,
      .rotary = 2,
      .reference = 14,
      .offset = 1,
      .pool_heads = 2,
      .pool_mlp = 128,
      .mlp = 128,
      .eps = 1e-5,
      .head = 1}},
    /* 32 * 8960 / 1536 = 186.7 */
    {"vit_pe_core_gigantic_patch14_448",
     {.first_norm = 1,
      .fused = 1,
      .key_bias = 1,
      .rotary = 2,
      .reference = 32,
      .pool_heads = 2,
      .pool_mlp = 128,
      .mlp = 186,
      .eps = 1e-5,
      .head = 1}},
    {"vit_base_mci_224",
     {.class_token = 1, .fused = 1, .key_bias = 1, .stem = 1, .mlp = 128, .eps = 1e-6, .head = 1}},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static float pixels[PICTURES * 3 * STEM_SIDE * STEM_SIDE];

/* Writes the model and leaves PICTURES pictures in `pixels`. */
static plain_timm write_kind_as(size_t index, const char *dtype) {
    random_timm tiny = random_timm_tiny(kinds[index].name);
    plain_timm plain = kinds[index].plain;
    plain.side = plain.stem ? STEM_SIDE : SIDE;
    plain.patch = plain.stem ? 16 : 7;
    plain.width = 32, plain.layers = 2, plain.heads = 4;
    plain.embedding = plain.head ? 24 : 32;
    tiny.dtype = dtype;
    assert_true(random_timm_write(&tiny, temp_directory));
    uint64_t state = 7 + index;
    fill_uniform(pixels, sizeof pixels / sizeof *pixels, &state, -1.5f, 1.5f);
    return plain;
}

static plain_timm write_kind(size_t index) {
    return write_kind_as(index, "F32");
}

static void encode(float *out, const glimpse_model *model, size_t batch, glimpse_trace_fn trace,
                   void *user) {
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_encoder_create(&encoder, model, batch));
    if (trace) glimpse_encoder_set_trace(encoder, trace, user);
    assert_ok(glimpse_encoder_pixels(out, encoder, pixels, PICTURES, 0));
    glimpse_encoder_free(encoder);
}

static void encode_plainly(float *out, const plain_timm *plain) {
    size_t width = plain->embedding, area = 3 * plain->side * plain->side;
    for (size_t i = 0; i < PICTURES; i++) {
        double embedding[MAX_WIDTH_HERE], length = 0;
        plain_timm_encode(embedding, plain, temp_directory, pixels + i * area);
        for (size_t j = 0; j < width; j++)
            length += embedding[j] * embedding[j];
        for (size_t j = 0; j < width; j++)
            out[i * width + j] = (float)(embedding[j] / sqrt(length));
    }
}

static void every_kind_computes_what_its_authors_write_down(void **unused) {
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        plain_timm plain = write_kind(k);
        float want[PICTURES * MAX_WIDTH_HERE], got[PICTURES * MAX_WIDTH_HERE];
        size_t count = PICTURES * plain.embedding;
        encode_plainly(want, &plain);
        for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
            for (int p = GLIMPSE_PRECISION_F32; p <= GLIMPSE_PRECISION_INT8; p++) {
                glimpse_model *model = open_as((glimpse_backend)b, (glimpse_precision)p);
                if (!model) continue;
                encode(got, model, 3, NULL, NULL);
                double min = min_dot(got, want, PICTURES, plain.embedding);
                print_message("%s %s: cosine %.7f\n", kinds[k].name,
                              glimpse_model_backend_name(model), min);
                if (p == GLIMPSE_PRECISION_F32) assert_floats_near(got, want, count, 2e-6);
                assert_true(min > (p == GLIMPSE_PRECISION_F32    ? 0.9999999
                                   : p == GLIMPSE_PRECISION_BF16 ? 0.999
                                                                 : 0.99));
                glimpse_model_close(model);
            }
        }
    }
}

static void weights_of_half_precision_are_read(void **unused) {
    (void)unused;
    static const char *const dtypes[] = {"F16", "BF16"};
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t d = 0; d < 2; d++) {
            plain_timm plain = write_kind_as(k, dtypes[d]);
            float want[PICTURES * MAX_WIDTH_HERE], got[PICTURES * MAX_WIDTH_HERE];
            encode_plainly(want, &plain);
            glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
            encode(got, model, 2, NULL, NULL);
            assert_floats_near(got, want, PICTURES * plain.embedding, 2e-6);
            glimpse_model_close(model);
        }
    }
}

/* What was rounded, quantised or folded once is what a later start has. */
static void prepared_weights_on_disk_change_nothing(void **unused) {
    (void)unused;
    static const char *const large[] = {"eva02_base_patch16_clip_224", "vit_base_mci_224"};
    char *cache = make_temp_directory();
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    (void)unsetenv("GLIMPSE_WEIGHTS_CACHE");
    for (size_t k = 0; k < 2; k++) {
        random_timm m = random_timm_tiny(large[k]);
        m.width = 256, m.layers = 8; /* 6 million weights: worth a file */
        assert_true(random_timm_write(&m, temp_directory));
        for (int p = GLIMPSE_PRECISION_F32; p <= GLIMPSE_PRECISION_INT8; p++) {
            float first[PICTURES * MAX_WIDTH_HERE], second[PICTURES * MAX_WIDTH_HERE];
            glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, (glimpse_precision)p);
            assert_false(model->image_weights.prepared.reading);
            encode(first, model, PICTURES, NULL, NULL);
            glimpse_model_close(model);
            model = open_as(GLIMPSE_BACKEND_OPENBLAS, (glimpse_precision)p);
            assert_true(p == GLIMPSE_PRECISION_F32 || model->image_weights.prepared.reading);
            encode(second, model, PICTURES, NULL, NULL);
            glimpse_model_close(model);
            assert_memory_equal(first, second, PICTURES * m.embedding * sizeof *first);
        }
    }
    (void)unsetenv("XDG_CACHE_HOME");
    remove_tree(cache);
    free(cache);
}

static void embeddings_do_not_depend_on_the_batch(void **unused) {
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        plain_timm plain = write_kind(k);
        float one[PICTURES * MAX_WIDTH_HERE], many[PICTURES * MAX_WIDTH_HERE];
        for (int b = GLIMPSE_BACKEND_OPENBLAS; glimpse_backend_names()[b]; b++) {
            glimpse_model *model = open_as((glimpse_backend)b, GLIMPSE_PRECISION_F32);
            if (!model) continue;
            encode(one, model, 1, NULL, NULL);
            for (size_t batch = 2; batch <= PICTURES; batch++) {
                encode(many, model, batch, NULL, NULL);
                assert_floats_near(many, one, PICTURES * plain.embedding, 2e-6);
            }
            glimpse_model_close(model);
        }
    }
}

static void count_stages(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    (void)stage, (void)x, (void)rows, (void)width;
    ++*(size_t *)user;
}

static void skipping_unpooled_rows_of_the_last_block_changes_nothing(void **unused) {
    (void)unused;
    for (size_t k = 0; k < KINDS; k++) {
        plain_timm plain = write_kind(k);
        float fast[PICTURES * MAX_WIDTH_HERE], full[PICTURES * MAX_WIDTH_HERE];
        size_t seen = 0;
        glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32);
        encode(fast, model, PICTURES, NULL, NULL);
        encode(full, model, PICTURES, count_stages, &seen);
        assert_int_equal(seen, 3);
        assert_floats_near(fast, full, PICTURES * plain.embedding, 2e-6);
        glimpse_model_close(model);
    }
}

static void keep_last(void *user, size_t stage, const float *x, size_t rows, size_t width) {
    (void)stage;
    memcpy(user, x + (rows - 1) * width, width * sizeof *x);
}

/* As in the multilingual SigLIP of So400m. */
static void texts_without_a_projection_are_the_normed_last_place(void **unused) {
    (void)unused;
    random_timm m = random_timm_tiny("vit_so400m_patch16_siglip_256");
    static const char *const text[] = {"a photo of a dog"};
    float last[MAX_WIDTH_HERE], want[MAX_WIDTH_HERE], got[MAX_WIDTH_HERE];
    m.text_width = m.embedding, m.text_heads = 4, m.no_projection = 1;
    assert_true(random_timm_write(&m, temp_directory));
    for (int p = GLIMPSE_PRECISION_F32; p <= GLIMPSE_PRECISION_INT8; p++) {
        glimpse_encoder *encoder = NULL;
        glimpse_model *model = open_as(GLIMPSE_BACKEND_OPENBLAS, (glimpse_precision)p);
        const glimpse_tower *tower = &model->text;
        assert_ok(glimpse_encoder_create(&encoder, model, 1));
        glimpse_encoder_set_trace(encoder, keep_last, last);
        assert_ok(glimpse_encoder_texts(got, NULL, encoder, text, 1, GLIMPSE_ENCODE_RAW));
        glimpse_kernels_plain.layer_norm(want, GLIMPSE_ELEMENT_F32, last, tower->last.gamma,
                                         tower->last.beta, tower->config.eps, 1, m.embedding);
        assert_floats_near(got, want, m.embedding, 2e-6);
        glimpse_encoder_set_trace(encoder, NULL, NULL);
        assert_ok(glimpse_encoder_texts(got, NULL, encoder, text, 1, GLIMPSE_ENCODE_RAW));
        assert_floats_near(got, want, m.embedding, p == GLIMPSE_PRECISION_F32 ? 2e-6 : 1e-3);
        glimpse_encoder_free(encoder);
        glimpse_model_close(model);
    }
}

static void every_name_opens_with_sizes_scaled_down(void **unused) {
    (void)unused;
    size_t count = 0;
    for (const glimpse_timm_model *m = glimpse_timm_all(); m->name; m++, count++) {
        random_timm tiny = random_timm_tiny(m->name);
        glimpse_model *model = NULL;
        glimpse_encoder *encoder = NULL;
        static const char *const text[] = {"a photo of a dog"};
        float x[2 * MAX_WIDTH_HERE];
        assert_true(random_timm_write(&tiny, temp_directory));
        assert_ok(glimpse_model_open(&model, temp_directory, NULL));
        assert_ok(glimpse_encoder_create(&encoder, model, 1));
        assert_ok(glimpse_encoder_pixels(x, encoder, pixels, 1, 0));
        assert_ok(glimpse_encoder_texts(x + MAX_WIDTH_HERE, NULL, encoder, text, 1, 0));
        glimpse_encoder_free(encoder);
        glimpse_model_close(model);
    }
    assert_true(count >= 30);
}

/* "model_cfg" around a vision_cfg and a text_cfg. */
static int read_parts(glimpse_model_config *config, const char *vision, const char *text,
                      size_t embedding) {
    char all[2048];
    (void)snprintf(
        all, sizeof all,
        "{\"model_cfg\": {\"embed_dim\": %zu, \"vision_cfg\": {%s}, \"text_cfg\": {%s}}}",
        embedding, vision, text);
    write_text_in_directory("open_clip_config.json", all);
    return glimpse_model_config_read(config, temp_directory);
}

/* Widths, heads, MLPs and grids of the published models, from their papers. */
static void names_stand_for_the_published_sizes(void **unused) {
    (void)unused;
    static const struct {
        const char *name, *pool, *head;
        size_t embedding, image_size, patch, width, layers, heads, mlp;
        glimpse_activation activation;
    } known[] = {
        {"vit_base_patch16_siglip_224", "map", "\"none\"", 768, 224, 16, 768, 12, 12, 3072,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_base_patch32_siglip_256", "map", "\"none\"", 768, 256, 32, 768, 12, 12, 3072,
         GLIMPSE_ACTIVATION_GELU_TANH},
        {"vit_large_patch16_siglip_384", "map", "\"none\"", 1024, 384, 16, 1024, 24, 16, 4096,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_large_patch16_siglip_512", "map", "\"none\"", 1024, 512, 16, 1024, 24, 16, 4096,
         GLIMPSE_ACTIVATION_GELU_TANH},
        {"vit_so400m_patch14_siglip_384", "map", "\"none\"", 1152, 384, 14, 1152, 27, 16, 4304,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_so400m_patch16_siglip_256", "map", "\"none\"", 1152, 256, 16, 1152, 27, 16, 4304,
         GLIMPSE_ACTIVATION_GELU_TANH},
        {"vit_giantopt_patch16_siglip_384", "map", "\"none\"", 1536, 384, 16, 1536, 40, 16, 6144,
         GLIMPSE_ACTIVATION_GELU_TANH},
        {"eva02_base_patch16_clip_224", "token", "null", 512, 224, 16, 768, 12, 12, 2048,
         GLIMPSE_ACTIVATION_GELU},
        {"eva02_large_patch14_clip_336", "token", "null", 768, 336, 14, 1024, 24, 16, 2730,
         GLIMPSE_ACTIVATION_GELU},
        {"eva02_enormous_patch14_clip_224", "token", "null", 1024, 224, 14, 1792, 64, 16, 15360,
         GLIMPSE_ACTIVATION_GELU},
        {"eva_giant_patch14_224", "token", "null", 1024, 224, 14, 1408, 40, 16, 6144,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_pe_core_tiny_patch16_384", "map", "null", 512, 384, 16, 192, 12, 3, 768,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_pe_core_large_patch14_336", "map", "null", 1024, 336, 14, 1024, 24, 16, 4096,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_pe_core_gigantic_patch14_448", "map", "null", 1280, 448, 14, 1536, 50, 16, 8960,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_large_patch14_clip_224", "token", "null", 768, 224, 14, 1024, 24, 16, 4096,
         GLIMPSE_ACTIVATION_GELU},
        {"vit_base_mci_224", "token", "null", 512, 224, 16, 768, 12, 12, 3072,
         GLIMPSE_ACTIVATION_GELU},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        glimpse_model_config c;
        char vision[512];
        (void)snprintf(vision, sizeof vision,
                       "\"image_size\": %zu, \"timm_model_name\": \"%s\", \"timm_pool\": \"%s\", "
                       "\"timm_proj\": %s",
                       known[i].image_size, known[i].name, known[i].pool, known[i].head);
        assert_ok(read_parts(&c, vision, "", known[i].embedding));
        assert_int_equal(c.image_architecture, GLIMPSE_IMAGE_TIMM_VIT);
        assert_int_equal(c.patch, known[i].patch);
        assert_int_equal(c.vision.width, known[i].width);
        assert_int_equal(c.vision.layers, known[i].layers);
        assert_int_equal(c.vision.heads, known[i].heads);
        assert_int_equal(c.vision.mlp, known[i].mlp);
        assert_int_equal(c.vision.activation, known[i].activation);
    }
    glimpse_model_config c;
    assert_ok(read_parts(&c,
                         "\"image_size\": 336, \"timm_model_name\": "
                         "\"eva02_large_patch14_clip_336\", \"timm_pool\": \"token\", "
                         "\"timm_proj\": null",
                         "", 768));
    assert_int_equal(c.timm.rotary, GLIMPSE_ROTARY_ROW_FIRST);
    assert_int_equal(c.timm.rotary_reference, 16); /* with a grid of 24 */
    assert_int_equal(c.timm.rotary_offset, 0);
    assert_ok(read_parts(&c,
                         "\"timm_model_name\": \"vit_pe_core_base_patch16_224\", \"timm_pool\": "
                         "\"map\", \"timm_proj\": null",
                         "", 1024));
    assert_int_equal(c.timm.rotary, GLIMPSE_ROTARY_COLUMN_FIRST);
    assert_int_equal(c.timm.rotary_reference, 14);
    assert_int_equal(c.timm.rotary_offset, 1);
    assert_int_equal(c.timm.pool_heads, 8);
    assert_int_equal(c.timm.pool_mlp, 3072);
}

static void what_is_no_known_tower_is_refused_by_key_and_value(void **unused) {
    (void)unused;
#define SIGLIP "\"timm_model_name\": \"vit_base_patch16_siglip_224\", "
    static const struct {
        const char *vision, *text, *because[3];
        int status;
    } cases[] = {
        {"\"timm_model_name\": \"naflexvit_base_patch16_siglip\"",
         "",
         {"timm_model_name", "naflexvit_base_patch16_siglip", "nearest that works is \"vit_"},
         GLIMPSE_E_UNSUPPORTED},
        {"\"timm_model_name\": \"convnext_base\"",
         "",
         {"timm_model_name", "convnext_base", "SigLIP"},
         GLIMPSE_E_UNSUPPORTED},
        {"\"timm_model_name\": \"eva02_base_patch14_448\"",
         "",
         {"timm_model_name", "eva02_base_patch14_448", "\"eva02_base_patch16_clip_224\""},
         GLIMPSE_E_UNSUPPORTED},
        {"\"timm_model_name\": 3", "", {"timm_model_name"}, GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"avg\", \"timm_proj\": \"none\"",
         "",
         {"timm_pool", "avg", "\"map\""},
         GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_proj\": \"none\"", "", {"timm_pool", "\"map\""}, GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"map\", \"timm_proj\": \"mlp\"",
         "",
         {"timm_proj", "mlp"},
         GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"map\", \"timm_proj\": \"none\", \"image_size\": 256",
         "",
         {"image_size", "256", "224"},
         GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"map\", \"timm_proj\": \"none\", \"timm_model_kwargs\": "
                "{\"class_token\": true}",
         "",
         {"class_token", "true"},
         GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"map\", \"timm_proj\": \"none\", \"timm_model_kwargs\": "
                "{\"attn_pool_num_heads\": 4}",
         "",
         {"attn_pool_num_heads", "4"},
         GLIMPSE_E_UNSUPPORTED},
        {SIGLIP "\"timm_pool\": \"map\", \"timm_proj\": \"none\", \"timm_model_kwargs\": "
                "{\"embed_dim\": 512}",
         "",
         {"embed_dim", "768", "512"},
         GLIMPSE_E_FORMAT},
        {"\"timm_model_name\": \"vit_pe_core_base_patch16_224\", \"timm_pool\": \"map\", "
         "\"timm_proj\": null, \"timm_model_kwargs\": {\"ref_feat_shape\": [14, 7]}",
         "",
         {"ref_feat_shape", "[14,7]"},
         GLIMPSE_E_UNSUPPORTED},
        {"\"timm_model_name\": \"vit_pe_core_base_patch16_224\", \"timm_pool\": \"map\", "
         "\"timm_proj\": null, \"timm_model_kwargs\": {\"attn_pool_num_heads\": 7}",
         "",
         {"attn_pool_num_heads", "7"},
         GLIMPSE_E_FORMAT},
        {"\"timm_model_name\": \"eva02_base_patch16_clip_224\", \"timm_pool\": \"token\", "
         "\"timm_proj\": null, \"timm_model_kwargs\": {\"num_heads\": 128}",
         "",
         {"num_heads", "128", "multiple of 4"},
         GLIMPSE_E_FORMAT},
        {"\"timm_model_name\": \"vit_base_mci_224\", \"timm_pool\": \"token\", \"timm_proj\": "
         "null, \"timm_model_kwargs\": {\"patch_size\": 14}",
         "",
         {"patch_size", "14"},
         GLIMPSE_E_UNSUPPORTED},
        {"", "\"pool_type\": \"none\"", {"pool_type", "none"}, GLIMPSE_E_UNSUPPORTED},
        {"",
         "\"act_kwargs\": {\"approximate\": \"fast\"}",
         {"approximate", "fast"},
         GLIMPSE_E_UNSUPPORTED},
        {"", "\"act_kwargs\": {\"inplace\": true}", {"inplace"}, GLIMPSE_E_UNSUPPORTED},
        {"", "\"norm_kwargs\": {\"bias\": false}", {"bias", "norm_kwargs"}, GLIMPSE_E_UNSUPPORTED},
        {"", "\"norm_kwargs\": {\"eps\": 1}", {"eps"}, GLIMPSE_E_FORMAT},
        {"", "\"proj_type\": \"none\"", {"proj_type", "embed_dim"}, GLIMPSE_E_FORMAT},
        {"", "\"proj_type\": \"mlp\"", {"proj_type", "mlp"}, GLIMPSE_E_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_model_config c;
        int status = read_parts(&c, cases[i].vision, cases[i].text, 768);
        assert_int_equal(status, cases[i].status);
        for (size_t j = 0; j < 3 && cases[i].because[j]; j++) {
            if (!strstr(glimpse_last_error(), cases[i].because[j]))
                fail_msg("%s: not in \"%s\"", cases[i].because[j], glimpse_last_error());
        }
        assert_non_null(strstr(glimpse_last_error(), "open_clip_config.json"));
    }
}

/* Replaces the first `from` in a file of the directory by `to`. */
static void replace_in(const char *name, const char *from, const char *to) {
    size_t size;
    char *text = read_whole_file(in_directory(name), &size), *at = strstr(text, from);
    char *changed = malloc(size + strlen(to) + 1);
    assert_non_null(at);
    assert_non_null(changed);
    size_t before = (size_t)(at - text), after = before + strlen(from);
    memcpy(changed, text, before);
    memcpy(changed + before, to, strlen(to));
    memcpy(changed + before + strlen(to), text + after, size - after);
    write_in_directory(name, changed, size - after + before + strlen(to));
    free(text), free(changed);
}

static void weights_of_another_tower_are_refused_by_tensor_and_key(void **unused) {
    (void)unused;
    static const struct {
        const char *written, *from, *to, *tensor;
    } cases[] = {
        {"vit_base_patch16_siglip_224", "vit_base_patch16_siglip_224",
         "vit_so400m_patch14_siglip_224", "visual.trunk.blocks.0.mlp.fc1"},
        {"eva02_base_patch16_clip_224", "\"depth\": 2", "\"depth\": 1", "visual.trunk.blocks.1."},
        {"eva02_base_patch16_clip_224", "\"depth\": 2", "\"depth\": 3", "visual.trunk.blocks.2."},
        {"vit_pe_core_base_patch16_224", "\"patch_size\": 7", "\"patch_size\": 8",
         "visual.trunk.patch_embed.proj.weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        random_timm tiny = random_timm_tiny(cases[i].written);
        glimpse_model *model = NULL;
        assert_true(random_timm_write(&tiny, temp_directory));
        replace_in("open_clip_config.json", cases[i].from, cases[i].to);
        assert_true(glimpse_model_open(&model, temp_directory, NULL) < 0);
        assert_non_null(strstr(glimpse_last_error(), cases[i].tensor));
        assert_non_null(strstr(glimpse_last_error(), "\"timm_model_name\""));
        assert_non_null(strstr(glimpse_last_error(), "open_clip_model.safetensors"));
    }
}

static void what_decides_vectors_is_in_the_fingerprint(void **unused) {
    (void)unused;
    static const struct {
        const char *written, *from, *to;
    } cases[] = {
        {"eva02_base_patch16_clip_224", "\"ref_feat_shape\": [2, 2]", "\"ref_feat_shape\": [3, 3]"},
        {"eva02_base_patch16_clip_224", "\"num_heads\": 4", "\"num_heads\": 2"},
        {"vit_pe_core_base_patch16_224", "\"attn_pool_num_heads\": 2",
         "\"attn_pool_num_heads\": 4"},
        {"vit_base_patch16_siglip_224", "vit_base_patch16_siglip_224",
         "vit_base_patch32_siglip_256"}, /* another gelu */
        {"vit_base_patch16_siglip_224", "canonicalize", "whitespace"},
        {"vit_base_patch16_siglip_224", "\"approximate\": \"tanh\"", "\"approximate\": \"none\""},
        {"vit_base_patch16_siglip_224", "\"no_causal_mask\": true", "\"no_causal_mask\": false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        random_timm tiny = random_timm_tiny(cases[i].written);
        char before[33], after[33];
        assert_true(random_timm_write(&tiny, temp_directory));
        assert_ok(glimpse_model_read_fingerprint(before, temp_directory));
        replace_in("open_clip_config.json", cases[i].from, cases[i].to);
        assert_ok(glimpse_model_read_fingerprint(after, temp_directory));
        assert_string_not_equal(before, after);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_models_are_matched_in_every_precision),
        cmocka_unit_test(texts_and_picture_files_become_the_recorded_embeddings),
        cmocka_unit_test(every_block_leaves_what_is_recorded),
        cmocka_unit_test(every_kind_computes_what_its_authors_write_down),
        cmocka_unit_test(weights_of_half_precision_are_read),
        cmocka_unit_test(prepared_weights_on_disk_change_nothing),
        cmocka_unit_test(embeddings_do_not_depend_on_the_batch),
        cmocka_unit_test(skipping_unpooled_rows_of_the_last_block_changes_nothing),
        cmocka_unit_test(texts_without_a_projection_are_the_normed_last_place),
        cmocka_unit_test(every_name_opens_with_sizes_scaled_down),
        cmocka_unit_test(names_stand_for_the_published_sizes),
        cmocka_unit_test(what_is_no_known_tower_is_refused_by_key_and_value),
        cmocka_unit_test(weights_of_another_tower_are_refused_by_tensor_and_key),
        cmocka_unit_test(what_decides_vectors_is_in_the_fingerprint),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
