/*
 * remote_limits.c - when a request may go: slots, rates, pauses a server asked for, the circuit
 * breaker, money.
 *
 * Rates are paced: N a minute is one every 60/N seconds, so that no minute, wherever it begins,
 * holds more. Money is reserved before sending at the estimate and corrected to what the answer
 * says; who does not fit waits while others may still give back, and is refused when nobody can.
 *
 * The breaker opens after so many failed questions in a row and closes with the first good one;
 * when its time is over one request is let through to find out.
 */
#include "vlm/remote/remote.h"

#include "core/clock.h"
#include "core/error.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const double slice = 0.1; /* seconds between two looks at job->cancelled */
static const double first_pause = 30.0, longest_pause = 300.0;

double glimpse_pace_reserve(glimpse_pace *pace, double now, double amount) {
    if (pace->per_second <= 0.0) return now;
    double start = fmax(now, pace->next);
    pace->next = start + amount / pace->per_second;
    return start;
}

int glimpse_limits_init(glimpse_limits *limits, const glimpse_vlm_options *options) {
    *limits = (glimpse_limits){.concurrency = options->concurrency ? options->concurrency : 4};
    limits->requests.per_second = options->requests_per_minute / 60.0;
    limits->tokens.per_second = options->tokens_per_minute / 60.0;
    limits->scale = options->backoff_scale > 0.0 ? options->backoff_scale : 1.0;
    limits->threshold = options->breaker ? options->breaker : 10;
    limits->max_cost = options->max_cost;
    if (pthread_mutex_init(&limits->mutex, NULL) != 0) {
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot make a mutex");
    }
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&limits->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    if (failed) {
        (void)pthread_mutex_destroy(&limits->mutex);
        return glimpse_fail(GLIMPSE_E_INTERNAL, "cannot make a condition");
    }
    return GLIMPSE_OK;
}

void glimpse_limits_destroy(glimpse_limits *limits) {
    (void)pthread_cond_destroy(&limits->changed);
    (void)pthread_mutex_destroy(&limits->mutex);
}

static struct timespec at(double seconds) {
    struct timespec when = {(time_t)seconds, 0};
    when.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    return when;
}

int glimpse_limits_wait(const glimpse_vlm_job *job, double seconds) {
    double until = glimpse_now() + seconds;
    for (double now; (now = glimpse_now()) < until;) {
        if (glimpse_vlm_job_stopped(job)) return 0;
        struct timespec when = at(fmin(until, now + slice));
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
    }
    return !glimpse_vlm_job_stopped(job);
}

/* Lets others change things, for a moment. */
static void wait_for_change(glimpse_limits *limits, double until) {
    struct timespec when = at(until);
    (void)pthread_cond_timedwait(&limits->changed, &limits->mutex, &when);
}

/* Whether the breaker lets this one through. */
static int breaker_open(glimpse_limits *limits, double now) {
    if (limits->dead) return 1;
    if (limits->open_until <= 0.0) return 0;
    if (now < limits->open_until || limits->trying) return 1;
    limits->trying = 1;
    return 0;
}

/* 0: keep waiting. */
static int may_enter(glimpse_limits *limits, double cost, double now, glimpse_entry *entry) {
    if (limits->active >= limits->concurrency || now < limits->paused_until) return 0;
    if (limits->max_cost >= 0.0) {
        /* Sums of prices are not exact: a millionth of the limit does not count. */
        double limit = limits->max_cost * (1.0 + 1e-6);
        if (limits->spent + limits->at_risk + limits->reserved + cost > limit) {
            if (limits->active > 0) return 0;
            *entry = GLIMPSE_ENTRY_NO_MONEY;
            return 1;
        }
    }
    if (breaker_open(limits, now)) {
        *entry = GLIMPSE_ENTRY_DOWN;
        return 1;
    }
    *entry = GLIMPSE_ENTRY_OK;
    return 1;
}

