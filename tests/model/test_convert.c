/*
 * What PyTorch saved is written as safetensors whole, or not at all.
 */
#include "support/temporary.h"

#include "model/tensors.h"
#include "torch_support.h"

#include <glimpse/sys/model.h>
#include <glimpse/sys/weights.h>

#include <dirent.h>

static const char *fixture(const char *name) {
    static char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", source_path("tests/fixtures/pytorch"), name);
    return path;
}

static size_t files_in(const char *path) {
    size_t count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    (void)closedir(directory);
    return count;
}

static void assert_same_tensors(const char *a, const char *b) {
    glimpse_tensors *x = NULL, *y = NULL;
    assert_ok(glimpse_tensors_open_file(&x, a));
    assert_ok(glimpse_tensors_open_file(&y, b));
    assert_int_equal(glimpse_tensors_count(x), glimpse_tensors_count(y));
    for (size_t i = 0; i < glimpse_tensors_count(x); i++) {
        const glimpse_tensor *s = glimpse_tensors_get(x, i), *t = glimpse_tensors_get(y, i);
        assert_string_equal(s->name, t->name);
        assert_string_equal(s->dtype, t->dtype);
        assert_int_equal(s->rank, t->rank);
        for (size_t d = 0; d < s->rank; d++)
            assert_int_equal(s->dims[d], t->dims[d]);
        assert_int_equal(s->bytes, t->bytes);
        assert_memory_equal(s->data, t->data, s->bytes);
    }
    glimpse_tensors_free(x);
    glimpse_tensors_free(y);
}

