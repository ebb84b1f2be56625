import API
import APIMachinery
import PKI
import Support
import Synchronization

/// What is wrong with the definition of a custom resource (Kubernetes' `validation.go` of its API extensions).
///
/// A definition is large, and most updates change its status alone: a spec that was found good is not judged again.
final class DefinitionValidation: ObjectValidation {
    private let builtin: any ObjectValidation
    private let goodSpec = Mutex<[UInt8]>([])

    init(_ builtin: any ObjectValidation) { self.builtin = builtin }

    func validate(_ object: Value) -> [FieldError] {
        plain(object) + spec(object) + DefinitionRules.nameErrors(in: object)
            + DefinitionRules.storedVersionErrors(in: object) + DefinitionRules.approvalErrors(in: object, over: nil)
    }

    /// What was stored under other rules stays good as long as nobody changes it.
    func validate(_ object: Value, replacing current: Value, _ notes: AdmissionNotes) -> [FieldError] {
        var errors = plain(object)
        if object["spec"] != current["spec"] {
            errors += spec(object) + DefinitionRules.storedVersionErrors(in: object)
        }
        return errors + DefinitionRules.approvalErrors(in: object, over: current)
    }

    /// By the table of the kind, which knows nothing of the spec that the rules here do not say in Kubernetes' words.
    private func plain(_ object: Value) -> [FieldError] {
        builtin.validate(object).filter { !$0.field.hasPrefix("spec.") }
    }

    private func spec(_ object: Value) -> [FieldError] {
        let digest = Digest.sha256((object["spec"] ?? .null).json)
        guard goodSpec.withLock({ $0 != digest }) else { return [] }
        let errors = DefinitionRules.errors(in: object)
        if errors.isEmpty { goodSpec.withLock { $0 = digest } }
        return errors
    }

    func validateUpdate(_ object: Value, over current: Value, asked: GroupVersionResource) -> [FieldError] {
        builtin.validateUpdate(object, over: current, asked: asked) + DefinitionRules.updateErrors(object, over: current)
    }
}

/// The rules one by one. Pure; messages are Kubernetes'.
struct DefinitionRules {
    var errors: [FieldError] = []

    private static let stages = ["Cluster", "Namespaced"]

    /// What is wrong with a spec.
    static func errors(in object: Value) -> [FieldError] {
        var rules = DefinitionRules()
        let spec = object["spec"] ?? .emptyObject
        rules.checkGroup(spec)
        rules.checkVersions(spec)
        rules.checkNames(spec["names"] ?? .emptyObject)
        rules.checkConversion(spec["conversion"] ?? .emptyObject)
        return rules.errors
    }

    /// What is wrong with the definition's own name.
    static func nameErrors(in object: Value) -> [FieldError] {
        var errors: [FieldError] = []
        let definition = CustomDefinition(object)
        let wanted = "\(definition.names.plural).\(definition.group)"
        if definition.name != wanted, !definition.name.isEmpty {
            errors.append(
                .invalid(
                    "metadata.name", value: .string(definition.name), "must be spec.names.plural+\".\"+spec.group"))
        }
        return errors
    }

    /// What is wrong with the approval of a definition in one of Kubernetes' own groups (KEP-1111); one that was as wrong
    /// before is let be.
    static func approvalErrors(in object: Value, over current: Value?) -> [FieldError] {
        guard let approval = DefinitionConditions.approval(CustomDefinition(object)) else { return [] }
        if let current, DefinitionConditions.approval(CustomDefinition(current))?.reason == approval.reason { return [] }
        let annotation = DefinitionConditions.approvalAnnotation
        let path = "metadata.annotations[\(annotation)]"
        switch approval.reason {
        case .missing: return [.required(path, approval.message)]
        case .invalid:
            let value = object.at("metadata", "annotations", annotation) ?? ""
            return [.invalid(path, value: value, approval.message)]
        case .approved, .unapproved: return []
        }
    }

    /// What is wrong with the versions that objects may lie in.
    static func storedVersionErrors(in object: Value) -> [FieldError] {
        let definition = CustomDefinition(object)
        let stored = definition.storedVersions
        let path = "status.storedVersions"
        guard !stored.isEmpty else { return [.invalid(path, value: [], "must have at least one stored version")] }
        var errors: [FieldError] = []
        if let storage = definition.storageVersion?.name, !stored.contains(storage) {
            errors.append(.invalid(path, value: Value(stored), "must have the storage version \(storage)"))
        }
        let names = Set(definition.versions.map(\.name))
        for (index, name) in stored.enumerated() where !names.contains(name) {
            errors.append(
                .invalid(
                    "\(path)[\(index)]", value: .string(name),
                    "missing from spec.versions; \(name) was previously a storage version, and must remain in "
                        + "spec.versions until a storage migration ensures no data remains persisted in \(name) and "
                        + "removes \(name) from status.storedVersions"))
        }
        return errors
    }

