import APIMachinery
import Client
import Support
import Synchronization

/// What the frames of a watch are written to.
protocol WatchSink: Sendable {
    /// Returns when there is room for more. Throws when the client is gone.
    func send(_ frame: [UInt8]) async throws
    /// Nothing more comes.
    func finish() async
    /// Breaks off, in a way that shows that something is missing.
    func abort() async
}

/// A watch that one task carries to its client, because its frames take time: a server outside has to be asked for
/// them, or each has to be waited for.
///
/// What comes meanwhile waits in the watcher, which has bounds.
struct PacedWatch {
    /// Where the events come from. The store is to be told of its watcher.
    struct Source: Sendable {
        let watcher: CacheWatcher
        fileprivate let bell: Bell

        init(_ filter: ObjectFilter) {
            let bell = Bell()
            self.bell = bell
            watcher = CacheWatcher(filter: filter) { bell.ring() }
        }
    }

    let source: Source
    let served: Registry.Served
    let store: ResourceStore
    let encoder: WatchEncoder
    let options: ResourceEndpoint.WatchOptions
    let sink: any WatchSink
    private var hasSent = false
    private var hasMarked = false
    private var isBroken = false
    private var newest: Int64 = 0

    init(
        _ source: Source, served: Registry.Served, store: ResourceStore, encoder: WatchEncoder,
        options: ResourceEndpoint.WatchOptions, sink: any WatchSink
    ) {
        self.source = source
        self.served = served
        self.store = store
        self.encoder = encoder
        self.options = options
        self.sink = sink
    }

    /// Carries the events until the time is over, the source ends, the client is gone or the task is cancelled.
    func run() async {
        let (watcher, bell) = (source.watcher, source.bell)
        let wish = BookmarkWish(bell)
        if options.sendsBookmarks { store.log.bookmarks.add(wish) }
        defer {
            store.cache.remove(watcher)
            store.log.bookmarks.remove(wish)
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [sink, timeout = options.timeout] in
                try? await Task.sleep(for: timeout, tolerance: .seconds(1))
                watcher.end()
                // A client that does not even read to the end.
                try? await Task.sleep(for: .seconds(10), tolerance: .seconds(1))
                if !Task.isCancelled { await sink.abort() }
            }
            var watch = self
            while !Task.isCancelled {
                // Read before what waits: the changes up to it were handed to every watch by then.
                let revision = store.log.revision
                guard let events = watcher.take(), await watch.send(events) else { break }
                options.opening?.end()
                guard events.isEmpty else { continue }
                if wish.isDue() { await watch.bookmark(revision) } else { await bell.wait() }
            }
            await watch.finish(isCancelled: Task.isCancelled)
            group.cancelAll()
        }
    }

    /// Sends a batch; the first is what was there when the watch began. False when the watch is over.
    private mutating func send(_ events: [SelectedEvent]) async -> Bool {
        let shown: [(kind: SelectedEvent.Kind, object: StoredObject)]
        do throws(Status) {
            shown = try await show(events)
        } catch {
            await write(encoder.failure(error))
            return false
        }
        for (kind, object) in shown { await write(encoder.encode(kind, object, isFirst: !hasSent)) }
        newest = max(newest, events.map(\.revision).max() ?? 0)
        if !hasMarked, options.marksInitialEvents { await mark(endsInitialEvents: true) }
        hasMarked = true
        return !isBroken
    }

    /// Tells how far the log has come, unless the client knows.
    private mutating func bookmark(_ revision: Int64) async {
        guard revision > newest else { return }
        newest = revision
        await mark(endsInitialEvents: false)
    }

    /// The events in the served version: of a selection by fields, what they mean to those who see only what is selected.
    private func show(
        _ events: [SelectedEvent]
    ) async throws(Status) -> [(kind: SelectedEvent.Kind, object: StoredObject)] {
        guard served.isRemote else { return events.map { ($0.kind, served.show($0.versioned)) } }
        let objects = try await served.present(events)
        guard let matches = source.watcher.filter.matchesShown else { return zip(events, objects).map { ($0.kind, $1) } }
        var before = try await served.present(events.compactMap { event in event.before.map(event.versioned) })[...]
        return zip(events, objects).compactMap { event, object in
            let old = event.before == nil ? nil : before.popFirst()
            switch (old.map(matches) ?? (event.kind == .deleted), matches(object)) {
            case (true, true): return (event.kind, object)
            case (false, true): return (.added, object)
            case (true, false): return old.map { (.deleted, $0) }
            case (false, false): return nil
            }
        }
    }

    private mutating func finish(isCancelled: Bool) async {
        guard !isCancelled, !isBroken else { return }
        if options.sendsBookmarks { await mark(endsInitialEvents: false) }
        await sink.finish()
    }

    private mutating func mark(endsInitialEvents: Bool) async {
        let revision = max(newest, hasMarked ? newest : store.log.revision)
        await write(encoder.bookmark(revision, endsInitialEvents: endsInitialEvents, isFirst: !hasSent))
    }

    /// At the client's pace: what comes meanwhile waits in the watcher.
    private mutating func write(_ frame: [UInt8]) async {
        guard !isBroken else { return }
        hasSent = true
        encoder.note(frame)
        do {
            try await sink.send(frame)
        } catch {
            // Gone: the client watches again from the last event that it saw.
            isBroken = true
            await sink.abort()
        }
    }
}

/// Notes that the client is to be told how far the log has come, which the watch does when nothing else waits.
private final class BookmarkWish: BookmarkReceiver {
    private let bell: Bell
    private let isNoted = Atomic(false)

    init(_ bell: Bell) { self.bell = bell }

    func bookmark() {
        isNoted.store(true, ordering: .releasing)
        bell.ring()
    }

    /// True once for all that was noted.
    func isDue() -> Bool { isNoted.exchange(false, ordering: .acquiring) }
}
