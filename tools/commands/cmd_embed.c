/*
 * cmd_embed.c - glimpse embed: embeddings of texts and pictures as JSON, for scripts and tests.
 *
 * Inputs are encoded one by one, in the order of the command line, and printed as they come.
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_embedding(const char *kind, const char *input, const float *embedding,
                            size_t size, int truncated) {
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "kind"), jout_string(&j, kind);
    jout_path(&j, "input", input);
    jout_key(&j, "embedding");
    jout_open(&j, '[');
    for (size_t i = 0; i < size; i++)
        jout_number(&j, (double)embedding[i]);
    jout_close(&j, ']');
    if (truncated) jout_key(&j, "truncated"), jout_bool(&j, 1);
    jout_close(&j, '}');
    jout_end(&j);
}

/* CLI_RUN, EXIT_PARTIAL for a picture that cannot be used, EXIT_FAILED. */
static int embed_one(session *s, const char *kind, const char *input, unsigned flags,
                     float *embedding, size_t size) {
    int truncated = 0, unusable = 0;
    int status = strcmp(kind, "text") == 0
                     ? glimpse_session_embed_texts(embedding, &truncated, s->base, &input, 1, flags)
                     : glimpse_session_embed_picture(embedding, &unusable, s->base, input, flags);
    if (status < 0) {
        (void)tool_fail_last();
        return unusable ? EXIT_PARTIAL : EXIT_FAILED;
    }
    print_embedding(kind, input, embedding, size, truncated);
    return CLI_RUN;
}

static int run(int argc, char **argv) {
    session s = {0};
    cli_list inputs = {0};
    int raw = 0, exact = 0, partial = 0;
    const cli_option options[] = {
        CLI_LIST("text", 't', &inputs, "TEXT", "a text; may be repeated"),
        CLI_LIST("image", 'i', &inputs, "FILE", "a picture; may be repeated"),
        OPTION_DECODE(exact),
        CLI_FLAG("raw", 0, &raw, "the projection as it is, not scaled to unit length"),
        SESSION_MODEL_OPTIONS(s),
        SESSION_BACKEND_OPTION(s),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_embed, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    const glimpse_model *model = NULL;
    float *embedding = NULL;
    unsigned towers = 0;
    tool_set_quiet(s.quiet);
    tool_only_prints();
    if (arguments.count > 0) {
        code = cli_misuse(&cmd_embed, "inputs come as options: --text \"%s\" or --image \"%s\"",
                          arguments.words[0], arguments.words[0]);
        goto done;
    }
    if (inputs.count == 0) {
        code = cli_misuse(&cmd_embed, "nothing to embed: give --text TEXT or --image FILE");
        goto done;
    }
    for (size_t i = 0; i < inputs.count; i++) {
        towers |= strcmp(inputs.names[i], "text") == 0 ? GLIMPSE_TOWER_TEXT : GLIMPSE_TOWER_IMAGE;
    }
    if ((code = session_begin_without_library(&s)) != CLI_RUN) goto done;
    if (glimpse_session_model(&model, s.base, towers) < 0) {
        code = tool_fail_last();
        goto done;
    }
    size_t size = glimpse_model_embedding_size(model);
    embedding = xmalloc(size * sizeof *embedding);
    unsigned flags = raw ? GLIMPSE_ENCODE_RAW : 0;
    if (exact) flags |= GLIMPSE_ENCODE_EXACT;
    for (size_t i = 0; i < inputs.count; i++) {
        code = embed_one(&s, inputs.names[i], inputs.values[i], flags, embedding, size);
        if (code == EXIT_FAILED) goto done;
        if (code == EXIT_PARTIAL) partial = 1;
    }
    code = partial ? EXIT_PARTIAL : EXIT_FOUND;
done:
    free(embedding);
    session_close(&s);
    cli_list_free(&inputs);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_embed = {
    "embed",
    "",
    "embeddings of texts and pictures",
    "Prints one JSON object per input, in the order of the command line: "
    "{\"kind\":\"text\"|\"image\",\"input\":...,\"embedding\":[...]}, at unit length. A text that "
    "was longer than the model reads has \"truncated\":true as well.\n\n"
    "Exit code 3 when a picture could not be used; the others are printed.",
    "  glimpse embed --text \"a red circle\" --image circle.png\n"
    "  glimpse embed --model ./clip-vit-base-patch32 --precision f32 --text cat --raw\n",
    run,
};
