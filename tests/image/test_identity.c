/*
 * The identity of a coded picture: edits of metadata keep it, anything that changes a pixel does
 * not. Over all pictures in fixtures/, with retaggers of our own and, where it is, with exiftool.
 */
#include "image_support.h"

#include "image/format.h"

#include <dirent.h>

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static const char *fixture(const char *name) {
    char relative[300];
    (void)snprintf(relative, sizeof relative, "tests/image/fixtures/%s", name);
    return source_path(relative);
}

static bytes read_bytes_of(const char *path) {
    bytes b = {NULL, 0};
    b.data = (uint8_t *)read_whole_file(path, &b.size);
    return b;
}

static glimpse_hash identity_of(const bytes *b, int *coded) {
    glimpse_hash identity;
    int found = glimpse_image_identity(&identity, NULL, b->data, b->size);
    assert_true(found == 0 || found == 1);
    if (coded) *coded = found;
    return identity;
}

static int same(const glimpse_hash *a, const glimpse_hash *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

/* Of the pixels, whole and over a background; 0 when it is not decoded. */
static uint64_t pixels_of(const bytes *b) {
    uint64_t all = 0;
    for (int composite = 0; composite < 2; composite++) {
        glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
        glimpse_image *image = NULL;
        options.ground = composite ? GLIMPSE_GROUND_VISIBLE : GLIMPSE_GROUND_NONE;
        options.max_pixels = 1 << 20;
        if (glimpse_image_decode(&image, b->data, b->size, "x", &options) < 0) return 0;
        all = all * 31 + image_hash(image) + glimpse_image_width(image);
        glimpse_image_free(image);
    }
    return all;
}

/*
 * Retaggers. Each returns a copy with more metadata.
 */
static bytes insert(const bytes *b, size_t at, const void *more, size_t size) {
    bytes out = {malloc(b->size + size), b->size + size};
    assert_non_null(out.data);
    memcpy(out.data, b->data, at);
    memcpy(out.data + at, more, size);
    memcpy(out.data + at + size, b->data + at, b->size - at);
    return out;
}

static bytes tag_jpeg(const bytes *b) {
    static const char segments[] = "\xff\xfe\x00\x07hello"
                                   "\xff\xe1\x00\x23http://ns.adobe.com/xap/1.0/\0Rate"
                                   "\xff\xed\x00\x06IPTC";
    return insert(b, 2, segments, sizeof segments - 1);
}

static bytes tag_png(const bytes *b) {
    /* Behind IHDR; of a text chunk nobody looks at the checksum. */
    static const char chunk[] = "\x00\x00\x00\x08tEXtRating\0\x34....";
    return insert(b, 33, chunk, sizeof chunk - 1);
}

static void write_u32le(uint8_t *p, size_t value) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static bytes tag_webp(const bytes *b) {
    static const char xmp[] = "XMP \x05\x00\x00\x00Ratin\0";
    bytes end = insert(b, b->size, xmp, sizeof xmp - 1), out = end;
    if (memcmp(b->data + 12, "VP8X", 4) == 0) {
        out.data[20] |= 0x04;
    } else { /* writers make it an extended file */
        uint8_t head[18] = {'V', 'P', '8', 'X', 10, 0, 0, 0, 0x04};
        const uint8_t *p = b->data + 20;
        const uint32_t bits =
            (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 24;
        const int lossless = memcmp(b->data + 12, "VP8L", 4) == 0;
        uint32_t width = lossless ? (bits & 0x3fff) + 1 : (uint32_t)(p[6] | (p[7] & 0x3f) << 8);
        uint32_t height =
            lossless ? (bits >> 14 & 0x3fff) + 1 : (uint32_t)(p[8] | (p[9] & 0x3f) << 8);
        if (lossless && bits >> 28 & 1) head[8] |= 0x10;
        head[12] = (uint8_t)(width - 1), head[13] = (uint8_t)((width - 1) >> 8);
        head[15] = (uint8_t)(height - 1), head[16] = (uint8_t)((height - 1) >> 8);
        out = insert(&end, 12, head, sizeof head);
        free(end.data);
    }
    write_u32le(out.data + 4, out.size - 8);
    return out;
}

static bytes tag_gif(const bytes *b) {
    static const char blocks[] = "\x21\xfe\x05hello\0"
                                 "\x21\xff\x0bXMP DataXMP\x04Rate\0";
    const size_t colours = b->data[10] & 0x80 ? (size_t)3 << ((b->data[10] & 7) + 1) : 0;
    bytes out = insert(b, 13 + colours, blocks, sizeof blocks - 1);
    out.data[4] = '9';
    return out;
}

static bytes tag_psd(const bytes *b) {
    static const char resource[] = "8BIM\x04\x24\0\0\x00\x00\x00\x04Rate"; /* 1060: XMP */
    const size_t palette = (size_t)b->data[28] << 8 | b->data[29], at = 30 + palette;
    bytes out = insert(b, at + 4, resource, sizeof resource - 1);
    out.data[at + 3] = (uint8_t)(out.data[at + 3] + sizeof resource - 1);
    return out;
}

static const struct {
    const char *prefix;
    bytes (*tag)(const bytes *b);
} taggers[] = {{"jpeg_", tag_jpeg},
               {"png_", tag_png},
               {"webp_", tag_webp},
               {"gif_", tag_gif},
               {"psd_", tag_psd}};

/* Every fixture that decodes and is told from its coded picture. */
static int each_picture(int (*visit)(const char *name, const bytes *b, const glimpse_hash *id)) {
    DIR *directory = opendir(source_path("tests/image/fixtures"));
    assert_non_null(directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || strstr(entry->d_name, "make")) continue;
        bytes b = read_bytes_of(fixture(entry->d_name));
        int coded = 0;
        const glimpse_hash id = identity_of(&b, &coded);
        if (coded && pixels_of(&b)) count += visit(entry->d_name, &b, &id);
        free(b.data);
    }
    (void)closedir(directory);
    return count;
}

static int tag_one(const char *name, const bytes *b, const glimpse_hash *id) {
    for (size_t i = 0; i < sizeof taggers / sizeof *taggers; i++) {
        if (strncmp(name, taggers[i].prefix, strlen(taggers[i].prefix)) != 0) continue;
        bytes once = taggers[i].tag(b), twice = taggers[i].tag(&once);
        int coded = 0;
        const glimpse_hash first = identity_of(&once, &coded), second = identity_of(&twice, NULL);
        if (!coded || !same(&first, id) || !same(&second, id)) {
            fail_msg("%s: another identity with more metadata", name);
        }
        if (pixels_of(&once) != pixels_of(b)) fail_msg("%s: the test's tagger damages it", name);
        free(once.data);
        free(twice.data);
        return 1;
    }
    return 0;
}

static void more_metadata_leave_the_identity(void **state) {
    (void)state;
    assert_true(each_picture(tag_one) > 50);
}

/*
 * ISO media: a box at a time, behind what `to` has.
 */
static void add_box(bytes *to, const char *name, const void *body, size_t size) {
    bytes more = insert(to, to->size, "\0\0\0\0", 4), named = insert(&more, more.size, name, 4);
    const size_t length = 8 + size;
    named.data[to->size + 2] = (uint8_t)(length >> 8);
    named.data[to->size + 3] = (uint8_t)length;
    bytes whole = insert(&named, named.size, body, size);
    free(to->data);
    free(more.data);
    free(named.data);
    *to = whole;
}

/* A picture with one item; with `with_xmp`, one of XMP that describes it as well, and what relates
 * them: `relations` of `relations_size` (the body of iref, or NULL: there is none). */
static bytes make_iso(int with_xmp, const void *relations, size_t relations_size) {
    static const uint8_t picture[] = "\2\0\0\0\0\1\0\0av01", xmp[] = "\2\0\0\1\0\2\0\0mime\0a/b";
    bytes items = {calloc(1, 6), 6}, meta = {calloc(1, 4), 4}, file = {calloc(1, 1), 0};
    items.data[5] = with_xmp ? 2 : 1;
    add_box(&items, "infe", picture, sizeof picture);
    if (with_xmp) add_box(&items, "infe", xmp, sizeof xmp);
    /* Version 0; offsets and lengths of 4 bytes; of each item: id, file, extents, the one extent
     * in the 16 bytes of ftyp, that lie still. */
    uint8_t places[8 + 2 * 14] = {0, 0, 0, 0, 0x44, 0, 0, with_xmp ? 2 : 1};
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t place[14] = {0, (uint8_t)(i + 1), 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 4};
        memcpy(places + 8 + 14 * i, place, sizeof place);
    }
    add_box(&meta, "pitm", "\0\0\0\0\0\1", 6);
    add_box(&meta, "iinf", items.data, items.size);
    if (relations) add_box(&meta, "iref", relations, relations_size);
    add_box(&meta, "iloc", places, with_xmp ? sizeof places : sizeof places - 14);
    add_box(&file, "ftyp", "avif\0\0\0\0avifmif1", 16);
    add_box(&file, "meta", meta.data, meta.size);
    free(items.data);
    free(meta.data);
    return file;
}

