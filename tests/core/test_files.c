/*
 * test_files.c - reading, mapping and atomic replacement of files; directories and paths.
 */
#include "support/temporary.h"

#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>

static void expect_text(const char *path, const char *text) {
    size_t size;
    char *found = read_whole_file(path, &size);
    assert_int_equal(size, strlen(text));
    assert_string_equal(found, text);
    free(found);
}

static size_t count_entries(const char *path) {
    DIR *directory = opendir(path);
    assert_non_null(directory);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    (void)closedir(directory);
    return count;
}

static void a_file_is_read_whole_with_a_nul_behind_it(void **state) {
    (void)state;
    const char *path = path_in(temp_directory, "read");
    write_text(path, "hello");
    void *data;
    size_t size;
    assert_ok(glimpse_file_read(&data, &size, path, 5));
    assert_int_equal(size, 5);
    assert_string_equal(data, "hello");
    free(data);
    write_text(path, "");
    assert_ok(glimpse_file_read(&data, &size, path, 0));
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    free(data);
}

static void what_cannot_be_read_is_refused(void **state) {
    (void)state;
    void *data = temp_directory;
    size_t size = 9;
    const char *path = path_in(temp_directory, "big");
    write_text(path, "123456");
    assert_int_equal(glimpse_file_read(&data, &size, path, 5), GLIMPSE_E_LIMIT);
    assert_non_null(strstr(glimpse_last_error(), path));
    assert_non_null(strstr(glimpse_last_error(), "limit of 5"));
    assert_null(data);
    assert_int_equal(size, 0);
    path = path_in(temp_directory, "absent");
    assert_int_equal(glimpse_file_read(&data, &size, path, 5), GLIMPSE_E_NOT_FOUND);
    assert_non_null(strstr(glimpse_last_error(), "absent"));
    assert_int_equal(glimpse_file_read(&data, &size, temp_directory, 5), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_file_read(&data, &size, "/dev/zero", 5), GLIMPSE_E_INVALID);
    path = path_in(temp_directory, "pipe"); /* nobody writes to it: must not block */
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(glimpse_file_read(&data, &size, path, 5), GLIMPSE_E_INVALID);
    glimpse_mapping mapping;
    assert_int_equal(glimpse_file_map(&mapping, path), GLIMPSE_E_INVALID);
    assert_int_equal(glimpse_file_map(&mapping, path_in(temp_directory, "absent")),
                     GLIMPSE_E_NOT_FOUND);
    assert_null(mapping.data);
}

static void a_file_is_mapped(void **state) {
    (void)state;
    const char *path = path_in(temp_directory, "map");
    write_text(path, "mapped");
    glimpse_mapping mapping;
    assert_ok(glimpse_file_map(&mapping, path));
    assert_int_equal(mapping.size, 6);
    assert_memory_equal(mapping.data, "mapped", 6);
    glimpse_file_unmap(&mapping);
    assert_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    glimpse_file_unmap(&mapping);
    write_text(path, "");
    assert_ok(glimpse_file_map(&mapping, path));
    assert_non_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    glimpse_file_unmap(&mapping);
}

static void commit_replaces_and_abandon_keeps(void **state) {
    (void)state;
    assert_ok(glimpse_make_directories(path_in(temp_directory, "replace")));
    const char *inside = path_in(temp_directory, "replace");
    const char *path = path_in(temp_directory, "replace/file");
    glimpse_new_file file;
    assert_ok(glimpse_new_file_open(&file, path)); /* a new name */
    assert_int_equal(fputs("one", file.stream) >= 0, 1);
    assert_int_equal(access(path, F_OK), -1);
    assert_ok(glimpse_new_file_commit(&file));
    expect_text(path, "one");
    assert_int_equal(count_entries(inside), 1);
    glimpse_new_file_abandon(&file); /* fine after commit */

    assert_ok(glimpse_new_file_open(&file, path));
    assert_int_equal(fputs("two", file.stream) >= 0, 1);
    assert_int_equal(fflush(file.stream), 0);
    expect_text(path, "one"); /* readers see the old file until the commit */
    glimpse_new_file_abandon(&file);
    expect_text(path, "one");
    assert_int_equal(count_entries(inside), 1);

    assert_ok(glimpse_new_file_open(&file, path));
    assert_int_equal(fputs("three", file.stream) >= 0, 1);
    assert_ok(glimpse_new_file_commit(&file));
    expect_text(path, "three");
    assert_int_equal(count_entries(inside), 1);

    glimpse_new_file zeros = {NULL, NULL, NULL};
    glimpse_new_file_abandon(&zeros);
}

