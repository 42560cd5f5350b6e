/*
 * catalog.c - the table of models, read from its file.
 */
#include "hub.h"

#include "core/error.h"
#include "text/json_load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_CATALOG = 1 << 20, MAX_TEXTS = 64 };

struct glimpse_catalog {
    json_t *root; /* strings are its */
    glimpse_catalog_model *models;
    const json_t **entries; /* [count] */
    const char ***lists;    /* [count] the files of each, NULL-terminated */
    size_t count;
};

typedef struct reader {
    const char *path;
    const json_t *entry;
    const char *name; /* of the entry, for messages */
    int status;
} reader;

static void fail(reader *r, const char *key, const char *wanted) {
    if (r->status < 0) return;
    r->status = glimpse_fail(GLIMPSE_E_FORMAT, "%s: the model %s: \"%s\" is not %s", r->path,
                             r->name, key, wanted);
}

static const char *read_text(reader *r, const json_t *object, const char *key, int optional) {
    const json_t *value = json_object_get(object, key);
    if (optional && (!value || json_is_null(value))) return NULL;
    if (!json_is_string(value) || !*json_string_value(value)) {
        fail(r, key, "a text");
        return NULL;
    }
    return json_string_value(value);
}

static double read_number(reader *r, const json_t *object, const char *key, double max) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return NAN;
    if (!json_is_number(value) || json_number_value(value) <= 0.0 ||
        json_number_value(value) > max) {
        fail(r, key, "a number in its range");
        return NAN;
    }
    return json_number_value(value);
}

static unsigned read_whole(reader *r, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 1 ||
        json_integer_value(value) > 100000) {
        fail(r, key, "a whole number in its range");
        return 0;
    }
    return (unsigned)json_integer_value(value);
}

static int is_purpose(const char *text) {
    return strcmp(text, "search") == 0 || strcmp(text, "caption") == 0 ||
           strcmp(text, "match") == 0 || strcmp(text, "answer") == 0;
}

static void read_figures(reader *r, glimpse_catalog_model *m) {
    const json_t *figures = json_object_get(r->entry, "figures");
    if (figures && !json_is_object(figures)) fail(r, "figures", "an object");
    m->imagenet = read_number(r, figures, "imagenet", 100.0);
    m->coco_image = read_number(r, figures, "coco_image", 100.0);
    m->coco_text = read_number(r, figures, "coco_text", 100.0);
    m->flickr_image = read_number(r, figures, "flickr_image", 100.0);
    m->flickr_text = read_number(r, figures, "flickr_text", 100.0);
    m->xm3600 = read_number(r, figures, "xm3600", 100.0);
    m->source = read_text(r, r->entry, "source", json_object_size(figures) == 0);
}

static void read_files(reader *r, const char **list) {
    const json_t *files = json_object_get(r->entry, "files"), *file;
    size_t i;
    if (!json_is_array(files) || json_array_size(files) == 0 ||
        json_array_size(files) >= MAX_TEXTS) {
        fail(r, "files", "a list of names");
        return;
    }
    json_array_foreach(files, i, file) {
        list[i] = json_string_value(file);
        if (!list[i] || !glimpse_hub_is_file_name(list[i])) {
            fail(r, "files", "a list of names of files");
            return;
        }
    }
}

static int is_directory_of_part(const json_t *directory) {
    const char *text = json_string_value(directory);
    return json_is_null(directory) || (text && strcmp(text, HUB_IMAGE) == 0);
}

static void read_part(reader *r, const json_t *part) {
    const char *repository = json_string_value(json_object_get(part, "repository"));
    const char *revision = json_string_value(json_object_get(part, "revision"));
    const json_t *files = json_object_get(part, "files"), *file;
    size_t i;
    int good = repository && glimpse_hub_is_repository(repository, strlen(repository)) &&
               revision && glimpse_hub_is_revision(revision) &&
               is_directory_of_part(json_object_get(part, "directory"));
    json_array_foreach(files, i, file) {
        const char *name = json_string_value(file);
        good = good && name && glimpse_hub_is_file_name(name);
    }
    if (!good) {
        fail(r, "parts",
             "a list of a repository, its revision, a directory (image, or null) and files");
    }
}

