/*
 * distance.c - places near each other, also across the antimeridian and the poles.
 */
#include "distance.h"

#include <math.h>

static const double EARTH_KM = 6371.0088; /* the mean radius of the ellipsoid WGS 84 */
static const double RADIAN = 57.295779513082320877;

double glimpse_distance_km(double latitude, double longitude, double other_latitude,
                           double other_longitude) {
    const double up = sin((other_latitude - latitude) / RADIAN / 2);
    const double across = sin((other_longitude - longitude) / RADIAN / 2);
    double half = up * up + cos(latitude / RADIAN) * cos(other_latitude / RADIAN) * across * across;
    if (half > 1) half = 1; /* by rounding, at the other end of the earth */
    return 2 * EARTH_KM * asin(sqrt(half));
}

glimpse_around glimpse_around_place(double latitude, double longitude, double km) {
    const double slack = 1e-6; /* degrees: what rounding can do */
    const double angle = km / EARTH_KM, radius = angle * RADIAN + slack;
    glimpse_around a = {.south = latitude - radius,
                        .north = latitude + radius,
                        .west = {-180, 0},
                        .east = {180, 0},
                        .count = 1};
    if (a.south <= -90 || a.north >= 90 || angle >= 1.5) return a; /* every meridian */
    /* Where the circle touches a meridian: farther than at the place's own latitude. */
    const double sine = sin(angle) / cos(latitude / RADIAN);
    if (!(sine < 1)) return a;
    const double width = asin(sine) * RADIAN + slack;
    a.west[0] = longitude - width;
    a.east[0] = longitude + width;
    if (a.west[0] < -180) {
        a.west[1] = a.west[0] + 360;
        a.east[1] = 180;
        a.west[0] = -180;
        a.count = 2;
    } else if (a.east[0] > 180) {
        a.west[1] = -180;
        a.east[1] = a.east[0] - 360;
        a.east[0] = 180;
        a.count = 2;
    }
    return a;
}
