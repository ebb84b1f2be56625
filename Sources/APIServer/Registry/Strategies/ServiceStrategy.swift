import API
import APIMachinery
import Client
import Support

/// What is particular to services: their cluster IPs and node ports are allocated here, and given back.
struct ServiceStrategy: ResourceStrategy {
    let allocator: ServiceAllocator

    func prepareForCreate(_ object: inout Value, _ request: WriteRequest) throws(Status) {
        var taken = Taken()
        do throws(Status) {
            try allocate(&object, over: nil, &taken)
        } catch {
            allocator.release(addresses: taken.addresses, ports: taken.ports)
            throw error
        }
    }

    func prepareForUpdate(_ object: inout Value, over current: Value, _ request: WriteRequest) throws(Status) {
        guard request.target.subresource == nil else { return }
        ServiceFields.dropTypeDependent(&object, over: current)
        // Nobody balances it any more.
        let type = object.at("spec", "type")
        if current.at("spec", "type") == "LoadBalancer", type != "LoadBalancer" {
            object[path: ["status", "loadBalancer"]] = .emptyObject
        }
        keepAllocations(&object, of: current)
        var taken = Taken()
        do throws(Status) {
            try allocate(&object, over: current, &taken)
        } catch {
            allocator.release(addresses: taken.addresses, ports: taken.ports)
            throw error
        }
    }

    func release(_ object: Value) {
        allocator.release(addresses: Self.addresses(object), ports: Self.nodePorts(object))
    }

    func release(_ unused: Value, keeping kept: Value) {
        let (addresses, ports) = (Set(Self.addresses(kept)), Set(Self.nodePorts(kept)))
        allocator.release(
            addresses: Self.addresses(unused).filter { !addresses.contains($0) },
            ports: Self.nodePorts(unused).filter { !ports.contains($0) })
    }

    /// Notes what a service that was read at start holds. A port that is taken twice, or lies outside of a range that was
    /// changed since, stays the service's own; there is nothing to note.
    func adopt(_ object: Value) {
        for address in Self.addresses(object) { allocator.adopt(address) }
        for port in Self.nodePorts(object) { _ = try? allocator.take(port) }
    }

    // MARK: Allocating

    private struct Taken {
        var addresses: [Support.IPAddress] = []
        var ports: [ServiceAllocator.PortKey] = []
    }

    /// A client that does not send back what was allocated keeps it.
    private func keepAllocations(_ object: inout Value, of current: Value) {
        guard object.at("spec", "type") != "ExternalName", current.at("spec", "type") != "ExternalName" else { return }
        // Who changes the first address alone means the list as well.
        let (first, all) = (object.at("spec", "clusterIP"), object.at("spec", "clusterIPs"))
        if first != current.at("spec", "clusterIP"), all == current.at("spec", "clusterIPs") {
            object[path: ["spec", "clusterIPs"]] = nil
        }
        for key in Self.addressFields where object.at("spec", key).isUnset {
            guard key != "clusterIPs" || object.at("spec", "clusterIP") == current.at("spec", "clusterIP") else { continue }
            object[path: ["spec", key]] = current.at("spec", key)
        }
    }

