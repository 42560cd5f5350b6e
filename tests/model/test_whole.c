/*
 * A model is whole or it is refused: whatever is cut off its files, and whichever number in them
 * lies, opening it ends with a message that names the model's file or directory, or the model
 * answers exactly as the intact one. It never answers something else.
 *
 * What no other file contradicts is left out: how many heads share a width, by how much a picture
 * is shrunk before the crop, and the like.
 */
#include "support/test.h"

#include "support/random_blip.h"
#include "support/random_mobileclip.h"
#include "support/random_model.h"
#include "support/random_resnet.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/model.h>

#include <math.h>

enum { WIDTH = 40, HEIGHT = 37, TEXTS = 4, MAX_NUMBERS = 512 };

static const char *const texts[TEXTS] = {"a dog", "caf\xc3\xa9 of zebras", "red square", ""};
static uint8_t rgb[WIDTH * HEIGHT * 3];
static char *root;

typedef struct subject {
    const char *name;
    int blip;
    const char *files[6];
    const char *weights;
    float intact[MAX_NUMBERS];
    size_t count;
} subject;

static subject clip = {.name = "clip",
                       .files = {"config.json", "preprocessor_config.json", "vocab.json",
                                 "merges.txt", "model.safetensors"},
                       .weights = "model.safetensors"};
static subject siglip = {.name = "siglip",
                         .files = {"config.json", "preprocessor_config.json", "tokenizer.json",
                                   "tokenizer_config.json", "model.safetensors"},
                         .weights = "model.safetensors"};
static subject blip = {
    .name = "blip",
    .blip = 1,
    .files = {"config.json", "preprocessor_config.json", "vocab.txt", "model.safetensors"},
    .weights = "model.safetensors"};
/* Copies of the reference data, where that is. */
static subject spiece = {.name = "spiece",
                         .files = {"config.json", "spiece.model", "model.safetensors"},
                         .weights = "model.safetensors"};
static subject openclip = {
    .name = "openclip",
    .files = {"open_clip_config.json", "vocab.json", "merges.txt", "open_clip_model.safetensors"},
    .weights = "open_clip_model.safetensors"};
static subject decoder = {.name = "decoder",
                          .blip = 1,
                          .files = {"config.json", "vocab.txt", "model.safetensors"},
                          .weights = "model.safetensors"};

static subject resnet = {
    .name = "resnet",
    .files = {"open_clip_config.json", "vocab.json", "merges.txt", "open_clip_model.safetensors"},
    .weights = "open_clip_model.safetensors"};

static subject mobileclip = {
    .name = "mobileclip",
    .files = {"open_clip_config.json", "vocab.json", "merges.txt", "open_clip_model.safetensors"},
    .weights = "open_clip_model.safetensors"};

static const char *file_of(const subject *s, const char *file) {
    char relative[128];
    (void)snprintf(relative, sizeof relative, "%s/%s", s->name, file);
    return path_in(root, relative);
}

static int clip_answers(const subject *s, const glimpse_image *image, float *out, size_t *count) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = GLIMPSE_BACKEND_PLAIN;
    options.precision = GLIMPSE_PRECISION_F32;
    options.flags = GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    int status = glimpse_model_open(&model, path_in(root, s->name), &options);
    if (status < 0) return status;
    size_t e = glimpse_model_embedding_size(model);
    assert_true((TEXTS + 1) * e + 2 <= MAX_NUMBERS);
    status = glimpse_encoder_create(&encoder, model, 2);
    if (status == GLIMPSE_OK) status = glimpse_encoder_images(out, encoder, &image, 1, 0);
    if (status == GLIMPSE_OK) {
        status = glimpse_encoder_texts(out + e, NULL, encoder, texts, TEXTS, 0);
    }
    out[(TEXTS + 1) * e] = glimpse_model_logit_scale(model);
    out[(TEXTS + 1) * e + 1] = glimpse_model_logit_bias(model);
    *count = (TEXTS + 1) * e + 2;
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    return status;
}

