/*
 * vlm_samples.c - several answers to one question become one: what most of them say.
 */
#include "vlm/vlm_internal.h"

#include "core/error.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is compared of an answer: of a comparison its verdict, of everything else the words without
 * case, punctuation and doubled blanks. malloc'ed. */
static char *essence(const glimpse_vlm_answer *answer, glimpse_vlm_schema schema) {
    const char *text = answer->text;
    if (answer->outcome == GLIMPSE_VLM_CANNOT_TELL) return strdup("\1");
    if (answer->outcome == GLIMPSE_VLM_REFUSED) return strdup("\2");
    if (schema == GLIMPSE_VLM_JSON_COMPARE && strstr(text, "\nsame: ")) {
        text = strstr(text, "\nsame: ");
    }
    char *plain = malloc(strlen(text) + 1);
    size_t used = 0;
    for (; plain && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 128 && !isalnum(c)) {
            /* 3.5 and -2 are not 35 and 2 */
            int in_number = (c == '.' || c == '-') && isdigit((unsigned char)text[1]);
            if (!in_number) c = ' ';
        }
        if (c == ' ' && (used == 0 || plain[used - 1] == ' ')) continue;
        plain[used++] = (char)(c < 128 ? tolower(c) : c);
    }
    if (!plain) return NULL;
    while (used > 0 && plain[used - 1] == ' ')
        used--;
    plain[used] = '\0';
    return plain;
}

static void add_up(glimpse_vlm_answer *to, const glimpse_vlm_answer *from) {
    to->tokens_in += from->tokens_in;
    to->tokens_out += from->tokens_out;
    to->tokens_known = to->tokens_known && from->tokens_known;
    to->cost = to->cost < 0.0 || from->cost < 0.0 ? -1.0 : to->cost + from->cost;
    to->latency += from->latency;
    to->requests += from->requests;
    to->cached = to->cached && from->cached;
}

static int usable(const glimpse_vlm_answer *answer) {
    return answer->outcome <= GLIMPSE_VLM_CANNOT_TELL && !answer->incomplete;
}

/* Mean and deviation of the scores; 0 when there is none. */
static unsigned mean_score(glimpse_vlm_answer **answers, size_t count, double *mean,
                           double *deviation) {
    double sum = 0.0, squares = 0.0;
    unsigned scores = 0;
    for (size_t i = 0; i < count; i++) {
        double p = answers[i]->probability;
        if (!usable(answers[i]) || p < 0.0) continue;
        sum += p;
        squares += p * p;
        scores++;
    }
    *mean = scores ? sum / scores : -1.0;
    *deviation = scores ? sqrt(fmax(0.0, squares / scores - *mean * *mean)) : 0.0;
    return scores;
}

/* The first answer of the largest group. */
static size_t most_agreed(char **essences, size_t count, size_t *agreeing) {
    size_t best = 0;
    *agreeing = 0;
    for (size_t i = 0; i < count; i++) {
        if (!essences[i]) continue;
        size_t same = 0;
        for (size_t k = 0; k < count; k++)
            same += essences[k] && strcmp(essences[i], essences[k]) == 0;
        if (same > *agreeing) {
            *agreeing = same;
            best = i;
        }
    }
    return best;
}

static int set_score(glimpse_vlm_answer *answer, double mean, double deviation, unsigned scores) {
    char text[64];
    answer->probability = mean;
    answer->confidence = fmax(mean, 1.0 - mean);
    answer->agreement = scores > 1 ? fmax(0.0, 1.0 - 2.0 * deviation) : -1.0;
    (void)snprintf(text, sizeof text, "{\"score\":%.6g}", mean);
    int status = glimpse_vlm_set(&answer->json, text);
    (void)snprintf(text, sizeof text, "%.6g", mean);
    return status < 0 ? status : glimpse_vlm_set(&answer->text, text);
}

int glimpse_vlm_join_samples(glimpse_vlm_answer **answers, size_t count,
                             glimpse_vlm_schema schema) {
    char *essences[GLIMPSE_VLM_MAX_SAMPLES] = {NULL};
    size_t good = 0, agreeing = 0;
    int status = GLIMPSE_OK;
    for (size_t i = 0; i < count; i++) {
        if (!usable(answers[i])) continue;
        essences[i] = essence(answers[i], schema);
        if (!essences[i]) status = glimpse_fail(GLIMPSE_E_NOMEM, "out of memory for answers");
        good++;
    }
    size_t best = most_agreed(essences, count, &agreeing);
    double mean = -1.0, deviation = 0.0;
    unsigned scores = mean_score(answers, count, &mean, &deviation);
    if (scores > 0 && answers[best]->probability < 0.0 && 2 * (size_t)scores >= good) {
        for (best = 0; answers[best]->probability < 0.0;)
            best++; /* as many scored as did not */
    }
    for (size_t i = 0; i < count; i++) {
        free(essences[i]);
        if (i != best) add_up(answers[best], answers[i]);
    }
    glimpse_vlm_answer *chosen = answers[best];
    chosen->samples = (unsigned)good;
    if (status == GLIMPSE_OK && scores > 0 && chosen->probability >= 0.0) {
        status = set_score(chosen, mean, deviation, scores);
    } else if (good > 1) {
        chosen->agreement = (double)agreeing / (double)good;
        chosen->confidence = chosen->outcome == GLIMPSE_VLM_CANNOT_TELL ? 0.0 : chosen->agreement;
    }
    for (size_t i = 0; i < count; i++) {
        if (i != best) glimpse_vlm_answer_free(answers[i]);
        answers[i] = NULL;
    }
    answers[0] = chosen;
    return status;
}