    /// What goes with the addresses of a service, the first address first.
    private static let addressFields = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]

    private func allocate(_ object: inout Value, over current: Value?, _ taken: inout Taken) throws(Status) {
        let type = object.at("spec", "type")?.string ?? "ClusterIP"
        if type == "ExternalName" {
            if current != nil {
                for key in Self.addressFields { object[path: ["spec", key]] = nil }
            } else if let address = object.at("spec", "clusterIP"), address != "",
                object.at("spec", "clusterIPs").isUnset
            {
                // Who wants an address and none hears so.
                object[path: ["spec", "clusterIPs"]] = [address]
            }
            return
        }
        try allocateAddress(&object, over: current, &taken)
        if type == "NodePort" || type == "LoadBalancer" {
            try allocatePorts(&object, over: current, &taken)
        } else {
            clearPorts(&object, over: current)
        }
        if ServiceFields.needsHealthCheck(object["spec"]) { try allocateHealthPort(&object, over: current, &taken) }
    }

    /// Load balancers ask here whether a node has pods of the service.
    private func allocateHealthPort(
        _ object: inout Value, over current: Value?, _ taken: inout Taken
    ) throws(Status) {
        let path = ["spec", "healthCheckNodePort"]
        let (wanted, held) = (object[path: path]?.integer ?? 0, current?[path: path]?.integer ?? 0)
        if wanted == 0, held != 0 {
            object[path: path] = .integer(held)
            return
        }
        guard wanted == 0 || wanted != held else { return }
        do throws(ServiceAllocator.Refusal) {
            var key = ServiceAllocator.PortKey(port: Int(wanted), networkProtocol: "TCP")
            if wanted == 0 { key.port = try allocator.takePort("TCP") } else { try allocator.take(key) }
            taken.ports.append(key)
            object[path: path] = .integer(Int64(key.port))
        } catch {
            throw .internalError("failed to allocate requested HealthCheck NodePort \(wanted): \(error)")
        }
    }

    private func allocateAddress(_ object: inout Value, over current: Value?, _ taken: inout Taken) throws(Status) {
        var spec = object["spec"] ?? .emptyObject
        // What a service has it keeps, also if it was given by other rules.
        let had = current?.at("spec", "type") == "ExternalName" ? nil : current?["spec"]
        if had == nil || Self.addressFields.contains(where: { spec[$0] != had?[$0] }) {
            let errors = ServiceFamilies(cluster: allocator.family).complete(&spec)
            guard errors.isEmpty else { throw invalid(object, errors) }
            object["spec"] = spec
        }
        if spec["clusterIP"] == "None" { return }
        let held = current.map { Set(Self.addresses($0)) } ?? []
        if let text = object.at("spec", "clusterIP")?.string, !text.isEmpty {
            try takeAddress(text, held, object, &taken)
            return
        }
        do throws(ServiceAllocator.Refusal) {
            let address = try allocator.takeAddress()
            taken.addresses.append(address)
            object[path: ["spec", "clusterIP"]] = .string(address.description)
            object[path: ["spec", "clusterIPs"]] = [.string(address.description)]
        } catch {
            throw .internalError("failed to allocate a serviceIP: range is full")
        }
    }

    private func takeAddress(
        _ text: String, _ held: Set<Support.IPAddress>, _ object: Value, _ taken: inout Taken
    ) throws(Status) {
        guard let address = Support.IPAddress(text) else {
            throw invalid(object, "spec.clusterIPs[0]", .string(text), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        }
        guard !held.contains(address) else { return }
        do throws(ServiceAllocator.Refusal) {
            try allocator.take(address)
            taken.addresses.append(address)
        } catch {
            throw invalid(
                object, "spec.clusterIPs", [.string(text)],
                "failed to allocate IP \(text): \(Self.reason(error, address))")
        }
    }

    /// In the words of Kubernetes.
    private static func reason(_ refusal: ServiceAllocator.Refusal, _ address: Support.IPAddress) -> String {
        switch refusal {
        case .taken: "provided IP is already allocated"
        case .reserved(let range):
            "the provided IP (\(address)) is not in the valid range. The range of valid IPs is \(range)"
        case .outOfRange: "the provided network does not match the current range"
        case .exhausted: "range is full"
        }
    }

    private func allocatePorts(_ object: inout Value, over current: Value?, _ taken: inout Taken) throws(Status) {
        guard var ports = object.at("spec", "ports")?.array else { return }
        let allocates =
            object.at("spec", "type") == "NodePort"
            || object.at("spec", "allocateLoadBalancerNodePorts") != .bool(false)
        var held = Set(current.map(Self.nodePorts) ?? [])
        let old = current?.at("spec", "ports")?.array ?? []
        let before = Dictionary(old.map { (Self.place($0), $0) }) { first, _ in first }
        for index in ports.indices {
            let networkProtocol = ports[index]["protocol"]?.string ?? "TCP"
            let wanted = ports[index]["nodePort"]?.integer.map(Int.init) ?? 0
            if wanted > 0 {
                let key = ServiceAllocator.PortKey(port: wanted, networkProtocol: networkProtocol)
                if held.remove(key) == nil { try takePort(key, index, object, &taken) }
            } else if let kept = Self.keptPort(before[Self.place(ports[index])], &held) {
                ports[index]["nodePort"] = .integer(Int64(kept))
            } else if allocates {
                do throws(ServiceAllocator.Refusal) {
                    let port = try allocator.takePort(networkProtocol)
                    taken.ports.append(ServiceAllocator.PortKey(port: port, networkProtocol: networkProtocol))
                    ports[index]["nodePort"] = .integer(Int64(port))
                } catch {
                    throw .internalError("failed to allocate a nodePort: range is full")
                }
            }
        }
        object[path: ["spec", "ports"]] = .array(ports)
    }

    /// The node port that the same service port had before.
    private static func keptPort(_ old: Value?, _ held: inout Set<ServiceAllocator.PortKey>) -> Int? {
        guard let old, let number = old["nodePort"]?.integer, number > 0 else { return nil }
        let key = ServiceAllocator.PortKey(port: Int(number), networkProtocol: old["protocol"]?.string ?? "TCP")
        return held.remove(key)?.port
    }

    /// What makes a port of a service the same port in the next version of it.
    private static func place(_ port: Value) -> [Value] { [port["port"] ?? .null, port["protocol"] ?? "TCP"] }

    private func takePort(
        _ key: ServiceAllocator.PortKey, _ index: Int, _ object: Value, _ taken: inout Taken
    ) throws(Status) {
        do throws(ServiceAllocator.Refusal) {
            try allocator.take(key)
            taken.ports.append(key)
        } catch {
            let why =
                error == .taken
                ? "provided port is already allocated"
                : "provided port is not in the valid range. The range of valid ports is "
                    + "\(allocator.ports.lowerBound)-\(allocator.ports.upperBound)"
            throw invalid(object, "spec.ports[\(index)].nodePort", .integer(Int64(key.port)), why)
        }
    }

    /// A service that is no NodePort service any more loses the ports that it was given, unless the client sends others.
    private func clearPorts(_ object: inout Value, over current: Value?) {
        guard let current, var ports = object.at("spec", "ports")?.array else { return }
        let held = Set(Self.nodePorts(current).map(\.port))
        for index in ports.indices {
            if let port = ports[index]["nodePort"]?.integer, held.contains(Int(port)) { ports[index]["nodePort"] = nil }
        }
        object[path: ["spec", "ports"]] = .array(ports)
    }

    private func invalid(_ object: Value, _ field: String, _ value: Value, _ detail: String) -> Status {
        invalid(object, [.invalid(field, value: value, detail)])
    }

    private func invalid(_ object: Value, _ errors: [FieldError]) -> Status {
        .invalid(
            GroupVersionKind(group: "", version: "v1", kind: "Service"),
            object.at("metadata", "name")?.string ?? "", errors)
    }

    /// The addresses of its own that a service has.
    static func addresses(_ object: Value) -> [Support.IPAddress] {
        (object.at("spec", "clusterIPs")?.array ?? []).compactMap { $0.string.flatMap { Support.IPAddress($0) } }
    }

    private static func nodePorts(_ object: Value) -> [ServiceAllocator.PortKey] {
        var keys: [ServiceAllocator.PortKey] = (object.at("spec", "ports")?.array ?? []).compactMap { port in
            guard let number = port["nodePort"]?.integer, number > 0 else { return nil }
            return ServiceAllocator.PortKey(port: Int(number), networkProtocol: port["protocol"]?.string ?? "TCP")
        }
        if let number = object.at("spec", "healthCheckNodePort")?.integer, number > 0 {
            keys.append(ServiceAllocator.PortKey(port: Int(number), networkProtocol: "TCP"))
        }
        return keys
    }
}
