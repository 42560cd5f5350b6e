/*
 * cmd_models.c - glimpse models: the models that are installed, and those a library was made with.
 */
#include "cli.h"
#include "json_out.h"
#include "models_compare.h"
#include "models_convert.h"
#include "options.h"
#include "session.h"
#include "text.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>

static void print_json(const glimpse_model_list *list) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "models");
    jout_open(&j, '[');
    for (size_t i = 0; i < glimpse_model_list_count(list); i++) {
        const glimpse_model_entry *m = glimpse_model_list_get(list, i);
        jout_open(&j, '{');
        jout_path(&j, "name", m->name);
        jout_path(&j, "path", m->path);
        jout_text_or_null(&j, "fingerprint", m->fingerprint);
        jout_key(&j, "kind"), jout_string(&j, m->is_blip ? "blip" : "encoder");
        jout_key(&j, "available"), jout_bool(&j, m->is_available);
        jout_key(&j, "in_library"), jout_bool(&j, m->in_library);
        jout_key(&j, "last_used"), jout_bool(&j, m->last_used);
        jout_key(&j, "embedded"), jout_uint(&j, m->embedded);
        jout_close(&j, '}');
    }
    jout_close(&j, ']');
    jout_close(&j, '}');
    jout_end(&j);
}

static void print_people(const glimpse_model_list *list) {
    size_t widest = 4;
    for (size_t i = 0; i < glimpse_model_list_count(list); i++) {
        size_t width = text_width(glimpse_model_list_get(list, i)->name);
        if (width > widest) widest = width;
    }
    for (size_t i = 0; i < glimpse_model_list_count(list); i++) {
        const glimpse_model_entry *m = glimpse_model_list_get(list, i);
        char *name = text_display(m->name), *path = text_display(m->path);
        text_print_padded(name, widest);
        /* BLIP models describe pictures and make no embeddings. */
        const char *otherwise = m->is_blip ? "blip    " : "damaged ";
        (void)printf("  %.8s  ", m->fingerprint ? m->fingerprint : otherwise);
        if (m->in_library) {
            (void)printf("%s embedded%s, ", text_count(m->embedded),
                         m->last_used ? " (used last)" : "");
        }
        (void)printf("%s%s\n", path, m->is_available ? "" : " (no longer there)");
        free(name);
        free(path);
    }
}

static int run(int argc, char **argv) {
    session s = {0};
    int json = 0;
    const char *convert = NULL, *output = NULL;
    models_compare_options compare = {.k = 10};
    const cli_option options[] = {
        OPTION_JSON(json, "print JSON"),
        CLI_TEXT("convert", 0, &convert, "DIR|FILE",
                 "write weights that PyTorch saved (.bin, .pt) as safetensors"),
        CLI_TEXT("output", 'o', &output, "FILE",
                 "with --convert: the file to write, or its folder (default: beside the weights)"),
        MODELS_COMPARE_OPTIONS(compare),
        SESSION_PRECISION_OPTION(s, "with --compare: arithmetic, as at glimpse search"),
        SESSION_LIBRARY_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_models, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    tool_set_quiet(s.quiet);
    glimpse_model_list *list = NULL;
    if ((code = models_compare_check(&compare, &cmd_models, &arguments)) != CLI_RUN) goto done;
    if (output && !convert) {
        code = cli_misuse(&cmd_models, "--output goes with --convert");
        goto done;
    }
    if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
    if (compare.compare) {
        code = models_compare(&compare, &s, &arguments, json);
        goto done;
    }
    if (convert) {
        code = models_convert(convert, output, json, s.base);
        goto done;
    }
    if (glimpse_session_list_models(&list, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (json) {
        print_json(list);
    } else {
        print_people(list);
    }
    code = glimpse_model_list_count(list) > 0 ? EXIT_FOUND : EXIT_NOTHING;
    if (code == EXIT_NOTHING) {
        const char *directory = glimpse_session_models_directory(s.base);
        tool_note("no models; put one into %s", directory ? directory : "a folder");
    }
done:
    glimpse_model_list_free(list);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_models = {
    "models",
    "[--compare MODEL...]",
    "models that are installed, and those the library was made with",
    "Lists the models in ${XDG_DATA_HOME:-~/.local/share}/glimpse/models (NAME or ORG/NAME), the "
    "demo model, and the models that the library has embeddings of. A name listed here can be "
    "given to --model.\n\n"
    "With --convert, writes the weights of a model, or a file of weights, as safetensors. Models "
    "are used with either; nothing has to be converted. Files of PyTorch are programs that build "
    "weights: they are read and never run, and anything in them that weights do not need is "
    "refused by name.\n\n"
    "With --compare, asks several models that the library was indexed with the same queries: their "
    "first results side by side, how many they share (overlap) and how alike they order the "
    "library (rank correlation), the time a query takes, and, where the file says which pictures "
    "fit, how often one of these is among the first 1, 5 and 10 (recall).",
    "  glimpse models\n"
    "  glimpse models --json --library work.glimpse\n"
    "  glimpse models --convert ViT-B-32.pt -o open_clip_model.safetensors\n"
    "  glimpse models --compare ViT-B-32-openai ViT-B-16-SigLIP2 --queries q.txt\n",
    run,
};
