import API
import APIMachinery
import Support

/// The variables of one container from the objects that they refer to. Pure: whoever has the objects gets the
/// list.
///
/// Of equal names the last counts: services first, then `envFrom` in its order, then `env` in its order. A
/// value of `env` may refer to variables before it.
struct EnvironmentSources: Sendable {
    /// The objects of the pod's namespace by name; one that is missing does not exist.
    var configMaps: [String: ConfigMap] = [:]
    var secrets: [String: Secret] = [:]
    /// Services of the pod's namespace and of `default`.
    var services: [Service] = []
    /// Where volumes are on this node, by name: variables may be in their files (KEP 3721).
    var files: [String: String] = [:]

    func variables(
        of container: Container, in pod: Pod, _ placement: PodPlacement
    ) throws(Fault) -> [(name: String, value: String)] {
        let fromServices = ServiceVariables.of(
            services, namespace: pod.metadata.namespace, areLinksEnabled: pod.spec.enableServiceLinks ?? true)
        var list = VariableList()
        for variable in fromServices { try list.set(variable.name, variable.value) }
        for source in container.envFrom { try add(source, to: &list) }
        for variable in container.env {
            if let value = try value(of: variable, container, pod, placement, list) {
                try list.set(variable.name, value)
            }
        }
        return list.all
    }

    /// Names of objects that the container's variables refer to.
    static func names(in container: Container) -> (configMaps: Set<String>, secrets: Set<String>) {
        let sources = container.env.compactMap(\.valueFrom)
        let maps =
            container.envFrom.compactMap(\.configMapRef?.name) + sources.compactMap(\.configMapKeyRef?.name)
        let secrets =
            container.envFrom.compactMap(\.secretRef?.name) + sources.compactMap(\.secretKeyRef?.name)
        return (Set(maps), Set(secrets))
    }

    /// The objects of these names as they are here.
    func read(_ names: (configMaps: Set<String>, secrets: Set<String>), in namespace: String) -> ObjectsRead {
        var read = ObjectsRead()
        func note(_ resource: GroupVersionResource, _ name: String, _ metadata: ObjectMeta?) {
            let key = ObservedObjects.Key(
                resource: resource, name: ObjectName(namespace: namespace, name: name))
            read.revisions[key] = metadata.flatMap { Int64($0.resourceVersion) } ?? 0
        }
        for name in names.configMaps { note(.configMaps, name, configMaps[name]?.metadata) }
        for name in names.secrets { note(.secrets, name, secrets[name]?.metadata) }
        return read
    }

    /// Every entry whose name with the prefix can be a variable's: anything without `=` (KEP-4369).
    private func add(_ source: EnvFromSource, to list: inout VariableList) throws(Fault) {
        var values: [String: String] = [:]
        if let reference = source.configMapRef {
            guard let object = configMaps[reference.name] else {
                if reference.optional == true { return }
                throw Self.missing("configmap", reference.name)
            }
            values = object.data
        } else if let reference = source.secretRef {
            guard let object = secrets[reference.name] else {
                if reference.optional == true { return }
                throw Self.missing("secret", reference.name)
            }
            values = object.data.mapValues { String(decoding: $0, as: UTF8.self) }
        }
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            let name = source.prefix + key
            if !name.utf8.contains(UInt8(ascii: "=")) { try list.set(name, value) }
        }
    }

    /// `nil` when an optional source is missing: the variable is then left out.
    private func value(
        of variable: EnvVar, _ container: Container, _ pod: Pod, _ placement: PodPlacement,
        _ list: VariableList
    ) throws(Fault) -> String? {
        guard variable.valueText.isEmpty, let source = variable.valueFrom else {
            return try VariableExpansion.expand(variable.valueText) { list[$0] }
        }
        if let field = source.fieldRef {
            guard let value = pod.field(field.fieldPath, placement) else {
                throw Fault(.invalid, "unsupported fieldPath: \(field.fieldPath)")
            }
            return value
        }
        if let reference = source.resourceFieldRef {
            return try ResourceField.value(
                reference, own: container, in: pod, allocatable: placement.allocatable)
        }
        if let reference = source.configMapKeyRef {
            let object = configMaps[reference.name]
            return try Self.entry(
                object?.data[reference.key], reference.key, reference.optional, isObjectThere: object != nil,
                "ConfigMap", ObjectName(namespace: pod.metadata.namespace, name: reference.name))
        }
        if let reference = source.secretKeyRef {
            let object = secrets[reference.name]
            let value = object?.data[reference.key].map { String(decoding: $0, as: UTF8.self) }
            return try Self.entry(
                value, reference.key, reference.optional, isObjectThere: object != nil, "Secret",
                ObjectName(namespace: pod.metadata.namespace, name: reference.name))
        }
        if let reference = source.fileKeyRef {
            return try EnvironmentFile.value(of: reference, volume: files[reference.volumeName])
        }
        return ""
    }

    private static func entry(
        _ value: String?, _ key: String, _ isOptional: Bool?, isObjectThere: Bool, _ kind: String,
        _ name: ObjectName
    ) throws(Fault) -> String? {
        if value != nil || isOptional == true { return value }
        guard isObjectThere else { throw missing(kind.lowercased(), name.name) }
        throw Fault(.notFound, "couldn't find key \(key) in \(kind) \(name)")
    }

    private static func missing(_ kind: String, _ name: String) -> Fault {
        Fault(.notFound, "\(kind) \(GoText.quoted(name)) not found")
    }
}
