import API
import APIMachinery
import Client
import Synchronization

/// The names of the EndpointSlices of each service, kept by following them.
final class SliceIndex: Sendable {
    static let serviceLabel = "kubernetes.io/service-name"

    private let names = Mutex<[ObjectName: Set<String>]>([:])

    /// Takes note of a change and returns the services that it concerns: two, when a slice changed sides.
    func record(_ change: ObjectChange) -> [ObjectName] {
        let (old, new) = (change.old.flatMap(Self.service), change.new.flatMap(Self.service))
        let slice = change.name.name
        names.withLock { names in
            if let old, old != new {
                names[old]?.remove(slice)
                if names[old]?.isEmpty == true { names[old] = nil }
            }
            if let new { names[new, default: []].insert(slice) }
        }
        return old == new ? [new].compactMap(\.self) : [old, new].compactMap(\.self)
    }

    /// The present slices of a service, parsed, in order of their names.
    func slices(of service: ObjectName, in set: any ObjectSet) -> [EndpointSlice] {
        names.withLock { $0[service] ?? [] }.sorted().compactMap {
            set.get(EndpointSlice.self, ObjectName(namespace: service.namespace, name: $0))
        }
    }

    private static func service(of slice: StoredObject) -> ObjectName? {
        slice.labels[serviceLabel]?.string.map { ObjectName(namespace: slice.namespace, name: $0) }
    }
}
