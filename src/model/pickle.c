/*
 * model/pickle.c - the machine of pickle.h. Instructions and their arguments: Python's
 * pickletools, protocols 2 to 5.
 */
#include "model/pickle.h"

#include "core/error.h"
#include "core/utf8.h"
#include "model/pickle_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The weights of a large model with the state of its optimizer are a million values. */
enum {
    MAX_VALUES = 1 << 22,
    MAX_STACK = 1 << 18,
    MAX_MARKS = 1 << 12,
    MAX_MEMO = 1 << 21,
    BLOCK = 64 << 10
};
static const size_t max_memory = 512u << 20;

typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) uint8_t bytes[];
} block;

struct glimpse_pickle {
    char *path;
    unsigned flags;
    block *blocks;
    size_t memory, values;
    glimpse_pickle_storage *storages;

    const uint8_t *data; /* of the pickle that is read */
    size_t size, at, opcode_at;
    uint8_t opcode;
    glimpse_pickle_value **stack;
    size_t depth, stack_capacity;
    size_t *marks;
    size_t mark_count, mark_capacity;
    glimpse_pickle_value **memo;
    size_t memo_capacity, memo_next;
    int status;
};

typedef glimpse_pickle machine;
typedef glimpse_pickle_value value;

/*
 * Failures. The first one stays.
 */
static int fail(machine *m, int status, const char *what) {
    if (m->status < 0) return m->status;
    const char *name = glimpse_pickle_opcode_name(m->opcode);
    m->status = glimpse_fail(status, "%s: byte %zu of the pickle (%s): %s", m->path, m->opcode_at,
                             name ? name : "?", what);
    return m->status;
}

static int damaged(machine *m, const char *what) {
    return fail(m, GLIMPSE_E_FORMAT, what);
}

static void refuse_opcode(machine *m) {
    if (m->status < 0) return;
    const char *name = glimpse_pickle_opcode_name(m->opcode);
    m->status =
        name ? glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                            "%s: byte %zu of the pickle is the instruction %s, which weights do "
                            "not need; the file was not run",
                            m->path, m->opcode_at, name)
             : glimpse_fail(GLIMPSE_E_FORMAT,
                            "%s: byte %zu of the pickle, 0x%02x, is no instruction; the file is "
                            "damaged",
                            m->path, m->opcode_at, m->opcode);
}

/* What stands in a message of a name that anybody may have chosen. */
static void show_name(char *out, size_t size, const char *text, size_t length) {
    size_t used = 0;
    for (size_t i = 0; i < length && used + 4 < size; i++)
        out[used++] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
    if (length > used) (void)snprintf(out + used - (used >= 3 ? 3 : used), 4, "...");
    out[used] = '\0';
}

static void refuse_name(machine *m, const char *module, size_t module_length, const char *name,
                        size_t name_length) {
    char shown_module[96], shown_name[96];
    if (m->status < 0) return;
    show_name(shown_module, sizeof shown_module, module, module_length);
    show_name(shown_name, sizeof shown_name, name, name_length);
    m->status = glimpse_fail(GLIMPSE_E_UNSUPPORTED,
                             "%s: %s.%s is not something weights need; the file was not run. Get "
                             "the weights as safetensors, or as a state_dict",
                             m->path, shown_module, shown_name);
}

/*
 * Memory.
 */
static void *allocate(machine *m, size_t size) {
    if (m->status < 0) return NULL;
    size = (size + 15) & ~(size_t)15;
    block *b = m->blocks;
    if (!b || size > b->size - b->used) {
        size_t capacity = size > BLOCK ? size : BLOCK;
        if (capacity > max_memory - m->memory) {
            (void)fail(m, GLIMPSE_E_LIMIT, "more values than any weights have");
            return NULL;
        }
        b = malloc(sizeof *b + capacity);
        if (!b) {
            m->status = glimpse_fail_nomem(capacity, "a pickle");
            return NULL;
        }
        *b = (block){.next = m->blocks, .size = capacity};
        m->blocks = b;
        m->memory += capacity;
    }
    void *out = b->bytes + b->used;
    b->used += size;
    memset(out, 0, size);
    return out;
}

