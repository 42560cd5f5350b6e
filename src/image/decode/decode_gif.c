/*
 * image/decode/decode_gif.c - the first frame of a GIF, through giflib.
 *
 * stb_image composes the frame over the background colour and shows transparent pixels as black;
 * Pillow, which we follow, keeps the palette's colour of the transparent index. What the frame
 * does not cover is the transparent index where the file has one, else index 0. A frame that
 * reaches beyond the screen enlarges it.
 *
 * giflib wants the end of the frame's data, which no pixel needs. Where the file ends inside the
 * data, the block it ends in is given the length that is there, and an empty block follows: then
 * giflib says whether a pixel is missing.
 */
#include "core/error.h"
#include "image/decode/decoder.h"
#include "image/decode/identity.h"

#include <stdlib.h>

#include <gif_lib.h>

typedef struct reader {
    const uint8_t *data;
    size_t size, at;
    int in_pixels;    /* behind the end there are zeros: empty blocks */
    size_t length_at; /* where the length is of the block that the file ends in, or 0 */
} reader;

static int read_bytes(GifFileType *gif, GifByteType *to, int count) {
    reader *r = gif->UserData;
    size_t wanted = count > 0 ? (size_t)count : 0;
    size_t left = r->size - r->at;
    if (wanted > left) wanted = left;
    memcpy(to, r->data + r->at, wanted);
    if (r->length_at > 0 && r->length_at >= r->at && r->length_at - r->at < wanted) {
        to[r->length_at - r->at] = (GifByteType)(r->size - r->length_at - 1);
    }
    r->at += wanted;
    if (r->in_pixels && wanted == 0) {
        memset(to, 0, (size_t)(count > 0 ? count : 0));
        return count;
    }
    return (int)wanted;
}

/* At the first block of the frame's data: finds the one that the file ends in. */
static void start_pixels(reader *r) {
    r->in_pixels = 1;
    size_t at = r->at;
    while (at < r->size && r->data[at] != 0 && r->data[at] < r->size - at)
        at += 1 + (size_t)r->data[at];
    if (at < r->size && r->data[at] != 0) r->length_at = at;
}

static int gif_fail(int code, const reader *r) {
    const int ended = r->at >= r->size;
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) return glimpse_fail_nomem(0, "a GIF decoder");
    if (code == D_GIF_ERR_READ_FAILED || code == D_GIF_ERR_EOF_TOO_SOON || ended) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "GIF: the file ends before the picture does");
    }
    return glimpse_fail(GLIMPSE_E_FORMAT, "GIF: %s",
                        glimpse_foreign_message(GifErrorString(code), "damaged"));
}

/* Skips records up to the first frame; notes the transparent index (-1: none). */
static int find_frame(GifFileType *gif, int *transparent) {
    *transparent = -1;
    for (;;) {
        GifRecordType type;
        if (DGifGetRecordType(gif, &type) == GIF_ERROR) return gif_fail(gif->Error, gif->UserData);
        if (type == IMAGE_DESC_RECORD_TYPE) return GLIMPSE_OK;
        if (type == TERMINATE_RECORD_TYPE) {
            return glimpse_fail(GLIMPSE_E_FORMAT, "GIF: no frame in the file");
        }
        int kind;
        GifByteType *block;
        if (DGifGetExtension(gif, &kind, &block) == GIF_ERROR)
            return gif_fail(gif->Error, gif->UserData);
        while (block) {
            if (kind == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4) {
                *transparent = (block[1] & 1) ? block[4] : -1;
                kind = 0; /* only the first block of the extension */
            }
            if (DGifGetExtensionNext(gif, &block) == GIF_ERROR)
                return gif_fail(gif->Error, gif->UserData);
        }
    }
}

/* RGB of every index; one without an entry is a grey of that value, as in Pillow. */
static void make_table(uint8_t table[256][3], const ColorMapObject *map) {
    for (int i = 0; i < 256; i++) {
        table[i][0] = table[i][1] = table[i][2] = (uint8_t)i;
        if (!map || i >= map->ColorCount) continue;
        table[i][0] = map->Colors[i].Red;
        table[i][1] = map->Colors[i].Green;
        table[i][2] = map->Colors[i].Blue;
    }
}

