/*
 * Weights that PyTorch saved are the weights that were saved, and nothing of a file is run or
 * believed further than its bytes bear it out. The files of tests/fixtures/pytorch were written by
 * PyTorch; the others are made here.
 */
#include "support/temporary.h"

#include "model/tensors.h"
#include "support/random_blip.h"
#include "torch_support.h"

#include <glimpse/sys/blip.h>
#include <glimpse/sys/model.h>

static const char *fixture(const char *name) {
    static char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", source_path("tests/fixtures/pytorch"), name);
    return path;
}

static glimpse_tensors *open_fixture(const char *name) {
    glimpse_tensors *tensors = NULL;
    assert_ok(glimpse_tensors_open_file(&tensors, fixture(name)));
    return tensors;
}

static const glimpse_tensor *find(const glimpse_tensors *tensors, const char *name) {
    const glimpse_tensor *tensor = glimpse_tensors_find(tensors, name);
    if (!tensor) fail_msg("there is no tensor %s", name);
    return tensor;
}

/* The numbers of an F32 tensor, and its shape. */
static void assert_numbers(const glimpse_tensors *tensors, const char *name, size_t rank,
                           const size_t *dims, const float *expected) {
    const glimpse_tensor *tensor = find(tensors, name);
    assert_string_equal(tensor->dtype, "F32");
    assert_int_equal(tensor->rank, rank);
    for (size_t i = 0; i < rank; i++)
        assert_int_equal(tensor->dims[i], dims[i]);
    for (size_t i = 0; i < tensor->count; i++) {
        float number;
        memcpy(&number, tensor->data + 4 * i, sizeof number);
        if (number != expected[i]) {
            fail_msg("%s: number %zu is %g, not %g", name, i, (double)number, (double)expected[i]);
        }
    }
}

static void views_of_storages_have_their_own_numbers(void **unused) {
    (void)unused;
    static const char *const files[] = {"views.bin", "views_4.bin", "views_old.bin"};
    for (size_t f = 0; f < 3; f++) {
        glimpse_tensors *t = open_fixture(files[f]);
        float n[24], transposed[24], permuted[24];
        for (size_t i = 0; i < 24; i++) {
            n[i] = (float)i;
            transposed[i] = (float)(i % 4 * 6 + i / 4);
            permuted[i] = (float)(i / 6 + i / 3 % 2 * 12 + i % 3 * 4);
        }
        assert_numbers(t, "whole", 2, (size_t[]){4, 6}, n);
        assert_numbers(t, "same", 2, (size_t[]){4, 6}, n);
        assert_ptr_equal(find(t, "same")->data, find(t, "whole")->data);
        assert_numbers(t, "rows", 2, (size_t[]){2, 6}, n + 6);
        assert_ptr_equal(find(t, "rows")->data, find(t, "whole")->data + 24);
        assert_numbers(t, "column", 1, (size_t[]){4}, (float[]){2, 8, 14, 20});
        assert_numbers(t, "transposed", 2, (size_t[]){6, 4}, transposed);
        assert_numbers(t, "steps", 2, (size_t[]){2, 2}, (float[]){0, 3, 12, 15});
        assert_numbers(t, "permuted", 3, (size_t[]){4, 2, 3}, permuted);
        assert_numbers(t, "expanded", 2, (size_t[]){3, 2}, (float[]){5, 5, 5, 5, 5, 5});
        assert_numbers(t, "scalar", 0, NULL, (float[]){7});
        assert_numbers(t, "empty", 2, (size_t[]){0, 3}, NULL);
        assert_numbers(t, "parameter", 1, (size_t[]){2}, (float[]){1.5f, -2});
        assert_int_equal(glimpse_tensors_count(t), 20); /* and nothing that is no tensor */
        glimpse_tensors_free(t);
    }
}

