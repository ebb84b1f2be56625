import APIMachinery
import Support

// Who may talk to whom; and the addresses that are given out.
extension FieldChecks {
    mutating func networkPolicy(_ policy: Value) {
        let spec = policy["spec"]
        selector(spec["podSelector"], "spec.podSelector")
        for (list, peers) in [("ingress", "from"), ("egress", "to")] {
            for (rule, path) in spec[list].elements("spec.\(list)") {
                for (port, path) in rule["ports"].elements(path + ".ports") { policyPort(port, path) }
                for (peer, path) in rule[peers].elements("\(path).\(peers)") { policyPeer(peer, path) }
            }
        }
        let types = spec["policyTypes"]
        if types.items.count > 2 { invalid("spec.policyTypes", types, "may not specify more than two policyTypes") }
    }

    private mutating func policyPort(_ port: Value, _ path: String) {
        let end = port["endPort"]
        switch port["port"] {
        case nil:
            if end != nil { invalid(path + ".endPort", end, "may not be specified when `port` is not specified") }
        case .string(let name)?:
            if end != nil { invalid(path + ".endPort", end, "may not be specified when `port` is non-numeric") }
            self.name(name, .portName, path + ".port")
        case let start?:
            self.port(start, path + ".port")
            guard let last = end?.integer else { return }
            if last < start.integer ?? 0 {
                invalid(path + ".endPort", end, "must be greater than or equal to `port`")
            }
            self.port(end, path + ".endPort")
        }
    }

    private mutating func policyPeer(_ peer: Value, _ path: String) {
        selector(peer["podSelector"], path + ".podSelector")
        selector(peer["namespaceSelector"], path + ".namespaceSelector")
        let count = ["podSelector", "namespaceSelector", "ipBlock"].count { peer[$0] != nil }
        if let range = peer["ipBlock"] {
            policyBlock(range, path + ".ipBlock")
            if count > 1 { forbid(path, "may not specify both ipBlock and another peer") }
        }
        if count == 0 { missing(path, "must specify a peer") }
    }

    private mutating func policyBlock(_ range: Value, _ path: String) {
        guard require(range["cidr"], path + ".cidr"), let whole = block(range["cidr"].text, path + ".cidr") else { return }
        for (part, path) in range["except"].elements(path + ".except") {
            guard let hole = block(part.string ?? "", path) else { continue }
            guard !whole.contains(hole.first) || whole.length >= hole.length else { continue }
            invalid(path, part, "must be a strict subset of `cidr`")
        }
    }

    // MARK: - Addresses of services (KEP-1880)

    mutating func addressObject(_ object: Value) {
        address(object.at("metadata", "name").text, "metadata.name", isCanonical: true)
        guard let parent = object.at("spec", "parentRef") else { return missing("spec.parentRef") }
        let path = "spec.parentRef"
        optionalName(parent["group"], .dns1123Subdomain, path + ".group")
        requiredName(parent["resource"], .pathSegment, path + ".resource")
        requiredName(parent["name"], .pathSegment, path + ".name")
        optionalName(parent["namespace"], .pathSegment, path + ".namespace")
    }

    mutating func addressObjectUpdate(_ new: Value, _ old: Value) {
        immutable(new.at("spec", "parentRef"), old.at("spec", "parentRef"), "spec.parentRef")
    }

    mutating func serviceRange(_ object: Value) {
        let list = object.at("spec", "cidrs")
        guard require(list, "spec.cidrs", "at least one CIDR required") else { return }
        guard list.items.count <= 2 else {
            return invalid("spec.cidrs", object["spec"], "may only hold up to 2 values")
        }
        let blocks = list.elements("spec.cidrs").compactMap { block($0.value.string ?? "", $0.path, isCanonical: true) }
        if blocks.count == 2, blocks[0].family == blocks[1].family {
            let why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            invalid("spec.cidrs", list, why)
        }
    }

    mutating func serviceRangeUpdate(_ new: Value, _ old: Value) {
        let (list, before) = (new.at("spec", "cidrs"), old.at("spec", "cidrs"))
        let (count, countBefore) = (list.items.count, before.items.count)
        // A second family may be added.
        guard count == countBefore || count == 2 && countBefore == 1 else {
            return immutable(list, before, "spec.cidrs")
        }
        for (index, (one, other)) in zip(list.items, before.items).enumerated() {
            immutable(one, other, "spec.cidrs[\(index)]")
        }
    }
}
