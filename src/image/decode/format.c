/*
 * image/format.c - telling picture formats apart, by first bytes and by name.
 *
 * Only the bytes decide how a file is decoded. Names decide which files of a folder are worth
 * looking at.
 */
#include <glimpse/image.h>

#include "image/picture.h"

#include <strings.h>

/* Signatures at a fixed place. ISO media files (HEIF, AVIF, CR3), TGA and PNM follow in code. */
static const struct signature {
    glimpse_image_format format;
    unsigned offset, length;
    const char *bytes;
} signatures[] = {
    {GLIMPSE_FORMAT_JPEG, 0, 3, "\xff\xd8\xff"},
    {GLIMPSE_FORMAT_PNG, 0, 8, "\x89PNG\r\n\x1a\n"},
    {GLIMPSE_FORMAT_GIF, 0, 6, "GIF87a"},
    {GLIMPSE_FORMAT_GIF, 0, 6, "GIF89a"},
    {GLIMPSE_FORMAT_WEBP, 8, 4, "WEBP"}, /* "RIFF" is checked in code */
    {GLIMPSE_FORMAT_PSD, 0, 4, "8BPS"},
    {GLIMPSE_FORMAT_HDR, 0, 10, "#?RADIANCE"},
    {GLIMPSE_FORMAT_HDR, 0, 6, "#?RGBE"},
    {GLIMPSE_FORMAT_RAW, 8, 4, "CR\x02"},                /* Canon CR2, a TIFF by its first bytes */
    {GLIMPSE_FORMAT_RAW, 0, 14, "II\x1a\0\0\0HEAPCCDR"}, /* Canon CRW */
    {GLIMPSE_FORMAT_RAW, 0, 15, "FUJIFILMCCD-RAW"},
    {GLIMPSE_FORMAT_RAW, 0, 4, "IIRO"}, /* Olympus ORF, three spellings */
    {GLIMPSE_FORMAT_RAW, 0, 4, "IIRS"},
    {GLIMPSE_FORMAT_RAW, 0, 4, "MMOR"},
    {GLIMPSE_FORMAT_RAW, 0, 4, "IIU\0"}, /* Panasonic RW2 */
    {GLIMPSE_FORMAT_RAW, 0, 4, "\0MRM"}, /* Minolta */
    {GLIMPSE_FORMAT_RAW, 0, 4, "FOVb"},  /* Sigma X3F */
    {GLIMPSE_FORMAT_TIFF, 0, 4, "II*\0"},
    {GLIMPSE_FORMAT_TIFF, 0, 4, "MM\0*"},
    {GLIMPSE_FORMAT_TIFF, 0, 4, "II+\0"}, /* BigTIFF */
    {GLIMPSE_FORMAT_TIFF, 0, 4, "MM\0+"},
    {GLIMPSE_FORMAT_JXL, 0, 2, "\xff\x0a"},
    {GLIMPSE_FORMAT_JXL, 0, 12, "\0\0\0\x0cJXL \r\n\x87\n"},
    {GLIMPSE_FORMAT_JP2, 0, 12, "\0\0\0\x0cjP  \r\n\x87\n"},
    {GLIMPSE_FORMAT_JP2, 0, 4, "\xff\x4f\xff\x51"},
    {GLIMPSE_FORMAT_BMP, 0, 2, "BM"},
};

/* "ftyp" box: major brand at 8, compatible brands from 16 on. A file may call itself just "mif1"
 * and name its codec among the compatible brands. */
static glimpse_image_format sniff_iso_media(const uint8_t *p, size_t size) {
    if (size < 12 || memcmp(p + 4, "ftyp", 4) != 0) return GLIMPSE_FORMAT_UNKNOWN;
    const size_t box = glimpse_u32be(p);
    const size_t end = box < size ? box : size;
    int general = 0;
    for (size_t at = 8; at + 4 <= end || at == 8; at += at == 8 ? 8 : 4) {
        const char *brand = (const char *)p + at;
        if (memcmp(brand, "crx ", 4) == 0) return GLIMPSE_FORMAT_RAW;
        if (memcmp(brand, "avif", 4) == 0 || memcmp(brand, "avis", 4) == 0) {
            return GLIMPSE_FORMAT_AVIF;
        }
        if (memcmp(brand, "hei", 3) == 0 || memcmp(brand, "hev", 3) == 0) {
            return GLIMPSE_FORMAT_HEIF;
        }
        if (memcmp(brand, "mif", 3) == 0 || memcmp(brand, "msf1", 4) == 0 ||
            memcmp(brand, "miaf", 4) == 0) {
            general = 1;
        }
    }
    return general ? GLIMPSE_FORMAT_HEIF : GLIMPSE_FORMAT_UNKNOWN;
}

static int is_pnm(const uint8_t *p, size_t size) {
    if (size < 3 || p[0] != 'P' || !strchr("1234567fF", p[1]) || p[1] == '\0') return 0;
    return p[2] == '#' || p[2] == ' ' || (p[2] >= '\t' && p[2] <= '\r');
}

/* TGA has no signature: accept headers whose fields agree with each other. Text never passes,
 * because its second byte would have to be 0 or 1. */
