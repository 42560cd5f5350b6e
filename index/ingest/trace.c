/*
 * index/ingest/trace.c - writes what each thread did when, in the trace event format of Chrome and
 * Perfetto.
 */
#include "trace.h"

#include "core/clock.h"
#include "core/error.h"
#include "text/output/json_out.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct glimpse_trace {
    FILE *file;
    char *path;
    pthread_mutex_t mutex;
    double start;
    int events, error; /* errno of the first failure */
};

int glimpse_trace_open(glimpse_trace **out, const char *path) {
    *out = NULL;
    glimpse_trace *trace = calloc(1, sizeof *trace);
    if (!trace) return glimpse_fail_nomem(sizeof *trace, "a trace");
    trace->path = strdup(path);
    if (!trace->path || pthread_mutex_init(&trace->mutex, NULL) != 0) {
        free(trace->path);
        free(trace);
        return glimpse_fail_nomem(strlen(path), "a trace");
    }
    trace->file = fopen(path, "we");
    if (!trace->file) {
        int status = glimpse_fail_errno("%s: cannot write a trace", path);
        (void)pthread_mutex_destroy(&trace->mutex);
        free(trace->path);
        free(trace);
        return status;
    }
    trace->start = glimpse_now();
    (void)fputs("[", trace->file);
    *out = trace;
    return GLIMPSE_OK;
}

static void write_string(FILE *file, const char *text) {
    json_out out = {file, 0};
    jout_string(&out, text);
}

/* Begins an event, under the lock. */
static void begin(glimpse_trace *trace, const char *phase, unsigned thread) {
    (void)fprintf(trace->file, "%s\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%u", trace->events ? "," : "",
                  phase, thread);
    trace->events = 1;
}

static void end(glimpse_trace *trace) {
    (void)fputc('}', trace->file);
    if (ferror(trace->file) && !trace->error) trace->error = errno ? errno : EIO;
}

void glimpse_trace_name(glimpse_trace *trace, unsigned thread, const char *format, ...) {
    if (!trace) return;
    char name[64];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(name, sizeof name, format, args);
    va_end(args);
    (void)pthread_mutex_lock(&trace->mutex);
    begin(trace, "M", thread);
    (void)fputs(",\"name\":\"thread_name\",\"args\":{\"name\":", trace->file);
    write_string(trace->file, name);
    (void)fputc('}', trace->file);
    end(trace);
    (void)pthread_mutex_unlock(&trace->mutex);
}

void glimpse_trace_span(glimpse_trace *trace, unsigned thread, const char *name, double start,
                        double finish, const char *detail) {
    if (!trace) return;
    (void)pthread_mutex_lock(&trace->mutex);
    begin(trace, "X", thread);
    /* Whole numbers: a program's locale may write fractions with a comma. */
    (void)fprintf(trace->file, ",\"name\":\"%s\",\"ts\":%lld,\"dur\":%lld", name,
                  (long long)(1e6 * (start - trace->start)), (long long)(1e6 * (finish - start)));
    if (detail) {
        (void)fputs(",\"args\":{\"what\":", trace->file);
        write_string(trace->file, detail);
        (void)fputc('}', trace->file);
    }
    end(trace);
    (void)pthread_mutex_unlock(&trace->mutex);
}

int glimpse_trace_close(glimpse_trace *trace) {
    if (!trace) return GLIMPSE_OK;
    int status = GLIMPSE_OK;
    (void)fputs("\n]\n", trace->file);
    if (fclose(trace->file) != 0 && !trace->error) trace->error = errno;
    if (trace->error) {
        errno = trace->error;
        status = glimpse_fail_errno("%s: cannot write the trace", trace->path);
    }
    (void)pthread_mutex_destroy(&trace->mutex);
    free(trace->path);
    free(trace);
    return status;
}