glimpse_entry glimpse_limits_enter(glimpse_limits *limits, double tokens, double cost,
                                   double deadline, const glimpse_vlm_job *job) {
    glimpse_entry entry = GLIMPSE_ENTRY_OK;
    double start = 0.0;
    (void)pthread_mutex_lock(&limits->mutex);
    for (;;) {
        double now = glimpse_now();
        if (glimpse_vlm_job_stopped(job)) {
            entry = GLIMPSE_ENTRY_STOPPED;
        } else if (limits->dead) {
            entry = GLIMPSE_ENTRY_DOWN;
        } else if (now >= deadline) {
            entry = GLIMPSE_ENTRY_LATE;
        } else if (!may_enter(limits, cost, now, &entry)) {
            wait_for_change(limits, fmin(deadline, now + slice));
            continue;
        }
        break;
    }
    if (entry == GLIMPSE_ENTRY_OK) {
        double now = glimpse_now();
        start = fmax(glimpse_pace_reserve(&limits->requests, now, 1.0),
                     glimpse_pace_reserve(&limits->tokens, now, tokens));
        limits->active++;
        limits->reserved += cost;
    }
    (void)pthread_mutex_unlock(&limits->mutex);
    if (entry != GLIMPSE_ENTRY_OK) return entry;

    /* The place in the queue of the rates is booked: now wait for it. */
    double now = glimpse_now(), wait = (start - now) * limits->scale;
    if (start > deadline && limits->scale >= 1.0) {
        entry = GLIMPSE_ENTRY_LATE;
    } else if (wait > 0.0 && !glimpse_limits_wait(job, wait)) {
        entry = GLIMPSE_ENTRY_STOPPED;
    }
    if (entry != GLIMPSE_ENTRY_OK) {
        (void)pthread_mutex_lock(&limits->mutex);
        limits->trying = 0;
        (void)pthread_mutex_unlock(&limits->mutex);
        glimpse_limits_leave(limits, tokens, 0.0, cost, 0.0, 0.0);
    }
    return entry;
}

void glimpse_limits_leave(glimpse_limits *limits, double tokens, double actual_tokens, double cost,
                          double spent, double risk) {
    (void)pthread_mutex_lock(&limits->mutex);
    limits->active--;
    limits->reserved = limits->active ? fmax(0.0, limits->reserved - cost) : 0.0;
    limits->spent += spent;
    limits->at_risk += risk;
    if (limits->tokens.per_second > 0.0) {
        limits->tokens.next += (actual_tokens - tokens) / limits->tokens.per_second;
    }
    (void)pthread_cond_broadcast(&limits->changed);
    (void)pthread_mutex_unlock(&limits->mutex);
}

void glimpse_limits_pause(glimpse_limits *limits, double seconds) {
    (void)pthread_mutex_lock(&limits->mutex);
    limits->paused_until = fmax(limits->paused_until, glimpse_now() + seconds * limits->scale);
    (void)pthread_mutex_unlock(&limits->mutex);
}

void glimpse_limits_result(glimpse_limits *limits, int result, const char *why) {
    (void)pthread_mutex_lock(&limits->mutex);
    limits->trying = 0;
    if (result > 0) {
        limits->in_a_row = limits->opened = 0;
        limits->open_until = 0.0;
    } else {
        (void)snprintf(limits->reason, sizeof limits->reason, "%s", why);
        limits->in_a_row++;
        if (result < 0) limits->dead = 1;
        if (limits->in_a_row >= limits->threshold) {
            double pause = first_pause * exp2((double)(limits->opened < 8 ? limits->opened : 8));
            limits->open_until = glimpse_now() + fmin(pause, longest_pause) * limits->scale;
            limits->opened++;
        }
    }
    (void)pthread_cond_broadcast(&limits->changed);
    (void)pthread_mutex_unlock(&limits->mutex);
}

void glimpse_limits_reason(glimpse_limits *limits, char *to, size_t capacity) {
    (void)pthread_mutex_lock(&limits->mutex);
    if (limits->dead) {
        (void)snprintf(to, capacity, "not sent after: %s", limits->reason);
    } else {
        (void)snprintf(to, capacity, "not sent: %u requests in a row failed, the last with: %s",
                       limits->in_a_row, limits->reason);
    }
    (void)pthread_mutex_unlock(&limits->mutex);
}
