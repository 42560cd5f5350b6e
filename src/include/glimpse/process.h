/*
 * glimpse/process.h - what concerns a process as a whole: its priority, the memory it may take, and
 * stopping for a while. Nothing of it happens unless a program asks for it.
 */
#ifndef GLIMPSE_PROCESS_H
#define GLIMPSE_PROCESS_H

#include <glimpse/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lets everything else on the machine go first: every thread that the process has gets nice 19, the
 * scheduling policy SCHED_IDLE and the idle class of input and output, as far as the system has
 * them; threads and child processes that are started later inherit it. Not to be taken back without
 * rights. A failure is GLIMPSE_E_IO; some of it may hold then. */
GLIMPSE_API int glimpse_lower_priority(void);

/*
 * Memory.
 */
/* Resident memory that the process should not exceed, mapped weights included; 0, as it is at
 * first: no limit of its own. Indexing, labelling and the like take fewer workers, smaller batches
 * and fewer pictures at once to stay below it, and one large picture at a time; what does not fit
 * so is GLIMPSE_E_NOMEM with the numbers, before work begins. It holds for calls that begin
 * afterwards. What the program itself takes counts as well. */
GLIMPSE_API void glimpse_set_max_memory(uint64_t bytes);
/* The limit that holds: the smaller of that and, where the process runs in a control group with a
 * limit (memory.max or memory.high, read once), nine tenths of the group's; UINT64_MAX: none. */
GLIMPSE_API uint64_t glimpse_max_memory(void);

/*
 * Pausing, for programs that are to be stopped as a shell's Ctrl-Z does (SIGTSTP).
 *
 * `wanted`, asked often and from several threads, says that the process is to stop. Calls that
 * index, label, find duplicates or ask vision-language models then finish what is under way,
 * pictures at workers and requests that are paid for, commit it, and call `pause`, which returns
 * when it is to go on; from then on `wanted` is 0. The time in it is none of a call's time: rates
 * and what is left are computed without it. The lock of a library that is being written stays held;
 * who wants to write as well is told (GLIMPSE_E_BUSY) that the process is stopped. Both NULL, as at
 * first: never.
 */
GLIMPSE_API void glimpse_set_pause(int (*wanted)(void), void (*pause)(void));
/* 1 while a call runs that looks at `wanted` and will pause. Where it is 0 a process may stop at
 * once. Safe in a signal handler. */
GLIMPSE_API int glimpse_pause_is_coming(void);
/* Calls `pause`, and leaves the time that it takes out of the time of calls; for processes that
 * stop at once. Safe in a signal handler when `pause` is. */
GLIMPSE_API void glimpse_pause_now(void (*pause)(void));

#ifdef __cplusplus
}
#endif
#endif
