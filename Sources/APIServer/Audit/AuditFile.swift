import Glibc
import Host
public import Support
import Wire

/// A file of audit events that is put aside when it has become large, as the standard flags say. Names of what was put
/// aside hold the time: `audit-2026-01-31T12-00-00.000.log`, with `.gz` when it is compressed.
public actor AuditFile: AuditSink {
    /// When files are put aside and how long they are kept. Zero means without a bound, except for the size.
    public struct Limits: Hashable, Sendable {
        /// Of the file, before it is put aside (`--audit-log-maxsize`, mebibytes); the default stands in for zero.
        public var size = ByteCount.mebibytes(100)
        /// Files put aside that are kept (`--audit-log-maxbackup`).
        public var backups = 100
        /// Days that they are kept (`--audit-log-maxage`).
        public var days = 366
        /// Whether they are compressed (`--audit-log-compress`).
        public var compresses = false

        public init() {}
    }

    private let path: String
    private let limits: Limits
    private let now: @Sendable () -> Timestamp
    /// Of the file now; `nil` before it was looked at.
    private var size: Int64?

    public init(_ path: String, _ limits: Limits = Limits(), now: @escaping @Sendable () -> Timestamp = { .now }) {
        self.path = path
        self.limits = limits
        self.now = now
    }

    /// One write at a time comes from the log, so that suspending for the disk does not let another one in between.
    public func write(_ lines: [UInt8]) async throws(Fault) {
        let (path, limits, moment, known) = (path, limits, now(), size)
        do throws(Fault) {
            size = try await BlockingWork.run { () throws(Fault) in
                try Self.write(lines, to: path, limits, at: moment, size: known)
            }
        } catch {
            size = nil
            throw error
        }
    }

    /// Returns the size of the file afterwards.
    private static func write(
        _ lines: [UInt8], to path: String, _ limits: Limits, at moment: Timestamp, size known: Int64?
    ) throws(Fault) -> Int64 {
        var size = known ?? 0
        if known == nil {
            let folder = Path.parent(of: path)
            if !Files.exists(folder) { try Files.makeDirectory(folder, mode: 0o700) }
            if Files.exists(path) { size = try Files.status(of: path).size.bytes }
        }
        if size > 0, size + Int64(lines.count) > limits.size.bytes {
            try putAside(path, limits, at: moment)
            size = 0
        }
        try Files.append(lines, to: path, mode: 0o600)
        return size + Int64(lines.count)
    }

    private static func putAside(_ path: String, _ limits: Limits, at moment: Timestamp) throws(Fault) {
        let naming = AuditFileNames(path)
        let aside = naming.folder + "/" + naming.backup(at: moment)
        // Somebody may have taken the file away.
        if Files.exists(path) {
            try Files.rename(path, to: aside)
            if limits.compresses { try compress(aside) }
        }
        for name in naming.expired(try Files.list(naming.folder), limits, at: moment) {
            try Files.remove(naming.folder + "/" + name)
        }
    }

    private static func compress(_ path: String) throws(Fault) {
        let file = try OpenFile(path)
        let target = path + ".gz"
        var encoder = GzipEncoder()
        var offset: Int64 = 0
        while true {
            let piece = try file.read(at: offset, upTo: 1 << 20)
            offset += Int64(piece.count)
            try Files.append(encoder.compress(piece, isLast: piece.isEmpty), to: target, mode: 0o600)
            if piece.isEmpty { break }
        }
        try Files.remove(path)
    }
}

/// Audit events on the standard output (`--audit-log-path -`).
public struct AuditOutput: AuditSink {
    public init() {}

    public func write(_ lines: [UInt8]) async throws(Fault) {
        try await BlockingWork.run { () throws(Fault) in
            var written = 0
            while written < lines.count {
                let count = lines.withUnsafeBytes {
                    Glibc.write(STDOUT_FILENO, $0.baseAddress?.advanced(by: written), $0.count - written)
                }
                guard count >= 0 || errno == EINTR else {
                    throw Fault(.failed, "audit events cannot be written to the standard output: error \(errno)")
                }
                written += max(0, count)
            }
        }
    }
}
