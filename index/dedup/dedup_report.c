/*
 * index/dedup/dedup_report.c - the report: everything the caller may look at, in one object that
 * owns the pictures of the search.
 */
#include "dedup_holdings.h"

#include "core/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The public part first, so that a report is one of these. */
typedef struct owned_report {
    glimpse_dedup_report report;
    glimpse_dedup_picture *pictures;
    glimpse_dedup_failure *failed;
    glimpse_dedup_group *groups;
    glimpse_dedup_member *members; /* of all groups */
    size_t member_count;
    char **roots;
} owned_report;

static int compare_groups(const void *a, const void *b) {
    const glimpse_dedup_group *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->relation != y->relation) return x->relation < y->relation ? -1 : 1;
    return strcmp(x->members[0].picture->path, y->members[0].picture->path);
}

/* Moves pictures and failures over; where[item] is the picture of an item. */
static int move_items(glimpse_dedup *dedup, owned_report *r, uint32_t *where) {
    size_t read = 0, failed = 0;
    for (size_t i = 0; i < dedup->count; i++)
        read += dedup->items[i].status == GLIMPSE_OK;
    r->pictures = calloc(read + 1, sizeof *r->pictures);
    r->failed = calloc(dedup->count - read + 1, sizeof *r->failed);
    if (!r->pictures || !r->failed)
        return glimpse_fail_nomem(dedup->count * sizeof *r->pictures, "a report");
    read = 0;
    for (size_t i = 0; i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        if (item->status < 0) {
            r->failed[failed++] = (glimpse_dedup_failure){
                .path = item->picture.path,
                .reason = item->reason,
                .status = item->status,
                .set = item->picture.set,
            };
            item->picture.path = NULL;
            item->reason = NULL;
            continue;
        }
        where[i] = (uint32_t)read;
        r->pictures[read++] = item->picture;
    }
    r->report.pictures = r->pictures;
    r->report.picture_count = read;
    r->report.failed = r->failed;
    r->report.failed_count = failed;
    r->report.scanned = dedup->count;
    r->report.nomedia = dedup->nomedia;
    r->report.other_names = dedup->other_names;
    return GLIMPSE_OK;
}

/* The keeper's places in the member; zeros in the entry of an identical one become the same place.
 */
static void fill_view(glimpse_dedup_member *out, const glimpse_dedup_entry *member) {
    const double *m = member->to_keeper.m;
    const int aligned = fabs(m[0] * m[4] - m[1] * m[3]) > 1e-9;
    if (member->relation > GLIMPSE_RELATION_VARIANT) return;
    if (member->relation > GLIMPSE_RELATION_EDITED && !aligned) return;
    const glimpse_warp view = glimpse_warp_inverse(&member->to_keeper);
    memcpy(out->view, view.m, sizeof out->view);
}

/* A rectangle of the member's picture in the keeper's. */
static glimpse_dedup_region in_keeper(const glimpse_difference *d, const glimpse_warp *w,
                                      int of_member) {
    glimpse_dedup_region r = {d->x, d->y, d->width, d->height, d->strength};
    if (!of_member) return r;
    double x0 = 1, y0 = 1, x1 = 0, y1 = 0;
    for (int k = 0; k < 4; k++) {
        const double x = d->x + (k & 1 ? d->width : 0), y = d->y + (k & 2 ? d->height : 0);
        const double u = w->m[0] * x + w->m[1] * y + w->m[2];
        const double v = w->m[3] * x + w->m[4] * y + w->m[5];
        x0 = u < x0 ? u : x0, x1 = u > x1 ? u : x1;
        y0 = v < y0 ? v : y0, y1 = v > y1 ? v : y1;
    }
    x0 = x0 < 0 ? 0 : x0, y0 = y0 < 0 ? 0 : y0;
    x1 = x1 > 1 ? 1 : x1, y1 = y1 > 1 ? 1 : y1;
    r.x = x0, r.y = y0, r.width = x1 - x0, r.height = y1 - y0;
    return r;
}

static int fill_regions(glimpse_dedup_member *out, const glimpse_dedup_entry *member) {
    const glimpse_detail *detail = member->detail;
    if (!detail || detail->count == 0 || member->relation <= GLIMPSE_RELATION_REENCODED) {
        return GLIMPSE_OK;
    }
    glimpse_dedup_region *regions = calloc(detail->count, sizeof *regions);
    if (!regions) return GLIMPSE_E_NOMEM;
    for (size_t i = 0; i < detail->count; i++)
        regions[i] =
            in_keeper(&detail->differences[i], &member->to_keeper, member->detail_of_member);
    out->regions = regions;
    out->region_count = detail->count;
    return GLIMPSE_OK;
}