static void every_type_of_numbers_keeps_its_bytes(void **unused) {
    (void)unused;
    static const double doubles[] = {1.5, -2};
    static const struct {
        const char *name, *dtype;
        size_t bytes;
        const void *data;
    } types[] = {
        {"half", "F16", 4, "\x00\x3e\x00\xc0"},
        {"bfloat", "BF16", 4, "\xc0\x3f\x00\xc0"},
        {"double", "F64", 16, doubles},
        {"int64", "I64", 16, "\3\0\0\0\0\0\0\0\144\0\0\0\0\0\0\0"},
        {"int32", "I32", 8, "\3\0\0\0\144\0\0\0"},
        {"int16", "I16", 4, "\3\0\144\0"},
        {"int8", "I8", 2, "\3\144"},
        {"uint8", "U8", 2, "\3\144"},
        {"bool", "BOOL", 2, "\1\0"},
    };
    static const char *const files[] = {"views.bin", "views_old.bin"};
    for (size_t f = 0; f < 2; f++) {
        glimpse_tensors *t = open_fixture(files[f]);
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            const glimpse_tensor *tensor = find(t, types[i].name);
            assert_string_equal(tensor->dtype, types[i].dtype);
            assert_int_equal(tensor->bytes, types[i].bytes);
            assert_memory_equal(tensor->data, types[i].data, types[i].bytes);
        }
        glimpse_numbers numbers;
        assert_int_equal(glimpse_tensors_load(&numbers, t, "double", 1, (size_t[]){2}),
                         GLIMPSE_E_UNSUPPORTED);
        assert_non_null(strstr(glimpse_last_error(), "F64; F32, F16 and BF16 are read"));
        glimpse_tensors_free(t);
    }
}

/*
 * Models.
 */
enum { EMBEDDING = 12 };

typedef struct embeddings {
    float text[2 * EMBEDDING], picture[EMBEDDING];
    char fingerprint[33];
} embeddings;

static void embed(embeddings *out, const char *directory) {
    static const char *const texts[] = {"a red car", "two dogs"};
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    float pixels[3 * 8 * 8];
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof pixels / sizeof *pixels; i++)
        pixels[i] = (float)(i * 37 % 101) / 50.0f - 1.0f;
    assert_ok(glimpse_model_open(&model, directory, NULL));
    assert_int_equal(glimpse_model_embedding_size(model), EMBEDDING);
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_texts(out->text, NULL, encoder, texts, 2, 0));
    assert_ok(glimpse_encoder_pixels(out->picture, encoder, pixels, 1, 0));
    (void)snprintf(out->fingerprint, sizeof out->fingerprint, "%s",
                   glimpse_model_fingerprint(model));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
}

/* A model directory of the same weights in safetensors, of this type. */
static void write_model(const char *name, const char *dtype) {
    random_model model = torch_model();
    model.dtype = dtype;
    assert_true(random_model_write(&model, in_directory(name)));
}

static void replace_weights(const char *name, const char *with, const char *as) {
    char path[64];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", name);
    (void)remove(in_directory(path));
    (void)snprintf(path, sizeof path, "%s/%s", name, as);
    copy_file(fixture(with), in_directory(path));
}

static void embeddings_are_those_of_the_same_model_in_safetensors(void **unused) {
    (void)unused;
    static const struct {
        const char *file, *dtype, *format;
    } files[] = {
        {"zip_f32.bin", "F32", "PyTorch (zip)"},
        {"zip_bf16.bin", "BF16", "PyTorch (zip)"},
        {"old_f16.bin", "F16", "PyTorch (before 1.6)"},
        {"checkpoint_f16.pt", "F16", "PyTorch (zip)"},
        {"script_f16.pt", "F16", "TorchScript"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        embeddings expected, got;
        write_model("model", files[i].dtype);
        embed(&expected, in_directory("model"));
        replace_weights("model", files[i].file, "pytorch_model.bin");
        embed(&got, in_directory("model"));
        assert_memory_equal(&got, &expected, sizeof got); /* and the same fingerprint */
        glimpse_tensors *tensors = open_fixture(files[i].file);
        assert_string_equal(glimpse_tensors_format(tensors), files[i].format);
        assert_ok(glimpse_tensors_check_sums(tensors));
        glimpse_tensors_free(tensors);
        remove_tree(in_directory("model"));
    }
}

static void safetensors_come_first_where_both_are(void **unused) {
    (void)unused;
    embeddings expected, got;
    write_model("both", "F32");
    embed(&expected, in_directory("both"));
    write_in_directory("both/pytorch_model.bin", "no weights", 10);
    embed(&got, in_directory("both"));
    assert_memory_equal(&got, &expected, sizeof got);
    remove_tree(in_directory("both"));
}

static void shards_of_pytorch_have_an_index_as_well(void **unused) {
    (void)unused;
    write_model("shards", "F32");
    replace_weights("shards", "zip_f32.bin", "pytorch_model-00001-of-00001.bin");
    glimpse_tensors *tensors = open_fixture("zip_f32.bin");
    size_t capacity = 256 * glimpse_tensors_count(tensors), used = 0;
    char *index = malloc(capacity);
    assert_non_null(index);
    used += (size_t)snprintf(index, capacity, "{\"metadata\": {}, \"weight_map\": {");
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        used += (size_t)snprintf(index + used, capacity - used,
                                 "%s\"%s\": \"pytorch_model-00001-of-00001.bin\"", i ? "," : "",
                                 glimpse_tensors_get(tensors, i)->name);
    }
    (void)snprintf(index + used, capacity - used, "}}");
    write_text_in_directory("shards/pytorch_model.bin.index.json", index);
    embeddings got, expected;
    embed(&got, in_directory("shards"));
    write_model("whole", "F32");
    embed(&expected, in_directory("whole"));
    assert_memory_equal(&got, &expected, sizeof got);
    glimpse_tensors_free(tensors);
    free(index);
}

