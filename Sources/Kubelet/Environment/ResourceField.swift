import API
import APIMachinery
import Support

/// What `resourceFieldRef` of a variable or of a downwardAPI volume says: a request or limit of one
/// container, as a whole number of `divisor`s, rounded up.
enum ResourceField {
    /// `own` is the container that a reference without a name means; a volume has none.
    static func value(
        _ reference: ResourceFieldSelector, own: Container?, in pod: Pod, allocatable: [String: Quantity]
    ) throws(Fault) -> String {
        let name = reference.containerName
        guard let container = name.isEmpty ? own : own?.name == name ? own : pod.container(named: name) else {
            throw Fault(.invalid, "container \(name) not found")
        }
        let (list, resource) = try parts(of: reference.resource)
        var amounts = list == "limits" ? container.resources.limits : container.resources.requests
        if list == "limits" { fillLimits(&amounts, pod: pod, allocatable: allocatable) }
        let amount = (try? Quantity(amounts[resource] ?? "0")) ?? .zero
        var divisor = (try? Quantity(reference.divisor.isEmpty ? "0" : reference.divisor)) ?? .zero
        if divisor.isZero { divisor = Quantity(1) }
        if resource == "cpu" { return String(ceiling(amount.milliValue, divisor.milliValue)) }
        return String(ceiling(amount.value, divisor.value))
    }

    /// Whether the reference may need the node's allocatable resources.
    static func readsLimits(_ reference: ResourceFieldSelector) -> Bool {
        reference.resource.hasPrefix("limits.")
    }

    private static func parts(of text: String) throws(Fault) -> (list: String, resource: String) {
        let cut = text.firstIndex(of: ".") ?? text.endIndex
        let (list, resource) = (String(text[..<cut]), String(text[cut...].dropFirst()))
        let isKnown =
            ["cpu", "memory", "ephemeral-storage"].contains(resource) || resource.hasPrefix("hugepages-")
        guard ["limits", "requests"].contains(list), isKnown else {
            throw Fault(.invalid, "Unsupported container resource : \(text)")
        }
        return (list, resource)
    }

    /// A container without a limit may use what its pod may, or else what the node gives to pods.
    private static func fillLimits(
        _ limits: inout [String: String], pod: Pod, allocatable: [String: Quantity]
    ) {
        for name in ["cpu", "memory", "ephemeral-storage"] {
            if let limit = limits[name].flatMap({ try? Quantity($0) }), !limit.isZero { continue }
            limits[name] = pod.spec.resources?.limits[name] ?? allocatable[name]?.description
        }
    }

    private static func ceiling(_ amount: Int64, _ divisor: Int64) -> Int64 {
        guard divisor > 0 else { return amount }
        let (quotient, remainder) = amount.quotientAndRemainder(dividingBy: divisor)
        return quotient + (remainder > 0 ? 1 : 0)
    }
}

extension Pod {
    /// A container or init container by its name.
    func container(named name: String) -> Container? {
        spec.containers.first { $0.name == name } ?? spec.initContainers.first { $0.name == name }
    }
}
