/*
 * glimpse/answers.h - answers of vision-language models, kept so that nothing is paid for twice.
 *
 *     glimpse_answers *answers = NULL;
 *     if (glimpse_answers_of_library(&answers, library) < 0) ...
 *     glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
 *     options.cache = glimpse_answers_cache(answers);
 *     glimpse_vlm_run(vlm, requests, count, &options, answered, context, NULL);
 *     glimpse_answers_close(answers);
 *
 * An answer is found again by the bytes of the pictures, the model, the whole prompt and the
 * parameters. Files may move; a prompt that was edited is another question.
 *
 * They live in the catalogue of a library (table vlm_answer), or, without one, in a database of
 * the user's own. Each is written in a transaction of its own: what was paid for is not lost when
 * the next one is killed.
 *
 * Threads: as the library; the cache's calls may come from any thread.
 */
#ifndef GLIMPSE_ANSWERS_H
#define GLIMPSE_ANSWERS_H

#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/vlm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_answers glimpse_answers;

/* In the library, which must outlive it. A library open for reading only is read, and nothing is
 * kept. */
GLIMPSE_API int glimpse_answers_of_library(glimpse_answers **out, glimpse_library *library);
/* In a database of its own, made when it does not exist; NULL:
 * ${XDG_CACHE_HOME:-~/.cache}/glimpse/answers.db. */
GLIMPSE_API int glimpse_answers_open(glimpse_answers **out, const char *path);
GLIMPSE_API void glimpse_answers_close(glimpse_answers *answers);

/* Borrowed from `answers`. */
GLIMPSE_API const glimpse_vlm_cache *glimpse_answers_cache(const glimpse_answers *answers);

GLIMPSE_API int glimpse_answers_count(const glimpse_answers *answers, int64_t *count);
/* Forgets the answers of one model (identity), or all (NULL). */
GLIMPSE_API int glimpse_answers_forget(glimpse_answers *answers, const char *model,
                                       int64_t *forgotten);

#ifdef __cplusplus
}
#endif
#endif
