/*
 * session_region.c - a part of a picture as a query.
 */
#include "session_region.h"

#include "core/error.h"

#include <glimpse/sys/image.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char form[] =
    "X,Y,WIDTH,HEIGHT in pixels (120,80,400,300) or in percent (25%,10%,50%,50%)";

/* 1 and the rest behind it; digits and a point, so that no language of the system has its say. */
static int read_number(const char **text, double *value, int *is_percent) {
    const char *at = *text;
    double scale = 1.0, number = 0.0;
    int digits = 0, after_point = 0;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !after_point); at++) {
        if (*at == '.') {
            after_point = 1;
            continue;
        }
        if (after_point) scale /= 10.0;
        number = after_point ? number + (*at - '0') * scale : number * 10.0 + (*at - '0');
        digits++;
    }
    *is_percent = *at == '%';
    if (*is_percent) at++;
    *text = at;
    *value = number;
    return digits > 0 && digits < 12;
}

int glimpse_find_region_parse(glimpse_find_region *out, const char *text) {
    double values[4] = {0};
    int percent = 0;
    if (!out || !text) return glimpse_fail_null(__func__);
    *out = (glimpse_find_region){0};
    const char *at = text;
    for (int i = 0; i < 4; i++) {
        int is_percent = 0;
        if (!read_number(&at, &values[i], &is_percent) || *at != (i < 3 ? ',' : '\0')) {
            return glimpse_fail(GLIMPSE_E_INVALID, "\"%.80s\" is no region: %s", text, form);
        }
        if (i < 3) at++;
        percent += is_percent;
    }
    if (percent != 0 && percent != 4) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "\"%.80s\" is no region: pixels and percent are mixed; %s", text, form);
    }
    if (!(values[2] > 0.0) || !(values[3] > 0.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the region %.80s is empty", text);
    }
    if (percent && (values[0] + values[2] > 100.0 || values[1] + values[3] > 100.0)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "the region %.80s is not inside the picture", text);
    }
    *out = (glimpse_find_region){values[0], values[1], values[2], values[3], percent == 4};
    return GLIMPSE_OK;
}

/* In whole pixels: those that it touches at its start, and as many as it is long. */
static int place(glimpse_box *box, const glimpse_find_region *region, uint32_t width,
                 uint32_t height, const char *path) {
    const double unit_x = region->is_percent ? width / 100.0 : 1.0;
    const double unit_y = region->is_percent ? height / 100.0 : 1.0;
    const double x = floor(region->x * unit_x + 1e-6), y = floor(region->y * unit_y + 1e-6);
    const double w = floor(region->width * unit_x + 0.5), h = floor(region->height * unit_y + 0.5);
    if (!(x >= 0.0 && y >= 0.0 && w >= 0.0 && h >= 0.0 && x + w <= width && y + h <= height)) {
        return glimpse_fail(
            GLIMPSE_E_INVALID,
            "%s: a region of %.0f x %.0f pixels at %.0f,%.0f is not inside the picture, which has "
            "%u x %u",
            path, w, h, x, y, width, height);
    }
    if (w < GLIMPSE_REGION_MIN || h < GLIMPSE_REGION_MIN) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "%s: a region of %.0f x %.0f pixels is too small to look for; it takes "
                            "%d x %d",
                            path, w, h, GLIMPSE_REGION_MIN, GLIMPSE_REGION_MIN);
    }
    *box = (glimpse_box){(uint32_t)x, (uint32_t)y, (uint32_t)w, (uint32_t)h};
    return GLIMPSE_OK;
}

static int encode(float *embedding, const session_worker *worker, const glimpse_image *image,
                  const glimpse_box *box) {
    const glimpse_preprocess *rules = glimpse_model_preprocess(worker->model);
    const size_t bytes = glimpse_preprocess_max_bytes(rules);
    glimpse_preprocess own;
    uint8_t *rgb = malloc(bytes);
    if (!rgb) return glimpse_fail_nomem(bytes, "a picture");
    int status = glimpse_preprocess_for(&own, rules, box->width, box->height);
    if (status == GLIMPSE_OK) status = glimpse_preprocess_box_rgb(rgb, &own, image, box);
    if (status == GLIMPSE_OK) {
        const glimpse_encoder_input input = {rgb, NULL, own.width, own.height};
        status = glimpse_encoder_inputs(embedding, worker->encoder, &input, 1, 0);
    }
    free(rgb);
    return status;
}

/* The library may know a file that is not there: its embedding is of no use here. */
static int fail_absent(glimpse_library *library, const glimpse_model *model, const char *path,
                       float *unused) {
    const int error = errno;
    if (library && glimpse_library_embedding(unused, NULL, library, model, path) == GLIMPSE_OK) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND,
                            "%s: the library knows the picture, but its file is not there now; to "
                            "look for a part of it the file is needed: connect its disk",
                            path);
    }
    errno = error;
    return glimpse_fail_errno("%s: cannot be read", path);
}

int glimpse_session_encode_region(float *embedding, glimpse_session *session, const char *path,
                                  const glimpse_find_region *region, glimpse_library *library) {
    session_worker worker = {0};
    glimpse_image *image = NULL;
    glimpse_box box;
    int status = glimpse_session_acquire_encoder(&worker, session, GLIMPSE_TOWER_IMAGE, 1, library);
    if (status == GLIMPSE_OK && access(path, F_OK) != 0) {
        status = fail_absent(library, worker.model, path, embedding);
    }
    /* Every pixel: a part may be small. */
    if (status == GLIMPSE_OK) status = glimpse_image_load(&image, path, NULL);
    if (status == GLIMPSE_OK) {
        const glimpse_image_meta *meta = glimpse_image_metadata(image);
        status = place(&box, region, meta->width, meta->height, path);
    }
    if (status == GLIMPSE_OK) status = encode(embedding, &worker, image, &box);
    glimpse_image_free(image);
    glimpse_session_release_encoder(&worker);
    return status;
}