static void a_new_file_follows_the_umask(void **state) {
    (void)state;
    mode_t old = umask(027);
    const char *path = path_in(temp_directory, "mode");
    glimpse_new_file file;
    assert_ok(glimpse_new_file_open(&file, path));
    assert_ok(glimpse_new_file_commit(&file));
    (void)umask(old);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void failed_writes_leave_nothing_behind(void **state) {
    (void)state;
    glimpse_new_file file;
    const char *path = path_in(temp_directory, "no-such-folder/file");
    assert_int_equal(glimpse_new_file_open(&file, path), GLIMPSE_E_NOT_FOUND);
    assert_null(file.stream);
    /* a directory in the way of the rename */
    assert_ok(glimpse_make_directories(path_in(temp_directory, "blocked/name/inside")));
    path = path_in(temp_directory, "blocked/name");
    assert_ok(glimpse_new_file_open(&file, path));
    assert_int_equal(glimpse_new_file_commit(&file), GLIMPSE_E_IO);
    assert_non_null(strstr(glimpse_last_error(), path));
    assert_int_equal(count_entries(path_in(temp_directory, "blocked")), 1);
    /* a full disk */
    if (access("/dev/full", W_OK) == 0) {
        path = path_in(temp_directory, "full");
        write_text(path, "old");
        assert_ok(glimpse_new_file_open(&file, path));
        assert_non_null(freopen("/dev/full", "wb", file.stream));
        assert_int_equal(fputs("new", file.stream) >= 0, 1);
        assert_int_equal(glimpse_new_file_commit(&file), GLIMPSE_E_IO);
        assert_non_null(strstr(glimpse_last_error(), "No space left"));
        expect_text(path, "old");
    }
}

static void *replace_many_times(void *argument) {
    const char *path = argument;
    for (int i = 0; i < 20; i++) {
        glimpse_new_file file;
        if (glimpse_new_file_open(&file, path) < 0) return argument;
        for (int k = 0; k < 1000; k++) {
            (void)fputs("line\n", file.stream);
        }
        if (i % 4 == 3) {
            glimpse_new_file_abandon(&file);
        } else if (glimpse_new_file_commit(&file) < 0) {
            return argument;
        }
    }
    return NULL;
}

static void concurrent_replacements_are_each_whole(void **state) {
    (void)state;
    assert_ok(glimpse_make_directories(path_in(temp_directory, "race")));
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/race/file", temp_directory);
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, replace_many_times, path), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    size_t size;
    free(read_whole_file(path, &size));
    assert_int_equal(size, 5000);
    assert_int_equal(count_entries(path_in(temp_directory, "race")), 1);
}

static void directories_are_made_with_their_parents(void **state) {
    (void)state;
    struct stat info;
    const char *path = path_in(temp_directory, "a/b//c/");
    assert_ok(glimpse_make_directories(path));
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_ok(glimpse_make_directories(path)); /* there already */
    assert_ok(glimpse_make_directories("/"));
    write_text(path_in(temp_directory, "plain"), "");
    assert_int_equal(glimpse_make_directories(path_in(temp_directory, "plain")), GLIMPSE_E_IO);
    assert_int_equal(glimpse_make_directories(path_in(temp_directory, "plain/below")),
                     GLIMPSE_E_IO);
}

static void paths_are_joined_with_one_slash(void **state) {
    (void)state;
    static const char *const joins[][3] = {{"a", "b", "a/b"},    {"a/", "b", "a/b"}, {"", "b", "b"},
                                           {"/", "b", "/b"},     {"a", "", "a/"},    {"", "", ""},
                                           {"a/b", "c", "a/b/c"}};
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        char *joined = glimpse_path_join(joins[i][0], joins[i][1]);
        assert_non_null(joined);
        assert_string_equal(joined, joins[i][2]);
        free(joined);
    }
}

static void expect_directory(char *found, const char *expected) {
    if (!expected) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_string_equal(found, expected);
    free(found);
}

static void user_directories_follow_the_environment(void **state) {
    (void)state;
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    expect_directory(glimpse_user_cache_directory(), "/home/x/.cache/glimpse");
    expect_directory(glimpse_user_data_directory(), "/home/x/.local/share/glimpse");
    assert_int_equal(setenv("XDG_CACHE_HOME", "/cache", 1), 0);
    expect_directory(glimpse_user_cache_directory(), "/cache/glimpse");
    assert_int_equal(setenv("XDG_CACHE_HOME", "relative", 1), 0); /* to be ignored, says XDG */
    expect_directory(glimpse_user_cache_directory(), "/home/x/.cache/glimpse");
    assert_int_equal(unsetenv("HOME"), 0);
    expect_directory(glimpse_user_cache_directory(), NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_whole_with_a_nul_behind_it),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(a_file_is_mapped),
        cmocka_unit_test(commit_replaces_and_abandon_keeps),
        cmocka_unit_test(a_new_file_follows_the_umask),
        cmocka_unit_test(failed_writes_leave_nothing_behind),
        cmocka_unit_test(concurrent_replacements_are_each_whole),
        cmocka_unit_test(directories_are_made_with_their_parents),
        cmocka_unit_test(paths_are_joined_with_one_slash),
        cmocka_unit_test(user_directories_follow_the_environment),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
