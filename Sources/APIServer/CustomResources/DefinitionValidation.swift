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
        var errors = builtin.validate(object)
        let digest = Digest.sha256((object["spec"] ?? .null).json)
        if goodSpec.withLock({ $0 != digest }) {
            let found = DefinitionRules.errors(in: object)
            errors += found
            if found.isEmpty { goodSpec.withLock { $0 = digest } }
        }
        return errors + DefinitionRules.nameErrors(in: object)
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
        rules.checkNames(spec["names"] ?? .emptyObject)
        rules.checkVersions(spec)
        rules.checkConversion(spec["conversion"] ?? .emptyObject)
        return rules.errors
    }

    /// What is wrong with the definition's own name and its status.
    static func nameErrors(in object: Value) -> [FieldError] {
        var errors: [FieldError] = []
        let definition = CustomDefinition(object)
        let wanted = "\(definition.names.plural).\(definition.group)"
        if definition.name != wanted, !definition.name.isEmpty {
            errors.append(
                .invalid(
                    "metadata.name", value: .string(definition.name), "must be spec.names.plural+\".\"+spec.group"))
        }
        let annotation = object.at("metadata", "annotations", DefinitionConditions.approvalAnnotation)?.string ?? ""
        if DefinitionConditions.isProtected(definition.group), annotation.isEmpty {
            errors.append(
                .required(
                    "metadata.annotations[\(DefinitionConditions.approvalAnnotation)]",
                    "protected groups must have approval annotation \"\(DefinitionConditions.approvalAnnotation)\", see "
                        + "https://github.com/kubernetes/enhancements/pull/1111"))
        }
        return errors + storedVersionErrors(definition)
    }

    private static func storedVersionErrors(_ definition: CustomDefinition) -> [FieldError] {
        let stored = definition.storedVersions
        let path = "status.storedVersions"
        guard !stored.isEmpty else { return [.invalid(path, value: [], "must have at least one stored version")] }
        var errors: [FieldError] = []
        let names = Set(definition.versions.map(\.name))
        for (index, name) in stored.enumerated() {
            if stored[..<index].contains(name) {
                errors.append(.invalid("\(path)[\(index)]", value: .string(name), "must be unique"))
            }
            if !names.contains(name) {
                errors.append(
                    .invalid(
                        "\(path)[\(index)]", value: .string(name),
                        "missing from spec.versions; \(name) was previously a storage version, and must remain in "
                            + "spec.versions until a storage migration ensures no data remains persisted in \(name) and "
                            + "removes \(name) from status.storedVersions"))
            }
        }
        if let storage = definition.storageVersion?.name, !stored.contains(storage) {
            errors.append(
                .invalid(path, value: Value(stored), "must have the storage version \(storage)"))
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
        if CustomDefinition(current).isTrue("Established") {
            keep("scope")
            keep("names", "kind")
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
            if !group.contains(".") {
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
            for problem in NameRule.dns1035Label.problems(in: text(key).lowercased()) {
                errors.append(
                    .invalid(
                        "\(path).\(key)", value: .string(text(key)),
                        "may have mixed case, but should otherwise match: " + problem))
            }
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
        for problem in rule.problems(in: text) { errors.append(.invalid(path, value: .string(text), problem)) }
    }

    // MARK: Conversion

    private mutating func checkConversion(_ conversion: Value) {
        let path = "spec.conversion"
        switch conversion["strategy"]?.string ?? "" {
        case "None":
            if conversion["webhook"] != nil {
                errors.append(
                    .forbidden(path + ".webhook", "should not be set when strategy is not set to Webhook"))
            }
        case "Webhook":
            guard let webhook = conversion["webhook"] else {
                errors.append(.required(path + ".webhook.clientConfig", "required when strategy is set to Webhook"))
                return
            }
            checkWebhook(webhook, path + ".webhook")
        case "": errors.append(.required(path + ".strategy"))
        case let other:
            errors.append(
                .notSupported(path + ".strategy", value: .string(other), supported: ["None", "Webhook"]))
        }
    }

    private mutating func checkWebhook(_ webhook: Value, _ path: String) {
        let config = webhook["clientConfig"] ?? .emptyObject
        let (hasURL, hasService) = (config["url"] != nil, config["service"] != nil)
        if webhook["clientConfig"] == nil {
            errors.append(.required(path + ".clientConfig", "required when strategy is set to Webhook"))
        } else if hasURL == hasService {
            errors.append(.required(path + ".clientConfig", "exactly one of url or service is required"))
        }
        if let url = config["url"]?.string, !url.hasPrefix("https://") {
            errors.append(
                .invalid(path + ".clientConfig.url", value: .string(url), "'https' is the only allowed URL scheme"))
        }
        let versions = (webhook["conversionReviewVersions"]?.array ?? []).compactMap(\.string)
        if versions.isEmpty {
            errors.append(.required(path + ".conversionReviewVersions"))
        } else if !versions.contains(where: ["v1", "v1beta1"].contains) {
            errors.append(
                .invalid(
                    path + ".conversionReviewVersions", value: Value(versions),
                    "must include at least one of v1, v1beta1"))
        }
    }
}
