/*
 * image/decode/identity_pixels.c - of formats that have no walker: the decoded pixels and their
 * opacities. Nothing else of the file counts.
 */
#include "image/decode/identity.h"

#include "core/error.h"

int glimpse_picture_identify(glimpse_hash *identity, const glimpse_image *picture) {
    static const char rules[] = "glimpse pixels 1"; /* no identity of another kind begins so */
    const char *name = glimpse_image_format_name(picture->meta.format);
    const size_t count = (size_t)picture->width * picture->height;
    glimpse_identifier to = {.hasher = glimpse_hasher_create(), .left = UINT64_MAX};
    if (!to.hasher) return glimpse_fail_nomem(64, "the identity of a picture");
    glimpse_identify_bytes(&to, rules, sizeof rules);
    glimpse_identify_bytes(&to, name, strlen(name));
    glimpse_identify_number(&to, picture->width);
    glimpse_identify_number(&to, (uint64_t)picture->pending_orientation);
    glimpse_identify_bytes(&to, picture->pixels, 3 * count);
    glimpse_identify_bytes(&to, picture->alpha, picture->alpha ? count : 0);
    *identity = glimpse_hasher_finish(to.hasher);
    return GLIMPSE_OK;
}
