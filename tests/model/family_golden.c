/*
 * family_golden.c - compares the engine with a recorded model.
 */
#include "family_golden.h"

#include <math.h>

int open_family(family *f, const char *name, glimpse_backend backend, glimpse_precision precision) {
    char model[256], expected[256];
    memset(f, 0, sizeof *f);
    (void)snprintf(model, sizeof model, "golden/families/%s", name);
    (void)snprintf(expected, sizeof expected, "golden/families/%s/expected", name);
    (void)snprintf(f->directory, sizeof f->directory, "%s", shared_path(expected));
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = backend;
    options.precision = precision;
    int status = glimpse_model_open(&f->model, shared_path(model), &options);
    if (status == GLIMPSE_E_UNSUPPORTED && backend > GLIMPSE_BACKEND_OPENBLAS) {
        print_message("SKIPPED: %s\n", glimpse_last_error());
        return 0;
    }
    assert_ok(status);
    assert_ok(glimpse_encoder_create(&f->encoder, f->model, 2));
    f->json = json_file(path_in(f->directory, "expected.json"));
    return 1;
}

void close_family(family *f) {
    glimpse_encoder_free(f->encoder);
    glimpse_model_close(f->model);
    json_decref(f->json);
}

family_array load_family_array(const family *f, const char *name) {
    family_array a = {.count = 1};
    json_t *entry = json_object_get(json_object_get(f->json, "arrays"), name);
    json_t *shape = json_object_get(entry, "shape");
    size_t size = 0;
    a.rank = json_array_size(shape);
    assert_true(a.rank >= 1 && a.rank <= 4);
    for (size_t i = 0; i < a.rank; i++) {
        a.dims[i] = (size_t)json_integer_value(json_array_get(shape, i));
        a.count *= a.dims[i];
    }
    a.data = read_whole_file(
        path_in(f->directory, json_string_value(json_object_get(entry, "file"))), &size);
    assert_int_equal(size, a.count * 4);
    return a;
}

double family_tolerance(const family *f, const char *name) {
    json_t *value = json_object_get(json_object_get(f->json, "tolerance_max_abs"), name);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static int encode_pixels(float *embeddings, glimpse_encoder *encoder, const void *inputs,
                         size_t count, unsigned flags) {
    return glimpse_encoder_pixels(embeddings, encoder, inputs, count, flags);
}

static int encode_ids(float *embeddings, glimpse_encoder *encoder, const void *inputs, size_t count,
                      unsigned flags) {
    return glimpse_encoder_tokens(embeddings, encoder, inputs, count, flags);
}

static void compare_embeddings(const family *f, glimpse_precision precision,
                               family_encode_fn encode, const char *inputs, const char *what) {
    char unit_name[64];
    (void)snprintf(unit_name, sizeof unit_name, "%s_norm", what);
    family_array input = load_family_array(f, inputs), raw = load_family_array(f, what);
    family_array unit = load_family_array(f, unit_name);
    size_t count = raw.dims[0], width = raw.dims[1];
    float *got = malloc(raw.count * sizeof *got);
    assert_non_null(got);
    assert_int_equal(width, glimpse_model_embedding_size(f->model));
    assert_ok(encode(got, f->encoder, input.data, count, 0));
    double min_cosine = min_dot(got, unit.data, count, width);
    print_message("%s %s: minimum cosine %.7f\n", glimpse_model_backend_name(f->model), what,
                  min_cosine);
    if (precision == GLIMPSE_PRECISION_F32) {
        assert_true(min_cosine > 0.999999);
        assert_floats_near(got, unit.data, raw.count, family_tolerance(f, unit_name));
        assert_ok(encode(got, f->encoder, input.data, count, GLIMPSE_ENCODE_RAW));
        assert_floats_near(got, raw.data, raw.count, family_tolerance(f, what));
    } else {
        assert_true(min_cosine > (precision == GLIMPSE_PRECISION_BF16 ? 0.999 : 0.99));
    }
    free(got);
    free(input.data);
    free(raw.data);
    free(unit.data);
}

void family_embeddings_match(const char *name) {
    family_embeddings_match_by(name, encode_pixels);
}

void family_embeddings_match_by(const char *name, family_encode_fn encode_pictures) {
    static const glimpse_precision precisions[] = {GLIMPSE_PRECISION_F32, GLIMPSE_PRECISION_BF16,
                                                   GLIMPSE_PRECISION_INT8};
    for (int b = GLIMPSE_BACKEND_AUTO + 1; glimpse_backend_names()[b]; b++) {
        for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
            family f;
            if (!open_family(&f, name, (glimpse_backend)b, precisions[p])) continue;
            compare_embeddings(&f, precisions[p], encode_pictures, "pixel_values", "image_embeds");
            compare_embeddings(&f, precisions[p], encode_ids, "text_ids", "text_embeds");
            close_family(&f);
        }
    }
}

