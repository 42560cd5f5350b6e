/*
 * pull.c - a plan, and carrying it out.
 */
#include "hub.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/options.h"
#include "text/json_load.h"

#include <stdlib.h>
#include <string.h>

/* The rest of a disk that is left free: records, and what others write meanwhile. */
static const uint64_t SPARE_BYTES = (uint64_t)16 << 20;

enum { MAX_CONFIGURATION = 1 << 20 };

struct glimpse_pull {
    hub_client client;
    hub_place place;
    char *name, *repository, *revision, *weights_revision, *commit, *licence, *page;
    int is_gated, is_done, has_revision; /* the last: the caller said which */
    hub_file *files;
    size_t count;
    json_t *record;                 /* of what is installed, or NULL */
    json_t *parts, *configurations; /* of the table's entry, or NULL */
    glimpse_pull_plan plan;
    glimpse_pull_file *shown; /* [count] */
};

static int no_memory(void) {
    return glimpse_fail_nomem(1024, "a pull");
}

void glimpse_pull_free(glimpse_pull *pull) {
    if (!pull) return;
    glimpse_http_client_free(pull->client.http);
    glimpse_hub_settings_free(&pull->client.settings);
    glimpse_hub_place_free(&pull->place);
    glimpse_hub_files_free(pull->files, pull->count);
    json_decref(pull->record);
    json_decref(pull->parts);
    json_decref(pull->configurations);
    free(pull->shown);
    free(pull->name);
    free(pull->repository);
    free(pull->revision);
    free(pull->weights_revision);
    free(pull->commit);
    free(pull->licence);
    free(pull->page);
    free(pull);
}

/*
 * What is meant.
 */
static int copy(char **out, const char *text) {
    *out = text ? strdup(text) : NULL;
    return text && !*out ? no_memory() : GLIMPSE_OK;
}

/* An address of the model's page, as people copy it: what is behind the host; and open_clip's
 * "hf-hub:ORG/NAME". */
static const char *without_host(const hub_settings *settings, const char *name) {
    static const char *const hosts[] = {"https://huggingface.co/", "https://hf.co/",
                                        "huggingface.co/", "hf.co/", "hf-hub:"};
    size_t own = strlen(settings->endpoint);
    if (strncmp(name, settings->endpoint, own) == 0 && name[own] == '/') return name + own + 1;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);
        if (strncmp(name, hosts[i], length) == 0) return name + length;
    }
    return name;
}

static int copy_member(json_t **out, const json_t *member) {
    *out = member ? json_deep_copy(member) : NULL;
    return member && !*out ? no_memory() : GLIMPSE_OK;
}

/* The table need not live as long as the pull. */
static int copy_entry(glimpse_pull *pull, const glimpse_catalog *catalog,
                      const glimpse_catalog_model *model) {
    int status = copy_member(&pull->parts, glimpse_hub_entry_member(catalog, model, "parts"));
    if (status == GLIMPSE_OK) {
        status = copy_member(&pull->configurations,
                             glimpse_hub_entry_member(catalog, model, "configuration"));
    }
    return status;
}

static int parse_name(glimpse_pull *pull, const char *given, const glimpse_catalog *catalog) {
    const char *name = without_host(&pull->client.settings, given);
    size_t length = strcspn(name, "@");
    const char *revision = name[length] == '@' ? name + length + 1 : NULL;
    while (length > 0 && name[length - 1] == '/')
        length--;
    char *plain = strndup(name, length);
    if (!plain) return no_memory();
    const glimpse_catalog_model *model = glimpse_catalog_find(catalog, plain);
    if (!model && !glimpse_hub_is_repository(plain, length)) {
        int status = glimpse_fail(GLIMPSE_E_NOT_FOUND,
                                  "\"%.200s\" is neither in the table of models nor of the form "
                                  "ORG/NAME or ORG/NAME@REVISION",
                                  given);
        free(plain);
        return status;
    }
    if (revision && !glimpse_hub_is_revision(revision)) {
        free(plain);
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "\"%.200s\" is no revision: a branch, a tag, "
                            "refs/pr/N or a commit",
                            revision);
    }
    int status = copy(&pull->repository, model ? model->repository : plain);
    if (status == GLIMPSE_OK) status = copy(&pull->name, model ? model->name : plain);
    if (status == GLIMPSE_OK) {
        status = copy(&pull->revision, revision ? revision : model ? model->revision : "main");
    }
    pull->has_revision = revision != NULL;
    /* Another revision than the table's has weights of its own. */
    if (status == GLIMPSE_OK && model && !revision) {
        status = copy(&pull->weights_revision, model->weights_revision);
    }
    if (status == GLIMPSE_OK && model) status = copy(&pull->licence, model->licence);
    if (status == GLIMPSE_OK && model) status = copy_entry(pull, catalog, model);
    free(plain);
    return status;
}

