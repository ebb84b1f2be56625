import APIMachinery
import Support

// Nodes, services, events and volumes.
extension ComputedColumns {
    static let node: [String: ComputedCell] = [
        "Status": { node, _ in
            var words: [String] = []
            switch condition("Ready", of: node)?["status"]?.string {
            case "True"?: words.append("Ready")
            case nil: words.append("Unknown")
            default: words.append("NotReady")
            }
            if node.at("spec", "unschedulable")?.bool == true { words.append("SchedulingDisabled") }
            return .string(words.joined(separator: ","))
        },
        "Roles": { node, _ in
            let prefix = "node-role.kubernetes.io/"
            var roles: Set<String> = []
            for (key, value) in node.at("metadata", "labels")?.fields ?? Fields() {
                if key.hasPrefix(prefix) { roles.insert(String(key.dropFirst(prefix.count))) }
                if key == "kubernetes.io/role" { roles.insert(value.string ?? "") }
            }
            roles.remove("")
            return roles.isEmpty ? "<none>" : .string(roles.sorted().joined(separator: ","))
        },
        "Kernel-Version": { node, _ in
            let info = node.at("status", "nodeInfo")
            guard let kernel = info?["kernelVersion"]?.string, !kernel.isEmpty else { return "<unknown>" }
            let architecture = info?["architecture"]?.string ?? ""
            return .string(architecture.isEmpty ? kernel : "\(kernel) (\(architecture))")
        },
    ]

    static let service: [String: ComputedCell] = [
        "External-IP": { service, _ in .string(externalAddress(service)) },
        "Port(s)": { service, _ in
            let ports = (service.at("spec", "ports")?.array ?? []).map { port in
                let node = port["nodePort"]?.integer ?? 0
                let number = port["port"]?.integer ?? 0
                return (node > 0 ? "\(number):\(node)" : "\(number)") + "/"
                    + (port["protocol"]?.string ?? "TCP")
            }
            return ports.isEmpty ? "<none>" : .string(ports.joined(separator: ","))
        },
    ]

    private static func externalAddress(_ service: Value) -> String {
        let given = (service.at("spec", "externalIPs")?.array ?? []).compactMap(\.string)
        switch service.at("spec", "type")?.string {
        case "ClusterIP", "NodePort": return given.isEmpty ? "<none>" : given.joined(separator: ",")
        case "LoadBalancer":
            let all = addresses(service) + given
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return service.at("spec", "externalName")?.string ?? ""
        default: return "<unknown>"
        }
    }

    static func endpoints(_ object: Value) -> String {
        var items: [String] = []
        for subset in object["subsets"]?.array ?? [] {
            let addresses = (subset["addresses"]?.array ?? []).compactMap { $0["ip"]?.string }
            let ports = (subset["ports"]?.array ?? []).compactMap { $0["port"]?.integer }
            guard !ports.isEmpty else {
                items += addresses
                continue
            }
            for port in ports {
                items += addresses.map { $0.contains(":") ? "[\($0)]:\(port)" : "\($0):\(port)" }
            }
        }
        return items.isEmpty ? "<none>" : ColumnDefinition.joined(items, with: ",", most: 3)
    }

    static func componentStatus(_ object: Value) -> String {
        let healthy = object["conditions"]?.array?.first { $0["type"]?.string == "Healthy" }
        guard let healthy else { return "Unknown" }
        return healthy["status"]?.string == "True" ? "Healthy" : "Unhealthy"
    }

    static let event: [String: ComputedCell] = eventColumns(
        object: "involvedObject", last: "lastTimestamp", first: "firstTimestamp", source: "source",
        component: "reportingComponent", count: "count")

    static let groupedEvent: [String: ComputedCell] = eventColumns(
        object: "regarding", last: "deprecatedLastTimestamp", first: "deprecatedFirstTimestamp",
        source: "deprecatedSource", component: "reportingController", count: "deprecatedCount")

    /// The two kinds of events differ in the names of their fields only.
    private static func eventColumns(
        object: String, last: String, first: String, source: String, component: String, count: String
    ) -> [String: ComputedCell] {
        [
            "Last Seen": { event, now in
                let times = [
                    event.at("series", "lastObservedTime"), event[last], event[first], event["eventTime"],
                ]
                return .string(Age.text(since: times.lazy.compactMap { time($0) }.first, now: now))
            },
            "First Seen": { event, now in
                let times = [event[first], event["eventTime"]]
                return .string(Age.text(since: times.lazy.compactMap { time($0) }.first, now: now))
            },
            "Object": { event, _ in
                let kind = event[object]?["kind"]?.string ?? ""
                return .string("\(kind.lowercased())/\(event[object]?["name"]?.string ?? "")")
            },
            "Source": { event, _ in
                let name = nonEmpty(event[source]?["component"]) ?? event[component]?.string ?? ""
                let host = nonEmpty(event[source]?["host"]) ?? event["reportingInstance"]?.string ?? ""
                return .string(host.isEmpty ? name : "\(name), \(host)")
            },
            "Count": { event, _ in
                let counts = [event.at("series", "count"), event[count]].compactMap { $0?.integer }
                return .string("\(counts.first { $0 > 0 } ?? 1)")
            },
        ]
    }

    private static func nonEmpty(_ value: Value?) -> String? {
        value?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    static let volumeStatus: ComputedCell = { object, _ in
        isDeleting(object) ? "Terminating" : object.at("status", "phase") ?? ""
    }

    static let storageClassName: ComputedCell = { object, _ in
        let annotated = object.at("metadata", "annotations", "volume.beta.kubernetes.io/storage-class")
        return annotated ?? object.at("spec", "storageClassName") ?? ""
    }

    static func quota(_ object: Value, where isShown: (String) -> Bool) -> String {
        (object.at("status", "hard")?.fields ?? Fields()).filter { isShown($0.key) }.map { name, hard in
            "\(name): \(object.at("status", "used", name)?.string ?? "0")/\(hard.string ?? "")"
        }.joined(separator: ", ")
    }
}
