/*
 * xmp.c - writes the XMP sidecar of a picture, or puts labels into the one that another program
 * wrote.
 */
#include "xmp.h"

#include "core/error.h"
#include "core/file.h"
#include "dataset_text.h"

#include <glimpse/version.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "<!-- written by glimpse ";
enum { MAX_SIDECAR = 1 << 22 };

static const struct {
    const char *name;
    int is_bag; /* else a text in languages, of which we write the default one */
} properties[GLIMPSE_XMP_PROPERTIES] = {{"dc:subject", 1},
                                        {"lr:hierarchicalSubject", 1},
                                        {"dc:description", 0},
                                        {"Iptc4xmpCore:AltTextAccessibility", 0}};

static uint64_t hash_bytes(const char *bytes, size_t size) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

/* One that is there with capitals in its ending is the picture's sidecar, too. */
static char *existing(char *path) {
    static const char *const endings[] = {".XMP", ".Xmp"};
    const size_t end = path ? strlen(path) - 4 : 0;
    if (!path || access(path, F_OK) == 0) return path;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        memcpy(path + end, endings[i], 4);
        if (access(path, F_OK) == 0) return path;
    }
    memcpy(path + end, ".xmp", 4);
    return path;
}

char *glimpse_xmp_path(const char *directory, const char *relative_to, const char *picture,
                       int keep_outside) {
    if (!directory) return existing(glimpse_formatted("%s.xmp", picture));
    char *seen = relative_to ? glimpse_path_seen_from(relative_to, picture, keep_outside)
                             : glimpse_path_resolved(picture);
    if (!seen) return NULL;
    const char *from = seen;
    while (*from == '/')
        from++;
    char *path = glimpse_formatted("%s/%s.xmp", directory, from);
    free(seen);
    return existing(path);
}

/* Whether its last line is our mark over all that stands before it. */
static int is_ours(const char *text) {
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, mark)) != NULL; at++)
        last = at;
    if (!last) return 0;
    char *end = NULL;
    unsigned long long hash = strtoull(last + strlen(mark), &end, 16);
    return strcmp(end, " -->\n") == 0 && hash == hash_bytes(text, (size_t)(last - text));
}

int glimpse_xmp_look_at(char **out, const char *path) {
    struct stat info;
    *out = NULL;
    if (lstat(path, &info) != 0) return errno == ENOENT ? GLIMPSE_XMP_NONE : GLIMPSE_XMP_FOREIGN;
    if (!S_ISREG(info.st_mode) || info.st_size <= 0 || info.st_size > MAX_SIDECAR) {
        return GLIMPSE_XMP_FOREIGN;
    }
    size_t size = (size_t)info.st_size, got = 0;
    char *text = glimpse_zeroed(size + 1, 1);
    if (!text) return GLIMPSE_E_NOMEM;
    FILE *file = fopen(path, "rb");
    if (file) {
        got = fread(text, 1, size, file);
        (void)fclose(file);
    }
    if (got == size && is_ours(text)) {
        *out = text;
        return GLIMPSE_XMP_OURS;
    }
    free(text);
    return GLIMPSE_XMP_FOREIGN;
}

int glimpse_xmp_parts_read(glimpse_xmp_parts *parts, const char *text) {
    *parts = (glimpse_xmp_parts){{NULL}};
    int status = GLIMPSE_OK;
    for (int i = 0; text && i < GLIMPSE_XMP_PROPERTIES && status == GLIMPSE_OK; i++) {
        char *open = glimpse_formatted("   <%s>\n", properties[i].name);
        char *close = glimpse_formatted("   </%s>\n", properties[i].name);
        const char *first = open && close ? strstr(text, open) : NULL;
        const char *last = first ? strstr(first, close) : NULL;
        if (last) {
            size_t size = (size_t)(last - first) + strlen(close);
            parts->parts[i] = glimpse_formatted("%.*s", (int)size, first);
        }
        if (!open || !close || (last && !parts->parts[i])) status = GLIMPSE_E_NOMEM;
        free(open);
        free(close);
    }
    return status;
}

void glimpse_xmp_parts_free(glimpse_xmp_parts *parts) {
    for (int i = 0; i < GLIMPSE_XMP_PROPERTIES; i++)
        free(parts->parts[i]);
    *parts = (glimpse_xmp_parts){{NULL}};
}

static int is_empty(const glimpse_xmp_parts *parts) {
    for (int i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        if (parts->parts[i]) return 0;
    }
    return 1;
}

