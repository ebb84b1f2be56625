extension StoredObject {
    /// The value at a path of fields; `nil` when there is none. Reads nothing else of the object: for those who ask little
    /// of many objects.
    public func value(at path: String...) -> Value? {
        var cursor = JSONCursor(bytes)
        do throws(JSONError) {
            for field in path {
                guard cursor.enterObject(), try cursor.skip(toField: field) else { return nil }
            }
            return try cursor.readValue()
        } catch {
            preconditionFailure("a stored object is canonical JSON by construction: \(error)")
        }
    }

    /// The text at a path of fields; empty when there is none.
    public func text(at path: String...) -> String {
        var cursor = JSONCursor(bytes)
        do throws(JSONError) {
            for field in path {
                guard cursor.enterObject(), try cursor.skip(toField: field) else { return "" }
            }
            return try cursor.readValue().string ?? ""
        } catch {
            preconditionFailure("a stored object is canonical JSON by construction: \(error)")
        }
    }

    /// Whether something in the object is called or says just this, a plain text without signs to escape: a quick no for those
    /// who would read for it, and a perhaps.
    public func mentions(_ text: StaticString) -> Bool {
        bytes.withUnsafeBufferPointer { bytes in
            text.withUTF8Buffer { TextScan.hasQuoted($0, in: bytes) }
        }
    }
}
