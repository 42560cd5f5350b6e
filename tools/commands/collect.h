/*
 * collect.h - what glimpse tag and glimpse album have in common.
 */
#ifndef GLIMPSE_TOOLS_COLLECT_H
#define GLIMPSE_TOOLS_COLLECT_H

#include "cli.h"

#include <glimpse/tags.h>

/* A part of the command ("tag add"), found by its last word among `parts` [count]. */
int collect_dispatch(const cli_command *command, const cli_command *const *parts, size_t count,
                     int argc, char **argv);

/* Each is the whole of such a part. */
int collect_change(const cli_command *command, glimpse_collection_kind kind, int removes, int argc,
                   char **argv);
int collect_list(const cli_command *command, glimpse_collection_kind kind, int argc, char **argv);
int collect_rename(const cli_command *command, glimpse_collection_kind kind, int argc, char **argv);
/* One name: creates an album, or deletes what has the name. */
int collect_one(const cli_command *command, glimpse_collection_kind kind, int create, int argc,
                char **argv);

#endif
