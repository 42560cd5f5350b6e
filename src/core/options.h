/*
 * core/options.h - options and reports that begin with their own size. Private to the library.
 *
 *     int glimpse_image_load(..., const glimpse_decode_options *options) {
 *         glimpse_decode_options own = GLIMPSE_DECODE_OPTIONS_INIT;
 *         int status = GLIMPSE_OPTIONS_LOAD(&own, options, glimpse_decode_options, max_pixels);
 *         if (status < 0) return status;
 *         ... own.short_side ...
 *
 * A program may have been compiled with an older header or with a newer one than this library; the
 * size that its INIT macro set says what its struct holds. Functions work on their own copy, which
 * has all members this library knows, and never on the caller's struct.
 *
 * How a struct grows: new members go to its end, and 0 or the INIT's value means "as before". When
 * the struct that was released ends in padding (an int behind a pointer), the first new member
 * takes the next multiple of 8 bytes: put an explicit `reserved` into the gap, because an older
 * program's sizeof covers those bytes without having set them.
 */
#ifndef GLIMPSE_CORE_OPTIONS_H
#define GLIMPSE_CORE_OPTIONS_H

#include <stddef.h>

/* Bytes of `type` up to and with `member`. */
#define GLIMPSE_SIZE_UP_TO(type, member) (offsetof(type, member) + sizeof(((type *)NULL)->member))

/* A larger "size" is one that nobody set. */
enum { GLIMPSE_SIZE_LIMIT = 64 << 10 };

/* `own` [own_size] holds the defaults, and gets over them what the caller's struct holds; its own
 * size stays. `given` NULL: the defaults. `first_size` is what the first version of the struct
 * had; `type` is its name, for messages. GLIMPSE_E_INVALID when the size is below that or beyond
 * GLIMPSE_SIZE_LIMIT, GLIMPSE_E_UNSUPPORTED when a byte behind own_size is not 0. `own` is left
 * alone then. */
int glimpse_options_load(void *own, size_t own_size, const void *given, size_t first_size,
                         const char *type);
#define GLIMPSE_OPTIONS_LOAD(own, given, type, last_of_first) \
 glimpse_options_load((own), sizeof(type), (given), GLIMPSE_SIZE_UP_TO(type, last_of_first), #type)

/* The other direction. Before the work: whether the caller's size makes sense (`given` NULL: no
 * report is wanted, which is fine). A larger struct is fine too. */
int glimpse_report_check(const void *given, size_t first_size, const char *type);
#define GLIMPSE_REPORT_CHECK(given, type, last_of_first) \
 glimpse_report_check((given), GLIMPSE_SIZE_UP_TO(type, last_of_first), #type)

/* After it: copies to a struct that was checked what it has room for. Its size stays, and so do
 * members that this library does not know. */
void glimpse_report_store(void *given, const void *own, size_t own_size);
#define GLIMPSE_REPORT_STORE(given, own) glimpse_report_store((given), (own), sizeof *(own))

#endif
