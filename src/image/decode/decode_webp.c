/*
 * image/decode/decode_webp.c - WebP through libwebp: lossy, lossless, the first frame of
 * animations.
 *
 * The picture is the canvas; a first frame smaller than it is placed at its offset and the rest
 * stays black, which is the RGB part of Pillow's transparent canvas. Alpha is dropped, or, for
 * glimpse_decode_options.composite, kept beside the pixels.
 *
 * Reduced decoding (glimpse_decode_options.short_side) goes through libwebp's rescaler, which
 * averages; a first frame that does not fill the canvas is decoded whole.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/exif.h"
#include "image/decode/identity.h"

#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>

/* From a buffer of the frame, R,G,B,A, to its place on the canvas. */
static void place(glimpse_image *picture, const WebPIterator *frame, const uint8_t *rgba,
                  size_t width, size_t height) {
    for (size_t y = 0; y < height; y++) {
        const size_t at = ((size_t)frame->y_offset + y) * picture->width + (size_t)frame->x_offset;
        glimpse_picture_split(picture, at, rgba + y * width * 4, width);
    }
}

static int decode_frame(glimpse_image *picture, const WebPIterator *frame, int composite) {
    const size_t width = picture->width, height = picture->height;
    const size_t canvas_width = picture->whole_width, canvas_height = picture->whole_height;
    if (frame->x_offset < 0 || frame->y_offset < 0 || frame->width <= 0 || frame->height <= 0 ||
        (size_t)frame->x_offset + (size_t)frame->width > canvas_width ||
        (size_t)frame->y_offset + (size_t)frame->height > canvas_height) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "WebP: the first frame is outside the picture");
    }
    /* The stream inside the frame has a size of its own, which must be the announced one. */
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "WebP: libwebp of another version");
    }
    VP8StatusCode code =
        WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &config.input);
    if (code == VP8_STATUS_OK &&
        (config.input.width != frame->width || config.input.height != frame->height)) {
        code = VP8_STATUS_BITSTREAM_ERROR;
    }
    const int covers =
        (size_t)frame->width == canvas_width && (size_t)frame->height == canvas_height;
    uint8_t *rgba = NULL;
    size_t frame_width = (size_t)frame->width, frame_height = (size_t)frame->height;
    if (code == VP8_STATUS_OK && composite && (config.input.has_alpha || !covers)) {
        if (covers) { /* perhaps reduced */
            frame_width = width;
            frame_height = height;
        }
        int status = glimpse_picture_reserve_alpha(picture);
        if (status < 0) return status;
        rgba = malloc(frame_width * frame_height * 4);
        if (!rgba) return glimpse_fail_nomem(frame_width * frame_height * 4, "pixels");
    }
    if (code == VP8_STATUS_OK) {
        const size_t offset = ((size_t)frame->y_offset * width + (size_t)frame->x_offset) * 3;
        if (width < (size_t)frame->width) { /* reduced; then the frame fills the canvas */
            config.options.use_scaling = 1;
            config.options.scaled_width = (int)width;
            config.options.scaled_height = (int)height;
        }
        config.output.colorspace = MODE_RGB;
        config.output.is_external_memory = 1;
        config.output.u.RGBA.rgba = picture->pixels + offset;
        config.output.u.RGBA.stride = (int)(width * 3);
        config.output.u.RGBA.size = width * height * 3 - offset;
        if (rgba) {
            config.output.colorspace = MODE_RGBA;
            config.output.u.RGBA.rgba = rgba;
            config.output.u.RGBA.stride = (int)(frame_width * 4);
            config.output.u.RGBA.size = frame_width * frame_height * 4;
        }
        code = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
        WebPFreeDecBuffer(&config.output);
    }
    if (rgba && code == VP8_STATUS_OK) place(picture, frame, rgba, frame_width, frame_height);
    free(rgba);
    switch (code) {
    case VP8_STATUS_OK: return GLIMPSE_OK;
    case VP8_STATUS_OUT_OF_MEMORY: return glimpse_fail_nomem(0, "a WebP decoder");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
        return glimpse_fail(GLIMPSE_E_FORMAT, "WebP: the file ends before the picture does");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED, "WebP: uses a feature libwebp does not have");
    default: return glimpse_fail(GLIMPSE_E_FORMAT, "WebP: damaged picture data");
    }
}

