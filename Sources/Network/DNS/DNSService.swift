import API
import APIMachinery
public import Client
public import Logging
public import Support

/// Keeps the Service `kube-system/kube-dns` and its EndpointSlice, by which users and programs find the DNS.
///
/// No pod is behind it. The endpoint is the cluster IP itself, since that is where each node answers; proxies
/// leave that address alone (``ServiceProxyOptions/ownClusterIPs``).
public struct DNSService: Sendable {
    private let client: any Client
    private let addresses: [Support.IPAddress]
    private let log: Logger

    static let name = ObjectName(namespace: "kube-system", name: "kube-dns")
    private static let labels = [
        "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
    ]

    /// - Parameter addresses: The cluster-dns addresses, the first one first.
    public init(client: any Client, addresses: [Support.IPAddress], log: Logger) {
        self.client = client
        self.addresses = addresses
        self.log = log
    }

    /// Runs until the task is cancelled: makes both, and again what somebody changes or deletes.
    public func run() async throws(Fault) {
        let queue = WorkQueue<ObjectName>()
        let services: any ObjectSet
        let slices: any ObjectSet
        do throws(Status) {
            services = try await client.observe(
                Service.self, ObservationScope(namespace: Self.name.namespace))
            slices = try await client.observe(
                EndpointSlice.self, ObservationScope(namespace: Self.name.namespace))
        } catch {
            throw Fault(.unavailable, "the DNS cannot observe its service", cause: error)
        }
        let own = Set([Self.name] + addresses.indices.map(sliceName))
        let observations = [services, slices].map { set in
            set.observe { if own.contains($0.name) { queue.add(Self.name) } }
        }
        defer { for observation in observations { observation.cancel() } }
        queue.add(Self.name)
        let log = log
        await queue.run(workers: 1) { (name: ObjectName, status: Status) in
            // Somebody else was first: the next try sees what they wrote.
            log.log(
                level: status.isConflict ? .debug : .warning, "cannot keep the service \(name): \(status)")
        } _: { name throws(Status) in
            try await keep(services.get(Service.self, name), slices)
            return nil
        }
    }

    private func keep(_ present: Service?, _ slices: any ObjectSet) async throws(Status) {
        let wanted = wanted(over: present)
        var service = wanted
        if let present {
            if wanted != present { service = try await client.update(wanted) }
        } else {
            service = try await client.create(wanted)
        }
        for (index, address) in addresses.enumerated() {
            let present = slices.get(EndpointSlice.self, sliceName(index))
            let wanted = slice(index, address, of: service, over: present)
            if present == nil {
                try await client.create(wanted)
            } else if wanted != present {
                try await client.update(wanted)
            }
        }
    }

    /// The service as it should be. What is not ours in it stays.
    func wanted(over present: Service?) -> Service {
        var service = present ?? Service(namespace: Self.name.namespace, name: Self.name.name)
        service.metadata.labels.merge(Self.labels) { $1 }
        // Pods would take the place of the endpoint.
        service.spec.selector = [:]
        guard present == nil else { return service }
        service.spec.type = "ClusterIP"
        service.spec.clusterIP = addresses.first?.description ?? ""
        service.spec.clusterIPs = addresses.map(\.description)
        let families = addresses.map(\.family.rawValue)
        service.spec.ipFamilies = families
        service.spec.ipFamilyPolicy = families.count > 1 ? "RequireDualStack" : "SingleStack"
        service.spec.ports = Self.ports.map { name, transport in
            var port = ServicePort()
            (port.name, port.protocol, port.port, port.targetPort) = (name, transport, 53, 53)
            return port
        }
        return service
    }

    private static let ports = [("dns", "UDP"), ("dns-tcp", "TCP")]

    private func sliceName(_ index: Int) -> ObjectName {
        ObjectName(
            namespace: Self.name.namespace, name: index == 0 ? Self.name.name : "\(Self.name.name)-\(index)")
    }

    private func slice(
        _ index: Int, _ address: Support.IPAddress, of service: Service, over present: EndpointSlice?
    ) -> EndpointSlice {
        let name = sliceName(index)
        var slice = present ?? EndpointSlice(namespace: name.namespace, name: name.name)
        slice.metadata.labels = [
            SliceIndex.serviceLabel: Self.name.name, "endpointslice.kubernetes.io/managed-by": "k3s",
        ]
        var owner = OwnerReference()
        (owner.apiVersion, owner.kind) = ("v1", Service.kind)
        (owner.name, owner.uid) = (Self.name.name, service.metadata.uid)
        slice.metadata.ownerReferences = [owner]
        slice.addressType = address.family.rawValue
        var endpoint = Endpoint()
        endpoint.addresses = [address.description]
        var conditions = EndpointConditions()
        (conditions.ready, conditions.serving, conditions.terminating) = (true, true, false)
        endpoint.conditions = conditions
        slice.endpoints = [endpoint]
        slice.ports = Self.ports.map { name, transport in
            var port = EndpointPort()
            (port.name, port.protocol, port.port) = (name, transport, 53)
            return port
        }
        return slice
    }
}
