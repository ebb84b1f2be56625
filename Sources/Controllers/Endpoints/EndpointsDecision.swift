import API
import APIMachinery
import Support

/// The Endpoints object of a service: the older form of its slices, still read by many clients.
struct EndpointsDecision: Sendable {
    static let managerLabel = "endpoints.kubernetes.io/managed-by"
    static let manager = "endpoint-controller"

    static let capacityAnnotation = "endpoints.kubernetes.io/over-capacity"
    /// More addresses do not fit: who needs them all reads the slices.
    static let most = 1000

    let backends: ServiceBackends
    /// When that happened which the object changes for, as far as is known.
    var trigger: Timestamp?

    /// What the object shall be, made from `present` so that what others wrote there stays.
    func wanted(over present: Endpoints?) -> Endpoints {
        let service = backends.service
        var object = present ?? Endpoints(namespace: service.metadata.namespace, name: service.metadata.name)
        var labels = service.metadata.labels
        labels[Self.managerLabel] = Self.manager
        labels[EndpointSliceDecision.headlessLabel] = backends.isHeadless ? "" : nil
        if object.metadata.labels != labels { object.metadata.labels = labels }
        let all = subsets
        let subsets = Self.truncated(all)
        let isTruncated = subsets != all
        if object.subsets != subsets { object.subsets = subsets }
        if (object.metadata.annotations[Self.capacityAnnotation] == "truncated") != isTruncated {
            object.metadata.annotations[Self.capacityAnnotation] = isTruncated ? "truncated" : nil
        }
        if object != present {
            let text = trigger.map { $0.format(fractionDigits: $0.nanoseconds == 0 ? 0 : 9) }
            object.metadata.annotations[SlicePacking.triggerAnnotation] = text
        }
        return object
    }

    /// As many addresses as fit, ready ones first; each subset gives up a part of what it has.
    static func truncated(_ subsets: [EndpointSubset]) -> [EndpointSubset] {
        let ready = subsets.map(\.addresses.count).reduce(0, +)
        let notReady = subsets.map(\.notReadyAddresses.count).reduce(0, +)
        guard ready + notReady > most else { return subsets }
        var readyLeft = min(ready, most)
        var notReadyLeft = most - readyLeft
        let (readyKept, notReadyKept) = (readyLeft, notReadyLeft)
        var kept: [EndpointSubset] = []
        for (index, subset) in subsets.enumerated() {
            let isLast = index == subsets.count - 1
            func share(_ count: Int, _ keep: Int, _ total: Int, _ left: Int) -> Int {
                isLast ? left : total == 0 ? 0 : count * keep / total
            }
            var subset = subset
            let first = share(subset.addresses.count, readyKept, ready, readyLeft)
            let second = share(subset.notReadyAddresses.count, notReadyKept, notReady, notReadyLeft)
            subset.addresses = Array(subset.addresses.prefix(first))
            subset.notReadyAddresses = Array(subset.notReadyAddresses.prefix(second))
            readyLeft -= subset.addresses.count
            notReadyLeft -= subset.notReadyAddresses.count
            if !subset.addresses.isEmpty || !subset.notReadyAddresses.isEmpty { kept.append(subset) }
        }
        return kept
    }

    /// Pods with the same ports share a subset.
    private var subsets: [EndpointSubset] {
        let publishesAll = backends.service.spec.publishNotReadyAddresses
        let pods = backends.pods.filter { publishesAll || $0.metadata.deletionTimestamp == nil }
        let groups = Dictionary(grouping: pods) { backends.ports(at: $0) }
        let ordered = groups.sorted { $0.key.description < $1.key.description }
        return ordered.compactMap { ports, pods in
            var subset = EndpointSubset()
            subset.addresses = pods.filter { publishesAll || $0.isReady }.compactMap(address)
            subset.notReadyAddresses = pods.filter { !publishesAll && !$0.isReady }.compactMap(address)
            subset.ports = ports.map { CoreV1EndpointPort($0.plain) }
            return subset.addresses.isEmpty && subset.notReadyAddresses.isEmpty ? nil : subset
        }
    }

    private func address(_ pod: Pod) -> EndpointAddress? {
        guard let ip = pod.address(of: backends.service.spec.ipFamilies.first ?? "IPv4") else { return nil }
        var address = EndpointAddress()
        address.ip = ip
        address.hostname = backends.hostname(of: pod) ?? ""
        address.nodeName = pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName
        address.targetRef = backends.reference(to: pod)
        return address
    }
}

extension EndpointPort {
    /// The form of core/v1, which leaves an empty name out.
    fileprivate var plain: Value {
        var value = value
        if name?.isEmpty == true { value["name"] = nil }
        return value
    }
}
