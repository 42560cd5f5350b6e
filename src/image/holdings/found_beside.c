/*
 * image/holdings/found_beside.c - what is beside a file and belongs to it: the film of a live
 * photo, and the edits that phones keep in .aae files. Sidecars of XMP are read with the metadata.
 */
#include "image/holdings/found.h"

#include "core/file.h"
#include "core/hash.h"

#include <glimpse/sys/metadata.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_FILM = 64 << 20, MAX_EDITS = 16 << 20, HEAD = 1 << 20 };

/* malloc'ed: the path with another ending; NULL when it has none, or no memory is there (*nomem).
 */
static char *with_ending(const char *path, const char *ending, int *nomem) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (!dot || (slash && dot < slash + 2)) return NULL;
    const size_t length = (size_t)(dot - path);
    char *made = malloc(length + strlen(ending) + 1);
    *nomem |= !made;
    if (!made) return NULL;
    memcpy(made, path, length);
    memcpy(made + length, ending, strlen(ending) + 1);
    return made;
}

static int may_be_live(const char *path) {
    static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".heic", ".heif", ".hif"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++) {
        if (strcasecmp(dot, endings[i]) == 0) return 1;
    }
    return 0;
}

/* The first of them that is there; malloc'ed, NULL: none. */
static char *first_of(const char *path, const char *const *endings, struct stat *info, int *nomem) {
    for (; *endings; endings++) {
        char *beside = with_ending(path, *endings, nomem);
        if (beside && stat(beside, info) == 0 && S_ISREG(info->st_mode)) return beside;
        free(beside);
    }
    return NULL;
}

static char *film_of(const char *path, struct stat *info, int *nomem) {
    static const char *const endings[] = {".mov", ".MOV", ".Mov", ".mp4", ".MP4", NULL};
    return may_be_live(path) ? first_of(path, endings, info, nomem) : NULL;
}

static char *edits_of(const char *path, struct stat *info, int *nomem) {
    static const char *const endings[] = {".aae", ".AAE", NULL};
    return first_of(path, endings, info, nomem);
}

/* Of a long film its size and its beginning have to do. */
static void add_long_film(glimpse_found *to, const char *path, const struct stat *info) {
    uint8_t *head = malloc(HEAD);
    FILE *file = head ? fopen(path, "rbe") : NULL;
    if (file) {
        const size_t got = fread(head, 1, HEAD - 16, file);
        const uint64_t size = (uint64_t)info->st_size;
        memcpy(head + got, &size, sizeof size);
        glimpse_found_add(to, GLIMPSE_HOLDING_VIDEO, head, got + sizeof size);
        (void)fclose(file);
    }
    if (!head) to->nomem = 1;
    free(head);
}

void glimpse_found_beside(glimpse_found *to, const char *path) {
    struct stat info;
    void *data = NULL;
    size_t size = 0;
    char *film = film_of(path, &info, &to->nomem);
    if (film && info.st_size > MAX_FILM) {
        add_long_film(to, film, &info);
    } else if (film) {
        /* One that cannot be read is there all the same. */
        const int status = glimpse_file_read(&data, &size, film, MAX_FILM);
        if (status == GLIMPSE_E_NOMEM) to->nomem = 1;
        if (status == GLIMPSE_OK) {
            glimpse_found_film(to, data, size);
        } else {
            glimpse_found_add(to, GLIMPSE_HOLDING_VIDEO, film, strlen(film));
        }
        free(data);
        data = NULL;
    }
    free(film);
    char *edits = edits_of(path, &info, &to->nomem);
    if (edits) {
        const int status = glimpse_file_read(&data, &size, edits, MAX_EDITS);
        if (status == GLIMPSE_E_NOMEM) to->nomem = 1;
        if (status == GLIMPSE_OK) {
            glimpse_found_add(to, GLIMPSE_HOLDING_EDITS, data, size);
        } else {
            glimpse_found_add(to, GLIMPSE_HOLDING_EDITS, edits, strlen(edits));
        }
        free(data);
    }
    free(edits);
}

int glimpse_holdings_has_companion(const char *path) {
    struct stat info;
    int nomem = 0;
    if (glimpse_sidecar_stamp(path) != 0) return 1;
    char *film = film_of(path, &info, &nomem);
    char *edits = film ? NULL : edits_of(path, &info, &nomem);
    const int found = film || edits || nomem;
    free(film);
    free(edits);
    return found;
}
