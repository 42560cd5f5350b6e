/*
 * index/dedup/dedup_groups.c - groups without chaining.
 *
 * A group is a star: a keeper, and what was compared with the keeper itself and found to be
 * related. Going through the pictures from the best to the worst, each that is in no group yet
 * takes all that are related to it and free. So every member is within the thresholds of its
 * keeper, and what is like a member only stays out.
 *
 * Hashes may miss that A and C are the same when both are known to be the same as B (A framed, C
 * cropped). So C, reached from A over a few relations, is compared with A, starting from the warps
 * on the way put together. It still has to pass.
 *
 * Three rounds, each over what the rounds before left as keepers or free: the same picture, near
 * shots, similar content.
 */
#include "dedup_private.h"

#include "core/error.h"
#include "dedup_holdings.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 3, MAX_TRIES = 512 };

typedef struct link {
    uint32_t class; /* the other end */
    uint32_t edge;
} link;

typedef struct ranked {
    const glimpse_dedup *dedup;
    uint32_t class, item;
} ranked;

typedef struct grouping {
    glimpse_dedup *dedup;
    uint32_t *start; /* [classes + 1] into links */
    link *links;     /* by class, then the other */
    ranked *order;   /* [classes] best first */
    uint32_t *best;  /* [classes] the item to keep */
    uint8_t *taken;  /* [classes] a member of a group of this round or an earlier one */
    uint8_t *keeps;  /* [classes] keeper of a group of this round */
    uint32_t *seen;  /* [classes] stamp of the search that came by */
    uint32_t *queue;
    uint8_t *depth;
    glimpse_warp *warp; /* [classes] to the keeper of the search */
    uint32_t stamp;
    glimpse_dedup_entry *members;
    size_t member_count, member_capacity;
} grouping;

static const char *decided_as(const glimpse_dedup_item *item) {
    return item->decided_as[0] ? item->decided_as : item->picture.id;
}

int glimpse_dedup_decided(const glimpse_dedup *dedup, size_t a, size_t b) {
    if (!dedup->options->decide) return GLIMPSE_DECIDED_NOTHING;
    const char *x = decided_as(&dedup->items[a]), *y = decided_as(&dedup->items[b]);
    return strcmp(x, y) <= 0 ? dedup->options->decide(dedup->options->user, x, y)
                             : dedup->options->decide(dedup->options->user, y, x);
}

static int compare_members(const void *a, const void *b) {
    const glimpse_dedup_entry *x = a, *y = b;
    if (x->relation != y->relation) return x->relation < y->relation ? -1 : 1;
    if (x->score > y->score || x->score < y->score) return x->score > y->score ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item); /* items are in path order */
}

int glimpse_dedup_add_cluster(glimpse_dedup *dedup, const glimpse_dedup_entry *members,
                              size_t count) {
    if (dedup->group_count == dedup->group_capacity) {
        size_t capacity = dedup->group_capacity ? dedup->group_capacity * 2 : 64;
        glimpse_dedup_cluster *groups = realloc(dedup->groups, capacity * sizeof *groups);
        if (!groups) return glimpse_fail_nomem(capacity * sizeof *groups, "groups");
        dedup->groups = groups;
        dedup->group_capacity = capacity;
    }
    glimpse_dedup_cluster *group = &dedup->groups[dedup->group_count];
    group->members = malloc(count * sizeof *group->members);
    if (!group->members) return glimpse_fail_nomem(count * sizeof *members, "a group");
    memcpy(group->members, members, count * sizeof *members);
    group->count = count;
    qsort(group->members + 1, count - 1, sizeof *group->members, compare_members);
    dedup->group_count++;
    return GLIMPSE_OK;
}

static int compare_ranked(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return glimpse_dedup_rank(x->dedup, &x->dedup->items[x->item], &y->dedup->items[y->item]);
}

static void release(grouping *g) {
    free(g->start);
    free(g->links);
    free(g->order);
    free(g->best);
    free(g->taken);
    free(g->keeps);
    free(g->seen);
    free(g->queue);
    free(g->depth);
    free(g->warp);
    free(g->members);
}

