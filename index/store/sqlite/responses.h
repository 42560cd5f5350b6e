/*
 * responses.h - answers of vision-language models: as in the table of the store.
 */
#ifndef GLIMPSE_INDEX_SQLITE_RESPONSES_H
#define GLIMPSE_INDEX_SQLITE_RESPONSES_H

#include "store.h"

int glimpse_responses_open(glimpse_responses **out, const char *path);
int glimpse_responses_open_store(glimpse_responses **out, const glimpse_store *store);
void glimpse_responses_close(glimpse_responses *responses);
int glimpse_responses_is_read_only(const glimpse_responses *responses);
int glimpse_responses_find(char **answer, glimpse_responses *responses, const glimpse_hash *key);
int glimpse_responses_write(glimpse_responses *responses, const glimpse_response *response);
int glimpse_responses_picture_id(glimpse_hash *id, glimpse_responses *responses,
                                 const glimpse_hash *identity);
int glimpse_responses_count(int64_t *count, glimpse_responses *responses);
int glimpse_responses_forget(int64_t *forgotten, glimpse_responses *responses, const char *model);

#endif
