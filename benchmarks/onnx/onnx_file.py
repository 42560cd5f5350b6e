"""Writes ONNX's ModelProto, and reads safetensors, with the standard library alone."""
import array
import json
import mmap
import os
import struct

FLOAT, INT8, INT64 = 1, 3, 7
DTYPES = {"F32": "f", "F16": "e"}


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def chunk(field, data):
    if isinstance(data, str):
        data = data.encode()
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, value):
    out = chunk(1, name)
    if isinstance(value, float):
        return out + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return out + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return out + chunk(4, value) + number(20, 3)
    return out + b"".join(number(8, v) for v in value) + number(20, 7)


def value_info(name, shape):
    dims = b"".join(
        chunk(1, chunk(2, d) if isinstance(d, str) else number(1, d)) for d in shape)
    return chunk(1, name) + chunk(2, chunk(1, number(1, FLOAT) + chunk(2, dims)))


class Graph:
    """Nodes in order of their making. Values are known by name."""

    def __init__(self):
        self.nodes, self.initializers, self.count, self.constants = [], [], 0, {}

    def node(self, op, *inputs, outputs=1, domain="", **attributes):
        names = []
        for _ in range(outputs):
            self.count += 1
            names.append("%s_%d" % (op.lower(), self.count))
        data = b"".join(chunk(1, i) for i in inputs) + b"".join(chunk(2, o) for o in names)
        data += chunk(3, names[0]) + chunk(4, op)
        data += b"".join(chunk(5, attribute(k, v)) for k, v in attributes.items())
        if domain:
            data += chunk(7, domain)
        self.nodes.append(data)
        return names[0] if outputs == 1 else names

    def tensor(self, name, shape, kind, raw):
        head = b"".join(number(1, d) for d in shape) + number(2, kind) + chunk(8, name)
        self.initializers.append(
            [head + varint(9 << 3 | 2) + varint(len(raw)), raw])
        return name

    def floats(self, name, shape, values):
        return self.tensor(name, shape, FLOAT, array.array("f", values).tobytes())

    def ints(self, *values):
        if values not in self.constants:
            name = "ints_%d" % len(self.constants)
            self.constants[values] = self.tensor(name, [len(values)], INT64,
                                                 struct.pack("<%dq" % len(values), *values))
        return self.constants[values]

    def scalar(self, value):
        if value not in self.constants:
            name = "scalar_%d" % len(self.constants)
            self.constants[value] = self.tensor(name, [], FLOAT, struct.pack("<f", value))
        return self.constants[value]

    def write(self, path, inputs, outputs):
        parts = [chunk(1, n) for n in self.nodes] + [chunk(2, "image tower")]
        for head, raw in self.initializers:
            parts += [varint(5 << 3 | 2) + varint(len(head) + len(raw)), head, raw]
        parts += [chunk(11, value_info(*i)) for i in inputs]
        parts += [chunk(12, value_info(*o)) for o in outputs]
        opsets = chunk(8, chunk(1, "") + number(2, 17))
        opsets += chunk(8, chunk(1, "com.microsoft") + number(2, 1))
        size = sum(len(p) for p in parts)
        with open(path, "wb") as file:
            file.write(number(1, 8) + chunk(2, "glimpse benchmark") + opsets)
            file.write(varint(7 << 3 | 2) + varint(size))
            for part in parts:
                file.write(part)


class Safetensors:
    """The tensors of a model directory, as f32."""

    def __init__(self, directory):
        names = sorted(n for n in os.listdir(directory) if n.endswith(".safetensors"))
        if len(names) != 1:
            raise SystemExit("%s: %d files of safetensors, not one" % (directory, len(names)))
        with open(os.path.join(directory, names[0]), "rb") as file:
            self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        length = struct.unpack("<Q", self.data[:8])[0]
        self.header = json.loads(self.data[8:8 + length])
        self.start = 8 + length
        self.read = set()

    def __contains__(self, name):
        return name in self.header

    def shape(self, name):
        return self.header[name]["shape"]

    def raw(self, name):
        """Little-endian f32."""
        self.read.add(name)
        begin, end = self.header[name]["data_offsets"]
        data = self.data[self.start + begin:self.start + end]
        code = DTYPES[self.header[name]["dtype"]]
        if code == "f":
            return data
        return array.array("f", struct.unpack("<%de" % (len(data) // 2), data)).tobytes()

    def unread(self, prefixes):
        return [n for n in self.header if n.startswith(prefixes) and n not in self.read]
