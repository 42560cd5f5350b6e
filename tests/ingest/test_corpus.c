/*
 * With the demo model: a corpus of real files, good, odd, broken and hostile, goes through; every
 * picture that should be readable is embedded, every broken one is listed with its reason, memory
 * keeps its bound, and neither workers nor batches change what comes out.
 *
 * Indexing happens in a process of its own, so that its memory can be measured.
 */
#include "ingest_support.h"

#include "support/numbers.h"

#include <glimpse/sys/model.h>

#include <math.h>
#include <sys/wait.h>

/* What docs/indexing.md promises for two workers, with the model and its encoders on top. */
enum { MEMORY_LIMIT_MB = 1024 + 256 + 256 };

static char self[PATH_MAX];

static glimpse_model *open_demo_model(void) {
    glimpse_model *model = NULL;
    glimpse_model_options choice = GLIMPSE_MODEL_OPTIONS_INIT;
    choice.towers = GLIMPSE_TOWER_IMAGE;
    choice.precision = GLIMPSE_PRECISION_F32;
    if (access(source_path("data/models/demo"), R_OK) != 0) {
        print_message("SKIPPED: no demo model\n");
        skip();
    }
    assert_ok(glimpse_model_open(&model, source_path("data/models/demo"), &choice));
    return model;
}

static long peak_kilobytes(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long value = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0) value = strtol(line + 6, NULL, 10);
    }
    if (file) (void)fclose(file);
    return value;
}

/* --index LIBRARY ROOT...: prints "files embedded bound unchanged quarantined peak-KB peak-bytes
 * seconds". */
static int index_main(int count, char **arguments) {
    glimpse_library *library = NULL;
    glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
    glimpse_ingest_report r = GLIMPSE_INGEST_REPORT_INIT;
    glimpse_model *model = open_demo_model();
    options.model = model;
    options.roots = (const char *const *)(arguments + 1);
    options.root_count = (size_t)(count - 1);
    options.jobs = 2;
    int status = glimpse_library_open(&library, arguments[0], GLIMPSE_LIBRARY_CREATE);
    if (status == GLIMPSE_OK) status = glimpse_library_ingest(&r, library, &options);
    if (status < 0) {
        fprintf(stderr, "%s\n", glimpse_last_error());
    } else {
        printf("%llu %llu %llu %llu %llu %ld %zu %.2f\n", (unsigned long long)r.files,
               (unsigned long long)r.embedded, (unsigned long long)r.bound,
               (unsigned long long)r.unchanged, (unsigned long long)r.quarantined, peak_kilobytes(),
               r.peak_bytes, r.seconds);
    }
    glimpse_library_close(library);
    glimpse_model_close(model);
    return status < 0;
}

typedef struct outcome {
    long files, embedded, bound, unchanged, quarantined, peak_kb, peak_bytes;
    double seconds;
} outcome;

static outcome index_in_a_process(const fixture *f, const char *const *roots, size_t count) {
    char *arguments[16] = {self, (char *)(uintptr_t) "--index", f->library_path};
    assert_true(count < 12);
    for (size_t i = 0; i < count; i++)
        arguments[3 + i] = (char *)(uintptr_t)roots[i];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        execv(self, arguments);
        _exit(8);
    }
    (void)close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    outcome o = {0};
    char line[256] = "";
    assert_non_null(lines);
    char *ok = fgets(line, sizeof line, lines);
    (void)fclose(lines);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!ok || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail_msg("indexing ended with wait status %x", (unsigned)status);
    }
    char *at_number = line;
    long *const fields[] = {&o.files,       &o.embedded, &o.bound,     &o.unchanged,
                            &o.quarantined, &o.peak_kb,  &o.peak_bytes};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = strtol(at_number, &at_number, 10);
    }
    o.seconds = strtod(at_number, NULL);
    return o;
}

/* The line of `dump` for a path, from its state on; NULL when it is not there. */
static const char *state_of(const char *dump, const char *path) {
    static char line[1024];
    const size_t length = strlen(path);
    for (const char *at_line = dump; *at_line; at_line = strchr(at_line, '\n') + 1) {
        if (strncmp(at_line, path, length) != 0 || at_line[length] != ' ') continue;
        const char *end = strchr(at_line, '\n');
        (void)snprintf(line, sizeof line, "%.*s", (int)(end - at_line - (long)length - 1),
                       at_line + length + 1);
        return line;
    }
    return NULL;
}

/* The fields of a csv line, quotes undone, in place; at most `room`. */
static size_t split_csv(char *line, char **fields, size_t capacity) {
    size_t count = 0;
    char *out = line, *in = line;
    while (count < capacity) {
        fields[count++] = out;
        int quoted = 0;
        for (; *in && *in != '\n' && *in != '\r' && (quoted || *in != ','); in++) {
            if (*in != '"')
                *out++ = *in;
            else if (quoted && in[1] == '"')
                *out++ = *in++;
            else
                quoted = !quoted;
        }
        const char stop = *in;
        if (*in) in++;
        *out++ = '\0';
        if (stop != ',') break;
    }
    return count;
}

