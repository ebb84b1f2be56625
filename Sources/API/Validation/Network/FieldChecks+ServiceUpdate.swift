import APIMachinery

// A service's first address, once given, is what clients know it by; a second may come and go.
extension FieldChecks {
    mutating func serviceUpdate(_ new: Value, _ old: Value) {
        let (spec, before) = (new["spec"] ?? .emptyObject, old["spec"] ?? .emptyObject)
        if new["status"] != old["status"] {
            loadBalancerStatus(new.at("status", "loadBalancer"), "status.loadBalancer", hasMode: true)
            if spec["type"].text != "LoadBalancer", new.at("status", "loadBalancer", "ingress").isFilled {
                let why = "may only be used when `spec.type` is 'LoadBalancer'"
                forbid("status.loadBalancer.ingress", why)
            }
        }
        guard spec != before else { return }
        if spec["type"].text == "LoadBalancer", before["type"].text == "LoadBalancer",
            spec["loadBalancerClass"] != before["loadBalancerClass"]
        {
            invalid("spec.loadBalancerClass", spec["loadBalancerClass"] ?? .null, "may not change once set")
        }
        if ServiceFields.needsHealthCheck(spec), ServiceFields.needsHealthCheck(before),
            spec["healthCheckNodePort"] != before["healthCheckNodePort"]
        {
            forbid("spec.healthCheckNodePort", "field is immutable")
        }
        guard ![spec["type"].text, before["type"].text].contains("ExternalName") else { return }
        let (headless, wasHeadless) = (Self.isHeadless(spec), Self.isHeadless(before))
        if !(headless && wasHeadless) {
            list("clusterIPs", "clusterIP", spec, before, Self.addresses(spec), Self.addresses(before))
        }
        if !headless, !wasHeadless {
            list("ipFamilies", "ipFamily", spec, before, spec["ipFamilies"].items, before["ipFamilies"].items)
        }
    }

    /// The list of addresses; older objects have the first alone.
    private static func addresses(_ spec: Value) -> [Value] {
        if let list = spec["clusterIPs"]?.array, !list.isEmpty { return list }
        return spec["clusterIP"].text.isEmpty ? [] : [spec["clusterIP"] ?? ""]
    }

    private mutating func list(
        _ key: String, _ word: String, _ spec: Value, _ before: Value, _ new: [Value], _ old: [Value]
    ) {
        guard !old.isEmpty else { return }
        let (path, value) = ("spec.\(key)[0]", Value.array(new))
        guard let first = new.first else { return invalid(path, value, "primary \(word) can not be unset") }
        if new.count == old.count {
            for (index, (one, other)) in zip(new, old).enumerated() where one != other {
                invalid("spec.\(key)[\(key == "clusterIPs" ? index : 0)]", value, "may not change once set")
            }
            return
        }
        if first != old[0] { invalid(path, value, "may not change once set") }
        if new.count == 1, spec["ipFamilyPolicy"].text != "SingleStack" {
            let why = "must be set to 'SingleStack' when releasing the secondary \(word)"
            invalid("spec.ipFamilyPolicy", spec["ipFamilyPolicy"] ?? .null, why)
        }
    }
}
