/*
 * model/weights_alone.c - says what to do with weights that lie there alone.
 *
 * Their shapes would tell the architecture, but nothing in them is a vocabulary, and without one no
 * text can be embedded. So the message names the model that has all of it.
 */
#include "model/weights_alone.h"

#include "core/download.h"
#include "core/error.h"
#include "core/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* OpenAI's files, as they are downloaded, and who publishes the same model whole. */
static const struct {
    const char *name, *repository;
} published[] = {
    {"ViT-B-32.pt", "openai/clip-vit-base-patch32"},
    {"ViT-B-16.pt", "openai/clip-vit-base-patch16"},
    {"ViT-L-14.pt", "openai/clip-vit-large-patch14"},
    {"ViT-L-14-336px.pt", "openai/clip-vit-large-patch14-336"},
    {"RN50.pt", "timm/resnet50_clip.openai"},
    {"RN101.pt", "timm/resnet101_clip.openai"},
    {"RN50x4.pt", "timm/resnet50x4_clip.openai"},
    {"RN50x16.pt", "timm/resnet50x16_clip.openai"},
    {"RN50x64.pt", "timm/resnet50x64_clip.openai"},
};

static int has_ending(const char *name) {
    static const char *const endings[] = {".pt", ".pth", ".bin", ".ckpt", ".safetensors"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(dot, endings[i]) == 0) return 1;
    return 0;
}

int glimpse_weights_fail_file(const char *path, const void *bytes, size_t size) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int status = glimpse_download_check_weights(path, bytes, size);
    if (status < 0) return status;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        if (strcmp(name, published[i].name) != 0) continue;
        return glimpse_fail(
            GLIMPSE_E_INVALID,
            "%s: the weights of OpenAI's CLIP alone, without the vocabulary; %s installs the same "
            "model with all of it",
            path, glimpse_wording("glimpse_session_open_pull", published[i].repository));
    }
    if (has_ending(name)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: weights alone; a model is a folder with its configuration and "
                            "vocabulary as well, which %s gets",
                            path, glimpse_wording("glimpse_session_open_pull", "ORG/NAME"));
    }
    return glimpse_fail(GLIMPSE_E_INVALID, "%s: a model is a folder; this is a file", path);
}

/* Weights, or what stands in place of them: another format, a pointer, a page. */
static int look_at(const char *directory, int fd, const char *name) {
    unsigned char bytes[256]; /* of a pointer all of it */
    struct stat info;
    const ssize_t got =
        fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? read(fd, bytes, sizeof bytes) : -1;
    if (got <= 0) return GLIMPSE_OK;
    if (!has_ending(name) && !glimpse_download_format(bytes, (size_t)got)) return GLIMPSE_OK;
    char *path = glimpse_path_join(directory, name);
    if (!path) return glimpse_fail_nomem(strlen(name), "a file name");
    int status = glimpse_weights_fail_file(path, bytes, (size_t)got);
    free(path);
    return status;
}

/* Core ML keeps a model in a directory, whose name says so. */
static int is_core_ml(const char *directory) {
    static const char *const endings[] = {".mlpackage", ".mlmodelc"};
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t tail = strlen(endings[i]);
        if (length > tail && strncmp(directory + length - tail, endings[i], tail) == 0) return 1;
    }
    return 0;
}

int glimpse_weights_fail_directory(const char *directory) {
    int status = GLIMPSE_OK;
    if (is_core_ml(directory)) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "%s: Core ML, which is not read; %s", directory,
                            glimpse_download_advice());
    }
    DIR *dir = opendir(directory);
    for (const struct dirent *entry; dir && status == GLIMPSE_OK && (entry = readdir(dir));) {
        int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) continue;
        status = look_at(directory, fd, entry->d_name);
        (void)close(fd);
    }
    if (dir) (void)closedir(dir);
    if (status < 0) return status;
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "%s is no model: it has no config.json", directory);
}
