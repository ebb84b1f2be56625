import APIMachinery
import Client
import Wire

extension ResourceEndpoint {
    /// A watch over WebSocket, as pages in browsers have it: each frame is a message. What the client sends means
    /// nothing, but for its close.
    ///
    /// - Parameter refusal: What is wrong with the watch, which then is all that it tells.
    func follow(
        _ request: WebSocketRequest, _ served: Registry.Served, _ filter: ObjectFilter, after revision: Int64?,
        refusal: Status? = nil, _ encoder: WatchEncoder, _ options: WatchOptions, _ call: FrontCall,
        _ exchange: HTTPExchange
    ) async {
        guard let store = served.store else { return }
        let socket: WebSocket
        do {
            // Nothing depends on the subprotocol: a client that offers some wants to hear one of them.
            socket = try await request.accept(exchange, subprotocol: request.offered.first)
        } catch let status as Status {
            return exchange.respond(status, to: call.request)
        } catch {
            // The client is gone.
            return
        }
        let source = PacedWatch.Source(filter)
        let sink = SocketSink(socket: socket, encoder: encoder)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await socket.receive()) != nil {}
                source.watcher.end()
            }
            if let failure = await begin(source, store, after: revision, refusal) {
                try? await sink.send(encoder.failure(failure))
                await sink.finish()
            } else {
                let watch = PacedWatch(
                    source, served: served, store: store, encoder: encoder, options: options, sink: sink)
                await watch.run()
            }
            // The client has yet to answer the close; a socket that is closed before takes with it what was sent last.
            group.addTask { try? await Task.sleep(for: WebSocket.closeTimeout, tolerance: .seconds(1)) }
            await group.next()
            group.cancelAll()
        }
        await socket.close()
    }

    /// Tells the store of the watch. Returns why there is none.
    private func begin(
        _ source: PacedWatch.Source, _ store: ResourceStore, after revision: Int64?, _ refusal: Status?
    ) async -> Status? {
        if let refusal { return refusal }
        do throws(Status) {
            try await store.watch(source.watcher, after: revision)
            return nil
        } catch {
            return error
        }
    }
}

/// A WebSocket, as what a watch is written to.
private struct SocketSink: WatchSink {
    let socket: WebSocket
    let encoder: WatchEncoder

    func send(_ frame: [UInt8]) async throws { try await socket.send(encoder.message(frame)) }
    func finish() async { try? await socket.sendClose() }
    func abort() async { await socket.close() }
}
