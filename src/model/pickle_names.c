/*
 * model/pickle_names.c - tables of names.
 */
#include "model/pickle_names.h"

#include <string.h>

static const glimpse_pickle_name names[] = {
    {"collections", "OrderedDict", GLIMPSE_GLOBAL_ORDERED_DICT, NULL, 0},
    {"__builtin__", "set", GLIMPSE_GLOBAL_SET, NULL, 0},
    {"builtins", "set", GLIMPSE_GLOBAL_SET, NULL, 0},
    {"torch._utils", "_rebuild_tensor", GLIMPSE_GLOBAL_REBUILD_TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v2", GLIMPSE_GLOBAL_REBUILD_TENSOR, NULL, 0},
    {"torch._utils", "_rebuild_parameter", GLIMPSE_GLOBAL_REBUILD_PARAMETER, NULL, 0},
    {"torch", "Size", GLIMPSE_GLOBAL_SIZE, NULL, 0},
    {"torch", "device", GLIMPSE_GLOBAL_DEVICE, NULL, 0},
    {"torch", "FloatStorage", GLIMPSE_GLOBAL_STORAGE, "F32", 4},
    {"torch", "HalfStorage", GLIMPSE_GLOBAL_STORAGE, "F16", 2},
    {"torch", "BFloat16Storage", GLIMPSE_GLOBAL_STORAGE, "BF16", 2},
    {"torch", "DoubleStorage", GLIMPSE_GLOBAL_STORAGE, "F64", 8},
    {"torch", "LongStorage", GLIMPSE_GLOBAL_STORAGE, "I64", 8},
    {"torch", "IntStorage", GLIMPSE_GLOBAL_STORAGE, "I32", 4},
    {"torch", "ShortStorage", GLIMPSE_GLOBAL_STORAGE, "I16", 2},
    {"torch", "CharStorage", GLIMPSE_GLOBAL_STORAGE, "I8", 1},
    {"torch", "ByteStorage", GLIMPSE_GLOBAL_STORAGE, "U8", 1},
    {"torch", "BoolStorage", GLIMPSE_GLOBAL_STORAGE, "BOOL", 1},
    {"torch", "float32", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "float16", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "bfloat16", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "float64", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "int64", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "int32", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "int16", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "int8", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "uint8", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch", "bool", GLIMPSE_GLOBAL_DTYPE, NULL, 0},
    {"torch.jit._pickle", "build_intlist", GLIMPSE_GLOBAL_JIT, NULL, 0},
    {"torch.jit._pickle", "build_tensorlist", GLIMPSE_GLOBAL_JIT, NULL, 0},
    {"torch.jit._pickle", "build_doublelist", GLIMPSE_GLOBAL_JIT, NULL, 0},
    {"torch.jit._pickle", "build_boollist", GLIMPSE_GLOBAL_JIT, NULL, 0},
    {"torch.jit._pickle", "restore_type_tag", GLIMPSE_GLOBAL_JIT, NULL, 0},
    {"__torch__", "", GLIMPSE_GLOBAL_CLASS, NULL, 0}, /* a module of that name, or below it */
};

enum { NAMES = sizeof names / sizeof *names };

static int same(const char *known, const char *text, size_t length) {
    return strlen(known) == length && memcmp(known, text, length) == 0;
}

const glimpse_pickle_name *glimpse_pickle_find_name(const char *module, size_t module_length,
                                                    const char *name, size_t name_length) {
    for (size_t i = 0; i + 1 < NAMES; i++) {
        if (same(names[i].name, name, name_length) && same(names[i].module, module, module_length))
            return &names[i];
    }
    static const char classes[] = "__torch__";
    const size_t length = sizeof classes - 1;
    if (module_length >= length && memcmp(module, classes, length) == 0 &&
        (module_length == length || module[length] == '.')) {
        return &names[NAMES - 1];
    }
    return NULL;
}

size_t glimpse_pickle_name_index(const glimpse_pickle_name *name) {
    return (size_t)(name - names);
}

const glimpse_pickle_name *glimpse_pickle_name_at(size_t index) {
    return &names[index];
}

const char *glimpse_pickle_opcode_name(uint8_t opcode) {
    static const char *const opcodes[256] = {
        ['('] = "MARK",
        ['.'] = "STOP",
        ['0'] = "POP",
        ['1'] = "POP_MARK",
        ['2'] = "DUP",
        ['F'] = "FLOAT",
        ['I'] = "INT",
        ['J'] = "BININT",
        ['K'] = "BININT1",
        ['L'] = "LONG",
        ['M'] = "BININT2",
        ['N'] = "NONE",
        ['P'] = "PERSID",
        ['Q'] = "BINPERSID",
        ['R'] = "REDUCE",
        ['S'] = "STRING",
        ['T'] = "BINSTRING",
        ['U'] = "SHORT_BINSTRING",
        ['V'] = "UNICODE",
        ['X'] = "BINUNICODE",
        ['a'] = "APPEND",
        ['b'] = "BUILD",
        ['c'] = "GLOBAL",
        ['d'] = "DICT",
        ['}'] = "EMPTY_DICT",
        ['e'] = "APPENDS",
        ['g'] = "GET",
        ['h'] = "BINGET",
        ['i'] = "INST",
        ['j'] = "LONG_BINGET",
        ['l'] = "LIST",
        [']'] = "EMPTY_LIST",
        ['o'] = "OBJ",
        ['p'] = "PUT",
        ['q'] = "BINPUT",
        ['r'] = "LONG_BINPUT",
        ['s'] = "SETITEM",
        ['t'] = "TUPLE",
        [')'] = "EMPTY_TUPLE",
        ['u'] = "SETITEMS",
        ['G'] = "BINFLOAT",
        [0x80] = "PROTO",
        [0x81] = "NEWOBJ",
        [0x82] = "EXT1",
        [0x83] = "EXT2",
        [0x84] = "EXT4",
        [0x85] = "TUPLE1",
        [0x86] = "TUPLE2",
        [0x87] = "TUPLE3",
        [0x88] = "NEWTRUE",
        [0x89] = "NEWFALSE",
        [0x8a] = "LONG1",
        [0x8b] = "LONG4",
        ['B'] = "BINBYTES",
        ['C'] = "SHORT_BINBYTES",
        [0x8c] = "SHORT_BINUNICODE",
        [0x8d] = "BINUNICODE8",
        [0x8e] = "BINBYTES8",
        [0x8f] = "EMPTY_SET",
        [0x90] = "ADDITEMS",
        [0x91] = "FROZENSET",
        [0x92] = "NEWOBJ_EX",
        [0x93] = "STACK_GLOBAL",
        [0x94] = "MEMOIZE",
        [0x95] = "FRAME",
        [0x96] = "BYTEARRAY8",
        [0x97] = "NEXT_BUFFER",
        [0x98] = "READONLY_BUFFER",
    };
    return opcodes[opcode];
}
