/*
 * text/tokenizer_settings.h - tokenizer_config.json and special_tokens_map.json, as the Hugging
 * Face tokenizer classes write them. Both files may be absent; what they do not say is a default.
 */
#ifndef GLIMPSE_TEXT_TOKENIZER_SETTINGS_H
#define GLIMPSE_TEXT_TOKENIZER_SETTINGS_H

#include "text/tokenizer_kinds.h"

#include <jansson.h>

typedef struct glimpse_tokenizer_settings {
    char *path;  /* of tokenizer_config.json, for messages */
    json_t *own; /* NULL when absent */
    json_t *map;
} glimpse_tokenizer_settings;

/* Whatever it returns, release() takes it. */
int glimpse_tokenizer_settings_read(glimpse_tokenizer_settings *settings, const char *directory);
void glimpse_tokenizer_settings_release(glimpse_tokenizer_settings *settings);

/* A tokenizer of `size` bytes, a struct that begins with its base, from its main file and then the
 * settings; what fails is released by type->free(). */
typedef struct glimpse_tokenizer_source {
    const glimpse_tokenizer_type *type;
    size_t size;
    const char *file;  /* its name in the directory */
    const char *other; /* the one to read where that is absent; NULL: none */
    int (*read_file)(glimpse_tokenizer *tokenizer, const char *path);
    int (*read_settings)(glimpse_tokenizer *tokenizer, const char *path,
                         const glimpse_tokenizer_settings *settings);
} glimpse_tokenizer_source;
int glimpse_tokenizer_open(glimpse_tokenizer **out, const char *directory,
                           const glimpse_tokenizer_source *source);

/* The JSON object in directory/name; *out is NULL when there is no such file. */
int glimpse_json_object_read(json_t **out, const char *directory, const char *name);

/* A truth value; null and absent are `fallback`. */
int glimpse_tokenizer_settings_flag(const glimpse_tokenizer_settings *settings, const char *key,
                                    int fallback, int *out);

/* A token's text, such as "eos_token": a string, or an object with "content", in either file.
 * Borrowed; `fallback` when neither has it. */
const char *glimpse_tokenizer_settings_name(const glimpse_tokenizer_settings *settings,
                                            const char *key, const char *fallback);

#endif
