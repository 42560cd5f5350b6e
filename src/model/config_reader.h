/*
 * model/config_reader.h - values out of a configuration in JSON, each checked as it is read.
 *
 * A reader carries the file's name for messages and the first failure, which sticks: a
 * configuration is read as one list of statements and the status looked at once, at the end. An
 * explicit null counts as absent, and absent keys take the fallback.
 */
#ifndef GLIMPSE_MODEL_CONFIG_READER_H
#define GLIMPSE_MODEL_CONFIG_READER_H

#include "model/config.h"

#include <jansson.h>

typedef struct glimpse_config_reader {
    const char *path; /* for messages */
    int status;       /* the first failure sticks */
} glimpse_config_reader;

/* Limits that keep every later product of sizes far from overflow; the largest published CLIP has
 * width 1664, 48 layers and 378 pixels. */
enum {
    MAX_WIDTH = 16384,
    MAX_LAYERS = 512,
    MAX_SIDE = 4096,
    MAX_CONTEXT = 4096,
    MAX_VOCABULARY = 10000000
};

/* Of the pictures CLIP was trained on, per channel; BLIP has them, too. */
extern const float glimpse_clip_mean[3], glimpse_clip_std[3];

/* The object in the file at `path`; *out is the caller's. */
int glimpse_config_load(json_t **out, const char *path);
/* 1 when the directory has a file of that name. */
int glimpse_config_has(const char *directory, const char *name);
/* Whether `directory` is one. */
int glimpse_config_check_directory(const char *directory);
/* How the model in the directory wants its pictures, from the file that says it, which then is
 * r->path; NULL where there is none. *file and *path are the caller's. */
json_t *glimpse_config_picture_rules(glimpse_config_reader *r, json_t **file, char **path,
                                     const char *directory);
/* Borrowed; NULL when there is none. */
json_t *glimpse_config_member(json_t *object, const char *key);
/* `text_config`, or the historic `text_config_dict`, which wins when it is there. */
json_t *glimpse_config_section(glimpse_config_reader *r, json_t *root, const char *key,
                               const char *old_key);
/* A whole number from 1 to `most`. */
size_t glimpse_config_size(glimpse_config_reader *r, json_t *object, const char *key,
                           size_t fallback, size_t max);
double glimpse_config_number(glimpse_config_reader *r, json_t *object, const char *key,
                             double fallback, double min, double max);
/* The id of a token: a whole number below `vocabulary`. The fallback is returned unchecked. */
int32_t glimpse_config_id(glimpse_config_reader *r, json_t *object, const char *key,
                          int32_t fallback, size_t vocabulary);
/* A normalisation's epsilon: small, and not so small that it is nothing. */
float glimpse_config_eps(glimpse_config_reader *r, json_t *object, double fallback);
int glimpse_config_flag(glimpse_config_reader *r, json_t *object, const char *key, int fallback);
void glimpse_config_triple(glimpse_config_reader *r, json_t *object, const char *key,
                           const float fallback[3], float out[3]);
/* "hidden_act". */
glimpse_activation glimpse_config_activation(glimpse_config_reader *r, json_t *object,
                                             glimpse_activation fallback);
/* A tower as transformers write it: sizes, "layer_norm_eps", "hidden_act"; what is not there is
 * that of `defaults`. */
void glimpse_config_tower(glimpse_config_reader *r, json_t *object, glimpse_tower_config *tower,
                          const glimpse_tower_config *defaults);
/* GLIMPSE_E_UNSUPPORTED: `key` has this value, which would change the numbers. */
void glimpse_config_refuse(glimpse_config_reader *r, const char *key, const char *value);
void glimpse_config_refuse_value(glimpse_config_reader *r, const char *key, const json_t *value);
/* A string, and an object; NULL where there is none. Any other value is refused. */
const char *glimpse_config_text(glimpse_config_reader *r, json_t *object, const char *key);
json_t *glimpse_config_object(glimpse_config_reader *r, json_t *object, const char *key);
/* Whether `key` is among `known`, which NULL ends. */
int glimpse_config_is_one_of(const char *key, const char *const *known);
/* Refuses what is not among `known`, whatever its value. */
void glimpse_config_refuse_unknown(glimpse_config_reader *r, json_t *object,
                                   const char *const *known);
/* Refuses what stands in the object, is neither null nor false and is not `known`, which NULL ends.
 */
void glimpse_config_refuse_others(glimpse_config_reader *r, json_t *object,
                                  const char *const *known);

/* Mean and standard deviation under the keys `mean` and `std`. */
void glimpse_config_normalization(glimpse_config_reader *r, json_t *object, const char *mean,
                                  const char *std, const float usual_mean[3],
                                  const float usual_std[3], glimpse_preprocess *p);
/* The keys of preprocessor_config.json that all image processors share: the filter, and what
 * happens to pixel values. */
void glimpse_config_read_values(glimpse_config_reader *r, json_t *root, const float mean[3],
                                const float std[3], glimpse_preprocess *p);
/* Refuses scales, means and deviations under which black and white become the same, or numbers
 * that no model was trained with. */
void glimpse_config_check_values(glimpse_config_reader *r, const glimpse_preprocess *p,
                                 int rescaled);

/* config_siglip.c: config.json, and preprocessor_config.json (NULL: there is none). */
void glimpse_config_read_siglip(glimpse_config_reader *r, json_t *root,
                                glimpse_model_config *config);
void glimpse_config_read_siglip_pictures(glimpse_config_reader *r, json_t *root, size_t image_size,
                                         glimpse_preprocess *p);
/* The same of SigLIP 2 of flexible resolution; the second sets config->image_size, too. */
void glimpse_config_read_naflex(glimpse_config_reader *r, json_t *root,
                                glimpse_model_config *config);
void glimpse_config_read_naflex_pictures(glimpse_config_reader *r, json_t *root,
                                         glimpse_model_config *config);
/* config_m_clip.c: where the model with the pictures of M-CLIP in `directory` is; *image is the
 * caller's. Then the rest, into the configuration of that model. */
void glimpse_config_m_clip_image(glimpse_config_reader *r, json_t *root, const char *directory,
                                 char **image);
void glimpse_config_read_m_clip(glimpse_config_reader *r, json_t *root, const char *directory,
                                glimpse_model_config *config);
/* config_hf_text.c: a text_cfg with an hf_model_name; the embedding and the context are read. */
void glimpse_config_read_hf_text(glimpse_config_reader *r, json_t *text,
                                 glimpse_model_config *config);
/* config_timm.c: vision_cfg of open_clip_config.json, where it names a model of timm. */
void glimpse_config_read_timm(glimpse_config_reader *r, json_t *vision,
                              glimpse_model_config *config);
/* config_open_clip.c: open_clip_config.json. */
void glimpse_config_read_open_clip(glimpse_config_reader *r, json_t *root,
                                   glimpse_model_config *config);
/* config_mobileclip.c: vision_cfg of open_clip_config.json with a FastViT. */
void glimpse_config_read_fastvit(glimpse_config_reader *r, json_t *vision,
                                 glimpse_model_config *config);
/* Apple's configuration of a MobileCLIP, and what it is called in `directory`: NULL when there is
 * none. */
void glimpse_config_read_mobileclip(glimpse_config_reader *r, json_t *root,
                                    glimpse_model_config *config);
const char *glimpse_config_mobileclip_file(const char *directory);

#endif
