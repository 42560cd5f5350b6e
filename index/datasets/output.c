/*
 * output.c - what the formats share: files that are whole or not there, pictures that are left out.
 */
#include "writer_internal.h"

#include "core/error.h"
#include "core/file.h"
#include "dataset_text.h"

#include <glimpse/sys/image.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *glimpse_dataset_place_name(int place) {
    switch (place) {
    case GLIMPSE_PLACE_SYMLINK: return "symlink";
    case GLIMPSE_PLACE_HARDLINK: return "hardlink";
    case GLIMPSE_PLACE_COPY: return "copy";
    case GLIMPSE_PLACE_MOVE: return "move";
    default: return NULL;
    }
}

int glimpse_output_open(FILE **file, char **temporary, const char *path) {
    glimpse_new_file out;
    *file = NULL;
    *temporary = NULL;
    int status = glimpse_new_file_open(&out, path);
    if (status < 0) return status;
    *file = out.stream;
    *temporary = out.temporary;
    free(out.path);
    return GLIMPSE_OK;
}

int glimpse_output_commit(FILE *file, char *temporary, const char *path) {
    glimpse_new_file out = {file, strdup(path), temporary};
    if (out.path) return glimpse_new_file_commit(&out);
    glimpse_new_file_abandon(&out);
    return glimpse_fail_nomem(strlen(path), "a file name");
}

int glimpse_output_fail(FILE *file, const char *path) {
    return glimpse_new_file_fail(&(glimpse_new_file){file, (char *)(uintptr_t)path, NULL});
}

void glimpse_output_abandon(FILE *file, char *temporary) {
    glimpse_new_file_abandon(&(glimpse_new_file){file, NULL, temporary});
}

/* What tmpfile() makes. */
static char temporary_name[] = "a temporary file in " P_tmpdir;

int glimpse_output_append(FILE *to, FILE *from) {
    char block[16384];
    /* Asked before rewind(), which forgets it. */
    if (fflush(from) != 0 || ferror(from)) {
        return glimpse_new_file_fail(&(glimpse_new_file){from, temporary_name, NULL});
    }
    rewind(from);
    for (size_t got; (got = fread(block, 1, sizeof block, from)) > 0;)
        (void)fwrite(block, 1, got, to);
    return ferror(from) ? glimpse_fail(GLIMPSE_E_IO, "cannot read %s", temporary_name) : GLIMPSE_OK;
}

void glimpse_dataset_leave_out(glimpse_dataset_writer *w, const char *path, const char *why) {
    w->left_out++;
    glimpse_report_message(w->o.message, w->o.user, GLIMPSE_MESSAGE_PROBLEM,
                           "%s: not in the output: %s", path, why);
}

int glimpse_dataset_picture_size(uint32_t *width, uint32_t *height,
                                 const glimpse_labelled *picture) {
    *width = picture->width;
    *height = picture->height;
    if (*width > 0 && *height > 0) return GLIMPSE_OK;
    glimpse_image *image = NULL;
    int status = glimpse_image_load(&image, picture->path, NULL);
    if (status < 0) return status;
    *width = glimpse_image_width(image);
    *height = glimpse_image_height(image);
    glimpse_image_free(image);
    return GLIMPSE_OK;
}
