/*
 * index/label/embedder.h - embeddings of pictures, from wherever they are cheapest: the library,
 * the journal of a run that was stopped, or decoding and encoding with several workers.
 *
 *     glimpse_embedder_options options = GLIMPSE_EMBEDDER_OPTIONS_INIT;
 *     glimpse_embedder *embedder = NULL;
 *     if (glimpse_embedder_open(&embedder, library, model, &options) < 0) ...
 *     for each window of at most glimpse_embedder_window(embedder) pictures:
 *         pictures[i] = (glimpse_embedder_picture){.path = ...};
 *         status = glimpse_embedder_embed(embeddings, embedder, pictures, count);
 *         ...
 *         glimpse_embedder_release(pictures, count);
 *     glimpse_embedder_close(embedder);
 *
 * A file gets the embedding that indexing it would give: the same decoding, reduced where that is
 * cheap unless `exact` is set, and the same preprocessing. One that the library has is taken as it
 * is, whichever way it was decoded then.
 *
 * Threads: one at a time.
 */
#ifndef GLIMPSE_INDEX_EMBEDDER_H
#define GLIMPSE_INDEX_EMBEDDER_H

#include <glimpse/library.h>
#include <glimpse/sys/model.h>

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_embedder glimpse_embedder;

typedef struct glimpse_embedder_options {
    unsigned jobs;       /* workers; 0: one per core */
    const char *journal; /* file that embeddings are kept in as they are made and taken from when
                            they are there already (embedding_journal.h); NULL: none. Copied */
    int exact;           /* 1: every pixel is decoded, as with exact_decode when indexing */
    /* Precision, backend and flags to open the image tower with when `model` came without it.
     * NULL: all as GLIMPSE_MODEL_OPTIONS_INIT has it. The towers are not looked at. Copied. */
    const glimpse_model_options *model_options;
    int (*cancelled)(void *user); /* non-zero ends an embed call; NULL: nothing does */
    void *user;
} glimpse_embedder_options;

#define GLIMPSE_EMBEDDER_OPTIONS_INIT \
 { .jobs = 0 }

typedef struct glimpse_embedder_picture {
    const char *path;       /* set by the caller */
    int known;              /* 1: there is an embedding, */
    char *problem;          /* else why not, without the path; freed by _release */
    char id[33];            /* content id where the library knows the picture, else "" */
    uint32_t width, height; /* upright; 0 where not known, as `bytes` */
    uint64_t bytes;
} glimpse_embedder_picture;

/* `library` may be NULL; it and `model` must outlive the embedder. GLIMPSE_E_IO, GLIMPSE_E_FORMAT,
 * GLIMPSE_E_INVALID or GLIMPSE_E_BUSY when the journal cannot be used. A model without its image
 * tower is opened again, with that alone, when the first picture needs it. */
int glimpse_embedder_open(glimpse_embedder **out, glimpse_library *library,
                          const glimpse_model *model, const glimpse_embedder_options *options);
void glimpse_embedder_close(glimpse_embedder *embedder);

/* How many pictures a call takes at most; the workers then have enough to share. */
size_t glimpse_embedder_window(const glimpse_embedder *embedder);

/* Embeds pictures[0..count), count <= the window: `embeddings` [count][E]; those of pictures with a
 * problem are undefined. GLIMPSE_OK also when some have problems; a status when nothing can go
 * on, GLIMPSE_E_CANCELLED among them. What was embedded until then is in the journal. */
int glimpse_embedder_embed(float *embeddings, glimpse_embedder *embedder,
                           glimpse_embedder_picture *pictures, size_t count);
/* Frees the problems that a call told. */
void glimpse_embedder_release(glimpse_embedder_picture *pictures, size_t count);

/* How many were decoded so far, and how many the journal had when it was opened. */
size_t glimpse_embedder_decoded(const glimpse_embedder *embedder);
size_t glimpse_embedder_resumed(const glimpse_embedder *embedder);

#endif
