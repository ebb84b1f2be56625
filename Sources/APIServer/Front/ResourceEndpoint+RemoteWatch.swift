import APIMachinery
import Client
import Support
import Synchronization
import Wire

extension ResourceEndpoint {
    /// A watch of a custom resource whose objects a server outside has to convert, batch by batch.
    ///
    /// What comes meanwhile waits in the watcher, which has bounds: a conversion that is slower than the changes cuts the
    /// watch off, and the client begins again.
    func followRemotely(
        _ served: Registry.Served, _ filter: ObjectFilter, after revision: Int64?, _ encoder: WatchEncoder,
        _ options: WatchOptions, _ exchange: HTTPExchange
    ) async {
        guard let store = served.store else { return }
        let bell = Bell()
        let watcher = CacheWatcher(filter: filter) { bell.ring() }
        do throws(Status) {
            try await store.watch(watcher, after: revision)
        } catch {
            return refuse(error, encoder, exchange)
        }
        let wish = BookmarkWish(bell)
        if options.sendsBookmarks { store.log.bookmarks.add(wish) }
        defer {
            store.cache.remove(watcher)
            store.log.bookmarks.remove(wish)
        }
        let headers = Self.headers(encoder.contentType, served)
        let writer = exchange.startResponse(.ok, headers, limit: WatchResponse.held)
        await withTaskGroup { group in
            group.addTask {
                try? await Task.sleep(for: options.timeout, tolerance: .seconds(1))
                watcher.end()
                // A client that does not even read to the end.
                try? await Task.sleep(for: .seconds(10), tolerance: .seconds(1))
                if !Task.isCancelled { writer.abort() }
            }
            var pump = RemoteWatch(
                served: served, store: store, filter: filter, encoder: encoder, options: options, writer: writer)
            while !Task.isCancelled {
                // Read before what waits: the changes up to it were handed to every watch by then.
                let revision = store.log.revision
                guard let events = watcher.take(), await pump.send(events) else { break }
                options.opening?.end()
                guard events.isEmpty else { continue }
                if wish.isDue() { await pump.bookmark(revision) } else { await bell.wait() }
            }
            await pump.finish(isCancelled: Task.isCancelled)
            group.cancelAll()
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

/// What one such watch has sent.
private struct RemoteWatch {
    let served: Registry.Served
    let store: ResourceStore
    let filter: ObjectFilter
    let encoder: WatchEncoder
    let options: ResourceEndpoint.WatchOptions
    let writer: HTTPBodyWriter
    private var hasSent = false
    private var hasMarked = false
    private var isBroken = false
    private var newest: Int64 = 0

    init(
        served: Registry.Served, store: ResourceStore, filter: ObjectFilter, encoder: WatchEncoder,
        options: ResourceEndpoint.WatchOptions, writer: HTTPBodyWriter
    ) {
        self.served = served
        self.store = store
        self.filter = filter
        self.encoder = encoder
        self.options = options
        self.writer = writer
    }

    /// Sends a batch; the first is what was there when the watch began. False when the watch is over.
    mutating func send(_ events: [SelectedEvent]) async -> Bool {
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
    mutating func bookmark(_ revision: Int64) async {
        guard revision > newest else { return }
        newest = revision
        await mark(endsInitialEvents: false)
    }

    /// The events in the served version: of a selection by fields, what they mean to those who see only what is selected.
    private func show(
        _ events: [SelectedEvent]
    ) async throws(Status) -> [(kind: SelectedEvent.Kind, object: StoredObject)] {
        let objects = try await served.present(events)
        guard let matches = filter.matchesShown else { return zip(events, objects).map { ($0.kind, $1) } }
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

    mutating func finish(isCancelled: Bool) async {
        guard !isCancelled, !isBroken else { return }
        if options.sendsBookmarks { await mark(endsInitialEvents: false) }
        writer.finish()
    }

    private mutating func mark(endsInitialEvents: Bool) async {
        let revision = max(newest, hasMarked ? newest : store.log.revision)
        await write(encoder.bookmark(revision, endsInitialEvents: endsInitialEvents, isFirst: !hasSent))
    }

    /// At the client's pace: what comes meanwhile waits in the watcher.
    private mutating func write(_ frame: [UInt8]) async {
        guard !isBroken else { return }
        hasSent = true
        do {
            try await writer.send(frame)
        } catch {
            // Gone: the client watches again from the last event that it saw.
            isBroken = true
            writer.abort()
        }
    }
}
