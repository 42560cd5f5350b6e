/*
 * exif.c - a block of EXIF data, and the JPEG around one as it is sent to a model elsewhere.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "image/decode/exif.h"
#include "vlm/remote/remote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    glimpse_image_meta meta = {.orientation = 1};
    glimpse_exif_read(&meta, data, size);
    PROMISE(meta.orientation >= 1 && meta.orientation <= 8);
    PROMISE(memchr(meta.taken, '\0', sizeof meta.taken));
    PROMISE(memchr(meta.camera, '\0', sizeof meta.camera));
    PROMISE(glimpse_utf8_is_valid(meta.camera, strlen(meta.camera)));
    if (meta.has_gps) PROMISE(fabs(meta.latitude) <= 90 && fabs(meta.longitude) <= 180);
    uint8_t *block = NULL;
    int orientation = 0;
    const size_t length = glimpse_remote_exif(data, size, &block, &orientation);
    PROMISE(length <= size && (length == 0 || block));
    free(block);
    return 0;
}
