import Host
import Support

/// How much the logs of a container may hold: when a file is large enough the next one begins, and the oldest go.
public struct LogLimits: Hashable, Sendable {
    /// Bytes of one file.
    public var size: Int64 = 10 << 20
    /// Files of one container, the present one included; at least 2.
    public var files = 5
    /// How long a log that begins to grow is left alone, until it is known how fast.
    var firstLook: Duration = .seconds(10)

    public init() {}
}

/// How a log grows, and when it is worth another look.
struct LogGrowth: Hashable, Sendable {
    private var last: (size: Int64, at: Timestamp)?

    /// The log has `size` bytes now and is written to. Returns how long to wait before the next look: half of the time
    /// in which it would reach `limit` at its present pace, at most a minute, for a quiet log may become a loud one.
    mutating func note(_ size: Int64, at now: Timestamp, limit: Int64) -> Duration? {
        defer { last = (size, now) }
        guard let last, size > last.size, now > last.at else { return nil }
        let seconds = (now - last.at).inSeconds * Double(limit - size) / Double(size - last.size) / 2
        return .milliseconds(Int64(min(max(seconds, 1), 60) * 1000))
    }

    static func == (a: LogGrowth, b: LogGrowth) -> Bool { a.last?.size == b.last?.size && a.last?.at == b.last?.at }

    func hash(into hasher: inout Hasher) {
        hasher.combine(last?.size)
        hasher.combine(last?.at)
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

/// What is done with the older files of a log before its present one is put aside. Pure.
///
/// A file that was put aside is named `<log>.<time>`; one that was compressed since, `<log>.<time>.gz`. The names sort
/// by time. These are Kubernetes' names, which collectors know.
struct LogFiles: Hashable, Sendable {
    static let compressedSuffix = ".gz"
    static let temporarySuffix = ".tmp"

    private(set) var removed: [String] = []
    private(set) var compressed: [String] = []

    /// `entries` are the names in the log's folder, `name` is the log's own.
    init(_ entries: [String], of name: String, limit: Int) {
        let older = entries.filter { $0.hasPrefix(name + ".") }.sorted()
        let done = Set(older.filter { $0.hasSuffix(Self.compressedSuffix) })
        // What an end in the middle left: half a file, and one that is there in both forms.
        let stale = older.filter {
            $0.hasSuffix(Self.temporarySuffix) || done.contains($0 + Self.compressedSuffix)
        }
        let kept = older.filter { !stale.contains($0) }
        // Two more files there will be: the one that is put aside, and the one that begins.
        let excess = kept.prefix(max(kept.count - max(limit - 2, 0), 0))
        removed = stale + excess
        compressed = kept.dropFirst(excess.count).filter { !done.contains($0) }
    }

    /// What a log is called that is put aside at this time: `0.log.20261121-231502`.
    static func name(of log: String, putAsideAt now: Timestamp) -> String {
        let text = now.description
        func digits(_ range: Range<Int>) -> String {
            String(decoding: Array(text.utf8)[range].filter { $0 >= 48 && $0 <= 57 }, as: UTF8.self)
        }
        return "\(log).\(digits(0..<10))-\(digits(11..<19))"
    }
}
