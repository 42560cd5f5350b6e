/*
 * What stands in place of a model's file is called by its name, and the message says what to do.
 */
#include "support/temporary.h"

#include "support/random_model.h"

#include <glimpse/sys/model.h>

static const char pointer[] =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 605247071\n";
static const char page[] =
    "\r\n<!DOCTYPE HTML>\n<html><head><title>Sign in</title></head></html>\n";
static const char failed[] = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>\n";

/* A fresh model in the directory "model", and what opening says once `file` is these bytes. */
static const char *open_with(int siglip, const char *file, const void *bytes, size_t size,
                             int expected) {
    random_model tiny = siglip ? random_model_tiny_siglip() : random_model_tiny();
    char name[64];
    if (path_exists(in_directory("model"))) remove_tree(in_directory("model"));
    assert_true(random_model_write(&tiny, in_directory("model")));
    (void)snprintf(name, sizeof name, "model/%s", file);
    write_in_directory(name, bytes, size);
    glimpse_model *model = NULL;
    int status = glimpse_model_open(&model, in_directory("model"), NULL);
    glimpse_model_close(model);
    if (status != expected) {
        fail_msg("%s: %s (%s)", file, glimpse_status_name(status), glimpse_last_error());
    }
    return glimpse_last_error();
}

#define ASSERT_MESSAGE(message, part)                                                \
 do {                                                                                \
  const char *said_ = (message);                                                     \
  if (!strstr(said_, (part))) fail_msg("\"%s\" does not say \"%s\"", said_, (part)); \
 } while (0)

static const struct {
    int siglip;
    const char *name;
} model_files[] = {
    {0, "model.safetensors"},
    {0, "config.json"},
    {0, "vocab.json"},
    {0, "merges.txt"},
    {0, "preprocessor_config.json"},
    {1, "tokenizer.json"},
    {1, "tokenizer_config.json"},
};
enum { MODEL_FILES = sizeof model_files / sizeof *model_files };

static void a_pointer_of_git_lfs_is_named_with_the_command_that_mends_it(void **unused) {
    (void)unused;
    char command[1200];
    (void)snprintf(command, sizeof command, "git -C \"%s\" lfs pull", in_directory("model"));
    for (size_t i = 0; i < MODEL_FILES; i++) {
        const char *said = open_with(model_files[i].siglip, model_files[i].name, pointer,
                                     sizeof pointer - 1, GLIMPSE_E_FORMAT);
        ASSERT_MESSAGE(said, model_files[i].name);
        ASSERT_MESSAGE(said,
                       "a git-lfs pointer and not the file itself, which has 605247071 bytes");
        ASSERT_MESSAGE(said, command);
    }
}

static void a_web_page_is_no_file_of_a_model(void **unused) {
    (void)unused;
    for (size_t i = 0; i < MODEL_FILES; i++) {
        const char *said = open_with(model_files[i].siglip, model_files[i].name, page,
                                     sizeof page - 1, GLIMPSE_E_FORMAT);
        ASSERT_MESSAGE(said, model_files[i].name);
        ASSERT_MESSAGE(said, "a web page and not the file");
    }
    ASSERT_MESSAGE(open_with(0, "model.safetensors", failed, sizeof failed - 1, GLIMPSE_E_FORMAT),
                   "a web page and not the file");
}

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *bytes;
    size_t size;
    const char *format, *file;
} formats[] = {
    {BYTES("\x08\x07\x12\x07pytorch\x1a\x06"
           "1.13.0:\xf1\x01"),
     "ONNX", "model.onnx"},
    {BYTES("\x1c\0\0\0TFL3\x14\0\x20\0"), "TFLite", "model.tflite"},
    {BYTES("\x08\x04\x12\x95\x02\x0a\x1e\x0a\x05image"), "Core ML", "model.mlmodel"},
    {BYTES("\x85\xaatext_model\xc0\x83"), "MessagePack (Flax)", "flax_model.msgpack"},
    {BYTES("\xde\0\x11\xd9\x22vision_model_with_a_long_long_name"), "MessagePack (Flax)",
     "flax_model.msgpack"},
    {BYTES("GGUF\3\0\0\0\0\0\0\0\0\0\0\0"), "GGUF", "clip.gguf"},
    {BYTES("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "HDF5 (Keras, TensorFlow)", "tf_model.h5"},
};

static void weights_of_other_programs_are_called_what_they_are(void **unused) {
    (void)unused;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "%s, which is not read", formats[i].format);
        const char *said = open_with(0, "model.safetensors", formats[i].bytes, formats[i].size,
                                     GLIMPSE_E_UNSUPPORTED);
        ASSERT_MESSAGE(said, expected);
        ASSERT_MESSAGE(said, "get the model as safetensors or as PyTorch wrote it");
        /* And where they are all that a directory has. */
        random_model tiny = random_model_tiny();
        char name[64];
        remove_tree(in_directory("model"));
        assert_true(random_model_write(&tiny, in_directory("model")));
        assert_int_equal(remove(in_directory("model/model.safetensors")), 0);
        (void)snprintf(name, sizeof name, "model/%s", formats[i].file);
        write_in_directory(name, formats[i].bytes, formats[i].size);
        glimpse_model *model = NULL;
        assert_int_equal(glimpse_model_open(&model, in_directory("model"), NULL),
                         GLIMPSE_E_NOT_FOUND);
        ASSERT_MESSAGE(glimpse_last_error(), "looked for model.safetensors, pytorch_model.bin");
        (void)snprintf(expected, sizeof expected, "%s is %s, which is not read", formats[i].file,
                       formats[i].format);
        ASSERT_MESSAGE(glimpse_last_error(), expected);
        /* And given in place of a directory. */
        assert_int_equal(glimpse_model_open(&model, in_directory(name), NULL),
                         GLIMPSE_E_UNSUPPORTED);
        ASSERT_MESSAGE(glimpse_last_error(), formats[i].format);
    }
}

static void models_of_immich_are_recognised(void **unused) {
    (void)unused;
    random_model tiny = random_model_tiny();
    assert_true(random_model_write(&tiny, in_directory("immich")));
    make_parents(in_directory("immich/visual/model.onnx"));
    make_parents(in_directory("immich/textual/model.onnx"));
    write_in_directory("immich/visual/model.onnx", formats[0].bytes, formats[0].size);
    write_in_directory("immich/textual/model.onnx", formats[0].bytes, formats[0].size);
    write_text_in_directory("immich/config.json", "{\"embed_dim\": 512, \"vision_cfg\": {}}");
    glimpse_model *model = NULL;
    assert_int_equal(glimpse_model_open(&model, in_directory("immich"), NULL),
                     GLIMPSE_E_UNSUPPORTED);
    ASSERT_MESSAGE(glimpse_last_error(), "a model as immich keeps it, in ONNX, which is not read");
    /* Under its own name, which the table knows. */
    static const char own[] = "ViT-B-32__openai";
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/", in_directory(own));
    assert_int_equal(rename(in_directory("immich"), in_directory(own)), 0);
    assert_int_equal(glimpse_model_open(&model, path, NULL), GLIMPSE_E_UNSUPPORTED);
    ASSERT_MESSAGE(glimpse_last_error(), own);
    ASSERT_MESSAGE(glimpse_last_error(), "gets the same model in a form that is");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pointer_of_git_lfs_is_named_with_the_command_that_mends_it),
        cmocka_unit_test(a_web_page_is_no_file_of_a_model),
        cmocka_unit_test(weights_of_other_programs_are_called_what_they_are),
        cmocka_unit_test(models_of_immich_are_recognised),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
