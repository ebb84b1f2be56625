public import API
import APIMachinery
import Support

/// How volumes are emptied whose policy is `Recycle` (Kubernetes documentation, "Persistent Volumes", "Recycle"): by a pod
/// that mounts one and deletes what is in it. Only volumes of type `hostPath` and `nfs` can be.
public struct VolumeRecycling: Sendable {
    /// How volumes of one type are emptied: the flags `pv-recycler-*` of `kube-controller-manager`.
    public struct Rule: Sendable {
        /// How long the pod may take at least, in seconds.
        public var minimum: Int
        /// How long it may take for each GiB of the volume, in seconds.
        public var increment: Int
        /// The pod; its first volume becomes the one to be emptied.
        public var template: Pod

        public init(minimum: Int, increment: Int = 30, template: Pod = VolumeRecycling.standardTemplate) {
            self.minimum = minimum
            self.increment = increment
            self.template = template
        }
    }

    public var hostPath = Rule(minimum: 60)
    public var nfs = Rule(minimum: 300)

    public init() {}

    /// The pod that Kubernetes has for this.
    public static let standardTemplate = Pod([
        "apiVersion": "v1", "kind": "Pod", "metadata": ["generateName": "pv-recycler-", "namespace": "default"],
        "spec": [
            "activeDeadlineSeconds": 60, "restartPolicy": "Never", "volumes": [["name": "vol"]],
            "containers": [
                [
                    "name": "pv-recycler", "image": "registry.k8s.io/build-image/debian-base:bookworm-v1.0.6",
                    "command": ["/bin/sh"],
                    "args": [
                        "-c",
                        "test -e /scrub && find /scrub -mindepth 1 -delete && test -z \"$(ls -A /scrub)\" || exit 1",
                    ],
                    "volumeMounts": [["name": "vol", "mountPath": "/scrub"]],
                ]
            ],
        ],
    ])

    static let prefix = "recycler-for-"

    /// The pod that empties the volume; `nil` when nothing can.
    func pod(for volume: PersistentVolume) -> Pod? {
        guard let (rule, source) = rule(for: volume) else { return nil }
        var pod = rule.template
        pod.value[path: ["metadata", "generateName"]] = nil
        pod.metadata.name = Self.prefix + volume.metadata.name
        if pod.metadata.namespace.isEmpty { pod.metadata.namespace = "default" }
        pod.spec.activeDeadlineSeconds = rule.deadline(for: volume)
        var volumes = pod.value.at("spec", "volumes")?.array ?? []
        guard let name = volumes.first?["name"] else { return nil }
        volumes[0] = ["name": name]
        volumes[0][source.key] = source.value
        pod.value[path: ["spec", "volumes"]] = .array(volumes)
        return pod
    }

    private func rule(for volume: PersistentVolume) -> (rule: Rule, source: (key: String, value: Value))? {
        if let source = volume.spec.hostPath { return (hostPath, ("hostPath", ["path": .string(source.path)])) }
        if let source = volume.spec.nfs {
            return (nfs, ("nfs", ["server": .string(source.server), "path": .string(source.path)]))
        }
        return nil
    }
}

extension VolumeRecycling.Rule {
    /// Seconds: by the size in whole GiB, not less than the minimum, and not more than a pod may name.
    func deadline(for volume: PersistentVolume) -> Int {
        let size = volume.spec.capacity["storage"].flatMap { try? Quantity($0) }?.value ?? 0
        let (time, isTooLong) = Int(size >> 30).multipliedReportingOverflow(by: increment)
        return min(max(isTooLong ? Int.max : time, minimum), Int(Int32.max))
    }
}
