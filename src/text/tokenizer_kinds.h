/*
 * text/tokenizer_kinds.h - what a kind of tokenizer is, behind glimpse/sys/tokenizer.h.
 *
 * Each kind is a file that defines one row, glimpse_tokenizer_type_NAME, of the table in
 * tokenizer_table.c; the list of names is GLIMPSE_TOKENIZER_KINDS in the public header. A tokenizer
 * is a struct that begins with `base`.
 *
 *     tokenizer_table.c   which kind a model directory has; opening
 *     cleaning.c          what open_clip does to texts first
 *     NAME_tokenizer.c    the kinds
 *     tokenizer.c         the calls on an open tokenizer, the same for all
 *
 * Each of these may use those below it.
 */
#ifndef GLIMPSE_TEXT_TOKENIZER_KINDS_H
#define GLIMPSE_TEXT_TOKENIZER_KINDS_H

#include <glimpse/sys/tokenizer.h>

/* How sure a sign is, the surest first. All signs of all kinds are looked for in this order, those
 * of one strength in the order of the kinds; the first that is there decides. */
typedef enum glimpse_sign_strength {
    GLIMPSE_SIGN_NONE = 0,     /* ends a list */
    GLIMPSE_SIGN_MARKER,       /* a file that decides it, whatever else there is */
    GLIMPSE_SIGN_CLASS,        /* "tokenizer_class" in tokenizer_config.json */
    GLIMPSE_SIGN_NAME,         /* "hf_tokenizer_name" in open_clip_config.json has the name in it */
    GLIMPSE_SIGN_MODEL_TYPE,   /* "model_type" in config.json, of a model with one tokenizer */
    GLIMPSE_SIGN_OWN_FILES,    /* files that no other kind has */
    GLIMPSE_SIGN_FAMILY_FILES, /* a model_type with several tokenizers, and the file of this one */
    GLIMPSE_SIGN_FAMILY,       /* such a model_type, and no file that says more */
    GLIMPSE_SIGN_COMMON_FILES, /* files with names that others might use as well */
    GLIMPSE_SIGN_CONTENTS,     /* what is inside a file that others have, too */
    GLIMPSE_SIGN_ANY           /* always: the kind whose error message helps most */
} glimpse_sign_strength;

/* All that is not NULL must hold. */
typedef struct glimpse_tokenizer_sign {
    glimpse_sign_strength strength;
    const char *name;     /* the class, or the model type, or (NAME, any case) a part of the name */
    const char *files[2]; /* are in the directory */
    /* *out is 1 when the files hold what this kind reads. Fails only when out of memory. */
    int (*contents)(int *out, const char *directory);
} glimpse_tokenizer_sign;

typedef struct glimpse_tokenizer_type {
    const char *name;                    /* "clip-hf" */
    const glimpse_tokenizer_sign *signs; /* ended by one of strength NONE */
    /* Files that decide the ids and belong into a model's fingerprint, NULL-terminated, besides
     * those that model/fingerprint.c hashes by itself; NULL: none. */
    const char *const *files;
    size_t usual_context; /* ids of a text in models that do not say it */

    /* Sets `type` and the rest of `base`, all but `kind`. */
    int (*load)(glimpse_tokenizer **out, const char *directory);
    /* tokens->count and ->truncated are 0 and there is room for two ids; the caller resets the
     * count after a failure. */
    int (*encode)(glimpse_tokens *tokens, const glimpse_tokenizer *tokenizer, const char *text,
                  size_t length);
    /* As glimpse_tokenizer_decode(), the arguments checked; NULL: this kind cannot. */
    int (*decode)(char *out, size_t capacity, size_t *length, const glimpse_tokenizer *tokenizer,
                  const int32_t *ids, size_t count, unsigned flags);
    /* As glimpse_tokenizer_token(); `id` is in range. */
    const char *(*token)(const glimpse_tokenizer *tokenizer, int32_t id);
    void (*free)(glimpse_tokenizer *tokenizer);
    /* As glimpse_tokenizer_language(); NULL: texts have no language. The first id of every text is
     * then that of its language. */
    int (*language)(int32_t *out, const glimpse_tokenizer *tokenizer, const char *name);
    /* Whether that is the id of a language; there where `language` is. */
    int (*is_language)(const glimpse_tokenizer *tokenizer, int32_t id);
    /* What a tokenizer that is part of a model must fulfil besides having a row for each token, as
     * a file that was cut would not; NULL: nothing. */
    int (*check)(const glimpse_tokenizer *tokenizer, const char *directory);
} glimpse_tokenizer_type;