/*
 * The plan.
 */
static int is_same_file(const json_t *entry, const hub_file *file) {
    const char *path = json_string_value(json_object_get(entry, "path"));
    const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
    const char *sha1 = json_string_value(json_object_get(entry, "git_sha1"));
    const char *commit = json_string_value(json_object_get(entry, "revision"));
    if (!path || strcmp(path, file->path) != 0) return 0;
    if (file->sha256[0]) return sha256 && strcmp(sha256, file->sha256) == 0;
    if (file->sha1[0]) return sha1 && strcmp(sha1, file->sha1) == 0;
    return commit && strcmp(commit, file->revision) == 0;
}

/* Whether all that is needed is installed, whatever the commit is called. */
static int is_installed(const glimpse_pull *pull) {
    const json_t *entries = json_object_get(pull->record, "files"), *entry;
    if (!pull->record || json_array_size(entries) != pull->count) return 0;
    for (size_t k = 0; k < pull->count; k++) {
        size_t i;
        int found = 0;
        json_array_foreach(entries, i, entry) found |= is_same_file(entry, &pull->files[k]);
        if (!found) return 0;
    }
    return glimpse_hub_place_is_whole(&pull->place, pull->record);
}

/* The digests of small files that the hub only names by git's are known once they are installed. */
static void add_known_digests(glimpse_pull *pull) {
    const json_t *entry;
    for (size_t k = 0; k < pull->count; k++) {
        hub_file *file = &pull->files[k];
        size_t i;
        json_array_foreach(json_object_get(pull->record, "files"), i, entry) {
            const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
            if (file->sha256[0] || !is_same_file(entry, file)) continue;
            if (sha256 && strlen(sha256) == 64) memcpy(file->sha256, sha256, 65);
        }
    }
}

static int show(glimpse_pull *pull) {
    glimpse_pull_plan *plan = &pull->plan;
    glimpse_pull_file *shown = realloc(pull->shown, (pull->count + 1) * sizeof *shown);
    if (!shown) return no_memory();
    pull->shown = shown;
    plan->name = pull->name;
    plan->repository = pull->repository;
    plan->revision = pull->revision;
    plan->commit = pull->commit;
    plan->endpoint = pull->client.settings.endpoint;
    plan->directory = pull->place.target;
    plan->licence = pull->licence;
    plan->page = pull->page;
    plan->is_gated = pull->is_gated;
    plan->file_count = pull->count;
    plan->bytes = plan->missing_bytes = 0;
    for (size_t i = 0; i < pull->count; i++) {
        const hub_file *file = &pull->files[i];
        shown[i] = (glimpse_pull_file){.path = file->path,
                                       .revision = file->revision,
                                       .bytes = file->bytes,
                                       .sha256 = file->sha256[0] ? file->sha256 : NULL,
                                       .git_sha1 = file->sha1[0] ? file->sha1 : NULL,
                                       .is_weights = file->is_weights,
                                       .repository = file->repository ? file->repository
                                                     : file->content  ? NULL
                                                                      : pull->repository};
        plan->bytes += file->bytes;
        if (!plan->is_installed && !glimpse_hub_place_can_reuse(&pull->place, pull->record, file)) {
            plan->missing_bytes +=
                file->bytes - glimpse_hub_place_have(&pull->place, pull->files, i);
        }
    }
    plan->free_bytes = glimpse_hub_place_free_bytes(&pull->place);
    return GLIMPSE_OK;
}

