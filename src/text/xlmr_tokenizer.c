/*
 * text/xlmr_tokenizer.c - the tokenizers of XLM-R and of NLLB, as transformers' XLMRobertaTokenizer
 * and NllbTokenizer: SentencePiece models whose ids fairseq renumbered.
 *
 *   id      0    1      2     3      4 ...          then             last
 *   token  <s>  <pad>  </s>  <unk>  piece 3 on     NLLB: languages  <mask>
 *
 * The pieces <unk>, <s> and </s> that the model has as its 0, 1 and 2 are not used. tokenizer.json
 * has all of these by their ids; sentencepiece.bpe.model is brought into the same order.
 *
 *   XLM-R   special tokens cut out -> each text between them through the model -> <s> ... </s>
 *   NLLB    the same, with the token of the text's language for <s>
 */
#include "core/error.h"
#include "core/file.h"
#include "text/added_tokens.h"
#include "text/nllb_languages.h"
#include "text/spiece_json.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_kinds.h"
#include "text/tokenizer_settings.h"

#include <stdlib.h>
#include <string.h>

typedef struct xlmr_tokenizer {
    glimpse_tokenizer base;
    glimpse_spiece_model model; /* by the ids above */
    glimpse_added_tokens added;
    glimpse_language *languages; /* NLLB: [language_count] */
    size_t language_count;
} xlmr_tokenizer;

static int emit(void *context, int32_t id) {
    glimpse_tokens *tokens = context;
    glimpse_tokens_add(tokens, id);
    return tokens->truncated;
}

static int encode(glimpse_tokens *tokens, const glimpse_tokenizer *base, const char *text,
                  size_t length) {
    const xlmr_tokenizer *tokenizer = (const xlmr_tokenizer *)base;
    glimpse_points points;
    glimpse_bytes valid;
    glimpse_points_init(&points);
    glimpse_bytes_init(&valid);
    int status = glimpse_points_decode(&points, text, length);
    if (status == GLIMPSE_OK) {
        status = glimpse_bytes_append_points(&valid, points.data, points.count);
    }
    if (status < 0) goto done;
    tokens->ids[tokens->count++] = base->start_id;
    const glimpse_added_token *token = NULL;
    for (size_t at = 0, from, to; at < valid.count && !tokens->truncated;) {
        token = glimpse_added_tokens_next(&tokenizer->added, valid.data, valid.count, &at, token,
                                          &from, &to);
        status =
            glimpse_spiece_encode(&tokenizer->model, valid.data + from, to - from, emit, tokens);
        if (status < 0) goto done;
        if (token && !tokens->truncated) glimpse_tokens_add(tokens, token->id);
    }
    tokens->ids[tokens->count++] = base->end_id;
done:
    glimpse_bytes_release(&valid);
    glimpse_points_release(&points);
    return status;
}

static const char *token_text(const glimpse_tokenizer *base, int32_t id) {
    return ((const xlmr_tokenizer *)base)->model.pieces[id].text;
}

static int find_language(int32_t *out, const glimpse_tokenizer *base, const char *name) {
    const xlmr_tokenizer *tokenizer = (const xlmr_tokenizer *)base;
    size_t index;
    int status = glimpse_nllb_find(&index, tokenizer->languages, tokenizer->language_count, name);
    if (status == GLIMPSE_OK) *out = tokenizer->languages[index].id;
    return status;
}

static int is_language(const glimpse_tokenizer *base, int32_t id) {
    const xlmr_tokenizer *tokenizer = (const xlmr_tokenizer *)base;
    for (size_t i = 0; i < tokenizer->language_count; i++) {
        if (tokenizer->languages[i].id == id) return 1;
    }
    return 0;
}

static void release(glimpse_tokenizer *base) {
    xlmr_tokenizer *tokenizer = (xlmr_tokenizer *)base;
    glimpse_added_tokens_release(&tokenizer->added);
    glimpse_spiece_model_release(&tokenizer->model);
    free(tokenizer->languages);
    free(tokenizer);
}

static int is_json(const char *path) {
    const char *extension = strrchr(path, '.');
    return extension && strcmp(extension, ".json") == 0;
}

