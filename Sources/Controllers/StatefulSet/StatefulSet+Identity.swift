import API
import APIMachinery

/// The names by which a StatefulSet's pods and their claims are known, whatever becomes of them.
extension StatefulSet {
    static let nameLabel = "statefulset.kubernetes.io/pod-name"
    static let indexLabel = "apps.kubernetes.io/pod-index"

    /// How many pods it is asked to have.
    var size: Int { max(0, spec.replicas ?? 1) }

    /// The numbers of its pods.
    var ordinals: Range<Int> {
        let start = max(0, spec.ordinals?.start ?? 0)
        let (end, hasOverflown) = start.addingReportingOverflow(size)
        return start..<(hasOverflown ? Int.max : end)
    }

    var isOrdered: Bool { spec.podManagementPolicy != PodManagementPolicyType.parallel }

    /// A rolling update leaves the pods before this one as they are.
    var firstUpdated: Int {
        let partition = max(0, spec.updateStrategy.rollingUpdate?.partition ?? 0)
        return ordinals.lowerBound + min(partition, ordinals.count)
    }

    /// Whether it replaces pods of earlier templates by itself.
    var updatesItself: Bool { spec.updateStrategy.type != "OnDelete" }

    /// The number in the name of one of its pods; `nil` for any other name.
    func ordinal(of podName: String) -> Int? {
        let prefix = metadata.name + "-"
        guard podName.hasPrefix(prefix) else { return nil }
        let digits = podName.dropFirst(prefix.count)
        // `web-03` and `web-+3` are not what this set would call them.
        guard let number = Int32(digits), number >= 0, String(number) == digits else { return nil }
        return Int(number)
    }

    func podName(_ ordinal: Int) -> String { "\(metadata.name)-\(ordinal)" }

    func claimName(_ template: PersistentVolumeClaim, _ ordinal: Int) -> String {
        "\(template.metadata.name)-\(metadata.name)-\(ordinal)"
    }

    /// The labels that a pod is found by, beside those of its template.
    func identity(_ ordinal: Int) -> [String: String] {
        [Self.nameLabel: podName(ordinal), Self.indexLabel: String(ordinal)]
    }

    /// The pod with this number, made from the template of a revision.
    func pod(_ ordinal: Int, _ template: PodTemplateSpec, revision: String) -> Pod {
        var pod = Pod(template: template, of: self)
        let name = podName(ordinal)
        pod.metadata.name = name
        pod.metadata.labels.merge(identity(ordinal)) { $1 }
        pod.metadata.labels[RevisionLabel.ofPods] = revision
        pod.spec.hostname = name
        pod.spec.subdomain = spec.serviceName
        pod.spec.volumes = volumes(ordinal, over: pod.spec.volumes)
        return pod
    }

    /// A volume for each claim; one of the template that has its name gives way.
    private func volumes(_ ordinal: Int, over others: [Volume]) -> [Volume] {
        let templates = spec.volumeClaimTemplates
        let names = Set(templates.map(\.metadata.name))
        let claimed = templates.map { template in
            Volume([
                "name": .string(template.metadata.name),
                "persistentVolumeClaim": ["claimName": .string(claimName(template, ordinal))],
            ])
        }
        return claimed + others.filter { !names.contains($0.name) }
    }

    /// The claims of the pod with this number, as they are made.
    func claims(_ ordinal: Int) -> [PersistentVolumeClaim] {
        spec.volumeClaimTemplates.map { template in
            var claim = PersistentVolumeClaim(namespace: metadata.namespace, name: claimName(template, ordinal))
            claim.metadata.labels = template.metadata.labels.merging(spec.selector?.matchLabels ?? [:]) { $1 }
            claim.metadata.annotations = template.metadata.annotations
            claim.metadata.finalizers = template.metadata.finalizers
            claim.spec = template.spec
            return claim
        }
    }
}
