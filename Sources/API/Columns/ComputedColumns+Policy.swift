import APIMachinery
import Support

// Bindings, certificates, registrations and the rest.
extension ComputedColumns {
    static let binding: [String: ComputedCell] = [
        "Role": { object, _ in
            .string(
                "\(object.at("roleRef", "kind")?.string ?? "")/\(object.at("roleRef", "name")?.string ?? "")")
        },
        "ServiceAccounts": { object, _ in
            let accounts = (object["subjects"]?.array ?? []).filter { $0["kind"]?.string == "ServiceAccount" }
            return .string(
                accounts.map { "\($0["namespace"]?.string ?? "")/\($0["name"]?.string ?? "")" }
                    .joined(separator: ", "))
        },
    ]

    static func parameters(_ object: Value) -> String {
        guard let reference = object.at("spec", "parameters") else { return "<none>" }
        let group = reference["apiGroup"]?.string ?? ""
        let kind = (reference["kind"]?.string ?? "") + (group.isEmpty ? "" : "." + group)
        return "\(kind)/\(reference["name"]?.string ?? "")"
    }

    static func parent(_ object: Value) -> String {
        guard let reference = object.at("spec", "parentRef") else { return "<none>" }
        func part(_ key: String, _ separator: String) -> String {
            reference[key]?.string.flatMap { $0.isEmpty ? nil : separator + $0 } ?? ""
        }
        return (part("resource", "") + part("group", ".")).lowercased() + part("namespace", "/")
            + part("name", "/")
    }

    static func slicePorts(_ slice: Value) -> String {
        let ports = (slice["ports"]?.array ?? []).map { port in
            if let number = port["port"]?.integer { return "\(number)" }
            let name = port["name"]?.string ?? ""
            return name.isEmpty ? "*" : name
        }
        return ports.isEmpty ? "<unset>" : ColumnDefinition.joined(ports, with: ",", most: 3)
    }

    static func signingCondition(_ request: Value) -> String {
        let types = (request.at("status", "conditions")?.array ?? []).compactMap { $0["type"]?.string }
        var text = types.contains("Denied") ? "Denied" : types.contains("Approved") ? "Approved" : "Pending"
        if types.contains("Failed") { text += ",Failed" }
        if !(request.at("status", "certificate")?.string ?? "").isEmpty { text += ",Issued" }
        return text
    }

    static let apiService: [String: ComputedCell] = [
        "Service": { object, _ in
            guard let service = object.at("spec", "service") else { return "Local" }
            return .string("\(service["namespace"]?.string ?? "")/\(service["name"]?.string ?? "")")
        },
        "Available": { object, _ in
            guard let available = condition("Available", of: object) else { return "Unknown" }
            let status = available["status"]?.string ?? ""
            let reason = available["reason"]?.string ?? ""
            return .string(status == "True" || reason.isEmpty ? status : "\(status) (\(reason))")
        },
    ]

    static func claimState(_ claim: Value) -> String {
        var words: [String] = []
        if isDeleting(claim) { words.append("deleted") }
        if claim.at("status", "allocation") == nil {
            if words.isEmpty { words.append("pending") }
        } else {
            words.append("allocated")
            if count(claim.at("status", "reservedFor")) > 0 { words.append("reserved") }
        }
        return words.joined(separator: ",")
    }

    static let parameterKind: ComputedCell = { object, _ in
        guard let kind = object.at("spec", "paramKind") else { return "<unset>" }
        return .string("\(kind["apiVersion"]?.string ?? "")/\(kind["kind"]?.string ?? "")")
    }

    static let parameterReference: ComputedCell = { object, _ in
        guard let reference = object.at("spec", "paramRef") else { return "<unset>" }
        if let name = reference["name"]?.string, !name.isEmpty {
            return .string("\(reference["namespace"]?.string ?? "*")/\(name)")
        }
        guard let selector = reference["selector"], let parsed = try? LabelSelector(object: selector) else {
            return "<unset>"
        }
        return .string(parsed.description)
    }
}