static int prepare(grouping *g, glimpse_dedup *dedup) {
    size_t n = dedup->class_count + 1;
    memset(g, 0, sizeof *g);
    g->dedup = dedup;
    g->start = calloc(n + 1, sizeof *g->start);
    g->links = calloc(2 * dedup->edge_count + 1, sizeof *g->links);
    g->order = calloc(n, sizeof *g->order);
    g->best = malloc(n * sizeof *g->best);
    g->taken = calloc(n, 1);
    g->keeps = calloc(n, 1);
    g->seen = calloc(n, sizeof *g->seen);
    g->queue = malloc(n * sizeof *g->queue);
    g->depth = malloc(n);
    g->warp = malloc(n * sizeof *g->warp);
    if (!g->start || !g->links || !g->order || !g->best || !g->taken || !g->keeps || !g->seen ||
        !g->queue || !g->depth || !g->warp)
        return glimpse_fail_nomem(n * 80 + dedup->edge_count * 16, "groups");
    for (size_t k = 0; k < dedup->class_count; k++) {
        uint32_t best = dedup->first_of[k];
        for (uint32_t m = dedup->member_start[k]; m < dedup->member_start[k + 1]; m++) {
            uint32_t item = dedup->members[m];
            if (glimpse_dedup_rank(dedup, &dedup->items[item], &dedup->items[best]) < 0)
                best = item;
        }
        g->best[k] = best;
        g->order[k] = (ranked){dedup, (uint32_t)k, best};
    }
    qsort(g->order, dedup->class_count, sizeof *g->order, compare_ranked);
    for (size_t e = 0; e < dedup->edge_count; e++) {
        g->start[dedup->items[dedup->edges[e].a].class + 1]++;
        g->start[dedup->items[dedup->edges[e].b].class + 1]++;
    }
    for (size_t k = 0; k < dedup->class_count; k++)
        g->start[k + 1] += g->start[k];
    /* Filled from the starts on, which then are the ends; edges are sorted, and so is the result
     * up to which end a class is. */
    for (size_t e = 0; e < dedup->edge_count; e++) {
        uint32_t a = dedup->items[dedup->edges[e].a].class,
                 b = dedup->items[dedup->edges[e].b].class;
        g->links[g->start[a]++] = (link){b, (uint32_t)e};
        g->links[g->start[b]++] = (link){a, (uint32_t)e};
    }
    memmove(g->start + 1, g->start, dedup->class_count * sizeof *g->start);
    g->start[0] = 0;
    return GLIMPSE_OK;
}

static int push_member(grouping *g, const glimpse_dedup_entry *member) {
    if (g->member_count == g->member_capacity) {
        size_t capacity = g->member_capacity ? g->member_capacity * 2 : 64;
        glimpse_dedup_entry *members = realloc(g->members, capacity * sizeof *members);
        if (!members) return glimpse_fail_nomem(capacity * sizeof *members, "a group");
        g->members = members;
        g->member_capacity = capacity;
    }
    g->members[g->member_count++] = *member;
    return GLIMPSE_OK;
}

/* Adds the items of a class but `keeper`, related to the keeper by `like`. *added says how many. */
static int push_class(grouping *g, uint32_t class, uint32_t keeper, const glimpse_dedup_entry *like,
                      size_t *added) {
    glimpse_dedup *dedup = g->dedup;
    int status = GLIMPSE_OK;
    *added = 0;
    for (uint32_t m = dedup->member_start[class]; m < dedup->member_start[class + 1]; m++) {
        glimpse_dedup_entry member = *like;
        member.item = dedup->members[m];
        if (member.item == keeper) continue;
        /* Nobody asked for duplicates within a directory of reference. */
        if (dedup->items[member.item].reference) continue;
        /* Weaker relations hold between pictures, and one file of each is enough. */
        if (like->relation > GLIMPSE_RELATION_EDITED && member.item != g->best[class]) continue;
        if (glimpse_dedup_decided(dedup, keeper, member.item) != GLIMPSE_DECIDED_NOTHING) {
            dedup->decided++;
            continue;
        }
        if ((status = push_member(g, &member)) < 0) return status;
        (*added)++;
    }
    return status;
}

