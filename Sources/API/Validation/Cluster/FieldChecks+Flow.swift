import APIMachinery

// Which requests wait behind which (KEP-1040).
extension FieldChecks {
    private static let exempt = "exempt"
    private static let highestPrecedence: Int64 = 10_000
    private static let mostQueues: Int64 = 10_000_000
    /// How much chance a request's hash has to choose queues with.
    private static let hashBits = 60.0

    mutating func flowSchema(_ schema: Value) {
        let (name, spec) = (schema.at("metadata", "name").text, schema["spec"])
        let precedence = spec["matchingPrecedence"]?.integer ?? 0
        let path = "spec.matchingPrecedence"
        if precedence <= 0 { invalid(path, .integer(precedence), "must be a positive value") }
        if precedence > Self.highestPrecedence {
            invalid(path, .integer(precedence), "must not be greater than \(Self.highestPrecedence)")
        }
        if precedence == 1, name != Self.exempt {
            invalid(path, .integer(1), "only the schema named 'exempt' may have matchingPrecedence 1")
        }
        if let method = spec["distinguisherMethod"] {
            oneOf(.string(method["type"].text), ["ByNamespace", "ByUser"], "spec.distinguisherMethod.type")
        }
        let level = spec["priorityLevelConfiguration"]["name"]
        if require(level, "spec.priorityLevelConfiguration.name", "must reference a priority level") {
            self.name(level.text, .dns1123Subdomain, "spec.priorityLevelConfiguration.name")
        }
        for (rule, path) in spec["rules"].elements("spec.rules") { flowRule(rule, path) }
        flowConditions(schema)
    }

    private mutating func flowConditions(_ object: Value) {
        var types: Set<String> = []
        for (condition, path) in object.at("status", "conditions").elements("status.conditions") {
            let type = condition["type"].text
            if !types.insert(type).inserted { duplicate(path + ".type", .string(type)) }
            require(.string(type), path + ".type", "must not be empty")
        }
    }

    // MARK: - Rules

