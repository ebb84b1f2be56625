import Support
import Wire

/// A part of a file, in bytes.
struct ByteRange: Hashable, Sendable {
    var start: Int64
    var length: Int64

    /// The value of `Content-Range` (RFC 9110, section 14.4).
    func header(size: Int64) -> String { "bytes \(start)-\(start + length - 1)/\(size)" }
}

/// Which form the answer to a request for a file has, as Go's `http.ServeContent` decides it without an `ETag` (RFC 9110,
/// sections 13 and 14). Pure.
enum FileAnswer: Hashable, Sendable {
    case whole
    case part(ByteRange)
    /// As `multipart/byteranges`.
    case parts([ByteRange])
    case notModified
    case preconditionFailed
    /// Why, and whether the client is told the size.
    case unsatisfiable(String, tellsSize: Bool)

    /// - Parameters:
    ///   - modified: When the file was changed last; 1970 for a time that nobody knows.
    ///   - size: In bytes.
    init(_ headers: HTTPHeaders, modified: Timestamp, size: Int64) {
        let isKnown = modified != Timestamp(seconds: 0)
        func time(_ name: String) -> Timestamp? {
            guard isKnown, let text = headers[name] else { return nil }
            return HTTPDate.time(text)
        }
        // Go tells times in whole seconds, and compares such.
        let changed = Timestamp(seconds: modified.seconds)
        if let wanted = headers["If-Match"], !wanted.isEmpty {
            // There is no tag that could match.
            guard Self.listsAll(wanted) else {
                self = .preconditionFailed
                return
            }
        } else if let limit = time("If-Unmodified-Since"), changed > limit {
            self = .preconditionFailed
            return
        }
        if let known = headers["If-None-Match"], !known.isEmpty {
            if Self.listsAll(known) {
                self = .notModified
                return
            }
        } else if let limit = time("If-Modified-Since"), changed <= limit {
            self = .notModified
            return
        }
        guard let range = headers["Range"], !range.isEmpty, Self.holds(headers["If-Range"], changed, isKnown) else {
            self = .whole
            return
        }
        self = Self.partial(range, size: size)
    }

    private static func partial(_ text: String, size: Int64) -> FileAnswer {
        let wanted: [ByteRange]
        do throws(RangeProblem) { wanted = try ranges(text, size: size) } catch {
            switch error {
            // Some clients ask so, to limit what they get.
            case .outside where size == 0: return .whole
            case .outside: return .unsatisfiable("invalid range: failed to overlap", tellsSize: true)
            case .malformed: return .unsatisfiable("invalid range", tellsSize: false)
            }
        }
        // Who asks for more than there is is an attacker, or mistaken.
        var left = size
        for range in wanted {
            guard range.length <= left else { return .whole }
            left -= range.length
        }
        guard let first = wanted.first else { return .whole }
        return wanted.count == 1 ? .part(first) : .parts(wanted)
    }

    private enum RangeProblem: Error {
        case malformed
        case outside
    }

    /// `bytes=0-99,200-,-50`
    private static func ranges(_ text: String, size: Int64) throws(RangeProblem) -> [ByteRange] {
        guard text.hasPrefix("bytes=") else { throw .malformed }
        var ranges: [ByteRange] = []
        var isOutside = false
        for part in HTTPFieldValue.list(text.dropFirst("bytes=".count)) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.filter { $0 != " " && $0 != "\t" } }
            guard ends.count == 2 else { throw .malformed }
            if ends[0].isEmpty {
                // So many at the end.
                guard let count = Int64(ends[1]), count >= 0 else { throw .malformed }
                let length = min(count, size)
                ranges.append(ByteRange(start: size - length, length: length))
                continue
            }
            guard let start = Int64(ends[0]), start >= 0 else { throw .malformed }
            guard start < size else {
                isOutside = true
                continue
            }
            guard !ends[1].isEmpty else {
                ranges.append(ByteRange(start: start, length: size - start))
                continue
            }
            guard let end = Int64(ends[1]), end >= start else { throw .malformed }
            ranges.append(ByteRange(start: start, length: min(end, size - 1) - start + 1))
        }
        if isOutside, ranges.isEmpty { throw .outside }
        return ranges
    }

    /// Whether `*` is in a list of tags before anything that is no tag.
    private static func listsAll(_ tags: String) -> Bool {
        for tag in HTTPFieldValue.list(tags) {
            if tag.hasPrefix("*") { return true }
            guard tag.hasPrefix("\"") || tag.hasPrefix("W/\"") else { return false }
        }
        return false
    }

    /// Whether the file is still the one of which a part is wanted.
    private static func holds(_ condition: String?, _ changed: Timestamp, _ isKnown: Bool) -> Bool {
        guard let condition, !condition.isEmpty else { return true }
        return isKnown && HTTPDate.time(condition) == changed
    }
}
