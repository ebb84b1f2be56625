import APIMachinery
import Support

/// Which of Kubernetes' controllers run (`--controllers` of its controller manager): `*` for all that do by default, `name`
/// for one more, `-name` for one less.
public struct ControllerChoice: Hashable, Sendable {
    /// `nil` when nobody chose.
    private let chosen: [String]?

    /// As k3s has it.
    private static let usual = ["*", "token-cleaner-controller"]

    /// - Parameters:
    ///   - chosen: In place of what k3s has; empty when nobody chose.
    ///   - added: Besides that.
    init(_ chosen: [String], adding added: [String] = []) throws(Fault) {
        guard !(chosen + added).isEmpty else {
            self.chosen = nil
            return
        }
        var names: [String] = []
        for text in (chosen.isEmpty ? Self.usual : chosen) + added {
            let (sign, name) = text.hasPrefix("-") ? ("-", String(text.dropFirst())) : ("", text)
            guard name == "*" && sign.isEmpty || Self.known[name] != nil || Self.aliases[name] != nil else {
                throw Fault(
                    .invalid,
                    "--kube-controller-manager-arg: \(GoText.quoted(name)) is not in the list of known controllers")
            }
            names.append(sign + (Self.aliases[name] ?? name))
        }
        self.chosen = names
    }

    /// Whether the controller of this name runs: the name that Kubernetes has for it today. One that Kubernetes does not have
    /// is not a matter of choice.
    public func has(_ name: String) -> Bool {
        guard let chosen, let isUsual = Self.known[name] else { return true }
        for entry in chosen {
            if entry == name { return true }
            if entry == "-" + name { return false }
        }
        return chosen.contains("*") && isUsual
    }

    /// By name, whether it runs when `*` is said.
    private static let known: [String: Bool] = {
        var known = Dictionary(uniqueKeysWithValues: Set(aliases.values).map { ($0, true) })
        for name in [
            "taint-eviction-controller", "device-taint-eviction-controller", "service-cidr-controller",
            "validatingadmissionpolicy-status-controller", "volumeattributesclass-protection-controller",
            "storage-version-migrator-controller", "podcertificaterequest-cleaner-controller",
            "kube-apiserver-serving-clustertrustbundle-publisher-controller",
        ] { known[name] = true }
        for name in ["bootstrap-signer-controller", "token-cleaner-controller", "selinux-warning-controller"] {
            known[name] = false
        }
        return known
    }()

    /// Names of before Kubernetes 1.28, which stay good.
    private static let aliases = [
        "attachdetach": "persistentvolume-attach-detach-controller",
        "bootstrapsigner": "bootstrap-signer-controller",
        "cloud-node-lifecycle": "cloud-node-lifecycle-controller",
        "clusterrole-aggregation": "clusterrole-aggregation-controller",
        "cronjob": "cronjob-controller",
        "csrapproving": "certificatesigningrequest-approving-controller",
        "csrcleaner": "certificatesigningrequest-cleaner-controller",
        "csrsigning": "certificatesigningrequest-signing-controller",
        "daemonset": "daemonset-controller",
        "deployment": "deployment-controller",
        "disruption": "disruption-controller",
        "endpoint": "endpoints-controller",
        "endpointslice": "endpointslice-controller",
        "endpointslicemirroring": "endpointslice-mirroring-controller",
        "ephemeral-volume": "ephemeral-volume-controller",
        "garbagecollector": "garbage-collector-controller",
        "horizontalpodautoscaling": "horizontal-pod-autoscaler-controller",
        "job": "job-controller",
        "legacy-service-account-token-cleaner": "legacy-serviceaccount-token-cleaner-controller",
        "namespace": "namespace-controller",
        "nodeipam": "node-ipam-controller",
        "nodelifecycle": "node-lifecycle-controller",
        "persistentvolume-binder": "persistentvolume-binder-controller",
        "persistentvolume-expander": "persistentvolume-expander-controller",
        "podgc": "pod-garbage-collector-controller",
        "pv-protection": "persistentvolume-protection-controller",
        "pvc-protection": "persistentvolumeclaim-protection-controller",
        "replicaset": "replicaset-controller",
        "replicationcontroller": "replicationcontroller-controller",
        "resource-claim-controller": "resourceclaim-controller",
        "resourcequota": "resourcequota-controller",
        "root-ca-cert-publisher": "root-ca-certificate-publisher-controller",
        "route": "node-route-controller",
        "service": "service-lb-controller",
        "serviceaccount": "serviceaccount-controller",
        "serviceaccount-token": "serviceaccount-token-controller",
        "statefulset": "statefulset-controller",
        "storage-version-gc": "storageversion-garbage-collector-controller",
        "tokencleaner": "token-cleaner-controller",
        "ttl": "ttl-controller",
        "ttl-after-finished": "ttl-after-finished-controller",
    ]
}
