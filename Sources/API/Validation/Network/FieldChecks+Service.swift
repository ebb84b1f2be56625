import APIMachinery
import Support

// Services: names and addresses that stay while pods come and go.
extension FieldChecks {
    mutating func service(_ service: Value) {
        let spec = service["spec"] ?? .emptyObject
        let type = spec["type"].text
        topologyAnnotations(service.at("metadata", "annotations"))
        let isHeadless = Self.isHeadless(spec)
        if !isHeadless, type != "ExternalName" { require(spec["ports"], "spec.ports") }
        if isHeadless, type == "NodePort" || type == "LoadBalancer" {
            invalid("spec.clusterIPs[0]", "None", "may not be set to 'None' for \(type) services")
        }
        if type == "ExternalName" { externalName(spec) }
        ports(spec, type)
        labels(spec["selector"], "spec.selector")
        affinity(spec)
        if type != "ExternalName" { clusterAddresses(spec, isHeadless: isHeadless) }
        for (address, path) in spec["externalIPs"].elements("spec.externalIPs") {
            let text = address.string ?? ""
            if self.address(text, path) != nil { hostAddress(text, path) }
        }
        loadBalancer(service, spec, type)
        traffic(spec, type)
    }

    static func isHeadless(_ spec: Value?) -> Bool { spec["clusterIP"].text == "None" }

    private mutating func topologyAnnotations(_ annotations: Value?) {
        let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
        guard let new = annotations[mode], let old = annotations[hints], new != old else { return }
        let why = "must match annotations[\(hints)] when both are specified"
        invalid("metadata.annotations[\(mode)]", new, why)
    }

    private mutating func externalName(_ spec: Value) {
        for key in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec[key].isFilled {
            forbid("spec.\(key)", "may not be set for ExternalName services")
        }
        let host = spec["externalName"].text
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        requiredName(.string(name), .dns1123Subdomain, "spec.externalName")
    }

    // MARK: - Ports

    private mutating func ports(_ spec: Value, _ type: String) {
        let ports = spec["ports"].elements("spec.ports")
        var names: Set<String> = []
        var (numbers, nodePorts): (Set<Value>, Set<Value>) = ([], [])
        for (port, path) in ports {
            let name = port["name"].text
            if !name.isEmpty {
                self.name(name, .dns1123Label, path + ".name")
                if !names.insert(name).inserted { duplicate(path + ".name", .string(name)) }
            } else if ports.count > 1 {
                missing(path + ".name")
            }
            self.port(port["port"] ?? 0, path + ".port")
            portOrName(port["targetPort"], path + ".targetPort")
            if let word = port["appProtocol"]?.string { self.name(word, .qualifiedName, path + ".appProtocol") }
            let node = port["nodePort"] ?? 0
            if node != 0 {
                if type == "ClusterIP" { forbid(path + ".nodePort", "may not be used when `type` is 'ClusterIP'") }
                if !nodePorts.insert([node, port["protocol"] ?? ""]).inserted { duplicate(path + ".nodePort", node) }
            }
            let key: Value = ["port": port["port"] ?? 0, "protocol": port["protocol"] ?? ""]
            if !numbers.insert(key).inserted { duplicate(path, key) }
        }
    }

    // MARK: - Affinity

    private mutating func affinity(_ spec: Value) {
        let config = spec["sessionAffinityConfig"]
        let path = "spec.sessionAffinityConfig"
        switch spec["sessionAffinity"].text {
        case "ClientIP":
            let why = "when session affinity type is ClientIP"
            guard let config else { return missing(path, why) }
            guard let client = config["clientIP"] else { return missing(path + ".clientIP", why) }
            guard let timeout = client["timeoutSeconds"] else {
                return missing(path + ".clientIP.timeoutSeconds", why)
            }
            guard !(1...86_400).contains(timeout.integer ?? 0) else { return }
            invalid(path + ".clientIP.timeoutSeconds", timeout, "must be greater than 0 and less than 86400")
        case "None":
            if config != nil { forbid(path, "must not be set when session affinity is None") }
        case "": missing("spec.sessionAffinity")
        default: break
        }
    }

    // MARK: - Addresses (KEP-563)

