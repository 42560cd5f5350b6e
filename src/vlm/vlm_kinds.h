/*
 * vlm_kinds.h - the kinds of models that a spec can name: native ones by a directory, remote ones
 * by a prefix.
 *
 * Each kind is a file that defines one row, glimpse_vlm_kind_NAME; vlm.c makes the table of those
 * that are listed here. What a server's JSON looks like is in the row's dialect, see
 * remote/remote.h.
 */
#ifndef GLIMPSE_VLM_KINDS_H
#define GLIMPSE_VLM_KINDS_H

#include "vlm/vlm_internal.h"

/* In the order in which people are told of them. */
#define GLIMPSE_VLM_KINDS(X) \
 X(blip)                     \
 X(openai)                   \
 X(anthropic)                \
 X(gemini)                   \
 X(endpoint)

typedef struct glimpse_vlm_kind glimpse_vlm_kind;
struct glimpse_vlm_kind {
    glimpse_vlm_provider provider; /* what may be known outside */
    /* Native: whether the directory holds such a model. NULL for remote ones. */
    int (*is_model)(const char *directory);
    /* Fills ->identity, ->name, ->engine, ->self; what is filled is released by the caller. */
    int (*open)(glimpse_vlm *vlm, const glimpse_vlm_kind *kind, const char *spec,
                const glimpse_vlm_options *options);
    const struct glimpse_dialect *dialect; /* remote */
};

#define GLIMPSE_VLM_DECLARE(name) extern const glimpse_vlm_kind glimpse_vlm_kind_##name;
GLIMPSE_VLM_KINDS(GLIMPSE_VLM_DECLARE)
#undef GLIMPSE_VLM_DECLARE

#endif
