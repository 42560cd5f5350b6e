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

/* What lies at `path` itself counts, then a model of that name; malloc'ed. */
static char *find(const char *path, const glimpse_session *session) {
    const char *models = glimpse_session_models_directory(session);
    if (models && *path && path[0] != '/' && access(path, F_OK) != 0) {
        size_t size = strlen(models) + strlen(path) + 2;
        char *installed = xmalloc(size);
        (void)snprintf(installed, size, "%s/%s", models, path);
        if (access(installed, F_OK) == 0) return installed;
        free(installed);
    }
    return xstrdup(path);
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

int models_convert(const char *path, const char *output, int json, const glimpse_session *session) {
    glimpse_convert_options options = GLIMPSE_CONVERT_OPTIONS_INIT;
    glimpse_convert_report report = GLIMPSE_CONVERT_REPORT_INIT;
    options.output = output;
    char *found = find(path, session);
    int status = glimpse_weights_convert(found, &options, &report);
    free(found);
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
