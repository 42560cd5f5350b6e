/*
 * vlm/blip/blip_internal.h - what a BLIP model, a worker and a picture are inside, for src/vlm and
 * its tests.
 */
#ifndef GLIMPSE_VLM_BLIP_INTERNAL_H
#define GLIMPSE_VLM_BLIP_INTERNAL_H

#include "model/model_internal.h"
#include "vlm/blip/blip_choose.h"
#include "vlm/blip/blip_pass.h"

#include <glimpse/sys/blip.h>

struct glimpse_blip {
    char *path, *name;
    glimpse_blip_config config;
    glimpse_math math;
    glimpse_tensors *tensors;
    glimpse_tokenizer *tokenizer;
    int32_t enc_id; /* -1: the vocabulary has none */
    glimpse_tower vision;
    glimpse_blip_stack encoder;     /* MATCH, ANSWER; else zero */
    glimpse_blip_stack decoder;     /* CAPTION, ANSWER; else zero */
    glimpse_blip_head head;         /* of the decoder */
    glimpse_linear *vision_feature; /* MATCH: [E][V] */
    glimpse_linear *text_feature;   /* MATCH: [E][D] */
    glimpse_linear *match;          /* MATCH: [2][D] */
    char backend[64];
};

struct glimpse_blip_image {
    const glimpse_blip *model;
    uint64_t serial; /* never given twice, unlike an address: by it a worker knows a picture */
    float *states;   /* [padded T][V] */
    float *feature;  /* [E] or NULL */
};

/* Keys and values of a picture in the stack that looks at pictures. */
typedef struct glimpse_blip_slot {
    glimpse_blip_source source;
    uint64_t serial; /* 0: empty */
    uint64_t used;   /* when last; the oldest gives way */
    int pinned;      /* part of the pass that is being put together */
} glimpse_blip_slot;

/* A sequence that is being generated. */
typedef struct glimpse_blip_beam {
    int32_t *ids; /* [limits.length] */
    size_t count;
    size_t cached; /* tokens whose keys and values are in the cache */
    size_t cache;  /* which cache of the item */
    double sum;
} glimpse_blip_beam;

typedef struct glimpse_blip_item {
    const glimpse_blip_source *source;
    glimpse_blip_beam *live, *next; /* [limits.beams] */
    size_t live_count;
    glimpse_blip_beam *finished; /* [limits.beams + 1], best first; `score` beside it */
    double *scores;              /* [limits.beams + 1] */
    size_t finished_count, prompt;
    int done;
    uint64_t random; /* state of the generator */
} glimpse_blip_item;

/* Sees the logits [vocabulary] that every step of every live sequence is chosen from. */
typedef void (*glimpse_blip_trace_fn)(void *user, size_t item, size_t beam, size_t length,
                                      const float *logits);

struct glimpse_blip_worker {
    const glimpse_blip *model;
    glimpse_blip_limits limits; /* with defaults filled in */
    glimpse_arena arena;
    glimpse_workspace *workspace;
    /* image tower */
    glimpse_pass vision;
    float *pixels;   /* [3][H][W] */
    uint8_t *rgb;    /* [H][W][3] */
    void *patches;   /* [T - 1][3 P P] element */
    float *embedded; /* [T - 1][V] */
    /* text side */
    glimpse_blip_pass encoder, decoder;
    glimpse_blip_slot *pictures;    /* [limits.pictures] */
    glimpse_blip_source *questions; /* [limits.pictures], ANSWER */
    void *states;    /* [padded max(T, context)][V] element: on the way to a source */
    float *question; /* [padded context][D], ANSWER */
    uint64_t clock;
    /* first tokens on their way to a feature, or states on their way to logits */
    size_t head_rows;
    void *head_input;  /* [head_rows][max(D, V)] element */
    float *head_inner; /* [head_rows][D] */
    float *hidden;     /* [head_rows][D] last states of sequences */
    float *logits;     /* [head_rows][vocabulary, or what MATCH needs] */
    /* generation */
    glimpse_blip_item *items;     /* [limits.pictures] */
    glimpse_blip_beam *beams;     /* [pictures][3 beams + 1] */
    double *scores;               /* [pictures][beams + 1] */
    int32_t *ids;                 /* [pictures][3 beams + 1][length] */
    float *caches;                /* [pictures * beams][layers][length][2D] */
    glimpse_blip_choice *choices; /* [2 beams], or [vocabulary] to draw from */
    double *totals;               /* [beams] */
    glimpse_blip_trace_fn trace;
    void *trace_user;
};

/* Fills tokenizer and enc_id. */
int glimpse_blip_open_tokenizer(glimpse_blip *model);
/* malloc'ed text without special tokens. */
int glimpse_blip_decode(const glimpse_blip *model, const int32_t *ids, size_t count, char **out);

/* Whether the model is of one of two kinds (the same twice for one), else GLIMPSE_E_INVALID. */
int glimpse_blip_needs(const glimpse_blip *model, glimpse_blip_kind one, glimpse_blip_kind other);
void glimpse_blip_worker_set_trace(glimpse_blip_worker *worker, glimpse_blip_trace_fn trace,
                                   void *user);

/* Layer input of the element type: `values` themselves for f32, else converted into `room`. */
const void *glimpse_blip_as_input(const glimpse_math *math, void *capacity, const float *values,
                                  size_t count);

/* The keys and values of a picture, pinned until the next release. GLIMPSE_OK with *out NULL when
 * every slot is pinned: run what was put together, release, ask again. */
int glimpse_blip_acquire(glimpse_blip_worker *worker, const glimpse_blip_image *image,
                         const glimpse_blip_source **out);
void glimpse_blip_release(glimpse_blip_worker *worker);

/* One text through the encoder, looking at the picture unless that is NULL; its states lie in
 * worker->encoder.x afterwards. */
int glimpse_blip_run_encoder(glimpse_blip_worker *worker, const glimpse_blip_image *image,
                             const glimpse_blip_text *text);
/* What a decoder looks at: the picture itself, or (ANSWER) the question, encoded into question
 * slot `slot`. */
int glimpse_blip_decoder_source(glimpse_blip_worker *worker, const glimpse_blip_image *image,
                                const glimpse_blip_text *question, size_t slot,
                                const glimpse_blip_source **out);
/* logits (in worker->logits) [rows][vocabulary] of `rows` <= head_rows states [rows][D]. */
int glimpse_blip_run_head(glimpse_blip_worker *worker, const float *states, size_t rows);

/* Generates for the `count` <= limits.pictures items whose sources are set. */
int glimpse_blip_generate(glimpse_blip_worker *worker, const glimpse_blip_text *prompt,
                          size_t count, size_t first, const glimpse_blip_generation *generation);
int glimpse_blip_check_generation(const glimpse_blip_worker *worker,
                                  const glimpse_blip_text *prompt,
                                  const glimpse_blip_generation *generation);

/* What an item finished with. */
int glimpse_blip_result_create(glimpse_blip_result **out, const glimpse_blip *model,
                               const glimpse_blip_item *item);

#endif
