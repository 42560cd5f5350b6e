/*
 * glimpse/sys/model.h - a dual encoder, CLIP or SigLIP: pictures and texts to points of one space.
 *
 *     glimpse_model *model = NULL;
 *     glimpse_encoder *encoder = NULL;
 *     if (glimpse_model_open(&model, "models/clip-vit-base-patch32", NULL) < 0) ...
 *     if (glimpse_encoder_create(&encoder, model, 8) < 0) ...
 *     const char *texts[] = {"a dog", "a cat"};
 *     float embeddings[2 * 512];
 *     glimpse_encoder_texts(embeddings, NULL, encoder, texts, 2, 0);
 *     glimpse_encoder_free(encoder);
 *     glimpse_model_close(model);
 *
 * A model is a directory as published on the Hugging Face hub (config.json, model.safetensors or
 * pytorch_model.bin, or shards with an index of either, preprocessor_config.json, the tokenizer's
 * files), for the classes CLIPModel, MetaClip2Model, ChineseCLIPModel, SiglipModel and
 * Siglip2Model; one of OpenCLIP's (open_clip_config.json, open_clip_model.safetensors or
 * open_clip_pytorch_model.bin), with its own towers, those of timm, ResNets, MobileCLIP, or texts
 * through XLM-R or NLLB; Apple's MobileCLIP (mobileclip_s0.pt, mobileclip_s0.json); or M-CLIP's
 * texts with the model whose pictures they go with in the directory image/ below. docs/models.md
 * has the table of what is read. Weights in F32, F16 or BF16 are mapped, and used as they are where
 * the backend can. Of files that PyTorch wrote nothing is run: <glimpse/sys/weights.h>.
 *
 * Letters: B batch, C 3 channels, H W input height and width, T tokens (patches and CLIP's class
 * token, or text positions), D width of a tower, E embedding dimension.
 *
 * CLIP's towers are those of Radford et al. 2021, "Learning Transferable Visual Models From Natural
 * Language Supervision" (arXiv:2103.00020): pre-norm transformers; the image embedding is the
 * class token, the text embedding the end token, each layer-normed and projected.
 *
 * SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", arXiv:2303.15343) and
 * SigLIP 2 of fixed resolution (Tschannen et al. 2025, arXiv:2502.14786): pictures have no class
 * token, a learned query attends to all patches instead; texts are padded to the context length,
 * all places see each other, and the last one is read. Pictures of SigLIP 2 of flexible resolution
 * (NaFlex) nearly keep their aspect: each has a size of its own (glimpse_preprocess_for).
 *
 * Threads: a model is immutable after opening; share it. An encoder carries the activations of
 * one worker: one thread at a time; make one encoder per thread. An encoder computes on the
 * thread that calls it and starts none.
 *
 * Same input, same output: an embedding does not depend on the batch it was computed in, nor on
 * the number of threads: in f32 within 2e-6 per component. In bf16 and int8 sums in another order
 * may round a number to its neighbour, so that components differ by up to 3e-3 there and cosines by
 * 1e-4 (seen with backends whose products of few rows are computed apart from those of many).
 */
#ifndef GLIMPSE_MODEL_H
#define GLIMPSE_MODEL_H

#include <glimpse/compute.h>
#include <glimpse/status.h>
#include <glimpse/sys/image.h>
#include <glimpse/sys/tokenizer.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_model glimpse_model;
typedef struct glimpse_encoder glimpse_encoder;

enum { GLIMPSE_TOWER_IMAGE = 1, GLIMPSE_TOWER_TEXT = 2, GLIMPSE_TOWER_BOTH = 3 };

typedef struct glimpse_model_options {
    size_t size; /* GLIMPSE_MODEL_OPTIONS_INIT sets it */
    glimpse_precision precision;
    glimpse_backend backend;
    unsigned towers; /* which towers to prepare; 0 means both. A call on one that was left out
                        fails with GLIMPSE_E_INVALID */
    unsigned flags;  /* GLIMPSE_MODEL_... below */
    /* Of Matryoshka models (Kusupati et al. 2022, arXiv:2205.13147), whose first numbers are an
     * embedding by themselves: how many of them to keep, before scaling to unit length. 0: all.
     * Vectors of another number have another fingerprint. Other models lose what they cut. */
    size_t dimensions;
    /* The language of texts, where the tokenizer asks for one (NLLB-CLIP): a name as
     * glimpse_tokenizer_language() understands it. NULL: the model's own, which is English.
     * GLIMPSE_E_UNSUPPORTED for models whose texts have no language. */
    const char *language;
} glimpse_model_options;

