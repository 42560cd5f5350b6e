/*
 * dataset_text.h - memory, names and escapes that the readers and writers share. Private.
 *
 * What returns memory returns NULL when there is none, with glimpse_last_error set: callers pass
 * GLIMPSE_E_NOMEM on. Free it with free().
 */
#ifndef GLIMPSE_INDEX_DATASET_TEXT_H
#define GLIMPSE_INDEX_DATASET_TEXT_H

#include "text/output/csv_out.h"

#include <glimpse/messages.h>
#include <glimpse/status.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* calloc, of at least one byte. */
void *glimpse_zeroed(size_t count, size_t size);
/* `items` with capacity for one more than `count`; *capacity (0 at first) grows by doubling. On
 * failure NULL, and `items` stays as it is. */
void *glimpse_grown(void *items, size_t *capacity, size_t count, size_t size);
char *glimpse_copied(const char *text);
char *glimpse_formatted(const char *format, ...) GLIMPSE_PRINTF(1, 2);

/* "2,345", in `out`. */
enum { GLIMPSE_COUNT_TEXT = 32 };
const char *glimpse_count_text(char out[GLIMPSE_COUNT_TEXT], uint64_t number);

/* Tells `message` (NULL: nobody), cut at 2047 bytes. */
void glimpse_report_message(glimpse_message_fn message, void *user, glimpse_message_kind kind,
                            const char *format, ...) GLIMPSE_PRINTF(4, 5);

uint64_t glimpse_fnv1a(const char *text); /* FNV-1a, 64 bits */
int glimpse_text_is_utf8(const char *text);

/* Absolute, without . and .. and links where the file exists. */
char *glimpse_path_resolved(const char *path);
/* Without empty parts, . and .. (as far as there is something to go up from), in place. `path` ends
 * in a slash; the result does not. */
void glimpse_path_clean(char *path);
/* As seen from `directory` (NULL: `path` as it is). Outside of it: `path` resolved, or as it is
 * when `keep_outside`. */
char *glimpse_path_seen_from(const char *directory, const char *path, int keep_outside);

/* Directory names for classes: any name, "a/b" and ".." and "" among them, as one plain directory
 * name that torchvision and shells take; and back. */
char *glimpse_class_to_directory(const char *name);
char *glimpse_class_from_directory(const char *directory);
/* Pictures in this directory show none of the classes. */
#define GLIMPSE_NO_CLASS_DIRECTORY "_none"

/* The last part of a hierarchical name, and the length of what stands before it (0 at the top). */
const char *glimpse_class_leaf(const char *name);
size_t glimpse_class_parent_length(const char *name);

/* As the content or a quoted attribute of XML 1.0; what XML cannot hold becomes U+FFFD. */
void glimpse_xml_text(FILE *to, const char *text);

#endif
