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
        for port in Self.nodePorts(object) { _ = try? allocator.takePort(port) }
    }

    // MARK: Allocating

    private struct Taken {
        var addresses: [Support.IPAddress] = []
        var ports: [Int] = []
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
            var port = Int(wanted)
            if wanted == 0 { port = try allocator.takePort() } else { try allocator.takePort(port) }
            taken.ports.append(port)
            object[path: path] = .integer(Int64(port))
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
        if let current {
            try changePorts(&ports, of: current, allocates, object, &taken)
        } else {
            try firstPorts(&ports, allocates, object, &taken)
        }
        object[path: ["spec", "ports"]] = .array(ports)
    }

    /// A new service gets one node port for all its ports of one number, which differ in their protocols. It may ask
    /// for several.
    private func firstPorts(
        _ ports: inout [Value], _ allocates: Bool, _ object: Value, _ taken: inout Taken
    ) throws(Status) {
        var given: [Int64: Int] = [:]
        for index in ports.indices {
            let (number, wanted) = (ports[index]["port"]?.integer ?? 0, Self.nodePort(ports[index]))
            guard wanted != nil || allocates else { continue }
            if let shared = given[number] {
                if let wanted, wanted != shared { try takePort(wanted, index, object, &taken) }
                ports[index]["nodePort"] = .integer(Int64(wanted ?? shared))
                continue
            }
            // It counts wherever it is said.
            let asked = ports.first { $0["port"]?.integer ?? 0 == number && Self.nodePort($0) != nil }
            if let port = asked.flatMap(Self.nodePort) {
                try takePort(port, index, object, &taken)
                given[number] = port
            } else {
                given[number] = try takeAnyPort(&taken)
            }
            ports[index]["nodePort"] = given[number].map { .integer(Int64($0)) }
        }
    }

    /// What a service has it keeps; each port that is new to it gets a node port of its own.
    private func changePorts(
        _ ports: inout [Value], of current: Value, _ allocates: Bool, _ object: Value, _ taken: inout Taken
    ) throws(Status) {
        let old = current.at("spec", "ports")?.array ?? []
        let before = Dictionary(old.map { (Self.place($0), $0) }) { first, _ in first }
        var own = Set(Self.nodePorts(current))
        // Those that no port of the new version has yet.
        var held = Set(old.compactMap(NodePortUse.init))
        for index in ports.indices {
            if let wanted = Self.nodePort(ports[index]) {
                if let use = NodePortUse(ports[index]) { held.remove(use) }
                if own.insert(wanted).inserted { try takePort(wanted, index, object, &taken) }
            } else if let use = before[Self.place(ports[index])].flatMap(NodePortUse.init), held.remove(use) != nil {
                ports[index]["nodePort"] = .integer(Int64(use.number))
            } else if allocates {
                let port = try takeAnyPort(&taken)
                own.insert(port)
                ports[index]["nodePort"] = .integer(Int64(port))
            }
        }
    }

    /// A node port as one port of a service uses it: TCP and UDP may share it.
    private struct NodePortUse: Hashable {
        let number: Int
        let networkProtocol: String

        init?(_ port: Value) {
            guard let number = ServiceStrategy.nodePort(port) else { return nil }
            self.number = number
            networkProtocol = port["protocol"]?.string ?? "TCP"
        }
    }

    /// What makes a port of a service the same port in the next version of it.
    private static func place(_ port: Value) -> [Value] { [port["port"] ?? .null, port["protocol"] ?? "TCP"] }

    private static func nodePort(_ port: Value) -> Int? {
        guard let number = port["nodePort"]?.integer, number > 0 else { return nil }
        return Int(number)
    }

    private func takeAnyPort(_ taken: inout Taken) throws(Status) -> Int {
        do throws(ServiceAllocator.Refusal) {
            let port = try allocator.takePort()
            taken.ports.append(port)
            return port
        } catch {
            throw .internalError("failed to allocate a nodePort: range is full")
        }
    }

    private func takePort(_ port: Int, _ index: Int, _ object: Value, _ taken: inout Taken) throws(Status) {
        do throws(ServiceAllocator.Refusal) {
            try allocator.takePort(port)
            taken.ports.append(port)
        } catch {
            let why =
                error == .taken
                ? "provided port is already allocated"
                : "provided port is not in the valid range. The range of valid ports is "
                    + "\(allocator.ports.lowerBound)-\(allocator.ports.upperBound)"
            throw invalid(object, "spec.ports[\(index)].nodePort", .integer(Int64(port)), why)
        }
    }

    /// A service that is no NodePort service any more loses the ports that it was given, unless the client sends others.
    private func clearPorts(_ object: inout Value, over current: Value?) {
        guard let current, var ports = object.at("spec", "ports")?.array else { return }
        let held = Set(Self.nodePorts(current))
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

    private static func nodePorts(_ object: Value) -> [Int] {
        let numbers = (object.at("spec", "ports")?.array ?? []).compactMap(nodePort)
        guard let number = object.at("spec", "healthCheckNodePort")?.integer, number > 0 else { return numbers }
        return numbers + [Int(number)]
    }
}