static void the_first_tag_of_iso_media_brings_a_box_of_relations(void **state) {
    (void)state;
    static const char describes[] = "\0\0\0\0\0\0\0\x0e"
                                    "cdsc\0\2\0\1\0\1";
    static const char thumbnail[] = "\0\0\0\0\0\0\0\x0e"
                                    "thmb\0\2\0\1\0\1";
    bytes made[] = {make_iso(0, NULL, 0), make_iso(1, describes, sizeof describes - 1),
                    make_iso(0, "\0\0\0\0", 4), make_iso(1, thumbnail, sizeof thumbnail - 1)};
    glimpse_hash ids[4];
    for (size_t i = 0; i < 4; i++) {
        int coded = 0;
        ids[i] = identity_of(&made[i], &coded);
        assert_int_equal(coded, 1);
        free(made[i].data);
    }
    assert_true(same(&ids[0], &ids[1]));
    assert_true(same(&ids[0], &ids[2]));
    assert_false(same(&ids[0], &ids[3])); /* other relations count */
}

/* exiftool leaves the item of EXIF in its tables, with a length of 0. */
static void metadata_of_iso_media_may_have_been_emptied(void **state) {
    (void)state;
    for (int item = 1; item <= 2; item++) {
        bytes whole = make_iso(1, NULL, 0), plain = make_iso(0, NULL, 0);
        int coded = 0, plain_coded = 0;
        /* The file ends in the places; the last byte of each is its length. */
        const size_t at = whole.size - (item == 1 ? 14 : 0) - 1;
        assert_int_equal(whole.data[at], 4);
        whole.data[at] = 0;
        const glimpse_hash id = identity_of(&whole, &coded);
        const glimpse_hash without = identity_of(&plain, &plain_coded);
        assert_int_equal(plain_coded, 1);
        assert_int_equal(coded, item == 2); /* a picture of no bytes is none */
        assert_int_equal(same(&id, &without), item == 2);
        free(whole.data);
        free(plain.data);
    }
}

