/*
 * opened_model.c - opens the model in the temporary directory of a test.
 */
#include "support/opened_model.h"

#include "support/temporary.h"

glimpse_model *open_as(glimpse_backend backend, glimpse_precision precision) {
    glimpse_model *model = NULL;
    glimpse_model_options options = GLIMPSE_MODEL_OPTIONS_INIT;
    options.backend = backend;
    options.precision = precision;
    int status = glimpse_model_open(&model, temp_directory, &options);
    if (status == GLIMPSE_E_UNSUPPORTED && backend > GLIMPSE_BACKEND_OPENBLAS) return NULL;
    assert_ok(status);
    return model;
}
