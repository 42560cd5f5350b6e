/*
 * image/holdings/found_profile.c - colour profiles. One is that of sRGB when its primaries and its
 * curve are, whatever it calls itself.
 *
 * ICC: a header of 128 bytes (colour space at 16), a count, then for each tag its name, offset and
 * length. XYZ numbers and parametric curves are of 16.16 bits.
 */
#include "image/holdings/found.h"

#include <math.h>

enum { MAX_TAGS = 100 };

static const uint8_t *find_tag(size_t *size, const uint8_t *icc, size_t total, const char *name) {
    const size_t count = glimpse_get32(icc + 128, 1);
    for (size_t i = 0; i < count && i < MAX_TAGS && (total - 132) / 12 > i; i++) {
        const uint8_t *entry = icc + 132 + 12 * i;
        const size_t at = glimpse_get32(entry + 4, 1), length = glimpse_get32(entry + 8, 1);
        if (memcmp(entry, name, 4) != 0) continue;
        if (at > total || length > total - at) return NULL;
        *size = length;
        return icc + at;
    }
    return NULL;
}

static double fixed(const uint8_t *p) {
    return (double)(int32_t)glimpse_get32(p, 1) / 65536.0;
}

static int is_primary(const uint8_t *icc, size_t total, const char *name, const double xyz[3]) {
    size_t size = 0;
    const uint8_t *tag = find_tag(&size, icc, total, name);
    if (!tag || size < 20) return 0;
    for (int i = 0; i < 3; i++) {
        if (fabs(fixed(tag + 8 + 4 * i) - xyz[i]) > 0.004) return 0;
    }
    return 1;
}

/* What the curve makes of a half; negative when it cannot be told. */
static double curve_at_half(const uint8_t *tag, size_t size) {
    if (size < 12) return -1;
    if (memcmp(tag, "curv", 4) == 0) {
        const size_t count = glimpse_get32(tag + 8, 1);
        if (count == 0) return 0.5;
        if (count > (size - 12) / 2) return -1;
        if (count == 1) return pow(0.5, (double)glimpse_get16(tag + 12, 1) / 256.0);
        return (double)glimpse_get16(tag + 12 + 2 * (count / 2), 1) / 65535.0;
    }
    if (memcmp(tag, "para", 4) != 0 || size < 16) return -1;
    const unsigned type = glimpse_get16(tag + 8, 1);
    const double g = fixed(tag + 12);
    if (type == 0) return pow(0.5, g);
    if (type < 3 || type > 4 || size < 32) return -1;
    const double base = fixed(tag + 16) * 0.5 + fixed(tag + 20);
    return base > 0 ? pow(base, g) : -1;
}

static int is_curve(const uint8_t *icc, size_t total, const char *name) {
    size_t size = 0;
    const uint8_t *tag = find_tag(&size, icc, total, name);
    const double half = tag ? curve_at_half(tag, size) : -1;
    return half > 0.205 && half < 0.223; /* sRGB: 0.214; a gamma of 2.2: 0.218 */
}

static int is_srgb(const uint8_t *icc, size_t size) {
    static const double red[3] = {0.4361, 0.2225, 0.0139}, green[3] = {0.3851, 0.7169, 0.0971},
                        blue[3] = {0.1431, 0.0606, 0.7141};
    if (size < 132) return 1; /* damaged: it says nothing */
    if (memcmp(icc + 16, "GRAY", 4) == 0) return is_curve(icc, size, "kTRC");
    return memcmp(icc + 16, "RGB ", 4) == 0 && is_primary(icc, size, "rXYZ", red) &&
           is_primary(icc, size, "gXYZ", green) && is_primary(icc, size, "bXYZ", blue) &&
           is_curve(icc, size, "rTRC");
}

void glimpse_found_profile(glimpse_found *to, const uint8_t *icc, size_t size) {
    if (!is_srgb(icc, size)) glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, icc, size);
}