/* `exiftool -all=` drops JFIF's marker, other programs add it: that counts where colours change. */
static void markers_of_a_jpeg_count_where_they_decide_its_colours(void **state) {
    (void)state;
    static const char jfif[] = "\xff\xe0\0\x10JFIF\0\1\1\1\0\x48\0\x48\0\0";
    static const char dense[] = "\xff\xe0\0\x10JFIF\0\1\2\1\1\x2c\1\x2c\0\0";
    static const char ycc[] = "\xff\xee\0\x0e"
                              "Adobe\0\x64\0\0\0\0\1";
    static const char rgb[] = "\xff\xee\0\x0e"
                              "Adobe\0\x64\0\0\0\0\0";
    bytes whole = read_bytes_of(fixture("jpeg_420.jpg"));
    assert_memory_equal(whole.data + 6, "JFIF", 4);
    bytes plain = insert(&whole, whole.size, "", 0);
    memmove(plain.data + 2, plain.data + 20, plain.size - 20);
    plain.size -= 18;
    const struct {
        const char *marker;
        size_t size;
        int same;
    } cases[] = {{jfif, sizeof jfif - 1, 1},
                 {dense, sizeof dense - 1, 1},
                 {ycc, sizeof ycc - 1, 1},
                 {rgb, sizeof rgb - 1, 0}};
    const glimpse_hash id = identity_of(&whole, NULL), dropped = identity_of(&plain, NULL);
    assert_true(same(&id, &dropped));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes marked = insert(&plain, 2, cases[i].marker, cases[i].size);
        int coded = 0;
        const glimpse_hash other = identity_of(&marked, &coded);
        assert_int_equal(coded, 1);
        assert_int_equal(same(&id, &other), cases[i].same);
        assert_int_equal(pixels_of(&plain) == pixels_of(&marked), cases[i].same);
        free(marked.data);
    }
    free(plain.data);
    free(whole.data);
}

