/*
 * A weights file is believed only as far as its bytes bear it out.
 */
#include "support/temporary.h"

#include "math/half.h"
#include "model/tensors.h"
#include "support/random_model.h"

#include <glimpse/sys/model.h>

#include <time.h>

static const char *const names[] = {"model.safetensors", "model.safetensors.index.json", NULL};

/* A file with this header, whose length field says `length` (or the true one for 0), and `bytes`
 * bytes of data. */
static void write_tensors(const char *name, const char *header, uint64_t length, size_t bytes) {
    size_t text = strlen(header);
    uint8_t *file = calloc(1, 8 + text + bytes + 1);
    assert_non_null(file);
    if (length == 0) length = text;
    for (size_t i = 0; i < 8; i++)
        file[i] = (uint8_t)(length >> 8 * i);
    memcpy(file + 8, header, text);
    for (size_t i = 0; i < bytes; i++)
        file[8 + text + i] = (uint8_t)(i * 7);
    write_in_directory(name, file, 8 + text + bytes);
    free(file);
}

static int open_header(const char *header, uint64_t length, size_t bytes) {
    write_tensors("model.safetensors", header, length, bytes);
    glimpse_tensors *tensors = NULL;
    int status = glimpse_tensors_open(&tensors, temp_directory, names);
    assert_true((status == GLIMPSE_OK) == (tensors != NULL));
    glimpse_tensors_free(tensors);
    return status;
}

static void assert_refused(const char *header, uint64_t length, size_t bytes, const char *because) {
    assert_int_equal(open_header(header, length, bytes), GLIMPSE_E_FORMAT);
    if (!strstr(glimpse_last_error(), because)) {
        fail_msg("\"%s\" does not say \"%s\"", glimpse_last_error(), because);
    }
    assert_non_null(strstr(glimpse_last_error(), "model.safetensors"));
}

#define TENSOR(dtype, shape, offsets) \
 "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void a_good_file_is_read_with_its_numbers(void **unused) {
    (void)unused;
    write_tensors(
        "model.safetensors",
        "{\"__metadata__\":{\"a\":\"b\"},\"b\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":"
        "[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]}}   ",
        0, 8);
    glimpse_tensors *tensors = NULL;
    assert_ok(glimpse_tensors_open(&tensors, temp_directory, names));
    assert_int_equal(glimpse_tensors_count(tensors), 3);
    assert_string_equal(glimpse_tensors_get(tensors, 0)->name, "a"); /* in order of name */
    const glimpse_tensor *b = glimpse_tensors_find(tensors, "b");
    assert_non_null(b);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->count, 2);
    assert_null(glimpse_tensors_find(tensors, "c"));
    glimpse_numbers numbers;
    assert_ok(glimpse_tensors_load(&numbers, tensors, "b", 2, (size_t[]){2, 1}));
    float values[2];
    glimpse_numbers_to_f32(values, &numbers);
    assert_float_equal(values[0], glimpse_f16_to_f32(0x0700), 0);
    assert_int_equal(glimpse_tensors_load(&numbers, tensors, "b", 2, (size_t[]){1, 2}),
                     GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "is 2 x 1, the configuration says 1 x 2"));
    assert_int_equal(glimpse_tensors_load(&numbers, tensors, "zzz", 1, (size_t[]){1}),
                     GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "missing"));
    glimpse_tensors_free(tensors);
}

static void lengths_that_do_not_fit_the_file_are_refused(void **unused) {
    (void)unused;
    const char *good = TENSOR("F32", "[2]", "[0,8]");
    assert_int_equal(open_header(good, 0, 8), GLIMPSE_OK);
    assert_refused(good, 1000, 8, "does not fit");
    assert_refused(good, UINT64_MAX, 8, "does not fit");
    assert_refused(good, UINT64_MAX - 7, 8, "does not fit");
    assert_refused(good, 5, 8, "not JSON");
    write_in_directory("model.safetensors", "1234567", 7);
    glimpse_tensors *tensors = NULL;
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, names), GLIMPSE_E_FORMAT);
    write_in_directory("model.safetensors", "", 0);
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, names), GLIMPSE_E_FORMAT);
}

static void offsets_outside_the_data_are_refused(void **unused) {
    (void)unused;
    assert_refused(TENSOR("F32", "[2]", "[0,8]"), 0, 7, "outside");
    assert_refused(TENSOR("F32", "[2]", "[4,12]"), 0, 8, "outside");
    assert_refused(TENSOR("F32", "[2]", "[8,0]"), 0, 8, "outside");
    assert_refused(TENSOR("F32", "[2]", "[-8,0]"), 0, 8, "whole number");
    assert_refused(TENSOR("F32", "[2]", "[9223372036854775800,9223372036854775807]"), 0, 8,
                   "outside");
    assert_refused(TENSOR("F32", "[2]", "[0.0,8.0]"), 0, 8, "whole number");
    assert_refused(TENSOR("F32", "[2]", "[0]"), 0, 8, "data_offsets");
}

