/*
 * text/nllb_languages.h - the languages of NLLB, by the names that FLORES-200 gives them
 * ("deu_Latn": ISO 639-3 and ISO 15924) and by shorter ones.
 */
#ifndef GLIMPSE_TEXT_NLLB_LANGUAGES_H
#define GLIMPSE_TEXT_NLLB_LANGUAGES_H

#include <stddef.h>
#include <stdint.h>

/* The published order, which is that of the ids; for models whose files do not say it. */
enum { GLIMPSE_NLLB_LANGUAGES = 202 };
extern const char *const glimpse_nllb_languages[GLIMPSE_NLLB_LANGUAGES];

/* Whether `name` has the form of these names. */
int glimpse_nllb_is_language(const char *name);

typedef struct glimpse_language {
    const char *name;
    int32_t id; /* of its token */
} glimpse_language;

/* Which of `languages` [count] a name means: all of it in any case, with "-" for "_" too
 * ("deu_Latn", "zh-Hant"), or the language without the script ("deu", "de") where only one of them
 * fits. GLIMPSE_E_INVALID names those that fit, or the nearest. */
int glimpse_nllb_find(size_t *out, const glimpse_language *languages, size_t count,
                      const char *name);

#endif
