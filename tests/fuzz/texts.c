/*
 * texts.c - texts of any bytes, through a small tokenizer of each kind (tests/text/fixtures).
 */
#include "fuzz.h"

#include "core/utf8.h"

#include <glimpse/status.h>
#include <glimpse/sys/tokenizer.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    glimpse_tokenizer_kind kind;
    const char *directory;
} fixtures[] = {{GLIMPSE_TOKENIZER_CLIP_HF, ""},
                {GLIMPSE_TOKENIZER_CLIP_OPENCLIP, ""},
                {GLIMPSE_TOKENIZER_SIGLIP, "/siglip"},
                {GLIMPSE_TOKENIZER_GEMMA, "/gemma"},
                {GLIMPSE_TOKENIZER_WORDPIECE, "/wordpiece"},
                {GLIMPSE_TOKENIZER_XLMR, "/xlmr"},
                {GLIMPSE_TOKENIZER_NLLB, "/nllb"},
                {GLIMPSE_TOKENIZER_SIGLIP, "/siglip/json"},
                {GLIMPSE_TOKENIZER_AUTO, "/siglip/json"}}; /* texts are cleaned first */
enum { KINDS = sizeof fixtures / sizeof *fixtures };
static glimpse_tokenizer *tokenizers[KINDS];

static void release(void) {
    for (size_t i = 0; i < KINDS; i++)
        glimpse_tokenizer_free(tokenizers[i]);
}

static void load(void) {
    for (size_t i = 0; i < KINDS; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/tests/text/fixtures%s", GLIMPSE_SOURCE_DIR,
                       fixtures[i].directory);
        PROMISE(glimpse_tokenizer_load(&tokenizers[i], path, fixtures[i].kind) == GLIMPSE_OK);
    }
    (void)atexit(release);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!tokenizers[0]) load();
    const char *text = (const char *)data;
    enum { SHORT = 8, LONG = 4096 };
    static int32_t some[SHORT], all[LONG];
    for (size_t i = 0; i < KINDS; i++) {
        glimpse_tokens few = {.ids = some, .capacity = SHORT},
                       many = {.ids = all, .capacity = LONG};
        if (!fuzz_fine(glimpse_tokenizer_encode(&many, tokenizers[i], text, size))) continue;
        PROMISE(glimpse_tokenizer_encode(&few, tokenizers[i], text, size) == GLIMPSE_OK);
        const size_t vocabulary = glimpse_tokenizer_vocab_size(tokenizers[i]);
        PROMISE(few.count <= SHORT && many.count <= LONG && few.count <= many.count);
        PROMISE(few.truncated == (many.count > SHORT) || many.truncated);
        for (size_t k = 0; k < many.count; k++)
            PROMISE(all[k] >= 0 && (size_t)all[k] < vocabulary);
        /* A cut keeps the beginning, and the end token where there is one. */
        for (size_t k = 0; k + 1 < few.count; k++)
            PROMISE(some[k] == all[k]);
    }
    char quoted[GLIMPSE_UTF8_QUOTED];
    for (const char *p = glimpse_utf8_quote(quoted, text, size); *p; p++)
        PROMISE((unsigned char)*p >= ' ' && *p != 127);
    PROMISE(glimpse_utf8_is_valid(quoted, strlen(quoted)));
    return 0;
}
