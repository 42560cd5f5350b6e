/*
 * metadata/xmp_scan.c - an XMP packet read by expat, with the offsets of what may be changed.
 *
 * Only properties of the picture itself are looked for: those of the rdf:Description that are
 * directly in rdf:RDF. What is nested deeper (the history of an editor) may have the same names.
 */
#include "metadata/xmp_scan.h"

#include "core/error.h"
#include "metadata/xml_text.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 64, MAX_TEXT = 1 << 17, MAX_PACKET = 16 << 20 };
#define SEPARATOR '\t' /* between namespace and name: in no URI */

const glimpse_xmp_property_name glimpse_xmp_property_names[GLIMPSE_XMP_PROPERTIES] = {
    [GLIMPSE_XMP_P_SUBJECT] = {GLIMPSE_NS_DC, "dc", "subject", "Bag"},
    [GLIMPSE_XMP_P_HIERARCHICAL] = {GLIMPSE_NS_LIGHTROOM, "lr", "hierarchicalSubject", "Bag"},
    [GLIMPSE_XMP_P_TAGS_LIST] = {GLIMPSE_NS_DIGIKAM, "digiKam", "TagsList", "Seq"},
    [GLIMPSE_XMP_P_WRITTEN] = {GLIMPSE_NS_WRITTEN, "glimpse", "Written", "Bag"},
    [GLIMPSE_XMP_P_DESCRIPTION] = {GLIMPSE_NS_DC, "dc", "description", "Alt"},
    [GLIMPSE_XMP_P_TITLE] = {GLIMPSE_NS_DC, "dc", "title", "Alt"},
    [GLIMPSE_XMP_P_RATING] = {GLIMPSE_NS_XMP, "xmp", "Rating", NULL},
    [GLIMPSE_XMP_P_LABEL] = {GLIMPSE_NS_XMP, "xmp", "Label", NULL},
    [GLIMPSE_XMP_P_LATITUDE] = {GLIMPSE_NS_EXIF, "exif", "GPSLatitude", NULL},
    [GLIMPSE_XMP_P_LONGITUDE] = {GLIMPSE_NS_EXIF, "exif", "GPSLongitude", NULL},
    [GLIMPSE_XMP_P_EXTENDED] = {GLIMPSE_NS_NOTE, "xmpNote", "HasExtendedXMP", NULL},
};

typedef enum role {
    OUTSIDE = 0,
    RDF,
    NODE, /* an rdf:Description directly in rdf:RDF */
    PROPERTY,
    CONTAINER,
    ITEM,
    INSIDE /* of anything of these that is not looked into */
} role;

typedef struct frame {
    role role;
    glimpse_xmp_span start; /* of its start tag */
    int is_empty_tag;
} frame;

typedef struct scanner {
    XML_Parser parser;
    glimpse_xmp_scan *out;
    const char *packet;
    size_t size;
    frame stack[MAX_DEPTH];
    size_t depth;
    int property; /* that is open; -1: none of ours */
    glimpse_xml_text text;
    char language[16];
    int status; /* with a message when < 0 */
    int nomem;
} scanner;

static int is_name(const char *name, const char *space, const char *local) {
    const size_t length = strlen(space);
    return strncmp(name, space, length) == 0 && name[length] == SEPARATOR &&
           strcmp(name + length + 1, local) == 0;
}

static int find_property(const char *name) {
    for (int i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        const glimpse_xmp_property_name *p = &glimpse_xmp_property_names[i];
        if (is_name(name, p->space, p->name)) return i;
    }
    return -1;
}

