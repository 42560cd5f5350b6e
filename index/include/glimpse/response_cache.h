/*
 * glimpse/response_cache.h - responses of vision-language models, kept so that nothing is paid
 * for twice.
 *
 *     glimpse_response_cache *cache = NULL;
 *     if (glimpse_response_cache_open_library(&cache, library) < 0) ...
 *     glimpse_vlm_run_options options = GLIMPSE_VLM_RUN_OPTIONS_INIT;
 *     options.cache = glimpse_response_cache_calls(cache);
 *     glimpse_vlm_run(NULL, vlm, requests, count, &options, answered, user);
 *     glimpse_response_cache_close(cache);
 *
 * A response is found again by the bytes of the pictures, the model, the whole prompt and the
 * parameters. Files may move; a prompt that was edited is another question.
 *
 * They live in the catalogue of a library (table vlm_answer), or, without one, in a database of
 * the user's own. Each is written in a transaction of its own: what was paid for is not lost when
 * the next one is killed.
 *
 * Threads: as the library; the cache's calls may come from any thread.
 */
#ifndef GLIMPSE_RESPONSE_CACHE_H
#define GLIMPSE_RESPONSE_CACHE_H

#include <glimpse/library.h>
#include <glimpse/status.h>
#include <glimpse/sys/vlm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_response_cache glimpse_response_cache;

/* In the library, which must outlive it. A library open for reading only is read, and nothing is
 * kept. */
GLIMPSE_API int glimpse_response_cache_open_library(glimpse_response_cache **out,
                                                    glimpse_library *library);
/* In a database of its own, made when it does not exist; NULL:
 * ${XDG_CACHE_HOME:-~/.cache}/glimpse/answers.db. */
GLIMPSE_API int glimpse_response_cache_open(glimpse_response_cache **out, const char *path);
GLIMPSE_API void glimpse_response_cache_close(glimpse_response_cache *cache);

/* Borrowed from `cache`. */
GLIMPSE_API const glimpse_vlm_cache *glimpse_response_cache_calls(
    const glimpse_response_cache *cache);

GLIMPSE_API int glimpse_response_cache_count(int64_t *count, const glimpse_response_cache *cache);
/* Forgets the responses of one model (identity), or all (NULL). */
GLIMPSE_API int glimpse_response_cache_forget(int64_t *forgotten, glimpse_response_cache *cache,
                                              const char *model);

#ifdef __cplusplus
}
#endif
#endif
