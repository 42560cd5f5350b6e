/*
 * blip_out.h - what the commands around BLIP share: options, the choice of the model, printing what
 * was generated. The work is done by glimpse/session_blip.h.
 */
#ifndef GLIMPSE_TOOLS_BLIP_OUT_H
#define GLIMPSE_TOOLS_BLIP_OUT_H

#include "json_out.h"
#include "session.h"

#include <glimpse/session_blip.h>

typedef struct blip_session {
    session base;                         /* options; its library and CLIP model stay closed */
    const glimpse_blip *model;            /* the session's */
    glimpse_session_blip_options options; /* which that is; the command adds its own */
    int partial;                          /* a picture could not be used */
} blip_session;

#define BLIP_MODEL_OPTIONS(b)                                                               \
 SESSION_MODEL_OPTION((b).base,                                                             \
                      "the BLIP model: a folder, or a name under glimpse/models (default: " \
                      "$GLIMPSE_VLM, else the demo VLM)"),                                  \
     SESSION_PRECISION_OPTION(                                                              \
         (b).base, "arithmetic; auto is bf16 where the CPU has it in hardware, else f32"),  \
     SESSION_BACKEND_OPTION((b).base)

/* Of commands that read pictures and texts in pairs; JSON is all they print. */
#define BLIP_PICTURES_OPTION(pictures) \
 CLI_LIST("image", 'i', &(pictures), "FILE", "the picture; may be repeated")
#define BLIP_JSON_OPTION(json) OPTION_JSON(json, "JSON, which is printed in any case")

/* Each returns CLI_RUN or prints what is wrong and returns an exit code. */

/* Finds and opens the model, which must be of this kind. */
int blip_open(blip_session *b, glimpse_blip_kind kind);
void blip_close(blip_session *b);
/* How many tokens `prompt` is. */
int blip_prompt_tokens(const blip_session *b, const char *prompt, size_t *count);
/* Says what is wrong with a record's picture, on stderr. */
void blip_report_problem(blip_session *b, const glimpse_blip_record *record);
/* The exit code of a call of the session with that status. */
int blip_finish(const blip_session *b, int status);

/* --first-token, and the role that it stands for. */
extern const char *const blip_first_tokens[]; /* cls, enc */
glimpse_blip_role blip_first_role(int choice);

/* The options of generation, "not said" being what the model does by default. */
typedef struct blip_choices {
    uint64_t beams, max_length, min_length, top_k, seed;
    double length_penalty, top_p, temperature;
    int sample;
} blip_choices;

enum { BLIP_NOT_SAID = 1000000 };

#define BLIP_CHOICES_INIT \
 { 0, 0, BLIP_NOT_SAID, BLIP_NOT_SAID, 0, BLIP_NOT_SAID, 0, 0, 0 }
#define BLIP_GENERATION_OPTIONS(c)                                                             \
 CLI_HEADING("How it is written"),                                                             \
     CLI_SIZE("beams", 0, &(c).beams, "N",                                                     \
              "beam search with N beams; 1 takes the likeliest token each time (default: the " \
              "model's, mostly 1)",                                                            \
              1, 64),                                                                          \
     CLI_SIZE("min-length", 0, &(c).min_length, "N",                                           \
              "fewest tokens, start and prompt included (default: the model's, mostly 0)", 0,  \
              4096),                                                                           \
     CLI_SIZE("max-length", 0, &(c).max_length, "N",                                           \
              "most tokens, start and prompt included (default: the model's, mostly 20)", 2,   \
              4096),                                                                           \
     CLI_NUMBER("length-penalty", 0, &(c).length_penalty, "P",                                 \
                "score = log-probability / tokens^P (default 1)"),                             \
     CLI_FLAG("sample", 0, &(c).sample, "draw each token at random instead"),                  \
     CLI_NUMBER("temperature", 0, &(c).temperature, "T",                                       \
                "with --sample: below 1 bolder, above 1 wilder (default 1)"),                  \
     CLI_NUMBER("top-p", 0, &(c).top_p, "P",                                                   \
                "with --sample: only the likeliest tokens that make up P together (default "   \
                "1: all)"),                                                                    \
     CLI_SIZE("top-k", 0, &(c).top_k, "N",                                                     \
              "with --sample: only the N likeliest tokens; 0 is all (default 50)", 0, 999999), \
     CLI_SIZE("seed", 0, &(c).seed, "N", "with --sample: another seed, another text", 0,       \
              UINT64_MAX)

/* What was asked for, on top of the model's defaults; checks what belongs together. */
int blip_generation(const cli_command *command, const blip_session *b, const blip_choices *choices,
                    glimpse_blip_generation *out);

/* "NAME":text,"ids":[...],"sum_logprob":...,"score":... into an open object. */
void blip_print_sequence(json_out *j, const char *name, const glimpse_blip_sequence *sequence);
/* "beams":[...] with every sequence of a result. */
void blip_print_all(json_out *j, const char *name, const glimpse_blip_result *result);

#endif
