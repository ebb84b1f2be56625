import APIMachinery

// The environment of a container: single variables, and all keys of a map.
extension FieldChecks {
    mutating func environment(_ container: Value, _ path: String, _ parts: PodParts) {
        for (variable, path) in container["env"].elements(path + ".env") {
            requiredName(variable["name"], .relaxedEnvironmentVariable, path + ".name")
            if let source = variable["valueFrom"] {
                valueSource(source, path + ".valueFrom", hasValue: !variable["value"].text.isEmpty, parts)
            }
        }
        let all = path + ".envFrom"
        for (source, path) in container["envFrom"].elements(all) {
            optionalName(source["prefix"], .relaxedEnvironmentVariable, path + ".prefix")
            let kinds = ["configMapRef", "secretRef"].filter { source[$0] != nil }
            for key in kinds { requiredName(source[key]["name"], .dns1123Subdomain, "\(path).\(key).name") }
            if kinds.isEmpty { invalid(all, "", "must specify one of: `configMapRef` or `secretRef`") }
            if kinds.count > 1 { invalid(all, "", "may not have more than one field specified at a time") }
        }
    }

    private static let noSource =
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"

    private mutating func valueSource(_ source: Value, _ path: String, hasValue: Bool, _ parts: PodParts) {
        if let field = source["fieldRef"] { fieldReference(field, Self.variableFields, path + ".fieldRef") }
        if let resource = source["resourceFieldRef"] {
            resourceReference(resource, path + ".resourceFieldRef", needsContainer: false)
        }
        for key in ["configMapKeyRef", "secretKeyRef"] {
            guard let reference = source[key] else { continue }
            name(reference["name"].text, .dns1123Subdomain, "\(path).\(key).name")
            requiredName(reference["key"], .configMapKey, "\(path).\(key).key")
        }
        if let file = source["fileKeyRef"] { fileReference(file, path + ".fileKeyRef", parts) }
        let count = source.fields?.count ?? 0
        if count == 0 {
            invalid(path, "", Self.noSource)
        } else if hasValue {
            invalid(path, "", "may not be specified when `value` is not empty")
        } else if count > 1 {
            invalid(path, "", "may not have more than one field specified at a time")
        }
    }

    /// A variable of a file that another container wrote (KEP-3721).
    private mutating func fileReference(_ file: Value, _ path: String, _ parts: PodParts) {
        requiredName(file["key"], .relaxedEnvironmentVariable, path + ".key")
        if require(file["volumeName"], path + ".volumeName") {
            let name = file["volumeName"].text
            if parts.volumes[name] == nil { add(FieldError(.notFound, path + ".volumeName", value: .string(name))) }
        }
        if require(file["path"], path + ".path") { unreservedPath(file["path"].text, path + ".path") }
    }

    // MARK: - The downward API

    private static let variableFields: Set<String> = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    static let fileFields: Set<String> = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]

    private static let convertibleFields = variableFields.union(fileFields).union([
        "spec.restartPolicy", "spec.schedulerName", "status.phase",
    ])

    /// A field of the pod itself: one of `supported`, or one label or annotation.
    mutating func fieldReference(_ reference: Value, _ supported: Set<String>, _ path: String) {
        guard require(reference["apiVersion"], path + ".apiVersion"),
            require(reference["fieldPath"], path + ".fieldPath")
        else { return }
        let field = reference["fieldPath"].text
        guard field.hasSuffix("']"), let start = field.firstIndex(of: "[") else {
            guard Self.convertibleFields.contains(field), reference["apiVersion"].text == "v1" else {
                let why = "error converting fieldPath: field label not supported: \(field)"
                return invalid(path + ".fieldPath", .string(field), why)
            }
            if !supported.contains(field) { unsupported(path + ".fieldPath", .string(field), supported.sorted()) }
            return
        }
        let key = String(field[start...].dropFirst(2).dropLast(2))
        switch field[..<start] {
        case "metadata.annotations": name(key.lowercased(), .qualifiedName, path)
        case "metadata.labels": name(key, .qualifiedName, path)
        case let parent: invalid(path, .string(String(parent)), "does not support subscript")
        }
    }

    private static let resourceFields = ["limits", "requests"].flatMap { list in
        ["cpu", "ephemeral-storage", "memory"].map { "\(list).\($0)" }
    }

    /// A limit or request of a container, divided by a round number.
    mutating func resourceReference(_ reference: Value, _ path: String, needsContainer: Bool) {
        let resource = reference["resource"].text
        let isHugePage = resource.hasPrefix("limits.hugepages-") || resource.hasPrefix("requests.hugepages-")
        if needsContainer, reference["containerName"].text.isEmpty {
            missing(path + ".containerName")
        } else if resource.isEmpty {
            missing(path + ".resource")
        } else if !isHugePage, !Self.resourceFields.contains(resource) {
            unsupported(path + ".resource", .string(resource), Self.resourceFields)
        }
        guard let divisor = reference["divisor"].quantity, !divisor.isZero else { return }
        let (texts, what) = Self.divisors(of: resource, isHugePage: isHugePage)
        guard !texts.isEmpty, !texts.contains(divisor.description) else { return }
        let list = texts.count == 2 ? "1m and 1" : texts.joined(separator: ", ")
        let why = "only divisor's values \(list) are supported with the \(what) resource"
        invalid(path + ".divisor", .string(resource), why)
    }

    private static let byteDivisors = [
        "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
    ]

    private static func divisors(of resource: String, isHugePage: Bool) -> ([String], String) {
        switch resource.drop(while: { $0 != "." }).dropFirst() {
        case "cpu": (["1m", "1"], "cpu")
        case "memory": (byteDivisors, "memory")
        case "ephemeral-storage": (byteDivisors, "local ephemeral storage")
        default: isHugePage ? (byteDivisors, "hugepages") : ([], "")
        }
    }
}
