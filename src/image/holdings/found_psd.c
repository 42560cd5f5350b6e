/*
 * image/holdings/found_psd.c - of a Photoshop file: layers, profile, depth, inks.
 *
 * A file that was saved from one layer has one, the background, or none: that is no more than the
 * picture.
 */
#include "image/holdings/found.h"

#include <stdlib.h>

enum { CMYK = 4, ICC = 1039 };

/* The number of layers is that of the records, negative where the first channel of opacity is the
 * picture's. */
void glimpse_found_layers(glimpse_found *to, const uint8_t *section, size_t size) {
    if (size < 2) return;
    const int layers = abs((int)(int16_t)glimpse_get16(section, 1));
    if (layers < 2) return;
    glimpse_found_add(to, GLIMPSE_HOLDING_LAYERS, section, size);
    glimpse_found_count(to, GLIMPSE_HOLDING_LAYERS, layers);
}

static void look_at_resources(glimpse_found *to, const uint8_t *data, size_t size) {
    for (size_t at = 0; size >= at && size - at >= 12;) {
        const unsigned id = glimpse_get16(data + at + 4, 1);
        at += 6;
        at += ((size_t)data[at] + 2) & ~(size_t)1;
        if (size < at || size - at < 4) return;
        const size_t length = glimpse_get32(data + at, 1);
        at += 4;
        if (length > size - at) return;
        if (id == ICC) glimpse_found_profile(to, data + at, length);
        at += length + (length & 1);
    }
}

/* Those of 16 and 32 bits are in a block behind the masks: signature, name, length. */
static void find_deep_layers(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 4) return;
    const size_t masks = glimpse_get32(data, 1);
    if (masks > size - 4) return;
    for (size_t at = 4 + masks; size >= at && size - at >= 12;) {
        const uint8_t *block = data + at;
        const size_t length = glimpse_get32(block + 8, 1);
        if (memcmp(block, "8BIM", 4) != 0 || length > size - at - 12) return;
        if (memcmp(block + 4, "Lr16", 4) == 0 || memcmp(block + 4, "Lr32", 4) == 0)
            glimpse_found_layers(to, block + 12, length);
        at += 12 + ((length + 3) & ~(size_t)3);
    }
}

void glimpse_found_in_psd(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 34) return;
    const int large = glimpse_get16(data + 4, 1) == 2;
    const unsigned mode = glimpse_get16(data + 24, 1);
    to->may_be_deep = glimpse_get16(data + 22, 1) == 16;
    to->may_be_transparent = 1;
    if (mode == CMYK) glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, "CMYK", 4);
    size_t at = 26;
    for (int section = 0; section < 2; section++) {
        if (size - at < 4) return;
        const size_t length = glimpse_get32(data + at, 1);
        at += 4;
        if (length > size - at) return;
        if (section == 1) look_at_resources(to, data + at, length);
        at += length;
    }
    /* Layers and masks, with their length in front; inside, the layers with theirs. */
    const size_t word = large ? 8 : 4;
    if (size - at < 2 * word) return;
    const uint64_t whole = large ? glimpse_get64be(data + at) : glimpse_get32(data + at, 1);
    const uint64_t inner = large ? glimpse_get64be(data + at + 8) : glimpse_get32(data + at + 4, 1);
    at += word;
    if (whole < word || whole > size - at || inner > whole - word) return;
    glimpse_found_layers(to, data + at + word, (size_t)inner);
    find_deep_layers(to, data + at + word + (size_t)inner, (size_t)(whole - word - inner));
}
