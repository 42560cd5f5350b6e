/*
 * parts.c - what a model has besides the files of its own repository, as the table of models says:
 * M-CLIP's pictures are another model's, MobileCLIP-S0's tokenizer is CLIP's, and some repositories
 * have weights and no configuration.
 */
#include "hub.h"

#include "core/error.h"
#include "core/sha.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a list of files");
}

/* One more; `file` is taken over, or freed. */
static int append(hub_file **files, size_t *count, hub_file *file) {
    hub_file *grown = realloc(*files, (*count + 1) * sizeof *grown);
    if (!grown) {
        glimpse_hub_file_free(file);
        return no_memory();
    }
    *files = grown;
    grown[(*count)++] = *file;
    return GLIMPSE_OK;
}

int glimpse_hub_add_configuration(hub_file **files, size_t *count, const char *name,
                                  const json_t *configuration) {
    char *text = glimpse_json_dump(configuration, JSON_INDENT(1));
    hub_file file = {.path = strdup(name),
                     .revision = strdup(""),
                     .url_revision = strdup(""),
                     .content = text,
                     .bytes_known = 1};
    if (!text || !file.path || !file.revision || !file.url_revision) {
        glimpse_hub_file_free(&file);
        return no_memory();
    }
    glimpse_sha sha;
    file.bytes = strlen(text);
    glimpse_sha_begin(&sha, GLIMPSE_SHA256);
    glimpse_sha_update(&sha, text, strlen(text));
    glimpse_sha_finish(&sha, file.sha256);
    memcpy(file.digest, file.sha256, sizeof file.digest);
    return append(files, count, &file);
}

/* Of a model that gives its pictures alone: no tokenizer. */
static int is_of_pictures(const hub_file *file) {
    static const char *const names[] = {"config.json", "open_clip_config.json",
                                        "preprocessor_config.json", "processor_config.json"};
    if (file->is_weights || strstr(file->path, ".index.json")) return 1;
    if (strncmp(file->path, "LICEN", 5) == 0 || strcmp(file->path, "NOTICE") == 0) return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(file->path, names[i]) == 0) return 1;
    return 0;
}

static int add_part_file(hub_file **files, size_t *count, const hub_file *from,
                         const char *repository, const char *directory) {
    hub_file file;
    int status = glimpse_hub_file_copy(&file, from);
    if (status < 0) return status;
    file.name = file.path;
    file.path = directory ? glimpse_hub_format("%s/%s", directory, file.name) : strdup(file.name);
    file.repository = strdup(repository);
    if (!file.path || !file.repository) {
        glimpse_hub_file_free(&file);
        return no_memory();
    }
    return append(files, count, &file);
}

/* The files that `part` names, or the model that the repository is. */
static int add_listed(hub_file **files, size_t *count, hub_client *client, const json_t *part,
                      const hub_listing *listing) {
    const char *repository = client->repository;
    const char *directory = json_string_value(json_object_get(part, "directory"));
    const json_t *names = json_object_get(part, "files"), *name;
    hub_file *own = NULL;
    size_t own_count = 0, i;
    const char *missing = NULL;
    int status = GLIMPSE_OK;
    json_array_foreach(names, i, name) {
        const hub_file *file = glimpse_hub_listing_find(listing, json_string_value(name));
        if (status < 0) continue;
        status = file ? add_part_file(files, count, file, repository, directory)
                      : glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s has no %s, which this model needs",
                                     repository, json_string_value(name));
    }
    if (names) return status;
    status =
        glimpse_hub_choose(&own, &own_count, &missing, client, repository, listing, listing, NULL);
    for (i = 0; i < own_count && status == GLIMPSE_OK; i++) {
        if (is_of_pictures(&own[i]))
            status = add_part_file(files, count, &own[i], repository, directory);
    }
    glimpse_hub_files_free(own, own_count);
    return status;
}

int glimpse_hub_add_parts(hub_file **files, size_t *count, hub_client *client,
                          const json_t *parts) {
    const char *const repository = client->repository, *const revision = client->revision;
    const json_t *part;
    size_t i;
    int status = GLIMPSE_OK;
    json_array_foreach(parts, i, part) {
        hub_listing listing = {0};
        if (status < 0) continue;
        client->repository = json_string_value(json_object_get(part, "repository"));
        client->revision = json_string_value(json_object_get(part, "revision"));
        status = glimpse_hub_list(&listing, client, client->repository, client->revision);
        if (status == GLIMPSE_OK) status = add_listed(files, count, client, part, &listing);
        glimpse_hub_listing_free(&listing);
    }
    client->repository = repository;
    client->revision = revision;
    return status;
}