/* Some writers set the flag of opacity for lossless pictures that have one, and some do not. */
static void the_opacity_of_lossless_webp_is_in_its_bits(void **state) {
    (void)state;
    bytes b = read_bytes_of(fixture("webp_lossless.webp"));
    assert_memory_equal(b.data + 12, "VP8L", 4);
    b.data[24] |= 0x10; /* it may have some */
    bytes extended = tag_webp(&b);
    assert_int_equal(extended.data[20] & 0x10, 0x10);
    const glimpse_hash id = identity_of(&b, NULL), with = identity_of(&extended, NULL);
    const uint64_t pixels = pixels_of(&extended);
    extended.data[20] &= 0xef;
    const glimpse_hash without = identity_of(&extended, NULL);
    assert_true(same(&id, &with));
    assert_true(same(&id, &without));
    assert_true(pixels == pixels_of(&extended) && pixels == pixels_of(&b));
    free(b.data);
    free(extended.data);
    /* Where opacities have a chunk of their own, they are left alone without the flag. */
    b = read_bytes_of(fixture("webp_alpha.webp"));
    if (memcmp(b.data + 12, "VP8X", 4) == 0 && memcmp(b.data + 30, "ALPH", 4) == 0) {
        const glimpse_hash flagged = identity_of(&b, NULL);
        b.data[20] &= 0xef;
        const glimpse_hash unflagged = identity_of(&b, NULL);
        assert_false(same(&flagged, &unflagged));
    }
    free(b.data);
}

/* The property: where one bit makes no other identity, it makes no other picture either. */
static int flip_one(const char *name, const bytes *b, const glimpse_hash *id) {
    enum { MAX_SIZE = 2500 };
    /* Of those that are known by their pixels it holds by what they are known by. */
    if (b->size > MAX_SIZE || glimpse_image_identity_decodes(b->data, b->size)) return 0;
    const uint64_t pixels = pixels_of(b);
    for (size_t i = 0; i < b->size; i++) {
        const uint8_t bit = (uint8_t)(1u << (i * 5 % 8));
        b->data[i] ^= bit;
        const glimpse_hash other = identity_of(b, NULL);
        const uint64_t now = same(&other, id) ? pixels_of(b) : pixels;
        /* libheif refuses files for damage that has to do with metadata only. */
        if (now != pixels && !(now == 0 && strncmp(name, "heif_", 5) == 0)) {
            fail_msg("%s: byte %zu changes the picture and not its identity", name, i);
        }
        b->data[i] ^= bit;
    }
    return 1;
}

static void one_identity_means_one_picture(void **state) {
    (void)state;
    assert_true(each_picture(flip_one) > 40);
}

/* From the first scan to the end mark, and the tables in front of it. */
static void every_byte_of_a_jpegs_scan_counts(void **state) {
    (void)state;
    bytes b = read_bytes_of(fixture("jpeg_420.jpg"));
    const glimpse_hash id = identity_of(&b, NULL);
    size_t scan = 2;
    while (b.data[scan + 1] != 0xda)
        scan += 2 + ((size_t)b.data[scan + 2] << 8 | b.data[scan + 3]);
    for (size_t i = scan; i < b.size; i++) {
        for (unsigned bit = 1; bit < 256; bit *= 2) {
            b.data[i] ^= (uint8_t)bit;
            const glimpse_hash other = identity_of(&b, NULL);
            if (same(&other, &id)) fail_msg("byte %zu, bit %u", i, bit);
            b.data[i] ^= (uint8_t)bit;
        }
    }
    free(b.data);
}

static void turning_is_another_picture_and_formats_never_meet(void **state) {
    (void)state;
    glimpse_hash seen[8];
    for (int orientation = 2; orientation <= 8; orientation++) {
        char name[64];
        (void)snprintf(name, sizeof name, "jpeg_tall_turned_%d.jpg", orientation);
        bytes b = read_bytes_of(fixture(name));
        int coded = 0;
        seen[orientation - 1] = identity_of(&b, &coded);
        assert_int_equal(coded, 1);
        for (int k = 2; k < orientation; k++)
            assert_false(same(&seen[orientation - 1], &seen[k - 1]));
        free(b.data);
    }
}

