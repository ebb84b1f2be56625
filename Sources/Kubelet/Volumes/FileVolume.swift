import API
import APIMachinery
import Host
import Support

/// A volume whose files are made from objects of the API: configMap, secret, downwardAPI, projected.
struct FileVolume: Sendable {
    /// Where some of the files come from.
    enum Source: Hashable, Sendable {
        /// Entries of a ConfigMap or a Secret; all of them when `items` is empty.
        case object(ObjectReference, items: [KeyToPath], isOptional: Bool)
        case downwardAPI([DownwardAPIVolumeFile])
        case token(TokenRequestKey, path: String)
        case unsupported(String)
    }

    /// A ConfigMap or Secret of the pod's namespace.
    struct ObjectReference: Hashable, Sendable {
        var resource: GroupVersionResource
        var name: String
    }

    let name: String
    /// The folder below the pod's `volumes`.
    let plugin: String
    /// Secrets, and what may hold some, never reach the disk.
    let isInMemory: Bool
    let sources: [Source]
    let defaultMode: FileMode

    /// `nil` for volumes of other kinds.
    init?(_ volume: Volume) {
        name = volume.name
        let mode: Int?
        if let map = volume.configMap {
            (plugin, isInMemory, mode) = ("kubernetes.io~configmap", false, map.defaultMode)
            sources = [.configMap(map.name, map.items, map.optional)]
        } else if let secret = volume.secret {
            (plugin, isInMemory, mode) = ("kubernetes.io~secret", true, secret.defaultMode)
            sources = [.secret(secret.secretName, secret.items, secret.optional)]
        } else if let downward = volume.downwardAPI {
            (plugin, isInMemory, mode) = ("kubernetes.io~downward-api", true, downward.defaultMode)
            sources = [.downwardAPI(downward.items)]
        } else if let projected = volume.projected {
            (plugin, isInMemory, mode) = ("kubernetes.io~projected", true, projected.defaultMode)
            sources = projected.sources.flatMap(Self.sources)
        } else {
            return nil
        }
        defaultMode = mode.map { FileMode(UInt32(truncatingIfNeeded: $0)) } ?? 0o644
    }

    private static func sources(_ projection: VolumeProjection) -> [Source] {
        var sources: [Source] = []
        if let map = projection.configMap { sources.append(.configMap(map.name, map.items, map.optional)) }
        if let secret = projection.secret {
            sources.append(.secret(secret.name, secret.items, secret.optional))
        }
        if let downward = projection.downwardAPI { sources.append(.downwardAPI(downward.items)) }
        if let token = projection.serviceAccountToken {
            let key = TokenRequestKey(
                audience: token.audience, expirationSeconds: token.expirationSeconds ?? 3600)
            sources.append(.token(key, path: token.path))
        }
        if projection.clusterTrustBundle != nil { sources.append(.unsupported("clusterTrustBundle")) }
        if projection.podCertificate != nil { sources.append(.unsupported("podCertificate")) }
        return sources
    }

    /// The objects that the files are made from.
    var references: Set<ObjectReference> {
        Set(sources.compactMap { if case .object(let reference, _, _) = $0 { reference } else { nil } })
    }

    var tokens: Set<TokenRequestKey> {
        Set(sources.compactMap { if case .token(let key, _) = $0 { key } else { nil } })
    }

    /// Whether a file tells of the pod itself.
    var tellsOfPod: Bool { sources.contains { if case .downwardAPI = $0 { true } else { false } } }

    /// Whether a file tells a limit, which the node's allocatable resources stand for when there is none.
    var readsAllocatable: Bool {
        sources.contains {
            guard case .downwardAPI(let items) = $0 else { return false }
            return items.contains { $0.resourceFieldRef.map(ResourceField.readsLimits) ?? false }
        }
    }
}

extension FileVolume.Source {
    fileprivate static func configMap(_ name: String, _ items: [KeyToPath], _ isOptional: Bool?) -> Self {
        .object(.init(resource: .configMaps, name: name), items: items, isOptional: isOptional ?? false)
    }

    fileprivate static func secret(_ name: String, _ items: [KeyToPath], _ isOptional: Bool?) -> Self {
        .object(.init(resource: .secrets, name: name), items: items, isOptional: isOptional ?? false)
    }
}
