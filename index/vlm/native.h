/*
 * index/vlm/native.h - picture files through a BLIP model: captions, matches, answers. What
 * glimpse/session_blip.h promises, for a model that is open. Private to the library.
 */
#ifndef GLIMPSE_INDEX_NATIVE_H
#define GLIMPSE_INDEX_NATIVE_H

#include <glimpse/session_blip.h>

typedef struct glimpse_native_run {
    const glimpse_blip *model;
    const glimpse_session_blip_options *options;
    const char *const *paths; /* [count] */
    size_t count;
    const char *const *texts; /* [text_count] of matches and answers */
    size_t text_count;
    glimpse_blip_record_fn each;
    void *user;
} glimpse_native_run;

int glimpse_native_caption(const glimpse_native_run *run);
int glimpse_native_match(const glimpse_native_run *run);
int glimpse_native_answer(const glimpse_native_run *run);

#endif