/* Opens the directory `name` and everything that answers; the fingerprint. */
static void read_fingerprint(char hex[33], const char *name, int is_blip) {
    if (!is_blip) {
        glimpse_model *model = NULL;
        assert_ok(glimpse_model_open(&model, in_directory(name), NULL));
        (void)snprintf(hex, 33, "%s", glimpse_model_fingerprint(model));
        glimpse_model_close(model);
        return;
    }
    glimpse_blip *blip = NULL;
    assert_ok(glimpse_blip_open(&blip, in_directory(name), NULL));
    assert_ok(glimpse_blip_fingerprint(hex, blip));
    glimpse_blip_close(blip);
}

/* The weights of the directory `name` are replaced by the same as a .bin: the same model. */
static void assert_same_as_bin(const char *name, const char *weights, const char *bin,
                               int is_blip) {
    char before[33], after[33], path[64];
    glimpse_tensors *tensors = NULL;
    size_t size;
    read_fingerprint(before, name, is_blip);
    (void)snprintf(path, sizeof path, "%s/%s", name, weights);
    assert_ok(glimpse_tensors_open_file(&tensors, in_directory(path)));
    uint8_t *bytes = make_torch(&size, tensors);
    glimpse_tensors_free(tensors);
    assert_int_equal(remove(in_directory(path)), 0);
    (void)snprintf(path, sizeof path, "%s/%s", name, bin);
    write_in_directory(path, bytes, size);
    free(bytes);
    read_fingerprint(after, name, is_blip);
    assert_string_equal(before, after);
}

static void every_kind_of_model_may_have_weights_of_pytorch(void **unused) {
    (void)unused;
    random_model siglip = random_model_tiny_siglip();
    random_blip blip = random_blip_tiny(GLIMPSE_BLIP_CAPTION);
    assert_true(random_model_write(&siglip, in_directory("siglip")));
    assert_same_as_bin("siglip", "model.safetensors", "pytorch_model.bin", 0);
    assert_true(random_blip_write(&blip, in_directory("blip")));
    assert_same_as_bin("blip", "model.safetensors", "pytorch_model.bin", 1);
}

static void models_of_openclip_may_have_weights_of_pytorch(void **unused) {
    (void)unused;
    static const char *const files[] = {"open_clip_config.json", "vocab.json", "merges.txt",
                                        "open_clip_model.safetensors"};
    static const char *const kinds[] = {"plain", "custom-text"};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            char from[128], to[64];
            (void)snprintf(from, sizeof from, "golden/open-clip/%s/%s", kinds[k], files[i]);
            (void)snprintf(to, sizeof to, "%s/%s", kinds[k], files[i]);
            make_parents(in_directory(to));
            copy_file(shared_path(from), in_directory(to));
        }
        assert_same_as_bin(kinds[k], "open_clip_model.safetensors", "open_clip_pytorch_model.bin",
                           0);
    }
}

