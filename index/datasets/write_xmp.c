/*
 * write_xmp.c - labels as keywords in XMP sidecars (xmp.h), where photo programs look for
 * them. They lie beside the pictures, or below the output directory, under the path seen
 * from options.relative_to:
 *
 *     dc:subject               a bag of keywords: every level of each accepted class
 *     lr:hierarchicalSubject   for classes with levels: "animal|dog|terrier"
 *
 * A picture with somebody else's sidecar is left out and told. What glimpse wrote before is brought
 * up to date, and removed when the picture has no label any more and nothing else is in it.
 */
#include "dataset_text.h"
#include "writer_internal.h"
#include "xmp.h"

#include <stdlib.h>
#include <string.h>

typedef struct words {
    char **list;
    size_t count, capacity;
} words;

static void forget(words *w) {
    for (size_t i = 0; i < w->count; i++)
        free(w->list[i]);
    free(w->list);
}

/* Takes `word` over; NULL is out of memory. */
static int add(words *w, char *word) {
    char **list = word ? glimpse_grown(w->list, &w->capacity, w->count, sizeof *list) : NULL;
    if (!list) {
        free(word);
        return GLIMPSE_E_NOMEM;
    }
    w->list = list;
    w->list[w->count++] = word;
    return GLIMPSE_OK;
}

/* A keyword once only: levels that several labels share. */
static int is_known(const words *w, const char *word, size_t length) {
    for (size_t i = 0; i < w->count; i++) {
        if (strlen(w->list[i]) == length && strncmp(w->list[i], word, length) == 0) return 1;
    }
    return 0;
}

static int add_class(words *keywords, words *hierarchies, const char *name) {
    for (const char *at = name; *at;) {
        size_t n = strcspn(at, "/");
        if (n > 0 && !is_known(keywords, at, n)) {
            int status = add(keywords, glimpse_formatted("%.*s", (int)n, at));
            if (status < 0) return status;
        }
        at += n;
        if (*at) at++;
    }
    if (!strchr(name, '/')) return GLIMPSE_OK;
    /* Lightroom separates levels by |. */
    char *levels = glimpse_copied(name);
    for (char *c = levels; c && *c; c++)
        *c = *c == '/' ? '|' : *c == '|' ? '/' : *c;
    return add(hierarchies, levels);
}

static int set_labels(glimpse_xmp_parts *parts, const glimpse_dataset_writer *w,
                      const glimpse_labelled *p) {
    words keywords = {NULL, 0, 0}, hierarchies = {NULL, 0, 0};
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < p->count && status == GLIMPSE_OK; i++) {
        if (!p->labels[i].accepted) continue;
        status = add_class(&keywords, &hierarchies, w->set->classes[p->labels[i].class_index].name);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_xmp_parts_set(parts, GLIMPSE_XMP_SUBJECT,
                                       (const char *const *)keywords.list, keywords.count);
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_xmp_parts_set(parts, GLIMPSE_XMP_HIERARCHY,
                                       (const char *const *)hierarchies.list, hierarchies.count);
    }
    forget(&keywords);
    forget(&hierarchies);
    return status;
}

static int bring_up_to_date(glimpse_dataset_writer *w, const glimpse_labelled *p, char *path,
                            const char *text) {
    glimpse_xmp_parts parts;
    int status = glimpse_xmp_parts_read(&parts, text);
    if (status == GLIMPSE_OK) status = set_labels(&parts, w, p);
    if (status == GLIMPSE_OK && glimpse_xmp_write(path, &parts) < 0) {
        glimpse_dataset_leave_out(w, p->path, glimpse_last_error());
    }
    glimpse_xmp_parts_free(&parts);
    return status;
}

static int xmp_add(glimpse_dataset_writer *w, const glimpse_labelled *p) {
    char *path = glimpse_xmp_path(w->o.output, w->o.relative_to, p->path, 0), *text = NULL;
    int wanted = 0, status = GLIMPSE_OK;
    if (!path) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < p->count; i++)
        wanted |= p->labels[i].accepted && *w->set->classes[p->labels[i].class_index].name;
    int there = glimpse_xmp_look_at(&text, path);
    if (there < 0) {
        status = there;
    } else if (wanted && there == GLIMPSE_XMP_FOREIGN) {
        glimpse_dataset_leave_out(w, p->path,
                                  "it has a sidecar that glimpse did not write; it is left as it "
                                  "is");
    } else if (wanted || there == GLIMPSE_XMP_OURS) {
        status = bring_up_to_date(w, p, path, text);
    }
    free(text);
    free(path);
    return status;
}

const glimpse_dataset_kind glimpse_dataset_xmp = {
    .format = {"xmp", ".xmp", GLIMPSE_DATASET_BESIDE | GLIMPSE_DATASET_RELATIVE}, .add = xmp_add};
