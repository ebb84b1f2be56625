import Datastore
import Support
import Synchronization

/// Where the state of a simulated cluster lives: it outlives every server that uses it.
final class Disk: Sendable {
    private let log: MemoryDatastore
    private let history = Mutex(Trace())

    init(holding entries: [Entry] = []) {
        log = MemoryDatastore(holding: entries, history: HistoryLimit(changes: 1 << 20, bytes: 64 << 20))
    }

    /// What was written, as one number.
    var trace: Trace { history.withLock(\.self) }

    /// Calls `sink` with every change from now on, in order, as it is committed.
    func follow(_ sink: @escaping @Sendable (Change) -> Void) async throws(DatastoreError) {
        _ = try await log.subscribe(after: log.currentRevision) { [self] changes in
            for change in changes {
                history.withLock { $0.add(change) }
                sink(change)
            }
        }
    }

    func connect() -> DiskConnection { DiskConnection(log) }

    /// All that is there.
    func entries() async throws(DatastoreError) -> [Entry] { try await log.list(ListQuery(prefix: "")).entries }
}

/// Everything that was written, in order, as one number: two runs that agree in it did the same.
public struct Trace: Hashable, Sendable, CustomStringConvertible {
    public private(set) var writes = 0
    private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ change: Change) {
        writes += 1
        add(UInt64(bitPattern: change.revision))
        for byte in change.key.utf8 { add(UInt64(byte)) }
        change.entry?.value.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                add(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
            while offset < bytes.count {
                add(UInt64(bytes[offset]))
                offset += 1
            }
        }
    }

    private mutating func add(_ word: UInt64) {
        // FNV-1a by words, and a shift so that the high bits of a word count too.
        hash = (hash ^ word) &* 0x100_0000_01B3
        hash ^= hash >> 32
    }

    public var description: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// One server's way to the disk. When the server is killed it is cut, and nothing passes any more in either direction.
final class DiskConnection: Datastore {
    private struct State {
        var isCut = false
        var subscriptions: [any Subscription] = []
    }

    private let log: MemoryDatastore
    private let state = Mutex(State())

    init(_ log: MemoryDatastore) { self.log = log }

    var currentRevision: Revision { log.currentRevision }
    var compactedRevision: Revision { log.compactedRevision }

    func cut() {
        let subscriptions = state.withLock { state in
            state.isCut = true
            defer { state.subscriptions = [] }
            return state.subscriptions
        }
        for subscription in subscriptions { subscription.cancel() }
    }

    private func check() throws(DatastoreError) {
        if state.withLock(\.isCut) { throw .unavailable("the server was killed") }
    }

    func get(_ key: String) async throws(DatastoreError) -> Entry? {
        try check()
        return try await log.get(key)
    }

    func list(_ query: ListQuery) async throws(DatastoreError) -> Listing {
        try check()
        return try await log.list(query)
    }

    func write(_ write: Write) async throws(DatastoreError) -> Revision {
        try check()
        return try await log.write(write)
    }

    func changes(after revision: Revision) async throws(DatastoreError) -> [Change] {
        try check()
        return try await log.changes(after: revision)
    }

    func subscribe(
        after revision: Revision, _ sink: @escaping @Sendable ([Change]) -> Void
    ) async throws(DatastoreError) -> any Subscription {
        try check()
        let subscription = try await log.subscribe(after: revision, sink)
        let isLate = state.withLock { state in
            if !state.isCut { state.subscriptions.append(subscription) }
            return state.isCut
        }
        if isLate { subscription.cancel() }
        return subscription
    }

    func compact(upTo revision: Revision) async throws(DatastoreError) {
        try check()
        try await log.compact(upTo: revision)
    }

    func size() async throws(DatastoreError) -> ByteCount {
        try check()
        return try await log.size()
    }

    /// The disk stays.
    func close() async { cut() }
}