/* The relation of an edge as seen from the keeper's class: the keeper is the first picture. */
static glimpse_dedup_entry seen_from(const glimpse_dedup *dedup, const glimpse_dedup_edge *edge,
                                     uint32_t keeper_class, glimpse_warp *warp) {
    glimpse_dedup_entry m = {.kind = edge->kind,
                             .relation = edge->relation,
                             .distance = edge->distance < 0 ? -1 : edge->distance,
                             .orientation = edge->orientation,
                             .score = edge->score,
                             .comparison = edge->comparison,
                             .detail = edge->detail};
    *warp = m.to_keeper = edge->warp;
    if (dedup->items[edge->a].class == keeper_class) return m;
    glimpse_comparison *c = &m.comparison;
    m.detail_of_member = 1;
    double gain = c->gain > 0.05 ? c->gain : 1, covered = c->covered[0];
    c->covered[0] = c->covered[1], c->covered[1] = covered;
    c->bias = -c->bias / gain;
    c->gain = 1 / gain;
    c->angle = -c->angle;
    c->warp = glimpse_warp_inverse(&c->warp);
    *warp = m.to_keeper = glimpse_warp_inverse(&edge->warp);
    if (m.orientation == 6 || m.orientation == 8) m.orientation = 14 - m.orientation;
    return m;
}

/* Compares the keeper with a class reached in a roundabout way. 1 when it is the same picture. */
static int try_far(grouping *g, uint32_t keeper_class, uint32_t class, const glimpse_warp *guess,
                   glimpse_dedup_entry *member, glimpse_warp *warp) {
    glimpse_dedup *dedup = g->dedup;
    uint32_t a = dedup->first_of[keeper_class], b = dedup->first_of[class];
    if (glimpse_dedup_find_edge(dedup, a, b)) return 0; /* compared already, and weaker */
    glimpse_dedup_edge edge = {.a = a, .b = b, .distance = -1};
    int related = glimpse_dedup_compare(dedup, &edge, guess);
    if (related == 1 && edge.relation <= GLIMPSE_RELATION_EDITED) {
        int status = glimpse_dedup_weigh_items(dedup, a, b);
        if (status < 0) return status;
        if (glimpse_dedup_is_unreadable(dedup, a) || glimpse_dedup_is_unreadable(dedup, b))
            return 0;
        glimpse_dedup_weigh(dedup, &edge);
        if (glimpse_dedup_wants_detail(&edge)) status = glimpse_dedup_detail(dedup, &edge);
        if (status < 0) return status;
    }
    if (related != 1 || edge.relation > GLIMPSE_RELATION_EDITED ||
        glimpse_dedup_too_weak(dedup, edge.relation)) {
        return related < 0 ? related : 0;
    }
    *member = seen_from(dedup, &edge, keeper_class, warp);
    member->distance =
        glimpse_hamming(dedup->items[a].picture.phash, dedup->items[b].picture.phash);
    return 1;
}

static int in_round(glimpse_dedup_relation relation, int round) {
    if (round == 0) return relation <= GLIMPSE_RELATION_EDITED;
    return round == 1 ? relation == GLIMPSE_RELATION_NEAR_SHOT
                      : relation > GLIMPSE_RELATION_NEAR_SHOT;
}