/* A directory with both configurations is the model whose weights are there; safetensors first. */
static void the_weights_decide_between_two_configurations(void **unused) {
    (void)unused;
    static const struct {
        const char *weights[3];
        size_t context; /* 24: config.json, 33: open_clip_config.json */
    } cases[] = {
        {{"pytorch_model.bin"}, 24},
        {{"open_clip_pytorch_model.bin"}, 33},
        {{"open_clip_pytorch_model.bin", "pytorch_model.bin"}, 24},
        {{"open_clip_pytorch_model.bin", "model.safetensors"}, 24},
        {{"open_clip_pytorch_model.safetensors", "pytorch_model.bin"}, 33},
        {{"open_clip_pytorch_model.safetensors", "model.safetensors"}, 24},
        {{"open_clip_model.safetensors", "model.safetensors"}, 33},
        {{NULL}, 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_model("two", "F32");
        assert_int_equal(remove(in_directory("two/model.safetensors")), 0);
        write_text_in_directory("two/open_clip_config.json",
                                "{\"model_cfg\": {\"embed_dim\": 12, \"vision_cfg\": {}, "
                                "\"text_cfg\": {\"context_length\": 33}}}");
        for (size_t w = 0; w < 3 && cases[i].weights[w]; w++) {
            char path[64];
            (void)snprintf(path, sizeof path, "two/%s", cases[i].weights[w]);
            write_in_directory(path, "x", 1);
        }
        size_t context = 0;
        assert_ok(glimpse_model_read_context_length(&context, in_directory("two")));
        if (context != cases[i].context) fail_msg("case %zu: %zu", i, context);
        remove_tree(in_directory("two"));
    }
}

/*
 * What is refused.
 */
static const char *open_bytes(int expected, const void *data, size_t size) {
    glimpse_tensors *tensors = NULL;
    write_in_directory("weights.bin", data, size);
    int status = glimpse_tensors_open_file(&tensors, in_directory("weights.bin"));
    if (status == GLIMPSE_OK) status = glimpse_tensors_check_sums(tensors);
    glimpse_tensors_free(tensors);
    if (status != expected) {
        fail_msg("%s instead of %s (%s)", glimpse_status_name(status),
                 glimpse_status_name(expected), glimpse_last_error());
    }
    if (status < 0) assert_non_null(strstr(glimpse_last_error(), "weights.bin"));
    return glimpse_last_error();
}

#define ASSERT_MESSAGE(message, part)                                                \
 do {                                                                                \
  const char *said_ = (message);                                                     \
  if (!strstr(said_, (part))) fail_msg("\"%s\" does not say \"%s\"", said_, (part)); \
 } while (0)

/* An archive around a pickle and a storage of 6 F32. */
static const char *open_pickle(int expected, const void *pickle, size_t size) {
    static const float numbers[6] = {0, 1, 2, 3, 4, 5};
    const made_entry entries[] = {{"a/data.pkl", pickle, size, 0},
                                  {"a/data/0", numbers, sizeof numbers, 0}};
    size_t bytes;
    uint8_t *zip = make_zip(&bytes, entries, 2);
    const char *said = open_bytes(expected, zip, bytes);
    free(zip);
    return said;
}

static void a_program_is_refused_by_name_and_not_run(void **unused) {
    (void)unused;
    static const char *const files[] = {"system.bin", "system_old.bin"};
    (void)remove("glimpse-was-here");
    for (size_t i = 0; i < 2; i++) {
        glimpse_tensors *tensors = NULL;
        assert_int_equal(glimpse_tensors_open_file(&tensors, fixture(files[i])),
                         GLIMPSE_E_UNSUPPORTED);
        assert_null(tensors);
        ASSERT_MESSAGE(glimpse_last_error(), files[i]);
        ASSERT_MESSAGE(glimpse_last_error(),
                       "posix.system is not something weights need; the file was not run");
    }
    assert_false(path_exists("glimpse-was-here"));
    write_model("hostile", "F32");
    replace_weights("hostile", "system.bin", "pytorch_model.bin");
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, in_directory("hostile"), NULL),
                     GLIMPSE_E_UNSUPPORTED);
    ASSERT_MESSAGE(glimpse_last_error(), "posix.system");
}

static void every_other_name_is_refused_by_it(void **unused) {
    (void)unused;
    static const struct {
        const char *pickle, *name;
    } cases[] = {
        {"\x80\x02"
         "cos\nsystem\n.",
         "os.system"},
        {"\x80\x02"
         "cbuiltins\neval\n.",
         "builtins.eval"},
        {"\x80\x02"
         "c__builtin__\ngetattr\n.",
         "__builtin__.getattr"},
        {"\x80\x02"
         "cnumpy.core.multiarray\nscalar\n.",
         "numpy.core.multiarray.scalar"},
        {"\x80\x02"
         "ctorch.nn.modules.linear\nLinear\n.",
         "torch.nn.modules.linear.Linear"},
        {"\x80\x02"
         "ctorch\nload\n.",
         "torch.load"},
        {"\x80\x02"
         "ctorch\nComplexFloatStorage\n.",
         "torch.ComplexFloatStorage"},
        {"\x80\x02"
         "c__torch__.clip\nCLIP\n.",
         "__torch__.clip.CLIP"}, /* not in TorchScript */
        {"\x80\x02"
         "ccollections\nOrderedDict2\n.",
         "collections.OrderedDict2"},
        {"\x80\x02"
         "ccollections.x\nOrderedDict\n.",
         "collections.x.OrderedDict"},
        {"\x80\x02"
         "c\x1b[2J\nx\n.",
         "?[2J.x"},
        {"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[160];
        (void)snprintf(expected, sizeof expected,
                       "%s is not something weights need; the file was not run", cases[i].name);
        ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, cases[i].pickle, strlen(cases[i].pickle)),
                       expected);
    }
}

