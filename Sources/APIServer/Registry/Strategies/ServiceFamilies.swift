import API
import APIMachinery
import Support

/// Which address families a service has in a cluster of one family, by what its client asks for (KEP-563). Pure.
struct ServiceFamilies {
    /// What the cluster's range of service addresses is of.
    let cluster: Support.IPAddress.Family

    /// Completes the spec of a service that has addresses, or says what cannot be had of it.
    func complete(_ spec: inout Value) -> [FieldError] {
        if spec["clusterIPs"].isUnset, let first = spec["clusterIP"], !spec["clusterIP"].isUnset {
            spec["clusterIPs"] = [first]
        }
        // Before any family is added: errors shall be about what the client wrote.
        let errors = ServiceFields.addressErrors(spec) + unfitting(spec)
        guard errors.isEmpty else { return errors }
        if spec["ipFamilies"].isUnset { spec["ipFamilies"] = [.string(cluster.rawValue)] }
        let isFree = isFree(spec)
        if spec["ipFamilyPolicy"].isUnset { spec["ipFamilyPolicy"] = isFree ? "RequireDualStack" : "SingleStack" }
        if isFree, spec["ipFamilyPolicy"] != "SingleStack", spec["ipFamilies"]?.array?.count == 1 {
            spec["ipFamilies"] = spec["ipFamilies"] == ["IPv4"] ? ["IPv4", "IPv6"] : ["IPv6", "IPv4"]
        }
        return []
    }

    /// Whether the service has no address and its endpoints are somebody else's, who may have both families.
    private func isFree(_ spec: Value) -> Bool { spec["clusterIP"] == "None" && spec["selector"].isUnset }

    /// What is asked for and the cluster does not have.
    private func unfitting(_ spec: Value) -> [FieldError] {
        let families = spec["ipFamilies"]?.array ?? []
        let addresses = (spec["clusterIPs"]?.array ?? []).compactMap { $0.string.flatMap { Support.IPAddress($0) } }
        let policy = spec["ipFamilyPolicy"] ?? .null
        var errors: [FieldError] = []
        if policy == "SingleStack" || policy.isUnset && !isFree(spec) {
            for (field, count) in [("clusterIPs", addresses.count), ("ipFamilies", families.count)] where count == 2 {
                errors.append(
                    .invalid(
                        "spec.ipFamilyPolicy", value: policy,
                        "must be RequireDualStack or PreferDualStack when multiple \(field) are specified"))
            }
        }
        for (index, address) in addresses.enumerated() where index >= families.count && address.family != cluster {
            errors.append(
                .invalid(
                    "spec.clusterIPs[\(index)]", value: spec["clusterIPs"] ?? .null,
                    "\(address.family.rawValue) is not configured on this cluster"))
        }
        guard errors.isEmpty else { return errors }
        if isFree(spec) { return [] }
        if policy == "RequireDualStack" {
            errors.append(
                .invalid("spec.ipFamilyPolicy", value: policy, "this cluster is not configured for dual-stack services"))
        }
        for (index, family) in families.enumerated() where family.string != cluster.rawValue {
            errors.append(.invalid("spec.ipFamilies[\(index)]", value: family, "not configured on this cluster"))
        }
        return errors
    }
}

extension Value? {
    /// Whether a client left it out, in one of the ways that there are.
    var isUnset: Bool { self?.isUnset ?? true }
}

extension Value {
    fileprivate var isUnset: Bool { self == .null || self == "" || self == .array([]) || self == .emptyObject }
}
