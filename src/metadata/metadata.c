/*
 * metadata/metadata.c - one struct of what the blocks of a file and its sidecars say;
 * glimpse/sys/metadata.h has the order in which they count.
 */
#include <glimpse/sys/metadata.h>

#include "core/error.h"
#include "core/file.h"
#include "metadata/blocks.h"
#include "metadata/fields.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef enum source {
    EXIF,
    XMP,
    IPTC,
    TEXT,          /* of a PNG */
    SIDECAR,       /* a.jpg.xmp */
    OTHER_SIDECAR, /* a.xmp */
    SOURCES
} source;

/* What the library gives out, and what its pointers point into. */
typedef struct owned_metadata {
    glimpse_metadata public;
    glimpse_fields sources[SOURCES];
} owned_metadata;

static const source as_written_by_cameras[SOURCES] = {EXIF,          XMP,  SIDECAR,
                                                      OTHER_SIDECAR, IPTC, TEXT};
static const source as_written_by_people[SOURCES] = {SIDECAR, OTHER_SIDECAR, XMP, IPTC, EXIF, TEXT};

static const char *text_of(const owned_metadata *m, const source *order, glimpse_text_field field) {
    for (size_t i = 0; i < SOURCES; i++) {
        const char *text = m->sources[order[i]].texts[field];
        if (text) return text;
    }
    return "";
}

static glimpse_text_list list_of(const owned_metadata *m, glimpse_list_field field) {
    for (size_t i = 0; i < SOURCES; i++) {
        const glimpse_texts *list = &m->sources[as_written_by_people[i]].lists[field];
        if (list->count > 0)
            return (glimpse_text_list){(const char *const *)list->items, list->count};
    }
    return (glimpse_text_list){NULL, 0};
}

static int set_date(glimpse_metadata *out, const glimpse_fields *fields, glimpse_date_kind kind,
                    glimpse_taken_from from) {
    const glimpse_moment *moment = &fields->dates[kind];
    if (!moment->text[0]) return 0;
    memcpy(out->taken, moment->text, sizeof moment->text);
    memcpy(out->subseconds, moment->subseconds, sizeof out->subseconds);
    out->taken_from = from;
    out->taken_precision = moment->precision;
    out->taken_is_modification = kind == GLIMPSE_DATE_MODIFIED;
    out->has_offset = moment->has_offset;
    out->offset_minutes = moment->has_offset ? moment->offset_minutes : 0;
    return 1;
}

/* What IPTC and a PNG's text say counts as the XMP that its specification makes of them. */
static void choose_date(owned_metadata *m) {
    static const struct {
        glimpse_date_kind kind;
        source from; /* XMP: of its packets, the embedded one first */
    } order[] = {
        {GLIMPSE_DATE_ORIGINAL, EXIF},    {GLIMPSE_DATE_DIGITIZED, EXIF},
        {GLIMPSE_DATE_ORIGINAL, XMP},     {GLIMPSE_DATE_CREATED, XMP},
        {GLIMPSE_DATE_DIGITIZED, XMP},    {GLIMPSE_DATE_XMP_CREATED, XMP},
        {GLIMPSE_DATE_CREATED, IPTC},     {GLIMPSE_DATE_DIGITIZED, IPTC},
        {GLIMPSE_DATE_XMP_CREATED, TEXT}, {GLIMPSE_DATE_MODIFIED, EXIF},
        {GLIMPSE_DATE_MODIFIED, XMP},
    };
    static const source packets[] = {XMP, SIDECAR, OTHER_SIDECAR};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const int is_xmp = order[i].from == XMP;
        const source *from = is_xmp ? packets : &order[i].from;
        const size_t count = is_xmp ? sizeof packets / sizeof packets[0] : 1;
        for (size_t k = 0; k < count; k++) {
            if (set_date(&m->public, &m->sources[from[k]], order[i].kind,
                         from[k] == EXIF ? GLIMPSE_TAKEN_EXIF : GLIMPSE_TAKEN_XMP))
                return;
        }
    }
}