static void shapes_that_do_not_match_the_data_are_refused(void **unused) {
    (void)unused;
    assert_refused(TENSOR("F32", "[3]", "[0,8]"), 0, 8, "need 12");
    assert_refused(TENSOR("F32", "[4294967296,4294967296]", "[0,8]"), 0, 8, "overflow");
    assert_refused(TENSOR("F32", "[4611686018427387904]", "[0,0]"), 0, 8, "overflow");
    assert_refused(TENSOR("F32", "[-1]", "[0,8]"), 0, 8, "whole number");
    assert_refused(TENSOR("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), 0, 8, "too many");
    assert_refused(TENSOR("F32", "2", "[0,8]"), 0, 8, "shape");
}

#define TWO(first, second)                                              \
 "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" first "}," \
 "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" second "}}"

static void bytes_of_two_tensors_or_of_none_are_refused(void **unused) {
    (void)unused;
    assert_int_equal(open_header(TWO("[0,8]", "[8,16]"), 0, 16), GLIMPSE_OK);
    assert_int_equal(open_header(TWO("[8,16]", "[0,8]"), 0, 16), GLIMPSE_OK);
    assert_refused(TWO("[0,8]", "[0,8]"), 0, 8, "overlap");
    assert_refused(TWO("[0,8]", "[4,12]"), 0, 12, "\"b\": its data_offsets 4..12 overlap");
    assert_refused(TWO("[0,8]", "[12,20]"), 0, 20, "leave the bytes from 8 on");
    assert_refused(TWO("[4,12]", "[12,20]"), 0, 20, "leave the bytes from 0 on");
    assert_refused(TWO("[0,8]", "[8,16]"), 0, 20, "end at byte 16 of 20");
}

static void refuse_many(size_t tensors, const char *entry) {
    size_t length = strlen(entry), used = 1;
    char *header = malloc(tensors * (length + 16) + 3);
    assert_non_null(header);
    header[0] = '{';
    for (size_t i = 0; i < tensors; i++)
        used += (size_t)sprintf(header + used, "%s\"t%zu\":%s", i ? "," : "", i, entry);
    header[used++] = '}';
    header[used] = '\0';
    int status = open_header(header, 0, 0);
    assert_int_equal(status, GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), "model.safetensors"));
    free(header);
}

/* A tenth of a second is enough for each; whoever compares all pairs outlasts the test's time. */
static void a_flood_of_tensors_is_refused_at_once(void **unused) {
    (void)unused;
    static const char entry[] = "{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
    refuse_many(900000, entry);
    refuse_many(40000, entry); /* few enough to be parsed */
    refuse_many(900000, "{}");
}

static void an_index_must_be_true(void **unused) {
    (void)unused;
    static const char *const index_only[] = {"model.safetensors.index.json", NULL};
    static const char *const lies[] = {
        "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}",
        "{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"one.safetensors\"}}",
        ("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\",\"c\":\"two."
         "safetensors\"}}")};
    glimpse_tensors *tensors = NULL;
    write_tensors("one.safetensors",
                  "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 4);
    write_tensors("two.safetensors",
                  "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 0, 4);
    for (size_t i = 0; i < 3; i++) {
        write_in_directory("model.safetensors.index.json", lies[i], strlen(lies[i]));
        assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, index_only),
                         GLIMPSE_E_FORMAT);
        assert_non_null(strstr(glimpse_last_error(), "is not in"));
    }
}

static void headers_that_are_not_what_they_should_be_are_refused(void **unused) {
    (void)unused;
    assert_refused("[1,2]", 0, 0, "not an object");
    assert_refused("{\"t\":3}", 0, 0, "object");
    assert_refused("{\"t\":{}}", 0, 0, "needs a dtype");
    assert_refused("{\"t\":", 0, 0, "not JSON");
    assert_refused("{\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                   "\"t\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
                   0, 4, "uplicate");
    assert_int_equal(open_header(TENSOR("Q7", "[1]", "[0,1]"), 0, 1), GLIMPSE_E_UNSUPPORTED);
}

static void deep_nesting_is_refused_not_followed(void **unused) {
    (void)unused;
    size_t depth = 1000000;
    char *header = malloc(depth + 1);
    assert_non_null(header);
    memset(header, '[', depth);
    header[depth] = '\0';
    assert_int_equal(open_header(header, 0, 0), GLIMPSE_E_FORMAT);
    free(header);
}

