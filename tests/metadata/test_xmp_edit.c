/*
 * What is written into an XMP packet: merged with what programs wrote, marked, brought up to date
 * and taken back, with everything else byte for byte as it was.
 */
#include "support/test.h"

#include "metadata/xmp_edit.h"

static const char *const everyone[] = {"darktable.xmp", "digikam.xmp", "lightroom.xmp",
                                       "exiftool.xmp", "one_line.xmp"};
enum { EVERYONE = sizeof everyone / sizeof *everyone };

static char *sidecar(const char *name, size_t *size) {
    char path[128];
    (void)snprintf(path, sizeof path, "tests/metadata/sidecars/%s", name);
    return read_whole_file(source_path(path), size);
}

static glimpse_xmp_edit edit_of(const glimpse_xmp_item *items, size_t count) {
    static const char *const sources[] = {"labels", "captions", "metadata"};
    const glimpse_xmp_edit edit = {
        .items = items, .item_count = count, .sources = sources, .source_count = 3};
    return edit;
}

/* The packet after it, which replaces `*packet`; how many changes that were none but kept. */
static size_t apply(char **packet, size_t *size, const glimpse_xmp_edit *edit) {
    glimpse_xmp_edited edited;
    assert_ok(glimpse_xmp_edit_packet(&edited, *packet, *size, edit));
    size_t changes = 0;
    for (size_t i = 0; i < edited.change_count; i++)
        changes += edited.changes[i].kind != GLIMPSE_XMP_KEPT;
    assert_int_equal(edited.bytes != NULL, changes > 0);
    if (edited.bytes) {
        free(*packet);
        *packet = edited.bytes;
        *size = edited.size;
        edited.bytes = NULL;
    }
    glimpse_xmp_edited_free(&edited);
    return changes;
}

static int count_of(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* Every line of `before` is in `after`, in the same order. */
static void assert_kept(const char *before, const char *after) {
    const char *at = after;
    for (const char *line = before; *line;) {
        const size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length);
        assert_non_null(copy);
        const char *found = strstr(at, copy);
        if (!found) fail_msg("lost: %s", copy);
        at = found + length;
        free(copy);
        line += length + (line[length] == '\n');
    }
}

static const glimpse_xmp_item two[] = {{"labels", GLIMPSE_XMP_KEYWORD, "dog"},
                                       {"captions", GLIMPSE_XMP_DESCRIPTION, "a dog & a <sea>"}};

static void all_that_programs_wrote_stays(void **state) {
    (void)state;
    for (size_t i = 0; i < EVERYONE; i++) {
        size_t size, before_size;
        char *before = sidecar(everyone[i], &before_size), *packet = sidecar(everyone[i], &size);
        const glimpse_xmp_edit edit = edit_of(two, 2);
        assert_true(apply(&packet, &size, &edit) > 0);
        if (strcmp(everyone[i], "one_line.xmp") != 0) assert_kept(before, packet);
        assert_int_equal(count_of(packet, "dog</"),
                         strcmp(everyone[i], "digikam.xmp") == 0 ? 4
                         : strcmp(everyone[i], "darktable.xmp") == 0 ||
                                 strcmp(everyone[i], "lightroom.xmp") == 0
                             ? 3
                             : 2);
        /* Again, there is nothing to do. */
        assert_int_equal(apply(&packet, &size, &edit), 0);
        /* With nothing to say, ours goes, and what is left is what was there. */
        const glimpse_xmp_edit none = edit_of(NULL, 0);
        assert_true(apply(&packet, &size, &none) > 0);
        assert_null(strstr(packet, "dog"));
        assert_null(strstr(packet, "glimpse:Written"));
        if (strcmp(everyone[i], "one_line.xmp") != 0) assert_kept(before, packet);
        free(packet);
        free(before);
    }
}