/* From the last that counts to the first. */
static void choose_camera_fields(owned_metadata *m) {
    glimpse_metadata *out = &m->public;
    out->orientation = 1;
    out->flash = -1;
    for (size_t i = SOURCES; i-- > 0;) {
        const glimpse_fields *f = &m->sources[as_written_by_cameras[i]];
        if (f->orientation) out->orientation = f->orientation;
        if (f->focal_length > 0) out->focal_length = f->focal_length;
        if (f->aperture > 0) out->aperture = f->aperture;
        if (f->exposure > 0) out->exposure = f->exposure;
        if (f->iso) out->iso = f->iso;
        if (f->has_flash) out->flash = f->flash;
        if (f->has_gps) {
            out->has_gps = 1;
            out->latitude = f->latitude;
            out->longitude = f->longitude;
            /* The altitude is that of the same place. */
            out->has_altitude = f->has_altitude;
            out->altitude = f->altitude;
        } else if (f->has_altitude && !out->has_altitude) {
            out->has_altitude = 1;
            out->altitude = f->altitude;
        }
    }
}

static void merge(owned_metadata *m) {
    glimpse_metadata *out = &m->public;
    choose_date(m);
    choose_camera_fields(m);
    out->make = text_of(m, as_written_by_cameras, GLIMPSE_TEXT_MAKE);
    out->model = text_of(m, as_written_by_cameras, GLIMPSE_TEXT_MODEL);
    out->lens = text_of(m, as_written_by_cameras, GLIMPSE_TEXT_LENS);
    out->label = text_of(m, as_written_by_people, GLIMPSE_TEXT_LABEL);
    out->title = text_of(m, as_written_by_people, GLIMPSE_TEXT_TITLE);
    out->description = text_of(m, as_written_by_people, GLIMPSE_TEXT_DESCRIPTION);
    out->copyright = text_of(m, as_written_by_people, GLIMPSE_TEXT_COPYRIGHT);
    out->creators = list_of(m, GLIMPSE_LIST_CREATORS);
    out->keywords = list_of(m, GLIMPSE_LIST_KEYWORDS);
    out->hierarchical = list_of(m, GLIMPSE_LIST_HIERARCHICAL);
    for (size_t i = SOURCES; i-- > 0;) {
        const glimpse_fields *f = &m->sources[as_written_by_people[i]];
        if (f->has_rating) {
            out->has_rating = 1;
            out->rating = f->rating;
        }
        if (f->people_count > 0) {
            out->people = f->people;
            out->people_count = f->people_count;
        }
    }
}

static int read_blocks(owned_metadata *m, const uint8_t *data, size_t size) {
    glimpse_blocks blocks;
    glimpse_blocks_find(&blocks, data, size);
    for (size_t i = 0; i < blocks.exif.count; i++) {
        const glimpse_block *b = &blocks.exif.items[i];
        glimpse_exif_parse(&m->sources[EXIF], b->data, b->size, b->kind);
    }
    for (size_t i = 0; i < blocks.xmp.count; i++)
        glimpse_xmp_parse(&m->sources[XMP], blocks.xmp.items[i].data, blocks.xmp.items[i].size);
    for (size_t i = 0; i < blocks.iptc.count; i++)
        glimpse_iptc_parse(&m->sources[IPTC], blocks.iptc.items[i].data, blocks.iptc.items[i].size);
    for (size_t i = 0; i < blocks.created.count; i++) {
        const glimpse_block *b = &blocks.created.items[i];
        glimpse_fields_date_in_words(&m->sources[TEXT], GLIMPSE_DATE_XMP_CREATED,
                                     (const char *)b->data, b->size);
    }
    const int nomem = blocks.nomem;
    glimpse_blocks_free(&blocks);
    return nomem;
}

/* One that is not there, cannot be read or is too large says nothing. */
static int read_sidecar(glimpse_fields *fields, const char *path) {
    void *data = NULL;
    size_t size = 0;
    const glimpse_kept_error kept = glimpse_error_keep();
    const int status = glimpse_file_read(&data, &size, path, GLIMPSE_MAX_BLOCK);
    if (status == GLIMPSE_E_NOMEM) return status;
    if (status < 0) {
        glimpse_error_restore(&kept);
        return GLIMPSE_OK;
    }
    glimpse_xmp_parse(fields, data, size);
    free(data);
    return GLIMPSE_OK;
}

/* `path` in a buffer that has the ending ".xmp" to spare, and how much of it is before the file's
 * ending. NULL when out of memory. */
