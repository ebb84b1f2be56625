import APIMachinery
import Client
import Wire

extension ResourceEndpoint {
    func watch(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        guard let store = served.store else { throw .methodNotAllowed("watch", call.target.resource) }
        let request = try listRequest(call)
        let encoder = WatchEncoder(
            try call.format(served.definition, isStream: true), served, api.registry.watchFigures)
        // 0 means "any state": the present one is the newest of them.
        var revision = try call.revision.flatMap { $0 > 0 ? $0 : nil }
        let sendsInitialEvents = call.query.flag("sendInitialEvents")
        // The present state is promised to be no older, which nobody but this server could make true by waiting.
        var refusal: Status?
        if sendsInitialEvents, let revision, revision > store.log.revision {
            refusal = .tooLargeRevision(revision, current: store.log.revision)
        }
        let webSocket = WebSocketRequest(call.request)
        if let refusal, webSocket == nil { return refuse(refusal, encoder, exchange) }
        // Without initial events and without a revision: from now on.
        if call.query.statedFlag("sendInitialEvents") == false, revision == nil { revision = store.log.revision }
        let start = sendsInitialEvents ? nil : revision
        let options = try WatchOptions(call, marksInitialEvents: sendsInitialEvents, deadline: deadline)
        // Each way is a task of its own: the frame of a task, which lasts as long as the watch, has room for all that is in it.
        if let webSocket {
            exchange.run { [refusal] in
                await follow(
                    webSocket, served, request.filter, after: start, refusal: refusal, encoder, options, call, exchange)
            }
        } else if served.isRemote {
            exchange.run { await followRemotely(served, request.filter, after: start, encoder, options, exchange) }
        } else {
            exchange.run { await follow(store, served, request.filter, after: start, encoder, options, exchange) }
        }
    }

    /// What a watch's query asks for besides the selection.
    struct WatchOptions: Sendable {
        var sendsBookmarks: Bool
        var marksInitialEvents: Bool
        var timeout: Duration
        /// The seat that is given back when the watch has begun.
        var opening: WatchOpening?

        init(_ call: FrontCall, marksInitialEvents: Bool, deadline: RequestDeadline) throws(Status) {
            sendsBookmarks = call.query.flag("allowWatchBookmarks")
            self.marksInitialEvents = marksInitialEvents && sendsBookmarks
            let asked = try call.query.number("timeoutSeconds")
            timeout = deadline.end(ofWatchFor: asked ?? 0)
            opening = call.opening
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
        let response = WatchResponse(
            encoder, store.log, marksInitialEvents: options.marksInitialEvents, opening: options.opening)
        let watcher = CacheWatcher(filter: filter) { response.wake() }
        do throws(Status) {
            try await store.watch(watcher, after: revision)
        } catch {
            return refuse(error, encoder, exchange)
        }
        if options.sendsBookmarks { store.log.bookmarks.add(response) }
        defer {
            store.cache.remove(watcher)
            store.log.bookmarks.remove(response)
        }
        let headers = Self.headers(encoder.contentType, served)
        let writer = exchange.startResponse(.ok, headers, limit: WatchResponse.held)
        exchange.whenEnded { _ in response.stop() }
        response.begin(watcher, writer)
        // Ended early by the end of the exchange.
        try? await Task.sleep(for: options.timeout, tolerance: .seconds(1))
        guard !Task.isCancelled else { return }
        response.finish(withBookmark: options.sendsBookmarks)
    }
}
