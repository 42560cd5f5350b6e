/*
 * actions_support.c - makes a directory of files to act on, and compares it with what it was
 * before.
 */
#include "actions_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>

static void remember(yard_file *f) {
    struct stat info;
    assert_int_equal(glimpse_action_hash(f->path, &info, f->hash), 0);
    f->mode = info.st_mode;
    f->mtime_ns = glimpse_action_mtime(&info);
    f->size = (uint64_t)info.st_size;
    f->inode = info.st_ino;
}

void yard_open(yard *y, unsigned seed, int different) {
    static const char *const names[YARD_FILES] = {
        "keeper.jpg",      "copy.jpg",         "sub/copy.jpg",    "sub/copy (2).jpg",
        "with \"quotes\"", "<b>bold &amp; co", "new\nline.jpg",   "caf\xe9.jpg",
        "no ending",       ".hidden.jpg",      "sub/deep/er.jpg", "-rf *.jpg"};
    char path[700], bytes[5000];
    memset(y, 0, sizeof *y);
    y->base = make_temp_directory();
    (void)snprintf(y->pictures, sizeof y->pictures, "%s/pictures", y->base);
    (void)snprintf(y->journal, sizeof y->journal, "%s/state/actions", y->base);
    (void)snprintf(y->quarantine, sizeof y->quarantine, "%s/quarantine", y->base);
    assert_int_equal(mkdir(y->pictures, 0755), 0);
    static const char *const directories[] = {"sub", "sub/deep"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", y->pictures, directories[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    (void)snprintf(path, sizeof path, "%s/data", y->base);
    (void)setenv("XDG_DATA_HOME", path, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)((i * 31 + seed * 7) & 0xFF);
    for (int i = 0; i < YARD_FILES; i++) {
        yard_file *f = &y->files[i];
        (void)snprintf(f->path, sizeof f->path, "%s/%s", y->pictures, names[i]);
        bytes[0] = (char)(i >= YARD_FILES - different ? i + 1 : 0);
        write_file(f->path, bytes, sizeof bytes);
        const struct timespec times[2] = {{1500000000 + i, 5}, {1400000000 + i * 1000, 123456789}};
        assert_int_equal(chmod(f->path, i % 3 == 0 ? 0644 : i % 3 == 1 ? 0600 : 0755), 0);
        assert_int_equal(utimensat(AT_FDCWD, f->path, times, 0), 0);
        remember(f);
        if (i > 0) {
            y->items[i - 1] = (glimpse_action_item){.path = f->path,
                                                    .keeper = y->files[0].path,
                                                    .id = f->hash,
                                                    .keeper_id = y->files[0].hash,
                                                    .relative_to = y->pictures};
        }
    }
}

void yard_close(yard *y) {
    remove_tree(y->base);
    free(y->base);
    memset(y, 0, sizeof *y);
}

static size_t counted;

static int count_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)path;
    (void)info;
    (void)walk;
    counted += kind != FTW_D && kind != FTW_DNR;
    return 0;
}

size_t yard_count_files(const char *directory) {
    counted = 0;
    (void)nftw(directory, count_one, 16, FTW_PHYS);
    return counted;
}

void yard_check_same(const yard *y, int inodes) {
    for (int i = 0; i < YARD_FILES; i++) {
        const yard_file *f = &y->files[i];
        yard_file now = *f;
        struct stat info;
        if (lstat(f->path, &info) != 0) fail_msg("%s is gone", f->path);
        assert_true(S_ISREG(info.st_mode));
        remember(&now);
        assert_string_equal(now.hash, f->hash);
        assert_int_equal(now.mode, f->mode);
        assert_int_equal(now.mtime_ns, f->mtime_ns);
        assert_int_equal(now.size, f->size);
        if (inodes) assert_int_equal(now.inode, f->inode);
    }
    assert_int_equal(yard_count_files(y->pictures), YARD_FILES);
}

static const yard *looking_for;
static int found[YARD_FILES];

static int look_at_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    struct stat now;
    char hash[33];
    (void)info;
    (void)walk;
    if (kind != FTW_F || glimpse_action_hash(path, &now, hash) != 0) return 0;
    for (int i = 0; i < YARD_FILES; i++) {
        const yard_file *f = &looking_for->files[i];
        if (strcmp(hash, f->hash) == 0 && glimpse_action_mtime(&now) == f->mtime_ns) found[i]++;
    }
    return 0;
}

void yard_check_nothing_lost(const yard *y, const char *extra) {
    looking_for = y;
    memset(found, 0, sizeof found);
    (void)nftw(y->base, look_at_one, 16, FTW_PHYS);
    if (extra) (void)nftw(extra, look_at_one, 16, FTW_PHYS);
    for (int i = 0; i < YARD_FILES; i++) {
        if (!found[i]) fail_msg("the bytes of %s are nowhere", y->files[i].path);
    }
}
