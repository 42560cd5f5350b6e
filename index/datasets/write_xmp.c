/*
 * label_out_xmp.c - labels as keywords in XMP sidecars (xmp_out.h), where photo programs look for
 * them. They lie beside the pictures, or below the folder --output, under the path seen from
 * --relative-to:
 *
 *     dc:subject               a bag of keywords: every level of each accepted class
 *     lr:hierarchicalSubject   for classes with levels: "animal|dog|terrier"
 *
 * A picture with somebody else's sidecar is left out and told. What glimpse wrote before is brought
 * up to date, and removed when the picture has no label any more and nothing else is in it.
 */
#include "label_out_internal.h"

#include "tool.h"
#include "truth.h"
#include "xmp_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct words {
    char **list;
    size_t count;
} words;

static void add(words *w, char *word) {
    w->list = xrealloc(w->list, (w->count + 1) * sizeof *w->list);
    w->list[w->count++] = word;
}

static void set(xmp_parts *parts, xmp_property property, words *w) {
    xmp_parts_set(parts, property, (const char *const *)w->list, w->count);
    for (size_t i = 0; i < w->count; i++)
        free(w->list[i]);
    free(w->list);
}

/* A keyword once only: levels that several labels share. */
static int is_known(const words *w, const char *word, size_t length) {
    for (size_t i = 0; i < w->count; i++) {
        if (strlen(w->list[i]) == length && strncmp(w->list[i], word, length) == 0) return 1;
    }
    return 0;
}

static void put_labels(xmp_parts *parts, const label_out *out, const label_result *r) {
    words keywords = {NULL, 0}, hierarchies = {NULL, 0};
    for (size_t i = 0; i < r->count; i++) {
        if (!r->labels[i].accepted) continue;
        const char *name = out->set->classes[r->labels[i].class_index].name;
        for (const char *at = name; *at;) {
            size_t n = strcspn(at, "/");
            if (n > 0 && !is_known(&keywords, at, n)) add(&keywords, xprintf("%.*s", (int)n, at));
            at += n;
            if (*at) at++;
        }
        if (!strchr(name, '/')) continue;
        /* Lightroom separates levels by |. */
        char *levels = xstrdup(name);
        for (char *c = levels; *c; c++)
            *c = *c == '/' ? '|' : *c == '|' ? '/' : *c;
        add(&hierarchies, levels);
    }
    set(parts, XMP_SUBJECT, &keywords);
    set(parts, XMP_HIERARCHY, &hierarchies);
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

static int xmp_put(label_out *out, const label_result *r) {
    char *path = sidecar_path(out, r->path), *text = NULL;
    int wanted = 0, failed = 0;
    for (size_t i = 0; i < r->count; i++)
        wanted |= r->labels[i].accepted && *out->set->classes[r->labels[i].class_index].name;
    xmp_state there = xmp_look_at(path, &text);
    if (wanted && there == XMP_FOREIGN) {
        label_out_leave_out(out, r->path,
                            "it has a sidecar that glimpse did not write; it is left "
                            "as it is");
    } else if (wanted || there == XMP_OURS) {
        xmp_parts parts;
        xmp_parts_read(&parts, text);
        put_labels(&parts, out, r);
        failed = xmp_write(path, &parts);
        if (failed) label_out_leave_out(out, r->path, strerror(errno));
        xmp_parts_free(&parts);
    }
    free(text);
    free(path);
    return CLI_RUN;
}

const label_writer label_out_xmp = {.put = xmp_put};
