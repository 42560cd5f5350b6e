/*
 * filters.c - expressions of filters, and lists of places in their three forms (a part named after
 * its form).
 */
#include "fuzz.h"

#include "core/utf8.h"
#include "places.h"
#include "where.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every node is reached once, from the root. */
static size_t count_nodes(const glimpse_where *where, size_t node, int depth) {
    const glimpse_where_node *n = &where->nodes[node];
    size_t count = 1;
    PROMISE(node > 0 && node < where->count);
    PROMISE(depth <= 4 * GLIMPSE_WHERE_MAX_DEPTH);
    const int is_parent = n->kind == GLIMPSE_WHERE_ALL || n->kind == GLIMPSE_WHERE_ANY ||
                          n->kind == GLIMPSE_WHERE_NOT;
    PROMISE((n->child != 0) == is_parent);
    PROMISE((n->text != NULL) == (n->kind == GLIMPSE_WHERE_IS || n->kind == GLIMPSE_WHERE_PART));
    PROMISE(!n->text || *n->text);
    if (n->kind == GLIMPSE_WHERE_RANGE) PROMISE(n->low <= n->high);
    if (n->kind == GLIMPSE_WHERE_TIME) PROMISE(strcmp(n->first, n->end) <= 0);
    if (n->kind == GLIMPSE_WHERE_NEAR) {
        PROMISE(fabs(n->latitude) <= 90 && fabs(n->longitude) <= 180 && n->high >= 0);
    }
    PROMISE(glimpse_where_row_of(n->field)->none == NULL);
    for (size_t child = n->child; child; child = where->nodes[child].next)
        count += count_nodes(where, child, depth + 1);
    return count;
}

static void expression(const char *text) {
    glimpse_where *where = NULL;
    if (fuzz_fine(glimpse_where_parse(&where, text))) {
        PROMISE(count_nodes(where, where->root, 0) == where->count - 1);
    } else {
        PROMISE(!where);
        PROMISE(strstr(glimpse_last_error(), "where") != NULL);
    }
    glimpse_where_free(where);
}

static int see(void *user, const glimpse_place *place) {
    (void)user;
    PROMISE(place->name && strlen(place->name) < 100000);
    PROMISE(fabs(place->latitude) <= 90 && fabs(place->longitude) <= 180);
    return 0;
}

static void places(const fuzz_part *part) {
    FILE *file = part->size > 0 ? fmemopen((void *)(uintptr_t)part->data, part->size, "r") : NULL;
    if (!file) return;
    if (fuzz_is(part, "gweather")) {
        (void)fuzz_fine(glimpse_places_read_gweather(file, "places", see, NULL));
    } else if (fuzz_is(part, "zones")) {
        (void)fuzz_fine(glimpse_places_read_zones(file, "places", see, NULL));
    } else {
        (void)fuzz_fine(glimpse_places_read_lines(file, "places", see, NULL));
    }
    (void)fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_part parts[FUZZ_PARTS];
    /* Not those of this machine, whatever they are. */
    (void)setenv("GLIMPSE_PLACES", "/nonexistent/places", 1);
    const size_t count = fuzz_split(parts, data, size);
    for (size_t i = 0; i < count; i++)
        places(&parts[i]);
    if (count == 0) {
        char *text = fuzz_text(data, size);
        expression(text);
        free(text);
    }
    return 0;
}
