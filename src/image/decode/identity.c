/*
 * image/decode/identity.c - finds the identity of the coded picture in a file; identity.h says what
 * that is made of.
 */
#include "image/decode/identity.h"

static glimpse_identifier begin(size_t size, const char *what) {
    glimpse_identifier to = {.hasher = glimpse_hasher_create(), .left = 2 * (uint64_t)size + 4096};
    if (to.hasher) glimpse_hasher_update(to.hasher, what, strlen(what) + 1);
    return to;
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

int glimpse_image_identity(glimpse_hash *identity, const glimpse_metadata *metadata,
                           const uint8_t *data, size_t size) {
    const glimpse_image_format format = glimpse_image_sniff(data, size);
    int orientation;
    const int status = orientation_of(&orientation, format, metadata, data, size);
    if (status < 0) return status;
    const char *name = glimpse_image_format_name(format);
    /* The number is that of the rules: when they change, what was stored is no identity any more.
     */
    glimpse_identifier to = begin(size, "glimpse picture 1");
    if (!to.hasher) return GLIMPSE_E_NOMEM;
    glimpse_identify_bytes(&to, name, strlen(name));
    const int coded = glimpse_format_identify(format, &to, data, size) && !to.failed;
    glimpse_identify_number(&to, (uint64_t)orientation);
    *identity = glimpse_hasher_finish(to.hasher);
    if (coded) return 1;
    to = begin(size, "glimpse bytes 1");
    if (!to.hasher) return GLIMPSE_E_NOMEM;
    glimpse_identify_bytes(&to, data, size);
    *identity = glimpse_hasher_finish(to.hasher);
    return 0;
}
