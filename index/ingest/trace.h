/*
 * index/ingest/trace.h - what each thread did when, as a file that chrome://tracing and Perfetto
 * open.
 *
 * The file is the JSON array form of the trace event format: one complete event ("ph":"X") a span,
 * microseconds since the trace was opened, one row a thread. It is written as it grows, so that
 * memory stays flat and a run that is killed leaves a trace the viewers still take (the closing
 * bracket is optional in that format).
 *
 * Threads: spans may come from all threads at once. A NULL trace takes everything and does nothing.
 */
#ifndef GLIMPSE_INDEX_TRACE_H
#define GLIMPSE_INDEX_TRACE_H

typedef struct glimpse_trace glimpse_trace;

/* Creates (or replaces) the file. */
int glimpse_trace_open(glimpse_trace **out, const char *path);
/* GLIMPSE_E_IO when something could not be written, now or earlier. */
int glimpse_trace_close(glimpse_trace *trace);

/* Names the row `thread` (0, 1, ...). */
void glimpse_trace_name(glimpse_trace *trace, unsigned thread, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One span of `thread` from `start` to `end`, in seconds of glimpse_now()
 * (core/clock.h). `detail`, such as a path, may be any bytes; NULL for none. */
void glimpse_trace_span(glimpse_trace *trace, unsigned thread, const char *name, double start,
                        double end, const char *detail);

#endif