/* Everything the keeper's class is related to and that is free, nearest first. */
static int gather(grouping *g, uint32_t keeper_class, uint32_t keeper, int round) {
    glimpse_dedup *dedup = g->dedup;
    size_t head = 0, tail = 0, tries = 0, added;
    uint32_t stamp = ++g->stamp;
    int status;
    g->queue[tail++] = keeper_class;
    g->seen[keeper_class] = stamp;
    g->depth[keeper_class] = 0;
    g->warp[keeper_class] = (glimpse_warp){{1, 0, 0, 0, 1, 0}};
    while (head < tail) {
        uint32_t at = g->queue[head++];
        if (g->depth[at] >= (round == 0 ? MAX_DEPTH : 1)) continue;
        for (uint32_t l = g->start[at]; l < g->start[at + 1]; l++) {
            uint32_t to = g->links[l].class;
            glimpse_dedup_edge *edge = &dedup->edges[g->links[l].edge];
            if (g->seen[to] == stamp || g->taken[to] || g->keeps[to]) continue;
            if (at == keeper_class && glimpse_dedup_wants_detail(edge) &&
                (status = glimpse_dedup_detail(dedup, edge)) < 0)
                return status;
            if (!in_round(edge->relation, round) || glimpse_dedup_too_weak(dedup, edge->relation))
                continue;
            glimpse_dedup_entry member;
            glimpse_warp step;
            member = seen_from(dedup, edge, at, &step);
            glimpse_warp guess = glimpse_warp_chain(&g->warp[at], &step);
            g->seen[to] = stamp;
            g->depth[to] = (uint8_t)(g->depth[at] + 1);
            g->warp[to] = guess;
            if (at != keeper_class) {
                if (++tries > MAX_TRIES) return GLIMPSE_OK;
                status = try_far(g, keeper_class, to, &guess, &member, &g->warp[to]);
                if (status < 0) return status;
                g->queue[tail++] = to; /* what it leads to may pass even when it does not */
                if (status == 0) continue;
            } else {
                g->queue[tail++] = to;
            }
            if ((status = push_class(g, to, keeper, &member, &added)) < 0) return status;
            if (added > 0) g->taken[to] = 1;
        }
    }
    return GLIMPSE_OK;
}

static int make_group(grouping *g, uint32_t class, int round) {
    glimpse_dedup *dedup = g->dedup;
    uint32_t keeper = g->best[class];
    glimpse_dedup_entry self = {.item = keeper,
                                .kind = GLIMPSE_DEDUP_EXACT,
                                .relation = GLIMPSE_RELATION_IDENTICAL,
                                .orientation = 1,
                                .score = 1};
    size_t added;
    g->member_count = 0;
    int status = push_member(g, &self);
    if (status == GLIMPSE_OK && round == 0) status = push_class(g, class, keeper, &self, &added);
    if (status == GLIMPSE_OK) status = gather(g, class, keeper, round);
    if (status < 0 || g->member_count < 2) return status;
    g->keeps[class] = 1;
    return glimpse_dedup_add_cluster(dedup, g->members, g->member_count);
}

/* Marks the pairs of keepers and members that full size has not seen, as the first round would
 * have them now. Returns how many. */
static size_t mark_wanted(grouping *g, uint8_t *wanted) {
    const glimpse_dedup *dedup = g->dedup;
    size_t count = 0;
    memset(g->taken, 0, dedup->class_count);
    for (size_t i = 0; i < dedup->class_count; i++) {
        const uint32_t class = g->order[i].class;
        if (g->taken[class]) continue;
        g->taken[class] = 1;
        for (uint32_t l = g->start[class]; l < g->start[class + 1]; l++) {
            const glimpse_dedup_edge *edge = &dedup->edges[g->links[l].edge];
            if (g->taken[g->links[l].class] || !in_round(edge->relation, 0)) continue;
            g->taken[g->links[l].class] = 1;
            if (!glimpse_dedup_wants_detail(edge)) continue;
            wanted[g->links[l].edge] = dedup->items[edge->a].class == class ? 1 : 2;
            count++;
        }
    }
    memset(g->taken, 0, dedup->class_count);
    return count;
}

/* Where full size took a pair apart, thumbnails may be wrong about its other versions as well:
 * which of the two they show, and so which is the edit, is to be known. Returns how many. */
