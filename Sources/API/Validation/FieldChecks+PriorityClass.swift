import APIMachinery

// Priority classes: two are Kubernetes' own, and only those may rank above users' (Kubernetes documentation, "Pod
// Priority and Preemption").
extension FieldChecks {
    private static let systemClasses: [String: Int64] = [
        "system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000,
    ]
    private static let highestOfUsers: Int64 = 1_000_000_000

    mutating func priorityClass(_ object: Value) {
        let name = object.at("metadata", "name")?.string ?? ""
        let value = object["value"]?.integer ?? 0
        if name.hasPrefix("system-") {
            let why: String?
            if let known = Self.systemClasses[name] {
                why =
                    value != known
                    ? "value of \(name) PriorityClass must be \(known)"
                    : object["globalDefault"] == true ? "globalDefault of \(name) PriorityClass must be false" : nil
            } else {
                why = "\(name) is not a known system priority class"
            }
            guard let why else { return }
            add(
                .forbidden(
                    "metadata.name",
                    "priority class names with 'system-' prefix are reserved for system use only. error: \(why)"))
        } else if value > Self.highestOfUsers {
            add(.forbidden("value", "maximum allowed value of a user defined priority is \(Self.highestOfUsers)"))
        }
    }
}
