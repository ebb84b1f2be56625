import APIMachinery

// Pods, and the templates of pods.
extension Warnings {
    mutating func pod(_ metadata: Value?, _ spec: Value?, _ prefix: String) {
        annotations(metadata["annotations"], spec, prefix)
        for key in spec["nodeSelector"].entries.keys { oldLabel(key, "\(prefix)spec.nodeSelector[\(key)]") }
        affinity(spec["affinity"], prefix + "spec.affinity")
        for (constraint, path) in spec["topologySpreadConstraints"].elements("\(prefix)spec.topologySpreadConstraints") {
            oldLabel(constraint["topologyKey"].text, path + ".topologyKey")
            if constraint["labelSelector"] == nil {
                say("\(path).labelSelector: a null labelSelector results in matching no pod")
            }
        }
        for (volume, path) in spec["volumes"].elements("\(prefix)spec.volumes") {
            retired(volume, path + ".")
            fraction(volume["emptyDir"]["sizeLimit"], path + ".emptyDir.sizeLimit")
        }
        names(spec, prefix)
        for list in ["initContainers", "containers"] {
            for (container, path) in spec[list].elements("\(prefix)spec.\(list)") { self.container(container, path) }
        }
        ports(spec, prefix)
        for (name, amount) in spec["overhead"].entries where name == "memory" {
            fraction(amount, "\(prefix)spec.overhead[memory]")
        }
        if spec["terminationGracePeriodSeconds"]?.integer ?? 0 < 0 {
            say(
                "\(prefix)spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be "
                    + "treated as 1")
        }
    }

    // MARK: - What was replaced

    /// Sources of volumes that are no more, with the words for each.
    private static let retiredSources = [
        "gitRepo": "deprecated in v1.11", "glusterfs": "deprecated in v1.25, this feature will be completely removed",
        "flocker": "deprecated in v1.22, non-functional in v1.25+",
        "quobyte": "deprecated in v1.22, non-functional in v1.25+",
        "storageos": "deprecated in v1.22, non-functional in v1.25+",
        "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
        "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
        "rbd": "deprecated in v1.28, non-functional in v1.31+",
        "cephfs": "deprecated in v1.28, non-functional in v1.31+",
        "flexVolume": "deprecated in v1.23; use a CSI driver instead",
        "cinder": "deprecated in v1.11; use a CSI driver instead",
    ]

    mutating func retired(_ volume: Value?, _ prefix: String) {
        for key in volume.entries.keys {
            if let words = Self.retiredSources[key] { say("\(prefix)\(key): \(words)") }
        }
    }

    /// Labels of nodes by their old names: since when there is another, and which.
    private static let oldLabels = [
        "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
        "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
        "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
        "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
        "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
    ]

    private mutating func oldLabel(_ key: String, _ path: @autoclosure () -> String) {
        guard let (version, better) = Self.oldLabels[key] else { return }
        say("\(path()): deprecated since \(version); use \"\(better)\" instead")
    }

    private mutating func affinity(_ affinity: Value?, _ path: @autoclosure () -> String) {
        guard let affinity else { return }
        let path = path()
        let (required, preferred) = (
            "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
        )
        var terms = affinity["nodeAffinity"]?[required]["nodeSelectorTerms"]
            .elements("\(path).nodeAffinity.\(required).nodeSelectorTerms") ?? []
        terms += affinity["nodeAffinity"]?[preferred].elements("\(path).nodeAffinity.\(preferred)")
            .map { ($0.value["preference"] ?? .emptyObject, $0.path + ".preference") } ?? []
        for (term, path) in terms {
            for (expression, path) in term["matchExpressions"].elements(path + ".matchExpressions") {
                oldLabel(expression["key"].text, path + ".key")
            }
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            for (term, path) in affinity[kind][required].elements("\(path).\(kind).\(required)") {
                lonely(term, path)
            }
            for (wish, path) in affinity[kind][preferred].elements("\(path).\(kind).\(preferred)") {
                lonely(wish["podAffinityTerm"] ?? .emptyObject, path + ".podAffinityTerm")
            }
        }
    }

    private mutating func lonely(_ term: Value, _ path: String) {
        guard term["labelSelector"] == nil else { return }
        say("\(path).labelSelector: a null labelSelector results in matching no pod")
    }

    private mutating func annotations(_ annotations: Value?, _ spec: Value?, _ prefix: String) {
        let containers = Dictionary(spec["containers"].items.map { ($0["name"].text, $0) }) { first, _ in first }
        for key in annotations.entries.keys {
            let path = "\(prefix)metadata.annotations[\(key)]"
            if key.hasPrefix("seccomp.security.alpha.kubernetes.io/pod")
                || key.hasPrefix("container.seccomp.security.alpha.kubernetes.io/")
            {
                say("\(path): non-functional in v1.27+; use the \"seccompProfile\" field instead")
            }
            // Pods are warned as their annotations become fields.
            guard !prefix.isEmpty, key.hasPrefix(AppArmorAnnotation.prefix) else { continue }
            let name = String(key.split(separator: "/").last ?? "")
            if containers[name]?["securityContext"]?["appArmorProfile"] == nil {
                say("\(path): deprecated since v1.30; use the \"appArmorProfile\" field instead")
            }
        }
    }

    // MARK: - What is said twice

    private mutating func names(_ spec: Value?, _ prefix: String) {
        var (secrets, addresses): (Set<String>, Set<String>) = ([], [])
        for (secret, path) in spec["imagePullSecrets"].elements("\(prefix)spec.imagePullSecrets") {
            let name = secret["name"].text
            if name.isEmpty {
                say("\(path).name: invalid empty name \"\"")
            } else if !secrets.insert(name).inserted {
                say("\(path).name: duplicate name \(GoText.quoted(name))")
            }
        }
        for (alias, path) in spec["hostAliases"].elements("\(prefix)spec.hostAliases") {
            let ip = alias["ip"].text
            if !addresses.insert(ip).inserted { say("\(path).ip: duplicate ip \(GoText.quoted(ip))") }
        }
    }

    private mutating func container(_ container: Value, _ path: String) {
        for list in ["limits", "requests"] {
            for name in ["memory", "ephemeral-storage"] {
                fraction(container["resources"]?[list][name], "\(path).resources.\(list)[\(name)]")
            }
        }
        var seen: [String: String] = [:]
        for (variable, path) in container["env"].elements(path + ".env") {
            let (name, value) = (variable["name"].text, variable["value"].text)
            // A variable may be made of the one that it hides.
            if let before = seen[name], !value.contains("$(\(name))") || before == value {
                say("\(path): hides previous definition of \(GoText.quoted(name)), which may be dropped when using apply")
            }
            seen[name] = value
        }
    }

    private mutating func ports(_ spec: Value?, _ prefix: String) {
        var seen: [String: String] = [:]
        for (container, path) in spec["containers"].elements("\(prefix)spec.containers") {
            for (port, path) in container["ports"].elements(path + ".ports") {
                let key = ["containerPort", "hostPort", "hostIP", "protocol"]
                    .map { port[$0].map { "\($0)" } ?? "" }.joined(separator: "/")
                if let first = seen[key] {
                    say("\(path): duplicate port definition with \(first)")
                } else {
                    seen[key] = path
                }
            }
        }
    }
}