static void a_description_of_somebody_is_kept(void **state) {
    (void)state;
    size_t size;
    char *packet = sidecar("digikam.xmp", &size);
    glimpse_xmp_edited edited;
    glimpse_xmp_edit edit = edit_of(two + 1, 1);
    assert_ok(glimpse_xmp_edit_packet(&edited, packet, size, &edit));
    assert_null(edited.bytes);
    assert_int_equal(edited.change_count, 1);
    assert_int_equal(edited.changes[0].kind, GLIMPSE_XMP_KEPT);
    glimpse_xmp_edited_free(&edited);
    edit.overwrite = 1;
    assert_int_equal(apply(&packet, &size, &edit), 1);
    assert_non_null(
        strstr(packet, "<rdf:li xml:lang=\"x-default\">a dog &amp; a &lt;sea&gt;</rdf:li>"));
    assert_non_null(strstr(packet, "Ada und das Meer"));
    free(packet);
}

static void a_rating_is_written_only_where_there_is_none(void **state) {
    (void)state;
    static const glimpse_xmp_item rating[] = {{"metadata", GLIMPSE_XMP_RATING, "5"},
                                              {"metadata", GLIMPSE_XMP_LABEL, "Blue"},
                                              {"metadata", GLIMPSE_XMP_PLACE, "38.7113 -9.1367"}};
    size_t size;
    char *packet = sidecar("lightroom.xmp", &size);
    glimpse_xmp_edit edit = edit_of(rating, 3);
    assert_int_equal(apply(&packet, &size, &edit), 2);
    assert_non_null(strstr(packet, "<xmp:Rating>5</xmp:Rating>"));
    assert_non_null(strstr(packet, "xmp:Label=\"Red\""));
    assert_non_null(strstr(packet, "<exif:GPSLatitude>38,42.678000N</exif:GPSLatitude>"));
    assert_non_null(strstr(packet, "<exif:GPSLongitude>9,8.202000W</exif:GPSLongitude>"));
    assert_int_equal(apply(&packet, &size, &edit), 0);
    edit.overwrite = 1;
    assert_int_equal(apply(&packet, &size, &edit), 1);
    assert_null(strstr(packet, "xmp:Label=\"Red\""));
    assert_non_null(strstr(packet, "<xmp:Label>Blue</xmp:Label>"));
    free(packet);
    packet = sidecar("digikam.xmp", &size);
    edit = edit_of(rating, 1);
    assert_int_equal(apply(&packet, &size, &edit), 0);
    free(packet);
}

static void what_was_written_is_brought_up_to_date(void **state) {
    (void)state;
    static const glimpse_xmp_item first[] = {{"labels", GLIMPSE_XMP_KEYWORD, "animal|dog"},
                                             {"labels", GLIMPSE_XMP_KEYWORD, "beach"},
                                             {"captions", GLIMPSE_XMP_DESCRIPTION, "one"}};
    static const glimpse_xmp_item second[] = {{"labels", GLIMPSE_XMP_KEYWORD, "animal|cat"},
                                              {"labels", GLIMPSE_XMP_KEYWORD, "beach"},
                                              {"captions", GLIMPSE_XMP_DESCRIPTION, "two"}};
    size_t size = 0;
    char *packet = NULL;
    glimpse_xmp_edit edit = edit_of(first, 3);
    edit.is_digikam = 1;
    assert_int_equal(apply(&packet, &size, &edit), 3);
    assert_non_null(strstr(packet, "<rdf:li>animal/dog</rdf:li>"));
    assert_non_null(strstr(packet, "<rdf:li>animal|dog</rdf:li>"));
    edit = edit_of(second, 3);
    edit.is_digikam = 1;
    assert_int_equal(apply(&packet, &size, &edit), 3);
    assert_null(strstr(packet, "dog"));
    assert_null(strstr(packet, "one<"));
    assert_non_null(strstr(packet, "<rdf:li>animal/cat</rdf:li>"));
    assert_non_null(strstr(packet, "two<"));
    assert_int_equal(apply(&packet, &size, &edit), 0);
    /* A run about captions says nothing about labels. */
    static const char *const captions[] = {"captions"};
    edit = edit_of(NULL, 0);
    edit.sources = captions;
    edit.source_count = 1;
    assert_int_equal(apply(&packet, &size, &edit), 1);
    assert_non_null(strstr(packet, "<rdf:li>beach</rdf:li>"));
    assert_null(strstr(packet, "dc:description"));
    free(packet);
}

