/*
 * exif.c - a block of EXIF data, and the JPEG around one as it is sent to a model elsewhere.
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "metadata/fields.h"
#include "vlm/remote/remote.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const glimpse_tiff_kind kinds[] = {GLIMPSE_TIFF_WHOLE, GLIMPSE_TIFF_EXIF, GLIMPSE_TIFF_GPS};
    const uint8_t *exif = data;
    size_t exif_size = size;
    if (size > 6 && memcmp(data, "Exif\0", 5) == 0) exif += 6, exif_size -= 6;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        glimpse_fields fields = {.has_gps = 0};
        glimpse_exif_parse(&fields, exif, exif_size, kinds[i]);
        PROMISE(fields.orientation >= 0 && fields.orientation <= 8);
        for (size_t k = 0; k < GLIMPSE_TEXT_FIELDS; k++) {
            const char *text = fields.texts[k];
            if (text) PROMISE(*text && glimpse_utf8_is_valid(text, strlen(text)));
        }
        if (fields.has_gps) {
            PROMISE(fabs(fields.latitude) <= 90 && fabs(fields.longitude) <= 180);
        }
        glimpse_fields_free(&fields);
    }
    uint8_t *block = NULL;
    int orientation = 0;
    const size_t length = glimpse_remote_exif(data, size, &block, &orientation);
    PROMISE(length <= size && (length == 0 || block));
    free(block);
    return 0;
}