/* The ITC vector of the picture and what each text says of it, or a caption. */
static int blip_answers(const subject *s, const glimpse_image *image, float *out, size_t *count) {
    glimpse_blip_options options = GLIMPSE_BLIP_OPTIONS_INIT;
    options.backend = GLIMPSE_BACKEND_PLAIN;
    options.precision = GLIMPSE_PRECISION_F32;
    glimpse_blip *model = NULL;
    glimpse_blip_worker *worker = NULL;
    glimpse_blip_image *picture = NULL;
    int status = glimpse_blip_open(&model, path_in(root, s->name), &options);
    if (status < 0) return status;
    int match = glimpse_blip_kind_of(model) == GLIMPSE_BLIP_MATCH;
    *count = 0;
    status = glimpse_blip_worker_create(&worker, model, NULL);
    if (status == GLIMPSE_OK) status = glimpse_blip_image_create(&picture, worker, image);
    if (status == GLIMPSE_OK && match) {
        memcpy(out, glimpse_blip_image_feature(picture),
               glimpse_blip_joint_width(model) * sizeof *out);
        *count = glimpse_blip_joint_width(model);
    }
    for (size_t i = 0; i < TEXTS && status == GLIMPSE_OK && match; i++) {
        int32_t ids[40];
        glimpse_tokens tokens = {ids, 40, 0, 0};
        glimpse_blip_role role = i % 2 ? GLIMPSE_BLIP_TEXT_ENC : GLIMPSE_BLIP_TEXT_CLS;
        status = glimpse_blip_encode(&tokens, model, role, texts[i], strlen(texts[i]));
        glimpse_blip_text text = {ids, tokens.count};
        const glimpse_blip_image *pictures[1] = {picture};
        if (status == GLIMPSE_OK) {
            status = glimpse_blip_match(out + *count, worker, pictures, 1, &text, 1);
        }
        *count += 2;
    }
    if (status == GLIMPSE_OK && !match) {
        int32_t ids[8];
        glimpse_tokens tokens = {ids, 8, 0, 0};
        status = glimpse_blip_encode(&tokens, model, GLIMPSE_BLIP_TEXT_OUTPUT, texts[0], 5);
        glimpse_blip_text text = {ids, tokens.count};
        double sum = 0;
        if (status == GLIMPSE_OK) {
            status = glimpse_blip_rate(&sum, worker, picture, NULL, &text, 1);
        }
        out[(*count)++] = (float)sum;
    }
    glimpse_blip_image_free(picture);
    glimpse_blip_worker_free(worker);
    glimpse_blip_close(model);
    return status;
}

static int answers(const subject *s, float *out, size_t *count) {
    glimpse_image *image = NULL;
    assert_ok(glimpse_image_create(&image, rgb, WIDTH, HEIGHT));
    int status = s->blip ? blip_answers(s, image, out, count) : clip_answers(s, image, out, count);
    glimpse_image_free(image);
    return status;
}

/* 1 when it was refused, 0 when it made no difference. */
static int refused_or_same(const subject *s, const char *what, size_t where, const char *more) {
    float numbers[MAX_NUMBERS];
    size_t count = 0;
    int status = answers(s, numbers, &count);
    if (status < 0) {
        if (!strstr(glimpse_last_error(), s->name)) {
            fail_msg("%s/%s, %s at %zu: \"%s\" names no file", s->name, what, more, where,
                     glimpse_last_error());
        }
        return 1;
    }
    if (count != s->count || memcmp(numbers, s->intact, count * sizeof *numbers) != 0) {
        fail_msg("%s/%s, %s at %zu: opened, and answers something else", s->name, what, more,
                 where);
    }
    return 0;
}

static void learn(subject *s) {
    assert_ok(answers(s, s->intact, &s->count));
}

static void copy(const subject *s, const char *from, const char *file) {
    char relative[128];
    size_t size = 0;
    (void)snprintf(relative, sizeof relative, "%s/%s", from, file);
    void *data = read_whole_file(shared_path(relative), &size);
    write_file(file_of(s, file), data, size);
    free(data);
}

