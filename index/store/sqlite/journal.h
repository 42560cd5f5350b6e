/*
 * journal.h - the journal of actions: as in the table of the store.
 */
#ifndef GLIMPSE_INDEX_SQLITE_JOURNAL_H
#define GLIMPSE_INDEX_SQLITE_JOURNAL_H

#include "store.h"

int glimpse_journal_db_open(glimpse_journal **out, const char *directory);
void glimpse_journal_db_close(glimpse_journal *journal);
int glimpse_journal_db_begin_run(int64_t *run, glimpse_journal *journal, glimpse_action_kind kind,
                                 const char *started);
int glimpse_journal_db_add(int64_t *id, glimpse_journal *journal, const glimpse_journal_step *step);
int glimpse_journal_db_set_new(glimpse_journal *journal, int64_t id, uint64_t inode,
                               int64_t mtime_ns);
int glimpse_journal_db_set_state(glimpse_journal *journal, int64_t id, int state);
int glimpse_journal_db_steps(glimpse_journal *journal, int64_t run, unsigned states,
                             int (*visit)(void *user, const glimpse_journal_step *step),
                             void *user);
int glimpse_journal_db_latest(int64_t *run, glimpse_journal *journal);
int glimpse_journal_db_runs(glimpse_journal *journal,
                            int (*visit)(void *user, const glimpse_action_run *run), void *user);
int glimpse_journal_db_set_manifest(glimpse_journal *journal, int64_t run, const char *directory,
                                    int is_current);
int glimpse_journal_db_manifests(glimpse_journal *journal, int64_t run,
                                 int (*visit)(void *user, int64_t run, const char *directory),
                                 void *user);
int glimpse_journal_db_note_directory(glimpse_journal *journal, const char *path, int64_t run);
int glimpse_journal_db_next_directory(char **path, glimpse_journal *journal);
int glimpse_journal_db_forget_directory(glimpse_journal *journal, const char *path);

#endif
