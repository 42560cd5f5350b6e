/*
 * files.c - reads and writes whole files, and finds those that tests need.
 */
#include "support/test.h"

const char *path_in(const char *directory, const char *relative) {
    static char paths[8][4096];
    static unsigned orientation;
    char *path = paths[orientation++ % 8];
    int length = snprintf(path, sizeof paths[0], "%s/%s", directory, relative);
    if (length < 0 || (size_t)length >= sizeof paths[0])
        fail_msg("%s: the path is too long", relative);
    return path;
}

const char *source_path(const char *relative) {
    return path_in(GLIMPSE_SOURCE_DIR, relative);
}

static const char *path_of_shared(const char *relative) {
    const char *root = getenv("GLIMPSE_SHARED");
    return path_in(root ? root : GLIMPSE_SHARED_DIR, relative);
}

const char *shared_path_if_there(const char *relative) {
    const char *path = path_of_shared(relative);
    return path_exists(path) ? path : NULL;
}

const char *shared_path(const char *relative) {
    const char *path = path_of_shared(relative);
    if (!path_exists(path)) {
        print_message("SKIPPED: reference data %s is not on this machine\n", path);
        skip();
    }
    return path;
}

int path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

void make_parents(const char *path) {
    char directory[4096];
    (void)snprintf(directory, sizeof directory, "%s", path);
    for (char *slash = directory + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(directory, 0777); /* or is there; else writing into it fails */
        *slash = '/';
    }
}

void *read_whole_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s: cannot open", path);
    size_t used = 0, capacity = 1 << 16;
    char *data = malloc(capacity + 1);
    assert_non_null(data);
    for (size_t got; (got = fread(data + used, 1, capacity - used, file)) > 0;) {
        used += got;
        if (used == capacity) {
            capacity *= 2;
            data = realloc(data, capacity + 1);
            assert_non_null(data);
        }
    }
    (void)fclose(file);
    data[used] = '\0';
    if (size) *size = used;
    return data;
}

void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: cannot write", path);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void write_text(const char *path, const char *text) {
    write_file(path, text, strlen(text));
}

void write_formatted(const char *path, const char *format, ...) {
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("%s: cannot write", path);
    va_list arguments;
    va_start(arguments, format);
    assert_true(vfprintf(file, format, arguments) >= 0);
    va_end(arguments);
    assert_int_equal(fclose(file), 0);
}

void copy_file(const char *from, const char *to) {
    size_t size = 0;
    void *data = read_whole_file(from, &size);
    write_file(to, data, size);
    free(data);
}

char *make_temp_directory(void) {
    const char *base = getenv("TMPDIR");
    char *path = malloc(1024);
    assert_non_null(path);
    (void)snprintf(path, 1024, "%s/glimpse-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) fail_msg("%s: cannot make a temporary folder", path);
    return path;
}

char *make_resolved_temp_directory(void) {
    char *made = make_temp_directory(), *resolved = realpath(made, NULL);
    if (!resolved) fail_msg("%s: cannot be resolved", made);
    free(made);
    return resolved;
}

void remove_tree(const char *path) {
    char command[4200];
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", path);
    if (system(command) != 0) print_message("could not remove %s\n", path);
}