static value *create(machine *m, glimpse_pickle_type type) {
    if (m->status < 0) return NULL;
    if (m->values >= MAX_VALUES) {
        (void)fail(m, GLIMPSE_E_LIMIT, "more values than any weights have");
        return NULL;
    }
    value *v = allocate(m, sizeof *v);
    if (!v) return NULL;
    m->values++;
    v->type = (uint8_t)type;
    return v;
}

/* Room for one more in an array of pointers or sizes. */
static int grow(machine *m, void **array, size_t *capacity, size_t element, size_t need, size_t max,
                const char *what) {
    if (need <= *capacity) return 1;
    if (need > max) {
        (void)fail(m, GLIMPSE_E_LIMIT, what);
        return 0;
    }
    size_t larger = *capacity ? *capacity : 256;
    while (larger < need)
        larger *= 2;
    void *grown = realloc(*array, larger * element);
    if (!grown) {
        m->status = glimpse_fail_nomem(larger * element, "a pickle");
        return 0;
    }
    memset((uint8_t *)grown + *capacity * element, 0, (larger - *capacity) * element);
    *array = grown;
    *capacity = larger;
    return 1;
}

static void push(machine *m, value *v) {
    if (m->status < 0 || !v) return;
    if (!grow(m, (void **)&m->stack, &m->stack_capacity, sizeof *m->stack, m->depth + 1, MAX_STACK,
              "more values on the stack than any weights need")) {
        return;
    }
    m->stack[m->depth++] = v;
}

