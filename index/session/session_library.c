/*
 * session_library.c - handles of the library, one for each thread that works with it now.
 *
 * A handle belongs to one thread at a time and keeps what it has loaded, so those that are idle are
 * kept, and the one that was used last, which is warm, is handed out first. All are siblings of the
 * one that was opened first, so that they hold the vectors once.
 *
 * A handle whose library was removed, or has another in its place, is closed instead of being
 * handed out or kept; the next one is opened as if it were the first.
 *
 * Writers. Two handles of one process exclude each other like two processes: the second would find
 * the library busy. So there is one writer a session, and others wait for it here, where they can
 * be cancelled.
 */
#include "session_private.h"

#include "core/error.h"
#include "library_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const long POLL_NANOSECONDS = 100000000L;

static int begin_writing(glimpse_session *session, const session_control *control) {
    int status = GLIMPSE_OK;
    (void)pthread_mutex_lock(&session->lock);
    if (session->writing && pthread_equal(session->writer, pthread_self())) {
        status = glimpse_fail(GLIMPSE_E_BUSY,
                              "%s: this thread is writing to the library already; close what it "
                              "writes with (a labeller that stores) first",
                              session->library_named);
    }
    while (session->writing && status == GLIMPSE_OK) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += POLL_NANOSECONDS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&session->writer_left, &session->lock, &until);
        if (!session->writing) break;
        (void)pthread_mutex_unlock(&session->lock);
        status = glimpse_session_check_cancelled(control);
        (void)pthread_mutex_lock(&session->lock);
    }
    if (status == GLIMPSE_OK) {
        session->writing = 1;
        session->writer = pthread_self();
    }
    (void)pthread_mutex_unlock(&session->lock);
    return status;
}

/* Does not wait. */
static int try_writing(glimpse_session *session) {
    (void)pthread_mutex_lock(&session->lock);
    const int taken = !session->writing;
    if (taken) {
        session->writing = 1;
        session->writer = pthread_self();
    }
    (void)pthread_mutex_unlock(&session->lock);
    return taken;
}

static void end_writing(glimpse_session *session) {
    (void)pthread_mutex_lock(&session->lock);
    session->writing = 0;
    (void)pthread_cond_signal(&session->writer_left);
    (void)pthread_mutex_unlock(&session->lock);
}

/* One that is not kept, as a rule because its library is not there any more. */
static void close_handle(glimpse_session *session, glimpse_library *library) {
    (void)pthread_mutex_lock(&session->library_opening);
    (void)pthread_mutex_lock(&session->lock);
    if (session->first == library) session->first = NULL;
    (void)pthread_mutex_unlock(&session->lock);
    glimpse_library_close(library);
    (void)pthread_mutex_unlock(&session->library_opening);
}

static glimpse_library *idle_library(glimpse_session *session) {
    for (;;) {
        (void)pthread_mutex_lock(&session->lock);
        session_list *idle = &session->libraries;
        glimpse_library *library = idle->count > 0 ? idle->items[--idle->count] : NULL;
        (void)pthread_mutex_unlock(&session->lock);
        if (!library || glimpse_library_is_in_place(library)) return library;
        close_handle(session, library);
    }
}

/* The place of the library, or why there is none. */
static int check_place(const glimpse_session *session) {
    if (session->no_library) {
        return glimpse_fail(GLIMPSE_E_INVALID, "this session was opened without a library");
    }
    if (session->library_option && !*session->library_option) {
        return glimpse_fail(GLIMPSE_E_INVALID, "%s needs the path of a folder",
                            glimpse_wording("options.library", NULL));
    }
    if (!session->library_path) {
        return glimpse_fail(GLIMPSE_E_NOT_FOUND, "no library: HOME is not set; choose one with %s",
                            glimpse_wording("options.library", "DIR"));
    }
    return GLIMPSE_OK;
}

/* A library on a medium that cannot be written is read as it is. */
static int open_alone(glimpse_library **out, const glimpse_session *session, unsigned flags) {
    const glimpse_kept_error before = glimpse_error_keep();
    int status = glimpse_library_open(out, session->library_path, flags);
    if (status == GLIMPSE_E_IO && flags == 0 && access(session->library_path, W_OK) != 0) {
        status = glimpse_library_open(out, session->library_path, GLIMPSE_LIBRARY_READ_ONLY);
        if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    }
    return status;
}

