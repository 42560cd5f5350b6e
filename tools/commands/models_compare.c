/*
 * models_compare.c - glimpse models --compare: several models on the same queries.
 */
#include "models_compare.h"

#include "compare_models_report.h"
#include "progress.h"
#include "tool.h"

#include <glimpse/datasets.h>
#include <glimpse/session_compare_models.h>

int models_compare_check(const models_compare_options *o, const cli_command *command,
                         const cli_arguments *arguments) {
    if (!o->compare) {
        if (o->queries) return cli_misuse(command, "--queries goes with --compare");
        if (o->html) return cli_misuse(command, "--html goes with --compare");
        if (o->within.count > 0) return cli_misuse(command, "--in goes with --compare");
        return cli_expect_no_words(command, arguments);
    }
    if (arguments->count < 2 || arguments->count > GLIMPSE_MAX_MODELS) {
        return cli_misuse(command, "--compare takes from 2 to %d models", GLIMPSE_MAX_MODELS);
    }
    if (!o->queries || !*o->queries) {
        return cli_misuse(command, "which queries? --queries FILE");
    }
    if (o->html && !*o->html) return cli_misuse(command, "--html needs a file name");
    return CLI_RUN;
}

int models_compare(const models_compare_options *o, session *s, const cli_arguments *models,
                   int json) {
    glimpse_query_file *file = NULL;
    glimpse_model_comparison *comparison = NULL;
    glimpse_compare_models_options options = GLIMPSE_COMPARE_MODELS_OPTIONS_INIT;
    options.k = (size_t)o->k;
    options.within = o->within.values;
    options.within_count = o->within.count;
    options.progress = session_show_progress;
    options.cancelled = session_cancelled;
    if (glimpse_query_file_load(&file, o->queries) < 0) return tool_fail_last();
    tool_catch_stop();
    int status = glimpse_session_compare_models(&comparison, s->base, models->words, models->count,
                                                file, &options);
    progress_clear();
    glimpse_query_file_free(file);
    if (status < 0) return session_stopped(status, "there are no figures of a part");
    int code = EXIT_FOUND;
    if (o->html && compare_models_html(o->html, comparison) < 0) code = EXIT_FAILED;
    if (o->html && code != EXIT_FAILED) tool_note("page written to %s", o->html);
    if (json) {
        compare_models_json(comparison);
    } else {
        compare_models_print(comparison);
    }
    glimpse_model_comparison_free(comparison);
    return code;
}
