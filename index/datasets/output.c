/*
 * output.c - what the formats share: files that are whole or not there, pictures that are left out.
 */
#include "writer_internal.h"

#include "core/error.h"
#include "dataset_text.h"

#include <glimpse/sys/image.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

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
    *file = NULL;
    *temporary = glimpse_formatted("%s.%ld.tmp", path, (long)getpid());
    if (!*temporary) return GLIMPSE_E_NOMEM;
    *file = fopen(*temporary, "wb");
    if (*file) return GLIMPSE_OK;
    int status = glimpse_fail_errno("%s: cannot write", path);
    free(*temporary);
    *temporary = NULL;
    return status;
}

int glimpse_output_commit(FILE *file, char *temporary, const char *path) {
    int status = GLIMPSE_OK;
    errno = 0;
    int bad = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) != 0;
    if (fclose(file) != 0 || bad || rename(temporary, path) != 0) {
        status = glimpse_fail_errno("%s: cannot write", path);
        (void)unlink(temporary);
    }
    free(temporary);
    return status;
}

void glimpse_output_abandon(FILE *file, char *temporary) {
    if (file) (void)fclose(file);
    if (temporary) (void)unlink(temporary);
    free(temporary);
}

int glimpse_output_append(FILE *to, FILE *from) {
    char block[16384];
    rewind(from);
    for (size_t got; (got = fread(block, 1, sizeof block, from)) > 0;)
        (void)fwrite(block, 1, got, to);
    return ferror(from) ? glimpse_fail(GLIMPSE_E_IO, "cannot read a temporary file") : GLIMPSE_OK;
}

void glimpse_dataset_leave_out(glimpse_dataset_writer *w, const char *path, const char *why) {
    w->left_out++;
    glimpse_tell(w->o.message, w->o.user, GLIMPSE_MESSAGE_PROBLEM, "%s: not in the output: %s",
                 path, why);
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