char *glimpse_xmp_trimmed(const char *text, size_t length) {
    while (length > 0 && glimpse_xmp_is_blank(*text))
        text++, length--;
    while (length > 0 && glimpse_xmp_is_blank(text[length - 1]))
        length--;
    char *copy = malloc(length + 1);
    if (!copy) return NULL;
    if (length > 0) memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static void stop(scanner *s, int status) {
    s->status = status;
    (void)XML_StopParser(s->parser, XML_FALSE);
}

static glimpse_xmp_span current(const scanner *s) {
    const XML_Index at = XML_GetCurrentByteIndex(s->parser);
    const int count = XML_GetCurrentByteCount(s->parser);
    glimpse_xmp_span span = {at > 0 ? (size_t)at : 0, 0};
    span.end = span.begin + (count > 0 ? (size_t)count : 0);
    if (span.end > s->size) span.end = s->size;
    return span;
}

/* The `wanted`th attribute of a start tag that expat found well-formed, namespaces not counted,
 * with the blanks before it. */
static glimpse_xmp_span attribute_span(const scanner *s, glimpse_xmp_span tag, int wanted) {
    const char *text = s->packet;
    size_t at = tag.begin + 1;
    while (at < tag.end && !glimpse_xmp_is_blank(text[at]) && text[at] != '>' && text[at] != '/')
        at++;
    for (int seen = 0; at < tag.end;) {
        glimpse_xmp_span span = {at, at};
        while (at < tag.end && glimpse_xmp_is_blank(text[at]))
            at++;
        const size_t name = at;
        while (at < tag.end && text[at] != '=' && !glimpse_xmp_is_blank(text[at]) &&
               text[at] != '>' && text[at] != '/')
            at++;
        if (at == name) break;
        const int is_space = at - name >= 5 && strncmp(text + name, "xmlns", 5) == 0 &&
                             (at - name == 5 || text[name + 5] == ':');
        while (at < tag.end && text[at] != '"' && text[at] != '\'')
            at++;
        if (at == tag.end) break;
        const char quote = text[at++];
        while (at < tag.end && text[at] != quote)
            at++;
        if (at < tag.end) at++;
        span.end = at;
        if (is_space) continue;
        if (seen == wanted) return span;
        seen++;
    }
    return (glimpse_xmp_span){tag.end, tag.end};
}

static void read_node_attributes(scanner *s, glimpse_xmp_span tag, const XML_Char **attributes) {
    for (int i = 0; attributes[2 * i]; i++) {
        const char *name = attributes[2 * i], *value = attributes[2 * i + 1];
        if (!s->out->about &&
            (is_name(name, GLIMPSE_NS_RDF, "about") || strcmp(name, "about") == 0)) {
            s->out->about = strdup(value);
            s->nomem |= !s->out->about;
            continue;
        }
        const int property = find_property(name);
        if (property < 0) continue;
        glimpse_xmp_found *found = &s->out->found[property];
        if (found->form != GLIMPSE_XMP_ABSENT) {
            found->form = GLIMPSE_XMP_TWICE;
            continue;
        }
        found->form = GLIMPSE_XMP_ATTRIBUTE;
        found->span = attribute_span(s, tag, i);
        found->text = glimpse_xmp_trimmed(value, strlen(value));
        s->nomem |= !found->text;
    }
}

static role begin_property(scanner *s, const XML_Char *name, const XML_Char **attributes) {
    s->property = find_property(name);
    if (s->property < 0) return INSIDE;
    glimpse_xmp_found *found = &s->out->found[s->property];
    if (found->form != GLIMPSE_XMP_ABSENT) {
        found->form = GLIMPSE_XMP_TWICE;
        s->property = -1;
        return INSIDE;
    }
    found->form = GLIMPSE_XMP_SIMPLE;
    for (int i = 0; attributes[i]; i += 2) {
        if (is_name(attributes[i], GLIMPSE_NS_RDF, "parseType") ||
            is_name(attributes[i], GLIMPSE_NS_RDF, "resource"))
            found->form = GLIMPSE_XMP_OTHER;
    }
    return PROPERTY;
}

static role begin_container(scanner *s, const XML_Char *name, const frame *this) {
    glimpse_xmp_found *found = &s->out->found[s->property];
    const int is_list = is_name(name, GLIMPSE_NS_RDF, "Bag") ||
                        is_name(name, GLIMPSE_NS_RDF, "Seq") ||
                        is_name(name, GLIMPSE_NS_RDF, "Alt");
    if (!is_list || found->form != GLIMPSE_XMP_SIMPLE) {
        found->form = GLIMPSE_XMP_OTHER;
        return INSIDE;
    }
    found->form = GLIMPSE_XMP_LIST;
    found->container = this->start;
    return CONTAINER;
}

static role begin_item(scanner *s, const XML_Char *name, const XML_Char **attributes) {
    if (!is_name(name, GLIMPSE_NS_RDF, "li")) return INSIDE;
    s->language[0] = '\0';
    for (int i = 0; attributes[i]; i += 2) {
        if (!is_name(attributes[i], "http://www.w3.org/XML/1998/namespace", "lang")) continue;
        const size_t length = strlen(attributes[i + 1]);
        if (length < sizeof s->language)
            memcpy(s->language, attributes[i + 1], length + 1);
        else
            memcpy(s->language, "?", 2);
    }
    return ITEM;
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    scanner *s = user;
    s->text.used = 0;
    if (s->depth == MAX_DEPTH) {
        stop(s, glimpse_fail(GLIMPSE_E_FORMAT, "its XMP nests more than %d elements", MAX_DEPTH));
        return;
    }
    const role above = s->depth > 0 ? s->stack[s->depth - 1].role : OUTSIDE;
    frame *this = &s->stack[s->depth++];
    *this = (frame){.role = INSIDE, .start = current(s)};
    this->is_empty_tag =
        this->start.end >= this->start.begin + 2 && s->packet[this->start.end - 2] == '/';
    switch (above) {
    case OUTSIDE:
        this->role = OUTSIDE;
        if (s->out->has_rdf || !is_name(name, GLIMPSE_NS_RDF, "RDF")) break;
        this->role = RDF;
        s->out->has_rdf = 1;
        s->out->rdf_start = this->start;
        break;
    case RDF:
        if (!is_name(name, GLIMPSE_NS_RDF, "Description")) break;
        this->role = NODE;
        read_node_attributes(s, this->start, attributes);
        break;
    case NODE: this->role = begin_property(s, name, attributes); break;
    case PROPERTY: this->role = begin_container(s, name, this); break;
    case CONTAINER: this->role = begin_item(s, name, attributes); break;
    case ITEM:
    case INSIDE: break;
    }
}

static void add_item(scanner *s, glimpse_xmp_span span) {
    glimpse_xmp_found *found = &s->out->found[s->property];
    if (found->item_count == found->item_capacity) {
        const size_t capacity = found->item_capacity ? 2 * found->item_capacity : 16;
        glimpse_xmp_list_item *grown = realloc(found->items, capacity * sizeof *grown);
        if (!grown) {
            s->nomem = 1;
            return;
        }
        found->items = grown;
        found->item_capacity = capacity;
    }
    glimpse_xmp_list_item *item = &found->items[found->item_count];
    *item = (glimpse_xmp_list_item){.span = span};
    memcpy(item->language, s->language, sizeof item->language);
    item->text = glimpse_xmp_trimmed(s->text.bytes, s->text.used);
    if (item->text) {
        found->item_count++;
    } else {
        s->nomem = 1;
    }
}

static void XMLCALL on_end(void *user, const XML_Char *name) {
    scanner *s = user;
    (void)name;
    if (s->status < 0 || s->depth == 0) return;
    const frame this = s->stack[--s->depth];
    const glimpse_xmp_span end = current(s);
    const glimpse_xmp_span whole = {this.start.begin, end.end};
    switch (this.role) {
    case RDF: s->out->rdf_end = this.is_empty_tag ? 0 : end.begin; break;
    case PROPERTY: {
        glimpse_xmp_found *found = &s->out->found[s->property];
        found->span = whole;
        if (found->form == GLIMPSE_XMP_SIMPLE) {
            found->text = glimpse_xmp_trimmed(s->text.bytes, s->text.used);
            s->nomem |= !found->text;
        }
        s->property = -1;
        break;
    }
    case CONTAINER:
        s->out->found[s->property].container_end = this.is_empty_tag ? 0 : end.begin;
        break;
    case ITEM: add_item(s, whole); break;
    case OUTSIDE:
    case NODE:
    case INSIDE: break;
    }
    s->text.used = 0;
}

static void XMLCALL on_text(void *user, const XML_Char *text, int length) {
    scanner *s = user;
    const role here = s->depth > 0 ? s->stack[s->depth - 1].role : OUTSIDE;
    if (here != PROPERTY && here != ITEM) return;
    if (s->text.used + (size_t)length + 1 >= MAX_TEXT) {
        stop(s,
             glimpse_fail(GLIMPSE_E_LIMIT, "its XMP has a text of more than %d bytes", MAX_TEXT));
        return;
    }
    if (!glimpse_xml_text_add(&s->text, text, (size_t)length, MAX_TEXT)) s->nomem = 1;
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    stop(user, glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "its XMP has a document type, which may declare entities"));
}