static void every_format_becomes_the_same_tensors(void **unused) {
    (void)unused;
    static const struct {
        const char *file, *format;
    } files[] = {{"zip_f32.bin", "PyTorch (zip)"},         {"zip_bf16.bin", "PyTorch (zip)"},
                 {"old_f16.bin", "PyTorch (before 1.6)"},  {"script_f16.pt", "TorchScript"},
                 {"checkpoint_f16.pt", "PyTorch (zip)"},   {"views.bin", "PyTorch (zip)"},
                 {"views_old.bin", "PyTorch (before 1.6)"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
        glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
        options.output = in_directory("out.safetensors");
        options.flags = GLIMPSE_CONVERT_OVERWRITE;
        assert_ok(glimpse_weights_convert(fixture(files[i].file), &options, &report));
        assert_string_equal(report.format, files[i].format);
        assert_string_equal(report.output, in_directory("out.safetensors"));
        assert_string_equal(report.source, fixture(files[i].file));
        size_t size;
        free(read_whole_file(report.output, &size));
        assert_int_equal(report.bytes, size);
        assert_same_tensors(report.output, fixture(files[i].file));
    }
}

static void a_header_is_what_other_programs_expect(void **unused) {
    (void)unused;
    glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
    options.output = in_directory("header.safetensors");
    assert_ok(glimpse_weights_convert(fixture("views.bin"), &options, NULL));
    size_t size;
    char *bytes = read_whole_file(options.output, &size);
    uint64_t length = 0;
    for (size_t i = 8; i-- > 0;)
        length = length << 8 | (uint8_t)bytes[i];
    assert_int_equal(length % 8, 0);
    static const char beginning[] = "{\"__metadata__\":{\"format\":\"pt\"},";
    assert_memory_equal(bytes + 8, beginning, sizeof beginning - 1);
    glimpse_tensors *tensors = NULL;
    assert_ok(glimpse_tensors_open_file(&tensors, options.output));
    for (size_t i = 0; i < glimpse_tensors_count(tensors); i++) {
        const glimpse_tensor *t = glimpse_tensors_get(tensors, i);
        assert_int_equal((uintptr_t)t->data % glimpse_tensors_element(t->dtype), 0);
    }
    glimpse_tensors_free(tensors);
    free(bytes);
}

static void a_model_has_the_same_fingerprint_before_and_after(void **unused) {
    (void)unused;
    random_model model = torch_model();
    char before[33], after[33];
    assert_true(random_model_write(&model, in_directory("model")));
    assert_int_equal(remove(in_directory("model/model.safetensors")), 0);
    copy_file(fixture("zip_f32.bin"), in_directory("model/pytorch_model.bin"));
    assert_ok(glimpse_model_read_fingerprint(before, in_directory("model")));
    glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
    assert_ok(glimpse_weights_convert(in_directory("model"), NULL, &report));
    assert_string_equal(report.output, in_directory("model/model.safetensors"));
    assert_int_equal(remove(in_directory("model/pytorch_model.bin")), 0);
    assert_ok(glimpse_model_read_fingerprint(after, in_directory("model")));
    assert_string_equal(before, after);
}

static void names_follow_those_of_the_weights(void **unused) {
    (void)unused;
    static const struct {
        const char *from, *to;
    } names[] = {{"pytorch_model.bin", "model.safetensors"},
                 {"open_clip_pytorch_model.bin", "open_clip_model.safetensors"},
                 {"ViT-B-32.pt", "ViT-B-32.safetensors"},
                 {"weights", "weights.safetensors"}};
    make_parents(in_directory("names/x"));
    make_parents(in_directory("elsewhere/x"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
        glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
        (void)snprintf(path, sizeof path, "names/%s", names[i].from);
        copy_file(fixture("views.bin"), in_directory(path));
        assert_ok(glimpse_weights_convert(in_directory(path), NULL, &report));
        (void)snprintf(path, sizeof path, "names/%s", names[i].to);
        assert_string_equal(report.output, in_directory(path));
        (void)snprintf(path, sizeof path, "names/%s", names[i].from);
        options.output = in_directory("elsewhere");
        assert_ok(glimpse_weights_convert(in_directory(path), &options, &report));
        (void)snprintf(path, sizeof path, "elsewhere/%s", names[i].to);
        assert_string_equal(report.output, in_directory(path));
    }
}

static void nothing_is_written_where_it_fails(void **unused) {
    (void)unused;
    make_parents(in_directory("failures/x"));
    glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
    char output[1200];
    (void)snprintf(output, sizeof output, "%s", in_directory("failures/out.safetensors"));
    options.output = output;
    assert_int_equal(glimpse_weights_convert(fixture("system.bin"), &options, NULL),
                     GLIMPSE_E_UNSUPPORTED);
    size_t size;
    uint8_t *bytes = read_whole_file(fixture("zip_f32.bin"), &size);
    bytes[size / 2] ^= 1; /* one of the numbers */
    write_in_directory("damaged.bin", bytes, size);
    free(bytes);
    assert_int_equal(glimpse_weights_convert(in_directory("damaged.bin"), &options, NULL),
                     GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "checksum"));
    assert_int_equal(glimpse_weights_convert(in_directory("nowhere.bin"), &options, NULL),
                     GLIMPSE_E_NOT_FOUND);
    assert_int_equal(files_in(in_directory("failures")), 0);
    write_in_directory("failures/out.safetensors", "mine", 4);
    assert_int_equal(glimpse_weights_convert(fixture("views.bin"), &options, NULL),
                     GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "is there already"));
    free(read_whole_file(in_directory("failures/out.safetensors"), &size));
    assert_int_equal(size, 4);
    options.flags = GLIMPSE_CONVERT_OVERWRITE;
    assert_ok(glimpse_weights_convert(fixture("views.bin"), &options, NULL));
    assert_int_equal(glimpse_weights_convert(options.output, NULL, NULL), GLIMPSE_E_INVALID);
    assert_non_null(strstr(glimpse_last_error(), "safetensors already"));
    options.flags = 8;
    assert_int_equal(glimpse_weights_convert(fixture("views.bin"), &options, NULL),
                     GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_weights_convert(NULL, NULL, NULL), GLIMPSE_E_INVALID);
    assert_int_equal(files_in(in_directory("failures")), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_becomes_the_same_tensors),
        cmocka_unit_test(a_header_is_what_other_programs_expect),
        cmocka_unit_test(a_model_has_the_same_fingerprint_before_and_after),
        cmocka_unit_test(names_follow_those_of_the_weights),
        cmocka_unit_test(nothing_is_written_where_it_fails),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
