/*
 * index/dedup/dedup_holdings_words.c - what files hold, in words.
 */
#include "dedup_holdings.h"

#include <stdio.h>
#include <string.h>

typedef struct words {
    const char *has;     /* what it has; %s of an amount in front or behind is in number_words() */
    const char *its;     /* behind "without its" */
    const char *another; /* the same kind with another content */
} words;

static const words kinds[GLIMPSE_HOLDING_COUNT] = {
    [GLIMPSE_HOLDING_PAGES] = {"more pages", "other pages", "other pages behind the first"},
    [GLIMPSE_HOLDING_FRAMES] = {"more frames", "other frames", "other frames behind the first"},
    [GLIMPSE_HOLDING_VIDEO] = {"a video", "video", "another video"},
    [GLIMPSE_HOLDING_AUDIO] = {"sound", "sound", "other sound"},
    [GLIMPSE_HOLDING_ALPHA] = {"transparency", "transparency", "other transparency"},
    [GLIMPSE_HOLDING_DEPTH] = {"more bits a sample", "deeper samples", "other deep samples"},
    [GLIMPSE_HOLDING_PROFILE] = {"a colour profile", "colour profile", "another colour profile"},
    [GLIMPSE_HOLDING_VIEWS] = {"more views", "other views", "other views behind the first"},
    [GLIMPSE_HOLDING_DEPTH_MAP] = {"a depth map", "depth map", "another depth map"},
    [GLIMPSE_HOLDING_GAIN_MAP] = {"a gain map", "gain map", "another gain map"},
    [GLIMPSE_HOLDING_LAYERS] = {"layers", "layers", "other layers"},
    [GLIMPSE_HOLDING_ATTACHMENT] = {"data of another kind behind the picture",
                                    "data behind the picture", "other data behind the picture"},
    [GLIMPSE_HOLDING_EDITS] = {"edits beside it", "edits", "other edits beside it"},
    [GLIMPSE_HOLDING_CAPTION] = {"a caption", "caption", "another caption"},
    [GLIMPSE_HOLDING_TITLE] = {"a title", "title", "another title"},
    [GLIMPSE_HOLDING_KEYWORDS] = {"keywords", "keywords", "other keywords"},
    [GLIMPSE_HOLDING_PEOPLE] = {"people", "people", "other people"},
    [GLIMPSE_HOLDING_RATING] = {"a rating", "rating", "another rating"},
    [GLIMPSE_HOLDING_LABEL] = {"a colour label", "colour label", "another colour label"},
    [GLIMPSE_HOLDING_PLACE] = {"a place", "place", "another place"},
    [GLIMPSE_HOLDING_DATE] = {"a date", "date", "another date"},
    [GLIMPSE_HOLDING_CREATOR] = {"a creator", "creator", "another creator"},
    [GLIMPSE_HOLDING_COPYRIGHT] = {"a copyright", "copyright", "another copyright"},
    [GLIMPSE_HOLDING_CAMERA] = {"camera data", "camera data", "other camera data"},
    [GLIMPSE_HOLDING_RESOLUTION] = {"more pixels", "pixels", "more pixels"},
    [GLIMPSE_HOLDING_COLOUR] = {"colours", "colours", "colours"},
    [GLIMPSE_HOLDING_QUALITY] = {"a better quality", "quality", "a better quality"},
    [GLIMPSE_HOLDING_METADATA] = {"other metadata", "other metadata", "other metadata"},
};

/* What is had, `amount` of it: "11 more pages". */
static void number_words(char *out, size_t capacity, glimpse_holding_kind kind, double amount) {
    const char *plural = amount >= 2 ? "s" : "";
    switch (kind) {
    case GLIMPSE_HOLDING_PAGES:
        (void)snprintf(out, capacity, "%.0f more page%s", amount, plural);
        return;
    case GLIMPSE_HOLDING_FRAMES:
        (void)snprintf(out, capacity, "%.0f more frame%s", amount, plural);
        return;
    case GLIMPSE_HOLDING_VIEWS:
        (void)snprintf(out, capacity, "%.0f more view%s", amount, plural);
        return;
    case GLIMPSE_HOLDING_VIDEO:
        if (amount <= 0) break;
        (void)snprintf(out, capacity, amount < 9.95 ? "a video of %.2g s" : "a video of %.0f s",
                       amount);
        return;
    case GLIMPSE_HOLDING_DEPTH: (void)snprintf(out, capacity, "%.0f bits a sample", amount); return;
    case GLIMPSE_HOLDING_LAYERS:
        if (amount <= 0) break;
        (void)snprintf(out, capacity, "%.0f layer%s", amount, plural);
        return;
    default: break;
    }
    (void)snprintf(out, capacity, "%s", kinds[kind].has);
}

static double amount_of(const glimpse_holding *holding) {
    return holding ? holding->amount : 0;
}

void glimpse_dedup_holdings_words(char *out, size_t capacity, const glimpse_dedup *dedup,
                                  const glimpse_dedup_item *item, uint32_t which) {
    const glimpse_holdings *holdings = glimpse_dedup_holdings(dedup, item);
    size_t used = 0;
    out[0] = '\0';
    for (unsigned k = 0; k < GLIMPSE_HOLDING_COUNT && used + 3 < capacity; k++) {
        char text[64];
        const glimpse_holding_kind kind = (glimpse_holding_kind)k;
        if (!(which >> k & 1)) continue;
        number_words(text, sizeof text, kind, amount_of(glimpse_holdings_find(holdings, kind)));
        const int n = snprintf(out + used, capacity - used, "%s%s", used > 0 ? ", " : "", text);
        used += n > 0 ? (size_t)n : 0;
    }
}

void glimpse_dedup_holding_difference(char *out, size_t capacity, const glimpse_dedup *dedup,
                                      const glimpse_dedup_item *keeper,
                                      const glimpse_dedup_item *item, glimpse_holding_kind kind) {
    const int more = glimpse_dedup_lacking(dedup, item, keeper) >> kind & 1;
    const int less = glimpse_dedup_lacking(dedup, keeper, item) >> kind & 1;
    const glimpse_holding *own = glimpse_holdings_find(glimpse_dedup_holdings(dedup, item), kind);
    const glimpse_holding *its = glimpse_holdings_find(glimpse_dedup_holdings(dedup, keeper), kind);
    char text[64];
    out[0] = '\0';
    if (more && !its) {
        number_words(text, sizeof text, kind, amount_of(own));
        (void)snprintf(out, capacity, "%s%s", kind == GLIMPSE_HOLDING_DEPTH ? "" : "has ", text);
    } else if (less && !own) {
        (void)snprintf(out, capacity, "without its %s", kinds[kind].its);
    } else if (more && less) {
        (void)snprintf(out, capacity, "%s", kinds[kind].another);
    } else if (more) {
        number_words(text, sizeof text, kind,
                     kind == GLIMPSE_HOLDING_DEPTH ? amount_of(own)
                                                   : amount_of(own) - amount_of(its));
        const int counted = kind == GLIMPSE_HOLDING_PAGES || kind == GLIMPSE_HOLDING_FRAMES ||
                            kind == GLIMPSE_HOLDING_VIEWS;
        (void)snprintf(out, capacity, "has %s%s",
                       counted || kind == GLIMPSE_HOLDING_DEPTH ? "" : "more of: ",
                       counted || kind == GLIMPSE_HOLDING_DEPTH ? text : kinds[kind].its);
    } else if (less) {
        (void)snprintf(out, capacity, "has less of: %s", kinds[kind].its);
    }
}
