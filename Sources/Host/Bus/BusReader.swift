import Support

/// Reads values out of a message, whichever end comes first in it. What is no message is a fault (`corrupt`), whatever
/// it claims about its lengths.
struct BusReader {
    /// Containers within containers, as the specification bounds them.
    private static let deepest = 64

    let bytes: ArraySlice<UInt8>
    private(set) var place: Int
    let isBigEndFirst: Bool
    private var depth = 0

    init(_ bytes: ArraySlice<UInt8>, isBigEndFirst: Bool = false) {
        self.bytes = bytes
        place = 0
        self.isBigEndFirst = isBigEndFirst
    }

    /// All values of a signature.
    mutating func read(_ signature: String) throws(Fault) -> [BusValue] {
        var types = Array(signature.utf8)[...]
        var values: [BusValue] = []
        while !types.isEmpty { values.append(try value(&types)) }
        return values
    }

    mutating func align(_ size: Int) throws(Fault) {
        let rest = place % size
        if rest != 0 { _ = try take(size - rest) }
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(Fault) -> Number {
        try align(Number.bitWidth / 8)
        var value: Number = 0
        let taken = try take(Number.bitWidth / 8)
        for byte in isBigEndFirst ? Array(taken) : taken.reversed() {
            value = value << 8 | Number(truncatingIfNeeded: byte)
        }
        return value
    }

    private mutating func take(_ count: Int) throws(Fault) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - place else { throw Self.corrupt }
        defer { place += count }
        return bytes.dropFirst(place).prefix(count)
    }

    private static var corrupt: Fault { Fault(.corrupt, "a message of the system bus is not readable") }

    /// What the value of this type begins at a multiple of.
    static func alignment(_ type: UInt8) -> Int {
        switch UnicodeScalar(type) {
        case "y", "g", "v": 1
        case "n", "q": 2
        case "x", "t", "d", "(", "{": 8
        default: 4
        }
    }

    private mutating func value(_ types: inout ArraySlice<UInt8>) throws(Fault) -> BusValue {
        guard let type = types.popFirst() else { throw Self.corrupt }
        switch UnicodeScalar(type) {
        case "y": return .byte(try number(UInt8.self))
        case "b": return .boolean(try number(UInt32.self) != 0)
        case "n": return .int16(try number(Int16.self))
        case "q": return .uint16(try number(UInt16.self))
        case "i": return .int32(try number(Int32.self))
        case "u": return .uint32(try number(UInt32.self))
        case "x": return .int64(try number(Int64.self))
        case "t": return .uint64(try number(UInt64.self))
        case "d": return .double(Double(bitPattern: try number(UInt64.self)))
        case "h": return .descriptor(try number(UInt32.self))
        case "s": return .string(try text(Int(try number(UInt32.self))))
        case "o": return .path(try text(Int(try number(UInt32.self))))
        case "g": return .signature(try text(Int(try number(UInt8.self))))
        default: break
        }
        guard depth < Self.deepest else { throw Self.corrupt }
        depth += 1
        defer { depth -= 1 }
        switch UnicodeScalar(type) {
        case "v":
            var inner = Array(try text(Int(try number(UInt8.self))).utf8)[...]
            let value = try value(&inner)
            guard inner.isEmpty else { throw Self.corrupt }
            return .variant(value)
        case "(":
            try align(8)
            var fields: [BusValue] = []
            while types.first != UInt8(ascii: ")") { fields.append(try value(&types)) }
            types.removeFirst()
            return .structure(fields)
        case "{":
            try align(8)
            let entry = BusValue.entry(try value(&types), try value(&types))
            guard types.popFirst() == UInt8(ascii: "}") else { throw Self.corrupt }
            return entry
        case "a": return try array(&types)
        default: throw Self.corrupt
        }
    }

    private mutating func array(_ types: inout ArraySlice<UInt8>) throws(Fault) -> BusValue {
        let item = types.prefix(try Self.length(of: types))
        types = types.dropFirst(item.count)
        let length = Int(try number(UInt32.self))
        try align(Self.alignment(item.first ?? 0))
        guard length <= bytes.count - place else { throw Self.corrupt }
        let end = place + length
        var items: [BusValue] = []
        while place < end {
            var item = item
            items.append(try value(&item))
        }
        guard place == end else { throw Self.corrupt }
        return .array(of: String(decoding: item, as: UTF8.self), items)
    }

    /// How many characters the first whole type of a signature has.
    private static func length(of types: ArraySlice<UInt8>) throws(Fault) -> Int {
        var (count, depth) = (0, 0)
        for type in types {
            count += 1
            switch UnicodeScalar(type) {
            case "a": continue
            case "(", "{": depth += 1
            case ")", "}": depth -= 1
            default: break
            }
            if depth <= 0 { return count }
        }
        throw corrupt
    }

    private mutating func text(_ length: Int) throws(Fault) -> String {
        let bytes = try take(length)
        guard try take(1).first == 0 else { throw Self.corrupt }
        return String(decoding: bytes, as: UTF8.self)
    }
}