/* A file that is not as its format says is known by all its bytes. */
static void what_is_cut_is_known_by_its_bytes(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg_cut.jpg",         "png_cut.png", "gif_cut.gif",
                                        "jpeg_no_end_mark.jpg", "bmp_cut.bmp", "tga_cut.tga",
                                        "pnm_cut.ppm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bytes b = read_bytes_of(fixture(names[i]));
        int coded = 1;
        const glimpse_hash id = identity_of(&b, &coded);
        assert_int_equal(coded, 0);
        b.data[b.size - 1] ^= 1;
        const glimpse_hash other = identity_of(&b, NULL);
        assert_false(same(&id, &other));
        free(b.data);
    }
}

/*
 * Formats whose containers nobody walks through: known by their pixels.
 */
static bytes tag_bmp(const bytes *b) {
    bytes out = insert(b, b->size, "more", 4);
    if (b->data[14] == 40)
        memcpy(out.data + 38, "\x12\x0b\0\0\x12\x0b\0\0", 8); /* pixels a metre */
    return out;
}

static bytes tag_pnm(const bytes *b) {
    static const char comment[] = "# rated 4\n";
    return insert(b, 3, comment, sizeof comment - 1);
}

static bytes tag_tga(const bytes *b) {
    static const char footer[] = "\0\0\0\0\0\0\0\0TRUEVISION-XFILE.";
    bytes id = insert(b, 18, "rated 4", 7), out;
    id.data[0] = (uint8_t)(id.data[0] + 7);
    out = insert(&id, id.size, footer, sizeof footer);
    free(id.data);
    return out;
}

static bytes tag_hdr(const bytes *b) {
    const uint8_t *line = memchr(b->data, '\n', b->size);
    static const char rated[] = "# rated 4\n";
    return insert(b, (size_t)(line - b->data) + 1, rated, sizeof rated - 1);
}

static bytes tag_pic(const bytes *b) {
    bytes out = insert(b, b->size, "", 0);
    memcpy(out.data + 8, "rated", 6); /* the comment */
    return out;
}

static void pictures_without_a_container_are_known_by_their_pixels(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bytes (*tag)(const bytes *b);
    } cases[] = {{"bmp_24.bmp", tag_bmp},
                 {"bmp_palette8.bmp", tag_bmp},
                 {"bmp_rle8.bmp", tag_bmp},
                 {"pnm_1.pbm", tag_pnm},
                 {"pnm_5_16bit.pgm", tag_pnm},
                 {"pnm_6.ppm", tag_pnm},
                 {"tga_24.tga", tag_tga},
                 {"tga_32.tga", tag_tga},
                 {"tga_palette.tga", tag_tga},
                 {"tga_rle.tga", tag_tga},
                 {"tga_24_right_to_left.tga", tag_tga},
                 {"hdr_planes.hdr", tag_hdr},
                 {"hdr_plain.hdr", tag_hdr},
                 {"pic_alpha.pic", tag_pic},
                 {"pic_mixed.pic", tag_pic}};
    glimpse_hash seen[sizeof cases / sizeof *cases];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes b = read_bytes_of(fixture(cases[i].name)), tagged_bytes = cases[i].tag(&b);
        int coded = 0;
        seen[i] = identity_of(&b, &coded);
        const glimpse_hash other = identity_of(&tagged_bytes, NULL);
        if (pixels_of(&b) != pixels_of(&tagged_bytes) || !pixels_of(&b)) {
            fail_msg("%s: the test's tagger damages it", cases[i].name);
        }
        if (!coded || !same(&seen[i], &other)) fail_msg("%s: another identity", cases[i].name);
        free(b.data);
        free(tagged_bytes.data);
    }
    /* Of one picture in two formats: two. */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < i; k++) {
            const int one_format = memcmp(cases[i].name, cases[k].name, 3) == 0;
            if (!one_format) assert_false(same(&seen[i], &seen[k]));
        }
    }
}

/* Decoding and identifying at once gives the picture and the identity that each gives alone. */
static int decode_one(const char *name, const bytes *b, const glimpse_hash *id) {
    if (!glimpse_image_identity_decodes(b->data, b->size)) return 0;
    for (int composite = 0; composite < 2; composite++) {
        glimpse_decode_options options = GLIMPSE_DECODE_OPTIONS_INIT;
        glimpse_image *one = NULL, *other = NULL;
        glimpse_hash found;
        options.ground = composite ? GLIMPSE_GROUND_VISIBLE : GLIMPSE_GROUND_NONE;
        assert_ok(glimpse_image_decode(&one, b->data, b->size, "x", &options));
        assert_ok(glimpse_image_decode_identified(&other, &found, b->data, b->size, "x", &options));
        if (!same(&found, id)) fail_msg("%s: another identity", name);
        if (image_hash(one) != image_hash(other)) fail_msg("%s: other pixels", name);
        assert_int_equal(glimpse_image_was_transparent(one), glimpse_image_was_transparent(other));
        glimpse_image_free(one);
        glimpse_image_free(other);
    }
    return 1;
}

