/*
 * model/text_tower.h - text towers, by glimpse_text_architecture of the configuration: each is a
 * glimpse_tower, with weights found under its own names and its own first rows.
 */
#ifndef GLIMPSE_MODEL_TEXT_TOWER_H
#define GLIMPSE_MODEL_TEXT_TOWER_H

#include "model/tower.h"

/* `prepared`: where prepared weights come from or go to (math/prepared_weights.h); may be NULL. */
int glimpse_text_tower_open(glimpse_tower *tower, const glimpse_math *math,
                            const glimpse_model_config *config, const glimpse_tensors *tensors,
                            glimpse_prepared_weights *prepared);
/* Whether it would open, without preparing weights: every tensor is there, has the shape that the
 * configuration says, and none is left over. */
int glimpse_text_tower_check(const glimpse_math *math, const glimpse_model_config *config,
                             const glimpse_tensors *tensors);

/* x [length][D] = the residual stream before the first block, of a text of `length` ids, each of
 * which must be below the vocabulary's size. */
void glimpse_text_tower_embed(const glimpse_tower *tower, float *x, const int32_t *ids,
                              size_t length);

/* row [D] = the embedding of token `id`. */
void glimpse_tower_token(const glimpse_tower *tower, int32_t id, float *row);

#endif
