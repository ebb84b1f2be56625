import Host
import Support
import Synchronization
import Wire

/// The name servers that know the rest of the world.
final class Upstreams: Sendable {
    private struct State {
        var servers: [DNSAddress] = []
        /// As the file has them, to see when that changes.
        var listed: [DNSAddress] = []
        var readAt: ContinuousClock.Instant?
    }

    private let source: ClusterDNSOptions.Upstream
    /// Our own addresses: asking them would go in a circle.
    private let own: Set<DNSAddress>
    private let state = Mutex(State())

    /// The file is read again when a question comes and it was read longer ago than this: a laptop changes
    /// its network.
    private static let freshness = Duration.seconds(5)

    init(_ source: ClusterDNSOptions.Upstream, own: [DNSAddress]) {
        self.source = source
        self.own = Set(own)
    }

    /// In the order in which they should be asked.
    func servers() -> [DNSAddress] {
        let now = ContinuousClock.now
        let mustRead = state.withLock { state in
            let isFresh = state.readAt.map { now - $0 < Self.freshness } ?? false
            if !isFresh { state.readAt = now }
            return !isFresh
        }
        guard mustRead else { return state.withLock(\.servers) }
        let listed = read().filter { !own.contains($0) }
        return state.withLock { state in
            if listed != state.listed { (state.listed, state.servers) = (listed, listed) }
            return state.servers
        }
    }

    /// A server did not answer: the others are asked first from now on.
    func failed(_ server: DNSAddress) {
        state.withLock { state in
            guard let place = state.servers.firstIndex(of: server) else { return }
            state.servers.append(state.servers.remove(at: place))
        }
    }

    private func read() -> [DNSAddress] {
        switch source {
        case .servers(let servers): return servers
        case .file(let path):
            // Without the file there is no server, which each question then says.
            guard let text = try? Files.readText(path, limit: .kibibytes(64)) else { return [] }
            return Self.servers(in: text)
        }
    }

    /// The `nameserver` lines of resolv.conf(5), the first three as every resolver takes them.
    static func servers(in text: String) -> [DNSAddress] {
        ResolverConfiguration(text).servers.compactMap { IPAddress($0) }.prefix(3).map { DNSAddress($0) }
    }
}
