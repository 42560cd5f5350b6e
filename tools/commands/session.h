/*
 * session.h - the session of a command: its options, and opening it.
 *
 *     session s = {0};
 *     const cli_option options[] = {SESSION_OPTIONS(s), CLI_END};
 *     ...
 *     if ((code = session_begin(&s, 0)) != CLI_RUN) goto done;
 *     if (glimpse_session_load_status(&status, s.base) < 0) code = tool_fail_last();
 *     ...
 *     session_close(&s);
 *
 * What a session is, and which library and model it finds, says <glimpse/session.h>.
 */
#ifndef GLIMPSE_TOOLS_SESSION_H
#define GLIMPSE_TOOLS_SESSION_H

#include "options.h"

#include <glimpse/compute.h>
#include <glimpse/session.h>
#include <glimpse/session_models.h>
#include <glimpse/session_pull.h>

typedef struct session {
    /* From the command line. */
    const char *library_option, *model_option;
    int no_weights_cache;
    const char *language;
    size_t dimensions;
    int precision, backend; /* places in the lists of choices = the values of the library */
    int quiet, nice;
    const char *max_memory;
    glimpse_session *base; /* session_begin */
    char offered[128];     /* the model that was chosen when it was offered */
    char *noted[16];       /* what people were told already, as of many queries */
    size_t noted_count;
} session;

#define SESSION_LIBRARY_OPTION(s)                     \
 CLI_TEXT("library", 'l', &(s).library_option, "DIR", \
          "the library (default: $GLIMPSE_LIBRARY, else one of your own)")
#define SESSION_MODEL_OPTION(s, help) CLI_TEXT("model", 'm', &(s).model_option, "DIR", help)
#define SESSION_PRECISION_OPTION(s, help) \
 CLI_CHOICE("precision", 0, &(s).precision, NULL, help, glimpse_precision_names())
#define SESSION_MODEL_OPTIONS(s)                                                              \
 SESSION_MODEL_OPTION(                                                                        \
     s, "the model: a folder, or a name that glimpse models lists (default: $GLIMPSE_MODEL, " \
        "else the library's, else your default, else the demo model)"),                       \
     SESSION_PRECISION_OPTION(                                                                \
         s, "arithmetic; auto is bf16 where the CPU has it in hardware, else f32"),           \
     CLI_TEXT("language", 0, &(s).language, "NAME",                                           \
              "the language of your words, for models that ask (NLLB-CLIP): de, deu_Latn"),   \
     CLI_SIZE("dimensions", 0, &(s).dimensions, "N",                                          \
              "keep the first N numbers of each embedding (Matryoshka models)", 1, 100000),   \
     CLI_FLAG("no-weights-cache", 0, &(s).no_weights_cache,                                   \
              "neither read nor write prepared weights under ~/.cache")
#define SESSION_BACKEND_OPTION(s) \
 CLI_CHOICE("backend", 0, &(s).backend, NULL, "who multiplies matrices", glimpse_backend_names())
#define SESSION_QUIET_OPTION(s) OPTION_QUIET((s).quiet)
/* Of a command that works with a library and a CLIP model. */
#define SESSION_OPTIONS(s)                                                              \
 CLI_HEADING("Library and model"), SESSION_LIBRARY_OPTION(s), SESSION_MODEL_OPTIONS(s), \
     SESSION_BACKEND_OPTION(s), SESSION_QUIET_OPTION(s)

/* Of a command that may run long, beside other work. */
#define SESSION_NICE_OPTION(s) \
 CLI_FLAG("nice", 0, &(s).nice, "let everything else go first, at the processor and the disk")
#define SESSION_MEMORY_OPTION(s)                    \
 CLI_TEXT("max-memory", 0, &(s).max_memory, "SIZE", \
          "stay below this much memory: 800M, 2G (default: what the control group allows)")
#define SESSION_MANNERS_OPTIONS(s) \
 CLI_HEADING("Beside other work"), SESSION_NICE_OPTION(s), SESSION_MEMORY_OPTION(s)

/* Each returns CLI_RUN or prints what is wrong and returns an exit code. */

/* Opens s->base, unless it is open; `flags` as library_flags of glimpse_session_options. */
int session_begin(session *s, unsigned flags);
/* The same for a command that has no library: it has no part in the choice of the model. */
int session_begin_without_library(session *s);
/* What a failed call of the session means: says "stopped; what was answered is kept" of a
 * cancelled one, else what went wrong. */
int session_fail(int status);
/* The same with other words than "what was answered is kept". */
int session_stopped(int status, const char *kept);
/* Callbacks for the session's calls. */
int session_show_progress(void *user, const glimpse_progress *progress);
int session_cancelled(void *user);
void session_close(session *s);

#endif
