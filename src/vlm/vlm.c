/*
 * vlm.c - opens vision-language models: the table of kinds, and from a spec to a model.
 */
#include "vlm/remote/remote.h"
#include "vlm/vlm_kinds.h"

#include "core/error.h"
#include "core/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const glimpse_vlm_kind *const kinds[] = {
#define ROW(name) &glimpse_vlm_kind_##name,
    GLIMPSE_VLM_KINDS(ROW)
#undef ROW
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

size_t glimpse_vlm_provider_count(void) {
    return KINDS;
}

const glimpse_vlm_provider *glimpse_vlm_provider_get(size_t i) {
    return i < KINDS ? &kinds[i]->provider : NULL;
}

/* NULL when the spec has no prefix of a remote kind. */
static const glimpse_vlm_kind *remote_kind(const char *spec) {
    for (size_t i = 0; spec && i < KINDS; i++) {
        const glimpse_vlm_provider *provider = &kinds[i]->provider;
        size_t length = strlen(provider->name);
        if (!provider->remote || strncmp(spec, provider->name, length) != 0) continue;
        if (spec[length] == ':') return kinds[i];
    }
    return NULL;
}

/* The first native kind that knows the directory; else the first of all, which says what is wrong
 * with it. */
static const glimpse_vlm_kind *native_kind(const char *directory) {
    const glimpse_vlm_kind *first = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i]->provider.remote) continue;
        if (kinds[i]->is_model(directory)) return kinds[i];
        if (!first) first = kinds[i];
    }
    return first;
}

int glimpse_vlm_spec_is_remote(const char *spec) {
    return remote_kind(spec) != NULL;
}

static int fail_without_spec(void) {
    char specs[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < KINDS; i++) {
        if (!kinds[i]->provider.remote) continue;
        int more = snprintf(specs + used, sizeof specs - used, "%s%s", used ? ", " : "",
                            kinds[i]->provider.spec);
        if (more < 0 || (size_t)more >= sizeof specs - used) break;
        used += (size_t)more;
    }
    return glimpse_fail(GLIMPSE_E_INVALID, "no model was named; a model is a folder, or %s", specs);
}

int glimpse_vlm_open(glimpse_vlm **out, const char *spec, const glimpse_vlm_options *options) {
    glimpse_vlm_options own = GLIMPSE_VLM_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out || !spec || !*spec) return fail_without_spec();
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_vlm_options, backend);
    if (status < 0) return status;
    glimpse_vlm *vlm = calloc(1, sizeof *vlm);
    if (!vlm) return glimpse_fail_nomem(sizeof *vlm, "a model");
    const glimpse_vlm_kind *kind = remote_kind(spec);
    if (!kind) kind = native_kind(spec);
    vlm->remote = kind->provider.remote;
    vlm->concurrency = 1;
    status = kind->open(vlm, kind, spec, &own);
    if (status < 0) {
        glimpse_vlm_close(vlm);
        return status;
    }
    *out = vlm;
    return GLIMPSE_OK;
}

void glimpse_vlm_close(glimpse_vlm *vlm) {
    if (!vlm) return;
    if (vlm->self && vlm->engine) vlm->engine->close(vlm->self);
    free(vlm->identity);
    free(vlm->name);
    free(vlm->address);
    free(vlm);
}

int glimpse_vlm_default_spec(char *spec, size_t size, const char *config) {
    if (!spec || size == 0) return glimpse_fail(GLIMPSE_E_INVALID, "no room for a model's name");
    spec[0] = '\0';
    glimpse_remote_config read = {0};
    int status = glimpse_remote_config_read(&read, config);
    if (status == GLIMPSE_OK && read.model) {
        size_t length = strlen(read.model);
        if (length >= size) {
            status = glimpse_fail(GLIMPSE_E_LIMIT, "%s: \"model\" is longer than %zu bytes",
                                  read.path, size - 1);
        } else {
            memcpy(spec, read.model, length + 1);
        }
    }
    glimpse_remote_config_free(&read);
    return status;
}

const char *glimpse_vlm_identity(const glimpse_vlm *vlm) {
    return vlm ? vlm->identity : "";
}

const char *glimpse_vlm_name(const glimpse_vlm *vlm) {
    return vlm ? vlm->name : "";
}

const char *glimpse_vlm_currency(const glimpse_vlm *vlm) {
    return vlm ? vlm->currency : "";
}

const char *glimpse_vlm_address(const glimpse_vlm *vlm) {
    return vlm && vlm->address ? vlm->address : "";
}

/* Months since year 0 of "2025-10" or "2025-10-31"; 0 when it is neither. */
static int months_of(const char *date) {
    char *end = NULL;
    long year = strtol(date, &end, 10), month = *end == '-' ? strtol(end + 1, NULL, 10) : 0;
    if (year < 0 || year > 9999 || month < 1 || month > 12) return 0;
    return (int)(year * 12 + month);
}

const char *glimpse_vlm_prices_as_of(const glimpse_vlm *vlm, int *old) {
    const char *date = vlm ? vlm->prices_as_of : "";
    time_t now = time(NULL);
    struct tm utc;
    if (old) {
        *old = *date && gmtime_r(&now, &utc) &&
               (utc.tm_year + 1900) * 12 + utc.tm_mon + 1 > months_of(date) + 12;
    }
    return date;
}

int glimpse_vlm_is_remote(const glimpse_vlm *vlm) {
    return vlm && vlm->remote;
}

int glimpse_vlm_can(const glimpse_vlm *vlm, glimpse_vlm_operation operation) {
    return vlm && vlm->engine->can(vlm->self, operation);
}