int glimpse_xmp_parts_set(glimpse_xmp_parts *parts, glimpse_xmp_property property,
                          const char *const *items, size_t count) {
    const char *name = properties[property].name;
    int is_bag = properties[property].is_bag;
    free(parts->parts[property]);
    parts->parts[property] = NULL;
    if (count == 0) return GLIMPSE_OK;
    size_t size = 0;
    char *text = NULL;
    FILE *to = open_memstream(&text, &size);
    if (!to) return glimpse_fail_nomem(size, "a sidecar");
    (void)fprintf(to, "   <%s>\n    <rdf:%s>\n", name, is_bag ? "Bag" : "Alt");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(to, "     <rdf:li%s>", is_bag ? "" : " xml:lang=\"x-default\"");
        glimpse_xml_text(to, items[i]);
        (void)fputs("</rdf:li>\n", to);
    }
    (void)fprintf(to, "    </rdf:%s>\n   </%s>\n", is_bag ? "Bag" : "Alt", name);
    if (fclose(to) != 0 || !text) {
        free(text);
        return glimpse_fail_nomem(size, "a sidecar");
    }
    parts->parts[property] = text;
    return GLIMPSE_OK;
}

/* The other way round than glimpse_xml_text(); what it writes has no other references. */
static char *plain_text(const char *xml, size_t size) {
    static const struct {
        const char *name;
        char character;
    } references[] = {{"&amp;", '&'}, {"&lt;", '<'},   {"&gt;", '>'},  {"&quot;", '"'},
                      {"&#9;", '\t'}, {"&#10;", '\n'}, {"&#13;", '\r'}};
    char *text = glimpse_zeroed(size + 1, 1), *to = text;
    for (size_t i = 0; text && i < size;) {
        size_t length = 0;
        for (size_t k = 0; k < sizeof references / sizeof *references && !length; k++) {
            size_t n = strlen(references[k].name);
            if (n <= size - i && strncmp(xml + i, references[k].name, n) == 0) {
                *to++ = references[k].character;
                length = n;
            }
        }
        if (length == 0) *to++ = xml[i];
        i += length ? length : 1;
    }
    return text;
}

int glimpse_xmp_parts_keywords(char ***words, size_t *count, size_t *capacity,
                               const glimpse_xmp_parts *parts) {
    *words = NULL;
    *count = *capacity = 0;
    for (const char *at = parts->parts[GLIMPSE_XMP_SUBJECT]; at && (at = strstr(at, "<rdf:li>"));) {
        at += strlen("<rdf:li>");
        const char *end = strstr(at, "</rdf:li>");
        if (!end) break;
        char **grown = glimpse_grown(*words, capacity, *count, sizeof **words);
        if (!grown) return GLIMPSE_E_NOMEM;
        *words = grown;
        if (!(grown[*count] = plain_text(at, (size_t)(end - at)))) return GLIMPSE_E_NOMEM;
        ++*count;
        at = end;
    }
    return GLIMPSE_OK;
}

static char *make_text(const glimpse_xmp_parts *parts, size_t *size) {
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    if (!to) return NULL;
    (void)fprintf(to,
                  "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                  "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"glimpse %s\">\n"
                  " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                  "  <rdf:Description rdf:about=\"\"\n"
                  "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
                  "    xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\"%s>\n",
                  GLIMPSE_VERSION,
                  parts->parts[GLIMPSE_XMP_ALT_TEXT]
                      ? "\n    xmlns:Iptc4xmpCore=\"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/\""
                      : "");
    for (int i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        if (parts->parts[i]) (void)fputs(parts->parts[i], to);
    }
    (void)fputs("  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n", to);
    if (fflush(to) != 0 || !text) {
        (void)fclose(to);
        free(text);
        return NULL;
    }
    (void)fprintf(to, "%s%016llx -->\n", mark, (unsigned long long)hash_bytes(text, *size));
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The directories of `path` below what exists. */
static int make_directories_for(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return -1;
    }
    return 0;
}

static int write_text(char *path, const char *text, size_t size) {
    glimpse_new_file file;
    if (make_directories_for(path) < 0) {
        return glimpse_fail_errno("%s: cannot make its directory", path);
    }
    int status = glimpse_new_file_open(&file, path);
    if (status < 0) return status;
    (void)fwrite(text, 1, size, file.stream);
    return glimpse_new_file_publish(&file); /* it carries a checksum, and can be made again */
}

int glimpse_xmp_write(char *path, const glimpse_xmp_parts *parts) {
    if (is_empty(parts)) {
        if (unlink(path) == 0 || errno == ENOENT) return GLIMPSE_OK;
        return glimpse_fail_errno("%s: cannot remove", path);
    }
    size_t size = 0;
    char *text = make_text(parts, &size);
    int status = text ? write_text(path, text, size) : glimpse_fail_nomem(size, "a sidecar");
    free(text);
    return status;
}
