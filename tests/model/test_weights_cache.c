/*
 * Prepared weights on disk change nothing but the time a start takes: embeddings are the same
 * without the cache, when it is written, when it is read, and whatever is done to its files.
 */
#include "support/test.h"

#include "core/file.h"
#include "model/model_internal.h"
#include "support/random_model.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { E = 64, MAX_FILES = 8 };
static char *directory, *cache, model_path[1100], weights_directory[1100];
static const char *const texts[] = {"a dog", "two parrots on a branch"};
static float expected[2 * E];

typedef enum made { MAPPED, PREPARED, NO_CACHE } made;

/* How the text tower came about. */
static made embed_with(unsigned flags, glimpse_precision precision, float *out) {
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = precision;
    options.towers = GLIMPSE_TOWER_TEXT;
    options.flags = flags;
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_model_open(&model, model_path, &options));
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    made how = !model->text_weights.path              ? NO_CACHE
               : model->text_weights.prepared.reading ? MAPPED
                                                      : PREPARED;
    assert_ok(glimpse_encoder_texts(out, NULL, encoder, texts, 2, 0));
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    return how;
}

static made embed(float *out) {
    return embed_with(0, GLIMPSE_PRECISION_INT8, out);
}

static void assert_same(const float *out) {
    assert_memory_equal(out, expected, sizeof expected);
}

/* Paths of the files in the cache, oldest name first; their number. */
static size_t cache_files(char paths[MAX_FILES][1400]) {
    size_t count = 0;
    DIR *dir = opendir(weights_directory);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        assert_true(count < MAX_FILES);
        (void)snprintf(paths[count++], 1400, "%s/%s", weights_directory, entry->d_name);
    }
    if (dir) (void)closedir(dir);
    return count;
}

static void empty_cache(void) {
    char paths[MAX_FILES][1400];
    (void)chmod(weights_directory, 0700);
    for (size_t i = cache_files(paths); i-- > 0;)
        assert_int_equal(unlink(paths[i]), 0);
    assert_int_equal(unsetenv("GLIMPSE_WEIGHTS_CACHE"), 0);
}

static int set_up(void **unused) {
    (void)unused;
    directory = make_temp_directory();
    cache = make_temp_directory();
    (void)setenv("XDG_CACHE_HOME", cache, 1);
    (void)unsetenv("GLIMPSE_WEIGHTS_CACHE");
    (void)snprintf(model_path, sizeof model_path, "%s/model", directory);
    (void)snprintf(weights_directory, sizeof weights_directory, "%s/glimpse/weights", cache);
    random_model model = random_model_tiny();
    /* Large enough to be worth a file: 12 layers of 12 * 192 * 192 numbers. */
    model.text_width = 192, model.text_layers = 12, model.text_heads = 4, model.text_mlp = 768;
    model.embedding = E;
    return random_model_write(&model, model_path) ? 0 : -1;
}

static int tear_down(void **unused) {
    (void)unused;
    remove_tree(directory);
    remove_tree(cache);
    free(directory);
    free(cache);
    return 0;
}

static void embeddings_are_the_same_with_and_without(void **unused) {
    (void)unused;
    float out[2 * E];
    assert_int_equal(embed_with(GLIMPSE_MODEL_NO_WEIGHTS_CACHE, GLIMPSE_PRECISION_INT8, expected),
                     NO_CACHE);
    assert_int_equal(embed(out), PREPARED);
    assert_same(out);
    assert_int_equal(embed(out), MAPPED);
    assert_same(out);
    /* Another precision has a file of its own. */
    float bf16[2][2 * E];
    assert_int_equal(embed_with(0, GLIMPSE_PRECISION_BF16, bf16[0]), PREPARED);
    assert_int_equal(embed_with(0, GLIMPSE_PRECISION_BF16, bf16[1]), MAPPED);
    assert_memory_equal(bf16[0], bf16[1], sizeof bf16[0]);
    assert_memory_not_equal(bf16[0], expected, sizeof expected);
    char paths[MAX_FILES][1400];
    assert_int_equal(cache_files(paths), 2);
    glimpse_weights_cache_status status = GLIMPSE_WEIGHTS_CACHE_STATUS_INIT;
    assert_ok(glimpse_weights_cache_load_status(&status));
    assert_string_equal(status.path, weights_directory);
    assert_int_equal(status.files, 2);
    assert_true(status.bytes > 5 * 192 * 192 * 12);
    empty_cache();
}

static void weights_used_as_stored_are_not_kept(void **unused) {
    (void)unused;
    float out[2 * E];
    char paths[MAX_FILES][1400];
    (void)embed_with(0, GLIMPSE_PRECISION_F32, out);
    assert_int_equal(cache_files(paths), 0);
}

static void a_file_that_is_not_whole_is_never_used(void **unused) {
    (void)unused;
    float out[2 * E];
    char paths[MAX_FILES][1400];
    assert_int_equal(embed(out), PREPARED);
    assert_int_equal(cache_files(paths), 1);
    size_t size = 0;
    uint8_t *good = read_whole_file(paths[0], &size);
    /* One byte turned, in the header, the key, the table, the first and the last entry; then cut
     * short, then grown, then empty. Each time the file is replaced by a good one. */
    const size_t places[] = {0, 9, 13, 17, 30, 285, 300, 310, 340, 20000, size / 2, size - 70};
    enum { PLACES = sizeof places / sizeof places[0] };
    for (size_t i = 0; i < PLACES + 3; i++) {
        FILE *file = fopen(paths[0], "wb");
        assert_non_null(file);
        size_t length = i < PLACES ? size : i == PLACES ? size - 1 : i == PLACES + 1 ? size : 0;
        if (i < PLACES) good[places[i]] ^= 0x10;
        assert_int_equal(fwrite(good, 1, length, file), length);
        if (i == PLACES + 1) assert_int_equal(fputc(0, file), 0);
        assert_int_equal(fclose(file), 0);
        if (i < PLACES) good[places[i]] ^= 0x10;
        if (embed(out) != PREPARED) fail_msg("damage %zu was not noticed", i);
        assert_same(out);
        assert_int_equal(embed(out), MAPPED);
        assert_same(out);
    }
    free(good);
    empty_cache();
}

