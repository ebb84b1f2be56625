import API
import APIMachinery
import Host
import Support

/// The files of a volume from the objects they are made from. Pure: whoever has the objects gets the files.
struct PayloadSources {
    let pod: Pod
    /// Entries of the ConfigMaps and Secrets that exist.
    var objects: [FileVolume.ObjectReference: [String: [UInt8]]] = [:]
    var tokens: [TokenRequestKey: String] = [:]
    /// The node's, for limits that are not set.
    var allocatable: [String: Quantity] = [:]

    /// Fails with `notFound` when an object or an entry is missing that is not optional. Of two files with
    /// one path the last source's counts.
    func payload(of volume: FileVolume) throws(Fault) -> Payload {
        var payload = Payload()
        for source in volume.sources {
            switch source {
            case .object(let reference, let items, let isOptional):
                try add(reference, items, isOptional, mode: volume.defaultMode, to: &payload)
            case .downwardAPI(let items):
                for item in items {
                    payload.files[item.path] = Payload.File(
                        bytes: Array(try text(of: item).utf8),
                        mode: Self.mode(item.mode) ?? volume.defaultMode)
                }
            case .token(let key, let path):
                payload.files[path] = try token(key, mode: volume.defaultMode)
            case .unsupported(let kind):
                throw Fault(.unsupported, "projected volumes cannot hold a \(kind)")
            }
        }
        return payload
    }

    private func add(
        _ reference: FileVolume.ObjectReference, _ items: [KeyToPath], _ isOptional: Bool, mode: FileMode,
        to payload: inout Payload
    ) throws(Fault) {
        let kind = reference.resource == .secrets ? "secret" : "configmap"
        guard let entries = objects[reference] else {
            if isOptional { return }
            throw Fault(.notFound, "\(kind) \(GoText.quoted(reference.name)) not found")
        }
        guard !items.isEmpty else {
            for (key, bytes) in entries { payload.files[key] = Payload.File(bytes: bytes, mode: mode) }
            return
        }
        for item in items {
            guard let bytes = entries[item.key] else {
                if isOptional { continue }
                // Kubernetes says it in two ways.
                let words = kind == "secret" ? "references non-existent secret" : "configmap references non-existent config"
                throw Fault(.notFound, "\(words) key: \(item.key)")
            }
            payload.files[item.path] = Payload.File(bytes: bytes, mode: Self.mode(item.mode) ?? mode)
        }
    }

    private func text(of item: DownwardAPIVolumeFile) throws(Fault) -> String {
        if let field = item.fieldRef {
            guard let value = pod.metadataField(field.fieldPath) else {
                throw Fault(.invalid, "unsupported fieldPath: \(field.fieldPath)")
            }
            return value
        }
        guard let reference = item.resourceFieldRef else { return "" }
        return try ResourceField.value(reference, own: nil, in: pod, allocatable: allocatable)
    }

    /// A token is for the pod's processes alone when it is known who they are: one user for all of them, or a
    /// group.
    private func token(_ key: TokenRequestKey, mode: FileMode) throws(Fault) -> Payload.File {
        guard let token = tokens[key] else {
            throw Fault(.notFound, "no token for the audience \(GoText.quoted(key.audience)) yet")
        }
        let user = pod.onlyUser
        let isPrivate = user != nil || pod.spec.securityContext?.fsGroup != nil
        return Payload.File(bytes: Array(token.utf8), mode: isPrivate ? 0o600 : mode, user: user)
    }

    private static func mode(_ number: Int?) -> FileMode? {
        number.map { FileMode(UInt32(truncatingIfNeeded: $0)) }
    }
}

extension Pod {
    /// The user that every container runs as; `nil` when one does not say or they differ.
    var onlyUser: UInt32? {
        let users = (spec.initContainers + spec.containers).map {
            $0.securityContext?.runAsUser ?? spec.securityContext?.runAsUser
        }
        guard let first = users.first ?? nil, users.allSatisfy({ $0 == first }) else { return nil }
        return UInt32(exactly: first)
    }
}
