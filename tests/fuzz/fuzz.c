/*
 * fuzz.c - takes inputs apart and makes the directories that they describe.
 */
#include "fuzz.h"

#include <glimpse/status.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_broken_promise(const char *file, int line, const char *condition) {
    (void)fprintf(stderr, "%s:%d: broken promise: %s (last error: %s)\n", file, line, condition,
                  glimpse_last_error());
    abort();
}

int fuzz_fine(int status) {
    if (status == GLIMPSE_OK) return 1;
    PROMISE(status < 0);
    PROMISE(status != GLIMPSE_E_NOMEM);
    PROMISE(*glimpse_last_error() != '\0');
    if (getenv("GLIMPSE_FUZZ_SHOW")) (void)fprintf(stderr, "%s\n", glimpse_last_error());
    return 0;
}

static const uint8_t *next_mark(const uint8_t *at, const uint8_t *end) {
    for (; end - at >= 4; at++) {
        at = memchr(at, '=', (size_t)(end - at));
        if (!at || end - at < 4) return NULL;
        if (memcmp(at, "=== ", 4) == 0) return at;
    }
    return NULL;
}

size_t fuzz_split(fuzz_part parts[FUZZ_PARTS], const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const uint8_t *end = data + size, *mark = next_mark(data, end);
    size_t count = 0;
    while (mark && count < FUZZ_PARTS) {
        const uint8_t *name = mark + 4, *line = memchr(name, '\n', (size_t)(end - name));
        if (!line) line = end;
        const uint8_t *body = line < end ? line + 1 : end, *next = body;
        /* Only at the beginning of a line. */
        do {
            next = next_mark(next, end);
        } while (next && next > body && next[-1] != '\n' && next++);
        if (count + 1 == FUZZ_PARTS) next = NULL;
        const uint8_t *stop = next ? next : end;
        if (stop > body && stop[-1] == '\n') stop--;
        parts[count++] =
            (fuzz_part){(const char *)name, (size_t)(line - name), body, (size_t)(stop - body)};
        mark = next;
    }
    return count;
}

int fuzz_is(const fuzz_part *part, const char *name) {
    return strlen(name) == part->name_length && memcmp(part->name, name, part->name_length) == 0;
}

char *fuzz_text(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    if (!text) abort();
    if (size > 0) memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/*
 * The directory.
 */
static char directory[512];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info, (void)kind, (void)where;
    (void)remove(path);
    return 0;
}

static void remove_directory(void) {
    (void)nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_directory(void) {
    if (directory[0]) return directory;
    const char *base = getenv("TMPDIR");
    if (!base || !*base) base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(directory, sizeof directory, "%s/glimpse-fuzz-XXXXXX", base);
    if (!mkdtemp(directory)) {
        perror(directory);
        exit(2);
    }
    (void)atexit(remove_directory);
    return directory;
}

char *fuzz_path(const char *name) {
    size_t size = strlen(fuzz_directory()) + strlen(name) + 2;
    char *path = malloc(size);
    if (!path) abort();
    (void)snprintf(path, size, "%s/%s", fuzz_directory(), name);
    return path;
}

void fuzz_write(const char *name, const void *data, size_t size) {
    char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    if (!file || (size > 0 && fwrite(data, 1, size, file) != size) || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
    free(path);
}

void fuzz_write_parts(const fuzz_part *parts, size_t count, const char *const *names) {
    for (size_t i = 0; i < count; i++) {
        for (const char *const *name = names; *name; name++) {
            if (fuzz_is(&parts[i], *name)) fuzz_write(*name, parts[i].data, parts[i].size);
        }
    }
}

void fuzz_remove(const char *const *names) {
    for (; *names; names++) {
        char *path = fuzz_path(*names);
        (void)unlink(path);
        free(path);
    }
}