void family_texts_match(const family *f) {
    family_array unit = load_family_array(f, "text_embeds_norm");
    family_array ids = load_family_array(f, "text_ids");
    size_t i, width = unit.dims[1];
    json_t *entry;
    float *got = malloc(width * sizeof *got);
    int32_t *tokens = malloc(ids.dims[1] * sizeof *tokens);
    assert_non_null(got);
    assert_non_null(tokens);
    json_array_foreach(json_object_get(f->json, "texts"), i, entry) {
        const char *text = json_string_value(json_object_get(entry, "text"));
        glimpse_tokens result = {tokens, ids.dims[1], 0, 0};
        assert_ok(glimpse_tokenizer_encode(&result, glimpse_model_tokenizer(f->model), text,
                                           strlen(text)));
        assert_memory_equal(tokens, (const int32_t *)(const void *)ids.data + i * ids.dims[1],
                            result.count * sizeof *tokens);
        assert_ok(glimpse_encoder_texts(got, NULL, f->encoder, &text, 1, 0));
        assert_floats_near(got, unit.data + i * width, width,
                           family_tolerance(f, "text_embeds_norm"));
    }
    assert_int_equal(i, unit.dims[0]);
    free(got);
    free(tokens);
    free(unit.data);
    free(ids.data);
}

static void compare_pictures(const family *f) {
    family_array unit = load_family_array(f, "image_embeds_norm");
    family_array pixels = load_family_array(f, "pixel_values");
    const glimpse_preprocess *p = glimpse_model_preprocess(f->model);
    size_t i, seen = 0, width = unit.dims[1], each = pixels.count / pixels.dims[0];
    json_t *entry;
    uint8_t *rgb = malloc(each);
    float *got = malloc((each + width) * sizeof *got);
    assert_non_null(rgb);
    assert_non_null(got);
    assert_int_equal(p->height, pixels.dims[2]);
    assert_int_equal(p->width, pixels.dims[3]);
    json_array_foreach(json_object_get(f->json, "images"), i, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (!file) continue;
        glimpse_image *image = NULL;
        assert_ok(glimpse_image_load(&image, path_in(f->directory, file), NULL));
        assert_ok(glimpse_preprocess_rgb(rgb, p, image));
        glimpse_preprocess_normalize(got, p, rgb);
        assert_floats_near(got, pixels.data + i * each, each, family_tolerance(f, "pixel_values"));
        const glimpse_image *one = image;
        assert_ok(glimpse_encoder_images(got, f->encoder, &one, 1, 0));
        assert_floats_near(got, unit.data + i * width, width,
                           family_tolerance(f, "image_embeds_norm"));
        glimpse_image_free(image);
        seen++;
    }
    assert_true(seen > 0);
    free(rgb);
    free(got);
    free(unit.data);
    free(pixels.data);
}

void family_texts_and_pictures_match(const char *name) {
    family f;
    assert_true(open_family(&f, name, GLIMPSE_BACKEND_OPENBLAS, GLIMPSE_PRECISION_F32));
    family_texts_match(&f);
    compare_pictures(&f);
    close_family(&f);
}
