/*
 * image/decode/stb_pic.c - Softimage PIC.
 *
 *     53 80 F6 34, version (4 bytes), comment (80), "PICT", width, height (16 bits each),
 *     aspect ratio (4 bytes), fields (2), padding (2)
 *     packets: 1 when another follows, bits per sample, coding (0 plain, 1 runs, 2 runs and plain
 *     pixels mixed), channels (bits: 80 red, 40 green, 20 blue, 10 alpha)
 *     rows from top to bottom, each one coded packet after packet
 *
 * stb_image leaves channels that no packet has at 255, so that a picture without blue passes; and
 * it fills the memory of all pixels before it looks at any, so that a header alone can ask for a
 * lot. Both are checked here.
 */
#include "core/error.h"
#include "image/decode/stb.h"

enum { HEADER_BYTES = 104, MAX_PACKETS = 10 };
enum { PLAIN = 0, RUNS = 1, MIXED = 2 };
enum { RED_GREEN_BLUE = 0xe0, ALL_CHANNELS = 0xf0 };

static int check_header(const glimpse_source *source) {
    if (source->size < HEADER_BYTES) return glimpse_stb_cut("PIC");
    const uint64_t width = glimpse_u16be(source->data + 92);
    const uint64_t height = glimpse_u16be(source->data + 94);
    int status = glimpse_picture_check_size(source, width, height);
    if (status < 0) return status;
    const uint8_t *at = source->data + HEADER_BYTES, *end = source->data + source->size;
    unsigned channels = 0;
    uint64_t min = 0; /* bytes that a row takes at its densest */
    for (int packets = 0, more = 1; more; packets++, at += 4) {
        if (packets == MAX_PACKETS) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "PIC: more than %d packets", MAX_PACKETS);
        }
        if (end - at < 4) return glimpse_stb_cut("PIC");
        more = at[0];
        channels |= at[3];
        if (at[1] != 8) {
            return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PIC: %u bits per sample", at[1]);
        }
        uint64_t bytes = 0;
        for (unsigned bits = at[3] & ALL_CHANNELS; bits; bits &= bits - 1)
            bytes++;
        switch (at[2]) {
        case PLAIN: min += width * bytes; break;
        case RUNS: min += (width + 254) / 255 * (1 + bytes); break;
        case MIXED: min += 1 + bytes; break; /* one run can be as long as any row */
        default: return glimpse_fail(GLIMPSE_E_FORMAT, "PIC: a packet in coding %u", at[2]);
        }
    }
    if ((channels & RED_GREEN_BLUE) != RED_GREEN_BLUE) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "PIC: not all of red, green and blue are there");
    }
    return (uint64_t)(end - at) < min * height ? glimpse_stb_cut("PIC") : GLIMPSE_OK;
}

static int decode_pic(glimpse_image *picture, const glimpse_source *source) {
    int status = check_header(source);
    if (status < 0) return status;
    const glimpse_stb_stream stream = {.rest = source->data, .rest_size = source->size};
    return glimpse_stb_decode(picture, source, "PIC", &stream, GLIMPSE_STB_RGBA);
}

/* A file that was cut before "PICT" is still one, to be refused as that. */
static unsigned sniff(const uint8_t *p, size_t size) {
    if (!glimpse_has(p, size, 0, "\x53\x80\xf6\x34")) return 0;
    return size < 92 ? 4 : glimpse_has(p, size, 88, "PICT") * 2;
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < HEADER_BYTES) return glimpse_declares_nothing();
    return (glimpse_declared){glimpse_u16be(p + 92), glimpse_u16be(p + 94), 7, 0};
}

const glimpse_format glimpse_format_pic = {
    .name = "Softimage PIC",
    .endings = "pic",
    .sniff = sniff,
    .decode = decode_pic,
    .declared = declared,
    .lossless = glimpse_always_lossless,
};