static int fill_groups(const glimpse_dedup *dedup, owned_report *r, const uint32_t *where) {
    size_t total = 0, at = 0;
    for (size_t g = 0; g < dedup->group_count; g++)
        total += dedup->groups[g].count;
    r->groups = calloc(dedup->group_count + 1, sizeof *r->groups);
    r->members = calloc(total + 1, sizeof *r->members);
    if (!r->groups || !r->members)
        return glimpse_fail_nomem(total * sizeof *r->members, "a report");
    for (size_t g = 0; g < dedup->group_count; g++) {
        const glimpse_dedup_cluster *from = &dedup->groups[g];
        glimpse_dedup_group *to = &r->groups[g];
        const glimpse_dedup_item *keeper = &dedup->items[from->members[0].item], *second = NULL;
        to->members = r->members + at;
        to->count = from->count;
        for (size_t m = 0; m < from->count; m++, at++) {
            const glimpse_dedup_entry *member = &from->members[m];
            const glimpse_dedup_item *item = &dedup->items[member->item];
            glimpse_dedup_member *out = &r->members[at];
            fill_view(out, member);
            out->picture = &r->pictures[where[member->item]];
            out->kind = member->kind;
            out->relation = member->relation;
            out->score = member->score;
            out->distance = member->distance;
            out->orientation = member->orientation;
            out->same_file = m > 0 && item->inode != 0 && item->device == keeper->device &&
                             item->inode == keeper->inode;
            out->differences =
                m == 0 ? strdup("") : glimpse_dedup_differences(dedup, keeper, item, member);
            r->member_count = at + 1;
            int status = out->differences ? fill_regions(out, member) : GLIMPSE_E_NOMEM;
            if (status < 0) return glimpse_fail_nomem(64, "a report");
            status = glimpse_dedup_list_holdings(dedup, item, out);
            if (status < 0) return status;
            if (m == 0) continue;
            out->lacking_in_keeper = glimpse_dedup_lacking(dedup, item, keeper);
            out->lacking_in_keeper |= glimpse_dedup_better(item, keeper, member->relation);
            if (member->kind > to->kind) to->kind = member->kind;
            if (member->relation > to->relation) to->relation = member->relation;
            if (!second || glimpse_dedup_rank(dedup, item, second) < 0) second = item;
            if (member->relation <= GLIMPSE_RELATION_EDITED &&
                strcmp(item->picture.label, keeper->picture.label) != 0)
                to->labels_differ = 1;
        }
        r->report.conflicts += (uint64_t)to->labels_differ;
        to->reason = glimpse_dedup_reason(dedup, keeper, second);
        r->report.group_count = g + 1;
        if (!to->reason) return glimpse_fail_nomem(64, "a report");
    }
    qsort(r->groups, dedup->group_count, sizeof *r->groups, compare_groups);
    r->report.groups = r->groups;
    return GLIMPSE_OK;
}

int glimpse_dedup_make_report(glimpse_dedup *dedup, glimpse_dedup_report **out) {
    owned_report *r = calloc(1, sizeof *r);
    uint32_t *where = calloc(dedup->count + 1, sizeof *where);
    int status = r && where ? GLIMPSE_OK : glimpse_fail_nomem(sizeof *r, "a report");
    int against = dedup->options->against_count > 0 || dedup->options->against_library;
    /* The strings of the items are needed until the texts are made, and then belong to the
     * report: move_items copies pointers, and the items are forgotten at the end. */
    if (status == GLIMPSE_OK && against) status = glimpse_dedup_fill_leak(dedup, &r->report);
    if (status == GLIMPSE_OK) status = move_items(dedup, r, where);
    int moved = status == GLIMPSE_OK;
    if (moved) status = fill_groups(dedup, r, where);
    free(where);
    if (moved) {
        /* The roots of the first set come first. */
        r->roots = dedup->roots;
        r->report.roots = (const char *const *)dedup->roots;
        r->report.root_count = dedup->set_roots[0];
        for (size_t i = dedup->set_roots[0]; i < dedup->root_count; i++)
            free(dedup->roots[i]);
        dedup->roots = NULL;
        dedup->root_count = 0;
    }
    if (r) {
        r->report.decided = dedup->decided;
        r->report.candidates = dedup->candidates;
        r->report.verified = dedup->verified;
        r->report.cached = dedup->cached;
        r->report.decoded = dedup->decoded;
        memcpy(r->report.left_out, dedup->left_out, sizeof r->report.left_out);
        if (dedup->tiers & GLIMPSE_TIER_SEMANTIC) r->report.min_similarity = dedup->min_similarity;
        r->report.embedding_size = dedup->embedding_size;
    }
    for (size_t i = 0; moved && i < dedup->count; i++) {
        glimpse_dedup_item *item = &dedup->items[i];
        if (item->status == GLIMPSE_OK) memset(&item->picture, 0, sizeof item->picture);
    }
    if (status < 0) {
        glimpse_dedup_report_free(r ? &r->report : NULL);
        return status;
    }
    *out = &r->report;
    return GLIMPSE_OK;
}

void glimpse_dedup_report_free(glimpse_dedup_report *report) {
    if (!report) return;
    owned_report *r = (owned_report *)report;
    for (size_t i = 0; i < report->picture_count; i++) {
        const glimpse_dedup_picture *p = &r->pictures[i];
        free((char *)p->path);
        free((char *)p->label);
        free((char *)p->format);
        free((char *)p->taken);
        free((char *)p->camera);
        glimpse_dedup_free_names(p);
        free((float *)p->embedding);
    }
    for (size_t i = 0; i < report->failed_count; i++) {
        free((char *)r->failed[i].path);
        free((char *)r->failed[i].reason);
    }
    for (size_t i = 0; i < r->member_count; i++) {
        free((char *)r->members[i].differences);
        free((void *)(uintptr_t)r->members[i].holds);
        free((glimpse_dedup_region *)r->members[i].regions);
    }
    for (size_t i = 0; i < report->group_count; i++)
        free((char *)r->groups[i].reason);
    free((glimpse_dedup_leak *)report->leak_labels);
    for (size_t i = 0; i < report->root_count; i++)
        free(r->roots[i]);
    free(r->roots);
    free(r->pictures);
    free(r->failed);
    free(r->groups);
    free(r->members);
    free(r);
}
