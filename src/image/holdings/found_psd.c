/*
 * image/holdings/found_psd.c - of a Photoshop file: layers, profile, depth, inks.
 *
 * A file that was saved from one layer has one, the background, or none: that is no more than the
 * picture.
 */
#include "image/holdings/found.h"

#include <stdlib.h>

enum { CMYK = 4, ICC = 1039 };

/* Records that are there: a count may be damaged. One is a rectangle, the number of its channels,
 * the channels, "8BIM", 8 bytes, the length of what is behind. */
static int count_layers(const uint8_t *data, size_t size, int declared, size_t channel) {
    size_t at = 0;
    for (int i = 0; i < declared; i++) {
        if (size < at || size - at < 18) return i;
        const size_t channels = glimpse_get16(data + at + 16, 1);
        at += 18;
        if (channels > (size - at) / channel) return i;
        at += channels * channel;
        if (size - at < 16 || memcmp(data + at, "8BIM", 4) != 0) return i;
        const size_t rest = glimpse_get32(data + at + 12, 1);
        at += 16;
        if (rest > size - at) return i;
        at += rest;
    }
    return declared;
}

/* The number of layers is that of the records, negative where the first channel of opacity is the
 * picture's. */
void glimpse_found_layers(glimpse_found *to, const uint8_t *section, size_t size) {
    if (size < 2) return;
    const int declared = abs((int)(int16_t)glimpse_get16(section, 1));
    int layers = count_layers(section + 2, size - 2, declared, 6);
    if (layers < declared) { /* lengths of channels are wider in large documents */
        const int wide = count_layers(section + 2, size - 2, declared, 10);
        if (wide > layers) layers = wide;
    }
    if (declared < 2) return;
    /* Damaged ones are something all the same, but nobody knows how many. */
    glimpse_found_add(to, GLIMPSE_HOLDING_LAYERS, section, size);
    if (layers >= 2) glimpse_found_count(to, GLIMPSE_HOLDING_LAYERS, layers);
}

static void look_at_resources(glimpse_found *to, const uint8_t *data, size_t size) {
    glimpse_found_resources(to, data, size);
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