static int decode_webp(glimpse_image *picture, const glimpse_source *source) {
    WebPData data = {source->data, source->size};
    WebPDemuxState state;
    WebPDemuxer *demuxer = WebPDemuxPartial(&data, &state);
    WebPIterator frame = {0};
    WebPChunkIterator chunk = {0};
    int status;
    if (!demuxer || state != WEBP_DEMUX_DONE) {
        const int cut = state == WEBP_DEMUX_PARSING_HEADER || state == WEBP_DEMUX_PARSED_HEADER;
        status = glimpse_fail(GLIMPSE_E_FORMAT, "WebP: %s",
                              cut ? "the file ends before the picture does" : "damaged structure");
        goto done;
    }
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        glimpse_exif_read(&picture->meta, chunk.chunk.bytes, chunk.chunk.size);
        picture->pending_orientation = picture->meta.orientation;
    }
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "WebP: no frame in the file");
        goto done;
    }
    const uint32_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    const uint32_t height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    status = glimpse_picture_check_size(source, width, height);
    if (status < 0) goto done;
    const int fills = frame.width >= 0 && (uint32_t)frame.width == width && frame.height >= 0 &&
                      (uint32_t)frame.height == height;
    const unsigned by = fills ? glimpse_picture_reduction(source, width, height) : 1;
    status = glimpse_picture_reserve(picture, source, glimpse_reduced(width, by),
                                     glimpse_reduced(height, by));
    if (status < 0) goto done;
    picture->whole_width = width;
    picture->whole_height = height;
    status = decode_frame(picture, &frame, source->composite);
done:
    WebPDemuxReleaseChunkIterator(&chunk);
    WebPDemuxReleaseIterator(&frame);
    WebPDemuxDelete(demuxer);
    return status;
}

static int identify(glimpse_identifier *to, const uint8_t *data, size_t size) {
    const WebPData bytes = {data, size};
    WebPDemuxState state;
    WebPChunkIterator chunk = {0};
    if (!glimpse_identify_webp(to, data, size)) return 0;
    WebPDemuxer *demuxer = WebPDemuxPartial(&bytes, &state);
    const int whole = demuxer && state == WEBP_DEMUX_DONE;
    if (whole && WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        glimpse_exif_read(to->meta, chunk.chunk.bytes, chunk.chunk.size);
    }
    WebPDemuxReleaseChunkIterator(&chunk);
    WebPDemuxDelete(demuxer);
    return whole;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "RIFF") && glimpse_has(p, size, 8, "WEBP") ? 8 : 0;
}

static uint32_t u24le(const uint8_t *p) {
    return (uint32_t)p[2] << 16 | glimpse_u16le(p);
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < 30) return glimpse_declares_nothing();
    if (glimpse_has(p, size, 12, "VP8X")) {
        return (glimpse_declared){u24le(p + 24) + 1, u24le(p + 27) + 1, 12, 0};
    }
    if (glimpse_has(p, size, 12, "VP8L")) {
        const uint32_t bits = glimpse_u32le(p + 21);
        return (glimpse_declared){(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, 12, 0};
    }
    if (glimpse_has(p, size, 12, "VP8 ")) {
        return (glimpse_declared){glimpse_u16le(p + 26) & 0x3fff, glimpse_u16le(p + 28) & 0x3fff, 8,
                                  0};
    }
    return glimpse_declares_nothing();
}

/* Whether the first chunk of pixels says so. Chunks: name, length, data, padding. */
static int lossless(const uint8_t *p, size_t size) {
    for (size_t at = 12; at + 8 <= size;) {
        const size_t length = glimpse_u32le(p + at + 4);
        if (glimpse_has(p, size, at, "VP8L")) return 1;
        if (glimpse_has(p, size, at, "VP8 ") || length > size - at - 8) return 0;
        at += 8 + length + (length & 1);
    }
    return 0;
}

const glimpse_format glimpse_format_webp = {
    .name = "WebP",
    .endings = "webp",
    .media_type = "image/webp",
    .sniff = sniff,
    .decode = decode_webp,
    .reducible = 1,
    .declared = declared,
    .lossless = lossless,
    .identify = identify,
};