static int decode(GifFileType *gif, glimpse_image *picture, const glimpse_source *source) {
    int transparent;
    int status = find_frame(gif, &transparent);
    if (status < 0) return status;
    /* The screen's size before the frame's: giflib takes no memory for pixels here. */
    if (DGifGetImageDesc(gif) == GIF_ERROR) return gif_fail(gif->Error, gif->UserData);
    const GifImageDesc *frame = &gif->Image;
    if (frame->Left < 0 || frame->Top < 0 || frame->Width <= 0 || frame->Height <= 0) {
        return glimpse_fail(GLIMPSE_E_FORMAT, "GIF: the first frame is empty");
    }
    const size_t left = (size_t)frame->Left, top = (size_t)frame->Top;
    const size_t frame_width = (size_t)frame->Width, frame_height = (size_t)frame->Height;
    size_t width = gif->SWidth > 0 ? (size_t)gif->SWidth : 0;
    size_t height = gif->SHeight > 0 ? (size_t)gif->SHeight : 0;
    if (width < left + frame_width) width = left + frame_width;
    if (height < top + frame_height) height = top + frame_height;
    status = glimpse_picture_reserve(picture, source, width, height);
    if (status < 0) return status;

    if (source->composite && transparent >= 0) {
        status = glimpse_picture_reserve_alpha(picture);
        if (status < 0) return status;
    }
    uint8_t table[256][3];
    make_table(table, frame->ColorMap ? frame->ColorMap : gif->SColorMap);
    if (frame_width != width || frame_height != height) {
        const uint8_t *around = table[transparent >= 0 ? transparent : 0];
        for (size_t i = 0; i < width * height; i++)
            memcpy(picture->pixels + i * 3, around, 3);
    }

    start_pixels(gif->UserData);
    GifPixelType *line = malloc(frame_width);
    if (!line) return glimpse_fail_nomem(frame_width, "a GIF row");
    /* Interlaced: every 8th row from 0, every 8th from 4, every 4th from 2, every 2nd from 1. */
    static const size_t first[4] = {0, 4, 2, 1}, step[4] = {8, 8, 4, 2};
    for (int pass = 0; pass < (frame->Interlace ? 4 : 1) && status == GLIMPSE_OK; pass++) {
        const size_t stride = frame->Interlace ? step[pass] : 1;
        for (size_t y = frame->Interlace ? first[pass] : 0; y < frame_height; y += stride) {
            if (DGifGetLine(gif, line, (int)frame_width) == GIF_ERROR) {
                status = gif_fail(gif->Error, gif->UserData);
                break;
            }
            uint8_t *row = picture->pixels + ((top + y) * width + left) * 3;
            for (size_t x = 0; x < frame_width; x++)
                memcpy(row + x * 3, table[line[x]], 3);
            for (size_t x = 0; x < frame_width && picture->alpha; x++)
                picture->alpha[(top + y) * width + left + x] = line[x] == transparent ? 0 : 255;
        }
    }
    free(line);
    return status;
}

static int decode_gif(glimpse_image *picture, const glimpse_source *source) {
    reader r = {.data = source->data, .size = source->size};
    int code = 0;
    GifFileType *gif = DGifOpen(&r, read_bytes, &code);
    if (!gif) return gif_fail(code, &r);
    int status = decode(gif, picture, source);
    (void)DGifCloseFile(gif, NULL);
    return status;
}

static unsigned sniff(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "GIF87a") | glimpse_has(p, size, 0, "GIF89a");
}

static glimpse_declared declared(const uint8_t *p, size_t size) {
    if (size < 10) return glimpse_declares_nothing();
    return (glimpse_declared){glimpse_u16le(p + 6), glimpse_u16le(p + 8), 13, 0};
}

/* Not lossless as far as glimpse can tell: colours were mostly reduced to a palette on the way. */
const glimpse_format glimpse_format_gif = {
    .name = "GIF",
    .endings = "gif",
    .sniff = sniff,
    .decode = decode_gif,
    .declared = declared,
    .identify = glimpse_identify_gif,
    .has_end = 1,
};