static void a_picture_is_identified_while_it_is_decoded(void **state) {
    (void)state;
    assert_true(each_picture(decode_one) > 25);
}

static void metadata_that_was_read_before_gives_the_same_identity(void **state) {
    (void)state;
    static const char *const names[] = {"jpeg_exif.jpg", "png_exif.png", "png_exif_late.png",
                                        "jpeg_turned_6.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        bytes b = read_bytes_of(fixture(names[i]));
        glimpse_metadata *metadata = NULL, *other = NULL;
        glimpse_hash id, other_id;
        const glimpse_hash own = identity_of(&b, NULL);
        assert_int_equal(glimpse_metadata_read(&metadata, b.data, b.size), GLIMPSE_OK);
        assert_int_equal(glimpse_image_identity(&id, metadata, b.data, b.size), 1);
        assert_true(same(&id, &own));
        /* It is looked at: of a picture of another orientation the identity is another one. */
        assert_int_equal(glimpse_metadata_read(&other, b.data, b.size), GLIMPSE_OK);
        other->orientation = metadata->orientation % 8 + 1;
        assert_int_equal(glimpse_image_identity(&other_id, other, b.data, b.size), 1);
        assert_false(same(&other_id, &own));
        glimpse_metadata_free(metadata);
        glimpse_metadata_free(other);
        free(b.data);
    }
}

/* What exiftool writes, over every fixture whose format it can write. */
static char *tagged; /* a directory */

static int compare_tagged(const char *name, const bytes *b, const glimpse_hash *id) {
    char path[1100], command[8192];
    (void)snprintf(path, sizeof path, "%s/%s", tagged, name);
    /* It fails for formats that it does not write, and takes forever over loops of directories. */
    (void)snprintf(command, sizeof command,
                   "cp '%s' '%s' && chmod u+w '%s' && timeout 5 exiftool -q -q -m"
                   " -overwrite_original -Rating=4 -XMP:Title=glimpse '%s' >/dev/null 2>&1",
                   fixture(name), path, path, path);
    (void)!system(command);
    bytes other = read_bytes_of(path);
    int changed = other.size != b->size || memcmp(other.data, b->data, b->size) != 0;
    if (changed) {
        const glimpse_hash found = identity_of(&other, NULL);
        if (!same(&found, id)) fail_msg("%s: another identity after exiftool", name);
        if (pixels_of(&other) != pixels_of(b)) fail_msg("%s: exiftool changed it", name);
    }
    free(other.data);
    return changed;
}

static void what_exiftool_rates_stays_the_same_picture(void **state) {
    (void)state;
    if (system("exiftool -ver >/dev/null 2>&1") != 0) {
        print_message("SKIPPED: no exiftool\n");
        skip();
    }
    tagged = make_temp_directory();
    const int count = each_picture(compare_tagged);
    print_message("%d files with another rating\n", count);
    assert_true(count > 50);
    remove_tree(tagged);
    free(tagged);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_metadata_leave_the_identity),
        cmocka_unit_test(the_first_tag_of_iso_media_brings_a_box_of_relations),
        cmocka_unit_test(metadata_of_iso_media_may_have_been_emptied),
        cmocka_unit_test(the_opacity_of_lossless_webp_is_in_its_bits),
        cmocka_unit_test(markers_of_a_jpeg_count_where_they_decide_its_colours),
        cmocka_unit_test(one_identity_means_one_picture),
        cmocka_unit_test(every_byte_of_a_jpegs_scan_counts),
        cmocka_unit_test(turning_is_another_picture_and_formats_never_meet),
        cmocka_unit_test(what_is_cut_is_known_by_its_bytes),
        cmocka_unit_test(pictures_without_a_container_are_known_by_their_pixels),
        cmocka_unit_test(a_picture_is_identified_while_it_is_decoded),
        cmocka_unit_test(metadata_that_was_read_before_gives_the_same_identity),
        cmocka_unit_test(what_exiftool_rates_stays_the_same_picture),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