static void replace_once(char **packet, size_t *size, const char *from, const char *to) {
    char *at = strstr(*packet, from);
    assert_non_null(at);
    char *out = malloc(*size + strlen(to) + 1);
    assert_non_null(out);
    const size_t head = (size_t)(at - *packet);
    memcpy(out, *packet, head);
    (void)strcpy(out + head, to);
    (void)strcat(out, at + strlen(from));
    free(*packet);
    *packet = out;
    *size = strlen(out);
}

static void what_a_person_removed_or_changed_stays_so(void **state) {
    (void)state;
    size_t size = 0;
    char *packet = NULL;
    glimpse_xmp_edit edit = edit_of(two, 2);
    assert_int_equal(apply(&packet, &size, &edit), 2);
    replace_once(&packet, &size, "<rdf:li>dog</rdf:li>", "<rdf:li>wolf</rdf:li>");
    replace_once(&packet, &size, ">a dog &amp; a &lt;sea&gt;</rdf:li>", ">mine</rdf:li>");
    assert_int_equal(apply(&packet, &size, &edit), 0);
    assert_non_null(strstr(packet, "wolf"));
    assert_non_null(strstr(packet, ">mine<"));
    edit.overwrite = 1;
    assert_int_equal(apply(&packet, &size, &edit), 2);
    assert_non_null(strstr(packet, "<rdf:li>wolf</rdf:li>"));
    assert_non_null(strstr(packet, "<rdf:li>dog</rdf:li>"));
    free(packet);
}

static void a_list_that_is_made_does_not_hide_what_is_known(void **state) {
    (void)state;
    static const char *const known[] = {"sunset", "Lisboa"};
    size_t size = 0;
    char *packet = NULL;
    glimpse_xmp_edit edit = edit_of(two, 2);
    edit.keywords = known;
    edit.keyword_count = 2;
    edit.description = "what the file itself says";
    assert_int_equal(apply(&packet, &size, &edit), 1);
    assert_non_null(strstr(packet, "<rdf:li>sunset</rdf:li>"));
    assert_non_null(strstr(packet, "<rdf:li>dog</rdf:li>"));
    assert_null(strstr(packet, "a dog &amp;"));
    free(packet);
}

/* What is known from elsewhere and is asked to be here is written, and marked. */
static void what_is_known_is_written_when_it_is_asked(void **state) {
    (void)state;
    static const char *const known[] = {"sea", "sand"}, *const paths[] = {"place|sea"};
    static const glimpse_xmp_item items[] = {{"metadata", GLIMPSE_XMP_KEYWORD, "sand"},
                                             {"metadata", GLIMPSE_XMP_KEYWORD, "sea"}};
    size_t size = 0;
    char *packet = NULL;
    glimpse_xmp_edit edit = edit_of(items, 2);
    edit.keywords = known;
    edit.keyword_count = 2;
    edit.hierarchical = paths;
    edit.hierarchical_count = 1;
    assert_int_equal(apply(&packet, &size, &edit), 2);
    assert_int_equal(count_of(packet, "<rdf:li>sea</rdf:li>"), 1);
    assert_non_null(strstr(packet, "<rdf:li>metadata keyword sand</rdf:li>"));
    assert_int_equal(apply(&packet, &size, &edit), 0);
    /* With a hierarchy, the list that is made for it has the others as well. */
    static const glimpse_xmp_item path[] = {{"labels", GLIMPSE_XMP_KEYWORD, "animal|dog"}};
    edit.items = path;
    edit.item_count = 1;
    free(packet);
    packet = NULL;
    size = 0;
    assert_int_equal(apply(&packet, &size, &edit), 1);
    assert_non_null(strstr(packet, "<rdf:li>place|sea</rdf:li>"));
    assert_int_equal(count_of(packet, "<rdf:li>sand</rdf:li>"), 2);
    assert_int_equal(count_of(packet, "<rdf:li>sea</rdf:li>"), 1);
    assert_int_equal(count_of(packet, "<rdf:li>dog</rdf:li>"), 1);
    free(packet);
}

