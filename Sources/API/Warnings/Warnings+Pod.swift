import APIMachinery

// Pods, and the templates of pods.
extension Warnings {
    /// In the order of Kubernetes (`pkg/api/pod`). `prefix` is empty for a pod itself.
    mutating func pod(_ metadata: Value?, _ spec: Value?, _ prefix: String) {
        for key in spec["nodeSelector"].entries.keys { oldLabel(key, at: "\(prefix)spec.nodeSelector[\(key)]") }
        nodeAffinity(spec["affinity"]["nodeAffinity"], prefix + "spec.affinity.nodeAffinity")
        for (constraint, path) in spec["topologySpreadConstraints"].elements("\(prefix)spec.topologySpreadConstraints") {
            oldKey(constraint["topologyKey"].text, path + ".topologyKey")
            if constraint["labelSelector"] == nil {
                say("\(path).labelSelector: a null labelSelector results in matching no pod")
            }
        }
        annotations(metadata["annotations"], prefix)
        for (volume, path) in spec["volumes"].elements("\(prefix)spec.volumes") {
            retired(volume, path + ".")
            fraction(volume["emptyDir"]["sizeLimit"], path + ".emptyDir.sizeLimit")
            claim(volume["ephemeral"]["volumeClaimTemplate"]["spec"], path + ".ephemeral.volumeClaimTemplate.spec")
        }
        for volume in spec["volumes"].items { overlaps(volume) }
        names(spec, prefix)
        for name in ["memory", "ephemeral-storage"] {
            fraction(spec["overhead"][name], "\(prefix)spec.overhead[\(name)]")
        }
        containers(metadata["annotations"], spec, prefix)
        ports(spec, prefix)
        if spec["terminationGracePeriodSeconds"]?.integer ?? 0 < 0 {
            say(
                "\(prefix)spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
                    + "treated as 1")
        }
        podAffinity(spec["affinity"], prefix + "spec.affinity")
    }

    // MARK: - What was replaced

