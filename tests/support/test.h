/*
 * test.h - what every test includes: cmocka with its prerequisites, the status of a call as an
 * assertion, files.
 */
#ifndef GLIMPSE_TESTS_TEST_H
#define GLIMPSE_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glimpse/status.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/files.h"

/* Sanitizers are slow, bring allocators of their own, and reserve terabytes of address space, so
 * that RLIMIT_AS cannot be used. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
# define UNDER_SANITIZER 1
#else
# define UNDER_SANITIZER 0
#endif

/* Fails the test with the library's own message when `call` does not return GLIMPSE_OK. */
#define assert_ok(call)                                                                         \
 do {                                                                                           \
  int assert_ok_status = (call);                                                                \
  if (assert_ok_status != GLIMPSE_OK) {                                                         \
   fail_msg("%s: %s (%s)", #call, glimpse_status_name(assert_ok_status), glimpse_last_error()); \
  }                                                                                             \
 } while (0)

#endif
