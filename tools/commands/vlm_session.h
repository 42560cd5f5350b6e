/*
 * vlm_session.h - the options of commands with a vision-language model, and what they say of it.
 *
 * Which model that is, its prompts and its cache: <glimpse/vlm_settings.h>.
 */
#ifndef GLIMPSE_TOOLS_VLM_SESSION_H
#define GLIMPSE_TOOLS_VLM_SESSION_H

#include "session.h"

#include <glimpse/session_vlm.h>
#include <glimpse/vlm_settings.h>

typedef struct vlm_session {
    const char *spec, *second_spec; /* NULL: the default; no second tier */
    double escalate_below, max_cost, requests_per_minute, tokens_per_minute, timeout;
    uint64_t jobs, samples, max_tokens;
    int dry_run, refresh, keep_metadata, no_cache;
} vlm_session;

#define VLM_SESSION_INIT \
 { .escalate_below = 0.0, .max_cost = -1.0 }

#define VLM_MAX_TOKENS_OPTION(v)                                                          \
 CLI_SIZE("max-tokens", 0, &(v).max_tokens, "N",                                          \
          "tokens of an answer at most (default: by the task; raised once by itself for " \
          "a model that thinks)",                                                         \
          1, 1000000)

#define VLM_MAX_COST_OPTION(v) \
 CLI_NUMBER("max-cost", 0, &(v).max_cost, "MONEY", "stop before this is exceeded")
#define VLM_REFRESH_OPTION(v) \
 CLI_FLAG("refresh", 0, &(v).refresh, "ask again and replace the kept answer")

/* The options every command with a VLM has, but for the one that names the model. */
#define VLM_SESSION_OPTIONS(v)                                                                   \
 CLI_HEADING("Asking the model"),                                                                \
     CLI_FLAG("dry-run", 0, &(v).dry_run, "send nothing; show what would be sent and its cost"), \
     VLM_MAX_COST_OPTION(v),                                                                     \
     CLI_TEXT("escalate", 0, &(v).second_spec, "MODEL",                                          \
              "the model that is asked when the first "                                          \
              "one is not sure"),                                                                \
     CLI_NUMBER("escalate-below", 0, &(v).escalate_below, "P",                                   \
                "how sure (0..1) is sure enough (default: 0.7 with --escalate)"),                \
     CLI_SIZE("samples", 0, &(v).samples, "N", "ask N times and take what most agree on", 1,     \
              GLIMPSE_VLM_MAX_SAMPLES),                                                          \
     VLM_MAX_TOKENS_OPTION(v),                                                                   \
     CLI_SIZE("jobs", 0, &(v).jobs, "N", "requests at once (default: 4)", 1, 64),                \
     CLI_NUMBER("rpm", 0, &(v).requests_per_minute, "N", "requests a minute at most"),           \
     CLI_NUMBER("tpm", 0, &(v).tokens_per_minute, "N", "tokens a minute at most"),               \
     CLI_NUMBER("timeout", 0, &(v).timeout, "SECONDS", "for one attempt (default: 120)"),        \
     CLI_FLAG("keep-metadata", 0, &(v).keep_metadata, "send EXIF and GPS along"),                \
     CLI_FLAG("no-cache", 0, &(v).no_cache, "neither look answers up nor keep them"),            \
     VLM_REFRESH_OPTION(v)

/* What the options say, for calls of the session; borrowed from `v`. */
glimpse_vlm_settings vlm_session_settings(const vlm_session *v);
/* "12 answered, 2 from the cache, ... 0.0123 USD" on stderr, unless quiet; nothing of a model of
 * this machine. */
void vlm_note_use(const glimpse_vlm_use *use);

#endif
