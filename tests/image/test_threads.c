/*
 * Pictures decoded in several threads at once come out as in one. Run under ThreadSanitizer too.
 */
#include "image_support.h"

#include <dirent.h>
#include <pthread.h>

enum { THREADS = 4, MAX_FILES = 256 };

static struct file {
    char name[128];
    uint8_t *data;
    size_t size;
    uint64_t hash; /* 0 when refused */
} files[MAX_FILES];
static size_t file_count;

static uint64_t decode_hash(const struct file *file) {
    glimpse_image *image;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    options.max_pixels = 1 << 20;
    if (glimpse_image_decode(&image, file->data, file->size, file->name, &options) < 0) {
        /* Each thread has a message of its own. */
        return strstr(glimpse_last_error(), file->name) ? 0 : 1;
    }
    const uint64_t hash = image_hash(image);
    glimpse_image_free(image);
    return hash;
}

static int load_files(void **state) {
    (void)state;
    char directory[4096];
    (void)snprintf(directory, sizeof directory, "%s", source_path("tests/image/fixtures"));
    DIR *dir = opendir(directory);
    if (!dir) return 1;
    for (struct dirent *entry; (entry = readdir(dir)) && file_count < MAX_FILES;) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, "make.py")) continue;
        struct file *file = &files[file_count++];
        (void)snprintf(file->name, sizeof file->name, "%.120s", entry->d_name);
        file->data = read_whole_file(path_in(directory, entry->d_name), &file->size);
    }
    (void)closedir(dir);
    return file_count == 0;
}

static int drop_files(void **state) {
    (void)state;
    for (size_t i = 0; i < file_count; i++)
        free(files[i].data);
    return 0;
}

static void *work(void *context) {
    const size_t start = (size_t)(uintptr_t)context * file_count / THREADS;
    uintptr_t wrong = 0;
    for (size_t i = 0; i < file_count; i++) {
        const struct file *file = &files[(start + i) % file_count];
        if (decode_hash(file) != file->hash) wrong++;
    }
    return (void *)wrong;
}

static void decoding_in_threads_gives_what_decoding_alone_gives(void **state) {
    (void)state;
    for (size_t i = 0; i < file_count; i++)
        files[i].hash = decode_hash(&files[i]);
    pthread_t threads[THREADS];
    for (uintptr_t t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_create(&threads[t], NULL, work, (void *)t), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[t], &wrong), 0);
        assert_null(wrong);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_in_threads_gives_what_decoding_alone_gives),
    };
    return cmocka_run_group_tests(tests, load_files, drop_files);
}