static void every_other_instruction_is_refused_by_name(void **unused) {
    (void)unused;
    static const struct {
        const char *bytes, *name;
    } refused[] = {
        {"0", "POP"},
        {"1", "POP_MARK"},
        {"2", "DUP"},
        {"F", "FLOAT"},
        {"I", "INT"},
        {"L", "LONG"},
        {"P", "PERSID"},
        {"S", "STRING"},
        {"V", "UNICODE"},
        {"d", "DICT"},
        {"g", "GET"},
        {"i", "INST"},
        {"l", "LIST"},
        {"o", "OBJ"},
        {"p", "PUT"},
        {"\x82", "EXT1"},
        {"\x83", "EXT2"},
        {"\x84", "EXT4"},
        {"\x8b", "LONG4"},
        {"\x91", "FROZENSET"},
        {"\x92", "NEWOBJ_EX"},
        {"\x97", "NEXT_BUFFER"},
        {"\x98", "READONLY_BUFFER"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char pickle[16], expected[96];
        (void)snprintf(pickle, sizeof pickle, "\x80\x02N%sxx.", refused[i].bytes);
        (void)snprintf(expected, sizeof expected,
                       "byte 3 of the pickle is the instruction %s, which weights do not need; the "
                       "file was not run",
                       refused[i].name);
        ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, pickle, strlen(pickle)), expected);
    }
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_FORMAT, "\x80\x02\xff.", 4), "0xff, is no instruction");
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, "\x80\x01}.", 4),
                   "protocol other than 2 to 5");
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_FORMAT, "}.", 2), "no pickle of protocol 2");
}

static void damaged_pickles_are_refused(void **unused) {
    (void)unused;
#define PICKLE(bytes) bytes, sizeof(bytes) - 1
    static const struct {
        const char *bytes;
        size_t size;
        const char *because;
    } cases[] = {
        {PICKLE("\x80\x02"), "ends before its argument"},
        {PICKLE("\x80\x02."), "ends without a value"},
        {PICKLE("\x80\x02NN."), "ends without a value"},
        {PICKLE("\x80\x02(N."), "ends without a value"},
        {PICKLE("\x80\x02t."), "a mark that is not there"},
        {PICKLE("\x80\x02N(s."), "a value that is not there"},
        {PICKLE("\x80\x02\x87."), "values that are not there"},
        {PICKLE("\x80\x02h\x05."), "was not remembered"},
        {PICKLE("\x80\x02X\xff\xff\xff\xffxx."), "ends before its argument"},
        {PICKLE("\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\xffxx."), "ends before its argument"},
        {PICKLE("\x80\x02"
                "cos"),
         "ends before its name"},
        {PICKLE("\x80\x02NQ."), "no storage of a tensor"},
        {PICKLE("\x80\x02N)R."), "no function"},
        {PICKLE("\x80\x02NN\x81."), "no class"},
        {PICKLE("\x80\x02]N}b."), "gives attributes"},
        {PICKLE("\x80\x02]NNs."), "no dictionary"},
        {PICKLE("\x80\x02}Na."), "no container"},
        {PICKLE("\x80\x02"
                "ctorch._utils\n_rebuild_tensor_v2\n)R."),
         "makes a tensor of something"},
        {PICKLE("\x80\x02"
                "ctorch._utils\n_rebuild_parameter\n)R."),
         "_rebuild_parameter called"},
        {PICKLE("\x80\x02"
                "ctorch\nFloatStorage\n)R."),
         "FloatStorage called"},
        {PICKLE("\x80\x02(X\7\0\0\0storageNX\1\0\0\0"
                "0X\3\0\0\0cpuK\1tQ."),
         "no storage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ASSERT_MESSAGE(open_pickle(GLIMPSE_E_FORMAT, cases[i].bytes, cases[i].size),
                       cases[i].because);
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, PICKLE("\x80\x02}.")), "no weights in it");
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, PICKLE("\x80\x02N.")), "no weights in it");
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_LIMIT, PICKLE("\x80\x02Nr\xff\xff\xff\xff.")),
                   "remembers");
}

