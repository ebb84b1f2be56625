import APIMachinery

// What the scheduler reads beside affinity.
extension FieldChecks {
    mutating func scheduling(_ spec: Value, _ path: String) {
        for (gate, path) in spec["readinessGates"].elements(path + ".readinessGates") {
            name(gate["conditionType"].text, .qualifiedName, path + ".conditionType")
        }
        var gates: Set<String> = []
        for (gate, path) in spec["schedulingGates"].elements(path + ".schedulingGates") {
            let name = gate["name"].text
            self.name(name, .qualifiedName, path)
            if !gates.insert(name).inserted { duplicate(path, .string(name)) }
        }
        tolerations(spec["tolerations"], path + ".tolerations")
        spread(spec["topologySpreadConstraints"], path + ".topologySpreadConstraints")
    }

    mutating func tolerations(_ tolerations: Value?, _ path: @autoclosure () -> String) {
        for (toleration, path) in tolerations.elements(path()) { self.toleration(toleration, path) }
    }

    private static let noKey =
        "operator must be Exists when `key` is empty, which means \"match all values and all keys\""

    private mutating func toleration(_ toleration: Value, _ path: String) {
        let (key, word, value) = (toleration["key"].text, toleration["operator"].text, toleration["value"].text)
        optionalName(.string(key), .qualifiedName, path + ".key")
        if key.isEmpty, word != "Exists" { invalid(path + ".operator", .string(word), Self.noKey) }
        if toleration["tolerationSeconds"] != nil, toleration["effect"].text != "NoExecute" {
            let why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            invalid(path + ".effect", toleration["effect"], why)
        }
        switch word {
        case "", "Equal":
            let problems = NameRule.labelValue.problems(in: value)
            guard !problems.isEmpty else { break }
            invalid(path + ".operator", .string(value), problems.joined(separator: ";"))
        case "Exists":
            guard !value.isEmpty else { break }
            invalid(path + ".operator", .string(value), "value must be empty when `operator` is 'Exists'")
        // The table refuses words that are none; these two wait behind a gate that is shut (KEP-5471).
        case "Lt", "Gt": unsupported(path + ".operator", .string(word), ["Equal", "Exists"])
        default: break
        }
    }

    // MARK: - Spreading (KEP-895)

    private mutating func spread(_ constraints: Value?, _ path: @autoclosure () -> String) {
        guard constraints.isFilled else { return }
        let all = constraints.elements(path())
        let last = Dictionary(
            all.enumerated().map { index, element in
                ([element.value["topologyKey"].text, element.value["whenUnsatisfiable"].text], index)
            }, uniquingKeysWith: { $1 })
        for (index, (constraint, path)) in all.enumerated() {
            let skew = constraint["maxSkew"] ?? 0
            if skew.integer ?? 0 <= 0 { invalid(path + ".maxSkew", skew, "must be greater than zero") }
            let (key, action) = (constraint["topologyKey"].text, constraint["whenUnsatisfiable"].text)
            require(.string(key), path + ".topologyKey", "can not be empty")
            if action.isEmpty {
                unsupported(path + ".whenUnsatisfiable", "", ["DoNotSchedule", "ScheduleAnyway"])
            }
            if last[[key, action]] != index {
                duplicate(path + ".{topologyKey, whenUnsatisfiable}", .string("{\(key), \(action)}"))
            }
            minDomains(constraint["minDomains"], action, path + ".minDomains")
            labelKeys(constraint, path)
            selector(constraint["labelSelector"], path + ".labelSelector")
        }
    }

    private mutating func minDomains(_ value: Value?, _ action: String, _ path: @autoclosure () -> String) {
        guard let count = value?.integer else { return }
        if count <= 0 { invalid(path(), value, "must be greater than zero") }
        guard action != "DoNotSchedule" else { return }
        invalid(path(), value, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not \(action)")
    }
}
