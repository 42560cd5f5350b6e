/*
 * holdings.c - what whole files hold beside their first picture: kinds in their order, parts in
 * theirs, and nothing that a file lacks of itself. HEIC and AVIF are only taken apart: the library
 * that decodes them is neither instrumented nor free of leaks on damaged files.
 */
#include "fuzz.h"

#include "image/holdings/found.h"

#include <glimpse/sys/holdings.h>
#include <glimpse/sys/image.h>

#include <math.h>
#include <stdlib.h>

enum { MAX_PIXELS = 1 << 14 };

static void check(const glimpse_holdings *holdings) {
    for (size_t i = 0; i < holdings->count; i++) {
        const glimpse_holding *h = &holdings->items[i];
        char text[24];
        PROMISE((unsigned)h->kind < GLIMPSE_HOLDING_RESOLUTION);
        PROMISE(i == 0 || h->kind > h[-1].kind);
        PROMISE(isfinite(h->amount) && h->amount >= 0);
        for (size_t k = 1; k < h->part_count; k++)
            PROMISE(h->parts[k] > h->parts[k - 1]);
        glimpse_holding_text(text, sizeof text, h);
        PROMISE(text[0] && memchr(text, '\0', sizeof text));
        PROMISE(glimpse_holdings_find(holdings, h->kind) == h);
    }
    PROMISE(glimpse_holdings_lacking(holdings, holdings, 1) == 0);
    PROMISE(glimpse_holdings_lacking(NULL, holdings, 1) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const glimpse_image_format format = glimpse_image_sniff(data, size);
    if (format == GLIMPSE_FORMAT_HEIF || format == GLIMPSE_FORMAT_AVIF) {
        glimpse_found *found = calloc(1, sizeof *found);
        if (!found) return 0;
        glimpse_found_in_iso(found, data, size);
        for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT; k++)
            free(found->kinds[k].items);
        free(found);
        return 0;
    }
    glimpse_holdings *holdings = NULL;
    PROMISE(glimpse_holdings_read(&holdings, data, size, NULL, MAX_PIXELS) == GLIMPSE_OK);
    check(holdings);
    glimpse_holdings_free(holdings);
    return 0;
}
