/*
 * distance.h - distances on the earth, a sphere here: off by half a percent at most.
 */
#ifndef GLIMPSE_INDEX_DISTANCE_H
#define GLIMPSE_INDEX_DISTANCE_H

/* The great circle between two places, in km, by the haversine formula. */
double glimpse_distance_km(double latitude, double longitude, double other_latitude,
                           double other_longitude);

/* Boxes of degrees that hold every place at most `km` away: one from south to north, and one or
 * two ranges of longitudes in it. `west` and `east` are [2]. */
typedef struct glimpse_around {
    double south, north;
    double west[2], east[2];
    int count;
} glimpse_around;
glimpse_around glimpse_around_place(double latitude, double longitude, double km);

#endif
