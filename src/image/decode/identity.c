/*
 * image/decode/identity.c - finds the identity of the coded picture in a file; identity.h says what
 * that is made of.
 */
#include "image/decode/identity.h"

#include "core/error.h"

/* The number is that of the rules: when they change, what was stored is no identity any more. */
static const char of_parts[] = "glimpse picture 2", of_bytes[] = "glimpse bytes 1";

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

/* As the decoder turns it: what is not decoded is not turned. */
static int orientation_of(int *orientation, glimpse_image_format format,
                          const glimpse_metadata *metadata, const uint8_t *data, size_t size) {
    glimpse_metadata *own = NULL;
    *orientation = 1;
    if (!glimpse_image_format_supported(format)) return GLIMPSE_OK;
    if (!metadata) {
        const int status = glimpse_metadata_read(&own, data, size);
        if (status < 0) return status;
        metadata = own;
    }
    *orientation = metadata->orientation;
    glimpse_metadata_free(own);
    return GLIMPSE_OK;
}

/* Where the container tells coded pixels from the rest. 1, or 0: it is not as its format says. */
static int identity_of_parts(glimpse_hash *identity, glimpse_image_format format,
                             const glimpse_metadata *metadata, const uint8_t *data, size_t size) {
    int orientation;
    const int status = orientation_of(&orientation, format, metadata, data, size);
    if (status < 0) return status;
    const char *name = glimpse_image_format_name(format);
    glimpse_identifier to = begin(size, of_parts);
    if (!to.hasher) return GLIMPSE_E_NOMEM;
    glimpse_identify_bytes(&to, name, strlen(name));
    const int coded = glimpse_format_identify(format, &to, data, size) && !to.failed;
    glimpse_identify_number(&to, (uint64_t)orientation);
    *identity = glimpse_hasher_finish(to.hasher);
    return coded;
}

int glimpse_image_identity(glimpse_hash *identity, const glimpse_metadata *metadata,
                           const uint8_t *data, size_t size) {
    const glimpse_image_format format = glimpse_image_sniff(data, size);
    const int coded = glimpse_format_is_identified_by_pixels(format)
                          ? identity_of_pixels(identity, data, size)
                          : identity_of_parts(identity, format, metadata, data, size);
    if (coded < 0) return coded;
    if (coded) return 1;
    return glimpse_image_identity_of_bytes(identity, data, size);
}