/* What a model has besides its repository. */
static void read_besides(reader *r) {
    const json_t *parts = json_object_get(r->entry, "parts"), *part;
    json_t *configuration = json_object_get(r->entry, "configuration"), *file;
    const char *name;
    size_t i;
    json_array_foreach(parts, i, part) read_part(r, part);
    if (parts && !json_is_array(parts)) fail(r, "parts", "a list");
    if (configuration && !json_is_object(configuration)) fail(r, "configuration", "an object");
    json_object_foreach(configuration, name, file) {
        if (!glimpse_hub_is_placed_name(name) || !json_is_object(file))
            fail(r, "configuration", "an object of files");
    }
}

static void read_model(reader *r, glimpse_catalog_model *m, const char **list) {
    const json_t *parameters = json_object_get(r->entry, "parameters");
    r->name = "?";
    m->name = read_text(r, r->entry, "name", 0);
    if (r->status < 0) return;
    r->name = m->name;
    m->repository = read_text(r, r->entry, "repository", 0);
    m->revision = read_text(r, r->entry, "revision", 0);
    m->weights_revision = read_text(r, r->entry, "weights_revision", 1);
    m->family = read_text(r, r->entry, "family", 0);
    m->purpose = read_text(r, r->entry, "purpose", 0);
    m->licence = read_text(r, r->entry, "licence", 1);
    m->languages = read_text(r, r->entry, "languages", 0);
    m->is_restricted = m->licence && (strstr(m->licence, "-nc") || strstr(m->licence, "amlr"));
    m->unverified = read_text(r, r->entry, "unverified", 1);
    m->note = read_text(r, r->entry, "note", 1);
    if (!json_object_get(r->entry, "licence")) fail(r, "licence", "said, or null");
    m->image_parameters = read_number(r, parameters, "image", 1e6);
    m->text_parameters = read_number(r, parameters, "text", 1e6);
    m->parameters = read_number(r, parameters, "total", 1e6);
    if (isnan(m->parameters)) m->parameters = m->image_parameters + m->text_parameters;
    m->resolution = read_whole(r, r->entry, "resolution");
    m->patch = read_whole(r, r->entry, "patch");
    m->dimension = read_whole(r, r->entry, "dimension");
    double bytes = read_number(r, r->entry, "bytes", 1e13);
    m->bytes = bytes > 0.0 ? (uint64_t)bytes : 0;
    m->recommended = json_is_true(json_object_get(r->entry, "recommended"));
    read_figures(r, m);
    read_files(r, list);
    read_besides(r);
    m->files = list;
    if (r->status < 0 || !m->repository || !m->revision || !m->purpose) return;
    if (!glimpse_hub_is_repository(m->repository, strlen(m->repository))) {
        fail(r, "repository", "ORG/NAME");
    }
    if (!glimpse_hub_is_revision(m->revision)) fail(r, "revision", "a revision");
    /* Anyone can propose a change, so weights outside the main branch are those of one commit. */
    if (m->weights_revision && !glimpse_hub_is_commit(m->weights_revision)) {
        fail(r, "weights_revision", "a commit of 40 digits");
    }
    if (!is_purpose(m->purpose)) fail(r, "purpose", "search, caption, match or answer");
    if (strchr(m->name, '/') || strchr(m->name, '@') || !glimpse_hub_is_file_name(m->name)) {
        fail(r, "name", "a plain name");
    }
}

