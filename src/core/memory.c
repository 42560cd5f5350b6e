/*
 * core/memory.c - asks the system for memory before a call that cannot fail without ending the
 * program; how much the process may have, and has.
 */
#include "core/memory.h"

#include "core/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int glimpse_memory_is_available(uint64_t bytes) {
    if (bytes > SIZE_MAX / 2) return 0;
    void *tried =
        mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tried == MAP_FAILED) return 0;
    (void)munmap(tried, (size_t)bytes);
    return 1;
}

int glimpse_memory_check(uint64_t bytes, const char *what) {
    if (glimpse_memory_is_available(bytes)) return GLIMPSE_OK;
    return glimpse_fail(GLIMPSE_E_NOMEM,
                        "out of memory (%s: about %llu MB of address space are needed, and less is "
                        "left; the limit of ulimit -v must be higher)",
                        what, (unsigned long long)((bytes + (1 << 20) - 1) >> 20));
}

/*
 * The limit.
 */
static atomic_ullong asked_for;

void glimpse_set_max_memory(uint64_t bytes) {
    atomic_store(&asked_for, bytes);
}

/* The number in a file of the control group; UINT64_MAX: none, or "max". */
static uint64_t read_limit(const char *group, const char *name) {
    char path[4200], text[64] = "";
    (void)snprintf(path, sizeof path, "%s/%s", group, name);
    FILE *file = fopen(path, "re");
    if (!file) return UINT64_MAX;
    size_t got = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[got] = '\0';
    char *end = text;
    const unsigned long long number = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : number;
}

/* Of the group and those it lies in. Version 2 of control groups has one tree, of which a container
 * sees its own group as the root; version 1 has one for memory, with other names. */
static uint64_t smallest_limit(const char *tree, char *path, const char *const names[2]) {
    char group[4096];
    uint64_t limit = UINT64_MAX;
    for (;;) {
        (void)snprintf(group, sizeof group, "%s%s", tree, path);
        for (int i = 0; i < 2; i++) {
            const uint64_t found = read_limit(group, names[i]);
            if (found < limit) limit = found;
        }
        char *slash = strrchr(path, '/');
        if (!slash) return limit;
        *slash = '\0';
    }
}

static uint64_t read_group_limit(void) {
    static const char *const second[] = {"memory.max", "memory.high"};
    static const char *const first[] = {"memory.limit_in_bytes", "memory.soft_limit_in_bytes"};
    char line[4096];
    uint64_t limit = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *path = strrchr(line, ':');
        if (!path) continue;
        const int is_second = strncmp(line, "0::", 3) == 0;
        if (!is_second && !strstr(line, ":memory:")) continue;
        const uint64_t found =
            smallest_limit(is_second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory", path + 1,
                           is_second ? second : first);
        if (found < limit) limit = found;
    }
    if (file) (void)fclose(file);
    /* Version 1 says "none" by a number near the largest. */
    return limit < UINT64_MAX / 4 ? limit - limit / 10 : UINT64_MAX;
}

uint64_t glimpse_max_memory(void) {
    static atomic_ullong known; /* 0: not read yet. It is asked for by every search */
    uint64_t group = atomic_load(&known);
    if (group == 0) {
        group = read_group_limit();
        atomic_store(&known, group);
    }
    const uint64_t asked = atomic_load(&asked_for);
    return asked > 0 && asked < group ? asked : group;
}

/* Pages that are resident; of these, those of mapped files. */
static void read_resident(unsigned long long *resident, unsigned long long *mapped) {
    char line[128] = "", *at = line;
    *resident = *mapped = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return;
    if (fgets(line, sizeof line, file)) {
        (void)strtoull(at, &at, 10); /* the size of the address space */
        *resident = strtoull(at, &at, 10);
        *mapped = strtoull(at, &at, 10);
    }
    (void)fclose(file);
}

uint64_t glimpse_memory_resident(void) {
    unsigned long long resident, mapped;
    read_resident(&resident, &mapped);
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t glimpse_memory_mapped_resident(void) {
    unsigned long long resident, mapped;
    read_resident(&resident, &mapped);
    return (uint64_t)mapped * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t glimpse_memory_left(void) {
    const uint64_t max = glimpse_max_memory(), used = glimpse_memory_resident();
    if (max == UINT64_MAX) return UINT64_MAX;
    return used < max ? max - used : 0;
}
