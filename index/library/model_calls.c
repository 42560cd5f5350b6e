/*
 * model_calls.c - the public calls that take a model: arguments checked, the model's key taken.
 */
#include "core/error.h"
#include "library_private.h"

#include <glimpse/sys/model.h>

glimpse_model_key glimpse_model_get_key(const glimpse_model *model) {
    return (glimpse_model_key){
        .fingerprint = glimpse_model_fingerprint(model),
        .name = glimpse_model_name(model),
        .path = glimpse_model_path(model),
        .dim = glimpse_model_embedding_size(model),
    };
}

static int missing(const char *call) {
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: an argument that must be there is NULL", call);
}

int glimpse_library_search(glimpse_results **out, glimpse_library *library,
                           const glimpse_model *model, const float *query,
                           const glimpse_search_options *options) {
    if (out) *out = NULL;
    if (!library || !model || !query || !out) return missing("glimpse_library_search");
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_search_key(out, library, &key, query, options);
}

int glimpse_library_embedding(float *embedding, char *id, glimpse_library *library,
                              const glimpse_model *model, const char *path_or_id) {
    if (!library || !model || !path_or_id || !embedding) {
        return missing("glimpse_library_embedding");
    }
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_embedding_key(embedding, id, library, &key, path_or_id);
}

int glimpse_library_visit(glimpse_library *library, const glimpse_model *model,
                          const char *path_prefix, glimpse_visit_fn visit, void *user) {
    if (!library || !model || !visit) return missing("glimpse_library_visit");
    glimpse_model_key key = glimpse_model_get_key(model);
    return glimpse_library_visit_key(library, &key, path_prefix, visit, user);
}
