/// Writes values as messages carry them: little end first, each at a multiple of its size (D-Bus Specification,
/// "Marshaling").
struct BusWriter {
    private(set) var bytes: [UInt8] = []

    mutating func align(_ size: Int) { while bytes.count % size != 0 { bytes.append(0) } }

    mutating func write(_ value: BusValue) {
        switch value {
        case .byte(let value): bytes.append(value)
        case .boolean(let value): number(UInt32(value ? 1 : 0))
        case .int16(let value): number(value)
        case .uint16(let value): number(value)
        case .int32(let value): number(value)
        case .uint32(let value), .descriptor(let value): number(value)
        case .int64(let value): number(value)
        case .uint64(let value): number(value)
        case .double(let value): number(value.bitPattern)
        case .string(let text), .path(let text): string(text)
        case .signature(let text): signature(text)
        case .array(let item, let items): array(item, items)
        case .structure(let fields):
            align(8)
            for field in fields { write(field) }
        case .entry(let key, let value):
            align(8)
            write(key)
            write(value)
        case .variant(let value):
            signature(value.signature)
            write(value)
        }
    }

    mutating func number(_ value: some FixedWidthInteger) {
        align(value.bitWidth / 8)
        for place in 0..<value.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> (place * 8))) }
    }

    private mutating func string(_ text: String) {
        number(UInt32(text.utf8.count))
        bytes += Array(text.utf8) + [0]
    }

    private mutating func signature(_ text: String) {
        bytes += [UInt8(text.utf8.count)] + Array(text.utf8) + [0]
    }

    private mutating func array(_ item: String, _ items: [BusValue]) {
        number(UInt32(0))
        let place = bytes.count - 4
        align(BusReader.alignment(item.utf8.first ?? 0))
        let start = bytes.count
        for item in items { write(item) }
        // Its length does not count what is before the first item.
        let length = UInt32(bytes.count - start)
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: length >> (index * 8)) }
    }
}
