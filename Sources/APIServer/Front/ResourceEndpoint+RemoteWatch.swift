import APIMachinery
import Client
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
        let source = PacedWatch.Source(filter)
        do throws(Status) {
            try await store.watch(source.watcher, after: revision)
        } catch {
            return refuse(error, encoder, exchange)
        }
        let headers = Self.headers(encoder.contentType, served)
        let writer = exchange.startResponse(.ok, headers, limit: WatchResponse.held)
        let watch = PacedWatch(
            source, served: served, store: store, encoder: encoder, options: options, sink: BodySink(writer: writer))
        await watch.run()
    }
}

/// The body of a response, as what a watch is written to.
private struct BodySink: WatchSink {
    let writer: HTTPBodyWriter

    func send(_ frame: [UInt8]) async throws { try await writer.send(frame) }
    func finish() async { writer.finish() }
    func abort() async { writer.abort() }
}
