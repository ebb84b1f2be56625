import APIMachinery
import Client
import Support
import Synchronization
import Wire

extension ResourceEndpoint {
    func watch(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let store = served.store else { throw .methodNotAllowed("watch", call.target.resource) }
        let request = try listRequest(call)
        let encoder = WatchEncoder(try call.format(served.definition, isStream: true), served)
        // 0 means "any state": the present one is the newest of them.
        var revision = try call.revision.flatMap { $0 > 0 ? $0 : nil }
        let sendsInitialEvents = call.query["sendInitialEvents"] == "true"
        // The present state is promised to be no older, which nobody but this server could make true by waiting.
        if sendsInitialEvents, let revision, revision > store.log.revision {
            return refuse(.tooLargeRevision(revision, current: store.log.revision), encoder, exchange)
        }
        // Without initial events and without a revision: from now on.
        if call.query["sendInitialEvents"] == "false", revision == nil { revision = store.log.revision }
        let start = sendsInitialEvents ? nil : revision
        exchange.run {
            if served.isRemote {
                let options = WatchOptions(call, marksInitialEvents: sendsInitialEvents)
                return await followRemotely(served, request.filter, after: start, encoder, options, exchange)
            }
            await follow(
                store, served, request.filter, after: start, encoder,
                WatchOptions(call, marksInitialEvents: sendsInitialEvents), exchange)
        }
    }

    /// What a watch's query asks for besides the selection.
    struct WatchOptions: Sendable {
        /// Seconds: a year.
        private static let longest = 365 * 86_400

        var sendsBookmarks: Bool
        var marksInitialEvents: Bool
        var timeout: Duration

        init(_ call: FrontCall, marksInitialEvents: Bool) {
            sendsBookmarks = call.query["allowWatchBookmarks"] == "true"
            self.marksInitialEvents = marksInitialEvents && sendsBookmarks
            let asked = call.query["timeoutSeconds"].flatMap { Int($0) } ?? 0
            // Spread out, so that the watches of one restart do not all end at once.
            timeout = asked > 0 ? .seconds(min(asked, Self.longest)) : .seconds(Int.random(in: 1800...3600))
        }
    }

    /// What is wrong with a watch that was understood is told by its only event, as in Kubernetes.
    func refuse(_ error: Status, _ encoder: WatchEncoder, _ exchange: HTTPExchange) {
        let headers: HTTPHeaders = ["Content-Type": encoder.contentType, "Cache-Control": "no-cache, private"]
        exchange.respond(.ok, headers, encoder.failure(error))
    }

    private func follow(
        _ store: ResourceStore, _ served: Registry.Served, _ filter: ObjectFilter, after revision: Int64?, _ encoder: WatchEncoder,
        _ options: WatchOptions, _ exchange: HTTPExchange
    ) async {
        let response = WatchResponse(encoder)
        let watcher = CacheWatcher(filter: filter) { response.wake() }
        do throws(Status) {
            try await store.watch(watcher, after: revision)
        } catch {
            return refuse(error, encoder, exchange)
        }
        defer { store.cache.remove(watcher) }
        let headers = Self.headers(encoder.contentType, served)
        let writer = exchange.startResponse(.ok, headers, limit: WatchResponse.held)
        exchange.whenEnded { _ in response.stop() }
        response.begin(watcher, writer)
        if options.marksInitialEvents { response.mark(store.log, endsInitialEvents: true) }
        // Ended early by the end of the exchange.
        try? await Task.sleep(for: options.timeout, tolerance: .seconds(1))
        guard !Task.isCancelled else { return }
        if options.sendsBookmarks { response.mark(store.log, endsInitialEvents: false) }
        response.finish()
    }
}

/// Carries the events of one watch from the cache to the socket, in order, whoever brings them.
final class WatchResponse: Sendable {
    /// What may wait for a client that reads slowly, in bytes, beyond what the watcher itself holds.
    static let held = 4 << 20

    private struct State {
        var source: CacheWatcher?
        var writer: HTTPBodyWriter?
        /// The revision of the newest event that was sent.
        var newest: Int64 = 0
        var hasSent = false
        var isStopped = false
    }

    private let encoder: WatchEncoder
    /// Held while events are handed over, which never blocks: two deliveries must not overtake each other.
    private let state = Mutex(State())

    init(_ encoder: WatchEncoder) { self.encoder = encoder }

    func begin(_ source: CacheWatcher, _ writer: HTTPBodyWriter) {
        state.withLock { state in
            state.source = source
            state.writer = writer
        }
        wake()
    }

    func stop() { state.withLock { $0.isStopped = true } }

    /// Tells that all changes up to a revision were sent: the one that the log tells, whose changes were handed to
    /// every watch before, or that of a change which was sent a moment before the log tells it.
    func mark(_ log: ObjectLog, endsInitialEvents: Bool) {
        state.withLock { state in
            guard !state.isStopped else { return }
            let revision = max(log.revision, state.newest)
            let isFirst = !state.hasSent
            send(encoder.bookmark(revision, endsInitialEvents: endsInitialEvents, isFirst: isFirst), &state)
        }
    }

    /// Ends the watch in good order.
    func finish() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            state.writer?.finish()
        }
    }

    /// Events wait. Called from any thread.
    func wake() {
        state.withLock { state in
            guard !state.isStopped, let source = state.source else { return }
            while let events = source.take() {
                if events.isEmpty { return }
                for event in events {
                    send(encoder.encode(event, isFirst: !state.hasSent), &state)
                    if state.isStopped { return }
                    state.newest = max(state.newest, event.revision)
                }
            }
            state.isStopped = true
            state.writer?.finish()
        }
    }

    private func send(_ frame: [UInt8], _ state: inout State) {
        state.hasSent = true
        guard let writer = state.writer, writer.write(frame) != .accepted else { return }
        // Too slow, or gone: the client watches again from the last event that it saw.
        state.isStopped = true
        writer.abort()
    }
}
