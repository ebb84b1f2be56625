import CYAML

/// Makes trees out of libyaml's events.
struct YAMLParser {
    private let limits: YAMLLimits
    /// On the heap, because libyaml keeps a pointer to it inside of it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var anchors: [String: Anchor] = [:]
    /// Keys that were given twice and not refused.
    private(set) var duplicateKeys: [YAMLError] = []
    private var depth = 0
    private var valueCount = 0
    /// The bytes of all texts, once aliases are replaced by what they stand for.
    private var textCount = 0
    private let textLimit: Int

    /// What an alias stands for, and what following it costs.
    private struct Anchor {
        /// `nil` while the value is still being read.
        var value: Value?
        var depth = 0
        var valueCount = 0
        var textCount = 0
    }

    /// An event, copied out of libyaml's memory.
    private enum Event {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias(String)
        case scalar(YAMLScalar, anchor: String?)
        case sequenceStart(anchor: String?), sequenceEnd
        case mappingStart(anchor: String?), mappingEnd
    }

    /// `bytes` must outlive the parser. Call ``close()`` at the end.
    init(_ bytes: UnsafeBufferPointer<UInt8>, limits: YAMLLimits) {
        self.limits = limits
        // An escape of two bytes may stand for three.
        textLimit = bytes.count * 2 + limits.aliasedBytes
        parser = .allocate(capacity: 1)
        let isReady = yaml_parser_initialize(parser) == 1
        precondition(isReady, "libyaml has no memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    mutating func close() {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    mutating func parseStream() throws(YAMLError) -> [Value] {
        var documents: [Value] = []
        while true {
            switch try next().event {
            case .streamEnd: return documents
            case .documentStart:
                anchors = [:]
                let value = try parseValue(try next())
                if !value.isNull { documents.append(value) }
            default: break
            }
        }
    }

    private mutating func parseValue(_ next: (event: Event, line: Int)) throws(YAMLError) -> Value {
        try count(1, line: next.line)
        switch next.event {
        case .scalar(let scalar, let anchor):
            let value: Value
            let length = scalar.text.utf8.count
            try count(0, text: length, line: next.line)
            do throws(YAMLScalar.Problem) { value = try scalar.value } catch {
                throw YAMLError(line: next.line, reason: error.description)
            }
            if let anchor { anchors[anchor] = Anchor(value: value, depth: 0, valueCount: 1, textCount: length) }
            return value
        case .sequenceStart(let anchor):
            return try remember(anchor, line: next.line) { (parser) throws(YAMLError) in
                try parser.parseSequence()
            }
        case .mappingStart(let anchor):
            return try remember(anchor, line: next.line) { (parser) throws(YAMLError) in
                try parser.parseMapping()
            }
        case .alias(let name): return try follow(name, line: next.line)
        default: throw YAMLError(line: next.line, reason: "did not find expected value")
        }
    }

    private mutating func parseSequence() throws(YAMLError) -> Value {
        var elements: [Value] = []
        while true {
            let following = try next()
            if case .sequenceEnd = following.event { return .array(elements) }
            elements.append(try parseValue(following))
        }
    }

    private mutating func parseMapping() throws(YAMLError) -> Value {
        var pairs: [(String, Value)] = []
        var merged: [[(String, Value)]] = []
        var seen: Set<String> = []
        while true {
            let following = try next()
            if case .mappingEnd = following.event { break }
            if case .scalar(let scalar, _) = following.event, scalar.isMergeKey {
                // Of the mappings to merge, earlier ones win, and the last of equal fields counts.
                merged.append(try parseMerge(line: following.line))
                continue
            }
            let key = try parseKey(following)
            if !seen.insert(key).inserted {
                let error = YAMLError(
                    line: following.line, reason: "key \(GoText.quoted(key)) already set in map")
                guard !limits.refusesDuplicateKeys else { throw error }
                duplicateKeys.append(error)
            }
            pairs.append((key, try parseValue(try next())))
        }
        return .object(Fields(merged.reversed().flatMap(\.self) + pairs))
    }

    /// The fields of the mapping, or of the mappings, behind `<<`.
    private mutating func parseMerge(line: Int) throws(YAMLError) -> [(String, Value)] {
        let sources: [Value]
        switch try parseValue(try next()) {
        case .array(let elements): sources = elements.reversed()
        case let single: sources = [single]
        }
        var pairs: [(String, Value)] = []
        for source in sources {
            guard case .object(let fields) = source else {
                throw YAMLError(line: line, reason: "map merge requires map or sequence of maps as the value")
            }
            pairs += fields.map { ($0.key, $0.value) }
        }
        return pairs
    }

    private mutating func parseKey(_ next: (event: Event, line: Int)) throws(YAMLError) -> String {
        let value = try parseValue(next)
        switch value {
        case .string(let text): return text
        case .bool, .integer, .double: return value.description
        case .null, .array, .object:
            throw YAMLError(line: next.line, reason: "a key must be a text, not \(value.kindName)")
        }
    }

    // MARK: - Anchors and bounds

    private mutating func remember(
        _ anchor: String?, line: Int, _ parse: (inout YAMLParser) throws(YAMLError) -> Value
    ) throws(YAMLError) -> Value {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else { throw YAMLError(line: line, reason: "exceeded max depth") }
        guard let anchor else { return try parse(&self) }
        anchors[anchor] = Anchor()
        let (values, text) = (valueCount, textCount)
        let value = try parse(&self)
        anchors[anchor] = Anchor(
            value: value, depth: value.depth, valueCount: valueCount - values + 1, textCount: textCount - text)
        return value
    }

    private mutating func follow(_ name: String, line: Int) throws(YAMLError) -> Value {
        guard let anchor = anchors[name] else {
            throw YAMLError(line: line, reason: "unknown anchor '\(name)' referenced")
        }
        guard let value = anchor.value else {
            throw YAMLError(line: line, reason: "anchor '\(name)' value contains itself")
        }
        guard depth + anchor.depth <= limits.depth else {
            throw YAMLError(line: line, reason: "exceeded max depth")
        }
        try count(anchor.valueCount, text: anchor.textCount, line: line)
        return value
    }

    private mutating func count(_ values: Int, text: Int = 0, line: Int) throws(YAMLError) {
        valueCount += values
        textCount += text
        guard valueCount <= limits.values, textCount <= textLimit else {
            throw YAMLError(line: line, reason: "document contains excessive aliasing")
        }
    }

    // MARK: - libyaml

    private func next() throws(YAMLError) -> (event: Event, line: Int) {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw failure }
        defer { yaml_event_delete(&raw) }
        let line = Int(raw.start_mark.line) + 1
        switch raw.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, line)
        case YAML_STREAM_END_EVENT: return (.streamEnd, line)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, line)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, line)
        case YAML_ALIAS_EVENT: return (.alias(Self.text(raw.data.alias.anchor) ?? ""), line)
        case YAML_SEQUENCE_START_EVENT:
            return (.sequenceStart(anchor: Self.text(raw.data.sequence_start.anchor)), line)
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, line)
        case YAML_MAPPING_START_EVENT:
            return (.mappingStart(anchor: Self.text(raw.data.mapping_start.anchor)), line)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, line)
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let copy = YAMLScalar(
                text: String(decoding: bytes, as: UTF8.self), tag: Self.text(scalar.tag),
                isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return (.scalar(copy, anchor: Self.text(scalar.anchor)), line)
        default: throw YAMLError(line: line, reason: "did not find expected event")
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private var failure: YAMLError {
        let state = parser.pointee
        let reason = state.problem.map { String(cString: $0) } ?? "unknown problem parsing YAML content"
        // The reader does not count lines, it only knows offsets.
        let line = state.error == YAML_READER_ERROR ? 0 : Int(state.problem_mark.line) + 1
        return YAMLError(line: line, reason: reason)
    }
}
