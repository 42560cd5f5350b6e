/*
 * caption_many.h - glimpse caption for directories and libraries: its options, the call of the
 * session, and what is said and written of the captions.
 */
#ifndef GLIMPSE_TOOLS_CAPTION_MANY_H
#define GLIMPSE_TOOLS_CAPTION_MANY_H

#include "filters.h"
#include "vlm_session.h"

#include <glimpse/dataset_writer.h>

typedef struct caption_request {
    int style;                     /* glimpse_caption_style */
    int store;                     /* into the library */
    int missing;                   /* a stored caption of the style will do, whoever wrote it */
    int stored;                    /* write what is stored, ask nothing */
    int whole;                     /* the pictures of the library, not paths */
    filters filters;               /* of these; free it */
    glimpse_search_options filter; /* read from them */
    const char *begin;             /* how captions begin */
    const char *out, *relative_to, *xmp;
    int format; /* place in caption_many_formats */
    uint64_t beams, min_tokens, max_tokens;
    cli_list exclude; /* free it */
    int follow_links, include_nomedia;
} caption_request;

extern const char *const caption_many_styles[];  /* short, detailed, keywords, alt */
extern const char *const caption_many_formats[]; /* auto, lines, json, jsonl, csv */

#define CAPTION_MANY_OPTIONS(o)                                                                \
 CLI_HEADING("Folders and libraries"),                                                         \
     CLI_CHOICE("style", 0, &(o).style, NULL, "what kind of caption", caption_many_styles),    \
     CLI_FLAG("store", 0, &(o).store,                                                          \
              "keep the captions in the library, where glimpse search --captions finds them"), \
     CLI_FLAG("missing", 0, &(o).missing,                                                      \
              "ask only about pictures without a stored caption of this style"),               \
     CLI_FLAG("stored", 0, &(o).stored, "ask nothing; write the captions that are stored"),    \
     OPTIONS_WALK((o).exclude, (o).follow_links, (o).include_nomedia),                         \
     CLI_TEXT("out", 'o', &(o).out, "FILE", "write there (.json, .jsonl, .csv, .txt)"),        \
     CLI_CHOICE("format", 'f', &(o).format, NULL,                                              \
                "what to write (auto: as the ending of --out says, else lines)",               \
                caption_many_formats),                                                         \
     CLI_TEXT("relative-to", 0, &(o).relative_to, "DIR",                                       \
              "write paths as seen from DIR (alt texts: from the folder that was given)"),     \
     CLI_OPTIONAL("xmp", 0, &(o).xmp, "DIR",                                                   \
                  "also write XMP sidecars, beside the pictures or below DIR"),                \
     CLI_HEADING("Of the library, with --library"), FILTER_ROWS((o).filters)

/* After parsing: CLI_RUN, or an exit code after explaining what does not go together. */
int caption_many_check(const caption_request *o, const cli_command *command, size_t paths);
/* Everything; an exit code. `s` and `v` hold what the command line said; `s` is begun here. */
int caption_many(const caption_request *o, session *s, const vlm_session *v,
                 const char *const *paths, size_t count);

#endif
