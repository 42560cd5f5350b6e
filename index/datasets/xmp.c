/*
 * xmp_out.c - see xmp_out.h.
 */
#include "xmp_out.h"

#include "label_out_internal.h"
#include "tool.h"

#include <glimpse/glimpse.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "<!-- written by glimpse ";
enum { MOST_SIDECAR = 1 << 22 };

static const struct {
    const char *name;
    int is_bag; /* else a text in languages, of which we write the default one */
} properties[XMP_PROPERTIES] = {{"dc:subject", 1},
                                {"lr:hierarchicalSubject", 1},
                                {"dc:description", 0},
                                {"Iptc4xmpCore:AltTextAccessibility", 0}};

static uint64_t hash_bytes(const char *bytes, size_t size) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

xmp_state xmp_look_at(const char *path, char **out) {
    struct stat info;
    if (out) *out = NULL;
    if (lstat(path, &info) != 0) return errno == ENOENT ? XMP_NONE : XMP_FOREIGN;
    if (!S_ISREG(info.st_mode) || info.st_size <= 0 || info.st_size > MOST_SIDECAR) {
        return XMP_FOREIGN;
    }
    size_t size = (size_t)info.st_size, got = 0;
    char *text = xmalloc(size + 1), *last = NULL;
    FILE *file = fopen(path, "rb");
    if (file) {
        got = fread(text, 1, size, file);
        (void)fclose(file);
    }
    text[got] = '\0';
    for (char *at = text; (at = strstr(at, mark)) != NULL; at++)
        last = at;
    xmp_state found = XMP_FOREIGN;
    if (got == size && last) {
        char *end = NULL;
        unsigned long long hash = strtoull(last + strlen(mark), &end, 16);
        if (strcmp(end, " -->\n") == 0 && hash == hash_bytes(text, (size_t)(last - text))) {
            found = XMP_OURS;
        }
    }
    if (found == XMP_OURS && out) {
        *out = text;
    } else {
        free(text);
    }
    return found;
}

void xmp_parts_read(xmp_parts *parts, const char *text) {
    *parts = (xmp_parts){{NULL}};
    for (int i = 0; text && i < XMP_PROPERTIES; i++) {
        char *open = xprintf("   <%s>\n", properties[i].name);
        char *close = xprintf("   </%s>\n", properties[i].name);
        const char *first = strstr(text, open), *last = first ? strstr(first, close) : NULL;
        if (last) {
            size_t size = (size_t)(last - first) + strlen(close);
            parts->parts[i] = xprintf("%.*s", (int)size, first);
        }
        free(open);
        free(close);
    }
}

void xmp_parts_free(xmp_parts *parts) {
    for (int i = 0; i < XMP_PROPERTIES; i++)
        free(parts->parts[i]);
    *parts = (xmp_parts){{NULL}};
}

int xmp_parts_empty(const xmp_parts *parts) {
    for (int i = 0; i < XMP_PROPERTIES; i++) {
        if (parts->parts[i]) return 0;
    }
    return 1;
}

static FILE *open_memory(char **text, size_t *size) {
    FILE *to = open_memstream(text, size);
    if (!to) exit(tool_fail("out of memory"));
    return to;
}

void xmp_parts_set(xmp_parts *parts, xmp_property property, const char *const *items,
                   size_t count) {
    const char *name = properties[property].name;
    int is_bag = properties[property].is_bag;
    free(parts->parts[property]);
    parts->parts[property] = NULL;
    if (count == 0) return;
    size_t size = 0;
    FILE *to = open_memory(&parts->parts[property], &size);
    (void)fprintf(to, "   <%s>\n    <rdf:%s>\n", name, is_bag ? "Bag" : "Alt");
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(to, "     <rdf:li%s>", is_bag ? "" : " xml:lang=\"x-default\"");
        xml_text(to, items[i]);
        (void)fputs("</rdf:li>\n", to);
    }
    (void)fprintf(to, "    </rdf:%s>\n   </%s>\n", is_bag ? "Bag" : "Alt", name);
    (void)fclose(to);
}

/* The other way round than xml_text(); what it writes has no other references. */
static char *plain_text(const char *xml, size_t size) {
    static const struct {
        const char *name;
        char character;
    } references[] = {{"&amp;", '&'}, {"&lt;", '<'},   {"&gt;", '>'},  {"&quot;", '"'},
                      {"&#9;", '\t'}, {"&#10;", '\n'}, {"&#13;", '\r'}};
    char *text = xmalloc(size + 1), *to = text;
    for (size_t i = 0; i < size;) {
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
    *to = '\0';
    return text;
}

char **xmp_parts_keywords(const xmp_parts *parts, size_t *count) {
    char **words = NULL;
    *count = 0;
    for (const char *at = parts->parts[XMP_SUBJECT]; at && (at = strstr(at, "<rdf:li>"));) {
        at += strlen("<rdf:li>");
        const char *end = strstr(at, "</rdf:li>");
        if (!end) break;
        words = xrealloc(words, (*count + 1) * sizeof *words);
        words[(*count)++] = plain_text(at, (size_t)(end - at));
        at = end;
    }
    return words;
}

static char *make_text(const xmp_parts *parts, size_t *size) {
    char *text = NULL;
    FILE *to = open_memory(&text, size);
    (void)fprintf(to,
                  "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                  "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"glimpse %s\">\n"
                  " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                  "  <rdf:Description rdf:about=\"\"\n"
                  "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
                  "    xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\"%s>\n",
                  glimpse_version(),
                  parts->parts[XMP_ALT_TEXT]
                      ? "\n    xmlns:Iptc4xmpCore=\"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/\""
                      : "");
    for (int i = 0; i < XMP_PROPERTIES; i++) {
        if (parts->parts[i]) (void)fputs(parts->parts[i], to);
    }
    (void)fputs("  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n", to);
    (void)fflush(to);
    (void)fprintf(to, "%s%016llx -->\n", mark, (unsigned long long)hash_bytes(text, *size));
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* The folders of `path` below what exists. */
static int make_folders_for(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return -1;
    }
    return 0;
}

static int write_text(char *path, const char *text, size_t size) {
    char *temporary = xprintf("%s.%ld.tmp", path, (long)getpid());
    int failed = make_folders_for(path);
    FILE *to = failed ? NULL : fopen(temporary, "wbx");
    if (!to) {
        free(temporary);
        return -1;
    }
    failed = fwrite(text, 1, size, to) != size;
    failed |= fclose(to) != 0;
    if (!failed) failed = rename(temporary, path) != 0;
    int error = errno;
    if (failed) (void)unlink(temporary);
    free(temporary);
    errno = error;
    return failed ? -1 : 0;
}

int xmp_write(char *path, const xmp_parts *parts) {
    if (xmp_parts_empty(parts)) return unlink(path) == 0 || errno == ENOENT ? 0 : -1;
    size_t size = 0;
    char *text = make_text(parts, &size);
    int failed = text ? write_text(path, text, size) : -1;
    free(text);
    return failed;
}