static char *sidecar_buffer(const char *path, size_t *length, size_t *stem) {
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    *length = strlen(path);
    *stem = dot && dot != path && (!slash || dot > slash + 1) ? (size_t)(dot - path) : *length;
    char *buffer = malloc(*length + sizeof ".xmp");
    if (buffer) memcpy(buffer, path, *length);
    return buffer;
}

/* Puts the ending behind `end` bytes of the buffer, as that of the file there is: capitals do not
 * matter, also where the file system tells them apart. 0: there is none. */
static int find_sidecar(char *sidecar, size_t end, struct stat *info) {
    static const char endings[][sizeof ".xmp"] = {".xmp", ".XMP", ".Xmp"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        memcpy(sidecar + end, endings[i], sizeof endings[i]);
        if (stat(sidecar, info) == 0) return 1;
    }
    return 0;
}

static int read_sidecars(owned_metadata *m, const char *path) {
    size_t length = 0, stem = 0;
    struct stat info;
    int status = GLIMPSE_OK;
    char *sidecar = sidecar_buffer(path, &length, &stem);
    if (!sidecar) return glimpse_fail_nomem(length + sizeof ".xmp", "a sidecar's name");
    if (find_sidecar(sidecar, length, &info)) status = read_sidecar(&m->sources[SIDECAR], sidecar);
    if (status == GLIMPSE_OK && stem < length && find_sidecar(sidecar, stem, &info)) {
        status = read_sidecar(&m->sources[OTHER_SIDECAR], sidecar);
    }
    free(sidecar);
    return status;
}

/* FNV-1a over eight bytes. */
static uint64_t mix(uint64_t hash, uint64_t value) {
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (value >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

int64_t glimpse_sidecar_stamp(const char *path) {
    size_t length = 0, stem = 0;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    int found = 0;
    char *sidecar = sidecar_buffer(path, &length, &stem);
    if (!sidecar) return 0;
    const size_t ends[2] = {length, stem};
    for (int i = 0; i < 2 && (i == 0 || stem < length); i++) {
        struct stat info;
        if (!find_sidecar(sidecar, ends[i], &info)) continue;
        found = 1;
        hash = mix(hash, (uint64_t)i);
        hash = mix(hash, (uint64_t)info.st_size);
        hash = mix(hash, (uint64_t)info.st_mtim.tv_sec);
        hash = mix(hash, (uint64_t)info.st_mtim.tv_nsec);
    }
    free(sidecar);
    return found ? (int64_t)(hash | 1) : 0;
}

int glimpse_metadata_read_beside(glimpse_metadata **out, const void *data, size_t size,
                                 const char *path) {
    if (!out) return glimpse_fail_null(__func__);
    *out = NULL;
    owned_metadata *m = calloc(1, sizeof *m);
    if (!m) return glimpse_fail_nomem(sizeof *m, "metadata");
    int nomem = data ? read_blocks(m, data, size) : 0;
    int status = path ? read_sidecars(m, path) : GLIMPSE_OK;
    for (size_t i = 0; i < SOURCES; i++)
        nomem |= m->sources[i].nomem;
    if (status == GLIMPSE_OK && nomem) status = glimpse_fail_nomem(size, "metadata");
    if (status < 0) {
        glimpse_metadata_free(&m->public);
        return status;
    }
    merge(m);
    *out = &m->public;
    return GLIMPSE_OK;
}

int glimpse_metadata_read(glimpse_metadata **out, const void *data, size_t size) {
    return glimpse_metadata_read_beside(out, data, size, NULL);
}

int glimpse_metadata_load(glimpse_metadata **out, const char *path) {
    if (!out || !path) return glimpse_fail_null(__func__);
    void *data = NULL;
    size_t size = 0;
    *out = NULL;
    int status = glimpse_file_read(&data, &size, path, (size_t)UINT32_MAX);
    if (status < 0) return status;
    status = glimpse_metadata_read_beside(out, data, size, path);
    free(data);
    return status;
}

void glimpse_metadata_free(glimpse_metadata *metadata) {
    if (!metadata) return;
    owned_metadata *m = (owned_metadata *)(void *)metadata; /* its first member */
    for (size_t i = 0; i < SOURCES; i++)
        glimpse_fields_free(&m->sources[i]);
    free(m);
}
