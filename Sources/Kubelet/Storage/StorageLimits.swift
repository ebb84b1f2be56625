import API
import APIMachinery
import Support

/// How much of the node's disk a pod may use (Kubernetes documentation, "Local ephemeral storage").
struct StorageLimits: Hashable, Sendable {
    struct VolumeLimit: Hashable, Sendable {
        var name: String
        var limit: Quantity
    }

    /// What a pod has on the disk, in bytes.
    struct Use: Hashable, Sendable {
        /// `emptyDir`s on the disk, by name.
        var volumes: [String: Int64] = [:]
        /// What containers wrote, and their logs, by name.
        var containers: [String: Int64] = [:]

        var total: Int128 {
            (Array(volumes.values) + Array(containers.values)).reduce(0) { $0 + Int128($1) }
        }
    }

    private var volumes: [VolumeLimit]
    private var containers: [VolumeLimit]
    private var whole: Quantity?

    /// `nil` for a pod that may use what there is.
    init?(_ pod: Pod) {
        volumes = pod.spec.volumes.compactMap { volume in
            guard let empty = volume.emptyDir, empty.medium.isEmpty,
                let limit = empty.sizeLimit.flatMap({ try? Quantity($0) }), limit.sign > 0
            else { return nil }
            return VolumeLimit(name: volume.name, limit: limit)
        }
        containers = pod.spec.containers.compactMap { container in
            let text = container.resources.limits["ephemeral-storage"]
            guard let limit = text.flatMap({ try? Quantity($0) }), !limit.isZero else { return nil }
            return VolumeLimit(name: container.name, limit: limit)
        }
        whole = PodResources.limits(of: pod.value)["ephemeral-storage"]
        if volumes.isEmpty, containers.isEmpty, whole == nil { return nil }
    }

    /// Why the pod must go, in Kubernetes' words; `nil` while it keeps to its limits.
    func excess(_ use: Use) -> String? {
        for volume in volumes where (use.volumes[volume.name] ?? 0) > volume.limit.value {
            return "Usage of EmptyDir volume \(GoText.quoted(volume.name)) exceeds the limit \"\(volume.limit)\". "
        }
        if let whole, use.total > Int128(whole.value) {
            return "Pod ephemeral local storage usage exceeds the total limit of containers \(whole). "
        }
        for container in containers where (use.containers[container.name] ?? 0) > container.limit.value {
            return "Container \(container.name) exceeded its local ephemeral storage limit \"\(container.limit)\". "
        }
        return nil
    }
}