static int is_plausible_tga(const uint8_t *p, size_t size) {
    if (size < 18) return 0;
    const unsigned map = p[1], kind = p[2], map_depth = p[7], depth = p[16];
    const int map_fits = map_depth == 15 || map_depth == 16 || map_depth == 24 || map_depth == 32;
    if (map > 1 || (p[17] & 0xc0) != 0) return 0;
    if (glimpse_u16le(p + 12) == 0 || glimpse_u16le(p + 14) == 0) return 0;
    if (map == 1 ? (!map_fits || glimpse_u16le(p + 5) == 0) : glimpse_u16le(p + 5) != 0) return 0;
    switch (kind) {
    case 1:
    case 9: return map == 1 && depth == 8;
    case 2:
    case 10: return depth == 15 || depth == 16 || depth == 24 || depth == 32;
    case 3: return depth == 1 || depth == 8 || depth == 16;
    case 11: return depth == 8 || depth == 16;
    default: return 0;
    }
}

glimpse_image_format glimpse_image_sniff(const void *data, size_t size) {
    const uint8_t *p = data;
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *s = &signatures[i];
        if (size < s->offset + s->length) continue;
        if (memcmp(p + s->offset, s->bytes, s->length) != 0) continue;
        if (s->format == GLIMPSE_FORMAT_WEBP && memcmp(p, "RIFF", 4) != 0) continue;
        if (s->format == GLIMPSE_FORMAT_RAW && s->offset == 8 && memcmp(p, "II*", 4) != 0) continue;
        return s->format;
    }
    if (size < 3) return GLIMPSE_FORMAT_UNKNOWN;
    glimpse_image_format format = sniff_iso_media(p, size < 64 ? size : 64);
    if (format != GLIMPSE_FORMAT_UNKNOWN) return format;
    if (is_pnm(p, size)) return GLIMPSE_FORMAT_PNM;
    if (is_plausible_tga(p, size)) return GLIMPSE_FORMAT_TGA;
    return GLIMPSE_FORMAT_UNKNOWN;
}

const char *glimpse_image_format_name(glimpse_image_format format) {
    switch (format) {
    case GLIMPSE_FORMAT_JPEG: return "JPEG";
    case GLIMPSE_FORMAT_PNG: return "PNG";
    case GLIMPSE_FORMAT_GIF: return "GIF";
    case GLIMPSE_FORMAT_BMP: return "BMP";
    case GLIMPSE_FORMAT_PNM: return "PNM";
    case GLIMPSE_FORMAT_TGA: return "TGA";
    case GLIMPSE_FORMAT_PSD: return "PSD";
    case GLIMPSE_FORMAT_HDR: return "Radiance HDR";
    case GLIMPSE_FORMAT_WEBP: return "WebP";
    case GLIMPSE_FORMAT_TIFF: return "TIFF";
    case GLIMPSE_FORMAT_HEIF: return "HEIF";
    case GLIMPSE_FORMAT_AVIF: return "AVIF";
    case GLIMPSE_FORMAT_JXL: return "JPEG XL";
    case GLIMPSE_FORMAT_JP2: return "JPEG 2000";
    case GLIMPSE_FORMAT_RAW: return "camera raw";
    case GLIMPSE_FORMAT_UNKNOWN:
    case GLIMPSE_FORMAT_COUNT: break;
    }
    return "unknown";
}

int glimpse_image_format_supported(glimpse_image_format format) {
    switch (format) {
    case GLIMPSE_FORMAT_JPEG:
    case GLIMPSE_FORMAT_PNG:
    case GLIMPSE_FORMAT_GIF:
    case GLIMPSE_FORMAT_BMP:
    case GLIMPSE_FORMAT_PNM:
    case GLIMPSE_FORMAT_TGA:
    case GLIMPSE_FORMAT_PSD:
    case GLIMPSE_FORMAT_HDR:
    case GLIMPSE_FORMAT_WEBP: return 1;
    case GLIMPSE_FORMAT_TIFF:
#ifdef GLIMPSE_HAVE_TIFF
        return 1;
#else
        return 0;
#endif
    case GLIMPSE_FORMAT_HEIF:
    case GLIMPSE_FORMAT_AVIF:
#ifdef GLIMPSE_HAVE_HEIF
        return glimpse_heif_available(format);
#else
        return 0;
#endif
    case GLIMPSE_FORMAT_JXL:
    case GLIMPSE_FORMAT_JP2:
    case GLIMPSE_FORMAT_RAW:
    case GLIMPSE_FORMAT_UNKNOWN:
    case GLIMPSE_FORMAT_COUNT: break;
    }
    return 0;
}

int glimpse_image_name_is_picture(const char *name) {
    static const char *const endings[] = {
        "jpg", "jpeg", "jpe", "jfif", "jif", "mpo", "png", "apng", "gif", "bmp", "dib", "rle",
        "pnm", "pbm", "pgm", "ppm", "tga", "icb", "vda", "vst", "psd", "psb", "hdr", "rgbe", "pic",
        "webp", "tif", "tiff", "heic", "heics", "heif", "heifs", "hif", "avif", "avifs", "jxl",
        "jp2", "j2k", "jpx", "jpf", "j2c", "jpc",
        /* no decoder, but pictures all the same: better named as unusable than passed over */
        "ico", "cur", "qoi", "exr", "dds", "sgi", "pcx",
        /* camera raw */
        "dng", "cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "orf", "rw2", "raw", "raf",
        "pef", "srw", "x3f", "mrw", "rwl", "3fr", "fff", "iiq", "kdc", "dcr", "erf", "mef", "mos",
        "gpr"};
    const char *slash = strrchr(name, '/');
    if (slash) name = slash + 1;
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) return 0; /* ".jpg" is a hidden file without an ending */
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (strcasecmp(dot + 1, endings[i]) == 0) return 1;
    }
    return 0;
}
