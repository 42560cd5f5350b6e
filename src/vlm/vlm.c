/*
 * vlm.c - see <glimpse/sys/vlm.h>: from a spec to a model.
 */
#include "vlm/remote.h"
#include "vlm/vlm_internal.h"

#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

int glimpse_vlm_spec_is_remote(const char *spec) {
    static const char *const prefixes[] = {"openai:", "anthropic:", "gemini:", "endpoint:"};
    for (size_t i = 0; spec && i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(spec, prefixes[i], strlen(prefixes[i])) == 0) return 1;
    }
    return 0;
}

int glimpse_vlm_open(glimpse_vlm **out, const char *spec, const glimpse_vlm_options *options) {
    glimpse_vlm_options own = GLIMPSE_VLM_OPTIONS_INIT;
    if (out) *out = NULL;
    if (!out || !spec || !*spec) {
        return glimpse_fail(GLIMPSE_E_INVALID, "no model was named; a model is a folder, or "
                                               "openai:MODEL, anthropic:MODEL, gemini:MODEL, "
                                               "endpoint:URL");
    }
    int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_vlm_options, backend);
    if (status < 0) return status;
    glimpse_vlm *vlm = calloc(1, sizeof *vlm);
    if (!vlm) return glimpse_fail_nomem(sizeof *vlm, "a model");
    vlm->remote = glimpse_vlm_spec_is_remote(spec);
    vlm->concurrency = 1;
    status = vlm->remote ? glimpse_vlm_open_remote(vlm, spec, &own)
                         : glimpse_vlm_open_native(vlm, spec, &own);
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

int glimpse_vlm_is_remote(const glimpse_vlm *vlm) {
    return vlm && vlm->remote;
}

int glimpse_vlm_can(const glimpse_vlm *vlm, glimpse_vlm_operation operation) {
    return vlm && vlm->engine->can(vlm->self, operation);
}