static void check_formats(const char *dump, const char *directory) {
    static const char *const decodable[] = {"JPEG", "PNG", "BMP", "GIF",
                                            "PPM",  "TGA", "PSD", "WEBP"};
    char path[PATH_MAX], line[2048];
    (void)snprintf(path, sizeof path, "%s/formats.csv", directory);
    FILE *csv = fopen(path, "r");
    assert_non_null(csv);
    int checked = 0;
    while (fgets(line, sizeof line, csv)) {
        char *fields[9];
        if (split_csv(line, fields, 9) < 7 || strcmp(fields[6], "ok") != 0) continue;
        int expected = 0;
        for (size_t i = 0; i < sizeof decodable / sizeof decodable[0]; i++) {
            if (strcmp(fields[1], decodable[i]) == 0) expected = 1;
        }
        if (!expected) continue;
        (void)snprintf(path, sizeof path, "%s/%s", directory, fields[0]);
        const char *state = state_of(dump, path);
        if (!state || strncmp(state, "0 0 ", 4) != 0) {
            fail_msg("%s: Pillow reads it, the library says %s", path, state ? state : "nothing");
        }
        checked++;
    }
    (void)fclose(csv);
    print_message("formats: %d files that Pillow reads are embedded\n", checked);
    assert_true(checked > 250);
}

/* Every broken file with a picture's name is accounted for; no reason is empty or names a path. */
static void check_broken(const char *dump, const char *directory) {
    char path[PATH_MAX], line[4096];
    (void)snprintf(path, sizeof path, "%s/broken.csv", directory);
    FILE *csv = fopen(path, "r");
    assert_non_null(csv);
    int listed = 0, readable = 0, refused = 0;
    while (fgets(line, sizeof line, csv)) {
        char *fields[4];
        if (split_csv(line, fields, 4) < 3 || strcmp(fields[0], "file") == 0) continue;
        if (fields[0][0] == '.' || !glimpse_image_name_is_picture(fields[0])) continue;
        (void)snprintf(path, sizeof path, "%s/%s", directory, fields[0]);
        const char *state = state_of(dump, path);
        if (!state) fail_msg("%s is not listed", path);
        listed++;
        if (strncmp(state, "0 0 ", 4) == 0) {
            readable++;
            continue;
        }
        refused++;
        char *reason = NULL;
        assert_true(strtol(state + 2, &reason, 10) < 0);
        if (strlen(reason) < 8 || strstr(reason, directory) || strstr(reason, "picture: ")) {
            fail_msg("%s: a poor reason:%s", path, reason);
        }
    }
    (void)fclose(csv);
    print_message("broken: %d listed, %d of them refused with a reason, %d readable enough\n",
                  listed, refused, readable);
    assert_true(refused > 90);
}

static void a_corpus_of_real_files_goes_through(void **state) {
    fixture *f = *state;
    glimpse_model_close(open_demo_model());
    char *roots[5];
    static const char *const parts[] = {"images/formats", "images/broken", "images/orientation",
                                        "images/exif", "images/photos"};
    size_t count = 5;
#ifdef __SANITIZE_ADDRESS__
    count = 4; /* ordinary photographs have little to teach the sanitizers */
#endif
    for (size_t i = 0; i < count; i++)
        roots[i] = realpath(shared_path(parts[i]), NULL);
    fixture_close_library(f);
    const outcome first = index_in_a_process(f, (const char *const *)roots, count);
    print_message("%ld files in %.1f s: %ld embedded, %ld bound, %ld quarantined; peak %ld MB of "
                  "memory, of which pictures in flight were estimated at %ld MB\n",
                  first.files, first.seconds, first.embedded, first.bound, first.quarantined,
                  first.peak_kb / 1024, first.peak_bytes >> 20);
    assert_int_equal(first.files, first.embedded + first.bound + first.quarantined);
#ifndef __SANITIZE_ADDRESS__
    assert_true(first.peak_kb / 1024 < MEMORY_LIMIT_MB);
#endif
    char *dump = dump_catalog(f, 0);
    check_formats(dump, roots[0]);
    check_broken(dump, roots[1]);

    const outcome again = index_in_a_process(f, (const char *const *)roots, count);
    assert_int_equal(again.files, first.files);
    assert_int_equal(again.embedded, 0);
    assert_int_equal(again.bound, 0);
    assert_int_equal(again.quarantined, first.quarantined);
    print_message("again: %.2f s\n", again.seconds);
    char *same = dump_catalog(f, 0);
    assert_string_equal(same, dump);
    free(same);
    free(dump);
    fixture_open_library(f);
    assert_sound(f);
    for (size_t i = 0; i < count; i++)
        free(roots[i]);
}

