/*
 * xmp_edit.c - sidecars that are written to: what comes out is read again, says what was written,
 * and a second time there is nothing to change.
 */
#include "fuzz.h"

#include "metadata/xmp_edit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const sources[] = {"labels", "metadata"}, *const known[] = {"old"};
    static const glimpse_xmp_item items[] = {{"labels", GLIMPSE_XMP_KEYWORD, "a & b"},
                                             {"labels", GLIMPSE_XMP_KEYWORD, "place|sea"},
                                             {"metadata", GLIMPSE_XMP_DESCRIPTION, "one <two>"},
                                             {"metadata", GLIMPSE_XMP_TITLE, "t"},
                                             {"metadata", GLIMPSE_XMP_RATING, "4"},
                                             {"metadata", GLIMPSE_XMP_LABEL, "Red"},
                                             {"metadata", GLIMPSE_XMP_PLACE, "-12.5 100.25"}};
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        glimpse_xmp_edit edit = {.items = items,
                                 .item_count = sizeof items / sizeof *items,
                                 .sources = sources,
                                 .source_count = 2,
                                 .keywords = known,
                                 .keyword_count = 1,
                                 .is_digikam = 1,
                                 .overwrite = overwrite};
        glimpse_xmp_edited first, second, third;
        if (!fuzz_fine(glimpse_xmp_edit_packet(&first, (const char *)data, size, &edit))) {
            PROMISE(!first.bytes && first.change_count == 0);
            continue;
        }
        if (!first.bytes) {
            glimpse_xmp_edited_free(&first);
            continue;
        }
        PROMISE(memchr(first.bytes, '\0', first.size) == NULL || memchr(data, '\0', size));
        PROMISE(fuzz_fine(glimpse_xmp_edit_packet(&second, first.bytes, first.size, &edit)));
        PROMISE(!second.bytes);
        edit.item_count = 0;
        PROMISE(fuzz_fine(glimpse_xmp_edit_packet(&third, first.bytes, first.size, &edit)));
        glimpse_xmp_edited_free(&third);
        glimpse_xmp_edited_free(&second);
        glimpse_xmp_edited_free(&first);
    }
    return 0;
}