static size_t mark_doubtful(const glimpse_dedup *dedup, uint8_t *wanted, uint8_t *doubtful) {
    size_t count = 0;
    memset(doubtful, 0, dedup->class_count);
    for (size_t e = 0; e < dedup->edge_count; e++) {
        const glimpse_dedup_edge *edge = &dedup->edges[e];
        if (!edge->detail || edge->relation != GLIMPSE_RELATION_EDITED) continue;
        doubtful[dedup->items[edge->a].class] = doubtful[dedup->items[edge->b].class] = 1;
    }
    for (size_t e = 0; e < dedup->edge_count; e++) {
        const glimpse_dedup_edge *edge = &dedup->edges[e];
        const int of_a = doubtful[dedup->items[edge->a].class];
        if (edge->relation >= GLIMPSE_RELATION_EDITED || !glimpse_dedup_wants_detail(edge) ||
            !(of_a || doubtful[dedup->items[edge->b].class]))
            continue;
        wanted[e] = of_a ? 1 : 2;
        count++;
    }
    return count;
}

/* What full size takes apart may make other pairs, hence the rounds; few are left after them, and
 * are looked at when their turn comes. */
static int look_at_details(grouping *g) {
    enum { ROUNDS = 3 };
    glimpse_dedup *dedup = g->dedup;
    int status = GLIMPSE_OK;
    uint8_t *wanted = calloc(dedup->edge_count + 1, 1), *doubtful = malloc(dedup->class_count + 1);
    if (!wanted || !doubtful) status = glimpse_fail_nomem(dedup->edge_count, "pairs");
    for (int round = 0; round < ROUNDS && status == GLIMPSE_OK; round++) {
        if (mark_wanted(g, wanted) + mark_doubtful(dedup, wanted, doubtful) == 0) break;
        status = glimpse_dedup_detail_all(dedup, wanted);
    }
    free(wanted);
    free(doubtful);
    return status;
}

/* Full size also says which of two is the clean one, and which versions agree: then others are the
 * best, and their pairs are looked at. */
static int choose_order(grouping *g, glimpse_dedup *dedup) {
    enum { ROUNDS = 3 };
    int changed = 1, status = glimpse_dedup_count_agreeing(dedup);
    *g = (grouping){0};
    for (int round = 0; round < ROUNDS && changed && status >= 0; round++) {
        release(g);
        status = prepare(g, dedup);
        if (status == GLIMPSE_OK) status = look_at_details(g);
        if (status < 0) break;
        changed = glimpse_dedup_count_blemishes(dedup);
        status = changed < 0 ? changed : glimpse_dedup_count_agreeing(dedup);
        if (status > 0) changed = 1;
    }
    if (status < 0 || !changed) return status < 0 ? status : GLIMPSE_OK;
    release(g);
    return prepare(g, dedup);
}

int glimpse_dedup_group_all(glimpse_dedup *dedup) {
    grouping g;
    int status = choose_order(&g, dedup);
    for (int round = 0; round < 3 && status == GLIMPSE_OK; round++) {
        memset(g.keeps, 0, dedup->class_count);
        for (size_t i = 0; i < dedup->class_count && status == GLIMPSE_OK; i++) {
            if (g.taken[g.order[i].class]) continue;
            status = make_group(&g, g.order[i].class, round);
            if (i % 1024 == 0 && status == GLIMPSE_OK) {
                status = glimpse_dedup_progress(dedup, "comparing", i, dedup->class_count, 1, "");
            }
        }
        if (dedup->options->same_picture_only) break;
    }
    release(&g);
    return status;
}

/*
 * Between two sets: the keeper is a picture of the second set, the members are those of the first
 * that are most like it.
 */
static int keeper_for(grouping *g, uint32_t class, const glimpse_dedup_edge **best) {
    glimpse_dedup *dedup = g->dedup;
    *best = NULL;
    for (uint32_t l = g->start[class]; l < g->start[class + 1]; l++) {
        const glimpse_dedup_edge *edge = &dedup->edges[g->links[l].edge];
        if (!(dedup->sets[g->links[l].class] & 2U)) continue;
        if (*best && ((*best)->relation < edge->relation ||
                      ((*best)->relation == edge->relation && (*best)->score >= edge->score)))
            continue;
        *best = edge;
    }
    return *best != NULL;
}

