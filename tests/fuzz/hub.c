/*
 * hub.c - what a hub of models answers, and the files of pulling. Parts: "info.json" (a
 * description) and "tree.json" (its files), "link" (a header line), "catalog.json", "pulled.json".
 */
#include "fuzz.h"

#include "hub.h"

#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

static void look_at(const hub_listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        const hub_file *f = &listing->files[i];
        /* Whatever a hub says, no path leads out of a directory. */
        PROMISE(!strchr(f->path, '/') && f->path[0] != '.' && f->path[0] != '\0');
        PROMISE(f->sha256[0] == '\0' || strlen(f->sha256) == 64);
        PROMISE(f->sha1[0] == '\0' || strlen(f->sha1) == 40);
        PROMISE(glimpse_hub_listing_find(listing, f->path) == f); /* no name twice */
    }
}

static json_t *parse(const fuzz_part *part) {
    json_error_t error;
    return glimpse_json_load(part->data, part->size, 0, &error);
}

static void read_listing(const fuzz_part *info, const fuzz_part *tree) {
    hub_listing listing = {0};
    json_t *description = info ? parse(info) : NULL, *entries = tree ? parse(tree) : NULL;
    if (fuzz_fine(glimpse_hub_listing_read_info(&listing, description, "main"))) {
        PROMISE(glimpse_hub_is_commit(listing.commit) || strcmp(listing.commit, "main") == 0);
        (void)fuzz_fine(glimpse_hub_listing_add(&listing, entries, listing.commit));
        (void)fuzz_fine(glimpse_hub_listing_add(&listing, json_object_get(description, "siblings"),
                                                listing.commit));
        look_at(&listing);
    }
    glimpse_hub_listing_free(&listing);
    json_decref(description);
    json_decref(entries);
}

static void read_catalog(const fuzz_part *part) {
    glimpse_catalog *catalog = NULL;
    char *path = fuzz_path("catalog.json");
    fuzz_write("catalog.json", part->data, part->size);
    if (fuzz_fine(glimpse_catalog_load(&catalog, path))) {
        const glimpse_catalog_needs needs = {.flops = 1e9, .pictures_a_second = 1, .memory = 1};
        (void)glimpse_catalog_recommend(catalog, &needs);
        for (size_t i = 0; i < glimpse_catalog_count(catalog); i++) {
            const glimpse_catalog_model *m = glimpse_catalog_get(catalog, i);
            PROMISE(glimpse_catalog_find(catalog, m->name) == m);
            PROMISE(glimpse_hub_is_repository(m->repository, strlen(m->repository)));
            PROMISE(!m->weights_revision || glimpse_hub_is_commit(m->weights_revision));
        }
    }
    glimpse_catalog_free(catalog);
    free(path);
}

static void read_record(const fuzz_part *part) {
    hub_place place;
    json_t *record = NULL;
    char *path = fuzz_path("org/name/" HUB_RECORD), *slash = strrchr(path, '/');
    char *models = fuzz_path("");
    models[strlen(models) - 1] = '\0';
    *slash = '\0';
    if (fuzz_fine(glimpse_hub_place_init(&place, models, "org/name"))) {
        PROMISE(strcmp(place.target, path) == 0);
        json_t *root = parse(part);
        PROMISE(!glimpse_hub_place_is_whole(&place, root)); /* nothing is there */
        json_decref(root);
        (void)fuzz_fine(glimpse_hub_place_load_record(&record, &place));
        PROMISE(record == NULL);
    }
    glimpse_hub_place_free(&place);
    free(models);
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    const fuzz_part *info = NULL, *tree = NULL;
    const size_t count = fuzz_split(parts, data, size);
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "info.json")) info = &parts[i];
        if (fuzz_is(&parts[i], "tree.json")) tree = &parts[i];
        if (fuzz_is(&parts[i], "catalog.json")) read_catalog(&parts[i]);
        if (fuzz_is(&parts[i], "pulled.json")) read_record(&parts[i]);
        if (fuzz_is(&parts[i], "link")) {
            char *line = fuzz_text(parts[i].data, parts[i].size);
            char *url = glimpse_hub_next_page(line);
            PROMISE(!url || strstr(line, url));
            free(url);
            free(line);
        }
    }
    read_listing(info, tree);
    return 0;
}
