/*
 * index/search/stored.c - looks up the embeddings of files that have not changed since they were
 * indexed.
 */
#include "stored.h"

#include "core/error.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

typedef struct wanted {
    const char *path;
    const struct stat *info;
    float *embedding;
    glimpse_stored_file *file;
    size_t width;
    int found;
} wanted;

static int look(void *user, const glimpse_result *file, const float *embedding) {
    wanted *w = user;
    if (strcmp(file->path, w->path) != 0) return 0; /* a longer name with the same beginning */
    char modified[32];
    struct tm utc;
    time_t changed = w->info->st_mtime;
    if (!gmtime_r(&changed, &utc)) return 1;
    (void)strftime(modified, sizeof modified, "%Y-%m-%dT%H:%M:%S", &utc);
    if (file->bytes == (uint64_t)w->info->st_size && strcmp(file->modified, modified) == 0) {
        memcpy(w->embedding, embedding, w->width * sizeof *embedding);
        (void)snprintf(w->file->id, sizeof w->file->id, "%s", file->id);
        w->file->width = file->width;
        w->file->height = file->height;
        w->file->bytes = file->bytes;
        w->found = 1;
    }
    return 1;
}

int glimpse_stored_picture(float *embedding, glimpse_stored_file *file, glimpse_library *library,
                           const glimpse_model *model, const char *path) {
    struct stat info;
    glimpse_stored_file unused;
    if (!library || stat(path, &info) != 0) return 0;
    char *full = realpath(path, NULL);
    if (!full) return 0;
    wanted w = {full, &info, embedding, file ? file : &unused, glimpse_model_embedding_size(model),
                0};
    const glimpse_kept_error before = glimpse_error_keep(); /* not stored: no failure */
    (void)glimpse_library_visit(library, model, (const char *const *)&full, 1, look, &w);
    glimpse_error_restore(&before);
    free(full);
    return w.found;
}
