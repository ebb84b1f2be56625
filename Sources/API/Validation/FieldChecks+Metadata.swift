import APIMachinery
import Support

extension FieldChecks {
    private static let annotationLimit = 256 * 1024

    /// The metadata of a whole object (API conventions, "Metadata").
    mutating func metadata(_ metadata: Value?, of definition: ResourceDefinition) {
        if metadata["name"].text.isEmpty { missing("metadata.name", "name or generateName is required") }
        let takesPlain = definition.type == nil || Self.plainFinalizerGroups.contains(definition.resource.group)
        self.metadata(
            metadata, Self.nameRule(definition.resource), isNamespaced: definition.isNamespaced,
            takesPlainFinalizers: takesPlain)
    }

    /// The metadata of an object whose name may be absent.
    mutating func metadata(
        _ metadata: Value?, _ rule: NameRule, isNamespaced: Bool, takesPlainFinalizers: Bool
    ) {
        let base = metadata["generateName"].text
        for problem in base.isEmpty ? [] : rule.problems(inPrefix: base) {
            invalid("metadata.generateName", .string(base), problem)
        }
        let name = metadata["name"].text
        if !name.isEmpty { self.name(name, rule, "metadata.name") }
        let namespace = metadata["namespace"].text
        if isNamespaced {
            requiredName(.string(namespace), .dns1123Label, "metadata.namespace")
        } else if !namespace.isEmpty {
            forbid("metadata.namespace", "not allowed on this type")
        }
        notNegative(metadata["generation"], "metadata.generation")
        labels(metadata["labels"], "metadata.labels")
        annotations(metadata["annotations"], "metadata.annotations")
        owners(metadata["ownerReferences"])
        finalizers(metadata["finalizers"], "metadata.finalizers", takesPlain: takesPlainFinalizers)
    }

    /// Groups whose finalizers need no domain, as those of custom resources: their API servers never asked for one.
    private static let plainFinalizerGroups: Set<String> = [
        "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
    ]

    /// Most names are subdomains; those that become a label of a DNS name, or only a word in a path, are not.
    private static func nameRule(_ resource: GroupVersionResource) -> NameRule {
        switch (resource.group, resource.resource) {
        case ("", "services"), ("", "namespaces"), ("apps", "statefulsets"): .dns1123Label
        case ("rbac.authorization.k8s.io", _), ("", "events"), ("policy", _): .pathSegment
        case ("networking.k8s.io", "ipaddresses"), ("apiregistration.k8s.io", _): .pathSegment
        case ("certificates.k8s.io", "certificatesigningrequests"): .pathSegment
        default: .dns1123Subdomain
        }
    }

    mutating func annotations(_ annotations: Value?, _ path: @autoclosure () -> String) {
        var size = 0
        for (key, value) in annotations.entries {
            let problems = NameRule.qualifiedName.problems(in: key.lowercased())
            for problem in problems { invalid(path(), .string(key), problem) }
            size += key.utf8.count + (value.string ?? "").utf8.count
        }
        if size > Self.annotationLimit { add(.tooLong(path(), limit: Self.annotationLimit)) }
    }

    private mutating func owners(_ owners: Value?) {
        var controller = ""
        let path = "metadata.ownerReferences"
        for owner in owners.items {
            let version = owner["apiVersion"].text.split(separator: "/", omittingEmptySubsequences: false)
            if version.count > 2 || version.last?.isEmpty != false {
                invalid("\(path).apiVersion", .string(owner["apiVersion"].text), "version must not be empty")
            }
            for key in ["kind", "name", "uid"] where owner[key].text.isEmpty {
                invalid("\(path).\(key)", "", "must not be empty")
            }
            let kind = owner["kind"].text
            if kind == "Event", owner["apiVersion"].text == "v1" {
                invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")
            }
            guard owner["controller"].isTrue else { continue }
            let named = kind + "/" + owner["name"].text
            if controller.isEmpty {
                controller = named
            } else {
                invalid(
                    path, owners,
                    "Only one reference can have Controller set to true. Found \"true\" in references for "
                        + "\(controller) and \(named)")
            }
        }
    }

    private mutating func finalizers(_ finalizers: Value?, _ path: @autoclosure () -> String, takesPlain: Bool) {
        guard finalizers.isFilled else { return }
        let path = path()
        let texts = finalizers.items.map { $0.string ?? "" }
        for text in texts { name(text, .qualifiedName, path) }
        if !takesPlain {
            for (index, text) in texts.enumerated() { standardFinalizer(text, "\(path)[\(index)]") }
        }
        if texts.contains("orphan"), texts.contains("foregroundDeletion") {
            invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")
        }
    }

    /// A finalizer without a domain is one of Kubernetes' own.
    mutating func standardFinalizer(_ text: String, _ path: @autoclosure () -> String) {
        guard !text.contains("/"), !["kubernetes", "orphan", "foregroundDeletion"].contains(text) else { return }
        invalid(path(), .string(text), "name is neither a standard finalizer name nor is it fully qualified")
    }

    /// The metadata of what is made from a template: labels and annotations, nothing else.
    mutating func templateMetadata(_ metadata: Value?, _ path: @autoclosure () -> String) {
        guard let fields = metadata?.fields, !fields.isEmpty else { return }
        let path = path()
        annotations(fields["annotations"], path + ".annotations")
        labels(fields["labels"], path + ".labels")
        for (key, value) in fields where key != "annotations" && key != "labels" && Optional(value).isFilled {
            forbid("\(path).\(key)", "cannot be set")
        }
    }
}
