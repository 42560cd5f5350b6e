/*
 * core/memory.h - whether memory could be had, asked before something that cannot fail needs it.
 *
 * OpenBLAS tries its mapping again for ever, code generators throw through functions that must not,
 * OpenMP ends the program: where such a thing comes next, the address space that it takes is tried
 * first. What is free now may be gone a moment later; callers ask for some more than is needed.
 */
#ifndef GLIMPSE_CORE_MEMORY_H
#define GLIMPSE_CORE_MEMORY_H

#include <glimpse/process.h>

#include <stdint.h>

/* 1 when `bytes` could be mapped now. Nothing is kept. Microseconds; any thread. */
int glimpse_memory_is_available(uint64_t bytes);
/* The same as a status: GLIMPSE_E_NOMEM with the amount and what it is for ("2 workers"). */
int glimpse_memory_check(uint64_t bytes, const char *what);

/* Bytes that this process has resident now; 0 where that cannot be told. */
uint64_t glimpse_memory_resident(void);
/* Of these, those of mapped files. */
uint64_t glimpse_memory_mapped_resident(void);
/* What is left of glimpse_max_memory(); UINT64_MAX: there is no limit. */
uint64_t glimpse_memory_left(void);

#endif
