public import APIMachinery

/// What clients are warned of when they write objects of the built-in kinds: what is good, and still not what they
/// mean (KEP-1693). The wording is Kubernetes' own.
public enum BuiltinWarnings {
    /// What to say about a new object, or about one that takes the place of `current`. Says nothing of objects whose
    /// spec stays as it was.
    public static func of(_ object: Value, replacing current: Value?, as definition: ResourceDefinition) -> [String] {
        guard let check = checks[definition.resource.groupResource] else { return [] }
        if let current, same(object, current) { return [] }
        var warnings = Warnings(isNew: current == nil)
        check(&warnings, object)
        return warnings.texts
    }

    /// What to say to everybody who uses a kind at all; `nil` for kinds that are there to stay.
    public static func deprecation(of definition: ResourceDefinition) -> String? {
        switch definition.resource.groupResource {
        case "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
        case "componentstatuses": "v1 ComponentStatus is deprecated in v1.19+"
        default: nil
        }
    }

    private static func same(_ object: Value, _ current: Value) -> Bool {
        object["spec"] == current["spec"] && object["template"] == current["template"]
            && object.at("metadata", "annotations") == current.at("metadata", "annotations")
    }

    private static let checks: [String: @Sendable (inout Warnings, Value) -> Void] = [
        "pods": { warnings, object in
            warnings.hostname(object, "the Pod's hostname")
            warnings.pod(object["metadata"], object["spec"], "")
        },
        "podtemplates": { $0.template($1["template"], "template.") },
        "replicationcontrollers": { $0.workload($1) }, "replicasets.apps": { $0.workload($1) },
        "deployments.apps": { $0.workload($1) }, "daemonsets.apps": { $0.template($1.at("spec", "template"), "spec.template.") },
        "statefulsets.apps": { warnings, object in
            warnings.template(object.at("spec", "template"), "spec.template.")
            if object.at("spec", "revisionHistoryLimit")?.integer ?? 0 < 0 {
                warnings.say(
                    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is "
                        + "recommended")
            }
        },
        "jobs.batch": { $0.workload($1) },
        "cronjobs.batch": { warnings, object in
            warnings.hostname(object, "Pod names and hostnames")
            warnings.template(object.at("spec", "jobTemplate", "spec", "template"), "spec.jobTemplate.spec.template.")
        },
        "services": { $0.service($1) }, "ingresses.networking.k8s.io": { $0.ingress($1) },
        "persistentvolumes": { $0.volume($1) },
        "persistentvolumeclaims": { warnings, object in
            warnings.classAnnotation(object)
            warnings.fraction(object.at("spec", "resources", "requests", "storage"), "spec.resources.requests[storage]")
        },
        "serviceaccounts": { $0.account($1) }, "nodes": { $0.node($1) },
    ]
}

/// The warnings about one object.
struct Warnings {
    /// Some things are said only once, when the object is made.
    let isNew: Bool
    private(set) var texts: [String] = []

    init(isNew: Bool) { self.isNew = isNew }

    mutating func say(_ text: String) { texts.append(text) }

    /// A name that is no label of DNS is no good host name.
    mutating func hostname(_ object: Value, _ use: String) {
        let problems = NameRule.dns1123Label.problems(in: object.at("metadata", "name").text)
        guard isNew, !problems.isEmpty else { return }
        say(
            "metadata.name: this is used in \(use), which can result in surprising behavior; a DNS label is "
                + "recommended: [\(problems.joined(separator: " "))]")
    }

    mutating func workload(_ object: Value) {
        hostname(object, "Pod names and hostnames")
        template(object.at("spec", "template"), "spec.template.")
    }

    mutating func template(_ template: Value?, _ path: String) { pod(template["metadata"], template["spec"], path) }

    /// Bytes are counted in whole ones.
    mutating func fraction(_ amount: Value?, _ path: @autoclosure () -> String) {
        guard let quantity = amount.quantity, !quantity.isWhole else { return }
        say("\(path()): fractional byte value \(GoText.quoted("\(quantity)")) is invalid, must be an integer")
    }

    // MARK: - Kinds

    mutating func service(_ service: Value) {
        let (spec, annotations) = (service["spec"], service.at("metadata", "annotations"))
        if annotations["service.kubernetes.io/topology-aware-hints"] != nil {
            say(
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use "
                    + "service.kubernetes.io/topology-mode instead")
        }
        guard spec["clusterIP"].text == "None" else { return }
        if !spec["loadBalancerIP"].text.isEmpty { say("spec.loadBalancerIP is ignored for headless services") }
        if spec["externalIPs"].isFilled { say("spec.externalIPs is ignored for headless services") }
        if spec["sessionAffinity"].text == "ClientIP" {
            say("spec.SessionAffinity is ignored for headless services")
        }
    }

    mutating func ingress(_ ingress: Value) {
        guard isNew, ingress.at("metadata", "annotations", "kubernetes.io/ingress.class") != nil else { return }
        say("annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead")
    }

    mutating func classAnnotation(_ object: Value) {
        let key = "volume.beta.kubernetes.io/storage-class"
        guard object.at("metadata", "annotations", key) != nil else { return }
        say("metadata.annotations[\(key)]: deprecated since v1.8; use \"storageClassName\" attribute instead")
    }

    mutating func volume(_ volume: Value) {
        classAnnotation(volume)
        if volume.at("spec", "persistentVolumeReclaimPolicy").text == "Recycle" {
            say(
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the "
                    + "recommended approach is to use dynamic provisioning.")
        }
        retired(volume["spec"], "spec.")
    }

    mutating func account(_ account: Value) {
        let key = "kubernetes.io/enforce-mountable-secrets"
        guard account.at("metadata", "annotations", key) != nil else { return }
        say(
            "metadata.annotations[\(key)]: deprecated in v1.32+; prefer separate namespaces to isolate access to "
                + "mounted secrets")
    }

    mutating func node(_ node: Value) {
        if node.at("spec", "configSource") != nil {
            say("spec.configSource: the spec.configSource field is deprecated and unused")
        }
        if !node.at("spec", "externalID").text.isEmpty {
            say("spec.externalID: the spec.externalID field is deprecated, and is unused by Kubernetes")
        }
    }
}