enum {
    GLIMPSE_MODEL_NO_WEIGHTS_CACHE = 1 /* neither read nor write prepared weights on disk */
};

static inline glimpse_model_options glimpse_model_options_init(void) {
    glimpse_model_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.towers = GLIMPSE_TOWER_BOTH;
    return options;
}
#define GLIMPSE_MODEL_OPTIONS_INIT glimpse_model_options_init()

/* Weights that a backend keeps in a form of its own (bf16 and f32 of oneDNN, int8) are prepared
 * once and kept beneath ${XDG_CACHE_HOME:-~/.cache}/glimpse/weights, from where later processes map
 * them. Files there are checked in full before use and may be deleted at any time; embeddings are
 * the same with and without. GLIMPSE_WEIGHTS_CACHE in the environment: 0 is off, another number the
 * limit in MB. */
typedef struct glimpse_weights_cache_status {
    size_t size;     /* GLIMPSE_WEIGHTS_CACHE_STATUS_INIT sets it */
    char path[4096]; /* the directory, whether it exists or not; "" when the environment names none
                      */
    size_t files;
    uint64_t bytes, limit; /* limit 0: switched off */
} glimpse_weights_cache_status;

static inline glimpse_weights_cache_status glimpse_weights_cache_status_init(void) {
    glimpse_weights_cache_status status;
    memset(&status, 0, sizeof status);
    status.size = sizeof status;
    return status;
}
#define GLIMPSE_WEIGHTS_CACHE_STATUS_INIT glimpse_weights_cache_status_init()
GLIMPSE_API int glimpse_weights_cache_load_status(glimpse_weights_cache_status *status);

/* Opens the model in the directory `path`. GLIMPSE_E_NOT_FOUND when there is none,
 * GLIMPSE_E_FORMAT when a file is damaged, GLIMPSE_E_UNSUPPORTED for another kind of model. */
GLIMPSE_API int glimpse_model_open(glimpse_model **out, const char *path,
                                   const glimpse_model_options *options);
/* Encoders of the model must be freed before. */
GLIMPSE_API void glimpse_model_close(glimpse_model *model);

/* What the model is. Strings are borrowed from the model. */
GLIMPSE_API const char *glimpse_model_path(const glimpse_model *model);
GLIMPSE_API const char *glimpse_model_name(const glimpse_model *model); /* last part of the path */
/* 32 hexadecimal digits over weights, configs (activation, sizes, eps), preprocessing and
 * tokenizer files: vectors of different fingerprints must never be compared. Precision and
 * backend are not part of it. */
GLIMPSE_API const char *glimpse_model_fingerprint(const glimpse_model *model);
GLIMPSE_API size_t
glimpse_model_embedding_size(const glimpse_model *model);              /* E, or what is kept */
GLIMPSE_API unsigned glimpse_model_towers(const glimpse_model *model); /* GLIMPSE_TOWER_... */
GLIMPSE_API size_t glimpse_model_context_length(const glimpse_model *model); /* text T */
/*
 * From a cosine to a probability. logit = logit scale * cosine + logit bias;
 *   SOFTMAX  (CLIP)    over the texts a picture is compared with: they compete, and sum to 1
 *   SIGMOID  (SigLIP)  1 / (1 + exp(-logit)): of each text alone, whatever the others are
 * The scale has its exponential applied already; the bias is 0 for CLIP.
 */
typedef enum glimpse_scoring {
    GLIMPSE_SCORING_SOFTMAX = 0,
    GLIMPSE_SCORING_SIGMOID
} glimpse_scoring;
GLIMPSE_API glimpse_scoring glimpse_model_scoring(const glimpse_model *model);
GLIMPSE_API float glimpse_model_logit_scale(const glimpse_model *model);
GLIMPSE_API float glimpse_model_logit_bias(const glimpse_model *model);
GLIMPSE_API glimpse_precision glimpse_model_precision(const glimpse_model *model); /* in force */
GLIMPSE_API const char *glimpse_model_backend_name(const glimpse_model *model);
/* The picture rules of the model; a copy may be changed (crop_rule) and used instead. */
GLIMPSE_API const glimpse_preprocess *glimpse_model_preprocess(const glimpse_model *model);
/* NULL when the model was opened without GLIMPSE_TOWER_TEXT. */
GLIMPSE_API const glimpse_tokenizer *glimpse_model_tokenizer(const glimpse_model *model);
/* Bytes of weights held in memory (converted ones) and mapped from the files. */
GLIMPSE_API size_t glimpse_model_memory(const glimpse_model *model);
/* Of these, what computing keeps coming back to; an estimate. */
GLIMPSE_API size_t glimpse_model_working_memory(const glimpse_model *model);

