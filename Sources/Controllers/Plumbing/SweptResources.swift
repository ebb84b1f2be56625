import API
import APIMachinery
import Client
import Logging
import Support
import Synchronization

/// A resource and the live set of all its objects, for controllers that look at every kind.
struct SweptResource: Sendable {
    var entry: CatalogEntry
    var set: any ObjectSet
}

/// The live sets of all resources that a controller looks at, as resources come and go.
///
/// Each resource has a place, a number that stays its own also when it goes and comes back, so that a place can stand
/// for it in an index.
final class SweptResources: Sendable {
    private struct Place {
        var resource: SweptResource?
        var observation: (any Observation)?
    }

    private struct State {
        /// What the catalog told and nobody took in yet.
        var changes: [CatalogChange] = []
        var places: [Place] = []
        var positions: [GroupVersionResource: Int] = [:]
    }

    /// Feeds a controller from a resource's set: its place, and the set.
    typealias Follow = @Sendable (Int, SweptResource) -> any Observation

    private let client: any Client
    private let clock: any Clock<Duration>
    private let follow: Follow
    private let state = Mutex(State())
    private let bell = Bell()
    /// How long a failure to observe is waited out.
    private static let retry: Duration = .seconds(5)

    init(_ context: ControllerContext, _ follow: @escaping Follow) {
        client = context.client
        clock = context.clock
        self.follow = follow
    }

    /// The resource at a place, while it is served.
    subscript(place: Int) -> SweptResource? { state.withLock { $0.places[place].resource } }

    var present: [SweptResource] { state.withLock { $0.places.compactMap(\.resource) } }

    /// Observes those resources of the catalog that are `wanted` and whose objects can be listed, watched and deleted,
    /// then calls `body`, and follows the catalog until that returns.
    func run(
        _ catalog: any ResourceCatalog, report log: Logger, where wanted: @escaping @Sendable (CatalogEntry) -> Bool,
        _ body: @escaping @Sendable () async -> Void
    ) async throws(Status) {
        let observation = catalog.observe { [self] change in
            let entry = switch change { case .added(let entry), .removed(let entry): entry }
            guard wanted(entry), ["delete", "list", "watch"].allSatisfy(entry.verbs.contains) else { return }
            state.withLock { $0.changes.append(change) }
            bell.ring()
        }
        defer { end(observation) }
        try await catchUp()
        await withTaskGroup { group in
            group.addTask { await self.keepUp(log) }
            group.addTask { await body() }
            await group.next()
            group.cancelAll()
        }
    }

    private func keepUp(_ log: Logger) async {
        while !Task.isCancelled {
            do throws(Status) {
                try await catchUp()
                await bell.wait()
            } catch {
                log.warning("a kind cannot be observed: \(error)")
                await bell.wait(atMost: Self.retry, clock: clock)
            }
        }
    }

    /// Takes in what the catalog told, in order. What fails is tried again by the next call.
    private func catchUp() async throws(Status) {
        while let change = state.withLock(\.changes.first) {
            switch change {
            case .added(let entry): try await begin(entry)
            case .removed(let entry): clear(entry.resource)
            }
            state.withLock { _ = $0.changes.removeFirst() }
        }
    }

    /// One that the server serves no longer is left out.
    private func begin(_ entry: CatalogEntry) async throws(Status) {
        let resource: SweptResource
        do throws(Status) {
            resource = SweptResource(entry: entry, set: try await client.observe(entry.resource, .all))
        } catch {
            guard error.isNotFound || error.reason == .methodNotAllowed else { throw error }
            return
        }
        let place = state.withLock { state in
            let place = state.positions[entry.resource] ?? state.places.count
            if place == state.places.count { state.places.append(Place()) }
            state.positions[entry.resource] = place
            state.places[place].resource = resource
            return place
        }
        let observation = follow(place, resource)
        state.withLock { $0.places[place].observation = observation }
    }

    private func clear(_ resource: GroupVersionResource) {
        let observation = state.withLock { state in
            guard let place = state.positions[resource] else { return nil as (any Observation)? }
            defer { state.places[place] = Place() }
            return state.places[place].observation
        }
        observation?.cancel()
    }

    private func end(_ catalog: any Observation) {
        catalog.cancel()
        let observations = state.withLock { $0.places.compactMap(\.observation) }
        for observation in observations { observation.cancel() }
    }
}

extension FixedCatalog {
    /// What comes with Kubernetes itself.
    static let builtin = FixedCatalog(
        BuiltinResources.shared.resources.map { definition in
            CatalogEntry(
                resource: definition.resource, kind: definition.groupVersionKind,
                isNamespaced: definition.isNamespaced, verbs: definition.verbs)
        })
}
