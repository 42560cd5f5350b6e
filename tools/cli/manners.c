/*
 * manners.c - priority and memory of the process.
 */
#include "manners.h"

#include "cli.h"
#include "tool.h"

#include <glimpse/process.h>

#include <ctype.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

/* Bytes of "800M", "1.5 GB", "2GiB"; K, M, G and T are powers of 1024. 0: it is no size. */
static uint64_t size_of(const char *text) {
    static const char letters[] = "KMGT";
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) return 0;
    double number = strtod(text, &end);
    while (*end == ' ')
        end++;
    for (int i = 0; letters[i]; i++) {
        if (toupper((unsigned char)*end) != letters[i]) continue;
        number = ldexp(number, 10 * (i + 1));
        end++;
        break;
    }
    if (strcasecmp(end, "B") != 0 && strcasecmp(end, "iB") != 0 && *end) return 0;
    return isfinite(number) && number >= 1 && number < 1e18 ? (uint64_t)number : 0;
}

int manners_apply(int nice, const char *max_memory) {
    enum { LARGE_BLOCK = 256 << 10 };
    if (max_memory) {
        const uint64_t bytes = size_of(max_memory);
        if (bytes == 0) {
            return cli_misuse(NULL, "--max-memory is a size such as 800M or 2G, not \"%s\"",
                              max_memory);
        }
        glimpse_set_max_memory(bytes);
        /* What pictures took goes back to the system at once: glibc would keep the more of it the
         * larger they were, and some for every thread. */
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
        (void)mallopt(M_ARENA_MAX, 2);
    }
    return nice && glimpse_lower_priority() < 0 ? tool_fail_last() : CLI_RUN;
}
