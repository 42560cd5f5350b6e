/*
 * index/dedup/dedup_moments.c - whether two pictures can be of one shot, by their dates and camera.
 */
#include "dedup_private.h"

#include <math.h>
#include <string.h>

/* Seconds since some midnight, -1 when it is no moment. "2021-05-30T14:03:59" */
static double moment(const char *taken) {
    int digits[6] = {0};
    static const int at[6] = {0, 5, 8, 11, 14, 17}, length[6] = {4, 2, 2, 2, 2, 2};
    if (strlen(taken) < 19) return -1;
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < length[i]; k++) {
            char c = taken[at[i] + k];
            if (c < '0' || c > '9') return -1;
            digits[i] = digits[i] * 10 + (c - '0');
        }
    }
    /* Days by the usual formula for the Gregorian calendar, years beginning in March. */
    int year = digits[0] - (digits[1] <= 2), month = (digits[1] + 9) % 12;
    int days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + digits[2];
    return ((days * 24.0 + digits[3]) * 60 + digits[4]) * 60 + digits[5];
}

int glimpse_dedup_are_days_apart(const glimpse_dedup_picture *p, const glimpse_dedup_picture *q) {
    enum { DAY = 24 * 3600 };
    const double first = moment(p->taken), second = moment(q->taken);
    return p->camera[0] && q->camera[0] && !p->taken_is_modification && !q->taken_is_modification &&
           first >= 0 && second >= 0 && fabs(first - second) > DAY;
}

int glimpse_dedup_moments(const glimpse_dedup_item *a, const glimpse_dedup_item *b) {
    const glimpse_dedup_picture *p = &a->picture, *q = &b->picture;
    double first = moment(p->taken), second = moment(q->taken);
    if (p->taken_is_modification || q->taken_is_modification) return GLIMPSE_SAME_MOMENT;
    if (first < 0 || second < 0) return GLIMPSE_SAME_MOMENT;
    /* Editors drop fractions of a second; both must have them. */
    if (a->subseconds >= 0 && b->subseconds >= 0) {
        first += a->subseconds;
        second += b->subseconds;
    }
    const double apart = fabs(first - second), quarters = fmod(apart + 0.0005, 900);
    if (apart < 0.0005) return GLIMPSE_SAME_MOMENT;
    if (!p->camera[0] || strcmp(p->camera, q->camera) != 0) return GLIMPSE_ZONES;
    return apart > 26 * 3600.0 || quarters > 0.001 ? GLIMPSE_TWO_SHOTS : GLIMPSE_ZONES;
}