/* Items of the first set of a class, as members of the group of `keeper`. */
static int push_first_set(grouping *g, uint32_t class, uint32_t keeper,
                          const glimpse_dedup_entry *like) {
    glimpse_dedup *dedup = g->dedup;
    for (uint32_t m = dedup->member_start[class]; m < dedup->member_start[class + 1]; m++) {
        glimpse_dedup_entry member = *like;
        member.item = dedup->members[m];
        if (dedup->items[member.item].picture.set != 0) continue;
        if (glimpse_dedup_decided(dedup, keeper, member.item) != GLIMPSE_DECIDED_NOTHING) {
            dedup->decided++;
            continue;
        }
        int status = push_member(g, &member);
        if (status < 0) return status;
    }
    return GLIMPSE_OK;
}

/* chosen[class]: the edge of a class of the first set to the second, once full size has seen it. */
static int choose_keepers(grouping *g, const glimpse_dedup_edge **chosen) {
    glimpse_dedup *dedup = g->dedup;
    int status = GLIMPSE_OK;
    uint8_t *wanted = calloc(dedup->edge_count + 1, 1);
    if (!wanted) return glimpse_fail_nomem(dedup->edge_count, "pairs");
    for (size_t k = 0; k < dedup->class_count; k++) {
        if (dedup->sets[k] != 1 || !keeper_for(g, (uint32_t)k, &chosen[k])) continue;
        wanted[chosen[k] - dedup->edges] = dedup->items[chosen[k]->a].class == (uint32_t)k ? 2 : 1;
    }
    status = glimpse_dedup_detail_all(dedup, wanted);
    for (size_t k = 0; k < dedup->class_count && status == GLIMPSE_OK; k++) {
        while (dedup->sets[k] == 1 && keeper_for(g, (uint32_t)k, &chosen[k]) &&
               glimpse_dedup_wants_detail(chosen[k]) && status == GLIMPSE_OK)
            status = glimpse_dedup_detail(dedup, &dedup->edges[chosen[k] - dedup->edges]);
        if (chosen[k] && glimpse_dedup_too_weak(dedup, chosen[k]->relation)) chosen[k] = NULL;
    }
    free(wanted);
    return status;
}

int glimpse_dedup_group_against(glimpse_dedup *dedup) {
    grouping g = {0};
    int status = glimpse_dedup_count_agreeing(dedup);
    if (status >= 0) status = prepare(&g, dedup);
    /* best[] prefers the second set: rank says so. chosen: the edge of a class to the second. */
    const glimpse_dedup_edge **chosen = calloc(dedup->class_count + 1, sizeof *chosen);
    if (!chosen && status == GLIMPSE_OK)
        status = glimpse_fail_nomem(dedup->class_count * sizeof *chosen, "groups");
    if (status == GLIMPSE_OK) status = choose_keepers(&g, chosen);
    for (size_t i = 0; i < dedup->class_count && status == GLIMPSE_OK; i++) {
        uint32_t class = g.order[i].class, keeper = g.best[class];
        if (!(dedup->sets[class] & 2U)) continue;
        glimpse_dedup_entry self = {.item = keeper,
                                    .kind = GLIMPSE_DEDUP_EXACT,
                                    .relation = GLIMPSE_RELATION_IDENTICAL,
                                    .orientation = 1,
                                    .score = 1};
        for (int round = 0; round < 3 && status == GLIMPSE_OK; round++) {
            g.member_count = 0;
            status = push_member(&g, &self);
            if (round == 0 && status == GLIMPSE_OK)
                status = push_first_set(&g, class, keeper, &self);
            for (uint32_t l = g.start[class]; l < g.start[class + 1] && status == GLIMPSE_OK; l++) {
                uint32_t other = g.links[l].class;
                const glimpse_dedup_edge *edge = &dedup->edges[g.links[l].edge];
                if (!chosen[other] || chosen[other] != edge || !in_round(edge->relation, round))
                    continue;
                glimpse_warp warp;
                glimpse_dedup_entry member = seen_from(dedup, edge, class, &warp);
                status = push_first_set(&g, other, keeper, &member);
            }
            if (status == GLIMPSE_OK && g.member_count > 1)
                status = glimpse_dedup_add_cluster(dedup, g.members, g.member_count);
        }
    }
    free(chosen);
    release(&g);
    return status;
}