static int setup(void **unused) {
    (void)unused;
    root = make_temp_directory();
    uint64_t state = 3;
    for (size_t i = 0; i < sizeof rgb; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        rgb[i] = (uint8_t)(state >> 40);
    }
    random_model m = random_model_tiny();
    m.vocabulary = 600;
    m.merges = 1;
    int good = random_model_write(&m, path_in(root, "clip"));
    m = random_model_tiny_siglip();
    good = good && random_model_write(&m, path_in(root, "siglip"));
    random_resnet r = random_resnet_tiny();
    r.vocabulary = 600;
    r.merges = 1;
    good = good && random_resnet_write(&r, path_in(root, "resnet"));
    random_mobileclip fast = random_mobileclip_tiny();
    fast.vocabulary = 600;
    fast.merges = 1;
    good = good && random_mobileclip_write(&fast, path_in(root, "mobileclip"));
    random_blip b = random_blip_tiny(GLIMPSE_BLIP_MATCH);
    good = good && random_blip_write(&b, path_in(root, "blip"));
    b = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    good = good && random_blip_write(&b, path_in(root, "decoder"));
    if (!good) return -1;
    learn(&clip);
    learn(&siglip);
    learn(&resnet);
    learn(&mobileclip);
    learn(&blip);
    learn(&decoder);
    return 0;
}

static int teardown(void **unused) {
    (void)unused;
    remove_tree(root);
    free(root);
    return 0;
}

/* At both ends, at line ends and at places drawn at random. */
static void cut_everywhere(const subject *s) {
    size_t cuts = 0, refused = 0;
    for (size_t f = 0; s->files[f]; f++) {
        size_t size = 0;
        uint64_t state = 11 + f;
        char *bytes = read_whole_file(file_of(s, s->files[f]), &size);
        size_t lines = 1, line = 0;
        for (size_t i = 0; i < size; i++)
            lines += bytes[i] == '\n';
        size_t every = strcmp(s->files[f], s->weights) == 0 ? size : lines / 24 + 1;
        for (size_t i = 0; i < size; i++) {
            if (bytes[i] != '\n' || i + 1 == size || line++ % every != 0) continue;
            for (size_t at = i; at <= i + 1; at++) { /* before the line break, and behind it */
                write_file(file_of(s, s->files[f]), bytes, at);
                refused += (size_t)refused_or_same(s, s->files[f], at, "cut");
                cuts++;
            }
        }
        for (size_t i = 0; i < 24; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            size_t at = i == 0 ? 0 : i == 1 ? size - 1 : (size_t)(state >> 20) % size;
            write_file(file_of(s, s->files[f]), bytes, at);
            refused += (size_t)refused_or_same(s, s->files[f], at, "cut");
            cuts++;
        }
        write_file(file_of(s, s->files[f]), bytes, size);
        free(bytes);
    }
    print_message("%s: %zu of %zu cuts refused\n", s->name, refused, cuts);
    assert_true(refused > cuts / 2);
    assert_int_equal(refused_or_same(s, "", 0, "intact"), 0);
}

static void files_that_were_cut_are_refused(void **unused) {
    (void)unused;
    cut_everywhere(&clip);
    cut_everywhere(&siglip);
    cut_everywhere(&resnet);
    cut_everywhere(&mobileclip);
    cut_everywhere(&blip);
    cut_everywhere(&decoder);
}

static void files_of_the_reference_that_were_cut_are_refused(void **unused) {
    (void)unused;
    assert_int_equal(mkdir(path_in(root, "spiece"), 0777), 0);
    assert_int_equal(mkdir(path_in(root, "openclip"), 0777), 0);
    for (size_t f = 0; spiece.files[f]; f++)
        copy(&spiece, "golden/siglip", spiece.files[f]);
    copy(&spiece, "golden/siglip", "preprocessor_config.json");
    copy(&spiece, "golden/siglip", "tokenizer_config.json");
    for (size_t f = 0; openclip.files[f]; f++)
        copy(&openclip, "golden/open-clip/custom-text", openclip.files[f]);
    learn(&spiece);
    learn(&openclip);
    cut_everywhere(&spiece);
    cut_everywhere(&openclip);
}

