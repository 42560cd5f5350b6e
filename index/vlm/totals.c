/*
 * totals.c - adds up what several runs of a vision-language model came to: one sum for every member
 * of glimpse_vlm_totals.
 */
#include "totals.h"

void glimpse_vlm_totals_add(glimpse_vlm_totals *sum, const glimpse_vlm_totals *more) {
    sum->asked += more->asked;
    sum->answered += more->answered;
    sum->refused += more->refused;
    sum->cannot_tell += more->cannot_tell;
    sum->failed += more->failed;
    sum->not_sent += more->not_sent;
    sum->cached += more->cached;
    sum->escalated += more->escalated;
    sum->requests += more->requests;
    sum->tokens_in += more->tokens_in;
    sum->tokens_out += more->tokens_out;
    sum->cost += more->cost;
    sum->unpriced += more->unpriced;
    sum->incomplete += more->incomplete;
}
