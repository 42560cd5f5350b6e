/*
 * made.c - small files with metadata, made in memory.
 */
#include "made.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static void add(made *m, const void *bytes, size_t size) {
    assert(m->size + size <= MADE_BYTES);
    memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
}

static void add_number(made *m, uint32_t value, int bytes, int big) {
    uint8_t out[4];
    for (int i = 0; i < bytes; i++)
        out[big ? bytes - 1 - i : i] = (uint8_t)(value >> (8 * i));
    add(m, out, (size_t)bytes);
}

static void set_number(made *m, size_t at, uint32_t value, int big) {
    const size_t size = m->size;
    m->size = at;
    add_number(m, value, 4, big);
    m->size = size;
}

enum { SHORT = 3, ASCII = 2, LONG = 4, RATIONAL = 5 };

typedef struct pending {
    size_t at; /* of the offset to be filled in */
    const made_tag *tag;
} pending;

made made_exif(const made_tag *tags, size_t count, int big) {
    made m = {.size = 0};
    size_t pointer[3] = {4, 0, 0};
    pending values[64];
    size_t value_count = 0;
    assert(count <= 60);
    add(&m, big ? "MM\0*" : "II*\0", 4);
    add_number(&m, 0, 4, big);
    for (int directory = IN_IFD0; directory <= IN_GPS; directory++) {
        static const unsigned pointers[] = {0, 0x8769, 0x8825};
        uint32_t entries = directory == IN_IFD0 ? 2 : 0;
        for (size_t i = 0; i < count; i++)
            entries += (int)tags[i].where == directory;
        set_number(&m, pointer[directory], (uint32_t)m.size, big);
        add_number(&m, entries, 2, big);
        for (int other = IN_EXIF; other <= IN_GPS && directory == IN_IFD0; other++) {
            add_number(&m, pointers[other], 2, big);
            add_number(&m, LONG, 2, big);
            add_number(&m, 1, 4, big);
            pointer[other] = m.size;
            add_number(&m, 0, 4, big);
        }
        for (size_t i = 0; i < count; i++) {
            const made_tag *t = &tags[i];
            if ((int)t->where != directory) continue;
            const uint32_t length = t->text ? (uint32_t)strlen(t->text) + 1 : 0;
            add_number(&m, t->tag, 2, big);
            add_number(&m, t->text ? ASCII : t->rationals ? RATIONAL : SHORT, 2, big);
            add_number(&m, t->text ? length : t->rationals ? t->count : 1, 4, big);
            if (!t->text && !t->rationals) {
                add_number(&m, t->number, 2, big);
                add_number(&m, 0, 2, big);
            } else if (t->text && length <= 4) {
                char inside[4] = "";
                memcpy(inside, t->text, length);
                add(&m, inside, 4);
            } else {
                values[value_count++] = (pending){m.size, t};
                add_number(&m, 0, 4, big);
            }
        }
        add_number(&m, 0, 4, big); /* no next directory */
    }
    for (size_t i = 0; i < value_count; i++) {
        const made_tag *t = values[i].tag;
        set_number(&m, values[i].at, (uint32_t)m.size, big);
        if (t->text) add(&m, t->text, strlen(t->text) + 1);
        for (unsigned k = 0; !t->text && k < 2 * t->count; k++)
            add_number(&m, t->rationals[k], 4, big);
        if (m.size & 1) add(&m, "", 1);
    }
    return m;
}

made made_exif_text(made_directory where, unsigned tag, const char *text) {
    const made_tag one = {.where = where, .tag = tag, .text = text};
    return made_exif(&one, 1, 1);
}

static void add_segment(made *m, unsigned marker, const char *name, size_t name_size,
                        const void *bytes, size_t size) {
    const uint8_t head[2] = {0xff, (uint8_t)marker};
    add(m, head, 2);
    add_number(m, (uint32_t)(2 + name_size + size), 2, 1);
    add(m, name, name_size);
    add(m, bytes, size);
}

