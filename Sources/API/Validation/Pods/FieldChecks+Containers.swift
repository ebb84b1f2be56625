import APIMachinery

// The three lists of containers: each has rules of its own beside those of all containers.
extension FieldChecks {
    /// What the containers of one pod share.
    struct PodParts {
        /// The pod's volumes by name, with what each is made of.
        var volumes: [String: Value]
        var claims: Set<String>
        var restartPolicy: String
        var gracePeriod: Int64?
        /// Whether the pod lives in the host's user namespace.
        var usesHostUsers: Bool
        var isPod: Bool
    }

    mutating func containers(_ spec: Value, _ path: String, _ volumes: [String: Value], _ place: PodPlace) {
        let parts = PodParts(
            volumes: volumes, claims: Set(spec["resourceClaims"].items.map { $0["name"].text }),
            restartPolicy: spec["restartPolicy"].text,
            gracePeriod: spec["terminationGracePeriodSeconds"]?.integer,
            usesHostUsers: spec["hostUsers"]?.bool != false, isPod: place.isPod)
        var names: Set<String> = []
        if require(spec["containers"], path + ".containers") {
            regularContainers(spec["containers"], path + ".containers", parts, &names)
        }
        initContainers(spec["initContainers"], path + ".initContainers", parts, &names)
        let others = names
        for (container, path) in spec["ephemeralContainers"].elements(path + ".ephemeralContainers") {
            ephemeralContainer(container, path, parts, others, &names)
        }
    }

    private mutating func unique(_ container: Value, _ path: String, _ names: inout Set<String>) {
        let name = container["name"].text
        if !name.isEmpty, !names.insert(name).inserted { duplicate(path + ".name", .string(name)) }
    }

    private mutating func regularContainers(
        _ containers: Value?, _ path: String, _ parts: PodParts, _ names: inout Set<String>
    ) {
        var hostPorts: Set<String> = []
        for (container, path) in containers.elements(path) {
            self.container(container, path, parts)
            unique(container, path, &names)
            lifecycle(container, path, parts)
            containerRestarts(container, path)
            self.hostPorts(container, path, &hostPorts)
        }
    }

    /// An init container runs to its end, unless it is a sidecar; only that one can be probed.
    private mutating func initContainers(
        _ containers: Value?, _ path: String, _ parts: PodParts, _ names: inout Set<String>
    ) {
        for (container, path) in containers.elements(path) {
            self.container(container, path, parts)
            unique(container, path, &names)
            containerRestarts(container, path)
            // They run one after the other, so each has the ports for itself.
            var ports: Set<String> = []
            hostPorts(container, path, &ports)
            if container["restartPolicy"].text == "Always" {
                lifecycle(container, path, parts)
                continue
            }
            for key in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where container[key] != nil {
                forbid("\(path).\(key)", "may not be set for init containers without restartPolicy=Always")
            }
        }
    }

    // MARK: - Ephemeral containers (KEP-277)

    private static let notForEphemeral = [
        "ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "restartPolicy",
        "restartPolicyRules", "resizePolicy",
    ]

    /// A guest for debugging: nothing in the pod may come to depend on it.
    private mutating func ephemeralContainer(
        _ container: Value, _ path: String, _ parts: PodParts, _ others: Set<String>, _ names: inout Set<String>
    ) {
        let why = "cannot be set for an Ephemeral Container"
        self.container(container, path, parts)
        unique(container, path, &names)
        let target = container["targetContainerName"].text
        if !target.isEmpty, !others.contains(target) {
            add(FieldError(.notFound, path + ".targetContainerName", value: .string(target)))
        }
        for key in Self.notForEphemeral where container[key].isFilled { forbid("\(path).\(key)", why) }
        for (mount, path) in container["volumeMounts"].elements(path + ".volumeMounts") {
            for key in ["subPath", "subPathExpr"] where !mount[key].text.isEmpty { forbid("\(path).\(key)", why) }
        }
    }

    // MARK: - Restarts of single containers (KEP-753, KEP-5307)

    private mutating func containerRestarts(_ container: Value, _ path: String) {
        let rules = container["restartPolicyRules"]
        guard let policy = container["restartPolicy"]?.string else {
            if rules.isFilled {
                missing(path + ".restartPolicy", "must specify restartPolicy when restart rules are used")
            }
            return
        }
        oneOf(.string(policy), ["Always", "Never", "OnFailure"], path + ".restartPolicy")
        let path = path + ".restartPolicyRules"
        if rules.items.count > 20 { tooMany(path, rules.items.count, limit: 20) }
        for (rule, path) in rules.elements(path) {
            oneOf(.string(rule["action"].text), ["Restart", "RestartAllContainers"], path + ".action")
            guard let codes = rule["exitCodes"] else {
                missing(path + ".exitCodes", "must be specified")
                continue
            }
            oneOf(.string(codes["operator"].text), ["In", "NotIn"], path + ".exitCodes.operator")
            let count = codes["values"].items.count
            if count > 255 { tooMany(path + ".exitCodes.values", count, limit: 255) }
        }
    }

    // MARK: - Ports of the host

    private mutating func hostPorts(_ container: Value, _ path: String, _ taken: inout Set<String>) {
        for (port, path) in container["ports"].elements(path + ".ports") {
            guard let number = port["hostPort"]?.integer, number != 0 else { continue }
            let key = "\(port["protocol"].text)/\(port["hostIP"].text)/\(number)"
            if !taken.insert(key).inserted { duplicate(path + ".hostPort", .string(key)) }
        }
    }
}
