import API
import APIMachinery
import Client
import Host
import Logging
import Support
import Synchronization

/// Runs the pods of a node's own folder, and follows its files; nothing is polled.
///
/// Hidden files and folders are passed over, links to files are followed. A file that is no pod is told of once, by the
/// log and an event of the node.
final class StaticPods: Sendable {
    /// A file that is larger is none.
    private static let largest = ByteCount.mebibytes(10)
    private static let changes: FileWatch.Changes = [.entries, .attributes]

    private let folder: String
    /// The one file that counts, where a file is what the node was told of.
    private let only: String?
    private let node: String
    private let table: PodTable
    private let events: EventRecorder
    private let log: Logger
    private let wake: @Sendable (_ podUID: String) -> Void
    private let files = Mutex(StaticPodSet())
    private let watch = Mutex<FileWatch?>(nil)
    private let hasBegun = Mutex(false)
    private let begun = Bell()

    /// `path` is a folder, which is made when it is not there, or one file.
    init(
        _ path: String, node: String, table: PodTable, events: EventRecorder, log: Logger,
        wake: @escaping @Sendable (_ podUID: String) -> Void
    ) {
        let isFile = (try? Files.status(of: path))?.kind == .regular
        folder = isFile ? Path.parent(of: path) : path
        only = isFile ? Path.name(of: path) : nil
        self.node = node
        self.table = table
        self.events = events
        self.log = log
        self.wake = wake
    }

    /// Reads the files and puts their pods into the table, once; later calls do nothing. Whoever knows what the runtime
    /// has calls it before it ends what nobody wants.
    func begin() {
        let isFirst = hasBegun.withLock { hasBegun in
            defer { hasBegun = true }
            return !hasBegun
        }
        guard isFirst else { return }
        defer { begun.ring() }
        do throws(Fault) {
            try Files.makeDirectory(folder, mode: 0o750)
            let fresh = try FileWatch()
            // Before they are read: what changes meanwhile is not missed.
            try fresh.add(folder, for: Self.changes)
            watch.withLock { $0 = fresh }
        } catch {
            log.warning("the static pods of \(folder) are not followed: \(error)")
        }
        readAll()
    }

    /// Follows the folder until cancelled, from the moment it was first read; `ready` is called then.
    func run(ready: @Sendable () -> Void) async {
        await begun.wait()
        ready()
        guard let watch = watch.withLock(\.self) else { return }
        do throws(Fault) {
            var news = watch.makeAsyncIterator()
            while let event = try await news.next() { try take(event, watch) }
        } catch {
            log.warning("the static pods of \(folder) are not followed any more: \(error)")
        }
    }

    private func take(_ event: FileWatch.Event, _ watch: FileWatch) throws(Fault) {
        if event.isOverflow { return readAll() }
        guard let name = event.name else {
            guard !event.changes.isDisjoint(with: .ended) else { return }
            // Somebody took the folder away, and its pods with it: the next ones are looked for in a new one.
            watch.remove(folder)
            try Files.makeDirectory(folder, mode: 0o750)
            try watch.add(folder, for: Self.changes)
            return readAll()
        }
        // One that is being written is read when that is done; links come as they are.
        if event.changes == .created, (try? Files.status(of: path(name), followingLinks: false))?.kind == .regular {
            return
        }
        read(name)
    }

    private func path(_ name: String) -> String { Path.join(folder, name) }

    private func readAll() {
        let present = Set((try? Files.list(folder)) ?? [])
        for name in present.union(files.withLock(\.files)).sorted() { read(name) }
    }

    private func read(_ name: String) {
        guard !name.hasPrefix("."), only == nil || only == name else { return }
        let content = content(name)
        let changes = files.withLock { $0.put(name, content) }
        for complaint in changes.refused {
            let message = "Error validating pod from \(path(complaint.file)): \(complaint.why)"
            log.warning("\(message)")
            events.record(Node(name: node), .warning, reason: "FailedValidation", message: message)
        }
        for uid in changes.ended {
            table.end(uid)
            wake(uid)
        }
        for var pod in changes.begun {
            pod.metadata.annotations[StaticPod.seen] = Timestamp.now.format(fractionDigits: 9)
            table.run(StoredObject(received: pod.value))
            wake(pod.metadata.uid)
        }
    }

    /// `nil` for what is no file, or not there.
    private func content(_ name: String) -> StaticPodSet.Content? {
        guard let status = try? Files.status(of: path(name)), status.kind == .regular else { return nil }
        let bytes: [UInt8]
        do throws(Fault) { bytes = try Files.read(path(name), limit: Self.largest) } catch {
            return .refused(StaticPod.Refusal(why: error.summary))
        }
        do throws(StaticPod.Refusal) {
            return .pod(try StaticPod.read(bytes, file: path(name), node: node))
        } catch {
            return .refused(error)
        }
    }
}
