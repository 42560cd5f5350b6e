/*
 * label_embed.h - embeddings of pictures, from wherever they are cheapest: the library, the
 * journal of --resume, or decoding and encoding with several workers.
 *
 *     label_embedder *e = label_embedder_open(&session, jobs, journal);
 *     for each window of at most label_embedder_window(e) pictures:
 *         items[i].path = ...;
 *         code = label_embed(e, items, count, embeddings);
 *     label_embedder_close(e);
 */
#ifndef GLIMPSE_TOOLS_LABEL_EMBED_H
#define GLIMPSE_TOOLS_LABEL_EMBED_H

#include "label_journal.h"
#include "session.h"

typedef struct label_picture {
    const char *path; /* set by the caller */
    int known;        /* 1: there is an embedding, */
    char *problem;    /* else why not; free it */
    stored_file file; /* sizes 0 and id "" where not known */
} label_picture;

typedef struct label_embedder label_embedder;

/* The model's image tower is opened when the first picture needs it. `journal` may be NULL; both
 * must outlive the embedder. */
label_embedder *label_embedder_open(session *s, unsigned jobs, label_journal *journal);
void label_embedder_close(label_embedder *e);
size_t label_embedder_window(const label_embedder *e);

/* `embeddings` [count][E]; those of pictures with a problem are undefined. CLI_RUN also when
 * pictures have problems; an exit code when nothing can go on. */
int label_embed(label_embedder *e, label_picture *pictures, size_t count, float *embeddings);
/* How many were decoded so far. */
size_t label_embedder_decoded(const label_embedder *e);

#endif
