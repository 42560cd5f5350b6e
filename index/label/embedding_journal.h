/*
 * label_journal.h - embeddings kept in a file while a folder is labelled, so that a run that was
 * stopped goes on where it was, and so that other classes can be tried without decoding again.
 *
 *     label_journal *journal = label_journal_open("run.journal", model);
 *     if (!label_journal_find(journal, path, embedding, &file)) {
 *         ... decode and encode ...
 *         label_journal_add(journal, path, embedding, &file);
 *     }
 *     label_journal_close(journal);
 *
 * It is keyed by the path as given, size and time of change: a file that changed is embedded anew.
 * It belongs to one model and precision; with another one it is refused.
 *
 * Threads: one at a time. One process at a time (flock).
 */
#ifndef GLIMPSE_TOOLS_LABEL_JOURNAL_H
#define GLIMPSE_TOOLS_LABEL_JOURNAL_H

#include "stored.h"

typedef struct label_journal label_journal;

/* NULL after saying why. A torn last record (a kill in mid-write) is cut off; a damaged one ends
 * what is read, and what follows is written anew. */
label_journal *label_journal_open(const char *path, const glimpse_model *model);
/* `file` is not NULL; its id is "" here. */
int label_journal_find(label_journal *journal, const char *path, float *embedding,
                       stored_file *file);
/* 0, or -1 after saying why it cannot be written. On disk when the call returns (not fsynced). */
int label_journal_add(label_journal *journal, const char *path, const float *embedding,
                      const stored_file *file);
size_t label_journal_count(const label_journal *journal); /* records found when it was opened */
void label_journal_close(label_journal *journal);

#endif
