/*
 * models_convert.c - glimpse models --convert: weights of PyTorch as safetensors.
 */
#include "models_convert.h"

#include "json_out.h"
#include "text.h"
#include "tool.h"

#include <glimpse/sys/weights.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names of models have points in them, too. */
static int is_called_like_weights(const char *path) {
    static const char *const endings[] = {".bin", ".pt", ".pth", ".ckpt", ".safetensors"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(dot, endings[i]) == 0) return 1;
    return 0;
}

/* What lies at `path` itself counts, then a model of that name, which the session was opened with.
 * Borrowed; NULL: there is neither. */
static const char *find(const char *path, glimpse_session *session) {
    const char *found = NULL;
    if (access(path, F_OK) == 0 || is_called_like_weights(path)) return path;
    return glimpse_session_model_path(&found, session) < 0 ? NULL : found;
}

static void print_json(const glimpse_convert_report *report) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_path(&j, "source", report->source);
    jout_path(&j, "output", report->output);
    jout_key(&j, "format"), jout_string(&j, report->format);
    jout_key(&j, "tensors"), jout_uint(&j, report->tensors);
    jout_key(&j, "bytes"), jout_uint(&j, report->bytes);
    jout_close(&j, '}');
    jout_end(&j);
}

int models_convert(const char *path, const char *output, int json, glimpse_session *session) {
    glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
    glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
    options.output = output;
    const char *found = find(path, session), *models = glimpse_session_models_directory(session);
    if (found && found != path && !output &&
        (!models || strncmp(found, models, strlen(models)) != 0)) {
        return tool_fail("%s is at %s, where nothing is written; say where with --output", path,
                         found);
    }
    int status = found ? glimpse_weights_convert(found, &options, &report) : GLIMPSE_E_NOT_FOUND;
    if (status < 0) return tool_fail_last();
    if (json) {
        print_json(&report);
    } else {
        char *shown = text_display(report.output);
        (void)printf("%s: %s tensors, %s, from %s\n", shown, text_count(report.tensors),
                     text_bytes(report.bytes), report.format);
        free(shown);
    }
    return EXIT_FOUND;
}
