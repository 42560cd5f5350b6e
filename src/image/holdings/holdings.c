/*
 * image/holdings/holdings.c - from the bytes of a file to the list of what it holds, and how two
 * lists differ.
 */
#include "core/error.h"
#include "core/file.h"
#include "image/depth.h"
#include "image/format.h"
#include "image/holdings/found.h"

#include <glimpse/sys/image.h>

#include <stdio.h>
#include <stdlib.h>

static const char *const names[GLIMPSE_HOLDING_COUNT] = {
    [GLIMPSE_HOLDING_PAGES] = "pages",
    [GLIMPSE_HOLDING_FRAMES] = "frames",
    [GLIMPSE_HOLDING_VIDEO] = "video",
    [GLIMPSE_HOLDING_AUDIO] = "audio",
    [GLIMPSE_HOLDING_ALPHA] = "alpha",
    [GLIMPSE_HOLDING_DEPTH] = "depth",
    [GLIMPSE_HOLDING_PROFILE] = "profile",
    [GLIMPSE_HOLDING_VIEWS] = "views",
    [GLIMPSE_HOLDING_DEPTH_MAP] = "depth-map",
    [GLIMPSE_HOLDING_GAIN_MAP] = "gain-map",
    [GLIMPSE_HOLDING_LAYERS] = "layers",
    [GLIMPSE_HOLDING_ATTACHMENT] = "attachment",
    [GLIMPSE_HOLDING_EDITS] = "edits",
    [GLIMPSE_HOLDING_CAPTION] = "caption",
    [GLIMPSE_HOLDING_TITLE] = "title",
    [GLIMPSE_HOLDING_KEYWORDS] = "keywords",
    [GLIMPSE_HOLDING_PEOPLE] = "people",
    [GLIMPSE_HOLDING_RATING] = "rating",
    [GLIMPSE_HOLDING_LABEL] = "label",
    [GLIMPSE_HOLDING_PLACE] = "place",
    [GLIMPSE_HOLDING_DATE] = "date",
    [GLIMPSE_HOLDING_CREATOR] = "creator",
    [GLIMPSE_HOLDING_COPYRIGHT] = "copyright",
    [GLIMPSE_HOLDING_CAMERA] = "camera",
    [GLIMPSE_HOLDING_RESOLUTION] = "resolution",
    [GLIMPSE_HOLDING_COLOUR] = "colour",
    [GLIMPSE_HOLDING_QUALITY] = "quality",
    [GLIMPSE_HOLDING_METADATA] = "metadata",
};

const char *glimpse_holding_kind_name(glimpse_holding_kind kind) {
    return (unsigned)kind < GLIMPSE_HOLDING_COUNT ? names[kind] : "?";
}

int glimpse_holding_kind_of_name(glimpse_holding_kind *kind, const char *name) {
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        if (strcmp(names[k], name) != 0) continue;
        *kind = (glimpse_holding_kind)k;
        return 1;
    }
    return 0;
}

void glimpse_holding_text(char *out, size_t capacity, const glimpse_holding *holding) {
    const char *name = glimpse_holding_kind_name(holding->kind);
    switch (holding->kind) {
    case GLIMPSE_HOLDING_PAGES:
    case GLIMPSE_HOLDING_FRAMES:
    case GLIMPSE_HOLDING_DEPTH:
    case GLIMPSE_HOLDING_VIEWS:
    case GLIMPSE_HOLDING_LAYERS:
        if (holding->amount >= 1) {
            (void)snprintf(out, capacity, "%s:%.0f", name, holding->amount);
            return;
        }
        break;
    default: break;
    }
    (void)snprintf(out, capacity, "%s", name);
}