static int is_free(const char *name) {
    static const char *const names[] = {"num_attention_heads", "heads", "head_width",
                                        "shortest_edge", "resample"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) return 1;
    }
    return 0;
}

/* Each number behind a key becomes each of these. */
static void flip_numbers(const subject *s, const char *file) {
    size_t size = 0, flips = 0, refused = 0;
    char *bytes = read_whole_file(file_of(s, file), &size);
    for (size_t i = 0; i + 3 < size; i++) {
        if (bytes[i] != '"' || bytes[i + 1] != ':' || bytes[i + 2] != ' ') continue;
        char *end = NULL, name[64] = "";
        size_t from = i;
        while (from > 0 && bytes[from - 1] != '"')
            from--;
        (void)snprintf(name, sizeof name, "%.*s", (int)(i - from), bytes + from);
        long number = strtol(bytes + i + 3, &end, 10);
        if (end == bytes + i + 3 || is_free(name)) continue;
        char now[9][32];
        (void)snprintf(now[0], sizeof now[0], "%ld", number + 1);
        (void)snprintf(now[1], sizeof now[1], "%ld", number - 1);
        (void)snprintf(now[2], sizeof now[2], "%ld", 2 * number);
        (void)snprintf(now[3], sizeof now[3], "%ld", -number);
        (void)snprintf(now[4], sizeof now[4], "%ld.5", number);
        (void)snprintf(now[5], sizeof now[5], "\"%ld\"", number);
        (void)snprintf(now[6], sizeof now[6], "0");
        (void)snprintf(now[7], sizeof now[7], "1000000000000");
        (void)snprintf(now[8], sizeof now[8], "[%ld]", number);
        for (size_t k = 0; k < 9; k++) {
            char *changed = malloc(size + 64);
            assert_non_null(changed);
            int used = snprintf(changed, size + 64, "%.*s%s%s", (int)(i + 3), bytes, now[k], end);
            write_file(file_of(s, file), changed, (size_t)used);
            refused += (size_t)refused_or_same(s, name, i, now[k]);
            flips++;
            free(changed);
        }
    }
    write_file(file_of(s, file), bytes, size);
    free(bytes);
    print_message("%s/%s: %zu of %zu changed numbers refused\n", s->name, file, refused, flips);
    assert_true(refused > flips / 2);
}

static void numbers_that_lie_are_refused(void **unused) {
    (void)unused;
    const subject *const all[] = {&clip, &siglip, &blip, &decoder};
    for (size_t i = 0; i < 4; i++) {
        flip_numbers(all[i], "config.json");
        flip_numbers(all[i], "preprocessor_config.json");
    }
    flip_numbers(&resnet, "open_clip_config.json");
}

/* Every digit in the header of the weights, one after the other. */
static void headers_that_lie_are_refused(void **unused) {
    (void)unused;
    const subject *const all[] = {&clip, &siglip, &blip};
    for (size_t n = 0; n < 3; n++) {
        const subject *s = all[n];
        size_t size = 0, flips = 0, refused = 0;
        char *bytes = read_whole_file(file_of(s, s->weights), &size);
        size_t header = (size_t)(uint8_t)bytes[0] | (size_t)(uint8_t)bytes[1] << 8;
        for (size_t i = 8, digit = 0; i < 8 + header; i++) {
            if (bytes[i] < '0' || bytes[i] > '9' || digit++ % 11 != 0) continue;
            char was = bytes[i];
            bytes[i] = was == '9' ? '0' : (char)(was + 1);
            write_file(file_of(s, s->weights), bytes, size);
            refused += (size_t)refused_or_same(s, s->weights, i, "digit");
            bytes[i] = was;
            flips++;
        }
        write_file(file_of(s, s->weights), bytes, size);
        free(bytes);
        print_message("%s: %zu of %zu changed digits refused\n", s->name, refused, flips);
        assert_true(flips > 100 && refused > flips * 9 / 10);
    }
}

