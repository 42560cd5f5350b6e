/*
 * support.h - what tests share: cmocka with its prerequisites, the reference data beside the
 * checkout when it is there, temporary folders.
 */
#ifndef GLIMPSE_TESTS_SUPPORT_H
#define GLIMPSE_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glimpse/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fails the test with the library's own message when `call` does not return GLIMPSE_OK. */
#define assert_ok(call)                                                                         \
 do {                                                                                           \
  int assert_ok_status = (call);                                                                \
  if (assert_ok_status != GLIMPSE_OK) {                                                         \
   fail_msg("%s: %s (%s)", #call, glimpse_status_name(assert_ok_status), glimpse_last_error()); \
  }                                                                                             \
 } while (0)

/* Path of `relative` under the shared reference data; skips the test with a clear message when it
 * is not there. Static storage, eight paths in turn. */
#define shared_path(relative) shared_path_or_skip(relative)

static inline const char *path_in(const char *folder, const char *relative) {
    static char paths[8][4096];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    int length = snprintf(path, sizeof paths[0], "%s/%s", folder, relative);
    if (length < 0 || (size_t)length >= sizeof paths[0])
        fail_msg("%s: the path is too long", relative);
    return path;
}

static inline const char *shared_path_or_skip(const char *relative) {
    const char *root = getenv("GLIMPSE_SHARED");
    const char *path = path_in(root ? root : GLIMPSE_SHARED_DIR, relative);
    struct stat info;
    if (stat(path, &info) != 0) {
        print_message("SKIPPED: reference data %s is not on this machine\n", path);
        skip();
    }
    return path;
}

static inline const char *source_path(const char *relative) {
    return path_in(GLIMPSE_SOURCE_DIR, relative);
}

/* The whole file, NUL-terminated behind its `*size` bytes; fails the test when unreadable. Free
 * with free(). */
static inline void *read_whole_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s: cannot open", path);
    size_t used = 0, room = 1 << 16;
    char *data = malloc(room + 1);
    assert_non_null(data);
    for (size_t got; (got = fread(data + used, 1, room - used, file)) > 0;) {
        used += got;
        if (used == room) {
            room *= 2;
            data = realloc(data, room + 1);
            assert_non_null(data);
        }
    }
    (void)fclose(file);
    data[used] = '\0';
    if (size) *size = used;
    return data;
}

/* A fresh folder under TMPDIR; remove it with remove_tree(). Free with free(). */
static inline char *make_temp_folder(void) {
    const char *base = getenv("TMPDIR");
    char *path = malloc(1024);
    assert_non_null(path);
    (void)snprintf(path, 1024, "%s/glimpse-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path)) fail_msg("%s: cannot make a temporary folder", path);
    return path;
}

static inline void remove_tree(const char *path) {
    char command[1200];
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", path);
    if (system(command) != 0) print_message("could not remove %s\n", path);
}

#endif
