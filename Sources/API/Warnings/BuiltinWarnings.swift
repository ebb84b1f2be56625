public import APIMachinery
import Support

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
        ["spec", "template", "scheduling", "allowedTopologies", "nodeTopology"].allSatisfy { object[$0] == current[$0] }
            && object.at("metadata", "annotations") == current.at("metadata", "annotations")
    }

    private static let checks: [String: @Sendable (inout Warnings, Value) -> Void] = [
        "pods": { warnings, object in
            // Who changes pods is hardly ever a person.
            guard warnings.isNew else { return }
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
            for (claim, path) in object.at("spec", "volumeClaimTemplates").elements("spec.volumeClaimTemplates") {
                warnings.claim(claim["spec"], path)
            }
        },
        "jobs.batch": { warnings, object in
            warnings.hostname(object, "Pod names and hostnames")
            warnings.job(object["spec"], "spec")
        },
        "cronjobs.batch": { warnings, object in
            warnings.hostname(object, "Pod names and hostnames")
            warnings.job(object.at("spec", "jobTemplate", "spec"), "spec.jobTemplate.spec")
        },
        "services": { $0.service($1) }, "ingresses.networking.k8s.io": { $0.ingress($1) },
        "persistentvolumes": { $0.volume($1) },
        "persistentvolumeclaims": { warnings, object in
            warnings.classAnnotation(object)
            warnings.claim(object["spec"], "spec")
        },
        "serviceaccounts": { $0.account($1) }, "nodes": { $0.node($1) },
        "runtimeclasses.node.k8s.io": { warnings, object in
            for key in object.at("scheduling", "nodeSelector").entries.keys {
                warnings.oldLabel(key, at: "scheduling.nodeSelector")
            }
        },
        "storageclasses.storage.k8s.io": { warnings, object in
            for (term, path) in object["allowedTopologies"].elements("allowedTopologies") {
                for (expression, path) in term["matchLabelExpressions"].elements(path + ".matchLabelExpressions") {
                    warnings.oldKey(expression["key"].text, path + ".key")
                }
            }
        },
        "csistoragecapacities.storage.k8s.io": { warnings, object in
            warnings.nodeTerm(object["nodeTopology"], "nodeTopology")
            for label in object.at("nodeTopology", "matchLabels").entries.keys {
                warnings.oldLabel(label, at: "nodeTopology.matchLabels.\(label)")
            }
        },
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
        for (address, path) in spec["clusterIPs"].elements("spec.clusterIPs") { canonical(address, path) }
        let type = spec["type"].text
        let isHeadless = type == "ClusterIP" && spec["clusterIP"].text == "None"
        let hasAddresses = spec["externalIPs"].isFilled
        if isHeadless {
            if !spec["loadBalancerIP"].text.isEmpty { say("spec.loadBalancerIP is ignored for headless services") }
            if hasAddresses { say("spec.externalIPs is ignored for headless services") }
            if spec["sessionAffinity"].text == "ClientIP" {
                say("spec.SessionAffinity is ignored for headless services")
            }
        }
        for (address, path) in spec["externalIPs"].elements("spec.externalIPs") { canonical(address, path) }
        if hasAddresses, !isHeadless, type != "ExternalName" {
            say("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
        }
        if let address = spec["loadBalancerIP"] { canonical(address, "spec.loadBalancerIP") }
        if type == "ExternalName", hasAddresses {
            say("spec.externalIPs is ignored when spec.type is \"ExternalName\"")
        }
        if type != "ExternalName", !spec["externalName"].text.isEmpty {
            say("spec.externalName is ignored when spec.type is not \"ExternalName\"")
        }
        if spec["trafficDistribution"].text == "PreferClose" {
            say("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"")
        }
    }

    /// An address of IPv6 has many spellings, of which one is best (RFC 5952).
    private mutating func canonical(_ value: Value, _ path: @autoclosure () -> String) {
        guard let text = value.string, text.contains(":"), let address = Support.IPAddress(text),
            address.description != text
        else { return }
        say(
            "\(path()): IPv6 address \(GoText.quoted(text)) should be in RFC 5952 canonical format "
                + "(\(GoText.quoted(address.description)))")
    }

    mutating func job(_ spec: Value?, _ path: String) {
        let (completions, parallelism) = (spec["completions"]?.integer ?? 0, spec["parallelism"]?.integer ?? 0)
        if spec["completionMode"].text == "Indexed", completions > 100_000, parallelism > 10_000 {
            say(
                "\(path): In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
                    + "Kubernetes might not be able to track completedIndexes when a big number of indexes fail")
        }
        template(spec["template"], path + ".template.")
    }

    /// What a claim to a volume asks for, also as a template.
    mutating func claim(_ spec: Value?, _ path: @autoclosure () -> String) {
        guard let resources = spec["resources"] else { return }
        for list in ["requests", "limits"] {
            fraction(resources[list]["storage"], "\(path()).resources.\(list)[storage]")
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
        let terms = volume.at("spec", "nodeAffinity", "required", "nodeSelectorTerms")
        for (term, path) in terms.elements("spec.nodeAffinity.required.nodeSelectorTerms") { nodeTerm(term, path) }
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