/* Replaces `from`, which must be there, in a file that is restored afterwards. */
static void refuses(const subject *s, const char *file, const char *from, const char *to,
                    const char *because) {
    size_t size = 0;
    char *bytes = read_whole_file(file_of(s, file), &size), *at = strstr(bytes, from);
    char *changed = malloc(size + strlen(to) + 1);
    float numbers[MAX_NUMBERS];
    assert_non_null(at);
    assert_non_null(changed);
    int used = snprintf(changed, size + strlen(to) + 1, "%.*s%s%s", (int)(at - bytes), bytes, to,
                        at + strlen(from));
    write_file(file_of(s, file), changed, (size_t)used);
    int status = answers(s, numbers, &size);
    if (status != GLIMPSE_E_FORMAT || !strstr(glimpse_last_error(), because) ||
        !strstr(glimpse_last_error(), s->name)) {
        fail_msg("%s/%s with %s: status %d, \"%s\"", s->name, file, to, status,
                 status < 0 ? glimpse_last_error() : "");
    }
    size = strlen(bytes);
    write_file(file_of(s, file), bytes, size);
    free(changed);
    free(bytes);
}

static void messages_name_the_value(void **unused) {
    (void)unused;
    static const char config[] = "config.json", pictures[] = "preprocessor_config.json";
    refuses(&clip, config, "\"eos_token_id\": 599", "\"eos_token_id\": 600",
            "\"eos_token_id\" 600 is no token of a vocabulary of 600");
    refuses(&clip, config, "\"eos_token_id\": 599", "\"eos_token_id\": 599.0", "whole number");
    refuses(&clip, config, "\"eos_token_id\": 599", "\"eos_token_id\": 5",
            "\"eos_token_id\" is 5, but the tokenizer ends texts with 599");
    refuses(&clip, config, "\"eos_token_id\"", "\"bos_token_id\": -1, \"eos_token_id\"",
            "\"bos_token_id\" -1");
    refuses(&clip, config, "\"eos_token_id\"", "\"pad_token_id\": 600, \"eos_token_id\"",
            "\"pad_token_id\" 600");
    refuses(&siglip, config, "\"vocab_size\"", "\"eos_token_id\": 1.5, \"vocab_size\"",
            "whole number");
    refuses(&blip, config, "\"sep_token_id\": 3", "\"sep_token_id\": 100", "\"sep_token_id\" 100");
    refuses(&decoder, config, "\"sep_token_id\": 3", "\"sep_token_id\": 4",
            "\"sep_token_id\" is 4");
    refuses(&blip, config, "\"bos_token_id\": 98", "\"bos_token_id\": 97", "[DEC] is 98");
    static const char *const scales[] = {"0", "1e-40", "1e-12", "-1", "1e300", "\"x\"", "1", "0.1"};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        char to[64];
        (void)snprintf(to, sizeof to, "{\"rescale_factor\": %s, ", scales[i]);
        refuses(&clip, pictures, "{", to, "\"rescale_factor\"");
        refuses(&siglip, pictures, "{", to, "\"rescale_factor\"");
        refuses(&blip, pictures, "{", to, "\"rescale_factor\"");
    }
    refuses(&clip, pictures, "{", "{\"rescale_factor\": 5000, ", "no model was trained so");
    static const char *const deviations[] = {"[0, 1, 1]", "[1, 1e-40, 1]", "[1, 1, -1]",
                                             "[1, 1, 1e30]"};
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++) {
        char to[64];
        (void)snprintf(to, sizeof to, "{\"image_std\": %s, ", deviations[i]);
        refuses(&clip, pictures, "{", to, pictures);
        refuses(&siglip, pictures, "{", to, pictures);
        refuses(&blip, pictures, "{", to, pictures);
    }
    refuses(&clip, pictures, "{", "{\"image_mean\": [1e30, 0, 0], ", "mean 1e+30");
    static const char *const means[] = {"[255, 0, 0]", "[0, -5, 0]"};
    for (size_t i = 0; i < 2; i++) {
        char to[96];
        (void)snprintf(to, sizeof to, "{\"image_mean\": %s, \"image_std\": [0.3, 0.3, 0.3], ",
                       means[i]);
        refuses(&clip, pictures, "{", to, "no model was trained so");
        refuses(&siglip, pictures, "{", to, "no model was trained so");
    }
    static const char *const epsilons[] = {"0", "1", "0.1"};
    for (size_t i = 0; i < 3; i++) {
        char to[96];
        (void)snprintf(to, sizeof to, "\"layer_norm_eps\": %s, \"hidden_act\"", epsilons[i]);
        refuses(&clip, config, "\"hidden_act\"", to, "layer_norm_eps");
    }
    refuses(&clip, config, "\"eos_token_id\"", "\"bos_token_id\": 7, \"eos_token_id\"",
            "\"bos_token_id\" is 7, but the tokenizer begins texts with 598");
    /* Fewer layers than the file holds, and more. */
    const subject *const all[] = {&clip, &siglip, &blip, &decoder};
    for (size_t i = 0; i < 4; i++) {
        refuses(all[i], config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1",
                "has no place in the model");
        refuses(all[i], config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "missing");
    }
}