static void a_mark_of_byte_order_and_other_prefixes_are_kept(void **state) {
    (void)state;
    size_t size, whole;
    char *packet = sidecar("one_line.xmp", &size);
    char *marked = malloc(size + 4);
    assert_non_null(marked);
    memcpy(marked, "\xEF\xBB\xBF", 3);
    memcpy(marked + 3, packet, size + 1);
    whole = size + 3;
    const glimpse_xmp_edit edit = edit_of(two, 2);
    assert_int_equal(apply(&marked, &whole, &edit), 2);
    assert_memory_equal(marked, "\xEF\xBB\xBF<x:xmpmeta", 13);
    assert_non_null(strstr(marked, "<d:subject><Bag><li>dog</li></Bag></d:subject>"));
    assert_non_null(
        strstr(marked, "<Alt><li xml:lang=\"x-default\">a dog &amp; a &lt;sea&gt;</li></Alt>"));
    assert_non_null(strstr(marked, "rdf:about=\"uuid:faf5\""));
    assert_non_null(strstr(marked, "xap:CreatorTool='a > b' xap:Rating='3' "));
    free(marked);
    free(packet);
}

static void what_cannot_be_written_to_is_refused_with_the_reason(void **state) {
    (void)state;
#define BEGIN                                    \
 "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF " \
 "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
#define DC  "<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'>"
#define END "</rdf:RDF></x:xmpmeta>"
    static const struct {
        const char *packet;
        size_t size;
        int status;
        const char *words;
    } cases[] = {
        {"<x", 2, GLIMPSE_E_FORMAT, "broken in line 1"},
        {"<a/>", 4, GLIMPSE_E_FORMAT, "no XMP"},
        {"\xFF\xFE<\0a\0", 6, GLIMPSE_E_UNSUPPORTED, "UTF-16"},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", 0, GLIMPSE_E_UNSUPPORTED, "ISO-8859-1"},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 0, GLIMPSE_E_UNSUPPORTED, "document type"},
        {BEGIN DC "<dc:subject>a</dc:subject></rdf:Description>" END, 0, GLIMPSE_E_FORMAT,
         "dc:subject in a form"},
        {BEGIN DC "<dc:subject><rdf:Bag/></dc:subject><dc:subject><rdf:Bag/></dc:subject>"
                  "</rdf:Description>" END,
         0, GLIMPSE_E_FORMAT, "dc:subject twice"},
        {BEGIN
         "<rdf:Description xmlns:n='http://ns.adobe.com/xmp/note/' n:HasExtendedXMP='0'/>" END,
         0, GLIMPSE_E_UNSUPPORTED, "extended XMP"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        glimpse_xmp_edited edited;
        const glimpse_xmp_edit edit = edit_of(two, 2);
        const size_t size = cases[i].size ? cases[i].size : strlen(cases[i].packet);
        assert_int_equal(glimpse_xmp_edit_packet(&edited, cases[i].packet, size, &edit),
                         cases[i].status);
        if (!strstr(glimpse_last_error(), cases[i].words))
            fail_msg("%s, not: %s", glimpse_last_error(), cases[i].words);
        assert_null(edited.bytes);
        assert_int_equal(edited.change_count, 0);
    }
}

static void an_rdf_without_anything_can_be_written_to(void **state) {
    (void)state;
    static const char empty[] =
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' />";
    char *packet = strdup(empty);
    size_t size = sizeof empty - 1;
    const glimpse_xmp_edit edit = edit_of(two, 2);
    assert_int_equal(apply(&packet, &size, &edit), 2);
    assert_int_equal(apply(&packet, &size, &edit), 0);
    assert_non_null(strstr(packet, "\n</rdf:RDF>"));
    free(packet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_programs_wrote_stays),
        cmocka_unit_test(a_description_of_somebody_is_kept),
        cmocka_unit_test(a_rating_is_written_only_where_there_is_none),
        cmocka_unit_test(what_was_written_is_brought_up_to_date),
        cmocka_unit_test(what_a_person_removed_or_changed_stays_so),
        cmocka_unit_test(a_list_that_is_made_does_not_hide_what_is_known),
        cmocka_unit_test(what_is_known_is_written_when_it_is_asked),
        cmocka_unit_test(a_mark_of_byte_order_and_other_prefixes_are_kept),
        cmocka_unit_test(what_cannot_be_written_to_is_refused_with_the_reason),
        cmocka_unit_test(an_rdf_without_anything_can_be_written_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