/* The cheap parts alone, for tools: the preprocessing rules, the context length and the fingerprint
 * of a model directory without preparing its weights. */
GLIMPSE_API int glimpse_model_read_preprocess(glimpse_preprocess *out, const char *path);
GLIMPSE_API int glimpse_model_read_context_length(size_t *out, const char *path);
GLIMPSE_API int glimpse_model_read_fingerprint(char hex[33], const char *path);
/* The fingerprint with glimpse_model_options.dimensions set, from that of the whole model; 0 leaves
 * it as it is. `hex` and `whole` may be the same. */
GLIMPSE_API int glimpse_model_shortened_fingerprint(char hex[33], const char whole[33],
                                                    size_t dimensions);

/* A worker for up to `max_batch` inputs at once (longer calls are cut into batches). All memory
 * it will ever use is reserved here. */
GLIMPSE_API int glimpse_encoder_create(glimpse_encoder **out, const glimpse_model *model,
                                       size_t max_batch);
GLIMPSE_API void glimpse_encoder_free(glimpse_encoder *encoder);
/* The same before there is one. */
GLIMPSE_API size_t glimpse_encoder_plan_memory(const glimpse_model *model, size_t max_batch);
GLIMPSE_API size_t glimpse_encoder_memory(const glimpse_encoder *encoder); /* bytes reserved */

enum {
    GLIMPSE_ENCODE_RAW = 1,  /* leave the projection as it is instead of scaling to unit length */
    GLIMPSE_ENCODE_EXACT = 2 /* glimpse_encoder_file: decode every pixel */
};

/* `pixels` [count][3][H][W], normalised, H and W those of glimpse_model_preprocess(): of a NaFlex
 * model the largest square, and glimpse_encoder_inputs() takes other sizes. `embeddings`
 * [count][E].
 */
GLIMPSE_API int glimpse_encoder_pixels(float *embeddings, glimpse_encoder *encoder,
                                       const float *pixels, size_t count, unsigned flags);
/* `rgb` [count][H][W][3] bytes as glimpse_preprocess_rgb leaves them; H and W as above. */
GLIMPSE_API int glimpse_encoder_rgb(float *embeddings, glimpse_encoder *encoder, const uint8_t *rgb,
                                    size_t count, unsigned flags);
/* Pictures of a size each. Models of a fixed one take width and height of their preprocessing,
 * NaFlex models all that glimpse_preprocess_for() comes to: whole patches, no more than
 * `max_patches`. Any other is GLIMPSE_E_INVALID. */
typedef struct glimpse_encoder_input {
    const uint8_t *rgb;     /* [height][width][3], as glimpse_preprocess_rgb leaves it, or NULL */
    const float *pixels;    /* [3][height][width], normalised, where `rgb` is NULL */
    uint32_t width, height; /* pixels */
} glimpse_encoder_input;
GLIMPSE_API int glimpse_encoder_inputs(float *embeddings, glimpse_encoder *encoder,
                                       const glimpse_encoder_input *inputs, size_t count,
                                       unsigned flags);
/* Preprocesses and encodes decoded pictures. */
GLIMPSE_API int glimpse_encoder_images(float *embeddings, glimpse_encoder *encoder,
                                       const glimpse_image *const *images, size_t count,
                                       unsigned flags);
/* The picture in a file, decoded as for an index: reduced where that is cheap
 * (glimpse_preprocess_short_side), or exactly with GLIMPSE_ENCODE_EXACT. */
GLIMPSE_API int glimpse_encoder_file(float *embedding, glimpse_encoder *encoder, const char *path,
                                     unsigned flags);
/* NUL-terminated texts; `truncated` [count] may be NULL. For SigLIP they are padded here. */
GLIMPSE_API int glimpse_encoder_texts(float *embeddings, int *truncated, glimpse_encoder *encoder,
                                      const char *const *texts, size_t count, unsigned flags);
/* `ids` [count][context length]. CLIP ignores what stands behind the first end token; SigLIP reads
 * every place, so the padding must be the model's own. */
GLIMPSE_API int glimpse_encoder_tokens(float *embeddings, glimpse_encoder *encoder,
                                       const int32_t *ids, size_t count, unsigned flags);

#ifdef __cplusplus
}
#endif
#endif