static void files_may_be_deleted_while_they_are_mapped(void **unused) {
    (void)unused;
    float out[2 * E];
    char paths[MAX_FILES][1400];
    (void)embed(out);
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = GLIMPSE_BACKEND_OPENBLAS;
    options.precision = GLIMPSE_PRECISION_INT8;
    options.towers = GLIMPSE_TOWER_TEXT;
    glimpse_model *model = NULL;
    glimpse_encoder *encoder = NULL;
    assert_ok(glimpse_model_open(&model, model_path, &options));
    assert_true(model->text_weights.prepared.reading);
    assert_int_equal(cache_files(paths), 1);
    assert_int_equal(unlink(paths[0]), 0);
    assert_ok(glimpse_encoder_create(&encoder, model, 2));
    assert_ok(glimpse_encoder_texts(out, NULL, encoder, texts, 2, 0));
    assert_same(out);
    glimpse_encoder_free(encoder);
    glimpse_model_close(model);
    empty_cache();
}

static void a_directory_that_cannot_be_written_is_no_failure(void **unused) {
    (void)unused;
    float out[2 * E];
    char paths[MAX_FILES][1400];
    /* A file where the directory should be: works for root, too. */
    assert_int_equal(rmdir(weights_directory), 0);
    int fd = open(weights_directory, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(embed(out), PREPARED);
    assert_same(out);
    assert_int_equal(unlink(weights_directory), 0);
    assert_int_equal(mkdir(weights_directory, 0700), 0);
    assert_int_equal(cache_files(paths), 0);
}

static void a_full_disk_is_no_failure(void **unused) {
    (void)unused;
    char paths[MAX_FILES][1400];
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        /* Files may not grow beyond 100 KB, and the signal for that is ignored: writing fails. */
        float out[2 * E];
        struct rlimit limit = {100000, 100000};
        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        made how = embed(out);
        _exit(how == PREPARED && memcmp(out, expected, sizeof out) == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(cache_files(paths), 0); /* and no half of a file stays */
}

static void the_longest_unused_files_go_first(void **unused) {
    (void)unused;
    float out[2 * E];
    char paths[MAX_FILES][1400];
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "8", 1); /* MB; int8 takes 5.1 of them, bf16 10.1 */
    assert_int_equal(embed(out), PREPARED);
    assert_int_equal(cache_files(paths), 1);
    /* A file of somebody else's, used long ago, and one that no limit touches. */
    char old[1400], foreign[1400];
    (void)snprintf(old, sizeof old, "%s/%032d-text-00000000.weights", weights_directory, 0);
    (void)snprintf(foreign, sizeof foreign, "%s/notes.txt", weights_directory);
    for (int i = 0; i < 2; i++) {
        int fd = open(i ? foreign : old, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 6 << 20), 0);
        (void)close(fd);
    }
    const struct timespec times[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
    assert_int_equal(unlink(strcmp(paths[0], old) ? paths[0] : paths[1]), 0);
    assert_int_equal(embed(out), PREPARED); /* writes again, and makes room */
    assert_same(out);
    assert_int_not_equal(access(old, F_OK), 0);
    assert_int_equal(access(foreign, F_OK), 0);
    assert_int_equal(embed(out), MAPPED);
    /* What is larger than the limit is not written at all. */
    assert_int_equal(embed_with(0, GLIMPSE_PRECISION_BF16, out), PREPARED);
    assert_int_equal(embed_with(0, GLIMPSE_PRECISION_BF16, out), PREPARED);
    (void)setenv("GLIMPSE_WEIGHTS_CACHE", "0", 1);
    assert_int_equal(embed(out), NO_CACHE);
    assert_same(out);
    empty_cache();
}

static void processes_that_start_together_do_not_disturb_each_other(void **unused) {
    (void)unused;
    enum { PROCESSES = 4 };
    pid_t children[PROCESSES];
    (void)fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            float out[2 * E];
            for (int n = 0; n < 3; n++) {
                (void)embed(out);
                if (memcmp(out, expected, sizeof out) != 0) _exit(1);
            }
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    float out[2 * E];
    char paths[MAX_FILES][1400];
    assert_int_equal(embed(out), MAPPED);
    assert_int_equal(cache_files(paths), 1);
    empty_cache();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_are_the_same_with_and_without),
        cmocka_unit_test(weights_used_as_stored_are_not_kept),
        cmocka_unit_test(a_file_that_is_not_whole_is_never_used),
        cmocka_unit_test(files_may_be_deleted_while_they_are_mapped),
        cmocka_unit_test(a_directory_that_cannot_be_written_is_no_failure),
        cmocka_unit_test(a_full_disk_is_no_failure),
        cmocka_unit_test(the_longest_unused_files_go_first),
        cmocka_unit_test(processes_that_start_together_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