/* Whoever needs one tower only: a library must not be indexed with what can never be searched. */
static int opens(const subject *s, unsigned towers) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.towers = towers;
    options.flags = GLIMPSE_MODEL_NO_WEIGHTS_CACHE;
    glimpse_model *model = NULL;
    int status = glimpse_model_open(&model, path_in(root, s->name), &options);
    if (status == GLIMPSE_OK) {
        assert_int_equal(glimpse_model_towers(model), towers);
        assert_true((glimpse_model_tokenizer(model) != NULL) == (towers != GLIMPSE_TOWER_IMAGE));
    }
    glimpse_model_close(model);
    return status;
}

static void one_tower_opens_only_of_a_whole_model(void **unused) {
    (void)unused;
    static const struct {
        const char *file, *from, *to;
    } lies[] = {
        {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"},
        {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"},
        {"config.json", "\"vocab_size\": ", "\"vocab_size\": 1"},
    };
    const subject *const all[] = {&clip, &siglip};
    for (size_t n = 0; n < 2; n++) {
        const subject *s = all[n];
        for (unsigned towers = 1; towers < 4; towers++) {
            assert_int_equal(opens(s, towers), GLIMPSE_OK);
            for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
                size_t size = 0;
                char *bytes = read_whole_file(file_of(s, lies[i].file), &size);
                char *at = strstr(bytes, lies[i].from), *changed = malloc(size + 64);
                assert_non_null(at);
                assert_non_null(changed);
                int used = snprintf(changed, size + 64, "%.*s%s%s", (int)(at - bytes), bytes,
                                    lies[i].to, at + strlen(lies[i].from));
                write_file(file_of(s, lies[i].file), changed, (size_t)used);
                assert_int_equal(opens(s, towers), GLIMPSE_E_FORMAT);
                write_file(file_of(s, lies[i].file), bytes, size);
                free(changed);
                free(bytes);
            }
            /* The files of the tokenizer, each cut in two. */
            for (size_t i = 2; i < 4; i++) {
                if (s == &siglip && i == 3) continue;
                size_t size = 0;
                char *bytes = read_whole_file(file_of(s, s->files[i]), &size), *end = bytes;
                for (size_t lines = 0; lines < 2 && (end = strchr(end + 1, '\n')); lines++) {}
                write_file(file_of(s, s->files[i]), bytes,
                           end && i == 3 ? (size_t)(end - bytes) + 1 : size / 2);
                assert_int_equal(opens(s, towers), GLIMPSE_E_FORMAT);
                write_file(file_of(s, s->files[i]), bytes, size);
                free(bytes);
            }
        }
    }
}

/* Wherever in the weights it stands, and whichever tower is wanted. */
static void weights_that_are_not_finite_are_refused(void **unused) {
    (void)unused;
    const float values[] = {NAN, INFINITY, -INFINITY};
    const subject *const all[] = {&clip, &siglip};
    for (size_t n = 0; n < 2; n++) {
        size_t size = 0;
        char *bytes = read_whole_file(file_of(all[n], all[n]->weights), &size);
        size_t header = (size_t)(uint8_t)bytes[0] | (size_t)(uint8_t)bytes[1] << 8;
        size_t count = (size - 8 - header) / sizeof(float);
        for (size_t i = 0; i < 40; i++) {
            char was[4], *at = bytes + 8 + header + sizeof was * (i * (count - 1) / 39);
            memcpy(was, at, sizeof was);
            memcpy(at, &values[i % 3], sizeof was);
            write_file(file_of(all[n], all[n]->weights), bytes, size);
            assert_int_equal(opens(all[n], i % 2 ? GLIMPSE_TOWER_IMAGE : GLIMPSE_TOWER_TEXT),
                             GLIMPSE_E_FORMAT);
            assert_non_null(strstr(glimpse_last_error(), all[n]->weights));
            memcpy(at, was, sizeof was);
        }
        write_file(file_of(all[n], all[n]->weights), bytes, size);
        free(bytes);
    }
}

/* The first number of the weights is logit_scale. */
static void scales_that_are_no_scale_are_refused(void **unused) {
    (void)unused;
    static const char *const values[] = {"nan", "inf", "-inf", "80", "-50", "0"};
    const subject *const all[] = {&clip, &siglip};
    for (size_t n = 0; n < 2; n++) {
        size_t size = 0;
        char *bytes = read_whole_file(file_of(all[n], "model.safetensors"), &size);
        size_t header = (size_t)(uint8_t)bytes[0] | (size_t)(uint8_t)bytes[1] << 8;
        float was, number, numbers[MAX_NUMBERS];
        memcpy(&was, bytes + 8 + header, sizeof was);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            size_t count;
            number = strtof(values[i], NULL);
            memcpy(bytes + 8 + header, &number, sizeof number);
            write_file(file_of(all[n], "model.safetensors"), bytes, size);
            assert_int_equal(answers(all[n], numbers, &count), GLIMPSE_E_FORMAT);
            assert_non_null(strstr(glimpse_last_error(), "logit_scale"));
        }
        memcpy(bytes + 8 + header, &was, sizeof was);
        write_file(file_of(all[n], "model.safetensors"), bytes, size);
        free(bytes);
    }
}

