import APIMachinery
import Support

/// What the status of a definition says: which names it gets, and whether it is served (Kubernetes' naming and
/// establishing controllers). Pure.
struct DefinitionConditions {
    let now: Timestamp

    /// The names that others in the group have already.
    struct Taken {
        var resources: Set<String> = []
        var kinds: Set<String> = []

        mutating func add(_ names: CustomDefinition.Names) {
            resources.formUnion([names.plural, names.singular] + names.shortNames)
            kinds.formUnion([names.kind, names.listKind])
            resources.remove("")
            kinds.remove("")
        }
    }

    /// The status that the definition should have, beyond what deletion says about it.
    func status(of definition: CustomDefinition, _ taken: Taken) -> Value {
        var status = definition.value["status"] ?? .emptyObject
        let (accepted, conflict) = names(definition, taken)
        status["acceptedNames"] = accepted.value
        var conditions = status["conditions"]?.array ?? []
        if let conflict {
            set(&conditions, "NamesAccepted", false, conflict.reason, conflict.message)
        } else {
            set(&conditions, "NamesAccepted", true, "NoConflicts", "no conflicts found")
        }
        if conflict == nil, !definition.isTrue("Established"), let problem = definition.authorityProblem {
            set(&conditions, "Established", false, "InvalidCABundle", problem)
        } else if conflict == nil || definition.isTrue("Established") {
            set(&conditions, "Established", true, "InitialNamesAccepted", "the initial names have been accepted")
        } else {
            set(&conditions, "Established", false, "NotAccepted", "not all names are accepted")
        }
        let faults = Self.structuralFaults(definition)
        if !faults.isEmpty {
            set(&conditions, "NonStructuralSchema", true, "Violations", faults)
        } else {
            conditions.removeAll { $0["type"] == "NonStructuralSchema" }
        }
        if let approval = Self.approval(definition) {
            set(
                &conditions, "KubernetesAPIApprovalPolicyConformant", approval.reason == .approved,
                approval.reason.rawValue, approval.message)
        }
        // It is served so from here on: who changed the definition can wait for that.
        status["observedGeneration"] = definition.value.at("metadata", "generation")
        status["conditions"] = Self.observed(conditions, of: definition)
        return status
    }

    /// The conditions as said of the present definition. Whoever sets one says so of all: two writers that differ in this
    /// would write for ever.
    private static func observed(_ conditions: [Value], of definition: CustomDefinition) -> Value {
        let generation = definition.value.at("metadata", "generation")
        return .array(
            conditions.map { condition in
                var condition = condition
                condition["observedGeneration"] = generation
                return condition
            })
    }

    /// The status while objects wait for those who hold them back.
    func statusInDeletion(of definition: CustomDefinition) -> Value {
        var status = definition.value["status"] ?? .emptyObject
        var conditions = status["conditions"]?.array ?? []
        set(
            &conditions, "Terminating", true, "InstanceDeletionInProgress", "CustomResource deletion is in progress")
        status["conditions"] = Self.observed(conditions, of: definition)
        return status
    }

    /// Changes a condition, or adds it; its time stays while its status does.
    func set(
        _ conditions: inout [Value], _ type: String, _ isTrue: Bool, _ reason: String, _ message: String
    ) {
        var condition: Value = [
            "type": .string(type), "status": isTrue ? "True" : "False", "reason": .string(reason),
            "message": .string(message), "lastTransitionTime": .string(now.description),
        ]
        guard let index = conditions.firstIndex(where: { $0["type"]?.string == type }) else {
            return conditions.append(condition)
        }
        if conditions[index]["status"] == condition["status"] {
            condition["lastTransitionTime"] = conditions[index]["lastTransitionTime"]
        }
        conditions[index] = condition
    }

    /// What keeps schemas from being structural. No such definition can be written; one may have been taken over from
    /// another server's state.
    private static func structuralFaults(_ definition: CustomDefinition) -> String {
        let faults = definition.versions.enumerated().flatMap { index, version in
            StructuralRules.errors(in: version.schema, at: "spec.versions[\(index)].schema.openAPIV3Schema")
        }
        let texts = faults.map(\.description)
        return texts.count > 1 ? "[" + texts.joined(separator: ", ") + "]" : texts.joined()
    }

    // MARK: Names

    /// The names that it keeps or gets, and the last reason why it does not get all that it wants.
    private func names(
        _ definition: CustomDefinition, _ taken: Taken
    ) -> (CustomDefinition.Names, (reason: String, message: String)?) {
        let wanted = definition.names
        var accepted = definition.acceptedNames
        var conflict: (reason: String, message: String)?
        func take(
            _ text: String, _ taken: Set<String>, _ reason: String, _ accept: (inout CustomDefinition.Names) -> Void
        ) {
            if taken.contains(text) {
                conflict = (reason, "\"\(text)\" is already in use")
            } else {
                accept(&accepted)
            }
        }
        take(wanted.plural, taken.resources, "PluralConflict") { $0.plural = wanted.plural }
        take(wanted.singular, taken.resources, "SingularConflict") { $0.singular = wanted.singular }
        let clashes = wanted.shortNames.filter(taken.resources.contains)
        if clashes.isEmpty {
            accepted.shortNames = wanted.shortNames
        } else {
            let list = clashes.map { "\"\($0)\" is already in use" }
            let message = list.count == 1 ? list[0] : "[" + list.joined(separator: ", ") + "]"
            conflict = ("ShortNamesConflict", message)
        }
        take(wanted.kind, taken.kinds, "KindConflict") { $0.kind = wanted.kind }
        take(wanted.listKind, taken.kinds, "ListKindConflict") { $0.listKind = wanted.listKind }
        accepted.categories = wanted.categories
        return (accepted, conflict)
    }

    // MARK: Protected groups

    static let approvalAnnotation = "api-approved.kubernetes.io"

    /// Whether the group is Kubernetes' own, whose kinds need somebody's approval.
    static func isProtected(_ group: String) -> Bool {
        ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix("." + $0) }
    }

    /// What somebody said of the kind; the raw value is the reason of the condition.
    enum ApprovalReason: String {
        case approved = "ApprovedAnnotation"
        case unapproved = "UnapprovedAnnotation"
        case missing = "MissingAnnotation"
        case invalid = "InvalidAnnotation"
    }

    /// What the annotation says (KEP-1111); `nil` for groups that are not protected.
    static func approval(_ definition: CustomDefinition) -> (reason: ApprovalReason, message: String)? {
        guard isProtected(definition.group) else { return nil }
        let value = definition.value.at("metadata", "annotations", approvalAnnotation)?.string ?? ""
        let demand = "protected groups must have approval annotation \"\(approvalAnnotation)\""
        let link = ", see https://github.com/kubernetes/enhancements/pull/1111"
        if value.isEmpty { return (.missing, demand + link) }
        if value.hasPrefix("unapproved") { return (.unapproved, "not approved: \(GoText.quoted(value))") }
        if isAddress(value) { return (.approved, "approved in \(value)") }
        return (.invalid, demand + " with either a URL or a reason starting with \"unapproved\"" + link)
    }

    /// Whether the text is a URL with a host.
    private static func isAddress(_ text: String) -> Bool {
        let scheme = text.prefix { $0 != ":" }
        let rest = text.dropFirst(scheme.count)
        guard let first = scheme.first, first.isASCII, first.isLetter, rest.hasPrefix("://"),
            scheme.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }),
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return false }
        let authority = rest.dropFirst(3).prefix { !"/?".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return !host.isEmpty && !host.contains(" ")
    }
}
