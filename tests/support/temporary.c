/*
 * temporary.c - makes the temporary directory of a test program and removes it.
 */
#include "support/temporary.h"

char *temp_directory;

int make_directory(void **state) {
    (void)state;
    temp_directory = make_temp_directory();
    return 0;
}

int remove_directory(void **state) {
    (void)state;
    remove_tree(temp_directory);
    free(temp_directory);
    temp_directory = NULL;
    return 0;
}

const char *in_directory(const char *name) {
    return path_in(temp_directory, name);
}

void write_in_directory(const char *name, const void *data, size_t size) {
    write_file(in_directory(name), data, size);
}

void write_text_in_directory(const char *name, const char *text) {
    write_text(in_directory(name), text);
}
