/*
 * metadata/xmp_packet.c - the XMP packet in a picture file.
 */
#include "metadata/xmp_packet.h"

#include "core/error.h"
#include "metadata/blocks.h"

#include <stdlib.h>
#include <string.h>

int glimpse_xmp_packet_of_file(char **packet, size_t *size, const void *data, size_t data_size) {
    glimpse_blocks blocks;
    int status = GLIMPSE_OK;
    *packet = NULL;
    *size = 0;
    glimpse_blocks_find(&blocks, data, data_size);
    if (blocks.nomem) {
        status = glimpse_fail_nomem(data_size, "metadata");
    } else if (blocks.xmp.count > 1) {
        status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                              "it holds %zu packets of XMP, of which one would be "
                              "lost; a sidecar can be written",
                              blocks.xmp.count);
    } else if (blocks.xmp.count == 1) {
        *size = blocks.xmp.items[0].size;
        *packet = malloc(*size + 1);
        if (!*packet) {
            status = glimpse_fail_nomem(*size, "an XMP packet");
        } else {
            memcpy(*packet, blocks.xmp.items[0].data, *size);
            (*packet)[*size] = '\0';
        }
    }
    glimpse_blocks_free(&blocks);
    return status;
}
