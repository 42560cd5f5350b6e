/*
 * glimpse/vlm_settings.h - which vision-language model (VLM) a session asks, and how.
 *
 *     glimpse_vlm_settings settings = GLIMPSE_VLM_SETTINGS_INIT;
 *     settings.spec = "openai:gpt-4o-mini";
 *     settings.max_cost = 0.5;
 *     options.vlm = &settings;                         // of a call of glimpse/session.h
 *
 * The model is `spec`, else $GLIMPSE_VLM, else "model" in the configuration file
 * (${XDG_CONFIG_HOME:-~/.config}/glimpse/vlm.json), else the demo VLM that ships with glimpse
 * (after a note). A spec is that of glimpse/sys/vlm.h; a name without a prefix is a directory, or
 * one below ${XDG_DATA_HOME:-~/.local/share}/glimpse/models.
 *
 * Prompts come from ${XDG_CONFIG_HOME:-~/.config}/glimpse/prompts/NAME.txt, else from what ships;
 * prices from prices.json there, then from the shipped table.
 *
 * Answers are kept in the session's library where it has one, else in the user's own cache
 * (glimpse/response_cache.h), and are not asked for, or paid for, again.
 *
 * A session opens a model once and keeps it for later calls with equal settings; limits of
 * requests, tokens and money are those of all these calls together.
 */
#ifndef GLIMPSE_VLM_SETTINGS_H
#define GLIMPSE_VLM_SETTINGS_H

#include <glimpse/status.h>
#include <glimpse/sys/vlm.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_vlm_settings {
    size_t size;             /* GLIMPSE_VLM_SETTINGS_INIT sets it */
    const char *spec;        /* NULL or "": the default, see above */
    const char *second_spec; /* asked when the first one is not sure; NULL: nobody is */
    double escalate_below;   /* how sure (0..1) is sure enough; 0: 0.7 with a second model */
    double max_cost;         /* of all requests together; negative: no limit. With two models each
                                gets half: neither can know what the other spends */
    double requests_per_minute, tokens_per_minute; /* 0: no limit */
    double timeout;                                /* seconds for one attempt; 0: 120 */
    unsigned jobs;                                 /* requests at once; 0: 4 */
    unsigned samples;                              /* as in glimpse_vlm_request */
    int dry_run;                                   /* 1: nothing is sent; costs are estimated */
    int refresh;                                   /* 1: ask again and replace the kept answer */
    int keep_metadata;                             /* 1: send EXIF and GPS along */
    int no_cache;                                  /* 1: neither look answers up nor keep them */
    unsigned max_tokens; /* of an answer; 0: by the task, see glimpse_vlm_request */
} glimpse_vlm_settings;

static inline glimpse_vlm_settings glimpse_vlm_settings_init(void) {
    glimpse_vlm_settings settings;
    memset(&settings, 0, sizeof settings);
    settings.size = sizeof settings;
    settings.max_cost = -1.0;
    return settings;
}
#define GLIMPSE_VLM_SETTINGS_INIT glimpse_vlm_settings_init()

/* What a call had to ask, and what that took. Strings belong to what the struct is a part of. */
typedef struct glimpse_vlm_use {
    const char *name;     /* of the model, for people; NULL: none was asked */
    const char *currency; /* costs are counted in it; "" when not known */
    int remote;           /* 1: requests left the machine */
    int dry_run;
    glimpse_vlm_totals totals;
    const char *address;      /* the URL that is asked, without its query; "" for a native one */
    const char *prices_as_of; /* the date of the price table ("2025-10"); "" when not known */
    int prices_are_old;       /* 1: more than a year ago */
} glimpse_vlm_use;

#ifdef __cplusplus
}
#endif
#endif
