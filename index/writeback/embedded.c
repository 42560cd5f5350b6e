/*
 * embedded.c - an XMP packet put into a picture file by exiftool, in a process of its own. What it
 * gives is looked at before anybody uses it: the packet that is in it, and the coded picture.
 *
 * Exiv2 would do it in this process, and is under the GPL, which glimpse does not want to pass on
 * to every program that links it; and the one of Debian 12 writes neither HEIC nor all of WebP.
 */
#include "core/child.h"
#include "core/error.h"
#include "core/hash.h"
#include "image/format.h"
#include "metadata/xmp_packet.h"
#include "writeback.h"

#include <glimpse/sys/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { CPU_SECONDS = 120, WALL_SECONDS = 300, MEMORY_MB = 4096, MAX_WORDS = 4096 };

int glimpse_writeback_check_program(void) {
    const char *const arguments[] = {"exiftool", "-config", "", "-ver", NULL};
    const glimpse_child child = {arguments, MAX_WORDS, CPU_SECONDS, WALL_SECONDS,
                                 (uint64_t)MEMORY_MB << 20};
    void *output = NULL;
    size_t size = 0;
    const int status = glimpse_child_run(&child, &output, &size);
    free(output);
    if (status != GLIMPSE_E_NOT_FOUND) return status;
    return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                        "writing into picture files needs the program exiftool, which is not "
                        "installed (Debian: libimage-exiftool-perl); sidecars need none");
}

int glimpse_writeback_check_format(const char *format) {
    static const char *const written[] = {"JPEG", "PNG", "WebP", "TIFF", "HEIF", "AVIF"};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        if (strcasecmp(format, written[i]) == 0) return GLIMPSE_OK;
    }
    return glimpse_fail(
        GLIMPSE_E_UNSUPPORTED,
        "%s files are not written into (JPEG, PNG, WebP, TIFF, HEIC and AVIF are); a "
        "sidecar can be written",
        *format ? format : "such");
}

static char *redirection(const char *path) {
    static const char option[] = "-XMP<=";
    char *out = malloc(sizeof option + strlen(path));
    if (out) (void)stpcpy(stpcpy(out, option), path);
    return out;
}

/* In a PNG exiftool calls the packet one that is only read: <?xpacket end="r"?>. */
static int is_packet(const char *found, size_t found_size, const char *packet, size_t size) {
    static const char end[] = "<?xpacket end=";
    size_t mark = size; /* of what may differ */
    if (!found || found_size < size) return 0;
    for (size_t i = 0; i + sizeof end < size; i++) {
        if (memcmp(packet + i, end, sizeof end - 1) == 0) mark = i + sizeof end;
    }
    if (mark >= size) return memcmp(found, packet, size) == 0;
    return memcmp(found, packet, mark) == 0 && (found[mark] == 'w' || found[mark] == 'r') &&
           memcmp(found + mark + 1, packet + mark + 1, size - mark - 1) == 0;
}

/* The same packet, and the same coded picture. */
static int check_result(const void *before, size_t before_size, const void *after,
                        size_t after_size, const char *packet, size_t packet_size) {
    char *found = NULL;
    size_t found_size = 0;
    glimpse_hash a, b;
    int status = glimpse_xmp_packet_of_file(&found, &found_size, after, after_size);
    if (status < 0) return status;
    const int same = is_packet(found, found_size, packet, packet_size);
    free(found);
    if (!same) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "exiftool could not put the XMP into it whole; a sidecar can be "
                            "written");
    }
    const int has_a = glimpse_image_identity(&a, NULL, before, before_size);
    const int has_b = has_a > 0 ? glimpse_image_identity(&b, NULL, after, after_size) : has_a;
    if (has_a < 0 || has_b < 0) return glimpse_fail_nomem(before_size, "a picture");
    if (has_a == 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "it is damaged, and would be another picture to the library; a sidecar "
                            "can be written");
    }
    if (has_b == 0 || memcmp(&a, &b, sizeof a) != 0) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "exiftool would change more than the XMP of it; a sidecar can be "
                            "written");
    }
    return GLIMPSE_OK;
}

int glimpse_writeback_embed(void **out, size_t *out_size, const char *path, const void *data,
                            size_t size, const char *packet, size_t packet_size,
                            const char *scratch) {
    *out = NULL;
    *out_size = 0;
    char *option = redirection(scratch);
    if (!option) return glimpse_fail_nomem(strlen(scratch), "a path");
    const char *const arguments[] = {"exiftool", "-config", "",   "-q", "-o",
                                     "-",        option,    path, NULL};
    const glimpse_child child = {arguments, size + packet_size + (16 << 20), CPU_SECONDS,
                                 WALL_SECONDS, (uint64_t)MEMORY_MB << 20};
    int status = glimpse_writeback_write_file(scratch, packet, packet_size);
    if (status == GLIMPSE_OK) status = glimpse_child_run(&child, out, out_size);
    if (status == GLIMPSE_OK)
        status = check_result(data, size, *out, *out_size, packet, packet_size);
    if (status < 0) {
        free(*out);
        *out = NULL;
    }
    (void)unlink(scratch);
    free(option);
    return status;
}