static void floods_of_values_end_at_a_limit(void **unused) {
    (void)unused;
    const struct {
        char byte;
        size_t count;
    } floods[] = {{'N', 1 << 19}, {'(', 1 << 14}, {']', 1 << 19}};
    for (size_t i = 0; i < 3; i++) {
        char *pickle = malloc(floods[i].count + 2);
        assert_non_null(pickle);
        memset(pickle, floods[i].byte, floods[i].count + 2);
        memcpy(pickle, "\x80\x02", 2);
        ASSERT_MESSAGE(open_pickle(GLIMPSE_E_LIMIT, pickle, floods[i].count + 2),
                       "than any weights");
        free(pickle);
    }
    /* ((((N),),),) doubled at each step through the memo is no memory and no time. */
    char deep[4096] = "\x80\x02Nq", *at = deep + 4;
    *at++ = 0;
    for (int i = 0; i < 200; i++) {
        memcpy(at, "h\0\x86q\0", 5);
        at += 5;
    }
    *at++ = '.';
    ASSERT_MESSAGE(open_pickle(GLIMPSE_E_UNSUPPORTED, deep, (size_t)(at - deep)),
                   "no weights in it");
}

static const char *open_tensor(int expected, int64_t count, int64_t offset, size_t rank,
                               const int64_t *dims, const int64_t *strides) {
    size_t size;
    uint8_t *pickle = make_pickle(&size, count, offset, rank, dims, strides, "", 0);
    const char *said = open_pickle(expected, pickle, size);
    free(pickle);
    return said;
}

static void offsets_and_strides_stay_inside_the_storage(void **unused) {
    (void)unused;
    const int64_t big = INT64_MAX;
    (void)open_tensor(GLIMPSE_OK, 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1});
    (void)open_tensor(GLIMPSE_OK, 6, 5, 1, (int64_t[]){1}, (int64_t[]){1000});
    (void)open_tensor(GLIMPSE_OK, 6, 1000, 1, (int64_t[]){0}, (int64_t[]){1});
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 1, (int64_t[]){7}, (int64_t[]){1}),
                   "outside");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 1, 1, (int64_t[]){6}, (int64_t[]){1}),
                   "outside");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 1, (int64_t[]){2}, (int64_t[]){6}),
                   "outside");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 7, 0, 1, (int64_t[]){1}, (int64_t[]){1}),
                   "7 numbers of 4 bytes, but there are 24 bytes");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, big, 0, 1, (int64_t[]){1}, (int64_t[]){1}),
                   "cut short");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, -1, 1, (int64_t[]){1}, (int64_t[]){1}),
                   "offset");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 1, (int64_t[]){-1}, (int64_t[]){1}),
                   "no size");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 1, (int64_t[]){1}, (int64_t[]){-1}),
                   "stride");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 2, (int64_t[]){big, 3}, (int64_t[]){0, 0}),
                   "overflows");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 1, (int64_t[]){4}, (int64_t[]){big}),
                   "overflows");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_LIMIT, 6, 0, 1, (int64_t[]){1 << 30}, (int64_t[]){0}),
                   "8 times the bytes");
    ASSERT_MESSAGE(open_tensor(GLIMPSE_E_FORMAT, 6, 0, 9, (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1},
                               (int64_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}),
                   "too many dimensions");
}

/* A tensor of 2 x 3 in an archive whose entries are as told. */
static uint8_t *small_archive(size_t *size, int deflate, const char *byte_order, uint8_t *pickle,
                              size_t pickle_size, const void *numbers) {
    const made_entry entries[] = {
        {"a/data.pkl", pickle, pickle_size, deflate},
        {"a/data/0", numbers, 24, deflate},
        {"a/byteorder", byte_order, byte_order ? strlen(byte_order) : 0, 0}};
    return make_zip(size, entries, byte_order ? 3 : 2);
}

static void deflated_and_swapped_numbers_are_read(void **unused) {
    (void)unused;
    static const float numbers[6] = {0, 1, 2, 3, 4, 5};
    uint8_t swapped[24];
    for (size_t i = 0; i < 24; i++)
        swapped[i] = ((const uint8_t *)numbers)[i / 4 * 4 + 3 - i % 4];
    size_t pickle_size, size;
    uint8_t *pickle =
        make_pickle(&pickle_size, 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1}, "", 0);
    const struct {
        int deflate;
        const char *byte_order;
        const void *data;
    } cases[] = {
        {1, NULL, numbers}, {0, "little", numbers}, {0, "big", swapped}, {1, "big", swapped}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t *zip = small_archive(&size, cases[i].deflate, cases[i].byte_order, pickle,
                                     pickle_size, cases[i].data);
        write_in_directory("weights.bin", zip, size);
        glimpse_tensors *tensors = NULL;
        assert_ok(glimpse_tensors_open_file(&tensors, in_directory("weights.bin")));
        assert_numbers(tensors, "w", 2, (size_t[]){2, 3}, numbers);
        glimpse_tensors_free(tensors);
        free(zip);
    }
    uint8_t *zip = small_archive(&size, 0, "middle", pickle, pickle_size, numbers);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_FORMAT, zip, size), "byteorder");
    free(zip);
    free(pickle);
}

