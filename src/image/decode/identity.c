/*
 * image/decode/identity.c - finds the identity of the coded picture in a file; identity.h says what
 * that is made of.
 */
#include "image/decode/identity.h"

#include "core/error.h"

/* The number is that of the rules: when they change, what was stored is no identity any more. */
static const char of_parts[] = "glimpse picture 1", of_bytes[] = "glimpse bytes 1";

static glimpse_identifier begin(size_t size, const char *what) {
    glimpse_identifier to = {.hasher = glimpse_hasher_create(), .left = 2 * (uint64_t)size + 4096};
    if (to.hasher) glimpse_hasher_update(to.hasher, what, strlen(what) + 1);
    return to;
}

int glimpse_image_identity_of_bytes(glimpse_hash *identity, const uint8_t *data, size_t size) {
    glimpse_identifier to = begin(size, of_bytes);
    if (!to.hasher) return GLIMPSE_E_NOMEM;
    glimpse_identify_bytes(&to, data, size);
    *identity = glimpse_hasher_finish(to.hasher);
    return GLIMPSE_OK;
}

int glimpse_image_identity_decodes(const uint8_t *data, size_t size) {
    return glimpse_format_is_identified_by_pixels(glimpse_image_sniff(data, size));
}

/* As a decoder would: 1, or 0 where it refuses the file. */
static int identity_of_pixels(glimpse_hash *identity, const uint8_t *data, size_t size) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_image *picture = NULL;
    const int status = glimpse_image_decode_identified(&picture, identity, data, size, NULL, NULL);
    glimpse_image_free(picture);
    if (status == GLIMPSE_OK) return 1;
    glimpse_error_restore(&before);
    return status == GLIMPSE_E_NOMEM ? status : 0;
}

int glimpse_image_identity(glimpse_hash *identity, glimpse_image_meta *meta, const uint8_t *data,
                           size_t size) {
    glimpse_image_meta own;
    if (!meta) meta = &own;
    *meta = (glimpse_image_meta){.format = glimpse_image_sniff(data, size), .orientation = 1};
    int status = glimpse_image_read_metadata(meta, data, size);
    if (status < 0) return status;
    int coded = 0;
    if (glimpse_format_is_identified_by_pixels(meta->format)) {
        coded = identity_of_pixels(identity, data, size);
        if (coded < 0) return coded;
    } else {
        const char *name = glimpse_image_format_name(meta->format);
        glimpse_identifier to = begin(size, of_parts);
        if (!to.hasher) return GLIMPSE_E_NOMEM;
        glimpse_identify_bytes(&to, name, strlen(name));
        coded = glimpse_format_identify(meta->format, &to, data, size) && !to.failed;
        glimpse_identify_number(&to, (uint64_t)meta->orientation);
        *identity = glimpse_hasher_finish(to.hasher);
    }
    if (coded) return 1;
    return glimpse_image_identity_of_bytes(identity, data, size);
}
