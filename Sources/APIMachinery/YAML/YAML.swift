/// Why bytes are not the YAML that was asked for, and where.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; 0 when the place is not known.
    public var line: Int
    public var reason: String

    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    public var description: String { line > 0 ? "yaml: line \(line): \(reason)" : "yaml: \(reason)" }
}

/// What YAML may cost, and how strict it is read.
public struct YAMLLimits: Hashable, Sendable {
    /// How deep sequences and mappings may nest, aliases followed.
    public var depth = 512
    /// How many values a stream may have once aliases are replaced by what they stand for.
    public var values = 1_000_000
    /// How many bytes of text aliases may add to what the stream itself has.
    public var aliasedBytes = 8 << 20
    /// Whether a key that is given twice is an error; otherwise the last one counts.
    public var refusesDuplicateKeys = true

    public init() {}
}

/// YAML as Kubernetes reads and writes it: version 1.1, turned into JSON.
///
/// `yes`, `no`, `on`, `off`, `y` and `n` are booleans, `0644` is octal, timestamps are texts; keys that are numbers or
/// booleans become texts. JSON is YAML too.
public enum YAML {
    /// The documents of a stream; empty ones are left out.
    public static func documents(
        _ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) -> [Value] {
        // Most machine-made input is JSON, which has a faster parser. Whatever that stumbles over may be YAML all the
        // same, and if not, it is the slower parser that says why. Duplicate keys are left to it too.
        if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            var (duplicates, json): ([String], JSONLimits) = ([], JSONLimits())
            json.depth = limits.depth
            if let value = try? Value(json: bytes, limits: json, duplicateFields: &duplicates),
                duplicates.isEmpty
            {
                return [value]
            }
        }
        let outcome: Result<[Value], YAMLError> = bytes.withUnsafeBufferPointer { buffer in
            var parser = YAMLParser(buffer, limits: limits)
            defer { parser.close() }
            do throws(YAMLError) { return .success(try parser.parseStream()) } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// See ``documents(_:limits:)``.
    public static func documents(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError)
        -> [Value]
    {
        try documents(Array(text.utf8), limits: limits)
    }

    /// The first document of a stream, or null when there is none. Keys that are given twice are noted, and the last one
    /// of them counts.
    public static func document(
        _ bytes: [UInt8], limits: YAMLLimits = YAMLLimits(), duplicateKeys: inout [YAMLError]
    ) throws(YAMLError) -> Value {
        var limits = limits
        limits.refusesDuplicateKeys = false
        let outcome: Result<([Value], [YAMLError]), YAMLError> = bytes.withUnsafeBufferPointer { buffer in
            var parser = YAMLParser(buffer, limits: limits)
            defer { parser.close() }
            do throws(YAMLError) { return .success((try parser.parseStream(), parser.duplicateKeys)) } catch {
                return .failure(error)
            }
        }
        let (documents, found) = try outcome.get()
        duplicateKeys += found
        return documents.first ?? .null
    }

    /// The first document of a stream; null when there is none.
    public static func document(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> Value
    {
        try documents(text, limits: limits).first ?? .null
    }
}
