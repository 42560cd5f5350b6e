/*
 * vlm/blip/blip_generate.c - greedy, sampled and beam search decoding of several items side by
 * side.
 *
 * Beam search is that of transformers (BeamSearchScorer, early_stopping False), whose rules are
 * written out at grow_beams(). Scores divide by the generated tokens alone, as transformers does
 * since 4.36; the version that salesforce/BLIP used counted the prompt as well.
 */
#include "core/error.h"
#include "vlm/blip/blip_internal.h"

#include <math.h>
#include <string.h>

/* What every step needs to know. */
typedef struct search {
    glimpse_blip_worker *worker;
    const glimpse_blip_generation *how;
    size_t first; /* number of the first item within the call, for the trace */
    size_t count; /* items */
    size_t vocabulary;
    int32_t sep;
} search;

static float *cache_of(const search *s, size_t item, size_t cache) {
    const glimpse_blip_worker *w = s->worker;
    return w->caches + (item * w->limits.beams + cache) *
                           glimpse_blip_kv_size(&w->model->decoder, w->limits.length);
}

/* Runs the spans that are in the pass and puts their last states behind the `*done` first. */
static int run_pass(glimpse_blip_worker *w, size_t *done) {
    size_t width = w->model->config.text.width, spans = w->decoder.span_count;
    int status = glimpse_blip_pass_run(&w->decoder, GLIMPSE_BLIP_PICK_LAST);
    if (status < 0) return status;
    memcpy(w->hidden + *done * width, w->decoder.x, spans * width * sizeof *w->hidden);
    *done += spans;
    glimpse_blip_pass_clear(&w->decoder);
    return GLIMPSE_OK;
}

/* The logits behind every live sequence of every item, in this order, into worker->logits. */
static int run_step(const search *s) {
    glimpse_blip_worker *w = s->worker;
    int caching = !(s->how->flags & GLIMPSE_BLIP_NO_CACHE);
    size_t done = 0;
    glimpse_blip_pass_clear(&w->decoder);
    for (size_t i = 0; i < s->count; i++) {
        glimpse_blip_item *item = &w->items[i];
        for (size_t b = 0; b < item->live_count && !item->done; b++) {
            glimpse_blip_beam *beam = &item->live[b];
            glimpse_blip_span span = {.count = beam->count - beam->cached,
                                      .past = beam->cached,
                                      .cache = caching ? cache_of(s, i, beam->cache) : NULL,
                                      .source = item->source};
            int status = GLIMPSE_OK;
            if (!glimpse_blip_pass_fits(&w->decoder, span.count)) status = run_pass(w, &done);
            if (status == GLIMPSE_OK)
                status = glimpse_blip_pass_add(&w->decoder, &span, beam->ids + beam->cached);
            if (status < 0) return status;
            if (caching) beam->cached = beam->count;
        }
    }
    int status = run_pass(w, &done);
    if (status < 0) return status;
    return glimpse_blip_run_head(w, w->hidden, done);
}

static double score_of(const search *s, const glimpse_blip_item *item, double sum, size_t length) {
    return sum / pow((double)(length - item->prompt), s->how->length_penalty);
}

/* Ends a sequence: beam + token (none when negative). Only the `beams` best are kept, and one that
 * is no better than the worst of them comes too late. */
static void finish(const search *s, glimpse_blip_item *item, const glimpse_blip_beam *beam,
                   int32_t token, double sum) {
    size_t length = beam->count + (token >= 0), place = item->finished_count;
    double score = score_of(s, item, sum, length);
    if (place == s->how->beams && !(score > item->scores[place - 1])) return;
    glimpse_blip_beam spare = item->finished[place];
    for (; place > 0 && score >= item->scores[place - 1]; place--) {
        item->finished[place] = item->finished[place - 1];
        item->scores[place] = item->scores[place - 1];
    }
    memcpy(spare.ids, beam->ids, beam->count * sizeof *spare.ids);
    if (token >= 0) spare.ids[beam->count] = token;
    spare.count = length;
    spare.sum = sum;
    item->finished[place] = spare;
    item->scores[place] = score;
    if (item->finished_count < s->how->beams) item->finished_count++;
}

