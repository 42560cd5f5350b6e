/*
 * image/holdings/found_tiff.c - of a TIFF: pages but the first, unless they are reduced copies;
 * profile, depth, opacities, inks, and the layers that Photoshop keeps in a tag.
 */
#include "image/holdings/found.h"

#include "core/hash.h"
#include "image/format.h"
#include "image/tiff_fields.h"

enum { MAX_PAGES = 4096 /* 32 KB of their places */, MAX_STRIPS = 1 << 20 };

typedef struct page {
    glimpse_tiff_field sizes[4];  /* width, height, compression, photometric */
    glimpse_tiff_field places[4]; /* offsets and lengths of strips, of tiles */
    int reduced;
} page;

static void add_page_hash(glimpse_found *to, const glimpse_hash *hash) {
    glimpse_found_add(to, GLIMPSE_HOLDING_PAGES, hash->bytes, sizeof hash->bytes);
    glimpse_found_order(to, GLIMPSE_HOLDING_PAGES, hash->bytes, sizeof hash->bytes);
    glimpse_found_count(to, GLIMPSE_HOLDING_PAGES, 1);
}

/* The page as it is seen, so that other compression makes no other page; as far as decoding all of
 * them stays cheap, and their layout is one that this build knows. */
static int add_seen_page(glimpse_found *to, const glimpse_tiff *t, uint32_t number_of) {
    glimpse_hash hash;
    uint64_t pixels = 0;
    if (to->page_pixels >= to->max_pixels) return 0;
    const int status = glimpse_image_page_hash(&hash, &pixels, t->data, t->size, number_of,
                                               to->max_pixels - to->page_pixels);
    to->page_pixels += pixels;
    if (status < 0) return 0;
    add_page_hash(to, &hash);
    return 1;
}

/* The identity of a page otherwise: its size, how it is stored, and its strips. The budget keeps
 * directories that name the same bytes again and again from costing more than the file is large. */
static void add_page(glimpse_found *to, const glimpse_tiff *t, const page *p, uint64_t *budget) {
    glimpse_hasher *hasher = glimpse_hasher_create();
    if (!hasher) {
        to->nomem = 1;
        return;
    }
    for (int i = 0; i < 4; i++) {
        if (p->sizes[i].count == 0) continue;
        const uint64_t number_of = glimpse_tiff_value(t, &p->sizes[i], 0);
        glimpse_hasher_update(hasher, &number_of, sizeof number_of);
    }
    for (int i = 0; i < 4; i += 2) {
        const glimpse_tiff_field *offsets = &p->places[i], *lengths = &p->places[i + 1];
        for (uint64_t k = 0; k < offsets->count && k < lengths->count && k < MAX_STRIPS; k++) {
            const uint64_t at = glimpse_tiff_value(t, offsets, k),
                           length = glimpse_tiff_value(t, lengths, k);
            if (at > t->size || length > t->size - at || length > *budget) continue;
            *budget -= length;
            glimpse_hasher_update(hasher, t->data + at, (size_t)length);
        }
    }
    const glimpse_hash hash = glimpse_hasher_finish(hasher);
    add_page_hash(to, &hash);
}

/* What the first page says beside its pixels. */
static void add_first(glimpse_found *to, const glimpse_tiff *t, const glimpse_tiff_field *f) {
    enum { BITS = 258, PHOTOMETRIC = 262, EXTRAS = 338, LAYERS = 37724, ICC = 34675, INKS = 5 };
    if (f->tag == BITS && glimpse_tiff_value(t, f, 0) > 8) to->may_be_deep = 1;
    if (f->tag == EXTRAS) to->may_be_transparent = 1;
    if (f->tag == PHOTOMETRIC && glimpse_tiff_value(t, f, 0) == INKS)
        glimpse_found_add(to, GLIMPSE_HOLDING_PROFILE, "CMYK", 4);
    if (f->tag == ICC) glimpse_found_profile(to, f->values, (size_t)(f->count * f->width));
    if (f->tag == LAYERS) {
        glimpse_found_add(to, GLIMPSE_HOLDING_LAYERS, f->values, (size_t)(f->count * f->width));
    }
}

/* A chain that comes back to a page has no more of them. */
static int is_visited(const uint64_t *visited, unsigned count, uint64_t at) {
    for (unsigned i = 0; i < count; i++) {
        if (visited[i] == at) return 1;
    }
    return 0;
}

void glimpse_found_in_tiff(glimpse_found *to, const uint8_t *data, size_t size) {
    if (size < 16) return;
    const glimpse_tiff t = glimpse_tiff_over(data, size);
    const unsigned word = t.wide ? 8 : 4, count_bytes = t.wide ? 8 : 2, entry = t.wide ? 20 : 12;
    uint64_t at = glimpse_tiff_number(&t, data + (t.wide ? 8 : 4), word),
             budget = 2 * (uint64_t)size;
    uint64_t visited[MAX_PAGES];
    for (unsigned number_of = 0; at != 0; number_of++) {
        page p = {0};
        if (number_of == MAX_PAGES) {
            /* Nobody knows what the others are: no other file has them. */
            glimpse_found_add(to, GLIMPSE_HOLDING_PAGES, data, size);
            return;
        }
        if (is_visited(visited, number_of, at)) return;
        visited[number_of] = at;
        if (at > size || size - at < count_bytes) return;
        const uint64_t count = glimpse_tiff_number(&t, data + at, count_bytes);
        at += count_bytes;
        if (count > (size - at) / entry) return;
        for (uint64_t i = 0; i < count; i++) {
            glimpse_tiff_field f;
            if (!glimpse_tiff_read_field(&f, &t, data + at + i * entry) || f.count == 0) continue;
            switch (f.tag) {
            case 254: p.reduced = glimpse_tiff_value(&t, &f, 0) & 1; break;
            case 256: p.sizes[0] = f; break;
            case 257: p.sizes[1] = f; break;
            case 259: p.sizes[2] = f; break;
            case 262: p.sizes[3] = f; break;
            case 273: p.places[0] = f; break;
            case 279: p.places[1] = f; break;
            case 324: p.places[2] = f; break;
            case 325: p.places[3] = f; break;
            default: break;
            }
            if (number_of == 0) add_first(to, &t, &f);
        }
        if (number_of > 0 && !p.reduced && !add_seen_page(to, &t, number_of))
            add_page(to, &t, &p, &budget);
        if (size - at - count * entry < word) return;
        at = glimpse_tiff_number(&t, data + at + count * entry, word);
    }
}
