import CSQLite
import Support
import Synchronization

/// A disk for SQLite that can fail, and that knows what would be left if the power went.
///
/// It passes every call on to the system's file layer, so that the files are real, and beside that keeps for
/// each file what was synced and what was written since. From these it makes the picture after a power
/// failure: what was synced, and of the rest any part, down to single sectors.
final class FaultyDisk: Sendable {
    /// What a test wishes to go wrong.
    struct Plan: Sendable {
        /// The code that every write fails with, while set.
        var writeFailure: Int32?
        /// The code that every sync fails with, while set.
        var syncFailure: Int32?
        /// The power goes before this many more calls that change a file.
        var callsUntilPowerLoss: Int?
        /// Called when the power goes; afterwards the disk works on, for the test to end in order.
        var whenPowerIsLost: (@Sendable ([String: [UInt8]]) -> Void)?
    }

    enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(length: Int)
    }

    struct File {
        var synced: [UInt8] = []
        var unsynced: [Change] = []
    }

    struct State {
        var plan = Plan()
        var files: [String: File] = [:]
        var random: SeededRandom
        var syncs = 0
    }

    let name: String
    private let state: Mutex<State>

    /// Registers the layer with SQLite for the life of the process, under a name of its own.
    init(seed: UInt64) {
        name = "faulty-\(Self.counter.add(1, ordering: .relaxed).newValue)"
        state = Mutex(State(random: SeededRandom(seed: seed)))
        register()
    }

    private static let counter = Atomic<Int>(0)

    func plan(_ change: (inout Plan) -> Void) { state.withLock { change(&$0.plan) } }

    /// How often a file was synced so far.
    var syncs: Int { state.withLock { $0.syncs } }

    // MARK: - Called by the file layer

    /// The code a call must fail with.
    func failure(isSync: Bool) -> Int32? {
        state.withLock { isSync ? $0.plan.syncFailure : $0.plan.writeFailure }
    }

    func change(_ path: String, _ change: Change) {
        losePowerIfDue()
        state.withLock { $0.files[path, default: File()].unsynced.append(change) }
    }

    func synced(_ path: String) {
        losePowerIfDue()
        state.withLock { state in
            state.syncs += 1
            for change in state.files[path]?.unsynced ?? [] { state.files[path]?.synced.apply(change) }
            state.files[path]?.unsynced = []
        }
    }

    func removed(_ path: String) {
        losePowerIfDue()
        state.withLock { $0.files[path] = nil }
    }

    private func losePowerIfDue() {
        let (report, picture) = state.withLock {
            state -> ((@Sendable ([String: [UInt8]]) -> Void)?, [String: [UInt8]]) in
            guard let left = state.plan.callsUntilPowerLoss else { return (nil, [:]) }
            state.plan.callsUntilPowerLoss = left == 0 ? nil : left - 1
            return left == 0 ? (state.plan.whenPowerIsLost, state.picture()) : (nil, [:])
        }
        report?(picture)
    }
}

extension FaultyDisk.State {
    /// What is found after a power failure: synced content, and of each later change all, nothing or some
    /// sectors.
    fileprivate mutating func picture() -> [String: [UInt8]] {
        var picture: [String: [UInt8]] = [:]
        for path in files.keys.sorted() {
            guard let file = files[path] else { continue }
            var content = file.synced
            for change in file.unsynced {
                switch (change, Int.random(in: 0..<4, using: &random)) {
                case (_, 0): break
                case (.write(let offset, let bytes), 1): content.applySectors(offset, bytes, &random)
                default: content.apply(change)
                }
            }
            picture[path] = content
        }
        return picture
    }
}

extension [UInt8] {
    fileprivate mutating func apply(_ change: FaultyDisk.Change) {
        switch change {
        case .truncate(let length): resize(to: length)
        case .write(let offset, let bytes):
            if count < offset + bytes.count { resize(to: offset + bytes.count) }
            replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }
    }

    fileprivate mutating func applySectors(_ offset: Int, _ bytes: [UInt8], _ random: inout SeededRandom) {
        var start = 0
        while start < bytes.count {
            let end = Swift.min(bytes.count, (offset + start) / 512 * 512 + 512 - offset)
            if Bool.random(using: &random) {
                apply(.write(offset: offset + start, bytes: Array(bytes[start..<end])))
            }
            start = end
        }
    }

    private mutating func resize(to length: Int) {
        if length < count {
            removeLast(count - length)
        } else {
            append(contentsOf: repeatElement(0, count: length - count))
        }
    }
}
