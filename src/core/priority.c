/*
 * core/priority.c - everything else on the machine goes first.
 *
 * On Linux priorities are those of threads: the ones that there are, of BLAS for instance, are
 * found in /proc. Threads of later and child processes inherit them from the one that starts them.
 */
#include "core/error.h"

#include <glimpse/process.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NICEST = 19, IO_OF_PROCESS = 1, IO_CLASS_IDLE = 3, IO_CLASS_SHIFT = 13 };

/* 0, or errno. A thread that ended meanwhile is none (ESRCH). */
static int lower_thread(pid_t thread) {
    const struct sched_param no_priority = {.sched_priority = 0};
    int error = 0;
    if (setpriority(PRIO_PROCESS, (id_t)thread, NICEST) != 0) error = errno;
    /* Refused where a container does not allow it: nice says nearly the same. */
    (void)sched_setscheduler(thread, SCHED_IDLE, &no_priority);
    (void)syscall(SYS_ioprio_set, IO_OF_PROCESS, thread, IO_CLASS_IDLE << IO_CLASS_SHIFT);
    return error == ESRCH ? 0 : error;
}

int glimpse_lower_priority(void) {
    int error = lower_thread(0); /* this one first: what it starts inherits it */
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        const long thread = strtol(entry->d_name, NULL, 10);
        const int failed = thread > 0 ? lower_thread((pid_t)thread) : 0;
        if (failed && !error) error = failed;
    }
    if (tasks) (void)closedir(tasks);
    errno = error;
    return error ? glimpse_fail_errno("cannot lower the priority of the process") : GLIMPSE_OK;
}
