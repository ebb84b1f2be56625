import NIOCore

/// The header fields of a message, in the order they were sent. Names are compared without regard to case.
///
/// All names and values lie in one block of bytes, so that a parsed head costs two allocations however many
/// fields it has, and a value becomes a `String` only when somebody asks for it.
public struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    /// Where one field lies in ``bytes``.
    struct Field: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32
    }

    private(set) var bytes: [UInt8]
    private(set) var fields: [Field]

    public init() { (bytes, fields) = ([], []) }

    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { add(name, value) }
    }

    /// Fields that a parser found in the block of bytes that it read.
    init(parsed bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    public var count: Int { fields.count }
    public var isEmpty: Bool { fields.isEmpty }

    /// Appends a field. A line break or NUL in the value becomes a space, so that a value can never end its
    /// own header; a name that is no token (RFC 9110, section 5.6.2) is left out.
    public mutating func add(_ name: String, _ value: String) {
        guard !name.isEmpty, name.utf8.allSatisfy(HTTPCharacter.isToken) else { return }
        let start = UInt32(bytes.count)
        bytes.append(contentsOf: name.utf8)
        let middle = UInt32(bytes.count)
        for byte in value.utf8 { bytes.append(byte == 13 || byte == 10 || byte == 0 ? 32 : byte) }
        fields.append(
            Field(nameStart: start, nameEnd: middle, valueStart: middle, valueEnd: UInt32(bytes.count)))
    }

    /// Appends the fields of others, in their order.
    public mutating func add(_ others: HTTPHeaders) {
        let offset = UInt32(bytes.count)
        bytes.append(contentsOf: others.bytes)
        fields.reserveCapacity(fields.count + others.fields.count)
        for field in others.fields {
            fields.append(
                Field(
                    nameStart: field.nameStart + offset, nameEnd: field.nameEnd + offset,
                    valueStart: field.valueStart + offset, valueEnd: field.valueEnd + offset))
        }
    }

    /// Removes every field of that name.
    public mutating func remove(_ name: String) {
        let bytes = bytes
        fields.removeAll { Self.isNamed(name, $0, in: bytes) }
    }

    /// The value of the first field of that name. Setting replaces all of them; `nil` removes them.
    public subscript(name: String) -> String? {
        get { fields.first { Self.isNamed(name, $0, in: bytes) }.map(value(of:)) }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    public func contains(_ name: String) -> Bool {
        fields.contains { Self.isNamed(name, $0, in: bytes) }
    }

    /// Whether the name of any field begins so.
    public func containsName(startingWith prefix: String) -> Bool {
        fields.contains { field in
            let name = bytes[Int(field.nameStart)..<Int(field.nameEnd)]
            return HTTPCharacter.isSame(name.prefix(prefix.utf8.count), prefix.utf8)
        }
    }

    /// The values of all fields of that name, in order.
    public func values(of name: String) -> [String] {
        fields.filter { Self.isNamed(name, $0, in: bytes) }.map(value(of:))
    }

    /// Whether a field of that name lists the token, as in `Connection: keep-alive, Upgrade`.
    public func lists(_ token: String, in name: String) -> Bool {
        for value in values(of: name) {
            for item in value.utf8.split(separator: UInt8(ascii: ",")) {
                let trimmed = item.drop { $0 == 32 || $0 == 9 }
                let length = (trimmed.lastIndex { $0 != 32 && $0 != 9 }).map {
                    trimmed.distance(from: trimmed.startIndex, to: $0) + 1
                }
                if HTTPCharacter.isSame(trimmed.prefix(length ?? 0), token.utf8) { return true }
            }
        }
        return false
    }

    func name(of field: Field) -> String {
        String(decoding: bytes[Int(field.nameStart)..<Int(field.nameEnd)], as: UTF8.self)
    }

    func value(of field: Field) -> String {
        String(decoding: bytes[Int(field.valueStart)..<Int(field.valueEnd)], as: UTF8.self)
    }

    /// Writes the fields as HTTP/1.1 lines, without the blank line that ends a head. `excluded` are names in
    /// lower case that are left out.
    func write(to buffer: inout ByteBuffer, without excluded: [StaticString]) {
        bytes.withUnsafeBufferPointer { bytes in
            for field in fields {
                let name = bytes[Int(field.nameStart)..<Int(field.nameEnd)]
                let isExcluded = excluded.contains { text in
                    text.utf8CodeUnitCount == name.count
                        && text.withUTF8Buffer { HTTPCharacter.isSame(name, $0) }
                }
                if isExcluded { continue }
                buffer.writeBytes(
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[name.indices]))
                buffer.writeStaticString(": ")
                let value = Int(field.valueStart)..<Int(field.valueEnd)
                buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[value]))
                buffer.writeStaticString("\r\n")
            }
        }
    }

    private static func isNamed(_ name: String, _ field: Field, in bytes: [UInt8]) -> Bool {
        guard name.utf8.count == Int(field.nameEnd - field.nameStart) else { return false }
        return HTTPCharacter.isSame(bytes[Int(field.nameStart)..<Int(field.nameEnd)], name.utf8)
    }
}

extension HTTPHeaders: Sequence {
    /// Walks over the fields as name and value.
    public struct Iterator: IteratorProtocol {
        let headers: HTTPHeaders
        var index = 0

        public mutating func next() -> (name: String, value: String)? {
            guard index < headers.fields.count else { return nil }
            defer { index += 1 }
            let field = headers.fields[index]
            return (headers.name(of: field), headers.value(of: field))
        }
    }

    public func makeIterator() -> Iterator { Iterator(headers: self) }
}

extension HTTPHeaders: Equatable, CustomStringConvertible {
    /// Equal when the same fields come in the same order; the case of names does not matter.
    public static func == (a: HTTPHeaders, b: HTTPHeaders) -> Bool {
        a.elementsEqual(b) { HTTPCharacter.isSame($0.name.utf8, $1.name.utf8) && $0.value == $1.value }
    }

    public var description: String { map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}
