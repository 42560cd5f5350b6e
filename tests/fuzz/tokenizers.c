/*
 * tokenizers.c - the files of tokenizers, of every kind, and a short text through what they make.
 * Each part is a file; "text" is what is tokenized.
 */
#include "fuzz.h"

#include <glimpse/status.h>
#include <glimpse/sys/tokenizer.h>

#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"config.json",
                                    "open_clip_config.json",
                                    "tokenizer.json",
                                    "vocab.json",
                                    "merges.txt",
                                    "vocab.txt",
                                    "spiece.model",
                                    "sentencepiece.bpe.model",
                                    "special_tokens_map.json",
                                    "tokenizer_config.json",
                                    NULL};

static void use(const glimpse_tokenizer *tokenizer, const uint8_t *text, size_t size) {
    enum { CAPACITY = 64 };
    int32_t ids[CAPACITY];
    glimpse_tokens tokens = {.ids = ids, .capacity = CAPACITY};
    const size_t vocabulary = glimpse_tokenizer_vocab_size(tokenizer);
    PROMISE(glimpse_tokenizer_kind_name(glimpse_tokenizer_kind_of(tokenizer)) != NULL);
    const int32_t special[] = {
        glimpse_tokenizer_start_id(tokenizer), glimpse_tokenizer_end_id(tokenizer),
        glimpse_tokenizer_pad_id(tokenizer), glimpse_tokenizer_unknown_id(tokenizer)};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        PROMISE(special[i] == -1 || (special[i] >= 0 && (size_t)special[i] < vocabulary));
    if (!fuzz_fine(glimpse_tokenizer_encode(&tokens, tokenizer, (const char *)text, size))) return;
    PROMISE(tokens.count <= CAPACITY);
    for (size_t i = 0; i < tokens.count; i++) {
        PROMISE(ids[i] >= 0 && (size_t)ids[i] < vocabulary);
        PROMISE(glimpse_tokenizer_token(tokenizer, ids[i]) != NULL);
    }
    PROMISE(glimpse_tokenizer_token(tokenizer, -1) == NULL);
    PROMISE(vocabulary > INT32_MAX || !glimpse_tokenizer_token(tokenizer, (int32_t)vocabulary));
    int32_t language;
    if (fuzz_fine(glimpse_tokenizer_language(&language, tokenizer, "de"))) {
        PROMISE(language >= 0 && (size_t)language < vocabulary);
        PROMISE(glimpse_tokenizer_encode_as(&tokens, tokenizer, language, (const char *)text,
                                            size) == GLIMPSE_OK);
        PROMISE(tokens.count >= 2 && ids[0] == language);
    } else {
        PROMISE(language == -1);
    }
    char back[512];
    size_t length = 0;
    if (fuzz_fine(glimpse_tokenizer_decode(back, sizeof back, &length, tokenizer, ids, tokens.count,
                                           GLIMPSE_DECODE_KEEP_SPECIAL))) {
        PROMISE(back[length] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS], text = {.data = (const uint8_t *)"a photo of 2 dogs, isn't it?"};
    const size_t count = fuzz_split(parts, data, size);
    text.size = strlen((const char *)text.data);
    for (size_t i = 0; i < count; i++) {
        if (fuzz_is(&parts[i], "text")) text = parts[i];
    }
    fuzz_remove(files);
    fuzz_write_parts(parts, count, files);
    /* AUTO, then each kind by name: most refuse the others' files at once. */
    for (int kind = 0; kind == 0 || glimpse_tokenizer_kind_name((glimpse_tokenizer_kind)kind);
         kind++) {
        glimpse_tokenizer *tokenizer = NULL;
        if (fuzz_fine(glimpse_tokenizer_load(&tokenizer, fuzz_directory(),
                                             (glimpse_tokenizer_kind)kind))) {
            use(tokenizer, text.data, text.size);
        }
        glimpse_tokenizer_free(tokenizer);
    }
    return 0;
}