static int fail_logits(const search *s) {
    return glimpse_fail(GLIMPSE_E_FORMAT,
                        "%s: the model's output is not finite; its weights may be damaged",
                        s->worker->model->path);
}

/* One sequence, one token more. */
static int grow_one(const search *s, glimpse_blip_item *item, const float *logits) {
    glimpse_blip_beam *beam = &item->live[0];
    int32_t forbidden = beam->count < s->how->min_length ? s->sep : -1;
    double total;
    if (!glimpse_blip_log_total(logits, s->vocabulary, &total)) return fail_logits(s);
    int32_t token = s->how->sample ? glimpse_blip_draw(logits, s->vocabulary, forbidden, s->how,
                                                       &item->random, s->worker->choices)
                                   : glimpse_blip_highest(logits, s->vocabulary, forbidden);
    beam->sum += (double)logits[token] - total;
    beam->ids[beam->count++] = token;
    if (token == s->sep || beam->count == s->how->max_length) {
        finish(s, item, beam, -1, beam->sum);
        item->done = 1;
    }
    return GLIMPSE_OK;
}

/* Gives each of the next beams a cache: its parent's for the first child, a copy for others. There
 * are as many caches as beams, so those of parents without children suffice. */
static void pass_caches_on(const search *s, size_t index, const size_t *parents, size_t count) {
    glimpse_blip_worker *w = s->worker;
    glimpse_blip_item *item = &w->items[index];
    const glimpse_blip_stack *stack = &w->model->decoder;
    size_t row = 2 * stack->config.width, layer = w->limits.length * row;
    int taken[64] = {0};
    for (size_t b = 0; b < count; b++) {
        size_t cache = item->live[parents[b]].cache;
        item->next[b].cache = taken[cache] ? w->limits.beams : cache;
        taken[cache] = 1;
    }
    for (size_t b = 0; b < count; b++) {
        const glimpse_blip_beam *parent = &item->live[parents[b]];
        if (item->next[b].cache < w->limits.beams) continue;
        size_t free_cache = 0;
        while (taken[free_cache])
            free_cache++;
        taken[free_cache] = 1;
        item->next[b].cache = free_cache;
        const float *from = cache_of(s, index, parent->cache);
        float *to = cache_of(s, index, free_cache);
        for (size_t i = 0; i < stack->config.layers; i++)
            memcpy(to + i * layer, from + i * layer, parent->cached * row * sizeof *to);
    }
}

/*
 * One step of beam search. Of all continuations the 2 x beams best sums are looked at, best first:
 * [SEP] among the first `beams` finishes a hypothesis, further down it is dropped; the others
 * become live until there are `beams`. The search ends when `beams` hypotheses are finished and
 * the worst of them is at least what the best sum of this step would score now; or at max_length,
 * where the live beams count as finished.
 */
static int grow_beams(const search *s, size_t index, const float *logits) {
    glimpse_blip_worker *w = s->worker;
    glimpse_blip_item *item = &w->items[index];
    size_t beams = s->how->beams, length = item->live[0].count, have = 0, next = 0;
    size_t parents[64];
    int32_t forbidden = length < s->how->min_length ? s->sep : -1;
    for (size_t b = 0; b < item->live_count; b++) {
        const float *row = logits + b * s->vocabulary;
        double total;
        if (!glimpse_blip_log_total(row, s->vocabulary, &total)) return fail_logits(s);
        have = glimpse_blip_offer(w->choices, have, 2 * beams, row, s->vocabulary, forbidden, b,
                                  item->live[b].sum - total);
    }
    for (size_t rank = 0; rank < have && next < beams; rank++) {
        const glimpse_blip_choice *choice = &w->choices[rank];
        const glimpse_blip_beam *parent = &item->live[choice->beam];
        if (choice->token == s->sep) {
            if (rank < beams) finish(s, item, parent, choice->token, choice->value);
            continue;
        }
        glimpse_blip_beam *beam = &item->next[next];
        memcpy(beam->ids, parent->ids, length * sizeof *beam->ids);
        beam->ids[length] = choice->token;
        beam->count = length + 1;
        beam->cached = parent->cached;
        beam->sum = choice->value;
        parents[next++] = choice->beam;
    }
    if (item->finished_count == beams &&
        item->scores[beams - 1] >= score_of(s, item, w->choices[0].value, length + 1)) {
        item->done = 1;
        return GLIMPSE_OK;
    }
    pass_caches_on(s, index, parents, next);
    glimpse_blip_beam *swap = item->live;
    item->live = item->next;
    item->next = swap;
    item->live_count = next;
    if (length + 1 == s->how->max_length) {
        for (size_t b = 0; b < next; b++)
            finish(s, item, &item->live[b], -1, item->live[b].sum);
        item->done = 1;
    }
    return GLIMPSE_OK;
}

