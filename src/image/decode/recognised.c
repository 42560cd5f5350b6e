/*
 * image/decode/recognised.c - formats that are recognised, so that they can be refused by name.
 */
#include "image/decode/decoder.h"
#include "image/decode/iso_media.h"

static unsigned sniff_jxl(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "\xff\x0a") |
           glimpse_has(p, size, 0, "\0\0\0\x0cJXL \r\n\x87\n");
}

const glimpse_format glimpse_format_jxl = {
    .name = "JPEG XL",
    .endings = "jxl",
    .sniff = sniff_jxl,
};

static unsigned sniff_jp2(const uint8_t *p, size_t size) {
    return glimpse_has(p, size, 0, "\xff\x4f\xff\x51") |
           glimpse_has(p, size, 0, "\0\0\0\x0cjP  \r\n\x87\n");
}

const glimpse_format glimpse_format_jp2 = {
    .name = "JPEG 2000",
    .endings = "jp2 j2k jpx jpf j2c jpc",
    .sniff = sniff_jp2,
};

static unsigned sniff_raw(const uint8_t *p, size_t size) {
    static const struct signature {
        unsigned length;
        const char *bytes;
    } signatures[] = {
        {14, "II\x1a\0\0\0HEAPCCDR"}, /* Canon CRW */
        {15, "FUJIFILMCCD-RAW"},
        {4, "IIRO"}, /* Olympus ORF, three spellings */
        {4, "IIRS"},
        {4, "MMOR"},
        {4, "IIU\0"}, /* Panasonic RW2 */
        {4, "\0MRM"}, /* Minolta */
        {4, "FOVb"},  /* Sigma X3F */
    };
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (glimpse_has_bytes(p, size, 0, s->bytes, s->length)) return s->length;
    }
    /* Canon CR2 is a TIFF by its first bytes, CR3 an ISO media file. */
    if (glimpse_has(p, size, 0, "II*") && glimpse_has(p, size, 8, "CR\x02\0")) return 7;
    return glimpse_iso_media_kind(p, size) == GLIMPSE_ISO_CR3 ? GLIMPSE_ISO_PROOF : 0;
}

const glimpse_format glimpse_format_raw = {
    .name = "camera raw",
    .endings =
        "dng cr2 cr3 crw nef nrw arw srf sr2 orf rw2 raw raf pef srw x3f mrw rwl 3fr fff iiq "
        "kdc dcr erf mef mos gpr",
    .sniff = sniff_raw,
};