static void an_index_may_name_only_files_beside_it(void **unused) {
    (void)unused;
    static const char *const index_only[] = {"model.safetensors.index.json", NULL};
    static const char *const hostile[] = {"../model.safetensors", "/etc/passwd", "..", "a/b"};
    glimpse_tensors *tensors = NULL;
    for (size_t i = 0; i < 4; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "{\"weight_map\":{\"t\":\"%s\"}}", hostile[i]);
        write_in_directory("model.safetensors.index.json", text, strlen(text));
        assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, index_only),
                         GLIMPSE_E_FORMAT);
        assert_non_null(strstr(glimpse_last_error(), "plain file name"));
    }
    const char *missing = "{\"weight_map\":{\"t\":\"not-there.safetensors\"}}";
    write_in_directory("model.safetensors.index.json", missing, strlen(missing));
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, index_only),
                     GLIMPSE_E_NOT_FOUND);
    const char *empty = "{\"weight_map\":{}}";
    write_in_directory("model.safetensors.index.json", empty, strlen(empty));
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, index_only), GLIMPSE_E_FORMAT);
}

static void a_tensor_in_two_shards_is_refused(void **unused) {
    (void)unused;
    static const char *const index_only[] = {"model.safetensors.index.json", NULL};
    const char *index = "{\"weight_map\":{\"t\":\"one.safetensors\",\"u\":\"two.safetensors\"}}";
    write_in_directory("model.safetensors.index.json", index, strlen(index));
    write_tensors("one.safetensors", TENSOR("F32", "[1]", "[0,4]"), 0, 4);
    write_tensors("two.safetensors", TENSOR("F32", "[1]", "[0,4]"), 0, 4);
    glimpse_tensors *tensors = NULL;
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, index_only), GLIMPSE_E_FORMAT);
    assert_non_null(strstr(glimpse_last_error(), "two files"));
}

static void missing_weights_are_said_to_be_missing(void **unused) {
    (void)unused;
    static const char *const nothing[] = {"nothing.safetensors", NULL};
    glimpse_tensors *tensors = NULL;
    assert_int_equal(glimpse_tensors_open(&tensors, temp_directory, nothing), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "safetensors"));
}

/* Bytes of a real model file changed at random: opening the whole model must end in a status, never
 * in a crash (the sanitizer build watches). */
static void mutated_files_never_crash_the_reader(void **unused) {
    (void)unused;
    char model_directory[1024];
    (void)snprintf(model_directory, sizeof model_directory, "%s/fuzz", temp_directory);
    random_model tiny = random_model_tiny();
    assert_true(random_model_write(&tiny, model_directory));
    char path[1100];
    (void)snprintf(path, sizeof path, "%s/model.safetensors", model_directory);
    size_t size = 0;
    uint8_t *bytes = read_whole_file(path, &size);
    uint8_t *changed = malloc(size);
    assert_non_null(changed);
    uint64_t header = 0, state = 7;
    for (size_t i = 8; i-- > 0;)
        header = header << 8 | bytes[i];
    size_t opened = 0;
    for (int round = 0; round < 400; round++) {
        memcpy(changed, bytes, size);
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t flips = 1 + (state >> 60) % 4;
        for (size_t f = 0; f < flips; f++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            changed[(state >> 33) % (header + 8)] ^= (uint8_t)(1u << (state >> 20) % 8);
        }
        size_t kept = round % 5 == 0 ? (state >> 30) % size : size;
        write_file(path, changed, kept);
        glimpse_model *model = NULL;
        int status = glimpse_model_open(&model, model_directory, NULL);
        if (status == GLIMPSE_OK) opened++;
        assert_true(status == GLIMPSE_OK || model == NULL);
        glimpse_model_close(model);
    }
    print_message("%zu of 400 mutated files were still models\n", opened);
    assert_true(opened < 400);
    free(bytes);
    free(changed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_read_with_its_numbers),
        cmocka_unit_test(lengths_that_do_not_fit_the_file_are_refused),
        cmocka_unit_test(offsets_outside_the_data_are_refused),
        cmocka_unit_test(shapes_that_do_not_match_the_data_are_refused),
        cmocka_unit_test(bytes_of_two_tensors_or_of_none_are_refused),
        cmocka_unit_test(a_flood_of_tensors_is_refused_at_once),
        cmocka_unit_test(an_index_must_be_true),
        cmocka_unit_test(headers_that_are_not_what_they_should_be_are_refused),
        cmocka_unit_test(deep_nesting_is_refused_not_followed),
        cmocka_unit_test(an_index_may_name_only_files_beside_it),
        cmocka_unit_test(a_tensor_in_two_shards_is_refused),
        cmocka_unit_test(missing_weights_are_said_to_be_missing),
        cmocka_unit_test(mutated_files_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