    /// Sources of volumes that are no more, with the words for each.
    private static let retiredSources = [
        "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
        "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
        "flocker": "deprecated in v1.22, non-functional in v1.25+",
        "quobyte": "deprecated in v1.22, non-functional in v1.25+",
        "storageos": "deprecated in v1.22, non-functional in v1.25+",
        "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
        "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
        "rbd": "deprecated in v1.28, non-functional in v1.31+",
        "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    ]

    mutating func retired(_ volume: Value?, _ prefix: String) {
        for key in volume.entries.keys {
            if let words = Self.retiredSources[key] { say("\(prefix)\(key): \(words)") }
        }
    }

    /// Labels of nodes that are not to be used any more, with the words for each (`pkg/api/node`).
    private static let oldLabels = [
        "beta.kubernetes.io/arch": "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os": "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region": "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone": "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type": "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by": "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master": "use \"node-role.kubernetes.io/control-plane\" instead",
    ]

    /// Of a label whose name is in the path.
    mutating func oldLabel(_ key: String, at path: @autoclosure () -> String) {
        if let words = Self.oldLabels[key] { say("\(path()): \(words)") }
    }

    /// Of a label that a field names.
    mutating func oldKey(_ key: String, _ path: @autoclosure () -> String) {
        if let words = Self.oldLabels[key] { say("\(path()): \(key) is \(words)") }
    }

    /// A term that selects nodes; its values are looked at where validation lets them pass.
    mutating func nodeTerm(_ term: Value?, _ path: String, checksValues: Bool = false) {
        for (expression, path) in term["matchExpressions"].elements(path + ".matchExpressions") {
            oldKey(expression["key"].text, path + ".key")
            guard checksValues else { continue }
            for (value, path) in expression["values"].elements(path + ".values") {
                for problem in NameRule.labelValue.problems(in: value.string ?? "") {
                    say("\(path): \(value.string ?? "") is invalid, \(problem)")
                }
            }
        }
    }

    private static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    private static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    private mutating func nodeAffinity(_ affinity: Value?, _ path: String) {
        let terms = affinity[Self.required]["nodeSelectorTerms"]
        for (term, path) in terms.elements("\(path).\(Self.required).nodeSelectorTerms") { nodeTerm(term, path) }
        for (wish, path) in affinity[Self.preferred].elements("\(path).\(Self.preferred)") {
            nodeTerm(wish["preference"], path + ".preference", checksValues: true)
        }
    }

    private mutating func podAffinity(_ affinity: Value?, _ path: @autoclosure () -> String) {
        guard let affinity else { return }
        let path = path()
        for kind in ["podAffinity", "podAntiAffinity"] {
            for (term, path) in affinity[kind][Self.required].elements("\(path).\(kind).\(Self.required)") {
                lonely(term, path)
            }
            for (wish, path) in affinity[kind][Self.preferred].elements("\(path).\(kind).\(Self.preferred)") {
                lonely(wish["podAffinityTerm"] ?? .emptyObject, path + ".podAffinityTerm")
            }
        }
    }

    private mutating func lonely(_ term: Value, _ path: String) {
        guard term["labelSelector"] == nil else { return }
        say("\(path).labelSelector: a null labelSelector results in matching no pod")
    }

    private static let oldAnnotations = [
        ("scheduler.alpha.kubernetes.io/critical-pod", "v1.16+; use the \"priorityClassName\" field instead"),
        ("security.alpha.kubernetes.io/sysctls", "v1.11+; use the \"sysctls\" field instead"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "v1.11+; use the \"sysctls\" field instead"),
    ]

    private mutating func annotations(_ annotations: Value?, _ prefix: String) {
        for (key, words) in Self.oldAnnotations where annotations[key] != nil {
            say("\(prefix)metadata.annotations[\(key)]: non-functional in \(words)")
        }
    }

    /// An annotation that says what a field is for, and the field does not say it.
    private mutating func annotation(_ annotations: Value?, _ key: String, _ prefix: String, _ words: String) {
        if annotations[key] != nil { say("\(prefix)metadata.annotations[\(key)]: \(words)") }
    }

    private static let seccomp = "non-functional in v1.27+; use the \"seccompProfile\" field instead"

    /// All containers, and what annotations say of them.
    private mutating func containers(_ annotations: Value?, _ spec: Value?, _ prefix: String) {
        let security = spec["securityContext"]
        if security["seccompProfile"] == nil {
            annotation(annotations, "seccomp.security.alpha.kubernetes.io/pod", prefix, Self.seccomp)
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (container, path) in spec[list].elements("\(prefix)spec.\(list)") {
                let (name, own) = (container["name"].text, container["securityContext"])
                if own["seccompProfile"] == nil {
                    annotation(annotations, "container.seccomp.security.alpha.kubernetes.io/" + name, prefix, Self.seccomp)
                }
                // Pods are warned as their annotations become fields.
                if !prefix.isEmpty, security["appArmorProfile"] == nil, own["appArmorProfile"] == nil {
                    let words = "deprecated since v1.30; use the \"appArmorProfile\" field instead"
                    annotation(annotations, AppArmorAnnotation.prefix + name, prefix, words)
                }
                self.container(container, path)
            }
        }
    }

    // MARK: - What is said twice

    private mutating func names(_ spec: Value?, _ prefix: String) {
        var (secrets, addresses): (Set<String>, Set<String>) = ([], [])
        for (alias, path) in spec["hostAliases"].elements("\(prefix)spec.hostAliases") {
            let ip = alias["ip"].text
            if !addresses.insert(ip).inserted { say("\(path).ip: duplicate ip \(GoText.quoted(ip))") }
        }
        let named = spec["imagePullSecrets"].elements("\(prefix)spec.imagePullSecrets").map { secret, path in
            (name: secret["name"].text, path: path + ".name")
        }
        for (name, path) in named where !secrets.insert(name).inserted {
            say("\(path): duplicate name \(GoText.quoted(name))")
        }
        for (name, path) in named where name.isEmpty { say("\(path): invalid empty name \"\"") }
    }

    private mutating func container(_ container: Value, _ path: String) {
        for name in ["memory", "ephemeral-storage"] {
            for list in ["limits", "requests"] {
                fraction(container["resources"]?[list][name], "\(path).resources.\(list)[\(name)]")
            }
        }
        var seen: Set<String> = []
        for (variable, path) in container["env"].elements(path + ".env") {
            let (name, value) = (variable["name"].text, variable["value"].text)
            guard !seen.insert(name).inserted else { continue }
            // A variable may be made of the one that it hides, and of more.
            let reference = "$(\(name))"
            guard variable["valueFrom"] != nil || value == reference || !value.contains(reference) else { continue }
            say("\(path): hides previous definition of \(GoText.quoted(name)), which may be dropped when using apply")
        }
    }

    private mutating func ports(_ spec: Value?, _ prefix: String) {
        var seen: [String: [(port: Value, path: String)]] = [:]
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (container, path) in spec[list].elements("\(prefix)spec.\(list)") {
                for (port, path) in container["ports"].elements(path + ".ports") {
                    let (hostIP, hostPort) = (port["hostIP"].text, port["hostPort"]?.integer ?? 0)
                    let (number, transport) = (port["containerPort"]?.integer ?? 0, port["protocol"].text)
                    if !hostIP.isEmpty, hostPort == 0 {
                        say(
                            "\(path): hostIP set without hostPort: {Name:\(port["name"].text) HostPort:0 "
                                + "ContainerPort:\(number) Protocol:\(transport) HostIP:\(hostIP)}")
                    }
                    for other in seen["\(number)/\(transport)"] ?? [] { clash(port, path, other.port, other.path) }
                    seen["\(number)/\(transport)", default: []].append((port, path))
                }
            }
        }
    }

    /// Two definitions of one port: the same, or such that nobody knows what they mean together.
    private mutating func clash(_ port: Value, _ path: String, _ other: Value, _ otherPath: String) {
        let ips = (port["hostIP"].text, other["hostIP"].text)
        let ports = (port["hostPort"]?.integer ?? 0, other["hostPort"]?.integer ?? 0)
        if ips.0 == ips.1, ports.0 == ports.1 {
            say("\(path): duplicate port definition with \(otherPath)")
        } else if ports.0 == 0 || ports.1 == 0 {
            say("\(path): overlapping port definition with \(otherPath)")
        } else if ports.0 == ports.1, ips.0.isEmpty != ips.1.isEmpty {
            say("\(path): dangerously ambiguous port definition with \(otherPath)")
        }
    }
}