static int check_names(const glimpse_catalog *c, const char *path) {
    for (size_t i = 0; i < c->count; i++) {
        const glimpse_catalog_model *m = &c->models[i];
        for (size_t k = 0; k < i; k++) {
            const glimpse_catalog_model *other = &c->models[k];
            if (!m->name || !other->name || !m->repository || !other->repository) continue;
            if (strcasecmp(m->name, other->name) == 0 ||
                strcasecmp(m->repository, other->repository) == 0) {
                return glimpse_fail(GLIMPSE_E_FORMAT, "%s: %s is in it twice", path,
                                    c->models[i].name);
            }
        }
        size_t n;
        const json_t *other;
        json_array_foreach(json_object_get(c->entries[i], "also"), n, other) {
            const char *name = json_string_value(other);
            if (!name || !glimpse_hub_is_file_name(name) ||
                glimpse_catalog_find(c, name) != &c->models[i])
                return glimpse_fail(GLIMPSE_E_FORMAT,
                                    "%s: the model %s: \"also\" has what is no name of it alone",
                                    path, c->models[i].name);
        }
    }
    return GLIMPSE_OK;
}

static int read_models(glimpse_catalog *c, const char *path) {
    const json_t *models = json_object_get(c->root, "models"), *entry;
    size_t i, count = json_array_size(models);
    if (!json_is_array(models)) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: there is no list \"models\" in it", path);
    }
    c->models = calloc(count + 1, sizeof *c->models);
    c->entries = calloc(count + 1, sizeof *c->entries);
    c->lists = calloc(count + 1, sizeof *c->lists);
    if (!c->models || !c->entries || !c->lists) {
        return glimpse_fail_nomem(count * sizeof *c->models, "the table of models");
    }
    json_array_foreach(models, i, entry) {
        reader r = {.path = path, .entry = entry};
        c->lists[i] = calloc(MAX_TEXTS, sizeof **c->lists);
        c->count = i + 1;
        if (!c->lists[i]) return glimpse_fail_nomem(MAX_TEXTS, "the table of models");
        c->entries[i] = entry;
        read_model(&r, &c->models[i], c->lists[i]);
        if (r.status < 0) return r.status;
    }
    return check_names(c, path);
}

int glimpse_catalog_load(glimpse_catalog **out, const char *path) {
    if (out) *out = NULL;
    if (!out || !path) return glimpse_fail_null(__func__);
    glimpse_catalog *c = calloc(1, sizeof *c);
    if (!c) return glimpse_fail_nomem(sizeof *c, "the table of models");
    int status = glimpse_json_object_load(&c->root, path, MAX_CATALOG, 0);
    if (status == GLIMPSE_OK) status = read_models(c, path);
    if (status < 0) {
        glimpse_catalog_free(c);
        return status;
    }
    *out = c;
    return GLIMPSE_OK;
}

void glimpse_catalog_free(glimpse_catalog *catalog) {
    if (!catalog) return;
    for (size_t i = 0; i < catalog->count; i++)
        free(catalog->lists[i]);
    free(catalog->lists);
    free(catalog->entries);
    free(catalog->models);
    json_decref(catalog->root);
    free(catalog);
}

size_t glimpse_catalog_count(const glimpse_catalog *catalog) {
    return catalog ? catalog->count : 0;
}

const glimpse_catalog_model *glimpse_catalog_get(const glimpse_catalog *catalog, size_t i) {
    return catalog && i < catalog->count ? &catalog->models[i] : NULL;
}

const json_t *glimpse_hub_entry_member(const glimpse_catalog *catalog,
                                       const glimpse_catalog_model *model, const char *key) {
    return json_object_get(catalog->entries[model - catalog->models], key);
}

const glimpse_catalog_model *glimpse_catalog_find(const glimpse_catalog *catalog,
                                                  const char *name) {
    for (size_t i = 0; catalog && name && i < catalog->count; i++) {
        const glimpse_catalog_model *m = &catalog->models[i];
        if (m->name && strcasecmp(m->name, name) == 0) return m;
        if (m->repository && strcasecmp(m->repository, name) == 0) return m;
    }
    for (size_t i = 0; catalog && name && i < catalog->count; i++) {
        size_t k;
        const json_t *other;
        json_array_foreach(json_object_get(catalog->entries[i], "also"), k, other) {
            const char *text = json_string_value(other);
            if (text && strcasecmp(text, name) == 0) return &catalog->models[i];
        }
    }
    return NULL;
}
