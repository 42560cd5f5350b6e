/*
 * glimpse/sys/blip.h - BLIP: does this text describe this picture, what is in it, and answers about
 * it.
 *
 *     glimpse_blip *model = NULL;
 *     glimpse_blip_worker *worker = NULL;
 *     glimpse_blip_image *picture = NULL;
 *     glimpse_blip_result *caption = NULL;
 *     if (glimpse_blip_open(&model, "models/blip-image-captioning-base", NULL) < 0) ...
 *     if (glimpse_blip_worker_create(&worker, model, NULL) < 0) ...
 *     if (glimpse_blip_image_create(&picture, worker, image) < 0) ...
 *     const glimpse_blip_image *const one[] = {picture};
 *     if (glimpse_blip_caption(&caption, worker, one, 1, NULL, NULL) < 0) ...
 *     puts(glimpse_blip_result_get(caption, 0)->text);
 *
 * Li et al. 2022, "BLIP: Bootstrapping Language-Image Pre-training for Unified Vision-Language
 * Understanding and Generation" (arXiv:2201.12086). A model is a directory as published on the
 * Hugging Face hub for one of three classes of transformers:
 *
 *     GLIMPSE_BLIP_MATCH    BlipForImageTextRetrieval: a picture and a text go through a text
 *                           encoder with cross-attention, whose first token says "no match" or
 *                           "match" (ITM); picture and text alone give vectors to compare (ITC)
 *     GLIMPSE_BLIP_CAPTION  BlipForConditionalGeneration: a text decoder that looks at the picture
 *     GLIMPSE_BLIP_ANSWER   BlipForQuestionAnswering: a question encoder that looks at the picture,
 *                           then a decoder that looks at the encoded question
 *
 * A picture is looked at once: glimpse_blip_image holds the states of its patches, and every text,
 * prompt or question after that uses them. What cross-attention makes of them (keys and values of
 * every layer) is kept by the worker for the last pictures it saw.
 *
 * Letters: T image tokens (patches + 1), V width of the image tower, D width of the text side,
 * E joint space of ITC, N vocabulary.
 *
 * Threads: a model and an image are immutable: share them. A worker carries activations and caches:
 * one thread at a time. Nothing here starts a thread.
 *
 * Same input, same output: results do not depend on what else was in a call or a batch, within
 * 1e-5 for numbers; ids and texts are the same unless two candidates are that close.
 */
#ifndef GLIMPSE_BLIP_H
#define GLIMPSE_BLIP_H

#include <glimpse/compute.h>
#include <glimpse/status.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/model.h>
#include <glimpse/sys/tokenizer.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_blip glimpse_blip;
typedef struct glimpse_blip_worker glimpse_blip_worker;
typedef struct glimpse_blip_image glimpse_blip_image;
typedef struct glimpse_blip_result glimpse_blip_result;

typedef enum glimpse_blip_kind {
    GLIMPSE_BLIP_MATCH = 1,
    GLIMPSE_BLIP_CAPTION,
    GLIMPSE_BLIP_ANSWER
} glimpse_blip_kind;

typedef struct glimpse_blip_options {
    size_t size; /* GLIMPSE_BLIP_OPTIONS_INIT sets it */
    glimpse_precision precision;
    glimpse_backend backend;
} glimpse_blip_options;

