import APIMachinery
import Client

/// What the options of a request may say, wherever they stand: the 422 answers to those that cannot be meant.
enum OptionRules {
    /// What the name of a manager may have at most, in bytes.
    static let fieldManagerLimit = 128

    /// What a write says of itself beside its object.
    struct Write {
        /// `CreateOptions`, `UpdateOptions` or `PatchOptions`.
        var kind: String
        var dryRun: [String] = []
        var fieldValidation = ""
        var fieldManager = ""
        /// `nil` when nothing is said.
        var force: Bool?
        /// Whether this is a server-side apply; only that can be forced, and it must name its manager.
        var isApply = false
    }

    /// The options of a write (`meta/v1.CreateOptions`, `UpdateOptions`, `PatchOptions`).
    static func check(_ write: Write) throws(Status) {
        let (fieldManager, fieldValidation) = (write.fieldManager, write.fieldValidation)
        var errors: [FieldError] = []
        if write.isApply, fieldManager.isEmpty {
            errors.append(.required("fieldManager", "is required for apply patch"))
        }
        if !write.isApply, write.force != nil {
            errors.append(.forbidden("force", "may not be specified for non-apply patch"))
        }
        errors += Self.dryRun(write.dryRun)
        if fieldManager.utf8.count > fieldManagerLimit {
            errors.append(.tooLong("fieldManager", limit: fieldManagerLimit))
        }
        for (position, scalar) in fieldManager.unicodeScalars.enumerated() where !scalar.isPrintable {
            let code = String(scalar.value, radix: 16, uppercase: true)
            let name = String(repeating: "0", count: max(0, 4 - code.count)) + code
            errors.append(
                .invalid(
                    "fieldManager", value: .string(fieldManager), "invalid character U+\(name) (at position \(position))"))
        }
        if !fieldValidation.isEmpty, FieldValidation(rawValue: fieldValidation) == nil {
            errors.append(
                .notSupported(
                    "fieldValidation", value: .string(fieldValidation), supported: ["", "Ignore", "Strict", "Warn"]))
        }
        try refuse(write.kind, errors)
    }

    /// `meta/v1.DeleteOptions`.
    static func checkDeletion(dryRun: [String], propagationPolicy: String?, orphanDependents: Bool?) throws(Status) {
        var errors = Self.dryRun(dryRun)
        if let propagationPolicy {
            let field = "propagationPolicy"
            if orphanDependents != nil {
                errors.append(
                    .invalid(
                        field, value: .string(propagationPolicy),
                        "orphanDependents and deletionPropagation cannot be both set"))
            }
            let known = ["Foreground", "Background", "Orphan"]
            if !known.contains(propagationPolicy) {
                errors.append(.notSupported(field, value: .string(propagationPolicy), supported: known + ["nil"]))
            }
        }
        try refuse("DeleteOptions", errors)
    }

    /// What options that passed ``checkDeletion(dryRun:propagationPolicy:orphanDependents:)`` say of dependents.
    /// `orphanDependents` is the older way to say it: `false` leaves nothing to the kind's own habit.
    static func propagation(_ policy: String?, orphanDependents: Bool?) -> DeletionOptions.Propagation? {
        policy.flatMap(DeletionOptions.Propagation.init) ?? orphanDependents.map { $0 ? .orphan : .background }
    }

    /// `meta/v1.ListOptions` of a list: how `resourceVersionMatch` goes with the rest.
    static func checkList(
        match: String, revision: String, continuation: String, sendsInitialEvents: String?
    ) throws(Status) {
        let field = "resourceVersionMatch"
        var errors: [FieldError] = []
        if !match.isEmpty {
            if revision.isEmpty {
                errors.append(.forbidden(field, "\(field) is forbidden unless resourceVersion is provided"))
            }
            if !continuation.isEmpty {
                errors.append(.forbidden(field, "\(field) is forbidden when continue is provided"))
            }
            if match != "Exact", match != "NotOlderThan" {
                errors.append(.notSupported(field, value: .string(match), supported: ["Exact", "NotOlderThan", ""]))
            }
            if match == "Exact", revision == "0" {
                errors.append(.forbidden(field, "\(field) \"exact\" is forbidden for resourceVersion \"0\""))
            }
        }
        if sendsInitialEvents != nil {
            errors.append(.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        }
        try refuse("ListOptions", errors)
    }

    /// `meta/v1.ListOptions` of a watch (KEP-3157).
    static func checkWatch(match: String, continuation: String, sendsInitialEvents: String?) throws(Status) {
        let field = "resourceVersionMatch"
        var errors: [FieldError] = []
        if sendsInitialEvents != nil, match != "NotOlderThan" {
            errors.append(
                .forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
        }
        if !match.isEmpty {
            if sendsInitialEvents == nil {
                errors.append(
                    .forbidden(field, "\(field) is forbidden for watch unless sendInitialEvents is provided"))
            }
            if match != "NotOlderThan" {
                errors.append(.notSupported(field, value: .string(match), supported: ["NotOlderThan"]))
            }
            if !continuation.isEmpty {
                errors.append(.forbidden(field, "\(field) is forbidden when continue is provided"))
            }
        }
        try refuse("ListOptions", errors)
    }

    private static func dryRun(_ values: [String]) -> [FieldError] {
        guard !values.allSatisfy({ $0 == "All" }) else { return [] }
        return [.notSupported("dryRun", value: Value(values), supported: ["All"])]
    }

    private static func refuse(_ kind: String, _ errors: [FieldError]) throws(Status) {
        guard !errors.isEmpty else { return }
        throw .invalid(GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: kind), "", errors)
    }
}
