import APIMachinery

// Probes and hooks: what is done to a running container.
extension FieldChecks {
    mutating func lifecycle(_ container: Value, _ path: String, _ parts: PodParts) {
        for key in ["postStart", "preStop"] {
            guard let handler = container["lifecycle"][key] else { continue }
            self.handler(handler, "\(path).lifecycle.\(key)", Self.hookKinds, parts)
        }
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard let probe = container[key] else { continue }
            self.probe(probe, "\(path).\(key)", isReadiness: key == "readinessProbe", parts)
        }
    }

    private static let hookKinds = ["exec", "httpGet", "tcpSocket", "sleep"]
    private static let probeKinds = ["exec", "httpGet", "tcpSocket", "grpc"]

    private mutating func probe(_ probe: Value, _ path: String, isReadiness: Bool, _ parts: PodParts) {
        handler(probe, path, Self.probeKinds, parts)
        notNegative(
            probe,
            ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"], path)
        let grace = probe["terminationGracePeriodSeconds"]
        if let seconds = grace?.integer, seconds <= 0 {
            invalid(path + ".terminationGracePeriodSeconds", grace, "must be greater than 0")
        }
        if isReadiness {
            guard grace != nil else { return }
            invalid(path + ".terminationGracePeriodSeconds", grace, "must not be set for readinessProbes")
        } else if probe["successThreshold"]?.integer != 1 {
            invalid(path + ".successThreshold", probe["successThreshold"] ?? 0, "must be 1")
        }
    }

    private mutating func handler(_ handler: Value, _ path: String, _ known: [String], _ parts: PodParts) {
        let kinds = known.filter { handler[$0] != nil }
        guard let kind = kinds.first else { return missing(path, "must specify a handler type") }
        for other in kinds.dropFirst() { forbid("\(path).\(other)", "may not specify more than 1 handler type") }
        let action = handler[kind] ?? .emptyObject
        let path = "\(path).\(kind)"
        switch kind {
        case "exec": require(action["command"], path + ".command")
        case "httpGet": httpGet(action, path)
        case "tcpSocket": portOrName(action["port"], path + ".port")
        case "grpc": port(action["port"] ?? 0, path + ".port")
        default:
            let seconds = action["seconds"]?.integer ?? 0
            guard let grace = parts.gracePeriod, seconds < 0 || seconds > grace else { return }
            let why = "must be non-negative and less than terminationGracePeriodSeconds (\(grace))"
            invalid(path, .integer(seconds), why)
        }
    }

    private mutating func httpGet(_ action: Value, _ path: String) {
        require(action["path"], path + ".path")
        portOrName(action["port"], path + ".port")
        for header in action["httpHeaders"].items {
            name(header["name"].text, .httpHeaderName, path + ".httpHeaders")
        }
    }
}