    static func updateErrors(_ object: Value, over current: Value) -> [FieldError] {
        var errors: [FieldError] = []
        func keep(_ path: String...) {
            let (new, old) = (object["spec"]?[path: path], current["spec"]?[path: path])
            guard new != old else { return }
            let field = (["spec"] + path).joined(separator: ".")
            errors.append(.invalid(field, value: new ?? .null, "field is immutable"))
        }
        keep("group")
        keep("names", "plural")
        let before = CustomDefinition(current)
        if before.isTrue("Established") {
            keep("scope")
            keep("names", "kind")
            // Nobody could be served any more; one that was of no use before may stay so.
            if object["spec"] != current["spec"], before.authorityProblem == nil,
                let problem = CustomDefinition(object).authorityProblem
            {
                let bundle = object.at("spec", "conversion", "webhook", "clientConfig", "caBundle") ?? ""
                errors.append(.invalid("spec.conversion.webhookClientConfig.caBundle", value: bundle, problem))
            }
        }
        return errors
    }

    // MARK: Group, scope, names

    private mutating func checkGroup(_ spec: Value) {
        let group = spec["group"]?.string ?? ""
        if group.isEmpty {
            errors.append(.required("spec.group"))
        } else {
            name(group, .dns1123Subdomain, "spec.group")
            if NameRule.dns1123Subdomain.accepts(group), !group.contains(".") {
                errors.append(.invalid("spec.group", value: .string(group), "should be a domain with at least one dot"))
            }
        }
        let scope = spec["scope"]?.string ?? ""
        if !Self.stages.contains(scope) {
            errors.append(
                scope.isEmpty
                    ? .required("spec.scope")
                    : .notSupported("spec.scope", value: .string(scope), supported: Self.stages))
        }
        if spec["preserveUnknownFields"] == true {
            errors.append(
                .invalid(
                    "spec.preserveUnknownFields", value: true,
                    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                        + "spec.versions[*].schema instead"))
        }
    }

    private mutating func checkNames(_ names: Value) {
        let path = "spec.names"
        func text(_ key: String) -> String { names[key]?.string ?? "" }
        for key in ["plural", "singular", "kind", "listKind"] where text(key).isEmpty {
            errors.append(.required("\(path).\(key)"))
        }
        for key in ["plural", "singular"] where !text(key).isEmpty { name(text(key), .dns1035Label, "\(path).\(key)") }
        for key in ["kind", "listKind"] where !text(key).isEmpty {
            let problems = NameRule.dns1035Label.problems(in: text(key).lowercased())
            if problems.isEmpty { continue }
            errors.append(
                .invalid(
                    "\(path).\(key)", value: .string(text(key)),
                    "may have mixed case, but should otherwise match: " + problems.joined(separator: ",")))
        }
        for key in ["shortNames", "categories"] {
            for (index, entry) in (names[key]?.array ?? []).enumerated() {
                name(entry.string ?? "", .dns1035Label, "\(path).\(key)[\(index)]")
            }
        }
        if text("kind") == text("listKind"), !text("kind").isEmpty {
            errors.append(
                .invalid("\(path).listKind", value: .string(text("listKind")), "kind and listKind may not be the same"))
        }
    }

    mutating func name(_ text: String, _ rule: NameRule, _ path: String) {
        let problems = rule.problems(in: text)
        if problems.isEmpty { return }
        errors.append(.invalid(path, value: .string(text), problems.joined(separator: ",")))
    }

    // MARK: Conversion

    /// Errors name the places of the oldest version of the API, as Kubernetes' do.
    private mutating func checkConversion(_ conversion: Value) {
        let path = "spec.conversion"
        let client = path + ".webhookClientConfig"
        let config = conversion.at("webhook", "clientConfig")
        let strategy = conversion["strategy"]?.string ?? ""
        guard strategy == "Webhook" else {
            if strategy.isEmpty {
                errors.append(.required(path + ".strategy"))
            } else if strategy != "None" {
                errors.append(
                    .notSupported(path + ".strategy", value: .string(strategy), supported: ["None", "Webhook"]))
            }
            let why = "should not be set when strategy is not set to Webhook"
            if config != nil { errors.append(.forbidden(client, why)) }
            if conversion.at("webhook", "conversionReviewVersions")?.array?.isEmpty == false {
                errors.append(.forbidden(path + ".conversionReviewVersions", why))
            }
            return
        }
        if let config {
            errors += BuiltinValidation.validateWebhookClient(config, at: client)
        } else {
            errors.append(.required(client, "required when strategy is set to Webhook"))
        }
        checkReviewVersions(conversion.at("webhook", "conversionReviewVersions"), path + ".conversionReviewVersions")
    }

    private mutating func checkReviewVersions(_ value: Value?, _ path: String) {
        let versions = (value?.array ?? []).compactMap(\.string)
        guard !versions.isEmpty else { return errors.append(.required(path)) }
        for (index, version) in versions.enumerated() {
            if versions[..<index].contains(version) {
                errors.append(.invalid("\(path)[\(index)]", value: .string(version), "duplicate version"))
            } else {
                name(version, .dns1035Label, "\(path)[\(index)]")
            }
        }
        if !versions.contains(where: ConversionWebhook.reviewVersions.contains) {
            errors.append(
                .invalid(path, value: Value(versions), "must include at least one of v1, v1beta1"))
        }
    }
}
