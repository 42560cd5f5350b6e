/*
 * wording.c - names options and calls as users of the command know them, for messages of the
 * library.
 */
#include "wording.h"

#include <stdio.h>
#include <string.h>

/* What the command calls otherwise than the library does. */
static const struct {
    const char *name, *words;
} others[] = {
    {"GLIMPSE_ACTION_MOVE", "--move FOLDER"},
    {"GLIMPSE_WRITE_EMBEDDED", "--write-embedded"},
    {"glimpse_actions_undo", "glimpse dedup --undo"},
    {"glimpse_library_create_album", "glimpse album create"},
    {"glimpse_library_ingest", "glimpse index"},
    {"glimpse_library_model.fingerprint", "glimpse status --json"},
    {"glimpse_library_reindex", "glimpse reindex"},
    {"glimpse_retrieval_options.captions", "--blend"},
    {"glimpse_retrieval_options.skip_unusable", "--missing skip"},
    {"glimpse_set_max_memory", "--max-memory"},
    {"glimpse_session_embed_rest", "glimpse index --model"},
    {"glimpse_session_index", "glimpse index FOLDER"},
    {"glimpse_session_load_model_status", "glimpse status"},
    {"glimpse_session_open_pull", "glimpse pull"},
    {"glimpse_session_undo", "glimpse dedup --undo"},
    {"glimpse_session_set_library_model", "glimpse models --default"},
    {"glimpse_session_set_user_model", "glimpse models --user --default"},
    {"sample", "--prompt-report"},
    {"settings.second_spec", "--escalate"},
    {"settings.spec", "--vlm"},
};

void wording_of_command(char *text, size_t size, const char *name, const char *value) {
    char option[64] = "--";
    const char *words = NULL, *between = " ";
    for (size_t i = 0; i < sizeof others / sizeof *others && !words; i++)
        if (strcmp(others[i].name, name) == 0) words = others[i].words;
    if (!words) {
        const char *dot = strrchr(name, '.');
        (void)snprintf(option + 2, sizeof option - 2, "%s", dot ? dot + 1 : name);
        for (char *c = option; *c; c++)
            if (*c == '_') *c = '-';
        words = option;
    }
    if (strcmp(name, "glimpse_session_index") == 0) between = " --library ";
    (void)snprintf(text, size, "%s%s%s", words, value ? between : "", value ? value : "");
}
