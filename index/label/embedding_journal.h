/*
 * index/label/embedding_journal.h - embeddings kept in a file while pictures are labelled, so that
 * a run that was stopped goes on where it was, and other classes can be tried without decoding
 * again.
 *
 *     glimpse_embedding_journal *journal = NULL;
 *     if (glimpse_embedding_journal_open(&journal, "run.journal", model, 448) < 0) ...
 *     if (!glimpse_embedding_journal_find(embedding, &file, journal, path)) {
 *         ... decode and encode ...
 *         glimpse_embedding_journal_add(journal, path, embedding, &file);
 *     }
 *     glimpse_embedding_journal_close(journal);
 *
 * It is keyed by the path as given, size and time of change: a file that changed is embedded anew.
 * It belongs to one model, precision and way of decoding; with another one it is refused.
 *
 * Threads: one at a time. One process at a time (flock).
 */
#ifndef GLIMPSE_INDEX_EMBEDDING_JOURNAL_H
#define GLIMPSE_INDEX_EMBEDDING_JOURNAL_H

#include "stored.h"

typedef struct glimpse_embedding_journal glimpse_embedding_journal;

/* `short_side` is what the decoding keeps (glimpse_decode_options), 0 for every pixel. A torn last
 * record (a kill in mid-write) is cut off; a damaged one ends what is read, and what follows is
 * written anew. GLIMPSE_E_FORMAT for another file, GLIMPSE_E_INVALID for a journal of another
 * model, precision or decoding, GLIMPSE_E_BUSY while another process has it, GLIMPSE_E_IO. */
int glimpse_embedding_journal_open(glimpse_embedding_journal **out, const char *path,
                                   const glimpse_model *model, uint32_t short_side);
void glimpse_embedding_journal_close(glimpse_embedding_journal *journal);

/* 1 with `embedding` [E] and `file` (whose id is "" here) set, or 0. Any journal may be NULL. */
int glimpse_embedding_journal_find(float *embedding, glimpse_stored_file *file,
                                   glimpse_embedding_journal *journal, const char *path);
/* On disk when the call returns (not fsynced). */
int glimpse_embedding_journal_add(glimpse_embedding_journal *journal, const char *path,
                                  const float *embedding, const glimpse_stored_file *file);
size_t glimpse_embedding_journal_count(const glimpse_embedding_journal *journal); /* when opened */

#endif
