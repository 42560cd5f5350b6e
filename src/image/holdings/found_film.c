/*
 * image/holdings/found_film.c - how long a film is.
 */
#include "image/holdings/found.h"

static double duration_of(const uint8_t *data, size_t size) {
    glimpse_iso_box moov, head;
    if (!glimpse_iso_find(&moov, "moov", data, size) ||
        !glimpse_iso_find(&head, "mvhd", moov.body, moov.size) || head.size < 20)
        return 0;
    const int wide = head.body[0] == 1;
    if (wide && head.size < 32) return 0;
    const uint32_t scale = glimpse_get32(head.body + (wide ? 20 : 12), 1);
    const uint64_t duration =
        wide ? glimpse_get64be(head.body + 24) : glimpse_get32(head.body + 16, 1);
    if (scale == 0 || duration == UINT32_MAX || duration == UINT64_MAX) return 0;
    return (double)duration / (double)scale;
}

void glimpse_found_film(glimpse_found *to, const uint8_t *data, size_t size) {
    glimpse_found_add(to, GLIMPSE_HOLDING_VIDEO, data, size);
    glimpse_found_count(to, GLIMPSE_HOLDING_VIDEO, duration_of(data, size));
}
