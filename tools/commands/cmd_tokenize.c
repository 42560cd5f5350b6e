/*
 * cmd_tokenize.c - glimpse tokenize: the token ids of texts, as the model would read them.
 *
 * Needs only the tokenizer files of a model directory; the context length comes from its
 * configuration where there is one, else it is what the tokenizer's family has.
 */
#include "cli.h"
#include "json_out.h"
#include "session.h"
#include "tool.h"

#include <glimpse/sys/tokenizer.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONTEXT = 1 << 20 };

static int print_ids(const glimpse_tokenizer *tokenizer, int32_t *ids, size_t context,
                     const char *text, size_t length, int pad) {
    glimpse_tokens tokens = {ids, context, 0, 0};
    if (glimpse_tokenizer_encode(&tokens, tokenizer, text, length) < 0) return tool_fail_last();
    int32_t padding = glimpse_tokenizer_pad_id(tokenizer);
    if (pad && padding < 0) return tool_fail("this tokenizer has no padding token for --pad");
    while (pad && tokens.count < context)
        ids[tokens.count++] = padding;
    json_out j = {stdout, 0};
    jout_open(&j, '{');
    jout_key(&j, "text");
    jout_bytes(&j, text, length);
    jout_key(&j, "ids");
    jout_open(&j, '[');
    for (size_t i = 0; i < tokens.count; i++)
        jout_int(&j, tokens.ids[i]);
    jout_close(&j, ']');
    jout_key(&j, "truncated"), jout_bool(&j, tokens.truncated);
    jout_close(&j, '}');
    jout_end(&j);
    return CLI_RUN;
}

static int run(int argc, char **argv) {
    session s = {0};
    int lines = 0, records = 0, pad = 0;
    uint64_t wanted = 0;
    const cli_option options[] = {
        SESSION_MODEL_OPTION(s, "the model; its tokenizer files are enough"),
        CLI_FLAG("stdin", 0, &lines, "read texts from standard input, one a line"),
        CLI_FLAG("stdin0", 0, &records, "read texts from standard input, each ended by a NUL byte"),
        CLI_SIZE("length", 0, &wanted, "N", "at most N ids (default: the model's text context)", 2,
                 MAX_CONTEXT),
        CLI_FLAG("pad", 0, &pad, "fill up with the padding token to that many ids"),
        SESSION_QUIET_OPTION(s),
        CLI_END,
    };
    cli_arguments arguments = {0};
    int code = cli_parse(&cmd_tokenize, options, argc, argv, &arguments);
    if (code != CLI_RUN) return code;
    glimpse_tokenizer *tokenizer = NULL;
    int32_t *ids = NULL;
    char *record = NULL;
    size_t capacity = 0;
    tool_set_quiet(s.quiet);
    tool_only_prints();
    if (lines && records) {
        code = cli_misuse(&cmd_tokenize, "choose one of --stdin and --stdin0");
        goto done;
    }
    if (arguments.count == 0 && !lines && !records) {
        code = cli_misuse(&cmd_tokenize, "which text?");
        goto done;
    }
    const char *model = NULL;
    if ((code = session_begin_without_library(&s)) != CLI_RUN) goto done;
    if (glimpse_session_model_path(&model, s.base) < 0) {
        code = tool_fail_last();
        goto done;
    }
    if (glimpse_tokenizer_load(&tokenizer, model, GLIMPSE_TOKENIZER_AUTO) < 0) {
        code = tool_fail_last();
        goto done;
    }
    size_t context = (size_t)wanted;
    if (wanted == 0 && glimpse_tokenizer_read_context(&context, tokenizer, model) < 0) {
        code = tool_fail_last();
        goto done;
    }
    ids = xcalloc(context, sizeof *ids);
    for (size_t i = 0; i < arguments.count && code == CLI_RUN; i++) {
        code =
            print_ids(tokenizer, ids, context, arguments.words[i], strlen(arguments.words[i]), pad);
    }
    while ((lines || records) && code == CLI_RUN) {
        char end = lines ? '\n' : '\0';
        ssize_t length = getdelim(&record, &capacity, end, stdin);
        if (length < 0) {
            if (ferror(stdin)) code = tool_fail("cannot read standard input: %s", strerror(errno));
            break;
        }
        if (record[length - 1] == end) length--;
        code = print_ids(tokenizer, ids, context, record, (size_t)length, pad);
    }
    if (code == CLI_RUN) code = EXIT_FOUND;
done:
    free(record);
    free(ids);
    glimpse_tokenizer_free(tokenizer);
    session_close(&s);
    cli_arguments_free(&arguments);
    return code;
}

const cli_command cmd_tokenize = {
    "tokenize",
    "TEXT...",
    "token ids of texts",
    "Prints one JSON object per text, in order: {\"text\":...,\"ids\":[...],\"truncated\":false}. "
    "The start and end tokens are included; ids stop at the model's text context. Works for the "
    "tokenizers of CLIP, SigLIP, SigLIP 2 and BLIP, which glimpse calls {tokenizers}.",
    "  glimpse tokenize --model ./clip-vit-base-patch32 \"a photo of a cat\"\n"
    "  glimpse tokenize --model ./clip-vit-base-patch32 --stdin < captions.txt\n",
    run,
};