/* Only what the header announces is decoded for. */
static void look_at_samples(glimpse_found *found, const void *data, size_t size,
                            uint64_t max_pixels) {
    unsigned bits = 0;
    glimpse_hash samples;
    if (found->may_be_deep) {
        const int status = glimpse_image_depth(&bits, &samples, data, size, max_pixels);
        if (status == GLIMPSE_E_NOMEM) found->nomem = 1;
        if (status == GLIMPSE_OK && bits > 8) {
            glimpse_found_add(found, GLIMPSE_HOLDING_DEPTH, samples.bytes, sizeof samples.bytes);
            found->kinds[GLIMPSE_HOLDING_DEPTH].amount = bits;
        }
    }
    if (!found->may_be_transparent) return;
    glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
    glimpse_image *image = NULL;
    options.max_pixels = max_pixels;
    options.ground = GLIMPSE_GROUND_KEEP;
    const int status = glimpse_image_decode(&image, data, size, "picture", &options);
    if (status == GLIMPSE_E_NOMEM) found->nomem = 1;
    if (status == GLIMPSE_OK && glimpse_image_alpha(image)) {
        glimpse_found_count(found, GLIMPSE_HOLDING_ALPHA, 0);
    }
    glimpse_image_free(image);
}

static void look_into(glimpse_found *found, const uint8_t *data, size_t size) {
    switch (glimpse_image_sniff(data, size)) {
    case GLIMPSE_FORMAT_JPEG: glimpse_found_in_jpeg(found, data, size); break;
    case GLIMPSE_FORMAT_PNG: glimpse_found_in_png(found, data, size); break;
    case GLIMPSE_FORMAT_GIF: glimpse_found_in_gif(found, data, size); break;
    case GLIMPSE_FORMAT_WEBP: glimpse_found_in_webp(found, data, size); break;
    case GLIMPSE_FORMAT_TIFF: glimpse_found_in_tiff(found, data, size); break;
    case GLIMPSE_FORMAT_PSD: glimpse_found_in_psd(found, data, size); break;
    case GLIMPSE_FORMAT_HEIF:
    case GLIMPSE_FORMAT_AVIF: glimpse_found_in_iso(found, data, size); break;
    case GLIMPSE_FORMAT_PNM:
        found->may_be_deep = size > 2 && (data[1] == '5' || data[1] == '6');
        break;
    case GLIMPSE_FORMAT_HDR:
        glimpse_found_add(found, GLIMPSE_HOLDING_DEPTH, data, size);
        found->kinds[GLIMPSE_HOLDING_DEPTH].amount = 32;
        break;
    default: found->may_be_transparent = 1; break;
    }
}

static int compare_parts(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* One piece of memory: the list, its items, all parts. */
static glimpse_holdings *make_list(glimpse_found *found) {
    size_t count = 0, parts = 0;
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        count += found->kinds[k].present != 0;
        parts += found->kinds[k].count;
    }
    const size_t head = sizeof(glimpse_holdings) + count * sizeof(glimpse_holding);
    glimpse_holdings *list = calloc(1, head + parts * sizeof(uint64_t));
    if (!list) return NULL;
    glimpse_holding *item = (glimpse_holding *)(list + 1);
    uint64_t *part = (uint64_t *)(item + count);
    list->items = item;
    list->count = count;
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++) {
        glimpse_found_parts *from = &found->kinds[k];
        if (!from->present) continue;
        if (from->count > 0) qsort(from->items, from->count, sizeof *from->items, compare_parts);
        *item = (glimpse_holding){(glimpse_holding_kind)k,           from->amount, part, 0,
                                  from->is_weak && from->count == 0, from->order};
        for (size_t i = 0; i < from->count; i++) {
            if (i > 0 && from->items[i] == from->items[i - 1]) continue;
            *part++ = from->items[i];
            item->part_count++;
        }
        item++;
    }
    return list;
}

