/*
 * math/self_test.h - is a fast backend believed on this machine?
 */
#ifndef GLIMPSE_MATH_SELF_TEST_H
#define GLIMPSE_MATH_SELF_TEST_H

#include <glimpse/compute.h>

/* 1 when a small layer, and attention where the backend has its own, come out as they should; the
 * verdict of the first call is kept for the process. Any thread. */
int glimpse_backend_trusted(glimpse_backend backend, glimpse_precision precision);
/* The test itself. 0 also for what this build or CPU cannot. */
int glimpse_backend_agrees(glimpse_backend backend, glimpse_precision precision);

#endif
