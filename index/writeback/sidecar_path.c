/*
 * sidecar_path.c - which sidecar of a picture is written to. Two that say different things are
 * never made: one that is there is the one, under either name.
 */
#include "core/companions.h"
#include "core/error.h"
#include "writeback.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

/* malloc'ed: the first `end` bytes of the path with ".xmp" in the capitals that are there. NULL:
 * none is there, or out of memory (*nomem). */
static char *find(const char *path, size_t end, int *nomem) {
    static const char *const endings[] = {".xmp", ".XMP", ".Xmp"};
    char *out = malloc(end + sizeof ".xmp");
    if (!out) *nomem = 1;
    for (size_t i = 0; out && i < sizeof endings / sizeof *endings; i++) {
        memcpy(out, path, end);
        memcpy(out + end, endings[i], sizeof ".xmp");
        if (exists(out)) return out;
    }
    free(out);
    return NULL;
}

static char *with_xmp(const char *path, size_t end) {
    char *out = malloc(end + sizeof ".xmp");
    if (!out) return NULL;
    memcpy(out, path, end);
    memcpy(out + end, ".xmp", sizeof ".xmp");
    return out;
}

static int is_raw(const char *ending) {
    return glimpse_companion_role_of(ending) == GLIMPSE_COMPANION_RAW;
}

static int is_beside(const char *path, size_t stem, const char *ending) {
    const size_t length = strlen(ending);
    char *other = malloc(stem + length + 2);
    int found = 0;
    if (!other) return 1; /* then the name that no other picture has is the safe one */
    for (int upper = 0; upper < 2 && !found; upper++) {
        memcpy(other, path, stem);
        other[stem] = '.';
        for (size_t i = 0; i <= length; i++)
            other[stem + 1 + i] = (char)(upper ? toupper((unsigned char)ending[i]) : ending[i]);
        found = strcasecmp(other, path) != 0 && exists(other);
    }
    free(other);
    return found;
}

/* Is a.xmp that of another picture a? Of several a RAW file has it; of others nobody knows. */
static int is_others(const char *path, size_t stem) {
    static const char *const pictures[] = {"jpg",  "jpeg", "png",  "tif", "tiff", "webp",
                                           "heic", "heif", "avif", "jxl", "gif",  "psd"};
    if (is_raw(path + stem + 1)) return 0;
    const glimpse_companion_ending *ending;
    for (size_t i = 0; (ending = glimpse_companion_ending_at(i)); i++) {
        if (ending->role == GLIMPSE_COMPANION_RAW && is_beside(path, stem, ending->ending))
            return 1;
    }
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        if (is_beside(path, stem, pictures[i])) return 1;
    }
    return 0;
}

int glimpse_writeback_sidecar(char **out, int *is_there, const char *path,
                              glimpse_write_target target) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t length = strlen(path), stem = (size_t)(name - path) + glimpse_name_stem(name);
    int nomem = 0;
    *is_there = 1;
    *out = find(path, length, &nomem);
    if (!*out && !nomem && stem < length && !is_others(path, stem)) *out = find(path, stem, &nomem);
    if (*out) return GLIMPSE_OK;
    if (nomem) return glimpse_fail_nomem(length, "a sidecar's name");
    *is_there = 0;
    size_t end = length;
    if (target == GLIMPSE_WRITE_LIGHTROOM) {
        const char *ending = glimpse_name_ending(name);
        if (!is_raw(ending) || strcasecmp(ending, "dng") == 0) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                                "Lightroom reads sidecars of RAW files alone, of others and of DNG "
                                "what is in them: %s",
                                glimpse_wording("GLIMPSE_WRITE_EMBEDDED", NULL));
        }
        end = stem;
    }
    *out = with_xmp(path, end);
    return *out ? GLIMPSE_OK : glimpse_fail_nomem(length, "a sidecar's name");
}