static inline glimpse_blip_options glimpse_blip_options_init(void) {
    glimpse_blip_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_BLIP_OPTIONS_INIT glimpse_blip_options_init()

/* Opens the model in the directory `path`; `options` may be NULL. Its kind comes from
 * "architectures" in config.json, else from the names of the tensors. GLIMPSE_E_NOT_FOUND when
 * there is no model, GLIMPSE_E_FORMAT when a file is damaged or a tensor missing,
 * GLIMPSE_E_UNSUPPORTED for another kind of model. */
GLIMPSE_API int glimpse_blip_open(glimpse_blip **out, const char *path,
                                  const glimpse_blip_options *options);
/* Workers and images of the model must be freed before. */
GLIMPSE_API void glimpse_blip_close(glimpse_blip *model);

/* 1 when the directory's config.json is of a BLIP model, 0 when not or unreadable. */
GLIMPSE_API int glimpse_blip_is_model(const char *path);
/* The rules for pictures alone, for tools: without preparing the weights. */
GLIMPSE_API int glimpse_blip_read_preprocess(glimpse_preprocess *out, const char *path);

GLIMPSE_API glimpse_blip_kind glimpse_blip_kind_of(const glimpse_blip *model);
GLIMPSE_API const char *glimpse_blip_path(const glimpse_blip *model);
GLIMPSE_API const char *glimpse_blip_name(const glimpse_blip *model); /* last part of the path */
GLIMPSE_API const char *glimpse_blip_backend_name(const glimpse_blip *model);
GLIMPSE_API glimpse_precision glimpse_blip_precision(const glimpse_blip *model); /* in force */
GLIMPSE_API const glimpse_preprocess *glimpse_blip_preprocess(const glimpse_blip *model);
GLIMPSE_API const glimpse_tokenizer *glimpse_blip_tokenizer(const glimpse_blip *model);
GLIMPSE_API size_t glimpse_blip_image_tokens(const glimpse_blip *model);   /* T */
GLIMPSE_API size_t glimpse_blip_image_width(const glimpse_blip *model);    /* V */
GLIMPSE_API size_t glimpse_blip_text_width(const glimpse_blip *model);     /* D */
GLIMPSE_API size_t glimpse_blip_joint_width(const glimpse_blip *model);    /* E; 0 unless MATCH */
GLIMPSE_API size_t glimpse_blip_vocabulary(const glimpse_blip *model);     /* N */
GLIMPSE_API size_t glimpse_blip_text_positions(const glimpse_blip *model); /* longest sequence */
/* 32 hexadecimal digits over weights, configuration, preprocessing and vocabulary: a stored caption
 * or score belongs to exactly this model. Reads all weights (under a second for 1 GB in memory). */
GLIMPSE_API int glimpse_blip_fingerprint(char hex[33], const glimpse_blip *model);
/* Bytes of weights held in memory (converted ones) and mapped from the files. */
GLIMPSE_API size_t glimpse_blip_memory(const glimpse_blip *model);

/*
 * Texts as token ids.
 */
typedef struct glimpse_blip_text {
    const int32_t *ids;
    size_t count;
} glimpse_blip_text;

/* What a text is for decides its first and last token. transformers leaves the tokenizer's [CLS]
 * in front for matching and questions; salesforce/BLIP trained and evaluated both with [ENC] in its
 * place (its demo of matching keeps [CLS]). Neither is wrong, and the scores differ a little. */
typedef enum glimpse_blip_role {
    GLIMPSE_BLIP_TEXT_CLS = 0, /* [CLS] words [SEP]: to match, or a question */
    GLIMPSE_BLIP_TEXT_ENC,     /* [ENC] words [SEP]: the same */
    GLIMPSE_BLIP_TEXT_PROMPT,  /* [DEC] words: what a caption begins with; "" is [DEC] alone */
    GLIMPSE_BLIP_TEXT_OUTPUT   /* [DEC] words [SEP]: a whole caption or answer, to be rated */
} glimpse_blip_role;

/* `tokens` as for glimpse_tokenizer_encode; cut at its capacity and at the longest sequence of the
 * model, whichever is less. */
GLIMPSE_API int glimpse_blip_encode(glimpse_tokens *tokens, const glimpse_blip *model,
                                    glimpse_blip_role role, const char *text, size_t length);

/*
 * Workers.
 */
typedef struct glimpse_blip_limits {
    size_t size;     /* GLIMPSE_BLIP_LIMITS_INIT sets it */
    size_t pictures; /* whose keys and values are kept, and which generate together; at least 1 */
    size_t texts;    /* matched together; at least 1 */
    size_t beams;    /* of a beam search, at most; at least 1 */
    size_t length;   /* longest generated sequence, prompt included; 0: 64, or the model's most */
} glimpse_blip_limits;

static inline glimpse_blip_limits glimpse_blip_limits_init(void) {
    glimpse_blip_limits limits;
    memset(&limits, 0, sizeof limits);
    limits.size = sizeof limits;
    limits.pictures = 2;
    limits.texts = 16;
    limits.beams = 3;
    return limits;
}
#define GLIMPSE_BLIP_LIMITS_INIT glimpse_blip_limits_init()

/* All memory a worker will ever use is reserved here; `limits` may be NULL. Longer calls than the
 * limits say are cut into batches; more beams or a longer sequence are GLIMPSE_E_INVALID. */
GLIMPSE_API int glimpse_blip_worker_create(glimpse_blip_worker **out, const glimpse_blip *model,
                                           const glimpse_blip_limits *limits);
GLIMPSE_API void glimpse_blip_worker_free(glimpse_blip_worker *worker);
GLIMPSE_API size_t glimpse_blip_worker_memory(const glimpse_blip_worker *worker); /* bytes */

/*
 * Pictures: the states of a picture's patches, [T][V] floats, and for MATCH its ITC vector. They
 * belong to the model, not to the worker that made them.
 */
GLIMPSE_API int glimpse_blip_image_create(glimpse_blip_image **out, glimpse_blip_worker *worker,
                                          const glimpse_image *image);
/* `pixels` [3][H][W], normalised. */
GLIMPSE_API int glimpse_blip_image_from_pixels(glimpse_blip_image **out,
                                               glimpse_blip_worker *worker, const float *pixels);
GLIMPSE_API void glimpse_blip_image_free(glimpse_blip_image *image);
/* Borrowed. States [T][V] behind the post layer norm. */
GLIMPSE_API const float *glimpse_blip_image_states(const glimpse_blip_image *image);
/* [E], unit length: normalize(vision_proj(class token)); NULL unless the model is a MATCH one. */
GLIMPSE_API const float *glimpse_blip_image_feature(const glimpse_blip_image *image);

/*
 * Matching (GLIMPSE_BLIP_MATCH); texts are of role CLS or ENC.
 */
/* logits [image_count][text_count][2] = {no match, match}: one picture against many texts, many
 * against one, or all pairs. */
GLIMPSE_API int glimpse_blip_match(float *logits, glimpse_blip_worker *worker,
                                   const glimpse_blip_image *const *images, size_t image_count,
                                   const glimpse_blip_text *texts, size_t text_count);
/* softmax(logits)[match]. */
GLIMPSE_API double glimpse_blip_probability(const float logits[2]);
/* features [count][E], unit length: normalize(text_proj(first token)); the dot product with
 * glimpse_blip_image_feature is the ITC cosine. The reference always takes [CLS] here. */
GLIMPSE_API int glimpse_blip_text_features(float *features, glimpse_blip_worker *worker,
                                           const glimpse_blip_text *texts, size_t count);
/* The encoder's last states [text->count][D], of the text alone (image NULL) or looking at the
 * picture. For MATCH and, always with an image, ANSWER. */
GLIMPSE_API int glimpse_blip_text_states(float *states, glimpse_blip_worker *worker,
                                         const glimpse_blip_image *image,
                                         const glimpse_blip_text *text);

/*
 * Generating (GLIMPSE_BLIP_CAPTION, GLIMPSE_BLIP_ANSWER).
 */
typedef struct glimpse_blip_generation {
    size_t size;           /* GLIMPSE_BLIP_GENERATION_INIT sets it */
    size_t beams;          /* 1: greedy, or sampling; more: beam search */
    size_t max_length;     /* of the whole sequence: [DEC], prompt and what is generated */
    size_t min_length;     /* [SEP] is forbidden while the sequence is shorter than this */
    double length_penalty; /* score = log-probability / (generated tokens) ^ this */
    int sample;            /* 1: draw each token; then beams must be 1 */
    double temperature;    /* above 0; logits are divided by it */
    size_t top_k;          /* draw among that many tokens; 0: all */
    double top_p;          /* then among the fewest tokens that have this probability together,
                              above 0, at most 1: nucleus sampling, Holtzman et al. 2020 */
    uint64_t seed;         /* every item of a call draws from its own stream, begun with this */
    unsigned flags;
} glimpse_blip_generation;

enum {
    GLIMPSE_BLIP_NO_CACHE = 1 /* compute every step from the whole sequence: the plain reference
                                 of the cache of keys and values, slow */
};

/* Greedy, 20 tokens at most. */
static inline glimpse_blip_generation glimpse_blip_generation_init(void) {
    glimpse_blip_generation how;
    memset(&how, 0, sizeof how);
    how.size = sizeof how;
    how.beams = 1;
    how.max_length = 20;
    how.length_penalty = 1.0;
    how.temperature = 1.0;
    how.top_k = 50;
    how.top_p = 1.0;
    return how;
}
#define GLIMPSE_BLIP_GENERATION_INIT glimpse_blip_generation_init()

/* What transformers would do with the model's text_config: its max_length (20 unless it says
 * otherwise), min_length (0), num_beams (1), length_penalty (1); no sampling, but top_k 50,
 * temperature 1 and top_p 1 where sampling is switched on. `out` begins as
 * GLIMPSE_BLIP_GENERATION_INIT; GLIMPSE_E_INVALID when it does not. */
GLIMPSE_API int glimpse_blip_generation_defaults(glimpse_blip_generation *out,
                                                 const glimpse_blip *model);

/* A sequence that was generated. */
typedef struct glimpse_blip_sequence {
    const int32_t *ids; /* [DEC], prompt, generated tokens; [SEP] is last when it was reached */
    size_t count;
    size_t prompt;    /* how many of them were given: [DEC] and the prompt */
    double sum;       /* log-probability of the generated tokens, [SEP] included, under the model
                         itself: temperature, top_k, top_p and min_length do not change it */
    double score;     /* sum / (generated tokens) ^ length_penalty */
    const char *text; /* UTF-8, special tokens skipped, prompt kept */
} glimpse_blip_sequence;

/* Sequences of one item, best first: one, or as many as beams. Borrowed from the result. */
GLIMPSE_API size_t glimpse_blip_result_count(const glimpse_blip_result *result);
GLIMPSE_API const glimpse_blip_sequence *glimpse_blip_result_get(const glimpse_blip_result *result,
                                                                 size_t rank);
GLIMPSE_API void glimpse_blip_result_free(glimpse_blip_result *result);

/* Captions of `count` pictures; results [count] are the caller's, all NULL after a failure.
 * `prompt` is of role PROMPT and may be NULL, as may `generation`. */
GLIMPSE_API int glimpse_blip_caption(glimpse_blip_result **results, glimpse_blip_worker *worker,
                                     const glimpse_blip_image *const *images, size_t count,
                                     const glimpse_blip_text *prompt,
                                     const glimpse_blip_generation *generation);
/* Answers to questions [count] (role CLS or ENC) about images [count], which may repeat. */
GLIMPSE_API int glimpse_blip_answer(glimpse_blip_result **results, glimpse_blip_worker *worker,
                                    const glimpse_blip_image *const *images,
                                    const glimpse_blip_text *questions, size_t count,
                                    const glimpse_blip_generation *generation);

/* Rates given captions or answers: sums [count] = log-probability of texts (role OUTPUT), their
 * first token excepted. `question` is of role CLS or ENC for ANSWER, NULL for CAPTION. */
GLIMPSE_API int glimpse_blip_rate(double *sums, glimpse_blip_worker *worker,
                                  const glimpse_blip_image *image,
                                  const glimpse_blip_text *question, const glimpse_blip_text *texts,
                                  size_t count);
/* logits [text->count][N] behind every token of a sequence that begins with [DEC]. */
GLIMPSE_API int glimpse_blip_logits(float *logits, glimpse_blip_worker *worker,
                                    const glimpse_blip_image *image,
                                    const glimpse_blip_text *question,
                                    const glimpse_blip_text *text);

#ifdef __cplusplus
}
#endif
#endif
