import API
import APIMachinery
import Support

/// Which EndpointSlices of a service to create, update and delete, so that they list its pods.
///
/// Pure; its shell is ``EndpointsController``.
struct EndpointSliceDecision: Sendable {
    typealias Action = SlicePacking.Action

    static let serviceLabel = "kubernetes.io/service-name"
    static let managerLabel = "endpointslice.kubernetes.io/managed-by"
    static let manager = "endpointslice-controller.k8s.io"
    static let headlessLabel = "service.kubernetes.io/headless"

    /// Selects the slices that this controller made for a service of this name.
    static func selector(of service: ObjectName) throws(Status) -> LabelSelector {
        do throws(SelectorError) {
            return try LabelSelector(labels: [serviceLabel: .string(service.name), managerLabel: .string(manager)])
        } catch {
            throw .badRequest("the name of service \(service) is no label: \(error)")
        }
    }

    let backends: ServiceBackends
    /// The slices that this controller made for the service.
    let slices: [EndpointSlice]
    /// When that happened which the slices change for, as far as is known.
    var trigger: Timestamp?

    var actions: [Action] {
        let service = backends.service
        var labels = service.metadata.labels
        labels[Self.serviceLabel] = service.metadata.name
        labels[Self.managerLabel] = Self.manager
        labels[Self.headlessLabel] = backends.isHeadless ? "" : nil
        let packing = SlicePacking(
            owner: service.controllerReference, namespace: service.metadata.namespace, labels: labels,
            trigger: trigger)
        return packing.actions(for: endpoints, over: slices)
    }

    /// The endpoints by family and ports. A family without any has one empty slice.
    private var endpoints: [SlicePacking.Key: [Endpoint]] {
        var result: [SlicePacking.Key: [Endpoint]] = [:]
        let families = backends.service.spec.ipFamilies
        for family in families.isEmpty ? ["IPv4"] : families {
            var (listed, ports) = ([Endpoint](), [[EndpointPort]]())
            for pod in backends.pods {
                guard let address = pod.address(of: family) else { continue }
                listed.append(endpoint(pod, address))
                ports.append(backends.ports(at: pod))
            }
            if listed.isEmpty { result[SlicePacking.Key(addressType: family, ports: [])] = [] }
            for (endpoint, ports) in zip(backends.hints.applied(to: listed), ports) {
                result[SlicePacking.Key(addressType: family, ports: ports), default: []].append(endpoint)
            }
        }
        return result
    }

    private func endpoint(_ pod: Pod, _ address: String) -> Endpoint {
        let isTerminating = pod.metadata.deletionTimestamp != nil
        // What a pod can do is its own word, also where its service does not wait for that.
        let isServing = pod.isReady
        var endpoint = Endpoint()
        endpoint.addresses = [address]
        var conditions = EndpointConditions()
        conditions.ready = backends.service.spec.publishNotReadyAddresses || (isServing && !isTerminating)
        conditions.serving = isServing
        conditions.terminating = isTerminating
        endpoint.conditions = conditions
        endpoint.hostname = backends.hostname(of: pod)
        endpoint.targetRef = backends.reference(to: pod)
        endpoint.nodeName = pod.spec.nodeName.isEmpty ? nil : pod.spec.nodeName
        endpoint.zone = backends.zones[pod.spec.nodeName]
        return endpoint
    }
}
