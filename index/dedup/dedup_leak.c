/*
 * index/dedup/dedup_leak.c - how much of the first set is also in the second: in all, and by label.
 */
#include "dedup_private.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

/* What is known of one picture of the first set. */
typedef struct leaked {
    const char *label;
    int relation; /* of the strongest member it is; -1: in no group */
    int conflicting;
} leaked;

static int compare_labels(const void *a, const void *b) {
    return strcmp(((const leaked *)a)->label, ((const leaked *)b)->label);
}

static void count(glimpse_dedup_leak *leak, const leaked *picture) {
    leak->pictures++;
    switch (picture->relation) {
    case GLIMPSE_RELATION_IDENTICAL: leak->exact++; break;
    case GLIMPSE_RELATION_REENCODED: leak->reencoded++; break;
    case GLIMPSE_RELATION_HOLDS_MORE: leak->holds_more++; break;
    case GLIMPSE_RELATION_EDITED: leak->edited++; break;
    case GLIMPSE_RELATION_NEAR_SHOT: leak->near_shot++; break;
    case GLIMPSE_RELATION_VARIANT: leak->variant++; break;
    case GLIMPSE_RELATION_SIMILAR: leak->similar++; break;
    default: break;
    }
    if (picture->relation >= 0 && picture->relation <= GLIMPSE_RELATION_EDITED) {
        leak->leaked++;
        leak->conflicting += picture->conflicting != 0;
    }
    leak->rate = (double)leak->leaked / (double)leak->pictures;
}

int glimpse_dedup_fill_leak(const glimpse_dedup *dedup, glimpse_dedup_report *report) {
    size_t n = 0, labels = 0;
    leaked *pictures = calloc(dedup->count + 1, sizeof *pictures);
    glimpse_dedup_leak *rows = malloc((dedup->count + 1) * sizeof *rows);
    if (!pictures || !rows) {
        free(pictures);
        free(rows);
        return glimpse_fail_nomem(dedup->count * (sizeof *pictures + sizeof *rows), "leakage");
    }
    /* Items of the first set come first. */
    for (; n < dedup->count && dedup->items[n].picture.set == 0; n++) {
        const glimpse_dedup_item *item = &dedup->items[n];
        pictures[n] = (leaked){item->status < 0 ? NULL : item->picture.label, -1, 0};
    }
    for (size_t g = 0; g < dedup->group_count; g++) {
        const glimpse_dedup_cluster *group = &dedup->groups[g];
        const char *label = dedup->items[group->members[0].item].picture.label;
        for (size_t m = 1; m < group->count; m++) {
            leaked *picture = &pictures[group->members[m].item];
            int relation = (int)group->members[m].relation;
            if (picture->relation >= 0 && picture->relation <= relation) continue;
            picture->relation = relation;
            picture->conflicting = strcmp(picture->label, label) != 0;
        }
    }
    size_t read = 0;
    for (size_t i = 0; i < n; i++) {
        if (pictures[i].label) pictures[read++] = pictures[i];
    }
    qsort(pictures, read, sizeof *pictures, compare_labels);
    for (size_t i = 0; i < read; i++) {
        if (i == 0 || strcmp(pictures[i].label, pictures[i - 1].label) != 0) {
            memset(&rows[labels], 0, sizeof rows[labels]);
            rows[labels++].label = pictures[i].label;
        }
        count(&rows[labels - 1], &pictures[i]);
        count(&report->leak, &pictures[i]);
    }
    free(pictures);
    report->leak_labels = rows;
    report->leak_label_count = labels;
    return GLIMPSE_OK;
}
