/*
 * temporary.c - see temporary.h.
 */
#include "support/temporary.h"

char *folder;

int make_folder(void **state) {
    (void)state;
    folder = make_temp_folder();
    return 0;
}

int remove_folder(void **state) {
    (void)state;
    remove_tree(folder);
    free(folder);
    folder = NULL;
    return 0;
}

const char *in_folder(const char *name) {
    return path_in(folder, name);
}

void write_in_folder(const char *name, const void *data, size_t size) {
    write_file(in_folder(name), data, size);
}

void write_text_in_folder(const char *name, const char *text) {
    write_text(in_folder(name), text);
}