static void set_first(glimpse_session *session, glimpse_library *first) {
    (void)pthread_mutex_lock(&session->lock);
    session->first = first;
    (void)pthread_mutex_unlock(&session->lock);
}

static int open_handle(glimpse_library **out, glimpse_session *session, unsigned flags) {
    int status = GLIMPSE_E_NOT_FOUND;
    const glimpse_kept_error before = glimpse_error_keep();
    (void)pthread_mutex_lock(&session->library_opening);
    (void)pthread_mutex_lock(&session->lock);
    glimpse_library *first = session->first;
    (void)pthread_mutex_unlock(&session->lock);
    if (first && glimpse_library_is_in_place(first)) {
        status = glimpse_library_open_sibling(out, first);
    }
    if (status < 0 && (!first || !glimpse_library_is_in_place(first))) {
        /* Who uses the old one now closes it afterwards. */
        status = open_alone(out, session, flags);
        if (status == GLIMPSE_OK || first) set_first(session, *out);
        if (status == GLIMPSE_OK) glimpse_error_restore(&before);
    }
    (void)pthread_mutex_unlock(&session->library_opening);
    return status;
}

/* The flags a handle of this session is opened with by a call of these flags. */
static unsigned handle_flags(const glimpse_session *session, unsigned flags) {
    const unsigned reading = GLIMPSE_LIBRARY_READ_ONLY | GLIMPSE_LIBRARY_UPGRADE;
    if (session->library_flags & GLIMPSE_LIBRARY_READ_ONLY) return session->library_flags & reading;
    unsigned create = session->library_flags & GLIMPSE_LIBRARY_CREATE;
    return flags & SESSION_CREATE ? GLIMPSE_LIBRARY_CREATE : create;
}

static int missing(const glimpse_session *session) {
    return glimpse_fail(GLIMPSE_E_NOT_FOUND, "there is no library at %s yet; make one with: %s",
                        session->library_named,
                        glimpse_wording("glimpse_session_index", session->library_option));
}

/*
 * What an upgrade leaves to do, by whoever opens the library first: later a file may be edited, and
 * nothing tells that it is a picture that is known.
 */
typedef struct identifying {
    glimpse_session *session;
    const session_control *control;
    uint64_t noted; /* of how many files it was said */
    double last;
} identifying;

static int on_identifying(void *user, const glimpse_progress *progress) {
    static const double REMARK_SECONDS = 10.0;
    identifying *i = user;
    const glimpse_session *session = i->session;
    if (progress->total > 0 && i->noted == 0) {
        glimpse_session_note(
            i->session, "this library comes from an older glimpse: its pictures are read once, "
                        "to be known again when their metadata are edited (stopping is fine, "
                        "the next command goes on)");
        i->noted = progress->total;
        i->last = progress->seconds;
    } else if (progress->seconds - i->last >= REMARK_SECONDS) {
        glimpse_session_note(i->session, "%llu of %llu pictures read",
                             (unsigned long long)progress->done,
                             (unsigned long long)progress->total);
        i->last = progress->seconds;
    }
    if (session->cancelled && session->cancelled(session->user)) return 1;
    const session_control *c = i->control;
    return c && c->cancelled && c->cancelled(c->user);
}

/* Once a session: of files that were not there to be read. */
static int note_unidentified(glimpse_session *session, glimpse_store *store) {
    uint64_t count = 0;
    const int status = store->ops->upkeep.count_unidentified(&count, store);
    if (status < 0 || count == 0) return status;
    (void)pthread_mutex_lock(&session->lock);
    const int noted = session->unidentified_noted;
    session->unidentified_noted = 1;
    (void)pthread_mutex_unlock(&session->lock);
    if (noted) return GLIMPSE_OK;
    glimpse_session_note(session,
                         "%llu %s not yet identified: until %s, do not edit %s (their files were "
                         "not there to be read, or changed before)",
                         (unsigned long long)count, count == 1 ? "picture is" : "pictures are",
                         count == 1 ? "it is" : "they are",
                         count == 1 ? "its file" : "their files");
    return GLIMPSE_OK;
}

