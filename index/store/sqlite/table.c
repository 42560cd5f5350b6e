/*
 * table.c - SQLite + FAISS as an implementation of the store.
 */
#include "captions_private.h"
#include "duplicates.h"
#include "filter.h"
#include "journal.h"
#include "labels.h"
#include "responses.h"
#include "upkeep.h"

/* FAISS's C API cannot say its version, so the build does. */
#ifndef GLIMPSE_FAISS_VERSION
# define GLIMPSE_FAISS_VERSION "installed"
#endif

static const glimpse_build_part *parts(size_t *count) {
    static const glimpse_build_part made_with[] = {
        {"SQLite", SQLITE_VERSION},
        {"FAISS", GLIMPSE_FAISS_VERSION},
    };
    *count = sizeof made_with / sizeof *made_with;
    return made_with;
}

extern const glimpse_store_ops glimpse_store_sqlite;
const glimpse_store_ops glimpse_store_sqlite = {
    .name = "SQLite + FAISS",
    .parts = parts,
    .open = glimpse_sqlite_open,
    .open_sibling = glimpse_sqlite_open_sibling,
    .close = glimpse_sqlite_close,
    .is_in_place = glimpse_sqlite_is_in_place,
    .lock = glimpse_sqlite_lock,
    .check_writable = glimpse_sqlite_check_writable,
    .unlock = glimpse_sqlite_unlock,
    .begin = glimpse_sqlite_begin,
    .commit = glimpse_sqlite_commit,
    .rollback = glimpse_sqlite_rollback,
    .is_writing = glimpse_sqlite_is_writing,
    .begin_read = glimpse_sqlite_begin_read,
    .end_read = glimpse_sqlite_end_read,
    .damaged = glimpse_sqlite_damaged,
    .models = {.use = glimpse_catalog_use_model,
               .find = glimpse_catalog_find_model,
               .list = glimpse_catalog_list_models},
    .roots = {.write = glimpse_catalog_write_root, .list = glimpse_catalog_roots},
    .filters = {.open = glimpse_filter_open,
                .close = glimpse_filter_close,
                .count_files = glimpse_filtered_count_files,
                .choose = glimpse_filtered_choose,
                .contents = glimpse_filtered_contents,
                .pictures = glimpse_filtered_pictures,
                .count_pictures = glimpse_filtered_count_pictures},
    .files = {.load = glimpse_catalog_load_files,
              .find = glimpse_catalog_find_file,
              .picture_of = glimpse_catalog_picture_of_file,
              .any_below = glimpse_catalog_any_below,
              .bind = glimpse_catalog_bind_file,
              .quarantine = glimpse_catalog_quarantine_file,
              .forget = glimpse_catalog_forget_file,
              .set_missing = glimpse_catalog_set_missing,
              .of_content = glimpse_filtered_files_of,
              .embedded = glimpse_filtered_embedded,
              .present = glimpse_catalog_present_files,
              .quarantined = glimpse_catalog_quarantined_files},
    .contents = {.find = glimpse_catalog_find_content,
                 .find_identity = glimpse_catalog_find_identity,
                 .find_id = glimpse_catalog_find_id,
                 .id_of = glimpse_catalog_id_of,
                 .write = glimpse_catalog_write_content,
                 .attach = glimpse_catalog_attach_content,
                 .lack_identity = glimpse_catalog_lack_identity,
                 .identify = glimpse_catalog_identify,
                 .describe = glimpse_catalog_describe_content,
                 .write_embedding = glimpse_catalog_write_embedding,
                 .embedding = glimpse_catalog_embedding},
    .vectors = {.get = glimpse_indexes_get,
                .count = glimpse_vectors_count,
                .search = glimpse_vectors_search,
                .error_bound = glimpse_vectors_error_bound,
                .find = glimpse_vectors_find,
                .row = glimpse_vectors_row,
                .update = glimpse_indexes_update,
                .nearest = glimpse_faiss_nearest},
    .labels = {.write = glimpse_labels_write,
               .forget = glimpse_labels_forget,
               .list = glimpse_labels_list,
               .names = glimpse_labels_names,
               .of_content = glimpse_labels_of_content},
    .captions = {.write = glimpse_captions_insert,
                 .forget = glimpse_captions_forget,
                 .list = glimpse_captions_list,
                 .match = glimpse_captions_match,
                 .text = glimpse_captions_text},
    .responses = {.open = glimpse_responses_open,
                  .open_store = glimpse_responses_open_store,
                  .close = glimpse_responses_close,
                  .is_read_only = glimpse_responses_is_read_only,
                  .find = glimpse_responses_find,
                  .write = glimpse_responses_write,
                  .picture_id = glimpse_responses_picture_id,
                  .count = glimpse_responses_count,
                  .forget = glimpse_responses_forget},
    .decisions = {.write = glimpse_decisions_write_row,
                  .forget = glimpse_decisions_forget_row,
                  .list = glimpse_decisions_list_rows,
                  .contents = glimpse_decisions_list_contents},
    .derived = {.of_file = glimpse_derived_of_file,
                .of_content = glimpse_derived_of_content,
                .write = glimpse_derived_write},
    .journal = {.open = glimpse_journal_db_open,
                .close = glimpse_journal_db_close,
                .begin_run = glimpse_journal_db_begin_run,
                .add = glimpse_journal_db_add,
                .set_new = glimpse_journal_db_set_new,
                .set_state = glimpse_journal_db_set_state,
                .steps = glimpse_journal_db_steps,
                .latest = glimpse_journal_db_latest,
                .runs = glimpse_journal_db_runs,
                .note_directory = glimpse_journal_db_note_directory,
                .next_directory = glimpse_journal_db_next_directory,
                .forget_directory = glimpse_journal_db_forget_directory},
    .upkeep = {.count = glimpse_upkeep_count,
               .bytes = glimpse_upkeep_bytes,
               .verify = glimpse_upkeep_verify,
               .reindex = glimpse_upkeep_reindex,
               .prune = glimpse_upkeep_prune},
};
