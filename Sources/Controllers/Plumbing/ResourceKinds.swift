import APIMachinery
import Client
import Synchronization

/// Finds the resource of a kind, as references to objects name kinds: those that come with definitions of custom
/// resources too.
final class ResourceKinds: Sendable {
    private struct Kind: Hashable {
        var group: String
        var kind: String

        init(_ kind: GroupVersionKind) { (group, self.kind) = (kind.group, kind.kind) }
    }

    private let entries = Mutex<[Kind: CatalogEntry]>([:])

    init() {}

    /// Follows the catalog until the observation is cancelled.
    func follow(_ catalog: any ResourceCatalog) -> any Observation {
        catalog.observe { [self] change in
            switch change {
            case .added(let entry): entries.withLock { $0[Kind(entry.kind)] = entry }
            case .removed(let entry):
                entries.withLock { if $0[Kind(entry.kind)] == entry { $0[Kind(entry.kind)] = nil } }
            }
        }
    }

    /// The resource, in the version that is asked for; `nil` when no such kind is served.
    func resource(of kind: GroupVersionKind) -> GroupVersionResource? {
        guard var resource = entries.withLock({ $0[Kind(kind)]?.resource }) else { return nil }
        resource.version = kind.version
        return resource
    }

    /// Whether its objects are in namespaces, as far as is known.
    func isNamespaced(_ kind: GroupVersionKind) -> Bool {
        entries.withLock { $0[Kind(kind)]?.isNamespaced ?? true }
    }
}