/* The model's own numbers to the ids above. */
static int renumber(glimpse_spiece_model *model, const char *path) {
    static const char *const own[] = {"<unk>", "<s>", "</s>"};
    static const glimpse_spiece special[] = {{"<s>", 3, 0, GLIMPSE_SPIECE_CONTROL},
                                             {"<pad>", 5, 0, GLIMPSE_SPIECE_CONTROL},
                                             {"</s>", 4, 0, GLIMPSE_SPIECE_CONTROL},
                                             {"<unk>", 5, 0, GLIMPSE_SPIECE_UNKNOWN}};
    for (size_t i = 0; i < 3; i++) {
        const glimpse_spiece *piece = i < model->count ? &model->pieces[i] : NULL;
        if (piece && strcmp(piece->text, own[i]) == 0 &&
            piece->type == (i == 0 ? GLIMPSE_SPIECE_UNKNOWN : GLIMPSE_SPIECE_CONTROL)) {
            continue;
        }
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: piece %zu is not %s, as in the models of XLM-R and NLLB", path, i,
                            own[i]);
    }
    int status = glimpse_spiece_append(model, path, &special[0]); /* makes room for one more */
    if (status < 0) return status;
    memmove(model->pieces + 4, model->pieces + 3, (model->count - 4) * sizeof *model->pieces);
    memcpy(model->pieces, special, sizeof special);
    return GLIMPSE_OK;
}

/* A special token behind the others. */
static int append_special(xlmr_tokenizer *tokenizer, const char *path, const char *name,
                          int strip_left) {
    const size_t count = tokenizer->added.count;
    const glimpse_added_token token = {
        name, strlen(name), (int32_t)tokenizer->model.count, strip_left, 0, 0, 1};
    int status = glimpse_added_tokens_add(&tokenizer->added, &token);
    if (status < 0) return status;
    if (tokenizer->added.count == count) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the special token \"%.64s\" occurs twice", path,
                            name);
    }
    const glimpse_spiece piece = {tokenizer->added.tokens[count].text, (uint32_t)token.length, 0,
                                  GLIMPSE_SPIECE_CONTROL};
    return glimpse_spiece_append(&tokenizer->model, path, &piece);
}

/* What NLLB's settings list, else the published languages. */
static int append_languages(xlmr_tokenizer *tokenizer, const glimpse_tokenizer_settings *settings) {
    static const char key[] = "additional_special_tokens";
    const json_t *list = json_object_get(settings->own, key);
    if (json_array_size(list) == 0) list = json_object_get(settings->map, key);
    const size_t count = json_array_size(list);
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count && status == GLIMPSE_OK; i++) {
        const json_t *entry = json_array_get(list, i);
        if (json_is_object(entry)) entry = json_object_get(entry, "content");
        const char *name = json_string_value(entry);
        if (!name || !*name) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "%s: \"%s\": entry %zu is no token",
                                settings->path, key, i + 1);
        }
        status = append_special(tokenizer, settings->path, name, 0);
    }
    for (size_t i = 0; count == 0 && i < GLIMPSE_NLLB_LANGUAGES && status == GLIMPSE_OK; i++) {
        status = append_special(tokenizer, settings->path, glimpse_nllb_languages[i], 0);
    }
    return status;
}

/* What tokenizer.json lists by itself. */
static int add_specials(xlmr_tokenizer *tokenizer, const char *path,
                        const glimpse_tokenizer_settings *settings, int nllb) {
    int status = GLIMPSE_OK;
    for (int32_t id = 0; id < 4 && status == GLIMPSE_OK; id++) {
        const glimpse_spiece *piece = &tokenizer->model.pieces[id];
        const glimpse_added_token token = {piece->text, piece->length, id, 0, 0, 0, 1};
        status = glimpse_added_tokens_add(&tokenizer->added, &token);
    }
    if (status == GLIMPSE_OK && nllb) status = append_languages(tokenizer, settings);
    return status < 0 ? status : append_special(tokenizer, path, "<mask>", 1);
}

