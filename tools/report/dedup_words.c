/*
 * dedup_words.c - relations, what files hold and edited places, in words.
 */
#include "dedup_words.h"

#include "text.h"
#include "tool.h"

#include <glimpse/sys/holdings.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *dedup_relation_words(glimpse_dedup_relation relation) {
    switch (relation) {
    case GLIMPSE_RELATION_IDENTICAL: return "equal in all that the files hold";
    case GLIMPSE_RELATION_REENCODED: return "the same picture, saved again";
    case GLIMPSE_RELATION_HOLDS_MORE: return "the same picture, but one file holds more";
    case GLIMPSE_RELATION_EDITED: return "the same picture, edited";
    case GLIMPSE_RELATION_NEAR_SHOT: return "another shot of the same scene";
    case GLIMPSE_RELATION_VARIANT: return "the same thing in another colour";
    case GLIMPSE_RELATION_SIMILAR: return "alike in content only";
    }
    return "?";
}

char *dedup_hold_words(const char *hold) {
    static const struct {
        const char *key, *one, *many;
    } words[] = {
        {"pages", "page", "pages"}, {"frames", "frame", "frames"}, {"layers", "layer", "layers"},
        {"views", "view", "views"}, {"depth", "bit", "bits"},
    };
    const char *colon = strchr(hold, ':');
    if (!colon) return xstrdup(hold);
    const size_t length = (size_t)(colon - hold);
    const char *value = colon + 1;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].key) == length && strncmp(words[i].key, hold, length) == 0)
            return xprintf("%s %s", value, strcmp(value, "1") == 0 ? words[i].one : words[i].many);
    }
    return xprintf("%.*s %s", (int)length, hold, value);
}

int dedup_lacks_in_keeper(const glimpse_dedup_member *member, const char *hold) {
    char name[32];
    glimpse_holding_kind kind;
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(hold, ":"), hold);
    return glimpse_holding_kind_of_name(&kind, name) && (member->lacking_in_keeper >> kind & 1);
}

static unsigned third(double middle) {
    return middle < 1.0 / 3 ? 0 : middle > 2.0 / 3 ? 2 : 1;
}

const char *dedup_place_words(const glimpse_dedup_region *region) {
    static const char *const places[3][3] = {{"upper left", "top", "upper right"},
                                             {"left", "middle", "right"},
                                             {"lower left", "bottom", "lower right"}};
    if (region->width > 0.7 && region->height > 0.7) return "nearly everywhere";
    return places[third(region->y + region->height / 2)][third(region->x + region->width / 2)];
}

/* "top, left and middle": where the regions but the first are, each place once. Free it. */
static char *other_places(const glimpse_dedup_member *member) {
    enum { PLACES = 10 };
    const char *places[PLACES];
    size_t count = 0;
    for (size_t i = 1; i < member->region_count; i++) {
        const char *place = dedup_place_words(&member->regions[i]);
        size_t known = 0;
        while (known < count && strcmp(places[known], place) != 0)
            known++;
        if (known == count && count < PLACES) places[count++] = place;
    }
    char *text = xstrdup("");
    for (size_t i = 0; i < count; i++) {
        char *longer = xprintf("%s%s%s", text,
                               i == 0          ? ""
                               : i + 1 < count ? ", "
                                               : " and ",
                               places[i]);
        free(text);
        text = longer;
    }
    return text;
}

char *dedup_region_words(const glimpse_dedup_member *member) {
    if (member->region_count == 0) return xstrdup("");
    const glimpse_dedup_region *r = &member->regions[0];
    const double percent = 100 * r->width * r->height;
    char *share = percent < 1 ? xstrdup("less than 1%") : xprintf("%.0f%%", percent);
    char *strength =
        r->strength < 9.5 ? xprintf("%.1f times", r->strength) : xprintf("%.0f times", r->strength);
    const size_t others = member->region_count - 1;
    char *places = other_places(member);
    char *text = xprintf("%s (%s of the picture, %s what recompression explains)%s%s%s%s",
                         dedup_place_words(r), share, strength, others > 0 ? ", and " : "",
                         others > 0 ? text_counted(others, "more place", "more places") : "",
                         others > 0 ? ": " : "", places);
    free(places);
    free(share);
    free(strength);
    return text;
}