/*
 * Archives.
 */
static uint8_t *good_archive(size_t *size, int deflate) {
    static const float numbers[6] = {0, 1, 2, 3, 4, 5};
    size_t pickle_size;
    uint8_t *pickle = make_pickle(&pickle_size, 6, 0, 1, (int64_t[]){6}, (int64_t[]){1}, "", 0);
    uint8_t *zip = small_archive(size, deflate, NULL, pickle, pickle_size, numbers);
    free(pickle);
    return zip;
}

/* The place of the `nth` (from 0) of these four bytes. */
static size_t place_of(const uint8_t *zip, size_t size, const char *four, size_t nth) {
    for (size_t i = 0; i + 4 <= size; i++) {
        if (memcmp(zip + i, four, 4) == 0 && nth-- == 0) return i;
    }
    fail_msg("there is none");
    return 0;
}

static void archives_are_believed_as_far_as_they_bear_it_out(void **unused) {
    (void)unused;
    static const struct {
        const char *record; /* of which `byte` becomes `value` */
        size_t nth, byte;
        uint8_t value;
        const char *because;
    } cases[] = {
        {"PK\1\2", 0, 0, 'Q', "directory is not one"},
        {"PK\1\2", 1, 8, 1, "encrypted"},
        {"PK\1\2", 1, 10, 12, "neither stored nor deflated"},
        {"PK\1\2", 1, 20, 25, "two sizes"},
        {"PK\1\2", 1, 24, 25, "two sizes"},
        {"PK\1\2", 1, 28, 7, ""},
        {"PK\1\2", 1, 42, 0, ""},           /* where another entry lies */
        {"PK\1\2", 1, 45, 0x7f, "outside"}, /* far away */
        {"PK\1\2", 1, 46, 'b', "another name"},
        {"PK\3\4", 1, 8, 8, "packed otherwise"},
        {"PK\3\4", 1, 18, 23, "another size"},
        {"PK\3\4", 1, 26, 200, "does not fit"},
        {"PK\3\4", 1, 30, 'b', "another name"},
        {"PK\5\6", 0, 4, 1, "several files"},
        {"PK\5\6", 0, 10, 3, ""},
        {"PK\5\6", 0, 8, 3, ""},
        {"PK\5\6", 0, 12, 1, "directory"},
        {"PK\5\6", 0, 16, 255, "directory"},
        {"PK\5\6", 0, 19, 255, "directory does not fit"},
        {"PK\5\6", 0, 20, 1, "without its directory"},
    };
    size_t size;
    uint8_t *good = good_archive(&size, 0);
    (void)open_bytes(GLIMPSE_OK, good, size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *zip = malloc(size);
        assert_non_null(zip);
        memcpy(zip, good, size);
        zip[place_of(zip, size, cases[i].record, cases[i].nth) + cases[i].byte] = cases[i].value;
        glimpse_tensors *tensors = NULL;
        write_in_directory("weights.bin", zip, size);
        int status = glimpse_tensors_open_file(&tensors, in_directory("weights.bin"));
        if (status == GLIMPSE_OK) fail_msg("case %zu is not noticed", i);
        ASSERT_MESSAGE(glimpse_last_error(), cases[i].because);
        free(zip);
    }
    for (size_t cut = 4; cut < size; cut += 3)
        assert_true(open_bytes(GLIMPSE_E_FORMAT, good, cut) != NULL);
    free(good);
}

static void entries_that_overlap_or_come_twice_are_refused(void **unused) {
    (void)unused;
    static const float numbers[6] = {0};
    const made_entry twice[] = {{"a/data/0", numbers, 24, 0}, {"a/data/0", numbers, 24, 0}};
    size_t size;
    uint8_t *zip = make_zip(&size, twice, 2);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_FORMAT, zip, size), "is there twice");
    /* Two names of one place: the second record and its header point at the first. */
    size_t second = place_of(zip, size, "PK\1\2", 1);
    memset(zip + second + 42, 0, 4);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_FORMAT, zip, size), "overlaps");
    free(zip);
    /* A local header whose bytes run into the next one. */
    const made_entry entries[] = {{"a/data/0", numbers, 24, 0}, {"a/data/1", numbers, 24, 0}};
    zip = make_zip(&size, entries, 2);
    zip[28] = 4; /* an extra field, which moves the data */
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_FORMAT, zip, size), "overlaps");
    free(zip);
}