/* tokenizer_config.json may say ids as well: they must be these. */
static int check_added(const xlmr_tokenizer *tokenizer, const char *path,
                       const glimpse_tokenizer_settings *settings) {
    const glimpse_spiece_model *model = &tokenizer->model;
    const char *key;
    json_t *entry;
    json_object_foreach(json_object_get(settings->own, "added_tokens_decoder"), key, entry) {
        glimpse_added_token token;
        int64_t id = strtol(key, NULL, 10);
        int status = glimpse_added_token_read(&token, entry, id, settings->path, key);
        if (status < 0) return status;
        if ((size_t)token.id < model->count &&
            strcmp(model->pieces[token.id].text, token.text) == 0) {
            continue;
        }
        return glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: token %.64s has id %d, which it has not in %s (%zu tokens)",
                            settings->path, token.text, token.id, path, model->count);
    }
    return GLIMPSE_OK;
}

static int list_languages(xlmr_tokenizer *tokenizer, const char *path,
                          const glimpse_tokenizer_settings *settings) {
    const glimpse_added_tokens *added = &tokenizer->added;
    int legacy;
    int status = glimpse_tokenizer_settings_flag(settings, "legacy_behaviour", 0, &legacy);
    if (status < 0) return status;
    if (legacy) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: \"legacy_behaviour\": true, with the language behind the text, is "
                            "not supported",
                            settings->path);
    }
    tokenizer->languages = calloc(added->count + 1, sizeof *tokenizer->languages);
    if (!tokenizer->languages) {
        return glimpse_fail_nomem(added->count * sizeof *tokenizer->languages, path);
    }
    for (size_t i = 0; i < added->count; i++) {
        if (!glimpse_nllb_is_language(added->tokens[i].text)) continue;
        tokenizer->languages[tokenizer->language_count++] =
            (glimpse_language){added->tokens[i].text, added->tokens[i].id};
    }
    const char *name = json_string_value(json_object_get(settings->own, "src_lang"));
    status = find_language(&tokenizer->base.start_id, &tokenizer->base, name ? name : "eng_Latn");
    return status < 0 ? glimpse_fail_context(GLIMPSE_E_FORMAT, "%s", path) : GLIMPSE_OK;
}

static int find_special(int32_t *out, const xlmr_tokenizer *tokenizer, const char *path,
                        const glimpse_tokenizer_settings *settings, const char *key,
                        const char *fallback) {
    const char *name = glimpse_tokenizer_settings_name(settings, key, fallback);
    for (size_t i = 0; i < tokenizer->added.count; i++) {
        if (strcmp(tokenizer->added.tokens[i].text, name) != 0) continue;
        *out = tokenizer->added.tokens[i].id;
        return GLIMPSE_OK;
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "%s: the token %.64s (\"%s\") is missing", path, name,
                        key);
}

static int read_settings(glimpse_tokenizer *base, const char *path,
                         const glimpse_tokenizer_settings *settings) {
    xlmr_tokenizer *tokenizer = (xlmr_tokenizer *)base;
    const int nllb = base->type == &glimpse_tokenizer_type_nllb;
    int status = is_json(path) ? GLIMPSE_OK : add_specials(tokenizer, path, settings, nllb);
    if (status < 0 || (status = check_added(tokenizer, path, settings)) < 0 ||
        (status = find_special(&base->start_id, tokenizer, path, settings, "bos_token", "<s>")) <
            0 ||
        (status = find_special(&base->end_id, tokenizer, path, settings, "eos_token", "</s>")) <
            0 ||
        (status = find_special(&base->pad_id, tokenizer, path, settings, "pad_token", "<pad>")) <
            0) {
        return status;
    }
    base->vocab_size = tokenizer->model.count;
    base->unknown_id = tokenizer->model.unknown_id;
    if (nllb) status = list_languages(tokenizer, path, settings);
    glimpse_added_tokens_sort(&tokenizer->added);
    return status;
}

static int read_model(glimpse_tokenizer *base, const char *path) {
    xlmr_tokenizer *tokenizer = (xlmr_tokenizer *)base;
    glimpse_spiece_model *model = &tokenizer->model;
    const int nllb = base->type == &glimpse_tokenizer_type_nllb;
    int status;
    if (is_json(path)) {
        status = glimpse_spiece_json_read(model, &tokenizer->added, path);
    } else {
        status = glimpse_spiece_parse(model, path);
        if (status == GLIMPSE_OK) status = renumber(model, path);
        if (status == GLIMPSE_OK) status = glimpse_spiece_index(model, path);
    }
    if (status < 0) return status;
    return glimpse_spiece_expect_type(
        model, path, nllb ? GLIMPSE_SPIECE_BPE : GLIMPSE_SPIECE_UNIGRAM, nllb ? "NLLB" : "XLM-R");
}

