/*
 * fake_model.h - an encoder whose embeddings a test can compute by hand, instead of the real one.
 *
 * Three dimensions. A text is the sum of its letters' axes (x, y, z) at unit length; a text without
 * them is (1, 1, 1) / sqrt(3); a text that contains "long" counts as cut. A picture is what its
 * file name says, in the same way; one whose name contains "broken" cannot be opened.
 *
 * Include it in one source file of a test program that lists the tested sources itself.
 */
#ifndef GLIMPSE_TESTS_FAKE_MODEL_H
#define GLIMPSE_TESTS_FAKE_MODEL_H

#include <glimpse/sys/model.h>

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_model {
    int sigmoid;
};
struct glimpse_encoder {
    size_t calls, largest_call;
};
struct glimpse_image {
    char name[256];
};

static struct glimpse_model fake_model;
static struct glimpse_encoder fake_encoder;

static void fake_embed(const char *text, float *out) {
    double axes[3] = {0, 0, 0}, norm = 0;
    for (const char *s = text; *s; s++) {
        if (*s >= 'x' && *s <= 'z') axes[*s - 'x'] += 1;
    }
    if (axes[0] + axes[1] + axes[2] < 0.5) axes[0] = axes[1] = axes[2] = 1;
    for (int i = 0; i < 3; i++)
        norm += axes[i] * axes[i];
    for (int i = 0; i < 3; i++)
        out[i] = (float)(axes[i] / sqrt(norm));
}

size_t glimpse_model_embedding_size(const glimpse_model *model) {
    (void)model;
    return 3;
}

float glimpse_model_logit_scale(const glimpse_model *model) {
    (void)model;
    return 10.0f;
}

float glimpse_model_logit_bias(const glimpse_model *model) {
    return model->sigmoid ? -5.0f : 0.0f;
}

glimpse_scoring glimpse_model_scoring(const glimpse_model *model) {
    return model->sigmoid ? GLIMPSE_SCORING_SIGMOID : GLIMPSE_SCORING_SOFTMAX;
}

const char *glimpse_model_fingerprint(const glimpse_model *model) {
    (void)model;
    return "0123456789abcdef0123456789abcdef";
}

glimpse_precision glimpse_model_precision(const glimpse_model *model) {
    (void)model;
    return GLIMPSE_PRECISION_F32;
}

int glimpse_encoder_texts(float *embeddings, int *truncated, glimpse_encoder *encoder,
                          const char *const *texts, size_t count, unsigned flags) {
    (void)flags;
    encoder->calls++;
    if (count > encoder->largest_call) encoder->largest_call = count;
    for (size_t i = 0; i < count; i++) {
        fake_embed(texts[i], embeddings + 3 * i);
        if (truncated) truncated[i] = strstr(texts[i], "long") != NULL;
    }
    return GLIMPSE_OK;
}

int glimpse_encoder_images(float *embeddings, glimpse_encoder *encoder,
                           const glimpse_image *const *images, size_t count, unsigned flags) {
    (void)flags;
    encoder->calls++;
    for (size_t i = 0; i < count; i++)
        fake_embed(images[i]->name, embeddings + 3 * i);
    return GLIMPSE_OK;
}

int glimpse_image_load(glimpse_image **out, const char *path,
                       const glimpse_decode_options *options) {
    (void)options;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    *out = NULL;
    if (strstr(name, "broken")) return glimpse_fail(GLIMPSE_E_FORMAT, "%s: broken", path);
    *out = calloc(1, sizeof **out);
    if (!*out) return GLIMPSE_E_NOMEM;
    (void)snprintf((*out)->name, sizeof(*out)->name, "%.*s", (int)strcspn(name, "."), name);
    return GLIMPSE_OK;
}

int glimpse_encoder_file(float *embedding, glimpse_encoder *encoder, const char *path,
                         unsigned flags) {
    glimpse_image *image = NULL;
    int status = glimpse_image_load(&image, path, NULL);
    const glimpse_image *const one[] = {image};
    if (status == GLIMPSE_OK) status = glimpse_encoder_images(embedding, encoder, one, 1, flags);
    free(image);
    return status;
}

void glimpse_image_free(glimpse_image *image) {
    free(image);
}

int glimpse_image_name_is_picture(const char *name) {
    size_t length = strlen(name);
    return length > 4 &&
           (strcmp(name + length - 4, ".jpg") == 0 || strcmp(name + length - 4, ".png") == 0);
}

#endif
