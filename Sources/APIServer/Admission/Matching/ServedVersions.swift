import API
import APIMachinery
import Synchronization

/// The versions that a registry serves.
///
/// Admission is part of what a registry is made of, so the registry is named after it exists, and not kept alive.
final class ServedVersions: PolicyKinds {
    private struct Reference {
        weak var registry: Registry?
    }

    private let reference = Mutex(Reference())

    /// From here on answers are about what this registry serves.
    func follow(_ registry: Registry) { reference.withLock { $0.registry = registry } }

    private var registry: Registry? { reference.withLock(\.registry) }

    func equivalents(of resource: GroupVersionResource) -> [GroupVersionResource] {
        guard let registry, let store = registry[resource]?.store else { return [resource] }
        return registry.all.filter { $0.store?.cache === store.cache }.map(\.definition.resource)
    }

    func kind(of resource: GroupVersionResource, subresource: String?) -> GroupVersionKind? {
        guard let definition = registry?[resource]?.definition else { return nil }
        guard let subresource else { return definition.groupVersionKind }
        return definition.subresource(subresource)?.kind
    }

    func show(_ object: Value, as resource: GroupVersionResource) async throws(Status) -> Value {
        guard let served = registry?[resource] else { throw Self.notServed(resource) }
        if let form = served.store?.form {
            return try await form.present([StoredObject(received: object)]).first?.value ?? object
        }
        return served.conversion?.toServed(object) ?? object
    }

    func read(
        _ object: Value, as resource: GroupVersionResource, subresource: String?, for home: GroupVersionResource
    ) async throws(Status) -> Value {
        guard let served = registry?[resource] else { throw Self.notServed(resource) }
        let definition = served.definition
        if let custom = served.custom, subresource != "scale" {
            let decoded: Value
            do throws(ObjectDecoder.Refusal) {
                decoded = try custom.decode(object, .ignore).0
            } catch {
                throw .internalError(error.why)
            }
            return home == resource ? decoded : try await show(decoded, as: home)
        }
        do throws(ObjectDecoder.Refusal) {
            if let own = subresource.flatMap(definition.subresource), own.kind != definition.groupVersionKind {
                return try ObjectDecoder(own.kind, own.type).decode(object, .ignore).0
            }
            let decoded = try ObjectDecoder(definition).decode(object, .ignore).0
            return served.conversion?.toStored(decoded) ?? decoded
        } catch {
            throw .internalError(error.why)
        }
    }

    func parameters(of kind: GroupVersionKind) -> ParameterKind? {
        let served = registry?.all.first { $0.definition.groupVersionKind == kind && $0.store != nil }
        guard let served, let cache = served.store?.cache else { return nil }
        return ParameterKind(
            resource: served.definition.resource, isNamespaced: served.definition.isNamespaced, get: cache.get,
            list: { Array(cache.list(namespace: $0)) })
    }

    func type(of resource: GroupVersionResource) -> TypeSchema? { registry?[resource]?.type }

    private static func notServed(_ resource: GroupVersionResource) -> Status {
        .internalError("unable to convert to \(resource): unknown kind")
    }
}
