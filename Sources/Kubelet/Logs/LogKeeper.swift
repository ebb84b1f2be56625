import Client
import Host
import Logging
import Runtime
import Support
import Synchronization
import Wire

/// Keeps the logs of running containers within their limits.
///
/// A log that nobody writes to costs nothing: the kernel tells of the first write after each look, and the next look
/// comes when the log may have become large.
final class LogKeeper: Sendable {
    private struct Entry {
        var path: String
        var growth = LogGrowth()
        var delay: Duration
    }

    private let runtime: any RuntimeService
    private let limits: LogLimits
    private let log: Logger
    private let looked: @Sendable (_ containerID: String) -> Void
    private let queue = WorkQueue<String>(backOff: .init(first: .seconds(1), most: .seconds(60)))
    /// By container id.
    private let entries = Mutex<[String: Entry]>([:])
    private let watch = Mutex<FileWatch?>(nil)

    /// `looked` is called after each look at a log.
    init(
        runtime: any RuntimeService, limits: LogLimits, log: Logger,
        looked: @escaping @Sendable (_ containerID: String) -> Void = { _ in }
    ) {
        self.runtime = runtime
        self.limits = limits
        self.log = log
        self.looked = looked
    }

    /// The container runs and writes to this file. A call for one that is known changes nothing.
    func start(containerID: String, path: String) {
        guard !path.isEmpty else { return }
        let isNew = entries.withLock { entries in
            guard entries[containerID] == nil else { return false }
            entries[containerID] = Entry(path: path, delay: limits.firstLook)
            return true
        }
        if isNew { queue.add(containerID) }
    }

    func stop(containerID: String) {
        guard let entry = entries.withLock({ $0.removeValue(forKey: containerID) }) else { return }
        watch.withLock(\.self)?.remove(entry.path)
    }

    /// Looks after the logs until cancelled. Run it once.
    func run() async {
        let changes: FileWatch
        do throws(Fault) { changes = try FileWatch() } catch {
            return log.warning("the logs of containers grow without a limit: \(error)")
        }
        watch.withLock { $0 = changes }
        // Those that came before.
        for id in entries.withLock({ Array($0.keys) }) { queue.add(id) }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.follow(changes) }
            group.addTask { await self.work() }
        }
    }

    private func follow(_ changes: FileWatch) async {
        do throws(Fault) {
            var events = changes.makeAsyncIterator()
            while let event = try await events.next() {
                let due = entries.withLock { entries in
                    entries.filter { event.isOverflow || $0.value.path == event.path }.map { ($0.key, $0.value.delay) }
                }
                for (id, delay) in due { queue.add(id, after: delay) }
            }
        } catch {
            log.warning("the logs of containers grow without a limit: \(error)")
        }
    }

    private func work() async {
        let log = log
        await queue.run(workers: 1) { (id: String, fault: Fault) in
            log.warning("the log of container \(id) does not rotate: \(fault.forPeople)")
        } _: { id throws(Fault) in
            try await self.look(at: id)
            self.looked(id)
            return nil
        }
    }

    /// Rotates the log if it is large enough, and asks the kernel for the next write.
    func look(at id: String) async throws(Fault) {
        guard let path = entries.withLock({ $0[id]?.path }) else { return }
        guard Files.exists(path) else { return }
        // A link leads to a file that the runtime rotates by itself (Docker's `max-size`).
        let status = try Files.status(of: path, followingLinks: false)
        guard status.kind == .regular else { return }
        let size = status.size.bytes
        if size >= limits.size {
            try await rotate(path, of: id)
            entries.withLock { $0[id]?.growth = LogGrowth() }
        }
        entries.withLock { entries in
            let delay = entries[id]?.growth.note(size >= limits.size ? 0 : size, at: .sinceBoot, limit: limits.size)
            entries[id]?.delay = delay ?? limits.firstLook
        }
        try watch.withLock(\.self)?.add(path, for: [.modified, .once])
    }

    // MARK: Rotating

    private func rotate(_ path: String, of id: String) async throws(Fault) {
        let (folder, name) = (Path.parent(of: path), Path.name(of: path))
        let limits = limits
        try await BlockingWork.run { () throws(Fault) in
            let files = LogFiles(try Files.list(folder), of: name, limit: limits.files)
            for name in files.removed { try Files.remove(Path.join(folder, name)) }
            for name in files.compressed { try Self.compress(Path.join(folder, name)) }
        }
        let aside = Path.join(folder, LogFiles.name(of: name, putAsideAt: .now))
        try Files.rename(path, to: aside)
        do throws(Fault) { try await runtime.reopenContainerLog(id) } catch {
            // The container writes on under the new name: it gets its own back.
            try Files.rename(aside, to: path)
            throw error
        }
    }

    /// In pieces, whatever the size.
    private static func compress(_ path: String) throws(Fault) {
        let temporary = path + LogFiles.temporarySuffix
        try Files.remove(temporary)
        let file = try OpenFile(path)
        var encoder = GzipEncoder()
        var offset: Int64 = 0
        while true {
            let piece = try file.read(at: offset, upTo: 256 << 10)
            offset += Int64(piece.count)
            try Files.append(encoder.compress(piece, isLast: piece.isEmpty), to: temporary, mode: 0o640)
            if piece.isEmpty { break }
        }
        try Files.rename(temporary, to: path + LogFiles.compressedSuffix)
        try Files.remove(path)
    }
}