    private mutating func flowRule(_ rule: Value, _ path: String) {
        require(rule["subjects"], path + ".subjects", "subjects must contain at least one value")
        for (subject, path) in rule["subjects"].elements(path + ".subjects") { flowSubject(subject, path) }
        if !rule["resourceRules"].isFilled, !rule["nonResourceRules"].isFilled {
            missing(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
        }
        for (rule, path) in rule["resourceRules"].elements(path + ".resourceRules") { resourceFlow(rule, path) }
        for (rule, path) in rule["nonResourceRules"].elements(path + ".nonResourceRules") { urlFlow(rule, path) }
    }

    private static let subjectFields = [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")]

    private mutating func flowSubject(_ subject: Value, _ path: String) {
        let kind = subject["kind"].text
        guard let field = Self.subjectFields.first(where: { $0.0 == kind })?.1 else {
            return unsupported(path + ".kind", .string(kind), Self.subjectFields.map(\.0).sorted())
        }
        if let named = subject[field] {
            require(named["name"], "\(path).\(field).name")
            if kind == "ServiceAccount" { flowAccount(named, path + ".serviceAccount") }
        } else {
            missing("\(path).\(field)", "\(field) is required when subject kind is '\(kind)'")
        }
        for (other, key) in Self.subjectFields where key != field && subject[key] != nil {
            forbid("\(path).\(key)", "\(key) is forbidden when subject kind is not '\(other)'")
        }
    }

    private mutating func flowAccount(_ account: Value, _ path: String) {
        let name = account["name"].text
        if !name.isEmpty, name != "*" { self.name(name, .dns1123Subdomain, path + ".name") }
        if require(account["namespace"], path + ".namespace", "must specify namespace for service account") {
            self.name(account["namespace"].text, .dns1123Label, path + ".namespace")
        }
    }

    private static let flowVerbs = [
        "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch",
    ]

    private mutating func flowVerbs(_ verbs: Value?, _ path: String) {
        guard require(verbs, path, "verbs must contain at least one value") else { return }
        if verbs.items.contains("*") {
            if verbs.items.count > 1 { invalid(path, verbs, "if '*' is present, must not specify other verbs") }
        } else if !verbs.items.allSatisfy({ Self.flowVerbs.contains($0.string ?? "") }) {
            unsupported(path, verbs, Self.flowVerbs)
        }
    }

    private mutating func loneWildcard(_ list: Value?, _ path: String, _ others: String, _ ifEmpty: String) {
        guard require(list, path, ifEmpty), list.items.count > 1, list.items.contains("*") else { return }
        invalid(path, list, "if '*' is present, must not specify other \(others)")
    }

    private mutating func resourceFlow(_ rule: Value, _ path: String) {
        flowVerbs(rule["verbs"], path + ".verbs")
        let word = "resource rules must supply at least one"
        loneWildcard(rule["apiGroups"], path + ".apiGroups", "api groups", word + " api group")
        loneWildcard(rule["resources"], path + ".resources", "resources", word + " resource")
        let namespaces = rule["namespaces"]
        if !namespaces.isFilled, rule["clusterScope"].isTrue { return }
        let why = "resource rules that are not cluster scoped must supply at least one namespace"
        loneWildcard(namespaces, path + ".namespaces", "namespaces", why)
        guard !namespaces.items.contains("*") else { return }
        for (namespace, path) in namespaces.elements(path + ".namespaces") {
            for problem in NameRule.dns1123Label.problems(in: namespace.string ?? "") {
                invalid(path, namespace, "each member of this list must be '*' or a DNS-1123 label; " + problem)
            }
        }
    }

    private mutating func urlFlow(_ rule: Value, _ path: String) {
        flowVerbs(rule["verbs"], path + ".verbs")
        let (list, path) = (rule["nonResourceURLs"], path + ".nonResourceURLs")
        loneWildcard(list, path, "non-resource URLs", "nonResourceURLs must contain at least one value")
        guard !list.items.contains("*") else { return }
        for (url, path) in list.elements(path) {
            guard let why = Self.problem(inURL: url.string ?? "") else { continue }
            invalid(path, url, why)
        }
    }

    private static func problem(inURL text: String) -> String? {
        if text.isEmpty { return "must not be empty" }
        if !text.hasPrefix("/") { return "must start with slash" }
        if text.contains(" ") { return "must not contain white-space" }
        if text.contains("//") { return "must not contain double slash" }
        let stars = text.count { $0 == "*" }
        return stars > 1 || stars == 1 && !text.hasSuffix("/*") ? "wildcard can only do suffix matching" : nil
    }

    // MARK: - Levels

    mutating func priorityLevel(_ level: Value) {
        let (name, spec) = (level.at("metadata", "name").text, level["spec"])
        let type = spec["type"].text
        if (name == Self.exempt) != (type == "Exempt") {
            invalid("spec.type", .string(type), "type must be 'Exempt' if and only if name is 'exempt'")
        }
        switch type {
        case "Exempt":
            if spec["limited"] != nil { forbid("spec.limited", "must be nil if the type is not Limited") }
            notNegative(spec["exempt"], ["nominalConcurrencyShares", "lendablePercent"], "spec.exempt")
            lendable(spec["exempt"], "spec.exempt")
        case "Limited":
            if spec["exempt"] != nil { forbid("spec.exempt", "must be nil if the type is Limited") }
            guard let limited = spec["limited"] else {
                return missing("spec.limited", "must not be empty when type is Limited")
            }
            self.limited(limited, "spec.limited")
        default: unsupported("spec.type", .string(type), ["Exempt", "Limited"])
        }
        flowConditions(level)
    }

    private mutating func lendable(_ level: Value?, _ path: String) {
        guard let share = level["lendablePercent"]?.integer, !(0...100).contains(share) else { return }
        invalid(path + ".lendablePercent", .integer(share), "must be between 0 and 100, inclusive")
    }

    private mutating func limited(_ limited: Value, _ path: String) {
        let shares = limited["nominalConcurrencyShares"]
        if let number = shares?.integer, number < 0 {
            invalid(path + ".nominalConcurrencyShares", shares, "must be a non-negative integer")
        }
        lendable(limited, path)
        if let bound = limited["borrowingLimitPercent"]?.integer, bound < 0 {
            let why = "if specified, must be a non-negative integer"
            invalid(path + ".borrowingLimitPercent", .integer(bound), why)
        }
        let (response, path) = (limited["limitResponse"], path + ".limitResponse")
        switch response["type"].text {
        case "Reject":
            guard response["queuing"] != nil else { break }
            forbid(path + ".queuing", "must be nil if limited.limitResponse.type is not Limited")
        case "Queue":
            if let queuing = response["queuing"] {
                self.queuing(queuing, path + ".queuing")
            } else {
                missing(path + ".queuing", "must not be empty if limited.limitResponse.type is Limited")
            }
        case let other: unsupported(path + ".type", .string(other), ["Queue", "Reject"])
        }
    }

    private mutating func queuing(_ queuing: Value, _ path: String) {
        func number(_ key: String) -> Int64 { queuing[key]?.integer ?? 0 }
        let (length, queues, hand) = (number("queueLengthLimit"), number("queues"), number("handSize"))
        if length <= 0 { invalid(path + ".queueLengthLimit", .integer(length), "must be positive") }
        if queues <= 0 {
            invalid(path + ".queues", .integer(queues), "must be positive")
        } else if queues > Self.mostQueues {
            invalid(path + ".queues", .integer(queues), "must not be greater than \(Self.mostQueues)")
        }
        if hand <= 0 {
            invalid(path + ".handSize", .integer(hand), "must be positive")
        } else if hand > queues {
            invalid(path + ".handSize", .integer(hand), "should not be greater than queues (\(queues))")
        } else if Self.needsMoreBits(hand, of: queues) {
            let why = "required entropy bits of deckSize \(queues) and handSize \(hand) should not be greater than "
            invalid(path + ".handSize", .integer(hand), why + "\(Int(Self.hashBits))")
        }
    }

    /// Whether a hand has more outcomes than the hash has: queues × (queues − 1) × ... of them.
    private static func needsMoreBits(_ hand: Int64, of queues: Int64) -> Bool {
        var outcomes = 1.0
        for taken in 0..<hand {
            outcomes *= Double(queues - taken)
            if outcomes > 0x1p60 { return true }
        }
        return false
    }
}