#define GLIMPSE_TOKENIZER_DECLARE(constant, name) \
 extern const glimpse_tokenizer_type glimpse_tokenizer_type_##name;
GLIMPSE_TOKENIZER_KINDS(GLIMPSE_TOKENIZER_DECLARE)
#undef GLIMPSE_TOKENIZER_DECLARE

/* What open_clip does to a text first: see cleaning.c. */
typedef enum glimpse_cleaning {
    GLIMPSE_CLEANING_NONE = 0,
    GLIMPSE_CLEANING_WHITESPACE,
    GLIMPSE_CLEANING_LOWER,
    GLIMPSE_CLEANING_CANONICALIZE
} glimpse_cleaning;

/* How open_clip uses a tokenizer of transformers; all 0: not at all, as in models that transformers
 * published. */
typedef struct glimpse_tokenizer_cleaning {
    glimpse_cleaning text;
    int strip_end;     /* the end token becomes id 0 ("strip_sep_token") */
    char language[16]; /* that texts are in unless the caller says another; "": the tokenizer's */
} glimpse_tokenizer_cleaning;

/* From "tokenizer_kwargs" in the directory's open_clip_config.json, with open_clip's defaults; all
 * 0 where there is none, and where open_clip uses a tokenizer of its own. Refuses what is not
 * implemented. */
int glimpse_tokenizer_cleaning_read(glimpse_tokenizer_cleaning *out, const char *directory);

/* As glimpse_tokenizer_load(), for a directory in whose model texts are cleaned so; NULL: not at
 * all. AUTO: what glimpse_tokenizer_load() takes is read from the directory, cleaning as well, and
 * `cleaning` must be NULL. */
int glimpse_tokenizer_load_cleaned(glimpse_tokenizer **out, const char *path,
                                   glimpse_tokenizer_kind kind,
                                   const glimpse_tokenizer_cleaning *cleaning);

struct glimpse_tokenizer {
    const glimpse_tokenizer_type *type;
    glimpse_tokenizer_kind kind; /* never AUTO */
    glimpse_tokenizer_cleaning cleaning;
    size_t vocab_size;
    size_t min_rows; /* embeddings that a model must have for it; 0: vocab_size */
    int32_t start_id, end_id, pad_id, unknown_id; /* -1: there is none */
};

/* The kind that a model directory has, by signs of strength `from` and weaker; `from` is
 * GLIMPSE_SIGN_MARKER, which is what AUTO means, or GLIMPSE_SIGN_CLASS. Fails when a JSON file on
 * the way is damaged. */
int glimpse_tokenizer_recognise(glimpse_tokenizer_kind *out, const char *directory,
                                glimpse_sign_strength from);
/* NULL for AUTO and for numbers that are no kind. */
const glimpse_tokenizer_type *glimpse_tokenizer_type_of(glimpse_tokenizer_kind kind);

/* How many embeddings of tokens a model must have. */
size_t glimpse_tokenizer_min_rows(const glimpse_tokenizer *tokenizer);
/* Whether the tokenizer of the model in `directory` is whole and belongs to embeddings of `rows`
 * tokens, padding included. Tokenizers on their own are not held to it. */
int glimpse_tokenizer_check(const glimpse_tokenizer *tokenizer, const char *directory, size_t rows);

/* Appends `id` unless only the end token's place is left: then `truncated` is set. */
static inline void glimpse_tokens_add(glimpse_tokens *tokens, int32_t id) {
    if (tokens->count + 1 >= tokens->capacity) {
        tokens->truncated = 1;
    } else {
        tokens->ids[tokens->count++] = id;
    }
}

#endif
