import APIMachinery

extension FieldChecks {
    mutating func service(_ service: Value) {
        let spec = service["spec"] ?? .emptyObject
        let type = spec["type"]?.string ?? ""
        let isHeadless = spec["clusterIP"]?.string == "None"
        if !isHeadless, type != "ExternalName" { require(spec["ports"], "spec.ports") }
        if isHeadless, type == "NodePort" || type == "LoadBalancer" {
            invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
        }
        if type == "ExternalName" {
            let host = spec["externalName"]?.string ?? ""
            let name = host.hasSuffix(".") ? String(host.dropLast()) : host
            requiredName(.string(name), .dns1123Subdomain, "spec.externalName")
        }
        labels(spec["selector"], "spec.selector")
        servicePorts(spec, type)
        if spec["sessionAffinity"]?.string == "ClientIP" {
            let path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds"
            range(spec.at("sessionAffinityConfig", "clientIP", "timeoutSeconds"), 1, 86_400, path)
        }
    }

    private mutating func servicePorts(_ spec: Value, _ type: String) {
        let ports = spec["ports"].elements("spec.ports")
        var names: Set<String> = []
        var seen: Set<Value> = []
        for (port, path) in ports {
            let name = port["name"]?.string ?? ""
            if name.isEmpty {
                if ports.count > 1 { add(.required(path + ".name")) }
            } else {
                self.name(name, .dns1123Label, path + ".name")
                if !names.insert(name).inserted { add(.duplicate(path + ".name", value: .string(name))) }
            }
            self.port(port["port"] ?? 0, path + ".port")
            if type != "ExternalName" { portOrName(port["targetPort"], path + ".targetPort") }
            if type == "ClusterIP", port["nodePort"]?.integer ?? 0 != 0 {
                add(.forbidden(path + ".nodePort", "may not be used when `type` is 'ClusterIP'"))
            }
            let key: Value = ["port": port["port"] ?? 0, "protocol": port["protocol"] ?? ""]
            if !seen.insert(key).inserted { add(.duplicate(path, value: key)) }
        }
    }

    /// An address, once given, is what clients know the service by.
    mutating func serviceUpdate(_ new: Value, _ old: Value) {
        let types = [new, old].map { $0.at("spec", "type")?.string }
        guard !types.contains("ExternalName") else { return }
        let (before, after) = (
            old.at("spec", "clusterIP")?.string ?? "", new.at("spec", "clusterIP")?.string ?? ""
        )
        guard !before.isEmpty, before != after else { return }
        invalid(
            "spec.clusterIPs[0]", new.at("spec", "clusterIPs") ?? [.string(after)], "may not change once set")
    }

    // MARK: - Ingresses

    mutating func ingress(_ ingress: Value) {
        let spec = ingress["spec"] ?? .emptyObject
        if spec["defaultBackend"] == nil, (spec["rules"]?.array ?? []).isEmpty {
            invalid("spec", .emptyObject, "either `defaultBackend` or `rules` must be specified")
        }
        if let backend = spec["defaultBackend"] { self.backend(backend, "spec.defaultBackend") }
        for (rule, path) in spec["rules"].elements("spec.rules") {
            let host = rule["host"]?.string ?? ""
            if !host.isEmpty {
                name(
                    host, host.hasPrefix("*") ? .wildcardDNS1123Subdomain : .dns1123Subdomain, path + ".host")
            }
            guard let http = rule["http"] else { continue }
            require(http["paths"], path + ".http.paths")
            for (entry, path) in http["paths"].elements(path + ".http.paths") { ingressPath(entry, path) }
        }
    }

    private mutating func ingressPath(_ entry: Value, _ path: String) {
        let type = entry["pathType"]?.string
        if type == nil { add(.required(path + ".pathType", "pathType must be specified")) }
        let text = entry["path"]?.string ?? ""
        let isPlain = type == "Exact" || type == "Prefix"
        if isPlain || !text.isEmpty, !text.hasPrefix("/") {
            invalid(path + ".path", .string(text), "must be an absolute path")
        }
        for sequence in ["//", "/./", "/../", "%2f", "%2F"] where isPlain && text.contains(sequence) {
            invalid(path + ".path", .string(text), "must not contain '\(sequence)'")
        }
        backend(entry["backend"] ?? .emptyObject, path + ".backend")
    }

    private mutating func backend(_ backend: Value, _ path: String) {
        switch (backend["service"], backend["resource"]) {
        case (nil, nil): add(.required(path, "port name or number is required"))
        case (_?, _?): invalid(path, "", "cannot set both resource and service backends")
        case (let service?, nil):
            requiredName(service["name"], .dns1035Label, path + ".service.name")
            let port = service["port"]
            if port?["number"] == nil, (port?["name"]?.string ?? "").isEmpty {
                add(.required(path, "port name or number is required"))
            }
            if let number = port?["number"] { self.port(number, path + ".service.port.number") }
        default: break
        }
    }
}