static void start(const search *s, const glimpse_blip_text *prompt) {
    for (size_t i = 0; i < s->count; i++) {
        glimpse_blip_item *item = &s->worker->items[i];
        glimpse_blip_beam *beam = &item->live[0];
        memcpy(beam->ids, prompt->ids, prompt->count * sizeof *beam->ids);
        beam->count = prompt->count;
        beam->cached = beam->cache = 0;
        beam->sum = 0;
        item->live_count = 1;
        item->finished_count = 0;
        item->prompt = prompt->count;
        item->done = 0;
        item->random = s->how->seed;
    }
}

static void trace(const search *s, size_t index, const float *logits) {
    const glimpse_blip_item *item = &s->worker->items[index];
    for (size_t b = 0; b < item->live_count && s->worker->trace; b++) {
        s->worker->trace(s->worker->trace_user, s->first + index, b, item->live[b].count,
                         logits + b * s->vocabulary);
    }
}

int glimpse_blip_generate(glimpse_blip_worker *w, const glimpse_blip_text *prompt, size_t count,
                          size_t first, const glimpse_blip_generation *generation) {
    const search s = {
        w, generation, first, count, w->model->config.vocabulary, w->model->config.sep_id};
    size_t running = count;
    start(&s, prompt);
    while (running > 0) {
        int status = run_step(&s);
        if (status < 0) return status;
        const float *logits = w->logits;
        running = 0;
        for (size_t i = 0; i < count; i++) {
            glimpse_blip_item *item = &w->items[i];
            if (item->done) continue;
            size_t rows = item->live_count;
            trace(&s, i, logits);
            status = generation->beams > 1 ? grow_beams(&s, i, logits) : grow_one(&s, item, logits);
            if (status < 0) return status;
            logits += rows * s.vocabulary;
            running += !item->done;
        }
    }
    return GLIMPSE_OK;
}

int glimpse_blip_check_generation(const glimpse_blip_worker *w, const glimpse_blip_text *prompt,
                                  const glimpse_blip_generation *g) {
    if (g->beams < 1 || g->beams > w->limits.beams) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu beams; this worker takes 1 to %zu", g->beams,
                            w->limits.beams);
    }
    if (2 * g->beams > w->model->config.vocabulary) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%zu beams are too many for a vocabulary of %zu",
                            g->beams, w->model->config.vocabulary);
    }
    if (g->max_length > w->limits.length) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a max_length of %zu tokens; this worker has room for %zu",
                            g->max_length, w->limits.length);
    }
    if (prompt->count >= g->max_length) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "a prompt of %zu tokens leaves nothing to write within a max_length of "
                            "%zu; make that longer",
                            prompt->count, g->max_length);
    }
    if (g->sample && (g->beams > 1 || !(g->temperature > 0) || !isfinite(g->temperature) ||
                      !(g->top_p > 0) || g->top_p > 1)) {
        return glimpse_fail(GLIMPSE_E_INVALID,
                            "sampling needs 1 beam, a temperature above 0 and a top_p above 0 and "
                            "up to 1");
    }
    if (!isfinite(g->length_penalty)) {
        return glimpse_fail(GLIMPSE_E_INVALID, "a length penalty must be a number");
    }
    return GLIMPSE_OK;
}
