/*
 * session.h - which library and which model a command works with, and opening them.
 *
 * Library: --library DIR, else GLIMPSE_LIBRARY, else
 * ${XDG_DATA_HOME:-~/.local/share}/glimpse/library. Model: --model DIR-or-name, else GLIMPSE_MODEL,
 * else the model the library used last, else the demo model that ships with glimpse. A name is
 * looked up in
 * ${XDG_DATA_HOME:-~/.local/share}/glimpse/models.
 */
#ifndef GLIMPSE_TOOLS_SESSION_H
#define GLIMPSE_TOOLS_SESSION_H

#include "cli.h"

#include "embedder.h"

#include <glimpse/library.h>
#include <glimpse/sys/model.h>

typedef struct session {
    /* From the command line. */
    const char *library_option, *model_option;
    int no_weights_cache;
    int precision, backend; /* places in the lists of choices = the values of the library */
    int quiet;
    /* Filled by the calls below. */
    char *library_path, *model_path;
    glimpse_library *library;
    glimpse_model *model;
    glimpse_encoder *encoder;
} session;

#define SESSION_LIBRARY_OPTION(s)                     \
 CLI_TEXT("library", 'l', &(s).library_option, "DIR", \
          "the library (default: $GLIMPSE_LIBRARY, else one of your own)")
#define SESSION_MODEL_OPTIONS(s)                                                                \
 CLI_TEXT("model", 'm', &(s).model_option, "DIR",                                               \
          "the model: a folder, or a name under glimpse/models (default: $GLIMPSE_MODEL, else " \
          "the library's last one, else the demo model)"),                                      \
     CLI_CHOICE("precision", 0, &(s).precision, NULL,                                           \
                "arithmetic; auto is bf16 where the CPU has it in hardware, else f32",          \
                glimpse_precision_names()),                                                     \
     CLI_FLAG("no-weights-cache", 0, &(s).no_weights_cache,                                     \
              "neither read nor write prepared weights under ~/.cache")
extern const char *const session_decodings[]; /* fast, exact: 1 is exact */
#define SESSION_DECODE_OPTION(place)                                                       \
 CLI_CHOICE("decode", 0, &(place), NULL,                                                   \
            "fast decodes large JPEG and WebP files at a reduced size, exact every pixel", \
            session_decodings)
/* What a walk through folders leaves out, beside what every walk does. */
#define SESSION_WALK_OPTIONS(exclude, follow_links)                                           \
 CLI_LIST("exclude", 'x', &(exclude), "PATTERN",                                              \
          "leave out names or paths below DIR that fit, as in '*.tmp.jpg'; may be repeated"), \
     CLI_FLAG("follow-links", 0, &(follow_links), "go into folders behind symbolic links")
#define SESSION_BACKEND_OPTION(s) \
 CLI_CHOICE("backend", 0, &(s).backend, NULL, "who multiplies matrices", glimpse_backend_names())
#define SESSION_QUIET_OPTION(s) \
 CLI_FLAG("quiet", 'q', &(s).quiet, "no notes on stderr, only errors")

/* Each returns CLI_RUN or prints what is wrong and returns an exit code. */

/* Opens the library; `flags` as glimpse_library_open. */
int session_open_library(session *s, unsigned flags);
/* The same, but a library that does not exist leaves s->library NULL and is no failure, unless it
 * was named with --library and `named_must_exist`. */
int session_open_library_if_any(session *s, int named_must_exist);
/* Finds the model (s->model_path) without opening it. Uses s->library when it is open. */
int session_find_model(session *s);
/* Finds and opens the model, and an encoder for `batch` inputs when that is not 0. */
int session_open_model(session *s, unsigned towers, size_t batch);
/* How the session opens models, apart from the towers. */
void session_model_options(glimpse_model_options *out, const session *s);
/* An embedder with the session's library and model, that ends when tool_stopped(). `journal` is the
 * file of --resume, or NULL. */
int session_open_embedder(glimpse_embedder **out, const session *s, unsigned jobs, int exact,
                          const char *journal);
void session_close(session *s);

/* Where things are; malloc'ed, NULL when the environment does not say (no HOME). */
char *session_default_library(void);
char *session_models_folder(void);
/* The demo model's folder, or NULL when it was not installed. */
char *session_demo_model(void);
/* Path of what ships as KIND/NAME.txt ("classes", "templates"), or NULL. NAME must be plain. */
char *session_shipped_file(const char *kind, const char *name);
/* What ships as the file `relative` ("prices.json"), or NULL. */
char *session_shipped_data(const char *relative);
/* The folder of the demo vision-language model for "vqa", "caption" or "itm": models/demo-vlm/PART,
 * else models/demo-vlm; NULL when none ships. */
char *session_demo_vlm(const char *part);
/* 1 when the folder has a model's configuration file. */
int session_is_model(const char *folder);

#endif
