/*
 * glimpse/session_write.h - what a library knows, written into XMP sidecars or into the picture
 * files, in a way that can be taken back.
 *
 *     static void on_picture(void *user, const glimpse_write_event *event) {
 *         for (size_t i = 0; i < event->change_count; i++)
 *             printf("%s: %s %s\n", event->target, event->changes[i].kind, event->changes[i].text);
 *     }
 *     ...
 *     glimpse_write_options options = GLIMPSE_WRITE_OPTIONS_INIT;
 *     options.what = GLIMPSE_WRITE_LABELS | GLIMPSE_WRITE_CAPTIONS;
 *     options.target = GLIMPSE_WRITE_DIGIKAM;
 *     options.apply = 1;                                  // 0: only says what it would do
 *     glimpse_session_write_metadata(&report, session, &options, on_picture, NULL);
 *     glimpse_session_undo_write(&report_of_undo, session, report.run, NULL, NULL);
 *
 * Sidecars: the one that is there is written to, a.jpg.xmp or a.xmp (unless that belongs to the RAW
 * file a.dng beside it); else one is made: a.jpg.xmp for digiKam and darktable, and for Lightroom
 * a.xmp of RAW files, because it reads no sidecar of others. Embedded: the XMP packet of JPEG, PNG,
 * WebP, TIFF, HEIC and AVIF files, put in place by the program exiftool; EXIF, IPTC and the coded
 * picture stay as they are, so that the library knows the file again.
 *
 * Merging: nothing of others is replaced or removed. Keywords are added to those that are there; a
 * description is written where there is none; rating, colour label and place where they are absent.
 * What was written is listed in the file (glimpse:Written), so that the next run brings its own up
 * to date, takes back what the library does not say any more, and does not write again what
 * somebody removed. `overwrite` replaces single values of others. Histories, regions of people and
 * all other properties stay byte for byte.
 *
 * Files are replaced in one step, with the version before held for undo (glimpse/actions.h says
 * where). Links of either kind, read-only files, files that are no UTF-8 or broken XMP are left
 * alone, with the reason; the others go on.
 */
#ifndef GLIMPSE_SESSION_WRITE_H
#define GLIMPSE_SESSION_WRITE_H

#include <glimpse/actions.h>
#include <glimpse/session.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is written. */
enum {
    GLIMPSE_WRITE_LABELS = 1,   /* labels, as keywords */
    GLIMPSE_WRITE_CAPTIONS = 2, /* the latest short (else detailed) caption as description, those
                                   of GLIMPSE_CAPTION_KEYWORDS as keywords */
    GLIMPSE_WRITE_METADATA = 4, /* title, description, rating, colour label, keywords and place, as
                                   indexing read them: from sidecars into files, and back */
    GLIMPSE_WRITE_TAGS = 8      /* tags (glimpse/tags.h), as keywords: "a/b" is b below a */
};
/* "labels", ...; NULL behind the last. The place in the list is the number of the bit. */
GLIMPSE_API const char *glimpse_write_what_name(size_t i);

typedef enum glimpse_write_target {
    GLIMPSE_WRITE_DIGIKAM = 0,
    GLIMPSE_WRITE_DARKTABLE,
    GLIMPSE_WRITE_LIGHTROOM,
    GLIMPSE_WRITE_EMBEDDED
} glimpse_write_target;

typedef struct glimpse_write_options {
    size_t size; /* GLIMPSE_WRITE_OPTIONS_INIT sets it */
    unsigned what;
    glimpse_write_target target;
    const char *const *prefixes; /* only pictures below these, or whose path begins so; none: all */
    size_t prefix_count;
    const char *labelling; /* only labels of this name; NULL: of all */
    int overwrite, apply;
    /* More about which pictures: 0 leaves one out. NULL: all. */
    int (*choose)(void *user, const glimpse_library_file *file);
    int (*cancelled)(void *user); /* asked before each file */
    void *user;                   /* for both */
} glimpse_write_options;

static inline glimpse_write_options glimpse_write_options_init(void) {
    glimpse_write_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}
#define GLIMPSE_WRITE_OPTIONS_INIT glimpse_write_options_init()

typedef struct glimpse_write_change {
    const char *kind;  /* "added", "removed", "replaced"; "kept": somebody else's is there, or
                          somebody removed it */
    const char *field; /* "keyword", "description", "title", "rating", "label", "place" */
    const char *text;
} glimpse_write_change;

typedef struct glimpse_write_event {
    const char *path;   /* the picture */
    const char *target; /* the file that was written, or would be */
    int is_new;         /* it was not there before */
    glimpse_action_outcome outcome;
    const char *message; /* why not; "" for DONE */
    const glimpse_write_change *changes;
    size_t change_count;
} glimpse_write_event;
/* After each picture with something to write or to say; valid during the call. */
typedef void (*glimpse_write_fn)(void *user, const glimpse_write_event *event);

typedef struct glimpse_write_report {
    size_t size;       /* GLIMPSE_WRITE_REPORT_INIT sets it */
    int64_t run;       /* for undo; 0: nothing was written */
    uint64_t pictures; /* that were looked at */
    uint64_t written;  /* or would be */
    uint64_t made;     /* of `written`, new files */
    uint64_t unchanged, left_alone;
    uint64_t held_bytes; /* of the versions before, until glimpse_session_empty() */
    int cancelled;
    int reserved;
} glimpse_write_report;

static inline glimpse_write_report glimpse_write_report_init(void) {
    glimpse_write_report report;
    memset(&report, 0, sizeof report);
    report.size = sizeof report;
    return report;
}
#define GLIMPSE_WRITE_REPORT_INIT glimpse_write_report_init()

/* GLIMPSE_OK also when files were left alone: see the report. GLIMPSE_E_INVALID for options that
 * say nothing, GLIMPSE_E_UNSUPPORTED when exiftool is needed and not installed, GLIMPSE_E_NOT_FOUND
 * without a library, GLIMPSE_E_BUSY while another process acts on files. Copies that are offline
 * are not written to. */
GLIMPSE_API int glimpse_session_write_metadata(glimpse_write_report *report,
                                               glimpse_session *session,
                                               const glimpse_write_options *options,
                                               glimpse_write_fn each, void *user);

/* Takes back a run; 0: the latest that wrote and has something to take back. A file that changed
 * since is left alone. GLIMPSE_E_NOT_FOUND when there is none; GLIMPSE_E_INVALID for a run that did
 * something else. glimpse_session_action_runs lists runs, glimpse_session_empty lets go of what is
 * held (glimpse/session_dedup.h). */
GLIMPSE_API int glimpse_session_undo_write(glimpse_action_report *report, glimpse_session *session,
                                           int64_t run, glimpse_action_fn each, void *user);

#ifdef __cplusplus
}
#endif
#endif
