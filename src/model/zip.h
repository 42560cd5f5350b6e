/*
 * model/zip.h - the directory of a zip archive in memory, and the bytes of its entries.
 *
 * For files of weights, and no more than they need: one archive that is the whole of the data,
 * entries stored or deflated, ZIP64. Nothing is extracted to a disk: names are names to be looked
 * up, never paths.
 *
 * Believed is only what the bytes bear out. Directory and local header agree in name, method and
 * sizes; every entry lies before the directory, and no byte belongs to two of them; no name stands
 * twice. Encrypted entries, archives of several disks and other methods are refused. Names of zip
 * archives have 16 bits and checksums 32 (APPNOTE.TXT of PKWARE, 6.3.10).
 */
#ifndef GLIMPSE_MODEL_ZIP_H
#define GLIMPSE_MODEL_ZIP_H

#include <stddef.h>
#include <stdint.h>

typedef struct glimpse_zip_entry {
    const char *name; /* in the archive's bytes; not ended by NUL */
    size_t name_length;
    const uint8_t *stored; /* its bytes as they lie there */
    size_t stored_bytes;
    size_t bytes;         /* uncompressed */
    size_t header_offset; /* of the local header */
    uint32_t crc;         /* of the uncompressed bytes; 0 when the writer did not compute it */
    int deflated;
    uint8_t *inflated; /* owned; NULL until it is asked for */
} glimpse_zip_entry;

typedef struct glimpse_zip {
    const char *path; /* for messages; the caller's */
    glimpse_zip_entry *entries;
    size_t count;
    size_t memory; /* what may still be spent on inflating */
} glimpse_zip;

/* `data` must outlive the directory. `memory` is how many bytes all inflated entries may have
 * together. On failure there is nothing to close. */
int glimpse_zip_open(glimpse_zip *out, const char *path, const uint8_t *data, size_t size,
                     size_t memory);
void glimpse_zip_close(glimpse_zip *zip); /* a zeroed one is fine */

/* NULL when there is none. */
glimpse_zip_entry *glimpse_zip_find(const glimpse_zip *zip, const char *name, size_t length);
/* The bytes of an entry: where they lie when it is stored, inflated (and checked against the sum)
 * once when it is deflated. */
int glimpse_zip_read(const uint8_t **data, glimpse_zip *zip, glimpse_zip_entry *entry);
/* Whether the bytes of a stored entry have the sum that the directory names. Reads all of them. */
int glimpse_zip_check_sum(const glimpse_zip *zip, const glimpse_zip_entry *entry);

#endif
