"""Just enough of the protobuf wire format to write an ONNX file. Field numbers are those of ONNX's messages."""

import struct

import numpy as np

VARINT, BYTES = 0, 2
FLOAT_TYPE, INT_TYPE, STRING_TYPE, FLOATS_TYPE, INTS_TYPE, STRINGS_TYPE = 1, 2, 3, 6, 7, 8
FLOAT32 = 1


def varint(value):
    value &= (1 << 64) - 1  # negative integers are written as 64-bit two's complement
    out = bytearray()
    while value > 0x7F:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3 | VARINT) + varint(value)


def block(field, payload):
    """A string, bytes, packed numbers or a message."""
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | BYTES) + varint(len(data)) + data


def attribute(name, field, kind, body):
    return block(5, block(1, name) + body + integer(20, kind))


def ints(name, values):
    return attribute(name, 8, INTS_TYPE, block(8, b"".join(varint(int(value)) for value in values)))


def floats(name, values):
    return attribute(name, 7, FLOATS_TYPE, block(7, np.asarray(values, dtype="<f4").tobytes()))


def strings(name, values):
    return attribute(name, 9, STRINGS_TYPE, b"".join(block(9, value) for value in values))


def string(name, value):
    return attribute(name, 4, STRING_TYPE, block(4, value))


def whole(name, value):
    return attribute(name, 3, INT_TYPE, integer(3, value))


def node(op, inputs, outputs, attributes=(), domain=""):
    head = b"".join(block(1, name) for name in inputs) + b"".join(block(2, name) for name in outputs)
    tail = block(4, op) + b"".join(attributes) + (block(7, domain) if domain else b"")
    return block(1, head + block(3, f"{op}:{outputs[0]}") + tail)


def scalar(name, value):
    """A float32 initializer without dimensions."""
    return block(5, integer(2, FLOAT32) + block(8, name) + block(9, struct.pack("<f", value)))


def tensor(field, name, columns):
    """Declares a float32 `[n, columns]` of the graph's border; field 11 is an input, 12 an output."""
    shape = block(1, block(2, "n")) + block(1, integer(1, columns))
    return block(field, block(1, name) + block(2, block(1, integer(1, FLOAT32) + block(2, shape))))


def model(graph, metadata):
    """IR 8, opset 17 and ai.onnx.ml 3: old enough for every runtime of the last years."""
    opsets = block(8, integer(2, 17)) + block(8, block(1, "ai.onnx.ml") + integer(2, 3))
    properties = b"".join(block(14, block(1, key) + block(2, value)) for key, value in metadata.items())
    return integer(1, 8) + block(2, "perennial") + block(7, block(2, "lightgbm") + graph) + opsets + properties
