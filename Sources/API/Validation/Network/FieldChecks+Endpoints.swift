import APIMachinery
import Support

// Where the pods of a service are.
extension FieldChecks {
    mutating func endpoints(_ object: Value) {
        for (subset, path) in object["subsets"].elements("subsets") {
            let lists = ["addresses", "notReadyAddresses"]
            if lists.allSatisfy({ !subset[$0].isFilled }) {
                missing(path, "must specify `addresses` or `notReadyAddresses`")
            }
            for list in lists {
                for (address, path) in subset[list].elements("\(path).\(list)") { endpointAddress(address, path) }
            }
            let ports = subset["ports"].elements(path + ".ports")
            for (port, path) in ports {
                endpointPort(port, path)
                if ports.count > 1, port["name"].text.isEmpty { missing(path + ".name") }
                self.port(port["port"] ?? 0, path + ".port")
            }
        }
    }

    private mutating func endpointAddress(_ address: Value, _ path: String) {
        let text = address["ip"].text
        self.address(text, path + ".ip")
        optionalName(address["hostname"], .dns1123Label, path + ".hostname")
        if let node = address["nodeName"]?.string { name(node, .dns1123Subdomain, path + ".nodeName") }
        hostAddress(text, path + ".ip")
    }

    private mutating func endpointPort(_ port: Value, _ path: String) {
        optionalName(port["name"], .dns1123Label, path + ".name")
        if let word = port["appProtocol"]?.string { name(word, .qualifiedName, path + ".appProtocol") }
    }

    // MARK: - Slices

    private enum Limits {
        static let endpoints = 1000
        static let addresses = 100
        static let ports = 20_000
        static let topology = 16
        static let hints = 8
    }

    mutating func endpointSlice(_ slice: Value) {
        let type = slice["addressType"].text
        require(.string(type), "addressType")
        let endpoints = slice["endpoints"]
        if endpoints.items.count > Limits.endpoints {
            tooMany("endpoints", endpoints.items.count, limit: Limits.endpoints)
        } else {
            for (endpoint, path) in endpoints.elements("endpoints") { self.endpoint(endpoint, type, path) }
        }
        let ports = slice["ports"]
        if ports.items.count > Limits.ports { return tooMany("ports", ports.items.count, limit: Limits.ports) }
        var names: Set<String> = []
        for (port, path) in ports.elements("ports") {
            endpointPort(port, path)
            if !names.insert(port["name"].text).inserted { duplicate(path + ".name", port["name"]) }
            require(port["protocol"], path + ".protocol")
        }
    }

    private mutating func endpoint(_ endpoint: Value, _ type: String, _ path: String) {
        let addresses = endpoint["addresses"]
        require(addresses, path + ".addresses", "must contain at least 1 address")
        if addresses.items.count > Limits.addresses {
            tooMany(path + ".addresses", addresses.items.count, limit: Limits.addresses)
        }
        for (value, path) in addresses.elements(path + ".addresses") { sliceAddress(value.string ?? "", type, path) }
        if let node = endpoint["nodeName"]?.string { name(node, .dns1123Subdomain, path + ".nodeName") }
        let topology = endpoint["deprecatedTopology"]
        if topology.entries.count > Limits.topology {
            tooMany(path + ".deprecatedTopology", topology.entries.count, limit: Limits.topology)
        }
        labels(topology, path + ".deprecatedTopology")
        if topology["kubernetes.io/hostname"] != nil || topology["topology.kubernetes.io/zone"] != nil {
            forbidTopology(topology, path)
        }
        if let host = endpoint["hostname"]?.string { name(host, .dns1123Label, path + ".hostname") }
        for (list, word) in [("forZones", "zones"), ("forNodes", "nodes")] {
            hints(endpoint["hints"][list], "\(path).hints.\(list)", word)
        }
    }

    private mutating func forbidTopology(_ topology: Value?, _ path: String) {
        let why = "may not be set"
        for key in ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] where topology[key] != nil {
            forbid("\(path).deprecatedTopology[\(key)]", why)
        }
    }

    private mutating func hints(_ hints: Value?, _ path: @autoclosure () -> String, _ word: String) {
        guard hints.isFilled else { return }
        let path = path()
        if hints.items.count > Limits.hints { return tooMany(path, hints.items.count, limit: Limits.hints) }
        var names: Set<String> = []
        for (hint, path) in hints.elements(path) {
            let name = hint["name"].text
            if !names.insert(name).inserted { duplicate(path + ".name", .string(name)) }
            self.name(name, word == "zones" ? .labelValue : .dns1123Subdomain, path + ".name")
        }
    }

    private mutating func sliceAddress(_ text: String, _ type: String, _ path: String) {
        switch type {
        case "IPv4", "IPv6":
            guard let address = address(text, path) else { return }
            if address.family.rawValue != type {
                invalid(path, .string(text), "must be a valid \(type) address")
            }
            hostAddress(text, path)
        case "FQDN": name(text, .fullyQualifiedDomainName, path)
        default: break
        }
    }
}