static int list_all(glimpse_pull *pull) {
    hub_listing listing = {0}, weights = {0};
    hub_client *client = &pull->client;
    const char *missing = NULL;
    int status = glimpse_hub_list(&listing, client, pull->repository, pull->revision);
    if (status == GLIMPSE_OK && pull->weights_revision) {
        client->revision = pull->weights_revision;
        status = glimpse_hub_list(&weights, client, pull->repository, pull->weights_revision);
        client->revision = pull->revision;
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_hub_choose(&pull->files, &pull->count, &missing, client, pull->repository,
                                    &listing, pull->weights_revision ? &weights : &listing,
                                    pull->configurations);
    }
    if (status == GLIMPSE_OK && missing) {
        status = glimpse_hub_add_configuration(&pull->files, &pull->count, missing,
                                               json_object_get(pull->configurations, missing));
    }
    if (status == GLIMPSE_OK) {
        status = glimpse_hub_add_parts(&pull->files, &pull->count, client, pull->parts);
    }
    if (status == GLIMPSE_OK) status = copy(&pull->commit, listing.commit);
    if (status == GLIMPSE_OK && listing.licence) {
        free(pull->licence);
        status = copy(&pull->licence, listing.licence);
    }
    if (status == GLIMPSE_OK) {
        pull->page = listing.licence_page && strncmp(listing.licence_page, "https://", 8) == 0
                         ? strdup(listing.licence_page)
                         : glimpse_hub_format("%s/%s", client->settings.endpoint, pull->repository);
        if (!pull->page) status = no_memory();
    }
    pull->is_gated = listing.gated;
    glimpse_hub_listing_free(&listing);
    glimpse_hub_listing_free(&weights);
    return status;
}

static int is_at(const json_t *record, const char *revision) {
    const char *commit = json_string_value(json_object_get(record, "commit"));
    const char *name = json_string_value(json_object_get(record, "revision"));
    return (commit && strcmp(commit, revision) == 0) || (name && strcmp(name, revision) == 0);
}

/* Without a network, what is installed is all that can be said. */
static int plan_offline(glimpse_pull *pull) {
    const json_t *entry, *record = pull->record;
    const char *commit = json_string_value(json_object_get(record, "commit"));
    const char *licence = json_string_value(json_object_get(record, "licence"));
    size_t i;
    if (!record || !glimpse_hub_place_is_whole(&pull->place, record)) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s is not installed, and HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) "
                            "forbids to ask %s for it; unset it to pull",
                            pull->repository, pull->client.settings.endpoint);
    }
    if (pull->has_revision && !is_at(record, pull->revision)) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s is installed at %.40s and not at %s, and HF_HUB_OFFLINE (or "
                            "TRANSFORMERS_OFFLINE) forbids to ask %s for that; unset it to pull",
                            pull->repository, commit ? commit : "another revision", pull->revision,
                            pull->client.settings.endpoint);
    }
    pull->files = calloc(json_array_size(json_object_get(record, "files")), sizeof *pull->files);
    if (!pull->files) return no_memory();
    json_array_foreach(json_object_get(record, "files"), i, entry) {
        const char *path = json_string_value(json_object_get(entry, "path"));
        const char *sha256 = json_string_value(json_object_get(entry, "sha256"));
        const char *revision = json_string_value(json_object_get(entry, "revision"));
        hub_file *file = &pull->files[pull->count++];
        file->bytes = (uint64_t)json_integer_value(json_object_get(entry, "bytes"));
        file->is_weights = json_is_true(json_object_get(entry, "is_weights"));
        const char *repository = json_string_value(json_object_get(entry, "repository"));
        if (repository && copy(&file->repository, repository) < 0) return no_memory();
        (void)snprintf(file->sha256, sizeof file->sha256, "%s", sha256 ? sha256 : "");
        file->path = strdup(path);
        file->revision = strdup(revision ? revision : "");
        if (!file->path || !file->revision) return no_memory();
    }
    pull->plan.is_offline = pull->plan.is_installed = 1;
    int status = copy(&pull->commit, commit ? commit : "");
    if (status == GLIMPSE_OK && licence) {
        free(pull->licence);
        status = copy(&pull->licence, licence);
    }
    if (status == GLIMPSE_OK) {
        pull->page = glimpse_hub_format("%s/%s", pull->client.settings.endpoint, pull->repository);
        if (!pull->page) status = no_memory();
    }
    return status;
}

static int make_plan(glimpse_pull *pull, const char *name, const glimpse_catalog *catalog,
                     const char *models) {
    int status = glimpse_hub_settings_load(&pull->client.settings, &pull->client.options);
    if (status == GLIMPSE_OK) status = parse_name(pull, name, catalog);
    if (status == GLIMPSE_OK)
        status = glimpse_hub_place_init(&pull->place, models, pull->repository);
    if (status == GLIMPSE_OK) status = glimpse_hub_place_load_record(&pull->record, &pull->place);
    if (status < 0) return status;
    pull->client.repository = pull->repository;
    pull->client.revision = pull->revision;
    if (pull->client.settings.offline) {
        status = plan_offline(pull);
    } else {
        status = list_all(pull);
        if (status == GLIMPSE_OK) pull->plan.is_installed = is_installed(pull);
        if (status == GLIMPSE_OK) add_known_digests(pull);
    }
    return status == GLIMPSE_OK ? show(pull) : status;
}

