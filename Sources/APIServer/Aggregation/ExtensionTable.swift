import APIMachinery
import Client
import Synchronization

/// Which versions other servers answer for, at this instant. Asked for each request, so asking costs one look.
final class ExtensionTable: Sendable {
    private struct State {
        var servers: [String: ExtensionServer] = [:]
        var offers: [String: ExtensionServer.Offer] = [:]
        /// By group and version.
        var byPath: [String: String] = [:]
        /// What is to be told when somebody wants to know anew how a server is.
        var recheck: @Sendable (String) -> Void = { _ in }
        var lastLook = ContinuousClock.now
    }

    /// How old what is known of the servers' resources may be when somebody asks for discovery.
    private static let freshness = Duration.seconds(60)

    private let state = Mutex(State())
    private let observation = Mutex<(any Observation)?>(nil)

    /// Follows the APIServices.
    func follow(_ services: any ObjectSet) {
        let own = services.observe { [weak self] change in
            self?.state.withLock { state in
                let server = change.new.flatMap { ExtensionServer($0.value) }
                state.servers[change.name.name] = server
                if server == nil { state.offers[change.name.name] = nil }
                state.byPath = Dictionary(
                    state.servers.map { ($0.value.groupVersion, $0.key) }, uniquingKeysWith: { min($0, $1) })
            }
        }
        observation.withLock { $0 = own }
    }

    deinit { observation.withLock { $0?.cancel() } }

    func whenAsked(_ recheck: @escaping @Sendable (String) -> Void) { state.withLock { $0.recheck = recheck } }

    /// Notes what a server offers.
    func learn(_ name: String, _ offer: ExtensionServer.Offer) { state.withLock { $0.offers[name] = offer } }

    var isEmpty: Bool { state.withLock { $0.servers.isEmpty } }

    /// All of them, by name.
    var present: [ExtensionServer] {
        state.withLock { state in
            state.servers.keys.sorted().compactMap { Self.server($0, state) }
        }
    }

    /// The server that answers for a path such as `/apis/GROUP/VERSION/...`.
    func server(forPath path: String) -> ExtensionServer? {
        guard path.hasPrefix("/apis/") else { return nil }
        return state.withLock { state in
            guard !state.servers.isEmpty else { return nil }
            let parts = path.dropFirst(6).split(separator: "/", maxSplits: 2)
            guard parts.count >= 2, let name = state.byPath["\(parts[0])/\(parts[1])"] else { return nil }
            return Self.server(name, state)
        }
    }

    private static func server(_ name: String, _ state: State) -> ExtensionServer? {
        guard var server = state.servers[name] else { return nil }
        server.offer = state.offers[name]
        return server
    }

    /// Says that a server could not be reached although it was thought to be there.
    func failed(_ name: String) { state.withLock(\.recheck)(name) }

    /// Somebody asks what there is: what is known is shown, and found out anew for the next one if it is old.
    func asked() {
        let (names, recheck) = state.withLock { state -> ([String], @Sendable (String) -> Void) in
            guard !state.servers.isEmpty, ContinuousClock.now - state.lastLook > Self.freshness else {
                return ([], state.recheck)
            }
            state.lastLook = .now
            return (Array(state.servers.keys), state.recheck)
        }
        for name in names { recheck(name) }
    }
}