static void XMLCALL on_declaration(void *user, const XML_Char *version, const XML_Char *encoding,
                                   int standalone) {
    (void)version, (void)standalone;
    if (!encoding || strcasecmp(encoding, "UTF-8") == 0 || strcasecmp(encoding, "US-ASCII") == 0)
        return;
    stop(user, glimpse_fail(GLIMPSE_E_UNSUPPORTED, "its XMP is in %.40s; only UTF-8 is written to",
                            encoding));
}

int glimpse_xmp_scan_packet(glimpse_xmp_scan *out, const char *packet, size_t size) {
    *out = (glimpse_xmp_scan){0};
    if (size > MAX_PACKET) {
        return glimpse_fail(GLIMPSE_E_LIMIT, "its XMP has %zu bytes; %d are read", size,
                            MAX_PACKET);
    }
    if (size >= 2 && (memcmp(packet, "\xFE\xFF", 2) == 0 || memcmp(packet, "\xFF\xFE", 2) == 0 ||
                      packet[0] == '\0' || packet[1] == '\0')) {
        return glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "its XMP is in UTF-16; only UTF-8 is written to");
    }
    while (size > 0 && packet[size - 1] == '\0')
        size--; /* padding of some writers */
    scanner s = {.out = out, .packet = packet, .size = size, .property = -1};
    s.parser = XML_ParserCreateNS(NULL, SEPARATOR);
    if (!s.parser) return glimpse_fail_nomem(1024, "a parser of XML");
    XML_SetUserData(s.parser, &s);
    XML_SetElementHandler(s.parser, on_start, on_end);
    XML_SetCharacterDataHandler(s.parser, on_text);
    XML_SetStartDoctypeDeclHandler(s.parser, on_doctype);
    XML_SetXmlDeclHandler(s.parser, on_declaration);
    const enum XML_Status parsed = XML_Parse(s.parser, packet, (int)size, XML_TRUE);
    int status = s.status;
    if (s.nomem || XML_GetErrorCode(s.parser) == XML_ERROR_NO_MEMORY) {
        status = glimpse_fail_nomem(size, "an XMP packet");
    } else if (status == GLIMPSE_OK && parsed != XML_STATUS_OK) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "its XMP is broken in line %lu: %s",
                              (unsigned long)XML_GetCurrentLineNumber(s.parser),
                              XML_ErrorString(XML_GetErrorCode(s.parser)));
    } else if (status == GLIMPSE_OK && !out->has_rdf) {
        status = glimpse_fail(GLIMPSE_E_FORMAT, "it is XML, but no XMP: it has no rdf:RDF");
    }
    XML_ParserFree(s.parser);
    free(s.text.bytes);
    return status;
}

void glimpse_xmp_scan_free(glimpse_xmp_scan *scan) {
    for (size_t i = 0; i < GLIMPSE_XMP_PROPERTIES; i++) {
        glimpse_xmp_found *found = &scan->found[i];
        for (size_t k = 0; k < found->item_count; k++)
            free(found->items[k].text);
        free(found->items);
        free(found->text);
    }
    free(scan->about);
    *scan = (glimpse_xmp_scan){0};
}
