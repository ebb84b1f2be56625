import APIMachinery
import Support

// What brings traffic into the cluster.
extension FieldChecks {
    mutating func ingress(_ ingress: Value) {
        let spec = ingress["spec"] ?? .emptyObject
        if spec["defaultBackend"] == nil, !spec["rules"].isFilled {
            invalid("spec", .array([]), "either `defaultBackend` or `rules` must be specified")
        }
        if let backend = spec["defaultBackend"] { self.backend(backend, "spec.defaultBackend") }
        for (rule, path) in spec["rules"].elements("spec.rules") { ingressRule(rule, path) }
        for (secured, path) in spec["tls"].elements("spec.tls") {
            for (host, path) in secured["hosts"].elements(path + ".hosts") { ingressHost(host.string ?? "", path) }
            optionalName(secured["secretName"], .dns1123Subdomain, path + ".secretName")
        }
        if let name = spec["ingressClassName"]?.string { self.name(name, .dns1123Subdomain, "spec.ingressClassName") }
    }

    /// The class was an annotation once.
    mutating func ingressCreate(_ ingress: Value) {
        let key = "kubernetes.io/ingress.class"
        guard let old = ingress.at("metadata", "annotations", key), let new = ingress.at("spec", "ingressClassName"),
            old != new
        else { return }
        invalid("annotations.\(key)", old, "must match `ingressClassName` when both are specified")
    }

    private mutating func ingressHost(_ host: String, _ path: String) {
        name(host, host.contains("*") ? .wildcardDNS1123Subdomain : .dns1123Subdomain, path)
    }

    private mutating func ingressRule(_ rule: Value, _ path: String) {
        let host = rule["host"].text
        if !host.isEmpty {
            if Support.IPAddress(host) != nil {
                invalid(path + ".host", .string(host), "must be a DNS name, not an IP address")
            }
            ingressHost(host, path + ".host")
        }
        guard let http = rule["http"] else { return }
        require(http["paths"], path + ".http.paths")
        for (entry, path) in http["paths"].elements(path + ".http.paths") { ingressPath(entry, path) }
    }

    private mutating func ingressPath(_ entry: Value, _ path: String) {
        guard let type = entry["pathType"]?.string else {
            return missing(path + ".pathType", "pathType must be specified")
        }
        let text = entry["path"].text
        func says(_ why: String) { invalid(path + ".path", .string(text), why) }
        switch type {
        case "Exact", "Prefix":
            if !text.hasPrefix("/") { says("must be an absolute path") }
            for sequence in ["//", "/./", "/../", "%2f", "%2F"] where text.contains(sequence) {
                says("must not contain '\(sequence)'")
            }
            for end in ["/..", "/."] where text.hasSuffix(end) { says("cannot end with '\(end)'") }
        default: if !text.isEmpty, !text.hasPrefix("/") { says("must be an absolute path") }
        }
        backend(entry["backend"] ?? .emptyObject, path + ".backend")
    }

    private mutating func backend(_ backend: Value, _ path: String) {
        switch (backend["service"], backend["resource"]) {
        case (nil, nil): invalid(path, "", "resource or service backend is required")
        case (_?, _?): invalid(path, "", "cannot set both resource and service backends")
        case (nil, let resource?): localReference(resource, path + ".resource")
        case (let service?, nil):
            requiredName(service["name"], .dns1123Label, path + ".service.name")
            let (name, number) = (service["port"]["name"].text, service["port"]["number"] ?? 0)
            switch (name.isEmpty, number == 0) {
            case (true, true): missing(path, "port name or number is required")
            case (false, false): invalid(path, "", "cannot set both port name & port number")
            case (false, true): self.name(name, .portName, path + ".service.port.name")
            case (true, false): port(number, path + ".service.port.number")
            }
        }
    }

    mutating func ingressUpdate(_ new: Value, _ old: Value) {
        guard new["status"] != old["status"] else { return }
        loadBalancerStatus(new.at("status", "loadBalancer"), "status.loadBalancer", hasMode: false)
    }

    /// A reference to an object in the same namespace.
    private mutating func localReference(_ reference: Value, _ path: String) {
        if let group = reference["apiGroup"]?.string { name(group, .dns1123Subdomain, path + ".apiGroup") }
        requiredName(reference["kind"], .pathSegment, path + ".kind")
        requiredName(reference["name"], .pathSegment, path + ".name")
    }

    // MARK: - Classes

    private static let longestController = 250

    mutating func ingressClass(_ ingressClass: Value) {
        let controller = ingressClass.at("spec", "controller").text
        if require(.string(controller), "spec.controller") {
            if controller.utf8.count > Self.longestController {
                add(.tooLong("spec.controller", limit: Self.longestController))
            }
            domainPrefixedPath(controller, "spec.controller")
        }
        guard let parameters = ingressClass.at("spec", "parameters") else { return }
        let path = "spec.parameters"
        localReference(parameters, path)
        guard require(parameters["scope"], path + ".scope") else { return }
        oneOf(parameters["scope"], ["Cluster", "Namespace"], path + ".scope")
        let namespace = parameters["namespace"]?.string
        switch (parameters["scope"].text, namespace) {
        case ("Namespace", nil): missing(path + ".namespace", "`parameters.scope` is set to 'Namespace'")
        case ("Namespace", let name?): self.name(name, .dns1123Label, path + ".namespace")
        case ("Cluster", _?): forbid(path + ".namespace", "`parameters.scope` is set to 'Cluster'")
        default: break
        }
    }

    mutating func ingressClassUpdate(_ new: Value, _ old: Value) {
        immutable(new.at("spec", "controller"), old.at("spec", "controller"), "spec.controller")
    }

    /// `example.com/path`: a domain, and a path after it.
    mutating func domainPrefixedPath(_ text: String, _ path: @autoclosure () -> String) {
        guard require(.string(text), path()) else { return }
        guard let slash = text.firstIndex(of: "/"), slash != text.startIndex, text.index(after: slash) != text.endIndex
        else {
            return invalid(path(), .string(text), "must be a domain-prefixed path (such as \"acme.io/foo\")")
        }
        name(String(text[..<slash]), .dns1123Subdomain, path())
        let rest = text[text.index(after: slash)...]
        let isPath = rest.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || "/-._~%!$&'()*+,;=:".contains($0) }
        guard !isPath else { return }
        let why =
            "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
        invalid(path(), .string(String(rest)), why)
    }
}
