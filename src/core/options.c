/*
 * core/options.c - copies option structs whose size the caller gives, so that old programs run with
 * new libraries.
 */
#include "core/options.h"
#include "core/error.h"

#include <ctype.h>
#include <string.h>

/* Every one of these structs begins with its size. */
static size_t size_of(const void *given) {
    size_t size;
    memcpy(&size, given, sizeof size);
    return size;
}

static int check_size(size_t size, size_t first_size, const char *type) {
    if (size >= first_size && size <= GLIMPSE_SIZE_LIMIT) return GLIMPSE_OK;
    char init[128];
    size_t length = 0;
    for (; type[length] && length + 1 < sizeof init; length++)
        init[length] = (char)toupper((unsigned char)type[length]);
    init[length] = '\0';
    return glimpse_fail(GLIMPSE_E_INVALID,
                        "a %s whose size is %zu bytes, not %zu or more: it was not initialised; "
                        "set it to %s_INIT first",
                        type, size, first_size, init);
}

int glimpse_options_load(void *own, size_t own_size, const void *given, size_t first_size,
                         const char *type) {
    if (!given) return GLIMPSE_OK;
    const size_t size = size_of(given);
    int status = check_size(size, first_size, type);
    if (status < 0) return status;
    const unsigned char *bytes = given;
    for (size_t i = own_size; i < size; i++) {
        if (bytes[i] == 0) continue;
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "a member of %s that this version of the library does not know is set "
                            "(byte %zu of %zu, %zu are known): use a newer libglimpse, or leave "
                            "that member as it was initialised",
                            type, i, size, own_size);
    }
    const size_t shared = size < own_size ? size : own_size;
    memcpy((unsigned char *)own + sizeof size, bytes + sizeof size, shared - sizeof size);
    return GLIMPSE_OK;
}

int glimpse_report_check(const void *given, size_t first_size, const char *type) {
    return given ? check_size(size_of(given), first_size, type) : GLIMPSE_OK;
}

void glimpse_report_store(void *given, const void *own, size_t own_size) {
    if (!given) return;
    const size_t size = size_of(given), shared = size < own_size ? size : own_size;
    memcpy((unsigned char *)given + sizeof size, (const unsigned char *)own + sizeof size,
           shared - sizeof size);
}