int glimpse_holdings_read(glimpse_holdings **out, const void *data, size_t size, const char *path,
                          uint64_t max_pixels) {
    const glimpse_kept_error before = glimpse_error_keep();
    glimpse_found *found = calloc(1, sizeof *found);
    *out = NULL;
    if (!found) return glimpse_fail_nomem(sizeof *found, "what a file holds");
    found->max_pixels = max_pixels ? max_pixels : GLIMPSE_DEFAULT_MAX_PIXELS;
    look_into(found, data, size);
    look_at_samples(found, data, size, max_pixels);
    glimpse_found_in_metadata(found, data, size, path);
    if (path) glimpse_found_beside(found, path);
    if (!found->nomem) *out = make_list(found);
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++)
        free(found->kinds[k].items);
    free(found);
    if (!*out) return glimpse_fail_nomem(size, "what a file holds");
    glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_holdings_load(glimpse_holdings **out, const char *path, uint64_t max_pixels) {
    void *data = NULL;
    size_t size = 0;
    *out = NULL;
    const size_t limit = SIZE_MAX > UINT32_MAX ? (size_t)UINT32_MAX : SIZE_MAX / 2;
    int status = glimpse_file_read(&data, &size, path, limit);
    if (status == GLIMPSE_OK) status = glimpse_holdings_read(out, data, size, path, max_pixels);
    free(data);
    return status;
}

void glimpse_holdings_free(glimpse_holdings *holdings) {
    free(holdings);
}

const glimpse_holding *glimpse_holdings_find(const glimpse_holdings *holdings,
                                             glimpse_holding_kind kind) {
    for (size_t i = 0; holdings && i < holdings->count; i++) {
        if (holdings->items[i].kind == kind) return &holdings->items[i];
    }
    return NULL;
}

static int has_parts(const glimpse_holding *a, const glimpse_holding *b) {
    size_t at = 0;
    for (size_t i = 0; i < a->part_count; i++) {
        while (at < b->part_count && b->parts[at] < a->parts[i])
            at++;
        if (at == b->part_count || b->parts[at] != a->parts[i]) return 0;
    }
    return 1;
}

/* What people wrote may stand in a field of another kind in the other file. */
static int has_text(const glimpse_holdings *b, glimpse_holding_kind kind, uint64_t part) {
    for (size_t i = 0; i < b->count; i++) {
        const glimpse_holding *h = &b->items[i];
        if (h->kind < GLIMPSE_HOLDING_CAPTION) continue;
        if (kind != GLIMPSE_HOLDING_METADATA && h->kind != kind &&
            h->kind != GLIMPSE_HOLDING_METADATA)
            continue;
        if (has_parts(&(glimpse_holding){.parts = &part, .part_count = 1}, h)) return 1;
    }
    return 0;
}

static int has_texts(const glimpse_holdings *b, const glimpse_holding *of) {
    if (!b || of->kind < GLIMPSE_HOLDING_CAPTION || of->part_count == 0) return 0;
    for (size_t i = 0; i < of->part_count; i++) {
        if (!has_text(b, of->kind, of->parts[i])) return 0;
    }
    return 1;
}

uint32_t glimpse_holdings_lacking(const glimpse_holdings *a, const glimpse_holdings *b,
                                  int same_pixels) {
    uint32_t lacking = 0;
    for (size_t i = 0; a && i < a->count; i++) {
        const glimpse_holding *of = &a->items[i], *other = glimpse_holdings_find(b, of->kind);
        const int by_pixels =
            of->kind == GLIMPSE_HOLDING_ALPHA || of->kind == GLIMPSE_HOLDING_DEPTH;
        int missing = !other || other->amount < of->amount;
        if (other && of->is_weak) missing = 0;
        if (other && !of->is_weak && (same_pixels || !by_pixels) && !has_parts(of, other))
            missing = 1;
        /* Where all parts are there, their order tells. */
        if (other && of->part_count == other->part_count && of->order != other->order) missing = 1;
        if (missing && !has_texts(b, of)) lacking |= UINT32_C(1) << of->kind;
    }
    return lacking;
}