int glimpse_pull_open(glimpse_pull **out, const char *name, const glimpse_catalog *catalog,
                      const char *models, const glimpse_pull_options *options) {
    glimpse_pull_options own = GLIMPSE_PULL_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out || !name || !models) return glimpse_fail_null(__func__);
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_pull_options, user);
    if (status < 0) return status;
    glimpse_pull *pull = calloc(1, sizeof *pull);
    if (!pull) return no_memory();
    pull->client.options = own;
    pull->place.lock = -1;
    status = make_plan(pull, name, catalog, models);
    /* Strings of the options need not live longer than this call. */
    pull->client.options.endpoint = pull->client.options.token = NULL;
    if (status < 0) {
        glimpse_pull_free(pull);
        return status;
    }
    *out = pull;
    return GLIMPSE_OK;
}

const glimpse_pull_plan *glimpse_pull_describe(const glimpse_pull *pull) {
    return pull ? &pull->plan : NULL;
}

const glimpse_pull_file *glimpse_pull_get_file(const glimpse_pull *pull, size_t i) {
    return pull && i < pull->count ? &pull->shown[i] : NULL;
}

/*
 * Carrying it out.
 */
typedef struct running {
    const glimpse_pull *pull;
    size_t current;
    uint64_t before; /* bytes of the files before the current one */
    double started, reported;
    /* A rate of the last seconds: what was there `then`. */
    double then;
    uint64_t then_bytes;
    double rate;
    int is_begun;
} running;

static int report(void *user, uint64_t bytes) {
    enum { WINDOW_SECONDS = 2 };
    running *r = user;
    const glimpse_pull *pull = r->pull;
    const glimpse_pull_options *o = &pull->client.options;
    const double now = glimpse_now();
    const uint64_t done = r->before + bytes;
    if (!r->is_begun || done < r->then_bytes) {
        r->then = now;
        r->then_bytes = done;
        r->is_begun = 1;
    }
    if (now - r->then >= WINDOW_SECONDS) {
        const double rate = (double)(done - r->then_bytes) / (now - r->then);
        r->rate = r->rate > 0.0 ? 0.5 * (r->rate + rate) : rate;
        r->then = now;
        r->then_bytes = done;
    }
    if (!o->progress || now - r->reported < 0.1) return 0;
    r->reported = now;
    const glimpse_pull_progress progress = {.file = pull->files[r->current].path,
                                            .number = r->current + 1,
                                            .count = pull->count,
                                            .done = done,
                                            .total = pull->plan.bytes,
                                            .seconds = now - r->started,
                                            .bytes_a_second = r->rate};
    return o->progress(o->user, &progress);
}

/* Files that were not listed with a size are asked for all the same. */
static int check_space(const glimpse_pull *pull) {
    const uint64_t available = glimpse_hub_place_free_bytes(&pull->place);
    uint64_t missing = 0;
    for (size_t i = 0; i < pull->count; i++)
        missing += pull->files[i].bytes - glimpse_hub_place_have(&pull->place, pull->files, i);
    if (missing == 0 || available >= missing + SPARE_BYTES) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_IO,
                        "%s: %.1f MB are to be downloaded, and %.1f MB are free (%.0f MB more are "
                        "kept free); make space there, or put the models elsewhere with "
                        "XDG_DATA_HOME",
                        pull->place.models, (double)missing / 1e6, (double)available / 1e6,
                        (double)SPARE_BYTES / 1e6);
}

/* Gigabytes of another kind of model are not worth the wait for the message that it cannot be used:
 * the configuration comes first, and is looked at before the weights are asked for. One that does
 * not say, or cannot be read, is looked at when it is installed. */
static int check_kind(const glimpse_pull *pull, const char *configuration) {
    static const char *const kinds[] = {"clip",       "siglip",       "siglip2", "blip",
                                        "metaclip_2", "chinese_clip", "M-CLIP"};
    const glimpse_kept_error before = glimpse_error_keep();
    json_t *root = NULL;
    if (glimpse_json_object_load(&root, configuration, MAX_CONFIGURATION, 0) < 0) {
        glimpse_error_restore(&before);
        return GLIMPSE_OK;
    }
    const char *kind = json_string_value(json_object_get(root, "model_type"));
    int status = GLIMPSE_OK, is_known = kind == NULL;
    for (size_t i = 0; !is_known && i < sizeof kinds / sizeof *kinds; i++)
        is_known = strcmp(kind, kinds[i]) == 0;
    if (!is_known) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                              "%s is a model of the type \"%.60s\", which is not read; nothing "
                              "was installed, and its weights were not downloaded",
                              pull->repository, kind);
    }
    json_decref(root);
    return status;
}