/* Only being stopped, and damage, are failures: all else is tried again by the next session. */
static int identify(glimpse_session *session, glimpse_library *library, unsigned flags,
                    const session_control *control) {
    const glimpse_kept_error before = glimpse_error_keep();
    identifying i = {.session = session, .control = control};
    int unfinished = 0;
    glimpse_store *store = glimpse_library_store(library);
    int status = store->ops->upkeep.is_unfinished(&unfinished, store);
    if (status < 0 || !unfinished || store->read_only) return status;
    const int writing = (flags & SESSION_WRITE) != 0;
    if (!writing && !try_writing(session)) return GLIMPSE_OK; /* the writer does it, or did */
    status = glimpse_library_identify(library, session->jobs, on_identifying, &i);
    if (!writing) end_writing(session);
    if (status == GLIMPSE_OK) status = note_unidentified(session, store);
    if (status == GLIMPSE_E_CANCELLED || status == GLIMPSE_E_CORRUPT) return status;
    if (status < 0) glimpse_error_restore(&before);
    return GLIMPSE_OK;
}

int glimpse_session_acquire_library(session_lease *out, glimpse_session *session, unsigned flags,
                                    const session_control *control) {
    *out = (session_lease){0};
    if (!session) return glimpse_fail(GLIMPSE_E_INVALID, "no session");
    int optional = (flags & SESSION_OPTIONAL) != 0;
    if (optional && session->no_library) return GLIMPSE_OK;
    const glimpse_kept_error before = glimpse_error_keep();
    int status = check_place(session);
    if (status < 0 && optional && !session->library_option) {
        glimpse_error_restore(&before);
        return GLIMPSE_OK;
    }
    if (status < 0) return status;
    if (flags & SESSION_WRITE) {
        status = begin_writing(session, control);
        if (status < 0) return status;
    }
    glimpse_library *library = idle_library(session);
    const int opened = !library;
    if (!library) {
        unsigned how = optional ? handle_flags(session, 0) & ~(unsigned)GLIMPSE_LIBRARY_CREATE
                                : handle_flags(session, flags);
        status = open_handle(&library, session, how);
    }
    if (status == GLIMPSE_E_NOT_FOUND) {
        if (!optional) {
            status = missing(session);
        } else if (flags & SESSION_NAMED && session->library_option) {
            status = missing(session);
        } else {
            glimpse_error_restore(&before);
            status = GLIMPSE_OK;
        }
    }
    if (flags & SESSION_WRITE && !library) end_writing(session);
    if (status < 0 || !library) return status;
    out->session = session;
    out->library = library;
    out->writing = (flags & SESSION_WRITE) != 0;
    /* Before the work whose result could not be written. */
    status = out->writing ? glimpse_library_check_writable(library) : GLIMPSE_OK;
    if (status == GLIMPSE_OK && opened) status = identify(session, library, flags, control);
    if (status < 0) glimpse_session_release_library(out);
    return status;
}

void glimpse_session_release_library(session_lease *lease) {
    glimpse_session *session = lease->session;
    if (session && lease->library) {
        int kept = glimpse_library_is_in_place(lease->library);
        (void)pthread_mutex_lock(&session->lock);
        if (kept) {
            kept = glimpse_session_list_add(&session->libraries, lease->library) == GLIMPSE_OK;
        }
        (void)pthread_mutex_unlock(&session->lock);
        if (!kept) close_handle(session, lease->library);
    }
    if (session && lease->writing) end_writing(session);
    *lease = (session_lease){0};
}

void glimpse_session_close_libraries(glimpse_session *session) {
    for (size_t i = 0; i < session->libraries.count; i++)
        glimpse_library_close(session->libraries.items[i]);
    session->first = NULL; /* one of them */
    free(session->libraries.items);
    session->libraries = (session_list){0};
}

int glimpse_session_has_library(glimpse_session *session) {
    session_lease lease;
    int status =
        glimpse_session_acquire_library(&lease, session, SESSION_OPTIONAL | SESSION_NAMED, NULL);
    int found = status == GLIMPSE_OK && lease.library;
    glimpse_session_release_library(&lease);
    return status < 0 ? status : found;
}

int glimpse_session_open_library(glimpse_library **out, glimpse_session *session, unsigned flags) {
    if (out) *out = NULL;
    if (!out || !session) {
        return glimpse_fail(GLIMPSE_E_INVALID, "glimpse_session_open_library: a NULL argument");
    }
    int status = check_place(session);
    if (status == GLIMPSE_OK) status = open_alone(out, session, flags);
    return status == GLIMPSE_E_NOT_FOUND && session->library_path ? missing(session) : status;
}
