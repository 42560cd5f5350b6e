/*
 * dataset_text.c - memory, messages, paths, names and escapes that the readers and writers of data
 * sets share.
 */
#include "dataset_text.h"

#include "core/error.h"
#include "core/hex.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Memory.
 */
void *glimpse_zeroed(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) (void)glimpse_fail_nomem((unsigned long long)count * size, "a data set");
    return memory;
}

void *glimpse_grown(void *items, size_t *capacity, size_t count, size_t size) {
    if (count < *capacity) return items;
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = wanted <= SIZE_MAX / size ? realloc(items, wanted * size) : NULL;
    if (!grown) {
        (void)glimpse_fail_nomem((unsigned long long)wanted * size, "a data set");
        return NULL;
    }
    *capacity = wanted;
    return grown;
}

char *glimpse_copied(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (!copy) {
        (void)glimpse_fail_nomem(size, "a text");
        return NULL;
    }
    memcpy(copy, text, size);
    return copy;
}

char *glimpse_formatted(const char *format, ...) {
    va_list args;
    char *text = NULL;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
        (void)glimpse_fail_nomem(0, "a text");
    }
    va_end(args);
    return text;
}

const char *glimpse_count_text(char out[GLIMPSE_COUNT_TEXT], uint64_t number) {
    char digits[24], *to = out;
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

void glimpse_report_message(glimpse_message_fn message, void *user, glimpse_message_kind kind,
                            const char *format, ...) {
    char text[2048];
    va_list args;
    if (!message) return;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) >= 0) message(user, kind, text);
    va_end(args);
}

uint64_t glimpse_fnv1a(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

int glimpse_text_is_utf8(const char *text) {
    return glimpse_utf8_is_valid(text, strlen(text));
}

/*
 * Paths.
 */
void glimpse_path_clean(char *path) {
    int absolute = path[0] == '/';
    char *to = path + absolute, *from = to, *floor = to;
    while (*from) {
        size_t length = strcspn(from, "/");
        int dots = length == 2 && from[0] == '.' && from[1] == '.';
        if (length == 0 || (length == 1 && from[0] == '.')) {
            /* nothing */
        } else if (dots && to > floor) {
            to--; /* the slash behind the part that goes */
            while (to > floor && to[-1] != '/')
                to--;
        } else if (!dots || !absolute) { /* the root is its own parent */
            memmove(to, from, length);
            to += length;
            *to++ = '/'; /* there is capacity: a slash or the end stood behind `from` */
            if (dots) floor = to;
        }
        from += length;
        if (*from == '/') from++;
    }
    if (to > path + absolute) to--;
    *to = '\0';
}

char *glimpse_path_resolved(const char *path) {
    char *real = realpath(path, NULL);
    if (real) return real;
    char *absolute = NULL;
    if (path[0] == '/') {
        absolute = glimpse_formatted("%s/", path);
    } else {
        char *here = getcwd(NULL, 0);
        absolute = glimpse_formatted("%s/%s/", here ? here : "", path);
        free(here);
    }
    if (absolute) glimpse_path_clean(absolute);
    return absolute;
}

char *glimpse_path_seen_from(const char *directory, const char *path, int keep_outside) {
    if (!directory) return glimpse_copied(path);
    char *base = glimpse_path_resolved(directory), *full = glimpse_path_resolved(path),
         *seen = NULL;
    if (base && full) {
        size_t length = strcmp(base, "/") == 0 ? 0 : strlen(base);
        int inside = strncmp(full, base, length) == 0 && full[length] == '/';
        seen = glimpse_copied(inside ? full + length + 1 : keep_outside ? path : full);
    }
    free(base);
    free(full);
    return seen;
}

/*
 * Names of classes as names of directories.
 *
 * %XX replaces what a file system, a shell or another system would trip over: control characters
 * and DEL, / \ : * ? " < > | and %, a leading dot or blank and a trailing one. The empty name is
 * "%". A result of more than MAX_NAME bytes is cut and ends in "%~" and a hash, which cannot be
 * turned back.
 */
enum { MAX_NAME = 200, KEPT_NAME = 160 };

static int needs_escape(const char *name, size_t i, size_t length) {
    unsigned char c = (unsigned char)name[i];
    if (c < 0x20 || c == 0x7F || strchr("/\\:*?\"<>|%", c)) return 1;
    if (i == 0 && strcmp(name, GLIMPSE_NO_CLASS_DIRECTORY) == 0) return 1;
    return (i == 0 || i + 1 == length) && (c == '.' || c == ' ');
}

char *glimpse_class_to_directory(const char *name) {
    size_t length = strlen(name), used = 0, kept = 0;
    if (length == 0) return glimpse_copied("%");
    char *directory = glimpse_zeroed(3 * length + 1, 1);
    if (!directory) return NULL;
    for (size_t i = 0; i < length; i++) {
        /* A cut must not fall into a character. */
        if (((unsigned char)name[i] & 0xC0u) != 0x80u && used <= KEPT_NAME) kept = used;
        if (needs_escape(name, i, length)) {
            used += (size_t)sprintf(directory + used, "%%%02X", (unsigned)(unsigned char)name[i]);
        } else {
            directory[used++] = name[i];
        }
    }
    directory[used] = '\0';
    if (used <= MAX_NAME) return directory;
    char *cut = glimpse_formatted("%.*s%%~%016llx", (int)kept, directory,
                                  (unsigned long long)glimpse_fnv1a(name));
    free(directory);
    return cut;
}

char *glimpse_class_from_directory(const char *directory) {
    if (strcmp(directory, "%") == 0) return glimpse_copied("");
    char *name = glimpse_zeroed(strlen(directory) + 1, 1), *to = name;
    if (!name) return NULL;
    for (; *directory; directory++) {
        int high = *directory == '%' ? glimpse_hex_digit(directory[1]) : -1;
        int low = high >= 0 ? glimpse_hex_digit(directory[2]) : -1;
        if (low >= 0 && (high | low) != 0) {
            *to++ = (char)(16 * high + low);
            directory += 2;
        } else {
            *to++ = *directory;
        }
    }
    *to = '\0';
    return name;
}

const char *glimpse_class_leaf(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

size_t glimpse_class_parent_length(const char *name) {
    const char *leaf = glimpse_class_leaf(name);
    return leaf == name ? 0 : (size_t)(leaf - name) - 1;
}

/*
 * Escapes.
 */
void glimpse_xml_text(FILE *to, const char *text) {
    const char *end = text + strlen(text);
    while (text < end) {
        uint32_t c = 0;
        char utf8[GLIMPSE_UTF8_MAX_BYTES];
        text += glimpse_utf8_decode(&c, text, (size_t)(end - text), NULL);
        switch (c) {
        case '&': (void)fputs("&amp;", to); break;
        case '<': (void)fputs("&lt;", to); break;
        case '>': (void)fputs("&gt;", to); break;
        case '"': (void)fputs("&quot;", to); break;
        case '\t':
        case '\n':
        case '\r': (void)fprintf(to, "&#%u;", (unsigned)c); break;
        default:
            /* What XML cannot hold at all. */
            if (c < 0x20 || c == 0xFFFE || c == 0xFFFF) c = GLIMPSE_UTF8_REPLACEMENT;
            (void)fwrite(utf8, 1, glimpse_utf8_encode(utf8, c), to);
        }
    }
}
