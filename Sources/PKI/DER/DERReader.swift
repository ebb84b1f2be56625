/// Why bytes are not the DER that was expected. Stays inside the module: callers get a `Fault`.
struct DERError: Error, Equatable {
    /// What was expected or found, as an English phrase.
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// The tags of X.690 that certificates and keys use.
enum DERTag {
    static let boolean: UInt8 = 0x01
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let utf8String: UInt8 = 0x0C
    static let printableString: UInt8 = 0x13
    static let ia5String: UInt8 = 0x16
    static let utcTime: UInt8 = 0x17
    static let generalizedTime: UInt8 = 0x18
    static let sequence: UInt8 = 0x30
    static let set: UInt8 = 0x31

    /// A tag whose meaning its context gives.
    static func context(_ number: UInt8, isConstructed: Bool) -> UInt8 {
        (isConstructed ? 0xA0 : 0x80) | number
    }
}

/// One value: its tag, what is inside, and all of its bytes.
struct DERElement {
    let tag: UInt8
    let content: ArraySlice<UInt8>
    let encoded: ArraySlice<UInt8>

    /// A reader over the values inside.
    var reader: DERReader { DERReader(content) }

    /// The content of a BIT STRING that is made of whole bytes.
    var wholeBytes: ArraySlice<UInt8> {
        get throws(DERError) {
            guard tag == DERTag.bitString, content.first == 0 else {
                throw DERError("a bit string of whole bytes is missing")
            }
            return content.dropFirst()
        }
    }
}

/// Reads DER (X.690, the distinguished rules) value by value; lengths that are not minimal are refused.
struct DERReader {
    private var rest: ArraySlice<UInt8>

    /// A reader over all of `bytes`.
    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The single value of this tag that `bytes` consist of, from the first byte to the last.
    static func whole(_ bytes: ArraySlice<UInt8>, _ tag: UInt8) throws(DERError) -> DERElement {
        var reader = DERReader(bytes)
        let element = try reader.read(tag)
        try reader.end()
        return element
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// The next value, whatever it is.
    mutating func read() throws(DERError) -> DERElement {
        let all = rest
        guard let tag = rest.popFirst(), tag & 0x1F != 0x1F else { throw DERError("a value is missing") }
        let count = try readLength()
        guard count <= rest.count else { throw DERError("a value is cut off") }
        let content = rest.prefix(count)
        let element = DERElement(
            tag: tag, content: content, encoded: all[..<content.endIndex])
        rest = rest.dropFirst(count)
        return element
    }

    /// The next value, which must have this tag.
    mutating func read(_ tag: UInt8) throws(DERError) -> DERElement {
        guard rest.first == tag else {
            throw DERError("expected tag \(tag), found \(rest.first.map(String.init) ?? "the end")")
        }
        return try read()
    }

    /// The next value if it has this tag.
    mutating func readIfPresent(_ tag: UInt8) throws(DERError) -> DERElement? {
        rest.first == tag ? try read() : nil
    }

    /// A non-negative INTEGER as big-endian bytes without leading zeros; zero is one byte.
    mutating func readUnsigned() throws(DERError) -> [UInt8] {
        let content = try read(DERTag.integer).content
        guard let first = content.first, first < 0x80 else { throw DERError("a number is negative or empty") }
        return Array(content.count > 1 && first == 0 ? content.dropFirst() : content)
    }

    /// Refuses bytes that follow the last value.
    func end() throws(DERError) {
        guard rest.isEmpty else { throw DERError("\(rest.count) bytes follow the end") }
    }

    private mutating func readLength() throws(DERError) -> Int {
        guard let first = rest.popFirst() else { throw DERError("a length is missing") }
        guard first >= 0x80 else { return Int(first) }
        let count = Int(first & 0x7F)
        guard (1...4).contains(count), count <= rest.count else { throw DERError("a length is cut off") }
        let length = rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
        guard length >= 0x80, rest.first != 0 else { throw DERError("a length is not minimal") }
        rest = rest.dropFirst(count)
        return length
    }
}
