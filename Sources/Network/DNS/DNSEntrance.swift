public import Support
import Synchronization
public import Wire

/// Where the cluster's DNS is asked, taken before there is anybody to answer.
///
/// A start that finds a port taken must find so before it begins anything on the host. Whoever asks meanwhile
/// waits for the answer: pods of an earlier run would lose seconds before they ask again.
public final class DNSEntrance: Sendable {
    /// As they were bound.
    public let addresses: [DNSAddress]
    private let server: DNSServer
    private let door: Door

    /// Listens already. The host may get the addresses later (``ClusterDNS/claim(_:in:)``); `conflict` when
    /// another program has one of the ports.
    public init(_ addresses: [DNSAddress]) async throws(Fault) {
        door = Door()
        server = DNSServer(handler: door)
        var bound: [DNSAddress] = []
        do throws(Fault) {
            for address in addresses { bound.append(try await server.listen(on: address, isHosts: false)) }
        } catch {
            await server.close()
            throw error
        }
        self.addresses = bound
    }

    /// From now on `handler` answers, at first those who wait.
    func open(to handler: any DNSHandler) {
        for query in door.open(to: handler) {
            if let answer = handler.answer(query) { query.respond(answer) }
        }
    }

    /// Gives the ports back.
    public func close() async { await server.close() }
}

private final class Door: DNSHandler {
    /// More are dropped, as a network may: who asked them asks again.
    private static let mostWaiting = 512

    private struct State {
        var handler: (any DNSHandler)?
        var waiting: [DNSQuery] = []
    }

    private let state = Mutex(State())

    func answer(_ query: DNSQuery) -> [UInt8]? {
        let handler = state.withLock { state in
            if state.handler == nil, state.waiting.count < Self.mostWaiting { state.waiting.append(query) }
            return state.handler
        }
        return handler?.answer(query)
    }

    /// Returns those who wait.
    func open(to handler: any DNSHandler) -> [DNSQuery] {
        state.withLock { state in
            state.handler = handler
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
