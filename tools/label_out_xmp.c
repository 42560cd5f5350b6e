/*
 * label_out_xmp.c - labels as keywords in XMP sidecars, where photo programs look for them.
 *
 * PICTURE.jpg gets PICTURE.jpg.xmp beside it (the naming of darktable and digiKam, and the one that
 * tells a.jpg from a.png), or below the folder --output, under the path seen from --relative-to:
 *
 *     dc:subject               a bag of keywords: every level of each accepted class
 *     lr:hierarchicalSubject   for classes with levels: "animal|dog|terrier"
 *
 * A sidecar that is there already belongs to somebody: a photo program's edits, ratings, keywords.
 * It is never changed; the picture is left out and told. The exception is a sidecar that glimpse
 * wrote and nobody changed since: its last line is a comment with a hash (FNV-1a, 64 bits) of all
 * that stands before it. That one is brought up to date, and removed when the picture has no label
 * any more. Each sidecar is written whole under another name first.
 */
#include "label_out_internal.h"

#include "text.h"
#include "tool.h"
#include "truth.h"

#include <glimpse/glimpse.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "<!-- written by glimpse ";
enum { MOST_SIDECAR = 1 << 22 };

static uint64_t hash_bytes(const char *bytes, size_t size) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

typedef enum sidecar { SIDECAR_NONE, SIDECAR_OURS, SIDECAR_FOREIGN } sidecar;

static sidecar look_at(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) return errno == ENOENT ? SIDECAR_NONE : SIDECAR_FOREIGN;
    if (!S_ISREG(info.st_mode) || info.st_size <= 0 || info.st_size > MOST_SIDECAR) {
        return SIDECAR_FOREIGN;
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
    sidecar found = SIDECAR_FOREIGN;
    if (got == size && last) {
        char *end = NULL;
        unsigned long long hash = strtoull(last + strlen(mark), &end, 16);
        if (strcmp(end, " -->\n") == 0 && hash == hash_bytes(text, (size_t)(last - text))) {
            found = SIDECAR_OURS;
        }
    }
    free(text);
    return found;
}

/* One <rdf:li>; for Lightroom's hierarchies the levels are separated by |. */
static void put_item(FILE *to, const char *text, size_t length, int levels) {
    char *copy = xprintf("%.*s", (int)length, text);
    for (char *c = copy; levels && *c; c++) {
        *c = *c == '/' ? '|' : *c == '|' ? '/' : *c;
    }
    (void)fputs("     <rdf:li>", to);
    xml_text(to, copy);
    (void)fputs("</rdf:li>\n", to);
    free(copy);
}

/* A keyword once only: levels that several labels share. */
static int is_first(const label_out *out, const label_result *r, size_t label, size_t start,
                    size_t length) {
    const char *word = out->set->classes[r->labels[label].class_index].name + start;
    for (size_t i = 0; i <= label; i++) {
        if (!r->labels[i].accepted) continue;
        const char *name = out->set->classes[r->labels[i].class_index].name;
        for (const char *at = name; *at;) {
            size_t n = strcspn(at, "/");
            if (i == label && (size_t)(at - name) >= start) return 1;
            if (n == length && strncmp(at, word, n) == 0) return 0;
            at += n;
            if (*at) at++;
        }
    }
    return 1;
}

static void put_labels(FILE *to, const label_out *out, const label_result *r) {
    int levels = 0;
    (void)fputs("   <dc:subject>\n    <rdf:Bag>\n", to);
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        const char *name = out->set->classes[r->labels[i].class_index].name;
        levels |= strchr(name, '/') != NULL;
        for (size_t at = 0; name[at];) {
            size_t n = strcspn(name + at, "/");
            if (n > 0 && is_first(out, r, i, at, n)) put_item(to, name + at, n, 0);
            at += n;
            if (name[at]) at++;
        }
    }
    (void)fputs("    </rdf:Bag>\n   </dc:subject>\n", to);
    if (!levels) return;
    (void)fputs("   <lr:hierarchicalSubject>\n    <rdf:Bag>\n", to);
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        const char *name = out->set->classes[r->labels[i].class_index].name;
        if (strchr(name, '/')) put_item(to, name, strlen(name), 1);
    }
    (void)fputs("    </rdf:Bag>\n   </lr:hierarchicalSubject>\n", to);
}

static char *make_text(const label_out *out, const label_result *r, size_t *size) {
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    if (!to) return NULL;
    (void)fprintf(to,
                  "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                  "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"glimpse %s\">\n"
                  " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                  "  <rdf:Description rdf:about=\"\"\n"
                  "    xmlns:dc=\"http://purl.org/dc/elements/1.1/\"\n"
                  "    xmlns:lr=\"http://ns.adobe.com/lightroom/1.0/\">\n",
                  glimpse_version());
    put_labels(to, out, r);
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

static char *sidecar_path(const label_out *out, const char *picture) {
    if (!out->o->output) return xprintf("%s.xmp", picture);
    char *seen = out->o->relative_to ? label_out_path(out, picture) : path_settle(picture);
    const char *from = seen;
    while (*from == '/')
        from++;
    char *path = xprintf("%s/%s.xmp", out->o->output, from);
    free(seen);
    return path;
}

static int write_sidecar(char *path, const char *text, size_t size) {
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

static int xmp_put(label_out *out, const label_result *r) {
    char *path = sidecar_path(out, r->path), *text = NULL;
    size_t size = 0;
    int wanted = 0, failed = 0;
    for (size_t i = 0; i < r->count; i++)
        wanted |= r->labels[i].accepted && *out->set->classes[r->labels[i].class_index].name;
    sidecar there = look_at(path);
    if (!wanted) {
        if (there == SIDECAR_OURS) failed = unlink(path);
    } else if (there == SIDECAR_FOREIGN) {
        label_out_leave_out(out, r->path,
                            "it has a sidecar that glimpse did not write; it is left "
                            "as it is");
    } else {
        text = make_text(out, r, &size);
        failed = text ? write_sidecar(path, text, size) : -1;
    }
    if (failed) label_out_leave_out(out, r->path, strerror(errno));
    free(text);
    free(path);
    return CLI_RUN;
}

const label_writer label_out_xmp = {.put = xmp_put};