static const char model_file[] = "sentencepiece.bpe.model";

static int load(glimpse_tokenizer **out, const char *directory,
                const glimpse_tokenizer_type *type) {
    const glimpse_tokenizer_source source = {.type = type,
                                             .size = sizeof(xlmr_tokenizer),
                                             .file = model_file,
                                             .other = "tokenizer.json",
                                             .read_file = read_model,
                                             .read_settings = read_settings};
    return glimpse_tokenizer_open(out, directory, &source);
}

static int load_xlmr(glimpse_tokenizer **out, const char *directory) {
    return load(out, directory, &glimpse_tokenizer_type_xlmr);
}

static int load_nllb(glimpse_tokenizer **out, const char *directory) {
    return load(out, directory, &glimpse_tokenizer_type_nllb);
}

static int model_is(int *out, const char *directory, int type) {
    char *path = glimpse_path_join(directory, model_file);
    if (!path) return glimpse_fail_nomem(strlen(directory), "a file name");
    int found = 0;
    int status = glimpse_spiece_type_of_file(&found, path);
    *out = found == type;
    free(path);
    return status;
}

static int model_is_unigram(int *out, const char *directory) {
    return model_is(out, directory, GLIMPSE_SPIECE_UNIGRAM);
}

static int model_is_bpe(int *out, const char *directory) {
    return model_is(out, directory, GLIMPSE_SPIECE_BPE);
}

static int json_is_xlmr(int *out, const char *directory) {
    glimpse_tokenizer_json_facts facts;
    int status = glimpse_tokenizer_json_look(&facts, directory);
    *out = facts.unigram && facts.fairseq;
    return status;
}

static int json_is_nllb(int *out, const char *directory) {
    glimpse_tokenizer_json_facts facts;
    int status = glimpse_tokenizer_json_look(&facts, directory);
    *out = facts.bpe && facts.fairseq && facts.flores_english;
    return status;
}

static const char *const files[] = {model_file, NULL};

static const glimpse_tokenizer_sign signs_of_xlmr[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "XLMRobertaTokenizer"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "XLMRobertaTokenizerFast"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "xlm-roberta"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "xlm-v"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "metaclip_2"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "xlm-roberta"},
    {.strength = GLIMPSE_SIGN_MODEL_TYPE, .name = "M-CLIP"},
    {.strength = GLIMPSE_SIGN_OWN_FILES, .files = {model_file}, .contents = model_is_unigram},
    {.strength = GLIMPSE_SIGN_CONTENTS, .files = {"tokenizer.json"}, .contents = json_is_xlmr},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_xlmr = {
    .name = "xlm-r",
    .signs = signs_of_xlmr,
    .files = files,
    .usual_context = 512, /* XLMRobertaConfig: 514 positions, of which two are none */
    .load = load_xlmr,
    .encode = encode,
    .token = token_text,
    .free = release,
};

static const glimpse_tokenizer_sign signs_of_nllb[] = {
    {.strength = GLIMPSE_SIGN_CLASS, .name = "NllbTokenizer"},
    {.strength = GLIMPSE_SIGN_CLASS, .name = "NllbTokenizerFast"},
    {.strength = GLIMPSE_SIGN_NAME, .name = "nllb"},
    {.strength = GLIMPSE_SIGN_OWN_FILES, .files = {model_file}, .contents = model_is_bpe},
    {.strength = GLIMPSE_SIGN_CONTENTS, .files = {"tokenizer.json"}, .contents = json_is_nllb},
    {.strength = GLIMPSE_SIGN_NONE},
};

const glimpse_tokenizer_type glimpse_tokenizer_type_nllb = {
    .name = "nllb",
    .signs = signs_of_nllb,
    .files = files,
    .usual_context = 512,
    .load = load_nllb,
    .encode = encode,
    .token = token_text,
    .free = release,
    .language = find_language,
    .is_language = is_language,
};
