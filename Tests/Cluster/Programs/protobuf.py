"""Protocol Buffers for the programs of tests: a message is a list of (number, value), values are integers, texts, bytes or
messages, which are bytes."""


def varint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def encode(*fields):
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def decode(message):
    """The values of each number, in a dictionary."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = message[at], at + 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(message):
        tag, value = number(), number()
        if tag & 7 == 2:
            value, at = message[at : at + value], at + value
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def text(fields, number):
    """The text of a field, empty where there is none."""
    return fields[number][-1].decode() if number in fields else ""
