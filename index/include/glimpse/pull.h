/*
 * glimpse/pull.h - models from a hub that speaks Hugging Face's protocol.
 *
 *     glimpse_pull *pull = NULL;
 *     if (glimpse_session_open_pull(&pull, session, "google/siglip2-base-patch16-224", NULL) < 0)
 *         ...
 *     const glimpse_pull_plan *plan = glimpse_pull_describe(pull);
 *     ... plan->licence, plan->missing_bytes: ask whether that is wanted ...
 *     if (glimpse_pull_run(pull) < 0) ...
 *     puts(plan->directory);
 *     glimpse_pull_free(pull);
 *
 * Opening asks the hub what there is and decides which files are needed: configuration, tokenizer,
 * and weights in one format, safetensors where the revision has them, else PyTorch's. Nothing is
 * written yet.
 *
 * Running downloads what is missing, checks sizes and digests (SHA-256; git's SHA-1 of small
 * files), and installs all of it at once: until then an older installation stays as it is. What was
 * downloaded when a run fails, is stopped or killed is kept beside (.pull/ORG--NAME in the models
 * directory) and used by the next. One run a model at a time: GLIMPSE_E_BUSY.
 *
 * Redirects are followed; the token goes to no other scheme, host or port than the endpoint's, and
 * in the clear (http) only to this machine. Servers that are busy or fail are asked again, with
 * pauses, and as they ask for (Retry-After).
 *
 * Environment, read by glimpse_pull_open where the options do not say: HF_ENDPOINT
 * (https://huggingface.co), HF_TOKEN, HUGGING_FACE_HUB_TOKEN, else the file HF_TOKEN_PATH, else
 * $HF_HOME/token (HF_HOME: ${XDG_CACHE_HOME:-~/.cache}/huggingface); HF_HUB_OFFLINE or
 * TRANSFORMERS_OFFLINE 1, ON, YES or TRUE: the hub is not asked. The proxy is libcurl's, as
 * https_proxy says.
 *
 * Threads: a pull is for one thread at a time; callbacks come on that thread.
 */
#ifndef GLIMPSE_PULL_H
#define GLIMPSE_PULL_H

#include <glimpse/catalog.h>
#include <glimpse/messages.h>
#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_pull_progress {
    const char *file;      /* valid during the call */
    size_t number, count;  /* of the file, from 1; of files */
    uint64_t done, total;  /* bytes of all files, those that were there included */
    double seconds;        /* since the run began */
    double bytes_a_second; /* of the last seconds; 0: not known yet */
} glimpse_pull_progress;

typedef struct glimpse_pull_options {
    size_t size;          /* GLIMPSE_PULL_OPTIONS_INIT sets it */
    const char *endpoint; /* NULL: as the environment says */
    const char *token;    /* NULL: as the environment says; "": none */
    double backoff_scale; /* of all pauses; 0: 1 */
    /* Each may be NULL. Non-zero stops. */
    int (*progress)(void *user, const glimpse_pull_progress *progress);
    int (*cancelled)(void *user);
    glimpse_message_fn message; /* "the hub asks to wait for 20 s" */
    void *user;
} glimpse_pull_options;

static inline glimpse_pull_options glimpse_pull_options_init(void) {
    glimpse_pull_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_PULL_OPTIONS_INIT glimpse_pull_options_init()

typedef struct glimpse_pull_file {
    const char *path;     /* below the directory */
    const char *revision; /* the commit it is from */
    uint64_t bytes;
    const char *sha256;   /* NULL: the hub does not say, and it was not read yet */
    const char *git_sha1; /* of a git blob; NULL: the hub says SHA-256 */
    int is_weights;
    /* Where it is from: the model's own, or another that has a part of it (M-CLIP's pictures, in
     * image/). NULL: the table of models, as the repository has no configuration. */
    const char *repository;
} glimpse_pull_file;

/* What there is to do; strings live as long as the pull. */
typedef struct glimpse_pull_plan {
    const char *name;       /* of the catalogue; else as `repository` */
    const char *repository; /* ORG/NAME */
    const char *revision;   /* as it was asked for */
    const char *commit;
    const char *endpoint;
    const char *directory; /* where it is, or will be, installed */
    const char *licence;   /* NULL: none is declared */
    const char *page;      /* where the licence can be read */
    int is_gated;          /* its publisher lets in whom he knows */
    int is_installed;      /* all of it: there is nothing to do */
    int is_offline;        /* installed, and nobody was asked whether there is a newer one */
    size_t file_count;
    uint64_t bytes;         /* of all files */
    uint64_t missing_bytes; /* to download */
    uint64_t free_bytes;    /* where it goes */
} glimpse_pull_plan;

typedef struct glimpse_pull glimpse_pull;

/* `name`: ORG/NAME, ORG/NAME@REVISION, or a name in `catalog` (which may be NULL). `models`: the
 * directory that gets ORG/NAME; made when it is missing. GLIMPSE_E_NOT_FOUND when there is no such
 * model, revision or file, or it is not for everybody: the message says which and what to do. */
GLIMPSE_API int glimpse_pull_open(glimpse_pull **out, const char *name,
                                  const glimpse_catalog *catalog, const char *models,
                                  const glimpse_pull_options *options);
GLIMPSE_API const glimpse_pull_plan *glimpse_pull_describe(const glimpse_pull *pull);
GLIMPSE_API const glimpse_pull_file *glimpse_pull_get_file(const glimpse_pull *pull, size_t i);
/* GLIMPSE_E_IO: the network, the disk, or no space (asked for before anything is written);
 * GLIMPSE_E_FORMAT: what came is not what the hub lists; GLIMPSE_E_CANCELLED. */
GLIMPSE_API int glimpse_pull_run(glimpse_pull *pull);
GLIMPSE_API void glimpse_pull_free(glimpse_pull *pull);

#ifdef __cplusplus
}
#endif
#endif