static int fetch_file(glimpse_pull *pull, running *r, size_t i) {
    char *part = glimpse_hub_place_staged(&pull->place, pull->files, i, ".part");
    char *whole = glimpse_hub_place_staged(&pull->place, pull->files, i, "");
    int status = part && whole ? GLIMPSE_OK : no_memory();
    hub_file *file = &pull->files[i];
    const hub_fetch fetch = {.repository = file->repository ? file->repository : pull->repository,
                             .file = file,
                             .part = part,
                             .whole = whole,
                             .progress = report,
                             .user = r};
    r->current = i;
    if (status == GLIMPSE_OK && file->content) {
        status = glimpse_hub_write_whole(whole, file->content);
    } else if (status == GLIMPSE_OK) {
        pull->client.repository = fetch.repository;
        status = glimpse_hub_fetch_run(&pull->client, &fetch);
        pull->client.repository = pull->repository;
    }
    if (status == GLIMPSE_OK && strcmp(file->path, "config.json") == 0) {
        status = check_kind(pull, whole);
    }
    r->before += file->bytes;
    free(part);
    free(whole);
    return status;
}

/* A new reference; NULL without memory. */
static json_t *make_record(const glimpse_pull *pull) {
    json_t *files = json_array(), *record = NULL;
    int failed = files == NULL;
    for (size_t i = 0; i < pull->count && !failed; i++) {
        const hub_file *f = &pull->files[i];
        json_t *entry = json_pack("{s:s, s:I, s:s, s:s*, s:s, s:b, s:s*}", "path", f->path, "bytes",
                                  (json_int_t)f->bytes, "sha256", f->sha256, "git_sha1",
                                  f->sha1[0] ? f->sha1 : NULL, "revision", f->revision,
                                  "is_weights", f->is_weights, "repository", f->repository);
        failed = json_array_append_new(files, entry) != 0;
    }
    if (!failed) {
        record =
            json_pack("{s:s, s:s, s:s, s:s, s:s*, s:O}", "repository", pull->repository, "revision",
                      pull->revision, "commit", pull->commit, "endpoint",
                      pull->client.settings.endpoint, "licence", pull->licence, "files", files);
    }
    json_decref(files);
    return record;
}

static int run_locked(glimpse_pull *pull) {
    running r = {.pull = pull, .started = glimpse_now()};
    glimpse_hub_place_clean(&pull->place, pull->files, pull->count);
    if (pull->record) glimpse_hub_place_reuse(&pull->place, pull->record, pull->files, pull->count);
    int status = check_space(pull);
    for (size_t i = 0; i < pull->count && status == GLIMPSE_OK; i++) {
        status = glimpse_hub_check_cancelled(&pull->client);
        if (status == GLIMPSE_OK) status = fetch_file(pull, &r, i);
    }
    if (status < 0) return status;
    json_t *record = make_record(pull);
    status = record ? glimpse_hub_place_install(&pull->place, record, pull->files, pull->count)
                    : no_memory();
    if (status == GLIMPSE_OK) {
        json_decref(pull->record);
        pull->record = record;
        pull->plan.is_installed = 1;
    } else {
        json_decref(record);
    }
    return status;
}

/* Somebody else may have pulled it since the plan was made. */
static int look_again(glimpse_pull *pull) {
    json_decref(pull->record);
    int status = glimpse_hub_place_load_record(&pull->record, &pull->place);
    if (status == GLIMPSE_OK) pull->plan.is_installed = is_installed(pull);
    if (status == GLIMPSE_OK) add_known_digests(pull);
    return status;
}

int glimpse_pull_run(glimpse_pull *pull) {
    if (!pull) return glimpse_fail_null(__func__);
    if (pull->plan.is_installed) return GLIMPSE_OK;
    int status = glimpse_hub_place_lock(&pull->place, pull->files, pull->count);
    if (status == GLIMPSE_OK) status = look_again(pull);
    if (status == GLIMPSE_OK && !pull->plan.is_installed) status = run_locked(pull);
    glimpse_hub_place_unlock(&pull->place);
    glimpse_kept_error kept = glimpse_error_keep();
    int shown = show(pull);
    if (status < 0) {
        glimpse_error_restore(&kept);
        return status;
    }
    return shown;
}
