/*
 * pull_table.h - the table of models that glimpse pull shows when no model is named.
 */
#ifndef GLIMPSE_TOOLS_PULL_TABLE_H
#define GLIMPSE_TOOLS_PULL_TABLE_H

#include <glimpse/session_pull.h>

/* `language` NULL: that of the environment. An exit code. */
int pull_table_print(glimpse_session *session, const char *language, int json);

#endif