typedef struct vectors {
    size_t count, dim;
    char *paths[400];
    float *values[400];
} vectors;

static int keep_vector(void *user, const glimpse_result *file, const float *embedding) {
    vectors *v = user;
    if (v->count == 400) return 1;
    v->paths[v->count] = strdup(file->path);
    v->values[v->count] = malloc(v->dim * sizeof(float));
    memcpy(v->values[v->count++], embedding, v->dim * sizeof(float));
    return 0;
}

static void workers_and_batches_change_no_embedding(void **state) {
    fixture *f = *state;
    glimpse_model *model = open_demo_model();
    const char *root = source_path("data/demo");
    if (access(root, R_OK) != 0) skip();
    static const struct { unsigned jobs, batch; } modes[] = {{1, 1}, {2, 16}, {5, 7}};
    vectors *all = calloc(3, sizeof *all);
    for (size_t i = 0; i < 3; i++) {
        glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
        options.model = model;
        options.roots = &root;
        options.root_count = 1;
        options.jobs = modes[i].jobs;
        options.batch = modes[i].batch;
        f->report = GLIMPSE_INGEST_REPORT_INIT;
        assert_ok(glimpse_library_ingest(&f->report, f->library, &options));
        print_message("%u workers, batches of %u: %.2f s\n", modes[i].jobs, modes[i].batch,
                      f->report.seconds);
        all[i].dim = glimpse_model_embedding_size(model);
        assert_ok(glimpse_library_visit(f->library, model, NULL, 0, keep_vector, &all[i]));
        fixture_close_library(f);
        remove_tree(f->library_path);
        fixture_open_library(f);
    }
    double largest = 0;
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(all[i].count, all[0].count);
        for (size_t k = 0; k < all[0].count; k++) {
            assert_string_equal(all[i].paths[k], all[0].paths[k]);
            for (size_t d = 0; d < all[0].dim; d++) {
                largest = fmax(largest, fabs((double)all[i].values[k][d] - all[0].values[k][d]));
            }
        }
    }
    print_message("%zu embeddings, largest difference %.1e\n", all[0].count, largest);
    assert_true(all[0].count > 100);
    /* A difference of 2e-6 may fall on either side of a half's last place: 2^-12 below 0.5. */
    assert_true(largest <= 2.5e-4);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < all[i].count; k++) {
            free(all[i].paths[k]);
            free(all[i].values[k]);
        }
    }
    free(all);
    glimpse_model_close(model);
}

#ifndef __SANITIZE_ADDRESS__
static void reduced_decoding_hardly_moves_an_embedding(void **state) {
    fixture *f = *state;
    glimpse_model *model = open_demo_model();
    const char *root = shared_path("images/photos");
    vectors *all = calloc(2, sizeof *all);
    for (int exact = 0; exact < 2; exact++) {
        glimpse_ingest_options options = GLIMPSE_INGEST_OPTIONS_INIT;
        options.model = model;
        options.roots = &root;
        options.root_count = 1;
        options.exact_decode = exact;
        f->report = GLIMPSE_INGEST_REPORT_INIT;
        assert_ok(glimpse_library_ingest(&f->report, f->library, &options));
        all[exact].dim = glimpse_model_embedding_size(model);
        (void)glimpse_library_visit(f->library, model, NULL, 0, keep_vector, &all[exact]);
        fixture_close_library(f);
        remove_tree(f->library_path);
        fixture_open_library(f);
    }
    assert_true(all[0].count >= 100);
    assert_int_equal(all[0].count, all[1].count);
    double min = 1.0, sum = 0.0;
    const char *worst = "";
    for (size_t k = 0; k < all[0].count; k++) {
        assert_string_equal(all[0].paths[k], all[1].paths[k]);
        const double c = cosine(all[0].values[k], all[1].values[k], all[0].dim);
        sum += c;
        if (c < min) min = c, worst = all[0].paths[k];
    }
    print_message("%zu photographs: cosine of reduced to exact decoding %.5f on average, at least "
                  "%.5f (%s)\n",
                  all[0].count, sum / (double)all[0].count, min, strrchr(worst, '/'));
    assert_true(sum < (double)all[0].count); /* or nothing was reduced */
    assert_true(min >= 0.995);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < all[i].count; k++) {
            free(all[i].paths[k]);
            free(all[i].values[k]);
        }
    }
    free(all);
    glimpse_model_close(model);
}
#endif

int main(int count, char **arguments) {
    if (count >= 4 && strcmp(arguments[1], "--index") == 0) {
        return index_main(count - 2, arguments + 2);
    }
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) return 77;
    self[length] = '\0';
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        T(a_corpus_of_real_files_goes_through),
        T(workers_and_batches_change_no_embedding),
#ifndef __SANITIZE_ADDRESS__
        T(reduced_decoding_hardly_moves_an_embedding),
#endif
    };
#undef T
    return cmocka_run_group_tests_name("ingest, real files", tests, NULL, NULL);
}