static void sums_tell_of_damaged_numbers(void **unused) {
    (void)unused;
    for (int deflate = 0; deflate < 2; deflate++) {
        size_t size;
        uint8_t *zip = good_archive(&size, deflate);
        size_t second = place_of(zip, size, "PK\3\4", 1);
        zip[second + 30 + 8 + 5] ^= 1;
        ASSERT_MESSAGE(open_bytes(GLIMPSE_E_FORMAT, zip, size), "checksum");
        free(zip);
    }
    /* And a model says so: its fingerprint is made of every byte. */
    write_model("damaged", "F32");
    replace_weights("damaged", "zip_f32.bin", "pytorch_model.bin");
    size_t size;
    uint8_t *bytes = read_whole_file(in_directory("damaged/pytorch_model.bin"), &size);
    bytes[size / 2] ^= 1;
    write_in_directory("damaged/pytorch_model.bin", bytes, size);
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, in_directory("damaged"), NULL), GLIMPSE_E_FORMAT);
    ASSERT_MESSAGE(glimpse_last_error(), "checksum");
    free(bytes);
}

static void a_flood_behind_few_compressed_bytes_is_refused(void **unused) {
    (void)unused;
    size_t bytes = 64u << 20, size;
    void *zeros = calloc(1, bytes);
    assert_non_null(zeros);
    const made_entry entries[] = {{"a/data.pkl", zeros, bytes, 1}};
    uint8_t *zip = make_zip(&size, entries, 1);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_LIMIT, zip, size), "more than any weights");
    free(zip);
    free(zeros);
}

static void other_archives_are_called_what_they_are(void **unused) {
    (void)unused;
    const made_entry numpy[] = {{"params.npy", "x", 1, 0}}, other[] = {{"letter.txt", "x", 1, 0}};
    size_t size;
    uint8_t *zip = make_zip(&size, numpy, 1);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_UNSUPPORTED, zip, size), "NumPy");
    free(zip);
    zip = make_zip(&size, other, 1);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_UNSUPPORTED, zip, size), "no data.pkl");
    free(zip);
    char tar[1024] = "storages";
    memcpy(tar + 257, "ustar", 5);
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_UNSUPPORTED, tar, sizeof tar), "tar archive");
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_UNSUPPORTED, "\x80\x04\x95\0\0\0\0\0\0\0\0}.", 13),
                   "torch.save did not write");
    ASSERT_MESSAGE(open_bytes(GLIMPSE_E_UNSUPPORTED,
                              "\x80\x02"
                              "cos\nsystem\n.",
                              13),
                   "os.system");
}

static void an_old_file_cut_anywhere_is_refused(void **unused) {
    (void)unused;
    size_t size;
    uint8_t *bytes = read_whole_file(fixture("views_old.bin"), &size);
    for (size_t cut = 12; cut < size; cut += cut + 200 < size ? 9 : 1)
        (void)open_bytes(GLIMPSE_E_FORMAT, bytes, cut);
    free(bytes);
}

int main(void) {
    const char *directory = getenv("GLIMPSE_TORCH_MODEL"); /* what make.py is given */
    if (directory) {
        random_model model = torch_model();
        return !random_model_write(&model, directory);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_of_storages_have_their_own_numbers),
        cmocka_unit_test(every_type_of_numbers_keeps_its_bytes),
        cmocka_unit_test(embeddings_are_those_of_the_same_model_in_safetensors),
        cmocka_unit_test(safetensors_come_first_where_both_are),
        cmocka_unit_test(shards_of_pytorch_have_an_index_as_well),
        cmocka_unit_test(every_kind_of_model_may_have_weights_of_pytorch),
        cmocka_unit_test(models_of_openclip_may_have_weights_of_pytorch),
        cmocka_unit_test(the_weights_decide_between_two_configurations),
        cmocka_unit_test(a_program_is_refused_by_name_and_not_run),
        cmocka_unit_test(every_other_name_is_refused_by_it),
        cmocka_unit_test(every_other_instruction_is_refused_by_name),
        cmocka_unit_test(damaged_pickles_are_refused),
        cmocka_unit_test(floods_of_values_end_at_a_limit),
        cmocka_unit_test(offsets_and_strides_stay_inside_the_storage),
        cmocka_unit_test(deflated_and_swapped_numbers_are_read),
        cmocka_unit_test(archives_are_believed_as_far_as_they_bear_it_out),
        cmocka_unit_test(entries_that_overlap_or_come_twice_are_refused),
        cmocka_unit_test(sums_tell_of_damaged_numbers),
        cmocka_unit_test(a_flood_behind_few_compressed_bytes_is_refused),
        cmocka_unit_test(other_archives_are_called_what_they_are),
        cmocka_unit_test(an_old_file_cut_anywhere_is_refused),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
