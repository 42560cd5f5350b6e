/*
 * glimpse/dedup_plan.h - from a report of duplicates to what an action is about.
 *
 *     search.weakest = glimpse_dedup_weakest(0);           // before the search, see there
 *     ...
 *     glimpse_dedup_plan_options options = GLIMPSE_DEDUP_PLAN_OPTIONS_INIT;
 *     options.roots = roots, options.root_count = 1;       // those of the search
 *     glimpse_dedup_plan *plan = NULL;
 *     if (glimpse_dedup_plan_create(&plan, report, &options) < 0) ...
 *     glimpse_actions_preview(&done, &action, plan->items, plan->count, each, user);
 *     glimpse_dedup_plan_free(plan);
 *
 * A plan changes nothing; glimpse/actions.h does, and looks at every file again before it does.
 * With glimpse/session_dedup.h it is glimpse_session_act that takes a plan.
 *
 * Threads: a plan is immutable.
 */
#ifndef GLIMPSE_DEDUP_PLAN_H
#define GLIMPSE_DEDUP_PLAN_H

#include <glimpse/actions.h>
#include <glimpse/dedup.h>

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct glimpse_dedup_plan_options {
    size_t size;              /* GLIMPSE_DEDUP_PLAN_OPTIONS_INIT sets it */
    unsigned relations;       /* a bit for each glimpse_dedup_relation to act on, 1u << relation; 0:
                                 identical and re-encoded. VARIANT and SIMILAR are refused */
    const char *const *roots; /* of the search (none: those of the report): a MOVE keeps the
                                 directories below them, and their names */
    size_t root_count;
    const char *target; /* MOVE: the directory that files go to, which need not exist; or NULL */
    int conflicts_only; /* only groups whose labels differ */
    int reserved;
    /* 1u << glimpse_holding_kind for what may be lost: a file that holds anything else that its
     * keeper lacks is left alone, whatever the relation. Date, place and camera of near shots and
     * what is less alike are their own and hold nothing back. */
    uint32_t allow_loss;
} glimpse_dedup_plan_options;

static inline glimpse_dedup_plan_options glimpse_dedup_plan_options_init(void) {
    glimpse_dedup_plan_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_DEDUP_PLAN_OPTIONS_INIT glimpse_dedup_plan_options_init()

/* Why a member whose relation was asked for is left alone without a look. */
typedef enum glimpse_dedup_left_reason {
    GLIMPSE_LEFT_HELD_BACK = 0, /* it holds what its keeper lacks */
    GLIMPSE_LEFT_PROTECTED = 1, /* it lies in a directory of glimpse_dedup_options.protect */
    GLIMPSE_LEFT_LINK = 2,      /* it is only a link, or the keeper's own file */
    GLIMPSE_LEFT_PAIR = 3       /* a RAW file and the picture beside it of the same name, or a RAW
                                   whose keeper has other bytes: its preview is not what it holds */
} glimpse_dedup_left_reason;
GLIMPSE_API const char *glimpse_dedup_left_name(glimpse_dedup_left_reason reason); /* "held-back" */

typedef struct glimpse_dedup_left {
    const char *path, *keeper; /* absolute */
    glimpse_dedup_left_reason reason;
    uint32_t kinds; /* HELD_BACK: 1u << glimpse_holding_kind for what its keeper lacks; else 0 */
    uint64_t bytes; /* of the file */
} glimpse_dedup_left;

typedef struct glimpse_dedup_plan {
    const glimpse_action_item *items; /* [count], in the order of the report's groups: members, each
                                         with the keeper of its group, and behind it the other hard
                                         links to it */
    size_t count;
    size_t not_included; /* members whose relation was not asked for, and files that the search
                            left out of its groups because of options.weakest */
    const char *target;  /* absolute and without links; NULL without one */
    size_t held_back;    /* members left alone because they hold what their keeper lacks */
    uint32_t held_kinds; /* 1u << glimpse_holding_kind for what that is */
    size_t references;   /* members in a directory of glimpse_dedup_options.protect */
    size_t links;        /* members that are only links, or the keeper's own file */
    size_t pairs;        /* members that are GLIMPSE_LEFT_PAIR */
    size_t elsewhere;    /* of those in `items`: with hard links that were not found, so that acting
                            on them frees nothing */
    const glimpse_dedup_left *left; /* [left_count] in the same order: those that held_back,
                                       references, links and pairs count */
    size_t left_count;
    uint64_t not_included_of[GLIMPSE_RELATION_SIMILAR + 1]; /* not_included by relation */
    uint64_t bytes; /* of the files in `items` that go with all their names: what deleting them
                       frees */
} glimpse_dedup_plan;

/* The plan points into `report`, which must outlive it. Members that are protected, links, or pairs
 * are not in it. GLIMPSE_E_INVALID for a target that glimpse_dedup_check_target refuses. `options`
 * may be NULL. */
GLIMPSE_API int glimpse_dedup_plan_create(glimpse_dedup_plan **out,
                                          const glimpse_dedup_report *report,
                                          const glimpse_dedup_plan_options *options);
GLIMPSE_API void glimpse_dedup_plan_free(glimpse_dedup_plan *plan);

/* GLIMPSE_E_INVALID when files moved to `target` would be found by the next search: it is one of
 * `roots` or lies in one, links followed. Roots that do not exist are passed over. Ask before a
 * long search; glimpse_dedup_plan_create asks again. */
GLIMPSE_API int glimpse_dedup_check_target(const char *target, const char *const *roots,
                                           size_t root_count);

/* What options->weakest of a search must be so that its groups are made of pairs of these relations
 * alone: otherwise a file of equal bytes can hide behind a keeper that is an edited version of it.
 * A plan for a search without it is safe, because a member's relation is the one to its keeper, but
 * misses such files: they count in `not_included`. `relations` as in glimpse_dedup_plan_options. */
GLIMPSE_API unsigned glimpse_dedup_weakest(unsigned relations);

#ifdef __cplusplus
}
#endif
#endif
