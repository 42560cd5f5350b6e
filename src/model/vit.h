/*
 * model/vit.h - image towers that are vision transformers: openai/CLIP's and SigLIP's, and what
 * those of others (timm_vit.c) share with them once their weights are loaded.
 */
#ifndef GLIMPSE_MODEL_VIT_H
#define GLIMPSE_MODEL_VIT_H

#include "model/image_tower.h"
#include "model/model_internal.h"
#include "model/tower.h"

extern const glimpse_image_ops glimpse_image_vit;

/* The buffers of one worker. */
typedef struct glimpse_vit_work {
    glimpse_pass pass;
    void *patches;          /* [max_batch * G * G][3 P P] element */
    glimpse_stem_work stem; /* in place of them, where the tower has one */
    float *embedded;        /* [max_batch * G * G][D] */
    float *rows;            /* [max_batch * T][D], before the first norm, where there is one */
} glimpse_vit_work;

/* The operations of a tower that is a glimpse_tower on the heap. */
void glimpse_vit_close(void *tower);
size_t glimpse_vit_memory(const void *tower);
void glimpse_vit_plan(void *work, glimpse_arena *arena, const void *tower, size_t max_batch);
void glimpse_vit_add(void *work, size_t place, const float *pixels);
int glimpse_vit_run(void *work, glimpse_workspace *workspace, size_t count, float *embeddings);
void glimpse_vit_trace(void *work, glimpse_trace_fn trace, void *user);
/* *out = a copy of `tower` on the heap; closes it after a failure, l's or its own, and when nothing
 * but names and shapes was looked at. */
int glimpse_vit_finish(void **out, glimpse_loader *l, glimpse_tower *tower);

#endif