/* How much of the stack lies above the last mark. */
static size_t available(const machine *m) {
    return m->depth - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static value *pop(machine *m) {
    if (m->status < 0) return NULL;
    if (available(m) == 0) {
        (void)damaged(m, "takes a value that is not there; the file is damaged");
        return NULL;
    }
    return m->stack[--m->depth];
}

static value *top(machine *m) {
    value *v = pop(m);
    if (v) m->depth++;
    return v;
}

/* Takes the last mark away. What lies above it is the result [count], still in the memory of the
 * stack; NULL when that is nothing. */
static value **pop_mark(machine *m, size_t *count) {
    *count = 0;
    if (m->status < 0) return NULL;
    if (m->mark_count == 0) {
        (void)damaged(m, "takes a mark that is not there; the file is damaged");
        return NULL;
    }
    size_t from = m->marks[--m->mark_count];
    *count = m->depth - from;
    m->depth = from;
    return *count > 0 ? m->stack + from : NULL;
}

static void append(machine *m, value *container, value *item) {
    if (m->status < 0 || !item) return;
    if (container->count == container->capacity) {
        size_t capacity = container->capacity ? 2u * (size_t)container->capacity : 4;
        if (capacity > MAX_VALUES * 2u) {
            (void)fail(m, GLIMPSE_E_LIMIT, "a container larger than any weights have");
            return;
        }
        value **items = allocate(m, capacity * sizeof(value *));
        if (!items) return;
        if (container->count) memcpy(items, container->items, container->count * sizeof(value *));
        container->items = items;
        container->capacity = (uint32_t)capacity;
    }
    container->items[container->count++] = item;
}

static void append_all(machine *m, value *container, value **items, size_t count) {
    for (size_t i = 0; i < count; i++)
        append(m, container, items[i]);
}

/*
 * Arguments of instructions.
 */
static const uint8_t *read_bytes(machine *m, size_t count) {
    if (m->status < 0) return NULL;
    if (count > m->size - m->at) {
        (void)damaged(m, "ends before its argument does; the file is damaged or cut short");
        return NULL;
    }
    const uint8_t *at = m->data + m->at;
    m->at += count;
    return at;
}

static uint64_t read_number(machine *m, size_t bytes) {
    const uint8_t *at = read_bytes(m, bytes);
    uint64_t number = 0;
    for (size_t i = bytes; at && i-- > 0;)
        number = number << 8 | at[i];
    return number;
}

/* Up to the end of a line, which is left behind. */
static const char *read_line(machine *m, size_t *length) {
    *length = 0;
    if (m->status < 0) return NULL;
    const uint8_t *from = m->data + m->at;
    const uint8_t *end = memchr(from, '\n', m->size - m->at);
    if (!end) {
        (void)damaged(m, "ends before its name does; the file is damaged or cut short");
        return NULL;
    }
    *length = (size_t)(end - from);
    m->at += *length + 1;
    return (const char *)from;
}

/*
 * What instructions make.
 */
static void push_number(machine *m, glimpse_pickle_type type, int64_t number) {
    value *v = create(m, type);
    if (!v) return;
    v->number = number;
    push(m, v);
}

static void push_text(machine *m, glimpse_pickle_type type, size_t length_bytes) {
    uint64_t length = read_number(m, length_bytes);
    const uint8_t *text =
        m->status < 0 ? NULL : read_bytes(m, length > SIZE_MAX ? SIZE_MAX : length);
    value *v = text ? create(m, type) : NULL;
    if (!v) return;
    v->text = (const char *)text;
    v->length = (size_t)length;
    push(m, v);
}

/* A whole number of any length, little-endian, in two's complement. */
static void push_long(machine *m) {
    size_t bytes = (size_t)read_number(m, 1);
    const uint8_t *at = read_bytes(m, bytes);
    if (!at) return;
    if (bytes > 8) {
        value *v = create(m, GLIMPSE_PICKLE_LONG);
        if (!v) return;
        v->text = (const char *)at;
        v->length = bytes;
        push(m, v);
        return;
    }
    uint64_t number = bytes > 0 && at[bytes - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = bytes; i-- > 0;)
        number = number << 8 | at[i];
    push_number(m, GLIMPSE_PICKLE_INT, (int64_t)number);
}

static void push_tuple(machine *m, value **items, size_t count) {
    value *tuple = create(m, GLIMPSE_PICKLE_TUPLE);
    if (!tuple) return;
    if (count > 0) {
        tuple->items = allocate(m, count * sizeof(value *));
        if (!tuple->items) return;
        memcpy(tuple->items, items, count * sizeof(value *));
        tuple->count = tuple->capacity = (uint32_t)count;
    }
    push(m, tuple);
}

static void make_tuple(machine *m, size_t count) {
    if (m->status < 0) return;
    if (available(m) < count) {
        (void)damaged(m, "takes values that are not there; the file is damaged");
        return;
    }
    m->depth -= count;
    push_tuple(m, m->stack + m->depth, count);
}

static void push_global(machine *m, const char *module, size_t module_length, const char *name,
                        size_t name_length) {
    if (m->status < 0) return;
    const glimpse_pickle_name *known =
        glimpse_pickle_find_name(module, module_length, name, name_length);
    int of_script =
        known && (known->global == GLIMPSE_GLOBAL_CLASS || known->global == GLIMPSE_GLOBAL_JIT);
    if (!known || (of_script && !(m->flags & GLIMPSE_PICKLE_CLASSES))) {
        refuse_name(m, module, module_length, name, name_length);
        return;
    }
    value *v = create(m, GLIMPSE_PICKLE_GLOBAL);
    if (!v) return;
    v->global = (uint8_t)glimpse_pickle_name_index(known);
    push(m, v);
}

static void push_stack_global(machine *m) {
    value *name = pop(m), *module = pop(m);
    if (!name || !module) return;
    if (name->type != GLIMPSE_PICKLE_TEXT || module->type != GLIMPSE_PICKLE_TEXT) {
        (void)damaged(m, "takes a name that is no text; the file is damaged");
        return;
    }
    push_global(m, module->text, module->length, name->text, name->length);
}

static const glimpse_pickle_name *global_of(const value *v) {
    return v->type == GLIMPSE_PICKLE_GLOBAL ? glimpse_pickle_name_at(v->global) : NULL;
}

/* A whole number that is not negative; sets the status otherwise. */
static uint64_t as_size(machine *m, const value *v, const char *what) {
    if (v->type != GLIMPSE_PICKLE_INT || v->number < 0) {
        (void)damaged(m, what);
        return 0;
    }
    return (uint64_t)v->number;
}

/* ('storage', class, key, location, elements[, None or (view key, offset, elements)]) */
static void push_storage(machine *m) {
    static const char wrong[] = "refers to something that is no storage of a tensor";
    value *id = pop(m);
    if (!id) return;
    if (id->type != GLIMPSE_PICKLE_TUPLE || (id->count != 5 && id->count != 6) ||
        !glimpse_pickle_is_text(id->items[0], "storage")) {
        if (id->type == GLIMPSE_PICKLE_TUPLE && id->count > 0 &&
            glimpse_pickle_is_text(id->items[0], "module")) {
            (void)fail(m, GLIMPSE_E_UNSUPPORTED,
                       "holds a whole module, whose code would have to be run; get its state_dict");
            return;
        }
        (void)damaged(m, wrong);
        return;
    }
    const glimpse_pickle_name *class = global_of(id->items[1]);
    const value *key = id->items[2], *view = id->count == 6 ? id->items[5] : NULL;
    if (!class || class->global != GLIMPSE_GLOBAL_STORAGE || key->type != GLIMPSE_PICKLE_TEXT ||
        key->length == 0) {
        (void)damaged(m, wrong);
        return;
    }
    value *v = create(m, GLIMPSE_PICKLE_STORAGE);
    glimpse_pickle_storage *storage = v ? allocate(m, sizeof *storage) : NULL;
    if (!storage) return;
    storage->dtype = class->dtype;
    storage->element = class->element;
    storage->key = key->text;
    storage->key_length = key->length;
    storage->count = as_size(m, id->items[4], "names a storage of no size");
    storage->view_count = storage->count;
    if (view && view->type != GLIMPSE_PICKLE_NONE) {
        if (view->type != GLIMPSE_PICKLE_TUPLE || view->count != 3) {
            (void)damaged(m, "names a part of a storage that is none");
            return;
        }
        storage->view_offset = as_size(m, view->items[1], "names a part of a storage at no place");
        storage->view_count = as_size(m, view->items[2], "names a part of a storage of no size");
        if (m->status == GLIMPSE_OK &&
            (storage->view_offset > storage->count ||
             storage->view_count > storage->count - storage->view_offset)) {
            (void)damaged(m, "names a part of a storage that lies outside it");
        }
    }
    storage->next = m->storages;
    m->storages = storage;
    v->storage = storage;
    push(m, v);
}

/* (storage, offset, size, stride[, requires_grad, hooks[, metadata]]) */
static void push_tensor(machine *m, const value *arguments) {
    if (arguments->count < 4 || arguments->items[0]->type != GLIMPSE_PICKLE_STORAGE ||
        arguments->items[2]->type != GLIMPSE_PICKLE_TUPLE ||
        arguments->items[3]->type != GLIMPSE_PICKLE_TUPLE ||
        arguments->items[2]->count != arguments->items[3]->count) {
        (void)damaged(m, "makes a tensor of something else than a storage, a size and strides");
        return;
    }
    const value *dims = arguments->items[2], *strides = arguments->items[3];
    if (dims->count > GLIMPSE_TENSOR_DIMS) {
        (void)damaged(m, "makes a tensor of too many dimensions");
        return;
    }
    value *v = create(m, GLIMPSE_PICKLE_TENSOR);
    glimpse_pickle_tensor *tensor = v ? allocate(m, sizeof *tensor) : NULL;
    if (!tensor) return;
    tensor->storage = arguments->items[0]->storage;
    tensor->offset = as_size(m, arguments->items[1], "makes a tensor with no offset");
    tensor->rank = dims->count;
    for (size_t i = 0; i < tensor->rank; i++) {
        tensor->dims[i] = as_size(m, dims->items[i], "makes a tensor with no size");
        tensor->strides[i] = as_size(m, strides->items[i], "makes a tensor with no stride");
    }
    v->tensor = tensor;
    push(m, v);
}

/* OrderedDict() or OrderedDict([(key, value), ...]), as Python 2 wrote it. */
static void push_ordered_dict(machine *m, const value *arguments) {
    value *dict = create(m, GLIMPSE_PICKLE_DICT);
    const value *pairs = arguments->count > 0 ? arguments->items[0] : NULL;
    int good = arguments->count <= 1 && (!pairs || pairs->type == GLIMPSE_PICKLE_LIST);
    for (size_t i = 0; dict && good && pairs && i < pairs->count; i++) {
        const value *pair = pairs->items[i];
        good = (pair->type == GLIMPSE_PICKLE_TUPLE || pair->type == GLIMPSE_PICKLE_LIST) &&
               pair->count == 2;
        if (good) append_all(m, dict, pair->items, 2);
    }
    if (!good) {
        (void)damaged(m, "makes a dictionary of something else than pairs");
        return;
    }
    push(m, dict);
}

static void push_set(machine *m, const value *arguments) {
    value *set = create(m, GLIMPSE_PICKLE_SET);
    if (!set) return;
    if (arguments->count == 1 && arguments->items[0]->type == GLIMPSE_PICKLE_LIST)
        append_all(m, set, arguments->items[0]->items, arguments->items[0]->count);
    push(m, set);
}

/* A name "called" with a tuple: what the name stands for is made here. */
static void reduce(machine *m) {
    value *arguments = pop(m), *callee = pop(m);
    if (!arguments || !callee) return;
    const glimpse_pickle_name *name = global_of(callee);
    if (!name || arguments->type != GLIMPSE_PICKLE_TUPLE) {
        (void)damaged(m, "calls what is no function; the file is damaged");
        return;
    }
    const value *first = arguments->count > 0 ? arguments->items[0] : NULL;
    switch (name->global) {
    case GLIMPSE_GLOBAL_ORDERED_DICT: push_ordered_dict(m, arguments); return;
    case GLIMPSE_GLOBAL_SET: push_set(m, arguments); return;
    case GLIMPSE_GLOBAL_REBUILD_TENSOR: push_tensor(m, arguments); return;
    case GLIMPSE_GLOBAL_REBUILD_PARAMETER:
        if (!first || first->type != GLIMPSE_PICKLE_TENSOR) break;
        push(m, arguments->items[0]);
        return;
    case GLIMPSE_GLOBAL_SIZE:
        if (!first || first->type != GLIMPSE_PICKLE_TUPLE) break;
        push(m, arguments->items[0]);
        return;
    case GLIMPSE_GLOBAL_DEVICE: push(m, create(m, GLIMPSE_PICKLE_OTHER)); return;
    case GLIMPSE_GLOBAL_JIT:
        if (!first) break;
        push(m, arguments->items[0]);
        return;
    default: break;
    }
    char shown[96];
    (void)snprintf(shown, sizeof shown, "%s.%s called with something else than it takes",
                   name->module, name->name);
    (void)damaged(m, shown);
}

static void new_object(machine *m) {
    value *arguments = pop(m), *class = pop(m);
    if (!arguments || !class) return;
    const glimpse_pickle_name *name = global_of(class);
    if (name && name->global == GLIMPSE_GLOBAL_ORDERED_DICT) {
        push(m, create(m, GLIMPSE_PICKLE_DICT));
        return;
    }
    if (!name || name->global != GLIMPSE_GLOBAL_CLASS) {
        (void)damaged(m, "makes an instance of what is no class");
        return;
    }
    push(m, create(m, GLIMPSE_PICKLE_OBJECT));
}

/* Attributes. Those of an OrderedDict (a version for each module) are not needed. */
static void build(machine *m) {
    value *state = pop(m), *object = top(m);
    if (!state || !object) return;
    if (object->type == GLIMPSE_PICKLE_DICT) return;
    if (object->type != GLIMPSE_PICKLE_OBJECT) {
        (void)damaged(m, "gives attributes to what has none");
        return;
    }
    if (state->type == GLIMPSE_PICKLE_DICT && object->count == 0)
        append_all(m, object, state->items, state->count);
}

static void set_items(machine *m, int many) {
    value *pair[2];
    size_t count = 2;
    value **items = pair;
    if (many) {
        items = pop_mark(m, &count);
    } else {
        pair[1] = pop(m);
        pair[0] = pop(m);
    }
    value *dict = top(m);
    if (!dict) return;
    if (dict->type != GLIMPSE_PICKLE_DICT || count % 2) {
        (void)damaged(m, "puts pairs into what is no dictionary");
        return;
    }
    append_all(m, dict, items, count);
}

static void add_items(machine *m, glimpse_pickle_type type, int many) {
    value *one = NULL;
    size_t count = 1;
    value **items = &one;
    if (many) {
        items = pop_mark(m, &count);
    } else {
        one = pop(m);
    }
    value *container = top(m);
    if (!container) return;
    if (container->type != type) {
        (void)damaged(m, "adds items to what is no container");
        return;
    }
    append_all(m, container, items, count);
}

static void remember(machine *m, uint64_t index) {
    value *v = top(m);
    if (!v) return;
    if (index >= MAX_MEMO) {
        (void)fail(m, GLIMPSE_E_LIMIT, "remembers more values than any weights need");
        return;
    }
    if (!grow(m, (void **)&m->memo, &m->memo_capacity, sizeof *m->memo, (size_t)index + 1, MAX_MEMO,
              "remembers more values than any weights need")) {
        return;
    }
    m->memo[index] = v;
    if (index >= m->memo_next) m->memo_next = (size_t)index + 1;
}

static void recall(machine *m, uint64_t index) {
    if (m->status < 0) return;
    if (index >= m->memo_capacity || !m->memo[index]) {
        (void)damaged(m, "takes a value that was not remembered; the file is damaged");
        return;
    }
    push(m, m->memo[index]);
}

static void mark(machine *m) {
    if (!grow(m, (void **)&m->marks, &m->mark_capacity, sizeof *m->marks, m->mark_count + 1,
              MAX_MARKS, "more marks than any weights need")) {
        return;
    }
    m->marks[m->mark_count++] = m->depth;
}

static void check_protocol(machine *m) {
    uint64_t protocol = read_number(m, 1);
    if (m->status == GLIMPSE_OK && (protocol < 2 || protocol > 5))
        (void)fail(m, GLIMPSE_E_UNSUPPORTED, "a protocol other than 2 to 5");
}

/* GLOBAL "module\nname\n". */
static void read_global(machine *m) {
    size_t module_length, name_length;
    const char *module = read_line(m, &module_length), *name = read_line(m, &name_length);
    if (module && name) push_global(m, module, module_length, name, name_length);
}

/* One instruction; 0 for the last. */
static int step(machine *m) {
    m->opcode_at = m->at;
    const uint8_t *opcode = read_bytes(m, 1);
    if (!opcode) return 0;
    m->opcode = *opcode;
    size_t count;
    value **items;
    switch (m->opcode) {
    case 0x80: check_protocol(m); break;       /* PROTO */
    case 0x95: (void)read_number(m, 8); break; /* FRAME: only a hint for who reads streams */
    case '.': return 0;                        /* STOP */
    case '(': mark(m); break;
    case 'N': push(m, create(m, GLIMPSE_PICKLE_NONE)); break;
    case 0x88: push_number(m, GLIMPSE_PICKLE_BOOL, 1); break;
    case 0x89: push_number(m, GLIMPSE_PICKLE_BOOL, 0); break;
    case 'J': push_number(m, GLIMPSE_PICKLE_INT, (int32_t)(uint32_t)read_number(m, 4)); break;
    case 'K': push_number(m, GLIMPSE_PICKLE_INT, (int64_t)read_number(m, 1)); break;
    case 'M': push_number(m, GLIMPSE_PICKLE_INT, (int64_t)read_number(m, 2)); break;
    case 0x8a: push_long(m); break;
    case 'G': (void)read_bytes(m, 8), push(m, create(m, GLIMPSE_PICKLE_FLOAT)); break;
    case 'X': push_text(m, GLIMPSE_PICKLE_TEXT, 4); break;
    case 0x8c: push_text(m, GLIMPSE_PICKLE_TEXT, 1); break;
    case 0x8d: push_text(m, GLIMPSE_PICKLE_TEXT, 8); break;
    case 'U': push_text(m, GLIMPSE_PICKLE_TEXT, 1); break; /* of Python 2 */
    case 'T': push_text(m, GLIMPSE_PICKLE_TEXT, 4); break;
    case 'C': push_text(m, GLIMPSE_PICKLE_BYTES, 1); break;
    case 'B': push_text(m, GLIMPSE_PICKLE_BYTES, 4); break;
    case 0x8e: push_text(m, GLIMPSE_PICKLE_BYTES, 8); break;
    case 0x96: push_text(m, GLIMPSE_PICKLE_BYTES, 8); break;
    case ')': push_tuple(m, NULL, 0); break;
    case 0x85: make_tuple(m, 1); break;
    case 0x86: make_tuple(m, 2); break;
    case 0x87: make_tuple(m, 3); break;
    case 't':
        items = pop_mark(m, &count);
        if (m->status == GLIMPSE_OK) push_tuple(m, items, count);
        break;
    case ']': push(m, create(m, GLIMPSE_PICKLE_LIST)); break;
    case 'a': add_items(m, GLIMPSE_PICKLE_LIST, 0); break;
    case 'e': add_items(m, GLIMPSE_PICKLE_LIST, 1); break;
    case '}': push(m, create(m, GLIMPSE_PICKLE_DICT)); break;
    case 's': set_items(m, 0); break;
    case 'u': set_items(m, 1); break;
    case 0x8f: push(m, create(m, GLIMPSE_PICKLE_SET)); break;
    case 0x90: add_items(m, GLIMPSE_PICKLE_SET, 1); break;
    case 'c': read_global(m); break;
    case 0x93: push_stack_global(m); break;
    case 'Q': push_storage(m); break;
    case 'R': reduce(m); break;
    case 0x81: new_object(m); break;
    case 'b': build(m); break;
    case 'q': remember(m, read_number(m, 1)); break;
    case 'r': remember(m, read_number(m, 4)); break;
    case 0x94: remember(m, m->memo_next); break;
    case 'h': recall(m, read_number(m, 1)); break;
    case 'j': recall(m, read_number(m, 4)); break;
    default: refuse_opcode(m); break;
    }
    return m->status == GLIMPSE_OK;
}

int glimpse_pickle_create(glimpse_pickle **out, const char *path, unsigned flags) {
    *out = NULL;
    machine *m = calloc(1, sizeof *m);
    if (!m) return glimpse_fail_nomem(sizeof *m, "a pickle");
    m->flags = flags;
    m->path = strdup(path);
    if (!m->path) {
        free(m);
        return glimpse_fail_nomem(strlen(path), "a file name");
    }
    *out = m;
    return GLIMPSE_OK;
}

void glimpse_pickle_free(glimpse_pickle *m) {
    if (!m) return;
    while (m->blocks) {
        block *next = m->blocks->next;
        free(m->blocks);
        m->blocks = next;
    }
    free(m->stack);
    free(m->marks);
    free(m->memo);
    free(m->path);
    free(m);
}

int glimpse_pickle_run(const glimpse_pickle_value **root, size_t *used, glimpse_pickle *m,
                       const uint8_t *data, size_t size) {
    *root = NULL;
    if (used) *used = 0;
    if (m->status < 0) return m->status;
    m->data = data;
    m->size = size;
    m->at = m->depth = m->mark_count = m->memo_next = 0;
    if (m->memo) memset(m->memo, 0, m->memo_capacity * sizeof *m->memo);
    if (size < 2 || data[0] != 0x80) {
        m->status = glimpse_fail(GLIMPSE_E_FORMAT,
                                 "%s: no pickle of protocol 2 or later where one should be; the "
                                 "file is damaged, or was not written by PyTorch",
                                 m->path);
    }
    while (m->status == GLIMPSE_OK && step(m))
        continue;
    if (m->status == GLIMPSE_OK && (m->depth != 1 || m->mark_count != 0))
        (void)damaged(m, "ends without a value; the file is damaged");
    if (m->status < 0) return m->status;
    *root = m->stack[0];
    if (used) *used = m->at;
    return GLIMPSE_OK;
}

glimpse_pickle_storage *glimpse_pickle_storages(const glimpse_pickle *m) {
    return m->storages;
}

int glimpse_pickle_is_text(const glimpse_pickle_value *v, const char *text) {
    return v->type == GLIMPSE_PICKLE_TEXT && v->length == strlen(text) &&
           memcmp(v->text, text, v->length) == 0;
}

const glimpse_pickle_value *glimpse_pickle_get(const glimpse_pickle_value *dict, const char *key) {
    const glimpse_pickle_value *found = NULL;
    if (dict->type != GLIMPSE_PICKLE_DICT && dict->type != GLIMPSE_PICKLE_OBJECT) return NULL;
    for (size_t i = 0; i + 1 < dict->count; i += 2) {
        if (glimpse_pickle_is_text(dict->items[i], key)) found = dict->items[i + 1];
    }
    return found;
}