made made_jpeg(const made *exif, const char *xmp, const made *iptc) {
    static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
    static const char resources_name[] = "Photoshop 3.0";
    made m = {.size = 0};
    add(&m, "\xff\xd8", 2);
    if (exif) add_segment(&m, 0xe1, "Exif\0", 6, exif->bytes, exif->size);
    if (xmp) add_segment(&m, 0xe1, xmp_name, sizeof xmp_name, xmp, strlen(xmp));
    if (iptc) {
        made resources = {.size = 0};
        add(&resources, "8BIM\4\4\0\0", 8);
        add_number(&resources, (uint32_t)iptc->size, 4, 1);
        add(&resources, iptc->bytes, iptc->size);
        if (iptc->size & 1) add(&resources, "", 1);
        add_segment(&m, 0xed, resources_name, sizeof resources_name, resources.bytes,
                    resources.size);
    }
    add(&m, "\xff\xd9", 2);
    return m;
}

/* Checksums are not looked at here: zeros. */
static void add_chunk(made *m, const char *type, const void *bytes, size_t size) {
    add_number(m, (uint32_t)size, 4, 1);
    add(m, type, 4);
    add(m, bytes, size);
    add_number(m, 0, 4, 1);
}

static const char png_head[8] = {'\x89', 'P', 'N', 'G', '\r', '\n', '\x1a', '\n'};

made made_png(const made *exif, const char *xmp) {
    static const char keyword[] =
        "XML:com.adobe.xmp\0\0\0\0"; /* and flags, language, translation */
    made m = {.size = 0};
    add(&m, png_head, 8);
    if (exif) add_chunk(&m, "eXIf", exif->bytes, exif->size);
    if (xmp) {
        made text = {.size = 0};
        add(&text, keyword, sizeof keyword);
        add(&text, xmp, strlen(xmp));
        add_chunk(&m, "iTXt", text.bytes, text.size);
    }
    add_chunk(&m, "IEND", "", 0);
    return m;
}

made made_png_raw_profile(const made *exif) {
    made m = {.size = 0}, text = {.size = 0};
    char line[64];
    static const char keyword[] = "Raw profile type exif";
    add(&text, keyword, sizeof keyword);
    (void)snprintf(line, sizeof line, "\nexif\n%8zu", exif->size + 6);
    add(&text, line, strlen(line));
    for (size_t i = 0; i < exif->size + 6; i++) {
        const uint8_t byte = i < 6 ? (uint8_t) "Exif\0"[i] : exif->bytes[i - 6];
        (void)snprintf(line, sizeof line, "%s%02x", i % 36 == 0 ? "\n" : "", byte);
        add(&text, line, strlen(line));
    }
    add(&m, png_head, 8);
    add_chunk(&m, "tEXt", text.bytes, text.size);
    add_chunk(&m, "IEND", "", 0);
    return m;
}

made made_png_text(const char *chunk, const char *keyword, const char *text) {
    made m = {.size = 0}, body = {.size = 0};
    add(&body, keyword, strlen(keyword) + 1);
    if (strcmp(chunk, "zTXt") == 0) {
        uint8_t packed[4096];
        uLongf size = sizeof packed;
        add(&body, "", 1); /* deflate */
        (void)compress(packed, &size, (const Bytef *)text, (uLong)strlen(text));
        add(&body, packed, size);
    } else {
        if (strcmp(chunk, "iTXt") == 0)
            add(&body, "\0\0\0", 4); /* plain, no language, no translation */
        add(&body, text, strlen(text));
    }
    add(&m, png_head, 8);
    add_chunk(&m, chunk, body.bytes, body.size);
    add_chunk(&m, "IEND", "", 0);
    return m;
}