/* A vocabulary that lost its last tokens stays a valid one. */
static void vocabularies_of_other_sizes_are_refused(void **unused) {
    (void)unused;
    size_t size = 0;
    float numbers[MAX_NUMBERS];
    random_model other = random_model_tiny();
    other.vocabulary = 560;
    other.merges = 1;
    assert_true(random_model_write(&other, path_in(root, "other")));
    static const char *const files[] = {"vocab.json", "merges.txt"};
    char *own[2];
    size_t sizes[2];
    for (size_t i = 0; i < 2; i++) {
        char relative[64];
        (void)snprintf(relative, sizeof relative, "other/%s", files[i]);
        own[i] = read_whole_file(file_of(&clip, files[i]), &sizes[i]);
        char *bytes = read_whole_file(path_in(root, relative), &size);
        write_file(file_of(&clip, files[i]), bytes, size);
        free(bytes);
    }
    assert_int_equal(answers(&clip, numbers, &size), GLIMPSE_E_FORMAT);
    for (size_t i = 0; i < 2; i++) {
        write_file(file_of(&clip, files[i]), own[i], sizes[i]);
        free(own[i]);
    }
    assert_int_equal(refused_or_same(&clip, "", 0, "intact"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_name_the_value),
        cmocka_unit_test(one_tower_opens_only_of_a_whole_model),
        cmocka_unit_test(weights_that_are_not_finite_are_refused),
        cmocka_unit_test(scales_that_are_no_scale_are_refused),
        cmocka_unit_test(vocabularies_of_other_sizes_are_refused),
        cmocka_unit_test(numbers_that_lie_are_refused),
        cmocka_unit_test(headers_that_lie_are_refused),
        cmocka_unit_test(files_that_were_cut_are_refused),
        cmocka_unit_test(files_of_the_reference_that_were_cut_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
