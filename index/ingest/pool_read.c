/*
 * index/ingest/pool_read.c - one read of a file, shared by the hash and the decoder.
 *
 * The first bytes tell whether reading on is worth it: a film that is called .jpg, or a format
 * this build cannot decode, is not read to the end to find out.
 *
 * Files that change: the stamp kept is the one from before the read. When the file changes during
 * the read, its stamp on disk is another one, and the next run looks again. When it was written
 * within the last tick of the file system's clock, a second write could leave the same time, so
 * the read waits until that tick is over.
 *
 * Read-ahead: a worker that takes a job asks the system to begin with a later one, so that a disk
 * or a server works while the cores do. Each file is asked for once, and nothing is held here.
 * Where the system has the files in memory that would only be a second open for each of them, so it
 * begins when a read had to be waited for, and ends unless that happens again.
 */
#include "pool_read.h"

#include "core/error.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Files ahead per worker, and how much of each: what a batch or two takes, and the whole of all but
 * the largest photographs. */
enum {
    HEAD_BYTES = GLIMPSE_SNIFF_BYTES,
    SMALL_BYTES = 1 << 15, /* a file that is read at once */
    TICK_NS = 10000000,
    READ_AHEAD = 16,
    READ_AHEAD_BYTES = 16 << 20,
    READ_AHEAD_FILES = 256 /* after one that had to be waited for */
};

/* From memory a file of `size` bytes comes in less, unless the cores are busy with something else:
 * so only what the system does not say to have come from there is judged by its time. From a disk
 * that turns it takes longer. */
static double longest_from_memory(uint64_t size) {
    return 300e-6 + (double)size * 1e-9;
}

static void wait_for_the_tick(const struct stat *info) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return;
    const int64_t age = ((int64_t)now.tv_sec - info->st_mtim.tv_sec) * 1000000000 +
                        (now.tv_nsec - info->st_mtim.tv_nsec);
    if (age < 0 || age >= TICK_NS) return;
    const struct timespec rest = {0, (long)(TICK_NS - age)};
    (void)nanosleep(&rest, NULL);
}

