/*
 * Every allocation of reading and converting what PyTorch saved fails once: each failure is
 * reported as out of memory, and nothing leaks or crashes (the sanitizer build watches).
 */
#include "support/temporary.h"

#include "model/tensors.h"
#include "support/allocations.h"

#include <glimpse/sys/weights.h>

static const char *const files[] = {"views.bin", "views_old.bin", "checkpoint_f16.pt",
                                    "script_f16.pt"};
enum { FILES = sizeof files / sizeof *files };

static void fail_each(const char *file, int converted) {
    char path[1200], output[1200];
    (void)snprintf(path, sizeof path, "%s/%s", source_path("tests/fixtures/pytorch"), file);
    (void)snprintf(output, sizeof output, "%s", in_directory("out.safetensors"));
    long failures = 0;
    for (long n = 0;; n++) {
        glimpse_tensors *tensors = NULL;
        glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
        options.output = output;
        options.flags = GLIMPSE_CONVERT_OVERWRITE;
        fail_allocations_after(n);
        int status = converted ? glimpse_weights_convert(path, &options, NULL)
                               : glimpse_tensors_open_file(&tensors, path);
        if (!let_allocations_succeed()) {
            assert_ok(status);
            glimpse_tensors_free(tensors);
            break;
        }
        failures++;
        assert_null(tensors);
        if (status != GLIMPSE_E_NOMEM) {
            fail_msg("%s, allocation %ld: %s (%s)", file, n, glimpse_status_name(status),
                     glimpse_last_error());
        }
    }
    assert_true(failures > 10);
}

static void reading_says_so(void **unused) {
    (void)unused;
    for (size_t i = 0; i < FILES; i++)
        fail_each(files[i], 0);
}

static void converting_says_so(void **unused) {
    (void)unused;
    fail_each(files[0], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_says_so),
        cmocka_unit_test(converting_says_so),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