static void add_riff(made *m, const char *type, const void *bytes, size_t size) {
    add(m, type, 4);
    add_number(m, (uint32_t)size, 4, 0);
    add(m, bytes, size);
    if (size & 1) add(m, "", 1);
}

made made_webp(const made *exif, const char *xmp) {
    made m = {.size = 0};
    add(&m, "RIFF\0\0\0\0WEBP", 12);
    if (exif) add_riff(&m, "EXIF", exif->bytes, exif->size);
    if (xmp) add_riff(&m, "XMP ", xmp, strlen(xmp));
    set_number(&m, 4, (uint32_t)m.size - 8, 0);
    return m;
}

static void add_box(made *m, const char *type, const void *bytes, size_t size) {
    add_number(m, (uint32_t)size + 8, 4, 1);
    add(m, type, 4);
    add(m, bytes, size);
}

made made_heif(const made *exif, const char *xmp) {
    made m = {.size = 0}, iinf = {.size = 0}, iloc = {.size = 0}, idat = {.size = 0},
         meta = {.size = 0};
    add_number(&idat, 0, 4, 1);
    add(&idat, exif->bytes, exif->size);
    const size_t exif_size = idat.size;
    add(&idat, xmp, strlen(xmp));
    add(&iinf, "\0\0\0\0\0\2", 6);
    add_box(&iinf, "infe", "\2\0\0\0\0\1\0\0Exif", 13);
    add_box(&iinf, "infe", "\2\0\0\0\0\2\0\0mime\0application/rdf+xml", 33);
    add(&iloc, "\1\0\0\0\x44\0\0\2", 8);
    for (uint32_t item = 1; item <= 2; item++) {
        add_number(&iloc, item, 2, 1);
        add_number(&iloc, 1, 2, 1); /* in idat */
        add_number(&iloc, 0, 2, 1);
        add_number(&iloc, 1, 2, 1); /* one extent */
        add_number(&iloc, item == 1 ? 0 : (uint32_t)exif_size, 4, 1);
        add_number(&iloc, (uint32_t)(item == 1 ? exif_size : idat.size - exif_size), 4, 1);
    }
    add(&meta, "\0\0\0\0", 4);
    add_box(&meta, "iinf", iinf.bytes, iinf.size);
    add_box(&meta, "iloc", iloc.bytes, iloc.size);
    add_box(&meta, "idat", idat.bytes, idat.size);
    add_box(&m, "ftyp", "heic\0\0\0\0mif1", 12);
    add_box(&m, "meta", meta.bytes, meta.size);
    return m;
}

const char *made_xmp(const char *attributes, const char *elements) {
    static char packet[MADE_BYTES];
    (void)snprintf(
        packet, sizeof packet,
        "<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>"
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:exif='http://ns.adobe.com/exif/1.0/'"
        " xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'"
        " xmlns:aux='http://ns.adobe.com/exif/1.0/aux/'"
        " xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'"
        " xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/'"
        " xmlns:lr='http://ns.adobe.com/lightroom/1.0/'"
        " xmlns:digiKam='http://www.digikam.org/ns/1.0/'"
        " xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'"
        " xmlns:MP='http://ns.microsoft.com/photo/1.2/'"
        " xmlns:MPRI='http://ns.microsoft.com/photo/1.2/t/RegionInfo#'"
        " xmlns:MPReg='http://ns.microsoft.com/photo/1.2/t/Region#'"
        " xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/'"
        " xmlns:stArea='http://ns.adobe.com/xmp/sType/Area#' %s>%s</rdf:Description>"
        "</rdf:RDF></x:xmpmeta>\n<?xpacket end='w'?>",
        attributes, elements);
    return packet;
}

void made_add_iptc(made *iptc, unsigned set, const char *text) {
    const uint8_t head[3] = {0x1c, 2, (uint8_t)set};
    add(iptc, head, 3);
    add_number(iptc, (uint32_t)strlen(text), 2, 1);
    add(iptc, text, strlen(text));
}
