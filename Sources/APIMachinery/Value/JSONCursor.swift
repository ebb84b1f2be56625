/// Walks through canonical JSON (no white space) and reads only what is asked for.
///
/// Skipping a value costs a look at each of its bytes and nothing else: no allocation, no tree.
public struct JSONCursor: ~Copyable {
    private let bytes: [UInt8]
    /// The offset of the next byte.
    public private(set) var offset = 0

    /// Begins before a value.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Goes into the object that follows and stops inside the object that is its field `key`, before the first key.
    /// Returns `false` when there is no such field, or it is no object.
    public mutating func enterField(_ key: String) throws(JSONError) -> Bool {
        guard enterObject(), try skip(toField: key) else { return false }
        return enterObject()
    }

    /// Steps before the value of the field `key` of the object that the cursor is in; behind the object, and `false`,
    /// when there is no such field.
    public mutating func skip(toField key: String) throws(JSONError) -> Bool {
        var key = key
        let bytes = bytes, start = offset
        let end = key.withUTF8 { key in bytes.withUnsafeBufferPointer { Self.place(of: key, from: start, in: $0) } }
        guard let end else { throw JSONError(offset: offset, reason: "expected a field") }
        offset = end.offset
        return end.isFound
    }

    /// Compares the keys where they stand; `nil` when something else than a field follows.
    private static func place(
        of wanted: UnsafeBufferPointer<UInt8>, from start: Int, in bytes: UnsafeBufferPointer<UInt8>
    ) -> (offset: Int, isFound: Bool)? {
        var position = start
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: ",") { position += 1 }
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "}") { return (position + 1, false) }
            guard bytes[position] == UInt8(ascii: "\""), let colon = end(ofValueAt: position, in: bytes),
                colon < bytes.count, bytes[colon] == UInt8(ascii: ":")
            else { return nil }
            let name = UnsafeBufferPointer(rebasing: bytes[(position + 1)..<(colon - 1)])
            if isText(name, wanted) { return (colon + 1, true) }
            guard let next = end(ofValueAt: colon + 1, in: bytes) else { return nil }
            position = next
        }
        return nil
    }

    /// Whether a text as it stands between its quotes says what is wanted.
    private static func isText(_ text: UnsafeBufferPointer<UInt8>, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        if text.contains(UInt8(ascii: "\\")) {
            let quote = [UInt8(ascii: "\"")]
            let read = (try? Value(json: quote + Array(text) + quote))?.string
            return read.map { $0.utf8.elementsEqual(wanted) } ?? false
        }
        return text.count == wanted.count && text.elementsEqual(wanted)
    }

    /// Goes into the object that follows; `false`, and no step, when something else follows.
    public mutating func enterObject() -> Bool {
        guard peek == UInt8(ascii: "{") else { return false }
        offset += 1
        return true
    }

    /// Goes into the list that follows; `false`, and no step, when something else follows.
    public mutating func enterArray() -> Bool {
        guard peek == UInt8(ascii: "[") else { return false }
        offset += 1
        return true
    }

    /// Steps to the next element of the list that the cursor is in; `false` at the end, and a step behind the list. Call
    /// it after the element before was read or skipped.
    public mutating func nextElement() -> Bool {
        if peek == UInt8(ascii: ",") { offset += 1 }
        guard peek == UInt8(ascii: "]") else { return peek != nil }
        offset += 1
        return false
    }

    /// The next key of the object that the cursor is in, and a step before its value; `nil` at the end, and a step
    /// behind the object. Call it after the value before was read or skipped.
    public mutating func nextKey() throws(JSONError) -> String? {
        if peek == UInt8(ascii: ",") { offset += 1 }
        if peek == UInt8(ascii: "}") {
            offset += 1
            return nil
        }
        guard let key = try readText(), peek == UInt8(ascii: ":") else {
            throw JSONError(offset: offset, reason: "expected a field")
        }
        offset += 1
        return key
    }

    /// Parses the string that follows; `nil` when something else does.
    private mutating func readText() throws(JSONError) -> String? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        let start = offset + 1
        let plain: (text: String, end: Int)? = bytes.withUnsafeBufferPointer { bytes in
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
                if bytes[end] == UInt8(ascii: "\\") { return nil }
                end += 1
            }
            guard end < bytes.count else { return nil }
            return (String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self), end)
        }
        guard let plain else { return try readValue().string }
        offset = plain.end + 1
        return plain.text
    }

    /// Parses the value that follows.
    public mutating func readValue() throws(JSONError) -> Value {
        let (bytes, start) = (bytes, offset)
        let read: Result<(Value, Int), JSONError> = bytes.withUnsafeBufferPointer { bytes in
            var parser = JSONParser(bytes: bytes, from: start, limits: .own)
            do throws(JSONError) { return .success((try parser.parseValue(), parser.position)) } catch {
                return .failure(error)
            }
        }
        let (value, end) = try read.get()
        offset = end
        return value
    }

    /// The bytes of the value that follows, which is skipped.
    public mutating func sliceValue() throws(JSONError) -> ArraySlice<UInt8> {
        let start = offset
        try skipValue()
        return bytes[start..<offset]
    }

    /// Steps over the value that follows.
    public mutating func skipValue() throws(JSONError) {
        let end = bytes.withUnsafeBufferPointer { Self.end(ofValueAt: offset, in: $0) }
        guard let end else { throw JSONError(offset: offset, reason: "unexpected end of JSON input") }
        offset = end
    }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// The offset behind the value that begins at `start`; `nil` if the bytes end before the value does.
    private static func end(ofValueAt start: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var (position, depth) = (start, 0)
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position = TextScan.endOfPlainText(from: position + 1, in: bytes)
                while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
                    position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
                    position = TextScan.endOfPlainText(from: position, in: bytes)
                }
                guard position < bytes.count else { return nil }
                position += 1
                if depth == 0 { return position }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return position > start ? position : nil }
                depth -= 1
                position += 1
                if depth == 0 { return position }
            case UInt8(ascii: ","):
                if depth == 0 { return position > start ? position : nil }
                position += 1
            default: position += 1
            }
        }
        return depth == 0 && position > start ? position : nil
    }
}
