/*
 * image/holdings/found_beside.c - what is beside a file and belongs to it: the film of a live
 * photo, sound, sidecars and the settings of editors (core/companions.h has the list).
 *
 * Names are tried, in the capitals that cameras and people use, instead of reading the directory,
 * which may have a hundred thousand of them.
 */
#include "image/holdings/found.h"

#include "core/companions.h"
#include "core/file.h"
#include "core/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { MAX_READ = 64 << 20, HEAD = 1 << 20, MAX_FOUND = 32 };

typedef struct beside {
    const char *path;
    size_t directory, name, stem; /* bytes of the path: up to the name, of the name, of its stem */
    char *buffer;
    struct {
        dev_t device;
        ino_t inode;
    } found[MAX_FOUND]; /* which other capitals may find again */
    size_t found_count;
    glimpse_found *to; /* NULL: only whether there is one */
} beside;

/* Of a long film its size and its beginning have to do. */
static void add_long(glimpse_found *to, glimpse_holding_kind kind, const char *path,
                     const struct stat *info) {
    uint8_t *head = malloc(HEAD);
    FILE *file = head ? fopen(path, "rbe") : NULL;
    if (file) {
        const size_t got = fread(head, 1, HEAD - 16, file);
        const uint64_t size = (uint64_t)info->st_size;
        memcpy(head + got, &size, sizeof size);
        glimpse_found_add(to, kind, head, got + sizeof size);
        (void)fclose(file);
    }
    if (!head) to->nomem = 1;
    free(head);
}

static glimpse_holding_kind kind_of(glimpse_companion_role role) {
    switch (role) {
    case GLIMPSE_COMPANION_VIDEO: return GLIMPSE_HOLDING_VIDEO;
    case GLIMPSE_COMPANION_SOUND: return GLIMPSE_HOLDING_AUDIO;
    case GLIMPSE_COMPANION_SETTINGS: return GLIMPSE_HOLDING_EDITS;
    default: return GLIMPSE_HOLDING_METADATA;
    }
}

static void add_file(glimpse_found *to, glimpse_companion_role role, const char *path,
                     const struct stat *info) {
    void *data = NULL;
    size_t size = 0;
    const glimpse_holding_kind kind = kind_of(role);
    if (info->st_size > MAX_READ) {
        add_long(to, kind, path, info);
        return;
    }
    const int status = glimpse_file_read(&data, &size, path, MAX_READ);
    if (status == GLIMPSE_E_NOMEM) to->nomem = 1;
    if (status < 0) { /* one that cannot be read is there all the same */
        glimpse_found_add(to, kind, path, strlen(path));
    } else if (role == GLIMPSE_COMPANION_VIDEO) {
        glimpse_found_film(to, data, size);
    } else if (role == GLIMPSE_COMPANION_XMP) {
        glimpse_found_sidecar(to, data, size);
    } else {
        glimpse_found_add(to, kind, data, size);
    }
    free(data);
}

static int is_known(beside *b, const struct stat *info) {
    for (size_t i = 0; i < b->found_count; i++) {
        if (b->found[i].device == info->st_dev && b->found[i].inode == info->st_ino) return 1;
    }
    if (b->found_count == MAX_FOUND) return 0;
    b->found[b->found_count].device = info->st_dev;
    b->found[b->found_count++].inode = info->st_ino;
    return 0;
}

/* The name in the buffer. */
static int try_name(beside *b, glimpse_companion_role role) {
    struct stat info;
    if (stat(b->buffer, &info) != 0 || !S_ISREG(info.st_mode)) return 0;
    if (b->to && !is_known(b, &info)) add_file(b->to, role, b->buffer, &info);
    return 1;
}

static void copy_in(char *to, const char *from, size_t length, int (*capitals)(int)) {
    for (size_t i = 0; i < length; i++)
        to[i] = capitals ? (char)capitals((unsigned char)from[i]) : from[i];
    to[length] = '\0';
}

/* The first `kept` bytes of the name, then `mark`, a dot, `ending`. */
static int try_ending(beside *b, size_t kept, const char *mark, const char *ending,
                      glimpse_companion_role role) {
    static int (*const capitals[])(int) = {NULL, toupper, tolower};
    const char *name = b->path + b->directory;
    int any = 0;
    for (size_t s = 0; s < 3 && (b->to || !any); s++) {
        char *at = b->buffer + b->directory;
        copy_in(at, name, kept, capitals[s]);
        copy_in(at + kept, mark, strlen(mark), capitals[s]);
        if (s > 0 && memcmp(at, name, kept) == 0 && strcmp(at + kept, mark) == 0) continue;
        at += kept + strlen(mark);
        *at++ = '.';
        for (size_t e = 1; e < 3 && (b->to || !any); e++) {
            copy_in(at, ending, strlen(ending), capitals[e]);
            any |= try_name(b, role);
        }
        copy_in(at, ending, strlen(ending), tolower); /* "Mov" */
        *at = (char)toupper((unsigned char)*at);
        if (s == 0 && (b->to || !any)) any |= try_name(b, role);
    }
    return any;
}

/* "a.jpg.supplemental-metadata.json", of which no more than 46 bytes are before the last dot. */
static int try_takeout(beside *b) {
    static const char middle[] = ".supplemental-metadata";
    enum { LONGEST = 46 };
    size_t length = b->name < LONGEST ? LONGEST - b->name : 0;
    if (length < 2) return 0;
    if (length > sizeof middle - 1) length = sizeof middle - 1;
    (void)snprintf(b->buffer, b->directory + b->name + 64, "%s%.*s.json", b->path, (int)length,
                   middle);
    return try_name(b, GLIMPSE_COMPANION_NOTES);
}

/* RAW files are pictures for themselves, and thumbnails are nothing. */
static int is_held(glimpse_companion_role role) {
    return role != GLIMPSE_COMPANION_RAW && role != GLIMPSE_COMPANION_THUMBNAIL;
}

static int look_beside(glimpse_found *to, const char *path, int *nomem) {
    const char *slash = strrchr(path, '/');
    beside b = {.path = path, .directory = slash ? (size_t)(slash + 1 - path) : 0, .to = to};
    const char *name = path + b.directory;
    b.name = strlen(name);
    b.stem = glimpse_name_stem(name);
    b.buffer = malloc(b.directory + b.name + 64);
    int any = 0;
    if (!b.buffer) {
        *nomem = 1;
        return 0;
    }
    memcpy(b.buffer, path, b.directory);
    const glimpse_companion_ending *e;
    for (size_t i = 0; (e = glimpse_companion_ending_at(i)) && (to || !any); i++) {
        if (!is_held(e->role)) continue;
        if (b.stem < b.name) any |= try_ending(&b, b.stem, e->mark, e->ending, e->role);
        if (!e->mark[0] && (to || !any)) any |= try_ending(&b, b.name, "", e->ending, e->role);
    }
    if (to || !any) any |= try_takeout(&b);
    free(b.buffer);
    return any;
}

void glimpse_found_beside(glimpse_found *to, const char *path) {
    (void)look_beside(to, path, &to->nomem);
}

int glimpse_holdings_has_companion(const char *path) {
    int nomem = 0;
    return look_beside(NULL, path, &nomem) || nomem;
}