    mutating func clusterAddresses(_ spec: Value, isHeadless: Bool) {
        let (first, all) = (spec["clusterIP"].text, spec["clusterIPs"])
        if !first.isEmpty {
            if !all.isFilled {
                missing("spec.clusterIPs")
            } else if all.items[0].string != first {
                invalid("spec.clusterIPs", all, "first value must match `clusterIP`")
            }
        } else if all.isFilled {
            invalid("spec.clusterIPs", all, "must be empty when `clusterIP` is not specified")
        }
        var families: Set<String> = []
        for (family, path) in spec["ipFamilies"].elements("spec.ipFamilies") {
            if family == "" { unsupported(path, family, ["IPv4", "IPv6"]) }
            if !families.insert(family.string ?? "").inserted { duplicate(path, family) }
        }
        guard let addresses = parsedAddresses(all) else { return }
        if all.items.count > 2 { invalid("spec.clusterIPs", all, "may only hold up to 2 values") }
        if all.items.count > 1, !Self.isDualStack(addresses) {
            invalid("spec.clusterIPs", all, "may specify no more than one IP for each IP family")
        }
        guard !isHeadless else { return }
        for (index, (address, family)) in zip(addresses, spec["ipFamilies"].items).enumerated()
        where address.family.rawValue != family.string {
            let why = "expected an \(family.string ?? "") value as indicated by `ipFamilies[\(index)]`"
            invalid("spec.clusterIPs[\(index)]", all.items[index], why)
        }
    }

    /// `nil` when one is none: the rules about several make no sense then.
    private mutating func parsedAddresses(_ list: Value?) -> [Support.IPAddress]? {
        var addresses: [Support.IPAddress] = []
        for (index, (value, path)) in list.elements("spec.clusterIPs").enumerated() {
            if index == 0, value == "None" {
                guard list.items.count > 1 else { return [] }
                invalid("spec.clusterIPs", list, "'None' must be the first and only value")
                return nil
            }
            guard let address = address(value.string ?? "", path) else { return nil }
            addresses.append(address)
        }
        return addresses
    }

    // MARK: - Load balancers and traffic

    private mutating func loadBalancer(_ service: Value, _ spec: Value, _ type: String) {
        let why = "may only be used when `type` is 'LoadBalancer'"
        let isBalanced = type == "LoadBalancer"
        let annotation = "service.beta.kubernetes.io/load-balancer-source-ranges"
        if spec["loadBalancerSourceRanges"].isFilled {
            let path = "spec.LoadBalancerSourceRanges"
            if !isBalanced { forbid(path, why) }
            for (range, path) in spec["loadBalancerSourceRanges"].elements(path) {
                block(Self.trimmed(range.string ?? ""), path)
            }
        } else if let text = service.at("metadata", "annotations", annotation)?.string {
            let path = "metadata.annotations[\(annotation)]"
            if !isBalanced { forbid(path, why) }
            for part in text.split(separator: ",") { block(Self.trimmed(String(part)), path) }
        }
        if spec["allocateLoadBalancerNodePorts"] != nil, !isBalanced {
            forbid("spec.allocateLoadBalancerNodePorts", why)
        }
        guard let name = spec["loadBalancerClass"]?.string else { return }
        if isBalanced {
            self.name(name, .qualifiedName, "spec.loadBalancerClass")
        } else {
            forbid("spec.loadBalancerClass", why)
        }
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }

    private mutating func traffic(_ spec: Value, _ type: String) {
        let policy = spec["externalTrafficPolicy"]
        if ServiceFields.isReachable(spec) {
            require(policy, "spec.externalTrafficPolicy")
        } else if policy.isFilled {
            let why = "may only be set for externally-accessible services"
            invalid("spec.externalTrafficPolicy", policy, why)
        }
        let port = spec["healthCheckNodePort"]
        if ServiceFields.needsHealthCheck(spec) {
            if require(port, "spec.healthCheckNodePort") { self.port(port, "spec.healthCheckNodePort") }
        } else if port.isFilled {
            let why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
            invalid("spec.healthCheckNodePort", port, why)
        }
        if ["ClusterIP", "NodePort", "LoadBalancer"].contains(type) {
            require(spec["internalTrafficPolicy"], "spec.internalTrafficPolicy")
        }
        oneOf(
            spec["trafficDistribution"], ["PreferClose", "PreferSameNode", "PreferSameZone"],
            "spec.trafficDistribution")
    }

    /// Where a load balancer says that it listens.
    mutating func loadBalancerStatus(_ status: Value?, _ path: @autoclosure () -> String, hasMode: Bool) {
        for (point, path) in status["ingress"].elements(path() + ".ingress") {
            let (text, mode, host) = (point["ip"].text, point["ipMode"], point["hostname"].text)
            if !text.isEmpty { address(text, path + ".ip") }
            if hasMode {
                if mode == nil, !text.isEmpty { missing(path + ".ipMode", "must be specified when `ip` is set") }
                if mode != nil, text.isEmpty { forbid(path + ".ipMode", "may not be specified when `ip` is not set") }
                oneOf(mode, ["Proxy", "VIP"], path + ".ipMode")
            }
            guard !host.isEmpty else { continue }
            name(host, .dns1123Subdomain, path + ".hostname")
            if Support.IPAddress(host) != nil {
                invalid(path + ".hostname", .string(host), "must be a DNS name, not an IP address")
            }
        }
    }
}