/* Reads up to `size` bytes; fewer only at the end of the file. -1 with errno. */
static ssize_t read_fully(const glimpse_pool *pool, int fd, uint8_t *data, size_t size) {
    size_t used = 0;
    while (used < size) {
        ssize_t got = pool->read(fd, data + used, size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

/* Without a new access time: to write that of a file that was edited since costs as much as to read
 * it. Only who owns a file may ask for that; files of others cost a second try once. */
static int open_file(glimpse_pool *pool, const char *path) {
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
#ifdef O_NOATIME
    if (!atomic_load_explicit(&pool->with_access_times, memory_order_relaxed)) {
        const int fd = open(path, flags | O_NOATIME);
        if (fd >= 0 || errno != EPERM) return fd;
        atomic_store_explicit(&pool->with_access_times, 1, memory_order_relaxed);
    }
#else
    (void)pool;
#endif
    return open(path, flags);
}

static void fail_errno(glimpse_pool_job *job, const char *what) {
    const int status = glimpse_fail_errno("%s", what);
    glimpse_pool_job_fail(job, status, glimpse_last_error());
}

/* 1 when the head alone decides it. */
static int decided_by_head(const glimpse_pool *pool, glimpse_pool_job *job, const uint8_t *head,
                           size_t size) {
    if (job->must_sniff && !glimpse_walk_is_picture(head, size)) {
        job->outcome = GLIMPSE_POOL_NO_PICTURE;
        return 1;
    }
    const glimpse_image_format format = glimpse_image_sniff(head, size);
    if (format != GLIMPSE_FORMAT_UNKNOWN && glimpse_image_format_supported(format)) return 0;
    /* The decoder refuses it at sight, in its own words. */
    glimpse_image *image = NULL;
    int status = glimpse_image_decode(&image, head, size, "picture", &pool->decoding);
    if (status < 0) glimpse_pool_job_fail_decoding(job, status);
    glimpse_image_free(image);
    return status < 0;
}

/* As much as the system has in memory, if it says so: *all is 1 where that was all of it. Nothing
 * was read where it has nothing, or cannot tell. */
static size_t read_from_memory(const glimpse_pool *pool, int fd, uint8_t *data, size_t size,
                               int *all) {
    *all = 0;
#ifdef RWF_NOWAIT
    if (pool->read != read) return 0;
    const struct iovec into = {.iov_base = data, .iov_len = size};
    const ssize_t got = preadv2(fd, &into, 1, -1, RWF_NOWAIT);
    *all = got == (ssize_t)size;
    return got > 0 ? (size_t)got : 0;
#else
    (void)pool;
    (void)fd;
    (void)data;
    (void)size;
    return 0;
#endif
}

int glimpse_pool_read(glimpse_pool *pool, glimpse_pool_job *job, uint8_t **out) {
    int from_memory = 0;
    *out = NULL;
    uint8_t *data = NULL;
    uint64_t inside = 0;
    const int fd = open_file(pool, job->path);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            fail_errno(job, "cannot open the file");
            job->outcome = GLIMPSE_POOL_VANISHED;
        } else {
            fail_errno(job, "cannot open the file");
            /* Nothing says that it is one; `code` says why nobody knows. */
            if (job->must_sniff) job->outcome = GLIMPSE_POOL_NO_PICTURE;
        }
        return 0;
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        fail_errno(job, "cannot look at the file");
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        glimpse_pool_job_fail(job, GLIMPSE_E_INVALID, "not a file");
        job->outcome = GLIMPSE_POOL_VANISHED; /* replaced by something else meanwhile */
        goto done;
    }
    wait_for_the_tick(&info);
    job->stamp.size = info.st_size < 0 ? 0 : (uint64_t)info.st_size;
    job->stamp.mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    job->stamp.inode = info.st_ino;
    job->stamp.ctime_ns = (int64_t)info.st_ctim.tv_sec * 1000000000 + info.st_ctim.tv_nsec;

    uint8_t head[SMALL_BYTES];
    const int at_once =
        !job->must_sniff && job->stamp.size >= HEAD_BYTES && job->stamp.size <= SMALL_BYTES;
    const size_t wanted = at_once ? (size_t)job->stamp.size : HEAD_BYTES;
    const size_t got = at_once ? read_from_memory(pool, fd, head, wanted, &from_memory) : 0;
    ssize_t head_size = (ssize_t)got;
    if (got < wanted) {
        head_size = read_fully(pool, fd, head + got, wanted - got);
        if (head_size >= 0) head_size += (ssize_t)got;
    }
    if (head_size < 0) {
        fail_errno(job, "cannot read the file");
        if (job->must_sniff) job->outcome = GLIMPSE_POOL_NO_PICTURE;
        goto done;
    }
    if (decided_by_head(pool, job, head, (size_t)head_size)) goto done;
    if (job->stamp.size > pool->max_file_bytes) {
        (void)glimpse_fail(GLIMPSE_E_LIMIT, "%llu bytes, more than the limit of %llu for a picture",
                           (unsigned long long)job->stamp.size,
                           (unsigned long long)pool->max_file_bytes);
        glimpse_pool_job_fail(job, GLIMPSE_E_LIMIT, glimpse_last_error());
        goto done;
    }

    /* What was there at the look counts: a file that grew is looked at again next time. */
    const size_t expected = (size_t)job->stamp.size;
    inside = expected + 1;
    glimpse_budget_acquire(&pool->file_budget, inside);
    glimpse_pool_account(pool, inside);
    data = malloc(expected + 1);
    if (!data) {
        glimpse_pool_job_fail(job, GLIMPSE_E_NOMEM, "out of memory for the file");
        goto done;
    }
    size_t used = (size_t)head_size < expected ? (size_t)head_size : expected;
    memcpy(data, head, used);
    const ssize_t rest = read_fully(pool, fd, data + used, expected - used);
    if (rest < 0) {
        fail_errno(job, "cannot read the file");
        goto done;
    }
    used += (size_t)rest;
    job->content_size = used;
    job->hash = glimpse_hash_bytes(data, used);
    *out = data;
    data = NULL;
    inside = 0;
done:
    if (inside) {
        glimpse_budget_release(&pool->file_budget, inside);
        glimpse_pool_unaccount(pool, inside);
    }
    free(data);
    (void)close(fd);
    return from_memory;
}

/* Under the queue's lock: a copy of the path of a job that is still inside. */
static void copy_path(void *user, void *item) {
    const glimpse_pool_job *job = item;
    char **path = user;
    *path = strdup(job->path);
}

void glimpse_pool_read_ahead(glimpse_pool *pool, size_t taken) {
    const size_t distance = (size_t)pool->jobs * READ_AHEAD;
    for (size_t i = taken < distance ? taken : distance; i-- > 0;) {
        char *path = NULL;
        if (atomic_load(&pool->read_ahead) <= 0) return;
        glimpse_queue_look(pool->job_queue, distance - i, copy_path, &path);
        if (!path) return;
        (void)atomic_fetch_sub(&pool->read_ahead, 1);
        const int fd = open_file(pool, path);
        if (fd >= 0) {
            (void)posix_fadvise(fd, 0, READ_AHEAD_BYTES, POSIX_FADV_WILLNEED);
            (void)close(fd);
        }
        free(path);
    }
}

void glimpse_pool_note_read(glimpse_pool *pool, const glimpse_pool_job *job, double seconds) {
    if (seconds > longest_from_memory(job->content_size)) {
        atomic_store(&pool->read_ahead, READ_AHEAD_FILES);
    }
}

void glimpse_pool_release(glimpse_pool *pool, uint64_t file_size, uint8_t *data) {
    if (!data) return;
    free(data);
    glimpse_budget_release(&pool->file_budget, file_size + 1);
    glimpse_pool_unaccount(pool, file_size + 1);
}
